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

# All that runs as that user.
sub processes_of
{
	my ($user) = @_;
	my @pids;

	for my $directory (glob '/proc/[0-9]*') {
		my @stat = stat $directory or next;
		open my $status, '<', "$directory/status" or next;
		my ($whose) = map { /^Uid:\s+(\d+)/ ? $1 : () } <$status>;
		push @pids, $directory =~ s{.*/}{}r if defined $whose && $whose == $user;
	}
	return @pids;
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

$_->stop for $server, $tokens;

# Stopped while the provider is telling it a new refresh token, all that it has started is told
# so as well, and what it leaves behind is killed, as systemd does: the answer is heard to its end,
# and comes into a keyring where there is one.
my $kept = "$place/keyring.store";
SendoffTest::Secrets::own($kept);
for my $how ('the supervisor', 'each process', 'one with a keyring') {
	my $in_keyring = $how =~ /keyring/;
	my $slow = token_server(at => ['token:2 keep delay 2000']);
	my $mail = server_start(tls => 'starttls', user => 'me@example.com', tokens => $slow->tokens, require_login => 1);
	my %keys = (oauth($slow), !$in_keyring ? () : (oauth_load_command => "cat $kept",
		oauth_save_command => "sleep 2; umask 077; cat >$kept"));
	$runner->configure(<<"END", server => $mail, restart => 1);
[sendoff]
domain = machine.example.test
log = stderr
retry = 30s 5m

[account work]
host = localhost
port = {port}
tls_ca_file = {ca}
from = me\@example.com
@{[ join '', map { defined $keys{$_} ? "$_ = $keys{$_}\n" : '' } sort keys %keys ]}
END
	my $old = signed_in($slow, 'work', directory => $place, obtained => time - 3600, expires => time + 20);
	chown $uid, $gid, "$place/work" or die "chown: $!\n";
	hand_in();
	ok(wait_until(sub { grep { $_->{kind} eq 'REQUEST' && $_->{text} =~ /"refresh_token"/ } $slow->journal }, 15),
		"$how is told to stop while the provider answers") or diag($runner->said);
	if ($how eq 'each process') {
		kill 'TERM', $_ for grep { $_ != $runner->runner_pid } processes_of($uid);
	}
	ok($runner->hold, '... and is down') or diag($runner->said);
	ok(wait_until(sub { !processes_of($uid) }, 10), '... with all that it had started');
	my $new = token_stored('work', $place);
	if ($in_keyring) {
		is($new->{refresh_token}, '', '... the file has no secret');
		$new = JSON::PP::decode_json(-e $kept ? file_read($kept) : '{}');
	}
	isnt($new->{refresh_token} // $old->{refresh_token}, $old->{refresh_token} // '', '... and the new refresh token is kept');
	ok($runner->release, '... up again');
	hand_in();
	ok(wait_until(sub { $mail->stored }, 15), '... it sends') or diag($runner->said);
	is_deeply([ grep { /^refresh/ } $slow->asked ], ['refresh_token 200'], '... with what was kept');
	is_deeply([ $slow->violations ], [], '... and no refresh token was spent twice');
	$_->stop for $mail, $slow;
}

$runner->stop;

# A minute is what the supervisor gives the others before it kills them.
for my $unit ('sendoff.service', 'user/sendoff-queue.service') {
	my ($seconds) = file_read(SendoffTest::top() . "/cmd/systemd/$unit") =~ /^TimeoutStopSec=(\d+)s$/m;
	cmp_ok($seconds // 0, ">", 60, "$unit leaves it that long");
}
done_testing;
