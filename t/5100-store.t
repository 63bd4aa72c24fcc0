#!/usr/bin/perl
# What cannot be sent now is stored, and only then is it exit 0; what cannot be
# stored either is 75, and nothing is left of it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use POSIX ();
use SendoffTest;
use SendoffTest::Send;
use SendoffTest::Spool;
use Time::HiRes qw(sleep time);

my %me = (user => 'me@example.test', password => 'pass w0rd');
my $id_shape = qr/p-[a-z2-7]{12}/;
my $homes = 0;
my $nobody = nobody();

# A home of its own for each run: no account is parked by another.
sub home
{
	my $home = workdir() . '/home-' . ++$homes;

	mkdir $home, 0700;
	return $home;
}

sub queue_of { return "$_[0]/.local/state/sendoff/queue" }

# Every file of a queue that is not the lock or the knowledge of an account.
sub files_of
{
	my ($dir) = @_;

	my @files = sort map { s{^\Q$dir\E/}{}r } grep { -f && !m{/(?:accounts/[^/]+|lock)$} } glob("$dir/*/* $dir/*");
	return @files;
}

# Exactly one entry, whole, and nothing else: taken apart.
sub one_entry
{
	my ($name, $home, $state) = @_;
	my $dir = queue_of($home);
	my @files = files_of($dir);
	my $entry;

	is(scalar @files, 1, "A1: $name: one file") or diag("@files");
	return {} if @files != 1;
	like($files[0], qr{^@{[$state // 'new']}/[a-z2-7]{12}$}, "$name: in its place, by its id");
	my @st = stat "$dir/$files[0]";
	is_deeply([$st[2] & 07777, $st[3], $st[4]], [0600, 1, $>], "$name: nobody else's");
	$entry = spool_entry("$dir/$files[0]");
	ok($entry, "A7: $name: length and digest are right");
	$entry->{id} = $files[0] =~ s{.*/}{}r;
	return $entry // {};
}

# ---- trouble of each kind, each as send, with --no-queue, and as sendmail

sub at { return (server => { at => [@_] }) }
sub in_tls { return (server => { %me, tls => 'implicit', @_ }, keys => { %me, tls => 'implicit' }) }

my @rows = (
	# name, --no-queue's code, cause, how the account is parked, words
	['a name without such an address', 68, 'name-other-family', 'network', qr/family asks for ipv6/,
		keys => { host => '127.0.0.1', family => 'ipv6' }],
	['a name that does not exist', '68|75', qr/^name-(?:unknown|later)$/, 'network', qr/no-such-name\.invalid/,
		keys => { host => 'no-such-name.invalid' }],
	['a connection refused', 75, 'connect-refused', 'network', qr/connection refused/, nobody => 1],
	['silence instead of a greeting', 75, 'no-greeting', 'network', qr/no answer within|no greeting/, at('greeting silence')],
	['silence at EHLO', 75, 'timeout', 'network', qr/no answer within/, at('EHLO silence')],
	['a connection that breaks at EHLO', 75, 'lost', 'network', qr/closed the connection/, at('EHLO close')],
	['TLS cut short', 75, 'lost', 'network', qr/TLS/, in_tls(at => 'handshake close')],
	['silence instead of TLS', 75, 'tls-silent', 'network', qr/TLS|no answer/, in_tls(at => 'handshake silence')],
	['clear text instead of TLS', 76, 'plain-smtp-here', 'network', qr/TLS handshake/, keys => { tls => 'implicit' }],
	['no STARTTLS', 76, 'tls-not-offered', 'network', qr/STARTTLS/, keys => { tls => 'starttls' }],
	['STARTTLS refused', 76, 'starttls-refused', 'network', qr/502 5\.5\.1 no/,
		server => { tls => 'starttls', at => 'STARTTLS reply "502 5.5.1 no"' }, keys => { tls => 'starttls' }],
	['a certificate that nobody vouches for', 77, 'certificate-self-signed', 'login', qr/certificate/,
		server => { tls => 'implicit', cert => 'selfsigned' }, keys => { tls => 'implicit' }],
	['a certificate for another name', 77, 'certificate-wrong-name', 'login', qr/certificate/,
		server => { tls => 'implicit', cert => 'wrongname' }, keys => { tls => 'implicit' }],
	['something else than SMTP', 76, 'http-here', 'network', qr/not SMTP/, at('greeting reply "HTTP/1.1 400 Bad Request"')],
	['garbage at MAIL', 76, 'protocol', 'network', qr/not SMTP/, at('MAIL reply "hello"')],
	['5xx as greeting', 69, 'greeted-off', 'network', qr/554 5\.7\.1 not you/, at('greeting reply "554 5.7.1 not you"')],
	['no login offered', 77, 'login-not-offered', 'login', qr/does not offer any login/,
		server => { tls => 'implicit' }, keys => { %me, tls => 'implicit' }],
	['535 at AUTH', 77, 'login-refused', 'login', qr/535 5\.7\.8/, in_tls(password => 'other')],
	['454 at AUTH', 75, 'login-later', 'rate', qr/454 4\.7\.0 later/, in_tls(at => 'AUTH reply "454 4.7.0 later"')],
	['a command for the password that fails', 78, 'password-command-failed', 'login', qr/password_command failed: exit status 3/,
		server => { %me, tls => 'implicit' },
		keys => { user => $me{user}, tls => 'implicit', password_command => 'exit 3' }],
	['roots that are not there', 78, 'config', 'login', qr/tls_ca_file/, server => { tls => 'implicit' },
		keys => { tls => 'implicit', tls_ca_file => '/nonexistent' }],
	['530 at MAIL', 77, 'not-logged-in', 'login', qr/530 5\.7\.0 log in/, at('MAIL reply "530 5.7.0 log in"')],
	['no relaying', 77, 'relay-denied', 'login', qr/554 5\.7\.1 relay access denied/,
		at('RCPT reply "554 5.7.1 relay access denied"')],
	['5xx at MAIL', 77, 'sender-not-owned', '', qr/550 5\.7\.60 not yours/, at('MAIL reply "550 5.7.60 not yours"')],
	['a sender refused at RCPT', 77, 'sender-refused', '', qr/sender address rejected/,
		at('RCPT reply "553 5.7.1 sender address rejected: not you"')],
	['the answer to the content lost', 74, 'outcome-unknown', 'network', qr/connection/, at('CONTENT keep close'), unsure => 1],
	['silence behind the content', 74, 'outcome-unknown', 'network', qr/no answer/, at('CONTENT keep silence'), unsure => 1],
	['the connection lost within the content', 75, 'lost', 'network', qr/closed/, at('DATA close')],
	['a configuration that is not right', 78, 'config', undef, qr/:2: unknown key 'hots'/,
		text => "[account test]\nhots = x\n"],
	['a configuration that others can change', 78, 'config', undef, qr/can be changed by other users/, mode => 0666],
	(map {
		my ($step, $code, $cause, $park) = @$_;
		["$code at $step", $step =~ /STARTTLS|AUTH/ ? 75 : 75, $cause, $park, qr/$code later/,
			$step eq 'STARTTLS' ? (server => { tls => 'starttls', at => qq($step reply "$code later") },
			keys => { tls => 'starttls' }) : $step eq 'AUTH' ? in_tls(at => qq($step reply "$code later")) :
			at(qq($step reply "$code later"))]
	} (
		['greeting', '421 4.3.2', 'server-closes', 'rate'], ['greeting', '450 4.3.2', 'busy', 'network'],
		['EHLO', '421 4.3.2', 'server-closes', 'rate'], ['EHLO', '450 4.3.2', 'busy', 'network'],
		['STARTTLS', '454 4.7.0', 'starttls-later', 'network'], ['AUTH', '421 4.7.0', 'login-later', 'rate'],
		['MAIL', '421 4.3.2', 'server-closes', 'rate'], ['MAIL', '451 4.3.0', 'sender-later', ''],
		['MAIL', '452 4.3.1', 'message-too-big-now', ''], ['MAIL', '450 4.7.1 too many messages', 'too-many-messages', 'rate'],
		['RCPT', '421 4.3.2', 'server-closes', 'rate'], ['RCPT', '450 4.2.0', 'recipient-later', ''],
		['RCPT', '451 4.7.1', 'recipient-later', ''], ['RCPT', '452 4.2.2', 'recipient-full', ''],
		['DATA', '421 4.3.2', 'server-closes', 'rate'], ['DATA', '451 4.3.0', 'content-later', ''],
		['CONTENT', '421 4.3.2', 'server-closes', 'rate'], ['CONTENT', '451 4.3.0', 'content-later', ''],
		['CONTENT', '452 4.3.1', 'content-later', ''],
	)),
);

sub config_of
{
	my ($row) = @_;
	my %o = @$row[5 .. $#$row];

	return config($o{text}) if $o{text};
	$o{s} = $o{nobody} ? nobody() : server_start(%{ $o{server} // {} });
	push @$row, s => $o{s};
	return config(account_text(timeout => '500ms', connect_timeout => '800ms', final_timeout => '600ms',
		%{ $o{keys} // {} }), server => $o{s}, mode => $o{mode});
}

my $letter = letter(".dot\nf\xc3\xbcr\nlast without an end", Bcc => undef);

sub start_row
{
	my ($row, $config, $args, %o) = @_;

	return start_sendoff($args, stdin => $letter, timeout => 15, %o);
}

sub check_entry
{
	my ($name, $row, $home, $config, $began, %o) = @_;
	my (undef, undef, $cause, $park, $words, %row) = @$row;
	my $entry = one_entry($name, $home);
	my $head = $entry->{head} // {};

	is_bytes($entry->{content} // '', wire("$letter\n"), "A8: $name: the content, octet by octet");
	is($head->{size}, length wire("$letter\n"), "$name: its size");
	is($head->{'header-size'}, index(wire($letter), "\r\n\r\n") + 2, "$name: and that of its header");
	is_deeply([@$head{qw(uid from message-id eight-bit-body errors)}, $head->{to}],
		[$>, 'me@example.test', '<1@example.test>', 'yes', 'mail', ['you@example.net', 'b@example.net']],
		"$name: whose it is, and for whom");
	cmp_ok($head->{created}, '>=', int $began, "$name: when");
	is($head->{config}, $config, "$name: the file it was taken in with");
	is($head->{sender}, $o{sender}, "$name: the sender as it was given");
	like($head->{cause}, ref $cause ? $cause : qr/^\Q$cause\E$/, "G4: $name: the cause");
	like($head->{reason}, $words, "G4: $name: the reason");
	is($head->{events}[0][0], 'accepted', "$name: its history begins");
	like($head->{events}[1][1] // '', $words, "$name: and goes on with the reason");
	if (defined $park) {
		is(spool_park(queue_of($home), 'test')->{kind} // 'none', $park || 'none', "C9: $name: the account is parked or not");
		is($head->{tries}, 1, "$name: it was tried once");
		is($head->{'tried-by'}, 'test', "$name: by which account");
		# What waits for the account has no moment of its own.
		ok($park && !$row{unsure} ? !$head->{next} : $head->{next} > $began + 200 && $head->{next} < $began + 400,
			"$name: when again") or diag($head->{next} // 'none');
	}
	return $entry;
}

subtest 'G1, G4: trouble of each kind' => sub {
	my @runs;

	for my $row (@rows) {
		my $config = config_of($row);
		my @homes = map { home() } 1 .. 3;
		my %o = @$row[5 .. $#$row];
		push @runs, { row => $row, config => $config, homes => \@homes, began => time, server => $o{s}, runs => [
			start_sendoff(['-C', $config, 'send', 'you@example.net', 'b@example.net'], stdin => $letter,
				env => { HOME => $homes[0] }),
			start_sendoff(['-C', $config, 'send', '--no-queue', 'you@example.net', 'b@example.net'], stdin => $letter,
				env => { HOME => $homes[1] }),
			start_sendoff(['-f', 'me@example.test', 'you@example.net', 'b@example.net'], stdin => $letter,
				name => 'sendmail', env => { HOME => $homes[2], SENDOFF_CONFIG => $config }) ] };
		next if @runs % 8 && $row != $rows[-1];
		judge($_) for grep { !$_->{done}++ } @runs;
	}
};

sub judge
{
	my ($run) = @_;
	my ($row, $homes) = @$run{qw(row homes)};
	my ($name, $code, undef, undef, $words, %o) = @$row;
	my ($sent, $now, $silent) = finish_all(@{ $run->{runs} });

	is($sent->{exit}, 0, "A1: $name: 0") or diag($sent->{err});
	is($sent->{out}, '', "$name: nothing on stdout");
	like($sent->{err}, qr/\Asendoff: queued as $id_shape: .*\n(?:  .+\n)*\z/, "$name: one line, and what to do");
	like($sent->{err}, $words, "$name: with the reason");
	like($sent->{err}, qr/^  .*`sendoff queue flush`.*`sendoff queue watch`$/m, "$name: and what sends it");
	my $entry = check_entry($name, $row, $homes->[0], $run->{config}, $run->{began});
	like($sent->{err}, qr/^sendoff: queued as p-$entry->{id}: /, "$name: by its id");
	is($entry->{head}{recipient} // '', '', "$name: no answer to a recipient") if $o{text};
	like($sent->{err}, qr/may have been delivered/, "$name: it may be there already") if $o{unsure};

	like($now->{exit}, qr/^(?:$code)$/, "G1: $name: --no-queue: $code") or diag($now->{err});
	like($now->{err}, $words, "$name: --no-queue: the same words");
	is_deeply([files_of(queue_of($homes->[1]))], [], "A2: $name: --no-queue: nothing is stored");
	ok(!-e queue_of($homes->[1]), "$name: --no-queue: not even a queue");

	is("$silent->{exit}$silent->{out}$silent->{err}", '0', "$name: as sendmail: silent");
	check_entry("$name, sendmail", $row, $homes->[2], $run->{config}, $run->{began}, sender => '<me@example.test>');
	$run->{server}->stop if $run->{server} && !$o{nobody};
}

subtest '--json tells the same' => sub {
	my $home = home();
	my $r = run_sendoff(['--json', '-C', account(nobody()), 'send', 'you@example.net'], stdin => $letter,
		env => { HOME => $home });
	my $o = eval { JSON::PP->new->utf8->decode($r->{out}) } // {};
	my $entry = one_entry('--json', $home);

	is_deeply([$r->{exit}, @$o{qw(exit queued)}, $o->{recipients}[0]{verdict}], [0, 0, "p-$entry->{id}", 'later'], 'stored');
	like($o->{reason}, qr/connection refused/, 'the reason');
	is($o->{error}{cause}, 'connect-refused', 'and the cause');
	$home = home();
	$r = run_sendoff(['--quiet', '-C', account(nobody()), 'send', 'you@example.net'], stdin => $letter,
		env => { HOME => $home });
	is("$r->{exit}$r->{out}$r->{err}", '0', '--quiet');
	one_entry('--quiet', $home);
};

# ---- what is final: told, and not stored

subtest 'G1: what sending again would not mend is not stored' => sub {
	my $plain = server_start();
	my @finals = (
		[64, qr/there is no account 'tset'/, account($plain), ['-a', 'tset', 'send', 'a@b.test']],
		[64, qr/nobody to send it to/, account($plain), ['send']],
		[64, qr/unknown option/, account($plain), ['send', '--nonsense', 'a@b.test']],
		[65, qr/a\@\@b/, account($plain), ['send', 'a@@b']],
		[65, qr/Received/, account($plain), ['send', 'a@b.test'], stdin => "Received: x\n" x 31 . "\n"],
		[66, qr{cannot open '/nonexistent'}, account($plain), ['send', '--file', '/nonexistent', 'a@b.test']],
		[67, qr/550 5\.1\.1 no/, account(server_start(at => 'RCPT reply "550 5.1.1 no"'))],
		[69, qr/550 5\.7\.1 spam/, account(server_start(at => 'CONTENT reply "550 5.7.1 spam"'))],
		[69, qr/554 5\.6\.0 no/, account(server_start(at => 'DATA reply "554 5.6.0 no"'))],
		[69, qr/552 5\.3\.4 too big/, account(server_start(at => 'MAIL reply "552 5.3.4 too big"'))],
		[69, qr/552 5\.3\.4 too big/, account(server_start(at => 'CONTENT reply "552 5.3.4 too big"'))],
		[69, qr/554 5\.6\.7 none of this/, account(server_start(at => 'MAIL reply "554 5.6.7 none of this"'))],
		[69, qr/octets.*at most/, account(server_start(size => 10))],
		[69, qr/SMTPUTF8/, account(server_start(extensions => 'PIPELINING 8BITMIME')), ['send', "\xc3\xbc\@example.net"]],
		[74, qr/reading the message failed/, account($plain), ['send', 'a@b.test'], before => sub { POSIX::close(0) }],
		[78, qr{cannot open '/nonexistent/config'}, '/nonexistent/config'],
	);
	for my $row (@finals) {
		my ($code, $words, $config, $args, %o) = @$row;
		my $name = "$code, $words" =~ s/\(\?\^\w*:|\)$//gr;
		my $home = home();
		my $r = run_sendoff(['-C', $config, @{ $args // ['send', 'a@b.test'] }], stdin => $letter, %o, env => { HOME => $home });

		is($r->{exit}, $code, "$name: as send") or diag($r->{err});
		like($r->{err}, $words, "$name: told");
		unlike($r->{err}, qr/queued/, "$name: not as queued");
		is_deeply([files_of(queue_of($home))], [], "$name: nothing is stored");
		next if $code < 67 || $code > 69 || $args;
		# As sendmail the caller hears it as well, and somebody gets the report.
		$home = home();
		my $watch = watched(queue_of($home));   # nobody sends the report at once
		$r = sendmail($config, ['a@b.test'], stdin => $letter, env => { HOME => $home });
		is($r->{exit}, $code, "$name: as sendmail") or diag($r->{err});
		like($r->{err}, $words, "$name: as sendmail, told");
		my $report = one_entry("G2: $name: the report", $home);
		is_deeply([@{ $report->{head} // {} }{qw(sender to)}], ['<>', ['me@example.test']], "G2: $name: from nobody, to the sender");
		like($report->{content}, qr{^Content-Type: multipart/report;.*$words}ms, "G2: $name: with the words");
	}
	is($plain->stored, 0, 'nothing was sent');
};

# ---- recipients who fare differently

my @three = ('a@example.net', 'no@example.net', 'late@example.net');
my @mixed = (at => ['RCPT=no@example.net reply "550 5.1.1 no such user"', 'RCPT=late@example.net reply "451 4.2.0 come back"']);

# The entry for the one who is to come back.
sub check_third
{
	my ($name, $entry) = @_;
	my $head = $entry->{head} // {};

	is_deeply($head->{to}, ['late@example.net'], "B4: $name: the third alone is stored");
	is_deeply([@$head{qw(cause reason tries)}], ['recipient-later', '451 4.2.0 come back', 1], "B4: $name: and why");
	like($head->{recipient}, qr/^1 waiting \d+ code=451 enhanced=4\.2\.0 text=451%204\.2\.0%20come%20back$/, "$name: the answer is kept");
	is_bytes($entry->{content}, wire("$letter\n"), "$name: the same content");
}

# Files of a queue, the report and the other apart.
sub sort_out
{
	my ($home) = @_;
	my $dir = queue_of($home);
	my @entries = map { spool_entry("$dir/$_") // {} } files_of($dir);
	my @reports = grep { ($_->{head}{sender} // '') eq '<>' } @entries;

	return (scalar @entries, $reports[0], (grep { ($_->{head}{sender} // '') ne '<>' } @entries)[0]);
}

subtest 'B4: three recipients: served, refused, later' => sub {
	my $home = home();
	my $s = server_start(@mixed);
	my $r = send_mail(account($s), ['send', @three], stdin => $letter, env => { HOME => $home });

	is($r->{exit}, 67, 'as send: the refused one counts');
	like($r->{err}, qr/\Asendoff: recipient no\@example\.net refused: 550 5\.1\.1 no such user .*\n  .*\nsendoff: queued as $id_shape for 1 of 3 recipients: 451 4\.2\.0 come back\n/,
		'both are told');
	is_deeply($s->copies, { '<1@example.test>' => { 'a@example.net' => 1 } }, 'B1: the first has it, once');
	check_third('as send', one_entry('as send', $home));
	$s->stop;

	my @rows = (
		# option, exit, stderr, a report
		[[], 0, '', 1], [['-oem'], 0, '', 1], [['-oew'], 0, '', 1], [['-em'], 0, '', 1], [['-oee'], 0, '', 1],
		[['-oep'], 67, qr/recipient no\@example\.net refused: 550 5\.1\.1 no such user/, 0],
		[['-oeq'], 67, '', 0],
	);
	for my $row (@rows) {
		my ($option, $code, $err, $reports) = @$row;
		my $name = "sendmail @$option";
		$home = home();
		$s = server_start(@mixed);
		my $watch = watched(queue_of($home));
		$r = sendmail(account($s), [@$option, @three], stdin => $letter, env => { HOME => $home });
		is($r->{exit}, $code, "$name: $code") or diag($r->{err});
		ref $err ? like($r->{err}, $err, "$name: told") : is($r->{err}, $err, "$name: silent");
		is($r->{out}, '', "$name: nothing on stdout");
		my ($count, $report, $third) = sort_out($home);
		is($count, 1 + $reports, "$name: so many are stored");
		check_third($name, $third // {});
		if ($reports) {
			is_deeply($report->{head}{to}, ['me@example.test'], "G2: $name: the report is for the sender");
			like($report->{content}, qr/^Final-Recipient: rfc822; no\@example\.net\r\nAction: failed\r\nStatus: 5\.1\.1\r\n(?:.*\r\n)*?Diagnostic-Code: smtp; 550 5\.1\.1 no such user\r\n/m,
				"G2: $name: about the second, in the server's words");
			unlike($report->{content}, qr/^Final-Recipient:.*(?:late|a)\@/m, "G2: $name: and nobody else");
		}
		is_deeply($s->copies, { '<1@example.test>' => { 'a@example.net' => 1 } }, "B1: $name: the first has it, once");
		$s->stop;
	}

	# All refused.
	for my $row ([[], 67, 1, 1], [['-oem'], 67, 1, 1], [['-oee'], 0, 0, 1], [['-oep'], 67, 1, 0], [['-oeq'], 67, 0, 0]) {
		my ($option, $code, $told, $reports) = @$row;
		my $name = "all refused, sendmail @$option";
		$home = home();
		my $watch = watched(queue_of($home));
		$s = server_start(at => 'RCPT reply "550 5.1.1 no such user"');
		$r = sendmail(account($s), [@$option, 'a@example.net', 'b@example.net'], stdin => $letter, env => { HOME => $home });
		is($r->{exit}, $code, "$name: $code") or diag($r->{err});
		is(scalar(() = $r->{err} =~ /^sendoff: recipient [ab]\@example\.net refused: 550 5\.1\.1 no such user/mg), 2 * $told,
			"$name: stderr") or diag($r->{err});
		is($r->{err}, '', "$name: silent") if !$told;
		my ($count, $report) = sort_out($home);
		is($count, $reports, "$name: reports");
		is(scalar(() = $report->{content} =~ /^Final-Recipient: rfc822; [ab]\@example\.net\r$/mg), 2, "G2: $name: one, about both") if $reports;
		$s->stop;
	}

	# A report that cannot be stored is none: stderr, and the code.
	for my $option ([], ['-oee']) {
		$s = server_start(@mixed);
		$r = sendmail(account($s, global => { queue_dir => '/proc/none' }), [@$option, @three[0, 1]], stdin => $letter);
		is($r->{exit}, 67, "@$option, no report can be stored: 67");
		like($r->{err}, qr/no\@example\.net refused: 550 5\.1\.1/, 'and stderr');
		$s->stop;
	}
	# And what cannot be stored of one that others have is told as such.
	$s = server_start(@mixed);
	$r = send_mail(account($s, global => { queue_dir => '/proc/none' }), ['send', @three[0, 2]], stdin => $letter);
	is($r->{exit}, 69, 'A2: one is served, the other not, and cannot be stored: 69');
	like($r->{err}, qr/not stored.*\n(?:.*\n)*.*late\@example\.net refused for now: 451.*\n(?:.*\n)*  1 of 2 recipients were served: send again only to those named here\n/,
		'and whom to send it to again');
	$s->stop;
};

subtest 'two transactions, one taken and one not: the account works' => sub {
	for my $answer ('451 4.3.0 later', '554 5.6.0 no') {
		my $home = home();
		my $s = server_start(at => qq(CONTENT:2 reply "$answer"));
		my $r = send_mail(account($s, max_recipients => 1), ['send', @three[0, 1]], stdin => $letter, env => { HOME => $home });
		isnt($r->{exit}, 70, "$answer: $r->{exit}");
		is(spool_park("$home/.local/state/sendoff/queue", 'test')->{kind} // 'none', 'none', "$answer: nothing stands against the account");
		$s->stop;
	}
};

subtest 'A1: an alias that leads to nobody loses no mail' => sub {
	my $home = home();
	my $list = workdir() . '/nobody-is-here';
	my $aliases = workdir() . '/aliases-of-nobody';
	file_write($list, "# empty\n");
	file_write($aliases, "admins: :include:$list\n");
	my $s = server_start();
	my $config = account($s, global => { aliases => $aliases });
	for my $to (['admins'], ['admins', 'a@example.net']) {
		my $r = sendmail($config, $to, stdin => $letter, env => { HOME => $home });
		is($r->{exit}, 78, "@$to: exit 78") or diag($r->{err});
		like($r->{err}, qr/the alias 'admins' leads to nobody/, "@$to: told");
	}
	is($s->stored, 0, 'A2: nobody got it');
};

subtest 'A1: a target that is of no use takes the mail from nobody' => sub {
	my $home = home();
	my $aliases = file_write(workdir() . '/aliases-mixed', "\xef\xbb\xbfroot: |/usr/bin/touch $home/run, $home/file,\n" .
		" root, me\@example.org, /dev/null, :fail: no\nonly: |/usr/bin/touch $home/run\n");
	my $log = workdir() . '/log-mixed';
	my $s = server_start();
	my $config = account($s, global => { aliases => $aliases, log => $log });
	my $why = qr/\Q$aliases\E:1: an alias leads to a program, and none is run/;

	my $r = sendmail($config, ['root', 'x@example.net'], stdin => $letter, env => { HOME => $home });
	is($r->{exit}, 0, 'sendmail: exit 0') or diag($r->{err});
	is($r->{out} . $r->{err}, '', '... in silence');
	is_deeply([sort @{ $s->envelope(1)->{recipients} }], [qw(me@example.org root@example.test x@example.net)],
		'... all that are addresses have it, a byte order mark or not');
	like(file_read($log), qr/ left_out="$why"/, '... the log has what was left out');
	$r = send_mail($config, ['send', 'root'], stdin => $letter, env => { HOME => $home });
	is($r->{exit}, 0, 'send: exit 0');
	like($r->{err}, qr/\Asendoff: left out: $why\n  put an address there.*\n\z/, '... it is told');
	$r = run_sendoff(['-C', $config, '--json', 'send', 'root'], stdin => $letter, env => { HOME => $home });
	like($r->{out}, qr/"left_out":"$why"/, '... as JSON');
	is($s->stored, 3, 'each once');
	for my $to (['only'], ['only', 'x@example.net']) {
		$r = sendmail($config, $to, stdin => $letter, env => { HOME => $home });
		is($r->{exit}, 78, "@$to: where nobody else is left: exit 78");
		like($r->{err}, qr/\Asendoff: \Q$aliases\E:3: an alias leads to a program/, '... told');
	}
	is($s->stored, 3, '... nobody got it');
	ok(!-e "$home/run" && !-e "$home/file", 'F2: nothing was run, nothing written');
};

subtest 'the machine by its own name' => sub {
	my @apart = ('unshare', $> ? ('-U', '-r') : (), '-u');
	plan skip_all => 'no namespace of names for this user' if system("@apart true 2>/dev/null");
	my $aliases = file_write(workdir() . '/aliases-own', "root: me\@example.org\n");
	my $s = server_start();
	my $count = 0;

	for my $row (
			['box', {}, { 'root@box' => 'me@example.org', 'ROOT@BOX' => 'me@example.org', 'bob@box' => 'bob@example.test',
				'root@box.example' => 'root@box.example', 'root@boxes' => 'root@boxes' }],
			['box.lan.example', {}, { 'root@box' => 'me@example.org', 'root@box.lan.example' => 'me@example.org',
				'root@lan.example' => 'root@lan.example', 'root@x.box.lan.example' => 'root@x.box.lan.example' }],
			['box.lan.example', { admin => 'boss@example.org' }, { 'bob@Box.Lan.Example' => 'boss@example.org' }],
			['mail.example', { admin => 'boss@example.org' }, { 'bob@mail.example' => 'bob@mail.example', 'bob@mail' => 'boss@example.org' },
				{ from => 'me@mail.example' }],
			['mail.example', {}, { 'root@mail.example' => 'root@mail.example' }, { allowed_from => '*@mail.example' }],
			['mail.example', {}, { 'root@mail.example' => 'root@mail.example' }, { match => 'x@y.test, *@MAIL.example' }],
			(map { ['shop.example', {}, { 'root@shop.example' => 'root@shop.example', 'root@shop' => 'me@example.org' }, $_] }
				{ match => 'shop.example' }, { match => '*@*.example' }, { allowed_from => '*shop.example' }),
			['shop.example', {}, { 'root@shop.example' => 'me@example.org' }, { match => 'other.example' }]) {
		my ($name, $global, $becomes, $keys) = @$row;
		my $config = account($s, %{ $keys // {} }, global => { aliases => $aliases, %$global });
		for my $to (sort keys %$becomes) {
			my $r = run_sendoff([], stdin => $letter, env => { HOME => home() },
				command => [@apart, 'sh', '-c', 'hostname "$1" && shift && exec "$@"', 'sh', $name,
					SendoffTest::Run::program('sendoff'), '-C', $config, 'send', '--no-queue', $to]);
			is($r->{exit}, 0, "$to at $name") or diag($r->{err});
			is_deeply($s->envelope(++$count)->{recipients}, [$becomes->{$to}], "... goes to $becomes->{$to}");
		}
	}
};

subtest 'sendmail: what is told by mail is not told on stderr' => sub {
	my $home = home();
	my $s = server_start(@mixed);
	my $watch = watched(queue_of($home));
	my $r = sendmail(account($s), [@three[0, 1]], stdin => $letter, env => { HOME => $home });

	is("$r->{exit}$r->{out}$r->{err}", '0', 'cron would mail it a second time');
	is_deeply(one_entry('the report', $home)->{head}{to}, ['me@example.test'], 'the report');
};

# ---- stored by request

subtest 'stored by request: no connection is made' => sub {
	my $s = server_start();
	my $dir = workdir() . '/elsewhere';
	my @ways = (
		# name, configuration, name of the program, arguments, words, lines of the head
		['--queue', {}, 'sendoff', ['send', '--queue'], qr/\Asendoff: queued as $id_shape\n\z/],
		['--at', {}, 'sendoff', ['send', '--at', '+2h'], qr/\Asendoff: queued as $id_shape, not before \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n  it goes out .* from then on; .*\n\z/, 7200],
		['--at, a date', {}, 'sendoff', ['send', '--at', '2099-12-24T18:00:00Z'], qr/\Asendoff: queued as $id_shape, not before 2099-12-24 /, 'to be'],
		['--at and --queue', {}, 'sendoff', ['send', '--at=+1d', '--queue'], qr/\Asendoff: queued as $id_shape, not before \S+ \S+\n\z/, 86400],
		['sendmail -odq', {}, 'sendmail', ['-odq'], qr/\A\z/],
		['sendmail -o dq', {}, 'sendmail', ['-o', 'dq'], qr/\A\z/],
		['delivery = queue', { delivery => 'queue' }, 'sendoff', ['send'], qr/\Asendoff: queued as $id_shape\n/],
		['delivery = queue, sendmail', { delivery => 'queue' }, 'sendmail', [], qr/\A\z/],
		['-odq instead of delivery = now', { delivery => 'now' }, 'sendmail', ['-odq'], qr/\A\z/],
		['-odq instead of delivery = background', { delivery => 'background' }, 'sendmail', ['-odq'], qr/\A\z/],
		['queue_dir', { queue_dir => $dir }, 'sendoff', ['send', '--queue'], qr/\Asendoff: queued as $id_shape\n\z/],
	);
	for my $row (@ways) {
		my ($name, $global, $program, $args, $words, $wait) = @$row;
		my $home = home();
		my $config = account($s, global => $global);
		my $began = time;
		my $r = run_sendoff([@$args, 'you@example.net', 'b@example.net'], name => $program, stdin => $letter,
			env => { HOME => $home, SENDOFF_CONFIG => $config });

		is("$r->{exit}$r->{out}", '0', "$name: 0");
		like($r->{err}, $words, "$name: said so");
		if ($global->{queue_dir}) {
			is((files_of($dir))[0] =~ s{/.*}{}r, 'new', "$name: there");
			is_deeply([files_of(queue_of($home))], [], "$name: and not in the usual place");
			next;
		}
		my $entry = one_entry($name, $home);
		my $head = $entry->{head} // {};
		is_bytes($entry->{content}, wire("$letter\n"), "A8: $name: the content");
		is_deeply([@$head{qw(tries cause reason config)}], [undef, undef, undef, $config], "$name: it was not tried");
		is_deeply($head->{events}, [['accepted', '']], "$name: and that is all that happened to it");
		if (!$wait) {
			is($head->{'not-before'}, undef, "$name: to be sent at once");
		} elsif ($wait =~ /\D/) {
			is($head->{'not-before'}, 4101818400, "$name: to be sent then");
		} else {
			ok(abs($head->{'not-before'} - $began - $wait) < 3, "$name: to be sent then");
		}
	}
	is($s->connections, 0, 'nobody was connected to');
	for my $args (['--queue'], ['--at', '+2h']) {
		my $r = run_sendoff(['-C', account($s), 'send', '--no-queue', @$args, 'a@b.test'], stdin => $letter);
		is($r->{exit}, 64, "--no-queue @$args: 64");
		like($r->{err}, qr/--no-queue is now or never, and $args->[0] is later\n/, 'told');
	}
	my $r = run_sendoff(['-C', account($s), 'send', '--at', 'tomorrow', 'a@b.test'], stdin => $letter);
	is($r->{exit}, 64, '--at is no time: 64');
	$r = run_sendoff(['-C', account($s), 'send', '--at', '2020-01-01', 'a@b.test'], stdin => $letter);
	is("$r->{exit}$r->{err}", '0', '--at a time that has passed');
	is($s->stored, 1, 'is now');
	is(scalar(queued()), 0, 'nothing is stored for it');
};

subtest 'in the background: stored, then sent' => sub {
	for my $row (['sendmail -odb', {}, 'sendmail', ['-odb']], ['delivery = background', { delivery => 'background' }, 'sendmail', []],
		['delivery = background, send', { delivery => 'background' }, 'sendoff', ['send']]) {
		my ($name, $global, $program, $args) = @$row;
		my $home = home();
		# The caller is back before the server has greeted.
		my $s = server_start(at => 'greeting delay 7000');
		my $r = run_sendoff([@$args, 'you@example.net'], name => $program, stdin => $letter,
			env => { HOME => $home, SENDOFF_CONFIG => account($s, timeout => '30s', connect_timeout => '30s', global => $global) });

		is("$r->{exit}$r->{out}", '0', "$name: 0");
		cmp_ok($r->{seconds}, '<', 6, "$name: at once");
		is($r->{err}, '', "$name: silent") if $program eq 'sendmail';
		is(scalar(my @there = files_of(queue_of($home))), 1, "A1: $name: stored by then");
		ok(wait_until(sub { !files_of(queue_of($home)) }, 60), "$name: sent behind our back");
		is_deeply($s->copies, { '<1@example.test>' => { 'you@example.net' => 1 } }, "B1: $name: once");
		$s->stop;
	}
	for my $args (['-odi'], ['-odi', '-oi']) {
		my $s = server_start();
		my $r = sendmail(account($s, global => { delivery => 'queue' }), [@$args, 'you@example.net'], env => { HOME => home() });
		is("$r->{exit}$r->{out}$r->{err}", '0', "sendmail @$args instead of delivery = queue");
		is($s->stored, 1, 'sent now');
	}
};

subtest 'C7: a signal while it is sent: stored' => sub {
	for my $row (['DATA silence', 'stopped', 0], ['CONTENT keep silence', 'outcome-unknown', 1], ['EHLO silence', 'stopped', 0]) {
		my ($at, $cause, $unsure) = @$row;
		my $home = home();
		my $s = server_start(at => $at);
		my $run = start_sendoff(['-C', account($s, timeout => '20s', connect_timeout => '20s', final_timeout => '20s'), 'send',
			'you@example.net'], stdin => $letter, env => { HOME => $home });
		wait_until(sub { $run->turn(0.01); grep { $_->{kind} eq 'FAULT' } $s->journal });
		sleep 0.2;
		$run->kill('TERM');
		my $r = $run->finish;
		is($r->{exit}, 0, "SIGTERM, $at: stored, so 0") or diag($r->{err});
		cmp_ok($r->{seconds}, '<', 5, "SIGTERM, $at: at once");
		my $entry = one_entry("SIGTERM, $at", $home);
		is($entry->{head}{cause}, $cause, "SIGTERM, $at: why it waits");
		is(($entry->{head}{recipient} // '') =~ / unsure\b/ ? 1 : 0, $unsure, "SIGTERM, $at: whether the server may have it");
		is(spool_park(queue_of($home), 'test')->{kind} // 'none', 'none', "SIGTERM, $at: that is no trouble of the account");
		$s->stop;
	}
};

subtest 'aliases are resolved once and for ever' => sub {
	my $home = home();
	mkdir $_ for map { "$home/$_" } qw(.config .config/sendoff);
	my $file = file_write("$home/.config/sendoff/aliases", "root: admin, she\@example.org\nadmin: me\@example.org\n");
	my $config = account($nobody);
	my $r = run_sendoff(['-C', $config, 'send', 'root', 'x@example.net', 'other'], stdin => $letter, env => { HOME => $home });
	is($r->{exit}, 0, 'stored') or diag($r->{err});
	my $head = one_entry('aliases', $home)->{head};
	my %was = map { ($head->{to}[$_] => $head->{was}[$_]) } 0 .. $#{ $head->{to} };
	is_deeply(\%was, { 'me@example.org' => 'root', 'she@example.org' => 'root', 'x@example.net' => undef, 'other@example.test' => 'other' },
		'what they are, and what they were');
	# Also where the configuration cannot be read.
	$home = home();
	mkdir $_ for map { "$home/$_" } qw(.config .config/sendoff);
	file_write("$home/.config/sendoff/aliases", file_read($file));
	$r = run_sendoff(['-C', config("[account a]\nhots = x\n"), 'send', 'root'], stdin => $letter, env => { HOME => $home });
	is($r->{exit}, 0, 'a faulty configuration: stored') or diag($r->{err});
	is_deeply([sort @{ one_entry('aliases, faulty', $home)->{head}{to} }], ['me@example.org', 'she@example.org'], 'for whom it is meant');
};

# ---- what cannot be stored either

my $public = workdir() . '/public';

# Sent nor stored: 75, said so, and nothing there, not even half.
sub not_stored
{
	my ($name, $dir, $words, $r) = @_;

	is($r->{exit}, 75, "A5: $name: 75") or diag($r->{err});
	is($r->{signal}, 0, "$name: by no signal");
	like($r->{err}, qr/^sendoff: not stored: /m, "A4: $name: told");
	like($r->{err}, $words, "$name: and why");
	like($r->{err}, qr/^sendoff: cannot connect to .*connection refused/, "$name: and why it was to be stored");
	unlike($r->{err}, qr/queued as/, "$name: no other word");
	is_deeply([files_of($dir)], [], "A2: $name: nothing is left there") if $dir;
}

# Each as send, as sendmail, and where storing was asked for.
sub not_stored_at_all
{
	my ($name, $dir, $words, $global, %o) = @_;
	my $config = account($nobody, global => $global);
	my $wrap = delete $o{wrap} // sub { return @_ };

	for my $row (['send', 'sendoff', 'send'], ['sendmail', 'sendmail']) {
		my ($how, $program, @args) = @$row;
		chmod 0644, $config;
		chown $o{uid}, $o{uid}, $config if $o{uid};
		not_stored("$name, $how", $dir, $words, run_sendoff([], stdin => $o{stdin} // $letter, %o, command => [$wrap->(
			program_of($program), @args, 'you@example.net')], env => { SENDOFF_CONFIG => $config, %{ $o{env} // {} } }));
	}
	my $r = run_sendoff([], stdin => $o{stdin} // $letter, %o, command => [$wrap->(program_of('sendoff'), 'send', '--queue',
		'you@example.net')], env => { SENDOFF_CONFIG => $config, %{ $o{env} // {} } });
	is($r->{exit}, 75, "A5: $name, --queue: 75") or diag($r->{err});
	like($r->{err}, qr/^sendoff: not stored: .*$words/m, "$name, --queue: told");
	is_deeply([files_of($dir)], [], "A2: $name, --queue: nothing is left there") if $dir;
}

# Where others may run it.
sub program_of
{
	my ($name) = @_;

	if (!-e "$public/sendoff") {
		mkdir $public;
		chmod 0755, $public;
		chmod 0711, workdir();
		system('cp', SendoffTest::Run::program('sendoff'), "$public/sendoff") == 0 or die "cp failed\n";
		chmod 0755, "$public/sendoff";
		symlink 'sendoff', "$public/sendmail";
	}
	return "$public/$name";
}

sub as_user
{
	my ($uid) = @_;

	return (uid => $uid, cwd => '/', before => sub { POSIX::setgid($uid); $) = "$uid $uid"; POSIX::setuid($uid) });
}

sub limited { my ($limit) = @_; return sub { return ('/bin/sh', '-c', "ulimit $limit; exec \"\$\@\"", 'sh', @_) } }

subtest 'A5: no place for a queue' => sub {
	my $file = file_write(workdir() . '/a-file', 'x');
	not_stored_at_all('a file in its place', undef, qr/\Q$file\E/, { queue_dir => $file });
	is(file_read($file), 'x', 'and the file is as it was');
	not_stored_at_all('a file above it', undef, qr/\Q$file\E/, { queue_dir => "$file/queue" });
	my $open = workdir() . '/open';
	mkdir $open;
	chmod 0777, $open;
	not_stored_at_all('a directory that others can write', $open, qr/\Q$open\E/, { queue_dir => $open });
	mkdir "$open/elsewhere", 0700;
	symlink "$open/elsewhere", workdir() . '/a-link';
	my $half = workdir() . '/half';
	mkdir $_, 0700 for $half;
	file_write("$half/tmp", '');
	not_stored_at_all('a file in place of a directory in it', undef, qr/tmp/, { queue_dir => $half });
	unlink "$half/tmp";
	symlink "$open/elsewhere", "$half/tmp";
	not_stored_at_all('F7: a link in place of a directory in it', undef, qr/tmp/, { queue_dir => $half });
	is_deeply([glob "$open/elsewhere/*"], [], 'nothing is written through it');
	# Mail that can be sent needs no queue.
	my $s = server_start();
	for my $dir ($file, $open, $half) {
		my $r = send_mail(account($s, global => { queue_dir => $dir }), ['send', 'you@example.net']);
		is("$r->{exit}$r->{out}$r->{err}", '0', 'while the server takes it: 0');
	}
	is($s->stored, 3, 'and sent');
};

subtest 'A5: another user, no home' => sub {
	plan skip_all => 'needs root' if $>;
	my $dir = workdir() . '/of-root';
	mkdir $dir, 0755;
	chmod 0755, $dir;
	program_of('sendoff');
	not_stored_at_all('of another user', $dir, qr/\Q$dir\E/, { queue_dir => $dir }, as_user(54321));
	my $own = "$public/own";
	mkdir $own;
	chown 54321, 54321, $own;
	chmod 0500, $own;
	not_stored_at_all('not writable', $own, qr/\Q$own\E.*\n?.*|Permission denied/, { queue_dir => $own }, as_user(54321));
	not_stored_at_all('not writable above', $own, qr/Permission denied/, { queue_dir => "$own/queue" }, as_user(54321));
	not_stored_at_all('no home', undef, qr/no home directory/, {}, as_user(54321), env => { HOME => undef });
	not_stored_at_all("root's home", undef, qr/no home directory/, {}, as_user(54321), env => { HOME => '/root' });
	my $r = run_sendoff([], stdin => $letter, as_user(54321), env => { HOME => undef, XDG_STATE_HOME => "$public/state",
		SENDOFF_CONFIG => do { my $c = account($nobody); chown 54321, 54321, $c; $c } },
		command => [program_of('sendmail'), 'you@example.net'], before => sub {
			mkdir "$public/state"; chown 54321, 54321, "$public/state"; POSIX::setgid(54321); POSIX::setuid(54321) });
	is("$r->{exit}$r->{out}$r->{err}", '0', 'without a home, but with XDG_STATE_HOME: stored') or diag($r->{err});
	is((files_of("$public/state/sendoff/queue"))[0] =~ s{/.*}{}r, 'new', 'there');
};

subtest 'A5: file systems that are full or read-only' => sub {
	plan skip_all => 'needs root and namespaces' if $> || system('unshare -m true 2>/dev/null');
	my $mount = workdir() . '/mount';
	mkdir $mount;
	my $in = sub { my ($script) = @_; return (wrap => sub { return ('unshare', '-m', '/bin/sh', '-c',
		"exec 3>&1; { $script; } >/dev/null 2>&1 || exit 99; \"\$\@\"; code=\$?; { find $mount -type f ! -name fill -path '*queue*' ! -path '*/accounts/*' ! -name lock; } >&3; exit \$code", 'sh', @_) }) };
	my $check = sub { my ($name, $script, $words, $size) = @_;
		my $config = account($nobody, global => { queue_dir => "$mount/queue" });
		for my $args (['send'], ['send', '--queue']) {
			my $text = letter(join '', ('y' x 70 . "\n") x ($size / 71));
			my %wrap = $in->($script);
			my $r = run_sendoff([], stdin => $text, command => [$wrap{wrap}->(program_of('sendoff'), @$args, 'you@example.net')],
				env => { SENDOFF_CONFIG => $config });
			is($r->{exit}, 75, "A5: $name (@$args): 75") or diag($r->{err});
			like($r->{err}, qr/^sendoff: not stored: .*$words/m, "$name (@$args): told");
			is($r->{out}, '', "A2: $name (@$args): nothing is left there");
		}
	};
	$check->('read-only', "mount -t tmpfs -o ro,mode=700 none $mount", qr/the file system can only be read/, 1000);
	for my $free (0 .. 6) {
		# So many pages are free; the directories take none of them.
		$check->("a full disk, $free pages free", "mount -t tmpfs -o size=256k,mode=700 none $mount && mkdir -m 700 $mount/queue $mount/queue/tmp $mount/queue/new && " .
			"head -c @{[(64 - $free) * 4096]} /dev/zero >$mount/fill", qr/disk is full|No space left/, 40000);
	}
	for my $inodes (1 .. 3) {
		$check->("no more than $inodes inodes", "mount -t tmpfs -o nr_inodes=$inodes,mode=700 none $mount", qr/disk is full|No space left/, 100);
	}
};

subtest 'A5: limits of the process' => sub {
	my $dir = queue_of(home());
	my $big = letter(join '', ('z' x 70 . "\n") x 3000);
	for my $blocks (0, 1, 2, 16, 100) {
		not_stored_at_all("ulimit -f $blocks", $dir, qr/File too large|file size|ulimit -f/, { queue_dir => $dir }, stdin => $big,
			wrap => limited("-f $blocks"));
	}
	my %seen;
	# With three the loader finds no library, and with few a sanitizer does not end.
	for my $n (($ENV{ASAN_OPTIONS} || build() =~ /asan/ ? 8 : 4) .. 24) {
		for my $args (['send', 'you@example.net'], ['send', '--queue', 'you@example.net']) {
			my $home = home();
			my $r = run_sendoff([], stdin => $letter, env => { HOME => $home }, command => [limited("-n $n")->(
				program_of('sendoff'), '-C', account($nobody), @$args)]);
			my @files = files_of(queue_of($home));
			$seen{ $r->{exit} // 'none' }++;
			ok(safe($r), "C6: $n descriptors (@$args): it ends");
			if (($r->{exit} // 1) == 0) {
				one_entry("$n descriptors (@$args)", $home);
			} else {
				like($r->{exit}, qr/^(?:71|75|78)$/, "C6: $n descriptors (@$args): a code that means nobody got it") or diag($r->{err});
				is_deeply(\@files, [], "A2: $n descriptors (@$args): nothing is left there");
			}
		}
	}
	ok($seen{0}, 'with enough of them it is stored');
	ok(keys %seen > 1, 'with too few it is not');
};

subtest 'C6: umask, and a working directory that is gone' => sub {
	for my $mask (0, 0777, 022) {
		my $home = home();
		my $old = sprintf '%03o', $mask;
		my $gone = workdir() . '/gone';
		mkdir $gone;
		my $config = account($nobody);
		my $r = run_sendoff(['-C', $config, 'send', 'you@example.net'], stdin => $letter, env => { HOME => $home }, cwd => $gone,
			before => sub { umask $mask; rmdir $gone });
		is($r->{exit}, 0, "umask $old: stored") or diag($r->{err});
		one_entry("umask $old", $home);
		my @wrong = grep { ((stat)[2] & 07777) != 0700 } "$home/.local", glob("$home/.local/state/sendoff $home/.local/state/sendoff/queue $home/.local/state/sendoff/queue/*/");
		is_deeply(\@wrong, [], "umask $old: its directories are nobody else's");
		# A name of -C that is not absolute means the directory as it was.
	}
	my $home = home();
	my $config = account($nobody);
	my ($dir, $file) = $config =~ m{(.*)/(.*)};
	my $r = run_sendoff(['-C', $file, 'send', 'you@example.net'], stdin => $letter, env => { HOME => $home }, cwd => $dir);
	is($r->{exit}, 0, '-C that is not absolute: stored') or diag($r->{err});
	is(one_entry('-C', $home)->{head}{config}, $config, 'with the whole path');
};

done_testing;
