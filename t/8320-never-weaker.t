#!/usr/bin/perl
# Never a secret by a mechanism weaker than the account asks for, whatever a server, or
# whoever stands before it, offers, refuses or forgets; and no login that is none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64);
use SendoffTest;
use SendoffTest::Never;
use SendoffTest::Send;

my @by = (by => [qw(send check)]);
my @once = ('EHLO', 'QUIT', 'AUTH SCRAM-SHA-256', 'AUTH SCRAM-SHA-256-PLUS', '[A-Za-z0-9+/]+=*', '\*');

subtest 'what auth names is not offered' => sub {
	my $none = sub { my ($offered, $auth, %o) = @_;
		return { server => { mechanisms => $offered }, keys => { auth => $auth }, exit => 77, cause => 'no-common-mechanism',
			told => qr/server offers \Q$offered\E; this account allows /, @by, heard => [qw(EHLO QUIT)], %o } };

	never(
		'SCRAM asked for, PLAIN offered' => $none->('PLAIN LOGIN', 'scram-sha-256'),
		'SCRAM asked for, one with SHA-1 and CRAM-MD5 offered' => $none->('SCRAM-SHA-1 CRAM-MD5', 'scram-sha-256'),
		'-PLUS asked for, and taken away' => $none->('SCRAM-SHA-256 PLAIN', 'scram-sha-256-plus'),
		'either of two SCRAM' => $none->('PLAIN', 'scram-sha-256-plus, scram-sha-256'),
		'CRAM-MD5 asked for, PLAIN offered' => $none->('PLAIN', 'cram-md5'),
		'PLAIN asked for, LOGIN offered' => $none->('LOGIN', 'plain'),
		'a certificate asked for, PLAIN offered' => $none->('PLAIN', 'external'),
		'a name that begins so' => $none->('SCRAM-SHA-256X PLAIN XSCRAM-SHA-256', 'scram-sha-256'),
		'a token asked for, passwords offered' => $none->('PLAIN LOGIN', 'xoauth2', token => 1, keys => {}),
		'nothing asked for, CRAM-MD5 offered' => $none->('CRAM-MD5', undef, cause => 'login-weak-only'),
		'nothing asked for, tokens offered' => $none->('XOAUTH2 OAUTHBEARER', undef, cause => 'login-wants-token',
			server => { token => $token, mechanisms => 'XOAUTH2 OAUTHBEARER' }),
		'nothing asked for, nothing known offered' => $none->('NTLM DIGEST-MD5', undef),
	);
};

# A SCRAM login shows no secret before the server has shown that it knows it as well.
subtest 'the stronger one is refused, and the weaker one is not tried' => sub {
	my $refused = sub { my ($reply, %o) = @_;
		return { server => { mechanisms => 'SCRAM-SHA-256 PLAIN LOGIN', at => qq(AUTH reply "$reply") }, exit => 77, cause => qr/^login/,
			@by, heard => \@once, %o } };

	never(
		'504' => $refused->('504 5.5.4 mechanism not supported', cause => qr/./),
		'535' => $refused->('535 5.7.8 no'),
		'538, encryption wanted' => $refused->('538 5.7.11 use TLS', cause => qr/./),
		'500' => $refused->('500 5.5.2 what', cause => qr/./),
		'502' => $refused->('502 5.5.1 not implemented', cause => qr/./),
		'503' => $refused->('503 5.5.1 not now', cause => qr/./),
		'534, too weak' => $refused->('534 5.7.9 mechanism too weak, use PLAIN', cause => qr/./),
		'432, a transition is needed' => $refused->('432 4.7.12 use PLAIN once', exit => 75, cause => qr/./),
		'454' => $refused->('454 4.7.0 later', exit => 75, cause => 'login-later'),
		'e=other-error' => $refused->('334 ' . b64('e=other-error'), cause => qr/./),
		'a challenge that is none' => $refused->('334 !!!', exit => 76, cause => 'protocol'),
		'250' => $refused->('250 ok', exit => 76, cause => 'protocol'),
		'334 and the words of LOGIN' => $refused->('334 ' . b64('Password:'), cause => qr/./),
	);
};

subtest 'D7, C4: a server that does not know the password' => sub {
	my $lie = sub { my ($o, %o) = @_;
		return map { my $mechanism = $_; my ($name) = %$o; ("$name $o->{$name}, $mechanism" => { server => { mechanisms => "$mechanism PLAIN", %$o }, @by,
			exit => 77, heard => \@once, %o }) } qw(SCRAM-SHA-256 SCRAM-SHA-256-PLUS) };

	never(
		# The proof is what SCRAM shows to whoever claims to be the server; nobody finds a good
		# password by it, and the wrong answer to it ends the session.
		$lie->({ scram_bad_signature => 1 }, cause => 'server-proof-wrong', gets => ['a proof of SCRAM']),
		$lie->({ scram_no_signature => 1 }, cause => 'server-proof-wrong', gets => ['a proof of SCRAM']),
		$lie->({ scram_reuse_nonce => 1 }, cause => 'login-impossible', told => qr/nonce does not continue ours/,
			next => qr/tell the server's operator/),
		(map { $lie->({ scram_rounds => $_ }, cause => 'login-rounds') } 1, 4095, 1_000_001, 2_147_483_647),
		'235 to the first message' => { server => { mechanisms => 'SCRAM-SHA-256', at => 'AUTH reply "235 2.7.0 welcome"' }, @by, exit => 77,
			cause => 'server-proof-wrong', heard => \@once },
		map({ ("235 to AUTH $_" => { server => { mechanisms => $_, at => 'AUTH reply "235 2.7.0 welcome"' }, @by, exit => 77,
			cause => 'login-unasked', heard => [qw(EHLO QUIT AUTH)], keys => { auth => lc $_ } }) } 'LOGIN', 'CRAM-MD5'),
		'235 to the name alone' => { server => { mechanisms => 'LOGIN', at => 'AUTH-RESPONSE:1 reply "235 2.7.0 welcome"' }, @by, exit => 77,
			cause => 'login-unasked', heard => [qw(EHLO QUIT AUTH), b64($user)] },
	);
};

# Who takes -PLUS out of the list is found out by the server, which is told that we could.
subtest 'the binding that was taken away is missed' => sub {
	my $s = server_start(tls => 'implicit', user => $user, password => $secret, mechanisms => 'SCRAM-SHA-256');
	my $r = send_mail(account($s, tls => 'implicit', user => $user, password => qq("$secret")));
	my ($first) = map { /^AUTH SCRAM-SHA-256 (\S+)/ ? decode_base64($1) : () } $s->commands;

	is($r->{exit}, 0, 'a server that has no -PLUS');
	like($first, qr/^y,,n=/, 'is told that we have');
	$s = server_start(tls => 'implicit', user => $user, password => $secret, mechanisms => 'SCRAM-SHA-256 SCRAM-SHA-256-PLUS');
	$r = send_mail(account($s, tls => 'implicit', user => $user, password => qq("$secret"), auth => 'scram-sha-256'));
	($first) = map { /^AUTH SCRAM-SHA-256 (\S+)/ ? decode_base64($1) : () } $s->commands;
	like($first, qr/^n,,n=/, 'one that offers it and is not wanted to use it is not accused');
};

subtest 'D6: what a login is missing is not sent without it' => sub {
	my @cases = (
		['the best of what is offered', 'PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256', undef, 'SCRAM-SHA-256'],
		['in whatever order and letters', 'cram-md5 Login plain scram-sha-1', undef, 'SCRAM-SHA-1'],
		['the first of a list that is offered', 'PLAIN LOGIN', 'scram-sha-256, login, plain', 'LOGIN'],
	);
	for my $case (@cases) {
		my ($name, $offered, $auth, $used) = @$case;
		my $s = server_start(tls => 'implicit', user => $user, password => $secret, require_login => 1, mechanisms => $offered);
		my $r = send_mail(account($s, tls => 'implicit', user => $user, password => qq("$secret"), auth => $auth));

		is($r->{exit}, 0, "$name: sent") or diag($r->{err});
		is_deeply([$s->logins], ["$user $used"], "$name: by $used");
	}
};

# A server that announces what the runner of a machine has is still one of the others.
subtest 'XSENDOFF from afar' => sub {
	my $s = server_start(tls => 'implicit', user => $user, password => $secret, extensions => 'XSENDOFF PIPELINING');
	my $config = account($s, tls => 'implicit', user => $user, password => qq("$secret"), global => { domain => undef });
	my $text = letter("gr\xc3\xbc\xc3\x9fe " . 'x' x 2000 . "\n", 'MIME-Version' => '1.0', 'Content-Type' => 'text/plain; charset=utf-8',
		'Content-Transfer-Encoding' => '8bit');
	my $r = send_mail($config, undef, stdin => $text);

	is($r->{exit}, 0, 'sent') or diag($r->{err});
	unlike($s->envelope(1)->{mail}, qr/ X[A-Z]+=/, 'nothing is said of who has written it');
	like($s->message(1), qr/gr=C3=BC=C3=9Fe/, 'and it gets what it can take');
	unlike($s->message(1), qr/^[^\n]{1000}/m, 'in lines that are not too long');
};

done_testing;
