#!/bin/sh
# SPDX-License-Identifier: MIT
# Every folder in builders/: its manifest, its scripts, and a step of it that is really built
# from its test.yaml. A new builder is found by itself. S1-18 S4-05 S4-38 S4-39 S4-41
. "$(dirname "$0")/../lib.sh"
need bwrap shellcheck
t_shared
t_kernel_lock "$T/kernel.lock" || { not_ok 'the toolchain and the kernel can be locked'; done_testing; }

# A copy, because locks and links are made beside recipes. Hashes do not notice.
mkdir "$T/top" "$T/top/tests" "$T/top/examples"
cp -R "$T_TOP/builders" "$T_TOP/guest" "$T/top/"
cp -R "$T_TOP/tests/data" "$T_TOP/tests/builders" "$T/top/tests/"
cp -R "$T_TOP/examples/hello" "$T/top/examples/"
cd "$T/top/builders" || exit 1

# The steps of test.yaml that the builder $1 makes.
steps_of() {
	"$KB" eval --stage=drv "$1/test.yaml" 2>/dev/null |
		awk -v name="$1" '/^[^ ]/ { step = $1 } $1 == "script" && $3 ~ "-" name "$" { print step }'
}

# The contract: a place that does not name its own builder, options, outputs.
well_formed() {
	for key in summary outputs; do
		grep -q "^$key: ." "$1/builder.yaml" || return 1
	done
	sed -n 's/^outputs: *\[ *\([a-z]*\).*/\1/p' "$1/builder.yaml" | grep -qx out
}

n=0
for dir in */; do
	b=${dir%/}
	n=$((n + 1))
	if well_formed "$b"; then ok "$b: builder.yaml says what it makes, out first"; else not_ok "$b: builder.yaml"; fi
	t_run "$b: test.yaml fits the manifest" "$KB" eval "$b/test.yaml"
	t_run "$b: scripts are clean" shellcheck -s sh -e SC2154,SC2034 "$b"/*.sh
	cp "$T/kernel.lock" "$b/test.lock"
	t_run "$b: its inputs can be pinned" "$KB" lock "$b/test.yaml"
	steps=$(steps_of "$b")
	if [ -z "$steps" ]; then
		not_ok "$b: test.yaml has a step of it"
		continue
	fi
	for step in $steps; do
		if "$KB" realize --locked --no-link "$b/test.yaml#$step" >"$T/$b.$step.path" 2>"$T/err" &&
			[ -e "$(cat "$T/$b.$step.path")" ]; then
			ok "$b: $step is built"
		else
			not_ok "$b: $step is built"
			note "$(tail -n 30 "$T/err")"
		fi
	done
done
if [ "$n" -ge 8 ]; then ok "$n builders"; else not_ok "$n builders are fewer than there were"; fi

# What they made, looked at from outside: builder.step.
out() {
	cat "$T/$1.path"
}
t_has 'config: a number is a number' "$(out config.kernel.config)/config" '^CONFIG_LOG_BUF_SHIFT=18$'
t_has 'config: a string that looks like one is a string' "$(out config.kernel.config)/config" '^CONFIG_DEFAULT_HOSTNAME="18"$'
t_is 'guest: init is static' '' "$(readelf -l "$(out guest.init)/bin/init" 2>&1 | grep INTERP)"
t_is 'initramfs: what it holds is listed' '100600 0:5 3 /etc/motd' "$(grep ' /etc/motd$' "$(out initramfs.initramfs)/contents.txt")"
t_is 'kernel: the link image leads to the image' bzImage "$(readlink "$(out kernel.kernel)/image")"
t_is 'module: it is made for that kernel' "$(cat "$(out kernel.kernel)/release")" \
	"$(ls "$(out module.modules.hello)/lib/modules")"
t_is 'patch: patches are applied in order' 'one 2 three four five 6 seven' \
	"$(tr '\n' ' ' <"$(out patch.patched)/sub/numbers.txt" | sed 's/ $//')"
t_is 'prebuilt: the link image leads to the image' "vmlinuz-$(cat "$(out prebuilt.kernel)/release")" \
	"$(readlink "$(out prebuilt.kernel)/image")"
t_run 'run: the script runs from where it lies' "$(out run.run)/bin/runvm" --print
t_has 'run: the memory is that of the recipe' "$T_OUT" '-m 512M'
if command -v qemu-system-x86_64 >/dev/null; then
	t_run 'run: its machine boots and the test in it passes' timeout 200 "$KB" run --locked run/test.yaml --test
else
	skip 'run: its machine boots' 'qemu-system-x86_64 is not installed'
fi
t_run 'gdb: so does this one' "$(out gdb.gdb)/bin/rungdb" --print --target 1234
done_testing
