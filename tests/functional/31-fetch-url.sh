#!/bin/sh
# SPDX-License-Identifier: MIT
# Files from a web server: digests, mirrors, resuming, what is tried again. S3-01
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../fetch.sh"
need tar xz
need_nginx

W=$T/www
mkdir -p "$W/late" "$T/src/linux-1.2.3/sub" "$T/down"
echo hello >"$T/src/linux-1.2.3/file"
echo deep >"$T/src/linux-1.2.3/sub/deep"
tar -C "$T/src" -cJf "$W/linux-1.2.3.tar.xz" linux-1.2.3
echo plain >"$W/plain.bin"
dd if=/dev/urandom of="$W/big.bin" bs=1M count=6 2>/dev/null
sum=$(sha256sum "$W/linux-1.2.3.tar.xz" | cut -d' ' -f1)
big=$(sha256sum "$W/big.bin" | cut -d' ' -f1)
zero=0000000000000000000000000000000000000000000000000000000000000000
cat >"$T/site.conf" <<'EOT'
location /loop { return 302 /loop; }
location /tofile { return 302 file:///etc/passwd; }
location /moved/ { rewrite ^/moved/(.*)$ /$1 redirect; }
location /late/ { if (!-f $request_filename) { return 503; } }
location /slow/ { alias $document_root/; limit_rate 1m; }
location /norange/ { alias $document_root/; max_ranges 0; limit_rate 1m; }
location /down/ { return 503; }
location /forbidden/ { return 403; }
EOT
sed -i "s|\$document_root|$W|" "$T/site.conf"
serve "$W"

# resolve FROM DEST [MORE]
resolve() {
	printf '{"do":"resolve","input":"kernel.source","from":"%s","dest":"%s"%s}' "$1" "$2" "${3:-}"
}

t_fetch 'an archive becomes a tree' "$(resolve "$URL/linux-1.2.3.tar.xz" "$T/a")"
t_is 'its digest is in the pin' "$sum" "$(field sha256)"
t_is 'its one top directory was stripped' 1 "$(field strip)"
t_is 'it is named after the file' linux-1.2.3 "$(field name)"
t_same 'its files are there' "$T/a/sub/deep" "$T/src/linux-1.2.3/sub/deep"
t_fetch 'a plain file stays a file' "$(resolve "$URL/plain.bin" "$T/b")"
t_same 'with its bytes' "$T/b" "$W/plain.bin"
t_fetch 'an archive can stay a file' "$(resolve "$URL/linux-1.2.3.tar.xz" "$T/c" ',"unpack":"no"')"
t_same 'with its bytes, too' "$T/c" "$W/linux-1.2.3.tar.xz"
t_fetch 'redirects are followed' "$(resolve "$URL/moved/plain.bin" "$T/d")"
t_fetch 'a file: address' "$(resolve "file://$W/plain.bin" "$T/e")"

# KBUILD_KERNEL_MIRROR has v1.x/.
mkdir "$W/v1.x" && cp "$W/linux-1.2.3.tar.xz" "$W/v1.x/"
KBUILD_KERNEL_MIRROR=$URL
export KBUILD_KERNEL_MIRROR
t_fetch 'a kernel by its version' "$(resolve kernel.org/1.2.3 "$T/k")"
t_is 'its digest is in the pin, too' "$sum" "$(field sha256)"
rm -rf "$T/cache/files" "$T/k"
t_refuses 'a kernel with another digest' "expected sha256:$zero.*got  *sha256:$sum" \
	"$(resolve kernel.org/1.2.3 "$T/k" ',"sha256":"'$zero'"')"
unset KBUILD_KERNEL_MIRROR

# Wrong bytes: both digests, from every mirror, nothing kept.
rm -rf "$T/cache/files"
t_refuses 'a wrong digest shows both' "expected sha256:$zero.*got  *sha256:$sum" \
	'{"do":"fetch","from":"'"$URL"'/linux-1.2.3.tar.xz","sha256":"'$zero'","dest":"'"$T/f"'"}'
t_has 'it is a matter of the lock' "$T_OUT" '"class":"lock"'
t_is 'nothing is left behind' '' "$(ls "$T/f" "$T"/cache/files/* 2>/dev/null)"
t_fetch 'a mirror with the right bytes is found' \
	'{"do":"fetch","from":"'"$URL"'/plain.bin","mirrors":"'"$URL"'/nothing\n'"$URL"'/linux-1.2.3.tar.xz","unpack":"no","sha256":"'"$sum"'","dest":"'"$T/f"'"}'
t_same 'and gives them' "$T/f" "$W/linux-1.2.3.tar.xz"
sri=sha256-$(printf '%s' "$sum" | sed 's/../\\x&/g' | xargs -0 printf | base64)
t_fetch 'the digest may be in base64' \
	'{"do":"fetch","from":"'"$URL"'/linux-1.2.3.tar.xz","sha256":"'"$sri"'","dest":"'"$T/g"'"}'

# What is not there.
t_refuses 'a missing file says so' 'nowhere to be found' "$(resolve "$URL/nothing" "$T/h")"
t_has 'with the status' "$T_OUT" 'status 404'
: >"$T/access.log"
t_refuses 'what is forbidden is not tried again' 'status 403' "$(resolve "$URL/forbidden/x" "$T/h")"
t_is 'one request was made' 1 "$(wc -l <"$T/access.log")"
: >"$T/access.log"
t_refuses 'an unavailable server is given up' 'status 503' "$(resolve "$URL/down/x" "$T/h")"
t_is 'after four requests' 4 "$(wc -l <"$T/access.log")"
(sleep 0.7 && cp "$W/plain.bin" "$W/late/plain.bin") &
t_fetch 'a server that recovers is waited for' "$(resolve "$URL/late/plain.bin" "$T/h")"
t_refuses 'a loop of redirects ends' 'redirects' "$(resolve "$URL/loop" "$T/i")"
t_refuses 'a redirect to a file is refused' 'rotocol' "$(resolve "$URL/tofile" "$T/i")"
t_refuses 'nobody listens' "onnect" "$(resolve http://127.0.0.1:1/x "$T/i")"
t_is 'nothing is left of all that' '' "$(ls "$T/i" 2>/dev/null)"
t_refuses 'credentials are not shown' '\*\*\*@127' "$(resolve "http://me:secret@127.0.0.1:$PORT/nothing" "$T/i")"
t_hasnt 'anywhere' "$T_OUT" secret

# Killed in the middle, continued by the next attempt.
pinned() {
	printf '{"do":"fetch","from":"%s/big.bin","sha256":"%s","dest":"%s"}' "$1" "$big" "$2"
}
part=$T/cache/partial/$big
cut() {
	printf '%s' "$(pinned "$1" "$T/j")" | "$KF" >"$T_OUT" 2>&1 &
	pid=$!
	for _ in $(seq 200); do
		[ "$(stat -c %s "$part" 2>/dev/null || echo 0)" -gt 1000000 ] && break
		sleep 0.05
	done
	kill -KILL $pid
	wait $pid 2>/dev/null
}
cut "$URL/slow"
have=$(stat -c %s "$part")
t_run 'a part survives a kill' test "$have" -gt 1000000 -a "$have" -lt 6291456
: >"$T/access.log"
t_fetch 'the next attempt goes on' "$(pinned "$URL" "$T/j")"
t_same 'and ends with the right bytes' "$T/j" "$W/big.bin"
t_has 'it asked for the rest only' "$T/access.log" '" 206 '
t_is 'the part is gone' '' "$(ls "$T/cache/partial")"

rm -rf "$T/cache/files" "$T/j"
cut "$URL/slow"
t_fetch 'a server without ranges starts over' "$(pinned "$URL/norange" "$T/j")"
t_same 'with the right bytes' "$T/j" "$W/big.bin"

rm -rf "$T/cache/files" "$T/j"
mkdir -p "$T/cache/partial" && dd if=/dev/zero of="$part" bs=1M count=1 2>/dev/null
t_fetch 'a part with wrong bytes is thrown away' "$(pinned "$URL" "$T/j")"
t_same 'the right bytes come anew' "$T/j" "$W/big.bin"

rm -rf "$T/cache/files" "$T/j"
cp "$W/big.bin" "$part"
t_fetch 'a part that is whole already' "$(pinned "$URL" "$T/j")"
t_same 'is taken as it is' "$T/j" "$W/big.bin"

# Two at once want the same file.
rm -rf "$T/cache/files" "$T/j"
printf '%s' "$(pinned "$URL/slow" "$T/j")" | "$KF" >"$T/one" 2>&1 &
pid=$!
sleep 0.3
t_fetch 'a second process for the same file' "$(pinned "$URL" "$T/l")"
wait $pid
t_has 'the first is not disturbed' "$T/one" '"result"'
t_same 'both have the right bytes' "$T/j" "$T/l"

# At most ten progress lines a second, the last one whole.
rm -rf "$T/cache/files" "$T/j"
start=$(date +%s%N)
t_fetch 'a slow file' "$(pinned "$URL/slow" "$T/j")"
cp "$T_OUT" "$T/slow"
ms=$((($(date +%s%N) - start) / 1000000))
lines=$(grep -c '"progress"' "$T/slow")
t_run 'progress is told with measure' test "$lines" -ge 3 -a "$lines" -le $((ms / 100 + 3))
t_has 'up to the end' "$T/slow" '"progress":{"what":"big.bin","done":6291456,"total":6291456}'

# The cache's own copy is checked, too.
echo damaged >"$T/cache/files/$big"
rm -f "$T/j"
t_fetch 'a damaged file of the cache is replaced' "$(pinned "$URL" "$T/j")"
t_same 'by the right bytes' "$T/j" "$W/big.bin"

# Local files.
cp "$W/linux-1.2.3.tar.xz" "$T/down/x.tar.xz"
t_fetch 'a local archive' "$(resolve ./x.tar.xz "$T/m" ',"base_dir":"'"$T/down"'"')"
t_same 'is unpacked' "$T/m/file" "$T/src/linux-1.2.3/file"
echo more >>"$T/down/x.tar.xz"
t_refuses 'a local archive that changed' "expected sha256:$sum.*got" \
	'{"do":"fetch","input":"k","from":"./x.tar.xz","base_dir":"'"$T/down"'","sha256":"'"$sum"'","dest":"'"$T/n"'"}'
t_has 'says what to do' "$T_OUT" 'kbuild update k'
t_refuses 'a local file that is not there' 'cannot open ./y' \
	"$(resolve ./y "$T/n" ',"base_dir":"'"$T/down"'"')"

for from in debian/LINUX debian/11.5/x kernel.org/six git+ftp://x/y.git linux ''; do
	t_refuses "'$from' is no source" '"class":"recipe"' "$(resolve "$from" "$T/o")"
done

done_testing
