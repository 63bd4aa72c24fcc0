#!/usr/bin/perl
# What a queue looks like, octet for octet: monitors read mailq, programs the JSON.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX qw(strftime);
use SendoffTest;
use SendoffTest::Spool;

my $dir = workdir() . '/queue';
my $config = config("[sendoff]\nqueue_dir = $dir\nlog = none\n[account work]\nhost = localhost\n" .
	"port = 1\ntls = off\nfrom = me\@example.test\n");

sub queue { return run_sendoff([ '-C', $config, @_ ]) }
sub mailq
{
	return run_sendoff([ @_ ], name => 'mailq', env => { SENDOFF_CONFIG => $config });
}

# --- empty ----------------------------------------------------------------

for my $what ('never used', 'empty') {
	my $r = mailq();
	is($r->{exit}, 0, "mailq, $what");
	is($r->{out}, "Mail queue is empty\n", '... says so as Postfix does');
	is($r->{err}, '', '... and no more');
	is(queue('queue')->{out}, "Mail queue is empty\n", "queue, $what");
	is(queue('--json', 'queue', 'list')->{out}, '', "queue --json, $what");
	is(queue('queue', 'check')->{out}, "queue OK: empty\n", "queue check, $what");
	ok(!-e $dir, 'looking makes no queue') if $what eq 'never used';
	mkdir $dir, 0700;
	mkdir "$dir/$_", 0700 for qw(tmp new hold failed damaged control accounts);
}

# --- what is shown --------------------------------------------------------

my $now = time;
spool_put($dir, 'bbbbbbbbbbbb', created => $now - 7230, account => 'work', sender => 'me@example.test',
	content => "Subject: one\r\n\r\n" . 'x' x 12000 . "\r\n",
	to => [ 'served@example.net', 'slow@example.net', [ 'root@example.net', 'root' ],
		'late@example.net', 'd@x.test', 'e@x.test' ],
	happened => [ 'tries 5', 'next ' . ($now + 530), "next-set $now", 'last ' . ($now - 90),
		'tried-by work', 'cause recipient-later', 'reason 451%204.7.1%20greylisted',
		'recipient 1 delivered ' . ($now - 90) . ' code=250 text=250%202.0.0%20ok',
		'recipient 2 waiting ' . ($now - 90) .
			' code=451 enhanced=4.7.1 text=451%204.7.1%20greylisted',
		'recipient 3 waiting ' . ($now - 90) .
			' code=451 enhanced=4.7.1 text=451%204.7.1%20greylisted',
		'recipient 4 waiting ' . ($now - 3600) . ' unsure code=452 enhanced=4.2.2 ' .
			'text=452%204.2.2%20%1B[31mfull',
		'event ' . ($now - 7230) . ' accepted', 'event ' . ($now - 90) .
			' tried account%20work:%20451' ]);
spool_put($dir, 'aaaaaaaaaaaa', created => $now - 266430, sender => '', to => [ 'you@example.net' ]);
spool_put($dir, 'cccccccccccc', created => $now - 15, state => 'hold', to => [ 'you@example.net' ]);
spool_put($dir, 'ffffffffffff', created => $now - 90000, state => 'failed', to => [ 'no@example.net' ],
	happened => [ 'tries 1', 'tried-by work', 'reason 550%205.1.1%20unknown',
		'recipient 1 reported ' . ($now - 86500) . ' code=550 enhanced=5.1.1 ' .
			'text=550%205.1.1%20unknown', 'event ' . ($now - 86500) . ' failed' ]);

sub arrived { return strftime('%a %b %e %H:%M:%S', localtime $now - $_[0]) }
my %arrived = (a => arrived(266430), b => arrived(7230), c => arrived(15));

# Reasons end where the 78th column does.
my ($grey, $full) = map { ' ' x (76 - length) . "($_)" } '451 4.7.1 greylisted',
	'452 4.2.2 \\x1b[31mfull';

my $mailq = <<"END";
----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------
p-aaaaaaaaaaaa          23 $arrived{a} MAILER-DAEMON
                                               you\@example.net

p-bbbbbbbbbbbb       12018 $arrived{b} me\@example.test
$grey
                                               slow\@example.net
                                               root\@example.net
$full
                                               late\@example.net
$grey
                                               d\@x.test
                                               e\@x.test

p-cccccccccccc!         23 $arrived{c} me\@example.test
                                               you\@example.net

-- 11 Kbytes in 3 Requests.
END
my $r = mailq();
is($r->{exit}, 0, 'mailq');
is_bytes($r->{out}, $mailq, '... is what monitors read');
is($r->{err}, '', '... with nothing beside');
is_bytes(run_sendoff([ '-bp' ], name => 'sendmail', env => { SENDOFF_CONFIG => $config })->{out},
	$mailq, 'sendmail -bp is the same');
is_bytes(run_sendoff([ '-C', $config, '-bp' ])->{out}, $mailq, '... as sendoff -bp');

my $table = <<'END';
ID                AGE   SIZE TRIES    NEXT ACCOUNT    SENDER -> RECIPIENTS
p-aaaaaaaaaaaa     3d     23     0     now -          <> -> you@example.net
p-bbbbbbbbbbbb     2h    12K     5      8m work       me@example.test -> slow@example.net, root@example.net, late@example.net and 2 more
                 451 4.7.1 greylisted
p-cccccccccccc    45s     23     0    held -          me@example.test -> you@example.net
END
my $total = "\n-- 11 Kbytes in 3 Requests.\n";
my $hint = "\n(1 given up: `sendoff queue list --all` shows them)\n";
# Seconds may pass; an age in seconds is the only one to show it.
sub steady { return $_[0] =~ s/ \d\ds / 45s /gr }
is_bytes(steady(queue('queue', 'list')->{out}), $table . $hint . $total, 'queue list');
is_bytes(steady(queue('queue')->{out}), $table . $hint . $total, 'queue alone is the same');
my $failed = <<'END';
p-ffffffffffff    25h     23     1  failed work       me@example.test -> no@example.net
                 550 5.1.1 unknown
END
(my $all = $table) =~ s/^(p-bbbb)/$failed$1/m;
is_bytes(steady(queue('queue', 'list', '--all')->{out}), $all . "\n-- 11 Kbytes in 4 Requests.\n",
	'queue list --all has what was given up');
is_bytes(steady(queue('-a', 'work', 'queue')->{out}), join('', (split /^/, $table)[ 0, 2, 3 ]) .
	$hint . "\n-- 11 Kbytes in 1 Request.\n", 'queue list of one account; one request');
my $verbose = queue('-v', 'queue')->{out};
like($verbose, qr/^                 late\@example\.net: waiting, may have it already: 452 4\.2\.2 \\x1b\[31mfull$/m,
	'G4, E4: queue list -v has each recipient');
like($verbose, qr/^                 root\@example\.net \(for root\): waiting: 451 4\.7\.1 greylisted$/m,
	'... and what it was');
unlike($r->{out} . $verbose, qr/[^\n -~]/, 'E4: nothing of it moves a terminal');

# --- for programs ---------------------------------------------------------

my @lines = split /\n/, queue('--json', 'queue')->{out};
is(scalar @lines, 3, 'queue list --json: a line each');
$lines[1] =~ s/"age":72\d\d/"age":7230/;
is($lines[1], '{"id":"p-bbbbbbbbbbbb","scope":"personal","state":"new","age":7230,"created":' .
	($now - 7230) . ',"size":12018,"account":"work","sender":"me@example.test","recipients":[' .
	'{"address":"served@example.net","state":"delivered","code":250,"text":"250 2.0.0 ok","when":' .
	($now - 90) . '},{"address":"slow@example.net","state":"waiting","code":451,' .
	'"enhanced":"4.7.1","text":"451 4.7.1 greylisted","when":' . ($now - 90) .
	'},{"address":"root@example.net","original":"root","state":"waiting","code":451,' .
	'"enhanced":"4.7.1","text":"451 4.7.1 greylisted","when":' . ($now - 90) .
	'},{"address":"late@example.net","state":"waiting","code":452,"enhanced":"4.2.2",' .
	'"text":"452 4.2.2 \\\\x1b[31mfull","when":' . ($now - 3600) . ',"unsure":true},' .
	'{"address":"d@x.test","state":"waiting"},{"address":"e@x.test","state":"waiting"}],' .
	'"tries":5,"last_answer":{"when":' . ($now - 90) . ',"account":"work","code":451,' .
	'"enhanced":"4.7.1","text":"451 4.7.1 greylisted"},"next_try":' . ($now + 530) .
	',"reason":"451 4.7.1 greylisted"}', '... and what is in it');
is(mailq('--json')->{out} =~ s/"age":\d+//gr, queue('--json', 'queue')->{out} =~ s/"age":\d+//gr,
	'mailq --json is the same');
like((split /\n/, queue('--json', 'queue', 'list', '--all')->{out})[1], qr/"state":"failed"/,
	'queue list --all --json');

# --- one ------------------------------------------------------------------

$r = queue('queue', 'show', 'p-b');
is($r->{exit}, 0, 'queue show');
my $date = qr/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4}/;
like($r->{out}, qr{\A
id[ ]+p-bbbbbbbbbbbb\n
state[ ]+waiting\n
created[ ]+$date\ \(2h\ ago\)\n
size[ ]+12018\n
sender[ ]+me\@example\.test\n
recipients\n
[ ]{17}served\@example\.net:\ delivered:\ 250\ 2\.0\.0\ ok\n
[ ]{17}slow\@example\.net:\ waiting:\ 451\ 4\.7\.1\ greylisted\n
[ ]{17}root\@example\.net\ \(for\ root\):\ waiting:\ 451\ 4\.7\.1\ greylisted\n
[ ]{17}late\@example\.net:\ waiting,\ may\ have\ it\ already:\ 452\ 4\.2\.2\ \\x1b\[31mfull\n
[ ]{17}d\@x\.test:\ waiting\n
[ ]{17}e\@x\.test:\ waiting\n
account[ ]+work\n
handed\ in\ by[ ]+tester\n
message-id[ ]+<1\@example\.test>\n
tries[ ]+5\n
last\ try[ ]+$date\ \(\d+[sm]\ ago\)\n
next\ try[ ]+$date\ \(in\ 8m\)\n
reason[ ]+451\ 4\.7\.1\ greylisted\n
cause[ ]+the\ server\ does\ not\ take\ mail\ for\ this\ recipient\ now\ \(recipient-later\)\n
next\ step[ ]+send\ it\ again\ in\ an\ hour;\ the\ queue\ does\ so\ by\ itself\n
history\n
[ ]{2}$date[ ]{2}accepted\n
[ ]{2}$date[ ]{2}tried[ ]+account\ work:\ 451\n
\n
Subject:\ one\n
\z}x, '... everything, and its header');
is_bytes(queue('queue', 'show', '--content', 'bbb')->{out}, "Subject: one\r\n\r\n" . 'x' x 12000 .
	"\r\n", 'queue show --content: the message as it is stored');
like(queue('queue', 'show', 'p-cccccccccccc')->{out}, qr/^state +held until it is released$/m,
	'queue show of what is held');
like(queue('--json', 'queue', 'show', 'b')->{out},
	qr/^\{"id":"p-bbbbbbbbbbbb",.*"history":\[\{"when":\d+,"what":"accepted"\},.*\]\}?.*\}\n\z/,
	'queue show --json has the history');
like(queue('--json', 'queue', 'show', '--content', 'a')->{out},
	qr/^\{"id".*\}\n\{"base64":"U3ViamVjdDogdGVzdA0KDQp0ZXN0DQo="\}\n\z/, '... and the content');

# --- what is damaged ------------------------------------------------------

file_write("$dir/new/dddddddddddd", "no message at all\n");
file_write("$dir/damaged/eeeeeeeeeeee.1", "\n");
like(steady(queue('queue')->{out}), qr{^p-dddddddddddd +\d+s +18 +0 damaged -          -
                 this is no message file$}m, 'A7: a damaged file is listed, with what is wrong');
like(queue('queue')->{out}, qr/^p-eeeeeeeeeeee\.1 .* damaged -/m, '... also what was set aside');
is_bytes(mailq()->{out}, $mailq, '... and mailq is as it was');
is(queue('queue', 'show', 'p-eeeeeeeeeeee.1')->{exit}, 0, '... and can be shown');

done_testing();
