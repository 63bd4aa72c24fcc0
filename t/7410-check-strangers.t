#!/usr/bin/perl
# D8: sendoff check never proposes to give a password to somebody else: a name that is short,
# local, or cannot be looked up now is no reason to name a provider's server.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Names;

my @providers = qw(smtp.gmail.com smtp.mail.com smtp.web.de mail.gmx.net send.one.com smtp.example.test);
own_names(hosts => { '127.0.0.1' => [ 'localhost', @providers ], '127.0.0.9' => [ qw(mail web send me relay.example.test) ] },
	silent => [ 'relay.corp.test' ]);

# Whoever it is: it answers, and its certificate would do.
my ($bundle) = grep { -e } qw(/etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt);
plan(skip_all => 'this system has no bundle of roots') if !$bundle;
put_over($bundle, file_read(cert('ca')));

my $key = cert('server', 'key');
my @everybody = map { my ($port, $tls) = @$_; server_start(port => $port, tls => $tls, user => 'svc', password => 'geheim',
	require_login => 1, lenient => 1) } [ 465, 'implicit' ], [ 587, 'starttls' ];

sub account_of
{
	my (%keys) = @_;

	return config("[sendoff]\nlog = none\n\n[account test]\nuser = svc\npassword = geheim\ntls_verify = yes\n" .
		join '', map { "$_ = $keys{$_}\n" } sort keys %keys);
}

sub proposes_nobody
{
	my ($name, $file, $cause) = @_;
	my $r = check($file, [ '--json', '--timeout', 12 ], timeout => 40);
	my $failed = $r->{json}{failed};

	like($failed->{cause}, qr/^(?:$cause)$/, "$name: the cause") or diag($r->{out});
	is_deeply($failed->{settings}, [], "$name: nothing to set");
	ok(!defined $failed->{works}, "$name: nobody is named") or diag($failed->{works});
	my $tried = stage($r, 'elsewhere');
	is_deeply([ grep { $_->{host} =~ /gmail|mail\.com|web\.de|gmx|one\.com/ } @{ $tried ? $tried->{facts}{tried} : [] } ],
		[], "$name: nor knocked at");
}

proposes_nobody("host = $_, which is down", account_of(host => $_, port => 587), 'connect-\S+|host-\S+')
	for qw(mail web send me);
proposes_nobody('a name that cannot be looked up now', account_of(host => 'relay.corp.test', from => 'me@gmail.com'),
	'name-later');
proposes_nobody('a name of another network', account_of(host => 'intern.corp.test', from => 'me@gmail.com'),
	'name-unknown');
is(scalar(map { $_->logins } @everybody), 0, 'and nobody was told the password');

# A slip of the pen in the very name of a provider's server is another matter.
my $r = check(account_of(host => 'smpt.gmail.com'), [ '--json', '--timeout', 12 ], timeout => 40);
my $tried = stage($r, 'elsewhere');
ok(scalar(grep { $_->{host} eq 'smtp.gmail.com' } @{ $tried->{facts}{tried} }), 'a typing error is seen');

# Who is asked by the name of a provider and shows that of another is between them.
$r = check(account_of(host => 'smtp.gmail.com', port => 465), [ '--json' ], timeout => 40);
is($r->{json}{failed}{cause}, 'certificate-wrong-name', 'a portal with a certificate of its own');
like($r->{json}{failed}{next}, qr/not the server of Gmail: a login portal/, '... is called what it is');
unlike($r->{json}{failed}{next}, qr/set (?:host|tls_host)/, '... and not recommended');

$_->stop for @everybody;
done_testing;
