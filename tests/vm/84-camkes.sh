#!/bin/sh
# SPDX-License-Identifier: MIT
# The example camkes-guest: a guest of another architecture with a root file system of its own, whose init
# loads the module, and the files for the project around it. Its kernel is the one of tests/data/arm64.
# S1-01 S1-12 S1-13 S1-14 S1-21 S1-22 S1-23 S1-24 S1-25 S1-26 S1-27 S1-29 S1-30 S1-33
. "$(dirname "$0")/../lib.sh"
need bwrap qemu-system-aarch64 cmake jq cpio
t_shared
cd "$T" || exit 1
t_board arm64 arm64 || { not_ok 'the kernel can be locked'; done_testing; }
cp -R "$T_TOP/examples/camkes-guest" guest
rm -rf guest/result guest/projects
cp arm64/recipe.lock guest/recipe.lock
R=guest/recipe.yaml
P=guest/projects
V=guest/result/runvm

# The example's kernel takes a clone of the stable tree: another one, with the tests' toolchain. It is that of
# tests/data/arm64, so that no kernel is built for this alone.
# shellcheck disable=SC2317 # t_run calls it
kb() {
	verb=$1
	shift
	"$KB" "$verb" --locked --override kernel.source=debian/13/linux-source-6.12 --override toolchain=debian/13 "$@"
}

t_run 'the example is built' kb realize $R || done_testing
release=$(cat guest/result/kernel/release)
version=${release%%-*}
t_is 'the image is for that machine, and not packed' ARMd \
	"$(dd bs=1 skip=56 count=4 if=$P/camkes-vm-images/qemu-arm-virt/newLinux 2>/dev/null)"
t_is 'its kernel is that of the tests' "$(readlink guest/result/kernel)" "$(
	"$KB" realize --locked --no-link arm64/recipe.yaml#kernel 2>/dev/null)"

# ---- the root file system

t_has 'the module is where the recipe says, below the release' guest/result/rootfs/contents.txt \
	"^100644 0:0 [0-9]* /lib/modules/$release/kernel/drivers/vmm/hello.ko$"
t_has 'the script can be run' guest/result/rootfs/contents.txt '^100755 0:0 [0-9]* /etc/init.d/S90hello$'
t_has 'the userland is there' guest/result/rootfs/contents.txt '^120777 0:0 3 /sbin -> bin$'

# ---- it boots

# verdict NAME CODE [OPTIONS]
verdict() {
	t_name=$1 want=$2
	shift 2
	timeout 300 "$V" "$@" >out 2>err </dev/null
	got=$?
	if [ "$got" = "$want" ]; then
		ok "$t_name"
	else
		not_ok "$t_name"
		note "expected $want, got $got"
		note "$(tail -n 30 err)"
	fi
}
verdict 'its own init loads the module, the console shows it' 0 --test
t_has 'the line is in the verdict' err 'runvm: pass: .*hello: loaded at boot'
verdict 'what is not seen in time' 120 --test --expect 'hello: never' --timeout-boot 20s
t_has 'is said with the time' err "expectation not met: nothing matches 'hello: never' within 20 s"
verdict 'what is forbidden' 120 --test --expect 'hello: never' --forbid 'hello: loaded'
t_has 'ends it at once' err "'hello: loaded' is forbidden"
verdict 'a panic' 122 --test --append 'rdinit=/bin/false'
verdict 'a command runs in the same archive, with our init' 0 -- 'uname -r; modprobe hello; lsmod | grep -c hello; ls /init /.kbuild'
t_has 'as this kernel' out "^$release$"
t_has 'modprobe finds the module by the tables' out '^1$'
verdict 'its code comes back' 7 -- exit 7
cmp -s guest/result/rootfs/image guest/projects/camkes-vm-images/qemu-arm-virt/newRootfs.cpio.gz
t_is 'the archive itself has none of this' 0 $?
t_hasnt 'nor its list' guest/result/rootfs/contents.txt kbuild

# ---- the project around it

cat >consumer.cmake <<'END'
# What the project's CMakeLists.txt does, without its tools.
cmake_minimum_required(VERSION 3.13)
set(CAMKES_VM_IMAGES_DIR "${PROJECTS}/camkes-vm-images")
set(CAMKES_VM_LINUX_DIR "${PROJECTS}/camkes-vm-linux")
function(AddToFileServer name file)
  if(NOT EXISTS "${file}")
    message(FATAL_ERROR "${name}: no file ${file}")
  endif()
  configure_file("${file}" "${OUT}/${name}" COPYONLY)
endfunction()
include("${CAMKES_VM_IMAGES_DIR}/qemu-arm-virt/kbuild.cmake")
AddToFileServer("linux" "${KBUILD_KERNEL_IMAGE}")
AddToFileServer("linux-initrd" "${KBUILD_ROOTFS_IMAGE}")
set(linux_config "${CAMKES_VM_LINUX_DIR}/linux_configs/${KBUILD_KERNEL_VERSION}/${KBUILD_ARCH_BITS}/config")
set(linux_symvers "${CAMKES_VM_LINUX_DIR}/linux_configs/${KBUILD_KERNEL_VERSION}/${KBUILD_ARCH_BITS}/Module.symvers")
foreach(pair "${linux_config}|${KBUILD_KERNEL_CONFIG}" "${linux_symvers}|${KBUILD_KERNEL_SYMVERS}")
  string(REPLACE "|" ";" pair "${pair}")
  list(GET pair 0 typed)
  list(GET pair 1 exported)
  if(NOT EXISTS "${typed}" OR NOT typed STREQUAL exported)
    message(FATAL_ERROR "${typed} is not ${exported}")
  endif()
endforeach()
END
t_run 'the project finds all of it' cmake -DPROJECTS="$T/$P" -DOUT="$T/server" -P consumer.cmake
t_same 'the file server has the kernel' guest/result/kernel/image server/linux
t_same 'and the root file system' guest/result/rootfs/image server/linux-initrd
t_same 'the configuration is the resolved one' guest/result/kernel.config/config \
	"$P/camkes-vm-linux/linux_configs/$version/64/config"
t_run 'Module.symvers names what the kernel exports' \
	grep -q '	_printk	' "$P/camkes-vm-linux/linux_configs/$version/64/Module.symvers"
t_run 'all of it comes from this recipe' kb exports --check $R
echo >>"$P/camkes-vm-images/qemu-arm-virt/newLinux"
kb exports --check $R >out 2>err
t_is 'what was changed since' 6 $?
t_has 'is named' out '^differs projects/camkes-vm-images/qemu-arm-virt/newLinux$'

# ---- mistakes that cost an evening by hand

# As in an archive that came with modules of two kernels: the folder says one, the module another.
mkdir old
cp "guest/result/modules.hello/lib/modules/$release/kernel/drivers/vmm/hello.ko" old/hello.ko
sed -i "s/vermagic=$version/vermagic=$(printf %s "$version" | tr 0-9 1-90)/" old/hello.ko
date +%s.%N >salt
python3 "$T_TOP/tests/data/rootfs/base.py" guest/old.cpio opt/salt=salt "lib/modules/$release/hello.ko=old/hello.ko"
printf 'kbuild: 1\nextends: [recipe.yaml]\nrootfs: {base: {from: ./old.cpio}}\n' >guest/old.yaml
cp guest/recipe.lock guest/old.lock
t_run 'a base with a module of another kernel' kb realize --no-exports guest/old.yaml#rootfs
t_has 'is warned of before it boots' "$T_OUT" "^warning: rootfs: .*hello.ko"
printf 'kbuild: 1\nextends: [recipe.yaml]\nrootfs: {compress: lz4}\n' >guest/lz4.yaml
cp guest/recipe.lock guest/lz4.lock
t_fails 'a packing that the kernel does not know' kb realize --no-exports guest/lz4.yaml#rootfs
t_has 'is refused by name' "$T_OUT" 'rootfs.compress is lz4, but the kernel has CONFIG_RD_LZ4=n'
done_testing
