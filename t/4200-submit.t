#!/usr/bin/perl
# One message on its way: what happens around the dialogue, where a connection
# does not come about, a signal comes at a bad moment, or a caller is slow.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Handle;
use Time::HiRes qw(sleep time);

use SendoffTest;
use SendoffTest::Send;

# ---- a connection that does not come about

{
	my $port = nobody()->port;
	my $r = send_mail(config(account_text(host => '127.0.0.1', port => $port)));

	is($r->{exit}, 75, 'G1: nobody listens: 75');
	is($r->{err}, "sendoff: cannot connect to 127.0.0.1: 127.0.0.1 port $port: connection refused "
		. "(127.0.0.1:$port)\n  check port (587 or 465 for submission), and that the server is running\n",
		'... told in whole words');
	$r = send_mail(config(account_text(host => '127.0.0.1', port => $port, protocol => 'lmtp')));
	like($r->{err}, qr/\n  check port \(mostly 24 for LMTP; .* a socket, host is its path\), and that the /,
		'... of LMTP no port for submission');
	$r = send_mail(config(account_text(host => '[not-an-address]', port => $port)));
	is($r->{exit}, 68, 'G1: a host that is none: 68');
	like($r->{err}, qr/\Asendoff: cannot use \[not-an-address\]: what stands in brackets is not /,
		'... told in whole words');
}

# ---- nothing but EHLO and STARTTLS in clear

{
	my %at = (
		'greeting reply "554 5.7.1 no"' => [],
		'EHLO reply "502 5.5.1 what"' => ['EHLO'],
		'STARTTLS reply "454 4.7.0 not now"' => ['EHLO', 'STARTTLS'],
		'STARTTLS reply "502 5.5.1 what"' => ['EHLO', 'STARTTLS'],
	);

	for my $at (sort keys %at) {
		my $s = server_start(tls => 'starttls', at => [$at]);
		my $r = send_mail(account($s, tls => 'starttls'));

		isnt($r->{exit}, 0, "$at: not sent");
		is_deeply([map { (split ' ')[0] } $s->commands], $at{$at}, "D1: $at: not even QUIT is said");
	}
}

# ---- the choice of the account, where the header is all there is

{
	my $s = server_start();
	my $accounts = config(account_text(name => 'one', from => 'one@example.test', global =>
		{ default => 'one' }) . account_text(name => 'two', from => 'two@example.test') =~
		s/\A\[sendoff\].*?\n\n//sr, server => $s);

	for my $end ('', "\n", "\n\n", "\r\n") {
		my $r = run_sendoff(['-C', $accounts, '--json', 'send', '--no-queue', '-t'],
			stdin => "To: you\@example.net\nSubject: x\nFrom: two\@example.test$end");
		my $name = 'a header that ends in "' . SendoffTest::show_bytes($end) . '"';

		is($r->{exit}, 0, "$name: sent") or diag($r->{err});
		like($r->{out}, qr/"account":"two"/, "$name: by the account of its From");
		like($r->{out}, qr/"from_rewritten":false/, '... and as it was');
	}
}

# ---- signals

{
	my $run = start_sendoff(['-C', '/nonexistent/config', 'send', '--no-queue', 'you@example.net'], stdin_open => 1);
	my ($began, $r);

	sleep 0.5;
	$run->kill('TERM');
	$began = time;
	$r = $run->finish(timeout => 5);
	ok(safe($r), 'C7: SIGTERM while the input is thrown away: it ends');
	isnt($r->{exit}, 0, '... as a failure');
	cmp_ok(time - $began, '<', 2, '... at once');
}
{
	my $s = server_start(tls => 'implicit', user => 'me', password => 'p', mechanisms => 'PLAIN',
		at => ['AUTH silence']);
	my $run = send_mail_start(account($s, tls => 'implicit', user => 'me', password => 'p',
		pipelining => 'full', timeout => '6s'));
	my ($began, $r);

	wait_until(sub { grep { /^AUTH/ } $s->commands });
	$run->kill('TERM');
	$began = time;
	$r = $run->finish;
	is($r->{exit}, 75, 'C7: SIGTERM while a pipelined login is unanswered: nobody got it');
	cmp_ok(time - $began, '<', 2, '... at once');
	is($s->connections, 1, '... and it is no reason to try once more');
}

# Nobody reads its stderr, and the pipe is full.
{
	my $s = server_start(at => ['MAIL silence']);
	my $run;

	pipe(my $read, my $full) or die "pipe: $!\n";
	$full->blocking(0);
	1 while syswrite $full, 'x' x 4096;
	$full->blocking(1);
	$run = send_mail_start(account($s, timeout => '15s'), ['-v', 'send', '--no-queue', 'you@example.net'],
		before => sub { open STDERR, '>&', $full or die "stderr: $!\n" });
	sleep 0.5;
	$run->kill('TERM');
	my $began = time;
	my $r = $run->finish;
	ok(safe($r), 'C7: SIGTERM while nobody reads what is told: it ends');
	cmp_ok(time - $began, '<', 4, '... soon');
	isnt($r->{exit}, 0, '... as a failure');
}

# ---- a caller that takes its time

{
	my $s = server_start(at => ['greeting:1+ reply "421 4.3.2 busy"']);
	my $run = send_mail_start(account($s), ['send', '--no-queue', 'you@example.net'], stdin => letter(), stdin_open => 1);
	my $r;

	for (1 .. 10) {
		$run->write("line $_\n");
		sleep 0.1;
	}
	$run->close_stdin;
	$r = $run->finish;
	is($r->{exit}, 75, 'C9: 421 while the message comes in pieces: 75');
	cmp_ok($s->connections, '<=', 2, '... asked while it came, and once more when it was there');
}

# ---- a refused login, and more files to send

{
	my $s = server_start(tls => 'implicit', user => 'me', password => 'right');
	my %usual = (tls => 'implicit', user => 'me');
	my $accounts = config(account_text(%usual, name => 'one', from => 'one@example.test',
		password => 'wrong') . account_text(%usual, name => 'two', from => 'two@example.test',
		password => 'right') =~ s/\A\[sendoff\].*?\n\n//sr, server => $s);
	my %file = map { $_ => file_write(workdir() . "/$_.eml", letter("$_\n", From => "$_\@example.test")) }
		qw(one two);
	my $r = run_sendoff(['-C', $accounts, '--json', 'send', '--no-queue',
		(map { ('--file', $file{$_}) } qw(one one two one)), 'you@example.net']);
	my @lines = split /\n/, $r->{out};

	is($r->{exit}, 77, 'C9: a refused login among several files');
	is(scalar(grep { /^AUTH/ } $s->commands), 2, '... is tried once in a run, and the other account too');
	is($s->stored, 1, '... whose file is sent');
	is(scalar(grep { /"exit":77/ && /"code":535/ } @lines), 3, '... and each of the others told why');
	unlike($r->{out}, qr/"verdict":"pending"/, '... for each recipient');
}

# ---- what a password command can see

{
	my $s = server_start(tls => 'implicit', user => 'me', password => 'p');
	my $seen = workdir() . '/seen';
	my %usual = (tls => 'implicit', user => 'me');
	my $accounts = config(account_text(%usual, name => 'one', password_command => "env >$seen; echo p") .
		account_text(%usual, name => 'two', password_env => 'OTHER_PASSWORD') =~
		s/\A\[sendoff\].*?\n\n//sr, server => $s);
	my $r = run_sendoff(['-C', $accounts, '-a', 'one', 'send', '--no-queue', 'you@example.net'], stdin => letter(),
		env => { OTHER_PASSWORD => 'ahSh4ieV', SENDOFF_PASSWORD => 'oot6Aequ', KEPT => 'yes' });

	is($r->{exit}, 0, 'sent') or diag($r->{err});
	like(file_read($seen), qr/^KEPT=yes$/m, 'a password command has the environment');
	unlike(file_read($seen), qr/ahSh4ieV|oot6Aequ/, 'D9: but no secret of any account');
}

# ---- each wait has its own deadline

{
	my $s = server_start(tls => 'implicit', at => ['handshake delay 1500']);
	my $r = send_mail(account($s, tls => 'implicit', timeout => '1s', connect_timeout => '6s'));

	is($r->{exit}, 0, 'C1: a slow handshake takes no time from the greeting') or diag($r->{err});
}

# ---- a file that is none

{
	my $s = server_start();
	my $r = run_sendoff(['-C', account($s), 'send', '--no-queue', '--file', workdir(), 'you@example.net']);

	is($r->{exit}, 66, 'G1: a directory is no input file: 66');
	like($r->{err}, qr/^sendoff: cannot open '.*': Is a directory$/m, '... and told');
}

done_testing;
