#!/usr/bin/perl
# A server behind a socket in the file system.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::UNIX;
use SendoffTest;
use SendoffTest::Send;

# Paths of sockets are short.
my $dir = workdir();
plan skip_all => 'the path of the working directory is too long for a socket'
	if length "$dir/gone.sock" > 100;

subtest 'a message goes through it' => sub {
	my $path = "$dir/one.sock";
	my $s = server_start(listen => $path, settle => 25, raw => 1);
	# The port means nothing there.
	my $r = send_mail(account($s, host => $path, port => 1), undef);

	is($r->{exit}, 0, 'sent') or diag($r->{err});
	is($s->stored, 1, 'once');
	is_bytes($s->message(1), wire(letter()), 'as it was');
	is($s->flights(1), 3, 'EHLO, the group, content and QUIT');
	is_deeply([$s->violations], [], 'by the rules');
};

subtest 'EHLO names the host, or localhost' => sub {
	my $path = "$dir/name.sock";
	my $s = server_start(listen => $path);
	my $r = send_mail(account($s, host => $path, port => undef, ehlo => undef), undef);

	is($r->{exit}, 0, 'sent') or diag($r->{err});
	like(($s->commands(1))[0], qr/^EHLO (?:localhost|[\w-]+(?:\.[\w-]+)+)$/, 'never a literal');
};

subtest 'TLS and a login inside, for the name in tls_host' => sub {
	my $path = "$dir/tls.sock";
	my $s = server_start(listen => $path, tls => 'starttls', user => 'me', password => 'pass w0rd');
	my @keys = (host => $path, port => undef, tls => 'starttls', user => 'me', password => 'pass w0rd');
	my $r = send_mail(account($s, @keys, tls_host => 'localhost'), undef);

	is($r->{exit}, 0, 'sent') or diag($r->{err});
	is(($s->logins(1))[0], 'me PLAIN', 'logged in') or diag(explain([$s->logins]));
	$r = send_mail(account($s, @keys), ['send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 78, 'D1: a path is no name that a certificate could bear');
	like($r->{err}, qr/host is the path of a socket .*\n.*set tls_host/, 'as is told');
	is($s->stored, 1, 'and nothing went through');
};

my @fails = (
	['no such socket', "$dir/gone.sock", sub {}],
	['nobody listens there', "$dir/old.sock", sub {
		IO::Socket::UNIX->new(Local => $_[0], Listen => 1)->close }],
	['the path of a socket has at most 107 octets', '/tmp/' . 'x' x 120, sub {}],
);

for my $case (@fails) {
	my ($why, $path, $before) = @$case;

	subtest $why => sub {
		$before->($path);
		my $r = send_mail(config(account_text(host => $path, port => undef)),
			['send', '--no-queue', 'you@example.net']);

		isnt($r->{exit}, 0, "not sent: $r->{exit}");
		like($r->{err}, qr/cannot connect to \Q$path\E: \Q$why\E/, 'why');
		unlike($r->{err}, qr/:\d/, 'a path has no port');
	};
}

done_testing;
