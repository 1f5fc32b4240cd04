# SPDX-License-Identifier: MIT
# Programs into /bin, and into /lib the libraries they need, found by walking DT_NEEDED:
# first in the programs' own trees, then in the toolchain if it is for the same machine.

add_bins() {
	: >elf.todo
	for input in $inputs; do
		case $input in
		bin_*) add_bin "/src/$input" "${input#bin_}" ;;
		esac
	done
	: >libs.done
	while [ -s elf.todo ]; do
		mv elf.todo elf.now
		: >elf.todo
		while read -r elf; do
			add_libs "$elf"
		done <elf.now
	done
}

# add_bin TREE NAME: the program of that name if the tree has one, else all its programs.
add_bin() {
	if [ -f "$1" ]; then
		add_program "$1" "$2"
		return
	fi
	for dir in usr/bin bin usr/sbin sbin .; do
		[ -f "$1/$dir/$2" ] || continue
		add_program "$1/$dir/$2" "$2"
		return
	done
	find "$1/usr/bin" "$1/bin" "$1/usr/sbin" "$1/sbin" -maxdepth 1 -type f -perm -100 \
		2>/dev/null | sort >programs || :
	[ -s programs ] || find "$1" -maxdepth 1 -type f -perm -100 | sort >programs
	[ -s programs ] || die "initramfs.bins: $2 has no program"
	while read -r program; do
		add_program "$program" "${program##*/}"
	done <programs
}

is_elf() {
	[ "$(head -c 4 "$1" | tr '\177' '?')" = '?ELF' ]
}

add_program() {
	add "/bin/$2" 0755 file "$1"
	if [ -f applets ] && grep -qxF "$2" applets; then
		warn "initramfs.bins: busybox has its own $2, which its shell may prefer; call /bin/$2"
	fi
	if is_elf "$1"; then
		check_machine "$1"
		echo "$1" >>elf.todo
	fi
}

add_libs() {
	{
		readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
		readelf -lW "$1" | sed -n 's,.*program interpreter: .*/\([^]/]*\)\],\1,p'
	} >needed
	while read -r lib_name; do
		! grep -qxF "$lib_name" libs.done || continue
		echo "$lib_name" >>libs.done
		find_lib "$lib_name" || die "initramfs.bins: ${1##*/} needs $lib_name, which is nowhere"
		add "/lib/$lib_name" 0755 file "$lib_file"
		echo "$lib_file" >>elf.todo
	done <needed
}

find_lib() {
	for input in $inputs toolchain; do
		case $input in
		bin_*) tree=/src/$input ;;
		toolchain) tree= ;;
		*) continue ;;
		esac
		for dir in "usr/lib/$triplet" "lib/$triplet" usr/lib lib usr/lib64 lib64 "usr/$triplet/lib"; do
			lib_file=$tree/$dir/$1
			[ ! -f "$lib_file" ] || [ "$(machine_of "$lib_file")" != "$(machine_of /src/guest/bin/init)" ] ||
				return 0
		done
	done
	return 1
}
