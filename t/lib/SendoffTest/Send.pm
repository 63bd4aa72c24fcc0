package SendoffTest::Send;

# One account for one server, and mail sent by it: what most tests of the
# program as a whole begin with.

use strict;
use warnings;

use Exporter 'import';
use Fcntl qw(:flock F_SETLK F_WRLCK);
use File::Path qw(make_path);
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);

use SendoffTest;

our @EXPORT = qw(account account_text letter wire send_mail send_mail_start sendmail finish_all b64 safe
	nobody queued queue_empty queue_dir watched);

# What an account of the tests has unless a test says otherwise: short
# deadlines, and names that do not depend on the machine.
my %usual = (
	host => '{host}', port => '{port}', tls => 'off', from => 'me@example.test',
	ehlo => 'client.example.test', timeout => '2s', connect_timeout => '3s', final_timeout => '2s'
);
my @nobodies;
my %usual_global = (domain => 'example.test', log => 'none', aliases => '/nonexistent/aliases');

# The text of a configuration: account_text(KEY => VALUE, ..., global => {...});
# undef leaves a key out.
sub account_text
{
	my (%keys) = @_;
	my %global = (%usual_global, %{ delete $keys{global} // {} });
	my $name = delete $keys{name} // 'test';
	my $text = "[sendoff]\n";

	$keys{tls_ca_file} = '{ca}' if ($keys{tls} // 'off') ne 'off' && !exists $keys{tls_ca_file};
	$keys{host} = 'localhost' if ($keys{tls} // 'off') ne 'off' && !exists $keys{host};
	%keys = (%usual, %keys);
	$text .= "$_ = $global{$_}\n" for grep { defined $global{$_} } sort keys %global;
	$text .= "\n[account $name]\n";
	$text .= "$_ = $keys{$_}\n" for grep { defined $keys{$_} } sort keys %keys;
	return $text;
}

# The path of such a configuration, for this server.
sub account
{
	my ($server, %keys) = @_;

	return config(account_text(%keys), server => $server);
}

# A message that needs no repair: what is given is what must arrive.
sub letter
{
	my ($body, %fields) = @_;
	my %header = (
		Date => 'Fri, 02 Jan 2026 03:04:05 +0000', From => 'me@example.test',
		'Message-ID' => '<1@example.test>', Subject => 'test', To => 'you@example.net', %fields
	);

	return join('', map { "$_: $header{$_}\n" } grep { defined $header{$_} } sort keys %header) .
		"\n" . ($body // "text\n");
}

# Lines with LF as they must arrive.
sub wire
{
	my ($text) = @_;

	$text =~ s/(?<!\r)\n/\r\n/g;
	return $text;
}

# send_mail(CONFIG, [ARGUMENTS], stdin => ...): sendoff -C CONFIG ARGUMENTS; by
# default a letter to one recipient.
sub send_mail_start
{
	my ($config, $args, %o) = @_;

	return start_sendoff(['-C', $config, @{ $args // ['send', '--no-queue', 'you@example.net'] }],
		stdin => letter(), %o);
}

sub send_mail { return send_mail_start(@_)->finish }

# The same as sendmail; the configuration comes by the environment.
sub sendmail
{
	my ($config, $args, %o) = @_;

	return run_sendoff($args, name => 'sendmail', stdin => letter(), %o,
		env => { SENDOFF_CONFIG => $config, %{ $o{env} // {} } });
}

# What became of several runs that go on side by side, each timed by itself.
sub finish_all
{
	my (@runs) = @_;
	my @left = @runs;

	while (@left) {
		$_->turn(0) for @left;
		@left = grep { !$_->reap(WNOHANG) } @left;
		# One that does not end is ended by finish(), with the others behind it.
		last if grep { time - $_->{started} > $_->{timeout} } @left;
		sleep 0.005;
	}
	return map { $_->finish } @runs;
}

# A server that nobody is: connections are refused at its port, which nobody else
# can get as long as this is kept.
sub nobody
{
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp') or die "socket: $@\n";

	push @nobodies, $socket;
	return bless { port => $socket->sockport }, 'SendoffTest::Send::Nobody';
}

sub SendoffTest::Send::Nobody::host { return '127.0.0.1' }
sub SendoffTest::Send::Nobody::port { return $_[0]{port} }

# The queue of the user that the runs are made as: its files in a state, by path.
sub queue_dir { return workdir() . '/home/.local/state/sendoff/queue' }

sub queued
{
	my ($state) = @_;

	my @files = glob(queue_dir() . '/' . ($state // 'new') . '/*');

	return @files;
}

sub queue_empty
{
	unlink glob(queue_dir() . "/{new,hold,failed,damaged,control,accounts,tmp}/*");
	return;
}

# Keeps the lock of that queue's watcher as long as what it gives is kept: nothing is
# sent in the background.
sub watched
{
	my $dir = $_[0] // queue_dir();
	my $whole = pack 's! s! x![q] q q l x![q]', F_WRLCK, 0, 0, 0, 0;

	make_path($dir, { mode => 0700 });
	open(my $lock, '>', "$dir/lock") or die "$dir/lock: $!\n";
	chmod 0600, "$dir/lock";
	flock($lock, LOCK_EX | LOCK_NB) && fcntl($lock, F_SETLK, $whole) or die "$dir/lock: $!\n";
	return $lock;
}

sub b64 { return encode_base64($_[0], '') }

# A run that ended by itself, by no signal, with no code that shells and callers
# take for something else.
sub safe
{
	my ($r) = @_;

	return !$r->{timed_out} && !$r->{signal} && $r->{exit} != 127 && $r->{exit} != 255;
}

1;
