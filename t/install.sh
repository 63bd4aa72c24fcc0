#!/bin/sh
# t/install.sh - what make install puts below DESTDIR, that it is usable from
# there, and that make uninstall takes away just that.
set -eu

cd "$(dirname "$0")/.."
work=$(mktemp -d "${TMPDIR:-/tmp}/sendoff-install.XXXXXX")
trap 'rm -rf "$work"' EXIT
root="$work/a root"   # the blank must do no harm
trap 'exit 1' INT TERM HUP
unset MAKEFLAGS MFLAGS MAKELEVEL || true

fail()
{
	echo "install: $*" >&2
	exit 1
}
try_make()
{
	make -s "$@" DESTDIR="$root" prefix=/usr >/dev/null || fail "make $* failed"
}
is_link()
{
	[ "$(readlink "$root$1")" = "$2" ] || fail "$1 is not a link to $2"
}

try_make install
is_link /usr/sbin/sendmail ../bin/sendoff
is_link /usr/lib/sendmail ../bin/sendoff
[ -x "$root/usr/bin/sendoff" ] || fail "no program"
"$root/usr/bin/sendoff" --version >/dev/null || fail "the installed program does not run"
for page in man/*.[1-8]; do
	cmp "$page" "$root/usr/share/man/man${page##*.}/${page##*/}"
done
cmp config.example "$root/usr/share/doc/sendoff/config.example"
for file in cmd/completions/*; do
	[ -e "$file" ] || continue
	find "$root/usr/share" -type f -exec cmp -s "$file" {} \; -print | grep -q . ||
		fail "$file was not installed"
done
[ -z "$(find "$root" -perm /6022 ! -type l)" ] || fail "set-id, or writable by others"

# A second time over the first, then away with all.
try_make install
try_make uninstall
[ -z "$(find "$root" ! -type d)" ] || fail "left behind: $(find "$root" ! -type d)"

# The sendmail of another program stays, whether a file or a link.
echo other >"$root/usr/sbin/sendmail"
ln -s ../sbin/other "$root/usr/lib/sendmail"
try_make install 2>/dev/null
try_make uninstall
[ "$(cat "$root/usr/sbin/sendmail")" = other ] || fail "another program's sendmail was replaced"
is_link /usr/lib/sendmail ../sbin/other

# Every directory can be named, and links follow.
rm -rf "$root"
try_make install bindir=/opt/s/bin sbindir=/opt/sbin libdir=/opt/s/lib/deep
is_link /opt/sbin/sendmail ../s/bin/sendoff
is_link /opt/s/lib/deep/sendmail ../../bin/sendoff
echo "install and uninstall do what they should"
