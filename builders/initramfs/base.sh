# SPDX-License-Identifier: MIT
# What is to be known of a base before it is added to: the modules that it brings.

look_into_base() {
	[ -f "$base" ] || die "$name.base is a folder; expected an archive (name the file in it: .../rootfs.cpio.gz)"
	python3 "$script/cpio.py" --extract "$base" /lib/modules /build/base
	mkdir -p "base/$lib/$release"
	for folder in "base/$lib"/*; do
		other=${folder##*/}
		[ "$other" = "$release" ] ||
			warn "the base has modules for kernel $other; this one is $release and looks in $lib/$release"
	done
	find base -name '*.ko' -o -name '*.ko.gz' -o -name '*.ko.xz' -o -name '*.ko.zst' | sort >base.modules
	while read -r file; do
		echo "@kbuild may-load /build/$file /src/dev"
	done <base.modules
}
