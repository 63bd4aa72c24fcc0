#!/bin/sh
# t/valgrind.sh UNIT... - the unit tests, then a whole session (t/demo.sh),
# under valgrind: no invalid access, no use of what was never set, no leak.
set -u

B=${B:-build}
here=$B/valgrind
rm -rf "$here"
mkdir -p "$here/t"

# Children are followed through fork, not into other programs.
check="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect"
check="$check --trace-children=no --log-file=$PWD/$here/log.%p"

prove -j"$(nproc)" --exec "timeout -k 5 300 $check" "$@" || exit 1

# The same programs, each behind valgrind, in a directory for B.
for name in sendoff sendmail; do
	printf '%s\n' '#!/bin/sh' "exec $check -- '$PWD/$B/$name' \"\$@\"" >"$here/$name"
	chmod +x "$here/$name"
done
ln -s "$PWD/$B/t/server" "$here/t/server"
B=$here t/demo.sh >"$here/demo.log" 2>&1 || { cat "$here/demo.log"; cat "$here"/log.*; exit 1; }

bad=0
for log in "$here"/log.*; do
	if [ -s "$log" ]; then
		cat "$log"
		bad=1
	fi
done
[ "$bad" = 0 ] && echo "valgrind: $(find "$here" -name 'log.*' | wc -l) processes, nothing found"
exit "$bad"
