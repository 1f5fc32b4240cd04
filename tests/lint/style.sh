#!/bin/sh
# SPDX-License-Identifier: MIT
# Shell scripts pass shellcheck, C files clang-format; nothing admits to be unfinished.
cd "$(dirname "$0")/../.." || exit 1
echo 1..3

# What the golden evaluations read is never run.
scripts=$(find board builders examples vary tests -path tests/eval -prune -o -name '*.sh' -print | sort)
# shellcheck disable=SC2086 # a list of words
if out=$(shellcheck -x $scripts .ci/run 2>&1); then
	echo 'ok 1 - shellcheck'
else
	echo 'not ok 1 - shellcheck'
	echo "$out" | head -n 60 | sed 's/^/# /'
fi

if out=$(make -s check-format 2>&1); then
	echo 'ok 2 - clang-format'
else
	echo 'not ok 2 - clang-format'
	echo "$out" | head -n 40 | sed 's/^/# /'
fi

if out=$(grep -rnE '\b(TO''DO|FIX''ME|XX''X|HA''CK)\b' --exclude-dir=.git --exclude-dir=build \
	--exclude-dir=build-san --exclude-dir=build-fuzz --exclude-dir=result --exclude-dir=linux --exclude='*.tar.*' -I .); then
	echo 'not ok 3 - no open ends'
	echo "$out" | sed 's/^/# /'
else
	echo 'ok 3 - no open ends'
fi
