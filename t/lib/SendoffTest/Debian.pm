package SendoffTest::Debian;

# Whole Debian systems, each in a directory: minimal, with the packages that are wanted
# and processes of its own, gone with the test.  t/debian/base.sh makes what they begin
# with; what they write is laid over that.
#
#	SendoffTest::Debian->namespace;          # before all else; may skip the test
#	my $machine = SendoffTest::Debian->new('name', 'systemd', ...);
#	$machine->boot;                          # systemd, where it is wanted
#	$machine->away('192.0.2.1', '192.0.2.2');  # in another network
#	my $r = $machine->run('apt-get -q update', timeout => 60);
#	my $text = $machine->read('/etc/passwd');

use strict;
use warnings;

use POSIX qw(:sys_wait_h);

use SendoffTest ();
use Test::More ();

my $base = '/mnt';
my @all;

# ---- the namespace

# Runs the test again where its mounts and processes are its own and end with it; with
# net => 1 its network as well.
sub namespace
{
	my ($class, %o) = @_;
	my $ours = readlink('/proc/self/ns/mnt') // '';
	my @unshare = ('unshare', '--mount', '--propagation', 'private', '--pid', '--fork',
		'--kill-child', '--mount-proc', $o{net} ? '--net' : ());

	Test::More::plan(skip_all => 'only root can change its root') if $> != 0;
	if (($ENV{SENDOFF_NAMESPACE} // $ours) eq $ours) {
		Test::More::plan(skip_all => 'no namespaces can be made here')
			if system("@unshare mount -t tmpfs tmpfs $base >/dev/null 2>&1") != 0;
		$class->bases(@{ $o{bases} // [] });
		$ENV{SENDOFF_NAMESPACE} = $ours;
		exec @unshare, $^X, $0, @ARGV;
		die "unshare: $!\n";
	}
	mounted('-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', $base);
	system('ip', 'link', 'set', 'lo', 'up') == 0 or die "no loopback\n" if $o{net};
}

sub mounted
{
	system('mount', @_) == 0 or die "mount @_ failed\n";
}

# Has the systems made while the network is still the machine's: [NAME, PACKAGE...].
sub bases
{
	my ($class, @wanted) = @_;

	for my $one (@wanted) {
		my ($name, @packages) = @$one;
		base($name, sort @packages) // Test::More::plan(
			skip_all => 'no Debian ' . release() . ' can be had from here');
	}
}

sub release { return $ENV{DEBIAN_RELEASE} // 'bookworm' }

# The path of what t/debian/base.sh makes; undef where it cannot be had.
sub base
{
	my (@wanted) = @_;

	open(my $out, '-|', SendoffTest::top() . '/t/debian/base.sh', release(), @wanted) or
		die "t/debian/base.sh: $!\n";
	chomp(my $path = <$out> // '');
	close $out;
	die "t/debian/base.sh failed\n" if $? && $? >> 8 != 3;
	return $? ? undef : $path;
}

# ---- a machine

# new(NAME, PACKAGE...): what those packages need is there as well.
sub new
{
	my ($class, $name, @packages) = @_;
	my $below = base($name, sort @packages);
	my $self = bless { name => $name, root => "$base/$name/root", owner => $$ }, $class;

	if (!defined $below) {
		Test::More::plan(skip_all => 'no Debian ' . release() . ' can be had from here');
	}
	mkdir $_, 0755 or die "$_: $!\n" for map { "$base/$name$_" } '', qw(/upper /work /root);
	mounted('-t', 'overlay', '-o',
		"lowerdir=$below,upperdir=$base/$name/upper,workdir=$base/$name/work", 'overlay', $self->{root});
	mounted('-t', 'proc', 'proc', $self->path('/proc'));
	mounted('-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', $self->path('/dev'));
	system('cp', '-a', "$below/dev/.", $self->path('/dev')) == 0 or die "no /dev\n";
	mounted('-t', 'devpts', '-o', 'newinstance,ptmxmode=0666,mode=0620', 'devpts',
		$self->path('/dev/pts'));
	$self->empty_run;
	push @all, $self;
	return $self;
}

# As when a machine starts.
sub empty_run
{
	my ($self) = @_;

	system('umount', '-l', $self->path('/run')) if -e $self->path('/run/.test');
	mounted('-t', 'tmpfs', '-o', 'mode=0755', 'tmpfs', $self->path('/run'));
	$self->write('/run/.test', '');
}

sub path { return "$_[0]{root}$_[1]" }
sub read { return -e $_[0]->path($_[1]) ? SendoffTest::file_read($_[0]->path($_[1])) : '' }
sub write { return SendoffTest::file_write($_[0]->path($_[1]), $_[2], $_[3] // 0644) }

# start(SHELL COMMAND, user => NAME, ...): a run of SendoffTest::Run in there.
sub start
{
	my ($self, $command, %o) = @_;
	my $user = delete $o{user};
	my @as = $user ? ('setpriv', "--reuid=$user", "--regid=$user", '--init-groups') : ();
	my @into = $self->{init} ? ('nsenter', "--target=$self->{init}", '--mount', '--pid', '--uts',
		'--ipc', '--cgroup') : ('chroot', $self->{root});

	unshift @into, 'nsenter', "--target=$self->{away}", '--net' if $self->{away};

	return SendoffTest::start_sendoff([], cwd => '/', %o,
		env => { HOME => $user ? "/home/$user" : '/root', USER => $user // 'root', %{ $o{env} // {} } },
		command => [ @into, @as, 'sh', '-c', $command ]);
}

sub run { my $self = shift; return $self->start(@_)->finish }

# The same, and it has to succeed; what it wrote.
sub must
{
	my ($self, $command, %o) = @_;
	my $r = $self->run($command, %o);

	die "$self->{name}: $command: " . ($r->{exit} // 'timed out') . "\n$r->{out}$r->{err}\n"
		if ($r->{exit} // 1) != 0;
	return $r->{out};
}

# Packages put in by apt as a person would; those of this tree by their path.
sub install
{
	my ($self, @packages) = @_;

	for my $package (@packages) {
		next if $package !~ m{/([^/]+\.deb)$};
		system('cp', $package, $self->path("/root/$1")) == 0 or die "$package cannot be copied\n";
		$package = "/root/$1";
	}
	return $self->run('DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends ' .
		"--allow-downgrades --reinstall -o Dpkg::Use-Pty=0 install @packages", timeout => 300);
}

# Puts it into a network of its own, joined to ours by a wire: our address, its address.
sub away
{
	my ($self, $ours, $its) = @_;
	my $keeper = fork // die "fork: $!\n";

	if (!$keeper) {
		exec 'unshare', '--net', 'sleep', 'infinity' or POSIX::_exit(127);
	}
	$self->{away} = $keeper;
	SendoffTest::wait_until(sub {
		(readlink("/proc/$keeper/ns/net") // '') ne readlink '/proc/self/ns/net' }, 5);
	wire('link', 'add', 'near0', 'type', 'veth', 'peer', 'name', 'far0', 'netns', $keeper);
	wire('address', 'add', "$ours/24", 'dev', 'near0');
	wire('link', 'set', 'near0', 'up');
	system('nsenter', "--target=$keeper", '--net', 'sh', '-c', "ip link set lo up && " .
		"ip address add $its/24 dev far0 && ip link set far0 up") == 0 or die "no network\n";
}

sub wire
{
	system('ip', @_) == 0 or die "ip @_ failed\n";
}

# ---- systemd in it

# What systemd finds: a group of its own, no consoles, and nothing of the kernel that
# it could change for others.
my $init = <<'END';
set -e
cd "$1"
mount --rbind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs sysfs sys
mount -o remount,bind,ro sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for unit in getty.target console-getty.service systemd-udevd.service systemd-logind.service \
	systemd-timesyncd.service systemd-networkd.service apt-daily.timer apt-daily-upgrade.timer \
	sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount dev-hugepages.mount \
	dev-mqueue.mount; do
	ln -sf /dev/null "etc/systemd/system/$unit"
done
mkdir -p old
pivot_root . old
umount -l old
rmdir old
# As on a machine: what is mounted for a unit before it starts (credentials) is seen by it.
mount --make-rshared /
exec env -i container=lxc PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --system --show-status=no --log-target=journal --unit=multi-user.target
END

# The directory of the control group that it may do with as it likes.
sub control_group
{
	my ($self) = @_;
	my ($top) = grep { -e "$_/cgroup.procs" } '/sys/fs/cgroup', '/sys/fs/cgroup/unified';

	return defined $top ? "$top/sendoff-$self->{name}-" . int(rand 1e9) : undef;
}

sub become_init
{
	my ($self, $group) = @_;

	open(my $out, '>', "$group/cgroup.procs") or POSIX::_exit(127);
	print {$out} "0\n";
	close $out or POSIX::_exit(127);
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', "$base/$self->{name}/init";
	open STDERR, '>&', \*STDOUT;
	exec 'unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child',
		'--cgroup', '--uts', '--ipc', 'sh', '-c', $init, 'sh', $self->{root} or POSIX::_exit(127);
}

# Starts systemd as it is on a machine; false where it does not come up.
sub boot
{
	my ($self) = @_;
	my $group = $self->control_group;

	return 0 if !defined $group || !-x $self->path('/lib/systemd/systemd');
	mkdir $group;
	$self->empty_run;
	my $outer = fork // die "fork: $!\n";
	$self->become_init($group) if !$outer;
	@$self{qw(outer group)} = ($outer, $group);
	SendoffTest::wait_until(sub {
		my $children = SendoffTest::file_read("/proc/$outer/task/$outer/children");
		($self->{init}) = $children =~ /^(\d+) /;
		$self->{init} && -S $self->path('/run/systemd/private');
	}, 20);
	return 1 if $self->{init} && $self->run('systemctl is-system-running --wait', timeout => 60)->{out} =~
		/^(?:running|degraded)$/;
	Test::More::diag(SendoffTest::file_read("$base/$self->{name}/init"));
	$self->halt;
	return 0;
}

# A drop-in of the runner's unit, as `systemctl edit` makes it; no lines: none.
sub runner_unit
{
	my ($self, $lines) = @_;

	$self->must('mkdir -p /etc/systemd/system/sendoff.service.d');
	$self->write('/etc/systemd/system/sendoff.service.d/override.conf', "[Service]\n$lines\n");
	$self->must('systemctl daemon-reload; systemctl restart sendoff.service');
	return;
}

# What alice hands in comes to this server.
sub arrives
{
	my ($self, $server, $name) = @_;
	my $before = $server->stored;
	my $r = $self->run("echo '$name' | sendmail root", user => 'alice');

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	Test::More::is($r->{exit}, 0, "$name: taken in") or Test::More::diag($r->{err});
	Test::More::ok(SendoffTest::wait_until(sub { $server->stored > $before }, 30), "$name: sent") or
		Test::More::diag($self->must('mailq; journalctl --no-pager -t sendoff | tail -20'));
	return;
}

sub halt
{
	my ($self) = @_;
	my $outer = delete $self->{outer} or return;

	delete $self->{init};
	kill 'KILL', $outer;
	waitpid $outer, 0;
	SendoffTest::wait_until(sub {
		!system "find $self->{group} -depth -type d -exec rmdir {} + 2>/dev/null" }, 5);
}

END {
	local $?;
	for my $machine (grep { $_->{owner} == $$ } @all) {
		$machine->halt;
		kill 'KILL', $machine->{away} if $machine->{away};
	}
}

1;
