#!/bin/sh
# SPDX-License-Identifier: MIT
#
# store scenario 3: damage of each kind is found, mended where that can be, and what was
# mended is whole, read-only and the same for Nix, too.

# shellcheck source-path=SCRIPTDIR source=../lib.sh disable=SC2317 # called by name
. "$(dirname "$0")/../lib.sh"
need sqlite3

db() {
	sqlite3 "$KBUILD_ROOT/nix/var/nix/db/db.sqlite" "$@"
}
# A tree with one of everything, the same each time.
make_tree() {
	mkdir -p "$1/sub/deep"
	head -c 100000 /dev/zero | tr '\0' z >"$1/large"
	echo text >"$1/sub/text"
	echo run >"$1/sub/run"
	chmod 755 "$1/sub/run"
	ln -s sub/text "$1/link"
	: >"$1/sub/deep/empty"
}
make_tree "$T/tree"
path=$("$KB" store add "$T/tree")
other=$("$KB" store add "$T/tree/sub/text")
object=$KBUILD_ROOT$path
hash=$("$KB" store hash "$T/tree")
metadata() {
	(cd "$KBUILD_ROOT/nix/store" && find . -mindepth 1 ! -path './.links*' -printf '%p %M %U %Ts %s %l\n' | sort)
}
metadata >"$T/want"

nix_agrees() {
	if ! command -v nix-store >/dev/null; then
		skip "Nix agrees" "nix-store is not installed"
	elif nix-store --store "$KBUILD_ROOT" --verify --check-contents >"$T_OUT" 2>&1 &&
		! grep -q 'modified\|disappeared' "$T_OUT"; then
		ok "Nix agrees"
	else
		not_ok "Nix agrees"
		sed 's/^/#   /' "$T_OUT"
	fi
}

# found WHAT PATTERN [OPTION]: verify says so, of this path alone, and exits 1.
found() {
	"$KB" store verify ${3:+"$3"} >"$T/found" 2>"$T/found.err"
	t_is "$1: verify exits 1" 1 "$?"
	t_has "$1: and says what" "$T/found" "^$path: $2"
	t_hasnt "$1: of nothing else" "$T/found" "^$other"
}
whole() {
	t_run "$1: all is whole" "$KB" store verify --contents
	t_is "$1: without a word" "" "$(cat "$T_OUT")"
	metadata >"$T/is"
	t_same "$1: read-only and canonical" "$T/want" "$T/is"
	t_is "$1: the same hash" "$hash" "$("$KB" store hash "$object")"
	nix_agrees
}
mended() {
	t_run "$1: is mended" "$KB" store verify --repair --contents
	t_has "$1: which is told" "$T_OUT" "^$path: mended: $2"
	whole "$1"
}

# --- metadata: the bytes are right, and only the look at every inode is needed ------------
writable() { chmod 644 "$object/large"; }
open_dir() { chmod 755 "$object/sub"; }
root_mode() { chmod 777 "$object"; }
set_id() { chmod 4555 "$object/sub/run"; }
sticky() { chmod 1555 "$object/sub/deep"; }
touched() { touch "$object/sub/text"; }
touched_dir() { touch "$object/sub/deep"; }
touched_link() { touch -h "$object/link"; }
attribute() {
	chmod u+w "$object/large"
	setfattr -n user.test -v x "$object/large" || return 1
	chmod u-w "$object/large"
}
unreadable() { chmod 000 "$object/large"; }
owned() { chown 65534:65534 "$object/sub/text" "$object/sub" && chown -h 65534 "$object/link"; }
while read -r kind words; do
	case $kind in
	attribute)
		if ! command -v setfattr >/dev/null; then
			skip "attribute" "setfattr is not installed"
			continue
		elif ! attribute 2>/dev/null; then
			skip "attribute" "this file system has none"
			continue
		fi
		;;
	owned)
		if [ "$(id -u)" -ne 0 ]; then
			skip "owned" "needs root"
			continue
		fi
		owned
		;;
	*) $kind ;;
	esac
	found "$kind" "$words"
	mended "$kind" "made canonical again"
done <<'END'
writable large has mode 0644, expected 0444
open_dir sub has mode 0755, expected 0555
root_mode the root has mode 0777, expected 0555
set_id sub/run has mode 4555, expected 0555
sticky sub/deep has mode 1555, expected 0555
touched sub/text has the time stamp [0-9.]*, expected 1
touched_dir sub/deep has the time stamp
touched_link link has the time stamp
attribute large has the attribute user.test
unreadable large has mode 0000, expected 0444
owned link belongs to user 65534, expected 0
END

# --- rows: the tree proves itself, the database is wrong ---------------------------------
row() {
	db "update ValidPaths set $1 where path = '$path'"
}
while IFS='|' read -r what option words; do
	row "$what"
	found "$what" "$words" "$option"
	mended "$what" "its row was written anew"
done <<'END'
narSize = 17||its archive has 101[0-9]* bytes, expected 17
hash = 'sha256:0000000000000000000000000000000000000000000000000000000000000000'|--contents|its contents were modified
hash = 'md5:x'||.*has an unusable hash
ca = 'fixed:r:sha256:0000000000000000000000000000000000000000000000000000'||its content address belongs to another path
ca = 'text:sha256:0000000000000000000000000000000000000000000000000000'||its content address belongs to another path
END

db "pragma foreign_keys = 0; insert into Refs (referrer, reference)
	select id, 4711 from ValidPaths where path = '$path'"
found "a reference to nothing" "refers to something that has no row"
mended "a reference to nothing" "its row was written anew"
db "pragma foreign_keys = 0; insert into Refs (referrer, reference)
	select 4711, id from ValidPaths where path = '$path'"
found "a reference from nothing" "something that has no row refers to it"
mended "a reference from nothing" "whole by now"
db "insert into Refs (referrer, reference) select a.id, b.id from ValidPaths a, ValidPaths b
	where a.path = '$path' and b.path = '$other'"
found "a reference too many" "its content address belongs to another path"
mended "a reference too many" "its row was written anew"

db "insert into ValidPaths (path, hash, registrationTime) values ('/nix/store/odd', 'sha256:0', 1)"
t_fails "a row that is no path is found" "$KB" store verify
t_has "as such" "$T_OUT" '^/nix/store/odd: is no store path'
t_fails "it cannot be mended" "$KB" store verify --repair
t_has "so it is forgotten" "$T_OUT" '^/nix/store/odd: cannot be mended and is forgotten'
whole "no path"

# --- contents, and nobody who has them: forgotten, so that they come again ----------------
changed() {
	chmod u+w "$object/large"
	printf '!' | dd of="$object/large" bs=1 seek=77777 conv=notrunc 2>/dev/null
	chmod 444 "$object/large"
	touch -d @1 "$object/large"
}
in_dir() {
	chmod u+w "$object/sub"
	"$@"
	chmod u-w "$object/sub"
	touch -d @1 "$object/sub"
}
extra() { in_dir sh -c ": >'$object/sub/more'; chmod 444 '$object/sub/more'; touch -d @1 '$object/sub/more'"; }
missing() { in_dir rm "$object/sub/text"; }
executable() { chmod 555 "$object/sub/text"; }
cut() {
	chmod u+w "$object/large"
	truncate -s 77 "$object/large"
}
other_type() { in_dir ln -sf text "$object/sub/run"; }
pipe() { in_dir sh -c "rm -f '$object/sub/text'; mkfifo '$object/sub/text'"; }
gone() { chmod -R u+w "$object" && rm -r "$object"; }
no_tree() { gone && echo text >"$object"; }
kinds() {
	cat <<'END'
changed --contents its contents were modified
extra - its archive has [0-9]* bytes
missing - its archive has [0-9]* bytes
executable - its archive has [0-9]* bytes
cut - its archive has [0-9]* bytes
other_type - its archive has [0-9]* bytes
pipe - sub/text is neither a file, a link nor a directory
gone - is gone
no_tree - its archive has [0-9]* bytes
END
}
kinds >"$T/kinds"
while read -r kind option words; do
	$kind
	[ "$option" != - ] || option=
	found "$kind" "$words" "$option"
	"$KB" store verify --repair --contents >"$T_OUT" 2>&1
	t_is "$kind: nobody has it: exit 1" 1 "$?"
	t_has "$kind: it is forgotten" "$T_OUT" "^$path: cannot be mended and is forgotten: "
	t_has "$kind: and what helps" "$T_OUT" 'kbuild realize makes or fetches again'
	t_run "$kind: what is left is whole" "$KB" store verify --contents
	t_is "$kind: it can come again" "$path" "$("$KB" store add "$T/tree")"
	whole "$kind"
done <"$T/kinds"

# --- contents that a cache has ---------------------------------------------------------------
t_run "there is a cache" "$KB" push "$path" "$T/cache"
mkdir "$T/empty"
while read -r kind option words; do
	$kind
	t_run "$kind: a cache mends it" "$KB" store verify --repair --contents \
		--from "$T/empty" --from "$T/cache"
	t_has "$kind: as is told" "$T_OUT" "^$path: mended: fetched from a cache"
	whole "$kind, from a cache"
done <"$T/kinds"
t_is "nothing is left in scratch" "" "$(ls -A "$KBUILD_ROOT/nix/var/kbuild/tmp")"

# A path that is read all the time is there all the time.
gone
"$KB" store verify --repair --from "$T/cache" >/dev/null
(
	while [ ! -e "$T/stop" ]; do
		stat "$object" >/dev/null 2>&1 || echo missing >>"$T/was-missing"
	done
) &
watcher=$!
for _ in 1 2 3 4 5; do
	changed
	"$KB" store verify --repair --contents --from "$T/cache" >/dev/null 2>&1
done
: >"$T/stop"
wait "$watcher"
t_fails "the path was never missing" test -e "$T/was-missing"
whole "five times"

# Bytes that two share: both are mended, and what they shared is not there for others.
"$KB" store optimise >/dev/null
copy=$("$KB" store add "$T/tree" --name copy)
"$KB" store optimise >/dev/null
t_run "the cache has the other, too" "$KB" push "$copy" "$T/cache"
shared=$(stat -c %i "$object/large")
t_is "they share a file" "$shared" "$(stat -c %i "$KBUILD_ROOT$copy/large")"
changed
t_run "damage that two share is mended" "$KB" store verify --repair --contents --from "$T/cache"
t_has "in the one" "$T_OUT" "^$path: mended: fetched from a cache"
t_has "in the other" "$T_OUT" "^$copy: mended: fetched from a cache"
t_is "the damaged file is nowhere" "" "$(find "$KBUILD_ROOT/nix/store" -inum "$shared")"
t_run "the store is whole" "$KB" store verify --contents
"$KB" store optimise >"$T_OUT" 2>&1
t_hasnt "nothing corrupt is left to be shared" "$T_OUT" 'corrupt'
t_is "and they share again" "$(stat -c %i "$object/large")" "$(stat -c %i "$KBUILD_ROOT$copy/large")"
nix_agrees
db "pragma foreign_keys = 1; delete from ValidPaths where path = '$copy'"
chmod -R u+w "$KBUILD_ROOT$copy"
rm -r "$KBUILD_ROOT$copy"
rm -rf "$KBUILD_ROOT/nix/store/.links"

# A cache whose bytes are wrong, too.
find "$T/cache/nar" -type f | while read -r nar; do
	printf 'no archive' >"$nar"
done
changed
t_fails "a broken cache mends nothing" "$KB" store verify --repair --contents --from "$T/cache"
t_has "which is no surprise" "$T_OUT" "^$path: cannot be mended and is forgotten"
t_is "the tree comes again" "$path" "$("$KB" store add "$T/tree")"
whole "a broken cache"

# --- named paths, garbage, JSON ------------------------------------------------------------
changed
t_run "another path alone is fine" "$KB" store verify --contents "$other"
t_fails "this one is not" "$KB" store verify --contents "$object"
t_fails "nor both" "$KB" store verify --contents "$other" "$path"
t_fails "a path that is not valid" "$KB" store verify /nix/store/00000000000000000000000000000000-x
"$KB" store verify --contents --repair --json >"$T_OUT" 2>/dev/null
t_is "JSON: exit 1" 1 "$?"
t_has "JSON: the damage" "$T_OUT" '"kind":"contents"'
t_has "JSON: its end" "$T_OUT" '"how":"nobody has it"'
"$KB" store verify --json >"$T_OUT"
t_is "garbage is no damage" 0 "$?"
t_has "JSON: garbage" "$T_OUT" "^ *\"$path\""
echo x >"$KBUILD_ROOT/nix/store/stray"
t_run "nor is anything else without a row" "$KB" store verify --contents --repair
t_has "but it is named" "$T_OUT" '^/nix/store/stray: is garbage'
rm "$KBUILD_ROOT/nix/store/stray"
"$KB" store add "$T/tree" >/dev/null

# --- what refers to it --------------------------------------------------------------------
if command -v nix-instantiate >/dev/null; then
	# A text that refers to the tree, by way of Nix, and a derivation.
	nix-instantiate --store "$KBUILD_ROOT" --expr "
		derivation { name = \"d\"; system = \"x\"; builder = \"/b\"; src = builtins.storePath $path; }" \
		>"$T/drv" 2>"$T/nix.err" || sed 's/^/#   /' "$T/nix.err"
	drv=$(sed 's/!.*//' "$T/drv")
	t_run "there is a derivation of it" "$KB" store path-info "$drv"
	t_has "that refers to it" "$T_OUT" "^reference  *$path"
	db "delete from Refs where referrer = (select id from ValidPaths where path = '$drv')"
	t_fails "a reference that is missing is found" "$KB" store verify
	t_has "of the derivation" "$T_OUT" "^$drv: its content address belongs to another path"
	t_run "and found again" "$KB" store verify --repair
	"$KB" store path-info "$drv" >"$T_OUT"
	t_has "as it was" "$T_OUT" "^reference  *$path"
	changed
	t_fails "damage that a derivation needs" "$KB" store verify --repair --contents
	t_has "goes with it" "$T_OUT" "^$path: cannot be mended and is forgotten"
	t_fails "so that nothing refers to what is not there" "$KB" store path-info "$drv"
	t_is "the tree comes again" "$path" "$("$KB" store add "$T/tree")"
	nix_agrees

	nix-instantiate --store "$KBUILD_ROOT" --eval --read-write-mode --expr "
		builtins.toFile \"t\" \"see \${builtins.storePath $path}\"" >"$T/text" 2>"$T/nix.err" ||
		sed 's/^/#   /' "$T/nix.err"
	text=$(tr -d '"' <"$T/text")
	changed
	t_fails "damage that something else needs" "$KB" store verify --repair --contents
	t_has "stays, and says for whom" "$T_OUT" "^$path: cannot be mended: nobody has it.*$text needs it\|^$path: cannot be mended: $text needs it"
	t_run "the row too" "$KB" store path-info "$path"
	t_fails "so that it is found again" "$KB" store verify --contents
	db "pragma foreign_keys = 1; delete from ValidPaths where path = '$text'"
	t_fails "when that went" "$KB" store verify --repair --contents
	t_has "it can go" "$T_OUT" "^$path: cannot be mended and is forgotten"
	"$KB" store add "$T/tree" >/dev/null
	rm -f "$KBUILD_ROOT$text" "$KBUILD_ROOT$drv"
	whole "references"
else
	skip "references" "nix-instantiate is not installed"
fi

# --- shared files ---------------------------------------------------------------------------
copy=$("$KB" store add "$T/tree" --name copy)
"$KB" store optimise >/dev/null
chmod 644 "$object/large"
t_run "a mode that two share" "$KB" store verify --repair --contents --json
t_run "is mended for both" "$KB" store verify --contents
changed
t_fails "bytes that two share" "$KB" store verify --repair --contents
t_has "are damage of the one" "$T_OUT" "^$path: its contents"
t_has "and of the other" "$T_OUT" "^$copy: its contents"
"$KB" store add "$T/tree" >/dev/null
"$KB" store add "$T/tree" --name copy >/dev/null
"$KB" store optimise >"$T_OUT" 2>&1
t_run "afterwards both are whole" "$KB" store verify --contents

done_testing
