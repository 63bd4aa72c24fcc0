#!/usr/bin/perl
# Every letter of every sendmail: what it means here, or that it does no harm; and
# that none takes an address for its value, nor a value for an address.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;

my $server = server_start(user => undef);
my $config = account($server, from => 'me@example.test', match => '*');
my $count = 0;

# Sent to that recipient and nobody else, in silence.
sub goes_out
{
	my ($args, $name, %o) = @_;
	my $r = sendmail($config, [@$args, 'you@example.net'], cwd => workdir() . '/home', %o);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($r->{exit}, 0, "$name: sent") or diag($r->{err});
	is($r->{out} . $r->{err}, '', "$name: in silence") if !$o{loud};
	send_mail($config, ['queue', 'flush']) if queued();
	wait_until(sub { $server->stored > $count }, 5);
	is($server->stored, $count + 1, "$name: once");
	is_deeply($server->envelope($server->stored)->{recipients}, ['you@example.net'], "$name: to one");
	$count = $server->stored;
	return $r;
}

sub refused
{
	my ($args, $name, $words) = @_;
	my $r = sendmail($config, $args);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($r->{exit}, 64, "$name: 64");
	like($r->{err}, $words, "$name: told");
	is($server->stored, $count, "$name: nothing is sent");
}

subtest 'no value' => sub {
	goes_out(["-$_"], "-$_") for qw(i m n U G x E J c s);
	goes_out(['-imnUGxEJcs'], 'all in one');
	goes_out(['-d'], '-d alone');
	goes_out(["-d$_"], "-d$_") for qw(21.12 8 d all -all+route ANSI ropcr);
};

subtest 'a value, joined and as the next word' => sub {
	for ([qw(A c)], [qw(A m)], [qw(B 8BITMIME)], [qw(B 7BIT)], [qw(D trace)], [qw(h 5)], [qw(L tag)],
			[qw(N never)], [qw(N none)], [N => q(success,delay)], [qw(R hdrs)], [qw(R full)], [qw(V id1)],
			[qw(p UUCP:host)], [qw(p ESMTP)], [qw(X log)], [qw(C cf)], [qw(F Name)], [qw(f a@b.test)],
			[qw(r a@b.test)], [qw(O MaxHopCount=3)], [qw(o MaxHopCount)], [qw(e m)], [qw(e p)], [qw(e w)],
			[qw(b m)], [qw(o i)], [qw(o em)], [qw(o di)], [qw(o m)], [qw(o 7)], [qw(o A/etc/aliases)],
			[qw(o Q/tmp/q)], [qw(O QueueDirectory=/tmp/q)], [qw(O AliasFile=/tmp/a)]) {
		my ($letter, $value) = @$_;
		goes_out(["-$letter$value"], "-$letter$value");
		goes_out(["-$letter", $value], "-$letter $value");
		goes_out(["-i$letter", $value], "-i$letter $value");
	}
	goes_out(["-$_"], "-$_") for qw(odd odi om oo or0s oT5d oX12 Mrdaemon M{name}value MXx oitrue oP/x bnq);
	goes_out(["-$_", 'value'], "-$_ value, as Exim has it") for qw(oMr oMa oMs oMt oX oP oA);
	goes_out(['-v'], '-v', loud => 1);
	goes_out(['-ov'], '-ov', loud => 1);
	goes_out(['-O', 'Verbose=true'], '-O Verbose=true', loud => 1);
	is_deeply([glob(workdir() . '/home/*'), grep { -e } qw(/tmp/q /tmp/a)], [], 'F2: no file is written for any of them');
};

subtest 'the end of the options' => sub {
	my $r = sendmail($config, ['a@x.test', '-i', '-f', 'b@x.test']);
	is_deeply([sort @{ $server->envelope(++$count)->{recipients} }], [qw(-f@example.test -i@example.test a@x.test b@x.test)],
		'options end at the first address');
	sendmail($config, ['-i', '--', '-v@x.test']);
	is_deeply($server->envelope(++$count)->{recipients}, ['-v@x.test'], '... or at --');
};

subtest 'what dots mean' => sub {
	my %ends = ('' => 1, '-i' => 0, '-oi' => 0, '-oiTrue' => 0, '-oiFalse' => 1, '-O IgnoreDots' => 0,
		'-O IgnoreDots=true' => 0, '-OIgnoreDots=False' => 1, '-o i' => 0, '-OIGNOREDOTS=t' => 0);
	for my $words (sort keys %ends) {
		goes_out([split ' ', $words], "'$words'", stdin => "Subject: x\n\none\n.\ntwo\n");
		my $two = $server->message($count) =~ /two/ ? 0 : 1;
		is($two, $ends{$words}, "'$words': a lone dot " . ($ends{$words} ? 'ends' : 'is text'));
	}
};

subtest 'how it is sent, how errors are told: long names' => sub {
	for my $words ('-odq', '-o dq', '-O DeliveryMode=q', '-ODeliveryMode=queue-only', '-Odeliverymode=q') {
		is(sendmail($config, [split(' ', $words), 'you@example.net'])->{exit}, 0, "$words: 0");
		is(scalar(queued()), 1, '... stored');
		is($server->stored, $count, '... not sent');
		queue_empty();
	}
	my $refusing = server_start(at => ['RCPT:1+=no@example.net reply "550 5.1.1 no"']);
	my $to = account($refusing, from => 'me@example.test');
	for (['-oep', 0, 1, 67], ['-O ErrorMode=p', 0, 1, 67], ['-e p', 0, 1, 67], ['-OErrorMode=q', 0, 0, 67],
			['-eq', 0, 0, 67], ['-oem', 1, 0, 0], ['-OErrorMode=mail', 1, 0, 0], ['-ew', 1, 0, 0]) {
		my ($words, $reports, $says, $exit) = @$_;
		my $watch = watched();   # or the report may be gone already, behind the recipient who is served
		my $r = sendmail($to, [split(' ', $words), 'no@example.net', 'yes@example.net']);
		is($r->{exit}, $exit, "$words: $exit");
		is(scalar(queued()), $reports, '... reports');
		is($r->{err} ne '' ? 1 : 0, $says, '... on standard error');
		queue_empty();
	}
};

subtest '-G: it comes from elsewhere' => sub {
	goes_out(['-G', '-f', 'a@b.test'], '-G', stdin => "Subject: x\nBcc: z\@x.test\n\ny\n");
	is_bytes($server->message($count), "Subject: x\r\n\r\ny\r\n", 'nothing is added to the header');
};

goes_out(['-tls-on-connect', '-oi'], '-tls-on-connect');

subtest '-d0.1' => sub {
	for (['-d0.1'], ['-d0'], ['-d0.4', '-bt'], ['-bt', '-d0.1']) {
		my $r = sendmail($config, $_, stdin => '');
		is($r->{exit}, 0, "@$_: 0");
		like($r->{out}, qr/\AVersion \d\S* \(sendoff\)\n Configuration: \//, "@$_: what it is");
		is($r->{err}, '', "@$_: nothing else");
	}
	my $r = sendmail($config, ['-d0.1', '-bv', 'bob'], stdin => '');
	like($r->{out}, qr/\AVersion .*^bob: bob\@example\.test\n\z/ms, 'with -bv: and what was asked');
	like(goes_out(['-d0.1'], 'with a message', loud => 1)->{out}, qr/\AVersion /, '... it is sent');
};

subtest 'modes' => sub {
	is(sendmail($config, $_, stdin => '')->{out}, "Mail queue is empty\n", "@$_: the queue")
		for ['-bp'], ['-b', 'p'], ['-bpr'], ['-bpru'];
	is(sendmail($config, [@$_, 'bob'], stdin => '')->{out}, "bob: bob\@example.test\n", "@$_: what it becomes")
		for ['-bv'], ['-bvs'], ['-b', 'v'];
	is(sendmail($config, $_, stdin => '')->{exit}, 0, "@$_: the aliases") for ['-bi'], ['-I'], ['-b', 'i'];
	for my $mode (qw(-bt -be -bf -bF -bP -brt -brw)) {
		refused([$mode, 'you@example.net'], $mode, qr/^sendoff: $mode is for .*\n  .*sendmail -bv/);
	}
	is_deeply([@{ sendmail($config, ['-bV']) }{qw(exit err)}], [0, ''], '-bV: the version');
	like(sendmail($config, ['-bV'])->{out}, qr/^sendoff \d/, '... is printed');
	refused(["-b$_", 'you@example.net'], "-b$_", qr/^sendoff: -b$_ is for .*\n  .*mailq/) for qw(h H);
	refused(["-b$_", 'you@example.net'], "-b$_", qr/^sendoff: unknown option '-b$_'/) for qw(w z);
};

subtest 'A1: a message that a mode does not read is not lost in silence' => sub {
	for (['-q'], ['-qf'], ['-qq'], ['-qRx'], ['-q30m'], ['-q', '-i'], ['-bi'], ['-I'], ['-bd'], ['-bD'], ['-bS'], ['-bV'], ['-qIabc']) {
		my ($word) = $_->[0] =~ /\A(-b.|-q|-I)/;
		refused([@$_, 'you@example.net'], "@$_", qr/^sendoff: with \Q@{[$word eq '-I' ? '-bi' : $word]}\E no message is sent, and none was/);
		refused([@$_, '-t'], "@$_ -t", qr/no message is sent/);
	}
	is(scalar(queued()), 0, 'nor stored');
	my $r = run_sendoff(['/etc/aliases'], name => 'newaliases', env => { SENDOFF_CONFIG => $config });
	is("$r->{exit}$r->{err}", '0', 'newaliases has none to lose');
};

subtest 'what must not be taken for mail' => sub {
	refused(["-M$_", '1abcde-000001-AA'], "-M$_", qr/^sendoff: -M$_ is for another program's queue\n  .*help queue/)
		for qw(rm f t g vb set), '';
	refused(["-$_", 'you@example.net'], "-$_", qr/^sendoff: unknown option '-$_'/) for qw(y z S T Q 5), '-frobnicate';
	refused(["-$_"], "-$_ without its value", qr/^sendoff: option -$_ needs a value/) for qw(F f N R V b e o O h);
};

subtest 'what is asked for of reports keeps no mail back' => sub {
	for (['N', 'maybe'], ['N', ''], ['N', 'never,success'], ['R', 'some'], ['R', ''], ['V', ''], ['V', 'a' x 101], ['V', "a\x1bb"]) {
		my ($letter, $value) = @$_;
		my $r = goes_out(["-$letter", $value], "-$letter '$value'", loud => 1);
		like($r->{err}, qr/\Asendoff: option -$letter has no effect: .*\n  sendmail\(8\) says what it takes\n\z/, '... which is told');
		unlike($server->envelope($count)->{mail}, qr/RET|ENVID/, '... and not passed on');
	}
	goes_out(['-N', 'success, delay'], 'a list with blanks');
	like(join("\n", $server->commands), qr/NOTIFY=SUCCESS,DELAY/, '... is one');
};

done_testing;
