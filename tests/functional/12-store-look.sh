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

cd "$T" || exit 1
for name in "$path" "$KBUILD_ROOT$path" "$base" "$digest" result "$T/result" ./result; do
	t_run "path-info $name" "$KB" store path-info "$name"
	t_has "is about the tree" "$T_OUT" "^path  *$path\$"
done
for name in "$path/sub/file" "$KBUILD_ROOT$path/sub/file" "$base/sub/file" "$digest/sub/file" \
	result/sub/file "$path/link"; do
	t_is "cat $name" one "$("$KB" store cat "$name")"
done
t_fails "links do not lead out of the store" "$KB" store cat "$path/out"
t_fails "a path that is not valid" "$KB" store path-info "/nix/store/$(printf %032d 0)-x"
t_fails "not a path at all" "$KB" store path-info "no such thing"
t_fails "something outside" "$KB" store path-info "$T/tree"

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
