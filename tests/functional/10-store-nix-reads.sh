#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Nix as the judge of a store that kbuild wrote: it opens it, verifies every byte, agrees on
# names and hashes, and reads the derivations.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"
need nix nix-store

# Nix looks for its own configuration; an empty one keeps it from asking for a daemon's users.
NIX_CONF_DIR=$T/conf
export NIX_CONF_DIR
mkdir "$NIX_CONF_DIR"
echo 'build-users-group =
experimental-features = nix-command' >"$NIX_CONF_DIR/nix.conf"
# shellcheck disable=SC2317 # t_run calls these
nixs() {
	nix-store --store "$KBUILD_ROOT" "$@"
}

# shellcheck disable=SC2317
restore() {
	"$KB" store restore "$1" <"$2"
}
# shellcheck disable=SC2317
nix_restore() {
	nix-store --restore "$1" <"$2"
}

tree=$T/tree
mkdir -p "$tree/a" "$tree/a-b" "$tree/a.b/deep/er" "$tree/empty"
echo hello >"$tree/a/hello"
echo 'echo run' >"$tree/a/run"
chmod 755 "$tree/a/run"
: >"$tree/a!"
: >"$tree/a0"
ln -s ../nowhere "$tree/a.b/link"
ln "$tree/a/hello" "$tree/a-b/again"
head -c 300000 /dev/urandom >"$tree/a.b/deep/er/random"
chmod 600 "$tree/a0"

t_run "adds a tree" "$KB" store add "$tree" --name tree
path=$(cat "$T_OUT")
t_run "adds a file" "$KB" store add "$tree/a/run"
file=$(cat "$T_OUT")
t_run "adds a link as a link" "$KB" store add "$tree/a.b/link"
link=$(cat "$T_OUT")
t_is "the link is one" "../nowhere" "$(readlink "$KBUILD_ROOT$link")"
t_run "adds again" "$KB" store add "$tree" --name tree
t_is "the same tree is the same path" "$path" "$(cat "$T_OUT")"

t_run "Nix verifies every byte" nixs --verify --check-contents
t_hasnt "and finds nothing" "$T_OUT" 'error\|disappeared\|modified'
t_run "nix path-info reads it" nix path-info --store "$KBUILD_ROOT" --json --all
t_has "all of it" "$T_OUT" "$path.*$file\|$file.*$path"

for name in tree run link; do
	case $name in
	tree) from=$tree want=$path ;;
	run) from=$tree/a/run want=$file ;;
	link) from=$tree/a.b/link want=$link ;;
	esac
	[ $name = tree ] && cp -a "$tree" "$T/copy" && from=$T/copy
	[ $name = tree ] && mkdir "$T/named" && mv "$T/copy" "$T/named/tree" && from=$T/named/tree
	t_run "Nix adds $name to a store of its own" nix-store --store "$T/nixroot" --add "$from"
	t_is "under the same path" "$want" "$(tail -n 1 "$T_OUT")"
done
t_run "Nix adds to ours" nixs --add "$T/named/tree"
t_is "what is there already" "$path" "$(tail -n 1 "$T_OUT")"

hash=$(nix-hash --type sha256 --base32 "$tree")
t_is "hash, nix32" "sha256:$hash" "$("$KB" store hash "$tree" --type nix32)"
hash=$(nix-hash --type sha256 "$tree")
t_is "hash, hex" "sha256:$hash" "$("$KB" store hash "$tree" --type hex)"
t_is "hash, SRI" "$(nix hash path "$tree")" "$("$KB" store hash "$tree")"

nix-store --dump "$KBUILD_ROOT$path" >"$T/nix.nar"
"$KB" store dump "$path" >"$T/our.nar"
t_same "archives are the same" "$T/nix.nar" "$T/our.nar"
t_run "restores Nix's archive" restore "$T/r1" "$T/nix.nar"
t_run "Nix restores ours" nix_restore "$T/r2" "$T/our.nar"
t_run "both are the same tree" diff -r --no-dereference "$T/r1" "$T/r2"
t_is "to the last bit" "$hash" "$(nix-hash --type sha256 "$T/r1")"
t_fails "nothing is restored onto something" restore "$T/r1" "$T/nix.nar"
head -c 1000 "$T/nix.nar" >"$T/cut.nar"
t_fails "half an archive is refused" restore "$T/r3" "$T/cut.nar"
t_fails "and leaves nothing" test -e "$T/r3"

t_is "owner, mode and time of the object" "$(id -u) 555 1" "$(stat -c '%u %a %Y' "$KBUILD_ROOT$path")"
t_is "nothing in it is writable" "" "$(find "$KBUILD_ROOT$path" ! -type l -perm /222)"
t_is "nothing in it has another time" "" "$(find "$KBUILD_ROOT$path" ! -newermt @1 ! -newermt @0)"

done_testing
