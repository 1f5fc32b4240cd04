# SPDX-License-Identifier: MIT
# A kernel that is to be like one that runs: is it? All that a module inherits of its kernel
# is compared before one is built.

check_target() {
	gzip -dcf /src/target_config >target.config || die "the target's config: cannot unpack the file"
	check_release
	check_config
	check_compiler
}

# two_lines A WORDS B WORDS: both texts below each other, and where they begin to differ.
two_lines() {
	A=$2 B=$4 awk -v a="$1" -v b="$3" 'BEGIN {
		one = ENVIRON["A"]
		two = ENVIRON["B"]
		while (++i <= length(one) && substr(one, i, 1) == substr(two, i, 1))
			continue
		printf "    %-8s%s\n    %-8s%s\n    %*s^\n", a ":", one, b ":", two, 7 + i, ""
	}'
}

check_release() {
	got=$(kmake /src/source O="$objtree" --no-print-directory -s kernelrelease | tail -n 1)
	[ "$got" != "$opt_release" ] || return 0
	version=$(kmake /src/source O="$objtree" --no-print-directory -s kernelversion | tail -n 1)
	{
		echo "the source makes another release than the target has"
		two_lines target "$opt_release" source "$got"
	} >differs
	case $opt_release in
	"$version"[!0-9]* | "$version") refuse "the source adds to its release itself: look for files localversion* and EXTRAVERSION in it" <differs ;;
	*) refuse "kernel.source is version $version: take the one of the target, or mend its release if that is wrong" <differs ;;
	esac
}

# Both files, what the recipe asked for, what this source knows: see compare.awk.
check_config() {
	printf '%s\n' "$opt_asked" >asked
	find /src/source -name 'Kconfig*' -type f -exec \
		sed -n 's/^[ \t]*\(menu\)\{0,1\}config[ \t]\{1,\}\([A-Za-z0-9_]\{1,\}\).*/\2/p' {} + >symbols
	# Kconfig's own files mention every symbol that counts, others what somebody thought of.
	complete=1
	if ! grep -q '^# Automatically generated file' target.config; then
		complete=0
		warn "the target's config is no file of Kconfig's: only what it mentions is compared"
	fi
	awk -v complete=$complete -f "$script/compare.awk" asked symbols target.config "$objtree/.config" >differs
	sed -n 's/^unknown //p' differs >unknown
	if [ -s unknown ]; then
		warn "the source lacks $(wc -l <unknown) symbols that the target's configuration sets: $(head -n 12 unknown | tr '\n' ' ')"
	fi
	sed -n 's/^differs //p' differs | sort >different
	[ -s different ] || return 0
	{
		echo "the configuration is not the target's: $(wc -l <different) symbols differ"
		head -n 20 different | sed 's/^/    /'
	} >differs
	refuse "what is meant to differ, say in config.set; else the source or the toolchain is not the target's" <differs
}

# The version of a compiler out of what kernels say of it.
compiler_version() {
	printf '%s\n' "$1" | sed 's/, [^,]*ld.*//' | awk '{
		while (sub(/\([^()]*\)/, ""))
			continue
		for (i = 1; i <= NF; i++)
			if ($i ~ /^[0-9]+\.[0-9]+/)
				found = $i
	} END { print found }'
}

toolchain_of_gcc() {
	case ${1%%.*} in
	4) echo debian/8 ;;
	6) echo debian/9 ;;
	7) echo debian/10/gcc-7 ;;
	8) echo debian/10 ;;
	9) echo debian/11/gcc-9 ;;
	10) echo debian/11 ;;
	11) echo debian/12/gcc-11 ;;
	12) echo debian/12 ;;
	13) echo debian/13/gcc-13 ;;
	14) echo debian/13 ;;
	esac
}

check_compiler() {
	theirs=$opt_compiler
	[ -n "$theirs" ] || theirs=$(sed -n 's/^CONFIG_CC_VERSION_TEXT="\(.*\)"$/\1/p' target.config)
	case $theirs in
	*clang*)
		warn "the target's kernel was built by clang, this toolchain is gcc"
		return
		;;
	esac
	version=$(compiler_version "$theirs")
	ours=$("${cross}gcc" -dumpfullversion -dumpversion)
	[ -n "$version" ] && [ "${version%%.*}" != "${ours%%.*}" ] || return 0
	match=$(toolchain_of_gcc "$version")
	warn "the target's kernel was built by gcc $version, this toolchain is gcc $ours${match:+; \`toolchain: $match\` would match}"
}

# A module is built against what others will get, to see what it says of itself.
check_vermagic() {
	mkdir probe
	echo 'obj-m := probe.o' >probe/Makefile
	printf '#include <linux/module.h>\nMODULE_LICENSE("GPL");\nMODULE_DESCRIPTION("a probe");\n' >probe/probe.c
	kmake "$dev" M=/build/probe modules
	ours=$(modinfo -F vermagic probe/probe.ko)
	theirs=${opt_vermagic:-$ours}
	# Whoever copied it from a screen lost the blank at its end.
	if [ "${ours% }" != "${theirs% }" ]; then
		{
			echo "modules of this kernel would not be what the target takes"
			two_lines target "$theirs" here "$ours"
		} >differs
		refuse "the target's config is not that of the kernel which runs there; copy it again" <differs
	fi
	[ -z "$opt_vermagic" ] || printf '%s\n' "$ours" >"$dev/vermagic"
	! has_input exports || LC_ALL=C sort -u /src/exports >"$dev/exports"
}
