#!/usr/bin/perl
# 500 callers at once at the machine's runner, of two users: C5, F5, A1, B1.  All
# are taken, in turn, and arrive once, by no more connections than the account may
# have.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use SendoffTest;
use SendoffTest::Runner;

SendoffTest::Runner->namespace;

my ($most, $each) = (2, 250);
my $server = server_start(lifetime => 600, limit_connections => $most);
my $runner = runner_start(<<'END', server => $server,
[sendoff]
domain = machine.example.test
retry = 1s 2s

[account relay]
host = 127.0.0.1
port = {port}
tls = off
timeout = 60s
END
	aliases => "root: somebody\@example.net\n");

# One shell for each user: so many pipes no process may have.
my $crowd = <<'END';
cd "$HOME" || exit 1
for i in $(seq "$2"); do
	{
		printf 'Subject: %s-%s\n\nhi\n' "$1" "$i" | sendmail root 2>err.$i
		echo "$1-$i $?" >exit.$i
	} &
done
wait
cat exit.*
END
my @runs = map { $runner->start_as_user($_, [ 'sh', '-c', $crowd, 'sh', $_, $each ], timeout => 120,
	env => { PATH => '/mnt/sendoff/bin:/usr/bin:/bin' }) } qw(alice bob);
my %exit = map { $_->finish->{out} =~ /^(\S+) (\d+)$/mg } @runs;
is(scalar keys %exit, 2 * $each, 'all have called');
my @refused = grep { $exit{$_} ne '0' } sort keys %exit;
is(scalar @refused, 0, 'C5: all are taken') or do {
	my ($who, $n) = split /-/, $refused[0];
	diag(scalar(@refused) . ' are not', file_read("/mnt/sendoff/home/$who/err.$n"));
};
ok(wait_until(sub { !$runner->queued }, 60), 'all are sent') or diag($runner->said);
my %count;
for my $k (1 .. $server->stored) {
	$count{$1}++ if $server->message($k) =~ /^Subject: (\S+)\r$/m;
}
is(join(' ', grep { ($count{$_} // 0) != 1 } sort keys %exit), '', 'A1, B1: each once');
is($server->refused, 0, 'C5: never more connections than max_connections');
is_deeply([ $server->violations ], [], 'by the rules');
done_testing;
