#!/usr/bin/perl
# `sendoff config check` looks at the files that settings name, each told by file, line and key;
# it runs nothing and asks nobody.  What is the machine's is in t/2040-config-files-system.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(decode_json);
use POSIX qw(mkfifo);
use SendoffTest;
use SendoffTest::Send;

my $dir = workdir() . '/files';
umask 077;
mkdir $dir;
my %made = (
	empty => '', rubbish => hostile_bytes(900), password => "geheim-4711\n", pin => "4712-geheim\n",
	netrc => "machine smtp.example.test login me password geheim-4713\n",
	key => file_read(cert('client', 'key')), both => file_read(cert('client')) . file_read(cert('client', 'key')),
);
file_write("$dir/$_", $made{$_}, 0600) for keys %made;
file_write("$dir/open", 'geheim-4714', 0644);
mkfifo("$dir/fifo", 0600) or die "mkfifo: $!\n";
SendoffTest::Secrets::known($_) for qw(geheim-4711 4712-geheim geheim-4713 geheim-4714);
my $spy = build() . '/t/spy.so';
my @client = ('tls_cert = ' . cert('client'), "tls_key = $dir/key");

# An account with these lines, the first of which is line 7; the user is me where they name none.
sub text
{
	my (@lines) = @_;

	push @lines, 'user = me' if grep { /^(?:password|netrc|credential)/ } @lines and !grep { /^(?:user|auth) = / } @lines;
	push @lines, 'tls_ca_file = {ca}' if !grep { /^tls_ca_file/ } @lines;   # a bare machine has no other
	return "[sendoff]\nlog = none\n\n[account a]\nhost = smtp.example.test\nfrom = me\@example.test\n" . join '', map { "$_\n" } @lines;
}

sub config_check
{
	my ($config, @args) = @_;

	return run_sendoff([@args, '-C', $config, 'config', 'check'], env => { SPY_LOG => "$dir/spied" });
}

subtest 'mistakes' => sub {
	my @password = "password_file = $dir/password";
	my @oauth = ('oauth_flow = client', 'oauth_client_id = x', 'oauth_token_url = https://id.example.test/token', 'user = me');

	for my $case (
		# line, key and what is wrong; what to do; the lines
		[8, qr{tls_ca_file: cannot open '/nonexistent'}, undef, @password, 'tls_ca_file = /nonexistent'],
		[8, qr{tls_ca_file: '\S+/rubbish' holds no certificate}, qr/openssl x509/, @password, "tls_ca_file = {ca}, $dir/rubbish"],
		[8, qr{tls_ca_file: '\S+/fifo' is a device, pipe or socket}, undef, @password, "tls_ca_file = $dir/fifo"],
		[9, qr{tls_crl_file: cannot open '/nonexistent'}, undef, @password, '', 'tls_crl_file = /nonexistent'],
		[9, qr{tls_crl_file: '\S+/empty' holds no list}, qr/X509 CRL/, @password, '', "tls_crl_file = $dir/empty"],
		[8, qr{tls_priority: 'GARBAGE' is not understood}, qr/gnutls-cli/, @password, 'tls_priority = GARBAGE'],
		[8, qr{tls_priority leaves no version}, qr/gnutls-cli/, @password, 'tls_priority = NORMAL:-VERS-ALL'],
		[7, qr{tls_cert: cannot open '/nonexistent'}, undef, 'tls_cert = /nonexistent', $client[1]],
		[8, qr{tls_key: cannot open '/nonexistent'}, undef, $client[0], 'tls_key = /nonexistent'],
		[8, qr{tls_key: '\S+/empty' is empty}, qr/PEM/, $client[0], "tls_key = $dir/empty"],
		[8, qr{tls_key: '\S+/rubbish' holds no private key}, qr/BEGIN/, $client[0], "tls_key = $dir/rubbish"],
		[8, qr{tls_key: '\S+/open' holds a secret and can be read}, qr/chmod/, $client[0], "tls_key = $dir/open"],
		[8, qr{tls_key: '\S+/fifo' is a device, pipe or socket}, undef, $client[0], "tls_key = $dir/fifo"],
		[7, qr{tls_cert: '\S+/rubbish' holds no certificate}, qr/BEGIN/, "tls_cert = $dir/rubbish", $client[1]],
		[8, qr{tls_key is not the key of tls_cert}, qr/openssl pkey/, $client[0], 'tls_key = ' . cert('server', 'key')],
		[8, qr{tls_key: pin-source: cannot open '/nonexistent'}, undef, $client[0], 'tls_key = pkcs11:object=k?pin-source=/nonexistent'],
		[8, qr{tls_key: pin-source: '\S+/empty' is empty}, qr/the PIN/, $client[0], "tls_key = pkcs11:object=k?pin-source=$dir/empty"],
		[8, qr{tls_key: pin-source: '\S+/open' holds a secret and can be read}, qr/chmod/, $client[0],
			"tls_key = pkcs11:object=k?pin-source=$dir/open"],
		[8, qr{tls_key: module-path: cannot open '/nonexistent\.so'}, undef, $client[0], 'tls_key = pkcs11:object=k?module-path=/nonexistent.so'],
		[7, qr{tls_cert: module-path: '\S+/fifo' is a device}, undef, "tls_cert = pkcs11:object=k?module-path=$dir/fifo", $client[1]],
		[7, qr{password_file: cannot open '/nonexistent'}, undef, 'password_file = /nonexistent'],
		[7, qr{password_file: '\S+/open' holds a secret and can be read}, qr/chmod/, "password_file = $dir/open"],
		[7, qr{password_file gives nothing}, undef, "password_file = $dir/empty"],
		[7, qr{netrc: cannot open '/nonexistent'}, undef, 'netrc = /nonexistent'],
		[7, qr{netrc: '\S+/netrc': .*smtp\.example\.test}, undef, "netrc = $dir/netrc", 'user = somebody'],
		[7, qr{oauth_certificate: cannot open '/nonexistent'}, undef, 'oauth_certificate = /nonexistent', @oauth],
		[7, qr{oauth_certificate: no certificate is in it}, qr/PEM/, "oauth_certificate = $dir/key", @oauth],
		[7, qr{oauth_service_account: '\S+/fifo' is a device, pipe or socket}, undef, "oauth_service_account = $dir/fifo",
			'oauth_provider = google', 'user = me'],
	) {
		my ($line, $what, $next, @lines) = @$case;
		my $config = config(text(@lines));
		my $r = config_check($config);
		my $json = config_check($config, '--json');
		my @objects = map { eval { decode_json($_) } // {} } split /\n/, $json->{out};

		is($r->{exit}, 78, "$what: 78");
		like($r->{err}, qr/\Asendoff: \Q$config\E:$line: $what.*\n  \S.*\n\z/, "$what: file, line and key");
		like($r->{err}, $next, "$what: what to do") if $next;
		is($r->{out}, "$config: 1 mistake, 1 account\n", "$what: counted");
		cmp_ok($r->{seconds}, '<', 5, "$what: at once");
		is($json->{exit}, 78, "$what: JSON: 78");
		is_deeply($objects[0], { source => $config, result => 'mistake' }, "$what: JSON: the file");
		is_deeply([@{ $objects[1] }{qw(account result)}], ['a', 'mistake'], "$what: JSON: the account");
		like($objects[1]{text} // '', qr/\A\Q$config\E:$line: $what/, "$what: JSON: what");
		ok(length($objects[1]{next} // '') && $objects[1]{cause}, "$what: JSON: what to do, and the cause");
		is(scalar(@objects), 2, "$what: JSON: no more");
	}
};

subtest 'several at once' => sub {
	my $config = config("[defaults]\ntls_ca_file = /nonexistent/a, {ca}, /nonexistent/b\n" .
		"[account a]\nhost = h\ntls_cert = /nonexistent/c\ntls_key = $dir/empty\n" .
		"[account b]\nhost = h\nuser = u\npassword_file = /nonexistent/p\n");
	my $r = config_check($config);

	is($r->{exit}, 78, 'refused');
	is_deeply([$r->{err} =~ /^sendoff: \Q$config\E:(\d+: \w+): /mg],
		['2: tls_ca_file', '2: tls_ca_file', '5: tls_cert', '6: tls_key', '10: password_file'], 'each is told, and once') or diag($r->{err});
	like($r->{out}, qr/^\Q$config\E: 5 mistakes, 2 accounts$/m, 'and counted');
};

subtest 'what is right, or nobody needs' => sub {
	my $ran = "$dir/ran";

	for my $case (
		['all of it', "password_file = $dir/password", 'tls_ca_file = {ca}', 'tls_crl_file = ' . cert('ca', 'crl'), 'tls_priority = NORMAL', @client],
		['a directory of roots, and the system\'s', "password_file = $dir/password", 'tls_ca_file = {certs}, {ca}'],
		['one file for both', "tls_cert = $dir/both", "tls_key = $dir/both"],
		['a token that is not there', $client[0], "tls_key = pkcs11:token=none;object=k?pin-source=$dir/pin&module-path=$spy"],
		['a literal PIN', $client[0], "tls_key = pkcs11:object=k?pin-value=4712-geheim&module-path=$spy"],
		['both on a token', "tls_cert = pkcs11:object=c?module-path=$spy", "tls_key = pkcs11:object=k?module-path=$spy"],
		['a command', "password_command = touch $ran; echo geheim-4711"],
		['an entry of the host', "netrc = $dir/netrc"],
		['roots beside a pin', "password_file = $dir/password", 'tls_ca_file = /nonexistent', 'tls_pin = spki:' . '0' x 64],
		['trust without TLS', 'auth = none', 'tls = off', 'tls_ca_file = /nonexistent'],
		['a password without a login', 'auth = none', 'password_file = /nonexistent'],
	) {
		my ($name, @lines) = @$case;
		my $config = config(text(@lines));
		my $r = config_check($config);

		is($r->{exit}, 0, "$name: 0") or diag($r->{err});
		is($r->{err}, '', "$name: nothing is wrong");
		is($r->{out}, "$config: ok, 1 account\n", "$name: nor said");
	}
	ok(!-e $ran, 'no command was run');
	ok(!-e "$dir/spied", 'nor a module loaded');
};

subtest 'what cannot be seen from here' => sub {
	for my $case (['password_env = NO_SUCH_VARIABLE', qr/password_env: the variable NO_SUCH_VARIABLE is not set/],
			['credential = mail', qr/credential: CREDENTIALS_DIRECTORY is not set/]) {
		my ($line, $words) = @$case;
		my $config = config(text($line));
		my $r = config_check($config);

		is($r->{exit}, 0, "$line: no mistake") or diag($r->{err});
		like($r->{out}, qr/\A\Q$config\E: ok, 1 account\naccount a: note: \Q$config\E:7: $words.*\n  \S.*\n\z/, "$line: a note");
	}
	my $r = run_sendoff(['-C', config(text('credential = mail')), 'config', 'check'], env => { CREDENTIALS_DIRECTORY => $dir });
	is($r->{exit}, 78, 'where there are credentials, one that is missing is a mistake');
	like($r->{err}, qr/:7: credential: 'mail' is not in \S+/, 'and told');
	$r = run_sendoff(['config', 'check'], env => { SENDOFF_HOST => 'h', SENDOFF_TLS => 'off', SENDOFF_USER => 'u', SENDOFF_PASSWORD_FILE => '/nonexistent' });
	is($r->{exit}, 78, 'a container');
	like($r->{err}, qr{\Asendoff: environment: account 'environment': password_file: cannot open '/nonexistent'}, 'without a line');
};

done_testing;
