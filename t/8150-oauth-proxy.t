#!/usr/bin/perl
# An account with a proxy asks for its tokens through it too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Proxy;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Token;

my @login = ('proxy user', 'proxy:w0rd@x');
my $coded = 'proxy%20user:proxy%3Aw0rd%40x';

sub now { return send_mail($_[0], ['send', '--no-queue', 'you@example.net'], @_[1 .. $#_]) }

for my $kind (qw(socks5 http)) {
	for my $with (0, 1) {
		subtest "$kind" . ($with ? ' with a login' : '') => sub {
			my $tokens = token_server();
			my $s = server_start(tls => 'starttls', user => 'me@example.com', tokens => $tokens->tokens);
			my $proxy = proxy_start($s, kind => $kind, to => 'asked', $with ? (login => \@login) : ());
			my $url = $with ? $proxy->url =~ s{//}{//$coded\@}r : $proxy->url;
			my $config = account($s, host => 'localhost', tls => 'starttls', user => 'me@example.com', oauth($tokens),
				proxy => $url);

			# The old one is over.
			signed_in($tokens, 'test', expires => time - 10);
			my $r = now($config, env => { https_proxy => 'http://127.0.0.1:9', no_proxy => '*' });
			is($r->{exit}, 0, 'sent with a new token') or diag($r->{err});
			my @requests = $proxy->requests;
			is(scalar @requests, 2, 'two ways were asked for');
			my ($token_port) = $tokens->url('token') =~ /:(\d+)/;
			is((grep { /:$token_port$/ } @requests), 1, 'one to the provider, whatever the environment says');
			is((grep { /:${\ $s->port}$/ } @requests), 1, 'one to the mail server');
			is((grep { /^ipv/ } @requests), 0, 'by names') if $tokens->url('token') =~ /localhost/;
		};
	}
}

subtest 'a proxy that is not there' => sub {
	my $tokens = token_server();
	my $s = server_start(tls => 'starttls', user => 'me@example.com', tokens => $tokens->tokens);
	my $r;

	signed_in($tokens, 'test', expires => time - 10);
	$r = now(account($s, host => 'localhost', tls => 'starttls', user => 'me@example.com', oauth($tokens),
		proxy => 'http://127.0.0.1:' . nobody()->port));
	is($r->{exit}, 75, 'nobody gets a token without it') or diag($r->{err});
	is(scalar(() = $tokens->asked), 1, 'only the sign-in has asked');
	$r = now(account($s, host => 'localhost', tls => 'starttls', user => 'me@example.com', oauth($tokens),
		proxy => proxy_start($s, kind => 'http', answer => "HTTP/1.1 403 No\r\n\r\n")->url));
	is($r->{exit}, 77, 'nor by one that refuses, which is told of the way to the mail server') or diag($r->{err});
};

done_testing;
