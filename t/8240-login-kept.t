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

# The page comes when all is done, and not before.
{
	my $server = token_server(at => [ 'token keep delay 1500' ]);

	fresh();
	my $r = login(sign_in_account($server), { env => { %here, BROWSER => $server->browser } });
	is($r->{exit}, 0, 'a slow provider: signed in') or diag($r->{err});
	like(last_page($server), qr/You are signed in/, '... the browser has waited for it');
	is_stored('a slow provider');
	$server->stop;
}

done_testing;
