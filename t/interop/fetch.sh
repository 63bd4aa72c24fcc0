#!/bin/sh
# t/interop/fetch.sh DIRECTORY PACKAGE... - Debian packages with the libraries
# that they need and this machine lacks, unpacked below DIRECTORY.
#
# Nothing is installed: a mail server put in by apt-get would drive out the one
# that the machine has, and would be started.  The tests lay DIRECTORY/root/usr
# over /usr, for their own processes alone.  What is there already is not
# fetched again.  Where there is no apt-get nothing is done; the tests then look
# for what the system has.
set -eu

dir=$1
shift
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || exit 0
mkdir -p "$dir"
exec 9>"$dir.lock"
flock 9
cd "$dir"

needs()
{
	dpkg-deb -f "$1" Depends | tr ',' '\n' | sed 's/^ *//; s/[ (|].*//; s/:.*//' | grep '^lib' || true
}
installed()
{
	dpkg-query -W -f '${db:Status-Abbrev}\n' "$1" 2>/dev/null | grep -q '^ii'
}

updated=
download()
{
	apt-get -qq -o APT::Sandbox::User=root download "$1" >log 2>&1 && return
	if [ -z "$updated" ]; then
		updated=yes
		mkdir -p lists/partial
		apt-get -qq -o Dir::State::Lists="$PWD/lists" update >/dev/null 2>&1 || true
	fi
	apt-get -qq -o APT::Sandbox::User=root -o Dir::State::Lists="$PWD/lists" download "$1" >log 2>&1
}

while [ $# -gt 0 ]; do
	package=$1
	shift
	[ ! -e "$package.done" ] || continue
	if ! download "$package"; then
		cat log >&2
		exit 1
	fi
	for deb in "$package"_*.deb; do
		dpkg-deb -x "$deb" root
		if [ -d root/lib ]; then
			cp -a root/lib/. root/usr/lib/
			rm -rf root/lib
		fi
		for library in $(needs "$deb"); do
			installed "$library" || set -- "$@" "$library"
		done
		rm -f "$deb"
	done
	: >"$package.done"
done
rm -rf lists log
