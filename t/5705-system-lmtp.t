#!/usr/bin/perl
# The queue of a machine whose account delivers by LMTP, at the socket of a server: each
# recipient gets the fate that the server has for it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Runner;

SendoffTest::Runner->namespace;

my $path = '/run/lmtp';   # the directory of the tests is not to be seen by the runner
my $server = server_start(lmtp => 1, listen => $path, mood => 1);
chmod 0666, $path;
$server->mood('DELIVERY=b@example.net reply "452 4.2.2 <b> over quota"',
	'DELIVERY=c@example.net reply "550 5.2.1 <c> disabled"');
my $runner = runner_start(<<"END", server => $server);
[sendoff]
domain = machine.example.test
log = stderr
retry = 1s 2s

[account mailboxes]
host = $path
protocol = lmtp
from = alerts\@example.org
END

sub copies_for
{
	my ($who) = @_;
	my @all = map { @{ $server->envelope($_)->{recipients} } } 1 .. $server->stored;

	return scalar grep { $_ eq $who } @all;
}

my $r = $runner->as_user('alice', [ 'sendmail', map { "$_\@example.net" } qw(a b c d) ], stdin => "Subject: four\n\nhi\n");
is($r->{exit}, 0, 'stored') or diag($r->{err});
ok(wait_until(sub { copies_for('a@example.net') && copies_for('d@example.net') }, 60), 'two have it') or diag($runner->said);
ok(wait_until(sub { $runner->as_user('alice', ['mailq'])->{out} =~ /over quota/ }, 60), 'mailq says why one waits');
$server->mood();
ok(wait_until(sub { copies_for('b@example.net') }, 60), 'the one who waited gets it');
is_deeply([ map { copies_for("$_\@example.net") } qw(a b c d) ], [ 1, 1, 0, 1 ], 'B1: each once, the refused not at all');
ok(wait_until(sub { copies_for('alerts@example.org') || $runner->queued('failed') }, 60), 'and the sender is told');
is_deeply([ $server->violations ], [], 'by the rules');
is_deeply([ grep { /^(?:EHLO|HELO)/ } $server->commands ], [], 'by LHLO');
$runner->stop;
done_testing;
