package SendoffTest::Names;

# A network and names of a test's own: its ports are the real ones, and what a name means is
# what the test says.
#
#	use SendoffTest::Names;
#	own_names(hosts => { '127.0.0.1' => [ 'mail.example.test' ] },
#		srv => { '_submissions._tcp.example.test' => [ [ 0, 1, 465, 'mail.example.test' ] ] });
#
# The test begins anew inside of namespaces; where there are none it is skipped.  What is not
# named does not exist; `silent` names get no answer at all.  asked_names() are the names that
# anybody has asked for.

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use POSIX ();
use SendoffTest;

our @EXPORT = qw(own_names put_over asked_names);

my ($server, $owner) = (0, $$);

END { kill 'TERM', $server if $server && $$ == $owner }

sub enter
{
	my $net = readlink('/proc/self/ns/net') // '';
	my @unshare = ('unshare', $> == 0 ? '-nm' : '-rnm');

	return if ($ENV{SENDOFF_NAMES} // $net) ne $net;
	plan(skip_all => 'no network and no names of our own') if system("@unshare sh -c 'ip link set lo up " .
		"&& mount --bind /etc/hosts /etc/hosts' >/dev/null 2>&1") != 0;
	$ENV{SENDOFF_NAMES} = $net;
	exec @unshare, $^X, $0, @ARGV;
	die "unshare: $!\n";
}

# What stands at a path, for this test alone.
sub put_over
{
	my ($path, $text) = @_;
	my $ours = file_write(workdir() . '/' . $path =~ tr{/}{-}r, $text, 0644);

	system('mount', '--bind', $ours, $path) == 0 or die "mount: $?\n";
}

# ---- DNS (RFC 1035), as much as is asked here

sub name_octets { return join('', map { pack 'C/a', $_ } split /\./, $_[0]) . "\0" }

sub read_question
{
	my ($message) = @_;
	my ($at, @labels) = (12);

	while ((my $len = ord substr $message, $at, 1) > 0) {
		push @labels, substr $message, $at + 1, $len;
		$at += 1 + $len;
	}
	return (lc join('.', @labels), unpack('n', substr $message, $at + 1, 2), substr $message, 12, $at + 5 - 12);
}

# The answer to one question; undef: none.
sub answer
{
	my ($message, %o) = @_;
	my ($name, $type, $question) = read_question($message);
	my $id = substr $message, 0, 2;
	my $records = $type == 33 ? $o{srv}{$name} : undef;

	return undef if grep { $_ eq $name } @{ $o{silent} // [] };
	return $id . pack('n5', 0x8183, 1, 0, 0, 0) . $question if !$records;
	return $id . pack('n5', 0x8180, 1, scalar @$records, 0, 0) . $question . join '', map {
		my ($priority, $weight, $port, $target) = @$_;
		my $data = pack('n3', $priority, $weight, $port) . name_octets($target);

		"\xc0\x0c" . pack('nnNn', 33, 1, 60, length $data) . $data;
	} @$records;
}

sub name_server
{
	my (%o) = @_;
	my $socket = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => 53)
		or die "port 53: $!\n";
	my $pid = fork // die "fork: $!\n";

	$server = $pid;
	return if $pid;
	$SIG{TERM} = 'DEFAULT';
	alarm 300;
	while (defined $socket->recv(my $message, 512)) {
		if (length $message > 16 && open my $out, '>>', workdir() . '/asked-names') {
			print {$out} (read_question($message))[0], "\n";
		}
		my $answer = length $message > 16 ? answer($message, %o) : undef;

		$socket->send($answer) if defined $answer;
	}
	POSIX::_exit(0);
}

sub asked_names
{
	my $path = workdir() . '/asked-names';

	return -e $path ? split /\n/, file_read($path) : ();
}

sub own_names
{
	my (%o) = @_;
	my $hosts = $o{hosts} // {};

	enter();
	system('ip link set lo up') == 0 or die "no loopback\n";
	put_over('/etc/hosts', "127.0.0.1 localhost\n" . join '', map { "$_ @{ $hosts->{$_} }\n" } sort keys %$hosts);
	put_over('/etc/nsswitch.conf', "hosts: files dns\n");
	put_over('/etc/resolv.conf', "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
	name_server(%o);
}

1;
