#!/usr/bin/perl
# LMTP to Dovecot, which delivers into mailboxes: at its socket and over TCP, to several
# recipients of whom one is unknown and one over quota; from the queue; and by check.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Mailboxes;
use SendoffTest::Send;

plan skip_all => SendoffTest::Mailboxes->why_not if SendoffTest::Mailboxes->why_not;

my $dovecot = SendoffTest::Mailboxes->start;
my $numbers = 0;
my @long = (timeout => '20s', final_timeout => '20s', connect_timeout => '20s');
my %socket = (host => $dovecot->path, port => undef, tls => undef, protocol => 'lmtp', @long);
my %tcp = (host => 'localhost', port => $dovecot->port, tls => 'starttls', protocol => 'lmtp', @long);

sub to { return map { "$_\@example.test" } @_ }

sub conf { my (%keys) = @_; return config(account_text(%keys)) }

# Those whose mailbox has a message with these words, and that it is what was sent.
sub has
{
	my ($subject, $text) = @_;
	my @have;

	for my $whose (qw(anna bert carl full)) {
		for my $message (grep { /^Subject: \Q$subject\E\r?$/m } $dovecot->mailbox($whose)) {
			push @have, $whose;
			my $is = $message =~ s/\r\n/\n/gr =~ s/\A(?:(?:Return-Path|Delivered-To|Received|\s+)[^\n]*\n(?:[ \t][^\n]*\n)*)+//r;
			is($is, $text, "A8: $subject: $whose has it as it was");
		}
	}
	return \@have;
}

for my $way ([ 'socket', {%socket} ], [ 'TCP and STARTTLS', {%tcp} ], [ 'socket, BDAT', { %socket, chunking => 'yes' } ],
	[ 'TCP, without pipelining', { %tcp, pipelining => 'off' } ]) {
	my ($name, $keys) = @$way;
	my $subject = 'mail ' . ++$numbers;
	my $text = letter(".dot\nfr\n..\n", Subject => $subject);
	my $config = conf(%$keys);

	my $r = run_sendoff([ '-v', '-C', $config, 'send', '--no-queue', to(qw(anna full nobody bert)) ], stdin => $text,
		timeout => 60);
	is($r->{exit}, 67, "$name: two have it, two are refused") or diag($r->{err});
	is_deeply(has($subject, $text), [qw(anna bert)], "$name: it is in their mailboxes, once");
	like($r->{err}, qr/^sendoff: recipient nobody\@example\.test refused: 550 5\.1\.1 /m, "$name: who does not exist is named");
	like($r->{err}, qr/^sendoff: recipient full\@example\.test refused: 552 5\.2\.2 .*\n  the mailbox of this recipient is full: /m,
		"$name: whose mailbox is full likewise");
	unlike($r->{err}, qr/^sendoff: recipient (?:anna|bert)/m, "$name: and nobody else");
	like($r->{err}, qr/^> LHLO /m, "$name: by LHLO");
	like($r->{err}, qr/^> BDAT \d+ LAST/m, "$name: by BDAT") if $name =~ /BDAT/;
}

# Nobody: 503 to DATA, and no content.
my $r = run_sendoff([ '-v', '-C', conf(%socket), 'send', '--no-queue', to(qw(nobody none)) ], stdin => letter("x\n"));
is($r->{exit}, 67, 'nobody exists: 67');
unlike($r->{err}, qr/octets of content/, 'no content is sent');

# From the queue, several messages over one connection.
my $queue = conf(%socket, max_connections => 1, global => { queue_dir => workdir() . '/queue',
	failure_notice => 'no' });
for my $k (1 .. 5) {
	$r = run_sendoff([ '-C', $queue, 'send', '--queue', to($k % 2 ? qw(anna carl full) : 'bert') ],
		stdin => letter("$k\n", Subject => "queued $k", 'Message-ID' => "<$k\@example.test>"));
	is($r->{exit}, 0, "queued $k");
}
$r = run_sendoff([ '-C', $queue, 'queue', 'flush' ], timeout => 60);
is($r->{exit}, 69, 'flushed: of some a recipient is given up') or diag($r->{err});
is_deeply(has("queued $_", letter("$_\n", Subject => "queued $_", 'Message-ID' => "<$_\@example.test>")),
	$_ % 2 ? [qw(anna carl)] : ['bert'], "queued $_: in the mailboxes") for 1 .. 5;
is(() = glob(workdir() . '/queue/failed/*'), 3, 'B4: who was over quota is kept in failed/');

# Who is spoken to by the other protocol.
$r = run_sendoff([ '-C', conf(%socket, protocol => undef), 'send', '--no-queue', to('anna') ], stdin => letter("x\n"));
is($r->{exit}, 76, 'SMTP to its socket: 76');
like($r->{err}, qr/server for LMTP, .*set protocol = lmtp/, 'and the next step') or diag($r->{err});
$r = run_sendoff([ '-C', conf(%tcp, protocol => undef), 'send', '--no-queue', to('anna') ], stdin => letter("x\n"));
is($r->{exit}, 76, 'SMTP to its port: 76');
like($r->{err}, qr/protocol = lmtp/, 'likewise') or diag($r->{err});

# The check.
for my $way ([ socket => \%socket ], [ TCP => \%tcp ]) {
	my ($name, $keys) = @$way;
	my ($report) = checked(conf(%$keys), '--from', 'me@example.test', '--to', to('anna'), '--vrfy', 'anna');

	ok(!$report->{failed}, "check, $name: all is well") or diag(explain($report->{failed}));
	is(stage($report, 'lhlo')->{facts}{software}, 'Dovecot', "check, $name: who it is");
	is(scalar(grep { $_ eq 'ehlo' } stages({ json => $report })), 0, "check, $name: no EHLO");
	($report, $r) = checked(conf(%$keys), '--from', 'me@example.test', '--to', to('nobody'));
	is($r->{exit}, 67, "check, $name: an unknown recipient: 67");
}
done_testing;
