#!/usr/bin/perl
# A runner that dies while it is handed a message: the caller asks again under the
# same token, not for ever, and never says that nobody has what somebody may have.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Runner;
use Time::HiRes qw(time);

SendoffTest::Runner->namespace;

my $machine = bless {}, 'SendoffTest::Runner';
my $socket = '/run/sendoff/smtp.sock';

# Something that stands in for the runner.
sub runner
{
	my (@at) = @_;

	unlink $socket;
	my $server = server_start(listen => $socket, lenient => 1, at => \@at, extensions =>
		'SIZE PIPELINING 8BITMIME SMTPUTF8 DSN CHUNKING ENHANCEDSTATUSCODES XSENDOFF');
	chmod 0666, $socket;
	return $server;
}

# Does something as soon as the file is there, while the caller runs.
sub when_there
{
	my ($file, $command) = @_;
	my $pid = fork // die "fork: $!\n";

	return $pid if $pid;
	exec 'sh', '-c', 'i=0; while [ ! -e "$0" ] && [ $i -lt 500 ]; do sleep 0.02; i=$((i+1)); done; ' .
		$command, $file;
}

sub begin { return $machine->start_as_user('alice', [ 'sendmail', 'root@example.net' ],
	stdin => "hi\n", timeout => 100) }

# ---- it stores, dies, and comes back

my $server = runner('CONTENT:1 keep close');
my $r = begin()->finish;
is($r->{exit}, 0, 'F0: it asks again') or diag($r->{err});
my %tokens = map { /XTOKEN=(\S+)/ ? ($1 => 1) : () } $server->commands;
is(scalar(keys %tokens), 1, 'under the same token');
$server->stop;

# ---- it stores, dies, and does not come back

$server = runner('CONTENT keep close');
my $caller = begin();
my $helper = when_there($server->store . '/1.eml',
	'kill -9 ' . $server->pid . "; rm $socket; sleep 1; kill -TERM " . $caller->pid);
my $t = time;
$r = $caller->finish;
waitpid $helper, 0;
is($r->{exit}, 74, 'A2: it may be stored, and that is what the exit code says') or diag($r->{err});
like($r->{err}, qr/may have stored the message.*mailq/s, 'so do the words');
cmp_ok(time - $t, '<', 10, 'a signal ends the wait between two tries at once');

# ---- it refuses a recipient

file_write('/etc/aliases', 'alice: alice@example.org' . "\n", 0644);
$server = runner('RCPT=bad@example.net reply "553 5.1.3 no"');
$r = $machine->as_user('alice', [ 'sendmail', 'bad@example.net', 'good@example.net' ], stdin => "hi\n");
is($r->{exit}, 67, 'G2: the caller is told, with its exit code') or diag($r->{err});
like($r->{err}, qr/recipient bad\@example\.net refused: 553 5\.1\.3 no/, 'and in words');
is($server->stored, 1, 'the other has it');
ok(!-e '/mnt/sendoff/home/alice/.local/state/sendoff/queue', 'no report lies where nobody sends it');
$server->stop;

# ---- it dies of this very message, each time

SKIP: {
	skip 'takes a minute; SENDOFF_SLOW=1 for it', 2 if !$ENV{SENDOFF_SLOW};
	$server = runner('CONTENT keep close');
	$t = time;
	$r = begin()->finish;
	is($r->{exit}, 74, 'C1: it is not asked for ever') or diag($r->{err});
	cmp_ok(time - $t, '<', 75, 'but for a minute');
}

done_testing;
