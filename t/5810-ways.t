#!/usr/bin/perl
# The runner's ways to a server: through a proxy, whose password only it may read, and by a
# command, whose words are for root alone.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;
use SendoffTest::Proxy;
use SendoffTest::Runner;

SendoffTest::Runner->namespace;

my %me = (user => 'me@example.test', password => 'pass w0rd');
my @login = ('proxy user', 'proxy-w0rd');
my $server = server_start(tls => 'starttls', %me);
my $proxy = proxy_start($server, login => \@login);
my $text = <<'END';
[sendoff]
domain = machine.example.test

[account work]
host = localhost
port = 2525
tls_ca_file = {ca}
user = me@example.test
password_file = {secret}
END
my @more = (server => $server, secret => "$me{password}\n");
my $runner = runner_start("${text}proxy = socks5://proxy%20user:$login[1]\@127.0.0.1:" . $proxy->port . "\n", @more,
	aliases => "root: somebody\@example.net\n");

sub hand_in { return $runner->as_user('alice', [ 'sendmail', 'root' ], stdin => "hi\n") }

is(hand_in()->{exit}, 0, 'alice hands in');
ok(wait_until(sub { $server->stored == 1 }, 20), 'sent through the proxy');
is_deeply([$proxy->requests], ['name localhost:2525'], 'by the name');
my $r = $runner->as_user('alice', [ 'sendoff', 'config', 'show' ]);
unlike($r->{out} . $r->{err}, qr/proxy|$login[1]/, 'alice sees nothing of it');

# A command that fails, and says more than users are to know.
$runner->stop;
$runner = runner_start("${text}connect_command = echo 'known to root alone' >&2; exit 9\n", @more,
	aliases => "root: somebody\@example.net\n");
is(hand_in()->{exit}, 0, 'alice hands in again');
ok(wait_until(sub { $runner->as_user('alice', [ 'mailq' ])->{out} =~ /exit status 9/ }, 20), 'and sees why it waits')
	or diag($runner->as_user('alice', [ 'mailq' ])->{out});
$r = $runner->as_user('alice', [ 'sendoff', 'queue', 'list', '--json' ]);
like($r->{out}, qr/connect_command failed: exit status 9/, 'in all of it');
unlike($r->{out} . $r->{err} . $runner->as_user('alice', [ 'mailq' ])->{out}, qr/known to root/, 'but not its words');
$r = $runner->as_root([ 'sendoff', 'check' ]);
like($r->{out} =~ s/\s+/ /gr, qr/connect_command failed: exit status 9: known to root alone/, 'root is told by check') or diag($r->{out});

done_testing;
