#!/usr/bin/perl
# Mistakes in a configuration are found when it is read, and no error shows a
# value that may be a secret in the wrong place.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;

sub check
{
	my (%keys) = @_;

	return run_sendoff(['-C', config(account_text(%keys, host => 'mail.test', port => 25)), 'config', 'check']);
}

for my $domain ('example.test*', 'a..b', '@example.test', '.') {
	my $r = check(global => { domain => $domain });

	is($r->{exit}, 78, "G1: domain = $domain");
	like($r->{err}, qr/:3: domain is not the name of a domain\n/, '... names file, line and key');
}
is(check(global => { domain => $_ })->{exit}, 0, "domain = $_")
	for 'example.test', 'localhost', "b\xc3\xbccher.test", '[192.0.2.1]', 'my_host.test';

# Ports for everybody on this machine, and for nobody else.
for my $case (['0.0.0.0:2525', qr/can be reached by other machines/], ['192.0.2.1:25', qr/can be reached by other machines/],
		['127.0.0.1:2525, [::]:2525', qr/'\[::\]:2525' can be reached/], ['localhost:2525', qr/is not an address with a port/],
		['127.0.0.1', qr/is not an address with a port/], ['127.0.0.1:0', qr/is not an address with a port/],
		[join(', ', map { "127.0.0.1:$_" } 1 .. 9), qr/names more than 8 ports/]) {
	my ($ports, $words) = @$case;
	my $r = check(global => { listen => $ports });

	is($r->{exit}, 78, "G1: listen = $ports");
	like($r->{err}, qr/:4: .*$words/, '... names file, line and why');
}
is(check(global => { listen => $_ })->{exit}, 0, "listen = $_") for '127.0.0.1:2525', '[::1]:25, 127.0.0.2:25';
mkdir workdir() . "/home/$_" for '.config', '.config/sendoff';
file_write(workdir() . '/home/.config/sendoff/config', "[sendoff]\nlisten = 127.0.0.1:2525\n[account a]\nhost = h\n");
like(run_sendoff(['config', 'check'])->{err}, qr/config:2: listen is for the machine's runner only\n  move it into/,
	'a personal file has no port');
unlink workdir() . '/home/.config/sendoff/config';

for my $ehlo ('<x>', 'x>y', 'a"b', 'a..b') {
	my $r = check(ehlo => $ehlo);

	is($r->{exit}, 78, "G1: ehlo = $ehlo");
	like($r->{err}, qr/account 'test': ehlo is neither/, '... names account and key');
}
my $server = server_start();
is(send_mail(account($server, ehlo => "b\xc3\xbccher.test"))->{exit}, 0, 'ehlo with an international name');
is(($server->commands)[0], 'EHLO xn--bcher-kva.test', '... is ASCII on the wire');

# Some take auth for the place of the password.
my $r = check(auth => 'hunter2-and-more');
is($r->{exit}, 78, 'a password as auth');
unlike($r->{err} . $r->{out}, qr/hunter2/, 'D9: is not shown');
like(check(auth => 'plian')->{err}, qr/did you mean PLAIN\?/, 'a slip is');

# A domain in letters of its language completes headers in ASCII, or they would
# be 8-bit content that nobody announced.
{
	my $r = run_sendoff(['-C', config("[sendoff]\ndomain = b\xc3\xbccher.example\nlog = none\n[account a]\nhost = h\n"),
		'send', '--no-queue', '--dry-run', 'root'], stdin => "To: root\n\nx\n");

	is($r->{exit}, 0, 'a domain that is not ASCII') or diag($r->{err});
	like($r->{out}, qr/^recipient: <root\@xn--bcher-kva\.example>$/m, 'in the envelope');
	like($r->{out}, qr/^To: root\@xn--bcher-kva\.example$/m, 'in the header');
	unlike($r->{out}, qr/[^\x00-\x7f]/, 'nothing but ASCII, the Message-ID included');
}

done_testing;
