#!/usr/bin/perl
# Never an answer taken for one to what was not asked yet, and never a wait without an end:
# servers that speak too early, too much, too slowly, or for ever.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use POSIX ();
use SendoffTest;
use SendoffTest::Never;
use SendoffTest::Send;
use Time::HiRes qw(sleep time);

my %bait = (tls => 'starttls', mechanisms_before_tls => 'PLAIN LOGIN CRAM-MD5');
my $ehlo = '250-mx.example.test\r\n250-AUTH PLAIN LOGIN\r\n250 PIPELINING';

subtest 'D2, E6: answers that nobody has asked for' => sub {
	my $clear = sub { my ($at, @heard) = @_;
		return { server => { %bait, at => $at }, exit => 76, cause => 'protocol', told => qr/before it was asked/, heard => \@heard } };
	my $inside = sub { my ($at, @heard) = @_;
		return { server => { mechanisms => 'PLAIN', at => $at }, exit => 76, cause => 'protocol', told => qr/before it was asked/, heard => \@heard } };

	never(
		'the answer to EHLO with the greeting' => $clear->(qq(greeting inject "250-mx\\r\\n250 AUTH PLAIN"), 'EHLO'),
		'the answer to EHLO with the greeting, STARTTLS in it' => $clear->(qq(greeting inject "250-mx\\r\\n250 STARTTLS"), 'EHLO'),
		'all answers of a session with the greeting' => $clear->(
			'greeting inject "250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n220 go\r\n235 yes\r\n250 ok\r\n250 ok\r\n354 go\r\n250 taken"', 'EHLO'),
		'two greetings' => $clear->('greeting double', 'EHLO'),
		'half an answer with the greeting' => { server => { %bait, at => 'greeting inject "250-mx"' }, exit => 76,
			cause => qr/^(?:protocol|tls-not-offered)$/, heard => ['EHLO'] },
		'220 with the answer to EHLO' => $clear->(qq(EHLO inject "220 go ahead"), 'EHLO'),
		(map { ("behind the 220: '$_'" => $clear->(qq(STARTTLS inject "$_"), qw(EHLO STARTTLS))) }
			'250 PIPELINING', $ehlo, '235 2.7.0 welcome', '421 4.3.2 bye', '250-x\c', '\x00\c', ' \c', '220 smtp.example.test'),
		'TLS, the answer to EHLO with the greeting' => $inside->(qq(greeting inject "250-mx\\r\\n250 AUTH PLAIN"), 'EHLO'),
		'TLS, two greetings' => $inside->('greeting double', 'EHLO'),
		'TLS, 235 with the answer to EHLO' => $inside->('EHLO inject "235 2.7.0 welcome"', 'EHLO'),
		'TLS, a challenge with the answer to EHLO' => $inside->('EHLO inject "334 "', 'EHLO'),
		'TLS, EHLO answered twice' => $inside->('EHLO double', 'EHLO'),
	);
};

# Inside of TLS it is the right server that speaks out of turn, so it may hear the login;
# but what it says so is no answer, and no mail counts as sent.
subtest 'E6: the right server, out of turn' => sub {
	for my $tls (qw(implicit starttls)) {
		my $greets = $tls eq 'implicit' ? '220 smtp.example.test' : '';

		for my $case (
			# Where it comes late, it is the answer to EHLO, and that one another's.
			['at the end of the handshake', qq(handshake inject "$ehlo"), '76|77'],
			['at the end of the handshake, and more', qq(handshake inject "$ehlo\\r\\n235 yes\\r\\n250 a\\r\\n250 b\\r\\n354 c\\r\\n250 d"), '76|77'],
			['with the 235', 'AUTH inject "250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 taken"', 76],
			['with a second 235', 'AUTH double', 76],
			['for the content, with the 354', 'DATA inject "250 2.0.0 taken"', '76|74'],
		) {
			my ($name, $at, $exit) = @$case;
			my $s = server_start(tls => $tls, user => $user, password => $secret, mechanisms => 'PLAIN', at => $at);
			my $r = send_mail(account($s, tls => $tls, user => $user, password => qq("$secret"), timeout => '9s'));

			like($r->{exit}, qr/^(?:$exit)$/, "$tls, $name: no success") or diag($r->{err});
			is($s->stored, 0, "$tls, $name: and nothing is taken");
			is_deeply([grep { !/^(?:lone|unknown|sync|bare-lf|pipelining)/ } $s->violations], [], "$tls, $name: by the rules") if $exit eq '76';
			$s->stop;
		}
	}
};

subtest 'C1: a challenge for each answer, for ever' => sub {
	my @texts = ('', 'VXNlcm5hbWU6', 'eA==', '!!!', b64('r=x,s=eA==,i=4096'));

	for my $mechanism (qw(PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS XOAUTH2 OAUTHBEARER)) {
		for my $text (@texts) {
			my $s = server_start(tls => 'implicit', user => $user, ($mechanism =~ /OAUTH/ ? (token => $token) : (password => $secret)),
				mechanisms => $mechanism, at => [qq(AUTH reply "334 $text"), qq(AUTH-RESPONSE reply "334 $text")]);
			my $r = send_mail(account($s, tls => 'implicit', user => $user, password => $mechanism =~ /OAUTH/ ? $token : qq("$secret"), auth => lc $mechanism, timeout => '9s'));

			like($r->{exit}, qr/^7[67]$/, "$mechanism, '$text': an end ($r->{exit})") or diag($r->{err});
			cmp_ok(scalar(() = $s->commands), '<', 8, "$mechanism, '$text': soon");
			is($s->stored, 0, "D6 $mechanism, '$text': no mail");
			$s->stop;
		}
	}
};

# One server that says these things without end, and what it hears meanwhile: $say->(socket)
# says the next bit, and false when it cannot.
sub endless
{
	my ($begin, $say) = @_;
	my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die "listen: $!";
	my $heard = workdir() . '/heard' . $listen->sockport;
	my $pid = fork // die "fork: $!";

	if (!$pid) {
		$SIG{ALRM} = 'DEFAULT';
		$SIG{PIPE} = 'IGNORE';
		alarm 60;
		while (my $c = $listen->accept) {
			open my $out, '>>', $heard;
			$out->autoflush(1);
			$c->blocking(0);
			my $good = 1;
			for my $line (@$begin) {   # the part before, as a dialogue
				syswrite $c, $line;
				last if $line !~ /\n\z/;
				for (1 .. 200) {
					my $n = sysread $c, my $said, 4096;
					if ($n) { print {$out} $said; last }
					$good = 0, last if defined $n;
					sleep 0.02;
				}
			}
			while ($good && $say->($c)) {
				my $n = sysread $c, my $said, 4096;
				print {$out} $said if $n;
				last if defined $n && !$n;
			}
			close $out;
			close $c;
		}
		POSIX::_exit(0);
	}
	return ($listen->sockport, $pid, $heard);
}

sub slowly { my ($text) = @_; return sub { sleep 0.15; return defined syswrite $_[0], $text } }
sub fast
{
	my ($text) = @_;
	my $much = $text x (65536 / length $text);

	return sub { my $n = syswrite $_[0], $much; return 1 if $n || $!{EAGAIN}; return 0 };
}

subtest 'C1, C2: what never ends' => sub {
	my @offers = ("220 mx ESMTP\r\n", "250-mx\r\n250 STARTTLS\r\n");
	my @cases = (
		['a greeting, octet by octet', [], slowly('2'), qr/^(?:75|76)$/, qr/^(?:answer-too-slow|protocol)$/],
		['220 and its text, octet by octet', ['220 '], slowly('x'), 75, 'answer-too-slow'],
		['a greeting of lines, one after the other', [], slowly("220-be patient\r\n"), 75, 'answer-too-slow'],
		['a greeting of lines, as fast as it goes', [], fast("220-x\r\n"), 76, 'protocol'],
		['one line, as fast as it goes', ['220 '], fast('x'), 76, 'protocol'],
		['octets that are nothing, as fast as it goes', [], fast("\x00\x01\x02"), 76, 'protocol'],
		['empty lines', [], fast("\r\n"), 76, 'protocol'],
		['extensions, one after the other', [$offers[0]], slowly("250-X-MORE\r\n"), 75, 'answer-too-slow'],
		['extensions, as fast as it goes', [$offers[0]], fast("250-AUTH PLAIN\r\n"), 76, 'protocol'],
		['the 220 of STARTTLS', [@offers], slowly("220-soon\r\n"), 75, 'answer-too-slow'],
		['a handshake, octet by octet', [@offers, "220 go\r\n", "\x16\x03\x03\x40\x00"], slowly("\x02"), 75, 'timeout'],
		['what only begins like one', [@offers, "220 go\r\n"], slowly("\x16"), 76, 'tls-not-tls'],
		['a handshake that has no end', [@offers, "220 go\r\n", "\x16\x03\x03\x40\x00"], fast("\x00"), qr/^(?:75|76)$/, qr/./],
		['warnings instead of a handshake', [@offers, "220 go\r\n"], fast("\x15\x03\x03\x00\x02\x01\x5a"), qr/^(?:75|76)$/, qr/./],
		['changes of cipher instead of a handshake', [@offers, "220 go\r\n"], fast("\x14\x03\x03\x00\x01\x01"), qr/^(?:75|76)$/, qr/./],
		['challenges before EHLO', [$offers[0]], fast("334 \r\n"), 76, 'protocol'],
		['a yes to everything', [], fast("250 ok\r\n"), 76, 'protocol'],
	);
	# All of them first: they would hold the pipes of runs that have begun.
	my @runs = map { [$_, endless(@$_[1, 2])] } @cases;

	for my $run (@runs) {
		my $config = config(account_text(tls => 'starttls', port => $run->[1], user => $user, password => qq("$secret"), timeout => '3s',
			connect_timeout => '4s'));
		splice @$run, 1, 1;
		push @$run, send_mail_start($config, [qw(--json send --no-queue you@example.net)], timeout => 60);
	}
	my @results = finish_all(map { $_->[3] } @runs);
	for my $run (@runs) {
		my ($case, $pid, $file) = @$run;
		my ($name, undef, undef, $exit, $cause) = @$case;
		my $r = shift @results;
		my $heard = -e $file ? file_read($file) : '';

		like($r->{exit}, ref $exit ? $exit : qr/^$exit$/, "$name: an end") or diag($r->{err});
		like(($r->{out} =~ /"error":\{"cause":"([^"]+)/)[0] // '', ref $cause ? $cause : qr/^$cause$/, "$name: the cause") or diag($r->{err});
		cmp_ok($r->{seconds}, '<', 40, "$name: in time");
		is_deeply([secrets_in($heard)], [], "D9 $name: no secret");
		is(length($r->{err}) < 2000, 1, "E4 $name: and told shortly");
		kill 'KILL', $pid;
		waitpid $pid, 0;
	}
};

# The deadline of a whole session is not stretched by answers that come just in time.
subtest 'C1: each answer just before its deadline' => sub {
	my $s = server_start(tls => 'implicit', user => $user, password => $secret, mechanisms => 'SCRAM-SHA-256', at =>
		[map { "$_ delay 700" } qw(greeting EHLO AUTH AUTH-RESPONSE MAIL RCPT DATA)]);
	my $r = send_mail(account($s, tls => 'implicit', user => $user, password => qq("$secret"), timeout => '9s'), undef, timeout => 60);

	is($r->{exit}, 0, 'slow, and good') or diag($r->{err});
	is($s->stored, 1, 'is sent');
};

done_testing;
