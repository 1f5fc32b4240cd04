#!/bin/sh
# SPDX-License-Identifier: MIT
# A board that runs: an armhf guest with an ssh server. What it is, is written down; modules are loaded into it
# and refused, and nothing stays behind. The last module is built from what was written down alone.
# S5-01 S5-04 S5-07 S5-10 S5-16 S5-22 S5-23 S5-24 S5-27
# shellcheck disable=SC2016 # commands for the guest are quoted
. "$(dirname "$0")/../lib.sh"
need bwrap qemu-system-arm ssh ssh-keygen jq
t_shared
cd "$T" || exit 1
t_board armhf armhf || { not_ok 'the kernel can be locked'; done_testing; }

# module NAME WHAT: a folder with a module, whose code is WHAT
module() {
	mkdir -p "$1"
	printf 'obj-m := %s.o\n' "$1" >"$1/Makefile"
	{
		printf '#include <linux/errno.h>\n#include <linux/init.h>\n#include <linux/kernel.h>\n#include <linux/module.h>\n'
		cat
		printf 'module_init(start);\nMODULE_LICENSE("GPL");\nMODULE_DESCRIPTION("A test");\n'
	} >"$1/$1.c"
}
module hello <<'END'
static char *who = "world";
module_param(who, charp, 0444);
int hello_count(void);
int hello_count(void) { return 42; }
EXPORT_SYMBOL_GPL(hello_count);
static int __init start(void) { pr_info("hello: hello, %s\n", who); return 0; }
static void __exit stop(void) { pr_info("hello: bye\n"); }
module_exit(stop);
END
module user <<'END'
int hello_count(void);
static int __init start(void) { pr_info("user: %d\n", hello_count()); return 0; }
static void __exit stop(void) { }
module_exit(stop);
END
module fails <<'END'
static int __init start(void) { pr_info("fails: nothing found\n"); return -ENODEV; }
END
module late <<'END'
static int __init start(void) { pr_info("late: %s\n", UTS_RELEASE); return 0; }
static void __exit stop(void) { }
module_exit(stop);
END
sed -i 's|^#include <linux/module.h>|&\n#include <generated/utsrelease.h>|' late/late.c
cat >recipe.yaml <<'END'
kbuild: 1
extends: [armhf/recipe.yaml]
modules:
  hello: ./hello
  user: {source: ./user, needs: {modules: [hello]}}
  fails: ./fails
initramfs:
  bins: [debian/dropbear-bin]
  files:
    /etc/passwd: {text: "root:x:0:0:root:/root:/bin/sh\n"}
END
cp -R armhf hello user fails lock/
cp recipe.yaml lock/board.yaml
cp armhf/recipe.lock lock/board.lock
t_lock_once board recipe.lock || { not_ok 'the recipe can be locked'; done_testing; }
if "$KB" realize --locked recipe.yaml >paths 2>err; then
	ok 'the board is built'
else
	not_ok 'the board is built'
	note "$(tail -n 40 err)"
	done_testing
fi
release=$(cat result/kernel/release)

# --- the board ------------------------------------------------------------------------------------
ssh-keygen -q -t ed25519 -N '' -f key
ssh-keygen -q -t ed25519 -N '' -f stranger
port=$((20000 + $$ % 20000))
cat >board.sh <<'END'
mkdir -p /root/.ssh
chmod 700 /root /root/.ssh
echo "$KEY" >/root/.ssh/authorized_keys
dropbearkey -t ed25519 -f /tmp/hostkey >/dev/null 2>&1
mkdir -p "/lib/modules/$(uname -r)"
dropbear -F -E -r /tmp/hostkey -p 22 2>/tmp/dropbear.log &
server=$!
echo up
while [ ! -e /tmp/off ]; do sleep 1; done
kill $server
END
result/runvm --port "$port:22" --env "KEY=$(cat key.pub)" --no-stdin --timeout 30m --timeout-idle none -- "$(cat board.sh)" \
	>guest.out 2>guest.err </dev/null &
guest=$!
board=ssh://root@127.0.0.1:$port
# shellcheck disable=SC2317 # does calls it
# kb COMMAND WORD...: as a user whose ssh knows the board
kb() {
	kb_command=$1
	shift
	timeout 900 "$KB" "$kb_command" --ssh-option "UserKnownHostsFile=$T/known" --ssh-option StrictHostKeyChecking=accept-new \
		--ssh-option "IdentityFile=$T/key" --ssh-option IdentitiesOnly=yes "$@"
}
on_board() {
	ssh -n -i "$T/key" -p "$port" -o BatchMode=yes -o UserKnownHostsFile="$T/known" -o StrictHostKeyChecking=accept-new \
		-o IdentitiesOnly=yes -o LogLevel=ERROR root@127.0.0.1 "$@"
}
tries=0
until on_board true 2>ssh.err; do
	tries=$((tries + 1))
	if [ $tries -gt 60 ] || ! kill -0 "$guest" 2>/dev/null; then
		not_ok 'the board is up'
		note "$(cat guest.out ssh.err; tail -n 20 guest.err)"
		kill "$guest" 2>/dev/null
		done_testing
	fi
	sleep 1
done
ok 'the board is up'

# does NAME CODE COMMAND...: output in out and err
does() {
	t_name=$1 want=$2
	shift 2
	"$@" >out 2>err </dev/null
	got=$?
	if [ "$got" = "$want" ]; then
		ok "$t_name"
	else
		not_ok "$t_name"
		note "expected $want, got $got of: $*"
		note "$(tail -n 30 out err)"
	fi
}
nothing_left() {
	t_is "$1" '' "$(on_board 'ls -d /tmp/kbuild.* 2>/dev/null')"
}

# --- probe ----------------------------------------------------------------------------------------
on_board 'sed "s/ .*//" /proc/modules' >before
does 'the board is asked what it is' 0 kb probe "$board"
t_is '... its release' "release: $release" "$(grep ^release board.yaml)"
t_is '... its architecture' 'arch: armhf' "$(grep ^arch board.yaml)"
t_is '... its uname' "$(on_board uname -a)" "$(sed -n 's/^uname: "\(.*\)"$/\1/p' board.yaml)"
t_same '... its configuration, from /proc/config.gz' result/kernel/config board.config
t_has '... what it exports, from /proc/kallsyms' board.exports '^_printk$'
t_is '... nothing is written there' '' "$(on_board 'ls /tmp | grep -v -e hostkey -e dropbear')"
cp board.yaml first.yaml
does 'again' 0 kb probe "$board"
t_same '... it is the same' first.yaml board.yaml
t_has '... and says so' out '^board.yaml (as it was)$'

# --- deploy ---------------------------------------------------------------------------------------
does 'a module is loaded' 0 kb deploy recipe.yaml#hello "$board" --params 'who=board'
t_has '... what it said comes back' out 'hello: hello, board$'
t_is '... and nothing that was said before' 0 "$(grep -c 'Linux version' out)"
t_is '... it is there' 'hello' "$(on_board 'sed "s/ .*//" /proc/modules')"
nothing_left '... no copy is left'
does 'the vermagic of a loaded module, with modinfo or a file there' 0 kb probe "$board" -o loaded.yaml
does 'a module that is loaded already' 2 kb deploy recipe.yaml#hello "$board"
t_has '... what to do' err 'hint: --unload'
does '... is unloaded first' 0 kb deploy recipe.yaml#hello "$board" --unload
t_has '... it says good bye' out 'hello: bye$'
t_has '... and hello' out 'hello: hello, world$'
does 'a module that needs one which is loaded' 0 kb deploy recipe.yaml#user "$board"
t_has '... uses it' out 'user: 42$'
does 'both anew, in order' 0 kb deploy recipe.yaml#user "$board" --unload -- 'ls *.ko; cat /proc/modules; echo to stderr >&2'
t_has '... the command ran beside them' out '^hello.ko$'
t_has '... its standard error is apart' err '^to stderr$'
t_hasnt '... the log is, too' out 'user: 42'
t_has '... and is there' err '^log| .*user: 42$'
does 'the exit code of a command' 3 kb deploy recipe.yaml#user "$board" --unload -- sh -c 'exit 3' "it's" 'a b'
t_has '... with whose it is' err '^error: the command on .*: exit code 3$'
does 'facts as JSON' 0 kb deploy --json recipe.yaml#user "$board" --unload -- echo "it's" 'a  b'
t_is '... the output' "it's a  b" "$(jq -r '.output[]' out)"
t_is '... the log' 1 "$(jq -r '.log[]' out | grep -c 'user: 42')"

# busybox's insmod returns errno, which is ENODEV.
does 'a module whose init fails' 19 kb deploy recipe.yaml#fails "$board"
t_has '... its words come back' out 'fails: nothing found$'
t_has '... whose code it is' err '^error: insmod fails on .*: exit code 19$'
t_has '... what that means' err 'found no hardware of its kind (ENODEV)'
nothing_left '... no copy is left'
does 'copies that are to stay' 0 kb deploy recipe.yaml#user "$board" --unload --to /root/modules -- pwd
t_is '... where the command runs' /root/modules "$(cat out)"
t_is '... stay' 'hello.ko user.ko ' "$(on_board ls /root/modules | tr '\n' ' ')"
does 'a module that another one uses' 1 kb deploy recipe.yaml#hello "$board" --unload
t_has '... is not unloaded' err '^error: rmmod hello on .*: exit code 1$'
t_has '... what that means' err '  A module that is loaded uses it'
does 'a directory that cannot be' 8 kb deploy recipe.yaml#user "$board" --unload --to /proc/modules/x
t_has '... is told' err 'cannot make /proc/modules/x'

# --- what is refused before anything is copied --------------------------------------------------------
on_board 'rm -rf /root/modules; ls -R /tmp /root; cat /proc/modules' >before
cp -R "$T_TOP/examples/hello" other
rm -rf other/result
t_kernel_lock other/recipe.lock
does 'a module for another machine' 7 kb deploy other/recipe.yaml#hello "$board"
t_has '... is refused' err '^error: hello.ko would not load into ssh://root@127.0.0.1'
on_board 'ls -R /tmp /root; cat /proc/modules' >after
t_same '... and nothing changed there' before after

# --- a kernel of which only that is known ---------------------------------------------------------------
mkdir written
cp -R late written/
cp board.* written/
cp armhf/recipe.lock written/
cat >written/recipe.yaml <<'END'
kbuild: 1
toolchain: debian/13
kernel: {target: ./board.yaml, source: debian/13/linux-source-6.12}
modules: {late: ./late}
END
does 'a module made from what was written down' 0 kb deploy --locked written/recipe.yaml "$board"
t_has '... for which no kernel was built' err 'prepared only'
t_has '... is loaded' out "late: $release\$"

# --- boards that are not there ------------------------------------------------------------------------
does 'nobody listens' 8 kb deploy recipe.yaml#hello ssh://root@127.0.0.1:1
t_has '... is told' err 'error: cannot reach ssh://root@127.0.0.1:1: .*Connection refused'
does 'a key that it does not know' 8 "$KB" deploy --ssh-option "UserKnownHostsFile=$T/known" \
	--ssh-option "IdentityFile=$T/stranger" --ssh-option IdentitiesOnly=yes recipe.yaml#hello "$board"
t_has '... is told' err 'Permission denied'
t_has '... with what to do' err 'hint: a key that it takes: ssh-copy-id'
does 'a board that is not known' 8 "$KB" probe --ssh-option UserKnownHostsFile=/dev/null \
	--ssh-option GlobalKnownHostsFile=/dev/null --ssh-option StrictHostKeyChecking=yes "$board"
t_has '... is not trusted' err 'hint: connect once by hand, to see its key and accept it'

on_board 'touch /tmp/off'
wait "$guest"
t_is 'the board goes down in good order' 0 $?
done_testing
