#!/usr/bin/perl
# sendoff login and logout for an account with a password_file: the password that is typed in or
# comes from a program is in that file and nowhere else, whole or not at all, and what is not
# ours to write is left alone.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use POSIX ();
use SendoffTest;
use SendoffTest::Login qw(login logout file_mode objects);
use SendoffTest::Screen;
use SendoffTest::Send;

my $secret = 'geheim w0rt-77';
my $dir = workdir() . '/place';
my $file = "$dir/password";
mkdir $dir, 0700;
SendoffTest::Secrets::known($secret, 'geheim w0rt-88');
SendoffTest::Secrets::own($file);

sub account_with
{
	my (%keys) = @_;
	my %all = (host => 'localhost', port => 1, user => 'me', from => 'me@example.com', password_file => $file, %keys);

	return config("[account work]\n" . join '', map { "$_ = $all{$_}\n" } grep { defined $all{$_} } sort keys %all);
}

my $config = account_with();

sub shown { return $_[0]->tmux('capture-pane', '-p', '-J', '-S', '-') =~ s/\n+\z/\n/r }
sub in_directory { opendir my $d, $dir or die; return sort grep { !/^\.\.?$/ } readdir $d }

# ---- stored

my $r = login($config, { stdin => "$secret\r\nmore\n" });
is($r->{exit}, 0, 'from a program: stored') or diag($r->{err});
is($r->{out}, "stored: the password of 'work' is in $file\n  test it: sendoff check work\n", '... told');
is($r->{err}, '', '... and nothing else');
is(file_read($file), "$secret\n", '... the first line');
is(file_mode($file), 0600, '... for its owner alone');
is_deeply([ in_directory() ], ['password'], '... and nothing besides');
is(file_mode($dir), 0700, '... in a directory that is as it was');

my $server = server_start(user => 'me', password => $secret, tls => 'starttls');
my $there = account($server, tls => 'starttls', user => 'me', password => undef, password_file => $file);
is(send_mail($there)->{exit}, 0, 'mail goes by it');
is($server->stored, 1, '... indeed');

my ($o) = objects(run_sendoff([ '-C', $config, '--json', 'login', 'work' ], stdin => "geheim w0rt-88\n")->{out});
is_deeply($o, { event => 'password-stored', account => 'work', file => $file }, 'as JSON');
is(file_read($file), "geheim w0rt-88\n", '... the new one is in place of the old');
is(run_sendoff([ '-C', $config, '-q', 'login', 'work' ], stdin => "$secret\n")->{out}, '', 'quietly');

# ---- at a terminal

{
	my $screen = screen_start([ '-C', $config, 'login', 'work' ]);

	unlink $file;
	ok(wait_until(sub { shown($screen) =~ /^Password of me at localhost:1:/m }, 20), 'a person is asked') or diag($screen->text);
	ok(wait_until(sub { !$screen->echoes }, 20), '... and what is typed is not shown');
	ok(!-e $file, '... nothing is written yet');
	$screen->type("$secret\n");
	is($screen->ended, 'exit 0', '... stored') or diag($screen->text);
	is(file_read($file), "$secret\n", '... as it was typed');
	unlike(shown($screen), qr/geheim/, '... it was not shown');
}

# ---- not stored

sub refused
{
	my ($name, $exit, $words, %o) = @_;
	my @before = map { [ $_, (lstat "$dir/$_")[1, 2, 7, 9] ] } in_directory();
	my $r = login($o{config} // $config, @{ $o{words} // [] }, { stdin => $o{stdin} // "$secret\n" });

	is($r->{exit}, $exit, "$name: refused") or diag("$r->{out}$r->{err}");
	like($r->{err}, qr/^sendoff: $words.*\n  \S/, "$name: told, with what to do");
	is($r->{out}, '', "$name: and not the contrary");
	is_deeply([ map { [ $_, (lstat "$dir/$_")[1, 2, 7, 9] ] } in_directory() ], \@before, "$name: nothing is changed");
	return;
}

refused('an empty line', 78, qr/there is no password on standard input/, stdin => "\n");
refused('no line', 78, qr/there is no password on standard input/, stdin => '');
refused('a NUL', 78, qr/there is no password on standard input/, stdin => "a\0b\n");
refused('too long', 78, qr/there is no password on standard input/, stdin => 'x' x 20000);
refused('another flow', 64, qr/account 'work' has a password, from password_file/, words => [ '--flow', 'device' ]);
refused('no directory', 75, qr/cannot open the directory of '\Q$dir\E\/no\/p'/, config => account_with(password_file => "$dir/no/p"));

file_write("$dir/else", "kept\n", 0600);
rename $file, "$dir/aside";
SendoffTest::Secrets::own("$dir/aside");
symlink 'else', $file;
refused('a link', 77, qr/'\Q$file\E' is a link, and what it leads to is left alone/);
unlink $file;
mkdir $file;
refused('a directory', 77, qr/'\Q$file\E' is not a file/);
rmdir $file;
POSIX::mkfifo($file, 0600);
refused('a fifo', 77, qr/'\Q$file\E' is not a file/);
unlink $file;
for my $mode (0770, 0707, 01777) {
	chmod $mode, $dir;
	refused(sprintf('a directory of mode %04o', $mode), 77, qr/the directory of '\Q$file\E' can be changed by other users/);
}
chmod 0700, $dir;
mkdir "$dir/.password.new";
refused('no place for a file', 75, qr/cannot write beside '\Q$file\E': Is a directory/);
rmdir "$dir/.password.new";
file_write("$dir/.password.new", "left by a crash\n", 0644);
is(login($config, { stdin => "$secret\n" })->{exit}, 0, 'what a crash has left is in nobody\'s way');
is(file_mode($file), 0600, '... nor does its mode count');
is_deeply([ in_directory() ], [ 'aside', 'else', 'password' ], '... it is gone');

SKIP: {
	skip 'needs root', 8 if $>;
	chown 12345, 12345, $file;
	refused('of somebody else', 77, qr/'\Q$file\E' belongs to another user \(uid 12345\), and is left alone/);
	chown 0, 0, $file;
	chown 12345, 12345, $dir;
	refused('in a directory of somebody else', 77, qr/the directory of '\Q$file\E' belongs to another user \(uid 12345\)/);
	chown 0, 0, $dir;
}

# ---- removed

$r = run_sendoff([ '-C', $config, 'logout' ]);
is($r->{exit}, 64, 'logout of whatever is the default: refused');
like($r->{err}, qr/^sendoff: logout removes the password of account 'work', and it was not named\n  if that is meant: sendoff logout work/,
	'... and says why');
ok(-e $file, '... it is there');
$r = logout($config);
is($r->{exit}, 0, 'by its name: removed') or diag($r->{err});
is($r->{out}, "removed: the password of 'work', which was in $file\n", '... told');
ok(!-e $file, '... indeed');
$r = logout($config);
is($r->{exit} . $r->{out}, "0there is no password of 'work' in $file\n", 'none there');
symlink 'else', $file;
$r = logout($config);
is($r->{exit}, 77, 'a link: refused');
ok(-l $file && file_read("$dir/else") eq "kept\n", '... both are there');

# ---- other sources

$r = login(config("[account work]\nhost = h\nuser = u\npassword_command = pass show x\n"), { stdin => "$secret\n" });
like($r->{out}, qr/^account 'work' logs in with a password, from password_command: there is nothing to sign in to/, 'a command: told');

done_testing;
