#!/usr/bin/perl
# Client certificates: keys that cannot be used, and what a PKCS#11 URI may be.  Keys on a
# real token are in t/interop/token.t.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(decode_json);
use POSIX qw(mkfifo);
use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;

my $server = server_start(tls => 'implicit', client_ca => 1);
my @client = (tls => 'implicit', tls_cert => cert('client'));

# What went wrong, as JSON.
sub wrong
{
	my ($keys, %o) = @_;
	my $before = $server->stored;
	my $r = send_mail(account($server, @client, connect_timeout => '20s', %$keys),
		['--json', 'send', '--no-queue', 'you@example.net'], %o);
	my $json = eval { decode_json($r->{out}) } // {};

	is($server->stored, $before, 'no mail');
	return { exit => $r->{exit}, seconds => $r->{seconds}, all => $r->{out} . $r->{err}, %{ $json->{error} // {} } };
}

subtest 'encrypted keys' => sub {
	my $key = cert('client', 'key');
	my $dir = workdir();

	umask 077;
	system("openssl pkcs8 -topk8 -in $key -passout pass:x -out $dir/new.key") == 0 or die 'openssl pkcs8';
	system("openssl ec -aes128 -in $key -passout pass:x -out $dir/old.key 2>/dev/null") == 0 or die 'openssl ec';
	for my $form (qw(new old)) {
		my $w = wrong({ tls_key => "$dir/$form.key" });

		is($w->{exit}, 78, "$form form: 78");
		is($w->{cause}, 'client-key-encrypted', "$form form: the cause");
		like($w->{text}, qr{tls_key: '\S+/$form\.key' is encrypted}, "$form form: told");
		like($w->{next}, qr/openssl pkey -in/, "$form form: and how to decrypt it");
	}
};

subtest 'files that hold something else' => sub {
	my $dir = workdir() . '/forms';
	my ($cert, $key) = (cert('client'), cert('client', 'key'));

	umask 077;
	mkdir $dir;
	for my $command ("pkey -in $key -outform der -out $dir/key.der", "ec -in $key -outform der -out $dir/old-key.der",
			"x509 -in $cert -outform der -out $dir/cert.der", "pkcs12 -export -in $cert -inkey $key -passout pass: -out $dir/both.p12") {
		system("openssl $command 2>/dev/null") == 0 or die "openssl $command";
	}
	file_write("$dir/empty", '');
	file_write("$dir/rubbish", hostile_bytes(900));
	file_write("$dir/zero", '0');
	file_write("$dir/damaged.key", file_read($key) =~ s/^M/!/mr);
	file_write("$dir/damaged.crt", file_read($cert) =~ s/^M/!/mr);
	file_write("$dir/cert.crt", file_read($cert));
	for my $case (
		[tls_key => 'empty', qr/'\S+' is empty/, qr/put the private key into it, in PEM form/],
		[tls_key => 'rubbish', qr/'\S+' holds no private key in PEM form/, qr/a line "-----BEGIN PRIVATE KEY-----"/],
		[tls_key => 'zero', qr/holds no private key/, qr/BEGIN PRIVATE KEY/],
		[tls_key => 'cert.crt', qr/holds no private key/, qr/BEGIN PRIVATE KEY/],
		[tls_key => 'key.der', qr/is in DER form/, qr/openssl pkey -inform der -in/],
		[tls_key => 'old-key.der', qr/is in DER form/, qr/openssl pkey -inform der -in/],
		[tls_key => 'both.p12', qr/is a PKCS#12 file/, qr/openssl pkcs12 -nodes -in/],
		[tls_key => 'damaged.key', qr/the private key in '\S+' cannot be read: /, qr/certtool --key-info --infile/],
		[tls_cert => 'empty', qr/'\S+' is empty/, qr/put the certificate into it/],
		[tls_cert => 'rubbish', qr/holds no certificate in PEM form/, qr/a line "-----BEGIN CERTIFICATE-----"/],
		[tls_cert => 'key.der', qr/is in DER form/, qr/openssl x509 -inform der -in/],
		[tls_cert => 'cert.der', qr/is in DER form/, qr/openssl x509 -inform der -in/],
		[tls_cert => 'both.p12', qr/is a PKCS#12 file/, qr/openssl pkcs12 -nodes -in/],
		[tls_cert => 'damaged.crt', qr/the certificate in '\S+' cannot be read: /, qr/certtool --certificate-info --infile/],
	) {
		my ($setting, $file, $words, $next) = @$case;
		my $w = wrong({ tls_key => $key, $setting => "$dir/$file" });

		is($w->{exit}, 78, "$setting, $file: 78");
		like($w->{text} // '', qr/^$setting: .*\Q$dir\E\/\Q$file\E/, "$setting, $file: which setting and file");
		like($w->{text} // '', $words, "$setting, $file: what is wrong");
		like($w->{next} // '', $next, "$setting, $file: and what to do");
		next if $file !~ /^(?:key|old-key|cert)\.der$/ || ($setting =~ /cert/ xor $file =~ /cert/);
		my ($command) = $w->{next} =~ /^convert it: (\(umask 077; openssl .* -out NEW\)), and set $setting = NEW$/;
		$command =~ s/NEW/$dir\/new.$file/;
		is(system($command), 0, "$setting, $file: which can be done");
		is(send_mail(account($server, @client, tls_key => $key, $setting => "$dir/new.$file"))->{exit}, 0, "$setting, $file: and is enough");
	}
	my $w = wrong({ tls_key => cert('server', 'key') });
	is($w->{text}, 'tls_key is not the key of tls_cert', 'a key of another certificate');
	like($w->{next}, qr/^name the key that the certificate was made for/, 'and what to do');
	my $many = file_write("$dir/many", file_read($cert) . join '', map { file_read(cert($_)) } ('ca', 'server', 'long') x 10);
	is(send_mail(account($server, @client, tls_key => $key, tls_cert => $many))->{exit}, 0, 'more certificates than anybody needs do no harm');
};

subtest 'URIs that cannot be' => sub {
	my $before = $server->connections;

	for my $case (
		['pkcs11:', qr/tls_key: it names no object/],
		['pkcs11:object=k;pin-value=4711', qr/stands among the attributes/],
		['pkcs11:object=k?pin-source=pin', qr/pin-source is not the path of a file/],
		['pkcs11:object=k?pin-source=|cat', qr/names a command/],
		['pkcs11:object=k?pin-value=4711&pin-source=/x', qr/both set/],
		['pkcs12:object=k', qr/must be an absolute path, or begin with ~\/ or pkcs11:/],
	) {
		my ($uri, $words) = @$case;
		my $r = send_mail(account($server, @client, tls_key => $uri));

		is($r->{exit}, 78, "$uri: 78");
		like($r->{err}, $words, "$uri: told");
		unlike($r->{err}, qr/4711/, "$uri: without a PIN");
	}
	is($server->connections, $before, 'nobody was asked');
};

subtest 'tokens that are not there' => sub {
	my $w = wrong({ tls_key => 'pkcs11:object=k?module-path=/nonexistent/module.so' });
	is($w->{exit}, 78, 'no module: 78');
	is($w->{cause}, 'pkcs11-missing', 'its cause');
	like($w->{text}, qr{the PKCS#11 module /nonexistent/module\.so cannot be loaded}, 'told');

	my $rubbish = file_write(workdir() . '/rubbish.so', hostile_bytes(3000));
	$w = wrong({ tls_key => "pkcs11:object=k?module-path=$rubbish" });
	is($w->{cause}, 'pkcs11-missing', 'a module that is none');

	$w = wrong({ tls_key => 'pkcs11:token=nobody-has-this;object=k?pin-value=geheim-4711' });
	is($w->{exit}, 78, 'no token: 78');
	is($w->{cause}, 'pkcs11-missing', 'its cause');
	unlike($w->{all}, qr/4711/, 'the PIN is in none of it');
};

subtest 'a module that talks and listens' => sub {
	my $log = workdir() . '/heard';
	my $r = send_mail(account($server, @client, tls_key => 'pkcs11:object=k?module-path=' . build() . '/t/spy.so'),
		['--json', 'send', '--no-queue', 'you@example.net'], env => { SPY_LOG => $log }, stdin => letter("text\n" x 30000));
	my @lines = split /\n/, $r->{out};

	is($r->{exit}, 78, 'it cannot be used');
	is(scalar(@lines), 1, 'nothing of what it says is in our output') or diag($r->{out});
	is((eval { decode_json($r->{out}) } // {})->{error}{cause}, 'pkcs11-missing', 'which is JSON');
	like($r->{err}, qr/^the module talks$/m, 'it goes with the errors');
	ok(!-e $log, 'nor does it get anything of the message') or diag(file_read($log));
};

# To open a pipe that nobody writes to is what a module does that waits for its device.
subtest 'a module that hangs' => sub {
	my $fifo = workdir() . '/stuck.so';
	my %keys = (tls_key => "pkcs11:object=k?module-path=$fifo", connect_timeout => '1s');

	mkfifo($fifo, 0600) or die "mkfifo: $!\n";
	my $w = wrong(\%keys);
	is($w->{exit}, 75, 'to be tried again');
	is($w->{cause}, 'pkcs11-silent', 'its cause');
	like($w->{next}, qr/touch|module/, 'and what to do');
	cmp_ok($w->{seconds}, '<', 15, 'within its deadline');
	my $r = send_mail(account($server, @client, %keys), ['send', 'you@example.net']);
	is($r->{exit}, 0, 'the mail is queued');
	is(scalar(queued('new')), 1, 'and waits');
	is(`grep -l "\Q$fifo\E" /proc/[0-9]*/cmdline 2>/dev/null | wc -l` + 0, 0, 'no process is left');
};

# The child of a run, as the kernel knows it.
sub child_of
{
	my ($pid) = @_;

	for (1 .. 500) {
		my ($child) = split ' ', file_read("/proc/$pid/task/$pid/children");
		return $child if $child;
		select undef, undef, undef, 0.02;
	}
	return;
}

subtest 'a module that crashes' => sub {
	plan skip_all => 'the kernel does not tell children' if !-e "/proc/$$/task/$$/children";
	my $fifo = workdir() . '/crashing.so';

	mkfifo($fifo, 0600) or die "mkfifo: $!\n";
	my $run = send_mail_start(account($server, @client, tls_key => "pkcs11:object=k?module-path=$fifo", connect_timeout => '60s'),
		['--json', 'send', '--no-queue', 'you@example.net']);
	my $child = child_of($run->pid);
	kill 'SEGV', $child if $child;
	my $r = $run->finish;
	my $error = (eval { decode_json($r->{out}) } // {})->{error};
	is($r->{exit}, 78, 'refused') or diag($r->{out} . $r->{err});
	is($error->{cause}, 'pkcs11-trouble', 'its cause');
	like($error->{text}, qr/the PKCS#11 module for tls_key broke down/, 'told');
	cmp_ok($r->{seconds}, '<', 50, 'at once');
};

subtest 'a module that hangs, and whoever asked is killed' => sub {
	plan skip_all => 'the kernel does not tell children' if !-e "/proc/$$/task/$$/children";
	my $fifo = workdir() . '/orphan.so';

	mkfifo($fifo, 0600) or die "mkfifo: $!\n";
	my $run = send_mail_start(account($server, @client, tls_key => "pkcs11:object=k?module-path=$fifo", connect_timeout => '60s'));
	my $child = child_of($run->pid);
	$run->kill('KILL');
	$run->finish;
	my $left = 1;
	for (1 .. 250) {
		$left = $child && kill 0, $child;
		last if !$left || file_read("/proc/$child/stat") =~ /\) Z /;
		select undef, undef, undef, 0.02;
		$left = 0 if !-e "/proc/$child/stat";
	}
	ok($child, 'there was a child');
	ok(!$left || file_read("/proc/$child/stat") =~ /\) Z /, 'which does not outlive it');
};

subtest 'a literal PIN is a secret' => sub {
	my $text = "[account a]\nhost = localhost\ntls_cert = /c.pem\ntls_key = pkcs11:object=k?pin-value=geheim-4711&module-path=/m.so\n";
	my $config = config($text);
	my $r = run_sendoff(['-C', $config, 'config', 'show']);

	is($r->{exit}, 0, 'the configuration is shown') or diag($r->{err});
	like($r->{out}, qr{^tls_key += pkcs11:object=k\?pin-value=\*\*\*&module-path=/m\.so}m, 'without it');
	unlike($r->{out} . $r->{err}, qr/4711/, 'anywhere');
	$r = run_sendoff(['check', '--host', 'localhost', '--set', 'tls_cert=/c.pem', '--set', 'tls_key=pkcs11:object=k?pin-value=geheim-4711']);
	is($r->{exit}, 64, 'nor does check take it as an argument');
	like($r->{err}, qr/--set takes no tls_key with a password or PIN in it.*\n.*configuration file/, 'and says what to do');
	unlike($r->{out} . $r->{err}, qr/4711/, 'without it');
	chmod 0644, $config;
	$r = run_sendoff(['-C', $config, 'config', 'show']);
	is($r->{exit}, 78, 'a file that others can read must not hold it');
	like($r->{err}, qr/can be read by other users/, 'told');
	unlike($r->{out} . $r->{err}, qr/4711/, 'without it');
	$config = config($text =~ s/pin-value=[^&]*/pin-source=\/pin/r);
	chmod 0644, $config;
	is(run_sendoff(['-C', $config, 'config', 'show'])->{exit}, 0, 'the path of a PIN may be read');
};

done_testing;
