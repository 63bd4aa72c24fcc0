# sender.pl MARK - Email::Sender, which finds sendmail by itself.
use strict;
use warnings;
use Email::Sender::Simple qw(sendmail);
use Email::Sender::Transport::Sendmail;

sendmail("From: web\@example.test\nTo: a\@example.net\nSubject: $ARGV[0]\n\nTwo lines\n.\n", {
	from => 'web@example.test', to => [ 'a@example.net', 'b@example.net' ],
	transport => Email::Sender::Transport::Sendmail->new });
