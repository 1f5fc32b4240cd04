#!/bin/sh
# SPDX-License-Identifier: MIT
# examples/hello, as a user has it: built, booted, shared with, debugged. Real guests.
# S1-08 S1-16 S1-20 S1-21 S1-29 S3-13 S3-14 S3-16 S3-17 S3-18 S3-37 S3-49 S4-01 S4-05 S4-08
# S4-09 S4-11 S4-12 S4-14 S4-15 S4-16 S4-24 S4-26 S4-27 S4-28 S4-29 S4-30 S4-58
# shellcheck disable=SC2016 # commands for the guest are quoted
. "$(dirname "$0")/../lib.sh"
need qemu-system-x86_64 gdb cpio gzip
t_shared
cp -R "$T_TOP/examples/hello" "$T/hello"
cp -R "$T_TOP/tests/data/bad" "$T/hello/bad"
rm -rf "$T/hello/result"
cd "$T/hello" || exit 1
sed -i 's|^  hello: ./hello|&\n  bad: {source: ./bad, install: kernel/drivers/vmm}|' recipe.yaml

# Not quiet: the log of a build that takes minutes must show that it lives.
if "$KB" realize recipe.yaml >paths 2>err; then
	ok 'the example is realized'
else
	not_ok 'the example is realized'
	note "$(tail -n 40 err)"
	done_testing
fi
"$KB" realize --json --locked recipe.yaml >again.json 2>err2
t_is 'again: nothing is built' 0 "$(grep -c '"built": *true' again.json)"

release=$(cat result/kernel/release)
t_is 'the module is installed where it was asked to, under the release of the kernel' \
	"lib/modules/$release/kernel/drivers/vmm/bad.ko" \
	"$(cd result/modules.bad && find lib -name bad.ko)"

# --- the archive ----------------------------------------------------------------------------
gzip -dc result/initramfs/image >initramfs.cpio
t_run 'GNU cpio reads the initramfs' cpio -it --quiet -F initramfs.cpio
for f in init bin/busybox bin/sh dev/console modules/hello.ko "lib/modules/$release/updates/hello.ko" proc sys tmp; do
	if cpio -it --quiet <initramfs.cpio | grep -qx "$f"; then ok "it has $f"; else not_ok "it has $f"; fi
done
t_is 'everything belongs to root, with times at the epoch' '' \
	"$(cpio -itv --numeric-uid-gid --quiet <initramfs.cpio | grep -v '^[^ ]* *[0-9]* *0 *0 .* 1970 ')"
mkdir x && (cd x && cpio -id --quiet init <../initramfs.cpio)
size=$(wc -c <x/init)
if [ "$size" -lt 100000 ]; then ok 'init is below 100 kB'; else not_ok "init is below 100 kB: $size"; fi

# --- running --------------------------------------------------------------------------------
# verdict NAME CODE [OPTIONS] -- CMD
verdict() {
	t_name=$1 want=$2
	shift 2
	timeout 300 result/runvm "$@" >out 2>err </dev/null
	got=$?
	if [ "$got" = "$want" ]; then
		ok "$t_name"
	else
		not_ok "$t_name"
		note "expected $want, got $got"
		note "$(tail -n 30 err)"
	fi
}
verdict "the recipe's test passes" 0 --test
verdict 'a command passes' 0 -- cat /proc/version
case $(cat out) in
"Linux version $release "*) ok 'its output is exactly its own' ;;
*) not_ok "its output is exactly its own: $(cat out)" ;;
esac
verdict 'its exit code is ours' 22 -- sh -c 'exit 22'
verdict 'mounts are there' 0 -- 'for m in /proc /sys /dev /dev/pts /tmp; do grep -q " $m " /proc/mounts || exit 1; done'
verdict 'an oops' 121 -- insmod /modules/bad.ko
verdict 'a BUG' 121 -- insmod /modules/bad.ko how=bug
verdict 'a panic' 122 -- insmod /modules/bad.ko how=panic
t_has 'the panic is named' err 'bad: as asked'
verdict 'a forbidden line' 120 --forbid 'WARNING:' -- insmod /modules/bad.ko how=warn
verdict 'a boot that hangs' 123 --timeout-boot 8 --append rdinit=/bin/cat -- true
verdict 'a command that never ends' 124 --timeout 8 -- sleep 9999
verdict 'a kernel that cannot be' 125 --memory 1M -- true
verdict 'a wrong option' 2 --no-such-option
t_run 'the command can be printed' result/runvm --print -- true
t_has 'and is a command of QEMU' "$T_OUT" qemu-system-x86_64
verdict 'kbuild run is the same' 0 -- true
timeout 200 "$KB" run recipe.yaml -- sh -c 'exit 7' >out 2>err </dev/null
t_is 'kbuild run returns the code of the command' 7 $?

# --- shared directories ------------------------------------------------------------------------
mkdir share
echo from-host >share/in
verdict 'a shared directory can be written' 0 --share "$PWD/share:/mnt" -- \
	'[ "$(cat /mnt/in)" = from-host ] && echo from-guest >/mnt/new'
t_is 'the host has the file' from-guest "$(cat share/new 2>&1)"
verdict 'read-only is read-only' 0 --share "$PWD/share:/mnt:ro" -- \
	'[ "$(cat /mnt/in)" = from-host ] && ! echo x 2>/dev/null >/mnt/ro'
verdict 'an overlay is written in memory' 0 --share "$PWD/share:/mnt:overlay" -- \
	'echo x >/mnt/over && [ "$(cat /mnt/over)" = x ]'
t_is 'and the host keeps what it had' 'in new' "$(cd share && echo *)"
verdict 'the working directory' 0 --cwd -- 'test -e recipe.yaml'

# --- gdb ------------------------------------------------------------------------------------
timeout 300 result/runvm --gdb --wait -- 'insmod /modules/hello.ko && echo loaded' >vm.out 2>vm.err </dev/null &
vm=$!
timeout 200 result/rungdb --batch -ex 'break hello_init' -ex continue -ex 'bt 3' -ex list \
	-ex 'lx-version' -ex 'delete' -ex 'continue' >gdb.out 2>&1 </dev/null
wait $vm
t_is 'the guest goes on after the breakpoint' 0 $?
t_has "a breakpoint in the module's code has a source line" gdb.out 'hello_init () at .*hello.c:[0-9]'
t_has 'the source is shown' gdb.out 'pr_info'
t_has 'the backtrace goes into the kernel, with lines' gdb.out 'do_init_module\|do_one_initcall'
t_has "the kernel's own helpers are loaded" gdb.out "Linux version $release"
t_has 'the module was loaded' vm.out loaded
done_testing
