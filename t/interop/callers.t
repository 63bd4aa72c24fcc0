#!/usr/bin/perl
# Programs that call sendmail, each as it does by itself, and a Postfix that
# shows what came of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Cwd qw(abs_path);
use SendoffTest;
use SendoffTest::Postfix;
use SendoffTest::Send qw(wire);

plan skip_all => SendoffTest::Postfix->why_not if SendoffTest::Postfix->why_not;

my $postfix = SendoffTest::Postfix->start(
	services => { submission => { smtpd_tls_security_level => 'encrypt' } });
my $home = workdir() . '/home';
my $sendmail = workdir() . '/sendmail';

# As installed: the name decides, the personal file has the account.
symlink build() . '/sendoff', $sendmail;
mkdir "$home/.config", 0700;
mkdir "$home/.config/sendoff", 0700;
file_write("$home/.config/sendoff/config", file_read($postfix->config('submission')));

# Runs a caller; the Subject is what its message is known by.
sub calls
{
	my ($name, $subject, $command, %o) = @_;
	my $r = run_sendoff([], command => $command, timeout => 30, %o,
		env => { XDG_CONFIG_HOME => undef, LOGNAME => 'tester', %{ $o{env} // {} } });
	my ($copy) = $postfix->arrived($subject);

	is($r->{exit}, 0, "$name: succeeded") or diag("$r->{out}$r->{err}");
	ok($copy, "$name: arrived") or return {};
	is($copy->{envelope}{sender}, 'me@example.test', "$name: the sender");
	my ($header, $body) = split /\r\n\r\n/, $copy->{message}, 2;
	my %fields;
	push @{ $fields{ lc $1 } }, $2 while $header =~ /^([\w-]+): ?((?:.*\r\n[ \t])*.*?)\r?$/mg;
	is(scalar @{ $fields{$_} // [] }, 1, "$name: one $_") for qw(from date message-id subject);
	ok(!$fields{bcc}, "$name: no Bcc");
	unlike($copy->{message}, qr/\r(?!\n)|(?<!\r)\n/, "$name: E2: lines end in CRLF");
	return { %$copy, header => $header, body => $body, fields => \%fields, run => $r };
}

sub has { my ($name) = @_; return grep { -x "$_/$name" } qw(/usr/bin /bin /usr/local/bin) }

# By hand, with the very arguments of those programs.
my $c = calls('cron', 'Cron job', [ $sendmail, '-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'root@example.net' ],
	stdin => "From: \"(Cron Daemon)\" <root>\nTo: root\@example.net\nSubject: Cron job <root\@box> ls\n" .
	"MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n" .
	"X-Cron-Env: <SHELL=/bin/sh>\n\nf\xc3\xbcr\n.\nend\n");
is_bytes($c->{body}, "f\xc3\xbcr\r\n.\r\nend\r\n", 'cron: the body');
is_deeply($c->{envelope}{recipients}, [ 'root@example.net' ], 'cron: to whom');
is($c->{run}{out} . $c->{run}{err}, '', 'cron: silent');
like($c->{fields}{from}[0], qr/^"\(Cron Daemon\) .*" <me\@example\.test>$/, 'cron: From is rewritten');

$c = calls('cron, a bare name', 'Cron bare', [ $sendmail, '-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'root' ],
	stdin => "From: root (Cron Daemon)\nTo: root\nSubject: Cron bare\n\nx\n");
is_deeply($c->{envelope}{recipients}, [ 'root@example.test' ], 'cron, a bare name: qualified');

$c = calls('logwatch', 'Logwatch', [ $sendmail, '-t' ],
	stdin => "To: a\@example.net\nFrom: Logwatch\@example.test\nSubject: Logwatch for box\n" .
	"Bcc: b\@example.net\n\nx\n");
is_deeply($c->{envelope}{recipients}, [ 'a@example.net', 'b@example.net' ], 'logwatch: to whom');

$c = calls('smartd', 'SMART error', [ $sendmail, '-oi', '-t', '-f', 'me@example.test' ],
	stdin => "To: a\@example.net\nSubject: SMART error\n\nx\n.\ny\n");
is_bytes($c->{body}, "x\r\n.\r\ny\r\n", 'smartd: the body');

SKIP: {
	skip 'no php', 1 if !has('php');
	my $code = 'exit(mail("A <a@example.net>, b@example.net", "PHP subject \u{e9}", ' .
		'"line 1\n.\nline 3", "From: Web <me@example.test>\r\nBcc: c@example.net\r\n' .
		'Content-Type: text/plain; charset=UTF-8", "-fme@example.test") ? 0 : 1);';

	$c = calls('PHP mail()', 'PHP subject', [ 'php', '-d', "sendmail_path=$sendmail -t -i", '-r', $code ]);
	is_deeply([ sort @{ $c->{envelope}{recipients} } ], [ map { "$_\@example.net" } qw(a b c) ],
		'PHP mail(): to whom');
	is_bytes($c->{body}, "line 1\r\n.\r\nline 3\r\n", 'PHP mail(): the body');
	is($c->{fields}{from}[0], 'Web <me@example.test>', 'PHP mail(): From');

	my $r = run_sendoff([], command => [ 'php', '-d', "sendmail_path=$sendmail -t -i", '-r',
		'exit(mail("nobody at all", "PHP never", "x") ? 0 : 1);' ]);
	is($r->{exit}, 1, 'PHP mail(): false when it failed');
	is(scalar $postfix->arrived('PHP never'), 0, 'PHP mail(): nothing sent');

	# The arguments that a web form once could put in.
	my $planted = workdir() . '/planted.php';
	$r = run_sendoff([], command => [ 'php', '-d', "sendmail_path=$sendmail -t -i", '-r',
		"mail('a\@example.net', 'PHP planted', '<?php ?>', '', '-X$planted -C/etc/passwd -OQueueDirectory=/tmp');" ]);
	is(scalar $postfix->arrived('PHP planted'), 1, 'F2: -X, -C, -O in sendmail mode: sent');
	ok(!-e $planted, 'F2: -X writes nothing');
}

SKIP: {
	skip 'no git send-email', 1 if !has('git') || !-x substr(`git --exec-path`, 0, -1) . '/git-send-email';
	my $patch = file_write(workdir() . '/0001.patch', "From 0123456789012345678901234567890123456789 " .
		"Mon Sep 17 00:00:00 2001\nFrom: Me <me\@example.test>\nDate: Sat, 1 Jan 2022 00:00:00 +0000\n" .
		"Subject: [PATCH] git patch\n\nA change\xc3\xa9.\n\n.\n---\n f | 1 +\n\n" .
		"diff --git a/f b/f\n--- a/f\n+++ b/f\n\@\@ -0,0 +1 \@\@\n+x\n-- \n2.39.5\n");
	my @git = ('git', '-c', 'user.name=Me', '-c', 'user.email=me@example.test', '-c',
		'sendemail.suppresscc=all', 'send-email', '--quiet', '--confirm=never', '--8bit-encoding=UTF-8',
		'--to=a@example.net', '--cc=b@example.net', '--bcc=c@example.net');

	$c = calls('git send-email', 'git patch', [ @git, "--smtp-server=$sendmail", $patch ],
		env => { GIT_CONFIG_NOSYSTEM => 1 });
	is_deeply([ sort @{ $c->{envelope}{recipients} } ], [ map { "$_\@example.net" } qw(a b c) ],
		'git send-email: to whom');
	is_bytes($c->{body}, wire("A change\xc3\xa9.\n\n.\n---\n f | 1 +\n\ndiff --git a/f b/f\n" .
		"--- a/f\n+++ b/f\n\@\@ -0,0 +1 \@\@\n+x\n-- \n2.39.5\n"), 'git send-email: the body');
	is($c->{run}{err}, '', 'git send-email: no word from sendmail');
}

SKIP: {
	skip 'no mutt', 1 if !has('mutt');
	my $file = file_write(workdir() . '/attached.bin', hostile_bytes(5000));

	$c = calls('mutt', 'mutt subject', [ 'mutt', '-n', '-F', '/dev/null', '-e',
		"set sendmail=\"$sendmail -oi -oem\" copy=no from=me\@example.test realname=Me use_envelope_from=yes",
		'-s', 'mutt subject', '-b', 'c@example.net', '-a', $file, '--', 'a@example.net' ],
		stdin => "body\n.\nmore\n", env => { TERM => 'dumb' });
	is_deeply([ sort @{ $c->{envelope}{recipients} } ], [ 'a@example.net', 'c@example.net' ],
		'mutt: to whom');
	like($c->{body} // '', qr/^body\r\n\.\r\nmore\r\n/m, 'mutt: the text');
	is($c->{fields}{from}[0], 'Me <me@example.test>', 'mutt: From');
}

SKIP: {
	my @mailx = SendoffTest::Postfix::wrap();
	my $mailx = (grep { -x } '/usr/bin/bsd-mailx', SendoffTest::Postfix::unpacked() . '/bin/bsd-mailx')[0];
	skip 'no bsd-mailx', 1 if !$mailx;

	$c = calls('mailx', 'mailx subject', [ @mailx, 'bsd-mailx', '-n', '-s', 'mailx subject', '-b',
		'c@example.net', '-a', 'X-Own: yes', 'a@example.net' ], stdin => "body\n",
		env => { MAILRC => file_write(workdir() . '/mailrc', "set sendmail=$sendmail\n") });
	is_deeply([ sort @{ $c->{envelope}{recipients} } ], [ 'a@example.net', 'c@example.net' ],
		'mailx: to whom');
	is_bytes($c->{body}, "body\r\n", 'mailx: the body');
	is_deeply($c->{fields}{'x-own'}, [ 'yes' ], 'mailx: a field of its own');
}

is_deeply([ $postfix->complaints ], [], 'E6: Postfix finds no fault');
done_testing;
