#!/bin/sh
# SPDX-License-Identifier: MIT
#
# store scenario 24: a database that is lost, broken, of another layout or on a read-only
# disk; Nix's dump of it.

# shellcheck source-path=SCRIPTDIR source=../lib.sh disable=SC2317 # called by name
. "$(dirname "$0")/../lib.sh"
need sqlite3

state=$KBUILD_ROOT/nix/var/nix/db
exits() {
	want=$1 what=$2
	shift 2
	"$@" >"$T_OUT" 2>&1
	t_is "$what" "$want" "$?"
}
infos() {
	for p in $all; do
		"$KB" store path-info "$p" 2>/dev/null | grep -v '^deriver'
	done
}

mkdir -p "$T/tree/sub"
echo text >"$T/tree/sub/text"
head -c 100000 /dev/zero | tr '\0' r >"$T/tree/large"
ln -s sub/text "$T/tree/link"
tree=$("$KB" store add "$T/tree")
file=$("$KB" store add "$T/tree/sub/text")
all="$tree $file"
if command -v nix-instantiate >/dev/null; then
	NIX_CONF_DIR=$T/conf
	export NIX_CONF_DIR
	mkdir "$NIX_CONF_DIR"
	echo 'build-users-group =' >"$NIX_CONF_DIR/nix.conf"
	nixs() {
		nix-store --store "$KBUILD_ROOT" "$@" 2>/dev/null
	}
	nix-instantiate --store "$KBUILD_ROOT" --eval --read-write-mode --expr "
		builtins.toFile \"t\" \"see \${builtins.storePath $tree}\"" >"$T/text" 2>/dev/null
	text=$(tr -d '"' <"$T/text")
	drv=$(nix-instantiate --store "$KBUILD_ROOT" --expr "derivation {
		name = \"tree\"; system = \"x\"; builder = \"/b\"; src = builtins.storePath $text; }" 2>/dev/null)
	drv=${drv%%!*}
	flat=$(nixs --add-fixed sha256 "$T/tree/large")
	all="$tree $file $text $drv $flat"
	t_is "five objects" 5 "$(infos | grep -c ^path)"
else
	note "nix-instantiate is not installed: only sources here"
fi
infos >"$T/want"

recovered() {
	t_run "$1: recover" "$KB" store recover
	t_has "$1: what it did" "$T_OUT" "objects are valid again, ${2:-0} are left as garbage"
	infos >"$T/is"
	t_same "$1: all is known as before" "$T/want" "$T/is"
	t_run "$1: and whole" "$KB" store verify --contents
	if command -v nix-store >/dev/null; then
		t_run "$1: Nix agrees" nix-store --store "$KBUILD_ROOT" --verify --check-contents
		t_hasnt "$1: in all" "$T_OUT" 'modified\|disappeared'
	else
		skip "$1: Nix agrees" "nix-store is not installed"
	fi
}

t_run "nothing to recover" "$KB" store recover
t_has "is no harm" "$T_OUT" '^0 objects are valid again, 0 are left'

# --- ways to lose it --------------------------------------------------------------------------
gone() { rm "$state"/db.sqlite*; }
all_gone() { rm -r "$state"; }
zero() {
	rm -f "$state"/db.sqlite-*
	dd if=/dev/zero of="$state/db.sqlite" bs=4096 count=2 conv=notrunc 2>/dev/null
}
empty() {
	rm -f "$state"/db.sqlite-*
	: >"$state/db.sqlite"
}
text_file() {
	rm -f "$state"/db.sqlite-*
	echo 'this is not a database, and long enough to be read as one: 0123456789' >"$state/db.sqlite"
}
no_table() { sqlite3 "$state/db.sqlite" 'drop table Refs; vacuum'; }
middle() {
	sqlite3 "$state/db.sqlite" 'pragma wal_checkpoint(truncate); pragma journal_mode = delete' >/dev/null
	pages=$(($(stat -c %s "$state/db.sqlite") / 4096))
	i=1
	while [ "$i" -lt "$pages" ]; do
		head -c 2048 /dev/urandom | dd of="$state/db.sqlite" bs=4096 seek="$i" conv=notrunc 2>/dev/null
		i=$((i + 1))
	done
}
for how in gone zero empty text_file no_table middle; do
	$how
	exits 8 "$how: verify is exit 8" "$KB" store verify
	t_has "$how: the words name the database" "$T_OUT" "$state/db.sqlite"
	t_has "$how: and what helps" "$T_OUT" 'kbuild store recover'
	recovered "$how"
	case $how in
	gone) t_is "$how: nothing was there to keep" "" "$(find "$state" -name '*broken*')" ;;
	*)
		t_run "$how: the broken one is kept" test -e "$state/db.sqlite.broken"
		rm -f "$state"/*broken*
		;;
	esac
done
all_gone
t_is "without any trace of it a store is empty" "" "$("$KB" store path-info "$tree" 2>/dev/null)"
recovered "all_gone"
text_file
"$KB" store recover >/dev/null 2>&1
text_file
"$KB" store recover --json >"$T_OUT" 2>&1
t_has "a second broken one has another name" "$T_OUT" "\"broken\":\"$state/db.sqlite.broken-2\""
t_has "JSON says what came back" "$T_OUT" "^ *\"$tree\""
rm -f "$state"/*broken*

# The files beside it are SQLite's matter: nothing is lost with them.
sqlite3 "$state/db.sqlite" 'pragma wal_checkpoint(truncate)' >/dev/null
rm -f "$state"/db.sqlite-shm "$state"/db.sqlite-wal
t_run "no log and no index" "$KB" store verify --contents
head -c 5000 /dev/urandom >"$state/db.sqlite-wal"
t_run "noise for a log" "$KB" store verify --contents
infos >"$T/is"
t_same "all is known" "$T/want" "$T/is"
t_run "and something can be added" "$KB" store add "$T/tree" --name other
other=$(cat "$T_OUT")
head -c 32768 /dev/urandom >"$state/db.sqlite-shm"
t_run "noise for an index" "$KB" store path-info "$other"

# --- what does not prove itself ---------------------------------------------------------------
chmod u+w "$KBUILD_ROOT$other/large"
printf '!' | dd of="$KBUILD_ROOT$other/large" bs=1 conv=notrunc 2>/dev/null
chmod 755 "$KBUILD_ROOT$tree"
odd=/nix/store/00000000000000000000000000000000-odd
echo x >"$KBUILD_ROOT$odd"
touch "$KBUILD_ROOT/nix/store/.stray" "$KBUILD_ROOT/nix/store/${tree#/nix/store/}.lock"
gone
recovered "damage" 2
t_is "damage: what is whole has canonical form" "555 1" "$(stat -c '%a %Y' "$KBUILD_ROOT$tree")"
t_fails "damage: is not valid" "$KB" store path-info "$other"
gone
"$KB" store recover >"$T_OUT" 2>&1
t_has "it is named" "$T_OUT" "^$other: is left as garbage: it proves nothing"
t_has "and so is what never was" "$T_OUT" "^$odd: is left as garbage"
t_run "but stays" test -e "$KBUILD_ROOT$other"
chmod -R u+w "$KBUILD_ROOT$other"
rm -r "$KBUILD_ROOT$other" "$KBUILD_ROOT$odd" "$KBUILD_ROOT/nix/store/.stray"

if [ -n "${drv:-}" ]; then
	# A realisation: where the derivation's output would be, a link to content.
	key=$(sqlite3 "$state/db.sqlite" "select path from DerivationOutputs")
	ln -s "$tree" "$KBUILD_ROOT$key"
	touch -h -d @1 "$KBUILD_ROOT$key"
	gone
	recovered "a realisation" 1
	t_fails "a realisation proves nothing" "$KB" store path-info "$key"
	t_run "it can be believed" "$KB" store recover --unproven
	t_has "on demand" "$T_OUT" '^1 objects are valid again, 0 are left'
	t_run "then it is known" "$KB" store path-info "$key"
	t_has "with its content" "$T_OUT" "^reference  *$tree"
	t_has "and its derivation" "$T_OUT" "^deriver  *$drv"
	t_run "and right" "$KB" store verify --contents
	sqlite3 "$state/db.sqlite" "delete from Refs where referrer =
		(select id from ValidPaths where path = '$key'); delete from ValidPaths where path = '$key'"
	rm "$KBUILD_ROOT$key"
	ln -s "$text" "$KBUILD_ROOT$key"
	"$KB" store recover --unproven >/dev/null 2>&1
	t_fails "not when it leads to something else" "$KB" store path-info "$key"
	rm "$KBUILD_ROOT$key"

	# A reference that is lost takes with it what needs it.
	chmod u+w "$KBUILD_ROOT$tree"
	mv "$KBUILD_ROOT$tree" "$T/away"
	gone
	t_run "without the tree" "$KB" store recover
	t_fails "the text that names it is not valid" "$KB" store path-info "$text"
	t_fails "nor the derivation of the text" "$KB" store path-info "$drv"
	t_run "others are" "$KB" store path-info "$flat"
	mv "$T/away" "$KBUILD_ROOT$tree"
	recovered "with the tree again"
fi

# --- layouts ----------------------------------------------------------------------------------
for schema in 9 11; do
	echo $schema >"$state/schema"
	exits 8 "schema $schema is refused" "$KB" store path-info "$tree"
	t_has "in words" "$T_OUT" "has schema $schema, expected 10"
	exits 8 "also for recovery" "$KB" store recover
	t_is "which changes nothing" "$schema" "$(cat "$state/schema")"
done
t_has "a newer one has a hint" "$T_OUT" 'a newer program'
echo 9 >"$state/schema"
"$KB" store verify >"$T_OUT" 2>&1
t_has "an older one, too" "$T_OUT" 'brings it up to date'
echo '?' >"$state/schema"
exits 8 "a number that is none" "$KB" store path-info "$tree"
t_has "has one" "$T_OUT" 'kbuild store recover'
recovered "no number"
: >"$state/schema"
recovered "an empty number"

if command -v flock >/dev/null; then
	exits 8 "nobody may be at work on it" flock -s "$state/big-lock" "$KB" store recover
	t_has "which is said" "$T_OUT" 'somebody else uses the store'
else
	skip "nobody may be at work on it" "flock is not installed"
fi

# --- Nix's dump -------------------------------------------------------------------------------
if [ -n "${drv:-}" ]; then
	nixs --dump-db >"$T/dump"
	gone
	rm "$state/schema"
	t_run "Nix loads its dump" sh -c "nix-store --store '$KBUILD_ROOT' --load-db <'$T/dump'"
	t_run "the store is whole" "$KB" store verify --contents
	grep -v '^ca ' "$T/want" >"$T/want.db"
	infos >"$T/is"
	t_same "and knows all but content addresses" "$T/want.db" "$T/is"
	nixs --dump-db >"$T/again"
	t_same "another dump is the same" "$T/dump" "$T/again"
	gone
	recovered "after the dump"
else
	skip "Nix's dump" "Nix is not installed"
fi

# --- a read-only store ------------------------------------------------------------------------
if [ "$(id -u)" -eq 0 ] && mkdir "$T/ro" && mount --bind "$KBUILD_ROOT" "$T/ro" 2>/dev/null &&
	mount -o remount,bind,ro "$T/ro" 2>/dev/null; then
	"$KB" store path-info "$tree" --root "$T/ro" | grep -v '^physical' >"$T/is"
	"$KB" store path-info "$tree" | grep -v '^physical' >"$T/want"
	t_same "a read-only store answers" "$T/want" "$T/is"
	t_run "is verified" "$KB" store verify --contents --root "$T/ro"
	t_is "read" text "$("$KB" store cat "$tree/sub/text" --root "$T/ro")"
	t_run "exported" sh -c "'$KB' store export '$tree' --root '$T/ro' >/dev/null"
	exits 8 "adding is exit 8" "$KB" store add "$T/tree" --name new --root "$T/ro"
	t_has "and says why" "$T_OUT" 'Read-only file system'
	for verb in "verify --repair" optimise recover; do
		# shellcheck disable=SC2086 # two words
		exits 8 "$verb, too" "$KB" store $verb --root "$T/ro"
		t_has "$verb: why" "$T_OUT" 'Read-only file system'
	done
	umount "$T/ro"
else
	skip "a read-only store" "no file system can be mounted here"
fi

done_testing
