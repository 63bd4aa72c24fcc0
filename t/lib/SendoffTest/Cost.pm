package SendoffTest::Cost;

# What a mail costs.  Nothing here depends on the speed of the machine: counts
# of flights, of instructions (callgrind's, children included), of libraries, of
# memory; and where it is about time, two programs of one run are compared.
#
# The measuring sticks are t/bench/bare.c, the least that a client with GnuTLS
# can do, and t/bench/empty.c, what the loader costs.
#
# Each cost_...() gives rows { what, got, stick, bound, good }: got is measured,
# bound is what it may be, stick what it was compared with, in words.

use strict;
use warnings;

use Exporter 'import';
use POSIX qw(mkfifo _exit);
use Time::HiRes qw(sleep time);

use SendoffTest;
use SendoffTest::Send;

our @EXPORT = qw(why_not_weighed why_not_counted why_not_traced cost_flights cost_submission cost_bundle cost_start
	cost_libraries cost_memory cost_recipients cost_speed system_calls);
our @EXPORT_OK = qw(row ours die_of text_of calls_of);

my @me = (user => 'me@example.test', password => 'pass w0rd');
my $system_bundle = '/etc/ssl/certs/ca-certificates.crt';

sub row
{
	my ($what, $got, $stick, $bound, $good) = @_;

	return { what => $what, got => $got, stick => $stick, bound => $bound, good => $good ? 1 : 0 };
}

# The program that is measured.
sub ours { return $ENV{SENDOFF} // build() . '/sendoff' }

sub median { my @s = sort { $a <=> $b } @_; return $s[ @s / 2 ] }

sub die_of { my ($what, $r) = @_; die "$what ended with " . ($r->{exit} // 'a signal') . ": $r->{err}\n" }

# Why what this build needs says nothing, or undef.
sub why_not_weighed
{
	my $libraries = `ldd '@{[ ours() ]}' 2>/dev/null`;

	return $libraries =~ /lib[alut]san/ || file_read(build() . '/flags') =~ /-fsanitize/ ?
		'sanitizers weigh more than what they watch' : undef;
}

# Why instructions cannot be counted, or undef.
sub why_not_counted
{
	my ($why, $program) = (why_not_weighed(), stripped(ours()));

	return $why if $why;
	return 'valgrind is not installed (Debian: apt-get install valgrind libc6-dbg)' if
		system('valgrind --version >/dev/null 2>&1');
	return system("valgrind -q --tool=none '$program' version >/dev/null 2>&1") ?
		'valgrind cannot run this build' : undef;
}

# Why system calls cannot be counted, or undef.
sub why_not_traced
{
	my $why = why_not_weighed();

	return $why if $why;
	return system('strace -qq -o /dev/null true 2>/dev/null') ?
		'strace is not installed, or may not trace (Debian: apt-get install strace)' : undef;
}

# A copy for valgrind, which need not understand this compiler's debug
# information; the instructions are the same.
sub stripped
{
	my ($program) = @_;
	my $copy = workdir() . '/stripped-' . ($program =~ m{([^/]+)$})[0];

	return -e $copy || system('strip', '-o', $copy, $program) == 0 ? $copy : $program;
}

# ---- flights

sub cost_flights
{
	my %least = (default => 4, full => 3, chunking => 3);
	my %extra = (default => [], full => [pipelining => 'full'], chunking => [chunking => 'yes']);
	my @rows;

	for my $tls (qw(implicit starttls)) {
		for my $how (qw(default full chunking)) {
			my $server = server_start(@me, tls => $tls, settle => 25);
			my $r = send_mail(account($server, @me, tls => $tls, @{ $extra{$how} }));
			my $bound = $least{$how} + ($tls eq 'starttls' ? 2 : 0);
			my $got = $server->flights;

			die_of('sendoff', $r) if $r->{exit};
			# TCP, and TLS or greeting and TLS, come on top.
			push @rows, row("flights, $tls, $how", $got, ($got + 3) . ' round trips in all',
				$bound, $got == $bound);
			$server->stop;
		}
	}
	return @rows;
}

# ---- instructions

my $counted = 0;

# The instructions of a command and of all its children, and what run_sendoff
# gives.
sub instructions
{
	my ($command, %o) = @_;
	my ($program, @args) = @$command;
	my $out = workdir() . '/callgrind.' . ++$counted;
	my $r = run_sendoff([], timeout => 120, %o, command => ['valgrind', '-q', '--tool=callgrind',
		'--trace-children=yes', "--callgrind-out-file=$out.%p", stripped($program), @args]);
	my $sum = 0;

	die_of("valgrind @$command", $r) if $r->{exit} // 1;
	for my $file (glob "$out.*") {
		$sum += $1 if file_read($file) =~ /^(?:summary|totals): (\d+)/m;
	}
	die "callgrind counted nothing\n" if !$sum;
	unlink glob("$out.*");   # the arguments of the bare program are in them, its password too
	return ($sum, $r);
}

sub millions { return sprintf('%.2f M', $_[0] / 1e6) }

sub ratio_row
{
	my ($what, $ours, $stick, $name, $bound) = @_;

	return row($what, sprintf('%.3f', $ours / $stick),
		millions($ours) . " : $name " . millions($stick), "<= $bound", $ours <= $bound * $stick);
}

sub text_of
{
	my ($octets) = @_;
	my $line = 'The quick brown fox jumps over the lazy dog, and then it does so once more.' . "\n";

	return $line x ($octets / length $line);
}

# What stands on the wire of such a letter: CRLF, dots doubled.
sub file_of_wire
{
	my ($letter) = @_;
	my $wire = wire($letter);

	$wire =~ s/^\./../mg;
	return file_write(workdir() . '/wire', $wire);
}

sub bare
{
	my ($server, $ca, $file) = @_;

	return (build() . '/t/bench/bare', $server->port, $ca, 'me@example.test', 'pass w0rd',
		'me@example.test', 'you@example.net', $file);
}

# One submission of 2 KB over TLS, sendoff's and the bare one.
sub submission
{
	my ($ca, $bare_ca) = @_;
	my $server = server_start(@me, tls => 'implicit', require_login => 1, lifetime => 300);
	my $config = account($server, @me, tls => 'implicit', tls_ca_file => $ca, timeout => '60s',
		connect_timeout => '60s', final_timeout => '60s');
	my $letter = letter(text_of(2000));
	my ($ours) = instructions([ours(), '-C', $config, 'send', 'you@example.net'],
		stdin => $letter);
	my ($least) = instructions([bare($server, $bare_ca, file_of_wire($letter))]);

	die "one message is another's\n" if $server->stored != 2 ||
		$server->message(1) ne $server->message(2);
	$server->stop;
	return ($ours, $least);
}

sub cost_submission
{
	my ($ours, $least) = submission(cert('ca'), cert('ca'));

	return ratio_row('instructions, 2 KB, one root', $ours, $least, 'bare', 1.15);
}

# The system's roots, and among them the one that counts.
sub cost_bundle
{
	my ($ours, $least, $bundle);

	return () if !-s $system_bundle;
	$bundle = file_write(workdir() . '/bundle',
		file_read($system_bundle) . file_read(cert('ca')));
	($ours, $least) = submission($bundle, "lazy:$bundle");
	return ratio_row('instructions, 2 KB, system roots', $ours, $least, 'bare, lazy', 1.25);
}

# What needs no TLS does not pay for it: GnuTLS alone is six times as much as empty.
sub cost_start
{
	my ($version) = instructions([ours(), 'version']);
	my ($least) = instructions([build() . '/t/bench/empty']);
	my ($queue, $r) = instructions([ours(), '-C', account(nobody(), tls => 'implicit'), 'send',
		'--queue', 'you@example.net'], stdin => letter(text_of(2000)));

	die "not queued: $r->{err}\n" if queued() != 1;
	queue_empty();
	return (ratio_row('instructions, sendoff version', $version, $least, 'empty', 1.7),
		ratio_row('instructions, 2 KB queued', $queue, $least, 'empty', 2.5));
}

# ---- libraries

# Those that a command has loaded, whoever asked for them and when; none where
# the loader does not tell.  It tells on stderr, the one descriptor that stays open.
# Those of the name service are the system's choice.
sub libraries
{
	my ($command, %o) = @_;
	my %seen;
	my $r = run_sendoff([], %o, command => $command, env => { LD_DEBUG => 'files' });

	die_of("@$command", $r) if $r->{exit} // 1;
	$seen{$_} = 1 for $r->{err} =~ m{calling init: \S*/([^/\s]+)$}mg;
	return grep { !/^libnss_/ } sort keys %seen;
}

sub short_names { return join ' ', map { s/\.so.*//r } @_ }

sub cost_libraries
{
	my $server = server_start(@me, tls => 'implicit');
	my $config = account($server, @me, tls => 'implicit');
	my @all = libraries([ours(), '-C', $config, 'send', 'you@example.net'], stdin => letter());
	my @queue = libraries([ours(), '-C', $config, 'send', '--queue', 'you@example.net'],
		stdin => letter());
	my @least = libraries([build() . '/t/bench/empty']);
	my %tls = map { $_ => 1 } @least, libraries([bare($server, cert('ca'), file_of_wire(letter()))]);
	my @heavy = grep { /curl|gsasl|krb5|gssapi|systemd|crypto/ } @all;
	my ($bound, $bound_tls) = (scalar @least, scalar keys %tls);

	$server->stop;
	queue_empty();
	return () if !@all;
	return (row('libraries loaded to queue', scalar @queue, short_names(@queue),
			"<= $bound, as empty", @queue <= $bound),
		row('libraries loaded to send', scalar @all, short_names(@all),
			"<= $bound_tls, and bare", @all <= $bound_tls),
		row('of them heavy ones', scalar @heavy, "@heavy", 0, !@heavy));
}

# ---- memory

# A letter of so many MB (0: 2 KB), as it comes from a pipe.
sub long_letter
{
	my ($path, $mb) = @_;
	my $megabyte = text_of(1 << 20);
	my $pid = fork // die "fork: $!\n";

	return $pid if $pid;
	open(my $out, '>', $path) or _exit(1);
	$SIG{PIPE} = 'DEFAULT';
	syswrite $out, letter(text_of(2000));
	syswrite $out, $megabyte for 1 .. $mb;
	_exit(0);
}

sub high_water
{
	my ($pid) = @_;

	return file_read("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m ? $1 : 0;
}

# The most that it had in memory when all was sent, in KB: the server lets it
# wait for the answer, and it can be looked at.
sub memory
{
	my ($mb) = @_;
	my $server = server_start(@me, tls => 'implicit', size => 1 << 30, store => undef,
		at => 'CONTENT delay 300');
	my $config = account($server, @me, tls => 'implicit', final_timeout => '30s', timeout => '60s');
	my $fifo = workdir() . "/letter$mb";
	my ($most, $pid, $run, $r) = (0);

	mkfifo($fifo, 0600) or die "$fifo: $!\n";
	$pid = long_letter($fifo, $mb);
	$run = send_mail_start($config, undef, stdin_file => $fifo, timeout => 180);
	# What has ended has no memory; the first looks are at what was before exec.
	while (my $now = high_water($run->{pid})) {
		$most = $now;
		sleep 0.02;
	}
	$r = $run->finish;
	waitpid($pid, 0);
	die_of('sendoff', $r) if $r->{exit} // 1;
	$server->stop;
	return $most;
}

sub cost_memory
{
	my (@sizes) = @_;
	my $first = memory(0) or return ();   # this system does not tell
	my @rows = row('resident KB, 2 KB', $first, '', '< 16384', $first < 16384);

	for my $mb (@sizes) {
		my $got = memory($mb);

		# Up to 1 MB is held in memory before a file is used.
		push @rows, row("resident KB, $mb MB", $got, sprintf('%+d KB', $got - $first),
			'< 16384, + 2048', $got < 16384 && $got <= $first + 2048);
	}
	return @rows;
}

# ---- recipients

sub cost_recipients
{
	my $server = server_start(@me, tls => 'implicit', max_recipients => 100);
	my $config = account($server, @me, tls => 'implicit');
	my @to = map { "r$_\@example.net" } 1 .. 5000;
	my $r = send_mail($config, ['send', @to], timeout => 60);
	my $stored = $server->stored;
	my %times;

	die_of('sendoff', $r) if $r->{exit};
	$times{$_}++ for map { @{ $server->envelope($_)->{recipients} } } 1 .. $stored;
	my $once = grep { ($times{$_} // 0) == 1 } @to;
	my $connections = $server->connections;
	$server->stop;
	return (row('5000 recipients, 100 at once: connections', $connections, '', 1, $connections == 1),
		row('transactions', $stored, '', 50, $stored == 50),
		row('recipients served exactly once', $once, '', 5000,
			$once == 5000 && keys %times == 5000));
}

# ---- speed: ratios of two programs in turn, never a time

# Milliseconds from the go-ahead to the end of the content, as the server saw it.
sub content_ms
{
	my ($server, $connection) = @_;
	my $start;

	$server->idle(10);
	for my $line ($server->journal) {
		next if $line->{connection} != $connection;
		$start = $line->{ms} if $line->{kind} eq 'S' && $line->{text} =~ /^354/;
		return $line->{ms} - $start if $line->{kind} eq 'C' && $line->{text} =~ /of content/;
	}
	die "no content in the journal\n";
}

sub cost_speed
{
	my ($mb, $rounds) = @_;
	my $server = server_start(@me, tls => 'implicit', size => 1 << 30, store => undef);
	my $config = account($server, @me, tls => 'implicit', final_timeout => '30s');
	my $letter = file_write(workdir() . '/long', letter(text_of($mb << 20)));
	my $wire = file_of_wire(file_read($letter));
	my ($connection, @ours, @least) = (0);

	for (1 .. $rounds) {
		my $r = send_mail($config, undef, stdin_file => $letter, timeout => 60);
		die_of('sendoff', $r) if $r->{exit} // 1;
		push @ours, content_ms($server, ++$connection);
		$r = run_sendoff([], command => [bare($server, cert('ca'), $wire)], timeout => 60);
		die_of('bare', $r) if $r->{exit} // 1;
		push @least, content_ms($server, ++$connection);
	}
	$server->stop;
	unlink $letter, $wire;
	my ($ours, $least) = (median(@ours), median(@least));
	return row("$mb MB, content to answer", sprintf('%.2f', $ours / $least),
		"$ours ms : bare $least ms, medians of $rounds", '<= 1.3', $ours <= 1.3 * $least);
}

# ---- system calls

# How often a command, and whatever it starts, makes which.
sub calls_of
{
	my ($command, %o) = @_;
	my $out = workdir() . '/calls';
	my $r = run_sendoff([], timeout => 60, %o,
		command => ['strace', '-f', '-qq', '-c', '-o', $out, @$command]);
	my %count;

	die_of("strace @$command", $r) if $r->{exit} // 1;
	for my $line (split /\n/, file_read($out)) {
		$count{$2} = $1 if $line =~ /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$/;
	}
	return \%count;
}

# Two columns, sendoff's and the bare client's; undef without strace.
sub system_calls
{
	my $server = server_start(@me, tls => 'implicit');
	my $config = account($server, @me, tls => 'implicit');
	my $letter = letter(text_of(2000));
	my @commands = ([ours(), '-C', $config, 'send', 'you@example.net'],
		[bare($server, cert('ca'), file_of_wire($letter))]);
	my %count;

	return undef if why_not_traced();
	for my $column (0, 1) {
		my $calls = calls_of($commands[$column], stdin => $letter);
		$count{$_}[$column] = $calls->{$_} for keys %$calls;
	}
	$server->stop;
	return \%count;
}

1;
