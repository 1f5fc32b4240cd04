# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # KB, T and top come from run.sh
# A kernel for a module only, and the same one whole: tests/data/armhf as the machine to be like. A local
# version makes them ones that nobody has built before. Each is run once; the whole time of the steps
# `kernel`, and of the example's module.
mkdir -p "$T/p"
cp -R "$top/tests/data/armhf/." "$top/tests/data/tiny/probe" "$T/p/"
sed -i "s|localversion: -board|localversion: -bench$$|" "$T/p/recipe.yaml"
"$KB" lock "$T/p/recipe.yaml" >/dev/null 2>&1
config=$("$KB" realize --no-link "$T/p/recipe.yaml#kernel.config" 2>/dev/null)
cp "$config/config" "$T/p/board.config"
version=$(sed -n 's/^# Linux[^ ]* \([0-9.]*\) Kernel Configuration$/\1/p' "$T/p/board.config")
printf 'target: 1\nrelease: %s-bench%s\narch: armhf\nconfig: board.config\n' "$version" $$ >"$T/p/board.yaml"
for build in prepare full; do
	cat >"$T/p/$build.yaml" <<-END
		kbuild: 1
		kernel: {target: ./board.yaml, source: debian/13/linux-source-6.12, build: $build}
		modules: {mymodule: $top/examples/board-module/mymodule}
	END
	cp "$T/p/recipe.lock" "$T/p/$build.lock"
	"$KB" realize --no-link --json -q "$T/p/$build.yaml#modules.mymodule" >"$T/$build.json" 2>"$T/$build.err" || {
		cat "$T/$build.err" >&2
		exit 1
	}
done
row 'prepare a small armhf kernel for modules' "$(jq '.steps.kernel.seconds * 1000' "$T/prepare.json")" \
	"$(jq '.steps.kernel.seconds * 1000' "$T/full.json")" 'the whole kernel' ''
row 'a module for a board, its configuration included' \
	"$(jq '[.steps[].seconds] | add * 1000' "$T/prepare.json")" \
	"$(jq '[.steps[].seconds] | add * 1000' "$T/full.json")" 'with the whole kernel' ''
