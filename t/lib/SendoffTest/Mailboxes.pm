package SendoffTest::Mailboxes;

# A Dovecot that delivers into mailboxes by LMTP: at a socket, and at a port of loopback with
# STARTTLS.  It knows anna, bert and carl, and full, whose quota nothing fits into.
#
# The programs are found as those of SendoffTest::Postfix are, which this is made of.

use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp qw(tempdir);

use SendoffTest;
use SendoffTest::Postfix;

our @ISA = ('SendoffTest::Postfix');

my $owner = 'mail';

sub why_not
{
	return 'Dovecot starts as root only' if $> != 0;
	return undef if SendoffTest::Postfix::dovecot_version() =~ /^2\.3\./ &&
		SendoffTest::Postfix::output('sh', '-c', 'ls /usr/lib/dovecot') =~ /^lmtp$/m;
	return 'Dovecot 2.3 with its LMTP service is needed, installed or at least to be had by apt-get';
}

# In the language of Dovecot 2.3.
sub settings
{
	my ($self) = @_;
	my $dir = $self->{dir};
	my ($cert, $key) = (SendoffTest::cert('server'), SendoffTest::cert('server', 'key'));

	($self->{port}) = SendoffTest::Postfix::free_port();
	return <<"END";
base_dir = $dir/dovecot/run
state_dir = $dir/dovecot/state
log_path = $dir/dovecot.log
protocols = lmtp
ssl = yes
ssl_cert = <$cert
ssl_key = <$key
hostname = mx.example.test
default_internal_user = $owner
default_internal_group = $owner
default_login_user = daemon
first_valid_uid = 1
mail_location = maildir:$dir/mail/%n
mail_plugins = quota
plugin {
  quota = maildir:User quota
  quota_rule = *:storage=100M
  quota_grace = 0
}
passdb {
  driver = passwd-file
  args = username_format=%n $dir/users
}
userdb {
  driver = passwd-file
  args = username_format=%n $dir/users
}
service lmtp {
  unix_listener $dir/lmtp {
    mode = 0666
  }
  inet_listener lmtp {
    address = 127.0.0.1
    port = $self->{port}
  }
}
END
}

sub start
{
	my ($class) = @_;
	my $dir = tempdir('sendoff-mailboxes-XXXXXXXX', TMPDIR => 1, CLEANUP => 0);
	my $self = bless { dir => $dir, owner => $$, pids => {} }, $class;
	my ($uid, $gid) = (getpwnam $owner)[2, 3];

	chmod 0711, $dir;
	$self->remember;
	make_path("$dir/dovecot/run", "$dir/dovecot/state");
	mkdir "$dir/mail", 0700;
	chown $uid, $gid, "$dir/mail";
	SendoffTest::file_write("$dir/users", join('', map {
		"${_}:x:$uid:${gid}::$dir/mail/${_}::" . ($_ eq 'full' ? 'userdb_quota_rule=*:bytes=10' : '') . "\n" }
		qw(anna bert carl full)), 0644);
	SendoffTest::file_write("$dir/dovecot.conf", $self->settings, 0644);
	$self->start_process('dovecot', 'dovecot', '-F', '-c', "$dir/dovecot.conf");
	SendoffTest::wait_until(sub { -S "$dir/lmtp" || !$self->alive('dovecot') }, 15);
	die 'Dovecot did not start: ' . $self->told('dovecot') . "\n" if !-S "$dir/lmtp";
	return $self;
}

sub path { return "$_[0]{dir}/lmtp" }
sub port { return $_[0]{port} }

# The messages in a mailbox, as they lie there.
sub mailbox
{
	my ($self, $whose) = @_;

	return map { SendoffTest::file_read($_) } glob "$self->{dir}/mail/$whose/{new,cur}/*";
}

1;
