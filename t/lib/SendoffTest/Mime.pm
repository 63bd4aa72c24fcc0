package SendoffTest::Mime;

# What a message says to whoever reads it: an independent reading of RFC 2045 to
# 2047 and 2231, for comparing what was given with what arrived.  All is octets:
# an encoded word in UTF-8 says the same as those octets raw.
#
#	said(TEXT)        a structure for is_deeply(): fields in order, decoded, without
#	                  those that only tell of the encoding; parts, decoded
#	breaches(TEXT)    rules that its encoding breaks, as a list of words
#	labels(TEXT)      { mime-version => ..., type => ..., coding => ... } of its header

use strict;
use warnings;

use Exporter 'import';
use MIME::Base64 qw(decode_base64);
use MIME::QuotedPrint qw(decode_qp);

our @EXPORT = qw(said breaches labels);

# Fields that a conversion may add or change.
my %of_encoding = map { $_ => 1 } qw(mime-version content-transfer-encoding);
my %addresses = map { $_ => 1 } qw(from sender reply-to to cc resent-from resent-to resent-cc
	x-original-from);
my %parameters = map { $_ => 1 } qw(content-type content-disposition);

# ([NAME, VALUE]..., and the body); a header ends before the first line that is no
# field.  Lines end in LF.
sub split_message
{
	my ($text) = @_;
	my @fields;

	while ($text =~ s/^((?:[!-9;-~]+)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*)//) {
		my ($name, $value) = split /:/, $1, 2;
		$name =~ s/[ \t]+$//;
		$value =~ s/\n(?=[ \t])//g;
		$value =~ s/^\s+|\s+$//g;
		push @fields, [$name, $value];
	}
	$text =~ s/^\n//;
	return (\@fields, $text);
}

sub word_octets
{
	my ($encoding, $text) = @_;

	return decode_base64($text) if lc $encoding eq 'b';
	$text =~ tr/_/ /;
	$text =~ s/=([0-9A-Fa-f]{2})/chr hex $1/ge;
	return $text;
}

# Encoded words as the octets that they stand for; blanks between two are not shown.
sub decode_words
{
	my ($text) = @_;
	my @result;
	my $before = 0;

	# Only what stands alone is one (RFC 2047 section 5).
	for my $piece (split /([ \t()]+)/, $text) {
		my ($encoding, $octets) = $piece =~ /^=\?[^?\s]+\?([BbQq])\?([^?\s]*)\?=$/;

		if (defined $encoding) {
			pop @result if $before;
			push @result, word_octets($encoding, $octets);
			$before = 1;
		} else {
			push @result, $piece;
			$before &&= $piece =~ /^[ \t]*$/;
		}
	}
	return join '', @result;
}

sub decode_text
{
	my $text = decode_words(@_);

	$text =~ s/[ \t]+/ /g;
	$text =~ s/^ | $//g;
	return $text;
}

# Quoting is a way of writing, and so are blanks beside a sign.
sub decode_addresses
{
	my ($text) = @_;

	$text =~ s/"((?:[^"\\]|\\.)*)"/$1 =~ s{\\(.)}{$1}gsr/ges;
	$text = decode_text($text);
	$text =~ s/ *([,;:<>()]) */$1/g;
	return $text;
}

sub split_parameters
{
	my ($value) = @_;
	my @parts = ('');
	my $quoted = 0;

	for my $c (split //, $value) {
		$quoted = !$quoted if $c eq '"';
		if ($c eq ';' && !$quoted) {
			push @parts, '';
		} else {
			$parts[-1] .= $c;
		}
	}
	s/^\s+|\s+$//g for @parts;
	return @parts;
}

# The type and { NAME => OCTETS }, RFC 2231 undone.
sub decode_parameters
{
	my ($type, @parts) = split_parameters(@_);
	my (%simple, %pieces);

	for my $part (grep { length } @parts) {
		my ($name, $value) = $part =~ /^([^=]*?)\s*=\s*(.*)$/s or next;
		my $extended = $name =~ s/\*$//;
		my $number = $name =~ s/\*(\d+)$// ? $1 : $extended ? 0 : undef;

		$value =~ s/^"(.*)"$/$1/s and $value =~ s/\\(.)/$1/gs;
		if (defined $number) {
			$value =~ s/^[^']*'[^']*'// if $extended && !$number;
			$value =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge if $extended;
			$pieces{lc $name}[$number] = $value;
		} else {
			$simple{lc $name} = $value;
		}
	}
	$simple{$_} = join '', map { $_ // '' } @{ $pieces{$_} } for keys %pieces;
	return (lc $type, \%simple);
}

sub field
{
	my ($fields, $name) = @_;

	for my $f (@$fields) {
		return $f->[1] if lc $f->[0] eq $name;
	}
	return undef;
}

sub decode_field
{
	my ($name, $value) = @{ $_[0] };

	return [$name, decode_addresses($value)] if $addresses{lc $name};
	return [$name, decode_parameters($value)] if $parameters{lc $name};
	return [$name, decode_text($value)];
}

# The parts between the delimiters; the line end before a delimiter is its own.
# An outer delimiter cannot be seen here: it has ended the text already.
sub split_parts
{
	my ($text, $boundary) = @_;
	my (@parts, $part);
	my $mark = qr/--\Q$boundary\E/;

	for my $line (split /(?<=\n)/, $text) {
		last if $line =~ /^$mark--[ \t]*\n?$/;
		if ($line =~ /^$mark[ \t]*\n?$/) {
			push @parts, $part if defined $part;
			$part = '';
		} elsif (defined $part) {
			$part .= $line;
		}
	}
	push @parts, $part if defined $part;
	# What stands before "\n--boundary" ends without that line end.
	my $ended = $text =~ /^$mark--[ \t]*$/m;
	for my $i (0 .. $#parts) {
		$parts[$i] =~ s/\n$// if $i < $#parts || $ended;
	}
	return @parts;
}

sub decode_content
{
	my ($text, $coding) = @_;

	return decode_qp($text) if $coding eq 'quoted-printable';
	return decode_base64($text) if $coding eq 'base64';
	return $text;
}

# What a body says, its own line ends being LF.
sub body_said
{
	my ($fields, $text, $default) = @_;
	my ($type, $set) = decode_parameters(field($fields, 'content-type') // $default);
	my $coding = lc(field($fields, 'content-transfer-encoding') // '');

	$coding =~ s/\s.*//s;
	if ($type =~ m{^multipart/(signed|encrypted)} || $type =~ m{^application/(x-)?pkcs7-mime}) {
		return { sealed => $text };
	}
	if ($type =~ m{^multipart/} && length($set->{boundary} // '')) {
		my $inner = $type eq 'multipart/digest' ? 'message/rfc822' : 'text/plain';

		return { parts => [map { part_said($_, $inner) } split_parts($text, $set->{boundary})] };
	}
	return part_said($text, 'text/plain', 1)
		if $type =~ m{^message/(rfc822|global)} && $coding !~ /^(quoted-printable|base64)$/;
	my $content = decode_content($text, $coding);
	$content =~ s/\r\n/\n/g;   # base64 holds them as they are on the way
	return { content => $content };
}

sub part_said
{
	my ($text, $default, $message) = @_;
	my ($fields, $body) = split_message($text =~ s/^>?From [^\n]*\n//r);
	my @kept = grep { !$of_encoding{lc $_->[0]} } @$fields;

	# A part about which nothing was said may be told to be text.
	@kept = grep { !(lc $_->[0] eq 'content-type' && $_->[1] =~ m{^text/plain; charset=(UTF-8|us-ascii|unknown-8bit)$}) } @kept;
	return { fields => [map { decode_field($_) } @kept], %{ body_said($fields, $body, $default) } };
}

sub said
{
	my ($text) = @_;

	$text =~ s/\r\n/\n/g;
	return part_said($text, 'text/plain', 1);
}

sub labels
{
	my ($text) = @_;
	my ($fields) = split_message($text =~ s/\r\n/\n/gr);

	return { version => field($fields, 'mime-version'), type => field($fields, 'content-type'),
		coding => field($fields, 'content-transfer-encoding') };
}

sub breaches
{
	my ($text) = @_;
	my @found;

	for my $line (split /\r\n/, $text) {
		push @found, 'line of ' . length($line) if length $line > 998;
		while ($line =~ /=\?([^?\s]+)\?([BbQq])\?([^?\s]*)\?=/g) {
			my ($charset, $octets) = ($1, word_octets($2, $3));

			push @found, 'encoded word of ' . (7 + length("$1$3")) if 7 + length("$1$3") > 75;
			push @found, 'character cut' if $charset eq 'UTF-8' && !utf8::decode($octets);
		}
	}
	return @found;
}

1;
