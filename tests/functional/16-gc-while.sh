#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Collecting while others work: builds, additions, kills, and Nix with its own collector.
# What somebody needs stays, and nobody waits for long.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"
need sqlite3 jq flock

t_toolchain_lock "$T/r.lock" || { not_ok 'the toolchain can be locked'; done_testing; }
B=$T_TOP/tests/data/script
# Paths that nobody else on this machine mentions: a collector looks at all processes.
salt=$$-$(date +%s)
cat >"$T/r.yaml" <<END
kbuild: 1
steps:
  first:
    builder: $B
    options: {script: "echo first $salt >\$out"}
  second:
    builder: $B
    inputs: {dep_first: "\${steps.first}", dep_file: ./file}
    options: {script: "sleep 4; cat /src/dep_first /src/dep_file >\$out"}
END
echo "file $salt" >"$T/file"
t_own_toolchain "$T/r.yaml" || { not_ok 'the toolchain can be had'; done_testing; }
STORE=$KBUILD_ROOT/nix/store
STATE=$KBUILD_ROOT/nix/var/nix
gc() {
	"$KB" store gc "$@"
}
object() {
	echo "$1 $salt" >"$T/object"
	"$KB" store add "$T/object" --name "$1"
}
ms() {
	echo $(($(date +%s%N) / 1000000))
}

# --- store scenario 1: a build, and a collector in the middle of it --------------------------
"$KB" realize --locked --no-link "$T/r.yaml" >"$T/out" 2>"$T/err" &
build=$!
# The builder's directory is there once its inputs are.
until [ -n "$(find "$KBUILD_ROOT/nix/var/kbuild/tmp" -path '*-second' 2>/dev/null)" ] ||
	[ -n "$(find "$KBUILD_ROOT/nix/var/kbuild/tmp" -mindepth 2 -maxdepth 2 -name build 2>/dev/null)" ]; do
	kill -0 $build 2>/dev/null || break
done
garbage=$(object garbage)
start=$(ms)
runs=0
while kill -0 $build 2>/dev/null; do
	gc --json >"$T/gc.json" || break
	[ $runs -gt 0 ] || cp "$T/gc.json" "$T/first.json"
	runs=$((runs + 1))
done
wait $build
t_is 'a build with a collector at work succeeds' 0 $?
note "$runs collections in $(($(ms) - start)) ms"
sed 's/^/# /' "$T/err"
t_is 'and says where the result is' 2 "$(wc -l <"$T/out")"
if [ $runs -ge 4 ]; then ok 'nobody waited for the other'; else not_ok 'nobody waited for the other'; fi
t_is 'meanwhile garbage went' 1 "$(jq --arg p "$garbage" '[.deleted[] | select(.path == $p)] | length' "$T/first.json")"
t_is 'and nothing that the build needs' 0 \
	"$(jq '[.deleted[] | select(.path | test("(amd64|first|file|script)$"))] | length' "$T/first.json")"
t_run 'when it is over all of it is garbage' gc
# What builds in other stores of this machine use is called the same, and stays.
t_is 'down to the last lock' '' "$(find "$STORE" -mindepth 1 -maxdepth 1 ! -name '*-toolchain-*' ! -name '*-run.sh' ! -name '*-script')"
t_is 'and temporary root' '' "$(ls -A "$STATE/temproots")"

# --- an intermediate step that nothing roots but the run itself ------------------------------
t_own_toolchain "$T/r.yaml"
sed -i 's/sleep 4/sleep 1/' "$T/r.yaml"
"$KB" realize --locked "$T/r.yaml" >"$T/out" 2>"$T/err" &
build=$!
while kill -0 $build 2>/dev/null; do
	gc -q
done
wait $build
t_is 'collecting all the time' 0 $?
sed 's/^/# /' "$T/err"
gc -q
t_is 'what was built stays' "first $salt file $salt" "$(tr '\n' ' ' <"$T/result/second" | sed 's/ $//')"
t_run 'whole' "$KB" store verify --contents
"$KB" realize --locked --json "$T/r.yaml" >"$T/again.json" 2>/dev/null
t_is 'and is not built again' 'false false false' "$(jq -r '[.steps[].built] | join(" ")' "$T/again.json")"

# --- additions and collectors, all at once ---------------------------------------------------
mkdir "$T/trees"
for i in 1 2 3 4; do
	mkdir -p "$T/trees/$i/sub"
	head -c 200000 /dev/urandom >"$T/trees/$i/sub/random"
done
for i in 1 2 3 4; do
	(
		for n in 1 2 3 4 5 6 7 8; do
			"$KB" store add "$T/trees/$i" >/dev/null || exit 1
			"$KB" store add "$T/trees/$(((i + n) % 4 + 1))" >/dev/null || exit 1
		done
	) 2>"$T/trees/$i.err" &
done
(for n in 1 2 3 4 5 6 7 8 9 10; do gc -q || exit 1; done) 2>"$T/trees/gc1.err" &
(for n in 1 2 3 4 5 6 7 8 9 10; do gc -q || exit 1; done) 2>"$T/trees/gc2.err" &
wait
t_is 'adding and collecting at once, nobody fails' '' "$(cat "$T"/trees/*.err)"
t_run 'what is valid is whole' "$KB" store verify --contents
gc -q
t_is 'and what is left over goes' '' "$(find "$STORE" -maxdepth 1 -name '*-[1-4]')"
t_is 'no scratch is left' '' "$(ls -A "$KBUILD_ROOT/nix/var/kbuild/tmp")"

# --- a collector that is killed --------------------------------------------------------------
i=0
while [ $i -lt 1500 ]; do
	mkdir -p "$T/many/$i"
	echo $i >"$T/many/$i/file"
	i=$((i + 1))
done
killed=0
for delay in 010 015 020 025 030 040 050 060; do
	for i in 1 2 3 4; do
		"$KB" store add "$T/trees/$i" >/dev/null
	done
	"$KB" store add "$T/many" --name "many-$delay" >/dev/null
	"$KB" store add "$T/many" --name "many-too-$delay" >/dev/null
	"$KB" store gc -q &
	pid=$!
	sleep "0.$delay"
	kill -9 $pid 2>/dev/null && killed=$((killed + 1))
	wait $pid 2>/dev/null
	"$KB" store verify --contents >"$T/verify" || break
done
note "killed $killed of 8"
t_run 'what is valid is whole after each kill' "$KB" store verify --contents
t_run 'the next one' gc -q
t_is 'cleans up' '' "$(find "$STORE" "$KBUILD_ROOT/nix/var/kbuild/tmp" -name '*many*')"
t_run 'and the next builder gets through' "$KB" store add "$T/trees/1"

# --- locks -----------------------------------------------------------------------------------
flock -x "$STATE/gc.lock" sleep 1 &
until ! flock -n -x "$STATE/gc.lock" true; do :; done
gc >"$T/wait" 2>&1
t_is 'another collector is waited for' 0 $?
t_has 'which is said' "$T/wait" 'waiting for another garbage collector'
wait

if ! command -v nix-store >/dev/null; then
	skip 'with Nix' 'nix-store is not installed'
	done_testing
fi
NIX_CONF_DIR=$T/conf
NIX_CONFIG="build-users-group =
substitute = false
sandbox-paths = /bin /lib /lib64 /usr $T/talk"
export NIX_CONF_DIR NIX_CONFIG
mkdir "$NIX_CONF_DIR"
nixs() {
	nix-store --store "$KBUILD_ROOT" "$@"
}

# store scenario gc-non-blocking, both ways. Nix's collector, stopped after it has looked for roots.
loose=$(object loose)
lost=$(object lost)
mkfifo "$T/fifo"
_NIX_TEST_GC_SYNC=$T/fifo nixs --gc >"$T/nixgc" 2>&1 &
until ! flock -n -x "$STATE/gc.lock" true; do :; done
until [ -S "$STATE/gc-socket/socket" ]; do :; done
# It waits in open(2) of the fifo now, or soon; either way before it deletes.
"$KB" store add "$T/object" --name lost >/dev/null &
wait $!
"$KB" store gc >"$T/ours" 2>&1 &
ours=$!
until grep -q waiting "$T/ours" || ! kill -0 $ours 2>/dev/null; do :; done
: >"$T/fifo"
wait
t_is 'ours waits for it' 1 "$(grep -c 'waiting for another' "$T/ours")"
t_fails 'Nix deletes what nobody needs' test -e "$KBUILD_ROOT$loose"
t_has 'all of it' "$T/nixgc" "$loose"
t_hasnt 'but not what we asked for meanwhile' "$T/nixgc" "$lost"

# A build of Nix, which holds its derivation and its input, while ours collects.
input=$(object input)
mkdir "$T/talk"
mkfifo "$T/talk/go" "$T/talk/here"
cat >"$T/drv.nix" <<END
derivation {
  name = "by-nix"; system = builtins.currentSystem; builder = "/bin/sh";
  args = [ "-c" "echo > $T/talk/here; read x < $T/talk/go; echo built > \$out" ];
  input = builtins.storePath $input;
}
END
nix-build --store "$KBUILD_ROOT" --no-out-link "$T/drv.nix" >"$T/built" 2>"$T/nixerr" &
nix=$!
# shellcheck disable=SC2016
timeout 60 sh -c 'read -r line <"$1"' sh "$T/talk/here"
if kill -0 $nix 2>/dev/null; then
	garbage=$(object garbage)
	gc -q
	t_fails 'garbage goes while Nix builds' test -e "$KBUILD_ROOT$garbage"
	t_run 'its input stays' test -e "$KBUILD_ROOT$input"
	"$KB" store roots >"$T/roots"
	t_has 'as its root' "$T/roots" "^temporary .*by-nix.drv"
	echo >"$T/talk/go"
	wait $nix
	t_is 'and it gets through' 0 $?
	sed 's/^/# /' "$T/nixerr"
	gc -q
	t_fails 'then its result is garbage, too' test -e "$KBUILD_ROOT$(cat "$T/built")"
else
	sed 's/^/# /' "$T/nixerr"
	skip 'a build of Nix' 'it cannot build here'
fi
t_run 'Nix finds the store in order' nixs --verify --check-contents
done_testing
