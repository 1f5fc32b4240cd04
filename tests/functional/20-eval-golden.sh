#!/bin/sh
# SPDX-License-Identifier: MIT
# Golden evaluations: tests/eval/ok-NAME.yaml prints NAME.out and exits 0, fail-NAME.yaml
# prints NAME.err, the exact text with caret and hint, and exits as its last line says.
# A first line `# run: OPTIONS` gives options to `kbuild eval`. ACCEPT=1 rewrites.
# The recipes name the capabilities they show. Nothing here needs the network.
. "$(dirname "$0")/../lib.sh"

cd "$T_TOP/tests/eval" || exit 1
KBUILD_DATA=$T_TOP/tests/eval/data
KBUILD_CACHE=$T/cache
NO_COLOR=1
export KBUILD_DATA KBUILD_CACHE NO_COLOR

# options FILE: the words of its first line, if it has that line.
options() {
	sed -n '1s/^# run: //p' "$1"
}

# compare NAME WANT GOT
compare() {
	if [ -n "${ACCEPT:-}" ]; then
		cmp -s "$2" "$3" || cp "$3" "$2"
	fi
	if diff -u "$2" "$3" >"$T_OUT" 2>&1; then
		ok "$1"
	else
		not_ok "$1"
		sed 's/^/#   /' "$T_OUT"
	fi
}

for recipe in ok-*.yaml; do
	# shellcheck disable=SC2046 # a list of words
	if "$KB" eval $(options "$recipe") "$recipe" >"$T/got" 2>"$T/messages"; then
		compare "$recipe" "${recipe%.yaml}.out" "$T/got"
	else
		not_ok "$recipe"
		sed 's/^/#   /' "$T/messages"
	fi
done
for recipe in fail-*.yaml; do
	# shellcheck disable=SC2046 # a list of words
	"$KB" eval $(options "$recipe") "$recipe" >"$T/printed" 2>"$T/got"
	echo "exit $?" >>"$T/got"
	compare "$recipe" "${recipe%.yaml}.err" "$T/got"
	[ ! -s "$T/printed" ] || t_is "$recipe prints no result" '' "$(cat "$T/printed")"
done
done_testing
