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
	if grep -q '^toolchain: ' "$name.yaml"; then
		t_lock_once "config-$name" "$name.lock"
	else
		t_kernel_lock "$name.lock"
	fi || { not_ok "$name: can be locked"; continue; }
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

# --- the commands -------------------------------------------------------------------------------
printf '# of this recipe\nCONFIG_NETFILTER=y\nCONFIG_PRINTK_TIME=y\n' >mine.config
cat >it.yaml <<'END'
kbuild: 1
kernel:
  source: debian/13/linux-source-6.12
  config:
    base: tinyconfig
    use: [./mine.config]
    set: {64BIT: y, PRINTK: y, DEFAULT_HOSTNAME: box}
    wish:
      KASAN: y
END
t_kernel_lock it.lock
# config NAME WORDS...: its exit code in $code, output in NAME.out.
config() {
	out=$1
	shift
	"$KB" config "$@" >"$out.out" 2>"$out.err" </dev/null
	code=$?
}
config check check it.yaml
t_is 'check: a wish that is not granted is no error' 0 "$code" || note "$(tail -n 5 check.err)"
t_has 'check: a request with its line' check.out '^granted   64BIT=y  it.yaml:7 (set)$'
t_has 'check: the line of a fragment' check.out "^dropped   NETFILTER=y, got n  mine.config:2\$"
t_has 'check: what is in its way' check.out '^ *NET is n, needed y: base tinyconfig'
t_has 'check: what to change' check.out '^ *change, checked: set: {SYSFS: y, SLUB_TINY: n}$'
t_hasnt 'check: granted lines of fragments are no news' check.out PRINTK_TIME
t_has 'check: something is counted' check.out '^[0-9]* of [0-9]* requests granted$'

printf 'CONFIG_64BIT=y\nCONFIG_PRINTK=m\n' >theirs
config against check it.yaml --against theirs
t_is 'check --against: exit code' 4 "$code"
t_has 'check --against: what is a module there' against.out '^module    PRINTK=y, has m  it.yaml:7 (set)$'
t_has 'check --against: what is missing there' against.out '^missing   KASAN=y, has n  it.yaml:9 (wish)$'
t_hasnt 'check --against: not what is the same' against.out 64BIT

config origin origin it.yaml 64BIT PRINTK_TIME CONFIG_SLUB_TINY X86
printf '%s\t%s\n' 64BIT=y 'it.yaml:7 (set)' PRINTK_TIME=y mine.config:3 SLUB_TINY=y 'base tinyconfig' >want
head -n 3 origin.out | sed 's,	/.*/,	,' >first
t_same 'origin: the recipe, a fragment, the base' want first
t_has 'origin: a default' origin.out '^X86=y	default arch/x86/Kconfig:[0-9]*$'
config origin origin it.yaml PRINTKK
t_is 'origin: no such symbol' 2 "$code"
t_has 'origin: a near one' origin.err "did you mean 'PRINTK'?"

config explain explain it.yaml LIVEPATCH
t_is 'explain: done' 0 "$code" || note "$(tail -n 5 explain.err)"
t_has 'explain: type and value' explain.out '^LIVEPATCH: bool, n$'
t_has 'explain: where it is defined' explain.out '^  defined      kernel/livepatch/Kconfig:[0-9]*$'
t_has 'explain: dependencies with their values' explain.out '^  depends on .*MODULES \[=n\]'
t_has 'explain: a change' explain.out '^ *change, checked: set: {LIVEPATCH: y, .*MODULES: y'

config save save-fragment it.yaml saved.config
t_is 'save-fragment: done' 0 "$code" || note "$(tail -n 5 save.err)"
printf 'CONFIG_%s\n' 'DEFAULT_HOSTNAME="box"' PRINTK=y PRINTK_TIME=y | sort >want
sort saved.config >got
t_same 'save-fragment: what differs, no more' want got
cat >other.yaml <<'END'
kbuild: 1
kernel: {source: debian/13/linux-source-6.12, config: {base: tinyconfig, use: [./saved.config]}}
END
cp it.lock other.lock
config diff diff it.yaml other.yaml
t_is 'diff: the fragment makes the same' '0 symbols differ; * was asked for' "$(cat diff.out)" || note "$(cat diff.err)"
config diff diff it.yaml theirs
t_has 'diff: what was asked for is marked' diff.out '^  \* PRINTK: y -> m  asked for: it.yaml:7 (set)$'
config verb chekc it.yaml
t_has 'a verb that is nearly one' verb.err "did you mean 'kbuild config check'?"
done_testing
