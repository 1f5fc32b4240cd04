#!/bin/sh
# SPDX-License-Identifier: MIT
# What a builder cannot do. Every case tries it for real. S3-06 S3-07
# store scenarios 9 (limits, and builders that outlive them), 10 (the sandbox).
. "$(dirname "$0")/../lib.sh"
need bwrap
t_shared
t_toolchain_lock "$T/it.lock" || { not_ok 'the toolchain can be locked'; done_testing; }

before=$(find "$KBUILD_ROOT/nix/var/kbuild/tmp" -mindepth 1 -maxdepth 1 | wc -l)

# try NAME SCRIPT: the script must fail to do it, and says `refused` in $out then.
try() {
	t_script_recipe "$T/it.yaml" "$2"
	if "$KB" realize --no-link --locked "$T/it.yaml#it" >"$T/out" 2>"$T/err" &&
		grep -q refused "$(cat "$T/out")"; then
		ok "$1"
	else
		not_ok "$1"
		note "$(cat "$T/err")"
	fi
}

echo secret-of-the-host >"$T/canary"
chmod 644 "$T/canary"
try 'a host file is not there' "
if cat '$T/canary'; then echo reached; else echo refused; fi >\$out"
try 'the home directory of the user is not there' "
if ls '$HOME' /root/.bashrc /home/* 2>/dev/null | grep .; then echo reached; else echo refused; fi >\$out"
# shellcheck disable=SC2016 # for the builder's shell
{
	try 'no network interface but loopback' '
if grep -v "^ *lo:" /proc/net/dev | grep :; then echo reached; else echo refused; fi >$out'
	try 'no connection can be made' '
if python3 -c "import socket; socket.create_connection((\"192.0.2.1\", 80), 2)" 2>/dev/null; then echo reached; else echo refused; fi >$out'
	try 'other store paths are not there' '
n=$(ls /nix/store | grep -c -v -e toolchain -e script -e run.sh -e "$(basename $out)" || true)
if [ "$n" != 0 ]; then ls /nix/store; else echo refused; fi >$out'
	try 'other processes are not seen' '
n=$(ls /proc | grep -c "^[0-9]" || true)
if [ "$n" -gt 8 ]; then echo reached; else echo refused; fi >$out'
	try 'a process of the host cannot be killed' '
if kill -0 '$$' 2>/dev/null && [ '$$' -gt 100 ]; then echo reached; else echo refused; fi >$out'
	try 'the toolchain cannot be written' '
if echo x >/usr/bin/planted 2>/dev/null || echo x >/etc/planted 2>/dev/null || mkdir /planted 2>/dev/null
then echo reached; else echo refused; fi >$out'
	try 'an input cannot be written' '
if echo x >>$script/build.sh 2>/dev/null || echo x >/src/planted 2>/dev/null; then echo reached; else echo refused; fi >$out'
	try 'setuid cannot be set' '
echo x >f; if chmod 4755 f 2>/dev/null || chmod 2755 f 2>/dev/null; then echo reached; else echo refused; fi >$out'
	try 'nothing can be mounted' '
if mount -t tmpfs none /tmp 2>/dev/null || unshare -Ur true 2>/dev/null && mount --bind /tmp /usr 2>/dev/null
then echo reached; else echo refused; fi >$out'
	try 'extended attributes are refused' '
if python3 -c "import os; os.setxattr(\"/build\", \"user.x\", b\"1\")" 2>/dev/null; then echo reached; else echo refused; fi >$out'
	try 'a device cannot be made' '
if mknod n c 1 3 2>/dev/null; then echo reached; else echo refused; fi >$out'
	try 'the environment is empty but for what is documented' '
if env | grep -e SSH -e CANARY -e XDG; then echo reached; else echo refused; fi >$out'
	try 'uid, host name and cwd are the same everywhere' '
[ "$(id -u):$(id -g):$(hostname 2>/dev/null || cat /proc/sys/kernel/hostname):$PWD" = 1000:1000:localhost:/build ] && echo refused >$out'
}
CANARY=1
export CANARY

# --- what a builder may try with its output -----------------------------------------------

# refuse NAME CODE PATTERN SCRIPT [OPTIONS]: the build fails with CODE and says PATTERN.
refuse() {
	t_name=$1 want=$2 pattern=$3
	t_script_recipe "$T/it.yaml" "$4"
	shift 4
	timeout 100 "$KB" realize --no-link --locked "$@" "$T/it.yaml#it" >"$T/out" 2>"$T/err"
	got=$?
	if [ "$got" = "$want" ] && grep -q "$pattern" "$T/err"; then
		ok "$t_name"
	else
		not_ok "$t_name"
		note "expected exit code $want and '$pattern', got $got"
		note "$(cat "$T/err")"
	fi
}

# shellcheck disable=SC2016
{
	refuse 'a FIFO as output' 5 'neither a file, a link nor a directory' 'mkfifo $out'
	refuse 'a FIFO inside an output' 5 'neither a file, a link nor a directory' 'mkdir $out; mkfifo $out/p'
	refuse 'a world-writable root' 5 'writable' 'mkdir $out; chmod 777 $out'
	refuse 'no output at all' 5 "no output 'out'" 'true'
	refuse 'a reference to itself' 5 'itself\|refers to' 'echo $out >$out'
	refuse 'a failing builder' 5 'exit code 3' 'exit 3'
	refuse 'a builder killed by a signal' 5 'failed with' 'kill -TERM $$'
	refuse 'a builder that never ends' 5 'timeout' 'sleep 1000' --timeout 2
	refuse 'a builder that falls silent' 5 'max-silent' 'echo a; sleep 1000' --max-silent 2
	refuse 'a builder that closes its log and lives on' 5 'timeout' \
		'exec >/dev/null 2>&1; sleep 1000' --timeout 2
	refuse 'a builder that never stops talking' 5 'max-log' 'yes' --max-log 1
	refuse 'the first error of the compiler is shown' 5 'first error: .*x.c:1:1.*error' \
		'echo "int" >x.c; echo "bogus x;" >x.c; gcc -c x.c; exit 1'
	refuse 'what the builder calls the error comes first' 5 'first error: it is so' \
		'echo "x.c:1:1: error: y"; echo "@kbuild error it is so"; exit 1'
}

# The leftover process must be gone: it would hold this file open for writing.
# shellcheck disable=SC2016
t_script_recipe "$T/it.yaml" '(sleep 300 & ) ; echo '"$$"' >$out'
t_run 'leftover processes do not delay a build' timeout 60 "$KB" realize --no-link --locked "$T/it.yaml#it"
# shellcheck disable=SC2009
if ps ax -o args | grep -q '^sleep 300'; then
	not_ok 'leftover processes are killed'
else
	ok 'leftover processes are killed'
fi

# --- full disk: a store on a small file system ----------------------------------------------
if [ "$(id -u)" = 0 ]; then
	note 'the full-disk case runs in a user and mount namespace'
fi
t_script_recipe "$T/it.yaml" 'dd if=/dev/zero of=big bs=1M count=4000'
if unshare -Urm true 2>/dev/null; then
	size=$(du -sm "$("$KB" realize --no-link --locked "$T/it.yaml#toolchain" 2>/dev/null)" | cut -f1)
	mkdir "$T/small"
	# shellcheck disable=SC2016
	unshare -Urm sh -c '
		mount -t tmpfs -o size=$(($1 * 2 + 400))m none "$2/small" &&
		KBUILD_ROOT=$2/small "$3" realize --no-link --locked "$2/it.yaml#it"' \
		sh "$size" "$T" "$KB" >"$T/out" 2>"$T/err"
	code=$?
	t_is 'a builder that fills the disk is an infrastructure failure' 8 "$code"
	t_has 'and says so' "$T/err" 'no space left'
else
	skip 'a builder that fills the disk' 'this machine does not allow mount namespaces'
fi

# Another kbuild of the same user may be building meanwhile.
left=$(find "$KBUILD_ROOT/nix/var/kbuild/tmp" -mindepth 1 -maxdepth 1 | wc -l)
t_is 'nothing is left in the scratch directory' "$before" "$left"
done_testing
