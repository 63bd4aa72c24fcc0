#!/usr/bin/perl
# Mail that its account may not send as it is: rewritten so that it arrives, and
# so that one still sees where it came from.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;

my $login = getpwuid($>);
my $server = server_start();
my $count = 0;

# name, account keys, arguments, header fields as they come, the envelope
# sender, header fields as they arrive
sub sends
{
	my ($name, $keys, $args, $in, $sender, $out) = @_;
	my $config = account($server, from => 'alerts@example.org', %$keys);
	my $rest = "Date: x\nMessage-ID: <1\@x>\nSubject: y\n";
	my $r = sendmail($config, [@$args, 'you@example.net'], stdin => "${in}$rest\nbody\n");

	is($r->{exit} . $r->{out} . $r->{err}, '0', "$name: sent, in silence");
	return if $r->{exit};
	$count++;
	is($server->envelope($count)->{sender}, $sender, "$name: envelope sender");
	is_bytes($server->message($count) =~ s/^Date: x\r\nMessage-ID: <1\@x>\r\nSubject: y\r\n//mr,
		wire("$out\nbody\n"), "$name: header");
}

my $mine = 'alerts@example.org';

subtest 'rewrite_from = auto' => sub {
	sends('the account\'s own', {}, [], "From: alerts\@example.org\n", $mine, "From: alerts\@example.org\n");
	sends('its own, with a name, as written', {}, [], "From:   \"Al\" <alerts\@EXAMPLE.org>  (x)\n", $mine,
		"From:   \"Al\" <alerts\@EXAMPLE.org>  (x)\n");
	sends('cron of root', {}, ['-FCronDaemon', '-f', 'root'], "From: root (Cron Daemon)\n", $mine,
		"From: \"root\@example.test (Cron Daemon)\" <$mine>\nX-Original-From: root\@example.test (Cron Daemon)\n");
	sends('cron of another kind', {}, [], "From: \"(Cron Daemon)\" <root>\n", $mine,
		"From: \"(Cron Daemon) (root\@example.test)\" <$mine>\nX-Original-From: \"(Cron Daemon)\" <root\@example.test>\n");
	sends('the name of the machine', {}, ['-f', 'root@box.local'], "From: root\@box.local\n", $mine,
		"From: \"root\@box.local\" <$mine>\nX-Original-From: root\@box.local\n");
	sends('a name and an address', {}, [], "From: MD Monitor <mdadm\@box>\n", $mine,
		"From: \"MD Monitor (mdadm\@box)\" <$mine>\nX-Original-From: MD Monitor <mdadm\@box>\n");
	sends('no From', {}, ['-F', 'Backup'], '', $mine,
		"From: \"Backup ($login\@example.test)\" <$mine>\nX-Original-From: Backup <$login\@example.test>\n");
	sends('an empty From', {}, [], "From:\n", $mine,
		"From: \"$login\@example.test\" <$mine>\nX-Original-From: $login\@example.test\n");
	sends('a From that nobody can read', {}, [], "From: a b c <\n", $mine,
		"From: \"a b c <\" <$mine>\nX-Original-From: a b c <\n");
	sends('several in From', {}, [], "From: alerts\@example.org, other\@box\n", $mine,
		"From: \"alerts\@example.org\" <$mine>\nX-Original-From: alerts\@example.org, other\@box\n");
	sends('two Froms', {}, [], "From: a\@box\nFrom: b\@box\n", $mine,
		"From: \"a\@box\" <$mine>\nX-Original-From: a\@box, b\@box\n");
	sends('an older X-Original-From goes', {}, [], "X-Original-From: forged\nFrom: a\@box\n", $mine,
		"From: \"a\@box\" <$mine>\nX-Original-From: a\@box\n");
	sends('a foreign Sender goes', {}, [], "From: a\@box\nSender: s\@box\n", $mine,
		"From: \"a\@box\" <$mine>\nX-Original-From: a\@box\n");
	sends('RFC 2047 in the name', {}, [], "From: =?utf-8?q?J=C3=BCrgen?= <j\@box>\n", $mine,
		"From: =?utf-8?q?J=C3=BCrgen?= \"(j\@box)\" <$mine>\nX-Original-From: =?utf-8?q?J=C3=BCrgen?= <j\@box>\n");
	sends('the null sender stays', {}, ['-f', '<>'], "From: MAILER-DAEMON\@box\n", '',
		"From: \"MAILER-DAEMON\@box\" <$mine>\nX-Original-From: MAILER-DAEMON\@box\n");
	sends('from_name', { from_name => 'Alerts, all' }, [], "From: a\@box\n", $mine,
		"From: \"Alerts, all\" <$mine>\nX-Original-From: a\@box\n");
	sends('Resent-From is what counts', {}, [], "Resent-From: a\@box\nFrom: b\@elsewhere\n", $mine,
		"Resent-From: \"a\@box\" <$mine>\nX-Original-From: a\@box\nFrom: b\@elsewhere\n");
};

subtest 'what the account may send as stays as it is' => sub {
	my %allowed = (allowed_from => 'me@example.org, Other <other@example.net>', match => '*@lists.example');
	for my $address ('me@example.org', 'other@example.net', 'any@lists.example', 'any@LISTS.example') {
		sends("$address", \%allowed, ['-f', $address], "From:  X  <$address>\nSender: me\@example.org\n",
			$address =~ s/LISTS/lists/r, "From:  X  <$address>\nSender: me\@example.org\n");
	}
	sends('From allowed, sender not', \%allowed, ['-f', 'root'], "From: me\@example.org\n", $mine,
		"From: me\@example.org\n");
	sends('sender allowed, From not', \%allowed, ['-f', 'me@example.org'], "From: a\@box\n", 'me@example.org',
		"From: \"a\@box\" <$mine>\nX-Original-From: a\@box\n");
	sends('a domain alone as match', { match => 'example.com' }, ['-f', 'x@example.com'],
		"From: x\@example.com\n", 'x@example.com', "From: x\@example.com\n");
	sends('no from: everything stays', { from => undef }, ['-f', 'a@box'], "From: b\@box\nSender: c\@box\n",
		'a@box', "From: b\@box\nSender: c\@box\n");
};

subtest 'rewrite_from = never, always' => sub {
	sends('never', { rewrite_from => 'never' }, ['-f', 'root@box'], "From: root\@box (x)\nSender: s\@box\n",
		'root@box', "From: root\@box (x)\nSender: s\@box\n");
	sends('never, and no sender given', { rewrite_from => 'never' }, [], "From: root\@box\n", $mine,
		"From: root\@box\n");
	my %always = (rewrite_from => 'always', allowed_from => 'me@example.org');
	sends('always', \%always, ['-f', 'me@example.org'], "From: Me <me\@example.org>\n", $mine,
		"From: \"Me (me\@example.org)\" <$mine>\nX-Original-From: Me <me\@example.org>\n");
	sends('always, but it is the account already', \%always, ['-f', $mine], "From: A <$mine>\n", $mine,
		"From: A <$mine>\n");
	sends('always, the null sender', \%always, ['-f', ''], "From: me\@example.org\n", '',
		"From: \"me\@example.org\" <$mine>\nX-Original-From: me\@example.org\n");
};

subtest 'bare names get the domain, everywhere' => sub {
	sends('in every field', { rewrite_from => 'never' }, [],
		"From: root\nSender: cron\nReply-To: admin, a\@b.test\nTo: root, \"Post\" <postmaster>\nCc: x (y)\n" .
		"Errors-To: errors\nX-To: z\n", $mine,
		"From: root\@example.test\nSender: cron\@example.test\nReply-To: admin\@example.test, a\@b.test\n" .
		"To: root\@example.test, \"Post\" <postmaster\@example.test>\nCc: x\@example.test (y)\nErrors-To: errors\n" .
		"X-To: z\n");
	sends('folded', { rewrite_from => 'never' }, [], "From: a\@b.test\nTo: x,\n\ty (z),\n q\@r.test\n", $mine,
		"From: a\@b.test\nTo: x\@example.test,\n\ty\@example.test (z),\n q\@r.test\n");
	sends('what cannot be read stays', { rewrite_from => 'never' }, [], "From: a\@b.test\nTo: root <\n", $mine,
		"From: a\@b.test\nTo: root <\n");
	sends('user@host is not bare', { rewrite_from => 'never' }, [], "From: a\@b.test\nTo: root\@localhost\n", $mine,
		"From: a\@b.test\nTo: root\@localhost\n");
	sends('a bare sender is judged with its domain', { from => 'root@example.test' }, ['-f', 'root'],
		"From: root (Cron)\n", 'root@example.test', "From: root\@example.test (Cron)\n");
};

subtest 'every other field stays, octet by octet, in order' => sub {
	my @fields = map { "X-$_: " . join('', map { chr(33 + ($_ * 7) % 90) } 1 .. $_ * 3) . "\n" } 1 .. 40;
	my $others = join('', @fields, "List-Id:\n  <a>\n", "DKIM-Signature: v=1;\n\tb=x\n", "X-Empty:\n",
		"x-8bit: \xc3\xa4\xff\n", "Received: from a\n\tby b; x\n", "Content-Type: text/plain;\n charset=utf-8\n");
	(my $arrives = $others) =~ s/\xc3\xa4\xff/=?unknown-8bit?B?w6T\/?=/;
	sends('many of them', {}, [], "From: a\@box\n$others", $mine,
		"From: \"a\@box\" <$mine>\nX-Original-From: a\@box\n$arrives");
	sends('and before From', {}, [], "${others}From: a\@box\n", $mine,
		"${arrives}From: \"a\@box\" <$mine>\nX-Original-From: a\@box\n");
};

subtest 'a From of any length and language makes legal lines' => sub {
	for my $name ("J\xc3\xbcrgen " x 100, 'long ' x 300, "\xff\xfe", '"' . 'a\\"' x 200 . '"', '(' . 'c' x 900 . ')') {
		my $config = account($server, from => $mine);
		my $r = sendmail($config, ['you@example.net'], stdin => "From: $name <a\@box>\nDate: x\n\nx\n");
		my $shown = substr($name, 0, 12) =~ s/[^ -~]/?/gr;
		is($r->{exit}, 0, "$shown...: sent") or next;
		my $head = (split /\r\n\r\n/, $server->message(++$count))[0];
		my ($from) = $head =~ /^From: ([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)/m;
		like($from, qr/<\Q$mine\E>$/, "$shown...: the address");
		cmp_ok((sort { $b <=> $a } map { length } split /\r\n/, $from)[0], '<', 998, "$shown...: its lines");
		is(scalar(() = $head =~ /^From:/mg), 1, "$shown...: one From");
	}
	is_deeply([$server->violations], [], 'all by the rules');
};

# The old sender is kept for people: what no address can be made of without SMTPUTF8 keeps
# nobody from getting the message.
{
	my $plain = server_start(extensions => 'SIZE PIPELINING 8BITMIME');
	my $r = sendmail(account($plain), ['you@example.net'], stdin => "From: j\xc3\xbc\@box\nTo: you\@example.net\nSubject: x\n\nx\n");
	is($r->{exit}, 0, 'a From that is not ASCII is rewritten, and sent') or diag($r->{err});
	like($plain->message(1), qr/^X-Original-From: =\?UTF-8\?Q\?j=C3=BC=40box\?=\r$/m, 'and kept');
}

done_testing;
