#!/usr/bin/perl
# Certificates that were taken back: by lists in tls_crl_file, and by OCSP responses that the
# server sends along.  A witness that cannot be believed counts as one that says no.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(decode_json);
use POSIX qw(strftime);
use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Ocsp;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'secret words');

# Each: name, certificate, keys of the account, options of the server, cause, words; without
# cause it is good.
sub begin
{
	my ($name, $cert, $keys, $server, $cause, $words) = @{ $_[0] };
	my $s = server_start(%me, tls => 'starttls', cert => $cert, %$server);

	return { name => $name, s => $s, cause => $cause, words => $words,
		run => send_mail_start(account($s, %me, tls => 'starttls', %$keys),
			['--json', 'send', '--no-queue', 'you@example.net']) };
}

sub end
{
	my ($case, $r) = @_;
	my ($name, $s) = @$case{qw(name s)};
	my $json = eval { decode_json($r->{out}) } // {};

	if (!$case->{cause}) {
		is($r->{exit}, 0, "$name: good") or diag($r->{out});
		is($s->stored, 1, "$name: sent");
	} else {
		is($r->{exit}, 77, "$name: refused") or diag($r->{out});
		is($json->{error}{cause}, $case->{cause}, "$name: $case->{cause}");
		like($json->{error}{text}, $case->{words}, "$name: why");
		cmp_ok(length($json->{error}{next} // ''), '>', 20, "$name: next step: " . ($json->{error}{next} // ''));
		is_deeply([grep { !/^(?:EHLO client\.example\.test|STARTTLS)$/ } $s->commands], [], "$name: nothing in clear");
		is_deeply([$s->logins], [], "$name: no login");
		is($s->stored, 0, "$name: no mail");
	}
	$s->stop;
	return;
}

sub go
{
	my (@rows) = @_;

	while (my @some = splice @rows, 0, 6) {
		my @cases = map { begin($_) } @some;
		my @ends = finish_all(map { $_->{run} } @cases);
		end($cases[$_], $ends[$_]) for 0 .. $#cases;
	}
	return;
}

sub list { return { tls_crl_file => cert($_[0], 'crl') } }

sub several
{
	return { tls_crl_file => file_write(workdir() . '/several' . join('-', @_) . '.crl', join '', map { file_read(cert($_, 'crl')) } @_) };
}

subtest 'D3: lists of what was revoked' => sub {
	my $der = workdir() . '/ca.der';
	my $by = qr{by the list of "CN=sendoff test ca" in /\S+};

	system('openssl', 'crl', '-in', cert('ca', 'crl'), '-outform', 'der', '-out', $der) == 0 or die 'openssl crl';
	go(
		['without a list', 'revoked', {}, {}],
		['revoked', 'revoked', list('ca'), {}, 'certificate-revoked', qr/it was revoked on 20\d\d-\d\d-\d\d, $by/],
		['the same in DER', 'revoked', { tls_crl_file => $der }, {}, 'certificate-revoked', qr/it was revoked on/],
		['another one', 'server', list('ca'), {}],
		['behind an intermediate without a list', 'chain', list('ca'), {}],
		['a revoked intermediate', 'chain', list('middle'), {}, 'certificate-revoked',
			qr/its intermediate certificate "CN=sendoff test intermediate" was revoked on 20\d\d-\d\d-\d\d, $by/],
		['revoked by an intermediate', 'chain', several('ca', 'behind'), {}, 'certificate-revoked',
			qr/it was revoked on .*, by the list of "CN=sendoff test intermediate"/],
		['an old list', 'server', list('oldlist'), {}, 'crl-expired',
			qr/may have been revoked: the list of "CN=sendoff test ca" in \S+ expired on 2021-01-01/],
		['an old list that has it', 'revoked', list('oldknows'), {}, 'certificate-revoked', qr/was revoked on/],
		['an old list beside a new one', 'server', several('oldlist', 'ca'), {}],
		['a list of tomorrow', 'server', list('earlylist'), {}, 'crl-wrong', qr/is dated in the future/],
		['a list by somebody else', 'server', list('forged'), {}, 'crl-wrong', qr/is not signed by it/],
		['the same beside the right one', 'revoked', several('forged', 'ca'), {}, 'certificate-revoked', qr/revoked/],
		['a list of another issuer', 'otherca', { %{ list('ca') }, tls_ca_file => '{certs}/otherca-ca.crt' }, {}],
	);
	my $s = server_start(%me, tls => 'implicit');
	for my $case (
		['a missing file', '/nonexistent/ca.crl', qr{tls_crl_file.*/nonexistent/ca\.crl}],
		['an empty file', file_write(workdir() . '/empty.crl', ''), qr/holds no list of revoked certificates/],
		['a certificate', cert('ca'), qr/holds no list of revoked certificates/],
		['rubbish', file_write(workdir() . '/rubbish', hostile_bytes(900)), qr/holds no list of revoked certificates/],
	) {
		my ($name, $path, $words) = @$case;
		my $r = send_mail(account($s, %me, tls => 'implicit', tls_crl_file => $path));
		is($r->{exit}, 78, "$name: 78") or diag($r->{err});
		like($r->{err}, $words, "$name: told");
	}
	my $r = send_mail(account($s, %me, tls => 'implicit', tls_crl_file => cert('ca', 'crl'), tls_pin => 'a' x 64));
	is($r->{exit}, 78, 'with a pin no list would be asked: refused');
	like($r->{err}, qr/tls_crl_file and tls_pin contradict each other/, 'and told');
	is(scalar($s->commands), 0, 'nothing was said');
};

# What certtool does not make: the rows that stand in OpenSSL's index, and extensions.
sub openssl_list
{
	my ($name, $index, %extensions) = @_;
	my $dir = workdir() . "/$name";

	mkdir $dir or die "$dir: $!\n";
	file_write("$dir/index", $index);
	file_write("$dir/number", "02\n");
	file_write("$dir/conf", join "\n", '[ca]', 'default_ca = own', '[own]', "database = $dir/index", "crlnumber = $dir/number",
		'default_md = sha256', 'default_crl_days = 20', %extensions ? 'crl_extensions = more' : (), '[more]',
		(map { "$_ = $extensions{$_}" } grep { !/^idp/ } sort keys %extensions), '[idp]',
		(map { s/^idp_//r . " = $extensions{$_}" } grep { /^idp/ } sort keys %extensions), '');
	system('openssl', 'ca', '-config', "$dir/conf", '-gencrl', '-cert', cert('ca'), '-keyfile', cert('ca', 'key'),
		'-out', "$dir/crl") == 0 or die 'openssl ca';
	return "$dir/crl";
}

sub from { return { tls_crl_file => $_[0] } }

# A row of that index.
sub revoked_row { return "R\t491231000000Z\t230101000000Z\t$_[0]\tunknown\t/CN=x\n" }

subtest 'a list that does not speak of all' => sub {
	my $serial = `openssl x509 -in @{[cert('revoked')]} -noout -serial` =~ s/\Aserial=|\n//gr;
	my %shard = (issuingDistributionPoint => 'critical,@idp', idp_fullname => 'URI:http://example.test/2.crl');
	my $shard = openssl_list('shard', '', %shard);
	my $part = qr/the list of "CN=sendoff test ca" in \S+ is only a part of its issuer's list \(or a delta\), which says nothing of/;

	go(
		['the whole', 'revoked', from(openssl_list('whole', '')), {}],
		['a shard', 'revoked', from($shard), {}, 'crl-wrong', $part],
		['of authorities only', 'revoked', from(openssl_list('onlyca', '', %shard, idp_onlyCA => 'TRUE')), {}, 'crl-wrong', $part],
		['not marked as critical', 'revoked', from(openssl_list('lenient', '', %shard, issuingDistributionPoint => '@idp')), {},
			'crl-wrong', $part],
		['a delta', 'revoked', from(openssl_list('delta', '', '2.5.29.27' => 'critical,ASN1:INTEGER:1')), {}, 'crl-wrong', $part],
		['something else that is critical', 'revoked', from(openssl_list('odd', '', '1.3.6.1.4.1.99999.1' => 'critical,ASN1:NULL')), {},
			'crl-wrong', $part],
		['something else that is not', 'revoked', from(openssl_list('even', '', '1.3.6.1.4.1.99999.1' => 'ASN1:NULL')), {}],
		['a shard that has it', 'revoked', from(openssl_list('has', revoked_row($serial), %shard)), {}, 'certificate-revoked',
			qr/was revoked on 2023-01-01/],
		['a shard beside the whole', 'server', from(file_write(workdir() . '/both.crl', file_read($shard) . file_read(cert('ca', 'crl')))), {}],
	);
};

subtest 'a list with an entry that cannot be read' => sub {
	my $long = openssl_list('long', revoked_row('01' x 200));

	go(
		['of a very long serial number', 'server', from($long), {}, 'crl-wrong',
			qr/the list of "CN=sendoff test ca" in \S+ cannot be searched for it: a serial number or an extension cannot be read/],
		['beside one that can', 'server', from(file_write(workdir() . '/longer.crl', file_read($long) . file_read(cert('ca', 'crl')))), {}],
		['beside one that has it', 'revoked', from(file_write(workdir() . '/longest.crl', file_read($long) . file_read(cert('ca', 'crl')))), {},
			'certificate-revoked', qr/was revoked on/],
	);
};

# Certificates with name and key identifier of stolen-ca, from otherca-ca: with another key, one
# of another kind, and the very key.
my %twin = (twin => 'otherca', rsatwin => 'rsa', copy => 'stolen-ca');

sub twin { return workdir() . "/stolen-$_[0]" }

for my $name (sort keys %twin) {
	my ($identifier) = `openssl x509 -in @{[cert('stolen-ca')]} -noout -ext subjectKeyIdentifier` =~ /((?:[0-9A-F]{2}:)+[0-9A-F]{2})/;
	my $extensions = file_write(twin($name) . '.conf', join "\n", 'basicConstraints = critical,CA:TRUE',
		'keyUsage = critical,keyCertSign,cRLSign', "subjectKeyIdentifier = $identifier", 'authorityKeyIdentifier = keyid', '');
	file_write(twin($name) . '.key', file_read(cert($twin{$name}, 'key')));
	system('openssl', 'x509', '-x509toreq', '-in', cert('stolen-ca'), '-signkey', twin($name) . '.key', '-out', twin($name) . '.csr') == 0
		or die 'openssl x509';
	system('openssl', 'x509', '-req', '-in', twin($name) . '.csr', '-CA', cert('otherca-ca'), '-CAkey', cert('otherca-ca', 'key'),
		'-set_serial', '7777', '-days', '900', '-extfile', $extensions, '-out', twin($name) . '.crt') == 0
		or die 'openssl x509';
}

# A server's certificate with these behind it, as its key has them.
sub shown
{
	my ($first, @behind) = map { file_read($_) =~ /(-----BEGIN CERT.*?-----END.*?-----\n)/s } cert('stolen'), @_;

	return file_write(workdir() . '/shown' . join('', map { '-' . (split m{/})[-1] } @_), join '', $first, @behind);
}

sub behind { return shown(map { $_ eq 'real' ? cert('stolen-ca') : twin($_) . '.crt' } @_) }

my %its_key = (key => cert('stolen', 'key'));

# Who has stolen the key of an authority that was revoked, or only knows its name.
subtest 'authorities of the same name' => sub {
	my $taken = qr/its intermediate certificate "CN=sendoff test stolen-ca" was revoked on .* by the list of "CN=sendoff test ca"/;
	my $roots = file_write(workdir() . '/roots.crt', file_read(cert('ca')) . file_read(cert('otherca-ca')));
	my %both = (tls_ca_file => $roots);

	go(
		['stolen', 'stolen', list('stolen'), {}, 'certificate-revoked', $taken],
		(map { ["real and $_", behind('real', $_), list('stolen'), \%its_key, 'certificate-revoked', $taken] } sort keys %twin),
		['copy, with a list of its issuer', behind('real', 'copy'), several('otherca', 'stolen'), \%its_key, 'certificate-revoked', $taken],
		(map { ["$_ and real", behind($_, 'real'), list('stolen'), \%its_key, 'certificate-unknown-issuer', qr/not among the trusted/] }
			sort keys %twin),
		['copy first, trusted both ways', behind('copy', 'real'), { %{ several('otherca', 'stolen') }, %both }, \%its_key,
			'certificate-revoked', $taken],
		['crossed', 'crossed', list('ca'), {}],
		['crossed, with a list for each way', 'crossed', { %{ several('ca', 'otherca') }, %both }, {}],
	);
};

# Five minutes are allowed to the clock of a list, as to that of a response.
subtest 'a clock that is ahead' => sub {
	local $ENV{TZ} = 'UTC';
	for my $case ([120, 0], [7200, 77]) {
		my ($ahead, $exit) = @$case;
		my $template = file_write(workdir() . "/ahead$ahead.cfg", strftime("crl_this_update_date = \"%Y-%m-%d %H:%M:%S\"\n", gmtime time + $ahead)
			. "crl_next_update_date = \"2049-12-31 00:00:00\"\ncrl_number = 3\n");
		my $list = workdir() . "/ahead$ahead.crl";
		system('certtool', '--generate-crl', '--load-ca-privkey', cert('ca', 'key'), '--load-ca-certificate', cert('ca'),
			'--template', $template, '--outfile', $list, '--no-text') == 0 or die 'certtool';
		go(["$ahead seconds", 'server', from($list), {}, $exit ? ('crl-wrong', qr/is dated in the future/) : ()]);
	}
};

sub with { return { ocsp => ocsp_response(@_) } }

# Good and bad responses for `server`.
sub responses
{
	my $says = qr/may have been revoked: the OCSP response that the server sends along/;

	return (
		['good', 'server', {}, with('server')],
		['good, and does not say for how long', 'server', {}, with('server', to => undef)],
		['by a responder that the issuer names', 'server', {}, with('server', signer => 'responder')],
		['revoked', 'server', {}, with('server', status => 'revoked'), 'certificate-revoked',
			qr/it was revoked on 2023-11-14, says the OCSP response that the server sends along/],
		['revoked, for a reason', 'server', {}, with('server', status => 'revoked', reason => 1), 'certificate-revoked',
			qr/it was revoked on 2023-11-14 \(its key was stolen\), says/],
		['revoked, in a response that is old', 'server', {}, with('server', status => 'revoked', to => 1710000000),
			'certificate-revoked', qr/revoked on/],
		['unknown', 'server', {}, with('server', status => 'unknown'), 'ocsp-wrong', qr/$says says that its issuer does not know it/],
		['old', 'server', {}, with('server', from => 1600000000, to => 1609459200), 'ocsp-expired',
			qr/$says expired on 2021-01-01/],
		['old, and does not say since when', 'server', {}, with('server', from => time - 20 * 86400, to => undef), 'ocsp-expired',
			qr/$says expired on 20\d\d-/],
		['of tomorrow', 'server', {}, with('server', from => time + 7200), 'ocsp-wrong', qr/$says is dated in the future/],
		['forged', 'server', {}, with('server', forged => 1), 'ocsp-wrong', qr/$says is not signed by its issuer/],
		['by another authority', 'server', {}, with('server', signer => 'otherca-ca'), 'ocsp-wrong', qr/$says is not signed by/],
		['by a certificate that may not', 'server', {}, with('server', signer => 'client'), 'ocsp-wrong', qr/$says is not signed by/],
		['for another certificate', 'server', {}, with('rsa'), 'ocsp-wrong', qr/$says is for another certificate/],
		(map { ["by a made-up issuer, $_", behind('real', $_), {}, { %its_key, %{ with('stolen', issuer => twin($_)) } }, 'ocsp-wrong',
			qr/$says is not signed by its issuer/] } qw(twin rsatwin)),
		['by the issuer, beside a twin', behind('real', 'twin'), {}, { %its_key, %{ with('stolen', issuer => 'stolen-ca') } }],
		['an excuse', 'server', {}, with('server', error => 3), 'ocsp-wrong', qr/$says is the responder's excuse/],
		['rubbish', 'server', {}, { ocsp => file_write(workdir() . '/rubbish.ocsp', hostile_bytes(500, 3)) }, 'ocsp-wrong',
			qr/$says cannot be read/],
		['must-staple, and there is none', 'muststaple', {}, {}, 'ocsp-missing', qr/it demands an OCSP response \(must-staple\)/],
		['must-staple, and there is one', 'muststaple', {}, with('muststaple')],
		['must-staple, and it is old', 'muststaple', {}, with('muststaple', from => 1600000000, to => 1609459200), 'ocsp-expired',
			qr/$says expired on/],
		['behind an intermediate', 'chain', {}, with('missing', issuer => 'intermediate', status => 'revoked'),
			'certificate-revoked', qr/it was revoked on/],
		['behind an intermediate, good', 'chain', {}, with('missing', issuer => 'intermediate')],
	);
}

subtest 'OCSP responses that the server sends along' => sub { go(responses()) };

subtest 'the same by TLS 1.2' => sub {
	my %old = (priority => 'NORMAL:-VERS-ALL:+VERS-TLS1.2');

	go(map { [@$_[0 .. 2], { %{ $_->[3] }, %old }, @$_[4, 5]] } responses());
};

subtest 'another trust' => sub {
	my $key = `openssl x509 -in @{[cert('server')]} -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -hex`;
	my ($pin) = $key =~ /([0-9a-f]{64})/;

	go(['a pin decides alone', 'server', { tls_pin => "spki:$pin" }, with('server', status => 'revoked')],
		['list and response, both good', 'server', list('ca'), with('server')],
		['the list knows more', 'revoked', list('ca'), with('revoked'), 'certificate-revoked', qr/by the list of/],
		['the response knows more', 'server', list('ca'), with('server', status => 'revoked'), 'certificate-revoked',
			qr/says the OCSP response/]);
};

subtest 'what is refused is queued' => sub {
	my $s = server_start(%me, tls => 'starttls', cert => 'revoked');
	my $config = account($s, %me, tls => 'starttls', tls_crl_file => cert('ca', 'crl'));
	my $r = send_mail($config, ['send', 'you@example.net']);

	is($r->{exit}, 0, 'stored');
	like($r->{err}, qr/queued as p-\S+:.*was revoked on/, 'and told why');
	is(scalar(queued('new')), 1, 'one message waits');
};

subtest 'check tells' => sub {
	my $s = server_start(%me, tls => 'starttls', %{ with('server', to => 2145916800) });
	my $config = account($s, %me, tls => 'starttls', tls_crl_file => cert('ca', 'crl'));
	my ($report) = checked($config);
	my $facts = stage($report, 'tls')->{facts};

	is($facts->{ocsp}, 'good', 'of the response');
	is($facts->{ocsp_until}, '2038-01-01', 'until when it is good');
	is($facts->{crl_until}, '2049-12-31', 'and the list');
	is($facts->{must_staple}, JSON::PP::false, 'that none is demanded');
	like(check($config)->{out}, qr/not revoked, says an OCSP response, good until 2038-01-01/, 'in words');
	like(check($config)->{out}, qr/not revoked, says the list in tls_crl_file, good until 2049-12-31/, 'both of them');
	$s->stop;
	$s = server_start(%me, tls => 'starttls', cert => 'muststaple');
	$config = account($s, %me, tls => 'starttls');
	($report) = checked($config);
	$facts = stage($report, 'tls')->{facts};
	is($facts->{ocsp}, 'none', 'without one');
	is($facts->{must_staple}, JSON::PP::true, 'though it is demanded');
	is($report->{failed}{cause}, 'ocsp-missing', 'the cause');
};

done_testing;
