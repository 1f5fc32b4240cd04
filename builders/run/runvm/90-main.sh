# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154
# ---- main

main() {
	newline='
'
	tab='	'
	tcg_factor=10
	output_max=1073741824
	kvm_silence=5
	user_dir=${XDG_RUNTIME_DIR:-/tmp}/kbuild-$(id -u)
	kvm_broken='failed to initialize kvm|Could not access KVM|KVM: entry failed|KVM internal error|kvm run failed|kvm_init_vcpu failed|ioctl\(KVM_'
	gdb_socket='' qemu_pid='' daemons='' watch_pid='' keep_tmp='' tmp=''
	set_defaults
	parse_options "$@"
	check_options
	exec 3<&0
	asked_fs=$fs
	choose_arch
	choose_accel
	choose_cpu
	choose_limits
	collect_shares
	choose_fs
	[ -z "$own_init" ] || [ "$nshares" -eq 0 ] ||
		say "the archive's own init boots: it has to mount the shared directories itself (share0 and so on, $fs)"
	choose_stdio
	make_tmp
	if [ -n "$print" ]; then
		print_command
		return
	fi
	[ "$mode" != shell ] || say "Ctrl-a x ends the machine, Ctrl-a c is QEMU's monitor"
	run
	cut_output
	judge
	announce
	exit "$code"
}

# The store is where this script lies, wherever that has moved to.
self=$(readlink -f -- "$0")
here=${self%/bin/*}
case $self in
*/nix/store/*) store=${self%/nix/store/*}/nix/store ;;
*) infra "$self lies in no store" "run it where it is, or through a link" ;;
esac
id=${here##*/}
id=${id%%-*}

main "$@"
