#!/usr/bin/perl
# What a mail costs, where that does not depend on the speed of the machine:
# flights, instructions against a bare client, libraries, memory, transactions.
# `make bench` shows the same and more as a table.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Cost;
use SendoffTest::CostQueue;

sub within
{
	my ($name, $why, @measures) = @_;

	subtest $name => sub {
		plan skip_all => $why if $why;
		my @rows = map { $_->() } @measures;
		plan skip_all => 'this system does not tell' if !@rows;
		ok($_->{good}, "$_->{what}: $_->{bound}") or diag("it is $_->{got} ($_->{stick})") for @rows;
	};
}

my $weight = why_not_weighed();
my $count = why_not_counted();
my $trace = why_not_traced();

within('flights', undef, \&cost_flights);
within('instructions of one submission', $count, \&cost_submission);
within('instructions with the roots of the system', $count, \&cost_bundle);
within('instructions of a start', $count, \&cost_start);
within('libraries', $weight, \&cost_libraries);
within('C3: memory', $weight, sub { cost_memory(50) });
within('5000 recipients', undef, \&cost_recipients);
within('A1: a message queued', $trace, \&cost_enqueue);
within('1000 flushed', undef, sub { cost_flush(1000) });
within('none due', undef, \&cost_not_due);
within('a long queue listed', $trace, \&cost_list);

done_testing;
