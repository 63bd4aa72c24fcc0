#!/usr/bin/perl
# How programs call sendmail, and what they rely on.
#
# In t/data/callers stands a record for each call, of an account that may send as
# anybody; in t/data/callers-rewritten, of one whose server knows its own address only:
#
#   --- who calls
#   $ the words behind "sendmail", quoted as for a shell
#   name WORD              instead of sendmail
#   exit CODE              default 0; then nothing else is expected
#   nothing                nobody gets anything
#   loud                   it may say something
#   lockstep               stdin is SMTP, and each line waits for its answer
#   to ADDRESS...          recipients, in any order
#   from ADDRESS           envelope sender; default that of the account
#   has NAME: VALUE        a header field that arrives otherwise than written;
#                          {login}: the login name
#   |LINE                  what is written to stdin
#   =LINE                  what arrives as the body; default: as written
#   and                    what follows is of the next message, or of the next copy of one
#                          with more recipients than go at a time
#
# with \r \t \xHH \\ in lines, and \c for "no newline here".  Lines that begin with
# "# " are for people.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Dialogue;
use SendoffTest::Send;
use Text::ParseWords qw(shellwords);

# Callers with less of an environment than they should have.
my %cron = (HOME => workdir() . '/home', LOGNAME => 'root', USER => undef, PATH => '/usr/bin:/bin', LC_ALL => undef);

my $login = getpwuid($>);

sub unescape
{
	my ($line) = @_;
	my $end = $line =~ s/\\c\z// ? '' : "\n";
	my %plain = (r => "\r", t => "\t", '\\' => '\\');

	$line =~ s/\\(?:x([0-9a-f]{2})|([rt\\]))/defined $1 ? chr hex $1 : $plain{$2}/ge;
	return $line . $end;
}

# Of whom mail is without any other sender.
my $mine;

sub message { return { to => [], from => $mine } }

sub records
{
	my ($table) = @_;
	my @records;

	for my $line (split /\n/, file_read(top() . "/t/data/$table")) {
		my $c = $records[-1];
		my $m = $c && $c->{messages}[-1];
		if ($line =~ /^--- (.*)/) {
			push @records, { what => $1, name => 'sendmail', exit => 0, stdin => '', messages => [message()] };
		} elsif ($line =~ /^\$ ?(.*)/) {
			$c->{args} = [map { chomp(my $word = unescape($_)); $word } shellwords($1 =~ s/\\/\\\\/gr)];
		} elsif ($line =~ /^(name|exit) (.*)/) {
			$c->{$1} = $2;
		} elsif ($line =~ /^(loud|lockstep)$/) {
			$c->{$1} = 1;
		} elsif ($line eq 'nothing') {
			$c->{messages} = [];
		} elsif ($line eq 'and') {
			push @{ $c->{messages} }, message();
		} elsif ($line =~ /^to (.*)/) {
			$m->{to} = [sort split ' ', $1];
		} elsif ($line =~ /^from (.*)/) {
			$m->{from} = $1 eq '<>' ? '' : $1;
		} elsif ($line =~ /^has ([^:]+): (.*)/) {
			my ($field, $value) = (lc $1, $2);
			chomp($value = unescape($value =~ s/\{login\}/$login/r));
			push @{ $m->{has}{$field} }, $value;
		} elsif ($line =~ /^\|(.*)/) {
			$c->{stdin} .= unescape($1);
		} elsif ($line =~ /^=(.*)/) {
			$m->{body} .= unescape($1);
		} elsif ($line ne '' && $line !~ /^# /) {
			die "record '$line'\n";
		}
	}
	return @records;
}

# The fields of a header block as name => [values], folds and blanks collapsed;
# and the body, lines ended by LF.
sub parse
{
	my ($message) = @_;
	my %fields;

	$message =~ s/\r\n/\n/g;
	$message =~ s/\A>?From .*\n//;
	my ($head, $body) = $message =~ /\A((?:[!-9;-~]+[ \t]*:.*(?:\n|\z)(?:[ \t].*(?:\n|\z))*)*)\n?((?s:.*))\z/;
	$head =~ s/\n[ \t]+/ /g;
	for my $line (split /\n/, $head) {
		my ($name, $value) = $line =~ /^([^:\s]+)\s*:\s*(.*?)\s*$/;
		push @{ $fields{ lc $name } }, $value =~ s/\s+/ /gr;
	}
	$body .= "\n" if $body ne '' && $body !~ /\n\z/;
	return (\%fields, $body);
}

# What a session hands in, message by message.
sub contents
{
	my ($said) = @_;

	return map { s/^\.//mgr } $said =~ /^DATA\r?\n(.*?)^\.\r?\n/msg;
}

sub speak
{
	my ($c, $config) = @_;
	my $d = dialogue($config, $c->{args}, name => $c->{name}, env => \%cron, cwd => '/');
	my $content = 0;

	for my $line (split /(?<=\n)/, $c->{stdin}) {
		$d->put($line);
		$content = 0 if $content && $line =~ /^\.\r?\n/;
		next if $content || $line !~ /\n\z/;
		my $reply = $d->get;
		like($reply, qr/^[23]/, "$c->{what}: " . ($line =~ s/\s+\z//r));
		$content = 1 if $reply =~ /^354 /;
	}
	my $r = $d->finish(eof => 1);
	$r->{out} = '';
	return $r;
}

my $server = server_start();
my $count = 0;

sub arrived
{
	my ($name, $m, $written, $completed) = @_;
	my $e = $server->envelope(++$count) or return fail("$name: it arrives");

	is_deeply([sort @{ $e->{recipients} }], $m->{to}, "$name: recipients");
	is($e->{sender}, $m->{from}, "$name: sender");

	my ($want, $body) = parse($written);
	my ($got, $arrived) = parse($server->message($count));
	is_bytes($arrived, $m->{body} // $body, "$name: body");
	for my $field (qw(date message-id from)) {
		next if @{ $want->{$field} // [] } || $m->{has}{$field};
		is(scalar @{ delete $got->{$field} // [] }, $completed, "$name: $field");
	}
	delete @$want{qw(bcc resent-bcc return-path)};
	is_deeply($got, { %$want, %{ $m->{has} // {} } }, "$name: header");
}

sub call
{
	my ($c, $config) = @_;
	my $name = $c->{what};
	my $r = $c->{lockstep} ? speak($c, $config) : run_sendoff($c->{args}, name => $c->{name},
		stdin => $c->{stdin}, env => { %cron, SENDOFF_CONFIG => $config }, cwd => '/');

	is($r->{exit}, $c->{exit}, "$name: exit $c->{exit}") or diag($r->{err});
	if ($c->{exit}) {
		is($server->stored, $count, "$name: nothing sent");
		is(scalar(queued()), 0, "$name: nothing stored");
		like($r->{err}, qr/^sendoff: ./, "$name: told");
		return;
	}
	is($r->{out} . $r->{err}, '', "$name: silence") if !$c->{loud};
	# What goes in the background, or waits, is sent before the next one calls.
	is(send_mail($config, ['queue', 'flush'])->{exit}, 0, "$name: flushed") if queued();
	wait_until(sub { !queued() }, 10);
	is(scalar(queued()), 0, "$name: nothing waits");
	is($server->stored, $count + @{ $c->{messages} }, "$name: as many messages as meant");
	my @written = $c->{lockstep} ? contents($c->{stdin}) : $c->{stdin};
	my @meant = @{ $c->{messages} };
	# -G: it is somebody else's, complete or not.
	my $completed = grep({ $_ eq '-G' } @{ $c->{args} }) ? 0 : 1;
	arrived($name, $meant[$_], $written[$_] // $written[-1], $completed) for 0 .. $#meant;
}

for my $table (['callers', 'robot@example.test', allowed_from => '*'],
	['callers-rewritten', 'alerts@example.org']) {
	(my $name, $mine, my %keys) = @$table;
	my $config = account($server, from => $mine, %keys);
	call($_, $config) for records($name);
}
is_deeply([$server->violations], [], 'all by the rules');

done_testing;
