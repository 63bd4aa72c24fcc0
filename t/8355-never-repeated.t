#!/usr/bin/perl
# Never a password in what is told of servers and proxies that repeat it otherwise than it is:
# in another form, in pieces, over several lines, where nobody asked for it, in a certificate,
# and never that of the proxy or what a connect_command says.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Never;
use SendoffTest::Proxy;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Spool;
use SendoffTest::Token;

my %me = (user => $user, password => $secret);
my @keys = (user => $user, password => qq("$secret"), timeout => '9s');
my @to = ('you@example.net');
my @ways = (['-v', '--json', 'send', '--no-queue', @to], ['send', @to], ['-v', 'check', '--timeout', 8, '--to', @to],
	['check', '--json', '--timeout', 8, '--to', @to]);

# In the text of a row of the server.
sub quoted { return $_[0] =~ s/(["\\])/\\$1/gr }

# All that a run has told, and has left in its queue; which is emptied.
sub told
{
	my ($config, $name, %o) = @_;
	my @results = finish_all(map { send_mail_start($config, $_, %o) } @ways);
	my $told = join "\n", map { $_->{out} . $_->{err} } @results;

	ok(safe($_), "$name: it ends") or diag($_->{err}) for @results;
	$told .= file_read($_) for queued('new'), queued('hold'), glob queue_dir() . '/accounts/*';
	queue_empty();
	return $told;
}

sub tells_nothing
{
	my ($told, $name, @secrets) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is_deeply([SendoffTest::Secrets::found($told)], [], "D9: $name") or diag($told);
	unlike($told, qr/\Q$_\E/, "D9: $name: nothing of it") for @secrets;
	like($told, qr/\*{6}/, "$name: it was repeated");
}

my %forms = (
	'in hexadecimal' => unpack('H*', $secret),
	'in HEXADECIMAL' => 'x' . uc(unpack 'H*', $secret) . 'x',
	'as a URL has it' => $secret =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ger,
	'with each octet so' => $secret =~ s/(.)/sprintf '%%%02x', ord $1/ger,
	'as xtext' => $secret =~ s/([^!-~]|[+=])/sprintf '+%02X', ord $1/ger,
	(map { ("in base64, behind $_ octets" => b64('.' x $_ . "${secret}and more")) } 1 .. 5),
	'in base64 of URLs' => b64("..$secret") =~ tr{+/}{-_}r =~ s/=//gr,
	'in base64 without an end' => b64($secret) =~ s/..=*$//r,
	'but for the first' => substr($secret, 1),
	'but for the last' => substr($secret, 0, -1),
	'but for both ends, in hexadecimal' => unpack('H*', substr $secret, 2, -2),
);

subtest 'in another form' => sub {
	for my $how (sort keys %forms) {
		my $words = quoted($forms{$how});
		my $s = server_start(tls => 'implicit', %me, at => [qq(AUTH reply "454-4.7.0 $words\\r\\n454 4.7.0 [$words]")]);
		my $told = told(account($s, tls => 'implicit', @keys), $how);

		tells_nothing($told, $how, $forms{$how});
		$s->stop;
	}
};

# Providers write app passwords so.
subtest 'over several lines' => sub {
	my $app = 'abcd efgh ijkl mnop';
	SendoffTest::Secrets::known($app, $app =~ tr/ //dr);
	for my $words ("454-4.7.0 abcd efgh\\r\\n454 4.7.0 ijkl mnop", "454-abcd\\r\\n454-efgh\\r\\n454-ijkl\\r\\n454 mnop", "454-abcd ef\\r\\n454 gh ijkl mnop",
		"454-abcd efgh \\r\\n454 ijkl mnop") {
		my $s = server_start(tls => 'implicit', user => $user, password => $app, at => qq(AUTH reply "$words"));
		my $log = workdir() . '/log-' . $s->port;
		my $told = told(account($s, tls => 'implicit', user => $user, password => $app, timeout => '9s', global => { log => $log }), $words);
		$told .= file_read($log);

		is_deeply([SendoffTest::Secrets::found($told)], [], "D9: $words") or diag($told);
		unlike($told, qr/abcd|efgh|ijkl|mnop/, "D9: $words: no word of it");
		$s->stop;
	}
};

subtest 'a challenge that nobody asked for' => sub {
	for my $tls (qw(implicit starttls)) {
		for my $words ('334 ' . quoted($secret), '334 \r' . quoted($secret), '334-' . quoted($secret) . '\r\n334 ' . b64($secret)) {
			my $s = server_start(tls => $tls, %me, at => [$tls eq 'implicit' ? qq(EHLO inject "$words\\r\\n") : qq(EHLO:2+ inject "$words\\r\\n")]);

			tells_nothing(told(account($s, tls => $tls, @keys), "$tls, $words"), "$tls, $words");
			$s->stop;
		}
	}
};

subtest 'what a proxy was told' => sub {
	my $word = 'proxy:geheim%9';
	my $coded = $word =~ s/([:%])/sprintf '%%%02X', ord $1/ger;
	my $basic = b64("u:$word");
	my %says = (
		'407, in base64' => "HTTP/1.1 407 bad $basic\r\n\r\n", '407' => "HTTP/1.1 407 bad u:$word\r\n\r\n", '403' => "HTTP/1.1 403 $basic no\r\n\r\n",
		'502' => "HTTP/1.1 502 $word\r\n\r\n", 'where words are cut' => 'HTTP/1.1 502 ' . 'x' x 138 . " $word\r\n\r\n",
		'as the server' => "HTTP/1.1 200 ok\r\n\r\n554 $basic $word $coded\r\n", 'as no server' => "HTTP/1.1 200 ok\r\n\r\nHTTP/1.1 $word\r\n",
		'as a server that goes on' => "HTTP/1.1 200 ok\r\n\r\n220 $basic $word\r\n",
	);

	for my $how (sort keys %says) {
		for my $login (0, 1) {
			my $s = server_start(tls => 'starttls', %me);
			my $proxy = proxy_start($s, kind => 'http', login => ['u', $word], answer => $says{$how}, to => 0);
			my $told = told(account($s, tls => $login ? 'starttls' : 'off', ($login ? @keys : ()), timeout => '900ms',
				proxy => $proxy->url =~ s{//}{//u:$coded\@}r), "$how, login $login");

			tells_nothing($told, "$how, login $login", $basic, $word, $coded);
			$s->stop;
		}
	}
	my $s = server_start(tls => 'implicit', %me);
	my $proxy = proxy_start($s, login => ['u', $word], answer => "\5\0\0\1\x7f\0\0\1\x12\x34554 $word\r\n", to => 0);
	tells_nothing(told(account($s, tls => 'implicit', @keys, timeout => '900ms', proxy => $proxy->url =~ s{//}{//u:$coded\@}r), 'SOCKS5'), 'SOCKS5', $word, $coded);
};

# It is asked for by libcurl, which says in its own words what a proxy has said.
subtest 'a proxy on the way to a token' => sub {
	my $word = 'proxy:geheim%8';
	my $coded = $word =~ s/([:%])/sprintf '%%%02X', ord $1/ger;

	for my $says ("HTTP/1.1 407 bad $word\r\nProxy-Authenticate: $word\r\n\r\n", "HTTP/$word 200\r\n\r\n", "$word\r\n\r\n", "HTTP/1.1 200 ok\r\n\r\n$word $word $word\r\n",
		"HTTP/1.1 200 ok\r\n$word\r\n: $word\r\n\r\n") {
		for my $own (0, 1) {
			my $tokens = token_server();
			my $proxy = proxy_start(undef, kind => 'http', login => ['u', $word], answer => $says . CLOSE, to => 0);
			my $url = $proxy->url =~ s{//}{//u:$coded\@}r;
			my $s = server_start(tls => 'starttls', user => 'me@example.com', tokens => $tokens->tokens);

			signed_in($tokens, 'test', expires => time - 10);
			my $r = send_mail(account($s, tls => 'starttls', user => 'me@example.com', oauth($tokens), timeout => '900ms', $own ? (proxy => $url) : ()),
				['-v', '--json', 'send', '--no-queue', @to], env => $own ? {} : { https_proxy => $url });
			isnt($r->{exit}, 0, 'no token') or diag($r->{err});
			is_deeply([SendoffTest::Secrets::found($r->{out} . $r->{err})], [], "D9: own $own, $says") or diag($r->{err});
			$s->stop;
		}
	}
};

subtest 'a connect_command' => sub {
	my $file = file_write(workdir() . '/their-secret', $secret);
	SendoffTest::Secrets::own($file);
	for my $before (0, 20, 380, 390, 1020) {
		my $command = "printf '%0${before}d ' 0 >&2; cat $file >&2; exit 1";
		my $told = told(config(account_text(@keys, host => 'mail.example.test', port => undef, tls => 'starttls', connect_command => $command), server => undef), "behind $before");

		unlike($told, qr/N3ver|for\+you|"it"/, "D9: behind $before octets") or diag($told);
		like($told, qr/connect_command failed: exit status 1: /, "behind $before octets: it is told");
	}
};

# What to do about it has the name that the certificate is for.
subtest 'a certificate for it' => sub {
	my $s = server_start(tls => 'implicit', user => $user, password => 'other.test', cert => 'wrongname');
	my $told = told(account($s, tls => 'implicit', user => $user, password => 'other.test'), 'a certificate');

	tells_nothing($told, 'neither why nor what to do', 'other.test');
	like($told, qr/set host = \*{10}/, 'which is told');
};

done_testing;
