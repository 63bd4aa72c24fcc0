package SendoffTest::Runner;

# The runner of the system's queue as it runs on a machine: as a user of its
# own, locked in, started again whenever it ends, with both sockets.  t/standin
# plays systemd.  The test lives in a mount namespace in which /etc is a copy
# and /run, /var/spool, /var/lib and /mnt are empty, so that nothing of the
# machine is touched.
#
#	use SendoffTest::Runner;
#	SendoffTest::Runner->namespace;          # before all else; may skip the test
#	my $runner = runner_start(<<'END', server => $server, secret => "geheim\n");
#	[account work]
#	host = 127.0.0.1
#	port = {port}
#	password_file = {secret}
#	...
#	END
#	my $r = $runner->as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n");

use strict;
use warnings;

use Exporter 'import';
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);

use SendoffTest ();

our @EXPORT = qw(runner_start);

my ($base, $state) = ('/mnt/sendoff', '/mnt/sendoff/standin');
my $mail_uid = 29999;              # sendoff's
my %user = (alice => 30001, bob => 30002);
my %running;

# ---- the namespace

sub works
{
	return !system "$_[0] >/dev/null 2>&1";
}

# Runs the test again in a namespace of its own, where that can be; else skips.
# What it returns is the machine, without a runner.
sub namespace
{
	my ($class) = @_;
	my $ours = readlink('/proc/self/ns/mnt') // '';

	Test::More::plan(skip_all => 'only root can play systemd') if $> != 0;
	if (($ENV{SENDOFF_NAMESPACE} // $ours) eq $ours) {
		Test::More::plan(skip_all => 'no mount namespaces, or no setpriv') if !works(
			'unshare --mount --propagation private mount -t tmpfs tmpfs /mnt') ||
			!works('setpriv --reuid=1 --no-new-privs --bounding-set=-all true');
		$ENV{SENDOFF_NAMESPACE} = $ours;
		exec 'unshare', '--mount', '--propagation', 'private', $^X, $0, @ARGV;
		die "unshare: $!\n";
	}
	make_machine();
	SendoffTest::Secrets::place($_) for $state, '/var/spool/sendoff', '/var/lib', '/run';
	return $running{machine} = bless { owner => $$ }, $class;
}

sub mounted
{
	system('mount', @_) == 0 or die "mount @_ failed\n";
}

sub lines_of
{
	my ($path, $but) = @_;

	return join '', grep { !/^(?:$but):/ } -e $path ?
		SendoffTest::file_read($path) =~ /^(.*\n)/mg : ();
}

# Its own /etc, with our users; everything that the package would make.
sub make_machine
{
	my $names = join '|', 'sendoff', keys %user;

	mounted('-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', '/mnt');
	mkdir $_, 0755 for $base, "$base/etc", "$base/bin", "$base/home", $state;
	system('cp', '-a', '/etc/.', "$base/etc") == 0 or die "/etc cannot be copied\n";
	mounted('--bind', "$base/etc", '/etc');
	mounted('-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', $_) for '/run', '/var/spool', '/var/lib';
	SendoffTest::file_write('/etc/passwd', lines_of('/etc/passwd', $names) .
		"sendoff:x:$mail_uid:$mail_uid:sendoff mail submission:/var/spool/sendoff:/usr/sbin/nologin\n" .
		join('', map { "$_:x:$user{$_}:$user{$_}:\u$_:$base/home/$_:/bin/sh\n" } sort keys %user), 0644);
	SendoffTest::file_write('/etc/group', lines_of('/etc/group', $names) .
		"sendoff:x:$mail_uid:\n" . join('', map { "$_:x:$user{$_}:\n" } sort keys %user), 0644);
	SendoffTest::file_write('/etc/mailname', "machine.example.test\n", 0644);
	mkdir "$base/home/root", 0700;
	for my $name (keys %user) {
		mkdir "$base/home/$name", 0700;
		chown $user{$name}, $user{$name}, "$base/home/$name";
	}
	system('rm', '-rf', '/etc/sendoff', '/etc/aliases');
	make_directory(@$_) for ['/etc/sendoff', 0750, 0], ['/run/sendoff', 0755, 0, 0],
		['/var/spool/sendoff', 0700], ['/var/lib/sendoff', 0700];
	# Where every user can reach it, wherever the tree may be.
	my $program = $ENV{SENDOFF} // SendoffTest::build() . '/sendoff';
	system('cp', '-L', $program, "$base/bin/sendoff") == 0 or die "no $program\n";
	chmod 0755, "$base/bin/sendoff";
	symlink 'sendoff', "$base/bin/$_" for qw(sendmail mailq newaliases);
}

sub make_directory
{
	my ($path, $mode, $uid, $gid) = @_;

	mkdir $path or die "$path: $!\n";
	chmod $mode, $path;
	chown $uid // $mail_uid, $gid // $mail_uid, $path;
}

# ---- its life

# A file below /etc that only root and the runner can read.
sub secret_file
{
	my ($path, $text) = @_;

	SendoffTest::file_write($path, $text, 0640);
	chown 0, $mail_uid, $path;
	return $path;
}

# Writes the configuration; {host} {port} {ca} {secret} and pairs stand for values.
sub configure
{
	my ($self, $text, %o) = @_;

	delete @o{qw(restart listen environment)};
	secret_file('/etc/sendoff/password', delete $o{secret}) if defined $o{secret};
	SendoffTest::file_write('/etc/aliases', delete $o{aliases}, 0644) if defined $o{aliases};
	if ($text =~ /\{ca\}/) {
		$o{ca} = SendoffTest::file_write('/etc/sendoff/ca.pem',
			SendoffTest::file_read(SendoffTest::cert('ca')), 0644);
	}
	my $filled = SendoffTest::config($text, secret => '/etc/sendoff/password', %o);
	secret_file('/etc/sendoff/config.new', SendoffTest::file_read($filled));
	rename '/etc/sendoff/config.new', '/etc/sendoff/config' or die "/etc/sendoff/config: $!\n";
}

# runner_start(CONFIGURATION, server => ..., secret => TEXT, aliases => TEXT,
#	restart => SECONDS, listen => [ADDRESS:PORT, ...], NAME => VALUE ...)
sub runner_start
{
	my ($text, %o) = @_;
	my $self = bless { owner => $$ }, __PACKAGE__;

	die "SendoffTest::Runner->namespace comes first\n" if !-d $state;
	$self->configure($text, %o);
	unlink glob "$state/*";
	$self->{pid} = fork // die "fork: $!\n";
	if (!$self->{pid}) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$state/standin";
		open STDERR, '>&', \*STDOUT;
		exec 'unshare', '--mount', '--propagation', 'private', SendoffTest::top() . '/t/standin',
			'--state', $state, '--user', 'sendoff', '--restart', $o{restart} // 0.2,
			(map { ('--listen', $_) } @{ $o{listen} // [] }), '--',
			(map { ('env', $_) } @{ $o{environment} // [] }), "$base/bin/sendoff", 'queue', 'watch' or POSIX::_exit(127);
	}
	$running{ $self->{pid} } = $self;
	$self->wait_ready or die "the runner is not ready: " . $self->said . "\n";
	return $self;
}

sub state_of
{
	my ($name) = @_;

	# It may go between two looks.
	return (eval { SendoffTest::file_read("$state/$name") } // '') =~ s/\n\z//r;
}

sub log { return state_of('log') }
sub said { return join "\n", map { state_of($_) } qw(standin log) }
sub starts { return state_of('starts') || 0 }
sub status { return state_of('status') }

# The process that runs now; 0 between two.
sub runner_pid { return state_of('pid') || 0 }

# The processes of one of its roles, as "sendoff-accept".
sub roles
{
	my ($self, $name) = @_;
	my $runner = runner_pid();

	return grep {
		my $stat = eval { SendoffTest::file_read("/proc/$_/stat") } // '';
		my $command = eval { SendoffTest::file_read("/proc/$_/cmdline") } // '';
		$runner && $stat =~ /\) [^ZX] $runner / && $command =~ /^\Q$name\E\0/;
	} map { m{(\d+)$} } glob '/proc/[0-9]*';
}

# Until it has said that it is ready.
sub wait_ready
{
	my ($self, $seconds) = @_;

	return SendoffTest::wait_until(sub {
		my $pid = runner_pid();
		$pid && state_of('ready') eq $pid;
	}, $seconds // 10);
}

# Kills it, and with it all it has started; it is started again by itself.
# Waits until that has happened, unless told otherwise.
sub kill
{
	my ($self, $signal, %o) = @_;
	my $pid = $self->runner_pid or return 0;
	my $starts = $self->starts;

	CORE::kill($signal // 'KILL', $pid);
	return 1 if $o{nowait};
	return SendoffTest::wait_until(sub { $self->starts > $starts }, 10) && $self->wait_ready;
}

sub respawn { return $_[0]->wait_ready }

# Ends it and keeps it down while the sockets stay; then lets it up again.
sub hold
{
	my ($self) = @_;

	SendoffTest::file_write("$state/hold", '');
	return SendoffTest::wait_until(sub { !$self->runner_pid }, 10);
}

sub release
{
	my ($self) = @_;

	unlink "$state/hold";
	return $self->wait_ready;
}

# Ends it for good; the sockets go away.
sub stop
{
	my ($self) = @_;

	return if !delete $running{ $self->{pid} };
	CORE::kill('TERM', $self->{pid});
	if (!SendoffTest::wait_until(sub { waitpid($self->{pid}, WNOHANG) != 0 }, 10)) {
		CORE::kill('KILL', $self->{pid});
		waitpid $self->{pid}, 0;
	}
}

# ---- its users

sub uid_of { return $user{ $_[1] } // $_[1] }
sub mail_uid { return $mail_uid }
sub program { return "$base/bin/$_[1]" }

# start_as_user(NAME or UID, [PROGRAM, ARGUMENTS], stdin => ..., env => ...): a
# run of SendoffTest::Run, under no_new_privs, without capabilities and groups;
# whoever is no name has no passwd entry and no HOME.
sub start_as_user
{
	my ($self, $who, $command, %o) = @_;
	my $uid = $self->uid_of($who);
	my ($program, @args) = @$command;
	my %env = (HOME => exists $user{$who} ? "$base/home/$who" : undef, USER => undef,
		%{ delete $o{env} // {} });

	$program = "$base/bin/$program" if -e "$base/bin/$program";
	return SendoffTest::start_sendoff([], cwd => '/', %o, env => \%env, command => [ 'setpriv',
		"--reuid=$uid", "--regid=$uid", '--clear-groups', '--no-new-privs', '--inh-caps=-all',
		'--bounding-set=-all', $program, @args ]);
}

sub as_user { my $self = shift; return $self->start_as_user(@_)->finish }

# As root, as root is on a machine.
sub as_root
{
	my ($self, $command, %o) = @_;
	my ($program, @args) = @$command;

	$program = "$base/bin/$program" if -e "$base/bin/$program";
	return SendoffTest::run_sendoff([], cwd => '/', %o, command => [ $program, @args ],
		env => { HOME => "$base/home/root", USER => 'root', %{ $o{env} // {} } });
}

# The processes of this runner, and of no other test's: NUMBER => { parent,
# status, command }.
sub processes
{
	my ($self) = @_;
	my $where = $self->runner_pid || 'self';
	my $namespace = readlink("/proc/$where/ns/mnt") // '';
	my %found;

	for my $pid (map { m{(\d+)$} } glob '/proc/[0-9]*') {
		next if (readlink("/proc/$pid/ns/mnt") // '') ne $namespace;
		my $status = eval { SendoffTest::file_read("/proc/$pid/status") } // '';
		next if $status !~ /^Uid:(?:\t$mail_uid){4}$/m || $status =~ /^State:\tZ/m;
		$found{$pid} = { parent => $status =~ /^PPid:\t(\d+)$/m, status => $status,
			command => eval { SendoffTest::file_read("/proc/$pid/cmdline") } // '' };
	}
	return %found;
}

# The messages in a state of its queue.
sub queued
{
	my ($self, $where) = @_;

	return map { m{([^/]+)$} } glob '/var/spool/sendoff/' . ($where // 'new') . '/*';
}

# What was started without t/standin ends with the test as well.
sub end_others
{
	my ($self) = @_;
	my %left = $self->processes;

	CORE::kill('KILL', keys %left) if !$self->{pid};
}

END {
	local $?;
	$_->stop for grep { $_->{pid} && $_->{owner} == $$ } values %running;
	$_->end_others for grep { !$_->{pid} && $_->{owner} == $$ } values %running;
}

1;
