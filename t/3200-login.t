#!/usr/bin/perl
# Logging in: once, never in clear, never weaker than asked; where the secret
# comes from, and where it must not turn up.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64 encode_base64);
use SendoffTest;
use SendoffTest::Send;

my $user = 'me@example.test';
my %me = (user => $user, password => 'pass w0rd');
my %tls = (tls => 'implicit');

sub auths { return scalar grep { /^AUTH/ } $_[0]->commands }
sub mails { return scalar grep { /^(?:MAIL|RCPT|DATA|BDAT|\()/ } $_[0]->commands }

subtest 'C9: a refused login is tried once, and with nothing else' => sub {
	my %all = (mechanisms => 'PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS');
	for my $auth (undef, qw(plain login cram-md5 scram-sha-256), 'plain, login, cram-md5') {
		for my $pipelining (qw(standard full)) {
			my $s = server_start(%me, %tls, %all);
			my $r = send_mail(account($s, %me, %tls, password => 'wrong', auth => $auth, pipelining => $pipelining));
			my $name = ($auth // 'any mechanism') . ", $pipelining";
			is($r->{exit}, 77, "$name: 77") or diag($r->{err});
			like($r->{err}, qr/logging in failed: 535 5\.7\.8/, "$name: the server's words");
			is(auths($s), 1, "C9: $name: one attempt");
			is($s->connections, 1, "C9: $name: one connection");
			is($s->stored, 0, "D6: $name: no mail");
		}
	}
	my $s = server_start(user => $user, token => 'good', %tls);
	for my $auth (qw(xoauth2 oauthbearer)) {
		$s = server_start(user => $user, token => 'good', %tls);
		my $r = send_mail(account($s, %me, %tls, password => 'ya29.gone', auth => $auth));
		is($r->{exit}, 77, "$auth: 77");
		like($r->{err}, qr/535.*status.*401/, "D8: $auth: with what the server told of the token") or diag(join "\n", $s->replies);
		is(auths($s), 1, "$auth: one attempt");
		is_deeply([grep { $_ eq ($auth eq 'xoauth2' ? '' : 'AQ==') } ($s->commands)[2]],
			[$auth eq 'xoauth2' ? '' : 'AQ=='], "D8: $auth: the error is answered once");
	}
	for my $row (['454 4.7.0 Temporary authentication failure', 75], ['432 4.7.12 A password transition is needed', 75],
		['421 4.7.0 Too many login attempts', 75], ['534 5.7.9 Application-specific password required', 77],
		['550 5.7.30 Basic authentication is not supported', 77], ['500 5.5.2 what?', 77]) {
		my ($reply, $code) = @$row;
		$s = server_start(%me, %tls, at => qq(AUTH reply "$reply"));
		my $r = send_mail(account($s, %me, %tls));
		is($r->{exit}, $code, "$reply: $code");
		is(auths($s) . mails($s), '10', "$reply: once, and no mail");
	}
};

subtest 'D6: a login that is configured must happen' => sub {
	for my $case (
		['no AUTH offered', {}, {}, qr/does not offer any login/],
		['nothing in common', { %me, mechanisms => 'GSSAPI NTLM' }, {}, qr/server offers GSSAPI NTLM; this account allows /],
		['a ticket is never taken by itself', { %me, mechanisms => 'GSSAPI' }, {}, qr/Kerberos ticket.*\n.*auth = gssapi/],
		['forbidden by name', { %me, mechanisms => 'PLAIN LOGIN' }, { auth => '!plain, !login' },
			qr/server offers PLAIN LOGIN; this account allows SCRAM-SHA-256-PLUS SCRAM-SHA-256 .*; auth forbids PLAIN/],
		['SCRAM taken away, PLAIN forbidden', { %me, mechanisms => 'PLAIN' }, { auth => 'auto, !plain' }, qr/auth forbids PLAIN/],
		['authzid, and none that carries it', { %me, mechanisms => 'LOGIN CRAM-MD5' }, { authzid => 'other' },
			qr/LOGIN cannot carry the authzid/],
		['auth = plain, not offered', { %me, mechanisms => 'LOGIN' }, { auth => 'plain' },
			qr/server offers LOGIN; this account allows PLAIN/],
		['SCRAM asked for, PLAIN offered', { %me, mechanisms => 'PLAIN LOGIN' }, { auth => 'scram-sha-256' },
			qr/server offers PLAIN LOGIN; this account allows SCRAM-SHA-256/],
		['SCRAM-PLUS asked for, taken away', { %me, mechanisms => 'SCRAM-SHA-256 PLAIN' }, { auth => 'scram-sha-256-plus' },
			qr/this account allows SCRAM-SHA-256-PLUS/],
		['a token, and only passwords', { %me, mechanisms => 'PLAIN' }, { auth => 'xoauth2' }, qr/allows XOAUTH2/],
		['a password, and only tokens', { %me, token => 'x', mechanisms => 'XOAUTH2' }, {}, qr/OAuth access token.*\n.*auth = xoauth2/],
		['CRAM-MD5 only, not asked for', { %me, mechanisms => 'CRAM-MD5' }, {}, qr/CRAM-MD5 is weak.*\n.*auth = cram-md5/],
		['AUTH before TLS only', { %me, tls => 'starttls', mechanisms => '', mechanisms_before_tls => 'PLAIN' },
			{ tls => 'starttls' }, qr/does not offer any login/],
	) {
		my ($name, $server, $keys, $words) = @$case;
		my $s = server_start(%tls, %$server);
		my $r = send_mail(account($s, %me, %tls, %$keys));
		is($r->{exit}, 77, "$name: 77") or diag($r->{err});
		like($r->{err}, $words, "$name: both lists, or why");
		is(auths($s) . mails($s), '00', "$name: no login, no mail");
	}
	my $s = server_start();
	my $r = send_mail(account($s, auth => 'none'));
	is($r->{exit}, 0, 'auth = none: no login');
	$s = server_start(%me, %tls, require_login => 1);
	$r = send_mail(account($s, %tls));
	is($r->{exit}, 77, 'the server wants one, and the account has none');
	like($r->{err}, qr/530.*\n.*wants a login/, 'told');
};

subtest 'D5: no password in clear' => sub {
	my $s = server_start(%me, mechanisms => 'PLAIN LOGIN');
	for my $keys ({}, { auth => 'plain' }, { auth => 'login' }, { auth => 'plain, login' }) {
		my $r = send_mail(account($s, %me, %$keys));
		my $name = join '', %$keys;
		is($r->{exit}, 77, "$name: 77") or diag($r->{err});
		like($r->{err}, qr/not encrypted.*\n.*allow_clear_password = yes/, "$name: the one key that allows it");
	}
	is(auths($s) . mails($s), '00', 'nothing was said');
	my $r = send_mail(account($s, %me, allow_clear_password => 'yes'));
	is($r->{exit}, 0, 'with that key');
	$s = server_start(user => $user, token => 't');
	$r = send_mail(account($s, %me, password => 't', auth => 'xoauth2'));
	is($r->{exit} . auths($s), '770', 'nor a token');
	$s = server_start(%me, mechanisms => 'SCRAM-SHA-256');
	$r = send_mail(account($s, %me));
	is($r->{exit}, 0, 'SCRAM shows no password, so it may') or diag($r->{err});
};

subtest 'D7, C4: SCRAM, and a server that does not know the password' => sub {
	for my $case (
		['a wrong signature', { scram_bad_signature => 1 }, qr/signature|prove/],
		['235 without a signature', { scram_no_signature => 1 }, qr/signature|prove/],
		['our own nonce given back', { scram_reuse_nonce => 1 }, qr/nonce/],
		['one round', { scram_rounds => 1 }, qr/\b1\b.*rounds|rounds/], ['4095 rounds', { scram_rounds => 4095 }, qr/rounds/],
		['a million and one', { scram_rounds => 1_000_001 }, qr/rounds/],
		['2^31', { scram_rounds => 2147483648 }, qr/rounds|not/],
	) {
		my ($name, $server, $words) = @$case;
		for my $mechanism (qw(SCRAM-SHA-256 SCRAM-SHA-256-PLUS)) {
			my $s = server_start(%me, %tls, mechanisms => $mechanism, %$server);
			my $r = send_mail(account($s, %me, %tls), undef, timeout => 30);
			ok($r->{exit} == 77 || $r->{exit} == 76, "$name, $mechanism: fails ($r->{exit})") or diag($r->{err});
			like($r->{err}, $words, "$name, $mechanism: told");
			is(mails($s) + $s->stored, 0, "D7: $name, $mechanism: no mail");
			# Only who has gone through the rounds could send a proof; 2^31 of them take half an hour.
			is(scalar(grep { decode_base64($_) =~ /,p=/ } $s->commands), $server->{scram_rounds} || $server->{scram_reuse_nonce} ?
				0 : 1, "C4: $name, $mechanism: the rounds are gone through only where they should be");
		}
	}
	for my $rounds (4096, 100_000) {
		my $s = server_start(%me, %tls, mechanisms => 'SCRAM-SHA-256', scram_rounds => $rounds);
		is(send_mail(account($s, %me, %tls))->{exit}, 0, "$rounds rounds are fine");
	}
	for my $challenge ('', '!!!', b64('r=x'), b64('r=,s=,i='), b64('m=ext,r=x,s=eA==,i=4096'), b64("\0" x 50), b64('e=other-error'),
		b64('r=' . 'x' x 3000 . ',s=eA==,i=4096')) {
		my $s = server_start(%me, %tls, mechanisms => 'SCRAM-SHA-256', at => qq(AUTH reply "334 $challenge"));
		my $r = send_mail(account($s, %me, %tls));
		ok($r->{exit} >= 75 && $r->{exit} <= 77, "challenge '" . substr($challenge, 0, 20) . "': fails") or diag($r->{err});
		like($r->{err}, qr/nonce does not continue ours/, 'a nonce of its own') if length $challenge > 1000;
		is(mails($s), 0, 'no mail');
	}
};

subtest 'mechanisms forbidden and preferred' => sub {
	my %all = (mechanisms => 'PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS');
	for my $case (['!scram-sha-256-plus', 'SCRAM-SHA-256'], ['auto, !scram-sha-256-plus, !scram-sha-256', 'SCRAM-SHA-1'],
		['login, plain', 'LOGIN'], ['external, cram-md5', 'CRAM-MD5'],
		['!SCRAM-SHA-256-PLUS, ! SCRAM-SHA-256, !SCRAM-SHA-1, !PLAIN', 'LOGIN']) {
		my ($auth, $by) = @$case;
		my $s = server_start(%me, %tls, %all);
		my $r = send_mail(account($s, %me, %tls, auth => $auth));
		is($r->{exit}, 0, "auth = $auth") or diag($r->{err});
		is((map { /^AUTH (\S+)/ } $s->commands)[0], $by, "... $by");
	}
	for my $case (['!plain, login', qr/forbids PLAIN.*\n.*leave '!PLAIN' out/], ['none, !plain', qr/'none' cannot stand/],
		['!plian', qr/'plian'.*\n.*did you mean PLAIN/], ['auto, plain', qr/'auto' cannot stand/]) {
		my ($auth, $words) = @$case;
		my $r = send_mail(config("[account a]\nhost = localhost\nuser = x\npassword = secret7\nauth = $auth\n"));
		is($r->{exit}, 78, "auth = $auth: 78");
		like($r->{err}, $words, '... in words');
	}
};

# RFC 4505; as nobody, and only where it is named.
subtest 'ANONYMOUS' => sub {
	for my $case ([{}, 'AUTH ANONYMOUS ='], [{ user => 'cron@example.test' }, 'AUTH ANONYMOUS ' . b64('cron@example.test')]) {
		my ($keys, $auth) = @$case;
		for my $tls ('implicit', 'off') {
			for my $pipelining (qw(standard full)) {
				my $s = server_start(tls => $tls, mechanisms => 'ANONYMOUS', require_login => 1);
				my $r = send_mail(account($s, tls => $tls, auth => 'anonymous', pipelining => $pipelining, %$keys));
				is($r->{exit}, 0, "$auth, tls $tls, $pipelining: sent") or diag($r->{err});
				is(($s->commands)[1], $auth, '... on the wire');
				is($s->stored, 1, '... once');
				is_deeply([$s->violations], [], '... by the rules');
			}
		}
	}
	my $s = server_start(%me, %tls, mechanisms => 'ANONYMOUS');
	my $r = send_mail(account($s, %me, %tls));
	is($r->{exit}, 77, 'one who has a password is not nobody');
	like($r->{err}, qr/the server offers ANONYMOUS; this account allows /, '... said');
	is(auths($s) . mails($s), '00', '... nor is it tried');
	$s = server_start(tls => 'implicit', mechanisms => 'ANONYMOUS', at => 'AUTH reply "535 5.7.8 nobody is nobody here"');
	$r = send_mail(account($s, %tls, auth => 'anonymous'));
	is($r->{exit}, 77, 'refused');
	is(auths($s) . mails($s), '10', '... once, and no mail');
	is(send_mail(config("[account a]\nhost = localhost\nauth = anonymous\nauthzid = y\n"))->{exit}, 78, 'nobody acts as nobody else');
};

subtest 'authzid' => sub {
	my $to = 'a,b=c@example.test';
	for my $mechanism (qw(PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS OAUTHBEARER)) {
		my $s = server_start(%me, %tls, token => $me{password} =~ tr/ /_/r, authzid => $to, mechanisms => "$mechanism LOGIN XOAUTH2");
		my %keys = ($mechanism eq 'OAUTHBEARER' ? (auth => 'oauthbearer, xoauth2', password => 'pass_w0rd') : ());
		my $r = send_mail(account($s, %me, %tls, authzid => $to, %keys));
		is($r->{exit}, 0, "$mechanism: acts as another") or diag($r->{err});
		is((map { /^AUTH (\S+)/ } $s->commands)[0], $mechanism, "... by no other login");
		$r = send_mail(account($s, %me, %tls, authzid => 'somebody', %keys));
		is($r->{exit}, 77, "$mechanism: as one that it may not be");
		is($s->stored, 1, 'D6: ... no mail');
	}
	my $r = send_mail(config("[account a]\nhost = localhost\nuser = x\npassword = secret7\nauthzid = y\nauth = login, cram-md5\n"));
	is($r->{exit}, 78, 'none that can carry it');
	is(send_mail(config("[account a]\nhost = localhost\nauthzid = y\n"))->{exit}, 78, 'nobody who logs in to act as it');
	like($r->{err}, qr/authzid is set.*\n.*XOAUTH2, LOGIN, CRAM-MD5 and ANONYMOUS know no authzid/, '... told at once');
};

subtest 'SASLprep' => sub {
	# As the server has stored it, and as it was typed: RFC 4013 section 3.
	for my $case (['IX', "I\xc2\xadX"], ['IX long', "\xe2\x85\xa8 long"], ['pawx geheim', "p\xc2\xaaw\xc2\xadx geheim"],
		["p\xc3\xa4ss geheim", "pa\xcc\x88ss geheim"]) {
		my ($stored, $typed) = @$case;
		for my $mechanism (qw(SCRAM-SHA-1 SCRAM-SHA-256-PLUS)) {
			my $s = server_start(user => 'mea', password => $stored, %tls, mechanisms => $mechanism);
			is(send_mail(account($s, user => "me\xc2\xaa", password => $typed, %tls))->{exit}, 0, "$mechanism: '$stored'");
		}
		my $s = server_start(user => 'me', password => $typed, %tls, mechanisms => 'PLAIN');
		is(send_mail(account($s, user => 'me', password => $typed, %tls))->{exit}, 0, "PLAIN sends it as it is: '$stored'");
	}
	for my $typed ("geheim\xd8\xa71", "\xf0\x9f\x94\x91 geheim", "geheim\xff", "geheim\x07") {
		my $s = server_start(%me, %tls, mechanisms => 'SCRAM-SHA-256 PLAIN');
		my $r = send_mail(account($s, %me, %tls, password => undef, password_file => file_write(workdir() . '/s', $typed)));
		is($r->{exit}, 77, 'what has no prepared form') or diag($r->{err});
		like($r->{err}, qr/the password cannot be used with SCRAM-SHA-256: .*\n.*auth = plain/, '... in words');
		is(auths($s) . mails($s), '00', 'D6: ... and goes by no weaker login');
	}
};

# What a server says to each step of each login.  Nothing of it makes a login, and none of it
# is worth a secret.
subtest 'hostile servers, all mechanisms' => sub {
	my $junk = 'eA==' x 12_000;
	my %says = (
		'235 at once' => ['AUTH reply "235 2.7.0 welcome"'],
		'a challenge that is no base64' => ['AUTH reply "334 !!not base64"', 'AUTH-RESPONSE reply "334 !!"'],
		'a challenge of 48 kB' => [qq(AUTH reply "334 $junk")],
		'challenges without end' => ['AUTH reply "334 eA=="', 'AUTH-RESPONSE reply "334 eA=="'],
		'empty ones without end' => ['AUTH reply "334 "', 'AUTH-RESPONSE reply "334 "'],
		'silence' => ['AUTH silence'],
		'something else' => ['AUTH reply "220 hello"'],
		'two answers' => ['AUTH reply "334 eA==\r\n235 2.7.0 welcome"'],
	);
	for my $mechanism (qw(SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS)) {
		for my $what (sort keys %says) {
			my $s = server_start(%me, %tls, mechanisms => $mechanism, at => $says{$what});
			my $r = send_mail(account($s, %me, %tls, timeout => '800ms'), undef, timeout => 60);
			ok($r->{exit} >= 75 && $r->{exit} <= 77, "$mechanism, $what: an error ($r->{exit})") or diag($r->{err});
			like($r->{err}, qr/^sendoff: \S.{10}/, '... in words');
			cmp_ok(scalar(() = $s->commands), '<', 10, '... soon');
			is(scalar(grep { (eval { decode_base64($_) } // '') =~ /,p=/ } $s->commands), 0, "D7: $mechanism, $what: no proof is given");
			is(mails($s), 0, "D6: $mechanism, $what: no mail");
		}
	}
	for my $mechanism (qw(LOGIN CRAM-MD5 PLAIN EXTERNAL XOAUTH2 OAUTHBEARER)) {
		for my $what (grep { $_ ne '235 at once' } sort keys %says) {
			my %keys = $mechanism eq 'EXTERNAL' ? (tls_cert => cert('client'), tls_key => cert('client', 'key')) : %me;
			my $s = server_start(%me, token => 'pass_w0rd', %tls, mechanisms => $mechanism, at => $says{$what});
			my $r = send_mail(account($s, %keys, %tls, ($mechanism =~ /OAUTH/ ? (password => 'pass_w0rd') : ()), auth => lc $mechanism,
				timeout => '800ms'), undef, timeout => 60);
			ok($r->{exit} >= 75 && $r->{exit} <= 77, "$mechanism, $what: an error ($r->{exit})") or diag($r->{err});
			like($r->{err}, qr/^sendoff: \S.{10}/, '... in words');
			cmp_ok(scalar(() = $s->commands), '<', 10, '... soon');
			is(mails($s), 0, "D6: $mechanism, $what: no mail");
		}
	}
};

subtest 'challenges without end' => sub {
	for my $mechanism (qw(PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 XOAUTH2)) {
		my $s = server_start(%me, token => 'pass w0rd', %tls, mechanisms => $mechanism, at => ['AUTH reply "334 eA=="',
			'AUTH-RESPONSE reply "334 eA=="']);
		my $r = send_mail(account($s, %me, %tls, auth => lc $mechanism), undef, timeout => 10);
		ok($r->{exit} >= 75 && $r->{exit} <= 77, "$mechanism: an end all the same ($r->{exit})");
		cmp_ok(scalar(() = $s->commands), '<', 10, "$mechanism: soon");
		is(mails($s), 0, "$mechanism: no mail");
	}
};

# ---- where the secret comes from

my $server = server_start(%me, %tls, mechanisms => 'PLAIN');

sub from_source
{
	my ($name, $keys, %o) = @_;
	my $code = delete $o{code} // 0;
	my $words = delete $o{words};
	my $r = send_mail(account($server, %me, %tls, password => undef, %$keys), undef, %o);

	is($r->{exit}, $code, "$name: exit $code") or diag($r->{err});
	like($r->{err}, $words, "$name: told") if $words;
	return $r;
}

subtest 'where the secret comes from' => sub {
	my $file = sub { return file_write(workdir() . '/secret', $_[0], $_[1] // 0600) };
	from_source('password', { password => 'pass w0rd' });
	from_source('password in quotes', { password => '"pass w0rd"' });
	for my $end ('', "\n", "\r\n") {
		my $shown = $end =~ s/\r/CR/r =~ s/\n/LF/r;
		from_source("password_file, ended by '$shown'", { password_file => $file->("pass w0rd$end") });
		from_source("password_command, ended by '$shown'", { password_command => "cat " . $file->("pass w0rd$end") });
		from_source("password_env, ended by '$shown'", { password_env => 'MAIL_SECRET' }, env => { MAIL_SECRET => "pass w0rd$end" });
	}
	my $r = from_source('two line ends', { password_file => $file->("pass w0rd\n\n") }, code => 77);
	from_source('nothing', { password_file => $file->('') }, code => 78, words => qr/empty/);
	from_source('a line end alone', { password_command => 'echo' }, code => 78, words => qr/empty/);
	from_source('a NUL', { password_file => $file->("p\0w") }, code => 78, words => qr/NUL/);
	from_source('too long', { password_file => $file->('x' x 100_000) }, code => 78, words => qr/large|more than/);
	from_source('no such file', { password_file => '/nonexistent' }, code => 78, words => qr{/nonexistent});
	from_source('no such variable', { password_env => 'NOT_SET' }, code => 78, words => qr/NOT_SET is not set/);
	for my $mode (0604, 0644, 0602, 0666) {
		from_source(sprintf('D10: mode %04o', $mode), { password_file => $file->("pass w0rd", $mode) }, code => 78,
			words => qr/other users.*\n.*chmod/);
	}
	SKIP: {
		skip 'needs root', 9 if $>;
		for my $mode (0640, 0620, 0660) {
			my $path = $file->('pass w0rd', $mode);
			chown 0, 1, $path;
			from_source(sprintf('D10: mode %04o and a group of others', $mode), { password_file => $path }, code => 78,
				words => qr/other users.*\n.*chmod/);
			chown 1, 0, $path;
			chmod 0600, $path;
			from_source('D10: of another user', { password_file => $path }, code => 78, words => qr/belongs to another user/)
				if $mode == 0640;
			unlink $path;
		}
	}
	from_source('a directory', { password_file => workdir() }, code => 78, words => qr/directory/);
	system('mkfifo', workdir() . '/fifo');
	from_source('a FIFO that nobody writes to', { password_file => workdir() . '/fifo' }, code => 78, words => qr/pipe/);
	symlink $file->('pass w0rd'), workdir() . '/secret-link';
	from_source('a link to a good file', { password_file => workdir() . '/secret-link' });

	from_source('a command that fails', { password_command => 'echo hunter2; exit 3' }, code => 78,
		words => qr/password_command failed: exit status 3/);
	from_source('a command that is killed', { password_command => 'kill -9 $$' }, code => 78, words => qr/signal 9/);
	from_source('a command that is not there', { password_command => 'no-such-command-here' }, code => 78,
		words => qr/not found.*\n.*whole path/);
	$r = from_source('its own words are for a terminal', { password_command => 'echo locked >&2; exit 1' }, code => 78,
		words => qr/exit status 1/);
	unlike($r->{err}, qr/^locked/m, 'and go nowhere else');
	from_source('too much', { password_command => 'yes' }, code => 78, words => qr/more than/);
	from_source('quotes, pipes and variables', { password_command => q(printf '%s' "pass $(echo w0rd | tr a-z a-z)") });
	from_source('no stdin', { password_command => 'cat; printf "pass w0rd"' });
	from_source('it ends though its children live', { password_command => 'printf "pass w0rd"; sleep 3 >/dev/null &' });
	from_source('nothing is substituted', { password_command => 'printf "%s" "pass w0rd" # %h %u {host}' });
	$r = from_source('a slow one', { password_command => 'sleep 2.5; printf "pass w0rd"' });
	cmp_ok($r->{seconds}, '>', 2.4, 'it was waited for, the server notwithstanding');

	for my $two (['password', 'password_file'], ['password_command', 'password_env']) {
		my $r = send_mail(account($server, %me, %tls, password => undef, map { $_ => '/x' } @$two));
		is($r->{exit}, 78, "@$two: only one");
		like($r->{err}, qr{$two->[0] \(line \d+\) and $two->[1] \(line \d+\) are both set}, 'both named, with their lines');
	}
	is_deeply([$server->violations], [], 'all by the rules');
};

subtest 'D9: passwords with every printable octet arrive as they are' => sub {
	my @secrets = (join('', map { chr } 33 .. 126), "a b  c", "tab\tin", "p\xc3\xa4ss \xe2\x82\xac", 'x' x 1000, '#;"\\\'$`%', '"',
		'a;b #c', '=', '  lead', "\xff\xfe");
	for my $secret (@secrets) {
		my $s = server_start(user => $user, password => $secret, %tls, mechanisms => 'PLAIN');
		my $shown = substr($secret, 0, 15) =~ s/[^ -~]/?/gr;
		my @sources = ({ password_file => file_write(workdir() . '/s', $secret) },
			{ password_env => 'S' }, { password_command => 'cat ' . workdir() . '/s' },
			{ password => qq("$secret") });
		for my $keys (@sources) {
			my ($key) = keys %$keys;
			my $r = send_mail(account($s, user => $user, %tls, %$keys), undef, env => { S => $secret });
			is($r->{exit}, 0, "$shown by $key") or diag($r->{err});
		}
	}
};

subtest 'D9: the secret turns up nowhere' => sub {
	my $secret = 'Tr0ub4dor&3_secret';
	my @login = (user => $user, password => $secret);
	my $log = workdir() . '/log';
	my $report = workdir() . '/environment';
	my @mechanisms = (qw(PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS XOAUTH2 OAUTHBEARER));
	# Some servers repeat what they do not understand.
	my $plain = b64("\0$user\0$secret");
	my $bearer = b64("user=$user\1auth=Bearer $secret\1\1");
	my %repeats = (
		PLAIN => qq(AUTH reply "501 5.5.4 what is $plain or $secret"), XOAUTH2 => qq(AUTH reply "501 5.5.4 what is $bearer"),
		LOGIN => [map { qq(AUTH-RESPONSE:$_ reply "501 5.5.4 what is ) . b64($secret) . qq( or $secret") } 2, 4],
		OAUTHBEARER => qq(AUTH reply "501 5.5.4 what is 'Bearer $secret'"),
	);
	my $is_shown = sub {
		my ($text) = @_;
		return 'plain' if index($text, $secret) >= 0;
		# Base64 of it at each of the three offsets, without its edges.
		for my $before ('', 'x', 'xx') {
			my $code = encode_base64($before . $secret, '');
			return "base64" if index($text, substr($code, 4, 16)) >= 0;
		}
		return 'what it was sent as' if $text =~ /user=\Q$user\E.auth/s;
		for my $word ($text =~ m{([A-Za-z0-9+/=]{16,})}g) {
			return "base64 of it" if index(decode_base64($word), $secret) >= 0;
		}
		return '';
	};
	ok($is_shown->('x ' . $plain), 'the search finds it');
	for my $mechanism (@mechanisms) {
		for my $good (1, 0) {
			for my $echo (undef, $repeats{$mechanism}) {
				my $s = server_start(@login, token => $secret, ($good ? () : (password => 'x', token => 'x')), %tls,
					mechanisms => $mechanism, at => $echo);
				my %keys = (@login, %tls, auth => lc $mechanism, global => { log => $log });
				my @runs = (
					send_mail(account($s, %keys), ['-v', '--json', 'send', '--no-queue', 'you@example.net']),
					sendmail(account($s, %keys), ['-v', 'you@example.net']),
				);
				my $name = $mechanism . ($good ? '' : ', refused') . ($echo ? ', repeated by the server' : '');
				is($runs[0]{exit}, $good && !$echo ? 0 : 77, "$name: as it should be") or diag($runs[0]{err});
				is(join('', map { $is_shown->($_->{out} . $_->{err}) } @runs), '', "$name: outputs") or
					diag($runs[0]{out} . $runs[0]{err});
				last if !$repeats{$mechanism};
			}
		}
	}
	is($is_shown->(file_read($log)), '', 'the log');
	my $s = server_start(@login, %tls, mechanisms => 'PLAIN');
	my $config = account($s, @login, %tls, global => { log => $log });
	for my $args (['config', 'show'], ['config', 'check'], ['--json', 'config', 'show'], ['config', 'show', 'test'],
		['-v', 'send', '--no-queue', '--dry-run', 'a@b.test'], ['-v', 'send', '--no-queue', '--explain', 'a@b.test']) {
		my $r = send_mail($config, $args);
		is($is_shown->($r->{out} . $r->{err}), '', "@$args");
	}
	# Broken configurations: the line is named, not shown.
	for my $bad ("pasword = $secret", "password = $secret\npassword = $secret", "$secret", "password: \"$secret\nfrom = x y",
		"password = " . $secret x 300) {
		my $r = send_mail(config("[account a]\nhost = localhost\nuser = x\n$bad\n"));
		is($r->{exit}, 78, 'a broken configuration') or diag($r->{err});
		is($is_shown->($r->{out} . $r->{err}), '', 'does not show it') or diag($r->{err});
	}

	# Long after the login as well.
	$s = server_start(@login, %tls, mechanisms => 'PLAIN',
		at => qq(MAIL reply "550 5.7.1 your password is $secret"));
	my $echo = send_mail(account($s, @login, %tls), ['-v', '--json', 'send', '--no-queue', 'a@b.test']);
	is($echo->{exit}, 77, 'a server that repeats the password at MAIL');
	is($is_shown->($echo->{out} . $echo->{err}), '', 'is not shown with it');

	# A process: its arguments, its environment, its children's.
	$s = server_start(@login, %tls, mechanisms => 'PLAIN', at => 'CONTENT delay 700');
	my $run = send_mail_start(account($s, @login, %tls));
	wait_until(sub { $run->turn(0.01); grep { $_->{kind} eq 'C' && $_->{text} =~ /^\(/ } $s->journal });
	my @proc = map { my $file = '/proc/' . $run->pid . "/$_"; -r $file ? file_read($file) : '' } qw(cmdline environ);
	is($is_shown->(join ' ', @proc), '', '/proc: arguments and environment');
	is($run->finish->{exit}, 0, 'sent');

	my $r = send_mail(account($s, user => $user, %tls, password_command => "env >$report; cat " .
		file_write(workdir() . '/s', $secret)), undef, env => { SENDOFF_PASSWORD => $secret });
	is($r->{exit}, 0, 'a command');
	is($is_shown->(file_read($report)), '', 'its environment has no SENDOFF_PASSWORD');
	$r = run_sendoff(['send', '--no-queue', 'a@b.test'], stdin => letter(), env => { SENDOFF_HOST => 'localhost', SENDOFF_PORT => $s->port,
		SENDOFF_TLS => 'implicit', SENDOFF_USER => $user, SENDOFF_PASSWORD => $secret });
	is($is_shown->($r->{out} . $r->{err}), '', 'an account in the environment');
};

done_testing;
