#!/usr/bin/perl
# Mistakes in a configuration are found when it is read, and no error shows a
# value that may be a secret in the wrong place.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
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

# A file that is there and may not be read is no mistake in it.
my $somebody = 61234;

sub as_somebody
{
	my ($place, @args) = @_;
	my %o = (cwd => '/', stdin => "x\n", env => { HOME => "$place/home" },
		before => sub { POSIX::setgid($somebody); $) = "$somebody $somebody"; POSIX::setuid($somebody) });

	return map { run_sendoff([], %o, command => [ "$place/sendoff", @args, @$_ ]) }
		[ 'send', '--no-queue', 'you@example.net' ], [ '--json', 'check' ];
}

subtest 'a file that may not be read' => sub {
	plan skip_all => 'needs root' if $>;
	my $place = workdir() . '/place';
	my $own = "$place/home/.config/sendoff/config";

	chmod 0711, workdir();
	for my $dir ($place, map { "$place/$_" } 'home', 'home/.config', 'home/.config/sendoff', 'locked') {
		mkdir $dir;
		chown $somebody, $somebody, $dir if $dir =~ /home/;
		chmod $dir =~ /locked/ ? 0700 : 0755, $dir;
	}
	system('cp', SendoffTest::Run::program('sendoff'), "$place/sendoff") == 0 or die "cp failed\n";
	chmod 0755, "$place/sendoff";
	file_write($_, "[account a]\nhost = 127.0.0.1\n", 0600) for "$place/config", $own, "$place/locked/config";
	for my $row (['named', "$place/config", qr/which belongs to root and has mode 0600/, qr/chown.*chgrp.*by root/, '-C', "$place/config"],
			['of her own', $own, qr/which belongs to root and has mode 0600/, qr/chown.*chgrp.*by root/],
			['of her own, by its mode', $own, qr/has mode 0000/, qr/it is yours: run chmod 0600 \Q$own\E/],
			['behind a directory', "$place/locked/config", qr/Permission denied/, qr/a directory above it/, '-C', "$place/locked/config"]) {
		my ($name, $path, $why, $next, @args) = @$row;

		if ($name =~ /mode/) {
			chown $somebody, $somebody, $own;
			chmod 0, $own;
		}
		my ($text, $json) = as_somebody($place, @args);
		is($_->{exit}, 78, "G1: $name: exit 78") for $text, $json;
		like($text->{err}, qr/^sendoff: cannot open '\Q$path\E'.*$why.*\n  .*$next/, '... whose it is, and what to do');
		like($json->{out}, qr/"cause": ?"config-denied"/, '... its cause') or diag($json->{out});
	}
	unlink $own;
	my ($text) = as_somebody($place);
	like($text->{err}, qr/no configuration was found/, 'no file at all is another matter');
};

done_testing;
