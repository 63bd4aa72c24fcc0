#!/usr/bin/perl
# D9: sendoff check tells a great deal, and never a secret: with every mechanism, taken or
# refused, in words, as JSON, in the transcript, whatever the server repeats.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;

my $user = 'me@example.test';
my $secret = 'S3cret-"q"\\b of nobody';
my $token = 'ya29.S3cret-of_nobody~x';
my $plain = b64("\0$user\0$secret");
my @passwords = qw(PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS);
my @tokens = qw(XOAUTH2 OAUTHBEARER);
my @cases;

# Each is run in three ways.
sub later { my ($name, %o) = @_; push @cases, { name => $name, %o } }

sub begin
{
	my ($case) = @_;
	my $kind = grep({ $_ eq $case->{mechanism} } @tokens) ? 'token' : 'password';
	my $ours = $kind eq 'token' ? $token : $secret;
	my $s = $case->{s} = server_start(tls => 'implicit', user => $user, $kind => $case->{right} // $ours,
		mechanisms => $case->{mechanism}, at => $case->{at}, raw => 1);
	my $c = account($s, tls => 'implicit', user => $user, password => qq("$ours"), auth => lc $case->{mechanism},
		timeout => '700ms', %{ $case->{keys} // {} });
	my @args = ('--timeout', 4, @{ $case->{args} // [] });

	my @ways = map { [@args, @$_] } ['-v'], ['-v', '--json'], ['--quiet'];
	# A server that counts its answers is asked by one at a time.
	$case->{runs} = $case->{counts} ? [] : [map { check_start($c, $_) } @ways];
	$case->{results} = [map { check($c, $_) } @ways] if $case->{counts};
}

# What of it must be nowhere: itself, its base64 wherever it begins, what was really sent, and
# pieces of it.
sub forms
{
	my ($server) = @_;
	my %forms = map { $_ => 1 } $secret, $token, b64($secret), b64($token), $plain, 'S3cret', b64('S3cret');

	for my $line (map { $server->commands($_) } 1 .. $server->connections) {
		$forms{$1} = 1 if $line =~ /^(?:AUTH \S+ )?([A-Za-z0-9+\/]{12,}=*)$/ && $line !~ /^AUTH \S+$/;
	}
	# The names of users are none.
	delete @forms{b64($user), b64("n,a=$user,")};
	return keys %forms;
}

sub end
{
	my ($case) = @_;
	my ($name, $s) = @$case{qw(name s)};
	my @forms = forms($s);
	my $i = 0;

	for my $r (@{ $case->{results} }) {
		my $way = ('in words', 'as JSON', '--quiet')[$i++];
		my $all = $r->{out} . $r->{err};
		my @found = grep { index($all, $_) >= 0 || index(sentence($all), $_) >= 0 } @forms;

		is_deeply(\@found, [], "D9 $name, $way: nothing of it") or diag($all);
		like($r->{exit}, qr/^(?:$case->{exit})$/, "$name, $way: exit") or diag($all);
		ok(!raw_octets($all), "E4 $name, $way: nothing raw");
	}
	like($case->{results}[0]{err}, qr/^> AUTH/m, "$name: there is a transcript");
	like($case->{results}[0]{err}, qr/^> (?:AUTH \S+ )?\*{4}$/m, "$name: with the secret overwritten")
		if grep { /^AUTH \S+ \S|^[A-Za-z0-9+\/]{12,}=*$/ } map { $s->commands($_) } 1;
	$s->stop;
}

sub run_cases
{
	while (my @batch = splice @cases, 0, 10) {
		begin($_) for @batch;
		my @results = check_all(map { @{ $_->{runs} } } @batch);
		for my $case (@batch) {
			$case->{results} //= [splice @results, 0, 3];
			end($case);
		}
	}
}

subtest 'every mechanism' => sub {
	for my $mechanism (@passwords, @tokens) {
		later("$mechanism accepted", mechanism => $mechanism, exit => 0);
		later("$mechanism accepted, --all", mechanism => $mechanism, exit => 0, args => ['--all']);
		later("$mechanism refused", mechanism => $mechanism, exit => 77, right => 'another secret');
		later("$mechanism, 454", mechanism => $mechanism, exit => 75, at => 'AUTH reply "454 4.7.0 later"');
		later("$mechanism, closed", mechanism => $mechanism, exit => 75, at => 'AUTH close');
		later("$mechanism, silence", mechanism => $mechanism, exit => 75, at => 'AUTH silence');
		later("$mechanism, no answer", mechanism => $mechanism, exit => 76, at => 'AUTH garbage 100');
	}
	run_cases();
};

# Some servers repeat what they do not understand; a hostile one whatever it likes, when it
# likes.
subtest 'a server that repeats it' => sub {
	my $raw = join '', map { sprintf '\\x%02x', ord } split //, $secret;
	my %text = (
		'the whole line' => [PLAIN => "AUTH PLAIN $plain"],
		'its argument' => [PLAIN => $plain],
		'in the middle' => [PLAIN => "you said ${plain}, did you"],
		'twice' => [PLAIN => "$plain $plain"],
		'the beginning of it' => [PLAIN => substr($plain, 0, 30) . '...'],
		'the password' => [PLAIN => "password $raw is wrong"],
		'the password in a word' => [PLAIN => "x${raw}y"],
		'of LOGIN' => [LOGIN => b64($secret) . ' is no command'],
		'of LOGIN, the password' => [LOGIN => "$raw is wrong"]
	);
	my %reply = ('535' => 'reply "535 5.7.8 %s"', '535 in lines' => 'reply "535-5.7.8 no\r\n535-5.7.8 %s\r\n535 5.7.8 no"',
		'501' => 'reply "501 5.5.4 %s"', '235' => 'reply "235 2.7.0 %s"', '454' => 'reply "454 4.7.0 %s"', '421' => 'reply "421 4.7.0 %s"',
		'none' => 'reply "%s"', '354' => 'reply "354 %s"');
	my %exit = (535 => 77, '535 in lines' => 77, 501 => 77, 235 => 0, 454 => 75, 421 => 75, none => 76, 354 => '76|77');

	for my $what (sort keys %text) {
		my ($mechanism, $words) = @{ $text{$what} };
		my $at = $mechanism eq 'LOGIN' ? 'AUTH-RESPONSE:2,' : 'AUTH';

		for my $code (sort keys %reply) {
			my $rule = sprintf $reply{$code}, $words;

			later("$code with $what", mechanism => $mechanism, exit => $exit{$code}, keys => { pipelining => 'off' },
				at => $mechanism eq 'LOGIN' ? [map { "AUTH-RESPONSE:$_ $rule" } 2, 4, 6] : "AUTH $rule",
				counts => $mechanism eq 'LOGIN');
		}
	}
	run_cases();
};

# What EHLO says is read, and shown, and in another session may hold what was said in one.
subtest 'and says it where nobody has told it yet' => sub {
	my $word = 'passw0rd-99';
	for my $ehlo ("250-x $word\\r\\n250-X$word\\r\\n250 AUTH PLAIN", "250-x\\r\\n250 AUTH X$word", "501 $word") {
		my $s = server_start(tls => 'implicit', user => $user, password => $word, lenient => 1, at => qq(EHLO reply "$ehlo"));
		my $c = account($s, tls => 'implicit', user => $user, password => $word);

		for my $args (['-v'], ['-v', '--json', '--all']) {
			my $r = check($c, $args, tells => 1);
			ok(index($r->{out} . $r->{err}, $word) < 0, "D9 EHLO, @$args: not shown") or diag($r->{out}, $r->{err});
		}
		my $r = send_mail($c, ['-v', 'send', '--no-queue', 'you@example.net'], tells => 1);
		ok(index($r->{out} . $r->{err}, $word) < 0, 'D9 EHLO, send: not shown') or diag($r->{err});
	}
};

# A container's variables are of its own server's.
subtest 'and of another server' => sub {
	my $s = server_start(tls => 'implicit', user => $user, password => 'another', lenient => 1);
	my $r = check(undef, ['--json', '--host', 'localhost', '--port', $s->port, '--tls', 'implicit', '--user', $user, '--set',
		'tls_ca_file=' . cert('ca')], env => { SENDOFF_HOST => 'smtp.right.test', SENDOFF_USER => 'me@right.test',
		SENDOFF_PASSWORD => $secret });

	is($r->{json}{failed}{cause}, 'no-terminal', 'D8: SENDOFF_PASSWORD of another server: it is asked for');
	is_deeply([$s->logins], [], 'and nobody was told it');
};

subtest 'and repeats it later' => sub {
	my $raw = join '', map { sprintf '\\x%02x', ord } split //, $secret;

	for my $point (qw(MAIL RCPT RSET VRFY QUIT)) {
		for my $code (250, 550, 421) {
			for my $words ($plain, $raw, "AUTH PLAIN $plain") {
				later("$point $code with " . ($words eq $raw ? 'the password' : $words), mechanism => 'PLAIN', exit => '0|67|75|77',
					at => qq($point reply "$code-first\\r\\n$code $words"), keys => { pipelining => 'off' },
					args => ['--from', $user, '--to', 'you@example.net', '--vrfy', 'x']);
			}
		}
	}
	run_cases();
};

# Where it comes from is told, and what that said is not.
subtest 'the source' => sub {
	my $s = server_start(tls => 'implicit', user => $user, password => $secret);
	my %source = (
		'a command that fails and says it' => { password_command => "echo '$secret'; exit 3" },
		'a file of two lines' => { password_file => file_write(workdir() . '/two', "$secret\nmore\n") },
		'a file that others read' => { password_file => file_write(workdir() . '/open', "$secret\n", 0644) }
	);
	for my $name (sort keys %source) {
		my $c = account($s, tls => 'implicit', user => $user, %{ $source{$name} });

		for my $args (['-v'], ['-v', '--json']) {
			my $r = check($c, $args);
			ok(index($r->{out} . $r->{err}, 'S3cret') < 0, "D9 $name, @$args: not told") or diag($r->{out}, $r->{err});
		}
	}
	for my $args (['-v'], ['-v', '--json']) {
		my $r = check(undef, [@$args, '--host', 'localhost', '--port', $s->port, '--tls', 'implicit', '--user', $user, '--password-file', '-'],
			stdin => "$secret\n");
		ok(index($r->{out} . $r->{err}, 'S3cret') < 0, "D9 from standard input, @$args: not told");
		$r = check(undef, [@$args, '--host', 'localhost', '--port', $s->port, '--tls', 'implicit', '--user', $user],
			env => { SENDOFF_PASSWORD => $secret });
		ok(index($r->{out} . $r->{err}, 'S3cret') < 0, "D9 from the environment, @$args: not told");
	}
	my $log = workdir() . '/log';
	my $c = account($s, tls => 'implicit', user => $user, password => 'wr0ng-S3cret', global => { log => $log });
	is(check($c, ['--from', $user, '--send', 'you@example.net'])->{exit}, 77, 'with a log');
	ok(!-e $log || index(file_read($log), 'S3cret') < 0, 'D9 nor is it in that');
};

done_testing;
