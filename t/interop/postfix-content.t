#!/usr/bin/perl
# What goes through a Postfix arrives as it was written: envelope and content.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Mime;
use SendoffTest::Postfix;
use SendoffTest::Send qw(letter wire);

plan skip_all => SendoffTest::Postfix->why_not if SendoffTest::Postfix->why_not;

my $postfix = SendoffTest::Postfix->start(services => {
	submission => { smtpd_tls_security_level => 'encrypt' },
	few => { smtpd_tls_security_level => 'encrypt', smtpd_recipient_limit => 50 },
	seven => { smtpd_tls_security_level => 'encrypt',
		smtpd_discard_ehlo_keywords => '8bitmime,smtputf8' },
});
my $count = 0;

# Sends by each way of carrying content; gives what arrived, a list of each.
sub carried
{
	my ($name, $args, $input, %o) = @_;
	my @all;

	for my $chunking (qw(no yes)) {
		for my $pipelining (qw(standard full off)) {
			my $id = sprintf 'content-%03d', ++$count;
			(my $text = $input) =~ s/^Message-ID: .*/Message-ID: <$id\@example.test>/m;
			my $r = run_sendoff(['-C', $postfix->config($o{service} // 'submission',
				chunking => $chunking, pipelining => $pipelining, auth => 'plain',
				%{ $o{keys} // {} }), @$args], stdin => $text, timeout => 60);
			my @arrived = $postfix->arrived("<$id\@example.test>", 60);

			is_deeply([ @$r{qw(exit out err)} ], [ 0, '', '' ],
				"$name: sent, chunking $chunking, pipelining $pipelining");
			is(scalar @arrived, $o{copies} // 1, "$name: arrived once (B1)");
			$_->{message} =~ s/^Message-ID: <$id\@/Message-ID: <1\@/m for @arrived;
			push @all, @arrived;
		}
	}
	return @all;
}

sub arrives
{
	my ($name, $args, $input, $expected) = @_;

	for my $copy (carried($name, $args, $input)) {
		is_bytes($copy->{message}, $expected, "$name: A8: octet by octet");
		is_deeply($copy->{envelope}{recipients}, [ 'you@example.net' ], "$name: to whom");
	}
}

my @send = ('send', '--no-queue', 'you@example.net');

arrives('dots', \@send, letter(".\n..\n.x\n...\n\n.\n"), wire(letter(".\n..\n.x\n...\n\n.\n")));
arrives('a dot at the very end', \@send, letter("x\n."), wire(letter("x\n.\n")));
arrives('CRLF', \@send, wire(letter("x\n\ny\n")), wire(letter("x\n\ny\n")));
arrives('no line end at the end', \@send, letter("x\ny"), wire(letter("x\ny\n")));
arrives('no body', \@send, letter(''), wire(letter('')));
arrives('E2: bare CR, and CR CR LF', \@send, letter("a\rb\r\r\n.\r\rc\n"),
	wire(letter("a\nb\n.\n\nc\n")));
arrives('E2: a lone dot made of them', \@send, letter("a\n.\rMAIL FROM:<evil\@example.net>\n"),
	wire(letter("a\n.\nMAIL FROM:<evil\@example.net>\n")));
arrives('A8: NUL', \@send, letter("a\0b\0\n\0\nc\n"), wire(letter("ab\n\nc\n")));
arrives('a line of 998 octets', \@send, letter('x' x 998 . "\n"), wire(letter('x' x 998 . "\n")));
arrives('folded fields', \@send, letter("x\n", Subject => "a\n b\n\tc", 'X-Long' => 'y' x 900),
	wire(letter("x\n", Subject => "a\n b\n\tc", 'X-Long' => 'y' x 900)));
arrives('Bcc is taken out', [ 'send', '--no-queue', '-t' ],
	letter("x\n", To => undef, Bcc => 'you@example.net'), wire(letter("x\n", To => undef)));

# What says of itself that it is 8-bit.
my %eight = ('MIME-Version' => '1.0', 'Content-Type' => 'application/octet-stream',
	'Content-Transfer-Encoding' => '8bit');

# Octets of every kind, in lines.
(my $octets = hostile_bytes(300_000)) =~ tr/\0\r\n/abc/;
$octets =~ s/(.{900})/$1\n/gs;
arrives('8-bit', \@send, letter($octets, %eight), wire(letter($octets . "\n", %eight)));
for my $copy (carried('8BITMIME', \@send, letter("gr\xc3\xbc\xc3\x9fe\n"))) {
	like($copy->{envelope}{mail}, qr/ BODY=8BITMIME\b/, '8BITMIME: said in MAIL');
}

# Where 8BITMIME is not offered, and for lines of any length.
for my $text (letter("gr\xc3\xbc\xc3\x9fe\n", Subject => "gr\xc3\xbc\xc3\x9fe"), letter("$octets\n", %eight),
		letter(('x' x 2000) . "\n")) {
	for my $copy (carried('7 bit', \@send, $text, service => 'seven')) {
		my ($got, $want) = map { said($_) } $copy->{message}, $text;
		is_bytes(delete $got->{content}, delete $want->{content}, '7 bit: A8: it says the same');
		is_deeply($got, $want, '7 bit: and so does its header');
		unlike("$copy->{envelope}{mail}$copy->{message}", qr/BODY=8BITMIME|[\x80-\xff]/, '7 bit: it is');
	}
}

# SMTPUTF8 where an address needs it.
for my $copy (carried('SMTPUTF8', [ 'send', '--no-queue', "gr\xc3\xbc\xc3\x9fe\@example.net" ],
		letter("x\n", To => "gr\xc3\xbc\xc3\x9fe\@example.net"))) {
	is_deeply($copy->{envelope}{recipients}, [ "gr\xc3\xbc\xc3\x9fe\@example.net" ],
		'SMTPUTF8: the recipient');
	like($copy->{envelope}{mail}, qr/ SMTPUTF8\b/, 'SMTPUTF8: said in MAIL');
}

# Reports: what was asked for arrives at the next server.
for my $copy (carried('DSN', \@send, letter("x\n"))) {
	unlike("$copy->{envelope}{mail} $copy->{envelope}{rcpt}[0]", qr/ (?:RET|ENVID|NOTIFY)=/,
		'DSN: nothing unless asked');
}
for my $copy (carried('DSN', [ 'send', '--no-queue', '-N', 'success,failure,delay', '-R', 'hdrs', '-V', 'a+b=c',
		'you+tag@example.net' ], letter("x\n"))) {
	like($copy->{envelope}{mail}, qr/ RET=HDRS\b/, 'DSN: RET');
	like($copy->{envelope}{mail}, qr/ ENVID=a\+2Bb\+3Dc(?: |$)/, 'DSN: ENVID as xtext');
	like($copy->{envelope}{rcpt}[0],
		qr/^TO:<you\+tag\@example\.net> ORCPT=rfc822;you\+2Btag\@example\.net NOTIFY=SUCCESS,FAILURE,DELAY$/,
		'DSN: NOTIFY, ORCPT as xtext');
}
for my $copy (carried('DSN', [ 'send', '--no-queue', '-N', 'never', '-R', 'full', 'you@example.net' ],
		letter("x\n"))) {
	like($copy->{envelope}{mail}, qr/ RET=FULL\b/, 'DSN: RET=FULL');
	like($copy->{envelope}{rcpt}[0], qr/ NOTIFY=NEVER$/, 'DSN: NOTIFY=NEVER');
}

# The null sender.
for my $copy (carried('null sender', [ 'send', '--no-queue', '-f', '<>', 'you@example.net' ], letter("x\n"),
		keys => { rewrite_from => 'never' })) {
	is($copy->{envelope}{sender}, '', 'null sender: as given');
}

# Many recipients, by the limit of the account and by that of the server.
my @many = map { "u$_\@example.net" } 1 .. 200;
for my $case ([ 'two transactions by max_recipients', 'submission', { max_recipients => 100 }, 2 ],
	[ 'four by 452 of the server', 'few', {}, 4 ]) {
	my ($name, $service, $keys, $copies) = @$case;
	my %served;
	my @copies = carried($name, [ 'send', '--no-queue', @many ], letter("many\n"), service => $service,
		keys => $keys, copies => $copies);

	for my $copy (@copies) {
		is_bytes($copy->{message}, wire(letter("many\n")), "$name: B3: equal");
		$served{$_}++ for @{ $copy->{envelope}{recipients} };
	}
	is_deeply(\%served, { map { $_ => 6 } @many }, "$name: B1: each once in each of six runs");
}

# 30 MB of such octets.
$octets = letter(join('', map { "$_ $octets\n" } 1 .. 100), %eight);
cmp_ok(length $octets, '>', 30_000_000, 'a large message is large');
for my $copy (carried('30 MB', \@send, $octets)) {
	is_bytes($copy->{message}, wire($octets), '30 MB: A8: octet by octet');
}

my %auth = map { ($_->{auth} // 'none') => 1 } $postfix->sessions;
is_deeply(\%auth, { 1 => 1 }, 'C9: one login in each session');
is_deeply([ $postfix->complaints ], [], 'E6: Postfix finds no fault');
done_testing;
