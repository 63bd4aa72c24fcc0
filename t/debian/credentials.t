#!/usr/bin/perl
# Credentials of the real systemd, as sendoff-runner(8) has it: handed to the runner's unit, in
# each of the ways that there are, and to nobody else.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Debian;

my @needs = qw(ca-certificates dbus libinih1 libjansson4 libnettle8 systemd);

SendoffTest::Debian->namespace(net => 1, bases => [ [ 'systemd', @needs ] ]);
my $package = (glob build() . '/sendoff_*.deb')[0] // BAIL_OUT('make deb comes first');
my $machine = SendoffTest::Debian->new('systemd', @needs);
plan skip_all => 'systemd cannot be started here' if !$machine->boot;
my $server = server_start(tls => 'starttls', user => 'me', password => 'geheim-77', require_login => 1,
	lifetime => 300);

is($machine->install($package)->{exit}, 0, 'it is installed');
$machine->must('useradd --create-home alice');
$machine->write('/etc/sendoff/ca.pem', file_read(cert('ca')));
$machine->write('/root/mail-password', "geheim-77\n", 0600);
$machine->write('/etc/sendoff/config', <<"END", 0640);
[sendoff]
admin = admin\@example.test
[account mail]
host = localhost
port = @{[ $server->port ]}
user = me
credential = mail
tls_ca_file = /etc/sendoff/ca.pem
from = me\@example.test
END
$machine->must('chgrp sendoff /etc/sendoff/config; systemctl restart sendoff.service');

# --- nothing is granted yet

my $r = $machine->run('echo early | sendmail root', user => 'alice');
is($r->{exit}, 0, 'without a credential mail is taken in');
ok(wait_until(sub { $machine->must('mailq') =~ /CREDENTIALS_DIRECTORY is not set/ }, 30), 'and waits, with the reason') or
	diag($machine->must('mailq; journalctl --no-pager -t sendoff | tail'));
is($server->stored, 0, 'nothing is sent');
$r = $machine->run('sendoff check mail');
is($r->{exit}, 78, 'sendoff check: 78');
like($r->{out} . $r->{err}, qr/systemctl\s+edit\s+sendoff\.service/, 'names the command');
like($r->{out} . $r->{err}, qr/LoadCredential=mail:FILE/, 'and the directive');

# --- each way

$machine->runner_unit('LoadCredential=mail:/root/mail-password');
ok(wait_until(sub { $server->stored >= 1 }, 30), 'LoadCredential=: what waited leaves, since the account has changed') or
	diag($machine->must('mailq; journalctl --no-pager -t sendoff | tail -20'));
$machine->arrives($server, 'LoadCredential=');

my $pid = $machine->must('systemctl show -p MainPID --value sendoff.service') =~ s/\s//gr;
my $place = $machine->must("tr '\\0' '\\n' </proc/$pid/environ | sed -n 's/^CREDENTIALS_DIRECTORY=//p'") =~ s/\n//r;
like($place, qr{^/run/credentials/sendoff\.service$}, 'the directory is that of the unit');
is($machine->run("cat $place/mail", user => 'alice')->{exit}, 1, 'D9: which others cannot read');
is($machine->must("tr '\\0' '\\n' </proc/$pid/environ | grep -c geheim || true"), "0\n", 'D9: nor is it in the environment');

$machine->must('rm /root/mail-password');
$machine->runner_unit('SetCredential=mail:geheim-77');
$machine->arrives($server, 'SetCredential=');

SKIP: {
	my ($command) = file_read(top() . '/man/sendoff-runner.8') =~ /^(systemd-ask-password .*? \\e\n.*?\.cred)$/ms;
	$command =~ s/\\e\n\s*//;
	ok($command =~ s/^systemd-ask-password -n/printf geheim-77/, 'the page tells how to encrypt it') or diag($command);
	my $r = $machine->run("mkdir -p /etc/credstore.encrypted; systemd-creds setup; $command", tells => 1);
	skip 'systemd-creds has no key here: ' . $r->{err}, 3 if $r->{exit} != 0;
	$machine->runner_unit('LoadCredentialEncrypted=mail:/etc/credstore.encrypted/mail.cred');
	is($machine->run('grep -q geheim /etc/credstore.encrypted/mail.cred')->{exit}, 1, 'D9: it is encrypted on the disk');
	$machine->arrives($server, 'LoadCredentialEncrypted=');
}

# --- what a command says, where there is nobody before a terminal

$machine->must("sed -i 's/^credential = .*/password_command = echo gpg-is-locked >\\&2; exit 2/' /etc/sendoff/config");
$r = $machine->run('echo locked | sendmail root', user => 'alice');
is($r->{exit}, 0, 'a password command that fails: the mail is taken') or diag($r->{err});
ok(wait_until(sub { $machine->must('journalctl --no-pager -u sendoff.service') =~ /: gpg-is-locked$/m }, 30),
	'its own words are in the journal') or diag($machine->must('journalctl --no-pager | tail -20; mailq'));
unlike($machine->must('mailq'), qr/gpg-is-locked/, 'D9: and nowhere else');
$machine->must("sed -i 's/^password_command = .*/credential = mail/' /etc/sendoff/config");

# --- tested by hand as the page says

$machine->write('/root/mail-password', "geheim-77\n", 0600);
$r = $machine->run('systemd-run --pipe --wait --quiet --uid=sendoff --property=LoadCredential=mail:/root/mail-password ' .
	'sendoff check mail', timeout => 60);
is($r->{exit}, 0, 'sendoff check within a unit') or diag($r->{out} . $r->{err});
like($r->{out} . $r->{err}, qr/from the systemd credential mail/, 'names the source');

unlike($machine->must('journalctl --no-pager'), qr/geheim-77/, 'D9: it is in no log');
is_deeply([ $server->violations ], [], 'E6: by the rules');
$machine->halt;
done_testing;
