#!/usr/bin/perl
# The recipes of sendoff-config(5) for tokens in a keyring, word by word, with the programs
# themselves: signed in, sent, renewed, locked, open again, signed out.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Login;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Stores;
use SendoffTest::Token;

my %recipe = map { /^oauth_save_command = (\S+)/m ? ($1 => $_) : () } split /\n\n|^\.Ed\n/m, store_recipes();
my @to = ('send', 'you@example.net');

# What the account has been through; lock and unlock do that with the store.
sub goes_through
{
	my ($name, $lock, $unlock) = @_;
	my $tokens = token_server(token_size => 1500);
	my $mail = server_start(user => 'me@example.com', tokens => $tokens->tokens, tls => 'starttls', require_login => 1);
	my %keys = $recipe{$name} =~ /^(oauth_\w+) = (.*)$/mg;
	my $config = account($mail, oauth($tokens), tls => 'starttls', (map { $_ => '60s' } qw(timeout connect_timeout
		final_timeout)), %keys);
	my %run = (env => \%store_env, timeout => 90);
	my $clean = sub {
		is_deeply([ SendoffTest::Secrets::found(file_read(token_directory() . '/test')) ], [], "D9: $name, $_[0]: the file has no secret");
	};

	is(scalar keys %keys, 2, "$name: the page has both commands");
	queue_empty();
	unlink glob queue_dir() . '/accounts/*';
	unlink glob token_directory() . '/*';
	my $r = login($config, { env => { %here, %store_env, BROWSER => $tokens->browser } });
	is($r->{exit}, 0, "$name: signed in") or diag("$r->{out}$r->{err}");
	$clean->('signed in');
	$r = send_mail($config, \@to, %run);
	is($r->{exit} . $r->{err}, '0', "$name: sent");
	$tokens->forget;
	$r = send_mail($config, \@to, %run);
	is($r->{exit} . $r->{err}, '0', "$name: sent by a renewed one");
	$clean->('renewed');
	is($mail->stored, 2, "$name: both arrived");
	is_deeply([ grep { !/^authorization_code/ } $tokens->asked ], ['refresh_token 200'], "$name: renewed once");

	$lock->();
	$r = send_mail($config, \@to, %run);
	is($r->{exit}, 0, "$name: locked, the mail is kept") or diag($r->{err});
	like($r->{err}, qr/queued as \S+: .*oauth_load_command failed: exit status \d+/, "$name: and why is told");
	cmp_ok($r->{seconds}, '<', 20, "$name: it does not hang");
	$unlock->();
	$r = run_sendoff([ '-C', $config, 'queue', 'retry', '--all' ], %run);
	run_sendoff([ '-C', $config, 'queue', 'flush' ], %run) if $mail->stored == 2;
	ok(wait_until(sub { $mail->stored == 3 }, 20), "$name: open again, it leaves") or diag($r->{out}, $r->{err});

	$r = run_sendoff([ '-C', $config, 'logout', 'test' ], %run);
	is($r->{exit}, 0, "$name: signed out") or diag($r->{err});
	$r = run_sendoff([], command => [ '/bin/sh', '-c', $keys{oauth_load_command} ], env => {%store_env}, timeout => 60,
		tells => 1);
	is($r->{out} =~ s/\s+//gr, '', "$name: nothing is left there");
	is_deeply([ $tokens->violations, $mail->violations ], [], "$name: by the rules");
	$_->stop for $tokens, $mail;
	return;
}

subtest 'secret-tool, with the keyring of GNOME' => sub {
	session_bus();
	my $pid = gnome_keyring('login-password');
	goes_through('secret-tool', \&gnome_keyring_lock, sub { ends($pid); $pid = gnome_keyring('login-password') });
	ends($pid);
	session_bus_over();
};

subtest 'gpg and pass' => sub {
	gpg_key('me@example.com', 'passphrase-8');
	does('', 'pass', 'init', 'me@example.com');
	my $file = workdir() . '/any.gpg';
	does('any', 'gpg', '--batch', '--yes', '-e', '-r', 'me@example.com', '-o', $file);
	my $unlock = sub { gpg_unlock($file, 'passphrase-8') };

	for my $name ('pass', 'gpg') {
		$unlock->();
		goes_through($name, \&gpg_forget, $unlock);
	}
};

done_testing;
