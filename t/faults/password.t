#!/usr/bin/perl
# The password that `sendoff login` stores, with a fault at every system call: the file of
# password_file is the old one or the new one, whole, and exit 0 means the new one.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Fault;

plan skip_all => 'strace may not trace here' if !SendoffTest::Fault::usable();

my ($old, $new) = ('the old geheim-1', 'the new geheim-2');
my $dir = workdir() . '/place';
my $file = "$dir/password";
my $config = config("[account work]\nhost = localhost\nuser = me\npassword_file = $file\n");
my @run = ([ '-C', $config, 'login', 'work' ], stdin => "$new\n");

mkdir $dir, 0700;
SendoffTest::Secrets::known($old, $new);
SendoffTest::Secrets::own($_) for $file, "$dir/.password.new";

my ($r, @points) = points(@run);
is($r->{exit}, 0, 'stored without a fault') or diag($r->{err});
my ($killed, $failed, $stored, $kept, @bad) = (0, 0, 0, 0);
for my $point (@points) {
	for my $way ('KILL', errors_of($point)) {
		my $where = "$way at $point->[1]. $point->[0]";

		file_write($file, "$old\n", 0600);
		$r = $way eq 'KILL' ? SendoffTest::Fault::killed_at($point, @run) : SendoffTest::Fault::failing_at($point, $way, @run);
		my $there = eval { file_read($file) } // 'nothing';
		my @left = grep { $_ ne $file } glob("$dir/* $dir/.[a-z]*");
		$way eq 'KILL' ? $killed++ : $failed++;
		$there eq "$new\n" ? $stored++ : $kept++;
		push @bad, "$where: what is there is neither" if $there ne "$old\n" && $there ne "$new\n";
		push @bad, "$where: others can read it" if grep { (stat $_)[2] & 077 } $file, @left;
		push @bad, "$where: exit 0, and the old one" if !$r->{signal} && $r->{exit} == 0 && $there ne "$new\n";
		push @bad, "$where: exit $r->{exit}, and not a word" if !$r->{signal} && $r->{exit} && $r->{err} !~ /^sendoff: \S.*\n/;
		# Only where removing it is what fails, and behind a kill.
		push @bad, "$where: leaves @left" if @left && !$r->{signal} && $point->[0] ne 'unlinkat';
		next if !$r->{signal} && $r->{exit} == 0;
		push @bad, "$where: in the way of the next one" if run_sendoff(@run)->{exit} != 0 ||
			file_read($file) ne "$new\n" || glob("$dir/.[a-z]*");
	}
}
is(join("\n", @bad), '', "A1, A3, A4: $killed kills and $failed errors at " . @points . ' calls');
ok($killed > 20 && $failed > 20 && $stored > 5 && $kept > 20, '... indeed') or diag("$killed, $failed, $stored, $kept");

done_testing;
