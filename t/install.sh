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
is_link /usr/bin/mailq sendoff
is_link /usr/bin/newaliases sendoff
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
# installed FILE WHERE MODE - FILE, with its paths put in.
installed()
{
	[ "$(stat -c %a "$root$2")" = "$3" ] || fail "$2 has not mode $3"
	sed 's|@bindir@|/usr/bin|g; s|@sysconfdir@|/etc|g; s|@localstatedir@|/var|g; s|@rundir@|/run|g' \
		"$1" | cmp - "$root$2"
	! grep -n '@[a-z]*@' "$root$2" || fail "$2 has a path that was not put in"
}
for unit in cmd/systemd/*.socket cmd/systemd/*.service; do
	installed "$unit" "/usr/lib/systemd/system/${unit##*/}" 644
done
for unit in cmd/systemd/user/*; do
	installed "$unit" "/usr/lib/systemd/user/${unit##*/}" 644
done
for kind in sysusers tmpfiles; do
	installed "cmd/systemd/$kind.d/sendoff.conf" "/usr/lib/$kind.d/sendoff.conf" 644
done
installed cmd/hooks/networkmanager /usr/lib/NetworkManager/dispatcher.d/90-sendoff 755
installed cmd/apparmor/sendoff /usr/share/doc/sendoff/apparmor.d/sendoff 644
installed cmd/hooks/cron /usr/share/doc/sendoff/cron.example 644
[ -z "$(find "$root" -perm /6022 ! -type l)" ] || fail "F1: set-id, or writable by others"

# A second time over the first, then away with all.
try_make install
try_make uninstall
[ -z "$(find "$root" ! -type d)" ] || fail "left behind: $(find "$root" ! -type d)"

# The sendmail of another program stays, whether a file or a link.
echo other >"$root/usr/sbin/sendmail"
ln -s ../sbin/other "$root/usr/lib/sendmail"
ln -s other-mailq "$root/usr/bin/mailq"
try_make install 2>/dev/null
try_make uninstall
[ "$(cat "$root/usr/sbin/sendmail")" = other ] || fail "another program's sendmail was replaced"
is_link /usr/lib/sendmail ../sbin/other
is_link /usr/bin/mailq other-mailq

# Every directory can be named, and links follow.
rm -rf "$root"
try_make install bindir=/opt/s/bin sbindir=/opt/sbin libdir=/opt/s/lib/deep unitdir=/opt/u \
	userunitdir=/opt/uu sysusersdir=/opt/su tmpfilesdir=/opt/t nmdir=/opt/nm
is_link /opt/sbin/sendmail ../s/bin/sendoff
is_link /opt/s/lib/deep/sendmail ../../bin/sendoff
for file in u/sendoff.service uu/sendoff-queue.service su/sendoff.conf t/sendoff.conf nm/90-sendoff; do
	[ -f "$root/opt/$file" ] || fail "$file is not where it was wanted"
done
grep -q '^ExecStart=/opt/s/bin/sendoff queue watch$' "$root/opt/u/sendoff.service" ||
	fail "the unit does not follow bindir"
echo "install and uninstall do what they should"
