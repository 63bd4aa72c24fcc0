#!/usr/bin/perl
# What a Postfix refuses, and what becomes of the others.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Postfix;
use SendoffTest::Send qw(letter wire);

plan skip_all => SendoffTest::Postfix->why_not if SendoffTest::Postfix->why_not;

my %base = (smtpd_tls_security_level => 'encrypt');
my $owner = 'inline:{ { me@example.test = me@example.test } }';
my $access = 'inline:{ { gone@example.net = 550 5.1.1 nobody here by that name },' .
	' { full@example.net = 450 4.2.0 the mailbox is full today } }';
my $postfix = SendoffTest::Postfix->start(
	main => { smtpd_sender_login_maps => $owner },
	services => {
		recipients => { %base, smtpd_recipient_restrictions => "check_recipient_access $access" },
		owned => { %base, smtpd_sender_restrictions => 'reject_sender_login_mismatch' },
		'owned-early' => { %base, smtpd_sender_restrictions => 'reject_sender_login_mismatch',
			smtpd_delay_reject => 'no' },
		unknown => { %base, smtpd_sender_restrictions =>
			'check_sender_access inline:{ { me@example.test = 550 5.7.1 go away },' .
			' { later@example.test = 450 4.7.1 come back } }' },
		closed => { %base, smtpd_recipient_restrictions => 'permit_sasl_authenticated, reject' },
		clients => { %base, smtpd_client_restrictions => 'permit_sasl_authenticated, reject' },
		small => { %base, message_size_limit => 20_000 },
		quiet => { %base, message_size_limit => 20_000, smtpd_discard_ehlo_keywords => 'size' },
		silent => { %base, smtpd_discard_ehlo_keywords =>
			'pipelining, 8bitmime, dsn, chunking, enhancedstatuscodes, smtputf8, size' },
	});
my @ways = map { my $p = $_; map { { pipelining => $p, chunking => $_ } } qw(no yes) }
	qw(standard full off);
my $count = 0;

# Runs, and holds the exit code, the texts and who got it against what is wanted.
sub fares
{
	my ($name, $service, $args, %o) = @_;
	my $id = sprintf 'refused-%03d', ++$count;
	my $text = $o{text} // letter("hi\n");
	$text =~ s/^Message-ID: .*/Message-ID: <$id\@example.test>/m;
	my $r = run_sendoff([ '-C', $postfix->config($service, %{ $o{keys} // {} }), @$args ],
		stdin => $text);
	my @arrived = $postfix->arrived("<$id\@example.test>");

	is($r->{exit}, $o{exit}, "$name: G1: exit $o{exit}");
	is($r->{out}, '', "$name: nothing on stdout");
	like($r->{err}, $_, "$name: the text") for @{ $o{texts} // [] };
	is($r->{err}, '', "$name: silent") if !$o{texts};
	is_deeply([ sort map { @{ $_->{envelope}{recipients} } } @arrived ],
		[ sort @{ $o{served} // [] } ], "$name: who got it");
	return $r;
}

sub named { return map { "$_\@example.net" } @_ }

for my $way (@ways) {
	my $how = "pipelining $way->{pipelining}, chunking $way->{chunking}";
	my @common = (keys => { %$way, auth => 'plain' });

	fares("one refused, $how", 'recipients', [ 'send', '--no-queue', named('gone') ], @common, exit => 67,
		texts => [ qr/\Asendoff: recipient gone\@example\.net refused: 550 5\.1\.1 <gone\@example\.net>: Recipient address rejected: nobody here by that name \(localhost:\d+\)\n  the server does not accept this recipient: check the address\n\z/ ]);
	fares("one for now, $how", 'recipients', [ 'send', '--no-queue', named('full') ], @common, exit => 75,
		texts => [ qr/^sendoff: recipient full\@example\.net refused for now: 450 4\.2\.0 .*the mailbox is full today \(/m ]);
	fares("some refused, $how", 'recipients', [ 'send', '--no-queue', named(qw(a gone b)) ], @common, exit => 67,
		texts => [ qr/\Asendoff: recipient gone\@example\.net refused: 550 5\.1\.1 / ],
		served => [ named(qw(a b)) ]);
	fares("A2: one of three for now, $how", 'recipients', [ 'send', '--no-queue', named(qw(a full b)) ], @common,
		exit => 75, texts => [ qr/full\@example\.net refused for now: 450 4\.2\.0 /,
			qr/a\@example\.net not sent/ ]);
	fares("A2: both kinds, $how", 'recipients', [ 'send', '--no-queue', named(qw(gone a full)) ], @common,
		exit => 75, texts => [ qr/gone\@example\.net refused: 550 /, qr/full\@example\.net refused for now: 450 / ]);

	fares("sender of another, $how", 'owned',
		[ 'send', '--no-queue', '-f', 'boss@example.test', named('a') ], exit => 77,
		keys => { %$way, auth => 'plain', rewrite_from => 'never' },
		texts => [ qr/553 5\.7\.1 <boss\@example\.test>: Sender address rejected: not owned by user me\@example\.test/,
			qr/this login may not send as that address: set from/ ]);
	fares("sender of another, said at MAIL, $how", 'owned-early',
		[ 'send', '--no-queue', '-f', 'boss@example.test', named('a') ], exit => 77,
		keys => { %$way, auth => 'plain', rewrite_from => 'never' },
		texts => [ qr/553 5\.7\.1 <boss\@example\.test>: Sender address rejected: not owned by user me\@example\.test/,
			qr/this login may not send as that address: set from/ ]);
	fares("the same rewritten, $how", 'owned', [ 'send', '--no-queue', '-f', 'boss@example.test', named('a') ],
		@common, exit => 0, served => [ named('a') ],
		text => letter("hi\n", From => 'boss@example.test'));
	fares("own sender, $how", 'owned', [ 'send', '--no-queue', named('a') ], @common, exit => 0,
		served => [ named('a') ]);

	fares("sender refused, $how", 'unknown', [ 'send', '--no-queue', named(qw(a b)) ], @common, exit => 77,
		texts => [ qr/550 5\.7\.1 <me\@example\.test>: Sender address rejected: go away/,
			qr/the server does not accept the sender: set from/ ]);
	fares("sender for now, $how", 'unknown', [ 'send', '--no-queue', '-f', 'later@example.test', named('a') ],
		exit => 75, keys => { %$way, auth => 'plain', from => 'later@example.test' },
		text => letter("hi\n", From => 'later@example.test'),
		texts => [ qr/450 4\.7\.1 <later\@example\.test>: Sender address rejected: come back/ ]);

	# The limit is known before anything is sent.
	my $big = letter("0123456789abcde\n" x 2000);
	my $octets = length wire($big);
	fares("too big, $how", 'small', [ 'send', '--no-queue', named('a') ], @common, exit => 69, text => $big,
		texts => [ qr/\b20000\b/, qr/\b3[34]\d\d\d\b/ ]);
	fares("too big, and no SIZE, $how", 'quiet', [ 'send', '--no-queue', named('a') ], @common, exit => 69,
		text => $big, texts => [ qr/552 5\.3\.4 /, qr/the message is larger than the server takes/ ]);
	fares("fits, $how", 'small', [ 'send', '--no-queue', named('a') ], @common, exit => 0,
		text => letter("0123456789abcde\n" x 1000), served => [ named('a') ]);

	fares("a server with no extension at all, $how", 'silent', [ 'send', '--no-queue', named(qw(a b)) ],
		@common, exit => 0, served => [ named(qw(a b)) ]);
}

my @size = grep { ($_->{mail} // '') =~ m{^0/|^$} } $postfix->sessions('small');
is(scalar @size, 6, 'too big: E5: MAIL is not even tried');

# Not logged in: each place where a Postfix may say so.
for my $service (qw(recipients closed clients)) {
	fares("no login, $service", $service, [ 'send', '--no-queue', named(qw(a b)) ], exit => 77,
		keys => { user => undef, password => undef },
		texts => [ qr/554 5\.7\.1 .*(?:Relay access denied|Access denied)/,
			qr/does not pass mail on for this client: add user and password_command/ ]);
}
fares('no login and no TLS', 'closed', [ 'send', '--no-queue', named('a') ], exit => 77,
	keys => { user => undef, password => undef, tls => 'off' },
	texts => [ qr/530 5\.7\.0 Must issue a STARTTLS command first/,
		qr/the server wants an encrypted connection first: set tls = starttls/ ]);

is((grep { ($_->{auth} // 1) ne '1' } $postfix->sessions), 0, 'C9: one login in each session');
is_deeply([ $postfix->complaints ], [], 'E6: Postfix finds no fault');
done_testing;
