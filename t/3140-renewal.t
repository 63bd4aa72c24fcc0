#!/usr/bin/perl
# Certificates that run out and are replaced: what is said before, and which pins last.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(decode_json);
use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'secret words');
my $dir = workdir();

sub certtool { system("certtool @_ >/dev/null 2>>\Q$dir\E/certtool.log") == 0 or die "certtool @_"; return }

# A key of its own, or that of another certificate; valid for so many days.
sub made
{
	my ($name, %o) = @_;
	my ($key, $crt, $cfg) = map { "$dir/$name.$_" } qw(key crt cfg);
	my $purpose = $o{client} ? "tls_www_client\nemail = \"me\@example.com\"" : "tls_www_server\ndns_name = \"localhost\"";

	if ($o{key}) { file_write($key, file_read("$dir/$o{key}.key"), 0600) }
	else { certtool("--generate-privkey --key-type=ecdsa --curve=secp256r1 --outfile $key") }
	file_write($cfg, "cn = \"$name\"\nserial = " . (1000 + ($o{serial} // 0)) . "\nsigning_key\n$purpose\nexpiration_days = $o{days}\n" .
		($o{ca} ? "ca\ncert_signing_key\n" : ''));
	if ($o{alone}) { certtool("--generate-self-signed --load-privkey $key --template $cfg --outfile $crt") }
	else {
		my ($ca, $ca_key) = (cert('ca'), cert('ca', 'key'));
		certtool("--generate-certificate --load-privkey $key --load-ca-certificate $ca --load-ca-privkey $ca_key --template $cfg --outfile $crt");
	}
	return (cert => $crt, key => $key);
}

sub pin
{
	my ($what, %files) = @_;
	my $how = $what eq 'cert' ? '-outform der' : '-noout -pubkey | openssl pkey -pubin -outform der';
	my ($hex) = `openssl x509 -in $files{cert} $how | openssl dgst -sha256 -hex` =~ /([0-9a-f]{64})/;

	return "$what:$hex";
}

my %now = made('now', days => 200);
my %renewed = made('renewed', days => 400, key => 'now', serial => 1);
my %next = made('next', days => 400);
my %other = made('other', days => 400, alone => 1);
my ($key, $backup) = (pin('spki', %now), pin('spki', %next));

sub through
{
	my ($files, $pins, @args) = @_;
	my $s = server_start(%me, tls => 'starttls', %$files);
	my $r = send_mail(account($s, %me, tls => 'starttls', tls_pin => $pins, tls_ca_file => undef), @args ? [@args] : ());

	return ($s, $r);
}

subtest 'pins with one in reserve' => sub {
	for my $case (['the key', \%now], ['a new certificate for it', \%renewed], ['the reserve', \%next]) {
		my ($name, $files) = @$case;
		my ($s, $r) = through($files, "$key, $backup");

		is($r->{exit}, 0, "$name: taken") or diag($r->{err});
		is($s->stored, 1, "$name: sent");
	}
	my $seen = pin('spki', %other);
	my ($s, $r) = through(\%other, "$key, $backup");
	is($r->{exit}, 77, 'neither: refused');
	like($r->{err}, qr/not the pinned one: expected \Q$key\E or \Q$backup\E, seen \Q$seen\E \(/, 'all of them are shown');
	is_deeply([$s->logins], [], 'no login');
	is($s->stored, 0, 'no mail');
	($s, $r) = through(\%other, "$key, $backup", 'send', 'you@example.net');
	is($r->{exit}, 0, 'with a queue: stored');
	like($r->{err}, qr/queued as p-\S+: .*expected \Q$key\E or \Q$backup\E, seen \Q$seen\E/, 'and told the same');
	is(scalar(queued('new')), 1, 'it waits');
	queue_empty();
};

subtest 'a pinned certificate' => sub {
	my ($s, $r) = through(\%now, pin('cert', %now));
	is($r->{exit}, 0, 'is taken');
	($s, $r) = through(\%renewed, pin('cert', %now));
	is($r->{exit}, 77, 'the next one is not');
	my ($seen_key, $seen) = (pin('spki', %renewed), pin('cert', %renewed));
	like($r->{err}, qr/seen \Q$seen_key\E with \Q$seen\E/, 'it is shown in that form as well');
	($s, $r) = through(\%renewed, pin('cert', %now) . ', ' . $seen);
	is($r->{exit}, 0, 'with the pin of the next one it is');
};

subtest 'check shows what to pin' => sub {
	my $s = server_start(%me, tls => 'starttls', %now);
	my $config = account($s, %me, tls => 'starttls', tls_pin => $key, tls_ca_file => undef);
	my $r = check($config);
	my $base64 = b64(pack 'H*', substr $key, 5);

	like($r->{out}, qr{tls_pin = sha256//\Q$base64\E$}m, 'the line to paste');
	like($r->{out}, qr/one pin only: add that of the server's next key/, 'and what is missing');
	unlike(check(account($s, %me, tls => 'starttls', tls_pin => "$key, $backup", tls_ca_file => undef))->{out}, qr/one pin only/,
		'with two it is not');
	is(send_mail(account($s, %me, tls => 'starttls', tls_pin => "sha256//$base64", tls_ca_file => undef))->{exit}, 0, 'the line does');
};

# ---- what runs out

my %soon = made('soon', days => 6);
my %mine = made('mine', days => 4, client => 1);
my $when = qr/runs out in [3-6] days, on 20\d\d-\d\d-\d\d/;

my $logs = 0;

# Sends with -v and a log; both.
sub said
{
	my ($files, $keys, @args) = @_;
	my $log = "$dir/log" . ++$logs;
	my $s = server_start(%me, tls => 'starttls', client_ca => 1, %$files);
	my $config = account($s, %me, tls => 'starttls', %$keys, global => { log => $log });
	my $r = send_mail($config, ['-v', 'send', '--no-queue', 'you@example.net']);

	is($r->{exit}, 0, 'sent') or diag($r->{err});
	return ($r->{err}, file_read($log));
}

subtest 'warnings when something is sent' => sub {
	my ($v, $log) = said(\%now, {});
	unlike($v . $log, qr/warning/, 'in time: none');
	($v, $log) = said(\%soon, {});
	like($v, qr/^\* \[warning: the server's certificate $when: its operator must renew it\]$/m, 'the server: -v');
	like($log, qr/ warning="the server's certificate $when: /, 'the server: log');
	my $json = send_mail(account(server_start(%me, tls => 'starttls', %soon), %me, tls => 'starttls'),
		['--json', 'send', '--no-queue', 'you@example.net'])->{out};
	like(decode_json($json)->{warning}, qr/^the server's certificate $when: /, 'the server: JSON');
	my %mine_keys = (tls_cert => $mine{cert}, tls_key => $mine{key});
	($v, $log) = said(\%now, \%mine_keys);
	like($v, qr/warning: the client certificate in tls_cert $when: get a new one/, 'our own: -v');
	like($log, qr/ warning="the client certificate in tls_cert $when: /, 'our own: log');
	($v, $log) = said(\%soon, { %mine_keys });
	like($v, qr/warning: the client certificate/, 'of two the first');
	($v, $log) = said(\%soon, { tls_pin => pin('spki', %soon), tls_ca_file => undef });
	unlike($v . $log, qr/warning/, 'a pinned key: none');
	($v, $log) = said(\%soon, { tls_pin => pin('cert', %soon), tls_ca_file => undef });
	like($v, qr/warning: the certificate in tls_pin $when: the one that replaces it will be refused: pin its key/,
		'a pinned certificate');
	($v, $log) = said(\%soon, { tls_pin => pin('cert', %soon) . ', ' . pin('spki', %soon), tls_ca_file => undef });
	unlike($v . $log, qr/warning/, 'its key beside it: none');
};

subtest 'a queue warns once a day' => sub {
	my $s = server_start(%me, tls => 'starttls', %soon);
	my $log = "$dir/flush-log";
	my $config = account($s, %me, tls => 'starttls', name => 'work', global => { log => $log, delivery => 'queue' });
	my $warnings = sub { return scalar(() = file_read($log) =~ /^.*outcome=warning account=work host=localhost warning="the server's certificate $when/mg) };

	for my $round (1 .. 3) {
		is(send_mail($config, ['send', 'you@example.net'])->{exit}, 0, "$round: stored") for 1 .. 2;
		is(run_sendoff(['-C', $config, 'queue', 'flush'])->{exit}, 0, "$round: flushed");
		is($s->stored, 2 * $round, "$round: sent");
		is($warnings->(), 1, "$round: warned once");
	}
	my $file = queue_dir() . '/accounts/work';
	my $text = file_read($file);
	like($text, qr/^warned \d+$/m, 'that is noted with the account');
	my $yesterday = time - 86401;
	file_write($file, $text =~ s/^warned \d+/warned $yesterday/mr, 0600);
	send_mail($config, ['send', 'you@example.net']);
	run_sendoff(['-C', $config, 'queue', 'flush']);
	is($warnings->(), 2, 'the next day once more');
	file_write($file, 'rubbish', 0600);
	send_mail($config, ['send', 'you@example.net']);
	is(run_sendoff(['-C', $config, 'queue', 'flush'])->{exit}, 0, 'a damaged note stops nothing');
	is($warnings->(), 3, 'it is warned anew');
	is($s->stored, 8, 'all was sent');
};

subtest 'check warns' => sub {
	my $s = server_start(%me, tls => 'starttls', client_ca => 1, %soon);
	my %keys = (tls => 'starttls', tls_cert => $mine{cert}, tls_key => $mine{key});
	my ($report) = checked(account($s, %me, %keys));
	my $tls = stage($report, 'tls');

	is($tls->{mark}, 'warning', 'the mark');
	ok($tls->{facts}{client_days_left} >= 2 && $tls->{facts}{client_days_left} <= 4, 'days of our own') or diag(explain($tls->{facts}));
	ok($tls->{facts}{days_left} >= 4 && $tls->{facts}{days_left} <= 6, "and of the server's");
	my $words = sub { return check(account($s, %me, tls => 'starttls', @_))->{out} =~ s/\s+/ /gr };
	my $out = $words->(%keys);
	like($out, qr/a certificate runs out in [56] days: its operator must renew it/, 'the server, in words');
	like($out, qr/the client certificate in tls_cert runs out in [34] days: get a new one/, 'our own, in words');
	$out = $words->(tls_pin => pin('cert', %soon), tls_ca_file => undef);
	like($out, qr/the certificate in tls_pin runs out in [56] days: the one that replaces it will be refused: pin its key/,
		'a pinned certificate');
	my %root = made('root', days => 6, ca => 1, alone => 1);
	$s = server_start(%me, tls => 'starttls', %root);
	like($words->(tls_ca_file => $root{cert}), qr/the trusted root runs out in [56] days: see that tls_ca_file/,
		'a root');
};

done_testing;
