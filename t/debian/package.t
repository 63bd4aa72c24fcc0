#!/usr/bin/perl
# The Debian package on a bare Debian, which has no systemd: apt puts it in with what it
# needs, four lines of configuration send mail, and what is there afterwards is what was
# there before.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Debian;

SendoffTest::Debian->namespace;
my $package = (glob build() . '/sendoff_*.deb')[0] // BAIL_OUT('make deb comes first');
my $machine = SendoffTest::Debian->new('package');
my $server = server_start;
my $stored = 0;

sub arrives
{
	my ($name) = @_;

	$stored++;
	ok(wait_until(sub { $server->stored >= $stored }, 15), $name);
	is($server->stored, $stored, '... once');
}

# Files, directories and links below the directories that packages write to, users and
# groups; without what apt, dpkg and libraries keep for themselves.
sub inventory
{
	my %seen = map { $_ => 1 } split /\n/, $machine->must(
		'find /etc /usr /var /run /lib* /bin /sbin -xdev -printf "%p %M %u:%g %l\n"');
	my @passing = qr{^/(?:etc/ld\.so\.cache|etc/(?:passwd|group|shadow|gshadow|subuid|subgid)-?
		|var/(?:cache|log|lib/(?:apt|dpkg|systemd/deb-systemd))|run)(?:[/ ]|$)}x;

	for my $passing (@passing) {
		delete @seen{ grep { /$passing/ } keys %seen };
	}
	return \%seen;
}

sub added
{
	my ($before, $after) = @_;
	return [ map { (split ' ')[0] } sort grep { !$before->{$_} } keys %$after ];
}

# --- what it is

my $fields = `dpkg-deb -f $package`;
like($fields, qr/^$_: mail-transport-agent$/m, "$_ mail-transport-agent")
	for qw(Provides Conflicts Replaces);
like($fields, qr/^Depends:.*\b$_\b/m, "$_ is depended on") for qw(libgnutls30 libidn2-0 libinih1 libc6);
my $listed = `dpkg-deb -c $package`;
unlike($listed, qr/^.[rwx-]*[sStT]/m, 'F1: nothing is set-uid, set-gid or sticky');
unlike($listed, qr/^(?!l).{8}w/m, 'F1: nothing is writable by all');
unlike($listed, qr{ \./(?:etc/sendoff|var|run|usr/local)/}, 'no configuration, no queue in it');

# --- in, beside another mail server

my $purge = 'apt-get -q -y purge sendoff bsd-mailx nullmailer; apt-get -q -y autoremove --purge';
my $r = $machine->install('nullmailer');
is($r->{exit}, 0, 'another mail server is there') or diag($r->{out} . $r->{err});
$machine->must($purge, timeout => 60);
my $before = inventory();
$machine->install('nullmailer');
$r = $machine->install($package, 'bsd-mailx');
is($r->{exit}, 0, 'apt installs the package') or diag($r->{out} . $r->{err});
unlike($machine->must('dpkg -l'), qr/^ii +nullmailer/m, '... instead of the other');
my %installed = map { $_ => 1 } $machine->must('dpkg -L sendoff') =~ /^(.*)$/mg;
ok($installed{$_} || -l $machine->path($_), "$_ is there") for qw(/usr/sbin/sendmail /usr/lib/sendmail
	/usr/bin/mailq /usr/bin/newaliases /usr/share/man/man8/sendmail.8.gz /usr/share/man/man1/mailq.1.gz
	/usr/share/man/man1/newaliases.1.gz /usr/lib/sysusers.d/sendoff.conf
	/usr/lib/systemd/system/sendoff.service /usr/share/doc/sendoff/copyright
	/usr/share/doc/sendoff/changelog.Debian.gz);
is($machine->must('getent passwd sendoff | cut -d: -f5-'),
	"sendoff mail submission:/var/spool/sendoff:/usr/sbin/nologin\n", 'the user, as systemd would make it');
is($machine->must('stat -c "%n %a %U:%G" /etc/sendoff /var/spool/sendoff /var/lib/sendoff'),
	"/etc/sendoff 750 root:sendoff\n/var/spool/sendoff 700 sendoff:sendoff\n" .
	"/var/lib/sendoff 700 sendoff:sendoff\n", 'F1: the directories');
is($machine->must('ls -A /etc/sendoff'), '', 'the configuration is left to the administrator');
is($machine->must('newaliases'), '', 'newaliases has nothing to do');
like($machine->must('dpkg --verify sendoff; echo done'), qr/\Adone\n\z/, 'what is there is what was packed');

# --- four lines

my $config = sub {
	my ($port) = @_;
	$machine->write('/etc/sendoff/config',
		"[account relay]\nhost = 127.0.0.1\nport = $port\ntls = off\n", 0640);
	$machine->must('chgrp sendoff /etc/sendoff/config');
};
$config->($server->port);
is($machine->run('echo test | mail -s hello root')->{exit}, 0, 'root sends by mail(1), without a runner');
arrives('... and it arrives');
like($server->message(1), qr/^Subject: hello\r$/m, '... with its subject');

# --- a runner as cron.example starts it, and an upgrade while it sends

$machine->must('useradd --create-home alice');
$machine->must('sendmail -bd');
is($machine->run('echo test | mail -s hello root', user => 'alice')->{exit}, 0, 'alice hands in');
arrives('... and it arrives');

sub runner
{
	return $machine->run('for p in /proc/[0-9]*; do tr "\0" " " <$p/cmdline 2>/dev/null |
		grep -q ^sendoff-accept && sed -n "s/^PPid:.//p" $p/status; done')->{out};
}
my $first = runner();
like($first, qr/^\d+\n\z/, 'one runner');
my $slow = server_start(at => ['CONTENT delay 300']);
$config->($slow->port);
my $r1 = $machine->run('for i in $(seq 20); do echo "test $i" | mail -s "hello $i" root || exit 1; done',
	user => 'alice', timeout => 60);
is($r1->{exit}, 0, 'twenty messages');
ok(wait_until(sub { $slow->stored >= 2 }, 20), '... are being sent');
$r = $machine->install($package);
is($r->{exit}, 0, 'an upgrade meanwhile') or diag($r->{out} . $r->{err});
cmp_ok($slow->stored, '<', 20, '... really meanwhile');
ok(wait_until(sub { my $now = runner(); $now =~ /^\d+\n\z/ && $now ne $first }, 10),
	'the runner was started again');
ok(wait_until(sub { $slow->stored >= 20 }, 60), 'A: nothing is lost');
my $copies = $slow->copies;
is(keys %$copies, 20, '... of the twenty');
is_deeply([ grep { $_ != 1 } map { values %$_ } values %$copies ], [], 'B: nothing came twice');
is_deeply([ $slow->violations, $server->violations ], [], 'E6: by the rules');

# --- out, in again, and out for good

$config->(1);
is($machine->run('echo later | mail -s later root', user => 'alice')->{exit}, 0, 'one that has to wait');
$r = $machine->run('apt-get -q -y remove sendoff bsd-mailx', timeout => 60);
is($r->{exit}, 0, 'it is removed') or diag($r->{err});
like($r->{out} . $r->{err}, qr/^sendoff: messages that wait in .*: 1\. /m, '... and says what waits');
is(runner(), '', 'no runner is left');
ok(!-e $machine->path('/usr/sbin/sendmail'), 'no sendmail either');
ok(-e $machine->path($_), "$_ is kept") for qw(/etc/sendoff/config /var/spool/sendoff /var/lib/sendoff);
$r = $machine->install($package, 'bsd-mailx');
is($r->{exit}, 0, 'it comes back') or diag($r->{out} . $r->{err});
$config->($server->port);
$machine->must('sendmail -bd; sendmail -q');
arrives('what waited arrives');
$r = $machine->run($purge, timeout => 60);
is($r->{exit}, 0, 'it is purged') or diag($r->{out} . $r->{err});
ok(!-e $machine->path($_), "$_ is gone") for qw(/etc/sendoff /var/spool/sendoff /var/lib/sendoff);
is(runner(), '', 'no runner is left');
$machine->run('userdel --remove alice');
is_deeply(added($before, inventory()), [], 'nothing else is left behind');
is($machine->must('getent passwd sendoff | cut -d: -f7'), "/usr/sbin/nologin\n",
	'but the user, who cannot log in');
done_testing;
