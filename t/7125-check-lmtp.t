#!/usr/bin/perl
# sendoff check of a server for LMTP: its stages, a test message that only some of the recipients
# get, and what is said where one of the two speaks the other protocol.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;

my @patient = (timeout => '20s', connect_timeout => '20s', final_timeout => '20s');

sub conf { my ($server, %keys) = @_; return account($server, protocol => 'lmtp', @patient, %keys) }

subtest 'well' => sub {
	my $s = server_start(lmtp => 1, tls => 'starttls', user => 'me@example.test', password => 'pass w0rd');
	my ($report, $r) = checked(conf($s, tls => 'starttls', user => 'me@example.test', password => 'pass w0rd'),
		'--from', 'me@example.test', '--to', 'you@example.net', '--vrfy', 'you', '--expn', 'list', '--remote-help');

	is($r->{exit}, 0, 'all is well') or diag($r->{out});
	is_deeply([grep { /^(?:tls|ehlo|lhlo|login|envelope|ask|quit)$/ } stages({ json => $report })],
		[qw(tls lhlo login envelope ask ask ask quit)], 'LHLO is a stage of that name');
	is(stage($report, 'configuration')->{facts}{protocol}, 'lmtp', 'the protocol is told');
	is(stage($report, 'login')->{facts}{mechanism}, 'PLAIN', 'logged in');
	is_deeply([map { /^(\S+)/ } $s->commands(1)], [qw(LHLO STARTTLS LHLO AUTH MAIL RCPT RSET VRFY EXPN HELP QUIT)],
		'the dialogue, and no content');
	is_deeply([$s->violations], [], 'by the rules');
	my $text = check(conf($s, tls => 'starttls', user => 'me@example.test', password => 'pass w0rd'), []);
	like(sentence($text->{out}), qr/tls starttls, LMTP, user/, 'told to a person as well');
	like($text->{out}, qr/^\S+ lhlo\b/m, 'by its stage') or diag($text->{out});
};

subtest 'a test message' => sub {
	my $s = server_start(lmtp => 1, at => ['DELIVERY=full@example.net reply "552 5.2.2 over quota"']);
	my ($report, $r) = checked(conf($s), '--from', 'me@example.test', '--send', 'full@example.net');

	is($r->{exit}, 67, 'G1: refused behind the content');
	is($report->{failed}{cause}, 'recipient-full', 'and why');
	is($report->{failed}{stage}, 'send', 'at the stage');
	($report, $r) = checked(conf($s), '--from', 'me@example.test', '--send', 'you@example.net');
	is($r->{exit}, 0, 'delivered');
	is($s->stored, 1, 'one has it');
};

subtest 'the other protocol' => sub {
	my $lmtp = server_start(lmtp => 1, lenient => 1, at => ['greeting reply "220 mail.example.test LMTP ready"']);
	my ($report, $r) = checked(account($lmtp, @patient));
	is($r->{exit}, 76, 'SMTP to LMTP');
	is($report->{failed}{cause}, 'lmtp-here', 'the cause');
	like($report->{failed}{next}, qr/set protocol = lmtp/, 'and what to do');
	is(scalar(grep { $_ eq 'elsewhere' } stages({ json => $report })), 0, 'nothing else is tried: it may well be the right server');
	my $smtp = server_start(lenient => 1);
	($report, $r) = checked(conf($smtp));
	is($r->{exit}, 76, 'LMTP to SMTP');
	is($report->{failed}{cause}, 'lhlo-unknown', 'the cause');
	is($report->{failed}{stage}, 'lhlo', 'at the stage');
	like($report->{failed}{next}, qr/set protocol = smtp/, 'and what to do');
	is_deeply([grep { /^(?:EHLO|HELO)/ } $smtp->commands], [], 'no port is tried by EHLO');
};

subtest 'a socket, without a file' => sub {
	my $path = workdir() . '/lmtp';
	my $s = server_start(lmtp => 1, listen => $path);
	my $r = check(undef, ['--json', '--host', $path, '--set', 'protocol=lmtp', '--from', 'me@example.test',
		'--to', 'you@example.net']);
	is($r->{exit}, 0, 'by options alone') or diag($r->{out} . $r->{err});
	is_deeply([map { /^(\S+)/ } $s->commands], [qw(LHLO MAIL RCPT RSET QUIT)], 'the dialogue');
};
done_testing;
