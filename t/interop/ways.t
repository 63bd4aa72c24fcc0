#!/usr/bin/perl
# Proxies and a command of other makers: microsocks and Dante (SOCKS5), tinyproxy (CONNECT),
# socat (connect_command), each with and without what it can ask for.
use strict;
use warnings;
use FindBin;
use IO::Socket::INET;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;

my $unpacked = build() . '/interop/root/usr';
my %me = (user => 'me@example.test', password => 'pass w0rd');
my @login = ('proxyuser', 'proxy-w0rd');
my @running;

END { local $?; kill 'KILL', @running; waitpid $_, 0 for @running }

SendoffTest::Secrets::known($login[1]);
plan skip_all => 'no packages to be had here' if !-d $unpacked;

# What t/interop/fetch.sh has unpacked, else what the system has.
sub program
{
	my ($name) = @_;
	my ($path) = grep { -x } map { ("$unpacked/$_/$name", "/usr/$_/$name") } qw(bin sbin);

	return $path // BAIL_OUT("no $name");
}

sub free_port
{
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1, ReuseAddr => 1) or die "listen: $!\n";

	return $listen->sockport;
}

# Starts it; returns where its words go, when somebody listens at the port.
sub run
{
	my ($port, @command) = @_;
	my $log = workdir() . "/log-$port";
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		$ENV{LD_LIBRARY_PATH} = join ':', glob "$unpacked/lib/*-linux-gnu*";
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', $log;
		open STDERR, '>&', \*STDOUT;
		exec @command or POSIX::_exit(127);
	}
	push @running, $pid;
	SendoffTest::Secrets::own($log);
	wait_until(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) }, 10) or
		BAIL_OUT("$command[0] does not listen: " . file_read($log));
	return $log;
}

sub microsocks
{
	my ($port, $login) = @_;

	return run($port, program('microsocks'), '-i', '127.0.0.1', '-p', $port, $login ? ('-u', $login[0], '-P', $login[1]) : ());
}

sub tinyproxy
{
	my ($port, $login, @more) = @_;
	my $config = file_write(workdir() . "/tinyproxy-$port.conf", join '', map { "$_\n" } "Port $port", 'Listen 127.0.0.1',
		'Timeout 60', 'LogLevel Connect', $login ? "BasicAuth $login[0] $login[1]" : (), @more);

	return run($port, program('tinyproxy'), '-d', '-c', $config);
}

sub dante
{
	my ($port) = @_;
	my $config = file_write(workdir() . "/dante-$port.conf", <<"END", 0644);
logoutput: stderr
internal: 127.0.0.1 port = $port
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {
	from: 127.0.0.0/8 to: 0.0.0.0/0
}
socks pass {
	from: 127.0.0.0/8 to: 127.0.0.0/8
	command: connect
}
socks block {
	from: 0.0.0.0/0 to: 0.0.0.0/0
}
END

	return run($port, program('danted'), '-f', $config);
}

sub through
{
	my ($s, $url, %keys) = @_;

	return account($s, host => 'localhost', tls => 'starttls', %me, proxy => $url, connect_timeout => '10s', %keys);
}

sub now { return send_mail($_[0], ['send', '--no-queue', 'you@example.net']) }

sub arrives
{
	my ($name, $url, %keys) = @_;

	for my $tls (qw(starttls implicit)) {
		my $s = server_start(tls => $tls, %me);
		my $r = now(through($s, $url, tls => $tls, %keys));

		is($r->{exit}, 0, "$name, $tls: sent") or diag($r->{err});
		is($s->stored, 1, '... once');
		is(($s->logins)[0], 'me@example.test PLAIN', '... logged in');
		is_deeply([$s->violations], [], '... by the rules');
	}
}

sub told_of
{
	my ($name, $cause, $config) = @_;
	my ($report, $r) = checked($config);

	is($report->{failed}{cause}, $cause, "$name: $cause") or diag($r->{out});
	return;
}

for my $kind (['socks5', \&microsocks], ['http', \&tinyproxy]) {
	my ($scheme, $start) = @$kind;

	for my $login (0, 1) {
		subtest "$scheme " . ($login ? 'with a login' : 'for all') => sub {
			my $port = free_port();
			my $log = $start->($port, $login);
			my $url = "$scheme://" . ($login ? "$login[0]:$login[1]@" : '') . "127.0.0.1:$port";
			my $s = server_start(tls => 'starttls', %me);

			arrives($scheme, $url);
			like(file_read($log), qr/localhost\b/, 'it was asked for a name');
			told_of('nobody there', 'proxy-cannot-reach', through(nobody(), $url));
			told_of('a name that does not exist', 'proxy-cannot-reach',
				through($s, $url, host => 'no-such-name.invalid'));
			return if !$login;
			told_of('without a login', 'proxy-login-wanted', through($s, "$scheme://127.0.0.1:$port"));
			told_of('a wrong one', 'proxy-login-refused',
				through($s, "$scheme://$login[0]:wrong-w0rd\@127.0.0.1:$port"));
			is(scalar(() = $s->logins), 0, 'nobody came through');
		};
	}
}

subtest 'the other kind of proxy' => sub {
	my ($socks, $http) = (free_port(), free_port());
	my $s = server_start(tls => 'starttls', %me);

	microsocks($socks);
	tinyproxy($http);
	told_of('HTTP at a SOCKS5 proxy', 'proxy-not-one', through($s, "http://127.0.0.1:$socks"));
	# It waits for the end of a line.
	told_of('SOCKS5 at an HTTP proxy', 'proxy-no-answer', through($s, "socks5://127.0.0.1:$http", connect_timeout => '3s'));
	told_of('a mail server as SOCKS5 proxy', 'proxy-not-one', through($s, 'socks5://127.0.0.1:' . server_start()->port));
	told_of('a mail server as HTTP proxy', 'proxy-not-one', through($s, 'http://127.0.0.1:' . server_start()->port));
};

subtest 'an HTTP proxy that lets port 443 through alone' => sub {
	my $port = free_port();

	tinyproxy($port, 0, 'ConnectPort 443');
	told_of('another port', 'proxy-forbids', through(server_start(tls => 'starttls', %me), "http://127.0.0.1:$port"));
};

subtest 'Dante' => sub {
	plan skip_all => 'Dante wants to be root' if $> != 0;
	my $port = free_port();

	dante($port);
	arrives('Dante', "socks5://127.0.0.1:$port");
	told_of('what its rules do not allow', 'proxy-forbids', through(server_start(tls => 'starttls', %me),
		"socks5://127.0.0.1:$port", host => '192.0.2.1'));
};

subtest 'socat' => sub {
	my $libraries = join ':', glob "$unpacked/lib/*-linux-gnu*";
	my $socat = "LD_LIBRARY_PATH=$libraries exec " . program('socat');

	for my $tls (qw(starttls implicit)) {
		my $s = server_start(tls => $tls, %me);
		my $r = now(account($s, host => 'localhost', port => undef, tls => $tls, %me,
			connect_command => "$socat - TCP4:127.0.0.1:" . $s->port));

		is($r->{exit}, 0, "$tls: sent") or diag($r->{err});
		is($s->stored, 1, '... once');
	}
	my $s = server_start(%me);
	my $r = now(account($s, host => 'localhost', port => undef, tls => 'off',
		connect_command => "$socat - TCP4:127.0.0.1:" . nobody()->port));
	is($r->{exit}, 75, 'nobody there');
	like($r->{err}, qr/connect_command failed: exit status 1: .*Connection refused/, "in socat's words");
};

subtest 'openssl s_client makes the TLS of a command' => sub {
	my $s = server_start(tls => 'implicit', %me);
	my $r = now(account($s, host => 'localhost', port => undef, tls => 'off', from => 'me@example.test',
		user => undef, connect_command => 'exec openssl s_client -quiet -verify_quiet -verify_return_error ' .
			'-verify_hostname localhost -CAfile ' . cert('ca') . ' -connect 127.0.0.1:' . $s->port));

	is($r->{exit}, 0, 'sent') or diag($r->{err});
	is($s->stored, 1, 'once');
};

done_testing;
