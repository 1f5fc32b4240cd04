#!/bin/sh
# SPDX-License-Identifier: MIT
# The scripts runvm and rungdb as the builders make them, up to the point where a guest would start.
# Proves S3-37, S3-38 (command), S4-26, S4-38, S4-39 and parts of S3-32, S3-49, S4-10.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need bwrap awk shellcheck qemu-system-x86_64 gdb
unset XDG_RUNTIME_DIR KBUILD_RECIPE_DIR
export TMPDIR="$T/tmp"
mkdir "$TMPDIR"
S=$T/root/nix/store
K=$S/00000000000000000000000000000000-kernel
I=$S/11111111111111111111111111111111-initramfs
D=$S/44444444444444444444444444444444-debug
mkdir -p "$K" "$I" "$D"
printf 'CONFIG_%s=y\n' SERIAL_8250_CONSOLE PRINTK BLK_DEV_INITRD RD_GZIP BINFMT_ELF DEVTMPFS PROC_FS SYSFS TTY \
	VIRTIO_PCI VIRTIO_CONSOLE NET_9P NET_9P_VIRTIO 9P_FS FW_CFG_SYSFS ACPI >"$K/config"
echo no kernel >"$K/bzImage"
ln -s bzImage "$K/image"
echo no archive >"$I/initramfs.cpio.gz"
ln -s initramfs.cpio.gz "$I/image"
cp /bin/true "$D/vmlinux"

# make_step BUILDER NAME BWRAP-ARGUMENT...: run a builder over the inputs above.
# shellcheck disable=SC2317 # called by t_run and t_fails
make_step() {
	m_builder=$1 m_name=$2
	shift 2
	mkdir -p "$T/build"
	bwrap --unshare-all --clearenv --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib \
		--symlink usr/lib64 /lib64 --proc /proc --dev /dev --bind "$T/build" /build --bind "$S" /nix/store \
		--ro-bind "$T_TOP/builders/$m_builder" /script --ro-bind "$T_TOP/builders/run.sh" /run.sh \
		--ro-bind "$K" /src/kernel --ro-bind "$I" /src/initramfs --ro-bind "$D" /src/kernel_debug \
		--setenv script /script --setenv out "/nix/store/$m_name" --setenv tools '' --setenv system x86_64-linux \
		--setenv in_kernel "/nix/store/${K##*/}" --setenv in_initramfs "/nix/store/${I##*/}" \
		--setenv in_run /nix/store/22222222222222222222222222222222-run \
		--setenv in_kernel_debug "/nix/store/${D##*/}" --setenv in_kernel_source "/nix/store/${K##*/}" \
		--setenv inputs 'kernel_debug kernel_source run' "$@" sh -eu /run.sh
}

code() {
	c_name=$1 c_want=$2
	shift 2
	c_got=0
	"$@" >out 2>err </dev/null || c_got=$?
	t_is "$c_name" "$c_want" "$c_got"
}

cd "$T" || exit 1
t_run 'run: the script is made' make_step run 22222222222222222222222222222222-run \
	--setenv opt_test "echo 'it''s' \"a test\"" --setenv opt_share '/data=data:ro' --setenv opt_memory 536870912 \
	--setenv opt_args '-rtc
base=2020-01-01' --setenv opt_append 'loglevel=5' --setenv opt_ports '2022=22'
R=$S/22222222222222222222222222222222-run/bin/runvm
t_run 'run: what is made is clean shell' shellcheck -s sh "$R"
mkdir -p project/result project/data
ln -s "$R" project/result/runvm

code 'run: the command is printed, through a link, from elsewhere' 0 project/result/runvm --print --no-kvm -- echo "it's" 'a b'
t_has 'run: the kernel of this store' out "-kernel $K/bzImage"
t_has 'run: ports of the recipe' out 'hostfwd=tcp:127.0.0.1:2022-:22'
t_has 'run: bytes become what QEMU means' out '-m 512M'
t_has 'run: raw arguments' out 'base=2020-01-01'
t_has 'run: the recipe is found beside result/' out "path=$T/project/data,security_model=none,multidevs=remap,readonly=on"
t_has 'run: words of the recipe end the command line' out "kbuild.cmd=@fw_cfg loglevel=5'"
t_has 'run: arguments keep their quotes' out "echo '.*it.*s.*a b"
code 'run: ports lead to the guest' 0 project/result/runvm --print --no-kvm --port 2222:22 --port 8080:80 -- true
t_has 'run: only from this machine' out 'hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=tcp:127.0.0.1:8080-:80'
code 'run: a port that is none' 2 "$R" --port 2222:99999 -- true
code 'run: a port alone' 2 "$R" --port 22 -- true
code 'run: ports on a bridge' 2 "$R" --net bridge=br0 --port 2222:22 -- true
mv root moved
ln -sfn "$T/moved/nix/store/22222222222222222222222222222222-run/bin/runvm" project/result/runvm
code 'run: the store may move' 0 project/result/runvm --print --no-kvm --gdb=1234 --wait --test
t_has 'run: and is found where it is' out "-kernel $T/moved/nix/store/.*-kernel/bzImage"
t_has 'run: gdb' out '-gdb tcp:127.0.0.1:1234'
t_has 'run: waits' out '^[[:space:]]*-S '
t_has 'run: no address randomisation for gdb' out 'panic=-1 nokaslr'
mv moved root
ln -sfn "$R" project/result/runvm

code 'run: unknown option' 2 "$R" --memroy 1G
t_has 'run: is named' err "unknown option '--memroy'"
code 'run: a word that belongs behind --' 2 "$R" true
code 'run: no such directory to share' 2 "$R" --share "$T/nowhere" -- true
code 'run: an expectation that is no expression' 2 "$R" --expect '(' -- true
code 'run: a file that is no kernel is nobody'"'"'s test failure' 125 project/result/runvm --no-kvm -- true
t_has 'run: with the verdict' err '^runvm: infrastructure: QEMU ended with status 1'
t_is 'run: nothing stays behind' '' "$(ls "$TMPDIR")"

sed -i '/SERIAL_8250_CONSOLE/d' "$K/config"
t_fails 'run: a kernel without console is refused' make_step run 33333333333333333333333333333333-run
t_has 'run: with what to do' "$T_OUT" '@kbuild error .*kernel.config.set: {SERIAL_8250_CONSOLE: y}'

# The machines of the arm architectures; nothing is started. S1-06
echo CONFIG_SERIAL_AMBA_PL011_CONSOLE=y >>"$K/config"
printed() {
	t_run "run: a script for $1 is made" make_step run 66666666666666666666666666666666-run --setenv opt_arch "$1"
	code "run: its command for $1 is printed" 0 \
		"$S/66666666666666666666666666666666-run/bin/runvm" --print --no-kvm -- true
	rm -rf "$S/66666666666666666666666666666666-run"
}
printed arm64
t_has 'run: arm64 is emulated without its costly signatures' out '-cpu max,pauth-impdef=on'
t_has 'run: on the board that QEMU has for it' out '-machine virt,gic-version=max'
printed armhf
t_has 'run: arm without LPAE finds its bus below 4 GiB' out '-machine virt,highmem=off'
echo CONFIG_ARM_LPAE=y >>"$K/config"
printed armhf
t_hasnt 'run: with LPAE wherever it is' out highmem
t_has 'run: its console' out 'console=ttyAMA0'

t_run 'gdb: the script is made' make_step gdb 55555555555555555555555555555555-gdb --setenv opt_breaks 'start_kernel'
t_has 'gdb: a kernel without debug information is noticed' "$T_OUT" '@kbuild warn vmlinux has no debug information'
G=$S/55555555555555555555555555555555-gdb/bin/rungdb
t_run 'gdb: what is made is clean shell' shellcheck -s sh "$G"
code 'gdb: nobody listens' 1 "$G" --batch -ex bt
t_has 'gdb: says how to start' err 'hint: start it with: runvm --gdb'
code 'gdb: the command is printed' 0 "$G" --print --target 1234
t_has 'gdb: target' out "^RUNGDB_TARGET='127.0.0.1:1234'"
t_has 'gdb: breaks' out "^RUNGDB_BREAKS='start_kernel'"
done_testing
