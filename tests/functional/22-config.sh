#!/bin/sh
# SPDX-License-Identifier: MIT
# Configurations through recipes, with real kernels of three Debian releases; nothing is compiled.
# S1-04 S1-05 S2-17 S2-19 S3-03 S3-04 S3-51 S3-52 S4-31 S4-32 S4-45 S4-46 S5-07 S5-08 S5-12 S5-17
. "$(dirname "$0")/../lib.sh"
need bwrap gzip
t_shared
t_kernel_lock "$T/kernel.lock" || { not_ok 'the toolchain and the kernel can be locked'; done_testing; }
cd "$T" || exit 1

# config NAME: realizes NAME.yaml#kernel.config with a keyboard that never answers. Its exit
# code is in $got, the configuration in NAME.config, the report in NAME.tsv.
config() {
	"$KB" realize --locked --no-link --json "$1.yaml#kernel.config" >"$1.json" 2>"$1.err" </dev/null
	got=$?
	out=$(sed -n 's/.*"physical": *"\(.*-kernel.config\)".*/\1/p' "$1.json")
	report=$(sed -n 's/.*"physical": *"\(.*-kernel.config-report\)".*/\1/p' "$1.json")
	[ -z "$out" ] || cp "$out/config" "$1.config"
	[ -z "$report" ] || cp "$report/report.tsv" "$1.tsv"
}
# granted NAME: it was built.
granted() {
	config "$1"
	t_is "$1: built" 0 "$got" || note "$(tail -n 20 "$1.err")"
}
# reported NAME SYMBOL ASKED GOT HOW
reported() {
	t_has "$1: the report says $2 $3 $4 $5" "$1.tsv" "$(printf '^%s\t%s\t%s\t%s$' "$2" "$3" "$4" "$5")"
}

# --- what is not granted ------------------------------------------------------------------------
mkdir m && echo 'obj-m := m.o' >m/Makefile
cat >refused.yaml <<'END'
kbuild: 1
kernel:
  source: debian/13/linux-source-6.12
  config:
    base: tinyconfig
    set:
      64BIT: y
      LIVEPATCH: {why: "the fix must get in without a reboot", is: y}
      LOG_BUF_SHIFT: 40
      NO_SUCH_SYMBOL: y
      SWAP: n
    wish: {KASAN: y}
modules:
  m:
    source: ./m
    needs: {config: {FUNCTION_TRACER: {is: y, why: "it probes functions"}}}
END
cp kernel.lock refused.lock
config refused
t_is 'a set that is not granted is exit code 4' 4 "$got"
cat >want <<'END'
refused.yaml:8:7: error: CONFIG_LIVEPATCH was not granted: asked for y, got n
    8 |       LIVEPATCH: {why: "the fix must get in without a reboot", is: y}
      |       ^~~~~~~~~
because: DYNAMIC_FTRACE_WITH_REGS is n, needed y: it has no prompt, only a default (kernel/trace/Kconfig:N)
because: FTRACE is n, needed y: base tinyconfig; kernel/trace/Kconfig:N
because: DYNAMIC_FTRACE is n, needed y: it depends on more (kernel/trace/Kconfig:N)
refused.yaml:16:22: because: FUNCTION_TRACER is n, needed y: it depends on more (kernel/trace/Kconfig:N)
   16 |     needs: {config: {FUNCTION_TRACER: {is: y, why: "it probes functions"}}}
      |                      ^~~~~~~~~~~~~~~
because: MODULES is n, needed y: base tinyconfig; kernel/module/Kconfig:N
because: SYSFS is n, needed y: base tinyconfig; fs/sysfs/Kconfig:N
because: KALLSYMS_ALL is n, needed y: it depends on more (init/Kconfig:N)
because: KALLSYMS is n, needed y: base tinyconfig; init/Kconfig:N
      hint: set: {FTRACE: y, MODULES: y, SYSFS: y, KALLSYMS_ALL: y} (checked: it is granted then)
            it was asked for because: the fix must get in without a reboot
refused.yaml:9:7: error: CONFIG_LOG_BUF_SHIFT was not granted: asked for 40, got n
    9 |       LOG_BUF_SHIFT: 40
      |       ^~~~~~~~~~~~~
because: PRINTK is n, needed y: base tinyconfig; init/Kconfig:N
because: its range is 12 to 25 (init/Kconfig:N)
      hint: set: {LOG_BUF_SHIFT: 25, PRINTK: y} (checked: it is granted then)
refused.yaml:10:7: error: CONFIG_NO_SUCH_SYMBOL was not granted: asked for y, this kernel has no such symbol
   10 |       NO_SUCH_SYMBOL: y
      |       ^~~~~~~~~~~~~~
because: not in this version
refused.yaml:16:22: error: CONFIG_FUNCTION_TRACER was not granted: asked for y, got n
   16 |     needs: {config: {FUNCTION_TRACER: {is: y, why: "it probes functions"}}}
      |                      ^~~~~~~~~~~~~~~
because: FTRACE is n, needed y: base tinyconfig; kernel/trace/Kconfig:N
      hint: set: {FTRACE: y} (checked: it is granted then)
            it was asked for because: it probes functions
END
grep -v '^kernel.config[: ]' refused.err | sed 's/\(Kconfig[^ ]*\):[0-9]*/\1:N/' >said
t_is 'all of them at once: symbol, asked, got, place, why' '' "$(diff want said)"
t_hasnt 'a wish is no error' refused.err KASAN

# --- what is ------------------------------------------------------------------------------------
cat >mine.config <<'END'
# of this recipe
CONFIG_VIRTIO_MMIO=y
# CONFIG_SWAP is not set
END
cat >full.yaml <<'END'
kbuild: 1
kernel:
  source: debian/13/linux-source-6.12
  localversion: -mine
  config:
    base: x86_64_defconfig
    use: [debug, kvm_guest.config, ./mine.config]
    prefer: builtin
    set:
      LOG_BUF_SHIFT: 18
      DEFAULT_HOSTNAME: "18"
      PHYSICAL_START: 0x2000000
      CMDLINE_BOOL: y
      FTRACE: y
      FUNCTION_TRACER: y
      CMDLINE: 'say="a \ b"'
      LIVEPATCH: {is: y, why: "samples"}
      SAMPLES: y
      SAMPLE_LIVEPATCH: m
    wish: {NO_SUCH_SYMBOL: y, LEDS_CLASS: m}
END
cp kernel.lock full.lock
granted full
for line in CONFIG_LOG_BUF_SHIFT=18 'CONFIG_DEFAULT_HOSTNAME="18"' CONFIG_PHYSICAL_START=0x2000000 \
	'CONFIG_CMDLINE="say=\\"a \\\\ b\\""' 'CONFIG_LOCALVERSION="-mine"' '# CONFIG_LOCALVERSION_AUTO is not set' \
	CONFIG_GDB_SCRIPTS=y CONFIG_NET_9P_VIRTIO=y CONFIG_VIRTIO_MMIO=y '# CONFIG_SWAP is not set' CONFIG_LIVEPATCH=y; do
	t_has "full: $line" full.config "^$line\$"
done
t_is 'full: prefer builtin leaves only what was asked for as m' CONFIG_SAMPLE_LIVEPATCH=m "$(grep '=m$' full.config)"
reported full NO_SUCH_SYMBOL y absent wish
reported full LEDS_CLASS m y wish
reported full LOG_BUF_SHIFT 18 18 set
reported full VIRTIO_MMIO y y mine.config
reported full GDB_SCRIPTS y y debug.config
reported full KVM_GUEST y y kvm_guest.config
t_is 'full: the report is sorted' "$(sed 1d full.tsv | cut -f1 | LC_ALL=C sort)" "$(sed 1d full.tsv | cut -f1)"

# No why, another order: the same derivation.
"$KB" eval --stage=drv full.yaml | grep '^kernel.config ' >before
sed -i 's/{is: y, why: "samples"}/y/; s/    wish: {NO_SUCH_SYMBOL: y, LEDS_CLASS: m}/    wish: {LEDS_CLASS: m, NO_SUCH_SYMBOL: y}/' full.yaml
"$KB" eval --stage=drv full.yaml | grep '^kernel.config ' >after
t_same 'full: neither is part of it' before after

# Nothing but answers: what is not asked for is off.
cat >answers.yaml <<'END'
kbuild: 1
kernel:
  source: debian/13/linux-source-6.12
  config: {base: allnoconfig, set: {64BIT: y, PRINTK: y}}
END
cp kernel.lock answers.lock
granted answers
t_has 'answers: what is asked for is on' answers.config '^CONFIG_PRINTK=y$'
t_hasnt 'answers: nothing is a module' answers.config '=m$'
t_is 'answers: nor is anything on that is a choice' '' "$(grep -xE 'CONFIG_(NET|PCI|MODULES|SMP)=y' answers.config)"

# --- older releases: each with its own compiler -------------------------------------------------
# release NUMBER NAME KERNEL: locks them; the recipe's further lines come from standard input.
release() {
	r_name=debian-$1
	{
		printf 'kbuild: 1\ntoolchain: debian/%s\nkernel:\n  source: debian/linux-source-%s\n' "$1" "$3"
		cat
	} >"$r_name.yaml"
	mkdir -p lock && cp "$r_name.yaml" ./*.config lock/ 2>/dev/null
	t_lock_once "$r_name" "$r_name.lock"
	case $? in
	0) ;;
	*)
		not_ok "$r_name: can be locked"
		return 1
		;;
	esac
	"$KB" eval --stage=drv "$r_name.yaml" >number
	sed -i "s,^toolchain: .*,toolchain: debian/$2," "$r_name.yaml"
	"$KB" eval --stage=drv "$r_name.yaml" >name 2>err
	t_same "$2 is another name for $1" number name
	granted "$r_name"
	head -n 5 "$r_name.config" >start
	t_has "$r_name: it is a Linux $3" start "^# Linux/x86[_0-9]* $3\.[0-9]* Kernel Configuration"
}

if release 11 bullseye 5.10 <<'END'; then
  config:
    base: defconfig
    set: {LOG_BUF_SHIFT: 18, DRM: n}
    wish: {VIRTIO_MMIO: m}
END
	t_has 'debian-11: resolved by its own compiler' debian-11.config '^CONFIG_CC_VERSION_TEXT=".*Debian 10\.'
	t_has 'debian-11: the wish is a module' debian-11.config '^CONFIG_VIRTIO_MMIO=m$'
fi

# The full configuration of one kernel is the base of the next, as it comes from /boot and from
# /proc/config.gz: what is new gets its default, what is gone is told, nobody is asked.
cp debian-11.config old.config
if release 12 bookworm 6.1 <<'END'; then
  config:
    base: ./old.config
    set:
      FTRACE: y
      KALLSYMS_ALL: y
      FUNCTION_TRACER: y
      DYNAMIC_FTRACE: y
      DYNAMIC_DEBUG: y
      LIVEPATCH: y
      RUNTIME_TESTING_MENU: y
      TEST_LIVEPATCH: m
END
	t_has 'debian-12: livepatch tests are on' debian-12.config '^CONFIG_TEST_LIVEPATCH=m$'
	reported debian-12 LOG_BUF_SHIFT 18 18 base
	t_has 'debian-12: what 5.10 did not know is listed' debian-12.tsv '	-	.*	new$'
	t_has 'debian-12: what 6.1 lost is listed' debian-12.tsv '	absent	base$'
fi

gzip -9n <debian-12.config >old.config.gz
cat >upgrade.yaml <<'END'
kbuild: 1
kernel:
  source: debian/13/linux-source-6.12
  config:
    base: ./old.config.gz
    set: {VIRTIO_MMIO: {is: y, why: "the hypervisor has nothing else"}}
END
cp kernel.lock upgrade.lock
t_has 'upgrade: the base has a module' debian-12.config '^CONFIG_VIRTIO_MMIO=m$'
granted upgrade
t_has 'upgrade: a set makes it built in' upgrade.config '^CONFIG_VIRTIO_MMIO=y$'
reported upgrade TEST_LIVEPATCH m absent base
for how in base new; do
	note "upgrade: $(grep -c "	$how\$" upgrade.tsv) of how '$how'"
done
t_is 'upgrade: every symbol of the base is accounted for' '' "$(
	sed -n 's/^CONFIG_\([A-Za-z0-9_]*\)=.*/\1/p' debian-12.config | sort -u >have
	cut -f1 upgrade.tsv | sort -u | comm -23 have - | grep -v '^LOCALVERSION' | head -n 3)"
done_testing
