#!/bin/sh
# SPDX-License-Identifier: MIT
# The whole process tree ends at every single point at which something reaches the disk:
# what was valid stays, what is valid is whole, the next run finishes and leaves nothing else.
# FAULT_SCENES="add build" chooses scenes, FAULT_POINT=N one point of each.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../fetch.sh"
. "$(dirname "$0")/scenes.sh"
need_nginx
need nix-store
tiny_world
serve "$T/www"
make_templates || { not_ok 'the scenes can be set'; done_testing; }

# After the end at a point.
judge() {
	if ! scene_mends "$scene"; then
		judge_store "$1"
		valid >"$T/valid"
		comm -23 "$T/before" "$T/valid" >"$T/lost"
		[ ! -s "$T/lost" ] || complain "$1" 'lost what was valid' "$T/lost"
	elif [ ! -e "$KBUILD_ROOT$MENDED/link" ]; then
		complain "$1" 'the object is not at its path'
	fi
	judge_next "$1"
	judge_store "$1"
}

fault='kill'
total=0
for scene in ${FAULT_SCENES:-$SCENES $MENDING}; do
	scene_begin "$scene"
	scene_set "$scene"
	scene_faulty "$scene" kill 0 >/dev/null 2>&1
	points=$POINTS n=0 bad=0
	[ "$points" -gt 0 ] || not_ok "$scene: no point was counted"
	[ -z "${FAULT_POINT:-}" ] || points=$FAULT_POINT n=$((FAULT_POINT - 1))
	while [ $n -lt "$points" ]; do
		n=$((n + 1))
		scene_set "$scene"
		scene_faulty "$scene" kill $n >"$T/out" 2>"$T/err"
		# Two processes take turns in their own way: the last points may not be there.
		[ -n "$POINT" ] || continue
		[ $code = 137 ] || complain "$POINT" "exit code $code" "$T/err"
		judge "$POINT"
	done
	total=$((total + points))
	t_is "$scene: the end at each of $points points" 0 $bad
	t_run "$scene: Nix finds nothing wrong" nix-store --store "$KBUILD_ROOT" --verify --check-contents
done
note "$total points"
done_testing
