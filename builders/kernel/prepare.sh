# SPDX-License-Identifier: MIT
# A kernel that is only prepared: everything that building a module reads, but nothing
# compiled for the target. What is missing then is Module.symvers, the list of exported
# symbols. It is the target's, or made of the names that the source exports.

check_prepare() {
	has MODULES || die "this kernel has no modules: CONFIG_MODULES=n"
	if has MODVERSIONS && ! has_input symvers; then
		echo "this kernel compares symbol versions (CONFIG_MODVERSIONS), and nothing here knows them" |
			refuse "give its Module.symvers with kernel.symvers, or build: full"
	fi
}

make_symvers() {
	if has_input symvers; then
		cp /src/symvers "$objtree/Module.symvers"
		return
	fi
	source_exports >exported
	if has_input exports; then
		awk -F '\t' '
			FILENAME == "exported" { kind[$1] = $0; next }
			NF { print $1 in kind ? kind[$1] : $1 "\tEXPORT_SYMBOL\t" }
		' exported /src/exports >exported.target
		mv exported.target exported
	fi
	version=$(kmake /src/source O="$objtree" --no-print-directory -s kernelversion | tail -n 1)
	LC_ALL=C sort -u exported | awk -F '\t' -v version="$version" '
		BEGIN {
			split(version, part, ".")
			number = part[1] * 1000 + part[2]
		}
		seen[$1]++ { next }
		number < 5004 { print "0x00000000\t" $1 "\tvmlinux\t" $2; next }
		number < 5006 { print "0x00000000\t" $1 "\t" $3 "\tvmlinux\t" $2; next }
		{ print "0x00000000\t" $1 "\tvmlinux\t" $2 "\t" $3 }
	' >"$objtree/Module.symvers"
}

# Lines NAME TAB EXPORT_SYMBOL[_GPL] TAB NAMESPACE, of this architecture and all drivers.
source_exports() {
	cd /src/source
	find . -name 'Makefile*' -type f -exec grep -H DEFAULT_SYMBOL_NAMESPACE {} + >/build/namespaces || :
	find . \( -path ./Documentation -o -path ./tools -o -path ./samples -o -path ./scripts \
		-o -path './arch/*' ! -path "./arch/$srcarch" ! -path "./arch/$srcarch/*" \) -prune \
		-o -type f \( -name '*.c' -o -name '*.S' -o -name '*.h' \) -print0 |
		xargs -0 grep -HE '(EXPORT_[A-Z_]+ ?\(|define[[:space:]]+DEFAULT_SYMBOL_NAMESPACE)' >/build/lines
	# A name that is put together stands only where the macro is used.
	sed -n 's/^\([^:]*\.c\):.*/\1/p' /build/lines | sort -u | tr '\n' '\0' |
		xargs -0 awk -f "$script/macros.awk" >/build/more.lines
	awk -f "$script/exports.awk" /build/namespaces /build/lines /build/more.lines
	thunks=arch/$srcarch/include/asm/GEN-for-each-reg.h
	[ ! -f "$thunks" ] ||
		sed -n 's/^GEN(\([a-z0-9]*\))$/__x86_indirect_thunk_\1\tEXPORT_SYMBOL\t/p' "$thunks"
	cd /build
}
