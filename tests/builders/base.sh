#!/bin/sh
# SPDX-License-Identifier: MIT
# The reader of archives that others made: all that a kernel unpacks is understood, and nothing
# of it is lost; what is broken or hostile is an error with a name. S1-22 S1-23 S1-24
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need python3 cpio gzip xz bzip2 zstd lz4
B=$T_TOP/builders/initramfs
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
cd "$T" || exit 1

add() {
	name=rootfs python3 "$B/cpio.py" "$@"
}
# Sorted; which of several names has a file's bytes is nothing to compare.
listing() {
	cpio -itvn --quiet <"$1" 2>/dev/null | awk '/^-/ && $2 > 1 { $5 = "-" } { $1 = $1; print }' | sort -k 9
}

: >list
python3 "$T_TOP/tests/data/rootfs/base.py" base
t_run 'an archive is read' add list out contents base
listing base >want
listing out >got
t_is 'the base is a real one: links' 315 "$(grep -c '^l' want)"
t_same 'every entry is as it was: kind, mode, names, owner, size, device, time, target' want got
mkdir a b
(cd a && cpio -idmu --quiet --no-absolute-filenames <../base 2>/dev/null)
(cd b && cpio -idmu --quiet --no-absolute-filenames <../out 2>/dev/null)
t_same 'and every byte of files that share one' a/etc/three b/usr/lib/one
t_same 'and of others' a/var/lib/big b/var/lib/big
add list again contents2 base
t_same 'the bytes depend on nothing else' out again

# ---- packed, and one after the other

for how in 'gzip -c' 'xz -c --check=crc32' 'bzip2 -c' 'zstd -c' 'lz4 -lc' 'xz -c --format=lzma'; do
	$how <base >packed 2>/dev/null
	add list packed.out contents packed >"$T_OUT" 2>&1
	t_same "packed with $how" out packed.out
done
mkdir -p more/etc
echo later >more/etc/passwd
echo more >more/etc/more
(cd more && find . | sort | cpio -o -H newc --quiet) >second
for how in 'gzip -c' 'zstd -c' 'lz4 -lc' 'bzip2 -c'; do
	{
		$how <base
		head -c 3 /dev/zero
		$how <second
	} >packed
	add list packed.out contents packed >"$T_OUT" 2>&1
	t_is "two members packed with $how: the last counts" 'more later' "$(
		cpio -i --quiet --to-stdout etc/passwd etc/more <packed.out 2>/dev/null | xargs
	)"
done
cat second base >packed
gzip -c base >>packed
add list packed.out contents packed >"$T_OUT"
t_has 'members that are not packed; what is there twice is said' "$T_OUT" \
	'^@kbuild warn the base has names twice, the last one counts: /etc/passwd'

# ---- what is added

mkdir -p tree/etc/init.d tree/root tree/lib64
echo new >tree/root/file
printf '#!/bin/sh\necho hello\n' >tree/etc/init.d/S90hello
printf 'helper() { :; }\n' >tree/etc/init.d/S01lib.sh
echo lib >tree/lib64/libx.so
ln -s ../etc tree/root/etc
printf '/\t0755\t0:0\ttree\t%s\n/etc/shadow\t0600\t0:42\tfile\t%s\n' "$T/tree" "$T/tree/root/file" >list
t_run 'a tree is added' add list out contents base
t_has 'what is run at boot can be run' contents '^100755 0:0 21 /etc/init.d/S90hello$'
t_has 'what is read by others stays as it is' contents '^100644 0:0 16 /etc/init.d/S01lib.sh$'
t_has 'folders that are there keep their mode' contents '^040700 0:0 0 /root$'
t_has 'a folder that is a link there is followed' contents '^100644 0:0 4 /lib/libx.so$'
t_has 'links' contents '^120777 0:0 6 /root/etc -> ../etc$'
t_has 'a file is replaced' contents '^100600 0:42 4 /etc/shadow$'
t_is 'nothing else changes' '' "$(listing out | awk '{ print $9 }' >names
	listing base | awk '{ print $9 }' | grep -vxF -f names)"

script() {
	printf '%b' "$1" >script
	printf '/etc/init.d/S99x\t0644\t0:0\tfile\t%s\n' "$T/script" >list
	add list out contents base >"$T_OUT" 2>&1
}
script '#!/bin/sh\necho one\r\necho two\n'
t_has 'CR LF in an init script is found' "$T_OUT" \
	'^@kbuild error rootfs: /etc/init.d/S99x: line 2 ends in CR LF, .*sed -i'
script 'echo one\n'
t_has 'and a missing interpreter' "$T_OUT" '^@kbuild error rootfs: /etc/init.d/S99x: line 1 names no interpreter (#!/bin/sh)'
script '#!/bin/bash\n'
t_has 'and one that is not there' "$T_OUT" '^@kbuild warn /etc/init.d/S99x: its interpreter /bin/bash is not in the archive'
script '#!/bin/sh\n'
t_has 'the mode is mended' contents '^100755 .* /etc/init.d/S99x$'

# ---- damaged and hostile

: >list
refused() {
	t_fails "$1" add list out contents bad
	t_has 'and says why' "$T_OUT" "^@kbuild error rootfs: $2"
}
head -c 9000 base >bad
refused 'cut short' 'the base ends in the middle of'
gzip -c base | head -c 2000 >bad
refused 'gzip, cut short' 'the base: gzip at byte 0 is damaged, or ends too early'
zstd -qc base | head -c 2000 >bad
refused 'zstd, cut short' 'the base is damaged: zstd at byte 0: it ends too early'
: >bad
refused 'nothing' 'the base is empty'
echo hello >bad
refused 'something else' 'the base is no archive that a kernel unpacks: 68 65 6c 6c at byte 0'
(cd more && find . | cpio -o -H odc --quiet) >bad
refused 'an older format' 'the base is no newc archive at byte 0 (cpio -H newc makes one)'
lz4 -qc base >bad
refused 'a frame of lz4' 'the base is an lz4 frame, which no kernel unpacks'
{
	cat base
	echo trailing
} >bad
refused 'something behind it' 'the base is no archive that a kernel unpacks'

# entries ENTRY...: an archive of `NAME MODE BODY [FIELD=VALUE]`.
cat >entries.py <<'END'
import sys
def entry(name, mode, body, size=None, magic="070701", check=0):
    raw = name.encode() + b"\0"
    fields = (1, int(mode, 8), 0, 0, 1, 0, len(body) if size is None else int(size, 16), 0, 0, 0, 0, len(raw), int(check))
    head = magic.encode() + b"".join(b"%08X" % f for f in fields) + raw
    return head + bytes(-len(head) % 4) + body.encode() + bytes(-len(body) % 4)
with open("bad", "wb") as out:
    for line in sys.argv[1:]:
        words = line.split(" ")
        out.write(entry(*words[:3], **dict(w.split("=") for w in words[3:])))
    out.write(entry("TRAILER!!!", "0", ""))
END
python3 entries.py 'etc/../../x 100644 x'
refused 'a way up' "the base has a name with '..': etc/../../x"
python3 entries.py 'x 100644 x size=fffffff0'
refused 'a huge size' 'the base ends in the middle of x'
python3 entries.py 'x 0 x'
refused 'no kind' 'the base is damaged: x is of no known kind'
python3 entries.py 'a 100644 x' 'a/b 100644 y'
add list out contents bad >"$T_OUT" 2>&1
python3 entries.py 'a 040755 ' 'a/b 100644 y' 'a 100644 x'
refused 'a folder that becomes a file' '/a is a folder and something else, too'
python3 entries.py 'x 100644 abc magic=070702 check=295'
refused 'a wrong checksum' 'the base is damaged: the checksum of x is wrong'
python3 entries.py 'x 100644 abc magic=070702 check=294'
t_run 'a right checksum' add list out contents bad
t_is 'is dropped with its format' 070701 "$(head -c 6 out)"
python3 entries.py '/etc/x 100644 abc' './y 100644 d' 'y 100644 e'
t_run 'absolute names' add list out contents bad
t_has 'are below the root, which is said' "$T_OUT" '^@kbuild warn the base has absolute names, taken as below its root: /etc/x$'
t_is 'a name twice counts once' 'etc etc/x y' "$(listing out | awk '{ print $9 }' | xargs)"
python3 entries.py 'l 120777 /outside' 'l/x 100644 abc'
t_run 'a name behind a link' add list out contents bad
t_has 'lands where the kernel would put it' contents '^100644 0:0 3 /outside/x$'
for how in gzip xz zstd; do
	dd if=/dev/zero bs=1M count=3 2>/dev/null | $how -qc >bad
	t_fails "$how that grows beyond the limit" python3 -c "
import sys
sys.path.insert(0, '$B')
import newc
newc.BYTES_MAX = 1 << 20
newc.read('bad')"
	t_has 'is stopped there' "$T_OUT" '^@kbuild error cpio: the base holds more than'
done
done_testing
