#!/usr/bin/perl
# The system's runner with an account that signs in by OAuth: the token is where only its user
# reads it, is renewed there, and what waits for a sign-in goes as soon as there is one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Runner;
use SendoffTest::SignedIn;
use SendoffTest::Token;

my $machine = SendoffTest::Runner->namespace;

my $place = '/var/lib/sendoff';
my $tokens = token_server();
my $server = server_start(tls => 'starttls', user => 'me@example.com', tokens => $tokens->tokens, require_login => 1);
my %oauth = oauth($tokens);
my $keys = join '', map { defined $oauth{$_} ? "$_ = $oauth{$_}\n" : '' } sort keys %oauth;
my $runner = runner_start(<<"END", server => $server);
[sendoff]
domain = machine.example.test
log = stderr
retry = 30s 5m

[account work]
host = localhost
port = {port}
tls_ca_file = {ca}
from = me\@example.com
$keys
END
my ($uid, $gid) = (getpwnam 'sendoff')[2, 3];

# As root signs in for it.
sub sign_in
{
	signed_in($tokens, 'work', directory => $place, @_);
	chown $uid, $gid, "$place/work" or die "chown: $!\n";
	return;
}

sub hand_in
{
	my $r = $runner->as_user('alice', ['sendmail', 'you@example.net'], stdin => "hi\n");
	is($r->{exit} . $r->{err}, '0', 'handed in');
	return;
}

hand_in();
ok(wait_until(sub { $runner->said =~ /login-needed/ }, 15), 'nobody has signed in: told in the log') or diag($runner->said);
is(scalar(grep { /^AUTH/ } $server->commands), 0, 'C9: no login was tried');
my $r = $runner->as_user('alice', ['mailq']);
like($r->{out}, qr/not signed in/, 'mailq says why') or diag($r->{out});
is((stat $place)[2] & 07777, 0700, 'F1: the directory of tokens is its user\'s');
is((stat _)[4], $uid, '... alone');

hand_in();
sign_in();
ok(wait_until(sub { $server->stored == 2 }, 10), 'a sign-in sends what waits, at once') or diag($runner->said);
is_deeply([ grep { !/^authorization_code/ } $tokens->asked ], [], '... with the token that it has brought');

# An hour later.
sign_in(obtained => time - 3600, expires => time + 20);
hand_in();
ok(wait_until(sub { $server->stored == 3 }, 15), 'with an old token too') or diag($runner->said);
is_deeply([ grep { !/^authorization_code/ } $tokens->asked ], ['refresh_token 200'], '... which was renewed');
my $token = token_stored('work', $place);
cmp_ok($token->{expires} - time, '>', 3000, 'the new one is kept');
is(join(' ', (stat "$place/work")[4, 5], sprintf '%04o', (stat _)[2] & 07777), "$uid $gid 0600", 'F1: ... for the runner alone');
my $cat = $runner->as_user('alice', ['cat', "$place/work"]);
isnt($cat->{exit}, 0, 'F1: no other user reads it');
is(scalar(() = $runner->said =~ /read again/g), 0, 'a token that is renewed is no other configuration');

$tokens->forget;
hand_in();
ok(wait_until(sub { $server->stored == 4 }, 15), 'one that the server refuses is renewed as well') or diag($runner->said);

# Root looks at it as that user.
$r = $machine->as_root(['sendoff', 'check', 'work']);
is($r->{exit}, 0, 'root checks it') or diag($r->{out} . $r->{err});
like($r->{out}, qr/the access token that is stored/, '... by the same token');
is((stat "$place/work")[4], $uid, '... which stays the runner\'s');

$runner->stop;
$_->stop for $server, $tokens;
done_testing;
