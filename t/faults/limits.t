#!/usr/bin/perl
# A full disk, a quota, a size limit, a file system that cannot be written, a want
# of descriptors: A5, A2, A4.  Exit 75 and nothing half there, what was there before
# is intact, and with room again all goes on; in both scopes.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use SendoffTest;
use SendoffTest::Attach;
use SendoffTest::Fault;
use SendoffTest::Runner;
use SendoffTest::Send;
use Time::HiRes qw(sleep time);

plan(skip_all => 'strace may not trace here') if !SendoffTest::Fault::usable();
SendoffTest::Runner->namespace;

my $server = server_start(lifetime => 900);
my $port = $server->port;
$server->stop;

sub text_of
{
	my ($n, $size) = @_;

	return letter(join('', map { sprintf "%06d %s\n", $_, 'x' x 56 } 1 .. $size / 64),
		'Message-ID' => "<$n\@example.test>");
}

# ---- one user's own queue

my $disk = '/mnt/disk';
my $spool = "$disk/queue";
my $log = workdir() . '/log';
my %stored;          # number => the content
my $count = 0;

sub mounted
{
	system('mount', @_) == 0 or die "mount @_ failed\n";
}

mkdir $disk, 0700;
mounted('-t', 'tmpfs', '-o', 'size=400k,nr_inodes=200,mode=700', 'tmpfs', $disk);
my $config = file_write(workdir() . '/conf', account_text(host => '127.0.0.1', port => $port,
	global => { queue_dir => $spool, log => $log, retry => '10ms 20ms' }));

# Hands one in, after a limit; gives whether it was stored.  One or the other must
# be so wholly.
sub store
{
	my ($what, $size, @limit) = @_;
	my $n = ++$count;
	my $r = run_sendoff([], stdin => text_of($n, $size), command => [ @limit,
		SendoffTest::Run::program('sendoff'), '-C', $config, 'send', '--queue', 'you@example.net' ]);
	my @bad;

	$stored{$n} = wire(text_of($n, $size)) if defined $r->{exit} && $r->{exit} == 0;
	my %now = spool_entries($spool, 'new');
	my %whole = map { ($_->{content} // '') => 1 } values %now;
	push @bad, "signal $r->{signal}" if $r->{signal};
	push @bad, "exit $r->{exit}" if $r->{exit} != 0 && $r->{exit} != 75;
	push @bad, "no word: $r->{err}" if $r->{exit} == 75 && $r->{err} !~ /not stored|cannot be stored/;
	push @bad, scalar(keys %now) . ' entries for ' . keys %stored if keys %now != keys %stored;
	push @bad, 'not as they were: ' . join ' ', grep { !$whole{ $stored{$_} } } keys %stored
		if grep { !$whole{ $stored{$_} } } keys %stored;
	push @bad, 'left in tmp/' if () = glob "$spool/tmp/*";
	if (@bad) {
		fail("A5: $what") or diag(join "\n", @bad);
	}
	return $r->{exit} == 0;
}

# So many kilobytes are left.
sub fill
{
	my ($left) = @_;

	unlink "$disk/filler";
	return if !defined $left;
	my $free = `df -k --output=avail $disk` =~ /(\d+)\s*\z/ ? $1 : die "df\n";
	my $octets = ($free - $left) * 1024;
	file_write("$disk/filler", 'x' x $octets) if $octets > 0;
}

# All ways in which it can be; how often it was stored and how often not.
sub ways
{
	my ($what, @ways) = @_;
	my ($yes, $no) = (0, 0);

	for my $way (@ways) {
		$way->() ? $yes++ : $no++;
	}
	note("$what: $yes stored, $no not");
	return ($yes, $no);
}

sub both
{
	my ($what, @ways) = @_;
	my ($yes, $no) = ways($what, @ways);

	ok($yes > 0 && $no > 0, "A5: $what: whole, or 75 and nothing") or diag("$yes stored, $no not");
}

sub with_room
{
	my ($what) = @_;

	ok(store("after $what", 3000), "$what: with room again it goes on");
}

ok(store('the first', 3000), 'one with room');
both('a full disk', map { my $left = $_; sub { fill($left); store("$left K left", 20_000) } } map { 4 * $_ } 0 .. 9);
both('a full disk, a long one', map { my $left = $_; sub { fill($left); store("$left K left", 100_000) } }
	0, 40, 80, 100, 120);
fill();
with_room('a full disk');

my @files = map { "$disk/file$_" } 1 .. 400;
my $made = 0;
for my $path (@files) {
	open my $out, '>', $path or last;
	$made++;
}
ok($made > 0 && $made < 400, 'no more files can be made');
both('no inodes', map { my $path = $_; sub { my $got = store('no inodes', 3000); unlink $path; return $got } }
	@files[0 .. 2]);
unlink @files;
with_room('no inodes');

both('RLIMIT_FSIZE', map { my ($limit, $size) = @$_; sub { store("RLIMIT_FSIZE $limit for $size", $size,
	'prlimit', "--fsize=$limit") } } map { my $limit = $_; map { [ $limit, $_ ] } 0, 3000, 30_000 }
	0, 1, 100, 117, 118, 119, 1000, 2000, 4096, 10_000, 50_000);
# Beyond what is kept in memory.
mounted('-o', 'remount,size=8m', $disk);
both('RLIMIT_FSIZE, beyond memory', map { my $limit = $_; sub { store("RLIMIT_FSIZE $limit for 2 MB", 2_000_000,
	'prlimit', "--fsize=$limit") } } 0, 1000, 1_000_000, 1_990_000, 4_000_000);
file_write($log, 'x' x 40_000, 0600);
ok(store('a log that cannot grow', 3000, 'prlimit', '--fsize=20000'), 'a log that cannot grow keeps no mail back');
with_room('RLIMIT_FSIZE');

my ($yes) = ways('RLIMIT_NOFILE', map { my $most = $_; sub {
	my $r = run_sendoff([], stdin => text_of(0, 3000), command => [ 'prlimit', "--nofile=$most",
		SendoffTest::Run::program('sendoff'), '-C', $config, 'send', '--queue', 'you@example.net' ]);
	# Without a configuration there is no queue to be named.
	my $good = $r->{exit} == 0;
	$stored{ ++$count } = wire(text_of(0, 3000)) if $good;
	my %now = spool_entries($spool, 'new');
	fail("A5: RLIMIT_NOFILE $most: " . $r->{exit} . ' ' . keys(%now) . "\n$r->{err}")
		if $r->{signal} || ($r->{exit} != 0 && !grep { $r->{exit} == $_ } 71, 75, 127) ||
		keys %now != keys %stored || grep({ $_->{bad} } values %now) || (() = glob "$spool/tmp/*");
	return $good } } 3 .. 14);
cmp_ok($yes, '>', 0, 'A5: RLIMIT_NOFILE: a few are enough');
with_room('RLIMIT_NOFILE');

mounted('-o', 'remount,ro', $disk);
ok(!store('read-only', 3000), 'A5: a file system that cannot be written');
my $r = run_sendoff([ '-C', $config, 'queue', 'list' ]);
is($r->{exit}, 0, '... the queue can be looked at') or diag($r->{err});
is(scalar(() = $r->{out} =~ /^p-/mg), scalar keys %stored, '... all of it');
$server = server_start(port => $port, lifetime => 900);
for (1 .. 3) {
	$r = run_sendoff([ '-C', $config, 'queue', 'flush' ]);
	is($r->{exit}, 75, 'flush: 75');
	like($r->{err}, qr/^\d+ still waiting: .*the file system can only be read/, '... and why');
	cmp_ok($r->{seconds}, '<', 5, '... at once');
}
is($server->stored, 0, 'B1: what could not be noted is not sent');
mounted('-o', 'remount,rw', $disk);
with_room('a read-only file system');

# What is sent is noted on a full disk as well.
fill(0);
my $sent = $server->stored;
$r = run_sendoff([ '-C', $config, 'queue', 'flush' ]);
is($r->{exit}, 0, 'a full disk keeps nothing from being sent') or diag($r->{err});
is_deeply([ glob "$spool/new/*" ], [], '... all of it');
my %arrived;
$arrived{ $server->message($_) }++ for 1 .. $server->stored;
my %wanted;
$wanted{$_}++ for values %stored;
is($server->stored - $sent, scalar keys %stored, 'B1: each once');
is(join(' ', grep { ($arrived{$_} // 0) != $wanted{$_} } keys %wanted), '', 'A8: as it was stored');
is_deeply([ $server->violations ], [], 'by the rules');

# One recipient has it, the other not yet: that takes a file.
fill();
$server->stop;
$server = server_start(port => $port, lifetime => 900, at => ['RCPT=later@example.net reply "451 4.3.0 later"']);
is(run_sendoff(['-C', $config, 'send', '--queue', 'you@example.net', 'later@example.net'],
	stdin => text_of('two', 100))->{exit}, 0, 'one for two');
fill(0);
for (1 .. 4) {
	run_sendoff([ '-C', $config, 'queue', 'flush' ]);
	sleep 0.1;
}
my %copies = map { %$_ } values %{ $server->copies };
is($copies{'you@example.net'} // 0, 0, 'B1: what could not be noted is not sent');
$r = run_sendoff([ '-C', $config, 'queue', 'flush' ]);
is($r->{exit}, 75, '... but waits');
like($r->{err}, qr/^1 still waiting: .*could not be noted.*the disk is full/, '... told why');
fill();
for (1 .. 2) {
	run_sendoff([ '-C', $config, 'queue', 'flush' ]);
	sleep 0.1;
}
%copies = map { %$_ } values %{ $server->copies };
is($copies{'you@example.net'}, 1, '... and is sent with room, once');
is_deeply([ $server->violations ], [], 'by the rules');
$server->stop;

# ---- the machine's, whose runner has the trouble

my $queue = '/var/spool/sendoff';
my %promised;        # number => 1
my %refused;
my $runner = runner_start(<<'END', port => $port, lifetime => 600,
[sendoff]
domain = machine.example.test
log = stderr
retry = 1s 2s
min_free = 1
quota_messages = 1000

[account relay]
host = 127.0.0.1
port = {port}
tls = off
END
	aliases => "root: somebody\@example.net\n");

sub hand_in
{
	my ($what, $size) = @_;
	my $n = ++$count;
	my $before = () = $runner->queued;
	my $r = $runner->as_user('alice', [ 'sendmail', 'root' ], timeout => 40,
		stdin => "Subject: number $n\n\n" . join '', map { sprintf "%06d %s\n", $_, 'x' x 56 } 1 .. $size / 64);
	my @bad;

	$r->{exit} == 0 ? $promised{$n}++ : $refused{$n}++;
	push @bad, "exit $r->{exit}, signal $r->{signal}" if $r->{exit} != 0 && $r->{exit} != 75;
	push @bad, "no word: $r->{err}" if $r->{exit} == 75 && $r->{err} !~ /not stored|cannot be stored/;
	my $after = () = $runner->queued;
	push @bad, "$after entries, before $before" if $after != $before + ($r->{exit} == 0);
	push @bad, 'left in tmp/' if !wait_until(sub { !grep { -s } glob "$queue/tmp/*" }, 2);
	my %now = spool_entries($queue, 'new');
	push @bad, 'broken: ' . join ' ', grep { $now{$_}{bad} } keys %now if grep { $_->{bad} } values %now;
	if (@bad) {
		fail("A5: $what") or diag(join "\n", @bad, $r->{err});
	}
	note("$what: $r->{exit}" . ($r->{err} =~ /(452.*|not stored.*)/ ? ": $1" : ''));
	return $r->{exit} == 0;
}

sub accepting
{
	my ($pid) = $runner->roles('sendoff-accept') or die 'no accepting role: ' . $runner->said . "\n";
	return $pid;
}

# Once it has started those that store.
my $threads;
sub all_threads
{
	my @all;

	wait_until(sub {
		my ($pid) = $runner->roles('sendoff-accept') or return 0;
		@all = SendoffTest::Attach::threads_of($pid);
		return @all > 1 && @all >= ($threads // 1);
	}, 10);
	return @all;
}

sub limited
{
	my ($limit) = @_;
	my $uid = $runner->mail_uid;

	# As its own user: that root may is not to be relied on.  The soft limit alone.
	system('setpriv', "--reuid=$uid", "--regid=$uid", '--clear-groups', 'prlimit', '--pid', accepting(),
		"$limit:") == 0 or die "prlimit $limit failed\n";
}

sub with_room_again
{
	my ($what) = @_;

	ok(hand_in("after $what", 3000), "the machine's queue, $what: with room again it goes on");
}

sub fill_spool
{
	my ($left) = @_;

	unlink '/var/spool/filler';
	return if !defined $left;
	my $free = `df -k --output=avail /var/spool` =~ /(\d+)\s*\z/ ? $1 : die "df\n";
	my $octets = ($free - $left) * 1024;
	file_write('/var/spool/filler', 'x' x $octets) if $octets > 0;
}

ok(hand_in('the first', 3000), "the machine's queue: with room");
$threads = () = all_threads();
mounted('-o', 'remount,size=2m', '/var/spool');
both("the machine's queue, a full disk", map { my ($left, $size) = @$_; sub { fill_spool($left);
	hand_in("$left K left for $size", $size) } } [ 0, 3000 ], [ 8, 20_000 ], [ 100, 200_000 ], [ 100, 1_500_000 ],
	[ 100, 20_000 ]);
fill_spool();
with_room_again('a full disk');

both("the machine's queue, RLIMIT_FSIZE", map { my ($limit, $size) = @$_; sub { limited("--fsize=$limit");
	hand_in("RLIMIT_FSIZE $limit for $size", $size) } } [ 0, 3000 ], [ 100, 3000 ], [ 1000, 3000 ],
	[ 100_000, 200_000 ], [ 100_000, 3000 ]);
limited('--fsize=unlimited');
with_room_again('RLIMIT_FSIZE');

# Where a real quota would say so.
for my $point ([ 'write', 1 ], [ 'fsync', 1 ], [ 'fsync', 2 ], [ 'fsync', 3 ], [ 'openat', 1 ], [ 'renameat2', 1 ]) {
	for my $error ($point->[0] =~ /openat|rename/ ? ('EDQUOT') : ('EDQUOT', 'EIO')) {
		$runner->kill;
		my ($main, @workers) = all_threads();
		my ($name, $n) = @$point;
		my $trace = SendoffTest::Attach->new([ @workers ], '-e', "trace=$name", '-e', "inject=$name:error=$error:when=$n");
		ok(!hand_in("$error at $n. $name", 3000), "A4: the machine's queue, $error at $n. $name: 75, and nothing there");
		$trace->end;
		with_room_again("$error at $n. $name");
	}
}

$runner->kill;
all_threads();
my $used = () = glob '/proc/' . accepting() . '/fd/*';
ways("the machine's queue, RLIMIT_NOFILE", map { my $most = $used + $_; sub { limited("--nofile=$most");
	hand_in("RLIMIT_NOFILE $most", 3000) } } 1 .. 6);
limited('--nofile=4096');
with_room_again('RLIMIT_NOFILE');

# What it has open for writing keeps it from being mounted read-only in earnest.
$runner->kill;
my (undef, @writers) = all_threads();
my $trace = SendoffTest::Attach->new([ @writers ], '-e', 'trace=openat,mkdirat', '-e',
	'inject=openat,mkdirat:error=EROFS');
ok(!hand_in('read-only', 3000), "A5: the machine's queue on a file system that cannot be written");
$trace->end;
with_room_again('a read-only file system');

$server = server_start(port => $port, lifetime => 900);
ok(wait_until(sub { !$runner->queued }, 60), 'the queue empties itself') or diag($runner->said);
my %came;
for my $k (1 .. $server->stored) {
	$came{$1}++ if $server->message($k) =~ /^Subject: number (\d+)\r$/m;
}
is(join(' ', sort grep { ($came{$_} // 0) != 1 } keys %promised), '', 'A1, B1: each that was stored arrived once');
is(join(' ', sort grep { !$promised{$_} } keys %came), '', 'A2: and no other');
is_deeply([ $server->violations ], [], 'by the rules');
done_testing;
