#!/usr/bin/perl
# Never a secret over a connection from which somebody has taken the TLS away, and never
# what was said before TLS taken for true behind it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Never;
use SendoffTest::Send;

# Whoever stands in the middle offers every login at once.
my %bait = (tls => 'starttls', mechanisms_before_tls => 'PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER');
my $mx = '250-mx.example.test';
my $login = '250-AUTH PLAIN LOGIN CRAM-MD5';

sub at { my ($row, %o) = @_; return { server => { %bait, at => $row }, exit => 76, %o } }

subtest 'STARTTLS is not offered' => sub {
	my $offered = sub { my ($lines, %o) = @_; return at(qq(EHLO reply "$lines"), cause => 'tls-not-offered', heard => ['EHLO'], %o) };

	never(
		'the line is missing' => $offered->("$mx\\r\\n$login\\r\\n250 PIPELINING"),
		'overwritten' => $offered->("$mx\\r\\n250-XXXXXXXX\\r\\n$login\\r\\n250 SIZE"),
		'a part of another word' => $offered->("$mx\\r\\n250-XSTARTTLS\\r\\n$login\\r\\n250 STARTTLSX"),
		'a letter away' => $offered->("$mx\\r\\n250-STARTTLZ\\r\\n$login\\r\\n250 START TLS"),
		'in the line that greets' => $offered->("250-STARTTLS\\r\\n$login\\r\\n250 PIPELINING"),
		'a parameter of AUTH' => $offered->("$mx\\r\\n250 AUTH PLAIN STARTTLS"),
		'no extension at all' => $offered->('250 mx.example.test'),
		'with leave to show the password in clear' => $offered->("$mx\\r\\n$login\\r\\n250 PIPELINING",
			keys => { allow_clear_password => 'yes', auth => 'plain' }),
		'a token' => $offered->("$mx\\r\\n250 AUTH XOAUTH2 OAUTHBEARER", token => 1),
		'in the reply to HELO alone' => { server => { %bait, at => ['EHLO reply "502 5.5.1 no"', 'HELO reply "250-mx\r\n250 STARTTLS"'] },
			exit => 76, cause => 'ehlo-unknown', heard => ['EHLO'] },
		'EHLO is refused' => at('EHLO reply "550 5.7.1 HELO only"', exit => 69, cause => 'greeted-off', heard => ['EHLO']),
		'EHLO is refused for now' => at('EHLO reply "451 4.3.0 later"', exit => 75, cause => 'busy', heard => ['EHLO']),
		'EHLO answered twice, the second time without' => at(qq(EHLO inject "$mx\\r\\n$login\\r\\n250 SIZE"), cause => 'protocol',
			told => qr/before it was asked/, heard => ['EHLO']),
		'and twice with it' => at('EHLO double', cause => 'protocol', told => qr/before it was asked/, heard => ['EHLO']),
		'a line with a NUL' => at(qq(EHLO reply "$mx\\r\\n250-\\x00\\r\\n250 STARTTLS"), cause => 'protocol', told => qr/not SMTP/, heard => ['EHLO']),
	);
};

subtest 'STARTTLS is not done' => sub {
	my $reply = sub { my ($text, @o) = @_; return at(qq(STARTTLS reply "$text"), @o) };

	never(
		'500' => $reply->('500 5.5.2 what', cause => 'starttls-refused'),
		'502' => $reply->('502 5.5.1 no', cause => 'starttls-refused'),
		'530' => $reply->('530 5.7.0 log in first', cause => 'starttls-refused'),
		'550, and where it can be had' => $reply->('550 5.7.1 use AUTH without TLS', cause => 'starttls-refused'),
		'454' => $reply->('454 4.7.0 TLS not available', exit => 75, cause => 'starttls-later'),
		'421' => $reply->('421 4.3.2 closing', exit => 75, cause => 'server-closes'),
		(map { ("$_ is no yes" => $reply->("$_ 2.0.0 ready to start TLS", cause => 'protocol', told => qr/does not fit/)) } 221, 235, 250, 251, 334, 354),
		(map { ("'$_' is no answer" => $reply->($_, cause => 'protocol', told => qr/not SMTP/)) } '220go', '2200 go', ' 220 go', '22', 'ready'),
		'mixed codes' => $reply->('220-go\r\n250 go', cause => 'protocol', told => qr/mixes the codes/),
		'a line that is cut' => $reply->('220 go\c', exit => 75, cause => 'answer-too-slow', told => qr/did not finish its answer/, waits => 1),
		'a line that a lone CR ends' => $reply->('220 go\r\c', exit => 75, cause => 'answer-too-slow', waits => 1),
		'a reply that goes on' => $reply->('220-go', exit => 75, cause => 'answer-too-slow', waits => 1),
		'cut, and closed' => { server => { %bait, at => ['STARTTLS reply "22\c"', 'handshake close'] }, exit => 75, cause => qr/lost|answer-too-slow/ },
		'a page of the web' => $reply->('<html>log in</html>\c', exit => 76, cause => 'http-here', waits => 1),
		'closed' => at('STARTTLS close', exit => 75, cause => 'lost'),
		'reset' => at('STARTTLS reset', exit => 75, cause => 'lost'),
		'silence' => at('STARTTLS silence', exit => 75, cause => 'timeout', waits => 1),
		'dripping' => at('STARTTLS drip 300', exit => 75, cause => 'answer-too-slow', waits => 1),
		'the handshake in clear' => at('handshake plain', exit => 75, cause => qr/./, waits => 1),
		# It comes with the 220, or behind it.
		(map { ("'$_' instead of it" => at(qq(handshake reply "$_"), cause => qr/^(?:tls-not-tls|protocol)$/,
			told => qr/clear text|plain SMTP|before it was asked/)) } '250 done', '220 ready', '554 5.5.1 what was that'),
		'closed instead of it' => at('handshake close', exit => 75, cause => 'lost'),
		'silence instead of it' => at('handshake silence', exit => 75, cause => 'timeout', waits => 1),
	);
};

subtest 'what was offered before TLS is forgotten' => sub {
	never(
		'a login before TLS, and none behind it' => { server => { %bait, mechanisms => '' }, exit => 77, cause => 'login-not-offered' },
		'a login that is known before, and one that is not behind' => { server => { %bait, mechanisms => 'DIGEST-MD5 NTLM' }, exit => 77,
			cause => 'no-common-mechanism', told => qr/server offers DIGEST-MD5 NTLM/ },
		'the one that auth names before TLS alone' => { server => { %bait, mechanisms => 'LOGIN' }, keys => { auth => 'plain' }, by => [qw(send check)],
			exit => 77, cause => 'no-common-mechanism', told => qr/server offers LOGIN; this account allows PLAIN/ },
		'a token before TLS, and passwords behind' => { token => 1, server => { %bait, password => 'x', mechanisms => 'PLAIN' }, exit => 77,
			cause => 'no-common-mechanism', by => [qw(send check)] },
		'no EHLO behind TLS' => { server => { %bait, at => 'EHLO:2 reply "502 5.5.1 no"' }, exit => 76, cause => 'ehlo-unknown' },
		'STARTTLS once more behind it, and no login' => { server => { %bait, at => 'EHLO:2 reply "250-mx\r\n250 STARTTLS"' }, exit => 77,
			cause => 'login-not-offered' },
	);
};

# The same dialogue where nobody interferes: it is the rows above that make the difference.
sub good
{
	my ($name, $server, %o) = @_;
	my $s = server_start(tls => 'starttls', user => $user, password => $secret, raw => 1, %$server);
	my $r = send_mail(account($s, tls => 'starttls', user => $user, password => qq("$secret"), %{ $o{keys} // {} }), undef,
		stdin => $o{stdin} // letter());
	my @first = map { $_->{text} } grep { $_->{kind} =~ /^(?:C|TLS)$/ } $s->journal;

	is($r->{exit}, $o{exit} // 0, "$name: exit") or diag($r->{err});
	is_deeply([@first[0, 1], $first[2] =~ /^TLS1/ ? 'TLS' : $first[2], $first[3]], ['EHLO client.example.test', 'STARTTLS', 'TLS', 'EHLO client.example.test'],
		"$name: EHLO, TLS, EHLO");
	is_deeply([$s->violations], [], "$name: by the rules");
	return ($s, $r);
}

subtest 'and what is offered behind it counts' => sub {
	my ($s) = good('nothing is wrong', {});
	is_deeply([$s->logins], ["$user PLAIN"], 'a login');
	($s) = good("'$_'", { at => qq(EHLO:1 reply "250-mx\\r\\n250 $_") }) for 'starttls', 'StartTLS', 'STARTTLS ignored words', "STARTTLS ";
	($s) = good('a better login behind TLS', { mechanisms_before_tls => 'PLAIN LOGIN', mechanisms => 'SCRAM-SHA-256' });
	is_deeply([$s->logins], ["$user SCRAM-SHA-256"], 'is the one that is used');

	my @had = (extensions => 'SIZE PIPELINING 8BITMIME SMTPUTF8 DSN CHUNKING');
	($s) = good('8BITMIME and the rest before TLS alone', { @had, ext_after_tls => 'ENHANCEDSTATUSCODES' }, keys => { chunking => 'yes' },
		stdin => letter("gr\xc3\xbc\xc3\x9fe\n", 'MIME-Version' => '1.0', 'Content-Type' => 'text/plain; charset=utf-8',
			'Content-Transfer-Encoding' => '8bit'));
	my $mail = $s->envelope(1);
	unlike($mail->{mail}, qr/BODY=|SIZE=|SMTPUTF8/, 'E5: no parameter that is not offered now');
	is($mail->{via}, 'DATA', 'E5: no BDAT');
	unlike($s->message(1), qr/[\x80-\xff]/, 'E5: 7 bits');
	like($s->message(1), qr/gr=C3=BC=C3=9Fe/, 'A8: that say the same');
	($s) = good('8BITMIME behind TLS alone', { extensions => '', ext_after_tls => '8BITMIME SIZE' }, stdin => letter("gr\xc3\xbc\xc3\x9fe\n",
		'MIME-Version' => '1.0', 'Content-Type' => 'text/plain; charset=utf-8', 'Content-Transfer-Encoding' => '8bit'));
	like($s->envelope(1)->{mail}, qr/SIZE=\d+ BODY=8BITMIME/, 'E5: is used');
	($s) = good('a size before TLS alone', { ext_after_tls => 'PIPELINING', at => 'EHLO:1 reply "250-mx\r\n250-STARTTLS\r\n250 SIZE 10"' });
	is($s->stored, 1, 'E5: does not count');
	my $r;
	($s, $r) = good('a size behind TLS', { at => 'EHLO:2 reply "250-mx\r\n250-AUTH PLAIN\r\n250 SIZE 10"' }, exit => 69);
	like($r->{err}, qr/this server takes at most 10/, 'E5: counts');
};

done_testing;
