# SPDX-License-Identifier: MIT
"""Archives that a kernel unpacks at boot: any number of newc archives, each as it is or
packed, one after the other, with zeros between them (Documentation/driver-api/early-userspace).

read() gives their entries as the kernel would make files of them, write() one archive. What
an archive of others holds is not trusted: what a kernel would refuse is an error here, and
so is what nobody means to have.
"""
import bz2
import lzma
import os
import posixpath
import re
import stat
import subprocess
import sys
import threading
import zlib

BYTES_MAX = 1 << 30
ENTRIES_MAX = 1 << 20
NAME_MAX = 4096
KINDS = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO,
         stat.S_IFSOCK)


def fail(text):
    print(f"@kbuild error {os.environ.get('name', 'cpio')}: {text}")
    sys.exit(1)


def warn(text):
    print(f"@kbuild warn {text}")


class Entry:
    """A file, folder, link or node. Names of one file (hard links) share the Data."""

    def __init__(self, mode, owner=(0, 0), mtime=0, rdev=(0, 0), data=None):
        self.mode, self.owner, self.mtime, self.rdev = mode, owner, mtime, rdev
        self.data = data or Data()

    @property
    def link(self):
        """The target of a symbolic link, else None."""
        return os.fsdecode(self.data.bytes()) if stat.S_ISLNK(self.mode) else None


class Data:
    """Bytes, or the name of the file that has them."""

    def __init__(self, data=b"", file=None):
        self.data, self.file = data, file

    def bytes(self):
        if self.file is None:
            return bytes(self.data)
        with open(self.file, "rb") as file:
            return file.read()


# ---- places


def resolve(entries, path):
    """The path without links among its parents."""
    parent, name = posixpath.split(posixpath.normpath("/" + path.lstrip("/")))
    for _ in range(40):
        where = "/"
        for part in parent.split("/")[1:]:
            where = posixpath.join(where, part)
            entry = entries.get(where)
            if entry and entry.link is not None:
                rest = parent[len(where):].lstrip("/")
                target = posixpath.join(posixpath.dirname(where), entry.link, rest)
                parent = posixpath.normpath(target)
                break
        else:
            return posixpath.join(parent, name)
    fail(f"too many links on the way to {path}")


def place(entries, path, entry):
    """Puts an entry where the kernel would; what was there before gives way."""
    path = resolve(entries, path)
    old = entries.get(path)
    if old and stat.S_ISDIR(old.mode) != stat.S_ISDIR(entry.mode):
        fail(f"{path} is a folder and something else, too")
    entries[path] = entry
    return old


def add_parents(entries):
    for path in list(entries):
        while path != "/":
            path = posixpath.dirname(path)
            if path != "/":
                entries.setdefault(path, Entry(stat.S_IFDIR | 0o755))


# ---- packed members


def zlib_member(data):
    unpacker = zlib.decompressobj(31)
    out = unpacker.decompress(data, BYTES_MAX)
    return out, len(data) - len(unpacker.unused_data), unpacker.eof


def stream_member(unpacker):
    def unpack(data):
        out = unpacker.decompress(data, BYTES_MAX)
        return out, len(data) - len(unpacker.unused_data), unpacker.eof
    return unpack


def number(data, at, size):
    if at + size > len(data):
        raise EOFError
    return int.from_bytes(data[at:at + size], "little")


def zstd_end(data):
    """Where a frame ends (RFC 8878): its header says how blocks are counted."""
    head = number(data, 4, 1)
    single = head >> 5 & 1
    at = 5 + (not single) + (0, 1, 2, 4)[head & 3] + (single, 2, 4, 8)[head >> 6]
    while True:
        block = number(data, at, 3)
        at += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
        if block & 1:
            return at + (4 if head >> 2 & 1 else 0)


def lz4_end(data):
    """Where the blocks of the legacy format end: at what can be no block's size."""
    at = 4
    while at + 4 <= len(data):
        size = number(data, at, 4)
        if size == 0 or size > (8 << 20) + (8 << 20) // 255 + 16:
            break
        at += 4 + size
    return at


def feed(pipe, data):
    try:
        with pipe:
            pipe.write(data)
    except BrokenPipeError:
        pass


def program_member(end_of, *command):
    def unpack(data):
        end = end_of(data)
        if end > len(data):
            raise EOFError
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as program:
            feeder = threading.Thread(target=feed, args=(program.stdin, data[:end]))
            feeder.start()
            out = program.stdout.read(BYTES_MAX)
            if len(out) == BYTES_MAX:
                program.kill()
            feeder.join()
        return out, end, program.returncode == 0
    return unpack


FORMATS = (
    (b"\x1f\x8b", "gzip", lambda: zlib_member),
    (b"\xfd7zXZ\0", "xz", lambda: stream_member(lzma.LZMADecompressor(lzma.FORMAT_XZ))),
    (b"\x5d\0\0", "lzma", lambda: stream_member(lzma.LZMADecompressor(lzma.FORMAT_ALONE))),
    (b"BZh", "bzip2", lambda: stream_member(bz2.BZ2Decompressor())),
    (b"\x28\xb5\x2f\xfd", "zstd", lambda: program_member(zstd_end, "zstd", "-qdc")),
    (b"\x02\x21\x4c\x18", "lz4", lambda: program_member(lz4_end, "lz4", "-qdc")),
)


def unpack_member(data, at):
    """The bytes of the packed member at `at`, and where it ends."""
    data = data[at:]
    for magic, name, make in FORMATS:
        if data[:len(magic)] != magic:
            continue
        try:
            out, used, whole = make()(data)
        except (zlib.error, lzma.LZMAError, OSError, EOFError) as error:
            fail(f"the base is damaged: {name} at byte {at}: {str(error) or 'it ends too early'}")
        if len(out) >= BYTES_MAX:
            fail(f"the base holds more than {BYTES_MAX >> 20} MiB")
        if not whole:
            fail(f"the base: {name} at byte {at} is damaged, or ends too early")
        return out, at + used
    if data[:4] == b"\x04\x22\x4d\x18":
        fail("the base is an lz4 frame, which no kernel unpacks (lz4 -l packs for kernels)")
    if data[:5] == b"07070" or data[:2] in (b"\xc7\x71", b"\x71\xc7"):
        fail(f"the base is no newc archive at byte {at} (cpio -H newc makes one)")
    fail(f"the base is no archive that a kernel unpacks: {bytes(data[:4]).hex(' ')} at byte {at}")


# ---- reading


class Reader:
    def __init__(self):
        self.entries = {}
        self.count = 0
        self.links = {}
        self.absolute = []
        self.twice = []

    def header(self, data, at):
        head = bytes(data[at:at + 110])
        if len(head) < 110:
            fail("the base ends in the middle of an entry")
        if not re.fullmatch(rb"07070[12][0-9A-Fa-f]{104}", head) or at % 4:
            fail(f"the base is damaged: no newc header at byte {at}")
        return head[5:6] == b"2", [int(head[i:i + 8], 16) for i in range(6, 110, 8)]

    def name(self, data, at, size):
        if not 0 < size <= NAME_MAX:
            fail(f"the base has a name of {size} bytes")
        name = bytes(data[at:at + size])
        if len(name) < size:
            fail("the base ends in the middle of a name")
        if name[-1] or b"\0" in name[:-1]:
            fail(f"the base is damaged: a name does not end where it should, at byte {at}")
        return os.fsdecode(name[:-1])

    def archive(self, data, at):
        """One archive; returns where it ends."""
        while True:
            checked, field = self.header(data, at)
            ino, mode, uid, gid, nlink, mtime, size, major, minor, rmajor, rminor, nname, check = field
            name = self.name(data, at + 110, nname)
            at = at + 110 + nname
            at += -at % 4
            body = data[at:at + size]
            if len(body) < size:
                fail(f"the base ends in the middle of {name}")
            if name == "TRAILER!!!":
                self.links = {}
                return at + size + -size % 4
            if checked and stat.S_ISREG(mode) and sum(body) & 0xffffffff != check:
                fail(f"the base is damaged: the checksum of {name} is wrong")
            at += size + -size % 4
            entry = Entry(mode & 0o177777, (uid, gid), mtime, (rmajor, rminor), Data(body))
            self.add(name, entry, (ino, major, minor) if nlink > 1 else None)

    def add(self, name, entry, inode):
        if stat.S_IFMT(entry.mode) not in KINDS:
            fail(f"the base is damaged: {name} is of no known kind ({entry.mode:o})")
        if ".." in name.split("/"):
            fail(f"the base has a name with '..': {name}")
        if "\n" in name or "\t" in name:
            fail(f"the base has a name with a newline or a tab: {name!r}")
        self.count += 1
        if self.count > ENTRIES_MAX:
            fail(f"the base has more than {ENTRIES_MAX} entries")
        if name.startswith("/"):
            self.absolute.append(name)
        path = posixpath.normpath("/" + name.lstrip("/"))
        if path == "/" and not stat.S_ISDIR(entry.mode):
            fail("the base's root is no folder")
        if inode and stat.S_ISREG(entry.mode):
            shared = self.links.setdefault(inode, entry)
            if len(entry.data.data):
                shared.data.data = entry.data.data
            entry.data = shared.data
        old = place(self.entries, path, entry)
        if old and not stat.S_ISDIR(entry.mode):
            self.twice.append(path)


def some(names):
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def skip_zeros(data, at):
    while at < len(data) and not data[at]:
        at += 1
    return at


def read(name):
    """The entries of all members, by path; later ones replace earlier ones."""
    with open(name, "rb") as file:
        data = memoryview(file.read())
    reader = Reader()
    at = skip_zeros(data, 0)
    if at == len(data):
        fail("the base is empty")
    while at < len(data):
        if data[at:at + 6] in (b"070701", b"070702") and at % 4 == 0:
            at = reader.archive(data, at)
        else:
            unpacked, at = unpack_member(data, at)
            unpacked = memoryview(unpacked)
            inside = skip_zeros(unpacked, 0)
            while inside < len(unpacked):
                inside = skip_zeros(unpacked, reader.archive(unpacked, inside))
        at = skip_zeros(data, at)
    if reader.absolute:
        warn(f"the base has absolute names, taken as below its root: {some(reader.absolute)}")
    if reader.twice:
        warn(f"the base has names twice, the last one counts: {some(reader.twice)}")
    add_parents(reader.entries)
    return reader.entries


# ---- writing


def body_of(path, data):
    try:
        return data.bytes()
    except OSError as error:
        fail(f"{path}: cannot read {data.file}: {error.strerror}")


def member(ino, name, entry, links, body):
    name = os.fsencode(name) + b"\0"
    fields = (ino, entry.mode, *entry.owner, links, entry.mtime, len(body), 0, 0, *entry.rdev,
              len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return head + bytes(-len(head) % 4) + body + bytes(-len(body) % 4)


def write(entries, archive, contents):
    """One archive in the order of names; files with several names have their bytes at the last."""
    order = sorted(entries, key=lambda path: path.split("/"))
    names = {}
    for path in order:
        names.setdefault(id(entries[path].data), []).append(path)
    inodes = {key: ino for ino, key in enumerate(names, 1)}
    size = 0
    with open(archive, "wb") as out, open(
            contents, "w", encoding="utf-8", errors="surrogateescape") as table:
        for path in order:
            entry = entries[path]
            shared = names[id(entry.data)]
            body = body_of(path, entry.data)
            links = len(shared) + stat.S_ISDIR(entry.mode)
            stored = body if path == shared[-1] else b""
            size += out.write(member(inodes[id(entry.data)], path[1:] or ".", entry, links, stored))
            arrow = f" -> {entry.link}" if entry.link is not None else ""
            table.write(f"{entry.mode:06o} {entry.owner[0]}:{entry.owner[1]} {len(body)} {path}{arrow}\n")
        size += out.write(member(0, "TRAILER!!!", Entry(0), 1, b""))
        out.write(bytes(-size % 512))
