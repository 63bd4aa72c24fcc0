# What an OCSP responder says (RFC 6960), made without one: also what none would say.
package SendoffTest::Ocsp;

use strict;
use warnings;

use Digest::SHA qw(sha1);
use Exporter 'import';
use MIME::Base64 qw(decode_base64);
use POSIX qw(strftime);
use SendoffTest;

our @EXPORT = qw(ocsp_response);

my $count = 0;

sub der
{
	my ($tag, @parts) = @_;
	my $content = join '', @parts;
	my $len = length $content;

	return pack('C', $tag) . ($len < 128 ? pack('C', $len) : $len < 256 ? pack('CC', 0x81, $len) :
		pack('Cn', 0x82, $len)) . $content;
}

# One element: tag, content, whole, and what follows.
sub element
{
	my ($text) = @_;
	my ($tag, $len) = unpack 'CC', $text;
	my $at = 2;

	if ($len & 0x80) {
		my $octets = $len & 0x7f;
		$len = unpack 'N', "\0" x (4 - $octets) . substr $text, 2, $octets;
		$at += $octets;
	}
	return ($tag, substr($text, $at, $len), substr($text, 0, $at + $len), substr $text, $at + $len);
}

# Names of t/certs.sh, or paths without their end.
sub file_of
{
	my ($name, $kind) = @_;

	return $name =~ m{/} ? "$name.$kind" : cert($name, $kind);
}

# The parts of a certificate that a response speaks of.
sub certificate
{
	my ($name) = @_;
	my ($pem) = file_read(file_of($name, 'crt')) =~ /-----BEGIN CERTIFICATE-----(.*?)-----END/s;
	my $der = decode_base64($pem);
	my @parts;
	my $rest = (element((element($der))[1]))[1];

	while (length $rest) {
		my ($tag, $content, $whole, $behind) = element($rest);
		push @parts, [$content, $whole] if $tag != 0xa0;
		$rest = $behind;
	}
	# subjectPublicKey without the octet that counts unused bits
	my $key = (element((element($parts[5][0]))[3]))[1];
	return { der => $der, serial => $parts[0][1], subject => $parts[4][1], key => substr($key, 1) };
}

sub moment { return der(0x18, strftime('%Y%m%d%H%M%SZ', gmtime $_[0])) }

sub status
{
	my (%o) = @_;

	return der(0x80) if $o{status} eq 'good';
	return der(0x82) if $o{status} eq 'unknown';
	return der(0xa1, moment($o{revoked}), defined $o{reason} ? der(0xa0, der(0x0a, pack 'C', $o{reason})) : ());
}

# RFC 6960 section 4.2.1.  Fields: issuer, signer (names of certificates; with a signer other
# than the issuer its certificate goes along), status (good, revoked, unknown), revoked and
# reason, from and to (to => undef: it does not say), error (a number instead of all that).
sub ocsp_response
{
	my ($name, %given) = @_;
	my %o = (issuer => 'ca', status => 'good', from => time - 3600, to => time + 86400, revoked => 1700000000,
		%given);
	my $file = workdir() . '/ocsp' . ++$count . '.der';
	my ($crt, $issuer) = (certificate($name), certificate($o{issuer}));
	my $signer = $o{signer} ? certificate($o{signer}) : $issuer;

	return file_write($file, der(0x30, der(0x0a, pack 'C', $o{error}))) if $o{error};
	my $data = der(0x30, der(0xa1, $signer->{subject}), moment($o{from}), der(0x30, der(0x30,
		der(0x30, der(0x30, "\x06\x05\x2b\x0e\x03\x02\x1a", der(0x05)), der(0x04, sha1($issuer->{subject})),
			der(0x04, sha1($issuer->{key})), $crt->{serial}),
		status(%o), moment($o{from}), defined $o{to} ? der(0xa0, moment($o{to})) : ())));
	my $key = file_of($o{signer} // $o{issuer}, 'key');
	my $by = file_read($key) =~ /BEGIN RSA/ ? der(0x30, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", der(0x05)) :
		der(0x30, "\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02");
	file_write("$file.tbs", $data);
	my $signature = `openssl dgst -sha256 -sign \Q$key\E \Q$file.tbs\E`;
	die "openssl dgst: $?\n" if $?;
	$signature =~ s/.$/chr(ord($&) ^ 1)/se if $o{forged};
	my $basic = der(0x30, $data, $by, der(0x03, "\0", $signature),
		$o{signer} ? der(0xa0, der(0x30, $signer->{der})) : ());
	return file_write($file, der(0x30, der(0x0a, "\0"), der(0xa0, der(0x30,
		"\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01", der(0x04, $basic)))));
}

1;
