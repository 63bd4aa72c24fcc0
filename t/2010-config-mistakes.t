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
