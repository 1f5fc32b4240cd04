#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Pushing to web servers and to S3: what they refuse, how they fail, who may write.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source-path=SCRIPTDIR source=../fetch.sh
. "$(dirname "$0")/../fetch.sh"
need_nginx
need nix perl openssl s3cmd

NIX_CONF_DIR=$T/conf
export NIX_CONF_DIR
mkdir "$NIX_CONF_DIR"
echo 'build-users-group =
substituters =
experimental-features = nix-command' >"$NIX_CONF_DIR/nix.conf"
# shellcheck disable=SC2317 # t_run calls it
fresh() {
	rm -rf "$T/nix-cache"
	XDG_CACHE_HOME=$T/nix-cache "$@"
}

mkdir -p "$T/www/put" "$T/tree/a"
head -c 3000000 /dev/urandom >"$T/tree/random"
echo one >"$T/tree/a/one"
tree=$("$KB" store add "$T/tree")
printf %s "$tree" >"$T/ref"
ref=$(nix-store --store "$KBUILD_ROOT" --add "$T/ref")
narinfo() {
	n=${1#/nix/store/}
	echo "$(echo "$n" | cut -c1-32).narinfo"
}

printf 'me:%s\n' "$(openssl passwd -apr1 secret)" >"$T/htpasswd"
dav='dav_methods PUT; create_full_put_path on; client_max_body_size 0;'
cat >"$T/site.conf" <<EOT
location /put/ { $dav }
location /auth/ { auth_basic cache; auth_basic_user_file $T/htpasswd; $dav }
location /write/ { limit_except GET { auth_basic cache; auth_basic_user_file $T/htpasswd; } $dav }
location /plain/ { }
location /flat/ { dav_methods PUT; client_max_body_size 0; }
location /small/ { dav_methods PUT; create_full_put_path on; client_max_body_size 10k; }
location /403/ { if (\$request_method = PUT) { return 403; } }
location /500/ { if (\$request_method = PUT) { return 500; } }
location /507/ { if (\$request_method = PUT) { return 507; } }
location /moved/ { if (\$request_method = PUT) { return 301 /put/; } }
EOT
serve "$T/www"

# --- a web server that takes files ---
t_run "PUT" "$KB" push "$tree" "$ref" "$URL/put/c"
t_has "says what it did" "$T_OUT" '^2 objects, 2.9 MiB pushed, 0 already there'
t_run "the files are there" test -e "$T/www/put/c/$(narinfo "$tree")"
t_run "Nix reads them" fresh nix copy --no-check-sigs --from "$URL/put/c" --to "$T/nix" "$tree"
t_run "the same tree" diff -r "$T/nix$tree" "$KBUILD_ROOT$tree"
: >"$T/access.log"
t_run "again" "$KB" push "$tree" "$ref" "$URL/put/c/"
t_has "nothing is sent" "$T_OUT" '^0 objects, 0.0 MiB pushed, 2 already there'
t_hasnt "not even tried" "$T/access.log" '"PUT '
rm "$T/www/put/c/$(narinfo "$tree")"
: >"$T/access.log"
t_run "an archive is there, what speaks of it is not" "$KB" push "$tree" "$URL/put/c"
t_is "the archive is not sent again" 1 "$(grep -c '"PUT ' "$T/access.log")"
t_has "the rest is" "$T/access.log" '"PUT .*narinfo .* 201 '

# --- who may write ---
t_fails "without a password" "$KB" push "$tree" "$URL/auth/c"
t_has "the status is told" "$T_OUT" 'status 401'
t_fails "without one where all may read" "$KB" push "$tree" "$URL/write/c"
t_has "the status, too" "$T_OUT" 'status 401'
t_has "and where a password belongs" "$T_OUT" '/.netrc'
printf 'machine 127.0.0.1 login me password secret\n' >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"
t_run "with one in netrc" "$KB" push "$tree" "$URL/auth/c"
t_run "it is there" test -e "$T/www/auth/c/$(narinfo "$tree")"
t_run "where all may read, too" "$KB" push "$tree" "$URL/write/c"
printf 'machine 127.0.0.1 login me password wrong\n' >"$HOME/.netrc"
t_fails "a wrong one" "$KB" push "$tree" "$URL/auth/other"
t_hasnt "is not shown" "$T_OUT" wrong
rm "$HOME/.netrc"
t_fails "a password in the address" "$KB" push "$tree" "http://me:wrong@127.0.0.1:$PORT/auth/other"
t_hasnt "is not shown either" "$T_OUT" wrong
t_run "a right one there" "$KB" push "$tree" "http://me:secret@127.0.0.1:$PORT/auth/other"

# --- refusals and failures: exit code 8, a reason, nothing promised ---
refuses() {
	"$KB" push "$tree" "$URL/$1/c" >"$T_OUT" 2>&1
	t_is "$1: exit code" 8 $?
	t_has "$1: reason" "$T_OUT" "$2"
	[ -z "${3:-}" ] || t_has "$1: what to do" "$T_OUT" "$3"
	t_fails "$1: nothing is promised" test -e "$T/www/$1/c/$(narinfo "$tree")"
}
refuses plain 'status 405' docs/caches.md
refuses flat 'status 500'
refuses small 'status 413' client_max_body_size
refuses 403 'status 403'
refuses 507 'status 507'
refuses moved 'status 301'
: >"$T/access.log"
refuses 500 'status 500'
t_is "what may pass is tried again" 4 "$(grep -c '"PUT .* 500 ' "$T/access.log")"
t_is "in the end nothing is left in the store's scratch" '' "$(ls "$KBUILD_ROOT/nix/var/kbuild/tmp")"

# Nobody there; and somebody who never answers.
unserve
"$KB" push "$tree" "$URL/put/c" >"$T_OUT" 2>&1
t_is "nobody there: exit code" 8 $?
perl -MIO::Socket::INET -e '$| = 1; my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 64);
	print $s->sockport, "\n"; sleep 100' >"$T/mute" &
mute=$!
while [ ! -s "$T/mute" ]; do sleep 0.05; done
t_refuses "silence" 'cannot push to http' '{"do":"cache-put-files","cache":"http://127.0.0.1:'"$(cat "$T/mute")"'","timeout":1,
	"files":[{"name":"x","type":"text/plain","text":"x"}]}'
kill $mute

# --- S3 ---
AWS_ACCESS_KEY_ID=AKID AWS_SECRET_ACCESS_KEY=se/cr+et
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
mkdir "$T/s3"
"$T_TOP/tests/s3server.pl" "$T/s3" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" eu-test-1 >"$T/s3.port" 2>"$T/s3.err" &
server=$!
trap 'kill $server; t_cleanup' EXIT
while [ ! -s "$T/s3.port" ]; do
	sleep 0.05
	kill -0 $server || skip_all "$(cat "$T/s3.err")"
done
host=127.0.0.1:$(cat "$T/s3.port")
s3="s3://bucket/a+b/c?region=eu-test-1&scheme=http&endpoint=$host"

# The server must know what a signature is: an independent client is the judge of that.
cat >"$T/s3cfg" <<EOT
[default]
access_key = $AWS_ACCESS_KEY_ID
secret_key = $AWS_SECRET_ACCESS_KEY
host_base = $host
host_bucket = $host
use_https = False
bucket_location = eu-test-1
signature_v2 = False
EOT
# shellcheck disable=SC2317 # t_run calls it
s3() {
	s3cmd -c "$T/s3cfg" "$@"
}
t_run "another client puts a file" s3 put "$T/ref" 's3://bucket/x+y z/ref'
t_run "and gets it" s3 get --force 's3://bucket/x+y z/ref' "$T/again"
t_same "as it was" "$T/ref" "$T/again"
t_fails "but not with another secret" s3 --secret_key=other get --force 's3://bucket/x+y z/ref' "$T/again"
t_fails "nor for another region" s3 --region=eu-test-2 get --force 's3://bucket/x+y z/ref' "$T/again"

t_run "S3" "$KB" push "$tree" "$ref" "$s3"
t_has "all of it" "$T_OUT" '^2 objects, 2.9 MiB pushed'
t_run "where it should be" test -e "$T/s3/bucket/a+b/c/$(narinfo "$tree")"
t_hasnt "nothing was refused" "$T/s3/.log" 'a%2Bb.* 403 '
t_run "the other client reads it" s3 get --force "s3://bucket/a+b/c/$(narinfo "$tree")" "$T/again"
t_same "as it is" "$T/s3/bucket/a+b/c/$(narinfo "$tree")" "$T/again"
t_run "Nix reads the same files" fresh nix copy --no-check-sigs --from "file://$T/s3/bucket/a+b/c" --to "$T/nix2" "$ref"
t_run "again" "$KB" push "$tree" "$ref" "$s3"
t_has "nothing is sent" "$T_OUT" '^0 objects'
t_fetch "odd names are signed right" '{"do":"cache-put-files","cache":"'"$s3"'",
	"files":[{"name":"log/a+b=c@d!~ e.drv","type":"text/plain","text":"x"}]}'
t_run "and mean themselves" test -e "$T/s3/bucket/a+b/c/log/a+b=c@d!~ e.drv"
t_run "keys that are lent" env AWS_SESSION_TOKEN=to/ken "$KB" push "$tree" "s3://lent?${s3#*\?}"
t_fails "a wrong secret" env AWS_SECRET_ACCESS_KEY=other "$KB" push "$tree" "s3://other?${s3#*\?}"
t_has "S3's own word for it" "$T_OUT" SignatureDoesNotMatch
t_has "and where secrets belong" "$T_OUT" AWS_SECRET_ACCESS_KEY
t_hasnt "which is not shown" "$T_OUT" other/cr
t_fails "no keys at all" env -u AWS_ACCESS_KEY_ID "$KB" push "$tree" "s3://other?${s3#*\?}"
t_fails "nothing came of these" test -e "$T/s3/other"

done_testing
