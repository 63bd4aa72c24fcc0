#!/usr/bin/perl
# Every login that a Dovecot behind a Postfix offers, in both modes of TLS and
# with each way of pipelining.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Postfix;

plan skip_all => SendoffTest::Postfix->why_not if SendoffTest::Postfix->why_not;

my %starttls = (smtpd_tls_security_level => 'encrypt', smtpd_tls_auth_only => 'yes');
# What a server has stored that knows SASLprep (RFC 4013), and one that does not.
my %spelt = ('prepared@example.test' => 'pawx IX', 'as-typed@example.test' => "p\xc2\xaaw\xc2\xadx I\xc2\xadX");
my $postfix = SendoffTest::Postfix->start(users => \%spelt, services => {
	submission => \%starttls,
	smtps => { smtpd_tls_wrappermode => 'yes' },
	tls12 => { %starttls, smtpd_tls_mandatory_protocols => '<=TLSv1.2' },
	plain => {},
	anybody => { %starttls, smtpd_sasl_security_options => '', mynetworks => '127.0.0.0/8',
		smtpd_relay_restrictions => 'permit_mynetworks, reject_unauth_destination' },
}, anonymous => 1);
diag('Postfix ' . SendoffTest::Postfix->postfix_version . ', Dovecot ' .
	SendoffTest::Postfix->dovecot_version);

my $count = 0;

sub token { return SendoffTest::Postfix::token($SendoffTest::Postfix::user, @_) }

# Sends one message and looks at it from all sides.
sub sends
{
	my ($name, $service, %keys) = @_;
	my $id = sprintf 'login-%03d', ++$count;
	my $mechanism = delete $keys{expected};
	my $r = run_sendoff(['-C', $postfix->config($service, %keys), 'send', '--no-queue', '-t'],
		stdin => "From: me\@example.test\nTo: a\@example.test\nSubject: $id\n" .
		"Date: Sat, 1 Jan 2022 00:00:00 +0000\nMessage-ID: <$id\@example.test>\n\nhi\n");

	is_deeply([ @$r{qw(exit out err)} ], [ 0, '', '' ], "$name: sent, silently");
	my @arrived = $postfix->arrived($id);
	is(scalar @arrived, 1, "$name: arrived once (B1)");
	is_bytes($arrived[0]{message}, "From: me\@example.test\r\nTo: a\@example.test\r\n" .
		"Subject: $id\r\nDate: Sat, 1 Jan 2022 00:00:00 +0000\r\n" .
		"Message-ID: <$id\@example.test>\r\n\r\nhi\r\n", "$name: A8: as it was");
	is($arrived[0]{envelope}{sender}, 'me@example.test', "$name: the sender");
	my $received = $arrived[0]{received} // '';
	like($received, qr/\(Authenticated sender: me\@example\.test\)/, "$name: D6: logged in");
	like($received, $service eq 'plain' ? qr/with ESMTPA / : qr/using TLSv1.*with ESMTPSA /s,
		"$name: D1: encrypted") if ($keys{tls} // '') ne 'off';
	my ($used) = reverse $postfix->log =~ /sasl_method=(\S+), /g;
	is($used, $mechanism, "$name: by $mechanism");
	return $r;
}

sub is_refused
{
	my ($name, $service, $keys, $exit, @texts) = @_;
	my $r = run_sendoff(['-C', $postfix->config($service, %$keys), 'send', '--no-queue', 'a@example.test'],
		stdin => "Subject: never\n\nhi\n");

	is($r->{exit}, $exit, "$name: G1: exit $exit");
	is($r->{out}, '', "$name: nothing on stdout");
	like($r->{err}, $_, "$name: the text") for @texts;
	unlike($r->{err}, qr/\Q$SendoffTest::Postfix::password\E|wr0ng-Secret/, "$name: D9: no secret");
	is(scalar $postfix->arrived('never'), 0, "$name: nobody got it");
}

# Both modes, every mechanism, named.
for my $mechanism (qw(PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256)) {
	for my $mode ([ submission => 'starttls' ], [ smtps => 'implicit' ]) {
		sends("$mechanism, $mode->[1]", $mode->[0], tls => $mode->[1], auth => lc $mechanism,
			expected => $mechanism);
	}
}
for my $mechanism (qw(XOAUTH2 OAUTHBEARER)) {
	sends("$mechanism, starttls", 'submission', auth => $mechanism, password => token(),
		expected => $mechanism);
	sends("$mechanism, implicit", 'smtps', tls => 'implicit', auth => $mechanism,
		password => token(), expected => $mechanism);
	# Longer than a command line may be: the token goes as an answer of its own.
	sends("$mechanism, a token of 3 kB", 'submission', auth => $mechanism,
		password => token(more => 'x' x 2200), expected => $mechanism);
}

# The choice, and older TLS.
sends('chosen', 'submission', expected => 'SCRAM-SHA-256');
sends('chosen, TLS 1.2', 'tls12', expected => 'SCRAM-SHA-256');
sends('chosen, without TLS', 'plain', tls => 'off', expected => 'SCRAM-SHA-256');
sends('allowed in clear', 'plain', tls => 'off', auth => 'plain', allow_clear_password => 'yes',
	expected => 'PLAIN');

# As nobody in particular (RFC 4505), where that is let in.
my $nobody = run_sendoff(['-C', $postfix->config('anybody', auth => 'anonymous', user => 'trace@example.test', password => undef),
	'send', '--no-queue', 'a@example.test'], stdin => "Subject: nobody\n\nhi\n");
is($nobody->{exit}, 0, 'ANONYMOUS: sent') or diag($nobody->{err});
like($postfix->log, qr/sasl_method=ANONYMOUS, sasl_username=anonymous/, '... logged in as nobody');

# SASLprep: SCRAM sends the proof of the prepared password, PLAIN the password as it is.
sub spelt
{
	my ($name, $user, $auth, $exit) = @_;
	my $r = run_sendoff(['-C', $postfix->config('submission', user => $user, auth => $auth,
		password => $spelt{'as-typed@example.test'}), 'send', '--no-queue', 'a@example.test'], stdin => "Subject: spelt\n\nhi\n");

	is($r->{exit}, $exit, $name) or diag($r->{err});
}
for my $mechanism (qw(scram-sha-1 scram-sha-256)) {
	spelt("$mechanism: prepared", 'prepared@example.test', $mechanism, 0);
	spelt("$mechanism: never as it is", 'as-typed@example.test', $mechanism, 77);
}
for my $mechanism (qw(plain login)) {
	spelt("$mechanism: as it is", 'as-typed@example.test', $mechanism, 0);
	spelt("$mechanism: not prepared", 'prepared@example.test', $mechanism, 77);
}

# Each way of pipelining with each way of sending the content.
for my $pipelining (qw(standard full off)) {
	for my $chunking (qw(no yes)) {
		for my $mechanism (qw(PLAIN LOGIN SCRAM-SHA-256)) {
			sends("pipelining $pipelining, chunking $chunking, $mechanism", 'submission',
				pipelining => $pipelining, chunking => $chunking, auth => $mechanism,
				expected => $mechanism);
		}
	}
}
is_deeply([ $postfix->complaints ], [], 'E6: Postfix finds no fault so far');
is((grep { ($_->{auth} // '') ne '1' || ($_->{mail} // '') ne '1' || $_->{quit} ne '1' }
	grep { ($_->{auth} // '') ne '0/1' } $postfix->sessions), 0, 'C9: one login, one mail and QUIT in each session');

is_refused('ANONYMOUS where it is not offered', 'submission', { auth => 'anonymous', user => undef, password => undef }, 77,
	qr/this account allows ANONYMOUS/);

# A wrong password is tried once.
for my $mechanism (qw(PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 auto)) {
	my $before = $postfix->sessions;
	is_refused("wrong password, $mechanism", 'submission',
		{ auth => $mechanism, password => 'wr0ng-Secret', pipelining => 'full' }, 77,
		qr/^sendoff: logging in failed: 535 5\.7\.8 .*\(localhost:\d+\)$/m,
		qr/check user and password .*the login was tried once/);
	my @sessions = $postfix->sessions;
	splice @sessions, 0, $before;
	is(scalar @sessions, 1, "wrong password, $mechanism: C9: one session");
	is($sessions[0]{auth}, '0/1', "wrong password, $mechanism: C9: one login");
	ok(!exists $sessions[0]{data} || $sessions[0]{data} =~ m{^0/},
		"wrong password, $mechanism: no content was begun");
}

# Tokens that are not good.
is_refused('a token too old', 'submission', { auth => 'xoauth2', password => token(exp => 1) }, 77,
	qr/^sendoff: logging in failed: 535 5\.7\.8 /m);
is_refused('a token too old, OAUTHBEARER', 'submission',
	{ auth => 'oauthbearer', password => token(exp => 1) }, 77,
	qr/^sendoff: logging in failed: 535 5\.7\.8 /m);
is_refused('a token of nobody', 'submission', { auth => 'xoauth2', password => 'wr0ng-Secret' },
	77, qr/^sendoff: logging in failed: 535 5\.7\.8 /m);

# What is not offered, or only in clear.
is_refused('SCRAM-SHA-256-PLUS is not offered', 'submission', { auth => 'scram-sha-256-plus' }, 77,
	qr/SCRAM-SHA-256-PLUS/);
is_refused('D5: PLAIN in clear', 'plain', { tls => 'off', auth => 'plain' }, 77,
	qr/allow_clear_password/);

# Without a login: said where Postfix says it, at the recipient.
is_refused('no login', 'submission', { user => undef, password => undef }, 77,
	qr/554 5\.7\.1 <a\@example\.test>: Relay access denied/, qr/add user and password_command/);

is_deeply([ $postfix->complaints ], [], 'E6: Postfix finds no fault');
done_testing;
