#!/usr/bin/perl
# A queue flushed to a Postfix: each message once, many in a session, and each
# recipient by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Postfix;
use SendoffTest::Send qw(letter wire queued queue_empty);

plan skip_all => SendoffTest::Postfix->why_not if SendoffTest::Postfix->why_not;

my $access = 'inline:{ { gone@example.net = 550 5.1.1 nobody here by that name },' .
	' { full@example.net = 450 4.2.0 the mailbox is full today } }';
my %base = (smtpd_tls_security_level => 'encrypt', smtpd_recipient_restrictions => "check_recipient_access $access");
my $postfix = SendoffTest::Postfix->start(services => { submission => \%base,
	strict => { %base, smtpd_sender_restrictions => 'check_sender_access inline:{ { me@example.test = 550 5.7.1 go away } }' } });
my $count = 0;

sub named { return map { "$_\@example.net" } @_ }

sub put
{
	my ($config, $id, @to) = @_;
	my $text = letter("$id\n.\n", 'Message-ID' => "<$id\@example.test>");
	my $r = run_sendoff(['-C', $config, 'send', '--queue', @to], stdin => $text);

	is($r->{exit}, 0, "$id is queued") or diag($r->{err});
	return $text;
}

for my $keys ({}, { pipelining => 'off' }, { chunking => 'yes' }) {
	my $how = join(' ', %$keys) || 'default';
	my $config = $postfix->config('submission', %$keys, auth => 'plain', max_connections => 1);
	my $before = $postfix->sessions;
	my %text = map { ("queue-$_" => put($config, "queue-$_", named('you'))) } map { sprintf '%03d', ++$count } 1 .. 12;
	my $r = run_sendoff(['-C', $config, 'queue', 'flush'], timeout => 60);

	is_deeply([@$r{qw(exit err)}], [0, "sent 12\n"], "$how: flushed");
	for my $id (sort keys %text) {
		my @arrived = $postfix->arrived("<$id\@example.test>", 60);
		is(scalar @arrived, 1, "B1: $how: $id arrived once");
		is_bytes($arrived[0]{message}, wire($text{$id}), "A8: $how: $id, octet by octet");
	}
	my @sessions = $postfix->sessions;
	splice @sessions, 0, $before;
	is_deeply([map { "$_->{auth} $_->{mail}" } @sessions], ['1 12'], "$how: one session, one login");
	is_deeply([queued()], [], "A1: $how: nothing is left");
}

{
	my $config = $postfix->config('submission', auth => 'plain');
	put($config, 'queue-mixed', named(qw(a gone full b)));
	my $r = run_sendoff(['-C', $config, 'queue', 'flush'], timeout => 60);
	is($r->{exit}, 75, 'one waits') or diag($r->{err});
	my @arrived = $postfix->arrived('<queue-mixed@example.test>', 60);
	my @copies = grep { $_->{envelope}{sender} ne '' } @arrived;
	is_deeply([sort map { @{ $_->{envelope}{recipients} } } @copies], [sort(named(qw(a b)))], 'B4: two have it');
	my @reports = grep { $_->{envelope}{sender} eq '' } @arrived;
	is(scalar @reports, 1, 'G2: one report');
	like($reports[0]{message}, qr/^Final-Recipient: rfc822; gone\@example\.net\r$/m, 'about the one who was refused');
	is(scalar(queued()), 1, 'the fourth waits');
	queue_empty();
}

{
	my $config = $postfix->config('strict', auth => 'plain');
	put($config, 'queue-refused', named('a'));
	my $r = run_sendoff(['-C', $config, 'queue', 'flush'], timeout => 60);
	is($r->{exit}, 75, 'a sender that is refused') or diag($r->{err});
	like($r->{err}, qr/^1 still waiting: 550 5\.7\.1 .*go away/, 'is told');
	is(scalar(queued()), 1, 'G4: and its mail waits');
	is(scalar $postfix->arrived('<queue-refused@example.test>'), 0, 'nobody gets a report');
}

is_deeply([$postfix->complaints], [], 'E6: Postfix finds no fault');
done_testing;
