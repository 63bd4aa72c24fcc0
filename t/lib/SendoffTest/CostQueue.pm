package SendoffTest::CostQueue;

# What the queue costs, in what can be counted: syncs, system calls, round trips.
# Rows as those of SendoffTest::Cost.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Exporter 'import';
use List::Util qw(sum);

use SendoffTest;
use SendoffTest::Cost qw(row ours die_of text_of calls_of);
use SendoffTest::Send;
use SendoffTest::Spool;

our @EXPORT = qw(cost_enqueue cost_flush cost_not_due cost_list);

# So many messages in the queue of the test's user, the first one the oldest.
sub fill
{
	my ($many, %o) = @_;
	my $start = time - $many;

	make_queue();
	for my $i (1 .. $many) {
		# In no order, as ids are.
		my $id = substr(sha256_hex($i), 0, 12) =~ tr/0-9/g-p/r;

		spool_put(queue_dir(), $id, created => $start + $i,
			content => wire(letter(text_of(2000), 'Message-ID' => "<$i\@example.test>")), %o);
	}
	# A directory that was changed just now is not believed to be as it was.
	utime $start, $start, queue_dir() . '/control';
}

# A home may not have what its queue stands in.
sub make_queue
{
	my $path = workdir() . '/home';

	for my $part ('', qw(/.local /state /sendoff /queue)) {
		$path .= $part;
		mkdir $path, 0700;
	}
}

# Nothing but the file and the two directories is synced, and no program is run
# for it.  The first message makes the queue, the second is what counts.
sub cost_enqueue
{
	my @command = (ours(), '-C', account(nobody(), tls => 'implicit'), 'send', '--queue',
		'you@example.net');
	my $letter = letter(text_of(2000));
	my ($calls, $syncs, $writes, $runs);

	calls_of(\@command, stdin => $letter);
	$calls = calls_of(\@command, stdin => $letter);
	die "not queued\n" if queued() != 2;
	queue_empty();
	$syncs = $calls->{fsync} // 0;
	$syncs += $calls->{$_} // 0 for qw(fdatasync sync syncfs sync_file_range);
	$writes = ($calls->{write} // 0) + ($calls->{writev} // 0);
	$runs = ($calls->{execve} // 0) + ($calls->{clone} // 0) + ($calls->{fork} // 0) +
		($calls->{vfork} // 0) + ($calls->{clone3} // 0);
	return (row('queueing: syncs', $syncs, 'the file, two directories', 3, $syncs == 3),
		row('writes', $writes, 'the file, a line on stderr', '<= 2', $writes <= 2),
		row('programs and processes started', $runs, 'itself', 1, $runs == 1));
}

# Flights, and connections, of a flush: as many as the longest connection has.
sub flush
{
	my ($many, $connections, %o) = @_;
	my $server = server_start(settle => 4, lifetime => 120);
	my $config = account($server, max_connections => $connections, %o);
	my ($r, $used, @flights);

	fill($many);
	$r = run_sendoff(['-C', $config, 'queue', 'flush'], timeout => 100);
	die_of('queue flush', $r) if $r->{exit} // 1;
	$server->idle(10);
	$used = $server->connections;
	@flights = sort { $b <=> $a } map { $server->flights($_) } 1 .. $used;
	die "not flushed: $r->{err}\n" if queued() || $server->stored != $many;
	$server->stop;
	queue_empty();
	return ($used, $flights[0]);
}

sub cost_flush
{
	my ($many) = @_;
	my @rows;

	for my $case ([ 1, 1, 'DATA' ], [ 2, 1, 'DATA' ], [ 1, 0.5, 'BDAT', chunking => 'yes' ]) {
		my ($most, $each, $how, @keys) = @$case;
		my ($connections, $flights) = flush($many, $most, @keys);
		# Of two, one may be a little quicker than the other.
		my $bound = $many * $each / $most * ($most > 1 ? 1.1 : 1) + 20;

		push @rows, row("$many flushed, $how: connections", $connections, '',
				"<= $most", $connections >= 1 && $connections <= $most),
			row('round trips', $flights, 'of the longest connection', "<= $bound",
				$flights <= $bound);
	}
	return @rows;
}

# Whose time has not come costs no connection.
sub cost_not_due
{
	my $server = server_start();
	my $config = account($server);
	my ($r, $connections);

	fill(20, not_before => time + 3600);
	$r = run_sendoff(['-C', $config, 'queue', 'flush']);
	die_of('queue flush', $r) if $r->{exit} // 1;
	$connections = $server->connections;
	die "not there any more\n" if queued() != 20;
	$server->stop;
	queue_empty();
	return row('none due: connections', $connections, '', 0, $connections == 0);
}

# What a message adds to a listing that is too long to be sorted.
sub cost_list
{
	my ($few, $more) = (4200, 1000);
	my @command = (ours(), '-C', account(nobody()), 'queue', 'list');
	my (@sum, $each);

	for my $many ($few, $few + $more) {
		my $calls;

		fill($many);
		$calls = calls_of(\@command, stdin => '');
		push @sum, sum(map { $calls->{$_} } grep { $_ ne 'total' } keys %$calls);
		queue_empty();
	}
	$each = ($sum[1] - $sum[0]) / $more;
	return row('listing: system calls for each message', sprintf('%.2f', $each),
		"$sum[0] for $few, $sum[1] with $more more", '<= 6.2', $each <= 6.2);
}

1;
