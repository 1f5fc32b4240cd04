# SPDX-License-Identifier: MIT
"""cpio.py LIST ARCHIVE CONTENTS: a newc archive and its table of contents from a list.

A list line is `path TAB mode TAB uid:gid TAB kind TAB source`; source is a file, a link's
target, nothing for a dir, MAJOR:MINOR for a node (a character device). A later line for a
path wins. Folders above a path need no line. No line can place anything behind a link:
paths are resolved through the list's own links first. The bytes depend on nothing else.
"""
import os
import posixpath
import stat
import sys

KINDS = {"file": stat.S_IFREG, "link": stat.S_IFLNK, "dir": stat.S_IFDIR, "node": stat.S_IFCHR}


def fail(text):
    print(f"@kbuild error {text}")
    sys.exit(1)


def resolve(entries, path):
    """The path without links among its parents."""
    parent, name = posixpath.split(posixpath.normpath("/" + path.lstrip("/")))
    for _ in range(40):
        where = "/"
        for part in parent.split("/")[1:]:
            where = posixpath.join(where, part)
            entry = entries.get(where)
            if entry and stat.S_ISLNK(entry[0]):
                rest = parent[len(where):].lstrip("/")
                target = posixpath.join(posixpath.dirname(where), entry[2], rest)
                parent = posixpath.normpath(target)
                break
        else:
            return posixpath.join(parent, name)
    fail(f"initramfs: too many links on the way to {path}")


def read_list(name):
    entries = {}
    with open(name, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            path, mode, owner, kind, source = (line.rstrip("\n") + "\t").split("\t")[:5]
            if kind not in KINDS:
                fail(f"initramfs: {path}: expected file, link or dir, not '{kind}'")
            path = resolve(entries, path)
            old = entries.get(path)
            if old and stat.S_ISDIR(old[0]) != (kind == "dir"):
                fail(f"initramfs: {path} is a folder and something else, too")
            uid, gid = (int(part) for part in owner.split(":"))
            entries[path] = (KINDS[kind] | int(mode, 8), (uid, gid), source)
    for path in list(entries):
        while path != "/":
            path = posixpath.dirname(path)
            entries.setdefault(path, (stat.S_IFDIR | 0o755, (0, 0), ""))
    del entries["/"]
    return entries


def body_of(path, mode, source):
    if stat.S_ISLNK(mode):
        return os.fsencode(source)
    if not stat.S_ISREG(mode):
        return b""
    try:
        with open(source, "rb") as file:
            return file.read()
    except OSError as error:
        fail(f"initramfs: {path}: cannot read {source}: {error.strerror}")


def member(ino, name, mode, owner, rdev, body):
    links = 2 if stat.S_ISDIR(mode) else 1
    name = os.fsencode(name) + b"\0"
    fields = (ino, mode, *owner, links, 0, len(body), 0, 0, *rdev, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    return head + bytes(-len(head) % 4) + body + bytes(-len(body) % 4)


def main():
    entries = read_list(sys.argv[1])
    size = 0
    with open(sys.argv[2], "wb") as out, open(
            sys.argv[3], "w", encoding="utf-8", errors="surrogateescape") as contents:
        order = sorted(entries, key=lambda path: path.split("/"))
        for ino, path in enumerate(order, 1):
            mode, owner, source = entries[path]
            rdev = source.split(":") if stat.S_ISCHR(mode) else (0, 0)
            body = body_of(path, mode, source)
            size += out.write(member(ino, path[1:], mode, owner, map(int, rdev), body))
            arrow = f" -> {source}" if stat.S_ISLNK(mode) else ""
            contents.write(f"{mode:06o} {owner[0]}:{owner[1]} {len(body)} {path}{arrow}\n")
        size += out.write(member(0, "TRAILER!!!", 0, (0, 0), (0, 0), b""))
        out.write(bytes(-size % 512))


main()
