# SPDX-License-Identifier: MIT
# A folder with the files of `out`, beside lib/modules of `modules`, dev/ and, if there is
# one, debug/.

find_kernel() {
	tree=/src/prebuilt
	config=$tree/config
	devtree=$tree/dev
	release=
	for file in $tree/release $devtree/include/config/kernel.release; do
		[ -n "$release" ] || [ ! -f "$file" ] || release=$(cat "$file")
	done
	[ -f "$config" ] || config=$devtree/.config
	modtree=$tree/lib/modules/$release
	# Without an image it is for modules alone.
	image=
	[ ! -e "$tree/image" ] || image=$tree/image
}

install_out() {
	mkdir -p "$out"
	cp "$config" "$out/config"
	printf '%s\n' "$release" >"$out/release"
	[ ! -f "$tree/System.map" ] || cp "$tree/System.map" "$out/"
	[ -n "$image" ] || return 0
	name=$(readlink -f "$image")
	cp "$image" "$out/${name##*/}"
	[ -e "$out/image" ] || ln -s "${name##*/}" "$out/image"
}

install_modules() {
	mkdir -p "$modules/lib/modules"
	if [ -d "$modtree" ]; then
		cp -R "$modtree" "$modules/lib/modules/"
	else
		mkdir "$modules/lib/modules/$release"
	fi
}

install_dev() {
	mkdir -p "$dev"
	[ ! -d "$devtree" ] || cp -R "$devtree/." "$dev/"
}

install_debug() {
	mkdir -p "$debug"
	[ ! -d "$tree/debug" ] || cp -R "$tree/debug/." "$debug/"
}
