#!/usr/bin/perl
# Passwords that systemd grants, and those in a netrc: which is taken, as whom, and what is
# told when there is none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;

my $user = 'me@example.test';
my %tls = (tls => 'implicit');
my @mechanisms = qw(PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS CRAM-MD5);

sub netrc { return file_write(workdir() . '/netrc', $_[0], $_[1] // 0600) }

# As systemd makes it.
sub grant
{
	my ($name, $text, $mode) = @_;
	my $unit = workdir() . '/mail.service';

	mkdir $unit, 0700;
	unlink "$unit/$name";
	file_write("$unit/$name", $text, $mode // 0400);
	return { CREDENTIALS_DIRECTORY => $unit };
}

subtest 'a netrc, by each mechanism' => sub {
	for my $mechanism (@mechanisms) {
		for my $named (1, 0) {
			for my $pipelining (qw(standard full)) {
				my $s = server_start(%tls, user => $user, password => 'pa"ss \\w0rd', mechanisms => $mechanism);
				my $c = account($s, %tls, user => $named ? $user : undef, auth => lc $mechanism, pipelining => $pipelining,
					netrc => netrc(qq(machine smtp.other.test login $user password wr0ngly\n) .
						qq(machine LOCALHOST login $user password "pa\\"ss \\\\w0rd"\n)));
				my $r = send_mail($c);
				my $name = "$mechanism, $pipelining, " . ($named ? 'user' : 'no user') . ' in the account';

				is($r->{exit}, 0, "$name: sent") or diag($r->{err});
				is($s->stored, 1, "$name: stored");
				is($s->envelope(1)->{auth}, "$user $mechanism", "D8 $name: as whom");
				is_deeply([$s->violations], [], "$name: by the rules");
			}
		}
	}
};

subtest 'which entry' => sub {
	my $s = server_start(%tls, user => $user, password => 'pass w0rd', mechanisms => 'PLAIN');
	my $port = $s->port;
	my %other = (
		'of the port' => "machine localhost port 1 password wr0ngly machine localhost port $port password 'pass w0rd'",
		'of any port' => "machine localhost port 1 password wr0ngly machine localhost password 'pass w0rd'",
		'of the user' => "machine localhost login else password wr0ngly\nmachine localhost login $user password 'pass w0rd'",
		'the default' => "machine other.test login $user password wr0ngly\ndefault login $user password 'pass w0rd'",
		'behind a macro' => "macdef init\nmachine localhost password wr0ngly\n\nmachine localhost password 'pass w0rd'",
		'with what others add' => "# comment\nhost localhost smtp-auth plain user $user account x password \"pass w0rd\" force yes",
	);
	for my $name (sort keys %other) {
		my $r = send_mail(account($s, %tls, user => $user, netrc => netrc($other{$name})));
		is($r->{exit}, 0, $name) or diag($r->{err});
	}
	is_deeply([grep { /REFUSED|failed/i } $s->logins], [], 'no login was refused');

	# As many messages as there are go through one login.
	my $r = send_mail(account($s, %tls, netrc => netrc("machine localhost login $user password 'pass w0rd'")), ['send', '--no-queue', '-t',
		map { ('--file', file_write(workdir() . "/m$_.eml", "From: $user\nTo: you\@x.test\n\n$_\n")) } 1 .. 3]);
	is($r->{exit}, 0, 'three messages') or diag($r->{err});
};

subtest 'none' => sub {
	my $s = server_start(%tls, user => $user, password => 'pass w0rd');
	my %with = (%tls, user => $user);
	my $refuse = sub {
		my ($name, $keys, $words, $next, %o) = @_;
		my $r = send_mail(account($s, %with, %$keys), undef, %o);

		is($r->{exit}, 78, "$name: 78") or diag($r->{err});
		like($r->{err}, $words, "G1 $name: why");
		like($r->{err}, $next, "G1 $name: and what to do") if $next;
		unlike($r->{err}, qr/wr0ngly/, "D9 $name: no password");
	};

	SendoffTest::Secrets::known('wr0ngly-1');
	$refuse->('no entry', { netrc => netrc("machine a.test login me password wr0ngly-1\ndefault login you password wr0ngly-1") },
		qr/netrc: '.*': no entry for machine localhost, login \Q$user\E, port \d+; there is: a\.test, default as you/,
		qr/machine localhost login \Q$user\E password \.\.\./);
	$refuse->('an open quote', { netrc => netrc("machine localhost\npassword \"wr0ngly-1\n") }, qr/line 2: a quote is not closed/);
	$refuse->('nothing in it', { netrc => netrc('') }, qr/there is no entry in it/);
	$refuse->('no file', { netrc => '/nonexistent/netrc' }, qr{cannot open '/nonexistent/netrc'});
	$refuse->('D10: others can read it', { netrc => netrc("machine localhost password wr0ngly-1", 0644) },
		qr/can be read by other users \(mode 0644\)/, qr/chmod/);
	$refuse->('a huge one', { netrc => netrc('#' x 200_000) }, qr/too large/);
	$refuse->('no user anywhere', { user => undef, netrc => netrc("machine localhost password wr0ngly-1") }, qr/names no login/,
		qr/add the key user/);
	$refuse->('an encrypted one', { netrc => '/x/.authinfo.gpg' }, qr/netrc names a file that is encrypted/, qr/password_command/);

	$refuse->('no unit', { credential => 'mail' }, qr/CREDENTIALS_DIRECTORY is not set/,
		qr/systemctl edit sendoff\.service.*LoadCredential=mail:FILE/);
	$refuse->('nothing granted', { credential => 'mail' }, qr/'mail' is not in \S+mail\.service/, qr/systemctl edit mail\.service/,
		env => grant('other', 'wr0ngly-1'));
	$refuse->('D10: others can read it', { credential => 'mail' }, qr/can be read by other users \(mode 0444\)/, undef,
		env => grant('mail', 'wr0ngly-1', 0444));
	$refuse->('an empty one', { credential => 'mail' }, qr/gives nothing/, undef, env => grant('mail', "\n"));
	$refuse->("the name '$_'", { credential => $_ }, qr/credential is not the name of a credential/, undef,
		env => grant('mail', 'wr0ngly-1')) for '../mail', '..', '/etc/passwd', 'a:b';
	is_deeply([$s->logins], [], 'nobody logged in');
	is($s->stored, 0, 'and nothing was sent');
};

subtest 'a credential' => sub {
	for my $end ('', "\n", "\r\n") {
		my $s = server_start(%tls, user => $user, password => 'pass w0rd', mechanisms => 'PLAIN');
		my $r = send_mail(account($s, %tls, user => $user, credential => 'mail'), undef, env => grant('mail', "pass w0rd$end"));

		is($r->{exit}, 0, 'sent') or diag($r->{err});
		is($s->stored, 1, 'stored');
	}
};

subtest 'one source at most, both named with their lines' => sub {
	my $c = sub { return file_write(workdir() . '/two', $_[0]) };
	my %value = (password => 'x', password_command => 'x', password_file => '/x', password_env => 'x', credential => 'x',
		netrc => '/x', oauth_client_id => 'x');
	my @order = qw(password password_command password_file password_env credential netrc);

	for my $i (0 .. $#order) {
		for my $other (@order[$i + 1 .. $#order], 'oauth_client_id') {
			my ($first, $second) = $other eq 'oauth_client_id' ? ($other, $order[$i]) : ($order[$i], $other);
			my $path = $c->("[account a]\nhost = h\nuser = u\n$order[$i] = $value{$order[$i]}\n\n$other = $value{$other}\n");
			my $r = run_sendoff(['-C', $path, 'config', 'check']);
			my %line = ($order[$i] => 4, $other => 6);

			is($r->{exit}, 78, "$first and $second: 78");
			like($r->{err} . $r->{out}, qr/$first \(line $line{$first}\) and $second \(line $line{$second}\) are both set/, 'and where');
		}
	}
	my $path = $c->("[defaults]\nnetrc = /x\n[account a]\nhost = h\nuser = u\ncredential = x\n");
	my $r = run_sendoff(['-C', $path, 'config', 'check']);
	like($r->{err} . $r->{out}, qr/credential \(line 6\) and netrc \(line 2\) are both set/, 'one of them for all accounts');
	$path = $c->("[defaults]\nnetrc = /x\n[account a]\nhost = h\nuser = u\nnetrc =\ncredential = x\n");
	is(run_sendoff(['-C', $path, 'config', 'check'])->{exit}, 0, 'which this one does without');
};

subtest 'shown' => sub {
	my $path = file_write(workdir() . '/shown', "[account a]\nhost = h\nuser = u\npassword = geheim-99\n[account b]\nhost = h\n" .
		"netrc = /x/.netrc\n[account c]\nhost = h\nuser = u\ncredential = mail\n", 0600);
	SendoffTest::Secrets::known('geheim-99');
	my $r = run_sendoff(['-C', $path, 'config', 'show']);

	like($r->{out}, qr/^password\s*=\s*\*\*\*/m, 'D9: a password is not') or diag($r->{out});
	like($r->{out}, qr{^netrc\s*=\s*/x/\.netrc}m, 'the file is');
	like($r->{out}, qr/^credential\s*=\s*mail/m, 'and the name');
	$r = run_sendoff(['-C', $path, 'login', 'b'], timeout => 20);
	like($r->{out} . $r->{err}, qr/logs in with a password, from netrc/, 'sendoff login knows it');
};

done_testing;
