package SendoffTest::Spool;

# Queues with messages in any state and of any age, written without sendoff's
# help by what sendoff-queue(5) says, and read likewise.

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Exporter 'import';

use SendoffTest;

our @EXPORT = qw(spool_put spool_ids spool_control);

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

# The lines of a control file, without its front.
sub spool_control
{
	my ($dir, $id) = @_;
	my (undef, undef, @lines) = split /\n/, file_read("$dir/control/$id");

	return @lines;
}

1;
