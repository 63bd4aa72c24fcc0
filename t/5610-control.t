#!/usr/bin/perl
# The control socket of the runner: who asks sees and changes his own.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use SendoffTest;
use SendoffTest::Accept;
use Time::HiRes qw(time);

plan(skip_all => 'only root can be several users') if $> != 0;

my ($alice, $bob, $nobody, $dynamic) = (30001, 30002, 31234, 61200);
my %policy = (
	accounts => { work => { from => 'me@example.test' },
		staff => { from => 'staff@example.test', match => '*@staff.test', users => '@staff' } },
	global => { default => 'work', admin => 'boss@example.net' },
	aliases => "team: ann\@example.org, bea\@example.org\nloop: pool\npool: loop\n" .
	"desk: |/bin/false, carol\@example.org\n");
my $accept = accept_start(%policy, people => { 0 => [ 'root', 'root' ],
	$alice => [ 'alice', 'staff' ], $bob => [ 'bob' ], $dynamic => [ 'some-service' ] });

sub put
{
	my ($uid, $subject) = @_;
	my $r = $accept->hand_in($uid, '<> XNOSENDER', [ 'dave@example.org' ],
		"Subject: $subject\r\n\r\nthe body of $subject\r\n");

	return $r =~ /stored as (s-\w+)/ ? $1 : diag("not stored: $r");
}

# The last line of an answer.
sub last_of { my @all = $accept->ask(@_); return $all[-1] // {} }

sub refused
{
	my ($answer, $kind, $text, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($answer->{end}, "$name: an end");
	is($answer->{error}{kind}, $kind, "... $kind");
	like($answer->{error}{text}, $text, '... in words');
}

my $hers = put($alice, 'hers');
my $his = put($bob, 'his');
my $strange = put($nobody, 'strange');
put($dynamic, 'dynamic');

# ---- list

sub ids { return sort map { $_->{id} // () } @_ }

my @list = $accept->ask($alice, { do => 'list' });
is_deeply([ ids(@list) ], [ $hers ], 'F4: list: her own');
is_deeply($list[-1], { end => JSON::PP::true }, '... and the end');
is_deeply([ ids($accept->ask($bob, { do => 'list' })) ], [ $his ], 'F4: list: his own');
is(scalar(@{[ ids($accept->ask(0, { do => 'list' })) ]}), 4, 'root: all');
refused(last_of($nobody, { do => 'list' }), 'right', qr/./, 'F5: who has no passwd entry');
refused(last_of($dynamic, { do => 'list' }), 'right', qr/./, 'F5: a uid of DynamicUser=');
refused(last_of($nobody, { do => 'remove', id => $strange }), 'right', qr/./, 'F5: ... remove');

# ---- show

my @show = $accept->ask($alice, { do => 'show', id => $hers, content => JSON::PP::true });
is($show[0]{id}, $hers, 'show');
my $content = join '', map { decode_base64($_->{base64} // '') } @show;
like($content, qr/^Subject: hers\r\n(?:.*\r\n)?\r\nthe body of hers\r\n\z/ms, '... with its content');
@show = $accept->ask($alice, { do => 'show', id => $hers });
$content = join '', map { decode_base64($_->{base64} // '') } @show;
like($content, qr/^Subject: hers\r\n/m, 'show: the header');
unlike($content, qr/the body/, '... alone');
refused(last_of($alice, { do => 'show', id => $his, content => JSON::PP::true }), 'right', qr/./,
	'F4: show another\'s');
refused(last_of($alice, { do => 'show', id => 's-zzzz' }), 'usage', qr/zzzz/, 'show what is not there');
refused(last_of($alice, { do => 'show' }), 'usage', qr/no message is named/, 'show nothing');

# ---- deeds

sub state_of { my ($id) = @_; my %l = map { $_->{id} ? ($_->{id} => $_->{state}) : () }
	$accept->ask(0, { do => 'list' }); return $l{$id} }

for my $deed (qw(hold release remove retry)) {
	refused(last_of($bob, { do => $deed, id => $hers }), 'right', qr/./, "F4: $deed another's");
}
is(last_of($alice, { do => 'hold', id => $hers })->{id}, $hers, 'hold');
is(state_of($hers), 'hold', '... is held');
is(scalar($accept->told('look')), 1, '... and the supervisor is told');
is(last_of($alice, { do => 'release', id => substr $hers, 0, 8 })->{id}, $hers, 'release, by a few letters');
is(state_of($hers), 'new', '... is released');
is(last_of(0, { do => 'retry', id => $his })->{id}, $his, 'root may with another\'s');
is(last_of($alice, { do => 'remove', id => $hers })->{id}, $hers, 'remove');
is(state_of($hers), undef, '... is gone');

# ---- check, flush

my $summary = last_of($bob, { do => 'check' });
is($summary->{messages}, 1, 'check: his own') or diag(explain($summary));
is(last_of(0, { do => 'check' })->{messages}, 3, 'check: root all');
ok(last_of($bob, { do => 'flush' })->{end}, 'flush');
is(scalar($accept->told('flush')), 0, '... a user\'s overrides nothing');
ok(last_of(0, { do => 'flush' })->{end}, 'root\'s flush');
is(scalar($accept->told('flush')), 1, '... the supervisor is told');

# ---- explain, verify

my $why = last_of($alice, { do => 'explain', sender => 'x@staff.test' });
is($why->{account}, 'staff', 'explain: by the sender') or diag(explain($why));
is($why->{from}, 'staff@example.test', '... as whom');
is(last_of($bob, { do => 'explain', sender => 'x@staff.test' })->{account}, 'work',
	'F4: who may not use it has the default');
refused(last_of($bob, { do => 'explain', account => 'staff' }), 'right', qr/staff/, 'F4: nor ask for it');
my @team = $accept->ask($bob, { do => 'verify', address => 'team' });
is_deeply([ map { $_->{address} // () } @team ], [ 'ann@example.org', 'bea@example.org' ], 'verify');
my @desk = $accept->ask($bob, { do => 'verify', address => 'desk' });
is($desk[0]{address}, 'carol@example.org', 'verify: who is left');
like($desk[1]{left_out}, qr{^/etc/aliases:4: an alias leads to a program}, '... and what is not');
refused(last_of($bob, { do => 'verify', address => 'loop' }), 'config', qr/aliases/, 'verify: a loop');
refused(last_of($bob, { do => 'verify', address => "a\nb" }), 'message', qr/./, 'verify: no address');

# ---- what is no question

refused(last_of($bob, { do => 'dance' }), 'usage', qr/./, 'an unknown question');
refused(last_of($bob, "{\"do\":\"list\"}\n"), 'format', qr/version 1/, 'one without version');
is_deeply([ $accept->ask($bob, $_) ], [], 'F3: no JSON: nothing')
	for "garbage\n", "[1]\n", "\n", "{\"v\":1,\"v\":1,\"do\":\"list\"}\n", 'x' x 100000 . "\n", "\0\n";

# ---- a long answer, slowly read: others are answered meanwhile

$accept->hand_in(0, '<> XNOSENDER', [ 'dave@example.org' ], "Subject: big\r\n\r\n" . ('x' x 997 . "\r\n") x 3000)
	=~ /(s-\w+)/ or diag('not stored');
my $big = $1;
my @slow;
for (1 .. 20) {
	my $socket = $accept->socket_to('control', 0);
	syswrite $socket, "{\"v\":1,\"do\":\"show\",\"id\":\"$big\",\"content\":true}\n";
	push @slow, $socket;
}
my $began = time;
is(scalar(@{[ ids($accept->ask($bob, { do => 'list' })) ]}), 1, 'F3: others are answered meanwhile');
cmp_ok(time - $began, '<', 10, '... soon');
my $text = '';
$slow[0]->blocking(1);
1 while sysread $slow[0], $text, 65536, length $text;
cmp_ok(length $text, '>', 3_000_000, 'and the slow one gets all of it');
like($text, qr/\{"end":true\}\n\z/, '... to the end');
# What answers fill is bounded, whoever does not read.
undef @slow;
$accept->hand_in($alice, '<> XNOSENDER', [ 'dave@example.org' ], "Subject: big\r\n\r\n" . ('x' x 997 . "\r\n") x 3000)
	=~ /(s-\w+)/ or diag('not stored');
$big = $1;
sub files { return grep { (readlink // '') =~ /\(deleted\)$/ } glob "/proc/$accept->{pid}/fd/*" }
$accept->ask(0, { do => 'list' });   # it comes behind all that root has asked
for (1 .. 12) {
	my $socket = $accept->socket_to('control', $alice);
	syswrite $socket, "{\"v\":1,\"do\":\"show\",\"id\":\"$big\",\"content\":true}\n";
	push @slow, $socket;
}
wait_until(sub { files() >= 4 }, 10);
is(scalar(@{[ ids($accept->ask($bob, { do => 'list' })) ]}), 1, 'F3: others are answered all the same');
cmp_ok(scalar(@{[ files() ]}), '<=', 4, 'F5: one user\'s unread answers do not fill the disk') or
	diag(join "\n", map { readlink } files());
for my $socket (@slow) {
	$text = '';
	$socket->blocking(1);
	1 while sysread $socket, $text, 65536, length $text;
	close $socket;
	last if $text !~ /\{"end":true\}\n\z/;
}
like($text, qr/\{"end":true\}\n\z/, 'each has its turn when one was read');
is($accept->stop, 0, 'it ends well');
is_deeply([ $accept->told('trouble') ], [], 'no trouble was told');
done_testing;
