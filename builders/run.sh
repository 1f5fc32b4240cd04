# SPDX-License-Identifier: MIT
# Runs one builder inside the sandbox: `sh -eu run.sh`. See README.md for the contract.

export PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/homeless-shelter TMPDIR=/build SHELL=/bin/sh
export LC_ALL=C TZ=UTC SOURCE_DATE_EPOCH=0 PYTHONDONTWRITEBYTECODE=1
export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' KBUILD_BUILD_VERSION=1
export KBUILD_BUILD_USER=kbuild KBUILD_BUILD_HOST=kbuild
umask 022
cd /build

die() {
	printf '@kbuild error %s\n' "$*"
	exit 1
}

warn() {
	printf '@kbuild warn %s\n' "$*"
}

# refuse HINT <FILE: what would come of this would not do where it is to go; the file says why.
refuse() {
	sed 's/^/@kbuild refused /'
	printf '@kbuild hint %s\n' "$*"
	exit 7
}

# input_name NAME: the file name of an input, which is its store path without the hash.
input_name() {
	eval "set -- \"\$in_$(printf %s "$1" | tr .- __)\""
	set -- "${1##*/}"
	printf '%s\n' "${1#*-}"
}

# use_arch ARCH: sets karch (ARCH= of the kernel), srcarch, triplet, musl (triplet of
# the small C library) and cross (prefix of the tools, empty for a native build).
use_arch() {
	case $1 in
	x86_64) karch=x86_64 srcarch=x86 triplet=x86_64-linux-gnu ;;
	arm64) karch=arm64 srcarch=arm64 triplet=aarch64-linux-gnu ;;
	armhf) karch=arm srcarch=arm triplet=arm-linux-gnueabihf ;;
	*) die "no table entry for arch $1" ;;
	esac
	case $triplet in
	*eabihf) musl=${triplet%gnueabihf}musleabihf ;;
	*) musl=${triplet%gnu}musl ;;
	esac
	case ${system%%-*}:$1 in
	x86_64:x86_64 | aarch64:arm64 | armv7l:armhf) cross= ;;
	*) cross=$triplet- ;;
	esac
	command -v "${cross}gcc" >/dev/null || die "the toolchain has no ${cross}gcc"
}

# kmake DIR ARGUMENT...: make in a kernel tree, with nothing left to the environment.
kmake() {
	kmake_dir=$1
	shift
	make -C "$kmake_dir" ARCH="$karch" CROSS_COMPILE="$cross" LOCALVERSION= "$@" </dev/null
}

# clean_source: a tree that was built in is refused by make, and its .config would act unseen.
clean_source() {
	for stale in .config Module.symvers include/config include/generated "arch/$srcarch/include/generated"; do
		[ ! -e "/src/source/$stale" ] ||
			die "the source tree holds $stale, a result of a build in itself; run \`make mrproper\` there"
	done
}

# config_value FILE SYMBOL: the value in a .config, `n` when unset.
config_value() {
	set -- "$(sed -n "s/^CONFIG_$2=//p" "$1")"
	printf '%s\n' "${1:-n}"
}

missing=
for tool in $tools; do
	command -v "$tool" >/dev/null || missing="$missing $tool"
done
[ -z "$missing" ] || die "not in the toolchain:$missing"

. "$script/build.sh"
for phase in configure build check install; do
	# A function is called what it is called; a program of that name has a path.
	if [ "$(command -v "$phase")" = "$phase" ]; then
		printf '@kbuild phase %s\n' "$phase"
		"$phase"
	fi
done
