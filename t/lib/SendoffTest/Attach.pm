package SendoffTest::Attach;

# strace(1) attached to processes that run already: what they call, and a fault
# at one of these calls.
#
#	my $trace = SendoffTest::Attach->new([@threads], '-e', 'trace=all');
#	...
#	my %calls = $trace->end;             # thread => [ names ], in order
#
# A thread that is named is traced alone; with '-f' so are all of its process.

use strict;
use warnings;

use POSIX qw(:sys_wait_h);

use SendoffTest ();

my %running;
my $count = 0;

sub threads_of
{
	my ($pid) = @_;

	return sort { $a <=> $b } map { m{(\d+)$} } glob "/proc/$pid/task/[0-9]*";
}

sub is_traced
{
	my ($thread) = @_;

	open my $in, '<', "/proc/$thread/status" or return 1;   # gone: nothing to wait for
	local $/;
	return (<$in> // '') =~ /^TracerPid:\t[1-9]/m;
}

# Returns when it is attached to all of them.
sub new
{
	my ($class, $threads, @options) = @_;
	my $self = bless { owner => $$, log => SendoffTest::workdir() . '/attach' . $count++ }, $class;

	$self->{pid} = fork // die "fork: $!\n";
	if (!$self->{pid}) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '/dev/null';
		open STDERR, '>&', \*STDOUT;
		exec 'strace', '-qq', '-s', 8, '-o', $self->{log}, @options, map { ('-p', $_) } @$threads
			or POSIX::_exit(127);
	}
	$running{ $self->{pid} } = $self;
	SendoffTest::wait_until(sub { !(grep { !is_traced($_) } @$threads) || $self->ended }, 10);
	return $self;
}

sub ended
{
	my ($self) = @_;

	return 1 if !$running{ $self->{pid} };
	return 0 if waitpid($self->{pid}, WNOHANG) == 0;
	delete $running{ $self->{pid} };
	return 1;
}

# Lets go of them; the names of the calls that each has made.  The log of a
# single thread does not name it: then its number is 0.
sub end
{
	my ($self) = @_;
	my %calls;

	kill 'INT', $self->{pid} if !$self->ended;
	if (!SendoffTest::wait_until(sub { $self->ended }, 5)) {
		kill 'KILL', $self->{pid};
		waitpid $self->{pid}, 0;
		delete $running{ $self->{pid} };
	}
	if (-e $self->{log}) {
		for my $line (split /\n/, SendoffTest::file_read($self->{log})) {
			push @{ $calls{ $1 // 0 } }, $2 if $line =~ /^(?:(\d+) +)?(\w+)\(/;
		}
		unlink $self->{log};
	}
	return %calls;
}

# Each of these calls by its name and which of that name it is, as strace counts.
sub points
{
	my (@names) = @_;
	my %count;

	return map { [ $_, ++$count{$_} ] } @names;
}

END {
	local $?;
	for my $self (grep { $_->{owner} == $$ } values %running) {
		kill 'INT', $self->{pid};
		waitpid $self->{pid}, 0;
	}
}

1;
