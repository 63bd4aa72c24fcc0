#!/usr/bin/perl
# What became of it, told: exit codes, words, JSON, the log, the transcript.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use POSIX ();
use SendoffTest;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'pass w0rd');

sub with_at { my ($at, %o) = @_; return server_start(at => $at, %o) }

subtest 'G1: each exit code means one thing' => sub {
	my $plain = server_start();
	my $good = account($plain);
	my $key = cert('client', 'key');
	my @rows = (
		# code, words on stderr, configuration, arguments, options
		[64, qr/unknown option '--nonsense'/, $good, ['send', '--no-queue', '--nonsense', 'a@b.test']],
		[64, qr/did you mean --dry-run/, $good, ['send', '--no-queue', '--dryrun', 'a@b.test']],
		[64, qr/option -f needs a value/, $good, ['send', '--no-queue', 'a@b.test', '-f']],
		[64, qr/nobody to send it to/, $good, ['send', '--no-queue']],
		[64, qr/there is no account 'tset'\n.*did you mean 'test'/, $good, ['-a', 'tset', 'send', '--no-queue', 'a@b.test']],
		[64, qr/'snd' is not a command\n.*did you mean `sendoff send`/, $good, ['snd']],
		[64, qr/delivery reports 'x'/, $good, ['send', '--no-queue', '--dsn', 'x', 'a@b.test']],
		[65, qr/a\@\@b/, $good, ['send', '--no-queue', 'a@@b']],
		[65, qr/Received/, $good, ['send', '--no-queue', 'a@b.test'], stdin => "Received: x\n" x 31 . "\n"],
		[66, qr{cannot open '/nonexistent'}, $good, ['send', '--no-queue', '--file', '/nonexistent', 'a@b.test']],
		[67, qr/recipient a\@b\.test refused: 550 5\.1\.1 no/, account(with_at('RCPT reply "550 5.1.1 no"'))],
		[68, qr/it is an IPv4 address, and family asks for ipv6.*\n.*remove family/, account($plain, host => '127.0.0.1', family => 'ipv6')],
		[69, qr/550 5\.7\.1 spam/, account(with_at('CONTENT reply "550 5.7.1 spam"'))],
		[69, qr/554 5\.7\.1 not you/, account(with_at('greeting reply "554 5.7.1 not you"'))],
		[69, qr/octets.*at most/, account(server_start(size => 10))],
		[74, qr/reading the message failed/, $good, ['send', '--no-queue', 'a@b.test'], before => sub { POSIX::close(0) }],
		[74, qr/may have been delivered/, account(with_at('CONTENT keep close'))],
		[75, qr/cannot connect/, account(nobody())],
		[75, qr/421 4\.3\.2 later/, account(with_at('greeting reply "421 4.3.2 later"'))],
		[75, qr/450 4\.2\.0 later/, account(with_at('RCPT reply "450 4.2.0 later"'))],
		[75, qr/no answer within/, account(with_at('EHLO silence'), timeout => '300ms')],
		[75, qr/closed the connection/, account(with_at('EHLO close'))],
		[76, qr/not SMTP/, account(with_at('greeting reply "HTTP/1.1 400 Bad Request"'))],
		[76, qr/STARTTLS/, account($plain, tls => 'starttls')],
		[76, qr/TLS handshake/, account($plain, tls => 'implicit')],
		[77, qr/535 5\.7\.8/, account(server_start(%me, password => 'other', tls => 'implicit'), %me,
			tls => 'implicit')],
		[77, qr/certificate/, account(server_start(tls => 'implicit', cert => 'selfsigned'), tls => 'implicit')],
		[77, qr/does not offer any login/, account(server_start(tls => 'implicit'), %me, tls => 'implicit')],
		[77, qr/550 5\.7\.60 not yours/, account(with_at('MAIL reply "550 5.7.60 not yours"'))],
		[78, qr/unknown key 'hots'.*\n.*did you mean 'host'/s, config("[account a]\nhots = x\n")],
		[78, qr/password_command failed: exit status 3/, account(server_start(%me, tls => 'implicit'), tls => 'implicit',
			user => 'me@example.test', password_command => 'exit 3')],
		[78, qr{cannot open '/nonexistent'}, '/nonexistent'],   # none at all: nothing to wait for
		[78, qr/tls_ca_file/, account(server_start(tls => 'implicit'), tls => 'implicit', tls_ca_file => '/nonexistent')],
	);
	for my $row (@rows) {
		my ($code, $words, $config, $args, %o) = @$row;
		my $name = "$code, $words" =~ s/\(\?\^\w*:|\)$//gr =~ s/\\n/ /gr;
		my $r = run_sendoff(['-C', $config, @{ $args // ['send', '--no-queue', 'a@b.test'] }], stdin => letter(), %o);

		is($r->{exit}, $code, "$name: as send") or diag($r->{err});
		like($r->{err}, $words, "$name: words");
		like($r->{err}, qr/\A(?:sendoff: .+\n(?:  .+\n)*)+\z/, "$name: shape");
		is($r->{out}, '', "$name: nothing on stdout");
		is_deeply([queued()], [], "$name: nothing is stored");
		next if $args;
		# What is no refusal of the message waits, and no sendmail speaks of that.
		my $waits = $code > 67 && $words !~ /spam|octets|nonexistent'\)\z|cannot open/;
		$r = sendmail($config, ['a@b.test']);
		is($r->{exit}, $waits ? 0 : $code, "$name: as sendmail");
		is(scalar(queued()), $waits ? 1 : 0, "$name: as sendmail, stored") if $code != 67 && $code != 69 || $waits;
		queue_empty();
		$r = sendmail($config, ['-oeq', 'a@b.test']);
		is($r->{exit}, $waits ? 0 : $code, "$name: -oeq");
		is($r->{out} . $r->{err}, '', "$name: -oeq is silent");
		queue_empty();
		$r = run_sendoff(['--quiet', '-C', $config, 'send', '--no-queue', 'a@b.test'], stdin => letter());
		is("$r->{exit}$r->{out}$r->{err}", $code, "$name: --quiet");
	}
	is($plain->stored, 0, 'nothing was sent by any of them');
};

subtest 'success is silent' => sub {
	my $s = server_start();
	my $config = account($s);
	for my $args (['send', '--no-queue', 'a@b.test'], ['-t'], ['a@b.test']) {
		my $r = run_sendoff(['-C', $config, @$args], stdin => letter());
		is("$r->{exit}$r->{out}$r->{err}", '0', "@$args");
	}
	for my $args (['a@b.test'], ['-t'], ['-oem', '-i', 'a@b.test'], ['-oep', 'a@b.test'], ['-oew', 'a@b.test']) {
		my $r = sendmail($config, $args);
		is("$r->{exit}$r->{out}$r->{err}", '0', "sendmail @$args");
	}
};

subtest 'the words: where, what the server said, one cause, one step' => sub {
	my $s = with_at('RCPT reply "550 5.1.1 \x1b]0;x\x07 no such user"');
	my $where = '127\.0\.0\.1:' . $s->port;
	my $r = send_mail(account($s), ['send', '--no-queue', 'a@b.test']);
	like($r->{err}, qr/\Asendoff: recipient a\@b\.test refused: 550 5\.1\.1 \\x1b\]0;x\\x07 no such user \($where\)\n  .+\n\z/,
		'E4: a recipient');
	$s = with_at('MAIL reply "550-5.7.1 first\r\n550 5.7.1 second"');
	$r = send_mail(account($s), ['send', '--no-queue', 'a@b.test', 'c@b.test']);
	like($r->{err}, qr/550 5\.7\.1 first second/, 'an answer of several lines in one');
	$s = server_start(%me, tls => 'implicit', at => 'AUTH reply "535 5.7.8 BadCredentials https://support.example/?p=x"');
	$r = send_mail(account($s, %me, tls => 'implicit'));
	like($r->{err}, qr/\Asendoff: logging in failed: 535 5\.7\.8 BadCredentials https:\S+ \(localhost:\d+\)\n  \S.+\n\z/,
		'a login');
	my %told;
	for my $reply ('535 5.7.8 x', '534 5.7.9 Application-specific password required', '535 5.7.139 x', '454 4.7.0 x',
		'538 5.7.11 x', '534 5.7.9 x', '504 5.5.4 x') {
		$s = server_start(%me, tls => 'implicit', at => qq(AUTH reply "$reply"));
		$r = send_mail(account($s, %me, tls => 'implicit'));
		my ($cause) = $r->{err} =~ /\n  (.*)\n/;
		ok(!$told{$cause // ''}++, "$reply: a cause of its own") or diag($r->{err});
	}
};

sub object
{
	my ($r, $name) = @_;
	my @lines = split /\n/, $r->{out};
	my $o = @lines == 1 ? eval { JSON::PP->new->utf8->decode($lines[0]) } : undef;

	ok($o, "$name: one line of JSON") or diag($r->{out});
	return $o // {};
}

subtest '--json' => sub {
	my $s = server_start(%me, tls => 'implicit', at => 'RCPT=no@example.net reply "550 5.1.1 no \"such\" user\\x07"');
	my $config = account($s, %me, tls => 'implicit');
	my $r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net']);
	my $o = object($r, 'sent');
	my $ms = delete $o->{milliseconds};
	like($ms, qr/^\d+$/, 'milliseconds');
	like(delete $o->{why}, qr/\btest\b/, 'why this account');
	like(delete $o->{peer}, qr/^(?:127\.0\.0\.1|::1)$/, 'peer');
	is_deeply($o, { exit => 0, account => 'test', host => 'localhost', port => $s->port + 0,
		tls => 'TLS1.3', auth => 'PLAIN', message_id => '<1@example.test>', sender => 'me@example.test',
		size => length(wire(letter())), reply => '250 2.0.0 stored as 1', from_rewritten => JSON::PP::false,
		recipients => [{ address => 'you@example.net', verdict => 'delivered', code => 250, enhanced => '2.0.0',
			text => '250 2.0.0 stored as 1' }] }, 'everything about it');
	is($r->{err}, '', 'nothing on stderr');

	$r = send_mail($config, ['--json', 'send', '--no-queue', 'you@example.net', 'no@example.net']);
	$o = object($r, 'partly');
	is_deeply([$r->{exit}, $o->{exit}], [67, 67], 'the same exit code');
	is_deeply([map { $_->{verdict} } @{ $o->{recipients} }], ['delivered', 'refused'], 'each verdict');
	is($o->{recipients}[1]{cause}, 'recipient-refused', 'a cause with a name');
	is($o->{recipients}[1]{text}, '550 5.1.1 no "such" user\\x07', 'E4: the words, cleaned');

	my @rows = (
		['timeout', 75, account(with_at('EHLO silence'), timeout => '200ms')],
		['lost', 75, account(with_at('EHLO close'))],
		['server-closes', 75, account(with_at('EHLO reply "421 4.3.2 x"'))],
		['greeted-off', 69, account(with_at('greeting reply "554 x"'))],
		['protocol', 76, account(with_at('greeting reply "hello"'))],
		['connect-refused', 75, account(nobody())],
		['outcome-unknown', 74, account(with_at('CONTENT close'))],
		['certificate-wrong-name', 77, account(server_start(tls => 'implicit', cert => 'wrongname'), tls => 'implicit')],
		['tls-not-offered', 76, account(server_start(), tls => 'starttls')],
		['login-refused', 77, account(server_start(%me, password => 'x', tls => 'implicit'), %me, tls => 'implicit')],
		['config', 78, config("[account a]\nhots = x\n")],
		['usage', 64, account($s), ['--json', 'send', '--no-queue']],
		['message', 65, account($s), ['--json', 'send', '--no-queue', 'a@@b']],
	);
	for my $row (@rows) {
		my ($cause, $code, $conf, $args) = @$row;
		$r = send_mail($conf, $args // ['--json', 'send', '--no-queue', 'a@b.test']);
		$o = object($r, $cause);
		is_deeply([$r->{exit}, $o->{exit}, $o->{error}{cause}], [$code, $code, $cause], "$cause: exit $code");
		isnt($o->{error}{text} // '', '', "$cause: with words");
	}
};

subtest 'several files: a line each' => sub {
	my $s = with_at('RCPT=no@example.net reply "550 5.1.1 no"');
	my $config = account($s);
	my @files = map { file_write(workdir() . "/m$_", letter("body $_\n", 'Message-ID' => "<$_\@x>",
		To => $_ == 2 ? 'no@example.net' : 'you@example.net')) } 1 .. 3;
	my @args = ('send', '--no-queue', '-t', map { ('--file', $_) } @files, '/nonexistent');
	my $r = send_mail($config, ['--json', @args]);
	my @o = map { JSON::PP->new->utf8->decode($_) } split /\n/, $r->{out};
	is_deeply([map { $_->{exit} } @o], [0, 67, 0, 66], 'each with its own outcome');
	is($r->{exit}, 67, 'the highest code');
	is($s->stored, 2, 'the good ones are sent');
	is_deeply([map { $s->message($_) =~ /^body (\d)/m } 1, 2], [1, 3], 'in order');
	$r = send_mail($config, ['send', '--no-queue', '-t', map { ('--file', $_) } @files[0, 2]]);
	is($r->{exit}, 0, 'all good: 0');
	is(scalar(() = $r->{err} =~ /^sendoff: \S+\/m[13]: sent to 1 recipient/mg), 2, 'a line for each');
	$r = send_mail($config, ['send', '--no-queue', '-t', '--file', workdir() . '/m1', '--file', '/']);
	is($r->{exit}, 66, 'a directory cannot be read');
};

subtest 'the log' => sub {
	my $log = workdir() . '/log';
	my $s = server_start(%me, tls => 'implicit', at => 'RCPT=no@example.net reply "550 5.1.1 no such user"');
	my $attempt = sub {
		my ($global, @rcpts) = @_;
		return sendmail(account($s, %me, tls => 'implicit', global => { log => $log, %$global }), [@rcpts],
			stdin => letter());
	};
	# The same by a person's command, who is told of a log that cannot be written.
	my $by_hand = sub {
		my ($global, @rcpts) = @_;
		return run_sendoff(['-C', account($s, %me, tls => 'implicit', global => { log => $log, %$global }), 'send', '--no-queue',
			@rcpts], stdin => letter());
	};
	my $r = $attempt->({}, 'you@example.net');
	is("$r->{exit}$r->{out}$r->{err}", '0', 'silent');
	my $line = file_read($log);
	like($line, qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* \S.*\n\z/, 'one line with its time');
	for my $field ('outcome=delivered', 'exit=0', 'account=test', 'host=localhost', 'port=' . $s->port, 'tls=TLS1.3',
		'auth=PLAIN', 'from=me@example.test', 'recipients=1', 'delivered=1', 'to=you@example.net',
		'size=' . length(wire(letter())), 'code=250', 'reply="250 2.0.0 stored as 1"') {
		ok($line =~ /(?: |^)\Q$field\E(?: |\n)/, "text: $field") or diag($line);
	}
	is((stat $log)[2] & 0777, 0600, 'nobody else reads it');
	unlink $log;
	$r = $attempt->({ log_format => 'json' }, 'you@example.net', 'no@example.net');
	ok(wait_until(sub { !queued() }), 'G2: the report goes out behind it');
	like($s->message($s->stored), qr{^Content-Type: multipart/report;.*550 5\.1\.1 no such user}ms, 'with the server\'s words');
	my @logged = map { eval { JSON::PP->new->utf8->decode($_) } // {} } split /\n/, file_read($log);
	is(scalar(@logged), 2, 'a line for each');
	my $o = $logged[0];
	is_deeply([@$o{qw(outcome exit recipients delivered code cause)}], ['partly', 0, 2, 1, 550, 'recipient-refused'],
		'json: partly, and the report of it is stored');
	unlink $log;
	my $carried = $s->stored;
	$r = $attempt->({ log_format => 'json' }, '-oep', 'you@example.net', 'no@example.net');
	$o = eval { JSON::PP->new->utf8->decode(file_read($log)) } // {};
	is_deeply([@$o{qw(outcome exit recipients delivered code cause)}], ['partly', 67, 2, 1, 550, 'recipient-refused'],
		'json: partly, and told otherwise');
	like($r->{err}, qr/\Asendoff: recipient no\@example\.net refused: 550 5\.1\.1 no such user/, 'on stderr');
	is_deeply([scalar(queued()), $s->stored], [0, $carried + 1], 'G2: by no report');
	unlink $log;
	$attempt->({}, 'no@example.net');
	ok(wait_until(sub { !queued() }), 'the report of a refusal goes out as well');
	$s->idle;
	like(file_read($log), qr/ outcome=refused exit=67 .*cause=recipient-refused code=550 .*no such user/, 'refused');
	$r = $attempt->({ log => 'stderr' }, 'you@example.net');
	like($r->{err}, qr/\A\S+ outcome=delivered .*\n\z/, 'stderr');
	$r = $attempt->({ log => 'none' }, 'you@example.net');
	is($r->{err}, '', 'none');
	for my $row (
		['an absent directory', '/nonexistent/log', qr/No such file/], ['a directory', '/', qr/directory/],
		['not a file', '/dev/full', qr/not a regular file/], ['a link', do { symlink '/dev/null', workdir() . '/link';
			workdir() . '/link' }, qr/symbolic link/],
	) {
		my ($name, $path, $why) = @$row;
		my $before = $s->stored;
		$r = $attempt->({ log => $path }, 'you@example.net');
		is($r->{exit}, 0, "$name: sent all the same") or diag($r->{err});
		is($s->stored, $before + 1, "$name: indeed");
		is($r->{err}, '', "$name: as sendmail success is silent");
		$r = $by_hand->({ log => $path }, 'you@example.net');
		is($r->{exit}, 0, "$name: by hand too");
		like($r->{err}, qr/\Asendoff: .*log.*\Q$path\E.*\n?.*$why.*\n\z/, "$name: one warning");
	}
	queue_empty();
	my $before = $s->stored;
	$r = $by_hand->({ log => 'x/y' }, 'you@example.net');
	is($r->{exit}, 78, 'not a path: that is a fault of the configuration');
	like($r->{err}, qr/\Asendoff: .*log must be syslog, stderr, none, or a file/, 'told');
	is_deeply([queued()], [], '--no-queue: nothing is stored');
	$r = $attempt->({ log => 'x/y' }, 'you@example.net');
	is("$r->{exit}$r->{out}$r->{err}", '0', 'as sendmail: it waits for somebody to mend it');
	like(join('', map { file_read($_) } queued()), qr/^cause config\nreason \S*log%20must/m, 'stored, with that as the reason');
	is($s->stored, $before, 'nothing is sent by such a configuration');
	queue_empty();
	SKIP: {
		skip 'needs root', 2 if $>;
		my $full = workdir() . '/fulldisk';
		mkdir $full;
		skip 'cannot mount here', 2 if system("mount -t tmpfs -o size=4k none $full 2>/dev/null");
		system("head -c 4096 /dev/zero >$full/fill");
		$r = $by_hand->({ log => "$full/log" }, 'you@example.net');
		system("umount $full");
		is($r->{exit}, 0, 'a full disk: sent all the same');
		like($r->{err}, qr/log.*(?:No space|disk)/, 'told');
	}
	unlink $log;
	my $config = account($s, global => { log => $log }, %me, tls => 'implicit');
	my @runs = map { start_sendoff(['-C', $config, 'send', '--no-queue', 'you@example.net'], stdin => letter()) } 1 .. 10;
	finish_all(@runs);
	is(scalar(grep { /^\S+ outcome=delivered .*"$/ } split /\n/, file_read($log)), 10, 'ten at once, ten whole lines');
};

subtest '-v: the dialogue, and nothing secret in it' => sub {
	my $s = server_start(%me, tls => 'starttls');
	my $config = account($s, %me, tls => 'starttls');
	for my $r (send_mail($config, ['-v', 'send', '--no-queue', 'you@example.net']), sendmail($config, ['-v', 'you@example.net'])) {
		is($r->{exit}, 0, 'sent');
		is($r->{out}, '', 'nothing on stdout');
		my @lines = split /\n/, $r->{err};
		is(scalar(grep { !/^[<>*] / } @lines), 0, 'each line says who speaks');
		is_deeply([grep { /^> / } @lines], ['> EHLO client.example.test', '> STARTTLS', '> EHLO client.example.test',
			'> AUTH PLAIN ****', '> MAIL FROM:<me@example.test> SIZE=' . length(wire(letter())),
			'> RCPT TO:<you@example.net>', '> DATA', '> QUIT'], 'what we say');
		like($r->{err}, qr/^\* \[.*\btest\b.*\]$/m, 'which account, and why');
		like($r->{err}, qr/^\* \[TLS: TLS1\.3 .*certificate verified\]$/m, 'TLS');
		like($r->{err}, qr/^< 250 2\.0\.0 stored as \d$/m, 'what the server says');
		unlike($r->{err}, qr/pass w0rd|\Q@{[b64("\0me\@example.test\0pass w0rd")]}\E/, 'D9: no password');
	}
};

subtest '--dry-run and --explain: no network' => sub {
	my $config = account(nobody(), from => 'me@example.test', match => '*@example.com');
	my $r = send_mail($config, ['send', '--no-queue', '--dry-run', '-t', 'x@example.net'],
		stdin => letter("body\n", From => 'root', Bcc => 'b@example.net', Subject => "a\x1b[1mb"));
	is($r->{exit}, 0, 'dry run');
	like($r->{out}, qr/\Aaccount: test\nsender: <me\@example\.test>\nrecipient: <x\@example\.net>\nrecipient: <b\@example\.net>\n/,
		'envelope');
	like($r->{out}, qr/^X-Original-From: root\@example\.test$/m, 'header as it would go');
	like($r->{out}, qr/^Subject: a\\x1b\[1mb$/m, 'cleaned');
	unlike($r->{out}, qr/Bcc|^body/m, 'neither Bcc nor body');
	$r = send_mail($config, ['send', '--no-queue', '--explain', '-f', 'root', 'x@example.net'], stdin => letter(undef, From => 'root'));
	is($r->{exit}, 0, 'explain');
	like($r->{out}, qr/^account: test \(.*\), because .*\nsender: <me\@example\.test>, because .*root\@example\.test/,
		'why this account and sender');
	like($r->{out}, qr/X-Original-From/, 'and what becomes of the header');
	$r = send_mail($config, ['send', '--no-queue', '--dry-run', 'a@@b']);
	is($r->{exit}, 65, 'a fault is one here too');
	$r = send_mail($config, ['send', '--no-queue', '--dry-run', 'a@b.test'], before => sub {
		POSIX::dup2(POSIX::open('/dev/full', POSIX::O_WRONLY()), 1) });
	is($r->{exit}, 73, 'stdout is full: 73');
};

subtest 'C6: outputs that are full or gone' => sub {
	my $s = server_start();
	my $config = account($s);
	my $to = sub { my ($path, @fds) = @_; return sub {
		my $fd = POSIX::open($path, POSIX::O_WRONLY());
		POSIX::dup2($fd, $_) for @fds;
	} };
	my $n = 0;
	for my $args (['send', '--no-queue', 'a@b.test'], ['-v', 'send', '--no-queue', 'a@b.test'], ['--json', 'send', '--no-queue', 'a@b.test'], ['a@b.test']) {
		for my $fds ([1], [2], [1, 2]) {
			my $r = send_mail($config, $args, before => $to->('/dev/full', @$fds));
			is($r->{exit}, 0, "@$args, full: @$fds: sent, so 0") or diag($r->{err});
			is($s->stored, ++$n, "@$args, full: @$fds: once");
		}
		my $r = send_mail($config, $args, before => sub { POSIX::close(1); POSIX::close(2) });
		is($r->{exit}, 0, "@$args, closed: sent");
		is($s->stored, ++$n, "@$args, closed: once");
	}
	my $r = send_mail(account(with_at('RCPT reply "550 no"')), ['send', '--no-queue', 'a@b.test'], before => $to->('/dev/full', 1, 2));
	is($r->{exit}, 67, 'a refusal keeps its code');
	for my $args (['help'], ['version'], ['config', 'show'], ['--version']) {
		$r = send_mail($config, $args, before => $to->('/dev/full', 1));
		is($r->{exit}, 73, "@$args on a full stdout: 73");
		like($r->{err}, qr/standard output/, "@$args: told");
	}
};

done_testing;
