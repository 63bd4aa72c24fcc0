#!/usr/bin/perl
# sendoff check and the ports of submission: which other port or mode would do is found,
# named with the lines for the configuration, and is true; no secret goes there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;
use Socket;

use constant { SIOCSIFFLAGS => 0x8914, IFF_UP => 1 };

# Only in a network of its own can the test have these ports.
my $ours = readlink('/proc/self/ns/net') // '';
if (($ENV{SENDOFF_NETWORK} // $ours) eq $ours) {
	my @in = ('unshare', $> ? '-rn' : '-n');
	plan(skip_all => 'no network namespace to be had') if system("@in true 2>/dev/null") != 0;
	$ENV{SENDOFF_NETWORK} = $ours;
	exec @in, $^X, $0, @ARGV;
	die "unshare: $!\n";
}
socket(my $inet, AF_INET, SOCK_DGRAM, 0) or die "socket: $!\n";
my $request = pack 'a16 s x22', 'lo', IFF_UP;
ioctl($inet, SIOCSIFFLAGS, $request) or die "lo: $!\n";

my %me = (user => 'me@example.test', password => 'pass w0rd');

# An account at that port, tried while these servers stand.
sub tried
{
	my ($servers, $keys, $args) = @_;
	my %server = map {
		my ($port, %o) = @$_;
		$port => server_start(port => $port, %me, tls => $port == 465 ? 'implicit' : 'starttls', %o)
	} @$servers;
	my %keys = (host => 'localhost', %me, tls_ca_file => cert('ca'), timeout => '700ms', %$keys);
	my $c = config(account_text(%keys));
	my $r = check($c, ['--json', '--timeout', 6, @{ $args // [] }]);

	return ($r, $c, \%server, \%keys);
}

sub stop { $_->stop for values %{ $_[0] } }

# Nothing but a greeting, EHLO and TLS.
sub knocked_only
{
	my ($name, $servers) = @_;

	for my $port (sort keys %$servers) {
		my @said = grep { !/^(?:EHLO|STARTTLS|QUIT)\b/ && /^[A-Z]{4,}/ } $servers->{$port}->commands;

		is_deeply(\@said, [], "$name: no login, no mail at port $port");
		is_deeply([$servers->{$port}->logins], [], "$name: no secret at port $port");
	}
}

# name, servers, keys, settings that are named, the stage that failed
my @cases = (
	['465 is closed, 587 is not', [[587]], { port => 465, tls => 'implicit' }, ['port = 587', 'tls = starttls'], 'connect'],
	['587 is closed, 465 is not', [[465]], { port => 587, tls => 'starttls' }, ['port = 465', 'tls = implicit'], 'connect'],
	['both would do: TLS from the start', [[465], [587]], { port => 2526, tls => 'starttls' }, ['port = 465', 'tls = implicit'], 'connect'],
	['port 25 alone', [[25]], { port => 587, tls => 'starttls' }, ['port = 25'], 'connect'],
	['port 25 at last', [[25], [587]], { port => 465, tls => 'implicit' }, ['port = 587', 'tls = starttls'], 'connect'],
	['port 2525', [[2525]], { port => 587, tls => 'starttls' }, ['port = 2525'], 'connect'],
	['STARTTLS at a port that speaks TLS', [[465]], { port => 465, tls => 'starttls' }, ['tls = implicit'], 'ehlo'],
	['TLS at a port that begins in clear', [[587]], { port => 587, tls => 'implicit' }, ['tls = starttls'], 'tls'],
	['the same, and 465 would do as well', [[465], [587]], { port => 587, tls => 'implicit' }, ['tls = starttls'], 'tls'],
	['a port that offers no STARTTLS', [[2526, tls => 'off'], [587]], { port => 2526, tls => 'starttls' }, ['port = 587'], 'tls'],
	['a port that takes nobody', [[2526, at => 'greeting reply "554 5.7.1 no"'], [587]], { port => 2526, tls => 'starttls' },
		['port = 587'], 'ehlo'],
	['a login portal', [[2526, tls => 'off', at => 'greeting reply "HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n\r\n"'], [587]],
		{ port => 2526, tls => 'starttls' }, ['port = 587'], 'ehlo'],
	['nothing', [], { port => 587, tls => 'starttls' }, [], 'connect'],
	['no login elsewhere', [[587, user => undef, password => undef]], { port => 465, tls => 'implicit' }, [], 'connect'],
	['a wrong certificate elsewhere', [[587, cert => 'wrongname']], { port => 465, tls => 'implicit' }, [], 'connect'],
	['a certificate that is refused is so everywhere', [[465, cert => 'expired'], [587]], { port => 465, tls => 'implicit' }, [], 'tls'],
	['a refused login is no matter of ports', [[465], [587]], { port => 465, tls => 'implicit', password => 'wr0ng-Secret' }, [], 'login']
);
for my $case (@cases) {
	my ($name, $servers, $keys, $settings, $stage) = @$case;

	subtest $name => sub {
		my ($r, $c, $server, $all) = tried($servers, $keys);
		my $f = $r->{json}{failed} // {};

		isnt($r->{exit}, 0, 'it fails') or diag($r->{out});
		is($f->{stage}, $stage, "at $stage");
		is_deeply($f->{settings}, $settings, 'what would do') or diag($r->{out});
		cmp_ok($r->{seconds}, '<', 8, 'in time');
		my %want = ((map { split / = / } @$settings));
		if (@$settings) {
			my ($port, $tls) = ($want{port} // $keys->{port}, $want{tls} // $keys->{tls});
			like($f->{works}, qr/^localhost port $port with tls = $tls /, 'named');
			like($f->{next}, qr/\Q$c\E, \[account test\]/, 'and where to write it');
			like(sentence(check($c, ['--timeout', 6])->{out}), qr/ set \Q@$settings\E/, 'also in words');
		} else {
			ok(!defined $f->{works}, 'nothing is recommended') or diag($f->{works});
		}
		knocked_only($name, $server) if $stage ne 'login';
		is_deeply([grep { !/^bare-lf/ } map { $_->violations } @$server{grep { $_ == 25 } keys %$server}], [],
			'nobody speaks first at port 25');
		is(check(config(account_text(%$all, %want)), ['--json'])->{exit}, 0, 'who follows the advice is well') if @$settings;
		stop($server);
	};
}

subtest 'from options alone, the advice is options' => sub {
	my $bundle = '/etc/ssl/certs/ca-certificates.crt';
	plan skip_all => 'no mount namespace, or no bundle of certificates' if !-e $bundle || system('unshare -m true 2>/dev/null');
	my $s = server_start(port => 587, tls => 'starttls', %me);
	my $r = check_read(run_sendoff([], stdin => "pass w0rd\n", command => ['unshare', '-m', '/bin/sh', '-c',
		'mount --bind "$1" "$2" && shift 2 && exec "$@"', 'sh', cert('ca'), $bundle, SendoffTest::Run::program('sendoff'), 'check', '--host',
		'localhost', '--port', 465, '--user', $me{user}, '--password-file', '-', '--json', '--timeout', 6]));

	is($r->{exit}, 75, 'it fails') or diag($r->{err});
	is_deeply($r->{json}{failed}{settings}, ['--port 587', '--tls starttls'], 'what would do') or diag($r->{out});
	is_deeply([$s->logins], [], 'no secret goes there');
	$s->stop;
};

subtest 'what is told of each way' => sub {
	my ($r, $c, $server) = tried([[587, cert => 'expired'], [25, user => undef, password => undef]], { port => 465, tls => 'implicit' });
	my $stage = stage($r, 'elsewhere');
	my %tried = map { $_->{port} => $_ } @{ $stage->{facts}{tried} };

	is_deeply([@{ $tried{587} }{qw(works tls found)}], [JSON::PP::false(), 'starttls', 'smtp'], '587: answers');
	is($tried{2525}{found}, 'closed', '2525: closed');
	ok(grep({ $_->{text} =~ /port 587.*certificate would be refused/ } @{ $stage->{lines} }), '587: why it would not do');
	ok(grep({ $_->{text} =~ /port 25\b.*offers no login/ } @{ $stage->{lines} }), '25: why it would not do');
	ok(!raw_octets($r->{out}), 'nothing raw');
	stop($server);
};

done_testing;
