#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Pulling from binary caches that Nix filled: directories, web servers, S3; several caches; what
# is missing or damaged in one of them; downloads that are cut or meet each other.
#
# store scenario 6: missing and corrupt archives, partial closures, one download for all;
# scenario 7: signatures survive; further: compression, lookup by digest.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source-path=SCRIPTDIR source=../fetch.sh
. "$(dirname "$0")/../fetch.sh"
need_nginx
need nix nix-store perl sqlite3

NIX_CONF_DIR=$T/conf
export NIX_CONF_DIR
mkdir "$NIX_CONF_DIR"
echo 'build-users-group =
substituters =
experimental-features = nix-command
sandbox-paths = /bin /lib /lib64 /usr' >"$NIX_CONF_DIR/nix.conf"
# Nix remembers what caches have; each time it starts anew.
fresh() {
	rm -rf "$T/nix-cache"
	XDG_CACHE_HOME=$T/nix-cache "$@"
}
pull() {
	"$KB" store pull "$@"
}
# A store that has nothing.
empty() {
	chmod -R u+w "$KBUILD_ROOT" 2>/dev/null
	rm -rf "$KBUILD_ROOT" "$KBUILD_CACHE"
}
# What should not be left behind.
left() {
	ls -A "$KBUILD_ROOT/nix/var/kbuild/tmp"
	ls -A "$KBUILD_CACHE/partial"
}
narinfo() {
	n=${1#/nix/store/}
	echo "$(echo "$n" | cut -c1-32).narinfo"
}
# The archive that a narinfo of cache $1 for path $2 means.
nar() {
	sed -n 's/^URL: //p' "$1/$(narinfo "$2")"
}
requests() {
	grep -c "\"GET [^\"]*$1" "$T/access.log"
}

W=$T/www
mkdir -p "$W" "$T/tree/sub"
head -c 3000000 /dev/urandom >"$T/tree/random"
echo run >"$T/tree/sub/run"
chmod +x "$T/tree/sub/run"
ln -s sub/run "$T/tree/link"
tree=$(nix-store --store "$T/nix" --add "$T/tree")
cat >"$T/texts.nix" <<'EOT'
let leaf = builtins.toFile "leaf" "leaf\n";
    mid = builtins.toFile "mid" "${leaf}\n";
in builtins.toFile "top" "${mid} ${leaf}\n"
EOT
top=$(nix-instantiate --store "$T/nix" --eval --read-write-mode "$T/texts.nix" | tr -d '"')
leaf=$(nix-store --store "$T/nix" -qR "$top" | grep -- -leaf)
mid=$(nix-store --store "$T/nix" -qR "$top" | grep -- -mid)

# --- compressions, directories -------------------------------------------------------------

for how in none xz zstd bzip2 gzip; do
	fresh nix copy --store "$T/nix" --to "file://$W/$how?compression=$how" "$tree" "$top" 2>/dev/null
	empty
	t_run "$how: a closure comes" pull "$tree" "$top" --from "$W/$how"
	t_is "$how: its paths are told" "$tree $top" "$(grep ^/nix/store/ "$T_OUT" | paste -sd' ')"
	t_run "$how: the same tree" diff -r --no-dereference "$T/nix$tree" "$KBUILD_ROOT$tree"
done
t_run "every byte is as Nix had it" nix-store --store "$KBUILD_ROOT" --verify --check-contents
t_hasnt "Nix agrees" "$T_OUT" 'error\|modified'
t_run "kbuild agrees" "$KB" store verify --contents
t_is "nothing of it was built here" 0 \
	"$(sqlite3 "$KBUILD_ROOT/nix/var/nix/db/db.sqlite" 'select count(*) from ValidPaths where ultimate')"
t_is "scratch is empty" '' "$(left)"
empty
t_run "a file: address" pull "$top" --from "file://$W/zstd"
empty
mkdir -p "$T/a b%20c?"
cp -r "$W/xz/." "$T/a b%20c?"
t_run "a directory with an odd name" pull "$top" --from "file://$T/a b%2520c%3f?priority=3"
empty
(cd "$W" && pull "$top" --from ./xz >"$T_OUT" 2>&1)
t_is "a relative directory" 0 $?
empty
digest=$(echo "${top#/nix/store/}" | cut -c1-32)
t_run "a digest alone" pull "$digest" --from "$W/xz"
t_is "is found" "$top" "$(grep ^/nix "$T_OUT")"
t_run "by its beginning too, now that it is here" pull "$(echo "$digest" | cut -c1-6)" --from "$W/xz"
t_fails "a digest that nobody knows" pull 00000000000000000000000000000000 --from "$W/xz"
t_has "says so" "$T_OUT" 'neither a store path nor a digest'
t_fails "no cache" pull "$top"
t_fails "an address that is none" pull "/nix/store/$(printf %032d 0)-x" --from gopher://x
t_has "says which are" "$T_OUT" 'expected https://'

# --- signatures ----------------------------------------------------------------------------

nix-store --generate-binary-cache-key test-1 "$T/secret" "$T/public"
nix-store --generate-binary-cache-key other-1 "$T/secret2" "$T/public2"
cat >"$T/build.nix" <<'EOT'
let mk = name: script: derivation {
      inherit name; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-c" script ]; };
    one = mk "one" "echo one >$out";
in mk "two" "echo ${one} $out >$out"
EOT
if two=$(nix-build --no-out-link --store "$T/nix" "$T/build.nix" 2>"$T/build.err"); then
	fresh nix copy --store "$T/nix" --to "file://$W/signed?secret-key=$T/secret" "$two" 2>/dev/null
	empty
	t_fails "what Nix built is not believed" pull "$two" --from "$W/signed"
	t_has "and the key is told" "$T_OUT" 'trusted key (test-1)'
	t_fails "nor with another key" pull "$two" --from "$W/signed" --trust "$(cat "$T/public2")"
	t_run "with the right one it is" pull "$two" --from "$W/signed" --trust "$(cat "$T/public2")" --trust "$(cat "$T/public")"
	t_is "the signature stays" "test-1:" "$("$KB" store path-info "$two" | sed -n 's/^signature *\([^:]*:\).*/\1/p')"
	t_run "and counts" "$KB" store verify --contents --sigs 1 --trust "$(cat "$T/public")"
	t_run "Nix says so, too" nix store verify --store "$KBUILD_ROOT" --recursive --sigs-needed 1 \
		--trusted-public-keys "$(cat "$T/public")" "$two"
	# The configuration names the cache and the key; the log comes from there, and is only text.
	mkdir -p "$HOME/.config/kbuild" "$W/signed/log"
	printf 'cache:\n  pull: [%s]\n  trust: ["%s"]\n' "$W/signed" "$(cat "$T/public")" \
		>"$HOME/.config/kbuild/config.yaml"
	empty
	t_run "from the cache of the configuration" pull "$two"
	t_fails "no log is there" "$KB" log "$two"
	t_has "nor in the cache" "$T_OUT" 'no cache has one'
	printf 'said \033[31mred\n' >"$W/signed/log/$(basename "$("$KB" store path-info "$two" | sed -n 's/^deriver *//p')")"
	t_run "a log from the cache" "$KB" log "$two"
	t_has "without what would speak to the terminal" "$T_OUT" '^said ?\[31mred$'
	rm "$HOME/.config/kbuild/config.yaml"
else
	skip "what Nix built, signed" "nix-build does not work here: $(tail -n 1 "$T/build.err")"
fi

# --- a web server --------------------------------------------------------------------------

cat >"$T/site.conf" <<EOT
location /slow/ { alias $W/; limit_rate 1m; }
location /moved/ { rewrite ^/moved/(.*)\$ /xz/\$1 redirect; }
location /none-such/ { return 404; }
location /secret/ { auth_basic cache; auth_basic_user_file $T/htpasswd; alias $W/xz/; }
EOT
printf 'me:{PLAIN}secret\n' >"$T/htpasswd"
serve "$W"
empty
: >"$T/access.log"
t_run "http" pull "$tree" "$top" --from "$URL/xz"
t_is "asked for each thing once" "1 4 4" "$(requests nix-cache-info) $(requests narinfo) $(requests nar/)"
: >"$T/access.log"
t_run "again" pull "$tree" "$top" --from "$URL/xz"
t_is "nothing is asked" 0 "$(wc -l <"$T/access.log")"
empty
t_run "redirects are followed" pull "$tree" --from "$URL/moved"
empty
t_fails "an empty cache" pull "$tree" --from "$URL/none-such"
t_has "has nothing" "$T_OUT" "no cache has $tree"
t_fails "a password is needed" pull "$tree" --from "$URL/secret"
t_has "the status is told" "$T_OUT" 'status 401'
printf 'machine 127.0.0.1 login me password secret\n' >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"
empty
t_run "with one in netrc it comes" pull "$tree" --from "$URL/secret"
rm "$HOME/.netrc"

# --- several caches ------------------------------------------------------------------------

cp -r "$W/xz" "$W/a"
cp -r "$W/xz" "$W/b"
empty
: >"$T/access.log"
t_run "the first of two" pull "$tree" --from "$URL/a" --from "$URL/b"
t_is "in the order they were named" "1 0" "$(requests /a/nar/) $(requests /b/nar/)"
printf 'StoreDir: /nix/store\nPriority: 10\n' >"$W/b/nix-cache-info"
empty
: >"$T/access.log"
t_run "one that is better" pull "$tree" --from "$URL/a" --from "$URL/b"
t_is "by its own word" "0 1" "$(requests /a/nar/) $(requests /b/nar/)"
empty
: >"$T/access.log"
t_run "one that we find better" pull "$tree" --from "$URL/a?priority=5" --from "$URL/b"
t_is "by ours" "1 0" "$(requests /a/nar/) $(requests /b/nar/)"

# store scenario 6: the archive is missing, or damaged: the next cache has it.
rm "$W/b/$(nar "$W/b" "$tree")"
empty
t_run "an archive is missing" pull "$tree" --from "$URL/a" --from "$URL/b"
t_has "this is a warning" "$T_OUT" 'warning: cache .*/b: .*status 404'
t_run "the tree is right" "$KB" store verify --contents
sed -i '/^FileHash\|^FileSize/d' "$W/b/$(narinfo "$tree")"
{ head -c 1000 "$W/a/$(nar "$W/a" "$tree")"; head -c 3000000 /dev/zero; } >"$W/b/$(nar "$W/b" "$tree")"
empty
t_run "an archive is garbage" pull "$tree" --from "$URL/a" --from "$URL/b"
t_has "this is a warning, too" "$T_OUT" 'warning: cache .*/b: .*cannot be read as xz'
cp "$W/none/$(nar "$W/none" "$top")" "$W/b/other.nar"
sed -i 's/^URL: .*/URL: other.nar/; s/^Compression: .*/Compression: none/' "$W/b/$(narinfo "$mid")"
sed -i '/^FileHash\|^FileSize/d' "$W/b/$(narinfo "$mid")"
empty
t_run "an archive of another object" pull "$mid" --from "$URL/b" --from "$URL/a"
t_has "is seen when it is hashed" "$T_OUT" 'warning: cache .*/b: .*'
t_run "what came instead is right" "$KB" store verify --contents
empty
t_fails "no other cache has it" pull "$tree" --from "$URL/b"
t_is "exit code" 8 $t_code
t_is "nothing is valid" 0 "$(sqlite3 "$KBUILD_ROOT/nix/var/nix/db/db.sqlite" 'select count(*) from ValidPaths')"
t_is "nothing is left" '' "$(left)"

# A member of the closure in one, the rest in the other.
rm "$W/a/$(narinfo "$leaf")" "$W/b/$(narinfo "$top")" "$W/b/$(narinfo "$mid")"
empty
t_run "two caches, one closure" pull "$top" --from "$URL/a" --from "$URL/b"
t_run "it is whole" nix-store --store "$KBUILD_ROOT" --verify --check-contents
empty
: >"$T/access.log"
t_fails "a closure with a hole" pull "$top" --from "$URL/a"
t_has "says what is missing and who needs it" "$T_OUT" "no cache has $leaf, needed by"
t_is "no archive was asked for" 0 "$(requests nar/)"
empty
t_run "the rest of it is here already" pull "$leaf" --from "$URL/b"
: >"$T/access.log"
t_run "so the hole does not matter" pull "$top" --from "$URL/a"
t_is "what is here is not asked for" 0 "$(requests "$(narinfo "$leaf")")"

# A cache that is down is one warning; the others are enough.
empty
t_run "nobody answers at one of them" pull "$tree" --from 'http://127.0.0.1:1/x?priority=1' --from "$URL/xz"
t_is "one warning" 1 "$(grep -c '^warning: cache http://127.0.0.1:1/x is not used' "$T_OUT")"
empty
t_fails "nobody answers at all" pull "$tree" --from http://127.0.0.1:1/x
t_has "says why" "$T_OUT" 'onnect'

# --- cut downloads, meetings ---------------------------------------------------------------

empty
sum=$(sha256sum "$W/none/$(nar "$W/none" "$tree")" | cut -d' ' -f1)
part=$KBUILD_CACHE/partial/$sum
setsid "$KB" store pull "$tree" --from "$URL/slow/none" >"$T_OUT" 2>&1 &
pid=$!
for _ in $(seq 200); do
	[ "$(stat -c %s "$part" 2>/dev/null || echo 0)" -gt 500000 ] && break
	sleep 0.05
done
kill -KILL -$pid
wait $pid 2>/dev/null
have=$(stat -c %s "$part")
t_run "a part survives a kill" test "$have" -gt 500000 -a "$have" -lt 3000000
: >"$T/access.log"
t_run "the next attempt goes on" pull "$tree" --from "$URL/none"
t_has "it asked for the rest only" "$T/access.log" '" 206 '
t_run "the tree is right" "$KB" store verify --contents
t_is "the part is gone, and what else the killed one left" '' "$(left)"

# store scenario 6: who wants what somebody else is downloading waits for it.
empty
"$KB" store path-info x >/dev/null 2>&1
: >"$T/access.log"
pids=
for n in 1 2 3 4; do
	"$KB" store pull "$tree" "$top" --from "$URL/slow/none" >"$T/out.$n" 2>&1 &
	pids="$pids $!"
done
failed=0
for pid in $pids; do
	wait "$pid" || failed=$((failed + 1))
done
t_is "four at once succeed" 0 $failed
t_is "each archive came once" "4 4" "$(requests nar/) $(grep '"GET [^"]*nar/' "$T/access.log" | sort -u -k7,7 | wc -l)"
t_run "all is right" "$KB" store verify --contents
t_is "no lock is left" '' "$(find "$KBUILD_ROOT/nix/store" -name '*.lock')"

# --- S3 ------------------------------------------------------------------------------------

mkdir -p "$T/s3/bucket/some"
cp -r "$W/zstd" "$T/s3/bucket/some/cache"
AWS_ACCESS_KEY_ID=AKID AWS_SECRET_ACCESS_KEY=se/cr+et
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
"$T_TOP/tests/s3server.pl" "$T/s3" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" eu-test-1 >"$T/s3.port" &
s3=$!
trap 'kill $s3; unserve; t_cleanup' EXIT
while [ ! -s "$T/s3.port" ]; do sleep 0.05; done
bucket="s3://bucket/some/cache?region=eu-test-1&scheme=http&endpoint=127.0.0.1:$(cat "$T/s3.port")"
empty
t_run "S3" pull "$tree" "$top" --from "$bucket"
t_run "the tree is right" "$KB" store verify --contents
t_hasnt "every request was signed" "$T/s3/.log" ' 403 '
empty
t_run "keys that are lent" env AWS_SESSION_TOKEN=to/ken "$KB" store pull "$tree" --from "$bucket"
empty
t_fails "a wrong secret" env AWS_SECRET_ACCESS_KEY=other "$KB" store pull "$tree" --from "$bucket"
t_has "looks like an empty cache" "$T_OUT" 'no cache has'
t_hasnt "the secret is not shown" "$T_OUT" 'secret\|other$'
t_fails "another region" pull "$tree" --from "$(echo "$bucket" | sed s/eu-test-1/eu-test-2/)"
t_fails "no keys" env -u AWS_ACCESS_KEY_ID "$KB" store pull "$tree" --from "$bucket"

done_testing
