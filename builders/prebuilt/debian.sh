# SPDX-License-Identifier: MIT
# The packages, unpacked below tree/. Their header files are two trees that name each other
# by absolute paths, and programs in a third: one tree of all of it works anywhere.

find_kernel() {
	set -- tree/boot/vmlinuz-*
	[ -f "$1" ] || die "the image package has no boot/vmlinuz"
	image=$1
	release=${1#tree/boot/vmlinuz-}
	config=tree/boot/config-$release
	modtree=
	for lib in tree/lib tree/usr/lib; do
		[ ! -d "$lib/modules/$release" ] || modtree=$lib/modules/$release
	done
	devtree=tree/usr/src/linux-headers-$release
	[ -d "$devtree" ] || die "there are no headers of kernel $release"
}

install_out() {
	mkdir -p "$out"
	cp "$image" "$config" "$out/"
	mv "$out/config-$release" "$out/config"
	ln -s "vmlinuz-$release" "$out/image"
	# Debian's is a stub that says in which package the real one is.
	[ ! -f "tree/boot/System.map-$release" ] || cp "tree/boot/System.map-$release" "$out/System.map"
	printf '%s\n' "$release" >"$out/release"
}

install_modules() {
	mkdir -p "$modules/lib/modules"
	mv "$modtree" "$modules/lib/modules/$release"
	rm -f "$modules/lib/modules/$release/build" "$modules/lib/modules/$release/source"
	depmod -b "$modules" "$release"
}

install_dev() {
	mkdir -p "$dev"
	set -- tree/usr/src/linux-headers-*-common*
	if [ -d "$1" ]; then
		# Of the other architectures no module has use.
		find "$1/arch" -mindepth 1 -maxdepth 1 ! -name "$srcarch" -exec rm -rf {} +
		rm -f "$1/scripts" "$1/tools" "$devtree/Makefile" "$devtree/scripts" "$devtree/tools"
		cp -R "$1/." "$dev/"
	fi
	set -- tree/usr/lib/linux-kbuild-*
	[ ! -d "$1" ] || cp -R "$1/." "$dev/"
	cp -R "$devtree/." "$dev/"
	# Debian says its release in .kernelvariables, and there a gcc of just its name.
	printf '%s\n' "$release" >"$dev/include/config/kernel.release"
	echo 'DEBIAN_KERNEL_NO_CC_VERSION_CHECK = y' >"$dev/.kernelvariables"
}

# vmlinux is in a package of a gigabyte.
install_debug() {
	mkdir -p "$debug"
}
