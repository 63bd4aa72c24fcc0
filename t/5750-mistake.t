#!/usr/bin/perl
# A mistake in the machine's configuration: whoever can read it hands mail in like
# whoever cannot, and it goes by what was right before; where nothing was, when the
# mistake is mended.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Runner;

SendoffTest::Runner->namespace;

my $server = server_start(user => 'me', password => 'p', require_login => 1);
my $account = <<'END';
host = 127.0.0.1
port = {port}
tls = off
allow_clear_password = yes
user = me
password_file = {secret}
END
my $good = "[sendoff]\ndomain = machine.example.test\n[account work]\n$account";
my $runner = runner_start($good, server => $server, secret => "p\n",
	aliases => "root: a\@example.net\n");

# Hands one in as root and one as alice.
sub hand_in
{
	my ($why) = @_;

	for my $r ($runner->as_root([ 'sendmail', 'root' ], stdin => "hi\n"),
			$runner->as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n")) {
		is($r->{exit}, 0, "A1: $why: it is taken in") or diag($r->{err});
		is($r->{err}, '', 'without a word');
	}
}

# Hands in two that wait until it is mended.
sub waits
{
	my ($why) = @_;
	my $before = $server->stored;

	hand_in($why);
	is(scalar(my @waiting = glob '/var/spool/sendoff/new/*'), 2, 'the runner has both');
	sleep 1;
	is($server->stored, $before, 'which wait');
	$runner->configure($good, server => $server);
	ok(wait_until(sub { $server->stored == $before + 2 }, 20), 'and go when it is mended') or
		diag($runner->said);
}

# While it runs: the last good one stays in force.
$runner->configure($good . "bogus = 1\n", server => $server);
sleep 1;   # it is read again
hand_in('a key that there is not');
ok(wait_until(sub { $server->stored == 2 }, 20), 'it goes by what was right before') or
	diag($runner->said);
is($server->envelope(2)->{recipients}[0], 'a@example.net', 'to whom the aliases say');
$runner->kill;
waits('the same, from the beginning');

# Aliases that are not to be used keep nothing else back.
chmod 0666, '/etc/aliases';
$runner->configure($good =~ s/^\[sendoff\]\n/[sendoff]\nmax_message = 10K\n/r, server => $server);
ok(wait_until(sub { $runner->as_user('alice', [ 'sendmail', 'root' ], stdin =>
	"hi\n" . ('y' x 70 . "\n") x 200)->{exit} == 65 }, 10),
	'A6: a new limit holds, though the aliases could be anybody\'s') or diag($runner->said);
wait_until(sub { !$runner->queued }, 20);   # what came before the limit
my $stored = $server->stored;
is($runner->as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n")->{exit}, 0, 'a short one');
ok(wait_until(sub { $server->stored == $stored + 1 }, 20), '... goes');
is($server->envelope($stored + 1)->{recipients}[0], 'a@example.net', '... by the aliases that were');
chmod 0644, '/etc/aliases';
$runner->configure($good, server => $server);
sleep 1;

# What is well written, and does not say which account.
$runner->configure("$good\n[account other]\n$account", server => $server);
sleep 1;
waits('two accounts, and neither is the default');

# What the runner may not read, as while root still writes it, or what is not there yet:
# it does not take itself for the one to hand it in to.
chown 0, 0, '/etc/sendoff/config';
chmod 0600, '/etc/sendoff/config';
$runner->kill;
waits('a file that the runner may not read');
unlink '/etc/sendoff/config';
$runner->kill;
waits('no file');
unlike($server->message($server->stored), qr/(?:Received:.*){2}/s, 'and nothing has gone round');

# Who has a configuration of his own, with a mistake in it, keeps his mail.
my $home = $runner->start_as_user('alice', [ 'sh', '-c', 'mkdir -p ~/.config/sendoff && ' .
	'printf "[account x]\nhots = y\n" >~/.config/sendoff/config' ])->finish;
is($home->{exit}, 0, 'alice makes a mistake of her own') or diag($home->{err});
my $r = $runner->as_user('alice', [ 'sendmail', 'you@example.net' ], stdin => "hi\n");
is($r->{exit}, 0, 'her mail is stored') or diag($r->{err});
is(scalar(my @new = glob '/var/spool/sendoff/new/*'), 0, 'by herself');

# ---- what is left in a queue of one's own, when there is no configuration for it

$home = $runner->start_as_user('alice', [ 'sh', '-c', 'rm ~/.config/sendoff/config' ])->finish;
is($home->{exit}, 0, 'alice does without one');
my $before = $server->stored;
$r = $runner->as_user('alice', [ 'sendoff', 'queue', 'flush' ]);
is($r->{exit}, 0, 'A1: what she has stored is not given up') or diag($r->{err});
ok(wait_until(sub { $server->stored == $before + 1 }, 10), 'but goes by the runner');
$r = $runner->as_user('alice', [ 'sendoff', 'queue', 'list', '--all', '--json' ]);
is($r->{out}, '', 'and nothing is left');
done_testing;
