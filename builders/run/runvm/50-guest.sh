# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034,SC2154
# ---- the guest: what the kernel and its init are told on the command line

# With a command, its output leaves the guest by ports of its own, so that kernel messages never mix
# with it; the console goes to a file. Without virtio ports it is cut out of the console afterwards.
choose_stdio() {
	stdio=console with_stdin=
	[ -z "$console_is_ours" ] && [ "$report" = virtio ] && [ "$mode" != boot ] || return 0
	stdio=virtio
	if [ -z "$no_stdin" ] && [ ! -t 0 ]; then
		with_stdin=1
	fi
}

guest_words() {
	words="console=$console panic=-1"
	[ -z "$early" ] || [ -n "$console_is_ours" ] || words="$words $early"
	[ -z "$gdb" ] || words="$words nokaslr"
	[ "$net" = none ] || [ -z "$has_dhcp" ] || words="$words ip=dhcp"
	if [ -n "$own_init" ]; then
		[ "$init" = /init ] || words="$words rdinit=$init"
		command_in_fw_cfg=
	else
		our_words
	fi
	cmdline="$words${append:+ $append}$user_append"
	[ ${#cmdline} -le "$cmdline_max" ] ||
		infra "the kernel command line has ${#cmdline} bytes, $arch takes $cmdline_max" "fewer shares, or a shorter append"
}

# What our init is told.
our_words() {
	[ -z "$foreign" ] || words="$words rdinit=/.kbuild/init"
	[ "$report" != ttyS1 ] || words="$words kbuild.report=ttyS1"
	words="$words kbuild.stdio=$stdio"
	[ -z "$with_stdin" ] || words="$words kbuild.stdin=virtio"
	words="$words$(share_words)"
	[ -z "$guest_cwd" ] || words="$words kbuild.cwd=$(encode "$guest_cwd")"
	[ -z "$console_is_ours" ] || terminal_words
	words="$words$user_env"
	command_word
}

# On the user's terminal only trouble is shown while booting; afterwards everything.
terminal_words() {
	[ -n "$verbose" ] || words="$words quiet kbuild.loglevel=7"
	t_size=$(stty size <&3 2>/dev/null) || t_size=
	case $t_size in
	[1-9]*' '[1-9]*) words="$words kbuild.size=${t_size% *}x${t_size#* }" ;;
	esac
	words="$words kbuild.term=$(encode "${TERM:-linux}")"
	[ -z "$tty" ] || words="$words kbuild.tty=1"
}

# The command goes by fw_cfg: the kernel prints its command line, and a test such as `dmesg | grep hello`
# must not find itself there. A kernel that cannot show fw_cfg gets it in hexadecimal.
command_word() {
	command_in_fw_cfg=
	case $mode in
	shell | boot) return 0 ;;
	esac
	if [ -n "$has_fw_cfg" ]; then
		command_in_fw_cfg=1
		words="$words kbuild.cmd=@fw_cfg"
		[ "$mode" = test ] || command_file=$tmp/command
		return
	fi
	words="$words kbuild.cmd=$(encode_all "$command")"
	[ $((${#words} + ${#append} + ${#user_append} + 1)) -le "$cmdline_max" ] ||
		infra "the command is too long for the kernel command line, and the kernel has no FW_CFG_SYSFS" \
			"kernel.config.set: {FW_CFG_SYSFS: y}, or put the command into a script in the initramfs"
}
