#!/bin/sh
# SPDX-License-Identifier: MIT
# Every call that can fail for want of something does: once, or from there on. The command
# succeeds all the same, or ends with exit code 8 and says why; the store is whole, and the
# next run does what this one could not.
# FAULT_ALL=1 tries every point, which takes a while; else it is every 16th, from FAULT_START
# on (0 to 15). FAULT_SCENES="add build" chooses scenes, FAULTS="EIO" errors, FAULT_POINT=N or N+
# one point of each: once, or from there on.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../fetch.sh"
. "$(dirname "$0")/scenes.sh"
need_nginx
tiny_world
serve "$T/www"
make_templates || { not_ok 'the scenes can be set'; done_testing; }
STRIDE=${FAULT_ALL:+1}
STRIDE=${STRIDE:-16}

# The words for it: of the C library, else of a library that does not tell.
reason() {
	case $1 in
	ENOSPC) echo 'No space left on device' ;;
	EDQUOT) echo 'Disk quota exceeded' ;;
	EIO) echo 'Input/output error' ;;
	EMFILE) echo 'Too many open files' ;;
	EROFS) echo 'Read-only file system' ;;
	EAGAIN) echo 'Resource temporarily unavailable' ;;
	ECONNRESET) echo 'Connection reset by peer' ;;
	esac
}
VAGUE='database .*: \(disk I/O error\|unable to open database\|.* is full\|.* readonly database\|.*malformed\)'
VAGUE="$VAGUE"'\|Couldn.t open file\|Couldn.t connect to server'

# After a run with a fault: exit code $code, words in $T/err.
judge() {
	case $code in
	0) cmp -s "$T/want" "$T/out" || complain "$1" 'success, but another answer' "$T/out" ;;
	8)
		[ "$(grep -c '^\(/.*:[0-9:]* \)\?error: ' "$T/err")" = 1 ] || complain "$1" 'not one message' "$T/err"
		grep -q "$(reason "$fault")\|$VAGUE" "$T/err" || complain "$1" 'does not say why' "$T/err"
		;;
	*) complain "$1" "exit code $code" "$T/err" ;;
	esac
	scene_mends "$scene" || judge_store "$1"
	judge_next "$1"
}

total=0 tried=0 offset=$((${FAULT_START:-0} % STRIDE))
for scene in ${FAULT_SCENES:-$SCENES share}; do
	scene_begin "$scene"
	for fault in ${FAULTS:-ENOSPC EDQUOT EIO EMFILE EROFS EAGAIN ECONNRESET}; do
		scene_set "$scene"
		scene_faulty "$scene" "$fault" 0 >/dev/null 2>&1
		points=$POINTS n=$offset bad=0
		[ -z "${FAULT_POINT:-}" ] || n=$((points * 2 - 1))
		while [ $n -lt $((points * 2)) ]; do
			# Once, and from there on.
			at=$((n / 2 + 1))
			[ $((n % 2)) = 0 ] || at=$at+
			n=$((n + STRIDE)) tried=$((tried + 1))
			at=${FAULT_POINT:-$at}
			scene_set "$scene"
			scene_faulty "$scene" "$fault" "$at" >"$T/out" 2>"$T/err"
			[ -z "$POINT" ] || judge "$at $POINT"
		done
		total=$((total + points * 2)) offset=$((n - points * 2))
		[ "$points" = 0 ] || t_is "$scene: $fault at its $points points" 0 $bad
	done
done
[ $total -gt 0 ] || not_ok 'no point was counted'
note "$total points, $tried of them tried"
done_testing
