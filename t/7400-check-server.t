#!/usr/bin/perl
# sendoff check of an address alone: which server it is, by the table of providers, by SRV
# records, and by guesses that are never told a password.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Names;

own_names(
	hosts => { '127.0.0.1' => [ qw(localhost smtp.example.test mail.guessed.test mail.other.test smtp.gmail.com) ] },
	srv => {
		'_submissions._tcp.example.test' => [ [ 0, 1, 465, 'smtp.example.test' ] ],
		'_submission._tcp.example.test' => [ [ 0, 1, 587, 'smtp.example.test' ] ],
		'_submission._tcp.foreign.test' => [ [ 0, 1, 587, 'mail.other.test' ] ],
		'_submissions._tcp.none.test' => [ [ 0, 0, 0, '' ] ],
		'_submission._tcp.none.test' => [ [ 0, 0, 0, '' ] ],
		'_submission._tcp.order.test' => [ [ 10, 1, 2526, 'smtp.order.test' ], [ 5, 1, 587, 'first.order.test' ] ],
	},
	silent => [ '_submissions._tcp.silent.test', '_submission._tcp.silent.test' ],
);

my %me = (user => 'me@example.test', password => 'geheim', require_login => 1, lenient => 1);
my $implicit = server_start(port => 465, tls => 'implicit', %me);
my $starttls = server_start(port => 587, tls => 'starttls', %me);
my $secret = file_write(workdir() . '/secret', "geheim\n");

# No configuration at all; the test's authority is put where the system's roots are.
my ($bundle) = grep { -e } qw(/etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt);
plan(skip_all => 'this system has no bundle of roots') if !$bundle;
put_over($bundle, file_read(cert('ca')));

sub checks { return check(undef, [ '--json', '--password-file', $secret, @_ ], timeout => 40) }

sub logins { return scalar(map { $_->logins } $implicit, $starttls) }

# ---- by SRV records

my $r = checks('me@example.test');
is($r->{exit}, 0, 'by an SRV record: all is well') or diag($r->{out} . $r->{err});
like(stage($r, 'server')->{text}, qr/SRV record of example\.test: smtp\.example\.test port 465/, 'it is told');
is(stage($r, 'server')->{facts}{domain}, 'example.test', 'and of which domain');
is($r->{json}{server}, 'smtp.example.test:465', 'TLS from the first octet is preferred');
is($r->{json}{user}, 'me@example.test', 'the user is the address');

my $before = logins();
$r = checks('me@foreign.test');
is($r->{exit}, 64, 'a server outside of the domain is not taken');
is($r->{json}{failed}{cause}, 'server-not-known', 'and told so');
like($r->{json}{failed}{next}, qr/sendoff check --host mail\.other\.test --port 587 --tls starttls me\@foreign\.test/,
	'with what to call');
is(logins(), $before, 'D8: nobody was told the password');
my ($next) = $r->{json}{failed}{next} =~ /sendoff check (.*)/;
$r = checks(split ' ', $next);
is($r->{json}{server}, 'mail.other.test:587', 'that call goes there');
is($r->{json}{failed}{cause}, 'certificate-wrong-name', 'and the certificate is held against the name');

$r = checks('me@order.test');
is($r->{json}{server}, 'first.order.test:587', 'the lowest priority is the first');
is($r->{exit}, 68, 'its name does not exist');

# ---- by guesses

$r = checks('me@guessed.test');
is($r->{exit}, 64, 'a guess is not taken');
is($r->{json}{failed}{stage}, 'server', 'at that stage');
is($r->{json}{failed}{cause}, 'server-not-known', 'the cause');
unlike($r->{json}{failed}{next}, qr/mail\.guessed\.test/, 'a server with another name in its certificate is not proposed');

for my $domain (qw(none.test nothing.test)) {
	$r = checks("me\@$domain");
	is($r->{exit}, 64, "$domain: no server");
	is($r->{json}{failed}{cause}, 'server-not-known', "$domain: the cause");
	like($r->{json}{failed}{next}, qr/--host/, "$domain: the next step");
}
$r = checks('--timeout', 6, 'me@silent.test');
is($r->{exit}, 75, 'the name servers are silent: later');
is($r->{json}{failed}{stage}, 'server', 'at that stage');
cmp_ok($r->{seconds}, '<', 7, 'C1: in time');

# ---- by the provider, and by options

$r = checks('me@gmail.com');
is($r->{json}{server}, 'smtp.gmail.com:465', 'a provider that is known');
ok(!stage($r, 'server'), 'DNS is not asked');
is($r->{json}{failed}{cause}, 'certificate-wrong-name', 'and nobody else gets the password');
$before = logins();
$r = checks('--host', 'smtp.example.test', '--user', 'me@example.test');
is($r->{exit}, 0, 'a host and a user') or diag($r->{out});
is($r->{json}{server}, 'smtp.example.test:587', 'by the usual port');
cmp_ok(logins(), '>', $before, 'it logged in');
$r = checks('--host', 'smtp.example.test', '--port', 465, '--user', 'me@example.test');
is($r->{exit}, 0, 'the port decides the encryption');
$r = check(undef, [ '--json', '--host', 'smtp.example.test' ]);
is($r->{exit}, 0, 'a host alone: no login');
is(stage($r, 'login')->{mark}, 'skipped', 'it says so');

$_->stop for $implicit, $starttls;
done_testing;
