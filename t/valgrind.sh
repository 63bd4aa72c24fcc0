#!/bin/sh
# t/valgrind.sh UNIT... - the unit tests, then whole sessions, under valgrind:
# no invalid access, no use of what was never set, no leak.
set -u

B=${B:-build}
here=$PWD/$B/valgrind
rm -rf "$here"
mkdir -p "$here"

# Children are followed through fork, not into other programs.
check="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect --show-leak-kinds=definite,indirect"
check="$check --trace-children=no --log-file=$here/log.%p"
jobs=$(nproc)

# Of the tests with a server those that take every usual way once; the others
# are about time and limits, which valgrind bends.
# The longest come first, so that no core is idle at the end.
sessions="t/3200-login.t t/5110-flush.t t/3000-wire.t t/1300-sender.t t/3020-recipients.t"
sessions="$sessions t/5000-queue-list.t"

status=0
t/prove -j"$jobs" --exec="timeout -k 5 300 $check" "$@" || status=1
# shellcheck disable=SC2086 # a list of words
SENDOFF_WRAP=$check t/prove -j"$jobs" $sessions || status=1

for log in "$here"/log.*; do
	if [ -s "$log" ]; then
		cat "$log"
		status=1
	fi
done
echo "valgrind: $(find "$here" -name 'log.*' | wc -l) processes looked at"
exit "$status"
