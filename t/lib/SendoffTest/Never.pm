package SendoffTest::Never;

# What no server may get to hear unless it has proved who it is: looked for in what the
# server has recorded, octet by octet, and not in what sendoff says of itself.
#
#	never('an expired certificate' => { server => { cert => 'expired' }, exit => 77,
#		cause => 'certificate-expired', told => qr/expired/ }, ...);
#
# Each row is a server that behaves so, and a user whose account has a secret.  It is run by
# send and by `check --all` (by => [...]: by others): each must end so, and the server must
# have heard no command but those of `heard`, and of the secret nothing but what is in `gets`.
# Where it is a deadline that ends it: waits => 1.

use strict;
use warnings;

use Digest::MD5 qw(md5 md5_hex);
use Digest::SHA qw(sha1_hex sha256_hex);
use Exporter 'import';
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64);

use SendoffTest;
use SendoffTest::Send;

our @EXPORT = qw(never nothing_heard secrets_in received $user $secret $token);

our $user = 'me@example.test';
our $secret = 'N3ver/for+you = "it"';
our $token = 'ya29.N3ver-for_you~it';

# RFC 2104.
sub hmac_md5_hex
{
	my ($text, $key) = @_;

	$key = md5($key) if length $key > 64;
	$key .= "\0" x (64 - length $key);
	return md5_hex(($key ^ ("\x5c" x 64)) . md5(($key ^ ("\x36" x 64)) . $text));
}

# A secret in the forms in which it could be in what a server has received: as it is, in
# hexadecimal, in base64 wherever it begins, and what it could be guessed from.
sub forms
{
	my ($one, @challenges) = @_;
	my %forms = ('as it is' => $one, hexadecimal => unpack('H*', $one), MD5 => md5_hex($one),
		'SHA-1' => sha1_hex($one), 'SHA-256' => sha256_hex($one));

	for my $before (0 .. 2) {
		my $coded = SendoffTest::Secrets::coded($one, $before);

		$forms{"base64, $before octets before it"} = $coded if defined $coded;
	}
	$forms{"the answer to the challenge '$_'"} = hmac_md5_hex($_, $one) for @challenges;
	return \%forms;
}

# What of these secrets is in the octets that a server has received, in words; the
# challenges are those it has sent.
sub secrets_in
{
	my ($octets, $challenges, @secrets) = @_;
	my @words = ($octets, map { decode_base64($_) } $octets =~ m{([A-Za-z0-9+/]{8,}={0,2})}g);
	my %found;

	for my $one (@secrets ? @secrets : ($secret, $token)) {
		my $forms = forms($one, @{ $challenges // [] });

		for my $form (keys %$forms) {
			$found{$form} = 1 if grep { index(lc $_, lc $forms->{$form}) >= 0 } @words;
		}
	}
	$found{'a proof of SCRAM'} = 1 if grep { /,p=[A-Za-z0-9+\/]{20,}/ } @words;
	return sort keys %found;
}

# All that a server has received in all connections, in clear and inside of TLS, and the
# challenges that it has sent.
sub received
{
	my ($server) = @_;
	my $octets = join "\n", map { $server->raw($_) // '' } 1 .. $server->connections;
	my @challenges = map { /^334 (\S+)/ ? decode_base64($1) : () } $server->replies;

	return ($octets, \@challenges);
}

# The server has heard nothing but these commands, no secret in whatever form, no login
# and no mail.
sub nothing_heard
{
	my ($server, $name, $allowed, $gets) = @_;
	my $verbs = join '|', @{ $allowed // [qw(EHLO STARTTLS QUIT)] };
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is_deeply([secrets_in(received($server))], $gets // [], "D9 $name: the server has no secret");
	is_deeply([grep { !/^(?:$verbs)(?: |$)/i && !/[^ -~]|\\x/ } $server->commands], [],
		"D1 $name: and has heard nothing else");
	is($server->stored, 0, "D1 $name: nor any mail");
}

my @ways = (
	[send => qw(--json send --no-queue you@example.net)],
	[check => qw(check --json --timeout 20)],
	[every => qw(check --json --all --timeout 20)],
);

sub begin
{
	my ($row) = @_;
	my $tls = $row->{server}{tls} // 'implicit';
	my %login = $row->{login} ? %{ $row->{login} } : $row->{token} ? (user => $user, password => $token, auth => 'xoauth2') :
		(user => $user, password => qq("$secret"));
	my %heard = $row->{token} ? (token => $token) : (password => $secret);
	# Patience for a loaded machine, but where the server lets us wait for the end of it.
	my %account = (tls => $tls, %login, timeout => $row->{waits} ? '3s' : '9s', connect_timeout => $row->{waits} ? '4s' : '9s',
		%{ $row->{keys} // {} });

	for my $way (@{ $row->{ways} }) {
		my ($name, @args) = @$way;
		my $s = server_start(user => $user, %heard, raw => 1, tls => $tls, %{ $row->{server} // {} });

		push @{ $row->{servers} }, $s;
		push @{ $row->{runs} }, send_mail_start(account($s, %account), \@args, timeout => 60);
	}
}

sub end
{
	my ($row, @results) = @_;

	for my $i (0 .. $#results) {
		my ($r, $s) = ($results[$i], $row->{servers}[$i]);
		my $name = "$row->{name}, $row->{ways}[$i][0]";
		my $said = eval { JSON::PP->new->utf8->decode($r->{out}) } // {};
		my $why = $said->{error} // $said->{failed} // {};
		my $words = join ' ', grep { defined } @$why{qw(text what said)};

		is($r->{exit}, $row->{exit}, "$name: exit $row->{exit}") or diag($r->{err} . $r->{out});
		like($why->{cause} // '', ref $row->{cause} ? $row->{cause} : qr/^\Q$row->{cause}\E$/, "$name: the cause");
		like($words, $row->{told}, "$name: told") if $row->{told};
		like($why->{next} // '', $row->{next} // qr/./, "$name: and what to do");
		unlike($r->{err} . $r->{out}, qr/[^\x0a\x20-\x7e]/, "E4 $name: in clean words");
		nothing_heard($s, $name, $row->{heard}, $row->{gets});
		cmp_ok($r->{seconds}, '<', 40, "C1 $name: in time") if $row->{waits};
		$s->stop;
	}
}

sub never
{
	my (@table) = @_;
	my @rows;

	while (my ($name, $row) = splice @table, 0, 2) {
		my %only = map { $_ => 1 } @{ $row->{by} // [qw(send every)] };

		push @rows, { %$row, name => $name, ways => [grep { $only{ $_->[0] } } @ways] };
	}
	while (my @batch = splice @rows, 0, 6) {
		begin($_) for @batch;
		my @results = finish_all(map { @{ $_->{runs} } } @batch);
		end($_, splice @results, 0, scalar @{ $_->{runs} }) for @batch;
	}
}

1;
