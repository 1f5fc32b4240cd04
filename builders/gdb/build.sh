# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
#
# Builds bin/rungdb: the places of the symbols and sources of this build, then rungdb.sh; and
# share/rungdb/kbuild.py, the session in gdb's own Python.

# word NAME TEXT: a line NAME='TEXT' for the script.
word() {
	printf "%s='%s'\n" "$1" "$(printf %s "$2" | sed "s/'/'\\\\''/g")"
}

# place INPUT: the store path of an input, empty if there is none.
place() {
	eval "printf %s \"\${in_$(printf %s "$1" | tr .- __)-}\""
}

configure() {
	[ -f /src/kernel_debug/vmlinux ] || die "the kernel's debug output has no vmlinux"
	readelf -S /src/kernel_debug/vmlinux 2>/dev/null | grep -q '\.debug_info' ||
		warn "vmlinux has no debug information: breakpoints work, source lines and module symbols do not (kernel.config.use: [debug])"
	[ -f /src/kernel_debug/vmlinux-gdb.py ] ||
		warn "the kernel was built without GDB_SCRIPTS: gdb will have no lx- commands"
}

# One line a module: name, unstripped files, source.
modules() {
	for input in $inputs; do
		case $input in
		module_*_debug)
			name=${input#module_}
			name=${name%_debug}
			printf '%s\t%s\t%s\n' "$name" "$(place "$input")" "$(place "modulesrc_$name")"
			;;
		esac
	done
}

build() {
	{
		echo '#!/bin/sh'
		echo '# SPDX-License-Identifier: MIT'
		echo '# rungdb: debugs the machine of this build. Made by the builder gdb; see --help.'
		echo 'set -u'
		echo
		word arch "${opt_arch:-x86_64}"
		word wait "${opt_wait:-}"
		word run "$in_run"
		word kernel_debug "$in_kernel_debug"
		word kernel_source "$(place kernel_source)"
		word modules "$(modules)"
		word breaks "${opt_breaks:-}"
		word commands "${opt_commands:-}"
		grep -v -e '^# shellcheck' -e '^# SPDX' "$script/rungdb.sh"
	} >rungdb
	chmod 755 rungdb
}

check() {
	sh -n rungdb
}

install() {
	mkdir -p "$out/bin" "$out/share/rungdb"
	cp rungdb "$out/bin/rungdb"
	cp "$script/kbuild.py" "$out/share/rungdb/kbuild.py"
}
