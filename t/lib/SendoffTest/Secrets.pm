package SendoffTest::Secrets;

# What must be in no output, log or queue: each password and token that a test gives to
# a server, a configuration or an environment.  SendoffTest::Run looks through what each
# run wrote, SendoffTest through the files that are left at the end.

use strict;
use warnings;

use File::Find ();
use MIME::Base64 qw(encode_base64);

# Shorter ones stand in any text by chance.
use constant { LEAST => 6, LEAST_CODED => 8 };

my (%form_of, %own, %growing, @places, $pattern);

# The part of its base64 that is the same whatever stands before and behind it, behind
# so many octets of something else; undef where that is too short to mean anything.
sub coded
{
	my ($secret, $before) = @_;
	my $whole = int(($before + length $secret) / 3) * 3;
	my $text = encode_base64(substr(("\0" x $before) . $secret, 0, $whole), '');
	my $core = substr $text, $before ? 4 : 0;

	return length $core >= LEAST_CODED ? $core : undef;
}

# As JSON writes it, and as it is written where octets are not fit to be shown.
sub escaped
{
	my ($secret) = @_;
	my ($json, $shown) = ($secret) x 2;

	$json =~ s/(["\\])/\\$1/g;
	$json =~ s/([\x00-\x1f])/sprintf('\\u%04x', ord $1)/ge;
	$shown =~ s/([^\x20-\x7e])/sprintf('\\x%02x', ord $1)/ge;
	return ($json, $shown);
}

# As a URL or xtext has it; the same in small letters, and with each octet written so.
sub percent
{
	my ($secret) = @_;
	my @coded = map { $secret =~ s/([^A-Za-z0-9_.~-])/sprintf "$_", ord $1/ger } '%%%02X', '%%%02x', '+%02X';
	my @all = map { $secret =~ s/(.)/sprintf "$_", ord $1/gser } '%%%02X', '%%%02x';

	return (@coded, @all, uc unpack('H*', $secret), unpack('H*', $secret));
}

# From now on they must be nowhere.
sub known
{
	for my $secret (grep { defined && length >= LEAST } @_) {
		utf8::encode($secret) if utf8::is_utf8($secret);
		next if $form_of{$secret};
		$form_of{$_} = $secret for grep { defined } $secret, escaped($secret), percent($secret),
			map { coded($secret, $_) } 0 .. 2;
		undef $pattern;
	}
	return;
}

# The values of a configuration's own secrets.
sub known_in
{
	my ($text) = @_;

	for my $value ($text =~ /^[ \t]*(?:password|oauth_client_secret)[ \t]*=[ \t]*(.+?)[ \t]*$/mg) {
		known($value =~ /^"(.*)"$/ ? $1 : $value);
	}
	for my $coded ($text =~ m{^[ \t]*proxy[ \t]*=[ \t]*\w+://[^:@/\s]*:(\S+)@}mg) {
		known($coded =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger);
	}
	return;
}

# A file to which a server adds secrets, one a line, as it hands them out.
sub known_from { $growing{ $_[0] } = 0; return }

sub learn
{
	for my $path (keys %growing) {
		open(my $in, '<:raw', $path) or next;
		seek $in, $growing{$path}, 0;
		while (my $line = <$in>) {
			last if $line !~ s/\n\z//;
			known($line);
			$growing{$path} = tell $in;
		}
	}
	return;
}

# A file of the test itself, which may hold one.
sub own { $own{ $_[0] } = 1; return }

# A directory besides workdir() in which sendoff leaves something.
sub place { push @places, $_[0]; return }

# The secrets that stand in it, in whatever form.
sub found
{
	my ($text) = @_;
	my %found;

	learn();
	return () if !%form_of;
	$pattern //= do {
		my $all = join '|', map { quotemeta } sort { length $b <=> length $a } keys %form_of;
		qr/($all)/;
	};
	$found{ $form_of{$1} } = 1 while $text =~ /$pattern/g;
	return sort keys %found;
}

# [ PATH, SECRET ] for each file that holds one, in these directories and the places: logs,
# queues, whatever sendoff has left there.  What servers keep of their side is none of that,
# nor is the place for tokens, as long as nobody else can read them.
sub left_in
{
	my @dirs = grep { -d } @_, @places;
	my @left;

	return () if !@dirs || !%form_of;
	File::Find::find({ no_chdir => 1, wanted => sub {
		my $path = $File::Find::name;

		if (!-l $path && -d _) {
			$File::Find::prune = $path =~ m{/sendoff-test-\w+/server[\w-]*\d\z};
			return;
		}
		return if $own{$path} || -l $path || !-f _ || -s _ > 1 << 24;
		return if $path =~ m{/sendoff/tokens/[^/]+\z} && ((stat _)[2] & 07777) == 0600;
		open(my $in, '<:raw', $path) or return;
		local $/;
		push @left, map { [$path, $_] } found(scalar <$in> // '');
	} }, @dirs);
	return @left;
}

1;
