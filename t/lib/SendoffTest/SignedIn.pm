package SendoffTest::SignedIn;

# An account that is signed in, without `sendoff login`: the test is the person, the browser
# and the program in one, and writes the file of the token itself.
#
#	my $tokens = token_server();
#	signed_in($tokens, 'work');
#	my $config = account($server, oauth($tokens), ...);

use strict;
use warnings;

use Digest::SHA qw(sha256);
use Exporter 'import';
use Fcntl qw(F_SETLK F_WRLCK);
use File::Path qw(make_path);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);

use SendoffTest;
use SendoffTest::Token;

our @EXPORT = qw(oauth signed_in token_directory token_stored token_change token_lock);

my @names = qw(access_token refresh_token obtained expires signed_in not_before scope client_id
	token_url stale over cause);
my %moment = map { $_ => 1 } qw(obtained expires signed_in not_before);
my $verifier = 'v' x 43;

# The keys of an account that signs in there.
sub oauth
{
	my ($tokens, %more) = @_;

	return (oauth_client_id => $tokens->{options}{client_id} // 'test-client',
		oauth_auth_url => $tokens->url('authorize'), oauth_token_url => $tokens->url('token'),
		oauth_scope => 'mail.send', user => 'me@example.com', password => undef, %more);
}

# What a person's sign-in gives, as the provider's JSON.
sub grant
{
	my ($tokens) = @_;
	my $ca = cert('ca');
	my $redirect = 'http://127.0.0.1:9/';
	my %ask = (response_type => 'code', client_id => 'test-client', redirect_uri => $redirect,
		scope => 'mail.send', state => 's' x 16, code_challenge_method => 'S256',
		code_challenge => encode_base64url(sha256($verifier)));
	my $query = join '&', map { "$_=" . ($ask{$_} =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger) }
		sort keys %ask;
	my $page = SendoffTest::Token::fetch($tokens->url('authorize') . "?$query", $ca);
	my ($code) = $page->{headers} =~ /^Location: .*[?&]code=([^&\s]+)/mi or
		die "no code:\n$page->{headers}\n";
	my $answer = SendoffTest::Token::fetch($tokens->url('token'), $ca, grant_type => 'authorization_code',
		code => $code, redirect_uri => $redirect, client_id => 'test-client', code_verifier => $verifier);

	return JSON::PP::decode_json($answer->{body});
}

sub token_directory { return workdir() . '/home/.local/state/sendoff/tokens' }

# Signs the account in: expires_in => SECONDS and other fields of the file, directory =>
# another place.  Gives what was written.
sub signed_in
{
	my ($tokens, $account, %o) = @_;
	my $directory = delete $o{directory} // token_directory();
	my $grant = grant($tokens);
	my $now = time;
	my $life = delete $o{expires_in} // $grant->{expires_in};
	my %token = (access_token => $grant->{access_token}, refresh_token => $grant->{refresh_token},
		obtained => $now, expires => $now + $life, signed_in => $now, not_before => 0,
		scope => $grant->{scope} // '', client_id => 'test-client',
		token_url => $tokens->url('token'), stale => JSON::PP::false, over => '', cause => '', %o);

	token_write("$directory/$account", %token);
	return \%token;
}

sub token_write
{
	my ($path, %token) = @_;
	my $json = JSON::PP->new->allow_nonref;

	make_path($path =~ s{/[^/]*\z}{}r, { mode => 0700 });
	unlink $path;
	file_write($path, "{\n\t\"version\": 1" . join('', map { ",\n\t\"$_\": " .
		($moment{$_} ? $token{$_} + 0 : $json->encode($token{$_} // '')) } @names) . "\n}\n", 0600);
	utime $token{obtained}, $token{signed_in}, $path or die "utime: $!\n";
	return;
}

# What is stored of an account; undef: nothing.
sub token_stored
{
	my ($account, $directory) = @_;
	my $path = ($directory // token_directory()) . "/$account";

	return -e $path ? JSON::PP::decode_json(file_read($path)) : undef;
}

# Holds the lock of an account, as long as what it gives is open.
sub token_lock
{
	my ($account, $directory) = @_;
	my $path = ($directory // token_directory()) . "/$account.lock";
	my $whole = pack 's! s! x![q] q q l x![q]', F_WRLCK, 0, 0, 0, 0;

	open my $lock, '+>>', $path or die "$path: $!\n";
	fcntl $lock, F_SETLK, $whole or die "$path: $!\n";
	return $lock;
}

sub token_change
{
	my ($account, %o) = @_;
	my $directory = delete $o{directory} // token_directory();

	return token_write("$directory/$account", %{ token_stored($account, $directory) }, %o);
}

1;
