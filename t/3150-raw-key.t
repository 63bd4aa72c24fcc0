#!/usr/bin/perl
# Servers that show a raw public key (RFC 7250) in place of a certificate: asked for by
# tls_priority, known by a pin and by nothing else.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'pass w0rd');
my $asks = 'NORMAL:+CTYPE-SRV-RAWPK';
my $zeros = 'spki:' . '0' x 64;

plan skip_all => 'openssl is not installed' if !grep { -x "$_/openssl" } split /:/, $ENV{PATH};

sub pin_of
{
	my ($name) = @_;
	my $file = cert($name, 'key');

	return `openssl pkey -in $file -pubout -outform der | openssl dgst -sha256 -hex` =~ /([0-9a-f]{64})/ ? $1 : undef;
}

my ($rsa, $ec) = map { pin_of($_) } qw(rsa server);

sub through
{
	my ($server, $keys, @args) = @_;
	my $s = server_start(%me, tls => 'implicit', raw_key => 'rsa', %$server);
	my $r = send_mail(account($s, %me, tls => $server->{tls} // 'implicit', tls_ca_file => undef, tls_priority => $asks, %$keys),
		@args ? [@args] : ());

	return ($s, $r);
}

sub is_raw
{
	my ($s, $name) = @_;

	return is(scalar(grep { $_ eq 'raw public key shown' } $s->tls), 1, "$name: by a raw public key");
}

# Nothing but EHLO, STARTTLS and QUIT, and no mail.
sub nothing_leaked
{
	my ($s, $name) = @_;

	is_deeply([grep { !/^(?:EHLO client\.example\.test|STARTTLS|QUIT)$/ && !/[^ -~]|\\x/ } $s->commands], [], "D1: $name: nothing is said");
	is($s->stored, 0, "D1: $name: no mail");
	is_deeply([$s->logins], [], "D1: $name: no login");
}

subtest 'delivered by the pin of the key' => sub {
	my $base64 = b64(pack 'H*', $rsa);
	my $colons = uc join ':', $rsa =~ /(..)/g;

	for my $tls (qw(implicit starttls)) {
		for my $version ('', ':-VERS-TLS1.3') {
			for my $pin ("spki:$rsa", "sha256//$base64", $rsa, $colons, "$zeros, spki:$rsa", "cert:$ec, $rsa") {
				my ($s, $r) = through({ tls => $tls }, { tls_pin => $pin, tls_priority => "$asks$version" });
				my $name = "$tls$version, $pin";

				is_deeply([@$r{qw(exit out err)}], [0, '', ''], "$name: sent, silently");
				is($s->stored, 1, "$name: and arrived");
				is_raw($s, $name);
				is_deeply([$s->violations], [], "$name: by the rules");
			}
		}
	}
	my ($s, $r) = through({ raw_key => 'server' }, { tls_pin => "spki:$ec" }, '-v', 'send', '--no-queue', 'you@example.net');
	is($r->{exit}, 0, 'a key on a curve');
	like($r->{err}, qr/^\* \[TLS: TLS1\.3 [-A-Z0-9 ]+, raw public key verified\]$/m, 'and -v says what it was');
	for my $words ('NORMAL:+CTYPE-RAWPK', 'NORMAL:+ctype-srv-rawpk', 'NORMAL:-CTYPE-ALL:+CTYPE-SRV-RAWPK:+CTYPE-SRV-X509',
		'NORMAL:-CTYPE-X509:+CTYPE-RAWPK', 'NORMAL:+CTYPE-ALL:+CTYPE-RAWPK', 'SECURE256:+CTYPE-SRV-RAWPK') {
		($s, $r) = through({}, { tls_pin => "spki:$rsa", tls_priority => $words });
		is($r->{exit}, 0, "$words: sent") or diag($r->{err});
		is_raw($s, $words);
	}
};

subtest 'another key' => sub {
	for my $tls (qw(implicit starttls)) {
		for my $version ('', ':-VERS-TLS1.3') {
			for my $pin ($zeros, "spki:$ec", "$zeros, spki:$ec", "cert:$rsa, $zeros") {
				my ($s, $r) = through({ tls => $tls, mechanisms_before_tls => 'PLAIN LOGIN' },
					{ tls_pin => $pin, tls_priority => "$asks$version" });
				my $name = "$tls$version, $pin";
				my $expected = join ' or ', split /, /, $pin;

				is($r->{exit}, 77, "$name: 77");
				is($r->{err}, "sendoff: the key of localhost is not the pinned one: expected $expected, " .
					"seen spki:$rsa, a raw public key (localhost:" . $s->port . ")\n" .
					"  do not trust this server until its operator confirms a new key\n", "$name: what and why");
				nothing_leaked($s, $name);
			}
		}
	}
	my ($s, $r) = through({}, { tls_pin => $zeros }, 'send', 'you@example.net');
	is($r->{exit}, 0, 'mail waits until that is settled');
	like($r->{err}, qr/^sendoff: queued as p-\w+: the key of localhost is not the pinned one/, 'told so');
	nothing_leaked($s, 'queued');
	queue_empty();
};

subtest 'certificates are as good, where the server has nothing else' => sub {
	for my $case (['knows nothing of raw keys', raw_key => undef], ['has none', priority => 'NORMAL']) {
		my ($name, @server) = @$case;
		my ($s, $r) = through({ cert => 'selfsigned', @server }, { tls_pin => 'spki:' . pin_of('selfsigned') });

		is($r->{exit}, 0, "a server that $name: sent") or diag($r->{err});
		is_deeply([grep { /raw/ } $s->tls], [], "a server that $name: by its certificate");
		($s, $r) = through({ cert => 'selfsigned', @server }, { tls_pin => "spki:$ec" });
		is($r->{exit}, 77, "a server that $name: not with another key");
		like($r->{err}, qr/not the pinned one: expected spki:$ec, seen spki:[0-9a-f]{64} \(/, "a server that $name: told as ever");
		nothing_leaked($s, $name);
	}
	my ($s, $r) = through({ priority => 'NORMAL' }, { tls_pin => "spki:$rsa", tls_priority => 'NORMAL:-CTYPE-ALL:+CTYPE-RAWPK' });
	is($r->{exit}, 76, 'nothing else was asked for: 76');
	is($r->{err}, "sendoff: the TLS handshake with localhost failed: the server has no raw public key, and tls_priority takes " .
		"nothing else (localhost:" . $s->port . ")\n  add +CTYPE-SRV-X509 to tls_priority: a pin of the key is good for a certificate too\n", 'and told');
	nothing_leaked($s, 'nothing else');
};

subtest 'who does not ask for one gets none' => sub {
	for my $priority (undef, 'NORMAL', 'NORMAL:+CTYPE-ALL', "$asks:-CTYPE-SRV-RAWPK", "$asks:!CTYPE-ALL:+CTYPE-X509") {
		my ($s, $r) = through({}, { tls_priority => $priority, tls_ca_file => '{ca}' });
		my $name = $priority // 'no tls_priority';

		is($r->{exit}, 0, "$name: sent") or diag($r->{err});
		is_deeply([grep { /raw/ } $s->tls], [], "$name: by the certificate");
		($s, $r) = through({}, { tls_priority => $priority, tls_pin => "spki:$rsa" });
		is($r->{exit}, 77, "$name: nor by a pin of the other key");
		nothing_leaked($s, $name);
	}
};

subtest 'settings that cannot be' => sub {
	my $s = server_start(%me, tls => 'implicit', raw_key => 'rsa');

	for my $case (
		[{}, qr/tls_priority asks for raw public keys, and no tls_pin says which is the server's .*set tls_pin = spki:HEX of/],
		[{ tls_pin => "cert:$rsa" }, qr/asks for raw public keys, and no tls_pin is of a key .*set tls_pin = spki:HEX of/],
		[{ tls_verify => 'no', user => undef, password => undef }, qr/raw public keys, and no tls_pin says/],
		[{ tls_pin => "spki:$rsa", tls_priority => 'NORMAL:+CTYPE-CLI-RAWPK' }, qr/CTYPE-CLI-RAWPK: a client shows its certificate here/],
	) {
		my ($keys, $words) = @$case;
		my $config = account($s, %me, tls => 'implicit', tls_priority => $asks, %$keys);
		my $name = join ', ', map { "$_ = " . ($keys->{$_} // '') } sort keys %$keys;

		for my $args (['send', '--no-queue', 'you@example.net'], ['check'], ['config', 'check']) {
			my $r = send_mail($config, $args);

			is($r->{exit}, 78, "$name: $args->[0]: 78");
			like(sentence($r->{out} . $r->{err}), $words, "$name: $args->[0]: told");
		}
	}
	is($s->connections, 0, 'no server was asked');
};

subtest 'what check says of it' => sub {
	my $base64 = b64(pack 'H*', $rsa);
	my $s = server_start(%me, tls => 'implicit', raw_key => 'rsa');
	my $config = account($s, %me, tls => 'implicit', tls_ca_file => undef, tls_priority => $asks, tls_pin => "spki:$rsa");
	my ($report) = checked($config);
	my $tls = stage($report, 'tls');
	my %key = (key => 'RSA', bits => 2048, key_pin => "spki:$rsa");

	is($tls->{mark}, 'ok', 'a pinned key is good');
	is($tls->{text}, 'TLS1.3, raw public key verified', 'in a line');
	is_deeply([map { $_->{text} } @{ $tls->{lines} }], ['raw public key, no certificate: RSA 2048 bits', "  tls_pin = sha256//$base64",
		'trusted by tls_pin; a raw public key bears neither name nor date',
		"one pin only: add that of the server's next key, and its change will stop nothing"], 'and below it');
	is_deeply($tls->{facts}{raw_public_key}, \%key, 'as JSON');
	is($tls->{facts}{trusted_by}, 'pin', 'who vouches for it');
	ok($tls->{facts}{verified}, 'verified');
	like($tls->{facts}{group}, qr/^[A-Z0-9]+$/, 'the group');
	is_deeply([grep { exists $tls->{facts}{$_} } qw(chain chain_sent root days_left ocsp must_staple name)], [],
		'nothing is said of certificates');
	my $r = check($config);
	is($r->{exit}, 0, 'for people too');
	like($r->{out}, qr/raw public key, no certificate: RSA 2048 bits\n +tls_pin = sha256\/\/\Q$base64\E\n/, 'with the line to paste');

	$config = account($s, %me, tls => 'implicit', tls_ca_file => undef, tls_priority => $asks, tls_pin => "$zeros, spki:$ec");
	($report, $r) = checked($config);
	$tls = stage($report, 'tls');
	is($r->{exit}, 77, 'another key: 77');
	is($report->{failed}{cause}, 'pin-mismatch', 'its cause');
	is($report->{failed}{what}, "the key of localhost is not the pinned one: expected $zeros or spki:$ec, seen spki:$rsa, a raw public key",
		'in words');
	is_deeply([@{ $tls->{facts} }{qw(raw_public_key trusted_by)}], [\%key, 'nothing'], 'what it has shown is told');
	ok(!$tls->{facts}{verified}, 'and not called verified');
	is_deeply([$s->commands($s->connections)], [], 'and nothing is said to it');

	my $plain = server_start(%me, tls => 'implicit');
	($report) = checked(account($plain, %me, tls => 'implicit', tls_priority => $asks, tls_pin => "spki:$ec"));
	ok(!exists stage($report, 'tls')->{facts}{raw_public_key}, 'no such member where there is a certificate');
	is(scalar(@{ stage($report, 'tls')->{facts}{chain} }), 1, 'but that');
};

subtest 'what check finds elsewhere is judged by the pin too' => sub {
	my $s = server_start(%me, tls => 'implicit', raw_key => 'rsa');

	for my $case (["spki:$rsa", 1, qr/works/], [$zeros, 0, qr/answers, but its key would be refused/]) {
		my ($pin, $good, $words) = @$case;
		my ($report) = checked(account($s, %me, tls => 'starttls', tls_ca_file => undef, tls_priority => $asks, tls_pin => $pin,
			timeout => '700ms'));
		my ($way) = grep { $_->{port} == $s->port && $_->{tls} eq 'implicit' } @{ stage($report, 'elsewhere')->{facts}{tried} };

		is(!!$way->{works}, !!$good, "$pin: TLS from the start " . ($good ? 'would do' : 'would not do'));
		like(join("\n", map { $_->{text} } @{ stage($report, 'elsewhere')->{lines} }), $words, "$pin: in words");
	}
	is_deeply([$s->logins], [], 'without a login');
};

subtest 'logins that go with it' => sub {
	for my $version ('', ':-VERS-TLS1.3') {
		my ($s, $r) = through({ mechanisms => 'SCRAM-SHA-256-PLUS' }, { tls_pin => "spki:$rsa", auth => 'scram-sha-256-plus',
			tls_priority => "$asks$version" });
		is($r->{exit}, 0, "bound to the channel$version") or diag($r->{err});
		is_raw($s, "bound to the channel$version");
		($s, $r) = through({ mechanisms => 'EXTERNAL', user => 'me@example.com', password => undef, client_ca => 1 },
			{ tls_pin => "spki:$rsa", auth => 'external', user => undef, password => undef, tls_cert => cert('client'),
			tls_key => cert('client', 'key'), tls_priority => "NORMAL:+CTYPE-RAWPK$version" });
		is($r->{exit}, 0, "by our certificate$version") or diag($r->{err});
		is_raw($s, "by our certificate$version");
		ok(grep(/client certificate of me\@example\.com/, $s->tls), "which the server saw$version");
	}
};

done_testing;
