package SendoffTest::Kerberos;

# A realm of our own: an MIT KDC on loopback, below a directory, which ends with the test; and
# what asks it.  The programs are those that t/interop/fetch.sh has unpacked, else the system's.

use strict;
use warnings;

use File::Temp qw(tempdir);
use SendoffTest ();
use SendoffTest::Postfix ();

our $realm = 'EXAMPLE.TEST';
my %principals = ('me' => 'ticket w0rd', 'robot' => undef, 'smtp/localhost' => undef);

# Why there can be none, in words; or undef.
sub why_not
{
	return undef if SendoffTest::Postfix::output('sh', '-c',
		'PATH=$PATH:/usr/sbin; for p in krb5kdc kinit kadmin.local; do command -v $p; done') =~
		/krb5kdc\n.*kinit\n.*kadmin/s;
	return 'MIT Kerberos is needed (krb5-kdc krb5-admin-server krb5-user), installed or to be had by apt-get';
}

sub start
{
	my ($class) = @_;
	my $dir = tempdir('sendoff-realm-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
	my $self = bless { dir => $dir, owner => $$, port => (SendoffTest::Postfix::free_port())[0] }, $class;

	chmod 0711, $dir;
	$self->{config} = $self->write_config('krb5.conf', "127.0.0.1:$self->{port}");
	SendoffTest::file_write("$dir/kdc.conf", <<"END", 0644);
[kdcdefaults]
	kdc_listen = 127.0.0.1:$self->{port}
	kdc_tcp_listen = 127.0.0.1:$self->{port}
[realms]
	$realm = {
		database_name = $dir/principal
		key_stash_file = $dir/stash
		acl_file = $dir/acl
		max_life = 10h
	}
[logging]
	kdc = FILE:$dir/kdc.log
END
	$self->tool('kdb5_util', 'create', '-s', '-P', 'the master key', '-r', $realm);
	for my $name (sort keys %principals) {
		$self->tool('kadmin.local', '-q', 'addprinc ' . (defined $principals{$name} ?
			qq(-pw "$principals{$name}") : '-randkey') . " $name\@$realm");
		next if defined $principals{$name};
		$self->tool('kadmin.local', '-q', 'ktadd -k ' . $self->keytab($name) . " $name\@$realm");
		chmod 0644, $self->keytab($name);   # Dovecot reads it as nobody special
	}
	$self->begin;
	return $self;
}

# A configuration of Kerberos that knows of this KDC.
sub write_config
{
	my ($self, $name, $kdc, $more) = @_;
	my $path = "$self->{dir}/$name";

	SendoffTest::file_write($path, <<"END", 0644);
[libdefaults]
	default_realm = $realm
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
	${\ ($more // '') }
[realms]
	$realm = {
		kdc = $kdc
	}
[domain_realm]
	localhost = $realm
END
	return $path;
}

sub begin
{
	my ($self) = @_;

	$self->{environment} = { KRB5_CONFIG => $self->{config}, KRB5_KDC_PROFILE => "$self->{dir}/kdc.conf" };
	SendoffTest::Postfix::start_process($self, 'kdc', 'krb5kdc', '-n', '-r', $realm);
	SendoffTest::wait_until(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) ||
		!SendoffTest::Postfix::alive($self, 'kdc') }, 15);
	die 'the KDC did not start: ' . $self->told . "\n" if !SendoffTest::Postfix::alive($self, 'kdc');
}

# Runs one of Kerberos' programs; dies unless it succeeds.
sub tool
{
	my ($self, @command) = @_;
	local $ENV{KRB5_CONFIG} = $self->{config};
	local $ENV{KRB5_KDC_PROFILE} = "$self->{dir}/kdc.conf";
	local $ENV{KRB5CCNAME} = $self->cache;
	my $pid = open(my $out, '-|') // die "fork: $!\n";

	if (!$pid) {
		open STDERR, '>&', \*STDOUT;
		open STDIN, '<', '/dev/null' if !$self->{input};
		open STDIN, '<', $self->{input} if $self->{input};
		exec SendoffTest::Postfix::wrap(), @command or POSIX::_exit(127);
	}
	local $/;
	my $text = <$out> // '';
	close $out;
	die "@command: $text\n" if $?;
	return $text;
}

# Signs somebody in, into the cache; for so long.
sub kinit
{
	my ($self, $life) = @_;
	my $path = SendoffTest::file_write("$self->{dir}/words", "$principals{me}\n", 0600);

	local $self->{input} = $path;
	$self->tool('kinit', '-l', $life // '1h', "me\@$realm");
}

sub kdestroy { unlink "$_[0]{dir}/cache" }
sub halt { SendoffTest::Postfix::halt_process($_[0], 'kdc') }
sub again { $_[0]->begin }
sub stop { $_[0]->halt }

sub config { return $_[0]{config} }
sub realm { return $realm }
sub port { return $_[0]{port} }
sub cache { return "FILE:$_[0]{dir}/cache" }
sub keytab { my ($self, $name) = @_; return "$self->{dir}/" . $name =~ tr{/}{-}r . '.keytab' }
sub told { my ($self) = @_; return join '', map { -e ? SendoffTest::file_read($_) : '' } "$self->{dir}/kdc.out", "$self->{dir}/kdc.log" }

# The environment of a run: with the ticket of the cache, or with others.
sub env
{
	my ($self, %o) = @_;

	return { KRB5_CONFIG => $self->{config}, KRB5CCNAME => $self->cache, %o };
}

1;
