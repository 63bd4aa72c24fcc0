#!/usr/bin/perl
# The token server does what RFC 6749 and its family say, refuses what they forbid, and
# obeys its script: what the tests of sendoff rely on.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64 encode_base64url);
use SendoffTest;
use SendoffTest::Token;

my $verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
my $redirect = 'http://127.0.0.1:49152/';
my @client = (client_id => 'test-client');
my $serial = 0;

sub post
{
	my ($server, $endpoint, @form) = @_;
	my $r = SendoffTest::Token::fetch($server->url($endpoint), cert('ca'), @form);

	my $json = eval { JSON::PP->new->decode($r->{body}) };
	$r->{json} = ref $json eq 'HASH' ? $json : {};
	$r->{said} = join ' ', $r->{status}, $r->{json}{error} // ();
	return $r;
}

sub authorize_url
{
	my ($server, %also) = @_;
	my %query = (response_type => 'code', @client, redirect_uri => $redirect,
		scope => 'mail.send', state => 'a state of sixteen', code_challenge_method => 'S256',
		code_challenge => encode_base64url(sha256($verifier)), %also);

	delete $query{$_} for grep { !defined $query{$_} } keys %query;
	s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge for values %query;
	return $server->url('authorize') . '?' . join '&', map { "$_=$query{$_}" } sort keys %query;
}

# What the redirect brings: { code, state, ... }.
sub authorize
{
	my ($server, %also) = @_;
	my $r = SendoffTest::Token::fetch(authorize_url($server, %also), cert('ca'));
	my ($query) = $r->{headers} =~ /^Location: \S+?\?(\S+)/m;
	my %got = map { split /=/, $_, 2 } split /&/, $query // '';

	s/%(..)/chr hex $1/ge for values %got;
	return { %got, status => $r->{status} };
}

sub redeem
{
	my ($server, $code, %also) = @_;
	my %form = (grant_type => 'authorization_code', @client, code => $code,
		redirect_uri => $redirect, code_verifier => $verifier, %also);

	return post($server, 'token', %form);
}

sub refresh
{
	my ($server, $token, @more) = @_;

	return post($server, 'token', grant_type => 'refresh_token', @client, refresh_token => $token,
		@more);
}

sub active { return post($_[0], 'introspect', token => $_[1])->{json}{active} ? 1 : 0 }

# A JWT signed with the key of t/certs.sh's `rsa`.
sub jwt
{
	my ($header, $claims) = @_;
	my $json = JSON::PP->new->canonical;
	my $text = join '.', map { encode_base64url($json->encode($_)) }
		{ alg => 'RS256', typ => 'JWT', %$header }, $claims;
	my ($in, $out) = map { workdir() . "/jwt.$_" } qw(in out);

	file_write($in, $text);
	system('openssl', 'dgst', '-sha256', '-sign', cert('rsa', 'key'), '-out', $out, $in) == 0 or die;
	return $text . '.' . encode_base64url(file_read($out));
}

{
	my $server = token_server();
	my $go = authorize($server);

	is($go->{status}, 302, 'a browser is sent back');
	is($go->{state}, 'a state of sixteen', 'with the state that it brought');
	is($go->{iss}, $server->issuer, 'and the issuer');
	my $r = redeem($server, $go->{code});
	is($r->{said}, '200', 'a code becomes tokens');
	is(lc $r->{json}{token_type}, 'bearer', 'of the kind that there is');
	is($r->{json}{expires_in}, 3600, 'for an hour');
	ok(active($server, $r->{json}{access_token}), 'the token is in force');
	is(redeem($server, $go->{code})->{said}, '400 invalid_grant', 'a code is good once');
	ok(!active($server, $r->{json}{access_token}), 'twice, and all is taken back');
	is_deeply([map { /^(\w+)/ } $server->violations], ['reuse'], 'it is noted');
	is_deeply([$server->asked], ['authorization_code 200', 'authorization_code 400 invalid_grant'],
		'every request is in the list');
}

{
	my $server = token_server();
	my @wrong = (
		[ 'another verifier', code_verifier => 'x' x 43 ],
		[ 'a short verifier', code_verifier => 'x' ],
		[ 'another redirect', redirect_uri => 'http://127.0.0.1:1/' ],
		[ 'another client', client_id => 'other' ],
		[ 'a secret of a public client', client_secret => 'geheimnis' ],
	);

	for my $case (@wrong) {
		my ($name, @also) = @$case;
		my $said = redeem($server, authorize($server)->{code}, @also)->{said};
		like($said, qr/^(?:400 invalid_grant|401 invalid_client)$/, "refused: $name");
	}
	is(authorize($server, scope => 'everything')->{error}, 'invalid_scope', 'refused: another scope');
	is(authorize($server, response_type => 'token')->{error}, 'unsupported_response_type',
		'refused: another response type');
	is(authorize($server, state => undef)->{error}, 'invalid_request', 'refused: no state');
	is(authorize($server, code_challenge => undef)->{error}, 'invalid_request', 'refused: no PKCE');
	is(authorize($server, code_challenge_method => 'plain')->{error}, 'invalid_request',
		'refused: plain PKCE');
	for my $uri ('https://evil.test/', 'http://127.0.0.1.evil.test/', 'http://localhost:1/',
			'http://127.0.0.1:1x/', 'http://127.0.0.1@evil.test/') {
		is(authorize($server, redirect_uri => $uri)->{status}, 400, "no way back: $uri");
	}
	is(authorize($server, redirect_uri => 'http://[::1]:9/x')->{status}, 302, 'a way back: ::1');
	is(post($server, 'token', grant_type => 'password', @client)->{said},
		'400 unsupported_grant_type', 'refused: password');
	is(SendoffTest::Token::fetch($server->url('token') . '?code=x', cert('ca'), @client)->{status},
		400, 'refused: a query at the token endpoint');
	is((grep { /^query/ } $server->violations), 1, 'which is noted');
}

{
	my $server = token_server(redirect => 'http://localhost/');

	is(authorize($server, redirect_uri => 'http://localhost:7/')->{status}, 302,
		'the registered name, at any port');
	is(authorize($server, redirect_uri => $redirect)->{status}, 400, 'the address is another');
	is(authorize($server, redirect_uri => 'http://localhost:7/x')->{status}, 400,
		'another path is another');
}

{
	my $server = token_server();
	my $first = redeem($server, authorize($server)->{code})->{json};
	my $second = refresh($server, $first->{refresh_token})->{json};

	isnt($second->{refresh_token}, $first->{refresh_token}, 'a refresh token is rotated');
	ok(active($server, $_->{access_token}), 'both access tokens are in force') for $first, $second;
	is(refresh($server, $first->{refresh_token})->{said}, '400 invalid_grant', 'the old one is spent');
	ok(!active($server, $second->{access_token}), 'and whoever uses it ends it all');
	is(refresh($server, $second->{refresh_token})->{said}, '400 invalid_grant', 'for the new one too');

	$server = token_server(no_rotation => 1);
	$first = redeem($server, authorize($server)->{code})->{json};
	$second = refresh($server, $first->{refresh_token})->{json};
	ok(!exists $second->{refresh_token}, 'without rotation none comes');
	is(refresh($server, $first->{refresh_token})->{said}, '200', 'the old one stays good');
	is(post($server, 'revoke', token => $first->{refresh_token}, @client)->{said}, '200', 'revoked');
	is(refresh($server, $first->{refresh_token})->{said}, '400 invalid_grant', 'is gone');
	ok(!active($server, $second->{access_token}), 'with its access tokens');
	is(post($server, 'revoke', token => 'unknown', @client)->{said}, '200', 'RFC 7009: what is unknown too');
	is_deeply([$server->violations], [], 'nothing is noted');
}

{
	my $server = token_server(client_secret => 'geheimnis', scope => 'mail.send offline_access');
	my @more = (client_secret => 'geheimnis');

	is(redeem($server, authorize($server)->{code})->{said}, '401 invalid_client', 'no secret');
	is(redeem($server, authorize($server)->{code}, client_secret => 'x')->{said},
		'401 invalid_client', 'a wrong one');
	ok(!exists redeem($server, authorize($server)->{code}, @more)->{json}{refresh_token},
		'no refresh token without offline_access');
	my $r = redeem($server, authorize($server, scope => 'mail.send offline_access')->{code}, @more);
	ok(exists $r->{json}{refresh_token}, 'one with it');
	$r = post($server, 'token', grant_type => 'client_credentials', @client, @more, scope => 'mail.send');
	is($r->{said}, '200', 'client credentials');
	ok(!exists $r->{json}{refresh_token}, 'bring no refresh token');
}

{
	my $server = token_server(client_cert => 1, service => 'robot@example.test', user => 'me@x.test');
	my $claims = sub { return { iat => time, exp => time + 600, aud => $server->url('token'), @_ } };
	my $service = sub {
		my ($header, @also) = @_;
		return post($server, 'token', grant_type => 'urn:ietf:params:oauth:grant-type:jwt-bearer',
			assertion => jwt({ kid => 'key-1', %$header }, $claims->(iss => 'robot@example.test',
				sub => 'me@x.test', scope => 'mail.send', @also)))->{said};
	};
	my @sha1 = `openssl x509 -in @{[cert('rsa')]} -noout -fingerprint -sha1` =~ /([0-9A-F]{2})(?=:|$)/g;
	my $x5t = encode_base64url(join '', map { chr hex } @sha1);
	my $client = sub {
		my ($header, @also) = @_;
		return post($server, 'token', grant_type => 'client_credentials', @client,
			scope => 'mail.send', client_assertion_type =>
				'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
			client_assertion => jwt({ x5t => $x5t, %$header }, $claims->(iss => 'test-client',
				sub => 'test-client', jti => 'id' . ++$serial, @also)))->{said};
	};

	is($service->({}), '200', 'a service account');
	is($service->({}, sub => 'you@x.test'), '400 unauthorized_client', 'for another mailbox');
	is($service->({}, scope => 'all'), '400 invalid_scope', 'for another scope');
	is($service->({}, iss => 'x'), '400 invalid_grant', 'by another');
	is($service->({}, aud => 'https://x.test/'), '400 invalid_grant', 'for another server');
	is($service->({}, iat => time + 4000, exp => time + 4600), '400 invalid_grant', 'too early');
	is($service->({}, iat => time - 900, exp => time - 300), '400 invalid_grant', 'too late');
	is($service->({}, exp => time + 7200), '400 invalid_grant', 'for too long');
	is($service->({ kid => 'x' }), '400 invalid_grant', 'with another key id');
	is($service->({ alg => 'none' }), '400 invalid_grant', 'with no signature');
	is($service->({ alg => 'PS256' }), '400 invalid_grant', 'with a signature of another kind');
	is($client->({}), '200', 'a client with a certificate');
	is($client->({ x5t => 'x' }), '401 invalid_client', 'with another');
	is($client->({}, jti => 'mine'), '200', 'an assertion');
	is($client->({}, jti => 'mine'), '401 invalid_client', 'is good once');
}

{
	my $server = token_server(polls => 'pending slow_down granted', hurry => 20, interval => 5);
	my $poll = sub {
		my ($code) = @_;
		return post($server, 'token', grant_type => 'urn:ietf:params:oauth:grant-type:device_code',
			@client, device_code => $code);
	};
	my $d = post($server, 'device', @client, scope => 'mail.send')->{json};

	like($d->{user_code}, qr/^[A-Z]{4}-[A-Z]{4}$/, 'a code for a person');
	is($d->{verification_uri}, $server->url('activate'), 'and where it is typed');
	is($d->{interval}, 5, 'and how often to ask');
	Time::HiRes::sleep(0.3);
	is($poll->($d->{device_code})->{said}, '400 authorization_pending', 'pending');
	is($poll->($d->{device_code})->{said}, '400 slow_down', 'asked too early');
	is_deeply([map { /^(\w+)/ } $server->violations], ['early'], 'which is noted');
	Time::HiRes::sleep(0.6);
	is($poll->($d->{device_code})->{said}, '400 slow_down', 'slow down, as scripted');
	Time::HiRes::sleep(0.8);
	my $r = $poll->($d->{device_code});
	is($r->{said}, '200', 'granted');
	ok(exists $r->{json}{refresh_token}, 'with a refresh token');
	is($poll->($d->{device_code})->{said}, '400 invalid_grant', 'once');

	$server = token_server(polls => 'wait', interval => 0);
	$d = post($server, 'device', @client, scope => 'mail.send')->{json};
	is($poll->($d->{device_code})->{said}, '400 authorization_pending', 'nobody was there');
	is(SendoffTest::Token::browse($d->{verification_uri_complete}, cert('ca'))->{status}, 200, 'then somebody');
	is($poll->($d->{device_code})->{said}, '200', 'and it is granted');

	$server = token_server(polls => 'access_denied', interval => 0);
	$d = post($server, 'device', @client, scope => 'mail.send')->{json};
	is($poll->($d->{device_code})->{said}, '400 access_denied', 'denied');
}

{
	my $server = token_server(at => [
		'token:1 status 503 retry-after 7', 'token:2 error invalid_grant AADSTS700082: too old',
		'token:3 status 500 type text/html body <h1>Sorry</h1>', 'token:4 huge 100000',
		'token:5 redirect https://evil.test/', 'token:6 type text/plain', 'token:7 body "{"',
		'token:8 set expires_in "3599"', 'token:9 drop token_type', 'token:10 chunked',
		'token:11 cut 10', 'token:12 close', 'token:13 keep close',
		'token:14 status 429 retry-after Fri, 31 Dec 1999 23:59:59 GMT; body slower']);
	my @said = map { refresh($server, 'of nobody') } 1 .. 14;

	is($said[0]{status}, 503, 'status');
	like($said[0]{headers}, qr/^Retry-After: 7\r?$/m, 'retry-after');
	is($said[1]{said}, '400 invalid_grant', 'error');
	is($said[1]{json}{error_description}, 'AADSTS700082: too old', 'in the words of the script');
	like($said[2]{headers}, qr{^Content-Type: text/html\r?$}m, 'type');
	is($said[2]{body}, '<h1>Sorry</h1>', 'body');
	is(length $said[3]{body}, 100000 + length '{"access_token":"","token_type":"Bearer"}', 'huge');
	like($said[4]{headers}, qr{^Location: https://evil.test/\r?$}m, 'redirect');
	like($said[5]{headers}, qr{^Content-Type: text/plain\r?$}m, 'a type alone');
	is($said[5]{said}, '400 invalid_grant', 'leaves the answer');
	is($said[6]{body}, '{', 'a body alone');
	is($said[7]{json}{expires_in}, '3599', 'set');
	ok(!exists $said[8]{json}{token_type}, 'drop');
	like($said[9]{headers}, qr/^Transfer-Encoding: chunked\r?$/m, 'chunked');
	ok(length $said[10]{body} && !%{ $said[10]{json} }, 'cut');
	is($said[11]{headers}, '', 'close');
	is($said[13]{body}, 'slower', 'status, with a date and a body');
	like($said[13]{headers}, qr/^Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r?$/m, 'of which no word is lost');
}

{
	my $server = token_server(at => ['token:1 keep close', 'authorize:2 error access_denied',
		'authorize:3 set state "another"', 'authorize:4 drop iss']);
	my $go = authorize($server);

	is(redeem($server, $go->{code})->{headers}, '', 'the answer is lost');
	is(redeem($server, $go->{code})->{said}, '400 invalid_grant', 'what it told was done');
	is(authorize($server)->{error}, 'access_denied', 'a person who does not want');
	is(authorize($server)->{state}, 'another', 'another state');
	ok(!exists authorize($server)->{iss}, 'no issuer');
	$server->mood('authorize close');
	is(authorize($server)->{status}, 0, 'a mood');
}

{
	my $server = token_server(tenant => 'common', jwt => 1, token_size => 2000);
	my $known = SendoffTest::Token::fetch($server->issuer . '/.well-known/openid-configuration', cert('ca'));
	my $json = JSON::PP->new->decode($known->{body});

	is($json->{issuer}, $server->issuer, 'a tenant is part of the issuer');
	is($json->{token_endpoint}, $server->url('token'), 'and of the addresses');
	is(SendoffTest::Token::fetch('https://localhost:' . $server->port .
		'/.well-known/oauth-authorization-server/common', cert('ca'))->{body}, $known->{body}, 'RFC 8414');
	is(SendoffTest::Token::fetch('https://localhost:' . $server->port . '/token', cert('ca'), @client)->{status},
		404, 'elsewhere is nothing');
	my $token = redeem($server, authorize($server)->{code})->{json}{access_token};
	cmp_ok(length $token, '>', 2000, 'a long token');
	is(JSON::PP->new->decode(MIME::Base64::decode_base64url((split /\./, $token)[1]))->{upn},
		'me@example.com', 'that says whose it is');
}

{
	my $server = token_server(user => 'me@x.test');
	my $mail = server_start(tls => 'implicit', user => 'me@x.test', tokens => $server->tokens);
	my $other = server_start(tls => 'implicit', user => 'you@x.test', tokens => $server->tokens);
	my $token = redeem($server, authorize($server)->{code})->{json}{access_token};
	my $login = sub {
		my ($where, $user, $what) = @_;
		my $words = encode_base64("user=$user\001auth=Bearer $what\001\001", '');
		my $out = `printf 'EHLO x\\r\\nAUTH XOAUTH2\\r\\n%s\\r\\n\\r\\nQUIT\\r\\n' $words |
			(while read -r line; do echo "\$line"; sleep 0.1; done) |
			openssl s_client -quiet -connect localhost:@{[$where->port]} 2>/dev/null`;
		return $out =~ /^(235|535)/m ? $1 : $out;
	};

	is($login->($mail, 'me@x.test', $token), 235, 'a mail server takes what was issued');
	is($login->($mail, 'me@x.test', "${token}x"), 535, 'nothing else');
	is($login->($other, 'you@x.test', $token), 535, 'nor of another');
	$server->forget;
	is($login->($mail, 'me@x.test', $token), 535, 'nor what was taken back');
}

{
	my $server = token_server(life => 1);
	my $token = redeem($server, authorize($server)->{code})->{json}{access_token};

	ok(active($server, $token), 'in force for a second');
	sleep 2;
	ok(!active($server, $token), 'and not for two');
}

{
	my $server = token_server();
	my $page = SendoffTest::Token::browse(authorize_url($server, redirect_uri => $server->url('x')), cert('ca'));
	is($page->{status}, 400, 'the browser stays where it is not sent on');
	my $browser = $server->browser;
	is(system($browser, authorize_url($server, redirect_uri => 'http://127.0.0.1:1/')), 0, 'a browser');
	my ($seen) = $server->pages;
	like($seen->{urls}[0], qr{^http://127\.0\.0\.1:1/\?.*code=}, 'that goes where it is sent');
}

{
	my $server = token_server();
	my $go = authorize($server);

	redeem($server, $go->{code});
	SendoffTest::Secrets::learn();
	is_deeply([SendoffTest::Secrets::found("a $go->{code} b")], [$go->{code}], 'what was handed out is a secret');
	is_deeply([SendoffTest::Secrets::found($verifier)], [$verifier], 'and what was handed in');
}

done_testing;
