#!/usr/bin/perl
# What this process or machine lacks for the moment is not the fault of a file
# or a secret: 71, the same may be sent again.

use strict;
use warnings;

use FindBin;
use POSIX ();
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;

# Runs it by a shell that takes the limit back first.
sub send_limited
{
	my ($limit, $config, %o) = @_;
	my $binary = $ENV{SENDOFF} // build() . '/sendoff';

	# A leak checker needs what is taken away here.
	return run_sendoff([], stdin => letter(), env => { ASAN_OPTIONS => 'detect_leaks=0' }, %o,
		command => ['/bin/bash', '-c', 'ulimit "$1" "$2" && exec "$3" -C "$4" send you@example.net', 'sh', @$limit,
			$binary, $config]);
}

my $server = server_start();
my $r = send_limited(['-n', 4], account($server));
is($r->{exit}, 71, 'G1: no descriptor left for the configuration') or diag($r->{err});
like($r->{err}, qr/Too many open files/, 'told');
is($server->stored, 0, 'A2: nobody got it');

SKIP: {
	skip 'only root can become a user without processes', 3 if $>;
	my $config = account($server, user => 'me@example.test', password_command => 'echo x',
		allow_clear_password => 'yes');

	chmod 0755, workdir();
	chmod 0644, $config;
	$r = send_limited(['-u', 0], $config, before => sub { POSIX::setgid(61234); POSIX::setuid(61234) });
	is($r->{exit}, 71, 'G1: no process to be had for the password command') or diag($r->{err});
	like($r->{err}, qr/password_command: cannot run/, 'told');
	is($server->stored, 0, 'A2: nobody got it');
}

done_testing;
