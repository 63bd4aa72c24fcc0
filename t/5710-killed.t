#!/usr/bin/perl
# The runner is killed, and started again, in the middle of 500 callers: what was
# promised arrives exactly once, what was not arrives never.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Runner;
use Time::HiRes qw(sleep);

SendoffTest::Runner->namespace;

my ($callers, $each, $least) = (8, 63, 5);   # the last: how often it is killed
my $enough = '/mnt/enough';   # a file: they may end

# Nothing is sent while they call: that a server has said 250 and nobody could
# note it is another matter.
my $server = server_start;
my $port = $server->port;
$server->stop;
my $runner = runner_start(<<'END', port => $port, restart => 0.05,
[sendoff]
domain = machine.example.test
retry = 1s 2s

[account relay]
host = 127.0.0.1
port = {port}
tls = off
END
	aliases => "root: somebody\@example.net\n");

my $loop = <<'END';
i=0
while i=$((i + 1)); [ $i -le $2 ] || { ! [ -e "$3" ] && [ $i -le 2000 ]; }; do
	printf 'Subject: message %s.%s\n\nhi\n' "$1" "$i" | sendmail root
	echo "$1.$i $?"
done
END
my @runs = map { $runner->start_as_user('alice', [ 'sh', '-c', $loop, 'sh', $_, $each, $enough ],
	timeout => 120, env => { PATH => '/mnt/sendoff/bin:/usr/bin:/bin' }) } 1 .. $callers;
my $kills = 0;
until (grep({ kill 0, $_->pid } @runs) == 0 || $kills >= 200) {
	sleep rand 0.2;
	$_->turn(0) for @runs;
	$_->reap(1) for @runs;
	last if !grep { !defined $_->{status} } @runs;
	$kills++ if $runner->kill('KILL');
	file_write($enough, '') if $kills == $least;
}
my %exit = map { $_->finish(timeout => 60)->{out} =~ /^(\S+) (\d+)$/mg } @runs;
cmp_ok(scalar keys %exit, '>=', $callers * $each, 'all have called');
cmp_ok($kills, '>=', $least, "the runner was killed: $kills times");
my %promised = map { $_ => 1 } grep { $exit{$_} == 0 } keys %exit;
diag(scalar(keys %promised) . ' of ' . scalar(keys %exit) . ' were stored');
is_deeply([ grep { $exit{$_} != 0 && $exit{$_} != 75 } keys %exit ], [], 'A2: the others got 75');
cmp_ok(scalar keys %promised, '>', $each, 'many were stored');

$server = server_start(port => $port);
ok(wait_until(sub { !$runner->queued }, 60), 'the queue empties itself') or diag($runner->said);
my %count;
for my $k (1 .. $server->stored) {
	$count{$1}++ if $server->message($k) =~ /^Subject: message (\S+)\r$/m;
}
is_deeply([ sort grep { !$count{$_} } keys %promised ], [], 'A1, F0: what was promised arrived');
is_deeply([ sort grep { $count{$_} != 1 } keys %count ], [], 'F0, B1: nothing twice');
is_deeply([ sort grep { !$promised{$_} } keys %count ], [], 'A2: nothing else');
is_deeply([ $server->violations ], [], 'by the rules');

done_testing;
