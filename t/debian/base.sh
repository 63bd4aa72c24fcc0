#!/bin/sh
# t/debian/base.sh RELEASE [NAME PACKAGE...] - a minimal Debian of that release, made by
# debootstrap; the path of its archive on standard output.
#
# With a NAME: the path of a directory instead, which holds such a system with these
# packages in it and the lists of apt.  The package no-mta is made here: it only says
# that it is a mail server.  The directory is not to be written to: lay something over it.
#
# Both are kept below $BARE_CACHE, by default /var/tmp/sendoff-bare.  Mirror, proxy and
# the like come from this machine's apt.  Status 3: it cannot be had from here.
set -eu

release=${1:?usage: t/debian/base.sh RELEASE [NAME PACKAGE...]}
cache=${BARE_CACHE:-/var/tmp/sendoff-bare}
work=

give_up()
{
	echo "debian $release: $*" >&2
	exit 3
}
clean_up()
{
	if [ -n "$work" ]; then
		rm -rf --one-file-system "$work"
	fi
}

[ "$(id -u)" = 0 ] || give_up "needs root, for chroot"
command -v debootstrap >/dev/null || give_up "needs debootstrap"
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# Where this machine's own apt finds Debian's main; "" leaves it to debootstrap.
mirror()
{
	apt-get indextargets --format '$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)' \
		'Created-By: Packages' 2>/dev/null | awk '$1 $2 $3 == "DebianDebianmain" { print $4; exit }'
}

# Settings of apt that decide whether a mirror can be used at all.
apt_settings()
{
	apt-config dump | grep -E '^Acquire::(https?::Proxy|https?::Timeout|Retries|Check-)[^ ]* "[^"]'
}

make_base()
{
	echo "debian $release: debootstrap" >&2
	work=$(mktemp -d "$cache/tmp.XXXXXX")
	proxy=
	eval "$(apt-config shell proxy Acquire::http::Proxy)"
	if [ -n "$proxy" ]; then
		export http_proxy="$proxy"
	fi
	# shellcheck disable=SC2046 # no mirror, no argument
	timeout 900 debootstrap --variant=minbase "$release" "$work/root" $(mirror) \
		>"$cache/$release.log" 2>&1 </dev/null ||
		give_up "debootstrap failed: $(tail -n 1 "$cache/$release.log")"
	rm -f "$work"/root/var/cache/apt/archives/*.deb
	apt_settings >"$work/root/etc/apt/apt.conf.d/90host" || true
	tar -C "$work/root" -czf "$work/base.tar.gz" .
	mv "$work/base.tar.gz" "$base"
	clean_up
	work=
}

# Inside: no service is started, nothing is asked.
install_packages()
{
	cat >"$work/root/inside" <<-'END'
		set -eu
		mount -t proc proc /proc
		printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
		chmod 755 /usr/sbin/policy-rc.d
		export DEBIAN_FRONTEND=noninteractive
		apt-get -q update || exit 3
		for package; do
			shift
			if [ "$package" = no-mta ]; then
				mkdir -p /tmp/no-mta/DEBIAN
				printf '%s\n' 'Package: no-mta' 'Version: 1' 'Architecture: all' 'Maintainer: nobody' \
					'Provides: mail-transport-agent' 'Description: no mail server' >/tmp/no-mta/DEBIAN/control
				dpkg-deb --build /tmp/no-mta /tmp/no-mta.deb
				package=/tmp/no-mta.deb
			fi
			set -- "$@" "$package"
		done
		if [ $# -gt 0 ]; then
			apt-get -q -y --no-install-recommends -o Dpkg::Use-Pty=0 install "$@"
		fi
		apt-get clean
		rm -rf /tmp/no-mta /tmp/no-mta.deb /usr/sbin/policy-rc.d /inside
	END
	timeout 1200 unshare --mount --pid --fork --kill-child sh -c '
		set -eu
		root=$1
		shift
		mount --rbind /dev "$root/dev"
		mount --make-rslave "$root/dev"
		exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
			HOME=/root chroot "$root" sh /inside "$@"' - "$work/root" "$@" </dev/null >"$dir.log" 2>&1 || {
		status=$?
		echo "debian $release: packages for $name: $(grep -E '^(E|dpkg|W):' "$dir.log" | head -n 3)" >&2
		exit "$status"
	}
}

make_root()
{
	echo "debian $release: packages for $name" >&2
	work=$(mktemp -d "$cache/tmp.XXXXXX")
	mkdir "$work/root"
	tar -C "$work/root" -xzf "$base"
	cp -L /etc/resolv.conf "$work/root/etc/resolv.conf"
	printf '127.0.0.1 localhost %s\n::1 localhost\n' "$(hostname)" >"$work/root/etc/hosts"
	install_packages "$@"
	mv "$work/root" "$dir"
	clean_up
	work=
}

mkdir -p "$cache"
exec 9>"$cache/$release.lock"
flock 9
base=$cache/$release.tar.gz
[ -f "$base" ] || make_base
if [ $# = 1 ]; then
	echo "$base"
	exit 0
fi
name=$2
shift 2
dir=$cache/$release-$name-$(echo "$*" | sha256sum | cut -c 1-12)
[ -d "$dir" ] || make_root "$@"
echo "$dir"
