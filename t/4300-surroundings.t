#!/usr/bin/perl
# Why it works by hand and not from a service: who we are, where files are sought, what
# is missing around us and what holds us in is found and told, each with a next step.
use strict;
use warnings;
use FindBin;
use IO::Socket::UNIX;
use JSON::PP;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Runner;

my $machine = SendoffTest::Runner->namespace;
my ($base, $alice, $bob) = ('/mnt/sendoff', $machine->uid_of('alice'), $machine->uid_of('bob'));
my $look = "$base/bin/look";
my $bundle = '/etc/ssl/certs/ca-certificates.crt';
my $settings = <<'END';
[account work]
host = 127.0.0.1
from = alice@example.test
END

sub sh { system('sh', '-ec', $_[0]) == 0 or die "$_[0]\n" }

sh('cp -L ' . build() . "/t/unit/probe_surroundings $look; chmod 755 $look");
sh('rm -rf /etc/ssl/certs/* /etc/pki /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem /etc/resolv.conf');
sh('mkdir -p /etc/ssl/certs');
file_write($bundle, file_read(cert('ca')), 0644);
file_write('/etc/resolv.conf', "nameserver 127.0.0.1\n", 0644);

my $configs = 0;

# A configuration that everybody can read: [sendoff] settings, and those of the account.
sub everybodys
{
	my ($global, $account) = @_;

	return file_write("$base/config" . ++$configs,
		"[sendoff]\n" . ($global // '') . $settings . ($account // ''), 0644);
}

# What was told: { line, mark, more (a list), facts } of each stage.
sub told
{
	my ($r) = @_;
	my %stages;

	is_deeply([ @$r{qw(exit signal)} ], [ 0, 0 ], 'it looks') or diag($r->{err} . $r->{out});
	while ($r->{out} =~ /^(\w+) (\w+): (.*)\n((?:  .*\n)*)(\{.*\})$/mg) {
		my ($mark, $name, $line, $more, $facts) = ($1, $2, $3, $4, $5);

		$stages{$name} = { mark => $mark, line => $line, facts => decode_json($facts),
			more => [ map { s/^  //r } split /\n/, $more ] };
	}
	return $stages{surroundings}, $stages{configuration};
}

sub look_as
{
	my ($who, $config, %o) = @_;

	return told($machine->as_user($who, [ 'look', 'look', $config ? ('-C', $config) : () ], %o));
}

sub look_by
{
	my ($command, $config) = @_;

	return told($machine->as_root([ @$command, $look, 'look', '-C', $config ]));
}

sub warnings_of { return join "\n", grep { /^(?:warning|failed) / } @{ $_[0]{more} } }

sub warned
{
	my ($stage, $pattern, $name) = @_;

	like(warnings_of($stage), $pattern, $name);
	is($stage->{mark}, 'warning', '... which the stage is marked by');
}

# --- by hand

my $config = everybodys();
my ($s, $c) = look_as('alice', $config);
my $own = "$base/home/alice";
is($s->{line}, "uid $alice (alice), home $own, personal scope, queue $own/.local/state/sendoff/queue " .
	'to be made', 'by hand');
is(warnings_of($s), '', '... there is nothing to be said');
is_deeply([ @{ $s->{facts} }{qw(uid user home home_from scope trusted_roots no_new_privs stdin)},
	$s->{facts}{queue}{state}, $s->{facts}{runner}{state} ],
	[ $alice, 'alice', $own, 'HOME', 'personal', "1 in $bundle", JSON::PP::true, 'pipe', 'ok',
	'absent' ], '... and the facts are all there');
like("@{ $s->{more} }", qr/note confined by .*no_new_privs/, '... what confines it is no trouble');
is($c->{line}, "account work (the default) of $config: 127.0.0.1:587, tls starttls",
	'the configuration');
is_deeply($c->{facts}{tried}, [ { path => $config, result => 'read' } ], '... which was read');

# --- who

($s) = look_as(31234, $config);
warned($s, qr/uid 31234 has no entry in passwd: give it one/, 'a user that passwd does not know');
like(warnings_of($s), qr/no home directory.*set HOME to a directory of this user/, '... nor has a home');
like(warnings_of($s), qr/no place for a queue.*set queue_dir/, '... nor a queue');
is($s->{line}, 'uid 31234, home none, personal scope, no queue', '... in one line');

($s) = look_by([ 'setpriv', '--ruid=' . $alice ], $config);
warned($s, qr/started by uid $alice \(alice\): HOME, XDG_\* and SENDOFF_\* are not obeyed/, 'set-uid');

($s) = look_by([ 'setpriv', '--bounding-set=-dac_override' ], $config);
warned($s, qr/this root may not read the files of others \(CAP_DAC_OVERRIDE/, 'a root without rights');

# --- HOME

($s) = look_as('alice', $config, env => { HOME => undef });
is_deeply([ @{ $s->{facts} }{qw(home home_from)}, warnings_of($s) ], [ $own, 'passwd', '' ],
	'without HOME passwd says it');
($s) = look_as('alice', $config, env => { HOME => "$base/home/bob" });
warned($s, qr/HOME is ignored: $base\/home\/bob belongs to another user \(uid $bob\)/,
	'the HOME of another user');
is($s->{facts}{home}, $own, '... is not used');
is_deeply($s->{facts}{ignored}, { HOME => "$base/home/bob" }, '... as a fact');
for (['relative', 'does not begin with /'], ["$base/none", 'No such file or directory'],
	[$look, 'is no directory']) {
	($s) = look_as('alice', $config, env => { HOME => $_->[0] });
	warned($s, qr/HOME is ignored: \Q$_->[0] $_->[1]\E$/m, "HOME: $_->[1]");
}
($s) = look_as('alice', $config, env => { XDG_CONFIG_HOME => "$base/home/bob",
	XDG_STATE_HOME => "$base/home/bob" });
warned($s, qr/XDG_CONFIG_HOME is ignored: .*another user/, 'XDG_CONFIG_HOME of another user');
like(warnings_of($s), qr/XDG_STATE_HOME is ignored: .*another user/, '... XDG_STATE_HOME too');
($s) = look_as('alice', $config, env => { XDG_STATE_HOME => "$own/new" });
is(warnings_of($s), '', '... one of her own may be made');
like($s->{line}, qr{queue $own/new/sendoff/queue to be made}, '... and serves');
($s) = look_as('alice', $config, env => { XDG_STATE_HOME => "$base/home/bob/.new" });
like(warnings_of($s), qr/XDG_STATE_HOME is ignored: .*(?:another user|Permission denied)/, '... none at another user');
($s) = look_as('alice', $config, env => { HOME => "$own/\033[2J" });
unlike(join("\n", $s->{line}, @{ $s->{more} }), qr/[^\x20-\x7e\n]/, 'E4: what HOME holds is cleaned');

# --- home directories that are hidden

file_write('/etc/passwd', file_read('/etc/passwd') . "carol:x:30003:30003::/home/carol:/bin/sh\n", 0644);
sh('mkdir -p /home; mount -t tmpfs -o ro tmpfs /home');
($s) = look_as(30003, $config);
warned($s, qr{the home directory /home/carol: something is mounted over /home, as ProtectHome=},
	'an empty /home');
sh('umount /home; mkdir -p -m 0755 /run/systemd/inaccessible; mkdir -m 0 /run/systemd/inaccessible/dir');
sh('mount --bind /run/systemd/inaccessible/dir /home');
($s) = look_as(30003, $config);
warned($s, qr{the home directory /home/carol: something is mounted over /home, as ProtectHome=},
	'an inaccessible /home');
sh('umount /home');
sh("chmod 0 $base/home/bob");
($s) = look_as('bob', $config);
warned($s, qr{the home directory $base/home/bob: Permission denied}, 'a home without rights');
unlike(warnings_of($s), qr/policy|AppArmor|ProtectHome/, '... which is nobody else\'s doing');
sh("chmod 700 $base/home/bob");

# --- the queue

sub with_queue
{
	my ($queue, $global) = @_;

	return look_as('alice', everybodys("queue_dir = $queue\n" . ($global // '')));
}

sh("mkdir $base/ro; mount -t tmpfs -o size=4m,mode=0755,uid=$alice tmpfs $base/ro");
sh("cd $base/ro; umask 077; mkdir queue; cd queue; mkdir new hold failed damaged tmp control done accounts");
sh("chown -R $alice:$alice $base/ro/queue");
($s) = with_queue("$base/ro/queue", "min_free = 1M\n");
is(warnings_of($s), '', 'a queue that can be written');
like($s->{line}, qr{queue $base/ro/queue writable}, '... is told so');
is_deeply([ glob "$base/ro/queue/*/*" ], [], '... and nothing is left in it');
($s) = with_queue("$base/ro/queue", "min_free = 50M\n");
warned($s, qr/[34] MB are free for the queue, less than min_free \(50 MB\): make room/, 'little room');
sh("mount -o remount,ro $base/ro");
($s) = with_queue("$base/ro/queue", "min_free = 1M\n");
warned($s, qr{cannot be used: $base/ro/queue: .* mounted on $base/ro can only be read here: add ReadWritePaths=$base/ro/queue },
	'a queue that can only be read');
like($s->{line}, qr{queue $base/ro/queue not writable}, '... is told so');
($s) = with_queue("$base/ro/new/queue");
warned($s, qr{the queue cannot be made: $base/ro/new/queue: the file system mounted on $base/ro can only },
	'one that cannot be made there');
sh("umount $base/ro");
($s) = with_queue('/etc/queue');
warned($s, qr{the queue cannot be made: /etc/queue: Permission denied}, 'where she may not');
is_deeply($s->{facts}{queue}, { path => '/etc/queue', state => 'denied', exists => JSON::PP::false },
	'... as a fact');
sh("mkdir -m 0700 $base/foreign; chown $bob $base/foreign");
($s) = with_queue("$base/foreign");
warned($s, qr{the queue cannot be used: $base/foreign: }, 'another user\'s');

# --- trusted roots

unlink $bundle;
($s) = look_as('alice', $config);
warned($s, qr{no trusted roots found.*tried $bundle, .*install the package ca-certificates},
	'no bundle of certificates');
($s) = look_as('alice', everybodys('', "tls = off\n"));
is(warnings_of($s), '', '... which nobody needs without TLS');
file_write($bundle, file_read(cert('ca')), 0644);

# --- the network

my $far = file_write("$base/config.far", $settings =~ s/127\.0\.0\.1/smtp.example.test/r, 0644);
($s) = look_by([ 'unshare', '--net' ], $far);
warned($s, qr/no network but loopback is up: .*PrivateNetwork=no in /, 'a network of its own');
($s) = look_by([ 'unshare', '--net' ], $config);
is(warnings_of($s), '', '... which does for a server on this machine');
rename '/etc/resolv.conf', '/etc/resolv.conf.away' or die;
($s) = look_as('alice', $far);
warned($s, qr{/etc/resolv.conf is missing: }, 'no resolver');
file_write('/etc/resolv.conf', "# nothing\n", 0644);
($s) = look_as('alice', $far);
warned($s, qr{/etc/resolv.conf names no server: }, 'an empty one');
rename '/etc/resolv.conf.away', '/etc/resolv.conf' or die;

# --- limits

sub limited { return look_by([ 'sh', '-c', "ulimit $_[0]; exec \"\$@\"", 'sh' ], $config) }

($s) = limited('-f 100');
warned($s, qr/files may have at most (?:51200|102400) octets here.*LimitFSIZE=/, 'small files');
($s) = limited('-n 20');
warned($s, qr/only 20 files may be open at once: .*LimitNOFILE= to 64/, 'few files');

# --- a command that needs more than it is allowed

sh("cp -L /bin/true $base/bin/elevate; chmod 4755 $base/bin/elevate");
my $elevated = everybodys('', "user = alice\npassword_command = $base/bin/elevate cat /x\n");
($s) = look_as('alice', $elevated);
warned($s, qr{password_command cannot work here: $base/bin/elevate is set-uid, and no_new_privs},
	'a set-uid command under no_new_privs');
($s) = look_by([], $elevated);
is(warnings_of($s), '', '... and by hand');

# --- the system's runner

file_write('/etc/sendoff/config', $settings, 0600);
sh('rm -rf /run/sendoff; mkdir -m 0755 /run/sendoff');
my $socket = '/run/sendoff/smtp.sock';
($s, $c) = look_as('alice');
warned($s, qr{the system's runner is not there \($socket\): run `systemctl enable --now sendoff-smtp.socket`},
	'no runner');
is($s->{line}, "uid $alice (alice), home $own, system scope, runner $socket", '... which she would need');
like("@{ $c->{more} }", qr{/etc/sendoff/config: no permission to read it, so the system's runner is asked},
	'the configuration says why');
is_deeply([ map { "$_->{path} $_->{result}" } @{ $c->{facts}{tried} } ],
	[ '/etc/sendoff/config denied', "$own/.config/sendoff/config absent" ], '... as facts');

my $listener = IO::Socket::UNIX->new(Local => $socket, Listen => 5) or die "$socket: $!\n";
chmod 0666, $socket;
($s) = look_as('alice');
is(warnings_of($s), '', 'a runner');
is_deeply([ @{ $s->{facts}{runner} }{qw(state owner served_by)} ], [ 'ok', 0, 0 ], '... is root\'s');
chown $bob, $bob, $socket;
($s) = look_as('alice');
warned($s, qr/$socket belongs to uid $bob, neither root nor the runner/, 'a socket of bob\'s');
chown 0, 0, $socket;
chmod 0600, $socket;
($s) = look_as('alice');
warned($s, qr/the system's runner cannot be reached: $socket: Permission denied/, 'a socket without rights');
chmod 0666, $socket;
close $listener;
($s) = look_as('alice');
warned($s, qr/nobody answers at $socket \(Connection refused\): run `systemctl restart/, 'a dead one');
sh('rm -rf /etc/sendoff /run/sendoff');

# --- the configuration

sh("mkdir -p -m 0700 $own/.config/sendoff; chown -R $alice:$alice $own/.config");
($s, $c) = look_as('alice');
is($c->{mark}, 'failed', 'no configuration');
like($c->{line}, qr{/etc/sendoff/config: absent; \Q$own\E/\.config/sendoff/config: absent}, '... and where it was sought');
is_deeply($c->{more}, [], '... which is said once');

file_write("$own/.config/sendoff/config", $settings, 0600);
($s, $c) = look_as('alice');
is($c->{mark}, 'failed', 'a file of hers that is root\'s');
is_deeply([ map { $_->{result} } @{ $c->{facts}{tried} } ], [ 'absent', 'denied' ],
	'... is there, and cannot be read');
file_write("$own/.config/sendoff/config", "[account work]\nhots = x\n", 0600);
chown $alice, $alice, "$own/.config/sendoff/config";
($s, $c) = look_as('alice');
is_deeply([ $c->{mark}, map { $_->{result} } @{ $c->{facts}{tried} } ], [ 'failed', 'absent', 'faulty' ],
	'one with a mistake');
like($c->{line}, qr/config:2: .*hots/, '... which is told');

# A device that cannot be opened, whatever its mode says, stands for a policy.
sh("rm $own/.config/sendoff/config; mount -t tmpfs -o nodev,mode=0700,uid=$alice tmpfs $own/.config/sendoff");
sh("mknod -m 0644 $own/.config/sendoff/config c 1 3; chown $alice $own/.config/sendoff/config");
($s, $c) = look_as('alice');
like(warnings_of($c), qr{config: permission denied although its mode allows it: },
	'EACCES although the mode allows it');
like(warnings_of($c), qr{journalctl -k \| grep -i apparmor}, '... and where its reason is to be found');
sh("umount $own/.config/sendoff");

($s, $c) = look_as('alice', everybodys('', <<'END'));
tls = off
user = alice
password_env = P
allow_clear_password = yes
END
warned($c, qr/tls is off: .*set tls = starttls/, 'tls off');
like(warnings_of($c), qr/allow_clear_password is on/, '... with a password');
($s, $c) = look_as('alice', everybodys('', "tls_verify = off\n"));
warned($c, qr/tls_verify is off: .*tls_pin/, 'tls_verify off');
($s, $c) = look_as('alice', everybodys('', "tls_verify = off\ntls_pin = spki:" . '0' x 64 . "\n"));
is(warnings_of($c), '', '... with a pin');
($s, $c) = look_as('alice', everybodys('', "port = 465\ntls = starttls\n"));
warned($c, qr/port 465 speaks TLS from the start: set tls = implicit/, 'a port and a mode that do not go together');
is_deeply([ @{ $c->{facts} }{qw(account host port tls accounts)} ],
	[ 'work', '127.0.0.1', 465, 'starttls', [ 'work' ] ], 'the account, as facts');

done_testing;
