#!/bin/sh
# SPDX-License-Identifier: MIT
# Modules as people write them, against the tests' smallest kernel: every way of finding the
# kernel, several in a folder, one that needs another, words for make, parameters; loaded in a
# guest, and one of them stopped in by `kbuild debug`.
# S1-16 S1-20 S1-21 S1-27 S1-28 S1-29 S2-20 S2-26 S4-05 S4-13 S4-23 S4-24 S5-20
# shellcheck disable=SC2016 # commands for the guest and for make are quoted
. "$(dirname "$0")/../lib.sh"
need bwrap qemu-system-x86_64 gdb readelf
t_shared
cd "$T" || exit 1
cp -R "$T_TOP/tests/data/tiny" tiny
t_kernel_lock r.lock || { not_ok 'the kernel can be locked'; done_testing; }

# module FOLDER NAME BODY: a source that says its name when it is loaded.
module() {
	mkdir -p "$1"
	cat >"$1/$2.c" <<END
// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
$3
static int __init $2_init(void)
{
	pr_info("loaded: $2 %s\n", WORD);
	return 0;
}
module_init($2_init);
static void __exit $2_exit(void)
{
}
module_exit($2_exit);
MODULE_DESCRIPTION("a module of a test");
MODULE_LICENSE("GPL");
END
}
plain='#define WORD "-"'
module bare bare "$plain"
echo 'obj-m := bare.o' >bare/Makefile
printf '*.o\n.*.cmd\n' >bare/.gitignore

module kdir kdir "$plain"
cat >kdir/Makefile <<'END'
obj-m := kdir.o
KDIR ?= /lib/modules/$(shell uname -r)/build
CROSS_COMPILE ?= nobody-has-this-
all:
	$(MAKE) -C $(KDIR) M=$(PWD) CROSS_COMPILE=$(CROSS_COMPILE) modules
clean:
	exit 1
END

module kerneldir kerneldir "$plain"
cat >kerneldir/Makefile <<'END'
ifneq ($(KERNELRELEASE),)
obj-m := kerneldir.o
else
KERNELDIR ?= /usr/src/linux
default:
	$(MAKE) -C $(KERNELDIR) M=$$PWD modules
endif
END

module khead khead "$plain"
cat >khead/Makefile <<'END'
obj-m += khead.o
all:
	make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- -C $(KHEAD) M=$(PWD) modules
clean:
	make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- -C $(KHEAD) M=$(PWD) clean
END

# As a tutorial prints it, with what is to be filled in.
module stray stray "$plain"
cat >stray/Makefile <<'END'
obj-m += stray.o
KDIR=<your/path/to/kernel/source/root/folder>
CROSS_COMPILE=<x86_64-linux-gnu-
all:
	make ARCH=x86 CROSS_COMPILE=$(CROSS_COMPILE) -C $(KDIR) M=$(PWD) modules
END

# One above, one below.
module tree top "$plain" && module tree/low/er deep "$plain"
echo 'obj-m := top.o low/' >tree/Makefile
echo 'obj-m := er/' >tree/low/Makefile
echo 'obj-m := deep.o' >tree/low/er/Makefile

# Two in a folder, one of two files, with a Kbuild file and a word from the recipe.
module pair left '' && module pair right ''
echo 'const char *right_word(void); const char *right_word(void) { return GIVEN; }' >pair/word.c
sed -i 's/^#include.*/&\nconst char *right_word(void);\n#define WORD right_word()/' pair/right.c
sed -i 's/^#include.*/&\n#define WORD GIVEN/' pair/left.c
mv pair/right.c pair/main.c
cat >pair/Kbuild <<'END'
obj-m := left.o right.o
right-y := main.o word.o
ccflags-y := -DGIVEN=\"$(GIVEN)\"
END

# One that exports, one that uses it and has a parameter.
module base base '#define WORD "-"
int base_number(void);
int base_number(void) { return 42; }
EXPORT_SYMBOL_GPL(base_number);'
echo 'obj-m := base.o' >base/Makefile
module user user 'int base_number(void);
static char *word = "unset";
module_param(word, charp, 0444);
#define WORD (base_number() == 42 ? word : "wrong")'
echo 'obj-m := user.o' >user/Makefile

cat >r.yaml <<'END'
kbuild: 1
extends: [tiny/recipe.yaml]
modules:
  bare: ./bare
  kdir: ./kdir
  kerneldir: ./kerneldir
  khead: {source: ./khead, install: kernel/drivers/vmm}
  stray: ./stray
  tree: ./tree
  pair: {source: ./pair, make: {GIVEN: from-the-recipe}}
  user: {source: ./user, needs: {modules: [base]}, load: y, params: "word=param"}
  base: ./base
run: {memory: 256M, smp: 1}
gdb: {breaks: [bare_init]}
END
if "$KB" realize --locked r.yaml >out 2>err; then
	ok 'all are built'
else
	not_ok 'all are built'
	note "$(tail -n 40 err)"
	done_testing
fi
"$KB" log r.yaml#modules.khead >said 2>&1
t_is 'an architecture that a Makefile has no say in is told, once, with the line' 1 \
	"$(grep -c 'khead: Makefile:3 says ARCH=arm64; built for x86_64$' said)"
t_is 'and nothing else of it' 1 "$(grep -c 'warn' said)"
"$KB" log r.yaml#modules.stray >said 2>&1
t_has 'so is a compiler with a stray <' said 'stray: Makefile:3 says CROSS_COMPILE=<x86_64-linux-gnu-'
t_is 'and nothing else of that one' 1 "$(grep -c 'warn' said)"
release=$(cat result/kernel/release)
L=lib/modules/$release
for f in bare:updates/bare.ko kdir:updates/kdir.ko kerneldir:updates/kerneldir.ko khead:kernel/drivers/vmm/khead.ko \
	pair:updates/left.ko pair:updates/right.ko stray:updates/stray.ko tree:updates/top.ko \
	tree:updates/low/er/deep.ko; do
	if [ -f "result/modules.${f%%:*}/$L/${f#*:}" ]; then ok "$f"; else not_ok "$f"; fi
done
# What make is told is part of what a module is.
drv() {
	"$KB" eval --stage=drv r.yaml | sed -n 's/^modules.pair //p'
}
before=$(drv)
sed -i 's/from-the-recipe/from-another/' r.yaml
if [ -n "$before" ] && [ "$before" != "$(drv)" ]; then
	ok 'another word for make is another module'
else
	not_ok "another word for make is another module: $before"
fi
sed -i 's/from-another/from-the-recipe/' r.yaml

# Nothing is ever cleaned here, and what only cleans builds nothing.
module cleans cleans "$plain"
printf 'clean:\n\trm -rf ../* && echo cleaned\n' >cleans/Makefile
printf 'kbuild: 1\nextends: [tiny/recipe.yaml]\nmodules: {cleans: ./cleans}\n' >cleans.yaml
cp r.lock cleans.lock
t_fails 'a Makefile that only cleans is refused' "$KB" realize --locked --no-link cleans.yaml#modules.cleans
t_has 'by its name' "$T_OUT" 'module cleans: its Makefile names no module'
t_hasnt 'and nobody calls it' "$T_OUT" 'cleaned\|modpost\|MODPOST'

# A build by hand in the folder: what its rules ignore does not count.
echo stale >bare/bare.o
echo stale >bare/.bare.o.cmd
"$KB" realize --locked --json r.yaml >json 2>err
t_is 'leftovers of a build by hand rebuild nothing' 0 "$(grep -c '"built": *true' json)"

# --- debug information is there, beside and not in what is loaded --------------------------------
debug=$(grep -o '"physical": *"[^"]*-modules.bare-debug"' json | cut -d'"' -f4)
readelf -SW "result/modules.bare/$L/updates/bare.ko" >sections
t_hasnt 'what is loaded has no debug information' sections debug_info
readelf -SW "$debug/bare.ko" >sections 2>&1
t_has 'the other copy has' sections debug_info
debug=$(grep -o '"physical": *"[^"]*-kernel-debug"' json | cut -d'"' -f4)
readelf -SW "$debug/vmlinux" >sections 2>&1
t_has 'so has vmlinux' sections debug_info

# --- loaded ---------------------------------------------------------------------------------------
timeout 200 result/runvm -- 'insmod /modules/bare.ko && insmod /modules/kdir.ko && modprobe kerneldir &&
	modprobe khead && modprobe left && insmod /modules/right.ko && dmesg | sed -n "s/.*loaded: /got /p" && lsmod' \
	>out 2>err </dev/null
t_is 'all can be loaded' 0 $? || note "$(tail -n 20 err)"
# Without a console of its own for the command, the kernel's words are between.
sed -n 's/^got //p' out >got
t_is 'base and user by the boot, base first, with the parameter' 'base - user param' "$(sed -n 1,2p got | tr '\n' ' ' | sed 's/ $//')"
t_is 'the others by hand, with their word' 'bare - kdir - kerneldir - khead - left from-the-recipe right from-the-recipe' \
	"$(sed -n 3,8p got | tr '\n' ' ' | sed 's/ $//')"
t_has 'base is used' out '^base .* 1 user'

# --- stopped in -------------------------------------------------------------------------------------
timeout 150 "$KB" run --locked r.yaml --gdb --wait -- insmod /modules/bare.ko >vm.out 2>vm.err </dev/null &
vm=$!
timeout 100 "$KB" debug --locked r.yaml -- --batch -ex continue -ex 'bt 2' -ex list -ex delete -ex continue \
	>gdb.out 2>&1 </dev/null
wait $vm
t_is 'the guest goes on after the breakpoint' 0 $? || note "$(tail -n 20 vm.err)"
t_has 'a breakpoint of the recipe stops in the module, with its line' gdb.out 'bare_init () at .*bare.c:[0-9]'
t_has 'and shows the source' gdb.out 'loaded: bare'
done_testing
