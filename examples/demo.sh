#!/bin/sh
# SPDX-License-Identifier: MIT
# make demo: realizes examples/hello, boots it, and does it again.
set -eu

kbuild=$1
recipe=$(dirname "$0")/hello/recipe.yaml

say()
{
	printf '\n\033[1m%s\033[0m\n' "$*" >&2
}
[ -t 2 ] || say() { printf '\n%s\n' "$*" >&2; }

say "kbuild realize $recipe"
echo 'The first time this downloads a compiler and a kernel (about 260 MB) and builds it.' >&2
"$kbuild" realize "$recipe"

say "kbuild run $recipe --test     (insmod hello.ko in the guest, look for its line)"
"$kbuild" run "$recipe" --test

say "kbuild run $recipe -- 'insmod /modules/hello.ko && dmesg | tail -n 1'"
"$kbuild" run "$recipe" -- 'insmod /modules/hello.ko && dmesg | tail -n 1'

say "kbuild realize $recipe        (again: nothing is left to do)"
start=$(date +%s%N)
"$kbuild" realize "$recipe" >/dev/null
echo "$((($(date +%s%N) - start) / 1000000)) ms" >&2

say 'Now try a shell in it, or gdb:'
echo "  $(dirname "$recipe")/result/runvm
  $(dirname "$recipe")/result/runvm --gdb &  $(dirname "$recipe")/result/rungdb" >&2
