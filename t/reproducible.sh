#!/bin/sh
# t/reproducible.sh - two builds that differ in place, time, time zone,
# language, umask and order give the same program, octet for octet.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/sendoff-reproducible.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# build DIRECTORY JOBS
build()
{
	mkdir -p "$1"
	(cd "$here" && tar -c Makefile src cmd) | tar -C "$1" -x -m
	# Options of the make that calls us (its B, its jobs) are not for these.
	(unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES B
		make -s -j"$2" -C "$1" all >"$work/log" 2>&1) || { cat "$work/log"; exit 1; }
}

(umask 022; LC_ALL=C TZ=UTC0 build "$work/one" 2)
(umask 077; LC_ALL=C.UTF-8 TZ=Pacific/Apia SOURCE_DATE_EPOCH=86400 \
	build "$work/a much longer/way to two" 1)

if cmp "$work/one/build/sendoff" "$work/a much longer/way to two/build/sendoff"; then
	sha256sum <"$work/one/build/sendoff" | sed 's/ .*/  both builds are the same/'
else
	echo "the builds differ" >&2
	exit 1
fi
