#!/bin/sh
# SPDX-License-Identifier: MIT
# Modules for kernels of Debian, which are booted as they are: one boot an architecture, each
# with drivers from the initramfs, compressed modules on arm64 and 32 bits on armhf. Then our own
# kernel as a prebuilt one. S1-34 S5-09 S5-22
# shellcheck disable=SC2016 # commands for the guest are quoted
. "$(dirname "$0")/../lib.sh"
need bwrap qemu-system-x86_64 qemu-system-aarch64 qemu-system-arm jq
t_shared
cd "$T" || exit 1
cp -R "$T_TOP/examples/hello/hello" hello
mkdir lock share
echo from-the-host >share/word

# What the guest does: the good module, one of another kernel, the share, both outputs.
cat >share/try <<'END'
insmod /modules/hello.ko who=debian || exit 1
dmesg | grep -o 'hello: hello, debian'
cat /sys/module/hello/parameters/who
insmod /mnt/share/bad.ko 2>/dev/null && echo the bad one was loaded
dmesg | grep -o "other: version magic '[^ ]* UPX" | uniq
cat /mnt/share/word
uname -rm >/mnt/share/uname
echo complaint >&2
exit 7
END

# kernel NAME IMAGE MACHINE: lock, build, boot and look.
kernel() {
	printf 'kbuild: 1\nkernel: {prebuilt: debian/linux-image-%s}\nmodules: {hello: {source: ./hello, needs: {config: {MODVERSIONS: y}}}}\nrun: {share: {/mnt/share: ./share}}\n' \
		"$2" >"$1.yaml"
	printf 'kbuild: 1\nkernel: {prebuilt: debian/linux-image-%s}\n' "$2" >"lock/prebuilt-$1.yaml"
	if ! t_lock_once "prebuilt-$1" "$T/$1.lock"; then
		not_ok "$1: the kernel can be locked"
		return
	fi
	t_run "$1: $2 is not compiled" sh -c '! "$1" eval --stage=drv "$2" | grep -E "^(kernel.config|gdb) "' - "$KB" "$1.yaml"
	t_run "$1: a module is built for it" "$KB" realize --locked "$1.yaml" || return
	release=$(cat result/kernel/release)
	ko=result/modules.hello/lib/modules/$release/updates/hello.ko
	t_is "$1: with its version" "$release" "$(tr '\0' '\n' <"$ko" | sed -n 's/^vermagic=\([^ ]*\) .*/\1/p')"
	# With CONFIG_MODVERSIONS only what follows the release is compared.
	sed 's/\(vermagic=[^ ]*\) SMP /\1 UPX /; s/\(name=\)hello/\1other/' "$ko" >share/bad.ko
	rm -f share/uname
	result/runvm --fs 9p -- sh /mnt/share/try >out 2>err </dev/null
	t_is "$1: the command's code" 7 $?
	t_is "$1: and output" "hello: hello, debian debian other: version magic '$release UPX from-the-host" "$(tr '\n' ' ' <out | sed 's/ $//')" ||
		note "$(cat err)"
	t_has "$1: its complaints are apart" err '^complaint$'
	t_is "$1: it wrote to the share" "$release $3" "$(cat share/uname 2>/dev/null)"
}
kernel amd64 6.1-amd64 x86_64
kernel arm64 6.12-arm64 aarch64
t_run 'arm64: its modules are compressed' sh -c 'grep -q "/9p\.ko\.xz$" result/initramfs/contents.txt'
kernel armhf 6.1-armmp armv7l

# Our own kernel in a folder: what is built behind it is the same, to the byte and the path.
cp -R "$T_TOP/tests/data/tiny" tiny
t_kernel_lock tiny/recipe.lock || { not_ok 'the kernel can be locked'; done_testing; }
paths() {
	"$KB" realize --locked --no-link --json "$1#kernel" "$1#modules.probe" "$1#initramfs" 2>err |
		jq -r '.steps | del(.toolchain) | to_entries[] | .key as $step | .value.outputs[] | $step + " " + .path'
}
path_of() {
	"$KB" realize --locked --no-link --json tiny/recipe.yaml#kernel | jq -r ".steps.kernel.outputs.$1.physical"
}
paths tiny/recipe.yaml >want
mkdir tiny/own
for output in out modules dev debug; do
	case $output in
	out | modules) to=tiny/own ;;
	*) to=tiny/own/$output ;;
	esac
	cp -R "$(path_of $output)/." "$to/"
	chmod -R u+w tiny/own
done
sed '/^kernel:/,/^modules:/{/^modules:/!d}' tiny/recipe.yaml >tiny/swapped.yaml
echo 'kernel: {prebuilt: ./own}' >>tiny/swapped.yaml
cp tiny/recipe.lock tiny/swapped.lock
paths tiny/swapped.yaml >got
t_same 'a kernel of ours as a prebuilt one: all behind it is the same' want got || note "$(cat err)"
t_hasnt 'and is not built again' err 'modules.probe: started'
t_run 'with debug/vmlinux there is a debugger' "$KB" realize --locked --no-link tiny/swapped.yaml#gdb
done_testing
