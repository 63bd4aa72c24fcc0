#!/usr/bin/perl
# Many at once at one queue: each message is delivered once, and the server never
# sees more connections than it is to.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;
use SendoffTest::Spool;
use Time::HiRes qw(sleep time);

my $home = workdir() . '/home';

sub id { return "<$_[0]\@example.test>" }
sub once { return { map { id($_) => { 'you@example.net' => 1 } } @_ } }
sub ids { my @ids = spool_ids(queue_dir(), $_[0] // 'new'); return @ids }
sub message { return letter("$_[0]\n.\n", 'Message-ID' => id($_[0])) }

# What is in the queue by a perl writer: it costs no time.
sub put
{
	my ($config, $k, $name) = @_;
	my $id = 'q' . join '', map { substr 'abcdefghijklmnopqrstuvwxyz234567', $_, 1 } map { ($k >> 5 * $_) & 31 } 0 .. 10;

	mkdir $_, 0700 for map { "$home/$_" } qw(.local .local/state .local/state/sendoff);
	spool_put(queue_dir(), $id, config => $config, content => wire(message($name)));
}

subtest 'B5: 20 flushers on 60 messages' => sub {
	my $s = server_start(limit_connections => 2, at => 'CONTENT delay 5');
	my $config = account($s);
	my @names = map { sprintf 'm%02d', $_ } 1 .. 60;
	put($config, $_, $names[$_ - 1]) for 1 .. 60;
	my @runs = finish_all(map { start_sendoff(['-C', $config, 'queue', 'flush'], timeout => 90) } 1 .. 20);

	is(scalar(grep { !safe($_) } @runs), 0, 'C1: each ends');
	is_deeply([grep { $_ != 0 && $_ != 75 } map { $_->{exit} } @runs], [], 'G1: with 0, or 75 where others were at it');
	is_deeply($s->copies, once(@names), 'B5: 60 deliveries');
	is(scalar(ids()), 0, 'A1: nothing is left');
	is($s->refused, 0, 'C5: never one connection too many');
	cmp_ok($s->peak, '<=', 2, 'C5: max_connections');
	is_deeply([$s->violations], [], 'E6: by the rules');
	$s->stop;
};

subtest 'B5, C5: 20 flushers and 100 senders' => sub {
	queue_empty();
	my $s = server_start(limit_connections => 2);
	my $config = account($s, connect_timeout => '20s', timeout => '20s');
	my @old = map { sprintf 'old%02d', $_ } 1 .. 60;
	my @new = map { sprintf 'new%03d', $_ } 1 .. 100;
	put($config, $_, $old[$_ - 1]) for 1 .. 60;
	my @starts = ((map { my $name = $_; sub { start_sendoff(['-C', $config, 'send', 'you@example.net'], stdin => message($name), timeout => 120) } } @new),
		map { sub { start_sendoff(['-C', $config, 'queue', 'flush'], timeout => 120) } } 1 .. 20);
	# Mixed, and the same each time.
	@starts = map { $starts[$_ * 77 % 120] } 0 .. 119;
	my @runs = finish_all(map { $_->() } @starts);
	my @sent = map { $runs[$_] } grep { $_ * 77 % 120 < 100 } 0 .. 119;

	is(scalar(grep { !safe($_) } @runs), 0, 'C1: each ends');
	is_deeply([grep { $_->{exit} != 0 } @sent], [], 'A1: each sender: 0, taken or stored');
	ok(wait_until(sub { !ids() }, 60), 'A1: whoever found no connection free is sent all the same') or diag(join ' ', ids());
	is_deeply($s->copies, once(@old, @new), 'B1, B5: each message once');
	is($s->refused, 0, 'C5: never one connection too many');
	cmp_ok($s->peak, '<=', 2, 'C5: max_connections');
	is_deeply([$s->violations], [], 'E6: by the rules');
	is_deeply([map { ids($_) } qw(hold failed damaged)], [], 'nothing was set aside');
	is_deeply([glob(queue_dir() . '/{tmp,control}/*')], [], 'A3: nothing else is left');
	my $queued = grep { $_->{err} =~ /queued as/ } @sent;
	note("$queued of 100 were stored first, ", $s->connections, ' connections');
	$s->stop;
};

subtest 'C5: 100 senders, and nobody to flush' => sub {
	queue_empty();
	my $s = server_start(limit_connections => 1);
	my $config = account($s, connect_timeout => '20s', timeout => '20s', max_connections => 1);
	my @names = map { sprintf 'm%03d', $_ } 1 .. 100;
	my @runs = finish_all(map { start_sendoff(['-C', $config, 'send', 'you@example.net'], stdin => message($_), timeout => 120) } @names);

	is_deeply([grep { $_->{exit} != 0 } @runs], [], 'A1: each: 0');
	ok(wait_until(sub { !ids() }, 60), 'A1: what was stored is sent by those who had a connection') or diag(join ' ', ids());
	is_deeply($s->copies, once(@names), 'B1: each message once');
	is($s->refused, 0, 'C5: never one connection too many');
	is($s->peak, 1, 'C5: max_connections');
	$s->stop;
};

done_testing;
