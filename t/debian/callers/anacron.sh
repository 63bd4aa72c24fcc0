#!/bin/sh
# anacron.sh MARK - a job of the day that says something.
set -e
work=$(mktemp -d)
printf 'SHELL=/bin/sh\nPATH=/usr/bin:/bin\n1 0 test echo %s\n' "$1" >"$work/tab"
exec anacron -d -f -n -t "$work/tab" -S "$work" 2>/dev/null
