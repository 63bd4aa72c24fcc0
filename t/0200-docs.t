#!/usr/bin/perl
# What the documentation says is so: its examples run, and its tables are the
# program's.  That keys, options and commands are all there is t/lint/docs' affair
# as well; here it is tested with every build.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use SendoffTest;

my $top = top();
my %page = map { m{([^/]+)$} ? ($1 => file_read($_)) : () } glob("$top/man/*.[1-8]");
my %exits = (OK => 0, USAGE => 64, DATAERR => 65, NOINPUT => 66, NOUSER => 67, NOHOST => 68,
	UNAVAILABLE => 69, SOFTWARE => 70, OSERR => 71, OSFILE => 72, CANTCREAT => 73, IOERR => 74,
	TEMPFAIL => 75, PROTOCOL => 76, NOPERM => 77, CONFIG => 78);

is_deeply([ sort keys %page ], [ qw(mailq.1 newaliases.1 sendmail.8 sendoff-check.1 sendoff-config.5
	sendoff-login.1 sendoff-providers.7 sendoff-queue.1 sendoff-queue.5 sendoff-runner.8
	sendoff-send.1 sendoff-token.5 sendoff.1) ],
	'the pages are there');
my ($global_part) = $page{'sendoff-config.5'} =~ /^\.Sh KEYS OF \[sendoff\]\n(.*?)^\.Sh /ms;
my %global_key = map { $_ => 1 } $global_part =~ /^\.It Ic ([a-z_]+)/mg;

# --- the files of tokens ---------------------------------------------------

my $fields = file_read("$top/src/cred/token_text.c");
is_deeply([ sort map { split / , / } $page{'sendoff-token.5'} =~ /^\.It Cm (.*)$/mg ],
	[ sort 'version', $fields =~ /FIELD\("(\w+)"/g ], 'the page has the names of the file');

# --- exit codes and causes ------------------------------------------------

my $source  = file_read("$top/src/deliver/cause.c") . file_read("$top/src/deliver/cause_table.c");
my $literal = qr/(?:"(?:[^"\\]|\\.)*"\s*)+/;

sub words { return join '', $_[0] =~ /"((?:[^"\\]|\\.)*)"/g }

# Text of the program as a sentence of a page.
sub sentence { return $_[0] eq '' ? '' : ucfirst($_[0]) . ".\n" }

sub holds_item
{
	my ($item, $name) = @_;
	ok(index($page{'sendoff.1'}, "\n$item.") >= 0, $name) or diag("man/sendoff.1 should have:\n$item");
}

my $rows = 0;
while ($source =~ /\{ EX_(\w+), "(\w+)",\s*($literal)\}/g) {
	holds_item(".It $exits{$1} Pq $2\n" . sentence(words($3)), "exit code $exits{$1}");
	$rows++;
}
my $listed = () = $page{'sendoff.1'} =~ /^\.It \d+ Pq [A-Z]+$/mg;
cmp_ok($rows, '>=', 15, 'exit codes were found');
is($listed, $rows, 'the page has no other exit codes');

my %ids;
my $concern = qr/[A-Z_]+(?:\([A-Z]+\)|, PARK_NONE, false,\s+false)?/;   # whose affair it is
while ($source =~ /\{ "([a-z][a-z0-9-]*)", EX_(\w+), $concern,\s*($literal),\s*($literal|NULL)\s*\}/g) {
	my ($id, $code, $what, $next) = ($1, $exits{$2}, words($3), words($4));
	holds_item(".It Cm $id Pq $code\n" . sentence($what) . sentence($next), "cause $id");
	ok(!$ids{$id}++, "cause $id has one row");
}
cmp_ok(scalar keys %ids, '>=', 40, 'causes were found');
my $all = () = $source =~ /"[a-z0-9-]+", EX_/g;
is(scalar keys %ids, $all, 'all of them were');
is_deeply([ grep { !$ids{$_} } $page{'sendoff.1'} =~ /^\.It Cm ([a-z0-9-]+) Pq \d+$/mg ], [],
	'the page has no other causes');

# --- commands and options -------------------------------------------------

sub help { return run_sendoff([ 'help', @_ ])->{out} }
sub options { return map { /^ +((?:-\w, )?-[\w-]+)/ ? split(/, /, $1) : () } split /\n/, $_[0] }
sub items { return map { map { "-$_" } /\bFl (-?[\w-]+)/g } grep { /^\.It\b/ } split /\n/, $_[0] }
sub sorted { my %seen; return [ sort grep { !$seen{$_}++ } @_ ] }

my ($list) = help() =~ /^commands:\n((?: +\S.*\n)+)/m;
my @commands = $list =~ /^ +([a-z]+)/mg;
is_deeply(sorted($page{'sendoff.1'} =~ /^\.It Ic ([a-z]+)/mg), sorted(@commands), 'commands');

my @global = options(help() =~ s/.*^options:\n//msr);
my %own = (send => 'sendoff-send.1', check => 'sendoff-check.1', queue => 'sendoff-queue.1',
	login => 'sendoff-login.1');
is_deeply(sorted(items($page{'sendoff.1'})), sorted(@global), 'options of every command');
for my $command (@commands) {
	my %global = map { $_ => 1 } @global;
	my @options = grep { !$global{$_} } options(help($command));
	my @shown = $own{$command} ? items($page{ $own{$command} }) : ();
	is_deeply(sorted(@shown), sorted(@options), "options of $command");
	like(run_sendoff([ $command, '--help' ])->{out},
		$command eq 'help' ? qr/^usage: sendoff / : qr/^usage: sendoff $command\b/,
		"$command --help");
}

# --- examples of configuration --------------------------------------------

# Blocks as a reader sees them.
sub blocks
{
	my ($text) = @_;
	my @blocks = $text =~ /^\.Bd -literal -offset indent\n(.*?)^\.Ed$/msg;
	s/\\e/\\/g, s/\\&//g for @blocks;
	return @blocks;
}

# The files that they name are nobody's.
sub checks
{
	my ($text, $name) = @_;
	my $r = run_sendoff([ '-C', config($text), 'config', 'show' ]);
	is($r->{exit}, 0, $name) or diag("$text\n$r->{err}");
}

my ($whole, $parts) = (0, 0);
for my $block (map { blocks($page{$_}) } qw(sendoff-config.5 sendoff-login.1 sendoff-providers.7)) {
	my ($first) = grep { !/^#/ } split /\n/, $block;
	if ($block =~ /^\[/m) {
		checks($block, 'a whole example: ' . $first);
		$whole++;
	} elsif ($first =~ /^[a-z_]+ = /) {
		for my $part (split /\n\n/, $block) {
			checks("[account a]\nhost = h\nuser = u\n" .
				($part =~ /^(?:password|credential|netrc|oauth)/m ? '' : "password_env = P\n") . $part,
				'sendoff-config(5): keys: ' . (split /\n/, $part)[-1]);
			$parts++;
		}
	}
}
cmp_ok($whole, '>=', 9, 'whole examples were found');
cmp_ok($parts, '>=', 5, 'examples of keys were found');

my $readme = file_read("$top/README");
my @indented = map { s/^    //mgr } $readme =~ /^((?:    .*\n|\n)+)/mg;
my @configs = grep { /^\[account/m } @indented;
checks($_, 'README: ' . (split /\n/, $_ =~ s/^\n+//r)[0]) for @configs;
is(scalar @configs, 3, 'README: the examples were found');
my @machines = grep { /^\[account/m } blocks($page{'sendoff-runner.8'});
checks($_, 'sendoff-runner(8): its example') for @machines;
is(scalar @machines, 1, 'it was found');

# Each key once, alone in an account: the page names no key that is not one, and
# every choice it gives is one.
while ($page{'sendoff-config.5'} =~ /^\.It Ic ([a-z_]+) Pq ([a-z0-9.]+(?: \| [a-z0-9.]+)+)$/mg) {
	my ($key, @choices) = ($1, split / \| /, $2);
	my $global = $global_key{$key};
	my %more = (lmtp => "port = 24\n");   # which has none of its own
	for my $choice (@choices) {
		checks(($global ? "[sendoff]\n$key = $choice\n[account a]\nhost = h\n" :
			"[account a]\nhost = h\n$key = $choice\n" . ($more{$choice} // '')), "$key = $choice");
	}
}

# Providers: the page has what the table has, word for word.
my $told = run_sendoff([], command => [ build() . '/t/unit/provider_preset', 'page' ])->{out};
my $listed_providers = join '', $page{'sendoff-providers.7'} =~ /^\.Bl -tag -width Ds\n(.*?)^\.El$/msg;
is($listed_providers, $told, 'sendoff-providers(7) lists the presets');
cmp_ok(scalar(() = $told =~ /^\.It Cm /mg), '>=', 90, 'and they are many');

$told = run_sendoff([], command => [ build() . '/t/unit/provider_oauth', 'page' ])->{out};
my ($signing_in) = $page{'sendoff-config.5'} =~
	/^\.Ss Providers of OAuth\n.*?^\.Bl -tag -width Ds\n(.*?)^\.El$/ms;
is($signing_in, $told, 'sendoff-config(5) lists the providers of OAuth');
cmp_ok(scalar(() = $told =~ /^\.It Cm /mg), '>=', 9, 'and they are some');

# Defaults.
my $shown = run_sendoff([ '-C', config("[account a]\nhost = h\n"), 'config', 'show' ])->{out};
my %default = $shown =~ /^(\w+) += (\S+) +; default$/mg;
for my $key (sort keys %default) {
	my ($item) = $page{'sendoff-config.5'} =~ /^\.It Ic $key\b(.*?)^\.(?:It|El)/ms;
	my ($text) = ($item // '') =~ /Default:(.*)/s;
	next if $key eq 'port' || $key eq 'tls';   # they follow from each other
	like($text // '', qr/(?:^| )\Q$default{$key}\E(?:[ ;.\n]|$)/m, "default of $key: $default{$key}");
}

# --- config.example -------------------------------------------------------

# What is shown of a password command is the command.
my $secret = file_write(workdir() . '/secret', "geheim\n");
my $server = server_start(tls => 'starttls', user => 'alice@example.org', password => 'geheim',
	require_login => 1);
my $example = file_read("$top/config.example");
checks($example, 'config.example as it is');
(my $mine = $example) =~ s/mail\.example\.com/localhost/;
$mine =~ s/me\@example\.com/alice\@example.org/g;
$mine =~ s/^password_command = .*/password_command = cat $secret/m;
# Where the tests' server listens, and who signed for it.
$mine =~ s/^#port = 465$/port = {port}\ntls_ca_file = {ca}/m;
my $config = config($mine, server => $server);
my $r = run_sendoff([ '-C', $config, 'send', 'bob@example.net' ],
	stdin => "Subject: test\n\ntest\n");
is($r->{exit}, 0, 'config.example with three values changed sends') or diag($r->{err});
is($server->envelope(1)->{sender}, 'alice@example.org', 'from the address in it');
is_deeply([ $server->violations ], [], 'by the rules');

# Every line that is commented out is one that may be used.
my @variants = map { [ split /\n/ ] } split /\n\n+/, $example;
my $tried = 0;
for my $lines (@variants) {
	my @keys = map { /^#((?:\[|[a-z_]+ = ).*)/ ? $1 : () } @$lines;
	next if !@keys;
	my ($section) = $keys[0] =~ /^\[/ ? shift @keys : undef;
	for my $key ($section ? join("\n", @keys) =~ s/^tls_ca_file.*\n//mr : @keys) {
		my $global = !$section && $global_key{ ($key =~ /^([a-z_]+)/)[0] };
		checks($global ? "[sendoff]\n$key\n[account a]\nhost = h\n" : ($section // '[account a]') .
			"\n" . ($key =~ /^host/m || ($section && $key =~ /^user/m) ? '' : "host = h\nuser = u\n") .
			($section || $key =~ /^(?:password|credential|netrc)/ ? '' : "password_env = P\n") . "$key\n",
			'config.example: ' . ($section // $key));
		$tried++;
	}
}
cmp_ok($tried, '>=', 18, 'variants were found');

# --- examples of commands -------------------------------------------------

# Commands of the pages, run as they stand but for names that only the reader
# knows: sendoff is one with the configuration above, files are there.
my $bin = workdir() . '/examples';
mkdir $bin;
my $sendoff = $ENV{SENDOFF} // build() . '/sendoff';
symlink $sendoff, "$bin/$_" for qw(sendoff sendmail);
my $message = "From: alice\@example.org\nTo: bob\@example.net\nSubject: x\n\nx\n";
file_write("$bin/$_", $message) for qw(message.eml report.eml first.eml second.eml);
my $accounts = config($mine . "\n[account work]\nhost = localhost\nport = {port}\n" .
	"tls_ca_file = {ca}\nuser = alice\@example.org\npassword_command = cat $secret\n" .
	"from = work\@example.org\n\n" . "[account home]\nhost = localhost\nport = {port}\n" .
	"tls_ca_file = {ca}\nuser = alice\@example.org\npassword_command = cat $secret\n",
	server => $server);
my $ran = 0;
for my $name (qw(sendoff.1 sendoff-send.1 sendmail.8)) {
	for my $block (blocks($page{$name})) {
		next if $block !~ /^(?:echo|printf|sendoff|\/usr\/sbin\/sendmail) ?/ || $block =~ /^sendoff: /;
		(my $script = $block) =~ s{/usr/sbin/sendmail}{sendmail}g;
		$script =~ s/\| jq -r \.reply/| grep -q '"reply":"250 '/;
		my $before = $server->stored;
		my $run = run_sendoff([], command => [ 'sh', '-e', '-c', $script ], cwd => $bin,
			stdin => $message,
			env => { PATH => "$bin:/usr/bin:/bin", SENDOFF_CONFIG => $accounts });
		is($run->{exit}, 0, "$name: " . (split /\n/, $block)[0]) or diag($run->{err});
		cmp_ok($server->stored, '>', $before, '... and it sent') if $block !~ /--explain|config|sendoff (?:queue|check)| -bp/;
		$ran++;
	}
}
cmp_ok($ran, '>=', 10, 'commands were found');

# Mutt and git: what they call, made of what the reader is told to write.
my ($mutt) = $page{'sendoff-send.1'} =~ /^set sendmail = "(.*)"$/m;
my ($git)  = $page{'sendoff-send.1'} =~ /sendemail\.sendmailCmd "(.*)"$/m;
my ($git2) = $readme =~ /sendemail\.sendmailCmd (.*)$/m;
is_deeply([ $readme =~ /set sendmail = "(.*)"$/m ], [ $mutt ], 'README says the same of mutt');
for my $call ("$mutt -f alice\@example.org -- bob\@example.net", "$git -i bob\@example.net",
	"$git2 -i bob\@example.net") {
	my $before = $server->stored;
	my $run = run_sendoff([], command => [ 'sh', '-e', '-c', $call ], stdin => $message,
		env => { PATH => "$bin:/usr/bin:/bin", SENDOFF_CONFIG => $accounts });
	is($run->{exit}, 0, "called: $call") or diag($run->{err});
	is($server->stored, $before + 1, '... and it sent');
}

# What becomes of the mail of cron, as the page shows it.
my ($cron, $rewritten) = grep { /^From: / } blocks($page{'sendoff-config.5'});
$r = run_sendoff([ '-C', config("[sendoff]\ndomain = server\n[account a]\nhost = h\n" .
	"from = alerts\@example.com\n"), 'send', '--dry-run', 'x@example.net' ], stdin => "$cron\nx\n");
like($r->{out}, qr/^\Q$rewritten\E$/m, 'sendoff-config(5): Senders');

# The container's example: all from the environment.
my ($container) = grep { /^SENDOFF_HOST/ } blocks($page{'sendoff.1'});
my %env = ($container // '') =~ /\b(SENDOFF_\w+)=(\S+)/g;
is_deeply([ sort keys %env ], [ qw(SENDOFF_FROM SENDOFF_HOST SENDOFF_PASSWORD_FILE SENDOFF_USER) ],
	'the container has its example');
$r = run_sendoff([ 'config', 'show' ], env => \%env);
like($r->{out}, qr/^from += app\@example\.com +\[environment\]$/m, '... which is understood');

done_testing();
