#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the fuzz targets that `make fuzz` built, or those named, for FUZZ_SECONDS each. What
# they make up stays in build-fuzz/corpus, what breaks them in build-fuzz/found. With CORPUS=1
# the committed corpus is made anew of all that.
set -u
cd "$(dirname "$0")/../.." || exit 1
F=build-fuzz
UBSAN_OPTIONS=print_stacktrace=1
export UBSAN_OPTIONS
[ $# -gt 0 ] || set -- "$F"/tests/fuzz_*
failed=0

for target; do
	name=${target##*fuzz_}
	committed=tests/fuzz/corpus/$name
	mkdir -p "$F/corpus/$name" "$F/found" "$committed"
	"$F/tests/fuzz_$name" -max_total_time="${FUZZ_SECONDS:-600}" -max_len=8192 -timeout=10 \
		-rss_limit_mb=3000 -print_final_stats=1 -artifact_prefix="$F/found/$name-" \
		"$F/corpus/$name" "$committed" >"$F/$name.log" 2>&1 || failed=1
	grep -E '^(SUMMARY|==[0-9]+== ?ERROR|.*: BUG|artifact|stat::number_of_executed|stat::new_units)|Test unit written' "$F/$name.log"
	echo "$name: $(grep -oE 'cov: [0-9]+ ft: [0-9]+ corp: [0-9]+/[0-9A-Za-z]+' "$F/$name.log" | tail -n 1)"
	[ -n "${CORPUS:-}" ] || continue
	# The smallest that together reach everything reached so far.
	rm -rf "$F/merged"
	mkdir "$F/merged"
	"$F/tests/fuzz_$name" -merge=1 -use_counters=0 "$F/merged" "$committed" "$F/corpus/$name" \
		>>"$F/$name.log" 2>&1 && rm -rf "$committed" && mv "$F/merged" "$committed"
done
exit $failed
