package SendoffTest::Server;

# The scripted server of t/server, started and questioned.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use IO::Socket::INET;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);

# How long it is waited, before the journal is read, for connections to end.
our $patience = 1;

my %running;
my $count = 0;

# Options are those of build/t/server with `_` for `-`; a list repeats one, 1
# sets a flag, undef leaves it out.  tls other than off gets the certificate
# `server`; cert => NAME takes NAME.crt and NAME.key of t/certs.sh, raw_key => NAME
# NAME.key; client_ca => 1 is the tests' authority.  raw => 1 keeps the octets for raw(), mood => 1 is for
# mood().
sub options
{
	my ($class, $dir, %o) = @_;

	$o{lifetime} //= $ENV{SENDOFF_WRAP} ? 900 : 180;   # valgrind is slow
	$o{cert} //= 'server' if ($o{tls} // 'off') ne 'off';
	if ($o{cert} && $o{cert} !~ m{/}) {
		$o{key} //= SendoffTest::cert($o{cert}, 'key');
		$o{cert} = SendoffTest::cert($o{cert});
	}
	$o{raw_key} = SendoffTest::cert($o{raw_key}, 'key') if ($o{raw_key} // '/') !~ m{/};
	$o{client_ca} = SendoffTest::cert('ca') if ($o{client_ca} // '') eq '1';
	$o{raw} = "$dir/raw" if $o{raw};
	$o{mood} = "$dir/mood" if $o{mood};
	%o = (ready => "$dir/ready", log => "$dir/log", store => "$dir/store", %o);
	return words(\%o, qw(lmtp require_login strict lenient split coalesce one_by_one
		scram_bad_signature scram_no_signature scram_reuse_nonce));
}

# Options as words of a command line; of the flags only those that are true.
sub words
{
	my ($o, @flags) = @_;
	my %flag = map { $_ => 1 } @flags;
	my @words;

	for my $name (sort keys %$o) {
		(my $long = "--$name") =~ tr/_/-/;
		for my $value (ref $o->{$name} ? @{ $o->{$name} } : $o->{$name}) {
			next if !defined $value || ($flag{$name} && !$value);
			push @words, $flag{$name} ? $long : ($long, $value);
		}
	}
	return @words;
}

# The program below build/t.
sub program { return 'server' }

sub start
{
	my ($class, %o) = @_;
	my $dir = SendoffTest::workdir() . '/server' . (++$count);
	my $program = SendoffTest::build() . '/t/' . $class->program;

	mkdir $dir, 0700;
	SendoffTest::Secrets::known(@o{qw(password token client_secret)});
	my @args = $class->options($dir, %o);
	my $self = bless { dir => $dir, listen => $o{listen} // '127.0.0.1', owner => $$ }, $class;
	$self->{pid} = fork // die "fork: $!\n";
	if (!$self->{pid}) {
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', '/dev/null';
		no warnings 'exec';
		exec $program, @args or warn "exec $program: $!\n";
		POSIX::_exit(127);
	}
	$running{ $self->{pid} } = $self;
	SendoffTest::wait_until(sub { -e "$dir/ready" || !$self->alive }, 10);
	die "$program did not start\n" if !-e "$dir/ready";
	chomp($self->{port} = SendoffTest::file_read("$dir/ready"));
	return $self;
}

sub alive
{
	my ($self) = @_;

	return 0 if !$running{ $self->{pid} };
	return 1 if waitpid($self->{pid}, WNOHANG) == 0;
	$self->{status} = $?;
	delete $running{ $self->{pid} };
	return 0;
}

# Ends it; the wait status (0: as it should).
sub stop
{
	my ($self) = @_;

	$self->idle;
	if ($self->alive) {
		kill 'TERM', $self->{pid};
		SendoffTest::wait_until(sub { !$self->alive }, 5);
	}
	if ($self->alive) {
		kill 'KILL', $self->{pid};
		waitpid($self->{pid}, 0);
		$self->{status} = $?;
		delete $running{ $self->{pid} };
	}
	return $self->{status};
}

sub end_all
{
	for my $self (grep { $_->{owner} == $$ } values %running) {
		kill 'KILL', $self->{pid};
		waitpid($self->{pid}, 0);
	}
	%running = ();
}

sub pid { return $_[0]{pid} }
sub port { return $_[0]{port} }
sub host { return $_[0]{listen} }
sub dir { return $_[0]{dir} }
sub store { return "$_[0]{dir}/store" }

# The journal as it is now: a list of { connection, ms, kind, text }.
sub journal
{
	my ($self) = @_;
	my @lines;

	return () if !-e "$self->{dir}/log";
	for my $line (split /\n/, SendoffTest::file_read("$self->{dir}/log")) {
		$line =~ /^(\d+) (\d+) (\w+): (.*)$/ or die "journal: $line\n";
		push @lines, { connection => $1, ms => $2, kind => $3, text => $4 };
	}
	return @lines;
}

# Waits until every connection has ended, at most so many seconds.
sub idle
{
	my ($self, $seconds) = @_;

	return SendoffTest::wait_until(sub {
		my %open;
		for my $line (grep { $_->{connection} } $self->journal) {
			$open{ $line->{connection} } = 1 if $line->{kind} eq 'OPEN';
			delete $open{ $line->{connection} } if $line->{kind} eq 'CLOSE';
		}
		return !%open;
	}, $seconds // $patience);
}

# The texts of all lines of a kind, in a connection or in all, once it is idle.
sub lines
{
	my ($self, $kind, $connection) = @_;

	$self->idle;
	return map { $_->{text} } grep {
		$_->{kind} eq $kind && (!$connection || $_->{connection} == $connection)
	} $self->journal;
}

sub commands { my $self = shift; return $self->lines('C', @_) }
sub replies { my $self = shift; return $self->lines('S', @_) }
sub violations { my $self = shift; return $self->lines('VIOLATION', @_) }
sub logins { my $self = shift; return $self->lines('LOGIN', @_) }
sub tls { my $self = shift; return $self->lines('TLS', @_) }
sub shown { my $self = shift; return $self->lines('SHOWN', @_) }
sub faults { my $self = shift; return $self->lines('FAULT', @_) }
sub closes { my $self = shift; return $self->lines('CLOSE', @_) }
sub connections { my $self = shift; return scalar $self->lines('OPEN') }
sub flights { my $self = shift; return scalar $self->lines('FLIGHT', @_) }

# The most connections that were open at one time.
sub peak
{
	my ($self) = @_;

	return (sort { $b <=> $a } map { /^(\d+)/ } $self->lines('OPEN'))[0] // 0;
}

# How many connections were one too many.
sub refused { my $self = shift; return scalar $self->lines('REFUSED') }

# What it does wrong from the next connection on, as rows of --at; none: nothing.
sub mood
{
	my ($self, @rows) = @_;

	SendoffTest::file_write("$self->{dir}/mood.new", join '', map { "$_\n" } @rows);
	rename "$self->{dir}/mood.new", "$self->{dir}/mood" or die "mood: $!\n";
	return $self;
}

# The Message-ID of each message that was accepted; "none N" where there is none.
sub ids
{
	my ($self) = @_;

	return map {
		$self->message($_) =~ /\A(?:[^\r\n]+\r\n)*?Message-ID:\s*(\S+)/i ? $1 : "none $_"
	} 1 .. $self->stored;
}

# { MESSAGE-ID => { RECIPIENT => how often } }
sub copies
{
	my ($self) = @_;
	my (%copies, $k);

	for my $id ($self->ids) {
		$copies{$id}{$_}++ for @{ $self->envelope(++$k)->{recipients} };
	}
	return \%copies;
}

# Whether all copies of a message are the same octets; at least one must be there.
sub same
{
	my ($self, $wanted) = @_;
	my @ids = $self->ids;
	my %seen = map { sha256_hex($self->message($_ + 1)) => 1 } grep { $ids[$_] eq $wanted } 0 .. $#ids;

	return keys %seen == 1;
}

# How many messages were accepted.
sub stored
{
	my ($self) = @_;
	my $n = 0;

	$self->idle;
	$n++ while -e $self->store . '/' . ($n + 1) . '.envelope';
	return $n;
}

sub message
{
	my ($self, $k) = @_;
	my $path = $self->store . "/$k.eml";

	return -e $path ? SendoffTest::file_read($path) : undef;
}

# { mail, rcpt => [...], auth, tls, via, sender, recipients => [...] }, or undef.
sub envelope
{
	my ($self, $k) = @_;
	my $path = $self->store . "/$k.envelope";
	my %e = (rcpt => [], recipients => []);

	return undef if !-e $path;
	for my $line (split /\n/, SendoffTest::file_read($path)) {
		my ($word, $rest) = split / /, $line, 2;
		if ($word eq 'RCPT') {
			push @{ $e{rcpt} }, $rest;
			push @{ $e{recipients} }, $rest =~ /^TO:<(.*?)>(?: |$)/i ? $1 : undef;
		} else {
			$e{ lc $word } = $rest;
		}
	}
	$e{sender} = $1 if $e{mail} =~ /^FROM:<(.*?)>(?: |$)/i;
	return \%e;
}

# Every octet received in a connection (inside TLS); needs raw => 1.
sub raw
{
	my ($self, $connection) = @_;
	my $path = "$self->{dir}/raw." . ($connection // 1);

	$self->idle;
	return -e $path ? SendoffTest::file_read($path) : undef;
}

1;
