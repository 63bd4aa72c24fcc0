package SendoffTest::Accept;

# The accepting role of the runner alone: the test is its supervisor, tells it
# the policy and the names of users, and speaks with its sockets itself.
#
#	use SendoffTest::Accept;
#	my $accept = accept_start(global => { domain => 'example.test' },
#		accounts => { work => { from => 'me@example.test' } },
#		aliases => "root: boss\@example.net\n", people => { 30001 => ['alice', 'staff'] });
#	my $client = $accept->client(30001);       # as that user; greeted
#	$client->talk('EHLO x');                   # the reply, its lines joined by "\n"
#	my @lines = $accept->ask(30001, { do => 'list' });
#	$accept->told('stored');                   # what it told the supervisor so far

use strict;
use warnings;

use Errno qw(EAGAIN EINTR);
use Exporter 'import';
use Fcntl;
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use POSIX qw(:sys_wait_h);
use Socket;
use Time::HiRes qw(sleep time);

use SendoffTest ();

our @EXPORT = qw(accept_start);

my $json = JSON::PP->new->canonical->utf8;
my %running;
my $count = 0;

sub policy_of
{
	my (%o) = @_;
	my $accounts = $o{accounts} // { work => { from => 'me@example.test' } };
	my %global = (domain => 'example.test', %{ $o{global} // {} });
	my $policy = { host => 'box.example.test',
		global => { map { $_ => "$global{$_}" } keys %global }, accounts => [ map { { name => $_, who => $accounts->{$_} } }
		sort keys %$accounts ], tables => [], includes => $o{includes} // [] };

	push @{ $policy->{tables} }, { table => 1, name => '/etc/aliases',
		text => encode_base64($o{aliases}, '') } if defined $o{aliases};
	$policy->{problem} = $o{problem} if defined $o{problem};
	return $policy;
}

sub listening
{
	my ($path) = @_;
	my $mask = umask 0;
	my $socket = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $path, Listen => SOMAXCONN)
		or die "$path: $!\n";

	umask $mask;
	return $socket;
}

# Descriptors 3, 4, ... are these; the rest is closed by exec.
sub become
{
	my ($spool, $limits, $env, @sockets) = @_;
	my @names = qw(smtp control channel);
	my @high = map { fcntl($_, F_DUPFD, 20) // die "dup: $!\n" } @sockets;

	POSIX::dup2($high[$_], 3 + $_) // die "dup2: $!\n" for 0 .. $#high;
	my $program = SendoffTest::Run::program('sendoff-accept');
	# Shut in as it is, a leak checker cannot look at its own process.
	%ENV = (SendoffTest::Run::environment($env), ASAN_OPTIONS => 'detect_leaks=0', LISTEN_FDS => scalar @high,
		LISTEN_FDNAMES => join ':', map { $names[$_] // 'port' } 0 .. $#high);
	exec 'sh', '-c', "ulimit $limits && LISTEN_PID=\$\$ && export LISTEN_PID && exec \"\$@\"", 'sh',
		$program, $spool;
	die "exec: $!\n";
}

# Options: policy_of()'s, and people, limits (words for ulimit), spool (a
# path), ports (how many loopback ports), env.
sub accept_start
{
	my (%o) = @_;
	my $dir = SendoffTest::workdir() . '/accept' . ++$count;
	my $self = bless { dir => $dir, spool => $o{spool} // "$dir/queue", people => $o{people} // {},
		told => [], in => '' }, __PACKAGE__;

	chmod 0711, SendoffTest::workdir();
	mkdir $dir, 0711 or die "$dir: $!\n";
	chmod 0711, $dir;
	my @sockets = map { listening("$dir/$_.sock") } qw(smtp control);
	socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0) or die "socketpair: $!\n";
	my @ports = map { IO::Socket::INET->new(Listen => SOMAXCONN, LocalAddr => '127.0.0.1') // die "listen: $@\n" }
		1 .. $o{ports} // 0;
	my $pid = fork // die "fork: $!\n";
	become($self->{spool}, $o{limits} // '-n 4096', $o{env}, @sockets, $theirs, @ports) if !$pid;
	close $theirs;
	$self->{ports} = [map { $_->sockport } @ports];
	$ours->blocking(0);
	@$self{qw(pid channel)} = ($pid, $ours);
	$running{$pid} = $self;
	$self->policy(%o);
	SendoffTest::wait_until(sub { $self->pump; $self->told('confined') || $self->ended }, 20);
	return $self;
}

# ---- the supervisor's part

sub tell
{
	my ($self, $object) = @_;
	my $line = $json->encode($object) . "\n";
	my $end = time + 10;

	while (length $line && time < $end) {
		my $n = syswrite $self->{channel}, $line;
		if (!defined $n) {
			last if $! != EAGAIN;
			IO::Select->new($self->{channel})->can_write(0.1);
			next;
		}
		substr($line, 0, $n) = '';
	}
}

sub policy
{
	my ($self, %o) = @_;

	$self->tell({ do => 'policy', policy => policy_of(%o) });
}

sub answer_who
{
	my ($self, $uid) = @_;
	my $known = $self->{people}{$uid};

	return if defined $known && !ref $known;   # no answer at all
	$self->tell({ do => "who", uid => 0 + $uid,
		$known ? (name => $known->[0], groups => [ @$known[1 .. $#$known] ]) : () });
}

# What has come over the channel is answered and noted.
sub pump
{
	my ($self) = @_;

	while (1) {
		my $n = sysread $self->{channel}, $self->{in}, 65536, length $self->{in};
		last if !$n;
	}
	while ($self->{in} =~ s/^([^\n]*)\n//) {
		my $object = $json->decode($1);
		push @{ $self->{told} }, $object;
		$self->answer_who($object->{uid}) if $object->{do} eq 'who';
	}
}

sub told
{
	my ($self, $what) = @_;

	$self->pump;
	return grep { $_->{do} eq $what } @{ $self->{told} };
}

# ---- its clients

sub socket_to
{
	my ($self, $name, $uid) = @_;
	my $socket;

	$> = $uid if defined $uid;
	for (1 .. 50) {
		socket($socket, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
		last if connect($socket, pack_sockaddr_un("$self->{dir}/$name.sock"));
		my $why = $!;
		close $socket;
		undef $socket;
		last if $why != EAGAIN;
		sleep 0.02;
		$self->pump;
	}
	$> = 0 if defined $uid;
	$socket->blocking(0) if $socket;
	return $socket;
}

sub client
{
	my ($self, $uid, %o) = @_;
	my $socket = $self->socket_to('smtp', $uid) or return;
	my $client = bless { accept => $self, socket => $socket, in => '' },
		'SendoffTest::Accept::Client';

	$client->{greeting} = $client->get if !$o{mute};
	return $client;
}

# By a loopback port: from nobody in particular.  Options: as client(), and n, which
# of the ports.
sub port_client
{
	my ($self, %o) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{ports}[$o{n} // 0],
		Timeout => 5) or return;
	my $client = bless { accept => $self, socket => $socket, in => '' }, 'SendoffTest::Accept::Client';

	$socket->blocking(0);
	$client->put($o{first}) if defined $o{first};
	$client->{greeting} = $client->get if !$o{mute};
	return $client;
}

# A question to the control socket: the objects that came back.
sub ask
{
	my ($self, $uid, $question) = @_;
	my $client = bless { accept => $self, socket => $self->socket_to('control', $uid), in => '' },
		'SendoffTest::Accept::Client';

	$client->put(ref $question ? $json->encode({ v => 1, %$question }) . "\n" : $question);
	my $text = $client->rest;
	return map { $json->decode($_) } split /\n/, $text;
}

# Hands one message in, as sendoff does; the reply to its content.
sub hand_in
{
	my ($self, $uid, @mail) = @_;
	my $client = $self->client($uid) or return 'no connection';

	return $client->hand_in(@mail);
}

# ---- the spool

sub entries
{
	my ($self, $state) = @_;

	opendir my $d, "$self->{spool}/" . ($state // 'new') or return;
	my @ids = sort grep { /^[a-z2-7]{12}\z/ } readdir $d;
	return @ids;
}

# The head's lines and the content of one.
sub entry
{
	my ($self, $id, $state) = @_;
	my ($head, $content) = split /\n\n/,
		SendoffTest::file_read("$self->{spool}/" . ($state // 'new') . "/$id"), 2;

	return { lines => [ split /\n/, $head ], content => $content };
}

# ---- its end

sub ended
{
	my ($self) = @_;

	return 1 if !$self->{pid};
	return 0 if waitpid($self->{pid}, WNOHANG) != $self->{pid};
	$self->{status} = $?;
	delete $running{ delete $self->{pid} };
	return 1;
}

# Its wait status; a signal first.
sub stop
{
	my ($self, $signal) = @_;

	kill $signal // 'TERM', $self->{pid} if $self->{pid};
	SendoffTest::wait_until(sub { $self->pump; $self->ended }, 20) or kill 'KILL', $self->{pid};
	$self->ended or waitpid($self->{pid}, 0);
	return $self->{status};
}

END {
	local $?;
	if (%running) {
		kill 'KILL', keys %running;
		waitpid($_, 0) for keys %running;
	}
}

package SendoffTest::Accept::Client;

use strict;
use warnings;

use Errno qw(EAGAIN EINTR);
use Time::HiRes qw(time);

# Octets, as far as they are taken within so many seconds; how many were not.
sub put
{
	my ($self, $data, $seconds) = @_;
	my $end = time + ($seconds // 10);

	while (length $data && time < $end) {
		my $n = send $self->{socket}, $data, 0x4000;   # MSG_NOSIGNAL
		if (!defined $n) {
			last if $! != EAGAIN && $! != EINTR;
			$self->{accept}->pump;
			IO::Select->new($self->{socket})->can_write(0.02);
			next;
		}
		substr($data, 0, $n) = '';
	}
	return length $data;
}

sub read_some
{
	my ($self, $end) = @_;
	my $left = $end - time;

	$self->{accept}->pump;
	IO::Select->new($self->{socket}, $self->{accept}{channel})->can_read(
		$left < 0 ? 0 : $left > 0.1 ? 0.1 : $left);
	my $n = sysread $self->{socket}, $self->{in}, 65536, length $self->{in};
	$self->{over} = 1 if defined $n ? $n == 0 : $! != EAGAIN && $! != EINTR;
}

# The next reply, '' when none comes.
sub get
{
	my ($self, $seconds) = @_;
	my $end = time + ($seconds // 10);

	while (1) {
		return join "\n", split /\r\n/, $1 if $self->{in} =~ s/^((?:\d{3}-.*\r\n)*\d{3} .*\r\n)//;
		return '' if $self->{over} || time >= $end;
		$self->read_some($end);
	}
}

sub talk
{
	my ($self, $line, $seconds) = @_;

	$self->put("$line\r\n");
	return $self->get($seconds);
}

# One message, its parameters of MAIL behind the sender, and QUIT; the last reply.
sub hand_in
{
	my ($self, $mail, $recipients, $text) = @_;

	$self->talk('EHLO test');
	for my $line ("MAIL FROM:$mail", (map { "RCPT TO:<$_>" } @$recipients), 'DATA') {
		my $reply = $self->talk($line);
		return $reply if $reply !~ /^[23]/;
	}
	$self->put($text . ($text =~ /\r\n\z/ ? '' : "\r\n") . ".\r\n");
	my $reply = $self->get;
	$self->talk('QUIT');
	return $reply;
}

# Everything until the other side closes.
sub rest
{
	my ($self, $seconds) = @_;
	my $end = time + ($seconds // 20);

	$self->read_some($end) while !$self->{over} && time < $end;
	return delete $self->{in};
}

sub close_it { close $_[0]->{socket} }

1;
