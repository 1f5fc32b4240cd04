#!/bin/sh
# SPDX-License-Identifier: MIT
# Sources whose bytes are fixed by the lock, and what outputs refer to.
# Store scenarios 13 (fixed results), 14 (references and requisites).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../fetch.sh"
need_nginx
t_shared
KBUILD_CACHE=$T/cache
export KBUILD_CACHE
t_toolchain_lock "$T/base.lock" || { not_ok 'the toolchain can be locked'; done_testing; }
B=$T_TOP/tests/data/script
W=$T/www
salt=$$-$(date +%s)
mkdir -p "$W"
echo "right $salt" >"$W/data.bin"
dd if=/dev/urandom bs=1M count=3 of="$W/big.bin" 2>/dev/null
printf 'location /slow/ { alias %s/; limit_rate 1m; }\n' "$W" >"$T/site.conf"
serve "$W"

# A recipe $1 with one source at $2.
recipe() {
	cp "$T/base.lock" "$T/$1.lock"
	cat >"$T/$1.yaml" <<END
kbuild: 1
steps:
  it:
    builder: $B
    inputs: {dep_data: "$2"}
    options: {script: "echo $1 $salt; cp /src/dep_data \$out"}
END
}
realize() {
	"$KB" realize --json "$@" 2>"$T/err"
}

recipe fixed "$URL/data.bin"
realize "$T/fixed.yaml" >"$T/1.json"
t_is 'a locked source is built with' 0 "$?" || note "$(cat "$T/err")"
nar=$(sed -n '/data.bin/,$s/^ *nar: //p' "$T/fixed.lock" | head -n 1)
path=$("$KB" store add --name data.bin "$W/data.bin")

# The lock is wrong about the tree, not about the file.
recipe wrong "$URL/data.bin"
cp "$T/fixed.lock" "$T/wrong.lock"
other=$("$KB" store hash "$W/big.bin")
sed -i "s|nar: $nar|nar: $other|" "$T/wrong.lock"
realize --locked "$T/wrong.yaml" >"$T/2.json"
t_is 'a lock with another hash is exit code 3' 3 "$?"
t_has 'both paths are named' "$T/err" 'expected /nix/store/.* got /nix/store/.*-data.bin'
t_run 'what came is kept where it belongs' "$KB" store path-info "$path"

# Two recipes, two processes, one source: it comes once.
echo "both $salt" >"$W/both.bin"
recipe one "$URL/both.bin"
recipe two "$URL/both.bin"
"$KB" lock "$T/one.yaml" 2>"$T/err" || note "$(cat "$T/err")"
sed -i 's/one $//' "$T/one.lock"
cp "$T/one.lock" "$T/two.lock"
object=$("$KB" store add --name both.bin "$W/both.bin")
"$KB" store delete "$object" >/dev/null 2>&1
rm -rf "$T/cache/files"
before=$(grep -c 'GET /both.bin' "$T/access.log")
"$KB" realize --locked "$T/one.yaml" >"$T/o1" 2>&1 &
first=$!
"$KB" realize --locked "$T/two.yaml" >"$T/o2" 2>&1
second=$?
wait $first
t_is 'two processes want one source: both have it' '0 0' "$? $second" || cat "$T/o1" "$T/o2"
t_is 'and it is fetched once' 1 $(($(grep -c 'GET /both.bin' "$T/access.log") - before))

# One is slow, the other wrong: each comes to its own end.
recipe slow "$URL/slow/big.bin"
realize "$T/slow.yaml" >/dev/null &
slow=$!
realize --locked "$T/wrong.yaml" >/dev/null
wrong=$?
wait $slow
t_is 'a slow source and a wrong one do not wait for each other' '0 3' "$? $wrong"

# --- references -----------------------------------------------------------------------------
refs() {
	"$KB" store path-info --json "$1" | sed 's/.*"references":\[\([^]]*\)\].*/\1/; s/"//g'
}
cp "$T/base.lock" "$T/refs.lock"
cat >"$T/refs.yaml" <<END
kbuild: 1
steps:
  a:
    builder: $B
    options: {script: "echo a $salt >\$out"}
  b:
    builder: $B
    inputs: {dep_a: "\${steps.a}"}
    options: {script: "echo b \$in_dep_a >\$out"}
  none:
    builder: $B
    inputs: {dep_a: "\${steps.a}", dep_b: "\${steps.b}"}
    options: {script: "echo \$in_dep_a \$in_dep_b | cut -c 1-20 >\$out"}
  deep:
    builder: $B
    inputs: {dep_b: "\${steps.b}"}
    options: {script: "cat /src/dep_b >\$out"}
  name:
    builder: $B
    inputs: {dep_a: "\${steps.a}"}
    options: {script: "mkdir -p \$out && ln -s \$in_dep_a/x \$out/link"}
END
t_run 'outputs that refer to inputs are built' "$KB" realize "$T/refs.yaml"
out() {
	readlink "$T/result/$1" | sed 's|.*/nix/store|/nix/store|'
}
t_is 'what an output names is its reference' "$(out a)" "$(refs "$(out b)")"
t_is 'what it does not name is none, though it was an input' '' "$(refs "$(out none)")"
t_is 'a reference of an input counts as well' "$(out a)" "$(refs "$(out deep)")"
t_is 'so does the target of a link' "$(out a)" "$(refs "$(out name)")"
"$KB" store export --closure "$(out b)" 2>/dev/null | grep -aq "$(out a)"
t_is 'which is what gets exported' 0 "$?"
done_testing
