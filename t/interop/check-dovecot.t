#!/usr/bin/perl
# sendoff check at Dovecot's own submission service, which passes on what it takes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP;
use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Postfix;

plan skip_all => SendoffTest::Postfix->why_not if SendoffTest::Postfix->why_not;
plan skip_all => 'Dovecot 2.3 with its submission service is needed'
	if !SendoffTest::Postfix->dovecot_submits;

my $me = $SendoffTest::Postfix::user;
my $dovecot = SendoffTest::Postfix->start(dovecot_submission => 1, services => { submission => {} },
	sink => { at => [ 'RCPT=gone@example.net reply "550 5.1.1 nobody here by that name"' ] });
my @mail = ('--from', $me, '--to', 'a@example.net');

for my $tls (qw(starttls implicit)) {
	my @service = ("dovecot-$tls", tls => $tls);
	my ($report, $r) = checked($dovecot->config(@service), @mail);

	is($r->{exit}, 0, "$tls: well");
	is(stage($report, 'ehlo')->{facts}{software}, 'Dovecot', "$tls: who it is");
	is(stage($report, 'tls')->{facts}{mode}, $tls, "$tls: the mode");
	is(stage($report, 'login')->{facts}{mechanism}, 'SCRAM-SHA-256', "$tls: the mechanism");
	is(stage($report, 'envelope')->{facts}{recipients}[0]{accepted}, JSON::PP::true,
		"$tls: the recipient");

	($report, $r) = checked($dovecot->config(@service), @mail, '--to', 'gone@example.net');
	is($r->{exit}, 67, "$tls, unknown recipient: G1: exit 67");
	is($report->{failed}{cause}, 'recipient-refused', "$tls, unknown recipient: the cause");
	like($report->{failed}{said}, qr/^550 5\.1\.1 <gone\@example\.net> nobody here/,
		"$tls, unknown recipient: the words of the server behind it");

	($report, $r) = checked($dovecot->config(@service, password => 'wr0ng-Secret'), @mail);
	is($r->{exit}, 77, "$tls, wrong password: G1: exit 77");
	is($report->{failed}{cause}, 'login-refused', "$tls, wrong password: the cause");
	like($report->{failed}{said}, qr/^535 5\.7\.8 /, "$tls, wrong password: the server's words");
	unlike($r->{out}, qr/wr0ng-Secret/, "$tls, wrong password: D9: no secret");

	$r = run_sendoff([ '-C', $dovecot->config(@service, password => 'wr0ng-Secret'), 'check' ]);
	like(printed($r->{out})->{next}, qr/check user and password/, "$tls, wrong password: the next step");
}

is($dovecot->sink->stored, 0, 'nothing was sent');
is((grep { /^(?:DATA|BDAT)\b/ } $dovecot->sink->commands), 0, 'DATA was never said');
done_testing;
