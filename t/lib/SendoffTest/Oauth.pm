package SendoffTest::Oauth;

# Real parts: a certified OAuth server and a browser with somebody before it.
#
#	my $provider = SendoffTest::Oauth->start;
#	my $r = $provider->browse($url);             # { steps, url, text }
#	my @requests = $provider->requests('/token');

use strict;
use warnings;

use Digest::SHA qw(sha256_base64);
use JSON::PP ();
use POSIX qw(:sys_wait_h);

use SendoffTest;

our $user = 'me@example.test';
our $secret = 'the secret of the mail server';

my %running;
my $count = 0;

sub modules { return SendoffTest::build() . '/oauth/node_modules' }

sub browser_program
{
	return (grep { -x } qw(/usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome))[0];
}

# Why no test can be made here, in words; or undef.
sub why_not
{
	return 'the OAuth server is not there: make check-oauth fetches it'
		if !-d modules() . '/oidc-provider';
	return 'node is needed' if system('node --version >/dev/null 2>&1') != 0;
	return 'chromium is needed' if !browser_program();
	return 'faketime is needed' if !(clock_of(''))[1];
	return undef;
}

# Variables under which a program's wall clock shows what stands in a file: "+0", "+1d".
sub clock_of
{
	my ($file) = @_;
	my ($library) = glob '/usr/lib/*/faketime/libfaketime.so.1';

	return (LD_PRELOAD => $library, FAKETIME_TIMESTAMP_FILE => $file, FAKETIME_NO_CACHE => 1,
		FAKETIME_DONT_FAKE_MONOTONIC => 1, NO_FAKE_STAT => 1);
}

# The server's clock is its own; later() sets it.
sub start
{
	my ($class) = @_;
	my $dir = SendoffTest::workdir() . '/server-oauth' . (++$count);
	my $self = bless { dir => $dir, owner => $$ }, $class;
	my $settings = JSON::PP->new->encode({ modules => modules(), cert => cert('server'),
		key => cert('server', 'key'), client_cert => cert('rsa'), ready => "$dir/ready",
		log => "$dir/log", lifetime => 600 });

	mkdir $dir, 0700;
	file_write("$dir/clock", '+0');
	$self->{pid} = fork // die "fork: $!\n";
	if (!$self->{pid}) {
		%ENV = (PATH => $ENV{PATH}, HOME => $dir, clock_of("$dir/clock"));
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$dir/out";
		open STDERR, '>&', \*STDOUT;
		no warnings 'exec';
		exec 'node', SendoffTest::top() . '/t/oauth/provider.mjs', $settings or POSIX::_exit(127);
	}
	$running{ $self->{pid} } = $self;
	SendoffTest::wait_until(sub { -e "$dir/ready" || waitpid($self->{pid}, WNOHANG) != 0 }, 30);
	die 'the OAuth server did not start: ' . file_read("$dir/out") . "\n" if !-e "$dir/ready";
	chomp($self->{port} = file_read("$dir/ready"));
	return $self;
}

# From now on it is so much later ("+1d") for the server, and for every program with the
# variables that are returned.
sub later
{
	my ($self, $how_much) = @_;

	file_write("$self->{dir}/clock.new", $how_much);
	rename "$self->{dir}/clock.new", "$self->{dir}/clock" or die "clock: $!\n";
	return clock_of("$self->{dir}/clock");
}

sub port { return $_[0]{port} }
sub issuer { return "https://localhost:$_[0]{port}" }

# Where mail servers ask about a token.
sub introspection
{
	my ($self) = @_;
	my $password = $secret =~ s/ /%20/gr;

	return "https://mailserver:$password\@localhost:$self->{port}/token/introspection";
}

# The requests so far, of one path or all: { path, grant, client, status, error, why }.
sub requests
{
	my ($self, $path) = @_;
	my @lines = -e "$self->{dir}/log" ? split /\n/, file_read("$self->{dir}/log") : ();

	return grep { defined $_->{path} && (!defined $path || $_->{path} eq $path) }
		map { JSON::PP->new->decode($_) } @lines;
}

# What was asked of the token endpoint: "refresh_token 200", "authorization_code 400
# invalid_grant".
sub asked
{
	my ($self) = @_;

	return map {
		my $type = ($_->{grant} // '') =~ s/.*://r;
		join ' ', $type, grep { defined } @$_{qw(status error)};
	} $self->requests('/token');
}

sub events
{
	my ($self) = @_;

	return grep { defined $_->{event} }
		map { JSON::PP->new->decode($_) } split /\n/, file_read("$self->{dir}/log");
}

# The digest of the server's key, as the browser wants to have it.
sub spki
{
	my $der = `openssl x509 -in @{[cert('server')]} -noout -pubkey | openssl pkey -pubin -outform DER`;

	return sha256_base64($der) . '=';
}

# The command of a browser with somebody before it, who is `user`, agrees unless refuse => 1
# and has user_code => CODE.  A URL is to be put behind it.
sub browser_command
{
	my ($self, %o) = @_;
	my $profile = "$self->{dir}/profile" . (++$count);

	return ('node', SendoffTest::top() . '/t/oauth/browser.mjs', JSON::PP->new->encode({
		program => browser_program(), profile => $profile, spki => spki(), user => $user,
		password => 'any', seconds => 90, %o }));
}

sub browse
{
	my ($self, $url, %o) = @_;
	my $r = SendoffTest::Run->start([], command => [ $self->browser_command(%o), $url ],
		timeout => 100, tells => 1, env => { HOME => $self->{dir} })->finish;

	return $r->{exit} == 0 ? JSON::PP->new->decode($r->{out}) : { steps => [], url => '',
		text => $r->{err} };
}

# A program to be named as the browser; what it has seen is in visits().
sub browser
{
	my ($self, %o) = @_;
	my $path = "$self->{dir}/browser" . (++$count);
	my $command = join ' ', map { "'" . s/'/'\\''/gr . "'" } $self->browser_command(%o);

	return file_write($path, <<"END", 0700);
#!/bin/sh
HOME='$self->{dir}' exec $command "\$1" >>'$self->{dir}/visits' 2>&1
END
}

sub visits
{
	my ($self) = @_;
	my $path = "$self->{dir}/visits";

	return -e $path ? map { /^\{/ ? JSON::PP->new->decode($_) : { steps => [], text => $_ } }
		split /\n/, file_read($path) : ();
}

sub stop
{
	my ($self) = @_;

	delete $running{ $self->{pid} } or return;
	kill 'TERM', $self->{pid};
	SendoffTest::wait_until(sub { waitpid($self->{pid}, WNOHANG) != 0 }, 5) or
		kill 'KILL', $self->{pid};
}

END {
	local $?;
	$_->stop for grep { $_->{owner} == $$ } values %running;
}

1;
