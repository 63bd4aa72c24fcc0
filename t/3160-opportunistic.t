#!/usr/bin/perl
# tls = opportunistic: encrypted where the server does it, in clear where it does not; never
# with a login, and never with a certificate that does not verify.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;

my $ehlo = '250-mx.example.test\r\n250 PIPELINING';
my @mail = ('MAIL FROM:<me@example.test>', 'RCPT TO:<you@example.net>', 'DATA', 'QUIT');

sub start { my (@at) = @_; return server_start(tls => 'starttls', at => \@at, raw => 1) }
sub opportunistic { my ($s, %keys) = @_; return account($s, tls => 'opportunistic', %keys) }

for my $case (
	['offered', [], 'TLSv1.3', ['EHLO client.example.test', 'STARTTLS', 'EHLO client.example.test', @mail]],
	['not offered', [qq(EHLO reply "$ehlo")], 'none', ['EHLO client.example.test', @mail]],
	['no EHLO at all', ['EHLO reply "502 5.5.1 no"'], 'none', ['EHLO client.example.test', 'HELO client.example.test', @mail]],
	['refused', ['STARTTLS reply "502 5.5.1 no"'], 'none', ['EHLO client.example.test', 'STARTTLS', @mail]],
	['refused for now', ['STARTTLS reply "454 4.7.0 TLS not available"'], 'none',
		['EHLO client.example.test', 'STARTTLS', @mail]],
) {
	my ($name, $at, $tls, $commands) = @$case;
	my $s = start(@$at);
	my $r = send_mail(opportunistic($s), ['send', '--no-queue', '--json', 'you@example.net']);

	is($r->{exit}, 0, "$name: sent") or diag($r->{err});
	is($s->stored, 1, "$name: once");
	is_bytes($s->message(1), wire(letter()), "$name: whole");
	is_deeply([map { s/ SIZE=\d+//r } grep { !/^\(/ } $s->commands(1)], $commands, "$name: what was said");
	like($s->envelope(1)->{tls}, $tls eq 'none' ? qr/^none$/ : qr/^TLS/, "$name: TLS $tls");
	($tls eq 'none' ? \&unlike : \&like)->($r->{out}, qr/"tls":/, "$name: and said so");
	is_deeply([$s->violations], [], "$name: by the rules");
}

# What goes wrong behind its yes is no leave to do without.
for my $case (
	['another certificate', {}, 77, qr/certificate|trusted/, tls_ca_file => undef],
	['text in place of the handshake', { at => ['handshake reply "250 this is not TLS"'] }, 76, qr/clear text here|before it was asked/],
	['closed in the handshake', { at => ['handshake close'] }, 75, qr/TLS handshake/],
	['an answer pushed in behind 220', { at => ['STARTTLS inject "250 PIPELINING"'] }, 76, qr/before it was asked/],
	['"250 ok" to STARTTLS', { at => ['STARTTLS reply "250 ok"'] }, 76, qr/does not fit/],
	['421 to STARTTLS', { at => ['STARTTLS reply "421 4.3.2 closing"'] }, 75, qr/421 4\.3\.2/],
) {
	my ($name, $server, $exit, $words, %keys) = @$case;
	my $s = server_start(tls => 'starttls', %$server);
	my $r = send_mail(opportunistic($s, %keys));

	is($r->{exit}, $exit, "$name: not sent") or diag($r->{err});
	like($r->{err}, $words, "$name: why");
	is_deeply([grep { /^(?:MAIL|RCPT|DATA)/ } $s->commands], [], "$name: nothing was said of the mail");
}

# The usual port is that of servers which ask for no login.
like(run_sendoff(['-C', config(account_text(tls => 'opportunistic', host => 'mx.test', port => undef)), 'config', 'show'])->{out},
	qr/^port\s+= 25\b/m, 'port 25');

for my $case (
	['user and password', qr/this account logs in/, user => 'me', password => 'pass w0rd'],
	['a login by certificate', qr/this account logs in/, auth => 'external'],
	['a Kerberos ticket', qr/this account logs in/, auth => 'gssapi'],
	['nobody', qr/this account logs in/, auth => 'anonymous'],
	['a pin', qr/tls_pin is set/, tls_pin => 'spki:' . '0' x 64],
) {
	my ($name, $words, %keys) = @$case;
	my $s = start();
	my $r = send_mail(opportunistic($s, %keys));

	is($r->{exit}, 78, "$name: a mistake");
	like($r->{err}, qr/^sendoff: .*account 'test': tls = opportunistic does without TLS where the server offers none, and $words/,
		"$name: said");
	like($r->{err}, qr/^  set tls = starttls, or implicit for port 465$/m, "$name: what to do");
	is($s->connections, 0, "$name: nobody is asked");
}
my $with = start();
is(send_mail(opportunistic($with, user => 'me', auth => 'none'))->{exit}, 0, 'a user who does not log in');

subtest 'sendoff check' => sub {
	for my $case (
		['offered', [], 'ok', [qw(secret name connect tls ehlo login quit)], undef],
		['not offered', [qq(EHLO reply "$ehlo")], 'warning', [qw(secret name connect ehlo tls login quit)], 'STARTTLS is not offered'],
		['refused', ['STARTTLS reply "454 4.7.0 no"'], 'warning', [qw(secret name connect tls ehlo login quit)], 'STARTTLS was refused'],
	) {
		my ($name, $at, $mark, $stages, $why) = @$case;
		my $s = start(@$at);
		my $c = opportunistic($s);
		my $r = check($c, ['--json']);
		my $tls = stage($r, 'tls');

		is($r->{exit}, 0, "$name: all is well") or diag($r->{out});
		is_deeply([stages($r)], $stages, "$name: the stages");
		is($tls->{mark}, $mark, "$name: $mark");
		is($tls->{facts}{mode}, 'opportunistic', "$name: the mode");
		is(!!$tls->{facts}{verified}, !$why, "$name: verified or not");
		like(check($c)->{out}, qr/tls is opportunistic: whoever is on the way/, "$name: a warning");
		like(check($c)->{out}, qr/\Q$why\E: all of it goes in clear/, "$name: it goes in clear") if $why;
	}
	my $s = server_start(tls => 'starttls', user => 'me', password => 'pass w0rd');
	my $c = account($s, tls => 'starttls', user => 'me', password => 'pass w0rd');
	my $r = check($c, ['--tls', 'opportunistic', 'test']);
	is($r->{exit}, 78, 'not for an account that logs in');
	is($s->connections, 0, '... which is not even tried');
	is(check(config(''), ['--host', '127.0.0.1', '--port', start()->port, '--tls', 'opportunistic', '--set', 'tls_verify=no'])->{exit}, 0,
		'without a configuration');
};
done_testing;
