#!/usr/bin/perl
# sendoff login as a person has it: at a terminal, with an address that is pasted, a countdown,
# and Ctrl-C.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Login qw(sign_in_account);
use SendoffTest::Run;
use SendoffTest::Screen;
use SendoffTest::Token;

plan skip_all => 'tmux is needed' if system('tmux -V >/dev/null 2>&1') != 0;

my $tokens = workdir() . '/home/.local/state/sendoff/tokens';
my $server = token_server(polls => 'pending pending granted');
my $config = sign_in_account($server);

# In a shell of the simplest kind, which goes on when the program has ended.
sub login
{
	my ($args, %o) = @_;

	return screen_start([], columns => $o{columns} // 80, env => { LC_ALL => 'C.UTF-8', %{ $o{env} // {} } },
		command => [ '/bin/sh', '-c', 'trap : INT; "$@"; echo "code $?"; read line; echo "got [$line]"', 'sh',
			SendoffTest::Run::program('sendoff'), '-C', $config, 'login', @$args ]);
}

# All that was shown, lines that the terminal broke put together again.
sub shown { return $_[0]->tmux('capture-pane', '-p', '-J', '-S', '-') =~ s/[ \t]+$//mgr =~ s/\n+\z/\n/r }

sub stored { return grep { -s } glob "$tokens/*" }

# The terminal is as a person wants it.
sub is_sane
{
	my ($name, $screen, $code) = @_;

	like($screen->wait_for(qr/^code \d+$/m, 20) // $screen->text, qr/^code $code$/m, "$name: exit $code");
	ok(wait_until(sub { $screen->echoes }), "$name: the terminal shows again what is typed");
	$screen->type("visible\n");
	ok($screen->wait_for(qr/^got \[visible\]$/m), "$name: and nothing is left over of what was typed before")
		or diag($screen->text);
}

my %away = (SSH_TTY => '/dev/pts/9');

# ---- paste

for my $columns (40, 80, 132) {
	my $name = "paste, $columns columns";
	my $screen = login([ '--flow', 'paste' ], env => \%away, columns => $columns);

	ok($screen->wait_for(qr/^Address of that page/m), "$name: it asks") or diag($screen->text);
	ok(wait_until(sub { !$screen->echoes }), "$name: what is pasted will not be shown");
	my ($url) = shown($screen) =~ /^(https:\S+)$/m;
	my $back = SendoffTest::Token::browse($url, cert('ca'))->{urls}[-1];
	my ($code) = $back =~ /code=([^&]+)/;
	ok($code, "$name: the address on the screen is whole");
	SendoffTest::Secrets::known($code);
	$screen->type("$back\n");
	is_sane($name, $screen, 0);
	my $text = shown($screen);
	like($text =~ s/\s+/ /gr, qr/\xe2\x9c\x94 signed in: account 'work' can send now/, "$name: signed in");
	unlike($text, qr/\Q$code/, "$name: D9: the code is nowhere on the screen");
	is(scalar stored(), 1, "$name: stored");
	unlink glob "$tokens/*";
	$screen->finish;
}

# Longer than what a terminal keeps of a line; and as a window gives it that has broken it.
for my $case ([ 'a long one' => sub { "$_[0]&session=" . 'x' x 16000 } ],
	[ 'broken by the window' => sub { $_[0] =~ s/(.{30})/$1\n  /gr . "\n" } ],
	[ 'too long' => sub { "$_[0]&session=" . 'x' x 40000 }, 78 ]) {
	my ($name, $change, $code) = @$case;
	my $screen = login([ '--flow', 'paste' ], env => \%away);

	ok($screen->wait_for(qr/^Address of that page/m), "paste, $name: it asks") or diag($screen->text);
	ok(wait_until(sub { !$screen->echoes }), "paste, $name: it will not be shown");
	my ($url) = shown($screen) =~ /^(https:\S+)$/m;
	my $back = SendoffTest::Token::browse($url, cert('ca'))->{urls}[-1];
	SendoffTest::Secrets::known($back =~ /code=([^&]+)/);
	$screen->paste($change->($back));
	$screen->key('Enter');
	is_sane("paste, $name", $screen, $code // 0);
	unlike(shown($screen), qr/xxxx|session/, "paste, $name: nothing of it was shown");
	like(shown($screen) =~ s/\s+/ /gr, qr/longer than any address \(32768 octets\)/, "paste, $name: told") if $code;
	is(scalar stored(), $code ? 0 : 1, "paste, $name: " . ($code ? 'nothing is stored' : 'stored'));
	unlink glob "$tokens/*";
	$screen->finish;
}

my $screen = login([ '--flow', 'paste' ], env => \%away);
$screen->wait_for(qr/^Address of that page/m);
$screen->type("nonsense\n");
ok($screen->wait_for(qr/^That was not it: .*^Address of that page/ms), 'not an address: it is told, and asked again')
	or diag($screen->text);
ok(wait_until(sub { !$screen->echoes }), '... without showing it');
$screen->key('C-c');
is_sane('Ctrl-C while it asks', $screen, 75);
is(scalar stored(), 0, 'Ctrl-C while it asks: nothing is stored');
$screen->finish;

# ---- the countdown

$screen = login([ '--flow', 'device' ], env => \%away);
ok($screen->wait_for(qr/^waiting: 14:5\d left$/m), 'the time that is left is shown') or diag($screen->text);
is_sane('device', $screen, 0);
unlike(shown($screen), qr/waiting/, 'and is gone in the end');
is(scalar stored(), 1, 'device: stored');
unlink glob "$tokens/*";
$screen->finish;

$screen = login([ '--no-browser' ], env => { DISPLAY => ':77' });
ok($screen->wait_for(qr/^waiting: 9:5\d left$/m), 'code: likewise');
my ($url) = shown($screen) =~ /^(https:\S+)$/m;
my ($port) = $url =~ /127\.0\.0\.1%3A(\d+)/i;
cmp_ok(length $url, '>', 80, 'an address that is longer than a line is whole');
$screen->key('C-c');
is_sane('Ctrl-C while it waits', $screen, 75);
is(SendoffTest::Token::fetch("http://127.0.0.1:$port/", undef)->{status}, 0, '... and nobody listens any more');
is_deeply([ glob "$tokens/*" ], [], '... nothing is left behind');
$screen->finish;

# ---- colours

$screen = login([ '--status' ]);
is_sane('status', $screen, 78);
like($screen->escapes, qr/\e\[[0-9;]*31m/, 'what is wrong is red');
$screen->finish;
$screen = login([ '--status' ], env => { NO_COLOR => 1 });
is_sane('status', $screen, 78);
unlike($screen->escapes, qr/\e\[[0-9;]*3[0-9]m/, 'NO_COLOR is obeyed');
$screen->finish;

done_testing;
