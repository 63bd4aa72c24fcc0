#!/usr/bin/perl
# C1: sendoff check ends in its time whatever the server does, at every step, and at once
# when it is told to.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Check;
use SendoffTest::Send;
use Time::HiRes qw(sleep time);

my %me = (user => 'me@example.test', password => 'pass w0rd');
# Of the account's own deadlines none is short.
my %patient = (timeout => '1h', connect_timeout => '1h', final_timeout => '1h');
my @asks = ('--from', 'me@example.test', '--to', 'you@example.net', '--vrfy', 'x', '--all');
my %stage_of = (greeting => 'ehlo', EHLO => 'ehlo', STARTTLS => 'tls', handshake => 'tls', AUTH => 'login',
	'AUTH-RESPONSE' => 'login', MAIL => 'envelope', RCPT => 'envelope', RSET => undef, VRFY => 'ask', DATA => 'send',
	CONTENT => 'send');
my $slack = 6;
my @cases;

my $group;

sub later { my ($name, %o) = @_; push @cases, { name => $name, group => $group, %o } }

sub begin
{
	my ($case) = @_;
	my $tls = $case->{tls} // 'implicit';
	my $s = $case->{s} = server_start(tls => $tls, %me, mechanisms => 'LOGIN', at => $case->{at}, %{ $case->{server} // {} });
	my $c = account($s, tls => $tls, %me, %patient, ($tls eq 'off' ? (allow_clear_password => 'yes') : ()), %{ $case->{keys} // {} });

	$case->{run} = check_start($c, [@{ $case->{args} // \@asks }, '--json',
		(defined $case->{limit} ? ('--timeout', $case->{limit}) : ())], timeout => 45);
}

# Each at its limit, and some seconds for a loaded machine: without it there would be hours.
sub end
{
	my ($case) = @_;
	my ($r, $name) = @$case{qw(r name)};
	my $f = $r->{json}{failed};

	ok(safe($r), "C1 $name: it ends by itself") or diag($r->{err});
	cmp_ok($r->{seconds}, '<', $case->{limit} // 30 + $slack, "C1 $name: in time") if defined $case->{limit} || $case->{whole};
	ok($r->{json}, "$name: and says what it found") or diag($r->{out}, $r->{err});
	like($r->{exit}, qr/^(?:$case->{exit})$/, "$name: exit $case->{exit}") or diag($r->{out});
	is($f->{stage}, $case->{stage}, "$name: at stage $case->{stage}") if $case->{stage};
	ok(length($f->{what} // $f->{said} // '') && length($f->{next} // ''), "$name: what, and what to do") if $case->{stage};
	cmp_ok($case->{s}->stored, '<=', $case->{stored} // 0, "$name: nothing is sent");
	$case->{s}->stop;
}

# All of a group at once, begun by now or not: nearly all of it is waiting.
sub run_group
{
	my ($group) = @_;
	my @of = grep { $_->{group} eq $group } @cases;

	$_->{run} // begin($_) for @of;
	my @results = check_all(map { $_->{run} } @of);
	subtest $group => sub {
		for my $case (@of) {
			$case->{r} = shift @results;
			$case->{limit} += $slack if defined $case->{limit};
			end($case);
		}
	};
}

$group = 'silence at every step';
{
	for my $step (sort grep { !/DATA|CONTENT/ } keys %stage_of) {
		for my $action ('silence', 'stall', 'drip 700', 'lines 200000') {
			next if $step eq 'handshake' && $action ne 'silence' && $action ne 'stall';
			next if $action =~ /lines/ && $step !~ /greeting|EHLO|VRFY/;
			my $tls = $step =~ /STARTTLS|handshake/ ? 'starttls' : 'implicit';
			my $endless = $action =~ /lines/;

			later("$step $action", at => "$step $action", tls => $tls, limit => 3, exit => $endless ? '75|76' : 75,
				stage => $endless ? undef : $stage_of{$step}, ($step eq 'RSET' ? (exit => '0|75') : ()));
		}
	}
	for my $step (qw(MAIL RCPT DATA CONTENT)) {
		later("--send, $step $_", at => "$step $_", limit => 3, args => ['--send', 'you@example.net'], exit => '74|75',
			stage => 'send', stored => $step eq 'CONTENT' ? 1 : 0) for 'silence', 'stall', 'drip 700';
	}
}

# What comes now and then, and never ends.
$group = 'progress that is none';
{
	later('each answer just in time', at => ['EHLO delay 1000', 'AUTH delay 1000', 'AUTH-RESPONSE delay 1000', 'MAIL delay 1000'],
		limit => 3, exit => 75);
	later('challenges without end', at => 'AUTH-RESPONSE reply "334 eA=="', limit => 3, exit => '75|76|77', stage => 'login');
	later('an endless line', at => 'greeting line 1000000', limit => 3, exit => '75|76', stage => 'ehlo');
	later('an endless answer to VRFY', at => 'VRFY lines 200000', limit => 3, exit => '75|76', stage => 'ask');
	later('every mechanism is slow', server => { mechanisms => 'PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256' },
		at => ['AUTH:2+ delay 1500'], args => ['--all'], limit => 3, exit => 0);
	later('a command of the secret that hangs', keys => { password => undef, password_command => 'sleep 60' }, limit => 3,
		exit => '75|78', stage => 'secret');
	later('a name that is not looked up', keys => { host => 'no-such-name.invalid', port => 587, tls => 'starttls' },
		limit => 4, exit => '68|75', stage => 'name');
}

# Without --timeout.
$group = 'half a minute is all it takes';
{
	later('greeting, by default', at => 'greeting silence', exit => 75, stage => 'ehlo', whole => 1);
	later('VRFY, by default', at => 'VRFY silence', exit => 75, stage => 'ask', whole => 1);
	later('every mechanism, by default', server => { mechanisms => 'PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1' }, at => 'AUTH:2+ silence',
		args => ['--all'], exit => 0, whole => 1);
	later('all answers late, by default', at => ['greeting delay 9000', 'EHLO delay 9000', 'AUTH delay 9000', 'MAIL delay 9000'],
		exit => 75, whole => 1);
}

# The long ones go on meanwhile.
begin($_) for grep { $_->{whole} } @cases;
run_group($_) for 'silence at every step', 'progress that is none';

subtest 'signals' => sub {
	my @runs;

	for my $signal (qw(INT TERM)) {
		for my $step (sort grep { !/CONTENT|RSET/ } keys %stage_of) {
			my $tls = $step =~ /STARTTLS|handshake/ ? 'starttls' : 'implicit';
			my $s = server_start(tls => $tls, %me, mechanisms => 'LOGIN', at => "$step silence");
			my $c = account($s, tls => $tls, %me, %patient);

			push @runs, [$signal, $step, $s, check_start($c, $step eq 'DATA' ? ['--send', 'you@example.net'] : [@asks],
				timeout => 20, env => { COLUMNS => 300 })];
		}
		my $s = server_start(%me);
		push @runs, [$signal, 'secret', $s, check_start(account($s, user => 'me', password_command => 'sleep 60'), [], timeout => 20,
			env => { COLUMNS => 300 })];
	}
	for my $run (@runs) {
		my ($signal, $step, $s, $r) = @$run;
		my $there = $step eq 'secret' ? sub { $r->turn(0.05); 1 } :
			sub { grep { $_->{kind} eq 'FAULT' || $_->{kind} eq 'OPEN' && $step eq 'greeting' } $s->journal };

		ok(wait_until($there, 8), "$signal at $step: it is there");
		sleep 0.1 if $step =~ /secret|handshake/;
		my $from = time;
		$r->kill($signal);
		my $end = $r->finish;
		cmp_ok(time - $from, '<', 8, "C7 $signal at $step: it ends at once");
		ok(!$end->{timed_out} && ($end->{signal} || $end->{exit}), "C7 $signal at $step: and not with 0") or diag($end->{out});
		like($end->{out} . $end->{err}, qr/stop|signal|interrupt/i, "C7 $signal at $step: told") if !$end->{signal};
		unlike($end->{out}, qr/all is well/, "$signal at $step: nothing is well");
		is($s->stored, 0, "$signal at $step: nothing is sent");
		$s->stop;
	}
};

run_group('half a minute is all it takes');

# What comes behind the first session counts as well: a slow server has many times its
# time, and a signal that nobody waits for any more is still one.
subtest 'behind the first session' => sub {
	my @late = map { "$_:2+ delay 4000" } qw(greeting EHLO AUTH);
	my @servers = map { server_start(tls => 'implicit', %me, mechanisms => 'PLAIN LOGIN', at => [ @late, 'MAIL delay 4000' ]) } 1 .. 3;
	my @files = map { account($_, tls => 'implicit', %me, %patient, from => $me{user}) } @servers;
	my $slow = check_start($files[0], ['--all', '--json', '--timeout', '8'], timeout => 45);
	my @told = map { check_start($files[$_], [@{ [ ['--all'], [] ]->[$_ - 1] }, '--json'], timeout => 45) } 1, 2;
	my $since = time;

	$_->turn(0.05) for map { @told } 1 .. 15;
	$_->kill('INT') for @told;
	my ($r, @stopped) = check_all($slow, @told);
	cmp_ok($r->{seconds}, '<', 8 + $slack, 'C1: --all keeps to the time as a whole');
	for my $one (@stopped) {
		cmp_ok($one->{seconds}, '<', 6, 'C7: a signal ends it there too');
		is($one->{exit}, 75, '... and it is not well');
		is($one->{json}{failed}{cause}, 'stopped', '... but stopped');
	}
	$r = check(account($servers[0], tls => 'implicit', %me, password => undef, password_command => 'sleep 60'),
		['--json', '--timeout', '3'], timeout => 20);
	is($r->{exit}, 78, 'a password command that does not end');
	is($r->{json}{failed}{cause}, 'password-command-slow', '... is to blame, and not the server');
	$r = check($files[0], ['--json', '--timeout', '2', '--password-file', '-'], stdin_open => 1, timeout => 20);
	cmp_ok($r->{seconds}, '<', 2 + $slack, 'C1: standard input that says nothing is waited for so long');
	is($r->{exit}, 78, '... and then there is no password');
};

subtest 'its own files' => sub {
	my $s = server_start(tls => 'implicit', %me);
	my $r = check(account($s, tls => 'implicit', %me, tls_ca_file => '/nonexistent/ca.pem'), ['--json']);

	is_deeply([$r->{exit}, $r->{json}{failed}{stage}], [78, 'tls'], 'a file of roots that is not there');
	ok(!stage($r, 'elsewhere'), '... is no reason to knock elsewhere');
};

done_testing;
