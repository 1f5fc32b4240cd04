# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034,SC2154 # shared with the tests
#
# What is interrupted or made to fail, after tests/lib.sh:
#
#	SCENES                all of them; each has a template in $T/templates
#	scene_set NAME        a fresh $W as that scene wants it
#	scene_run NAME        what is to be disturbed
#	scene_faulty NAME FAULT AT   the same, disturbed: its exit code; $POINTS, $POINT
#	scene_ages            what was written and not finished is from two hours ago now
#	scene_mends NAME      true if what is left undone is found by the next run only
#	complain POINT WHAT [FILE]   counts in $bad, shows the first ones
#	scene_state           every name, kind, mode and link below $W, and what is valid; apart
#	                      from what may be left until the collector's next run
#	scene_strays          what is left after that run and should not be
#
# The world has a toolchain of its own, a shell and little more, from a mirror of its own: a
# store that a test can afford to copy a thousand times.

# Nobody else's process may use paths of ours: the collector would keep them.
SALT=$$-$(date +%s%N)
KB=$T_TOP/build/kbuild
W=$T/w
SCENES='new add root import fetch build gc push pull'
MENDING='mend share recover'
KBUILD_ROOT=$W/root
KBUILD_CACHE=$W/cache
KBUILD_DATA=$T/data
KBUILD_DEBIAN_MIRROR=file://$T/www
KBUILD_DEBIAN_SNAPSHOT=file://$T/www
export KBUILD_ROOT KBUILD_CACHE KBUILD_DATA KBUILD_DEBIAN_MIRROR KBUILD_DEBIAN_SNAPSHOT
need ar ldd sqlite3 tar xz

# A package of the programs named, with the libraries they want.
tiny_package() {
	mkdir -p "$T/deb/usr/bin" "$T/pool"
	for program; do
		cp "$(readlink -f "$(command -v "$program")")" "$T/deb/usr/bin/$program"
	done
	ldd "$T"/deb/usr/bin/* | sed -n 's/^[^/]*\(\/[^ ]*\) (.*/\1/p' | sort -u |
		while read -r lib; do
			mkdir -p "$T/deb/usr/${lib%/*}"
			cp -L "$lib" "$T/deb/usr/$lib"
		done
	echo "$SALT" >"$T/deb/usr/salt"
	printf 'Package: tools\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n' \
		>"$T/pool/control"
	echo 2.0 >"$T/pool/debian-binary"
	tar -C "$T/pool" -cJf "$T/pool/control.tar.xz" ./control
	tar -C "$T/deb" -cJf "$T/pool/data.tar.xz" .
	mkdir -p "$T/www/pool/main/t/tools"
	TINY=$T/www/pool/main/t/tools/tools_1_all.deb
	(cd "$T/pool" && ar rc "$TINY" debian-binary control.tar.xz data.tar.xz)
}

tiny_world() {
	tiny_package sh mkdir sleep
	mkdir -p "$T/data" "$T/templates"
	cp -R "$T_TOP/builders" "$T_TOP/recipes" "$T_TOP/guest" "$T/data/"
	echo 'packages: [tools]' >"$T/data/recipes/toolchain.yaml"
}

# The lock of a recipe without inputs.
tiny_lock() {
	cat >"$1" <<-END
		# kbuild lock 1. Written by \`kbuild lock\`; do not edit, do commit.
		lock: 1
		toolchains:
		  debian/13/gcc $(dpkg --print-architecture):
		    packages: tools
		    debs:
		      - tools_1_all.deb sha256:$(sha256sum "$TINY" | cut -d' ' -f1) $(stat -c %s "$TINY") pool/main/t/tools/
	END
}

# --- templates ----------------------------------------------------------------------------

tiny_tree() {
	mkdir -p "$1/sub/empty"
	echo "$SALT" >"$1/sub/file"
	echo 'echo run' >"$1/run"
	chmod 755 "$1/run"
	ln -sfn sub/file "$1/link"
	head -c 100000 /dev/zero | tr '\0' x >"$1/sub/large"
}

# $W becomes the template of a scene.
template() {
	cp -a "$W" "$T/templates/$1"
}

# Something to be mended, shared, made valid again; their words stay with them, since what
# is left to be said depends on where it ended.
mending_templates() {
	for name in one two; do
		MENDED=$("$KB" store add "$W/src/tree" --name "$name") || return 1
	done
	cat >"$W/src/mend.sh" <<-END
		exec $KB store verify --repair --contents --from $W/src/cache >/dev/null 2>&1
	END
	echo "exec $KB store optimise >/dev/null" >"$W/src/share.sh"
	echo "exec $KB store recover >/dev/null 2>&1" >"$W/src/recover.sh"
	echo "exec $KB store import <$W/src/stream" >"$W/src/import.sh"
	"$KB" push "$MENDED" "$W/src/cache" >/dev/null 2>&1 || return 1
	"$KB" store export "$MENDED" >"$W/src/stream" || return 1
	template share
	printf '!' | dd of="$KBUILD_ROOT$MENDED/sub/large" bs=1 conv=notrunc 2>/dev/null
	chmod 755 "$KBUILD_ROOT$MENDED/sub"
	template mend
	scene_set add
	mkdir -p "$W/src"
	cp "$T/templates/share/src/stream" "$T/templates/share/src/import.sh" "$W/src/"
	template import
	scene_set share
	rm "$KBUILD_ROOT"/nix/var/nix/db/db.sqlite*
	template recover
}

make_templates() {
	rm -rf "$W"
	mkdir -p "$W/src"
	tiny_tree "$W/src/tree"
	template new
	before=$("$KB" store add "$W/src/tree/sub" --name before) || return 1
	template add
	# The link may be there, and stand for something else.
	ln -s "$KBUILD_ROOT$before" "$W/src/before"
	other=$("$KB" store add "$W/src/tree/run" --name other) || return 1
	"$KB" store add-root "$other" "$W/src/link" >/dev/null || return 1
	template root
	scene_set add

	mending_templates || return 1
	rm -rf "$W"
	cp -a "$T/templates/add" "$W"

	# A step with two outputs was built; now it is another one.
	cat >"$W/src/build.yaml" <<-END
		kbuild: 1
		steps:
		  it:
		    builder: $T_TOP/tests/data/two
		    options: {text: first $SALT}
	END
	tiny_lock "$W/src/build.lock"
	cp "$W/src/build.lock" "$W/src/fetch.lock"
	"$KB" realize -q --locked "$W/src/build.yaml" >/dev/null || return 1
	sed -i 's/text: first/text: second/' "$W/src/build.yaml"
	template build

	mkdir -p "$T/www/src/thing-1"
	tiny_tree "$T/www/src/thing-1/tree"
	tar -C "$T/www/src" -cJf "$T/www/thing-1.tar.xz" thing-1
	echo words >"$T/www/words"
	cat >"$W/src/fetch.yaml" <<-END
		kbuild: 1
		steps:
		  it:
		    builder: $T_TOP/tests/data/script
		    inputs:
		      dep_thing: $URL/thing-1.tar.xz
		      dep_words: {from: "file://$T/www/words"}
		    options: {script: "mkdir \$out; read -r w </src/dep_words; echo \$w >\$out/w"}
	END
	template fetch

	# What the first build made is garbage now; one object is used by a process, and by
	# nothing else.
	used=$("$KB" store add "$W/src/tree" --name used) || return 1
	env USED="$used" sleep 100000 >/dev/null 2>&1 &
	user=$!
	trap 'kill $user; unserve; t_cleanup' EXIT
	"$KB" realize -q --locked "$W/src/build.yaml" >/dev/null || return 1
	template gc
	public=$("$KB" key generate host-1) || return 1
	template push

	# Another machine, with nothing but the recipe and the cache.
	"$KB" push -q "$W/src/build.yaml" "$W/bin" >/dev/null || return 1
	rm -rf "$W/cache" "$W/src/result"
	mv "$W/root" "$T/full-root"
	"$KB" store add "$W/src/tree/sub" --name before >/dev/null || return 1
	printf 'cache: {pull: ["%s"], trust: ["%s"]}\n' "$W/bin" "$public" >>"$W/src/build.yaml"
	template pull
}

# --- running ------------------------------------------------------------------------------

scene_set() {
	[ "$(id -u)" = 0 ] || chmod -R u+w "$W"
	rm -rf "$W"
	cp -a "$T/templates/$1" "$W"
}

# Its words, for the shell and for faultrun.
scene_command() {
	case $1 in
	new | add) echo "$KB store add $W/src/tree --name tree" ;;
	root) echo "$KB store add-root $W/src/before $W/src/link" ;;
	build | pull) echo "$KB realize --locked $W/src/build.yaml" ;;
	gc) echo "$KB store gc" ;;
	push) echo "$KB push $W/src/build.yaml $W/bin" ;;
	fetch) echo "$KB realize $W/src/fetch.yaml" ;;
	mend | share | recover | import) echo "/bin/sh $W/src/$1.sh" ;;
	esac
}

scene_mends() {
	case " $MENDING " in
	*" $1 "*) return 0 ;;
	*) return 1 ;;
	esac
}

scene_run() {
	# shellcheck disable=SC2046 # words
	timeout 60 $(scene_command "$1")
}

scene_faulty() {
	# shellcheck disable=SC2046
	"$T_TOP/build/tests/faultrun" "$T/page" "$2" "$3" $(scene_command "$1")
	code=$?
	{
		read -r POINTS
		read -r POINT || POINT=
	} <"$T/page"
	return $code
}

# Temporary neighbours of files are left alone while they may be somebody's.
scene_ages() {
	find "$W" -name '*.tmp-*' -exec touch -h -d '2 hours ago' {} +
}

valid() {
	[ ! -e "$KBUILD_ROOT/nix/var/nix/db/schema" ] || [ ! -e "$KBUILD_ROOT/nix/var/nix/db/db.sqlite" ] ||
		sqlite3 -readonly "$KBUILD_ROOT/nix/var/nix/db/db.sqlite" 'select path from ValidPaths order by path'
}

# What waits for the collector, and what waits for the next writer of the same file.
LEFT='kbuild/tmp/\|temproots/\|-.*\.lock'
REWRITTEN='drvs/.*\.tmp\|history/.*\.tmp\|caches/.*\.tmp\|bin/\.tmp d'
scene_state() {
	{
		valid
		# What holds a group of roots is an inode: another one with each copy of the template.
		(cd "$W" && find . -printf '%P %y %m %l\n') | sed 's|\(/holder l\) .*|\1|' |
			grep -v 'db.sqlite[.-]\|unsynced.lock\|drvs/.*\.zst \|kbuild/known[/ ]\|'"$REWRITTEN\|$LEFT"
	} | sort
}

scene_strays() {
	"$KB" store gc -q 2>&1
	(cd "$W" && find . -printf '%P\n') | grep "$LEFT"
	valid | sed 's|.*/||' >"$T/names"
	find "$KBUILD_ROOT/nix/store" -mindepth 1 -maxdepth 1 ! -name .links -printf '%f\n' |
		sort | comm -23 - "$T/names"
}

complain() {
	bad=$((bad + 1))
	[ $bad -le 10 ] || return 0
	note "$scene, $fault, point $1: $2"
	[ -z "${3:-}" ] || head -n 20 "$3" | sed 's/^/#   /'
}

# The run after a fault is undisturbed, and ends where one without the fault would have.
judge_next() {
	scene_ages
	scene_run "$scene" >"$T/out" 2>"$T/err" || complain "$1" "the next run ends with $?" "$T/err"
	cmp -s "$T/want" "$T/out" || complain "$1" 'the next run says something else' "$T/out"
	scene_state >"$T/state"
	if [ "$scene" = pull ]; then
		# What could not be pulled was built.
		comm -23 "$T/reference" "$T/state" >"$T/diff"
	else
		diff "$T/reference" "$T/state" >"$T/diff"
	fi
	[ ! -s "$T/diff" ] || complain "$1" 'the end is another one' "$T/diff"
	scene_strays >"$T/strays"
	[ ! -s "$T/strays" ] || complain "$1" 'the collector leaves something' "$T/strays"
}

# What the scene is when nothing is disturbed, and its template after that.
scene_begin() {
	scene=$1
	scene_set "$scene"
	valid >"$T/valid"
	scene_run "$scene" >"$T/want" 2>"$T/err" || {
		not_ok "$scene: undisturbed"
		sed 's/^/# /' "$T/err"
	}
	valid | comm -12 - "$T/valid" >"$T/before"
	scene_run "$scene" >/dev/null 2>&1
	scene_state >"$T/reference"
}

judge_store() {
	"$KB" store verify --contents >"$T/verify" 2>&1 || complain "$1" 'the store is damaged' "$T/verify"
}
