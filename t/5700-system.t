#!/usr/bin/perl
# The queue of a machine: users without any right hand in mail, the runner alone
# knows the secret and sends it, and nobody sees what is another's.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Mime;
use SendoffTest::Runner;

SendoffTest::Runner->namespace;

my $secret = 'the secret of this machine 4711';
my $aliases = "root: somebody\@example.net\n";
my @login = (tls => 'starttls', user => 'alerts@example.org', password => $secret,
	require_login => 1);
my $text = <<'END';
[sendoff]
domain = machine.example.test
log = stderr
retry = 1s 2s

[account alerts]
host = localhost
port = {port}
tls_ca_file = {ca}
user = alerts@example.org
from = alerts@example.org
password_file = {secret}
END

my $server = server_start(@login);
my $runner = runner_start($text, server => $server, secret => "$secret\n", aliases => $aliases);
my $handed = 0;   # how many messages were handed in so far

# Hands one in; it must be stored without a word.
sub hand_in
{
	my ($who, $command, $input, $name) = @_;
	my $r = $runner->as_user($who, $command, stdin => $input);

	is($r->{exit}, 0, "$name: exit 0") or diag($r->{err});
	is($r->{out} . $r->{err}, '', '... and not a word');
	$handed++;
	return $r;
}

# The one message that has come to the server since.
sub arrived
{
	my ($name) = @_;

	ok(wait_until(sub { $server->stored >= $handed }, 15), "$name: delivered") or
		diag($runner->said);
	return ($server->message($handed), $server->envelope($handed));
}

# ---- the usual ones

hand_in('alice', [ 'sendmail', 'root' ], "hi\n", 'alice, sendmail root');
my ($message, $envelope) = arrived('alice');
is_deeply($envelope->{recipients}, [ 'somebody@example.net' ], 'by the alias of root');
is($envelope->{sender}, 'alerts@example.org', 'from the address of the account');
like($envelope->{auth}, qr/^alerts\@example\.org /, 'after logging in');
like($message, qr/^Received: by \S+ \(sendoff\) from local uid 30001; .*\d\d:\d\d:\d\d\s/m,
	'F6: the trace names the uid');
like($message, qr/^From: .*alice\@machine\.example\.test.*<alerts\@example\.org>\r$/m,
	'who wrote it stays visible');
like($message, qr/\r\n\r\nhi\r\n\z/, 'the body');

hand_in(31234, [ 'sendmail', 'root' ], "hi\n", 'nobody that passwd knows, no HOME');
($message) = arrived('uid 31234');
like($message, qr/uid-31234\@machine\.example\.test/, 'its name is its number');
like($message, qr/^Received: .* from local uid 31234; /m, '... in the trace too');

hand_in(61200, [ 'sendmail', '-t' ], "To: root\nSubject: x\n\nhi\n", 'a uid of DynamicUser=');
($message) = arrived('uid 61200');
like($message, qr/^To: root\@machine\.example\.test\r$/m, 'the header is qualified');

# What the server cannot take is written otherwise by the runner, in its own spool.
my $long = ("f\xc3\xbcr " x 400 . "\n") x 700;
hand_in('bob', [ 'sendmail', 'root' ], "Subject: Gr\xc3\xbcn\n\n$long", 'long lines, and many');
($message) = arrived('long lines');
like($message, qr/^Subject: =\?UTF-8\?Q\?Gr=C3=BCn\?=\r$/m, 'an encoded word');
is_deeply([ breaches($message) ], [], 'no line is too long');
ok(said($message)->{content} eq $long, 'A8: it says the same');
is_deeply([ $server->violations ], [], 'all by the rules');

my $r = $runner->as_root([ 'sendmail', 'root' ], stdin => "hi\n");
is($r->{exit}, 0, 'root: exit 0') or diag($r->{err});
$handed++;
($message) = arrived('root');
like($message, qr/^Received: .* from local uid 0; /m, 'handed in like the others\'');

$r = $runner->as_user('alice', [ 'sendmail', 'root' ], stdin => "Subject: x\n\nhi\n",
	env => { USER => 'root', LOGNAME => 'root', NAME => 'Boss', TZ => 'XYZ-9', HOME => '/root' });
is($r->{exit}, 0, 'a forged environment');
$handed++;
($message) = arrived('forged environment');
like($message, qr/^Received: .* from local uid 30001; /m, 'F6: the kernel says who it was');
unlike($message, qr/^From: .*root/m, '... in From as well');

# ---- the runner is locked in

my %all = $runner->processes;
my @roles = values %all;
cmp_ok(scalar @roles, '>=', 2, 'the roles of the runner run');
ok((grep { $_->{command} =~ /^sendoff-accept\0/ } @roles), '... sendoff-accept is one');
is_deeply([ grep { $_->{status} !~ /^CapEff:\t0+$/m || $_->{status} !~ /^NoNewPrivs:\t1$/m } @roles ],
	[], 'F1: all without capabilities, under no_new_privs');
is_deeply([ grep { index($_->{command}, $secret) >= 0 } @roles ], [], 'D9: no secret in argv');

# ---- what others cannot see

$runner->hold;
$server->stop;
$runner->release;
hand_in('alice', [ 'sendmail', 'root' ], "Subject: alice's\n\nonly for alice\n", 'alice, offline');
hand_in('bob', [ 'sendmail', 'root' ], "Subject: bob's\n\nonly for bob\n", 'bob, offline');
ok(wait_until(sub { $runner->queued == 2 }, 5), 'both wait');

my ($alices, $bobs);
$r = $runner->as_user('alice', [ 'mailq' ]);
is($r->{exit}, 0, 'F4: alice\'s mailq') or diag($r->{err});
($alices) = $r->{out} =~ /^(s-\w+)/m;
like($r->{out}, qr/^-- \d+ Kbytes in 1 Request\.$/m, '... shows one message');
unlike($r->{out}, qr/bob/, '... her own');
($bobs) = $runner->as_user('bob', [ 'mailq' ])->{out} =~ /^(s-\w+)/m;
isnt($bobs, $alices, 'bob\'s is another');
like($runner->as_root([ 'mailq' ])->{out}, qr/in 2 Requests\.$/m, 'root sees both');

for my $command ([ 'queue', 'show', '--content', $bobs ], [ 'queue', 'remove', $bobs ],
		[ 'queue', 'hold', $bobs ], [ 'queue', 'retry', $bobs ]) {
	$r = $runner->as_user('alice', [ 'sendoff', @$command ]);
	isnt($r->{exit}, 0, "F4: alice cannot: sendoff queue $command->[1]");
	unlike($r->{out} . $r->{err}, qr/only for bob|bob's/, '... and sees nothing of it');
}
$r = $runner->as_user('alice', [ 'sendoff', 'queue', 'show', '--content', $alices ]);
like($r->{out}, qr/only for alice/, 'her own she can see');
$r = $runner->as_user(31234, [ 'sendoff', 'queue', 'remove', $alices ]);
isnt($r->{exit}, 0, 'nor can somebody whom passwd does not know');
is(scalar $runner->queued, 2, 'all is still there');

for my $path ('/etc/sendoff/config', '/etc/sendoff/password', '/var/spool/sendoff',
		'/var/lib/sendoff') {
	$r = $runner->as_user('alice', [ 'ls', '-d', "$path/." ]);
	isnt($r->{exit}, 0, "$path is closed to alice");
	$r = $runner->as_user('alice', [ 'cat', $path ]);
	isnt($r->{exit}, 0, '... to read as well');
}

$r = $runner->as_user('alice', [ 'sendmail', '-C', '/etc/sendoff/password', '-X', '/run/sendoff/x',
	'-oQ/var/spool/sendoff', 'root' ], stdin => "hi\n");
is($r->{exit}, 0, 'F2: options that name files mean nothing');
$handed++;
$r = $runner->as_user('alice', [ 'sendoff', '-C', '/etc/sendoff/config', 'config', 'show' ]);
unlike($r->{out} . $r->{err}, qr/\Q$secret\E|alerts\@/, 'nor does -C read what she may not');
is($r->{exit}, 78, '... it is an error');

$r = $runner->as_user('alice', [ 'sendoff', 'send', '--no-queue', 'root' ], stdin => "hi\n");
is($r->{exit}, 77, '--no-queue cannot be had from the runner');
is(scalar $runner->queued, 3, '... and stores nothing');

# ---- the server is back, and nobody has to say so

my $first = $server->port;
$server = server_start(@login, port => $first);
$handed = 3;
ok(wait_until(sub { $server->stored >= 3 }, 20), 'what was waiting goes out by itself') or
	diag($runner->said);
is(scalar $runner->queued, 0, 'the queue is empty');
is_deeply([ $server->violations ], [], 'by the rules');
$r = $runner->as_user('alice', [ 'mailq' ]);
is($r->{out}, "Mail queue is empty\n", 'mailq says so');
unlike($runner->said, qr/\Q$secret\E/, 'D9: no secret in the log');

# ---- too large

$runner->configure("[sendoff]\nmax_message = 20K\n" . ($text =~ s/^\[sendoff\]\n//r), server => $server, secret => "$secret\n");
ok(wait_until(sub { $r = $runner->as_user('alice', [ 'sendmail', 'root' ], stdin => 'x' x 70 . "\n" x 30000);
	$handed++ if $r->{exit} == 0; $r->{exit} != 0 }, 10), 'more than max_message');
is($r->{exit}, 65, 'G1: is the message\'s own fault');
like($r->{err}, qr/takes at most 20480 .*\n.*make the message smaller/, 'and says what to do') or diag($r->{err});
$runner->configure($text, server => $server, secret => "$secret\n");
ok(wait_until(sub { $server->stored >= $handed }, 15), 'what was taken is sent');

# ---- no valid configuration: taken all the same

$runner->configure("[account alerts]\nhots = localhost\n", secret => "$secret\n");
$runner->kill;
hand_in('alice', [ 'sendmail', 'root' ], "hi\n", 'with a mistake in the configuration');
ok(wait_until(sub { $runner->queued == 1 }, 5), 'it waits');
ok(wait_until(sub {
	$runner->as_user('alice', [ 'mailq' ])->{out} =~ m{/etc/sendoff/config:2\b} }, 10),
	'mailq names file and line') or diag($runner->as_user('alice', [ 'mailq' ])->{out});
$runner->configure($text, server => $server, secret => "$secret\n");
ok(wait_until(sub { $server->stored >= $handed }, 20), 'it goes out once that is mended') or
	diag($runner->said);

# ---- no runner

$runner->hold;
my $waiting = $runner->start_as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n");
select undef, undef, undef, 0.5;
$runner->release;
is($waiting->finish->{exit}, 0, 'F0: a caller waits while the runner starts anew');
ok(wait_until(sub { !$runner->queued }, 10), '... and it is sent');
$runner->stop;
$r = $runner->as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n", timeout => 30);
is($r->{exit}, 75, 'A2: no runner at all: 75') or diag($r->{err});
like($r->{err}, qr/systemctl start/, '... and how to start it');
cmp_ok($r->{seconds}, '<', 15, '... after 10 seconds');
is(scalar $runner->queued, 0, '... nothing is stored');

done_testing;
