#!/bin/sh
# SPDX-License-Identifier: MIT
# The other architectures, from this machine: kernels for arm64 and armhf, modules, guests under
# emulation, a debugger that stops in a module, and the Makefile that people have for such a module.
# S1-06 S1-11 S1-27 S1-29 S3-16 S3-18 S4-24 S5-05 S5-20
# shellcheck disable=SC2016 # commands for the guest and for make are quoted
. "$(dirname "$0")/../lib.sh"
need bwrap qemu-system-aarch64 qemu-system-arm gdb-multiarch readelf cpio gzip
t_shared
cd "$T" || exit 1

# verdict NAME CODE [OPTIONS] -- CMD
verdict() {
	t_name="$arch: $1" want=$2
	shift 2
	timeout 300 "$arch/result/runvm" "$@" >out 2>err </dev/null
	got=$?
	if [ "$got" = "$want" ]; then
		ok "$t_name"
	else
		not_ok "$t_name"
		note "expected $want, got $got"
		note "$(tail -n 30 err)"
	fi
}

# board ARCH MACHINE: all that both must be able to do; MACHINE as readelf says it.
board() {
	arch=$1
	t_board "$arch" "$arch" || { not_ok "$arch: the kernel can be locked"; return; }
	cp -R "$T_TOP/tests/data/bad" "$arch/bad"
	makefile "$arch/seen"
	cat >"$arch/more.yaml" <<-END
		kbuild: 1
		extends: [recipe.yaml]
		modules: {bad: ./bad, seen: ./seen}
	END
	cp "$arch/recipe.lock" "$arch/more.lock"
	if "$KB" realize --locked "$arch/more.yaml" >out 2>err; then
		ok "$arch: everything is built"
	else
		not_ok "$arch: everything is built"
		note "$(tail -n 40 err)"
		return
	fi
	"$KB" realize --locked --json "$arch/more.yaml" >json 2>err
	t_is "$arch: again: nothing is built" 0 "$(grep -c '"built": *true' json)"
	release=$(cat "$arch/result/kernel/release")

	for program in init busybox; do
		(cd "$arch" && gzip -dc result/initramfs/image | cpio -i --quiet --to-stdout "$(
			[ $program = init ] || printf bin/)$program") >elf 2>/dev/null
		t_is "$arch: $program is for the machine" "$2" "$(readelf -h elf | sed -n 's/^ *Machine: *//p')"
		readelf -l elf >headers
		t_hasnt "$arch: $program is static" headers INTERP
	done
	t_is "$arch: so is the module" "$2" \
		"$(readelf -h "$arch/result/modules.probe/lib/modules/$release/updates/probe.ko" | sed -n 's/^ *Machine: *//p')"

	verdict 'a module loads, and goes' 0 -- 'insmod /modules/probe.ko && dmesg | grep "probe: " && rmmod probe'
	t_has "$arch: its message is seen" out 'probe: /build/probe/probe.c'
	verdict 'the exit code of a command comes through' 22 -- sh -c 'uname -mr; exit 22'
	case $(cat out) in
	"$release aarch64" | "$release armv7l" | "$release armv8l") ok "$arch: so does its output" ;;
	*) not_ok "$arch: so does its output: $(cat out)" ;;
	esac
	modules=$(grep -o '"physical": *"[^"]*-kernel-modules"' json | cut -d'"' -f4)
	verdict "a module of the kernel's own" 0 --share "$modules:/mnt:ro" -- \
		"insmod /mnt/lib/modules/$release/kernel/drivers/net/dummy.ko && grep -q '^dummy ' /proc/modules"
	verdict 'an oops' 121 -- insmod /modules/bad.ko
	verdict 'a panic' 122 -- insmod /modules/bad.ko how=panic
	verdict 'the network is there' 0 --net user -- 'ifconfig eth0 | grep "inet addr:10.0.2"'
	mkdir -p share
	echo from-host >share/in
	verdict 'a shared directory' 0 --share "$PWD/share:/mnt" -- \
		'[ "$(cat /mnt/in)" = from-host ] && echo from-guest >/mnt/new'
	t_is "$arch: the host has the file" from-guest "$(cat share/new 2>&1)"
	rm -f share/new
	stops
}

# The kernel lies where it was linked to, whatever KASLR would do with it.
stops() {
	timeout 280 "$arch/result/runvm" --gdb --wait -- insmod /modules/probe.ko >vm.out 2>vm.err </dev/null &
	vm=$!
	timeout 240 "$arch/result/rungdb" --wait --batch -ex 'break probe_init' -ex continue -ex 'bt 3' -ex list \
		-ex delete -ex continue >gdb.out 2>&1 </dev/null
	wait $vm
	t_is "$arch: the guest goes on after the breakpoint" 0 $? || note "$(tail -n 20 vm.err gdb.out)"
	t_has "$arch: gdb stops in the module, with its line" gdb.out 'probe_init () at .*probe.c:[0-9]'
	t_has "$arch: and shows the source" gdb.out 'pr_info("probe'
	t_has "$arch: the backtrace goes into the kernel" gdb.out 'do_one_initcall'
}

# What a tutorial says a module's Makefile is when the kernel is for arm64.
makefile() {
	mkdir -p "$1"
	sed 's/probe/seen/g' "$T_TOP/tests/data/tiny/probe/probe.c" >"$1/seen.c"
	cat >"$1/Makefile" <<'END'
obj-m += seen.o

all:
	make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- -C $(KHEAD) M=$(PWD) modules

clean:
	make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- -C $(KHEAD) M=$(PWD) clean
END
}

# bytes FILE OFFSET: four of them.
bytes() {
	dd if="$1" bs=1 skip="$2" count=4 2>/dev/null | od -An -tx1 | tr -d ' \n'
}

board arm64 AArch64
t_is 'arm64: the image is one, by its magic' 41524d64 "$(bytes arm64/result/kernel/Image 56)"
"$KB" log arm64/more.yaml#modules.seen >said 2>&1
t_hasnt 'arm64: the Makefile that says ARCH=arm64 is right' said 'ARCH='
board armhf ARM
t_is 'armhf: the image is a zImage, by its magic' 18286f01 "$(bytes armhf/result/kernel/image 36)"
"$KB" log armhf/more.yaml#modules.seen >said 2>&1
t_is 'armhf: the same Makefile is warned about, once, with its line' 1 \
	"$(grep -c 'seen: Makefile:4 says ARCH=arm64; built for arm$' said)"
t_is 'armhf: the release has what the recipe appends' -board "$(sed 's/.*-/-/' armhf/result/kernel/release)"
done_testing
