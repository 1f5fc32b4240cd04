#!/bin/sh
# SPDX-License-Identifier: MIT
# Root file systems that others made, with files and modules added. S1-22 S1-23 S1-24 S1-25 S1-26 S1-30
. "$(dirname "$0")/../lib.sh"
need bwrap cpio python3 jq
t_shared
t_kernel_lock "$T/kernel.lock" || { not_ok 'the toolchain and the kernel can be locked'; done_testing; }
cd "$T" || exit 1
cp -R "$T_TOP/tests/data" data
chmod -R u+w data
mkdir -p ov/etc/init.d empty
printf '#!/bin/sh\necho hello\n' >ov/etc/init.d/S90hello
python3 data/rootfs/base.py base.cpio
xz -c --check=crc32 base.cpio >base.cpio.xz

# recipe NAME TEXT: a recipe with the tests' smallest kernel.
recipe() {
	cp kernel.lock "$1.lock"
	printf 'kbuild: 1\nextends: [data/tiny/recipe.yaml]\n%s\n' "$2" >"$1.yaml"
}
# shellcheck disable=SC2317 # t_run calls it
realize() {
	"$KB" realize --locked --no-exports --json "$1" >json 2>"$T_OUT"
}
out() {
	jq -r ".steps[\"$1\"].outputs.out.physical" json
}

# shellcheck disable=SC2016 # a reference of the recipe
recipe r 'rootfs:
  base: ./base.cpio.xz
  add:
    /: ./ov
    /opt/empty: ./empty
    /etc/hostname: {text: "board\n", mode: "0640", owner: "3:4"}
    /etc/mtab: {link: /proc/mounts}
exports: {to: out, files: {rootfs.cpio.gz: "${rootfs.image}"}}'
t_run 'a root file system is made' realize r.yaml#rootfs || done_testing
R=$(out rootfs)
gzip -dc "$R/image" >made
cpio -itvn --quiet <base.cpio | awk '/^-/ && $2 > 1 { $5 = "-" } { $1 = $1; print }' | sort >want
cpio -itvn --quiet <made | awk '/^-/ && $2 > 1 { $5 = "-" } { $1 = $1; print }' | sort >got
t_is 'the base is there as it was' '' "$(comm -23 want got | head -n 9)"
release=$(sed -n 's,.* /lib/modules/\([^/ ]*\)$,\1,p' "$R/contents.txt")
t_has 'an overlay belongs to root' "$R/contents.txt" '^100755 0:0 21 /etc/init.d/S90hello$'
t_has 'an empty folder of it' "$R/contents.txt" '^040755 0:0 0 /opt/empty$'
t_has 'a file with mode and owner' "$R/contents.txt" '^100640 3:4 6 /etc/hostname$'
t_has 'a link' "$R/contents.txt" '^120777 0:0 12 /etc/mtab -> /proc/mounts$'
t_has 'the modules are where the kernel looks' "$R/contents.txt" "^100644 .* /lib/modules/$release/updates/probe.ko$"
t_is 'with the tables for modprobe' 'updates/probe.ko:' "$(cpio -i --quiet --to-stdout "lib/modules/$release/modules.dep" <made)"
t_hasnt 'nothing of our own userland is added' "$R/contents.txt" ' /modules\| /etc/kbuild\|kbuild-init'
t_is 'no time of the packing is in it' 00000000 "$(od -An -tx1 -j 4 -N 4 "$R/image" | tr -d ' ')"
t_run 'it can be exported' "$KB" exports r.yaml
t_same 'as an ordinary file' "$R/image" out/rootfs.cpio.gz

# ---- the base has modules already

mkdir -p "mods/lib/modules/$release/updates" mods/lib/modules/4.14.87/extra
realize r.yaml#modules.probe
probe=$(out modules.probe)/lib/modules/$release/updates/probe.ko
cp "$probe" "mods/lib/modules/$release/updates/there.ko"
sed "s/vermagic=$release/vermagic=$(printf %s "$release" | tr 0-9 1-90)/" "$probe" >mods/lib/modules/4.14.87/extra/hello.ko
# Warnings are said when it is built, which is not twice: hence something new.
date +%s.%N >salt
python3 data/rootfs/base.py base2.cpio opt/salt=salt "lib/modules/$release/updates/there.ko=mods/lib/modules/$release/updates/there.ko" \
	lib/modules/4.14.87/extra/hello.ko=mods/lib/modules/4.14.87/extra/hello.ko
recipe s 'rootfs: {base: ./base2.cpio, compress: none}'
t_run 'a base with modules' realize s.yaml#rootfs
t_has 'one for another kernel is said, by its folder' "$T_OUT" "the base has modules for kernel 4.14.87; this one is $release"
t_has 'and by what it says of itself' "$T_OUT" 'warning: rootfs: .*hello.ko'
R=$(out rootfs)
t_is 'the tables know its modules, too' 'updates/probe.ko: updates/there.ko:' \
	"$(cpio -i --quiet --to-stdout "lib/modules/$release/modules.dep" <"$R/image" | sort | xargs)"
t_has 'one that was there is as it was' "$R/contents.txt" "^100755 .* /lib/modules/$release/updates/there.ko$"
recipe s 'rootfs: {base: ./base2.cpio, compress: none, depmod: n}'
t_run 'depmod: n' realize s.yaml#rootfs
t_hasnt 'writes no tables' "$(out rootfs)/contents.txt" modules.dep
recipe s 'rootfs: {base: ./base2.cpio, compress: none, modules: []}'
t_run 'no modules' realize s.yaml#rootfs
t_is 'leave the base as it is' "$(cpio -itn --quiet <base2.cpio | grep -c .)" "$(grep -c . "$(out rootfs)/contents.txt")"

# ---- where it comes from, and what it cannot be

# shellcheck disable=SC2016 # a reference of the recipe
recipe t 'steps:
  base: {builder: ./data/script, inputs: {dep_base: ./base.cpio}, options: {script: "mkdir $out; gzip -c /src/dep_base >$out/x.cpio.gz"}}
rootfs: {base: "${steps.base}/x.cpio.gz"}'
t_run 'a step of the recipe can make the base' realize t.yaml#rootfs
head -c 1500 base.cpio.xz >cut.cpio.xz
recipe t 'rootfs: ./cut.cpio.xz'
t_fails 'a damaged archive' realize t.yaml#rootfs
t_has 'is named' "$T_OUT" 'rootfs: the base: xz at byte 0 is damaged, or ends too early'
printf 'echo hello\r\n' >ov/etc/init.d/S90hello
t_fails 'an init script with CR LF' realize r.yaml#rootfs
t_has 'is named, with its line' "$T_OUT" '/etc/init.d/S90hello: line 1 ends in CR LF'

# ---- what boots

recipe u 'rootfs: ./base.cpio.xz
run: {expect: "hello .*loaded"}'
t_run 'run takes the root file system' realize u.yaml#run
t_is 'and no initramfs is made' null "$(jq .steps.initramfs json)"
V=$(out run)/bin/runvm
"$V" --print --no-kvm >print
t_has 'a shell: the archive as it is' print "-initrd .*-rootfs/rootfs.cpio.gz"
t_hasnt 'with its own init' print 'rdinit\|kbuild\.'
"$V" --print --no-kvm --test >print
t_hasnt 'a test without a command: the same' print 'rdinit\|kbuild\.'
"$V" --print --no-kvm -- true >print
t_has 'a command: our init' print 'rdinit=/.kbuild/init'
t_has 'which is put before the archive' print '^cat .*/share/runvm/init.cpio .*-rootfs/rootfs.cpio.gz >'
cpio -itvn --quiet <"$(dirname "$V")/../share/runvm/init.cpio" >listing
t_is 'and is all that is put there' '.kbuild .kbuild/init' "$(awk '{ print $9 }' listing | xargs)"
t_fails 'a pattern that is none' "$V" --test --expect '('
done_testing
