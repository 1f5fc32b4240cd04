#!/bin/sh
# SPDX-License-Identifier: MIT
# What can be put into an initramfs, looked at in the guest: files with modes and owners, a
# program of a package with its libraries, an init of one's own, no busybox; compressors, and
# that the kernel must know them.
# S1-22 S1-23 S1-25 S3-13 S3-14 S3-15 S3-18 S3-19 S4-36 S4-37 S4-50
# shellcheck disable=SC2016 # commands for the guest are quoted
. "$(dirname "$0")/../lib.sh"
need bwrap qemu-system-x86_64 cpio gzip cmp
t_shared
cd "$T" || exit 1
cp -R "$T_TOP/tests/data/tiny" tiny
t_kernel_lock kernel.lock || { not_ok 'the kernel can be locked'; done_testing; }

# realize NAME: NAME.yaml is the tests' smallest kernel and what standard input says.
realize() {
	{
		printf 'kbuild: 1\nextends: [tiny/recipe.yaml]\nrun: {memory: 256M, smp: 1}\n'
		cat
	} >"$1.yaml"
	mkdir -p "$1"
	[ -e "$1.lock" ] || cp kernel.lock "$1.lock"
	"$KB" realize "$1.yaml" >"$1/paths" 2>"$1/err"
	got=$?
	[ "$got" != 0 ] || cp "$(readlink result/initramfs)/contents.txt" "$1/contents"
}
made() {
	t_is "$1: is made" 0 "$got" || note "$(tail -n 20 "$1/err")"
}
# guest NAME COMMAND: what it printed is in $1/out.
guest() {
	timeout 200 result/runvm -- "$2" >"$1/out" 2>"$1/vm.err" </dev/null
}

# --- files and programs ---------------------------------------------------------------------------
printf '#!/bin/sh\necho from the script\n' >script.sh
chmod 755 script.sh
echo plain >plain.txt
realize full <<'END'
initramfs:
  files:
    /etc/init.d/S99x: ./script.sh
    /etc/plain: ./plain.txt
    /etc/secret: {text: "s\n", mode: "0600", owner: "7:8"}
    /usr/local/run-me: {text: "#!/bin/sh\necho from the recipe\n"}
    /usr/local/other: {link: run-me}
    /etc/deep/er/x: {text: "x"}
  bins: [debian/file]
END
made full
for line in '100755 0:0 .* /etc/init.d/S99x' '100644 0:0 6 /etc/plain' '100600 7:8 2 /etc/secret' \
	'100755 0:0 .* /usr/local/run-me' '120777 0:0 .* /usr/local/other' '100644 0:0 1 /etc/deep/er/x'; do
	t_has "full: $line" full/contents "^$line"
done
t_has 'full: the libraries of a program come with it' full/contents ' /lib/libmagic.so.1'
t_has 'full: and their loader' full/contents ' /lib/ld-linux-x86-64.so.2'
gzip -dc "$(readlink result/initramfs)/image" | cpio -itvn --quiet >listing 2>&1
t_has 'full: GNU cpio sees the owner, too' listing '^-rw------- .* 7 *8 .* etc/secret$'
guest full 'stat -c "%a %n" /etc/secret /etc/init.d/S99x /etc/plain
	/etc/init.d/S99x; /usr/local/run-me; ls -d /bin /sbin /etc /proc /sys /dev /tmp | tr "\n" " "; echo
	/bin/file --version | head -n 1; /usr/local/other; [ -L /bin/ls ] && echo applets are links'
t_is 'full: the command ran' 0 $? || note "$(tail -n 20 full/vm.err)"
for line in '600 /etc/secret' '755 /etc/init.d/S99x' '644 /etc/plain' 'from the script' 'from the recipe' \
	'/bin /dev /etc /proc /sbin /sys /tmp ' 'file-5\.[0-9]*' 'applets are links'; do
	t_has "full: the guest says $line" full/out "^$line"
done

# --- an init of one's own; what is left out -------------------------------------------------------------
printf '#!/bin/sh\necho "mine, as $$" >/proof\nexec /bin/kbuild-init\n' >my-init
chmod 755 my-init
realize own <<'END'
initramfs: {init: ./my-init, compress: none}
END
made own
t_run 'own: what is not compressed is an archive' cpio -it --quiet -F "$(readlink result/initramfs)/image"
guest own 'cat /proof'
t_is 'own: ours takes over from it' 0 $?
t_has 'own: it was process 1' own/out '^mine, as 1$'

realize bare <<'END'
initramfs: {busybox: none, modules: [], files: {/etc/only: {text: x}}}
END
made bare
t_hasnt 'bare: no busybox' bare/contents busybox
t_has 'bare: our init' bare/contents ' /init$'

# --- compressors -------------------------------------------------------------------------------------
for how in zstd xz lz4; do
	realize $how <<END
initramfs: {compress: $how}
END
	made $how
	guest $how 'echo unpacked'
	t_has "$how: the guest unpacks it" $how/out '^unpacked$'
done
# The example's kernel knows gzip and zstd.
cp -R "$T_TOP/examples/hello" hello
rm -rf hello/result hello/recipe.lock
printf 'kbuild: 1\nextends: [hello/recipe.yaml]\ninitramfs: {compress: lz4}\n' >refused.yaml
cp kernel.lock refused.lock
"$KB" realize --locked --no-link refused.yaml#initramfs >out 2>err
t_is 'a compressor that the kernel does not know' 5 $?
t_has 'is refused by name' err 'initramfs.compress is lz4, but the kernel has CONFIG_RD_LZ4=n'
done_testing
