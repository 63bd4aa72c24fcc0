#!/usr/bin/perl
# What sendoff check does on wish: every mechanism and address, one test message, a sender
# and recipients, and the old verbs.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'pass w0rd');
my %tls = (tls => 'implicit');
my @every = qw(PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256);

# { NAME => [works, tried, text] } of the table of --all.
sub table
{
	my ($r) = @_;

	return { map { ($_->{mechanism} // $_->{address}) => [0 + $_->{works}, 0 + $_->{tried}, $_->{text}] }
		@{ (stage($r, 'every') // { facts => { rows => [] } })->{facts}{rows} } };
}

sub works { my ($table) = @_; return { map { $_ => $table->{$_}[0] } keys %$table } }

subtest '--all: every mechanism and address' => sub {
	my $s = server_start(%tls, %me, mechanisms => "@every XOAUTH2 NTLM");
	my $r = check(account($s, %tls, %me), ['--all', '--json']);
	my $t = table($r);

	is($r->{exit}, 0, 'all is well') or diag($r->{out});
	is_deeply(works($t), { (map { $_ => 1 } @every), XOAUTH2 => 0, NTLM => 0, '127.0.0.1' => 1,
		(exists $t->{'::1'} ? ('::1' => $t->{'::1'}[0]) : ()) }, 'what works');
	is_deeply([@{ $t->{NTLM} }[0, 1]], [0, 0], 'what is not known is not tried');
	like($t->{NTLM}[2], qr/not known/, 'and told so');
	like($t->{XOAUTH2}[2], qr/access token/, 'nor is a password sent as a token');
	my %auth = map { $_ => 1 } map { /^AUTH (\S+)/ } $s->commands;
	is_deeply([sort keys %auth], [sort @every], 'each was on the wire');
	is(scalar(grep { $_->{stage} eq 'every' } @{ $r->{json}{stages} }), 1, 'one table');
	my @rows = map { $_->{mechanism} // () } @{ stage($r, 'every')->{facts}{rows} };
	is_deeply(\@rows, [@every, 'XOAUTH2', 'NTLM'], 'in the order in which they are offered');
	is_deeply([$s->violations], [], 'by the rules');
	is($s->stored, 0, 'nothing is sent');

	my $words = check(account($s, %tls, %me), ['--all'], env => { COLUMNS => 200 })->{out};
	like($words, qr/^ +$_ +\d+ ms  works$/m, "$_, in words") for @every, '127\.0\.0\.1';
};

# Servers are as they are: one offers what it cannot, another has seen enough.
subtest '--all: some work and some do not' => sub {
	my %case = (
		'a broken CRAM-MD5' => [{ mechanisms => 'PLAIN CRAM-MD5 LOGIN', at => 'AUTH-RESPONSE:1 reply "535 5.7.8 no"' },
			{ auth => 'plain' }, { PLAIN => 1, 'CRAM-MD5' => 0, LOGIN => 1 }, 0],
		'the best does not work, another does' => [{ mechanisms => 'CRAM-MD5 PLAIN LOGIN', at => 'AUTH-RESPONSE reply "535 5.7.8 no"' },
			{ auth => 'cram-md5' }, { 'CRAM-MD5' => 0, PLAIN => 1, LOGIN => 0 }, 77],
		'one is refused for good' => [{ mechanisms => 'PLAIN LOGIN', at => 'AUTH:2 reply "504 5.5.4 not this one"' }, {},
			{ PLAIN => 0, LOGIN => 1 }, 0]
	);
	for my $name (sort keys %case) {
		my ($server, $keys, $works, $exit) = @{ $case{$name} };
		my $s = server_start(%tls, %me, %$server);
		my $r = check(account($s, %tls, %me, %$keys), ['--all', '--json']);
		my $got = works(table($r));

		is($r->{exit}, $exit, "$name: exit") or diag($r->{out});
		delete @$got{grep { /^[\d.:]+$/ } keys %$got};
		is_deeply($got, $works, "$name: what works") if $works;
		is_deeply([$s->violations], [], "$name: by the rules");
		next if !$exit;
		like($r->{json}{failed}{works}, qr/^the login with PLAIN$/, "$name: another one is named");
		is_deeply($r->{json}{failed}{settings}, ['auth = plain'], "$name: with the line for it");
		my $advised = check(account($s, %tls, %me, auth => 'plain'), ['--json']);
		is($advised->{exit}, 0, "$name: who follows the advice is well");
	}
	my $s = server_start(%tls, %me, mechanisms => 'PLAIN LOGIN');
	my $r = check(account($s, %tls, %me, password => 'wr0ng-Secret'), ['--all', '--json']);
	is($r->{exit}, 77, 'a wrong password stays one');
	is_deeply([map { $_->[0] } @{ table($r) }{qw(PLAIN LOGIN)}], [0, 0], 'with every mechanism');
	is_deeply($r->{json}{failed}{settings}, [], 'and nothing is recommended');
};

subtest '--all: a server that wants a pause gets it' => sub {
	for my $reply ('454 4.7.0 slowly', '421 4.7.0 too many') {
		my $s = server_start(%tls, %me, mechanisms => 'PLAIN LOGIN CRAM-MD5', at => qq(AUTH:2+ reply "$reply"));
		my $r = check(account($s, %tls, %me, auth => 'plain'), ['--all', '--json']);
		my $t = table($r);

		is(scalar(grep { /^AUTH/ } $s->commands), 2, "$reply: no further login");
		is_deeply([map { $t->{$_}[1] } qw(PLAIN LOGIN CRAM-MD5)], [1, 0, 0], "$reply: the others are not tried");
		like($t->{LOGIN}[2], qr/not tried: the server wants a pause/, "$reply: told so");
		is_deeply([$s->violations], [], "$reply: by the rules");
	}
	for my $case (['535 5.7.8 too many failed logins, account locked', qr/the account is locked/],
		['535 5.7.13 account disabled', qr/the account is disabled/]) {
		my ($reply, $why) = @$case;
		my $s = server_start(%tls, %me, mechanisms => 'PLAIN LOGIN CRAM-MD5', at => qq(AUTH reply "$reply"));
		my $r = check(account($s, %tls, %me), ['--all', '--json']);

		is($r->{exit}, 77, "$reply: exit");
		is(scalar(grep { /^AUTH/ } $s->commands), 1, "$reply: no further login") or diag(join "\n", $s->commands);
		like(table($r)->{LOGIN}[2], $why, "$reply: told so");
	}
	for my $lie (qw(scram_no_signature scram_bad_signature)) {
		my $s = server_start(%tls, %me, mechanisms => 'PLAIN SCRAM-SHA-256', $lie => 1);
		my $r = check(account($s, %tls, %me), ['--all', '--json']);

		is($r->{json}{failed}{cause}, 'server-proof-wrong', "D7: $lie: the cause");
		is(scalar(grep { /^AUTH PLAIN/ } $s->commands), 0, "D7: $lie: nobody gets the password who has not proved himself");
		like(table($r)->{PLAIN}[2], qr/has not proved who it is/, "D7: $lie: told so");
	}
	my $s = server_start(%tls, %me, mechanisms => 'PLAIN LOGIN', at => 'AUTH reply "454 4.7.0 slowly"');
	my $r = check(account($s, %tls, %me), ['--all', '--json']);
	is($r->{exit}, 75, 'at the first login: 75');
	is(scalar(grep { /^AUTH/ } $s->commands), 1, 'and it was the only one') or diag($r->{out});
};

subtest '--send: one test message' => sub {
	my $s = server_start(%tls, %me, mechanisms => 'SCRAM-SHA-256');
	my $c = account($s, %tls, %me);
	my $r = check($c, ['--send', 'you@example.net', '--json']);
	my $stage = stage($r, 'send');

	is($r->{exit}, 0, 'all is well') or diag($r->{out});
	is_deeply([stages($r)], [qw(secret name connect tls ehlo login send quit)], 'a stage of its own');
	is($s->stored, 1, 'it arrived, once');
	is_deeply([@{ $s->envelope(1) }{qw(sender recipients)}], ['me@example.test', ['you@example.net']], 'from whom and to whom');
	my ($head, $body) = split /\r\n\r\n/, $s->message(1), 2;
	my ($id) = $head =~ /^Message-ID: (\S+)\r?$/mi;
	is(() = $head =~ /^$_:/mg, 1, "one $_") for qw(From To Subject Date Message-ID);
	like($head, qr/^Auto-Submitted: auto-generated\r?$/m, 'no vacation program answers it');
	like($head, qr/^To: you\@example\.net\r$/m, 'To');
	like($body, qr/test message/, 'it says what it is');
	like($s->message(1), qr/\A(?:[^\r\n]*\r\n)+\z/, 'whole lines');
	is($stage->{facts}{message_id}, $id, 'its trail: the Message-ID');
	is($stage->{facts}{answer}, '250 2.0.0 stored as 1', 'and the server\'s own words');
	is_deeply([$s->violations], [], 'by the rules');

	# As mail would be sent: this account rewrites what it may not use.
	$r = check($c, ['--send', 'you@example.net', '--from', 'other@example.test', '--json']);
	is($r->{exit}, 0, 'from another address');
	is($s->envelope(2)->{sender}, 'me@example.test', 'which the account does not use');
	is(stage($r, 'send')->{facts}{sender}, 'me@example.test', 'and which is told as it was');
	$r = check(account($s, %tls, %me, rewrite_from => 'never'), ['--send', 'you@example.net', '--from', 'other@example.test'],
		env => { COLUMNS => 200 });
	is($s->envelope(3)->{sender}, 'other@example.test', 'with rewrite_from = never it is the sender');
	my ($second) = $s->message(3) =~ /^Message-ID: (\S+)\r?$/mi;
	isnt($second, $id, 'another message');
	like($r->{out}, qr/Message-ID \Q$second\E/, 'its trail, in words');
	like($r->{out}, qr/\nall is well: the test message is on its way\n\z/, 'the verdict says that something was sent');

	for (['RCPT reply "550 5.1.1 who"', 67, 'recipient-refused'], ['MAIL reply "553 5.7.1 not yours"', 77, 'sender.*'],
		['CONTENT reply "554 5.7.1 spam"', 69, 'content-unwanted'], ['CONTENT reply "451 4.3.0 later"', 75, 'content-later'],
		['DATA reply "554 5.5.1 no"', 69, '.*']) {
		my ($at, $exit, $cause) = @$_;
		my $other = server_start(%tls, %me, mechanisms => 'SCRAM-SHA-256', at => $at);
		my $r = check(account($other, %tls, %me), ['--send', 'you@example.net', '--json']);

		is($r->{exit}, $exit, "$at: $exit") or diag($r->{out});
		is($r->{json}{failed}{stage}, 'send', "$at: at that stage");
		like($r->{json}{failed}{cause}, qr/^(?:$cause)$/, "$at: the cause");
		is($other->stored, 0, "$at: nothing is stored");
		is(scalar(queued()), 0, "$at: nor queued here");
	}
	my $lost = server_start(%tls, %me, at => 'CONTENT keep close');
	$r = check(account($lost, %tls, %me), ['--send', 'you@example.net', '--json']);
	is($r->{exit}, 74, 'closed behind the content: 74, it may have arrived') or diag($r->{out});
	is($lost->stored, 1, 'as it has');
};

subtest '--from and --to: accepted and refused' => sub {
	my $s = server_start(%tls, %me, mechanisms => 'SCRAM-SHA-256', at => ['RCPT=no@example.net reply "550 5.1.1 who"',
		'RCPT=later@example.net reply "450 4.2.0 later"', 'MAIL=not@example.test reply "553 5.7.1 not yours"']);
	my $c = account($s, %tls, %me);
	my @cases = (
		[['--from', 'a@b.test'], 0, 'MAIL FROM:<a@b.test>', 'RSET'],
		[['--to', 'x@example.net'], 0, 'MAIL FROM:<me@example.test>', 'RCPT TO:<x@example.net>', 'RSET'],
		[['--from', '<>', '--to', 'x@example.net'], 0, 'MAIL FROM:<>', 'RCPT TO:<x@example.net>', 'RSET'],
		[['-f', 'a@b.test', '-t', 'x@example.net', '-t', 'y@example.net'], 0, 'MAIL FROM:<a@b.test>', 'RCPT TO:<x@example.net>',
			'RCPT TO:<y@example.net>', 'RSET'],
		[['--to', 'no@example.net'], 67, 'MAIL FROM:<me@example.test>', 'RCPT TO:<no@example.net>', 'RSET'],
		[['--to', 'x@example.net', '--to', 'no@example.net'], 67, 'MAIL FROM:<me@example.test>', 'RCPT TO:<x@example.net>',
			'RCPT TO:<no@example.net>', 'RSET'],
		[['--to', 'later@example.net'], 75, 'MAIL FROM:<me@example.test>', 'RCPT TO:<later@example.net>', 'RSET'],
		[['--from', 'not@example.test'], 77, 'MAIL FROM:<not@example.test>']
	);
	my $connection = 0;
	for my $case (@cases) {
		my ($args, $exit, @wire) = @$case;
		my $r = check($c, [@$args, '--json']);

		is($r->{exit}, $exit, "@$args: $exit") or diag($r->{out});
		is_deeply([talk($s, ++$connection)], ['EHLO', 'AUTH SCRAM-SHA-256', @wire, 'QUIT'], "@$args: on the wire");
		my %accepted = map { $_->{address} => 0 + $_->{accepted} } @{ stage($r, 'envelope')->{facts}{recipients} };
		is_deeply(\%accepted, { map { $_ => /^(?:no|later)@/ ? 0 : 1 } map { /RCPT TO:<(.*)>/ } @wire },
			"@$args: each recipient");
		is(0 + stage($r, 'envelope')->{facts}{sender}{accepted}, $exit == 77 ? 0 : 1, "@$args: the sender");
	}
	is($s->stored, 0, 'nothing is stored');
	is_deeply([$s->violations], [], 'by the rules');
};

subtest 'the old verbs' => sub {
	my $s = server_start(%tls, %me, mechanisms => 'SCRAM-SHA-256', at => ['VRFY:2 reply "250 2.1.5 Me <me@example.test>"',
		'EXPN:2 reply "250-a@example.test\r\n250 b@example.test"', 'HELP:3 reply "214-see\r\n214-this\r\n214 and that"']);
	my $c = account($s, %tls, %me);
	my @cases = (
		[['--vrfy', 'me'], 'VRFY me'],
		[['--vrfy', 'me@example.test', '--expn', 'list'], 'VRFY me@example.test', 'EXPN list'],
		[['--expn', 'list'], 'EXPN list'],
		[['--remote-help'], 'HELP'],
		[['--remote-help=MAIL'], 'HELP MAIL'],
		[['-a', 'test', '--remote-help', 'DATA'], 'HELP DATA'],
		[['--command', 'NOOP'], 'NOOP'],
		[['--command', 'VERB'], 'VERB'],
		[['--command', 'NOOP one', '--vrfy', 'me', '--command', 'NOOP two', '--remote-help'], 'NOOP one', 'VRFY me', 'NOOP two', 'HELP']
	);
	my $connection = 0;
	for my $case (@cases) {
		my ($args, @wire) = @$case;
		my $r = check($c, [@$args, '--json']);
		my @asked = grep { $_->{stage} eq 'ask' } @{ $r->{json}{stages} };

		is($r->{exit}, 0, "@$args: an answer is an answer") or diag($r->{out}, $r->{err});
		my @said = grep { !/^(?:AUTH|EHLO|QUIT|[A-Za-z0-9+\/=]{24,}$|$)/ } $s->commands(++$connection);
		is_deeply(\@said, \@wire, "@$args: on the wire");
		is_deeply([map { $_->{facts}{command} } @asked], \@wire, "@$args: a stage each");
		ok(!(grep { $_->{facts}{code} !~ /^[2-5]\d\d$/ || !length $_->{facts}{answer} } @asked), "@$args: each with its answer");
	}
	is_deeply([grep { !/^unknown: / } $s->violations], [], 'by the rules');

	my $r = check(account(server_start(%tls, %me, mechanisms => 'SCRAM-SHA-256', at => ['HELP reply "214-see\r\n214-this\r\n214 and that"',
		'VRFY reply "550 5.1.1 who?"']), %tls, %me), ['--remote-help', '--vrfy', 'x'], env => { COLUMNS => 200, LC_ALL => 'C' });
	is($r->{exit}, 0, 'a refusal is an answer as well');
	like($r->{out}, qr/^ok ask .*HELP: 214\n +see\n +this\n +and that\n/m, 'all lines of an answer');
	like($r->{out}, qr/^! +ask .*VRFY x: 550 5\.1\.1\n +who\?\n/m, 'and a refusal is marked');

	for my $at ('VRFY reply "354 go on"', 'VRFY reply "334 "', 'VRFY reply "421 4.3.2 bye"', 'VRFY close', 'VRFY double') {
		my $s = server_start(%tls, %me, mechanisms => 'SCRAM-SHA-256', at => $at);
		my $r = check(account($s, %tls, %me), ['--vrfy', 'x', '--command', 'NOOP', '--json']);

		isnt($r->{exit}, 0, "$at: it ends there");
		is($r->{json}{failed}{stage}, 'ask', "$at: at that question") or diag($r->{out});
		is(scalar(grep { /^NOOP/ } $s->commands), 0, "$at: and nothing more is asked");
	}
};

# What could do harm is refused before anybody is called.
subtest 'commands that are refused' => sub {
	my $s = server_start(%me);
	my $c = account($s);
	my @wrong = ("NOOP\r\nDATA", "NOOP\nQUIT", "NOOP\rQUIT", "NOOP\x01", "NOOP\x7f", "NOOP\e[2J", '', 'N' x 501,
		map { ($_, lc, "$_ x", ucfirst lc) } qw(DATA BDAT AUTH STARTTLS EHLO HELO QUIT));

	for my $line (@wrong) {
		(my $shown = substr $line, 0, 20) =~ s/([^ -~])/sprintf('\\x%02x', ord $1)/ge;
		my $r = check($c, ['--command', $line]);

		is($r->{exit}, 64, "--command '$shown': 64") or diag($r->{out}, $r->{err});
		like($r->{err}, qr/^sendoff: .*--command/, "--command '$shown': told");
		ok(!raw_octets($r->{err}), "--command '$shown': in clean words");
	}
	for my $option (qw(--vrfy --expn)) {
		for my $line ("a\r\nDATA", "a\nb", "a\0b", 'x' x 600) {
			next if $line =~ /\0/;   # no argument can hold one
			my $r = check($c, [$option, $line]);

			is($r->{exit}, 64, "$option: 64") or diag($r->{out}, $r->{err});
		}
	}
	is(check($c, ['--remote-help=' . "a\r\nDATA"])->{exit}, 64, '--remote-help: 64');
	is(check($c, [map { ('--command', 'NOOP') } 1 .. 33])->{exit}, 64, 'too many of them');
	is($s->connections, 0, 'nothing of that reached the server');
	is(check($c, [map { ('--command', 'NOOP ' . $_) } 1 .. 32])->{exit}, 0, '32 are not too many');
	is(scalar(grep { /^NOOP/ } $s->commands), 32, 'each is asked');
};

done_testing;
