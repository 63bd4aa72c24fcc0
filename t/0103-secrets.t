#!/usr/bin/perl
# D9: a test that uses a password fails when sendoff tells it, whatever the test itself
# looks at: in an output, a log or a queue, and in whatever form.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use MIME::Base64;
use SendoffTest;

my $secret = 'hunter2 & "co" \\o/';
my $plain = encode_base64("\0me\0$secret", '');
my $xoauth = encode_base64("user=me\1auth=Bearer $secret\1\1", '');
(my $json = $secret) =~ s/(["\\])/\\$1/g;
my %given = (
	server => 'server_start(user => "me", password => $secret);',
	token => 'server_start(user => "me", token => $secret);',
	configuration => 'config("[account a]\npassword = $secret\n");',
	quoted => 'config("[account a]\npassword = \"$secret\"\n");',
	environment => 'run_sendoff(["version"], env => { SENDOFF_PASSWORD => $secret });',
	nobody => ''
);

# What becomes of a test that has a secret and whose program writes this: its exit status
# and what it said.
sub test_of
{
	my ($given, $script, $more) = @_;
	my $text = file_write(workdir() . '/text', $script);
	my $test = file_write(workdir() . '/inner.t', <<'END' . "$given{$given}\n" . <<'END' . ($more // '') . "\ndone_testing;\n");
use strict;
use warnings;
use SendoffTest;

my $secret = file_read($ENV{INNER_SECRET});
END
pass('begun');
run_sendoff([], command => ['/bin/sh', $ENV{INNER_SCRIPT}]);
END
	file_write(workdir() . '/secret', $secret);
	file_write(workdir() . '/script', $script);
	local $ENV{INNER_SECRET} = workdir() . '/secret';
	local $ENV{INNER_SCRIPT} = workdir() . '/script';
	my $out = `$^X -I$FindBin::Bin/lib $test 2>&1`;
	return ($? >> 8, $out);
}

# A script that writes exactly this.
sub writes
{
	my ($text, $to) = @_;

	return "cat <<'EOF'" . ($to // '') . "\n$text\nEOF\n";
}

sub caught
{
	my ($name, @test) = @_;
	my ($status, $out) = test_of(@test);

	isnt($status, 0, "$name: found");
	like($out, qr/D9.*hunter2|hunter2.*in the output/s, "$name: told where");
}

sub passes
{
	my ($name, @test) = @_;
	my ($status, $out) = test_of(@test);

	is($status, 0, "$name: no alarm") or diag($out);
}

caught("known by $_", $_, writes("it is $secret, it seems")) for grep { $_ ne 'nobody' } sort keys %given;
caught('on stderr', 'server', writes("it is $secret", ' >&2'));
caught('as JSON', 'server', writes(qq({"said":"$json"})));
caught('as PLAIN sends it', 'server', writes("> AUTH PLAIN $plain"));
caught('as LOGIN sends it', 'server', writes('> ' . encode_base64($secret, '')));
caught('as XOAUTH2 sends it', 'token', writes("> AUTH XOAUTH2 $xoauth"));
caught('as a URL has it', 'server', writes('x?p=' . $secret =~ s/([^A-Za-z0-9_.~-])/sprintf '%%%02X', ord $1/ger));
caught('as xtext has it', 'server', writes($secret =~ s/([^A-Za-z0-9_.~-])/sprintf '+%02X', ord $1/ger));
caught('in hexadecimal', 'server', writes(unpack 'H*', $secret));
caught('in a long text', 'server', 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i + 1)); done; ' .
	writes("x${secret}x"));
caught('in a log', 'server', writes("login $secret", ' >log'));
caught('in a queue', 'server', 'mkdir -p "$HOME/.local/state/sendoff/queue/new"; ' .
	writes($plain, ' >"$HOME/.local/state/sendoff/queue/new/1"'));
mkdir workdir() . '/place';
caught('in another place', 'server', writes($secret, ' >' . workdir() . '/place/file'),
	'SendoffTest::Secrets::place("' . workdir() . '/place");');
unlink workdir() . '/place/file';
caught('though the test looked at nothing but the exit', 'server', writes($secret) . "exit 3\n");

passes('nothing is written', 'server', 'true');
passes('something else is', 'server', writes('it is hunter3, AUTH PLAIN ****'));
passes('nobody knows it', 'nobody', writes($secret));
passes('a file of the test itself', 'configuration', 'true', 'file_write(workdir() . "/mine", $secret);');
passes('what the server has heard is its own affair', 'server', 'true',
	'my $s = server_start(user => "you", password => $secret); file_write($s->dir . "/heard", "");' .
	'open my $o, ">", $s->dir . "/kept"; print $o $secret; close $o;');
passes('a run that may', 'server', 'true',
	'run_sendoff([], command => ["cat", $ENV{INNER_SECRET}], tells => 1);');

my ($status, $out) = test_of('server', writes($secret), 'exit 7;');
is($status, 7, 'the status of a test is still its own');
($status) = test_of('server', writes($secret, ' >log'), 'fail("x"); done_testing; exit 3;');
is($status, 3, 'whatever else is found');

done_testing;
