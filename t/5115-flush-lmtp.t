#!/usr/bin/perl
# A queue that goes out by LMTP: each recipient is marked by itself, and only those who do not
# have it are tried again.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Fault;
use SendoffTest::Send;
use SendoffTest::Spool;

my $homes = 0;
my $home;

sub new_home
{
	$home = workdir() . '/home-' . ++$homes;
	mkdir $home, 0700;
	return;
}

sub dir { return "$home/.local/state/sendoff/queue" }
sub ids { return spool_ids(dir(), $_[0]) }
sub control
{
	my $path = dir() . "/control/$_[0]";

	return -e $path ? file_read($path) : '';
}

sub to { return map { "$_\@example.net" } @_ }
sub id { return "<$_[0]\@example.test>" }

sub run
{
	my ($config, $args, %o) = @_;

	return run_sendoff(['-C', $config, @$args], %o, env => { HOME => $home });
}

sub put
{
	my ($config, $name, @rcpts) = @_;
	my $r = run($config, ['send', '--queue', to(@rcpts)], stdin => letter("$name\n", 'Message-ID' => id($name)));

	is($r->{exit}, 0, "$name is queued") or diag($r->{err});
	return;
}

sub flush { my ($config, @args) = @_; return run($config, ['queue', 'flush', @args], timeout => 60) }

sub lmtp
{
	my ($server, %keys) = @_;

	return account($server, protocol => 'lmtp', timeout => '30s', connect_timeout => '30s',
		final_timeout => '30s', global => { retry => '10ms 20ms', %{ delete $keys{global} // {} } }, %keys);
}

sub once { my %who = map { $_ => 1 } to(@_); return \%who }

# The copies of one message by its name.
sub copies { my ($server, $name) = @_; return $server->copies->{ id($name) } }

subtest 'many at once, over one connection' => sub {
	for my $keys ({}, { chunking => 'yes' }, { max_recipients => 1 }) {
		new_home();
		my $s = server_start(lmtp => 1);
		my $c = lmtp($s, max_connections => 1, %$keys);
		my @names = map { "m$_" } 1 .. 12;
		put($c, $_, /[369]/ ? qw(a b c) : 'a') for @names;
		is(flush($c)->{exit}, 0, 'flushed');
		is_deeply(copies($s, $_), once(/[369]/ ? qw(a b c) : 'a'), "B1: $_: to each once") for @names;
		is_deeply([ids('new'), ids('failed'), ids('damaged')], [], 'nothing is left');
		is($s->connections, 1, 'one connection');
		is_deeply([$s->violations], [], 'by the rules');
	}
};

subtest 'B4: partial results' => sub {
	new_home();
	my $s = server_start(lmtp => 1, mood => 1);
	my $c = lmtp($s);
	$s->mood('DELIVERY=b@example.net reply "452 4.2.2 <b> over quota"', 'DELIVERY=c@example.net reply "550 5.2.1 <c> no"');
	put($c, 'one', qw(a b c d));
	flush($c);
	my ($one) = ids('new');
	ok($one, 'it waits');
	is_deeply(copies($s, 'one'), once(qw(a d)), 'two have it');
	my $control = control($one);
	is_deeply([$control =~ /^recipient (\d+ \w+)/mg], ['1 delivered', '2 waiting', '3 reported', '4 delivered'], 'who has what became of it');
	like($control, qr/^sendoff-control 1$/m, 'the control file is a closed one again');
	like($control, qr/^cause recipient-full$/m, 'why it waits');
	$s->mood();
	SendoffTest::wait_until(sub { flush($c); !ids('new') }, 60);
	is_deeply(copies($s, 'one'), once(qw(a b d)), 'B1: only the one who waited was tried again');
	is(scalar(grep { /^RCPT TO:<c\@/ } $s->commands), 1, 'who was refused was not asked again');
	is_deeply([ids('new')], [], 'nobody waits');
	is(scalar(my @f = ids('failed')), 1, 'and what was refused is kept');
	is($s->same(id('one')), 1, 'B3: copies are equal');
};

subtest 'answered for some, then gone' => sub {
	new_home();
	my $s = server_start(lmtp => 1, mood => 1);
	my $c = lmtp($s);
	$s->mood('DELIVERY:2 close');
	put($c, 'two', qw(a b c));
	flush($c);
	my ($two) = ids('new');
	my $control = control($two);
	like($control, qr/^recipient 1 delivered/m, 'the first has it');
	like($control, qr/^recipient $_ waiting \d+ unsure/m, "of recipient $_ nobody knows") for 2, 3;
	$s->mood();
	SendoffTest::wait_until(sub { flush($c); !ids('new') }, 60);
	is(copies($s, 'two')->{'a@example.net'}, 1, 'B1: the first gets no second copy');
	ok(copies($s, 'two')->{"$_\@example.net"}, "$_ has it") for qw(b c);
};

subtest 'G2: refused before the content and behind it, one report' => sub {
	new_home();
	my $s = server_start(lmtp => 1, mood => 1);
	my $c = lmtp($s);
	$s->mood('RCPT=b@example.net reply "550 5.1.1 <b> no"', 'DELIVERY=c@example.net reply "550 5.2.1 <c> no"');
	put($c, 'four', qw(a b c));
	flush($c);
	$s->mood();
	SendoffTest::wait_until(sub { flush($c); !ids('new') }, 60);
	is_deeply(copies($s, 'four'), once('a'), 'one has it');
	my @reports = grep { /^Content-Type: multipart\/report/mi } map { $s->message($_) } 1 .. ($s->stored)[0];
	is(scalar @reports, 1, 'one report');
	like($reports[0], qr/^Final-Recipient: rfc822; \Q$_\E/mi, "... that names $_") for to(qw(b c));
};

subtest 'B2: marks are synced while others are not answered for yet' => sub {
	plan skip_all => 'strace may not trace here' if !SendoffTest::Fault::usable();
	new_home();
	my $s = server_start(lmtp => 1, mood => 1);
	my $c = lmtp($s);
	my $log = workdir() . '/synced';
	put($c, 'five', qw(a b c));
	$s->mood('DELIVERY:3 silence');
	my $run = start_sendoff([], env => { HOME => $home }, command => ['strace', '-f', '-qq', '-o', $log,
		'-e', 'trace=write,fsync,fdatasync', SendoffTest::Run::program('sendoff'), '-C', $c, 'queue', 'flush']);
	ok(SendoffTest::wait_until(sub { -e $log && file_read($log) =~ /write\(\d+, "delivered 2 2.*?fsync\(/s }, 60),
		'the file is synced behind them') or diag(file_read($log));
	$run->kill('KILL');
	$run->finish;
};

subtest 'a mark that a crash has left' => sub {
	new_home();
	my $s = server_start(lmtp => 1, mood => 1);
	my $c = lmtp($s);
	put($c, 'three', qw(a b c));
	my ($three) = ids('new');
	$s->mood('DELIVERY:3 silence');
	my $run = start_sendoff(['-C', $c, 'queue', 'flush'], env => { HOME => $home });
	ok(SendoffTest::wait_until(sub { control($three) =~ /^delivered 2 2$/m }, 60), 'two of three are answered for');
	$run->kill('KILL');
	$run->finish;
	my $control = control($three);
	like($control, qr/\Asendoff-control 2\n/, 'an open control file');
	like($control, qr/^delivered 1 1\ndelivered 2 2\n\z/m, 'B2: with a mark for each who was answered for');
	my $r = run($c, ['--json', 'queue', 'show', $three]);
	like($r->{out}, qr/"delivered"/, 'it is listed so');
	$s->mood();
	flush($c);
	is_deeply(copies($s, 'three'), once(qw(a b c)), 'B1: the other one alone is tried again');
	is_deeply([ids('new'), ids('failed'), ids('damaged')], [], 'nothing is left');
};
done_testing;
