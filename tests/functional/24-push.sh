#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What was built here, in a cache that is a directory; Nix as the judge of what is in it.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"
need nix nix-store zstd
t_shared
t_toolchain_lock "$T/r.lock" || { not_ok 'the toolchain can be locked'; done_testing; }

NIX_CONF_DIR=$T/conf
export NIX_CONF_DIR
mkdir "$NIX_CONF_DIR"
echo 'build-users-group =
substituters =
experimental-features = nix-command' >"$NIX_CONF_DIR/nix.conf"
# Nix remembers what a cache had; each question is asked anew.
# shellcheck disable=SC2317 # t_run calls these
fresh() {
	rm -rf "$T/nix-cache"
	XDG_CACHE_HOME=$T/nix-cache "$@"
}

B=$T_TOP/tests/data/script
salt=$$-$(date +%s)
cat >"$T/r.yaml" <<END
kbuild: 1
steps:
  first:
    builder: $B
    options: {script: "echo the log of first; echo $salt >\$out"}
  second:
    builder: $B
    inputs: {dep_first: "\${steps.first}"}
    options:
      script: |
        mkdir -p \$out/sub
        cp /src/dep_first \$out/copy
        ln -s "\$in_dep_first" \$out/link
        head -c 2000000 /dev/zero >\$out/sub/zeros
        head -c 300000 /dev/urandom >\$out/sub/random
END

t_fails "what was not built cannot be pushed" "$KB" push "$T/r.yaml" "$T/none"
t_has "it says what is missing" "$T_OUT" 'not realised here: first, second'
t_has "and what to do" "$T_OUT" "kbuild realize .*r.yaml"
t_fails "nothing was made" test -e "$T/none"
"$KB" realize --locked --json "$T/r.yaml" >"$T/r.json" 2>"$T/r.err" || {
	not_ok 'the recipe is built'
	sed 's/^/# /' "$T/r.err"
	done_testing
}
KBUILD_CACHE=$T/cache
# The key, or content, of step $1.
key() {
	sed -n "/\"$1\": *{/,/\"seconds\"/s/.*\"key\":\"\([^\"]*\)\".*/\1/p" "$T/r.json" | head -n 1
}
content() {
	sed -n "/\"$1\": *{/,/\"seconds\"/s/.*\"path\":\"\([^\"]*\)\".*/\1/p" "$T/r.json" | head -n 1
}
second=$(key second)
narinfo() {
	n=${2#/nix/store/}
	echo "$1/$(echo "$n" | cut -c1-32).narinfo"
}
nars() {
	find "$1/nar" -type f | wc -l
}

# --- usage ---
t_fails "where to is needed" "$KB" push "$T/r.yaml"
t_has "and can be said in the recipe" "$T_OUT" 'cache: {push: ADDRESS}'
t_fails "what to push is needed" "$KB" push
t_fails "a path that is none" "$KB" push "/nix/store/$(printf %032d 0)-x" "$T/none"
t_fails "an unknown compression" "$KB" push --compression br "$second" "$T/none"
t_has "the known ones are named" "$T_OUT" 'zstd, xz or none'
t_fails "a level there is not" "$KB" push --compression xz --level 10 "$second" "$T/none"
t_fails "an address that is none" "$KB" push "$second" ftp://h/
t_fails "a key that is not there" "$KB" push --key "$T/nokey" "$second" "$T/none"
rm -rf "$T/none"

# --- content needs no key, a realisation does ---
t_run "without a key" "$KB" push "$second" "$T/c"
t_has "the realisation stays here" "$T_OUT" '^warning: 1 realisation not pushed, since nobody has signed'
t_has "and how to sign is said" "$T_OUT" 'kbuild key generate'
t_has "the rest is there" "$T_OUT" '2 objects, .* MiB pushed, 0 already there'
t_is "the cache says whose it is" "StoreDir: /nix/store" "$(head -n 1 "$T/c/nix-cache-info")"
t_run "the content of the second step" test -e "$(narinfo "$T/c" "$(content second)")"
t_run "and of the first, to which it refers" test -e "$(narinfo "$T/c" "$(content first)")"
t_fails "not the claim" test -e "$(narinfo "$T/c" "$second")"
t_hasnt "content is not signed" "$(narinfo "$T/c" "$(content second)")" ^Sig
t_run "Nix believes it without a signature" fresh nix copy --from "file://$T/c" --to "$T/nix1" "$(content second)"
t_run "and it is the same tree" diff -r --no-dereference "$T/nix1$(content second)" "$KBUILD_ROOT$(content second)"

# store scenario 7: several keys; a signature is added to what the cache has
one=$("$KB" key generate one-1)
two=$("$KB" key generate two-1 --file "$T/two")
before=$(find "$T/c" -type f -printf '%P %i %T@\n' | sort)
t_run "with a key" "$KB" push "$second" "$T/c"
t_has "only the claim is new" "$T_OUT" '1 object, .* pushed, 2 already there'
t_is "nothing else was touched" "$before" "$(find "$T/c" -type f -printf '%P %i %T@\n' | sort | grep -F "$before")"
t_has "it is signed" "$(narinfo "$T/c" "$second")" '^Sig: one-1:'
# shellcheck disable=SC2317
verify() {
	fresh nix store verify --store "file://$T/c" --sigs-needed "$1" --trusted-public-keys "$2" "$second" "$(content second)"
}
t_run "Nix finds the signature good" verify 1 "$one"
t_fails "another key has signed nothing" verify 1 "$two"
t_fails "one signature is not two" verify 2 "$one $two"
t_run "a second key signs what is there" "$KB" push --key "$T/two" "$second" "$T/c" --json
t_has "nothing is sent" "$T_OUT" '"bytes":0'
t_has "but a signature" "$T_OUT" '"signed":1'
t_is "both are there" 2 "$(grep -c ^Sig: "$(narinfo "$T/c" "$second")")"
t_run "Nix counts two" verify 2 "$one $two"
t_has "what was remembered of the cache is forgotten" "$(grep -l . "$KBUILD_CACHE"/caches/* | head -n 1)" '^forgot'
t_run "again" "$KB" push --key "$T/two" --key "$HOME/.config/kbuild/key.secret" "$second" "$T/c"
t_has "nothing is left to do" "$T_OUT" '^0 objects, 0.0 MiB pushed, 3 already there'
t_hasnt "nor to sign" "$T_OUT" 'got a signature'

# Plain Nix takes our realisation for the output of the derivation.
# shellcheck disable=SC2317
substitute() {
	fresh nix-store --store "$T/nix2" --realise "$second" --option substituters "file://$T/c" \
		--option trusted-public-keys "$1"
}
t_fails "Nix does not believe whom it does not trust" substitute "$("$KB" key generate three --file "$T/three")"
t_run "Nix substitutes the realisation" substitute "$one"
t_is "which is a link to the content" "$(content second)" "$(readlink "$T/nix2$second")"
t_is "with its bytes" "$salt" "$(cat "$T/nix2$(content second)/copy")"

# Signatures survive a copy: from the cache into a store, and on from there without a key.
mkdir "$T/nohome"
t_run "from a store that only has it from elsewhere" env HOME="$T/nohome" KBUILD_ROOT="$T/nix2" "$KB" push "$second" "$T/c2"
t_has "everything goes on" "$T_OUT" '^3 objects, .* 0 already there'
t_run "nor does our key vouch for what others built" env KBUILD_ROOT="$T/nix2" "$KB" push --key "$T/three" "$second" "$T/c2"
t_is "with both signatures" "$(grep ^Sig "$(narinfo "$T/c" "$second")" | sort)" \
	"$(grep ^Sig "$(narinfo "$T/c2" "$second")" | sort)"

# store scenario 25: the log of a build reaches the cache
drv=$(sed -n 's/^Deriver: //p' "$(narinfo "$T/c" "$(content first)")")
t_has "the log is there as plain text" "$T/c/log/$drv" 'the log of first'
t_run "Nix finds it" fresh nix log --store "file://$T/c" "$(content first)"
t_has "and reads it" "$T_OUT" 'the log of first'

# Compression: each kind can be read by Nix, and says the same of the object.
for kind in none xz zstd; do
	t_run "$kind" "$KB" push --compression $kind "$second" "$T/k-$kind"
	file=$(sed -n 's/^URL: //p' "$(narinfo "$T/k-$kind" "$(content second)")")
	t_is "$kind: the name is the digest of the file" "$(nix-hash --type sha256 --flat --base32 "$T/k-$kind/$file")" \
		"$(basename "$file" | cut -d. -f1)"
	t_is "$kind: and FileHash, too" "sha256:$(basename "$file" | cut -d. -f1)" \
		"$(sed -n 's/^FileHash: //p' "$(narinfo "$T/k-$kind" "$(content second)")")"
	t_is "$kind: FileSize" "$(stat -c %s "$T/k-$kind/$file")" \
		"$(sed -n 's/^FileSize: //p' "$(narinfo "$T/k-$kind" "$(content second)")")"
	t_run "$kind: Nix reads it" fresh nix copy --no-check-sigs --from "file://$T/k-$kind" --to "$T/n-$kind" "$second"
	t_run "$kind: the same tree" diff -r --no-dereference "$T/n-$kind$(content second)" "$KBUILD_ROOT$(content second)"
done
file=$(sed -n 's/^URL: //p' "$(narinfo "$T/k-none" "$(content second)")")
nix-store --dump "$KBUILD_ROOT$(content second)" >"$T/nar"
t_same "none is the archive itself" "$T/nar" "$T/k-none/$file"
base=${second#/nix/store/}
for name in "$base" "$(echo "$base" | cut -c1-32)" "$(echo "$base" | cut -c1-9)" "$KBUILD_ROOT$second"; do
	t_run "as $name" "$KB" push "$name" "$T/k-zstd"
	t_has "it is the same" "$T_OUT" '^0 objects, .* 3 already there'
done
t_run "a level" "$KB" push --level 19 "$second" "$T/k-19"
t_fails "makes other files" diff -rq "$T/k-19/nar" "$T/k-zstd/nar"
t_run "one file at a time" "$KB" push -j 1 "$second" "$T/k-1"
# Nix leaves a folder of its own where it read.
t_run "is the same cache as eight at a time" diff -r -x realisations "$T/k-1" "$T/k-zstd"

# Where to, and the key, from the configuration and the recipe.
mkdir -p "$T/home2/.config/kbuild"
echo "cache: {push: $T/k-user, key: $T/two}" >"$T/home2/.config/kbuild/config.yaml"
t_run "to where the user says" env HOME="$T/home2" "$KB" push "$second"
t_has "with the user's key" "$(narinfo "$T/k-user" "$second")" '^Sig: two-1:'
echo "cache: {push: ./k-recipe, trust: [\"$one\"]}" >>"$T/r.yaml"
t_run "to where the recipe says" "$KB" push "$T/r.yaml#first"
t_run "beside it" test -e "$(narinfo "$T/k-recipe" "$(key first)")"
t_run "a step in a word of its own" env HOME="$T/home2" "$KB" push "$T/r.yaml" '#first'
t_has "is there" "$T_OUT" ' already there'

# --- what is wrong in a cache ---
info=$(narinfo "$T/c" "$second")
sed -i 's/^NarSize: .*/NarSize: 17/' "$info"
cp "$info" "$T/theirs"
t_run "another result of the same key" "$KB" push "$second" "$T/c"
t_has "is told" "$T_OUT" '^warning: the cache keeps another result of'
t_same "and stays" "$T/theirs" "$info"
echo broken >"$info"
t_run "what nobody can read" "$KB" push "$second" "$T/c"
t_has "is replaced" "$info" '^Sig: one-1:'
mkdir "$T/gnu"
echo 'StoreDir: /gnu/store' >"$T/gnu/nix-cache-info"
t_fails "a cache of another store" "$KB" push "$second" "$T/gnu"
t_has "is refused" "$T_OUT" 'expected a cache of /nix/store'
t_is "and not written to" nix-cache-info "$(ls "$T/gnu")"

# What was damaged here does not leave.
cp -a "$T/nix2" "$T/hurt"
chmod u+w "$T/hurt$(content second)/copy"
echo "${salt}x" >"$T/hurt$(content second)/copy"
t_fails "a damaged object" env KBUILD_ROOT="$T/hurt" "$KB" push "$second" "$T/c3"
t_has "is named" "$T_OUT" "$(content second) is damaged"
t_fails "the cache does not speak of it" test -e "$(narinfo "$T/c3" "$(content second)")"
t_is "nothing is left behind in the store" '' "$(ls "$T/hurt/nix/var/kbuild/tmp")"

# --- interrupted ---
mkdir "$T/big"
head -c 40000000 /dev/urandom >"$T/big/random"
i=0
while [ $i -lt 20 ]; do
	echo "$i" >"$T/big-$i"
	"$KB" store add --root "$T/own" "$T/big-$i" >>"$T/list"
	i=$((i + 1))
done
"$KB" store add --root "$T/own" "$T/big" >>"$T/list"
# shellcheck disable=SC2046 # a list of words
setsid "$KB" push --root "$T/own" --compression xz $(cat "$T/list") "$T/k" >"$T_OUT" 2>&1 &
pid=$!
while [ ! -d "$T/k/nar" ] || [ "$(nars "$T/k")" -lt 20 ]; do
	sleep 0.05
	kill -0 $pid 2>/dev/null || break
done
kill -KILL $pid
wait $pid 2>/dev/null
t_is "killed with most files sent" 20 "$(nars "$T/k")"
t_is "nothing is promised yet" 'nar nix-cache-info' "$(cd "$T/k" && echo *)"
before=$(find "$T/k/nar" -type f -printf '%P %i\n' | sort)
# shellcheck disable=SC2046
t_run "the next push goes on" "$KB" push --root "$T/own" --compression xz $(cat "$T/list") "$T/k" --json
t_is "with what is missing" 1 "$(find "$T/k/nar" -type f -printf '%P %i\n' | grep -cvF "$before")"
t_has "only that was sent" "$T_OUT" '"bytes":40[0-9]*$'
t_is "nothing is left of the one that was killed" '' "$(ls "$T/own/nix/var/kbuild/tmp")"
t_is "all is there" 21 "$(find "$T/k" -name '*.narinfo' | wc -l)"
t_run "Nix reads all of it" fresh nix copy --from "file://$T/k" --to "$T/nix3" "$(tail -n 1 "$T/list")"

# Several at once into one cache: nobody disturbs anybody.
pids=
for n in 1 2 3 4; do
	# shellcheck disable=SC2046
	"$KB" push --root "$T/own" $(tail -n +$n "$T/list") "$T/k-many" >"$T/many.$n" 2>&1 &
	pids="$pids $!"
done
for pid in $pids; do
	t_run "one of four at once" wait "$pid"
done
t_is "all is there, once" "21 21" "$(find "$T/k-many" -name '*.narinfo' | wc -l) $(nars "$T/k-many")"
t_is "and nothing else" 'nar nix-cache-info' "$(find "$T/k-many" -mindepth 1 -maxdepth 1 ! -name '*.narinfo' -printf '%f\n' | sort | tr '\n' ' ' | sed 's/ $//')"
t_run "Nix reads all of it" fresh nix copy --from "file://$T/k-many" --to "$T/nix5" "$(head -n 1 "$T/list")" "$(tail -n 1 "$T/list")"

# --- a full disk ---
mkdir "$T/small"
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=4m none "$T/small" 2>/dev/null; then
	t_fails "a disk that is full" "$KB" push --root "$T/own" "$(tail -n 1 "$T/list")" "$T/small/c"
	t_has "is the reason given" "$T_OUT" 'No space left on device'
	t_is "no half file is left" nix-cache-info "$(find "$T/small/c" -type f -printf '%f\n')"
	umount "$T/small"
else
	skip "a disk that is full" "only root may mount one"
fi
ln -s /proc/none "$T/dangling"
t_fails "a directory that cannot be made" "$KB" push "$second" "$T/dangling/x"

# --- all of a recipe, with what it was built from: another machine needs nothing else ---
t_run "a recipe" "$KB" push --sources "$T/r.yaml#second" "$T/all"
t_hasnt "is whole" "$T_OUT" 'not pushed'
drv=$(sed -n 's/^Deriver: //p' "$(narinfo "$T/all" "$second")")
t_run "Nix gets the derivation" fresh nix copy --from "file://$T/all" --to "$T/nix4" --derivation "/nix/store/$drv"
t_run "and its output without building" fresh nix-store --store "$T/nix4" --realise "/nix/store/$drv" \
	--option substituters "file://$T/all" --option trusted-public-keys "$one" --max-jobs 0
t_is "which is ours" "$second" "$(tail -n 1 "$T_OUT")"
t_run "kbuild gets the realisations" "$KB" store pull --root "$T/other" --from "$T/all" --trust "$one" \
	"$(key toolchain)" "$(key first)" "$second"
"$KB" realize --root "$T/other" --locked --no-link --json "$T/r.yaml" >"$T/other.json" 2>"$T/other.err"
t_is "the other machine builds nothing" 'false false false' \
	"$(sed -n 's/.*"built":\([a-z]*\).*/\1/p' "$T/other.json" | tr '\n' ' ' | sed 's/ $//')"
t_is "and says nothing" '' "$(cat "$T/other.err")"
t_run "it has the same tree" diff -r --no-dereference "$T/other$(content second)" "$KBUILD_ROOT$(content second)"
t_is "and the signature" "$(grep ^Sig "$(narinfo "$T/all" "$second")")" \
	"$("$KB" store path-info --root "$T/other" "$second" | sed -n 's/^signature  */Sig: /p')"

done_testing
