# SPDX-License-Identifier: MIT
# A kernel from packages or from a folder. Whoever made it, the outputs are those of the
# builder kernel, so nothing behind it can tell.

configure() {
	use_arch "$opt_arch"
	mkdir tree
	set -- /src/prebuilt/linux-image-*.deb
	if [ -f "$1" ]; then
		for package in /src/prebuilt/*.deb; do
			unpack "$package"
		done
		. "$script/debian.sh"
	else
		. "$script/folder.sh"
	fi
	find_kernel
	check_release
	check_needs
	check_compiler
}

# unpack DEB: what a kernel is made of, without what is for people to read.
unpack() {
	member=$(ar t "$1" | sed -n '/^data\.tar/p')
	case $member in
	*.xz) set -- "$1" xz -dc ;;
	*.zst) set -- "$1" zstd -dc ;;
	*.gz) set -- "$1" gzip -dc ;;
	*.tar) set -- "$1" cat ;;
	*) die "${1##*/} is no package" ;;
	esac
	deb=$1
	shift
	{ ar p "$deb" "$member" || : >unpack.failed; } | { "$@" || : >unpack.failed; } |
		tar -C tree -xf - --no-same-owner --no-same-permissions --exclude='./usr/share/*' ||
		die "${deb##*/} cannot be unpacked"
	[ ! -e unpack.failed ] || die "${deb##*/} cannot be unpacked"
}

check_release() {
	[ -n "$release" ] || die "the kernel does not say its release"
	[ -f "$config" ] || die "kernel $release comes without its configuration"
	[ "$(config_value "$config" MODULES)" = y ] || return 0
	[ -f "$devtree/Module.symvers" ] || die "kernel $release comes without Module.symvers, which modules need"
	[ -z "$image" ] || [ -d "$modtree" ] || die "kernel $release comes without its modules"
}

# One word of a message: quoted when it would not be one.
word() {
	case $1 in
	'' | *[!A-Za-z0-9_./+-]*) printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')" ;;
	*) printf %s "$1" ;;
	esac
}

# A configuration that cannot be changed is still compared with what modules need.
check_needs() {
	printf '%s\n' "$opt_needs" | grep . >needs || :
	refused=
	while IFS='=' read -r symbol asked; do
		got=$(config_value "$config" "$symbol")
		got=${got#\"}
		got=${got%\"}
		[ "$got" != "$asked" ] || continue
		printf '@kbuild ungranted %s %s %s\n' "$symbol" "$(word "$asked")" "$(word "$got")"
		refused=1
	done <needs
	[ -z "$refused" ] || exit 4
}

# Modules of another compiler mostly work, and fail in odd ways when they do not.
check_compiler() {
	number=$(config_value "$config" GCC_VERSION)
	case $number in
	n | 0 | *[!0-9]*) return 0 ;;
	esac
	theirs=$((number / 10000))
	ours=$("${cross}gcc" -dumpversion)
	ours=${ours%%.*}
	[ "$theirs" != "$ours" ] || return 0
	if [ -n "$opt_suite" ]; then
		hint="toolchain: debian/$opt_suite has that one"
	else
		hint="toolchain: debian/SUITE/gcc-$theirs may have that one"
	fi
	warn "the kernel was built with gcc $theirs, modules will be with gcc $ours; $hint"
}

install() {
	install_out
	install_modules
	install_dev
	install_debug
}
