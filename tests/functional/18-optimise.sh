#!/bin/sh
# SPDX-License-Identifier: MIT
#
# store scenario 20: equal files share an inode, as Nix would have it; damage of a shared
# file is seen wherever it is shared, and is not spread.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# Which names are one file: the first of them, and the name.
groups() {
	(
		cd "$1/nix/store" || exit 1
		find . -printf '%i %p\n' | sort -k 2 |
			awk '!($1 in first) { first[$1] = $2 } { print first[$1], $2 }'
	)
}
# Everything of each inode that is not its name or number.
metadata() {
	(
		cd "$1/nix/store" || exit 1
		find . -mindepth 1 ! -name .links -printf '%p %M %U %Ts %s %l\n' | sort
	)
}
ino() {
	stat -c %i "$1"
}

for name in one two; do
	mkdir -p "$T/$name/sub/deep"
	head -c 200000 /dev/zero | tr '\0' x >"$T/$name/large"
	echo small >"$T/$name/sub/small"
	echo small >"$T/$name/sub/deep/small"
	cp "$T/$name/sub/small" "$T/$name/run"
	chmod 755 "$T/$name/run"
	: >"$T/$name/empty"
	ln -s sub/small "$T/$name/link"
	echo "$name" >"$T/$name/differs"
done
ln "$T/one/large" "$T/one/sub/hard"
cp "$T/one/large" "$T/two/sub/hard"
one=$("$KB" store add "$T/one")
two=$("$KB" store add "$T/two")
file=$("$KB" store add "$T/one/large" --name file)
o=$KBUILD_ROOT
cp -a "$o" "$T/copy"
metadata "$o" >"$T/before"

t_run "optimises" "$KB" store optimise
t_has "and says what it did" "$T_OUT" '^[1-9][0-9]* files replaced by links, 0\.[1-9] MiB freed$'
t_is "equal files are one" "$(ino "$o$one/large")" "$(ino "$o$two/large")"
t_is "also an object that is a file" "$(ino "$o$one/large")" "$(ino "$o$file")"
t_is "with all its links" 6 "$(stat -c %h "$o$file")"
t_is "empty ones" "$(ino "$o$one/empty")" "$(ino "$o$two/empty")"
t_is "and links" "$(ino "$o$one/link")" "$(ino "$o$two/link")"
t_is "within an object too" "$(ino "$o$one/sub/small")" "$(ino "$o$one/sub/deep/small")"
[ "$(ino "$o$one/run")" != "$(ino "$o$one/sub/small")" ]
t_is "not what differs in its execute bit" 0 $?
[ "$(ino "$o$one/differs")" != "$(ino "$o$two/differs")" ]
t_is "nor in its contents" 0 $?
metadata "$o" | grep -v '^\./\.links/' >"$T/after"
t_same "nothing else about them changed" "$T/before" "$T/after"
t_run "all is whole" "$KB" store verify --contents
t_is "and nothing is said" "" "$(cat "$T_OUT")"
t_is "no lock, no scratch is left" "" \
	"$(find "$o/nix/store" -name '*.lock'; ls -A "$o/nix/var/kbuild/tmp")"

ls -i "$o/nix/store/.links" >"$T/links"
t_run "once more" "$KB" store optimise
t_has "there is nothing to do" "$T_OUT" '^0 files replaced by links, 0\.0 MiB freed$'
ls -i "$o/nix/store/.links" >"$T/links.again"
t_same "and nothing is done" "$T/links" "$T/links.again"
t_run "in JSON" "$KB" store optimise --json
for fact in files bytes corrupt skipped; do
	t_has "no $fact" "$T_OUT" "\"$fact\":0"
done

if command -v nix-store >/dev/null; then
	t_run "Nix optimises a copy of the same store" nix-store --store "$T/copy" --optimise
	groups "$o" >"$T/ours"
	groups "$T/copy" >"$T/nix"
	t_same "and shares the same files" "$T/nix" "$T/ours"
	t_run "nothing is left to do for Nix in ours" nix-store --store "$o" --optimise
	groups "$o" >"$T/again"
	t_same "as it says" "$T/ours" "$T/again"
	t_run "and for us in Nix's" "$KB" store optimise --root "$T/copy"
	groups "$T/copy" >"$T/again"
	t_same "the same" "$T/nix" "$T/again"
	t_run "Nix verifies every byte and every link" nix-store --store "$o" --verify --check-contents
	t_hasnt "and finds nothing" "$T_OUT" 'modified'
	three=$("$KB" store add "$T/one" --name three)
	t_run "Nix does the next object" nix-store --store "$o" --optimise
	t_is "with our links" "$(ino "$o$one/large")" "$(ino "$o$three/large")"
else
	skip "Nix does the same" "nix-store is not installed"
fi

# A shared file that is damaged is damaged everywhere, and stays where it is.
damage() {
	chmod u+w "$1"
	printf '!' | dd of="$1" bs=1 count=1 conv=notrunc 2>/dev/null
	chmod 444 "$1"
	touch -d @1 "$1"
}
damage "$o$one/sub/small"
t_fails "damage is found" "$KB" store verify --contents
t_has "in one" "$T_OUT" "^$one: its contents were modified"
t_has "in the other" "$T_OUT" "^$two: its contents were modified"
four=$("$KB" store add "$T/one" --name four)
t_run "another object is optimised" "$KB" store optimise
t_has "the corrupt file is noticed" "$T_OUT" 'dropped the corrupt shared file .links/'
t_has "and what to do" "$T_OUT" 'kbuild store verify --contents --repair'
t_is "it did not come in" small "$(cat "$o$four/sub/small")"
t_is "the good one is shared" "$(ino "$o$four/sub/small")" "$(ino "$o$four/sub/deep/small")"
t_fails "what was damaged is it still" "$KB" store verify --contents
t_hasnt "the new one is not" "$T_OUT" "^$four"

# What nobody shares any more: found when it is corrupt, a collector's otherwise.
key=$(nix-hash --type sha256 --base32 "$T/one/large" 2>/dev/null)
if [ -n "$key" ]; then
	t_run "nothing else in .links is wrong" \
		sh -c "! '$KB' store verify --contents | grep -q 'store/\.links/'"
	cp "$T/one/large" "$T/fake"
	echo tail >>"$T/fake"
	mv -f "$T/fake" "$o/nix/store/.links/$key"
	chmod 444 "$o/nix/store/.links/$key"
	touch -d @1 "$o/nix/store/.links/$key"
	t_fails "a file under a wrong name is found" "$KB" store verify --contents
	t_has "and named" "$T_OUT" "^/nix/store/\.links/$key: is not what its name says"
	five=$("$KB" store add "$T/one" --name five)
	t_run "optimising drops it" "$KB" store optimise
	t_is "and takes the right one" 200000 "$(stat -Lc %s "$o/nix/store/.links/$key")"
	t_is "for everybody" "$(ino "$o$four/large")" "$(ino "$o$five/large")"
else
	skip "a file under a wrong name" "nix-hash is not installed"
fi

# Without root the directories are read-only to their owner too.
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$T"
	mkdir "$T/user"
	chown 65534:65534 "$T/user"
	as_user() {
		HOME=$T/user KBUILD_ROOT=$T/user/root \
			setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
	}
	as_user "$KB" store add "$T/one" >/dev/null
	as_user "$KB" store add "$T/two" >/dev/null
	metadata "$T/user/root" >"$T/before"
	t_run "somebody without rights optimises his store" as_user "$KB" store optimise
	t_has "which does something" "$T_OUT" '^[1-9]'
	metadata "$T/user/root" | grep -v '^\./\.links/' >"$T/after"
	t_same "and it stays canonical" "$T/before" "$T/after"
	t_run "and whole" as_user "$KB" store verify --contents
	t_is "without a word" "" "$(cat "$T_OUT")"
else
	skip "somebody without rights" "needs root to become somebody else"
fi

# Several at once, while objects come in.
for i in 1 2 3 4; do
	"$KB" store add "$T/two" --name "more$i" >/dev/null &
	"$KB" store optimise >/dev/null 2>"$T/err.$i" || echo failed >>"$T/failed" &
done
wait
t_fails "none of several at once failed" test -e "$T/failed"
t_run "the last one" "$KB" store optimise
t_is "leaves each equal file once" "" "$(
	cd "$o/nix/store" || exit 1
	find . -path ./.links -prune -o -name large -printf '%i\n' | sort -u | tail -n +2
)"

cp -a "$o" "$T/collected"
t_run "a collector takes everything" "$KB" store gc --root "$T/collected"
t_is "shared files too" "" "$(ls -A "$T/collected/nix/store/.links")"
if command -v nix-store >/dev/null; then
	rm -rf "$o/nix/var/nix/gcroots/"*
	t_run "Nix collects everything" nix-store --store "$o" --gc
	t_is "shared files too" "" "$(ls -A "$o/nix/store/.links")"
else
	skip "Nix collects" "nix-store is not installed"
fi

done_testing
