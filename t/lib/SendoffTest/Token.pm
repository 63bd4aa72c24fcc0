package SendoffTest::Token;

# The scripted token server of t/token, started and questioned, and a browser that goes
# where a person would be sent.
#
# use SendoffTest::Token;
#	my $tokens = token_server(at => ['token:2 status 503 retry-after 7']);
#	my $mail = server_start(tls => 'starttls', user => 'me@example.com', tokens => $tokens->tokens);

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();

use SendoffTest;

our @ISA = ('SendoffTest::Server');
our @EXPORT = qw(token_server);

sub token_server { return __PACKAGE__->start(@_) }

sub program { return 'token' }

# Options are those of build/t/token with `_` for `-`.  cert => NAME as in server_start();
# service => ADDRESS takes the certificate `rsa` and writes service_file(), client_cert => 1
# takes `client`, whose key and certificate are in client_file().
sub options
{
	my ($class, $dir, %o) = @_;

	$o{lifetime} //= $ENV{SENDOFF_WRAP} ? 900 : 180;
	$o{cert} //= 'server';
	if ($o{cert} !~ m{/}) {
		$o{key} //= SendoffTest::cert($o{cert}, 'key');
		$o{cert} = SendoffTest::cert($o{cert});
	}
	$o{client_cert} = SendoffTest::cert('rsa') if ($o{client_cert} // '') eq '1';
	if ($o{service}) {
		$o{service_cert} //= SendoffTest::cert('rsa');
		$o{service_key_id} //= 'key-1';
	}
	%o = (ready => "$dir/ready", log => "$dir/log", mood => "$dir/mood", tokens => "$dir/tokens",
		issued => "$dir/issued", %o);
	SendoffTest::Secrets::known_from($o{issued});
	return SendoffTest::Server::words(\%o,
		qw(no_rotation jwt device_by_code no_iss no_pkce));
}

sub start
{
	my ($class, %o) = @_;
	my $self = SendoffTest::Server::start($class, %o);

	$self->{options} = \%o;
	return $self;
}

# The directory of those that are in force: for `tokens` of server_start().
sub tokens { return "$_[0]{dir}/tokens" }

sub issuer
{
	my ($self) = @_;
	my $tenant = $self->{options}{tenant};

	return 'https://localhost:' . $self->port . (defined $tenant ? "/$tenant" : '');
}

# Of an endpoint: token, device, authorize, revoke, introspect.
sub url { my ($self, $endpoint) = @_; return $self->issuer . "/$endpoint" }

# No access token that was issued is any good from now on.
sub forget
{
	my ($self) = @_;

	unlink glob $self->tokens . '/*';
	return $self;
}

# The requests, each { connection, ms, method, path, endpoint, query, form, headers, basic_user,
# basic_password, status, error, why, fault }; of one endpoint or of all.
sub requests
{
	my ($self, $endpoint) = @_;
	my (@requests, %last);
	my $json = JSON::PP->new;

	$self->idle;
	for my $line ($self->journal) {
		if ($line->{kind} eq 'REQUEST') {
			my $r = { %{ $json->decode($line->{text}) // {} }, ms => $line->{ms},
				connection => $line->{connection} };
			$r->{endpoint} = ($r->{path} // '') =~ m{([^/]+)\z} ? $1 : '';
			push @requests, $last{ $line->{connection} } = $r;
		} elsif ($line->{kind} eq 'ANSWER') {
			my $r = $last{ $line->{connection} };
			%$r = (%$r, %{ $json->decode($line->{text}) });
		}
	}
	return grep { !defined $endpoint || $_->{endpoint} eq $endpoint } @requests;
}

# What was asked of the token endpoint, in short: "refresh_token 200", "authorization_code
# 400 invalid_grant".
sub asked
{
	my ($self) = @_;

	return map {
		(my $type = $_->{form}{grant_type} // '') =~ s/.*://;
		join ' ', $type, grep { defined } @$_{qw(status error)};
	} $self->requests('token');
}

# The service account's key file, as its provider gives it out.
sub service_file
{
	my ($self) = @_;
	my $path = SendoffTest::workdir() . '/service.json';

	return file_write($path, JSON::PP->new->canonical->pretty->encode({
		type => 'service_account', client_email => $self->{options}{service},
		private_key_id => $self->{options}{service_key_id} // 'key-1',
		private_key => file_read(cert('rsa', 'key')) =~ s/\A.*?(?=-----BEGIN)//sr,
		token_uri => $self->url('token')
	}));
}

# The client's certificate and key in one file.
sub client_file
{
	my $key = file_read(cert('rsa', 'key')) =~ s/\A.*?(?=-----BEGIN)//sr;

	return file_write(SendoffTest::workdir() . '/client.pem', $key . file_read(cert('rsa')));
}

# What a browser does with a URL: follows redirects, to this server over TLS and to a
# loopback address in clear.  { status, headers, body, urls => [...] }; the URLs are those
# that it was sent to.
sub browse
{
	my ($url, $ca) = @_;
	my @urls;

	while (1) {
		my $page = fetch($url, $ca);
		my ($to) = $page->{headers} =~ /^Location: *(\S+)/mi;

		return { %$page, urls => \@urls } if !defined $to || @urls > 5;
		push @urls, $url = $to;
	}
}

# One request, POST if there is a form (name => value ...), { status, headers, body }.
sub fetch
{
	my ($url, $ca, @form) = @_;
	my ($scheme, $authority, $path) = $url =~ m{\A(https?)://([^/?#]+)([^#]*)} or
		die "not a URL: $url\n";
	my ($host, $port) = $authority =~ m{\A\[?(.*?)\]?(?::(\d+))?\z};
	my $request = (@form ? 'POST ' : 'GET ') . ($path =~ m{\A/} ? $path : "/$path") .
		" HTTP/1.1\r\nHost: $authority\r\nConnection: close\r\n" . form(@form);
	my $answer = $scheme eq 'https' ? by_tls($host, $port // 443, $ca, $request) :
		in_clear($host, $port // 80, $request);
	my ($head, $body) = split /\r\n\r\n/, $answer, 2;

	return { status => ($head // '') =~ m{\AHTTP/1\.\d (\d+)} ? $1 : 0, headers => $head // '',
		body => $body // '' };
}

# The rest of a request: a form, or nothing.
sub form
{
	my @form = @_;
	my @fields;

	return "\r\n" if !@form;
	while (my ($name, $value) = splice @form, 0, 2) {
		$value =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
		push @fields, "$name=$value";
	}
	my $body = join '&', @fields;
	return "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " .
		length($body) . "\r\n\r\n$body";
}

sub in_clear
{
	my ($host, $port, $request) = @_;
	require IO::Socket::IP;
	my $socket = IO::Socket::IP->new(PeerHost => $host, PeerPort => $port, Timeout => 5) or return '';

	print {$socket} $request;
	local $/;
	return <$socket> // '';
}

sub by_tls
{
	my ($host, $port, $ca, $request) = @_;
	require IPC::Open2;
	my $pid = IPC::Open2::open2(my $out, my $in, 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh',
		qw(openssl s_client -quiet -ign_eof -verify_return_error -CAfile), $ca, '-servername', $host, '-connect', "localhost:$port");

	print {$in} $request;
	close $in;
	local $/;
	my $answer = <$out> // '';
	waitpid $pid, 0;
	return $answer;
}

# A program to be named as the browser: it goes where it is sent.  What it saw is in
# pages(), its arguments in visits().
sub browser
{
	my ($self) = @_;
	my $path = SendoffTest::workdir() . '/browser';
	my ($lib, $dir, $ca) = (SendoffTest::top() . '/t/lib', $self->{dir}, cert('ca'));

	return file_write($path, <<"END", 0700);
#!$^X
use strict;
use warnings;
use lib '$lib';
use JSON::PP;
use SendoffTest::Token;
my \$page = SendoffTest::Token::browse(\$ARGV[0], '$ca');
open my \$out, '>>', '$dir/pages' or die;
print {\$out} JSON::PP->new->encode({ arguments => [\@ARGV], \%\$page }), "\\n";
END
}

# What the browser has seen, each as browse() gives it, with arguments => [...].
sub pages
{
	my ($self) = @_;
	my $path = "$self->{dir}/pages";

	return -e $path ? map { JSON::PP->new->decode($_) } split /\n/, file_read($path) : ();
}

1;
