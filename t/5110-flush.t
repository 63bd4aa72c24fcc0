#!/usr/bin/perl
# What waits is sent: each message once, in order, over few connections, by the
# configuration as it is then; and nobody is hammered.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use SendoffTest;
use SendoffTest::Send;
use SendoffTest::Spool;
use Time::HiRes qw(sleep time);

my %me = (user => 'me@example.test', password => 'p w');
my $homes = 0;
my $home;

# From here on another home: its own queue and its own knowledge of accounts.
sub new_home
{
	$home = workdir() . '/home-' . ++$homes;
	mkdir $home, 0700;
	return $home;
}

sub dir { return "$home/.local/state/sendoff/queue" }
sub ids { my @ids = spool_ids(dir(), $_[0] // 'new'); return @ids }
sub entry { return spool_entry(dir() . "/new/$_[0]") }

sub run
{
	my ($config, $args, %o) = @_;

	return run_sendoff([defined $config ? ('-C', $config) : (), @$args], %o, env => { HOME => $home, %{ $o{env} // {} } });
}

# Queues a message without trying; its Message-ID is <NAME@example.test>.
sub put
{
	my ($config, $name, %o) = @_;
	my $r = run($config, ['send', '--queue', @{ $o{args} // [] }, @{ $o{to} // ['you@example.net'] }],
		stdin => letter($o{body} // "$name\n.\nf\xc3\xbcr\n", 'Message-ID' => "<$name\@example.test>", %{ $o{fields} // {} }));

	is($r->{exit}, 0, "$name is queued") or diag($r->{err});
	return;
}

sub flush { my ($config, @args) = @_; return run($config, ['queue', 'flush', @args], timeout => 60) }

sub id { return "<$_[0]\@example.test>" }
sub once { return { map { id($_) => { 'you@example.net' => 1 } } @_ } }

# Nothing is left, in any state, of so many messages.
sub all_gone
{
	my ($name) = @_;
	my @left = grep { -f && !m{/(?:accounts/[^/]+|lock)$} } glob(dir() . '/*/*');

	is_deeply(\@left, [], "A1: $name: nothing is left in the queue");
}

# The moments of what a server took, in ms.
sub moments { my ($s) = @_; $s->idle; return map { $_->{ms} } grep { $_->{kind} eq 'STORED' } $s->journal }

subtest 'the server is back: each once, in order, over one connection' => sub {
	new_home();
	my $s = server_start(settle => 25, mood => 1);
	my $config = account($s);
	my @names = map { "m$_" } 1 .. 8;
	$s->mood('greeting close');
	for my $name (@names) {
		my $r = run($config, ['send', 'you@example.net'], stdin => letter("$name\n.\n", 'Message-ID' => id($name)));
		is($r->{exit}, 0, "$name: stored");
	}
	is(scalar(ids()), 8, 'all of them');
	my $before = $s->connections;
	$s->mood;
	my $r = flush($config);
	is($r->{exit}, 0, 'flushed') or diag($r->{err});
	like($r->{err}, qr/^sent 8\n\z/, 'told so');
	is_deeply($s->copies, once(@names), 'B1: each once');
	is_deeply([$s->ids], [map { id($_) } @names], 'in the order in which they came');
	is_bytes($s->message($_), wire(letter("m$_\n.\n", 'Message-ID' => id("m$_"))), "A8: m$_: octet by octet") for 1, 8;
	is($s->connections, $before + 1, 'over one connection');
	# EHLO; MAIL to DATA of the first; then content with the next one's commands.
	cmp_ok($s->flights($before + 1), '<=', 3 + 8, 'one round trip for each');
	is_deeply([$s->violations], [], 'E6: by the rules');
	all_gone('flushed');
	is(flush($config)->{err}, "nothing to send\n", 'nothing more to send');
	is($s->stored, 8, 'B1: and nothing is sent again');
	is($s->connections, $before + 1, 'nor anybody connected to');
};

subtest 'many are worth a second connection' => sub {
	new_home();
	my $s = server_start(at => 'CONTENT delay 20');
	my $config = account($s);
	my @names = map { sprintf 'm%02d', $_ } 1 .. 40;
	put($config, $_) for @names;
	my $r = flush($config);
	is($r->{exit}, 0, 'flushed') or diag($r->{err});
	is_deeply($s->copies, once(@names), 'B1: each once');
	is($s->connections, 2, 'max_connections of them');
	cmp_ok($s->peak, '<=', 2, 'C5: at a time');
	all_gone('flushed');
};

subtest 'the configuration as it is then' => sub {
	new_home();
	my $old = server_start();
	my $new = server_start();
	my $config = account(nobody(), from => 'old@example.test');
	my $r = run($config, ['send', 'you@example.net'], stdin => letter("a\n", From => 'root', 'Message-ID' => id('a')));
	is($r->{exit}, 0, 'stored');
	is(flush($config)->{exit}, 75, 'still nobody there');
	# The same file, mended.
	file_write($config, account_text(from => 'new@example.test', host => '127.0.0.1', port => $new->port));
	$r = flush($config);
	is($r->{exit}, 0, 'flushed') or diag($r->{err});
	is_deeply($new->copies, once('a'), 'by the new port');
	is($new->envelope(1)->{sender}, 'new@example.test', 'with the new sender');
	like($new->message(1), qr/^From: root <new\@example\.test>\r$|^From: (?:.* )?<?new\@example\.test>?\r$/m, 'and From');
	like($new->message(1), qr/^X-Original-From: root\@example\.test\r$/m, 'which is told');
	all_gone('mended');

	# A file that was faulty when the message came.
	$config = config("[account test]\nhots = x\n");
	$r = run($config, ['send', 'you@example.net'], stdin => letter("b\n", 'Message-ID' => id('b')));
	is($r->{exit}, 0, 'a faulty file: stored');
	$r = flush($config);
	is($r->{exit}, 78, 'G1: a flush says what is wrong');
	like($r->{err}, qr/unknown key 'hots'/, 'in words');
	is(scalar(ids()), 1, 'A1: and it is still there');
	file_write($config, account_text(host => '127.0.0.1', port => $new->port));
	is(flush($config)->{exit}, 0, 'mended: flushed');
	is_deeply($new->copies, once('a', 'b'), 'sent by it');
	all_gone('mended');
};

subtest 'the file named by -C is remembered' => sub {
	new_home();
	my $usual = server_start();
	my $other = server_start();
	mkdir $_ for "$home/.config", "$home/.config/sendoff";
	file_write("$home/.config/sendoff/config", account_text(host => '127.0.0.1', port => $usual->port));
	my $named = account($other);
	put($named, 'by-c');
	put(undef, 'usual');
	my $r = flush(undef);
	is($r->{exit}, 0, 'a flush without -C') or diag($r->{err});
	is_deeply($other->copies, once('by-c'), 'goes by the file that was named');
	is_deeply($usual->copies, once('usual'), 'and by the usual one');
	put($named, 'by-env', args => []);
	unlink "$home/.config/sendoff/config";
	$r = flush(undef);
	is($r->{exit}, 0, 'also where there is no usual one') or diag($r->{err});
	is_deeply($other->copies, once('by-c', 'by-env'), 'sent');
	# What cannot go without a configuration says so, and waits.
	file_write("$home/.config/sendoff/config", account_text(host => '127.0.0.1', port => $usual->port));
	put(undef, 'later');
	put($named, 'now');
	unlink "$home/.config/sendoff/config";
	$r = flush(undef);
	is($r->{exit}, 78, 'G1: without any configuration: 78');
	like($r->{err}, qr/^sent 1, 1 still waiting: .*\n.*no configuration was found/, 'told, and what could go has gone');
	is(scalar(ids()), 1, 'A1: the other waits');
	# -C of a relative name, from another directory.
	new_home();
	my ($d, $f) = $named =~ m{(.*)/(.*)};
	run($f, ['send', '--queue', 'you@example.net'], cwd => $d, stdin => letter("r\n", 'Message-ID' => id('relative')));
	is(flush(undef)->{exit}, 0, '-C that was not absolute');
	is_deeply($other->copies, once('by-c', 'by-env', 'now', 'relative'), 'is found from elsewhere');
};

subtest '-a is remembered, and what is gone is told' => sub {
	new_home();
	my $one = server_start();
	my $two = server_start();
	my $text = sub { return join('', map { account_text(name => $_->[0], host => '127.0.0.1', port => $_->[1]->port,
		match => "*\@$_->[0].test") =~ s/\A.*?\n\n//sr } ['one', $one], ['two', $two]) };
	my $config = config("[sendoff]\nlog = none\ndomain = example.test\ndefault = one\n" . $text->());
	put($config, 'a', args => ['-a', 'two']);
	put($config, 'b');
	put($config, 'c', args => ['-f', 'x@two.test']);
	my $r = flush($config, 'two');
	is($r->{exit}, 0, 'flush ACCOUNT') or diag($r->{err});
	is_deeply([$two->copies, $one->copies], [once('a', 'c'), {}], 'only what it carries');
	is(flush($config)->{exit}, 0, 'the rest');
	is_deeply($one->copies, once('b'), 'by the default');
	put($config, 'd', args => ['-a', 'two']);
	put($config, 'e');
	my ($id) = grep { entry($_)->{head}{account} } ids();
	is(flush($config, substr $id, 0, 6)->{exit}, 0, 'flush ID');
	is_deeply($two->copies, once('a', 'c', 'd'), 'only that');
	is_deeply($one->copies, once('b'), 'not the other');
	put($config, 'f', args => ['-a', 'two']);
	file_write($config, "[sendoff]\nlog = none\n" . account_text(name => 'one', host => '127.0.0.1', port => $one->port) =~ s/\A.*?\n\n//sr);
	$r = flush($config);
	is($r->{exit}, 75, 'G1: an account that is gone: 75');
	like($r->{err}, qr/^sent 1, 1 still waiting: there is no account 'two'/, 'told');
	is(scalar(ids()), 1, 'A1: and it waits');
};

done_testing;
