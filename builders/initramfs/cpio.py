# SPDX-License-Identifier: MIT
"""cpio.py LIST ARCHIVE CONTENTS [BASE]: a newc archive and its table of contents.
cpio.py --extract BASE FOLDER DIR: the files below FOLDER of an archive, into DIR.

A list line is `path TAB mode TAB uid:gid TAB kind TAB source`; source is a file, a tree, a
link's target, nothing for a dir, MAJOR:MINOR for a node (a character device). A later line
for a path wins, and all lines over the base. Folders above a path need no line. No line can
place anything behind a link: paths are resolved through the archive's own links first. The
bytes depend on nothing else.
"""
import os
import posixpath
import stat
import sys

from newc import Data, Entry, add_parents, body_of, fail, place, read, resolve, warn, write

KINDS = {"file": stat.S_IFREG, "link": stat.S_IFLNK, "dir": stat.S_IFDIR, "node": stat.S_IFCHR}


def entry_of(path, mode, owner, kind, source):
    if kind == "node":
        return Entry(KINDS[kind] | mode, owner, rdev=tuple(map(int, source.split(":"))))
    if kind == "link":
        return Entry(KINDS[kind] | mode, owner, data=Data(os.fsencode(source)))
    if kind == "file":
        return Entry(KINDS[kind] | mode, owner, data=Data(file=source))
    return Entry(KINDS[kind] | mode, owner)


def tree_lines(path, owner, source):
    """A tree as lines; of modes the store keeps whether a file can be run."""
    if path != "/":
        yield path, 0o755, owner, "folder", ""
    for where, folders, files in os.walk(source):
        folders.sort()
        below = posixpath.join(path, os.path.relpath(where, source))
        for name in sorted(folders + files):
            full = os.path.join(where, name)
            guest = posixpath.normpath(posixpath.join(below, name))
            if os.path.islink(full):
                yield guest, 0o777, owner, "link", os.readlink(full)
            elif os.path.isdir(full):
                yield guest, 0o755, owner, "folder", ""
            else:
                yield guest, 0o755 if os.access(full, os.X_OK) else 0o644, owner, "file", full


def lines_of(name):
    with open(name, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            path, mode, owner, kind, source = (line.rstrip("\n") + "\t").split("\t")[:5]
            uid, gid = (int(part) for part in owner.split(":"))
            if kind == "tree":
                yield from tree_lines(path, (uid, gid), source)
            elif kind in KINDS:
                yield path, int(mode, 8), (uid, gid), kind, source
            else:
                fail(f"{path}: expected file, tree, link or dir, not '{kind}'")


def check_script(entries, path, entry):
    """What init runs at boot fails there without a word, so it is looked at here."""
    text = body_of(path, entry.data)
    if text.startswith(b"\x7fELF"):
        return
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.endswith(b"\r"):
            fail(f"{path}: line {number} ends in CR LF, which a shell takes as part of its words"
                 " (sed -i 's/\\r$//' FILE mends it)")
    if not text.startswith(b"#!"):
        fail(f"{path}: line 1 names no interpreter (#!/bin/sh)")
    program = os.fsdecode(text[2:].split(b"\n")[0]).split()[:1]
    if program and program[0] not in entries and resolve(entries, program[0]) not in entries:
        warn(f"{path}: its interpreter {program[0]} is not in the archive")


def check_scripts(entries, added):
    """Files of /etc/init.d are run; *.sh there are read by others."""
    scripts = posixpath.dirname(resolve(entries, "/etc/init.d/x"))
    for path, entry in added.items():
        folder, name = posixpath.split(path)
        if folder != scripts or not stat.S_ISREG(entry.mode):
            continue
        if name.startswith((".", "README")) or name.endswith(".sh"):
            continue
        check_script(entries, path, entry)
        if not entry.mode & 0o100:
            entry.mode |= 0o755


def add_lines(entries, name):
    added = {}
    for path, mode, owner, kind, source in lines_of(name):
        where = resolve(entries, path)
        if kind == "folder":
            # One that is there keeps its mode and owner.
            if where in entries and stat.S_ISDIR(entries[where].mode):
                continue
            if where in entries and entries[where].link is not None:
                target = resolve(entries, posixpath.join(where, "x"))
                if posixpath.dirname(target) in entries:
                    continue
            kind = "dir"
        entry = entry_of(path, mode, owner, kind, source)
        place(entries, path, entry)
        added[where] = entry
    return added


def make(lines, archive, contents, base=None):
    entries = read(base) if base else {}
    added = add_lines(entries, lines)
    add_parents(entries)
    if base:
        check_scripts(entries, added)
    write(entries, archive, contents)


def extract(base, folder, target):
    entries = read(base)
    top = posixpath.dirname(resolve(entries, posixpath.join(folder, "x")))
    for path, entry in entries.items():
        if stat.S_ISREG(entry.mode) and path.startswith(top + "/"):
            name = target + folder + path[len(top):]
            os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(name, "wb") as file:
                file.write(entry.data.bytes())


if sys.argv[1] == "--extract":
    extract(*sys.argv[2:])
else:
    make(*sys.argv[1:])
