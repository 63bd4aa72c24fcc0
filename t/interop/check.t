#!/usr/bin/perl
# sendoff check at a real Postfix with a Dovecot behind it, wrong in each way that a person
# meets: the stage that failed, the exit code, the cause, the server's own words, the next
# step.  Nothing is ever in its queue, and DATA is never said.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Postfix;
use SendoffTest::Send qw(letter);

plan skip_all => SendoffTest::Postfix->why_not if SendoffTest::Postfix->why_not;

# A policy service that lets everybody wait.
sub greylisting
{
	my $socket = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1') or die "listen: $!\n";
	my $pid = fork // die "fork: $!\n";

	return ($pid, $socket->sockport, $$) if $pid;
	alarm 300;
	$SIG{$_} = 'DEFAULT' for qw(TERM INT HUP);
	$SIG{CHLD} = 'IGNORE';
	while (my $client = $socket->accept) {
		next if fork;
		while (my $line = <$client>) {
			next if $line ne "\n";
			print $client "action=DEFER_IF_PERMIT greylisted, please come back in 300 seconds\n\n";
			$client->flush;
		}
		POSIX::_exit(0);
	}
	POSIX::_exit(0);
}

my ($policy_pid, $policy_port, $owner) = greylisting();

END {
	local $?;
	kill 'TERM', $policy_pid if $policy_pid && $$ == $owner;
}

my %base = (smtpd_tls_security_level => 'may');
my %strict = (smtpd_tls_security_level => 'encrypt');

sub with_cert { return (smtpd_tls_cert_file => cert($_[0]), smtpd_tls_key_file => cert($_[0], 'key')) }
sub mechanisms { return (%strict, smtpd_sasl_mechanism_filter => $_[0]) }

my $me = $SendoffTest::Postfix::user;
my $postfix = SendoffTest::Postfix->start(
	main => { smtpd_sender_login_maps => "inline:{ { $me = $me } }" },
	services => {
		submission => { %strict },
		smtps => { smtpd_tls_wrappermode => 'yes' },
		'tls-only-login' => { %base, smtpd_tls_auth_only => 'yes' },
		clear => { smtpd_tls_security_level => 'none' },
		'no-login' => { smtpd_tls_security_level => 'may', smtpd_sasl_auth_enable => 'no' },
		'not-LOGIN' => { mechanisms('!login, static:all') },
		'CRAM-MD5' => { mechanisms('cram-md5') },
		'PLAIN' => { mechanisms('plain') },
		'tokens' => { mechanisms('xoauth2, oauthbearer') },
		(map { $_ => { %strict, with_cert($_) } } qw(expired notyet wrongname selfsigned otherca missing)),
		owned => { %strict, smtpd_sender_restrictions => 'reject_sender_login_mismatch' },
		recipients => { %strict, smtpd_recipient_restrictions =>
			'check_recipient_access inline:{ { gone@example.net = 550 5.1.1 nobody here by that name } }' },
		grey => { %strict, smtpd_recipient_restrictions =>
			"check_policy_service inet:127.0.0.1:$policy_port" },
		blocked => { %strict, smtpd_client_restrictions => 'check_client_access ' .
			'inline:{ { 127.0.0.1 = 554 5.7.1 Service unavailable; Client host [127.0.0.1] ' .
			'blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/127.0.0.1 } }' },
		'blocked-at-once' => { %strict, smtpd_delay_reject => 'no', smtpd_client_restrictions =>
			'check_client_access inline:{ { 127.0.0.1 = 554 5.7.1 Service unavailable; Client host ' .
			'[127.0.0.1] blocked using zen.spamhaus.org } }' },
		'few-connections' => { %strict, smtpd_client_connection_rate_limit => 1 },
		'few-logins' => { %strict, smtpd_client_auth_rate_limit => 1 },
		small => { %strict, message_size_limit => 200 },
		'no-vrfy' => { %strict, disable_vrfy_command => 'yes' },
		'helo' => { %strict, smtpd_helo_restrictions => 'reject_non_fqdn_helo_hostname' },
		'helo-at-once' => { %strict, smtpd_delay_reject => 'no',
			smtpd_helo_restrictions => 'reject_non_fqdn_helo_hostname' },
		xclient => { %strict, smtpd_authorized_xclient_hosts => '127.0.0.1',
			smtpd_authorized_xforward_hosts => '127.0.0.1' },
		quiet => { %strict, smtpd_banner => '$myhostname ESMTP' },
	});
diag('Postfix ' . SendoffTest::Postfix->postfix_version . ', Dovecot ' .
	SendoffTest::Postfix->dovecot_version);


# ---- a check, by machines and by people

# The outputs of all runs, to be looked through for secrets.
my $all = '';

sub reported
{
	my ($service, $keys, @args) = @_;
	my ($report, $r) = checked($postfix->config($service, %$keys), @args);

	is($r->{err}, '', "$service @args: nothing on stderr");
	$all .= $r->{out};
	return ($report, $r);
}

sub shown
{
	my ($service, $keys, @args) = @_;
	my $r = run_sendoff([ '-C', $postfix->config($service, %$keys), 'check', @args ]);

	is($r->{err}, '', "$service @args: nothing on stderr");
	$all .= $r->{out};
	return $r;
}

# Each run counts at the server: with once => 1 there is one, for machines.
sub goes_wrong
{
	my ($name, $service, $stage, $exit, $cause, %o) = @_;
	my @args = @{ $o{args} // [] };
	my ($report, $r) = reported($service, $o{keys} // {}, @args);
	my $failed = $report->{failed} // {};

	is($r->{exit}, $exit, "$name: G1: exit $exit");
	is($failed->{stage}, $stage, "$name: at $stage");
	is(stage($report, $stage)->{mark} // '', 'failed', "$name: which is the stage that failed");
	is($failed->{cause}, $cause, "$name: the cause");
	is($failed->{where}, 'localhost:' . $postfix->port($service), "$name: where");
	like($failed->{said} // '', $o{said}, "$name: what the server said") if $o{said};
	like($failed->{what} // '', $o{what}, "$name: what was found") if $o{what};
	is($failed->{said}, undef, "$name: it said nothing") if !$o{said};
	like($failed->{next} // '', $o{next}, "$name: the next step");
	is_deeply($failed->{settings}, $o{set} // [], "$name: what to set");
	is($report->{ok}, JSON::PP::false, "$name: not well");
	return $report if $o{once};
	my $text = shown($service, $o{keys} // {}, @args);
	my $verdict = printed($text->{out});
	is($text->{exit}, $exit, "$name, in words: G1: exit $exit");
	is($verdict->{failed}, "$stage, at $failed->{where}", "$name, in words: the stage");
	is($verdict->{said}, $failed->{said}, "$name, in words: what the server said");
	is($verdict->{what}, $failed->{what}, "$name, in words: what was found");
	is($verdict->{cause}, "$failed->{words} ($cause)", "$name, in words: the cause");
	like($verdict->{next} // '', $o{next}, "$name, in words: the next step");
	is_deeply($verdict->{set} // [], $o{set} // [], "$name, in words: what to set");
	return $report;
}

# All is well, then.
sub goes_well
{
	my ($name, $service, %o) = @_;
	my ($report, $r) = reported($service, $o{keys} // {}, @{ $o{args} // [] });

	is($r->{exit}, 0, "$name: exit 0");
	is($report->{ok}, JSON::PP::true, "$name: well");
	is($report->{failed}, undef, "$name: nothing failed");
	is_deeply([ map { $_->{stage} } grep { $_->{mark} !~ /^(?:ok|none|skipped)$/ }
		@{ $report->{stages} } ], $o{warned} // [], "$name: each stage is well");
	return $report;
}

my @mail = ('--from', $me, '--to', 'a@example.net');

# ---- a right account

for my $mode ([ submission => 'starttls' ], [ smtps => 'implicit' ]) {
	my ($service, $tls) = @$mode;
	my $report = goes_well("right, $tls", $service, keys => { tls => $tls }, args => \@mail);

	is_deeply([ grep { /^(?:secret|name|connect|tls|ehlo|login|envelope|quit)$/ }
		map { $_->{stage} } @{ $report->{stages} } ],
		[ qw(secret name connect tls ehlo login envelope quit) ], "right, $tls: the stages in order");
	is(stage($report, 'ehlo')->{facts}{software}, 'Postfix', "right, $tls: it is a Postfix");
	is(stage($report, 'ehlo')->{facts}{size}, 60_000_000, "right, $tls: its limit");
	is(stage($report, 'tls')->{facts}{mode}, $tls, "right, $tls: the mode");
	is(stage($report, 'login')->{facts}{mechanism}, 'SCRAM-SHA-256', "right, $tls: the mechanism");
	is(stage($report, 'envelope')->{facts}{recipients}[0]{accepted}, JSON::PP::true,
		"right, $tls: the recipient");
}
my $quiet = goes_well('a banner that says nothing', 'quiet');
is(stage($quiet, 'ehlo')->{facts}{software}, undef, 'a banner that says nothing: no guess');
goes_well('login with TLS only', 'tls-only-login', args => \@mail);
goes_well('without LOGIN', 'not-LOGIN', args => \@mail);
goes_well('without VRFY', 'no-vrfy', args => \@mail);
goes_well('CRAM-MD5 that is asked for', 'CRAM-MD5', keys => { auth => 'cram-md5' });
goes_well('own sender', 'owned', args => \@mail);
goes_well('a client that could say more', 'xclient', args => \@mail);
is((grep { $_->{xclient} || $_->{xforward} } $postfix->sessions('xclient')), 0,
	'XCLIENT and XFORWARD are not used');
goes_well('a trusted self-signed one', 'selfsigned', keys => { tls_ca_file => cert('selfsigned') });

# ---- pipelining: recommended, and then right

my $full = goes_well('pipelining', 'PLAIN', args => \@mail);
is(stage($full, 'pipelining')->{facts}{full}, JSON::PP::true, 'pipelining: full is recommended');
like(sentence(shown('PLAIN', {})->{out}), qr/ pipelining = full /, 'pipelining: with its key');
goes_well('pipelining, set', 'PLAIN', keys => { pipelining => 'full' });
is((grep { exists $_->{data} || exists $_->{bdat} } $postfix->sessions), 0,
	'pipelining: found out without DATA');
is($postfix->sink->stored, 0, 'nothing has arrived so far');

my $r = run_sendoff(['-C', $postfix->config('PLAIN', pipelining => 'full'), 'send', '--no-queue',
	'a@example.net'], stdin => letter("with full pipelining\n"));
is_deeply([ @$r{qw(exit out err)} ], [ 0, '', '' ], 'pipelining = full: sent');
is(scalar $postfix->arrived('with full pipelining'), 1, 'pipelining = full: delivered');

# ---- the login

goes_wrong('wrong password', 'submission', 'login', 77, 'login-refused',
	keys => { password => 'wr0ng-Secret' }, said => qr/^535 5\.7\.8 Error: authentication failed/,
	next => qr/check user and password/);
goes_wrong('wrong user', 'smtps', 'login', 77, 'login-refused',
	keys => { tls => 'implicit', user => 'nobody@example.test' },
	said => qr/^535 5\.7\.8 Error: authentication failed/, next => qr/check user and password/);
is((grep { ($_->{auth} // '') eq '0/1' } $postfix->sessions), 4, 'C9: one login in each');
goes_wrong('no login before TLS', 'tls-only-login', 'login', 77, 'login-not-offered',
	keys => { tls => 'off' }, what => qr/login/, next => qr/^set what stands below in/, set => [ 'tls = starttls' ]);
goes_wrong('PLAIN in clear', 'clear', 'login', 77, 'login-clear-forbidden',
	keys => { tls => 'off', auth => 'plain' }, what => qr/PLAIN/, next => qr/tls = starttls/);
goes_wrong('no login there at all', 'no-login', 'login', 77, 'login-not-offered',
	what => qr/does not offer any login/, next => qr/auth = none/);
goes_wrong('LOGIN is switched off', 'not-LOGIN', 'login', 77, 'no-common-mechanism',
	keys => { auth => 'login' }, what => qr/\bPLAIN\b.*\bLOGIN\b/, next => qr/auth/);
goes_wrong('CRAM-MD5 only', 'CRAM-MD5', 'login', 77, 'login-weak-only', what => qr/CRAM-MD5/,
	next => qr/auth = cram-md5/);
goes_wrong('nothing in common', 'PLAIN', 'login', 77, 'no-common-mechanism',
	keys => { auth => 'scram-sha-1' }, what => qr/offers PLAIN/, next => qr/auth/);
goes_wrong('tokens only', 'tokens', 'login', 77, 'login-wants-token', what => qr/XOAUTH2/,
	next => qr/auth = .*token/);

# ---- TLS and the certificate

for my $case (
	[ expired => 'certificate-expired', qr/expired on 2021-01-01/, qr/renew|replace/ ],
	[ notyet => 'certificate-not-yet-valid', qr/before 2048-01-01/, qr/clock/ ],
	[ wrongname => 'certificate-wrong-name', qr/other\.test/, qr/host = other\.test/ ],
	[ selfsigned => 'certificate-self-signed', qr/self-signed/, qr/tls_pin = \S+/ ],
	[ otherca => 'certificate-unknown-issuer', qr/otherca-ca/, qr/tls_ca_file/ ],
	[ missing => 'certificate-incomplete-chain', qr/intermediate/, qr/chain/ ],
) {
	my ($name, $cause, $what, $next) = @$case;
	goes_wrong("certificate $name", $name, 'tls', 77, $cause, what => $what, next => $next);
}
is((grep { exists $_->{auth} } map { $postfix->sessions($_) } qw(expired notyet wrongname otherca
	missing)), 0, 'D1: no login where the certificate is refused');

goes_wrong('TLS at once, told to change to it', 'smtps', 'ehlo', 75, 'no-greeting',
	what => qr/no answer|nothing/, next => qr/^set what stands below in/, set => [ 'tls = implicit' ], once => 1);
# It greets, or complains of who speaks first: plain SMTP both.
goes_wrong('STARTTLS, told to begin with TLS', 'submission', 'tls', 76, 'plain-smtp-here',
	keys => { tls => 'implicit' }, what => qr/plain SMTP here: "(?:220|554) /, next => qr/^set what stands below in/,
	set => [ 'tls = starttls' ], once => 1);
goes_wrong('no TLS there', 'clear', 'tls', 76, 'tls-not-offered', what => qr/STARTTLS/,
	next => qr/tls = implicit/);
goes_wrong('TLS is wanted', 'submission', 'login', 77, 'login-not-offered',
	keys => { tls => 'off' }, what => qr/login/, next => qr/^set what stands below in/, set => [ 'tls = starttls' ]);
goes_wrong('TLS is wanted, no login', 'submission', 'envelope', 77, 'tls-wanted',
	keys => { tls => 'off', user => undef, password => undef }, args => \@mail,
	said => qr/^530 5\.7\.0 Must issue a STARTTLS command first/, next => qr/^set what stands below in/,
	set => [ 'tls = starttls' ]);

# ---- sender, recipients, and who we are

goes_wrong('no login given', 'submission', 'envelope', 77, 'relay-denied', args => \@mail,
	keys => { user => undef, password => undef },
	said => qr/^554 5\.7\.1 <a\@example\.net>: Relay access denied/, next => qr/add user/);
goes_wrong('a sender of somebody else', 'owned', 'envelope', 77, 'sender-not-owned',
	args => [ '--from', 'boss@example.test', '--to', 'a@example.net' ],
	said => qr/^553 5\.7\.1 <boss\@example\.test>: Sender address rejected: not owned by user/,
	next => qr/set from/);
my $one = goes_wrong('unknown recipient', 'recipients', 'envelope', 67, 'recipient-refused',
	args => [ @mail, '--to', 'gone@example.net' ],
	said => qr/^550 5\.1\.1 <gone\@example\.net>: Recipient address rejected: nobody here/,
	next => qr/check the address/);
is_deeply([ map { $_->{accepted} ? 1 : 0 } @{ stage($one, 'envelope')->{facts}{recipients} } ],
	[ 1, 0 ], 'unknown recipient: the other is well');
goes_wrong('greylisted', 'grey', 'envelope', 75, 'greylisted', args => \@mail,
	said => qr/^450 4\.7\.1 .*greylisted, please come back in 300 seconds/, next => qr/minutes/);
goes_wrong('on a list of blocked ones', 'blocked', 'envelope', 69, 'ip-blocked', args => \@mail,
	said => qr/^554 5\.7\.1 .*blocked using zen\.spamhaus\.org/, next => qr/587/);
goes_wrong('blocked at the greeting', 'blocked-at-once', 'ehlo', 69, 'ip-blocked', args => \@mail,
	said => qr/^554 5\.7\.1 .*blocked using zen\.spamhaus\.org/, next => qr/587/);
goes_wrong('a name that is none', 'helo', 'envelope', 69, 'ehlo-refused', args => \@mail,
	keys => { ehlo => 'client' }, said => qr/^504 5\.5\.2 <client>: Helo command rejected: need fully-/,
	next => qr/set ehlo/);
goes_wrong('a name that is none, at once', 'helo-at-once', 'ehlo', 69, 'ehlo-refused',
	args => \@mail, keys => { ehlo => 'client' },
	said => qr/^504 5\.5\.2 <client>: Helo command rejected: need fully-/, next => qr/set ehlo/);

# ---- how much and how often

# The first was the knocking of this test.
my $many = goes_wrong('too many connections', 'few-connections', 'ehlo', 75, 'too-many-connections',
	said => qr/^421 4\.7\.0 .*too many connections from/, next => qr/max_connections/);
is(stage($many, 'elsewhere'), undef, 'too many connections: no further ones are made');
is(scalar $postfix->sessions('few-connections'), 2, 'too many connections: one a check');
goes_well('the first login', 'few-logins');
goes_wrong('too many logins', 'few-logins', 'login', 75, 'too-many-logins',
	said => qr/^450 4\.7\.1 Error: too many AUTH commands from/, next => qr/wait/);
my $small = goes_well('a small limit', 'small', args => \@mail);
is(stage($small, 'ehlo')->{facts}{size}, 200, 'a small limit: told');
goes_wrong('a test message over it', 'small', 'send', 69, 'cannot-take',
	args => [ '--send', 'a@example.net' ], what => qr/\b200\b/, next => qr/./);

# ---- the old verbs, and one message

my $asked = goes_well('VRFY is switched off', 'no-vrfy', args => [ '--vrfy', 'me' ], warned => [ 'ask' ]);
is(stage($asked, 'ask')->{facts}{code}, 502, 'VRFY is switched off: the code');
like(stage($asked, 'ask')->{facts}{answer}, qr/VRFY command is disabled/, 'VRFY is switched off: the words');
my $verbs = goes_well('VRFY', 'submission', args => [ '--vrfy', 'a@example.net' ]);
like(stage($verbs, 'ask')->{facts}{code}, qr/^25[02]$/, 'VRFY: an answer');

is($postfix->sink->stored, 1, 'no check has sent anything');
my $sent = goes_well('a test message', 'submission', args => [ '--send', 'a@example.net' ]);
my $id = stage($sent, 'send')->{facts}{message_id} // 'none';
like(stage($sent, 'send')->{facts}{answer}, qr/^250 2\.0\.0 Ok: queued as \w+/, 'a test message: the answer');
is(scalar $postfix->arrived($id), 1, 'a test message: delivered, with the id that was named');

# ---- a transcript

for my $mechanism (qw(plain login scram-sha-256 cram-md5)) {
	my $loud = run_sendoff([ '-v', '-C', $postfix->config('smtps', tls => 'implicit', auth => $mechanism),
		'check' ]);
	is($loud->{exit}, 0, "a transcript of $mechanism: well");
	like($loud->{err}, qr/AUTH/, "a transcript of $mechanism: it is there");
	$all .= $loud->{out} . $loud->{err};
}

# ---- Dovecot is away

goes_well('while there is somebody to ask', 'submission', keys => { auth => 'plain' });
$postfix->halt_dovecot;
goes_wrong('nobody to ask', 'submission', 'login', 75, 'login-later', keys => { auth => 'plain' },
	said => qr/^454 4\.7\.0 Temporary authentication failure/, next => qr/./, once => 1);

# ---- what all of it showed, and what Postfix saw

my @forms = map { encode_base64($_, '') } $SendoffTest::Postfix::password,
	"\0$me\0$SendoffTest::Postfix::password";
my $forms = join '|', map { quotemeta } @forms;
unlike($all, qr/ss word|wr0ng-Secret|$forms/, 'D9: no secret anywhere');

is($postfix->sink->stored, 2, 'what arrived is what was sent');
ok($postfix->drained(5), 'nothing is in the queue');
is((grep { ($_->{data} // 0) ne '0' || exists $_->{bdat} } $postfix->sessions), 2,
	'DATA was said for the two messages only');
is((grep { !$_->{quit} && ($_->{auth} // '') eq '1' } $postfix->sessions), 0,
	'each session with a login ends by QUIT');

done_testing;
