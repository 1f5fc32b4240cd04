#!/bin/sh
# SPDX-License-Identifier: MIT
# The text programs of the builders, fed with small inputs: no kernel, no sandbox.
# Proves S1-22, S1-24 (modes, owners, nodes without root), parts of S1-25.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need awk python3 cpio
B=$T_TOP/builders
cd "$T" || exit 1

# The archive: owners and nodes without root, sorted, through links, nothing else in it.
echo hello >file
{
	printf '/bin\t0755\t0:0\tdir\t\n'
	printf '/usr/bin\t0777\t0:0\tlink\t../bin\n'
	printf '/usr/bin/tool\t4755\t7:8\tfile\t%s\n' "$T/file"
	printf '/dev/console\t0600\t0:0\tnode\t5:1\n'
	printf '/etc/motd\t0644\t0:0\tfile\t%s\n' "$T/nowhere"
	printf '/etc/motd\t0600\t1:2\tfile\t%s\n' "$T/file"
} >list
t_run 'cpio: an archive is written' python3 "$B/initramfs/cpio.py" list one.cpio contents
cpio -itvn --quiet <one.cpio >listing 2>&1
t_has 'cpio: a file behind a link lands where the link leads' listing '^-rwsr-xr-x *1 *7 *8 .* bin/tool$'
t_has 'cpio: a device node' listing '^crw------- .* 5, *1 .* dev/console$'
t_has 'cpio: the later line wins' listing '^-rw------- *1 *1 *2 .* etc/motd$'
t_has 'cpio: folders above a path' listing '^drwxr-xr-x .* etc$'
t_has 'cpio: contents' contents '^104755 7:8 6 /bin/tool$'
touch -d 2001-01-01 file
python3 "$B/initramfs/cpio.py" list two.cpio contents
t_same 'cpio: times do not matter' one.cpio two.cpio
printf '/x\t0644\t0:0\tfile\t%s\n' "$T/nowhere" >list
t_fails 'cpio: a missing source is an error' python3 "$B/initramfs/cpio.py" list two.cpio contents
t_has 'cpio: which names both' "$T_OUT" '^@kbuild error cpio: /x: cannot read .*/nowhere: No such file'
printf '/a\t0777\t0:0\tlink\tb\n/b\t0777\t0:0\tlink\ta\n/a/x\t0755\t0:0\tdir\t\n' >list
t_fails 'cpio: a loop of links is an error' python3 "$B/initramfs/cpio.py" list two.cpio contents

# Modules: what is loaded brings what it needs, dependencies first.
printf 'drv\tupdates/drv.ko\ntwo\tupdates/a.ko\ntwo\tupdates/b.ko\n' >module.files
printf 'kernel/lib/crc.ko\n' >builtin
printf '%s\n' 'updates/drv.ko: kernel/mid.ko kernel/low-level.ko' 'updates/a.ko:' 'updates/b.ko: updates/a.ko' \
	'kernel/mid.ko: kernel/low-level.ko' 'kernel/low-level.ko:' 'kernel/other.ko:' >modules.dep
printf '%s\n' drv crc >wanted
printf '%s\n' 'drv x=1 y="a b"' two 'low_level z=3' >load.wanted
printf '%s\n' 'always low_level' 'virtio:9 mid' 'virtio:9 crc' 'overlay nowhere' >drivers.wanted
awk -v prefix=/m/ -f "$B/initramfs/choose.awk" module.files builtin modules.dep drivers.wanted wanted load.wanted
printf '%s\n' '/m/kernel/low-level.ko z=3' /m/kernel/mid.ko '/m/updates/drv.ko x=1 y="a b"' /m/updates/a.ko /m/updates/b.ko >want
t_same 'modules: loaded with what they need, in order' want load
t_hasnt 'modules: nothing else is in the image' chosen.paths other
printf '%s\n' 'always /m/kernel/low-level.ko' 'virtio:9 /m/kernel/mid.ko' >want
t_same 'modules: drivers the kernel has, each once' want drivers
printf '%s\n' '# Aliases' 'alias symbol:mid_new mid' 'alias symbol:crc32 crc' >modules.symbols
printf '%s\n' printk mid_new >undefined
echo other >named
awk -f "$B/initramfs/needed.awk" modules.dep modules.symbols undefined named | sort >got
printf '%s\n' kernel/low-level.ko kernel/mid.ko kernel/other.ko >want
t_same 'modules: what defines their symbols, with what that needs' want got
echo nowhere >load.wanted
t_fails 'modules: an unknown name is an error' awk -v prefix=/m/ -f "$B/initramfs/choose.awk" \
	module.files builtin modules.dep wanted load.wanted
done_testing
