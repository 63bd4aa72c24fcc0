#!/usr/bin/perl
# sendoff-check(1) is so: its stages are the program's, its JSON is what comes out of
# real checks, member by member and with its type, and so are the exit codes of its
# stages.  What only other machines show is named here, with the reason.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use SendoffTest;
use SendoffTest::Ocsp;
use SendoffTest::Proxy;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Token;

my $top  = top();
my $page = file_read("$top/man/sendoff-check.1");

# Members and exit codes that no run below brings about.
my %rare_member = (
	'server domain' => 'a network of its own cannot be had everywhere',
	'surroundings user' => 'there may be no passwd entry',
	'surroundings group' => 'likewise',
	'surroundings real_uid' => 'needs a set-uid program',
	'surroundings real_gid' => 'likewise',
	'surroundings ignored.HOME' => 'needs a directory of another user',
	'surroundings ignored.XDG_CONFIG_HOME' => 'likewise',
	'surroundings ignored.XDG_STATE_HOME' => 'likewise',
	'surroundings queue.free' => 'there may be no queue yet',
	'surroundings runner.owner' => 'there is no runner',
	'surroundings runner.served_by' => 'likewise',
	'surroundings memory_limit' => 'needs a limit',
	'surroundings file_limit' => 'likewise',
	'surroundings open_limit' => 'there may be none',
	map({ ("login $_" => 'needs a key server: t/interop/kerberos.t') } qw(principal service ticket_seconds)),
	map({ ("surroundings $_" => 'not everywhere') } qw(unit container apparmor selinux enforced
		capabilities seccomp no_new_privs trusted_roots)),
);
my %rare_exit = (
	'server 64' => 'needs name servers',
	'server 75' => 'a network of its own cannot be had everywhere',
	'configuration 77' => 'needs a system account and users',
	'name 75' => 'needs name servers that do not answer',
);

# --- what the page lists --------------------------------------------------

sub section
{
	my ($kind, $title) = @_;
	my $end = $kind eq 'Ss' ? qr/S[hs]/ : qr/Sh/;
	my ($text) = $page =~ /^\.$kind \Q$title\E\n(.*?)(?=^\.$end |\z)/ms;
	ok($text, "the page has $title") or BAIL_OUT("man/sendoff-check.1 has no $title");
	return $text;
}

my $described = section(Ss => 'Stages');
my $facts     = section(Ss => 'Facts');
my ($object)  = section(Sh => 'JSON') =~ /(.*?)^\.Ss Facts/ms;
my $exit_list = section(Sh => 'EXIT STATUS');

# "STAGE MEMBER" => type; the object itself has no stage.
my %listed;
my $type = qr/text|number|boolean/;

sub list
{
	my ($stage, $line) = @_;
	my ($names, $of) = $line =~ /^\.It Cm (.+) Pq ($type)$/ or return;
	for my $name (split / , /, $names) {
		ok(!$listed{"$stage $name"}, "$stage $name is listed once");
		$listed{"$stage $name"} = $of;
	}
	return 1;
}

list('', $_) for split /\n/, $object;
my @with_facts;
for my $line (split /\n/, $facts) {
	if (@with_facts && list($with_facts[-1], $line)) {
		next;
	} elsif ($line =~ /^\.It Cm ([a-z]+)$/) {
		push @with_facts, $1;
	} else {
		unlike($line, qr/^\.It/, 'no item is without a type');
	}
}
cmp_ok(scalar keys %listed, '>=', 100, 'members were found');

my %exits;   # "STAGE CODE"
while ($exit_list =~ /^\.It (.*?) , from (?:Cm )?(\w+)(?: stage)?$/mg) {
	my ($codes, $stage) = ($1, $2);
	$exits{"$stage $_"} = 1 for $codes =~ /\d+/g;
}
cmp_ok(scalar keys %exits, '>=', 20, 'exit codes were found');

# --- stages ---------------------------------------------------------------

my ($header) = file_read("$top/src/probe/report.h") =~ /^enum report_step \{(.*?)\};/ms;
my %name = file_read("$top/src/probe/report.c") =~ /\[(REPORT_\w+)\] = "([a-z]+)"/g;
my @stages = map { $name{$_} } grep { $_ ne 'REPORT_STEPS' } $header =~ /(\w+)/g;
cmp_ok(scalar @stages, '>=', 15, 'stages were found');
is_deeply([ $described =~ /^\.It Cm ([a-z]+)$/mg ], \@stages, 'the page describes all stages, in order');
is_deeply(\@with_facts, \@stages, '... and lists the facts of each');

# --- what the program says ------------------------------------------------

my (%seen, %ended);   # "STAGE MEMBER" => { type }; "STAGE CODE"

sub walk
{
	my ($stage, $path, $value) = @_;
	if (ref $value eq 'HASH') {
		walk($stage, $path eq '' ? $_ : "$path.$_", $value->{$_}) for keys %$value;
	} elsif (ref $value eq 'ARRAY') {
		walk($stage, $path . '[]', $_) for @$value;
	} else {
		my $of = JSON::PP::is_bool($value) ? 'boolean' :
			JSON::PP->new->allow_nonref->encode($value) =~ /^"/ ? 'text' : 'number';
		$seen{"$stage $path"}{$of} = 1;
	}
}

# One object of a check, and how it ended.
sub take
{
	my ($r, $name, $exit, $stage) = @_;
	my $o = eval { decode_json($r->{out}) } // {};
	my $lines = () = $r->{out} =~ /\n/g;
	is($lines, 1, "$name: one line") or diag($r->{err});
	is($r->{exit}, $exit, "$name: exit $exit") or diag($r->{out});
	is($o->{exit}, $exit, '... and JSON says so');
	is($o->{failed}{stage} // 'none', $stage // 'none', '... and the stage');
	$ended{"$stage $exit"} = $name if $stage;
	my %place = map { $stages[$_] => $_ } 0 .. $#stages;
	my @places = map { $place{ $_->{stage} } // 99 } @{ $o->{stages} // [] };
	is_deeply([ sort { $a <=> $b } @places ], \@places, "$name: the stages are in order");
	for my $one (@{ $o->{stages} // [] }) {
		ok(ref $one->{facts} eq 'HASH', "$name: $one->{stage}: facts are there");
		walk($one->{stage}, '', delete $one->{facts});
	}
	walk('', '', $o);
}

my $password = file_write(workdir() . '/password', "geheim\n", 0600);
my @login = (user => 'me@example.test', password_file => $password);
my %usual_server = (tls => 'starttls', user => 'me@example.test', password => 'geheim', require_login => 1);
my $me = 'me@example.test';
my @runs;   # [ running, take()'s other arguments ]

# checked(NAME, [WORDS], exit, stage, server => {...}, account => {...}, env => {...})
sub checked
{
	my ($name, $words, $exit, $stage, %o) = @_;
	my $server = $o{with} // server_start(%usual_server, %{ $o{server} // {} });
	my $config = account($server, tls => 'starttls', @login, %{ $o{account} // {} });
	push @runs, [ start_sendoff([ '-C', $config, '--json', 'check', '--timeout', '12', @$words ],
		env => $o{env} // {}), $name, $exit, $stage, $server ];
}

# A directory of somebody else.
my $foreign = $> == 0 ? workdir() . '/foreign' : '/';
mkdir $foreign and chown 65534, 65534, $foreign if $> == 0;

# All that a check can find when it goes well.
checked('all is well', [ '--from', $me, '--to', 'you@example.test', '--all', '--vrfy', 'you',
	'--command', 'NOOP' ], 0, undef,
	server => { mechanisms => 'PLAIN CRAM-MD5 XOAUTH2', mechanisms_before_tls => 'PLAIN', ocsp => ocsp_response('server'),
		limits => 'RCPTMAX=7', at => [ 'greeting reply "220 mail.example.test ESMTP Postfix"',
		'VRFY reply "550 5.1.1 unknown"' ] },
	account => { auth => 'plain', provider => 'google', tls_crl_file => cert('ca', 'crl'),
		tls_cert => cert('client'), tls_key => cert('client', 'key') },
	env => { HOME => $foreign });
my @lmtp = (server => { lmtp => 1, limits => 'RCPTMAX=7', at => [ 'greeting reply "220 mail.example.test Dovecot ready."' ] },
	account => { protocol => 'lmtp' });
checked('all is well by LMTP', [ '--from', $me, '--to', 'you@example.test', '--vrfy', 'you' ], 0, undef, @lmtp);
checked('a test message by LMTP', [ '--send', 'you@example.test' ], 0, undef, @lmtp);
checked('a test message', [ '--send', 'you@example.test' ], 0, undef, account => { authzid => $me });
checked('without a login', [], 0, undef, server => { user => undef, password => undef, require_login => undef },
	account => { user => undef, password_file => undef });


# An account that stands in no file.
my $free = server_start(%usual_server);
push @runs, [ start_sendoff([ '--json', 'check', '--host', 'localhost', '--port', $free->port, '--user', $me,
	'--password-file', $password, '--set', 'tls_ca_file=' . cert('ca') ]), 'without a file', 0, undef, $free ];

# A failure at each stage.
checked('no password', [], 78, 'secret', account => { password_file => '/nonexistent/password' });
checked('no such name', [], 68, 'name', account => { host => '127.0.0.1', family => 'ipv6' });
checked('nobody answers', [], 75, 'connect', with => nobody());
checked('through a proxy', [], 76, 'connect', account => { source_address => '127.0.0.1',
	proxy => proxy_start(undef, answer => "\5\7\0\1\0\0\0\0\0\0")->url });
checked('a proxy that wants a login', [], 77, 'connect', account => {
	proxy => proxy_start(undef, login => ['proxy user', 'proxy w0rd'])->url });
checked('a command that is not there', [], 78, 'ehlo', account => { connect_command => '/nonexistent' });
checked('... and LMTP', [], 78, 'lhlo', account => { protocol => 'lmtp', connect_command => '/nonexistent' });
checked('... and TLS from the start', [], 78, 'tls', account => { tls => 'implicit', connect_command => '/nonexistent' });
checked('the wrong mode', [], 76, 'tls', account => { tls => 'implicit' });
checked('STARTTLS refused for now', [], 75, 'tls', server => { at => [ 'STARTTLS reply "454 4.7.0 later"' ] });
checked('STARTTLS refused', [], 76, 'tls', server => { at => [ 'STARTTLS reply "554 5.7.0 never"' ] });
checked('an expired certificate', [], 77, 'tls', server => { cert => 'expired' });
checked('a raw public key of somebody else', [], 77, 'tls', server => { raw_key => 'rsa' },
	account => { tls_priority => 'NORMAL:+CTYPE-SRV-RAWPK', tls_pin => 'spki:' . '0' x 64 });
checked('greeted off', [], 69, 'ehlo', server => { at => [ 'greeting reply "554 5.7.1 go away"' ] });
checked('busy', [], 75, 'ehlo', server => { at => [ 'greeting reply "421 4.3.2 busy"' ] });
checked('no SMTP', [], 76, 'ehlo', server => { at => [ 'greeting reply "hello"' ] });
for my $case ([ 'greeted off', 69, 'greeting reply "554 5.7.1 go away"' ], [ 'busy', 75, 'LHLO reply "451 4.3.2 busy"' ],
	[ 'no LMTP', 76, 'LHLO reply "500 5.5.1 what"' ]) {
	checked("LMTP: $case->[0]", [], $case->[1], 'lhlo', server => { lmtp => 1, at => [ $case->[2] ] },
		account => { protocol => 'lmtp' });
}
checked('no login offered', [], 77, 'login', server => { user => undef, password => undef,
	require_login => undef });
checked('login led off the rules', [], 76, 'login', server => { at => [ 'AUTH reply "334 !"' ] });
checked('login refused', [ '--all' ], 77, 'login', server => { mechanisms => 'PLAIN LOGIN',
	at => [ 'AUTH:1 reply "535 5.7.8 no"' ] });
checked('login refused for now', [ '--all' ], 75, 'login', server => { at => [ 'AUTH reply "454 4.7.0 later"' ] });
checked('no room for this sender', [ '--from', $me ], 69, 'envelope', server => { at => [ 'MAIL reply "552 5.3.4 too big"' ] });
for my $way ([ 'envelope', '--to' ], [ 'send', '--send' ]) {
	my ($stage, $option) = @$way;
	my @words = ($option, 'you@example.test');
	checked("$stage: sender refused", [ @words ], 77, $stage, server => { at => [ 'MAIL reply "553 5.7.1 not you"' ] });
	checked("$stage: recipient refused", [ @words ], 67, $stage, server => { at => [ 'RCPT reply "550 5.1.1 who"' ] });
	checked("$stage: not now", [ @words ], 75, $stage, server => { at => [ 'RCPT reply "451 4.3.0 later"' ] });
}
checked('send: message refused', [ '--send', 'you@example.test' ], 69, 'send',
	server => { at => [ 'CONTENT reply "554 5.6.0 no"' ] });
checked('send: no answer', [ '--send', 'you@example.test' ], 74, 'send', server => { at => [ 'CONTENT close' ] });
checked('broken off behind a question', [ '--command', 'NOOP' ], 75, 'ask', server => { at => [ 'NOOP close' ] });
checked('led off the rules by a question', [ '--command', 'NOOP' ], 76, 'ask',
	server => { at => [ 'NOOP reply "354 go on"' ] });
# Accounts that sign in by OAuth, each at a provider of its own.
sub signs_in
{
	my ($name, $exit, $stage, %o) = @_;
	my $tokens = token_server(jwt => 1, at => $o{at});
	my $mail = server_start(user => 'me@example.com', tokens => $tokens->tokens, tls => 'starttls');
	(my $account = $name) =~ tr/ /-/;
	signed_in($tokens, $account, %{ $o{token} // {} });
	$tokens->forget if $o{forget};
	$tokens->stop if $o{stop};
	checked($name, [], $exit, $stage, with => $mail,
		account => { oauth($tokens), name => $account, password_file => undef, %{ $o{keys} // {} } });
}
my %old = (obtained => time - 3600, expires => time - 60);
signs_in('a token', 0, undef);
signs_in('less than was asked for', 0, undef, token => { scope => 'mail.read' });
signs_in('a token that is refused', 0, undef, forget => 1);
signs_in('a token that a keyring is to have', 0, undef,
	keys => { oauth_load_command => 'false', oauth_save_command => 'false' });
signs_in('no provider', 75, 'secret', token => \%old, stop => 1);
signs_in('a strange provider', 76, 'secret', token => \%old, at => ['token:2 body "<html>"']);
signs_in('a sign-in that is over', 77, 'secret', token => \%old, at => ['token:2 error invalid_grant']);
push @runs, [ start_sendoff([ '-C', '/nonexistent/config', '--json', 'check' ]), 'no configuration', 78, 'configuration' ];

# Where nobody can be asked for names.
my @away = ('unshare', $> == 0 ? '-n' : '-rn', $ENV{SENDOFF} // build() . '/sendoff');
my $can_be_away = system("@away --version >/dev/null 2>&1") == 0;
push @runs, [ start_sendoff([], command => [ @away, '--json', 'check', 'me@example.org' ]),
	'nobody knows the server', 75, 'server' ] if $can_be_away;

my @results = finish_all(map { $_->[0] } @runs);
for my $i (0 .. $#runs) {
	my (undef, @how) = @{ $runs[$i] };
	take($results[$i], @how[0 .. 2]);
}

# --- both are the same ----------------------------------------------------

sub none { return is(join(', ', sort @_[1 .. $#_]), '', $_[0]) }

for my $member (sort keys %seen) {
	my $of = join ' or ', sort keys %{ $seen{$member} };
	is($listed{$member} // 'not in the page', $of, "JSON: $member is $of");
}
none('every member of the page was seen', grep { !$seen{$_} && !$rare_member{$_} } keys %listed);
none('the rare ones are in the page', grep { !$listed{$_} } keys %rare_member);
none('the page has every stage with the exit code that it ended in',
	grep { !$exits{$_} && !$exits{ 'any ' . (split / /)[1] } } keys %ended);
none('every exit code of the page was seen', grep { !$ended{$_} && !$rare_exit{$_} && !/^any / } keys %exits);
none('the rare ones are in the page', grep { !$exits{$_} } keys %rare_exit);

# --- its examples ---------------------------------------------------------

# Those of an account run as they stand; the others, whose servers only the reader has,
# name options that there are.
my %option = map { $_ => 1 } map { "-$_" } map { /\bFl (-?[\w-]+)/g } grep { /^\.It/ } split /\n/,
	$page . file_read("$top/man/sendoff.1");
my @examples = section(Sh => 'EXAMPLES') =~ /^\.Bd -literal -offset indent\n(.*?)^\.Ed$/msg;
s/\\e/\\/g for @examples;
cmp_ok(scalar @examples, '>=', 6, 'examples were found');

my $bin = workdir() . '/bin';
mkdir $bin;
symlink $ENV{SENDOFF} // build() . '/sendoff', "$bin/sendoff";
my $server = server_start(%usual_server);
my $work = account($server, name => 'work', tls => 'starttls', @login);
my $ran = 0;
for my $example (@examples) {
	my ($first) = split /\n/, $example;
	for my $call ($example =~ /sendoff ([^|&\n]*)/g) {
		ok($option{$_}, "example: $first: $_ is an option") for grep { /^-/ } split ' ', $call;
	}
	# What jq takes out of it is there.
	ok((grep { /(?:^| )\Q$_\E$/ } keys %listed), "example: there is $_")
		for $example =~ /(failed\.\w+)/, $example =~ /facts\.(\w+)/;
	next if $example !~ /check work/;
	(my $script = $example) =~ s/\|\s*jq [^\n]*/| grep -q '"ok":true'/g;
	my $r = run_sendoff([], command => [ 'sh', '-e', '-c', $script ],
		env => { PATH => "$bin:/usr/bin:/bin", SENDOFF_CONFIG => $work });
	is($r->{exit}, 0, "example: $first") or diag($r->{out}, $r->{err});
	$ran++;
}
cmp_ok($ran, '>=', 3, 'some of them were run');
is($server->stored, 1, 'one of them sent a message');

done_testing();
