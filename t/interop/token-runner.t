#!/usr/bin/perl
# The runner of the machine proves itself to the server by a key on a security token, as
# sendoff-runner(8) has it: with the rights of its user and what its unit sets, and nothing else.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Runner;
use SendoffTest::Softhsm;

plan skip_all => SendoffTest::Softhsm::why_not() if SendoffTest::Softhsm::why_not();
my $machine = SendoffTest::Runner->namespace;
my $gid = getgrnam('softhsm');
plan skip_all => 'the places of SoftHSM are not those of Debian' if !$gid || !-e '/etc/softhsm/softhsm2.conf';

my $mail_uid = $machine->mail_uid;
my $lockable = $machine->program('lockable.so');
my $pin = SendoffTest::Softhsm::pin();

# A file of /etc that the runner can read, replaced as an administrator does it.
sub etc_file
{
	my ($path, $text, $mode) = @_;

	file_write("$path.new", $text, $mode // 0640);
	chown 0, $mail_uid, "$path.new";
	rename "$path.new", $path or die "$path: $!\n";
}

# By that key.
sub account_of
{
	my ($key) = @_;

	return <<"END";
[sendoff]
domain = machine.example.test
log = stderr
retry = 1s 1s
[account work]
host = localhost
port = {port}
tls = implicit
tls_ca_file = {ca}
tls_cert = /etc/sendoff/client.pem
tls_key = $key
from = me\@example.com
END
}

sub hand_in
{
	my ($runner, $name) = @_;
	my $r = $runner->as_user('alice', [ 'sendmail', 'a@example.test' ], stdin => "Subject: $name\n\nhi\n");

	is($r->{exit}, 0, "A1: $name: taken in") or diag($r->{err});
}

sub arrived
{
	my ($runner, $server, $count, $name) = @_;

	ok(wait_until(sub { $server->stored >= $count && !$runner->queued('new') }, 30), $name) or diag($runner->said);
	is($server->stored, $count, 'B1: once');
}

# One that waits and was tried, as root is told of it.
sub shown
{
	my ($runner) = @_;
	my @all = map { $runner->as_root([ 'sendoff', 'queue', 'show', $_ ])->{out} } $runner->queued('new');

	return (grep { /^cause /m } @all)[0] // "@all";
}

# Where the runner can reach it.
system('cp', build() . '/t/lockable.so', $lockable) == 0 or BAIL_OUT('make ' . build() . '/t/lockable.so comes first');
etc_file('/etc/sendoff/client.pem', file_read(cert('client')), 0644);
etc_file('/etc/sendoff/pin', "$pin\n");

my $server = server_start(tls => 'implicit', client_ca => 1, lifetime => 300);

subtest 'where Debian has the tokens' => sub {
	# As its package makes them.
	for my $path ('/var/lib/softhsm', '/var/lib/softhsm/tokens') {
		mkdir $path or die "$path: $!\n";
		chown 0, $gid, $path;
		chmod 02770, $path;
	}
	SendoffTest::Softhsm->start;
	my $runner = runner_start(account_of(SendoffTest::Softhsm->uri('ec', 'pin-source=/etc/sendoff/pin')), server => $server);

	hand_in($runner, 'a token of root');
	ok(wait_until(sub { $runner->log =~ /cause=pkcs11-missing/ }, 20), 'what its user may not read is not there') or
		diag($runner->said);
	like(shown($runner), qr/no token that is there has what the URI names.*^next step .* run by that user/ms, 'told, with the next step');
	like($runner->as_root([ 'sendoff', 'check' ])->{out}, qr/uid \d+ \(sendoff\).*\(pkcs11-missing\)/s, 'root checks by the rights of the runner');
	is($server->stored, 0, 'nothing was sent');

	file_write('/etc/group', file_read('/etc/group') =~ s/^(softhsm:[^:]*:\d+:).*/$1sendoff/mr, 0644);
	system('chown -R sendoff: /var/lib/softhsm/tokens/*') == 0 or die 'chown';
	$runner->kill('TERM');
	arrived($runner, $server, 1, 'with its group, and the token its own, it goes');
	ok(grep(/client certificate of me\@example\.com/, $server->tls), 'and the server saw who');

	# SoftHSM writes down that a PIN was wrong, where it may.
	etc_file('/etc/sendoff/pin', "another-4711\n");
	hand_in($runner, 'by a wrong PIN');
	ok(wait_until(sub { $runner->log =~ /cause=pkcs11-trouble/ }, 20), 'a wrong PIN') or diag($runner->said);
	like(shown($runner), qr/the token failed when it was given the PIN/, 'told as what can be known');
	etc_file('/etc/sendoff/pin', "$pin\n");
	arrived($runner, $server, 2, 'by the right one it goes');
	unlike($runner->said, qr/4711/, 'D9: the PIN is in no log');
	$runner->stop;
};

# Where its user may write: SoftHSM wants to, when a PIN is wrong.
my $dir = '/var/lib/sendoff/softhsm';

subtest 'a configuration of SoftHSM for this alone' => sub {
	my $hsm = SendoffTest::Softhsm->start($dir, user => 'sendoff');
	my $key = $hsm->uri('ec', 'module-path=' . $hsm->module, 'pin-source=/etc/sendoff/pin');
	my $runner = runner_start(account_of($key), server => $server, environment => [ "SOFTHSM2_CONF=$dir/conf" ]);

	hand_in($runner, 'by a variable of the unit');
	arrived($runner, $server, 3, 'it is sent');

	# What the runner may not read is told as such.
	chown 0, 0, '/etc/sendoff/pin';
	hand_in($runner, 'a PIN of root alone');
	ok(wait_until(sub { $runner->log =~ m{reply="[^"]*/etc/sendoff/pin} }, 20), 'a PIN that only root may read') or diag($runner->said);
	like(shown($runner), qr{Permission denied.*^next step }ms, 'told, with the next step');
	etc_file('/etc/sendoff/pin', "$pin\n");
	arrived($runner, $server, 4, 'and mended');
	$runner->stop;
};

# A token that locks itself behind three wrong PINs; what it has got.
my $tries = '/var/lib/sendoff/tries';

sub lockable_runner
{
	my (@environment) = @_;
	my $key = SendoffTest::Softhsm->uri('ec', "module-path=$lockable", 'pin-source=/etc/sendoff/pin');

	unlink $tries;
	etc_file('/etc/sendoff/pin', "another-4711\n");
	return runner_start(account_of($key), server => $server, environment => [ "SOFTHSM2_CONF=$dir/conf",
		'LOCKABLE_MODULE=' . SendoffTest::Softhsm->module, "LOCKABLE_LOG=$tries", @environment ]);
}

sub tries { return -e $tries ? file_read($tries) : '' }

# Several times as long as it would be until the next try.
sub patience { select undef, undef, undef, 4 }

subtest 'a wrong PIN, of a token that does not tell how many tries are left' => sub {
	my $runner = lockable_runner('LOCKABLE_MUTE=1');

	hand_in($runner, 'by a wrong PIN');
	ok(wait_until(sub { $runner->log =~ /cause=pkcs11-pin/ }, 20), 'it is refused') or diag($runner->said);
	hand_in($runner, 'another one');
	patience();
	is(tries(), 'w', 'C9: it is not tried again, whatever waits');
	is(scalar(() = $runner->queued('new')), 2, 'A1: the mail is kept');
	my $told = shown($runner);
	like($told, qr/^parked for +\S.*the token refuses the PIN$/m, 'the account is parked');
	like($told, qr/^next try +when the cause is mended/m, '... for as long as that takes');
	like($told, qr/^cause +the security token does not take the PIN \(pkcs11-pin\)$/m, 'the cause');
	like($told, qr/^next step +check what pin-source .*sendoff queue flush$/m, 'the next step');
	like($runner->as_user('alice', [ 'mailq' ])->{out}, qr/the token refuses the PIN/, 'whose mail it is is told');
	unlike($told . $runner->said, qr/4711/, 'D9: nobody is told the PIN');

	$runner->as_root([ 'sendoff', 'queue', 'flush' ]);
	ok(wait_until(sub { tries() eq 'ww' }, 20), 'an operator may try it') or diag(tries());
	$runner->as_root([ 'sendoff', 'queue', 'flush' ]);
	$runner->kill('TERM');
	patience();
	is(tries(), 'ww', 'once a minute; nor is it tried because the runner starts anew');

	etc_file('/etc/sendoff/pin', "$pin\n");
	arrived($runner, $server, 6, 'with the right PIN it goes');
	like(tries(), qr/^wwr+$/, 'and the token was never locked');
	$runner->stop;
};

subtest 'a wrong PIN, of a token that tells' => sub {
	my $runner = lockable_runner();

	hand_in($runner, 'by a wrong PIN again');
	ok(wait_until(sub { tries() eq 'w' }, 20), 'it is tried');
	ok(wait_until(sub { $runner->log =~ /cause=pkcs11-pin/ }, 20), 'and refused');
	etc_file('/etc/sendoff/pin', "yet-another-4711\n");
	ok(wait_until(sub { tries() eq 'ww' }, 20), 'another one is tried at once') or diag(tries());
	etc_file('/etc/sendoff/pin', "wrong-too-4711\n");
	ok(wait_until(sub { $runner->log =~ /cause=pkcs11-locked/ }, 20), 'not the third one') or diag($runner->said);
	patience();
	is(tries(), 'ww', 'however often it is looked at');
	like(shown($runner), qr/only one try is left.*^next step +log in to it by hand/ms, 'told, with the next step');

	# Somebody logs in by hand.
	etc_file('/etc/sendoff/pin', "$pin\n");
	SendoffTest::file_write($tries, tries() . 'r', 0600);
	chown $mail_uid, $mail_uid, $tries;
	arrived($runner, $server, 7, 'with that done it goes');
	$runner->stop;
};

done_testing;
