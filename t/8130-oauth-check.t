#!/usr/bin/perl
# sendoff check of an account that signs in by OAuth: what is told of its token, what happens
# where a server does not take it, and what is said where there is none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Token;

my %tls = (tls => 'starttls');
my %old = (obtained => time - 3600, expires => time + 30);

sub scene
{
	my (%o) = @_;
	my $tokens = token_server(%{ $o{tokens} // {} });
	my $mail = server_start(user => 'me@example.com', tokens => $tokens->tokens, %tls, %{ $o{mail} // {} });

	unlink glob token_directory() . '/*';
	signed_in($tokens, 'test', %{ $o{token} // {} }) if !$o{nobody};
	return ($tokens, $mail, account($mail, oauth($tokens), %tls, %{ $o{account} // {} }));
}

sub logins { return scalar grep { /^AUTH / } $_[0]->commands }
sub facts { my $s = stage(@_); return $s ? $s->{facts} : {} }
sub moment { return qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/ }

subtest 'a token that is stored' => sub {
	my ($tokens, $mail, $config) = scene(tokens => { jwt => 1 });
	my ($o, $r) = checked($config);
	my $facts = facts($o, 'secret');

	is($r->{exit}, 0, 'all is well') or diag($r->{out});
	like(stage($o, 'secret')->{text}, qr/the access token that is stored, good for (?:59|60) min/, 'told');
	like($facts->{$_}, moment(), $_) for qw(signed_in token_obtained token_expires);
	is($facts->{token_scope}, 'mail.send', 'its scope');
	is($facts->{token_user}, 'me@example.com', 'whom it says it is for');
	ok(!$facts->{token_renewed} && $facts->{refresh_token}, 'it was there, and a further one can be had');
	is(facts($o, 'login')->{mechanism}, 'OAUTHBEARER', 'the login');
	is(facts($o, 'login')->{token_renewed}, undef, '... with it');
	is_deeply([ grep { !/^authorization_code/ } $tokens->asked ], [], 'nobody was asked');
	$_->stop for $mail, $tokens;
};

subtest 'one of somebody else' => sub {
	my ($tokens, $mail, $config) = scene(tokens => { jwt => 1 }, account => { user => 'team@example.com' },
		mail => { user => 'team@example.com' });
	my $r = check($config);
	like($r->{out} =~ s/\s+/ /gr, qr/the token is for me\@example\.com, and user is team\@example\.com/, 'told so');
	is(stage(check($config, ['--json'])->{json}, 'secret')->{mark}, 'warning', '... as a warning');
	$_->stop for $mail, $tokens;
};

subtest 'less than was asked for' => sub {
	my ($tokens, $mail, $config) = scene(token => { scope => 'mail.read' });
	my ($o, $r) = checked($config);

	is($r->{exit}, 0, 'it may do all the same') or diag($r->{out});
	is(facts($o, 'secret')->{token_scope_missing}, 'mail.send', 'what is missing');
	is(stage($o, 'secret')->{mark}, 'warning', '... is a warning');
	like($r->{out} . check($config)->{out} =~ s/\s+/ /gr, qr/mail\.send was asked for and is not in that/, '... in words');
	$_->stop for $mail, $tokens;
};

subtest 'one that was old' => sub {
	my ($tokens, $mail, $config) = scene(token => \%old);
	my ($o, $r) = checked($config);

	is($r->{exit}, 0, 'all is well') or diag($r->{out});
	ok(facts($o, 'secret')->{token_renewed}, 'a new one, and told so');
	is(logins($mail), 1, 'one login');
	$_->stop for $mail, $tokens;
};

subtest 'one that the server does not take' => sub {
	my ($tokens, $mail, $config) = scene();
	$tokens->forget;
	my ($o, $r) = checked($config);

	is($r->{exit}, 0, 'a new one would do') or diag($r->{out});
	ok(facts($o, 'login')->{token_renewed}, 'told so');
	is_deeply([ stages({ json => $o }) ], [qw(secret name connect tls ehlo login quit)], 'each stage is there once') or diag($r->{out});
	is(logins($mail), 2, 'C9: one rejected login');
	$tokens->forget;
	like(check($config)->{out} =~ s/\s+/ /gr, qr/the access token that was stored was refused; this is with a new one/,
		'told on the screen');
	$_->stop for $mail, $tokens;

	($tokens, $mail, $config) = scene(mail => { user => 'other@example.com' });
	($o, $r) = checked($config);
	is($r->{exit}, 77, 'neither: exit 77');
	is($o->{failed}{stage}, 'login', '... at the login');
	like($o->{failed}{cause}, qr/^token-/, '... the cause') or diag($r->{out});
	is($o->{failed}{next}, 'sign in again, as the right user: sendoff login test', '... and the next step');
	is(logins($mail), 2, 'C9: two logins');
	check($config);
	is(logins($mail), 3, 'C9: a new one is not followed by another');
	$_->stop for $mail, $tokens;
};

subtest 'and no new one to be had' => sub {
	my ($tokens, $mail, $config) = scene(tokens => { at => ['token:2 error invalid_grant'] });
	$tokens->forget;
	my ($o, $r) = checked($config);

	is($r->{exit}, 77, 'exit 77');
	is($o->{failed}{stage}, 'login', 'it failed at the login');
	like($o->{failed}{said}, qr/^535 /, '... by what the server said');
	is($o->{failed}{cause}, 'sign-in-over', '... because of the sign-in');
	is($o->{failed}{next}, 'sign in again: sendoff login test', '... what helps');
	is(stage($o, 'login')->{mark}, 'failed', 'the stage has failed');
	is(logins($mail), 1, 'C9: one login');
	$_->stop for $mail, $tokens;
};

subtest 'none' => sub {
	my ($tokens, $mail, $config) = scene(nobody => 1);
	my ($o, $r) = checked($config);

	is($r->{exit}, 78, 'exit 78');
	is($o->{failed}{stage}, 'secret', 'it failed at the secret');
	is($o->{failed}{cause}, 'login-needed', '... the cause');
	is($o->{failed}{next}, 'sign in: sendoff login test', '... what helps');
	is($mail->connections, 0, 'nobody was connected');
	$r = check($config, ['--password-file', file_write(workdir() . '/pw', "geheim1\n", 0600)]);
	is($r->{exit}, 77, 'with a password in its place it goes on') or diag($r->{out});
	is($mail->connections, 1, '... to the server');
	$mail->stop;
	$tokens->stop;

	($tokens, $mail, $config) = scene(token => \%old);
	$tokens->stop;
	($o, $r) = checked($config);
	is($r->{exit}, 75, 'no provider: exit 75');
	is($o->{failed}{cause}, 'oauth-unreachable', '... the cause');
	$mail->stop;
};

subtest 'every way' => sub {
	my ($tokens, $mail, $config) = scene(mail => { mechanisms => 'PLAIN XOAUTH2 OAUTHBEARER', password => 'geheim1' });
	my ($o, $r) = checked($config, '--all');
	my %row = map { $_->{mechanism} ? ($_->{mechanism} => $_) : () } @{ facts($o, 'every')->{rows} };

	is($r->{exit}, 0, 'all is well') or diag($r->{out});
	ok($row{$_}{works}, "$_ works") for qw(XOAUTH2 OAUTHBEARER);
	ok(!$row{PLAIN}{tried}, 'D8: PLAIN is not tried with a token');
	$_->stop for $mail, $tokens;
};

done_testing;
