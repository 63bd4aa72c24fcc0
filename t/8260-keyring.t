#!/usr/bin/perl
# Tokens in a keyring, by commands: the secrets are there and in no file, argument or
# environment; renewed ones come there, once for many processes; and what it does not take or
# does not give loses nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Keyring;
use SendoffTest::Login;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Spool;
use SendoffTest::Token;

my $directory = token_directory();
my @to = ('send', 'you@example.net');
my %old = (obtained => time - 3600, expires => time + 30);
my %patient = (tls => 'starttls', map { $_ => '60s' } qw(timeout connect_timeout final_timeout));

# Servers, a keyring, and the account between them, which has signed in by `sendoff login`; some
# fields of what is stored are changed then.
sub scene
{
	my (%o) = @_;
	my $tokens = token_server(%{ $o{tokens} // {} });
	my $mail = server_start(user => 'me@example.com', tokens => $tokens->tokens, tls => 'starttls', require_login => 1);
	my $keyring = SendoffTest::Keyring->new;
	my $config = account($mail, oauth($tokens), %patient, $keyring->keys, %{ $o{account} // {} });

	queue_empty();
	unlink glob queue_dir() . '/accounts/*';
	unlink glob "$directory/*";
	if (!$o{nobody}) {
		my $r = login($config, { env => { %here, BROWSER => $tokens->browser } });
		is($r->{exit}, 0, 'signed in') or diag("$r->{out}$r->{err}");
		token_change_kept($keyring, %{ $o{token} }) if $o{token};
		$keyring->forget_runs;
	}
	return ($tokens, $mail, $keyring, $config);
}

# The file and what is in the keyring; the file has three names more.
sub token_change_kept
{
	my ($keyring, %o) = @_;

	for my $path ("$directory/test", $keyring->{store}) {
		my $text = file_read($path);
		$text =~ s/"$_": [^,\n]+/"$_": $o{$_}/ for keys %o;
		file_write($path, $text, 0600);
	}
	return;
}

sub refreshes { return grep { !/^authorization_code/ } $_[0]->asked }
sub is_without_secrets
{
	my ($name) = @_;
	my $text = file_read("$directory/test");

	is_deeply([ SendoffTest::Secrets::found($text) ], [], "D9: $name: no secret is in the file");
	like($text, qr/"version": 2,\n\t"access_token": "",\n\t"refresh_token": ""/, "$name: it says so");
	is(file_mode("$directory/test"), 0600, "$name: its mode");
	return;
}

subtest 'signed in, sent, signed out' => sub {
	my ($tokens, $mail, $keyring, $config) = scene(nobody => 1);
	my $r = login($config, { env => { %here, BROWSER => $tokens->browser } });

	is($r->{exit}, 0, 'signed in') or diag("$r->{out}$r->{err}");
	is_deeply([ $keyring->runs ], [ 'forget', 'save', 'load' ],
		'the keyring is tried before, and asked for what it was given');
	like($keyring->text, qr/\A\{\n\t"version": 1,\n\t"access_token": "[^"]+",\n\t"refresh_token": "[^"]+"/,
		'it has been given the whole token on its standard input');
	is_without_secrets('signed in');
	my $stored = token_stored('test');
	is(length $stored->{$_}, 64, "the file has a digest: $_") for qw(keyring_access keyring_refresh);
	is_deeply([ grep { $_ > 2 && $_ < 10 } $keyring->descriptors ], [], 'the command has no descriptor of ours');
	my $seen = $keyring->seen;
	like($seen, qr/^PATH=/m, 'what the command was called with is known');
	is_deeply([ SendoffTest::Secrets::found($seen) ], [], 'D9: no secret is in its arguments or its environment');

	$keyring->forget_runs;
	$r = send_mail($config, \@to);
	is($r->{exit} . $r->{err}, '0', 'sent');
	is($mail->stored, 1, '... by that token');
	is_deeply([ $keyring->runs ], ['load'], '... which was got once');

	$r = login($config, '--status');
	is($r->{exit}, 0, 'status') or diag($r->{err});
	like($r->{out}, qr/access +until .*\n.*refresh +there is a refresh token.*\n(?:.*\n)*.*kept +in a keyring/, '... where it is');
	my ($o) = objects(run_sendoff([ '-C', $config, '--json', 'login', '--status', 'test' ])->{out});
	ok($o->{keyring} && $o->{fresh} && $o->{refresh_token}, '... and as JSON');

	$r = run_sendoff([ '-C', $config, 'check', 'test' ], timeout => 60);
	is($r->{exit}, 0, 'check') or diag($r->{out} . $r->{err});
	like($r->{out}, qr/kept in a keyring/, '... where it is');
	like($r->{out}, qr/signed in .* ago/, '... with what the file says');

	$keyring->forget_runs;
	$r = run_sendoff([ '-C', $config, 'logout', 'test' ]);
	is($r->{exit}, 0, 'signed out') or diag($r->{err});
	is_deeply([ $keyring->runs ], [ 'load', 'forget' ], 'the keyring is told to forget it, by an empty input');
	is($keyring->text, '', '... and has nothing');
	ok(!-e "$directory/test", 'nor is there a file');
	$r = send_mail($config, \@to);
	is(scalar queued(), 1, 'then it takes a sign-in');
	like($r->{err}, qr/is not signed in/, '... and says so');
};

subtest 'ten renew it at once' => sub {
	my ($tokens, $mail, $keyring, $config) = scene(tokens => { at => ['token:2 delay 300'] }, token => \%old);
	my $before = $keyring->token;
	my @runs = finish_all(map { send_mail_start($config, undef, timeout => 90,
		stdin => letter("$_\n", 'Message-ID' => "<$_\@crowd>")) } 1 .. 10);

	is(scalar(grep { $_->{exit} == 0 } @runs), 10, 'all have sent') or diag(map { $_->{err} } @runs);
	is($mail->stored, 10, 'B1: each message is there once');
	is_deeply([ refreshes($tokens) ], ['refresh_token 200'], 'one new token was asked for');
	is(scalar(grep { $_ eq 'save' } $keyring->runs), 1, 'and stored once');
	isnt($keyring->token->{refresh_token}, $before->{refresh_token}, 'the rotated one is in the keyring');
	is_without_secrets('renewed');
	is_deeply([ $mail->violations, $tokens->violations ], [], 'by the rules');
	is_deeply([ SendoffTest::Secrets::found($keyring->seen) ], [], 'D9: nobody can see it');
};

subtest 'a mail server refuses the token' => sub {
	my ($tokens, $mail, $keyring, $config) = scene();

	$tokens->forget;
	my $r = send_mail($config, \@to);
	is($r->{exit} . $r->{err}, '0', 'sent, by another one');
	is_deeply([ refreshes($tokens) ], ['refresh_token 200'], '... which was asked for once');
	is_without_secrets('another one');
};

subtest 'the keyring does not take a new token' => sub {
	my ($tokens, $mail, $keyring, $config) = scene(token => \%old);
	my $before = $keyring->token;

	$keyring->mood(save => 'cat >/dev/null; exit 3');
	my $r = send_mail($config, \@to);
	is($r->{exit} . $r->{err}, '0', 'mail goes all the same') or diag($r->{err});
	my $stored = token_stored('test');
	isnt($stored->{refresh_token}, '', 'what cannot be got again is in the file');
	isnt($stored->{refresh_token}, $before->{refresh_token}, '... which is the new one');
	is(file_mode("$directory/test"), 0600, '... for its owner alone');
	is($stored->{keyring_trouble}, 'oauth_save_command failed: exit status 3', '... with the reason');
	$r = login($config, '--status');
	like($r->{out} =~ s/\s+/ /gr, qr/kept in the file, for the keyring has not taken it: oauth_save_command failed: exit status 3/,
		'... status tells it');
	$r = run_sendoff([ '-C', $config, 'check', 'test' ], timeout => 60);
	like($r->{out} =~ s/\s+/ /gr, qr/kept in a file, for the keyring has not taken it: oauth_save_command failed: exit status 3/,
		'... and check');
	$r = send_mail($config, \@to);
	is($r->{exit} . $r->{err}, '0', 'the next one is sent by it');
	is_deeply([ refreshes($tokens) ], ['refresh_token 200'], '... as it is');

	$keyring->mood(save => undef);
	$tokens->forget;
	$r = send_mail($config, \@to);
	is($r->{exit} . $r->{err}, '0', 'renewed when the keyring is open again');
	is_deeply([ refreshes($tokens) ], [ ('refresh_token 200') x 2 ], '... by the one of the file');
	is_without_secrets('open again');
	is_deeply([ $tokens->violations ], [], 'no refresh token was spent twice');
};

# The lines of a log with a warning.
sub warned
{
	my ($log) = @_;
	my $text = -e $log ? file_read($log) : '';

	is_deeply([ SendoffTest::Secrets::found($text) ], [], 'D9: no secret is in the log');
	return grep { /\bwarning="/ } split /\n/, $text;
}

subtest 'the log says that the keyring does not take it' => sub {
	my $log = workdir() . '/log';
	my ($tokens, $mail, $keyring, $config) = scene(token => \%old, account => { global => { log => $log } });
	my $kept = 'warning="the new token is kept in the file, for the keyring has not taken it: oauth_save_command failed: exit status 3"';

	$keyring->mood(save => 'cat >/dev/null; exit 3');
	my $r = send_mail($config, undef);
	is($r->{exit} . $r->{err}, '0', 'sent at once');
	my @lines = warned($log);
	is(scalar @lines, 1, '... one record');
	like($lines[0] // '', qr/ outcome=delivered exit=0 account=test .*\Q$kept\E/, '... that of the message');
	my ($o) = objects(send_mail($config, [ '--json', 'send', 'you@example.net' ])->{out});
	ok(!exists $o->{warning}, 'as long as it serves nothing more is said');

	# The next renewal tries the keyring again.
	$tokens->forget;
	($o) = objects(send_mail($config, [ '--json', 'send', 'you@example.net' ])->{out});
	like($o->{warning} // '', qr/\Athe new token is kept in the file, .*exit status 3\z/, 'as JSON, where another one is got');
	unlink $log;
	$tokens->forget;
	is(send_mail($config, [ 'send', '--queue', 'you@example.net' ])->{exit}, 0, 'queued') for 1, 2;
	is(run_sendoff([ '-C', $config, 'queue', 'flush' ], timeout => 60)->{exit}, 0, 'flushed');
	is($mail->stored, 5, '... sent');
	@lines = warned($log);
	is(scalar @lines, 1, '... one record of both');
	like($lines[0] // '', qr/^\S+ outcome=warning account=test host=localhost \Q$kept\E$/, '... of its own');

	unlink $log;
	$keyring->mood(save => undef);
	$tokens->forget;
	is(send_mail($config, undef)->{exit}, 0, 'sent when the keyring is open again');
	is(scalar warned($log), 0, '... and nothing is said');
};

subtest 'the keyring does not give it' => sub {
	my ($tokens, $mail, $keyring, $config) = scene();
	my $said = $keyring->text;
	my %mood = (
		'exit 1' => qr/oauth_load_command failed: exit status 1/,
		'exit 0' => qr/oauth_load_command gives nothing/,
		'kill -9 $$' => qr/oauth_load_command failed: exit status 137/,
		'echo rubbish; exit 0' => qr/what oauth_load_command gives is not what oauth_save_command was given: it is damaged at octet 1/,
		'head -c 90000 /dev/zero; exit 0' => qr/oauth_load_command gives more than \d+ octets/,
		'no-such-program; exit $?' => qr/oauth_load_command failed: exit status 127/,
	);

	for my $mood (sort keys %mood) {
		$keyring->mood(load => $mood);
		unlink glob queue_dir() . '/accounts/*';
		my $r = send_mail($config, [ 'send', '--no-queue', 'you@example.net' ]);
		is($r->{exit}, 75, "$mood: for later");
		like($r->{err}, $mood{$mood}, "$mood: and says why");
		like($r->{err}, qr/^  \S/m, "$mood: with a next step");
		is_deeply([ SendoffTest::Secrets::found($r->{err}) ], [], "D9: $mood: nothing else");
	}
	my ($o) = objects(run_sendoff([ '-C', $config, '--json', 'login', '--status', 'test' ])->{out});
	is($o->{cause}, 'keyring-unusable', 'status: the cause');
	is($o->{state}, 'signed-in', '... which is no sign-out');
	is_deeply([ refreshes($tokens) ], [], 'nobody was asked for another one');
	is($keyring->text, $said, 'and the keyring has what it had');

	my $r = sendmail($config, ['you@example.net']);
	is($r->{exit}, 0, 'sendmail: queued') or diag($r->{err});
	is(scalar queued(), 1, '... in truth');
	is(spool_park(queue_dir(), 'test')->{kind}, 'login', '... and the account is parked');
	$keyring->mood(load => undef);
	run_sendoff([ '-C', $config, 'queue', 'flush' ]);
	is($mail->stored, 1, 'and goes when it is open again');
};

subtest 'a command that hangs' => sub {
	my @hurry = hurry(8) or plan(skip_all => 'takes a clock that can be hurried');
	my ($tokens, $mail, $keyring, $config) = scene(token => \%old);
	my $pid = workdir() . '/hanging';
	my $hangs = "exec 3>&-; sleep 600 & echo \$! >$pid; wait";

	my @now = ('send', '--no-queue', 'you@example.net');

	$keyring->mood(load => $hangs);
	my $r = send_mail($config, \@now, env => {@hurry}, timeout => 60);
	is($r->{exit}, 75, 'load: for later');
	like($r->{err}, qr/oauth_load_command did not end within 30 s and was killed/, '... and says why');
	ok(wait_until(sub { !kill 0, file_read($pid) }, 5), '... and its children are gone');
	$keyring->mood(load => undef);

	$keyring->mood(save => $hangs);
	$r = send_mail($config, \@now, env => {@hurry}, timeout => 60);
	is($r->{exit} . $r->{err}, '0', 'save: mail goes') or diag($r->{err});
	like(token_stored('test')->{keyring_trouble}, qr/oauth_save_command did not end within 30 s/, '... and the file has the token');
	isnt(token_stored('test')->{refresh_token}, '', '... in truth');
	ok(wait_until(sub { !kill 0, file_read($pid) }, 5), '... and its children are gone');
	is_deeply([ refreshes($tokens) ], ['refresh_token 200'], '... the one that was spent once');
};

subtest 'killed between keyring and file' => sub {
	my ($tokens, $mail, $keyring, $config) = scene(token => \%old);
	my $file = file_read("$directory/test");
	my $r = send_mail($config, \@to);

	is($r->{exit}, 0, 'renewed');
	file_write("$directory/test", $file, 0600);
	$r = send_mail($config, \@to);
	is($r->{exit} . $r->{err}, '0', 'the newer one of the keyring counts');
	is_deeply([ refreshes($tokens) ], ['refresh_token 200'], '... and the old one is not spent again');
	is_deeply([ $tokens->violations ], [], '... by the rules');
};

subtest 'read while another one writes it' => sub {
	my ($tokens, $mail, $keyring, $config) = scene();

	$keyring->mood(load => 'if [ ! -e $0.once ]; then touch $0.once; exit 1; fi');
	my $r = send_mail($config, \@to);
	is($r->{exit} . $r->{err}, '0', 'what fails once is asked for again, when nobody can write');
	is($mail->stored, 1, '... sent');
	is_deeply([ refreshes($tokens) ], [], '... by the same token');
};

subtest 'killed while the keyring takes it' => sub {
	my ($tokens, $mail, $keyring, $config) = scene(token => \%old);
	my $before = $keyring->token;

	$keyring->mood(save => "touch \$0.here; sleep 2");
	my $run = send_mail_start($config, \@to);
	ok(wait_until(sub { $run->turn(0.02); -e "$keyring->{program}.here" }, 30), 'the new one is given to it');
	kill 'KILL', $run->pid;
	$run->finish;
	ok(wait_until(sub { ($keyring->token // {})->{refresh_token} ne $before->{refresh_token} }, 30), 'and comes there');
	$keyring->mood(save => undef);
	queue_empty();
	my $r = send_mail($config, \@to);
	is($r->{exit} . $r->{err}, '0', 'the next one is sent by it');
	is_deeply([ refreshes($tokens) ], ['refresh_token 200'], '... and nobody was asked again');
	is_without_secrets('killed');
};

subtest 'signing in with a keyring that is closed' => sub {
	my ($tokens, $mail, $keyring, $config) = scene(nobody => 1);

	$keyring->mood(save => 'exit 3');
	my $r = login($config, { env => { %here, BROWSER => $tokens->browser } });
	is($r->{exit}, 75, 'refused');
	like($r->{err}, qr/^sendoff: oauth_save_command failed: exit status 3\n  \S/, '... and says why');
	is(scalar $tokens->requests, 0, '... before anybody is sent to sign in');

	# Only then.
	$keyring->mood(save => 'cat >/dev/null; if [ -e $0.once ]; then exit 3; fi; touch $0.once; exit 0');
	$r = login($config, { env => { %here, BROWSER => $tokens->browser } });
	is($r->{exit}, 75, 'closed meanwhile: refused');
	like($r->{err}, qr/^sendoff: oauth_save_command failed: exit status 3\n  \S/, '... and says why');
	like(last_page($tokens), qr/The sign-in failed/, '... and the browser is told');
	ok(!-e "$directory/test", '... nothing is stored');

	$keyring->mood(save => 'cat >/dev/null; exit 0');
	$r = login($config, { env => { %here, BROWSER => $tokens->browser } });
	is($r->{exit}, 75, 'one that forgets: refused');
	like($r->{err}, qr/^sendoff: oauth_load_command (?:gives nothing|failed)/, '... and says why');
	ok(!-e "$directory/test", '... nothing is stored');
};

subtest 'signing out with a keyring that is closed' => sub {
	my ($tokens, $mail, $keyring, $config) = scene();

	$keyring->mood(load => 'exit 1');
	$keyring->mood(save => 'exit 3');
	my $r = run_sendoff([ '-C', $config, 'logout', 'test' ]);
	is($r->{exit}, 75, 'refused');
	like($r->{err}, qr/the keyring still has the token of 'test': oauth_save_command failed: exit status 3/, '... and says why');
	like($r->{err}, qr/the provider was not told: oauth_load_command failed: exit status 1/, '... of both');
	ok(-e "$directory/test", 'the file stays, for another try');
	$keyring->mood($_ => undef) for qw(load save);
	$r = run_sendoff([ '-C', $config, 'logout', 'test' ]);
	is($r->{exit}, 0, 'open again: signed out') or diag($r->{err});
	is($keyring->text, '', '... of the keyring');
	ok(!-e "$directory/test", '... and of the file');
};

subtest 'where no person signs in' => sub {
	my $log = workdir() . '/log-client';
	my ($tokens, $mail, $keyring, $config) = scene(nobody => 1, tokens => { client_secret => 'secret-of-the-app' },
		account => { oauth_flow => 'client', oauth_client_secret => 'secret-of-the-app', oauth_auth_url => undef, global => { log => $log } });

	my $r = send_mail($config, \@to);
	is($r->{exit} . $r->{err}, '0', 'sent');
	isnt($keyring->token->{access_token}, '', 'the access token is in the keyring');
	is_without_secrets('by the app itself');
	$r = send_mail($config, \@to);
	is_deeply([ refreshes($tokens) ], ['client_credentials 200'], 'and serves the next one');

	$keyring->put('');
	$r = send_mail($config, \@to);
	is($r->{exit} . $r->{err}, '0', 'a keyring that has lost it: sent');
	is_deeply([ refreshes($tokens) ], [ ('client_credentials 200') x 2 ], '... by another one');
	isnt(($keyring->token // {})->{access_token} // '', '', '... which it has now');
	is_without_secrets('got anew');

	$tokens->forget;
	$keyring->mood(save => 'exit 3');
	$r = send_mail($config, \@to);
	is($r->{exit} . $r->{err}, '0', 'a keyring that takes nothing: sent');
	is_deeply([ SendoffTest::Secrets::found(file_read("$directory/test")) ], [],
		'D9: what can be got again does not come into the file');
	like((warned($log))[0] // '', qr/warning="the new token is kept nowhere, for the keyring has not taken it: .*exit status 3"/,
		'the log says so');
};

subtest 'mistakes' => sub {
	my ($tokens, $mail, $keyring, $config) = scene();
	my %keys = $keyring->keys;
	my @now = ('send', '--no-queue', 'you@example.net');

	for my $missing (sort keys %keys) {
		my ($there) = grep { $_ ne $missing } keys %keys;
		my $r = send_mail(account($mail, oauth($tokens), $there => $keys{$there}), \@now);
		is($r->{exit}, 78, "$there alone");
		like($r->{err}, qr/$there \(line \d+\) is set, and $missing is missing\n  set both/, '... is told, with its line');
	}
	my $r = send_mail(account($mail, oauth($tokens), %patient), \@now);
	is($r->{exit}, 75, 'neither, and the token is in a keyring: for later');
	like($r->{err}, qr/the token is in a keyring, and oauth_load_command is not set/, '... and says why');
};

done_testing;
