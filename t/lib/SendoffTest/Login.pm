package SendoffTest::Login;

# Signing in with sendoff login, and out again.
#
#	my $server = token_server();
#	my $config = sign_in_account($server, KEY => VALUE or undef, ...);   # account `work`
#	my $r = login($config, '--flow', 'device', { env => \%away });
#	is_stored('device');
#	my $r = logout($config);

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();
use Test::More;

use SendoffTest;
use SendoffTest::SignedIn ();

our @EXPORT = qw(sign_in_account sign_in_text login logout by_issuer stored is_stored is_not_stored last_page objects
	file_mode %here %away);

# A display on this machine; somebody who sits elsewhere.
our %here = (DISPLAY => ':77');
our %away = (SSH_CONNECTION => '192.0.2.1 5 192.0.2.2 22', DISPLAY => ':77');

# Its section of a configuration.
sub sign_in_text
{
	my ($name, $server, %key) = @_;
	my %all = (host => 'localhost', port => 1, user => 'me@example.com', from => 'me@example.com',
		tls_ca_file => '{ca}', oauth_client_id => 'test-client', oauth_scope => 'mail.send',
		oauth_auth_url => $server->url('authorize'), oauth_token_url => $server->url('token'),
		oauth_device_url => $server->url('device'), %key);

	delete $all{$_} for grep { !defined $all{$_} } keys %all;
	return "[account $name]\n" . join '', map { "$_ = $all{$_}\n" } sort keys %all;
}

sub sign_in_account { return config(sign_in_text('work', @_)) }

# The keys of one whose servers are discovered.
sub by_issuer { return ((map { ("oauth_${_}_url" => undef) } qw(auth token device)), oauth_issuer => $_[0]->issuer) }

sub run_login
{
	my ($config, @args) = @_;
	my %o = ref $args[-1] ? %{ pop @args } : ();

	return run_sendoff([ '-C', $config, @args ], timeout => 60, %o);
}

sub login { my ($config, @args) = @_; return run_login($config, 'login', @args) }
sub logout { my ($config, @args) = @_; return run_login($config, 'logout', 'work', @args) }

# Files that hold a token, or what stands in place of one; locks are empty.
sub stored { return grep { -s || -l || -d } glob SendoffTest::SignedIn::token_directory() . '/*' }

sub file_mode
{
	my @stat = stat($_[0] // '/nonexistent');

	return @stat ? $stat[2] & 07777 : undef;
}

# What stands in the place for tokens is one, and only its owner can read it.
sub is_stored
{
	my ($name) = @_;
	my $directory = SendoffTest::SignedIn::token_directory();
	my @files = stored();

	is_deeply(\@files, [ "$directory/work" ], "$name: the token is stored");
	is(file_mode($files[0]), 0600, "$name: for its owner alone");
	is(file_mode($directory), 0700, "$name: in a directory of its own");
	return;
}

sub is_not_stored
{
	my ($name) = @_;

	is_deeply([ stored() ], [], "$name: nothing is stored");
	return;
}

# What the browser was shown in the end.
sub last_page
{
	my ($server) = @_;
	my ($page) = wait_until(sub { ($server->pages)[0] });

	return $page ? $page->{body} : 'no page';
}

sub objects { return map { JSON::PP->new->decode($_) } split /\n/, $_[0] }

1;
