#!/usr/bin/perl
# The recipes of sendoff-config(5) for tokens in a keyring, word by word, with the programs
# themselves: signed in, sent, renewed, locked, open again, signed out.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Login;
use SendoffTest::Run;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Token;

my $home = workdir() . '/home';
my %env = (XDG_RUNTIME_DIR => workdir() . '/run', WAYLAND_DISPLAY => undef);
my @started;   # pids

mkdir $env{XDG_RUNTIME_DIR}, 0700;
mkdir $home, 0700;
# A test may have been started at a terminal, which is nobody's here.
delete @ENV{qw(GPG_TTY GNUPGHOME PASSWORD_STORE_DIR GPG_AGENT_INFO)};

my ($section) = file_read(top() . '/man/sendoff-config.5') =~ /^\.Ss Keyrings\n(.*?)^\.Ss /ms;
my %recipe = map { /^oauth_save_command = (\S+)/m ? ($1 => $_) : () } split /\n\n|^\.Ed\n/m, $section;
my @to = ('send', 'you@example.net');

# A program of the test's own, with input.
sub does
{
	my ($input, @command) = @_;
	my $r = run_sendoff([], command => \@command, stdin => $input, env => { HOME => $home, %env }, tells => 1, timeout => 60);

	is($r->{exit}, 0, "@command[0..1]") or diag("$r->{out}$r->{err}");
	return $r->{out};
}

# One that goes on, and ends with the test.
sub goes_on
{
	my ($input, @command) = @_;
	pipe my $in, my $to or die;
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		%ENV = SendoffTest::Run::environment({ HOME => $home, %env });
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

sub ends { my ($pid) = @_; kill 'TERM', $pid; waitpid $pid, 0; @started = grep { $_ != $pid } @started; return }
END {
	local $?;
	kill 'TERM', @started if @started;
	system { 'gpgconf' } 'gpgconf', '--homedir', "$home/.gnupg", '--kill', 'all' if -d "$home/.gnupg";
}

# What the account has been through; lock and unlock do that with the store.
sub goes_through
{
	my ($name, $lock, $unlock) = @_;
	my $tokens = token_server(token_size => 1500);
	my $mail = server_start(user => 'me@example.com', tokens => $tokens->tokens, tls => 'starttls', require_login => 1);
	my %keys = $recipe{$name} =~ /^(oauth_\w+) = (.*)$/mg;
	s/\\e/\\/g, s/\\-/-/g for values %keys;
	my $config = account($mail, oauth($tokens), tls => 'starttls', (map { $_ => '60s' } qw(timeout connect_timeout
		final_timeout)), %keys);
	my %run = (env => \%env, timeout => 90);
	my $clean = sub {
		is_deeply([ SendoffTest::Secrets::found(file_read(token_directory() . '/test')) ], [], "D9: $name, $_[0]: the file has no secret");
	};

	is(scalar keys %keys, 2, "$name: the page has both commands");
	queue_empty();
	unlink glob queue_dir() . '/accounts/*';
	unlink glob token_directory() . '/*';
	my $r = login($config, { env => { %here, %env, BROWSER => $tokens->browser } });
	is($r->{exit}, 0, "$name: signed in") or diag("$r->{out}$r->{err}");
	$clean->('signed in');
	$r = send_mail($config, \@to, %run);
	is($r->{exit} . $r->{err}, '0', "$name: sent");
	$tokens->forget;
	$r = send_mail($config, \@to, %run);
	is($r->{exit} . $r->{err}, '0', "$name: sent by a renewed one");
	$clean->('renewed');
	is($mail->stored, 2, "$name: both arrived");
	is_deeply([ grep { !/^authorization_code/ } $tokens->asked ], ['refresh_token 200'], "$name: renewed once");

	$lock->();
	$r = send_mail($config, \@to, %run);
	is($r->{exit}, 0, "$name: locked, the mail is kept") or diag($r->{err});
	like($r->{err}, qr/queued as \S+: .*oauth_load_command failed: exit status \d+/, "$name: and why is told");
	cmp_ok($r->{seconds}, '<', 20, "$name: it does not hang");
	$unlock->();
	$r = run_sendoff([ '-C', $config, 'queue', 'retry', '--all' ], %run);
	run_sendoff([ '-C', $config, 'queue', 'flush' ], %run) if $mail->stored == 2;
	ok(wait_until(sub { $mail->stored == 3 }, 20), "$name: open again, it leaves") or diag($r->{out}, $r->{err});

	$r = run_sendoff([ '-C', $config, 'logout', 'test' ], %run);
	is($r->{exit}, 0, "$name: signed out") or diag($r->{err});
	$r = run_sendoff([], command => [ '/bin/sh', '-c', $keys{oauth_load_command} ], env => { HOME => $home, %env }, timeout => 60,
		tells => 1);
	is($r->{out} =~ s/\s+//gr, '', "$name: nothing is left there");
	is_deeply([ $tokens->violations, $mail->violations ], [], "$name: by the rules");
	$_->stop for $tokens, $mail;
	return;
}

subtest 'secret-tool, with the keyring of GNOME' => sub {
	my $socket = workdir() . '/bus';

	$env{DBUS_SESSION_BUS_ADDRESS} = "unix:path=$socket";
	goes_on('', 'dbus-daemon', '--session', '--nofork', "--address=$env{DBUS_SESSION_BUS_ADDRESS}");
	ok(wait_until(sub { -S $socket }), 'a session bus');
	my $keyring = sub {
		my $pid = goes_on('login-password', 'gnome-keyring-daemon', '--foreground', '--unlock', '--components=secrets');
		ok(wait_until(sub {
			system("DBUS_SESSION_BUS_ADDRESS=$env{DBUS_SESSION_BUS_ADDRESS} dbus-send --session --print-reply --dest=org.freedesktop.DBus " .
				"/ org.freedesktop.DBus.GetNameOwner string:org.freedesktop.secrets >/dev/null 2>&1") == 0 }, 20), 'the keyring is there');
		return $pid;
	};
	my $pid = $keyring->();
	goes_through('secret-tool', sub {
		does('', 'dbus-send', '--session', '--print-reply', '--dest=org.freedesktop.secrets', '/org/freedesktop/secrets',
			'org.freedesktop.Secret.Service.Lock', 'array:objpath:/org/freedesktop/secrets/collection/login');
	}, sub { ends($pid); $pid = $keyring->() });
	ends($pid);
	delete $env{DBUS_SESSION_BUS_ADDRESS};
};

# The agent knows the passphrase, or nobody does.
subtest 'gpg and pass' => sub {
	mkdir "$home/.gnupg", 0700;
	does('', 'gpg', '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', 'passphrase-8', '--quick-generate-key',
		'me@example.com', 'default', 'default', 'never');
	does('', 'pass', 'init', 'me@example.com');
	my $file = workdir() . '/any.gpg';
	does('any', 'gpg', '--batch', '--yes', '-e', '-r', 'me@example.com', '-o', $file);
	my $forget = sub { does('', 'gpgconf', '--kill', 'gpg-agent') };
	my $unlock = sub { does('passphrase-8', 'gpg', '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase-fd', '0', '-d', $file) };

	for my $name ('pass', 'gpg') {
		$unlock->();
		goes_through($name, $forget, $unlock);
	}
};

done_testing;
