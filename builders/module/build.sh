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
	check_makefiles
	symvers=
	for input in $inputs; do
		case $input in
		symvers_*) symvers="$symvers /src/$input/Module.symvers" ;;
		esac
	done
}

# said NAME FILE...: `FILE:LINE VALUE` of the first NAME=VALUE, also in a rule's command.
said() {
	name=$1
	shift
	(cd "$moddir" && awk -v name="$name" '
		{ sub(/(^|[ \t])#.*/, "") }
		match($0, "(^|[ \t;])" name "[ \t]*[?:]?:?=[ \t]*[^ \t;$]+") {
			value = substr($0, RSTART, RLENGTH)
			sub(/[^=]*=[ \t]*/, "", value)
			print FILENAME ":" FNR " " value
			exit
		}
	' "$@")
}

# Nothing of these decides anything here, and a reader should not think so.
check_makefiles() {
	set --
	for makefile in Kbuild Makefile; do
		[ ! -f "$moddir/$makefile" ] || set -- "$@" "$makefile"
	done
	fixed=$(said ARCH "$@")
	case ${fixed#* } in
	'' | "$karch" | "$srcarch") ;;
	*) warn "module $opt_name: ${fixed%% *} says ARCH=${fixed#* }; built for $karch" ;;
	esac
	fixed=$(said CROSS_COMPILE "$@")
	case ${fixed#* } in
	*[\<\>]*) warn "module $opt_name: ${fixed%% *} says CROSS_COMPILE=${fixed#* }, which no shell would take; not used" ;;
	esac
	# What only cleans, or only calls others, is not asked to build something.
	grep -Eq 'obj-|include' "$moddir/$1" ||
		die "module $opt_name: its $1 names no module; expected a line such as obj-m := NAME.o"
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
