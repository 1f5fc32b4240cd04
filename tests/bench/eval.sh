# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # KB, T and top come from run.sh
# 10,000 steps, each with the one before as input: read, checked, hashed.
{
	echo 'kbuild: 1'
	echo 'steps:'
	awk -v b="$top/tests/data/script" 'BEGIN {
		for (i = 0; i < 10000; i++) {
			printf "  s%d:\n    builder: %s\n    options: {script: \"echo %d >$out\"}\n", i, b, i
			if (i)
				printf "    inputs: {dep_before: \"${steps.s%d}\"}\n", i - 1
		}
	}'
} >"$T/many.yaml"
mkdir -p "$T/lock"
cp "$top/examples/hello/recipe.lock" "$T/many.lock"
cat >"$T/many.nix" <<'END'
let
  make = i: before: derivation {
    name = "s${toString i}"; system = builtins.currentSystem; builder = "/bin/sh";
    args = [ "-c" "echo ${toString i} > $out" ]; inherit before;
  };
  go = i: before: if i == 10000 then [] else
    let d = make i before; in [ d ] ++ go (i + 1) d;
in go 0 ""
END
measure eval-kbuild 10 "$KB eval $T/many.yaml --stage=drv"
# Instantiation writes the .drv files; --readonly-mode only computes their paths, as we do.
nix="nix-instantiate --readonly-mode $T/many.nix"
if $nix >/dev/null 2>"$T/nix-eval.err"; then
	measure eval-nix 3 "$nix"
	row 'evaluate and hash 10,000 steps' "$(median eval-kbuild)" "$(median eval-nix)" \
		'nix-instantiate --readonly-mode' '< 300 ms'
else
	tail -n 3 "$T/nix-eval.err" >&2
	exit 1
fi
