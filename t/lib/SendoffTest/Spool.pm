package SendoffTest::Spool;

# Queues with messages in any state and of any age, written without sendoff's
# help by what sendoff-queue(5) says, and read likewise.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Exporter 'import';

use SendoffTest;

our @EXPORT = qw(spool_put spool_ids spool_control spool_entry spool_park);

my @states = qw(new hold failed damaged);

# A value as it stands in a line.
sub encode { return $_[0] =~ s/([^\x21-\x7e]|[%=])/sprintf '%%%02X', ord $1/ger }

sub make_dirs
{
	my ($dir) = @_;

	mkdir $_, 0700 for $dir, map { "$dir/$_" } qw(tmp new hold failed damaged control accounts);
}

# spool_put(DIR, ID, state => 'new', age => SECONDS, to => [ADDRESS or [ADDRESS,
# NAME before aliases], ...], sender => ..., account => ..., config => ..., uid => ..., login =>
# ..., not_before => ..., content => ..., happened => [LINE, ...]): the lines of
# happened are those of its control file.
sub spool_put
{
	my ($dir, $id, %o) = @_;
	my $content = $o{content} // "Subject: test\r\n\r\ntest\r\n";
	my $header = index($content, "\r\n\r\n") + 2;
	my $created = $o{created} // time - ($o{age} // 0);
	my $state = $o{state} // 'new';
	my @head = ('uid ' . ($o{uid} // $>), "created $created", 'size ' . length $content,
		"header-size $header", 'longest-line 78', 'login ' . ($o{login} // 'tester'),
		'origin tester@example.test');

	make_dirs($dir);
	push @head, 'sender <' . encode($o{sender} // 'me@example.test') . '>';
	push @head, 'from me@example.test', 'message-id <1@example.test>';
	push @head, 'account ' . encode($o{account}) if defined $o{account};
	push @head, 'config ' . encode($o{config}) if defined $o{config};
	push @head, 'errors mail';
	push @head, "not-before $o{not_before}" if $o{not_before};
	for my $to (@{ $o{to} // ['you@example.net'] }) {
		my ($address, $was) = ref $to ? @$to : ($to);
		push @head, 'to <' . encode($address) . '>' .
			(defined $was ? ' was=' . encode($was) : '');
	}
	my $rest = join('', map { "$_\n" } @head) . "\n$content";
	file_write("$dir/$state/$id", sprintf("sendoff-message 1\nlength %020d\nsha256 %s\n",
		length $rest, sha256_hex($rest)) . $rest);
	return if !$o{happened};
	$rest = join '', map { "$_\n" } "entry $id $created", @{ $o{happened} };
	file_write("$dir/control/$id", "sendoff-control 1\nsha256 " . sha256_hex($rest) . "\n$rest");
}

# The ids in a state, sorted.
sub spool_ids
{
	my ($dir, $state) = @_;

	my @ids = sort map { m{([^/]+)$} } glob "$dir/$state/*";
	return @ids;
}

sub decode { return $_[0] =~ s/%([0-9A-F]{2})/chr hex $1/ger }

# A message file taken apart: { content, head => { WORD => VALUE, to => [ADDRESS,
# ...], was => [NAME or undef, ...], events => [[WHAT, TEXT], ...] } }, or undef
# with the reason on stderr when it is not whole.
sub spool_entry
{
	my ($path) = @_;
	my $text = file_read($path);
	my %head = (to => [], was => [], events => []);

	if ($text !~ /\Asendoff-message 1\nlength (\d{20})\nsha256 ([0-9a-f]{64})\n(.*)\z/s ||
	    $1 != length $3 || $2 ne sha256_hex($3)) {
		diag("$path is not whole");
		return undef;
	}
	my ($lines, $content) = split /\n\n/, $3, 2;
	for my $line (split /\n/, $lines) {
		my ($word, $value) = split / /, $line, 2;
		if ($word eq 'to') {
			$value =~ /^<(\S*)>(?: was=(\S+))?$/ or diag("$path: $line");
			push @{ $head{to} }, decode($1);
			push @{ $head{was} }, defined $2 ? decode($2) : undef;
		} elsif ($word eq 'event') {
			push @{ $head{events} }, [ $value =~ /^\d+ (\S+)(?: (\S+))?$/ ? ($1, decode($2 // '')) : () ];
		} else {
			$head{$word} = $word eq 'recipient' ? $value : decode($value);
		}
	}
	return { head => \%head, content => $content };
}

# What is kept of an account: { WORD => VALUE }; empty when nothing is.
sub spool_park
{
	my ($dir, $account) = @_;
	my $path = "$dir/accounts/$account";

	return {} if !-e $path;
	return { map { /^(\S+) (.*)$/ ? ($1 => decode($2)) : () } split /\n/, file_read($path) };
}

# The lines of a control file, without its front.
sub spool_control
{
	my ($dir, $id) = @_;
	my (undef, undef, @lines) = split /\n/, file_read("$dir/control/$id");

	return @lines;
}

1;
