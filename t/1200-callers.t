#!/usr/bin/perl
# How programs call sendmail, and what they rely on.
#
# Behind __END__ stands a record for each call:
#
#   --- who calls
#   $ the words behind "sendmail", quoted as for a shell
#   exit CODE              default 0; then nothing else is expected
#   to ADDRESS...          recipients, in any order
#   from ADDRESS           envelope sender; default that of the account
#   has NAME: VALUE        a header field that arrives otherwise than written;
#                          {login}: the login name
#   |LINE                  what is written to stdin
#   =LINE                  what arrives as the body; default: as written
#
# with \r \t \xHH \\ in lines, and \c for "no newline here".

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;
use Text::ParseWords qw(shellwords);

# Callers with less of an environment than they should have.
my %cron = (HOME => workdir() . '/home', LOGNAME => 'root', USER => undef, PATH => '/usr/bin:/bin', LC_ALL => undef);

my $login = getpwuid($>);

sub unescape
{
	my ($line) = @_;
	my $end = $line =~ s/\\c\z// ? '' : "\n";
	my %plain = (r => "\r", t => "\t", '\\' => '\\');

	$line =~ s/\\(?:x([0-9a-f]{2})|([rt\\]))/defined $1 ? chr hex $1 : $plain{$2}/ge;
	return $line . $end;
}

sub records
{
	my @records;

	while (my $line = <DATA>) {
		chomp $line;
		my $c = $records[-1];
		if ($line =~ /^--- (.*)/) {
			push @records, { name => $1, to => [], from => 'robot@example.test', exit => 0, stdin => '' };
		} elsif ($line =~ /^\$ ?(.*)/) {
			$c->{args} = [map { chomp(my $word = unescape($_)); $word } shellwords($1 =~ s/\\/\\\\/gr)];
		} elsif ($line =~ /^to (.*)/) {
			$c->{to} = [sort split ' ', $1];
		} elsif ($line =~ /^from (.*)/) {
			$c->{from} = $1 eq '<>' ? '' : $1;
		} elsif ($line =~ /^exit (\d+)/) {
			$c->{exit} = $1;
		} elsif ($line =~ /^has ([^:]+): (.*)/) {
			push @{ $c->{has}{ lc $1 } }, $2 =~ s/\{login\}/$login/r;
		} elsif ($line =~ /^\|(.*)/) {
			$c->{stdin} .= unescape($1);
		} elsif ($line =~ /^=(.*)/) {
			$c->{body} .= unescape($1);
		} elsif ($line ne '') {
			die "record '$line'\n";
		}
	}
	return @records;
}

# The fields of a header block as name => [values], folds and blanks collapsed;
# and the body, lines ended by LF.
sub parse
{
	my ($message) = @_;
	my %fields;

	$message =~ s/\r\n/\n/g;
	$message =~ s/\A>?From .*\n//;
	my ($head, $body) = $message =~ /\A((?:[!-9;-~]+[ \t]*:.*(?:\n|\z)(?:[ \t].*(?:\n|\z))*)*)\n?((?s:.*))\z/;
	$head =~ s/\n[ \t]+/ /g;
	for my $line (split /\n/, $head) {
		my ($name, $value) = $line =~ /^([^:\s]+)\s*:\s*(.*?)\s*$/;
		push @{ $fields{ lc $name } }, $value =~ s/\s+/ /gr;
	}
	$body .= "\n" if $body ne '' && $body !~ /\n\z/;
	return (\%fields, $body);
}

my $server = server_start();
my $config = account($server, from => 'robot@example.test', rewrite_from => 'never');
my $count = 0;

for my $c (records()) {
	my $r = sendmail($config, $c->{args}, stdin => $c->{stdin}, env => \%cron, cwd => '/');
	my $name = $c->{name};

	is($r->{exit}, $c->{exit}, "$name: exit $c->{exit}") or diag($r->{err});
	if ($c->{exit}) {
		is($server->stored, $count, "$name: nothing sent");
		like($r->{err}, qr/^sendoff: ./, "$name: told");
		next;
	}
	is($r->{out} . $r->{err}, '', "$name: silence");
	if (grep { /^-odq$/ } @{ $c->{args} }) {
		is(scalar(queued()), 1, "$name: stored");
		is($server->stored, $count, "$name: not sent yet");
		is(send_mail($config, ['queue', 'flush'])->{exit}, 0, "$name: flushed");
	}
	is(scalar(queued()), 0, "$name: nothing waits");
	my $e = $server->envelope(++$count);
	is_deeply([sort @{ $e->{recipients} }], $c->{to}, "$name: recipients");
	is($e->{sender}, $c->{from}, "$name: sender");

	my ($want, $body) = parse($c->{stdin});
	my ($got, $arrived) = parse($server->message($count));
	is_bytes($arrived, $c->{body} // $body, "$name: body");
	for my $field (qw(date message-id from)) {
		is(scalar @{ delete $got->{$field} // [] }, 1, "$name: one $field") if !@{ $want->{$field} // [] };
	}
	delete @$want{qw(bcc resent-bcc return-path)};
	is_deeply($got, { %$want, %{ $c->{has} // {} } }, "$name: header");
}
is_deeply([$server->violations], [], 'all by the rules');

done_testing;

__END__

--- Debian cron
$ -FCronDaemon -i -B8BITMIME -oem root
to root@example.test
has From: root@example.test (Cron Daemon)
has To: root@example.test
|From: root (Cron Daemon)
|To: root
|Subject: Cron <root@host> test -x /usr/sbin/anacron
|MIME-Version: 1.0
|Content-Type: text/plain; charset=UTF-8
|Content-Transfer-Encoding: 8bit
|X-Cron-Env: <SHELL=/bin/sh>
|X-Cron-Env: <HOME=/root>
|
|.
|gr\xc3\xbc\xc3\x9fe\c
=.
=gr\xc3\xbc\xc3\x9fe

--- anacron
$ -FAnacron -odi root
to root@example.test
has From: Anacron <root@example.test>
has To: root@example.test
|From: Anacron <root>
|To: root
|Content-Type: text/plain; charset="UTF-8"
|Subject: Anacron job 'cron.daily' on box
|
|out

--- at
$ -i alice
to alice@example.test
has To: alice@example.test
|Subject: Output from your job        5
|To: alice
|
|x

--- sudo
$ -t
to root@example.test
has To: root@example.test
has From: alice@example.test
|To: root
|From: alice
|Auto-Submitted: auto-generated
|Subject: *** SECURITY information for box ***
|
|box : Jan  1 00:00:00 : alice : command not allowed ; TTY=pts/0

--- mdadm
$ -t
to root@example.test
has To: root@example.test
|From: mdadm monitoring <root@box>
|To: root
|Subject: DegradedArray event on /dev/md0:box
|
|This is an automatically generated mail message from mdadm

--- git send-email
$ -f me@example.org -i a@example.org b@example.org c@example.org
to a@example.org b@example.org c@example.org
from me@example.org
|From: Me <me@example.org>
|To: a@example.org
|Cc: b@example.org,
|\tC <c@example.org>
|Subject: [PATCH 1/2] x
|Date: Sat,  1 Jan 2022 00:00:00 +0000
|Message-Id: <20220101000000.1-1-me@example.org>
|X-Mailer: git-send-email 2.39.5
|MIME-Version: 1.0
|Content-Transfer-Encoding: 8bit
|
|---
| a | 1 +
|
|From here on
|.dotted
|-- 
|2.39.5
|

--- Symfony, sendmail without -t
$ -i -ffrom@example.org -- a@example.org b@example.org
to a@example.org b@example.org
from from@example.org
|From: Fr Om <from@example.org>
|To: a@example.org
|Subject: s
|Message-ID: <1@example.org>
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|
|hello\c

--- nodemailer, which relies on Bcc to be removed
$ -i -f x@example.org a@example.org b@example.org
to a@example.org b@example.org
from x@example.org
|From: x@example.org\r
|To: a@example.org\r
|Bcc: b@example.org\r
|Subject: s\r
|Message-ID: <2@example.org>\r
|Date: Sat, 01 Jan 2022 00:00:00 +0000\r
|\r
|hello
|.
|world\c

--- alpine
$ -oem -t -oi
to a@example.org b@example.org
|Date: Sat, 1 Jan 2022 00:00:00 +0000
|From: Me <me@example.org>
|To: a@example.org
|Bcc: b@example.org
|Subject: s
|
|x

--- Sympa
$ -oi -odi -oem -N success,delay,failure -V00001a2b -f '' -- a@example.org b@example.org
to a@example.org b@example.org
from <>
|From: list@example.org
|Subject: s
|
|x

--- RT
$ -oi -ODeliveryMode=b -OErrorMode=m -t -f rt@example.org
to a@example.org
from rt@example.org
|From: "Alice via RT" <rt@example.org>
|To: a@example.org
|Subject: [rt #1] s
|
|x

--- a Postfix filter
$ -G -i -f s@example.org -- a@example.org
to a@example.org
from s@example.org
|Received: from x by y; Sat, 1 Jan 2022 00:00:00 +0000
|From: s@example.org
|Subject: s
|
|.
|x

--- rmail
$ -G -oee -odi -oi -pUUCP:host -fs@example.org '<a@example.org>'
to a@example.org
from s@example.org
|From: s@example.org
|Subject: s
|
|x

--- amavisd
$ -i -odd -f s@example.org -- a@example.org b@example.org
to a@example.org b@example.org
from s@example.org
|From: s@example.org
|
|x

--- Trac
$ -i -f trac@example.org a@example.org
to a@example.org
from trac@example.org
|From: trac@example.org
|Subject: #1
|
|x

--- fail2ban with a sender that was never set
$ -f 'root@<fq-hostname>' root
exit 65
|Subject: [Fail2Ban] x
|To: root
|
|x

--- php.ini without -t
$
exit 64
|To: a@example.org
|Subject: s
|
|x

--- an unknown letter
$ -y a@example.org
exit 64
|Subject: s
|
|x

--- modes that are not served
$ -bt a@example.org
exit 64
|Subject: s

--- a list of To separated by semicolons
$ -t -i
exit 65
|From: a@example.org
|To: x@example.org; y@example.org
|
|x

--- Debian cron with MAILFROM
$ -FCronDaemon -i -B8BITMIME -oem ops@example.org
to ops@example.org
|From: cronfrom@example.org
|To: ops@example.org
|Subject: Cron <root@host> true
|MIME-Version: 1.0
|Content-Type: text/plain; charset=UTF-8
|Content-Transfer-Encoding: 8bit
|
|x

--- cronie
$ -FCronDaemon -i -odi -oem -oi -t -f root
to root@example.test
from root@example.test
has From: "(Cron Daemon)" <root@example.test>
has To: root@example.test
|From: "(Cron Daemon)" <root>
|To: root
|Subject: Cron <root@host> true
|MIME-Version: 1.0
|Content-Type: text/plain; charset=UTF-8
|Content-Transfer-Encoding: 8bit
|Auto-Submitted: auto-generated
|Precedence: bulk
|X-Cron-Env: <HOME=/root>
|
|out
|.
|more

--- FreeBSD/ISC/OpenBSD cron
$ -FCronDaemon -odi -oem -oi -t
to root@example.test
has To: root@example.test
|From: Cron Daemon <root@host.example.net>
|To: root
|Subject: Cron <root@host> periodic daily
|X-Cron-Env: <LOGNAME=root>
|
|out
|.
|..
|end

--- busybox crond
$ -ti
to root@example.test
has To: root@example.test
|To: root
|Subject: cron: run-parts /etc/periodic/daily
|
|out
|.
|end

--- fcron
$ -Ffcron -odi root@host.example.net
to root@host.example.net
|From: root@host.example.net (fcron)
|To: root@host.example.net
|Subject: fcron <root@host.example.net> job
|Content-Type: text/plain; charset=UTF-8
|
|out

--- bsd-mailx -r
$ -i -t -f env@example.org
to a@example.org
from env@example.org
|From: env@example.org
|To: a@example.org
|Subject: sub
|MIME-Version: 1.0
|Content-Type: text/plain; charset="UTF-8"
|Content-Transfer-Encoding: 8bit
|
|hello

--- s-nail -r 'Robo <r@x>'
$ -i -F Robo -f r@example.org -- a1@example.org
to a1@example.org
from r@example.org
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|From: Robo <r@example.org>
|To: a1@example.org
|Subject: sub
|Message-ID: <20220101000000.FW7kn%r@example.org>
|User-Agent: s-nail v14
|
|hello

--- s-nail mta-arguments
$ -i -V x -N failure -- a@example.org
to a@example.org
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|From: Me <me@example.org>
|To: a@example.org
|Subject: sub
|
|hello

--- GNU mailutils mail
$ -oi -f root@vm.example.net -t
to a1@example.org a2@example.org b@example.org c1@example.org
from root@vm.example.net
|Subject: sub
|Cc: <c1@example.org>
|Bcc: <b@example.org>
|To: <a1@example.org>,<a2@example.org>
|X-A: b
|User-Agent: mail (GNU Mailutils 3.15)
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|
|hello

--- mutt / neomutt
$ -oem -oi -- a1@example.org a2@example.org c1@example.org b@example.org
to a1@example.org a2@example.org b@example.org c1@example.org
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|From: root <root@example.test>
|To: a1@example.org, a2@example.org
|Cc: c1@example.org
|Subject: sub
|Message-ID: <awIGni5fzTmPyCGC@example.test>
|MIME-Version: 1.0
|Content-Type: text/plain; charset=us-ascii
|Content-Disposition: inline
|
|hello

--- mutt use_8bitmime+dsn
$ -oem -oi -B8BITMIME -N failure,delay -R hdrs -- a1@example.org b@example.org
to a1@example.org b@example.org
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|From: root <root@example.test>
|To: a1@example.org
|Subject: sub
|Message-ID: <awIGn2eq82KYT-_Q@example.test>
|MIME-Version: 1.0
|Content-Type: text/plain; charset=iso-8859-1
|Content-Disposition: inline
|Content-Transfer-Encoding: 8bit
|
|h\xe9llo

--- mutt use_envelope_from
$ -oem -oi -f me@example.org -- a1@example.org
to a1@example.org
from me@example.org
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|From: Me X <me@example.org>
|To: a1@example.org
|Subject: sub
|Message-ID: <awIGn4BKiR7naa70@example.test>
|MIME-Version: 1.0
|Content-Type: text/plain; charset=us-ascii
|
|.
|body\c

--- mutt bounce-message
$ -oem -oi -- bounce@example.org
to bounce@example.org
|Resent-From: root <root@example.test>
|Resent-Date: Sat, 01 Jan 2022 00:00:00 +0000
|Resent-Message-ID: <r1@example.test>
|Resent-To: bounce@example.org
|Return-Path: <orig@example.net>
|From: orig@example.net
|To: a@example.org
|Subject: s
|Message-ID: <q@example.net>
|Date: Fri, 31 Dec 2021 00:00:00 +0000
|
|hello

--- Emacs message-mode
$ -oi -f em@example.org -t
to bcc@example.org cc@example.org to@example.org
from em@example.org
|From: Em Acs <em@example.org>
|To: to@example.org
|Cc: cc@example.org
|Subject: s
|Bcc: bcc@example.org
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|Message-ID: <fqwtaoc2.fsf@example.test>
|MIME-Version: 1.0
|Content-Type: text/plain
|
|hello
|.

--- nmh sendmail/pipe blind copy
$ -t -i
to b@example.org
|From: me@example.org
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|Subject: s
|BCC: b@example.org
|
|------- Blind-Carbon-Copy
|
|From: me@example.org
|To: a@example.org
|Subject: s
|
|hello
|.
|x
|
|------- End of Blind-Carbon-Copy

--- mblaze mbnc
$ -- r1@example.org r2@example.org
to r1@example.org r2@example.org
|Resent-Date: Sat, 01 Jan 2022 00:00:00 +0000
|Resent-From: me@example.org
|Resent-To: r1@example.org, r2@example.org
|From: orig@example.net
|To: a@example.org
|Subject: s
|
|x

--- aerc outgoing=/usr/sbin/sendmail
$ to@example.org cc@example.org
to cc@example.org to@example.org
|Mime-Version: 1.0\r
|Content-Type: text/plain; charset=utf-8\r
|Date: Sat, 01 Jan 2022 00:00:00 +0000\r
|Message-Id: <CO1@example.org>\r
|Subject: s\r
|From: "Ae Rc" <ae@example.org>\r
|To: <to@example.org>\r
|Cc: <cc@example.org>\r
|\r
|hello\r

--- caff (signing-party) via Mail::Mailer
$ -t -f me@example.org -it
to key@example.org
from me@example.org
|To: key@example.org
|From: me@example.org
|Subject: Your signed PGP key
|
|x

--- PHP mail() 5th arg -f
$ -t -i -fbounce@example.org
to alice@example.org
from bounce@example.org
|To: alice@example.org\r
|Subject: Subj\r
|From: web@example.org\r
|X-Mailer: PHP\r
|\r
|line1\r

--- PHP mail() extra params
$ -t -i -f bounce@example.org -F 'Full Name' -oi
to alice@example.org
from bounce@example.org
|To: alice@example.org\r
|Subject: Subj\r
|From: web@example.org\r
|\r
|line1\r

--- PHP with LF extra headers
$ -t -i
to a@example.org c@example.org
|To: a@example.org\r
|Subject: Subj\r
|From: w@example.org
|Cc: c@example.org
|X: y\r
|\r
|line1
|line2\r

--- PHP 5/7 mail() (or mixed_lf_and_crlf)
$ -t -i
to alice@example.org
|To: alice@example.org
|Subject: Subj
|X-PHP-Originating-Script: 0:x.php
|From: web@example.org\r
|X-A: b
|
|line1
|line2

--- PHPMailer isMail / WordPress wp_mail
$ -t -i -ffrom@example.org
to bcc@example.org cc@example.org to@example.org
from from@example.org
|To: T O <to@example.org>\r
|Subject: Subj\r
|Date: Sat, 01 Jan 2022 00:00:00 +0000\r
|From: Fr Om <from@example.org>\r
|Cc: cc@example.org\r
|Bcc: bcc@example.org\r
|Message-ID: <8vNe@vm>\r
|X-Mailer: PHPMailer 6.6.3 (https://github.com/PHPMailer/PHPMailer)\r
|MIME-Version: 1.0\r
|Content-Type: text/plain; charset=iso-8859-1\r
|\r
|Hello\r
|.dot\r
|bye\r
|\r

--- PHPMailer isSendmail
$ -t -i -oi -ffrom@example.org -t
to bcc@example.org cc@example.org to@example.org
from from@example.org
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|To: T O <to@example.org>
|From: Fr Om <from@example.org>
|Cc: cc@example.org
|Bcc: bcc@example.org
|Subject: Subj
|Message-ID: <rx97@vm>
|X-Mailer: PHPMailer 6.6.3
|MIME-Version: 1.0
|Content-Type: text/plain; charset=iso-8859-1
|
|Hello
|.dot
|bye

--- SwiftMailer/Symfony -t without -i
$ -t -ffrom@example.org
to to@example.org
from from@example.org
|Message-ID: <7685@swift.generated>
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|Subject: Subj
|From: Fr Om <from@example.org>
|To: to@example.org
|MIME-Version: 1.0
|
|Hello
|..dot
|bye\c

--- Horde Mail
$ -i -f from@example.org -- to@example.org b@example.org
to b@example.org to@example.org
from from@example.org
|From: Fr Om <from@example.org>
|To: to@example.org
|Subject: s
|
|Hello
|.dot
|bye\c

--- MIME::Lite
$ -t -oi -oem -ffrom@example.org
to bcc@example.org cc@example.org to@example.org
from from@example.org
|Content-Disposition: inline
|Content-Transfer-Encoding: 8bit
|Content-Type: text/plain
|MIME-Version: 1.0
|X-Mailer: MIME::Lite 3.033
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|From: Fr Om <from@example.org>
|To: to@example.org
|Cc: cc@example.org
|Bcc: bcc@example.org
|Subject: s
|
|hello
|.
|bye\c

--- Email::Sender / Bugzilla
$ -i -f '<>' -- a@example.org a@example.org -b@example.org
to -b@example.org a@example.org
from <>
|From: from@example.org
|To: to@example.org
|Subject: s
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|
|hello

--- Mail::Transport::Sendmail (Mail::Box)
$ -i b@example.org t@example.org
to b@example.org t@example.org
|From: f@example.org
|To: t@example.org
|Bcc: b@example.org
|Subject: s
|Message-Id: <mailbox-1@vm>
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|MIME-Version: 1.0
|
|hi
|.

--- Ruby mail gem :exim method
$ -i -t -f from@example.org --
to cc@example.org to@example.org
from from@example.org
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|From: Fr Om <from@example.org>
|To: to@example.org
|Cc: cc@example.org
|Message-ID: <6b04@vm.mail>
|Subject: s
|
|x

--- nodemailer args with -t
$ -i -f x@example.org -t to@example.org cc@example.org bcc@example.org
to bcc@example.org cc@example.org to@example.org
from x@example.org
|From: Fr Om <from@example.org>\r
|To: to@example.org\r
|Cc: cc@example.org\r
|Bcc: bcc@example.org\r
|Subject: s\r
|Message-ID: <2c3e@example.org>\r
|Date: Sat, 01 Jan 2022 00:00:00 +0000\r
|MIME-Version: 1.0\r
|\r
|hello\r

--- Mailman 2 Sendmail.py
$ -f list-bounces@example.org -- a@example.org b@example.org
to a@example.org b@example.org
from list-bounces@example.org
|From: poster@example.net
|To: list@example.org
|Subject: [List] hi
|Message-ID: <p1@example.net>
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|Sender: "List" <list-bounces@example.org>
|Errors-To: list-bounces@example.org
|
|hello
| .
|bye

--- unattended-upgrades
$ -oi -t
to root@example.test
has From: root@example.test
has To: root@example.test
|Subject: [package on hold] unattended-upgrades result for vm: SUCCESS
|From: root
|To: root
|Auto-Submitted: auto-generated
|MIME-Version: 1.0
|Content-Type: text/plain; charset="utf-8"
|Content-Transfer-Encoding: quoted-printable
|
|body =C3=A9

--- caller with an empty From header
$ -oi -t
to root@example.test
has From: {login}@example.test
has To: root@example.test
|Subject: s
|From: 
|To: root
|
|body

--- logwatch
$ -t
to ops@example.org root@example.test
has From: root@example.test
has To: root@example.test
has To: ops@example.org
|To: root
|To: ops@example.org
|From: root
|Subject: Logwatch for vm (Linux)
|Auto-Submitted: auto-generated
|Precedence: bulk
|MIME-Version: 1.0
|Content-Transfer-Encoding: 7bit
|Content-Type: text/plain; charset="UTF-8"
|
|
| ################### Logwatch 7.7 ####################

--- rkhunter cron.daily
$ root
to root@example.test
has To: root@example.test
|Subject: [rkhunter] vm - Daily report
|To: root
|
|Warning: x

--- smokeping alert
$ -f smoke@example.org a@example.org,b@example.org
to a@example.org b@example.org
from smoke@example.org
|To: a@example.org,b@example.org
|From: smoke@example.org
|Subject: [SmokeAlert] x
|
|x

--- popularity-contest
$ -oi -f pop@example.org survey@example.org
to survey@example.org
from pop@example.org
|From: <pop@example.org>
|Sender: <pop@example.org>
|To: survey@example.org
|Subject: popularity-contest submission
|MIME-Version: 1.0
|Content-Type: text/plain
|
|POPULARITY-CONTEST-0

--- Netdata alarm-notify probe
$ -F
exit 64


--- warnquota
$ -t
to bob@example.test root@example.test
has To: bob@example.test
|From: root@localhost
|Reply-To: root@localhost
|Subject: Over quota
|To: bob
|Cc: root@localhost
|Content-Type: text/plain; charset=UTF-8
|Content-Disposition: inline
|Content-Transfer-Encoding: 8bit
|
|Hi,

--- changetrack
$ -f ct@example.org -oi -odi root
to root@example.test
from ct@example.org
has To: root@example.test
|From: ct@example.org
|To: root
|Subject: Changed files on vm: x
|
|x\c

--- Proxmox VE
$ -B 8BITMIME -f root -- root ops@example.org
to ops@example.org root@example.test
from root@example.test
has From: Proxmox VE <root@example.test>
has To: root@example.test, ops@example.org
|From: Proxmox VE <root>
|To: root, ops@example.org
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|Subject: vzdump ok
|
|TASK OK
|.
=TASK OK

--- Dovecot Pigeonhole redirect
$ -i -f sender@example.net -- fwd@example.org
to fwd@example.org
from sender@example.net
|X-Sieve: Pigeonhole Sieve 0.5.19
|X-Sieve-Redirected-From: alice@example.test
|From: Sender <sender@example.net>
|To: alice@example.test
|Subject: s
|Message-ID: <1@x>
|
|hello
|.
|From me

--- procmail/maildrop passing an mbox From_ line
$ -oi fwd@example.org
to fwd@example.org
|From sender@example.net Sat Jan  1 00:00:00 2022
|Return-Path: <sender@example.net>
|Received: from x by y; Sat, 01 Jan 2022 00:00:00 +0000
|From: Sender <sender@example.net>
|To: alice@example.test
|Subject: s
|
|hello

--- formail -r | sendmail -oi -t
$ -oi -t
to sender@example.net
|To: sender@example.net
|Subject: Re: s
|References: <1@x>
|In-Reply-To: <1@x>
|X-Loop: x
|Precedence: junk
|
|auto

--- maildrop cc '! addr'
$ -f '' fwd@example.org
to fwd@example.org
from <>
|From sender@example.net Sat Jan  1 00:00:00 2022
|Return-Path: <sender@example.net>
|From: Sender <sender@example.net>
|To: alice@example.test
|Subject: s
|Message-ID: <1@x>
|
|hello
|From me

--- maildrop mailbot
$ -t -f ''
to sender@example.net
from <>
|From: alice@example.test
|Precedence: junk
|Auto-Submitted: auto-replied
|To: Sender <sender@example.net>
|References: <1@x>
|In-Reply-To: <1@x>
|Subject: Re: s
|Mime-Version: 1.0
|Content-Type: text/plain; format=flowed; delsp=yes; charset="UTF-8"
|Content-Transfer-Encoding: 8bit
|
|away
|
|

--- vacation(1)
$ -f alice -- sender@example.net
to sender@example.net
from alice@example.test
|To: sender@example.net
|Subject: away
|From: alice@example.test
|
|gone

--- vacation -z
$ -f '<>' -- sender@example.net
to sender@example.net
from <>
|To: sender@example.net
|Subject: away
|From: alice@example.test
|
|gone

--- MIMEDefang
$ '-f<>' -odd -Ac -oi -- r@example.org
to r@example.org
from <>
|Received: from x by y; Sat, 01 Jan 2022 00:00:00 +0000
|From: a@example.net
|To: r@example.org
|Subject: s
|
|x

--- -O with separate value
$ -O DeliveryMode=b -i to@example.org
to to@example.org
|From: a@example.org
|Subject: s
|
|x

--- -o with separate value
$ -o i -o em to@example.org
to to@example.org
|From: a@example.org
|Subject: s
|
|x
|.
|y

--- many ignorable flags
$ -U -L tag -h 5 -om -odq -oew -i to@example.org
to to@example.org
|From: a@example.org
|Subject: s
|
|x

--- -F with UTF-8, no From header
$ -F 'J\xc3\xbcrgen' -f jd@example.org -i to@example.org
to to@example.org
from jd@example.org
|To: to@example.org
|Subject: s
|
|x

--- LOGNAME/USER say alice but uid is 0
$ -i to@example.org
to to@example.org
|Subject: s
|
|x

--- text whose first line looks like a header
$ -i root
to root@example.test
|Warning: disk is nearly full
|second line without colon at all
|third
=second line without colon at all
=third

--- bare CR inside a header with -t
$ -t -i
to to@example.org
|From: a@example.org
|To: to@example.org
|Subject: one\rBcc: evil@example.org
|
|x

--- raw 8-bit body without MIME headers
$ -i to@example.org
to to@example.org
has MIME-Version: 1.0
has Content-Type: text/plain; charset=unknown-8bit
has Content-Transfer-Encoding: 8bit
|From: a@example.org
|To: to@example.org
|Subject: s
|
|\xe4\xf6\xfc

--- raw UTF-8 subject and body, as PHP's mail() is given them
$ -t -i
to to@example.org
has Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?= from PHP
has MIME-Version: 1.0
has Content-Type: text/plain; charset=UTF-8
has Content-Transfer-Encoding: 8bit
|From: a@example.org
|To: to@example.org
|Subject: Gr\xc3\xbc\xc3\x9fe from PHP
|
|Gr\xc3\xbc\xc3\x9fe

--- non-header line ends the header block
$ -t -i
to to@example.org
|From: a@example.org
|To: to@example.org
|Subject: s
|this is already body
|Cc: notarcpt@example.org
|
|x
=this is already body
=Cc: notarcpt@example.org
=
=x

--- space before the colon
$ -t -i
to to@example.org
|From : a@example.org
|To : to@example.org
|Subject : s
|
|x

--- groups, comments, quoted names, folding
$ -t -i
to c1@example.org c2@example.org g1@example.org g2@example.org
|From: a@example.org
|To: Team: g1@example.org, "B, C" <g2@example.org>;, (comment) c1@example.org (Carl, the (nested) one)
| ,
|\t"quo\\"ted" <c2@example.org>
|Subject: s
|
|x

--- empty Bcc/Cc headers
$ -t -i
to to@example.org
|From: a@example.org
|To: to@example.org
|Cc:
|Bcc: 
|Subject: s
|
|x

--- duplicates across To/Cc/Bcc
$ -t -i
to x@example.org y@example.org
|From: a@example.org
|To: x@example.org, y@example.org
|Cc: x@example.org
|Bcc: y@example.org
|Subject: s
|
|x

--- existing Date/Message-ID/Received/Sender kept
$ -i to@example.org
to to@example.org
|Received: from x by y; Sat, 01 Jan 2022 00:00:00 +0000
|Date: Sat, 01 Jan 2022 00:00:00 +0000
|Message-ID: <keep@example.net>
|Sender: s@example.org
|From: a@example.org, b@example.org
|To: to@example.org
|Reply-To: r@example.org
|Errors-To: e@example.org
|Return-Receipt-To: rr@example.org
|Subject: s
|
|x

--- filter joining recipients with blanks into one argument
$ -G -i -f s@example.org 'a@example.org b@example.org'
to a@example.org b@example.org
from s@example.org
|From: s@example.org
|To: a@example.org
|Subject: s
|Message-ID: <j@example.org>
|
|x
