package SendoffTest::Fault;

# A fault at every system call of a run: killed there, or told that the call
# failed.  strace(1) injects it; the points are those of a run without a fault,
# from the first thing that main does, so that the loader is left alone.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Exporter 'import';

use SendoffTest;
use SendoffTest::Run;

our @EXPORT = qw(points killed_at failing_at failing_from errors_of spool_new spool_entries spool_copy entry_id);

# Needed: strace that may trace, which a container may forbid.
sub usable
{
	return system('strace -qq -o /dev/null true >/dev/null 2>&1') == 0;
}

my $runs = 0;

sub command
{
	my ($options, $args, %o) = @_;

	return ('strace', '-qq', @$options, SendoffTest::Run::program($o{name} // 'sendoff'), @$args);
}

# The calls of such a run, in order: [NAME, which of that name it is, the line].
sub points
{
	my ($args, %o) = @_;
	my $log = workdir() . '/trace' . $runs++;
	my $r = run_sendoff([], %o, command => [command(['-o', $log], $args, %o)]);
	my (%count, @points);
	my $main = 0;

	for my $line (split /\n/, file_read($log)) {
		next if $line !~ /^(\w+)\(/;
		$count{$1}++;
		$main ||= $1 eq 'setitimer';
		push @points, [$1, $count{$1}, $line] if $main && $1 !~ /^exit/;
	}
	unlink $log;
	return ($r, @points);
}

sub inject
{
	my ($point, $what, $args, %o) = @_;
	my ($name, $n) = @$point;

	return run_sendoff([], %o, command => [command(['-o', '/dev/null', '-e', "trace=$name",
		'-e', "inject=$name:$what:when=$n"], $args, %o)]);
}

# Killed as it enters that call.
sub killed_at { my ($point, @rest) = @_; return inject($point, 'signal=KILL', @rest) }

# That call fails; it is not made.
sub failing_at { my ($point, $error, @rest) = @_; return inject($point, "error=$error", @rest) }

# That call fails, and each of its name after it.
sub failing_from
{
	my ($point, $error, @rest) = @_;

	return inject([$point->[0], "$point->[1]+"], "error=$error", @rest);
}

# How a call can fail in this world; calls that are not here are left alone.
my %errors = (
	write => [qw(ENOSPC EIO EDQUOT EFBIG EINTR)], pwrite64 => [qw(ENOSPC EIO)], fsync => [qw(EIO ENOSPC EDQUOT)],
	openat => [qw(EMFILE ENOSPC EROFS EACCES EIO)], mkdirat => [qw(ENOSPC EROFS)], mkdir => [qw(ENOSPC EROFS)],
	renameat => [qw(EIO ENOSPC)], renameat2 => [qw(EIO ENOSPC ENOSYS EINVAL)], unlinkat => [qw(EIO EROFS)],
	linkat => [qw(EIO)], flock => [qw(ENOLCK EINTR)], fcntl => [qw(ENOLCK)], close => [qw(EIO)],
	newfstatat => [qw(EIO)], fstat => [qw(EIO)], lseek => [qw(EIO)], read => [qw(EIO EINTR)], pread64 => [qw(EIO)],
	getrandom => [qw(EINTR ENOSYS)], getdents64 => [qw(EIO)], socket => [qw(EMFILE ENOBUFS)],
	connect => [qw(ECONNREFUSED ENETUNREACH EINTR)], sendto => [qw(ECONNRESET EINTR)],
	recvfrom => [qw(ECONNRESET EINTR)], poll => [qw(EINTR ENOMEM)], ftruncate => [qw(EIO)], copy_file_range => [qw(EIO)],
);

sub errors_of { my ($point) = @_; return @{ $errors{ $point->[0] } // [] } }

# ---- what is in a spool

# A fresh place for one; made when the program first needs it.
sub spool_new
{
	return workdir() . '/spool' . $runs++;
}

sub spool_copy
{
	my ($from) = @_;
	my $to = spool_new();

	system('cp', '-a', $from, $to) == 0 or die "cp: $?\n";
	return $to;
}

sub entry_id { my ($path) = @_; return $path =~ s{.*/}{}r }

# The entries of a state: path => { content => octets }, or { bad => why } where
# it is not whole.
sub spool_entries
{
	my ($spool, $state) = @_;
	my %entries;

	for my $path (glob("$spool/$state/*")) {
		my $text = file_read($path);
		my ($length, $digest, $rest) = $text =~ /\Asendoff-message 1\nlength (\d{20})\nsha256 ([0-9a-f]{64})\n(.*)\z/s;
		$entries{$path} = !defined $rest ? { bad => 'its front' } : length $rest != $length ? { bad => 'its length' } :
			sha256_hex($rest) ne $digest ? { bad => 'its digest' } : { content => $rest =~ s/\A.*?\n\n//sr, head => $rest };
	}
	return %entries;
}

1;
