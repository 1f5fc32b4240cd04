#!/bin/sh
# SPDX-License-Identifier: MIT
# A module that was built, against the kernel it was built for and others that were edited; what
# messages of the kernel mean.
# S1-30 S1-31 S5-04 S5-13 S5-14 S5-16 S5-23
. "$(dirname "$0")/../lib.sh"
need bwrap cpio jq zstd gzip xz bzip2
t_shared
cp -R "$T_TOP/examples/hello" "$T/hello"
rm -rf "$T/hello/result"
cd "$T/hello" || exit 1
t_kernel_lock recipe.lock || { not_ok 'the toolchain and the kernel can be locked'; done_testing; }

# verdict NAME CODE FILE AGAINST [OPTIONS]: what is printed is in `out`.
verdict() {
	t_name=$1 want=$2 ko=$3 against=$4
	shift 4
	"$KB" inspect -q "$ko" --against "$against" "$@" >out 2>err
	got=$?
	t_is "$t_name" "$want" "$got" || note "$(cat out err)"
}

"$KB" inspect hello/hello.c >out 2>err
t_is 'what is no module is exit code 2' 2 "$?"
t_has '... and says what was expected' err 'expected an ELF file'
"$KB" inspect nothing.ko >out 2>err
t_is 'so is a file that is not there' 2 "$?"
"$KB" inspect hello/hello.c --against recipe.yaml >out 2>err
t_is 'and with a kernel' 2 "$?"

if ! "$KB" realize --locked recipe.yaml#modules.hello '#kernel' >paths 2>err; then
	not_ok 'the example is realized'
	note "$(tail -n 40 err)"
	done_testing
fi
release=$(cat result/kernel/release)
cp "result/modules.hello/lib/modules/$release/updates/hello.ko" hello.ko
chmod u+w hello.ko

# --- facts --------------------------------------------------------------------------------------
t_run 'facts of a module' "$KB" inspect hello.ko
t_has 'its machine' "$T_OUT" 'hello.ko: a module for x86_64, 64 bit'
t_has 'its vermagic' "$T_OUT" "^  vermagic   $release "
t_has 'its parameter' "$T_OUT" '^  parameter  who:charp'
t_has 'a symbol it needs' "$T_OUT" '^  needs .*_printk'
"$KB" inspect --json hello.ko >facts.json
t_is 'the same as JSON' hello "$(jq -r '.module.modinfo[] | select(.key == "name").value' facts.json)"
zstd -q hello.ko -o hello.ko.zst
t_run 'packed with zstd' "$KB" inspect hello.ko.zst
gzip -k hello.ko
t_run 'packed with gzip' "$KB" inspect hello.ko.gz
t_has '... the same facts' "$T_OUT" "^  vermagic   $release "
xz -k hello.ko
t_run 'packed with xz' "$KB" inspect hello.ko.xz
bzip2 -k hello.ko
t_fails 'packed with bzip2: refused' "$KB" inspect hello.ko.bz2
t_has '... with what to do' "$T_OUT" 'hint: unpack it first: bunzip2'

# --- against the kernel it was built for --------------------------------------------------------
verdict 'its own kernel would load it, by recipe' 0 hello.ko recipe.yaml
t_has '... it says so' out '^against recipe.yaml: would load$'
verdict 'by the link in result/' 0 hello.ko result/kernel
verdict 'by the store path' 0 hello.ko "$(readlink -f result/kernel)"
verdict 'by its image, as far as that goes' 0 hello.ko result/kernel/image
t_has '... its vermagic is the same, the symbols not known' out '^  not known: what the kernel exports'
t_hasnt '... and nothing else' out 'not known: the words'
verdict 'by itself' 0 hello.ko hello.ko

# --- and others ---------------------------------------------------------------------------------
# edited FROM TO: a copy of the module with a text of the same length.
edited() {
	LC_ALL=C sed "s/$1/$2/" hello.ko >edited.ko
	t_is "edited: $1 became $2" "$(wc -c <hello.ko)" "$(wc -c <edited.ko)"
}
# An odd letter in the place of the release's last one.
odd=${release%?}x
edited "=$release " "=$odd "
verdict 'another release is refused' 7 edited.ko recipe.yaml
sed "s/$odd/RELEASX/" out | sed "s/$release/RELEASE/g" >got
blanks=$(printf '%s' "$release" | sed 's/./ /g')
cat >want <<END
against recipe.yaml: would not load
  module: RELEASX SMP mod_unload 
  kernel: RELEASE SMP mod_unload 
          ${blanks%?}^
END
head -n 4 got >got4
t_same '... with a caret below the first different letter' want got4
t_has '... and where the release comes from' out 'hint: .*localversion\|hint: the version'
"$KB" inspect --json edited.ko --against recipe.yaml >v.json
t_is '... as JSON' 'refused release' \
	"$(jq -r '.verdict | .outcome + " " + .differences[0].part' v.json)"
verdict 'the image says it, too' 7 edited.ko result/kernel/image
t_has '... with the whole vermagic of the kernel in it' out "^  kernel: $release SMP mod_unload \$"
verdict 'and a module of that kernel' 7 edited.ko hello.ko

edited 'SMP mod_unload ' 'SMX mod_unload '
verdict 'a word that no kernel has is refused' 7 edited.ko recipe.yaml
cp hello.ko edited.ko
mkdir -p up
cp -R "$(readlink -f result/kernel)/." up/
chmod -R u+w up
sed -i 's/^CONFIG_SMP=y/# CONFIG_SMP is not set/; s/^# CONFIG_MODULE_SIG is not set/CONFIG_MODULE_SIG=y/' up/config
verdict 'a kernel without SMP does not load it' 7 hello.ko up
t_has '... and the symbol is named' out 'hint: CONFIG_SMP$'
cp "$(readlink -f result/kernel)/config" up/config
chmod u+w up/config
printf 'CONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_FORCE=y\n' >>up/config
verdict 'a kernel that wants signatures does not load it' 7 hello.ko up
t_has '... and says why' out 'CONFIG_MODULE_SIG_FORCE=y'
edited '_printk' '_prinqk'
verdict 'a symbol that is not exported' 7 edited.ko recipe.yaml
t_has '... is named' out 'refused: _prinqk is not exported'

printf '0x00000001\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n0x00000001\tparam_ops_charp\tlib/ops\tEXPORT_SYMBOL\t\n' >up/Module.symvers
cp "$(readlink -f result/kernel)/config" up/config
verdict 'Module.symvers of our own' 0 hello.ko up/Module.symvers
t_has '... says which module comes first' out 'loaded first: lib/ops'
rm up/release
verdict 'without a release nothing is certain' 0 hello.ko up
t_has '... and that is said' out 'not known: the kernel.s release'
verdict 'which can be told' 0 hello.ko up --release "$release"
t_has '... then it is certain' out ': would load$'
verdict 'and may be another' 7 hello.ko up --release "$release-other"
t_has '... for which the cause is named' out 'hint: CONFIG_LOCALVERSION'

# --- all modules of a tree: S1-30 ---------------------------------------------------------------
old=$(printf '%s' "$release" | sed 's/^6/5/')
for where in "$release" "$old"; do
	mkdir -p "tree/lib/modules/$where/extra"
	cp hello.ko "tree/lib/modules/$where/extra/"
done
zstd -q --rm "tree/lib/modules/$old/extra/hello.ko"
echo no >tree/notes.kokoro
"$KB" inspect tree >out 2>err
t_is 'a module in the folder of another release is found' 7 "$?"
t_has '... and named' out "^tree/lib/modules/$old/extra/hello.ko.zst: against $old: would not load"
t_has '... with the reason' out "refused: the module is for the release '$release', the kernel is '$old'"
t_hasnt '... and no other' out "$release/extra"
t_has '... and counted' out '^2 modules: 1 would not load, 0 would, of 1 it cannot be told$'
(cd tree && find . | cpio -o -H newc --quiet) >plain.cpio
{ (cd hello && find . | cpio -o -H newc --quiet) && gzip -nc plain.cpio; } >two.cpio
for archive in plain.cpio two.cpio; do
	"$KB" inspect "$archive" >out 2>err
	t_is "so it is in $archive" 7 "$?"
	t_has '... with its path' out "lib/modules/$old/extra/hello.ko.zst: against $old: would not load"
done
gzip -n plain.cpio
"$KB" inspect --json plain.cpio.gz >out 2>err
t_is 'as JSON' 'refused unknown' "$(jq -r '[.modules[].verdict.outcome] | sort | join(" ")' out)"
verdict 'against one kernel both are the same' 0 tree recipe.yaml
t_has '... and would load' out '^2 modules: 0 would not load, 2 would, of 0 it cannot be told$'
head -c 900 two.cpio >cut.cpio
"$KB" inspect cut.cpio >out 2>err
t_is 'an archive that ends early is exit code 2' 2 "$?"
"$KB" inspect hello >out 2>err
t_is 'so is a folder without modules' 2 "$?"
verdict 'with a kernel, too' 2 hello recipe.yaml

# --- a machine that somebody wrote down ---------------------------------------------------------
dev=$("$KB" realize --locked --json --no-link 'recipe.yaml#kernel' 2>err | jq -r .steps.kernel.outputs.dev.physical)
mkdir board
gzip -nc "$(readlink -f result/kernel)/config" >board/config.gz
cp "$dev/Module.symvers" board/symvers
# board LINE...: its file.
board() {
	printf 'target: 1\nrelease: "%s"\narch: x86_64\n' "$release" >board/board.yaml
	[ $# -eq 0 ] || printf '%s\n' "$@" >>board/board.yaml
}
board
verdict 'of a release alone not much is known' 0 hello.ko board/board.yaml
t_has '... which is said' out 'not known: the words of the kernel.s vermagic'
board 'config: config.gz' 'symvers: symvers'
verdict 'with its configuration and symbols all is' 0 hello.ko board/board.yaml
t_has '... it would load' out ': would load$'
board "vermagic: $release SMP mod_unload"
verdict 'a blank that a person lost does not count' 0 hello.ko board/board.yaml
board "vermagic: $release SMP preempt mod_unload" 'config: config.gz'
verdict 'what it says of itself wins' 7 hello.ko board/board.yaml
board 'config: config.gz' 'exports: names'
printf '_printk\n' >board/names
verdict 'names of symbols without CRCs' 7 hello.ko board/board.yaml
t_has '... are enough to miss one' out 'refused: param_ops_charp is not exported (.*/board/names)'
cut -f 2 board/symvers >board/names
verdict '... or none' 0 hello.ko board/board.yaml
t_has '... for certain' out ': would load$'
board 'sig_enforce: y'
verdict 'what enforces signatures' 7 hello.ko board/board.yaml
t_has '... says why' out 'refused: .*sig_enforce'
sed -i s/x86_64/armhf/ board/board.yaml
verdict 'another architecture' 7 hello.ko board/board.yaml
t_has '... is named' out 'the module is for x86_64, the kernel for arm$'
board 'btf: symvers'
verdict 'what is no type information' 2 hello.ko board/board.yaml
t_has '... is told' err 'symvers: expected /sys/kernel/btf/vmlinux'
board 'confg: config.gz'
verdict 'a broken file' 2 hello.ko board/board.yaml
t_has '... shows where' err 'board/board.yaml:4:1: error: '

mkdir empty
verdict 'a directory that is no kernel' 2 hello.ko empty
verdict 'a kernel that is not there' 2 hello.ko nowhere
rm -r result
verdict 'a recipe without its kernel' 2 hello.ko recipe.yaml
t_has '... says how to make it' err 'hint: kbuild realize recipe.yaml#kernel'

# --- messages -----------------------------------------------------------------------------------
t_run 'a message is explained' "$KB" explain \
	"hello: version magic '4.9.189 SMP mod_unload aarch64' should be '4.14.87 SMP mod_unload aarch64'"
sed -n '/module: /,$p' "$T_OUT" >got
cat >want <<'END'
  module: 4.9.189 SMP mod_unload aarch64
  kernel: 4.14.87 SMP mod_unload aarch64
            ^
  differs: the version: VERSION, PATCHLEVEL, SUBLEVEL and EXTRAVERSION of the kernel's Makefile
END
t_same '... word by word' want got
t_fails 'what is no message is exit code 1' "$KB" explain good morning
cat >dmesg <<'END'
[    1.000000] clocksource: Switched to clocksource tsc
[    2.000000] hello: loading out-of-tree module taints kernel.
[    2.000100] hello: Unknown symbol absent (err -2)
END
t_run 'of a whole log what is known is explained' sh -c "'$KB' explain - <dmesg"
t_is '... and only that' 2 "$(grep -c '^  change: ' "$T_OUT")"
t_is '... as JSON' 'taint symbol-missing' "$("$KB" explain --json <dmesg | jq -r '[.messages[].code] | join(" ")')"
done_testing
