#!/usr/bin/perl
# sendoff check at each stage that can fail: where, in whose words, why, and what to do;
# the exit code, no further stage than that, and no login that was tried twice.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;

my %me = (user => 'me@example.test', password => 'pass w0rd');
my @before = qw(secret name connect tls ehlo login);

# A case: { name, server => {...}, keys => {...}, args => [...], and what must be: exit,
# stage, cause, said, what, next (patterns), stages, marks => { STAGE => MARK }, logins }.
my @cases;

sub later { my ($name, %o) = @_; push @cases, { name => $name, %o } }

sub begin
{
	my ($case) = @_;
	my $tls = $case->{server}{tls} // 'implicit';

	$case->{s} = $case->{nobody} ? nobody() : server_start(tls => $tls, %me, %{ $case->{server} // {} });
	$case->{config} = $case->{config} ? config($case->{config}, server => $case->{s}) :
		account($case->{s}, tls => $tls, %me, timeout => '700ms', connect_timeout => '900ms', %{ $case->{keys} // {} });
	$case->{run} = check_start($case->{config}, [@{ $case->{args} // [] }, '--json', '--timeout', 4], timeout => 15);
}

# The words for a person say the same.
sub end_in_words
{
	my ($case, $f) = @_;
	my $r = check($case->{config}, [@{ $case->{args} // [] }, '--timeout', 4], env => { COLUMNS => 1000 });

	is($r->{exit}, $case->{exit}, "$case->{name}: the exit code in words");
	like($r->{out}, qr/^failed +\Q$f->{stage}\E, at /m, "$case->{name}: where, in words") if $f->{where};
	for my $word (qw(said what next)) {
		is(() = $r->{out} =~ /^$word +\Q$f->{$word}\E$/mg, 1, "$case->{name}: $word, in words") or diag($r->{out})
			if defined $f->{$word} && $f->{$word} !~ /localhost:\d|not valid before/;
	}
	like($r->{out}, qr/^cause +\Q$f->{words}\E \(\Q$f->{cause}\E\)$/m, "$case->{name}: cause, in words");
	unlike($r->{out}, qr/all is well/, "$case->{name}: never well");
}

sub end
{
	my ($case) = @_;
	my ($r, $name) = @$case{qw(r name)};
	my $f = $r->{json}{failed} // {};

	is($r->{exit}, $case->{exit}, "$name: exit $case->{exit}") or diag($r->{out} . $r->{err});
	ok($r->{json} && !$r->{json}{ok} && $r->{json}{exit} == $case->{exit}, "$name: as JSON");
	is($f->{stage}, $case->{stage}, "$name: at stage $case->{stage}");
	like($f->{where}, qr/^(?:localhost|127\.0\.0\.1|\/.*|no-such\S*):?\d*$/, "$name: and where") if $case->{s};
	like($f->{cause}, qr/^(?:$case->{cause})$/, "$name: the cause");
	ok(length($f->{words} // ''), "$name: in plain words");
	for my $word (qw(said what next)) {
		like($f->{$word}, $case->{$word}, "$name: $word") if $case->{$word};
	}
	ok(length($f->{next} // ''), "$name: a next step");
	ok(defined $f->{said} || defined $f->{what}, "$name: what was said or failed");
	my @stages = grep { $_ ne 'elsewhere' } stages($r);
	is_deeply(\@stages, $case->{stages}, "$name: the stages") if $case->{stages};
	is(stage($r, $case->{stage})->{mark}, 'failed', "$name: marked") if grep { $_ eq $case->{stage} } @stages;
	my %seen;
	is_deeply([grep { $seen{$_}++ && $_ ne 'ask' } @stages], [], "$name: no stage twice");
	ok(!raw_octets($r->{out} . $r->{err}), "E4 $name: nothing raw");
	return if $case->{nobody};
	cmp_ok(scalar(grep { /^AUTH/ } $case->{s}->commands), '<=', $case->{logins} // 1, "C9 $name: one login at most");
	is($case->{s}->stored, 0, "$name: nothing is sent");
	is(scalar(grep { /^(?:DATA|BDAT)/ } $case->{s}->commands), 0, "$name: no content");
	is_deeply([$case->{s}->violations], [], "$name: by the rules") if !$case->{unruly};
	end_in_words($case, $f) if $case->{words} && $f->{cause};
}

sub run_cases
{
	while (my @batch = splice @cases, 0, 12) {
		begin($_) for @batch;
		my @results = check_all(map { $_->{run} } @batch);
		for my $case (@batch) {
			$case->{r} = shift @results;
			end($case);
			$case->{s}->stop if !$case->{nobody};
		}
	}
}

# The stages up to and with one.
sub up_to
{
	my ($last) = @_;
	my @stages;

	for my $stage (@before, 'envelope') {
		push @stages, $stage;
		last if $stage eq $last;
	}
	return \@stages;
}

subtest 'the server refuses' => sub {
	my @from = ('--from', 'me@example.test', '--to', 'you@example.net');
	my %at = (
		greeting => ['ehlo', 'greeted-off|.*blocked.*', 69, 'busy|too-many-connections', 75],
		EHLO => ['ehlo', 'greeted-off|ehlo-refused|.*ehlo.*', 69, 'busy|too-many-connections', 75],
		AUTH => ['login', 'login-not-understood|login.*', 77, 'login-later|too-many-.*', 75],
		MAIL => ['envelope', 'sender-refused|sender.*', 77, 'sender-later', 75],
		RCPT => ['envelope', 'recipient-refused', 67, 'recipient-later', 75]
	);
	for my $step (sort keys %at) {
		my ($stage, $no, $exit, $not_now, $code) = @{ $at{$step} };
		# Sender and recipients are told of, and QUIT is said behind them.
		my $stages = [@{ up_to($stage) }, $stage eq 'envelope' ? 'quit' : ()];
		my %common = (stage => $stage, stages => $stages, args => \@from, words => 1);

		later("$step 550", %common, server => { at => qq($step reply "550 5.0.0 certainly not") }, exit => $exit,
			cause => $no, said => qr/^550 5\.0\.0 certainly not$/);
		later("$step 450", %common, server => { at => qq($step reply "450 4.0.0 not now") }, exit => $code,
			cause => $not_now, said => qr/^450 4\.0\.0 not now$/);
		later("$step 421", %common, server => { at => qq($step reply "421 4.3.2 closing") }, exit => 75,
			stages => up_to($stage), cause => '.+', said => qr/^421 4\.3\.2 closing$/);
		later("$step, several lines", %common, server => { at => qq($step reply "550-5.0.0 first\\r\\n550 5.0.0 second") },
			exit => $exit, cause => $no, said => qr/^550 5\.0\.0 first.*second$/);
	}
	later('a wrong password', keys => { password => 'wr0ng-Secret' }, exit => 77, stage => 'login', stages => up_to('login'),
		cause => 'login-refused', said => qr/^535 5\.7\.8/, next => qr/password/, words => 1);
	later('a wrong user', keys => { user => 'you@example.test' }, exit => 77, stage => 'login', stages => up_to('login'),
		cause => 'login-refused', said => qr/^535/, next => qr/user/);
	later('one recipient of two', args => ['--from', 'a@b.test', '--to', 'a@x.test', '--to', 'b@x.test'],
		server => { at => 'RCPT:2 reply "550 5.1.1 who"' }, exit => 67, stage => 'envelope', stages => [@before, 'envelope', 'quit'],
		cause => 'recipient-refused', said => qr/^550 5\.1\.1 who$/);
	later('the worse of two', args => ['--from', 'a@b.test', '--to', 'a@x.test', '--to', 'b@x.test'],
		server => { at => ['RCPT:1 reply "450 4.2.0 later"', 'RCPT:2 reply "550 5.1.1 who"'] }, exit => 67, stage => 'envelope',
		cause => 'recipient-refused', said => qr/^550/);
	run_cases();
};

subtest 'the server breaks off' => sub {
	my @from = ('--from', 'me@example.test', '--to', 'you@example.net');
	my %stage = (greeting => 'ehlo', EHLO => 'ehlo', AUTH => 'login', MAIL => 'envelope', RCPT => 'envelope');

	for my $step (sort keys %stage) {
		my %common = (stage => $stage{$step}, stages => up_to($stage{$step}), args => \@from);

		later("$step $_", %common, server => { at => "$step $_" }, exit => 75, cause => 'lost|.*closed.*', what => qr/./)
			for qw(close reset);
		later("$step garbage", %common, server => { at => "$step garbage 200" }, exit => 76, cause => 'protocol|not-smtp|.*smtp.*');
		later("$step mixed codes", %common, server => { at => qq($step reply "250-a\\r\\n550 b") }, exit => 76,
			cause => 'protocol|not-smtp');
		# The first of both was an answer, and the next stage has begun.
		later("E6 $step twice", %common, server => { at => "$step double" }, exit => 76, cause => 'protocol', unruly => 1,
			stage => 'login', stages => undef) if $step =~ /^(?:EHLO|AUTH)$/;
	}
	run_cases();
};

subtest 'TLS' => sub {
	my %start = (tls => 'starttls');

	later('STARTTLS refused', server => { %start, at => 'STARTTLS reply "502 5.5.1 no"' }, exit => 76, stage => 'tls',
		cause => 'starttls-refused', said => qr/^502 5\.5\.1 no/, stages => [qw(secret name connect tls)], logins => 0, unruly => 1);
	later('STARTTLS later', server => { %start, at => 'STARTTLS reply "454 4.7.0 no"' }, exit => 75, stage => 'tls',
		cause => 'starttls-later', said => qr/^454/, stages => [qw(secret name connect tls)], logins => 0);
	later('STARTTLS closed', server => { %start, at => 'STARTTLS close' }, exit => 75, stage => 'tls', cause => 'lost',
		stages => [qw(secret name connect tls)], logins => 0);
	later('no STARTTLS', server => { tls => 'off' }, keys => { tls => 'starttls', host => 'localhost', tls_ca_file => cert('ca') },
		exit => 76, stage => 'tls', cause => 'tls-not-offered', what => qr/does not offer STARTTLS/, logins => 0,
		stages => [qw(secret name connect ehlo tls)], words => 1);
	later('D2 words behind the 220', server => { %start, at => 'STARTTLS inject "250 hi"' }, exit => 76, stage => 'tls',
		cause => 'protocol', logins => 0, stages => [qw(secret name connect tls)], unruly => 1);
	later('no handshake', server => { at => 'handshake close' }, exit => 75, stage => 'tls', cause => 'tls.*|lost', logins => 0,
		stages => [qw(secret name connect tls)]) ;
	my %refused = (expired => qr/expired on 2021-01-01/, notyet => qr/not valid before 2048-01-01/,
		wrongname => qr/it is for other\.test, not for localhost/, selfsigned => qr/self-signed/, otherca => qr/not among the trusted roots/,
		missing => qr/intermediate/, cnonly => qr/subjectAltName/, clientonly => qr/not meant for servers/, ipindns => qr/./,
		rsa1024 => qr/weak key \(RSA, 1024 bits\)/, sha1 => qr/weak hash/, constrained => qr/./);
	for my $cert (sort keys %refused) {
		for my $tls (qw(implicit starttls)) {
			later("D3 $tls, certificate $cert", server => { tls => $tls, cert => $cert }, exit => 77, stage => 'tls',
				($cert eq 'ipindns' ? (keys => { host => '127.0.0.1' }) : ()),
				cause => 'certificate.*', what => $refused{$cert}, logins => 0, stages => [qw(secret name connect tls)],
				words => $tls eq 'implicit');
		}
	}
	run_cases();
};

subtest 'the login cannot be' => sub {
	later('no mechanism in common', server => { mechanisms => 'XOAUTH2', token => 'ya29.token' }, exit => 77, stage => 'login',
		cause => 'login-wants-token', what => qr/XOAUTH2/, stages => up_to('login'), logins => 0);
	later('none is offered', server => { user => undef, password => undef }, exit => 77, stage => 'login', cause => 'login-not-offered',
		what => qr/does not offer any login/, stages => up_to('login'), logins => 0);
	later('the one that is named is not offered', keys => { auth => 'cram-md5' }, exit => 77, stage => 'login', cause => 'no-common-mechanism',
		what => qr/CRAM-MD5/i, stages => up_to('login'), logins => 0);
	later('D5 in clear', server => { tls => 'off', mechanisms => 'PLAIN' }, exit => 77, stage => 'login', cause => 'login-clear-forbidden',
		stages => [qw(secret name connect ehlo login)], logins => 0);
	later('D7 SCRAM without a proof', server => { mechanisms => 'SCRAM-SHA-256', scram_no_signature => 1 }, exit => '77',
		stage => 'login', cause => 'server-proof-wrong', stages => up_to('login'));
	later('D7 SCRAM with a wrong one', server => { mechanisms => 'SCRAM-SHA-256', scram_bad_signature => 1 }, exit => '77',
		stage => 'login', cause => 'server-proof-wrong', stages => up_to('login'));
	later('it wants TLS, which there is', server => { at => 'AUTH reply "538 5.7.11 encrypt first"' }, exit => 77, stage => 'login',
		cause => 'tls-not-seen', said => qr/^538/, stages => up_to('login'));
	later('it wants an app password', server => { at => 'AUTH reply "534 5.7.9 Application-specific password required"' },
		exit => 77, stage => 'login', cause => 'app-password-needed', said => qr/^534/, next => qr/app password/i, words => 1);
	run_cases();
};

subtest 'before the server' => sub {
	later('a refused connection', nobody => 1, exit => 75, stage => 'connect', cause => 'connect-refused', what => qr/refused/,
		stages => [qw(secret name connect)]);
	later('the secret command fails', keys => { password => undef, password_command => 'echo locked >&2; exit 3' }, exit => 78,
		stage => 'secret', cause => 'secret.*|password.*', what => qr/password_command.*\b3\b/, stages => ['secret'], logins => 0);
	later('it says nothing', keys => { password => undef, password_command => 'true' }, exit => 78, stage => 'secret',
		cause => 'secret.*|password.*', stages => ['secret'], logins => 0);
	later('no such file', keys => { password => undef, password_file => '/nonexistent/password' }, exit => 78, stage => 'secret',
		cause => 'secret.*|password.*', what => qr{/nonexistent/password}, stages => ['secret'], logins => 0);
	later('a variable that is not there', keys => { password => undef, password_env => 'NOT_SET' }, exit => 78, stage => 'secret',
		cause => 'secret.*|password.*', what => qr/NOT_SET/, stages => ['secret'], logins => 0);
	later('a credential that nobody grants', keys => { password => undef, credential => 'mail' }, exit => 78, stage => 'secret',
		cause => 'credential-absent', what => qr/CREDENTIALS_DIRECTORY/, next => qr/systemctl edit .*LoadCredential=mail:/,
		stages => ['secret'], logins => 0);
	later('a netrc without such an entry', keys => { password => undef, netrc => file_write(workdir() . '/netrc',
		"machine imap.example.test login other password geheim77\n", 0600) }, exit => 78, stage => 'secret', cause => 'netrc-no-entry',
		what => qr/no entry for machine localhost, login \S+, port \d+; there is: imap\.example\.test\z/,
		stages => ['secret'], logins => 0);
	later('a socket that is not there', keys => { host => '/nonexistent/socket', port => undef, tls => 'off', user => undef,
		password => undef, tls_ca_file => undef }, exit => 75, stage => 'connect', cause => 'socket-not-served', stages => [qw(secret name connect)],
		what => qr{/nonexistent/socket}, logins => 0);
	run_cases();

	my $r = check(config("[sendoff]\n[account x]\nhots = y\n"), ['--json']);
	is($r->{exit}, 78, 'a wrong key: 78');
	is_deeply([@{ $r->{json}{failed} }{qw(stage cause)}], ['configuration', 'config'], 'at the configuration');
	like($r->{json}{failed}{what}, qr/:3: unknown key 'hots'/, 'the line');
	like($r->{json}{failed}{next}, qr/did you mean 'host'/, 'and the next step');
	$r = check(undef, ['--json']);
	is($r->{exit}, 78, 'no configuration: 78');
	like($r->{json}{failed}{what}, qr{/etc/sendoff/config.*/\.config/sendoff/config: absent}, 'each place that was tried');
	$r = check(undef, ['--json'], env => { SENDOFF_CONFIG => '/nonexistent/config' });
	is($r->{exit}, 78, 'a file that is not there: 78');
	like($r->{json}{failed}{what}, qr{/nonexistent/config}, 'named');
};

subtest 'usage' => sub {
	my $s = server_start();
	my $c = account($s);
	my %wrong = (
		'no such account' => [['nix'], qr/no account 'nix'/],
		'two accounts' => [['a', 'b'], qr/too many words/],
		'a port that is none' => [['--host', 'x', '--port', '65536'], qr/--port/],
		'a mode that is none' => [['--host', 'x', '--tls', 'maybe'], qr/--tls is implicit, starttls, opportunistic or off/],
		'no time' => [['--timeout', '0'], qr/--timeout/],
		'an address that is none' => [['--from', 'a b@@c'], qr/./],
		'E1 a sender with a line end' => [['--from', "a\@b.test>\r\nDATA\r\n"], qr/./],
		'E1 a recipient with a line end' => [['--from', 'a@b.test', '--to', "c\@d.test>\r\nDATA\r\n"], qr/./],
		'E1 a recipient with an angle bracket' => [['--from', 'a@b.test', '--to', 'c@d.test> SIZE=1'], qr/./],
		'no recipient' => [['--to', ''], qr/recipient: the address is empty/],
		'nobody to send to' => [['--send', '<>'], qr/recipient: the address is empty/],
		'--send and --to' => [['--send', 'a@b.test', '--to', 'c@d.test'], qr/--send/]
	);
	for my $name (sort keys %wrong) {
		my ($args, $words) = @{ $wrong{$name} };
		my $r = check($c, $args);

		is($r->{exit}, 64, "$name: 64") or diag($r->{out}, $r->{err});
		like($r->{err}, $words, "$name: told");
		ok(!raw_octets($r->{err}), "$name: nothing raw");
	}
	is($s->connections, 0, 'nothing of that reached the server');
};

# What a hostile server says is shown as text, cut, and is no line of our own.
subtest 'hostile words' => sub {
	my $evil = '\\x1b[2J\\x1b]0;owned\\x07\\xc2\\x9b31m\\xe2\\x80\\xaemoc\\xff\\x00ok%n%s';
	my $no_nul = $evil =~ s/\\x00//r;

	for my $step (qw(greeting EHLO AUTH MAIL RCPT VRFY)) {
		my $code = { greeting => 220, AUTH => 235 }->{$step} // 250;

		for my $reply ("$code-$no_nul\\r\\n$code $no_nul", "550-$no_nul\\r\\n550 $no_nul", "550 $evil", "$code " . 'A' x 7000,
			join('\\r\\n', map { "$code-$no_nul" } 1 .. 300) . "\\r\\n$code x", "hello $no_nul") {
			push @cases, { name => "$step '" . substr($reply, 0, 30) . "'", reply => qq($step reply "$reply") };
		}
	}
	while (my @batch = splice @cases, 0, 12) {
		for my $case (@batch) {
			my $s = $case->{s} = server_start(tls => 'implicit', %me, mechanisms => 'PLAIN', at => $case->{reply});
			my $c = account($s, tls => 'implicit', %me, timeout => '700ms');
			my @args = ('--from', 'a@b.test', '--to', 'c@d.test', '--vrfy', 'x', '--timeout', 4, '-v');

			$case->{runs} = [check_start($c, [@args]), check_start($c, [@args, '--json'])];
		}
		my @results = check_all(map { @{ $_->{runs} } } @batch);
		for my $case (@batch) {
			for my $r (splice @results, 0, 2) {
				ok(safe($r), "E4 $case->{name}: it ends") or diag($r->{err});
				ok(!raw_octets($r->{out}) && !raw_octets($r->{err}), "E4 $case->{name}: nothing raw");
				ok($r->{json} || $r->{out} !~ /^\{/, "E4 $case->{name}: JSON is whole");
				unlike($r->{out}, qr/A{5000}/, "E4 $case->{name}: cut");
				unlike($r->{out}, qr/\n\x{1b}|\xff/, "E4 $case->{name}: no octets that are none of UTF-8");
			}
			$case->{s}->stop;
		}
	}
};

done_testing;
