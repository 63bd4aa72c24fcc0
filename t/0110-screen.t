#!/usr/bin/perl
# The library of the tests: a program at a terminal is typed at and looked at.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Screen;

sub sh { my ($script, %o) = @_; return screen_start([], command => [ '/bin/sh', '-c', $script ], %o) }

# --- what is seen

my $screen = sh('printf "one\n  two\n\n\342\234\224 gr\303\274n\n"; exit 7');
is($screen->ended, 'exit 7', 'its exit code');
is($screen->wait_for(qr/gr\xc3\xbcn/), "one\n  two\n\n\xe2\x9c\x94 gr\xc3\xbcn\n", 'what is on the screen');
is_deeply([ $screen->lines ], [ 'one', '  two', '', "\xe2\x9c\x94 gr\xc3\xbcn" ], '... line by line');
ok($screen->echoes, 'the terminal can still be asked');
$screen->finish;
ok(wait_until(sub { !-e "/proc/$screen->{host}/exe" }), 'the end of it');
isnt(system("tmux -S $screen->{socket} has-session 2>/dev/null"), 0, '... of its server too');

$screen = sh('printf "\033[32mgreen\033[0m plain\n"');
$screen->ended;
ok($screen->wait_for(qr/plain/), 'colours');
is($screen->text, "green plain\n", '... left out');
like($screen->escapes, qr/\e\[32mgreen\e\[[0-9;]*m plain/, '... and shown');
is($screen->wait_for(qr/never/, 0.3), undef, 'what does not come is not waited for for ever');
$screen->finish;

$screen = sh('i=0; while [ $i -lt 40 ]; do i=$((i + 1)); echo line $i; done', rows => 10);
ok($screen->wait_for(qr/line 40/), 'more than fits');
unlike($screen->text, qr/line 20$/m, '... leaves the screen');
like($screen->history, qr/^line 1\n.*^line 20$/ms, '... but is kept');
$screen->finish;

# --- its size

$screen = sh('trap "stty size" WINCH; stty size; while :; do sleep 0.1; done');
ok($screen->wait_for(qr/^24 80$/m), 'the usual size') or diag($screen->text);
$screen->resize(132, 40);
ok($screen->wait_for(qr/^40 132$/m), 'another one, meanwhile') or diag($screen->text);
is($screen->ended(0.2), undef, '... it runs on');
$screen->finish;
$screen = sh('stty size', columns => 40, rows => 10);
ok($screen->wait_for(qr/^10 40$/m), 'another one from the start') or diag($screen->text);
$screen->finish;

# --- keys

$screen = sh('echo ready; read line; echo "got [$line]"');
$screen->wait_for(qr/ready/);
$screen->type("some -l \$HOME; gr\xc3\xbcn\n");
is($screen->ended, 'exit 0', 'what is typed');
ok($screen->wait_for(qr/^got \[some -l \$HOME; gr\xc3\xbcn\]$/m), '... arrives as it is') or diag($screen->text);
$screen->finish;

$screen = sh('stty -echo; echo ready; exec sleep 60');
$screen->wait_for(qr/ready/);
$screen->type('hidden');
$screen->key('C-c');
is($screen->ended, 'signal 2', 'Ctrl-C');
ok(!$screen->echoes, 'a terminal that is left without echo is noticed');
unlike($screen->text, qr/hidden/, '... and shows nothing');
$screen->finish;

$screen = sh('echo ready; exec sleep 1');
$screen->wait_for(qr/ready/);
$screen->key('C-z');
is($screen->ended, 'stopped', 'Ctrl-Z');
$screen->resume;
is($screen->ended, 'exit 0', '... and on');
$screen->finish;

# --- its environment, and sendoff

$screen = sh('echo "$HOME ${TMUX-none} ${A-none} $TERM"', env => { A => 'b' }, columns => 132);
ok($screen->wait_for(qr/^\Q${\ workdir()}\E\/home none b screen-256color$/m), 'the environment') or
	diag($screen->text);
$screen->finish;
$screen = screen_start(['--version']);
is($screen->ended, 'exit 0', 'sendoff at a terminal');
ok($screen->wait_for(qr/^sendoff \d/m), '... says what it is') or diag($screen->text);

done_testing;
