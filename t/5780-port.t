#!/usr/bin/perl
# The machine's runner with loopback ports: opened, handed over, changed while it
# runs, in use by others; and what becomes of the mail that comes there.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use SendoffTest;
use SendoffTest::Runner;
use Time::HiRes qw(sleep time);

SendoffTest::Runner->namespace;

sub free_port
{
	my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "listen: $@\n";

	return ($socket->sockport, $socket);
}

my ($first, $kept1) = free_port();
my ($second, $kept2) = free_port();
my ($third, $kept3) = free_port();
close $_ for $kept1, $kept2, $kept3;

sub connected
{
	my ($port) = @_;

	return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 5);
}

# Replies to these lines, said one by one.
sub say_to
{
	my ($port, @lines) = @_;
	my $s = connected($port) or return 'no connection';
	local $SIG{ALRM} = sub { die "no answer\n" };
	my @replies;

	alarm 15;
	while (defined(my $reply = <$s>)) {
		next if $reply =~ /^\d{3}-/;
		push @replies, $reply =~ s/\r\n\z//r;
		last if !@lines;
		print {$s} shift @lines;
	}
	alarm 0;
	return wantarray ? @replies : $replies[-1];
}

sub mail
{
	my ($port, $to, $from) = @_;

	return say_to($port, "EHLO app\r\n", 'MAIL FROM:<' . ($from // 'app@example.org') . ">\r\n", "RCPT TO:<$to>\r\n",
		"DATA\r\n", "Subject: x\r\n\r\nbody\r\n.\r\n");
}

my $server = server_start(user => 'me', password => 'p', require_login => 1, lifetime => 300,
	at => [ 'RCPT:1+=no@example.net reply "550 5.1.1 unknown here"' ]);
my $accounts = <<'END';
[account work]
host = 127.0.0.1
port = {port}
tls = off
allow_clear_password = yes
user = me
password_file = {secret}
from = work@example.com
users = alice
match = vip@example.org
[account usual]
host = 127.0.0.1
port = {port}
tls = off
allow_clear_password = yes
user = me
password_file = {secret}
from = usual@example.com
END
sub text { return "[sendoff]\ndomain = machine.example.test\ndefault = usual\nadmin = admin\@example.net\nlog = stderr\n$_[0]\n$accounts" }

my $runner = runner_start(text("listen = 127.0.0.1:$first"), server => $server, secret => "p\n");

# ---- what comes there

like(mail($first, 'dave@example.net'), qr/^250 2\.0\.0 stored as s-/, 'mail is taken');
ok(wait_until(sub { $server->stored == 1 }, 15), '... and sent') or diag($runner->said);
is($server->envelope(1)->{sender}, 'usual@example.com', 'by the default account, in its name');
my $message = $server->message(1);
like($message, qr/^Received: by \S+ \(sendoff\) from loopback port $first; /m, 'F6: where it came in');
like($message, qr/^X-Original-From: app\@example\.org\r$/m, 'who it was is kept');
like(mail($first, 'dave@example.net', 'vip@example.org'), qr/^250 /, 'a sender that would choose another account');
ok(wait_until(sub { $server->stored == 2 }, 15), '... is sent') or diag($runner->said);
is($server->envelope(2)->{sender}, 'usual@example.com', '... which is not for nobody: by the default one');
like(mail($first, 'root@machine.example.test'), qr/^250 /, 'a name of this machine');
ok(wait_until(sub { $server->stored == 3 }, 15), '... is sent');
is_deeply($server->envelope(3)->{recipients}, [ 'root@machine.example.test' ], 'a domain that is not declared local is not');
like(mail($first, 'no@example.net'), qr/^250 /, 'one that will be refused');
ok(wait_until(sub { $server->stored == 4 }, 15), 'G2: a report comes of it') or diag($runner->said);
is_deeply($server->envelope(4)->{recipients}, [ 'app@example.org' ], '... to the sender that was named');
like($runner->log, qr/runner=accept.* loopback_port=$first\b/, 'F4: the log has the port') or diag($runner->log);

# Bare names, foreign words.
is((say_to($first, "EHLO x\r\n", "MAIL FROM:<root>\r\n"))[-1] =~ /^553/ ? 1 : 0, 1, 'no bare names');
like(say_to($first, "GET / HTTP/1.1\r\n"), qr/^554 /, 'F3: no web pages');

my ($accept) = $runner->roles('sendoff-accept');
my $status = file_read("/proc/$accept/status");
like($status, qr/^Seccomp:\t2$/m, 'it is shut in all the same');

# A session of a user's own goes to the same queue, in that user's name.
my $session = $runner->as_user('alice', [ 'sendmail', '-bs' ], stdin => "EHLO x\r\nMAIL FROM:<alice>\r\nRCPT TO:<root>\r\n" .
	"DATA\r\nSubject: by -bs\r\n\r\nx\r\n.\r\nMAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nDATA\r\nSubject: two\r\n\r\nx\r\n.\r\nQUIT\r\n");
my @stored = $session->{out} =~ /^250 2\.0\.0 stored as s-[a-z2-7]{12}\r$/mg;
is(scalar(@stored), 2, '-bs: handed over') or diag($session->{out} . $session->{err});
ok(wait_until(sub { $server->stored == 6 }, 15), '... and sent') or diag($runner->said);
my ($by_bs) = grep { $server->message($_) =~ /^Subject: by -bs\r$/m } 5 .. 6;
like($server->message($by_bs), qr/^Received: by \S+ \(sendoff\) from local uid 30001; /m, '... as alice\'s');
is_deeply($server->envelope($by_bs)->{recipients}, [ 'admin@example.net' ], '... bare names by the machine\'s aliases');

# ---- changed while it runs

my $held = connected($first);
<$held>;
$runner->configure(text("listen = 127.0.0.1:$second, 127.0.0.1:$third"), server => $server);
ok(wait_until(sub { (mail($second, 'dave@example.net') // '') =~ /^250 / }, 10), 'another port, from the next look on') or diag($runner->said);
like(mail($third, 'dave@example.net'), qr/^250 /, '... two, even');
is(connected($first), undef, 'the old one is closed');
like(scalar(<$held>) // '', qr/^421 /, 'who was there is told');
unlike($runner->log, qr/it ended with|was ended by/, 'that is no failure');
is($runner->starts, 1, 'the supervisor went on');
like($runner->as_user('alice', [ 'sendmail', '-v', 'dave@example.net' ], stdin => "hi\n")->{err}, qr/stored as s-/, 'users are served as before');
$runner->configure(text(''), server => $server);
ok(wait_until(sub { !connected($second) && !connected($third) }, 10), 'none any more');

# ---- in use

my $other = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => $first, ReuseAddr => 1) or die "listen: $@\n";
$runner->configure(text("listen = 127.0.0.1:$first, 127.0.0.1:$second"), server => $server);
ok(wait_until(sub { (mail($second, 'dave@example.net') // '') =~ /^250 / }, 10), 'one of two can be had');
like($runner->log, qr/cannot listen on port $first: Address already in use/, '... why the other cannot, says the log');

SKIP: {
	skip 'everybody may listen on port 1 here', 1
		if file_read('/proc/sys/net/ipv4/ip_unprivileged_port_start') <= 1;
	$runner->configure(text("listen = 127.0.0.1:1, 127.0.0.1:$second"), server => $server);
	ok(wait_until(sub { $runner->log =~ /cannot listen on port 1: .*let systemd open it/ }, 10),
		'a port of root\'s: what to do');
}

# ---- not right

$runner->configure(text('listen = 0.0.0.0:2525'), server => $server);
ok(wait_until(sub { $runner->log =~ /\/etc\/sendoff\/config:\d+: '0\.0\.0\.0:2525' can be reached by other machines/ }, 10),
	'an address that others can reach: refused, with file and line') or diag($runner->log);
like(mail($second, 'dave@example.net'), qr/^250 /, 'what was right before stays');
close $other;
$runner->stop;

# ---- handed over by the service manager

$runner = runner_start(text("listen = 127.0.0.1:$first"), server => $server, listen => [ "127.0.0.1:$first", "127.0.0.1:$third" ]);
like(mail($first, 'dave@example.net'), qr/^250 /, 'a port that was handed over');
my $quiet = connected($third);
$quiet->blocking(0) if $quiet;
sleep 0.5;
ok(!defined sysread($quiet, my $nothing, 100), 'one that the configuration does not name is not served');
close $quiet;
my $before = $runner->starts;
$runner->hold;
my $waiting = connected($first);
ok($waiting, 'it stays while the runner does not');
$runner->release;
like(scalar(<$waiting>) // '', qr/^220 /, '... and then greets');
close $waiting;
kill 'KILL', $runner->roles('sendoff-accept');
ok(wait_until(sub { (mail($first, 'dave@example.net') // '') =~ /^250 / }, 10), 'F0: the accepting role killed: it comes again');
$runner->stop;

# ---- a runner of one's own

my $mine = config("[sendoff]\nlisten = 127.0.0.1:$first\n[account a]\nhost = h\n");
my $r = run_sendoff([ '-C', $mine, 'queue', 'watch' ]);
is($r->{exit}, 78, 'a watcher of one\'s own has no port');
like($r->{err}, qr/^sendoff: listen is for the machine's runner.*\n  .*sendmail -bs/, '... and says what to do');

done_testing;
