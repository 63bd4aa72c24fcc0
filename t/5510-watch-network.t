#!/usr/bin/perl
# The network goes and comes back, in a namespace of the test's own: what waits
# for it goes out then, and not an hour later.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Send;
use Socket;
use Time::HiRes qw(sleep time);

use constant { SIOCGIFFLAGS => 0x8913, SIOCSIFFLAGS => 0x8914, SIOCSIFADDR => 0x8916, IFF_UP => 1 };

my $ours = readlink('/proc/self/ns/net') // '';
if (($ENV{SENDOFF_NETWORK} // $ours) eq $ours) {
	plan(skip_all => 'no network namespace to be had') if system('unshare -n true 2>/dev/null') != 0;
	$ENV{SENDOFF_NETWORK} = $ours;
	exec 'unshare', '-n', $^X, $0, @ARGV;
	die "unshare: $!\n";
}
socket(my $inet, AF_INET, SOCK_DGRAM, 0) or die "socket: $!\n";

sub link_set
{
	my ($name, $up) = @_;
	my $request = pack 'a16 s x22', $name, 0;

	ioctl($inet, SIOCGIFFLAGS, $request) or die "$name: $!\n";
	my $flags = unpack 'x16 s', $request;
	$request = pack 'a16 s x22', $name, $up ? $flags | IFF_UP : $flags & ~IFF_UP;
	ioctl($inet, SIOCSIFFLAGS, $request) or die "$name: $!\n";
}

sub address_set
{
	my ($name, $address) = @_;
	my $request = pack 'a16 s n a4 x16', $name, AF_INET, 0, inet_aton($address);

	ioctl($inet, SIOCSIFADDR, $request) or die "$name: $!\n";
}

link_set('lo', 1);
my $server = server_start();
my $config = account($server, global => { retry => '1h 2h', log => '{dir}/log' });
my $w = start_sendoff(['-C', $config, 'queue', 'watch'], timeout => 60);

is(send_mail($config, ['send', '--queue', 'you@example.net'])->{exit}, 0, 'with a network');
ok(wait_until(sub { $server->stored == 1 && !queued() }, 5), 'it is sent at once');
link_set('lo', 0);
is(send_mail($config, ['send', '--queue', 'you@example.net'])->{exit}, 0, 'without');
ok(wait_until(sub { file_read(workdir() . '/log') =~ /outcome=queued .* cause=/ }, 10),
	'it is tried');
sleep 1.5;
is(scalar(queued()), 1, 'and waits: for an hour, if nothing happens');
my $from = time;
link_set('lo', 1);
address_set('lo:1', '192.0.2.1');
ok(wait_until(sub { $server->stored == 2 && !queued() }, 10), 'it goes when the network is back');
cmp_ok(time - $from, '<', 5, 'at once');
is_deeply([$server->violations], [], 'by the rules');
$w->kill('TERM');
is($w->finish->{exit}, 0, 'the watcher ends');

done_testing;
