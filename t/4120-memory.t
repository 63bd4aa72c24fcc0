#!/usr/bin/perl
# D9: while a secret is in memory, wherever it has come from, nobody who is not root can look
# there, and nothing of it remains: no core, no file, no variable or argument of a child.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use File::Copy ();
use POSIX ();
use SendoffTest;
use SendoffTest::Run;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'geheim-77');
my $uid = $> || 54321;

# Where any user can run it, and leave a core.
my $public = workdir() . '/public';
mkdir $public;
File::Copy::copy(SendoffTest::Run::program('sendoff'), "$public/sendoff");
chmod 0711, workdir();
chmod 0755, "$public/sendoff", $public;
my $here = "$public/here";
mkdir $here;
chown $uid, $uid, $here;

sub drop { return if $>; $( = $) = "$uid $uid"; POSIX::setgid($uid); POSIX::setuid($uid) }

sub own
{
	my ($path, $text, $mode) = @_;

	unlink $path;
	file_write($path, $text, $mode // 0600);
	chown $uid, $uid, $path;
	return $path;
}

# Whether another process of the same user can read its memory.
sub readable
{
	my ($pid) = @_;
	my $child = fork // die "fork: $!\n";

	if (!$child) {
		drop();
		POSIX::_exit(open(my $memory, '<', "/proc/$pid/mem") ? 0 : 1);
	}
	waitpid $child, 0;
	return $? == 0;
}

# Elsewhere that is possible: else there is nothing to be seen here.
my $other = start_sendoff([], command => ['sleep', '60'], cwd => '/', before => \&drop);
wait_until(sub { file_read('/proc/' . $other->pid . '/cmdline') =~ /^sleep/ });
my $yama = -e '/proc/sys/kernel/yama/ptrace_scope' && file_read('/proc/sys/kernel/yama/ptrace_scope') > 0;
ok($yama || readable($other->pid), 'another program can be looked into');
$other->kill('KILL');
$other->finish;

my $unit = "$here/mail.service";
mkdir $unit;
chown $uid, $uid, $unit;
own("$unit/mail", "geheim-77\n", 0400);
my %sources = (
	password => { password => 'geheim-77' },
	password_file => { password_file => own("$here/file", "geheim-77\n") },
	password_env => { password_env => 'MAIL_SECRET' },
	password_command => { password_command => "cat $here/file" },
	credential => { credential => 'mail' },
	netrc => { netrc => own("$here/netrc", "machine localhost password geheim-77\n") },
);

# Its secret is there, and the server has just been told it.
for my $source (sort keys %sources) {
	my $s = server_start(%me, tls => 'implicit', at => 'CONTENT silence');
	my $c = account($s, user => $me{user}, tls => 'implicit', final_timeout => '60s', %{ $sources{$source} },
		tls_ca_file => file_write(workdir() . '/ca.pem', file_read(cert('ca')), 0644));
	chown $uid, $uid, $c;
	my $run = start_sendoff([], stdin => letter(), cwd => $here, env => { MAIL_SECRET => 'geheim-77', CREDENTIALS_DIRECTORY => $unit },
		command => ['/bin/sh', '-c', 'ulimit -c unlimited 2>/dev/null; exec "$@"', 'sh', "$public/sendoff", '-C', $c, 'send', '--no-queue',
			'a@b.test'], before => \&drop, timeout => 60);

	ok(wait_until(sub { $run->turn(0.01); grep { $_->{kind} eq 'C' && $_->{text} =~ /^\(/ } $s->journal }, 20),
		"$source: under way");
	is(scalar $s->logins, 1, "$source: logged in");
	my $proc = '/proc/' . $run->pid;
	like(file_read("$proc/limits"), qr/^Max core file size +0 +0 /m, "$source: no core");
	ok(!readable($run->pid), "$source: nor can its user look into it");
	ok(index(file_read("$proc/cmdline"), 'geheim') < 0, "$source: it is no argument");
	$run->kill('SEGV');
	my $r = $run->finish;
	is($r->{signal}, POSIX::SIGSEGV(), "$source: killed in the midst of it") or diag($r->{err});
	is_deeply([grep { !/\A(?:mail\.service|file|netrc)\z/ } map { s{.*/}{}r } glob("$here/*")], [], "$source: it has left nothing behind");
}

# What runs beside us has been told nothing: a password_command, asked by an account whose
# neighbours have secrets of all kinds.
{
	my $s = server_start(%me, tls => 'implicit');
	my $report = "$here/report";
	my $text = account_text(user => $me{user}, tls => 'implicit', tls_ca_file => workdir() . '/ca.pem',
		password_command => "tr '\\0' '\\n' </proc/self/environ >$report; tr '\\0' '\\n' </proc/\$PPID/cmdline >>$report; " .
		"tr '\\0' '\\n' </proc/\$\$/cmdline >>$report; ls -l /proc/self/fd >>$report; cat $here/file");
	$text .= "\n[account $_]\nhost = localhost\nuser = u\n$_ = $sources{$_}{$_}\n" for grep { $_ ne 'password_command' } sort keys %sources;
	my $c = config($text, server => $s);
	chown $uid, $uid, $c;
	my $r = run_sendoff([], stdin => letter(), cwd => $here, env => { MAIL_SECRET => 'geheim-77', CREDENTIALS_DIRECTORY => $unit,
		SENDOFF_PASSWORD => 'geheim-77' }, command => ["$public/sendoff", '-C', $c, '-a', 'test', 'send', '--no-queue', 'a@b.test'],
		before => \&drop);

	is($r->{exit}, 0, 'sent by a command') or diag($r->{err});
	my $seen = file_read($report);
	like($seen, qr/^PATH=/m, 'which has seen its environment');
	like($seen, qr/password_command|sendoff/, 'and how we were called');
	ok(index($seen, 'geheim') < 0, 'D9: and no secret') or diag($seen);
	unlike($seen, qr/MAIL_SECRET|SENDOFF_PASSWORD=/, 'D9: nor the variables');
	unlink $report;
}

unlink glob("$here/*"), "$unit/mail";
done_testing;
