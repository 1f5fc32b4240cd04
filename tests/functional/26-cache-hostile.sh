#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Caches that lie, and servers that misbehave. Every case is refused in words and with exit code
# 8, in bounded time and memory, leaves nothing valid, nothing in the store's directory and
# nothing anywhere else. The caches are made by tests/cache.pl without any code of kbuild.
#
# store scenario 4: malformed archives; scenario 5: the claim of one object and the bytes of
# another; scenario 6: unsigned and wrongly signed answers; further: compression.
. "$(dirname "$0")/../lib.sh"
need perl openssl xz zstd bzip2 gzip lz4 sqlite3 timeout

MAKE=$T_TOP/tests/cache.pl
SECONDS_MAX=30 KIB_MAX=300000
case $KB in
*-san/*) SECONDS_MAX=90 KIB_MAX=1500000 ;;
esac
# A window of gigabytes is more than there is: as without sanitizers, that is an answer.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}allocator_may_return_null=1
export ASAN_OPTIONS
mkdir "$T/keys" "$T/w"
perl "$MAKE" keys "$T/keys" || skip_all 'openssl makes no ed25519 keys'
TRUST=$(cat "$T/keys/good.pub")
export KBUILD_CACHE="$T/w/cache"
KBUILD_ROOT=$T/w/root

# Everything that a pull has no business with.
world() {
	ls -d /tmp/kbuild-was-here 2>/dev/null
	find "$T" -path "$T/w" -prune -o -path "$T/keys" -prune -o -path "$T/r" -prune -o \
		-path "$T_OUT" -prune -o -print | sort
}

# attempt NAME PATH CACHE: pulls; what happened is in $T/r/NAME.*
attempt() {
	timeout -s KILL $SECONDS_MAX /usr/bin/time -q -f '%e %M' -o "$T/r/$1.cost" \
		"$KB" store pull "$2" --from "$3" --trust "$TRUST" --timeout 2s >"$T/r/$1.out" 2>&1
	echo $? >"$T/r/$1.code"
}

rows() {
	[ -e "$1/nix/var/nix/db/db.sqlite" ] || return 0
	sqlite3 "$1/nix/var/nix/db/db.sqlite" "select path from ValidPaths where path = '$2'"
}

# What is wrong with how it ended, one a line: NAME PATH WANTED-MESSAGE ROOT.
flaws() {
	[ "$(cat "$T/r/$1.code")" = 8 ] || echo "exit code $(cat "$T/r/$1.code"), expected 8"
	grep -qE -e "$3" "$T/r/$1.out" || echo "no line matches: $3"
	[ "$(grep -c '^error: ' "$T/r/$1.out")" = 1 ] || echo 'expected one error'
	! LC_ALL=C grep -q "$(printf '[\001-\010\013-\037]')" "$T/r/$1.out" || echo 'control characters'
	[ -z "$(rows "$4" "$2")" ] || echo "$2 is valid"
	[ ! -e "$4$2" ] && [ ! -L "$4$2" ] || echo "$2 is in the store"
	[ -z "$(ls -A "$4/nix/var/kbuild/tmp" 2>/dev/null)" ] || echo 'something is left in tmp'
	read -r seconds kib <"$T/r/$1.cost" || echo 'no measurement'
	[ "${kib:-0}" -lt $KIB_MAX ] || echo "took $kib KiB"
	: "${seconds:?}"
}

judge() {
	t_flaws=$(flaws "$@" 2>&1)
	if [ -z "$t_flaws" ]; then
		ok "$1"
		return
	fi
	not_ok "$1"
	note "$t_flaws"
	sed 's/^/#   /' "$T/r/$1.out"
}

# A true object comes, whole and right.
accepted() {
	if [ "$(cat "$T/r/$1.code")" = 0 ] && [ -n "$(rows "$KBUILD_ROOT" "$2")" ] &&
		"$KB" store verify --contents >"$T_OUT" 2>&1; then
		ok "$1"
		return
	fi
	not_ok "$1"
	sed 's/^/#   /' "$T/r/$1.out" "$T_OUT"
}

# --- directories ---------------------------------------------------------------------------

mkdir "$T/r"
echo secret >"$T/secret.nar"
perl "$MAKE" list >"$T/cases"
world >"$T/world"
world >"$T/world" # itself included
while read -r name; do
	chmod -R u+w "$T/w" 2>/dev/null
	rm -rf "$T/w"
	mkdir "$T/w"
	perl "$MAKE" make "$T/keys" "$T/w/from" "$name" >"$T/r/$name.made" ||
		{ not_ok "$name can be made"; continue; }
	path=$(cut -f1 "$T/r/$name.made")
	want=$(cut -f2 "$T/r/$name.made")
	attempt "$name" "$path" "$T/w/from" </dev/null
	if [ "$want" = OK ]; then
		accepted "$name" "$path"
	else
		judge "$name" "$path" "$want" "$KBUILD_ROOT"
	fi
done <"$T/cases"
world >"$T/keys/world"
t_same 'nothing was written anywhere else' "$T/world" "$T/keys/world"
t_run 'a good many were tried' test "$(wc -l <"$T/cases")" -ge 150

# --- servers -------------------------------------------------------------------------------

rm -rf "$T/w"
mkdir "$T/w"
perl "$MAKE" make "$T/keys" "$T/w/from" ok-signed >"$T/made"
path=$(cut -f1 "$T/made")
printf 'StoreDir: /nix/store\n' >"$T/w/from/nix-cache-info"
perl "$T_TOP/tests/rude.pl" "$T/w/from" "$T/port" &
server=$!
trap 'kill $server 2>/dev/null; t_cleanup' EXIT
for _ in $(seq 100); do
	[ -s "$T/port" ] && break
	sleep 0.1
done
PORT=$(cat "$T/port")
perl "$T_TOP/tests/rude.pl" "$T" --list >"$T/modes"

# They wait more than they work: several at once, each with a root of its own.
visit() {
	name=$1-$2
	KBUILD_ROOT=$T/w/root-$name KBUILD_CACHE=$T/w/cache-$name \
		attempt "$name" "$path" "http://127.0.0.1:$PORT/$1/$2"
}
pids=
while read -r mode; do
	for where in info narinfo nar; do
		visit "$mode" "$where" </dev/null &
		pids="$pids $!"
	done
	[ "$(echo "$pids" | wc -w)" -lt 6 ] && continue
	# shellcheck disable=SC2086 # a list
	wait $pids
	pids=
done <"$T/modes"
# shellcheck disable=SC2086
wait $pids

# What the refusals say: MODE, then one pattern, or one for each of info, narinfo and nar.
while read -r mode info narinfo nar; do
	for where in info narinfo nar; do
		case $where in
		info) want=$info ;;
		narinfo) want=${narinfo:-$info} ;;
		nar) want=${nar:-$info} ;;
		esac
		judge "$mode-$where" "$path" "$(printf '%s' "$want" | tr _ ' ')" "$T/w/root-$mode-$where"
	done
done <<'EOT'
redirect-to-file rotocol
redirect-nowhere onnect
redirect-loop redirects
redirect-split . 
status-401 status_401
status-403 status_403
status-500 status_500
silent tim[a-z]*_?out|too_slow
slow-head tim[a-z]*_?out|too_slow
slow-body tim[a-z]*_?out|too_slow
endless-head no_end_of_headers
endless-continue no_end_of_headers|tim[a-z]*_?out
endless-body more_than_the more_than_the more_than_the_120
endless-chunks more_than_the more_than_the more_than_the_120
bad-chunks hunk|illegal
no-reply mpty_reply
early-close closed|more_than closed|more_than more_than|closed
length-short is_for_paths_below|expected_lines expected_.Key|line_feed 10_bytes,_expected_120|hash_mismatch
length-huge more_than|exceeded
length-negative ontent-Length
html expected_lines expected_.Key hash_mismatch|bytes
gzip-bomb encoding|more_than encoding more_than|hash
no-http HTTP/0.9|nsupported HTTP/0.9|nsupported HTTP/0.9|nsupported
garbage HTTP/0.9|nsupported
EOT
for where in info narinfo nar; do
	t_is "good-$where" 0 "$(cat "$T/r/good-$where.code")"
done
t_is 'each mode was judged' '' "$(while read -r mode; do
	[ -e "$T/r/$mode-nar.code" ] || echo "$mode"
done <"$T/modes")"

done_testing
