# SPDX-License-Identifier: MIT
# An archive that the kernel unpacks at boot, from a list of entries (see cpio.py); no root, no staging of
# owners or nodes. With a base it is that archive and what is added; without one, a small userland of ours, in
# which /sbin, /usr/bin and /usr/sbin are links to /bin, so that a program is found by any usual path.

configure() {
	use_arch "$opt_arch"
	release=$(cat /src/kernel/release)
	case " $inputs " in
	*' base '*) base=/src/base ;;
	*) base= ;;
	esac
	check_kernel
	. "$script/modules.sh"
	. "$script/bins.sh"
	. "$script/base.sh"
	: >list
}

# add PATH MODE KIND SOURCE: one entry of root's.
add() {
	printf '%s\t%s\t0:0\t%s\t%s\n' "$1" "$2" "$3" "${4-}" >>list
}

check_kernel() {
	[ "$(config_value /src/kernel/config BLK_DEV_INITRD)" = y ] ||
		die "the kernel cannot boot an initramfs: CONFIG_BLK_DEV_INITRD=n"
	[ "$opt_compress" != none ] || return 0
	symbol=RD_$(printf %s "$opt_compress" | tr '[:lower:]' '[:upper:]')
	[ "$(config_value /src/kernel/config "$symbol")" = y ] ||
		die "$name.compress is $opt_compress, but the kernel has CONFIG_$symbol=n"
}

build() {
	if [ -n "$base" ]; then
		look_into_base
	else
		add_skeleton
		add_init
		add_busybox
	fi
	add_modules
	add_bins
	printf '%s\n' "$opt_files" | grep . >>list || :
	image=$name.cpio
	python3 "$script/cpio.py" list "$image" contents.txt ${base:+"$base"}
	case $opt_compress in
	gzip) gzip -n -9 "$image" && image=$image.gz ;;
	zstd) zstd -q -19 -T1 --rm "$image" && image=$image.zst ;;
	xz) xz -6 -T1 --check=crc32 "$image" && image=$image.xz ;;
	lz4) lz4 -q -l -9 --rm "$image" "$image.lz4" && image=$image.lz4 ;;
	esac
}

add_skeleton() {
	for dir in bin dev etc etc/kbuild lib mnt modules proc root run sys usr var; do
		add /$dir 0755 dir
	done
	add /tmp 1777 dir
	for link in sbin:bin lib64:lib usr/bin:../bin usr/sbin:../bin usr/lib:../lib \
		usr/lib64:../lib var/run:../run; do
		add "/${link%:*}" 0777 link "${link#*:}"
	done
	# The kernel opens this one for us before anything is mounted.
	add /dev/console 0600 node 5:1
	add /dev/null 0666 node 1:3
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >passwd
	printf 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n' >group
	# shellcheck disable=SC2016 # for the guest's shell
	printf '%s\n' 'export PS1="kbuild:\w# "' >profile
	for file in passwd group profile; do
		add /etc/$file 0644 file /build/$file
	done
}

add_init() {
	case " $inputs " in
	*' init '*)
		add /init 0755 file /src/init
		add /bin/kbuild-init 0755 file /src/guest/bin/init
		;;
	*) add /init 0755 file /src/guest/bin/init ;;
	esac
}

add_busybox() {
	case $opt_busybox in
	toolchain) busybox=$(command -v busybox) || die "not in the toolchain: busybox" ;;
	tree)
		for busybox in /src/busybox/usr/bin/busybox /src/busybox/bin/busybox /src/busybox/busybox; do
			[ ! -f "$busybox" ] || break
		done
		[ -f "$busybox" ] || die "initramfs.busybox: the tree has no bin/busybox"
		;;
	none) return 0 ;;
	esac
	check_machine "$busybox"
	! readelf -lW "$busybox" | grep -q INTERP || die "initramfs.busybox: $busybox is not static"
	add /bin/busybox 0755 file "$busybox"
	python3 "$script/applets.py" "$busybox" >applets
	while read -r applet; do
		[ "$applet" = busybox ] || add "/bin/$applet" 0777 link busybox
	done <applets
}

machine_of() {
	readelf -hW "$1" | sed -n 's/^ *Machine: *//p'
}

# check_machine FILE: it is a program for the machine our init is for.
check_machine() {
	[ "$(machine_of "$1")" = "$(machine_of /src/guest/bin/init)" ] ||
		die "initramfs: $1 is for $(machine_of "$1"), the guest is not"
}

install() {
	mkdir -p "$out"
	cp "$image" contents.txt "$out/"
	ln -s "$image" "$out/image"
}
