# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154
# ---- the machine: everything that QEMU is told

# arg WORD...: append words to QEMU's command, one option a line.
arg() {
	a_line=
	for a_word; do
		quote "$a_word"
		a_line="${a_line:+$a_line }$quoted"
	done
	qemu_words="${qemu_words:+$qemu_words
}$a_line"
}

# Per architecture: QEMU's program, the Debian package it is in, machine, console, virtio bus.
choose_arch() {
	case $arch in
	x86_64) qemu=qemu-system-x86_64 package=qemu-system-x86 auto_machine=q35 console=ttyS0 ;;
	arm64) qemu=qemu-system-aarch64 package=qemu-system-arm auto_machine=virt,gic-version=max console=ttyAMA0 ;;
	armhf) qemu=qemu-system-arm package=qemu-system-arm auto_machine=virt console=ttyAMA0 ;;
	riscv64) qemu=qemu-system-riscv64 package=qemu-system-misc auto_machine=virt console=ttyS0 ;;
	*) infra "no machine is known for architecture $arch" ;;
	esac
	# Above 4 GiB, where that machine has its PCI bus, such a kernel reaches nothing.
	[ "$arch" != armhf ] || [ -n "$has_lpae" ] || auto_machine=virt,highmem=off
	[ "$machine" != auto ] || machine=$auto_machine
	[ -n "$print" ] || command -v "$qemu" >/dev/null ||
		infra "$qemu is not installed" "on Debian and Ubuntu: apt install $package"
}

# KVM runs only guests of the host's own architecture.
host_runs_arch() {
	case $(uname -m)/$arch in
	x86_64/x86_64 | aarch64/arm64 | riscv64/riscv64) return 0 ;;
	esac
	return 1
}

why_no_kvm() {
	if ! host_runs_arch; then
		printf 'the host is no %s' "$arch"
	elif [ ! -e "$kvm" ]; then
		printf 'there is no %s' "$kvm"
	elif [ ! -r "$kvm" ] || [ ! -w "$kvm" ]; then
		printf '%s is not open to you; the group kvm may use it' "$kvm"
	elif [ "$accel" = auto ] && [ -f "$user_dir/kvm-broken" ] && [ -O "$user_dir/kvm-broken" ]; then
		printf '%s; noted in %s' "$(cat "$user_dir/kvm-broken")" "$user_dir/kvm-broken"
	fi
}

choose_accel() {
	kvm=/dev/kvm
	asked_accel=$accel
	why=$(why_no_kvm)
	case $accel in
	auto)
		accel=kvm
		[ -z "$why" ] || use_tcg "$why"
		;;
	kvm) [ -z "$why" ] || [ -n "$print" ] || infra "KVM cannot be used: $why" "--accel auto falls back to emulation" ;;
	esac
}

use_tcg() {
	accel=tcg
	say "KVM cannot be used ($1): emulating with TCG, time limits are $tcg_factor times longer"
}

# Emulating the architecture's own way to sign pointers takes half of the time of a guest that does.
choose_cpu() {
	if [ "$arch" = arm64 ] && [ "$accel" = tcg ] && [ "$cpu" = max ]; then
		cpu=max,pauth-impdef=on
	fi
}

# Limits of the recipe are for KVM; a limit given by hand is meant as it stands.
choose_limits() {
	factor=1
	[ "$accel" != tcg ] || factor=$tcg_factor
	boot_limit=${limit_boot:-$((timeout_boot * factor))}
	idle_limit=${limit_idle:-$((timeout_idle * factor))}
	total_limit=${limit_total:-$((timeout_total * factor))}
	if [ "$mode" = shell ]; then
		boot_limit=${limit_boot:-0} idle_limit=${limit_idle:-0} total_limit=${limit_total:-0}
	elif [ -n "$gdb" ]; then
		# A guest that stands at a breakpoint is not hung.
		boot_limit=${limit_boot:-0} idle_limit=${limit_idle:-0} total_limit=${limit_total:-0}
	fi
}

# The kernel unpacks archives one after the other; the image comes last, for it may be packed in a way that
# nothing can follow.
choose_initrd() {
	image=$(physical "$initramfs")
	initrd=$image
	[ -n "$foreign" ] && [ -z "$own_init" ] || return 0
	initrd=$tmp/initrd
	[ -n "$print" ] || [ -f "$initrd" ] || cat "$here/share/runvm/init.cpio" "$image" >"$initrd" ||
		infra "cannot write to $tmp"
}

# comma TEXT: TEXT as a value inside a QEMU option, where a comma is written twice.
comma() {
	printf %s "$1" | sed 's/,/,,/g'
}

machine_args() {
	qemu_words=
	arg "$qemu"
	arg -machine "$machine"
	arg -accel "$accel"
	arg -cpu "$cpu"
	arg -smp "$smp"
	arg -m "$memory"
	arg -nodefaults
	arg -no-user-config
	arg -no-reboot
	arg -display none
	arg -kernel "$(physical "$kernel")"
	arg -initrd "$initrd"
	arg -device "virtio-rng-$bus"
	console_args
	port_args
	net_args
	share_args
	gdb_args
	if [ -n "$command_in_fw_cfg" ]; then
		arg -fw_cfg "name=opt/kbuild/cmd,file=$(comma "$command_file")"
	fi
	raw_args
	arg -append "$cmdline"
}

# The console: the user's terminal (with a copy kept), or only a file.
console_args() {
	if [ -n "$console_is_ours" ]; then
		arg -chardev "stdio,id=console,mux=on,signal=off,logfile=$(comma "$tmp/console")"
		arg -serial chardev:console
		arg -mon chardev=console,mode=readline
	else
		arg -chardev "file,id=console,path=$(comma "$tmp/console")"
		arg -serial chardev:console
	fi
}

# The report channel, and the command's own stdin, stdout and stderr.
port_args() {
	case $report in
	virtio)
		arg -device "virtio-serial-$bus"
		port org.kbuild.0 report
		;;
	ttyS1)
		arg -chardev "file,id=report,path=$(comma "$tmp/report")"
		arg -serial chardev:report
		;;
	esac
	[ "$stdio" = virtio ] || return 0
	port org.kbuild.stdout stdout
	port org.kbuild.stderr stderr
	if [ -n "$with_stdin" ]; then
		arg -chardev stdio,id=stdin,signal=on
		arg -device virtserialport,chardev=stdin,name=org.kbuild.stdin
	fi
}

port() {
	arg -chardev "file,id=$2,path=$(comma "$tmp/$2")"
	arg -device "virtserialport,chardev=$2,name=$1"
}

# Only this machine reaches them.
forwards() {
	for f_port in $ports; do
		printf ',hostfwd=tcp:127.0.0.1:%s-:%s' "${f_port%%:*}" "${f_port#*:}"
	done
}

net_args() {
	case $net in
	none) return 0 ;;
	user) arg -netdev "user,id=net0$(forwards)" ;;
	bridge=*) arg -netdev "bridge,id=net0,br=${net#bridge=}" ;;
	esac
	arg -device "virtio-net-$bus,netdev=net0"
}

# The recipe's own words come last, so that they win.
raw_args() {
	[ -n "$raw" ] || return 0
	r_rest=$raw
	while [ -n "$r_rest" ]; do
		r_word=${r_rest%%"$newline"*}
		[ -z "$r_word" ] || arg "$r_word"
		case $r_rest in
		*"$newline"*) r_rest=${r_rest#*"$newline"} ;;
		*) r_rest= ;;
		esac
	done
}

# The default socket carries the name of this script's store object: rungdb, which was made for the
# same object, looks for the same name, and two projects never meet.
gdb_args() {
	case $gdb in
	'') return 0 ;;
	default)
		gdb_socket=$user_dir/gdb-$id
		[ -n "$print" ] || claim_socket
		;;
	*[!0-9]*) gdb_socket=$gdb ;;
	*) gdb_socket= ;;
	esac
	if [ -n "$gdb_socket" ]; then
		arg -chardev "socket,id=gdb,path=$(comma "$gdb_socket"),server=on,wait=off"
		arg -gdb chardev:gdb
	else
		arg -gdb "tcp:127.0.0.1:$gdb"
	fi
	[ -z "$gdb_wait" ] || arg -S
}

# A directory of this user alone, for the debugger's socket.
own_dir() {
	mkdir -m 700 "$user_dir" 2>/dev/null
	[ -O "$user_dir" ] && [ ! -L "$user_dir" ]
}

claim_socket() {
	own_dir || infra "$user_dir does not belong to you"
	c_pid=$(cat "$gdb_socket.pid" 2>/dev/null) || c_pid=
	if [ -n "$c_pid" ] && kill -0 "$c_pid" 2>/dev/null; then
		infra "process $c_pid runs this build with --gdb already" "give this one another: --gdb=1234"
	fi
	printf '%s\n' $$ >"$gdb_socket.pid"
}
