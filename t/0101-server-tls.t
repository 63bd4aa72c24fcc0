#!/usr/bin/perl
# The scripted server under TLS, asked by a client of another maker.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use SendoffTest;

plan skip_all => 'build/t/server is not built' if !-x build() . '/t/server';
plan skip_all => 'openssl is not installed' if !grep { -x "$_/openssl" } split /:/, $ENV{PATH};

# openssl s_client as a pipe.
package Client {
	sub new
	{
		my ($class, $server, @options) = @_;
		my $run = SendoffTest::start_sendoff([], stdin_open => 1, command => ['openssl', 's_client',
			'-connect', '127.0.0.1:' . $server->port, '-CAfile', SendoffTest::cert('ca'),
			'-verify_return_error', '-quiet', '-ign_eof', @options]);
		return bless { run => $run }, $class;
	}

	sub reply
	{
		my ($self) = @_;
		my $out = \$self->{run}{out};
		SendoffTest::wait_until(sub {
			$self->{run}->turn(0.05);
			return $$out =~ /^\d{3} .*\n/m || $self->{run}->reap(POSIX::WNOHANG());
		});
		return $$out =~ s/\A((?:\d{3}-.*\n)*\d{3} .*\n)// ? $1 =~ s/\r\n\z//r =~ s/\r\n/|/gr : undef;
	}

	sub say { my ($self, $line) = @_; $self->{run}->write("$line\r\n"); return $self->reply }
	sub close { my ($self) = @_; $self->{run}->kill('KILL'); return $self->{run}->finish }
}

package main;

sub codes { return join ' ', map { defined $_ ? substr($_, 0, 3) : 'none' } @_ }

sub deliver
{
	my ($c) = @_;
	return codes(map { $c->say($_) } 'EHLO x.test', 'MAIL FROM:<a@b.test>', 'RCPT TO:<c@d.test>',
		'DATA', "a: b\r\n\r\n.");
}

subtest 'implicit TLS' => sub {
	my $s = server_start(tls => 'implicit', raw => 1, user => 'u', password => 'p');
	my $c = Client->new($s, '-servername', 'localhost');
	is(codes($c->reply), '220', 'greeting');
	is(deliver($c), '250 250 250 354 250', 'mail');
	is(codes($c->say('QUIT')), '221', 'QUIT');
	$c->close;
	is($s->envelope(1)->{tls}, 'TLS1.3', 'TLS in the envelope');
	like(($s->tls)[0], qr/^TLS1\.3 .* sni=localhost resumed=no$/, 'TLS in the journal');
	like($s->raw(1), qr/^EHLO x\.test\r\nMAIL/, 'raw octets are those inside TLS');
	is_deeply([$s->violations], [], 'no violation');
	my $old = server_start(tls => 'implicit', tls_max => '1.2');
	$c = Client->new($old);
	is(deliver($c->reply && $c), '250 250 250 354 250', 'mail under TLS 1.2');
	$c->close;
	is($old->envelope(1)->{tls}, 'TLS1.2', 'not more than --tls-max');
};

subtest 'STARTTLS' => sub {
	my $s = server_start(tls => 'starttls', user => 'u', password => 'p', ext_after_tls => 'SIZE');
	my $plain = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $s->port);
	$plain->getline;
	$plain->syswrite("EHLO x.test\r\n");
	my $offer = '';
	$offer .= $plain->getline while $offer !~ /^250 /m;
	like($offer, qr/^250-PIPELINING\r$/m, 'extensions in clear');
	like($offer, qr/^250 STARTTLS\r$/m, 'STARTTLS is offered');
	unlike($offer, qr/AUTH/, 'a login is not');
	close $plain;
	my $c = Client->new($s, qw(-starttls smtp));
	# What s_client read of the reply to its own EHLO comes first in its output.
	$c->say('NOOP') eq '250 STARTTLS' and $c->reply;
	is($c->say('MAIL FROM:<a@b.test>'), '500 VIOLATION no-ehlo: MAIL before EHLO',
		'EHLO is forgotten under TLS');
	is($c->say('EHLO x.test'), '250-smtp.example.test greets x.test|250-SIZE 52428800|' .
		'250 AUTH PLAIN LOGIN', 'other extensions under TLS');
	is(codes($c->say('STARTTLS')), '502', 'not twice');
	is(codes($c->say('AUTH PLAIN AHUAcA==')), '235', 'login');
	$c->close;
	is_deeply([$s->logins], ['u PLAIN'], 'noted');
};

subtest 'client certificates' => sub {
	my $s = server_start(tls => 'implicit', client_ca => 1, mechanisms => 'EXTERNAL');
	my $c = Client->new($s, '-cert', cert('client'), '-key', cert('client', 'key'));
	$c->reply;
	$c->say('EHLO x.test');
	is(codes($c->say('AUTH EXTERNAL =')), '235', 'with a certificate');
	$c->close;
	$c = Client->new($s);
	$c->reply;
	$c->say('EHLO x.test');
	is(codes($c->say('AUTH EXTERNAL =')), '535', 'without');
	$c->close;
	$c = Client->new($s, '-cert', cert('otherca'), '-key', cert('otherca', 'key'));
	is(codes($c->reply), '220', 'with a foreign one');
	$c->say('EHLO x.test');
	is(codes($c->say('AUTH EXTERNAL ' . encode_base64('me@example.com', ''))), '535', 'refused');
	$c->close;
	like(join("\n", $s->tls), qr/client certificate of me\@example\.com/, 'whose it is');
};

subtest 'the zoo' => sub {
	my %want = (server => 220, chain => 220, rsa => 220, map { $_ => 'none' } qw(expired notyet
		selfsigned otherca clientonly missing constrained));
	for my $name (sort keys %want) {
		my $s = server_start(tls => 'implicit', cert => $name);
		my $c = Client->new($s, qw(-verify_hostname localhost -purpose sslserver));
		is(codes($c->reply), $want{$name}, $name);
		$c->close;
		like(join("\n", $s->tls), qr/handshake failed: /, 'which is noted') if $name eq 'otherca';
	}
};

subtest 'faults of the handshake' => sub {
	my $read = sub {
		my ($mode, $at) = @_;
		my $s = server_start(tls => $mode, at => $at);
		my $c = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $s->port, Timeout => 3);
		local $SIG{ALRM} = sub { die "no end\n" };
		alarm 5;
		if ($mode eq 'starttls') {
			$c->getline;
			$c->syswrite("EHLO x.test\r\n");
			1 while $c->getline =~ /^250-/;
			$c->syswrite("STARTTLS\r\n");
		}
		my $first = $c->getline;
		$c->syswrite("QUIT\r\n") if $at =~ /plain/;
		my $rest = join '', $first // '', $c->getlines;
		alarm 0;
		return $rest;
	};
	is($read->('implicit', 'handshake plain'), "220 smtp.example.test ESMTP test server\r\n" .
		"221 2.0.0 bye\r\n" =~ s/2\.0\.0 //r, 'the banner in clear');
	is($read->('implicit', 'handshake close'), '', 'closed');
	is(length $read->('implicit', 'handshake garbage 100'), 100, 'garbage');
	is($read->('implicit', 'handshake reply "554 no"'), "554 no\r\n", 'words instead');
	like($read->('starttls', 'handshake plain'), qr/^220 .*\r\n221 bye\r\n$/, 'on in clear');
	is($read->('starttls', 'handshake close'), "220 2.0.0 go ahead\r\n", 'closed behind the 220');
	is($read->('starttls', 'STARTTLS close'), '', 'closed before');
};

done_testing;
