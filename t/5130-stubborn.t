#!/usr/bin/perl
# One message, whatever is the matter with it, neither stops the others nor goes
# out once more than it must.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Send;
use SendoffTest::Spool;

my $number = 0;

# An empty queue; mail of ours has a number as its Message-ID.
sub fresh
{
	system 'rm', '-rf', queue_dir();
	system 'mkdir', '-p', queue_dir();
}

sub id { return "<$_[0]\@example.test>" }

sub put
{
	my ($name, %o) = @_;
	my $body = delete $o{body} // "text\n";

	spool_put(queue_dir(), $name x 12,
		content => wire(letter($body, 'Message-ID' => id($name))), %o);
}

sub flush
{
	my ($config, @words) = @_;

	return run_sendoff(['-C', $config, 'queue', 'flush', @words]);
}

# ---- a moment that no clock will show (XHOLD, or by hand)

{
	my $server = server_start();
	my $config = account($server);

	fresh();
	put('a', not_before => '9223372036854775807');
	put('b', not_before => '253402300799');
	put('c');
	my $watcher = start_sendoff(['-C', $config, 'queue', 'watch'], timeout => 30);
	ok(wait_until(sub { $server->stored == 1 }, 10), 'F5 a message for never stops nobody else\'s');
	is_deeply($server->copies, { id('c') => { 'you@example.net' => 1 } }, 'and does not go itself');
	$watcher->kill('TERM');
	is($watcher->finish->{exit}, 0, 'the watcher ends well');
	is_deeply([spool_ids(queue_dir(), 'new')], ['a' x 12, 'b' x 12], 'both wait');
}

done_testing;
