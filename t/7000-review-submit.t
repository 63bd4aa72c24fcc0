#!/usr/bin/perl
# One message on its way: what happens around the dialogue, where a connection
# does not come about, a signal comes at a bad moment, or a caller is slow.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Time::HiRes qw(sleep time);

use SendoffTest;
use SendoffTest::Send;

# A port where nobody listens.
sub closed_port
{
	my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "socket: $@\n";

	return $socket->sockport;
}

# ---- a connection that does not come about

{
	my $port = closed_port();
	my $r = send_mail(config(account_text(host => '127.0.0.1', port => $port)));

	is($r->{exit}, 75, 'G1: nobody listens: 75');
	is($r->{err}, "sendoff: cannot connect to 127.0.0.1: 127.0.0.1 port $port: connection refused "
		. "(127.0.0.1:$port)\n  check that this machine is online, and host and port\n",
		'... told in whole words');
	$r = send_mail(config(account_text(host => '[not-an-address]', port => $port)));
	is($r->{exit}, 68, 'G1: a host that is none: 68');
	like($r->{err}, qr/\Asendoff: cannot use \[not-an-address\]: what stands in brackets is not /,
		'... told in whole words');
}

done_testing;
