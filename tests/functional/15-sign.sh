#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Keys and signatures. store scenario 7: several keys, how many of them are required; Nix as
# the judge of both.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"
need nix nix-store

secret=$HOME/.config/kbuild/key.secret
t_run "a key is made" "$KB" key generate host.example-1
one=$(cat "$T_OUT")
t_is "its public half is printed" host.example-1 "${one%:*}"
t_is "the file is ours alone" 600 "$(stat -c %a "$secret")"
t_is "its directory too" 700 "$(stat -c %a "$HOME/.config/kbuild")"
t_is "the public half can be had again" "$one" "$("$KB" key public)"
cp "$secret" "$T/before"
t_fails "a key is never written over another" "$KB" key generate host.example-1
t_has "the message says where it is" "$T_OUT" "key.secret exists"
t_same "it is as it was" "$T/before" "$secret"
t_run "elsewhere there can be another" "$KB" key generate two --file "$T/deep/er/two"
two=$(cat "$T_OUT")
t_is "which is another" "$two" "$("$KB" key public --file "$T/deep/er/two")"
t_fails "a name has no blanks" "$KB" key generate 'a b' --file "$T/x"
t_fails "a name has no colon" "$KB" key generate a:b --file "$T/x"
t_fails "a verb is needed" "$KB" key
t_fails "an unknown verb" "$KB" key destroy
t_fails "nothing was written for these" test -e "$T/x"
echo 'k:AAAA' >"$T/broken"
t_fails "a broken key" "$KB" key public --file "$T/broken"
t_has "says what is expected" "$T_OUT" 'expected a secret key'
t_hasnt "and does not show it" "$T_OUT" AAAA
if [ "$(id -u)" != 0 ]; then
	t_fails "a place that cannot be written" "$KB" key generate k --file /proc/k
fi
t_fails "a full disk" "$KB" key generate k --file /dev/full/k

NIX_CONF_DIR=$T/conf
export NIX_CONF_DIR
mkdir "$NIX_CONF_DIR"
echo 'build-users-group =
substituters =
experimental-features = nix-command' >"$NIX_CONF_DIR/nix.conf"
t_run "Nix takes the key for the same" nix key convert-secret-to-public <"$secret"
t_is "public half" "$one" "$(cat "$T_OUT")"
nix key generate-secret --key-name nix-1 >"$T/nix.secret"
t_is "and Nix's key is one for us" "$(nix key convert-secret-to-public <"$T/nix.secret")" \
	"$("$KB" key public --file "$T/nix.secret")"

sigs() {
	"$KB" store path-info "$1" | sed -n 's/^signature *//p' | sort
}

echo x >"$T/x"
path=$("$KB" store add "$T/x" --name x)
t_is "nothing is signed at first" '' "$(sigs "$path")"
t_run "it is signed" "$KB" store sign "$path"
t_has "once" "$T_OUT" '1 signed by host.example-1'
ours=$(sigs "$path")
t_run "again" "$KB" store sign "$path"
t_has "is not twice" "$T_OUT" '0 signed by host.example-1, 1 had its signature'
t_is "the signature is the same" "$ours" "$(sigs "$path")"
t_run "two further keys at once" "$KB" store sign --key "$T/deep/er/two" --key "$T/nix.secret" "$path"
t_is "all three are there" 3 "$(sigs "$path" | wc -l)"
"$KB" store path-info "$path" --json >"$T/json"
t_has "as JSON too" "$T/json" '"signatures":\["host.example-1:'

t_run "Nix counts them" nix store verify --store "$KBUILD_ROOT" --sigs-needed 3 \
	--trusted-public-keys "$one $two $("$KB" key public --file "$T/nix.secret")" "$path"
cp -a "$KBUILD_ROOT" "$T/other"
KBUILD_ROOT=$T/other
t_run "Nix signs with our key" nix store sign --store "$T/other" -k "$secret" "$path"
t_is "what is signed already" 3 "$(sigs "$path" | wc -l)"

# Something with a reference, the closure at once.
mkdir "$T/nar"
printf %s "$path" >"$T/nar/ref"
refers=$(nix-store --store "$KBUILD_ROOT" --add "$T/nar/ref")
drv=$(nix-instantiate --store "$KBUILD_ROOT" -E \
	"derivation { name = \"d\"; system = \"x\"; builder = \"/bin/sh\"; src = builtins.storePath $path; }" 2>"$T/err" || cat "$T/err")
t_run "a closure" "$KB" store sign --closure "$drv" "$refers"
t_has "is signed whole" "$T_OUT" '2 signed by host.example-1, 1 had its signature'
t_is "the derivation" "$(nix store sign --derivation --store "$KBUILD_ROOT" -k "$secret" "$drv" 2>/dev/null; sigs "$drv")" "$(sigs "$drv")"

t_run "content needs no signature" "$KB" store verify --sigs 1 --trust "$one"
t_fails "a key that is none" "$KB" store verify --sigs 1 --trust "${one}x"
t_fails "a path that is not valid" "$KB" store sign "/nix/store/$(printf %032d 0)-x"
t_fails "a path is needed" "$KB" store sign
t_fails "a key that is not there" "$KB" store sign --key "$T/none" "$path"

done_testing
