#!/usr/bin/perl
# Postfix showing raw public keys (RFC 7250), as it does since 3.9 to who asks; its
# smtpd_tls_enable_rpk is about those of clients.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Postfix;
use SendoffTest::Send qw(letter);

plan skip_all => SendoffTest::Postfix->why_not if SendoffTest::Postfix->why_not;
plan skip_all => 'Postfix ' . SendoffTest::Postfix::postfix_version() . ' shows no raw public keys; 3.9 does'
	if SendoffTest::Postfix::output('postconf', '-d') !~ /^smtpd_tls_enable_rpk = /m;

my $asks = 'NORMAL:+CTYPE-SRV-RAWPK';
my %mandatory = (smtpd_tls_security_level => 'encrypt', smtpd_tls_auth_only => 'yes');
my %client = (user => undef, password => undef, auth => 'none', tls_cert => cert('client'), tls_key => cert('client', 'key'));
my $postfix = SendoffTest::Postfix->start(
	main => { smtpd_tls_loglevel => 2 },
	services => {
		starttls => \%mandatory,
		implicit => { smtpd_tls_wrappermode => 'yes' },
		old => { %mandatory, smtpd_tls_mandatory_protocols => '<=TLSv1.2' },
		rsa => { %mandatory, smtpd_tls_cert_file => cert('rsa'), smtpd_tls_key_file => cert('rsa', 'key') },
		client => { %mandatory, smtpd_tls_ask_ccert => 'yes', smtpd_tls_enable_rpk => 'yes', smtpd_tls_CAfile => cert('ca'),
			smtpd_sasl_auth_enable => 'no', smtpd_relay_restrictions => 'permit_tls_all_clientcerts, reject' },
	});
my %pin = map {
	my $file = cert($_, 'key');

	$_ => 'spki:' . (`openssl pkey -in $file -pubout -outform der | openssl dgst -sha256 -hex` =~ /([0-9a-f]{64})/)[0]
} qw(server rsa);
my $count = 0;

sub runs
{
	my ($service, $keys, @args) = @_;
	my $id = sprintf 'raw-%03d', ++$count;
	my $config = $postfix->config($service, tls_ca_file => undef, tls_priority => $asks, tls_pin => $pin{server},
		tls => $service eq 'implicit' ? 'implicit' : 'starttls', %$keys);
	my $r = run_sendoff([ '-C', $config, @args, 'send', '--no-queue', 'a@example.net' ], stdin => letter("$id\n"));

	return ($r, scalar $postfix->arrived($id), $config);
}

for my $case (['starttls', {}], ['implicit', {}], ['old', {}], ['rsa', { tls_pin => $pin{rsa} }],
	['starttls', { tls_pin => "$pin{rsa}, $pin{server}" }], ['starttls', { tls_priority => 'NORMAL:-CTYPE-ALL:+CTYPE-RAWPK' }],
	['starttls', { tls_priority => 'NORMAL:-CTYPE-ALL:+CTYPE-RAWPK:+CTYPE-X509' }],
	['client', { %client, tls_priority => 'NORMAL:+CTYPE-RAWPK' }], ['client', { %client, tls_priority => "$asks:-VERS-TLS1.3" }]) {
	my ($service, $keys) = @$case;
	my $name = join ', ', $service, map { "$_ = $keys->{$_}" } grep { /^tls_p/ } sort keys %$keys;
	my ($r, $arrived) = runs($service, $keys);

	is_deeply([@$r{qw(exit out err)}], [0, '', ''], "$name: sent, silently");
	is($arrived, 1, "$name: and arrived");
	($r) = runs($service, $keys, '-v');
	like($r->{err}, qr/^\* \[TLS: TLS1\.[23] [-A-Z0-9 ]+, raw public key verified\]$/m, "$name: by a raw public key");
}

my ($r, $arrived) = runs('starttls', { tls_priority => undef }, '-v');
is($r->{exit}, 0, 'who does not ask for it gets the certificate, for which the pin is good too');
like($r->{err}, qr/, certificate verified\]$/m, 'and is told so');

for my $service (qw(starttls implicit old)) {
	my $before = $postfix->sessions($service);

	($r, $arrived) = runs($service, { tls_pin => $pin{rsa} });
	is($r->{exit}, 77, "$service: another key: 77");
	like($r->{err}, qr/not the pinned one: expected $pin{rsa}, seen $pin{server}, a raw public key/, "$service: told");
	is($arrived, 0, "$service: nothing arrived");
	my %said = map { %$_ } splice @{ [ $postfix->sessions($service) ] }, $before;
	delete @said{qw(ehlo starttls quit commands unknown)};
	is_deeply(\%said, {}, "$service: D1: no login and no mail");
}

my $config = (runs('starttls', {}))[2];
my ($report) = checked($config);
is($report->{exit}, 0, 'check goes through');
is_deeply(stage($report, 'tls')->{facts}{raw_public_key}, { key => 'EC/ECDSA', bits => 256, key_pin => $pin{server} }, 'and tells the key');
is(stage($report, 'login')->{mark}, 'ok', 'behind which it logs in');
is_deeply([ grep { !/SSL_accept|lost connection|warning: TLS library problem/ } $postfix->complaints ], [],
	'Postfix finds no fault but that somebody hung up');

done_testing;
