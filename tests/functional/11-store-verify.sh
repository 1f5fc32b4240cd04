#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Damage is found, whatever it is, and what is refused leaves nothing valid behind.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

mkdir "$T/tree"
head -c 100000 /dev/urandom >"$T/tree/random"
echo text >"$T/tree/text"
t_run "adds a tree" "$KB" store add "$T/tree"
path=$(cat "$T_OUT")
object=$KBUILD_ROOT$path
t_run "adds another" "$KB" store add "$T/tree/text"
other=$(cat "$T_OUT")
t_run "all is well" "$KB" store verify --contents
t_is "and nothing is said" "" "$(cat "$T_OUT")"

# Any single byte, here one at a random place.
at=$(($(od -An -N3 -tu4 /dev/urandom) % 100000))
chmod u+w "$object/random"
cp "$object/random" "$T/before"
byte=$(dd if="$object/random" bs=1 skip=$at count=1 2>/dev/null | od -An -tu1)
# shellcheck disable=SC2059
printf "\\$(printf %03o $(((byte + 1) % 256)))" |
	dd of="$object/random" bs=1 seek=$at conv=notrunc 2>/dev/null
chmod 444 "$object/random"
touch -d @1 "$object/random"
t_run "the quick look does not see byte $at" "$KB" store verify
t_fails "the thorough one does" "$KB" store verify --contents
t_has "and names the path" "$T_OUT" "^$path: .*modified"
t_hasnt "and no other" "$T_OUT" "^$other"
if command -v nix-store >/dev/null; then
	t_fails "Nix agrees" nix-store --store "$KBUILD_ROOT" --verify --check-contents
else
	skip "Nix agrees" "nix-store is not installed"
fi
chmod u+w "$object/random"
cat "$T/before" >"$object/random"
chmod 444 "$object/random"
touch -d @1 "$object/random"
t_run "whole again" "$KB" store verify --contents

chmod u+x "$object/text"
t_fails "an execute bit is a difference" "$KB" store verify --contents
chmod u-x "$object/text"
chmod u+w "$object"
touch "$object/more"
t_fails "so is another file" "$KB" store verify --contents
rm -r "$object"
t_fails "a lost tree is seen by the quick look" "$KB" store verify
t_has "as gone" "$T_OUT" "^$path: is gone"

mkfifo "$T/fifo"
t_fails "a FIFO is refused" "$KB" store add "$T/fifo"
mkdir "$T/odd"
mkfifo "$T/odd/fifo"
echo x >"$T/odd/a"
t_fails "also in a tree" "$KB" store add "$T/odd"
t_has "which is said" "$T_OUT" 'fifo is neither a file, a link nor a directory'
t_fails "an absent file is refused" "$KB" store add "$T/absent"
t_fails "a bad name is refused" "$KB" store add "$T/odd/a" --name 'a b'
t_is "nothing is left of them" "" "$(ls -A "$KBUILD_ROOT/nix/var/kbuild/tmp")"
t_is "nor in the store" "" "$(find "$KBUILD_ROOT/nix/store" -maxdepth 1 -name '*odd*')"

done_testing
