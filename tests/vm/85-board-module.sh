#!/bin/sh
# SPDX-License-Identifier: MIT
# examples/board-module: a module for a machine that runs, without building its kernel. Here the
# machine is the guest of tests/data/armhf, and its kernel's source is Debian's. S1-15 S1-16 S5-04
# S5-08 S5-13 S5-18 S5-20 S5-22
. "$(dirname "$0")/../lib.sh"
need bwrap qemu-system-arm jq
t_shared
t_board armhf "$T/board" || { not_ok 'the inputs can be locked'; done_testing; }
cd "$T" || exit 1

# --- the machine: what it says of itself is all that the example gets to know --------------

if ! "$KB" realize --locked board/recipe.yaml >out 2>err; then
	not_ok 'the machine is there'
	sed 's/^/#   /' err
	done_testing
fi
cp -R "$T_TOP/examples/board-module" ex
cp board/recipe.lock ex/
# The compiler of the kernel that this machine has.
sed -i 's/^toolchain:.*/toolchain: debian\/13/' ex/recipe.yaml
rm -rf ex/board.yaml ex/board.config ex/result

# guest SHARE COMMAND: in the machine, with the folder at /mnt
guest() {
	timeout 600 board/result/runvm --share "$PWD/$1:/mnt" -- "$2" >out 2>err </dev/null
}

mkdir share
# shellcheck disable=SC2016 # for the guest
guest share 'cat /proc/config.gz >/mnt/board.config && uname -r >/mnt/release && uname -m >/mnt/machine'
t_is 'S5-01 S5-07: the machine tells its release and configuration' 0 $?
cp share/board.config ex/
release=$(cat share/release)
vermagic=$(tr '\0' '\n' <"$(find -L board/result/modules.probe -name probe.ko)" | sed -n 's/^vermagic=//p')

# target RELEASE VERMAGIC CONFIG
target() {
	cat >ex/board.yaml <<-END
		target: 1
		release: $1
		arch: $(cat share/machine)
		vermagic: "$2"
		config: $3
	END
}

realize() {
	"$KB" realize --json --override kernel.source=debian/13/linux-source-6.12 ex/recipe.yaml >json 2>err
}

# --- the module ----------------------------------------------------------------------------

target "$release" "$vermagic" board.config
if ! realize; then
	not_ok 'S5-20: the module is built, its Makefile as it was'
	sed 's/^/#   /' err
	done_testing
fi
ok 'S5-20: the module is built, its Makefile as it was'
t_has 'S5-18: why its kernel is not' err '^kernel: prepared only, no vmlinux: the target has no modversions$'
t_is 'S5-18: no step makes an image or a machine' 'kernel kernel.config modules.mymodule' \
	"$(jq -r '.steps | keys | map(select(. != "toolchain")) | join(" ")' json)"
t_is 'nor does the one of the kernel' '' \
	"$(find -L ex/result/kernel "$(jq -r .steps.kernel.outputs.debug.physical json)" -name 'vmlinux*' -o -name '*mage')"
key=$(jq -r .steps.kernel.key json)
"$KB" log "$key" >kernel.log 2>&1
t_hasnt 'nor does its log know one' kernel.log 'vmlinux'
ko=$(find -L ex/result/modules.mymodule -name mymodule.ko)
t_is 'S1-21: it is where the recipe wants it' "lib/modules/$release/kernel/drivers/misc/mymodule.ko" \
	"${ko#ex/result/modules.mymodule/}"
t_is 'S5-13: it says every letter of what the machine says' "$vermagic" \
	"$(tr '\0' '\n' <"$ko" | sed -n 's/^vermagic=//p')"
cp "$ko" share/
guest share 'insmod /mnt/mymodule.ko && dmesg | grep "mymodule: hello" && rmmod mymodule'
t_is 'S5-22: the machine loads it' 0 $?
t_has 'and it speaks' out "mymodule: hello, $release"

# --- what would not load, is not built -------------------------------------------------------

target "$release-other" "$vermagic" board.config
realize
t_is 'S5-13: a release that the machine does not say' 2 $?
t_has 'is a contradiction of its file' err "vermagic is of $release, release is $release-other"
target "$release" "$vermagic" other.config
gzip -dcf ex/board.config | sed 's/^CONFIG_MODULE_UNLOAD=y/# CONFIG_MODULE_UNLOAD is not set/' >ex/other.config
realize
t_is 'S5-04: one word of the configuration is a verdict, before anything is loaded' 7 $?
t_has 'it shows the machine' err "^    target: ${vermagic% }"
t_has 'and what would be' err "^    here:  "
at=$(expr "$vermagic" : '.*mod_unload' - 10)
t_is 'with the caret where they differ' "$(printf '%*s^' $((12 + at)) '')" "$(grep '^ *^$' err)"
target "6.12.1-board" "6.12.1-board ${vermagic#* }" board.config
realize
t_is 'S5-02: so is a source of another version' 7 $?

# The machine has the same opinion: a module for a kernel with another local part.
sed "s/$release /${release%-board}-bread /" "$ko" >share/wrong.ko
guest share 'insmod /mnt/wrong.ko'
t_is 'S5-22: the machine refuses another local part' 8 $?
cat out err >said
t_has 'in its words' said 'invalid module format'
target "$release" "$vermagic" board.config
"$KB" inspect share/wrong.ko --against ex/board.yaml >out 2>err
t_is 'which inspect says before' 7 $?

done_testing
