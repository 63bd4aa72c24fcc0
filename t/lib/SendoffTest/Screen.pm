package SendoffTest::Screen;

# A program at a terminal: typed at, and its screen read, as a person would.  The terminal
# is tmux's, with a server and a socket of its own for each screen.
#
#	use SendoffTest::Screen;
#	my $screen = screen_start([ARGUMENTS], columns => 80, rows => 24, env => {...});
#	$screen->wait_for(qr/Password/) or diag($screen->text);
#	ok(!$screen->echoes, 'the password is not shown');
#	$screen->type("secret\n");
#	is($screen->ended, 'exit 0', '...');     # or 'signal 2', 'stopped'
#	$screen->finish;

use strict;
use warnings;

use Exporter 'import';
use POSIX ();
use Time::HiRes qw(sleep time);

use SendoffTest ();

our @EXPORT = qw(screen_start);

my %running;
my $count = 0;
my $settings = <<'END';
set-option -g default-terminal screen-256color
set-option -g status off
set-option -g escape-time 0
END

# Options: columns, rows; name, command, env, cwd as those of start_sendoff().
sub screen_start
{
	my ($args, %o) = @_;
	my $path = SendoffTest::workdir() . '/screen' . ++$count;
	my @command = $o{command} ? @{ $o{command} } :
		(SendoffTest::Run::program($o{name} // 'sendoff'), @$args);
	my $self = bless { settings => "$path.conf", socket => "$path.sock", state => "$path.state", owner => $$,
		columns => $o{columns} // 80, rows => $o{rows} // 24 };
	local %ENV = SendoffTest::Run::environment($o{env});

	$running{"$self"} = $self;
	SendoffTest::file_write("$path.conf", $settings);
	$self->tmux('new-session', '-d', '-x', $self->{columns}, '-y', $self->{rows},
		'-c', $o{cwd} // SendoffTest::workdir(),
		$^X, '-I' . SendoffTest::top() . '/t/lib', '-MSendoffTest::Screen', '-e',
		'SendoffTest::Screen::host(@ARGV)', '--', $self->{state}, @command);
	$self->{tty} = $self->ask('#{pane_tty}');
	$self->{host} = $self->ask('#{pane_pid}');
	return $self;
}

sub tmux
{
	my ($self, @words) = @_;
	my @command = ('tmux', '-u', '-f', $self->{settings}, '-S', $self->{socket}, @words);

	open my $out, '-|', @command or die "tmux: $!\n";
	binmode $out;
	my $text = do { local $/; <$out> } // '';
	close $out or die "tmux @words failed\n";
	return $text;
}

sub ask
{
	my ($self, $format) = @_;

	return $self->tmux('display-message', '-p', $format) =~ s/\n\z//r;
}

# ---- what a person does

# Characters as they are; a newline is the key Enter.
sub type
{
	my ($self, $text) = @_;

	for my $part (split /(\n)/, $text) {
		if ($part eq "\n") {
			$self->key('Enter');
		} elsif (length $part) {
			$self->tmux('send-keys', '-l', '--', $part);
		}
	}
}

# From the clipboard: marked as pasted, where the program has asked for that.
sub paste
{
	my ($self, $text) = @_;
	my $file = SendoffTest::file_write("$self->{settings}.paste", $text);

	$self->tmux('load-buffer', $file);
	unlink $file;
	$self->tmux('paste-buffer', '-p', '-d');
}

# Keys by tmux's names: C-c, C-z, Escape, Up.
sub key
{
	my ($self, @names) = @_;

	$self->tmux('send-keys', @names);
}

sub resize
{
	my ($self, $columns, $rows) = @_;

	$self->tmux('resize-window', '-x', $columns, '-y', $rows);
	@$self{qw(columns rows)} = ($columns, $rows);
}

# ---- what a person sees: octets, UTF-8; empty lines at the end left out

sub text { return $_[0]->tmux('capture-pane', '-p') =~ s/\n+\z/\n/r =~ s/\A\n\z//r }
sub lines { return split /\n/, $_[0]->text }

# The same with its colours, as escape sequences.
sub escapes { return $_[0]->tmux('capture-pane', '-p', '-e') =~ s/\n+\z/\n/r =~ s/\A\n\z//r }

# And with what has left the screen at its top.
sub history { return $_[0]->tmux('capture-pane', '-p', '-S', '-') =~ s/\n+\z/\n/r }

# The screen, once the pattern is on it; undef when it does not come.
sub wait_for
{
	my ($self, $pattern, $seconds) = @_;
	my $text;

	return SendoffTest::wait_until(sub { ($text = $self->text) =~ $pattern }, $seconds // 10) ?
		$text : undef;
}

# ---- the terminal itself

sub stty
{
	my ($self) = @_;

	open my $out, '-|', 'stty', '-F', $self->{tty}, '-a' or die "stty: $!\n";
	my $text = do { local $/; <$out> };
	close $out or die "stty -F $self->{tty} failed\n";
	return $text;
}

sub echoes { return $_[0]->stty =~ /(?<![-\w])echo\b/ ? 1 : 0 }

# ---- the program

# What became of it: "exit 0", "signal 2", "stopped"; undef: it runs on.  The screen
# stays as it is, and so does the terminal.
sub ended
{
	my ($self, $seconds) = @_;

	return SendoffTest::wait_until(sub { -e $self->{state} }, $seconds // 10) ?
		SendoffTest::file_read($self->{state}) : undef;
}

# As fg does with one that is stopped.
sub resume
{
	my ($self) = @_;

	unlink $self->{state};
	kill 'USR1', $self->{host};
}

# Ends all of it.
sub finish
{
	my ($self) = @_;

	return if !delete $running{"$self"};
	eval { $self->tmux('kill-server') };   # which hangs up on what runs there
}

END {
	local $?;
	$_->finish for grep { $_->{owner} == $$ } values %running;
}

# ---- inside: a shell of the simplest kind, which has one job in the foreground

# Perl does not tell that a child is stopped, but then there still is one.
sub note_state
{
	my ($path, $status, $alive) = @_;
	my $words = $alive ? 'stopped' : POSIX::WIFSIGNALED($status) ?
		'signal ' . POSIX::WTERMSIG($status) : 'exit ' . POSIX::WEXITSTATUS($status);

	SendoffTest::file_write("$path.new", $words);
	rename "$path.new", $path or die "$path: $!\n";
}

sub host
{
	my ($path, @command) = @_;
	my $pid;

	delete @ENV{qw(TMUX TMUX_PANE TERM_PROGRAM TERM_PROGRAM_VERSION)};
	$SIG{TTOU} = 'IGNORE';
	pipe my $go, my $start or die "pipe: $!\n";
	$pid = fork // die "fork: $!\n";
	if (!$pid) {
		POSIX::setpgid(0, 0);
		close $start;
		sysread $go, my $octet, 1;
		$SIG{TTOU} = 'DEFAULT';
		exec { $command[0] } @command or die "$command[0]: $!\n";
	}
	POSIX::setpgid($pid, $pid);
	POSIX::tcsetpgrp(0, $pid);
	local $SIG{USR1} = sub { POSIX::tcsetpgrp(0, $pid); kill 'CONT', -$pid };
	close $start;
	while (1) {
		if ((waitpid($pid, POSIX::WNOHANG() | POSIX::WUNTRACED()) // 0) == $pid) {
			POSIX::tcsetpgrp(0, getpgrp);
			note_state($path, $?, kill(0, $pid));
		}
		sleep 0.02;
	}
}

1;
