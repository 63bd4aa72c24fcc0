#!/usr/bin/perl
# Storing a message, with a fault at every system call: A1, A2, A3, A4.  Exit 0
# means one whole entry; every other exit, and death, none or one whole one, and
# with an exit of its own none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use SendoffTest;
use SendoffTest::Fault;
use SendoffTest::Send;

plan skip_all => 'strace may not trace here' if !SendoffTest::Fault::usable();

my $letter = letter("one\n.two\n" . 'x' x 3000 . "\n");

# One way to have a message stored: what is run, and what must then be there.
sub sweep
{
	my ($what, $config, $args, %o) = @_;
	my $first = spool_new();
	my ($r, @points) = points($args->($config->($first)), stdin => $letter, %o);
	my %seen = map { $_->[0] => 1 } @points;
	my %entries = spool_entries($first, 'new');

	is($r->{exit}, 0, "$what: stored without a fault") or diag($r->{err});
	is(join('', map { $_->{content} // "bad: $_->{bad}" } values %entries), wire($letter), '... as it is');
	ok($seen{fsync} && ($seen{renameat2} || $seen{renameat}), '... synced and renamed');
	my ($killed, $failed, $stored, $refused) = (0, 0, 0, 0);
	my @bad;
	for my $point (@points) {
		for my $way ('KILL', errors_of($point)) {
			my $spool = spool_new();
			my @run = ($args->($config->($spool)), stdin => $letter, %o);
			$r = $way eq 'KILL' ? SendoffTest::Fault::killed_at($point, @run) :
				SendoffTest::Fault::failing_at($point, $way, @run);
			# A configuration that cannot be read names no queue: then it is the usual one.
			my %new = (spool_entries($spool, 'new'), spool_entries(queue_dir(), 'new'));
			my @broken = grep { defined $_->{bad} || $_->{content} ne wire($letter) } values %new;
			my $count = keys %new;
			my $where = "$way at $point->[1]. $point->[0]: exit " . ($r->{exit} // '-') . ", signal $r->{signal}";
			$killed += $r->{signal} == 9;
			$failed += $way ne 'KILL';
			$r->{exit} == 0 && !$r->{signal} ? $stored++ : $refused++;
			push @bad, "$where: broken entries" if @broken;
			push @bad, "$where: $count entries" if $count > 1;
			push @bad, "$where: exit 0 and not stored" if !$r->{signal} && $r->{exit} == 0 && $count != 1;
			push @bad, "$where: not 0, and stored" if !$r->{signal} && $r->{exit} != 0 && $count;
			push @bad, "$where: no code of ours\n$r->{err}" if $way ne 'KILL' && (!safe($r) ||
				!grep { $r->{exit} == $_ } 0, 65, 71, 73, 74, 75, 78);
			my @left = map { glob("$_/tmp/*") } $spool, queue_dir();
			push @bad, "$where: leaves @left" if @left && !$r->{signal};
			system('rm', '-rf', $spool, queue_dir());
		}
	}
	is(join("\n", @bad), '', "A1, A2, A3, A4: $what: $killed kills and $failed errors at " . @points . ' calls');
	ok($killed > 20 && $failed > 50 && $stored > 20 && $refused > 20, '... indeed') or
		diag("$killed kills, $failed errors, $stored stored, $refused not");
}

sub queueing
{
	my ($spool) = @_;

	return account_text(host => '127.0.0.1', port => 9, global => { queue_dir => $spool, log => 'none' });
}

# What fails for ever ends all the same, and says so.
sub sweep_for_ever
{
	my ($config, $args) = @_;
	my (undef, @points) = points($args->($config->(spool_new())), stdin => $letter);
	my ($runs, @bad, %seen) = 0;

	# A kernel that has no memory for poll is waited for, as a writer to stdin is.
	for my $point (grep { !$seen{$_->[0]}++ && $_->[0] ne 'poll' } @points) {
		for my $error (grep { $_ ne 'EINTR' } errors_of($point), $point->[0] eq 'flock' ? 'EAGAIN' : ()) {
			my $spool = spool_new();
			my $r = SendoffTest::Fault::failing_from($point, $error, $args->($config->($spool)),
				stdin => $letter);
			my %new = (spool_entries($spool, 'new'), spool_entries(queue_dir(), 'new'));
			my $where = "$error from $point->[1]. $point->[0] on: exit " . ($r->{exit} // '-') . ", signal $r->{signal}";

			$runs++;
			push @bad, "$where: does not end" if $r->{signal};
			push @bad, "$where: exit 0 and not stored" if $r->{exit} == 0 && keys %new != 1;
			push @bad, "$where: not 0, and stored" if $r->{exit} != 0 && %new;
			push @bad, "$where: no word of it" if $r->{exit} != 0 && $r->{err} eq '' && $point->[0] ne 'write';
			system('rm', '-rf', $spool, queue_dir());
		}
	}
	is(join("\n", @bad), '', "A1, C1: what fails for ever ends with a word: $runs runs");
	ok($runs > 15, '... indeed');
}

my $configured = 0;
sub written { return file_write(workdir() . '/conf' . $configured++, $_[0]) }

sweep('only stored', sub { written(queueing($_[0])) }, sub { ['-C', $_[0], 'send', '--queue', 'you@example.net'] });
sweep('tried and stored', sub { written(queueing($_[0])) }, sub { ['-C', $_[0], 'send', 'you@example.net'] });

sweep_for_ever(sub { written(queueing($_[0])) }, sub { ['-C', $_[0], 'send', '--queue', 'you@example.net'] });

# A6: what cannot be read is not the end of the message.
{
	my $spool = spool_new();
	my $args = ['-C', written(queueing($spool)), 'send', '--queue', 'you@example.net'];
	my (undef, @points) = points($args, stdin => $letter);
	my @reads = grep { $_->[0] eq 'read' && $_->[2] =~ /^read\(0,/ } @points;
	ok(@reads >= 2, 'stdin is read');
	system('rm', '-rf', $spool);
	for my $point (@reads) {
		my $r = SendoffTest::Fault::failing_at($point, 'EIO', $args, stdin => $letter);
		is($r->{exit}, 74, 'A6: a read error is 74');
		is(scalar(keys %{ { spool_entries($spool, 'new') } }), 0, '... and nothing is stored');
	}
}
done_testing;
