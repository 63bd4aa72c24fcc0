#!/bin/sh
# t/setup.sh GROUP... - what a bare machine lacks for building and testing.
#
# Groups: build test lint valgrind faults fuzz interop oauth units bare deb bench.  Each thing
# needed is looked for first; only what is missing is installed, by apt-get, as root or
# through sudo.  Where nothing is missing nothing is run.  On a system that is
# not Debian's the packages are named and the caller goes on: its own errors
# will say what is really lacking.
set -u

cc=${CC:-cc}
pkg_config=${PKG_CONFIG:-pkg-config}
missing=

# need PACKAGES TEST... - PACKAGES are missing when TEST fails.
need()
{
	packages=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $packages"
}
command_named()
{
	command -v "${1%% *}"
}
library()
{
	command -v "${pkg_config%% *}" && $pkg_config --exists "$1"
}
module()
{
	perl "-M$1" -e 1
}
header()
{
	echo "#include <$1>" | ${cc%% *} -E -
}
node_new_enough()
{
	node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'
}
clang_runtime()
{
	echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' |
		clang -fsanitize=fuzzer,address -x c -o /dev/null -
}

for group in "$@"; do
	case $group in
	build)
		need gcc command_named "$cc"
		need libc6-dev header stdio.h
		need make command_named make
		need pkg-config command_named "$pkg_config"
		need libgnutls28-dev library gnutls
		need libinih-dev library inih
		need libidn2-dev library libidn2
		need libcurl4-gnutls-dev library libcurl
		need libgsasl-dev library libgsasl
		need libkrb5-dev library krb5-gssapi
		need libjansson-dev library jansson
		need nettle-dev library nettle
		;;
	test)
		need perl module Test::More
		need perl command_named prove
		need gnutls-bin command_named certtool
		need openssl command_named openssl
		need iproute2 command_named ip
		need tmux command_named tmux
		;;
	valgrind)
		need "valgrind libc6-dbg" command_named valgrind
		;;
	bench)
		need "valgrind libc6-dbg" command_named valgrind
		need strace command_named strace
		need ca-certificates test -s /etc/ssl/certs/ca-certificates.crt
		;;
	faults)
		need strace command_named strace
		need util-linux command_named prlimit
		;;
	fuzz)
		need clang command_named clang
		need libclang-rt-dev clang_runtime
		;;
	lint)
		need gcc command_named gcc
		need clang command_named clang
		need cppcheck command_named cppcheck
		need mandoc command_named mandoc
		need "man-db groff-base" command_named man
		need shellcheck command_named shellcheck
		need binutils command_named nm
		;;
	interop)
		need gnutls-bin command_named gnutls-serv
		need softhsm2 command_named softhsm2-util
		need libp11-kit-dev library p11-kit-1
		need openssl command_named openssl
		need php-cli command_named php
		need git-email test -x "$(git --exec-path 2>/dev/null)/git-send-email"
		need libmailtools-perl module Mail::Address
		need mutt command_named mutt
		need "gnupg pinentry-curses" command_named gpg
		need pass command_named pass
		need libsecret-tools command_named secret-tool
		need gnome-keyring command_named gnome-keyring-daemon
		need "dbus-daemon dbus-bin" command_named dbus-daemon
		;;
	oauth)
		need nodejs node_new_enough
		need npm command_named npm
		need chromium command_named chromium
		need faketime command_named faketime
		;;
	units)
		need systemd command_named systemd-analyze
		need apparmor command_named apparmor_parser
		;;
	deb)
		need dpkg-dev command_named dpkg-shlibdeps
		need binutils command_named strip
		;;
	bare)
		need debootstrap command_named debootstrap
		;;
	*)
		echo "$0: no group $group" >&2
		exit 64
		;;
	esac
done

# Each package once.
list=
for package in $missing; do
	case " $list " in *" $package "*) ;; *) list="$list $package" ;; esac
done
list=${list# }
[ -n "$list" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "This needs what Debian packages as: $list" >&2
	echo "Trying without." >&2
	exit 0
fi

root=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "Missing: $list" >&2
		echo "As root run: apt-get install --no-install-recommends $list" >&2
		exit 1
	fi
	root=sudo
fi
echo "Installing what is missing: $list"
# Lists that cannot be renewed may still do.
$root apt-get -qq update || echo "apt-get update failed; trying with the lists at hand" >&2
# shellcheck disable=SC2086 # a list of words
$root env DEBIAN_FRONTEND=noninteractive \
	apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install $list </dev/null
