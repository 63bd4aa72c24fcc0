#!/usr/bin/perl
# LMTP (RFC 2033): what goes over the wire, a fate for each recipient, servers that count wrong
# or speak the other protocol, and what the configuration wants.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP;
use SendoffTest;
use SendoffTest::Send;

sub to { return map { "$_\@example.net" } @_ }

# However slow the machine is.
my @patient = (protocol => 'lmtp', timeout => '30s', connect_timeout => '30s', final_timeout => '30s');

sub submit
{
	my ($server, $rcpts, %keys) = @_;
	my %o = (timeout => 90, %{ delete $keys{run} // {} });

	return send_mail(account($server, @patient, %keys),
		[@{ delete $o{before} // [] }, 'send', '--no-queue', to(@$rcpts)], %o);
}

sub served
{
	my ($server) = @_;

	return map { @{ $server->envelope($_)->{recipients} } } 1 .. $server->stored;
}

my @mixed = ('DELIVERY=b@example.net reply "452 4.2.2 <b> over quota"',
	'DELIVERY=c@example.net reply "554 5.7.1 <c> not with this rule"');

subtest 'the wire' => sub {
	for my $case (['DATA', {}, {}], ['BDAT', {}, { chunking => 'yes' }],
		['no PIPELINING', { extensions => 'SIZE 8BITMIME DSN ENHANCEDSTATUSCODES' }, {}],
		['pipelining off', {}, { pipelining => 'off' }], ['reply by reply', { one_by_one => 1 }, {}],
		['STARTTLS', { tls => 'starttls' }, { tls => 'starttls' }],
		['TLS and a login that leads', { tls => 'implicit', user => 'me', password => 'pass w0rd' },
			{ tls => 'implicit', user => 'me', password => 'pass w0rd', pipelining => 'full' }],
	) {
		my ($name, $server, $keys) = @$case;
		my $s = server_start(lmtp => 1, raw => 1, %$server);
		my $r = submit($s, [qw(a b c)], %$keys, run => { stdin => letter(".dot\n..\n") });
		is($r->{exit}, 0, "$name: taken for all") or diag($r->{err});
		is($r->{err}, '', "$name: without a word");
		is_deeply([served($s)], [to(qw(a b c))], "$name: in their order");
		like(($s->commands(1))[0], qr/^LHLO client\.example\.test/, "$name: LHLO first");
		is(scalar(grep { /^(?:EHLO|HELO)/ } $s->commands), 0, "$name: nothing of SMTP's");
		is($s->message(1), wire(letter(".dot\n..\n")), "A8: $name: as it was");
		is_deeply([$s->violations], [], "$name: by the rules");
		is($s->stop, 0, "$name: the server is content");
	}
};

subtest 'all that EHLO offers LHLO may offer' => sub {
	my $s = server_start(lmtp => 1);
	my $r = send_mail(account($s, @patient), ['send', '--no-queue', '--dsn', 'failure,delay',
		"j\xc3\xbcrg\@example.net"], stdin => letter("\xc3\xa4\n"));
	is($r->{exit}, 0, 'taken') or diag($r->{err});
	like($s->envelope(1)->{mail}, qr/ SIZE=\d+ BODY=8BITMIME( SMTPUTF8)$/, 'SIZE, 8BITMIME, SMTPUTF8, DSN');
	like($s->envelope(1)->{rcpt}[0], qr/ NOTIFY=FAILURE,DELAY$/, 'and NOTIFY');
	is_deeply([$s->violations], [], 'by the rules');
	my $small = server_start(lmtp => 1, size => 100);
	$r = submit($small, ['a'], run => { stdin => letter("x\n" x 100) });
	is($r->{exit}, 69, 'G1: too large for it: told before it is sent');
	is_deeply([grep { /^MAIL/ } $small->commands], [], 'not even MAIL');
};

subtest 'each recipient its own fate' => sub {
	for my $chunking (qw(no yes)) {
		my $s = server_start(lmtp => 1, at => \@mixed);
		my $r = submit($s, [qw(a b c d)], chunking => $chunking);
		is($r->{exit}, 69, "G1: chunking $chunking: some have it, one is to be tried again: 69");
		is_deeply([served($s)], [to(qw(a d))], 'delivered to those that the server said so of');
		like($r->{err}, qr/^sendoff: recipient b\@example\.net refused for now: 452 4\.2\.2 <b> over quota \(/m, 'one later');
		like($r->{err}, qr/^sendoff: recipient c\@example\.net refused: 554 5\.7\.1 <c> not with this rule \(/m, 'one refused');
		like($r->{err}, qr/^  2 of 4 recipients were served: send again only to those named here$/m, 'who has it is told');
		unlike($r->{err}, qr/[ad]\@example\.net/, 'the others are not named');
		is_deeply([$s->violations], [], 'by the rules');
	}
	my $refused = server_start(lmtp => 1, at => [$mixed[1]]);
	my $r = submit($refused, [qw(a c)]);
	is($r->{exit}, 67, 'G1: some have it, one is refused for good: 67');
	my $told = submit($refused, [qw(a c)], run => { before => ['--json'] });
	my $json = decode_json($told->{out});
	is_deeply([map { [@$_{qw(address verdict code cause)}] } @{ $json->{recipients} }],
		[['a@example.net', 'delivered', 250, undef], ['c@example.net', 'refused', 554, 'delivery-refused']], 'as JSON');
	like($json->{reply}, qr/^250 /, 'the receipt is a 250');
	my $later = server_start(lmtp => 1, at => [$mixed[0]]);
	is(submit($later, ['b'])->{exit}, 75, 'G1: nobody has it: 75');
	is(submit($later, [qw(b a)], max_recipients => 1)->{exit}, 75, 'A2: the first transaction refused for now');
	is_deeply([served($later)], [], '... keeps it from the others');
	my $rcpt = server_start(lmtp => 1, at => ['RCPT=b@example.net reply "450 4.2.1 later"']);
	is(submit($rcpt, [qw(a b)])->{exit}, 75, 'A2: refused for now at RCPT');
	is($rcpt->stored, 0, '... nobody gets it');
	my $none = server_start(lmtp => 1, at => ['RCPT reply "550 5.1.1 who"']);
	is(submit($none, [qw(a b)])->{exit}, 67, 'G1: nobody was accepted');
	is_deeply([grep { /no valid|stored/ } map { $none->replies } 1], [], 'no content');
	is_deeply([$_->violations], [], 'by the rules') for $later, $rcpt, $none;
};

subtest 'many recipients, each once' => sub {
	my @rcpts = map { "u$_" } 1 .. 1000;
	my $s = server_start(lmtp => 1, max_recipients => 300, at => ['DELIVERY=u77@example.net reply "550 5.2.1 no"']);
	my $r = submit($s, \@rcpts, max_recipients => 400);
	my %times;
	$times{$_}++ for served($s);
	is($r->{exit}, 67, 'one is refused');
	is(scalar(keys %times), 999, 'all others have it');
	is_deeply([grep { $times{$_} != 1 } keys %times], [], 'B1: each once');
	is($s->connections, 1, 'over one connection');
	is_deeply([$s->violations], [], 'by the rules');
};

subtest 'replies missing, too many, and none' => sub {
	for my $case (['lost behind the first', 'DELIVERY:2 close'], ['reset', 'DELIVERY:2 reset'],
		['silence', 'DELIVERY:2 silence'], ['rubbish', 'DELIVERY:2 garbage 50'],
		['one reply for all', 'CONTENT reply "250 2.0.0 taken for all"']) {
		my ($name, $at) = @$case;
		my $s = server_start(lmtp => 1, lenient => 1, at => $at);
		my $r = submit($s, [qw(a b c)], final_timeout => '3s');
		is($r->{exit}, 74, "G1: $name: 74");
		unlike($r->{err}, qr/recipient a\@/, "$name: the first has it");
		like($r->{err}, qr/^sendoff: recipient $_\@example\.net may have been delivered: /m, "$name: $_ may have it")
			for qw(b c);
		like($r->{err}, qr/the answers for 2 of 3 recipients are missing .*protocol = smtp/, "$name: and why") if $name =~ /one reply/;
	}
	my $closing = server_start(lmtp => 1, at => ['DELIVERY:1 reply "421 4.3.2 bye"']);
	my $r = submit($closing, [qw(a b)]);
	is($r->{exit}, 74, '421 and closed: of the second nobody knows');
	like($r->{err}, qr/recipient a\@example\.net refused for now: 421/, 'of the first one does');
	my $double = server_start(lmtp => 1, at => ['DELIVERY:2 double'], lenient => 1);
	$r = submit($double, [qw(a b)]);
	is($r->{exit}, 0, 'E6: one too many behind the last changes nothing') or diag($r->{err});
	my $go = server_start(lmtp => 1, lenient => 1, at => ['RCPT reply "550 5.1.1 who"', 'DATA reply "354 go"']);
	$r = submit($go, ['a']);
	is($r->{exit}, 67, '354 although nobody was accepted: the refusal stands');
	is_deeply([grep { /content/ } $go->commands], [], 'and no content is sent');
	my $early = server_start(lmtp => 1, lenient => 1, buffer => 4096, at => ['CONTENT drop-after 2000']);
	my $long = ("x" x 70 . "\n") x 150_000;
	$r = submit($early, [qw(a b)], run => { stdin => letter($long) });
	is($r->{exit}, 75, 'closed inside of the content: nobody has it');
};

subtest 'who speaks the other protocol' => sub {
	my $lmtp = server_start(lmtp => 1, lenient => 1);
	my $smtp = server_start(lenient => 1);
	my $r = send_mail(account($lmtp, @patient, protocol => 'smtp'));
	is($r->{exit}, 76, 'G1: SMTP to a server for LMTP');
	like($r->{err}, qr/^  .*: .*set protocol = lmtp$/m, 'the next step names the key');
	$r = send_mail(account($smtp, @patient));
	is($r->{exit}, 76, 'G1: LMTP to a server for SMTP');
	like($r->{err}, qr/^  the server knows no LHLO: .*: set protocol = smtp, /m, 'likewise');
	is_deeply([grep { /^HELO/ } $smtp->commands], [], 'and HELO was not tried');
	is_deeply([$_->stored], [0], 'nobody got anything') for $lmtp, $smtp;
	my $path = workdir() . '/dovecot/lmtp';
	mkdir workdir() . '/dovecot';
	my $socket = server_start(lmtp => 1, lenient => 1, listen => $path);
	$r = send_mail(account($socket, @patient, protocol => 'smtp', host => $path, tls => 'off', port => undef));
	like($r->{err}, qr/what answers there is a server for LMTP.*: set protocol = lmtp/, 'the path of a socket tells');
};

subtest 'the socket of a server, and the keys' => sub {
	my $path = workdir() . '/lmtp';
	my $s = server_start(lmtp => 1, listen => $path);
	my $r = submit($s, ['a'], host => $path, tls => undef, port => undef);
	is($r->{exit}, 0, 'neither port nor tls need be said') or diag($r->{err});
	is_deeply([served($s)], [to('a')], 'delivered');
	is($s->envelope(1)->{tls}, 'none', 'without TLS');
	for my $case ([{ port => undef }, qr/protocol = lmtp has no usual port, and none is set/],
		[{ port => 25 }, qr/port 25 is SMTP's, and protocol = lmtp is set/],
		[{ port => 24, protocol => 'lmtps' }, qr/'protocol' must be smtp or lmtp/]) {
		$r = send_mail(account($s, host => 'localhost', protocol => 'lmtp', %{ $case->[0] }));
		is($r->{exit}, 78, 'G1: refused');
		like($r->{err}, $case->[1], '... and why');
	}
	like(send_mail(account($s, host => 'localhost', protocol => 'lmtp', port => undef))->{err},
		qr/set port to that of the server for LMTP \(mostly 24\), or host to the path of its socket/, 'and what to do');
	$r = run_sendoff(['-C', account($s, host => 'localhost', port => 24, protocol => 'lmtp', tls => undef), 'config', 'show']);
	like($r->{out}, qr/^protocol +=\ lmtp/m, 'shown');
	like($r->{out}, qr/^tls +=\ starttls/m, 'over TCP TLS is wanted, as for SMTP');
	my $tls = server_start(lmtp => 1);
	$r = submit($tls, ['a'], tls => 'starttls');
	is($r->{exit}, 76, 'D1: and nothing goes without');
	is_deeply([map { /^(\S+)/ } $tls->commands], ['LHLO'], 'D1: but LHLO');
};
done_testing;
