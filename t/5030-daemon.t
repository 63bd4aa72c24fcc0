#!/usr/bin/perl
# sendmail -bd, -bD and -qTIME: the watcher, started as daemons are.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Send;
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

my $run = start_sendoff(['-bD'], %by, timeout => 20);
ok(wait_until(sub { watcher() }), 'sendmail -bD is the watcher');
is(watcher(), $run->pid, '... itself');
$run->kill('TERM');
is($run->finish->{exit}, 0, '... until it is told to end');

done_testing();
