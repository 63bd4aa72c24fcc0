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

subtest 'URIs that cannot be' => sub {
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
	is(scalar($server->connections), $server->stored + 2, 'nobody was asked');
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
