#!/usr/bin/perl
# The configuration: which file counts, who may touch it, what is wrong in it,
# and which account carries a message.

use strict;
use warnings;

use File::Copy qw(copy);
use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use SendoffTest;
use SendoffTest::Send;

my $server = server_start();
my $count = 0;

sub sent { my $n = $server->stored; my $more = $n - $count; $count = $n; return $more }
sub account_named { return account_text(name => $_[0], description => "from $_[1]", ehlo => "$_[0].example.test") }

# Which account a message went by: each has its own EHLO.
sub by
{
	return (map { /^EHLO (\w+)\.example\.test/ ? $1 : () } $server->commands)[-1];
}

subtest 'D10: who may touch a file' => sub {
	my $text = account_text();
	my $secret = account_text(user => 'x', password => 'pass w0rd', auth => 'none');
	my @rows = (
		[0600, $text, 0], [0644, $text, 0], [0444, $text, 0], [0602, $text, 78], [0666, $text, 78], [0646, $text, 78],
		[0600, $secret, 0], [0400, $secret, 0], [0644, $secret, 78], [0604, $secret, 78], [0666, $secret, 78],
	);
	for my $row (@rows) {
		my ($mode, $what, $code) = @$row;
		my $name = sprintf '%04o%s', $mode, $what eq $secret ? ' with a secret' : '';
		my $r = send_mail(config($what, server => $server, mode => $mode));
		is($r->{exit}, $code, "$name: $code") or diag($r->{err});
		like($r->{err}, qr/(?:changed|read) by other users \(mode @{[sprintf '%04o', $mode]}\).*\n.*chmod (?:go-w|06[04]0) /,
			"$name: and the command that mends it") if $code;
		unlike($r->{err}, qr/pass w0rd/, "D9: $name: not the secret");
		is(sent(), $code ? 0 : 1, "$name: " . ($code ? 'nothing sent' : 'sent'));
	}
	SKIP: {
		skip 'needs root', 6 if $>;
		for my $mode (0620, 0640) {
			my $path = config($mode == 0640 ? $secret : $text, server => $server, mode => $mode);
			chown 0, 1, $path;
			is(send_mail($path)->{exit}, 78, sprintf('%04o and a group of others', $mode));
		}
		my $path = config($text, server => $server);
		chown 1, 0, $path;
		my $r = send_mail($path);
		is($r->{exit}, 78, 'of another user: 78');
		like($r->{err}, qr/belongs to another user \(uid 1\)/, 'told');
		is(sent(), 0, 'nothing sent');
	}
	for my $case (['a directory', workdir()], ['a device', '/dev/zero'], ['absent', '/nonexistent/config']) {
		my $r = send_mail($case->[1]);
		is($r->{exit}, 78, "$case->[0]: 78");
		like($r->{err}, qr/\Q$case->[1]\E/, "$case->[0]: named");
	}
	system('mkfifo', workdir() . '/fifo');
	my $r = send_mail(workdir() . '/fifo', undef, timeout => 5);
	is($r->{exit}, 78, 'a FIFO: 78, and no waiting');
};

subtest 'which file' => sub {
	my $home = workdir() . '/home';
	my $xdg = workdir() . '/xdg';
	mkdir $_ for $xdg, "$xdg/sendoff", "$home/.config", "$home/.config/sendoff";
	my $put = sub { my ($path, $name) = @_;
		return file_write($path, account_named($name, $path) =~ s/\{host\}/127.0.0.1/r =~ s/\{port\}/$server->port/er) };
	my $in_home = $put->("$home/.config/sendoff/config", 'home');
	my $in_xdg = $put->("$xdg/sendoff/config", 'xdg');
	my $in_env = $put->(workdir() . '/env-config', 'env');
	my $by_c = $put->(workdir() . '/c-config', 'option');
	my %host = (SENDOFF_HOST => '127.0.0.1', SENDOFF_PORT => $server->port, SENDOFF_TLS => 'off', SENDOFF_FROM => 'e@example.test');
	my $with = sub {
		my ($args, %env) = @_;
		my $r = run_sendoff([@$args, 'send', '--no-queue', 'you@example.net'], stdin => letter(), env => \%env);
		diag($r->{err}) if $r->{exit};
		return $r->{exit} ? $r->{exit} : by();
	};

	is($with->([]), 'home', 'HOME/.config/sendoff/config');
	is($with->([], XDG_CONFIG_HOME => $xdg), 'xdg', 'XDG_CONFIG_HOME');
	is($with->([], XDG_CONFIG_HOME => 'xdg'), 'home', 'not when it is relative');
	is($with->([], XDG_CONFIG_HOME => '/nonexistent'), 'home', 'not when it is absent');
	is($with->([], XDG_CONFIG_HOME => $xdg, SENDOFF_CONFIG => $in_env), 'env', 'SENDOFF_CONFIG instead');
	is($with->(['-C', $by_c], XDG_CONFIG_HOME => $xdg, SENDOFF_CONFIG => $in_env, %host), 'option', '-C instead of all');
	is($with->(['--config', $by_c]), 'option', '--config');
	is($with->(["--config=$by_c"]), 'option', '--config=');
	my $r = run_sendoff(['-t'], stdin => letter(), env => { %host, SENDOFF_CONFIG => $in_env });
	is($r->{exit}, 0, 'SENDOFF_HOST: an account by the environment') or diag($r->{err});
	is($server->envelope($server->stored)->{sender}, 'e@example.test', 'SENDOFF_FROM');
	$r = run_sendoff(['-C', $by_c, '-t'], stdin => letter());
	is(by(), 'option', 'sendoff -C FILE -t');
	$r = run_sendoff(['-C', $by_c, '-t'], stdin => letter(), name => 'sendmail');
	is(by(), 'home', 'F2: as sendmail -C is parsed and ignored');
	$r = run_sendoff(['-X', workdir() . '/written', '-oQ/tmp', '-D', workdir() . '/written', '-OQueueDirectory=/x', '-t'],
		stdin => letter(), name => 'sendmail');
	is($r->{exit}, 0, 'F2: -X -oQ -D -O are parsed');
	ok(!-e workdir() . '/written', 'F2: and write nothing');

	SKIP: {
		skip 'needs root', 2 if $>;
		my $foreign = workdir() . '/foreign';
		mkdir $_ for $foreign, "$foreign/.config", "$foreign/.config/sendoff";
		$put->("$foreign/.config/sendoff/config", 'foreign');
		chown 1, 1, $foreign;
		$r = run_sendoff(['send', '--no-queue', 'you@example.net'], stdin => letter(), env => { HOME => $foreign });
		ok($r->{exit} || by() ne 'foreign', 'a HOME of another user does not count');
		is($with->([], HOME => $home, XDG_CONFIG_HOME => $foreign), 'home', 'nor such an XDG_CONFIG_HOME');
	}
	for my $bad (['SENDOFF_PORT', 'x', qr/port/], ['SENDOFF_TLS', 'maybe', qr/tls/], ['SENDOFF_FROM', 'a b', qr/from/]) {
		$r = run_sendoff(['send', '--no-queue', 'a@b.test'], stdin => letter(), env => { %host, $bad->[0] => $bad->[1] });
		is($r->{exit}, 78, "$bad->[0] = $bad->[1]: 78");
		like($r->{err}, qr/$bad->[0].*/, 'named');
	}
	$r = run_sendoff(['send', '--no-queue', 'a@b.test'], stdin => letter(), env => { %host, SENDOFF_USER => 'x', SENDOFF_PASSWORD => 'a',
		SENDOFF_PASSWORD_FILE => '/x' });
	is($r->{exit}, 78, 'two secrets in the environment');
};

subtest 'no configuration at all: every path tried, with its result' => sub {
	my $bare = workdir() . '/bare';
	mkdir $bare;
	my $r = run_sendoff(['send', '--no-queue', 'a@b.test'], stdin => letter(), env => { HOME => $bare });
	SKIP: {
		skip 'this machine has a configuration', 4 if -e '/etc/sendoff/config';
		is($r->{exit}, 78, 'exit 78');
		like($r->{err}, qr{tried: /etc/sendoff/config: absent; \Q$bare\E/\.config/sendoff/config: absent\)}, 'each path');
		mkdir "$bare/.config";
		mkdir "$bare/.config/sendoff";
		file_write("$bare/.config/sendoff/config", '', 0600);
		$r = run_sendoff(['send', '--no-queue', 'a@b.test'], stdin => letter(), env => { HOME => $bare });
		is($r->{exit}, 78, 'an empty file: 78');
		like($r->{err}, qr/no account is configured/, 'told');
	}
};

subtest 'the system file and the personal one' => sub {
	plan skip_all => 'needs root and namespaces' if $> || system('unshare -m true 2>/dev/null');
	my $etc = workdir() . '/etc';
	my $public = workdir() . '/public';
	mkdir $_ for $etc, "$etc/sendoff", $public, "$public/home", "$public/home/.config", "$public/home/.config/sendoff";
	copy("/etc/$_", "$etc/$_") for grep { -e "/etc/$_" } qw(passwd group hosts nsswitch.conf);
	file_write("$etc/mailname", "mail.example.test\n", 0644);
	copy(SendoffTest::Run::program('sendoff'), "$public/sendoff");
	chmod 0755, "$public/sendoff", $public;
	chmod 0711, workdir();
	my $fill = sub { return $_[0] =~ s/\{host\}/127.0.0.1/gr =~ s/\{port\}/$server->port/ger };
	my $run = sub {
		my ($uid, @args) = @_;
		return run_sendoff([], stdin => letter(), env => { HOME => $uid ? "$public/home" : workdir() . '/home2' }, cwd => '/',
			command => ['unshare', '-m', '/bin/sh', '-c', "mount --bind $etc /etc && " . ($uid ?
			"exec setpriv --reuid $uid --regid $uid --clear-groups " : 'exec ') . $public . '/sendoff "$@"', 'sh', @args]);
	};
	my $system = sub { return file_write("$etc/sendoff/config", $fill->($_[0]), $_[1] // 0644) };
	my $personal = sub {
		my $path = file_write("$public/home/.config/sendoff/config", $fill->($_[0]));
		chown 65534, 65534, $path, "$public/home", "$public/home/.config", "$public/home/.config/sendoff";
	};
	plan skip_all => 'no setpriv here' if system('setpriv --version >/dev/null 2>&1');

	my $two = account_named('system', 'system') . account_named('both', 'system') =~ s/\A.*?\n\n//sr =~
		s/^ehlo.*\n/ehlo = systemboth.example.test\n/mr;
	$system->($two);
	my $r = $run->(0, '-a', 'system', 'send', '--no-queue', 'a@b.test');
	is($r->{exit}, 0, 'the system file') or diag($r->{err});
	is(by(), 'system', 'its account');
	$r = $run->(65534, '-a', 'system', 'send', '--no-queue', 'a@b.test');
	is($r->{exit}, 77, 'F4: of several accounts without a default, none is for a user');
	like($r->{err}, qr/account 'system' is not for this user\n.*administrator/, 'told');
	$r = $run->(65534, '-a', 'system', 'send', 'a@b.test');
	is($r->{exit}, 77, 'nor does it wait for that');
	is_deeply([glob "$public/home/.local/state/sendoff/queue/*/*"], [], 'nothing is stored');
	for my $row (['the default', "default = system\n", ''], ['whom users names', '', "users = root, nobody\n"],
		['the group that users names', '', "users = \@nogroup\n"], ['everybody', '', "users = *\n"]) {
		my ($name, $global, $key) = @$row;
		$system->("[sendoff]\nlog = none\n$global\n" . ($two =~ s/\A.*?\n\n//sr =~ s/^(\[account system\]\n)/$1$key/mr));
		$r = $run->(65534, '-a', 'system', 'send', '--no-queue', 'a@b.test');
		is($r->{exit}, 0, "F4: $name: for a user as well, where it may be read") or diag($r->{err});
		is(by(), 'system', "$name: by it");
		$r = $run->(65534, '-a', 'both', 'send', '--no-queue', 'a@b.test');
		is($r->{exit}, 77, "$name: and no other");
	}
	$personal->("[sendoff]\ndefault = both\n");
	$r = $run->(65534, '-a', 'both', 'send', '--no-queue', 'a@b.test');
	is($r->{exit}, 77, 'F4: a default of the personal file gives no right');
	$r = $run->(65534, 'send', '--no-queue', 'a@b.test');
	is($r->{exit}, 0, 'without -a') or diag($r->{err});
	is(by(), 'system', 'it is passed over for another that fits the sender');
	$system->("[sendoff]\nlog = none\ndefault = system\n\n" . $two =~ s/\A.*?\n\n//sr);
	$personal->("[sendoff]\ndefault = both\n\n" . account_named('both', 'personal') =~ s/\A.*?\n\n//sr);
	$r = $run->(65534, 'send', '--no-queue', 'a@b.test');
	is($r->{exit}, 0, 'both files') or diag($r->{err});
	is(by(), 'both', 'the personal account of the same name replaces the whole, and its default counts');
	$r = $run->(65534, '-a', 'system', 'send', '--no-queue', 'a@b.test');
	is($r->{exit}, 0, 'the others are there as well') or diag($r->{err});
	is(by(), 'system', 'and a personal default takes no right away');
	$r = $run->(65534, 'config', 'show', 'both');
	like($r->{out}, qr{^ehlo += both\.example\.test +\[\Q$public\E/home/\.config/sendoff/config:\d+\]$}m, 'and each origin is told');
	$personal->("[account both]\nhots = x\n");
	$r = $run->(65534, '-a', 'system', 'send', '--no-queue', 'a@b.test');
	is($r->{exit}, 78, 'a bad line anywhere: nothing of any file is used');
	my $before = $server->connections;
	$r = $run->(65534, '-a', 'system', 'send', 'a@b.test');
	is($r->{exit}, 0, 'and mail waits for it to be mended') or diag($r->{err});
	like($r->{err}, qr{^sendoff: queued as p-[a-z2-7]{12}: \Q$public\E/home/\.config/sendoff/config:2: unknown key 'hots'}, 'told so');
	is(scalar(my @waiting = glob "$public/home/.local/state/sendoff/queue/new/*"), 1, 'in the queue of that user');
	is($server->connections, $before, 'nobody is connected to');
	unlink @waiting;
	$system->("[account system]\nhost = x\npassword = hunter2\nuser = x\n", 0640);
	unlink "$public/home/.config/sendoff/config";
	$r = $run->(65534, 'send', '--no-queue', 'a@b.test');
	is($r->{exit}, 77, 'a system file that one may not read stands for the runner: no --no-queue there');
	like($r->{err}, qr/--no-queue cannot be had from the system's runner/, 'told');
	$r = $run->(65534, 'send', 'a@b.test');
	is($r->{exit}, 75, 'A2: and where no runner is, 75');
	like($r->{err}, qr{\Asendoff: .*/run/sendoff/smtp\.sock.*\n.*systemctl start sendoff}, 'with the command that starts it');
	ok($r->{seconds} > 8 && $r->{seconds} < 14, 'asked for ten seconds') or diag($r->{seconds});
	is_deeply([glob "$public/home/.local/state/sendoff/queue/*/*"], [], 'nothing is stored elsewhere');
	$personal->(account_named('own', 'personal'));
	$r = $run->(65534, 'send', '--no-queue', 'a@b.test');
	is($r->{exit}, 0, 'an own one serves') or diag($r->{err});
	is(by(), 'own', 'indeed');
	$personal->(account_text(ehlo => undef, global => { domain => undef }));
	$r = $run->(65534, 'send', '--no-queue', 'root');
	is($r->{exit}, 0, 'no ehlo, no domain') or diag($r->{err});
	is((grep { /^EHLO/ } $server->commands)[-1], 'EHLO mail.example.test', '/etc/mailname is the name for EHLO');
	is($server->envelope($server->stored)->{recipients}[0], 'root@mail.example.test', 'and for bare names');
};

subtest 'what is wrong: file, line, key, and what was meant' => sub {
	my $n = 0;
	my @rows = (
		["[account a]\nhots = x\n", 2, qr/unknown key 'hots'.*\n.*did you mean 'host'/],
		["[account a]\nHost = x\nTls-Ca-File = x\n", undef, qr/unknown key 'Host'.*\n.*'host'/],
		["[account a]\nhost = x\npasswrd = secret1\n", 3, qr/unknown key 'passwrd'.*\n.*'password'/],
		["[acount a]\nhost = x\n", 1, qr/unknown section \[acount a\].*\n.*\[account a\]/],
		["[work]\nhost = x\n", 1, qr/unknown section.*\n.*\[account work\]/],
		["[account a]\nhost = x\n[account a]\nfrom = a\@b.test\n", 3, qr/given before, in line 1/],
		["[account a]\nhost = x\nfrom = a\@b.test\nhost = y\n", 4, qr/key 'host' was given before, in line 2/],
		["host = x\n", 1, qr/stands in no section/],
		["[account a]\nhost\n", 2, qr/neither a section, nor 'key = value'.*\n.*'host = /],
		["[account a]\nhost = x\n  continued\n", 3, qr/neither a section/],
		["[account a]\nhost = x\npassword = secret1\n\tsecret2\n", 4, qr/neither a section/],
		["[account a]\nhost = x\n[sendoff]\nhost = y\n", 4, qr/'host' does not belong in \[sendoff\]/],
		["[account a]\nhost = x\ndefault = a\n", 3, qr/'default' does not belong in an account.*\n.*\[sendoff\]/],
		["[account a]\nhost = smtp.example.com ; my host\n", 2, qr/comment|blank/],
		["[account a]\nhost = x\nport = 587 # submission\n", 3, qr/port/],
		["[account a]\nhost = x\nport = 99999\n", 3, qr/65535/], ["[account a]\nhost = x\nport = 0\n", 3, qr/port/],
		["[account a]\nhost = x\ntls = yes\n", 3, qr/implicit.*starttls.*off/],
		["[account a]\nhost = x\ntimeout = soon\n", 3, qr/timeout/], ["[account a]\nhost = x\ntimeout = 5 parsecs\n", 3, qr/timeout/],
		["[account a]\nhost = x\ntls_verify = maybe\n", 3, qr/tls_verify/],
		["[account a]\nhost = x\nfrom = not an address\n", undef, qr/from/],
		["[account a]\nfrom = a\@b.test\n", undef, qr/'a' has no host/],
		["[account a]\nhost = a\0b\n", 2, qr/NUL/], ["[account a]\nhost = a\rb\n", 2, qr/carriage return/],
		["[account a]\nhost = x\npassword = " . 'secret1' x 900 . "\n", 3, qr/longer|octets/],
		["[sendoff]\ndefault = b\n[account a]\nhost = x\n", 2, qr/default names no account.*'b'/],
		["[account a\nhost = x\n", 1, qr/ends with '\]'/], ["[account]\nhost = x\n", 1, qr/\[account NAME\]/],
		["[account a b]\nhost = x\n", 1, qr/name/], ["[account a] # mine\nhost = x\n", 1, qr/behind the section/],
		["[account a]\nhost = x\nauth = plian\n", undef, qr/plian/],
		["[account a]\nhost = x\nuser = u\n", undef, qr/login but no password/],
		["[account a]\nhost = x\npassword = secret1\n", undef, qr/password but no user/],
		["\xff\xfe[\0a\0]\0", 1, qr/NUL|plain text/],
	);
	for my $row (@rows) {
		my ($text, $line, $words) = @$row;
		my $path = config($text);
		my $name = substr($text =~ s/\A.*\n(?=.)//r, 0, 40) =~ s/[^ -~]/~/gr;
		my $where = $line ? qr/\Q$path\E:$line: / : qr/\Q$path\E|account 'a'/;
		for my $args (['send', '--no-queue', 'a@b.test'], ['config', 'check'], ['config', 'show']) {
			my $r = send_mail($path, $args);
			is($r->{exit}, 78, "$name (@$args): 78") or diag($r->{err});
			like($r->{err}, qr/\Asendoff: .*$where/, "$name (@$args): where");
			like($r->{err}, $words, "$name (@$args): what");
			unlike($r->{err} . $r->{out}, qr/secret/, "D9: $name (@$args): no value of a secret");
			last if ++$n > 20;
		}
	}
};

subtest 'what is not wrong' => sub {
	my $text = account_text();
	my @good = (
		$text =~ s/\n/\r\n/gr, "\xef\xbb\xbf$text", "# comment\n; comment\n\n   # indented\n$text", $text =~ s/ = /=/gr,
		$text =~ s/ = / :  /gr, $text =~ s/^/  /gmr =~ s/^  \[/[/gmr, $text =~ s/\n\z//r, $text =~ s/^from = .*/from = "me\@example.test"/mr,
		$text . "description = a ; b # c = [d]\n", $text =~ s/\[account test\]/[ account  test ]/r,
		"[defaults]\n" . $text =~ s/\A.*?\n\n\[account test\]\n//sr =~ s/^host.*\n//mr . "[account a]\nhost = {host}\n",
		$text . "description = " . 'x' x 4000 . "\n",
	);
	sent();
	for my $i (0 .. $#good) {
		my $r = send_mail(config($good[$i], server => $server));
		is($r->{exit}, 0, "form $i") or diag($r->{err});
		is(sent(), 1, "form $i: sent");
	}
};

subtest 'config show and check' => sub {
	my $secret = 'hunter2';
	my $config = config("[sendoff]\nlog = none\n\n[defaults]\ntimeout = 90s\n\n[account work]\nhost = smtp.example.com\n" .
		"user = me\npassword = $secret\nfrom = me\@example.com\nmatch = *\@example.com, *\@example.org\ntls_ca_file = {ca}\n");
	my $r = send_mail($config, ['config', 'show']);
	is($r->{exit}, 0, 'show');
	unlike($r->{out} . $r->{err}, qr/$secret/, 'D9: not the secret');
	my %want = (host => "smtp.example.com [$config:8]", port => '587 [default]', tls => 'starttls [default]',
		timeout => "90s [$config:5]", password => "*** [$config:10]", match => "*\@example.com, *\@example.org [$config:12]",
		log => "none [$config:2]");
	for my $key (sort keys %want) {
		my ($line) = $r->{out} =~ /^$key +(= .*)$/m;
		is(($line // '') =~ s/ +/ /gr, "= $want{$key}", "$key with its origin");
	}
	$r = send_mail($config, ['config', 'show', 'work']);
	like($r->{out}, qr/\A\[account work\]\n/, 'one account');
	$r = send_mail($config, ['config', 'show', 'wrok']);
	is($r->{exit}, 64, 'an account that is not there');
	$r = send_mail($config, ['config', 'check']);
	is($r->{exit}, 0, 'check');
	like($r->{out}, qr/\A\Q$config\E: ok, 1 account\n\z/, 'says so');
	is(send_mail($config, ['config', 'shwo'])->{exit}, 64, 'a word that is not known');
};

subtest 'which account: -a, the sender, From, the default' => sub {
	my $config = config(<<'END', server => $server);
[sendoff]
default = home
domain = example.test
[defaults]
host = {host}
port = {port}
tls = off
[account home]
from = me@home.example
ehlo = home.example.test
[account work]
from = me@work.example
allowed_from = alias@work.example
match = *@work.example
ehlo = work.example.test
[account list]
from = me@list.example
match = lists.example, *-bounces@*
ehlo = list.example.test
[account twin]
match = *@twin.example
ehlo = twin.example.test
[account other]
match = *@twin.example
ehlo = other.example.test
END
	my @rows = (
		[[], {}, 'home', qr/default/], [['-a', 'list'], {}, 'list', qr/asked for/],
		[[], { From => 'Me <me@work.example>' }, 'work', qr/From header me\@work\.example is an address/],
		[[], { From => 'X <x@WORK.example>' }, 'work', qr/From header.*fits match/],
		[[], { From => 'alias@work.example, me@home.example' }, 'work', qr/From/],
		[['-f', 'me@list.example'], { From => 'me@work.example' }, 'list', qr/envelope sender/],
		[['-f', 'a-bounces@x.example'], {}, 'list', qr/envelope sender.*fits match/],
		[['-f', 'x@lists.example'], {}, 'list', qr/fits match/], [['-f', '<>'], { From => 'me@work.example' }, 'work', qr/From/],
		[['-f', 'nobody@elsewhere'], { From => 'me@work.example' }, 'work', qr/From/],
		[['-a', 'home', '-f', 'me@work.example'], {}, 'home', qr/asked for/],
		[[], { From => 'nobody@elsewhere' }, 'home', qr/default/], [[], { From => undef }, 'home', qr/default/],
		[[], { From => 'rubbish <' }, 'home', qr/default/],
		[[], { 'Resent-From' => 'me@work.example', From => 'me@list.example' }, 'work', qr/From/],
	);
	for my $row (@rows) {
		my ($args, $fields, $account, $why) = @$row;
		my $name = join ' ', @$args, map { "$_: " . ($fields->{$_} // 'none') } sort keys %$fields;
		my $in = letter(undef, From => 'x@elsewhere', %$fields);
		my $r = send_mail($config, ['send', '--no-queue', '--explain', @$args, 'you@example.net'], stdin => $in);
		like($r->{out}, qr/^account: $account \(127\.0\.0\.1:\d+\), because .*$why/, "$name: explained") or diag($r->{err});
		is(sent(), 0, "$name: and nothing sent by it");
		$r = send_mail($config, ['send', '--no-queue', @$args, 'you@example.net'], stdin => $in);
		is($r->{exit}, 0, "$name: sent") or diag($r->{err});
		is(by(), $account, "$name: by $account");
		sent();
	}
	my $r = send_mail($config, ['send', '--no-queue', '-f', 'x@twin.example', 'a@b.test']);
	is($r->{exit}, 78, 'two that fit alike: 78');
	like($r->{err}, qr/'twin'.*'other'|'other'.*'twin'/, 'both named');
	$r = send_mail($config, ['-a', 'wrk', 'send', '--no-queue', 'a@b.test']);
	is($r->{exit}, 64, 'no such account: 64');
	like($r->{err}, qr/did you mean 'work'/, 'the nearest');
	my $none = config("[account a]\nhost = x\nmatch = *\@a.test\n[account b]\nhost = y\nmatch = *\@b.test\n");
	$r = send_mail($none, ['send', '--no-queue', 'a@b.test']);
	is($r->{exit}, 78, 'none fits and there is no default: 78');
	like($r->{err}, qr/no default.*\n.*default = /, 'what to add');
	is(sent(), 0, 'nothing sent');
	$r = send_mail($config, ['send', '--no-queue', '-f', 'me@work.example', '--explain', 'you@example.net'],
		stdin => letter(undef, From => 'root'));
	like($r->{out}, qr/X-Original-From/, 'and what becomes of From');
};

done_testing;
