package SendoffTest::Run;

# One run of sendoff: always with a deadline, always reaped.

use strict;
use warnings;

use Errno qw(EAGAIN EINTR);
use IO::Select;
use POSIX qw(:sys_wait_h);
use Test::Builder;
use Time::HiRes qw(sleep time);

use SendoffTest::Secrets;

my %running;

# What sanitizers and coverage need to find passes through; everything else of
# the environment is ours.
my @passed = grep { exists $ENV{$_} }
	qw(ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS TSAN_OPTIONS LLVM_PROFILE_FILE GCOV_PREFIX TMPDIR);

sub environment
{
	my ($extra) = @_;
	my %env = (
		PATH => '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
		HOME => SendoffTest::workdir() . '/home', LC_ALL => 'C.UTF-8', USER => 'tester',
		(map { $_ => $ENV{$_} } @passed), %{ $extra // {} }
	);

	delete $env{$_} for grep { !defined $env{$_} } keys %env;
	return %env;
}

# The program under the name it is to see; the name decides its mode.
sub program
{
	my ($name) = @_;
	my $binary = $ENV{SENDOFF} // SendoffTest::build() . '/sendoff';
	my $link = SendoffTest::workdir() . "/bin/$name";

	mkdir SendoffTest::workdir() . '/bin', 0700;
	if (!-l $link) {
		symlink $binary, $link or die "$link: $!\n";
	}
	return $link;
}

# Options: stdin (bytes; default none), stdin_file, stdin_open (leave the pipe
# open for write()), env, name, timeout, cwd, before (a function called in the
# child before exec), command (a list instead of sendoff and its arguments), tells
# (its output may hold a secret of the test: it is not sendoff's).
sub start
{
	my ($class, $args, %o) = @_;
	my @wrap = split ' ', $ENV{SENDOFF_WRAP} // '';
	my @command = $o{command} ? @{ $o{command} } : (@wrap, program($o{name} // 'sendoff'), @$args);
	my %env = environment($o{env});
	my $self = bless {
		timeout => $o{timeout} // 20, started => time, in => $o{stdin} // '',
		keep_open => $o{stdin_open}, out => '', err => '', command => "@command", tells => $o{tells}
	}, $class;

	SendoffTest::Secrets::known(map { $env{$_} } grep { /(?:PASSWORD|SECRET|TOKEN)$/ } keys %env);

	pipe(my $in_read, my $in_write) or die "pipe: $!\n";
	pipe(my $out_read, my $out_write) or die "pipe: $!\n";
	pipe(my $err_read, my $err_write) or die "pipe: $!\n";
	my $pid = fork;
	die "fork: $!\n" if !defined $pid;
	if (!$pid) {
		child(\@command, \%env, \%o, $in_read, $out_write, $err_write);
		POSIX::_exit(127);
	}
	@$self{qw(pid stdin stdout stderr)} = ($pid, $in_write, $out_read, $err_read);
	$_->blocking(0) for $in_write, $out_read, $err_read;
	$running{$pid} = $self;
	return $self;
}

sub child
{
	my ($command, $env, $o, $in, $out, $err) = @_;

	setpgrp;
	if ($o->{stdin_file}) {
		open($in, '<', $o->{stdin_file}) or return warn "$o->{stdin_file}: $!\n";
	}
	POSIX::dup2(fileno $in, 0);
	POSIX::dup2(fileno $out, 1);
	POSIX::dup2(fileno $err, 2);
	chdir($o->{cwd} // SendoffTest::workdir()) or return warn "chdir: $!\n";
	%ENV = %$env;
	$SIG{$_} = 'DEFAULT' for qw(PIPE CHLD INT TERM HUP);
	$o->{before}->() if $o->{before};
	no warnings 'exec';
	exec { $command->[0] } @$command or syswrite STDERR, "exec $command->[0]: $!\n";
}

sub pid { return $_[0]{pid} }

sub kill
{
	my ($self, $signal) = @_;

	return CORE::kill($signal, $self->{pid});
}

# More for its stdin; close_stdin() ends it.
sub write
{
	my ($self, $bytes) = @_;

	$self->{in} .= $bytes;
	$self->turn(0);
}

sub close_stdin
{
	my ($self) = @_;

	$self->{keep_open} = 0;
	$self->turn(0);
}

sub feed
{
	my ($self) = @_;
	local $SIG{PIPE} = 'IGNORE';

	if (length $self->{in}) {
		my $n = syswrite $self->{stdin}, $self->{in}, 65536;
		if (defined $n) {
			substr($self->{in}, 0, $n, '');
		} elsif ($! != EAGAIN && $! != EINTR) {
			$self->{in} = '';
			$self->{keep_open} = 0;
		}
	}
	if (!length $self->{in} && !$self->{keep_open}) {
		close delete $self->{stdin};
	}
}

sub drain
{
	my ($self, $handle) = @_;
	my $which = $self->{stdout} && $handle == $self->{stdout} ? 'out' : 'err';
	my $n = sysread $handle, $self->{$which}, 65536, length $self->{$which};

	if (defined $n && $n == 0) {
		close delete $self->{"std$which"};
	}
}

# Moves octets for at most so many seconds.
sub turn
{
	my ($self, $seconds) = @_;
	my @reads = grep { $_ } @$self{qw(stdout stderr)};
	my $writes = $self->{stdin} && (length $self->{in} || !$self->{keep_open}) ?
		IO::Select->new($self->{stdin}) : undef;
	my ($readable, $writable) = IO::Select->select(@reads ? IO::Select->new(@reads) : undef,
		$writes, undef, $seconds);

	$self->feed if @{ $writable // [] };
	$self->drain($_) for @{ $readable // [] };
}

sub reap
{
	my ($self, $flags) = @_;

	return 1 if !$running{ $self->{pid} };
	return 0 if waitpid($self->{pid}, $flags) != $self->{pid};
	$self->{status} = $?;
	$self->{ended} = time;
	delete $running{ $self->{pid} };
	return 1;
}

# Waits for its end, at most timeout seconds from its start; then it is killed.
sub finish
{
	my ($self, %o) = @_;
	my $end = ($o{timeout} ? time : $self->{started}) + ($o{timeout} // $self->{timeout});
	my $grace;

	while (1) {
		if ($self->reap(WNOHANG)) {
			# Something it left behind may hold the pipes: that is not waited for long.
			$grace //= time + 0.2;
			last if !$self->{stdout} && !$self->{stderr} || time >= $grace;
		} elsif (time >= $end) {
			$self->{timed_out} = 1;
			CORE::kill('KILL', -$self->{pid});
			CORE::kill('KILL', $self->{pid});
			$self->reap(0);
			next;
		}
		$self->turn(0.01);
	}
	delete @$self{qw(stdin stdout stderr)};
	$self->search if !$self->{tells};
	return {
		exit => $self->{timed_out} ? undef : $self->{status} >> 8,
		signal => $self->{status} & 127, out => $self->{out}, err => $self->{err},
		seconds => $self->{ended} - $self->{started}, timed_out => $self->{timed_out} ? 1 : 0
	};
}

# D9: nothing that the test knows as a secret.  No test where all is well, so that it may
# be anywhere in a test.
sub search
{
	my ($self) = @_;
	my $test = Test::Builder->new;

	for my $output (qw(out err)) {
		for my $secret (SendoffTest::Secrets::found($self->{$output})) {
			local $Test::Builder::Level = $Test::Builder::Level + 2;
			$test->ok(0, "D9: no secret in what a run wrote to its std$output");
			$test->diag("'$secret' is in the output of: $self->{command}");
		}
	}
}

sub end_all
{
	for my $self (values %running) {
		CORE::kill('KILL', -$self->{pid});
		CORE::kill('KILL', $self->{pid});
		$self->reap(0);
	}
}

1;
