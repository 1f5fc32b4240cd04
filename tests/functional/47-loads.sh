#!/bin/sh
# SPDX-License-Identifier: MIT
# Builders say which modules a kernel must be able to load: what it would refuse is never published.
# S1-30 S1-31 S5-04 S5-13
. "$(dirname "$0")/../lib.sh"
need bwrap jq as
t_shared
t_toolchain_lock "$T/x.lock" || { not_ok 'the toolchain can be locked'; done_testing; }
cd "$T" || exit 1
salt=$$-$(date +%s)

mkdir k m
echo 6.1.0-board >k/release
printf 'CONFIG_64BIT=y\nCONFIG_X86_64=y\nCONFIG_SMP=y\nCONFIG_MODULES=y\n' >k/config
printf '0x00000000\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n' >k/Module.symvers
# ko FILE VERMAGIC SYMBOL [EXPORTED]: the smallest module that needs a symbol.
ko() {
	{
		printf '.section .modinfo,"a"\n.asciz "vermagic=%s"\n.asciz "license=GPL"\n' "$2"
		printf '.section .gnu.linkonce.this_module,"aw"\n.zero 64\n.text\ncall %s\n' "$3"
		[ -z "${4:-}" ] || printf '.globl __ksymtab_%s\n__ksymtab_%s:\n' "$4" "$4"
	} | as --64 -o "$1" -
}
ko m/good.ko '6.1.0-board SMP ' _printk
ko m/release.ko '6.1.0 SMP ' _printk
ko m/up.ko '6.1.0-board ' _printk
ko m/lacks.ko '6.1.0-board SMP ' lent
ko m/lends.ko '6.1.0-board SMP ' _printk lent
echo text >m/text.ko
printf '0x00000000\tlent\t/build/lends\tEXPORT_SYMBOL\t\n' >m/more.symvers

# build NAME CODE SCRIPT: a step with the modules and the kernel beside it.
build() {
	{
		printf 'kbuild: 1\nsteps:\n  it:\n    builder: %s\n' "$T_TOP/tests/data/script"
		printf '    inputs: {dep_m: ./m, dep_k: ./k}\n    options:\n      script: |\n'
		printf '%s\n' ": $salt" "mkdir \$out" "$3" | sed 's/^/        /'
	} >r.yaml
	cp x.lock r.lock
	"$KB" realize --json r.yaml >out.json 2>err
	got=$?
	t_is "$1" "$2" "$got" || sed 's/^/#   /' err
}
kind() {
	"$KB" log --json 'r.yaml#it' | jq -r .failure.kind
}
say() {
	printf 'printf "@kbuild %%s\\n" "%s"\n' "$*"
}

# --- what is refused -----------------------------------------------------------------------------
build 'a module that fits is published' 0 "cp /src/dep_m/good.ko \$out/x.ko; $(say "loads \$out/x.ko /src/dep_k")"
build 'another release is exit code 7' 7 "cp /src/dep_m/release.ko \$out/x.ko; $(say "loads \$out/x.ko /src/dep_k")"
sed -n '/^error: /,/hint/p' err >got
cat >want <<'END2'
error: it: x.ko would not load into the kernel it was made for
  module: 6.1.0 SMP 
  kernel: 6.1.0-board SMP 
               ^
  refused: the module's vermagic has '6.1.0', the kernel's '6.1.0-board'
    hint: CONFIG_LOCALVERSION, or a file localversion* in the kernel's tree, makes what follows the version
END2
t_same '... with the words, the caret and the hint' want got
t_is '... a kind of its own in the log' verdict "$(kind)"
t_is '... and in the answer' verdict "$(jq -r .steps.it.kind out.json)"
t_is '... never published' null "$(jq -r '.steps.it.outputs.out.path' out.json)"
"$KB" log 'r.yaml#it' >log.txt 2>note
t_has '... which the log tells' note '(verdict): x.ko would not load'
build 'a word is missing' 7 "cp /src/dep_m/up.ko x.ko; mkdir -p a; mv x.ko a/'x y.ko'; $(say "loads /build/a/x y.ko /src/dep_k")"
t_has '... and its symbol named' err 'hint: CONFIG_SMP$'
build 'a symbol is missing' 7 "$(say "loads /src/dep_m/lacks.ko /src/dep_k")"
t_has '... and named' err 'refused: lent is not exported'
build 'what is no module' 7 "$(say "loads /src/dep_m/text.ko /src/dep_k")"
t_has '... is said to be none' err 'text.ko is no module: .*expected an ELF file'
build 'the second of two' 7 "$(say "loads /src/dep_m/good.ko /src/dep_k"); $(say "loads /src/dep_m/up.ko /src/dep_k")"

# --- what others export --------------------------------------------------------------------------
build 'a symbol of another module of the same step' 0 "$(say "loads /src/dep_m/lacks.ko /src/dep_k"); $(say "loads /src/dep_m/lends.ko /src/dep_k")"
build 'and one of a Module.symvers' 0 "$(say "loads /src/dep_m/lacks.ko /src/dep_k"); $(say "symvers /src/dep_m/more.symvers /src/dep_k")"
build 'a broken one is the builder'\''s fault' 5 "$(say "loads /src/dep_m/lacks.ko /src/dep_k"); $(say "symvers /src/dep_m/text.ko /src/dep_k")"

# --- only a warning ------------------------------------------------------------------------------
build 'may-load lets it pass' 0 "$(say "may-load /src/dep_m/release.ko /src/dep_k")"
t_has '... with a warning' err "warning: .*/src/dep_m/release.ko would not load: the module's vermagic has '6.1.0'"
build 'what is no module, too' 0 "for i in 1 2 3 4 5; do $(say "may-load /src/dep_m/text.ko /src/dep_k"); done"
t_is '... three are enough' 3 "$(grep -c 'text.ko would not load' err)"
t_has '... the others are counted' err 'warning: .*2 more modules would not load'

# --- whoever wrote the builder does not read this machine ----------------------------------------
for bad in \
	'cp /src/dep_m/good.ko x.ko; mkfifo pipe|/build/pipe' \
	"ln -s $T/m/good.ko link|/build/link" \
	'ln -s /src/dep_m/good.ko link|/build/link' \
	'ln -s ../../../../../../../../../etc link|/build/link/passwd' \
	"ln -s / \$out/up|\$out/up/etc/passwd" \
	":|$T/m/good.ko" \
	':|/build/../build/x.ko' \
	':|/src/dep_m/../dep_m/good.ko' \
	':|/src/nothing/good.ko' \
	':|/src/dep_m' \
	':|/etc/passwd' \
	':|/build/not-there.ko' \
	':|'; do
	build "refused: ${bad#*|} of ${bad%%|*}" 5 "${bad%%|*}; $(say "loads ${bad#*|} /src/dep_k")"
	t_has '... as the builder'\''s mistake' err "builder's message 'loads' names '"
done
build 'a link inside is fine' 0 "cp /src/dep_m/good.ko x.ko; ln -s x.ko y.ko; $(say 'loads /build/y.ko /src/dep_k')"
for dev in "$T/k" /src/dep_k/.. /src/dep_x /src /build '' /src/dep_m; do
	build "refused: the kernel '$dev'" 5 "$(say "loads /src/dep_m/good.ko $dev")"
done
# A kernel whose files are links: CONFIG_SMP=y must not come from outside.
mv k/config there
ln -s "$T/there" k/config
build 'a link out of the kernel is not followed' 8 "$(say 'loads /src/dep_m/good.ko /src/dep_k')"
t_has '... and said' err 'cannot open /src/dep_k/config'
rm k/config
mv there k/config.inside
ln -s config.inside k/config
build 'one that stays inside is' 0 "$(say 'loads /src/dep_m/good.ko /src/dep_k')"

# --- what a machine says of itself, and names without CRCs ---------------------------------------
printf '6.1.0-board \n' >k/vermagic
build 'a vermagic wins over the configuration' 7 "$(say 'loads /src/dep_m/good.ko /src/dep_k')"
build '... every letter of it' 0 "$(say 'loads /src/dep_m/up.ko /src/dep_k')"
: >k/Module.symvers
build 'an empty Module.symvers says nothing' 0 "ln -s /src/dep_m/up.ko; $(say 'loads /src/dep_m/up.ko /src/dep_k')"
echo other >k/exports
build 'the list of exported names does' 7 "$(say 'loads /src/dep_m/up.ko /src/dep_k')"
echo _printk >>k/exports
build '... either way' 0 "$(say 'loads /src/dep_m/up.ko /src/dep_k')"
done_testing
