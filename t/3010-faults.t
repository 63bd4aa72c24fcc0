#!/usr/bin/perl
# A server that fails in every way at every step: the end comes in time, nobody
# gets the message twice, and what was refused or is not known never counts as
# sent.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;

# A case: { name, at => [...], server => {...}, keys => {...}, args, stdin,
# exit => CODES, stored => NUMBER, err => PATTERN, ... }.  Many run side by side: most
# of their time is waiting.
my @cases;

sub later { my ($name, %o) = @_; push @cases, { name => $name, %o } }

sub begin
{
	my ($case) = @_;
	my %server = %{ $case->{server} // {} };

	$case->{s} = server_start(%server, at => $case->{at});
	# What goes well has time to.
	my @waits = $case->{exit} eq '0' ? qw(4s 4s 4s) : qw(600ms 900ms 800ms);
	$case->{run} = send_mail_start(account($case->{s}, tls => $server{tls} // 'off', timeout => $waits[0],
		connect_timeout => $waits[1], final_timeout => $waits[2], %{ $case->{keys} // {} }),
		$case->{args}, timeout => 12, ($case->{stdin} ? (stdin => $case->{stdin}) : ()));
}

sub end
{
	my ($case) = @_;
	my ($r, $name) = @$case{qw(r name)};
	my $stored = $case->{s}->stored;

	ok(safe($r), "C1: $name: it ends") or diag($r->{err});
	cmp_ok($r->{seconds}, '<', $case->{seconds} // 8, "C1: $name: in time");
	like($r->{exit}, qr/^(?:$case->{exit})$/, "G1: $name: exit $case->{exit}") or diag($r->{err});
	# 74 says that nobody knows: then the server may have it, once.
	if ($case->{either} && $r->{exit} == 74) {
		cmp_ok($stored, '<=', 1, "B1: $name: stored once at most");
	} else {
		is($stored, $case->{stored} // 0, "$name: stored " . ($case->{stored} // 0));
	}
	is($case->{s}->message(1), $case->{content}, "$name: no content") if defined $case->{content};
	ok($r->{exit} != 75 || !$stored, "A2: $name: 75 means that nobody got it");
	ok($r->{exit} != 0 || $stored, "A1: $name: 0 means that it was taken");
	if ($r->{exit}) {
		like($r->{err}, $case->{err} // qr/^sendoff: ./, "$name: told why");
	} else {
		is($r->{err}, '', "$name: nothing said");
	}
	unlike($r->{err}, qr/[^\x0a\x20-\x7e]/, "E4: $name: in clean words");
	is_deeply([$case->{s}->violations], [], "$name: by the rules") if !$case->{unruly};
	$case->{s}->stop;
}

sub run_cases
{
	while (my @batch = splice @cases, 0, 16) {
		begin($_) for @batch;
		my @results = finish_all(map { $_->{run} } @batch);
		$_->{r} = shift @results for @batch;
		end($_) for @batch;
	}
}

my %me = (user => 'me@example.test', password => 'pass w0rd');
my %by_tls = (
	off => { server => { %me }, keys => { %me, allow_clear_password => 'yes' } },
	implicit => { server => { %me, tls => 'implicit' }, keys => { %me } }
);
my @before = qw(greeting EHLO AUTH MAIL RCPT DATA);
my @steps = (@before, 'CONTENT', 'QUIT');

# What became of a message whose session ended at a step.
sub expected
{
	my ($step, $code) = @_;

	return (exit => 0, stored => 1) if $step eq 'QUIT';
	return (exit => 74, err => qr/may have been delivered/) if $step eq 'CONTENT';
	return (exit => $code);
}

subtest 'the connection ends or goes silent' => sub {
	for my $tls (sort keys %by_tls) {
		for my $step (@steps) {
			for my $action ('close', 'reset', 'silence', 'stall', 'drip 100') {
				later("tls $tls, $step $action", %{ $by_tls{$tls} }, at => "$step $action",
					expected($step, 75), ($action =~ /^drip/ && $step eq 'CONTENT' ? (stored => 1) : ()));
			}
		}
	}
	later("$_: stored, and then closed", at => "CONTENT keep $_", expected('CONTENT'), stored => 1)
		for qw(close reset silence);
	run_cases();
};

subtest 'what is not an answer' => sub {
	my %answer = (greeting => 220, AUTH => 235, DATA => 354);
	for my $step (@steps) {
		my $code = $answer{$step} // 250;
		my $other = $code + 1;
		for my $action ('garbage 300', 'garbage 100000', 'line 9000', 'line 1000000', 'lines 6000',
			'nul', qq(reply "$code-a\\r\\n$other b"), qq(reply "199 a"), qq(reply "600 a"), 'reply "2500 a"',
			'reply "hello"', 'reply ""', qq(reply "$code-a\\r\\nb"), qq(reply " $code a")) {
			# What the server says, it has done; nobody can understand it.
			my $done = $step eq 'CONTENT' && $action =~ /^(?:lines?|nul|reply "2)/;
			later("$step $action", %{ $by_tls{off} }, at => "$step $action", expected($step, 76),
				($done ? (stored => 1) : ()));
		}
		my $wrong = $step eq 'DATA' ? 250 : 354;
		later("$step $wrong", %{ $by_tls{off} }, at => qq($step reply "$wrong a"),
			expected($step, 76), ($step eq 'CONTENT' ? (stored => 1) : ()));
	}
	run_cases();
};

subtest 'strange, but an answer' => sub {
	for my $step (@steps) {
		for my $action ('split', 'lines 500', 'delay 200', 'drip 1') {
			# Those lines would stand instead of what is offered.
			my $plain = $step eq 'EHLO' && $action =~ /lines/;
			later("$step $action", $plain ? () : %{ $by_tls{implicit} }, at => "$step $action", exit => 0, stored => 1);
		}
	}
	later("$_->[0], three digits only", at => qq($_->[0] reply "$_->[1]"), exit => 0, stored => 1)
		for ['greeting', 220], ['MAIL', 250], ['RCPT', 251], ['DATA', 354], ['CONTENT', 250];
	later('an answer ended by LF alone', at => 'MAIL reply "250 ok\\n\\c"', exit => 0, stored => 1);
	later("$_, split from its LF", server => { split => 1 }, at => undef, exit => 0, stored => 1)
		for 'every octet on its own';
	run_cases();
};

subtest 'E6: more answers than questions' => sub {
	for my $step (@before, 'CONTENT') {
		for my $action ('double', 'inject "250 2.0.0 more"', 'inject "354 go"', 'inject "250-half"') {
			my $exit = $step eq 'CONTENT' ? 0 : 76;
			next if $action =~ /half/ && $step =~ /^(?:MAIL|DATA)$/;
			# Nobody can tell this 354 from the one to DATA: the content goes too early.
			$exit = '69|74|76' if $step eq 'RCPT' && $action =~ /354/;
			later("$step $action", %{ $by_tls{off} }, at => "$step $action", exit => $exit,
				stored => $exit ? 0 : 1, unruly => scalar($exit =~ m{\|}),
				either => scalar($exit =~ m{\|}));
		}
	}
	# The message is taken: what comes behind that is nobody's worry.
	later("pipelining off, CONTENT $_", at => "CONTENT $_", keys => { pipelining => 'off' }, exit => 0, stored => 1)
		for 'double', 'inject "hello"', 'inject "550 5.7.1 no"', 'inject "421 4.3.2 bye"';
	later('a half answer that the next one makes whole', at => 'MAIL inject "250-half"', exit => 0,
		stored => 1);
	later('a half answer before the content, made whole behind it', at => 'DATA inject "250-half"',
		exit => 74, stored => 1, err => qr/may have been delivered/);
	# The message is refused; the answers before it are too many.
	for my $step ('MAIL', 'RCPT', 'DATA') {
		for my $extra ('250 2.0.0 more', '354 go', '250 a\\r\\n250 b', '250 a\\r\\n354 b\\r\\n250 c') {
			later("$step with '$extra', and the content is refused", exit => '69|74|76', unruly => 1,
				at => [qq($step inject "$extra"), 'CONTENT reply "550 5.7.1 no"']);
		}
	}
	run_cases();
};

subtest 'refusals' => sub {
	my %code = (greeting => 69, EHLO => 69, AUTH => 77, MAIL => 77, RCPT => 67, DATA => 69,
		CONTENT => 69);
	for my $step (@before, 'CONTENT') {
		later("421 at $step", %{ $by_tls{implicit} }, at => qq($step reply "421 4.3.2 closing"),
			exit => 75, err => qr/421 4\.3\.2 closing/);
		later("450 at $step", %{ $by_tls{implicit} }, at => qq($step reply "450 4.2.0 not now"),
			exit => 75, err => qr/450 4\.2\.0 not now/);
		later("550 at $step", %{ $by_tls{implicit} }, at => qq($step reply "550 5.1.0 never"),
			exit => $code{$step}, err => qr/550 5\.1\.0 never/);
		later("554 at $step, closing", %{ $by_tls{implicit} },
			at => [qq($step reply "554 5.1.0 never"), 'RSET close', 'QUIT close'],
			exit => $code{$step}, err => qr/554 5\.1\.0 never/);
	}
	later('354 though nobody was accepted', at => ['RCPT reply "550 5.1.1 no"', 'DATA reply "354 go"'],
		exit => 67, stored => 1, content => '');
	later('354 though the sender was refused', at => ['MAIL reply "550 5.1.1 no"', 'DATA reply "354 go"'],
		server => { lenient => 1 }, exit => 77, stored => 1, content => '', unruly => 1);
	later('hostile words', at => 'RCPT reply "550 5.1.1 \\x1b[31m\\x07%n%s\\x9b\\xff no"', exit => 67,
		err => qr/\\x1b\[31m\\x07%n%s/);
	later('endless words', at => 'RCPT reply "550 5.1.1 ' . 'x' x 5000 . '"', exit => 67,
		err => qr/^(?=.*x{400})(?!.*x{600})/);
	run_cases();
};

# Commands that were pipelined behind the refused one are never answered.
subtest 'refused, and the connection ends behind it' => sub {
	for my $case (['554 5.7.1 blocked', 77], ['550 no', 77], ['552 5.3.4 big', 69], ['451 later', 75]) {
		my ($words, $exit) = @$case;
		for my $rest (undef, 'close', 'reset', 'silence', 'reply "blah"', 'reply "421 4.3.2 bye"') {
			later("MAIL $words, RCPT " . ($rest // 'as usual'), exit => $exit,
				at => [qq(MAIL reply "$words"), $rest ? "RCPT $rest" : ()],
				err => qr/^sendoff: sender <me\@example\.test> refused(?: for now)?: \Q$words\E \(/);
		}
	}
	later("all recipients refused, DATA $_", at => ['RCPT reply "550 5.1.1 no"', "DATA $_"], exit => 67,
		err => qr/^sendoff: recipient \S+ refused: 550 5\.1\.1 no/) for 'close', 'reply "421 4.3.2 bye"';
	later("one recipient refused, then $_", at => ['RCPT:1 reply "550 5.1.1 no"', "RCPT:2 $_"], exit => 75,
		args => ['send', '--no-queue', 'a@example.net', 'b@example.net'],
		err => qr/^sendoff: recipient a\@example\.net refused: 550 5\.1\.1 no/m) for 'close', 'silence';
	run_cases();

	for my $rest (undef, 'close', 'reset') {
		my $s = server_start(at => ['MAIL reply "554 5.7.1 blocked"', $rest ? "RCPT $rest" : ()]);
		my $config = account($s);
		my $watched = watched();
		my $how = 'queued, RCPT ' . ($rest // 'as usual');
		my $r = send_mail($config, ['--json', 'send', 'a@example.net', 'b@example.net']);

		is($r->{exit}, 0, $how);
		is(() = $r->{out} =~ /"text":"554 5\.7\.1 blocked","cause":"sender-refused"/g, 2, "$how: --json");
		like($r->{out}, qr/"reason":"554 5\.7\.1 blocked"/, '... and why it waits');
		for my $tries ('once', 'twice') {
			my ($id) = $r->{out} =~ /"queued":"([^"]+)"/;
			like(send_mail($config, ['queue', 'list'])->{out}, qr/^ +(?:\S.*: )?554 5\.7\.1 blocked$/m,
				"$how, tried $tries: queue list");
			my $shown = send_mail($config, ['queue', 'show', $id])->{out};
			like($shown, qr/554 5\.7\.1 blocked/, '... and queue show');
			unlike($shown, qr/closed|reset|parked/, '... say nothing else');
			undef $watched;
			send_mail($config, ['queue', 'flush'], timeout => 30) if $tries eq 'once';
		}
		is($s->stored, 0, "$how: nobody got it");
		queue_empty();
	}
};

subtest 'while the content is sent' => sub {
	my $big = letter('0123456789abcdef' x 4 . "\n");
	$big .= ('0123456789abcdef' x 4 . "\n") x 200_000;   # more than any socket buffer holds
	my %big = (stdin => $big, server => { buffer => 4096 });
	later('the server closes in the middle', %big, at => 'CONTENT drop-after 50000', exit => 75);
	later('the same with BDAT', %big, keys => { chunking => 'yes' }, at => 'BDAT drop-after 50000',
		exit => 75);
	later('the server reads no more', %big, at => 'DATA keep stall', exit => 75);
	later('nobody reads, with BDAT', %big, keys => { chunking => 'yes' }, at => 'MAIL stall', exit => 75);
	later("BDAT $_", keys => { chunking => 'yes' }, at => "BDAT $_", expected('CONTENT'))
		for qw(close reset silence stall);
	later('BDAT refused', keys => { chunking => 'yes' }, at => 'BDAT reply "552 5.2.2 full"', exit => 69);
	run_cases();
};

subtest 'B6: QUIT is not waited for' => sub {
	for my $tls (qw(off implicit)) {
		for my $action ('silence', 'stall', 'close', 'reset', 'garbage 5000', 'delay 12000', 'reply "550 no"') {
			my $s = server_start(tls => $tls, at => "QUIT $action");
			my $r = send_mail(account($s, tls => $tls, timeout => '20s', final_timeout => '20s'));

			is($r->{exit}, 0, "tls $tls, QUIT $action: sent");
			cmp_ok($r->{seconds}, '<', 8, "tls $tls, QUIT $action: at once");
		}
	}
};

subtest 'C1: each phase has an end that octets cannot stretch' => sub {
	later("greeting, octet by octet for ever", at => 'greeting drip 200',
		keys => { timeout => '1s' }, exit => 75, seconds => 4);
	later('a line that never ends', at => 'EHLO lines 100000', keys => { timeout => '8s' }, exit => 76, seconds => 10);
	# Together they take longer than any of them may.
	later('each answer in time', at => ['EHLO delay 900', 'MAIL delay 900', 'RCPT delay 900',
		'DATA delay 900', 'CONTENT delay 900'], keys => { timeout => '3s', final_timeout => '3s' },
		exit => 0, stored => 1, seconds => 10);
	run_cases();
};

subtest 'nobody there' => sub {
	my $s = server_start();
	my $config = account($s);
	$s->stop;
	my $r = send_mail($config);
	is($r->{exit}, 75, 'connection refused');
	like($r->{err}, qr/cannot connect to 127\.0\.0\.1.*refused/, 'told so');
	$r = send_mail(config(account_text(host => 'no-such-name.invalid', port => 25)));
	ok($r->{exit} == 68 || $r->{exit} == 75, 'a name that does not exist, or cannot be looked up here');
	like($r->{err}, qr/no-such-name\.invalid/, 'with the name');
	$r = send_mail(config(account_text(host => 'no-such-name.invalid:587', port => 25)));
	like($r->{err}, qr/\n  the port has a key of its own: host = no-such-name\.invalid, port = 587$/m, 'a port in it') if $r->{exit} == 68;
};

done_testing;
