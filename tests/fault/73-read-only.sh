#!/bin/sh
# SPDX-License-Identifier: MIT
# A store that can only be read, by its medium or by its modes: what looks works, what writes is
# exit code 8 with a reason and changes nothing.
# store scenario 24: a read-only store answers queries and fails cleanly on writes
# shellcheck disable=SC2016 # scripts for the builder
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/scenes.sh"
need jq setpriv
tiny_world
mkdir -p "$W/src"
for name in made new; do
	t_script_recipe "$W/src/$name.yaml" "mkdir \$out; echo $name >\$out/text"
	tiny_lock "$W/src/$name.lock"
done
tiny_tree "$T/tree"
"$KB" key generate host-1 >/dev/null
"$KB" realize -q --locked "$W/src/made.yaml" >"$T/want" || not_ok 'something is made'
object=$(sed "s|^$KBUILD_ROOT||" "$T/want")
"$KB" store export "$object" >"$T/stream"
"$KB" push -q "$W/src/made.yaml" "$T/bin" >/dev/null || not_ok 'something is pushed'
garbage=$("$KB" store add "$T/tree" --name garbage)
other=$("$KB" --version >/dev/null && "$KB" store add "$T/tree/sub" --name other --root "$T/other")
"$KB" push -q --root "$T/other" "$other" "$T/bin" >/dev/null 2>&1
listed() {
	(cd "$KBUILD_ROOT" && find . -printf '%P %y %m %l %s\n' | grep -v 'db.sqlite-shm' | sort)
}

# Each is done by who may not write: by everybody on a read-only medium, else by somebody else.
as() {
	"$@"
}
looks() {
	t_run "$how: $1" as "$KB" "$@"
}
writes() {
	as timeout 60 "$KB" "$@" >"$T_OUT" 2>&1 <"$T/stream"
	code=$?
	t_is "$how: $* is exit code 8" 8 $code
	if [ "$code" != 8 ] || ! grep -q "$WHY" "$T_OUT"; then
		t_has "$how: which says why" "$T_OUT" "$WHY"
	fi
}
all() {
	listed >"$T/before"
	looks store path-info "$object"
	looks store ls -R "$object"
	looks store cat "$object/text"
	looks store dump "$object"
	looks store export "$object"
	looks store verify --contents
	looks store roots
	looks store gc --dry-run
	looks log "$object"
	looks eval "$W/src/made.yaml" --stage=drv
	looks realize --locked --no-link "$W/src/made.yaml"
	t_is "$how: what is made is known" "$(cat "$T/want")" "$(grep /nix/store "$T_OUT")"
	writes store add "$T/tree" --name new
	writes store add-root "$object" "$T/link"
	writes store gc
	writes store delete "$garbage"
	writes store import
	writes store optimise
	writes store recover
	writes store verify --repair
	writes store pull "$other" --from "$T/bin"
	writes store sign "$object"
	writes realize --locked --no-link "$W/src/new.yaml"
	listed >"$T/after"
	t_same "$how: nothing was changed" "$T/before" "$T/after"
}

if [ "$(id -u)" = 0 ] && mount --bind "$KBUILD_ROOT" "$KBUILD_ROOT" 2>/dev/null &&
	mount -o remount,bind,ro "$KBUILD_ROOT" 2>/dev/null; then
	trap 'umount "$KBUILD_ROOT" 2>/dev/null; t_cleanup' EXIT
	how='a read-only medium' WHY='Read-only file system'
	all
	umount "$KBUILD_ROOT"

	# Whoever wrote last left the log's index; a copy may lack it.
	rm -f "$KBUILD_ROOT/nix/var/nix/db/db.sqlite-shm"
	mount --bind "$KBUILD_ROOT" "$KBUILD_ROOT"
	mount -o remount,bind,ro "$KBUILD_ROOT"
	t_is 'there is a log that only the index makes readable' true \
		"$([ -s "$KBUILD_ROOT/nix/var/nix/db/db.sqlite-wal" ] && echo true)"
	"$KB" store path-info "$object" >"$T_OUT" 2>&1
	t_is 'without it nothing wrong is said' 8 $?
	umount "$KBUILD_ROOT"
	t_run 'where it can be made all is there' "$KB" store path-info "$object"
	trap t_cleanup EXIT
else
	skip 'a read-only medium' 'no file system can be mounted here'
fi

# --- by its modes -------------------------------------------------------------------------
chmod 755 "$T"
chmod -R a+rX "$T"
if [ "$(id -u)" = 0 ]; then
	# The checkout may lie where nobody else can read.
	mkdir -p "$T/inst/build" "$T/home/other"
	cp "$KB" "$(dirname "$KB")/kbuild-fetch" "$T/inst/build/"
	KB=$T/inst/build/kbuild
	mkdir "$T/inst/script"
	cp "$T_TOP"/tests/data/script/* "$T/inst/script/"
	sed -i "s|$T_TOP/tests/data/script|$T/inst/script|" "$W"/src/*.yaml
	cp -R "$HOME/.config" "$T/home/other/"
	chmod -R a+rX "$T/inst"
	chown -R 65534:65534 "$T/home/other"
	as() {
		setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$T/home/other" \
			KBUILD_CACHE="$T/home/other/cache" "$@"
	}
fi
find "$KBUILD_ROOT" -type d -exec chmod a-w {} +
find "$KBUILD_ROOT" -type f -exec chmod a-w {} +
chmod a+r "$KBUILD_ROOT/nix/var/nix/db/big-lock" "$KBUILD_ROOT/nix/var/nix/gc.lock"
how='read-only modes' WHY='Permission denied'
all
done_testing
