#!/usr/bin/perl
# A watcher sends what waits: without being told, once, and no longer than it
# runs.
use strict;
use warnings;

use Fcntl qw(F_GETLK F_UNLCK F_WRLCK);
use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Send;
use Socket;
use Time::HiRes qw(sleep time);

# A configuration whose port can be served later, and quick to try again.
my $server = server_start();
my $port = $server->port;
my %quick = (log => '{dir}/log', retry => '1s 2s');

sub configure
{
	my (%keys) = @_;

	my %global = (%quick, %{ delete $keys{global} // {} });
	return account($server, %keys, global => \%global);
}

sub store
{
	my ($config, $n, @options) = @_;

	return send_mail($config, ['send', @options, 'you@example.net'],
		stdin => letter("mail $n\n", 'Message-ID' => "<$n\@example.test>"));
}

sub watcher
{
	my ($config, %o) = @_;

	return start_sendoff(['-C', $config, 'queue', 'watch'], timeout => 60, %o);
}

# Whether some process holds the watcher's lock.
sub is_watched
{
	open(my $lock, '+<', queue_dir() . '/lock') or return 0;
	my $question = pack 's s x4 q q i x4', F_WRLCK, 0, 0, 0, 0;

	fcntl($lock, F_GETLK, $question) or die "fcntl: $!\n";
	return (unpack 's', $question)[0] != F_UNLCK;
}

sub children
{
	my ($pid) = @_;
	my @found;

	for my $stat (glob '/proc/[0-9]*/stat') {
		open(my $in, '<', $stat) or next;
		push @found, $1 if (<$in> // '') =~ /^(\d+) \(.*\) \S (\d+)/ && $2 == $pid;
	}
	return @found;
}

sub ends_well
{
	my ($w, $what) = @_;

	my $from = time;
	$w->kill('TERM');
	my $r = $w->finish;
	is($r->{exit}, 0, "$what: SIGTERM ends it with 0");
	is($r->{err} . $r->{out}, '', "$what: and it has said nothing");
	cmp_ok(time - $from, '<', 5, "$what: at once");
}

my $config = configure();

# ---- the server is down, and comes back

$server->stop;
for my $n (1 .. 5) {
	my $r = store($config, $n);
	is($r->{exit}, 0, "A1: message $n is stored");
}
is(scalar(queued()), 5, 'A1: five wait');
my $w = watcher($config);
ok(wait_until(sub { is_watched() }, 5), 'the watcher has its lock');
sleep 1.5;
is(scalar(queued()), 5, 'nothing is lost meanwhile');
$server = server_start(port => $port);
ok(wait_until(sub { !queued() }, 15), 'when the server is back they go without being told');
is_deeply([sort $server->ids], [map { "<$_\@example.test>" } 1 .. 5], 'B1: each once');
is_deeply([$server->violations], [], 'by the rules');

# ---- new mail

my $from = time;
is(store($config, 6, '--queue')->{exit}, 0, 'one that is only queued');
ok(wait_until(sub { $server->stored == 6 }, 5), 'is sent');
cmp_ok(time - $from, '<', 3, 'at once: the kernel tells');
ok(wait_until(sub { !queued() }, 5), 'and is gone');

# ---- another watcher

my $r = run_sendoff(['-C', $config, 'queue', 'watch']);
is($r->{exit}, 75, 'a second watcher does not begin');
like($r->{err}, qr/^sendoff: another watcher is at work on this queue \(\S+\)\n/, 'and says why');
ends_well($w, 'idle');

# ---- a temporary refusal, and a person who does not want to wait

my $slow = configure(final_timeout => '20s', global => { retry => '1h 2h' });
$server->stop;
$server = server_start(port => $port, at => ['RCPT:1 reply "451 4.3.0 later"']);
$w = watcher($slow);
is(store($slow, 7, '--queue')->{exit}, 0, 'one that is refused for now');
ok(wait_until(sub { grep { /^RCPT/ } map { $_->{text} } $server->journal }, 5), 'is tried');
sleep 1;
is(scalar(queued()), 1, 'and waits');
my ($id) = map { m{([^/]+)$} } queued();
is(run_sendoff(['-C', $slow, 'queue', 'retry', $id])->{exit}, 0, 'made due by hand');
ok(wait_until(sub { !queued() }, 5), 'it goes at once');
is($server->stored, 1, 'once');

# ---- one that is ended while it delivers

$server->stop;
$server = server_start(port => $port, at => ['CONTENT:1 delay 1500']);
is(store($slow, 8, '--queue')->{exit}, 0, 'one in the middle of its content');
ok(wait_until(sub { grep { $_->{kind} eq 'C' && $_->{text} =~ /^DATA/ } $server->journal }, 5),
	'is being sent');
my @before = children($w->pid);
is(scalar(@before), 1, 'by a child');
$w->kill('TERM');
$r = $w->finish;
is($r->{exit}, 0, 'SIGTERM ends it');
is(scalar(grep { kill 0, $_ } @before), 0, 'with its child');
ok(!is_watched(), 'and the lock is free');
is($server->stored, 1, 'B2: what was on its way was waited for');
is(scalar(queued()), 0, '... and is done with');

# ---- the second time it is not waited for

$server->stop;
$server = server_start(port => $port, at => ['CONTENT:1 silence']);
is(store($slow, 8, '--queue')->{exit}, 0, 'one whose content is not answered');
my $flush = start_sendoff(['-C', $slow, 'queue', 'flush']);
ok(wait_until(sub { grep { $_->{kind} eq 'C' && $_->{text} =~ /^DATA/ } $server->journal }, 5),
	'is being sent');
sleep 0.5;
$flush->kill('TERM');
sleep 0.5;
ok(kill(0, $flush->pid), 'SIGTERM: it waits');
$from = time;
$flush->kill('TERM');
$flush->finish;
cmp_ok(time - $from, '<', 2, 'SIGTERM again: it does not');
like(file_read((glob(queue_dir() . '/control/*'))[0]), qr/^recipient 1 waiting \d+ unsure/m,
	'B2: and it is noted that a second copy may come of it');

# ---- killed, nothing is left behind that delivers

$server->stop;
queue_empty();
$server = server_start(port => $port, at => ['CONTENT:1 delay 1500']);
$w = watcher($slow);
is(store($slow, 9, '--queue')->{exit}, 0, 'another one');
ok(wait_until(sub { grep { $_ eq 'DATA' } $server->commands }, 5), 'is being sent');
sleep 0.3;
@before = children($w->pid);
$w->kill('KILL');
$w->finish;
ok(wait_until(sub { !grep { kill 0, $_ } @before }, 5), 'a child does not outlive its watcher');
ok(wait_until(sub { $server->stored == 1 }, 5), '... but for what it had begun');
ok(wait_until(sub { !queued() }, 5), '... and noted');

# ---- a configuration that breaks, and is mended

queue_empty();
$server->stop;
$server = server_start(port => $port);
my $good = file_read($config);
$w = watcher($config);
ok(wait_until(sub { is_watched() }, 5), 'a watcher');
file_write("$config.new", "$good\nnonsense = 1\n");
rename "$config.new", $config;
ok(wait_until(sub { file_read(workdir() . '/log') =~ /runner=config .*\Q$config\E:\d+/ }, 5),
	'a configuration that breaks is told, with its line');
$r = run_sendoff(['-C', $slow, 'send', '--queue', 'you@example.net'], stdin => letter());
is($r->{exit}, 0, 'mail is stored all the same');
ok(wait_until(sub { $server->stored == 1 }, 5), 'and goes by what was right before');
file_write("$config.new", $good);
rename "$config.new", $config;
ok(wait_until(sub { file_read(workdir() . '/log') =~ /runner=config .*read again/ }, 5), 'mended: nobody has to tell');
is(store($slow, 10, '--queue')->{exit}, 0, 'one more');
ok(wait_until(sub { $server->stored == 2 }, 5), 'goes as well');
ends_well($w, 'after that');

# ---- the kernel does not tell

my @blind = ('unshare', '-Ur', 'sh', '-c',
	'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"', 'sh');
SKIP: {
	skip 'no user namespace to be had', 6 if system("@blind[0 .. 3] '$blind[4]' sh true 2>/dev/null");
	my $stored = $server->stored;
	$w = start_sendoff([], timeout => 60, command => [@blind, SendoffTest::Run::program('sendoff'),
		'-C', $config, 'queue', 'watch', '--interval', '1s']);
	ok(wait_until(sub { is_watched() }, 5), 'without inotify it watches all the same');
	like(file_read(workdir() . '/log'), qr/runner=watch error="the kernel does not tell what comes/,
		'and says so');
	sleep 1.2;
	is(store($config, 10, '--queue')->{exit}, 0, 'one comes');
	ok(wait_until(sub { $server->stored == $stored + 1 }, 5), 'the timer sees it');
	$w->kill('TERM');
	is($w->finish->{exit}, 0, 'it ends');
	is(() = file_read(workdir() . '/log') =~ /does not tell/g, 1, 'it has said so once');
}

# ---- none at all

$r = run_sendoff(['queue', 'watch'], env => { SENDOFF_CONFIG => workdir() . '/none' });
is($r->{exit}, 78, 'without a configuration it does not begin');
like($r->{err}, qr/none/, 'and says which is missing');

# ---- SIGHUP and the service manager

socket(my $manager, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!\n";
bind($manager, pack_sockaddr_un(workdir() . '/notify')) or die "bind: $!\n";
my $notified = sub {
	my ($want) = @_;
	return wait_until(sub {
		my $text;
		recv($manager, $text, 500, MSG_DONTWAIT);
		return defined $text && $text =~ /^$want/;
	}, 5);
};
$w = watcher($config, env => { NOTIFY_SOCKET => workdir() . '/notify', WATCHDOG_USEC => 200000 });
ok($notified->('READY=1'), 'the service manager is told that it is ready');
ok($notified->('WATCHDOG=1'), 'and that it is alive');
$w->kill('HUP');
ok($notified->('RELOADING=1\nMONOTONIC_USEC=\d+'), 'SIGHUP: it reads the configuration again');
ok($notified->('READY=1'), 'and is ready again');
$w->kill('TERM');
ok($notified->('STOPPING=1'), 'and that it ends');
is($w->finish->{exit}, 0, 'with 0');

done_testing;
