#!/bin/sh
# cmd/debian/runner.sh - for the scripts of the package, which get it in place of #RUNNER#.
#
# A runner without systemd, as `sendmail -bd` makes one: the process whose child
# accepts mail, in this very root, as another one's may be seen as well.  What a process
# calls itself anybody may say: the child is of user sendoff, and the parent is sendoff.
of()
{
	sed -n "s/^$1:[[:blank:]]*\([0-9]*\).*/\1/p" "$2/status" 2>/dev/null || true
}

runner()
{
	user=$(id -u sendoff 2>/dev/null) || return 0
	for dir in /proc/[0-9]*; do
		role=$(tr '\0' ' ' 2>/dev/null <"$dir/cmdline") || continue
		case $role in "sendoff-accept "*) ;; *) continue ;; esac
		[ "$dir/root" -ef / ] || continue
		[ "$(of Uid "$dir")" = "$user" ] || continue
		parent=$(of PPid "$dir")
		[ "${parent:-0}" -gt 1 ] || continue
		case $(readlink "/proc/$parent/exe" 2>/dev/null) in /usr/bin/sendoff*) echo "$parent" ;; esac
	done
}

# Ends it, which lets it finish what it is about; false where there was none.
stop_runner()
{
	pid=$(runner | head -n 1)
	[ -n "$pid" ] || return 1
	kill "$pid" 2>/dev/null || true
	left=300
	while [ -d "/proc/$pid" ] && [ "$left" -gt 0 ]; do
		sleep 0.1
		left=$((left - 1))
	done
}
