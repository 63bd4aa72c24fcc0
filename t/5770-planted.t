#!/usr/bin/perl
# A queue in which somebody has put what is no message: links, pipes, directories,
# files with two names or of somebody else, garbage.  Nothing of it is read through,
# changed or removed, nothing waits for it, and the mail beside it goes out: F7, A7.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::UNIX;
use POSIX qw(:sys_wait_h mkfifo);
use SendoffTest;
use SendoffTest::Send;
use Socket;

my $server = server_start(lifetime => 300);
my $other = workdir() . '/elsewhere';
my $queues = 0;
my ($queue, $config);
my $text = "what stands elsewhere\n";

# ---- what may stand there

my %plants = (
	'a link' => sub { symlink $other, $_[0] },
	'a link to nothing' => sub { symlink "$other.none", $_[0] },
	'a link to itself' => sub { symlink $_[0], $_[0] },
	'a pipe' => sub { mkfifo $_[0], 0600 },
	'a socket' => sub { IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $_[0], Listen => 1) },
	'a directory' => sub { mkdir $_[0], 0700 and file_write("$_[0]/inside", $text) },
	'a second name' => sub { link $other, $_[0] },
	'garbage' => sub { file_write($_[0], hostile_bytes(3000)) },
	'nothing' => sub { file_write($_[0], '') },
	'a file that all can write' => sub { file_write($_[0], $text, 0666) },
	$> == 0 ? ("somebody else's" => sub { file_write($_[0], $text); chown 12345, 12345, $_[0] }) : (),
);

# What it is, so that a change shows.
sub look
{
	my ($path) = @_;
	my @st = lstat $path or return 'gone';

	return join ' ', @st[0 .. 5], -l _ ? readlink $path : -f _ ? unpack('H*', file_read($path)) :
		-d _ ? file_read("$path/inside") : '';
}

sub entries { return map { s{.*/}{}r } glob "$queue/new/*" }

sub put
{
	my ($n) = @_;

	return send_mail($config, [ 'send', '--queue', 'you@example.net' ], timeout => 10,
		stdin => letter("$n\n", 'Message-ID' => "<$n\@example.test>"));
}

# A queue with one message in it; its id.
sub fresh
{
	$queue = workdir() . '/queue' . ++$queues;
	file_write($other, $text);
	$config = account($server, global => { queue_dir => $queue, log => 'none' });
	my $r = put("first-$queues");
	die "not stored: $r->{err}" if $r->{exit} != 0;
	for my $dir (map { "$queue/$_" } qw(tmp new hold failed damaged control accounts done)) {
		mkdir $dir, 0700;
	}
	return (entries())[0];
}

# Everything is done that can be with a queue; gives what went wrong.
sub try_all
{
	my ($path, $sent) = @_;
	my $before = $server->stored;
	my $looked = look($path);
	my @bad;

	for my $args ([ 'queue', 'list' ], [ 'queue', 'list', '--all', '--json' ], [ 'queue', 'check' ], undef,
			[ 'queue', 'flush' ], [ 'queue', 'list' ]) {
		my $r = $args ? run_sendoff([ '-C', $config, @$args ], timeout => 10) : put("second-$queues");
		my $name = join ' ', @{ $args // ['send'] };
		push @bad, "$name does not end" if $r->{timed_out};
		push @bad, "$name: signal $r->{signal}" if $r->{signal};
		push @bad, "$name: exit $r->{exit}: $r->{err}" if !$args && $r->{exit} != 0;
		push @bad, "$name shows what stands elsewhere" if "$r->{out}$r->{err}" =~ /stands elsewhere/;
	}
	push @bad, 'elsewhere is changed' if file_read($other) ne $text;
	push @bad, 'it is changed or gone' if look($path) ne $looked;
	push @bad, $server->stored - $before . ' are sent' if $server->stored - $before != $sent;
	return @bad;
}

# ---- beside the messages

for my $state (qw(new hold failed damaged tmp control accounts done)) {
	for my $plant (sort keys %plants) {
		# What is garbage by an entry's name, or another's, is set aside: that is told elsewhere.
		my $name = $state eq 'new' && $plant =~ /garbage|nothing|all can write|else's/ ? 'NotAnId' : 'aaaabbbbcccc';
		fresh();
		my $path = "$queue/$state/$name";
		ok($plants{$plant}->($path), "$plant in $state/") or diag($!);
		is(join("\n", try_all($path, 2)), '', "F7: ... stops nothing, and stays as it is");
	}
}

# ---- in the place of a file that is to be

for my $plant (sort keys %plants) {
	my $id = fresh();
	my $path = "$queue/control/$id";
	$plants{$plant}->($path) or diag($!);
	my @bad = grep { !/changed or gone/ } try_all($path, 2);
	is(join("\n", @bad), '', "F7: $plant as the control file of a message: it is sent");
	for my $file ("accounts/test", 'notified') {
		fresh();
		$plants{$plant}->("$queue/$file") or diag($!);
		@bad = grep { !/changed or gone/ } try_all("$queue/$file", 2);
		is(join("\n", @bad), '', "F7: $plant as $file: all is sent");
	}
}

# Without its lock an account has no connection: told, and nothing is lost.
for my $plant (sort keys %plants) {
	fresh();
	my $path = "$queue/accounts/test.lock";
	unlink $path;
	$plants{$plant}->($path) or diag($!);
	my $before = $server->stored;
	my $r = run_sendoff([ '-C', $config, 'queue', 'flush' ], timeout => 10);
	my $sent = $server->stored - $before;
	my @left = entries();
	ok(!$r->{timed_out} && !$r->{signal} && ($sent ? $r->{exit} == 0 && !@left :
		$r->{exit} == 75 && @left == 1 && $r->{err} =~ /^1 still waiting: /),
		"F7: $plant as the lock of an account: sent, or kept and told") or diag("$r->{exit} $r->{err}");
	is(file_read($other), $text, '... and elsewhere nothing is changed');
}

# Nor is a watcher that cannot have its lock.
for my $plant (sort keys %plants) {
	fresh();
	unlink "$queue/lock";
	$plants{$plant}->("$queue/lock") or diag($!);
	my $w = start_sendoff([ '-C', $config, 'queue', 'watch' ], timeout => 20);
	wait_until(sub { $w->reap(WNOHANG) || !entries() }, 5);
	my $gone = !entries();
	$w->kill('TERM');
	my $r = $w->finish;
	ok(!$r->{timed_out} && ($gone ? $r->{exit} == 0 : $r->{exit} != 0 && $r->{err} =~ /^sendoff: .*lock/),
		"F7: $plant as the watcher's lock: it works, or says why not") or diag("$r->{exit} $r->{err}");
	is(file_read($other), $text, '... and elsewhere nothing is changed');
}

# ---- a directory of the queue that is none, or not ours alone

for my $dir (qw(new tmp control accounts)) {
	for my $plant (grep { $plants{$_} != $plants{'a directory'} } sort keys %plants) {
		fresh();
		rename "$queue/$dir", "$queue.$dir";
		$plants{$plant}->("$queue/$dir") or diag($!);
		my $before = look("$queue/$dir");
		my $r = put('third');
		ok(!$r->{timed_out} && !$r->{signal} && ($r->{exit} == 75 || ($r->{exit} == 0 && $dir =~ /control|accounts/)),
			"F7: $plant as $dir/: 75, or it is not needed") or diag("$r->{exit} $r->{err}");
		like($r->{err}, qr/not stored|cannot be stored/, '... told') if $r->{exit};
		my $f = run_sendoff([ '-C', $config, 'queue', 'flush' ], timeout => 10);
		ok(!$f->{timed_out} && !$f->{signal}, '... flush ends') or diag($f->{err});
		is(look("$queue/$dir"), $before, '... and it stays as it is');
		is(file_read($other), $text, '... and so does what is elsewhere');
	}
}

for my $mode (0777, 0770, 0722) {
	fresh();
	chmod $mode, $queue;
	my $r = put('shared');
	isnt($r->{exit}, 0, sprintf 'F7: a queue that others can write to (%o) is not used', $mode);
	like($r->{err}, qr/\Q$queue\E/, '... told');
	chmod 0700, $queue;
}

# A real directory elsewhere, behind a link: nothing is put there.
fresh();
mkdir "$other.d", 0700;
rename "$queue/new", "$queue.new";
symlink "$other.d", "$queue/new";
is(put('linked')->{exit}, 75, 'F7: a link in place of new/ is not followed');
is_deeply([ glob "$other.d/*" ], [], '... and nothing is there');
is_deeply([ $server->violations ], [], 'by the rules');
done_testing;
