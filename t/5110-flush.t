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

my %me = (user => 'me@example.test', password => 'pass w0rd');
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

sub auths { my ($s) = @_; return scalar(grep { /^AUTH/ } $s->commands) }

subtest 'C9: a login that was refused is not tried again' => sub {
	my $config;
	for my $row (['535', 'login', %me, password => 'other'], ['454', 'rate', %me, mood => 1]) {
		my ($code, $kind, %server) = @$row;
		new_home();
		my $s = server_start(%server, tls => 'implicit');
		$s->mood('AUTH reply "454 4.7.0 too many logins"') if $server{mood};
		$config = account($s, %me, tls => 'implicit');
		my $r = run($config, ['send', 'you@example.net'], stdin => letter("a\n", 'Message-ID' => id('a')));
		is($r->{exit}, 0, "$code: stored");
		is(auths($s), 1, "$code: the login was tried");
		is(spool_park(dir(), 'test')->{kind}, $kind, "$code: the account is parked");
		my $connections = $s->connections;
		for my $name ('b', 'c') {
			$r = run($config, ['send', 'you@example.net'], stdin => letter("$name\n", 'Message-ID' => id($name)));
			is($r->{exit}, 0, "$code: the next message: stored");
			like($r->{err}, qr/^sendoff: queued as p-\S+: account 'test' is parked: $code /, "$code: and why");
		}
		is(run($config, ['-q'], name => 'sendmail', env => { SENDOFF_CONFIG => $config })->{exit}, 0, "$code: sendmail -q");
		is($s->connections, $connections, "C9: $code: nobody is connected to while it is parked");
		# A person may insist, once a minute.
		$r = flush($config);
		is($r->{exit}, 75, "$code: flush tries it");
		like($r->{err}, qr/^3 still waiting: .*$code /, "$code: and says what came of it");
		is(auths($s), 2, "C9: $code: once");
		is(flush($config)->{exit}, 75, "$code: and then not again");
		flush($config) for 1 .. 3;
		is(auths($s), 2, "C9: $code: for a minute");
		is(scalar(ids()), 3, "A1: $code: everything is still there");
		# The file is changed: it is tried at once, and releases the rest.
		my $good = $server{mood} ? $s->mood : server_start(%me, tls => 'implicit');
		file_write($config, account_text(%me, tls => 'implicit', port => $good->port, tls_ca_file => cert('ca'), host => 'localhost',
			description => 'mended'));
		$r = run($config, ['send', 'you@example.net'], stdin => letter("d\n", 'Message-ID' => id('d')));
		is("$r->{exit}$r->{err}", '0', "$code: the file is changed: sent at once") or diag($r->{err});
		ok(wait_until(sub { !ids() }, 10), "$code: and the waiting ones follow");
		is_deeply($good->copies, once('a' .. 'd'), "B1: $code: each once");
		is_deeply([$good->ids], [map { id($_) } 'd', 'a' .. 'c'], "$code: in order");
		is(spool_park(dir(), 'test')->{kind} // 'none', 'none', "$code: nothing stands against the account");
	}
};

subtest 'C9: trouble of other kinds' => sub {
	# The network: each new message is a reason to try, nothing else is.
	new_home();
	my $s = server_start(mood => 1);
	my $config = account($s);
	$s->mood('greeting close');
	my $r;
	for my $name ('a', 'b') {
		$r = run($config, ['send', 'you@example.net'], stdin => letter("$name\n", 'Message-ID' => id($name)));
		is($r->{exit}, 0, "$name: stored");
	}
	is($s->connections, 2, 'a new message is tried in spite of the network');
	run($config, ['-q'], name => 'sendmail', env => { SENDOFF_CONFIG => $config }) for 1 .. 3;
	is($s->connections, 2, 'C9: sendmail -q does not try before its time');
	my $park = spool_park(dir(), 'test');
	is_deeply([@$park{qw(kind steps cause)}], ['network', 1, 'connection-closed-at-once'], 'one step, for what failed together');
	ok($park->{until} - $park->{set} >= 240 && $park->{until} - $park->{set} <= 360, 'C9: five minutes, and a fifth either way');

	# A sender whom the server does not take: asked once in a run, others go.
	new_home();
	$s = server_start(at => 'MAIL=bad@example.test reply "550 5.7.60 not yours"');
	$config = account($s, allowed_from => 'bad@example.test');
	put($config, "bad$_", args => ['-f', 'bad@example.test']) for 1 .. 5;
	put($config, "good$_") for 1 .. 5;
	$r = flush($config);
	is($r->{exit}, 75, 'some wait');
	is_deeply($s->copies, once(map { "good$_" } 1 .. 5), 'the others are sent');
	is(scalar(ids()), 5, 'A1, G4: no mail bounces for it');
	cmp_ok(scalar(grep { /^MAIL FROM:<bad/ } $s->commands), '<=', 3, 'C9: the server is not asked for each');
	isnt(spool_park(dir(), 'test')->{kind} // 'none', 'login', 'and the account is not parked');

	# Nor in the runs that follow, while others are served.
	my $asked = grep { /^MAIL FROM:<bad/ } $s->commands;
	my $seen = $s->connections;
	$r = run($config, ['send', '-f', 'bad@example.test', 'you@example.net'], stdin => letter("bad6\n", 'Message-ID' => id('bad6')));
	is($r->{exit}, 0, 'one more of that sender: stored');
	like($r->{err}, qr/^sendoff: queued as p-\S+: account 'test' does not get mail of bad\@example\.test sent: 550 5\.7\.60 not yours/,
		'and why');
	run($config, ['-q'], name => 'sendmail', env => { SENDOFF_CONFIG => $config }) for 1 .. 2;
	is($s->connections, $seen, 'C9: nobody is connected to for it');
	is(run($config, ['send', 'you@example.net'], stdin => letter("good6\n", 'Message-ID' => id('good6')))->{err}, '',
		'another sender: sent at once');
	sleep 1;   # whatever follows in the background
	is(scalar(grep { /^MAIL FROM:<bad/ } $s->commands), $asked, 'C9: the refused one is not asked for again');
	is(scalar(ids()), 6, 'A1: all of it is still there');
	# A person may insist, once a minute; a changed file begins anew.
	is(flush($config)->{exit}, 75, 'flush tries it');
	cmp_ok(scalar(grep { /^MAIL FROM:<bad/ } $s->commands), '>', $asked, 'in spite of that');
	$asked = grep { /^MAIL FROM:<bad/ } $s->commands;
	flush($config) for 1 .. 2;
	is(scalar(grep { /^MAIL FROM:<bad/ } $s->commands), $asked, 'C9: but only once a minute');
	my $better = server_start();
	file_write($config, account_text(host => '127.0.0.1', port => $better->port, allowed_from => 'bad@example.test'));
	is(flush($config)->{exit}, 0, 'the file is changed: all of it goes') or diag($r->{err});
	is(scalar(grep { /^MAIL FROM:<bad/ } $better->commands), 6, 'with its sender');
	all_gone('mended');

	# 4xx at MAIL: the second sender in a row parks the account.
	new_home();
	$s = server_start(at => 'MAIL reply "451 4.3.0 not now"');
	$config = account($s, allowed_from => '*@example.test', match => '*@example.test');
	for my $from ('a', 'a', 'b') {
		isnt(spool_park(dir(), 'test')->{kind} // 'none', 'rate', "$from: the account is free");
		run($config, ['send', '-f', "$from\@example.test", 'you@example.net'], stdin => letter());
	}
	is(spool_park(dir(), 'test')->{kind}, 'rate', 'C9: the second sender: parked');
	my $connections = $s->connections;
	run($config, ['send', '-f', "c\@example.test", 'you@example.net'], stdin => letter());
	is($s->connections, $connections, 'and nobody is connected to');
};

subtest 'a server that closes behind so many messages is in no trouble' => sub {
	new_home();
	my $s = server_start(at => ['MAIL:4 close', 'MAIL:8 reset']);
	my $config = account($s, max_connections => 1);
	my @names = map { "m$_" } 1 .. 9;
	put($config, $_) for @names;
	my $r = flush($config);
	is($r->{exit}, 0, 'flushed') or diag($r->{err});
	is_deeply($s->copies, once(@names), 'B1: each once');
	is($s->connections, 3, 'over as many connections as that takes');
	all_gone('closed behind three');
};

subtest 'B2, B3: the answer to a content is lost' => sub {
	new_home();
	my $log = workdir() . '/unsure-log';
	my $s = server_start(at => 'CONTENT:2 keep close');
	my $config = account($s, max_connections => 1, global => { log => $log });
	my @names = map { "m$_" } 1 .. 4;
	put($config, $_) for @names;
	my $r = flush($config);
	is($r->{exit}, 75, 'one is not known') or diag($r->{err});
	is(scalar(ids()), 1, 'A1: and is kept');
	my ($id) = ids();
	like(join("\n", spool_control(dir(), $id)), qr/^recipient 1 waiting \d+ unsure/m, 'as such');
	like(file_read($log), qr/outcome-unknown.*\b$id|\b$id.*outcome-unknown/, 'logged as a possible duplicate');
	$r = flush($config);
	is($r->{exit}, 0, 'once more') or diag($r->{err});
	my $copies = $s->copies;
	is(delete $copies->{ id('m2') }{'you@example.net'}, 2, 'B2: that one twice, as it must be');
	ok($s->same(id('m2')), 'B3: equal in every octet');
	delete $copies->{ id('m2') };
	is_deeply($copies, once('m1', 'm3', 'm4'), 'B1: the others once');
	all_gone('unsure');
};

subtest 'max_rate' => sub {
	plan skip_all => 'two in a second are more than valgrind can do' if $ENV{SENDOFF_WRAP};
	new_home();
	my $s = server_start();
	my $config = account($s, max_rate => '2/s');
	my @names = map { "m$_" } 1 .. 5;
	put($config, $_) for @names;
	my $r = flush($config);
	is($r->{exit}, 0, 'flushed') or diag($r->{err});
	is_deeply($s->copies, once(@names), 'B1: each once');
	my @at = moments($s);
	is(scalar(grep { $at[$_] - $at[$_ - 1] < 450 } 1 .. $#at), 0, 'half a second between them') or diag("@at");
	is($s->connections, 1, 'over one connection');
	# One that has just come.
	$r = run($config, ['send', 'you@example.net'], stdin => letter("a\n", 'Message-ID' => id('a')));
	$r = run($config, ['send', 'you@example.net'], stdin => letter("b\n", 'Message-ID' => id('b')));
	is($r->{exit}, 0, 'too soon: stored');
	like($r->{err}, qr/^sendoff: queued as p-\S+: max_rate of account 'test' lets the next message go in 1 s\n/, 'and why');
	ok(wait_until(sub { !ids() }, 10), 'it follows when it may');
	@at = moments($s);
	cmp_ok($at[-1] - $at[-2], '>=', 450, 'no sooner');
	is_deeply($s->copies, once(@names, 'a', 'b'), 'B1: once');

	# A slow one: nobody waits for it.
	new_home();
	$s = server_start();
	$config = account($s, max_rate => '30/h');
	put($config, "m$_") for 1 .. 3;
	my $began = time;
	$r = flush($config);
	cmp_ok(time - $began, '<', 5, 'two minutes are not waited for');
	is($r->{exit}, 75, 'it is told');
	like($r->{err}, qr/^sent 1, 2 still waiting/, 'how far it came');
	is($s->stored, 1, 'one is sent');
	my $connections = $s->connections;
	$r = run($config, ['send', 'you@example.net'], stdin => letter());
	like($r->{err}, qr/lets the next message go in 1[12]\d s/, 'nor one that has just come');
	sleep 0.5;
	is($s->stored, 1, 'is sent before its time');
	is($s->connections, $connections, 'and nobody is connected to for nothing');
};

subtest 'after a success the waiting ones follow' => sub {
	new_home();
	my $s = server_start(mood => 1);
	my $config = account($s);
	$s->mood('greeting reply "421 4.3.2 later"');
	for my $name ('a', 'b') {
		run($config, ['send', 'you@example.net'], stdin => letter("$name\n", 'Message-ID' => id($name)));
	}
	is(scalar(ids()), 2, 'two wait');
	# Parked by the server: a change of the file, and it may be asked again.
	$s->mood;
	file_write($config, file_read($config) . "description = touched\n");
	my $r = run($config, ['send', 'you@example.net'], stdin => letter("c\n", 'Message-ID' => id('c')));
	is("$r->{exit}$r->{out}$r->{err}", '0', 'the third is sent, silently');
	ok(wait_until(sub { !ids() }, 10), 'and the two follow in the background');
	is_deeply($s->copies, once('a' .. 'c'), 'B1: each once');
	is($s->connections, 3, 'over one connection more');
	all_gone('followed');
	# Not where somebody was told to wait, and not with --no-queue.
	new_home();
	put($config, 'd', args => ['--at', '+1h']);
	put($config, 'e');
	$r = run($config, ['send', '--no-queue', 'you@example.net'], stdin => letter("f\n", 'Message-ID' => id('f')));
	sleep 0.5;
	is(scalar(ids()), 2, '--no-queue has nothing to do with the queue');
	$r = run($config, ['send', 'you@example.net'], stdin => letter("g\n", 'Message-ID' => id('g')));
	ok(wait_until(sub { ids() == 1 }, 10), 'what waits for no time follows');
	is_deeply($s->copies, once('a' .. 'c', 'e' .. 'g'), '--at is kept');
	is(flush($config)->{err}, "nothing to send\n", '--at is kept by a flush as well');
	is(scalar(ids()), 1, 'A1: it waits');
};

subtest '--at: when its time has come' => sub {
	new_home();
	my $s = server_start();
	my $config = account($s);
	mkdir $_, 0700 for map { "$home/$_" } qw(.local .local/state .local/state/sendoff);
	spool_put(dir(), 'aaaaaaaaaaaa', age => 7200, not_before => int(time) - 5, content => wire(letter("a\n", 'Message-ID' => id('a'))));
	spool_put(dir(), 'bbbbbbbbbbbb', age => 7200, not_before => int(time) + 60, content => wire(letter("b\n", 'Message-ID' => id('b'))));
	is(run($config, ['-q'], name => 'sendmail', env => { SENDOFF_CONFIG => $config })->{exit}, 0, 'sendmail -q');
	is_deeply($s->copies, once('a'), 'it goes; the other does not');
	is_bytes($s->message(1), wire(letter("a\n", 'Message-ID' => id('a'))), 'octet by octet');
	is_deeply([ids()], ['bbbbbbbbbbbb'], 'which waits');
};

subtest 'fallback' => sub {
	new_home();
	my $s = server_start();
	my $text = sub { my (%one) = @_; return "[sendoff]\nlog = none\ndomain = example.test\ndefault = one\naliases = /nonexistent\n" . join '', map {
		s/\A.*?\n\n//sr } account_text(name => 'one', fallback => 'two', from => 'one@example.test', host => '127.0.0.1', %one),
		account_text(name => 'two', from => 'two@example.test', host => '127.0.0.1', port => $s->port) };
	my $config = config($text->(port => nobody()->port));
	put($config, 'a');
	my $r = flush($config);
	is($r->{exit}, 0, 'the account cannot be reached: flushed') or diag($r->{err});
	is_deeply($s->copies, once('a'), 'by the fallback');
	is($s->envelope(1)->{sender}, 'two@example.test', 'as that account sends');
	$r = run($config, ['send', 'you@example.net'], stdin => letter("b\n", 'Message-ID' => id('b')));
	is($r->{exit}, 0, 'a new one: stored or sent');
	ok(wait_until(sub { !ids() }, 10), 'and sent by the fallback behind our back');
	is_deeply($s->copies, once('a', 'b'), 'B1: once');
	# A refusal of the message is no reason for it.
	my $strict = server_start(at => 'RCPT reply "550 5.1.1 no"');
	$config = config($text->(port => $strict->port));
	$r = run($config, ['send', 'you@example.net'], stdin => letter("c\n", 'Message-ID' => id('c')));
	is($r->{exit}, 67, 'a refused recipient is refused');
	is_deeply($s->copies, once('a', 'b'), 'and not tried elsewhere');
	# Nor is a content whose fate is not known, whatever was said of another recipient.
	my $half = server_start(at => ['RCPT=full@example.net reply "450 4.7.1 rate limit exceeded"', 'CONTENT keep close']);
	$config = config($text->(port => $half->port));
	put($config, 'u', to => ['full@example.net', 'you@example.net']);
	is(flush($config)->{exit}, 75, 'the answer to a content is lost');
	is($half->copies->{ id('u') }{'you@example.net'}, 1, 'the server has it');
	is_deeply($s->copies, once('a', 'b'), 'B1: and the fallback does not get it as well');
	ok((grep { /^event \d+ unsure / } spool_control(dir(), (ids())[0])), 'which is noted') or diag(join "\n", spool_control(dir(), (ids())[0]));
	is(run($config, ['queue', 'remove', ids()])->{exit}, 0, 'removed');
	# What only the stand-in cannot take waits for the other.
	my $small = server_start(size => 100);
	(my $large, $s) = ($s, $small);
	$config = config($text->(port => nobody()->port));
	$s = $large;
	put($config, 'v', body => 'x' x 70 . "\n" x 9);
	is(flush($config)->{exit}, 75, 'too large for the fallback') for 1 .. 2;
	$r = run($config, ['send', 'you@example.net'], stdin => letter('x' x 70 . "\n" x 9, 'Message-ID' => id('w')));
	is($r->{exit}, 0, 'another: stored') or diag($r->{err});
	is(scalar(ids()), 2, 'G4: both wait');
	is_deeply([ids('failed')], [], 'and nothing is given up');
	run($config, ['queue', 'remove', $_]) for ids();
	# A refused login is.
	my $closed = server_start(%me, password => 'other', tls => 'implicit');
	$config = config($text->(port => $closed->port, %me, tls => 'implicit', tls_ca_file => cert('ca'), host => 'localhost'));
	for my $name ('d', 'e') {
		$r = run($config, ['send', 'you@example.net'], stdin => letter("$name\n", 'Message-ID' => id($name)));
		is($r->{exit}, 0, "$name: stored or sent");
		ok(wait_until(sub { !ids() }, 10), "$name: sent");
	}
	is_deeply($s->copies, once('a', 'b', 'd', 'e'), 'by the fallback');
	is(auths($closed), 1, 'C9: the login is not tried again meanwhile');
};

subtest 'A7, F7: what is damaged or planted stops nothing, and is kept' => sub {
	new_home();
	my $s = server_start();
	my $log = workdir() . '/damage-log';
	my $config = account($s, global => { log => $log });
	mkdir $_, 0700 for map { "$home/$_" } qw(.local .local/state .local/state/sendoff);
	my $name = sub { return $_[0] x 12 };
	spool_put(dir(), $name->($_), content => wire(letter("$_\n", 'Message-ID' => id($_)))) for 'a' .. 'k';
	my $path = sub { return dir() . '/new/' . $name->($_[0]) };
	my $change = sub { my ($letter, $what) = @_; my $text = file_read($path->($letter)); $what->($text) for $text;
		file_write($path->($letter), $text); return $text };
	my %kept = (
		b => $change->('b', sub { $_[0] = substr $_[0], 0, length($_[0]) - 1 }),              # cut
		c => $change->('c', sub { $_[0] .= "more\r\n" }),                                      # grown
		d => $change->('d', sub { substr($_[0], -3, 1) = 'X' }),                               # an octet of the content
		e => $change->('e', sub { $_[0] =~ s/^to <you/to <yov/m }),                            # of the head
		f => $change->('f', sub { $_[0] = "\0" x length $_[0] }),                              # zeroes
		g => $change->('g', sub { $_[0] = '' }),                                               # empty
		h => $change->('h', sub { $_[0] = "Subject: by hand\n\nx\n" }),                        # foreign
	);
	my $newer = $change->('i', sub { $_[0] =~ s/\Asendoff-message 1/sendoff-message 2/ });
	my $elsewhere = file_write(workdir() . '/elsewhere', file_read($path->('j')));
	unlink $path->('j');
	symlink $elsewhere, $path->('j');
	link $path->('k'), workdir() . '/second-name';
	mkdir dir() . '/new/' . $name->('l');
	system('mkfifo', dir() . '/new/' . $name->('m')) == 0 or die;
	file_write(dir() . '/new/README', "not ours\n");
	my $r = flush($config);
	is_deeply($s->copies, once('a'), 'what is whole is sent, once, and nothing else');
	is_deeply([grep { !/\./ } ids('damaged')], [map { $name->($_) } 'b' .. 'h'], 'the damaged ones are set aside');
	is(file_read(dir() . '/damaged/' . $name->($_)), $kept{$_}, "$_: octet by octet") for 'b' .. 'h';
	is_deeply([sort(ids())], [sort('README', map { $name->($_) } 'i' .. 'm')], 'what is not ours stays where it is');
	is(file_read($path->('i')), $newer, 'A9: a format of a later release is left alone');
	is(file_read($elsewhere), file_read($path->('j')), 'what a link points to is as it was');
	like($r->{err}, qr/^sent 1, 7 damaged and set aside/, 'told');
	like(file_read($log), qr/outcome=damaged id=(?:p-)?$_ /, "logged: $_") for map { $name->($_) } 'b' .. 'h';
	my $stored = $s->stored;
	flush($config);
	is($s->stored, $stored, 'and a second flush changes nothing');
	is(scalar(my @d = grep { !/\./ } ids('damaged')), 7, 'nothing more is set aside');
};

subtest 'A7: a control file that is damaged' => sub {
	new_home();
	my $s = server_start(at => 'RCPT=late@example.net reply "451 4.2.0 later"');
	my $config = account($s);
	mkdir $_, 0700 for map { "$home/$_" } qw(.local .local/state .local/state/sendoff);
	spool_put(dir(), 'a' x 12, content => wire(letter("a\n", 'Message-ID' => id('a'))), happened => ['tries 1']);
	my $path = dir() . '/control/' . 'a' x 12;
	file_write($path, my $text = file_read($path) . 'x');
	my $r = flush($config);
	is($r->{exit}, 0, 'the message goes as if nothing had happened to it') or diag($r->{err});
	is_deeply($s->copies, once('a'), 'sent');
	is(file_read(dir() . '/damaged/' . 'a' x 12 . '.control'), $text, 'the control file is kept');
};

# What is refused here is done while the content before it is still being written.
subtest 'one that is too large for the server, behind a large one' => sub {
	my $line = 'x' x 76 . "\n";

	for my $keys ({}, { pipelining => 'full' }, { chunking => 'yes' }) {
		new_home();
		my $s = server_start(size => 12_000_000);
		my $config = account($s, final_timeout => '8s', timeout => '8s', %$keys);
		my $name = join ' ', %$keys;

		put($config, 'first');
		put($config, 'large', body => $line x 120_000);
		put($config, 'too-large', body => $line x 160_000);
		put($config, 'last');
		my $r = flush($config);
		my %copies = %{ $s->copies };
		is_deeply({ map { ($_ => $copies{$_}) } grep { /\@example\.test>\z/ } keys %copies }, once(qw(first large last)),
			"B1: $name: each of the others once") or diag($r->{err});
		cmp_ok($r->{seconds}, '<', 8, "$name: nobody waits for a deadline");
		is_deeply([$s->violations], [], "E6: $name: by the rules");
	}
};

# RFC 2920 allows a transaction behind a content; some servers do not bear it.
subtest 'servers that want each message by itself' => sub {
	my @names = map { "m$_" } 1 .. 6;
	# Whether a MAIL went out before the reply to the content before it.
	my $rode = sub { my ($s) = @_; my ($last, $rode) = ('', 0);
		for my $row ($s->journal) {
			$rode ||= $row->{kind} eq 'COMMAND' && $row->{text} =~ /^MAIL/ && $last eq 'content';
			$last = 'content' if $row->{kind} eq 'COMMAND' && $row->{text} =~ /^\(/;
			$last = '' if $row->{kind} eq 'REPLY';
		}
		return $rode };

	# It says so.
	new_home();
	my $s = server_start(at => 'MAIL:2 reply "503 5.5.1 pipelined after end of DATA"');
	my $config = account($s, max_connections => 1);
	put($config, $_) for @names;
	my $r = flush($config);
	is_deeply($s->copies, once(@names[0, 3 .. 5]), 'B1: refused: all but those that were on their way, each once') or diag($r->{err});
	like(file_read(dir() . '/accounts/test'), qr/^apart \d+$/m, '... and known from now on');
	like(run($config, ['queue', 'list'])->{out}, qr/does not take the next message before it has answered/, '... and told');
	run($config, ['queue', 'retry', ids()]);
	flush($config);
	is_deeply($s->copies, once(@names), '... which go out the next time');
	my $flights = server_start();
	$config = file_read($config) =~ s/^port = .*$/'port = ' . $flights->port/mer;
	$config = config($config);
	put($config, $_) for @names;
	flush($config);
	is($flights->flights(1), 2 + 2 * @names, 'one round trip more for each message');
	all_gone('refused');

	# Several connections meet with it at once, and its words are no terminal's.
	new_home();
	$s = server_start(at => ['MAIL:2 reply "503-5.5.1 \x1b[31mpipelined\r\n503 5.5.1 after end of DATA"',
		'MAIL:4 reply "503 5.5.1 pipelined after end of DATA"']);
	$config = account($s, max_connections => 2);
	put($config, "p$_") for 1 .. 40;
	$r = flush($config);
	unlike($r->{err}, qr/[\x00-\x08\x0b-\x1f\x7f]/, 'E4: no control characters of the server');
	like(file_read(dir() . '/accounts/test'), qr/^kind none$/m, 'two connections: the account is not parked');
	for (1 .. 3) {
		run($config, ['queue', 'retry', ids()]) if ids();
		flush($config);
	}
	is_deeply($s->copies, once(map { "p$_" } 1 .. 40), '... and each is sent once');

	# It has the content, and dies of what stands behind it.
	new_home();
	$s = server_start(at => ['CONTENT:1 keep close']);
	$config = account($s, max_connections => 1);
	put($config, $_) for @names;
	flush($config);
	like(file_read(dir() . '/accounts/test'), qr/^apart \d+$/m, 'died: known from now on');
	for (1 .. 3) {
		run($config, ['queue', 'retry', ids()]) if ids();
		flush($config);
	}
	my %copies = %{ $s->copies };
	is_deeply([sort map { $_->{'you@example.net'} } values %copies], [1, 1, 1, 1, 1, 2], 'B2: one second copy, not one each time');
	all_gone('died');

	# Known by their names.
	for my $name ('Dovecot', 'Haraka/3.3.4') {
		new_home();
		$s = server_start(at => qq(greeting reply "220 mx.example.test ESMTP $name ready"));
		$config = account($s, max_connections => 1);
		put($config, $_) for @names;
		flush($config);
		is($s->flights(1), 2 + 2 * @names, "$name: each by itself from the beginning");
		is_deeply($s->copies, once(@names), '... and once');
	}
};

subtest 'a server that takes so many messages in one connection, and says so' => sub {
	new_home();
	my @names = map { "m$_" } 1 .. 10;
	my $s = server_start(at => [map { "MAIL:$_ reply \"421 4.7.0 too many messages in this connection\"" } 4, 8]);
	my $config = account($s, max_connections => 1);
	put($config, $_) for @names;
	my $r = flush($config);
	my $first = keys %{ $s->copies };
	cmp_ok($s->connections, '>=', 2, 'a new connection');
	like(file_read(dir() . '/accounts/test'), qr/^kind none$/m, 'the account is not parked') if -e dir() . '/accounts/test';
	cmp_ok($first, '>=', 6, 'what was not under way when it said so goes at once') or diag($r->{err});
	for (1 .. 2) {
		run($config, ['queue', 'retry', ids()]) if ids();
		flush($config);
	}
	is_deeply($s->copies, once(@names), 'B1: each once');

	# One that takes none is another matter.
	new_home();
	$s = server_start(at => 'MAIL:1+ reply "421 4.7.0 too many messages in this session"');
	$config = account($s, max_connections => 1);
	put($config, $_) for @names;
	flush($config);
	is($s->connections, 1, 'nor is one hammered that takes nothing');
};

done_testing;
