#!/usr/bin/perl
# Whose name is asked for, in a network with names of its own: through a proxy nobody's but the
# proxy's, by a command none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Names;
use SendoffTest::Proxy;
use SendoffTest::Send;

own_names(hosts => { '127.0.0.1' => ['proxy.example.test'] });
workdir();

my %me = (user => 'me@example.test', password => 'pass w0rd');
my $onion = 'mailserver' . 'x' x 46 . '.onion';

sub now { return send_mail($_[0], ['send', '--no-queue', 'you@example.net']) }

my $s = server_start();
isnt(now(account($s, host => $onion))->{exit}, 0, 'straight the name does not exist');
ok((grep { $_ eq $onion } asked_names()), 'and it was asked for');
my $before = asked_names();

for my $kind (qw(socks5 http)) {
	my $proxy = proxy_start($s, kind => $kind);
	my $config = account($s, host => $onion, port => 25, proxy => "$kind://proxy.example.test:" . $proxy->port);

	is(now($config)->{exit}, 0, "$kind: sent") or next;
	is(check($config, [])->{exit}, 0, '... and checked');
	is((grep { $_ ne ($kind eq 'http' ? '' : 'name ') . "$onion:25" } $proxy->requests), 0, '... by that name');

	# Another port is looked for by name as well.
	$proxy = proxy_start(undef, kind => $kind, to => 0);
	$config = account($s, host => $onion, port => 25, proxy => "$kind://proxy.example.test:" . $proxy->port);
	is(check($config, [])->{exit}, 75, '... one that does not get there');
	cmp_ok(scalar(() = $proxy->requests), '>', 3, '... is asked for other ports');
}
is(now(account($s, host => $onion, port => 25, connect_command => "exec $^X -e '" . <<'END' =~ tr/\n/ /r . "'"))->{exit}, 0, 'by a command');
use IO::Socket::INET; use IO::Select;
my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => {port}) or die;
my $select = IO::Select->new(\*STDIN, $s);
while (my @ready = $select->can_read) { for my $from (@ready) {
	exit 0 if !sysread $from, my $data, 65536;
	syswrite $from == $s ? *STDOUT : $s, $data;
} }
END
is(scalar(() = asked_names()), $before, 'nobody was asked for a name');

my $r = now(account($s, proxy => 'socks5://no-such-proxy.example.test'));
is($r->{exit}, 68, 'the name of a proxy that does not exist') or diag($r->{err});
like($r->{err}, qr/the proxy socks5:\/\/no-such-proxy\.example\.test:1080: /, 'is that of the proxy');
ok((grep { $_ eq 'no-such-proxy.example.test' } asked_names()), 'which was asked for');

done_testing;
