# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # KB, T and top come from run.sh
# A kernel source tree into an empty store, beside cp -a of it and Nix. In memory where there
# is room for it, so that the programs are measured and not the disk's mood.
cp -R "$top/examples/hello" "$T/src"
"$KB" realize --no-link "$T/src/recipe.yaml#kernel.config" >/dev/null 2>&1
src=$("$KB" eval "$T/src/recipe.yaml" --stage=drv | sed -n 's/.*in_source = //p' | head -n 1)
src=$(dirname "$("$KB" realize --no-link "$T/src/recipe.yaml#toolchain" 2>/dev/null)")/$(basename "$src")
where=$T
[ "$(df -m --output=avail /dev/shm | tail -n 1)" -lt 6000 ] || where=$(mktemp -d /dev/shm/kbuild-bench.XXXXXX)
clear="find $where/add -type d -exec chmod u+w {} + ; rm -rf $where/add"
# The page cache holds the tree from now on, for everyone.
tar -cf - -C "$src" . | cat >/dev/null
measure add-kbuild 5 "$KB store add $src --name linux --root $where/add" -p "sh -c '$clear'"
measure add-cp 5 "cp -a $src $where/add" -p "sh -c '$clear'"
export NIX_STORE_DIR="$where/add/store" NIX_STATE_DIR="$where/add/var"
measure add-nix 2 "nix-store --add $src" -p "sh -c '$clear'"
export NIX_STORE_DIR="$T/nix/store" NIX_STATE_DIR="$T/nix/var"
sh -c "$clear"
row "add a source tree of $(du -sm "$src" | cut -f1) MiB" "$(median add-kbuild)" "$(median add-cp)" 'cp -a' '<= 1.3 x'
row 'the same' "$(median add-kbuild)" "$(median add-nix)" 'nix-store --add' ''
/usr/bin/time -f '%M' -o "$T/peak" "$KB" store add "$src" --name linux --root "$where/add" >/dev/null
echo "| peak memory of the add | $(cat "$T/peak") KiB | | | constant |"
sh -c "$clear"
[ "$where" = "$T" ] || rmdir "$where"
