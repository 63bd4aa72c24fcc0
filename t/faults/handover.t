#!/usr/bin/perl
# Users hand in mail while the runner is killed, at every system call by which one
# message is taken in, and at random under 500 callers: F0, A1, A2, B1.  Exit 0
# arrives exactly once, every other exit is 75 and arrives never.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use SendoffTest;
use SendoffTest::Attach;
use SendoffTest::Fault;
use SendoffTest::Runner;
use Time::HiRes qw(sleep time);

plan(skip_all => 'strace may not trace here') if !SendoffTest::Fault::usable();
SendoffTest::Runner->namespace;

# Those who may not read the configuration; the last two are nobody that passwd knows.
my @users = ('alice', 'bob', 31234, 61200);
my %exit;            # subject => exit code
my @servers = (server_start(lifetime => 900));
my $port = $servers[0]->port;
my $runner = runner_start(<<'END', port => $port, restart => 0.05, lifetime => 1200,
[sendoff]
domain = machine.example.test
log = stderr
retry = 1s 2s

[account relay]
host = 127.0.0.1
port = {port}
tls = off
END
	aliases => "root: somebody\@example.net\n");
is($runner->as_user('alice', [ 'cat', '/etc/sendoff/config' ])->{exit}, 1, 'nobody can read the configuration');

sub start_caller
{
	my ($subject, $n) = @_;

	return $runner->start_as_user($users[$n % @users], [ 'sendmail', 'root' ], timeout => 40,
		stdin => "Subject: $subject\n\nhi\n");
}

sub end_caller
{
	my ($run, $subject) = @_;
	my $r = $run->finish;

	$exit{$subject} = $r->{timed_out} ? 'none' : $r->{signal} ? "signal $r->{signal}" : $r->{exit};
	return $r;
}

# ---- the processes to be traced

# The accepting role with all its threads, once it has these; so many as at first.
my $threads;

sub accepting
{
	my @threads;

	wait_until(sub {
		my ($pid) = $runner->roles('sendoff-accept') or return 0;
		@threads = SendoffTest::Attach::threads_of($pid);
		return @threads > 1 && @threads >= ($threads // 1);
	}, 15) or die "no accepting role: " . $runner->said . "\n";
	return @threads;
}

# The calls that each thread makes while one message is taken in: of the process's
# own thread, and of that which stored it.
sub calls_of_one
{
	my ($threads, $subject) = @_;
	my $trace = SendoffTest::Attach->new($threads);
	my $r = end_caller(start_caller($subject, 0), $subject);

	is($r->{exit}, 0, "$subject: stored while traced") or diag($r->{err});
	sleep 0.4;   # what is done behind the answer
	my %calls = $trace->end;
	return %calls if @$threads > 1;
	return ($threads->[0] => $calls{0});
}

# Kills at each of those points, each time with a caller; $choose gives the threads
# that make the calls.
sub sweep
{
	my ($what, $choose, @points) = @_;
	my ($killed, $n) = (0, 0);
	my %ends;

	for my $point (@points) {
		my $subject = "$what-" . ++$n;
		my ($name, $nth) = @$point;
		my $trace = SendoffTest::Attach->new([ $choose->() ], '-e', "trace=$name",
			'-e', "inject=$name:signal=KILL:when=$nth");
		my $r = end_caller(start_caller($subject, $n), $subject);

		$ends{ $exit{$subject} }++;
		diag("$subject, $nth. $name: $exit{$subject}\n$r->{err}") if $exit{$subject} !~ /^(?:0|75)$/;
		# It may be killed behind its answer.
		my $died = wait_until(sub { $trace->ended }, 0.3);
		$killed++ if $died;
		$trace->end;
		# One that was spared has opened already what the next is to open; and the
		# killed would be started again ever later.  Where mail is sent meanwhile the
		# runner is told to end: a kill might fall between a server's 250 and its mark.
		$runner->kill($what eq 'supervisor' ? 'KILL' : 'TERM')
			if $what eq 'supervisor' ? !$died : !$died || $n % 3 == 0;
		$runner->wait_ready(15) or die "the runner does not come back: " . $runner->said . "\n";
	}
	cmp_ok($killed, '>', 0.6 * @points, "$what: killed at $killed of " . @points . ' calls');
	note("$what: exits " . join(', ', map { "$_: $ends{$_}" } sort keys %ends));
	cmp_ok($ends{0} // 0, '>', 0.9 * @points, '... and nearly all are stored all the same');
}

# When all is out: what came, of all that was handed in so far.
sub settled
{
	my ($what) = @_;
	my %count;

	ok(wait_until(sub { !$runner->queued }, 60), "$what: the queue empties itself") or diag($runner->said);
	for my $server (@servers) {
		for my $k (1 .. $server->stored) {
			$count{$1}++ if $server->message($k) =~ /^Subject: (\S+)\r$/m;
		}
	}
	my @codes = grep { $exit{$_} !~ /^(?:0|75)$/ } keys %exit;
	is(join(' ', sort @codes), '', "$what: A2: whoever does not get 0 gets 75");
	is(join(' ', sort grep { $exit{$_} eq '0' && !$count{$_} } keys %exit), '', "$what: A1, F0: each 0 arrived");
	is(join(' ', sort grep { $count{$_} != 1 } keys %count), '', "$what: F0, B1: none twice");
	is(join(' ', sort grep { ($exit{$_} // 1) ne '0' } keys %count), '', "$what: A2: each other never");
	is_deeply([ glob '/var/spool/sendoff/{failed,damaged}/*' ], [], "$what: nothing is set aside");
	is_deeply([ map { $_->violations } @servers ], [], "$what: by the rules");
}

# ---- the accepting role, and mail is sent meanwhile

my @now = accepting();
$threads = @now;
my $main = $now[0];
my %calls = calls_of_one(\@now, 'first');
my ($worker) = grep { $_ != $main && grep { $_ eq 'fsync' } @{ $calls{$_} } } keys %calls;
ok($worker, 'a thread of its own stores it') or BAIL_OUT('no such thread');
my @of_main = SendoffTest::Attach::points(@{ $calls{$main} });
my @of_worker = SendoffTest::Attach::points(@{ $calls{$worker} });
note('main: ' . join(' ', @{ $calls{$main} }));
note('worker: ' . join(' ', @{ $calls{$worker} }));

sweep('accept', sub { (accepting())[0] }, @of_main);
sweep('worker', sub { my ($first, @others) = accepting(); @others }, @of_worker);
settled('accepting role');

# ---- the supervisor; nothing is sent meanwhile, for what it has started dies with it

$servers[0]->stop;
# The account is parked then, and the runner does the same each time.
is(end_caller(start_caller('parks', 0), 'parks')->{exit}, 0, 'one with the server away');
ok(wait_until(sub { $runner->log =~ /cause=/ }, 10), '... is tried');
%calls = calls_of_one([ $runner->runner_pid ], 'second');
my @of_supervisor = SendoffTest::Attach::points(map { @$_ } values %calls);
note('supervisor: ' . join(' ', map { $_->[0] } @of_supervisor));
sweep('supervisor', sub { accepting(); $runner->runner_pid }, @of_supervisor);
push @servers, server_start(port => $port, lifetime => 900);
settled('supervisor');

# ---- 500 callers, while mail is sent, the accepting role killed at random, and the
# runner told to end: it ends what it has begun, so that not even then a second copy

my ($callers, $each) = (8, 63);
my $loop = <<'END';
for i in $(seq $2); do
	printf 'Subject: message-%s.%s\n\nhi\n' "$1" "$i" | sendmail root
	echo "message-$1.$i $?"
done
END
my @runs = map { $runner->start_as_user($users[$_ % @users], [ 'sh', '-c', $loop, 'sh', $_, $each ],
	timeout => 200, env => { PATH => '/mnt/sendoff/bin:/usr/bin:/bin' }) } 1 .. $callers;
# How long the callers take depends on the machine: there shall be so many deaths at
# least, and where the last caller was quicker than them, they follow it.
my ($kills, $terms, $next, $last) = (0, 0, time, time + 200);
while ((time < $last && ($kills < 3 || $terms < 2)) || grep { !defined $_->{status} } @runs) {
	for my $run (@runs) {
		$run->turn(0.002);
		$run->reap(1);
	}
	next if time < $next;
	$next = time + rand 0.3;
	my ($pid) = $runner->roles('sendoff-accept');
	if (rand 4 < 1) {
		$terms += kill 'TERM', $runner->runner_pid || next;
	} elsif ($pid) {
		$kills += kill 'KILL', $pid;
	}
}
%exit = (%exit, map { $_->finish(timeout => 60)->{out} =~ /^(\S+) (\d+)$/mg } @runs);
my @called = grep { /^message/ } keys %exit;
is(scalar @called, $callers * $each, 'all 500 have called');
cmp_ok($kills, '>=', 3, "... while the accepting role was killed $kills times");
cmp_ok($terms, '>=', 2, "... and the runner ended $terms times");
my @stored = grep { $exit{$_} eq '0' } @called;
cmp_ok(scalar @stored, '>', 250, '... ' . @stored . ' were stored');
settled('500 callers');

done_testing;
