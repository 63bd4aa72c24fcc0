#!/usr/bin/perl
# The runner of the machine logs in with a ticket that it takes by a keytab, as
# sendoff-config(5) has it; from a system without a person to a Postfix that knows the realm.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use SendoffTest;
use SendoffTest::Kerberos;
use SendoffTest::Postfix;
use SendoffTest::Runner;

SendoffTest::Runner->namespace;
plan skip_all => SendoffTest::Postfix->why_not if SendoffTest::Postfix->why_not;
plan skip_all => SendoffTest::Kerberos->why_not if SendoffTest::Kerberos->why_not;

my $realm = SendoffTest::Kerberos->start;
my $postfix = SendoffTest::Postfix->start(kerberos => $realm, services => {
	submission => { smtpd_tls_security_level => 'encrypt', smtpd_tls_auth_only => 'yes' } });

# /etc is a copy of our own here.
file_write('/etc/krb5.conf', file_read($realm->config), 0644);
mkdir '/etc/sendoff', 0755;
file_write('/etc/sendoff/ca.pem', file_read(cert('ca')), 0644);
file_write('/etc/sendoff/keytab', file_read($realm->keytab('robot')), 0640);
chown 0, scalar getgrnam('sendoff'), '/etc/sendoff/keytab';

my $port = $postfix->port('submission');
my $runner = runner_start(<<"END", environment => [ 'KRB5_CLIENT_KTNAME=FILE:/etc/sendoff/keytab', 'KRB5CCNAME=MEMORY:' ]);
[sendoff]
domain = example.test
[account work]
host = localhost
port = $port
tls_ca_file = /etc/sendoff/ca.pem
auth = gssapi
from = me\@example.test
END

my $r = $runner->as_user('alice', [ 'sendmail', 'a@example.test' ], stdin => "Subject: by keytab\n\nhi\n");
is($r->{exit}, 0, 'A1: taken in') or diag($r->{err});
ok(wait_until(sub { $postfix->log =~ /sasl_method=GSSAPI, sasl_username=(\S+)/ }, 30), 'the runner logs in by a ticket') or
	diag($runner->said);
is(($postfix->log =~ /sasl_username=(\S+)/)[0], 'robot@EXAMPLE.TEST', '... that the keytab has got it');
ok(wait_until(sub { !$runner->queued('new') }, 20), 'nothing is left');
is(scalar(my @copies = $postfix->arrived('by keytab')), 1, 'B1: and the message arrives');

# Without a KDC it waits; nobody else's mail is refused for that.
$realm->halt;
$r = $runner->as_user('alice', [ 'sendmail', 'a@example.test' ], stdin => "Subject: without a KDC\n\nhi\n");
is($r->{exit}, 0, 'A1: taken in without a KDC');
ok(wait_until(sub { $runner->as_user('alice', ['mailq'])->{out} =~ /Kerberos gives no ticket.*KDC/s }, 30),
	'G1: mailq says why it waits') or diag($runner->as_user('alice', ['mailq'])->{out});
is(scalar(() = $runner->queued('new')), 1, 'G4: it is kept');
$realm->again;
$r = $runner->as_root([ 'sendoff', 'queue', 'flush' ]);
ok(wait_until(sub { !$runner->queued('new') }, 60), 'with a KDC it goes') or diag($runner->said);
is(scalar(@copies = $postfix->arrived('without a KDC')), 1, 'B1: once');

$runner->stop;
done_testing;
