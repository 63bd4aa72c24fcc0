package SendoffTest::Stores;

# Programs that keep secrets for a person, in a home of the test's own, and the recipes of
# sendoff-config(5) for them.
#
#	my $recipes = store_recipes();                     # the section, as a shell has it
#	does("geheim\n", 'pass', 'insert', '-e', $entry);  # a program of the test's, with input
#	my $pid = goes_on('', 'dbus-daemon', ...);         # one that ends with the test
#	session_bus();
#	my $pid = gnome_keyring('login-password'); gnome_keyring_lock(); ends($pid);
#	gpg_key('me@example.com', 'passphrase'); gpg_forget(); gpg_unlock($file, 'passphrase');
#
# %store_env is what all of them are called with, and what sendoff needs to reach them.

use strict;
use warnings;

use Exporter 'import';
use POSIX ();
use Test::More;

use SendoffTest;
use SendoffTest::Run;

our @EXPORT = qw(%store_env $store_home store_recipes does goes_on ends session_bus session_bus_over gnome_keyring
	gnome_keyring_lock gpg_key gpg_forget gpg_unlock);

our $store_home = workdir() . '/home';
our %store_env = (XDG_RUNTIME_DIR => workdir() . '/run', WAYLAND_DISPLAY => undef);
my @started;   # pids

mkdir $_, 0700 for $store_env{XDG_RUNTIME_DIR}, $store_home;
# A test may have been started at a terminal, which is nobody's here.
delete @ENV{qw(GPG_TTY GNUPGHOME PASSWORD_STORE_DIR GPG_AGENT_INFO)};

sub store_recipes
{
	my ($section) = file_read(top() . '/man/sendoff-config.5') =~ /^\.Ss Keyrings\n(.*?)^\.Ss /ms;

	return $section =~ s/\\e/\\/gr =~ s/\\-/-/gr;
}

# Its output.
sub does
{
	my ($input, @command) = @_;
	my $r = run_sendoff([], command => \@command, stdin => $input, env => {%store_env}, tells => 1, timeout => 60);

	is($r->{exit}, 0, "@command[0..1]") or diag("$r->{out}$r->{err}");
	return $r->{out};
}

sub goes_on
{
	my ($input, @command) = @_;
	pipe my $in, my $to or die;
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		%ENV = SendoffTest::Run::environment({%store_env});
		open STDIN, '<&', $in or POSIX::_exit(126);
		open STDOUT, '>>', workdir() . '/daemons.log' or POSIX::_exit(126);
		open STDERR, '>&', \*STDOUT or POSIX::_exit(126);
		close $to;
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	push @started, $pid;
	print $to $input;
	close $to;
	return $pid;
}

sub ends
{
	my ($pid) = @_;

	kill 'TERM', $pid;
	waitpid $pid, 0;
	@started = grep { $_ != $pid } @started;
	return;
}

END {
	local $?;
	kill 'TERM', @started if @started;
	system { 'gpgconf' } 'gpgconf', '--homedir', "$store_home/.gnupg", '--kill', 'all' if -d "$store_home/.gnupg";
}

# ---- the Secret Service

sub session_bus
{
	my $socket = workdir() . '/bus';

	$store_env{DBUS_SESSION_BUS_ADDRESS} = "unix:path=$socket";
	goes_on('', 'dbus-daemon', '--session', '--nofork', "--address=$store_env{DBUS_SESSION_BUS_ADDRESS}");
	ok(wait_until(sub { -S $socket }), 'a session bus');
	return;
}

sub session_bus_over { return delete $store_env{DBUS_SESSION_BUS_ADDRESS} }

sub gnome_keyring
{
	my ($password) = @_;
	my $pid = goes_on($password, 'gnome-keyring-daemon', '--foreground', '--unlock', '--components=secrets');

	ok(wait_until(sub {
		system("DBUS_SESSION_BUS_ADDRESS=$store_env{DBUS_SESSION_BUS_ADDRESS} dbus-send --session --print-reply --dest=org.freedesktop.DBus " .
			"/ org.freedesktop.DBus.GetNameOwner string:org.freedesktop.secrets >/dev/null 2>&1") == 0 }, 20), 'the keyring is there');
	return $pid;
}

sub gnome_keyring_lock
{
	return does('', 'dbus-send', '--session', '--print-reply', '--dest=org.freedesktop.secrets', '/org/freedesktop/secrets',
		'org.freedesktop.Secret.Service.Lock', 'array:objpath:/org/freedesktop/secrets/collection/login');
}

# ---- gpg, whose agent knows the passphrase, or nobody does

sub gpg_key
{
	my ($who, $passphrase) = @_;

	mkdir "$store_home/.gnupg", 0700;
	return does('', 'gpg', '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', $passphrase, '--quick-generate-key', $who,
		'default', 'default', 'never');
}

sub gpg_forget { return does('', 'gpgconf', '--kill', 'gpg-agent') }

sub gpg_unlock
{
	my ($file, $passphrase) = @_;

	return does($passphrase, 'gpg', '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase-fd', '0', '-d', $file);
}

1;
