#!/bin/sh
# SPDX-License-Identifier: MIT
# The kernels that several tests boot, built while tests that need none keep one processor
# busy: run.sh starts this. Who needs one earlier waits for it, or builds it; nothing depends
# on it.
. "$(dirname "$0")/../lib.sh"
t_shared
cd "$T" || exit 1

realize() {
	nice "$KB" realize --locked --no-link "$1/recipe.yaml"
}

if t_kernel_lock kernel.lock; then
	for folder in examples/hello tests/data/tiny; do
		name=${folder##*/}
		cp -R "$T_TOP/$folder" "$name" && rm -rf "$name/result" && cp kernel.lock "$name/recipe.lock"
		realize "$name"
	done
fi
for arch in arm64 armhf; do
	t_board $arch $arch && realize $arch
done
t_board_old old && realize old
