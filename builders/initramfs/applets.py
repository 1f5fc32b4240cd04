# SPDX-License-Identifier: MIT
"""applets.py BUSYBOX: the names of its applets, read from a program of any machine.

Busybox keeps them sorted in one block, each ended by NUL, the block by another NUL.
"""
import sys

with open(sys.argv[1], "rb") as program:
    data = program.read()
start = data.find(b"[\0[[\0")
if start < 0:
    sys.exit("no table of applets in " + sys.argv[1])
print(data[start:data.index(b"\0\0", start)].decode().replace("\0", "\n"))
