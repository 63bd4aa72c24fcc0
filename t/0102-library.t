#!/usr/bin/perl
# The library of the tests: a run is fed, read, timed and ended as promised.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;

sub sh { my ($script, %o) = @_; return run_sendoff([], command => ['/bin/sh', '-c', $script], %o) }

my $big = hostile_bytes(300_000) x 4;
my $r = sh('cat', stdin => $big);
is_bytes($r->{out}, $big, '1.2 MB through stdin and stdout');
is_deeply([@$r{qw(exit signal timed_out)}], [0, 0, 0], 'status 0');

$r = sh('echo out; echo err >&2; exit 75');
is_deeply([@$r{qw(exit out err)}], [75, "out\n", "err\n"], 'exit code and both outputs');
is(sh('kill -TERM $$')->{signal}, 15, 'a signal');
is(sh('exit 3', stdin => $big)->{exit}, 3, 'stdin that nobody reads');

$r = sh('sleep 30 & sleep 30', timeout => 0.5);
is_deeply([@$r{qw(exit timed_out)}], [undef, 1], 'a run without end is ended');
cmp_ok($r->{seconds}, '<', 5, 'at once');
$r = sh('sleep 5 & exit 4');
is($r->{exit}, 4, 'what is left in the background is not waited for');
cmp_ok($r->{seconds}, '<', 3, 'nor its pipes');

{
	local $ENV{SENDOFF_PASSWORD} = 'secret';
	is(sh('env')->{out} =~ /SENDOFF/ ? 'yes' : 'no', 'no', 'the environment is made afresh');
}
is(sh('echo $HOME $A', env => { A => 'b' })->{out}, workdir() . "/home b\n", 'but for what is asked');
is(sh('echo ${HOME-none}', env => { HOME => undef })->{out}, "none\n", 'or asked away');
is(sh('pwd', cwd => '/')->{out}, "/\n", 'directory');
is(sh('umask', before => sub { umask 0123 })->{out}, "0123\n", 'a function of the child');
is(sh('cat', stdin_file => file_write(workdir() . '/in', "a\0b"))->{out}, "a\0b", 'stdin from a file');

my $run = start_sendoff([], command => ['cat'], stdin_open => 1);
$run->write('a');
wait_until(sub { $run->turn(0.01); $run->{out} eq 'a' });
$run->write('b');
$run->close_stdin;
is($run->finish->{out}, 'ab', 'a run that is fed bit by bit');

my $script = file_write(workdir() . '/script', "#!/bin/sh\necho \"\${0##*/} \$*\"\n", 0700);
{
	local $ENV{SENDOFF} = $script;
	is(run_sendoff(['-x', 'y z'], name => 'mailq')->{out}, "mailq -x y z\n", 'SENDOFF, and a name');
	local $ENV{SENDOFF_WRAP} = 'env A=b sh';
	is(run_sendoff(['c'], name => 'newaliases')->{out}, "newaliases c\n", 'SENDOFF_WRAP');
}

my $path = config("port = {port}\nca = {ca}\nodd = {x} {y}\n", port => 25, x => 1);
is(file_read($path), "port = 25\nca = " . cert('ca') . "\nodd = 1 {y}\n", 'placeholders');
is((stat $path)[2] & 07777, 0600, 'a configuration is private');

my $name = workdir() . '/name';
my $other = file_write(workdir() . '/other.t', <<"END");
use SendoffTest;
file_write('$name', workdir());
start_sendoff([], command => ['sleep', 60]);
exit 3;
END
is(system($^X, "-I$FindBin::Bin/lib", $other), 3 << 8, 'the status of a test is its own');
ok(!-e file_read($name), 'its directory goes with it');

done_testing;
