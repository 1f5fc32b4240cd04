# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Runs on the machine that is probed, by whatever sh it has, as any user. It prints
#
#	@NONCE KEY SIZE PATH
#
# and that many bytes and a newline, for each thing that is there. Files of /proc do not say
# their size, so everything is read twice and nothing is written on the machine.

# frame KEY PATH COMMAND...
frame() {
	f_key=$1 f_path=$2
	shift 2
	f_size=$("$@" 2>/dev/null | wc -c)
	f_size=$((f_size)) # some put blanks before it
	[ "$f_size" -gt 0 ] || return 1
	say "$f_key $f_size $f_path"
	"$@" 2>/dev/null
	echo
}

# first KEY FILE...: the first that can be read
first() {
	f_name=$1
	shift
	for f_file; do
		[ ! -f "$f_file" ] || [ ! -r "$f_file" ] || ! frame "$f_name" "$f_file" cat "$f_file" || return 0
	done
}

a_module() {
	find "/lib/modules/$release" -type f \( -name '*.ko' -o -name '*.ko.gz' -o -name '*.ko.xz' -o -name '*.ko.zst' \) \
		2>/dev/null | head -n 1
}

say begin 0
release=$(uname -r)
frame uname 'uname -a' uname -a
first version /proc/version
first config /proc/config.gz /proc/config "/boot/config-$release" "/lib/modules/$release/config" \
	"/lib/modules/$release/build/.config" "/usr/src/linux-headers-$release/.config" /boot/config
first symvers "/lib/modules/$release/build/Module.symvers" "/usr/src/linux-headers-$release/Module.symvers" \
	"/boot/symvers-$release.gz" "/lib/modules/$release/symvers.gz"
frame vermagic 'modinfo of a loaded module' magic || {
	module=$(a_module)
	[ -z "$module" ] || first module "$module"
}
frame exports /proc/kallsyms sed -n '/ __ksymtab_/p' /proc/kallsyms
first btf /sys/kernel/btf/vmlinux
first sig_enforce /sys/module/module/parameters/sig_enforce
say end 0
