#!/usr/bin/perl
# What people read when it fails: the right thing is blamed, and once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;

my @three = map { "$_\@example.net" } qw(a b c);

sub told
{
	my ($at, %o) = @_;
	my $server = server_start(at => $at, %{ $o{server} // {} });

	return send_mail(account($server), ['send', '--no-queue', @three], ($o{stdin} ? (stdin => $o{stdin}) : ()));
}

my $r = told('MAIL reply "550 5.7.1 not yours"');
is($r->{exit}, 77, 'the sender is refused');
like($r->{err}, qr/\Asendoff: sender <me\@example\.test> refused: 550 5\.7\.1 not yours \(127\.0\.0\.1:\d+\)\n  .*\n\z/,
	'the sender is blamed, once');

$r = told('MAIL reply "451 4.3.0 later"');
is($r->{exit}, 75, 'the sender is refused for now');
like($r->{err}, qr/\Asendoff: sender <me\@example\.test> refused for now: 451 .*\n  .*\n\z/, 'likewise');

$r = told('CONTENT reply "554 5.6.0 no spam here"');
is($r->{exit}, 69, 'the message is refused');
like($r->{err}, qr/\Asendoff: the message was refused: 554 5\.6\.0 no spam here \(.*\n  .*\n\z/, 'the message is blamed, once');

$r = told(undef, server => { size => 50 });
is($r->{exit}, 69, 'too large for this server');
like($r->{err}, qr/\Asendoff: not sent: the message has \d+ octets, .* at most 50 \(.*\n  .*\n\z/, 'the size is blamed, once');

# The server says so in the middle of the content.
$r = told('CONTENT reply "552 5.3.4 too big"', stdin => letter("x" x 70 . "\n") . ("y" x 70 . "\n") x 100_000);
is($r->{exit}, 69, 'too large, as it turns out');
is(() = $r->{err} =~ /552 5\.3\.4/g, 1, 'the reply is shown once') or diag($r->{err});

# Recipients that fare alike are still named: the next step is at each of them.
$r = told('RCPT reply "550 5.1.1 who"');
is($r->{exit}, 67, 'all recipients are refused');
is(() = $r->{err} =~ /^sendoff: recipient [abc]\@example\.net refused: 550 5\.1\.1 who/mg, 3, 'each is named');

# A name that is nothing like a command's is not answered with one.
for ([sned => 'send', '--no-queue'], [confg => 'config'], [setup => undef]) {
	my ($word, $meant) = @$_;

	$r = run_sendoff([$word]);
	is($r->{exit}, 64, "$word: usage");
	like($r->{err}, defined $meant ? qr/did you mean `sendoff $meant`\?/ : qr/try `sendoff help`/, "$word: the hint");
}

done_testing;
