#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs TAP programs one after another under prove, keeps their whole output below
# build*/test-logs, and ends with the plain line `N passed, N failed, N skipped`.
set -u

cd "$(dirname "$0")/.." || exit 1
logs=$(dirname "${KBUILD:?}")/test-logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0

# Kernels are built on the other processor while tests that boot none keep one busy.
case " $* " in
*" tests/vm/"*)
	setsid tests/data/warm.sh >"$logs/warm.log" 2>&1 &
	warm=$!
	trap 'kill -s TERM -$warm 2>/dev/null' EXIT
	trap 'exit 1' HUP INT TERM
	;;
esac

for t in "$@"; do
	name=$(basename "$t" .sh)
	log=$logs/$name.tap
	start=$(date +%s)
	CMOCKA_MESSAGE_OUTPUT=tap prove -v -e '' "$t" >"$log" 2>&1
	rc=$?
	seconds=$(($(date +%s) - start))
	s=$(grep -c '^ok .*# [Ss][Kk][Ii][Pp]' "$log")
	p=$(($(grep -c '^ok ' "$log") - s))
	f=$(grep -c '^not ok ' "$log")
	# A test that died, or ran nothing, failed without a line of its own.
	[ "$rc" = 0 ] || [ "$f" != 0 ] || f=1
	[ $((p + s + f)) != 0 ] || f=1
	printf '%-36s %4d passed %3d failed %3d skipped %5d s\n' "$name" "$p" "$f" "$s" "$seconds"
	grep '^ok .*# [Ss][Kk][Ii][Pp]' "$log" | sed 's/^/    /'
	if [ "$f" != 0 ]; then
		grep -B 12 -A 30 '^not ok ' "$log" | head -n 80 | sed 's/^/    /'
		tail -n 15 "$log" | sed 's/^/    | /'
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
