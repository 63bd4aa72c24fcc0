#!/usr/bin/perl
# sendoff login --status: whether mail goes by a sign-in, what is not as it should be although it
# does, and the exit code of each.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use SendoffTest;
use SendoffTest::Login;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Token;

my $now = time;
my $file = token_directory() . '/work';
my $server = token_server();
my $config = sign_in_account($server);

# Words, without their lines, and the object.
sub status
{
	my ($name, $exit, %o) = @_;
	my $r = login($o{config} // $config, '--status', 'work');
	my $json = run_sendoff([ '-C', $o{config} // $config, '--json', 'login', '--status', 'work' ]);
	my ($object) = objects($json->{out});

	is($r->{exit}, $exit, "$name: exit") or diag($r->{out});
	is($json->{exit}, $exit, "$name: exit with --json");
	is($r->{err} . $json->{err}, '', "$name: nothing besides");
	is($object->{state}, $o{state} // 'signed-in', "$name: the state");
	is($object->{cause}, $o{cause}, "$name: the cause");
	is(defined $object->{next}, defined $o{cause}, "$name: a next step where there is a cause");
	like($r->{out}, qr/\A\S+ work: /, "$name: one account");
	return ($r->{out} =~ s/\s+/ /gr, $object);
}

sub sign_in { return signed_in($server, 'work', @_) }

my ($words, $o) = status('nobody', 78, state => 'signed-out', cause => 'login-needed');
like($words, qr/work: nobody has signed in .*next sign in: sendoff login work/, '... in words');

sign_in();
($words, $o) = status('all is well', 0);
unlike($words, qr/pause|refused|missing|queue|trouble|next/, '... and nothing else');
ok(!exists $o->{$_}, "... $_ is not there") for qw(paused_until parked_until scope_missing trouble next);
ok(!$o->{refused}, '... nobody has refused it');

# ---- over

sign_in(refresh_token => '', obtained => $now - 4000, expires => $now - 400);
($words) = status('ended, and none to get another by', 77, state => 'over', cause => 'sign-in-over');
like($words, qr/the access token has ended, and there is no refresh token/, '... in words');
sign_in(refresh_token => '');
($words, $o) = status('none to get another by, as yet', 0);
ok(!$o->{refresh_token}, '... told');
sign_in(over => 'the password was changed', cause => 'oauth-password-changed');
($words) = status('ended by the provider', 77, state => 'over', cause => 'oauth-password-changed');
like($words, qr/the provider has ended the sign-in: the password was changed .*next sign in again: sendoff login work/,
	'... in words');
sign_in(client_id => 'another');
status('another client', 77, state => 'over', cause => 'sign-in-over');
sign_in(token_url => 'https://other.example.test/token');
($words) = status('another server', 77, state => 'over', cause => 'sign-in-over');
like($words, qr/at another server for tokens/, '... in words');
file_write($file, 'rubbish', 0600);
($words, $o) = status('unusable', 78, state => 'unusable', cause => 'token-file-unusable');
like($words, qr/cannot be used: .*damaged/, '... in words');

# ---- the provider wants a pause

sign_in(not_before => $now + 600);
($words, $o) = status('a pause, with a token in hand', 0);
like($words, qr/pause the provider is not asked before 20\d\d-.* \(in (?:9m|10m)\)/, '... is told');
like($o->{paused_until}, qr/\A20\d\d-/, '... as JSON');
sign_in(not_before => $now + 600, obtained => $now - 4000, expires => $now - 400);
($words, $o) = status('a pause, and no token', 75, cause => 'oauth-later');
like($words, qr/trouble there is no access token, and the provider is asked for none for another \d+ s/, '... is told');
sign_in(not_before => $now - 5);
($words, $o) = status('a pause that is over', 0);
ok(!exists $o->{paused_until}, '... is none');
sign_in(not_before => $now + 400 * 86400);
($words, $o) = status('a pause that nobody can have set', 0);
ok(!exists $o->{paused_until}, '... is none');

# ---- refused by a mail server

sign_in(stale => JSON::PP::true);
($words, $o) = status('refused by a mail server', 0);
like($words, qr/refused a mail server has refused the access token: another one is got when mail is sent/, '... is told');
ok($o->{refused} && !$o->{fresh}, '... as JSON');
sign_in(stale => JSON::PP::true, not_before => $now + 600);
status('refused, and in a pause', 75, cause => 'oauth-later');

# ---- less than was asked for

sub scopes { my ($asked) = @_; return sign_in_account($server, oauth_scope => $asked) }

for my $case ([ 'mail.send', 'mail.send', undef ], [ 'mail.send offline_access openid', 'mail.send', undef ],
	[ 'mail.send', 'MAIL.SEND other', undef ], [ 'mail.send', '', undef ],
	[ 'https://outlook.office.com/SMTP.Send offline_access', 'https://outlook.office365.com/SMTP.Send', undef ],
	[ 'https://mail.google.com/', 'https://mail.google.com/ openid', undef ],
	[ 'https://mail.google.com/', 'openid https://www.google.com/', 'https://mail.google.com/' ],
	[ 'mail.send mail.read', 'mail.read', 'mail.send' ], [ 'a b c', 'b', 'a c' ]) {
	my ($asked, $granted, $missing) = @$case;

	sign_in(scope => $granted);
	my ($words, $o) = status("asked for '$asked', got '$granted'", 0, config => scopes($asked));
	is($o->{scope_missing}, $missing, '... what is missing');
	like($words, qr/missing The provider has not given all that was asked for: \Q$missing\E is missing/, '... in words')
		if $missing;
}

# ---- the account is parked

{
	my $tokens = token_server();
	my $mail = server_start(tls => 'starttls', user => 'me@example.com', tokens => $tokens->tokens);
	my $config = sign_in_account($tokens, port => $mail->port, tls => 'starttls');

	system('rm', '-f', $file);
	is(run_sendoff([ '-C', $config, 'send', 'you@example.net' ], stdin => letter())->{exit}, 0, 'a message is queued');
	my ($words, $o) = status('nobody, and mail waits', 78, config => $config, state => 'signed-out', cause => 'login-needed');
	like($words, qr/queue mail waits until 20\d\d-\S+ \S+ \(in \w+\): account 'work' is not signed in/, '... is told');
	is($o->{parked_cause}, 'login-needed', '... as JSON');
	like($o->{parked_until}, qr/\A20\d\d-/, '... until when');
	signed_in($tokens, 'work');
	($words, $o) = status('signed in', 0, config => $config);
	ok(!exists $o->{parked_until}, '... and nothing waits any more');

	# The mail server takes no token of this user's, however new.
	$mail->stop;
	$mail = server_start(tls => 'starttls', user => 'me@example.com', tokens => $tokens->tokens,
		at => [ 'AUTH:1+ reply "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."' ]);
	$config = sign_in_account($tokens, port => $mail->port, tls => 'starttls');
	is(run_sendoff([ '-C', $config, 'send', 'you@example.net' ], stdin => letter())->{exit}, 0, 'a message is queued');
	my $r = login($config, '--status', 'work');
	($o) = objects(run_sendoff([ '-C', $config, '--json', 'login', '--status', 'work' ])->{out});
	is($r->{exit}, 77, 'the login is refused whatever the token: exit') or diag($r->{out});
	is($o->{state}, 'signed-in', '... the sign-in is there');
	is($o->{cause}, $o->{parked_cause}, '... its cause is that of the queue');
	like($r->{out} =~ s/\s+/ /gr, qr/work: signed in .*trouble mail waits: .*SmtpClientAuthentication is disabled.* queue mail waits until/,
		'... in words');
	ok($o->{next}, '... with what to do');

	# A mail server that cannot be reached is no affair of the sign-in.
	$mail->stop;
	$config = sign_in_account($tokens, port => 1, tls => 'starttls');
	run_sendoff([ '-C', $config, 'send', 'you@example.net' ], stdin => letter());
	($words, $o) = status('no mail server', 0, config => $config);
	like($words, qr/queue mail waits until/, '... is told all the same');
	$tokens->stop;
}

# ---- what is missing where nothing says that somebody signs in

for my $case ([ 'outlook', 'oauth-client-id-missing', qr/oauth_client_id is missing: .* Outlook\.com/, qr/`sendoff login work` tells/ ],
	[ 'google', 'login-without-means', qr/there is a login but no password/, qr/password_command.* sendoff login work/ ]) {
	my ($provider, $cause, $what, $next) = @$case;
	my $text = "[account work]\nprovider = $provider\nuser = me\@example.com\n";
	my ($words, $o) = status("$provider, and neither a password nor a client", 78, config => config($text), state => 'unusable', cause => $cause);

	like($words, qr/work: $what.* next .*$next/, '... in words');
	is_deeply([ map { scalar($o->{$_} =~ $what || $o->{$_} =~ $next) } qw(trouble next) ], [ 1, 1 ], '... as JSON');
	my $r = login(config($text), '--status');
	is($r->{exit}, 78, '... of all: exit');
	like($r->{out} =~ s/\s+/ /gr, qr/\A\S+ work: $what/, '... and the same words');
	$r = login(config($text . "password = geheim-99\n"), '--status');
	is($r->{exit}, 0, '... with a password: exit');
	is($r->{out}, "no account signs in by OAuth\n", '... and nobody signs in');
}

# ---- of all

{
	unlink $file;
	my $all = config(join '', map { "[account $_->[0]]\nhost = localhost\nuser = me\@example.com\noauth_client_id = test-client\n" .
		'oauth_token_url = ' . $server->url('token') . "\noauth_auth_url = " . $server->url('authorize') . "\n" .
		"tls_ca_file = {ca}\n$_->[1]\n" } [ 'one', '' ], [ 'two', '' ], [ 'three', "oauth_flow = client\noauth_client_secret = geheimnis" ]);

	signed_in($server, 'one', over => 'ended', cause => 'sign-in-over');
	signed_in($server, 'two');
	my $r = login($all, '--status');
	is($r->{exit}, 77, 'of all: the worst counts');
	my %state = map { $_->{account} => $_->{state} } objects(run_sendoff([ '-C', $all, '--json', 'login', '--status' ])->{out});
	is_deeply(\%state, { one => 'over', two => 'signed-in', three => 'signed-in' }, '... each is told');
	is(login($all, '--status', $_->[0])->{exit}, $_->[1], "... $_->[0] alone") for [ 'one', 77 ], [ 'two', 0 ], [ 'three', 0 ];
	is(login($all, '--status', 'four')->{exit}, 64, '... one that is not there');
}
$server->stop;

done_testing;
