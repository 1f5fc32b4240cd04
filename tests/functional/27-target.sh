#!/bin/sh
# SPDX-License-Identifier: MIT
# A kernel like that of a machine: what its steps are made of, and which kernel suffices. What can
# be written wrongly is in tests/eval. S5-02 S5-03 S5-07 S5-10 S5-12 S5-15 S5-18 S5-26 S1-21
. "$(dirname "$0")/../lib.sh"
need jq gzip
t_shared
t_board armhf "$T/board" || { not_ok 'the inputs can be locked'; done_testing; }
SOURCE="--override kernel.source=debian/13/linux-source-6.12"
cd "$T/board" || exit 1
printf 'CONFIG_MODULES=y\nCONFIG_LOCALVERSION="-sunxi"\n' >plain.config
printf 'CONFIG_MODULES=y\nCONFIG_MODVERSIONS=y\n' | gzip -n >packed.config
printf '0x00000000\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n' >Module.symvers
printf '_printk\n' >names

# target LINE...: board.yaml with these keys
target() {
	printf 'target: 1\narch: armhf\n' >board.yaml
	printf '%s\n' "$@" >>board.yaml
}

# recipe KEYS: what stands in the kernel's section beside the target
recipe() {
	printf 'kbuild: 1\nkernel: {target: ./board.yaml%s}\n' "$1" >recipe.yaml
	printf 'modules: {probe: {source: ./probe, install: kernel/drivers/vmm}}\n' >>recipe.yaml
}

# plan: the steps as JSON in plan.json
plan() {
	# shellcheck disable=SC2086 # words
	"$KB" eval --stage=drv --json $SOURCE recipe.yaml >plan.json 2>"$T/err"
}

steps() {
	jq -r 'to_entries | map(select(.value.internal | not) | .key) | join(" ")' plan.json
}

# env STEP NAME: a variable of a step
env_of() {
	jq -r --arg s "$1" '.[$s].text' plan.json | grep -o "(\"$2\",\"[^\"]*\")" | cut -d'"' -f4
}

# --- what a machine without symbol versions needs -------------------------------------

target 'release: 5.4.20-sunxi' 'config: plain.config' \
	'vermagic: "5.4.20-sunxi SMP mod_unload ARMv7 "' 'compiler: gcc 8.3.0' 'exports: names'
recipe ''
t_run 'S5-10: a target file makes a plan' plan
t_is 'S5-18: there is no machine of a kernel without image' 'kernel.config kernel modules.probe' "$(steps)"
t_is 'S5-18: and the reason is said' 'kernel: prepared only, no vmlinux: the target has no modversions' \
	"$(jq -r .kernel.why plan.json)"
t_is 'the kernel is prepared' prepare "$(env_of kernel opt_build)"
t_is 'S5-12: the local part of the release is set' -sunxi "$(env_of kernel.config opt_localversion)"
t_is 'S5-07: its configuration is the base' file "$(env_of kernel.config opt_base)"
t_is 'the release is what must come out' 5.4.20-sunxi "$(env_of kernel opt_release)"
t_is 'so is vermagic, its last blank, too' '5.4.20-sunxi SMP mod_unload ARMv7 ' "$(env_of kernel opt_vermagic)"
t_is 'S5-25: its compiler is known' 'gcc 8.3.0' "$(env_of kernel opt_compiler)"
t_is 'its exports are an input' 'config exports source target_config' "$(env_of kernel inputs)"
t_is 'S1-21: a module is installed where the recipe says' kernel/drivers/vmm "$(env_of modules.probe opt_install)"

# --- what can be known of the lock before there is one ----------------------------------

"$KB" lock --check recipe.yaml >"$T/check" 2>&1
t_has 'S5-03: the source is an input of the lock like any other' "$T/check" 'kernel.source'
"$KB" eval --json recipe.yaml >"$T/checked.json"
t_is 'S5-02: it is the release of kernel.org' kernel.org/5.4.20 "$(jq -r .kernel.source.from "$T/checked.json")"
target 'release: 4.20.0-rc7-dirty' 'config: plain.config'
"$KB" eval --json recipe.yaml >"$T/checked.json"
t_is 'S5-15: a candidate has another name there' kernel.org/4.20-rc7 \
	"$(jq -r .kernel.source.from "$T/checked.json")"
t_is 'S5-12: -rc7 is of the version, -dirty is not' -dirty "$(jq -r .kernel.localversion "$T/checked.json")"
target 'release: 4.4.38L4T kernel 4.4.38' 'config: plain.config'
plan
t_is 'S5-14: a release with blanks' 'L4T kernel 4.4.38' "$(env_of kernel.config opt_localversion)"

# --- which kernel suffices --------------------------------------------------------------

target 'release: 5.4.20-sunxi' 'config: packed.config'
recipe ''
# shellcheck disable=SC2086 # words
"$KB" eval $SOURCE recipe.yaml >/dev/null 2>"$T/err"
t_is 'S5-18: unknown symbol versions are a verdict' 7 $?
t_has 'found in a packed configuration' "$T/err" 'compares symbol versions (CONFIG_MODVERSIONS)'
t_has 'with the ways out' "$T/err" 'hint: .*symvers.*build: full'
target 'release: 5.4.20-sunxi' 'config: packed.config' 'vermagic: "5.4.20-sunxi SMP mod_unload "'
t_run 'S5-18: what the machine says of itself counts more' plan
target 'release: 5.4.20-sunxi' 'config: packed.config' 'symvers: Module.symvers'
plan
t_is 'S5-18: with its own symbol versions it is prepared' \
	'kernel: prepared only, no vmlinux: the target'\''s symbol versions are in Module.symvers' \
	"$(jq -r .kernel.why plan.json)"
t_is 'they are an input' 'config source symvers target_config' "$(env_of kernel inputs)"
target 'release: 5.4.20-sunxi' 'config: packed.config'
recipe ', symvers: ./Module.symvers'
plan
t_is 'a recipe can give them' 'config source symvers target_config' "$(env_of kernel inputs)"
recipe ', build: full'
plan
t_is 'S5-18: whole, where it is asked for' 'kernel: built whole: build: full asks for it' \
	"$(jq -r .kernel.why plan.json)"
t_is 'then there is a machine' 'kernel.config kernel modules.probe initramfs run gdb' "$(steps)"
t_is 'its release is compared all the same' 5.4.20-sunxi "$(env_of kernel opt_release)"

target 'release: 5.4.20-sunxi' 'config: plain.config'
recipe ''
"$KB" eval recipe.yaml >/dev/null 2>"$T/err"
t_has 'S5-26: vanilla for a vendor without symbol versions is a warning' "$T/err" \
	'^warning: kernel.org/5.4.20 stands in for the source of 5.4.20-sunxi'

# --- what realize says -------------------------------------------------------------------

# says: what it says before anything is built; the toolchain of the lock is there or is not
says() {
	# shellcheck disable=SC2086 # words
	"$KB" realize --no-link "$@" recipe.yaml#toolchain >/dev/null 2>"$T/err"
}
target 'release: 5.4.20-sunxi' 'config: packed.config'
recipe ', build: full'
says --override kernel.source=debian/13/linux-source-6.12
t_has 'S5-18: whose symbol versions they are is a warning' "$T/err" \
	'^warning: symbol versions come from this build'
target 'release: 5.4.20-sunxi-dirty' 'config: plain.config'
recipe ''
says --override kernel.source=debian/13/linux-source-6.12
t_is 'S5-18: the choice, in one line' 1 "$(grep -c '^kernel: prepared only, no vmlinux: the target has no modversions$' "$T/err")"
t_has 'S5-15: a dirty tree is a warning' "$T/err" '^warning: 5.4.20-sunxi-dirty was built of a tree with changes'
t_hasnt 'S5-26: another source is not called vanilla' "$T/err" 'stands in for'

# --- the example ---------------------------------------------------------------------------

"$KB" eval --json "$T_TOP/examples/board-module" >"$T/checked.json" 2>"$T/err"
t_is 'the example: its source' kernel.org/5.4.20 "$(jq -r .kernel.source.from "$T/checked.json")"
t_is 'S5-12: its suffix' -sunxi "$(jq -r .kernel.localversion "$T/checked.json")"
t_is 'S5-18: and what is made of it' prepare "$(jq -r .kernel.build "$T/checked.json")"

# --- nothing to be built ------------------------------------------------------------------

# shellcheck disable=SC2086 # words
"$KB" run $SOURCE recipe.yaml >/dev/null 2>"$T/err"
t_is 'what has no image cannot run' 2 $?

done_testing
