#!/usr/bin/perl
# Root where no runner is: what cannot be sent is stored for the runner's user, and
# stays root's all the same.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Runner;

SendoffTest::Runner->namespace;

my $machine = bless {}, 'SendoffTest::Runner';
my $server = server_start(user => 'me', password => 'p', require_login => 1);
my $port = $server->port;
my $account = "host = 127.0.0.1\nport = $port\ntls = off\nallow_clear_password = yes\n" .
	"user = me\npassword_file = {secret}\n";

rmdir '/run/sendoff';
$machine->configure("[sendoff]\ndomain = machine.example.test\ndefault = all\n[account all]\n$account\n" .
	"[account only-root]\n$account", secret => "p\n");
$server->stop;

my $r = $machine->as_root([ 'sendoff', 'send', '-a', 'only-root', 'you@example.net' ], stdin => "hi\n");
is($r->{exit}, 0, 'the server is away: stored') or diag($r->{err});
my ($file) = glob '/var/spool/sendoff/new/*';
ok($file, 'where a runner will look') or BAIL_OUT('nothing is stored');
is((stat $file)[4], $machine->mail_uid, 'F1: as the runner\'s user');
like(file_read($file), qr/^uid 0$/m, 'it is root who handed it in');
like(file_read($file), qr/^login root$/m, 'by name as well');

$server = server_start(user => 'me', password => 'p', require_login => 1, port => $port);
$r = $machine->as_root([ 'sendoff', 'queue', 'flush' ]);
is($r->{exit}, 0, 'so the account that is root\'s alone carries it later') or diag($r->{err});
is($server->stored, 1, 'and it is sent');
done_testing;
