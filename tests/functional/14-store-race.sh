#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Many processes add the same thing at once, some are killed midway: what is valid is whole.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

mkdir "$T/tree"
i=0
while [ $i -lt 300 ]; do
	mkdir -p "$T/tree/d$((i % 10))"
	echo "file $i" >"$T/tree/d$((i % 10))/f$i"
	i=$((i + 1))
done
head -c 3000000 /dev/urandom >"$T/tree/large"
"$KB" store --root "$T/alone" add "$T/tree" >"$T/want"

for i in 1 2 3 4 5 6; do
	"$KB" store add "$T/tree" >"$T/out.$i" 2>&1 &
done
wait
for i in 1 2 3 4 5 6; do
	t_same "process $i of six has the path" "$T/want" "$T/out.$i"
done
t_run "there is one whole object" "$KB" store verify --contents
t_is "and nothing else" "$(sed 's|.*/||' "$T/want")" \
	"$(ls -A "$KBUILD_ROOT/nix/store")"

rm "$T/tree/d1/f1"
killed=0
for delay in 001 002 005 010 015 020 030 050; do
	"$KB" store --root "$T/killed" add "$T/tree" >/dev/null 2>&1 &
	pid=$!
	sleep "0.$delay"
	kill -9 "$pid" 2>/dev/null && killed=$((killed + 1))
	wait "$pid" 2>/dev/null
	"$KB" store --root "$T/killed" verify --contents >"$T/verify" || break
done
note "killed $killed of 8"
t_run "what is valid is whole after each kill" "$KB" store --root "$T/killed" verify --contents
t_run "and the next one gets through" "$KB" store --root "$T/killed" add "$T/tree"
t_run "to a whole store" "$KB" store --root "$T/killed" verify --contents

# A full device: nothing valid is left, and the words say why.
if [ "$(id -u)" -eq 0 ] && mkdir "$T/small" && mount -t tmpfs -o size=1m none "$T/small" 2>/dev/null; then
	t_fails "a full device is an error" "$KB" store --root "$T/small/root" add "$T/tree"
	t_has "that is named" "$T_OUT" "No space left on device"
	rm "$T/tree/large"
	t_run "smaller things still fit" "$KB" store --root "$T/small/root" add "$T/tree/d2"
	t_run "and are whole" "$KB" store --root "$T/small/root" verify --contents
	umount "$T/small"
else
	skip "a full device" "no file system can be mounted here"
fi

done_testing
