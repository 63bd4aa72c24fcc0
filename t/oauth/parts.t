#!/usr/bin/perl
# The real parts by themselves: an OAuth server, a browser, a Dovecot that asks the one about
# what the other has brought.  What the other tests of this directory rely on.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::SHA qw(sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use SendoffTest;
use SendoffTest::Oauth;
use SendoffTest::Postfix;
use SendoffTest::Token;

plan skip_all => SendoffTest::Oauth->why_not if SendoffTest::Oauth->why_not;

my $verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
my $provider = SendoffTest::Oauth->start;
my @client = (client_id => 'sendoff');

sub post
{
	my ($path, @form) = @_;
	my $r = SendoffTest::Token::fetch($provider->issuer . $path, cert('ca'), @form);
	my $json = eval { JSON::PP->new->decode($r->{body}) };

	$r->{json} = ref $json eq 'HASH' ? $json : {};
	$r->{said} = join ' ', $r->{status}, $r->{json}{error} // ();
	return $r;
}

sub refresh { return post('/token', grant_type => 'refresh_token', @client, refresh_token => $_[0]) }

# Where a person is sent, and comes back from: to a port where nobody listens.
sub sign_in
{
	my (%o) = @_;
	my $r = $provider->browse($provider->issuer . '/auth?client_id=sendoff&response_type=code' .
		'&scope=mail.send&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2F&state=a-state-of-sixteen' .
		'&code_challenge_method=S256&code_challenge=' . encode_base64url(sha256($verifier)), %o);

	return { %$r, $r->{url} =~ m{[?&](\w+)=([^&]+)} ? map { split /=/, $_, 2 }
		split /&/, $r->{url} =~ s/.*?\?//r : () };
}

sub redeem
{
	return post('/token', grant_type => 'authorization_code', @client, code => $_[0],
		code_verifier => $_[1] // $verifier, redirect_uri => 'http://127.0.0.1:9/');
}

my $r = sign_in();
like($r->{url}, qr{^http://127\.0\.0\.1:9/\?}, 'a browser comes back to loopback');
is(scalar @{ $r->{steps} }, 3, 'behind a login and a consent') or diag explain $r;
is($r->{state}, 'a-state-of-sixteen', 'with the state');
is($r->{iss} =~ s/%3A/:/gr =~ s/%2F/\//gr, $provider->issuer, 'and the issuer');
is(redeem($r->{code}, 'x' x 43)->{said}, '400 invalid_grant', 'not with another verifier');
$r = redeem(sign_in()->{code});
is($r->{said}, '200', 'the code becomes tokens');
unlike($r->{json}{access_token}, qr/\./, 'opaque ones');

my $second = refresh($r->{json}{refresh_token});
is($second->{said}, '200', 'refreshed');
isnt($second->{json}{refresh_token}, $r->{json}{refresh_token}, 'and rotated');
is(refresh($r->{json}{refresh_token})->{said}, '400 invalid_grant', 'the old one is spent');
is(refresh($second->{json}{refresh_token})->{said}, '400 invalid_grant', 'which ends the grant');

$r = sign_in(refuse => 1);
is($r->{error}, 'access_denied', 'a person who does not want');

my $device = post('/device/auth', @client, scope => 'mail.send')->{json};
my $poll = sub {
	return post('/token', grant_type => 'urn:ietf:params:oauth:grant-type:device_code', @client,
		device_code => $device->{device_code});
};
is($poll->()->{said}, '400 authorization_pending', 'a device waits');
$r = $provider->browse($device->{verification_uri}, user_code => $device->{user_code});
like($r->{text}, qr/success/i, 'for somebody who types the code') or diag explain $r;
my $token = $poll->();
is($token->{said}, '200', 'and is served');

SKIP: {
	skip(SendoffTest::Postfix->why_not, 7) if SendoffTest::Postfix->why_not;
	my $postfix = SendoffTest::Postfix->start(introspection => $provider->introspection,
		services => { submission => { smtpd_tls_security_level => 'encrypt' } });
	my $login = sub {
		my ($mechanism, $access) = @_;
		return SendoffTest::Token::mail_login($postfix->port('submission'), $mechanism,
			$SendoffTest::Oauth::user, $access, '-starttls', 'smtp');
	};
	my $access = $token->{json}{access_token};

	for my $mechanism (qw(XOAUTH2 OAUTHBEARER)) {
		is($login->($mechanism, $access), 235, "$mechanism: Dovecot asks, and is told that it is good");
		is($login->($mechanism, "x$access"), 535, "$mechanism: another is not");
	}
	is((grep { $_->{client} eq 'mailserver' } $provider->requests('/token/introspection')), 4,
		'it has asked each time');
	is(post('/token/revocation', @client, token => $token->{json}{refresh_token})->{said}, '200', 'revoked');
	is($login->('XOAUTH2', $access), 535, 'and with the grant the token is gone');
}
done_testing;
