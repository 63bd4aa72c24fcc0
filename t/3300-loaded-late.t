#!/usr/bin/perl
# Libraries that are loaded when they are first needed: what needs none does
# without, and what needs one that is missing says so and keeps the message.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use SendoffTest;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Token;

my %me = (user => 'me@example.test', password => 'pass w0rd');
my $program = build() . '/sendoff';

# The libraries that the server of the tests is linked with, by the name without ".so".
my %path = `ldd '@{[ build() ]}/t/server'` =~ m{\b(lib(?:gnutls|idn2))\.so\S* => (\S+)}g;

subtest 'who packages it is told by the program' => sub {
	my $image = file_read($program);
	my %note;

	# Name's and text's length, type 0x407c0c0a, and the name.
	while ($image =~ /\x04\0\0\0(....)\x0a\x0c\x7c\x40FDO\0/gs) {
		my $text = substr $image, pos($image), unpack('V', $1);
		my $list = decode_json($text =~ s/\0+\z//r);

		$note{ $_->{feature} } = $_ for @$list;
	}
	is_deeply([sort keys %note], [qw(idn kerberos oauth saslprep tls)], 'five notes');
	for ([tls => 'libgnutls'], [idn => 'libidn2']) {
		my ($feature, $library) = @$_;

		is($note{$feature}{priority}, 'required', "$feature is required");
		like($note{$feature}{soname}[0], qr/^\Q$library\E\.so\.\d+$/, "... and is $library");
	}
	is($note{oauth}{priority}, 'recommended', 'oauth is recommended');
	is_deeply($note{oauth}{soname}, ['libcurl-gnutls.so.4', 'libcurl.so.4'], '... and is libcurl, by either name');
	is($note{$_}{priority}, 'suggested', "$_ is suggested") for qw(kerberos saslprep);
	is_deeply($note{kerberos}{soname}, ['libgssapi_krb5.so.2'], '... MIT Kerberos\'');
	is_deeply($note{saslprep}{soname}, ['libgsasl.so.18'], '... and libgsasl');
	unlike(`ldd '$program'`, qr/gnutls|idn2|curl|gss|gsasl|krb5/, 'none is linked');
};

# Runs without those libraries.  An empty file in their place cannot be loaded.
sub without
{
	my ($libraries, $args, %o) = @_;
	my $hide = join ' && ', map { "mount --bind /dev/null '$path{$_}'" } @$libraries;

	return run_sendoff([], stdin => letter(), %o, command =>
		['unshare', '-m', '/bin/sh', '-c', "$hide && exec \"\$@\"", 'sh', $program, @$args]);
}

my $lacks = qr/^sendoff: .*libgnutls\.so\.\d+ cannot be loaded: \S.*\n  install libgnutls30\n/;

subtest 'without GnuTLS' => sub {
	plan skip_all => 'needs root and namespaces' if $> || system('unshare -m true 2>/dev/null');
	my $server = server_start(%me, tls => 'implicit');
	my $config = account($server, %me, tls => 'implicit');
	my @both = qw(libgnutls libidn2);
	my $r = without(\@both, ['--version']);

	is($r->{exit}, 0, 'the version is told') or diag($r->{err});
	$r = without(\@both, ['-C', $config, 'send', '--queue', 'you@example.net']);
	is($r->{exit}, 0, 'a message is queued') or diag($r->{err});
	is(queued(), 1, '... indeed');
	$r = without(\@both, ['-C', $config, 'queue']);
	is($r->{exit}, 0, 'the queue is shown') or diag($r->{err});
	like($r->{out}, qr/you\@example\.net/, '... with the message');

	$r = without(['libgnutls'], ['-C', $config, 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 76, 'B1: what must go at once fails');
	like($r->{err}, $lacks, 'E4: ... and says what is missing');
	$r = without(['libgnutls'], ['-C', $config, 'send', 'you@example.net']);
	is($r->{exit}, 0, 'B1: what may wait is stored');
	like($r->{err}, $lacks, 'E4: ... and says why');
	is(queued(), 2, '... indeed');
	is($server->stored, 0, 'nothing was sent');
	$r = run_sendoff(['-C', $config, 'queue', 'flush']);
	is($r->{exit}, 0, 'B1: with GnuTLS both go out') or diag($r->{err});
	is($server->stored, 2, '... indeed');
	$server->stop;
};

subtest 'without GnuTLS, and without TLS' => sub {
	plan skip_all => 'needs root and namespaces' if $> || system('unshare -m true 2>/dev/null');
	my $server = server_start();
	my $r = without(['libgnutls'], ['-C', account($server), 'send', '--no-queue', 'you@example.net']);

	is($r->{exit}, 0, 'without a login nothing is missing') or diag($r->{err});
	is($server->stored, 1, '... indeed');
	$server->stop;
	$server = server_start(%me);
	$r = without(['libgnutls'], ['-C', account($server, %me, auth => 'SCRAM-SHA-256'), 'send',
		'--no-queue', 'you@example.net']);
	is($r->{exit}, 76, 'a login may need it');
	like($r->{err}, $lacks, 'E4: ... and says what is missing');
	is($server->stored, 0, 'nothing was sent');
	$server->stop;
};

subtest 'without libidn2' => sub {
	plan skip_all => 'needs root and namespaces' if $> || system('unshare -m true 2>/dev/null');
	my $server = server_start();
	my $config = account($server);
	my $r = without(['libidn2'], ['-C', $config, 'send', '--no-queue', "you\@ex\xc3\xa4mple.net"]);

	is($r->{exit}, 65, 'an international domain needs it');
	like($r->{err}, qr/international domains need libidn2, which cannot be loaded/,
		'E4: ... and says what is missing');
	$r = without(['libidn2'], ['-C', account($server, host => "ex\xc3\xa4mple.test"), 'send',
		'you@example.net']);
	is($r->{exit}, 0, 'B1: for an international host a message waits');
	like($r->{err}, qr/libidn2\.so\.\d+ cannot be loaded: \S.*\n  install libidn2-0\n/,
		'E4: ... and says for what');
	queue_empty();
	$r = without(['libidn2'], ['-C', $config, 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 0, 'others do not') or diag($r->{err});
	$server->stop;
};

# ---- libcurl, and the many that it brings

my %oauth_server = (user => 'me@example.com', tls => 'starttls');
my %old = (obtained => time - 3600, expires => time - 60);

# What each process of a run has loaded: sendoff itself, and each of the others.
sub loaded
{
	my ($config) = @_;
	my $trail = workdir() . '/loaded';
	# Looking for leaks does not work beside strace.
	my $r = run_sendoff([], stdin => letter(), env => { ASAN_OPTIONS => 'detect_leaks=0' }, command => ['strace', '-f', '-qq', '-e', 'trace=openat',
		'-o', $trail, $program, '-C', $config, 'send', '--no-queue', 'you@example.net']);
	my (%by, @order);

	for (split /\n/, file_read($trail)) {
		my ($pid, $path) = /^(\d+) +openat\([^"]*"([^"]+\.so\.[^"]*)".* = \d+$/ or next;
		push @order, $pid if !$by{$pid};
		$by{$pid}{$path} = 1;
	}
	unlink $trail;
	is($r->{exit}, 0, 'sent') or diag($r->{err});
	return map { $by{$_} } @order;
}

sub needs { my ($path) = @_; return map { m{=> (/\S+)} ? $1 : () } `ldd '$path'` }
my ($curl) = map { m{^\s*libcurl-gnutls\.so\.4 .*=> (\S+)} } `ldconfig -p`;
my %usual = map { $_ => 1 } values %path, map { needs($_) } $program, values %path;
my @brought = defined $curl ? grep { !$usual{$_} } needs($curl) : ();

subtest 'who needs no token pays for none' => sub {
	plan skip_all => 'libcurl or strace is not here' if !@brought || system('strace -V >/dev/null 2>&1');
	cmp_ok(scalar @brought, '>=', 10, 'libcurl brings much with it');
	my $server = server_start(%me, tls => 'starttls');
	my ($own, @others) = loaded(account($server, %me, tls => 'starttls'));
	ok((grep { /libgnutls/ } keys %$own), 'by password, over TLS: what is loaded is seen');
	is_deeply([ grep { /gss|gsasl|krb5/ } keys %$own ], [], '... and nothing of Kerberos or SASLprep');
	is_deeply([ grep { $own->{$_} } $curl, @brought ], [], '... and nothing of it is libcurl\'s');
	is(scalar @others, 0, '... nor is there another process');
	$server->stop;

	my $tokens = token_server();
	$server = server_start(%oauth_server, tokens => $tokens->tokens);
	my $config = account($server, oauth($tokens), tls => 'starttls');
	signed_in($tokens, 'test');
	($own, @others) = loaded($config);
	is_deeply([ grep { $own->{$_} } $curl, @brought ], [], 'nor by a token that is stored');
	is(scalar @others, 0, '... no other process here either');
	signed_in($tokens, 'test', %old);
	($own, @others) = loaded($config);
	is_deeply([ grep { $own->{$_} } $curl, @brought ], [], 'who needs a new one does not load it itself');
	is(scalar(grep { $_->{$curl} } @others), 1, '... but its child');
	$_->stop for $server, $tokens;
};

subtest 'without libcurl' => sub {
	plan skip_all => 'needs root and namespaces' if $> || system('unshare -m true 2>/dev/null');
	my @curls = map { m{^\s*libcurl(?:-gnutls)?\.so\.4 .*=> (\S+)} } `ldconfig -p`;
	plan skip_all => 'libcurl is not here' if !@curls;
	my %hidden;
	@hidden{ map { "curl$_" } 0 .. $#curls } = @curls;
	local @path{ keys %hidden } = values %hidden;
	my $tokens = token_server();
	my $server = server_start(%oauth_server, tokens => $tokens->tokens);
	my $config = account($server, oauth($tokens), tls => 'starttls');

	queue_empty();
	signed_in($tokens, 'test');
	my $r = without([ keys %hidden ], ['-C', $config, 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 0, 'a token that is stored needs none') or diag($r->{err});
	signed_in($tokens, 'test', %old);
	$r = without([ keys %hidden ], ['-C', $config, 'send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 78, 'for a new one it is missed');
	like($r->{err}, qr/libcurl\S* cannot be loaded: \S.*\n  install libcurl3-gnutls\n/, 'E4: ... and the package is named');
	$r = without([ keys %hidden ], ['-C', $config, '--json', 'send', '--no-queue', 'you@example.net']);
	like($r->{out}, qr/"cause":\s*"library-missing"/, '... by a cause of its own');
	$r = without([ keys %hidden ], ['-C', $config, 'send', 'you@example.net']);
	is($r->{exit}, 0, 'B1: what may wait is stored') or diag($r->{err});
	is(queued(), 1, '... indeed');
	$r = run_sendoff(['-C', $config, 'queue', 'flush']);
	is($r->{exit}, 0, 'B1: and goes out with it') or diag($r->{err});
	$_->stop for $server, $tokens;
};

subtest 'without the libraries of some logins' => sub {
	plan skip_all => 'needs root and namespaces' if $> || system('unshare -m true 2>/dev/null');
	for my $case ([ gssapi => 'libgssapi_krb5.so.2', 'libgssapi-krb5-2', 'GSSAPI', { auth => 'gssapi' } ],
		[ gsasl => 'libgsasl.so.18', 'libgsasl18', 'SCRAM-SHA-256 PLAIN', { %me, password => "p\xc3\xa4ss w0rd" } ]) {
		my ($name, $soname, $package, $mechanisms, $keys) = @$case;
		my ($file) = map { m{^\s*\Q$soname\E .*=> (\S+)} } `ldconfig -p`;
		ok($file, "$soname is here") or next;
		local $path{$name} = $file;
		my $server = server_start(%me, password => "p\xc3\xa4ss w0rd", tls => 'implicit', mechanisms => $mechanisms);
		my $config = account($server, tls => 'implicit', %$keys);
		my $r = without([ $name ], ['-C', $config, '--json', 'send', '--no-queue', 'you@example.net']);

		is($r->{exit}, 78, "$soname is missed") or diag($r->{err});
		like($r->{err}, qr/\Q$soname\E cannot be loaded: \S.*\n  install \Q$package\E\n/, 'E4: ... and the package is named');
		like($r->{out}, qr/"cause":\s*"library-missing"/, '... by a cause of its own');
		is(scalar(grep { /^AUTH/ } $server->commands), 0, 'D6: ... and no other login is tried');
		queue_empty();
		$r = without([ $name ], ['-C', $config, 'send', 'you@example.net']);
		is($r->{exit} . queued(), '01', 'B1: what may wait is stored') or diag($r->{err});
		$r = without([ $name ], ['-C', account($server, tls => 'implicit', %me, password => "p\xc3\xa4ss w0rd", auth => 'plain'), 'send',
			'--no-queue', 'you@example.net']) if $name eq 'gsasl';
		is($r->{exit}, 0, 'PLAIN takes none') or diag($r->{err});
		queue_empty();
		$server->stop;
	}
};

done_testing;
