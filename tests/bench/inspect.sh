# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # KB, T and top come from run.sh
# Would a kernel load a module, with one that exports as many symbols as a distribution's; beside
# modinfo, which only prints what the module says.
"$top/tests/install-packages.sh" kmod
hello=$top/examples/hello
"$KB" realize --json "$hello/recipe.yaml#modules.hello" '#kernel' >"$T/inspect.json" 2>/dev/null
release=$(cat "$(jq -r .steps.kernel.outputs.out.physical "$T/inspect.json")/release")
ko=$(jq -r '.steps."modules.hello".outputs.out.physical' "$T/inspect.json")/lib/modules/$release/updates/hello.ko
mkdir "$T/inspect"
cp "$(jq -r .steps.kernel.outputs.dev.physical "$T/inspect.json")/.config" "$T/inspect/.config"
echo "$release" >"$T/inspect/release"
{
	cat "$(jq -r .steps.kernel.outputs.dev.physical "$T/inspect.json")/Module.symvers"
	seq 30000 | awk '{ printf "0x%08x\tdrivers_net_symbol_%d\tdrivers/net/some/thing\tEXPORT_SYMBOL_GPL\t\n", $1, $1 }'
} >"$T/inspect/Module.symvers"
measure inspect 100 "$KB inspect -q $ko --against $T/inspect"
PATH=$PATH:/sbin:/usr/sbin measure modinfo 100 "modinfo $ko"
row 'would a kernel of 30,000 symbols load a module' "$(median inspect)" "$(median modinfo)" modinfo '< 20 ms'
