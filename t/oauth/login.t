#!/usr/bin/perl
# From sign-in to delivery with real parts only: sendoff login, a person at a browser, an OAuth
# server, a Postfix whose Dovecot asks that server whether the token is good.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use SendoffTest;
use SendoffTest::Oauth;
use SendoffTest::Postfix;
use SendoffTest::Token;

plan skip_all => $_ for grep { defined } SendoffTest::Oauth->why_not, SendoffTest::Postfix->why_not;

my $provider = SendoffTest::Oauth->start;
my $postfix = SendoffTest::Postfix->start(introspection => $provider->introspection,
	services => { submission => { smtpd_tls_security_level => 'encrypt' } });
my $stored = workdir() . '/home/.local/state/sendoff/tokens/test';
my $serial = 0;

# What a user writes: who, where, and the client id that is the user's own.
sub account
{
	my (%key) = @_;

	return $postfix->config('submission', password => undef, user => $SendoffTest::Oauth::user,
		from => $SendoffTest::Oauth::user, max_connections => 30, oauth_client_id => 'sendoff',
		oauth_scope => 'mail.send', oauth_issuer => $provider->issuer, %key);
}

my $config = account();

sub login
{
	my ($args, %o) = @_;

	return run_sendoff([ '-C', $config, 'login', @$args ], timeout => 120, %o);
}

sub letter
{
	my $id = sprintf 'letter-%03d', ++$serial;

	return ($id, "From: $SendoffTest::Oauth::user\nTo: a\@example.test\nSubject: $id\n" .
		"Date: Sat, 1 Jan 2022 00:00:00 +0000\nMessage-ID: <$id\@example.test>\n\nhi\n");
}

# One message goes, at once, and arrives once.
sub sends
{
	my ($name, $which, %o) = @_;
	my ($id, $text) = letter();
	my $r = run_sendoff([ '-C', $which, 'send', '--no-queue', '-t' ], stdin => $text, %o);

	is_deeply([ @$r{qw(exit out err)} ], [ 0, '', '' ], "$name: a message goes, silently") or
		diag $r->{err};
	is(scalar $postfix->arrived($id), 1, "$name: it is there");
}

sub asked
{
	my ($name, @want) = @_;
	my @asked = $provider->asked;

	shift @asked while @asked > @want;
	is_deeply(\@asked, \@want, "$name: what the provider was asked") or
		diag explain [ $provider->asked ];
}

# What is stored; from now on no run may show it.
sub token
{
	my $token = JSON::PP->new->decode(file_read($stored));

	SendoffTest::Secrets::known(@$token{qw(access_token refresh_token)});
	return $token;
}

# What others on the machine can see of processes, as long as they run: their names and
# arguments; and the environment, which only we can see.
sub shown
{
	my (@runs) = @_;

	return join '', map { my $pid = $_->pid;
		map { eval { file_read("/proc/$pid/$_") } // '' } qw(cmdline comm environ) } @runs;
}

# ---- a browser on this machine

{
	my ($id, $text) = letter();
	my $r = run_sendoff([ '-C', $config, 'send', '--no-queue', '-t' ], stdin => $text);

	isnt($r->{exit}, 0, 'nobody has signed in: no mail');
	like($r->{err}, qr/sendoff login/, 'it is told what to do');

	$r = login([], env => { DISPLAY => ':77', BROWSER => $provider->browser(refuse => 1) });
	is($r->{exit}, 77, 'a person who does not agree') or diag "$r->{out}$r->{err}";
	ok(!-e $stored, 'is not signed in');

	mkdir "$stored.new" or die "$stored.new: $!\n";   # in the way of what is written
	$r = login([], env => { DISPLAY => ':77', BROWSER => $provider->browser });
	is($r->{exit}, 75, 'a person agrees, and the token cannot be stored') or diag "$r->{out}$r->{err}";
	wait_until(sub { $provider->visits == 2 }, 20);
	like(($provider->visits)[1]{text}, qr/The sign-in failed/, 'the browser says so too');
	unlike(($provider->visits)[1]{text}, qr/You are signed in/, '... and nothing else');
	ok(!-e $stored, 'nobody is signed in');
	rmdir "$stored.new";

	$r = login([], env => { DISPLAY => ':77', BROWSER => $provider->browser });
	is($r->{exit}, 0, 'a person agrees') or diag "$r->{out}$r->{err}";
	wait_until(sub { $provider->visits == 3 }, 20);
	like(($provider->visits)[2]{text}, qr/You are signed in/, 'the browser says so too');
	is((stat $stored)[2] & 07777, 0600, 'the token is there, for its owner alone');
	asked('code', 'authorization_code 200');
	token();
	sends('code', $config);
	asked('code: the token serves', 'authorization_code 200');
	my ($mechanism) = reverse $postfix->log =~ /sasl_method=(\S+), /g;
	like($mechanism, qr/^(?:XOAUTH2|OAUTHBEARER)$/, "code: by $mechanism");
	sends('XOAUTH2', account(auth => 'xoauth2'));
	sends('OAUTHBEARER', account(auth => 'oauthbearer'));
}

# ---- a day later, many at once

{
	my %later = $provider->later('+1d');
	my $before = token();
	my (%text, @runs);

	for (1 .. 30) {
		my ($id, $text) = letter();
		$text{$id} = $text;
	}
	@runs = map { start_sendoff([ '-C', $config, 'send', '-t' ], stdin => $text{$_}, env => \%later,
		timeout => 120) } sort keys %text;
	my $seen = shown(@runs);
	my @ended = map { $_->finish } @runs;
	is_deeply([ grep { $_->{exit} || length "$_->{out}$_->{err}" } @ended ], [], 'a day later: 30 at once, all served');
	my @lost;
	for my $id (sort keys %text) {
		my @copies = $postfix->arrived($id, 60);
		push @lost, "$id: " . @copies if @copies != 1;
	}
	is_deeply(\@lost, [], 'each arrived once');
	asked('a day later: once', 'authorization_code 200', 'refresh_token 200');
	is((grep { $_->{event} eq 'grant.revoked' } $provider->events), 0, 'nobody has used a spent one');
	my $after = token();
	like($seen, qr/sendoff/, 'the processes were looked at');
	is_deeply([ SendoffTest::Secrets::found($seen) ], [], 'D9: no token was in any of them');
	isnt($after->{refresh_token}, $before->{refresh_token}, 'the refresh token is the new one');
	cmp_ok($after->{expires}, '>', time + 86400, 'for the day that it is');

	# Two days: the very next one.
	%later = $provider->later('+2d');
	sends('the day after', $config, env => \%later);
	asked('the day after', 'refresh_token 200', 'refresh_token 200');
}

# ---- signed out

{
	my %later = $provider->later('+2d');
	my $was = token();
	my $r = run_sendoff([ '-C', $config, 'logout' ], env => \%later);

	is($r->{exit}, 0, 'signed out') or diag $r->{err};
	ok(!-e $stored, 'nothing is left here');
	is_deeply([ map { $_->{status} } $provider->requests('/token/revocation') ], [ 200 ], 'the provider was told');
	is(SendoffTest::Token::fetch($provider->issuer . '/token', cert('ca'), client_id => 'sendoff',
		grant_type => 'refresh_token', refresh_token => $was->{refresh_token})->{status}, 400,
		'a copy of the token is of no use');
}

# ---- a browser elsewhere

my %ssh = (SSH_CONNECTION => '192.0.2.1 5 192.0.2.2 22', $provider->later('+2d'));
{
	my $run = start_sendoff([ '-C', $config, 'login', '--flow', 'device' ], env => \%ssh, timeout => 120);
	wait_until(sub { $run->turn(0.05); $run->{out} =~ /^ *(?:code:? +)?[A-Z]{4}-[A-Z]{4}$/m }, 30);
	my ($code) = $run->{out} =~ /([A-Z]{4}-[A-Z]{4})/;
	my ($url) = $run->{out} =~ m{(https://\S+/device)\b};
	my $page = $provider->browse($url // '', user_code => $code);
	like($page->{text}, qr/success/i, 'device: a person types the code, elsewhere') or diag $run->{out};
	my $r = $run->finish;
	is($r->{exit}, 0, 'device: signed in') or diag "$r->{out}$r->{err}";
	asked('device', 'device_code 200');
	sends('device', $config, env => { $provider->later('+2d') });
}

unlink $stored;
{
	my $run = start_sendoff([ '-C', $config, 'login', '--flow', 'paste' ], env => \%ssh, stdin_open => 1,
		timeout => 120);
	wait_until(sub { $run->turn(0.05); $run->{out} =~ m{^https://\S+$}m }, 30);
	my ($url) = $run->{out} =~ m{^(https://\S+)$}m;
	my $page = $provider->browse($url // '');
	like($page->{url}, qr{^http://127\.0\.0\.1[:/].*code=}, 'paste: the browser ends where nobody listens');
	$run->write("$page->{url}\n");
	$run->close_stdin;
	my $r = $run->finish;
	is($r->{exit}, 0, 'paste: signed in') or diag "$r->{out}$r->{err}";
	asked('paste', 'authorization_code 200');
	sends('paste', $config, env => { $provider->later('+2d') });
}

# ---- a grant that ended elsewhere: told with what to do, and the mail waits

{
	my %later = $provider->later('+2d');
	SendoffTest::Token::fetch($provider->issuer . '/token/revocation', cert('ca'),
		client_id => 'sendoff', token => token()->{refresh_token});
	my ($id, $text) = letter();
	my $r = run_sendoff([ '-C', $config, 'send', '-t' ], stdin => $text, env => \%later);

	is($r->{exit}, 0, 'the grant has ended: the mail is stored');
	like($r->{err}, qr/sendoff login/, 'and it is told what to do') or diag $r->{err};
	asked('it was asked for once', 'refresh_token 400 invalid_grant');
	my $n = $provider->asked;
	$r = run_sendoff([ '-C', $config, 'queue', 'flush' ], env => \%later);
	is(scalar $provider->asked, $n, 'and not again, while nothing has changed');

	$r = login([], env => { %later, DISPLAY => ':77', BROWSER => $provider->browser });
	is($r->{exit}, 0, 'signed in again') or diag "$r->{out}$r->{err}";
	$r = run_sendoff([ '-C', $config, 'queue', 'flush' ], env => \%later);
	is(scalar $postfix->arrived($id), 1, 'and the mail that waited is there');
}

# ---- nobody at all: a client that proves itself by its certificate

{
	my $pem = SendoffTest::Token::client_file();
	my $robot = account(user => 'robot@example.test', from => 'robot@example.test',
		oauth_client_id => 'robot', oauth_flow => 'client', oauth_certificate => $pem);

	sends('robot', $robot, env => { $provider->later('+2d') });
	asked('robot', 'client_credentials 200');
}

is_deeply([ grep { !/from localhost\[127\.0\.0\.1\]$/ } $postfix->complaints ], [], 'Postfix has no complaint');
done_testing;
