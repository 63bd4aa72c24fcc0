#!/usr/bin/perl
# Many at once: 500 callers, 20 flushers, and 1,000 messages that wait for their
# server while somebody else flushes in a loop.  Each arrives exactly once, by no
# more connections than the account may have: C5, B5, A1, B1.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use SendoffTest;
use SendoffTest::Run;
use SendoffTest::Send;
use Time::HiRes qw(sleep time);

my $most = 3;
my $program = SendoffTest::Run::program('sendoff');
# It counts a connection until it has seen its end, and waits a moment for that.
my $server = server_start(lifetime => 900, limit_connections => $most);
my $port = $server->port;
my $config = account($server, max_connections => $most, timeout => '60s', connect_timeout => '60s',
	final_timeout => '60s', global => { retry => '1s 2s', log => '{dir}/log' });

# Numbers FIRST to LAST, each handed in by a process of its own, so many at a time;
# the exit codes, by number.  As one shell: so many pipes no process may have.
my $crowd = <<'END';
cd "$4" || exit 1
one()
{
	printf 'From: me@example.test\nTo: you@example.net\nMessage-ID: <%s@example.test>\nSubject: x\n\nbody of %s\n' $1 $1 |
		"$program" -C "$config" send you@example.net 2>err.$1
	echo $? >exit.$1
}
lane()
{
	i=$1
	while [ $i -le $2 ]; do
		one $i
		i=$((i + $3))
	done
}
program=$5 config=$6
n=0
while [ $n -lt $3 ]; do
	lane $(($1 + n)) $2 $3 &
	n=$((n + 1))
done
wait
END

sub hand_in
{
	my ($first, $last, $at_once) = @_;
	my $dir = workdir() . "/crowd$first";
	my $r;

	mkdir $dir, 0700;
	$r = run_sendoff([], timeout => 300, command => [ 'sh', '-c', $crowd, 'sh', $first, $last, $at_once, $dir,
		$program, $config ]);
	is($r->{timed_out}, 0, "$last: all have ended");
	return map { $_ => -s "$dir/exit.$_" ? 0 + file_read("$dir/exit.$_") : 'none' } $first .. $last;
}

sub said
{
	my ($first, $n) = @_;

	return file_read(workdir() . "/crowd$first/err.$n");
}

# Each of these arrived exactly once, and nothing else did.
sub each_once
{
	my ($what, @numbers) = @_;
	my %count;

	$count{$_}++ for $server->ids;
	my @ids = map { "<$_\@example.test>" } @numbers;
	is(join(' ', grep { !$count{$_} } @ids), '', "A1: $what: each arrived");
	is(join(' ', sort grep { $count{$_} > 1 } keys %count), '', "B1: $what: none twice");
	is(scalar keys %count, scalar @ids, "$what: and nothing else");
	is($server->refused, 0, "C5: $what: never more connections than max_connections");
	is_deeply([ $server->violations ], [], "$what: by the rules");
	is_deeply([ map { queued($_) } qw(new hold failed damaged tmp) ], [], "$what: nothing is left");
}

# ---- 500 callers

my %exit = hand_in(1, 500, 500);
is(join(' ', map { "$_: $exit{$_} " . said(1, $_) } grep { $exit{$_} ne '0' } sort keys %exit), '',
	'C5: 500 at once: all are taken');
my $waits = queued();
my $direct = $server->stored;
note("$direct were sent, $waits wait");
my $r = run_sendoff([ '-C', $config, 'queue', 'flush' ], timeout => 120);
ok(wait_until(sub { !queued() }, 60), 'and what was stored is sent') or diag($r->{err});
each_once('500 callers', 1 .. 500);

# ---- 20 flushers

$server->stop;
%exit = hand_in(1001, 1060, 4);
is(scalar(grep { $_ eq '0' } values %exit), 60, '60 are stored while the server is away');
is(scalar(queued()), 60, '... indeed');
$server = server_start(port => $port, lifetime => 900, limit_connections => $most);
my @flushers = map { start_sendoff([ '-C', $config, 'queue', 'flush' ], timeout => 120) } 1 .. 20;
my @ends = finish_all(@flushers);
is(join(' ', map { "$_->{exit}/$_->{signal}" } grep { $_->{exit} != 0 } @ends), '', 'B5: 20 flushers end well') or
	diag(map { $_->{err} } @ends);
each_once('20 flushers', 1001 .. 1060);

# ---- 1,000 messages from 8 callers, the server away; then nobody tells anybody

$server->stop;
my $watcher = start_sendoff([ '-C', $config, 'queue', 'watch' ], timeout => 300);
my $loop = start_sendoff([], timeout => 300, command => [ 'sh', '-c',
	'while :; do "$0" -C "$1" queue flush >/dev/null 2>&1; sleep 0.2; done', $program, $config ]);
%exit = hand_in(2001, 3000, 8);
is(scalar(grep { $_ eq '0' } values %exit), 1000, 'A1: 1,000 are stored while the server is away');
is(scalar(queued()), 1000, '... indeed');
$server = server_start(port => $port, lifetime => 900, limit_connections => $most);
my $from = time;
ok(wait_until(sub { !queued() }, 120), 'the server is back: all go out without being told');
note(sprintf 'in %.1f s', time - $from);
$loop->kill('TERM');
$loop->finish;
sleep 0.5;
each_once('1,000 messages and a flusher in a loop', 2001 .. 3000);
$watcher->kill('TERM');
is($watcher->finish->{exit}, 0, 'the watcher ends well');

# The same without the other flusher, and with one file for each server.
$server->stop;
$watcher = start_sendoff([ '-C', $config, 'queue', 'watch' ], timeout => 300);
%exit = hand_in(4001, 4100, 8);
is(scalar(queued()), 100, '100 wait for the watcher alone');
$server = server_start(port => $port, lifetime => 900, limit_connections => $most);
ok(wait_until(sub { !queued() }, 30), '... which sends them');
sleep 0.5;
each_once('the watcher alone', 4001 .. 4100);
$watcher->kill('TERM');
is($watcher->finish->{exit}, 0, 'the watcher ends well');
done_testing;
