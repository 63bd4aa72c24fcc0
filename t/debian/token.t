#!/usr/bin/perl
# A client's key on a token of SoftHSM, set up by the commands of sendoff-runner(8), for the
# unit as it is installed: what the real systemd keeps from it is not in its way.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Debian;

my @needs = qw(ca-certificates gnutls-bin libinih1 libjansson4 libnettle8 openssl softhsm2 systemd);

SendoffTest::Debian->namespace(net => 1, bases => [ [ 'softhsm', @needs ] ]);
my $package = (glob build() . '/sendoff_*.deb')[0] // BAIL_OUT('make deb comes first');
my $machine = SendoffTest::Debian->new('softhsm', @needs);
plan skip_all => 'systemd cannot be started here' if !$machine->boot;
my $server = server_start(tls => 'implicit', client_ca => 1, lifetime => 300);
my $pin = 'pin-4711';

# What mailq says in the end, while a wrong PIN is set.
sub refused
{
	my ($words, $name) = @_;
	my $before = $server->stored;

	$machine->must('echo wrong-4711 >/etc/sendoff/pin');
	is($machine->run('echo hi | sendmail root', user => 'alice')->{exit}, 0, "$name: taken in");
	ok(wait_until(sub { $machine->must('mailq') =~ $words }, 30), "$name: mailq says why") or diag($machine->must('mailq'));
	$machine->must("echo $pin >/etc/sendoff/pin");
	ok(wait_until(sub { $server->stored > $before }, 30), "$name: with the right one it goes") or diag($machine->must('mailq'));
	return;
}

is($machine->install($package)->{exit}, 0, 'it is installed');
$machine->must('useradd --create-home alice');
$machine->write('/etc/sendoff/ca.pem', file_read(cert('ca')));
$machine->write('/etc/sendoff/client.pem', file_read(cert('client')));
$machine->write('/tmp/client.key', file_read(cert('client', 'key')));
$machine->write('/etc/sendoff/pin', "$pin\n", 0640);
$machine->write('/etc/sendoff/config', <<"END", 0640);
[sendoff]
admin = admin\@example.test
retry = 1s 2s
[account mail]
host = localhost
port = @{[ $server->port ]}
tls = implicit
tls_ca_file = /etc/sendoff/ca.pem
tls_cert = /etc/sendoff/client.pem
tls_key = pkcs11:token=mail;object=ec;type=private?pin-source=/etc/sendoff/pin
from = me\@example.com
END
$machine->must('chgrp sendoff /etc/sendoff/config /etc/sendoff/pin');

# --- a place of its own

my $as_sendoff = 'runuser -u sendoff -- env SOFTHSM2_CONF=/etc/sendoff/softhsm2.conf';
$machine->must('install -d -o sendoff -g sendoff -m 700 /var/lib/sendoff/softhsm');
$machine->must('echo directories.tokendir = /var/lib/sendoff/softhsm >/etc/sendoff/softhsm2.conf');
$machine->must("$as_sendoff softhsm2-util --init-token --free --label mail --so-pin 12345678 --pin $pin");
$machine->must('openssl pkcs8 -topk8 -nocrypt -in /tmp/client.key -out /tmp/client.p8; chmod 644 /tmp/client.p8');
$machine->must("$as_sendoff softhsm2-util --import /tmp/client.p8 --token mail --label ec --id 01 --pin $pin");
$machine->runner_unit('Environment=SOFTHSM2_CONF=/etc/sendoff/softhsm2.conf');
$machine->arrives($server, 'a place of its own');
refused(qr/the token refuses the PIN/, 'a wrong PIN');
my $r = $machine->run('SOFTHSM2_CONF=/etc/sendoff/softhsm2.conf sendoff check');
is($r->{exit}, 0, 'root checks it by hand') or diag($r->{out});
is($machine->run('sendoff check')->{exit}, 78, '... not without the variable');

# --- Debian's

$machine->must('mv /var/lib/sendoff/softhsm/* /var/lib/softhsm/tokens; adduser sendoff softhsm');
$machine->runner_unit('');
$machine->arrives($server, 'by the group of Debian');
refused(qr/the token failed when it was given the PIN/, 'a wrong PIN that cannot be noted');
$machine->runner_unit('ReadWritePaths=/var/lib/softhsm/tokens');
refused(qr/the token refuses the PIN/, 'a wrong PIN that can be noted');
unlike($machine->must('journalctl --no-pager'), qr/4711/, 'D9: no PIN is in the journal');

$machine->halt;
done_testing;
