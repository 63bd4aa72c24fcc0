#!/usr/bin/perl
# The scripted server itself: a judge that sees nothing proves nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use MIME::Base64 qw(encode_base64 decode_base64);
use SendoffTest;
use Time::HiRes qw(time);

plan skip_all => 'build/t/server is not built' if !-x build() . '/t/server';

# The clients are ours and may stay open while we ask what the server saw.
$SendoffTest::Server::patience = 0.05;

# A client that says what it is told and reads whole replies.
package Client {
	sub new
	{
		my ($class, $server) = @_;
		my $socket = $server->host =~ m{^/} ?
			IO::Socket::UNIX->new(Peer => $server->host) :
			IO::Socket::INET->new(PeerAddr => $server->host, PeerPort => $server->port);
		die "connect: $!\n" if !$socket;
		$socket->blocking(0);
		return bless { socket => $socket, in => '' }, $class;
	}

	sub send { my ($self, $text) = @_; syswrite $self->{socket}, $text; return $self }

	# More octets; false: the connection has ended or 3 s have passed.
	sub more
	{
		my ($self, $seconds) = @_;
		IO::Select->new($self->{socket})->can_read($seconds // 3) or return 0;
		my $n = sysread $self->{socket}, $self->{in}, 65536, length $self->{in};
		$self->{reset} = 1 if !defined $n;
		$self->{eof} = 1 if !$n;
		return $n;
	}

	# One whole reply, lines joined by "|"; undef: none came.
	sub reply
	{
		my ($self, $seconds) = @_;
		while ($self->{in} !~ /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/) {
			return undef if !$self->more($seconds);
		}
		$self->{in} =~ s/^((?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n)//;
		my $reply = $1;
		$reply =~ s/\r\n$//;
		$reply =~ s/\r\n/|/g;
		return $reply;
	}

	sub say { my ($self, $line) = @_; return $self->send("$line\r\n")->reply }

	# The replies to several lines sent in one piece.
	sub group
	{
		my ($self, @lines) = @_;
		$self->send(join '', map { "$_\r\n" } @lines);
		return map { $self->reply } @lines;
	}

	sub rest { my ($self) = @_; 1 while $self->more; return delete $self->{in} }
	sub close { my ($self) = @_; close delete $self->{socket} }
}

package main;

sub codes { return join ' ', map { defined $_ ? substr($_, 0, 3) : 'none' } @_ }

# A client behind greeting and EHLO.
sub greeted
{
	my ($server, $name) = @_;
	my $c = Client->new($server);
	$c->reply;
	$c->say('EHLO ' . ($name // 'client.example.test'));
	return $c;
}

# Sends a message with this content and returns the reply to it.
sub deliver
{
	my ($c, $content, @mail) = @_;
	$c->group(join(' ', 'MAIL FROM:<a@example.test>', @mail), 'RCPT TO:<b@example.test>', 'DATA');
	return $c->say("$content.");
}

subtest 'a plain session, message and envelope' => sub {
	my $s = server_start(raw => 1);
	my $c = Client->new($s);
	is($c->reply, '220 smtp.example.test ESMTP test server', 'greeting');
	is($c->say('EHLO client.example.test'), '250-smtp.example.test greets client.example.test|' .
		'250-SIZE 52428800|250-PIPELINING|250-8BITMIME|250-SMTPUTF8|250-DSN|250-CHUNKING|' .
		'250 ENHANCEDSTATUSCODES', 'EHLO');
	is($c->say('MAIL FROM:<a@example.test> SIZE=20 BODY=8BITMIME'), '250 2.1.0 sender ok', 'MAIL');
	is($c->say('RCPT TO:<b@example.test> NOTIFY=NEVER'), '250 2.1.5 recipient ok', 'RCPT');
	is($c->say('RCPT TO:<"x y"@example.test>'), '250 2.1.5 recipient ok', 'quoted local part');
	is($c->say('DATA'), '354 go ahead', 'DATA');
	is($c->say("A: b\r\n\r\n..x\r\n...\r\n."), '250 2.0.0 stored as 1', 'content');
	is($c->say('QUIT'), '221 2.0.0 bye', 'QUIT');
	is($c->rest, '', 'nothing behind it');
	ok($c->{eof}, 'the server closes');
	is_bytes($s->message(1), "A: b\r\n\r\n.x\r\n..\r\n", 'unstuffed, otherwise as it came');
	my $e = $s->envelope(1);
	is($e->{mail}, 'FROM:<a@example.test> SIZE=20 BODY=8BITMIME', 'MAIL line');
	is_deeply($e->{rcpt}, ['TO:<b@example.test> NOTIFY=NEVER', 'TO:<"x y"@example.test>'], 'RCPT lines');
	is_deeply([@$e{qw(sender auth tls via)}], ['a@example.test', 'none', 'none', 'DATA'], 'facts');
	is_deeply($e->{recipients}, ['b@example.test', '"x y"@example.test'], 'recipients');
	is_deeply([$s->violations], [], 'no violation');
	is($s->flights, 7, 'each command waited for');
	is($s->stored, 1, 'one message');
	like($s->raw(1), qr/^EHLO .*\r\n\.\.x\r\n.*QUIT\r\n$/s, 'the raw octets');
	is($s->stop, 0, 'ends at SIGTERM with status 0');
};

subtest 'pipelining and flights' => sub {
	my $s = server_start(max_recipients => 2);
	my $c = greeted($s);
	is(codes($c->group('MAIL FROM:<>', map({ "RCPT TO:<r$_\@example.test>" } 1 .. 3), 'DATA')),
		'250 250 250 452 354', 'one group');
	is(codes($c->group("x: y\r\n\r\n.", 'MAIL FROM:<a@b.test>', 'RCPT TO:<c@d.test>', 'DATA')),
		'250 250 250 354', 'content and the next transaction');
	is(codes($c->group("x: y\r\n\r\n.", 'QUIT')), '250 221', 'content and QUIT');
	is($s->flights, 4, 'EHLO and three groups');
	is($s->stored, 2, 'both are there');
	is_deeply([$s->violations], [], 'no violation');
};

subtest 'BDAT' => sub {
	my $s = server_start;
	my $c = greeted($s);
	$c->send("MAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\n" .
		"BDAT 7\r\nA: b\r\n\rBDAT 4 LAST\r\n\n.\r\n");
	is(codes(map { $c->reply } 1 .. 4), '250 250 250 250', 'two chunks in one group');
	is_bytes($s->message(1), "A: b\r\n\r\n.\r\n", 'joined, dots left alone');
	is($s->envelope(1)->{via}, 'BDAT', 'via BDAT');
	is(codes($c->group('MAIL FROM:<a@b.test>', 'RCPT TO:<c@d.test>', 'BDAT 0 LAST')), '250 250 250',
		'an empty message');
	is($c->say("BDAT 5\r\nabc"), '500 5.5.2 VIOLATION order: content before MAIL',
		'the octets of a refused chunk are read');
	is($c->say('QUIT'), '221 2.0.0 bye', 'and no command is made of them');
	is_deeply([$s->violations], ['order: content before MAIL'], 'one violation');
};

subtest 'violations are seen' => sub {
	my @content = (
		[ "a: b\r\n\r\nx\ry\r\n", 'bare-cr' ], [ "a: b\r\n\r\nx\ny\r\n", 'bare-lf' ],
		[ "a: b\r\n\r\n\n.\n\r\n", 'bare-lf' ], [ "a: b\r\n\r\nx\0y\r\n", 'nul' ],
		[ "a: b\r\n\r\n" . ('x' x 999) . "\r\n", 'long-line' ],
		[ "a: b\r\n\r\n.x\r\n", 'unstuffed' ], [ "a: b\r\n\r\n\xc3\xa4\r\n", '8bit' ],
		[ "a: \xc3\xa4\r\n\r\n\r\n", '8bit-header' ], [ "a: b\r\n\r\n1\r\n", 'size', 'SIZE=10' ],
	);
	my $s = server_start;
	for my $case (@content) {
		my ($content, $id, @mail) = @$case;
		my $before = () = $s->journal;
		my $c = greeted($s);
		is(codes(deliver($c, $content, @mail)), '554', "$id is refused");
		$c->close;
		$s->idle;
		my @seen = map { $_->{text} =~ /^([\w-]+):/ } grep { $_->{kind} eq 'VIOLATION' } $s->journal;
		is($seen[-1], $id, "$id is noted");
	}
	my @good = ("a: b\r\n\r\n" . ('x' x 998) . "\r\n", "\r\n..\r\n", "a: b\r\n\r\n..\n..\n\r\n");
	my $c = greeted($s);
	is(codes(map { deliver($c, $_) } @good[0, 1]), '250 250', 'what only looks wrong is taken');
	is($s->stored, 2, 'and nothing else was');

	for my $case (
		[ "NOOP\n", 'bare-lf' ], [ "NO\rOP\r\n", 'bare-cr' ], [ "NOOP \0\r\n", 'nul' ],
		[ "NOOP \x07\r\n", 'control' ], [ 'NOOP ' . 'x' x 600 . "\r\n", 'long-command' ],
		[ "XYZZY\r\n", 'unknown' ], [ "EHLO two words\r\n", 'hello' ],
		[ "EHLO a.test\r\nNOOP\r\n", 'sync' ], [ "QUIT\r\nNOOP\r\n", 'sync' ],
		[ "RCPT TO:<a\@b.test>\r\n", 'order' ], [ "DATA\r\n", 'order' ],
		[ "MAIL FROM: <a\@b.test>\r\n", 'syntax' ], [ "MAIL FROM:<a b\@c.test>\r\n", 'syntax' ],
		[ "MAIL FROM:<a\@b.test>X\r\n", 'syntax' ], [ "MAIL FROM:a\@b.test\r\n", 'syntax' ],
		[ "MAIL FROM:<a\@b.test> X=1\r\n", 'parameter' ],
		[ "MAIL FROM:<a\@b.test>  SIZE=1\r\n", 'parameter' ],
		[ "MAIL FROM:<a\@b.test> SIZE=1 SIZE=1\r\n", 'parameter' ],
		[ "MAIL FROM:<a\@b.test> AUTH=<>\r\n", 'not-offered' ],
		[ "MAIL FROM:<\xc3\xa4\@b.test>\r\n", 'utf8' ], [ "STARTTLS\r\n", 'not-offered' ],
		[ "AUTH PLAIN AGEAYg==\r\n", 'not-offered' ],
	) {
		my ($line, $id) = @$case;
		my $wrong = greeted($s);
		like($wrong->send($line)->reply, qr/^50[0-9]/, show($line) . 'is refused');
		$wrong->close;
		$s->idle;
		my @seen = map { $_->{text} =~ /^([\w-]+):/ } grep { $_->{kind} eq 'VIOLATION' } $s->journal;
		is($seen[-1], $id, "as $id");
	}
	my $early = Client->new($s);
	$early->reply;
	is(codes($early->say('MAIL FROM:<a@b.test>')), '500', 'MAIL before EHLO');
};

subtest 'what is not offered' => sub {
	my $s = server_start(extensions => 'SMTPUTF8');
	my $c = greeted($s);
	is(codes($c->group('RSET', 'MAIL FROM:<a@b.test>')), '500 250', 'a group without PIPELINING');
	is($c->say('RSET'), '250 ok', 'no enhanced codes');
	for my $parameter (qw(SIZE=1 BODY=8BITMIME RET=HDRS)) {
		is(codes($c->say("MAIL FROM:<a\@b.test> $parameter")), '500', $parameter);
	}
	is(codes($c->say("MAIL FROM:<\xc3\xa4\@b.test> SMTPUTF8")), '250', 'SMTPUTF8 is offered');
	is(codes($c->say('RCPT TO:<a@b.test> NOTIFY=NEVER')), '500', 'NOTIFY');
	my @seen = $s->violations;
	is(scalar @seen, 5, 'all are noted');
	my $lenient = server_start(extensions => '', lenient => 1);
	$c = greeted($lenient);
	is(codes(deliver($c, "a: b\r\n\r\nx\ny\r\n", 'SIZE=1')), '250', 'lenient: taken');
	cmp_ok(scalar $lenient->violations, '>=', 3, 'and noted all the same');
	my $allowing = server_start(allow => ['8bit', 'bare-lf']);
	$c = greeted($allowing);
	is(codes(deliver($c, "a: b\r\n\r\n\xe4\ny\r\n")), '250', 'allowed: taken');
	is_deeply([$allowing->violations], [], 'and not noted');
};

subtest 'login, verified' => sub {
	my %login = (user => 'me@example.com', password => 'pass w0rd', mechanisms => 'PLAIN LOGIN CRAM-MD5');
	my $s = server_start(%login, require_login => 1);
	my $b64 = sub { encode_base64($_[0], '') };
	my $c = greeted($s);
	is(codes($c->group('AUTH PLAIN ' . $b64->("\0me\@example.com\0wrong"), 'MAIL FROM:<a@b.test>',
		'RCPT TO:<c@d.test>', 'DATA')), '535 530 503 503', 'a refused login leads a group');
	is_deeply([$s->violations], [], 'which is no violation');
	is(codes($c->say('MAIL FROM:<a@b.test>')), '530', 'alone MAIL must wait for the login');
	is_deeply([$s->violations], ['no-login: MAIL before login'], 'noted');
	is(codes($c->group('AUTH PLAIN ' . $b64->("\0me\@example.com\0pass w0rd"), 'MAIL FROM:<a@b.test>',
		'RCPT TO:<c@d.test>', 'DATA')), '235 250 250 354', 'a good one too');
	is(codes($c->say("a: b\r\n\r\n.")), '250', 'mail');
	is($s->envelope(1)->{auth}, 'me@example.com PLAIN', 'in the envelope');
	$c = greeted($s);
	is($c->say('AUTH LOGIN'), '334 VXNlcm5hbWU6', 'LOGIN asks');
	is($c->say($b64->('me@example.com')), '334 UGFzc3dvcmQ6', 'and asks');
	is(codes($c->say($b64->('pass w0rd'))), '235', 'LOGIN');
	is(codes($c->say('AUTH LOGIN')), '500', 'twice is wrong');
	$c = greeted($s);
	is(codes($c->say('AUTH LOGIN')), '334', 'LOGIN');
	is(codes($c->say('*')), '501', 'cancelled');
	is(codes($c->say('AUTH PLAIN AA!A')), '501', 'not base64');
	is(codes($c->group('AUTH LOGIN', $b64->('me@example.com'))), '500 500', 'LOGIN may not be pushed');
	is_deeply([$s->logins], ['me@example.com PLAIN', 'me@example.com LOGIN'], 'two logins');
};

subtest 'OAuth' => sub {
	my $s = server_start(user => 'me@example.com', token => 'ya29.x');
	my $c = greeted($s);
	my $good = "user=me\@example.com\1auth=Bearer ya29.x\1\1";
	is(codes($c->say('AUTH XOAUTH2 ' . encode_base64($good, ''))), '235', 'XOAUTH2');
	$c = greeted($s);
	like($c->say('AUTH XOAUTH2 ' . encode_base64("user=me\1auth=Bearer no\1\1", '')), qr/^334 /,
		'an error is a challenge');
	is(codes($c->say('')), '535', 'and then a refusal');
	is(codes($c->say('AUTH OAUTHBEARER ' .
		encode_base64("n,a=me\@example.com,\1host=x\1port=1\1auth=Bearer ya29.x\1\1", ''))),
		'235', 'OAUTHBEARER');
	is_deeply([$s->violations], [], 'no violation');
};

subtest 'faults' => sub {
	my $try = sub {
		my ($at, $how) = @_;
		my $s = server_start(at => $at);
		my $c = Client->new($s);
		$how->($c, $s);
	};
	$try->('greeting reply "554 go\\tround\\x21"', sub {
		is($_[0]->reply, "554 go\tround!", 'reply, escapes');
	});
	$try->('EHLO reply "250-a\\r\\n250 SIZE 5"', sub {
		my ($c) = @_;
		$c->reply;
		is($c->say('EHLO x.test'), '250-a|250 SIZE 5', 'reply of several lines');
		is(codes($c->say('MAIL FROM:<a@b.test> BODY=7BIT')), '500', 'what it says is what is offered');
	});
	$try->('greeting reply "220 no end\\c"', sub {
		ok(!defined $_[0]->reply(0.3) && $_[0]{in} eq '220 no end', 'reply without its end');
	});
	$try->('EHLO reply "421 4.3.2 closing"', sub {
		my ($c) = @_;
		$c->reply;
		is($c->say('EHLO x.test'), '421 4.3.2 closing', 'reply 421');
		ok(!$c->more && $c->{eof}, 'closes');
	});
	$try->('greeting close', sub { ok(!$_[0]->more && !$_[0]{reset}, 'close') });
	$try->('EHLO reset', sub {
		my ($c) = @_;
		$c->reply;
		ok(!defined $c->say('EHLO x.test') && $c->{reset}, 'reset');
	});
	$try->('EHLO silence', sub {
		my ($c, $s) = @_;
		$c->reply;
		$c->send("EHLO x.test\r\n");
		ok(!$c->more(0.2) && !$c->{eof}, 'silence');
		$c->send("NOOP\r\n");
		$c->close;
		is(($s->commands)[-1], 'NOOP', 'but it reads on');
	});
	$try->('EHLO stall', sub {
		my ($c, $s) = @_;
		$c->reply;
		$c->send("EHLO x.test\r\n");
		ok(!$c->more(0.2) && !$c->{eof}, 'stall');
		$c->close;
		ok($s->idle, 'which ends when the client goes');
	});
	for (['drip 20', 0.6], ['delay 300', 0.3]) {
		my ($action, $least) = @$_;
		$try->("greeting $action", sub {
			my $start = time;
			is($_[0]->reply, '220 smtp.example.test ESMTP test server', $action);
			cmp_ok(time - $start, '>=', $least, 'takes its time');
		});
	}
	$try->('greeting garbage 300', sub {
		is(length $_[0]->{in}, 300, 'garbage') if $_[0]->more;
	});
	$try->('greeting line 9000', sub { is(length $_[0]->reply, 9000, 'a long line') });
	$try->('greeting lines 500', sub { is(() = $_[0]->reply =~ /220-/g, 500, 'many lines') });
	$try->('greeting split', sub { is(codes($_[0]->reply), '220', 'split') });
	$try->('greeting nul', sub { is(substr($_[0]->reply, 0, 6), "220 \0s", 'nul') });
	$try->('greeting inject "250 more"', sub {
		is(codes($_[0]->reply, $_[0]->reply), '220 250', 'inject');
	});
	$try->('greeting double', sub { is(codes($_[0]->reply, $_[0]->reply), '220 220', 'double') });
	$try->('MAIL discard', sub {
		my ($c, $s) = @_;
		$c->reply;
		$c->say('EHLO x.test');
		$c->send("MAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\n");
		is(codes($c->reply, $c->reply(0.3)), '250 none', 'discard');
		is(codes($c->say('RCPT TO:<c@d.test>')), '250', 'MAIL itself was obeyed');
	});
	$try->('CONTENT drop-after 20', sub {
		my ($c, $s) = @_;
		$c->reply;
		$c->say('EHLO x.test');
		ok(!defined deliver($c, "a: b\r\n\r\n" . "x\r\n" x 20), 'drop-after');
		$c->close;
		is($s->stored, 0, 'nothing is stored');
	});
};

subtest 'faults: when, for whom, and what is kept' => sub {
	my $s = server_start(at => ['RCPT:2 reply "451 4.3.0 second"', 'RCPT=no@d.test reply "550 5.1.1 no"',
		'MAIL@2 reply "450 4.3.0 later"', 'CONTENT:1 keep close', 'CONTENT:2 close',
		'NOOP:2-3 reply "250 odd"', 'HELP:2+ reply "214 odd"']);
	my $c = greeted($s);
	is(codes($c->group('MAIL FROM:<a@b.test>', map({ "RCPT TO:<$_\@d.test>" } qw(a b c no)), 'DATA')),
		'250 250 451 250 550 354', 'the second, and by address');
	ok(!defined $c->say("a: b\r\n\r\n."), 'closed instead of the answer');
	$c->close;
	is($s->stored, 1, 'keep: stored all the same');
	is_deeply($s->envelope(1)->{recipients}, ['a@d.test', 'c@d.test'], 'accepted recipients only');
	$c = greeted($s);
	is(codes($c->group('MAIL FROM:<a@b.test>', 'RCPT TO:<a@d.test>', 'DATA')), '450 503 503',
		'the second connection');
	$c = greeted($s);
	ok(!defined deliver($c, "a: b\r\n\r\n"), 'closed again');
	$c->close;
	is($s->stored, 1, 'and not stored');
	$c = greeted($s);
	is(join(',', map { $c->say('NOOP') } 1 .. 4), '250 2.0.0 ok,250 odd,250 odd,250 2.0.0 ok', 'a range');
	is(join(',', map { substr $c->say('HELP'), 4, 3 } 1 .. 3), '2.0,odd,odd', 'from the second on');
	is(scalar($s->faults), 9, 'each is in the journal');
};

subtest 'a mood that changes' => sub {
	my $s = server_start(mood => 1, at => 'NOOP reply "250 always"');
	my $c = greeted($s);
	is(codes($c->say('MAIL FROM:<a@b.test>')), '250', 'no file: no fault');
	$s->mood('MAIL:1 reply "451 4.3.0 later"', 'NOOP:2 reply "250 odd"');
	is(codes($c->group('RSET', 'MAIL FROM:<a@b.test>')), '250 250', 'who is there already sees nothing of it');
	for my $first (1, 0) {
		$c = greeted($s);
		is(codes($c->say('MAIL FROM:<a@b.test>')), $first ? '451' : '250', 'counted over connections');
		is($c->say('NOOP'), $first ? '250 always' : '250 odd', 'before the other rows');
	}
	$s->mood('MAIL:1 reply "452 4.3.1 full"');
	is(codes(greeted($s)->say('MAIL FROM:<a@b.test>')), '452', 'anew when it has changed');
	$s->mood;
	is(codes(greeted($s)->say('MAIL FROM:<a@b.test>')), '250', 'and better again');
	$s->mood('NOWHERE close');
	is(codes(greeted($s)->say('MAIL FROM:<a@b.test>')), '250', 'what cannot be read');
	like(join('|', $s->faults), qr/cannot read the mood 'NOWHERE close'/, 'is in the journal');
};

subtest 'connections at once' => sub {
	my $s = server_start(limit_connections => 2);
	my ($first, $second) = (greeted($s), greeted($s));
	my $third = Client->new($s);
	is($third->reply, '421 too many connections', 'one too many');
	ok(!$third->more && $third->{eof}, 'is closed');
	is(codes($first->say('NOOP'), $second->say('NOOP')), '250 250', 'the others go on');
	$first->close;
	is(codes(Client->new($s)->reply), '220', 'there is room again');
	is($s->refused, 1, 'counted');
};

subtest 'who got what how often' => sub {
	my $s = server_start;
	my $c = greeted($s);
	my $copy = "Subject: x\r\nMessage-ID: <1\@x.test>\r\n\r\nMessage-ID: <no\@x.test>\r\n";
	deliver($c, $_) for $copy, "message-id:\r\n <2\@x.test>\r\n\r\na\r\n", "A: b\r\n\r\nx\r\n", $copy,
		"Message-ID: <2\@x.test>\r\n\r\nb\r\n";
	is_deeply([$s->ids], ['<1@x.test>', '<2@x.test>', 'none 3', '<1@x.test>', '<2@x.test>'], 'ids');
	is_deeply($s->copies, { '<1@x.test>' => { 'b@example.test' => 2 }, '<2@x.test>' => { 'b@example.test' => 2 },
		'none 3' => { 'b@example.test' => 1 } }, 'copies');
	ok($s->same('<1@x.test>') && !$s->same('<2@x.test>') && !$s->same('<3@x.test>'), 'equal or not');
};

subtest 'how replies leave' => sub {
	for my $option (qw(split one_by_one coalesce)) {
		my $s = server_start($option => 1);
		my $c = greeted($s);
		is(codes(deliver($c, "a: b\r\n\r\n")), '250', $option);
	}
	my $s = server_start(one_by_one => 1, buffer => 2048);
	my $c = greeted($s);
	my $sent = 0;
	my $piece = "RSET\r\n" x 1000;
	while (IO::Select->new($c->{socket})->can_write(0.5)) {
		$sent += syswrite $c->{socket}, $piece;
		last if $sent > 1e8;
	}
	cmp_ok($sent, '<', 1e8, 'a client that does not read is not read from for ever');
};

subtest 'listening elsewhere' => sub {
	my $path = workdir() . '/socket';
	my $s = server_start(listen => $path);
	is($s->port, 0, 'no port');
	my $c = greeted($s);
	is(codes(deliver($c, "a: b\r\n\r\n")), '250', 'a UNIX socket');
	$c->close;
	$s->stop;
	ok(!-e $path, 'which is removed');
	my $short = server_start(lifetime => 1);
	ok(wait_until(sub { !$short->alive }, 3), 'the lifetime ends it');
	is($short->{status}, 0, 'in peace');
};

sub show { my ($line) = @_; $line =~ s/[\r\n]+$//; $line =~ s/[^ -~]/?/g; return substr($line, 0, 40) . ' ' }

done_testing;
