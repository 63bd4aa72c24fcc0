#!/usr/bin/perl
# An account that signs in by OAuth, as it stands in a file: what goes together and what does
# not, what is shown of it, and what is said before anybody tries.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(decode_json);
use SendoffTest;
use SendoffTest::Send;

# A machine may have no roots of its own.
my $roots = 'tls_ca_file = ' . cert('ca') . "\n";
my $start = "[account work]\nhost = smtp.example.test\nuser = me\@example.test\n$roots";
my $urls = "oauth_auth_url = https://id.example.test/auth\noauth_token_url = https://id.example.test/token\n" .
	"oauth_client_id = my-app\noauth_scope = mail\n";

sub show
{
	my ($text) = @_;
	my $r = run_sendoff(['-C', config($text), '--json', 'config', 'show', 'work']);
	is($r->{exit}, 0, 'config show') or diag("$text\n$r->{err}");
	return { map { my $s = decode_json($_); ($s->{key} => $s->{value}) } split /\n/, $r->{out} };
}

sub check { return run_sendoff(['-C', config($_[0]), 'config', 'check']) }

subtest 'shown' => sub {
	my $s = show("$start${urls}oauth_client_secret = not to be seen\n");

	is_deeply([ @$s{qw(oauth_client_id oauth_token_url oauth_flow)} ],
		[ 'my-app', 'https://id.example.test/token', 'auto' ], 'what was set, and the default');
	is($s->{oauth_client_secret}, '***', 'D9: not the secret');
	is(check("$start$urls")->{out} =~ s/\S*config\d*/FILE/r, "FILE: ok, 1 account\n", 'nothing is wrong with it');
};

subtest 'the file is as secret as what is in it' => sub {
	my $config = config("$start${urls}oauth_client_secret = not to be seen\n");

	chmod 0644, $config;
	my $r = run_sendoff(['-C', $config, 'config', 'check']);
	is($r->{exit}, 78, 'D10: a secret that others can read');
	like($r->{err}, qr/can be read by/, '... said so') or diag($r->{err});
};

my @wrong = (
	['a password beside it', "${urls}password = geheim1\n",
		qr/account 'work': oauth_client_id \(line 7\) and password \(line 9\) are both set/, qr/keep one of them/],
	['a command beside it', "${urls}password_command = pass show work\n",
		qr/oauth_client_id \(line 7\) and password_command \(line 9\) are both set/, qr/keep one of them/],
	['mechanisms that take no token', "${urls}auth = plain, scram-sha-256\n",
		qr/auth names no login that takes an access token, and oauth_client_id is set/, qr/leave auth out/],
	['a server that is not looked at', "${urls}tls_verify = no\n",
		qr/tls_verify = no together with an access token would give it to anyone/, qr/tls_pin/],
	['an unknown provider', "oauth_provider = gogle\noauth_client_id = x\n", qr/gogle/, qr/did you mean 'google'/],
	['a token in clear', "${urls}oauth_token_url = http://id.example.test/token\n" =~ s/^oauth_token_url = https.*\n//mr,
		qr/oauth_token_url: tokens go over https only/, qr{https://}],
);
for my $case (@wrong) {
	my ($name, $text, $why, $next) = @$case;
	my $r = check("$start$text");

	is($r->{exit}, 78, "$name: 78") or diag($r->{out});
	like($r->{err}, $why, '... why');
	like($r->{err}, qr/\n  .*$next/, '... and what to do');
}

my $r = check("[account work]\nhost = smtp.example.test\n$urls");
is($r->{exit}, 78, 'nobody to sign in: 78');
like($r->{err}, qr/oauth_client_id is set but no user\n.*add the key user/, '... said so');

for my $auth ('oauthbearer', 'xoauth2', 'plain, xoauth2', 'auto') {
	is(check("$start${urls}auth = $auth\n")->{exit}, 0, "auth = $auth goes with it");
}
is(check("$start${urls}auth = none\n")->{exit}, 0, 'so does no login');

subtest 'what is missing' => sub {
	my $r = run_sendoff(['-C', config("${start}oauth_provider = google\n"), 'config', 'check']);

	is($r->{exit}, 0, 'it may come later');
	like($r->{out}, qr/^account work: warning: oauth_client_id is missing/m, 'the client id is missing');
	$r = run_sendoff(['-C', config("${start}oauth_provider = google\n"), '--json', 'config', 'check']);
	my ($warning) = grep { $_->{result} eq 'warning' } map { decode_json($_) } split /\n/, $r->{out};
	is($warning->{account}, 'work', '... as JSON');
	like($warning->{text}, qr/client_id/, '... too');
};

subtest 'neither a password nor a client' => sub {
	my $config = config("[account work]\nprovider = google\nfrom = me\@gmail.com\n");
	my $both = qr/password_command.*sendoff login work/;
	my $r = run_sendoff(['-C', $config, 'config', 'check']);

	is($r->{exit}, 0, 'it may come later');
	like($r->{out}, qr/^account work: warning: there is a login but no password\n  .*$both/m, 'config check: both ways');
	$r = send_mail($config, ['--json', 'send', '--no-queue', 'a@b.test']);
	is($r->{exit}, 78, 'send: 78') or diag($r->{err});
	my $error = decode_json((split /\n/, $r->{out})[0])->{error};
	is($error->{cause}, 'login-without-means', '... the cause');
	like($error->{next}, $both, '... both ways');
	$r = run_sendoff(['-C', $config, 'check', '--timeout', '5'], timeout => 30);
	is($r->{exit}, 78, 'check: 78') or diag($r->{out});
	like($r->{out} =~ s/\s+/ /gr, $both, '... both ways') or diag($r->{out});
};

subtest 'its provider follows from that of the mail' => sub {
	my $r = check("[account work]\nprovider = google\nfrom = me\@gmail.com\n${roots}oauth_client_id = x\noauth_client_secret = yyyyyy\n");

	is($r->{exit}, 0, 'right');
	unlike($r->{out}, qr/warning/, '... and nothing is missing') or diag($r->{out});
	$r = check("[account work]\nprovider = google\nfrom = me\@gmail.com\noauth_client_id = x\n");
	like($r->{out}, qr/warning: oauth_client_secret is missing: Google/, 'Google wants a secret');
};

done_testing;
