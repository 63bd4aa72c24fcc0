#!/usr/bin/perl
# sendoff check when all is well: every stage once and in its order, with its facts, in
# words and as JSON; exactly what must be on the wire, and never a content.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'pass w0rd');
my %clear = (allow_clear_password => 'yes');
my $plain = b64("\0me\@example.test\0pass w0rd");
my @hello = ('EHLO', 'STARTTLS', 'EHLO');

sub stages_of
{
	my ($tls, @more) = @_;

	return [qw(secret name connect), $tls eq 'off' ? 'ehlo' : qw(tls ehlo), 'login', @more];
}

subtest 'every stage, once and in order' => sub {
	my @envelope = ('--from', 'me@example.test', '--to', 'you@example.net');

	for my $tls (qw(off starttls implicit)) {
		my @begin = $tls eq 'starttls' ? @hello : 'EHLO';
		my $s = server_start(tls => $tls, %me, mechanisms => 'SCRAM-SHA-256', require_login => 1);
		my $c = account($s, tls => $tls, %me, ($tls eq 'off' ? %clear : ()));
		my $r = check($c, ['--json']);

		is($r->{exit}, 0, "tls $tls: all is well") or diag($r->{out});
		is($r->{err}, '', "tls $tls: nothing on stderr");
		ok($r->{json} && $r->{json}{ok} && !$r->{json}{failed} && $r->{json}{exit} == 0, "tls $tls: said so");
		is_deeply([stages($r)], stages_of($tls, 'quit'), "tls $tls: the stages");
		is_deeply([grep { $_->{mark} ne 'ok' && $_->{stage} ne 'configuration' } @{ $r->{json}{stages} }], [], "tls $tls: each is ok");
		is_deeply([talk($s)], [@begin, 'AUTH SCRAM-SHA-256', 'QUIT'], "tls $tls: on the wire");
		$r = check($c, ['--json', @envelope]);
		is($r->{exit}, 0, "tls $tls, with an envelope: all is well") or diag($r->{out});
		is_deeply([stages($r)], stages_of($tls, 'envelope', 'quit'), "tls $tls, with an envelope: the stages");
		is_deeply([talk($s, 2)], [@begin, 'AUTH SCRAM-SHA-256', 'MAIL FROM:<me@example.test>',
			'RCPT TO:<you@example.net>', 'RSET', 'QUIT'], "tls $tls, with an envelope: on the wire");
		is($s->stored, 0, "tls $tls: nothing is sent");
		is_deeply([$s->violations], [], "tls $tls: by the rules");
	}
};

subtest 'octet by octet' => sub {
	my $s = server_start(%me, mechanisms => 'PLAIN', raw => 1);
	my $c = account($s, %me, %clear);
	my $auth = "AUTH PLAIN $plain\r\n";
	my $hello = "EHLO client.example.test\r\n";

	is(check($c)->{exit}, 0, 'all is well');
	is_bytes($s->raw(1), "$hello${auth}QUIT\r\n", 'the login');
	is_bytes($s->raw(2), "$hello${auth}MAIL FROM:<me\@example.test>\r\nRSET\r\nQUIT\r\n",
		'and whether the server bears it in one go with MAIL');
	is($s->connections, 2, 'nothing else');
	is(check($c, ['--from', '<>', '--to', 'a@example.net', '-t', 'B <b@example.net>'])->{exit}, 0, 'an envelope');
	is_bytes($s->raw(3), "$hello${auth}MAIL FROM:<>\r\nRCPT TO:<a\@example.net>\r\nRCPT TO:<b\@example.net>\r\n" .
		"RSET\r\nQUIT\r\n", 'of nobody to two');
	is_deeply([$s->violations], [], 'by the rules');
};

# The facts of each stage, by which programs go.
subtest 'facts' => sub {
	my $s = server_start(tls => 'starttls', %me, mechanisms => 'LOGIN SCRAM-SHA-256', mechanisms_before_tls => 'LOGIN',
		extensions => 'SIZE PIPELINING LIMITS X-ODD=1', limits => 'RCPTMAX=50', size => 12345,
		at => ['greeting reply "220-mx.example ESMTP Postfix\r\n220 be polite"']);
	my $r = check(account($s, tls => 'starttls', %me), ['--json', '--from', 'me@example.test', '--to', 'you@example.net']);
	my %facts = map { $_->{stage} => $_->{facts} } @{ $r->{json}{stages} };

	is($r->{exit}, 0, 'all is well') or return diag($r->{out});
	is($r->{json}{account}, 'test', 'the account');
	is($r->{json}{server}, 'localhost:' . $s->port, 'the server');
	is($r->{json}{tls}, 'starttls', 'the mode');
	is($r->{json}{user}, 'me@example.test', 'the user');
	like($facts{secret}{source}, qr/configuration/, 'secret: where it is from');
	is($facts{name}{host}, 'localhost', 'name');
	ok(grep({ $_ eq '127.0.0.1' } @{ $facts{name}{addresses} }), 'its addresses');
	is($facts{connect}{peer}, '127.0.0.1', 'who answered');
	my ($try) = grep { $_->{address} eq '127.0.0.1' } @{ $facts{connect}{tries} };
	is_deeply([@$try{qw(family port outcome)}], ['IPv4', 0 + $s->port, 'connected'], 'how it was reached');
	like($try->{ms}, qr/^\d+$/, 'and how fast');
	is($facts{tls}{mode}, 'starttls', 'TLS: how it began');
	like($facts{tls}{version}, qr/^TLS ?1\.3$/, 'its version');
	like($facts{tls}{cipher}, qr/AES|CHACHA/, 'its cipher');
	ok($facts{tls}{verified}, 'verified');
	is($facts{tls}{chain}[0]{subject}, 'CN=sendoff test server', 'the certificate');
	is($facts{tls}{chain}[0]{issuer}, 'CN=sendoff test ca', 'by whom');
	is($facts{tls}{chain}[0]{not_after}, '2049-12-31', 'until when');
	cmp_ok($facts{tls}{days_left}, '>', 365, 'days left');
	is_deeply([sort @{ $facts{tls}{chain}[0]{names} }], [sort qw(localhost smtp.example.test 127.0.0.1 ::1)],
		'for whom');
	is($facts{ehlo}{greeting}, "mx.example ESMTP Postfix\\x0abe polite", 'EHLO: the greeting');
	is($facts{ehlo}{software}, 'Postfix', 'the software, as it seems');
	is_deeply([grep { /^(?:SIZE|X-ODD|AUTH)/ } @{ $facts{ehlo}{extensions} }],
		['SIZE 12345', 'X-ODD=1', 'AUTH LOGIN SCRAM-SHA-256'], 'extensions');
	ok(!grep({ /STARTTLS/ } @{ $facts{ehlo}{extensions} }), 'those inside of TLS');
	is($facts{ehlo}{size}, 12345, 'the largest message');
	is($facts{ehlo}{recipients_most}, 50, 'the most recipients');
	is_deeply($facts{login}{offered}, ['LOGIN', 'SCRAM-SHA-256'], 'login: what is offered');
	is_deeply($facts{login}{offered_before_tls}, ['LOGIN'], 'and was before TLS');
	is($facts{login}{mechanism}, 'SCRAM-SHA-256', 'what was chosen');
	is($facts{login}{user}, 'me@example.test', 'as whom');
	is_deeply($facts{envelope}{sender}, { address => 'me@example.test', accepted => JSON::PP::true(),
		answer => '250 sender ok' }, 'the sender');
	is_deeply($facts{envelope}{recipients}, [{ address => 'you@example.net', accepted => JSON::PP::true(),
		answer => '250 recipient ok' }], 'the recipients');
	for my $stage (@{ $r->{json}{stages} }) {
		ok(!defined $stage->{ms} || $stage->{ms} >= 0 && $stage->{ms} < 20_000, "$stage->{stage}: its time");
		ok(length $stage->{text} && ref $stage->{lines} eq 'ARRAY' && ref $stage->{facts} eq 'HASH',
			"$stage->{stage}: words, lines and facts");
	}
};

# For a person: a line each, and what stands below.
subtest 'in words' => sub {
	my $s = server_start(tls => 'implicit', %me, mechanisms => 'SCRAM-SHA-256');
	my $c = account($s, tls => 'implicit', %me);
	my $port = $s->port;

	for ([{}, "\xe2\x9c\x94"], [{ LC_ALL => 'C' }, 'ok']) {
		my ($env, $mark) = @$_;
		my $r = check($c, [], env => { COLUMNS => 200, %$env });
		my $way = $mark eq 'ok' ? 'ASCII' : 'UTF-8';

		is($r->{exit}, 0, "$way: all is well");
		like(sentence($r->{out}), qr/account test \(it is the default\) of \S+: localhost:$port, tls implicit, user me\@example\.test /,
			"$way: whose");
		like($r->{out}, qr/^\Q$mark\E $_->[0] +\d+ ms  $_->[1]/m, "$way: $_->[0]")
			for [secret => qr/from the configuration file$/m], [name => qr/localhost: .*127\.0\.0\.1/],
				[connect => qr/127\.0\.0\.1 port $port \(IPv4\)$/m], [tls => qr/TLS1\.3, certificate verified$/m],
				[ehlo => ''], [login => qr/as me\@example\.test with SCRAM-SHA-256/], [quit => ''];
		like($r->{out}, qr/^      greeting: smtp\.example\.test ESMTP test server$/m, "$way: the greeting");
		like($r->{out}, qr/^      extensions: .*\bPIPELINING\b/m, "$way: the extensions");
		like($r->{out}, qr/\n\nall is well: nothing was sent\n\z/, "$way: the verdict");
		unlike($r->{out}, qr/\e/, "$way: no colours into a pipe");
		unlike($r->{out}, qr/[^\x0a\x20-\x7e]/, "$way: nothing but ASCII") if $mark eq 'ok';
		is($r->{err}, '', "$way: nothing on stderr");
	}
	my @stages = check($c, [], env => { LC_ALL => 'C' })->{out} =~ /^ok (\S+) /mg;
	is_deeply([grep { !/^(?:surroundings|configuration)$/ } @stages], [qw(secret name connect tls ehlo login quit)],
		'each once, in order');
	for my $width (40, 60, 80, 120) {
		my $r = check($c, [], env => { COLUMNS => $width, LC_ALL => 'C' });
		my @long = grep { length > $width && !/tls_pin/ } split /\n/, $r->{out};

		is_deeply(\@long, [], "no line is longer than $width columns");
	}
	my $r = check($c, ['--quiet']);
	is_deeply([@$r{qw(exit out err)}], [0, '', ''], '--quiet: the exit code tells');
	$r = check($c, ['-v']);
	is_deeply([$r->{err} =~ /^[<>] (?!250)(.*)/mg], ['220 smtp.example.test ESMTP test server',
		'EHLO client.example.test', 'AUTH SCRAM-SHA-256 ****', '334 ****', '****', '334 ****', '', '235 2.7.0 welcome',
		'QUIT'], '-v: the dialogue on stderr');
	is(() = $r->{err} =~ /^\* \[TLS/mg, 1, '-v: with TLS noted');
	like($r->{out}, qr/all is well/, '-v: and the stages on stdout');
	$r = run_sendoff(['-C', $c, 'check'], before => sub { close STDOUT; open STDOUT, '>', '/dev/full' });
	isnt($r->{exit}, 0, 'a stdout that takes nothing');
	like($r->{err}, qr/^sendoff: .*(?:output|stdout|space)/i, 'is told');
};

subtest 'an account without a login, a socket, a server of the old kind' => sub {
	my $path = workdir() . '/socket';
	my @cases = (
		['no login', server_start(), {}, [qw(secret name connect ehlo login quit)], { secret => 'skipped', login => 'skipped' }],
		['a socket', server_start(listen => $path), { host => $path, port => undef },
			[qw(secret name connect ehlo login quit)], { secret => 'skipped', login => 'skipped' }],
		['HELO only', server_start(at => ['EHLO reply "502 5.5.1 what?"']), {},
			[qw(secret name connect ehlo login quit)], { secret => 'skipped', login => 'skipped', ehlo => 'warning' }]
	);
	for my $case (@cases) {
		my ($name, $s, $keys, $stages, $marks) = @$case;
		my $r = check(account($s, %$keys), ['--json']);

		is($r->{exit}, 0, "$name: all is well") or diag($r->{out});
		is_deeply([stages($r)], $stages, "$name: the stages");
		is(stage($r, $_)->{mark}, $marks->{$_} // 'ok', "$name: $_") for @$stages;
		is(scalar(grep { /^AUTH/ } $s->commands), 0, "$name: no login");
		is_deeply([$s->violations], [], "$name: by the rules");
	}
	is(stage(check(account($cases[1][1], host => $path, port => undef), ['--json']), 'connect')->{facts}{peer}, $path,
		'a socket: by its path');
};

# Where the secret is from is told, and what it is never.
subtest 'the source of the secret' => sub {
	my $s = server_start(tls => 'implicit', %me, mechanisms => 'SCRAM-SHA-256');
	my $file = file_write(workdir() . '/password', "pass w0rd\n");
	my $granted = workdir() . '/mail.service';
	mkdir $granted;
	file_write("$granted/mail", "pass w0rd\n", 0400);
	my $netrc = file_write(workdir() . '/netrc', "machine localhost login $me{user} password 'pass w0rd'\n", 0600);
	my %sources = (
		password => [{ password => 'pass w0rd' }, qr/configuration/],
		password_file => [{ password_file => $file }, qr/\Q$file\E/],
		password_command => [{ password_command => "cat $file" }, qr/password_command/],
		password_env => [{ password_env => 'MAIL_SECRET' }, qr/MAIL_SECRET/],
		credential => [{ credential => 'mail' }, qr/\Afrom the systemd credential mail\z/],
		netrc => [{ netrc => $netrc }, qr/\Afrom the netrc file \Q$netrc\E\z/],
		'netrc with the user' => [{ netrc => $netrc, user => undef }, qr/netrc/]
	);
	for my $source (sort keys %sources) {
		my ($keys, $words) = @{ $sources{$source} };
		my $c = account($s, tls => 'implicit', user => $me{user}, %$keys);
		my $r = check($c, ['--json'], env => { MAIL_SECRET => 'pass w0rd', CREDENTIALS_DIRECTORY => $granted });

		is(stage($r, 'login')->{facts}{user}, $me{user}, "$source: as whom");
		is($r->{exit}, 0, "$source: works") or diag($r->{out});
		like(stage($r, 'secret')->{facts}{source}, $words, "$source: named");
	}
	my @options = ('--host', 'localhost', '--port', $s->port, '--tls', 'implicit', '--user', $me{user});
	for my $from (['--password-file', $file], ['--password-file', '-']) {
		my $r = check(undef, [@options, @$from, '--set', 'tls_ca_file=' . cert('ca'), '--json'], stdin => "pass w0rd\r\n");

		is($r->{exit}, 0, "@$from: works") or diag($r->{out});
		is(stage($r, 'secret')->{mark}, 'ok', "@$from: the secret is there");
	}
};

# The recommendation is made where it is proven, and nothing is sent for it.
subtest 'whether a login may lead a group' => sub {
	my @cases = (
		['it may', {}, {}, 1, ['EHLO', 'AUTH PLAIN', 'MAIL FROM:<me@example.test>', 'RSET', 'QUIT']],
		['MAIL is not seen', { at => 'AUTH:2 keep discard' }, {}, 0, ['EHLO', 'AUTH PLAIN']],
		['AUTH is too much', { at => 'AUTH:2 reply "503 5.5.1 one at a time"' }, {}, 0, undef],
		['the login is refused the second time', { at => 'AUTH:2 reply "535 5.7.8 no"' }, {}, 0, undef],
		['closed', { at => 'AUTH:2 close' }, {}, 0, undef],
		['it is set already', {}, { pipelining => 'full' }, undef, undef],
		['it is off', {}, { pipelining => 'off' }, undef, undef],
		['no pipelining is offered', { extensions => 'SIZE' }, {}, undef, undef],
		['a login of several steps', { mechanisms => 'LOGIN' }, {}, undef, undef]
	);
	for my $case (@cases) {
		my ($name, $server, $keys, $full, $talk) = @$case;
		my $s = server_start(tls => 'implicit', %me, mechanisms => 'PLAIN', %$server);
		my $r = check(account($s, tls => 'implicit', %me, %$keys), ['--json']);
		my $stage = stage($r, 'pipelining');

		is($r->{exit}, 0, "$name: the login works") or diag($r->{out});
		is(defined $stage ? 0 + $stage->{facts}{full} : undef, $full, "$name: found out") or diag($r->{out});
		is(defined $stage && $stage->{text} =~ /pipelining = full/ ? 1 : 0, $full ? 1 : 0, "$name: recommended or not");
		is_deeply([talk($s, 2)], $talk, "$name: on the wire") if $talk;
		is($s->connections, defined $full ? 2 : 1, "$name: connections");
		is($s->stored, 0, "$name: nothing is sent");
	}
};

done_testing;
