package SendoffTest::Postfix;

# A Postfix of our own with a Dovecot behind it that checks the logins, both
# below one temporary directory and on loopback only.  What Postfix takes it
# passes on to the scripted server (t/README), so that every octet and every
# parameter that came through can be looked at.
#
# The programs are those that t/interop/fetch.sh has unpacked, else the
# system's.  Both start as root and drop what they do not need themselves.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64 encode_base64url);
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);

# Whom the processes run as: accounts that every system has.
my ($owner, $group, $other) = ('mail', 'mail', 'daemon');
my $lifetime = 300;
my $token_key = 'the key of the tests, 32 octets.';

our $user = 'me@example.test';
our $password = "p\xc3\xa4ss word \"100%\\";

my %running;

# ---- the programs

sub unpacked { return SendoffTest::build() . '/interop/root/usr' }

# What to put in front of a command so that it finds the programs: nothing where
# the system has them; else a mount namespace in which the unpacked packages lie
# over /usr.
sub wrap
{
	my $unpacked = unpacked();

	my @here = grep { -x } glob '/usr/{sbin,bin}/{postconf,dovecot}';
	return () if !-d $unpacked || @here == 2 && (-x '/usr/sbin/krb5kdc' || !-x "$unpacked/sbin/krb5kdc");
	return ('unshare', '-m', 'sh', '-c',
		"mount -t overlay -o lowerdir=$unpacked:/usr overlay /usr && exec \"\$@\"", 'sh');
}

# Whether Dovecot can take mail in itself, as submission_config() has it.
sub dovecot_submits
{
	return dovecot_version() =~ /^2\.3\./ && output('sh', '-c', 'ls /usr/lib/dovecot') =~ /^submission$/m;
}

# Why no test can be made here, in words; or undef.
sub why_not
{
	my $words = 'Postfix and Dovecot are needed, installed or at least to be had by apt-get';

	return 'Postfix starts as root only' if $> != 0;
	return undef if postfix_version() && dovecot_version();
	return -d unpacked() ? "$words with the right to mount" : $words;
}

sub output
{
	my @command = (wrap(), @_);
	my $pid = open(my $out, '-|') // return '';

	if (!$pid) {
		open STDERR, '>', '/dev/null';
		no warnings 'exec';
		exec @command or POSIX::_exit(127);
	}
	local $/;
	my $text = <$out> // '';
	close $out;
	return $text;
}

# "3.7.11", "2.3.19.1".
sub postfix_version { return output('postconf', '-dh', 'mail_version') =~ /^(\S+)/ ? $1 : '' }
sub dovecot_version { return output('dovecot', '--version') =~ /^(\S+)/ ? $1 : '' }

sub start_process
{
	my ($self, $name, @command) = @_;
	unshift @command, wrap(), 'timeout', '-k', '5', $lifetime;
	my $pid = fork // die "fork: $!\n";

	if (!$pid) {
		setpgrp;
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$self->{dir}/$name.out";
		open STDERR, '>&', \*STDOUT;
		%ENV = (PATH => '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL => 'C', %{ $self->{environment} // {} });
		exec @command or POSIX::_exit(127);
	}
	$running{$pid} = $self;
	$self->{pids}{$name} = $pid;
}

# ---- Dovecot

sub token
{
	my ($whom, %claims) = @_;
	my $now = int time;
	my $json = sub {
		my %o = @_;
		return '{' . join(',', map { "\"$_\":" . ($o{$_} =~ /^\d+$/ ? $o{$_} : "\"$o{$_}\"") }
			sort keys %o) . '}';
	};
	my $text = encode_base64url($json->(typ => 'JWT', alg => 'HS256')) . '.' .
		encode_base64url($json->(sub => $whom, email => $whom, iat => $now - 5,
			exp => $now + 600, %claims));

	return "$text." . encode_base64url(hmac_sha256($text, $token_key));
}

sub dovecot_config
{
	my ($self) = @_;
	my $dir = $self->{dir};
	my $old = dovecot_version() =~ /^2\.[0-3]\./;
	my $common = <<"END";
base_dir = $dir/dovecot/run
state_dir = $dir/dovecot/state
log_path = $dir/dovecot.log
protocols =
ssl = no
default_internal_user = $owner
default_internal_group = $group
default_login_user = $other
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer $self->{mechanisms}
auth_failure_delay = 0
auth_verbose = yes
# It would answer ever later after a wrong password.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener $dir/auth {
    mode = 0666
  }
}
END
	$common .= $self->{dovecot_more} // '';
	return $common . ($old ? <<"END" : <<"END2");
disable_plaintext_auth = no
auth_username_format = %u
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = $dir/oauth2.conf
}
passdb {
  driver = passwd-file
  args = username_format=%u $dir/users
}
userdb {
  driver = static
  args = uid=$owner gid=$group home=/nonexistent
}
END
auth_allow_cleartext = yes
auth_username_format = %{user}
passdb oauth2 {
  mechanisms_filter = xoauth2 oauthbearer
}
${\ $self->oauth_config_new }
passdb passwd-file {
  passwd_file_path = $dir/users
}
userdb static {
  fields {
    uid = $owner
    gid = $group
    home = /nonexistent
  }
}
END2
}

# Tickets of a realm are as good as passwords.  One of $user's principals is a robot.
sub take_tickets
{
	my ($self, $realm) = @_;

	$self->{environment} = { KRB5_CONFIG => $realm->config };
	$self->{user_more} = "::::::k5principals=" . join ',', map { "$_\@" . $realm->realm } qw(me robot);
	my $variable = 'KRB5_CONFIG=' . $realm->config;
	my $old = dovecot_version() =~ /^2\.[0-3]\./;
	$self->{dovecot_more} = <<"END" . ($old ? "import_environment = $variable\n" : "import_environment {\n  $variable\n}\n");
auth_krb5_keytab = ${\ $realm->keytab('smtp/localhost') }
auth_gssapi_hostname = localhost
END
}

# Dovecot's own submission service, in both modes.  It passes on to the scripted server what
# it takes.  In the language of Dovecot 2.3.
sub submission_config
{
	my ($self) = @_;
	my $dir = $self->{dir};
	my ($cert, $key) = (SendoffTest::cert('server'), SendoffTest::cert('server', 'key'));
	my ($starttls, $implicit) = map { (free_port())[0] } 1, 2;

	mkdir "$dir/mail", 0700;
	chown +(getpwnam $owner)[2], scalar getgrnam($group), "$dir/mail";
	$self->{dovecot_port} = { 'dovecot-starttls' => $starttls, 'dovecot-implicit' => $implicit };
	return <<"END";
protocols = submission
ssl = required
ssl_cert = <$cert
ssl_key = <$key
hostname = mx.example.test
mail_location = maildir:$dir/mail
first_valid_uid = 1
submission_relay_host = 127.0.0.1
submission_relay_port = ${\ $self->{sink}->port }
submission_relay_ssl = no
service submission-login {
  inet_listener submission {
    address = 127.0.0.1
    port = $starttls
  }
  inet_listener submissions {
    address = 127.0.0.1
    port = $implicit
    ssl = yes
  }
}
END
}

# Whether a token is good: in the language of Dovecot 2.4.
sub oauth_config_new
{
	my ($self) = @_;

	return <<"END" if !$self->{introspection};
oauth2 {
  introspection_mode = local
  username_attribute = email
  oauth2_local_validation {
    dict fs {
      fs posix {
        prefix = $self->{dir}/keys/
      }
    }
  }
}
END
	return <<"END";
oauth2 {
  introspection_mode = post
  introspection_url = $self->{introspection}
  force_introspection = yes
  active_attribute = active
  active_value = true
  username_attribute = email
  ssl_client_ca_file = $self->{dir}/ca.crt
}
END
}

# And in that of 2.3.
sub oauth_config
{
	my ($self) = @_;

	return <<"END" if !$self->{introspection};
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=$self->{dir}/keys/
username_attribute = email
END
	return <<"END";
introspection_mode = post
introspection_url = $self->{introspection}
force_introspection = yes
active_attribute = active
active_value = true
username_attribute = email
tls_ca_cert_file = $self->{dir}/ca.crt
timeout_msecs = 10000
END
}

sub start_dovecot
{
	my ($self, $submits) = @_;
	my $dir = $self->{dir};
	my $text = $self->dovecot_config . ($submits ? $self->submission_config : '');
	my $version = dovecot_version();

	if ($text =~ /^auth_allow_cleartext/m) {
		my ($release) = $version =~ /^(\d+\.\d+\.\d+)/;
		$text = "dovecot_config_version = $release\ndovecot_storage_version = $release\n$text";
	}
	make_path("$dir/dovecot/run", "$dir/dovecot/state", "$dir/keys/default/HS256");
	SendoffTest::file_write("$dir/keys/default/HS256/default", encode_base64($token_key, ''), 0644);
	SendoffTest::file_write("$dir/oauth2.conf", $self->oauth_config, 0644);
	SendoffTest::file_write("$dir/ca.crt", SendoffTest::file_read(SendoffTest::cert('ca')), 0644);
	my %users = ($user => $password, 'other@example.test' => $password, %{ $self->{users} });
	SendoffTest::file_write("$dir/users", join('', map {
		"$_:{PLAIN.b64}" . encode_base64($users{$_}, '') . ($_ eq $user ? $self->{user_more} // '' : '') .
		"\n" } sort keys %users), 0644);
	SendoffTest::file_write("$dir/dovecot.conf", $text, 0644);
	$self->start_process('dovecot', 'dovecot', '-F', '-c', "$dir/dovecot.conf");
	SendoffTest::wait_until(sub { -S "$dir/auth" || !$self->alive('dovecot') }, 15);
	die 'Dovecot did not start: ' . $self->told('dovecot') . "\n" if !-S "$dir/auth";
}

# ---- Postfix

my %main = (
	compatibility_level => 2,
	myhostname => 'mx.example.test', mydomain => 'example.test', myorigin => 'example.test',
	mydestination => '', mynetworks => '192.0.2.1/32', inet_interfaces => '127.0.0.1',
	inet_protocols => 'ipv4', alias_maps => '', alias_database => '',
	smtpd_peername_lookup => 'no', smtp_dns_support_level => 'disabled',
	smtp_host_lookup => 'native', biff => 'no', mail_owner => $owner, setgid_group => $other,
	default_privs => 'nobody', process_id_directory => 'pid', data_directory => undef,
	# Only what was submitted shall come out again.
	local_header_rewrite_clients => '', remote_header_rewrite_domain => '',
	smtp_line_length_limit => 0, default_destination_recipient_limit => 1000,
	message_size_limit => 60_000_000, mailbox_size_limit => 0, queue_minfree => 0,
	bounce_queue_lifetime => 0,
	smtpd_sasl_type => 'dovecot', smtpd_sasl_auth_enable => 'yes',
	smtpd_sasl_authenticated_header => 'yes', smtpd_tls_received_header => 'yes',
	smtpd_tls_loglevel => 1, smtpd_error_sleep_time => 0,
	smtpd_relay_restrictions => 'permit_sasl_authenticated, reject_unauth_destination',
	# A judge of clients.
	smtpd_data_restrictions => 'reject_unauth_pipelining',
	smtpd_forbid_unauth_pipelining => 'yes',
	smtpd_forbid_bare_newline => 'reject', smtpd_forbid_bare_newline_exclusions => '',
	strict_rfc821_envelopes => 'yes', smtpd_helo_required => 'yes'
);

my @daemons = map { [ split ] } (
	'cleanup unix n 0', 'qmgr unix n 1', 'tlsmgr unix - 1', 'rewrite unix - -', 'bounce unix - 0',
	'defer unix - 0', 'trace unix - 0', 'flush unix n 0', 'proxymap unix - -', 'smtp unix - -',
	'error unix - -', 'retry unix - -', 'anvil unix - 1', 'scache unix - 1', 'postlog unix-dgram n 1'
);
my %daemon_program = (rewrite => 'trivial-rewrite', defer => 'bounce', trace => 'bounce',
	retry => 'error', postlog => 'postlogd');

sub master_config
{
	my ($self, $services) = @_;
	my $text = '';

	for my $name (sort keys %$services) {
		my %o = (syslog_name => "$name", %{ $services->{$name} });
		$text .= "127.0.0.1:$self->{port}{$name} inet n - n - - smtpd\n";
		$text .= "  -o { $_ = $o{$_} }\n" for sort keys %o;
	}
	for my $d (@daemons) {
		my ($name, $type, $private, $most) = @$d;
		my $wake = $name eq 'qmgr' ? 300 : '-';
		$private = 'n' if $name =~ /^(?:cleanup|qmgr|flush|postlog)$/;
		$text .= "$name $type $private - n $wake $most " . ($daemon_program{$name} // $name) . "\n";
	}
	return $text;
}

# Below those that the system hands out: between our finding it and its use nobody else
# gets it by chance.
sub free_port
{
	for (1 .. 1000) {
		my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1',
			LocalPort => 10_000 + int rand 20_000);

		return ($socket->sockport, $socket) if $socket;
	}
	die "no free port: $!\n";
}

sub make_queue
{
	my ($self) = @_;
	my $queue = "$self->{dir}/queue";
	my (undef, undef, $uid) = getpwnam $owner;
	my $gid = getgrnam $other;

	make_path($queue);
	mkdir "$queue/$_", 0700 for qw(active bounce corrupt defer deferred flush hold incoming
		private saved trace);
	mkdir "$queue/maildrop", 0730;
	mkdir "$queue/public", 0710;
	chown $uid, $gid, glob "$queue/*";
	mkdir "$queue/pid", 0755;
	mkdir "$self->{dir}/data", 0700;
	chown $uid, $gid, "$self->{dir}/data";
}

sub configure
{
	my ($self, $o) = @_;
	my $dir = $self->{dir};
	my @held;

	for my $name (keys %{ $o->{services} }) {
		($self->{port}{$name}, my $held) = free_port();
		push @held, $held;
	}
	my %all = (%main, queue_directory => "$dir/queue", data_directory => "$dir/data",
		maillog_file => "$dir/maillog", maillog_file_prefixes => $dir,
		relayhost => '[127.0.0.1]:' . $self->{sink}->port, smtpd_sasl_path => "$dir/auth",
		smtpd_tls_cert_file => SendoffTest::cert('server'),
		smtpd_tls_key_file => SendoffTest::cert('server', 'key'), %{ $o->{main} // {} });
	make_path("$dir/etc");
	SendoffTest::file_write("$dir/etc/main.cf",
		join('', map { "$_ = $all{$_}\n" } sort keys %all), 0644);
	SendoffTest::file_write("$dir/etc/master.cf", $self->master_config($o->{services}), 0644);
}

# That it is to be ended with the test, whatever ends that.
sub remember
{
	my ($self) = @_;

	$SIG{TERM} = $SIG{INT} = $SIG{HUP} = sub { exit 1 };
	$running{ $self->{dir} } = $self;
}

# start(services => { NAME => { smtpd's options } }, main => { main.cf },
# sink => { options of the scripted server }): each service has a port of its
# own, see port(); with dovecot_submission => 1 Dovecot has two as well; introspection =>
# URL is where Dovecot asks whether a token is good, instead of by itself; users => { NAME =>
# PASSWORD } are further ones; kerberos => a SendoffTest::Kerberos, whose tickets it takes;
# anonymous => 1: Dovecot lets in nobody in particular too, where a service of Postfix' allows it.
sub start
{
	my ($class, %o) = @_;
	my $dir = tempdir('sendoff-postfix-XXXXXXXX', TMPDIR => 1, CLEANUP => 0);
	my $self = bless { dir => $dir, owner => $$, port => {}, pids => {} }, $class;

	chmod 0711, $dir;
	$self->remember;
	$self->{sink} = SendoffTest::server_start(lenient => 1, lifetime => $lifetime,
		%{ $o{sink} // {} });
	$self->{introspection} = $o{introspection};
	$self->{users} = $o{users} // {};
	$self->{mechanisms} = join ' ', $o{kerberos} ? 'gssapi' : (), $o{anonymous} ? 'anonymous' : ();
	$self->take_tickets($o{kerberos}) if $o{kerberos};
	$self->start_dovecot($o{dovecot_submission});
	$self->make_queue;
	$self->configure(\%o);
	$self->start_master;
	return $self;
}

sub start_master
{
	my ($self) = @_;
	my $begun = length $self->log;

	chomp(my $daemons = output('postconf', '-dh', 'daemon_directory'));
	$self->start_process('master', "$daemons/master", '-c', "$self->{dir}/etc", '-d');
	for my $name (keys %{ $self->{port} }) {
		SendoffTest::wait_until(sub {
			IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}{$name}) ||
				!$self->alive('master') }, 15);
	}
	die 'Postfix did not start: ' . $self->told('master') . "\n" if !$self->alive('master');
	# What the knocking left in the log is none of the tests'.
	SendoffTest::wait_until(sub {
		(() = substr($self->log, $begun) =~ /: disconnect from /g) >= keys %{ $self->{port} } }, 10);
	$self->{seen} += length $self->log;
}

# Ends Postfix, by a signal, and starts it again: at the same ports, with what it
# had in its queue.
sub halt
{
	my ($self, $signal) = @_;
	my $pid = delete $self->{pids}{master} or return;

	delete $running{$pid};
	kill $signal // 'TERM', $signal ? -$pid : $pid;
	SendoffTest::wait_until(sub { waitpid($pid, WNOHANG) != 0 }, 10) or kill 'KILL', -$pid;
	# Its own may outlive it for a moment.
	SendoffTest::wait_until(sub { !kill 0, -$pid }, 5);
}

# Ends Dovecot: from now on there is nobody to ask whether a password is right.
sub halt_dovecot { halt_process($_[0], 'dovecot') }

sub halt_process
{
	my ($self, $name) = @_;
	my $pid = delete $self->{pids}{$name} or return;

	delete $running{$pid};
	kill 'TERM', $pid;
	SendoffTest::wait_until(sub { waitpid($pid, WNOHANG) != 0 }, 10) or kill 'KILL', -$pid;
}

sub again { return $_[0]->start_master }

sub alive
{
	my ($self, $name) = @_;
	my $pid = $self->{pids}{$name};

	return $pid && $running{$pid} && waitpid($pid, WNOHANG) == 0;
}

sub told
{
	my ($self, $name) = @_;

	return join '', map { -e $_ ? SendoffTest::file_read($_) : '' } "$self->{dir}/$name.out",
		"$self->{dir}/maillog", "$self->{dir}/dovecot.log";
}

# ---- questions

sub port { return $_[0]{port}{ $_[1] } // $_[0]{dovecot_port}{ $_[1] } // die "no service $_[1]\n" }
sub sink { return $_[0]{sink} }
sub dir { return $_[0]{dir} }

sub log
{
	my ($self) = @_;
	my $path = "$self->{dir}/maillog";

	return substr(-e $path ? SendoffTest::file_read($path) : '', $self->{seen} // 0);
}

sub login_log { return SendoffTest::file_read("$_[0]{dir}/dovecot.log") }

# A configuration with one account for a service, other keys as given (undef:
# without that key).
sub config
{
	my ($self, $service, %keys) = @_;

	%keys = (host => 'localhost', port => $self->port($service), tls => 'starttls',
		tls_ca_file => SendoffTest::cert('ca'), user => $user, password => $password,
		from => $user, %keys);
	return SendoffTest::config("[sendoff]\ndomain = example.test\n\n[account test]\n" .
		join('', map { defined $keys{$_} ? "$_ = $keys{$_}\n" : '' } sort keys %keys));
}

# What Postfix counted in each session that ended, of one service or of all:
# a list of { ehlo => '2', auth => '0/1', ... }; "0/1" is one, refused.
sub sessions
{
	my ($self, $name) = @_;
	my $which = defined $name ? quotemeta $name : '[\w-]+';
	my @lines;

	SendoffTest::wait_until(sub {
		my $log = $self->log;
		my $begun = () = $log =~ / $which\/smtpd\[\d+\]: connect from /g;
		@lines = $log =~ / $which\/smtpd\[\d+\]: disconnect from \S+ (.*)/g;
		$begun == @lines;
	}, 10);
	return map { { /(\w+)=(\S+)/g } } @lines;
}

# What Postfix finds fault with in a client; a right one gives no cause.
sub complaints
{
	my ($self) = @_;

	$self->sessions;
	return grep { /improper command pipelining|bare <|non-SMTP|lost connection|timeout after|
		SSL_accept|warning: (?!.*(?:SASL|size\ limit|too\ much\ BDAT))/x } split /\n/, $self->log;
}

# Waits until the queue is empty; what was killed before it was whole has no x.
sub drained
{
	my ($self, $seconds) = @_;

	return SendoffTest::wait_until(sub {
		!grep { -f && -x } glob "$self->{dir}/queue/{incoming,active,deferred}/{*,*/*}"
	}, $seconds // 20);
}

# What arrived with these words in its text: a list of { message, received,
# envelope }, where message is without the Received that Postfix put before it.
sub arrived
{
	my ($self, $words, $seconds) = @_;
	my @found;

	$self->drained($seconds);
	for my $k (1 .. $self->{sink}->stored) {
		my $message = $self->{sink}->message($k);
		next if index($message, $words) < 0;
		my $received = $message =~ s/\A(Received: .*?\r\n)(?![ \t])//s ? $1 : undef;
		push @found, { message => $message, received => $received,
			envelope => $self->{sink}->envelope($k) };
	}
	return @found;
}

# ---- the end

sub stop
{
	my ($self) = @_;

	for my $pid (values %{ $self->{pids} }) {
		next if !delete $running{$pid};
		kill 'TERM', $pid;
		my $end = time + 10;
		my $gone;
		sleep 0.02 while !($gone = waitpid($pid, WNOHANG)) && time < $end;
		next if $gone;
		kill 'KILL', -$pid;
		waitpid $pid, 0;
	}
	if (delete $running{ $self->{dir} }) {
		if ($ENV{SENDOFF_KEEP}) {
			Test::More::diag("kept: $self->{dir}");
		} else {
			remove_tree($self->{dir});
		}
	}
}

END {
	local $?;
	my %all = map { $_->{dir} => $_ } grep { $_->{owner} == $$ } values %running;
	$_->stop for values %all;
}

1;
