#!/usr/bin/perl
# Who sends and who receives: from arguments and header to MAIL and RCPT.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;

# One server for many runs; the envelope of the latest message, and how many
# there are.
my ($server, $count, $config);

sub fresh
{
	my (%o) = @_;
	my %keys = %{ delete $o{keys} // {} };

	$server = server_start(%o);
	$config = account($server, rewrite_from => 'never', %keys);
	$count = 0;
}

sub latest
{
	my $n = $server->stored;

	return undef if $n == $count;
	$count = $n;
	return $server->envelope($n);
}

# name, arguments, header fields beside those of a letter, recipients
sub recipients
{
	my ($name, $args, $fields, $want, $body) = @_;
	my $r = sendmail($config, $args, stdin => letter($body, To => undef, %{ $fields // {} }));
	my $e = latest();

	is_deeply($e ? $e->{recipients} : $r->{err}, $want, "$name: recipients");
	is($r->{exit} . $r->{out} . $r->{err}, '0', "$name: in silence");
	return $e;
}

sub refused
{
	my ($name, $args, $code, $err, %o) = @_;
	my $r = sendmail($config, $args, %o);

	is($r->{exit}, $code, "$name: exit $code") or diag($r->{err});
	like($r->{err}, $err, "$name: told");
	ok(!latest(), "$name: nothing sent");
	unlike($r->{err}, qr/[^\x0a\x20-\x7e]/, "E4: $name: in clean words");
}

subtest 'addresses as arguments' => sub {
	fresh();
	my $a = 'a@example.net';
	my $b = 'b@example.org';
	recipients('one', [$a], undef, [$a]);
	recipients('several, in order', [$b, $a], undef, [$b, $a]);
	recipients('twice', [$a, $a, 'a@EXAMPLE.NET'], undef, [$a]);
	recipients('local parts differ by case', [$a, 'A@example.net'], undef, [$a, 'A@example.net']);
	recipients('a list in one word', ["$a,$b"], undef, [$a, $b]);
	recipients('a list with blanks', ["$a, $b"], undef, [$a, $b]);
	recipients('blanks between addresses', ["$a $b"], undef, [$a, $b]);
	recipients('blanks around', [" $a "], undef, [$a]);
	recipients('angle brackets', ["<$a>"], undef, [$a]);
	recipients('a display name', ["Full Name <$a>"], undef, [$a]);
	recipients('a quoted display name with a comma', ["\"Name, Full\" <$a>"], undef, [$a]);
	recipients('a comment', ["$a (Full Name)"], undef, [$a]);
	recipients('a group', ["group: $a, $b;"], undef, [$a, $b]);
	recipients('a source route', ["<\@relay.example:$a>"], undef, [$a]);
	recipients('an empty word beside one', ['', $a], undef, [$a]);
	recipients('a bare name', ['root'], undef, ['root@example.test']);
	recipients('a bare name in a list', ["root,$a"], undef, ['root@example.test', $a]);
	recipients('a domain without a dot is left alone', ['a@host'], undef, ['a@host']);
	recipients('plus and percent', ['to+tag@example.net', 'a%b@example.net'], undef,
		['to+tag@example.net', 'a%b@example.net']);
	recipients('a quoted local part', ['"x y"@example.net'], undef, ['"x y"@example.net']);
	recipients('quotes that are not needed', ['"a"@example.net'], undef, [$a]);
	recipients('an address literal', ['a@[192.0.2.1]'], undef, ['a@[192.0.2.1]']);
	recipients('a dash behind --', ['--', '-a@example.net'], undef, ['-a@example.net']);
	recipients('options end at the first address', [$a, '-f', $b], undef, [$a, '-f@example.test', $b]);
	recipients('IDNA', ["a\@b\xc3\xbccher.example", "a\@B\xc3\x9cCHER.example"], undef,
		['a@xn--bcher-kva.example']);
	recipients('a domain in capitals', ['a@EXAMPLE.Net'], undef, [$a]);
	recipients('what follows an address is another one', ["<$a> ORCPT=x"], undef,
		[$a, 'ORCPT=x@example.test']);
	recipients('a header does not count without -t', [$a], { To => $b, Cc => 'c@example.net' }, [$a]);
	is_deeply([$server->violations], [], 'all by the rules');
};

subtest '-t' => sub {
	fresh();
	my $a = 'a@example.net';
	recipients('To, Cc and Bcc', ['-t'], { To => $a, Cc => 'b@example.net', Bcc => 'c@example.net' },
		['c@example.net', 'b@example.net', $a]);
	recipients('with recipients as arguments: added', ['-t', 'x@example.net', $a],
		{ To => "$a, y\@example.net" }, ['x@example.net', $a, 'y@example.net']);
	recipients('-ti', ['-ti'], { To => $a }, [$a]);
	recipients('-it', ['-it'], { To => $a }, [$a]);
	recipients('names, quotes, comments, nested', ['-t'],
		{ To => "\"A, B\" <$a>, c (co (mm) ent\\)) \@example.net (x, y\@z)" }, [$a, 'c@example.net']);
	recipients('folded', ['-t'], { To => "Full\n Name\n\t<$a>,\n b\@example.net" }, [$a, 'b@example.net']);
	recipients('groups, one of them empty', ['-t'],
		{ To => "team: $a, b\@example.net; , undisclosed-recipients:;" }, [$a, 'b@example.net']);
	recipients('undisclosed, with Bcc', ['-t'], { To => 'undisclosed-recipients:;', Bcc => $a }, [$a]);
	recipients('empty members', ['-t'], { To => ",, $a ,," }, [$a]);
	recipients('bare names', ['-t'], { To => 'root, postmaster' },
		['root@example.test', 'postmaster@example.test']);
	recipients('RFC 2047 names', ['-t'], { To => "=?utf-8?q?J=C3=BCrgen=2C?= <$a>" }, [$a]);
	recipients('raw UTF-8 names', ['-t'], { To => "J\xc3\xbcrgen <$a>" }, [$a]);

	my @repeated = ("To: a\@example.net\n", "TO: b\@example.net\n", "to : c\@example.net\n",
		"cC: d\@example.net\n", "bcc: e\@example.net\n", "BCC: f\@example.net\n");
	my $r = sendmail($config, ['-t'], stdin => join('', @repeated) . "\nTo: body\@example.net\n");
	is_deeply(latest()->{recipients}, [map { "$_\@example.net" } 'a' .. 'f'], 'repeated, in any case');

	for my $case (
		['the newest block alone', "Resent-To: new\@example.net\nResent-From: x\@example.net\n" .
			"Received: by a\nResent-To: old\@example.net\n", ['new@example.net']],
		['Resent-Cc and Resent-Bcc', "Resent-Cc: n1\@example.net\nResent-Bcc: n2\@example.net\n",
			['n1@example.net', 'n2@example.net']],
		['only Resent-Bcc', "Resent-Bcc: n\@example.net\n", ['n@example.net']],
	) {
		my ($name, $block, $want) = @$case;
		$r = sendmail($config, ['-t'], stdin => $block . letter(undef, Cc => 'c@example.net', Bcc => 'd@example.net'));
		is_deeply(latest()->{recipients}, $want, "Resent: $name");
		my $got = $server->message($count);
		unlike($got, qr/^(?:Resent-)?Bcc/im, "Resent: $name: no Bcc of any kind");
		like($got, qr/^To: you\@example\.net\r$/m, "Resent: $name: the rest stays");
	}
	is_deeply([$server->violations], [], 'all by the rules');
};

subtest 'no Bcc ever leaves' => sub {
	fresh();
	my $head = "Date: x\nFrom: me\@example.test\nMessage-ID: <1\@x>\n";
	my $want = wire($head);
	my $secret = 'hidden@example.net';
	my $leak = qr/hidden|^(?:resent-)?bcc/im;
	my @forms = (
		"Bcc: $secret\n", "BCC: $secret\n", "bcc:$secret\n", "bCc : $secret\n", "Bcc:\t$secret\n",
		"Bcc:\n $secret\n", "Bcc: $secret,\n\tother\@example.net\n", "Bcc: $secret\nBcc: two\@example.net\n",
		"Bcc: $secret\r\n", "Resent-Bcc: $secret\n", "RESENT-BCC:\n  $secret\n", "Bcc:\n", "Bcc:   \n",
		"Bcc: not an address ($secret\n", "Bcc: \"$secret\n",
	);
	for my $form (@forms) {
		(my $shown = $form) =~ s/[\r\n\t]/~/g;
		for my $where ('first', 'last', 'in the middle', 'only') {
			my $in = $where eq 'first' ? $form . $head : $where eq 'last' ? $head . $form :
				$where eq 'only' ? $form : "Date: x\n" . $form . $head =~ s/^Date: x\n//r;
			my $r = sendmail($config, ['-i', 'you@example.net'], stdin => "$in\ntext\n");
			my $e = latest();
			my $got = $e ? $server->message($count) : '';

			is($r->{exit}, 0, "$shown, $where: sent") or diag($r->{err});
			is_deeply($e && $e->{recipients}, ['you@example.net'], "$shown, $where: no recipient without -t");
			ok($got !~ $leak, "$shown, $where: nothing of it");
			is_bytes($got, "$want\r\ntext\r\n", "$shown, $where: all else is there") if $where ne 'only';
		}
	}
	my $r = sendmail($config, ['-t'], stdin => "Bcc: $secret\n\ntext\n");
	is_deeply(latest()->{recipients}, [$secret], 'with nothing but a Bcc');
	unlike($server->message($count), $leak, 'gone as well');
	$r = sendmail($config, ['-t'], stdin => "${head}To: you\@example.net\nBcc: $secret\n\n--x\nBcc: part\n\nBcc: body\n");
	is_bytes($server->message($count += 1), "${want}To: you\@example.net\r\n\r\n--x\r\nBcc: part\r\n\r\nBcc: body\r\n",
		'what is in the body stays');
};

subtest 'the envelope sender' => sub {
	fresh();
	my @from = (
		['-f', 'f@example.net'], ['-ff@example.net'], ['-r', 'f@example.net'], ['-rf@example.net'],
		['-f', '<f@example.net>'], ['-f', 'Full Name <f@example.net>'], ['-f', 'f@EXAMPLE.net'],
		['-f', 'first@example.net', '-f', 'f@example.net'], ['-oi', '-ff@example.net', '-oem'],
		['-F', 'Name', '-f', 'f@example.net'], ['-B', '8BITMIME', '-f', 'f@example.net'],
	);
	for my $args (@from) {
		my $r = sendmail($config, [@$args, '--', 'you@example.net']);
		is((latest() // { sender => $r->{err} })->{sender}, 'f@example.net', "@$args");
	}
	for my $args (['-f', '<>'], ['-f<>'], ['-f', ''], ['-r', '<>']) {
		my $r = sendmail($config, [@$args, 'you@example.net']);
		is((latest() // { sender => $r->{err} })->{sender}, '', join(' ', map { "'$_'" } @$args) . ': the null sender');
	}
	sendmail($config, ['-f', 'bare', 'you@example.net']);
	is(latest()->{sender}, 'bare@example.test', 'a bare name is qualified');
	sendmail($config, ['-f', '"a b"@example.net', 'you@example.net']);
	is(latest()->{sender}, '"a b"@example.net', 'a quoted local part');
	sendmail($config, ['you@example.net']);
	is(latest()->{sender}, 'me@example.test', 'none: that of the account');
	fresh(keys => { from => undef });
	sendmail($config, ['you@example.net'], env => { USER => 'mallory', LOGNAME => 'mallory' });
	is(latest()->{sender}, getpwuid($>) . '@example.test', 'F6: or the login name, not what the environment says');
};

subtest '-F' => sub {
	fresh();
	my %want = (
		'Full Name' => 'Full Name', 'O\'Neill' => "O'Neill", 'Name, Full' => '"Name, Full"',
		'a "b" c' => '"a \\"b\\" c"', 'dot. name' => '"dot. name"',
		"J\xc3\xbcrgen" => '=?UTF-8?B?SsO8cmdlbg==?=', 'back\\slash' => '"back\\\\slash"',
		"a\r\nBcc: evil\@example.net" => '"a  Bcc: evil@example.net"', "a\nb" => 'a b',
		"x <evil\@example.net>" => '"x <evil@example.net>"', "\x1b[31m" => '"[31m"',
	);
	for my $name (sort keys %want) {
		(my $shown = $name) =~ s/[^ -~]/?/g;
		my $r = sendmail($config, ['-F', $name, '-f', 'f@example.net', 'you@example.net'],
			stdin => letter(undef, From => undef));
		is($r->{exit}, 0, "$shown: sent") or diag($r->{err});
		$count++;
		my @from = $server->message($count) =~ /^From: (.*(?:\r\n[ \t].*)*)\r$/m;
		(my $got = $from[0] // '') =~ s/=\?utf-8\?b\?/=?UTF-8?B?/i;
		is($got, "$want{$name} <f\@example.net>", "E7: $shown");
		is(scalar(() = $server->message($count) =~ /^\S+:/mg), 5, "E7: $shown: no new header line");
	}
	my $r = sendmail($config, ['-FCronDaemon', 'you@example.net']);
	unlike($server->message(++$count), qr/CronDaemon/, 'a From that is there keeps its name');
	$r = sendmail($config, ['-F', 'x' x 3000, 'you@example.net'], stdin => letter(undef, From => undef));
	ok($r->{exit} == 65 || !grep({ length > 998 } split /\r\n/, $server->message(++$count) // ''),
		'a very long name makes no line that is too long');
	is_deeply([$server->violations], [], 'all by the rules');
};

# A configuration that is not right: nothing is sent by it.  Mail waits for somebody
# to mend it, with the fault as the reason and not a part of it in an address.
sub faulty
{
	my ($config, $key, $to) = @_;
	my $r = send_mail($config, ['send', '--no-queue', $to]);

	is($r->{exit}, 78, "$key = ... in the configuration: 78");
	is_deeply([queued()], [], "$key: nothing is stored with --no-queue");
	$r = sendmail($config, [$to]);
	is("$r->{exit}$r->{out}$r->{err}", '0', "$key: as sendmail, stored");
	my ($head) = map { /\A(.*?)\n\n/s } map { file_read($_) } queued();
	like($head, qr/^cause config\nreason \S*$key/m, "$key: with that as its reason");
	unlike($head, qr/^(?:to|sender|origin|from) .*SIZE/m, "$key: and no address of it");
	queue_empty();
	ok(!latest(), "$key: nothing was sent");
}

subtest 'E1: what could be a command is refused, never repaired' => sub {
	fresh();
	my @bad = (
		"a\@b.test\r\nRCPT TO:<evil\@example.net>", "a\@b.test\nX", "a\r\@b.test", "a\@b.te\rst", "\x01a\@b.test",
		"a\x7f\@b.test", "<a\@b.test", "a\@b.test>", "<a>\@b.test", 'a@b.test> SIZE=1',
		"\"a\r\nb\"\@b.test", "\"a\x00b\"\@b.test", '"a<b"@b.test', "\"a\x1bb\"\@b.test", 'a@@b.test', '@b.test',
		'a@', 'a@b..test', "a\@b.test\x85", "a\@\xff.test", 'a' x 300 . '@b.test', 'a@' . 'b' x 300,
		'a@' . 'b.' x 200 . 'test', "\xff\xfe\@b.test", 'a"b@b.test', '(a@b.test', 'a@[192.0.2.1', 'a@[x<y]',
	);
	for my $address (grep { !/\0/ } @bad) {
		(my $shown = length $address > 60 ? substr($address, 0, 57) . '...' : $address) =~ s/[^ -~]/?/g;
		for my $args (['--', $address], ['-f', $address, 'you@example.net'], ['--', "you\@example.net,$address"]) {
			refused("'$shown' as " . (@$args == 3 ? 'sender' : 'argument'), $args, 65, qr/^sendoff: ./);
		}
	}
	for my $address (@bad) {
		(my $shown = length $address > 60 ? substr($address, 0, 57) . '...' : $address) =~ s/[^ -~]/?/g;
		# A line end makes another header line of it, a NUL is removed: then what
		# is left counts, and no command is among it.
		my $r = sendmail($config, ['-t'], stdin => "Subject: x\nTo: $address\n\ntext\n");
		my $e = latest();
		ok($r->{exit} || !grep({ /evil|[<>\x00-\x1f\x7f]/ } @{ $e->{recipients} }), "'$shown' in To");
		ok(!grep(/evil/, map { /^RCPT/ ? $_ : () } $server->commands), "'$shown' in To: no command");
	}
	for my $key (qw(from allowed_from)) {
		faulty(account($server, $key => 'a@b.test> SIZE=1'), $key, 'you@example.net');
	}
	faulty(account($server, ehlo => "client.example.test\x01X"), 'ehlo', 'you@example.net');
	faulty(account($server, global => { domain => 'x.test> SIZE=1' }), 'domain', 'root');
	is_deeply([$server->violations], [], 'no command was forged');
};

subtest 'nobody' => sub {
	fresh();
	refused('no argument', [], 64, qr/nobody to send it to/);
	refused('an empty argument', [''], 64, qr/nobody to send it to/);
	refused('only a comma', [','], 64, qr/nobody to send it to/);
	refused('-t without To', ['-t'], 64, qr/nobody to send it to.*To, Cc and Bcc/, stdin => "Subject: x\n\nx\n");
	refused('-t with an empty To', ['-t'], 64, qr/nobody/, stdin => "To:\nSubject: x\n\nx\n");
	refused('-t with an empty group', ['-t'], 64, qr/nobody/, stdin => "To: undisclosed-recipients:;\n\nx\n");
	refused('-t with rubbish', ['-t'], 65, qr/^sendoff: To: /, stdin => "To: a b c <\n\nx\n");
	refused('-t with nothing at all', ['-t'], 64, qr/nobody/, stdin => '');
};

done_testing;
