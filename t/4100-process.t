#!/usr/bin/perl
# Whatever state a process is born with, and whatever signal comes: whole mail
# or none, and a code that is true.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX qw(:signal_h :sys_wait_h);
use SendoffTest;
use SendoffTest::Send;
use Time::HiRes qw(sleep time);

my %me = (user => 'me@example.test', password => 'pass w0rd');
my $server = server_start(%me, tls => 'implicit');
my $config = account($server, %me, tls => 'implicit');
my $count = 0;

sub more { my $n = $server->stored; my $more = $n - $count; $count = $n; return $more }

# Runs it and expects the mail to arrive, or this code and no mail.
sub survives
{
	my ($name, $before, %o) = @_;
	my $code = delete $o{code} // 0;
	my $r = $o{name} ? sendmail($config, ['you@example.net'], before => $before, %o) :
		send_mail($config, undef, before => $before, %o);

	ok(safe($r), "C6: $name: it ends") or diag($r->{err});
	is($r->{exit}, $code, "C6: $name: exit $code") or diag($r->{err});
	is(more(), $code ? 0 : 1, "C6: $name: " . ($code ? 'nothing sent' : 'sent once'));
	return $r;
}

subtest 'C6: the state a process is born with' => sub {
	survives('as usual', sub { });
	for my $fds ([1], [2], [1, 2]) {
		survives("closed: @$fds", sub { POSIX::close($_) for @$fds });
	}
	for my $fds ([0], [0, 1, 2]) {
		survives("closed: @$fds", sub { POSIX::close($_) for @$fds }, code => 74);
	}
	survives('many descriptors open', sub { POSIX::open('/dev/null', POSIX::O_RDONLY()) for 1 .. 200 });
	survives('all signals blocked', sub { my $set = POSIX::SigSet->new; $set->fillset; sigprocmask(SIG_BLOCK, $set) });
	survives('all signals ignored', sub { $SIG{$_} = 'IGNORE' for grep { !/^(?:KILL|STOP|NUM\d+|RTM\w+|CLD|ZERO)$/ } keys %SIG });
	survives('SIGCHLD ignored', sub { $SIG{CHLD} = 'IGNORE' });
	my $slow = server_start(at => 'MAIL delay 900');
	my $r = send_mail(account($slow), undef, before => sub { Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), 0.5, 0.02) });
	is("$r->{exit}/$r->{signal}", '0/0', 'C6: a timer that runs out meanwhile: sent');
	survives(sprintf('umask %03o', $_), do { my $mask = $_; sub { umask $mask } }) for 0, 0777;
	survives('another process group', sub { POSIX::setsid() });
	survives('the directory is gone', sub { my $dir = workdir() . '/gone'; mkdir $dir; chdir $dir; rmdir $dir });
	survives('a high nice value', sub { POSIX::nice(19) });
	survives('no environment', sub { %ENV = () });
	survives('a strange environment', sub { %ENV = (LC_ALL => 'xx_YY.nonsense', TZ => ':/dev/zero', LANG => "\xff", PATH => '',
		HOME => "/nonexistent\n", TMPDIR => 'relative', IFS => 'x', ENV => '/x', LD_PRELOAD => '/nonexistent.so') });
	survives('a large environment', sub { $ENV{"V$_"} = 'x' x 100 for 1 .. 2000 });
};

subtest 'C6: few descriptors' => sub {
	# What must be open at one time: 0 to 2, the configuration, the connection, ...
	my $set = sub { my $n = shift; return ['/bin/sh', '-c', "ulimit -n $n; exec \"\$@\"", 'sh',
		SendoffTest::Run::program('sendoff'), '-C', $config, 'send', '--no-queue', 'you@example.net'] };
	my %ends;
	for my $n (3 .. 16) {
		my $r = run_sendoff([], stdin => letter(), command => $set->($n));
		# With three the loader itself cannot open a library.
		ok(safe($r) || $r->{err} =~ /while loading shared libraries/, "RLIMIT_NOFILE $n: it ends") or diag($r->{err});
		my $sent = more();
		is($sent, $r->{exit} == 0 ? 1 : 0, "A1, A2: RLIMIT_NOFILE $n: exit $r->{exit} is true");
		ok($r->{exit} == 0 || ($r->{exit} >= 71 && $r->{exit} <= 78) ||
			$r->{err} =~ /while loading shared libraries|LeakSanitizer has encountered/, "RLIMIT_NOFILE $n: a code that fits ($r->{exit})") or diag($r->{err});
		$ends{$n} = $r->{exit};
	}
	is($ends{16}, 0, 'sixteen are enough');
	# Nor for what is asked of a child.
	my $c = account($server, user => 'me@example.test', tls => 'implicit', password_command => 'printf "pass w0rd"');
	for my $n (5 .. 12) {
		my $r = run_sendoff([], stdin => letter(), command => [map { $_ eq $config ? $c : $_ } @{ $set->($n) }]);
		is(more(), $r->{exit} == 0 ? 1 : 0, "A1, A2: RLIMIT_NOFILE $n with a command: exit $r->{exit} is true");
	}
};

subtest 'C6: limits of memory, processes and files' => sub {
	for my $row (['-v 60000', qr/^(?:0|7\d)$/], ['-u 0', qr/^0$/], ['-f 0', qr/^0$/], ['-s 256', qr/^0$/], ['-t 5', qr/^0$/]) {
		my ($limit, $codes) = @$row;
		next if $limit =~ /-v/ && ($ENV{ASAN_OPTIONS} || build() =~ /asan/);
		my $r = run_sendoff([], stdin => letter(), command => ['/bin/bash', '-c', "ulimit $limit; exec \"\$@\"", 'sh',
			SendoffTest::Run::program('sendoff'), '-C', $config, 'send', '--no-queue', 'you@example.net']);
		SKIP: {
			skip "ulimit $limit is not known here", 2 if $r->{err} =~ /ulimit: /;
			like($r->{exit}, $codes, "ulimit $limit: exit $r->{exit}") or diag($r->{err});
			is(more(), $r->{exit} == 0 ? 1 : 0, "ulimit $limit: which is true");
		}
	}
};

subtest 'the name it is called by' => sub {
	my $link = workdir() . '/lib';
	mkdir $link;
	symlink SendoffTest::Run::program('sendoff'), "$link/sendmail";
	my %env = (env => { SENDOFF_CONFIG => $config });
	my $r = run_sendoff([], command => ["$link/sendmail", 'you@example.net'], stdin => "Subject: x\n\nx\n.\nlost\n", %env);
	is($r->{exit}, 0, 'by a path: sendmail') or diag($r->{err});
	is(more(), 1, 'sent');
	unlike($server->message($count), qr/lost/, 'and a lone dot ends it');
	my $program = SendoffTest::Run::program('sendoff');
	for my $row (['', 'empty'], ['-sendmail', 'a login shell\'s'], ['./sendmail', 'relative'], ['/', 'a slash'], ["\xff\n", 'odd octets']) {
		my ($name, $what) = @$row;
		my $run = start_sendoff([], stdin => letter(), command => [$^X, '-e',
			'my ($file, $name, @args) = @ARGV; exec { $file } $name, @args;', $program, $name, '-C', $config, '-t'], %env);
		$r = $run->finish;
		is($r->{exit}, 0, "argv[0] is $what: sent") or diag($r->{err});
		is(more(), 1, "argv[0] is $what: once");
	}
};

subtest 'C7: a signal while it reads: nothing sent, and not 0' => sub {
	for my $signal (qw(TERM INT HUP)) {
		for my $mode (['send', '--no-queue', 'you@example.net'], ['you@example.net'], ['-t']) {
			my $before = grep { $_->{kind} eq 'OPEN' } $server->journal;
			my $run = start_sendoff(['-C', $config, @$mode], stdin_open => 1, stdin => letter() . "half\n");
			wait_until(sub { $run->turn(0.01); $before < grep { $_->{kind} eq 'OPEN' } $server->journal });
			$run->turn(0.05);
			$run->kill($signal);
			$run->turn(0.1);
			$run->close_stdin;
			my $r = $run->finish;
			is($r->{exit} . '/' . $r->{signal}, '75/0', "SIG$signal, @$mode: 75") or diag($r->{err});
			like($r->{err}, qr/stopped by signal/, "SIG$signal, @$mode: told");
			cmp_ok($r->{seconds}, '<', 5, "SIG$signal, @$mode: soon");
		}
		is(more(), 0, "SIG$signal: nothing sent");
	}
	# While it waits for the server.
	for my $row (['EHLO silence', 75], ['RCPT silence', 75], ['CONTENT silence', 74], ['CONTENT keep silence', 74]) {
		my ($at, $code) = @$row;
		my $s = server_start(at => $at);
		my $run = send_mail_start(account($s, timeout => '10s', final_timeout => '10s'));
		my ($step) = $at =~ /^(\w+)/;
		my $seen = $step eq 'CONTENT' ? qr/^\(/ : qr/^$step/;
		wait_until(sub { $run->turn(0.01); grep { $_->{kind} eq 'C' && $_->{text} =~ $seen } $s->journal }, 3);
		$run->turn(0.05);
		$run->kill('TERM');
		my $r = $run->finish;
		is($r->{exit}, $code, "SIGTERM at '$at': $code") or diag($r->{err});
		cmp_ok($r->{seconds}, '<', 5, "SIGTERM at '$at': at once");
		like($r->{err}, qr/may have been delivered/, "SIGTERM at '$at': told") if $code == 74;
	}
	# While a command runs, which goes too.
	my $pidfile = workdir() . '/pid';
	my $run = send_mail_start(account($server, user => 'me@example.test', tls => 'implicit',
		password_command => "echo \$\$ >$pidfile; exec sleep 30"));
	wait_until(sub { $run->turn(0.01); -s $pidfile });
	$run->kill('TERM');
	is($run->finish->{exit}, 75, 'SIGTERM while a command runs: 75');
	chomp(my $pid = file_read($pidfile));
	ok(wait_until(sub { !kill 0, $pid }, 2), 'and the command is gone');
	is(more(), 0, 'nothing sent');
};

subtest 'callers that stop reading, or write slowly' => sub {
	# Nobody reads what it says; the pipe is full.
	for my $fd (1, 2) {
		my $r = survives("descriptor $fd is a pipe that nobody reads", sub {
			pipe(my $in, my $out);
			$out->blocking(0);
			1 while syswrite $out, 'x' x 4096;
			POSIX::dup2(fileno $out, $fd);
			our $keep = $in;
		});
		pipe(my $in, my $out);
		close $in;
		survives("descriptor $fd is a pipe without a reader", sub { POSIX::dup2(fileno $out, $fd) });
	}
	for my $row (['that waits', []], ['that closes idle connections', ['MAIL:1 close']], ['that says 421', ['MAIL:1 reply "421 4.4.2 idle"']]) {
		my ($name, $at) = @$row;
		my $s = server_start(%me, tls => 'implicit', at => $at);
		my $run = send_mail_start(account($s, %me, tls => 'implicit'), undef, stdin => '', stdin_open => 1);
		my $text = letter("x\n" x 20);
		for (my $i = 0; $i < length $text; $i += 30) {
			$run->write(substr $text, $i, 30);
			$run->turn(0.05);
		}
		$run->close_stdin;
		my $r = $run->finish;
		if (@$at) {
			is($r->{exit}, 75, "a slow writer, a server $name at MAIL: 75") or diag($r->{err});
			is($s->stored, 0, "a slow writer, a server $name: nothing sent");
		} else {
			is($r->{exit}, 0, "a slow writer, a server $name: sent") or diag($r->{err});
			is_bytes($s->message(1), wire($text), "a slow writer, a server $name: whole");
		}
		is_deeply([$s->violations], [], 'by the rules');
	}
};

# A server that hangs up on clients that say nothing for a while.
subtest 'a message that takes longer than the server has patience' => sub {
	for my $how ('close', '421', 'reset') {
		my $real = server_start();
		my ($port, $pid) = impatient($real->port, $how);
		my $run = send_mail_start(config(account_text(host => '127.0.0.1', port => $port)), undef, stdin => '', stdin_open => 1);
		my $text = letter("slowly\n" x 10);
		for my $piece (substr($text, 0, 80), substr($text, 80, 60), substr($text, 140)) {
			$run->write($piece);
			my $end = time + 0.5;
			$run->turn(0.02) while time < $end;
		}
		$run->close_stdin;
		my $r = $run->finish;
		is($r->{exit}, 0, "$how: sent by a new connection") or diag($r->{err});
		is($real->stored, 1, "B1: $how: once");
		is_bytes($real->message(1), wire($text), "$how: whole");
		is($r->{err}, '', "$how: nothing said");
		kill 'KILL', $pid;
		waitpid $pid, 0;
	}
};

# Passes octets between a client and the real server, but the first connection
# ends when its client was silent for 0.4 s.
sub impatient
{
	my ($to, $how) = @_;
	require IO::Socket::INET;
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die "listen: $!";
	my $pid = fork // die "fork: $!";

	return ($listen->sockport, $pid) if $pid;
	alarm 30;
	for my $n (1 .. 5) {
		my $client = $listen->accept or last;
		my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to) or last;
		my $both = IO::Select->new($client, $server);
		while (1) {
			my @ready = $both->can_read($n == 1 ? 0.4 : 20);
			if (!@ready) {
				syswrite $client, "421 4.4.2 idle too long\r\n" if $how eq '421';
				setsockopt $client, Socket::SOL_SOCKET(), Socket::SO_LINGER(), pack('ii', 1, 0) if $how eq 'reset';
				last;
			}
			my $over;
			for my $from (@ready) {
				my $got = sysread $from, my $octets, 65536;
				$over = 1 if !$got;
				syswrite $from == $client ? $server : $client, $octets if $got;
			}
			last if $over;
		}
		close $client;
		close $server;
	}
	POSIX::_exit(0);
}

# The program where any user can run it, and what makes a process that of one
# without a name.
my $public;

sub program_for_all
{
	return $public if $public;
	require File::Copy;
	mkdir workdir() . '/public';
	$public = workdir() . '/public/sendoff';
	File::Copy::copy(SendoffTest::Run::program('sendoff'), $public);
	chmod 0711, workdir();
	chmod 0755, $public, workdir() . '/public';
	return $public;
}

sub drop { $( = $) = '54321 54321'; POSIX::setgid(54321); POSIX::setuid(54321) }

subtest 'D9: what others can see in /proc' => sub {
	my $s = server_start(%me, tls => 'implicit', at => 'CONTENT delay 500');
	my $c = account($s, %me, tls => 'implicit', tls_ca_file => file_write(workdir() . '/ca.pem', file_read(cert('ca')), 0644));
	chown 54321, 54321, $c;
	my $run = start_sendoff([], stdin => letter(), cwd => '/', command => [program_for_all(), '-C', $c, 'send', '--no-queue', 'a@b.test'],
		before => $> ? undef : \&drop);
	wait_until(sub { $run->turn(0.01); grep { $_->{kind} eq 'C' && $_->{text} =~ /^\(/ } $s->journal });
	my $proc = '/proc/' . $run->pid;
	like(file_read("$proc/limits"), qr/^Max core file size +0 +0 /m, 'no core');
	is((stat "$proc/environ")[4], 0, 'into which not even that user can look: it is not dumpable');
	my $r = $run->finish;
	is($r->{exit}, 0, 'sent') or diag($r->{err});
};

subtest 'an unprivileged user without a name' => sub {
	plan skip_all => 'needs root' if $>;
	my $s = server_start();
	my $c = account($s, from => undef);
	chown 54321, 54321, $c;
	my $r = run_sendoff([], stdin => "Subject: x\n\nx\n", cwd => '/', env => { HOME => undef, USER => undef },
		command => [program_for_all(), '-C', $c, 'send', '--no-queue', 'you@example.net'], before => \&drop);
	is($r->{exit}, 0, 'sent') or diag($r->{err});
	is(($s->envelope(1) // {})->{sender}, 'uid-54321@example.test', 'F6: as its number');
	$r = run_sendoff([], stdin => letter(), cwd => '/', env => { HOME => undef },
		command => [program_for_all(), 'send', '--no-queue', 'you@example.net'], before => \&drop);
	is($r->{exit}, 78, 'without a configuration: 78');
	like($r->{err}, qr/no home directory/, 'and why');
};

done_testing;
