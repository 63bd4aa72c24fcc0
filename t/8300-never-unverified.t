#!/usr/bin/perl
# Never a secret to a server that has not proved who it is: unknown authorities, wrong
# names, certificates out of date, other keys than the pinned one, ports without TLS.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Never;
use SendoffTest::Send;

# A search that finds nothing proves nothing: whoever may hear it has heard it.
subtest 'what is looked for is there after a login' => sub {
	my %seen = (PLAIN => qr/as it is/, LOGIN => qr/base64, 0/, 'CRAM-MD5' => qr/challenge/,
		'SCRAM-SHA-1' => qr/proof/, 'SCRAM-SHA-256' => qr/proof/, 'SCRAM-SHA-256-PLUS' => qr/proof/,
		XOAUTH2 => qr/as it is/, OAUTHBEARER => qr/as it is/);

	for my $mechanism (sort keys %seen) {
		my $ours = $mechanism =~ /OAUTH/ ? $token : $secret;
		my $s = server_start(tls => 'implicit', user => $user, raw => 1, mechanisms => $mechanism,
			$ours eq $token ? (token => $token) : (password => $secret));
		my $r = send_mail(account($s, tls => 'implicit', user => $user, password => qq("$ours"), auth => lc $mechanism));

		is($r->{exit}, 0, "$mechanism: logged in") or diag($r->{err});
		like(join('; ', secrets_in(received($s))), $seen{$mechanism}, "$mechanism: and it is found");
	}
	my @found = secrets_in('x' . unpack('H*', $secret));
	is_deeply(\@found, ['hexadecimal'], 'in hexadecimal');
	is_deeply([secrets_in('EHLO client.example.test STARTTLS bWVAZXhhbXBsZS50ZXN0')], [], 'no alarm at what is none');
};

# Which certificate the server shows, and why it is not the one.
my %zoo = (
	expired => ['certificate-expired', qr/expired on 2021-01-01/],
	notyet => ['certificate-not-yet-valid', qr/not valid before 2048-01-01/],
	wrongname => ['certificate-wrong-name', qr/it is for other\.test, not for localhost/],
	cnonly => ['certificate-wrong-name', qr/subjectAltName/],
	selfsigned => ['certificate-self-signed', qr/self-signed/],
	otherca => ['certificate-unknown-issuer', qr/not among the trusted roots/],
	missing => ['certificate-incomplete-chain', qr/intermediate/],
	constrained => ['certificate-constraints', qr/not allowed to issue it/],
	clientonly => ['certificate-wrong-purpose', qr/not meant for servers/],
	rsa1024 => ['certificate-weak', qr/weak key/],
	sha1 => ['certificate-weak', qr/weak hash/],
	stranger => ['certificate-wrong-name', qr/other\.test/],
	bastard => ['certificate-constraints', qr/./],
	oldmiddle => ['certificate-expired', qr/expired/],
	hostileca => ['certificate-unknown-issuer', qr/./],
	critical => ['certificate-constraints', qr/./],
);

subtest 'a certificate that proves nothing' => sub {
	never(map {
		my ($cert, $tls) = split / /;
		my ($cause, $told) = @{ $zoo{$cert} };

		("$tls, $cert" => { server => { tls => $tls, cert => $cert, mechanisms_before_tls => 'PLAIN LOGIN' }, exit => 77,
			cause => $cause, told => $told });
	} map { ("$_ implicit", "$_ starttls") } sort keys %zoo);
};

subtest 'a token is kept as a password is' => sub {
	never(map { ("a token, $_" => { token => 1, server => { cert => $_, tls => 'starttls', mechanisms_before_tls => 'XOAUTH2' }, exit => 77,
		cause => $zoo{$_}[0] }) } qw(expired wrongname otherca));
};


my $zeros = 'spki:' . '0' x 64;
my $raw = 'NORMAL:+CTYPE-SRV-RAWPK';
my %clear = (mechanisms_before_tls => 'PLAIN LOGIN CRAM-MD5');

subtest 'what the account says of the server' => sub {
	never(
		'a pin of another key' => { keys => { tls_pin => $zeros }, exit => 77, cause => 'pin-mismatch',
			told => qr/not the pinned one: expected $zeros, seen spki:[0-9a-f]{64}/ },
		'two pins, and neither fits' => { server => { tls => 'starttls', %clear }, keys => { tls_pin => "$zeros, cert:" . '1' x 64 },
			exit => 77, cause => 'pin-mismatch', told => qr/seen spki:/ },
		'a pin, and no authority would do' => { server => { cert => 'selfsigned' }, keys => { tls_pin => $zeros }, exit => 77,
			cause => 'pin-mismatch' },
		'a raw public key that is not the pinned one' => { server => { raw_key => 'rsa' }, exit => 77, cause => 'pin-mismatch',
			keys => { tls_pin => $zeros, tls_priority => $raw }, told => qr/expected $zeros, seen spki:[0-9a-f]{64}, a raw public key/ },
		'... and a token, before STARTTLS and behind' => { token => 1, server => { tls => 'starttls', raw_key => 'rsa',
			mechanisms_before_tls => 'XOAUTH2' }, keys => { tls_pin => $zeros, tls_priority => "$raw:-VERS-TLS1.3" }, exit => 77,
			cause => 'pin-mismatch' },
		'raw public keys, and no pin' => { server => { raw_key => 'rsa' }, keys => { tls_priority => $raw }, exit => 78,
			cause => 'config', told => qr/raw public keys, and no tls_pin/, heard => [] },
		'another name by tls_host' => { keys => { tls_host => 'mail.example.net' }, exit => 77, cause => 'certificate-wrong-name',
			told => qr/not for mail\.example\.net/ },
		'another authority by tls_ca_file' => { keys => { tls_ca_file => '{certs}/otherca-ca.crt' }, exit => 77,
			cause => 'certificate-unknown-issuer' },
		'a list of revoked certificates' => { server => { cert => 'revoked' }, keys => { tls_crl_file => '{certs}/ca.crl' }, exit => 77,
			cause => 'certificate-revoked', told => qr/revoked/ },
		'tls_verify = no' => { keys => { tls_verify => 'no' }, exit => 78, cause => 'config', told => qr/tls_verify = no/, heard => [] },
		'tls_verify = no and a token' => { token => 1, keys => { tls_verify => 'no' }, exit => 78, cause => 'config', heard => [] },
	);
};

subtest 'a port without TLS' => sub {
	my %plain = (tls => 'off', mechanisms => 'PLAIN LOGIN CRAM-MD5');
	my @trusting = (host => 'localhost', tls_ca_file => cert('ca'));

	never(
		'TLS from the start, at plain SMTP' => { server => { %plain }, keys => { tls => 'implicit', @trusting }, exit => 76,
			cause => 'plain-smtp-here' },
		'STARTTLS, at plain SMTP' => { server => { %plain }, keys => { tls => 'starttls', @trusting }, exit => 76,
			cause => 'tls-not-offered' },
		'... with leave to show the password in clear' => { server => { %plain }, exit => 76, cause => 'tls-not-offered',
			keys => { tls => 'starttls', @trusting, allow_clear_password => 'yes' } },
		'tls = off' => { server => { %plain }, exit => 77, cause => 'login-clear-forbidden',
			told => qr/not encrypted/ },
		'tls = off, auth names PLAIN' => { server => { %plain }, keys => { auth => 'plain' }, exit => 77,
			cause => 'login-clear-forbidden' },
		'tls = off, and a token' => { token => 1, server => { tls => 'off' }, exit => 77, cause => 'login-clear-forbidden' },
		'tls = off, and the server has TLS' => { server => { tls => 'starttls', %clear }, keys => { tls => 'off' }, exit => 77,
			cause => 'login-clear-forbidden' },
		'a handshake in clear' => { server => { at => 'handshake plain', mechanisms => 'PLAIN' }, exit => 76, cause => 'plain-smtp-here' },
		'TLS 1.1' => { server => { priority => 'NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT' }, exit => 76, cause => 'tls-too-old' },
		'no certificate' => { server => { priority => 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH:+ANON-DH' }, exit => 76,
			cause => 'tls-nothing-in-common' },
		'no encryption' => { server => { priority => 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+NULL' }, exit => 76,
			cause => 'tls-nothing-in-common' },
	);
};

# What was right once says nothing of the next connection: no session is resumed, and mail
# that waits is held back from whoever stands at the port now.
subtest 'another server at the same port' => sub {
	my $first = server_start(tls => 'implicit', user => $user, password => $secret);
	my $port = $first->port;
	my $config = account($first, tls => 'implicit', user => $user, password => qq("$secret"), timeout => '9s');

	is(send_mail($config)->{exit}, 0, 'the right one');
	for my $now ([cert => 'wrongname'], [cert => 'otherca'], [at => 'handshake plain']) {
		my ($name) = join ' ', @$now;

		$first->stop;
		$first = server_start(port => $port, tls => 'implicit', user => $user, password => $secret, raw => 1, @$now);
		my $r = send_mail($config, ['send', 'you@example.net']);
		is($r->{exit}, 0, "$name: stored");
		like($r->{err}, qr/^sendoff: queued as p-\w+: /, "$name: and told so");
		$r = run_sendoff(['-C', $config, 'queue', 'flush']);
		isnt($r->{exit}, 0, "$name: nor does a flush send it");
		nothing_heard($first, $name);
	}
	$first->stop;
	$first = server_start(port => $port, tls => 'implicit', user => $user, password => $secret);
	file_write($config, file_read($config) . "# looked into\n");   # which is what ends a pause for such a reason
	run_sendoff(['-C', $config, 'queue', 'flush']);
	is($first->stored, 3, 'G4: and all of it goes out to the right one');
	is_deeply([queued()], [], 'nothing is left');
};

done_testing;
