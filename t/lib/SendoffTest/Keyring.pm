package SendoffTest::Keyring;

# A keyring that a shell script plays: it has the token of one account, and notes how it is
# called.
#
#	my $keyring = SendoffTest::Keyring->new;
#	my $config = account($mail, oauth($tokens), $keyring->keys);
#	$keyring->mood(load => 'exit 3');     # before it does what it is asked; undef: no more
#	$keyring->token;                      # what it has, decoded; undef: nothing
#	$keyring->runs;                       # 'load', 'save', 'forget', in order

use strict;
use warnings;

use JSON::PP ();

use SendoffTest;

my $count = 0;

sub new
{
	my ($class) = @_;
	my $dir = workdir() . '/keyring' . ++$count;
	my $self = bless { dir => $dir, store => "$dir/store", program => "$dir/keyring" }, $class;

	mkdir $dir, 0700 or die "$dir: $!\n";
	SendoffTest::Secrets::own($_) for $self->{store}, "$self->{store}.new";
	file_write($self->{program}, <<"END", 0700);
#!/bin/sh
tr '\\0' '\\n' </proc/\$\$/cmdline >>$dir/seen
tr '\\0' '\\n' </proc/\$\$/environ >>$dir/seen
ls -l /proc/\$\$/fd >$dir/descriptors
if [ -f $dir/mood-\$1 ]; then . $dir/mood-\$1; fi
if [ \$1 = load ]; then
	echo load >>$dir/runs
	exec cat $dir/store
fi
cat >$dir/store.new
if [ -s $dir/store.new ]; then echo save >>$dir/runs; else echo forget >>$dir/runs; fi
exec mv $dir/store.new $dir/store
END
	return $self;
}

sub keys
{
	my ($self) = @_;

	return (oauth_load_command => "$self->{program} load", oauth_save_command => "$self->{program} save");
}

sub mood
{
	my ($self, $what, $text) = @_;
	my $file = "$self->{dir}/mood-$what";

	return unlink $file if !defined $text;
	return file_write($file, "$text\n");
}

# What it has, as it was given.
sub text { return -e $_[0]{store} ? file_read($_[0]{store}) : '' }

sub token
{
	my $text = $_[0]->text;

	return length $text ? JSON::PP::decode_json($text) : undef;
}

# Changes it, as somebody else might.
sub put { return file_write($_[0]{store}, $_[1], 0600) }

sub runs
{
	my $file = "$_[0]{dir}/runs";

	return -e $file ? split(/\n/, file_read($file)) : ();
}

sub forget_runs { return unlink "$_[0]{dir}/runs" }

# Its arguments and environments.
sub seen { return file_read("$_[0]{dir}/seen") }

# Those of its last run.
sub descriptors { return map { /(\d+) -> / ? $1 : () } split /\n/, file_read("$_[0]{dir}/descriptors") }

1;
