#!/bin/sh
# SPDX-License-Identifier: MIT
# The verdict on each request of tests/config/*.table, by the Kconfig of three releases: the
# word, the blocker, the change that was checked. One configuration a table, nothing compiled.
# S1-04 S1-05 S2-18 S2-19 S3-03 S3-04 S3-05 S3-51 S3-52 S4-04 S4-46
. "$(dirname "$0")/../lib.sh"
need bwrap jq
t_shared
cd "$T" || exit 1

# recipe TABLE NAME: NAME.yaml, all requests as `set`.
recipe() {
	awk '
		/^#/ { next }
		/^(arch|toolchain): / { print; next }
		/^source: / { print "kernel:\n  source: " $2; next }
		/^base: / { print "  config:\n    base: " $2 "\n    set:"; next }
		NF { print "      " $1 ": \"" $2 "\"" }
		BEGIN { print "kbuild: 1" }
	' "$1" >"$2.yaml"
}

# verdicts NAME: NAME.tsv has symbol, word, proposal, reasons of each.
verdicts() {
	"$KB" config check --json --locked "$1.yaml" >"$1.json" 2>"$1.err" </dev/null
	code=$?
	jq -r '.verdicts[] | [.symbol, .verdict,
		((.proposal // {}) | to_entries | map("\(.key)=\(.value)") | join(",") | if . == "" then "-" else . end),
		((.reasons // []) | map(.text) | join(" | "))] | @tsv' "$1.json" |
		sed 's/; [^ ]*Kconfig[^ ]*:[0-9]*//g; s/ ([^ ]*Kconfig[^ ]*:[0-9]*)//g; s/\(Kconfig[^ ]*\):[0-9]*/\1/g' >"$1.tsv"
}

for table in "$T_TOP"/tests/config/*.table; do
	name=$(basename "$table" .table)
	recipe "$table" "$name"
	mkdir -p lock && cp "$name.yaml" "lock/config-$name.yaml"
	t_lock_once "config-$name" "$name.lock" || { not_ok "$name: can be locked"; continue; }
	verdicts "$name"
	t_is "$name: exit code" 4 "$code" || note "$(tail -n 5 "$name.err")"
	grep -E '^[A-Z0-9_]+ ' "$table" >rows
	while read -r symbol value word proposal reason; do
		[ "$reason" != - ] || reason=
		awk -F '\t' -v s="$symbol" -v n="${#reason}" '
			$1 == s { print $2 " " $3 " " (n ? substr($4, 1, n) : $4) }' "$name.tsv" >got
		printf '%s %s %s\n' "$word" "$proposal" "$reason" >want
		t_is "$name: $symbol=$value" "$(cat want)" "$(cat got)"
	done <rows
done
done_testing
