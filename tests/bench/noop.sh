# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # KB, T and top come from run.sh
# Nothing to do: realize of the demo, and nix-build of one derivation that is there.
"$KB" realize "$top/examples/hello/recipe.yaml" >/dev/null
measure noop-kbuild 50 "$KB realize $top/examples/hello/recipe.yaml"

cat >"$T/one.nix" <<'END'
derivation { name = "one"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo 1 > $out" ]; }
END
nix="nix-build --no-out-link $T/one.nix"
$nix >/dev/null 2>&1
measure noop-nix 20 "$nix"
row 'no-op realize of examples/hello' "$(median noop-kbuild)" "$(median noop-nix)" nix-build '< 5 ms'
