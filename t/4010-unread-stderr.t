#!/usr/bin/perl
# A caller that reads stderr only when sendoff has ended: the pipe fills up, and
# neither the mail nor the exit code may wait for it.

use strict;
use warnings;

use FindBin;
use POSIX ();
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;

my @many = map { "somebody-with-a-name-$_\@example.net" } 1 .. 1500;

# Runs it with a stderr that is full after 64 kB, and reads it afterwards.
sub send_unread
{
	my ($server, @args) = @_;
	my $config = account($server, max_recipients => 2000);

	pipe(my $read, my $write) or die "pipe: $!\n";
	my $run = start_sendoff(['-C', $config, @args, 'send', '--no-queue', @many], stdin => letter(),
		before => sub { POSIX::dup2(fileno $write, 2) });
	close $write;
	my $r = $run->finish;
	$read->blocking(0);
	sysread $read, $r->{err}, 1 << 20;
	return $r;
}

my $server = server_start();
my $r = send_unread($server, '-v');
ok(!$r->{timed_out}, 'C1: a transcript that nobody reads does not hold up the session');
is($r->{exit}, 0, 'G1: the mail is sent');
is($server->stored, 1, 'B1: once');
like($r->{err}, qr/^\* .*\n< 220 /, 'what fits was told');

$server = server_start(at => ['RCPT reply "550 5.1.1 there is no such mailbox here"']);
$r = send_unread($server);
ok(!$r->{timed_out}, 'C1: refusals that nobody reads do not hold up the end');
is($r->{exit}, 67, 'G1: the exit code arrives');
like($r->{err}, qr/^sendoff: recipient somebody-with-a-name-1\@/, 'what fits was told');

done_testing;
