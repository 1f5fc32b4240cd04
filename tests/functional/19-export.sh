#!/bin/sh
# SPDX-License-Identifier: MIT
#
# store scenario 19: streams of objects, between our stores and Nix's, and what comes from
# who means no good.

# shellcheck source-path=SCRIPTDIR source=../lib.sh disable=SC2317 # called by name
. "$(dirname "$0")/../lib.sh"

need sqlite3

A=$T/a B=$T/b N=$T/nix
kb() {
	root=$1
	shift
	"$KB" store "$@" --root "$root"
}
nixs() {
	root=$1
	shift
	nix-store --store "$root" "$@"
}
export_to() {
	to=$1
	shift
	kb "$@" >"$to"
}
import() {
	root=$1 from=$2
	shift 2
	kb "$root" import "$@" <"$from"
}
nix_import() {
	nixs "$1" --import <"$2"
}
valid() {
	kb "$1" path-info "$2"
}

mkdir -p "$T/tree/sub"
echo text >"$T/tree/sub/text"
awk 'BEGIN { for (i = 0; i < 40000; i++) printf "%d,", i * 2654435761 % 65536 }' >"$T/tree/random"
ln -s sub/text "$T/tree/link"
echo run >"$T/tree/run"
chmod 755 "$T/tree/run"
tree=$(kb "$A" add "$T/tree")
file=$(kb "$A" add "$T/tree/sub/text")

t_run "exports two" export_to "$T/two" "$A" export "$file" "$tree"
t_run "imports them" import "$B" "$T/two"
t_is "and names them" "$(printf '%s\n' "$file" "$tree" | sort)" "$(sort "$T_OUT")"
t_run "they are whole" kb "$B" verify --contents
kb "$A" path-info "$tree" | grep -v '^physical' >"$T/want"
kb "$B" path-info "$tree" | grep -v '^physical' >"$T/is"
t_same "with all that was known of them" "$T/want" "$T/is"
t_run "exports them again" export_to "$T/again" "$B" export "$file" "$tree"
t_same "byte for byte" "$T/two" "$T/again"
t_run "imports what is there" import "$B" "$T/two"
t_is "nothing is left in scratch" "" "$(ls -A "$B/nix/var/kbuild/tmp")"
printf '\0\0\0\0\0\0\0\0' >"$T/empty"
t_run "an empty stream" import "$B" "$T/empty"

# --- what is no stream, or a damaged one ---------------------------------------------------
C=$T/c
refused() {
	what=$1 file_=$2 pattern=$3
	shift 3
	t_fails "$what" import "$C" "$file_" "$@"
	t_has "$what: why" "$T_OUT" "$pattern"
	t_is "$what: nothing is valid" "" "$(kb "$C" verify | grep -v garbage; sqlite3 "$C/nix/var/nix/db/db.sqlite" 'select path from ValidPaths' 2>/dev/null)"
	t_is "$what: nothing is left" "" "$(find "$C/nix/store" "$C/nix/var/kbuild/tmp" -mindepth 1)"
}
export_to "$T/one" "$A" export "$tree"
size=$(stat -c %s "$T/one")
printf 'hello, world' >"$T/bad"
refused "no stream" "$T/bad" 'this is no export stream'
: >"$T/bad"
refused "nothing" "$T/bad" 'ends too early'
for n in 4 20 1000 $((size - 300)) $((size - 17)); do
	head -c "$n" "$T/one" >"$T/bad"
	refused "the first $n of $size bytes" "$T/bad" 'ends too early'
done
head -c $((size - 8)) "$T/one" >"$T/bad"
t_fails "the whole object without an end" import "$B" "$T/bad"
(cat "$T/one"; echo more) >"$T/bad"
t_fails "bytes behind the end" import "$B" "$T/bad"
t_has "are not passed over" "$T_OUT" 'there are bytes behind the end of the stream'

# put AT HEX: the stream with other bytes at a place.
put() {
	cp "$T/one" "$T/bad"
	# shellcheck disable=SC2059 # a format it is
	printf "$2" | dd of="$T/bad" bs=1 seek="$1" conv=notrunc 2>/dev/null
}
at() {
	grep -abo "$1" "$T/one" | tail -n 1 | cut -d: -f1
}
put 100 '!'
refused "another byte in the archive" "$T/bad" '.'
put $(($(at "$tree") + 45)) 'x'
refused "another name" "$T/bad" 'proves nothing'
digit=0
[ "$(printf %.12s "$tree")" != /nix/store/0 ] || digit=1
put $(($(at "$tree") + 11)) "$digit"
refused "another digest" "$T/bad" 'proves nothing'
put $(($(at "$tree") + 12)) '/'
refused "a path that is none" "$T/bad" 'is no store path'
put $(($(at "$tree") - 16)) 'nope'
refused "another mark" "$T/bad" 'this is no export stream'
put $((size - 16)) '\007'
refused "a signature that is none" "$T/bad" 'the stream is damaged'
put $((size - 8)) '\002'
t_fails "an end that is none" import "$B" "$T/bad"
put $(($(at "$tree") + ${#tree} + 1)) '\007'
refused "a reference without a name" "$T/bad" "'' is no store path"
put $(($(at "$tree") + ${#tree} + 8)) '\377\377\377\377\377\377\377\377'
refused "more references than there can be" "$T/bad" '.'
put $(($(at "$tree") - 8)) '\377\377\377\377\377\377\377\177'
refused "a path longer than any" "$T/bad" 'a path of the stream is too long'

# --- damage and devices --------------------------------------------------------------------
t_fails "a path that is not valid" kb "$A" export /nix/store/00000000000000000000000000000000-x
chmod u+w "$A$tree/random"
printf '!' | dd of="$A$tree/random" bs=1 conv=notrunc 2>/dev/null
kb "$A" export "$tree" >"$T/bad" 2>"$T_OUT"
t_is "damage is not exported" 8 "$?"
t_has "but named" "$T_OUT" "the contents of $tree were modified"
t_has "with what helps" "$T_OUT" 'kbuild store verify --contents --repair'
refused "nor does what came out get in" "$T/bad" 'ends too early'
kb "$A" export "$file" >/dev/full 2>"$T_OUT"
t_is "a full device is exit 8" 8 "$?"
t_has "and said" "$T_OUT" 'No space left on device'
kb "$B" export "$tree" >/dev/full 2>"$T_OUT"
t_is "with a large object, too" 8 "$?"

# --- with Nix ------------------------------------------------------------------------------
if command -v nix-store >/dev/null; then
	NIX_CONF_DIR=$T/conf
	export NIX_CONF_DIR
	mkdir "$NIX_CONF_DIR"
	echo 'build-users-group =' >"$NIX_CONF_DIR/nix.conf"
	t_run "Nix imports ours" nix_import "$N" "$T/two"
	t_is "both of it" "$(printf '%s\n' "$file" "$tree" | sort)" "$(grep ^/nix "$T_OUT" | sort)"
	t_run "and verifies every byte" nixs "$N" --verify --check-contents
	nixs "$N" --export "$tree" >"$T/nix.out" 2>/dev/null
	t_same "Nix exports the same bytes" "$T/one" "$T/nix.out"
	t_run "Nix exports from our root" sh -c "nix-store --store '$B' --export '$tree' >'$T/nix.out' 2>/dev/null"
	t_same "the same" "$T/one" "$T/nix.out"
	t_run "Nix imports into our root" nix_import "$B" "$T/two"

	# References: texts by way of Nix, a derivation, and what refers to itself.
	nix-instantiate --store "$N" --eval --read-write-mode --expr "
		builtins.toFile \"t\" \"see \${builtins.storePath $tree}\"" >"$T/text" 2>"$T/nix.err" ||
		sed 's/^/#   /' "$T/nix.err"
	text=$(tr -d '"' <"$T/text")
	drv=$(nix-instantiate --store "$N" --expr "derivation {
		name = \"d\"; system = \"x\"; builder = \"/b\"; src = builtins.storePath $text; }" 2>/dev/null)
	drv=${drv%%!*}
	nixs "$N" --export "$drv" >"$T/drv" 2>/dev/null
	refused "what needs what is not there" "$T/drv" "refers to $text, which is neither valid nor before it"
	# shellcheck disable=SC2046 # three paths
	nixs "$N" --export $(nixs "$N" -qR "$drv" 2>/dev/null) >"$T/drv" 2>/dev/null
	t_run "a closure of Nix's" import "$C" "$T/drv"
	t_is "comes in whole" "$(nixs "$N" -qR "$drv" 2>/dev/null | sort)" "$(sort "$T_OUT")"
	t_run "and is" kb "$C" verify --contents
	t_run "the text is what Nix made" valid "$C" "$text"
	t_has "content-addressed" "$T_OUT" '^ca  *text:sha256:'
	t_has "with its reference" "$T_OUT" "^reference  *$tree"
	t_run "--closure has all of it" export_to "$T/closure" "$C" export --closure "$drv"
	nixs "$N" --export "$tree" "$text" "$drv" >"$T/nix.out" 2>/dev/null
	t_same "in an order that Nix has, too" "$T/nix.out" "$T/closure"
	t_is "Nix knows whose output it would be" "$drv" "$(nixs "$C" -q --deriver "$drv" 2>/dev/null | grep -v unknown || echo "$drv")"

	# Built at a path that says how: nobody can check that.
	cp -a "$N" "$T/n2"
	built=$(nix-build --store "$T/n2" --option sandbox false --option substitute false --no-out-link --expr "derivation {
		name = \"built\"; system = builtins.currentSystem; builder = \"builtin:buildenv\"; derivations = [];
		manifest = \"/nope\"; }" 2>"$T/nix.err") || built=
	if [ -n "$built" ]; then
		nixs "$T/n2" --export "$built" >"$T/built" 2>/dev/null
		D=$T/d
		t_fails "what is input-addressed proves nothing" import "$D" "$T/built"
		t_has "which is said" "$T_OUT" "$built proves nothing"
		t_has "with what to do" "$T_OUT" 'kbuild store import --unproven'
		t_run "it comes in when that is wanted" import "$D" "$T/built" --unproven
		t_run "whole" kb "$D" verify --contents
		t_run "and goes out" export_to "$T/is" "$D" export "$built"
		t_same "as it came" "$T/built" "$T/is"
	else
		skip "what is input-addressed" "Nix cannot build without a sandbox here"
		sed 's/^/# /' "$T/nix.err"
	fi
else
	skip "Nix imports ours and exports the same" "nix-store is not installed"
fi

done_testing
