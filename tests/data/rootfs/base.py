# SPDX-License-Identifier: MIT
"""base.py ARCHIVE [PATH=FILE ...]: a root file system as buildroot makes them, as newc.

A busybox (not a real one unless bin/busybox=FILE is given) with 310 links to it, init
scripts, device nodes, a setuid program, odd owners, empty folders, names that share a
file, times that differ. Written by hand: no root is needed.
"""
import stat
import sys

APPLETS = """[ [[ ash cat chmod chown cp date dd df dmesg echo egrep false fgrep getty grep gunzip
gzip halt hostname ifconfig init insmod ip kill klogd ln login ls lsmod mkdir mknod mktemp
modprobe more mount mountpoint mv netstat nice pidof ping poweroff printf ps pwd reboot rm
rmdir rmmod sed seq sh sleep stty sync syslogd tail tar touch true tty udhcpc umount uname
usleep vi wc yes zcat""".split()
RC_S = b"""#!/bin/sh
for i in /etc/init.d/S??*; do
	[ -f "$i" ] || continue
	case "$i" in
	*.sh) . "$i" ;;
	*) "$i" start ;;
	esac
done
"""
INITTAB = b"""::sysinit:/bin/mount -t proc proc /proc
::sysinit:/bin/mount -t sysfs sysfs /sys
::sysinit:/bin/mount -t devtmpfs devtmpfs /dev
::sysinit:/etc/init.d/rcS
console::respawn:-/bin/sh
::shutdown:/bin/umount -a -r
"""


class Archive:
    def __init__(self, name):
        self.out, self.ino, self.size = open(name, "wb"), 0, 0

    def add(self, name, mode, body=b"", owner=(0, 0), rdev=(0, 0), links=1, ino=None, mtime=None):
        if ino is None:
            self.ino += 1
            ino = self.ino
        mtime = 1500000000 + self.ino if mtime is None else mtime
        raw = name.encode() + b"\0"
        fields = (ino, mode, *owner, links, mtime, len(body), 8, 1, *rdev, len(raw), 0)
        data = b"070701" + b"".join(b"%08x" % field for field in fields) + raw
        data += bytes(-len(data) % 4) + body + bytes(-len(body) % 4)
        self.size += self.out.write(data)

    def link(self, name, target):
        self.add(name, stat.S_IFLNK | 0o777, target.encode())

    def file(self, name, body, mode=0o644, **more):
        self.add(name, stat.S_IFREG | mode, body, **more)

    def folder(self, name, mode=0o755, **more):
        self.add(name, stat.S_IFDIR | mode, links=2, **more)

    def close(self):
        self.add("TRAILER!!!", 0, ino=0, mtime=0)
        self.out.write(bytes(-self.size % 512))
        self.out.close()


def main():
    archive = Archive(sys.argv[1])
    given = dict(word.split("=", 1) for word in sys.argv[2:])
    files = {name: open(path, "rb").read() for name, path in given.items()}

    archive.folder(".")
    for name in ("bin", "dev", "etc", "etc/init.d", "etc/network", "home", "lib", "lib/modules", "mnt",
                 "opt", "proc", "root", "run", "sbin", "sys", "usr", "usr/bin", "usr/lib", "usr/sbin",
                 "var", "var/empty", "var/lib"):
        archive.folder(name, 0o700 if name == "root" else 0o755)
    archive.folder("tmp", 0o1777)
    archive.folder("home/user", 0o2750, owner=(1000, 1001))
    archive.link("lib64", "lib")
    archive.link("usr/lib64", "lib")
    archive.link("var/run", "../run")
    archive.link("linuxrc", "bin/busybox")
    archive.link("init", "sbin/init")
    archive.file("bin/busybox", files.pop("bin/busybox", b"no program\n"), 0o4755)
    for name in APPLETS:
        where = "sbin" if name in ("init", "insmod", "modprobe", "halt", "poweroff", "reboot") else "bin"
        archive.link(f"{where}/{name}", "../bin/busybox" if where == "sbin" else "busybox")
    for number in range(310 - len(APPLETS)):
        archive.link(f"usr/bin/applet-{number}", "../../bin/busybox")
    archive.file("etc/inittab", INITTAB)
    archive.file("etc/init.d/rcS", RC_S, 0o755)
    for number, name in ((1, "syslogd"), (2, "klogd"), (20, "urandom"), (40, "network")):
        archive.file(f"etc/init.d/S{number:02}{name}", f"#!/bin/sh\necho {name} $1\n".encode(), 0o755)
    archive.file("etc/passwd", b"root::0:0:root:/root:/bin/sh\nuser:x:1000:1001::/home/user:/bin/sh\n")
    archive.file("etc/shadow", b"root::10933:0:99999:7:::\n", 0o600)
    archive.file("home/user/.profile", b"umask 027\n", 0o640, owner=(1000, 1001))
    archive.file("var/lib/big", bytes(range(256)) * 301, 0o604, owner=(65534, 4294967294))
    archive.file("var/lib/none", b"")
    inode = archive.ino = archive.ino + 1
    for name in ("usr/lib/one", "usr/lib/two"):
        archive.file(name, b"", links=3, ino=inode)
    archive.file("etc/three", b"three names\n", links=3, ino=inode)
    archive.add("dev/console", stat.S_IFCHR | 0o600, rdev=(5, 1))
    archive.add("dev/ttyAMA0", stat.S_IFCHR | 0o660, owner=(0, 5), rdev=(204, 64))
    archive.add("dev/mmcblk0p1", stat.S_IFBLK | 0o640, rdev=(179, 1048575))
    archive.add("run/initctl", stat.S_IFIFO | 0o600)
    for name, body in sorted(files.items()):
        parts = name.split("/")
        for end in range(3, len(parts)):
            archive.folder("/".join(parts[:end]))
        archive.file(name, body, 0o755)
    archive.close()


main()
