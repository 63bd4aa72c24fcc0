#!/usr/bin/perl
# From kinit to delivery: a real MIT KDC, and a Dovecot behind a Postfix that takes its tickets
# (GSSAPI, RFC 4752); and what is said when there is no ticket, no KDC, or no such server.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use IO::Socket::INET;
use JSON::PP;
use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Kerberos;
use SendoffTest::Postfix;
use SendoffTest::Send;

plan skip_all => SendoffTest::Postfix->why_not if SendoffTest::Postfix->why_not;
plan skip_all => SendoffTest::Kerberos->why_not if SendoffTest::Kerberos->why_not;

my $realm = SendoffTest::Kerberos->start;
my $postfix = SendoffTest::Postfix->start(kerberos => $realm, services => {
	submission => { smtpd_tls_security_level => 'encrypt', smtpd_tls_auth_only => 'yes' },
	smtps => { smtpd_tls_wrappermode => 'yes' },
	plain => {} });
my %ticket = (auth => 'gssapi', user => undef, password => undef);
my $count = 0;

sub send_it
{
	my ($config, %o) = @_;
	my $id = sprintf 'ticket-%03d', ++$count;
	my $r = run_sendoff(['-C', $config, @{ $o{global} // [] }, 'send', @{ $o{options} // ['--no-queue'] }, '-t'],
		env => $o{env} // $realm->env, stdin => "From: me\@example.test\nTo: a\@example.test\n" .
		"Subject: $id\nDate: Sat, 1 Jan 2022 00:00:00 +0000\nMessage-ID: <$id\@example.test>\n\nhi\n");

	$r->{id} = $id;
	return $r;
}

sub sends
{
	my ($name, $service, $as, $keys, %o) = @_;
	my $r = send_it($postfix->config($service, %ticket, %$keys), %o);

	is_deeply([ @$r{qw(exit out err)} ], [ 0, '', '' ], "$name: sent, silently");
	is(scalar(my @copies = $postfix->arrived($r->{id})), 1, "$name: arrived once (B1)");
	my ($method, $user) = (reverse $postfix->log =~ /sasl_method=(\S+), sasl_username=(\S+)/g)[1, 0];
	is($method, $o{by} // 'GSSAPI', "$name: by " . ($o{by} // 'GSSAPI'));
	is($user, $as, "$name: as $as");
}

# How many commands AUTH the server has seen in the sessions since.
sub auths { my ($before) = @_; my @s = $postfix->sessions; splice @s, 0, $before; return join ' ', map { $_->{auth} // 0 } @s }

sub fails
{
	my ($name, $cause, $exit, $words, %o) = @_;
	my $before = $postfix->sessions;
	my $config = $postfix->config('submission', %ticket, connect_timeout => '20s', %{ $o{keys} // {} });
	my $r = send_it($config, %o, global => ['--json']);

	is($r->{exit}, $exit, "$name: G1: exit $exit") or diag($r->{err}, $r->{out});
	like($r->{out}, qr/"cause":\s*"\Q$cause\E"/, "$name: $cause");
	like($r->{err}, $words, "$name: in words");
	is(auths($before), $o{auths} // 0, "$name: C9: the server was asked no more than that");
	is(scalar $postfix->arrived($r->{id}), 0, "$name: D6: no mail");
	return $config;
}

# ---- without a ticket

my $nobody = fails('no ticket', 'kerberos-no-ticket', 78, qr/no ticket for the server: \S.*\n  get one with kinit/);
my $junk = send_it($postfix->config('submission', %ticket), env =>
	$realm->env(KRB5CCNAME => 'FILE:' . file_write(workdir() . '/junk', 'x' x 100)));
# MIT Kerberos 1.20 crashes over it now and then.
like($junk->{exit}, qr/^7[78]$/, 'a cache that is damaged: an error of the login');
like($junk->{err}, qr/format version.*\n  .*kinit|signal 11.*\n  .*klist/, '... in words');

# ---- with one

$realm->kinit;
sends('starttls', 'submission', 'me@EXAMPLE.TEST', {});
sends('implicit', 'smtps', 'me@EXAMPLE.TEST', { tls => 'implicit' });
sends("pipelining $_", 'submission', 'me@EXAMPLE.TEST', { pipelining => $_ }) for qw(full off);
sends('with a user, who does not matter', 'submission', 'me@EXAMPLE.TEST', { user => 'somebody' });
sends('as another, who allows it', 'submission', 'me@example.test', { authzid => 'me@example.test' });
sends('first of a list', 'submission', 'me@EXAMPLE.TEST', { auth => 'gssapi, scram-sha-256',
	user => $SendoffTest::Postfix::user, password => $SendoffTest::Postfix::password });
sends('D6: never unless it is named', 'submission', $SendoffTest::Postfix::user, { auth => undef,
	user => $SendoffTest::Postfix::user, password => $SendoffTest::Postfix::password }, by => 'SCRAM-SHA-256');
fails('as another, who does not', 'kerberos-refused', 77, qr/535 5\.7\.8 .*\n.*klist/, auths => '0/1',
	keys => { authzid => 'other@example.test' });

my $report = decode_json(run_sendoff(['-C', $postfix->config('submission', %ticket), 'check', '--json'],
	env => $realm->env)->{out});
is(stage($report, 'login')->{facts}{mechanism}, 'GSSAPI', 'check: the mechanism');
is(stage($report, 'login')->{facts}{principal}, 'me@EXAMPLE.TEST', 'check: whose ticket');
is(stage($report, 'login')->{facts}{service}, 'smtp/localhost@EXAMPLE.TEST', 'check: for whom');
cmp_ok(stage($report, 'login')->{facts}{ticket_seconds}, '>', 60, 'check: how long it is good');
is(stage($report, 'secret')->{facts}{source}, 'none', 'check: no secret');
my $r = run_sendoff(['-C', $postfix->config('submission', %ticket), 'check'], env => $realm->env);
like($r->{out}, qr/login .*as me\@EXAMPLE\.TEST with GSSAPI \(auth names it\)/, 'check: in words');

# ---- without a person: a keytab, and a cache that nobody else sees

my %robot = (KRB5CCNAME => 'MEMORY:', KRB5_CLIENT_KTNAME => 'FILE:' . $realm->keytab('robot'));
sends('a keytab', 'submission', 'robot@EXAMPLE.TEST', {}, env => $realm->env(%robot));

# ---- what may be better later is queued, and goes when it is

$realm->kdestroy;
queue_empty();
my $config = $postfix->config('submission', %ticket);
$r = send_it($config, options => []);
is($r->{exit}, 0, 'B1: without a ticket it is stored') or diag($r->{err});
is(queued(), 1, '... indeed');
like($r->{err}, qr/queued as .*ticket/, '... and why');
$realm->kinit;
my $next = run_sendoff(['-C', $config, 'queue', 'flush'], env => $realm->env);
is($next->{exit}, 0, 'with one it goes') or diag($next->{err});
is(scalar $postfix->arrived($r->{id}), 1, '... once (B1)');

$realm->kdestroy;
$realm->kinit('2s');
sleep 3;
fails('a ticket of yesterday', 'kerberos-ticket-expired', 77, qr/expired.*\n  get a new one with kinit/i);

# ---- the KDC

$realm->kinit;
$realm->halt;
fails('the KDC is down', 'kerberos-kdc-silent', 75, qr/KDC|contact/);
queue_empty();
$r = send_it($config, options => []);
is($r->{exit}, 0, 'B1: the KDC is down: stored') or diag($r->{err});
is(queued(), 1, '... indeed');

# One that takes questions and answers none.
my $hole = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die;
my $udp = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1', LocalPort => $hole->sockport) or die;
my $silent = $realm->write_config('silent.conf', '127.0.0.1:' . $hole->sockport);
fails('C1: the KDC is silent', 'kerberos-kdc-silent', 75, qr/no answer within 2 s/,
	env => $realm->env(KRB5_CONFIG => $silent), keys => { connect_timeout => '2s' });
is(scalar(grep { (eval { file_read("$_/environ") } // '') =~ /KRB5_CONFIG=\Q$silent\E/ } glob '/proc/[0-9]*'), 0,
	'C1: no child is left');

$realm->again;
$next = run_sendoff(['-C', $config, 'queue', 'flush'], env => $realm->env);
is($next->{exit}, 0, 'the KDC is back: what was stored goes') or diag($next->{err});
is(scalar $postfix->arrived($r->{id}), 1, '... once (B1)');

# ---- names and keys that the realm has no more

$realm->tool('kadmin.local', '-q', 'cpw -randkey robot@EXAMPLE.TEST');
fails('a keytab of yesterday', 'kerberos-client-refused', 77, qr/kinit -k/, env => $realm->env(%robot));
$realm->tool('kadmin.local', '-q', 'delprinc -force robot@EXAMPLE.TEST');
fails('nobody by that name', 'kerberos-client-refused', 77, qr/not found in Kerberos database/, env => $realm->env(%robot));
$realm->kdestroy;
$realm->kinit;
$realm->tool('kadmin.local', '-q', 'cpw -randkey smtp/localhost@EXAMPLE.TEST');
fails('the server has a key of yesterday', 'kerberos-refused', 77, qr/535 5\.7\.8/, auths => '0/1');
$realm->kdestroy;
$realm->kinit;
$realm->tool('kadmin.local', '-q', 'delprinc -force smtp/localhost@EXAMPLE.TEST');
fails('no such server', 'kerberos-server-unknown', 77, qr/not found in Kerberos database.*\n.*tls_host/);

is_deeply([ $postfix->complaints ], [], 'E6: Postfix finds no fault');
done_testing;
