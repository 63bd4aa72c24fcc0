package SendoffTest::Dialogue;

# sendmail -bs, spoken with: what is said waits for its answer.
#
#	use SendoffTest::Dialogue;
#	my $d = dialogue($config);                 # or dialogue($config, ['-bs', '-oem'])
#	$d->talk('EHLO x');                        # the reply, its lines joined by "\n"
#	$d->message('a@x.test', ['b@x.test'], "Subject: x\n\nx\n");   # the last reply
#	my $r = $d->finish;                        # QUIT, and as run_sendoff() gives it

use strict;
use warnings;

use Exporter 'import';
use Time::HiRes qw(time);

use SendoffTest ();

our @EXPORT = qw(dialogue);

# Options: as of start_sendoff(); mute: the greeting is not waited for.
sub dialogue
{
	my ($config, $args, %o) = @_;
	my $mute = delete $o{mute};
	my $self = bless { run => SendoffTest::start_sendoff($args // ['-bs'], name => 'sendmail',
		stdin_open => 1, %o, env => { SENDOFF_CONFIG => $config, %{ $o{env} // {} } }) };

	$self->{greeting} = $self->get if !$mute;
	return $self;
}

sub run { return $_[0]{run} }
sub put { return $_[0]{run}->write($_[1]) }

# The next reply; '' when none comes.
sub get
{
	my ($self, $seconds) = @_;
	my $end = time + ($seconds // 10);

	while (1) {
		return join "\n", split /\r\n/, $1 if $self->{run}{out} =~ s/\A((?:\d{3}-.*\r\n)*\d{3} .*\r\n)//;
		return '' if time >= $end || !$self->{run}{stdout};
		$self->{run}->turn(0.05);
	}
}

sub talk
{
	my ($self, $line, $seconds) = @_;

	$self->put("$line\r\n");
	return $self->get($seconds);
}

# One message, its text with LF, up to the first refusal of what all depends on.
sub message
{
	my ($self, $sender, $recipients, $text) = @_;
	my $reply = $self->talk("MAIL FROM:<$sender>");

	return $reply if $reply !~ /^2/;
	$self->talk("RCPT TO:<$_>") for @$recipients;
	$reply = $self->talk('DATA');
	return $reply if $reply !~ /^3/;
	$text =~ s/^\./../mg;
	$self->put($text =~ s/\r?\n/\r\n/gr . ".\r\n");
	return $self->get(20);
}

# Everything until it ends.
sub finish
{
	my ($self, %o) = @_;

	$self->put("QUIT\r\n") if !$o{eof};
	$self->{run}->close_stdin;
	return $self->{run}->finish(timeout => 20);
}

1;
