#!/bin/sh
# SPDX-License-Identifier: MIT
# What `kbuild inspect` says of a module is what insmod does in a guest, and what `kbuild explain` says
# of the kernel's line is the same reason: pairs of modules and kernels of three architectures,
# with and without CRCs. Some modules are really built differently, the others edited.
# S1-30 S1-31 S5-04 S5-13 S5-15 S5-23 S5-26
# shellcheck disable=SC2016 # commands for the guest and for make are quoted
. "$(dirname "$0")/../lib.sh"
need bwrap jq perl objcopy qemu-system-x86_64 qemu-system-aarch64 qemu-system-arm
t_shared
cd "$T" || exit 1
pairs=0

# Another kernel than the one at /src/dep_dev: the same tree with a word changed.
cat >others.sh <<'END'
use_arch "$arch"
vary() {
	cp -R /src/dep_dev dev
	chmod -R u+w dev
	"$1"
	cp -R /src/dep_source m
	chmod -R u+w m
	shift
	kmake dev M=/build/m "$@" modules
	cp m/good.ko "$out/$name.ko"
	rm -rf m dev
}
other_release() { sed -i 's/"\(6[^"]*\)"/"\1-other"/' dev/include/generated/utsrelease.h; }
define() { printf '#define %s 1\n' "$@" >>dev/include/generated/autoconf.h; }
preempt() { define CONFIG_PREEMPT CONFIG_PREEMPT_BUILD CONFIG_PREEMPTION CONFIG_PREEMPT_COUNT; }
other_smp() {
	if grep -q '^CONFIG_SMP=y' dev/.config; then
		sed -i '/CONFIG_SMP /d; s/\(CONFIG_NR_CPUS\) .*/\1 1/' dev/include/generated/autoconf.h
	else
		define CONFIG_SMP
	fi
}
# Changes struct module and no word of vermagic.
fields() {
	define CONFIG_KUNIT CONFIG_PRINTK_INDEX CONFIG_CONSTRUCTORS CONFIG_FUNCTION_ERROR_INJECTION \
		CONFIG_STACKTRACE_BUILD_ID CONFIG_TRACING
}
forget() { sed -i '/\thex_to_bin\t/d' dev/Module.symvers; }
mkdir "$out"
name=release vary other_release
name=preempt vary preempt
name=smp vary other_smp
name=struct vary fields
name=misspelt vary true MISSPELT=y KBUILD_MODPOST_WARN=1
name=twice vary forget TWICE=y
END

# prepare KERNEL ARCH: its recipe, in the folder KERNEL, with our modules; what belongs to a verdict is
# in KERNEL/kernel, what the guest gets in KERNEL/ko.
prepare() {
	cd "$T/$1" || return 1
	{
		printf 'kbuild: 1\nextends: [./recipe.yaml]\nmodules:\n'
		printf '  verdicts: %s\n' "$T_TOP/tests/data/verdicts"
		printf 'run: {timeout: {boot: 5m, total: 15m, idle: 5m}}\nsteps:\n  others:\n'
		printf '    builder: %s\n    inputs:\n' "$T_TOP/tests/data/script"
		printf '      dep_dev: "${kernel.dev}"\n      dep_source: %s\n' "$T_TOP/tests/data/verdicts"
		printf '    options:\n      script: |\n'
		printf 'arch=%s\n' "$2" | cat - "$T/others.sh" | sed 's/^/        /'
	} >r.yaml
	cp recipe.lock r.lock
	if ! "$KB" realize --json 'r.yaml#kernel' '#modules.verdicts' '#others' '#run' >steps.json 2>err; then
		not_ok "$1: kernel and modules are built"
		note "$(tail -n 30 err)"
		return 1
	fi
	ok "$1: kernel and modules are built"
	out=$(jq -r .steps.kernel.outputs.out.physical steps.json)
	dev=$(jq -r .steps.kernel.outputs.dev.physical steps.json)
	modules=$(jq -r .steps.kernel.outputs.modules.physical steps.json)
	release=$(cat "$out/release")
	mkdir -p kernel/kernel ko
	cp "$out/config" "$out/release" kernel/
	own=$(jq -r '.steps."modules.verdicts".outputs.out.physical' steps.json)
	cat "$dev/Module.symvers" "$own/Module.symvers" >kernel/Module.symvers
	cp "$own/lib/modules/$release/updates/"*.ko .
	cp "$(jq -r .steps.others.outputs.out.physical steps.json)"/*.ko .
	chmod -R u+w .
	# A module of that kernel tells how large its struct module is.
	cp lender.ko kernel/kernel/
	: >trials
}

# trial NAME REASON MODULE [EDIT ...]: REASON is `loads` or the code of what refuses it first. What the
# kernel says may be another code: REASON/CODE, `-` if it says nothing.
trial() {
	t_name=$1 t_reason=$2 t_module=$3
	shift 3
	perl "$T_TOP/tests/koedit.pl" "$t_module.ko" "ko/$t_name.ko" "$@" || not_ok "edit $t_name"
	echo "$t_name $t_reason" >>trials
}

# What insmod says, its code, what the kernel says of it; NAME of the file is not the module's.
cat >guest.sh <<'END'
cd /t
dmesg -n 1
[ ! -f /sys/kernel/btf/vmlinux ] || cp /sys/kernel/btf/vmlinux btf
while read -r name reason; do
	[ "$name" != signed-enforced ] || echo Y >/sys/module/module/parameters/sig_enforce
	# A line without an end comes with the next one.
	echo - >/dev/kmsg
	dmesg -c >/dev/null
	echo "@@ $name"
	insmod "/t/$name.ko" 2>&1
	echo "@@code $?"
	dmesg -c
	for module in good user crc_itu_t; do
		grep -q "^$module " /proc/modules && rmmod "$module"
	done
done <trials
echo '@@ end'
END

# compare KERNEL AGAINST: boots once, then each trial.
compare() {
	cp trials "$T/guest.sh" ko/
	if ! ./result/runvm -q --share "$PWD/ko:/t:rw" -- sh /t/guest.sh >guest.out 2>guest.err; then
		not_ok "$1: the guest tries all"
		note "$(tail -n 20 guest.out guest.err)"
		return 1
	fi
	while read -r name reason; do
		pairs=$((pairs + 1))
		awk -v n="$name" '/^@@ / { on = $2 == n } on && !/^@@ /' guest.out >said
		insmod=$(sed -n 's/^@@code 0*[1-9].*/1/p; s/^@@code 0$/0/p' said)
		sed '/^@@code/d' said >lines
		against=$2
		[ ! -f "$name.yaml" ] || against=$name.yaml
		"$KB" inspect --json "ko/$name.ko" --against "$against" >verdict.json 2>verdict.err
		code=$?
		first=$(jq -r '[.verdict.findings[] | select(.level == "refuse").code][0] // .verdict.outcome' verdict.json 2>/dev/null)
		[ "$code" -ne 2 ] || first=broken
		line=$("$KB" explain --json <lines | jq -r '[.messages[].code | select(. != "taint" and . != "format"
			and . != "argument" and . != "key" and . != "symbol-refused")][0] // "-"')
		case $reason in
		loads) want="0 loads 0 -" ;;
		warns/*) want="0 loads 0 ${reason#*/}" ;;
		broken/*) want="2 broken 1 ${reason#*/}" ;;
		*/*) want="7 ${reason%/*} 1 ${reason#*/}" ;;
		*) want="7 $reason 1 $reason" ;;
		esac
		t_is "$1: $name: inspect, reason, insmod, explained reason" "$want" "$code $first $insmod $line" ||
			note "$(cat lines verdict.err; "$KB" inspect -q "ko/$name.ko" --against "$against")"
	done <trials
}

# The same for every kernel.
common() {
	# It stays loaded.
	trial lender "${2:-loads}" lender
	trial good loads good
	trial release vermagic release
	trial preempt vermagic preempt
	trial smp vermagic smp
	trial misspelt symbol-missing misspelt
	trial no-vermagic no-vermagic/- good tag vermagic -
	trial dirty vermagic good tag vermagic "$(vermagic_of good.ko | sed "s/$release/&-dirty/")"
	trial proprietary symbol-gpl/symbol-missing good tag license Proprietary
	trial no-this-module damaged good drop .gnu.linkonce.this_module
	trial no-table damaged good notable
	trial cut broken/damaged good cut 70
	trial machine arch good machine 8
	trial relocation relocation good relocation "$1"
	grep -q '^CONFIG_LIVEPATCH=y' kernel/config || trial livepatch livepatch good tag livepatch Y
	trial twice symbol-duplicate twice
	trial user loads user
	trial namespace symbol-namespace user tag import_ns -
}
# Of kernels that look how large struct module is: 6.12 does, 6.1 does not.
sizes() {
	trial struct struct-module struct
	trial small struct-module good size .gnu.linkonce.this_module -64
	trial large struct-module good size .gnu.linkonce.this_module +64
}
vermagic_of() {
	"$KB" inspect --json "$1" | jq -r '.module.modinfo[] | select(.key == "vermagic").value'
}

# --- without CRCs --------------------------------------------------------------------------------
cp -R "$T_TOP/examples/hello" x86_64
rm -rf x86_64/result
t_kernel_lock x86_64/recipe.lock || { not_ok 'x86_64: locked'; done_testing; }
if prepare x86_64 x86_64; then
	common 9
	sizes
	compare x86_64 kernel
fi

# What goes into an initramfs is compared with the kernel that boots, wherever both come from.
mkdir "$T/mixed"
cd "$T/mixed" || exit 1
printf 'kbuild: 1\nkernel: {prebuilt: ./kernel}\nmodules: {verdicts: %s}\n' "$T_TOP/tests/data/verdicts" >r.yaml
cp ../x86_64/r.lock r.lock
mkdir kernel
cp -RL "$out/." kernel/
cp -R "$modules/lib" "$dev" kernel/
mv kernel/*-dev kernel/dev
chmod -R u+w kernel
sed -i 's/^CONFIG_SMP=y/# CONFIG_SMP is not set/' kernel/config
"$KB" realize -q 'r.yaml#initramfs' >out 2>err
t_is 'a kernel put together of two is found before it boots' 7 "$?" || note "$(cat err)"
t_has '... by its module' err 'initramfs: .*\.ko would not load'

t_board arm64 "$T/arm64" || not_ok 'arm64: locked'
if prepare arm64 arm64; then
	common 311
	sizes
	trial without-arch vermagic good tag vermagic "$release SMP mod_unload "
	trial x86 arch ../x86_64/good
	compare arm64 kernel
fi

t_board armhf "$T/armhf" || not_ok 'armhf: locked'
if prepare armhf armhf; then
	common 26
	sizes
	magic=$(vermagic_of good.ko)
	trial no-thumb2 vermagic good tag vermagic "$(echo "$magic" | sed 's/thumb2 //')"
	trial no-p2v8 vermagic good tag vermagic "${magic%p2v8*}"
	trial armv6 vermagic good tag vermagic "$(echo "$magic" | sed 's/ARMv7/ARMv6/')"
	# S1-30: what a rootfs was found to have.
	trial other-board vermagic good tag vermagic '4.9.189 SMP mod_unload modversions aarch64'
	trial arm64 arch ../arm64/good
	compare armhf kernel
fi

# --- with CRCs, signatures and type information: Debian's ----------------------------------------
mkdir -p "$T/debian" "$T/lock"
printf 'kbuild: 1\nkernel: {prebuilt: debian/linux-image-6.1-amd64}\n' |
	tee "$T/debian/recipe.yaml" >"$T/lock/prebuilt-amd64.yaml"
t_lock_once prebuilt-amd64 "$T/debian/recipe.lock" || not_ok 'debian: locked'
if prepare debian x86_64; then
	common 9 warns/signature
	magic=$(vermagic_of good.ko)
	# What comes before the first blank does not count: a module of another release is loaded.
	# This kernel may be preempted, takes what has no vermagic or versions, and only warns of types.
	sed -i 's/^\(release\|dirty\|preempt\) vermagic/\1 loads/; s,^no-vermagic .*,no-vermagic warns/no-vermagic,' trials
	trial crc symbol-crc good crc _printk 12345678
	trial layout symbol-crc good crc module_layout 1
	trial no-crc no-crc good crc _printk -
	trial no-layout no-crc good crc module_layout -
	trial no-versions loads good drop __versions
	trial unversioned vermagic good tag vermagic "$(echo "$magic" | sed 's/modversions //')"
	crc=$(find "$modules/" -name crc-itu-t.ko)
	cp "$crc" crc.ko
	chmod u+w crc.ko
	trial types loads crc
	trial other-types warns/btf crc names 100000000
	trial signed-enforced loads crc
	trial enforced signature good
	for name in types other-types enforced; do
		printf 'target: 1\nrelease: %s\narch: x86_64\nconfig: kernel/config\nsymvers: kernel/Module.symvers\nbtf: ko/btf\nsig_enforce: %s\n' \
			"$release" "$([ $name = enforced ] && echo y || echo n)" >$name.yaml
	done
	compare debian kernel
	"$KB" inspect "$modules/lib/modules/$release/kernel" --against "$dev" >all 2>&1
	t_is 'of all modules that Debian built for it none is refused' '0 0' \
		"$? $(sed -n 's/^[1-9][0-9]\{3\} modules: \([0-9]*\) would not load.*/\1/p' all)"
fi

t_run "many pairs were tried: $pairs" [ "$pairs" -ge 80 ]
done_testing
