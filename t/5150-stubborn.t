#!/usr/bin/perl
# One message, whatever is the matter with it, neither stops the others nor goes
# out once more than it must.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Send;
use SendoffTest::Spool;

my $number = 0;

# An empty queue; mail of ours has a number as its Message-ID.
sub fresh
{
	system 'rm', '-rf', queue_dir();
	system 'mkdir', '-p', queue_dir();
}

sub id { return "<$_[0]\@example.test>" }

sub put
{
	my ($name, %o) = @_;
	my $body = delete $o{body} // "text\n";

	spool_put(queue_dir(), $name x 12,
		content => wire(letter($body, 'Message-ID' => id($name))), %o);
}

sub flush
{
	my ($config, @words) = @_;

	return run_sendoff(['-C', $config, 'queue', 'flush', @words]);
}

# ---- a moment that no clock will show (XHOLD, or by hand)

{
	my $server = server_start();
	my $config = account($server);

	fresh();
	put('a', not_before => '9223372036854775807');
	put('b', not_before => '253402300799');
	put('c');
	my $watcher = start_sendoff(['-C', $config, 'queue', 'watch'], timeout => 30);
	ok(wait_until(sub { $server->stored == 1 }, 10), 'F5 a message for never stops nobody else\'s');
	is_deeply($server->copies, { id('c') => { 'you@example.net' => 1 } }, 'and does not go itself');
	$watcher->kill('TERM');
	is($watcher->finish->{exit}, 0, 'the watcher ends well');
	is_deeply([spool_ids(queue_dir(), 'new')], ['a' x 12, 'b' x 12], 'both wait');
}

# ---- a queue that cannot be written: what was sent could not be noted

{
	my $server = server_start(at => ['RCPT:1+=later@example.net reply "451 4.2.0 not now"']);
	my $config = account($server);

	fresh();
	put('a', to => ['you@example.net', 'later@example.net']);
	put('b', to => ['b@example.net']);
	for (1 .. 3) {
		my $r = run_sendoff([], command => ['sh', '-c', 'ulimit -f 0; exec "$@"', 'sh',
			build() . '/sendoff', '-C', $config, 'queue', 'flush']);

		is($r->{exit}, 75, 'a message for two cannot be marked') or diag($r->{err});
	}
	is_deeply($server->copies, { id('b') => { 'b@example.net' => 1 } },
		'B1 and does not go out each time; one that only has to be removed goes');
	flush($config);
	is_deeply($server->copies, { id('b') => { 'b@example.net' => 1 },
		id('a') => { 'you@example.net' => 1 } }, 'it does when there is room again');
}

# ---- a sender that the server does not accept

{
	my $server = server_start(at => ['MAIL:1+=no@example.test reply "550 5.7.1 not yours"'], user => 'me', password => 'p');
	my $config = account($server, user => 'me', password => 'p', allow_clear_password => 'yes', from => undef,
		global => { retry => '1h 4h' });

	fresh();
	put($_, sender => 'no@example.test') for 'a' .. 'h';
	put('z');
	my $watcher = start_sendoff(['-C', $config, 'queue', 'watch'], timeout => 30);
	ok(wait_until(sub { $server->stored == 1 }, 10), 'a sender that is refused keeps no other from being served');
	sleep 3;
	$watcher->kill('TERM');
	$watcher->finish;
	cmp_ok($server->connections, '<=', 2, 'C9 nor is each of his messages a login of its own');
	is(scalar(grep { join(' ', spool_control(queue_dir(), $_ x 12)) =~ /cause sender-refused/ } 'a' .. 'h'), 8,
		'all of them wait, and say why');
}

# ---- refused for one, late for the other

{
	my $server = server_start(at => ['RCPT:1+=no@example.net reply "550 5.1.1 unknown"',
		'RCPT:1=later@example.net reply "451 4.2.0 not now"']);
	my $config = account($server);

	fresh();
	put('a', to => ['no@example.net', 'later@example.net'], sender => '');
	is(flush($config)->{exit}, 75, 'one is refused, one has to wait');
	my $r = flush($config);
	is($r->{exit}, 0, 'which gets it then') or diag($r->{err});
	like($r->{err}, qr/^sent 1$/, 'and that is what is told');
	is_deeply([spool_ids(queue_dir(), 'failed')], ['a' x 12],
		'A1 for the other it is kept, like all that was given up');
	like(join("\n", spool_control(queue_dir(), 'a' x 12)),
		qr/^recipient 1 reported .*^recipient 2 delivered .* sent /ms, 'with all that happened');
	is_deeply([spool_ids(queue_dir(), 'new')], [], 'and waits no more');
}

# ---- one that the server does not survive, or that does not get there

for my $fault ('CONTENT:1 close', 'CONTENT:1 reset', 'CONTENT:1 silence', 'RCPT:1+=bad@example.net close',
		'CONTENT:1 reply "421 4.7.0 I do not like it"',
		'RCPT:1+=bad@example.net reply "554 5.7.1 Recipient address rejected: Access denied"') {
	my $server = server_start(at => [$fault]);
	my $config = account($server, timeout => '1s', final_timeout => '1s',
		global => { retry => '1s 60s', log => '{dir}/log' });

	fresh();
	put('a', age => 100, to => ['bad@example.net']);
	put($_, age => 50) for 'b' .. 'g';
	my $watcher = start_sendoff(['-C', $config, 'queue', 'watch'], timeout => 40);
	ok(wait_until(sub { !grep { !/^a/ } spool_ids(queue_dir(), 'new') }, 20),
		"C9 $fault: the oldest message does not keep the others from being sent");
	$watcher->kill('TERM');
	$watcher->finish;
	unlike($server->message(1), qr/^Message-ID: <a\@/m, 'they go before it') if $fault !~ /421/;
	cmp_ok($server->connections, '<', 8, 'and that takes few connections');
}

done_testing;
