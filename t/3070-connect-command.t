#!/usr/bin/perl
# A command whose stdin and stdout are the connection to the server.

use strict;
use warnings;

use FindBin;
use POSIX ();
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'pass w0rd');

# A command that leads to a port of this machine: what socat would do.
my $to_port = file_write(workdir() . '/to-port', <<'END', 0755);
#!/usr/bin/perl
use IO::Socket::INET;
use IO::Select;
my ($port, @words) = @ARGV;
my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "to-port: connection refused\n";
binmode $_ for *STDIN, *STDOUT;
my $select = IO::Select->new(\*STDIN, $server);
while (my @ready = $select->can_read) {
	for my $from (@ready) {
		my $got = sysread $from, my $data, 65536;
		exit 0 if !$got;
		syswrite $from == $server ? *STDOUT : $server, $data;
	}
}
END

sub by_command
{
	my ($s, $command, %keys) = @_;

	return config(account_text(host => 'mail.only-there.test', port => undef, connect_command => $command, %keys),
		server => $s);
}

sub command { return "exec $to_port " . $_[0]->port }

sub now { return send_mail($_[0], ['send', '--no-queue', 'you@example.net'], @_[1 .. $#_]) }

# Nothing that has WORD in its command line is there any more.
sub gone
{
	my ($word) = @_;

	return wait_until(sub {
		for my $file (glob '/proc/[0-9]*/cmdline') {
			open my $in, '<', $file or next;
			return 0 if (<$in> // '') =~ /\Q$word\E/;
		}
		return 1;
	});
}

subtest 'a message' => sub {
	my $s = server_start(settle => 25);
	my $r = now(by_command($s, command($s), ehlo => undef));

	is($r->{exit}, 0, 'sent') or diag($r->{err});
	is_bytes($s->message(1), wire(letter()), 'as it was');
	is_deeply([$s->violations], [], 'by the rules');
	is($s->flights(1), 3, 'no round trip more');
	like(($s->commands(1))[0], qr/^EHLO (?:\[127\.0\.0\.1\]|[\w-]+(?:\.[\w-]+)+)$/, 'with a name or a literal');
	like(($s->commands(1))[-1], qr/^QUIT/, 'to the end');
	ok(gone($to_port), 'nothing of it is left');
};

for my $tls (qw(starttls implicit)) {
	subtest "$tls and a login, for the name of the account" => sub {
		my $s = server_start(tls => $tls, %me);
		my $r = now(by_command($s, command($s), host => 'localhost', tls => $tls, %me));

		is($r->{exit}, 0, 'sent') or diag($r->{err});
		is(($s->logins)[0], 'me@example.test PLAIN', 'logged in');
		$r = now(by_command($s, command($s), tls => $tls, %me));
		is($r->{exit}, 77, 'D3: a certificate for another name') or diag($r->{err});
		is(scalar(() = $s->logins), 1, 'no login there');
	};
}

subtest 'D5: no password in clear, whoever leads there' => sub {
	my $s = server_start(%me, 'mechanisms-before-tls' => 'PLAIN LOGIN');
	my $r = now(by_command($s, command($s), %me));

	is($r->{exit}, 77, 'refused') or diag($r->{err});
	is_deeply([grep { /^AUTH/ } $s->commands], [], 'nothing was said');
};

subtest 'D9: its environment is ours without secrets' => sub {
	my $s = server_start(tls => 'starttls', %me);
	my $seen = workdir() . '/environment';
	my $r = now(by_command($s, "env >$seen; " . command($s), host => 'localhost', tls => 'starttls', user => $me{user},
		password_env => 'MY_PASSWORD'), env => { MY_PASSWORD => $me{password}, KEPT => 'yes' });

	is($r->{exit}, 0, 'sent') or diag($r->{err});
	like(file_read($seen), qr/^KEPT=yes$/m, 'what is there is there');
	unlike(file_read($seen), qr/pass w0rd/, 'but for the password');
};

subtest 'nothing is substituted' => sub {
	my $s = server_start();
	my $r = now(by_command($s, "test '%h %p \$host' = '%h %p \$host' && " . command($s)));

	is($r->{exit}, 0, 'sent') or diag($r->{err});
};

# NAME, command, exit, what is told, cause.
my @ends = (
	['not found', '/nonexistent/command', 78, qr/exit status 127 \(a command was not found\): .*\/nonexistent\/command/,
		'connect-command-missing'],
	['may not be executed', '/dev/null', 78, qr/exit status 126 \(a command could not be executed\)/,
		'connect-command-missing'],
	['fails', q{echo 'first line' >&2; echo 'ssh: no route to host' >&2; exit 255}, 75,
		qr/connect_command failed: exit status 255: ssh: no route to host \(/, 'connect-command-failed'],
	['fails in silence', 'exit 3', 75, qr/connect_command failed: exit status 3 \(/, 'connect-command-failed'],
	['ends at once', 'true', 75, qr/connect_command ended before the server said anything: exit status 0 \(/,
		'connect-command-failed'],
	['is killed', 'kill -9 $$', 75, qr/connect_command failed: ended by signal 9 \(Killed\)/, 'connect-command-failed'],
	['writes controls', q{printf 'a\\033[31mb\\n' >&2; exit 1}, 75, qr/exit status 1: a\\x1b\[31mb/,
		'connect-command-failed'],
	['writes much', q{yes word | head -c 300000 >&2; exit 1}, 75, qr/exit status 1: (?:word|rd|ord|d)\b/,
		'connect-command-failed'],
	['says nothing', 'exec sleep 47', 75, qr/gave no answer within 1 s/, 'connect-command-failed'],
	['is no server', 'echo hello; exec sleep 47', 76, qr/hello/, 'protocol'],
);

for my $case (@ends) {
	my ($name, $command, $exit, $told, $cause) = @$case;

	subtest "a command that: $name" => sub {
		my $config = by_command(server_start(), $command, timeout => '1s');
		my $r = now($config);
		my $c = check($config, ['--json', '--timeout', 5]);

		is($r->{exit}, $exit, 'exit') or diag($r->{err});
		like($r->{err}, $told, 'what');
		like($r->{err}, qr/\n  \S/, 'and a next step');
		is($c->{json}{failed}{cause}, $cause, 'the cause');
		is((grep { $_->{stage} eq 'elsewhere' } @{ $c->{json}{stages} }), 0, 'no other port is tried');
		ok(!raw_octets($r->{err} . $c->{out}), 'E4: nothing raw');
		ok(gone("sleep\0" . '47'), 'nothing of it is left');
	};
}

subtest 'in the middle of it all' => sub {
	my $s = server_start(at => 'CONTENT close');
	my $r = now(by_command($s, command($s)));

	is($r->{exit}, 74, 'the fate of a message is as unknown as ever') or diag($r->{err});
	$s = server_start(at => 'CONTENT close');
	$r = now(by_command($s, "$to_port " . $s->port . '; exit 9'));
	is($r->{exit}, 74, 'also where the command fails with it') or diag($r->{err});
	$r = now(by_command($s, q{printf '220 mx\r\n'; exit 9}));
	is($r->{exit}, 75, 'behind the greeting');
	like($r->{err}, qr/connect_command failed: exit status 9.*\n  it led to the server and ended in the midst of the session/, '... said as that');
	$r = now(by_command($s, 'exec sleep 47', tls => 'implicit', connect_timeout => '700ms'));
	is($r->{exit}, 75, 'nothing, where TLS is to begin');
	like($r->{err}, qr/\n  connect_command runs and brings nothing: run it by hand/, '... is no matter of tls');
	$s = server_start(at => 'MAIL reply "451 4.3.0 later"');
	$r = now(by_command($s, command($s)));
	is($r->{exit}, 75, 'a refusal is the refusal');
	like($r->{err}, qr/451 4\.3\.0 later/, 'in its words');
	$s = server_start(at => 'QUIT close');
	$r = now(by_command($s, "$to_port " . $s->port . '; exit 9'));
	is($r->{exit}, 0, 'B6: how it ends behind QUIT does not matter') or diag($r->{err});
	$s = server_start(at => 'RCPT close');
	$r = now(by_command($s, command($s)));
	is($r->{exit}, 75, 'a server that hangs up');
	like($r->{err}, qr/closed the connection/, 'is told as such, not as the command\'s end');
};

subtest 'its children end with it' => sub {
	my $s = server_start();
	my $r = now(by_command($s, 'sleep 48 & sleep 48 & trap "" TERM; ' . "$to_port " . $s->port . '; sleep 48'));

	is($r->{exit}, 0, 'sent') or diag($r->{err});
	ok(gone("sleep\0" . '48'), 'all of them');
};

subtest 'a signal to us ends it too' => sub {
	my $config = by_command(server_start(), 'exec sleep 49', timeout => '15s');
	my $run = send_mail_start($config, ['send', '--no-queue', 'you@example.net']);

	ok(!gone_now("sleep\0" . '49'), 'it runs');
	$run->kill('TERM');
	is($run->finish->{exit}, 75, 'we stop');
	ok(gone("sleep\0" . '49'), 'and so does it');
};

sub gone_now
{
	my ($word) = @_;

	return !wait_until(sub {
		for my $file (glob '/proc/[0-9]*/cmdline') {
			open my $in, '<', $file or next;
			return 1 if (<$in> // '') =~ /\Q$word\E/;
		}
		return 0;
	});
}

subtest 'queued mail goes by it as well, many messages by one' => sub {
	my $s = server_start();
	my $runs = workdir() . '/runs';
	my $config = by_command($s, "echo run >>$runs; " . command($s), max_connections => 1);

	queue_empty();
	send_mail($config, ['send', '--queue', 'you@example.net']) for 1 .. 3;
	is(run_sendoff(['-C', $config, 'queue', 'flush'])->{exit}, 0, 'flushed');
	is($s->stored, 3, 'all sent');
	is(file_read($runs), "run\n", 'over one connection');
};

subtest 'check tells the way' => sub {
	my $s = server_start(tls => 'starttls', %me);
	my $config = by_command($s, command($s), host => 'localhost', tls => 'starttls', %me);
	my ($report, $r) = checked($config);
	my %stage = map { $_->{stage} => $_ } @{ $report->{stages} };

	is($r->{exit}, 0, 'all is well') or diag($r->{out} . $r->{err});
	is($stage{connect}{facts}{through}, 'connect_command', 'through');
	is($stage{name}{mark}, 'skipped', 'no name is looked up');
	$r = check($config, ['--all'], env => { COLUMNS => 1000 });
	is($r->{exit}, 0, 'with --all too') or diag($r->{out});
	like($r->{out}, qr/through connect_command\n/, 'in words');
};

done_testing;
