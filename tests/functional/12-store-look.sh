#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The ways to name an object, and looking into it. S2-13: the store works from any place.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

mkdir -p "$T/tree/sub"
echo one >"$T/tree/sub/file"
echo two >"$T/tree/run"
chmod 755 "$T/tree/run"
ln -s sub/file "$T/tree/link"
ln -s ../../../../../../../etc/passwd "$T/tree/out"
path=$("$KB" store add "$T/tree")
base=${path#/nix/store/}
digest=$(printf %.6s "$base")
ln -s "$KBUILD_ROOT$path" "$T/result"

# store scenario path-from-hash-part: lookup by the digest.
cd "$T" || exit 1
for name in "$path" "$KBUILD_ROOT$path" "$base" "$digest" result "$T/result" ./result; do
	t_run "path-info $name" "$KB" store path-info "$name"
	t_has "is about the tree" "$T_OUT" "^path  *$path\$"
done
for name in "$path/sub/file" "$KBUILD_ROOT$path/sub/file" "$base/sub/file" "$digest/sub/file" \
	result/sub/file "$path/link"; do
	t_is "cat $name" one "$("$KB" store cat "$name")"
done
t_run "path-info of the whole digest" "$KB" store path-info "$(printf %.32s "$base")"
t_fails "a digest that nothing has" "$KB" store path-info "$(printf %032d 0)"
t_fails "the beginning of a name" "$KB" store path-info tre
t_fails "links do not lead out of the store" "$KB" store cat "$path/out"
t_fails "a path that is not valid" "$KB" store path-info "/nix/store/$(printf %032d 0)-x"
t_fails "not a path at all" "$KB" store path-info "no such thing"
t_fails "something outside" "$KB" store path-info "$T/tree"

# store scenarios hash-path, hash-convert and add: what counts, and how it is written.
hash() {
	"$KB" store hash "$@"
}
one=$(hash "$T/tree")
touch -d @1234567890 "$T/tree/run" "$T/tree"
t_is "times are no part of a hash" "$one" "$(hash "$T/tree")"
chmod 700 "$T/tree/run"
t_is "nor is more than the owner's execute bit" "$one" "$(hash "$T/tree")"
chmod 600 "$T/tree/run"
[ "$one" != "$(hash "$T/tree")" ]
t_is "but that is" 0 $?
chmod 755 "$T/tree/run"
: >"$T/nothing"
t_is "of an empty file, SRI" "sha256-d6xi4mKdjkX2JFicDIv5niSzpyI0m/Hnm8GGAIU04kY=" "$(hash "$T/nothing")"
t_is "nix32" sha256:0ip26j2h11n1kgkz36rl4akv694yz65hr72q4kv4b3lxcbi65b3p "$(hash "$T/nothing" --type nix32)"
t_is "hex" sha256:77ac62e2629d8e45f624589c0c8bf99e24b3a722349bf1e79bc186008534e246 \
	"$(hash "$T/nothing" --type hex)"
t_fails "in a form there is not" "$KB" store hash "$T/nothing" --type md5
ln -s tree "$T/parent"
t_is "added through a link in its path" "$("$KB" store add "$T/tree/sub/file")" \
	"$("$KB" store add "$T/parent/sub/file")"
t_is "a link itself is added as one" sub/file \
	"$(readlink "$KBUILD_ROOT$("$KB" store add "$T/tree/link")")"

"$KB" store ls "$path" >"$T/ls"
t_is "ls: four names" 4 "$(wc -l <"$T/ls")"
t_has "a directory" "$T/ls" '^dr-xr-xr-x  *- sub$'
t_has "an executable" "$T/ls" '^-r-xr-xr-x  *4 run$'
t_has "a link" "$T/ls" '^lrwxrwxrwx  *- link -> sub/file$'
"$KB" store ls -R "$path" >"$T/ls"
t_has "everything below" "$T/ls" '^-r--r--r--  *4 sub/file$'
t_is "ls of a file" "-r--r--r--            4 sub/file" "$("$KB" store ls "$path/sub/file")"

"$KB" store path-info --json "$path" >"$T/info"
t_has "JSON has the path" "$T/info" "\"path\":\"$path\""
t_has "and the hash" "$T/info" "\"narHash\":\"$("$KB" store hash "$T/tree")\""

# A store that moved is as good as before.
mv "$KBUILD_ROOT" "$T/moved %?#+ root"
t_run "works after it moved" "$KB" store --root "$T/moved %?#+ root" verify --contents
t_is "also by name" one "$("$KB" store --root "$T/moved %?#+ root" cat "$base/link")"
cd "$T/moved %?#+ root" || exit 1
t_is "relative to here" one "$("$KB" store --root . cat "$base/sub/file")"

t_fails "no verb" "$KB" store
t_fails "unknown verb" "$KB" store pathinfo x
t_has "with a proposal" "$T_OUT" "path-info"
t_fails "too many words" "$KB" store cat a b
t_is "an absent store is empty" "" "$("$KB" store --root "$T/nowhere" verify)"
t_fails "and is not created by reading" test -e "$T/nowhere"

done_testing
