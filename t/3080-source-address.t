#!/usr/bin/perl
# The address to connect from; and which ways to a server do not go together.

use strict;
use warnings;

use FindBin;
use IO::Socket::INET;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Proxy;
use SendoffTest::Send;

sub now { return send_mail($_[0], ['send', '--no-queue', 'you@example.net'], @_[1 .. $#_]) }

# Where one connection comes from, and nothing else.
sub comes_from
{
	my (%keys) = @_;
	my $listen = IO::Socket::INET->new(LocalAddr => '0.0.0.0', Listen => 5) or die;
	my $run = send_mail_start(config(account_text(host => '127.0.0.1', port => $listen->sockport, %keys)),
		['send', '--no-queue', 'you@example.net']);
	my $peer = $listen->accept;
	my $from = $peer->peerhost;

	$peer->close;
	$run->finish;
	return $from;
}

subtest 'the connection comes from there' => sub {
	is(comes_from(), '127.0.0.1', 'without it the system chooses');
	is(comes_from(source_address => '127.0.0.9'), '127.0.0.9', 'with it not');

	my $s = server_start();
	my $r = now(account($s, source_address => '127.0.0.9', ehlo => undef));
	is($r->{exit}, 0, 'sent') or diag($r->{err});
	like(($s->commands)[0], qr/^EHLO (?:\[127\.0\.0\.9\]|[\w-]+(?:\.[\w-]+)+)$/, 'EHLO has no other one');
	is(now(account($s, host => 'localhost', source_address => '127.0.0.9'))->{exit}, 0, 'to a name with two families');
};

subtest 'the other family is not tried' => sub {
	my $s = server_start();
	my $r = now(account($s, host => '::1', source_address => '127.0.0.9'));

	is($r->{exit}, 68, 'there is no address to connect to') or diag($r->{err});
	like($r->{err}, qr/source_address is IPv4, so that no other address of ::1 counts/, 'and why');
};

subtest 'an address that this machine does not have' => sub {
	my $s = server_start();
	my $config = account($s, source_address => '192.0.2.77');
	my $r = now($config);
	my ($report) = checked($config);

	is($r->{exit}, 75, 'it may come, as that of a VPN') or diag($r->{err});
	like($r->{err}, qr/cannot connect to 127\.0\.0\.1 from 192\.0\.2\.77: this machine has no such address/, 'in words');
	like($r->{err}, qr/compare it with what `ip address` lists/, 'and what to do');
	is($report->{failed}{cause}, 'source-address-missing', 'the cause');
	is((grep { $_->{stage} eq 'elsewhere' } @{ $report->{stages} }), 0, 'other ports are not tried: it is none of theirs');
	queue_empty();
	is(send_mail($config, ['send', 'you@example.net'])->{exit}, 0, 'G4: mail waits for it');
	is(scalar queued('new'), 1, 'in the queue');
	$r = now(account($s, proxy => 'socks5://127.0.0.1:9', source_address => '192.0.2.77'));
	is($r->{exit}, 75, 'the same on the way to a proxy');
	like($r->{err}, qr/the proxy socks5:\/\/127\.0\.0\.1:9: .* no such address/, 'in words');
};

subtest 'check shows it' => sub {
	my ($report, $r) = checked(account(server_start(), source_address => '127.0.0.9'));
	my %stage = map { $_->{stage} => $_ } @{ $report->{stages} };

	is($r->{exit}, 0, 'all is well') or diag($r->{out});
	is($stage{connect}{facts}{source_address}, '127.0.0.9', 'as a fact');
};

# KEY => VALUE, ..., then what is said and what is to be done.
my @mistakes = (
	[{ source_address => 'mail.example.test' }, 'source_address is no address', 'write an address of this machine'],
	[{ source_address => '[::1]' }, 'source_address is no address', 'without brackets'],
	[{ source_address => '127.0.0.1', family => 'ipv6' }, 'source_address and family do not go together', 'take family out'],
	[{ source_address => '127.0.0.1', host => '/run/x.sock' }, 'source_address and a host that is a socket do not go',
		'take source_address out'],
	[{ proxy => 'socks5://h', host => '/run/x.sock' }, 'proxy and a host that is a socket do not go together',
		'take proxy out'],
	[{ connect_command => 'x', host => '/run/x.sock' }, 'connect_command and a host that is a socket do not go',
		'set host to the name of the server'],
	[{ connect_command => 'x', proxy => 'socks5://h' }, 'connect_command and proxy do not go together', 'keep one of them'],
	[{ connect_command => 'x', source_address => '127.0.0.1' }, 'connect_command and source_address do not go',
		'take source_address out'],
	[{ connect_command => 'x', family => 'ipv4' }, 'connect_command and family do not go together', 'take family out'],
	(map { [{ proxy => $_ }, 'proxy is not to be understood', 'write it as in: proxy = socks5://127.0.0.1:1080'] }
		'127.0.0.1:1080', 'socks4://h', 'https://h', 'socks5://', 'socks5://:1080', 'socks5://h:0', 'socks5://h:65536',
		'socks5://h:port', 'socks5://h/path', 'socks5://h?x', 'socks5://::1', 'socks5://[::1', 'socks5://[::1]x',
		'socks5://topsecret@h', 'socks5://:topsecret@h', 'socks5://u:topsecret%zz@h', 'socks5://u:top%00secret@h',
		'socks5://u:' . 'x' x 256 . '@h', 'http://a%3ab:topsecret@h'),
);

for my $case (@mistakes) {
	my ($keys, $said, $next) = @$case;
	my $text = account_text(host => 'mail.example.test', port => undef, %$keys);
	my $config = config($text);
	my @lines = split /\n/, $text;
	my $key = $keys->{connect_command} ? 'connect_command' : $keys->{proxy} ? 'proxy' : 'source_address';
	my ($line) = grep { $lines[$_ - 1] =~ /^$key = / } 1 .. @lines;
	my $r = run_sendoff(['-C', $config, 'config', 'check']);

	is($r->{exit}, 78, 'a mistake: ' . join ' ', map { "$_ = $keys->{$_}" } sort keys %$keys);
	like($r->{err}, qr/\Q$config\E: account 'test': line $line: \Q$said\E/, '... told with file and line');
	like($r->{err}, qr/\Q$next\E/, '... and what to do');
	unlike($r->{err} . $r->{out}, qr/topsecret|secret%zz/, '... without what is in it');
}

subtest 'the password of a proxy is a secret' => sub {
	my $text = account_text(host => 'mail.example.test', port => undef, proxy => 'http://me:h1dden%40word@proxy.example.test:3128');
	my $config = config($text);
	my $r;

	SendoffTest::Secrets::known('h1dden%40word', 'h1dden@word');
	$r = run_sendoff(['-C', $config, 'config', 'show']);
	is($r->{exit}, 0, 'shown') or diag($r->{err});
	like($r->{out}, qr/^proxy +\= http:\/\/me:\*\*\*\@proxy\.example\.test:3128 /m, 'but for the password');
	$r = run_sendoff(['-C', $config, 'config', 'show', '--json']);
	like($r->{out}, qr/http:\/\/me:\*\*\*\@proxy\.example\.test:3128/, 'as JSON too');
	chmod 0644, $config;
	$r = run_sendoff(['-C', $config, 'config', 'check']);
	is($r->{exit}, 78, 'D10: a file with it that others can read is refused');
	$config = config($text =~ s/me:h1dden%40word\@//r, mode => 0644);
	is(run_sendoff(['-C', $config, 'config', 'check'])->{exit}, 0, 'without it others may read');
	$r = run_sendoff(['-C', $config, 'config', 'show']);
	like($r->{out}, qr/^proxy +\= http:\/\/proxy\.example\.test:3128 /m, 'and all is shown');
};

subtest 'an option is no place for a password' => sub {
	my $r = run_sendoff(['check', '--host', 'mail.example.test', '--set', 'proxy=socks5://u:topsecret@h']);

	is($r->{exit}, 64, 'refused') or diag($r->{out});
	like($r->{err}, qr/--set takes no proxy with a password or PIN in it/, 'and why');
	unlike($r->{err}, qr/topsecret/, 'without saying it again');
};

subtest 'an empty value takes away what [defaults] say' => sub {
	my $s = server_start();
	my $text = account_text(proxy => '') =~ s/^\[account/[defaults]\nproxy = socks5:\/\/127.0.0.1:9\n\n[account/mr;

	is(now(config($text, server => $s))->{exit}, 0, 'straight');
};

done_testing;
