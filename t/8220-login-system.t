#!/usr/bin/perl
# sendoff login for an account of the machine: root signs in, as the runner's user, and nobody
# else can see or do anything about it.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use SendoffTest;
use SendoffTest::Login qw(%away sign_in_text);
use SendoffTest::Runner;
use SendoffTest::Token;

my $machine = SendoffTest::Runner->namespace;
my $uid = $machine->mail_uid;
my $server = token_server(polls => 'granted');

$machine->configure(sign_in_text('alerts', $server));

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

# ---- the machine's passwords, which the runner's user reads and nobody else

$machine->configure(<<'END');
[account alerts]
host = localhost
user = me@example.com
from = me@example.com
password_file = /etc/sendoff/password
END
SendoffTest::Secrets::known('geheim-9911');
SendoffTest::Secrets::own('/etc/sendoff/password');
$r = $machine->as_user('alice', [ 'sendoff', 'login', 'alerts' ], stdin => "geheim-9911\n");
is($r->{exit}, 77, 'a password: alice may not') or diag($r->{err});
ok(!-e '/etc/sendoff/password', '... and nothing is stored');
$r = $machine->as_root([ 'sendoff', 'login', 'alerts' ], stdin => "geheim-9911\n");
is($r->{exit}, 0, 'root stores it') or diag($r->{err});
@stat = stat '/etc/sendoff/password';
is($stat[2] & 07777, 0640, '... for a group to read');
is_deeply([ @stat[4, 5] ], [ 0, scalar getgrnam('sendoff') ], '... which is sendoff\'s');
is(file_read('/etc/sendoff/password'), "geheim-9911\n", '... as it was given');
$r = $machine->as_user('alice', [ 'sendoff', 'logout', 'alerts' ]);
is($r->{exit}, 77, 'alice may not remove it');
$r = $machine->as_root([ 'sendoff', 'logout', 'alerts' ]);
is($r->{exit}, 0, 'root removes it') or diag($r->{err});
ok(!-e '/etc/sendoff/password', '... indeed');

# ---- root's own accounts, with the environment of whoever has called sudo

my ($alice) = glob '/mnt/*/home/alice';
my $roots = (getpwuid 0)[7];
my $own = config(sign_in_text('own', $server));

sub below { my ($directory) = @_; return grep { -f } split /\n/, `find $directory -path '*sendoff*' 2>/dev/null` }

mkdir "$alice/state", 0700;
chown +(stat $alice)[4, 5], "$alice/state";
system('mount', '-t', 'tmpfs', '-o', 'mode=700', 'none', $roots) == 0 or die "mount: $!\n";
for my $case ([ 'HOME of alice', HOME => $alice ], [ 'XDG_STATE_HOME of alice', HOME => $roots, XDG_STATE_HOME => "$alice/state" ],
	[ 'XDG_STATE_HOME that would be made at alice\'s', HOME => $roots, XDG_STATE_HOME => "$alice/.own/state" ],
	[ 'both', HOME => $alice, XDG_STATE_HOME => "$alice/.state" ]) {
	my ($name, %env) = @$case;
	my $r = $machine->as_root([ 'sendoff', '-C', $own, 'login', 'own' ], env => { %away, %env, SUDO_USER => 'alice' });

	is($r->{exit}, 0, "$name: root signs in") or diag("$r->{out}$r->{err}");
	ok(-s "$roots/.local/state/sendoff/tokens/own", "$name: the token is root's own");
	is_deeply([ below($alice) ], [], "$name: nothing is left at alice's");
	ok(!-e $_, "$name: nor is $_ made") for "$alice/.own", "$alice/.state";
	$r = $machine->as_root([ 'sendoff', '-C', $own, 'logout', 'own' ], env => \%env);
	is($r->{out}, "signed out: the token of 'own' is gone\n", "$name: and found again") or diag($r->{err});
}
# Her own serves her, made or not.
my $ca = file_write("$alice/ca.pem", file_read(cert('ca')), 0644);
my $hers = file_write("$alice/config", file_read($own) =~ s/^tls_ca_file = .*/tls_ca_file = $ca/mr, 0600);
chown +(stat $alice)[4, 5], $ca, $hers;
for my $place ("$alice/state", "$alice/.own/state") {
	my $r = $machine->as_user('alice', [ 'sendoff', '-C', $hers, 'login', 'own' ],
		env => { %away, XDG_STATE_HOME => $place });
	is($r->{exit}, 0, 'alice signs in with her own XDG_STATE_HOME') or diag("$r->{out}$r->{err}");
	is((stat "$place/sendoff/tokens/own")[4], (stat $alice)[4], '... and the token is there');
}
my $r2 = $machine->as_user('alice', [ 'sendoff', '-C', $hers, 'login', 'own' ],
	env => { %away, HOME => $alice =~ s/alice\z/bob/r, XDG_STATE_HOME => $alice =~ s/alice\z/bob/r });
is($r2->{exit}, 0, 'alice signs in with the environment of bob') or diag("$r2->{out}$r2->{err}");
ok(-s "$alice/.local/state/sendoff/tokens/own", '... and the token is at home');

done_testing;
