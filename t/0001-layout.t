#!/usr/bin/perl
# The shape of the tree: what stands at its top, and that nothing in it is set-id.
use strict;
use warnings;
use Test::More;

my @wanted = qw(LICENSE Makefile README cmd config.example man src t);
my $git    = -e '.git';
my @files  = $git ? split /\0/, `git ls-files -z` : split /\0/, `find . -type f -printf '%P\\0'`;
@files = grep { !m{^(?:build|\.git)/} } @files;
ok(@files > 0, 'there are files');

my %top = map { (split m{/})[0] => 1 } @files;
is_deeply([ sort grep { !/^\./ } keys %top ], [ sort @wanted ], 'the top level holds just what it should');

is_deeply([ grep { -e && (stat)[2] & 06000 } @files ], [], 'F1: nothing is set-uid or set-gid');
is_deeply([ grep { -e && !-l && (stat)[2] & 0002 } @files ], [], 'F1: nothing is world-writable');
is_deeply([ grep { /\s|[^ -~]/ } @files ], [], 'plain file names');

done_testing();
