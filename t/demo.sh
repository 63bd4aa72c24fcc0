#!/bin/sh
# t/demo.sh - sendoff at work, on this machine alone: a throw-away mail server
# with TLS and a login, a configuration for it, a check of the login, a message with
# an attachment sent twice (as sendoff, as sendmail), and a look at what arrived.
#
# Status 0 only when both messages arrived whole.
set -eu

cd "$(dirname "$0")/.."
B=${B:-build}
work=$(mktemp -d "${TMPDIR:-/tmp}/sendoff-demo.XXXXXX")
server=

clean_up()
{
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

title()
{
	printf '\n=== %s\n\n' "$*"
}
fail()
{
	printf '\ndemo: %s\n' "$*" >&2
	exit 1
}
# show COMMAND... - says what is run, then runs it.
show()
{
	printf '$ %s\n' "$*"
	"$@"
}
indent()
{
	sed 's/^/    /'
}

# Nothing of the user's own: no configuration, no queue, no proxy.
for name in $(env | sed -n 's/^\(SENDOFF_[A-Z_]*\|XDG_[A-Z_]*\)=.*/\1/p'); do
	unset "$name"
done
export HOME="$work" LC_ALL=C
unset EMAIL NO_COLOR || true

start_server()
{
	mkdir "$work/arrived"
	"$B/t/server" --ready "$work/port" --tls starttls --cert "$B/t/certs/server.crt" \
		--key "$B/t/certs/server.key" --user alice --password "$1" --require-login \
		--store "$work/arrived" --lifetime 60 2>"$work/server.log" &
	server=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ -s "$work/port" ] && break
		kill -0 "$server" 2>/dev/null || fail "the server did not start: $(cat "$work/server.log")"
		sleep 0.1
	done
	[ -s "$work/port" ] || fail "the server did not start in 2 seconds"
	port=$(cat "$work/port")
}

write_config()
{
	umask 077
	printf '%s\n' "$1" >"$work/password"
	cat >"$work/config" <<-END
		[sendoff]
		default = demo

		[account demo]
		description = The throw-away server of this demonstration
		host = localhost
		port = $port
		tls = starttls
		tls_ca_file = $(realpath "$B")/t/certs/ca.crt
		user = alice
		password_file = $work/password
		from = alice@example.org
	END
}

# message SUBJECT - a multipart message with LICENSE attached.
message()
{
	cat <<-END
		From: Alice <alice@example.org>
		To: Bob <bob@example.net>
		Cc: carol@example.net
		Subject: $1
		MIME-Version: 1.0
		Content-Type: multipart/mixed; boundary="cut here"

		--cut here
		Content-Type: text/plain; charset=utf-8
		Content-Transfer-Encoding: 8bit

		Grüße, Bob,

		the licence is attached.
		.
		(The lone dot above does not end the mail.)
		--cut here
		Content-Type: application/octet-stream; name=LICENSE
		Content-Disposition: attachment; filename=LICENSE
		Content-Transfer-Encoding: base64

	END
	base64 LICENSE
	printf '%s\n' '' '--cut here--'
}

# arrived SUBJECT - shows the stored message of that subject and compares it
# with what was sent.
arrived()
{
	eml=$(grep -lx "Subject: $1.\{0,1\}" "$work"/arrived/*.eml 2>/dev/null | head -n 1)
	[ -n "$eml" ] || fail "\"$1\" did not arrive"
	tr -d '\r' <"$eml" >"$work/got"
	indent <"${eml%.eml}.envelope"
	echo
	sed -n '1,/^$/p' "$work/got" | indent
	sed '1,/^$/d' "$work/got" >"$work/got.body"
	message "$1" | sed '1,/^$/d' >"$work/sent.body"
	cmp "$work/sent.body" "$work/got.body" || fail "the body of \"$1\" is not what was sent"
	sed -n '/^Content-Transfer-Encoding: base64$/,/^--cut here--$/p' "$work/got.body" |
		grep -v -e '^Content-' -e '^--' | base64 -d >"$work/attachment"
	cmp LICENSE "$work/attachment" || fail "the attachment of \"$1\" is not what was sent"
	for rcpt in bob@example.net carol@example.net; do
		grep -q "$rcpt" "${eml%.eml}.envelope" || fail "\"$1\" did not go to $rcpt"
	done
	echo "    body and attachment ($(wc -c <"$work/attachment" | tr -d ' ') octets) arrived as they were sent"
}

password=$(head -c 16 /dev/urandom | od -A n -t x1 | tr -d ' \n')
title "A throw-away mail server with STARTTLS and a login"
t/certs.sh "$B/t/certs"
start_server "$password"
echo "listening on localhost, port $port; it knows one user, alice, and takes mail from nobody else"

title "The configuration"
write_config "$password"
indent <"$work/config"

title "Does the login work?  A check tells, step by step, and sends nothing"
printf '$ %s\n' "$B/sendoff -C $work/config check"
"$B/sendoff" -C "$work/config" check >"$work/check" || {
	cat "$work/check"
	fail "sendoff check failed"
}
indent <"$work/check"
if grep -q "$password" "$work/check"; then
	fail "the password is in what the check shows"
fi
[ -z "$(find "$work/arrived" -name '*.eml')" ] || fail "the check sent a message"

title "Send a message, recipients taken from its headers; -v shows the dialogue"
message "sent as sendoff" >"$work/first.eml"
show "$B/sendoff" -C "$work/config" -v send -t <"$work/first.eml" 2>"$work/transcript" || {
	cat "$work/transcript"
	fail "sendoff send failed"
}
indent <"$work/transcript"
if grep -q "$password" "$work/transcript"; then
	fail "the password is in the transcript"
fi

title "The same as cron, PHP or git do it: by the name of sendmail"
message "sent as sendmail" >"$work/second.eml"
export SENDOFF_CONFIG="$work/config"
echo "\$ SENDOFF_CONFIG=$SENDOFF_CONFIG"
show "$B/sendmail" -t -i <"$work/second.eml" || fail "sendmail failed"
echo "(silent: nothing to tell)"

for subject in "sent as sendoff" "sent as sendmail"; do
	title "What arrived: $subject"
	arrived "$subject"
done
[ "$(find "$work/arrived" -name '*.eml' | wc -l)" = 2 ] || fail "more arrived than was sent"
title "Both messages arrived."
