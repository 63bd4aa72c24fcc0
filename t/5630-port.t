#!/usr/bin/perl
# Loopback ports, for programs that only speak SMTP: whoever comes there is nobody in
# particular, may do little, and can be a web page.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Accept;
use Time::HiRes qw(sleep time);

plan(skip_all => 'only root can be several users') if $> != 0;

my $alice = 30001;
my %people = (0 => [ 'root', 'root' ], $alice => [ 'alice' ]);
my $text = "Subject: x\r\n\r\nbody\r\n";
my $aliases = "postmaster: boss\@example.net\n";

sub start { return accept_start(people => \%people, ports => 1, aliases => $aliases, @_) }
sub by_port { my ($a, $t, @to) = @_;
	my $client = $a->port_client or return 'no connection';
	return $client->hand_in('<app@example.org>', [ @to ? @to : 'dave@example.org' ], $t // $text) }
sub by_socket { my ($a, $uid, $t) = @_; return $a->hand_in($uid, '<> XNOSENDER', [ 'dave@example.org' ], $t // $text) }

sub served
{
	my ($a, $name) = @_;
	my $began = time;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	like(by_socket($a, $alice), qr/^250 2\.0\.0 stored/, "$name: users are served");
	cmp_ok(time - $began, '<', 5, '... soon');
}

# ---- what it takes

my $accept = start(ports => 2);
my $client = $accept->port_client(n => 1);
like($client->{greeting}, qr/^220 box\.example\.test ESMTP/, 'greeted');
my $offers = $client->talk('EHLO app');
like($offers, qr/^250-DSN$/m, 'EHLO');
unlike($offers, qr/XSENDOFF/, 'what callers of our own are offered is not');
like($client->talk('MAIL FROM:<a@b.test> XACCOUNT=work'), qr/^555 /, '... nor taken');
like($client->talk('MAIL FROM:<app>'), qr/^553 /, 'no bare sender');
like($client->talk('MAIL FROM:<app@example.org>'), qr/^250 /, 'a whole one');
like($client->talk('RCPT TO:<root>'), qr/^553 /, 'no bare recipient');
like($client->talk('RCPT TO:<dave@example.org>'), qr/^250 /, 'a whole one');
like($client->talk('RCPT TO:<postmaster@localhost>'), qr/^250 /, 'a name of this machine');
like($client->talk('DATA'), qr/^354 /, 'DATA');
$client->put("Received: from x by y; Fri, 02 Jan 2026 03:04:05 +0000\r\n$text.\r\n");
my ($id) = $client->get =~ /^250 2\.0\.0 stored as s-([a-z2-7]{12})$/;
ok($id, 'stored');
my $entry = $accept->entry($id);
my %head = map { /^(\S+) (.*)/ ? ($1 => $2) : () } @{ $entry->{lines} };
is($head{uid}, 4294967295, 'of nobody');
is($head{login}, 'uid-none', '... by name, too');
my ($first) = $entry->{content} =~ /\A(.*)\r\n/;
like($first, qr/^Received: by box\.example\.test \(sendoff\) from loopback port $accept->{ports}[1]; /, 'F6: the trace tells where it came in');
like($entry->{content}, qr/^From: app\@example\.org\r$/m, 'From is added');
is_deeply([ sort map { /^to <(\S+)>/ ? $1 : () } @{ $entry->{lines} } ],
	[ qw(boss@example.net dave@example.org) ], 'aliases are obeyed') or diag(join "\n", @{ $entry->{lines} });
my ($told) = $accept->told('stored');
is($told->{loopback_port}, $accept->{ports}[1], 'the log is told the port');
ok(!exists $told->{uid} && !exists $told->{login}, '... and no user');
is_deeply([ map { $_->{id} // () } $accept->ask($alice, { do => 'list' }) ], [], 'F4: it is no user\'s to see');
like($client->hand_in('<>', [ 'dave@example.org' ], $text), qr/^250 /, 'the null sender, in the same session');
served($accept, 'beside it');

# ---- what is not SMTP

my $before = $accept->entries;
my @web = ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: localhost:2525\r\nContent-Length: 99\r\n\r\nEHLO x\r\nMAIL FROM:<a\@b.test>\r\n" .
	"RCPT TO:<c\@d.test>\r\nDATA\r\n$text.\r\nQUIT\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01", "--x\r\nEHLO x\r\n",
	hostile_bytes(100_000), "\r\nEHLO x\r\n", 'A' x 100_000 . "\r\nEHLO x\r\n");
for my $octets (@web) {
	my $late = $accept->port_client;
	$late->put($octets, 2);
	my $said = $late->rest($octets =~ /\n/ ? 5 : 0.2);
	unlike($said, qr/^(?:250|354)/m, 'F3: nothing is obeyed');
	like($said, qr/^554 5\.5\.1 .*(?:mail service)/m, '... and the session ends') if $octets =~ /\n/ && $octets !~ /[\x80-\xff]/;
	$late->close_it;
	my $early = $accept->port_client(mute => 1, first => $octets);
	unlike($early->rest($octets =~ /\n/ ? 5 : 0.2), qr/^(?:250|354)/m, 'F3: nor of one that does not wait') if $early;
	$early->close_it if $early;
}
my $mixed = $accept->port_client;
$mixed->talk('EHLO x');
like($mixed->talk('Content-Type: text/plain'), qr/^554 /, 'F3: nor does it go on behind a line that is none');
is($mixed->rest(5), '', '... closed');
is(scalar($accept->entries), $before, 'nothing was stored');
served($accept, 'F3: garbage');

# Who must wait for a place and has spoken meanwhile is told so.
my @busy = map { $accept->port_client } 1 .. 10;
is(scalar(grep { $_->{greeting} =~ /^220/ } @busy), 10, 'F5: ten sessions');
my $eager = $accept->port_client(mute => 1, first => "EHLO x\r\nMAIL FROM:<a\@b.test>\r\n");
is($eager->get(0.5), '', 'F5: no eleventh');
$_->close_it for @busy;
like($eager->rest(10), qr/^554 5\.5\.1 you spoke before the greeting/, 'who spoke before is sent away');
@busy = ();

# ---- many, slow, deaf

my @open = grep { $_ } map { $accept->port_client(mute => 1) } 1 .. 200;
served($accept, 'F3: 200 connections');
my @said = map { $_->get(0.01) } @open[0 .. 99];
is(scalar(grep { /^220 / } @said), 10, 'F5: ten at a time are greeted');
cmp_ok(scalar(grep { /^421 4\.7\.0 / } @said), '>=', 50, '... forty may wait, the others are sent away');
$_->close_it for @open;
@open = ();
for (1 .. 10) {
	my $slow = $accept->port_client or next;
	$slow->put("EHLO x\r\nMAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nDATA\r\nSubject: slow");
	push @open, $slow;
}
served($accept, 'F3: ten slow ones');
$_->close_it for @open;
@open = ();
ok(wait_until(sub { by_port($accept) =~ /^250 / }, 10), 'and the port is served again');
is_deeply([ $accept->entries('tmp') ], [], 'A3: nothing half is kept');

# Half a dialogue, at every octet.
my $whole = "EHLO x\r\nMAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nDATA\r\n$text.\r\n";
$before = $accept->entries;
for my $cut (1 .. length($whole) - 1) {
	my $c = $accept->port_client or next;
	$c->put(substr $whole, 0, $cut);
	$c->close_it;
}
served($accept, 'F3: half dialogues');
is(scalar($accept->entries), $before + 1, 'A3: nothing half is stored');
is($accept->stop, 0, 'it ends well');
is_deeply([ $accept->told('trouble') ], [], 'no trouble was told');

# ---- silence

SKIP: {
	my %hurry = hurry(30) or skip 'the clock cannot be made to run', 5;
	$accept = start(env => \%hurry);
	my @silent = ($accept->port_client, $accept->port_client);
	$silent[1]->talk($_) for 'EHLO x', 'MAIL FROM:<a@b.test>', 'RCPT TO:<c@d.test>', 'DATA';
	my $user = $accept->client($alice);
	my $began = time;
	like($_->get(10), qr/^421 .*nothing came for too long/, 'C1: a minute of silence is enough') for @silent;
	cmp_ok(time - $began, '>', 1.5, '... and less is not');
	is($user->get(0.5), '', '... users have more');
	like($user->get(15), qr/^421 /, '... five, without a message');
	$accept->stop;
}

# ---- one quota for all of it, a tenth of a user's

$accept = start(global => { quota_messages => 30, quota_bytes => '10M' });
like(by_port($accept), qr/^250 /, "message $_ of three") for 1 .. 3;
like(by_port($accept), qr/^452 4\.2\.2 .*that came by loopback ports/, 'F5: no fourth');
like(by_socket($accept, $alice), qr/^250 /, 'F5: no user suffers') for 1 .. 5;
like(by_socket($accept, 31234), qr/^250 /, '... nor who is nobody for long');
unlink "$accept->{spool}/new/$_" for grep { file_read("$accept->{spool}/new/$_") =~ /^uid 4294967295$/m } $accept->entries;
ok(wait_until(sub { by_port($accept) =~ /^250 / }, 12), 'F5: what has left counts no more');
like(by_port($accept, "Subject: x\r\n\r\n" . ('x' x 78 . "\r\n") x 14_000), qr/^452 4\.2\.2 /, 'F5: too many octets');
$accept->stop;
$accept = start(spool => $accept->{spool}, global => { quota_messages => 10 });
ok(wait_until(sub { by_port($accept) =~ /^452 4\.2\.2/ }, 5), 'F5: nor does a restart forgive');
$accept->stop;

done_testing;
