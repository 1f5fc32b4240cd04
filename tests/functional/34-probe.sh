#!/bin/sh
# SPDX-License-Identifier: MIT
# What was saved of a machine becomes the file that describes it. The ssh here is ours and plays a machine
# that means no good; real ones are in tests/vm/86-deploy.sh.
# S5-01 S5-07 S5-08 S5-09 S5-10 S5-14 S5-15 S5-16 S5-24
# shellcheck disable=SC2016 # programs for the other ssh are quoted
. "$(dirname "$0")/../lib.sh"
need jq gzip xz gcc

mkdir "$T/saved" && cd "$T/saved" || exit 1

# probe NAME CODE WORD...: standard output in out, the other in err
probe() {
	t_name=$1 want=$2
	shift 2
	"$KB" probe "$@" >"$T/out" 2>"$T/err"
	got=$?
	if [ "$got" = "$want" ]; then
		ok "$t_name"
	else
		not_ok "$t_name"
		note "expected $want, got $got of: $*"
		note "$(cat "$T/out" "$T/err")"
	fi
}
has() {
	t_has "$1" "$T/out" "$2"
}
says() {
	t_has "$1" "$T/err" "$2"
}

# --- files by what is in them ---------------------------------------------------------------------
printf 'Linux orangepizero 5.4.20-sunxi #8 SMP Wed Jan 1 12:00:00 CET 2020 armv7l GNU/Linux\n' >one
cat >two <<'END'
#
# Automatically generated file; DO NOT EDIT.
# Linux/arm 5.4.20 Kernel Configuration
#
CONFIG_CC_VERSION_TEXT="arm-linux-gnueabihf-gcc (GNU Toolchain) 8.3.0"
CONFIG_ARM=y
CONFIG_LOCALVERSION="-sunxi"
# CONFIG_MODVERSIONS is not set
END
printf '0x00000000\tprintk\tvmlinux\tEXPORT_SYMBOL\n' >three
cat >four <<'END'
00000000 T _stext
00000000 r __ksymtab_printk
00000000 r __ksymtab_kfree
00000000 T kfree
00000000 r __ksymtab_cfg80211_scan	[cfg80211]
END
printf '\237\353\001\000\030\000\000\000' >five
printf 'Y\n' >six
printf '5.4.20-sunxi SMP mod_unload ARMv7 thumb2 p2v8 \n' >seven
printf 'Linux version 5.4.20-sunxi (root@build) (gcc version 8.3.0 (GNU Toolchain)) #8 SMP Wed Jan 1 12:00:00 CET 2020\n' \
	>eight

probe 'uname is enough to begin with' 0 --file one
t_is '... the release' 'release: 5.4.20-sunxi' "$(grep ^release board.yaml)"
t_is '... and the architecture' 'arch: armhf' "$(grep ^arch board.yaml)"
has '... what is missing is named, and where it is' 'not found: its configuration; .* zcat /proc/config.gz'
has '... the symbols, too' "not found: what it exports; .* grep ' __ksymtab_' /proc/kallsyms"

probe 'a directory to write to that is not there' 8 --file one -o none/board.yaml
probe 'all of it' 0 --file one two three four five six seven eight -o all.yaml
cat >want <<'END'
# Written by `kbuild probe`.
target: 1
release: 5.4.20-sunxi
arch: armhf
vermagic: "5.4.20-sunxi SMP mod_unload ARMv7 thumb2 p2v8 "
uname: "Linux orangepizero 5.4.20-sunxi #8 SMP Wed Jan 1 12:00:00 CET 2020 armv7l GNU/Linux"
compiler: "arm-linux-gnueabihf-gcc (GNU Toolchain) 8.3.0"
sig_enforce: y
config: all.config
symvers: all.symvers
exports: all.exports
btf: all.btf
END
t_same '... as the file that recipes name' want all.yaml
t_same '... its configuration as it was' two all.config
t_same '... its Module.symvers' three all.symvers
t_is '... names of exported symbols, sorted' 'cfg80211_scan kfree printk ' "$(tr '\n' ' ' <all.exports)"
t_same '... its types' five all.btf
touch -d 2001-02-03 all.*
probe 'in another order' 0 --file eight seven six five four three two one -o all.yaml
t_same '... the same' want all.yaml
t_is '... files that are so already stay untouched' '' "$(find . -name 'all.*' -newermt 2001-03-01)"
printf '5.4.20-sunxi\n' >release
probe 'uname -r and uname -m alone' 0 --file release - -o x.yaml <<'END'
armv7l
END
t_is '... are enough' armhf "$(sed -n 's/^arch: //p' x.yaml)"

# --- packed ---------------------------------------------------------------------------------------
gzip -c two >config.gz
gzip -c three >three.gz
xz -c four >four.xz
probe 'packed files' 0 --file one config.gz three.gz four.xz -o packed.yaml
t_same '... /proc/config.gz is unpacked' two packed.config
t_same '... Module.symvers.gz' three packed.symvers
t_same '... kallsyms.xz' all.exports packed.exports
head -c 100 config.gz >cut.gz
probe 'half a file' 2 --file one cut.gz
says '... is named' 'error: cut.gz$'
says '... with the reason' 'because: the file is no whole gzip file'

# --- texts as people have them ----------------------------------------------------------------------
printf 'linux-5.4.20-sunxi SMP mod_unload ARMv7 thumb2 p2v8\n' >quoted
probe 'a vermagic as it is quoted' 0 --file one quoted -o q.yaml
says '... linux- is no part of it' 'remark: quoted, line 1: no vermagic begins with linux-'
t_is '... nor is its last blank lost' 'vermagic: "5.4.20-sunxi SMP mod_unload ARMv7 thumb2 p2v8 "' "$(grep ^vermagic q.yaml)"
printf 'filename: x.ko\nvermagic:       6.1.0 SMP preempt mod_unload aarch64\n' >modinfo
probe 'all that modinfo prints' 0 --file modinfo -o m.yaml
t_is '... arm64 puts no blank there' 'vermagic: "6.1.0 SMP preempt mod_unload aarch64"' "$(grep ^vermagic m.yaml)"
t_is '... it says the architecture' 'arch: arm64' "$(grep ^arch m.yaml)"
printf "[ 12.3] hello: version magic '5.4.20 SMP mod_unload ARMv7 p2v8 ' should be '5.4.20-sunxi SMP mod_unload ARMv7 thumb2 p2v8 '\n" \
	>dmesg
probe 'the line with which a module was refused' 0 --file dmesg -o d.yaml
t_is '... says what the kernel wants' 'vermagic: "5.4.20-sunxi SMP mod_unload ARMv7 thumb2 p2v8 "' "$(grep ^vermagic d.yaml)"
printf 'pi@board:~$ uname -a\r\nLinux tx2 4.4.38L4T kernel 4.4.38 #1 SMP PREEMPT Thu Mar 1 2018 aarch64 aarch64 aarch64 GNU/Linux\r\n' >tx2
printf '# Linux/arm64 4.4.38 Kernel Configuration\r\nCONFIG_ARM64=y\r\nCONFIG_64BIT=y\r\nCONFIG_LOCALVERSION="L4T kernel 4.4.38"\r\n' >tx2.config
probe 'a release with blanks, in a transcript, with the line ends of others' 0 --file tx2 tx2.config -o tx3.yaml
t_is '... is taken as a whole' 'release: "4.4.38L4T kernel 4.4.38"' "$(grep ^release tx3.yaml)"
t_is '... no carriage return is left' 0 "$(cat tx3.yaml tx3.config | tr -dc '\r' | wc -c | tr -d ' ')"
printf 'Linux pc 6.1.0-43-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.162-1 (2026-02-08) x86_64 GNU/Linux\n' >debian
printf '# Linux/x86 6.1.162 Kernel Configuration\nCONFIG_X86_64=y\nCONFIG_64BIT=y\n' >debian.config
probe 'a distribution counts its releases otherwise' 0 --file debian debian.config -o deb.yaml
printf 'Linux pc 4.20.0-rc7-dirty #1 SMP x86_64\n' >dirty
probe 'a release of a tree with changes' 0 --file dirty -o dirty.yaml
t_is '... is kept' 'release: 4.20.0-rc7-dirty' "$(grep ^release dirty.yaml)"
probe 'from a pipe' 0 --file - -o pipe.yaml <one
t_same '... the same' board.yaml pipe.yaml

# --- modules and kernels --------------------------------------------------------------------------
cat >m.c <<'END'
__attribute__((section(".modinfo"), used)) static const char magic[] = "vermagic=6.1.5 SMP preempt mod_unload modversions ";
__attribute__((section(".modinfo"), used)) static const char name[] = "name=m";
__attribute__((section(".gnu.linkonce.this_module"), used)) char this_module[64];
END
probe_ko=yes
[ "$(uname -m)" = x86_64 ] && gcc -c m.c -o m.ko || probe_ko=
if [ -n "$probe_ko" ]; then
	probe 'a module that it loads' 0 --file m.ko -o ko.yaml
	t_is '... its vermagic to the last blank' 'vermagic: "6.1.5 SMP preempt mod_unload modversions "' "$(grep ^vermagic ko.yaml)"
	t_is '... and the machine' 'arch: x86_64' "$(grep ^arch ko.yaml)"
else
	skip 'a module that it loads' 'this machine makes none for x86_64'
fi
{
	head -c 5000 /dev/zero
	printf 'Linux version 5.4.20-sunxi (root@build) (gcc version 8.3.0) #8 SMP\n\000'
	printf 'IKCFG_ST'
	cat config.gz
	printf 'IKCFG_ED'
	head -c 5000 /dev/zero
} >image
probe 'a kernel with its configuration inside' 0 --file image -o image.yaml
t_same '... which is taken' two image.config
t_is '... with its release' 'release: 5.4.20-sunxi' "$(grep ^release image.yaml)"

# --- directories ----------------------------------------------------------------------------------
mkdir -p modules/5.4.20-sunxi/kernel/net headers/include/config boot
touch modules/5.4.20-sunxi/modules.dep
probe 'the name of /lib/modules/RELEASE' 0 --file modules/5.4.20-sunxi two -o dir.yaml
t_is '... is the release' 'release: 5.4.20-sunxi' "$(grep ^release dir.yaml)"
cp two headers/.config
cp three headers/Module.symvers
printf '5.4.20-sunxi\n' >headers/include/config/kernel.release
probe 'a tree of headers' 0 --file headers -o headers.yaml
t_same '... has the configuration' two headers.config
t_same '... and the symbols' three headers.symvers
cp two boot/config-5.4.20-sunxi
sed 's/5\.4\.20/5.4.21/' two >boot/config-5.4.21-sunxi
cp four boot/System.map-5.4.20-sunxi
probe 'a /boot with two kernels' 2 --file boot
says '... they are named' 'error: boot has several kernels: 5.4.20-sunxi, 5.4.21-sunxi'
says '... with what to say' 'hint: --release 5.4.20-sunxi'
probe '... by the release' 0 --file boot --release 5.4.20-sunxi -o boot.yaml
t_same '... its configuration' two boot.config
t_same '... its System.map has the exports' all.exports boot.exports
probe '... by uname' 0 --file boot one -o boot.yaml
probe 'a directory of something else' 2 --file modules
says '... what is expected' "modules: expected a kernel's headers, /lib/modules/RELEASE or /boot"

# --- what does not fit ----------------------------------------------------------------------------
printf 'Linux version 5.4.21-sunxi (a@b) (gcc version 8) #1 SMP\n' >newer
probe 'two releases' 2 --file one newer
says '... both are named, with their lines' "'5.4.20-sunxi' in one, line 1, but '5.4.21-sunxi' in newer, line 1"
sed 's/5\.4\.20/5.4.19/' two >older.config
probe 'the configuration of another version' 2 --file one older.config
says '... both are named' 'the configuration is of 5.4.19 (older.config, line 3), the kernel is 5.4.20-sunxi (one, line 1)'
says '... and where the right one is' 'hint: zcat /proc/config.gz'
sed 's/-sunxi/-vendor/' two >vendor.config
probe 'a configuration with another CONFIG_LOCALVERSION' 2 --file one vendor.config
says '... both are named' 'vendor.config has CONFIG_LOCALVERSION="-vendor", which the release .5.4.20-sunxi. (one, line 1) is without'
probe 'two configurations' 2 --file one two older.config
says '... are named' 'its configuration is in two files that differ: two and older.config'
sed 's/^CONFIG_ARM=y/CONFIG_ARM64=y/' two >arm64.config
probe 'two architectures' 2 --file one arm64.config
says '... are named' "its architecture is 'arm' in one, line 1, but 'arm64' in arm64.config"
probe 'nothing that says the release' 2 --file two
says '... is told' 'error: nothing says its release'
says '... with what helps' 'hint: save `uname -a`'
: >empty
probe 'an empty file' 2 --file one empty
says '... as scp makes of /proc' 'hint: files of /proc have no size'
printf 'hello, world\n' >other
probe 'a file of something else' 2 --file one other
says '... is named' 'error: other: nothing in it is known'
probe 'a file that is not there' 2 --file one missing
says '... is named' 'error: cannot open missing'
printf '0x00000000\tprintk\tvmlinux\nrubbish\n' >bad.symvers
probe 'a damaged Module.symvers' 2 --file one bad.symvers
says '... is named' 'error: bad.symvers$'
says '... with the line' 'because: line 1: expected CRC'
printf '00000000 T _stext\n' >nosyms
probe 'a kallsyms without exports' 0 --file one nosyms -o n.yaml
says '... is told' 'remark: nosyms does not say what is exported'
printf 'Linux s 6.1.0 #1 SMP mips64\n' >mips
probe 'an architecture that nobody builds for' 2 --file mips
says '... is told' "error: kbuild knows no architecture 'mips64'"
probe 'neither a machine nor files' 2
printf 'release: 1\n' >board.yaml
probe 'what was found does not replace anything before all is known' 2 --file one newer
t_is '... the file is as it was' 'release: 1' "$(cat board.yaml)"

probe 'facts as JSON' 0 --json --file one two -o j.yaml
t_is '... with their places' 'one 1' "$(jq -r '.facts.release | "\(.from) \(.line)"' "$T/out")"
t_is '... and what is missing' 'symvers exports' "$(jq -r '[.missing[].name] | join(" ")' "$T/out")"

# --- a machine that means no good -----------------------------------------------------------------
mkdir "$T/bin"
cat >"$T/bin/ssh" <<'END'
#!/bin/sh
printf '%s\n' "$@" >"$FAKE.args"
IFS='=' read -r word nonce
. "$FAKE"
END
chmod +x "$T/bin/ssh"
FAKE=$T/fake
export FAKE
PATH=$T/bin:$PATH

# machine NAME CODE PROGRAM [WORD...]: what it prints is the program's; $nonce is known
machine() {
	m_name=$1 m_code=$2
	printf '%s\n' "$3" >"$FAKE"
	shift 3
	probe "$m_name" "$m_code" ssh://root@board.example:2222 "$@"
}
fine='echo "@$nonce begin 0"; n=$(wc -c <one); echo "@$nonce uname $((n)) uname -a"; cat one; echo; echo "@$nonce end 0"'
machine 'a machine that answers' 0 "echo Welcome; $fine"
t_is '... is asked by arguments, not through a shell' '-o BatchMode=yes -p 2222 -l root -- board.example' \
	"$(sed -n -e '1,2p' -e '/^-p$/,/^board/p' "$FAKE.args" | tr '\n' ' ' | sed 's/ $//')"
machine 'options of the user come first' 0 "$fine" --ssh-option BatchMode=no
t_is '... so that they count' BatchMode=no "$(sed -n 2p "$FAKE.args")"
machine 'a machine and files of it' 0 "$fine" --file two -o both.yaml
t_same '... together' two both.config
machine 'one that contradicts a file' 2 "$fine" --file newer
says '... is named' "'5.4.20-sunxi' in board.example:uname -a, line 1"
machine 'more than it may say' 8 'echo "@$nonce begin 0"; echo "@$nonce uname 99999 x"'
says '... is refused' 'does not answer as our script does: uname of 99999 bytes'
machine 'a size that is none' 8 'echo "@$nonce begin 0"; echo "@$nonce uname -5 x"'
machine 'a huge size' 8 'echo "@$nonce begin 0"; echo "@$nonce btf 99999999999999999999 x"'
machine 'an unknown key' 8 'echo "@$nonce begin 0"; echo "@$nonce shell 1 x"'
machine 'a key twice' 8 'echo "@$nonce begin 0"; for i in 1 2; do echo "@$nonce sig_enforce 1 x"; echo Y; done'
says '... is refused' 'a key twice'
machine 'a stream that slips' 8 'echo "@$nonce begin 0"; echo "@$nonce uname 5 x"; cat one'
machine 'noise in the middle' 8 'echo "@$nonce begin 0"; echo hello'
machine 'a line without an end' 8 'head -c 2000000 /dev/zero | tr "\0" a'
machine 'noise for ever' 8 'yes'
machine 'control characters in what it says' 0 \
	'echo "@$nonce begin 0"; printf "@$nonce uname 45 x\nLinux h\033[2J 5.4.20 #1 SMP \033]0;gotcha\007 armv7l\n"; echo; echo "@$nonce end 0"' -o c.yaml
t_is '... are masked in the file' 0 "$(tr -dc '\033\007' <c.yaml | wc -c | tr -d ' ')"
t_is '... and on the terminal' 0 "$(cat "$T/out" "$T/err" | tr -dc '\033\007' | wc -c | tr -d ' ')"
machine 'control characters in the release' 2 \
	'echo "@$nonce begin 0"; printf "@$nonce uname 27 x\nLinux h 5.4\0331.20 #1 armv7l\n"; echo; echo "@$nonce end 0"'
machine 'control characters in a name' 8 'echo "@$nonce begin 0"; printf "@$nonce uname 1 \033x\n1\n"'
machine 'an end before the end' 8 'echo "@$nonce begin 0"; exit 255'
says '... is told' 'lost the connection to ssh://root@board.example:2222'
machine 'an ssh that fails' 8 'echo "root@board: Permission denied (publickey)." >&2; exit 255'
says '... in its words' 'error: cannot reach ssh://root@board.example:2222: root@board: Permission denied'
says '... with what to do' 'hint: a key that it takes: ssh-copy-id'
for address in ssh://-oProxyCommand=id ssh://-l@host ssh:// ssh://host:port ssh://host:99999 'ssh://host;id' telnet://host; do
	probe "an address that is none: $address" 2 "$address"
done
says '... what is expected' 'error: expected ssh://\[USER@\]HOST'
done_testing
