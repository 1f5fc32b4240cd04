# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # KB, T and top come from run.sh
# A kernel with its toolchain into a cache and out of it, beside Nix, and beside what no program
# can do without: compressing the archives with zstd -T0, and cp -a of the trees. In memory where
# there is room for it.
cp -R "$top/examples/hello" "$T/cache-src"
"$KB" realize --no-link --json "$T/cache-src/recipe.yaml#kernel" >"$T/cache.json" 2>/dev/null
paths=$(jq -r '.steps[].outputs[].path' "$T/cache.json" | tr '\n' ' ')
trees=$(jq -r '.steps[].outputs[].physical' "$T/cache.json" | tr '\n' ' ')
first=${trees%% *}
root=${first%/nix/store/*}
where=$T
[ "$(df -m --output=avail /dev/shm | tail -n 1)" -lt 8000 ] || where=$(mktemp -d /dev/shm/kbuild-bench.XXXXXX)
nix="env -u NIX_STORE_DIR -u NIX_STATE_DIR -u NIX_LOG_DIR XDG_CACHE_HOME=$where/memory nix --extra-experimental-features nix-command"
clear="find $where/out -type d ! -perm -700 -exec chmod u+w {} + 2>/dev/null; rm -rf $where/out $where/memory"
cat >"$T/zstd.sh" <<END
mkdir -p $where/out
for t in $trees; do
	"$KB" store dump "\$t" | zstd -q -T0 -o "$where/out/\${t##*/}"
done
END
cat >"$T/unzstd.sh" <<END
mkdir -p $where/out
for t in $trees; do
	zstd -q -d -c "$where/archives/\${t##*/}" | "$KB" store restore "$where/out/\${t##*/}"
done
END
# shellcheck disable=SC2086 # a list of words
size=$(du -cm $trees | tail -n 1 | cut -f1)
"$KB" key generate bench-1 --file "$T/key" >/dev/null
# shellcheck disable=SC2086
tar -cf - $trees 2>/dev/null | cat >/dev/null

measure cache-push 3 "$KB push --key $T/key $T/cache-src/recipe.yaml#kernel $where/out" -p "sh -c '$clear'"
measure cache-zstd 3 "sh $T/zstd.sh" -p "sh -c '$clear'"
mv "$where/out" "$where/archives"
measure cache-nix-push 2 "$nix copy --from $root --to file://$where/out?compression=zstd&parallel-compression=true $paths" \
	-p "sh -c '$clear'"
row "push $size MiB, a kernel and its toolchain, to a directory" "$(median cache-push)" "$(median cache-zstd)" \
	'dump and zstd -T0' ''
row 'the same' "$(median cache-push)" "$(median cache-nix-push)" 'nix copy' ''
sh -c "$clear"
"$KB" push -q --key "$T/key" "$T/cache-src/recipe.yaml#kernel" "$where/cache"
measure cache-again 10 "$KB push --key $T/key $T/cache-src/recipe.yaml#kernel $where/cache"
measure cache-again-nix 5 "$nix copy --from $root --to file://$where/cache $paths"
row 'push again' "$(median cache-again)" "$(median cache-again-nix)" 'nix copy' ''

measure cache-pull 3 "$KB store pull -q --root $where/out --from $where/cache $paths" -p "sh -c '$clear'"
measure cache-unzstd 3 "sh $T/unzstd.sh" -p "sh -c '$clear'"
measure cache-cp 3 "cp -a $trees $where/out" -p "sh -c '$clear; mkdir $where/out'"
measure cache-nix-pull 2 "$nix copy --no-check-sigs --from file://$where/cache --to $where/out $paths" -p "sh -c '$clear'"
row 'pull them' "$(median cache-pull)" "$(median cache-unzstd)" 'zstd -d and restore' ''
row 'the same' "$(median cache-pull)" "$(median cache-cp)" 'cp -a of the trees' ''
row 'the same' "$(median cache-pull)" "$(median cache-nix-pull)" 'nix copy' ''

# One large object: memory must not know how large.
sh -c "$clear"
rm -rf "$where/archives" "$where/cache"
# shellcheck disable=SC2086
tar -cf - $trees 2>/dev/null | head -c 1G >"$where/large"
large=$("$KB" store add "$where/large" --root "$where/own")
rm "$where/large"
/usr/bin/time -f '%M' -o "$T/peak" "$KB" push -q --root "$where/own" "$large" "$where/cache"
echo "| peak memory of a push of 1 GiB in one file | $(cat "$T/peak") KiB | | | constant |"
/usr/bin/time -f '%M' -o "$T/peak" "$KB" store pull -q --root "$where/out" --from "$where/cache" "$large" >/dev/null
echo "| peak memory of its pull | $(cat "$T/peak") KiB | | | constant |"
sh -c "$clear"
find "$where/own" -type d ! -perm -700 -exec chmod u+w {} +
rm -rf "$where/own" "$where/cache"
[ "$where" = "$T" ] || rmdir "$where"
