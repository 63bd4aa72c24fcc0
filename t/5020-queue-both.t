#!/usr/bin/perl
# One's own queue and the system's as one: what is asked of the runner, what is
# made of its answers, whatever they are.  The runner here is a stub that answers
# with the contents of a file.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use SendoffTest;
use SendoffTest::Runner;
use SendoffTest::Spool;

SendoffTest::Runner->namespace;

my $dir = workdir() . '/home/.local/state/sendoff/queue';
my $asked = workdir() . '/asked';
my $path = '/run/sendoff/control.sock';
my $stub;

sub answer { file_write(workdir() . "/answer-$_[0]", join '', map { "$_\n" } @_[ 1 .. $#_ ]) }

sub serve
{
	my $listener = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $path, Listen => 5) or
		die "$path: $!\n";
	chmod 0666, $path;
	$stub = fork // die "fork: $!\n";
	return if $stub;
	$SIG{$_} = 'DEFAULT' for qw(TERM INT HUP);
	$SIG{PIPE} = 'IGNORE';
	alarm 120;
	while (my $client = $listener->accept) {
		my $line = <$client> // '';
		my ($do) = $line =~ /"do":"([a-z]+)"/;
		open my $log, '>>', $asked;
		print {$log} $line;
		close $log;
		my $file = workdir() . '/answer-' . ($do // '');
		print {$client} -e $file ? file_read($file) : qq({"end":true}\n);
		close $client;
	}
	POSIX::_exit(0);
}

sub stop
{
	kill 'KILL', $stub if $stub;
	waitpid $stub, 0 if $stub;
	$stub = undef;
}
END { my $exit = $?; stop(); $? = $exit }

# What was asked since the last time.
sub asked
{
	my $text = -e $asked ? file_read($asked) : '';
	unlink $asked;
	return $text;
}

sub queue { return run_sendoff([ @_ ]) }

my $home = workdir() . '/home';
mkdir $_, 0700 for "$home/.config", "$home/.config/sendoff", "$home/.local", "$home/.local/state",
	"$home/.local/state/sendoff";
file_write("$home/.config/sendoff/config", "[account a]\nhost = localhost\nport = 1\ntls = off\n" .
	"from = me\@example.test\n");

# --- dead -----------------------------------------------------------------

spool_put($dir, 'aaaaaaaaaaaa', age => 60);
my $r = run_sendoff([], name => 'mailq');
is($r->{exit}, 75, 'mailq with a runner that is not there');
like($r->{out}, qr/^p-aaaaaaaaaaaa .*^-- 0 Kbytes in 1 Request\.\n\z/ms, '... has the own part');
like($r->{err}, qr{\Asendoff: [^\n]*/run/sendoff/control\.sock[^\n]*\n  start it: }, '... and says so');
is(queue('queue', 'check')->{exit}, 75, '... check, too');
is(queue('queue', 'hold', 's-abc')->{exit}, 75, '... and hold');
$r = queue('queue', 'hold', 'p-a');
is($r->{exit} . $r->{out}, "0p-aaaaaaaaaaaa: held\n", 'the own queue needs no runner');
is(queue('queue', 'release', 'p-a')->{exit}, 0, '... at all');
is(queue('-C', "$home/.config/sendoff/config", 'queue')->{exit}, 0,
	'a configuration that is named stands alone');

# --- as one ---------------------------------------------------------------

serve();
my $created = time - 7300;
my $item = qq({"id":"s-bbbbbbbbbbbb","scope":"system","state":"new","age":7300,"created":$created,) .
	q("size":5000,"account":"work","sender":"root@example.test","recipients":[{"address":) .
	q("you@example.net","state":"waiting","code":451,"enhanced":"4.3.0","text":"451 4.3.0 later",) .
	q("when":5}],"tries":3,"last_answer":{"when":5,"account":"work","code":451,"enhanced":"4.3.0",) .
	q("text":"451 4.3.0 later"},"next_try":0,"reason":"451 4.3.0 later"});
my $other = qq({"id":"s-cccccccccccc","scope":"system","state":"failed","age":100,"created":) .
	($created + 7200) . q(,"size":10,"account":"","sender":"","recipients":[],"tries":1});
answer('list', $item, $other, '{"end":true}');
$r = run_sendoff([], name => 'mailq');
is($r->{exit}, 0, 'mailq with both');
like($r->{out}, qr/^p-aaaaaaaaaaaa +23 [^\n]* me\@example\.test\n[^\n]*you\@example\.net\n\ns-bbbbbbbbbbbb +5000 [^\n]* root\@example\.test\n *\(451 4\.3\.0 later\)\n +you\@example\.net\n\n-- 4 Kbytes in 2 Requests\.\n\z/m,
	'... as one listing with one end');
is(asked(), qq({"do":"list","v":1}\n), '... one question');
$r = queue('--json', 'queue');
like($r->{out}, qr/\A\{"id":"p-aaaaaaaaaaaa","scope":"personal".*\n\Q$item\E\n\z/,
	'the JSON of the system is as it came');
like(queue('queue')->{out}, qr/^s-bbbbbbbbbbbb +2h +4\.9K +3 +now work +root\@example\.test -> you\@example\.net\n +451 4\.3\.0 later\n\n\(1 given up:/m,
	'... and the table');
is(queue('-a', 'work', '--json', 'queue')->{out}, "$item\n", 'one account of both');
asked();

answer('show', $item =~ s/\}$/,"history":[{"when":5,"what":"accepted"}]}/r,
	'{"base64":"U3ViamVjdDogeA0K"}', '{"end":true}');
$r = queue('queue', 'show', 's-bb');
like($r->{out}, qr/^id +s-bbbbbbbbbbbb\n.*^history\n  \w.* accepted\n\nSubject: x\n\z/ms, 'show');
queue('queue', 'show', '--content', 's-bb');
like(asked(), qr/"content":true/, 'show --content asks for it');
answer('hold', '{"end":true,"id":"s-bbbbbbbbbbbb"}');
is(queue('queue', 'hold', 's-b')->{out}, "s-bbbbbbbbbbbb: held\n", 'hold');
like(asked(), qr/^\{"do":"hold","id":"s-b","v":1\}\n\z/, '... its question');
is(queue('queue', 'hold', 'b')->{out}, "s-bbbbbbbbbbbb: held\n",
	'an id without its scope that is none of the own queue');
asked();
is(queue('queue', 'hold', 'a')->{out}, "p-aaaaaaaaaaaa: held\n", '... and one that is');
is(asked(), '', '... of which nobody is asked');
queue('queue', 'release', 'a');
answer('remove', '{"end":true,"error":{"kind":"right","text":"message s-x is somebody else\'s",' .
	'"hint":"its sender and root may see and change it"}}');
$r = queue('queue', 'remove', 's-x');
is($r->{exit}, 77, 'F4: what the runner refuses');
is($r->{err}, "sendoff: message s-x is somebody else's\n  its sender and root may see and change it\n",
	'... in its words');
answer('check', '{"messages":7,"octets":2048,"held":1,"failed":3,"failed_lately":0,"damaged":0,' .
	'"oldest_age":3000,"oldest":"s-bbbbbbbbbbbb","end":true}');
is(queue('queue', 'check')->{out}, "queue OK: 8 messages, 2.0K, 1 of them held, " .
	"oldest s-bbbbbbbbbbbb 50m (at most 1h)\n", 'check adds up');
asked();
$r = queue('queue', 'flush');
is($r->{exit}, 75, 'flush of both; the own server is away');
like($r->{err}, qr/^1 still waiting: .*\nthe runner was told to send what waits/, '... in words');
is(asked(), qq({"do":"flush","v":1}\n), '... its question');
is(queue('queue', 'flush', 's-b')->{exit}, 0, 'flush of one of the system');
is(asked(), qq({"do":"retry","id":"s-b","v":1}\n), '... makes it due');
$r = run_sendoff([ '-q' ], name => 'sendmail');
is($r->{exit} . $r->{out} . $r->{err} . asked(), '0', 'sendmail -q does not trouble the runner');

# --- whatever it says -----------------------------------------------------

my %hostile = (
	'no JSON' => ['hello'], 'nothing' => [], 'a number' => ['5', '{"end":true}'],
	'no item' => ['{"id":5}', '{"end":true}'], 'another item' => ['{}', '{"end":true}'],
	'no state' => ['{"id":"s-a","sender":""}', '{"end":true}'],
	'cut off' => [$item], 'half' => [substr $item, 0, 200],
	'a long id' => ['{"id":"s-' . 'a' x 500 . '","state":"new"}', '{"end":true}'],
	'deep' => ['[' x 100000], 'NUL' => ["{\"id\":\"\0\"}"], 'no error' => ['{"error":5,"end":true}'],
);
for my $name (sort keys %hostile) {
	answer('list', @{ $hostile{$name} });
	$r = run_sendoff([], name => 'mailq');
	ok(!$r->{signal} && $r->{exit} == 75, "a runner that says $name") or
		diag("exit $r->{exit}, signal $r->{signal}");
	like($r->{out}, qr/^p-aaaaaaaaaaaa/m, '... the own part is there');
	isnt($r->{err}, '', '... and it is told');
}
answer('list', $item =~ s/root\@example/\\u001b[2J\\u202eroot/r, '{"end":true}');
unlike(queue('queue')->{out} . queue('--json', 'queue')->{out}, qr/[^\n -~]/,
	'E4: nothing that it says moves a terminal');
stop();

done_testing();
