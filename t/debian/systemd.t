#!/usr/bin/perl
# The Debian package where systemd runs, the real one: the units as they are installed
# send mail, an upgrade under load fails nobody, and what the administrator has decided
# stays.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Debian;

my @needs = qw(ca-certificates libinih1 libjansson4 libnettle8 systemd);
my @units = qw(sendoff-control.socket sendoff-smtp.socket sendoff.service);

SendoffTest::Debian->namespace(net => 1, bases => [ [ 'systemd', @needs ] ]);
my $package = (glob build() . '/sendoff_*.deb')[0] // BAIL_OUT('make deb comes first');
my $machine = SendoffTest::Debian->new('systemd', @needs);
plan skip_all => 'systemd cannot be started here' if !$machine->boot;
my $server = server_start(tls => 'starttls', user => 'me', password => 'geheim', require_login => 1,
	lifetime => 300);

sub states
{
	my ($verb) = @_;
	return join ' ', split /\n/, $machine->run("systemctl $verb @units")->{out};
}

# --- in

my $r = $machine->install($package);
is($r->{exit}, 0, 'it is installed') or diag($r->{out} . $r->{err});
is(states('is-enabled'), 'enabled enabled enabled', 'enabled');
is(states('is-active'), 'active active active', 'started');
is($machine->must('systemctl show -p User -p NoNewPrivileges -p ProtectSystem sendoff.service'),
	"User=sendoff\nProtectSystem=strict\nNoNewPrivileges=yes\n", 'F1: locked in');
is($machine->must('stat -c "%n %a %U:%G" /etc/sendoff /var/spool/sendoff /var/lib/sendoff /run/sendoff ' .
	'/run/sendoff/smtp.sock /run/sendoff/control.sock'), <<'END', 'F1: the directories and sockets');
/etc/sendoff 750 root:sendoff
/var/spool/sendoff 700 sendoff:sendoff
/var/lib/sendoff 700 sendoff:sendoff
/run/sendoff 755 root:root
/run/sendoff/smtp.sock 666 root:root
/run/sendoff/control.sock 666 root:root
END

# --- it sends, once it knows where

$machine->must('useradd --create-home alice');
$r = $machine->run('echo early | sendmail root', user => 'alice');
is($r->{exit}, 0, 'what comes before the configuration is taken') or diag($r->{err});
like($machine->must('mailq'), qr/^s-\w+/m, '... and waits');
$machine->write('/etc/sendoff/ca.pem', file_read(cert('ca')));
$machine->write('/etc/sendoff/password', "geheim\n", 0640);
$machine->write('/etc/sendoff/config', <<"END", 0640);
[sendoff]
admin = admin\@example.test
[account mail]
host = localhost
port = @{[ $server->port ]}
user = me
password_file = /etc/sendoff/password
tls_ca_file = /etc/sendoff/ca.pem
from = me\@example.test
END
$machine->must('chgrp sendoff /etc/sendoff/config /etc/sendoff/password');
ok(wait_until(sub { $server->stored >= 1 }, 15), '... until there is one') or
	diag($machine->must('mailq; journalctl --no-pager -t sendoff'));
like($server->envelope(1)->{recipients}[0], qr/^root@/, '... to whom it was taken in for');
$r = $machine->run('echo test | sendmail root', user => 'alice');
is($r->{exit}, 0, 'alice hands in');
ok(wait_until(sub { $server->stored >= 2 }, 15), '... which arrives');
is_deeply($server->envelope(2)->{recipients}, [ 'admin@example.test' ], '... where admin says');
unlike($machine->must('journalctl --no-pager'), qr/geheim/, 'D9: the password is in no log');

# --- an upgrade, while callers call and the runner sends

my $before = $machine->must('systemctl show -p MainPID --value sendoff.service');
my $slow = server_start(tls => 'starttls', user => 'me', password => 'geheim', at => ['CONTENT delay 100'],
	lifetime => 300);
$machine->must("sed -i 's/^port = .*/port = @{[ $slow->port ]}/' /etc/sendoff/config");
my $callers = $machine->start('for i in $(seq 100); do echo "mail $i" | sendmail root || exit 1; done',
	user => 'alice', timeout => 120);
ok(wait_until(sub { $slow->stored >= 3 }, 20), 'mail is being taken and sent');
$r = $machine->install($package);
is($r->{exit}, 0, 'an upgrade meanwhile') or diag($r->{out} . $r->{err});
my $sent = $slow->stored;
$r = $callers->finish;
is($r->{exit}, 0, 'A: none of the callers failed') or diag($r->{err});
is($r->{err}, '', '... or heard of it');
cmp_ok($sent, '<', 100, 'it was really meanwhile');
isnt($machine->must('systemctl show -p MainPID --value sendoff.service'), $before, 'the runner is a new one');
ok(wait_until(sub { $slow->stored >= 100 }, 60), 'A: nothing is lost');
my $copies = $slow->copies;
is(keys %$copies, 100, '... of the hundred');
is_deeply([ grep { $_ != 1 } map { values %$_ } values %$copies ], [], 'B: nothing came twice');
is_deeply([ $slow->violations, $server->violations ], [], 'E6: by the rules');

# --- what the administrator has decided

$machine->must('systemctl disable --now sendoff.service sendoff-smtp.socket sendoff-control.socket 2>&1');
is($machine->install($package)->{exit}, 0, 'an upgrade of what was disabled');
is(states('is-enabled'), 'disabled disabled disabled', '... enables nothing');
is(states('is-active'), 'inactive inactive inactive', '... and starts nothing');
$machine->must('systemctl enable --now sendoff.service 2>&1');
is(states('is-active'), 'active active active', 'enabled again');

# --- a machine that starts

$machine->halt;
ok($machine->boot, 'the machine starts again');
is(states('is-active'), 'active active active', '... and all is there');
$r = $machine->run('echo again | sendmail root', user => 'alice');
is($r->{exit}, 0, '... and takes mail');
ok(wait_until(sub { $slow->stored >= 101 }, 15), '... and sends it');

# --- out

$r = $machine->run('apt-get -q -y remove sendoff', timeout => 60);
is($r->{exit}, 0, 'it is removed') or diag($r->{out} . $r->{err});
is($machine->run('systemctl list-units --all --no-legend "sendoff*"')->{out} =~ s/.*not-found.*\n//gr, '',
	'no unit of it is left');
is($machine->run('ps -u sendoff -o pid= 2>/dev/null; ls /run/sendoff 2>/dev/null')->{out}, '',
	'nor process, nor socket');
$r = $machine->run('apt-get -q -y purge sendoff', timeout => 60);
is($r->{exit}, 0, 'it is purged');
is($machine->must('find /etc /var/lib /var/spool /usr/lib/systemd -name "*sendoff*" ! -path "*/dpkg/*" ' .
	'! -path "*/apt/*"'), '', 'no file of it is left');
done_testing;
