#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The garbage collector: what is a root, what goes, how much, and what is refused.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"
need sqlite3 jq

DB=$KBUILD_ROOT/nix/var/nix/db/db.sqlite
ROOTS=$KBUILD_ROOT/nix/var/nix/gcroots
STORE=$KBUILD_ROOT/nix/store

sql() {
	sqlite3 -cmd '.timeout 60000' -cmd 'pragma foreign_keys = on' "$DB" "$1"
}
# An object of its own: its path. With further arguments: what it refers to.
object() {
	echo "$1 $$" >"$T/object"
	object_path=$("$KB" store add "$T/object" --name "$1")
	shift
	for to in "$@"; do
		sql "insert into Refs select a.id, b.id from ValidPaths a, ValidPaths b
			where a.path = '$object_path' and b.path = '$to';
			update ValidPaths set ca = null where path = '$object_path'"
	done
	echo "$object_path"
}
# The names that are in the store directory, sorted, on one line.
names() {
	find "$STORE" -mindepth 1 -maxdepth 1 ! -name .links | sed 's|.*/[a-z0-9]\{32\}-||' | sort | tr '\n' ' '
}
# The names of the rows.
rows() {
	sql "select substr(path, 45) from ValidPaths order by 1" | tr '\n' ' '
}
gc() {
	"$KB" store gc "$@"
}

# --- store scenario 2: roots and closures ---------------------------------------------------
a=$(object a)
b=$(object b "$a")
c=$(object c "$b")
object other >/dev/null
# store scenario selfref-gc: what refers to itself is not kept by that.
self=$(object self)
sql "insert into Refs select id, id from ValidPaths where path = '$self'"
t_run 'add-root' "$KB" store add-root "$c" "$T/link"
t_is 'makes the link' "$KBUILD_ROOT$c" "$(readlink "$T/link")"
mkdir -p "$STORE/.links" "$T/big"
head -c 100000 /dev/zero >"$T/big/file"
big=$("$KB" store add "$T/big")
ln "$KBUILD_ROOT$big/file" "$STORE/.links/0big"
# Large enough to be removed by several threads.
for i in 1 2 3 4 5 6 7 8; do
	mkdir -p "$T/wide/$i/sub/deep" "$T/wide/$i/more"
	seq 2000 >"$T/wide/$i/sub/deep/file"
	ln -s nowhere "$T/wide/$i/more/link"
	ln "$T/wide/$i/sub/deep/file" "$T/wide/$i/again"
done
chmod -R a-w "$T/wide"
"$KB" store add "$T/wide" >/dev/null
: >"$STORE/$(basename "$c").lock"
: >"$STORE/$(basename "$self").lock"
mkdir "$STORE/$(basename "$self").chroot" "$STORE/0123456789abcdfghijklmnpqrsvwxyz-half" "$STORE/tmp-1-2"
ln -s x "$STORE/.tmp-link-77-12"
echo kept >"$STORE/not ours"

t_run 'dry run' gc --dry-run --json
jq -S '.deleted |= sort_by(.path)' "$T_OUT" >"$T/dry.json"
t_is 'touches nothing' 'a b big c other self wide ' "$(rows)"
before=$(du -s --block-size=1 "$STORE" | cut -f1)
t_run 'collects' gc --json
jq -S '.deleted |= sort_by(.path)' "$T_OUT" >"$T/real.json"
sed -i 's/"dryRun": true/"dryRun": false/' "$T/dry.json"
t_same 'what the dry run said' "$T/dry.json" "$T/real.json"
t_is 'a root keeps all it refers to, and nothing else' 'a b c ' "$(rows)"
t_is 'leftovers of builds are gone, foreign files are not' "$STORE/not ours a b c " "$(names)"
t_is 'unused links are gone' '' "$(ls -A "$STORE/.links")"
t_is 'it tells how much the disk has back' "$((before - $(du -s --block-size=1 "$STORE" | cut -f1)))" \
	"$(jq .freedBytes "$T/real.json")"
t_is 'hard links are counted once' 1 "$(jq '.freedBytes | . > 100000 and . < 600000' "$T/real.json" | grep -c true)"
t_is 'counts' '4 4 1 3' "$(jq -r '"\(.deletedPaths) \(.deletedStrays) \(.deletedLinks) \(.keptPaths)"' "$T/real.json")"
t_run 'the rest is whole' "$KB" store verify --contents
rm "$STORE/not ours"

# --- store scenarios gc-closure and delete-no-keep: what is alive or referred to stays -------
for path in "$a" "$c" "$T/link"; do
	t_fails "what is alive is not deleted: $path" "$KB" store delete "$path"
done
t_has 'the reason names the root' "$T_OUT" "$T/link -> $c"
t_fails 'with the way that leads there' "$KB" store delete "$a"
t_has 'step by step' "$T_OUT" "$T/link -> $c -> $b -> $a"
d=$(object d)
e=$(object e "$d")
t_fails 'what a dead path refers to is not deleted' "$KB" store delete "$d"
t_has 'and who it is' "$T_OUT" "$e refers to $d"
t_fails 'all or nothing' "$KB" store delete "$e" "$c"
t_fails 'a part of an object cannot go' "$KB" store delete "$e/x"
t_fails 'options of gc are refused' "$KB" store delete --dry-run "$e"
t_is 'nothing went' 'a b c d e ' "$(rows)"
t_run 'both together' "$KB" store delete "$d" "$e"
t_is 'go' 'a b c ' "$(rows)"
t_is 'with their files' 'a b c ' "$(names)"
# The record of a build goes with what was built.
e=$(object e)
record=/nix/store/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-e
ln -s "$e" "$KBUILD_ROOT$record"
touch -h -d @1 "$KBUILD_ROOT$record"
# Seven strings, of which the last is the target.
size=$((104 + 8 + (${#e} + 7) / 8 * 8))
sql "insert into ValidPaths (path, hash, registrationTime, narSize)
		values ('$record', '$("$KB" store hash "$KBUILD_ROOT$record" --type hex)', 1, $size);
	insert into Refs select a.id, b.id from ValidPaths a, ValidPaths b where a.path = '$record' and b.path = '$e'"
t_run 'it is whole' "$KB" store verify --contents
t_run 'a tree goes with the record of its build' "$KB" store delete "$e"
t_is 'both are gone' 'a b c ' "$(names)"

# --- the user's link -------------------------------------------------------------------------
t_fails 'only a link is replaced' "$KB" store add-root "$a" "$T/big/file"
t_is 'and the file is as it was' 100000 "$(stat -c %s "$T/big/file")"
t_run 'a link can be given another object' "$KB" store add-root "$b" "$T/link"
t_run 'collects' gc -q
t_is 'which is all that stays' 'a b ' "$(rows)"
ln -sfn "$KBUILD_ROOT$a" "$T/link"
gc -q
t_is 'a link that leads elsewhere roots nothing' '' "$(rows)"
t_is 'the store directory is empty' '.links' "$(ls -A "$STORE")"
t_is 'and so are the roots' '' "$(ls -A "$ROOTS/kbuild")"
mkdir -p "$T/disk/sub"
t_run 'a root on a disk' "$KB" store add-root "$(object away)" "$T/disk/sub/link"
mv "$T/disk" "$T/unmounted"
mkdir "$T/disk"
gc -q
t_is 'stays while the disk is away' 'away ' "$(rows)"
"$KB" store roots >"$T/roots"
t_has 'which is said' "$T/roots" "^user .*$T/disk/sub/link.*its folder is missing"
t_is 'in JSON too' "true user" "$("$KB" store roots --json | jq -r '.roots[] | "\(.placeLost) \(.kind)"')"
rmdir "$T/disk"
mv "$T/unmounted" "$T/disk"
mv "$T/disk/sub" "$T/disk/renamed"
gc -q
t_is 'and while its folder has another name' 'away ' "$(rows)"
mv "$T/disk/renamed" "$T/disk/sub"
rm "$T/disk/sub/link"
gc -q
t_is 'with the folder there, but not the link, it goes' '' "$(rows)"
"$KB" store add-root "$(object folder)" "$T/disk/sub/link" >/dev/null
rm -r "$T/disk/sub"
gc -q
t_is 'so it does when the folder was deleted' '' "$(rows)"

# --- other roots, as Nix knows them ----------------------------------------------------------
mkdir -p "$ROOTS/auto" "$ROOTS/deep/er"
for n in direct physical auto profile file second gone; do
	object "$n" >>"$T/paths"
done
path_of() {
	grep -e "-$1\$" "$T/paths"
}
ln -s "$(path_of direct)" "$ROOTS/deep/er/x"
ln -s "$KBUILD_ROOT$(path_of physical)" "$ROOTS/deep/y"
ln -s "$KBUILD_ROOT$(path_of auto)" "$T/result"
ln -s "$T/result" "$ROOTS/auto/a"
ln -s "$(path_of profile)" "$KBUILD_ROOT/nix/var/nix/profiles/p-1-link"
: >"$ROOTS/$(basename "$(path_of file)")"
ln -s "$T/nowhere" "$ROOTS/auto/stale"
ln -s "$T/nowhere" "$ROOTS/not-auto"
"$KB" store roots >"$T/roots"
t_is 'roots: every one and its kind' 'file indirect link link link ' \
	"$(sed 's/ .*//' "$T/roots" | sort | tr '\n' ' ')"
t_has 'an indirect root names the link' "$T/roots" "^indirect   $(path_of auto)  $T/result "
gc -q
t_is 'all of them count' 'auto direct file physical profile ' "$(rows)"
t_is 'a stale link of gcroots/auto is removed' a "$(ls "$ROOTS/auto")"
t_run 'no other' test -L "$ROOTS/not-auto"
rm -rf "$ROOTS/deep" "$ROOTS/auto/a" "$ROOTS"/*-file "$KBUILD_ROOT"/nix/var/nix/profiles/*

# --- store scenario gc-runtime: running processes --------------------------------------------
cp "$(command -v sleep)" "$T/sleep"
exe=$("$KB" store add "$T/sleep")
mkdir "$T/dir"
cwd=$("$KB" store add "$T/dir")
for n in open argv environ; do
	object "$n" >>"$T/paths"
done
mapped=$("$KB" store add "$T/sleep" --name mapped)
loader=$(ldd "$T/sleep" | sed -n 's|^[[:space:]]*\(/[^ ]*\) .*|\1|p')
"$KBUILD_ROOT$exe" 300 &
p1=$!
(cd "$KBUILD_ROOT$cwd" && exec sleep 300) &
p2=$!
# shellcheck disable=SC2217 # it is only to have the file open
sleep 300 <"$KBUILD_ROOT$(path_of open)" &
p3=$!
# A physical path, as QEMU has it of a kernel; and a logical one.
sh -c 'kill -STOP $$' "kernel=$KBUILD_ROOT$(path_of argv)/bzImage" &
p4=$!
MENTIONED="a:$(path_of environ)/bin:b" sleep 300 &
p5=$!
"$loader" "$KBUILD_ROOT$mapped" 300 &
p6=$!
# Until all have become what they are to be.
for p in $p1 $p2 $p3 $p5; do
	until grep -qa 300 "/proc/$p/cmdline"; do :; done
done
until grep -q "$mapped" "/proc/$p6/maps"; do :; done
until grep -q '^State:.*stopped' "/proc/$p4/status"; do :; done
"$KB" store roots >"$T/roots"
for what in program 'mapped file' 'working directory' 'open file' 'command line' environment; do
	t_has "a process's $what is a root" "$T/roots" "^process .*, $what\$"
done
t_fails 'which delete respects' "$KB" store delete "$cwd"
t_has 'and names' "$T_OUT" "process $p2 (sleep), working directory -> $cwd"
gc -q
t_is 'they keep what they use' "argv dir environ mapped open sleep " "$(rows)"
kill -KILL $p1 $p2 $p3 $p4 $p5 $p6
wait 2>/dev/null
t_run 'a caller that names a path does not keep it from deletion' \
	sh -c "'$KB' store delete $(path_of environ); :"
t_is 'it is gone' 'argv dir mapped open sleep ' "$(rows)"
gc -q
t_is 'when they have ended nothing is kept' '' "$(rows)"

# --- how much: --keep and --older-than -------------------------------------------------------
o2=$(object o2 "$(object o1)")
object o3 >/dev/null
object o4 "$o2" >/dev/null
day=86400
now=$(date +%s)
# The oldest has referrers: it can only go after them.
sql "update ValidPaths set registrationTime = $now - 50 * $day where path like '%-o1';
	update ValidPaths set registrationTime = $now - 40 * $day where path like '%-o2';
	update ValidPaths set registrationTime = $now - 30 * $day where path like '%-o3';
	update ValidPaths set registrationTime = $now - 20 * $day where path like '%-o4';
	update ValidPaths set narSize = 120"
t_run 'keep more than there is' gc -q --keep 1G
t_is 'deletes nothing' 'o1 o2 o3 o4 ' "$(rows)"
t_run 'older than everything' gc -q --older-than 60d
t_is 'deletes nothing' 'o1 o2 o3 o4 ' "$(rows)"
t_run 'keep three of four' gc -q --keep 360
t_is 'the oldest that nothing refers to goes first' 'o1 o2 o4 ' "$(rows)"
t_run 'older than 25 days' gc -q --older-than 25d
t_is 'what a younger path refers to stays' 'o1 o2 o4 ' "$(rows)"
sql "update ValidPaths set registrationTime = $now - 35 * $day where path like '%-o4'"
t_run 'both' gc -q --older-than 36d --keep 1
t_is 'nothing can begin' 'o1 o2 o4 ' "$(rows)"
t_run 'both' gc -q --older-than 25d --keep 130
t_is 'stop in time' 'o1 ' "$(rows)"
t_fails 'no size' gc --keep much
t_has 'is explained' "$T_OUT" 'such as 500M or 20G'
t_fails 'no time' gc --older-than old
logs=$KBUILD_ROOT/nix/var/log/nix/drvs
mkdir -p "$logs/zz"
touch -d '40 days ago' "$logs/zz/$(printf %030d 0)-x.drv.zst" "$logs/zz/$(printf %030d 1)-y.drv.zst"
touch "$logs/zz/$(printf %030d 2)-z.drv.zst"
sql "update ValidPaths set deriver = '/nix/store/zz$(printf %030d 1)-y.drv', registrationTime = $now"
gc -q
t_is 'logs stay' 3 "$(find "$logs" -type f | wc -l)"
t_run 'old logs' gc --older-than 30d
t_is 'nothing is left to make' '' "$(rows)"
t_is 'go when nobody has what they are of' 1 "$(find "$logs" -type f | wc -l)"

# --- store scenario 22: long chains ----------------------------------------------------------
sql "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000)
	insert into ValidPaths (id, path, hash, registrationTime, narSize)
	select 100000 + i, printf('/nix/store/%032d-chain%d', i, i), 'sha256:' || printf('%064d', i), 2000 - i, 120 from n;
	insert into Refs select id, id - 1 from ValidPaths where id > 100001;
	insert into Refs select id, id - 3 from ValidPaths where id > 100003"
(cd "$STORE" && seq 2000 | awk '{printf "%032d-chain%d\n", $1, $1}' | xargs touch)
t_run 'a chain of 2000' gc --json
t_is 'goes whole' 2000 "$(jq .deletedPaths "$T_OUT")"
t_is 'and leaves no row of references' 0 "$(sql 'select count(*) from Refs')"
t_is 'nor a file' '' "$(names)"

# --- a store that cannot be written ----------------------------------------------------------
keep=$(object keep)
object go >/dev/null
"$KB" store add-root "$keep" "$T/link" >/dev/null
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$T"
	as_user() {
		setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
	}
	if as_user "$KB" --version >/dev/null; then
		as_user "$KB" store gc --dry-run >"$T/dry" 2>&1
		t_is 'a dry run needs only to read' 1 "$(grep -c -e '-go$' "$T/dry")"
		t_run 'so do the roots' as_user "$KB" store roots
		t_has 'all of them' "$T_OUT" "$keep"
		mkdir "$T/theirs"
		chown 65534 "$T/theirs"
		as_user "$KB" store --root "$T/theirs/root" add "$T/wide" >/dev/null
		t_run 'who owns a store collects, read-only directories too' \
			as_user "$KB" store --root "$T/theirs/root" gc
		t_is 'all of it' '' "$(ls -A "$T/theirs/root/nix/store")"
		as_user "$KB" store gc >"$T/ro" 2>&1
		t_is 'collecting is a failure of the machine' 8 "$?"
		t_is 'that deletes nothing' 'go keep ' "$(rows)"
	else
		skip 'a store that cannot be written' 'the other user cannot run kbuild'
	fi
else
	skip 'a store that cannot be written' 'needs root and setpriv'
fi
t_is 'an absent store has no garbage' 0 "$("$KB" store --root "$T/nowhere" gc --dry-run --json | jq .deletedPaths)"
t_fails 'and is not created by asking' test -e "$T/nowhere"

# --- a lost database: everything would look like garbage --------------------------------------
rm "$KBUILD_ROOT"/nix/var/nix/db/*
gc >"$T/lost" 2>&1
t_is 'without a database nothing is garbage' 8 $?
t_has 'what helps is said' "$T/lost" 'kbuild store recover'
t_run 'it does' "$KB" store recover
t_is 'everything is there' 'go keep ' "$(rows)"

# --- a full device: collecting is what helps -------------------------------------------------
if [ "$(id -u)" -eq 0 ] && mkdir "$T/small" && mount -t tmpfs -o size=20m none "$T/small" 2>/dev/null; then
	head -c 2000000 /dev/urandom >"$T/random"
	"$KB" store --root "$T/small/root" add "$T/random" >/dev/null
	dd if=/dev/zero of="$T/small/fill" bs=64k 2>/dev/null
	t_fails 'a full device takes nothing more' "$KB" store --root "$T/small/root" add "$T/big"
	t_run 'but gives back' "$KB" store --root "$T/small/root" gc
	t_is 'all of it' '' "$(ls -A "$T/small/root/nix/store")"
	t_run 'then there is room' "$KB" store --root "$T/small/root" add "$T/big"
	umount "$T/small"
else
	skip 'a full device' 'no file system can be mounted here'
fi
done_testing
