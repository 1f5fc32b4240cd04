#!/bin/sh
# SPDX-License-Identifier: MIT
# Kernels that are built already: what the lock takes of Debian, and folders with a kernel,
# whose mistakes are found without one that boots. S1-34 S5-09
. "$(dirname "$0")/../lib.sh"
need apt-get gpgv bwrap
t_shared
cd "$T" || exit 1

# code NAME WANT COMMAND...: its exit code; what it printed is in out and err.
code() {
	t_name=$1 want=$2
	shift 2
	"$@" >out 2>err
	got=$?
	t_is "$t_name" "$want" "$got" || note "$(cat err)"
}
prebuilt() {
	printf 'kbuild: 1\nkernel: {prebuilt: %s}\n' "$1"
}
# The package files of the kernel in a lock, without versions, in one line.
packages() {
	sed -n '/^  kernel.prebuilt:/,/^[a-z]/s/^      - \([^_]*\)_[^_]*_\([a-z0-9]*\)\.deb sha256:[0-9a-f]\{64\} .*/\1:\2/p' "$1" |
		tr '\n' ' '
}
fact() {
	sed -n "/^  kernel.prebuilt:/,/^[a-z]/s/^    $2: //p" "$1"
}
build=$(dpkg --print-architecture)

# --- the lock of packages
mkdir lock
prebuilt debian/linux-image-6.1-amd64 >lock/prebuilt-amd64.yaml
if ! t_lock_once prebuilt-amd64 "$T/r.lock"; then
	not_ok 'linux-image-6.1-amd64 can be locked'
	done_testing
fi
release=$(packages r.lock | sed -n 's/.*linux-image-\([^:]*\):.*/\1/p')
case $release in
6.1.*-amd64) ok "a version without a package stands for $release" ;;
*) not_ok "6.1-amd64 stands for '$release'" ;;
esac
t_is 'image, headers and what builds with them, and nothing else' \
	"linux-headers-$release:amd64 linux-headers-${release%-amd64}-common:all linux-image-$release:amd64 linux-kbuild-6.1:$build " \
	"$(packages r.lock)"
t_is 'the suite that has this version is searched for' bookworm "$(fact r.lock suite)"
t_has 'its toolchain is the default' r.lock "^  debian/12/gcc $build:\$"
t_is 'the programs are for the machine that builds' "$build" "$(fact r.lock build)"

prebuilt debian/linux-image-6.1-amd64 >r.yaml
code 'a complete lock' 0 "$KB" lock --check r.yaml
printf 'toolchain: debian/13\n' >>r.yaml
code 'a toolchain that is named is the one' 3 "$KB" lock --check r.yaml
t_has 'and the other is not used any more' out "debian/12/gcc $build: unused"

prebuilt "debian/12/linux-image-$release" >exact.yaml
code 'the image by its own name' 0 "$KB" lock exact.yaml
t_is 'is the same packages' "$(packages r.lock)" "$(packages exact.lock)"
t_is 'and the same tree' "$(fact r.lock nar)" "$(fact exact.lock nar)"

prebuilt debian/linux-image-5.17-amd64 >none.yaml
code 'a version no suite has' 2 "$KB" lock none.yaml
t_has 'is named' err "has linux-image-amd64 [0-9.]*, expected 5.17"
t_has 'with those there are' err 'hint: .*bookworm has 6\.1\.'
prebuilt debian/12/linux-image-6.1.0-1-amd64 >none.yaml
code 'an image the mirrors have no longer' 2 "$KB" lock none.yaml
t_has 'is named, too' err "has no package 'linux-image-6.1.0-1-amd64'"

# --- a folder
t_toolchain_lock tools.lock || { not_ok 'the toolchain can be locked'; done_testing; }
folder() {
	rm -rf own
	mkdir -p own/dev/include/config own/lib/modules/6.1.0-own/kernel
	echo image >own/the-image
	ln -s the-image own/image
	printf 'CONFIG_MODULES=y\nCONFIG_NET=m\nCONFIG_NAME="two words"\n# CONFIG_SMP is not set\n' >own/config
	echo 6.1.0-own | tee own/release >own/dev/include/config/kernel.release
	: >own/dev/Module.symvers
	: >own/lib/modules/6.1.0-own/modules.dep
	cp tools.lock own.lock
	printf 'kbuild: 1\narch: x86_64\nkernel: {prebuilt: ./own}\n' >own.yaml
}
# shellcheck disable=SC2317 # called by code
realize() {
	"$KB" realize --locked --no-link "own.yaml#kernel"
}
folder
code 'a folder with a kernel' 0 realize
t_is 'its image is the kernel' image "$(cat "$(cat out)/image")"
t_is 'under its own name' the-image "$(readlink "$(cat out)/image")"
t_is 'and its release' 6.1.0-own "$(cat "$(cat out)/release")"
first=$(cat out)
"$KB" realize --locked --no-link --json "own.yaml#kernel" >json 2>/dev/null
for output in modules dev debug; do
	t_has "there is an output $output" json "-kernel-$output\""
done
echo more >own/dev/more
code 'another header' 0 realize
t_is 'leaves the image what it was' "$first" "$(cat out)"

needs() {
	folder
	mkdir -p hello
	: >hello/Makefile
	printf 'modules:\n  hello:\n    source: ./hello\n    needs: {config: {%s}}\n' "$1" >>own.yaml
}
needs 'NET: m, SMP: n, ABSENT: n, NAME: "two words"'
code 'what modules need and the kernel has' 0 realize
needs 'NET: m, SMP: {is: y, why: "two processors"}, NAME: "one"'
code 'what it has not' 4 realize
t_has 'has its place' err '^own.yaml:7:.*CONFIG_SMP was not granted: asked for y, got n'
t_has 'its reason' err 'two processors'
t_has 'and text is compared' err 'CONFIG_NAME was not granted: asked for one, got "two words"'

folder
rm -r own/image own/lib
code 'without an image' 0 realize
t_is 'there is the configuration' "$(cat own/config)" "$(cat "$(cat out)/config")"
"$KB" eval --stage=drv own.yaml | sed -n 's/^\([a-z]\{1,\}\) .*/\1/p' >steps
t_is 'and no machine' 'toolchain kernel' "$(tr '\n' ' ' <steps | sed 's/ $//')"

folder
# A warning is said by the build: never seen before, so there is one.
printf 'CONFIG_GCC_VERSION=40902\n# %s\n' "$T" >>own/config
code 'another compiler' 0 realize
t_has 'is a warning with its version' err 'built with gcc 4, modules will be with gcc [0-9]'
for missing in config release dev/Module.symvers lib; do
	folder
	rm -r "own/${missing:?}"
	[ $missing != release ] || rm own/dev/include/config/kernel.release
	code "without $missing" 5 realize
	t_has "it is missed" err "$(case $missing in
	config) echo 'without its configuration' ;;
	release) echo 'does not say its release' ;;
	lib) echo 'without its modules' ;;
	*) echo 'without Module.symvers' ;;
	esac)"
done
done_testing
