#!/usr/bin/perl
# When again, when too late, and who is told: by entries that were written as if
# they were older.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;
use SendoffTest::Spool;

my $homes = 0;
my $home;

sub new_home
{
	$home = workdir() . '/home-' . ++$homes;
	mkdir $_, 0700 for $home, map { "$home/$_" } qw(.local .local/state .local/state/sendoff);
	return $home;
}

sub dir { return "$home/.local/state/sendoff/queue" }
sub ids { my @ids = spool_ids(dir(), $_[0] // 'new'); return @ids }
sub id { return "<$_[0]\@example.test>" }
sub message { return wire(letter("$_[0]\n", 'Message-ID' => id($_[0]))) }
sub name_of { return $_[0] x 12 }   # an id of it

# A message of that age, in seconds.
sub put
{
	my ($letter, $age, %o) = @_;

	spool_put(dir(), name_of($letter), age => $age, content => message($letter), %o);
}

# What cron does: what is due, once.
sub due
{
	my ($config) = @_;
	my $r = run_sendoff(['-q'], name => 'sendmail', timeout => 40, env => { HOME => $home, SENDOFF_CONFIG => $config });

	is("$r->{exit}$r->{out}$r->{err}", '0', 'sendmail -q');
}

sub control { my %c; for (spool_control(dir(), name_of($_[0]))) { my ($w, $v) = split / /, $_, 2; push @{ $c{$w} }, $v }
	return \%c }

# The reports among what a server took: { to, text } each.
sub reports
{
	my ($s) = @_;

	return grep { $_->{from} eq '' } map { { from => $s->envelope($_)->{sender}, to => join(' ', @{ $s->envelope($_)->{recipients} }),
		text => $s->message($_) } } 1 .. $s->stored;
}

my $hour = 3600;
my @later = (at => 'RCPT=you@example.net reply "451 4.2.0 come back"');

subtest 'C9, G3: when again' => sub {
	for my $row ([1, 600], [2, 1200], [3, 2400], [5, 9600], [6, 14400], [7, 14400], [4000, 14400]) {
		my ($tries, $wait) = @$row;
		new_home();
		my $s = server_start(@later);
		my $now = time;
		put('a', $hour, happened => ["tries $tries", 'next ' . ($now - 1), 'next-set ' . ($now - 400), 'last ' . ($now - 400)]);
		due(account($s));
		my $c = control('a');
		is($c->{tries}[0], $tries + 1, "behind try $tries: tried");
		my $next = ($c->{next}[0] // 0) - $now;
		ok($next >= $wait * 0.8 - 3 && $next <= $wait * 1.2 + 3, "behind try $tries: again in $wait s, and a fifth either way") or diag($next);
		like($c->{recipient}[0], qr/^1 waiting \d+ code=451 enhanced=4\.2\.0 text=451%204\.2\.0%20come%20back$/, "behind try $tries: the answer is kept");
		my $connections = $s->connections;
		due(account($s));
		is($s->connections, $connections, "behind try $tries: not before its time");
		$s->stop;
	}
	# `retry` of the configuration.
	new_home();
	my $s = server_start(@later);
	my $now = time;
	put('a', $hour, happened => ['tries 1', 'next ' . ($now - 1), 'next-set ' . ($now - 60)]);
	due(account($s, global => { retry => '1m 10m' }));
	my $next = control('a')->{next}[0] - $now;
	ok($next >= 93 && $next <= 147, 'retry = 1m 10m: two minutes behind the second') or diag($next);
};

subtest 'B7: clocks that jump' => sub {
	my $year = 365 * 86400;
	my @rows = (
		['created in ten years', -10 * $year], ['created at 0', 0, created => 0],
		['next in ten years', $hour, next => 10 * $year, set => -60], ['decided in ten years', $hour, next => 200, set => 10 * $year],
		['next and decided ten years ago', $hour, next => -10 * $year, set => -10 * $year],
	);
	for my $row (@rows) {
		my ($name, $age, %o) = @$row;
		new_home();
		my $s = server_start();
		my $now = time;
		put('a', $age, (defined $o{created} ? (created => $o{created}) : ()), $o{set} ? (happened => ['tries 3', 'next ' . ($now + $o{next}), 'next-set ' . ($now + $o{set})]) : ());
		due(account($s));
		is($s->stored, 1, "$name: sent");
		is(scalar(ids()), 0, "$name: gone");
		$s->stop;
	}
	# Nor does it storm: what was just put off is not due.
	new_home();
	my $s = server_start(@later);
	put('a', -10 * $year);
	due(account($s)) for 1 .. 3;
	is($s->connections, 1, 'created in ten years: tried once, and put off like any other');
};

subtest 'G3: too old' => sub {
	new_home();
	my $s = server_start(@later);
	my $config = account($s, global => { max_age => '1h', delay_notice => '0' });
	my @lately = ('tries 4', 'last ' . (time - 600));   # since then the account was in trouble
	put('a', $hour + 1, happened => \@lately);
	put('b', $hour - 30);
	put('c', $hour + 1, to => ['you@example.net', 'she@example.net'], happened => [@lately, 'tried-by test',
		'cause recipient-later', 'reason 450%204.2.2%20full', 'recipient 1 waiting ' . (time - 500) . ' code=450 enhanced=4.2.2 text=450%204.2.2%20full',
		'recipient 2 delivered ' . (time - 500) . ' code=250 text=250%20ok']);
	due($config);
	is_deeply([ids('failed')], [map { name_of($_) } 'a', 'c'], 'what is older than max_age is given up');
	is_deeply([ids()], [name_of('b')], 'what is not waits');
	my @reports = reports($s);
	is(scalar @reports, 2, 'G2: a report for each');
	is_deeply([map { $_->{to} } @reports], [('me@example.test') x 2], 'to the sender');
	my ($a) = grep { $_->{text} =~ /<a\@/ } @reports;
	my ($c) = grep { $_->{text} =~ /<c\@/ } @reports;
	like($a->{text}, qr/^Final-Recipient: rfc822; you\@example\.net\r\nAction: failed\r\nStatus: 4\.4\.7\r$/m, 'one that had no answer');
	like($a->{text}, qr/not delivered within 1 hour/, 'in words');
	like($a->{text}, qr/sendoff queue retry p-aaaaaa/, 'and what can be done');
	like($c->{text}, qr/^Final-Recipient: rfc822; you\@example\.net\r\nAction: failed\r\nStatus: 4\.2\.2\r\n(?:.*\r\n)*?Diagnostic-Code: smtp; 450 4\.2\.2 full\r$/m,
		'one that had');
	unlike($c->{text}, qr/^Final-Recipient: .*she/m, 'only about those who did not get it');
	my $stored = $s->stored;
	due($config) for 1 .. 2;
	is($s->stored, $stored, 'G2: told once');
	like(control('a')->{recipient}[0], qr/^1 reported /, 'and noted');

	# Taken back by hand.
	$s->stop;
	$s = server_start();
	my $r = run_sendoff(['-C', account($s, global => { max_age => '2h' }), 'queue', 'retry', 'p-' . name_of('a')], env => { HOME => $home });
	is($r->{exit}, 0, 'queue retry') or diag($r->{err});
	due(account($s, global => { max_age => '2h' }));
	is($s->copies->{ id('a') }{'you@example.net'}, 1, 'sent after all');
};

subtest 'G3: too old, and not tried for long: once more' => sub {
	my $longer = 6 * $hour;   # than any wait
	for my $row (['taken', {}, []], ['not now', {@later}, ['Status: 4.2.0', '451 4.2.0 come back']],
		['nobody', undef, ['Status: 4.4.7', 'not delivered within 1 hour: .*refused']]) {
		my ($name, $server, $said) = @$row;
		new_home();
		my $s = $server ? server_start(%$server) : nobody();
		my $config = account($s, global => { max_age => '1h', delay_notice => '0' });
		put('a', $longer + $hour, happened => ['tries 4', 'last ' . (time - $longer)]);
		put('b', $longer + $hour);   # put there while the machine was off
		due($config);
		is_deeply([ids('failed')], @$said ? [map { name_of($_) } 'a', 'b'] : [], "$name: given up") or diag(join ' ', ids());
		is_deeply($s->copies, { map { (id($_) => { 'you@example.net' => 1 }) } 'a', 'b' }, "$name: sent after all") if !@$said;
		my @reports = grep { spool_entry($_)->{head}{'report-about'} } map { dir() . "/new/$_" } ids();
		@reports = $server ? map { $_->{text} } reports($s) : map { spool_entry($_)->{content} } @reports;
		is(scalar(@reports), @$said ? 2 : 0, "$name: reports") or diag(join ' ', ids());
		like($_, qr/$said->[0]/, "$name: with the status") for @reports;
		like($_ =~ s/\r\n (?=\S)/ /gr, qr/$said->[1]/, "$name: and why") for @reports;
	}
};

subtest 'G3: late' => sub {
	new_home();
	my $s = server_start(@later);
	my $config = account($s, global => { delay_notice => '30m', max_age => '1d' });
	my @tried = (happened => ['tries 2', 'next ' . (time + 250), 'next-set ' . time, 'tried-by test', 'cause recipient-later',
		'reason 451%20later']);
	put('a', 1801, @tried);
	put('b', 1770, @tried);
	due($config);
	my @reports = reports($s);
	is(scalar @reports, 1, 'one is late');
	is($reports[0]{to}, 'me@example.test', 'its sender is told');
	like($reports[0]{text}, qr/^Final-Recipient: rfc822; you\@example\.net\r\nAction: delayed\r$/m, 'as delayed');
	like($reports[0]{text}, qr/^Will-Retry-Until: /m, 'until when it is tried');
	like($reports[0]{text}, qr/<a\@example\.test>/, 'about it');
	is_deeply([ids()], [map { name_of($_) } 'a', 'b'], 'A1: both wait');
	due($config) for 1 .. 2;
	is(scalar(reports($s)), 1, 'G3: once');
	$s->stop;
	new_home();
	$s = server_start(@later);
	put('a', 1801, @tried);
	due(account($s, global => { delay_notice => '0', max_age => '1d' }));
	is(scalar(reports($s)), 0, 'delay_notice = 0: never');
};

subtest 'G2: never a report about a report' => sub {
	for my $row (['the null sender', sender => ''], ['a report', sender => '', about => name_of('z')]) {
		my ($name, %o) = @$row;
		new_home();
		my $s = server_start(@later);
		put('a', $hour + 1, sender => $o{sender});
		due(account($s, global => { max_age => '1h' }));
		is_deeply([ids('failed')], [name_of('a')], "$name: given up");
		is($s->stored, 0, "$name: nobody is told");
		is_deeply([ids()], [], "$name: nothing else is there");
		$s->stop;
		new_home();
		$s = server_start(at => 'RCPT reply "550 5.1.1 no"');
		put('a', 10, sender => $o{sender});
		due(account($s));
		is_deeply([ids('failed')], [name_of('a')], "$name: refused: given up");
		is($s->stored, 0, "$name: refused: nobody is told");
		$s->stop;
	}
};

subtest 'G2: refused while nobody waits: one report with the server\'s words' => sub {
	new_home();
	my $s = server_start(mood => 1);
	$s->mood('RCPT=no@example.net reply "550 5.1.1 no such user"', 'RCPT=late@example.net reply "451 4.2.0 come back"');
	my $told = workdir() . '/told';
	my $config = account($s, global => { on_failure => "echo \"\$SENDOFF_ID \$SENDOFF_REASON\" >>$told; env >$told.env" });
	put('a', 10, to => ['you@example.net', 'no@example.net', 'late@example.net']);
	due($config);
	is($s->copies->{ id('a') }{'you@example.net'}, 1, 'B4: one has it');
	my @reports = reports($s);
	is(scalar @reports, 1, 'one report');
	is(scalar(() = $reports[0]{text} =~ /^Final-Recipient: /mg), 1, 'about one recipient');
	like($reports[0]{text}, qr/^Diagnostic-Code: smtp; 550 5\.1\.1 no such user\r$/m, 'in its server\'s words');
	is_deeply([map { (split / /)[1] } @{ control('a')->{recipient} }], ['delivered', 'reported', 'waiting'], 'B4: each by itself');
	ok(wait_until(sub { -s $told }), 'on_failure was run');
	like(file_read($told), qr/^(?:p-)?aaaaaaaaaaaa .*550 5\.1\.1 no such user/, 'with the id and the reason');
	# The third is refused later: a report about that one alone.
	$s->mood('RCPT=late@example.net reply "550 5.2.1 gone"');
	run_sendoff(['-C', $config, 'queue', 'flush'], env => { HOME => $home });
	@reports = reports($s);
	is(scalar @reports, 2, 'the second report');
	like($reports[1]{text}, qr/^Final-Recipient: rfc822; late\@example\.net\r$/m, 'about the third');
	unlike($reports[1]{text}, qr/^Final-Recipient: rfc822; no\@/m, 'and not about the second again');
	is_deeply([ids('failed')], [name_of('a')], 'and now it is given up');
	is($s->copies->{ id('a') }{'you@example.net'}, 1, 'B1: the first got it once');
	is(scalar(() = file_read($told) =~ /\n/g), 1, 'on_failure was run once a message');
};

subtest 'failure_notice = no; nobody to tell' => sub {
	new_home();
	my $s = server_start(@later);
	put('a', $hour + 1);
	due(account($s, global => { max_age => '1h', failure_notice => 'no' }));
	is_deeply([ids('failed'), ids(), $s->stored], [name_of('a'), 0], 'given up, and no report');
};

subtest 'G4: trouble of the account never bounces mail before its time' => sub {
	my %me = (user => 'me@example.test', password => 'pass w0rd');
	for my $row (['login', server => { %me, password => 'other', tls => 'implicit' }, keys => { %me, tls => 'implicit' }],
		['certificate', server => { tls => 'implicit', cert => 'selfsigned' }, keys => { tls => 'implicit' }],
		['network', nobody => 1], ['sender', server => { at => 'MAIL reply "550 5.7.60 not yours"' }],
		['secret', server => { %me, tls => 'implicit' }, keys => { user => $me{user}, tls => 'implicit', password_command => 'false' }]) {
		my ($name, %o) = @$row;
		new_home();
		my $s = $o{nobody} ? nobody() : server_start(%{ $o{server} });
		my $config = account($s, %{ $o{keys} // {} }, global => { max_age => '5d', delay_notice => '0' });
		put('a', 4 * 86400);
		run_sendoff(['-C', $config, 'queue', 'flush'], env => { HOME => $home });
		is_deeply([ids()], [name_of('a')], "$name: it waits");
		is_deeply([ids('failed')], [], "$name: and is not given up");
		my $r = run_sendoff(['-C', $config, 'queue'], env => { HOME => $home });
		like($r->{out}, qr/aaaaaaaaaaaa/, "$name: the list has it");
		my %words = (login => qr/535/, certificate => qr/certificate/, network => qr/connection refused/, sender => qr/550 5\.7\.60/,
			secret => qr/password_command/);
		like($r->{out}, $words{$name}, "$name: and says why");
		$s->stop if !$o{nobody};
	}
};

# Each try of a wrong PIN may lock a token (pkcs11-pin); a refused login is tried again now and
# then.  With real tokens: t/interop/token-runner.t.
subtest 'C9: parked until something changes' => sub {
	my %me = (user => 'me@example.test', password => 'pass w0rd');
	new_home();
	my $s = server_start(%me, password => 'other', tls => 'implicit');
	my $config = account($s, %me, tls => 'implicit');
	my $file = dir() . '/accounts/test';
	my $over = sub {
		my ($cause) = @_;
		my ($set, $until) = (time - 600, time - 300);

		file_write($file, file_read($file) =~ s/^cause .*/cause $cause/mr =~ s/^until .*/until $until/mr =~
			s/^set .*/set $set/mr);
	};
	put('a', 10);
	due($config);
	is($s->connections, 1, 'refused');
	$over->(spool_park(dir(), 'test')->{cause});
	put('b', 10);
	due($config);
	is($s->connections, 2, 'a login is tried again when its time has come');
	$over->('pkcs11-pin');
	put('c', 10);
	due($config) for 1 .. 2;
	is($s->connections, 2, 'a PIN is not');
	my $park = spool_park(dir(), 'test');
	is_deeply([ @$park{qw(kind cause)} ], [ 'login', 'pkcs11-pin' ], 'it stays parked');
	cmp_ok($park->{until}, '>', time, '... and so it says when it will be looked at again');
	$over->('pkcs11-pin');
	my $list = run_sendoff(['-C', $config, 'queue'], env => { HOME => $home })->{out};
	like($list, qr/^ +account parked until that is mended: 535 /m, 'the list says that waiting is of no use') or diag($list);
	my $show = run_sendoff(['-C', $config, 'queue', 'show', 'p-' . name_of('a')], env => { HOME => $home })->{out};
	like($show, qr/^next try +when the cause is mended, or by sendoff queue flush$/m, '... and so does each message') or diag($show);
	unlike($show, qr/^parked until/m, '... without a moment');
	run_sendoff(['-C', $config, 'queue', 'flush'], env => { HOME => $home });
	is($s->connections, 3, 'unless an operator asks');
	$over->('pkcs11-pin');
	file_write($config, file_read($config) . "\n");
	due($config);
	is($s->connections, 4, 'or something has changed');
};

subtest 'C9: what is mended while it is being tried counts' => sub {
	my %me = (user => 'me@example.test', password => 'pass w0rd');
	for my $way ('sendmail -q', 'send') {
		new_home();
		my $s = server_start(%me, password => 'other', tls => 'implicit', at => ['AUTH:1 delay 1000']);
		my $config = account($s, %me, tls => 'implicit');
		my %run = (env => { HOME => $home, SENDOFF_CONFIG => $config }, timeout => 40);
		put('a', 10) if $way ne 'send';
		my $run = $way eq 'send' ? start_sendoff(['send', 'you@example.net'], stdin => letter("b\n"), %run) :
			start_sendoff(['-q'], name => 'sendmail', %run);
		ok(wait_until(sub { grep { $_->{kind} eq 'OPEN' } $s->journal }, 20), "$way: it is on its way");
		file_write($config, file_read($config) . "\n");
		is($run->finish->{exit}, 0, "$way: refused");
		is(scalar(ids()), 1, "$way: it waits");
		due($config);
		is($s->connections, 2, "$way: and is tried again");
	}
};

subtest 'C9: files that are dated in the future are no change' => sub {
	new_home();
	my $s = server_start(user => 'me@example.test', password => 'other', tls => 'implicit');
	my $config = account($s, user => 'me@example.test', password => 'pass w0rd', tls => 'implicit');
	utime time + 7200, time + 7200, $config or die "utime: $!\n";
	for (1 .. 3) {
		my $r = run_sendoff(['-C', $config, 'send', 'you@example.net'], stdin => letter("b\n"), env => { HOME => $home });
		is($r->{exit}, 0, 'stored');
	}
	is(scalar(grep { /^AUTH/ } $s->commands), 1, 'the refused login was made once');
};

subtest 'G3: too old because of the account' => sub {
	my %me = (user => 'me@example.test', password => 'pass w0rd');
	new_home();
	my $s = server_start(%me, password => 'other', tls => 'implicit');
	my $config = account($s, %me, tls => 'implicit', global => { max_age => '1h', delay_notice => '0' });
	put('a', $hour - 20);
	run_sendoff(['-C', $config, 'queue', 'flush'], env => { HOME => $home });
	is_deeply([ids()], [name_of('a')], 'a refused login: it waits');
	put('b', $hour + 1);
	due($config);
	is_deeply([ids('failed')], [name_of('b')], 'what is too old is given up all the same');
	my @left = grep { !/^[ab]{12}$/ } ids();
	is(scalar @left, 1, 'A10: its report is stored');
	my $report = spool_entry(dir() . "/new/$left[0]");
	is_deeply([$report->{head}{sender}, $report->{head}{to}, $report->{head}{'report-about'}], ['<>', ['me@example.test'], name_of('b')],
		'to the sender, about it');
	like($report->{content}, qr/535 5\.7\.8/, 'with what the server said');
	$s->stop;
	$s = server_start(%me, tls => 'implicit');
	file_write($config, account_text(%me, tls => 'implicit', host => 'localhost', port => $s->port, tls_ca_file => cert('ca'),
		global => { max_age => '2h', delay_notice => '0' }));
	due($config);
	is($s->copies->{ id('a') }{'you@example.net'}, 1, 'the login is mended: the message goes');
	is(scalar(reports($s)), 1, 'and so does the report');
	is_deeply([ids()], [], 'nothing waits');
};

subtest '--at: the age counts from then' => sub {
	new_home();
	my $s = server_start(@later);
	put('a', 10 * 86400, not_before => time - $hour + 60);
	put('b', 10 * 86400, not_before => time - $hour - 1, happened => ["last " . (time - 9)]);
	put('c', 10 * 86400, not_before => time + $hour);
	due(account($s, global => { max_age => '1h', delay_notice => '0' }));
	is_deeply([ids('failed')], [name_of('b')], 'what has been due for max_age is given up');
	is_deeply([ids()], [map { name_of($_) } 'a', 'c'], 'what was written long before is not');
};

done_testing;
