# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154 # $script and $out come from outside
# The toolchain's busybox is for the machine that the recipe builds for.

applets='[ ash awk cat chmod cp dmesg echo false grep halt hostname init insmod kill ln ls lsmod mkdir mknod
modprobe mount mv poweroff ps pwd reboot rm rmmod sed sh sleep sync tail test touch true umount uname'

build() {
	mkdir -p root/bin root/dev root/etc/init.d root/lib root/proc root/root root/run root/sys root/tmp
	cp "$(command -v busybox)" root/bin/busybox
	for applet in $applets; do
		ln -s busybox "root/bin/$applet"
	done
	ln -s bin root/sbin
	cp "$script/init" root/init
	cp "$script/inittab" root/etc/inittab
	cp "$script/rcS" root/etc/init.d/rcS
	chmod 755 root/bin/busybox root/init root/etc/init.d/rcS
	find root -exec touch -h -d @0 {} +
	(cd root && find . | sort | cpio --quiet --reproducible -o -H newc -R 0:0) | gzip -n -9 >rootfs.cpio.gz
}

install() {
	mkdir -p "$out"
	cp rootfs.cpio.gz "$out/"
}
