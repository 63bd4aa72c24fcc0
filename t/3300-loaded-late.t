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
	is_deeply([sort keys %note], [qw(idn tls)], 'two notes');
	for ([tls => 'libgnutls'], [idn => 'libidn2']) {
		my ($feature, $library) = @$_;

		is($note{$feature}{priority}, 'required', "$feature is required");
		like($note{$feature}{soname}[0], qr/^\Q$library\E\.so\.\d+$/, "... and is $library");
	}
	unlike(`ldd '$program'`, qr/gnutls|idn2/, 'neither is linked');
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

done_testing;
