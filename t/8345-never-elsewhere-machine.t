#!/usr/bin/perl
# Never the machine's secret to another host than its account's: personal files of the same
# names, the environment of callers and of the runner, and names that mean somebody else.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Never;
use SendoffTest::Runner;
use SendoffTest::Send;

my $machine = SendoffTest::Runner->namespace;
my $base = '/mnt/sendoff';
my %me = (user => $user, password => $secret, tls => 'implicit');
my $right = server_start(%me, require_login => 1, mood => 1);
my $bait = server_start(%me, raw => 1);
my $system = <<'END';
[sendoff]
domain = machine.example.test
default = work

[account work]
host = localhost
port = {port}
tls = implicit
tls_ca_file = {ca}
user = me@example.test
password_file = {secret}
END
my %bait = (SENDOFF_HOST => 'localhost', SENDOFF_PORT => $bait->port, SENDOFF_TLS => 'implicit', SENDOFF_USER => $user);
my $there = 'host = localhost
port = ' . $bait->port . "
tls = implicit
user = $user
";

sub kept
{
	my ($name) = @_;

	is_deeply([secrets_in(received($bait))], [], "D9 $name: the other server has nothing of the machine's");
	is($bait->stored, 0, "$name: nor mail");
}

# ---- root, who may read both files, and sends directly where there is no runner

$machine->configure($system, server => $right, secret => $secret);
rmdir '/run/sendoff' or die "/run/sendoff: $!\n";
my $own = "$base/home/root/.config/sendoff/config";
mkdir $_, 0700 for "$base/home/root/.config", "$base/home/root/.config/sendoff";

my %files = (
	'none' => ['', {}, 1],
	'the same account at another host' => ["[account work]\n$there", {}, 0],
	'the same account, and its password' => ["[account work]\n${there}password_file = /etc/sendoff/no-such-password\n", {}, 0],
	'the host alone' => ["[account work]\nhost = localhost\nport = " . $bait->port . "\n", {}, 0],
	'defaults for all accounts' => ["[defaults]\n${there}auth = none\n\n[account mine]\nfrom = a\@b.test\n", {}, 1],
	'another account as the default' => ["[sendoff]\ndefault = mine\n[account mine]\n$there", {}, 0],
	'no file, and the environment' => ['', { %bait }, 0],
	'a file, and the environment' => ["[account work]\n$there", { %bait }, 0],
	'no file, and a password of one\'s own' => ['', { %bait, SENDOFF_PASSWORD => 'not-the-one-of-the-machine' }, 0],
);
for my $name (sort keys %files) {
	my ($text, $env, $good) = @{ $files{$name} };
	my $before = $right->stored;

	length $text ? file_write($own, $text) : unlink $own;
	my $r = $machine->as_root(['sendoff', 'send', '--no-queue', 'you@example.net'], stdin => letter(), env => $env);
	is($right->stored - $before, $good, "$name: " . ($good ? 'the machine\'s account sends it' : 'the machine\'s account is out of it')) or diag($r->{err});
	$machine->as_root(['sendoff', 'check', '--json', '--all', '--timeout', 8], env => $env);
	kept($name);
}
unlink $own;

# ---- the runner, whoever calls it, and whatever it was started with

mkdir '/run/sendoff', 0755;
{
	local @ENV{keys %bait} = values %bait;
	my $runner = runner_start($system, server => $right, secret => $secret, aliases => "root: a\@example.net\n");
	my $alice = "$base/home/alice/.config/sendoff";
	my $before = $right->stored;

	is($runner->as_user('alice', ['sendmail', 'you@example.net'], stdin => letter())->{exit}, 0, 'alice, with nothing of her own');
	ok(wait_until(sub { $right->stored == $before + 1 }, 20), 'by the machine\'s account') or diag($runner->said);
	$runner->as_user('alice', ['sendmail', 'you@example.net'], stdin => letter(), env => { %bait });
	mkdir $_, 0700 for "$base/home/alice/.config", $alice;
	file_write("$alice/config", "[account work]\n$there");
	chown $runner->uid_of('alice'), -1, "$base/home/alice/.config", $alice, "$alice/config";
	$runner->as_user('alice', ['sendoff', @$_, 'you@example.net'], stdin => letter()) for ['send', '--no-queue'], ['-a', 'work', 'send', '--no-queue'],
		['-a', 'system', 'send'];
	kept('alice');

	# What the runner answers of a reason in which the server repeats the password.
	unlink "$alice/config";
	$right->mood(qq(RCPT reply "450 4.2.0 no such thing as ) . ($secret =~ s/"/\\"/gr) . ' or ' . b64($secret) . '"');
	is($runner->as_user('alice', ['sendmail', 'you@example.net'], stdin => letter())->{exit}, 0, 'alice: one that waits');
	my $ids = sub { $runner->as_user('alice', ['sendoff', '--json', 'queue', 'list'])->{out} };
	ok(wait_until(sub { $ids->() =~ /no such thing as \*+ or \*+/ }, 20), 'D9: she is told why, without it') or diag($ids->());
	my ($id) = $ids->() =~ /"(s-\w+)"/;
	for my $args (['queue', 'list'], ['queue', 'show', $id], ['--json', 'queue', 'show', $id], ['config', 'show'], ['send', '--explain', 'you@example.net']) {
		ok(safe($runner->as_user('alice', ['sendoff', @$args])), "alice, @$args");
		ok(safe($runner->as_root(['sendoff', @$args])), "root, @$args");
	}
	ok(safe($runner->as_user('alice', ['mailq'])), 'alice, mailq');
	is_deeply([grep { !/^\Q$user\E / } $right->logins], [], 'nobody else logs in');
	$runner->stop;
}

# ---- names that lead to somebody else

system('rm', '-rf', '/run/sendoff');
file_write('/etc/hosts', "127.0.0.1 localhost mail.example.test mailhub\n", 0644);
file_write('/etc/nsswitch.conf', "hosts: files\n", 0644);
for my $case (['mail.example.test', 'server', {}], ['mailhub', 'server', {}], ['mailhub', 'wildcard', { LOCALDOMAIN => 'example.test' }],
	['mailhub', 'server', { HOSTALIASES => file_write("$base/aliases", "mailhub localhost\n", 0644) }], ['mail.example.test', 'wrongname', {}],
	['mail.example.test', 'otherca', {}]) {
	my ($host, $cert, $env) = @$case;
	my $s = server_start(%me, raw => 1, cert => $cert);
	my $name = join ' ', $host, $cert, keys %$env;

	$machine->configure($system =~ s/^host = .*/host = $host/mr, server => $s, secret => $secret);
	my $r = $machine->as_root(['sendoff', '--json', 'send', '--no-queue', 'you@example.net'], stdin => letter(), env => $env);
	is($r->{exit}, 77, "$name: the certificate says who it is") or diag($r->{err});
	like($r->{out}, qr/"cause":"certificate-/, "$name: told so");
	nothing_heard($s, $name);
}

done_testing;
