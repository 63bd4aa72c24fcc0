#!/usr/bin/perl
# Logging in with a Kerberos ticket (GSSAPI) as far as it goes without a realm: no ticket, a
# KDC that does not answer, and a server that is not the one that the ticket is for.  With a
# realm: t/interop/kerberos.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(decode_base64 encode_base64);
use SendoffTest;
use SendoffTest::Send;

my %tls = (tls => 'implicit');
my %server = (%tls, user => 'me', password => 'unused w0rd', mechanisms => 'GSSAPI PLAIN');
my %ticket = (%tls, auth => 'gssapi');
my $realm = 'EXAMPLE.TEST';

sub auths { return scalar grep { /^AUTH/ } $_[0]->commands }
sub mails { return scalar grep { /^(?:MAIL|RCPT|DATA|BDAT|\()/ } $_[0]->commands }

# ---- Kerberos' files

sub krb5_config
{
	my ($port) = @_;

	return file_write(workdir() . "/krb5-$port.conf", <<"END");
[libdefaults]
	default_realm = $realm
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
[realms]
	$realm = {
		kdc = 127.0.0.1:$port
	}
[domain_realm]
	localhost = $realm
END
}

# A key table with one key of me@REALM.
sub keytab
{
	my $entry = pack('n n/a* n/a* N N C n n/a* N', 1, $realm, 'me', 1, time, 1, 18, 'k' x 32, 1);

	return 'FILE:' . file_write(workdir() . '/keytab', pack('n N/a*', 0x0502, $entry));
}

sub der { my ($tag, @parts) = @_; my $text = join '', @parts;
	return pack('C', $tag) . (length $text < 128 ? pack('C', length $text) : pack('C n', 0x82, length $text)) . $text }
sub der_number { return der(2, pack 'C', $_[0]) }
sub der_text { return der(0x1b, $_[0]) }

# A cache with a ticket for smtp/localhost that no KDC has made: RFC 4120 section 5.3 around
# octets that no server can decrypt.
sub cache
{
	my ($ends) = @_;
	my $name = sub { my ($type, @parts) = @_; return pack('N N N/a*', $type, scalar @parts, $realm) . join '', map { pack 'N/a*', $_ } @parts };
	my $ticket = der(0x61, der(0x30, der(0xa0, der_number(5)), der(0xa1, der_text($realm)),
		der(0xa2, der(0x30, der(0xa0, der_number(2)), der(0xa1, der(0x30, der_text('smtp'), der_text('localhost'))))),
		der(0xa3, der(0x30, der(0xa0, der_number(18)), der(0xa2, der(4, 'x' x 200))))));
	my $me = $name->(1, 'me');

	return 'FILE:' . file_write(workdir() . '/cache', pack('n n', 0x0504, 0) . $me . $me . $name->(2, 'smtp', 'localhost') .
		pack('n N/a*', 18, 'k' x 32) . pack('N4 C N N N', time - 60, time - 60, $ends // time + 3600, 0, 0, 0x00400000, 0, 0) .
		pack('N/a* N/a*', $ticket, ''));
}

# ---- no ticket

subtest 'without a ticket nothing is said of a login' => sub {
	my $s = server_start(%server);
	my %env = (KRB5CCNAME => 'FILE:' . workdir() . '/nothing', KRB5_CONFIG => krb5_config(1));
	my $r = send_mail(account($s, %ticket), undef, env => \%env);

	is($r->{exit}, 78, 'G1: 78') or diag($r->{err});
	like($r->{err}, qr/^sendoff: Kerberos gives no ticket for the server: \S.*\n  get one with kinit/, 'E4: in words');
	is(auths($s) . mails($s), '00', 'D6: no login is begun, and there is no mail');
	is_deeply([ $s->violations ], [], 'by the rules');

	$r = send_mail(account($s, %ticket), ['send', 'you@example.net'], env => \%env);
	is($r->{exit}, 0, 'B1: what may wait is stored') or diag($r->{err});
	is(queued(), 1, '... indeed');
	$r = send_mail(account($s, %ticket), ['send', 'you@example.net'], env => \%env);
	is($r->{exit}, 0, 'the next as well');
	is($s->connections, 3, '... and it was tried: a ticket may have come');
	queue_empty();

	# No fall to what the list names behind it.
	$r = send_mail(account($s, %ticket, auth => 'gssapi, plain', user => 'me', password => 'unused w0rd'), undef, env => \%env);
	is($r->{exit} . auths($s), '780', 'D6: no weaker login instead');
	$r = run_sendoff(['-C', account($s, %ticket), 'check', '--json'], env => \%env);
	my $report = decode_json($r->{out});
	is($report->{failed}{stage}, 'login', 'check: the stage');
	is($report->{failed}{cause}, 'kerberos-no-ticket', '... the cause');
	is((grep { $_->{stage} eq 'secret' } @{ $report->{stages} })[0]{facts}{source}, 'none', '... and there is no secret');
	$r = run_sendoff(['-C', account($s, %ticket), 'check'], env => \%env);
	like($r->{out}, qr/secret .*it logs in by its Kerberos ticket/, '... in words');
};

subtest 'a ticket of yesterday' => sub {
	my $s = server_start(%server);
	my $r = send_mail(account($s, %ticket), undef, env => { KRB5CCNAME => cache(time - 3000), KRB5_CONFIG => krb5_config(1) });

	like($r->{exit}, qr/^7[578]$/, 'is none') or diag($r->{err});
	is(auths($s), 0, 'nothing is said of a login');
};

# ---- the KDC

subtest 'C1: a KDC that does not answer' => sub {
	my $hole = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die;
	my $udp = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => $hole->sockport);
	plan skip_all => 'no such port' if !$udp;
	my %env = (KRB5CCNAME => 'MEMORY:', KRB5_CLIENT_KTNAME => keytab(), KRB5_CONFIG => krb5_config($hole->sockport));
	my $s = server_start(%server);
	my $r = send_mail(account($s, %ticket, connect_timeout => '900ms'), undef, env => \%env, timeout => 60);

	is($r->{exit}, 75, 'G1: 75') or diag($r->{err});
	like($r->{err}, qr/Kerberos gives no ticket for the server: no answer within 1 s.*\n  check that this machine is online/,
		'E4: in words');
	is(auths($s) . mails($s), '00', 'no login, no mail');
	is(scalar(grep { (eval { file_read("$_/environ") } // '') =~ /KRB5_CONFIG=\Q$env{KRB5_CONFIG}\E/ } glob '/proc/[0-9]*'),
		0, 'C1: no child is left');
	$r = send_mail(account($s, %ticket, connect_timeout => '900ms'), ['send', 'you@example.net'], env => \%env, timeout => 60);
	is($r->{exit} . queued(), '01', 'B1: what may wait is stored');
	queue_empty();

	# The server goes away meanwhile.
	$s = server_start(%server, at => 'EHLO keep close');
	$r = send_mail(account($s, %ticket, connect_timeout => '30s'), undef, env => \%env, timeout => 25);
	like($r->{exit}, qr/^7[456]$/, 'C1: a server that leaves is noticed at once') or diag($r->{err});
	cmp_ok($r->{seconds}, '<', 20, '... and the KDC not waited for');
};

subtest 'a KDC that is not there' => sub {
	my $s = server_start(%server);
	my $r = send_mail(account($s, %ticket), undef, timeout => 60, env => { KRB5CCNAME => 'MEMORY:',
		KRB5_CLIENT_KTNAME => keytab(), KRB5_CONFIG => krb5_config(1) });

	is($r->{exit}, 75, 'G1: 75') or diag($r->{err});
	like($r->{err}, qr/^sendoff: Kerberos gives no ticket for the server: \S.*\n  check that this machine is online/, 'E4: in words');
	is(auths($s), 0, 'no login');
};

# ---- the server

subtest 'hostile servers' => sub {
	my %env = (KRB5CCNAME => cache(), KRB5_CONFIG => krb5_config(1));
	my $junk = 'eA==' x 12_000;
	my %says = (
		'refused' => ['AUTH reply "535 5.7.8 no"', 77, qr/535 5\.7\.8 no .*\n.*klist/],
		'235 at once' => ['AUTH reply "235 2.7.0 welcome"', 77, qr/said yes before it was shown the ticket/],
		'235 to the ticket' => [['AUTH reply "334 "', 'AUTH-RESPONSE reply "235 2.7.0 welcome"'], 77, qr/does not prove/],
		'garbage' => [['AUTH reply "334 "', 'AUTH-RESPONSE reply "334 ' . b64("\xff" x 3000) . '"'], 77,
			qr/the server's answer is not Kerberos'/],
		'nothing' => [['AUTH reply "334 "', 'AUTH-RESPONSE reply "334 "'], 77, qr/the server's answer is not Kerberos'/],
		'a GSS-API token of nobody' => [['AUTH reply "334 "', 'AUTH-RESPONSE reply "334 ' .
			b64("\x60\x0f\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x02\x00\x6f\x00") . '"'], 77, qr/the server's answer is not Kerberos'/],
		'no base64' => [['AUTH reply "334 "', 'AUTH-RESPONSE reply "334 !!"'], 76, qr/not base64/],
		'48 kB' => [['AUTH reply "334 "', qq(AUTH-RESPONSE reply "334 $junk")], 76, qr/\S{3}/],
		'40 kB of a challenge' => [['AUTH reply "334 "', 'AUTH-RESPONSE reply "334 ' . b64('x' x 40_000) . '"'], 77,
			qr/\S{3}/],
		'two answers' => [['AUTH reply "334 "', 'AUTH-RESPONSE reply "334 eA==\r\n235 2.7.0 welcome"'], 76, qr/before it was asked/],
		'silence' => [['AUTH reply "334 "', 'AUTH-RESPONSE silence'], 75, qr/gave no answer/],
	);
	for my $what (sort keys %says) {
		my ($at, $code, $words) = @{ $says{$what} };
		my $s = server_start(%server, at => $at);
		my $r = send_mail(account($s, %ticket, timeout => '1s'), undef, env => \%env, timeout => 60);

		like($r->{exit}, $what =~ /kB/ ? qr/^7[67]$/ : qr/^$code$/, "$what: G1: exit $code") or diag($r->{err});
		like($r->{err}, $words, "$what: in words");
		cmp_ok(scalar(() = $s->commands), '<', 8, "$what: soon");
		is(auths($s) . mails($s), '10', "$what: D6: one login, no mail");
	}
	my $s = server_start(%server, at => ['AUTH reply "334 "', 'AUTH-RESPONSE reply "535 5.7.8 no"']);
	my $r = send_mail(account($s, %ticket), ['-v', 'send', '--no-queue', 'you@example.net'], env => \%env);
	my ($sent) = grep { length > 200 } $s->commands;
	like(decode_base64($sent // ''), qr/^\x60.*\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01\x00.*localhost/s,
		'RFC 4752: the ticket is sent as a GSS-API token for the server');
	is(index($r->{err}, substr $sent // 'x', 100, 60), -1, 'D9: and not shown');
	like($r->{err}, qr/^> \*\*\*\*$/m, '... but that it was');
};

# ---- what can be told before

subtest 'accounts' => sub {
	for my $case (
		[{ host => '127.0.0.1' }, qr/Kerberos knows servers by their names: '127\.0\.0\.1' is none.*\n.*tls_host/],
		[{ host => '/run/some.sock' }, qr/Kerberos knows servers by their names/],
		[{ tls_host => '::1' }, qr/Kerberos knows servers by their names: '::1'/],
		[{ tls_verify => 'no' }, qr/tls_verify = no together with a Kerberos ticket/],
		[{ auth => 'gssapi, auto' }, qr/'auto' cannot stand beside others/],
		[{ auth => 'gsapi' }, qr/did you mean GSSAPI/],
		[{ auth => 'auto', user => 'me' }, qr/there is a login but no password/],
	) {
		my ($keys, $words) = @$case;
		my %all = (host => 'localhost', port => 1, auth => 'gssapi', %$keys);
		my $r = run_sendoff(['-C', config("[account a]\n" . join '', map { "$_ = $all{$_}\n" } sort keys %all), 'config', 'check']);

		is($r->{exit}, 78, join(' ', %$keys) . ': 78') or diag($r->{out});
		like($r->{out} . $r->{err}, $words, '... in words');
	}
	my $r = run_sendoff(['-C', config("[account a]\nhost = localhost\nauth = gssapi\n"), 'config', 'check']);
	is($r->{exit}, 0, 'neither user nor password are needed') or diag($r->{out} . $r->{err});
	$r = run_sendoff(['-C', config("[account a]\nprovider = google\nhost = smtp.gmail.com\nfrom = me\@gmail.com\nauth = gssapi\n"), 'login', 'a']);
	like($r->{out} . $r->{err}, qr/logs in with a Kerberos ticket, which kinit gets/, 'sendoff login: there is nothing to sign in to');
	my $s = server_start(%server, mechanisms => 'PLAIN LOGIN');
	$r = send_mail(account($s, %ticket));
	is($r->{exit}, 77, 'a server without GSSAPI');
	like($r->{err}, qr/server offers PLAIN LOGIN; this account allows GSSAPI/, '... both lists');
};

done_testing;
