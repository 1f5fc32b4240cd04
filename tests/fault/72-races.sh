#!/bin/sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # scripts for the builder
# Many at once in one store: the same build, interruptions at random moments, and builds with
# a collector, a verifier and a push beside them for RACE_SECONDS (default 300).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/scenes.sh"
need jq
tiny_world
mkdir -p "$W/src"
tiny_lock "$W/lock"
RACE_SECONDS=${RACE_SECONDS:-300}

# A recipe in a folder of its own, $1, whose step runs the text $2.
recipe() {
	mkdir -p "$1"
	t_script_recipe "$1/r.yaml" "$2"
	cp "$W/lock" "$1/r.lock"
}
# A command that takes a minute waits for something that will not come.
LIMIT=60
realize() {
	timeout $LIMIT "$KB" realize -q --locked "$@"
}
left() {
	find "$KBUILD_ROOT/nix/var/kbuild/tmp" "$KBUILD_ROOT/nix/var/nix/temproots" -mindepth 1
	find "$KBUILD_ROOT/nix/store" -maxdepth 1 -name '*.lock'
}
# --- store scenario 17: six want the same, and no two builds of it would be equal -------------
recipe "$W/six" 'sleep 0.5; read -r n </proc/sys/kernel/random/uuid; echo $n >$out'
for i in 1 2 3 4 5 6; do
	(
		realize --json --no-link "$W/six/r.yaml#it" >"$T/six.$i"
		echo $? >"$T/code.$i"
	) 2>"$T/six.err.$i" &
done
wait
t_is 'six at once: all succeed' '0 0 0 0 0 0' "$(cat "$T"/code.* | tr '\n' ' ' | sed 's/ $//')"
t_is 'one of them built' 1 "$(jq -s '[.[].steps.it | select(.built)] | length' "$T"/six.[1-6])"
t_is 'and all have what it made' 1 "$(jq -r .steps.it.outputs.out.path "$T"/six.[1-6] | sort -u | wc -l)"
t_is 'nothing is left of it' '' "$(left)"

# --- further: cancelled builds ----------------------------------------------------------------
n=0 bad=0 stopped=0
while [ $n -lt 45 ]; do
	n=$((n + 1))
	case $((n % 3)) in
	0) signal=INT ;;
	1) signal=TERM ;;
	2) signal=KILL ;;
	esac
	recipe "$W/cancel" "mkdir \$out; echo $n >\$out/n; sleep 0.02; echo $n >\$out/m"
	# A shell ignores SIGINT for its background jobs, and so would kbuild.
	env --default-signal=INT "$KB" realize -q --locked "$W/cancel/r.yaml" >"$T/out" 2>"$T/err" &
	pid=$!
	sleep "0.$(printf %03d $((n * 37 % 150)))"
	kill -s "$signal" $pid 2>/dev/null
	wait $pid 2>/dev/null
	code=$?
	[ $code = 0 ] || stopped=$((stopped + 1))
	case $signal$code in
	# Before there is anything to tidy up a signal just ends it.
	INT0 | INT9 | INT130 | TERM0 | TERM9 | TERM143 | KILL0 | KILL137) ;;
	*)
		bad=$((bad + 1))
		note "run $n: exit code $code after SIG$signal"
		sed 's/^/#   /' "$T/err"
		;;
	esac
	"$KB" store verify --contents >"$T/verify" 2>&1 || {
		bad=$((bad + 1))
		note "run $n: damage after SIG$signal"
		sed 's/^/#   /' "$T/verify"
	}
	timeout 20 "$KB" realize -q --locked "$W/cancel/r.yaml" >"$T/out" 2>"$T/err" || {
		bad=$((bad + 1))
		note "run $n: the next one ends with $?"
		sed 's/^/#   /' "$T/err"
	}
done
note "$stopped of $n stopped before their end"
t_is 'interrupted at any moment: nothing half valid, the next run gets through' 0 $bad
t_run 'a collector clears up' "$KB" store gc -q
t_is 'everything' '' "$(left)"

# --- store scenarios 1 and 21: everything at once ---------------------------------------------
until_end() {
	[ "$(date +%s)" -lt "$END" ] && [ ! -e "$T/stop" ]
}
# oops WHO WHAT [FILE]: the others need not go on.
oops() {
	{
		echo "$1: $2"
		[ -z "${3:-}" ] || head -n 20 "$3"
	} >>"$T/oops"
	: >"$T/stop"
}

# Builds something new each time, now and then what another builder builds, too.
builder() {
	me=$1 n=0
	while until_end; do
		n=$((n + 1))
		[ $((n % 4)) = 0 ] && text=common.$((n / 4)) || text=$me.$n
		recipe "$W/race/$me" "mkdir \$out; echo $text >\$out/text"
		realize "$W/race/$me/r.yaml" >"$T/race.$me" 2>&1 ||
			oops "builder $me" "exit code $? for $text" "$T/race.$me"
		[ "$(cat "$W/race/$me/result/it/text" 2>&1)" = "$text" ] ||
			oops "builder $me" "the result of $text is gone"
	done
	echo $n >"$T/count.builder$me"
}
# The same command over and over.
again() {
	who=$1 n=0
	shift
	while until_end; do
		n=$((n + 1))
		timeout $LIMIT "$@" >"$T/race.$who" 2>&1 || oops "$who" "exit code $?" "$T/race.$who"
	done
	echo $n >"$T/count.$who"
}
# Additions that nobody keeps.
adder() {
	n=0
	while until_end; do
		n=$((n + 1))
		tiny_tree "$W/race/tree"
		echo $((n % 7)) >"$W/race/tree/n"
		timeout $LIMIT "$KB" store add "$W/race/tree" >"$T/race.add" 2>&1 ||
			oops adder "exit code $?" "$T/race.add"
	done
	echo $n >"$T/count.adder"
}
killer() {
	n=0
	while until_end; do
		n=$((n + 1))
		recipe "$W/race/killed" "echo killed.$n >\$out"
		timeout -s KILL "0.$(printf %02d $((n * 13 % 30 + 1)))" \
			"$KB" realize -q --locked --no-link "$W/race/killed/r.yaml" >/dev/null 2>&1
	done
	echo $n >"$T/count.killer"
}

# Kept by its link, whatever happens.
recipe "$W/kept" 'echo kept >$out'
realize "$W/kept/r.yaml" >/dev/null || not_ok 'the build that is to stay'
END=$(($(date +%s) + RACE_SECONDS))
for i in 1 2 3; do
	builder $i &
done
adder &
killer &
again gc "$KB" store gc -q &
again verify "$KB" store verify --contents &
again push "$KB" push -q "$W/kept/result/it" "$W/bin" &
wait
note "$(cd "$T" && grep . count.* | sed 's/count.//' | tr '\n' ' ')"
[ ! -e "$T/oops" ] || sed 's/^/# /' "$T/oops"
t_is "$RACE_SECONDS seconds of everything at once: nobody fails, nobody waits for ever" '' \
	"$(grep -m 1 '' "$T/oops" 2>/dev/null)"
t_run 'the store is whole' "$KB" store verify --contents
t_is 'what was kept is there' kept "$(cat "$W/kept/result/it")"
realize --json "$W/kept/r.yaml" >"$T/kept"
t_is 'and known' false "$(jq .steps.it.built "$T/kept")"
t_run 'a last collection' "$KB" store gc -q
t_is 'leaves nothing of those that were killed' '' "$(left)"
t_run 'and a whole store' "$KB" store verify --contents
done_testing
