#!/usr/bin/perl
# What servers say, and what one is told of it: each row of the table of causes in
# the words of a server that says such things, by `send --no-queue`, in its JSON and in
# the queue's last answer.  What sendoff knows by itself comes behind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Path qw(make_path);
use IO::Socket::INET;
use JSON::PP;
use SendoffTest;
use SendoffTest::Proxy;
use SendoffTest::Send;

# ---- the table, as the source has it

my $literal = qr/(?:"(?:[^"\\]|\\.)*"\s*)+/;
my $table = file_read(top() . '/src/deliver/cause_table.c');
my (%row, %plain, %named);

sub words_of { return join '', $_[0] =~ /"((?:[^"\\]|\\.)*)"/g }

while ($table =~ /\{ \{ "([a-z0-9-]+)", EX_\w+, [A-Z_]+(?:\([A-Z]+\))?,\s*($literal),\s*($literal|NULL)\s*\},\s*(NAMED|OF)?/g) {
	$row{$1} = { words => words_of($2), next => words_of($3) };
	$named{$1} = 1 if ($4 // '') eq 'NAMED';
	$plain{$1} = 1 if ($4 // '') eq 'OF';
}
cmp_ok(scalar keys %row, '>', 140, 'the rows were found');

my (%met, @cases);
my $dirs = 0;
my %me = (user => 'me@example.test', password => 'p w');
my @token = (server => { user => $me{user}, token => 'T', mechanisms => 'XOAUTH2' },
	keys => { user => $me{user}, password => 'T', auth => 'xoauth2' });

# A server at a socket whose path ends in the name of a provider's server: names cannot be
# made to lead to loopback.
sub place
{
	my ($host) = @_;
	my $path = workdir() . '/' . ++$dirs . "/$host";

	make_path($path =~ s{/[^/]*$}{}r);
	return $path;
}

sub at_point
{
	my ($case) = @_;
	my $text = $case->{said} =~ s/(["\\])/\\$1/gr;

	return ref $case->{at} ? $case->{at} : ["$case->{at} reply \"$text\""];
}

# The queue of a run of its own, that nobody else sends.
sub config_of
{
	my ($case, $what) = @_;
	my %server = %{ $case->{server} // {} };
	my $logs_in = $case->{logs_in};
	my $dir = workdir() . '/queue-' . $case->{number};

	make_path($dir, { mode => 0700 });
	$case->{locks}{$what} = watched($dir) if $what eq 'queue';
	return account($case->{s}, tls => $server{tls} // 'off',
		($logs_in ? (%me, allow_clear_password => 'yes') : ()),
		($case->{path} ? (host => $case->{path}, port => 1) : ()), %{ $case->{keys} // {} },
		($case->{logs_in} ? (allow_clear_password => 'yes') : ()),
		global => { queue_dir => $dir });
}

my $numbers = 0;

sub begin
{
	my ($case) = @_;
	my %server = %{ $case->{server} // {} };

	$case->{number} = ++$numbers;
	$case->{path} = place($case->{host}) if $case->{host};
	$case->{logs_in} = 1 if $case->{at} =~ /^AUTH/ || $case->{keys}{user};
	%server = (%me, %server) if $case->{logs_in} && !$server{token};
	$case->{s} = server_start(%server, lenient => 1, at => at_point($case),
		($case->{path} ? (listen => $case->{path}) : ()));
	for my $what (qw(text json queue)) {
		$case->{runs}{$what} = send_mail_start(config_of($case, $what), [
			$what eq 'json' ? '--json' : (), 'send', $what eq 'queue' ? () : '--no-queue',
			'you@example.net'], timeout => 15);
	}
}

# What the queue says of the message last, as JSON and to a person.
sub queue_says
{
	my ($case) = @_;
	my ($id) = $case->{r}{queue}{err} =~ /^sendoff: queued as (\S+?):? /m;
	my @show = ('queue', 'show', $id // '');
	my $config = config_of($case, 'show');

	return ((eval { decode_json(run_sendoff(['-C', $config, '--json', @show])->{out}) } // {})->{cause},
		run_sendoff(['-C', $config, @show])->{out});
}

sub end
{
	my ($case) = @_;
	my ($id, $exit, $text, $json, $queue) = (@$case{qw(id exit)}, @{ $case->{r} }{qw(text json queue)});
	my ($words, $next) = @{ $row{$id} // { words => 'no row', next => 'no row' } }{qw(words next)};
	my $name = "$id: $case->{said}";

	$met{$id} = 1;
	is($text->{exit}, $exit, "G1: $name: exit $exit");
	like($text->{err}, qr/^  \Q$words\E: \Q$next\E$/m, "$name: cause and next step") or diag($text->{err});
	my $told = eval { decode_json($json->{out}) } // {};
	my ($to) = @{ $told->{recipients} // [] };
	is($told->{error}{cause} // $to->{cause}, $id, "$name: the id in JSON") or diag($json->{out});
	is($to->{cause}, $id, "$name: and of the recipient");
	is($told->{exit}, $exit, "$name: and the code");
	if (!$queue->{exit}) {   # it waits
		like($queue->{err}, qr/^sendoff: queued as p-/, "$name: queued");
		my ($cause, $shown) = queue_says($case);
		is($cause, $id, "$name: the queue's last answer");
		like($shown, qr/^cause +\Q$words ($id)\E\nnext step +\Q$next\E$/m, "$name: and what it means");
	} else {
		like($queue->{exit}, qr/^(?:65|67|69|77)$/, "$name: final") or diag($queue->{err});
	}
	$case->{s}->stop;
}

sub run_cases
{
	while (my @batch = splice @cases, 0, 8) {
		begin($_) for @batch;
		my @kinds = map { my $case = $_; map { [ $case, $_ ] } qw(text json queue) } @batch;
		my @results = finish_all(map { $_->[0]{runs}{ $_->[1] } } @kinds);
		$_->[0]{r}{ $_->[1] } = shift @results for @kinds;
		end($_) for @batch;
	}
}

# case(ID, EXIT, POINT, WORDS, ...)
sub case { my ($id, $exit, $at, $said, %o) = @_; push @cases, { id => $id, exit => $exit, at => $at, said => $said, %o } }

subtest 'the system\'s runner' => sub {
	my @runner = (host => 'sendoff/smtp.sock');
	case('runner-recipient', 67, RCPT => '550 5.1.1 no such user', @runner);
	case('runner-policy', 77, MAIL => '550 5.7.1 not for you', @runner);
	case('runner-message', 65, CONTENT => '554 5.6.0 loops', @runner);
	case('runner-later', 75, MAIL => '452 4.3.1 full', @runner);
	run_cases();
};

subtest 'logins' => sub {
	my $refused = sub {
		return { id => $_[0], exit => 77, at => ['AUTH reply "334 ' . b64($_[1]) . '"', 'AUTH-RESPONSE reply "535 5.7.8 no"'],
			said => "AUTH: 334 $_[1]", @token };
	};
	push @cases, $refused->('token-wrong-scope', '{"status":"insufficient_scope","schemes":"bearer"}'),
		$refused->('token-expired', '{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}'),
		$refused->('token-expired', '{"status":"401","schemes":"bearer mac"}');
	case('token-refused', 77, AUTH => '535 5.7.3 Authentication unsuccessful [X.PROD.OUTLOOK.COM]', @token);
	case('token-not-allowed', 77, AUTH => '535 5.7.1 Service principal SendAs not allowed', @token);
	case('app-password-needed', 77, ['AUTH reply "534-5.7.9 Application-specific password required. For more information, go to\r\n' .
		'534 5.7.9 https://support.google.com/mail/?p=InvalidSecondFactor x - gsmtp"'], 'in two lines', logs_in => 1);
	case('app-password-needed', 77, AUTH => '534 5.7.9 Application-specific password required.');
	case('app-password-needed', 77, AUTH => '535 5.7.8 please use an app specific password');
	case('login-address-refused', 77, AUTH => '525 5.7.1 Unauthorized IP address');
	case('web-login-wanted', 77, AUTH => '534 5.7.14 Please log in via your web browser and then try again.');
	case('security-defaults', 77, AUTH => "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy.");
	case('smtp-auth-disabled-mailbox', 77, AUTH => '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.');
	case('smtp-auth-disabled-tenant', 77, AUTH => '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.');
	case('basic-auth-retired', 77, AUTH => '535 5.7.139 Authentication unsuccessful, basic authentication is disabled.');
	case('basic-auth-retired', 77, MAIL => '550 5.7.30 Basic authentication is not supported for Client Submission.');
	case('conditional-access', 77, AUTH => '535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully.');
	case('account-locked', 77, AUTH => '535 5.7.8 Your account is temporarily locked');
	case('account-disabled', 77, AUTH => '525 5.7.13 Account disabled');
	case('password-transition', 75, AUTH => '432 4.7.12 A password transition is needed');
	case('password-expired', 77, AUTH => '535 5.7.8 The password has expired');
	case('mail-programs-not-allowed', 77, AUTH => '535 5.7.8 Error: authentication failed: This user does not have access rights to this service');
	case('authorization-code-needed', 77, AUTH => '535 Login Fail. Please enter your authorization code to login.');
	case('authorization-code-needed', 77, AUTH => '535 Error: authentication failed', host => 'smtp.163.com');
	case('credits-used-up', 75, AUTH => '451 Authentication failed: Maximum credits exceeded');
	case('app-password-only', 77, AUTH => '535 5.7.0 (#AUTH005) Too many bad auth attempts.');
	case('app-password-only', 77, AUTH => '535 5.7.8 Error: authentication failed:', host => 'smtp.mail.me.com');
	case('too-many-logins', 75, AUTH => '454 4.7.0 Too many login attempts, please try again later.');
	case('microsoft-password', 77, AUTH => '535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.');
	case('microsoft-password', 77, AUTH => '535 5.7.3 Authentication unsuccessful');
	case('smtp-auth-disabled', 77, AUTH => '535 5.7.139 Authentication unsuccessful');
	case('google-password', 77, AUTH => '535 5.7.8 Username and Password not accepted. https://support.google.com/mail/?p=BadCredentials x - gsmtp');
	case('google-password', 77, AUTH => '535 5.7.8 no', host => 'smtp.gmail.com');
	case('zoho-password', 77, AUTH => '535 Authentication Failed', host => 'smtp.zoho.eu');
	case('access-switch-or-password', 77, AUTH => '535 Authentication credentials invalid', host => 'mail.gmx.net');
	case('ses-credentials', 77, AUTH => '535 Authentication Credentials Invalid', host => 'email-smtp.eu-west-1.amazonaws.com');
	case('sendgrid-key', 77, AUTH => '535 Authentication failed: Bad username / password', host => 'smtp.sendgrid.net');
	case('login-needs-tls', 77, AUTH => '538 5.7.11 Encryption required for requested authentication mechanism');
	case('tls-not-seen', 77, AUTH => '538 5.7.11 Encryption required for requested authentication mechanism', server => { tls => 'implicit' });
	case('tls-not-seen', 77, MAIL => '530 5.7.0 Must issue a STARTTLS command first', server => { tls => 'starttls' });
	case('login-not-counted', 77, MAIL => '530 5.7.57 Client not authenticated to send mail', logs_in => 1);
	case('login-line-too-long', 77, AUTH => '500 5.5.6 Authentication Exchange line is too long');
	case('login-mechanism-unknown', 77, AUTH => '504 5.7.4 Unrecognized authentication type');
	case('login-not-enabled', 77, AUTH => '503 5.5.1 Error: authentication not enabled');
	case('login-mechanism-weak', 77, AUTH => '534 5.7.9 Authentication mechanism is too weak');
	case('login-refused', 77, AUTH => '526 Authentication failure');
	case('login-refused', 77, AUTH => '550 User not found');
	case('login-refused', 77, AUTH => '535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6');
	case('login-refused', 77, AUTH => '535 Incorrect authentication data');
	case('tls-wanted', 77, AUTH => '530 5.7.0 Must issue a STARTTLS command first');
	case('tls-wanted', 77, MAIL => '530 5.7.0 Must issue a STARTTLS command first');
	case('login-later', 75, AUTH => '454 4.7.0 Temporary authentication failure: Connection lost to authentication server');
	case('login-later', 75, AUTH => '454 4.7.0 Temporary authentication failure', @token);
	case('login-later', 75, AUTH => '421 4.3.2 wait', @token);
	case('login-not-understood', 77, AUTH => '501 5.5.2 Cannot decode response');
	case('not-logged-in', 77, MAIL => '530 5.7.57 Client not authenticated to send mail.');
	case('not-logged-in', 77, MAIL => '530 5.7.0 Authentication required');
	case('not-logged-in', 77, RCPT => '550 Unauthenticated senders not allowed');
	case('not-logged-in', 77, ['RCPT reply "550-Please turn on SMTP Authentication in your mail client. box.example.test [192.0.2.1]:1234\r\n' .
		'550-is not permitted to relay\r\n550 through this server without authentication."'], 'in three lines');
	case('not-logged-in', 77, RCPT => '550 5.7.1 SMTP AUTH is required');
	case('not-logged-in', 77, DATA => '530 5.7.0 Authentication Required');
	case('not-logged-in', 77, CONTENT => '530 5.7.0 Authentication Required');
	case('not-logged-in', 75, MAIL => '421 4.7.0 authentication required');
	run_cases();
};

subtest 'how much, and from where' => sub {
	case('daily-limit', 75, CONTENT => '550 5.4.5 Daily user sending limit exceeded.');
	case('daily-limit', 75, CONTENT => '454 Throttling failure: Daily message quota exceeded.');
	case('too-many-connections', 75, greeting => '421 4.7.0 mail.example.test Error: too many connections from 192.0.2.1');
	case('too-many-connections', 75, CONTENT => '432 4.3.2 Concurrent connections limit exceeded.');
	case('too-many-messages', 75, CONTENT => '454 Throttling failure: Maximum sending rate exceeded.');
	case('too-many-messages', 75, RCPT => '550 5.7.1 The limit on the number of allowed outgoing messages was exceeded. Try again later.');
	case('too-many-messages', 75, RCPT => '554 5.7.1 Policy rejection; Message count quota exceeded');
	case('sending-unusual', 75, CONTENT => '550 5.4.6 Unusual sending activity detected. Please try after sometime');
	case('server-in-trouble', 75, CONTENT => '421 4.3.0 collect: Cannot write ./dfa (bfcommit, uid=0)');
	case('server-closes', 75, EHLO => '421 4.7.0 Try again later, closing connection.');
	case('sender-blocked', 77, MAIL => '554 5.7.1 Service unavailable; Sender address [a@example.test] blocked using dbl.spamhaus.org');
	case('ip-blocked', 69, greeting => '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org');
	case('ip-blocked', 69, RCPT => '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org');
	case('ip-blocked', 69, CONTENT => '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org');
	case('ip-blocked-now', 75, RCPT => '450 4.7.1 Service unavailable; Client host [192.0.2.1] blocked using bl.spamcop.net');
	case('no-reverse-name', 75, RCPT => '450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]');
	case('ehlo-refused', 69, EHLO => '501 5.5.4 Invalid domain name');
	case('ehlo-refused', 69, RCPT => '504 5.5.2 box: Helo command rejected: need fully-qualified hostname');
	case('ehlo-refused-now', 75, RCPT => '450 4.7.1 <box.example.test>: Helo command rejected: Host not found');
	case('ehlo-refused-now', 75, EHLO => '450 4.7.1 <box>: Helo command rejected: need fully-qualified hostname');
	case('out-of-step', 76, greeting => '554 SMTP synchronization error');
	case('other-protocol-here', 76, EHLO => '530 Please login with USER and PASS.');
	case('ehlo-unknown', 76, EHLO => '500 5.5.1 Command unrecognized', server => { tls => 'starttls' });
	case('ehlo-unknown', 76, EHLO => '502 5.5.2 Error: command not recognized', logs_in => 1);
	case('other-protocol-here', 76, ['EHLO reply "500 what"', 'HELO reply "500 what"'], 'neither EHLO nor HELO');
	case('other-protocol-here', 76, ['greeting reply "220 ProFTPD Server ready"', 'EHLO reply "500 EHLO not understood"'],
		'FTP', server => { tls => 'starttls' });
	case('lmtp-here', 76, ['greeting reply "220 mx.example.test LMTP ready"', 'EHLO reply "500 EHLO not understood"'],
		'LMTP, by its greeting', server => { tls => 'starttls' });
	case('lmtp-here', 76, ['EHLO reply "500 5.5.1 use LHLO"'], 'LMTP, by its words', server => { tls => 'starttls' });
	case('lhlo-unknown', 76, LHLO => '502 5.5.2 Error: command not recognized', server => { lmtp => 1 },
		keys => { protocol => 'lmtp' });
	case('delivery-refused', 67, DELIVERY => '554 5.7.0 rejected by a rule', server => { lmtp => 1 },
		keys => { protocol => 'lmtp' });
	case('delivery-later', 75, DELIVERY => '451 4.2.0 temporary internal error', server => { lmtp => 1 },
		keys => { protocol => 'lmtp' });
	case('recipient-full', 67, DELIVERY => '552 5.2.2 quota exceeded', server => { lmtp => 1 },
		keys => { protocol => 'lmtp' });
	case('ehlo-unknown', 76, ['greeting reply "220 lmtp.example.test ESMTP"', 'EHLO reply "500 what"'],
		'a host named lmtp', server => { tls => 'starttls' });
	case('greeted-off', 69, greeting => '554 mail.example.test ESMTP not accepting messages');
	case('busy', 75, greeting => '450 4.3.2 later');
	case('starttls-refused', 76, STARTTLS => '502 5.5.1 no', server => { tls => 'starttls' });
	case('starttls-later', 75, STARTTLS => '454 4.7.0 TLS not available due to local problem', server => { tls => 'starttls' });
	run_cases();
};

subtest 'who, to whom and what' => sub {
	case('sender-not-owned', 77, MAIL => '553 5.7.1 <me@example.test>: Sender address rejected: not owned by user me');
	case('sender-not-owned', 77, CONTENT => '554 5.2.252 SendAsDenied; me@example.test not allowed to send as a@example.test');
	case('sender-not-owned', 77, MAIL => '501 mail from address must be same as authorization user');
	case('sender-not-owned', 77, RCPT => '553 Relaying disallowed as me@example.test');
	case('sender-not-owned', 77, CONTENT => '550 5.7.1 Client does not have permissions to send as this sender');
	case('sender-not-verified', 77, RCPT => '550 5.1.7 <me@example.test>: Sender address rejected: undeliverable address: host mx.example.test said: 550 5.7.1 Relaying denied');
	case('identity-not-verified', 77, CONTENT => '554 Message rejected: Email address is not verified.');
	case('sender-bare', 77, MAIL => '504 5.5.2 root: Sender address rejected: need fully-qualified address');
	case('sender-bare', 77, MAIL => '553 5.5.4 root... Domain name required for sender address root');
	case('sending-suspended', 77, CONTENT => '550 5.1.8 Access denied, bad outbound sender AS(42004)');
	case('sender-domain-unknown', 77, RCPT => '550 5.1.8 <me@example.test>: Sender address rejected: Domain not found');
	case('own-mailbox-full', 69, CONTENT => '554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException');
	case('yahoo-did-not-send', 77, CONTENT => '554 6.6.0 Error sending message for delivery.');
	case('sender-refused', 77, MAIL => '550 5.1.0 <me@example.test>: Sender address rejected');
	case('sender-refused', 77, CONTENT => '554 Sender verify failed');
	case('sender-later', 75, MAIL => '451 4.3.0 not now');
	case('recipient-bare', 67, RCPT => '504 5.5.2 you: Recipient address rejected: need fully-qualified address');
	case('relay-denied', 77, RCPT => '554 5.7.1 <you@example.net>: Relay access denied');
	case('relay-denied', 77, CONTENT => '554 5.7.1 <you@example.net>: Relay access denied');
	case('relay-denied', 77, RCPT => "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)");
	case('recipient-not-released', 67, RCPT => '554 Sandbox subdomains are for test purposes only. Please add the address to authorized recipients');
	case('recipient-not-released', 75, RCPT => '421 Sandbox subdomains are for test purposes only. Please add the address to authorized recipients');
	case('recipient-not-verified', 67, RCPT => '550 5.1.1 <you@example.net>: Recipient address rejected: undeliverable address: host mx.example.net said: 554 5.7.1 Client host [192.0.2.2] blocked using zen.spamhaus.org');
	case('recipient-not-verified', 75, RCPT => '450 4.1.1 <you@example.net>: Recipient address rejected: unverified address: host mx.example.net said: 450 4.7.1 Too many connections');
	case('recipient-restricted', 67, RCPT => '550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required');
	case('recipient-blocked', 67, RCPT => '554 5.7.1 Service unavailable; Recipient address [you@example.net] blocked using dbl.spamhaus.org');
	case('microsoft-no-recipient', 67, RCPT => '550 5.4.1 Recipient address rejected: Access denied. AS(201806281)');
	case('recipient-suppressed', 67, RCPT => '550 5.7.1 this recipient has been marked as inactive');
	case('recipient-domain-unknown', 67, RCPT => '550 5.1.2 <you@example.net>: Recipient address rejected: Domain not found');
	case('recipient-unrouteable', 67, RCPT => '550 Unrouteable address');
	case('recipient-full', 67, RCPT => '552 5.2.2 mailbox full');
	case('too-many-recipients', 75, CONTENT => '452 4.5.3 Too many recipients');
	case('recipient-limit', 69, CONTENT => '550 5.5.3 RESOLVER.ADR.RecipLimit; too many recipients');
	case('greylisted', 75, RCPT => '450 4.2.0 <you@example.net>: Recipient address rejected: Greylisted, see http://postgrey.example/');
	case('greylisted', 75, RCPT => '451 Temporary failure, please try again later.');
	case('recipient-refused', 67, RCPT => '550 5.1.1 <you@example.net>: User unknown');
	case('recipient-refused', 67, RCPT => '550 5.2.1 <you@example.net>: Recipient address rejected: account is disabled');
	case('recipient-later', 75, RCPT => '450 4.2.1 not now');
	case('recipient-full', 75, RCPT => '452 4.2.2 Mailbox full, user exceeded daily quota');
	case('recipient-domain-unknown', 75, RCPT => '450 4.1.2 <you@example.net>: Recipient address rejected: Domain not found');
	case('message-too-big', 69, CONTENT => "552 5.3.4 Your message exceeded Google's message size limits.");
	case('message-too-big', 69, MAIL => '552 5.3.4 Message size exceeds fixed limit');
	case('bare-line-ends', 69, CONTENT => '521 5.5.2 mail.example.test Error: bare <LF> received');
	case('line-too-long', 69, CONTENT => '550 message has lines too long for transport');
	case('bare-name-in-header', 69, CONTENT => "554 Transaction failed: Missing final '\@domain'");
	case('no-valid-recipients', 69, DATA => '554 5.5.1 Error: no valid recipients');
	case('sender-not-authentic', 69, CONTENT => '550 5.7.26 This mail has been blocked because the sender is unauthenticated.');
	case('content-unwanted', 69, CONTENT => '554 5.7.1 Message rejected as spam');
	case('message-kind', 69, MAIL => '554 5.6.3 no such content');
	case('message-too-big-now', 75, MAIL => '452 4.3.1 Insufficient system storage');
	case('server-policy', 69, CONTENT => '550 Administrative prohibition');
	case('content-refused', 69, CONTENT => '554 5.7.1 no');
	case('content-later', 75, CONTENT => '451 4.3.0 not now');
	run_cases();
};

# ---- what sendoff knows by itself

# name, exit, server, keys: what is met before anybody was asked, or in spite of the answers.
sub own
{
	my ($id, $exit, $server, $keys, %o) = @_;
	my $s = $server && (ref $server eq 'HASH' ? server_start(%$server) : $server);
	my @args = ('--json', 'send', '--no-queue', 'you@example.net');
	my $config = account($s || nobody(), %$keys);
	my $inside = delete $o{inside};
	my $r = send_mail($config, [@args], %o, ($inside ? (command => [ @$inside, '-C', $config, @args ]) : ()));
	my $told = eval { decode_json($r->{out}) } // {};
	my ($to) = @{ $told->{recipients} // [] };

	$met{$id} = 1;
	is($r->{exit}, $exit, "G1: $id: exit $exit");
	is($told->{error}{cause}, $id, "$id: the id in JSON") or diag($r->{out}, $r->{err});
	is($to->{cause}, $id, "$id: and of the recipient") if $to;
	isnt($told->{error}{next} // '', '', "$id: a next step");
	$s->stop if ref $server eq 'HASH';
}

# In a network where the way to the server is one of that kind.
sub away
{
	my ($id, $kind) = @_;
	my $sendoff = $ENV{SENDOFF} // build() . '/sendoff';
	my $try = 'ip route add "$0" 192.0.2.1 && exec "$@"';
	my @inside = ('unshare', '-n', 'sh', '-c', $try, $kind);

	$met{$id} = 1;
	SKIP: {
		skip 'no network of its own can be had here', 3 if system(@inside[0 .. 3], 'ip route add prohibit 192.0.2.1 2>/dev/null');
		own($id, 75, undef, { host => '192.0.2.1' }, inside => [ @inside, $sendoff ]);
	}
	return;
}

# A port where these octets are said to whoever calls; then it hangs up, or waits for them to.
sub sayer
{
	my ($text, $hangs_up) = @_;
	my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $!\n";
	my $child = fork // die "fork: $!\n";

	if (!$child) {
		alarm 30;
		while (my $c = $listener->accept) {
			my $ignored;

			$c->syswrite($text);
			1 while !$hangs_up && $c->sysread($ignored, 4096);
		}
		exit 0;
	}
	return bless { port => $listener->sockport, child => $child }, 'Sayer';
}
sub Sayer::host { return '127.0.0.1' }
sub Sayer::port { return $_[0]{port} }
sub Sayer::stop { kill 'KILL', $_[0]{child}; waitpid $_[0]{child}, 0; return }

subtest 'names and connections' => sub {
	own('name-other-family', 68, undef, { host => '127.0.0.1', family => 'ipv6' });
	own('connect-refused', 75, undef, {});
	own('socket-not-served', 75, undef, { host => workdir() . '/nobody.sock' });
	own('no-network', 75, undef, { host => '255.255.255.255' });
	own('connection-closed-at-once', 75, { at => "greeting $_" }, {}) for 'close', 'reset';
	my $hanger = sayer("220 mx", 1);
	own('lost', 75, $hanger, {});
	$hanger->stop;
	own('no-greeting', 75, { at => 'greeting silence' }, { timeout => '300ms' });
	own('answer-too-slow', 75, { at => "$_ drip 100" }, { timeout => '700ms' }) for qw(greeting EHLO MAIL);
	my $path = place('s');
	own('tls-from-the-start-here', 75, { listen => $path, at => 'greeting silence' },
		{ host => $path, port => 465, timeout => '300ms' });
	own('source-address-missing', 75, {}, { source_address => '192.0.2.77' });
	own('connect-command-missing', 78, {}, { connect_command => '/nonexistent/command' });
	own('connect-command-failed', 75, {}, { connect_command => 'exit 3' });
	away('connect-forbidden', 'prohibit');
	away('host-unreachable', 'unreachable');
};

subtest 'proxies' => sub {
	my ($login, $to) = (['proxy user', 'proxy w0rd'], { host => 'mail.only-there.test', port => 25 });
	my @proxies = (
		['proxy-no-answer', 75, silent => 1],
		['proxy-not-one', 76, method => "220 mx.example.test\r\n"],
		['proxy-unfit', 76, answer => "\5\7\0\1\0\0\0\0\0\0"],
		['proxy-login-wanted', 77, login => $login],
		['proxy-login-refused', 77, kind => 'http', answer => "HTTP/1.1 407 No\r\n\r\n"],
		['proxy-forbids', 77, kind => 'http', answer => "HTTP/1.1 403 No\r\n\r\n"],
		['proxy-cannot-reach', 75, to => 0],
	);

	for my $case (@proxies) {
		my ($id, $exit, %o) = @$case;
		my $url = proxy_start(undef, %o)->url;

		$url =~ s{//}{//u:other%20w0rd@} if $id eq 'proxy-login-refused';
		own($id, $exit, {}, { %$to, proxy => $url, connect_timeout => '500ms' });
	}
	own('proxy-name-unknown', 68, undef, { %$to, proxy => 'socks5://127.0.0.1', family => 'ipv6' });
	own('proxy-unreachable', 75, undef, { %$to, proxy => 'socks5://127.0.0.1:' . nobody()->port });
};

subtest 'who else answers' => sub {
	my @others = (
		['http-here', "HTTP/1.1 400 Bad Request\r\n"], ['http-here', "<!DOCTYPE html>\r\n"],
		['portal', "HTTP/1.1 302 Found\r\n"], ['portal', "HTTP/1.0 511 Network Authentication Required\r\n"],
		['other-protocol-here', "* OK IMAP4rev1 ready\r\n"], ['other-protocol-here', "+OK POP3 ready\r\n"],
		['other-protocol-here', "SSH-2.0-OpenSSH_9.2\r\n"]);
	for my $other (@others) {
		my ($id, $text) = @$other;
		my $s = sayer($text);
		own($id, 76, $s, {});
		own($id, 76, $s, { tls => 'implicit' });
		$s->stop;
	}
	# Some never end their line, and hang up or wait.
	for my $other (grep { $_->[1] !~ /^\+/ } @others) {
		my ($id, $text) = ($other->[0], $other->[1] =~ s/\r\n//r);
		for my $hangs_up (1, 0) {
			my $s = sayer($text, $hangs_up);
			own($id, 76, $s, { tls => $_, timeout => '400ms' }) for qw(off starttls);
			$s->stop;
		}
	}
	my $ftp = sayer("220 ftp.example.test FTP server ready\r\n");
	own('other-protocol-here', 76, $ftp, { tls => 'implicit' });
	$ftp->stop;
	# LMTP greets as SMTP does, and first of all it is no TLS.
	my $lmtp = sayer("220 mx.example.test LMTP ready\r\n");
	own('plain-smtp-here', 76, $lmtp, { tls => 'implicit' });
	$lmtp->stop;
	my $binary = sayer("\x01\x02\x03\x04\x05\x06\x07\x08");
	own('tls-not-tls', 76, $binary, { tls => 'implicit' });
	$binary->stop;
};

subtest 'TLS' => sub {
	own('plain-smtp-here', 76, {}, { tls => 'implicit' });
	own('tls-not-offered', 76, {}, { tls => 'starttls' });
	own('tls-silent', 75, { tls => 'implicit', at => 'handshake silence' }, { tls => 'implicit', connect_timeout => '400ms' });
	own('tls-too-old', 76, { tls => 'implicit', priority => 'NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT' }, { tls => 'implicit' });
	my $alert = sayer("\x15\x03\x03\x00\x02\x02\x28");
	own('tls-nothing-in-common', 76, $alert, { tls => 'implicit' });
	$alert->stop;
};

subtest 'logins that are not even tried' => sub {
	my %tls = (tls => 'implicit');
	my $offers = sub { return { %me, %tls, mechanisms => $_[0] } };

	own('login-not-offered', 77, { %tls }, { %me, %tls });
	own('no-common-mechanism', 77, $offers->('PLAIN'), { %me, %tls, auth => 'scram-sha-256' });
	own('no-common-mechanism', 77, $offers->('DIGEST-MD5'), { %me, %tls });
	own('login-wants-ticket', 77, $offers->('GSSAPI'), { %me, %tls });
	own('login-wants-authzid', 77, $offers->('LOGIN'), { %me, %tls, authzid => 'another' });
	own('password-not-preparable', 77, $offers->('SCRAM-SHA-256'), { %me, %tls, password => "\xf0\x9f\x94\x91 geheim" });
	own('kerberos-no-ticket', 78, $offers->('GSSAPI'), { %tls, auth => 'gssapi' },
		env => { KRB5CCNAME => 'FILE:/nonexistent', KRB5_CONFIG => '/dev/null' });
	own('login-clear-forbidden', 77, { %me }, { %me });
	own('login-wants-token', 77, { user => $me{user}, token => 'T', %tls }, { %me, %tls });
	own('login-weak-only', 77, $offers->('CRAM-MD5'), { %me, %tls });
	own('login-wants-certificate', 77, $offers->('EXTERNAL'), { %me, %tls });
	own('server-proof-wrong', 77, { %{ $offers->('SCRAM-SHA-256') }, scram_bad_signature => 1 }, { %me, %tls });
	own('server-proof-wrong', 77, { %{ $offers->('SCRAM-SHA-256') }, scram_no_signature => 1 }, { %me, %tls });
	own('login-unasked', 77, { %{ $offers->('LOGIN') }, at => $_ }, { %me, %tls })
		for 'AUTH reply "235 2.7.0 welcome"', 'AUTH-RESPONSE reply "235 2.7.0 welcome"';
	own('login-rounds', 77, { %{ $offers->('SCRAM-SHA-256') }, scram_rounds => 100 }, { %me, %tls });
};

subtest 'secrets' => sub {
	my $s = server_start(%me, tls => 'implicit');
	my @with = (tls => 'implicit', user => $me{user}, password => undef);

	own('secret-empty', 78, $s, { @with, password_command => 'true' });
	own('secret-unusable', 78, $s, { @with, password_command => 'yes' });
	own('secret-unusable', 78, $s, { @with, password_command => q(printf 'a\0b') });
	own('password-command-failed', 78, $s, { @with, password_command => 'exit 3' });
	own('password-file-unreadable', 78, $s, { @with, password_file => '/nonexistent' });
	own('password-variable-unset', 78, $s, { @with, password_env => 'NOT_SET' });
	own('credential-absent', 78, $s, { @with, credential => 'mail' });
	my $netrc = file_write(workdir() . '/netrc', "machine elsewhere.test login x password y\n");
	own('netrc-no-entry', 78, $s, { @with, netrc => $netrc });
	file_write($netrc, 'machine localhost login "x');
	own('netrc-unusable', 78, $s, { @with, netrc => $netrc });
	$met{'password-command-blocked'} = 1;   # t/unit/cred_command.c
	my @hurry = hurry(20);
	own('password-command-slow', 78, $s, { @with, password_command => 'sleep 15', timeout => '5m', connect_timeout => '5m' },
		env => { @hurry }) if @hurry;
	$met{'password-command-slow'} = 1;
};

# ---- the table as a whole

# Rows that nothing can be made to say here, and where they are tested.
my %elsewhere = (
	refused => 'no command of send is left that it could answer: t/unit/deliver_cause.c',
	later => 'the same', 'runner-cannot-take' => 'the same',
	'name-no-address' => 'wants a name server', 'connect-timeout' => 't/unit/net_dial.c',
	'port-25-blocked' => 't/unit/net_dial.c', 'client-certificate-wanted' => 't/unit/net_tls.c',
	'client-certificate-refused' => 'no server here refuses one by an alert',
	'config-denied' => 't/2010-config-mistakes.t', 'no-terminal' => 't/7300-check-screen.t', 'server-not-known' => 't/7400-check-server.t',
	'tls-weak-exchange' => 't/unit/net_priority.c', 'login-not-bindable' => 't/unit/sasl_choose.c', 'login-without-user' => 't/unit/sasl_choose.c',
	'login-without-password' => 't/unit/sasl_choose.c',
	'login-needed' => 't/8110-oauth-send.t', 'sign-in-over' => 't/8110-oauth-send.t',
	'login-wants-password' => 't/8110-oauth-send.t', 'login-without-means' => 't/8100-oauth-config.t',
	map({ ("kerberos-$_" => 't/interop/kerberos.t and t/unit/cred_kerberos.c') } qw(refused ticket-expired clock
		kdc-silent server-unknown client-refused layer failed)),
	'library-missing' => 't/3300-loaded-late.t', 'token-not-stored' => 't/8110-oauth-send.t', 'keyring-unusable' => 't/8260-keyring.t',
	'token-file-unusable' => 't/8230-logout.t',
);

is_deeply([ grep { !$met{$_} && !$plain{$_} && !$elsewhere{$_} && !/^certificate-|^ocsp-|^crl-|^pkcs11-|^client-key-|^clock-|^pin-|^no-ca-|^oauth-/ } sort keys %row ], [],
	'every row has a case');
is_deeply([ grep { !$row{$_} } sort keys %met ], [], 'every case has a row');
is_deeply([ grep { $met{$_} } sort keys %elsewhere ], [], 'those that are tested elsewhere');

# What err_cause() and smtp_result.cause are given is a row.
my (%given, @unknown);
for my $file (glob(top() . '/src/*/*.c'), glob(top() . '/cmd/*.c')) {
	my $source = file_read($file);
	while ($source =~ /(?:\berr_cause\(|\bresult\.cause = )([^;]*);/g) {
		my $where = $1;
		for ($where =~ /"([^"]*)"/g) {
			$given{$_}++;
			push @unknown, "$file: $_" if !$row{$_};
		}
	}
}
is_deeply(\@unknown, [], 'every cause that is named is a row');
cmp_ok(scalar keys %given, '>', 30, 'and they were found');

# Those of OAuth stand in a table of their own, and their tests are t/unit/cred_oauth*.c; a few
# are given where the account is known.
my ($giving, $tested) = map { join '', map { file_read($_) } glob(top() . "/$_") }
	'src/{cred/*,deliver/credential}.c', 't/{unit/cred_*.c,81*.t}';
is_deeply([ grep { /^oauth-/ && $giving !~ /"\Q$_\E"/ } sort keys %row ], [], 'each of OAuth is given');
is_deeply([ grep { /^oauth-/ && $tested !~ /["']\Q$_\E["']/ } sort keys %row ], [], '... and tested');
is_deeply([ grep { $given{$_} && !$named{$_} && $_ ne 'login-refused' && $_ ne 'other-protocol-here' } sort keys %row ], [],
	'... that says so');

done_testing;
