#!/usr/bin/perl
# OCSP responses of OpenSSL's responder, sent along by OpenSSL's server, and lists of
# revoked certificates made by OpenSSL.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use IO::Socket::INET;
use JSON::PP qw(decode_json);
use POSIX ();
use SendoffTest;
use SendoffTest::Send;

plan skip_all => 'openssl is not installed (t/setup.sh interop)' if !grep { -x "$_/openssl" } split /:/, $ENV{PATH};

my $dir = workdir() . '/ca';
mkdir $dir, 0700;

sub openssl
{
	my (@words) = @_;
	my $r = run_sendoff([], command => ['openssl', @words], tells => 1);

	die "openssl @words: $r->{err}" if $r->{exit};
	return $r->{out};
}

sub free_port
{
	my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $!\n";
	my $port = $s->sockport;

	close $s;
	return $port;
}

# An authority of OpenSSL's own, with what it has issued: good, bad (revoked), must (must-staple).
file_write("$dir/conf", <<"END");
[ca]
default_ca = own
[own]
dir = $dir
database = $dir/index.txt
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
serial = $dir/serial
crlnumber = $dir/crlnumber
default_md = sha256
default_days = 200
default_crl_days = 7
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
subjectKeyIdentifier = hash
[leaf]
subjectAltName = DNS:localhost
extendedKeyUsage = serverAuth
keyUsage = digitalSignature
[must]
subjectAltName = DNS:localhost
extendedKeyUsage = serverAuth
keyUsage = digitalSignature
tlsfeature = status_request
[req]
distinguished_name = dn
[dn]
END
file_write("$dir/index.txt", '');
file_write("$dir/serial", "1000\n");
file_write("$dir/crlnumber", "01\n");
my @new = ('req', '-config', "$dir/conf", '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-batch');
openssl(@new, '-x509', '-days', '300', '-subj', '/CN=OpenSSL test CA', '-extensions', 'root', '-keyout', "$dir/ca.key", '-out', "$dir/ca.pem");
for my $name (qw(good bad must)) {
	openssl(@new, '-subj', "/CN=$name", '-keyout', "$dir/$name.key", '-out', "$dir/$name.csr");
	openssl('ca', '-config', "$dir/conf", '-batch', '-notext', '-extensions', $name eq 'must' ? 'must' : 'leaf', '-in', "$dir/$name.csr",
		'-out', "$dir/$name.pem");
}
openssl('ca', '-config', "$dir/conf", '-revoke', "$dir/bad.pem", '-crl_reason', 'superseded');
openssl('ca', '-config', "$dir/conf", '-gencrl', '-out', "$dir/crl.pem");

# The responder gets the questions that a server would ask it, without a network: it can only
# listen at all addresses.
for my $name (qw(good bad must)) {
	openssl('ocsp', '-issuer', "$dir/ca.pem", '-cert', "$dir/$name.pem", '-no_nonce', '-reqout', "$dir/$name.ask");
	openssl('ocsp', '-index', "$dir/index.txt", '-CA', "$dir/ca.pem", '-rsigner', "$dir/ca.pem", '-rkey', "$dir/ca.key", '-nmin', '60',
		'-reqin', "$dir/$name.ask", '-respout', "$dir/$name.ocsp");
}

my $server;

END { kill 'KILL', $server if $server }

# That server at a port that was free a moment ago, and what sendoff has for a JSON object.
sub visit
{
	my ($name, $keys, @options) = @_;
	my $port = free_port();
	my $r;

	pipe my $in, my $out or die "pipe: $!\n";
	$server = fork // die "fork: $!\n";
	if (!$server) {
		close $out;
		open STDIN, '<&', $in;
		open STDOUT, '>', '/dev/null';
		open STDERR, '>', '/dev/null';
		exec 'openssl', 's_server', '-quiet', '-accept', "127.0.0.1:$port", '-cert', "$dir/$name.pem", '-key', "$dir/$name.key", '-naccept', '1',
			@options;
		exit 127;
	}
	close $in;
	syswrite $out, "421 4.3.2 trusted\r\n";
	for (1 .. 100) {   # until it listens
		$r = send_mail(config(account_text(tls => 'implicit', port => $port, tls_ca_file => "$dir/ca.pem", timeout => '5s', %$keys)),
			['--json', 'send', '--no-queue', 'you@example.net']);
		last if $r->{out} !~ /connect-refused/ || waitpid($server, POSIX::WNOHANG) > 0;
		select undef, undef, undef, 0.1;
	}
	close $out;
	kill 'KILL', $server;
	waitpid $server, 0;
	$server = 0;
	return decode_json($r->{out});
}

# What it makes of that server, which says 421 where it is trusted.
sub ask
{
	my $json;

	for (1 .. 5) {   # somebody else may have taken the port
		$json = visit(@_);
		last if $json->{error}{cause} ne 'connect-refused';
	}
	return $json->{error}{text} =~ /^421 4\.3\.2 trusted/ ? 'trusted' : "$json->{error}{cause}: $json->{error}{text}";
}

for my $version ('-tls1_2', '-tls1_3') {
	is(ask('good', {}, $version), 'trusted', "$version: without a response");
	is(ask('good', {}, $version, '-status_file', "$dir/good.ocsp"), 'trusted', "$version: with a good one");
	is(ask('bad', {}, $version), 'trusted', "$version: revoked, and nobody says so");
	like(ask('bad', {}, $version, '-status_file', "$dir/bad.ocsp"),
		qr/^certificate-revoked: .*it was revoked on 20\d\d-\d\d-\d\d \(it was replaced\), says the OCSP response/, "$version: revoked");
	like(ask('good', {}, $version, '-status_file', "$dir/must.ocsp"), qr/^ocsp-wrong: .*is for another certificate/, "$version: another's");
	like(ask('must', {}, $version), qr/^ocsp-missing: /, "$version: must-staple without one");
	is(ask('must', {}, $version, '-status_file', "$dir/must.ocsp"), 'trusted', "$version: must-staple with one");
}
is(ask('good', { tls_crl_file => "$dir/crl.pem" }), 'trusted', 'a list that does not have it');
like(ask('bad', { tls_crl_file => "$dir/crl.pem" }), qr/^certificate-revoked: .*by the list of "CN=OpenSSL test CA"/, 'a list that has it');

done_testing;
