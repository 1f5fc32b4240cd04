#!/bin/sh
# SPDX-License-Identifier: MIT
# Work beside a machine that runs: a module that was built meanwhile is loaded in it, and a
# program of the store is run. With the kernel of examples/hello. S4-09 S4-22 S4-44
# shellcheck disable=SC2016 # commands for the guest are quoted
. "$(dirname "$0")/../lib.sh"
need bwrap qemu-system-x86_64
t_shared
cd "$T" || exit 1
cp -R "$T_TOP/examples/hello" ex
rm -rf ex/result ex/recipe.lock
mkdir work
cat >r.yaml <<'END'
kbuild: 1
extends: [ex/recipe.yaml]
run: {share: {/nix/store: store, /mnt/host: {path: ./work, mode: rw}}}
END
t_kernel_lock r.lock || { not_ok 'the kernel can be locked'; done_testing; }
if "$KB" realize --locked r.yaml >out 2>err; then
	ok 'the machine is there'
else
	not_ok 'the machine is there'
	note "$(tail -n 20 err)"
	done_testing
fi

# --- the store in the guest -------------------------------------------------------------------
toolchain=$("$KB" realize --locked --no-link r.yaml#toolchain 2>err)
tool=/nix/store/${toolchain##*/}/bin/busybox
timeout 200 result/runvm -- "$tool echo from the store && ! touch /nix/store/x 2>/dev/null" >out 2>err </dev/null
t_is 'a program of the store runs in the guest, which cannot write there' 0 $? || note "$(tail -n 10 err)"
t_has 'it says so' out '^from the store$'

# --- a module that is built while the machine runs ----------------------------------------------
timeout 300 result/runvm -- 'insmod /modules/hello.ko && rmmod hello && touch /mnt/host/up &&
	while [ ! -e /mnt/host/go ]; do sleep 0.2; done
	insmod /mnt/host/hello.ko && dmesg | grep -c "hello: .*second edition"' >vm.out 2>vm.err </dev/null &
vm=$!
for _ in $(seq 600); do
	[ ! -e work/up ] || break
	sleep 0.2
done
if [ -e work/up ]; then ok 'the machine is up'; else not_ok 'the machine is up'; fi
sed -i 's/hello, %s/hello, %s, second edition/' ex/hello/hello.c
t_run 'the module is built beside it' "$KB" realize --locked --no-link r.yaml#modules.hello
cp "$(tail -n 1 "$T_OUT")"/lib/modules/*/updates/hello.ko work/
touch work/go
wait $vm
t_is 'and loaded in the same machine' 0 $? || note "$(tail -n 10 vm.err)"
t_is 'it is the new one' 1 "$(tail -n 1 vm.out)"
done_testing
