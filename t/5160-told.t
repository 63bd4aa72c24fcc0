#!/usr/bin/perl
# What cannot be looked at is not "empty", what cannot be sent is not "nothing", and
# clocks, planted files and limits of one's own are told as what they are.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP ();
use POSIX ();
use SendoffTest;
use SendoffTest::Send;
use SendoffTest::Spool;

my $homes = 0;
my $home;

sub new_home
{
	$home = workdir() . '/home-' . ++$homes;
	mkdir $_, 0700 for $home, map { "$home/$_" } qw(.local .local/state .local/state/sendoff);
	return;
}

sub dir { return "$home/.local/state/sendoff/queue" }
sub ids { my @ids = spool_ids(dir(), $_[0] // 'new'); return @ids }
sub id { return "<$_[0]\@example.test>" }
sub name_of { return $_[0] x 12 }

sub put
{
	my ($letter, %o) = @_;

	spool_put(dir(), name_of($letter), content => wire(letter("$letter\n", 'Message-ID' => id($letter))), %o);
	return dir() . '/new/' . name_of($letter);
}

sub run
{
	my ($config, $args, %o) = @_;

	return run_sendoff(['-C', $config, @$args], timeout => 40, %o, env => { HOME => $home, %{ $o{env} // {} } });
}

sub flush_json { my ($config, %o) = @_; my $r = run($config, ['--json', 'queue', 'flush'], %o);
	return ($r, eval { JSON::PP::decode_json($r->{out}) } // {}) }

subtest 'B7: tried by a clock that was ahead' => sub {
	new_home();
	my $s = server_start();
	my $ahead = time + 10 * 86400;
	put('a', happened => ['tries 1', 'next ' . ($ahead + 300), "next-set $ahead", "last $ahead"]);
	my ($r, $told) = flush_json(account($s));
	is($r->{exit}, 0, 'flushed') or diag($r->{err});
	is($told->{sent}, 1, 'it is sent');
	put('b', happened => ['tries 1', 'next ' . ($ahead + 300), "next-set $ahead", "last $ahead"]);
	run_sendoff(['-q'], name => 'sendmail', env => { HOME => $home, SENDOFF_CONFIG => account($s) });
	is_deeply($s->copies, { map { (id($_) => { 'you@example.net' => 1 }) } 'a', 'b' }, 'B1: each once');
};

subtest 'a queue that cannot be looked at is not empty' => sub {
	for my $row (['others may write it', sub { chmod 0770, dir() . '/new' }, qr/can be changed by other users \(mode 0770\)/],
		['it is a file', sub { rename dir(), dir() . '.away'; file_write(dir(), '') }, qr/Not a directory/],
		['it is a link', sub { rename dir(), dir() . '.away'; symlink dir() . '.away', dir() }, qr/queue cannot be opened/],
		['one of its directories is a file', sub { rmdir dir() . '/hold'; file_write(dir() . '/hold', '') }, qr/Not a directory/]) {
		my ($name, $spoil, $why) = @$row;
		new_home();
		my $config = account(server_start());
		put('a');
		$spoil->();
		for my $command (['queue', 'list'], ['queue', 'check'], ['queue', 'hold', '--all']) {
			my $r = run($config, $command);
			ok($r->{exit} == 75 || $r->{exit} == 77, "G1: $name: @$command: $r->{exit}");
			unlike($r->{out}, qr/empty|OK/, "$name: and nobody is told that all is well");
			like($r->{err}, $why, "$name: but why");
			unlike($r->{err}, qr/TMPDIR/, "$name: with a next step that fits");
		}
		my $r = run_sendoff([], name => 'mailq', env => { HOME => $home, SENDOFF_CONFIG => $config });
		ok($r->{exit} == 75 || $r->{exit} == 77, "$name: mailq: $r->{exit}");
		unlike($r->{out}, qr/empty/, "$name: mailq does not say so either");
		next if $name =~ /^one of/;
		$r = run($config, ['queue', 'flush']);
		ok($r->{exit} == 75 || $r->{exit} == 77, "$name: flush: $r->{exit}") or diag($r->{err});
	}
};

subtest 'A7: a message with a second name, or of another user' => sub {
	new_home();
	my $s = server_start();
	my $config = account($s);
	my $path = put('a');
	put('b');
	link $path, "$home/backup";
	my ($r, $told) = flush_json($config);
	is($r->{exit}, 75, 'a hard link: it waits');
	is_deeply([$told->{sent}, $told->{waiting}], [1, 1], 'the other one is sent');
	like($told->{reason}, qr/second name/, 'and it is said why');
	$r = run_sendoff([], name => 'mailq', env => { HOME => $home, SENDOFF_CONFIG => $config });
	is($r->{exit}, 75, 'mailq: 75');
	unlike($r->{out}, qr/empty/, 'not empty');
	like($r->{err}, qr/p-a{12} cannot be read: .*second name/, 'but why');
	like(run($config, ['queue', 'check'])->{err}, qr/second name/, 'check says so');
	like(run($config, ['queue', 'remove', 'p-' . name_of('a')])->{err}, qr/second name/, 'so does remove');
	$r = run($config, ['queue', 'list']);
	like($r->{out}, qr/^p-a{12} .* unread /m, 'list: not read');
	unlike($r->{out}, qr/damaged/, '... which is no damage');
	like(run($config, ['--json', 'queue', 'list'])->{out}, qr/"id":"p-a{12}",.*"unread":true,"trouble":".*second name/, '... as JSON');
	like(run($config, ['queue', 'show', 'p-' . name_of('a')])->{out}, qr/^state +not read: it waits/m, '... and shown')
		or diag(run($config, ['queue', 'show', 'p-' . name_of('a')])->{err});
	unlink "$home/backup";
	is((flush_json($config))[1]{sent}, 1, 'without it: sent');
	SKIP: {
		skip 'only root can give files away', 4 if $<;
		chown 12345, 12345, put('c');
		put('d');
		($r, $told) = flush_json($config);
		is_deeply([$told->{sent}, $told->{damaged}], [1, 1], 'another user\'s file is set aside');
		is_deeply([ids()], [], 'nothing is left to be sent');
		ok(-e dir() . '/damaged/' . name_of('c'), 'A7: and it is kept');
		like(run($config, ['queue', 'check'])->{out}, qr/^queue DAMAGED/, 'check tells');
	}
};

subtest 'A7: two queues made one: an id in two states' => sub {
	new_home();
	my $config = account(nobody());
	my $path = put('a');
	my $held = file_write(dir() . '/hold/' . name_of('a'), file_read(put('b')));
	unlink dir() . '/new/' . name_of('b');
	my @was = map { file_read($_) } $path, $held;
	my $r = run($config, ['queue', 'hold', name_of('a')]);
	is($r->{exit}, 75, 'it cannot be moved onto the other');
	like($r->{err}, qr{^sendoff: a message of the id a{12} is in both new/ and hold/ of the queue\n  move the one}, '... which is told');
	is_deeply([map { file_read($_) } $path, $held], \@was, 'A7: both are as they were');
};

subtest 'too few descriptors are no damage' => sub {
	my $config = account(server_start());
	for my $limit (5 .. 18) {
		new_home();
		put($_) for 'a', 'b';
		for my $command (['queue', 'check'], ['queue', 'list'], ['queue', 'flush']) {
			my $r = run($config, [], command => ["prlimit", "--nofile=$limit", SendoffTest::Run::program("sendoff"),
				"-C", $config, @$command]);
			next if $r->{exit} == 127;   # not even the loader had enough
			unlike("$r->{out}$r->{err}", qr/damaged|DAMAGED/, "$limit: @$command: nothing is damaged");
			unlike($r->{out}, qr/empty/, "$limit: nor is it empty") if $r->{exit};
			next if $command->[1] ne 'flush';
			is($r->{exit} ? 0 : scalar(ids()), 0, "$limit: a flush that leaves something is no success");
			like($r->{out} . $r->{err}, qr/too many open files/i, "$limit: it says why") if $r->{exit};
		}
	}
};

subtest 'what is given up for its age is counted' => sub {
	new_home();
	my $config = account(nobody(), global => { max_age => '1h', delay_notice => '0' });
	put('a', age => 4000, happened => ['tries 3', 'last ' . (time - 60)]);
	put('b', age => 4000, sender => '', happened => ['tries 3', 'last ' . (time - 60)]);
	my ($r, $told) = flush_json($config);
	is($told->{failed}, 2, 'two');
	$r = run($config, ['queue', 'flush']);
	is_deeply([ids('failed')], [map { name_of($_) } 'a', 'b'], 'they are in failed/');
};

subtest 'what everybody has already is no message being sent' => sub {
	new_home();
	my $s = server_start();
	put('a', happened => ['tries 1', 'recipient 1 delivered ' . (time - 60) . ' code=250 text=250%20ok']);
	my ($r, $told) = flush_json(account($s));
	is_deeply([$r->{exit}, @$told{qw(due busy connections)}], [0, 0, 0, 0], 'nothing is due');
	is_deeply([ids()], [], 'it is cleared away');
	is($s->connections, 0, 'without a connection');
};

subtest 'max_rate: no connection before its moment' => sub {
	new_home();
	my $s = server_start();
	my $config = account($s, max_rate => '2/h');
	put($_) for 'a', 'b', 'c';
	my $w = start_sendoff(['-C', $config, 'queue', 'watch'], env => { HOME => $home }, timeout => 40);
	ok(wait_until(sub { $s->stored == 1 }, 10), 'one goes');
	sleep 5;
	is($s->connections, 1, 'and nobody connects for the others');
	$w->kill('TERM');
	$w->finish;
	my ($r, $told) = flush_json($config);
	is($s->connections, 1, 'nor does a flush');
	is($told->{waiting}, 2, 'they wait');
	like($told->{reason}, qr/max_rate/, 'and it is said why');
	ok($told->{next_try} > time + 1000, 'until when');
	my @left = map { JSON::PP::decode_json($_) } split /\n/, run($config, ['--json', 'queue', 'list'])->{out};
	is(scalar(grep { ($_->{account} // '') eq '' || $_->{next_try} > time + 1000 } @left), 2, 'the list knows it, too');
};

subtest 'G3: a notice of delay goes while its message is refused for now' => sub {
	new_home();
	my $s = server_start(at => 'RCPT=you@example.net reply "450 4.2.0 later"');
	my $config = account($s, global => { delay_notice => '10m' });
	put('a', age => 1000, happened => ['tries 2', 'last ' . (time - 500), 'next ' . (time - 5), 'next-set ' . (time - 500)]);
	for (1 .. 2) {
		run($config, ['queue', 'flush']);
	}
	is($s->stored, 1, 'it is sent, once');
	like($s->message(1), qr/^Action: delayed\r$/m, 'the notice');
	is_deeply([ids()], [name_of('a')], 'the message waits');
};

subtest 'F7: what stands in place of an account\'s lock stops nothing' => sub {
	for my $plant (sub { mkdir $_[0] }, sub { POSIX::mkfifo($_[0], 0600) }, sub { symlink '/etc/passwd', $_[0] }) {
		new_home();
		my $s = server_start();
		put('a');
		mkdir dir() . '/accounts', 0700;
		$plant->(dir() . '/accounts/test.lock');
		my ($r, $told) = flush_json(account($s));
		is($told->{sent}, 1, 'sent') or diag($r->{err}, $r->{out});
	}
};

subtest '--no-queue: a later transaction fails for the sender' => sub {
	new_home();
	for my $at ('MAIL:2 reply "550 5.7.60 not yours"', 'RCPT:2 reply "550 5.7.1 Sender address rejected: not owned by user"') {
		my $s = server_start(at => $at);
		my $r = run(account($s, max_recipients => 1), ['send', '--no-queue', 'one@example.net', 'two@example.net'],
			stdin => letter("x\n"));
		is($r->{exit}, 69, 'A2: one has it: 69') or diag($r->{err});
		is($s->stored, 1, 'so it is');
		like($r->{err}, qr/two\@example\.net/, 'and who has not is named');
	}
};

subtest 'small things' => sub {
	new_home();
	my $config = account(server_start());
	for my $at ('2027-02-30', '2027-04-31 10:00', '2027-02-29T10:00Z') {
		my $r = run($config, ['send', '--at', $at, 'you@example.net'], stdin => letter("x\n"));
		is($r->{exit}, 64, "--at $at: there is no such day");
	}
	my $r = run($config, ['queue', 'flush', 's-abc']);
	is($r->{exit}, 75, 'flush of a message of the system, without a runner: 75');
	like($r->{err}, qr/control\.sock/, 'and why');
};

done_testing;
