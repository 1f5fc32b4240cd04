# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # KB, T and top come from run.sh
# A kernel source tree into an empty store, beside cp -a of it and Nix.
cp -R "$top/examples/hello" "$T/src"
"$KB" realize --no-link "$T/src/recipe.yaml#kernel.config" >/dev/null 2>&1
src=$("$KB" eval "$T/src/recipe.yaml" --stage=drv | sed -n 's/.*in_source = //p' | head -n 1)
src=$(dirname "$("$KB" realize --no-link "$T/src/recipe.yaml#toolchain" 2>/dev/null)")/$(basename "$src")
# The page cache holds it from now on, for everyone.
tar -cf - -C "$src" . | cat >/dev/null
clear='find '$T/add' -type d -exec chmod u+w {} + ; rm -rf '$T/add
measure add-kbuild 3 "$KB store add $src --name linux --root $T/add" -p "sh -c '$clear'"
measure add-cp 3 "cp -a $src $T/add" -p "sh -c '$clear'"
measure add-nix 1 "nix-store --add $src" -p "sh -c '$clear'"
sh -c "$clear"
row "add a source tree of $(du -sm "$src" | cut -f1) MiB" "$(median add-kbuild)" "$(median add-cp)" 'cp -a' '<= 1.3 x'
row 'the same' "$(median add-kbuild)" "$(median add-nix)" 'nix-store --add' ''
/usr/bin/time -f '%M' -o "$T/peak" "$KB" store add "$src" --name linux --root "$T/add" >/dev/null
echo "peak memory of the add: $(cat "$T/peak") KiB"
sh -c "$clear"
