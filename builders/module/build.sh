# SPDX-License-Identifier: MIT
# Out-of-tree modules. Kbuild is called directly, so a Makefile's own way of finding the
# kernel does not matter; the usual names for that are set all the same.

configure() {
	use_arch "$opt_arch"
	moddir=/build/$opt_name
	[ -f /src/dev/Module.symvers ] || die "the kernel has no modules: CONFIG_MODULES=n"
	release=$(cat /src/dev/include/config/kernel.release)
	for makefile in Kbuild Makefile ''; do
		[ -n "$makefile" ] || die "module $opt_name: expected a Makefile or a Kbuild file in its folder"
		[ ! -f "/src/source/$makefile" ] || break
	done
	cp -R /src/source "$moddir"
	chmod -R u+w "$moddir"
	find "$moddir" \( -name '*.ko' -o -name '*.o' -o -name '*.cmd' -o -name '*.mod' \) -type f \
		-exec rm -f {} +
	check_arch
	symvers=
	for input in $inputs; do
		case $input in
		symvers_*) symvers="$symvers /src/$input/Module.symvers" ;;
		esac
	done
}

check_arch() {
	for makefile in Makefile Kbuild; do
		[ -f "$moddir/$makefile" ] || continue
		fixed=$(sed -n 's/^[ \t]*\(export[ \t]\{1,\}\)\{0,1\}ARCH[ \t]*[?:]\{0,1\}=[ \t]*\([a-z0-9_]\{1,\}\).*/\2/p' \
			"$moddir/$makefile" | head -n 1)
		[ -z "$fixed" ] || [ "$fixed" = "$karch" ] ||
			warn "module $opt_name: its $makefile says ARCH=$fixed; built for $karch"
	done
}

build() {
	set -- M="$moddir"
	for variable in KDIR KERNELDIR KERNEL_DIR KERNEL_SRC KSRC KHEAD KBUILD_DIR LINUX_SRC; do
		set -- "$@" "$variable=/src/dev"
	done
	[ -z "$symvers" ] || set -- "$@" KBUILD_EXTRA_SYMBOLS="${symvers# }"
	printf '%s\n' "$opt_make" | grep . >variables || :
	while IFS= read -r variable; do
		set -- "$@" "$variable"
	done <variables
	kmake /src/dev "$@" modules
}

check() {
	(cd "$moddir" && find . -name '*.ko' -type f) | sed 's,^\./,,' | sort >kofiles
	[ -s kofiles ] || die "module $opt_name: make made no .ko; does its Makefile set obj-m?"
}

install() {
	target=$out/lib/modules/$release/$opt_install
	while read -r ko; do
		mkdir -p "$(dirname "$target/$ko")" "$(dirname "$debug/$ko")"
		cp "$moddir/$ko" "$debug/$ko"
		"${cross}strip" --strip-debug -o "$target/$ko" "$moddir/$ko"
		printf '@kbuild loads %s /src/dev\n' "$target/$ko"
	done <kofiles
	for exported in "$moddir/Module.symvers" $symvers; do
		printf '@kbuild symvers %s /src/dev\n' "$exported"
	done
	cp "$moddir/Module.symvers" "$out/Module.symvers"
}
