# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
#
# Builds bin/runvm: facts about this kernel and this initramfs, then the parts of runvm/ in order. What can be
# proved to fail is an error here, minutes before a machine would hang without a word.

config_file=/src/kernel/config
contents=/src/initramfs/contents.txt

# has SYMBOL...: all are built in, or are modules that the initramfs holds.
has() {
	for h_symbol; do
		grep -q "^CONFIG_$h_symbol=y\$" "$config_file" || has_module "$h_symbol" || return 1
	done
}

built_in() {
	for b_symbol; do
		grep -q "^CONFIG_$b_symbol=y\$" "$config_file" || return 1
	done
}

# The file names of the few modules that matter before the command runs.
has_module() {
	grep -q "^CONFIG_$1=m\$" "$config_file" && [ -f "$contents" ] || return 1
	case $1 in
	VIRTIO_CONSOLE) m_file=virtio_console ;;
	VIRTIO_PCI) m_file=virtio_pci ;;
	VIRTIO_MMIO) m_file=virtio_mmio ;;
	VIRTIO_FS) m_file=virtiofs ;;
	9P_FS) m_file=9p ;;
	NET_9P) m_file=9pnet ;;
	NET_9P_VIRTIO) m_file=9pnet_virtio ;;
	OVERLAY_FS) m_file=overlay ;;
	FW_CFG_SYSFS) m_file=qemu_fw_cfg ;;
	*) return 1 ;;
	esac
	grep -Eq "/$m_file\.ko(\.(gz|xz|zst))?([[:space:]]|\$)" "$contents"
}

# fact NAME COMMAND...: a line NAME=1 or NAME= for the script.
fact() {
	f_name=$1
	shift
	if "$@"; then
		echo "$f_name=1"
	else
		echo "$f_name="
	fi
}

# word NAME TEXT: a line NAME='TEXT' for the script.
word() {
	printf "%s='%s'\n" "$1" "$(printf %s "$2" | sed "s/'/'\\\\''/g")"
}

# limit NAME TIME: a line timeout_NAME=SECONDS.
limit() {
	l_text=$2
	case $l_text in
	none) l_text=0 ;;
	*ms) l_text=$(((${l_text%ms} + 999) / 1000)) ;;
	*h) l_text=$((${l_text%h} * 3600)) ;;
	*m) l_text=$((${l_text%m} * 60)) ;;
	*s) l_text=${l_text%s} ;;
	esac
	case $l_text in
	'' | *[!0-9]*) die "run.timeout.$1: '$2' is not a time (examples: 90, 90s, 5m, 1h, none)" ;;
	esac
	echo "timeout_$1=$l_text"
}

# megabytes SIZE: for QEMU, which takes a bare number for MiB in one place and for bytes in another.
megabytes() {
	case $1 in
	*[!0-9]*) printf %s "$1" ;;
	*) printf '%sM' $(($1 / 1048576)) ;;
	esac
}

configure() {
	[ -f "$config_file" ] || die "the kernel input has no file config"
	[ -e /src/kernel/image ] || die "the kernel input has no image"
	[ -e /src/initramfs/image ] || die "the initramfs input has no image"
	arch=${opt_arch:-x86_64}
	check_console
	check_initramfs
	check_guest
	choose_bus
}

check_console() {
	case $arch in
	x86_64 | riscv64) symbol=SERIAL_8250_CONSOLE ;;
	*) symbol=SERIAL_AMBA_PL011_CONSOLE ;;
	esac
	built_in $symbol || die "the machine's console would stay silent: CONFIG_$symbol is not built in (kernel.config.set: {$symbol: y})"
	built_in PRINTK || warn "CONFIG_PRINTK is off: an oops or a panic cannot be told from a hang"
	early=
	if [ "$arch" = x86_64 ]; then
		! built_in EARLY_PRINTK || early=earlyprintk=ttyS0
	elif built_in SERIAL_EARLYCON; then
		early=earlycon
	fi
}

check_initramfs() {
	built_in BLK_DEV_INITRD || die "the kernel cannot take an initramfs: CONFIG_BLK_DEV_INITRD is off"
	case $(readlink -f /src/initramfs/image) in
	*.gz) need=RD_GZIP ;;
	*.zst) need=RD_ZSTD ;;
	*.xz) need=RD_XZ ;;
	*.lz4) need=RD_LZ4 ;;
	*) need= ;;
	esac
	[ -z "$need" ] || built_in $need ||
		die "the kernel cannot unpack this initramfs: CONFIG_$need is off (kernel.config.set: {$need: y}, or another \`compress\`)"
	choose_init
}

# in_image PATH: the archive has it; a folder above it may be a link.
in_image() {
	[ -f "$contents" ] && grep -Eq " (/usr)?$1( |\$)" "$contents"
}

# The archive's init, which is ours unless the input guest has ours. The kernel starts /init by itself.
choose_init() {
	init=/init
	in_image /init || ! in_image /sbin/init || init=/sbin/init
	[ ! -f "$contents" ] || in_image "$init" ||
		warn "the archive has neither /init nor /sbin/init: the kernel will panic unless append names another (rdinit=)"
	case " $inputs " in
	*' guest '*) foreign=1 ;;
	*) foreign= && return ;;
	esac
	in_image /bin/sh || in_image /sbin/sh || warn "the archive has no /bin/sh: runvm can boot it, but run no command"
}

check_guest() {
	built_in BINFMT_ELF || die "the kernel cannot run /init: CONFIG_BINFMT_ELF is off"
	for symbol in DEVTMPFS PROC_FS SYSFS TTY; do
		built_in $symbol || warn "CONFIG_$symbol is off: the guest's init works less well, or not at all"
	done
}

# The bus that virtio devices sit on, and whether the ports for reports and output can be had.
choose_bus() {
	bus=pci
	has VIRTIO_PCI || [ "$arch" = x86_64 ] || ! has VIRTIO_MMIO || bus=device
	report=none
	if { has VIRTIO_PCI || [ "$bus" = device ]; } && has VIRTIO_CONSOLE; then
		report=virtio
	elif [ "$arch" = x86_64 ]; then
		report=ttyS1
	fi
	[ "$report" = virtio ] ||
		warn "without VIRTIO_PCI and VIRTIO_CONSOLE the output of commands is cut out of the console (kernel.config.set: {VIRTIO_PCI: y, VIRTIO_CONSOLE: y})"
}

# /dev/fw_cfg's device is found by ACPI on x86 and by the device tree elsewhere.
has_fw_cfg() {
	has FW_CFG_SYSFS && { [ "$arch" != x86_64 ] || built_in ACPI; }
}

has_virtiofs() {
	[ "$report" = virtio ] && has VIRTIO_FS
}

has_9p() {
	{ has VIRTIO_PCI || [ "$bus" = device ]; } && has NET_9P NET_9P_VIRTIO 9P_FS
}

facts() {
	word arch "$arch"
	word kernel "$in_kernel/$(basename "$(readlink -f /src/kernel/image)")"
	word initramfs "$in_initramfs/$(basename "$(readlink -f /src/initramfs/image)")"
	word init "$init"
	word foreign "$foreign"
	word machine "${opt_machine:-auto}"
	word cpu "${opt_cpu:-max}"
	word smp "${opt_smp:-2}"
	word memory "$(megabytes "${opt_memory:-1G}")"
	word append "${opt_append:-}"
	word accel "${opt_accel:-auto}"
	word net "${opt_net:-none}"
	word ports "$(printf '%s' "${opt_ports:-}" | sed 's/=/:/')"
	word raw "${opt_args:-}"
	word recipe_shares "${opt_share:-}"
	word wait_for_gdb "${opt_gdb_wait:-}"
	word recipe_expect "${opt_expect:-}"
	word forbid "${opt_forbid:-}"
	limit boot "${opt_timeout_boot:-60s}"
	limit idle "${opt_timeout_idle:-120s}"
	limit total "${opt_timeout_total:-10m}"
}

kernel_facts() {
	word bus "$bus"
	word report "$report"
	word early "$early"
	fact has_fw_cfg has_fw_cfg
	fact has_virtiofs has_virtiofs
	fact has_9p has_9p
	fact has_overlay has OVERLAY_FS
	fact has_dhcp built_in IP_PNP_DHCP VIRTIO_NET
	fact has_lpae built_in ARM_LPAE
	case $arch in
	riscv64 | armhf) echo 'cmdline_max=1023' ;;
	*) echo 'cmdline_max=2047' ;;
	esac
}

build() {
	{
		echo '#!/bin/sh'
		echo '# SPDX-License-Identifier: MIT'
		echo '# runvm: boots this build in QEMU. Made by the builder run; see --help.'
		echo 'set -u'
		echo
		echo '# ---- what the recipe says'
		echo
		facts
		echo
		echo '# ---- what the kernel configuration says'
		echo
		kernel_facts
		for part in "$script"/runvm/*.sh; do
			echo
			grep -v -e '^# shellcheck' -e '^# SPDX' "$part"
		done
	} >runvm
	chmod 755 runvm
	[ -z "$foreign" ] || pack_init
}

# Our init as an archive of its own, which runvm puts before one that has not got it.
pack_init() {
	mkdir -p init/.kbuild
	cp /src/guest/bin/init init/.kbuild/init
	chmod 755 init/.kbuild/init
	touch -d @0 init/.kbuild/init init/.kbuild
	(cd init && printf '%s\n' .kbuild .kbuild/init | cpio --quiet --reproducible -o -H newc -R 0:0) >init.cpio
}

check() {
	sh -n runvm
}

install() {
	mkdir -p "$out/bin" "$out/share/runvm"
	cp runvm "$out/bin/runvm"
	[ -z "$foreign" ] || cp init.cpio "$out/share/runvm/init.cpio"
	if [ -n "${opt_test:-}" ]; then
		printf '%s\n' "$opt_test" >"$out/share/runvm/test"
	fi
}
