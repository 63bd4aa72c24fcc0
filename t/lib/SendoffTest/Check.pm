package SendoffTest::Check;

# What sendoff check found, read as a program reads it and as a person does.

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;

use SendoffTest;

our @EXPORT = qw(checked stage printed flat);

# The report of `sendoff -C CONFIG check --json ARGUMENTS`, and the run itself.
sub checked
{
	my ($config, @args) = @_;
	my $r = run_sendoff([ '-C', $config, 'check', '--json', @args ], timeout => 40);
	my $report = eval { decode_json($r->{out}) } // {};

	is($report->{exit}, $r->{exit}, "check @args: the JSON has the exit code");
	return ($report, $r);
}

# One stage of a report; undef: it did not come to it.
sub stage
{
	my ($report, $name) = @_;
	my ($stage) = grep { $_->{stage} eq $name } @{ $report->{stages} // [] };

	return $stage;
}

sub flat
{
	my ($text) = @_;

	return $text =~ s/\s+/ /gr;
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

1;
