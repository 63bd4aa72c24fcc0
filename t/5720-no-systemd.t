#!/usr/bin/perl
# A machine without systemd: root starts the runner, which makes its sockets and
# becomes user sendoff; and one without a runner at all, where root sends by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Runner;

my $machine = SendoffTest::Runner->namespace;
my $server = server_start;
my %root = (cwd => '/', env => { HOME => '/mnt/sendoff/home/root', USER => 'root' });
my $stored = 0;

$machine->configure(<<'END', server => $server, aliases => "root: somebody\@example.net\n");
[sendoff]
domain = machine.example.test
log = none
retry = 100ms 100ms

[account relay]
host = 127.0.0.1
port = {port}
tls = off
END

sub hand_in
{
	my ($name) = @_;
	my $r = $machine->as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n");

	is($r->{exit}, 0, $name) or diag($r->{err});
	$stored++;
	ok(wait_until(sub { $server->stored >= $stored }, 10), '... which delivers it');
}

# The process that the others are children of.
sub supervisor
{
	my %all = $machine->processes;
	my @first = grep { !$all{ $all{$_}{parent} } } keys %all;

	return @first == 1 ? $first[0] : 'not one but ' . @first;
}

# --- in the foreground, from nothing

system('rm', '-rf', '/run/sendoff', '/var/spool/sendoff');
my $runner = start_sendoff([], %root, command => [ $machine->program('sendmail'), '-bD' ],
	timeout => 60);
ok(wait_until(sub { -S '/run/sendoff/control.sock' }, 10), 'sendmail -bD makes the sockets');
ok(wait_until(sub { my %all = $machine->processes; keys %all >= 2 }, 10), '... and becomes user sendoff');
is_deeply([ map { sprintf '%04o %d', (stat)[2] & 07777, (stat)[4] } '/run/sendoff',
	'/run/sendoff/smtp.sock', '/run/sendoff/control.sock', '/var/spool/sendoff' ],
	[ '0755 0', '0666 0', '0666 0', '0700 ' . $machine->mail_uid ], 'F1: modes and owners');
hand_in('alice hands in');
$runner->kill('TERM');
is($runner->finish(timeout => 20)->{exit}, 0, 'SIGTERM ends it');
ok(wait_until(sub { my %all = $machine->processes; !%all }, 5), '... and all of it');

# --- in the background, as a start script does

my $r = run_sendoff([], %root, command => [ $machine->program('sendmail'), '-bd', '-q10m' ]);
is($r->{exit}, 0, 'sendmail -bd comes back') or diag($r->{err});
is($r->{out} . $r->{err}, '', '... without a word');
hand_in('... when it is there');
my $first = supervisor();
$r = run_sendoff([], %root, command => [ $machine->program('sendmail'), '-bd' ]);
isnt($r->{exit}, 0, 'a second one does not start');
ok(wait_until(sub { supervisor() eq $first }, 5), '... and the first one stays');
hand_in('alice still can');
kill 'TERM', $first;
ok(wait_until(sub { my %all = $machine->processes; !%all }, 15), 'SIGTERM ends it');

# --- no runner: whoever can read the configuration sends

system('rm', '-rf', '/run/sendoff');
$r = $machine->as_root([ 'sendmail', 'root' ], stdin => "hi\n");
is($r->{exit}, 0, 'root in a container sends by itself') or diag($r->{err});
is($server->stored, ++$stored, '... at once');
is_deeply($server->envelope($stored)->{recipients}, [ 'somebody@example.net' ], '... by the aliases');
is_deeply([ $server->violations ], [], 'by the rules');
my $port = $server->port;
$server->stop;
$r = $machine->as_root([ 'sendmail', 'root' ], stdin => "hi\n");
is($r->{exit}, 0, 'what cannot be sent is stored');
$r = $machine->as_root([ 'mailq' ]);
like($r->{out}, qr/in 1 Request\.$/m, '... and mailq shows it') or diag($r->{err});
$server = server_start(port => $port);
sleep 1;
$r = $machine->as_root([ 'sendmail', '-q' ]);
is($r->{out} . $r->{err}, '', '... sendmail -q is silent');
is($server->stored, 1, '... and sends it');
$r = $machine->as_root([ 'mailq' ]);
is($r->{out}, "Mail queue is empty\n", '... and that was it');

done_testing;
