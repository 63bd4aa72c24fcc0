#!/usr/bin/perl
# What must stay free on the disk stays free, also while a message is on it twice.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use SendoffTest;
use SendoffTest::Accept;
use SendoffTest::Runner;

SendoffTest::Runner->namespace;

my $disk = '/mnt/disk';
mkdir $disk, 0711;
system('mount', '-t', 'tmpfs', '-o', 'size=16m,mode=0711', 'tmpfs', $disk) == 0 or die "mount failed\n";
my $alice = 30001;
my $accept = accept_start(spool => "$disk/queue", people => { 0 => [ 'root' ], $alice => [ 'alice' ] },
	global => { min_free => '4M' });
my $long = "Subject: long\r\n\r\n" . (("x" x 78 . "\r\n") x (65_536));

sub hand_in { return $accept->hand_in($_[0], '<> XNOSENDER', [ 'dave@example.org' ], $_[1]) }

like(hand_in($alice, $long), qr/^250 /, 'five megabytes where there are sixteen');
like(hand_in($alice, $long), qr/^452 4\.3\.1 .*nearly full/,
	'F5: five more would leave less than four for a moment');
is(scalar($accept->entries), 1, '... and are not stored');
like(hand_in($alice, "Subject: short\r\n\r\nhi\r\n"), qr/^250 /, 'a short one finds room');

# ---- answers that nobody reads

my ($big) = grep { -s "$disk/queue/new/$_" > 1 << 20 } $accept->entries;
my %show = (do => 'show', id => "s-$big", content => JSON::PP::true);
my $slow = $accept->socket_to('control', $alice);
syswrite $slow, JSON::PP->new->encode({ v => 1, %show }) . "\n";
ok(wait_until(sub { grep { (readlink // '') =~ /\(deleted\)$/ && (-s // 0) > 6 << 20 }
	glob "/proc/$accept->{pid}/fd/*" }, 10), 'an answer of seven megabytes, unread');
my @lines = $accept->ask($alice, \%show);
is($lines[-1]{error}{kind}, 'store', 'F5: another one would leave less than four');
like($lines[-1]{error}{text}, qr/nearly full/, '... and says so');
is(scalar(@lines), 1, '... and nothing else');
$slow->blocking(1);
my $text = '';
1 while sysread $slow, $text, 65536, length $text;
like($text, qr/\{"end":true\}\n\z/, 'the first one is whole');
is($accept->stop, 0, 'it ends well');
is_deeply([ $accept->told('trouble') ], [], 'no trouble was told');
done_testing;
