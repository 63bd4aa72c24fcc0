#!/usr/bin/perl
# Client keys on a security token: SoftHSM's, which is a PKCS#11 module that keeps keys in
# files.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use SendoffTest;
use SendoffTest::Send;
use SendoffTest::Softhsm;

plan skip_all => SendoffTest::Softhsm::why_not() if SendoffTest::Softhsm::why_not();

my $dir = workdir() . '/softhsm';
my $hsm = SendoffTest::Softhsm->start($dir);
my ($module, $pin, %env) = ($hsm->module, $hsm->pin, $hsm->env);

# The tests' client, by an EC key and by an RSA key; and a key of somebody else.
my $rsa = "$dir/rsa";
$hsm->must('certtool', '--generate-privkey', '--key-type=rsa', '--bits=2048', '--outfile', "$rsa.key");
file_write("$rsa.cfg", "cn = \"me\@example.com\"\nemail = \"me\@example.com\"\nserial = 77\ntls_www_client\nsigning_key\nexpiration_days = 300\n");
$hsm->must('certtool', '--generate-certificate', '--load-privkey', "$rsa.key", '--load-ca-certificate', cert('ca'),
	'--load-ca-privkey', cert('ca', 'key'), '--template', "$rsa.cfg", '--outfile', "$rsa.crt");
$hsm->import_key('rsa', "$rsa.key", '02');
$hsm->import_key('other-ec', cert('server', 'key'), '03');
$hsm->must('p11tool', '--provider', $module, '--login', '--set-pin', $pin, '--write', '--load-certificate', cert('client'), '--label', 'ec',
	'--id', '01', 'pkcs11:token=mail');

my $good = file_write("$dir/pin", "$pin\n", 0600);
my $bad = file_write("$dir/wrong-pin", "another-4711\n", 0600);
my $at = "module-path=$module";

# One message by that key; what became of it.
sub by
{
	my ($keys, %server) = @_;
	my $s = server_start(tls => 'implicit', client_ca => 1, %server);
	my $r = send_mail(account($s, tls => 'implicit', connect_timeout => '20s', %$keys), undef, env => \%env);

	return ($s, $r);
}

subtest 'keys that sign' => sub {
	my ($ec, $rsa_key) = ('pkcs11:token=mail;object=ec;type=private', 'pkcs11:token=mail;object=rsa;type=private');
	for my $case (
		['a PIN in a file', $ec, cert('client'), "pin-source=$good"],
		['the same as a URI of a file', $ec, cert('client'), "pin-source=file:$good"],
		['the same with three slashes', $ec, cert('client'), "pin-source=file://$good"],
		['the same in percents', $ec, cert('client'), 'pin-source=' . ($good =~ s{/}{%2F}gr)],
		['a literal PIN', $ec, cert('client'), "pin-value=$pin"],
		['the certificate too', $ec, "pkcs11:token=mail;object=ec;type=cert?$at", "pin-source=$good"],
		['RSA', $rsa_key, "$rsa.crt", "pin-source=$good"],
	) {
		my ($name, $key, $cert, $query) = @$case;
		for my $version ('1.2', '1.3') {
			my ($s, $r) = by({ tls_cert => $cert, tls_key => "$key?$query&$at" }, tls_max => $version);

			is($r->{exit}, 0, "$name, TLS $version: sent") or diag($r->{err});
			is($s->stored, 1, "$name, TLS $version: once");
			ok(grep(/client certificate of me\@example\.com/, $s->tls), "$name, TLS $version: and the server saw who");
		}
	}
	for my $case (['EC', $ec, cert('client')], ['RSA', $rsa_key, "$rsa.crt"]) {
		my ($name, $key, $cert) = @$case;
		my ($s, $r) = by({ tls_cert => $cert, tls_key => "$key?pin-source=$good&$at", tls_min_version => '1.0' }, tls_max => '1.1');

		is($r->{exit}, 0, "$name, TLS 1.1: sent") or diag($r->{err});
		ok(grep(/client certificate of me\@example\.com/, $s->tls), "$name, TLS 1.1: and the server saw who");
	}
	SKIP: {
		skip 'the system does not know the module by itself', 2 if !glob('/usr/share/p11-kit/modules/softhsm2.module');
		my ($s, $r) = by({ tls_cert => cert('client'), tls_key => "$ec?pin-source=$good" });
		is($r->{exit}, 0, 'by whatever modules the system has') or diag($r->{err});
		is($s->stored, 1, 'once');
	}
	my ($s, $r) = by({ tls_cert => "pkcs11:token=mail;object=ec;type=cert?pin-source=$good&$at", tls_key => cert('client', 'key') });
	is($r->{exit}, 0, 'the certificate alone is on it') or diag($r->{err});
	ok(grep(/client certificate of me\@example\.com/, $s->tls), 'and the server saw who');
};

# By the module that watches: what became of it, and what the token was asked.
sub watched_by
{
	my ($query, $keys, %server) = @_;
	my $log = "$dir/asked";
	my $s = server_start(client_ca => 1, %server);

	unlink $log;
	my $r = send_mail(account($s, tls => $server{tls}, tls_cert => cert('client'), connect_timeout => '20s',
		tls_key => "pkcs11:token=mail;object=ec;type=private?module-path=" . build() . "/t/spy.so$query", %$keys),
		['--json', 'send', '--no-queue', 'you@example.net'], env => { %env, SPY_MODULE => $module, SPY_LOG => $log });
	return ($s, $r, [-e $log ? split /\n/, file_read($log) : ()]);
}

subtest 'another server is found out before the token is asked to sign' => sub {
	for my $version ('1.2', '1.3') {
		for my $mode ('implicit', 'starttls') {
			my %server = (tls => $mode, priority => "NORMAL:-VERS-ALL:+VERS-TLS$version");
			my $name = "TLS $version, $mode";
			my ($s, $r, $asked) = watched_by("&pin-source=$good", {}, %server);

			is($r->{exit}, 0, "$name: sent") or diag($r->{out});
			is(scalar(grep { $_ eq 'C_SignInit' } @$asked), 1, "$name: to the right one the token signs, once");
			is_deeply([$s->shown], ['a client certificate'], "$name: which is shown the certificate");
			for my $cert ('otherca', 'wrongname', 'expired') {
				($s, $r, $asked) = watched_by("&pin-source=$good", {}, %server, cert => $cert);
				is($r->{exit}, 77, "$name: $cert: 77") or diag($r->{out});
				is_deeply([grep { /Sign/ } @$asked], [], "$name: $cert: nothing was signed");
				is_deeply([$s->shown], [], "$name: $cert: no certificate was shown");
			}
			($s, $r, $asked) = watched_by("&pin-source=$good", { tls_pin => 'spki:' . '0' x 64 }, %server);
			is($r->{exit}, 77, "$name: another key: 77");
			is_deeply([grep { /Sign/ } @$asked], [], "$name: another key: nothing was signed");
			is_deeply([$s->shown], [], "$name: another key: no certificate was shown");
		}
	}
};

subtest 'what no token has for a PIN is not tried' => sub {
	for my $case (['empty', '', qr/tls_key: pin-source: '\S+' is empty/], ['an empty line', "\n", qr/is empty/],
			['a NUL octet', "$pin\0x", qr/holds a NUL octet/], ['two lines', "$pin\nx\n", qr/more than one line/],
			['too long', 'x' x 256, qr/holds more than any PIN has/], ['much too long', 'x' x 4000, qr/is too large/]) {
		my ($name, $text, $words) = @$case;
		my $file = file_write("$dir/odd-pin", $text, 0600);
		my ($s, $r, $asked) = watched_by("&pin-source=$file", {}, tls => 'implicit');

		is($r->{exit}, 78, "$name: 78");
		like($r->{err}, $words, "$name: told");
		is_deeply($asked, [], "$name: the token was not asked");
		unlink $file;
	}
	my (undef, undef, $asked) = watched_by("&pin-source=$bad", {}, tls => 'implicit');
	is_deeply($asked, ['C_Login'], 'one that is only wrong is tried, once');
};

subtest 'EXTERNAL' => sub {
	my $s = server_start(tls => 'starttls', client_ca => 1, user => 'me@example.com', mechanisms => 'EXTERNAL');
	my $r = send_mail(account($s, tls => 'starttls', user => 'me@example.com', auth => 'external', tls_cert => cert('client'),
		tls_key => "pkcs11:token=mail;object=ec?pin-source=$good&$at"), undef, env => \%env);

	is($r->{exit}, 0, 'logged in by the token') or diag($r->{err});
	is_deeply([$s->logins], ['me@example.com EXTERNAL'], 'as whom it says') or diag(explain([$s->logins]));
};

subtest 'keys that cannot be had' => sub {
	my $ec = 'pkcs11:token=mail;object=ec;type=private';
	for my $case (
		['another PIN', "$ec?pin-source=$bad&$at", 78, qr/the token refuses the PIN/],
		['no PIN', "$ec?$at", 78, qr/asks for a PIN, and there is none.*\n.*pin-source/],
		['no such token', "pkcs11:token=other;object=ec?pin-source=$good&$at", 78, qr/no token that is there has what the URI names/],
		['no such key', "pkcs11:token=mail;object=nothing;type=private?pin-source=$good&$at", 78, qr/no token that is there has/],
		['a key of another kind', "pkcs11:token=mail;object=rsa;type=private?pin-source=$good&$at", 78,
			qr/tls_key is not the key of tls_cert/],
		['the key of another certificate', "pkcs11:token=mail;object=other-ec;type=private?pin-source=$good&$at", 78,
			qr/tls_key is not the key of tls_cert/],
		['a PIN that all can read', "$ec?pin-source=" . file_write("$dir/open-pin", "$pin\n", 0644) . "&$at", 78,
			qr/can be read by other users/],
		['a PIN that is not there', "$ec?pin-source=/nonexistent/pin&$at", 78, qr{/nonexistent/pin}],
	) {
		my ($name, $key, $exit, $words) = @$case;
		my ($s, $r) = by({ tls_cert => cert('client'), tls_key => $key });

		is($r->{exit}, $exit, "$name: $exit");
		like($r->{err}, $words, "$name: told");
		like($r->{err}, qr/\n  \S.{15}/, "$name: and what to do");
		unlike($r->{err}, qr/4711/, "$name: the PIN is not");
		is($s->stored, 0, "$name: no mail");
	}
	my $s = server_start(tls => 'implicit', client_ca => 1);
	my $config = account($s, tls => 'implicit', tls_cert => cert('client'), tls_key => "$ec?pin-source=$bad&$at");
	my $r = send_mail($config, ['send', 'you@example.net'], env => \%env);
	is($r->{exit}, 0, 'the mail is queued');
	like($r->{err}, qr/queued as p-\S+: .*refuses the PIN/, 'and told why');
	my @waiting = queued('new');
	is(scalar(@waiting), 1, 'one waits');
};

done_testing;
