#!/bin/sh
# SPDX-License-Identifier: MIT
# Measures what docs/performance.md promises, each beside a peer in the same run, and prints
# one table. Figures are medians of whole processes; compare ratios, not machines.
#
#	tests/bench/run.sh [NAME ...]      all, or only these: noop eval trivial add gc verify cache kernel inspect prepare
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
KB=${KBUILD:-$top/build/kbuild}
"$top/tests/install-packages.sh" hyperfine nix-bin time jq
T=$(mktemp -d "${TMPDIR:-/var/tmp}/kbuild-bench.XXXXXX")
trap 'find "$T" -type d ! -perm -700 -exec chmod u+rwx {} + ; rm -rf "$T"' EXIT
export KB T here top
unset NIX_REMOTE NIX_PATH
# A Nix of our own in the scratch directory: one user, no network, no sandbox.
NIX_STORE_DIR=$T/nix/store NIX_STATE_DIR=$T/nix/var NIX_LOG_DIR=$T/nix/log
NIX_CONFIG='build-users-group =
substitute = false
sandbox = false'
export NIX_STORE_DIR NIX_STATE_DIR NIX_LOG_DIR NIX_CONFIG

# median NAME: the median in milliseconds of a hyperfine result
median()
{
	jq -r '.results[0].median * 1000' "$T/$1.json"
}

# row WHAT OURS PEER PEER-NAME TARGET
row()
{
	awk -v w="$1" -v a="$2" -v b="$3" -v p="$4" -v t="$5" 'BEGIN {
		printf "| %s | %.1f ms | %s %.1f ms | %.2f | %s |\n", w, a, p, b, a / b, t }'
}

# measure NAME RUNS COMMAND [hyperfine options]
measure()
{
	name=$1 runs=$2 command=$3
	shift 3
	hyperfine -N -w 2 -r "$runs" --export-json "$T/$name.json" "$@" "$command" >"$T/$name.txt" 2>&1 || {
		cat "$T/$name.txt" >&2
		exit 1
	}
}

printf '%s, %s cores, kernel %s\n\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" \
	"$(nproc)" "$(uname -r)"
echo '| what | kbuild | peer | ratio | target |'
echo '|---|---|---|---|---|'
[ $# -gt 0 ] || set -- noop eval trivial add gc verify cache kernel inspect prepare
for name in "$@"; do
	# shellcheck source=/dev/null
	. "$here/$name.sh"
done
