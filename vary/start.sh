# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# start.sh COUNT PROGRAM ARGUMENT...: runs the program after COUNT process ids were used up.
count=$1
shift
while [ "$count" -gt 0 ]; do
	(:)
	count=$((count - 1))
done
"$@"
exit
