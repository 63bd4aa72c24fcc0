#!/usr/bin/perl
# Never a password or a token in what is shown, written or left behind: transcripts, JSON,
# logs, the queue and what is asked of it, reports, commands of one's own, cores, files that
# nobody sees.  Servers repeat it wherever they get to say something.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Never;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Spool;
use SendoffTest::Token;

my $plain = b64("\0$user\0$secret");
my %me = (user => $user, password => $secret);
my @keys = (tls => 'implicit', user => $user, password => qq("$secret"), timeout => '9s');
my $quoted = $secret =~ s/"/\\"/gr;

# Each run's output is looked through as it ends, every file of a run at the end of the test
# (SendoffTest::Secrets).  This is for what was sent out, or stands elsewhere.
sub tells_nothing
{
	my ($text, $name) = @_;

	is_deeply([secrets_in($text)], [], "D9: $name") or diag($text);
}

# What a server might say that has heard it once.
my %repeats = (
	'as it is' => "you said $quoted", 'in base64' => 'you said ' . b64($secret), 'as PLAIN has it' => "what is AUTH PLAIN $plain",
	'in a word' => "x${quoted}y", 'twice' => "$quoted$quoted", 'behind many words' => 'x ' x 200 . $quoted, 'where words are cut' => 'x' x 505 . $quoted,
	'in a line of its own' => "first\\r\\nCODE-$quoted\\r\\nCODE last",
);
my %at = (EHLO => 250, MAIL => 450, RCPT => 450, DATA => 451, CONTENT => 452, AUTH => 454, QUIT => 221);

sub repeating
{
	my ($at, $code, $words) = @_;

	return qq($at reply "$code-) . ($words =~ s/CODE/$code/gr) . qq(\\r\\n$code no");
}

subtest 'whatever a server repeats, and where' => sub {
	my ($n, $log) = (0);
	for my $how (sort keys %repeats) {
		for my $at (sort keys %at) {
			my $s = server_start(tls => 'implicit', %me, at => repeating($at, $at{$at}, $repeats{$how}));
			$log = workdir() . '/log' . ++$n;
			my $c = account($s, @keys, global => { log => $log, log_format => $n % 2 ? 'text' : 'json' });
			my @runs = map { send_mail_start($c, $_) } ['-v', '--json', 'send', '--no-queue', 'you@example.net'], ['-v', 'send', '--no-queue', 'you@example.net'],
				['-v', 'check', '--json', '--all', '--timeout', 8, '--to', 'you@example.net'], ['check', '--timeout', 8, '--to', 'you@example.net'];

			ok(safe($_), "$how, at $at: it ends") for finish_all(@runs);
			tells_nothing(-e $log ? file_read($log) : '', "$how, at $at: the log");
			$s->stop;
		}
	}
};

# In another session, before anything was said; and where it is no reply at all.
subtest 'a server that knows it from before' => sub {
	for my $words ($quoted, b64($secret), $plain) {
		for my $case (["greeting reply \"220 $words\""], ["greeting reply \"421 $words\""], ["greeting reply \"$words\""], ["greeting reply \"554-$words\\r\\n554 $words\""],
			["EHLO reply \"250-$words\\r\\n250-AUTH PLAIN\\r\\n250 $words\""], ["EHLO reply \"250-mx\\r\\n250 AUTH $words\""], ["MAIL reply \"" . 'y' x 110 . "$words\""],
			["MAIL reply \"250-a\\r\\n$words\""], ["RCPT reply \"$words\\c\""], ["STARTTLS reply \"454 $words\"", 'starttls']) {
			my ($at, $tls) = (@$case, 'implicit');
			my $s = server_start(tls => $tls, %me, at => $at);
			my $c = account($s, @keys, tls => $tls, timeout => '500ms', global => { log => 'stderr' });
			my @runs = map { send_mail_start($c, $_) } ['-v', '--json', 'send', '--no-queue', 'you@example.net'],
				['-v', 'check', '--json', '--timeout', 8, '--to', 'you@example.net'];

			ok(safe($_), "$at: it ends") for finish_all(@runs);
			$s->stop;
		}
	}
};

# What is kept of a failure is asked for in many ways, and goes into the report.
subtest 'what waits, and what is given up' => sub {
	my $told = workdir() . '/told';
	my $s = server_start(tls => 'implicit', %me, mood => 1);
	my $c = account($s, @keys, from => 'me@example.test', global => { log => workdir() . '/queue-log',
		on_failure => "env >$told; cat >>$told; tr '\\0' '\\n' </proc/self/environ >>$told; ls -l /proc/self/fd >>$told; tr '\\0' ' ' </proc/\$PPID/cmdline >>$told" });
	my $words = "no such thing as $quoted or " . b64($secret) . " or $plain";
	my @asked = (['queue', 'list'], ['queue', 'list', '--json'], ['--json', 'queue', 'list'], ['queue', 'check'], ['queue', 'flush'], ['-v', 'queue', 'flush'],
		['config', 'show'], ['--json', 'config', 'show'], ['config', 'check'], ['send', '--explain', 'you@example.net'], ['send', '--dry-run', 'you@example.net'],
		['-v', 'send', '--dry-run', 'you@example.net']);

	$s->mood(qq(RCPT reply "450 4.2.0 $words"));
	is(send_mail($c, ['send', 'you@example.net'])->{exit}, 0, 'stored');
	my ($id) = spool_ids(queue_dir(), 'new');
	for my $args (@asked, ['queue', 'show', "p-$id"], ['--json', 'queue', 'show', "p-$id"], ['queue', 'hold', "p-$id"], ['queue', 'show', "p-$id"],
		['queue', 'release', "p-$id"]) {
		my $r = send_mail($c, $args);

		ok(safe($r), "@$args: it ends") or diag($r->{err});
	}
	my $r = run_sendoff([], name => 'mailq', env => { SENDOFF_CONFIG => $c });
	like($r->{out}, qr/no such thing as \*+/, 'mailq: the reason, without it');
	tells_nothing(join("\n", spool_control(queue_dir(), $id)), 'the control file of the queue');

	$s->mood(qq(RCPT=you\@example.net reply "550 5.1.1 $words"));
	send_mail($c, ['queue', 'retry', "p-$id"]);
	send_mail($c, ['queue', 'flush']);
	ok(wait_until(sub { -s $told && $s->stored }, 10), 'given up, and reported') or diag(join "\n", queued('new'), queued('failed'));
	my ($report) = grep { /^Final-Recipient:/m } map { $s->message($_) // '' } 1 .. $s->stored;
	like($report // '', qr/550 5\.1\.1 no such thing as \*+/, 'G2: the report has the server\'s words');
	tells_nothing($report // '', 'and nothing of the password');
	wait_until(sub { file_read($told) =~ /queue|send/ }, 5);
	tells_nothing(file_read($told), 'on_failure: its environment, its input, its descriptors');
	like(file_read($told), qr/^SENDOFF_REASON=.*no such thing as \*+/m, 'which has the reason');
	tells_nothing(file_read(workdir() . '/queue-log'), 'the log');
	queue_empty();
};

# Where the secret comes from is nobody else's affair.
subtest 'commands of one\'s own' => sub {
	my $seen = workdir() . '/seen';
	my $s = server_start(tls => 'implicit', %me);
	my $file = file_write(workdir() . '/their-secret', $secret);
	my %given = (SENDOFF_PASSWORD => $secret, MAIL_SECRET => $secret);

	my $command = "env >$seen; ls -l /proc/self/fd >>$seen; tr '\\0' ' ' </proc/\$PPID/cmdline >>$seen; cat $file";
	my $r = send_mail(account($s, @keys, password => undef, password_command => $command), undef, env => { SENDOFF_PASSWORD => $secret });
	is($r->{exit}, 0, 'password_command') or diag($r->{err});
	tells_nothing(file_read($seen), 'password_command gets no other secret along');
	unlike(file_read($seen), qr{-> .*their-secret|-> .*config\d}, 'nor a file that holds one');

	# One account has it in a variable; what another one runs does not see that.
	my $config = config(account_text(@keys, port => $s->port, password => undef, password_env => 'MAIL_SECRET') . "\n[account other]\nhost = localhost\nport = " .
		$s->port . "\ntls = implicit\ntls_ca_file = {ca}\nuser = $user\nfrom = a\@b.test\npassword_command = $command\n");
	$r = run_sendoff(['-C', $config, '-a', 'other', 'send', '--no-queue', 'you@example.net'], stdin => letter(), env => \%given);
	is($r->{exit}, 0, 'beside password_env') or diag($r->{err});
	tells_nothing(file_read($seen), 'password_env: of another account');
	unlink $seen;

	my $failing = server_start(tls => 'implicit', %me, at => 'RCPT=you@example.net reply "450 4.2.0 later"');
	$config = account($failing, @keys, password => undef, password_env => 'MAIL_SECRET', global => { on_failure => "env >$seen", max_age => '1h',
		queue_dir => workdir() . '/queue' });   # it runs once a minute for each queue
	spool_put(workdir() . '/queue', 'a' x 12, age => 7200, content => wire(letter("a\n")));
	$r = run_sendoff(['-C', $config, 'queue', 'flush'], env => \%given);
	ok(wait_until(sub { -s $seen }, 10), 'on_failure is run') or diag($r->{err});
	tells_nothing(file_read($seen), 'on_failure: neither variable');
	queue_empty();
};

# The browser is a program with a thousand others in it: it gets to know where to go.
subtest 'a browser' => sub {
	my $seen = workdir() . '/browser-seen';
	my $tokens = token_server(client_secret => 'cl1ent*secret-of-ours');
	my $config = account(server_start(), oauth($tokens), tls => 'starttls', oauth_client_secret => 'cl1ent*secret-of-ours');
	my $browser = file_write(workdir() . '/looking', "#!/bin/sh\n{ env; ls -l /proc/self/fd; tr '\\0' ' ' </proc/\$PPID/cmdline; echo \"\$@\"; } >$seen\n" .
		'exec ' . $tokens->browser . " \"\$\@\"\n", 0700);
	my $r = run_sendoff(['-C', $config, 'login', 'test'], timeout => 60, env => { DISPLAY => ':77', BROWSER => $browser, SENDOFF_PASSWORD => $secret });

	is($r->{exit}, 0, 'signed in') or diag($r->{out} . $r->{err});
	my @secrets = ($secret, 'cl1ent*secret-of-ours', values %{ token_stored('test') });
	is_deeply([secrets_in(file_read($seen), [], grep { length > 15 && !/^http/ } @secrets)], [], 'D9: where to go, and no secret');
	like(file_read($seen), qr/code_challenge=/, 'which it was told');
};

# While the session goes on: what others can see of the process, and what it leaves when it
# dies.
subtest 'the process' => sub {
	my $s = server_start(tls => 'implicit', %me, at => 'CONTENT delay 4000');
	my $dir = workdir() . '/cores';
	my $tmp = workdir() . '/tmp';
	mkdir $_, 0700 for $dir, $tmp;
	my $big = letter("line of text\n" x 200_000);
	my $run = send_mail_start(account($s, @keys, timeout => '9s'), undef, stdin => $big, cwd => $dir, env => { TMPDIR => $tmp, SENDOFF_PASSWORD => $secret },
		command => ['/bin/sh', '-c', 'ulimit -c unlimited 2>/dev/null; exec "$@"', 'sh', SendoffTest::Run::program('sendoff'), '-C', account($s, @keys, timeout => '9s'),
			'send', '--no-queue', 'you@example.net']);

	ok(wait_until(sub { $run->turn(0.01); grep { /^\(|^MAIL/ } map { $_->{kind} eq 'C' ? $_->{text} : () } $s->journal }, 15), 'it is under way');
	my $proc = '/proc/' . $run->pid;
	tells_nothing(file_read("$proc/cmdline"), 'its arguments');
	like(file_read("$proc/limits"), qr/^Max core file size +0 +0 /m, 'no core is written, however it dies');
	is_deeply([grep { -f } map { "$_" } glob "$tmp/* $dir/*"], [], 'its files have no names');
	SKIP: {
		skip 'only root can look at it as another user', 1 if $>;
		isnt((stat "$proc/mem")[4], 65534, 'and it belongs to nobody who could trace it');
	}
	$run->kill('ABRT');
	my $r = $run->finish;
	is($r->{signal}, 6, 'it dies of SIGABRT');
	is_deeply([glob "$tmp/* $dir/*"], [], 'and leaves nothing');
};

# One's own process, as any other program of the same user would look at it.
subtest 'other programs of the same user' => sub {
	plan skip_all => 'takes root to be somebody else twice' if $> || system('setpriv --reuid=65534 --clear-groups true 2>/dev/null');
	my $s = server_start(tls => 'implicit', %me, at => 'MAIL delay 3000');
	my $home = workdir() . '/nobody';
	mkdir $home, 0700;
	chmod 0755, workdir();
	chown 65534, 65534, $home;
	system('cp', '-L', SendoffTest::Run::program('sendoff'), "$home/sendoff") == 0 or die "cp\n";
	my $config = "$home/config";
	file_write($config, file_read(account($s, @keys, timeout => '9s', tls_ca_file => "$home/ca")));
	file_write("$home/ca", file_read(cert('ca')), 0644);
	chown 65534, 65534, $config, "$home/ca";
	my @as = qw(setpriv --reuid=65534 --regid=65534 --clear-groups);
	my $run = start_sendoff([], stdin => letter(), cwd => '/', env => { HOME => $home, SENDOFF_PASSWORD => $secret }, command => [@as, "$home/sendoff", '-C', $config,
		'send', '--no-queue', 'you@example.net']);

	ok(wait_until(sub { $run->turn(0.01); grep { $_->{text} =~ /^MAIL/ } $s->journal }, 15), 'it is under way') or diag($run->{err});
	for my $file (qw(environ mem maps)) {
		my $seen = run_sendoff([], command => [@as, 'head', '-c', '4096', '/proc/' . $run->pid . "/$file"]);
		isnt($seen->{exit}, 0, "$file: they may not look") or diag(length $seen->{out});
	}
	is($run->finish->{exit}, 0, 'and the mail is sent');
};

done_testing;
