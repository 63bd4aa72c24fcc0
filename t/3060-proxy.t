#!/usr/bin/perl
# Through a proxy: SOCKS5 and HTTP CONNECT, what goes to it, what does not, and all that it may
# answer instead.

use strict;
use warnings;

use FindBin;
use MIME::Base64 qw(encode_base64);
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Proxy;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'pass w0rd');
my @login = ('proxy user', 'S3cret/of:the@proxy+%');
my $coded = 'proxy%20user:S3cret%2Fof%3Athe%40proxy+%25';

sub through
{
	my ($server, $proxy, %keys) = @_;
	my $url = delete $keys{url} // $proxy->url;

	return account($server, proxy => $url, %keys);
}

# With the user and password before its host.
sub with_login { return $_[0]->url =~ s{//}{//$coded@}r }

sub now { return send_mail($_[0], ['send', '--no-queue', 'you@example.net'], @_[1 .. $#_]) }

for my $kind (qw(socks5 http)) {
	subtest "$kind: a message, in clear" => sub {
		my $s = server_start(settle => 25);
		my $proxy = proxy_start($s, kind => $kind);
		my $r = now(through($s, $proxy, host => 'mail.only-there.test', port => 25));

		is($r->{exit}, 0, 'sent') or diag($r->{err});
		is_bytes($s->message(1), wire(letter()), 'as it was');
		is_deeply([$s->violations], [], 'by the rules');
		is($s->flights(1), 3, 'EHLO, the group, content and QUIT: no round trip more with the server');
		is_deeply([$proxy->requests], [($kind eq 'http' ? '' : 'name ') . 'mail.only-there.test:25'],
			'the name goes to the proxy, not an address');
		is($proxy->raw(1), $kind eq 'http' ?
			"CONNECT mail.only-there.test:25 HTTP/1.1\r\nHost: mail.only-there.test:25\r\n\r\n" :
			"\5\1\0\5\1\0\3\x14mail.only-there.test\0\x19", 'octet by octet');
	};

	for my $tls (qw(starttls implicit)) {
		subtest "$kind with a login, $tls, octet by octet" => sub {
			my $s = server_start(tls => $tls, %me);
			my $proxy = proxy_start($s, kind => $kind, login => \@login, drip => 0.002);
			my $r = now(through($s, $proxy, host => 'localhost', port => 2525, tls => $tls, %me,
				url => with_login($proxy)));

			is($r->{exit}, 0, 'sent') or diag($r->{err});
			is(($s->logins)[0], 'me@example.test PLAIN', 'logged in');
			is($s->stored, 1, 'once');
			is($proxy->raw(1), $kind eq 'http' ? "CONNECT localhost:2525 HTTP/1.1\r\nHost: localhost:2525\r\n" .
				'Proxy-Authorization: Basic ' . encode_base64(join(':', @login), '') . "\r\n\r\n" :
				"\5\2\0\2\1\x0a$login[0]" . chr(length $login[1]) . "$login[1]\5\1\0\3\x09localhost\x09\xdd",
				'octet by octet');
			unlike($proxy->raw(1), qr/pass w0rd/, "D8: never the server's password");
		};
	}

	subtest "$kind: addresses go as addresses" => sub {
		my $s = server_start();
		my $proxy = proxy_start($s, kind => $kind);

		for my $host ('192.0.2.7', '2001:db8::7', '[2001:db8::8]') {
			my $r = now(through($s, $proxy, host => $host, port => 25));

			is($r->{exit}, 0, "$host: sent") or diag($r->{err});
		}
		is_deeply([$proxy->requests], $kind eq 'http' ?
			['192.0.2.7:25', '[2001:db8::7]:25', '[2001:db8::8]:25'] :
			['ipv4 192.0.2.7:25', 'ipv6 2001:db8::7:25', 'ipv6 2001:db8::8:25'], 'each as what it is');
	};

	subtest "$kind: a name that is not ASCII goes by IDNA" => sub {
		my $s = server_start();
		my $proxy = proxy_start($s, kind => $kind);

		is(now(through($s, $proxy, host => 'bücher.test', port => 25))->{exit}, 0, 'sent');
		like(($proxy->requests)[0], qr/\bxn--bcher-kva\.test:25$/, 'as A-labels');
	};

	subtest "$kind: what the server says right behind the answer is not lost" => sub {
		my $s = server_start();
		# It has greeted already when the proxy answers: both come in one piece.
		my $proxy = proxy_start($s, kind => $kind, behind => "220-early\r\n");
		my $r = now(through($s, $proxy, port => 25), tells => 1);

		is($r->{exit}, 0, 'its first line is read as such') or diag($r->{err});
		is($s->stored, 1, 'sent');
	};

	subtest "$kind: D2: nothing gets into TLS that came before it" => sub {
		my $s = server_start(tls => 'implicit', %me);
		my $proxy = proxy_start($s, kind => $kind, behind => "220 injected\r\n250 injected\r\n");
		my $r = now(through($s, $proxy, host => 'localhost', port => 465, tls => 'implicit', %me));

		is($r->{exit}, 76, 'the handshake fails') or diag($r->{err});
		is($s->stored, 0, 'nothing sent');
		is_deeply([$s->logins], [], 'no login');
		$s = server_start(tls => 'starttls', %me, at => 'STARTTLS inject "250 injected"');
		$proxy = proxy_start($s, kind => $kind);
		$r = now(through($s, $proxy, host => 'localhost', port => 587, tls => 'starttls', %me));
		is($r->{exit}, 76, 'nor what stands behind the 220 to STARTTLS') or diag($r->{err});
	};

	subtest "$kind: the certificate is that of the name" => sub {
		my $s = server_start(tls => 'implicit', %me);
		my $proxy = proxy_start($s, kind => $kind);
		my $r = now(through($s, $proxy, host => 'other.example.test', port => 465, tls => 'implicit', %me));

		is($r->{exit}, 77, 'D3: refused') or diag($r->{err});
		is_deeply([$s->logins], [], 'no login');
	};

	subtest "$kind: D5: no password in clear, proxy or not" => sub {
		my $s = server_start(%me, 'mechanisms-before-tls' => 'PLAIN LOGIN');
		my $proxy = proxy_start($s, kind => $kind);
		my $r = now(through($s, $proxy, port => 25, %me));

		is($r->{exit}, 77, 'refused') or diag($r->{err});
		is_deeply([grep { /^AUTH/ } $s->commands], [], 'nothing was said');
	};
}

subtest 'forms of the URL' => sub {
	my $s = server_start();
	my $proxy = proxy_start($s);
	my $port = $proxy->port;

	for my $url ("SOCKS5://127.0.0.1:$port", "socks5h://localhost:$port/") {
		is(now(through($s, $proxy, url => $url))->{exit}, 0, $url);
	}
	is(now(through($s, $proxy, family => 'ipv4', url => "socks5://localhost:$port"))->{exit}, 0,
		'family is that of the way to the proxy');
	is(now(through($s, $proxy, source_address => '127.0.0.1'))->{exit}, 0, 'as is the source address');
};

# NAME, kind, options of the proxy, what is told, cause, exit; login => whether the account has
# one for it.
my @answers = (
	['general failure', 'socks5', { answer => "\5\1" . CLOSE }, 'it says no more than that it failed',
		'proxy-cannot-reach', 75],
	['not allowed', 'socks5', { answer => "\5\2\0\1\0\0\0\0\0\0" }, 'its rules do not allow it', 'proxy-forbids', 77],
	['no network', 'socks5', { answer => "\5\3\0\1\0\0\0\0\0\0" }, 'no network leads there', 'proxy-cannot-reach', 75],
	['no host', 'socks5', { answer => "\5\4\0\1\0\0\0\0\0\0" }, 'its name is not known there', 'proxy-cannot-reach', 75],
	['refused', 'socks5', { to => 0 }, 'nobody listens at that port', 'proxy-cannot-reach', 75],
	['TTL', 'socks5', { answer => "\5\6\0\1\0\0\0\0\0\0" }, 'the way is too long', 'proxy-cannot-reach', 75],
	['no CONNECT', 'socks5', { answer => "\5\7\0\1\0\0\0\0\0\0" }, 'it makes no connections', 'proxy-unfit', 76],
	['no names', 'socks5', { answer => "\5\x08\0\1\0\0\0\0\0\0" }, 'this kind of address', 'proxy-unfit', 76],
	['onion', 'socks5', { answer => "\5\xf0\0\1\0\0\0\0\0\0" }, 'no such onion service', 'proxy-cannot-reach', 75],
	['another reason', 'socks5', { answer => "\5\x63\0\1\0\0\0\0\0\0" }, 'a reason (99) that SOCKS5 does not know',
		'proxy-cannot-reach', 75],
	['a login is wanted', 'socks5', { login => \@login }, 'wants a login', 'proxy-login-wanted', 77],
	['the login is refused', 'socks5', { login => \@login, auth => "\1\1" }, 'refuses user and password',
		'proxy-login-refused', 77, login => 1],
	['the login is not known', 'socks5', { method => "\5\xff" . CLOSE }, 'takes no login by user and password',
		'proxy-login-refused', 77, login => 1],
	['a method that was not offered', 'socks5', { method => "\5\1" }, 'a login (1) that was not offered',
		'proxy-not-one', 76],
	['a kind of address', 'socks5', { answer => "\5\0\0\x09\0" }, 'a kind of address (9)', 'proxy-not-one', 76],
	['HTTP', 'socks5', { method => "HTTP/1.1 400 Bad Request\r\n\r\n" }, 'speaks HTTP, not SOCKS5', 'proxy-not-one', 76],
	['SOCKS4', 'socks5', { method => "\0\x5b\0\0\0\0\0\0" }, 'speaks SOCKS4', 'proxy-not-one', 76],
	['SMTP', 'socks5', { method => "220 mail.example.test ESMTP\r\n" }, 'a mail server seems to answer', 'proxy-not-one', 76],
	['garbage', 'socks5', { method => "\xff\xfe\xfd" }, 'does not speak SOCKS5', 'proxy-not-one', 76],
	['hangs up', 'socks5', { method => CLOSE }, 'hangs up without an answer', 'proxy-no-answer', 75],
	['hangs up later', 'socks5', { answer => "\5\0" . CLOSE }, 'it hung up', 'proxy-cannot-reach', 75],
	['silence', 'socks5', { silent => 1 }, 'does not answer in time', 'proxy-no-answer', 75],
	['silence, HTTP', 'http', { silent => 1 }, 'does not answer in time', 'proxy-no-answer', 75],
	['drip', 'http', { answer => 'HTTP/1.1 200 OK' . ' ' x 3000, drip => 0.05 }, 'does not answer in time',
		'proxy-no-answer', 75],
	['403', 'http', { answer => "HTTP/1.0 403 Forbidden\r\n\r\n" }, 'it says "403 Forbidden"', 'proxy-forbids', 77],
	['407', 'http', { login => \@login }, 'wants a login: "407 Proxy Authentication Required"',
		'proxy-login-wanted', 77],
	['407 to a login', 'http', { login => ['other', 'other w0rd'] }, 'refuses user and password', 'proxy-login-refused',
		77, login => 1],
	['405', 'http', { answer => "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\n\r\n" }, '405 Method', 'proxy-unfit', 76],
	['502', 'http', { to => 0 }, 'it says "502 Bad Gateway"', 'proxy-cannot-reach', 75],
	['504, LF only', 'http', { answer => "HTTP/1.1 504\n\n" }, 'it says "504"', 'proxy-cannot-reach', 75],
	['302', 'http', { answer => "HTTP/1.1 302 Found\r\nLocation: http://x.test/\r\n\r\n" }, '302 Found',
		'proxy-cannot-reach', 75],
	['no status', 'http', { answer => "HTTP/1.1 2x0 OK\r\n\r\n" }, 'does not speak HTTP', 'proxy-not-one', 76],
	['SOCKS5', 'http', { answer => "\5\xff" }, 'speaks SOCKS5, not HTTP', 'proxy-not-one', 76],
	['SMTP at HTTP', 'http', { answer => "220 mail.example.test\r\n" }, 'a mail server seems to answer', 'proxy-not-one', 76],
	['controls', 'http', { answer => "HTTP/1.1 403 \e[31mred\a\r\n\r\n" }, '\\\\x1B[31mred\\\\x07', 'proxy-forbids', 77],
	['no end', 'http', { answer => "HTTP/1.1 200 OK\r\nX: " . 'x' x 40_000 }, 'answers without an end', 'proxy-not-one', 76],
	['interim answers without an end', 'http', { answer => "HTTP/1.1 100 Continue\r\n\r\n" x 2000 },
		'answers without an end', 'proxy-not-one', 76],
);

for my $case (@answers) {
	my ($name, $kind, $options, $told, $cause, $exit, %o) = @$case;

	subtest "$kind says: $name" => sub {
		my $s = server_start(%me);
		my $proxy = proxy_start($s, kind => $kind, %$options);
		my $config = through($s, $proxy, host => 'mail.only-there.test', port => 25, connect_timeout => '1s', %me,
			url => $o{login} ? with_login($proxy) : $proxy->url);
		my $r = now($config);
		my $c = check($config, ['--json', '--timeout', 5]);
		my $words = $told =~ s/\\\\/\\/gr;

		is($r->{exit}, $exit, 'exit') or diag($r->{err});
		like($r->{err}, qr/the proxy (?:socks5|http):\/\/127\.0\.0\.1:\d+ .*\Q$words\E/i, 'what');
		like($r->{err}, qr/\n  \S/, 'and a next step');
		is($c->{json}{failed}{cause}, $cause, 'the cause');
		is($c->{json}{failed}{stage}, 'connect', 'at that stage');
		is_deeply([$s->commands], [], 'nothing was said to the server') if $cause ne 'proxy-cannot-reach';
		ok(!raw_octets($r->{err} . $c->{out}), 'E4: nothing raw');
		unlike($r->{err} . $c->{out}, qr/proxy user|proxy%20user/, 'not even the user of the proxy is told');
	};
}

subtest 'interim answers, then the answer' => sub {
	my $s = server_start();
	my $proxy = proxy_start($s, kind => 'http',
		answer => "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");

	is(now(through($s, $proxy, port => 25))->{exit}, 0, 'sent; no body follows, whatever is said of it');
};

subtest 'an answer with a name in it' => sub {
	my $s = server_start();
	my $proxy = proxy_start($s, answer => "\5\0\0\3\x09localhost\0\x19");

	is(now(through($s, $proxy, port => 25))->{exit}, 0, 'sent');
};

subtest 'the proxy itself' => sub {
	my $s = server_start();
	my $gone = nobody();
	my $r = now(through($s, undef, url => 'socks5://127.0.0.1:' . $gone->port));

	is($r->{exit}, 75, 'nobody there');
	like($r->{err}, qr/the proxy socks5:\/\/127\.0\.0\.1:\d+: cannot connect to 127\.0\.0\.1: .* connection refused.*\n\s+see that it is running, and that proxy names/,
		'is told of the proxy, not of the server');
	$r = now(through($s, undef, url => 'http://no-such-proxy.invalid'));
	like($r->{exit}, qr/^(?:68|75)$/, 'no such name');   # 75 where there is no DNS
	like($r->{err}, qr/the proxy http:\/\/no-such-proxy\.invalid:8080: /, 'with its usual port');
};

subtest 'queued mail goes through it as well' => sub {
	my $s = server_start();
	my $proxy = proxy_start($s);
	my $config = through($s, $proxy, host => 'mail.only-there.test', port => 25);

	queue_empty();
	send_mail($config, ['send', '--queue', 'you@example.net']);
	is(run_sendoff(['-C', $config, 'queue', 'flush'])->{exit}, 0, 'flushed');
	is($s->stored, 1, 'sent');
	is_deeply([$proxy->requests], ['name mail.only-there.test:25'], 'through the proxy');
};

subtest 'check tells the way' => sub {
	my $s = server_start(tls => 'starttls', %me);
	my $proxy = proxy_start($s, login => \@login);
	my $config = through($s, $proxy, host => 'localhost', port => 2525, tls => 'starttls', %me, url => with_login($proxy));
	my ($report, $r) = checked($config);
	my %stage = map { $_->{stage} => $_ } @{ $report->{stages} };

	is($r->{exit}, 0, 'all is well') or diag($r->{out});
	is($stage{connect}{facts}{through}, $proxy->url, 'through');
	is($stage{name}{facts}{through}, $proxy->url, 'whose address is looked up');
	is_deeply($stage{name}{facts}{addresses}, ['127.0.0.1'], 'that of the proxy');
	$r = check($config, ['--all'], env => { COLUMNS => 1000 });
	like($r->{out}, qr/through \Q${\ $proxy->url}\E\n/, 'in words');
	like($r->{out}, qr/localhost is left to it to look up/, 'and who looks the name up');
	unlike($r->{out}, qr/in clear/, 'no warning where the proxy is on this machine');
	is((grep { $_ ne 'name localhost:2525' } $proxy->requests), 0, '--all goes through it too, by the name');
};

subtest 'check looks for other ports through the same proxy' => sub {
	my $s = server_start(tls => 'implicit', %me);
	my $dead = proxy_start(undef, to => 0);
	my ($report) = checked(through($s, $dead, host => 'mail.only-there.test', port => 587, tls => 'starttls', %me));
	my %stage = map { $_->{stage} => $_ } @{ $report->{stages} };

	is($report->{failed}{cause}, 'proxy-cannot-reach', 'the port is not to be had');
	is_deeply([sort { $a <=> $b } map { /:(\d+)$/ } $dead->requests], [25, 465, 587, 587, 2525],
		'the others are asked of the proxy') or diag(join ' ', $dead->requests);
	is((grep { !/^name (?:\w+\.)?mail\.only-there\.test:\d+$/ } $dead->requests), 0, 'by name');
	is(scalar @{ $stage{elsewhere}{facts}{tried} }, 4, 'and told');

	my $refusing = proxy_start($s, login => \@login);
	($report) = checked(through($s, $refusing, host => 'mail.only-there.test', port => 587, tls => 'starttls', %me));
	is($report->{failed}{cause}, 'proxy-login-wanted', 'a proxy that lets nobody through');
	is((grep { $_->{stage} eq 'elsewhere' } @{ $report->{stages} }), 0, 'is not asked for more');
};

done_testing;
