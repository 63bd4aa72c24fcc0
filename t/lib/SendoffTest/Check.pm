package SendoffTest::Check;

# sendoff check, run and read: most cases as JSON, where nothing depends on the width of
# a terminal.

use strict;
use warnings;

use Exporter 'import';
use JSON::PP ();

use SendoffTest;
use SendoffTest::Send;

our @EXPORT = qw(check check_start check_read check_all checked stages stage printed sentence talk
	raw_octets);

# sendoff -C CONFIG check ARGUMENTS; of --json what it says is in {json}.  Without a
# configuration: undef.
sub check_start
{
	my ($config, $args, %o) = @_;

	return start_sendoff([(defined $config ? ('-C', $config) : ()), 'check', @{ $args // [] }], %o);
}

sub check_read
{
	my ($r) = @_;

	$r->{json} = eval { JSON::PP->new->utf8->decode($r->{out}) } if $r->{out} =~ /\A\{.*\}\n\z/;
	return $r;
}

sub check
{
	my ($config, $args, %o) = @_;

	return check_read(check_start($config, $args, %o)->finish);
}

# Several side by side.
sub check_all { return map { check_read($_) } finish_all(@_) }

# The report of `sendoff -C CONFIG check --json ARGUMENTS`, and the run itself.
sub checked
{
	my ($config, @args) = @_;
	my $r = run_sendoff([ '-C', $config, 'check', '--json', @args ], timeout => 40);
	my $report = eval { JSON::PP::decode_json($r->{out}) } // {};

	is($report->{exit}, $r->{exit}, "check @args: the JSON has the exit code");
	return ($report, $r);
}

# The names of the stages in their order, from the secret on: what is before that has
# tests of its own.
sub stages
{
	my ($r) = @_;

	return grep { !/^(?:surroundings|configuration)$/ } map { $_->{stage} } @{ $r->{json}{stages} // [] };
}

# The only stage of that name, of a run or of its report, or undef; the first of several
# with first => 1.
sub stage
{
	my ($r, $name, %o) = @_;
	my $report = exists $r->{json} ? $r->{json} : $r;
	my @found = grep { $_->{stage} eq $name } @{ $report->{stages} // [] };

	return @found == 1 || ($o{first} && @found) ? $found[0] : undef;
}

# Text as it was before it was broken into lines.
sub sentence
{
	my ($text) = @_;

	$text =~ s/\s+/ /g;
	return $text;
}

# The verdict below the stages, as it stands on the screen: { failed said what cause works
# next } are paragraphs made one line, set is the list of lines to put in.
sub printed
{
	my ($out) = @_;
	my (%verdict, $at);
	my ($text) = $out =~ /\n\n((?:failed)[ ].*)\z/s;

	for my $line (split /\n/, $text // '') {
		$line =~ /^(\w*)\s+(\S.*)$/ or next;
		$at = $1 if length $1;
		if ($at eq 'set') {
			push @{ $verdict{set} }, $2;
		} else {
			$verdict{$at} = join ' ', $verdict{$at} // (), $2;
		}
	}
	return \%verdict;
}

# The dialogue of one connection, with EHLO and logins made short: what follows AUTH and its
# mechanism is of no interest here.
sub talk
{
	my ($server, $connection) = @_;
	my (@talk, $login);

	for my $line ($server->commands($connection)) {
		my $verb = $line =~ /^(?:EHLO|HELO|STARTTLS|MAIL|RCPT|RSET|DATA|BDAT|QUIT|VRFY|EXPN|HELP|NOOP|AUTH)\b/;

		next if $login && !$verb;
		$login = $line =~ /^AUTH /;
		push @talk, $line =~ /^EHLO / ? 'EHLO' : $line =~ /^(AUTH \S+)/ ? $1 : $line;
	}
	return @talk;
}

# What would move a terminal about.
sub raw_octets
{
	my ($text) = @_;

	return $text =~ /[^\x0a\x20-\x7e\x80-\xff]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]/ ? 1 : 0;
}

1;
