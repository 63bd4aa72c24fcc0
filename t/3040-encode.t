#!/usr/bin/perl
# What callers write becomes what a server takes, and says the same: re-encoded part
# by part, only where it must be, for what that server offers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64 qw(decode_base64 encode_base64);
use SendoffTest;
use SendoffTest::Mime;
use SendoffTest::Send;

my $seven = 'SIZE PIPELINING ENHANCEDSTATUSCODES';
my $eight = "$seven 8BITMIME";
my $utf8 = "$eight SMTPUTF8";

my ($ue, $euro) = ("\xc3\xbc", "\xe2\x82\xac");   # in UTF-8
my $binary = join('', map { chr } 1 .. 9, 11, 12, 14 .. 255) x 8;
my $type = "MIME-Version: 1.0\nContent-Type";

# A letter with more header lines, which letter() would put in another order.
sub with
{
	my ($lines, $body) = @_;

	return letter("\0") =~ s/\n\0\n?$/$lines\n$body/sr;
}

sub multipart
{
	my ($boundary, @parts) = @_;

	return join('', map { "--$boundary\n$_\n" } @parts) . "--$boundary--\n";
}

my @corpus = (
	[ 'header only', letter('') ],
	[ 'empty body', letter("\n") ],
	[ 'ASCII', letter("text\n.dot\n") ],
	[ 'cron: a line of 5000 octets', letter(('word ' x 1000) . "\nend \n") ],
	[ 'cron: 5000 octets without a blank', letter(('-' x 5000) . "\n--\n") ],
	[ 'a line of 998', letter(('x' x 998) . "\n") ],
	[ 'a line of 999', letter(('x' x 999) . "\n") ],
	[ 'latin-1 without MIME', letter("f\xfcr Gr\xfc\xdfe = \t \n") ],
	[ 'UTF-8 without MIME', letter("f${ue}r $euro\n\n.\n") ],
	[ 'UTF-8, mostly', letter("$euro$ue$euro\n" x 50) ],
	[ 'UTF-8 with MIME', with("$type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n",
		"f${ue}r\nFrom here  \n") ],
	[ 'a type and no MIME-Version', with("Content-Type: text/plain; charset=utf-8\n", "$ue\n") ],
	[ 'binary', with("$type: application/octet-stream\nContent-Transfer-Encoding: binary\n",
		"$binary\n") ],
	[ 'no text, long line', with("$type: application/json\n", '[' . ('1,' x 800) . "1]\n") ],
	[ 'encoded as quoted-printable', with("$type: text/plain; charset=utf-8\n" .
		"Content-Transfer-Encoding: quoted-printable\n", "f=C3=BCr=\n dich =20\n") ],
	[ 'encoded as base64', with("$type: text/plain; charset=utf-8\n" .
		"Content-Transfer-Encoding: base64\n", encode_base64("f${ue}r")) ],
	[ 'base64 in a long line', with("$type: image/png\nContent-Transfer-Encoding: base64\n",
		encode_base64($binary x 3, '') . "\n") ],
	[ 'quoted-printable with 8-bit octets', with("$type: text/plain; charset=utf-8\n" .
		"Content-Transfer-Encoding: quoted-printable\n", "f${ue}r =3D=\nx" . ('=20' x 400) . ".\n") ],
	[ 'quoted-printable with blanks behind soft line breaks', with("$type: text/plain; charset=utf-8\n" .
		"Content-Transfer-Encoding: quoted-printable\n", "f${ue}r = \nx" . ('=20' x 400) . '.' .
		('x' x 74) . "= \t\ntail\n") ],
	[ 'mixed', with("$type: multipart/mixed; boundary=\"b 1\"\nContent-Transfer-Encoding: 8bit\n",
		"preamble\n" . multipart('b 1',
		"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nf${ue}r\n",
		"\nno header, f${ue}r", "Content-Type: application/pdf; name=\"$ue.pdf\"\n" .
		"Content-Disposition: attachment; filename=\"$ue.pdf\"\n" .
		"Content-Transfer-Encoding: binary\n\n$binary", "\nASCII") . "epilogue\n") ],
	[ 'nested', with("$type: multipart/mixed; boundary=a\n", multipart('a',
		"Content-Type: multipart/alternative; boundary=aa\n\n" . multipart('aa',
		"Content-Type: text/plain; charset=utf-8\n\n$ue", "Content-Type: text/html\n\n<p>$ue"),
		"Content-Type: text/plain\n\n" . ('long ' x 400))) ],
	[ 'a message inside', with("$type: multipart/mixed; boundary=a\n", multipart('a',
		"Content-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\n" .
		"From: J${ue}rgen <j\@x.example>\nSubject: $ue $ue\nTo: a\@x.example\n\nf${ue}r",
		"Content-Type: message/rfc822\n\nFrom me Mon Jan  1\nSubject: x\n" .
		"$type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n$ue")) ],
	[ 'a digest', with("$type: multipart/digest; boundary=a\n", multipart('a',
		"\nSubject: one\n\n$ue", "\nSubject: $ue\n\ntwo")) ],
	[ 'no last delimiter', with("$type: multipart/mixed; boundary=a\n", "--a\n\n$ue\n--a\n\n$ue\n") ],
	[ 'a boundary with odd characters', with("$type: multipart/mixed;\n boundary=\"=_(a)?:+.'/,\"\n",
		multipart("=_(a)?:+.'/,", "\n$ue", "Content-Type: text/html\n\n--=_(a)\n$ue")) ],
	[ 'one boundary begins as another', with("$type: multipart/mixed; boundary=a\n", multipart('a',
		"Content-Type: multipart/mixed; boundary=ab\n\n" . multipart('ab', "\n$ue\n--abc\n--aX"))) ],
	[ 'lines that would begin as a delimiter', with("$type: multipart/mixed; boundary=a\n",
		multipart('a', "\n" . ('x' x 75) . "--a\n$ue", "\n" . join("\n",
		map { ('x' x $_) . '--a' } 70 .. 80) . "$ue")) ],
	[ '8-bit in preamble and epilogue', with("$type: multipart/mixed; boundary=a\n",
		"f${ue}r\n" . multipart('a', "\n$ue") . "f${ue}r\n"), said_no_aside => 1 ],
	[ 'multipart without a boundary', with("$type: multipart/mixed\n", "--a\n\n$ue\n--a--\n") ],
	[ 'no type at all', with("$type: ;;\n", "$ue\n") ],
	[ 'a part that is header only', with("$type: multipart/mixed; boundary=a\n",
		"--a\nContent-Type: text/plain\n--a\n\n$ue\n--a--\n") ],
	[ 'raw subject', letter("x\n", Subject => "Gr${ue}\xc3\x9fe aus K\xc3\xb6ln, 5 $euro " . ("$ue" x 90)) ],
	[ 'raw subject, latin-1', letter("x\n", Subject => "Gr\xfc\xdfe  aus K\xf6ln") ],
	[ 'raw beside encoded words', letter("x\n", Subject => "=?UTF-8?Q?=C3=BC?= $ue =?UTF-8?Q?=C3=BC?= x") ],
	[ 'raw names', letter("x\n", From => "J${ue}rgen \"$ue, x\" M. <me\@example.test>",
		To => "\"D\xc3\xb6, J\" <you\@example.net>, a\@x.example (K\xc3\xb6ln (am $ue)), L$ue: b\@x.example;",
		Cc => "$ue<c\@x.example>,\"\\\"$ue\\\\\"<d\@x.example>") ],
	[ 'raw comments', letter("x\n", Comments => "\t$ue (a $ue)  b$ue", 'X-Any' => "a\n $ue\n\tb $ue") ],
	[ 'a header line of 3000 octets', letter("x\n", 'X-Long' => 'word ' x 600,
		To => join(',', map { "person$_\@example.net" } 1 .. 100),
		'X-Longer' => 'x' x 3000) ],
	[ 'a long name of a file, extended already', with("$type: application/pdf\n" .
		"Content-Disposition: attachment; filename*=UTF-8'ja'" . ('%E3%81%82' x 120) . ".pdf\n", "x\n") ],
	[ 'a boundary in sections', with("$type: multipart/mixed; boundary*0*=us-ascii''a%62; boundary*1=c\n",
		multipart('abc', "\n$ue", "Content-Type: (c) text/html\n\n$ue")) ],
	[ 'a long name of a file', with("$type: text/plain; name=\"" . ("$ue x;" x 60) . "\"\n", "x\n") ],
);

# Every message by one connection to a server: { NAME => MESSAGE }, and the server.
sub arrive
{
	my ($extensions, $messages, %o) = @_;
	my $s = server_start(extensions => $extensions);
	my $c = account($s, %{ $o{account} // {} });
	my @files = map { my $f = workdir() . "/$$-$_.eml"; file_write($f, $messages->[$_][1]); $f }
		0 .. $#$messages;
	my $r = send_mail($c, ['send', '--no-queue', map({ ('--file', $_) } @files), 'you@example.net'],
		timeout => 60);

	is($r->{exit}, 0, "$extensions: all are sent") or diag(grep { !/: sent to/ } map { "$_\n" } split /\n/, $r->{err});
	is_deeply([$s->violations], [], 'and break no rule');
	is($s->stored, scalar @$messages, 'each of them');
	return $s;
}

# The text and the body.
sub body_of { return $_[0] =~ s/^.*?\n\n//sr }

for my $case ([ $seven, chunking => 'no' ], [ $eight, chunking => 'no' ], [ $utf8, chunking => 'no' ],
		[ "$seven CHUNKING", chunking => 'yes' ]) {
	my ($extensions, @account) = @$case;

	subtest "A8: the corpus by $extensions" => sub {
		my $s = arrive($extensions, \@corpus, account => { @account });

		for my $k (0 .. $#corpus) {
			my ($name, $given, %o) = @{ $corpus[$k] };
			my $got = $s->message($k + 1);
			my $needy = $given =~ /[^\n]{999}/ ||
				($given =~ /[\x80-\xff]/ && $extensions !~ /8BITMIME/);

			is_deeply(said($got), said($given), "$name: it says the same") or diag($got);
			is_deeply([breaches($got)], [], "$name: well encoded");
			is_bytes(body_of($got =~ s/\r\n/\n/gr), body_of($given), "$name: the body is untouched")
				if !$needy;
			is_bytes($got, wire($given), "$name: all is untouched")
				if $given !~ /[\x80-\xff]|[^\n]{999}/;
		}
	};
}

subtest 'what text without MIME fields is said to be' => sub {
	my @texts = ([ utf8 => letter("f${ue}r dich\n") ], [ latin1 => letter("f\xfcr\n") ],
		[ ascii => letter(('x' x 1000) . "\n") ],
		[ signed => letter("f${ue}r dich\n", 'DKIM-Signature' => 'v=1; b=x') ],
		[ cut => letter("\xe2\x82\n") ], [ plain => letter("x\n") ]);
	my %want = (
		$eight => [ [qw(UTF-8 8bit)], [qw(unknown-8bit 8bit)], [qw(us-ascii quoted-printable)],
			undef, [qw(unknown-8bit 8bit)], undef ],
		$seven => [ [qw(UTF-8 quoted-printable)], [qw(unknown-8bit quoted-printable)],
			[qw(us-ascii quoted-printable)], [qw(UTF-8 quoted-printable)],
			[qw(unknown-8bit quoted-printable)], undef ] );

	for my $extensions ($eight, $seven) {
		my $s = arrive($extensions, \@texts);

		for my $k (0 .. $#texts) {
			my $want = $want{$extensions}[$k];

			is_deeply(labels($s->message($k + 1)), $want ? { version => '1.0',
				type => "text/plain; charset=$want->[0]", coding => $want->[1] } :
				{ version => undef, type => undef, coding => undef }, $texts[$k][0]);
		}
	}
};

subtest 'exact words' => sub {
	my $s = arrive($seven, [
		[ a => letter("x\n", From => "J${ue}rgen <me\@example.test>", Subject => "Gr${ue}n f${ue}r A",
			To => "you\@b${ue}cher.example (K${ue})") ],
		[ b => with("$type: text/plain; name=\"$ue.pdf\"\n", "f${ue}r\n") ],
	]);

	like($s->message(1), qr/^From: =\?UTF-8\?Q\?J=C3=BCrgen\?= <me\@example\.test>\r$/m, 'a name');
	like($s->message(1), qr/^Subject: =\?UTF-8\?Q\?Gr=C3=BCn_f=C3=BCr\?= A\r$/m, 'words');
	like($s->message(1), qr/^To: you\@xn--bcher-kva\.example \(=\?UTF-8\?Q\?K=C3=BC\?=\)\r$/m,
		'a domain, and a comment');
	like($s->message(2), qr/^Content-Type: text\/plain; name\*=UTF-8''%C3%BC\.pdf\r$/m, 'a file');
	like($s->message(2), qr/\r\n\r\nf=C3=BCr\r\n$/, 'text');
};

my $signature = "Content-Type: application/pgp-signature\n\n-----BEGIN\nx\n";
my %sealed = (
	signed => sub { with("$type: multipart/signed; boundary=s; micalg=pgp-sha256\n",
		multipart('s', "Content-Type: text/plain\n\n$_[0]\n", $signature)) },
	'signed inside' => sub { with("$type: multipart/mixed; boundary=m\n", multipart('m',
		"Content-Type: multipart/signed; boundary=s\n\n" . multipart('s', "\n$_[0]", $signature),
		"\nfooter")) },
	encrypted => sub { with("$type: multipart/encrypted; boundary=s\n", multipart('s', "\n$_[0]")) },
	's/mime' => sub { with("$type: application/pkcs7-mime; smime-type=signed-data\n", "$_[0]\n") },
);

subtest 'signed and encrypted parts: never touched' => sub {
	for my $name (sort keys %sealed) {
		my $s = arrive($eight, [ map { [ x => $sealed{$name}->($_) ] } "$ue\n", "x\n" ]);

		is_bytes($s->message(1), wire($sealed{$name}->("$ue\n")), "$name: 8BITMIME is enough");
		for my $case ([ $seven, "$ue\n", qr/8BITMIME/ ], [ $eight, ('x' x 999) . "\n", qr/998 octets/ ]) {
			my ($extensions, $text, $why) = @$case;
			my $t = server_start(extensions => $extensions);
			my $r = send_mail(account($t), undef, stdin => $sealed{$name}->($text));

			is($r->{exit}, 69, "$name: refused");
			like($r->{err}, $why, 'with the reason');
			like($r->{err}, qr/let the program that signs/, 'and a next step');
			is_deeply([grep { /^MAIL/ } $t->commands], [], 'and nothing of it was sent');
			is_deeply(scalar queued('new'), scalar queued('failed'), 'nor stored');
		}
	}
	my $message = with("$type: multipart/mixed; boundary=m\n", multipart('m', "\n$ue",
		"Content-Type: multipart/signed; boundary=s\n\n" . multipart('s', "\nx  ", $signature)));
	my $s = arrive($seven, [ [ x => $message ] ]);
	my ($part) = $message =~ /(Content-Type: multipart\/signed.*)--m--/s;
	like($s->message(1) =~ s/\r//gr, qr/\Q$part\E/, 'what stands beside one is encoded, it is not');
};

subtest 'SMTPUTF8: only when an address needs it' => sub {
	my @to = ('send', '--no-queue', "j${ue}rgen\@example.net");
	my $message = letter("$ue\n", Subject => "Gr${ue}n", To => "J$ue <j${ue}rgen\@example.net>");
	my $s = server_start(extensions => $utf8);
	my $r = send_mail(account($s), \@to, stdin => $message);

	is($r->{exit}, 0, 'offered: sent') or diag($r->{err});
	is_deeply([$s->violations], [], 'by the rules');
	like(($s->commands)[1], qr/^MAIL FROM:<me\@example\.test> SIZE=\d+ BODY=8BITMIME SMTPUTF8$/, 'asked for');
	like($s->message(1), qr/^Subject: Gr${ue}n\r$/m, 'and then the header stays as it is');

	$s = server_start(extensions => $eight);
	$r = send_mail(account($s), \@to, stdin => $message);
	is($r->{exit}, 69, 'not offered: refused');
	like($r->{err}, qr/SMTPUTF8/, 'with the reason');
	is_deeply([grep { /^MAIL/ } $s->commands], [], 'nothing was sent');

	# Only the header has such an address.
	$s = server_start(extensions => $utf8);
	$r = send_mail(account($s), undef, stdin => $message);
	is($r->{exit}, 0, 'an address in the header: sent');
	like(($s->commands)[1], qr/ SMTPUTF8$/, 'which needs it as well');
	is_deeply([$s->violations], [], 'by the rules');
	$s = server_start(extensions => $eight);
	is(send_mail(account($s), undef, stdin => $message)->{exit}, 69, 'or is refused');

	# In Latin-1 it is nobody's, and must not get lost.
	for my $to (undef, \@to) {
		for my $extensions ($eight, $utf8) {
			$s = server_start(extensions => $extensions);
			$r = send_mail(account($s), $to, stdin => letter("x\n", To => "jos\xe9\@example.net, you\@example.net"));
			is($r->{exit}, 69, 'an address that is no UTF-8: refused');
			is_deeply([grep { /^MAIL/ } $s->commands], [], 'nothing was sent');
		}
		like($r->{err}, qr/an address in the header of the message is neither ASCII nor UTF-8/, 'with the reason');
		like($r->{err}, qr/write that address in UTF-8/, 'and a next step');
	}

	$s = server_start(extensions => $utf8);
	$r = send_mail(account($s), ['send', '--no-queue', "you\@b${ue}cher.example"],
		stdin => letter("x\n", Subject => $ue, To => "you\@b${ue}cher.example"));
	is($r->{exit}, 0, 'a domain: sent');
	unlike(($s->commands)[1], qr/SMTPUTF8/, 'without');
	is(($s->commands)[2], 'RCPT TO:<you@xn--bcher-kva.example>', 'in its ASCII form');
	is_deeply([$s->violations], [], 'by the rules');

	$s = server_start(extensions => $utf8);
	$r = send_mail(account($s), \@to, stdin => letter("x\n", Subject => "gr\xfcn", 'X-Y' => $ue));
	like($s->message(1), qr/^Subject: =\?unknown-8bit\?Q\?gr=FCn\?=\r\n.*^X-Y: $ue\r$/ms,
		'what is not UTF-8 is encoded all the same');
};

subtest 'header lines that cannot be folded are refused' => sub {
	my $s = server_start();
	my $r = send_mail(account($s), undef, stdin => letter("x\n", References => '<' . ('x' x 1000) . '@x>'));

	is($r->{exit}, 69, 'refused');
	like($r->{err}, qr/References cannot be sent: it has a line of more than 998 octets/, 'with the reason');
};

subtest 'C1: what would grow without measure is refused' => sub {
	my %why = (900 => qr/Content-Type cannot be sent: .* a name of more than 60 octets/,
		60 => qr/more than 4 times as large/);

	for my $octets (sort keys %why) {
		my $s = server_start(extensions => $seven);
		my $part = 'Content-Type: text/plain; ' . ('a' x $octets) . '="' . ('(' x 8000) . "\"\n\nx";
		my $r = send_mail(account($s), undef, stdin => with("$type: multipart/mixed; boundary=b\n",
			multipart('b', ($part) x 200)));

		is($r->{exit}, 69, "names of $octets octets: refused");
		like($r->{err}, $why{$octets}, 'with the reason');
		is_deeply([grep { /^MAIL/ } $s->commands], [], 'and nothing was sent');
	}
};

# Who only hands over leaves that to the runner.
subtest 'several recipients, several transactions' => sub {
	my $s = server_start(extensions => $seven);
	my $message = letter(("f${ue}r\n" x 3000), Subject => $ue);
	my $r = send_mail(account($s, max_recipients => 2), ['send', '--no-queue',
		map { "p$_\@example.net" } 1 .. 5], stdin => $message);

	is($r->{exit}, 0, 'sent');
	is($s->stored, 3, 'in three');
	is_deeply([$s->violations], [], 'SIZE is that of what is sent');
	is($s->message($_), $s->message(1), 'B3: the same each time') for 2, 3;
	is_deeply(said($s->message(1)), said($message), 'A8: it says the same');
};

subtest 'C3: a large message goes by a file, and memory does not grow' => sub {
	plan skip_all => 'a sanitizer needs more' if $ENV{ASAN_OPTIONS} || build() =~ /asan/ || $ENV{SENDOFF_WRAP};
	my $s = server_start(extensions => $seven);
	my $message = letter("f${ue}r dich, und zwar nicht wenig\n" x 600_000);
	my $c = account($s, final_timeout => '60s', timeout => '30s');
	my $r = run_sendoff([], stdin => $message, timeout => 60, command => ['/bin/sh', '-c',
		'ulimit -v 16384; exec "$@"', 'sh', build() . '/sendoff', '-C', $c, 'send', '--no-queue', 'you@example.net']);

	cmp_ok(length $message, '>', 18_000_000, 'larger than the room that there is');
	is($r->{exit}, 0, 'sent') or diag($r->{err});
	is(length $s->message(1), length($s->message(1) =~ s/[\x80-\xff]//gr), 'in seven bits');
	ok(said($s->message(1))->{content} eq said($message)->{content}, 'A8: it says the same');
};

subtest 'no room for what is made of it: later' => sub {
	my $s = server_start(extensions => $seven);
	my $message = letter(join '', ("f${ue}r dich " x 100 . "\n") x 900);   # 0.9 MB, 1.3 when encoded
	my $full = workdir() . '/full';

	mkdir $full, 0700;
	SKIP: {
		skip 'cannot mount here', 5 if system("mount -t tmpfs -o size=256k none $full 2>/dev/null");
		queue_empty();
		my $r = send_mail(account($s), undef, stdin => $message, env => { TMPDIR => $full });
		is($r->{exit}, 75, 'told to try again') or diag($r->{err});
		like($r->{err}, qr/cannot be stored|no room/i, 'and why');
		$r = send_mail(account($s), ['send', 'you@example.net'], stdin => $message,
			env => { TMPDIR => $full });
		is($r->{exit}, 0, 'or stored');
		is(scalar(my @waiting = queued('new')), 1, 'for later');
		is($s->stored, 0, 'and nothing was sent');
		system('umount', $full);
	}
};

subtest 'from the queue, to whichever server takes it' => sub {
	queue_empty();
	my $busy = server_start(extensions => $utf8, at => 'RCPT:1+ reply "451 4.3.0 later"');
	my @messages = (letter("f${ue}r\n", Subject => $ue), letter("x\n", Subject => $ue),
		letter('x' x 1500 . "\n"));
	my $config = account($busy);

	for my $message (@messages, $sealed{signed}->("$ue\n")) {
		my $r = send_mail($config, ['send', 'you@example.net'], stdin => $message);
		is($r->{exit}, 0, 'stored') or diag($r->{err});
	}
	is(scalar(my @waiting = queued('new')), 4, 'four wait');
	my $s = server_start(extensions => $seven);
	file_write($config, file_read(account($s)));
	my $r = send_mail($config, ['queue', 'flush'], timeout => 60);
	is_deeply([$s->violations], [], 'by the rules');
	my @got = map { said($s->message($_)) } 1 .. $s->stored;
	for my $message (@messages) {
		my $want = said($message);
		my ($same) = grep { ($_->{content} // '') eq $want->{content} } @got;
		is_deeply($same, $want, 'A8: it says the same');
	}
	is(scalar(my @failed = queued('failed')), 1, 'the signed one is given up');
};

# Any message: fixed by its number, so that what fails can be made again.
sub random_text
{
	my ($most) = @_;
	my @pieces = ('word', ' ', '  ', "\t", '=', '--a', '--aa', '.', "\n", "\n", "\n.\n", 'From ', $ue, $euro,
		"\xfc", '=?UTF-8?Q?=C3=BC?=', '=3D', "\n\n", 'x' x 70, 'y' x 500, "\n--aaa\n", '?=');
	my $text = join '', map { $pieces[rand @pieces] } 1 .. rand $most;

	return $text =~ s/^(--a+)[ \t]*$/$1./mgr;   # no delimiter by chance
}

sub random_value { return random_text(12) =~ s/\n/rand 3 < 1 ? "\n " : ' '/ger =~ s/^\s+|\s+$|\n (?=\n|$)//gr }

sub random_part
{
	my ($depth) = @_;
	my $kind = int rand($depth < 3 ? 8 : 5);
	my $coding = ('', "Content-Transfer-Encoding: 8bit\n")[rand 2];
	my $boundary = 'a' x ($depth + 1);

	return "\n" . random_text(60) if $kind == 0;
	return "Content-Type: text/plain; charset=utf-8\n$coding\n" . random_text(200) if $kind == 1;
	return "Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"" .
		(random_value() =~ s/["\\\n]//gr) . ".x\"\n$coding\n" . random_text(200) if $kind == 2;
	return "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n" .
		encode_base64(random_text(300), ('', "\n")[rand 2]) if $kind == 3;
	return "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\nx=C3=BC=\n=20\n"
		if $kind == 4;
	return "Content-Type: message/rfc822\n$coding\nSubject: s" . random_value() . "\n" .
		random_part($depth + 1) if $kind == 5;
	return "Content-Type: multipart/mixed; boundary=$boundary\n$coding\n" .
		multipart($boundary, map { random_part($depth + 1) } 0 .. rand 3) . "\n";
}

subtest 'A8: any message' => sub {
	my $seed = $ENV{SENDOFF_SEED} // 20261130;
	srand $seed;
	my @messages = map {
		my $part = random_part(0);
		my $text = letter("\0", Subject => 's' . random_value(),
			To => 'n' . (random_value() =~ s/[^ \x80-\xff\w]|y+//gr) . ' <you@example.net>');
		[ "number $_", $text =~ s/\n\0\n?$/\n$part\n/sr ] } 1 .. 150;

	for my $extensions ($seven, $eight) {
		my $s = arrive($extensions, \@messages);

		for my $k (0 .. $#messages) {
			my ($name, $given) = @{ $messages[$k] };
			my $got = $s->message($k + 1);

			is_deeply(said($got), said($given), "$name, seed $seed: it says the same");
			is_deeply([breaches($got)], [], "$name: well encoded");
		}
	}
};

# PHP's idiom, and what other programs make of a long subject: one encoded word of any
# length, which is no word of text.
subtest 'an encoded word that is too long for a line' => sub {
	my $server = server_start();
	for my $text ('a' x 740, "$ue$euro" x 300) {
		for my $word ('=?UTF-8?B?' . encode_base64($text, '') . '?=',
				'=?utf-8*de?q?' . join('', map { sprintf '=%02X', ord } split //, $text) . '?=') {
			my $r = sendmail(account($server), ['you@example.net'], stdin => letter("x\n", Subject => "Re: $word end"));
			is($r->{exit}, 0, 'sent') or diag($r->{err});
			my ($subject) = $server->message($server->stored) =~ /^Subject: (.*?)\r\n(?=\S)/ms;
			my @lines = split /\r\n/, $subject;
			is(scalar(grep { length > 76 } @lines), 0, 'in short lines');
			my $said = join ' ', map { s/^\s+|\s+$//gr } @lines;
			my $decoded = '';
			for my $one (split / /, $said) {
				$decoded .= $one =~ /^=\?utf-8(?:\*de)?\?B\?(.*)\?=$/i ? decode_base64($1) : " $one ";
			}
			is_bytes($decoded, " Re: $text end ", 'it says the same');
		}
	}
	# Where nobody can tell where its characters end it is at least not lost.
	my $odd = '=?ISO-2022-JP?B?' . encode_base64('x' x 900, '') . '?=';
	is(sendmail(account($server), ['you@example.net'], stdin => letter("x\n", Subject => $odd))->{exit}, 0, 'another charset: sent');
	is_deeply([$server->violations], [], 'by the rules');
};

done_testing;
