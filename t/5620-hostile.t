#!/usr/bin/perl
# The runner's socket bears hostile local users, and answers the others meanwhile.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl;
use MIME::Base64 ();
use SendoffTest;
use SendoffTest::Accept;
use Socket;
use Time::HiRes qw(sleep time);

plan(skip_all => 'only root can be several users') if $> != 0;

my ($alice, $bob, @nobody) = (30001, 30002, 31234, 31235, 61200);
my %people = (0 => [ 'root', 'root' ], $alice => [ 'alice' ], $bob => [ 'bob' ],
	61200 => [ 'some-service' ]);
my $text = "Subject: x\r\n\r\nbody\r\n";

sub start { return accept_start(people => \%people, @_) }
sub hand_in { my ($a, $uid, $t) = @_;
	return $a->hand_in($uid, '<> XNOSENDER', [ 'dave@example.org' ], $t // $text) }
sub descriptors { my @fds = glob "/proc/$_[0]{pid}/fd/*"; return scalar @fds }
sub memory { return file_read("/proc/$_[0]{pid}/status") =~ /^VmRSS:\s+(\d+) kB/m ? $1 : 0 }

# Another user's mail is taken, and soon.
sub served
{
	my ($a, $uid, $name) = @_;
	my $began = time;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	like(hand_in($a, $uid), qr/^250 2\.0\.0 stored/, "$name: others are served");
	cmp_ok(time - $began, '<', 20, '... soon');
}

# ---- what is not SMTP

my $accept = start();
served($accept, $bob, 'at first');
my $before = descriptors($accept);
my @open;
for my $octets (hostile_bytes(200_000), "\0" x 5000, 'A' x 1_000_000, "EHLO x\r\n" x 3000,
		"DATA\r\n" x 100, "MAIL FROM:<a\r\nRCPT TO:<b>\r\n" x 50, "BDAT 99999999999999999999\r\n",
		"EHLO x\r\nMAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nBDAT 4294967296\r\nabc",
		"EHLO x\r\nMAIL FROM:<a\@b.test> XNAME=" . '+0D+0A' x 200 . "\r\nRCPT TO:<c\@d.test>\r\n",
		"QUIT\r\nMAIL FROM:<a\@b.test>\r\n") {
	my $client = $accept->client($alice);
	$client->put($octets, 2);
	push @open, $client;
}
served($accept, $bob, 'F3: garbage');
is(scalar($accept->entries), 2, 'F3: garbage is never a message') or diag(join ' ', $accept->entries);
@open = ();

# Half a dialogue, at every octet.
my $whole = "EHLO x\r\nMAIL FROM:<a\@b.test> XTOKEN=" . 'a' x 32 .
	"\r\nRCPT TO:<c\@d.test>\r\nDATA\r\n$text.\r\n";
for my $cut (1 .. length($whole) - 1) {
	my $client = $accept->client($alice, mute => 1) or next;
	$client->put(substr $whole, 0, $cut);
	$client->close_it;
}
served($accept, $bob, 'F3: half dialogues');
ok(wait_until(sub { my @all = $accept->entries; @all == 3 }, 5),
	'A3: nothing half is kept') or diag(join ' ', $accept->entries);
is_deeply([ $accept->entries('tmp') ], [], '... nor in tmp/');

# ---- slow ones, and those who do not read

for (1 .. 40) {
	my $slow = $accept->client($alice);
	$slow->put("EHLO x\r\nMAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nDATA\r\nSubject: slow");
	push @open, $slow;
}
my $deaf = $accept->client($alice);
ok($deaf->put("NOOP\r\n" x 200_000, 2) > 0 || 1, 'one who asks and never reads');
served($accept, $bob, 'F3: slow writers');

# ---- descriptors sent along

# sendmsg(2) with one descriptor, by hand: Perl has no other way.
my %call = (x86_64 => 46, aarch64 => 211);
my $machine = (POSIX::uname())[4];
SKIP: {
	skip "no number of sendmsg(2) for $machine", 1 if !$call{$machine};
	my $client = $accept->client($bob);
	my $held = descriptors($accept);
	open my $null, '<', '/dev/null' or die;
	for (1 .. 50) {
		my $data = "NOOP\r\n";
		my $vector = pack 'P Q', $data, length $data;
		my $control = pack 'Q l l l x4', 20, SOL_SOCKET, 1, fileno $null;
		my $header = pack 'Q L x4 P Q P Q l x4', 0, 0, $vector, 1, $control, length $control, 0;
		syscall($call{$machine}, fileno $client->{socket}, $header, 0) > 0 or die "sendmsg: $!\n";
		$client->get;
	}
	cmp_ok(descriptors($accept), '<=', $held, 'F3: descriptors that are sent along do not pile up');
}

# ---- thousands of connections

@open = ();
for (1 .. 600) {
	my $client = $accept->client($alice, mute => 1);
	push @open, $client if $client;
}
served($accept, $bob, 'F3: 600 connections of one user');
served($accept, 0, 'F5: root');
my $greeted = grep { $_->get(0.01) =~ /^220 / } @open[0 .. 199];
cmp_ok($greeted, '<', 100, 'F5: of his, a few are served at a time');
cmp_ok($greeted, '>', 10, '... but some are');
$_->close_it for @open;
@open = ();
ok(wait_until(sub { descriptors($accept) <= $before + 2 }, 10), 'F3: all are let go of')
	or diag(descriptors($accept) . " for $before");

# 300 at once who are in earnest: each waits for its turn, and is served.
for my $n (1 .. 300) {
	my $client = $accept->client($alice, mute => 1) or next;
	$client->put("EHLO x\r\nMAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nDATA\r\n$text.\r\nQUIT\r\n");
	push @open, $client;
}
my $stored = grep { $_->rest(30) =~ /^250 2\.0\.0 stored/m } @open;
is($stored, 300, 'C5: 300 at once are all served, in turn');
@open = ();
my $used = memory($accept);
is($accept->stop, 0, 'it ends well');
is_deeply([ $accept->told('trouble') ], [], 'no trouble was told');

# ---- memory

$accept = start();
my $line = 'x' x 78 . "\r\n";
like(hand_in($accept, $alice, "Subject: big\r\n\r\n" . $line x 400_000), qr/^250 /, 'a message of 32 MB');
SKIP: {
	skip 'a sanitizer needs more', 1 if $ENV{ASAN_OPTIONS} || build() =~ /asan/;
	cmp_ok(memory($accept), '<', 16 * 1024, 'C3: memory does not grow with it');
}
$accept->stop;

# ---- few descriptors

$accept = start(limits => '-n 100');
for (1 .. 150) {
	my $client = $accept->client($alice, mute => 1);
	push @open, $client if $client;
}
served($accept, 0, 'F3: with few descriptors, root');
@open = ();
served($accept, $bob, '... and, when the others have gone, everybody');
is($accept->stop, 0, 'it ends well');

# ---- quotas

$accept = start(global => { quota_messages => 3, quota_bytes => '1M' });
like(hand_in($accept, $alice), qr/^250 /, "message $_ of three") for 1 .. 3;
like(hand_in($accept, $alice), qr/^452 4\.2\.2 .*too much mail of this user/, 'F5: over the quota');
served($accept, $bob, 'F5: a quota is one user\'s');
like(hand_in($accept, $nobody[$_ % 3]), qr/^250 /, 'somebody who is nobody for long') for 1 .. 3;
like(hand_in($accept, $nobody[0]), qr/^452 4\.2\.2 /, 'F5: they share one');
like(hand_in($accept, 31299), qr/^452 4\.2\.2 /, '... with whoever comes next');
like(hand_in($accept, 0), qr/^250 /, 'root has none') for 1 .. 4;
like(hand_in($accept, $bob, "Subject: x\r\n\r\n" . $line x 20_000), qr/^452 4\.2\.2 /, 'F5: too many octets');
my $token = "<a\@b.test> XTOKEN=" . 'c' x 32;
my $first = $accept->hand_in($bob, $token, [ 'd@x.test' ], $text);
like($first, qr/^250 /, 'the second of three');
like(hand_in($accept, $bob), qr/^250 /, 'the third');
like(hand_in($accept, $bob), qr/^452 /, 'the fourth');
is($accept->hand_in($bob, $token, [ 'd@x.test' ], $text), $first,
	'F0: one that is stored already is answered, quota or not');
my @hers = grep { file_read("$accept->{spool}/new/$_") =~ /^uid $alice$/m } $accept->entries;
unlink "$accept->{spool}/new/$_" for @hers;
ok(wait_until(sub { hand_in($accept, $alice) =~ /^250 / }, 12), 'F5: what has left the queue counts no more');
$accept->stop;

# What was there before counts as well.
$accept = start(spool => $accept->{spool}, global => { quota_messages => 3 });
ok(wait_until(sub { hand_in($accept, $bob) =~ /^452 4\.2\.2/ }, 5), 'F5: nor does a restart forgive');
$accept->stop;

# Nor is anything had for nothing by few octets for many.
$accept = start(global => { quota_bytes => '1M' });
my @many = map { sprintf '%04d%s@%s.example.net', $_, 'a' x 60, join '.', ('b' x 60) x 2 } 1 .. 1200;
my @answers = map { $accept->hand_in($alice, '<> XNOSENDER', \@many, $text) } 1 .. 6;
like($answers[2], qr/^250 /, 'three messages with many recipients each');
like($answers[5], qr/^452 4\.2\.2 /, 'F5: six are too much, small as they are') or diag($answers[5]);
$accept->stop;
$accept = start(spool => $accept->{spool}, global => { quota_bytes => '1M' });
ok(wait_until(sub { $accept->hand_in($alice, '<> XNOSENDER', \@many, $text) =~ /^452 4\.2\.2/ }, 5),
	'... and counted again');
$accept->stop;

# A long one that is stored already, and asked for again, takes no room of a full quota.
$accept = start(global => { quota_messages => 1 });
my $long = "Subject: long\r\n\r\n" . $line x 40_000;
$token = "<a\@b.test> XTOKEN=" . 'd' x 32;
$first = $accept->hand_in($alice, $token, [ 'd@x.test' ], $long);
like($first, qr/^250 /, 'three megabytes');
is($accept->hand_in($alice, $token, [ 'd@x.test' ], $long), $first,
	'F0: the answer to them is the same the second time, to the last octet');
$accept->stop;

# What was refused somewhere and is kept takes room as well.
$accept = start(global => { quota_bytes => '1M' });
like(hand_in($accept, $alice, "Subject: x\r\n\r\n" . $line x 12_000), qr/^250 /, 'one that takes most of it');
my ($given_up) = $accept->entries;
$accept->stop;
rename "$accept->{spool}/new/$given_up", "$accept->{spool}/failed/$given_up" or die "rename: $!\n";
$accept = start(spool => $accept->{spool}, global => { quota_bytes => '1M' });
like(hand_in($accept, $alice), qr/^250 /, 'there is room for a small one');
sleep 1;   # for the count that a start begins with
like(hand_in($accept, $alice, "Subject: x\r\n\r\n" . $line x 5_000), qr/^452 4\.2\.2/,
	'F5: nor can the disk be filled with what is given up');
$accept->stop;

# ---- no space

$accept = start(global => { min_free => '1024G' });
like(hand_in($accept, $alice), qr/^452 4\.3\.1 .*nearly full/, 'F5: below the floor of free space');
$accept->stop;
$accept = start(limits => '-f 200');
like(hand_in($accept, $alice, "Subject: x\r\n\r\n" . $line x 5000), qr/^452 4\.3\.1 .*(?:not|cannot be) stored/,
	'A5: it cannot be written');
served($accept, $alice, 'A5: and the next');
is(scalar($accept->entries), 1, 'A5: nothing half is there');
is_deeply([ $accept->entries('tmp') ], [], '... nor in tmp/');
ok($accept->told('trouble'), 'the supervisor is told');
$accept->stop;

# A name service that does not answer.
$people{$alice} = 'silent';
$accept = start();
my $silent = $accept->client($alice, mute => 1);
served($accept, $bob, 'F3: while nobody knows who the other is');
is($silent->get(0.2), '', '... who waits');
$people{$alice} = [ 'alice' ];
ok(wait_until(sub { $silent->get(0.2) =~ /^220 / }, 10), '... and is served when it is known');
$accept->stop;

# ... and who comes with many connections, or many uids, about whom it does not.
my @silent = ($alice, 40_001 .. 40_008);
$people{$_} = 'silent' for @silent;
$accept = start(limits => '-n 400');
for (1 .. 60) {
	my $client = $accept->client($alice, mute => 1);
	push @open, $client if $client;
}
served($accept, $bob, 'F3: while one whom nobody knows fills what he can');
for my $uid (@silent) {
	for (1 .. 8) {
		my $client = $accept->client($uid, mute => 1);
		push @open, $client if $client;
	}
}
served($accept, $bob, 'F3: while many do');
@open = ();
$accept->stop;

# Aliases that take long to follow, many times at once.
$people{$_} = [ "user-$_" ] for @silent;
my $list = '/etc/mail/list';
$accept = start(aliases => "default: :include:$list\n", includes => [ { table => 1, path => $list,
	text => MIME::Base64::encode_base64("same\@example.net\n" x 200_000, '') } ]);
for (1 .. 10) {
	my $slow = $accept->client($alice);
	$slow->put("EHLO x\r\nMAIL FROM:<a\@b.test>\r\n" . join('', map { "RCPT TO:<name$_>\r\n" } 1 .. 1500));
	like($slow->get, qr/^250/, 'one who asks for much') for 1 .. 2;
	push @open, $slow;
}
served($accept, $bob, 'F3: while aliases are followed');
@open = ();
my $question = qq({"v":1,"do":"verify","address":"name"}\n);
for (1 .. 300) {
	my $socket = $accept->socket_to('control', $alice) or next;
	syswrite $socket, $question;
	push @open, $socket;
}
served($accept, $bob, 'F3: while many ask where mail to a name goes');
@open = ();
my @lines = $accept->ask($bob, { do => 'verify', address => 'name' });
is($lines[0]{address}, 'same@example.net', '... and another is told');
# What was answered once costs nothing the second time.
my $slow = $accept->client($bob);
$slow->put("EHLO x\r\nMAIL FROM:<a\@b.test>\r\n" . "RCPT TO:<name>\r\n" x 4000 . "DATA\r\n$text.\r\n");
my $began = time;
like($slow->get(60), qr/^250/, 'EHLO, MAIL') for 1 .. 2;
is(scalar(grep { $slow->get(60) =~ /^250/ } 1 .. 4000), 4000, 'F3: the same name 4000 times');
like($slow->get, qr/^354/, '... DATA');
like($slow->get, qr/^250 2\.0\.0 stored/, '... one message');
cmp_ok(time - $began, '<', 60, '... soon');
$accept->stop;
done_testing;
