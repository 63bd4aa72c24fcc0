#!/usr/bin/perl
# Whose affair a refusal is: what is said of one recipient parks no account and is
# reported, what is said of the account bounces no mail, and nothing that is said for now
# is for good.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;
use SendoffTest::Spool;

sub id { return "<$_[0]\@example.test>" }
sub name_of { return $_[0] x 12 }   # an id of it
sub ids { return [ map { substr $_, 0, 1 } spool_ids(queue_dir(), $_[0] // 'new') ] }
sub parked { return spool_park(queue_dir(), 'test')->{kind} // 'none' }

# A message of that age, in seconds.
sub put
{
	my ($letter, $age, @to) = @_;

	spool_put(queue_dir(), name_of($letter), age => $age, to => [ @to ? @to : 'you@example.net' ],
		content => wire(letter("$letter\n", 'Message-ID' => id($letter))));
}

# What cron does: what is due, once.
sub due
{
	my ($config) = @_;
	my $r = run_sendoff([ '-q' ], name => 'sendmail', timeout => 40, env => { SENDOFF_CONFIG => $config });

	is("$r->{exit}$r->{out}$r->{err}", '0', 'sendmail -q');
}

# An empty queue, and a server that says this, always, where it is asked for.
sub fresh
{
	my ($point, $said) = @_;
	my $s = server_start(at => "$point reply \"$said\"");

	system 'rm', '-rf', queue_dir();
	system 'mkdir', '-p', queue_dir();
	return ($s, account($s));
}

# The reports among what a server took.
sub reports
{
	my ($s) = @_;

	return grep { /^Content-Type: multipart\/report/mi } map { $s->message($_) } 1 .. $s->stored;
}

my $bad = 'RCPT=bad@example.net';
my $blocked = 'host mx.example.net said: 554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org';

subtest 'one recipient is refused for good' => sub {
	for my $said ('550 5.2.1 <bad@example.net>: Recipient address rejected: account is disabled',
			'550 5.4.1 Recipient address rejected: Access denied. AS(201806281)',
			'550 5.2.2 has exceeded the daily receiving limit',
			"550 5.1.1 <bad\@example.net>: Recipient address rejected: undeliverable address: $blocked",
			'550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required',
			'550 5.7.1 this mailing list has a bad reputation') {
		my ($s, $config) = fresh($bad, $said);
		put('a', 100, 'bad@example.net');
		due($config);
		is(parked(), 'none', "$said: parks nobody");
		is_deeply(ids('failed'), ['a'], 'it is given up');
		is_deeply(ids(), [], 'nothing waits');
		my @reports = reports($s);
		is(scalar @reports, 1, 'G2: its sender is told');
		like($reports[0], qr/^Final-Recipient: rfc822; bad\@example\.net\r\nAction: failed\r$/m, 'which recipient');
		put('b', 50, 'bad@example.net', 'you@example.net');
		put('c', 0);
		due($config);
		is($s->copies->{ id($_) }{'you@example.net'}, 1, "$_: the other is sent") for 'b', 'c';
	}
};

subtest 'one recipient is refused for now' => sub {
	for my $said ('450 4.2.1 <bad@example.net>: recipient is over its rate limit',
			'452 4.2.2 mailbox has too many messages',
			'452 4.2.2 Mailbox full, user exceeded daily quota',
			'450 4.1.2 <bad@example.net>: Recipient address rejected: Domain not found',
			'450 4.1.1 <bad@example.net>: Recipient address rejected: unverified address: host ' .
			'mx.example.net said: 450 4.7.1 Too many connections') {
		my ($s, $config) = fresh($bad, $said);
		put('a', 100, 'bad@example.net');
		due($config);
		is(parked(), 'none', "$said: parks nobody");
		put('b', 50);
		put('c', 0);
		due($config);
		is_deeply($s->copies, { map { id($_) => { 'you@example.net' => 1 } } 'b', 'c' }, 'the others are sent');
		is_deeply([ids(), ids('failed')], [['a'], []], 'that one waits');
	}
};

subtest 'the content is refused' => sub {
	for my $said ('554 5.2.2 mailbox full', '550 5.2.1 account is disabled',
			'554 5.7.1 rejected: too many links, see our daily bulk mail limit') {
		my ($s, $config) = fresh('CONTENT:1', $said);
		put('a', 100);
		due($config);
		is(parked(), 'none', "$said: parks nobody");
		is_deeply(ids('failed'), ['a'], 'it is given up');
		is(scalar(() = reports($s)), 1, 'G2: its sender is told');
	}
};

subtest 'the account is in trouble' => sub {
	for my $row ([RCPT => '550 5.7.1 SMTP AUTH is required', 'login'],
			[RCPT => '550 box.example.test is not permitted to relay through this server without authentication.', 'login'],
			[DATA => '530 5.7.0 Authentication Required', 'login'],
			[CONTENT => '530 5.7.0 Authentication Required', 'login'],
			[CONTENT => '554 5.7.1 Relay access denied', 'login'],
			[CONTENT => '554 5.7.1 Your account has been blocked for sending spam', 'login'],
			[RCPT => '550 5.4.6 Unusual sending activity detected', 'rate'],
			[CONTENT => '550 5.4.6 Unusual sending activity detected', 'rate'],
			[RCPT => '550 5.7.1 rate limit exceeded', 'rate'],
			[RCPT => '550 5.7.1 The limit on the number of allowed outgoing messages was exceeded. Try again later.', 'rate'],
			[RCPT => '554 5.7.1 Policy rejection; Message count quota exceeded', 'rate'],
			[CONTENT => '554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException', 'rate'],
			[RCPT => '450 4.7.1 <box.example.test>: Helo command rejected: Host not found', 'network'],
			[CONTENT => '554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org', 'network'],
			[CONTENT => '550 5.7.1 Client does not have permissions to send as this sender', 'none'],
			[CONTENT => '554 Sender verify failed', 'none']) {
		my ($point, $said, $park) = @$row;
		my ($s, $config) = fresh($point, $said);
		put('a', 100);
		due($config);
		is(parked(), $park, "$point: $said: how it is parked");
		is_deeply([ids(), ids('failed')], [['a'], []], 'G4: it waits');
		is(scalar(() = reports($s)), 0, 'and nobody is told that it failed');
	}
};

# Where others go by, a refusal that could be the account's is one recipient's; not when
# the server ends the session or says how much is too much.
subtest 'others go by' => sub {
	for my $row (['454 4.7.1 Relay access denied', 'none'], ['450 4.7.1 Client host [192.0.2.1] blocked using bl.spamcop.net', 'none'],
			['450 4.7.1 Client host rejected: cannot find your reverse hostname', 'none'],
			['554 5.7.1 Recipient address rejected: Access denied', 'none'],
			['421 4.3.2 not now', 'rate'], ['450 4.7.1 Error: too many messages: slow down', 'rate']) {
		my ($said, $park) = @$row;
		my ($s, $config) = fresh($bad, $said);
		put('a', 200);
		put('b', 100, 'bad@example.net');
		due($config);
		is(parked(), $park, "$said: how it is parked");
		put('c', 0);
		due($config);
		is_deeply($s->copies, { map { id($_) => { 'you@example.net' => 1 } } 'a', $park eq 'none' ? 'c' : () },
			'what is sent') or diag(explain($s->copies));
		is_deeply([ids(), ids('failed')], [$park eq 'none' ? ['b'] : ['b', 'c'], []], 'what waits');
	}
};

subtest 'for now is never for good' => sub {
	my %me = (user => 'me@example.test', auth => 'xoauth2', allow_clear_password => 'yes');
	for my $said ('454 4.7.0 Temporary authentication failure', '421 4.3.2 wait') {
		my $s = server_start(user => $me{user}, token => 'T', mechanisms => 'XOAUTH2', at => "AUTH reply \"$said\"");
		my $r = send_mail(account($s, %me, password => 'T'), ['send', '--no-queue', 'you@example.net']);
		is($r->{exit}, 75, "$said to a token: again");
	}
	my $s = server_start(at => 'MAIL reply "421 4.7.0 authentication required"');
	is(send_mail(account($s), ['send', '--no-queue', 'you@example.net'])->{exit}, 75, '421: again');
};

subtest 'what is stored for a sender that is refused says what to do' => sub {
	queue_empty();
	my $s = server_start(at => 'MAIL reply "550 5.7.1 not yours"');
	my $config = account($s);
	my $keeper = watched();
	for my $n (1, 2) {
		my $r = send_mail($config, ['send', 'you@example.net']);
		is($r->{exit}, 0, "message $n: stored");
		like($r->{err}, qr/^sendoff: queued as \S+: .*550 5\.7\.1 not yours\n  .*set from to an address that belongs to this login$/m,
			'... with the words of the server and the step');
	}
	is($s->connections, 1, 'the second does not ask the server again');
	queue_empty();
};

done_testing;
