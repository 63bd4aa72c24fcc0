#!/usr/bin/perl
# What password commands leave behind and how long they take, seen from outside.

use strict;
use warnings;

use FindBin;
use POSIX ();
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'pass w0rd');

sub send_with
{
	my ($command, %keys) = @_;
	my $server = server_start(tls => 'starttls', %me);
	my $r = send_mail(account($server, tls => 'starttls', user => $me{user}, password_command => $command,
		%keys), undef, timeout => 60);

	return ($r, $server);
}

subtest 'an agent that the command leaves behind' => sub {
	my $pid = workdir() . '/agent';
	my ($r, $server) = send_with("echo 'pass w0rd'; sleep 30 & echo \$! >$pid; exit 0");

	is($r->{exit}, 0, 'it holds the output open, and nobody waits for it') or diag($r->{err});
	cmp_ok($r->{seconds}, '<', 4, 'C1: at once');
	is($server->stored, 1, 'sent');
	my $agent = file_read($pid);
	ok(kill(0, $agent), 'it lives on');
	kill 'KILL', $agent;

	($r, $server) = send_with("echo 'pass w0rd'; sleep 30 & echo \$! >$pid; exit 3");
	is($r->{exit}, 78, 'the status of the command counts all the same');
	like($r->{err}, qr/exit status 3/, 'and is told');
	kill 'KILL', file_read($pid);

	# Whoever reads stderr to its end would wait for the agent.
	($r, $server) = send_with("echo 'pass w0rd'; setsid sleep 30 >/dev/null & echo \$! >$pid; exit 0", timeout => '1s');
	is($r->{exit}, 0, 'one that holds stderr');
	is($r->{err}, '', 'nothing is said');
	$agent = file_read($pid);
	chomp $agent;
	isnt(readlink("/proc/$agent/fd/2"), undef, 'it has a stderr');
	is(readlink("/proc/$agent/fd/2"), '/dev/null', 'which is not ours');
	kill 'KILL', $agent;
};

subtest 'a slow command, short deadlines for the server' => sub {
	my ($r, $server) = send_with("sleep 13; echo 'pass w0rd'", timeout => '500ms', connect_timeout => '1s',
		final_timeout => '1s');

	is($r->{exit}, 0, "C1: the command's time is not the server's") or diag($r->{err});
	is($server->stored, 1, 'sent');
};

subtest 'D9: what the command says on stderr stays out of the logs of callers' => sub {
	my ($r, $server) = send_with('echo "wrong: \'pass w0rd\'" >&2; exit 1');

	is($r->{exit}, 78, 'refused');
	like($r->{err}, qr/\Asendoff: password_command failed: exit status 1 .*\n.*\n\z/, 'our words alone');
};

# A command that asks a person must not ask thirty times at once.
subtest 'many at once' => sub {
	my $running = workdir() . '/running';
	my $count = workdir() . '/count';
	my $command = file_write(workdir() . '/slow', "#!/bin/sh\nmkdir $running/\$\$\nls $running | wc -l >>$count\nsleep 0.3\n" .
		"rmdir $running/\$\$\necho 'pass w0rd'\n", 0755);
	mkdir $running;
	for my $most (1, 2) {
		my $server = server_start(tls => 'starttls', %me);
		my $config = account($server, tls => 'starttls', user => $me{user}, password_command => $command, max_connections => $most);
		queue_empty();
		unlink $count;
		my @runs = map { start_sendoff(['-C', $config, 'send', 'you@example.net'], timeout => 60,
			stdin => letter("$_\n", 'Message-ID' => "<$most-$_\@x.test>")) } 1 .. 30;
		my @results = map { $_->finish } @runs;

		is_deeply([grep { $_->{exit} != 0 } @results], [], "max_connections = $most: thirty messages are taken");
		ok(wait_until(sub { $server->stored == 30 }, 60), '... and sent');
		my @at_once = split /\n/, file_read($count);
		is_deeply([grep { $_ > $most } @at_once], [], "... with no more than $most commands at a time");
		cmp_ok(scalar @at_once, '<=', 30, '... and no more of them than messages (' . @at_once . ')');
		is($server->stored, 30, '... each once');
	}
};

subtest 'once for all messages of a connection' => sub {
	my $count = workdir() . '/asked';
	my $server = server_start(tls => 'starttls', %me);
	my $config = account($server, tls => 'starttls', user => $me{user}, password_command => "echo x >>$count; echo 'pass w0rd'",
		max_connections => 1);

	queue_empty();
	for my $n (1 .. 5) {
		my $r = run_sendoff(['-C', $config, 'send', '--queue', 'you@example.net'], stdin => letter("$n\n", 'Message-ID' => "<q$n\@x.test>"));
		is($r->{exit}, 0, 'queued') or diag($r->{err});
	}
	ok(!-e $count, 'nobody is asked for what is only queued');
	my $r = run_sendoff(['-C', $config, 'queue', 'flush'], timeout => 60);
	ok(wait_until(sub { $server->stored == 5 }, 20), 'five messages') or diag($r->{err});
	is(file_read($count), "x\n", 'one command');
};

subtest 'no advice to set what is set' => sub {
	my $server = server_start(tls => 'starttls', %me, at => 'handshake silence');
	my $r = send_mail(account($server, tls => 'starttls', connect_timeout => '700ms'));

	is($r->{exit}, 75, 'G1: a handshake that does not come about');
	unlike($r->{err}, qr/set tls = starttls/, 'tls = starttls is not the cure');
};

# Nobody but this machine is asked by it: each new message tries it again.
subtest 'a store that was locked, and is open' => sub {
	my $s = server_start(tls => 'starttls', user => 'me', password => 'pass w0rd');
	my $store = workdir() . '/store';
	my $config = account($s, tls => 'starttls', user => 'me', password_command => "cat $store 2>/dev/null");

	for my $n (1, 2) {
		my $r = send_mail($config, ['send', 'you@example.net']);
		is($r->{exit}, 0, "locked, $n: stored");
		like($r->{err}, qr/^sendoff: queued as \S+: .*password_command failed: exit status 1/, '... and why');
		like($r->{err}, qr/^  the password command failed: run it by hand as this user/m, '... and what to do');
	}
	is_deeply([$s->logins], [], 'D6: no login was tried');
	file_write($store, "pass w0rd\n");
	my $r = send_mail($config, ['send', 'you@example.net']);
	is_deeply([@$r{qw(exit out err)}], [0, '', ''], 'open: the next is sent') or diag($r->{err});
	ok(wait_until(sub { $s->stored == 3 && !queued() }, 10), '... and those that waited follow');
	queue_empty();
};

done_testing;
