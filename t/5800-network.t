#!/usr/bin/perl
# A machine whose network is taken away and given back: by link, by address, by
# route, by cable.  It is in a network namespace of its own, its server in another.
# What is handed in meanwhile is stored, and leaves by itself as soon as it can,
# though the next try is an hour away.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Run;
use SendoffTest::Send;
use Time::HiRes qw(sleep time);

my $ours = readlink('/proc/self/ns/net') // '';
if (($ENV{SENDOFF_NETWORK} // $ours) eq $ours) {
	plan(skip_all => 'only root can take a network away') if $> != 0;
	plan(skip_all => 'no ip(8), or no pairs of links') if system('unshare -n ip link add s0 type veth peer name c0 ' .
		'>/dev/null 2>&1') != 0;
	$ENV{SENDOFF_NETWORK} = $ours;
	exec 'unshare', '-n', $^X, $0, @ARGV;
	die "unshare: $!\n";
}

# ---- two machines, joined by a cable

sub shell
{
	my ($command) = @_;

	system($command) == 0 or die "$command: $?\n";
}

my $machine = start_sendoff([], command => [ 'unshare', '-n', 'sleep', 300 ], timeout => 300);
my $pid = $machine->pid;
wait_until(sub { (readlink("/proc/$pid/ns/net") // '') ne readlink('/proc/self/ns/net') }, 5) or die "no namespace\n";
my $there = "nsenter -t $pid -n";
my $address = '192.0.2.1';
my $far = '198.51.100.1';
shell('ip link set lo up');
shell("ip link add s0 type veth peer name c0 netns $pid");
shell("ip addr add $address/24 dev s0 && ip link set s0 up && ip addr add $far/32 dev lo");
shell("$there ip link set lo up");

sub connected { shell("$there ip addr add 192.0.2.2/24 dev c0 && $there ip link set c0 up") }

sub routed { shell("$there ip route add default via $address") }

connected();
routed();

my ($server, $config, $watcher);
my $count = 0;

sub start_sendoff_there
{
	my ($args, %o) = @_;

	return start_sendoff([], %o, command => [ split(' ', $there), SendoffTest::Run::program('sendoff'),
		'-C', $config, @$args ]);
}

sub begin
{
	my ($host, %o) = @_;

	if ($watcher) {
		$watcher->kill('TERM');
		is($watcher->finish->{exit}, 0, 'the watcher ends well');
		is_deeply([ $server->violations ], [], 'by the rules');
		$server->stop;
		queue_empty();
	}
	$server = server_start(listen => $host, %o);
	$config = account($server, timeout => '2s', connect_timeout => '2s', final_timeout => '2s',
		global => { retry => '1h 2h', log => '{dir}/log' });
	$count = 0;
	$watcher = start_sendoff_there([ 'queue', 'watch' ], timeout => 200);
}

sub stored
{
	my ($name) = @_;
	my $n = ++$count;
	my $r = start_sendoff_there([ 'send', 'you@example.net' ], timeout => 20,
		stdin => letter("$n\n", 'Message-ID' => "<$n\@example.test>"))->finish;

	is($r->{exit}, 0, $name) or diag($r->{err});
	return $r;
}

# All that was handed in so far has arrived once, within so many seconds.
sub arrived
{
	my ($name, $seconds) = @_;
	my $from = time;

	ok(wait_until(sub { !queued() }, $seconds), "$name: what waited is sent") or
		diag(file_read(workdir() . '/log'));
	note(sprintf 'within %.1f s', time - $from);
	is_deeply([ sort $server->ids ], [ sort map { "<$_\@example.test>" } 1 .. $count ], 'B1: ... each once');
}

# Away with it, two messages, and back.
sub away
{
	my ($name, $take, $give, $host) = @_;

	begin($host // $address);
	stored("$name: with a network");
	is($server->stored, 1, '... it is sent');
	$take->();
	like(stored("A1: $name: without")->{err}, qr/^sendoff: queued as p-/, '... it is stored');
	stored("A1: $name: another one");
	sleep 1.2;
	is(scalar(queued()), 2, '... and both wait');
	$give->();
	arrived($name, 6);
}

away('the link', sub { shell("$there ip link set c0 down") }, sub { shell("$there ip link set c0 up") });
shell("$there ip route replace default via $address");
away('the address', sub { shell("$there ip addr flush dev c0") },
	sub { shell("$there ip addr add 192.0.2.2/24 dev c0") });
shell("$there ip route replace default via $address");
away('the route', sub { shell("$there ip route del default") }, sub { routed() }, $far);
away('the cable', sub { shell('ip link set s0 down') }, sub { shell('ip link set s0 up') });

# ---- in the middle of a message

begin($address, at => ['CONTENT:1 keep silence']);
$count = 1;
is(start_sendoff_there([ 'send', '--queue', 'you@example.net' ], timeout => 20,
	stdin => letter("1\n", 'Message-ID' => '<1@example.test>'))->finish->{exit}, 0, 'one is on its way');
ok(wait_until(sub { grep { $_->{kind} eq 'STORED' } $server->journal }, 5), '... its content is there');
shell('ip link set s0 down');
ok(wait_until(sub { (grep { -e && file_read($_) =~ / unsure/ } glob(queue_dir() . '/control/*')) }, 10),
	'B2: nobody knows whether it was taken, which is noted');
is(scalar(queued()), 1, 'A1: it is kept');
like(file_read(workdir() . '/log'), qr/cause=outcome-unknown/, '... and logged');
# For that message the hour counts, and no network: who waits for it says so.
shell('ip link set s0 up');
sleep 1.5;
my $r = start_sendoff_there([ 'queue', 'flush' ], timeout => 20)->finish;
is($r->{exit}, 0, 'it is sent again') or diag($r->{err});
ok(wait_until(sub { !queued() }, 5), '... and done with');
is($server->stored, 2, 'B2: a second copy');
ok($server->same('<1@example.test>'), 'B3: ... is equal');

$watcher->kill('TERM');
is($watcher->finish->{exit}, 0, 'the watcher ends well');
$machine->kill('KILL');
$machine->finish;
done_testing;
