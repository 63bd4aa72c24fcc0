#!/usr/bin/perl
# sendmail -bs: programs that speak SMTP with it over a pipe, or through inetd.  What
# they hand in goes the way of all mail, and the answer to the last dot is the truth.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use SendoffTest;
use SendoffTest::Dialogue;
use POSIX ();
use SendoffTest::Send;
use Time::HiRes qw(sleep time);

my $login = getpwuid($>);
my $text  = "Subject: x\n\nbody\n.\n..\n";

sub robot
{
	my ($server, %keys) = @_;

	return account($server, from => 'robot@example.test', allowed_from => '*', %keys);
}

# All said at once, as `printf ... | sendmail -bs` has it.
sub piped
{
	my ($config, $said, @args) = @_;

	return sendmail($config, ['-bs', @args], stdin => $said);
}

subtest 'a whole session, step by step' => sub {
	my $server = server_start();
	my $d = dialogue(robot($server));

	like($d->{greeting}, qr/^220 \S+ ESMTP sendoff$/, 'greeted');
	like($d->talk('EHLO [127.0.0.1]'), qr/^250-\S+\n250-SIZE 104857600\n.*250-DSN\n.*\b250 HELP$/s, 'EHLO');
	unlike($d->talk('EHLO x'), qr/XSENDOFF|STARTTLS|AUTH/, 'what is the runner\'s, or a server\'s, is not offered');
	is($d->talk('MAIL FROM:<a@b.test> XTAG=x'), '555 5.5.4 a parameter that is not known here; EHLO lists what is',
		'... nor taken');
	like($d->talk('HELO [127.0.0.1]'), qr/^250 \S+$/, 'HELO');
	like($d->talk('NOOP'), qr/^250 /, 'NOOP');
	like($d->talk('HELP'), qr/^214 /, 'HELP');
	like($d->talk('VRFY root'), qr/^252 /, 'VRFY');
	like($d->talk('EXPN staff'), qr/^502 .*sendmail -bv/, 'EXPN: refused, with what to do instead');
	like($d->talk('VERB on'), qr/^500 /, 'VERB is no command, and no harm');
	like($d->talk('RSET'), qr/^250 /, 'RSET');
	is($d->message('alice', ['bob', 'carol@example.net'], $text), '250 2.0.0 sent to 2 recipients', 'a message');
	is($server->stored, 1, '... is with the server by then');
	is($server->envelope(1)->{sender}, 'alice@example.test', 'a bare sender gets the domain');
	is_deeply($server->envelope(1)->{recipients}, [qw(bob@example.test carol@example.net)], '... and a bare recipient');
	like($server->message(1), qr/^Date: .*\r\n^From: alice\@example\.test\r\n^Message-ID: <.*>\r\nSubject: x\r\n\r\nbody\r\n\.\r\n\.\.\r\n\z/ms,
		'what is missing is added, dots are undone');
	is($d->message('', ['bob'], $text), '250 2.0.0 sent to 1 recipient', 'another, from the null sender');
	is($server->envelope(2)->{sender}, '', '... that stays it');
	like($server->message(2), qr/^From: \Q$login\E\@example\.test\r$/m, 'From is then who runs it');
	my $r = $d->finish;
	is($r->{exit}, 0, 'exit 0');
	is($r->{out}, "221 2.0.0 goodbye\r\n", 'QUIT');
	is($r->{err}, '', 'silence elsewhere');
	is_deeply([$server->violations], [], 'by the rules');
};

subtest 'all at once, by bare LF, in BDAT' => sub {
	my $server = server_start();
	my $config = robot($server);
	my $r = piped($config, "EHLO x\r\nMAIL FROM:<a\@b.test> SIZE=10 BODY=8BITMIME RET=HDRS ENVID=QQ314\r\n" .
		"RCPT TO:<c\@d.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;c\@d.test\r\nDATA\r\nSubject: 1\r\n\r\n" .
		"gr\xc3\xbc\xc3\x9fe\r\n.\r\nMAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nDATA\r\nSubject: 2\r\n\r\n.\r\nQUIT\r\n");
	my @replies = $r->{out} =~ /^(\d{3}) /mg;

	is("@replies", '220 250 250 250 354 250 250 250 354 250 221', 'pipelined') or diag($r->{out});
	like($server->envelope(1)->{mail} // join(' ', $server->commands), qr/RET=HDRS ENVID=QQ314/, 'DSN is passed on');
	like(join("\n", $server->commands), qr/RCPT TO:<c\@d\.test> NOTIFY=FAILURE,DELAY/, '... of recipients, too');
	like($server->message(1), qr/gr\xc3\xbc\xc3\x9fe\r\n\z/, '8-bit as it is');
	$r = piped($config, "HELO x\nMAIL FROM:<a\@b.test>\nRCPT TO:<c\@d.test>\nDATA\nSubject: 3\n\nx\n..\n.\nQUIT\n");
	is($r->{exit}, 0, 'bare LF');
	like($server->message(3), qr/Subject: 3\r\n\r\nx\r\n\.\r\n\z/, '... lines, dots and end');
	$r = piped($config, "EHLO x\r\nMAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nBDAT 14\r\nSubject: 4\r\n\r\n" .
		"BDAT 6 LAST\r\n.\r\nx\r\nQUIT\r\n");
	like($server->message(4), qr/Subject: 4\r\n\r\n\.\r\nx\r\n\z/, 'BDAT') or diag($r->{out});
	$r = piped($config, "EHLO x\r\nMAIL FROM:<a\@b.test> SMTPUTF8\r\nRCPT TO:<gr\xc3\xbc\xc3\x9fe\@d.test>\r\n" .
		"DATA\r\nSubject: 5\r\n\r\nx\r\n.\r\nQUIT\r\n");
	is_deeply($server->envelope(5)->{recipients}, ["gr\xc3\xbc\xc3\x9fe\@d.test"], 'SMTPUTF8') or diag($r->{out});
	is_deeply([$server->violations], [], 'by the rules');
};

subtest 'A3: what is not whole is nothing' => sub {
	my $server = server_start();
	my $config = robot($server);
	my $said = "EHLO x\r\nMAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nDATA\r\nSubject: s\r\n\r\nhalf\r\n.\r\n";
	my @runs = map { start_sendoff(['-bs'], name => 'sendmail', stdin => substr($said, 0, $_),
		env => { SENDOFF_CONFIG => $config }) } grep { $_ % 7 == 0 || $_ > length($said) - 12 } 0 .. length($said) - 1;
	my @ended = finish_all(@runs);

	is_deeply([grep { $_->{exit} } @ended], [], 'EOF anywhere: exit 0');
	is_deeply([grep { $_->{out} =~ /^2\d\d 2\.0\.0/m || $_->{err} ne '' } @ended], [], '... and nothing was promised');
	is($server->stored, 0, '... nor sent');
	is(scalar(queued()), 0, '... nor stored');
	is(piped($config, $said)->{exit}, 0, 'but what is whole is sent without QUIT');
	is($server->stored, 1, '... once');
};

subtest 'G1: the answer to the dot' => sub {
	my $server = server_start(at => ['RCPT:1+=no@example.net reply "550 5.1.1 unknown here"',
		'RCPT:1+=later@example.net reply "451 4.2.0 busy"', 'CONTENT:1 reply "554 5.7.1 spam"']);
	my $config = robot($server, retry => undef);
	my $d = dialogue($config);

	like($d->message('a@b.test', ['x@example.net'], $text), qr/^554 5\.7\.1 .*spam/, 'refused by the server');
	like($d->message('a@b.test', ['no@example.net'], $text), qr/^550 5\.1\.1 recipient no\@example\.net refused: .*unknown here/,
		'everybody is refused');
	is(scalar(queued()), 0, '... so that no report is made: the client was told');
	my $reply = $d->message('a@b.test', ['later@example.net'], $text);
	like($reply, qr/^250 2\.0\.0 queued as p-[a-z2-7]{12}: .*busy/, 'refused for now: stored, by what id');
	is(scalar(queued()), 1, '... it is there');
	queue_empty();
	my $watch = watched();   # reports go out behind nobody
	like($d->message('a@b.test', ['x@example.net', 'no@example.net'], $text),
		qr/^250 2\.0\.0 sent to 1 of 2 recipients; the sender is told of the others by mail/, 'one is refused');
	is(scalar(queued()), 1, '... of which a report is stored');
	like(file_read((queued())[0]), qr/unknown here/, '... with the words of the server');
	queue_empty();
	is($d->finish->{exit}, 0, 'exit 0 all the same');

	$d = dialogue($config, ['-bs', '-oee']);
	like($d->message('a@b.test', ['no@example.net'], $text), qr/^550 /, '-oee: the client is told as well');
	is(scalar(queued()), 0, '... and not by mail');
	$d->finish;
	for my $letters ('-oeq', '-oep') {
		$d = dialogue($config, ['-bs', $letters]);
		like($d->message('a@b.test', ['x@example.net', 'no@example.net'], $text), qr/^250 .*sent to 1 of 2/,
			"$letters: nobody can be told otherwise");
		is(scalar(queued()), 1, '... than by mail');
		is($d->finish->{err}, '', '... and in silence');
		queue_empty();
	}
	# Who wants no reports gets none, and the message must not come again.
	$d = dialogue($config);
	like($d->message('', ['x@example.net', 'no@example.net'], $text), qr/^250 .*sent to 1 of 2 recipients; the others were refused/,
		'the null sender: some have it');
	like($d->message('', ['later@example.net', 'no@example.net'], $text), qr/^250 .*queued as p-/, '... or will');
	is(scalar(queued()), 1, '... that one alone');
	queue_empty();
	# What is asked for one recipient is not asked for the other.
	$d->talk($_) for 'MAIL FROM:<a@b.test>', 'RCPT TO:<x@example.net> NOTIFY=NEVER', 'RCPT TO:<no@example.net>', 'DATA';
	$d->put("Subject: x\r\n\r\nx\r\n.\r\n");
	like($d->get, qr/^250 .*the sender is told of the others by mail/, 'G2: NOTIFY=NEVER of one silences no other');
	is(scalar(queued()), 1, '... there is a report');
	queue_empty();
	$d->finish;
	undef $watch;
	my $stored = $server->stored;
	$d = dialogue($config, ['-bs', '-odq']);
	like($d->message('a@b.test', ['x@example.net'], $text), qr/^250 2\.0\.0 queued as p-/, '-odq: stored');
	is($server->stored, $stored, '... and not sent');
	$d->finish;
	queue_empty();
	like(dialogue(account(nobody(), from => 'r@example.test'))->message('a@b.test', ['x@y.test'], $text),
		qr/^250 2\.0\.0 queued as p-.*: .*onnect/, 'no server');
	queue_empty();
};

subtest 'what cannot be kept is not taken' => sub {
	my $server = server_start();
	my $config = robot(nobody(), global => { queue_dir => '/proc/none' });
	my $d = dialogue($config);
	like($d->message('a@b.test', ['x@y.test'], $text), qr/^452 4\.3\.1 .*not stored/, 'A4: no queue, no server');
	$d->finish;
	$d = dialogue(workdir() . '/absent');
	like($d->message('a@b.test', ['x@y.test'], $text), qr/^451 4\.3\.5 .*cannot open/, 'no configuration');
	is(scalar(queued()), 0, 'nothing is stored');
	$d->finish;
	$d = dialogue(robot($server, global => { max_message => '1K' }));
	like($d->talk('EHLO x'), qr/^250-SIZE 1024$/m, 'max_message is offered');
	like($d->talk('MAIL FROM:<a@b.test> SIZE=2000'), qr/^552 5\.3\.4/, '... obeyed at MAIL');
	like($d->message('a@b.test', ['x@y.test'], "Subject: x\n\n" . 'x' x 70 . "\n" x 1100), qr/^552 5\.3\.4/, '... and at the end');
	like($d->message('a@b.test', ['x@y.test'], $text), qr/^250 /, '... of that message only');
	$d->finish;
};

subtest 'hostile, and broken, clients' => sub {
	my $server = server_start();
	my $config = robot($server);
	my $r = piped($config, "FROB\r\n" x 30 . "MAIL FROM:<a\@b.test>\r\n");

	like($r->{out}, qr/^421 4\.7\.0 too many commands in a row/m, 'errors are counted');
	is($r->{exit}, 0, '... exit 0');
	$r = piped($config, "NOOP\r\n" x 1100);
	like($r->{out}, qr/^421 4\.7\.0 too many commands that lead to no message/m, 'and idle commands');
	$r = piped($config, hostile_bytes(200_000));
	ok(safe($r), 'octets that mean nothing');
	$r = piped($config, "MAIL FROM:<a\@b.test\r\nMAIL FROM:<a\rb\@c.test>\r\nRCPT TO:<c>\r\nQUIT\r\n");
	my @refused = $r->{out} =~ /^5\d\d /mg;
	is(scalar(@refused), 3, 'E1: addresses with a CR, or without an end');
	$r = piped($config, "MAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nDATA\r\nSubject: x\r\n\r\nx\n.\nMAIL FROM:<evil\@b.test>\r\n" .
		"RCPT TO:<v\@d.test>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n");
	is($server->stored, 1, 'E2: no second message is smuggled in behind LF . LF');
	# One that asks and never reads.
	my $d = dialogue($config, ['-bs'], mute => 1);
	my $deaf = $d->run;
	delete $deaf->{stdout};
	$d->put("HELP\r\n" x 10);
	$deaf->close_stdin;
	is($deaf->finish->{exit}, 73, 'nobody reads the answers: told');
	is($server->stored, 1, 'nothing else was sent');
};

subtest 'C7: told to stop' => sub {
	my $server = server_start();
	my $d = dialogue(robot($server));

	$d->talk('EHLO x');
	$d->talk('MAIL FROM:<a@b.test>');
	$d->talk('RCPT TO:<c@d.test>');
	$d->talk('DATA');
	$d->put("Subject: half\r\n");
	$d->run->kill('TERM');
	like($d->get, qr/^421 /, 'it says so');
	my $r = $d->run->finish(timeout => 10);
	isnt($r->{exit}, 0, '... its exit code too');
	is($server->stored, 0, '... and nothing half is sent');
};

subtest 'C1: silence' => sub {
	my %hurry = hurry(2000) or plan(skip_all => 'the clock cannot be made to run');
	my $server = server_start();
	my $config = robot($server);
	for my $said ('', "EHLO x\r\nMAIL FROM:<a\@b.test>\r\n", "MAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nDATA\r\nhalf\r\n") {
		my $d = dialogue($config, ['-bs'], env => \%hurry);
		$d->put($said);
		my $r = $d->run->finish(timeout => 10);
		like($r->{out}, qr/^421 4\.3\.2 nothing came for an hour, goodbye\r\n\z/m, 'an hour: told, and over');
		cmp_ok($r->{seconds}, '>', 1.5, '... not before');
		cmp_ok($r->{seconds}, '<', 5, '... nor long after');
	}
	# Octets that make no whole line do not count, commands do.
	my $d = dialogue($config, ['-bs'], env => \%hurry);
	my $began = time;
	while (time - $began < 6 && $d->run->{stdout}) {
		$d->put('N');
		$d->run->turn(0.1);
	}
	cmp_ok(time - $began, '<', 4, 'single octets stretch nothing');
	$d->run->finish;
	$d = dialogue($config, ['-bs'], env => \%hurry);
	for (1 .. 6) {
		sleep 0.5;
		like($d->talk('NOOP'), qr/^250 /, 'who speaks is heard');
	}
	is($d->finish->{exit}, 0, '... for as long as he likes');
	is($server->stored, 0, 'nothing was sent');
};

subtest 'C3: a large message' => sub {
	my $server = server_start();
	my $line = 'x' x 76 . "\r\n";
	my $body = $line x 150_000;
	my $r = piped(robot($server, timeout => '20s', final_timeout => '20s'), "MAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\n" .
		"DATA\r\nSubject: big\r\n\r\n$body.\r\nQUIT\r\n");
	like($r->{out}, qr/^250 2\.0\.0 sent to 1 recipient\r$/m, 'taken');
	is_bytes((split /\r\n\r\n/, $server->message(1), 2)[1], $body, 'A8: as it came');
};

subtest 'through inetd: a socket is both' => sub {
	my $server = server_start();
	my $config = robot($server);
	my $listener = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die "listen: $@\n";
	my $client = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport) or die "connect: $@\n";
	my $peer = $listener->accept;
	my $run = start_sendoff(['-bs'], name => 'sendmail', env => { SENDOFF_CONFIG => $config },
		before => sub { POSIX::dup2(fileno $peer, 0); POSIX::dup2(fileno $peer, 1) });
	close $peer;
	print {$client} "EHLO x\r\nMAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nQUIT\r\n";
	my $said = do { local $/; local $SIG{ALRM} = sub { die "no end\n" }; alarm 15; my $all = <$client>; alarm 0; $all };
	like($said, qr/^250 2\.0\.0 sent to 1 recipient\r\n221 /m, 'served, and closed');
	is($run->finish->{exit}, 0, 'exit 0');
	is($server->stored, 1, 'it is sent');
};

subtest '-F, -f and other letters beside -bs' => sub {
	my $server = server_start();
	my $config = robot($server);
	my $r = piped($config, "MAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n",
		'-F', 'Ro Bot', '-f', 'other@x.test', '-t', '-i', '-odi', '-om', '-v');
	is($server->envelope(1)->{sender}, 'a@b.test', 'MAIL names the sender, not -f');
	is_deeply($server->envelope(1)->{recipients}, ['c@d.test'], 'RCPT the recipients, not -t');
	like($server->message(1), qr/^From: Ro Bot <a\@b\.test>\r$/m, '-F the display name');
	is($r->{err}, '', '-v, too, is silent: some have standard error where the answers are');
	$r = piped($config, "MAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n",
		'-odi', '-oem', '-om', '-ov');
	is($r->{err}, '', '... so is -ov, as nmh has it');
	like($r->{out}, qr/\A(?:[2-5]\d\d[ -].*\r\n)+\z/, '... nothing but answers');
};

# -bS: nobody reads the answers, so that what was refused is told otherwise.
subtest 'a batch' => sub {
	my $message = sub { my ($subject, @to) = @_; return "MAIL FROM:<a\@b.test>\n" . join('', map { "RCPT TO:<$_>\n" } @to) .
		"DATA\nSubject: $subject\n\n..x\n.\n" };
	my $batch = sub { my ($config, $said, @args) = @_; return sendmail($config, ['-bS', @args], stdin => $said) };
	my $server = server_start();
	my $config = robot($server);
	my $r = $batch->($config, "HELO x\n" . $message->('one', 'c@d.test', 'e@f.test') . "RSET\n" . $message->('two', 'c@d.test') . "QUIT\n");

	is_deeply([@$r{qw(exit out err)}], [0, '', ''], 'all of it: silent');
	is($server->stored, 2, 'sent');
	like($server->message(1), qr/\r\n\r\n\.x\r\n\z/, 'whole');
	is_deeply($server->envelope(1)->{recipients}, ['c@d.test', 'e@f.test'], 'to all');
	$r = $batch->($config, $message->('three', 'c@d.test') . "VRFY\nRCPT TO:<x\@y.test>\n" . $message->('four', 'bad@@', 'c@d.test'));
	is($r->{exit}, 65, 'what is refused is told by the exit code');
	is($r->{out}, '', '... nothing on standard output');
	like($r->{err}, qr/^sendoff: refused in the batch: 503 5\.5\.1 .*\nsendoff: refused in the batch: 553 5\.1\.3 .*bad/m, '... and in words');
	is($server->stored, 4, '... the rest is served');
	$r = $batch->($config, $message->('five', 'c@d.test') . "MAIL FROM:<a\@b.test>\nRCPT TO:<c\@d.test>\nDATA\nhalf\n");
	is($r->{exit}, 65, 'cut in the middle of a message');
	like($r->{err}, qr/^sendoff: the batch ends in the middle of a message, of which nothing was sent\n\z/m, '... said');
	is($server->stored, 5, '... whose half is not sent');
	# More answers than anybody could keep.
	my $many = server_start();
	$r = sendmail(robot($many), ['-bS'], timeout => 60, stdin => join('', map { $message->("n$_", 'c@d.test') } 1 .. 900) . "MAIL FROM:<a\@b.test>\n" .
		join('', map { "RCPT TO:<r$_\@d.test>\n" } 1 .. 4000) . "DATA\nSubject: to many\n\nx\n.\n");
	is_deeply([@$r{qw(exit out err)}], [0, '', ''], 'a long one: all of it');
	is($many->stored, 900 + 40, 'a long one: sent');
	for my $cut ("MAIL FROM:<a\@b.te", "MAIL FROM:<a\@b.test>\nRCPT TO:<c\@d", "MAIL FROM:<a\@b.test>\n",
			"MAIL FROM:<a\@b.test>\nRCPT TO:<c\@d.test>\nDATA\n") {
		$r = $batch->($config, $message->('before', 'c@d.test') . $cut);
		is($r->{exit}, 65, 'cut: ' . $cut =~ s/\n/ /gr);
		like($r->{err}, qr/^sendoff: the batch ends in the middle of a message/m, '... said');
	}
	# A queue that cannot be written: what was not stored may come again.
	my $blocked = robot(nobody(), global => { queue_dir => '/proc/none' });
	$r = $batch->($blocked, $message->('six', 'c@d.test') . $message->('seven', 'bad@@'));
	is($r->{exit}, 75, 'not stored');
	like($r->{err}, qr/^sendoff: refused in the batch: 4\d\d /m, '... said');
	$r = $batch->(robot(nobody()), $message->('eight', 'c@d.test'));
	is($r->{exit}, 0, 'offline: stored') or diag($r->{err});
	is(scalar(my @waiting = queued('new')), 1, '... once');
};

done_testing;
