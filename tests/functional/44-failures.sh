#!/bin/sh
# SPDX-License-Identifier: MIT
# A failed build: its class and log are kept, it is never a hit, and what is the machine's
# fault gets a second chance. Store scenarios 9 (limits), 25 (logs of failed builds).
. "$(dirname "$0")/../lib.sh"
t_shared
t_toolchain_lock "$T/x.lock" || { not_ok 'the toolchain can be locked'; done_testing; }
salt=$$-$(date +%s)

realize() {
	cp "$T/x.lock" "${1%.yaml}.lock"
	"$KB" realize --locked "$@" >"$T/out" 2>"$T/err"
}
starts() {
	grep -c 'it: started' "$T/err"
}
kind() {
	"$KB" log --json "$1#it" | sed -n 's/.*"kind": *"\([^"]*\)".*/\1/p'
}

t_script_recipe "$T/fails.yaml" "echo said-$salt; exit 3"
realize "$T/fails.yaml"
t_is 'a builder that fails is exit code 5' 5 "$?"
t_is 'and is started once' 1 "$(starts)"
t_is 'it is recorded as the builder'\''s fault' builder "$(kind "$T/fails.yaml")"
"$KB" log "$T/fails.yaml#it" >"$T/log" 2>"$T/note"
t_has 'its log can be read' "$T/log" "said-$salt"
t_has 'what happened is said beside it' "$T/note" '(builder): .*exit code 3'
realize "$T/fails.yaml"
t_is 'a failure is never a hit: it is started again' "5 1" "$? $(starts)"

t_script_recipe "$T/slow.yaml" "echo $salt; sleep 60"
realize "$T/slow.yaml" --timeout 1
t_is 'a build that takes too long is exit code 5' 5 "$?"
t_is 'and recorded as such, once' 'timeout 1' "$(kind "$T/slow.yaml") $(starts)"
t_script_recipe "$T/mute.yaml" "echo $salt; sleep 60"
realize "$T/mute.yaml" --max-silent 1
t_is 'so is one that says nothing' timeout "$(kind "$T/mute.yaml")"
t_script_recipe "$T/loud.yaml" "echo $salt; yes"
realize "$T/loud.yaml" --max-log 1
t_is 'one that says too much has a kind of its own' log-limit "$(kind "$T/loud.yaml")"

# What kills a builder from outside is usually memory.
t_script_recipe "$T/killed.yaml" "echo $salt; kill -9 \$\$"
realize "$T/killed.yaml"
t_is 'a killed builder is the machine'\''s fault' 8 "$?"
t_is 'it is started a second time' 2 "$(starts)"
t_has 'which is said' "$T/err" 'warning: it: .*trying it again'
t_is 'it is recorded as infrastructure' infrastructure "$(kind "$T/killed.yaml")"
t_hasnt 'the remark and the failure are not told twice' "$T/err" 'failed.*failed'

# A worker that is killed, and whose second chance succeeds.
cat >"$T/worker.yaml" <<END
kbuild: 1
steps:
  it:
    builder: $T_TOP/tests/data/script
    options: {script: "echo $salt; sleep 4; echo done-$salt >\$out"}
END
cp "$T/x.lock" "$T/worker.lock"
"$KB" realize --locked "$T/worker.yaml" >"$T/out" 2>"$T/err" &
kb=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	worker=$(pgrep -P "$kb" | head -n 1)
	[ -n "$worker" ] && break
	sleep 0.1
done
kill -9 "$worker"
wait "$kb"
t_is 'a killed worker does not fail the run' "0 done-$salt" "$? $(cat "$(cat "$T/out")")"
t_is 'for its step is started again' 2 "$(starts)"
"$KB" log --json "$T/worker.yaml#it" >"$T/facts"
t_hasnt 'a success leaves no failure behind' "$T/facts" failure

done_testing
