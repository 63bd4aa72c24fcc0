package SendoffTest::Softhsm;

# A security token with the tests' client key: SoftHSM's, which is a PKCS#11 module that keeps
# tokens in files.
#
#	my $hsm = SendoffTest::Softhsm->start($dir);             # a configuration of its own, in $dir
#	my $hsm = SendoffTest::Softhsm->start($dir, user => 'sendoff');   # a user's own
#	my $hsm = SendoffTest::Softhsm->start;                   # where the system has its tokens
#	$hsm->import_key('rsa', $file, '02');
#	run_sendoff([...], env => { $hsm->env });
#	$hsm->uri('ec', 'pin-source=/path');
#
# The token is `mail`, its PIN pin(); the key `ec` is that of cert('client').

use strict;
use warnings;

use SendoffTest;

my $pin = 'pin-4711-secret';
my ($module) = grep { -e } '/usr/lib/softhsm/libsofthsm2.so', glob('/usr/lib*/*/softhsm/libsofthsm2.so'),
	glob('/usr/lib*/softhsm/libsofthsm2.so');
my ($tool) = grep { -x } map { "$_/softhsm2-util" } split /:/, $ENV{PATH};

# Why there can be none, in words; or undef.
sub why_not { return $module && $tool ? undef : 'softhsm2 is not installed (t/setup.sh interop)' }

sub module { return $module }
sub pin { return $pin }

sub start
{
	my ($class, $dir, %o) = @_;
	my $self = bless { before => [], dir => $dir // workdir() }, $class;

	SendoffTest::Secrets::known($pin);
	if (defined $dir) {
		mkdir $dir, 0700;
		$self->{conf} = file_write("$dir/conf",
			"directories.tokendir = $dir\nobjectstore.backend = file\nlog.level = ERROR\n");
	}
	if ($o{user}) {
		chown((getpwnam $o{user})[2, 3], $dir, $self->{conf});
		$self->{before} = [ 'setpriv', "--reuid=$o{user}", "--regid=$o{user}", '--init-groups' ];
	}
	$self->must($tool, '--init-token', '--free', '--label', 'mail', '--so-pin', '12345678', '--pin', $pin);
	$self->import_key('ec', cert('client', 'key'), '01');
	return $self;
}

sub env
{
	my ($self) = @_;

	return defined $self->{conf} ? (SOFTHSM2_CONF => $self->{conf}) : ();
}

# Runs a program that is to succeed; it knows the PIN.
sub must
{
	my ($self, @command) = @_;
	my $r = run_sendoff([], command => [ @{ $self->{before} }, @command ], tells => 1,
		env => { $self->env, GNUTLS_PIN => $pin });

	die "@command: $r->{out}$r->{err}" if $r->{exit};
	return;
}

sub import_key
{
	my ($self, $label, $file, $id) = @_;
	my $p8 = "$self->{dir}/$label.p8";

	run_sendoff([], command => [ 'openssl', 'pkcs8', '-topk8', '-nocrypt', '-in', $file, '-out', $p8 ])->{exit} == 0
		or die "openssl pkcs8: $file\n";
	chmod 0644, $p8;   # of a test; whoever imports it may be another user
	$self->must($tool, '--import', $p8, '--token', 'mail', '--label', $label, '--id', $id, '--pin', $pin);
	return;
}

# A URI of a private key.
sub uri
{
	my ($self, $label, @query) = @_;

	return "pkcs11:token=mail;object=$label;type=private" . (@query ? '?' . join('&', @query) : '');
}

1;
