#!/usr/bin/perl
# sendmail -bd, -bD and -qTIME: the watcher, started as daemons are.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Fault ();
use SendoffTest::Send;
use Socket;
use Time::HiRes qw(sleep);

my $server = server_start();
my $config = account($server, global => { retry => '1s 2s' });
my %by = (name => 'sendmail', env => { SENDOFF_CONFIG => $config });

# The program of this test that leads a session or is alone; 0: there is none.
# (A process that holds secrets shows its descriptors to root only.)
sub watcher
{
	my $program = SendoffTest::Run::program('sendmail');

	for my $file (glob '/proc/[0-9]*/cmdline') {
		my ($pid) = $file =~ m{^/proc/(\d+)/};
		open(my $in, '<', $file) or next;

		return $pid if (<$in> // '') =~ /^\Q$program\E\0-(?:bd|bD|q1h)\0/ && getpgrp($pid) == $pid;
	}
	return 0;
}

# Ends it, by its number.
sub end_watcher
{
	my $pid = watcher();

	kill 'TERM', $pid if $pid > 0;
	return wait_until(sub { !watcher() });
}
END { my $exit = $?; end_watcher(); $? = $exit }

my $stored = 0;
for my $word (qw(-bd -q1h)) {
	my $r = run_sendoff([$word], %by);

	is($r->{exit}, 0, "sendmail $word");
	is($r->{out} . $r->{err}, '', '... without a word');
	my $pid = watcher();
	cmp_ok($pid, '>', 0, '... comes back when the watcher is at work');
	isnt(getpgrp($pid), getpgrp, '... in a session of its own');
	SKIP: {
		skip 'only root sees its descriptors', 2 if $>;
		is(readlink "/proc/$pid/fd/$_", '/dev/null', "... descriptor $_ on /dev/null") for 0, 1;
	}
	send_mail($config, [ 'send', '--queue', 'you@example.net' ]);
	$stored++;
	ok(wait_until(sub { $server->stored == $stored }, 10), '... and it sends what is stored');

	my $second = run_sendoff(['-bd'], %by);
	is($second->{exit}, 75, '... a second one does not start');
	like($second->{err}, qr/^sendoff: another watcher/, '... and says why');
	is(watcher(), $pid, '... the first goes on');
	ok(end_watcher(), '... until it is told to end');
}

# The names that the kernel has chosen for sockets.
sub unnamed
{
	return file_read('/proc/net/unix') =~ /@([0-9a-f]{5})$/mg;
}

# Whoever writes there is not the runner for that.
SKIP: {
	skip 'no strace that may trace', 4 if !SendoffTest::Fault::usable() || build() =~ /asan/;
	my %before = map { $_ => 1 } unnamed();
	my $slow = start_sendoff([], %by, command => [ 'strace', '-D', '-qq', '-f', '-o', '/dev/null',
		'-e', 'trace=inotify_init1', '-e', 'inject=inotify_init1:delay_enter=2000000',
		SendoffTest::Run::program('sendmail'), '-bd' ]);
	my $name;
	ok(wait_until(sub { ($name) = grep { !$before{$_} } unnamed(); $name }, 10), 'where it waits to hear');
	socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!\n";
	send $socket, 'READY=1', 0, pack('S a*', AF_UNIX, "\0$name") for 1 .. 3;
	my $r = $slow->finish;
	is($r->{exit}, 0, 'sendmail -bd') or diag($r->{err});
	cmp_ok($r->{seconds}, '>', 1.9, 'F3: believes its own runner only');
	ok(end_watcher(), '... which is there');
}

my $run = start_sendoff(['-bD'], %by, timeout => 20);
ok(wait_until(sub { watcher() }), 'sendmail -bD is the watcher');
is(watcher(), $run->pid, '... itself');
$run->kill('TERM');
is($run->finish->{exit}, 0, '... until it is told to end');

done_testing();
