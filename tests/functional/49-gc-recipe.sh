#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The roots that a recipe has, for how long it has them, and what `store: keep` trims.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"
need sqlite3 jq

mkdir -p "$T/disk/r"
R=$T/disk/r
t_toolchain_lock "$R/r.lock" || { not_ok 'the toolchain can be locked'; done_testing; }
B=$T_TOP/tests/data/script
recipe() {
	cat >"$R/r.yaml" <<END
kbuild: 1
steps:
  one:
    builder: $B
    inputs: {dep_tree: ./tree}
    options: {script: "cat /src/dep_tree/file >\$out"}
  two:
    builder: $B
    inputs: {dep_one: "\${steps.one}"}
    options: {script: "sed s/./x/ /src/dep_one >\$out"}
END
}
recipe
mkdir "$R/tree"
echo "content $$" >"$R/tree/file"
t_own_toolchain "$R/r.yaml" || { not_ok 'the toolchain can be had'; done_testing; }
STORE=$KBUILD_ROOT/nix/store
ROOTS=$KBUILD_ROOT/nix/var/nix/gcroots/kbuild
realize() {
	"$KB" realize --locked "$@"
}
gc() {
	"$KB" store gc -q
}
# Names of the group's links.
links() {
	(cd "$ROOTS"/* && find . -type l | sed 's|./||' | sort | tr '\n' ' ')
}
built() {
	jq -r '[.steps | to_entries[] | select(.value.built) | .key] | join(" ")'
}

t_run 'builds' realize "$R/r.yaml"
t_is 'every step, the sources and the place are linked' \
	'holder one-out place source-run.sh source-script source-steps.one.inputs.dep_tree toolchain-out two-out ' "$(links)"
t_is 'the place is the result directory' "$R/result" "$(readlink "$ROOTS"/*/place)"
"$KB" store roots >"$T/roots"
t_is 'roots: one of the recipe for each' 6 "$(grep -c "^recipe .* $R/result " "$T/roots")"
gc
t_run 'the source stays' test -e "$KBUILD_ROOT$(readlink "$ROOTS"/*/source-steps.one.inputs.dep_tree)"
t_is 'and nothing is built again' '' "$(realize --json "$R/r.yaml" 2>/dev/null | built)"

# Readers share these two files of the database and touch their stamps.
state() {
	find "$KBUILD_ROOT" "$R" ! -name '*-shm' ! -name '*-wal' -printf '%p %i %T@ %C@\n' | sort
}
state >"$T/before"
t_run 'again' realize "$R/r.yaml"
state >"$T/after"
t_same 'a run that does nothing writes nothing' "$T/before" "$T/after"

# Other content of the source, then back: what is asked for last has the root.
old=$(readlink "$ROOTS"/*/one-out)
echo "other $$" >"$R/tree/file"
t_run 'with another source' realize "$R/r.yaml"
new=$(readlink "$ROOTS"/*/one-out)
echo "content $$" >"$R/tree/file"
t_run 'and the first again' realize "$R/r.yaml"
t_is 'which is known' "$old" "$(readlink "$ROOTS"/*/one-out)"
gc
t_fails 'the other is garbage' test -L "$KBUILD_ROOT$new"
t_is 'the first one is not' '' "$(realize --json "$R/r.yaml" 2>/dev/null | built)"

# The same results by other records: the records are roots, too.
sed -i 's/s.\/x\/ /s.\/x\/;# /; s/cat /cat -- /' "$R/r.yaml"
t_run 'written differently' realize "$R/r.yaml"
recipe
t_run 'and as before' realize "$R/r.yaml"
gc
t_is 'the records that are used stay' '' "$(realize --json "$R/r.yaml" 2>/dev/null | built)"

# A step that is no more.
sed -i 's/^  two:/  three:/' "$R/r.yaml"
t_run 'one of two steps' realize "$R/r.yaml#one"
t_is 'asked for by name, others keep their roots' 1 "$(links | grep -c two-out)"
t_run 'all there is' realize "$R/r.yaml"
t_is 'a step that is no more loses its root' 0 "$(links | grep -c two-out)"
recipe
t_run 'it is back' realize "$R/r.yaml"

# The disk is away; then the result directory is gone.
mv "$T/disk" "$T/away"
mkdir "$T/disk"
gc
rmdir "$T/disk"
mv "$T/away" "$T/disk"
t_is 'an unmounted disk costs nothing' '' "$(realize --json "$R/r.yaml" 2>/dev/null | built)"
rm -r "$R/result"
"$KB" store gc >"$T/out" 2>&1
t_has 'without its result directory a recipe has no roots' "$T/out" "$R/result is gone"
t_is 'they are removed' '' "$(ls -A "$ROOTS")"
t_is 'and what was built' '' "$(find "$STORE" -name '*-one' -o -name '*-two')"
t_run 'nothing is broken' "$KB" store verify --contents

# store scenarios 21 and gc-auto: space is made when something was built, builds and roots respected.
t_own_toolchain "$R/r.yaml"
for n in 1 2 3 4; do
	head -c 300000 /dev/urandom >"$T/random"
	"$KB" store add "$T/random" --name "garbage$n" >/dev/null
done
sqlite3 "$KBUILD_ROOT/nix/var/nix/db/db.sqlite" \
	"update ValidPaths set registrationTime = substr(path, -1) where path like '%garbage%'"
size=$(sqlite3 "$KBUILD_ROOT/nix/var/nix/db/db.sqlite" 'select sum(narSize) from ValidPaths')
recipe
echo "store: {keep: $((size - 500000))}" >>"$R/r.yaml"
realize "$R/r.yaml" >"$T/out" 2>"$T/err"
t_is 'store.keep: it builds' 0 $?
t_is 'and says what it freed, once' 1 "$(grep -c '^freed .* of the store' "$T/err")"
t_is 'the oldest garbage went' 'garbage3 garbage4' "$(find "$STORE" -name '*garbage*' | sed 's/.*-//' | sort | tr '\n' ' ' | sed 's/ $//')"
realize "$R/r.yaml" >"$T/out" 2>"$T/err"
t_is 'a run that builds nothing trims nothing' '' "$(cat "$T/err")"
sed -i 's/keep: .*/keep: 1}/; s/cat /cat -u /' "$R/r.yaml"
t_run 'a size that nothing fits' realize "$R/r.yaml"
t_is 'all garbage goes, nothing else' '' "$(find "$STORE" -name '*garbage*')"
t_is 'and nothing is built again' '' "$(realize --json "$R/r.yaml" 2>/dev/null | built)"
exec 9>"$KBUILD_ROOT/nix/var/nix/gc.lock"
flock -x 9
"$KB" store add "$T/random" >/dev/null 2>&1 &
adding=$!
flock -u 9
wait $adding
t_is 'who is between two collectors gets through' 0 $?
done_testing
