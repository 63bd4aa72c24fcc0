#!/usr/bin/perl
# Only to the right server, only encrypted: stripping, injection, certificates,
# pins, old protocols, ports of the wrong kind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use SendoffTest;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'pass w0rd');

# Sends with a login by STARTTLS or from the start; what went wrong.
sub try
{
	my ($tls, $server, %keys) = @_;
	my $s = server_start(%me, tls => $tls, %$server);
	my $r = send_mail(account($s, %me, tls => $tls, timeout => '700ms', connect_timeout => '1s', %keys));

	return ($s, $r);
}

# Nothing but EHLO, STARTTLS and QUIT may have been said in clear.
sub nothing_leaked
{
	my ($s, $name) = @_;

	is_deeply([grep { !/^(?:EHLO client\.example\.test|STARTTLS|QUIT)$/ && !/[^ -~]|\\x/ } $s->commands], [],
		"D1: $name: nothing in clear");
	is($s->stored, 0, "D1: $name: no mail");
	is_deeply([$s->logins], [], "D1: $name: no login");
}

subtest 'D1, D2: STARTTLS taken away, refused, garbled, continued in clear' => sub {
	my $ehlo = '250-smtp.example.test\r\n250-AUTH PLAIN LOGIN\r\n250 PIPELINING';
	for my $case (
		['not offered', [qq(EHLO reply "$ehlo")], 76, qr/does not offer STARTTLS/],
		['offered as a part of another word', [qq(EHLO reply "250-x\\r\\n250-XSTARTTLS\\r\\n250 STARTTLSX")], 76,
			qr/does not offer STARTTLS/],
		['refused', ['STARTTLS reply "502 5.5.1 no"'], 76, qr/502 5\.5\.1 no/],
		['refused for now', ['STARTTLS reply "454 4.7.0 TLS not available"'], 75, qr/454 4\.7\.0 TLS not/],
		['"250 ok" instead of 220', ['STARTTLS reply "250 ok"'], 76, qr/does not fit/],
		['"221" instead of 220', ['STARTTLS reply "221 ok"'], 76, qr/does not fit/],
		['"354" instead of 220', ['STARTTLS reply "354 ok"'], 76, qr/does not fit/],
		['rubbish', ['STARTTLS garbage 200'], 76, qr/not SMTP|answer/],
		['closed', ['STARTTLS close'], 75, qr/closed the connection/],
		['silence', ['STARTTLS silence'], 75, qr/no answer/],
		['an answer pushed in behind 220', ['STARTTLS inject "250 PIPELINING"'], 76, qr/before it was asked/],
		['a whole EHLO answer pushed in', [qq(STARTTLS inject "$ehlo")], 76, qr/before it was asked/],
		['half a line pushed in', ['STARTTLS inject "250-x\\c"'], 76, qr/before it was asked/],
		['a 421 pushed in', ['STARTTLS inject "421 4.3.2 bye"'], 76, qr/before it was asked/],
		['220, and on in clear', ['handshake plain'], 75, qr/./],
		['220, and text instead of TLS', ['handshake reply "250 this is not TLS"'], 76, qr/clear text here|before it was asked/],
		['220, and closed', ['handshake close'], 75, qr/(?:closed the connection|broke off) during the TLS handshake/],
	) {
		my ($name, $at, $code, $words) = @$case;
		my ($s, $r) = try('starttls', { at => $at, mechanisms_before_tls => 'PLAIN LOGIN' },
			allow_clear_password => 'yes');

		is($r->{exit}, $code, "$name: exit $code") or diag($r->{err});
		like($r->{err}, $words, "$name: told");
		nothing_leaked($s, $name);
	}
};

# A directory of roots that are not the server's.
sub other_roots
{
	my $dir = workdir() . '/roots';

	mkdir $dir;
	file_write("$dir/other.pem", file_read(cert('otherca-ca')));
	return $dir;
}

# certificate, account keys, words of the refusal; undef: good
my @zoo = (
	['server', {}, undef], ['rsa', {}, undef], ['chain', {}, undef],
	['expired', {}, qr/expired on 2021-01-01/],
	['notyet', {}, qr/not valid before 2048-01-01.*clock/],
	['wrongname', {}, qr/it is for other\.test, not for localhost/],
	['cnonly', {}, qr/names no server in its subjectAltName.*common name alone/],
	['selfsigned', {}, qr/self-signed/],
	['otherca', {}, qr/issued by .*otherca-ca.* not among the trusted roots/],
	['missing', {}, qr/sends no intermediate certificate/],
	['constrained', {}, qr/not allowed to issue it/],
	['clientonly', {}, qr/not meant for servers/],
	['rsa1024', {}, qr/weak key \(RSA, 1024 bits\)/],
	['sha1', {}, qr/weak hash/],
	['server', { host => '127.0.0.1' }, undef],
	['wildcard', { tls_host => 'smtp.example.test' }, undef],
	['wildcard', { tls_host => 'a.smtp.example.test' }, qr/not for a\.smtp\.example\.test/],
	['wildcard', { tls_host => 'example.test' }, qr/not for example\.test/],
	['partwild', { tls_host => 'smtp.example.test' }, qr/not for smtp\.example\.test/],
	['ipindns', { host => '127.0.0.1' }, qr/not for the address 127\.0\.0\.1/],
	['wrongname', { host => '127.0.0.1' }, qr/not for the address 127\.0\.0\.1/],
	['wrongname', { tls_host => 'other.test' }, undef],
	['server', { host => 'localhost.' }, undef],
	['server', { host => 'LocalHost' }, undef],
	['server', { tls_ca_file => '{certs}/ca.crt, {certs}/otherca-ca.crt' }, undef],
	['otherca', { tls_ca_file => '{certs}/otherca-ca.crt' }, undef],
	['server', { tls_ca_file => '{certs}/otherca-ca.crt' }, qr/not among the trusted roots/],
	['server', { tls_ca_file => '{certs}' }, undef],
	['server', { tls_ca_file => other_roots() }, qr/not among the trusted roots/],
	['server', { tls_ca_file => undef }, qr/not among the trusted roots|no trusted roots found/],
);

subtest 'D3: a zoo of certificates' => sub {
	for my $tls (qw(implicit starttls)) {
		for my $case (@zoo) {
			my ($cert, $keys, $words) = @$case;
			my $name = join ' ', $tls, $cert, map { "$_=" . ($keys->{$_} // '') } sort keys %$keys;
			my ($s, $r) = try($tls, { cert => $cert }, %$keys);

			if (!$words) {
				is($r->{exit}, 0, "$name: good") or diag($r->{err});
				is($s->stored, 1, "$name: sent");
				next;
			}
			is($r->{exit}, 77, "$name: 77") or diag($r->{err});
			like($r->{err}, qr/^sendoff: .*$words/m, "$name: why");
			like($r->{err}, qr/\n  \S/, "$name: and what to do");
			nothing_leaked($s, $name);
		}
	}
};

sub pin_of
{
	my ($cert, $what) = @_;
	my $file = cert($cert);
	my $text = $what eq 'cert' ? `openssl x509 -in $file -outform der | openssl dgst -sha256 -hex` :
		`openssl x509 -in $file -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -hex`;

	return $text =~ /([0-9a-f]{64})/ ? $1 : undef;
}

subtest 'pins' => sub {
	plan skip_all => 'openssl is not installed' if !grep { -x "$_/openssl" } split /:/, $ENV{PATH};
	my $key = pin_of('selfsigned', 'spki');
	my $whole = pin_of('selfsigned', 'cert');
	my $other = pin_of('server', 'spki');
	my $base64 = b64(pack 'H*', $key);
	my $colons = uc join ':', $key =~ /(..)/g;
	my @good = ("spki:$key", "cert:$whole", $key, $whole, $colons, "sha256//$base64", "spki:$other, spki:$key",
		"cert:$other, $whole");
	for my $pin (@good) {
		my ($s, $r) = try('implicit', { cert => 'selfsigned' }, tls_pin => $pin, tls_ca_file => undef);
		is($r->{exit}, 0, "$pin: sent") or diag($r->{err});
	}
	for my $pin ("spki:$other", "cert:$key", "spki:$whole", $other) {
		my ($s, $r) = try('implicit', { cert => 'selfsigned' }, tls_pin => $pin);
		is($r->{exit}, 77, "$pin: 77");
		like($r->{err}, qr/not the pinned one: expected \Q$pin\E, seen spki:$key/, "$pin: expected and seen");
		nothing_leaked($s, $pin);
	}
	my ($s, $r) = try('implicit', { cert => 'server' }, tls_pin => "spki:$key");
	is($r->{exit}, 77, 'a pin stands, though the certificate is good');
	like($r->{err}, qr/valid otherwise.*tls_pin = spki:$other/, 'the line to paste');
	for my $pin ('spki:abc', 'sha256//x', 'md5:' . 'a' x 32, 'a' x 63) {
		$r = send_mail(account($s, tls => 'implicit', tls_pin => $pin));
		is($r->{exit}, 78, "'$pin': refused as a setting");
	}
};

subtest 'D4: old protocols, no ciphers, and what the library would allow' => sub {
	for my $case (
		['TLS 1.1', 'NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT', qr/neither TLS 1\.3 nor TLS 1\.2/],
		['TLS 1.0', 'NORMAL:-VERS-ALL:+VERS-TLS1.0:%COMPAT', qr/neither TLS 1\.3 nor TLS 1\.2/],
		['no certificate', 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH:+ANON-DH', qr/TLS handshake/],
		['no encryption', 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+NULL', qr/TLS handshake/],
	) {
		my ($name, $priority, $words) = @$case;
		my ($s, $r) = try('implicit', { priority => $priority });
		is($r->{exit}, 76, "$name: 76") or diag($r->{err});
		like($r->{err}, $words, "$name: told");
		nothing_leaked($s, $name);
	}
	my ($s, $r) = try('implicit', { priority => 'NORMAL:-VERS-ALL:+VERS-TLS1.2' });
	is($r->{exit}, 0, 'TLS 1.2 is good');
	my $weak = file_write(workdir() . '/gnutls', "[overrides]\nenabled-version = tls1.1\n");
	$s = server_start(tls => 'implicit', priority => 'NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT');
	$r = send_mail(account($s, tls => 'implicit'), undef, env => { GNUTLS_SYSTEM_PRIORITY_FILE => $weak,
		GNUTLS_FORCE_FIPS_MODE => 0 });
	isnt($r->{exit}, 0, 'nor does the environment allow more');
};

subtest 'D4: what tls_min_version and tls_priority say' => sub {
	my $old = 'NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT';
	my ($s, $r) = try('starttls', { priority => $old }, tls_min_version => '1.1');
	is($r->{exit}, 0, 'an old server, where it must be') or diag($r->{err});
	like(($s->tls)[0], qr/^TLS1\.1 /, 'by its version');
	($s, $r) = try('starttls', { priority => $old }, tls_priority => 'NORMAL');
	is($r->{exit}, 76, 'tls_priority alone brings no older version');
	like($r->{err}, qr/neither TLS 1\.3 nor TLS 1\.2 \(it answers with TLS 1\.1\)/, 'told');
	nothing_leaked($s, 'tls_priority');
	($s, $r) = try('starttls', { priority => 'NORMAL:-VERS-ALL:+VERS-TLS1.2' }, tls_min_version => '1.3');
	is($r->{exit}, 76, 'nothing below tls_min_version');
	like($r->{err}, qr/tried: TLS 1\.3\).*\n.*tls_min_version = 1\.2/, 'and what would do');
	nothing_leaked($s, 'tls_min_version');
	($s, $r) = try('starttls', {}, tls_priority => 'NORMAL:-VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM');
	is($r->{exit}, 0, 'versions and ciphers can be chosen') or diag($r->{err});
	like(($s->tls)[0], qr/^TLS1\.2 .*AES-128-GCM/, 'and are taken');
	($s, $r) = try('starttls', { cert => 'wrongname' }, tls_priority => 'NORMAL:%VERIFY_ALLOW_BROKEN:%PROFILE_VERY_WEAK');
	is($r->{exit}, 77, 'no string lets the certificate pass');
	nothing_leaked($s, '%VERIFY_ALLOW_BROKEN');
	for my $case (['NORMAL:+RUBBISH', qr/'\+RUBBISH' is not understood, at character 8/], ['NORMAL:+NULL', qr/does not encrypt/],
		['NORMAL:+ANON-DH', qr/no server proves who it is/], ['NORMAL:+VERS-TLS1.0', qr/older than tls_min_version/],
		['NORMAL:-VERS-TLS-ALL', qr/leaves no version or cipher/]) {
		my ($text, $words) = @$case;
		($s, $r) = try('starttls', {}, tls_priority => $text);
		is($r->{exit}, 78, "$text: 78");
		like($r->{err}, $words, "$text: told");
		is_deeply([$s->commands], [], "$text: nothing was said");
	}
	($s, $r) = try('starttls', {}, tls_min_version => '0.9');
	is($r->{exit}, 78, 'a version that there is not');
};

subtest 'a port of the wrong kind' => sub {
	my $plain = server_start();
	my $r = send_mail(account($plain, tls => 'implicit'));
	is($r->{exit}, 76, 'TLS from the start, to plain SMTP');
	like($r->{err}, qr/plain SMTP.*\n.*set tls = starttls/, 'what to set');
	my $implicit = server_start(tls => 'implicit');
	for my $tls (qw(starttls off)) {
		$r = send_mail(account($implicit, tls => $tls, timeout => '500ms'));
		is($r->{exit}, 75, "tls = $tls, to TLS from the start");
		like($r->{err}, qr/waiting for the greeting.*\n.*set tls = implicit/, "tls = $tls: what to set");
	}
	is($plain->stored + $implicit->stored, 0, 'no mail');
	$r = send_mail(account($plain, tls => 'starttls'));
	like($r->{err}, qr/tls = implicit/, 'no STARTTLS there: the other port');
};

# A listener that does what the function says with each connection.
sub odd_server
{
	my ($do) = @_;
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die "listen: $!";
	my $pid = fork // die "fork: $!";

	if (!$pid) {
		$SIG{ALRM} = 'DEFAULT';
		alarm 20;
		while (my $c = $listen->accept) {
			$do->($c);
		}
		POSIX::_exit(0);
	}
	return ($listen->sockport, $pid);
}

subtest 'C1: handshakes that come to nothing' => sub {
	my $random = hostile_bytes(4000, 5);
	for my $case (
		['silence', sub { push our @kept, $_[0] }, 75, qr/TLS with .* did not come about within 1 s/],
		['closed at once', sub { close $_[0] }, 75, qr/closed the connection|broke off/],
		['closed after the hello', sub { sysread $_[0], my $x, 5000; close $_[0] }, 75, qr/closed the connection|broke off/],
		['random octets', sub { syswrite $_[0], $random; push our @kept, $_[0] }, 76, qr/TLS/],
		['an alert', sub { sysread $_[0], my $x, 5000; syswrite $_[0], "\x15\x03\x03\x00\x02\x02\x28"; push our @kept, $_[0] },
			76, qr/no cipher/],
		['half a record, then silence', sub { syswrite $_[0], "\x16\x03\x03\x40\x00\x02"; push our @kept, $_[0] }, 75,
			qr/did not come about/],
		['octet by octet', sub { my ($c) = @_; return if fork; for (split //, "\x16\x03\x03\x40\x00" . 'x' x 200) {
			syswrite $c, $_ or last; select undef, undef, undef, 0.05 } POSIX::_exit(0) }, 75, qr/did not come about/],
		['HTTP', sub { syswrite $_[0], "HTTP/1.1 400 Bad Request\r\n\r\n"; push our @kept, $_[0] }, 76,
			qr/clear text here: "HTTP\/1\.1 400 Bad Request"/],
	) {
		my ($name, $do, $code, $words) = @$case;
		local $SIG{PIPE} = 'IGNORE';
		my ($port, $pid) = odd_server($do);
		my $r = send_mail(config(account_text(%me, tls => 'implicit', port => $port, connect_timeout => '1s')));
		is($r->{exit}, $code, "$name: exit $code") or diag($r->{err});
		like($r->{err}, $words, "$name: told");
		cmp_ok($r->{seconds}, '<', 8, "$name: in time");
		kill 'KILL', $pid;
		waitpid $pid, 0;
	}
};

subtest 'the server must not choose: names, resumption, client certificates' => sub {
	my ($s, $r) = try('implicit', {});
	like(($s->tls)[0], qr/ sni=localhost resumed=no$/, 'the name goes along, nothing is resumed');
	($s, $r) = try('implicit', {}, host => '127.0.0.1');
	like(($s->tls)[0], qr/ sni=(?:-|none|) ?resumed=no$/, 'an address does not');
	($s, $r) = try('implicit', {}, tls_host => 'smtp.example.test');
	like(($s->tls)[0], qr/ sni=smtp\.example\.test /, 'tls_host does');
	$s = server_start(tls => 'implicit', client_ca => 1, priority => 'NORMAL:-VERS-ALL:+VERS-TLS1.2');
	$r = send_mail(account($s, tls => 'implicit', tls_cert => cert('client'), tls_key => cert('client', 'key')));
	is($r->{exit}, 0, 'a client certificate') or diag($r->{err});
	ok(grep(/client certificate of me\@example\.com/, $s->tls), 'which the server saw');
	my $copy = file_write(workdir() . '/client.key', file_read(cert('client', 'key')), 0644);
	$r = send_mail(account($s, tls => 'implicit', tls_cert => cert('client'), tls_key => $copy));
	is($r->{exit}, 78, 'D10: a key that others can read');
	like($r->{err}, qr/can be read by other users/, 'D10: told');
	$r = send_mail(account($s, tls => 'implicit', tls_cert => cert('client'), tls_key => cert('server', 'key')));
	is($r->{exit}, 78, 'a key of another certificate');
	$r = send_mail(account($s, tls => 'implicit', tls_cert => cert('client')));
	like($r->{err}, qr/tls_cert is set without tls_key/, 'one without the other');
};

subtest 'settings of trust' => sub {
	my $s = server_start(%me, tls => 'implicit', cert => 'selfsigned');
	my $r = send_mail(account($s, %me, tls => 'implicit', tls_verify => 'no'));
	is($r->{exit}, 78, 'tls_verify = no with a password: refused');
	like($r->{err}, qr/tls_verify = no.*\n.*tls_pin/, 'and what to do instead');
	is(scalar($s->commands), 0, 'nothing was said');
	$s = server_start(tls => 'implicit', cert => 'selfsigned');
	$r = send_mail(account($s, tls => 'implicit', tls_verify => 'no'), ['-v', 'send', '--no-queue', 'a@b.test']);
	is($r->{exit}, 0, 'without a secret: as asked');
	like($r->{err}, qr/certificate NOT verified.*\n\* \[warning: the server's certificate is not looked at \(tls_verify = no\)/, 'and said so');
	$r = send_mail(account($s, tls => 'implicit', tls_verify => 'no', tls_pin => 'a' x 64));
	is($r->{exit}, 78, 'with a pin: a contradiction');
	for my $case (
		['a missing file', '/nonexistent/ca.pem', qr{tls_ca_file.*/nonexistent/ca\.pem}],
		['an empty file', file_write(workdir() . '/empty.pem', ''), qr/holds no certificate/],
		['a directory without any', workdir(), qr/no file in the directory '.*' holds a certificate/],
		['not a path', 'ca.pem', qr/neither "system" nor a path/],
		['a binary certificate', file_write(workdir() . '/der', hostile_bytes(800)), qr/PEM/],
	) {
		my ($name, $path, $words) = @$case;
		$r = send_mail(account($s, tls => 'implicit', tls_ca_file => $path));
		is($r->{exit}, 78, "tls_ca_file, $name: 78") or diag($r->{err});
		like($r->{err}, $words, "tls_ca_file, $name: told");
	}
	SKIP: {
		skip 'needs root and namespaces', 2 if $> || system('unshare -m true 2>/dev/null');
		my $config = account($s, tls => 'implicit', tls_ca_file => undef);
		$r = run_sendoff([], stdin => letter(), command => ['unshare', '-m', '/bin/sh', '-c',
			'for d in /etc/ssl /etc/pki /usr/local/share/certs /usr/share/ca-certificates /var/lib/ca-certificates; do ' .
			'[ ! -d $d ] || mount -t tmpfs none $d || exit 99; done; exec "$@"', 'sh',
			SendoffTest::Run::program('sendoff'), '-C', $config, 'send', '--no-queue', 'a@b.test']);
		is($r->{exit}, 77, 'no roots at all: 77') or diag($r->{err});
		like($r->{err}, qr/no trusted roots found .*tried \/.*\n.*ca-certificates/, 'the paths, and the package');
	}
};

subtest 'IPv6' => sub {
	plan skip_all => 'no IPv6 here' if !-e '/proc/net/if_inet6' || !grep { /^0{31}1 / }
		split /\n/, file_read('/proc/net/if_inet6');
	my $s = server_start(%me, tls => 'implicit', listen => '::1');
	for my $host ('::1', '[::1]') {
		my $r = send_mail(account($s, %me, tls => 'implicit', host => $host));
		is($r->{exit}, 0, "$host: sent, its address is in the certificate") or diag($r->{err});
	}
	$s->stop;
	my $r = send_mail(account($s, %me, tls => 'implicit', host => '::1'));
	like($r->{err}, qr/\[::1\]:\d+|::1 port \d+/, 'written so that it can be read');
};

done_testing;
