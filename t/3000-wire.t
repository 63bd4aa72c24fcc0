#!/usr/bin/perl
# What a server sees: every octet, every way to log in, and how often it is
# waited for.

use strict;
use warnings;

use Digest::MD5 qw(md5);
use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64);
use SendoffTest;
use SendoffTest::Send;

my @me = (user => 'me@example.test', password => 'pass w0rd');

# The octets of a session, its flights counted exactly.
sub session
{
	my ($server, %keys) = @_;
	my $rcpts = delete $keys{rcpts} // ['you@example.net'];
	my $config = account($server, %keys);

	return send_mail($config, ['send', '--no-queue', @$rcpts]);
}

sub octets
{
	my ($tls, $login, $bdat, @rcpts) = @_;
	my $hello = "EHLO client.example.test\r\n";
	my $content = wire(letter(".dot\nlast\n"));
	my $size = length $content;

	return $hello . ($tls eq 'starttls' ? "STARTTLS\r\n$hello" : '') .
		($login ? 'AUTH PLAIN ' . b64("\0me\@example.test\0pass w0rd") . "\r\n" : '') .
		"MAIL FROM:<me\@example.test> SIZE=$size\r\n" .
		join('', map { "RCPT TO:<$_>\r\n" } @rcpts) .
		($bdat ? "BDAT $size LAST\r\n$content" : "DATA\r\n" . ($content =~ s/^\./../mgr) . ".\r\n") .
		"QUIT\r\n";
}

subtest 'every mode: exact octets, fewest trips' => sub {
	# flights without TLS: EHLO, AUTH, MAIL+RCPT+DATA, content+QUIT
	my %base = (standard => 4, full => 3, off => 7);

	for my $pipelining (sort keys %base) {
		for my $tls (qw(off starttls implicit)) {
			for my $chunking (qw(no yes)) {
				my $name = "$pipelining, tls $tls, chunking $chunking";
				my $s = server_start(@me, tls => $tls, settle => 25, raw => 1);
				my $config = account($s, @me, tls => $tls, pipelining => $pipelining,
					chunking => $chunking, $tls eq 'off' ? (allow_clear_password => 'yes') : ());
				my $r = send_mail($config, undef, stdin => letter(".dot\nlast\n"));
				# BDAT saves one, but content never leaves before the login is accepted.
				my $flights = $base{$pipelining} + ($tls eq 'starttls' ? 2 : 0) -
					($chunking eq 'yes' && $pipelining ne 'full' ? 1 : 0);

				is($r->{exit}, 0, "$name: sent") or diag($r->{err});
				is_bytes($s->raw(1), octets($tls, 1, $chunking eq 'yes', 'you@example.net'),
					"$name: octets");
				is($s->flights, $flights, "$name: $flights flights");
				is_bytes($s->message(1), wire(letter(".dot\nlast\n")), "$name: A8, the message");
				is_deeply([$s->violations], [], "$name: no rule broken");
				is($r->{out} . $r->{err}, '', "$name: nothing said");
			}
		}
	}
};

subtest 'several recipients wait for each other, without a login' => sub {
	my $s = server_start(settle => 25, raw => 1);
	my @rcpts = ('a@example.net', 'b@example.net', 'c@example.net');
	my $r = send_mail(account($s), ['send', '--no-queue', @rcpts], stdin => letter(".dot\nlast\n"));

	is($r->{exit}, 0, 'sent');
	is_bytes($s->raw(1), octets('off', 0, 0, @rcpts), 'octets');
	is($s->flights, 4, 'EHLO, recipients, DATA, content');
	is_deeply($s->envelope(1)->{recipients}, \@rcpts, 'all of them');
};

subtest 'no PIPELINING: one command at a time' => sub {
	for my $pipelining (qw(standard full)) {
		my $s = server_start(@me, tls => 'implicit', settle => 25,
			extensions => 'SIZE 8BITMIME');
		my $r = send_mail(account($s, @me, tls => 'implicit', pipelining => $pipelining));

		is($r->{exit}, 0, "E5: $pipelining: sent");
		is_deeply([$s->violations], [], "E5: $pipelining: nothing pushed");
		is($s->flights, 7, "$pipelining: EHLO AUTH MAIL RCPT DATA content QUIT");
	}
};

subtest 'HELO, where there is no EHLO' => sub {
	for my $code ('500 5.5.1 what?', '502 5.5.1 not implemented') {
		my $s = server_start(at => qq(EHLO reply "$code"));
		my $r = send_mail(account($s));

		is($r->{exit}, 0, "$code: sent");
		is_deeply([($s->commands)[0 .. 4]], ['EHLO client.example.test', 'HELO client.example.test',
			'MAIL FROM:<me@example.test>', 'RCPT TO:<you@example.net>', 'DATA'],
			"$code: HELO, and then no parameter and no group");
		is_deeply([$s->violations], [], "$code: by the rules");
	}
	my $s = server_start(at => 'EHLO reply "550 5.7.1 go away"');
	my $r = send_mail(account($s));
	is($r->{exit}, 69, 'another refusal is one');
	is_deeply([$s->commands], ['EHLO client.example.test', 'QUIT'], 'left politely');
	$s = server_start(at => 'EHLO reply "502 5.5.1 not implemented"');
	$r = send_mail(account($s, @me, allow_clear_password => 'yes'));
	isnt($r->{exit}, 0, 'D6: never where a login is configured');
	ok(!grep(/^(HELO|MAIL)/, $s->commands), 'D6: no HELO, no mail');
	$s = server_start(tls => 'starttls', at => 'EHLO reply "502 5.5.1 not implemented"');
	$r = send_mail(account($s, tls => 'starttls'));
	isnt($r->{exit}, 0, 'D1: never where TLS is configured');
	is_deeply([grep { !/^QUIT$/ } $s->commands], ['EHLO client.example.test'], 'D1: no HELO, no mail');
};

# What AUTH lines a session had, and the message's login.
sub login
{
	my ($server, $config) = @_;
	my $r = send_mail($config);
	my @auth = grep { /^AUTH/ .. /^MAIL/ } $server->commands;

	pop @auth if @auth && $auth[-1] =~ /^MAIL/;
	diag($r->{err}) if $r->{exit};
	return ($r, ($server->envelope(1) // { auth => 'nothing sent' })->{auth}, @auth);
}

subtest 'every way to log in' => sub {
	my ($r, $as, @auth);
	my $user = 'me@example.test';

	my $s = server_start(@me, tls => 'implicit', mechanisms => 'LOGIN', settle => 25);
	($r, $as, @auth) = login($s, account($s, @me, tls => 'implicit'));
	is_deeply([$as, @auth], ["$user LOGIN", 'AUTH LOGIN', b64($user), b64('pass w0rd')],
		'LOGIN: asked step by step');
	is($s->flights, 6, 'LOGIN: three trips');

	$s = server_start(@me, tls => 'implicit', mechanisms => 'CRAM-MD5');
	($r, $as, @auth) = login($s, account($s, @me, tls => 'implicit', auth => 'cram-md5'));
	is($as, "$user CRAM-MD5", 'CRAM-MD5');
	like(decode_base64($auth[1] // ''), qr/^\Q$user\E [0-9a-f]{32}$/, 'CRAM-MD5: user and digest');

	for my $version ('1.3', '1.2') {
		for my $mechanism (qw(SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS)) {
			$s = server_start(@me, tls => 'implicit', tls_max => $version, mechanisms => $mechanism,
				settle => 25);
			($r, $as, @auth) = login($s, account($s, @me, tls => 'implicit'));
			is($as, "$user $mechanism", "$mechanism in TLS $version");
			is(($s->tls)[0] =~ /^(\S+)/ ? $1 : '', "TLS$version", "$mechanism: in TLS $version indeed");
			my $first = decode_base64($auth[0] =~ / (\S+)$/ ? $1 : '');
			like($first, $mechanism =~ /PLUS/ ? $version eq '1.3' ? qr/^p=tls-exporter,,n=/ :
				qr/^p=tls-unique,,n=/ : qr/^y,,n=\Q$user\E,r=/, "D6: $mechanism in TLS $version: binding");
			is(scalar @auth, 3, "$mechanism: initial response, proof, and an empty answer");
			ok(!grep({ /pass w0rd/ || index(decode_base64($_ =~ s/.* //r), 'pass w0rd') >= 0 } @auth),
				"D9: $mechanism: the password does not travel");
		}
	}

	$s = server_start(user => $user, token => 'ya29.token', tls => 'implicit');
	my @token = (user => $user, password => 'ya29.token', tls => 'implicit');
	($r, $as, @auth) = login($s, account($s, @token, auth => 'xoauth2'));
	is_deeply([$as, @auth], ["$user XOAUTH2",
		'AUTH XOAUTH2 ' . b64("user=$user\1auth=Bearer ya29.token\1\1")], 'XOAUTH2');
	$s = server_start(user => $user, token => 'ya29.token', tls => 'implicit');
	($r, $as, @auth) = login($s, account($s, @token, auth => 'oauthbearer'));
	is_deeply([$as, @auth], ["$user OAUTHBEARER",
		'AUTH OAUTHBEARER ' . b64("n,a=$user,\1host=localhost\1port=" .
		$s->port . "\1auth=Bearer ya29.token\1\1")], 'OAUTHBEARER');

	my $long = 'ya29.' . 'x' x 2500;
	$s = server_start(user => $user, token => $long, tls => 'implicit');
	($r, $as, @auth) = login($s, account($s, user => $user, password => $long, tls => 'implicit',
		auth => 'xoauth2'));
	is_deeply([$as, @auth], ["$user XOAUTH2", 'AUTH XOAUTH2', b64("user=$user\1auth=Bearer $long\1\1")],
		'XOAUTH2 with a long token: not in the AUTH line');
	is_deeply([$s->violations], [], 'so that no line is too long');

	my @certificate = (tls_cert => cert('client'), tls_key => cert('client', 'key'));
	my @external = (tls => 'implicit', client_ca => 1, mechanisms => 'EXTERNAL PLAIN',
		user => 'me@example.com', password => 'x');
	$s = server_start(@external);
	($r, $as, @auth) = login($s, account($s, tls => 'implicit', user => 'me@example.com', @certificate));
	is_deeply([$as, @auth], ['me@example.com EXTERNAL', 'AUTH EXTERNAL ' . b64('me@example.com')],
		'EXTERNAL with a client certificate');
	$s = server_start(@external);
	($r, $as, @auth) = login($s, account($s, tls => 'implicit', auth => 'external', @certificate));
	is_deeply([$as, @auth], ['me@example.com EXTERNAL', 'AUTH EXTERNAL ='], 'EXTERNAL without a user');

	$s = server_start(@me, tls => 'implicit',
		mechanisms => 'LOGIN PLAIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS');
	($r, $as) = login($s, account($s, @me, tls => 'implicit'));
	is($as, "$user SCRAM-SHA-256-PLUS", 'D6: the strongest of those offered');
	$s = server_start(@me, tls => 'implicit', mechanisms => 'LOGIN PLAIN SCRAM-SHA-256');
	($r, $as) = login($s, account($s, @me, tls => 'implicit', auth => 'login'));
	is($as, "$user LOGIN", 'auth = NAME forces it');

	$s = server_start(@me, tls => 'implicit', extensions => 'AUTH=PLAIN SIZE', mechanisms => 'LOGIN');
	($r, $as) = login($s, account($s, @me, tls => 'implicit'));
	is($as, "$user PLAIN", 'the old form "AUTH=PLAIN" counts as well');
};

subtest 'only what the present EHLO offers' => sub {
	my $all = 'SIZE PIPELINING 8BITMIME SMTPUTF8 DSN CHUNKING ENHANCEDSTATUSCODES';
	my $s = server_start(tls => 'starttls', extensions => $all, ext_after_tls => '8BITMIME');
	my $r = send_mail(account($s, tls => 'starttls', chunking => 'yes'),
		['send', '--no-queue', '--dsn', 'never', '--dsn-return', 'hdrs', 'you@example.net']);
	is($r->{exit}, 0, 'E5: sent') or diag($r->{err});
	is_deeply([($s->commands)[3 .. 5]], ['MAIL FROM:<me@example.test>', 'RCPT TO:<you@example.net>', 'DATA'],
		'E5: what was said in clear is forgotten');
	is_deeply([$s->violations], [], 'E5: by the rules');
	$s = server_start(tls => 'starttls', extensions => '', ext_after_tls => $all);
	$r = send_mail(account($s, tls => 'starttls', chunking => 'yes'),
		['send', '--no-queue', '--dsn', 'success,delay', '-R', 'full', '-V', 'a+b=c', 'you@example.net']);
	is($r->{exit}, 0, 'sent') or diag($r->{err});
	my $size = length wire(letter());
	is_deeply([($s->commands)[3 .. 5]], ["MAIL FROM:<me\@example.test> SIZE=$size RET=FULL ENVID=a+2Bb+3Dc",
		'RCPT TO:<you@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;you@example.net', "BDAT $size LAST"],
		'what was said inside counts');
};

subtest 'size, 8-bit content, addresses beyond ASCII' => sub {
	my $s = server_start(size => 1000);
	my $r = send_mail(account($s), undef, stdin => letter("x\n" x 500));
	my $size = length wire(letter("x\n" x 500));
	is($r->{exit}, 69, 'larger than SIZE: refused');
	like($r->{err}, qr/\b$size\b.*\b1000\b/, 'with both numbers');
	ok(!grep(/^MAIL/, $s->commands), 'before it is offered');
	$r = send_mail(account($s), undef, stdin => letter());
	is($r->{exit}, 0, 'a smaller one is taken');

	$s = server_start(extensions => 'SIZE PIPELINING 8BITMIME');
	$r = send_mail(account($s), undef, stdin => letter("\xc3\xa4\n"));
	is($r->{exit}, 0, '8-bit: sent');
	like($s->envelope(1)->{mail}, qr/ BODY=8BITMIME$/, '8-bit: said so');
	like($s->message(1), qr/\r\n\r\n\xc3\xa4\r\n\z/, 'A8: 8-bit: as it came');
	$r = send_mail(account($s), undef, stdin => letter("text\n"));
	unlike($s->envelope(2)->{mail}, qr/BODY/, '7-bit: nothing said');
	$s = server_start(extensions => 'SIZE PIPELINING');
	$r = send_mail(account($s), undef, stdin => letter("\xc3\xa4\n"));
	is($r->{exit}, 0, 'without 8BITMIME: sent');
	unlike($s->envelope(1)->{mail}, qr/BODY/, 'nothing said');
	unlike($s->message(1), qr/[\x80-\xff]/, 'for it is encoded');
	is_deeply([$s->violations], [], 'by the rules');

	$s = server_start(extensions => 'SMTPUTF8 8BITMIME');
	$r = send_mail(account($s), ['send', '--no-queue', "j\xc3\xbcrgen\@example.net"]);
	is($r->{exit}, 0, 'SMTPUTF8: sent');
	like($s->envelope(1)->{mail}, qr/ SMTPUTF8$/, 'SMTPUTF8: said so');
	is($s->envelope(1)->{recipients}[0], "j\xc3\xbcrgen\@example.net", 'SMTPUTF8: the address');
	$r = send_mail(account($s), ['send', '--no-queue', 'you@example.net'], stdin => letter());
	unlike($s->envelope(2)->{mail}, qr/SMTPUTF8/, 'only when it is needed');
	$s = server_start(extensions => '8BITMIME');
	$r = send_mail(account($s), ['send', '--no-queue', "j\xc3\xbcrgen\@example.net"]);
	is($r->{exit}, 69, 'without SMTPUTF8: refused');
	like($r->{err}, qr/SMTPUTF8/, 'and told');
	$r = send_mail(account($s), ['send', '--no-queue', "you\@b\xc3\xbccher.example"]);
	is($s->envelope(1)->{recipients}[0], 'you@xn--bcher-kva.example', 'a domain goes as IDNA');
};

subtest 'AUTH in one group with MAIL: a server that stumbles costs nothing' => sub {
	my @stumbles = (
		['the rest is thrown away', 'AUTH:1 discard'], ['closed', 'AUTH:1 close'],
		['reset', 'AUTH:1 reset'], ['MAIL is not understood', 'MAIL:1 reply "503 5.5.1 what?"'],
		['a fault of the group', 'AUTH:1 reply "554 5.5.0 protocol synchronization"'],
	);
	for my $case (@stumbles) {
		my ($name, $at) = @$case;
		my $s = server_start(@me, tls => 'implicit', require_login => 1, at => $at);
		my $r = send_mail(account($s, @me, tls => 'implicit', pipelining => 'full', timeout => '700ms'));

		is($r->{exit}, 0, "$name: sent") or diag($r->{err});
		is($s->stored, 1, "B1: $name: once");
		is($s->connections, 2, "$name: by a second connection");
		is_deeply([map { /^(\S+ ?\S*)/ } grep { !/^\(/ } $s->commands(2)],
			['EHLO client.example.test', 'AUTH PLAIN', 'MAIL FROM:<me@example.test>', 'RCPT TO:<you@example.net>',
			'DATA', 'QUIT'], "$name: which waits for the login");
		is($r->{err}, '', "$name: nothing said");
		is_deeply([$s->violations], [], "$name: by the rules");
	}
	my $s = server_start(@me, tls => 'implicit', at => 'AUTH discard');
	my $r = send_mail(account($s, @me, tls => 'implicit', pipelining => 'full', timeout => '500ms'));
	is($s->connections, 2, 'a second time is the last');
	$s = server_start(@me, tls => 'implicit');
	$r = send_mail(account($s, user => 'me@example.test', password => 'wrong', tls => 'implicit',
		pipelining => 'full'));
	is($r->{exit}, 77, 'a refused login is no stumble');
	is($s->connections, 1, 'C9: and tried once');
	is($s->stored, 0, 'D6: no mail');
	is_deeply([grep { /octets/ } $s->commands], [], 'D6: no content');
	for my $refusal ('525 5.7.1 Unauthorized IP address', '526 Authentication failure') {
		$s = server_start(@me, tls => 'implicit', require_login => 1, at => qq(AUTH reply "$refusal"));
		$r = send_mail(account($s, @me, tls => 'implicit', pipelining => 'full'));
		is($r->{exit}, 77, "$refusal: is one");
		is($s->connections, 1, "C9: $refusal: tried once");
	}
};

done_testing;
