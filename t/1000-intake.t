#!/usr/bin/perl
# What callers write, and what arrives: octet by octet.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use SendoffTest;
use SendoffTest::Mime;
use SendoffTest::Send;

my $head = "Date: Fri, 02 Jan 2026 03:04:05 +0000\nFrom: me\@example.test\nMessage-ID: <1\@example.test>\n";
my $whead = wire($head);

# What is added to a message without a header.
my $date = qr/Date: [A-Z][a-z]{2}, \d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}\r\n/;
my $added = qr/\A${date}From: \S+\@example\.test\r\nMessage-ID: <[0-9a-f.]+\@example\.test>\r\n/;

# name, arguments, what is written, what must arrive
my @cases = (
	['LF', [], "${head}To: a\n\nx\ny\n", "${whead}To: a\@example.test\r\n\r\nx\r\ny\r\n"],
	['CRLF', [], wire("$head\nx\ny\n"), "$whead\r\nx\r\ny\r\n"],
	['CRLF in the header, LF in the body', [], wire("$head\n") . "x\ny\n", "$whead\r\nx\r\ny\r\n"],
	['LF in the header, one CRLF line', [], "${head}A: b\r\n\nx\n", "${whead}A: b\r\n\r\nx\r\n"],
	['mixed inside the header', [], wire($head) . "A: 1\nB: 2\r\nC: 3\n\nx\r\ny\n",
		"${whead}A: 1\r\nB: 2\r\nC: 3\r\n\r\nx\r\ny\r\n"],
	['CR CR LF', [], "$head\nx\r\r\ny\n", "$whead\r\nx\r\ny\r\n"],
	['bare CR in the body', [], "$head\nx\ry\n", "$whead\r\nx\r\ny\r\n"],
	['only CR in the body', [], "$head\nx\ry\r", "$whead\r\nx\r\ny\r\n"],
	['bare CR in the header', [], "${head}Subject: a\rBcc: evil\@example.net\n\nx\n",
		"${whead}Subject: a Bcc: evil\@example.net\r\n\r\nx\r\n"],
	['NUL in the body', [], "$head\nx\0y\nz\n", "$whead\r\nxy\r\nz\r\n"],
	['NUL in the header', [], "${head}Subject: a\0b\n\nx\n", "${whead}Subject: ab\r\n\r\nx\r\n"],
	['no newline at the end', [], "$head\nx", "$whead\r\nx\r\n"],
	['no newline at the end of the header', [], "${head}Subject: x", "${whead}Subject: x\r\n\r\n"],
	['header only', [], $head, "$whead\r\n"],
	['header and empty line only', [], "$head\n", "$whead\r\n"],
	['empty lines at the end', [], "$head\nx\n\n\n", "$whead\r\nx\r\n\r\n\r\n"],
	['empty lines at the beginning of the body', [], "$head\n\n\nx\n", "$whead\r\n\r\n\r\nx\r\n"],
	['mbox From line', [], "From me Fri Jan  2 03:04:05 2026\n$head\nx\n", "$whead\r\nx\r\n"],
	['mbox >From line', [], ">From me Fri Jan  2 03:04:05 2026\n$head\nx\n", "$whead\r\nx\r\n"],
	['From line with CRLF', [], wire("From me x\n$head\nx\n"), "$whead\r\nx\r\n"],
	['From and >From in the body', [], "$head\nFrom x\n>From y\n", "$whead\r\nFrom x\r\n>From y\r\n"],
	['no empty line behind the header', [], "${head}text without colon\nmore: x\n",
		"$whead\r\ntext without colon\r\nmore: x\r\n"],
	['blanks instead of an empty line', [], "${head} \nx\n", "$whead \r\n\r\nx\r\n"],
	['a blank before the colon', [], "${head}Subject : x\n\ny\n", "${whead}Subject : x\r\n\r\ny\r\n"],
	['folded', [], "${head}Subject: a\n b\n\tc\n\nx\n", "${whead}Subject: a\r\n b\r\n\tc\r\n\r\nx\r\n"],
	['dots', ['-i'], "$head\n.\n..\n.x\n...\n", "$whead\r\n.\r\n..\r\n.x\r\n...\r\n"],
	['dots, -oi', ['-oi'], "$head\n.\nx\n", "$whead\r\n.\r\nx\r\n"],
	['dots, -o i', ['-o', 'i'], "$head\n.\nx\n", "$whead\r\n.\r\nx\r\n"],
	['a dot at the end without newline', ['-i'], "$head\nx\n.", "$whead\r\nx\r\n.\r\n"],
	['a lone dot ends it', [], "$head\nx\n.\ny\n", "$whead\r\nx\r\n"],
	['a lone dot and CRLF', [], "$head\r\nx\r\n.\r\ny\r\n", "$whead\r\nx\r\n"],
	['a lone dot without newline ends it', [], "$head\nx\n.", "$whead\r\nx\r\n"],
	['two dots do not', [], "$head\nx\n..\ny\n", "$whead\r\nx\r\n..\r\ny\r\n"],
	['E2: LF . CR LF', ['-i'], "$head\nx\n.\r\nMAIL FROM:<evil\@example.net>\r\n",
		"$whead\r\nx\r\n.\r\nMAIL FROM:<evil\@example.net>\r\n"],
	['E2: CR . CR', ['-i'], "$head\nx\r.\rMAIL FROM:<evil\@example.net>\r",
		"$whead\r\nx\r\n.\r\nMAIL FROM:<evil\@example.net>\r\n"],
	['E2: LF . LF', ['-i'], "$head\nx\n.\nRCPT TO:<evil\@example.net>\n",
		"$whead\r\nx\r\n.\r\nRCPT TO:<evil\@example.net>\r\n"],
	['E2: CR LF NUL . CR LF', ['-i'], "$head\r\nx\r\n\0.\r\ny\r\n", "$whead\r\nx\r\n.\r\ny\r\n"],
	['8 bit', [], "${head}Subject: gr\xc3\xbc\xc3\x9fe\n\n\xe4\xf6\xfc \xff\xfe\n",
		"${whead}Subject: gr\xc3\xbc\xc3\x9fe\r\n\r\n\xe4\xf6\xfc \xff\xfe\r\n"],
	['every octet but CR, LF and NUL', ['-i'], "$head\n" . join('', map { "x" . chr }
		grep { $_ != 10 && $_ != 13 } 1 .. 255) . "\n", "$whead\r\n" . join('', map { "x" . chr }
		grep { $_ != 10 && $_ != 13 } 1 .. 255) . "\r\n"],
	['a line of 998 octets', [], "$head\n" . 'x' x 998 . "\n", "$whead\r\n" . 'x' x 998 . "\r\n"],
	['a line of 100,000 octets', [], "$head\n" . 'x' x 100_000 . "\n", "$whead\r\n" . 'x' x 100_000 . "\r\n"],
	['a header line of 20,000 octets', [], "${head}Subject: " . 'x' x 20_000 . "\n\nx\n",
		"${whead}Subject: " . 'x' x 20_000 . "\r\n\r\nx\r\n"],
	['body that looks like a header', [], "$head\nTo: x\nBcc: y\n\nz\n", "$whead\r\nTo: x\r\nBcc: y\r\n\r\nz\r\n"],
	['header-like part of a body', [], "$head\n--a\nBcc: part\@example.net\n\nx\n",
		"$whead\r\n--a\r\nBcc: part\@example.net\r\n\r\nx\r\n"],
	['Return-Path goes', [], "Return-Path: <x\@example.net>\n$head\nx\n", "$whead\r\nx\r\n"],
	['what is there stays', [], "Received: by a\nSender: s\@example.net\nErrors-To: e\@example.net\n$head\nx\n",
		wire("Received: by a\nSender: s\@example.net\nErrors-To: e\@example.net\n$head\nx\n")],
);

# name, what is written, what must arrive behind what is added
my @bare = (
	['no header at all', "hello\nworld\n", "\r\nhello\r\nworld\r\n"],
	['first line begins with a blank', " A: b\nc\n", "\r\n A: b\r\nc\r\n"],
	['empty line first', "\nhello\n", "\r\nhello\r\n"],
	['one word without newline', 'hello', "\r\nhello\r\n"],
	['nothing at all', '', "\r\n"],
	['a dot at once', ".\nhello\n", "\r\n"],
	['NULs only', "\0\0\0", "\r\n"],
	['a subject only', "Subject: x\n\nhello\n", "Subject: x\r\n\r\nhello\r\n"],
	['a first line with a colon is a header', "Warning: disk full\n", "Warning: disk full\r\n\r\n"],
	['a first line with a blank and a colon is none', "disk full: yes\n", "\r\ndisk full: yes\r\n"],
	['From is empty', "From:\nSubject: x\n\nhello\n", "Subject: x\r\n\r\nhello\r\n"],
	['From is empty, and folded', "From: \n \nSubject: x\n\nhello\n", "Subject: x\r\n\r\nhello\r\n"],
);

subtest 'A8, E2: every form of a message' => sub {
	my $s = server_start();
	my $config = account($s, rewrite_from => 'never');
	my $k = 0;
	for my $case (@cases, map({ [$_->[0], [], @$_[1, 2], 1] } @bare)) {
		my ($name, $args, $in, $want, $is_bare) = @$case;
		my $r = sendmail($config, [@$args, 'you@example.net'], stdin => $in);

		is($r->{exit} . $r->{out} . $r->{err}, '0', "$name: sent, in silence");
		my $got = $s->message(++$k) // '';
		if ($is_bare) {
			ok($got =~ s/$added//, "$name: Date, From and Message-ID added") or diag($got);
		}
		# Raw 8-bit octets and long lines are encoded on the way.
		if ($want =~ /[\x80-\xff]|[^\r\n]{999}/) {
			is_deeply(said($got), said($want), "$name: what arrives says the same");
		} else {
			is_bytes($got, $want, "$name: what arrives");
		}
	}
	is_deeply([$s->violations], [], 'E2: no bare CR or LF, no NUL, dots doubled');
	is($s->stored, @cases + @bare, 'each once');
};

subtest 'as sendoff send a dot is text' => sub {
	my $s = server_start();
	for my $chunking (qw(no yes)) {
		my $config = account($s, chunking => $chunking);
		is(send_mail($config, undef, stdin => "$head\nx\n.\ny\n.")->{exit}, 0, "chunking $chunking: sent");
	}
	is_bytes($s->message($_), "$whead\r\nx\r\n.\r\ny\r\n.\r\n", "message $_") for 1, 2;
};

subtest 'in pieces of any size' => sub {
	my $s = server_start();
	my $config = account($s);
	my $in = "${head}Subject: x\r\n y\r\n\r\n.\r\n..a\rb\0c\r\n\r\r\nend";
	my $want = "${whead}Subject: x\r\n y\r\n\r\n.\r\n..a\r\nbc\r\n\r\nend\r\n";
	my $k = 0;
	for my $size (1, 2, 3, 7) {
		my $run = send_mail_start($config, ['send', '--no-queue', 'you@example.net'], stdin => '', stdin_open => 1);
		for (my $at = 0; $at < length $in; $at += $size) {
			$run->write(substr $in, $at, $size);
			$run->turn(0.001);
		}
		$run->close_stdin;
		is($run->finish->{exit}, 0, "$size octets at a time: sent");
		is_bytes($s->message(++$k), $want, "$size octets at a time");
	}
	my $run = send_mail_start($config, ['send', '--no-queue', '--file', file_write(workdir() . '/m', $in), 'a@b.test']);
	is($run->finish->{exit}, 0, 'from a file: sent');
	is_bytes($s->message(++$k), $want, 'from a file');
	my $r = run_sendoff(['-C', $config, 'send', '--no-queue', 'a@b.test'], stdin_file => workdir() . '/m');
	is_bytes($s->message(++$k), $want, 'stdin is a file');
};

subtest 'A8: hostile octets decode to what they were' => sub {
	my $s = server_start();
	my $config = account($s);
	my $k = 0;
	for my $seed (1 .. 4) {
		my $in = "$head\n" . hostile_bytes(70_000, $seed);
		# What the rules say: LF ends a line and takes the CRs before it along; a CR
		# elsewhere ends one too; NULs go; the last line gets its end.
		(my $want = $in) =~ tr/\0//d;
		$want =~ s/\r+\n/\n/g;
		$want =~ s/\r/\n/g;
		$want .= "\n" if $want !~ /\n\z/;
		is(send_mail($config, undef, stdin => $in)->{exit}, 0, "seed $seed: sent");
		my $got = said($s->message(++$k));
		is_bytes($got->{content}, said($want)->{content}, "seed $seed");
	}
	is_deeply([$s->violations], [], 'E2: by the rules');
};

subtest 'A6: a read error is not the end of the message' => sub {
	my $s = server_start();
	my $config = account($s);
	my @cases = (
		['a directory', sub { POSIX::dup2(POSIX::open('/', POSIX::O_RDONLY()), 0) }],
		['only writable', sub { POSIX::dup2(POSIX::open('/dev/null', POSIX::O_WRONLY()), 0) }],
		['closed', sub { POSIX::close(0) }],
	);
	# The end of a mapping: octets first, then EIO.
	my ($end) = file_read('/proc/self/maps') =~ /^[0-9a-f]+-([0-9a-f]+) rw\S+ .*\[heap\]$/m;
	if ($end && sysopen(my $memory, '/proc/self/mem', 0)) {
		push @cases, ["cut by an error behind $_ octets", do {
			my $before = $_;
			no warnings 'portable';
			sub { sysseek($memory, hex($end) - $before, 0); POSIX::dup2(fileno $memory, 0) }
		}] for 0, 1000;
	}
	for my $case (@cases) {
		my ($name, $before) = @$case;
		for my $mode (['send', '--no-queue', 'you@example.net'], ['-t'], ['you@example.net']) {
			my $r = run_sendoff(['-C', $config, @$mode], before => $before);
			is($r->{exit}, 74, "stdin is $name, @$mode: 74");
			like($r->{err}, qr/^sendoff: reading the message failed/, "stdin is $name, @$mode: told");
		}
	}
	is($s->stored, 0, 'nobody got anything');
};

subtest 'C3: memory does not grow with the message' => sub {
	plan skip_all => 'a sanitizer needs more' if $ENV{ASAN_OPTIONS} || build() =~ /asan/ || $ENV{SENDOFF_WRAP};
	my $s = server_start(buffer => 0, size => 200_000_000);
	my $size = 100_000_000;
	my $line = '0123456789abcdef' x 4 . "\n";
	my $file = workdir() . '/big';
	open(my $out, '>', $file) or die "$file: $!";
	print {$out} $head, "\n";
	print {$out} $line x 1000 for 1 .. $size / 1000 / length $line;
	close $out;
	my $run = start_sendoff(['-C', account($s, final_timeout => '30s', timeout => '20s'), 'send', '--no-queue',
		'you@example.net'], stdin_file => $file, timeout => 60);
	my $most = 0;
	while (!$run->reap(POSIX::WNOHANG())) {
		if (open(my $status, '<', '/proc/' . $run->pid . '/status')) {
			my ($name, $peak) = do { local $/; <$status> =~ /^Name:\s+(\S+).*^VmHWM:\s+(\d+) kB/ms };
			$most = $peak if ($name // '') eq 'sendoff' && $peak > $most;
		}
		$run->turn(0.02);
	}
	my $r = $run->finish;
	is($r->{exit}, 0, '100 MB: sent') or diag($r->{err});
	cmp_ok($most, '>', 0, 'its memory was seen');
	cmp_ok($most, '<', 16 * 1024, "less than 16 MB resident ($most kB)");
	is((stat $s->store . '/1.eml')[7], length($whead) + 2 + 66 * int($size / 1000 / 65) * 1000, 'all of it is there');
	unlink $file, $s->store . '/1.eml';
};

subtest 'A5: no room for the message' => sub {
	my $s = server_start();
	my $config = account($s);
	my $big = "$head\n" . "x\n" x 1_000_000;
	my $full = workdir() . '/full';
	mkdir $full;
	my $r = run_sendoff([], stdin => $big, command => ['/bin/sh', '-c', 'ulimit -f 64; exec "$@"', 'sh',
		SendoffTest::Run::program('sendoff'), '-C', $config, 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 75, 'ulimit -f: 75');
	is($r->{signal}, 0, 'and not the signal');
	like($r->{err}, qr/cannot be stored, nothing was sent.*ulimit -f/, 'told so');
	SKIP: {
		skip 'needs root', 3 if $>;
		skip 'cannot mount here', 3 if system("mount -t tmpfs -o size=512k none $full 2>/dev/null");
		$r = run_sendoff(['-C', $config, 'send', '--no-queue', 'you@example.net'], stdin => $big, env => { TMPDIR => $full });
		my @left = glob "$full/*";
		system("umount $full");
		is($r->{exit}, 75, 'a full disk: 75');
		like($r->{err}, qr/the disk is full \('\Q$full\E'\)/, 'told so, and where');
		is_deeply(\@left, [], 'nothing is left there');
	}
	$r = run_sendoff(['-C', $config, 'send', '--no-queue', 'you@example.net'], stdin => $big,
		env => { TMPDIR => '/nonexistent' });
	is($r->{exit}, 0, 'TMPDIR is not there: /tmp serves') or diag($r->{err});
	is($s->stored, 1, 'nothing was sent but that');
};

subtest 'stdin is read to its end even when it is of no use' => sub {
	my $s = server_start();
	my $config = account($s);
	for my $case ([[]], [['-t']], [['bad@@address']], [['-y', 'a@b.test']], [['-f', 'a b', 'a@b.test']],
		[['--nonsense']]) {
		my ($args) = @$case;
		my $run = start_sendoff($args, name => 'sendmail', stdin => "x\n" x 500_000,
			env => { SENDOFF_CONFIG => $config });
		my $r = $run->finish;
		cmp_ok($r->{exit}, '>=', 64, "@$args: fails") or diag($r->{err});
		is(length $run->{in}, 0, "@$args: all was taken");
	}
	is($s->stored, 0, 'nothing sent');
};

subtest 'a loop is seen' => sub {
	my $s = server_start();
	my $config = account($s);
	is(send_mail($config, undef, stdin => "Received: by a\n" x 30 . $head)->{exit}, 0, '30 Received: fine');
	my $r = send_mail($config, undef, stdin => "Received: by a\n" x 31 . $head);
	is($r->{exit}, 65, '31: refused');
	like($r->{err}, qr/loop/, 'told so');
	$r = send_mail($config, undef, stdin => "X: y\n" x 300_000 . "\nx\n");
	is($r->{exit}, 65, 'a header of more than 1 MB');
	like($r->{err}, qr/header.*longer/, 'told so');
};

done_testing;
