#!/usr/bin/perl
# Many recipients, and recipients who fare differently.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;

sub to { return map { "$_\@example.net" } @_ }

sub submit
{
	my ($server, $rcpts, %keys) = @_;
	my %o = %{ delete $keys{run} // {} };

	return send_mail(account($server, %keys), ['send', '--no-queue', @$rcpts], %o);
}

# Who got it, over all messages of a server, in order.
sub served
{
	my ($server) = @_;

	return map { @{ $server->envelope($_)->{recipients} } } 1 .. $server->stored;
}

subtest 'B1: 5,000 recipients, each exactly once' => sub {
	my @rcpts = to(map { "u$_" } 1 .. 5000);
	for my $case (
		['a limit of 100', {}, {}], ['a server that takes only 30', { max_recipients => 30 }, {}],
		['LIMITS says 40', { limits => 'RCPTMAX=40', max_recipients => 40, tls => 'implicit' }, {}],
		['no PIPELINING', { extensions => 'SIZE ENHANCEDSTATUSCODES', max_recipients => 100 }, {}],
		['small buffers', { buffer => 2048, one_by_one => 1 }, { max_recipients => 5000 }],
		['BDAT', {}, { chunking => 'yes' }],
	) {
		my ($name, $server, $keys) = @$case;
		my $s = server_start(%$server);
		my $r = submit($s, \@rcpts, tls => $server->{tls} // 'off', timeout => '5s', %$keys);
		my %times;
		$times{$_}++ for served($s);

		is($r->{exit}, 0, "$name: sent") or diag($r->{err});
		is(scalar(keys %times), 5000, "$name: to all");
		is_deeply([grep { $times{$_} != 1 } keys %times], [], "$name: to each once");
		is($s->connections, 1, "$name: over one connection");
		is_deeply([$s->violations], [], "$name: by the rules");
		is_deeply([grep { $s->message($_) ne $s->message(1) } 2 .. $s->stored], [],
			"B3: $name: every copy is equal");
	}
	my $s = server_start(limits => 'RCPTMAX=40', max_recipients => 100);
	submit($s, [@rcpts[0 .. 79]]);
	is($s->stored, 1, 'LIMITS said in clear does not count');
};

subtest 'each by -t, over a long folded header' => sub {
	my @rcpts = to(map { "u$_" } 1 .. 1000);
	my $s = server_start();
	my $r = send_mail(account($s), ['send', '--no-queue', '-t'], stdin => letter(undef, To => join(",\n ", @rcpts)));
	is($r->{exit}, 0, 'sent');
	is_deeply([sort(served($s))], [sort @rcpts], 'to all, once');
};

subtest 'some are refused: the others are served, once' => sub {
	for my $keys ({}, { chunking => 'yes' }, { pipelining => 'off' }) {
		my $how = join(' ', %$keys) || 'as usual';
		my $s = server_start(at => ['RCPT=b@example.net reply "550 5.1.1 no such user"']);
		my $r = submit($s, [to(qw(a b c))], %$keys);

		is($r->{exit}, 67, "$how: exit 67");
		is_deeply([served($s)], [to(qw(a c))], "$how: the accepted ones");
		like($r->{err}, qr/^sendoff: recipient b\@example\.net refused: 550 5\.1\.1 no such user \(127/m,
			"$how: the refused one with the server's words");
		unlike($r->{err}, qr/recipient [ac]\@/, "$how: only that one is named");
		is_deeply([$s->violations], [], "$how: by the rules");
	}
	my $s = server_start(at => ['RCPT reply "550 5.1.1 no such user"']);
	my $r = submit($s, [to(qw(a b))]);
	is($r->{exit}, 67, 'all refused');
	is($s->stored, 0, 'nothing sent');
	ok(!grep(/^DATA/, $s->commands), 'not even DATA');
	is(scalar(() = $r->{err} =~ /^sendoff: recipient/mg), 2, 'each named');
	is(scalar(() = $r->{err} =~ /check the address/g), 1, 'the advice once');
	$s = server_start(at => ['RCPT=b@example.net reply "552 5.2.2 mailbox full"']);
	$r = submit($s, [to(qw(a b c))]);
	is_deeply([$r->{exit}, served($s)], [67, to(qw(a c))], 'a full mailbox is not "too many recipients"');
};

subtest 'one is refused for now: nobody gets it' => sub {
	for my $keys ({}, { chunking => 'yes' }, { pipelining => 'off' }, { pipelining => 'full' }) {
		my $how = join(' ', %$keys) || 'as usual';
		my $s = server_start(at => ['RCPT=b@example.net reply "451 4.3.0 try later"']);
		my $r = submit($s, [to(qw(a b c))], %$keys);

		is($r->{exit}, 75, "A2: $how: exit 75");
		is($s->stored, 0, "A2: $how: nothing sent");
		is_deeply([grep { /^(?:DATA|BDAT|RSET)/ } $s->commands], ['RSET'], "$how: RSET instead of the content");
		like($r->{err}, qr/recipient b\@example\.net refused for now: 451 4\.3\.0 try later/,
			"$how: who and why");
		like($r->{err}, qr/recipient a\@example\.net not sent/, "$how: and who was taken back");
	}
	my $s = server_start(at => ['RCPT=b@example.net reply "550 5.1.1 never"',
		'RCPT=c@example.net reply "450 4.2.1 later"']);
	my $r = submit($s, [to(qw(a b c))]);
	is($r->{exit}, 75, 'refused for good and for now: nobody got it, so 75');
	is($s->stored, 0, 'nothing sent');
	$s = server_start(at => ['RCPT=a@example.net reply "452 4.2.2 mailbox full"']);
	$r = submit($s, ['a@example.net']);
	is($r->{exit}, 75, 'one alone, refused for now');
	$s = server_start(max_recipients => 100, at => ['RCPT=u150@example.net reply "450 4.2.1 later"']);
	$r = submit($s, [to(map { "u$_" } 1 .. 250)]);
	is($r->{exit}, 69, 'refused for now when others have it already: 69');
	like($r->{err}, qr/recipient u150\@example\.net refused for now/, 'named');
	like($r->{err}, qr/of 250 recipients were served/, 'and how many were served');
	is_deeply([grep { /u150\@/ } served($s)], [], 'the one without it does not have it');
	is(scalar(served($s)), 249, 'and all others do');
};

subtest 'too many recipients: split, not refused' => sub {
	for my $reply ('452 4.5.3 too many', '552 5.5.3 too many', '452 too many') {
		my $s = server_start(at => [qq(RCPT:4-6 reply "$reply")]);
		my $r = submit($s, [to('a' .. 'f')]);

		is($r->{exit}, 0, "$reply: sent") or diag($r->{err});
		is_deeply([sort(served($s))], [to('a' .. 'f')], "$reply: to each once");
		is($s->connections, 1, "$reply: over one connection");
		is_deeply([$s->violations], [], "$reply: by the rules");
	}
	my $s = server_start(at => ['RCPT reply "452 4.5.3 too many"']);
	my $r = submit($s, [to('a' .. 'c')]);
	is($r->{exit}, 75, 'from the first on: refused for now, not for ever');
	is($s->stored, 0, 'nothing sent');
	cmp_ok(scalar(() = $s->commands), '<', 20, 'and not asked for ever');
};

subtest 'A2: a later transaction fails' => sub {
	my @rcpts = to('a' .. 'f');
	my @three = (max_recipients => 3);

	for my $case (
		['the sender', 'MAIL:2 reply "451 4.3.0 later"', qr/recipient d\@example\.net refused for now/],
		['the content', 'CONTENT:2 reply "452 4.3.1 full"', qr/recipient d\@example\.net refused for now/],
		['the connection', 'MAIL:2 close', qr/recipient d\@example\.net not sent/],
		['421', 'RCPT:4 reply "421 4.3.2 bye"', qr/recipient d\@example\.net /],
	) {
		my ($name, $at, $err) = @$case;
		my $s = server_start(at => $at);
		my $r = submit($s, \@rcpts, @three);

		is($r->{exit}, 69, "$name: exit 69") or diag($r->{err});
		is_deeply([served($s)], [@rcpts[0 .. 2]], "$name: the first three have it");
		like($r->{err}, $err, "$name: who has it not");
		is_deeply([map { /recipient (\S+) / ? $1 : () } split /\n/, $r->{err}], [@rcpts[3 .. 5]],
			"$name: each unserved one is named, and nobody else");
		like($r->{err}, qr/3 of 6 recipients were served/, "$name: and what to do");
	}
	my $s = server_start(at => 'CONTENT:2 close');
	my $r = submit($s, \@rcpts, @three);
	is($r->{exit}, 74, 'the answer to the second content is lost: 74');
	like($r->{err}, qr/recipient d\@example\.net may have been delivered/, 'told so');
	unlike($r->{err}, qr/recipient a\@/, 'those who have it are not named');
	$s = server_start(at => 'CONTENT:1 reply "451 4.3.0 later"');
	$r = submit($s, \@rcpts, @three);
	is($r->{exit}, 75, 'the first content refused for now: 75');
	is($s->stored, 0, 'A2: nobody has it');
	$s = server_start(at => 'CONTENT:1 reply "554 5.6.0 never"');
	$r = submit($s, \@rcpts, @three);
	is($r->{exit}, 69, 'the content refused for good');
};

done_testing;
