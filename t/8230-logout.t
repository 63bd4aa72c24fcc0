#!/usr/bin/perl
# sendoff logout, and a new sign-in, where what is stored cannot be used: it is told what that
# means, it goes, and nothing but a person's word makes it go.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Login;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Token;

my $directory = token_directory();
my $file = "$directory/work";
my $newer = qq({\n\t"version": 3,\n\t"vault": "later releases know"\n}\n);
my $connected = qr/end what was granted on the provider's page of connected apps/;

sub sign_in { my ($server) = @_; unlink $file, "$directory/../second"; return signed_in($server, 'work') }

# In place of the file.
my %damage = (
	'damaged' => [ sub { file_write($file, "{\"version\": 1, rubbish", 0600) }, qr/it is damaged at octet \d+/ ],
	'empty' => [ sub { file_write($file, '', 0600) }, qr/it is damaged at octet 1/ ],
	'of a newer version' => [ sub { file_write($file, $newer, 0600) }, qr/it is of version 3, which is not known here/ ],
	'readable by others' => [ sub { chmod 0644, $file }, qr/can be read by|mode/ ],
	'a link' => [ sub { rename $file, "$directory/../elsewhere"; symlink '../elsewhere', $file }, qr/cannot open/ ],
	'with a second name' => [ sub { link $file, "$directory/../second" }, qr/it has other names/ ],
);

for my $name (sort keys %damage) {
	my ($do, $words) = @{ $damage{$name} };
	my $server = token_server();
	my $config = sign_in_account($server, by_issuer($server));

	sign_in($server);
	$do->();
	my $r = logout($config);
	is($r->{exit}, 0, "$name: signed out") or diag($r->{err});
	is($r->{out}, "signed out: the token of 'work' is gone\n", "$name: it is told");
	like($r->{err}, qr/^sendoff: the provider was not told: the token of the account cannot be used: .*$words.*\n  next: $connected/,
		"$name: ... and that the provider does not know of it");
	ok(!-e $file && !-l $file, "$name: it is gone");
	is(scalar $server->requests('revoke'), 0, "$name: nothing was said to the provider");
	sign_in($server);
	$do->();
	my ($o) = objects(run_sendoff([ '-C', $config, '--json', 'logout', 'work' ])->{out});
	is_deeply([ @$o{qw(event account)}, $o->{revoked} ? 1 : 0 ], [ 'signed-out', 'work', 0 ], "$name: as JSON");
	like($o->{trouble}, $words, "$name: ... with what is wrong");
	like($o->{next}, $connected, "$name: ... and what to do");
	$server->stop;
}
unlink "$directory/../elsewhere", "$directory/../second";

# Where the link led and what the second name held is not ours to remove.
{
	my $server = token_server();
	sign_in($server);
	file_write("$directory/../kept", "kept\n", 0600);
	unlink $file;
	symlink '../kept', $file;
	logout(sign_in_account($server));
	is(file_read("$directory/../kept"), "kept\n", 'a link: what it leads to stays');
	$server->stop;
}

SKIP: {
	skip 'needs root, to have what belongs to another', 8 if $>;
	my $server = token_server();
	my $config = sign_in_account($server, by_issuer($server));
	sign_in($server);
	chown 54321, 54321, $file;
	my $before = file_read($file);
	for my $json (0, 1) {
		my $r = run_sendoff([ '-C', $config, $json ? '--json' : (), 'logout', 'work' ]);
		is($r->{exit}, 77, 'of another user: exit') or diag($r->{err});
		like($r->{err}, qr/^sendoff: .*belongs to another user \(uid 54321\), and is left where it is$/m, '... told');
		is(file_read($file), $before, '... and left');
	}
	my $r = login($config, { env => { %here, BROWSER => $server->browser } });
	is($r->{exit}, 0, '... a sign-in has it replaced') or diag($r->{err});
	like($r->{out} =~ s/\s+/ /gr, qr/What was stored before is replaced: .*belongs to/, '... and says so');
	$server->stop;
}

# ---- what a later release has written

{
	my $server = token_server();
	my $mail = server_start(tls => 'starttls', user => 'me@example.com', tokens => $server->tokens);
	my $config = sign_in_account($server, port => $mail->port, tls => 'starttls');

	sign_in($server);
	file_write($file, $newer, 0600);
	my @stat = stat $file;
	my $r = run_sendoff([ '-C', $config, 'send', '--no-queue', 'you@example.net' ], stdin => letter());
	is($r->{exit}, 78, 'newer: no mail goes by it') or diag($r->{err});
	($r) = run_sendoff([ '-C', $config, '--json', 'send', '--no-queue', 'you@example.net' ], stdin => letter());
	like($r->{out}, qr/"token-file-unusable"/, 'newer: its cause');
	$r = run_sendoff([ '-C', $config, 'send', '--no-queue', 'you@example.net' ], stdin => letter());
	like($r->{err}, qr/it is of version 3, which is not known here/, 'newer: told');
	$r = login($config, '--status');
	is($r->{exit}, 78, 'newer: so does the status');
	like($r->{out} =~ s/\s+/ /gr, qr/it is of version 3, which is not known here/, 'newer: ... tell');
	is(file_read($file), $newer, 'newer: and nobody has touched it');
	is_deeply([ (stat $file)[1, 9] ], [ @stat[1, 9] ], 'newer: ... at all');
	is(scalar $server->requests('token'), 1, 'newer: ... nor asked for another');
	$r = login($config, '--flow', 'paste', { env => \%away, stdin => "nonsense\n" });
	is(file_read($file), $newer, 'newer: nor has a sign-in that came to nothing');
	my ($step, $o) = objects(run_sendoff([ '-C', $config, '--json', 'login', '--flow', 'device' ], env => \%away,
		timeout => 60)->{out});
	is($o->{event}, 'signed-in', 'newer: a sign-in replaces it');
	ok((grep { /^What was stored before is replaced: .*it is of version 3/ } @{ $o->{notes} }), 'newer: ... and says so');
	is(run_sendoff([ '-C', $config, 'send', '--no-queue', 'you@example.net' ], stdin => letter())->{exit}, 0,
		'newer: and mail goes');
	$_->stop for $server, $mail;
}

# ---- where nobody signs in, and so nobody's sign-in replaces it

{
	my $server = token_server(client_secret => 'geheimnis');
	my $mail = server_start(tls => 'starttls', user => 'me@example.com', tokens => $server->tokens);
	my $config = sign_in_account($server, port => $mail->port, tls => 'starttls', oauth_flow => 'client',
		oauth_client_secret => 'geheimnis', oauth_device_url => undef);
	my $next = qr/have it removed, and another token is got by itself: sendoff logout work/;

	file_write($file, $newer, 0600);
	my $r = run_sendoff([ '-C', $config, 'send', '--no-queue', 'you@example.net' ], stdin => letter());
	is($r->{exit}, 78, 'nobody signs in: no mail goes') or diag($r->{err});
	like($r->{err}, $next, '... and what to do');
	is(file_read($file), $newer, '... and it is left');
	$r = login($config, '--status');
	is($r->{exit}, 78, '... the status');
	like($r->{out} =~ s/\s+/ /gr, qr/version 3, which is not known here.*$next/, '... says so too');
	is(logout($config)->{exit}, 0, '... removed');
	$r = run_sendoff([ '-C', $config, 'send', '--no-queue', 'you@example.net' ], stdin => letter());
	is($r->{exit}, 0, '... and mail goes') or diag($r->{err});
	$_->stop for $server, $mail;
}

# ---- where the end of it is told

{
	my $server = token_server();
	my $config = sign_in_account($server, oauth_revoke_url => $server->url('revoke'));

	sign_in($server);
	my $r = logout($config);
	is($r->{exit} . $r->{err}, '0', 'oauth_revoke_url: signed out');
	is((grep { $_->{endpoint} eq 'revoke' && $_->{status} == 200 } $server->requests), 1, '... the provider was told, once');
	is_not_stored('oauth_revoke_url');
	sign_in($server);
	my ($o) = objects(run_sendoff([ '-C', $config, '--json', 'logout' ])->{out});
	is_deeply([ sort keys %$o ], [ qw(account event revoked) ], '... as JSON');
	ok($o->{revoked}, '... indeed');
	$server->stop;
}

{
	my $server = token_server();

	sign_in($server);
	my $r = logout(sign_in_account($server));
	is($r->{exit}, 0, 'by URLs alone: signed out');
	like($r->{err}, qr/^sendoff: no address is known where the provider is told .*\(oauth_revoke_url\)\n  next: $connected/,
		'... with the key that would help');
	is_not_stored('by URLs alone');
	$server->stop;
}

{
	my $server = token_server(at => [ 'revoke status 503' ]);
	my $config = sign_in_account($server, oauth_revoke_url => $server->url('revoke'));

	sign_in($server);
	my $r = logout($config);
	is($r->{exit}, 0, 'a provider in trouble: signed out');
	like($r->{err}, qr/^sendoff: the provider was not told: .*503\n  next: $connected/, '... and it is told');
	is_not_stored('a provider in trouble');
	$server->stop;
}

# The provider's own page, where that is known.
for my $case ([ google => 'https://myaccount.google.com/connections', 'oauth_client_secret = geheimnis' ],
	[ outlook => 'https://account.live.com/consent/Manage', '' ]) {
	my ($provider, $page, $more) = @$case;

	file_write($file, 'rubbish', 0600);
	my $r = logout(config("[account work]\nhost = localhost\nuser = me\@example.com\noauth_provider = $provider\n" .
		"oauth_client_id = 1234\n$more\n"));
	is($r->{exit}, 0, "$provider: signed out") or diag($r->{err});
	like($r->{err}, qr/^  next: end what was granted on \S+'s page of connected apps, \Q$page\E$/m, "$provider: where it ends");
}

done_testing;
