#!/bin/sh
# SPDX-License-Identifier: MIT
# examples/in-tree: a kernel from a git repository with an edit that is not committed, built
# once, booted; then the same tree as a branch that the lock pins.
# S1-03 S2-04 S2-25 S4-33 S4-34 S5-12 S5-15
. "$(dirname "$0")/../lib.sh"
need git bwrap qemu-system-x86_64
t_shared
t_kernel_lock "$T/kernel.lock" || { not_ok 'the kernel can be locked'; done_testing; }
cd "$T" || exit 1

# --- a repository, without what this kernel does not compile ------------------------------------
cp -R "$T_TOP/tests/data/tiny" tiny
cp kernel.lock tiny/recipe.lock
# The configuration has the source brought into the store.
if ! "$KB" realize --locked --no-link tiny/recipe.yaml#kernel.config >out 2>err; then
	not_ok 'the source is there'
	note "$(tail -n 20 err)"
	done_testing
fi
source=$KBUILD_ROOT$("$KB" eval --stage=drv tiny/recipe.yaml |
	sed -n '/^kernel.config /,/^[^ ]/s/^    in_source = //p')
cp -R "$T_TOP/examples/in-tree" ex
mkdir ex/linux
# Kconfig and make read their files in all folders; sources are read only where something is built.
(
	cd "$source" || exit
	set --
	for dir in Documentation net sound tools/perf tools/testing; do
		set -- "$@" -path "./$dir/*" -o
	done
	for dir in accel ata clk comedi crypto gpu hid hwmon i2c iio infiniband md media mfd mmc mtd net nvme phy \
		pinctrl regulator s390 scsi soc spi staging target thunderbolt usb vfio watchdog; do
		set -- "$@" -path "./drivers/$dir/*" -o
	done
	for dir in bcachefs btrfs ceph ext4 f2fs gfs2 jfs nfs nfsd ocfs2 smb ubifs xfs; do
		set -- "$@" -path "./fs/$dir/*" -o
	done
	find . \( "$@" -path './arch/*' ! -path './arch/x86/*' \) -type f ! -name 'Kconfig*' ! -name 'Makefile*' \
		! -name 'Kbuild*' -prune -o ! -type d -print0 | tar -c --null -T - | tar -x -C "$T/ex/linux"
)
cd ex || exit 1
G="git -C linux -c user.name=t -c user.email=t@example.org -c gc.auto=0"
# Debian's packaging ends the rules with one that ignores all of the tree.
sed -i '/^\/\*$/d' linux/.gitignore
git init -q -b main linux
$G add -A && $G commit -q -m 'as it was'
note "a tree of $(git -C linux ls-files | grep -c .) files"

# A smaller kernel than the example's, for the time it takes.
cat >small.config <<'END'
CONFIG_64BIT=y
CONFIG_PRINTK=y
CONFIG_BUG=y
CONFIG_TTY=y
CONFIG_SERIAL_8250=y
CONFIG_SERIAL_8250_CONSOLE=y
CONFIG_BLK_DEV_INITRD=y
CONFIG_RD_GZIP=y
CONFIG_BINFMT_ELF=y
CONFIG_BINFMT_SCRIPT=y
CONFIG_PROC_FS=y
CONFIG_SYSFS=y
CONFIG_DEVTMPFS=y
CONFIG_TMPFS=y
CONFIG_VT=n
CONFIG_INPUT=n
END
cat >small.yaml <<'END'
kbuild: 1
extends: [recipe.yaml]
kernel: {config: {use!: [./small.config]}}
run: {memory: 256M, smp: 1}
END
cp ../kernel.lock small.lock
# drv STEP RECIPE
drv() {
	"$KB" eval --stage=drv "$2" 2>>err | sed -n "s/^$1 //p"
}
drv kernel small.yaml >clean
if [ -s clean ]; then ok 'a folder needs no lock entry'; else
	not_ok 'a folder needs no lock entry'
	note "$(tail -n 20 err)"
	done_testing
fi
t_is 'the example itself is a recipe' 1 "$(cp small.lock recipe.lock && drv kernel recipe.yaml | grep -c .)"

# --- what is part of the tree ---------------------------------------------------------------------
touch linux/fs/proc/version.c
t_is 'a touched file changes nothing' "$(cat clean)" "$(drv kernel small.yaml)"
# What a build in the tree leaves behind is ignored by its own rules.
mkdir -p linux/include/generated
for f in .config Module.symvers vmlinux fs/proc/version.o include/generated/autoconf.h; do
	echo stale >"linux/$f"
done
t_is 'leftovers of a build change nothing' "$(cat clean)" "$(drv kernel small.yaml)"
$G commit -q --allow-empty -m 'another commit with the same tree'
t_is 'nor does what happens in .git' "$(cat clean)" "$(drv kernel small.yaml)"
echo new >linux/fs/proc/new.txt
if [ "$(drv kernel small.yaml)" = "$(cat clean)" ]; then not_ok 'a new file is part of it'; else ok 'a new file is part of it'; fi
rm linux/fs/proc/new.txt
t_is 'without it all is as before' "$(cat clean)" "$(drv kernel small.yaml)"

# --- an edit, not committed, built and booted -------------------------------------------------------
sed -i 's/^\tseq_printf(m, linux_proc_banner,/\tseq_puts(m, "hello from my tree: ");\n&/' linux/fs/proc/version.c
t_is 'the edit is one' 1 "$(git -C linux status --porcelain | grep -c 'fs/proc/version.c$')"
drv kernel small.yaml >edited
if "$KB" realize --locked small.yaml >out 2>err; then
	ok 'the edited tree is built'
else
	not_ok 'the edited tree is built'
	note "$(tail -n 40 err)"
	done_testing
fi
timeout 200 "$KB" run --locked small.yaml --test >out 2>err </dev/null
t_is "the example's test passes in it" 0 $?
timeout 200 result/runvm -- 'cat /proc/version && uname -r' >out 2>err </dev/null
t_has 'the kernel says what the edit says' out '^hello from my tree: Linux version '
release=$(cat result/kernel/release)
t_is 'the release is that of the kernel' "$release" "$(tail -n 1 out)"
case $release in
6.12.*-mine) ok 'it ends with localversion, and with nothing of git' ;;
*) not_ok "it ends with localversion, and with nothing of git: $release" ;;
esac
src=$KBUILD_ROOT$("$KB" eval --stage=drv small.yaml | sed -n '/^kernel /,/^[^ ]/s/^    in_source = //p')
t_is 'nothing of git, nothing ignored is in the source' '' \
	"$(cd "$src" && find . -name .git -o -name '*.o' -o -name .config -o -path ./include/generated)"

# --- the same as a branch --------------------------------------------------------------------------
# A branch is what was committed; the lock holds it while the branch goes on.
cat >branch.yaml <<END
kbuild: 1
extends: [small.yaml]
kernel: {source: "git+file://$T/ex/linux#main"}
END
cp small.lock branch.lock
t_run 'a branch can be pinned' "$KB" lock branch.yaml
t_is 'by its commit' "$(git -C linux rev-parse HEAD)" "$(sed -n 's/^ *rev: //p' branch.lock)"
t_is 'it is the same input as the unedited tree' "$(cat clean)" "$(drv kernel branch.yaml)"
$G commit -q -a -m 'hello from my tree'
t_is 'the branch moves, the input does not' "$(cat clean)" "$(drv kernel branch.yaml)"
t_run 'until it is updated' "$KB" update branch.yaml kernel.source
t_is 'then it is the edited tree' "$(cat edited)" "$(drv kernel branch.yaml)"
"$KB" realize --locked --no-link --json branch.yaml >json 2>err
t_is 'which is built already, as a whole' 0 "$(grep -c '"built": *true' json)" || note "$(tail -n 5 err)"
t_has 'to the same kernel' json "$(basename "$(readlink result/kernel)")"
done_testing
