# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# compile.sh AHEAD_S ORDER: makes /build/shim.so with whatever C compiler there is, and
# proves that programs start and tell another year with it.
for cc in cc gcc clang tcc; do
	command -v "$cc" >/dev/null || continue
	"$cc" -O2 -fPIC -shared -DAHEAD_S="$1" -DORDER="$2" -o shim.so /src/shim.c -ldl || continue
	here=$(date +%Y) && there=$(LD_PRELOAD=/build/shim.so date +%Y) && [ "$here" != "$there" ] && exit 0
done
exit 1
