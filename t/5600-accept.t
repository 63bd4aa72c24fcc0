#!/usr/bin/perl
# The accepting role of the runner: what local users hand in over the socket is
# stored as it should be, by whoever the kernel says they are.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl;
use SendoffTest;
use SendoffTest::Accept;
use Time::HiRes qw(sleep time);

my $root = $> == 0;
my ($alice, $bob, $nobody, $dynamic) = (30001, 30002, 31234, 61200);
my $me = $root ? $alice : $>;
my %people = ($alice => [ 'alice', 'alice', 'staff' ], $bob => [ 'bob', 'bob' ], 0 => [ 'root', 'root' ]);
$people{$>} //= [ 'tester', 'testers' ];
my $name = $people{$me}[0];
my %accounts = (work => { from => 'me@example.test', users => '*' },
	staff => { from => 'staff@example.test', users => '@staff, root' },
	closed => { from => 'closed@example.test' });

my $accept = accept_start(accounts => \%accounts, people => \%people,
	global => { default => 'work', admin => 'boss@example.net', local_names => 'box.example.test' },
	aliases => "root: admin\@example.net\nteam: alice, bob\@example.org\nloop: pool\npool: loop\n" .
	"desk: |/bin/false, carol\@example.org\n");

# The user is named only where he can be another.
sub as { return $root ? $_[0] : undef }

sub fields
{
	my ($entry, $word) = @_;

	return map { /^\Q$word\E (.*)/ ? $1 : () } @{ $entry->{lines} };
}

# ---- one message

my $client = $accept->client(as($alice));
like($client->{greeting}, qr/^220 box\.example\.test ESMTP/, 'the greeting');
like($client->talk('EHLO x'), qr/^250-XSENDOFF|^250 XSENDOFF/m, 'XSENDOFF is offered');
is($client->talk('MAIL FROM:<> XNOSENDER XNAME=Alice+20Example XTAG=job+2B1'),
	'250 2.1.0 sender taken', 'MAIL') or diag($client->{in});
like($client->talk('RCPT TO:<root>'), qr/^250 /, 'a bare name');
like($client->talk('RCPT TO:<dave@example.org>'), qr/^250 /, 'an address');
like($client->talk('DATA'), qr/^354 /, 'DATA');
$client->put("Subject: hi\r\nTo: root, dave\@example.org\r\nBcc: secret\@example.org\r\n\r\n..dot\r\nend\r\n.\r\n");
my $reply = $client->get;
like($reply, qr/^250 2\.0\.0 stored as s-[a-z2-7]{12}\z/, 'A1: stored, with its id');
my ($id) = $reply =~ /s-(\w+)/;
is_deeply([ $accept->entries ], [ $id ], 'A1: it is there');
is_deeply([ $accept->entries('tmp') ], [], '... and nothing else');
my $entry = $accept->entry($id);
is_deeply([ fields($entry, 'uid') ], [ $me ], 'F4: whose it is, by the kernel');
is_deeply([ fields($entry, 'login') ], [ $name ], '... and by name');
is_deeply([ fields($entry, 'sender') ], [], 'no sender was given');
is_deeply([ fields($entry, 'origin') ], [ "$name\@example.test" ], 'who stands in for it');
is_deeply([ fields($entry, 'tag') ], [ 'job+1' ], 'the tag');
like(join("\n", @{ $entry->{lines} }), qr/admin\@example\.net.*\broot\b/, 'root has become the alias');
my ($head, $body) = split /\r\n\r\n/, $entry->{content}, 2;
is_bytes($body, ".dot\r\nend\r\n", 'A8: the body, dots undone');
like($head, qr/^Received: by box\.example\.test \(sendoff\) from local uid $me;\s+\w{3}, \d+ \w{3} \d{4} [\d:]{8} [+-]\d{4}\r$/m,
	'F6: the trace') or diag($head);
like($head, qr/\AReceived: /, '... comes first');
like($head, qr/^From: Alice Example <$name\@example\.test>\r$/m, 'From of the login name');
like($head, qr/^To: root\@example\.test, dave\@example\.org\r?$/m, 'bare names are qualified');
like($head, qr/^Date: /m, 'Date');
like($head, qr/^Message-ID: <[^>]+\@box\.example\.test>\r?$/m, 'Message-ID');
unlike($head, qr/^Bcc:/mi, 'no Bcc');
like($client->talk('QUIT'), qr/^221 /, 'QUIT');

my ($stored) = $accept->told('stored');
is($stored->{id}, $id, 'the supervisor is told');
is_deeply([ @$stored{qw(uid login recipients tag)} ], [ $me, $name, 2, 'job+1' ], '... whose it is');
is((stat("$accept->{spool}/new/$id"))[2] & 07777, 0600, 'F1: nobody else can read it');

# ---- what comes in is taken in, whoever the client is

sub letter { return "From: x\@example.org\r\nSubject: $_[0]\r\n\r\nbody of $_[0]\r\n" }
sub id_of { return $_[0] =~ /^250 2\.0\.0 stored as s-([a-z2-7]{12})\z/ ? $1 : undef }
sub handed { return $accept->hand_in(as($_[0]), @_[1 .. 3]) }

$reply = handed($alice, '<>', [ 'dave@example.org' ], letter('null'));
is_deeply([ fields($accept->entry(id_of($reply)), 'sender') ], [ '<>' ], 'the null sender stays');
$reply = handed($alice, '<other@example.org>', [ 'dave@example.org' ], letter('foreign'));
is_deeply([ fields($accept->entry(id_of($reply)), 'sender') ], [ '<other@example.org>' ],
	'a sender that is given stays');
$reply = handed($alice, '<alice>', [ 'team' ], "no header at all\r\n");
$entry = $accept->entry(id_of($reply));
is(scalar(fields($entry, 'to')), scalar(fields($entry, 'to')), 'an alias of two');
like(join("\n", @{ $entry->{lines} }), qr/bob\@example\.org/, '... the one');
like($entry->{content}, qr/\r\n\r\nno header at all\r\n\z/, 'a message without header gets one');
$reply = handed($alice, '<alice>', [ 'nobody-in-particular' ], letter('admin'));
like(join("\n", @{ $accept->entry(id_of($reply))->{lines} }), qr/boss\@example\.net/,
	'admin has what no alias has');
$reply = handed($alice, '<a@example.org>', [ 'dave@example.org' ],
	('Received: by x; Mon, 1 Jan 2024 00:00:00 +0000' . "\r\n") x 31 . letter('loop'));
like($reply, qr/^554 5\.\d\.\d .*Received/, 'more than 30 Received lines: 554');
like(handed($alice, '<a@example.org>', [ 'loop' ], letter('x')), qr/^451 4\.3\.5 /,
	'a loop of aliases: the administrator mends it, 451');
$reply = handed($alice, '<a@example.org>', [ 'desk' ], letter('desk'));
is_deeply([ fields($accept->entry(id_of($reply)), 'to') ], [ '<carol@example.org> was=desk' ],
	'a program among the targets of an alias: the others get it') or diag($reply);
like(($accept->told('stored'))[-1]{left_out}, qr{^/etc/aliases:5: an alias leads to a program},
	'... and the supervisor hears of it');
like(handed($alice, '<a@example.org> XHOLD=4102444800 XERR=q', [ 'dave@example.org' ], letter('late')),
	qr/^250 /, 'XHOLD, XERR');

# ---- accounts

sub mail { my $c = $accept->client(as($_[0])); $c->talk('EHLO x'); return $c->talk("MAIL FROM:<a\@x.test> $_[1]") }

like(mail($alice, 'XACCOUNT=work'), qr/^250 /, 'an account for all');
like(mail($alice, 'XACCOUNT=none'), qr/^555 5\.5\.4 .*no account 'none'/, 'one that is not there');
SKIP: {
	skip 'only root can be others', 5 if !$root;
	like(mail($alice, 'XACCOUNT=staff'), qr/^250 /, 'F4: one for her group');
	like(mail($bob, 'XACCOUNT=staff'), qr/^550 5\.7\.1 .*not for this user/, 'F4: not for others');
	like(mail($alice, 'XACCOUNT=closed'), qr/^550 5\.7\.1 /, 'F4: one for root alone');
	like(mail(0, 'XACCOUNT=closed'), qr/^250 /, '... root may');
	my $r = $accept->hand_in($nobody, '<> XNOSENDER', [ 'dave@example.org' ], letter('nobody'));
	is_deeply([ fields($accept->entry(id_of($r)), 'origin') ], [ "uid-$nobody\@example.test" ],
		'whom passwd does not know has a number');
}

# ---- tokens

my $token = '0123456789abcdef' x 2;
my $first = handed($alice, "<a\@x.test> XTOKEN=$token", [ 'dave@example.org' ], letter('once'));
ok(id_of($first), 'F0: a message with a token') or diag($first);
my $before = $accept->entries;
is(handed($alice, "<a\@x.test> XTOKEN=$token", [ 'dave@example.org' ], letter('once')), $first,
	'F0: again: the old id');
is(scalar($accept->entries), $before, 'F0: and nothing stored');
isnt(id_of(handed($alice, "<a\@x.test> XTOKEN=$token", [ 'erin@example.org' ], letter('once'))),
	id_of($first), 'F0: other recipients of the same are another part of it');
SKIP: {
	skip 'only root can be others', 1 if !$root;
	isnt(id_of(handed($bob, "<a\@x.test> XTOKEN=$token", [ 'dave@example.org' ], letter('once'))),
		id_of($first), 'F0: another user\'s is another');
}
rename "$accept->{spool}/new/" . id_of($first), "$accept->{spool}/done/" . id_of($first);
is(handed($alice, "<a\@x.test> XTOKEN=$token", [ 'dave@example.org' ], letter('once')), $first,
	'F0: delivered meanwhile: the old id');
ok(!-e "$accept->{spool}/new/" . id_of($first), 'F0: and nothing stored');

# Many at once with the same token, none waiting for the other.
my @same = map { $accept->client(as($alice)) } 1 .. 10;
my $other = 'f' x 32;
$_->put("EHLO x\r\nMAIL FROM:<a\@x.test> XTOKEN=$other\r\nRCPT TO:<d\@x.test>\r\nDATA\r\n") for @same;
$_->get, $_->get, $_->get, like($_->get, qr/^354/, 'DATA') for @same;
$_->put(letter('crowd') . ".\r\n") for @same;
my %ids = map { (id_of($_->get) // 'none') => 1 } @same;
is(scalar(keys %ids), 1, 'F0: ten at once with one token are one') or diag(join ' ', keys %ids);

# ---- a new policy

$accept->policy(accounts => {}, problem => '/etc/sendoff/config:3: no such key');
ok(wait_until(sub { mail($alice, 'XACCOUNT=anything') =~ /^250/ }, 5),
	'without a configuration everything is taken');
ok(id_of(handed($alice, '<> XNOSENDER', [ 'root' ], letter('waits'))), '... and stored');
$accept->policy(accounts => \%accounts, global => { max_message => '10K' });
ok(wait_until(sub { $accept->client(as($alice))->talk('EHLO x') =~ /^250[- ]SIZE 10240$/m }, 5),
	'a new policy holds for the next session');
like(handed($alice, '<a@x.test>', [ 'd@x.test' ], letter('x') . 'y' x 20000), qr/^552 5\.3\.4 /,
	'F5: too large');

# ---- confined

my ($confined) = $accept->told('confined');
my $status = file_read("/proc/$accept->{pid}/status");
like($status, qr/^NoNewPrivs:\t1$/m, 'F1: no new privileges');
SKIP: {
	skip 'no seccomp here', 1 if !$confined->{seccomp};
	like($status, qr/^Seccomp:\t2$/m, 'F1: system calls are filtered');
}

# ---- the end

my $busy = $accept->client(as($alice));
$busy->talk('EHLO x');
$busy->talk('MAIL FROM:<a@x.test>');
$busy->talk('RCPT TO:<d@x.test>');
$busy->talk('DATA');
$busy->put("Subject: half\r\n\r\nfirst half\r\n");
my $idle = $accept->client(as($alice));
kill 'TERM', $accept->{pid};
like($idle->get, qr/^421 4\.3\.2 /, 'C7: the idle are sent away');
sleep 0.3;
$busy->put("second half\r\n.\r\n");
like($busy->get, qr/^250 2\.0\.0 stored/, 'C7: who is in the middle of a message may finish');
like($busy->get, qr/^421 4\.3\.2 /, '... but no other');
is($accept->stop, 0, 'and it ends well');
is_deeply([ $accept->entries('tmp') ], [], 'nothing is left behind');
is_deeply([ $accept->told('trouble') ], [], 'no trouble was told');
done_testing;
