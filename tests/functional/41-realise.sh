#!/bin/sh
# SPDX-License-Identifier: MIT
# Steps, early cutoff, races, interruption, results. S1-17 S1-18 S1-19 S2-08 S2-33
# store scenarios 15 (early cutoff), 17 (six processes, one build), 25 (logs); further:
# cancelled builds, parallel ones, logs by path and by step.
. "$(dirname "$0")/../lib.sh"
need sqlite3 jq
t_toolchain_lock "$T/r.lock" || { not_ok 'the toolchain can be locked'; done_testing; }
B=$T_TOP/tests/data/script
salt=$$-$(date +%s)

# Did step $2 of the JSON in file $1 run its builder?
built() {
	sed -n "/\"$2\": *{/,/\"seconds\"/s/.*\"built\": *\([a-z]*\).*/\1/p" "$1" | head -n 1
}

cat >"$T/r.yaml" <<END
kbuild: 1
steps:
  first:
    builder: $B
    options: {script: "echo first; echo $salt variant-A >\$out"}
  second:
    builder: $B
    inputs: {dep_first: "\${steps.first}"}
    options: {script: "sed s/variant-.// /src/dep_first >\$out"}
  third:
    builder: $B
    inputs: {dep_second: "\${steps.second}"}
    options: {script: "mkdir \$out; cp /src/dep_second \$out/copy"}
END
realize() {
	"$KB" realize --locked "$@"
}
# A store of its own: what is left in it is counted.
t_own_toolchain "$T/r.yaml" || { not_ok 'the toolchain can be had'; done_testing; }

"$KB" realize --locked --no-link --json "$T/r.yaml#second" >"$T/0.json" 2>"$T/0.err"
t_is 'a named step is built with what it needs' 'true true' "$(built "$T/0.json" first) $(built "$T/0.json" second)"
t_hasnt 'and nothing else is' "$T/0.err" '^third'
t_run 'the others are, when all is asked for' realize --json "$T/r.yaml"
t_is 'which builds only what was left' 'false false true' \
	"$(built "$T_OUT" first) $(built "$T_OUT" second) $(built "$T_OUT" third)"
cp "$T_OUT" "$T/1.json"
"$KB" realize --locked --json "$T/r.yaml" >"$T/2.json" 2>"$T/2.err"
t_is 'no step runs again' 'false false false' \
	"$(built "$T/2.json" first) $(built "$T/2.json" second) $(built "$T/2.json" third)"
t_is 'and nothing is said about it' '' "$(cat "$T/2.err")"
"$KB" realize --locked "$T/r.yaml" >"$T/paths" 2>/dev/null
t_is 'standard output has one physical path a step' 3 "$(grep -c "^$KBUILD_ROOT/nix/store/" "$T/paths")"
t_is 'the content arrived' "$salt " "$(cat "$(sed -n 3p "$T/paths")/copy")"
t_is 'result/ links point to it' "$(sed -n 3p "$T/paths")" "$(readlink "$T/result/third")"
"$KB" realize --locked --no-link "$T/r.yaml#second" >"$T/one" 2>/dev/null
t_is 'a named step alone is printed' "$(sed -n 2p "$T/paths")" "$(cat "$T/one")"

# A comment, the order of keys: nothing. A changed first with an equal second: third is cut off.
sed -i 's/^steps:/# a remark\nsteps:/' "$T/r.yaml"
realize --json "$T/r.yaml" >"$T/3.json" 2>/dev/null
t_is 'a comment builds nothing' 'false false false' \
	"$(built "$T/3.json" first) $(built "$T/3.json" second) $(built "$T/3.json" third)"
sed -i "s/variant-A/variant-B/" "$T/r.yaml"
realize --json "$T/r.yaml" >"$T/4.json" 2>/dev/null
t_is 'the same bytes of the second step cut the third off' 'true true false' \
	"$(built "$T/4.json" first) $(built "$T/4.json" second) $(built "$T/4.json" third)"

t_run 'the log of a step can be read' "$KB" log "$T/r.yaml#first"
t_run 'the log of a path can be read' "$KB" log "$(sed -n 1p "$T/paths")"
t_has 'and holds what the builder said' "$T_OUT" 'first'

# --- failures -----------------------------------------------------------------------------
cat >"$T/f.yaml" <<END
kbuild: 1
steps:
  bad:
    builder: $B
    options: {script: "echo $salt; echo leftover >kept-file; exit 7"}
  after:
    builder: $B
    inputs: {dep_bad: "\${steps.bad}"}
    options: {script: "true >\$out"}
  good:
    builder: $B
    options: {script: "echo good-$salt >\$out"}
END
cp "$T/r.lock" "$T/f.lock"
"$KB" realize --locked --keep-failed -j1 "$T/f.yaml" >"$T/out" 2>"$T/err"
t_is 'a failed build is exit code 5' 5 "$?"
t_has 'its code is told' "$T/err" 'exit code 7'
log=$(sed -n 's/.* log: //p' "$T/err")
if [ -s "$log" ]; then ok 'its log is kept'; else not_ok 'its log is kept'; fi
kept=$(sed -n 's/.*build directory: //p' "$T/err")
t_is '--keep-failed keeps its directory' leftover "$(cat "$kept/kept-file" 2>&1)"
rm -rf "$kept"
t_run 'kbuild log finds the log of a failed step' "$KB" log "$T/f.yaml#bad"
t_has 'with its words' "$T_OUT" "$salt"
"$KB" realize --locked --keep-going --json "$T/f.yaml" >"$T/out" 2>"$T/err"
t_is '--keep-going with some failed is exit code 1' 1 "$?"
t_is 'the others are built' true "$(built "$T/out" good)"
t_is 'a failure is never a hit' 1 "$(grep -c '"failed"' "$T/out")"

# --- races ----------------------------------------------------------------------------------
mkdir "$T/race"
cat >"$T/race/r.yaml" <<END
kbuild: 1
steps:
  slow:
    builder: $B
    options: {script: "sleep 2; echo race-$salt >\$out"}
END
cp "$T/r.lock" "$T/race/r.lock"
for i in 1 2 3 4 5 6; do
	"$KB" realize --locked --no-link --json "$T/race/r.yaml" >"$T/race/$i.json" 2>"$T/race/$i.err" &
done
wait
n=0
for i in 1 2 3 4 5 6; do
	[ "$(built "$T/race/$i.json" slow)" != true ] || n=$((n + 1))
done
t_is 'six processes, one build' 1 "$n"
t_is 'and one result' 1 "$(cat "$T"/race/*.json | grep '"path".*-slow"' | sort -u | wc -l)"

# Scratch directories, but for those of another kbuild that builds meanwhile.
scratch() {
	find "$KBUILD_ROOT/nix/var/kbuild/tmp" -mindepth 1 -maxdepth 1 | wc -l
}
before=$(scratch)

# --- interruption ---------------------------------------------------------------------------
mkdir "$T/int"
cat >"$T/int/r.yaml" <<END
kbuild: 1
steps:
  slow:
    builder: $B
    options: {script: "touch /build/here; sleep 321; echo $salt >\$out"}
END
cp "$T/r.lock" "$T/int/r.lock"
for signal in INT TERM KILL; do
	# A shell ignores SIGINT for its background jobs, and so would kbuild.
	env --default-signal=INT "$KB" realize --locked "$T/int/r.yaml" >"$T/int/out" 2>"$T/int/err" &
	pid=$!
	for i in $(seq 100); do
		[ -z "$(find "$KBUILD_ROOT/nix/var/kbuild/tmp" -name here 2>/dev/null)" ] || break
		sleep 0.1
	done
	kill -s $signal $pid
	wait $pid
	code=$?
	[ $signal = KILL ] || t_is "SIG$signal ends it with exit code 9" 9 "$code"
	[ $signal = KILL ] || t_is 'no directory is left' "$before" "$(scratch)"
	sleep 0.5
	# shellcheck disable=SC2009
	if ps ax -o args | grep -q '^sleep 321'; then
		not_ok "no process is left after SIG$signal"
	else
		ok "no process is left after SIG$signal"
	fi
done
# At any moment of its start: a sandbox that is not complete must not wait for ever.
sessions=
for n in $(seq 40); do
	setsid env --default-signal=INT "$KB" realize --locked "$T/int/r.yaml" >"$T/int/out" 2>"$T/int/err" &
	pid=$! sessions=$sessions,$!
	sleep "$(printf '0.%03d' $((n * 6)))"
	kill -s INT $pid
	wait $pid
done
sleep 0.5
# shellcheck disable=SC2009 # pgrep shows no states
t_is 'nothing of forty that were interrupted is left' '' "$(ps -o stat=,pid=,args= -s "${sessions#,}" | grep -v '^Z')"
t_run 'the next run clears away what SIGKILL left' realize "$T/race/r.yaml"
sed -i 's/sleep 321/sleep 0.1/' "$T/int/r.yaml"
t_run 'and builds' realize "$T/int/r.yaml"
t_is 'the killed run left no directory' "$before" "$(scratch)"

# --- parallel -------------------------------------------------------------------------------
{
	echo 'kbuild: 1'
	echo 'steps:'
	for i in 1 2 3 4; do
		echo "  p$i: {builder: $B, options: {script: \"sleep 1; echo $i-$salt >\$out\"}}"
	done
} >"$T/p.yaml"
cp "$T/r.lock" "$T/p.lock"
start=$(date +%s%N)
t_run 'four steps with -j4' realize -j4 "$T/p.yaml"
ms=$((($(date +%s%N) - start) / 1000000))
note "four sleeps of one second took $ms ms"
if [ "$ms" -lt 3600 ]; then ok 'they overlapped'; else not_ok 'they overlapped'; fi

# The jobserver: three makes of four one-second targets each under -j2 are never more than 2.
# shellcheck disable=SC2016
script='
printf "all: a b c d\na b c d:\n\t@n=\$\$(mktemp -p /build run.XXXXXX); ls /build | grep -c run. ; sleep 0.3; rm \$\$n\n" >Makefile
make >$out'
t_script_recipe "$T/j.yaml" "$script
echo $salt >>\$out"
cp "$T/r.lock" "$T/j.lock"
t_run 'make takes its tokens from the jobserver' "$KB" realize --no-link --locked -j2 "$T/j.yaml#it"
most=$(grep -v -e "$salt" "$("$KB" realize --no-link --locked "$T/j.yaml#it" 2>/dev/null)" | sort -n | tail -n 1)
t_is 'two at a time, and no more' 2 "$most"
done_testing
