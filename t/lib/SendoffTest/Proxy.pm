package SendoffTest::Proxy;

# A proxy that does as it is told: SOCKS5 or CONNECT, to the scripted server whatever name it
# is asked for, so that names may be asked for that nobody else knows.
#
#	use SendoffTest::Proxy;
#	my $proxy = proxy_start($server, kind => 'socks5', login => ['me', 'pass w0rd'], ...);
#	$proxy->port; $proxy->url; $proxy->requests; $proxy->raw(1);
#
# kind is socks5 or http.  In place of what it would say there may be octets: method, auth,
# answer; CLOSE in them hangs up there.  drip => SECONDS writes octet by octet, behind => OCTETS
# goes out in one write with the last answer, silent => 1 says nothing, to => PORT leads
# elsewhere (0: nowhere, which is refused; 'asked': to the port that was asked for).

use strict;
use warnings;

use Exporter 'import';
use IO::Select;
use IO::Socket::INET;
use Socket qw(inet_ntoa inet_ntop AF_INET6);
use Time::HiRes qw(sleep);

use SendoffTest;

our @EXPORT = qw(proxy_start CLOSE);

use constant CLOSE => '<close>';

my $count = 0;
my %running;
my $owner = $$;

END { if ($$ == $owner) { local $?; kill 'KILL', keys %running; waitpid $_, 0 for keys %running } }

sub proxy_start
{
	my ($server, %o) = @_;
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, ReuseAddr => 1) or die "proxy: $!\n";
	my $log = workdir() . '/proxy' . ++$count;
	my $self = bless { port => $listen->sockport, log => $log, kind => $o{kind} // 'socks5' }, __PACKAGE__;

	$o{to} //= $server ? $server->port : 0;
	$o{kind} = $self->{kind};
	file_write($log, '');
	SendoffTest::Secrets::known($o{login}[1]) if $o{login};
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		$SIG{CHLD} = 'IGNORE';
		open STDOUT, '>', '/dev/null';   # whoever reads the test's to its end is not to wait
		$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE);
		my $connections = 0;
		while (1) {
			my $client = $listen->accept or next;
			my $n = ++$connections;

			next if fork;
			close $listen;
			eval { serve($client, $n, $log, \%o) };
			POSIX::_exit(0);
		}
	}
	$running{$pid} = 1;
	return $self;
}

sub port { return $_[0]{port} }
sub url { return ($_[0]{kind} eq 'http' ? 'http' : 'socks5') . "://127.0.0.1:$_[0]{port}" }

# What each connection asked for, as "mail.example.test:587" or "-"; of SOCKS with the kind of
# address before it, "name mail.example.test:587".
sub requests
{
	return map { /^request (.*)$/ ? $1 : () } split /\n/, file_read($_[0]{log});
}

# All that a connection wrote to it before it led anywhere.
sub raw
{
	my ($self, $n) = @_;
	my $hex = join '', map { /^octets $n (\w*)$/ ? $1 : () } split /\n/, file_read($self->{log});

	return pack 'H*', $hex;
}

sub log_line
{
	my ($log, $line) = @_;

	open my $out, '>>', $log or die;
	syswrite $out, "$line\n";
}

sub take
{
	my ($c, $len) = @_;
	my $data = '';

	while (length $data < $len) {
		my $got = sysread $c->{client}, $data, $len - length $data, length $data;

		die "gone\n" if !$got;
	}
	log_line($c->{log}, "octets $c->{n} " . unpack 'H*', $data);
	return $data;
}

sub say_to
{
	my ($c, $data) = @_;
	my $o = $c->{o};
	my $end = $data =~ s/\Q${\CLOSE}\E.*//s;

	$SIG{PIPE} = 'IGNORE';
	if ($o->{drip}) {
		for my $octet (split //, $data) {
			syswrite $c->{client}, $octet or die "gone\n";
			sleep $o->{drip};
		}
	} else {
		syswrite $c->{client}, $data;
	}
	if ($end) {
		# What was sent is to arrive before the end, also where more came in than was read.
		shutdown $c->{client}, 1;
		1 while sysread $c->{client}, my $rest, 4096;
		die "told to\n";
	}
}

sub relay
{
	my ($c) = @_;
	my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $c->{o}{to}) or die "nowhere\n";
	my %other = ($c->{client} => $server, $server => $c->{client});
	my $select = IO::Select->new($c->{client}, $server);

	while (my @ready = $select->can_read) {
		for my $from (@ready) {
			my $got = sysread $from, my $data, 65536;

			return if !$got;
			print { $other{$from} } $data;
			$other{$from}->flush;
		}
	}
}

sub socks
{
	my ($c) = @_;
	my $o = $c->{o};
	my ($version, $methods) = unpack 'CC', take($c, 2);
	my @offered = unpack 'C*', take($c, $methods);
	my $method = $o->{login} ? 2 : 0;

	if (defined $o->{method}) {
		say_to($c, $o->{method});
	} else {
		say_to($c, pack 'CC', 5, (grep { $_ == $method } @offered) ? $method : 255);
		die "no method\n" if !grep { $_ == $method } @offered;
	}
	if ($o->{login}) {
		my $user = take($c, unpack 'xC', take($c, 2));
		my $password = take($c, unpack 'C', take($c, 1));
		my $good = $user eq $o->{login}[0] && $password eq $o->{login}[1];

		say_to($c, $o->{auth} // pack 'CC', 1, $good ? 0 : 1);
		die "refused\n" if !$good;
	}
	my ($command, $type) = unpack 'xCxC', take($c, 4);
	my $host = $type == 1 ? inet_ntoa(take($c, 4)) : $type == 4 ? inet_ntop(AF_INET6, take($c, 16)) :
		take($c, unpack 'C', take($c, 1));

	my $port = unpack 'n', take($c, 2);

	log_line($c->{log}, 'request ' . { 1 => 'ipv4', 3 => 'name', 4 => 'ipv6' }->{$type} . " $host:$port");
	$o->{to} = $port if $o->{to} eq 'asked';
	say_to($c, $o->{answer} // (($o->{to} ? "\5\0\0\1\x7f\0\0\1\x12\x34" : "\5\5\0\1\0\0\0\0\0\0") . ($o->{behind} // '')));
}

sub http
{
	my ($c) = @_;
	my $o = $c->{o};
	my $head = '';

	$head .= take($c, 1) while $head !~ /\r\n\r\n\z/;
	my $place = $head =~ /\ACONNECT (\S+) HTTP\/1\.1\r\n/ ? $1 : '-';

	log_line($c->{log}, "request $place");
	$o->{to} = $place =~ /:(\d+)$/ ? $1 : 0 if $o->{to} eq 'asked';
	if ($o->{login}) {
		my $basic = MIME::Base64::encode_base64("$o->{login}[0]:$o->{login}[1]", '');

		if ($head !~ /^Proxy-Authorization: Basic \Q$basic\E\r$/m) {
			say_to($c, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n" .
				"Content-Length: 0\r\n\r\n" . CLOSE);
		}
	}
	say_to($c, $o->{answer} // (($o->{to} ? "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n" :
		"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n") . ($o->{behind} // '')));
}

sub serve
{
	my ($client, $n, $log, $o) = @_;
	my $c = { client => $client, n => $n, log => $log, o => $o };

	require MIME::Base64;
	$client->autoflush(1);
	if ($o->{silent}) {
		1 while sysread $client, my $data, 4096;
		return;
	}
	$o->{kind} eq 'http' ? http($c) : socks($c);
	relay($c) if $o->{to};
}

1;
