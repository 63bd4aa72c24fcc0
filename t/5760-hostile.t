#!/usr/bin/perl
# Hostile users of a machine, at both sockets of its runner at once, while the mail
# of others is taken and their questions answered in time: F3, F4, F5.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use JSON::PP ();
use SendoffTest;
use SendoffTest::Runner;
use Socket;
use Time::HiRes qw(sleep time);

SendoffTest::Runner->namespace;

my $quota = 40;
my $server = server_start(lifetime => 300);
my $port = $server->port;
$server->stop;
my $runner = runner_start(<<"END", port => $port,
[sendoff]
domain = machine.example.test
log = stderr
retry = 1s 2s
quota_messages = $quota
quota_bytes = 4M
max_message = 3M

[account relay]
host = 127.0.0.1
port = {port}
tls = off
END
	aliases => "root: somebody\@example.net\n");
my ($smtp, $control) = map { "/run/sendoff/$_.sock" } qw(smtp control);
my $slowest = 5;     # seconds that anybody may have to wait for his own
my (%promised, %taken);

# ---- what must go on

# One message of a user's; whether it was stored.
sub hand_in
{
	my ($who, $n, $text) = @_;
	my $r = $runner->as_user($who, [ 'sendmail', 'root' ], timeout => 30,
		stdin => "Subject: $who-$n\n\n" . ($text // "hi\n"));

	$promised{"$who-$n"}++ if $r->{exit} == 0;
	$taken{$who}++ if $r->{exit} == 0;
	return $r;
}

sub others_are_served
{
	my ($name, $n) = @_;
	my $r = hand_in('bob', $n);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($r->{exit}, 0, "$name: another's mail is taken") or diag($r->{err});
	cmp_ok($r->{seconds}, '<', $slowest, '... in time');
	$r = $runner->as_user('bob', [ 'mailq' ]);
	is($r->{exit}, 0, '... and his question answered') or diag($r->{err});
	cmp_ok($r->{seconds}, '<', $slowest, '... in time');
	like($r->{out}, qr/ in $taken{bob} Requests?\.$/m, '... with what is his');
}

my ($accept) = $runner->roles('sendoff-accept');
my $supervisor = $runner->runner_pid;

# Nobody has crashed, grown, or kept what was closed.
sub sound
{
	my ($name) = @_;
	my ($now) = $runner->roles('sendoff-accept');

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($now // 'none', $accept, "C8: $name: the accepting role is the same");
	is($runner->runner_pid, $supervisor, '... and so is the supervisor');
	for my $pid ($accept, $supervisor) {
		next if $ENV{ASAN_OPTIONS} || build() =~ /asan/;   # a sanitizer weighs more
		my ($kilobytes) = (eval { file_read("/proc/$pid/status") } // '') =~ /^VmRSS:\s+(\d+) kB/m;
		cmp_ok($kilobytes // 1e9, '<', 64 * 1024, "C3: ... $kilobytes kB");
	}
	ok(wait_until(sub { my @fds = glob "/proc/$accept/fd/*"; @fds < 60 }, 10), '... and descriptors are let go of');
}

# A function in a process of alice's; its number.
my @attackers;
sub attack
{
	my ($function) = @_;
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		setpgrp;
		$) = "$_ $_" for $runner->uid_of('alice');
		$( = $) + 0;
		$< = $> = $runner->uid_of('alice');
		$SIG{$_} = 'DEFAULT' for qw(TERM INT HUP);
		$SIG{PIPE} = 'IGNORE';
		alarm 60;
		eval { $function->() };
		POSIX::_exit(0);
	}
	push @attackers, $pid;
	return $pid;
}

sub no_more_attacks
{
	kill 'KILL', @attackers;
	waitpid $_, 0 for splice @attackers;
}

END { local $?; no_more_attacks() if $runner && $runner->{owner} == $$ }

sub to
{
	my ($path) = @_;

	return IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path);
}

sub put
{
	my ($socket, $data) = @_;

	while (length $data) {
		my $n = syswrite $socket, $data or return;
		substr($data, 0, $n) = '';
	}
}

others_are_served('at first', 0);

# ---- questions that are bombs

my $deep = 20_000;
my @bombs = (
	'[' x $deep, '[' x $deep . ']' x $deep, '{"a":' x $deep, '{"v":' x 5000 . '1' . '}' x 5000,
	'{"v":1,"do":"list","x":' . '[' x 2000 . ']' x 2000 . '}',
	'{"v":1e999999999,"do":"list"}', '{"v":' . '9' x 30_000 . ',"do":"list"}', '{"v":-1e308,"do":"list"}',
	'{"v":1,"do":"show","id":1e999}', '{"v":' . '0.' . '1' x 30_000 . ',"do":"list"}',
	(map { my $wrong = $_; map { "{\"v\":1,\"do\":\"$_\",\"id\":$wrong,\"account\":$wrong,\"sender\":$wrong," .
		"\"from\":$wrong,\"address\":$wrong,\"content\":$wrong}" } qw(show hold remove explain verify list check) }
		'null', 'true', '{}', '[]', '[["a"]]', '0', '-9223372036854775808', '""', '"s-"', '"' . 'a' x 20_000 . '"',
		'"\u0000"', '"s-\ud800"', '"../../etc/passwd"', '"a%n%s%p"', '"s-aaaaaaaaaaaa\n250 ok"'),
	'{"v":1,"do":{"list":1}}', '{"v":1,"do":["list"]}', '{"v":"1","do":"list"}', '{"v":true,"do":"list"}',
	'{"v":1}', '{}', '"list"', 'null', '1', "{\"v\":1,\"do\":\"list\"\0}", "\xef\xbb\xbf{\"v\":1,\"do\":\"list\"}",
	"{\"v\":1,\"do\":\"\xff\xfe\"}", "{\"v\":1,\"do\":\"verify\",\"address\":\"" . 'a,' x 15_000 . '"}',
	'{"v":1,"do":"verify","address":"' . '(' x 20_000 . '"}', '{"v":1,"do":"verify","address":"@a,@b:' . '<' x 5000 . '"}',
	'{' . join(',', map { "\"k$_\":$_" } 1 .. 4000) . '}', 'x' x 1_000_000, ' ' x 1_000_000, "\xff" x 60_000,
	hostile_bytes(60_000),
);
my ($answered, $slow) = (0, 0);
for my $bomb (@bombs) {
	my $began = time;
	my $pid = attack(sub {
		my $socket = to($control) or POSIX::_exit(2);
		put($socket, "$bomb\n");
		my $all = '';
		1 while sysread $socket, $all, 65536, length $all;
		# Nothing of anybody's, whatever the question; and JSON, if anything.
		POSIX::_exit(3) if $all =~ /bob|root:|something else/;
		POSIX::_exit(4) if length $all && !eval { JSON::PP->new->utf8->decode($_) for split /\n/, $all; 1 };
		POSIX::_exit(length $all ? 0 : 1);
	});
	waitpid $pid, 0;
	@attackers = ();
	my $shown = substr($bomb, 0, 60) =~ s/[^ -~]/?/gr;
	fail("F3: a question of " . length($bomb) . " octets ($shown...): " . ($? >> 8) . ', signal ' . ($? & 127))
		if $? & 127 || $? >> 8 > 1;
	$answered += $? == 0;
	$slow++ if time - $began > $slowest;
}
cmp_ok($answered, '>', 50, 'F3: ' . @bombs . " questions that are none, $answered of them answered");
is($slow, 0, '... each in time');
sound('after the questions');
others_are_served('after the questions', 1);

# ---- all at once, at both sockets

my $seed = 1;
for my $path ($smtp, $control) {
	# Many connections that say nothing, and are made anew.
	attack(sub {
		my @open;
		while (1) {
			my $socket = to($path);
			push @open, $socket if $socket;
			splice @open, 0, 100 if @open > 600;
			sleep 0.001 if !$socket;
		}
	}) for 1 .. 2;
	# Garbage.
	attack(sub {
		while (1) {
			my $socket = to($path) or next;
			$socket->blocking(0);
			put($socket, hostile_bytes(100_000, $seed++));
		}
	});
	# Half of what would be right, cut anywhere.
	attack(sub {
		my $whole = $path eq $smtp ? "EHLO x\r\nMAIL FROM:<a\@b.test> XTOKEN=" . 'a' x 32 .
			"\r\nRCPT TO:<c\@d.test>\r\nDATA\r\nSubject: half\r\n\r\nx\r\n." : '{"v":1,"do":"list"}';
		for (my $n = 0; ; $n++) {
			my $socket = to($path) or next;
			put($socket, substr $whole, 0, 1 + $n % length $whole);
		}
	});
	# An octet now and then, and never an end.
	attack(sub {
		my @open = grep { $_ } map { to($path) } 1 .. 50;
		while (1) {
			for my $socket (@open) {
				syswrite $socket, 'x' x (1 + rand 3);
			}
			sleep 0.05;
		}
	});
	# Much is asked, and no answer read.
	attack(sub {
		my @open;
		while (1) {
			my $socket = to($path) or next;
			$socket->blocking(0);
			put($socket, $path eq $smtp ? "NOOP\r\n" x 10_000 : "{\"v\":1,\"do\":\"list\"}\n");
			push @open, $socket;
			shift @open if @open > 100;
		}
	});
	# Lines of a megabyte.
	attack(sub {
		while (1) {
			my $socket = to($path) or next;
			put($socket, 'EHLO ' . 'x' x 1_000_000);
		}
	});
}
ok(wait_until(sub { my @fds = glob "/proc/$accept/fd/*"; @fds > 300 }, 10), 'hundreds of connections are open') or
	diag(scalar(() = glob "/proc/$accept/fd/*"));
for my $n (2 .. 6) {
	others_are_served("F3: under attack from 14 processes ($n)", $n);
	sleep 0.3;
}
my $r = $runner->as_root([ 'sendmail', 'root' ], stdin => "Subject: root-1\n\nhi\n");
is($r->{exit}, 0, 'F5: root is served') or diag($r->{err});
$promised{'root-1'}++ if $r->{exit} == 0;
no_more_attacks();
sound('after all that');
ok(wait_until(sub { !grep { !/^\./ } map { s{.*/}{}r } glob '/var/spool/sendoff/tmp/*' }, 10), 'A3: nothing half is left');
is(scalar(() = $runner->queued), scalar keys %promised, 'nothing was stored that was not promised');

# ---- what one user may have

my ($stored, $refused) = (0, 0);
for my $n (1 .. $quota + 10) {
	$r = hand_in('alice', $n);
	$r->{exit} == 0 ? $stored++ : $refused++;
	if ($r->{exit} != 0 && $refused == 1) {
		is($r->{exit}, 75, 'F5: over her quota: 75');
		like($r->{err}, qr/not stored: too much mail of this user/, '... told');
	}
}
is("$stored stored, $refused not", "$quota stored, 10 not", 'F5: so many and no more');
$r = hand_in('alice', 'x');
is($r->{exit}, 75, '... nor later');
others_are_served('F5: while she has too much', 7);
($stored, $refused) = (0, 0);
for my $n (1 .. $quota + 5) {
	$r = hand_in(31000 + $n % 7 + ($n % 2 ? 0 : 30200), $n);
	$r->{exit} == 0 ? $stored++ : $refused++;
}
is("$stored stored, $refused not", "$quota stored, 5 not", 'F5: all who are nobody for long share one');
$r = $runner->as_root([ 'sendmail', 'root' ], stdin => "Subject: root-2\n\nhi\n");
is($r->{exit}, 0, '... root has his') or diag($r->{err});
$promised{'root-2'}++ if $r->{exit} == 0;

my $line = 'x' x 70 . "\n";
$r = hand_in('bob', 'big', $line x 30_000);
is($r->{exit}, 0, 'one of 2 MB') or diag($r->{err});
$r = hand_in('bob', 'bigger', $line x 30_000);
is($r->{exit}, 75, 'F5: 4 MB are too much') or diag($r->{err});
like($r->{err}, qr/not stored: too much mail of this user/, '... told');
$r = hand_in('bob', 'biggest', $line x 60_000);
like($r->{exit}, qr/^6[59]$/, 'F5: larger than a message may be: that is final') or diag($r->{err});
is(scalar(() = $runner->queued), scalar keys %promised, 'as many wait as were promised');

# ---- and all of it arrives

$server = server_start(port => $port, lifetime => 300);
ok(wait_until(sub { !$runner->queued }, 60), 'the queue empties itself') or diag($runner->said);
my %count;
for my $k (1 .. $server->stored) {
	$count{$1}++ if $server->message($k) =~ /^Subject: (\S+)\r$/m;
}
is(join(' ', grep { ($count{$_} // 0) != 1 } sort keys %promised), '', 'A1, B1: each that was promised came once');
is(join(' ', grep { !$promised{$_} } sort keys %count), '', '... and no other');
is_deeply([ $server->violations ], [], 'by the rules');
$r = hand_in('alice', 'after');
ok($r->{exit} == 0 || wait_until(sub { hand_in('alice', 'after')->{exit} == 0 }, 15), 'F5: now she may again') or
	diag($r->{err});
done_testing;
