#!/usr/bin/perl
# A password command that wants to ask: at a terminal with somebody before it, it can; anywhere
# else it is told at once that it cannot, and is never stopped for want of one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Run;
use SendoffTest::Screen;
use SendoffTest::Send;

plan skip_all => 'tmux is needed' if system('tmux -V >/dev/null 2>&1') != 0;

my %me = (user => 'me@example.test', password => 'geheim-7');
my $mail = file_write(workdir() . '/mail', letter());
my $runs = 0;

# As pinentry and ssh-askpass do: the terminal is set, and then read.
my $asks = file_write(workdir() . '/asks', <<'END', 0755);
#!/bin/sh
(exec 3<>/dev/tty) 2>/dev/null || exit 5
exec 3<>/dev/tty
stty -echo <&3
printf 'PIN: ' >&3
read -r pin <&3
stty echo <&3
printf '%s\n' "$pin"
END

# A shell around it, which tells how it ended, and shows that the terminal is good for typing.
sub session
{
	my ($command, %o) = @_;
	my $server = server_start(tls => 'implicit', %me);
	my $config = account($server, tls => 'implicit', user => $me{user}, password_command => $command);
	my $path = workdir() . '/session' . ++$runs;
	my $line = ($o{before} // '') . '"$@" <' . $mail . ($o{behind} // '');
	my $screen = screen_start([], env => $o{env} // {}, command => ['/bin/bash', '-c', "trap : INT; stty -a >'$path.before'; " .
		"$line; echo \"code \$?\"; stty -a >'$path.after'; read line; echo \"got [\$line]\"", 'bash',
		SendoffTest::Run::program('sendoff'), '-C', $config, 'send', '--no-queue', 'you@example.net']);

	return ($screen, $server, $path);
}

sub ends
{
	my ($name, $screen, $path, $code) = @_;

	like($screen->wait_for(qr/\bcode \d+$/m, 15) // $screen->text, qr/\bcode $code$/m, "$name: exit $code") or diag($screen->text);
	ok(wait_until(sub { $screen->echoes }), "$name: what is typed is shown again");
	$screen->type("visible\n");
	ok($screen->wait_for(qr/^got \[visible\]$/m), "$name: and read by the shell");
	is(file_read("$path.after"), file_read("$path.before"), "$name: the terminal is set as it was");
	$screen->finish;
}

subtest 'somebody is asked' => sub {
	my ($screen, $server, $path) = session($asks);

	ok($screen->wait_for(qr/^PIN:/m), 'at the terminal') or diag($screen->text);
	ok(wait_until(sub { !$screen->echoes }), 'which does not show what is typed');
	$screen->type("geheim-7\n");
	ends('answered', $screen, $path, 0);
	is($server->stored, 1, 'sent');

	($screen, $server, $path) = session($asks);
	ok($screen->wait_for(qr/^PIN:/m), 'again') or diag($screen->text);
	ok(wait_until(sub { !$screen->echoes }), 'in the midst of it');
	$screen->key('C-c');
	$screen->wait_for(qr/told to stop/);
	like($screen->text, qr/told to stop while password_command/, 'Ctrl-C: told');
	ends('Ctrl-C', $screen, $path, 75);
	is($server->stored, 0, 'is the end of both');

	($screen, $server, $path) = session($asks);
	ok($screen->wait_for(qr/^PIN:/m), 'again') or diag($screen->text);
	ok(wait_until(sub { !$screen->echoes }), 'in the midst of it');
	$screen->key('C-z');
	ok($screen->wait_for(qr/password_command was stopped/), 'Ctrl-Z: told') or diag($screen->text);
	ends('Ctrl-Z', $screen, $path, 78);
};

subtest 'two at once are asked one after another' => sub {
	my $server = server_start(tls => 'implicit', %me);
	my $config = account($server, tls => 'implicit', user => $me{user}, max_connections => 2,
		password_command => $asks);
	my @files = map { file_write(workdir() . "/two$_.eml", letter("$_\n", 'Message-ID' => "<two$_\@x.test>")) } 1 .. 2;
	my $screen = screen_start([], command => ['/bin/sh', '-c', '"$@"; echo "code $?"; read line', 'sh',
		SendoffTest::Run::program('sendoff'), '-C', $config, 'send', '--no-queue', '-t', map { ('--file', $_) } @files]);

	for my $nth (1 .. 2) {
		ok($screen->wait_for(qr/PIN:.*(?:\n.*PIN:){${\($nth - 1)}}|code \d+/s, 15), "prompt $nth or the end");
		last if $screen->text =~ /code \d+/;
		ok(wait_until(sub { !$screen->echoes }), 'hidden');
		$screen->type("geheim-7\n");
		wait_until(sub { $screen->text =~ /code \d+/ || $server->logins >= $nth }, 10);
	}
	ok($screen->wait_for(qr/^code 0$/m, 15), 'all are sent') or diag($screen->text);
	is($server->stored, 2, 'both');
	$screen->finish;
};

subtest 'nobody is there' => sub {
	my $quick = sub {
		my ($name, %o) = @_;
		my ($screen, $server, $path) = session("$asks; code=\$?; echo \"\${GPG_TTY-none}\" >$path::seen; exit \$code", %o);

		ends($name, $screen, $path, $o{code});
		like(file_read("$path.err"), qr/password_command failed: exit status 5/, "$name: told") if $o{err};
		is($server->stored, 0, "$name: nothing is sent");
		return;
	};
	our $path = workdir() . '/seen';
	$path::seen = $path;

	# A program that reads what we say has nobody at a terminal, wherever it was started.
	my $err = workdir() . '/session' . ($runs + 1) . '.err';
	$quick->('a caller that reads stderr', behind => " 2>$err", err => 1, code => 78, env => { GPG_TTY => '/dev/tty' });
	is(file_read($path), "none\n", 'gpg does not find the terminal either');
	$quick->('a job in the background', before => 'set -m; ', behind => ' & wait $!', code => 78);
	$quick->('a session without a terminal', before => 'setsid -w ', code => 78);
};

# Whoever wants the terminal only to look at it needs nothing of it.
subtest 'a command that does not ask' => sub {
	my ($screen, $server, $path) = session('cut -d " " -f 5,8 /proc/$PPID/stat >' . workdir() . '/stat; echo geheim-7');

	ends('at a terminal', $screen, $path, 0);
	like(file_read(workdir() . '/stat'), qr/\A(\d+) \1\n\z/, 'we stay in the foreground meanwhile');
	is($server->stored, 1, 'sent');

	($screen, $server, $path) = session('kill -STOP $$');
	ok($screen->wait_for(qr/password_command was stopped/, 15), 'one that is stopped is not waited for') or diag($screen->text);
	ends('stopped', $screen, $path, 78);
};

done_testing;
