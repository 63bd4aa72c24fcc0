#!/usr/bin/perl
# What can be done with a queue: hold, release, remove, retry, flush, check; and
# what sendmail's letters do of it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Send;
use SendoffTest::Spool;

my $dir = workdir() . '/queue';
my $server = server_start();
my $config = account($server, global => { queue_dir => $dir });
my $away = account($server, port => 1, global => { queue_dir => $dir, retry => '1h 1h' });

sub queue_by { my $c = shift; return run_sendoff([ '-C', $c, @_ ]) }
sub queue { return queue_by($config, 'queue', @_) }
sub put { my ($id, %o) = @_; spool_put($dir, $id, config => $config, %o) }
sub empty { unlink glob "$dir/{new,hold,failed,damaged,control,accounts,done}/*" }

# --- nothing there --------------------------------------------------------

for my $deed (qw(hold release remove retry show flush)) {
	my $r = queue($deed, 'p-abc');
	is($r->{exit}, 64, "G1: $deed without a queue") if $deed ne 'flush';
	like($r->{err}, qr/nothing was ever queued/, '... in words') if $deed ne 'flush';
	is($r->{out}, '', '... nothing else');
}
is(queue('flush')->{exit}, 0, 'flush without a queue');
is(queue('flush')->{err}, "nothing to send\n", '... in words');
is(queue($_, '--all')->{exit}, 0, "$_ --all without a queue") for qw(hold release remove retry);
ok(!-e $dir, '... and none is made');

# --- words ----------------------------------------------------------------

my %wrong = (
	'hold' => 'needs the id', 'show' => 'needs the id', 'show a b' => 'takes one id',
	'hold --all a' => 'do not go together', 'list x' => 'takes no further words',
	'check x' => 'takes no further words', 'flush --all' => 'has no option --all',
	'list --max-age 1h' => 'has no option --max-age', 'rmove a' => q{is nothing that can},
	'check --max-age soon' => "'--max-age' must be a time", 'check --max-count -1' => '--max-count',
	'hold --content a' => 'has no option --content'
);
for my $words (sort keys %wrong) {
	my $r = queue(split / /, $words);
	is($r->{exit}, 64, "G1: queue $words");
	like($r->{err}, qr/\Q$wrong{$words}\E/, '... says what is wrong');
}
like(queue('rmove', 'a')->{err}, qr/did you mean `sendoff queue remove`\?/, 'a slip is seen');

# --- hold, release, remove, retry -----------------------------------------

put('aaaaaaaaaaaa', age => 60);
put('abbbbbbbbbbb', age => 50);
put('cccccccccccc', age => 40);
my $r = queue('hold', 'a');
is($r->{exit}, 64, 'an ambiguous beginning');
like($r->{err}, qr/^sendoff: 'a' fits 2 messages\n  which one: p-a\w+, p-a\w+\n\z/, '... is named');
is_deeply([ spool_ids($dir, 'hold') ], [], '... and does nothing');
$r = queue('hold', 'p-aa', 'c');
is($r->{exit}, 0, 'two are held');
is($r->{out}, "p-aaaaaaaaaaaa: held\np-cccccccccccc: held\n", '... which is told');
is_deeply([ spool_ids($dir, 'hold') ], [ qw(aaaaaaaaaaaa cccccccccccc) ], '... and so they are');
like((spool_control($dir, 'aaaaaaaaaaaa'))[-1], qr/^event \d+ held by%20uid%20$>$/, '... noted');
$r = queue('release', 'aa', 'zz', 'c');
is($r->{exit}, 64, 'one of three is not there');
is($r->{out}, "p-aaaaaaaaaaaa: released\np-cccccccccccc: released\n", '... the others are done');
like($r->{err}, qr/^sendoff: there is no message 'zz' in this queue\n/, '... and it is told');
is(queue('--quiet', 'hold', '--all')->{out}, '', 'hold --all, quietly');
is_deeply([ spool_ids($dir, 'new') ], [], '... all');
is(queue_by($config, '--json', 'queue', 'release', 'c')->{out},
	qq({"id":"p-cccccccccccc","done":"release"}\n), 'release --json');
like(queue_by($config, '--json', 'queue', 'release', 'z')->{out},
	qr/^\{"id":"z","failed":"release","error":"there is no message .*"\}\n\z/, '... that fails');
is(queue('release', '--all')->{out}, "p-aaaaaaaaaaaa: released\np-abbbbbbbbbbb: released\n",
	'release --all: those that are held, the oldest first');
$r = queue('remove', 'ab');
is($r->{out}, "p-abbbbbbbbbbb: removed\n", 'remove');
is_deeply([ spool_ids($dir, 'new') ], [ qw(aaaaaaaaaaaa cccccccccccc) ], '... it is gone');
put('eeeeeeeeeeee', account => 'other');
is(queue_by($config, '-a', 'other', 'queue', 'remove', '--all')->{out}, "p-eeeeeeeeeeee: removed\n",
	'remove --all of one account');
is(queue('remove', '--all')->{exit}, 0, 'remove --all');
is_deeply([ spool_ids($dir, 'new') ], [], '... all');

my @given_up = (age => 500000, state => 'failed', to => [ 'has@example.net', 'not@example.net' ],
	happened => [ 'tries 9', 'recipient 1 delivered 5 code=250',
		'recipient 2 reported 5 code=550 text=550%20no', 'event 5 failed' ]);
put('ffffffffffff', @given_up);
is(queue('hold', 'f')->{exit}, 64, 'what was given up cannot be held');
is(queue('flush', 'f')->{exit}, 64, '... nor sent');
is($server->stored, 0, '... nor is it');
$r = queue('retry', 'f');
is($r->{out}, "p-ffffffffffff: due now\n", '... but tried again');
is_deeply([ spool_ids($dir, 'new') ], ['ffffffffffff'], '... it waits');
$r = queue('flush');
is($r->{exit}, 0, '... and is sent');
is($r->{err}, "sent 1\n", '... as is told');
is_deeply($server->envelope(1)->{recipients}, ['not@example.net'], 'B4: to who has not got it');
is_deeply([ map { spool_ids($dir, $_) } qw(new failed) ], [], '... and nothing is left');

# --- flush ----------------------------------------------------------------

empty();
my $now = time;
put('aaaaaaaaaaaa', age => 60, happened => [ 'tries 1', 'next ' . ($now + 3600), "next-set $now" ]);
put('bbbbbbbbbbbb', age => 50);
put('cccccccccccc', age => 40, state => 'hold');
$r = run_sendoff([ '-q' ], name => 'sendmail', env => { SENDOFF_CONFIG => $config });
is($r->{exit}, 0, 'sendmail -q');
is($r->{out} . $r->{err}, '', '... says nothing: cron would mail it');
is($server->stored, 2, '... and has sent what was due');
is_deeply([ spool_ids($dir, 'new') ], ['aaaaaaaaaaaa'], '... alone');
$r = queue('flush', 'c');
is($r->{exit}, 64, 'flush of what is held');
like($r->{err}, qr/is held\n  `sendoff queue release p-cccccccccccc` lets it go/, '... in words');
$r = queue('flush', 'p-aaa');
is($r->{exit} . $r->{err}, "0sent 1\n", 'flush of one that was not due');
is($server->stored, 3, '... sends it');
$r = queue('flush');
is($r->{exit} . $r->{err}, "0nothing to send\n", 'flush with nothing due');
is($server->connections, 3, '... opens no connection');

put('dddddddddddd');
put('eeeeeeeeeeee', account => 'test');
$r = queue_by($config, '--json', 'queue', 'flush', 'test');
is($r->{exit}, 0, 'flush of an account');
like($r->{out}, qr/^\{"scope":"personal","due":2,"sent":2,"waiting":0,"failed":0,"busy":0,"damaged":0,"connections":\d+\}\n\z/,
	'... as JSON');
like(queue('flush', 'nobody')->{err}, qr/there is no message 'nobody'/, 'neither account nor id');

spool_put($dir, 'gggggggggggg', config => $away);
$r = queue_by($away, 'queue', 'flush');
is($r->{exit}, 75, 'G1: flush with the server away');
like($r->{err}, qr/^1 still waiting: .*refused.* \(account test\)\n\z/, '... says why');
$r = run_sendoff([ '-q' ], name => 'sendmail', env => { SENDOFF_CONFIG => $away });
is($r->{exit} . $r->{out} . $r->{err}, '0', 'sendmail -q has nothing to say of it');
like(queue_by($away, 'queue')->{out}, qr/^ {17}account parked for \d+[mh]: .*refused/m,
	'G4: the list says why, and until when');
like(queue_by($away, 'queue', 'show', 'g')->{out}, qr/^parked for +.*refused/m,
	'... and so does show');
like(run_sendoff([], name => 'mailq', env => { SENDOFF_CONFIG => $away })->{out},
	qr/^ *\(.*refused.*\)\n {47}you\@example\.net$/m, '... and mailq');
like(queue_by($away, '--json', 'queue')->{out}, qr/"parked":\{"kind":"network","since":\d+,/,
	'... and the JSON');

# --- a configuration that is not right ------------------------------------

my $broken = config("[sendoff]\nqueue_dir = $dir\nnonsense = 1\n");
my %home = (XDG_STATE_HOME => workdir() . '/state');
mkdir $home{XDG_STATE_HOME}, 0700;
mkdir "$home{XDG_STATE_HOME}/sendoff", 0700;
spool_put("$home{XDG_STATE_HOME}/sendoff/queue", 'hhhhhhhhhhhh');
$r = run_sendoff([ '-C', $broken, 'queue' ], env => \%home);
is($r->{exit}, 0, 'a wrong configuration: the usual queue is listed all the same');
like($r->{out}, qr/^p-hhhhhhhhhhhh /m, '... where mail is stored meanwhile');
like($r->{err}, qr/nonsense/, '... and it is told');
$r = run_sendoff([ '-C', $broken, 'queue', 'flush' ], env => \%home);
is($r->{exit}, 78, 'G1: flush with mail and without a configuration');
$r = run_sendoff([ '-q' ], name => 'sendmail', env => { SENDOFF_CONFIG => $broken, %home });
is($r->{exit}, 78, '... also by sendmail -q');
unlink glob "$home{XDG_STATE_HOME}/sendoff/queue/new/*";
$r = run_sendoff([ '-q' ], name => 'sendmail', env => { SENDOFF_CONFIG => $broken, %home });
is($r->{exit}, 0, '... but not where nothing waits');

# --- check ----------------------------------------------------------------

empty();
put('aaaaaaaaaaaa', age => 7300);
put('bbbbbbbbbbbb', age => 600);
put('cccccccccccc', age => 90000, state => 'hold');
put('dddddddddddd', age => 90000, not_before => $now + 5000);
$r = queue('check');
is($r->{exit}, 1, 'check: one is too old');
is($r->{out}, "queue TOO OLD: 4 messages, 92, 1 of them held, oldest p-aaaaaaaaaaaa 2h (at most 1h)\n",
	'... which');
$r = queue('check', '--max-age', '3h');
is($r->{exit}, 0, 'check --max-age');
is($r->{out}, "queue OK: 4 messages, 92, 1 of them held, oldest p-aaaaaaaaaaaa 2h (at most 3h)\n",
	'... all is well');
$r = queue('check', '--max-age=3h', '--max-count', '3');
is($r->{exit}, 1, 'check --max-count');
like($r->{out}, qr/^queue TOO MANY: 4 messages, .*, at most 3\n\z/, '... in words');
is(queue('check', '--max-age=3h', '--max-count', '4')->{exit}, 0, '... and just enough');
put('ffffffffffff', state => 'failed', happened => [ 'event ' . ($now - 100000) . ' failed' ]);
is(queue('check', '--max-age=3h')->{exit}, 0, 'what was given up long ago is no news');
put('gggggggggggg', state => 'failed', happened => [ 'event ' . ($now - 80000) . ' failed' ]);
$r = queue('check', '--max-age=3h');
is($r->{exit}, 1, 'what was given up in the last 24 hours is');
like($r->{out}, qr/^queue FAILED: 4 messages, .*, 1 given up in the last 24 hours\n\z/, '... in words');
is(queue('retry', 'g')->{exit}, 0, 'it is taken back');
is(queue('check', '--max-age=3h')->{exit}, 0, '... and all is well');
file_write("$dir/damaged/zzz", 'x');
like(queue('check', '--max-age=3h')->{out}, qr/^queue DAMAGED: .*, 1 damaged\n\z/, 'a damaged file');
is(queue('--quiet', 'check')->{out}, '', 'check, quietly');
like(queue_by($config, '--json', 'queue', 'check')->{out},
	qr/^\{"messages":5,"octets":115,"held":1,"failed":1,"failed_lately":0,"damaged":1,"oldest_age":73\d\d,"oldest":"p-aaaaaaaaaaaa","result":"TOO OLD"\}\n\z/,
	'check --json');

# --- other letters --------------------------------------------------------

my $aliases = file_write(workdir() . '/aliases', "root: admin\nadmin: me\@example.org, b\@x.test\n" .
	"broken line\nloop: loop2\nloop2: loop\n" .
	"desk: |/bin/false, carol\@example.org\nlist: :include:/nonexistent/list\nmore: list, desk\n", 0600);
my $named = account($server, global => { queue_dir => $dir, aliases => $aliases });
my %named = (env => { SENDOFF_CONFIG => $named });
$r = run_sendoff([ '-bv', 'root', 'x@y.test' ], name => 'sendmail', %named);
is($r->{exit}, 0, 'sendmail -bv');
is($r->{out}, "root: me\@example.org\nroot: b\@x.test\nx\@y.test: x\@y.test\n",
	'... what they become');
is(run_sendoff([ '-bv', 'loop' ], name => 'sendmail', %named)->{exit}, 78, '... a loop');
is(run_sendoff([ '-bv' ], name => 'sendmail', %named)->{exit}, 64, '... nobody');
$r = run_sendoff([ '-bv', 'desk' ], name => 'sendmail', %named);
is($r->{exit}, 0, '... an alias of which one target is of no use');
is($r->{out}, "desk: carol\@example.org\n", '... who is left');
like($r->{err}, qr/\Asendoff: left out: \Q$aliases\E:6: an alias leads to a program, and none is run\n  .*\n\z/, '... and what is not');
for my $call ([ 'newaliases' ], [ 'sendmail', '-bi' ]) {
	my ($name, @words) = @$call;
	$r = run_sendoff(\@words, name => $name, %named);
	is($r->{exit}, 0, "@$call");
	is_deeply([ $r->{err} =~ /^\Q$aliases\E:(\d+): /mg ], [ 3, 6, 5, 4, 7 ], '... names each line that is wrong, once') or diag($r->{err});
	like($r->{err}, qr/:6: an alias leads to a program/, '... a program');
	like($r->{err}, qr/:[45]: aliases lead back to each other in a circle$/m, '... a circle');
	like($r->{err}, qr{:7: .*/nonexistent/list.*No such file}, '... a list that is not there');
	is($r->{out}, '', '... no more');
}
for my $letter (qw(t h H z), '') {
	is(run_sendoff([ "-b$letter" ], name => 'sendmail', %named)->{exit}, 64, "-b$letter is refused");
}
is(run_sendoff([ '-q30x' ], name => 'sendmail', %named)->{exit}, 64, '-q with what is no time');
is($server->stored, 5, 'nothing was sent by these');
is_deeply([ $server->violations ], [], 'E6: all by the rules');

done_testing();
