#!/usr/bin/perl
# Accounts that do not work, each mended by doing what sendoff check has printed, and nothing
# else: its "set" lines go into the file and section that it names, its options onto the
# command line, and where somebody else must act, that is done.  Until it is well.
#
# In a network of its own, with names of its own: the ports are the real ones.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Names;

own_names(hosts => { '127.0.0.1' => [ 'smtp.example.test', 'other.test' ], '127.0.0.2' => [ 'example.test' ] });

my %login = (user => 'me@example.test', password => 'geheim', require_login => 1, lenient => 1);

sub submission { return server_start(port => 587, tls => 'starttls', %login, @_) }
sub submissions { return server_start(port => 465, tls => 'implicit', %login, @_) }

# Whatever it says, to everybody who comes.
sub says
{
	my ($port, $text) = @_;
	my $socket = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1', LocalPort => $port)
		or die "port $port: $!\n";
	my $pid = fork // die "fork: $!\n";

	return $pid if $pid;
	$SIG{TERM} = 'DEFAULT';
	alarm 300;
	while (my $client = $socket->accept) {
		print $client $text;
		$client->flush;
		sysread $client, my $ignored, 4096;
	}
	POSIX::_exit(0);
}

# ---- a person who does what is printed

my %right = (host => 'smtp.example.test', port => 587, user => 'me@example.test',
	password => 'geheim', tls_ca_file => '{ca}');

sub account_file
{
	my (%keys) = (%right, @_);

	return config("[sendoff]\nlog = none\n\n[account other]\nhost = other.test\n\n[account test]\n" .
		join('', map { defined $keys{$_} ? "$_ = $keys{$_}\n" : '' } sort keys %keys));
}

# Puts a line into a section of a file: instead of the one that sets the same key.
sub put
{
	my ($file, $section, $line) = @_;
	my ($key) = $line =~ /^(\w+) = / or die "no setting: $line\n";
	my @parts = split /^(?=\[)/m, file_read($file);
	my ($part) = grep { /^\Q$section\E$/m } @parts;

	die "no $section in $file\n" if !$part;
	for (@parts) {
		next if $_ ne $part;
		s/^\Q$key\E = .*$/$line/m or s/\n*\z/\n$line\n/;
	}
	file_write($file, join '', @parts);
}

# By the printed next step, which names the file and the section.
sub set_all
{
	my ($name, $verdict) = @_;
	my ($file, $section) = ($verdict->{next} // '') =~ m{(/\S+), (\[account [^\]]+\])};

	ok(defined $file, "$name: the next step names file and section") or
		return diag($verdict->{next});
	put($file, $section, $_) for @{ $verdict->{set} // [] };
	return;
}

# Checks, does what is printed, and checks again: so many times at the most.  acts is what
# to do when the next step says that: [ QR, FUNCTION, ... ].
sub mends
{
	my ($name, $file, %o) = @_;
	my @acts = @{ $o{acts} // [] };
	my @causes;

	for my $round (1 .. ($o{rounds} // 1) + 1) {
		my $r = run_sendoff([ '-C', $file, 'check', 'test' ], timeout => 60);
		my $verdict = printed($r->{out});

		if ($r->{exit} == 0) {
			is_deeply(\@causes, $o{causes}, "$name: it was that, and is well now");
			like($r->{out}, qr/^all is well/m, "$name: and says so");
			return;
		}
		push @causes, $verdict->{cause} =~ /\(([\w-]+)\)$/;
		note $r->{out} =~ /^(failed.*)/ms;
		last if $round > ($o{rounds} // 1);
		my ($done) = grep { $verdict->{next} =~ $acts[$_] } grep { $_ % 2 == 0 } 0 .. $#acts;
		if ($verdict->{set}) {
			set_all($name, $verdict);
		} elsif (defined $done) {
			$acts[$done + 1]->($verdict, $file);
		} elsif ($verdict->{next} =~ /\bset (\w+ = [^\s,;]+)/) {
			put($file, '[account test]', $1);
		} else {
			last;
		}
	}
	fail("$name: mended by what is printed");
	diag(run_sendoff([ '-C', $file, 'check', 'test' ], timeout => 60)->{out});
}

# ---- the wrong port

my $submissions = submissions();
mends('closed port', account_file(port => 2526), causes => [ 'connect-refused' ]);
mends('closed port, explicit mode', account_file(port => 2526, tls => 'starttls'),
	causes => [ 'connect-refused' ]);
$submissions->stop;

my $submission = submission();
mends('closed port, STARTTLS elsewhere', account_file(port => 465), causes => [ 'connect-refused' ]);
mends('closed port, STARTTLS elsewhere, mode said', account_file(port => 465, tls => 'implicit'),
	causes => [ 'connect-refused' ]);

for my $other ([ http => 80, "HTTP/1.1 400 Bad Request\r\n\r\n" ],
	[ imap => 143, "* OK IMAP4rev1 ready\r\n" ], [ pop3 => 110, "+OK POP3 ready\r\n" ]) {
	my ($name, $port, $text) = @$other;
	my $pid = says($port, $text);

	mends("the port of $name", account_file(port => $port), causes => [
		$name eq 'http' ? 'http-here' : 'other-protocol-here' ]);
	kill 'TERM', $pid;
	waitpid $pid, 0;
}

# The port between servers: mail is taken there for its own people, and no login.
my $between = server_start(port => 25, tls => 'starttls', lenient => 1);
mends('the port between servers', account_file(port => 25), causes => [ 'login-not-offered' ]);
$between->stop;

# ---- the wrong mode

mends('implicit where STARTTLS is', account_file(tls => 'implicit'), causes => [ 'plain-smtp-here' ]);
mends('no TLS where it is wanted', account_file(tls => 'off'), causes => [ 'login-not-offered' ]);
$submission->stop;
$submissions = submissions();
mends('STARTTLS where it begins with TLS', account_file(port => 465, tls => 'starttls'),
	causes => [ 'tls-from-the-start-here' ]);
$submissions->stop;

# ---- the wrong password

$submission = submission();
my $file = account_file(password => 'gehiem');
mends('wrong password', $file, causes => [ 'login-refused' ], acts => [
	qr/check user and password/ => sub { put($file, '[account test]', 'password = geheim') } ]);
my $short = account_file(user => 'me');
mends('only a part of the user', $short, causes => [ 'login-refused' ], acts => [
	qr/check user and password .*whole address/ =>
		sub { put($short, '[account test]', 'user = me@example.test') } ]);
is((grep { $_->{text} =~ /^535 / } $submission->journal), 2, 'C9: each was tried once');
$submission->stop;

# ---- the certificate is out of date

$submission = submission(cert => 'expired');
mends('certificate out of date', account_file(), causes => [ 'certificate-expired' ], acts => [
	qr/operator must (?:renew|replace)/ => sub { $submission->stop; $submission = submission() } ]);
$submission->stop;

# ---- the certificate is another one

$submission = submission(cert => 'wrongname');
mends('the name in the certificate', account_file(), causes => [ 'certificate-wrong-name' ]);
$submission->stop;
$submission = submission(cert => 'selfsigned');
mends('self-signed', account_file(), causes => [ 'certificate-self-signed' ]);
$submission->stop;
$submission = submission();
my $stranger = account_file(tls_ca_file => cert('otherca-ca'));
mends('a CA of the house', $stranger, causes => [ 'certificate-unknown-issuer' ], acts => [
	qr/set tls_ca_file = FILE/ => sub { put($stranger, '[account test]', 'tls_ca_file = ' . cert('ca')) } ]);
$submission->stop;

# ---- the way to log in

$submission = submission(mechanisms => 'CRAM-MD5');
mends('CRAM-MD5 alone', account_file(), causes => [ 'login-weak-only' ]);
$submission->stop;
$submission = submission(mechanisms => 'LOGIN');
my $named = account_file(auth => 'plain');
mends('a mechanism that is not there', $named, causes => [ 'no-common-mechanism' ], acts => [
	qr/leave auth out/ => sub { file_write($named, file_read($named) =~ s/^auth = .*\n//mr) } ]);
$submission->stop;
$submission = submission();

# ---- a typing error in the host

mends('a typing error', account_file(host => 'smpt.example.test'), causes => [ 'name-unknown' ]);
mends('a typing error, and the port', account_file(host => 'smtp.exmaple.test', port => 2526),
	causes => [ 'name-unknown' ]);

# What exists is not always a server for mail: a domain has its web site there.
mends('the domain', account_file(host => 'example.test'), causes => [ 'connect-refused' ]);
mends('the domain, no address known', account_file(host => 'example.test', user => 'me'),
	causes => [ 'connect-refused', 'login-refused' ], rounds => 2, acts => [
	qr/whole address/ => sub { put($_[1], '[account test]', 'user = me@example.test') } ]);
mends('a port in the host', account_file(host => 'smtp.example.test:587', port => undef),
	causes => [ 'name-unknown' ]);
mends('a URL', account_file(host => 'smtp://smtp.example.test/', port => undef),
	causes => [ 'name-unknown' ]);

# ---- two at once

mends('host, port and mode', account_file(host => 'smtp.example.tset', port => 465, tls => 'implicit'),
	causes => [ 'name-unknown' ], rounds => 2);

# ---- by options alone, without any file

sub check_by_options
{
	my (%with) = @_;

	return run_sendoff([ 'check', %with ], stdin => "geheim\n", timeout => 60);
}

sub mends_options
{
	my ($name, $cause, %with) = @_;
	%with = ('--user' => 'me@example.test', '--password-file' => '-', %with);
	my $r = check_by_options(%with);
	my $verdict = printed($r->{out});

	like($verdict->{cause}, qr/\(\Q$cause\E\)$/, "$name: the cause");
	like($verdict->{next}, qr/options below/, "$name: the next step");
	my @more = map { split ' ', $_, 2 } @{ $verdict->{set} // [] };
	is(scalar(grep { /^--(?:host|port|tls)$/ } @more), @more / 2, "$name: options are named");
	$r = check_by_options(%with, @more);
	is($r->{exit}, 0, "$name: well with them") or diag($r->{out}, $r->{err});
}

my ($bundle) = grep { -e } qw(/etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt);
SKIP: {
	skip 'this system has no bundle of roots', 12 if !$bundle;
	put_over($bundle, file_read(cert('ca')));
	mends_options('options, closed port', 'connect-refused', '--host' => 'smtp.example.test',
		'--port' => 465);
	mends_options('options, wrong mode', 'plain-smtp-here', '--host' => 'smtp.example.test',
		'--tls' => 'implicit', '--port' => 587);
	mends_options('options, a typing error', 'name-unknown', '--host' => 'smpt.example.test',
		'--port' => 2526);
}

done_testing;
