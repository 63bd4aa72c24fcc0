#!/usr/bin/perl
# The recipes of sendoff-config(5) for keyrings, word by word, with the programs themselves:
# an open store sends, a locked one neither hangs nor loses mail.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Send;
use SendoffTest::Stores;

my %me = (user => 'me', password => 'geheim-7');
my @recipes = store_recipes() =~ /^password_command = (.*)$/mg;

sub recipe
{
	my ($pattern) = @_;
	my ($found) = grep { /$pattern/ } @recipes;

	ok($found, "the page has a recipe like $pattern");
	return $found;
}

my $server = server_start(tls => 'implicit', %me);

# By hand, as a person at no terminal.
sub open_store
{
	my ($name, $recipe, %o) = @_;
	my $before = $server->stored;
	my $config = account($server, tls => 'implicit', user => 'me', password_command => $recipe);
	my $r = send_mail($config, undef, env => {%store_env}, timeout => 60, %o);

	is($r->{exit}, 0, "$name: open, it sends") or diag($r->{err});
	is($server->stored, $before + 1, "$name: arrived");
	$r = run_sendoff(['-C', $config, 'check'], env => {%store_env}, timeout => 60);
	is($r->{exit}, 0, "$name: sendoff check agrees") or diag($r->{out}, $r->{err});
	return $config;
}

sub locked_store
{
	my ($name, $config) = @_;
	my ($before, $logins) = ($server->stored, scalar $server->logins);
	queue_empty();
	my $r = run_sendoff(['-C', $config, 'send', 'you@example.net'], stdin => letter("$name\n"), env => {%store_env}, timeout => 60);

	is($r->{exit}, 0, "$name: locked, the mail is kept") or diag($r->{err});
	like($r->{err}, qr/queued as \S+: .*password_command failed: exit status \d+/, "$name: and why is told") or diag($r->{err});
	cmp_ok($r->{seconds}, '<', 20, "$name: it does not hang");
	is(scalar queued('new'), 1, "$name: in the queue");
	is($server->stored, $before, "$name: nothing is sent");
	is(scalar $server->logins, $logins, "$name: nor is there a login without a password");
	$r = run_sendoff(['-C', $config, 'check', '--json'], env => {%store_env}, timeout => 60);
	like($r->{out}, qr/"password-command-failed"/, "$name: sendoff check knows the cause") or diag($r->{out});
	return;
}

# What was queued leaves once it is open.
sub leaves
{
	my ($name, $config) = @_;
	my $before = $server->stored;
	my $r = run_sendoff(['-C', $config, 'queue', 'retry', '--all'], env => {%store_env}, timeout => 60);

	$r = run_sendoff(['-C', $config, 'queue', 'flush'], env => {%store_env}, timeout => 60) if $server->stored == $before;
	ok(wait_until(sub { $server->stored == $before + 1 }), "$name: open again, it leaves") or diag($r->{out}, $r->{err});
	ok(wait_until(sub { !queued('new') }), "$name: and the queue is empty");
	return;
}

# ---- the Secret Service

subtest 'secret-tool, with the keyring of GNOME' => sub {
	my $recipe = recipe(qr/^secret-tool lookup/);
	my @attributes = split ' ', $recipe =~ s/^secret-tool lookup //r;

	# Without a session there is nothing to ask.
	my $config = account($server, tls => 'implicit', user => 'me', password_command => $recipe);
	locked_store('no session bus', $config);

	session_bus();
	my $pid = gnome_keyring('login-password');
	does('geheim-7', 'secret-tool', 'store', '--label=Work mail', @attributes);
	open_store('secret-tool', $recipe);
	gnome_keyring_lock();
	locked_store('secret-tool', $config);
	ends($pid);
	$pid = gnome_keyring('login-password');
	leaves('secret-tool', $config);
	ends($pid);
	session_bus_over();
};

# ---- gpg and pass

subtest 'gpg and pass' => sub {
	gpg_key('open@example.com', '');
	gpg_key('locked@example.com', 'passphrase-8');
	my @gpg = map { recipe($_) } qr/^gpg -q -d/, qr/^gpg .*--pinentry-mode error/;
	my ($file) = $gpg[0] =~ m{(~/\S+)};
	$file =~ s/^~/$store_home/;

	does("geheim-7\n", 'gpg', '--batch', '--yes', '--trust-model', 'always', '-e', '-r', 'open@example.com', '-o', $file);
	open_store("gpg, $_", $_) for @gpg;

	does("geheim-7\n", 'gpg', '--batch', '--yes', '--trust-model', 'always', '-e', '-r', 'locked@example.com', '-o', $file);
	for my $recipe (@gpg) {
		my $config = account($server, tls => 'implicit', user => 'me', password_command => $recipe);

		gpg_forget();
		locked_store("gpg, $recipe", $config);
		like(gpg_unlock($file, 'passphrase-8'), qr/geheim-7/, 'the agent is told the passphrase');
		leaves("gpg, $recipe", $config);
	}

	my $recipe = recipe(qr/^pass show/);
	my ($entry) = $recipe =~ /^pass show (\S+)/;
	does('', 'pass', 'init', 'open@example.com');
	does("geheim-7\n", 'pass', 'insert', '-e', '-f', $entry);
	open_store('pass', $recipe);
	open_store('pass, with more lines', "$recipe | head -n 1");
	does('', 'pass', 'init', 'locked@example.com');
	gpg_forget();
	my $config = account($server, tls => 'implicit', user => 'me', password_command => $recipe);
	locked_store('pass', $config);
	gpg_unlock("$store_home/.password-store/$entry.gpg", 'passphrase-8');
	leaves('pass', $config);
};

# ---- macOS

# Nothing here is one: what is told is that it is called as it wants to be (security(1)).
subtest 'the keychain of macOS, as far as it is called' => sub {
	my $recipe = recipe(qr/^security /);
	my $bin = workdir() . '/macos';
	mkdir $bin;
	file_write("$bin/security", "#!/bin/sh\nfor word; do printf '%s\\n' \"\$word\"; done >'$bin/words'\n" .
		"[ ! -e '$bin/locked' ] || { echo 'security: SecKeychainSearchCopyNext: User interaction is not allowed.' >&2; exit 36; }\n" .
		"echo geheim-7\n", 0755);
	local $store_env{PATH} = "$bin:/usr/bin:/bin";
	my $config = open_store('security', $recipe);

	is_deeply([split /\n/, file_read("$bin/words")], [qw(find-generic-password -s smtp.example.com -a me -w)], 'its words');
	file_write("$bin/locked", '');
	locked_store('security', $config);
	unlink "$bin/locked";
	leaves('security', $config);
};

is_deeply([$server->violations], [], 'all by the rules');
done_testing;
