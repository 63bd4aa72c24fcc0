#!/bin/sh
# monit.sh MARK - an alert of monit, which speaks SMTP itself.
work=$(mktemp -d)
cat >"$work/rc" <<END
set daemon 1
set mailserver 127.0.0.1 port 2525
set mail-format {
	from: monit@example.test
	subject: $1
}
set idfile $work/id
set statefile $work/state
check file missing with path $work/missing
	alert a@example.net only on { nonexist }
END
chmod 600 "$work/rc"
monit -I -c "$work/rc" -p "$work/pid" >/dev/null 2>&1 &
pid=$!
sleep 5
kill "$pid"
wait "$pid"
exit 0
