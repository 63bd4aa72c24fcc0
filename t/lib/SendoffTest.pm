package SendoffTest;

# SendoffTest - what all tests of sendoff share: a scripted server, a
# configuration, a run of sendoff, and the cleaning up behind them.
#
# Needs nothing but Perl's core.  See t/README.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter 'import';
use Fcntl qw(:DEFAULT);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep time);

use SendoffTest::Run;
use SendoffTest::Secrets;
use SendoffTest::Server;

our @EXPORT = (
	qw(server_start run_sendoff start_sendoff config cert certs_make workdir top build
		file_read file_write wait_until hurry is_bytes hostile_bytes),
	@Test::More::EXPORT
);

my $top = abs_path(dirname(__FILE__) . '/../..');
my $workdir;
my $configs = 0;
my $owner = $$;

# So that the clean-up at the end is done for these too.
$SIG{$_} = sub { exit 1 } for qw(INT TERM HUP PIPE);

sub top { return $top }

# Where the binaries are: B, as make exports it, or build/.
sub build
{
	my $dir = $ENV{B} // 'build';

	return $dir =~ m{^/} ? $dir : "$top/$dir";
}

# A directory for this test alone, removed when it ends (kept and named when
# SENDOFF_KEEP is set).
sub workdir
{
	if (!$workdir) {
		$workdir = tempdir('sendoff-test-XXXXXXXX', TMPDIR => 1, CLEANUP => 0);
		mkdir "$workdir/home", 0700;
	}
	return $workdir;
}

sub file_read
{
	my ($path) = @_;

	open(my $in, '<:raw', $path) or die "$path: $!\n";
	local $/;
	my $text = <$in>;
	return $text // '';
}

sub file_write
{
	my ($path, $text, $mode) = @_;

	sysopen(my $out, $path, O_WRONLY | O_CREAT | O_TRUNC, $mode // 0600) or die "$path: $!\n";
	binmode $out;
	print {$out} $text;
	close $out or die "$path: $!\n";
	chmod $mode // 0600, $path;
	SendoffTest::Secrets::own($path);
	return $path;
}

# Path of a certificate of t/certs.sh: cert('server') or cert('server', 'key').
sub cert
{
	my ($name, $kind) = @_;

	return certs_make() . "/$name." . ($kind // 'crt');
}

my $certs_made;

sub certs_make
{
	my $dir = build() . '/t/certs';

	if (!$certs_made) {
		system("$top/t/certs.sh", $dir) == 0 or BAIL_OUT('t/certs.sh failed');
		$certs_made = 1;
	}
	return $dir;
}

# Writes a configuration (mode 0600) and returns its path.  In the text {NAME}
# stands for the value of the pair NAME => value; {ca}, {certs}, {dir} are
# there always, {host} and {port} with server => $server.
sub config
{
	my ($text, %values) = @_;
	my $server = delete $values{server};
	my $mode = delete $values{mode};

	$values{dir} //= workdir();
	if ($text =~ /\{(?:ca|certs)\}/) {
		$values{certs} //= certs_make();
		$values{ca} //= cert('ca');
	}
	if ($server) {
		$values{host} //= $server->host;
		$values{port} //= $server->port;
	}
	$text =~ s/\{(\w+)\}/$values{$1} \/\/ "{$1}"/ge;
	SendoffTest::Secrets::known_in($text);
	return file_write(workdir() . '/config' . (++$configs), $text, $mode // 0600);
}

sub server_start { return SendoffTest::Server->start(@_) }
sub start_sendoff { return SendoffTest::Run->start(@_) }

# run_sendoff([ARGUMENTS], stdin => BYTES, env => {...}, name => 'sendmail',
#	timeout => 20, ...) gives { exit, signal, out, err, seconds, timed_out }.
sub run_sendoff
{
	my ($args, %options) = @_;

	return SendoffTest::Run->start($args, %options)->finish;
}

# Calls the function until it is true, at most so many seconds (default 5).
sub wait_until
{
	my ($function, $seconds) = @_;
	my $end = time + ($seconds // 5);

	while (1) {
		my $result = $function->();
		return $result if $result || time >= $end;
		sleep 0.01;
	}
}

# Variables under which a program's deadlines come so many times as early; nothing
# where it cannot be (a sanitizer wants to be loaded first).
sub hurry
{
	my ($factor) = @_;
	my $library = build() . '/t/hurry.so';

	return if $ENV{ASAN_OPTIONS} || build() =~ /asan/ || $ENV{SENDOFF_WRAP} || !-e $library;
	return (LD_PRELOAD => $library, HURRY => $factor);
}

sub show_bytes
{
	my ($bytes) = @_;

	$bytes =~ s/([^\x20-\x7e])/sprintf('\\x%02x', ord $1)/ge;
	return $bytes;
}

# Equal octet by octet; else tells where they part.
sub is_bytes
{
	my ($got, $want, $name) = @_;
	my $at = 0;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return pass($name) if defined $got && $got eq $want;
	fail($name);
	if (!defined $got) {
		diag('got nothing at all');
		return 0;
	}
	$at++ while $at < length $got && $at < length $want &&
		substr($got, $at, 1) eq substr($want, $at, 1);
	my $from = $at > 20 ? $at - 20 : 0;
	diag(sprintf('they part at octet %d; lengths %d and %d', $at, length $got, length $want));
	diag('got  ' . show_bytes(substr($got, $from, 60)));
	diag('want ' . show_bytes(substr($want, $from, 60)));
	return 0;
}

# The same hostile octets in every run: all 256 values, in no order.
sub hostile_bytes
{
	my ($count, $seed) = @_;
	my $state = $seed // 1;
	my $bytes = '';

	while (length $bytes < $count) {
		$state = ($state * 1103515245 + 12345) & 0x7fffffff;
		$bytes .= chr($state >> 16 & 0xff);
	}
	return $bytes;
}

# D9: what sendoff has left, searched for every secret that the test has used.
sub secrets_left
{
	my @left = SendoffTest::Secrets::left_in($workdir // ());

	diag("D9: the secret '$_->[1]' is in the file $_->[0]") for @left;
	return scalar @left;
}

END {
	my $status = $?;
	return if $$ != $owner;
	SendoffTest::Run->end_all;
	SendoffTest::Server->end_all;
	$status ||= 1 if secrets_left();
	if ($workdir) {
		if ($ENV{SENDOFF_KEEP}) {
			diag("kept: $workdir");
		} else {
			remove_tree($workdir);
		}
	}
	$? = $status;
}

1;
