#!/usr/bin/perl
# Flushing three messages, killed at every system call, and flushed again: each
# arrives once.  Twice only where death fell between the server's answer and the
# mark behind it: B2, A1, B1.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use SendoffTest;
use SendoffTest::Fault;
use SendoffTest::Send;

plan skip_all => 'strace may not trace here' if !SendoffTest::Fault::usable();

my $configured = 0;

sub config_for
{
	my ($server, $spool, %keys) = @_;

	return file_write(workdir() . '/conf' . $configured++, account_text(host => '127.0.0.1', port => $server->port,
		global => { queue_dir => $spool, log => 'none', retry => '10ms 20ms', delay_notice => '0s' }, %keys));
}

# So many messages, in the order of their subjects.
sub queue_of
{
	my ($server, $count, @rcpts) = @_;
	my $spool = spool_new();
	my $config = config_for($server, $spool);

	for my $n (1 .. $count) {
		my $r = run_sendoff(['-C', $config, 'send', '--queue', @rcpts], stdin => letter("$n\n", Subject => $n,
			'Message-ID' => "<$n\@example.test>"));
		die "not queued: $r->{err}" if $r->{exit};
	}
	return $spool;
}

# What arrived behind that many: how often each subject; with each, how often for each recipient.
sub arrived
{
	my ($server, $from, $each) = @_;
	my %count;

	for my $k ($from + 1 .. $server->stored) {
		my ($subject) = $server->message($k) =~ /^Subject: (\S+)/m;
		my @whose = $each ? map { " $_" } @{ $server->envelope($k)->{recipients} } : '';
		$count{($subject // 'none') . $_}++ for @whose;
	}
	return %count;
}

sub flush { my ($config, %o) = @_; return run_sendoff(['-C', $config, 'queue', 'flush'], %o) }

# A config by another name has another spool; entries name the first: they are
# sent by the configuration in force.
sub sweep
{
	my ($what, $count, $rcpts, $expected, %o) = @_;
	my $server = server_start(lifetime => 600, at => $o{at} // [], %{ $o{server} // {} });
	my $mark = $o{each} ? qr/^(?:write|unlinkat)$/ : qr/^(?:unlinkat|renameat2?)$/;
	my $spool = queue_of($server, $count, @$rcpts);
	my $copy = spool_copy($spool);
	my ($r, @points) = points(['-C', config_for($server, $copy, %{ $o{keys} // {} }), 'queue', 'flush']);
	my %first = arrived($server, 0, $o{each});

	is_deeply(\%first, $expected, "$what: without a fault");
	my (@bad, %twice, $window);
	my $in_window = 0;
	for my $i (0 .. $#points) {
		my $point = $points[$i];
		my $at = spool_copy($spool);
		my $config = config_for($server, $at, %{ $o{keys} // {} });
		my $before = $server->stored;
		my $where = ($i + 1) . ", $point->[1]. $point->[0]";

		SendoffTest::Fault::killed_at($point, ['-C', $config, 'queue', 'flush']);
		for (1 .. 3) {
			my @waiting = glob("$at/new/*");
			last if !@waiting;
			flush($config);
		}
		my %now = arrived($server, $before, $o{each});
		my @left = glob("$at/new/*");
		my @more = grep { ($now{$_} // 0) > $expected->{$_} } keys %$expected;
		my @less = grep { ($now{$_} // 0) < $expected->{$_} } keys %$expected;
		push @bad, "$where: lost @less" if @less;
		push @bad, "$where: left @left" if @left;
		push @bad, "$where: unknown mail" if grep { !exists $expected->{$_} } keys %now;
		push @bad, "$where: @more more than once too often" if grep { $now{$_} > $expected->{$_} + 1 } @more;
		$twice{$_}++ for @more;
		# The last content is out, or its answer is being read; the mark is the next call.
		push @bad, "$where: a second copy, and it is not the window: $point->[2]"
			if @more && $point->[0] !~ /^(?:recvfrom|recvmsg|read|poll|sendto|sendmsg)$/ && $point->[0] !~ $mark;
		$in_window++ if @more;
		push @bad, "$where: in failed/ " . join(' ', glob("$at/failed/*"))
			if scalar(my @f = glob("$at/failed/*")) != ($o{failed} // 0);
		system('rm', '-rf', $at);
	}
	is(join("\n", @bad), '', "B1, B2: $what: killed at each of " . @points . ' calls');
	ok($in_window <= ($o{window} // 3) * $count, "B2: ... the window is small: $in_window calls for $count messages");
	note("second copies: " . join(', ', map { "$_: $twice{$_}" } sort keys %twice));
	is_deeply([$server->violations], [], '... by the rules');
	$server->stop;
}

sweep('one recipient each', 3, ['you@example.net'], { 1 => 1, 2 => 1, 3 => 1 });
# The mark of the first may be synced while the content of the second is on its way: some calls more.
sweep('two transactions', 2, ['a@example.net', 'b@example.net', 'c@example.net'], { 1 => 2, 2 => 2 },
	keys => { max_recipients => 2 }, window => 10);
sweep('by BDAT', 2, ['you@example.net'], { 1 => 1, 2 => 1 }, keys => { chunking => 'yes' });
sweep('one of three refused for good', 1, ['a@example.net', 'bad@example.net', 'c@example.net'], { 1 => 1, Your => 1 },
	at => ['RCPT=bad@example.net reply "550 5.1.1 no such user"'], window => 6, failed => 1);
# A mark for each: who has it is never tried again but for the window of his own.
sweep('LMTP, three recipients', 2, ['a@example.net', 'b@example.net', 'c@example.net'],
	{ map { my $n = $_; map { ("$n $_\@example.net" => 1) } qw(a b c) } 1, 2 }, each => 1, window => 9,
	keys => { protocol => 'lmtp' }, server => { lmtp => 1, one_by_one => 1 });
done_testing;
