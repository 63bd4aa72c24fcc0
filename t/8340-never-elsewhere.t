#!/usr/bin/perl
# Never a secret, nor a question, to another host than the account's: whatever a server
# recommends, the environment says, another account needs or a provider answers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(encode_json);
use SendoffTest;
use SendoffTest::Never;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Token;

my %me = (user => $user, password => $secret);
my @keys = (tls => 'implicit', user => $user, password => qq("$secret"), timeout => '9s');
my @to = qw(send --no-queue you@example.net);

# It would take everything, and its certificate is as good as the right one's.
sub bait { return server_start(tls => 'implicit', %me, raw => 1, @_) }

sub nobody_came
{
	my ($bait, $name) = @_;

	is($bait->connections, 0, "$name: nobody goes there") or diag(join "\n", $bait->commands);
}

subtest 'what a server recommends' => sub {
	my $bait = bait();
	my $there = 'localhost:' . $bait->port;
	my @rows = (
		['greeting', "421 4.3.2 try $there", 75], ['greeting', "554 5.7.1 moved to $there", 69], ['EHLO', "550 5.7.1 use $there", 69],
		['AUTH', "535 5.7.8 log in at $there", 77], ['AUTH', "534 5.7.9 please log in with your web browser: https://$there/", 77],
		['AUTH', "432 4.7.12 a password transition is needed at $there", 75], ['AUTH', "454 4.7.0 try smtp://$there", 75],
		['MAIL', "550 5.7.1 send it by $there", 77], ['RCPT', "551 5.1.6 user not local; please try <you\@$there>", 67],
		['RCPT', "450 4.7.1 try again at $there", 75], ['DATA', "554 5.5.1 $there", 69], ['CONTENT', "550 5.7.1 resend to $there", 69],
	);

	for my $row (@rows) {
		my ($at, $reply, $exit) = @$row;
		my $s = server_start(tls => 'implicit', %me, at => qq($at reply "$reply"));
		my $c = account($s, @keys);
		my $r = send_mail($c);

		is($r->{exit}, $exit, "$reply: exit") or diag($r->{err});
		like($r->{err}, qr/\Q$there\E/, "$reply: told in the server's words") if $at ne 'RCPT' || $reply !~ /</;
		send_mail($c, [qw(check --json --all --timeout 8 --to you@example.net)]);
		$s->stop;
	}
	# "Will forward" is a yes; where to is the server's affair.
	my $s = server_start(tls => 'implicit', %me, at => qq(RCPT reply "251 2.1.5 user not local; will forward to <you\@$there>"));
	is(send_mail(account($s, @keys))->{exit}, 0, '251: sent');
	is_deeply($s->envelope(1)->{recipients}, ['you@example.net'], '251: to whom it was for');
	$s = server_start(tls => 'implicit', %me, at => [qq(greeting reply "220 $there ESMTP"),
		qq(EHLO reply "250-$there\\r\\n250-X-MOVED $there\\r\\n250 AUTH PLAIN")]);
	is(send_mail(account($s, @keys))->{exit}, 0, 'another name in greeting and EHLO is no other server');
	$s = server_start(tls => 'implicit', user => $user, token => 'ya29.of-somebody-else', mechanisms => 'XOAUTH2', at =>
		['AUTH reply "334 ' . b64(encode_json({ status => '401', 'openid-configuration' => "https://$there/.well-known/openid-configuration" })) . '"',
			'AUTH-RESPONSE reply "535 5.7.8 no"']);
	is(send_mail(account($s, @keys, password => $token, auth => 'xoauth2'))->{exit}, 77, 'where a token could be had, says the server');
	nobody_came($bait, 'none of that');
};

# The environment is the caller's, who may be a web page's program: it stands instead of
# the files, and brings none of their secrets along.
subtest 'what the environment says' => sub {
	my $bait = bait();
	my $s = server_start(tls => 'implicit', %me);
	my $c = account($s, @keys);
	my %there = (SENDOFF_HOST => 'localhost', SENDOFF_PORT => $bait->port, SENDOFF_TLS => 'implicit', SENDOFF_USER => $user);
	my $proxy = 'http://localhost:' . $bait->port;
	my $ca = cert('ca');

	mkdir workdir() . "/home/$_", 0700 for '.config', '.config/sendoff';
	file_write(workdir() . '/home/.config/sendoff/config', file_read($c));
	my %rows = (
		'a host beside -C' => [['-C', $c, @to], { %there }, 1],
		'a host beside -C and -a' => [['-C', $c, '-a', 'test', @to], { %there }, 1],
		'a host beside a personal file' => [[@to], { %there }, 0],
		'a host beside SENDOFF_CONFIG' => [[@to], { %there, SENDOFF_CONFIG => $c }, 0],
		'a provider beside a personal file' => [[@to], { SENDOFF_PROVIDER => 'nobody.example' }, 0],
		'a host, and an account of the file by -a' => [['-a', 'test', @to], { %there }, 0],
		'proxies' => [['-C', $c, @to], { map { ($_ => $proxy) } qw(http_proxy https_proxy all_proxy ALL_PROXY HTTPS_PROXY) }, 1],
		'what steers the resolver' => [['-C', $c, @to], { HOSTALIASES => file_write(workdir() . '/aliases', "localhost elsewhere.test\n"),
			LOCALDOMAIN => 'elsewhere.test', RES_OPTIONS => 'ndots:9' }, 1],
		'what steers TLS' => [['-C', $c, @to], { SSL_CERT_FILE => '/nonexistent', SSLKEYLOGFILE => workdir() . '/keys',
			GNUTLS_SYSTEM_PRIORITY_FILE => '/nonexistent', GNUTLS_DEBUG_LEVEL => 9 }, 1],
	);
	for my $name (sort keys %rows) {
		my ($args, $env, $good) = @{ $rows{$name} };
		my $before = $s->stored;
		my $r = run_sendoff($args, stdin => letter(), env => $env);

		is($s->stored - $before, $good, $good ? "$name: it goes to the account's" : "$name: instead of it") or diag($r->{err});
		is_deeply([secrets_in(received($bait))], [], "D9 $name: and no secret of the file elsewhere");
		is($bait->stored, 0, "$name: nor mail");
	}
	ok(!-e workdir() . '/keys', 'D9: and no keys of TLS are written');
	unlink workdir() . '/home/.config/sendoff/config';

	# What a web page's program may put into the arguments.
	my $evil_bait = bait();
	my $evil = account($evil_bait, tls => 'implicit', user => $user, password => 'x', name => 'evil');
	for my $args (['-C', $evil], ["-C$evil"], ['-O', "config=$evil"], ["-oQ$evil"], ['-X', $evil]) {
		my $before = $s->stored;
		my $r = sendmail($c, [@$args, 'you@example.net']);

		is($s->stored - $before, 1, "F2 sendmail @$args: it goes to the account's") or diag($r->{err});
	}
	nobody_came($evil_bait, 'F2: the arguments of sendmail');
};

# Each account has its server, its secret and its sender.
subtest 'an account that stands in for another' => sub {
	my $other = 'An0ther-secret*of_mine';
	for my $at ('greeting reply "421 4.3.2 closing"', 'AUTH reply "535 5.7.8 no"', 'EHLO close') {
		my $first = server_start(tls => 'implicit', %me, raw => 1, at => $at);
		my $second = server_start(tls => 'implicit', user => 'you@example.org', password => $other, raw => 1);
		my $c = config(account_text(@keys, port => $first->port, fallback => 'spare') . "\n[account spare]\nhost = localhost\nport = " .
			$second->port . "\ntls = implicit\ntls_ca_file = {ca}\nuser = you\@example.org\npassword = $other\nfrom = you\@example.org\n");
		my $r = run_sendoff(['-C', $c, '-a', 'test', 'send', 'you@example.net'], stdin => letter());

		is($r->{exit}, 0, "$at: exit 0") or diag($r->{err});
		run_sendoff(['-C', $c, 'queue', 'flush']);
		ok(wait_until(sub { $second->stored == 1 }, 10), "$at: the second carries it");
		is_deeply([secrets_in(@{ [received($second)] }[0, 1], $secret, $token)], [], "D9 $at: the second has nothing of the first");
		is_deeply([secrets_in(@{ [received($first)] }[0, 1], $other)], [], "D9 $at: the first has nothing of the second");
		is_deeply([map { /^(\S+)/ } $second->logins], ['you@example.org'], "$at: who logs in there is another");
		queue_empty();
		unlink glob queue_dir() . '/accounts/*';
	}
};

subtest 'where a provider sends us' => sub {
	my $bait = token_server();
	my $tokens = token_server(at => ['token:2+ redirect ' . $bait->url('token')]);
	my $mail = server_start(user => 'me@example.com', tokens => $tokens->tokens, tls => 'starttls');
	my $c = account($mail, oauth($tokens), tls => 'starttls', timeout => '5s', oauth_client_secret => 'cl1ent*secret');

	signed_in($tokens, 'test', obtained => time - 3600, expires => time + 30);
	for my $args ([@to], [qw(check --json --timeout 8)]) {
		my $r = send_mail($c, $args);

		isnt($r->{exit}, 0, "@$args: no token") or diag($r->{out});
		is_deeply([$bait->requests], [], "D8 @$args: nobody follows");
	}
	cmp_ok(scalar(grep { /^refresh_token/ } $tokens->asked), '>', 0, 'though it was told to');
	is($mail->stored, 0, 'no mail');
};

# The server that an account had, and the one that it has now.
subtest 'mail that waits while the account changes' => sub {
	my $first = server_start(tls => 'implicit', %me, raw => 1, at => 'greeting reply "421 4.3.2 closing"');
	my $c = account($first, @keys);
	my $r = send_mail($c, [qw(send you@example.net)]);

	is($r->{exit}, 0, 'queued');
	my $bait = bait(password => 'n3w-Secret.here');
	file_write($c, file_read($c) =~ s/^port = .*/'port = ' . $bait->port/mer =~ s/^password = .*/password = n3w-Secret.here/mr);
	my $before = $first->connections;
	run_sendoff(['-C', $c, 'queue', 'flush']);
	is($bait->stored, 1, 'it goes to the server of now, with the secret of now');
	is($first->connections, $before, '... and nobody to the one before');
	is_deeply([secrets_in(received($bait))], [], 'D9: which never hears the old secret');
};

done_testing;
