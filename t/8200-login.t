#!/usr/bin/perl
# sendoff login: a person signs in once, by a browser here, by one elsewhere, or by a code, and
# what is stored then is of use; sendoff logout ends it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Login;
use SendoffTest::SignedIn ();
use SendoffTest::Token;

my $tokens_dir = SendoffTest::SignedIn::token_directory();

sub forget { unlink glob "$tokens_dir/*" }

# ---- a browser here

{
	my $server = token_server(jwt => 1);
	my $config = sign_in_account($server);
	my $r = login($config, { env => { %here, BROWSER => $server->browser } });

	is($r->{exit}, 0, 'code: signed in') or diag($r->{err});
	like($r->{out}, qr/^Sign in as me\@example\.com, in the browser that opens now; /, 'code: what to do');
	like($r->{out}, qr/\n\nhttps:\S+\n\n/, 'code: the address is on a line of its own');
	like($r->{out}, qr/signed in as me\@example\.com: account 'work' can send now/, 'code: it is told');
	like($r->{out}, qr/access token until 20\d\d-\d\d-\d\d \d\d:\d\d, renewed by itself; scope:\s+mail\.send/,
		'code: ... until when, and for what');
	is($r->{err}, '', 'code: nothing is wrong');
	is_stored('code');
	my $page = wait_until(sub { ($server->pages)[0] });
	like($page->{body}, qr/You are signed in/, 'code: the browser is told');
	like($page->{headers}, qr/^Content-Security-Policy: default-src 'none'/m, 'code: by a page that loads nothing');
	is(scalar @{ $page->{arguments} }, 1, 'code: the address is one word');
	like($page->{urls}[-1], qr{\Ahttp://127\.0\.0\.1:\d+/\?}, 'code: it came back to this machine');
	is(SendoffTest::Token::fetch($page->{urls}[-1], cert('ca'))->{status}, 0, 'code: where nobody listens any more');
	is_deeply([ $server->asked ], [ 'authorization_code 200' ], 'code: the code was exchanged once');
	is_deeply([ $server->violations ], [], 'code: by the rules');

	$r = login($config, '--status');
	is($r->{exit}, 0, 'status: all is well') or diag($r->{err});
	like($r->{out}, qr/^\S+ work: signed in as me\@example\.com$/m, 'status: whose');
	like($r->{out}, qr/^ +signed in +20.*\(\d+s ago\)$/m, 'status: since when');
	like($r->{out}, qr/^ +access +until 20.*\(in (?:59m|1h)\)$/m, 'status: until when');
	like($r->{out}, qr/^ +refresh +there is a refresh token/m, 'status: for how long');
	like($r->{out}, qr/^ +scope +mail\.send$/m, 'status: what for');
	my ($o) = objects(run_sendoff([ '-C', $config, '--json', 'login', '--status', 'work' ])->{out});
	is_deeply([ @$o{qw(account state user scope flow)} ],
		[ 'work', 'signed-in', 'me@example.com', 'mail.send', 'auto' ], 'status: the same as JSON');
	ok($o->{refresh_token} && $o->{fresh}, 'status: truths are truths');
	like($o->{$_}, qr/\A20\d\d-\d\d-\d\dT[\d:.]+Z\z/, "status: $_") for qw(signed_in obtained expires);
}
forget();

{
	my $server = token_server(user => 'other@example.com', jwt => 1);
	my $r = login(sign_in_account($server), { env => { %here, BROWSER => '/nonexistent:' . $server->browser . ' %s' } });

	is($r->{exit}, 0, 'somebody else: signed in') or diag($r->{err});
	like($r->{out} =~ s/\s+/ /gr, qr/This is the sign-in of other\@example\.com, and the account's user is me\@example\.com\./,
		'somebody else: it is told');
}
forget();

# ---- what a browser may bring that is none

{
	my $server = token_server(at => [ 'authorize error access_denied' ]);
	my $r = login(sign_in_account($server), { env => { %here, BROWSER => $server->browser } });

	is($r->{exit}, 77, 'denied: exit') or diag("$r->{out}$r->{err}");
	like($r->{err}, qr/^sendoff: /, 'denied: told');
	like(last_page($server), qr/The sign-in failed/, 'denied: told in the browser');
	is_not_stored('denied');
	is(scalar $server->requests('token'), 0, 'denied: no token is asked for');
}

{
	my $server = token_server(at => [ 'token error invalid_grant' ]);
	my $r = login(sign_in_account($server), { env => { %here, BROWSER => $server->browser } });

	isnt($r->{exit}, 0, 'no token: not signed in');
	like(last_page($server), qr/The sign-in failed/, 'no token: the browser is not told otherwise');
	is_not_stored('no token');
}

# Another page tries its luck, before the right one comes.
{
	my $server = token_server();
	my $run = start_sendoff([ '-C', sign_in_account($server), 'login', '--no-browser' ], env => \%here);
	ok(wait_until(sub { $run->turn(0.05); $run->{out} =~ /^https:/m }), 'no browser: the address is shown');
	my ($url) = $run->{out} =~ /^(https:\S+)$/m;
	like($run->{out}, qr/^Sign in as me\@example\.com: open this in a browser on this machine:$/m,
		'no browser: none is said to open');
	my ($port) = $url =~ /127\.0\.0\.1%3A(\d+)/i;
	my $answer = sub { return SendoffTest::Token::fetch("http://127.0.0.1:$port$_[0]", undef)->{status} };
	is($answer->('/favicon.ico'), 404, 'another path');
	is($answer->('/'), 404, 'nothing brought');
	is($answer->('/other?code=x&state=y'), 404, 'another path with a code');
	my $page = SendoffTest::Token::browse($url, cert('ca'));
	like($page->{body}, qr/You are signed in/, 'the right one still comes');
	is($run->finish->{exit}, 0, 'signed in');
	is_stored('others before');
}
forget();

{
	my $server = token_server();
	my $run = start_sendoff([ '-C', sign_in_account($server), 'login', '--no-browser' ], env => \%here);
	ok(wait_until(sub { $run->turn(0.05); $run->{out} =~ /^https:/m }), 'forged: it waits');
	my ($port) = $run->{out} =~ /127\.0\.0\.1%3A(\d+)/i;
	my $page = SendoffTest::Token::fetch("http://127.0.0.1:$port/?code=forged&state=guessed", undef);
	is($page->{status}, 400, 'forged: the page says no');
	is(SendoffTest::Token::fetch("http://127.0.0.1:$port/?x", undef)->{status}, 400, 'forged: so it does to anything');
	is_not_stored('forged');
	is(scalar $server->requests('token'), 0, 'forged: the code goes nowhere');
	my ($url) = $run->{out} =~ /^(https:\S+)$/m;
	like(SendoffTest::Token::browse($url, cert('ca'))->{body}, qr/You are signed in/, 'forged: the right one still comes');
	is($run->finish->{exit}, 0, 'forged: and signs in');
	is_stored('forged before');
}
forget();

# ---- a browser elsewhere

sub paste
{
	my ($server, $config, $change) = @_;
	my $run = start_sendoff([ '-C', $config, 'login', '--flow', 'paste' ], env => \%away, stdin_open => 1);

	wait_until(sub { $run->turn(0.05); $run->{out} =~ /^https:/m });
	my ($url) = $run->{out} =~ /^(https:\S+)$/m;
	my $page = SendoffTest::Token::browse($url // 'https://localhost:1/', cert('ca'));
	my $last = $page->{urls}[-1] // '';
	SendoffTest::Secrets::known($last =~ /code=([^&]+)/);
	$run->write(($change ? $change->($last) : $last) . "\n");
	$run->close_stdin;
	return ($run->finish, $last);
}

{
	my $server = token_server();
	my ($r, $last) = paste($server, sign_in_account($server));

	is($r->{exit}, 0, 'paste: signed in') or diag("$r->{out}$r->{err}");
	like($last, qr{\Ahttp://127\.0\.0\.1:\d+/\?}, 'paste: where nobody listens');
	like($r->{out}, qr/open this in any browser:/, 'paste: what to do');
	like($r->{out} =~ s/\s+/ /gr, qr/copy the whole address of that page \(or the code\) and paste it here/,
		'paste: and then');
	is_stored('paste');
	is_deeply([ $server->violations ], [], 'paste: by the rules');
	forget();
	($r) = paste($server, sign_in_account($server), sub { $_[0] =~ s/\Ahttp:..127.0.0.1:\d+//r });
	is($r->{exit}, 0, 'paste: path and query are enough');
	forget();
	($r) = paste($server, sign_in_account($server), sub { $_[0] =~ s/state=.../state=x/r });
	is($r->{exit}, 78, 'paste: another state is not') or diag($r->{err});
	like($r->{err}, qr/That was not it: /, 'paste: it is told, and asked again');
	is_not_stored('paste: another state');
	$r = login(sign_in_account($server), '--flow', 'paste', { env => \%away, stdin => '' });
	is($r->{exit}, 78, 'paste: nobody is there') or diag($r->{err});
	like($r->{err}, qr/no address on standard input/, 'paste: it is told');
}

# ---- nobody is there

# From cron, a pipe, a service: what waits for a person there says so at once instead.
for my $case ([ 'nothing on standard input', stdin => '' ], [ 'a pipe that nobody writes to', stdin_open => 1 ]) {
	my ($name, %o) = @$case;
	my $server = token_server();

	for my $around (\%away, {}) {
		my $run = start_sendoff([ '-C', sign_in_account($server, oauth_device_url => undef), 'login' ], env => $around, %o);
		my $r = $run->finish;
		ok(!$r->{timed_out}, "$name: it does not hang");
		is($r->{exit}, 78, "$name: exit") or diag("$r->{out}$r->{err}");
		like($r->{err}, qr/^sendoff: nobody can sign in from here: there is no browser, no terminal to paste an address at, and the provider has no sign-in by a code\n  call it at a terminal: sendoff login work; or .*`--flow paste`/,
			"$name: what to do");
		is($r->{out}, '', "$name: nobody is asked for anything");
	}
	is(scalar $server->requests, 0, "$name: the provider is left alone");
	my $said = start_sendoff([ '-C', sign_in_account($server, oauth_flow => 'paste'), 'login' ], env => \%here, %o)->finish;
	is($said->{exit}, 78, "$name, with oauth_flow = paste: exit");
	like($said->{err}, qr/^sendoff: oauth_flow = paste, and there is no terminal to paste an address at\n  call it at a terminal/,
		'... and what to do');
	my $r = login(sign_in_account($server), { env => {}, $o{stdin_open} ? () : %o });
	is($r->{exit}, 0, "$name: a code can be entered elsewhere") or diag($r->{err});
	forget();
	$server->stop;
}

# ---- by a code

{
	my @hurry = hurry(4);
	my $server = token_server(polls => 'pending slow_down pending granted', @hurry ? (hurry => 4) : ());
	my $r = login(sign_in_account($server), { env => { %away, @hurry } });

	is($r->{exit}, 0, 'device: signed in') or diag("$r->{out}$r->{err}");
	like($r->{out}, qr{^https://localhost:\d+/\S+\n\nand enter this code there:\n\n[A-Z]{4}-[A-Z]{4}$}m, 'device: what to do');
	like($r->{out}, qr{^With the code in it already:\n\nhttps://localhost:\d+/\S+[A-Z]{4}-[A-Z]{4}$}m, 'device: or at once');
	is_stored('device');
	is_deeply([ $server->asked ], [ 'device_code 400 authorization_pending', 'device_code 400 slow_down',
		'device_code 400 authorization_pending', 'device_code 200' ], 'device: how often it asked');
	forget();
	$server = token_server();
	my @o = objects(run_sendoff([ '-C', sign_in_account($server), '--json', 'login' ], env => \%away, timeout => 60)->{out});
	is_deeply([ map { $_->{event} } @o ], [ 'step', 'signed-in' ], 'device: as JSON');
	is_deeply([ $o[0]{flow}, $o[0]{opened} ? 1 : 0 ], [ 'device', 0 ], 'device: its flow');
	like($o[0]{user_code}, qr/\A[A-Z]{4}-[A-Z]{4}\z/, 'device: its code');
	forget();
}

for my $case ([ access_denied => 77 ], [ expired_token => 77 ]) {
	my ($error, $exit) = @$case;
	my $server = token_server(polls => "pending $error");
	my $r = login(sign_in_account($server), { env => \%away });

	is($r->{exit}, $exit, "device: $error") or diag($r->{err});
	like($r->{err}, qr/^sendoff: .+\n  /, "device: $error is told, with what to do");
	is_not_stored("device: $error");
}

# ---- discovery

{
	my $server = token_server();
		my $config = sign_in_account($server, by_issuer($server));
	my $r = login($config, { env => { %here, BROWSER => $server->browser } });

	is($r->{exit}, 0, 'issuer: signed in') or diag("$r->{out}$r->{err}");
	is_stored('issuer');
	$r = run_sendoff([ '-C', $config, 'logout', 'work' ]);
	is($r->{exit}, 0, 'issuer: signed out') or diag($r->{err});
	is($r->{out}, "signed out: the token of 'work' is gone\n", 'issuer: it is told');
	is($r->{err}, '', 'issuer: the provider was told');
	is_not_stored('issuer');
	is((grep { $_->{endpoint} eq 'revoke' && $_->{status} == 200 } $server->requests), 1, 'issuer: ... once');
	is(run_sendoff([ '-C', $config, 'logout', 'work' ])->{out}, "account 'work' was not signed in\n",
		'signing out twice');
	$r = login(sign_in_account($server, by_issuer($server), oauth_issuer => $server->issuer . '/elsewhere'), { env => \%here });
	is($r->{exit}, 78, 'issuer: it is not there') or diag($r->{err});
	like($r->{err}, qr/oauth_issuer/, 'issuer: which key');
}

# A token goes to nobody but who gave it.
for my $case ([ server => {} ], [ client => { oauth_client_id => 'another-client' } ]) {
	my ($name, $keys) = @$case;
	my ($theirs, $other) = (token_server(), token_server());
	my $now = $name eq 'server' ? $other : $theirs;
	SendoffTest::SignedIn::signed_in($theirs, 'work');
	my $r = run_sendoff([ '-C', sign_in_account($now, by_issuer($now), %$keys), 'logout', 'work' ]);

	is($r->{exit}, 0, "another $name: signed out") or diag($r->{err});
	like($r->{err}, qr/^sendoff: the provider was not told: it was signed in with another client or server\n  next: /,
		"another $name: it is told");
	is(scalar $_->requests('revoke'), 0, "another $name: the token goes nowhere") for $theirs, $other;
	is_not_stored("another $name");
}

# What somebody is getting just now is ended as well, and nobody gets another meanwhile.
{
	my $server = token_server();
	my $config = sign_in_account($server, by_issuer($server));
	SendoffTest::SignedIn::signed_in($server, 'work');
	my $lock = SendoffTest::SignedIn::token_lock('work');
	my $run = start_sendoff([ '-C', $config, 'logout', 'work' ]);
	$run->turn(1) for 1 .. 2;
	is(scalar $server->requests('revoke'), 0, 'busy: nothing is revoked before the lock is had');
	my $new = SendoffTest::SignedIn::signed_in($server, 'work');
	close $lock;
	my $r = $run->finish;
	is($r->{exit}, 0, 'busy: signed out') or diag($r->{err});
	is($_->{form}{token}, $new->{refresh_token}, 'busy: what was stored last is ended')
		for $server->requests('revoke');
	is(scalar $server->requests('revoke'), 1, 'busy: ... once');
	is_not_stored('busy');
}

{
	my $server = token_server();
	SendoffTest::SignedIn::signed_in($server, 'work');
	my $lock = SendoffTest::SignedIn::token_lock('work');
	my $run = start_sendoff([ '-C', sign_in_account($server), 'logout', 'work' ]);
	$run->turn(1) for 1 .. 2;
	$run->kill('INT');
	my $r = $run->finish;
	is($r->{exit}, 75, 'stopped while it is busy: exit') or diag($r->{err});
	cmp_ok($r->{seconds}, '<', 10, 'stopped while it is busy: at once');
	is(scalar(stored()), 1, 'stopped while it is busy: the token stays');
}
forget();

# Where the provider cannot be told, the token goes all the same.
{
	my $server = token_server();
		my $config = sign_in_account($server, by_issuer($server));
	login($config, { env => { %here, BROWSER => $server->browser } });
	is_stored('before it is gone');
	$server->stop;
	my $r = run_sendoff([ '-C', $config, 'logout' ]);
	is($r->{exit}, 0, 'the provider is gone: signed out') or diag($r->{err});
	like($r->{err}, qr/^sendoff: the provider was not told: /, '... and it is told');
	is_not_stored('the provider is gone');
}

# ---- nothing comes between

{
	my $server = token_server();
	my $config = sign_in_account($server);
	for my $signal (qw(INT TERM HUP)) {
		my $run = start_sendoff([ '-C', $config, 'login', '--no-browser' ], env => \%here);
		wait_until(sub { $run->turn(0.05); $run->{out} =~ /^https:/m });
		$run->kill($signal);
		my $r = $run->finish;
		is($r->{exit}, 75, "SIG$signal: exit") or diag($r->{err});
		is_not_stored("SIG$signal");
	}
}

# ---- accounts that need none, or lack something

{
	my $r = login(config("[account work]\nhost = h\nuser = u\npassword_command = pass show work\n"));
	is($r->{exit}, 0, 'a password: nothing to do');
	is($r->{out}, "account 'work' logs in with a password, from password_command: there is nothing to " .
		"sign in to\n  test it: sendoff check work\n", 'a password: what to do instead');
	$r = login(config("[account work]\nprovider = google\nuser = me\@gmail.com\noauth_provider = google\n"));
	is($r->{exit}, 78, 'no client id: exit');
	like($r->{err}, qr/^sendoff: oauth_client_id is missing/, 'no client id: told');
	like($r->{err}, qr/^How to get a client id from Google:\n  1\. .+\n/m, 'no client id: step by step');
	like($r->{err}, qr/^  4\. /m, 'no client id: to the end');
	for my $at ('provider = google', 'host = smtp.gmail.com') {
		$r = login(config("[account work]\n$at\nuser = me\@gmail.com\nfrom = me\@gmail.com\n"), 'work');
		is($r->{exit}, 78, "$at, and nothing to log in with: exit");
		like($r->{err}, qr/^sendoff: oauth_client_id is missing/, '... told');
		like($r->{err}, qr/^How to get a client id from Google:\n  1\. .+\n/m, '... step by step');
	}
	$r = login(config("[account work]\nprovider = microsoft365\nfrom = me\@example.com\n"));
	like($r->{err}, qr/^How to get a client id from Microsoft 365:\n  1\. .+\n/m, 'Microsoft: step by step') or
		diag($r->{err});
	$r = login(config("[account work]\nprovider = microsoft365\nfrom = me\@example.com\noauth_flow = client\noauth_tenant = example.com\n"));
	is($r->{exit}, 78, 'Microsoft, without a person: exit');
	like($r->{err} =~ s/\s+/ /gr, qr/ 2\. .*SMTP\.SendAsApp.* 4\. .*New-ServicePrincipal.* 6\. Set oauth_flow = client/,
		'... another step by step');
	unlike($r->{err}, qr/There is no secret/, '... and not that of people');
	$r = login(config("[account work]\nprovider = google\nfrom = me\@example.com\noauth_flow = service\n"));
	is($r->{exit}, 78, 'Google, without a person: exit');
	like($r->{err} =~ s/\s+/ /gr, qr/oauth_service_account is missing.*sendoff-config\(5\) tells how to get one/, '... where it is told');
	$r = login(config("[account a]\nhost = h\n"), 'b');
	is($r->{exit}, 64, 'no such account');
	is(login(config("[account a]\nhost = h\n"), '--flow', 'magic')->{exit}, 64, 'no such flow');
	is(login(config("[account a]\nhost = h\n"), '--status')->{out}, "no account signs in by OAuth\n",
		'status: of none');
	my $server = token_server();
	$r = login(sign_in_account($server), '--status');
	is($r->{exit}, 78, 'status: not signed in') or diag($r->{out});
	like($r->{out}, qr/^\S+ work: nobody has signed in$/m, 'status: told');
	like($r->{out}, qr/^ +next +sign in: sendoff login work$/m, 'status: what to do');
	$r = login(sign_in_account($server, oauth_flow => 'client', oauth_client_secret => 'geheimnis',
		oauth_device_url => undef), { env => \%here });
	is($r->{exit}, 0, 'client credentials: nothing to do') or diag($r->{err});
	like($r->{out}, qr/gets its tokens by itself/, 'client credentials: told');
	for my $url ('https://127.0.0.1:1/device', 'https://nowhere.invalid/device') {
		$r = login(sign_in_account($server, oauth_device_url => $url), '--flow', 'device');
		is($r->{exit}, 75, "C4: $url cannot be reached");
		like($r->{err}, qr/cannot be asked: .*\n  check that this machine is online, and try again\n/, '... and what to do');
	}
}

done_testing;
