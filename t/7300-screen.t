#!/usr/bin/perl
# sendoff check as a person has it: at a terminal, with a password that is asked for.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Run;
use SendoffTest::Screen;

plan skip_all => 'tmux is needed' if system('tmux -V >/dev/null 2>&1') != 0;

my %login = (user => 'me@example.test', password => 'geheim', mechanisms => 'SCRAM-SHA-256');
my $server = server_start(%login);
my $silent = server_start(%login, at => [ 'greeting silence' ]);
my $stranger = server_start(%login, tls => 'starttls');

sub words
{
	my ($at, @more) = @_;

	return ('check', '--host', 'localhost', '--port', $at->port, '--user', 'me@example.test', @more);
}

# ---- a person, who has a shell of the simplest kind around the program

my $sessions = 0;

sub session
{
	my ($args, %o) = @_;
	my $path = workdir() . '/session' . ++$sessions;
	my $redirect = $o{out} ? '>"$0.out"' : '';
	my $screen = screen_start([], %o, env => { LC_ALL => 'C.UTF-8', %{ $o{env} // {} } },
		command => [ '/bin/sh', '-c', "trap : INT; stty -a >\"\$0.before\"; \"\$@\" $redirect; echo \"code \$?\";" .
			' stty -a >"$0.after"; read line; echo "got [$line]"', $path,
			SendoffTest::Run::program('sendoff'), @$args ]);

	return ($screen, $path);
}

sub asks
{
	my ($name, $screen) = @_;

	ok(wait_until(sub { shown($screen) =~ /^Password of me\@example\.test at localhost:\d+:/m }, 10),
		"$name: the password is asked for, and whose it is") or diag($screen->text);
	ok(wait_until(sub { !$screen->echoes }), "$name: what is typed will not be shown");
}

# The terminal is as it was, which a person sees by typing.
sub is_sane
{
	my ($name, $screen, $path, $code) = @_;

	like($screen->wait_for(qr/^code \d+$/m, 15) // $screen->text, qr/^code $code$/m, "$name: exit $code");
	ok(wait_until(sub { $screen->echoes }), "$name: the terminal shows again what is typed");
	$screen->type('visible');
	ok($screen->wait_for(qr/^visible$/m), "$name: as one sees") or diag($screen->text);
	$screen->type("\n");
	ok($screen->wait_for(qr/^got \[visible\]$/m), "$name: and nothing that was typed before is left over")
		or diag($screen->text);
	is(file_read("$path.after"), file_read("$path.before"), "$name: stty -a is as before");
}

# All that was shown, lines that the terminal broke put together again.
sub shown { return $_[0]->tmux('capture-pane', '-p', '-J', '-S', '-') =~ s/\n+\z/\n/r }

sub fits
{
	my ($name, $screen, $columns) = @_;
	my @wide = grep { utf8::decode(my $line = $_); length($line =~ s/\s+\z//r) > $columns && !/^Password / }
		split /\n/, shown($screen);

	is_deeply(\@wide, [], "$name: nothing is wider than the screen");
}

# ---- all is well

for my $size ([ 80, 24 ], [ 132, 40 ], [ 40, 24 ]) {
	my ($columns, $rows) = @$size;
	my $name = "${columns}x$rows";
	my ($screen, $path) = session([ words($server, '--tls', 'off') ], columns => $columns, rows => $rows);

	asks($name, $screen);
	$screen->type('geheim');
	unlike($screen->text, qr/g\*|\*{3}|geheim/, "$name: not even how long it is");
	$screen->type("\n");
	is_sane($name, $screen, $path, 0);
	my $text = shown($screen);
	like($text, qr/^\xe2\x9c\x94 login .*?SCRAM-SHA-256/ms, "$name: the login, with its mark");
	like($text, qr/^all is well: nothing was sent$/m, "$name: the end");
	unlike($text, qr/geheim/, "$name: D9: the password is nowhere");
	like($screen->tmux('capture-pane', '-p', '-e', '-S', '-'), qr/\e\[32m(?:\e\[49m)?\xe2\x9c\x94/, "$name: in colours");
	fits($name, $screen, $columns);
	unlike($text, qr/^ {20}/m, "$name: words have room") if $columns == 40;
	$screen->finish;
}

# ---- other terminals

for my $case ([ 'ASCII', { LC_ALL => 'C' }, 1 ], [ 'NO_COLOR', { NO_COLOR => 1 }, 0 ],
	[ 'a dumb terminal', { TERM => 'dumb', LC_ALL => 'C' }, 0 ]) {
	my ($name, $env, $coloured) = @$case;
	my @command = map { "$_=$env->{$_}" } sort keys %$env;
	my $screen = screen_start([], env => { LC_ALL => 'C.UTF-8' }, command => [ 'env', @command,
		SendoffTest::Run::program('sendoff'), words($server, '--tls', 'off') ]);

	$screen->wait_for(qr/^Password/m);
	$screen->type("geheim\n");
	is($screen->ended, 'exit 0', "$name: well");
	my $all = $screen->tmux('capture-pane', '-p', '-e', '-S', '-');
	is($all =~ /\e\[[0-9;]*3[0-9]m/ ? 1 : 0, $coloured, "$name: colours, or none");
	if (($env->{LC_ALL} // '') eq 'C') {
		unlike(shown($screen), qr/[^\x00-\x7f]/, "$name: ASCII alone");
		like(shown($screen), qr/^(?:ok|\+|\[ok\])\s+login /m, "$name: with marks of its own");
	} else {
		like(shown($screen), qr/^\xe2\x9c\x94 login /m, "$name: the marks are there");
	}
	fits($name, $screen, 80);
	$screen->finish;
}

# ---- it does not work

my ($screen, $path) = session([ words($server, '--tls', 'off') ]);
asks('wrong password', $screen);
$screen->type("gehiem\n");
is_sane('wrong password', $screen, $path, 77);
like(shown($screen), qr/^\xe2\x9c\x98 login /m, 'wrong password: the stage');
like($screen->tmux('capture-pane', '-p', '-e', '-S', '-'), qr/\e\[31m(?:\e\[49m)?\xe2\x9c\x98/, 'wrong password: in red');
like(shown($screen), qr/^next +check user and password/m, 'wrong password: what to do');
unlike(shown($screen), qr/gehiem/, 'wrong password: D9: not even that');
fits('wrong password', $screen, 80);
$screen->finish;

for my $columns (80, 132) {
	($screen, $path) = session([ words($stranger) ], columns => $columns);
	$screen->wait_for(qr/^Password/m);
	$screen->type("geheim\n");
	is_sane("a certificate of a stranger, $columns", $screen, $path, 77);
	# A bare machine has no list of those to trust.
	like(sentence(shown($screen)), qr/ cause .*\((?:certificate-unknown-issuer|no-ca-bundle)\) /,
		"a certificate of a stranger, $columns: the cause");
	fits("a certificate of a stranger, $columns", $screen, $columns);
	$screen->finish;
}

# ---- Ctrl-C, Ctrl-Z

($screen, $path) = session([ words($server, '--tls', 'off') ]);
asks('Ctrl-C at the question', $screen);
$screen->type('geh');
$screen->key('C-c');
is_sane('Ctrl-C at the question', $screen, $path, qr/130|75/);
$screen->finish;

($screen, $path) = session([ words($silent, '--tls', 'off') ]);
asks('Ctrl-C while the server is silent', $screen);
$screen->type("geheim\n");
ok($screen->wait_for(qr/connect .*127\.0\.0\.1/), 'Ctrl-C while the server is silent: it is connected');
my $from = time;
$screen->key('C-c');
is_sane('Ctrl-C while the server is silent', $screen, $path, qr/130|75/);
cmp_ok(time - $from, '<', 6, 'Ctrl-C while the server is silent: at once');
fits('Ctrl-C while the server is silent', $screen, 80);
$screen->finish;

$screen = screen_start([ words($server, '--tls', 'off') ]);
asks('Ctrl-Z', $screen);
$screen->type('half');
$screen->key('C-z');
is($screen->ended, 'stopped', 'Ctrl-Z: it is stopped');
ok(wait_until(sub { $screen->echoes }), 'Ctrl-Z: the terminal is as it was meanwhile');
$screen->resume;
ok(wait_until(sub { !$screen->echoes }), 'Ctrl-Z: it asks again');
$screen->type("geheim\n");
is($screen->ended, 'exit 0', 'Ctrl-Z: and goes on');
unlike(shown($screen), qr/half|geheim/, 'Ctrl-Z: D9: nothing is shown');
$screen->finish;

# ---- the output goes to a file

($screen, $path) = session([ words($server, '--tls', 'off') ], out => 1);
asks('redirected', $screen);
$screen->type("geheim\n");
is_sane('redirected', $screen, $path, 0);
my $file = file_read("$path.out");
unlike($file, qr/\e/, 'redirected: no escape sequence');
unlike($file, qr/Password|geheim/, 'redirected: the question is for the terminal alone');
like($file, qr/^all is well/m, 'redirected: the rest is there');
is((grep { utf8::decode($_); length > 80 } split /\n/, $file), 0, 'redirected: in 80 columns');
$screen->finish;

is((grep { $_->{text} =~ /^535 / } $server->journal), 1, 'C9: the wrong password was tried once');
done_testing;
