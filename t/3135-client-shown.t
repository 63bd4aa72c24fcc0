#!/usr/bin/perl
# A client certificate goes to the right server alone: whoever is another one is found out
# before it is sent, and is told of in the same words as without it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(decode_json);
use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Ocsp;
use SendoffTest::Send;

my %mine = (tls_cert => cert('client'), tls_key => cert('client', 'key'));
my %of_version = ('1.2' => 'NORMAL:-VERS-ALL:+VERS-TLS1.2', '1.3' => 'NORMAL:-VERS-ALL:+VERS-TLS1.3');
my $zeros = 'spki:' . '0' x 64;

sub start
{
	my ($server, $keys) = @_;

	return send_mail_start(account($server, %$keys), ['--json', 'send', '--no-queue', 'you@example.net']);
}

# { exit, error } of the same mail with the certificate and without.
sub both
{
	my ($server, $keys) = @_;

	return map { { exit => $_->{exit}, error => (eval { decode_json($_->{out}) } // {})->{error} } }
		finish_all(map { start($server, { %$keys, %$_ }) } \%mine, {});
}

# Each: name, options of the server, keys of the account.
my @wrong = (
	['a foreign authority', { cert => 'otherca' }, {}],
	['by itself', { cert => 'selfsigned' }, {}],
	['another name', { cert => 'wrongname' }, {}],
	['out of date', { cert => 'expired' }, {}],
	['a weak key', { cert => 'rsa1024' }, {}],
	['revoked, says the response that comes along', { ocsp => ocsp_response('server', status => 'revoked') }, {}],
	['without the response that it demands', { cert => 'muststaple' }, {}],
	['revoked, says the list', { cert => 'revoked' }, { tls_crl_file => cert('ca', 'crl') }],
	['another key', {}, { tls_pin => $zeros }],
	['another raw key', { cert => 'selfsigned', raw_key => 'server' }, { tls_pin => $zeros, tls_priority => 'NORMAL:+CTYPE-SRV-RAWPK' }],
);

for my $version (sort keys %of_version) {
	for my $mode ('implicit', 'starttls') {
		subtest "another server, TLS $version, $mode" => sub {
			for my $case (@wrong) {
				my ($name, $server, $keys) = @$case;
				my $raw = $server->{raw_key} ? ':+CTYPE-SRV-RAWPK' : '';
				my $s = server_start(tls => $mode, client_ca => 1, priority => "$of_version{$version}$raw", %$server);
				my ($with, $without) = both($s, { tls => $mode, %$keys });

				is($with->{exit}, 77, "$name: refused");
				ok(length($with->{error}{text} // '') && $with->{error}{cause}, "$name: told: " . ($with->{error}{text} // ''));
				is_deeply($with, $without, "$name: as without a client certificate");
				is_deeply([$s->shown], [], "$name: which was not shown");
				ok(scalar(grep { $_ eq 'handshake failed: the client says: Certificate is bad' } $s->tls), "$name: and why")
					or diag(explain([$s->tls]));
				is_deeply([grep { !/^(?:EHLO|STARTTLS)/ } $s->commands], [], "$name: nothing else was said");
				$s->stop;
			}
		};
		subtest "the right one, TLS $version, $mode" => sub {
			for my $case (['by its certificate', {}, {}], ['with a good response', { ocsp => ocsp_response('server') }, {}],
					['that demands one', { cert => 'muststaple', ocsp => ocsp_response('muststaple') }, {}],
					['by a list', {}, { tls_crl_file => cert('ca', 'crl') }],
					['that nobody looks at', { cert => 'otherca' }, { tls_verify => 'no' }]) {
				my ($name, $server, $keys) = @$case;
				my $s = server_start(tls => $mode, client_ca => 1, priority => $of_version{$version}, %$server);
				my ($run) = finish_all(start($s, { tls => $mode, %mine, %$keys }));

				is($run->{exit}, 0, "$name: sent") or diag($run->{out});
				is_deeply([$s->shown], ['a client certificate'], "$name: the certificate was shown");
				ok(grep(/client certificate of me\@example\.com/, $s->tls), "$name: and taken");
				$s->stop;
			}
		};
	}
}

# Without what is not known before the handshake is over, and what is said of our own.
sub chain_of
{
	my ($report) = @_;
	my %facts = %{ stage($report, 'tls')->{facts} };

	delete @facts{grep { /^(?:cipher|group|client_\w+)$/ } keys %facts};
	return (\%facts, [grep { $_->{text} !~ /client certificate/ } @{ stage($report, 'tls')->{lines} }]);
}

subtest 'what check says of another server' => sub {
	for my $version (sort keys %of_version) {
		for my $cert ('otherca', 'wrongname', 'chain') {
			my $s = server_start(tls => 'implicit', client_ca => 1, cert => $cert, priority => $of_version{$version});
			my %keys = (tls => 'implicit', timeout => '1s', $cert eq 'chain' ? (tls_pin => $zeros) : ());
			my ($with, $r) = checked(account($s, %keys, %mine));
			my ($without) = checked(account($s, %keys));

			is($r->{exit}, 77, "$cert, TLS $version: refused");
			is_deeply($with->{failed}, $without->{failed}, "$cert, TLS $version: in the same words");
			is_deeply([chain_of($with)], [chain_of($without)], "$cert, TLS $version: with the same facts and lines");
			is(stage($with, 'tls')->{facts}{version}, "TLS$version", "$cert, TLS $version: the version too");
			is_deeply([$s->shown], [], "$cert, TLS $version: neither it nor any knock shows a certificate");
			$s->stop;
		}
	}
};

subtest 'what check looks at elsewhere' => sub {
	my $s = server_start(tls => 'implicit', client_ca => 1);
	my ($report) = checked(account($s, tls => 'starttls', timeout => '700ms', %mine));
	my ($way) = grep { $_->{port} == $s->port && $_->{tls} eq 'implicit' } @{ stage($report, 'elsewhere')->{facts}{tried} };

	ok($way->{works}, 'another way would do');
	ok(scalar(grep { /resumed=/ } $s->tls), 'by a handshake');
	is_deeply([$s->shown], [], 'in which no certificate is shown');
	$s->stop;
};

# In it the server proves its key with its last word.
subtest 'RSA key exchange' => sub {
	my $s = server_start(tls => 'implicit', client_ca => 1, cert => 'rsa',
		priority => 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA');
	my ($with, $without) = both($s, { tls => 'implicit' });

	is($without->{exit}, 0, 'a server that has nothing else is taken');
	is($with->{exit}, 76, 'not with a client certificate') or diag(explain($with));
	is($with->{error}{cause}, 'tls-nothing-in-common', 'its cause');
	like($with->{error}{next}, qr/RSA, which tls_cert does without, tls_priority = NORMAL:\+RSA takes that/, 'and what would');
	is_deeply([$s->shown], [], 'it was not shown');
	my ($run) = finish_all(start($s, { tls => 'implicit', %mine, tls_priority => 'NORMAL:+RSA' }));
	is($run->{exit}, 0, 'by that it is') or diag($run->{out});
	is_deeply([$s->shown], ['a client certificate'], 'now it was');
	($run) = finish_all(start($s, { tls => 'implicit', %mine, tls_verify => 'no' }));
	is($run->{exit}, 0, 'so it is by whoever believes everybody') or diag($run->{out});
	$s->stop;
};

done_testing;
