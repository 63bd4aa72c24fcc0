#!/usr/bin/perl
# `sendoff config check` of the machine's accounts: root looks at the files that they name as the
# runner does, and what another user cannot see is not called wrong.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(decode_json);
use SendoffTest;
use SendoffTest::Runner;

my $machine = SendoffTest::Runner->namespace;
my $uid = $machine->mail_uid;
my $config = '/etc/sendoff/config';
my @check = ('sendoff', 'config', 'check');

sub put
{
	my ($name, $text, $owner, $mode) = @_;

	file_write("/etc/sendoff/$name", $text, $mode);
	chown $owner, $uid, "/etc/sendoff/$name";
	return;
}

my ($cert, $key) = (file_read(cert('client')), file_read(cert('client', 'key')));
put('cert', $cert, 0, 0644);
put('key', $key, $uid, 0600);
$machine->configure(<<'END', secret => "geheim-4711\n");
[account work]
host = smtp.example.test
user = me
from = me@example.test
password_file = {secret}
tls_ca_file = {ca}
tls_cert = /etc/sendoff/cert
tls_key = /etc/sendoff/key
END

# Whoever may not read the file itself has nothing to look at.
my $r = $machine->as_user('alice', \@check);
is($r->{exit}, 0, 'alice, who cannot read the file') or diag($r->{err});
is($r->{out} . $r->{err}, '', 'has nothing to look at');

# Root is the runner: the key is its user's alone.
$r = $machine->as_root(\@check);
is($r->{exit}, 0, 'root: nothing is wrong') or diag($r->{err});
is($r->{out} . $r->{err}, "$config: ok, 1 account\n", 'nor said');

# What root could read and the runner cannot.
put('key', $key, 0, 0600);
chown 0, 0, '/etc/sendoff/key';
$r = $machine->as_root(\@check);
is($r->{exit}, 78, 'a key that only root can read: 78');
like($r->{err}, qr{\Asendoff: $config:8: tls_key: cannot open '/etc/sendoff/key': Permission denied\n  user sendoff sends, and must be able to read it: see its owner and mode},
	'whose it must be') or diag($r->{err});
is($r->{out}, "$config: 1 mistake, 1 account\n", 'counted');

# Everybody can read the configuration, and not the secrets.
put('key', $key, $uid, 0600);
chmod 0755, '/etc/sendoff';
chmod 0644, $config;
$r = $machine->as_user('alice', \@check);
is($r->{exit}, 0, 'alice, who cannot read the secrets') or diag($r->{err});
is($r->{err}, '', 'nothing is wrong');
is_deeply([$r->{out} =~ /^(account work: note: $config:\d+: \w+): cannot open '\S+': Permission denied$/mg],
	["account work: note: $config:8: tls_key", "account work: note: $config:5: password_file"], 'they are noted') or diag($r->{out});
is(scalar(() = $r->{out} =~ /^  it is for the system's runner to read: `sudo sendoff config check` looks at it as that one$/mg), 2,
	'with who can look at them');
$r = $machine->as_user('alice', ['sendoff', '--json', 'config', 'check']);
is_deeply([map { decode_json($_)->{result} } split /\n/, $r->{out}], [qw(ok note note)], 'as JSON');

# Owned by the runner and readable by a group: hers is not the eye to tell.
put('key', $key, $uid, 0644);
$r = $machine->as_user('alice', \@check);
is($r->{exit}, 0, 'a key of the runner that she can read') or diag($r->{err});
like($r->{out}, qr/^account work: note: $config:8: tls_key: /m, 'is noted');
$r = $machine->as_root(\@check);
is($r->{exit}, 78, 'root says what is wrong with it');
like($r->{err}, qr/:8: tls_key: '\S+' holds a secret and can be read by other users/, 'in words');
put('key', $key, $uid, 0600);

# What she can see is told to her too.
unlink '/etc/sendoff/cert';
rename '/etc/sendoff/ca.pem', '/etc/sendoff/ca.old';
$r = $machine->as_user('alice', \@check);
is($r->{exit}, 78, 'files that are missing: 78');
is_deeply([$r->{err} =~ /^sendoff: $config:(\d+: \w+): cannot open/mg], ['6: tls_ca_file', '7: tls_cert'], 'she is told as well') or diag($r->{err});
rename '/etc/sendoff/ca.old', '/etc/sendoff/ca.pem';
put('cert', $cert, 0, 0644);

# Her own accounts are hers, beside the machine's.
my $home = (glob '/mnt/*/home/alice')[0];
my $own = "$home/.config/sendoff/config";
mkdir $_ for "$home/.config", "$home/.config/sendoff";
file_write($own, "[account mine]\nhost = localhost\nuser = me\npassword_file = /etc/sendoff/password\ntls_ca_file = /etc/sendoff/ca.pem\n", 0600);
chown $machine->uid_of('alice'), $machine->uid_of('alice'), "$home/.config", "$home/.config/sendoff", $own;
$r = $machine->as_user('alice', \@check);
is($r->{exit}, 78, 'an account of her own with a password of the machine: 78');
like($r->{err}, qr{\Asendoff: $own:4: password_file: cannot open '/etc/sendoff/password': Permission denied\n  user alice sends}, 'is a mistake');
like($r->{out}, qr/^$config: ok, 1 account\n$own: 1 mistake, 1 account\naccount work: note: /, 'and counted by file') or diag($r->{out});
unlink $own;

# A machine without roots.
$machine->configure("[account work]\nhost = smtp.example.test\nfrom = me\@example.test\n");
unlink '/etc/ssl/certs/ca-certificates.crt', '/etc/ssl/cert.pem', '/etc/ssl/ca-bundle.pem', '/etc/pki/tls/certs/ca-bundle.crt',
	'/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem';
$r = $machine->as_root(\@check);
is($r->{exit}, 0, 'a machine that trusts nobody is no mistake in the file') or diag($r->{err});
like($r->{out}, qr/^account work: warning: $config: account 'work': no trusted roots found .*\n  install the package ca-certificates/m, 'but a warning');

done_testing;
