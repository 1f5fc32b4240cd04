# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # KB, T and top come from run.sh
# Collecting garbage: 10,000 small paths, each but the first with a reference to the one before,
# beside Nix on an equal store; and one kernel source tree beside rm -rf of it. In memory where
# there is room for it.
"$top/tests/install-packages.sh" sqlite3
cp -R "$top/examples/hello" "$T/gcsrc"
"$KB" realize --no-link "$T/gcsrc/recipe.yaml#kernel.config" >/dev/null 2>&1
src=$("$KB" eval "$T/gcsrc/recipe.yaml" --stage=drv | sed -n 's/.*in_source = //p' | head -n 1)
src=$(dirname "$("$KB" realize --no-link "$T/gcsrc/recipe.yaml#toolchain" 2>/dev/null)")/$(basename "$src")
where=$T
[ "$(df -m --output=avail /dev/shm | tail -n 1)" -lt 6000 ] || where=$(mktemp -d /dev/shm/kbuild-bench.XXXXXX)
wipe="[ ! -d $where/gc ] || find $where/gc -type d -exec chmod u+w {} + ; rm -rf $where/gc"

# A store with nothing in it, and then all at once: every fourth path is a directory.
many=$where/many
"$KB" store --root "$many" gc -q
awk 'END {
	srand(42)
	letters = "0123456789abcdfghijklmnpqrsvwxyz"
	print "begin;" >sql
	for (i = 1; i <= 10000; i++) {
		path = ""
		for (k = 0; k < 32; k++)
			path = path substr(letters, 1 + int(rand() * 32), 1)
		path = path "-p" i
		printf "insert into ValidPaths (id, path, hash, registrationTime, narSize)" \
			" values (%d, \"/nix/store/%s\", \"sha256:%064d\", %d, 400);\n", i, path, i, 1000 + i >sql
		if (i > 1)
			printf "insert into Refs values (%d, %d);\n", i, i - 1 >sql
		print path >(i % 4 ? files : dirs)
	}
	print "commit;" >sql
}' sql="$T/gc.sql" files="$T/gc.files" dirs="$T/gc.dirs" /dev/null
sqlite3 "$many/nix/var/nix/db/db.sqlite" <"$T/gc.sql"
(
	cd "$many/nix/store" || exit 1
	xargs mkdir <"$T/gc.dirs"
	sed 's|$|/file|' "$T/gc.dirs" | cat - "$T/gc.files" | awk '{ printf "%300d\n", NR >$0; close($0) }'
	xargs chmod 555 <"$T/gc.dirs"
)
fresh="sh -c '$wipe ; cp -a $many $where/gc'"
measure gc-kbuild 10 "$KB store --root $where/gc gc -q" -p "$fresh"
measure gc-nix 5 "env -u NIX_STORE_DIR -u NIX_STATE_DIR -u NIX_LOG_DIR nix-store --store $where/gc --gc" -p "$fresh"
sh -c "$wipe"
row 'collect 10,000 small paths' "$(median gc-kbuild)" "$(median gc-nix)" 'nix-store --gc' '< 300 ms'

measure gc-tree 3 "$KB store --root $where/gc gc -q" -p "sh -c '$wipe ; $KB store --root $where/gc add $src'"
measure gc-rm 3 "rm -rf $where/gc" -p "sh -c '$wipe ; cp -a $src $where/gc; chmod -R u+w $where/gc'"
row "collect a source tree of $(find "$src" | wc -l) files" "$(median gc-tree)" "$(median gc-rm)" 'rm -rf' '<= 1.3 x'
sh -c "$wipe"
[ "$where" = "$T" ] || rm -rf "$where"
