#!/bin/sh
# git.sh MARK - a patch, sent.
set -e
work=$(mktemp -d)
cd "$work"
git init -q
git config user.name Alice
git config user.email alice@example.test
echo 1 >file
git add file
git commit -q -m "$1" -m 'Why.'
git send-email -q --to=a@example.net --cc=b@example.net --suppress-cc=self --confirm=never -1
