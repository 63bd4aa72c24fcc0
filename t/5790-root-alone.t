#!/usr/bin/perl
# Root where no runner is: what cannot be sent is stored for the runner's user, and
# stays root's all the same.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Runner;

SendoffTest::Runner->namespace;

my $machine = bless {}, 'SendoffTest::Runner';
my $server = server_start(user => 'me', password => 'p', require_login => 1);
my $port = $server->port;
my $account = "host = 127.0.0.1\nport = $port\ntls = off\nallow_clear_password = yes\n" .
	"user = me\npassword_file = {secret}\n";

rmdir '/run/sendoff';
$machine->configure("[sendoff]\ndomain = machine.example.test\ndefault = all\n[account all]\n$account\n" .
	"[account only-root]\n$account", secret => "p\n");
$server->stop;

my $r = $machine->as_root([ 'sendoff', 'send', '-a', 'only-root', 'you@example.net' ], stdin => "hi\n");
is($r->{exit}, 0, 'the server is away: stored') or diag($r->{err});
my ($file) = glob '/var/spool/sendoff/new/*';
ok($file, 'where a runner will look') or BAIL_OUT('nothing is stored');
is((stat $file)[4], $machine->mail_uid, 'F1: as the runner\'s user');
like(file_read($file), qr/^uid 0$/m, 'it is root who handed it in');
like(file_read($file), qr/^login root$/m, 'by name as well');

# ---- with a queue of its own beside it

my $own = file_write('/mnt/own.conf', "[account own]\nhost = 127.0.0.1\nport = $port\ntls = off\n" .
	"allow_clear_password = yes\nuser = me\npassword = p\n", 0600);
$r = $machine->as_root([ 'sendoff', '-C', $own, 'send', 'me@example.net' ], stdin => "hi\n");
is($r->{exit}, 0, 'by a file of root\'s own: stored') or diag($r->{err});
is(scalar($machine->queued), 1, '... elsewhere');
$r = $machine->as_root([ 'mailq' ]);
like($r->{out}, qr/ in 2 Requests\.$/m, 'root sees both queues') or diag($r->{out} . $r->{err});
$r = $machine->as_root([ 'sendoff', '--json', 'queue', 'check' ]);
like($r->{out}, qr/"messages": ?2\b/, '... counts both') or diag($r->{out} . $r->{err});
$r = $machine->as_root([ 'sendoff', '--json', 'queue', 'list' ]);
my @ids = sort $r->{out} =~ /"id": ?"([ps]-[a-z2-7]{12})"/g;
is(join(' ', map { substr $_, 0, 2 } @ids), 'p- s-', '... and tells them apart');
$r = $machine->as_root([ 'sendoff', 'queue', 'show', $ids[1] ]);
like($r->{out}, qr/you\@example\.net/, '... and shows what is in the other');
$r = $machine->as_root([ 'sendoff', 'queue', 'hold', reverse @ids ]);
is($r->{exit}, 0, '... and holds one of each') or diag($r->{err});
is(scalar($machine->queued('hold')), 1, '... in its place');
$r = $machine->as_root([ 'sendoff', 'queue', 'release', '--all' ]);
is($r->{exit}, 0, '... and lets go of all') or diag($r->{err});
is(scalar($machine->queued), 1, '... in its place');

$server = server_start(user => 'me', password => 'p', require_login => 1, port => $port);
$r = $machine->as_root([ 'sendoff', 'queue', 'flush' ]);
is($r->{exit}, 0, 'a flush is of both') or diag($r->{err});
is($server->stored, 2, 'and both are sent, that of the account that is root\'s alone as well');

# One in each queue.
sub store_both
{
	for my $words ([], [ '-C', $own ]) {
		my $r = $machine->as_root([ 'sendoff', @$words, 'send', '--queue', 'you@example.net' ], stdin => "hi\n");
		is($r->{exit}, 0, 'one is stored') or diag($r->{err});
	}
	return $machine->as_root([ 'sendoff', '--json', 'queue', 'list' ])->{out} =~
		/"id": ?"([ps]-[a-z2-7]{12})"/g;
}

store_both();
$r = $machine->as_root([ 'sendmail', '-q' ]);
is($r->{exit}, 0, 'so is sendmail -q') or diag($r->{err});
is($server->stored, 4, 'and both are sent');
@ids = store_both();
$r = $machine->as_root([ 'sendmail', "-qI$ids[1]" ]);
is($server->stored, 5, 'sendmail -qI finds the one of the system') or diag($r->{err});
my @later = store_both();
$r = $machine->as_root([ 'sendoff', 'queue', 'flush', (grep { /^s-/ } @later), $ids[0] ]);
is($r->{exit}, 0, 'and a flush of some') or diag($r->{err});
is($server->stored, 7, 'is of those');

# ---- a mistake in the machine's configuration

my $good = file_read('/etc/sendoff/config');
SendoffTest::Runner::secret_file('/etc/sendoff/config', "$good\nnonsense = 1\n");
$machine->as_root([ 'sendoff', 'queue', 'flush', '--quiet' ]);
my $before = $machine->queued;
$r = $machine->as_root([ 'sendmail', 'you@example.net' ], stdin => "hi\n");
is($r->{exit}, 0, 'with a mistake in the configuration: stored') or diag($r->{err});
is(scalar($machine->queued), $before + 1, 'A6: where whoever has mended it finds it');

# What lies in root's own queue, for whatever reason, takes nobody into the network as root.
SendoffTest::Runner::secret_file('/etc/sendoff/config', $good);
my ($mine) = grep { -d } glob '/mnt/sendoff/home/root/.local/state/sendoff/queue/new';
ok($mine, 'root has a queue of its own') or BAIL_OUT('where is it?');
my ($theirs) = $machine->queued;
system("mv", "/var/spool/sendoff/new/$theirs", $mine) == 0 or die "mv failed\n";
chown 0, 0, "$mine/$theirs";
my $connections = $server->connections;
$r = $machine->as_root([ 'sendoff', 'queue', 'flush', "p-$theirs" ]);
is($r->{exit}, 75, 'F1: root does not carry it') or diag($r->{err});
like($r->{err}, qr/root does not use it from a queue of its own.*start the runner/, '... and says who does');
is($server->connections, $connections, '... nor asks the server');
ok(-e "$mine/$theirs", '... and it is still there');
my $w = start_sendoff([], command => [ $machine->program('sendoff'), 'queue', 'watch' ], cwd => '/',
	timeout => 60);
ok(wait_until(sub { -S '/run/sendoff/smtp.sock' }, 10), 'a runner');
$r = $machine->as_root([ 'sendoff', 'queue', 'flush', "p-$theirs" ]);
is($r->{exit}, 0, '... takes it') or diag($r->{err});
ok(!-e "$mine/$theirs", '... from there');
$w->kill('TERM');
$w->finish;
done_testing;
