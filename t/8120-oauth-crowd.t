#!/usr/bin/perl
# Thirty programs send mail at the same moment, and the access token is old, or the mail
# server does not take it: one of them gets a new one, and the others find it.

use strict;
use warnings;

use Fcntl qw(F_SETLK F_WRLCK);
use FindBin;
use lib "$FindBin::Bin/lib";

use SendoffTest;
use SendoffTest::Send;
use SendoffTest::SignedIn;
use SendoffTest::Token;
use Time::HiRes qw(sleep);

use constant CROWD => 30;

my %patient = (tls => 'starttls', timeout => '40s', connect_timeout => '40s', final_timeout => '40s');

sub crowd
{
	my ($name, $tokens, %token) = @_;
	my $mail = server_start(user => 'me@example.com', tokens => $tokens->tokens, tls => 'starttls');
	my $config = account($mail, oauth($tokens), %patient);
	my $before = signed_in($tokens, 'test', %token);
	my $asked = $tokens->asked;

	$tokens->forget if $name =~ /refused/;
	my @runs = finish_all(map { send_mail_start($config, undef, timeout => 60,
		stdin => letter("$_\n", 'Message-ID' => "<$_\@crowd>")) } 1 .. CROWD);
	is(scalar(grep { $_->{exit} == 0 } @runs), CROWD, "$name: all have sent") or
		diag(map { $_->{err} } @runs);
	is($mail->stored, CROWD, "B1: $name: each message is there once");
	my @new = ($tokens->asked)[$asked .. $#{[ $tokens->asked ]}];
	is_deeply(\@new, ['refresh_token 200'], "$name: one new token was asked for");
	isnt(token_stored('test')->{refresh_token}, $before->{refresh_token}, "$name: the rotated one is kept");
	is_deeply([$mail->violations], [], "E6: $name: by the rules");
	my $logins = grep { /^AUTH / } $mail->commands;
	$mail->stop;
	return $logins;
}

my $tokens = token_server(at => ['token delay 300']);
is(crowd('an old token', $tokens, obtained => time - 3600, expires => time + 30), CROWD,
	'C9: no login was rejected');
my $logins = crowd('a token that is refused', $tokens);
cmp_ok($logins, '<=', 2 * CROWD, 'C9: nobody had more than one rejected login');
is_deeply([ grep { !/ 200$/ } $tokens->asked ], [], 'no used refresh token was shown a second time');

# Who had to wait for the lock does not spend a refresh token with a few seconds left.
if (my @hurry = hurry(5)) {
	my $mail = server_start(user => 'me@example.com', tokens => $tokens->tokens, tls => 'starttls');
	my $config = account($mail, oauth($tokens), tls => 'starttls', map { $_ => '10m' }
		qw(timeout connect_timeout final_timeout));
	my $before = signed_in($tokens, 'test', obtained => time - 3600, expires => time + 30);
	my $asked = $tokens->asked;

	open my $lock, '+>>', token_directory() . '/test.lock' or die;
	my $whole = pack 's! s! x![q] q q l x![q]', F_WRLCK, 0, 0, 0, 0;
	fcntl($lock, F_SETLK, $whole) or die "lock: $!\n";
	my $run = send_mail_start($config, undef, env => {@hurry}, timeout => 60);
	sleep 10;   # 50 s of its own: 40 would be too few, 60 too many
	close $lock;
	my $r = $run->finish;
	is($r->{exit}, 75, 'with 10 s left it is for later') or diag($r->{err});
	like($r->{err}, qr/so much of the time for getting a token has gone by/, '... and says why');
	is(scalar(my @all = $tokens->asked), $asked, '... nobody was asked');
	is(token_stored('test')->{refresh_token}, $before->{refresh_token}, '... and nothing is lost');
	$mail->stop;
}

# What is left of it: the token, the lock, nothing half-written.
opendir my $dir, token_directory() or die;
is_deeply([ sort grep { !/^\./ } readdir $dir ], ['test', 'test.lock'], 'nothing else is left');
$tokens->stop;

done_testing;
