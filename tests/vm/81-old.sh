#!/bin/sh
# SPDX-License-Identifier: MIT
# A kernel of another age with the compiler of its time: every builder under the tools of Debian 11
# (gcc 10, Python 3.9, an old musl), a guest that has neither virtio nor ACPI, and gdb in a module of 5.10.
# S1-02 S2-14 S3-18 S4-24
# shellcheck disable=SC2016 # commands for the guest are quoted
. "$(dirname "$0")/../lib.sh"
need bwrap qemu-system-x86_64 gdb
t_shared
cd "$T" || exit 1
t_board_old old || { not_ok 'the old kernel can be locked'; done_testing; }

if "$KB" realize --locked old/recipe.yaml >out 2>err; then
	ok 'everything is built'
else
	not_ok 'everything is built'
	note "$(tail -n 40 err)"
	done_testing
fi
t_hasnt 'without a complaint of the compiler' err 'warning: .*gcc'
"$KB" realize --locked --json old/recipe.yaml >json 2>err
t_is 'again: nothing is built' 0 "$(grep -c '"built": *true' json)"

timeout 200 old/result/runvm -- 'cat /proc/version && insmod /modules/probe.ko && dmesg | grep "probe: " && exit 22' \
	>out 2>err </dev/null
t_is 'the exit code of a command comes through' 22 $? || note "$(tail -n 20 err)"
t_has 'the kernel is the old one' out 'Linux version 5\.10\.'
t_has 'by the old compiler' out 'gcc (Debian 10\.'
t_has 'the module is loaded' out 'probe: /build/probe/probe.c'

timeout 150 old/result/runvm --gdb --wait -- insmod /modules/probe.ko >vm.out 2>vm.err </dev/null &
vm=$!
timeout 100 old/result/rungdb --wait --batch -ex 'break probe_init' -ex continue -ex 'bt 3' -ex list -ex lx-version -ex delete \
	-ex continue >gdb.out 2>&1 </dev/null
wait $vm
t_is 'the guest goes on after the breakpoint' 0 $? || note "$(tail -n 20 vm.err gdb.out)"
t_has 'gdb stops in the module, with its line' gdb.out 'probe_init () at .*probe.c:[0-9]'
t_has 'and shows the source' gdb.out 'pr_info("probe'
t_has "the kernel's own helpers are loaded" gdb.out '^Linux version 5\.10\.'
done_testing
