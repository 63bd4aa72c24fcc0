#!/usr/bin/perl
# The runner started by root without a service manager: it makes what is missing,
# becomes its own user, and serves.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Runner;

SendoffTest::Runner->namespace;

my $server = server_start(user => 'me', password => 'p', require_login => 1);
my $machine = bless {}, 'SendoffTest::Runner';
my ($program, $uid) = ($machine->program('sendoff'), $machine->mail_uid);

# It binds its sockets as root: they, and the queue, need not be there.
rmdir $_ for '/run/sendoff', '/var/spool/sendoff';
$machine->configure(<<'END', server => $server, secret => "p\n",
[sendoff]
domain = machine.example.test
log = /var/lib/sendoff/log

[account relay]
host = 127.0.0.1
port = {port}
tls = off
allow_clear_password = yes
user = me
password_file = {secret}
END
	aliases => "root: a\@example.net\n");

sub begin
{
	return start_sendoff([], command => [ $program, 'queue', 'watch' ], cwd => '/root',
		timeout => 60, env => { HOME => '/root', XDG_STATE_HOME => '/root/state' });
}

sub field
{
	my ($pid, $name) = @_;

	return (eval { file_read("/proc/$pid/status") } // '') =~ /^$name:\t(.*)$/m ? $1 : '';
}

my $w = begin();
ok(wait_until(sub { -S '/run/sendoff/control.sock' }, 10), 'it listens');
ok(wait_until(sub { field($w->pid, 'Uid') eq join "\t", ($uid) x 4 }, 5), 'F1: and is root no more');
is(field($w->pid, 'Gid'), join("\t", ($uid) x 4), 'F1: nor in its group');
is(field($w->pid, 'Groups'), "$uid ", 'F1: nor in others');
is(field($w->pid, 'CapPrm'), '0' x 16, 'F1: and has no capabilities');
is(readlink('/proc/' . $w->pid . '/cwd'), '/', 'in no directory of root\'s');
is((stat '/run/sendoff/smtp.sock')[2] & 07777, 0666, 'everybody may come');
is((stat '/var/spool/sendoff')[2] & 07777, 0700, 'nobody may look');
is((stat '/var/spool/sendoff')[4], $uid, 'into its queue');

my $r = $machine->as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n");
is($r->{exit}, 0, 'alice hands in') or diag($r->{err});
ok(wait_until(sub { $server->stored == 1 }, 10), 'and it is sent');
$r = $machine->as_root([ 'sendmail', 'root' ], stdin => "hi\n");
is($r->{exit}, 0, 'root hands in') or diag($r->{err});
ok(wait_until(sub { $server->stored == 2 }, 10), 'and it is sent');

# ---- other aliases

file_write('/etc/aliases.new', "root: other\@example.net\n", 0644);
rename '/etc/aliases.new', '/etc/aliases';
ok(wait_until(sub { file_read('/var/lib/sendoff/log') =~ /runner=config note="read again"/ }, 5),
	'other aliases are noticed');
$r = $machine->as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n");
ok(wait_until(sub { $server->stored == 3 }, 10), 'one more');
is_deeply($server->envelope(3)->{recipients}, ['other@example.net'], 'goes where they say');

# ---- and what they include

file_write('/etc/staff.new', "one\@example.net\n", 0644);
rename '/etc/staff.new', '/etc/staff';
file_write('/etc/aliases.new', "root: other\@example.net\nstaff: :include:/etc/staff\n", 0644);
rename '/etc/aliases.new', '/etc/aliases';
sub read_again { my @all = file_read('/var/lib/sendoff/log') =~ /runner=config note="read again"/g; return scalar @all }
ok(wait_until(sub { read_again() == 2 }, 5), 'they include a file');
sleep 1;
file_write('/etc/staff.new', "two\@example.net\n", 0644);
rename '/etc/staff.new', '/etc/staff';
ok(wait_until(sub { read_again() == 3 }, 5), 'which is another now: that is noticed');
$r = $machine->as_user('alice', [ 'sendmail', 'staff' ], stdin => "hi\n");
ok(wait_until(sub { $server->stored == 4 }, 10), 'one more');
is_deeply($server->envelope(4)->{recipients}, ['two@example.net'], 'goes where it says');

# ---- an operator does not want to wait

my $port = $server->port;
$server->stop;
$r = $machine->as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n");
is($r->{exit}, 0, 'the server is down: stored');
ok(wait_until(sub { file_read('/var/lib/sendoff/log') =~ /cause=connect/ }, 5), 'it is tried');
$server = server_start(port => $port, user => 'me', password => 'p', require_login => 1);
sleep 1;
is($server->stored, 0, 'the account waits');
$r = $machine->as_root([ 'sendoff', 'queue', 'flush' ]);
is($r->{exit}, 0, 'root flushes') or diag($r->{err});
ok(wait_until(sub { $server->stored == 1 }, 5), 'and it goes at once');

# ---- the accepting role is killed

my ($accept) = grep { (eval { file_read("/proc/$_/cmdline") } // '') =~ /^sendoff-accept\0/ &&
	field($_, 'PPid') eq $w->pid } map { m{(\d+)$} } glob '/proc/[0-9]*';
ok($accept, 'there is an accepting role');
kill 'KILL', $accept;
$r = $machine->as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n");
is($r->{exit}, 0, 'F0: killed, it is started again, and callers wait') or diag($r->{err});
ok(wait_until(sub { $server->stored == 2 }, 10), 'and it is sent');
like(file_read('/var/lib/sendoff/log'), qr/runner=accept error="it was ended by signal 9/,
	'it is told');

# ---- a configuration that is not right: mail is taken in all the same

$w->kill('TERM');
is($w->finish->{exit}, 0, 'it ends');
my $good = file_read('/etc/sendoff/config');
SendoffTest::Runner::secret_file('/etc/sendoff/config', "$good\nnonsense = 1\n");
$w = begin();
$r = $machine->as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n");
is($r->{exit}, 0, 'with a configuration that is not right mail is stored') or diag($r->{err});
is(scalar($machine->queued), 1, 'and waits');
SendoffTest::Runner::secret_file('/etc/sendoff/config', $good);
ok(wait_until(sub { $server->stored == 3 }, 10), 'until it is right');

# ---- what is left by one that was killed is no hindrance

$w->kill('KILL');
$w->finish;
ok(-S '/run/sendoff/smtp.sock', 'one that is killed leaves its sockets');
$w = begin();
$r = $machine->as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n");
is($r->{exit}, 0, 'the next one takes their place') or diag($r->{err});
ok(wait_until(sub { $server->stored == 4 }, 10), 'and it is sent');
$r = run_sendoff([], command => [ $program, 'queue', 'watch' ]);
is($r->{exit}, 71, 'another one does not take them from it');
like($r->{err}, qr/cannot listen on \S+: Address already in use/, 'and says so');
$w->kill('TERM');
is($w->finish->{exit}, 0, 'it ends');

# ---- no place where somebody else could put something else

chown $uid, $uid, '/run/sendoff';
$r = begin()->finish;
is($r->{exit}, 71, 'F7: no sockets in a directory of another user\'s');
like($r->{err}, qr{/run/sendoff is no directory that root alone can change.*chown root}s, '... says so, and what to do');
unlink glob '/run/sendoff/*';
rmdir '/run/sendoff';
mkdir '/mnt/elsewhere', 0755;
symlink '/mnt/elsewhere', '/run/sendoff';
is(begin()->finish->{exit}, 71, 'F7: nor behind a link');
is_deeply([ glob '/mnt/elsewhere/*' ], [], '... where nothing is made');

done_testing;
