#!/bin/sh
# t/units.sh - the units as they are installed: systemd accepts them, they are
# locked in, and none of the traps is sprung.  No systemd needs to run.  The
# profile for AppArmor is one, and no more than complains.
set -eu

cd "$(dirname "$0")/.."
work=$(mktemp -d "${TMPDIR:-/tmp}/sendoff-units.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
unset MAKEFLAGS MFLAGS MAKELEVEL || true
most=20     # exposure, in tenths: of 100

fail()
{
	echo "units: $*" >&2
	exit 1
}
# says FILE LINE - the line stands there; says_not FILE WORDS - nowhere.
says()
{
	grep -qxF -e "$2" "$1" || fail "${1##*/} does not say: $2"
}
says_not()
{
	! grep -q -e "^$2" "$1" || fail "${1##*/} says: $2"
}
accepted()
{
	said=$(XDG_RUNTIME_DIR="$work" systemd-analyze "$@" 2>&1) && [ -z "$said" ] ||
		fail "systemd-analyze $*: ${said:-failed}"
}

command -v systemd-analyze >/dev/null || fail "systemd-analyze is needed (Debian: systemd)"

# Below a prefix, without DESTDIR, so that the commands in the units are there.
make -s install prefix="$work" >/dev/null || fail "make install failed"
units=$work/lib/systemd/system
service=$units/sendoff.service

accepted verify --man=no --recursive-errors=no "$units"/*
accepted verify --user --man=no --recursive-errors=no "$work"/lib/systemd/user/*
grep -h '^Documentation=' "$units"/* "$work"/lib/systemd/user/* | tr ' ' '\n' |
	sed -n 's/.*man:\(.*\)(\(.\))$/\1.\2/p' | sort -u >"$work/pages"
[ -s "$work/pages" ] || fail "no unit names its manual"
while read -r page; do
	[ -f "man/$page" ] || fail "no such manual: $page"
done <"$work/pages"

said=$(systemd-analyze security --offline=true --no-pager "$service") || fail "security failed"
exposure=$(printf '%s\n' "$said" | sed -n 's/.*exposure level.*: \([0-9]*\)\.\([0-9]\) .*/\1\2/p')
[ -n "$exposure" ] && [ "$exposure" -le "$most" ] || fail "too exposed: $said"

# What systemd finds right and is wrong all the same: the sockets go away with
# the service, or for ever when it fails often; the network cannot be watched;
# the kernel tells of every caller that it is nobody.
says_not "$service" RuntimeDirectory
says_not "$service" PrivateUsers
says_not "$service" DynamicUser
says_not "$service" PrivateNetwork
says "$service" Restart=always
grep -q '^RestrictAddressFamilies=.*AF_NETLINK' "$service" || fail "AF_NETLINK is not allowed"
for unit in "$units"/*; do
	says "$unit" StartLimitIntervalSec=0
done
for name in smtp control; do
	socket=$units/sendoff-$name.socket
	says "$socket" "ListenStream=/run/sendoff/$name.sock"
	says "$socket" "FileDescriptorName=$name"
	says "$socket" "SocketMode=0666"
	says "$socket" "DirectoryMode=0755"
	says "$socket" TriggerLimitIntervalSec=0
	says "$socket" Service=sendoff.service
done

# The user and the directories, made in a root of their own.
root=$work/root
mkdir -p "$root/etc"
if [ "$(id -u)" = 0 ] && command -v systemd-sysusers >/dev/null; then
	echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
	echo 'root:x:0:' >"$root/etc/group"
	said=$(systemd-sysusers --root="$root" "$work/lib/sysusers.d/sendoff.conf" 2>&1) || fail "$said"
	grep -q '^sendoff:x:[0-9]*:[0-9]*:sendoff mail submission:/var/spool/sendoff:' "$root/etc/passwd" ||
		fail "no user sendoff: $said"
	said=$(systemd-tmpfiles --root="$root" --create "$work/lib/tmpfiles.d/sendoff.conf" 2>&1) ||
		fail "$said"
	id=$(sed -n 's/^sendoff:x:\([0-9]*\):.*/\1/p' "$root/etc/passwd")
	gid=$(sed -n 's/^sendoff:x:\([0-9]*\):.*/\1/p' "$root/etc/group")
	(cd "$root" && stat -c '%n %a %u:%g' var/spool/sendoff var/lib/sendoff run/sendoff etc/sendoff) \
		>"$work/made"
	printf '%s\n' "var/spool/sendoff 700 $id:$gid" "var/lib/sendoff 700 $id:$gid" \
		"run/sendoff 755 0:0" "etc/sendoff 750 0:$gid" | diff - "$work/made" ||
		fail "directories are not as they should be"
fi
# The profile, and that the parser would have said so.
profile=$work/share/doc/sendoff/apparmor.d/sendoff
command -v apparmor_parser >/dev/null || fail "apparmor_parser is needed (Debian: apparmor)"
parsed()
{
	apparmor_parser --skip-kernel-load --skip-cache --skip-read-cache "$1" >"$work/parsed" 2>&1
}
parsed "$profile" || fail "AppArmor: $(cat "$work/parsed")"
grep -qx "profile sendoff $work/bin/sendoff flags=(complain) {" "$profile" ||
	fail "the profile is not for this program, or does more than complain"
sed 's/unix,/unixx,/' "$profile" >"$work/broken"
! parsed "$work/broken" || fail "apparmor_parser finds anything right"

echo "the units are what they should be (exposure ${exposure%?}.${exposure#"${exposure%?}"})"
