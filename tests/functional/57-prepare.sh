#!/bin/sh
# SPDX-License-Identifier: MIT
# A kernel that is only prepared: modules are built against it as against a whole one, without a
# word of modpost; what is not like the target is refused before. S1-03 S1-15 S1-16 S5-11 S5-12
# S5-13 S5-17 S5-18 S5-19 S5-25
. "$(dirname "$0")/../lib.sh"
need bwrap jq
t_shared
t_board armhf "$T/a" || { not_ok 'the inputs can be locked'; done_testing; }
cd "$T/a" || exit 1

# realize RECIPE WORDS...: to $T/json and $T/err
realize() {
	r=$1
	shift
	cp recipe.lock "${r%.yaml}.lock" 2>/dev/null
	"$KB" realize --no-link --json --override kernel.source=debian/13/linux-source-6.12 "$@" "$r" \
		>"$T/json" 2>"$T/err"
}

# output STEP OUTPUT: its physical path
output() {
	jq -r --arg s "$1" --arg o "$2" '.steps[$s].outputs[$o].physical' "$T/json"
}

# target FILE LINE...
target() {
	t_target=$1
	shift
	printf 'target: 1\narch: armhf\n' >"$t_target"
	printf '%s\n' "$@" >>"$t_target"
}

# --- a tree that somebody built in ----------------------------------------------------

mkdir stale
echo '# nothing of it is read' >stale/Makefile
for what in .config Module.symvers include/generated; do
	rm -rf stale/include stale/.config stale/Module.symvers
	case $what in
	include/*) mkdir -p "stale/$what" && : >"stale/$what/autoconf.h" ;;
	*) : >"stale/$what" ;;
	esac
	printf 'kbuild: 1\narch: armhf\nkernel: ./stale\n' >stale.yaml
	cp recipe.lock stale.lock
	"$KB" realize --no-link stale.yaml#kernel.config >"$T/json" 2>"$T/err"
	t_is "S1-03: $what in the source ends the build" 5 $?
	t_has 'by its name' "$T/err" "the source tree holds $what, a result of a build in itself; run .make mrproper. there"
done

# --- what counts of two configurations --------------------------------------------------

mkdir compare
cd compare || exit 1
printf '%s\n' ASKED >asked
printf '%s\n' ASKED SAME MORE LESS CC_IS_GCC GCC_PLUGINS GCC_PLUGIN_RANDSTRUCT TEXT >symbols
cat >target.config <<'END'
CONFIG_SAME=y
# CONFIG_MORE is not set
CONFIG_LESS=m
CONFIG_ASKED=y
CONFIG_GCC_PLUGINS=y
CONFIG_GCC_PLUGIN_RANDSTRUCT=y
CONFIG_TEXT="a=b"
CONFIG_VENDOR=y
END
cat >.config <<'END'
CONFIG_SAME=y
CONFIG_MORE=y
# CONFIG_LESS is not set
CONFIG_CC_IS_GCC=y
CONFIG_TEXT="a=c"
CONFIG_UNMENTIONED=y
END
echo UNMENTIONED >>symbols
compare() {
	awk -v complete="$1" -f "$T_TOP/builders/kernel/compare.awk" asked symbols target.config .config | sort
}
compare 1 >all
t_is 'S5-11: every difference but what the compiler decides' \
	'GCC_PLUGIN_RANDSTRUCT LESS MORE TEXT UNMENTIONED' "$(sed -n 's/^differs \([A-Z_]*\):.*/\1/p' all | tr '\n' ' ' | sed 's/ $//')"
t_has 'S5-11: with both values' all '^differs TEXT: target "a=b", here "a=c"$'
t_has 'S5-26: and what the source lacks' all '^unknown VENDOR$'
compare 0 >some
t_is 'of a configuration that a person wrote, only what it mentions' 'differs UNMENTIONED: target n, here y' \
	"$(diff all some | sed -n 's/^< //p')"
cd ..

# --- the machine: the kernel of tests/data/armhf, known by its configuration -------------

if ! config=$("$KB" realize --no-link recipe.yaml#kernel.config 2>"$T/err"); then
	not_ok 'the configuration of the machine is there'
	sed 's/^/#   /' "$T/err"
	done_testing
fi
# Something that Kconfig has to answer by itself.
grep -v CONFIG_HEADERS_INSTALL "$config/config" >board.config
release=6.12.107-board
mkdir bad
printf 'obj-m := bad.o\n' >bad/Makefile
cat >bad/bad.c <<'END'
#include <linux/module.h>
void regster_nothing(void);
static int __init bad_init(void) { regster_nothing(); return 0; }
module_init(bad_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("uses a symbol that nobody exports");
END

target board.yaml "release: $release" 'config: board.config' 'compiler: arm-linux-gnueabihf-gcc (GNU 8.3-2019.03 (arm-rel-8.36)) 8.3.0'
printf 'kbuild: 1\nkernel: {target: ./board.yaml}\nmodules: {probe: {source: ./probe, install: kernel/drivers/vmm}}\n' >own.yaml
# The realised release is what the source of today has.
if ! realize own.yaml; then
	got=$(sed -n 's/^ *source: *\(6\.12\.[0-9]*-board\)$/\1/p' "$T/err")
	if [ -n "$got" ]; then
		release=$got
		target board.yaml "release: $release" 'config: board.config' 'compiler: gcc (x) 8.3.0'
		realize own.yaml
	fi
fi
if ! dev=$(output kernel dev) || [ ! -d "$dev" ]; then
	not_ok 'S1-15: a kernel is prepared, a module built'
	sed 's/^/#   /' "$T/err"
	done_testing
fi
ok 'S1-15: a kernel is prepared, a module built'
prepared=$dev
out=$(output kernel out)
t_is 'S5-18: it has no image' 'config release' "$(cd "$out" && echo *)"
t_is 'S5-12: its release is the target'\''s' "$release" "$(cat "$out/release")"
t_is 'nothing to debug' '' "$(ls "$(output kernel debug)")"
t_is 'no modules of its own' "lib/modules/$release" "$(cd "$(output kernel modules)" && find . -type d -links 2 | cut -c3-)"
t_is 'every export stands once, without a checksum' '0x00000000' "$(cut -f1 "$dev/Module.symvers" | sort -u)"
t_is 'by name' '' "$(cut -f2 "$dev/Module.symvers" | sort | uniq -d)"
t_has 'one for everybody' "$dev/Module.symvers" '	_printk	vmlinux	EXPORT_SYMBOL	$'
t_has 'one for the GPL only' "$dev/Module.symvers" '	platform_device_register	vmlinux	EXPORT_SYMBOL_GPL	$'
t_has 'one of a namespace' "$dev/Module.symvers" '	EXPORT_SYMBOL_GPL	USB_STORAGE$'
t_has 'one that a macro puts together' "$dev/Module.symvers" '	param_ops_int	vmlinux	EXPORT_SYMBOL	$'
t_hasnt 'none of another architecture' "$dev/Module.symvers" '	copy_mc_to_kernel	'
ko=$(find "$(output modules.probe out)" -name '*.ko')
t_is 'S1-16 S1-21: the module is where the recipe wants it' \
	"lib/modules/$release/kernel/drivers/vmm/probe.ko" "${ko#"$(output modules.probe out)"/}"
t_has 'S5-13: it is for the target' "$ko" "vermagic=$release "
key=$(jq -r .steps.kernel.key "$T/json")
"$KB" log "$key" >"$T/log" 2>&1
t_hasnt 'S5-18: nothing of the kernel was compiled' "$T/log" ' CC  *\(init\|kernel\|mm\|lib\)/[a-z_]*\.o'
"$KB" log "$(jq -r '.steps["modules.probe"].key' "$T/json")" >"$T/log" 2>&1
t_has 'S1-15: modpost ran' "$T/log" '^  MODPOST'
t_hasnt 'S1-15: and was silent' "$T/log" 'WARNING\|ERROR'
realize own.yaml -j 4
t_is 'S5-19: how many work at once is in no key' "$key" "$(jq -r .steps.kernel.key "$T/json")"
printf 'kbuild: 1\nkernel: {target: ./board.yaml}\nmodules: {bad: ./bad}\n' >bad.yaml
realize bad.yaml
t_is 'S1-15: a misspelt symbol is an error' 5 $?
t_has 'and is named' "$T/err" 'regster_nothing.* undefined'

# --- a machine of which more is known --------------------------------------------------

vermagic=$(tr '\0' '\n' <"$ko" | sed -n 's/^vermagic=//p')
printf '%s\n' _printk param_ops_int vendor_thing >names
target more.yaml "release: $release" 'config: board.config' "vermagic: \"${vermagic% }\"" 'exports: names' \
	'compiler: gcc (x) 8.3.0'
printf 'kbuild: 1\nkernel: {target: ./more.yaml}\n' >more-own.yaml
if realize more-own.yaml; then
	dev=$(output kernel dev)
	t_is 'what the machine wants modules to say, its last blank, too' "$vermagic" "$(cat "$dev/vermagic")"
	t_is 'its exports are those of the target' '_printk param_ops_int vendor_thing' \
		"$(cut -f2 "$dev/Module.symvers" | tr '\n' ' ' | sed 's/ $//')"
	t_has 'S5-24: also what only it has' "$dev/Module.symvers" '	vendor_thing	vmlinux	EXPORT_SYMBOL'
	t_is 'and can be read by others' 3 "$(grep -c . "$dev/exports")"
	"$KB" log "$(jq -r .steps.kernel.key "$T/json")" >"$T/log" 2>&1
	t_has 'S5-25: another compiler is a warning with the toolchain that matches' "$T/log" \
		'target.s kernel was built by gcc 8.3.0, this toolchain is gcc 14[0-9.]*; .toolchain: debian/10. would match'
else
	not_ok 'a machine of which more is known'
	sed 's/^/#   /' "$T/err"
fi

# --- refused ---------------------------------------------------------------------------

target other.yaml "release: 6.12.1-board" 'config: board.config'
printf 'kbuild: 1\nkernel: {target: ./other.yaml}\n' >other-own.yaml
realize other-own.yaml
t_is 'S5-02: a source of another version is a verdict' 7 $?
t_has 'that shows one' "$T/err" '^    target: 6.12.1-board$'
t_has 'and the other' "$T/err" "^    source: $release$"
t_is 'S5-13: the caret is below the first letter that differs' "$(printf '%*s^' 18 '')" "$(grep '^ *^$' "$T/err")"
t_has 'what to change' "$T/err" 'hint: kernel.source is version 6.12.107: '

# A symbol that Kconfig takes away, and one of a vendor's drivers.
{
	grep -v 'CONFIG_USB_SERIAL\|CONFIG_MODVERSIONS' board.config
	echo CONFIG_USB_SERIAL=y
	echo CONFIG_MODVERSIONS=y
	echo CONFIG_VENDOR_THING=m
} | gzip >vendor.config
sed 's/^0x00000000\(\t_printk\t\)/0x12345678\1/; s/^0x00000000/0x0badf00d/' "$prepared/Module.symvers" >Module.symvers
target vendor.yaml "release: $release" 'config: vendor.config' 'symvers: Module.symvers'
printf 'kbuild: 1\nkernel: {target: ./vendor.yaml}\n' >vendor-own.yaml
realize vendor-own.yaml
t_is 'S5-11: another configuration is a verdict' 7 $?
t_has 'that names each symbol with both values' "$T/err" '^    USB_SERIAL: target y, here n$'
t_hasnt 'but not what follows from the compiler' "$T/err" '^    \(CC_\|GCC_VERSION\|LOCALVERSION\)'
t_has 'S5-26: what the source does not know is a warning' "$T/err" \
	'lacks 1 symbols that the target.s configuration sets: VENDOR_THING'
cat >vendor-own.yaml <<'END'
kbuild: 1
kernel: {target: ./vendor.yaml, config: {set: {USB_SERIAL: n}}}
modules: {probe: ./probe}
END
if realize vendor-own.yaml; then
	ok 'S5-11: what the recipe asks for may differ'
	t_same 'S5-18: the symbol versions are the target'\''s' "$(output kernel dev)/Module.symvers" Module.symvers
	crc=$(modprobe --dump-modversions "$(find "$(output modules.probe out)" -name '*.ko')" 2>/dev/null | grep _printk)
	case $crc in
	0x12345678*_printk) ok 'and those of a module' ;;
	*) not_ok 'and those of a module'; note "found: $crc" ;;
	esac
else
	not_ok 'S5-11: what the recipe asks for may differ'
	sed 's/^/#   /' "$T/err"
fi

done_testing
