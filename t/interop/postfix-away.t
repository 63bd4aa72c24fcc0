#!/usr/bin/perl
# What was queued while a Postfix was away arrives when it is back, once; and where
# it died behind a content, so that nobody knows whether it was taken, that is noted
# and logged, and a second copy is the same: A1, B1, B2, B3.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Select;
use IO::Socket::INET;
use SendoffTest;
use SendoffTest::Postfix;
use SendoffTest::Send qw(letter wire queued queue_empty queue_dir);
use Time::HiRes qw(sleep time);

plan skip_all => SendoffTest::Postfix->why_not if SendoffTest::Postfix->why_not;

my %open = (mynetworks =>
	'127.0.0.0/8', smtpd_relay_restrictions => 'permit_mynetworks, reject_unauth_destination');
my $postfix = SendoffTest::Postfix->start(services => {
	submission => { smtpd_tls_security_level => 'encrypt' },
	# Thinks a while about each content, before it is in its queue.
	slow => { %open, smtpd_end_of_data_restrictions => 'sleep 2' },
	plain => { %open },
});
my $log = workdir() . '/log';

sub configure
{
	my ($service, %keys) = @_;
	my $path = $postfix->config($service, final_timeout => '20s', %keys);
	my $text = file_read($path) =~ s/^\[sendoff\]\n/[sendoff]\nlog = $log\nretry = 1s 2s\n/r;

	return file_write("$path.queue", $text);
}

my $count = 0;
sub put
{
	my ($config, @options) = @_;
	my $id = '<queue-' . ++$count . '@example.test>';

	my $r = run_sendoff([ '-C', $config, 'send', @options, 'you@example.net' ],
		stdin => letter("body $count\n", 'Message-ID' => $id));
	is($r->{exit}, 0, "$id: taken") or diag($r->{err});
	return $id;
}

sub arrived_once
{
	my ($what, @ids) = @_;

	is(join(' ', grep { $postfix->arrived($_) != 1 } @ids), '', "A1, B1: $what: each once");
}

# ---- stopped and started

my $config = configure('submission');
$postfix->halt;
my @ids = map { put($config) } 1 .. 5;
is(scalar(queued()), 5, 'with Postfix stopped they are stored');
$postfix->again;
my $r = run_sendoff([ '-C', $config, 'queue', 'flush' ]);
is($r->{exit}, 0, 'queue flush') or diag($r->{err});
like($r->{err}, qr/^sent 5$/m, '... says how many');
is(scalar(queued()), 0, '... and the queue is empty');
arrived_once('flushed', @ids);

my $watcher = start_sendoff([ '-C', $config, 'queue', 'watch' ], timeout => 120);
$postfix->halt;
@ids = map { put($config) } 1 .. 5;
sleep 2;
is(scalar(queued()), 5, 'again stopped, with a watcher');
$postfix->again;
ok(wait_until(sub { !queued() }, 15), 'the watcher sends them by itself');
arrived_once('watched', @ids);

# In the midst of many, by kill -9 of all of it: what was on its way may come twice.
@ids = map { put($config, '--queue') } 1 .. 3;
ok(wait_until(sub { !queued() }, 15), 'the watcher sends what is new');
arrived_once('new', @ids);
$watcher->kill('TERM');
is($watcher->finish->{exit}, 0, 'it ends well');
@ids = map { put($config, '--queue') } 1 .. 60;
my $flush = start_sendoff([ '-C', $config, 'queue', 'flush' ], timeout => 60);
wait_until(sub { queued() < 50 }, 10);
$postfix->halt('KILL');
$flush->finish;
my $left = queued();
cmp_ok($left, '>', 0, "Postfix is killed under a flush, $left of 60 are left");
$postfix->again;
for (1 .. 10) {
	last if !queued();
	run_sendoff([ '-C', $config, 'queue', 'flush' ], timeout => 60);
	sleep 0.3;
}
is(scalar(queued()), 0, 'back again, it gets them');
my %copies = map { $_ => [ $postfix->arrived($_) ] } @ids;
is(join(' ', grep { !@{ $copies{$_} } } @ids), '', 'A1: each arrived');
# What Postfix itself has sent on twice has one id of its queue.
sub taken { my %taken = map { $_->{received} =~ / id (\w+)/ => 1 } @_; return scalar keys %taken }
my @twice = grep { taken(@{ $copies{$_} }) > 1 } @ids;
my %doubted = map { $_ => 1 } file_read($log) =~ /message_id=(<\S+>) .*cause=outcome-unknown/g;
is(join(' ', grep { !$doubted{$_} } @twice), '', 'B2: what arrived twice is logged as in doubt');
cmp_ok(scalar keys %doubted, '<=', 2, '... at most one for each connection');

# ---- the process that serves us killed behind the content

sub lines_of_log { my ($id) = @_; return grep { /message_id=\Q$id\E / } split /\n/, file_read($log) }

sub in_doubt
{
	my ($what, $id) = @_;

	is(scalar(queued()), 1, "$what: it is kept");
	my ($line) = grep { /cause=outcome-unknown/ } lines_of_log($id);
	ok($line, 'B2: ... and logged') or diag(lines_of_log($id));
	like(file_read((glob(queue_dir() . '/control/*'))[0]), qr/^recipient 1 waiting \d+ unsure/m, '... and noted');
}

my %plain = (tls => 'off', tls_ca_file => undef, user => undef, password => undef);
$config = configure('slow', %plain);
my $id = put($config, '--queue');
my $seen = length $postfix->log;
$flush = start_sendoff([ '-C', $config, 'queue', 'flush' ], timeout => 60);
my $pid;
ok(wait_until(sub { ($pid) = substr($postfix->log, $seen) =~ m{slow/smtpd\[(\d+)\]: \w+: client=}; $pid }, 10),
	'a message is being taken') or diag($postfix->log);
sleep 0.7;
ok(kill('KILL', $pid), 'its process is killed');
isnt($flush->finish->{exit}, 0, 'the flush says that one is left');
in_doubt('killed behind the content', $id);
sleep 1.2;
for (1 .. 5) {
	run_sendoff([ '-C', $config, 'queue', 'flush' ], timeout => 60);
	last if !queued();
	sleep 1;
}
is(scalar(queued()), 0, '... it is sent again');
arrived_once('Postfix had not kept it', $id);

# ---- the answer is lost on its way

# Passes everything on, but for the first answer that takes a message.
sub thief
{
	my ($port) = @_;
	my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', LocalPort => 0) or die "socket: $!\n";
	my $pid = fork // die "fork: $!\n";
	my $stolen;

	return ($listener->sockport, $pid) if $pid;
	alarm 60;
	while (my $client = $listener->accept) {
		my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or POSIX::_exit(1);
		my $both = IO::Select->new($client, $server);
		PAIR: while (1) {
			for my $from ($both->can_read) {
				my $n = sysread $from, my $data, 65536;
				last PAIR if !$n;
				last PAIR if $from == $server && $data =~ /queued as/ && !$stolen++;
				syswrite $from == $server ? $client : $server, $data;
			}
		}
		close $client;
		close $server;
	}
	POSIX::_exit(0);
}

my ($port, $thief) = thief($postfix->port('plain'));
$config = configure('plain', %plain, host => '127.0.0.1', port => $port);
$id = put($config, '--queue');
isnt(run_sendoff([ '-C', $config, 'queue', 'flush' ])->{exit}, 0, 'the answer to a content is lost');
in_doubt('the answer lost', $id);
sleep 1.2;
for (1 .. 5) {
	run_sendoff([ '-C', $config, 'queue', 'flush' ], timeout => 60);
	last if !queued();
	sleep 1;
}
kill 'KILL', $thief;
waitpid $thief, 0;
is(scalar(queued()), 0, '... it is sent again');
my @copies = $postfix->arrived($id);
is(scalar @copies, 2, 'B2: Postfix has it twice');
is_bytes($copies[1]{message} // '', $copies[0]{message}, 'B3: and both are the same');
is_deeply($copies[1]{envelope}{recipients}, $copies[0]{envelope}{recipients}, '... to the same');
done_testing;
