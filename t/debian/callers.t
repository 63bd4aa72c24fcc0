#!/usr/bin/perl
# Programs that send mail, as Debian has them, on a machine with the package and a
# systemd of its own, and a Postfix in another network: each is content, and what it
# sends arrives once, also when nobody was there to take it.
#
# CALLERS="cron php mutt" runs some of them; systemd-cron, which cannot be beside cron,
# runs only if it is named.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Debian;

# Name, packages, the command as this user (root if none is named), to whom it goes, and
# what it says.
# %M is the mark by which a message is known, %C where t/debian/callers is.  `later` is
# what has to be there before the far end may be looked at: the mark of a daemon's work.
# `unless` is a command that says why not, by succeeding.
my $web = [ 'a@example.net', 'b@example.net' ];
my $root = [ 'admin@example.test' ];
my @table = (
	# Those that take their time begin first.
	{ name => 'cron', packages => [ 'cron' ], to => $root,
		says => qr/^It says$/m, seconds => 80,
		command => q(printf '* * * * * alice mkdir /tmp/%M 2>/dev/null && echo "It says"\n' >/etc/cron.d/test),
		later => '/tmp/%M' },
	{ name => 'systemd-cron', packages => [ 'dbus', 'systemd-cron' ], to => $root, named => 1,
		says => qr/^Subject: .*job .* failed$/m, seconds => 80,
		command => q(printf '* * * * * alice mkdir /tmp/%M 2>/dev/null && exit 1; exit 0\n' >/etc/cron.d/%M),
		later => '/tmp/%M' },
	{ name => 'at', packages => [ 'at' ], user => 'alice', to => $root,
		says => qr/^Subject: Output from your job/m, seconds => 80,
		command => q(echo 'echo %M; mkdir /tmp/%M' | at now), later => '/tmp/%M' },
	{ name => 'anacron', packages => [ 'anacron' ], to => $root,
		says => qr/^Subject: Anacron job 'test' on/m, command => 'sh %C/anacron.sh %M' },

	{ name => 'mailx', packages => [ 'bsd-mailx' ], user => 'alice', to => [ @$web, @$root ],
		says => qr/^text$/m,
		command => 'echo text | bsd-mailx -s %M -b b@example.net a@example.net root' },
	{ name => 's-nail', packages => [ 's-nail' ], user => 'alice', to => $web,
		says => qr/^text$/m,
		command => 'echo text | s-nail -n -r alice@example.test -s %M -b b@example.net a@example.net' },
	{ name => 'mutt', packages => [ 'mutt' ], user => 'alice', to => $web,
		says => qr/^text\n.*^Content-Disposition: attachment; filename="?fstab/ms, env => { TERM => 'dumb' },
		command => 'echo text | mutt -n -e "set copy=no" -s %M -b b@example.net -a /etc/fstab -- a@example.net' },
	{ name => 'emacs', packages => [ 'emacs-nox' ], user => 'alice', to => [ 'a@example.net' ],
		says => qr/^Two lines\n\.$/m,
		command => 'MARK=%M emacs -Q --batch -l %C/message.el 2>/dev/null', seconds => 40 },
	{ name => 'git', packages => [ 'git-email', 'libmailtools-perl' ], user => 'alice', to => $web,
		says => qr/^Subject: \[PATCH\] .*^diff --git a\/file b\/file$/ms,
		command => 'sh %C/git.sh %M' },

	{ name => 'php', packages => [ 'php-cli' ], user => 'www-data', to => $web,
		says => qr/^Two lines\n\.\nand a third$/m,
		command => q(php -r 'exit(mail("A <a@example.net>", $argv[1], "Two lines\n.\nand a third\n",
			"From: web@example.test\r\nBcc: b@example.net", "-fweb@example.test") ? 0 : 1);' %M) },
	{ name => 'symfony', packages => [ 'php-cli', 'php-symfony-mailer' ], user => 'www-data', to => $web,
		says => qr/^Two lines\n.*<p>and a page<\/p>/ms,
		command => q(php %C/symfony.php %M '/usr/sbin/sendmail -t') },
	{ name => 'symfony-bs', packages => [ 'php-cli', 'php-symfony-mailer' ], user => 'www-data', to => $web,
		says => qr/^Two lines\n.*<p>and a page<\/p>/ms,
		command => q(php %C/symfony.php %M '/usr/sbin/sendmail -bs'),
		unless => 'echo QUIT | sendmail -bs 2>/dev/null | grep -q ^220 && exit 1; echo sendmail -bs is refused' },
	{ name => 'phpmailer', packages => [ 'php-cli', 'libphp-phpmailer' ], user => 'www-data', to => $web,
		says => qr/^Two lines\n\.$/m,
		command => 'php %C/phpmailer.php %M' },
	{ name => 'python', packages => [ 'python3-minimal', 'libpython3-stdlib' ], user => 'alice', to => $web,
		says => qr/^Zwei Zeilen f\xc3\xbcr\n\.$/m,
		command => 'python3 %C/recipe.py %M' },
	{ name => 'smtplib', packages => [ 'python3-minimal', 'libpython3-stdlib' ], user => 'alice',
		to => [ 'a@example.net' ],
		says => qr/^Two lines\n\.$/m, command => 'python3 %C/port.py %M', port => 1 },
	{ name => 'perl', packages => [ 'libemail-sender-perl' ], user => 'alice', to => $web,
		says => qr/^Two lines\n\.$/m,
		command => 'perl %C/sender.pl %M' },
	{ name => 'ruby', packages => [ 'ruby-mail' ], user => 'alice', to => $web,
		says => qr/^Two lines\n\.$/m,
		command => 'ruby %C/mail.rb %M' },
	{ name => 'nodemailer', packages => [ 'node-nodemailer', 'nodejs' ], user => 'alice', to => $web,
		says => qr/^Two lines\n\.$/m,
		command => 'NODE_PATH=/usr/share/nodejs node %C/nodemailer.js %M' },

	{ name => 'sudo', packages => [ 'sudo' ], to => $root,
		says => qr/alice : .*COMMAND=\/usr\/bin\/true$/m, command => 'sh %C/sudo.sh %M' },
	{ name => 'logwatch', packages => [ 'logwatch' ], to => $root,
		says => qr/dpkg status changes Begin/, seconds => 60,
		command => 'logwatch --output mail --mailto root --range all --service dpkg --subject %M' },
	{ name => 'smartd', packages => [ 'smartmontools', 'bsd-mailx' ], to => $root,
		says => qr/^Device info:\nA disk$/m,
		command => 'sh %C/smartd.sh %M' },
	{ name => 'apticron', packages => [ 'apticron', 'bsd-mailx' ], to => $root,
		says => qr/The following packages are currently pending an upgrade/, seconds => 60,
		command => 'sh %C/apticron.sh %M' },
	{ name => 'upgrades', packages => [ 'unattended-upgrades' ], to => $root,
		says => qr/^All upgrades installed$/m,
		command => 'python3 %C/upgrades.py %M' },
	{ name => 'monit', packages => [ 'monit' ], to => [ 'a@example.net' ],
		says => qr/Does not exist Service missing/, port => 1, seconds => 60,
		command => 'sh %C/monit.sh %M' },
);

my %wanted = map { $_ => 1 } split ' ', $ENV{CALLERS} // '';
my @callers = grep { %wanted ? $wanted{ $_->{name} } : !$_->{named} } @table;
delete @wanted{ map { $_->{name} } @table };
BAIL_OUT('no such caller: ' . join ' ', sort keys %wanted) if %wanted;

my @common = qw(ca-certificates libinih1 libjansson4 libnettle8 no-mta systemd);
my %packages = map { $_ => 1 } @common, map { @{ $_->{packages} } } @callers;
my @near = sort keys %packages;
my @far = qw(libsasl2-modules libsasl2-modules-db postfix sasl2-bin);

SendoffTest::Debian->namespace(net => 1, bases => [ [ 'callers', @near ], [ 'far', @far ] ]);
my $package = (glob build() . '/sendoff_*.deb')[0] // BAIL_OUT('make deb comes first');
my $machine = SendoffTest::Debian->new('callers', @near);
my $far = SendoffTest::Debian->new('far', @far);

# ---- the far end

sub postfix_begins
{
	my %main = (myhostname => 'smtp.example.test', mydestination => '', inet_protocols => 'ipv4',
		virtual_mailbox_domains => 'static:all', virtual_mailbox_maps => 'static:all/',
		virtual_mailbox_base => '/var/mail', virtual_uid_maps => 'static:8', virtual_gid_maps => 'static:8',
		virtual_minimum_uid => 1, maillog_file => '/var/log/postfix.log', smtpd_peername_lookup => 'no',
		smtpd_sasl_auth_enable => 'yes', smtpd_sasl_path => 'smtpd', smtpd_sasl_local_domain => 'example.test',
		smtpd_relay_restrictions => 'permit_sasl_authenticated, reject', smtpd_helo_required => 'yes',
		smtpd_tls_security_level => 'encrypt', smtpd_tls_auth_only => 'yes',
		smtpd_tls_cert_file => '/etc/postfix/server.crt', smtpd_tls_key_file => '/etc/postfix/server.key',
		smtpd_data_restrictions => 'reject_unauth_pipelining', smtpd_forbid_unauth_pipelining => 'yes',
		smtpd_forbid_bare_newline => 'yes', strict_rfc821_envelopes => 'yes', disable_dns_lookups => 'yes');

	$far->write('/etc/postfix/main.cf', join '', map { "$_ = $main{$_}\n" } sort keys %main);
	$far->write('/etc/postfix/server.crt', file_read(cert('server')));
	$far->write('/etc/postfix/server.key', file_read(cert('server', 'key')), 0600);
	$far->write('/etc/postfix/sasl/smtpd.conf',
		"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n");
	$far->must('echo geheim | saslpasswd2 -p -c -u example.test alerts && chown postfix /etc/sasldb2');
	$far->must('postconf -M# smtp/inet; postconf -M submission/inet="submission inet n - n - - smtpd"');
	$far->must('mkdir -p /var/mail/all && chown mail:mail /var/mail/all && newaliases');
	$far->must('postfix start', timeout => 60);
}

# Every copy that has come, MARK => { RECIPIENT => how often }, and the texts, by MARK.
sub copies
{
	my (%found, %texts);

	for my $path (glob $far->path('/var/mail/all/new/*')) {
		my $text = file_read($path);
		my ($to) = $text =~ /^X-Original-To: (.*)$/m;
		my ($mark) = $text =~ /(zq-[a-z-]+-qz)/ or next;
		$found{$mark}{$to}++;
		push @{ $texts{$mark} }, $text;
	}
	return wantarray ? (\%found, \%texts) : \%found;
}

# ---- the machine

sub machine_begins
{
	BAIL_OUT('systemd cannot be started here') if !$machine->boot;
	my $r = $machine->install($package);
	is($r->{exit}, 0, 'the package is installed') or BAIL_OUT($r->{out} . $r->{err});
	system('cp', '-r', "$FindBin::Bin/callers", $machine->path('/usr/local/share')) == 0 or die "cp\n";
	$machine->must('chmod -R a+rX /usr/local/share/callers; useradd --create-home alice');
	$machine->write('/etc/hosts', '127.0.0.1 localhost ' . $machine->must('hostname') .
		"192.0.2.2 smtp.example.test\n");
	$machine->write('/etc/sendoff/ca.pem', file_read(cert('ca')));
	$machine->write('/etc/sendoff/password', "geheim\n", 0640);
	$machine->write('/etc/sendoff/config.new', <<'END', 0640);
[sendoff]
admin = admin@example.test
domain = machine.example.test
retry = 5s 10s

[account mail]
host = smtp.example.test
user = alerts@example.test
password_file = /etc/sendoff/password
tls_ca_file = /etc/sendoff/ca.pem
from = alerts@example.test
END
	$machine->must('cd /etc/sendoff && chgrp sendoff password config.new && mv config.new config &&
		systemctl restart sendoff.service');
}

# Where callers may speak SMTP on this machine; false with a reason where they cannot.
sub port_opens
{
	$machine->must('cd /etc/sendoff && sed "/^\\[sendoff\\]/a listen = 127.0.0.1:2525" config >config.port &&
		chmod 640 config.port && chgrp sendoff config.port');
	return if $machine->run('sendoff -C /etc/sendoff/config.port config check')->{exit} != 0;
	$machine->must('mv /etc/sendoff/config.port /etc/sendoff/config && systemctl restart sendoff.service');
	return 1;
}

sub filled
{
	my ($text, $mark) = @_;

	return $text =~ s/%M/$mark/gr =~ s{%C}{/usr/local/share/callers}gr;
}

sub mark { return "zq-$_[0]{name}-$_[1]-qz" }

# Each of them once; what has to happen later is waited for at the end.
sub calls
{
	my ($phase, @these) = @_;

	for my $c (@these) {
		my $r = $machine->run(filled($c->{command}, mark($c, $phase)), user => $c->{user},
			timeout => $c->{seconds} // 30, env => $c->{env});
		is($r->{exit}, 0, "$c->{name}, $phase: is content") or diag($r->{out} . $r->{err});
	}
	for my $c (grep { $_->{later} } @these) {
		ok(wait_until(sub { -e $machine->path(filled($c->{later}, mark($c, $phase))) }, $c->{seconds}),
			"$c->{name}, $phase: has done it");
	}
}

# What is wrong with a copy of it; nothing, if all is well.
sub wrong
{
	my ($c, $text) = @_;
	my ($header) = split /\n\n/, $text, 2;
	my @wrong = grep { (() = $header =~ /^\Q$_\E:/mgi) != 1 } qw(From Date Message-ID Subject);

	push @wrong, 'Bcc' if $header =~ /^Bcc:/mi;
	push @wrong, 'sender' if $header !~ /^Return-Path: <alerts\@example\.test>$/m;
	push @wrong, 'From' if $header !~ /^From: (?:.*\n[ \t])*.*<?alerts\@example\.test>?$/m;
	push @wrong, $text if $text !~ $c->{says};
	return @wrong;
}

sub arrived
{
	my ($phase, @these) = @_;
	my $complete = sub {
		my $copies = copies();
		return !grep { keys %{ $copies->{ mark($_, $phase) } // {} } < @{ $_->{to} } } @these;
	};

	wait_until($complete, 60);
	my ($copies, $texts) = copies();
	for my $c (@these) {
		my $mark = mark($c, $phase);
		is_deeply($copies->{$mark}, { map { $_ => 1 } @{ $c->{to} } },
			"$c->{name}, $phase: has arrived, once");
		is_deeply([ map { wrong($c, $_) } @{ $texts->{$mark} } ], [], "... and as it should be");
	}
}

# ---- what has to hold

$far->away('192.0.2.1', '192.0.2.2');
postfix_begins();
machine_begins();
my $port = grep({ $_->{port} } @callers) && port_opens();
my @able;
for my $c (@callers) {
	my $why = $c->{port} && !$port ? 'there is no key listen' : '';
	if (!$why && $c->{unless}) {
		my $r = $machine->run($c->{unless});
		chomp($why = $r->{out}) if $r->{exit} == 0;
	}
	SKIP: {
		skip "$c->{name}: $why", 1 if $why;
		push @able, $c;
	}
}

calls('up', @able);
arrived('up', @able);
is($machine->must('sendoff queue list --all --json'), '', 'nothing waits') if @able;

$far->must('postfix stop', timeout => 60);
calls('away', @able);
is_deeply([ grep { /-away-qz$/ } keys %{ copies() } ], [], 'nobody is there');
ok(wait_until(sub { $machine->must('mailq') =~ / in [1-9]\d* Requests?\.$/m }, 10), 'all waits') if @able;
$far->must('postfix start', timeout => 60);
$machine->must('sendoff queue flush', timeout => 60);
arrived('away', @able);
is($machine->must('sendoff queue list --all --json'), '', 'nothing waits any more');

my $log = $far->read('/var/log/postfix.log');
is_deeply([ $log =~ /^.*(?:improper command pipelining|bare <|non-SMTP|lost connection|timeout after|
	SSL_accept).*$/mgx ], [], 'E6: Postfix finds no fault');
is_deeply([ grep { !/sasl_username=alerts\@example\.test/ } $log =~ /^.*client=.*$/mg ], [],
	'D6: and knew who it was each time');
unlike($machine->must('journalctl --no-pager'), qr/geheim/, 'D9: the password is in no log');
done_testing;
