#!/usr/bin/perl
# Mail of an account that signs in by OAuth: the access token is at hand, renewed when it is
# old or refused, and asked for no more often than that; what cannot be sent waits, and for
# how long.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(decode_json);
use SendoffTest;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Spool;
use SendoffTest::Token;

my %tls = (tls => 'starttls');
my @to = ('send', 'you@example.net');
my $directory = token_directory();

# A token server, a mail server that takes its tokens, and the account between them, with
# nothing left of the one before.
sub scene
{
	my (%o) = @_;
	my $tokens = token_server(%{ $o{tokens} // {} });
	my $mail = server_start(user => 'me@example.com', tokens => $tokens->tokens, %tls, %{ $o{mail} // {} });
	my $config = account($mail, oauth($tokens), %tls, timeout => '5s', connect_timeout => '5s', %{ $o{account} // {} });

	queue_empty();
	unlink glob queue_dir() . '/accounts/*';
	unlink glob "$directory/*";
	signed_in($tokens, 'test', %{ $o{token} // {} }) if !$o{nobody};
	return ($tokens, $mail, $config);
}

sub logins { return scalar grep { /^AUTH / } $_[0]->commands }
sub refreshes { return grep { !/^authorization_code/ } $_[0]->asked }
sub park { return spool_park(queue_dir(), 'test') }
sub error_of { return (decode_json((split /\n/, $_[0]{out})[0]) // {})->{error} // {} }
sub flush { return run_sendoff(['-C', $_[0], 'queue', 'flush']) }

# Root may flush what is parked, so it is a message of its own that tells.
sub released
{
	my ($mail, $config, $count) = @_;
	my $r = send_mail($config, \@to);

	is($r->{exit} . $r->{err}, '0', 'a sign-in releases the account');
	ok(wait_until(sub { $mail->stored == $count }, 10), '... and all that waited goes behind it') or
		diag($mail->stored . " of $count");
	return;
}

my %old = (obtained => time - 3600, expires => time + 30);

for my $mechanism ('OAUTHBEARER', 'XOAUTH2') {
	for my $size (64, 4000) {
		my ($tokens, $mail, $config) = scene(tokens => { token_size => $size }, mail => { mechanisms => $mechanism });
		my $r = send_mail($config, ['-v', 'send', '--no-queue', 'you@example.net']);

		is($r->{exit}, 0, "$mechanism, a token of $size octets") or diag($r->{err});
		is($mail->stored, 1, '... the message is there');
		my ($auth) = grep { /^AUTH / } $mail->commands;
		like($auth, $size > 400 ? qr/^AUTH \w+$/ : qr/^AUTH \w+ \S{50,}$/,
			'RFC 4954 section 4: ' . ($size > 400 ? 'alone, it is too long for the line' : 'with an initial response'));
		is_deeply([$mail->violations], [], 'E6: by the rules');
		is_deeply([refreshes($tokens)], [], '... and nobody was asked for another token');
		is($mail->envelope(1)->{auth}, "me\@example.com $mechanism", '... as whom, and how');
		$_->stop for $mail, $tokens;
	}
}

subtest 'the best of both, or what auth names' => sub {
	my ($tokens, $mail, $config) = scene(mail => { mechanisms => 'PLAIN XOAUTH2 OAUTHBEARER', password => 'geheim1' });
	is(send_mail($config)->{exit}, 0, 'sent');
	like($mail->envelope(1)->{auth}, qr/OAUTHBEARER/, 'OAUTHBEARER before XOAUTH2');
	my $other = account($mail, oauth($tokens), %tls, auth => 'xoauth2');
	is(send_mail($other)->{exit}, 0, 'sent');
	like($mail->envelope(2)->{auth}, qr/XOAUTH2/, 'as auth says');
	$_->stop for $mail, $tokens;
	($tokens, $mail, $config) = scene(mail => { mechanisms => 'PLAIN', password => 'geheim1' });
	my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 77, 'D6: only passwords: 77');
	is(error_of($r)->{cause}, 'login-wants-password', '... and why') or diag($r->{out});
	is(logins($mail), 0, 'D8: the token was given to nobody');
	$_->stop for $mail, $tokens;
};

subtest 'nobody has signed in' => sub {
	my ($tokens, $mail, $config) = scene(nobody => 1);
	my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);

	is($r->{exit}, 78, "exit 78");
	is(error_of($r)->{cause}, 'login-needed', 'the cause');
	is(error_of($r)->{next}, 'sign in: sendoff login test', 'the next step');
	$r = send_mail($config, \@to);
	is($r->{exit}, 0, 'with a queue it waits');
	like($r->{err}, qr/account 'test' is not signed in.*\n.*sendoff login test/, '... told so') or diag($r->{err});
	is(queued(), 1, '... indeed');
	is(park()->{kind}, 'login', 'the account is parked');
	my $before = $mail->connections;
	$r = send_mail($config, \@to);
	is($r->{exit} . queued(), '02', 'the next one waits with it');
	is($mail->connections, $before, 'C9: and nobody is connected for it');
	is(logins($mail), 0, 'no login was tried');
	signed_in($tokens, 'test');
	released($mail, $config, 3);
	is(park()->{kind} // 'none', 'none', '... nothing is parked any more');
	$_->stop for $mail, $tokens;
};

subtest 'renewed when it is old' => sub {
	my ($tokens, $mail, $config) = scene(token => \%old);
	my $before = token_stored('test');
	my $r = send_mail($config);

	is($r->{exit}, 0, 'sent') or diag($r->{err});
	is_deeply([refreshes($tokens)], ['refresh_token 200'], 'a new one was got');
	is($mail->connections, 1, '... beside the only connection');
	my $after = token_stored('test');
	isnt($after->{$_}, $before->{$_}, "$_ is another") for qw(access_token refresh_token expires);
	is($after->{signed_in}, $before->{signed_in}, 'when it was signed in stays');
	is((stat "$directory/test")[9], $after->{signed_in}, '... as the time of the file');
	is((stat _)[2] & 07777, 0600, 'D10: nobody else reads it');
	is(send_mail($config)->{exit}, 0, 'the next one');
	is(scalar refreshes($tokens), 1, '... takes what is there');
	$_->stop for $mail, $tokens;
};

subtest 'renewed when a mail server refuses it' => sub {
	my ($tokens, $mail, $config) = scene();
	$tokens->forget;
	my $r = send_mail($config);

	is($r->{exit}, 0, 'sent') or diag($r->{err});
	is($r->{err}, '', '... without a word');
	is_deeply([refreshes($tokens)], ['refresh_token 200'], 'one new token');
	is(logins($mail) . $mail->connections, '22', 'C9: one rejected login, one more connection');
	is($mail->stored, 1, 'B1: the message is there once');
	is_deeply([$mail->violations], [], 'E6: by the rules');
	$_->stop for $mail, $tokens;
};

# What a provider that replaces refresh tokens has answered is kept, whoever still wants it.
my %slow = (at => ['token:2 keep delay 1200']);

sub is_kept
{
	my ($tokens, $mail, $config, $what) = @_;

	unlink glob queue_dir() . '/accounts/*';
	my $r = send_mail($config, ['send', '--no-queue', 'you@example.net']);
	is($r->{exit} . $r->{err}, '0', "$what: the next one is sent");
	is_deeply([refreshes($tokens)], ['refresh_token 200'], '... by the token that was asked for');
	is_deeply([$tokens->violations], [], '... and no refresh token was spent twice');
	$_->stop for $mail, $tokens;
	return;
}

for my $signal ('INT', 'TERM', 'KILL') {
	my ($tokens, $mail, $config) = scene(token => \%old, tokens => \%slow);
	my $run = send_mail_start($config, ['send', '--no-queue', 'you@example.net']);

	ok(wait_until(sub { grep { $_->{kind} eq 'REQUEST' && $_->{text} =~ /"refresh_token"/ } $tokens->journal }, 10), 'it asks');
	$run->kill($signal);
	my $r = $run->finish;
	ok($r->{exit} || $r->{signal}, "SIG$signal ends it");
	is($mail->stored, 0, '... before anything was sent');
	is_kept($tokens, $mail, $config, "SIG$signal meanwhile");
}

for my $fault ('EHLO:1 reply "421 4.3.2 busy"', 'STARTTLS:1 reply "454 4.7.0 no"') {
	my ($tokens, $mail, $config) = scene(token => \%old, tokens => \%slow, mail => { at => ['greeting:1 delay 500', $fault] });
	my $r = send_mail($config, ['send', '--no-queue', 'you@example.net']);

	isnt($r->{exit}, 0, 'a mail server that fails') or diag($fault);
	is_kept($tokens, $mail, $config, 'a mail server that fails meanwhile');
}

subtest 'an access token that will not do, and a new refresh token' => sub {
	my ($tokens, $mail, $config) = scene(token => \%old, tokens => { at => ['token:2 set token_type "MAC"'] });
	my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);

	is(error_of($r)->{cause}, 'oauth-token-unusable', 'the cause');
	unlink glob queue_dir() . '/accounts/*';
	is(send_mail($config)->{exit}, 0, 'the next one is sent');
	is_deeply([refreshes($tokens)], ['refresh_token 200', 'refresh_token 200'], '... by another one');
	is_deeply([$tokens->violations], [], '... for which the new refresh token was spent');
	$_->stop for $mail, $tokens;
};

subtest '... before the message is whole' => sub {
	my ($tokens, $mail, $config) = scene();
	$tokens->forget;
	my $run = send_mail_start($config, undef, stdin => undef);
	ok(wait_until(sub { logins($mail) == 2 }, 10), 'both logins while the writer is slow');
	$run->write(letter());
	$run->close_stdin;
	my $r = $run->finish;
	is($r->{exit}, 0, 'sent') or diag($r->{err});
	is($mail->stored . $mail->connections, '12', '... by the second connection');
	$_->stop for $mail, $tokens;
};

# It is somebody else's, as far as this server is concerned.
my %foreign = (user => 'other@example.com');

subtest 'a new one is refused as well' => sub {
	my ($tokens, $mail, $config) = scene(mail => \%foreign, account => { global => { retry => '4s 60s' } });
	my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);

	is($r->{exit}, 77, "exit 77");
	like(error_of($r)->{cause}, qr/^token-/, 'the cause') or diag($r->{out});
	is(error_of($r)->{next}, 'sign in again, as the right user: sendoff login test', 'the next step');
	is(logins($mail), 2, 'C9: two logins, no third');
	is(scalar refreshes($tokens), 1, '... and one new token between them');

	$r = send_mail($config, \@to);
	is($r->{exit}, 0, 'with a queue it waits');
	like($r->{err}, qr/sendoff login test/, '... told what to do');
	is(logins($mail), 3, 'C9: one more, by a token that was got for it');
	is(scalar refreshes($tokens), 2, 'C9: ... and none was got behind that');
	is_deeply([ @{ park() }{qw(kind steps)} ], [ 'login', 1 ], 'the account is parked');
	send_mail($config, \@to);
	is(logins($mail), 3, 'C9: nobody tries again');

	# The wait grows: that the token was renewed in between is no sign-in.
	ok(wait_until(sub { time > park()->{until} }, 8), 'its time has come');
	send_mail($config, \@to);
	is(logins($mail), 4, 'tried once more');
	is_deeply([ @{ park() }{qw(kind steps)} ], [ 'login', 2 ], 'C9: parked for longer');
	$mail->stop;

	my $right = server_start(user => 'me@example.com', tokens => $tokens->tokens, %tls, port => $mail->port);
	send_mail($config, \@to);
	is($right->stored, 0, 'it waits still');
	signed_in($tokens, 'test', signed_in => time + 1);
	released($right, $config, 5);
	$_->stop for $right, $tokens;
};

# Another token helps only where the refusal is about the token.
my @refusals = (
	['535 5.7.8 Username and Password not accepted', 'token-refused', 2],
	['535 5.7.3 Authentication unsuccessful', 'token-refused', 2],
	['535 5.7.0 no', 'token-refused', 2],
	['535 no', 'token-refused', 2],
	['535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled', 'smtp-auth-disabled', 1],
	['535 5.7.139 Authentication unsuccessful, user is locked by your organizations security defaults policy',
		'security-defaults', 1, qr/ask the administrator/],
	['535 5.7.1 Service principal SendAs not allowed', 'token-not-allowed', 1, qr/send as/],
	['504 5.7.4 Unrecognized authentication type', 'login-mechanism-unknown', 1, qr/xoauth2/],
	['538 5.7.11 Encryption required', 'tls-not-seen', 1],
	['530 5.7.57 Client not authenticated', 'login-not-understood', 1],
	['534 5.7.9 no', 'login-mechanism-weak', 1],
);
subtest 'what is about the token' => sub {
	for my $case (@refusals) {
		my ($reply, $cause, $logins, $next) = @$case;
		my ($tokens, $mail, $config) = scene(mail => { at => ["auth:1+ reply \"$reply\""] });
		my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);

		is($r->{exit}, 77, "$reply: 77") or diag($r->{out});
		is(error_of($r)->{cause}, $cause, '... the cause');
		like(error_of($r)->{next}, $next, '... the next step') if $next;
		unlike(error_of($r)->{next}, qr/password/, '... which is not about a password');
		is(logins($mail), $logins, "C9: logins");
		is(scalar refreshes($tokens), $logins - 1, '... and new tokens');
		$_->stop for $mail, $tokens;
	}
};

subtest 'many messages' => sub {
	my ($tokens, $mail, $config) = scene(account => { max_connections => 1 });
	my $held = watched();
	send_mail($config, ['send', '--queue', 'you@example.net']) for 1 .. 5;
	is(queued(), 5, 'five wait');
	$tokens->forget;
	my $r = flush($config);
	is($r->{exit}, 0, 'flushed') or diag($r->{err} . $r->{out});
	is($mail->stored, 5, 'B1: each is there once');
	is(queued(), 0, '... and none is left');
	is(logins($mail) . $mail->connections, '22', 'C9: with one rejected login');
	is(scalar refreshes($tokens), 1, 'one new token');
	$_->stop for $mail, $tokens;

	($tokens, $mail, $config) = scene(mail => \%foreign, account => { max_connections => 1 });
	send_mail($config, ['send', '--queue', 'you@example.net']) for 1 .. 5;
	$r = flush($config);
	is($r->{exit}, 75, 'refused for good: they wait') or diag($r->{err} . $r->{out});
	is(logins($mail) . scalar refreshes($tokens), '21', 'C9: two logins, one new token');
	is(park()->{kind}, 'login', '... and the account is parked');
	$tokens->forget;
	flush($config);
	is(logins($mail) . scalar refreshes($tokens), '32', 'C9: another run: one login, one new token');
	$_->stop for $mail, $tokens;
};

subtest 'several connections' => sub {
	my ($tokens, $mail, $config) = scene(account => { max_connections => 3 }, mail => { at => ['AUTH:1-3 delay 300'] });
	my $held = watched();
	send_mail($config, ['send', '--queue', 'you@example.net']) for 1 .. 40;
	$tokens->forget;
	my $r = flush($config);
	is($r->{exit}, 0, 'flushed') or diag($r->{err} . $r->{out});
	is($mail->stored, 40, 'B1: each is there once');
	is(scalar refreshes($tokens), 1, 'one new token');
	cmp_ok(logins($mail), '<=', 6, 'C9: no connection had more than one rejected login');
	$_->stop for $mail, $tokens;
};

subtest 'several files' => sub {
	my ($tokens, $mail, $config) = scene(mail => \%foreign);
	my @files = map { file_write(workdir() . "/$_.eml", letter("$_\n")) } 1 .. 3;
	my $r = run_sendoff(['-C', $config, 'send', '--no-queue', (map { ('--file', $_) } @files), 'you@example.net']);
	is($r->{exit}, 77, "exit 77") or diag($r->{err});
	is(logins($mail) . scalar refreshes($tokens), '21', 'C9: only the first has tried, twice');
	$_->stop for $mail, $tokens;
};

subtest 'the provider is not to be reached' => sub {
	my ($tokens, $mail, $config) = scene(token => \%old);
	my $port = $tokens->port;
	$tokens->stop;
	my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 75, "exit 75");
	is(error_of($r)->{cause}, 'oauth-unreachable', 'the cause') or diag($r->{out});
	like(error_of($r)->{text}, qr/there is no new access token: .*localhost/, '... and who it was');
	my $before = token_stored('test');
	$r = send_mail($config, \@to);
	is($r->{exit}, 0, 'with a queue it waits');
	is(park()->{kind}, 'network', 'parked as the network');
	is_deeply(token_stored('test'), $before, 'the token is as it was');
	is(logins($mail), 0, 'no login was tried');
	$mail->stop;
};

subtest 'whoever answers there is not the provider' => sub {
	my ($tokens, $mail, $config) = scene(token => \%old);
	my $port = $tokens->port;
	$tokens->stop;
	my $other = token_server(port => $port, cert => 'wrongname');
	my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 77, 'exit 77') or diag($r->{out});
	is(error_of($r)->{cause}, 'oauth-certificate', 'the cause');
	is_deeply([$other->requests], [], 'D8: it was asked nothing');
	$_->stop for $mail, $other;
};

subtest 'the provider wants a pause' => sub {
	my ($tokens, $mail, $config) = scene(token => \%old, tokens => { at => ['token:2 status 503 retry-after 600'] });
	my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 75, "exit 75") or diag($r->{out});
	is(scalar refreshes($tokens), 1, 'it was asked');
	cmp_ok(abs(token_stored('test')->{not_before} - time - 600), '<=', 10, '... and until when it is left alone is kept');
	$r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 75, 'again: 75');
	is(error_of($r)->{cause}, 'oauth-later', 'the cause') or diag($r->{out});
	is(scalar refreshes($tokens), 1, 'it was not asked again');
	$r = send_mail($config, \@to);
	is(park()->{kind}, 'network', 'with a queue it waits');
	token_change('test', not_before => time - 1);
	is(send_mail($config)->{exit}, 0, 'when the pause is over, it goes');
	$_->stop for $mail, $tokens;
};

subtest 'the sign-in is over' => sub {
	my ($tokens, $mail, $config) = scene(token => \%old, tokens => { at => ['token:2 error invalid_grant'] });
	my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 77, 'exit 77') or diag($r->{out});
	is(error_of($r)->{cause}, 'sign-in-over', 'the cause');
	is(error_of($r)->{next}, 'sign in again: sendoff login test', 'the next step');
	$r = send_mail($config, \@to);
	is(park()->{kind}, 'login', 'with a queue: parked');
	like($r->{err}, qr/must sign in again.*\n  sign in again: sendoff login test/, '... told what to do');
	is(scalar refreshes($tokens), 1, 'C9: and the provider is asked no more');
	is(logins($mail), 0, 'no login was tried');
	signed_in($tokens, 'test', signed_in => time + 1);
	released($mail, $config, 2);
	$_->stop for $mail, $tokens;
};

subtest 'a flush that comes too soon' => sub {
	my ($tokens, $mail, $config) = scene(token => \%old, tokens => { at => ['token:2 error invalid_grant'] });
	my $said = qr/account 'test' must sign in again.* \(account test\)\n  sign in again: sendoff login test\n\z/;
	send_mail($config, \@to);
	like(flush($config)->{err}, qr/^1 still waiting: $said/, 'tried: the next step');
	my $before = time;
	my $r = flush($config);
	is($r->{exit}, 75, 'exit 75');
	like($r->{err}, qr/^1 still waiting: not tried again before \d\d:\d\d: $said/, 'within a minute: not tried, and told so');
	$r = run_sendoff(['-C', $config, '--json', 'queue', 'flush']);
	my $o = decode_json($r->{out});
	is($o->{cause}, 'sign-in-over', 'as JSON: the cause') or diag($r->{out});
	is($o->{next}, 'sign in again: sendoff login test', '... the next step');
	cmp_ok(abs($o->{not_before} - $before - 60), '<=', 5, '... and from when on it is tried');
	$_->stop for $mail, $tokens;
};

subtest '... for a reason that is known' => sub {
	my ($tokens, $mail, $config) = scene(token => \%old, tokens => { at =>
		['token:2 error invalid_grant "reauth related error (invalid_rapt)"'] });
	my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 77, 'exit 77') or diag($r->{out});
	is(error_of($r)->{cause}, 'oauth-sign-in-limited', 'the cause') or diag($r->{out});
	like(error_of($r)->{next}, qr/sendoff login test\b/, 'what helps, with the command') or
		diag($r->{out});
	$_->stop for $mail, $tokens;
};

subtest 'no place for tokens' => sub {
	my ($tokens, $mail, $config) = scene();
	system 'rm', '-rf', $directory;
	file_write($directory, 'in the way', 0600);
	my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 75, 'exit 75: it is no mistake of the configuration') or diag($r->{out});
	is(error_of($r)->{cause}, 'token-not-stored', 'the cause');
	like(error_of($r)->{text}, qr/directory of tokens/, '... and why');
	is(send_mail($config, \@to)->{exit} . queued(), '01', 'B1: with a queue it waits');
	unlink $directory;
	signed_in($tokens, 'test');
	released($mail, $config, 2);
	$_->stop for $mail, $tokens;
};

subtest 'a client that is refused' => sub {
	my ($tokens, $mail, $config) = scene(nobody => 1, tokens => { client_secret => 'a secret of the client',
		at => ['token:1 error invalid_grant', 'token:2 status 503 body x'] },
		account => { oauth_flow => 'client', oauth_client_secret => 'a secret of the client' });
	my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 78, 'exit 78') or diag($r->{out});
	is(error_of($r)->{cause}, 'oauth-proof-refused', 'the cause');
	like(error_of($r)->{next}, qr/secret, certificate or key/, 'what it may be');
	unlike($r->{out}, qr/sign in/, '... and nobody is to sign in');
	is(send_mail($config, ['send', '--no-queue', 'you@example.net'])->{exit}, 75, 'then a pause, which is noted');
	$r = run_sendoff(['-C', $config, 'login', '--status']);
	like($r->{out}, qr/^ +access +no token yet$/m, 'status: there is none yet') or diag($r->{out});
	$_->stop for $mail, $tokens;
};

subtest 'without a person' => sub {
	my ($tokens, $mail, $config) = scene(nobody => 1, tokens => { client_secret => 'a secret of the client' },
		account => { oauth_flow => 'client', oauth_client_secret => 'a secret of the client' });
	my $r = send_mail($config);
	is($r->{exit}, 0, 'sent') or diag($r->{err});
	is_deeply([$tokens->asked], ['client_credentials 200'], 'by a token of the client');
	$tokens->forget;
	is(send_mail($config)->{exit}, 0, 'refused: another one');
	is(scalar $tokens->asked, 2, '... was got');
	$_->stop for $mail, $tokens;
};

done_testing;
