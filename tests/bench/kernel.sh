# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # KB, T and top come from run.sh
# A whole kernel build by kbuild, and plain make: same tools, tree, config and sandbox. Each is
# run once, the peer first; a local version makes ours one that nobody has built before.
jobs=$(nproc)
mkdir -p "$T/k"
cp -R "$top/tests/data/tiny/." "$T/k/"
sed -i "s|^  config:|  localversion: -bench$$\n  config:|" "$T/k/recipe.yaml"
cp "$top/examples/hello/recipe.lock" "$T/k/"
config=$("$KB" realize --no-link "$T/k/recipe.yaml#kernel.config" 2>/dev/null)
tc=$("$KB" realize --no-link "$T/k/recipe.yaml#toolchain" 2>/dev/null)
src=$(dirname "$tc")/$(basename "$("$KB" eval "$T/k/recipe.yaml" --stage=drv | sed -n 's/.*in_source = //p' | head -n 1)")

mkdir -p "$T/plain"
cp "$config/config" "$T/plain/.config"
chmod u+w "$T/plain/.config"
start=$(date +%s%N)
bwrap --unshare-all --die-with-parent --new-session --cap-drop ALL --uid 1000 --gid 1000 --hostname localhost \
	--ro-bind "$tc/usr" /usr --ro-bind "$tc/etc" /etc --symlink usr/bin /bin --symlink usr/lib /lib \
	--symlink usr/lib64 /lib64 --symlink usr/sbin /sbin --proc /proc --dev /dev --tmpfs /tmp \
	--bind "$T/plain" /build --ro-bind "$src" /src/source --remount-ro / --chdir /build --clearenv \
	--setenv PATH /usr/bin:/bin --setenv LC_ALL C --setenv KBUILD_BUILD_TIMESTAMP 'Thu Jan  1 00:00:00 UTC 1970' \
	--setenv KBUILD_BUILD_USER kbuild --setenv KBUILD_BUILD_HOST kbuild --setenv KBUILD_BUILD_VERSION 1 \
	make -s -j"$jobs" -C /src/source O=/build ARCH=x86_64 LOCALVERSION= bzImage modules scripts_gdb >"$T/plain.log" 2>&1 || {
	tail "$T/plain.log" >&2
	exit 1
}
plain=$((($(date +%s%N) - start) / 1000000))
# The phases around make (outputs, publication) are ours too: the step's whole time counts.
ours=$("$KB" realize --no-link --json -q -j"$jobs" "$T/k/recipe.yaml#kernel" 2>/dev/null |
	jq '.steps.kernel.seconds * 1000')
row 'build a tiny kernel with debug information' "$ours" "$plain" "make -j$jobs" '<= 1.03 x'
