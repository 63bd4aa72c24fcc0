#!/usr/bin/perl
# The key `provider`: what it gives, what counts before it, where it says that a setting
# comes from, and what is wrong with it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(decode_json);
use SendoffTest;
use SendoffTest::Send;

# The settings in force of one account: { KEY => [VALUE, ORIGIN] }.
sub settings
{
	my ($text, %env) = @_;
	my $config = $text eq '' ? undef : config($text);
	my $r = run_sendoff([$config ? ('-C', $config) : (), '--json', 'config', 'show'], env => \%env);
	is($r->{exit}, 0, 'config show') or diag("$text\n$r->{err}");
	my %found = map { my $s = decode_json($_);
		defined $s->{account} ? ($s->{key} => [ $s->{value}, $s->{origin} =~ s/^.*(?=:\d+$)/FILE/r ]) : () }
		split /\n/, $r->{out};
	return \%found;
}

sub fails
{
	my ($text, $words, $name) = @_;
	my $config = config($text);
	for my $args (['config', 'check'], ['send', '--no-queue', 'a@b.test']) {
		my $r = send_mail($config, $args);
		is($r->{exit}, 78, "$name (@$args): 78") or diag($r->{out});
		like($r->{err} =~ s/\Q$config\E/FILE/r, $words, "$name (@$args): told");
		unlike($r->{err}, qr/geheim/, "D9: $name (@$args): no secret");
	}
}

my $secret = "password = geheim\n";

subtest 'what it gives' => sub {
	my $given = 'provider google';
	my $s = settings("[account a]\nprovider = google\nfrom = me\@gmail.com\n$secret");
	is_deeply([ map { $s->{$_} } qw(provider host port tls user max_recipients from password timeout) ],
		[ ['google', 'FILE:2'], ['smtp.gmail.com', $given], ['465', $given], ['implicit', $given],
		['me@gmail.com', $given], ['100', $given], ['me@gmail.com', 'FILE:3'], ['***', 'FILE:4'],
		['1m', 'default'] ], 'Gmail');
	$s = settings("[account a]\nprovider = GOOGLE\nfrom = me\@gmail.com\n$secret");
	is_deeply($s->{host}, ['smtp.gmail.com', $given], 'in capitals');
	$s = settings("[account a]\nprovider = web-de\nfrom = me\@web.de\n$secret");
	is_deeply($s->{user}, ['me', 'provider web-de'], 'a user without domain');
	$s = settings("[account a]\nprovider = sendgrid\nfrom = me\@example.com\n$secret");
	is_deeply($s->{user}, ['apikey', 'provider sendgrid'], 'a user that is the same for all');
	$s = settings("[account a]\nprovider = microsoft365\nfrom = me\@example.com\n$secret");
	is_deeply([ @$s{qw(port tls max_connections)} ], [ ['587', 'provider microsoft365'],
		['starttls', 'provider microsoft365'], ['3', 'provider microsoft365'] ], 'one without 465, and its limit');
	$s = settings("[account a]\nprovider = google\nauth = none\n");
	is_deeply([ @$s{qw(host user)} ], [ ['smtp.gmail.com', $given], undef ], 'no address, no user');
	$s = settings("[defaults]\nprovider = google\n$secret\n[account a]\nfrom = a\@gmail.com\n");
	is_deeply([ @$s{qw(provider host user)} ], [ ['google', 'FILE:2'], ['smtp.gmail.com', $given],
		['a@gmail.com', $given] ], '[defaults]');
	$s = settings("[defaults]\nprovider = google\n[account a]\nprovider =\nhost = relay.lan\n");
	is_deeply([ map { $s->{$_}[0] } qw(provider host port) ], [ '', 'relay.lan', '587' ], 'and how to be without it');
};

subtest 'what counts before it' => sub {
	my @rows = (
		["port = 587\n", ['587', 'FILE:4'], ['starttls', 'provider google'], 'a port takes what is spoken there'],
		["tls = starttls\n", ['587', 'provider google'], ['starttls', 'FILE:4'], 'an encryption the port where it is'],
		["tls = Implicit\n", ['465', 'provider google'], ['implicit', 'FILE:4'], 'in capitals as well'],
		["port = 2525\n", ['2525', 'FILE:4'], ['starttls', 'default'], 'a port that nobody knows'],
		["port = 465\ntls = starttls\n", ['465', 'FILE:4'], ['starttls', 'FILE:5'], 'both'],
		["tls = auto\n", ['587', 'default'], ['starttls', 'FILE:4'], 'what the program would choose'],
	);
	for my $row (@rows) {
		my ($lines, $port, $tls, $name) = @$row;
		my $s = settings("[account a]\nprovider = google\nfrom = me\@gmail.com\n$lines$secret");
		is_deeply([ @$s{qw(port tls)} ], [ $port, $tls ], $name);
	}
	my $s = settings("[account a]\nprovider = google\nfrom = me\@gmail.com\nhost = h.example\nuser = you\n" .
		"max_recipients = 7\n$secret");
	is_deeply([ @$s{qw(host user max_recipients port)} ], [ ['h.example', 'FILE:4'], ['you', 'FILE:5'],
		['7', 'FILE:6'], ['465', 'provider google'] ], 'host, user and limits');
	$s = settings("[defaults]\nport = 587\n[account a]\nprovider = google\nfrom = me\@gmail.com\n$secret");
	is_deeply([ @$s{qw(port tls)} ], [ ['587', 'FILE:2'], ['starttls', 'provider google'] ], '[defaults] as well');
	$s = settings("[account a]\nprovider = amazon-ses\nhost = email-smtp.eu-west-1.amazonaws.com\nuser = AKIA\n$secret");
	is_deeply([ @$s{qw(host port)} ], [ ['email-smtp.eu-west-1.amazonaws.com', 'FILE:3'],
		['465', 'provider amazon-ses'] ], 'a host in a region');
};

subtest 'the environment' => sub {
	my $s = settings('', SENDOFF_PROVIDER => 'google', SENDOFF_FROM => 'me@gmail.com', SENDOFF_PASSWORD => 'geheim');
	is_deeply([ @$s{qw(provider host user from)} ], [ ['google', 'environment'], ['smtp.gmail.com', 'provider google'],
		['me@gmail.com', 'provider google'], ['me@gmail.com', 'environment'] ], 'SENDOFF_PROVIDER is enough');
	$s = settings('', SENDOFF_PROVIDER => 'google', SENDOFF_FROM => 'me@gmail.com', SENDOFF_PASSWORD => 'geheim',
		SENDOFF_HOST => 'h.example', SENDOFF_PORT => 587, SENDOFF_USER => 'you');
	is_deeply([ map { $s->{$_}[0] } qw(host port tls user) ], [ 'h.example', '587', 'starttls', 'you' ],
		'the other variables count before it');
	my $r = run_sendoff(['config', 'check'], env => { SENDOFF_PROVIDER => 'gogle' });
	is($r->{exit}, 78, 'one that is not known: 78');
	like($r->{err}, qr/\Asendoff: environment: account 'environment': no provider is known as 'gogle'\n  did you mean 'google'\?\n/,
		'and what was meant');
};

subtest 'what is wrong' => sub {
	my $from = "from = me\@example.com\n$secret";
	fails("[account a]\nprovider = gogle\n$from",
		qr/\Asendoff: FILE:2: account 'a': no provider is known as 'gogle'\n  did you mean 'google'\?\n/, 'a slip');
	fails("[defaults]\nprovider = gmail.com\n[account a]\n$from",
		qr/\Asendoff: FILE:2: account 'a': .*'gmail\.com'\n  did you mean 'google'\?\n/, 'a domain');
	fails("[account a]\nprovider = my-own\n$from", qr/FILE:2: .*'my-own'\n  sendoff-providers\(7\) lists .* set host/,
		'one that is like none');
	fails("[account a]\nprovider = tuta\n$from",
		qr/FILE:2: account 'a': Tuta has no server that programs may send through\n  use an account of another/, 'one without SMTP');
	for my $host ('', "host = email-smtp.REGION.amazonaws.com\n") {
		fails("[account a]\nprovider = amazon-ses\nuser = AKIA\n$host$from",
			qr/FILE:2: account 'a': Amazon SES has a server for each region\n  set host = email-smtp\.REGION\.amazonaws\.com, with/,
			'no region');
	}
	fails("[account a]\nprovider = google\n$secret",
		qr/account 'a': there is a password but no user\n  add the key from, which is your address at Gmail\n/, 'no address');
	fails("[account a]\nprovider = mailgun\n$from",
		qr/account 'a': there is a password but no user\n  add the key user: Mailgun takes SMTP credentials/, 'no user');
	fails("[account a]\nprovider = google\nfrom = me\n$secret", qr/account 'a': from is not a whole address/, 'half an address');
	fails("[account a]\nprovider = gmx\nfrom = me\@gmx.net\n", qr/there is a login but no password/, 'no password');
	fails("[account a]\nprovider = a\xc2\x9bb\n$from", qr/control character/, 'a control character');
};

subtest 'what config check says of the login' => sub {
	my $said = sub {
		my ($text, @json) = @_;
		my $config = config("${text}tls_ca_file = {ca}\n");
		my $r = run_sendoff([@json, '-C', $config, 'config', 'check']);
		is($r->{exit}, 0, 'it is not wrong') or diag($r->{err});
		return $r->{out} =~ s/^.*\n//r;   # that the file is good
	};
	like($said->("[account a]\nprovider = google\nfrom = me\@gmail.com\n$secret"),
		qr{\Aaccount a: note: Gmail takes no account password but one made for programs: .*apppasswords.*\n\z}, 'an app password');
	like($said->("[account a]\nhost = smtp.gmail.com\nuser = me\@gmail.com\n$secret"), qr/\Aaccount a: note: Gmail takes/,
		'by the host as well');
	my $outlook = "[account a]\nprovider = outlook\nfrom = me\@outlook.com\n$secret";
	like($said->($outlook), qr/\Aaccount a: warning: Outlook\.com takes no passwords.*: set auth = xoauth2.*\n\z/, 'OAuth only');
	is_deeply(decode_json($said->($outlook, '--json')), { account => 'a', result => 'warning',
		text => 'Outlook.com takes no passwords, not even app passwords: set auth = xoauth2 and let password_command print an ' .
		'OAuth access token' }, 'as JSON');
	is($said->("$outlook" . "auth = xoauth2\n"), '', 'not where a token is used');
	is($said->("$outlook" . "auth = OAUTHBEARER\n"), '', 'of either kind');
	is($said->("[account a]\nprovider = orange-fr\nfrom = me\@orange.fr\n$secret"), '', 'nor where the password does');
	is($said->("[account a]\nhost = smtp.example.com\nuser = me\n$secret"), '', 'nor of strangers');
	is($said->("[account a]\nprovider = google\nauth = none\n"), '', 'nor without a login');
};

subtest 'a message goes by what it gives' => sub {
	my $server = server_start(tls => 'implicit', user => 'apikey', password => 'geheim', require_login => 1);
	my $config = config("[account a]\nprovider = sendgrid\nhost = {host}\nport = {port}\ntls = implicit\n" .
		"tls_ca_file = {ca}\nfrom = me\@example.test\n$secret", server => $server);
	my $r = send_mail($config, ['send', '--no-queue', 'you@example.net']);
	is($r->{exit}, 0, 'sent') or diag($r->{err});
	is($server->stored, 1, 'and stored');
	like(join("\n", $server->logins), qr/apikey/, 'with the user of the provider');
	is_deeply([ $server->violations ], [], 'by the rules');
};

done_testing;
