#!/usr/bin/perl
# sendoff login for an account of the machine: root signs in, as the runner's user, and nobody
# else can see or do anything about it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use SendoffTest;
use SendoffTest::Runner;
use SendoffTest::Token;

my $machine = SendoffTest::Runner->namespace;
my $uid = $machine->mail_uid;
my $server = token_server(polls => 'granted');

$machine->configure(<<'END', map { $_ => $server->url($_) } qw(authorize token device));
[account alerts]
host = localhost
user = me@example.com
from = me@example.com
tls_ca_file = {ca}
oauth_client_id = test-client
oauth_scope = mail.send
oauth_auth_url = {authorize}
oauth_token_url = {token}
oauth_device_url = {device}
END

sub stored { return sort grep { -s } glob '/var/lib/sendoff/*' }

# ---- others

my $r = $machine->as_user('alice', [ 'sendoff', 'login', 'alerts' ]);
is($r->{exit}, 77, 'alice may not') or diag($r->{err});
like($r->{err}, qr/^  if it is the system's: sudo sendoff login alerts$/m, '... and is told who may');
chmod 0644, '/etc/sendoff/config';
chmod 0755, '/etc/sendoff';
for my $command ([ 'login' ], [ 'logout' ], [ 'login', '--status' ]) {
	my $r = $machine->as_user('alice', [ 'sendoff', @$command, 'alerts' ]);
	my $said = "$r->{out}$r->{err}";
	is($r->{exit}, 77, "alice may not: @$command") or diag($said);
	like($said =~ s/\s+/ /gr, qr/account 'alerts' is the system's .*root signs in for it: sudo sendoff @$command alerts/,
		'... and is told the command');
}
chmod 0640, '/etc/sendoff/config';
chmod 0750, '/etc/sendoff';
is(scalar $server->requests, 0, 'the provider has heard of none of it');
is_deeply([ glob '/mnt/*/home/alice/.local/state/sendoff/tokens' ], [], 'nor is there a place for tokens');

# ---- root

$r = $machine->as_root([ 'sendoff', 'login', 'alerts' ], env => { DISPLAY => ':77', BROWSER => $server->browser });
is($r->{exit}, 0, 'root signs in') or diag("$r->{out}$r->{err}");
like($r->{out}, qr/^and enter this code there:$/m, '... with no browser, whatever display there is');
is_deeply([ $server->pages ], [], '... indeed');
my ($file) = my @files = stored();
is(scalar @files, 1, 'there is one token');
my @stat = stat $file;
is($stat[2] & 07777, 0600, '... for its owner alone');
is_deeply([ @stat[4, 5] ], [ $uid, $uid ], '... who is user sendoff');
is_deeply([ glob '/mnt/*/home/root/.local/state/sendoff/tokens' ], [], 'nothing is in root\'s own place');
is_deeply([ $server->violations ], [], 'by the rules');

$r = $machine->as_root([ 'sendoff', '--json', 'login', '--status' ]);
is($r->{exit}, 0, 'root sees it') or diag($r->{err});
is(JSON::PP->new->decode($r->{out})->{state}, 'signed-in', '... as it is');
$r = $machine->as_user('alice', [ 'cat', $file ], tells => 1);
isnt($r->{exit}, 0, 'alice cannot read it');

# The code flow never needs root's rights: the address is shown, or pasted.
$r = $machine->as_root([ 'sendoff', 'login', 'alerts', '--flow', 'paste' ], stdin => "nonsense\n");
is($r->{exit}, 78, 'what is no address') or diag($r->{err});
is(scalar(() = stored()), 1, '... leaves what is there');

$r = $machine->as_root([ 'sendoff', 'logout', 'alerts' ]);
is($r->{exit}, 0, 'root signs out') or diag($r->{err});
is_deeply([ stored() ], [], 'it is gone');
$r = $machine->as_root([ 'sendoff', 'login', '--status', 'alerts' ]);
is($r->{exit}, 78, 'root sees that as well') or diag($r->{out});
like($r->{out}, qr/^ +next +sign in: sudo sendoff login alerts$/m, '... and what to do');

done_testing;
