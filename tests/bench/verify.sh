# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # KB, T and top come from run.sh
# Every byte of a store that holds a kernel source tree and 2,000 small objects, beside
# reading and hashing the same files, and Nix. In memory where there is room for it.
cp -R "$top/examples/hello" "$T/vsrc"
"$KB" realize --no-link "$T/vsrc/recipe.yaml#kernel.config" >/dev/null 2>&1
src=$("$KB" eval "$T/vsrc/recipe.yaml" --stage=drv | sed -n 's/.*in_source = //p' | head -n 1)
src=$(dirname "$("$KB" realize --no-link "$T/vsrc/recipe.yaml#toolchain" 2>/dev/null)")/$(basename "$src")
where=$T
[ "$(df -m --output=avail /dev/shm | tail -n 1)" -lt 6000 ] || where=$(mktemp -d /dev/shm/kbuild-bench.XXXXXX)
"$KB" store add "$src" --name linux --root "$where/verify" >/dev/null
for i in $(seq 2000); do
	echo "object $i" >"$T/small"
	"$KB" store add "$T/small" --root "$where/verify" >/dev/null
done
cat >"$T/plain.sh" <<END
#!/bin/sh
find "$where/verify/nix/store" -type f -print0 | xargs -0 cat | openssl dgst -sha256
END
chmod +x "$T/plain.sh"
measure verify-kbuild 5 "$KB store verify --contents --root $where/verify"
measure verify-quick 5 "$KB store verify --root $where/verify"
measure verify-plain 5 "$T/plain.sh"
measure verify-nix 3 "env -u NIX_STORE_DIR -u NIX_STATE_DIR -u NIX_LOG_DIR nix-store --store $where/verify --verify --check-contents"
size=$(du -sm "$where/verify/nix/store" | cut -f1)
row "verify --contents of $size MiB" "$(median verify-kbuild)" "$(median verify-plain)" 'cat \| openssl dgst -sha256' '<= 1.0 x'
row 'the same' "$(median verify-kbuild)" "$(median verify-nix)" 'nix-store --verify --check-contents' ''
row 'verify without --contents' "$(median verify-quick)" "$(median verify-plain)" 'the same peer' ''
/usr/bin/time -f '%M' -o "$T/peak" "$KB" store verify --contents --root "$where/verify"
echo "| peak memory of the verify | $(cat "$T/peak") KiB | | | constant |"
find "$where/verify" -type d -exec chmod u+w {} +
rm -rf "$where/verify"
[ "$where" = "$T" ] || rmdir "$where"
