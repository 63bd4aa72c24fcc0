#!/usr/bin/perl
# sendoff login where the token cannot be stored: it is told before anybody signs in, where that
# can be seen, and else nobody is told that all went well, the browser included.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Login;
use SendoffTest::SignedIn ();
use SendoffTest::Token;

my $directory = SendoffTest::SignedIn::token_directory();
my $place = $directory =~ s{/[^/]*\z}{}r;
my $count = 0;

# A browser before which that is done.
sub browser_behind
{
	my ($server, $deed) = @_;
	my $path = workdir() . '/browser' . ++$count;

	file_write($path, "#!/bin/sh\n$deed\nexec @{[ $server->browser ]} \"\$1\"\n", 0700);
	return $path;
}

sub fresh { system('rm', '-rf', $directory); system('mkdir', '-p', '-m', '0700', $directory); return }

# ---- seen before

sub is_seen
{
	my ($name, $words, %o) = @_;
	my $server = token_server();
	my $touched = workdir() . '/opened' . ++$count;

	for my $flow ('code', 'paste', 'device') {
		my $r = login(sign_in_account($server), '--flow', $flow, { %o,
			env => { %here, BROWSER => browser_behind($server, "touch $touched") }, stdin => "x\n" });
		is($r->{exit}, 75, "$name, $flow: exit") or diag("$r->{out}$r->{err}");
		like($r->{err}, qr/^sendoff: $words\n  \S/, "$name, $flow: told, with what to do");
		is($r->{out}, '', "$name, $flow: nobody is asked to sign in");
	}
	is(scalar $server->requests, 0, "$name: the provider has heard of nothing");
	ok(!-e $touched, "$name: no browser was opened");
	$server->stop;
	return;
}

fresh();
mkdir "$directory/work.try";
is_seen('no place for a file', qr/cannot keep a token in '\Q$directory\E': Is a directory/);
rmdir "$directory/work.try";
system('rm', '-rf', $directory);
file_write($directory, '');
is_seen('a file in place of the directory', qr/cannot .* '\Q$directory\E'.*/);
unlink $directory;

SKIP: {
	skip 'needs root, and a file system of its own', 22 if $> || system("mount -t tmpfs -o size=64k,mode=700 none $place 2>/dev/null");
	mkdir $directory, 0700;
	system("head -c 60000 /dev/zero >$place/fill 2>/dev/null; cat /dev/zero >>$place/fill 2>/dev/null");
	is_seen('a full disk', qr/cannot keep a token in '\Q$directory\E': No space left on device/);
	is_deeply([ glob "$directory/*" ], [], 'a full disk: nothing is left there');
	unlink "$place/fill";
	system("mount -o remount,ro $place");
	is_seen('a file system that can only be read', qr/cannot keep a token in '\Q$directory\E': Read-only file system/);
	system("umount $place");
}

# ---- only then

sub is_told
{
	my ($name, $deed, $words) = @_;
	my $server = token_server();
	my $config = sign_in_account($server);

	my $r = login($config, { env => { %here, BROWSER => browser_behind($server, $deed) } });
	is($r->{exit}, 75, "$name: exit") or diag("$r->{out}$r->{err}");
	like($r->{err}, qr/^sendoff: $words\n  \S/, "$name: told");
	unlike($r->{out}, qr/signed in/, "$name: and not the contrary");
	my $page = last_page($server);
	like($page, qr/The sign-in failed/, "$name: the browser is told");
	unlike($page, qr/You are signed in|can send mail now/, "$name: ... and not the contrary");
	is_deeply([ $server->asked ], [ 'authorization_code 200' ], "$name: though the provider had agreed");
	is_deeply([ grep { -f && -s } glob "$directory/work*" ], [], "$name: nothing is stored");
	$server->stop;
	return;
}

fresh();
is_told('no place any more', "mkdir $directory/work.new", qr/cannot keep a token in '\Q$directory\E': Is a directory/);
fresh();
is_told('the directory is gone', "mv $directory $directory.gone", qr/.*'\Q$directory\E': No such file or directory/);

SKIP: {
	skip 'needs root, and a file system of its own', 7 if $> || system("mount -t tmpfs -o size=64k,mode=700 none $place 2>/dev/null");
	mkdir $directory, 0700;
	is_told('the disk is full by then', "cat /dev/zero >$place/fill 2>/dev/null",
		qr/cannot keep a token in '\Q$directory\E': No space left on device/);
	system("umount $place");
}

# What others on the machine can see of a process and its children: names and arguments; and
# the environment, which only its user can.
sub shown_of
{
	my ($pid) = @_;
	my @family = ($pid, split ' ', eval { file_read("/proc/$pid/task/$pid/children") } // '');

	return join "\n", map { my $one = $_; map { eval { file_read("/proc/$one/$_") } // '' } qw(cmdline comm environ) } @family;
}

# The page comes when all is done, and not before.
{
	my $server = token_server(at => [ 'token keep delay 4000' ]);

	fresh();
	my $run = start_sendoff([ '-C', sign_in_account($server), 'login' ], env => { %here, BROWSER => $server->browser });
	ok(wait_until(sub { $run->turn(0.02); $server->requests('authorize') && grep { $_->{kind} eq 'REQUEST' &&
		$_->{text} =~ /authorization_code/ } $server->journal }, 20), 'a slow provider: it is asked for the token');
	is_not_stored('a slow provider, as yet');
	is_deeply([ $server->pages ], [], '... and the browser still waits');
	my $seen = shown_of($run->pid);
	like($seen, qr/sendoff.*sendoff/s, 'D9: what others see of it and of the child that asks');
	unlike($seen, qr/code_verifier|client_secret/, '... is nothing of what is said');
	is_deeply([ SendoffTest::Secrets::found($seen) ], [], '... and no secret');
	my $r = $run->finish;
	is($r->{exit}, 0, 'a slow provider: signed in') or diag($r->{err});
	like(last_page($server), qr/You are signed in/, '... the browser has waited for it');
	is_stored('a slow provider');
	$server->stop;
}

done_testing;
