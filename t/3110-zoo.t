#!/usr/bin/perl
# A zoo of certificates, each shown by a server: one cause, words and a next step for
# each that is refused, and nothing said to the server that it should not hear.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use JSON::PP qw(decode_json);
use MIME::Base64 qw(decode_base64);
use SendoffTest;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'secret words');

# Each: certificate, keys of the account, cause, words; without cause it is good.
my @zoo = (
	['server', {}], ['rsa', {}], ['chain', {}],
	['expired', {}, 'certificate-expired', qr/refused: expired on 2021-01-01$/],
	['oldmiddle', {}, 'certificate-expired', qr/its intermediate certificate "CN=sendoff test oldmiddle-ca" has expired on 2021-01-01$/],
	['notyet', {}, 'certificate-not-yet-valid', qr/not valid before 2048-01-01 \(is this machine's clock right\?/],
	['future', { tls_ca_file => '{certs}/future-ca.crt' }, 'clock-wrong', qr/not valid before 2048-01-01 \(is this machine's clock right\?/],
	['old', { tls_ca_file => '{certs}/old-ca.crt' }, 'clock-wrong', qr/expired on 2021-01-01 \(is this machine's clock right\?/],
	['wrongname', {}, 'certificate-wrong-name', qr/it is for other\.test, not for localhost$/],
	['wrongname', { tls_host => 'other.test' }],
	['wrongname', { host => '127.0.0.1' }, 'certificate-wrong-name', qr/not for the address 127\.0\.0\.1$/],
	['stranger', {}, 'certificate-wrong-name', qr/it is for other\.test, not for localhost; issued by "CN=sendoff test otherca-ca"/],
	['cnonly', {}, 'certificate-wrong-name', qr/names no server in its subjectAltName.*a common name alone, "CN=localhost", does not count/],
	['server', { host => '127.0.0.1' }],
	['ipindns', { host => '127.0.0.1' }, 'certificate-wrong-name', qr/it is for the name 127\.0\.0\.1, not for the address 127\.0\.0\.1$/],
	['wildcard', { tls_host => 'smtp.example.test' }],
	['wildcard', { tls_host => 'SMTP.Example.Test' }],
	['wildcard', { tls_host => 'a.b.example.test' }, 'certificate-wrong-name', qr/it is for \*\.example\.test, not for a\.b\.example\.test$/],
	['wildcard', { tls_host => 'example.test' }, 'certificate-wrong-name', qr/it is for \*\.example\.test, not for example\.test$/],
	['topwild', { tls_host => 'example.test' }, 'certificate-wrong-name', qr/it is for \*\.test, not for example\.test$/],
	['topwild', { tls_host => 'a.example.test' }, 'certificate-wrong-name', qr/it is for \*\.test, not for a\.example\.test$/],
	['partwild', { tls_host => 'smtp.example.test' }, 'certificate-wrong-name', qr/it is for s\*\.example\.test, not for smtp\.example\.test$/],
	['allwild', {}, 'certificate-wrong-name', qr/it is for \*, not for localhost$/],
	['idn', { tls_host => "b\xc3\xbccher.test" }],
	['idn', { tls_host => 'xn--bcher-kva.test' }],
	['idn', { tls_host => 'bucher.test' }, 'certificate-wrong-name', qr/it is for xn--bcher-kva\.test, not for bucher\.test$/],
	['server', { tls_host => 'smtp.example.test.' }],
	['server', { host => 'localhost.' }],
	['selfsigned', {}, 'certificate-self-signed', qr/it is self-signed and not among the trusted roots \(1 in /],
	['selfsigned', { tls_ca_file => '{certs}/selfsigned.crt' }],
	['otherca', {}, 'certificate-unknown-issuer', qr/issued by "CN=sendoff test otherca-ca", which is not among the trusted roots/],
	['otherca', { tls_ca_file => '{certs}/otherca-ca.crt' }],
	['missing', {}, 'certificate-incomplete-chain', qr/issued by "CN=sendoff test intermediate".*the server sends no intermediate certificate$/],
	['long', {}, 'certificate-unknown-issuer', qr/issued by "CN=sendoff test long-\d+", which is not among the trusted roots/],
	['rsa1024', {}, 'certificate-weak', qr/it has a weak key \(RSA, 1024 bits\)$/],
	['smallcurve', {}, 'certificate-weak', qr/its intermediate certificate "CN=sendoff test smallcurve-ca" has a weak key \(EC\/ECDSA, 192 bits\)$/],
	['sha1', {}, 'certificate-weak', qr/it is signed with a weak hash \(ECDSA-SHA1\)$/],
	['md5', { tls_ca_file => '{certs}/rsa-ca.crt' }, 'certificate-weak', qr/it is signed with a weak hash \(RSA-MD5\)$/],
	['clientonly', {}, 'certificate-wrong-purpose', qr/it is not meant for servers$/],
	['bastard', {}, 'certificate-constraints', qr/it was issued by a certificate that may not issue any/],
	['constrained', {}, 'certificate-constraints', qr/its issuer is not allowed to issue it/],
	['excluded', {}, 'certificate-constraints', qr/its issuer is not allowed to issue it/],
	['critical', {}, 'certificate-constraints', qr/it has a critical extension that is not known/],
	['hostilecn', {}, 'certificate-wrong-name', qr/a common name alone, "CN=e\\x1b\[2Jvil\\x07", does not count/],
	['hostileca', {}, 'certificate-unknown-issuer', qr/issued by "CN=CA \\x1b\]0\\;x\\x07", which is not among the trusted roots/],
);

sub begin
{
	my ($case) = @_;
	my ($cert, $keys, $cause, $words, %server) = @$case;
	my %o = (tls => 'starttls', cert => $cert, %server);
	my $s = server_start(%me, %o);

	return { name => join(' ', $o{tls}, $cert, map { "$_=$keys->{$_}" } sort keys %$keys), s => $s,
		cause => $cause, words => $words,
		run => send_mail_start(account($s, %me, tls => $o{tls}, %$keys),
			['--json', 'send', '--no-queue', 'you@example.net']) };
}

# Nothing but EHLO and STARTTLS may have been said in clear, and nothing inside.
sub nothing_leaked
{
	my ($s, $name) = @_;

	is_deeply([grep { !/^(?:EHLO client\.example\.test|STARTTLS)$/ } $s->commands], [],
		"D1: $name: EHLO and STARTTLS alone");
	is_deeply([$s->logins], [], "D1: $name: no login");
	is($s->stored, 0, "D1: $name: no mail");
}

sub is_clean
{
	my ($r, $name) = @_;

	unlike($r->{err} . $r->{out}, qr/[^\x0a\x20-\x7e\xc2-\xf4\x80-\xbf]|\xc2[\x80-\x9f]/, "E4: $name: in clean words");
	unlike($r->{err} . $r->{out}, qr/secret words/, "E1: $name: no secret");
}

sub end
{
	my ($case, $r) = @_;
	my ($name, $s) = @$case{qw(name s)};
	my $json = eval { decode_json($r->{out}) } // {};

	is_clean($r, $name);
	if (!$case->{cause}) {
		is($r->{exit}, 0, "D3: $name: good") or diag($r->{out});
		is($s->stored, 1, "D3: $name: sent");
		$s->stop;
		return;
	}
	is($r->{exit}, $case->{exit} // 77, "D3: $name: refused") or diag($r->{out});
	is($json->{error}{cause}, $case->{cause}, "$name: $case->{cause}");
	like($json->{error}{text}, $case->{words}, "$name: why");
	cmp_ok(length($json->{error}{next} // ''), '>', 20, "$name: next step: " . ($json->{error}{next} // ''));
	nothing_leaked($s, $name);
	$s->stop;
}

# Several side by side; most of their time is waiting.
sub go
{
	my (@rows) = @_;

	while (my @some = splice @rows, 0, 8) {
		my @cases = map { begin($_) } @some;
		my @ends = finish_all(map { $_->{run} } @cases);
		end($cases[$_], $ends[$_]) for 0 .. $#cases;
	}
}

subtest 'D3: by STARTTLS' => sub { go(@zoo) };

subtest 'D3: from the start' => sub {
	go(map { [@$_[0, 1], $_->[2], $_->[3], tls => 'implicit'] } grep { $_->[2] } @zoo);
};

subtest 'D3: pins' => sub {
	my ($key, $other) = map { pin(cert($_)) } qw(selfsigned server);

	plan skip_all => 'openssl is not installed' if !$key;
	go(['selfsigned', { tls_pin => $key }],
		['selfsigned', { tls_pin => "$other, $key" }],
		['expired', { tls_pin => pin(cert('expired')) }],
		['selfsigned', { tls_pin => $other }, 'pin-mismatch', qr/expected \Q$other\E, seen \Q$key\E$/],
		['server', { tls_pin => $key }, 'pin-mismatch', qr/expected \Q$key\E, seen \Q$other\E$/],
		['server', { tls_pin => "$key, " . pin(cert('expired')) }, 'pin-mismatch',
			qr/expected \Q$key\E or spki:[0-9a-f]{64}, seen \Q$other\E$/]);
};

sub pin
{
	my ($file) = @_;
	my $text = `openssl x509 -in $file -noout -pubkey 2>/dev/null | openssl pkey -pubin -outform der 2>/dev/null | openssl dgst -sha256 -hex 2>/dev/null`;

	return $text =~ /([0-9a-f]{64})/ ? "spki:$1" : undef;
}

subtest 'D4: TLS that is too old' => sub {
	for my $version ('1.0', '1.1') {
		my $case = begin(['server', {}, 'tls-too-old', qr/the server has neither TLS 1\.3 nor TLS 1\.2/,
			priority => "NORMAL:-VERS-ALL:+VERS-TLS$version:%COMPAT"]);

		$case->{exit} = 76;
		end($case, $case->{run}->finish);
	}
};

# A record of TLS 1.2, a message of a handshake.
sub record { return pack('C n n', 22, 0x0303, length $_[0]) . $_[0] }
sub message { return pack('C C n', $_[0], 0, length $_[1]) . $_[1] }
sub certificates { return message(11, pack('C n', 0, length $_[0]) . $_[0]) }

# A server that shows octets which are no certificate.
sub odd_server
{
	my ($shows) = @_;
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die "listen: $!";
	my $pid = fork // die "fork: $!";

	if (!$pid) {
		$SIG{ALRM} = 'DEFAULT';
		alarm 20;
		my $c = $listen->accept;
		sysread $c, my $hello, 5000;
		syswrite $c, record(message(2, pack('n a32 C n C n', 0x0303, 'r' x 32, 0, 0xc02f, 0, 9) .
			"\xff\x01\x00\x01\x00\x00\x17\x00\x00"));
		syswrite $c, record(certificates($shows)) . record(message(14, ''));
		my $heard = '';
		while (sysread $c, my $some, 5000) { $heard .= $some }
		file_write(workdir() . '/heard', $heard);
		POSIX::_exit(0);
	}
	return ($listen->sockport, $pid);
}

subtest 'certificates that are none' => sub {
	my $der = do { my $pem = file_read(cert('server')); $pem =~ s/-----.*//g; decode_base64($pem) };
	my $one = sub { pack('C n', 0, length $_[0]) . $_[0] };
	for my $case (
		['rubbish', $one->(hostile_bytes(300, 7))],
		['no octet', $one->('')],
		['none at all', ''],
		['half of one', $one->(substr $der, 0, length($der) / 2)],
		['one with an octet changed at the front', $one->("\x31" . substr $der, 1)],
		['a good one and rubbish behind it', $one->($der) . $one->(hostile_bytes(100, 9))],
		['a length that is not so', pack('C n', 0, 60000) . 'x' x 50],
	) {
		my ($name, $shows) = @$case;
		my ($port, $pid) = odd_server($shows);
		my $r = send_mail(config(account_text(%me, tls => 'implicit', port => $port, connect_timeout => '2s')),
			['--json', 'send', '--no-queue', 'you@example.net']);

		ok(safe($r), "$name: it ends by itself");
		like($r->{exit}, qr/^7[567]$/, "$name: refused") or diag($r->{out});
		cmp_ok($r->{seconds}, '<', 12, "$name: in time");
		is_clean($r, $name);
		waitpid $pid, 0;
		unlike(file_read(workdir() . '/heard'), qr/EHLO|AUTH|secret/, "$name: nothing was said to it");
	}
};

done_testing;
