#!/bin/sh
# t/bare.sh RELEASE - the README's commands on a bare Debian of that release.
#
# Takes a minimal system (t/debian/base.sh), puts this tree in and runs what
# the README tells a newcomer to run: once as root where not even sudo is,
# once as an ordinary user with sudo.  BARE_AS=root or user runs only one; a
# second argument replaces `make check` by another command.
#
# Everything is mounted in a namespace of its own and gone with it.  Status 3:
# the release cannot be had from here.
set -eu

release=${1:?usage: t/bare.sh RELEASE}
cache=${BARE_CACHE:-/var/tmp/sendoff-bare}
limit=${BARE_SECONDS:-1500}
here=$(cd "$(dirname "$0")/.." && pwd)
work=

say()
{
	echo "bare $release: $*"
}
clean_up()
{
	if [ -n "$work" ]; then
		rm -rf --one-file-system "$work"
	fi
}

trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# The lines of the README that a newcomer is told to type.
readme_commands()
{
	sed -n -E 's/^[[:blank:]]*(sudo apt-get .*|make demo|make check|make deb)$/\1/p' "$here/README"
}

# run WHO - the commands as root, or as a user who has sudo.
run()
{
	say "as $1"
	work=$(mktemp -d "$cache/tmp.XXXXXX")
	root=$work/root
	mkdir "$root"
	tar -C "$root" -xzf "$base"
	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	printf '127.0.0.1 localhost %s\n::1 localhost\n' "$(hostname)" >"$root/etc/hosts"
	mkdir "$root/home/newcomer" "$root/home/newcomer/sendoff"
	(cd "$here" && git ls-files -z -co --exclude-standard | xargs -0 sh -c \
		'for f; do [ -e "$f" ] && printf "%s\0" "$f"; done' - |
		tar --null -T - -c) | tar -C "$root/home/newcomer/sendoff" -x --no-same-owner

	{
		echo 'set -eux'
		echo 'cd /home/newcomer/sendoff'
		if [ "$1" = root ]; then
			printf '%s\n' "$commands" | sed 's/sudo //g'
		else
			printf '%s\n' "$commands"
		fi
	} >"$root/home/newcomer/commands"
	cat >"$root/inside" <<-'END'
		set -eu
		mount -t proc proc /proc
		if [ "$1" = root ]; then
			exec sh /home/newcomer/commands
		fi
		apt-get -q update >/dev/null
		DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install sudo \
			>/dev/null 2>&1 </dev/null
		useradd -d /home/newcomer -s /bin/sh newcomer
		echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/newcomer
		chown -R newcomer: /home/newcomer
		exec setpriv --reuid=newcomer --regid=newcomer --init-groups \
			env HOME=/home/newcomer USER=newcomer LOGNAME=newcomer sh /home/newcomer/commands
	END
	status=0
	# /dev comes with /dev/pts and /dev/shm; the namespace takes all along when it ends.
	timeout -k 10 "$limit" unshare --mount --pid --fork --kill-child sh -c '
		set -eu
		mount --rbind /dev "$1/dev"
		mount --make-rslave "$1/dev"
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
			HOME=/root chroot "$1" sh /inside "$2"' - "$root" "$1" </dev/null || status=$?
	clean_up
	work=
	[ "$status" = 0 ] || { say "as $1: FAILED ($status)"; exit 1; }
	say "as $1: passed"
}

[ -f "$here/README" ] || { say "no README"; exit 1; }
commands=$(readme_commands)
for wanted in 'apt-get .*make' 'make demo' 'make check' 'make deb' 'apt-get .*sendoff'; do
	printf '%s\n' "$commands" | grep -q "$wanted" || { say "README does not say: $wanted"; exit 1; }
done
if [ $# -gt 1 ]; then
	commands=$(printf '%s\n' "$commands" | sed "s#^make check\$#$2#")
fi

mkdir -p "$cache"
base=$("$here/t/debian/base.sh" "$release")
for who in ${BARE_AS:-root user}; do
	run "$who"
done
