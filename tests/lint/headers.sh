#!/bin/sh
# SPDX-License-Identifier: MIT
# Every header compiles alone.
cd "$(dirname "$0")/../.." || exit 1
set -- */*.h
echo "1..$#"
n=0
for h in "$@"; do
	n=$((n + 1))
	if out=$(${CC:-gcc} -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -I. -fsyntax-only \
		-include "$h" -x c /dev/null 2>&1); then
		echo "ok $n - $h"
	else
		echo "not ok $n - $h"
		echo "$out" | sed 's/^/# /'
	fi
done
