#!/usr/bin/perl
# Postfix with TLS as it should be, and in every way as it should not.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Postfix;
use SendoffTest::Send qw(letter);

plan skip_all => SendoffTest::Postfix->why_not if SendoffTest::Postfix->why_not;

my %starttls = (smtpd_tls_security_level => 'encrypt', smtpd_tls_auth_only => 'yes');

sub with_cert
{
	my ($name) = @_;

	return (smtpd_tls_cert_file => cert($name), smtpd_tls_key_file => cert($name, 'key'));
}

my @bad = qw(otherca selfsigned wrongname expired notyet cnonly clientonly ipindns missing
	constrained rsa1024 partwild);
my @good = qw(server rsa chain);
my $postfix = SendoffTest::Postfix->start(
	# So that the old and weak can be offered at all.
	main => { tls_medium_cipherlist => 'ALL:@SECLEVEL=0', smtpd_tls_loglevel => 0 },
	services => {
		none => { smtpd_tls_security_level => 'none' },
		(map { ("relay-$_" => { smtpd_tls_security_level => $_, mynetworks => '127.0.0.0/8',
			smtpd_relay_restrictions => 'permit_mynetworks, reject_unauth_destination' }) } qw(may none)),
		submission => \%starttls,
		smtps => { smtpd_tls_wrappermode => 'yes' },
		'tls1-1' => { %starttls, smtpd_tls_mandatory_protocols => '<=TLSv1.1' },
		'tls1-2' => { %starttls, smtpd_tls_mandatory_protocols => '<=TLSv1.2' },
		anonymous => { %starttls, smtpd_tls_cert_file => 'none', smtpd_tls_key_file => '' },
		client => { smtpd_tls_wrappermode => 'yes', smtpd_tls_ask_ccert => 'yes',
			smtpd_tls_CAfile => cert('ca'), smtpd_sasl_auth_enable => 'no',
			smtpd_relay_restrictions => 'permit_tls_all_clientcerts, reject' },
		(map { ("$_-s" => { %starttls, with_cert($_) },
			"$_-i" => { smtpd_tls_wrappermode => 'yes', with_cert($_) }) } @bad, @good),
	});
my $count = 0;

sub runs
{
	my ($service, %keys) = @_;
	my $id = sprintf 'tls-%03d', ++$count;
	my $r = run_sendoff([ '-C', $postfix->config($service, %keys), 'send', '--no-queue', 'a@example.net' ],
		stdin => letter("$id\n"));

	return ($r, scalar $postfix->arrived($id));
}

sub sends
{
	my ($name, $service, %keys) = @_;
	my ($r, $arrived) = runs($service, %keys);

	is_deeply([ @$r{qw(exit out err)} ], [ 0, '', '' ], "$name: sent, silently");
	is($arrived, 1, "$name: arrived");
}

# Refused, and nothing said in clear but EHLO, STARTTLS and perhaps QUIT; nor,
# where the certificate was not good, anything inside TLS.
sub is_refused
{
	my ($name, $service, $keys, $exit, @texts) = @_;
	my $before = $postfix->sessions($service);
	my ($r, $arrived) = runs($service, %$keys);
	my @sessions = $postfix->sessions($service);
	my %said = map { %$_ } splice @sessions, $before;

	is($r->{exit}, $exit, "$name: G1: exit $exit");
	is($r->{out}, '', "$name: nothing on stdout");
	like($r->{err}, $_, "$name: the text") for @texts;
	like($r->{err}, qr/\Asendoff: [^\n]+\n  [^\n]+\n\z/, "$name: two lines");
	is($arrived, 0, "$name: nothing arrived");
	delete @said{qw(ehlo starttls quit commands unknown)};
	is_deeply(\%said, {}, "$name: D1: no login and no mail");
	cmp_ok($r->{seconds}, '<', 5, "$name: C1: at once");
}

for my $name (@good) {
	sends("D3: $name, starttls", "$name-s");
	sends("D3: $name, implicit", "$name-i", tls => 'implicit');
}
sends('TLS 1.2', 'tls1-2');
sends('another name in the certificate', 'wrongname-s', tls_host => 'other.test');
sends('by address', 'server-s', host => '127.0.0.1');
sends('a client certificate instead of a login', 'client', tls => 'implicit', user => undef,
	password => undef, auth => 'none', tls_cert => cert('client'), tls_key => cert('client', 'key'));

# TLS where it is offered, for who does not log in.
my %opportunistic = (tls => 'opportunistic', user => undef, password => undef);
sends('opportunistic, offered', 'relay-may', %opportunistic);
like(($postfix->arrived(sprintf 'tls-%03d', $count))[0]{received}, qr/using TLSv1.*with ESMTPS /s, '... encrypted');
sends('opportunistic, not offered', 'relay-none', %opportunistic);
like(($postfix->arrived(sprintf 'tls-%03d', $count))[0]{received}, qr/with ESMTP /, '... in clear');

my %words = (
	otherca => qr/authority|issuer|trust/i, selfsigned => qr/authority|issuer|trust|self-signed/i,
	wrongname => qr/other\.test/, expired => qr/expired|2021/, notyet => qr/not yet|2048/,
	cnonly => qr/name/, clientonly => qr/purpose|client|server/, ipindns => qr/name/,
	missing => qr/authority|issuer|chain/, constrained => qr/constrain/i, rsa1024 => qr/1024|weak/,
	partwild => qr/s\*\.example\.test/,
);
for my $name (@bad) {
	my %keys = $name eq 'ipindns' ? (host => '127.0.0.1') :
		$name eq 'partwild' ? (tls_host => 'smtp.example.test') : ();
	is_refused("D3: $name, starttls", "$name-s", \%keys, 77, $words{$name});
	is_refused("D3: $name, implicit", "$name-i", { %keys, tls => 'implicit' }, 77, $words{$name});
}

is_refused('D1: STARTTLS is not offered', 'none', {}, 76, qr/STARTTLS/);
is_refused('D4: TLS 1.1 only', 'tls1-1', {}, 76, qr/TLS/);
is_refused('D4: no certificate at all', 'anonymous', {}, 76, qr/TLS|certificate/);

is_refused('opportunistic is not unverified', 'otherca-s', \%opportunistic, 77, $words{otherca});

# The wrong mode for the port: the hint names the right one.  A server that waits
# for TLS says nothing, as one does that is out of breath: that may pass.
is_refused('implicit on a STARTTLS port', 'submission', { tls => 'implicit' }, 76,
	qr/tls = starttls/);
is_refused('STARTTLS on an implicit port', 'smtps', { tls => 'starttls', timeout => '2s' }, 75,
	qr/tls = implicit/);
is_refused('plain on an implicit port', 'smtps', { tls => 'off', timeout => '2s' }, 75,
	qr/tls = implicit/);
is_refused('plain on a STARTTLS port', 'submission', { tls => 'off' }, 77, qr/tls = starttls/);

done_testing;
