#!/bin/sh
# SPDX-License-Identifier: MIT
# kbuild as it is installed, and its command line: help, manual, exit codes, colours, doctor.
# S2-08 S2-31 S2-33 S3-07 S3-47 S4-19
. "$(dirname "$0")/../lib.sh"
need bwrap git
cd "$T" || exit 1

# code NAME WANT COMMAND...: its exit code; what it printed is in out and err.
code() {
	t_name=$1 want=$2
	shift 2
	"$@" >out 2>err </dev/null
	got=$?
	t_is "$t_name" "$want" "$got" || note "$(cat out err)"
}

# --- every command ------------------------------------------------------------------------------
code 'kbuild without words' 2 "$KB"
t_has 'prints how it is used' err '^usage: kbuild COMMAND'
code 'kbuild --help' 0 "$KB" --help
t_is 'has nothing on standard error' '' "$(cat err)"
sed -n '/^commands$/,/^$/s/^  \([a-z]*\) .*/\1/p' out >commands
n=$(grep -c . commands)
if [ "$n" -ge 10 ]; then ok "$n commands"; else not_ok "$n commands are fewer than there were"; fi
while read -r c; do
	code "kbuild $c --help" 0 "$KB" "$c" --help
	t_has "kbuild $c --help shows how it is used" out "^usage: kbuild $c"
	t_has "kbuild $c --help has an example" out "^  kbuild $c"
	t_has "kbuild $c is in the manual" "$T_TOP/docs/kbuild.1" "^\.[BI]*R* *\"*$c\( \|\$\)"
	code "kbuild $c --nonesuch" 2 "$KB" "$c" --nonesuch
	t_has "kbuild $c --nonesuch says where to look" err "kbuild $c --help"
done <commands
code 'kbuild --version' 0 "$KB" --version
code 'a misspelt command' 2 "$KB" relaize
t_has 'gets a suggestion' err "did you mean 'kbuild realize'"
code 'a misspelt option' 2 "$KB" realize --loked r.yaml
t_has 'gets one, too' err "did you mean '--locked'"
code 'an option without its value' 2 "$KB" realize --jobs
code 'a value that is none' 2 "$KB" realize --timeout soon r.yaml
t_has 'is told by what would be one' err '90s'
# Both tables of exit codes, of commands and of runs.
for row in '0	done' '2	usage' '3	lock' '4	a config request' '5	a build failed' '8	infrastructure' '9	interrupted' \
	'121	oops' '122	panic' '123	hang' '124	time limit' '125	QEMU'; do
	t_has "the manual has exit code $row" "$T_TOP/docs/kbuild.1" "^$row"
done

# --- exit codes that need no build; 1, 5 and 9 are in the tests of realise, 4 in those of config ---
code 'no such recipe' 2 "$KB" eval nowhere.yaml
t_has 'is said in one line with its name' err 'nowhere.yaml'
mkdir tree && printf 'kbuild: 1\nkernel: ./tree\n' >r.yaml
code 'a lock that lacks entries' 3 "$KB" realize --locked r.yaml
printf 'kbuild: 1\nkernal: ./tree\n' >bad.yaml
code 'a recipe with a mistake' 2 "$KB" eval bad.yaml
t_has 'is told with its place' err '^bad.yaml:2:1: error: '
mkdir closed && chmod 555 closed
if [ "$(id -u)" = 0 ]; then
	code 'a root that cannot be' 8 "$KB" store add --root /proc/nowhere tree
else
	code 'a root that cannot be' 8 "$KB" store add --root "$T/closed/root" tree
fi

# --- colours -------------------------------------------------------------------------------------
esc=$(printf '\033')
"$KB" eval bad.yaml >out 2>err
t_hasnt 'no colours in a pipe' err "$esc"
if command -v script >/dev/null; then
	# A terminal for standard error, as a user has it.
	script -qec "'$KB' eval bad.yaml" /dev/null >tty.out 2>&1 </dev/null
	t_has 'colours on a terminal' tty.out "$esc"
	NO_COLOR=1 script -qec "'$KB' eval bad.yaml" /dev/null >tty.out 2>&1 </dev/null
	t_hasnt 'none with NO_COLOR' tty.out "$esc"
	script -qec "'$KB' eval --no-color bad.yaml" /dev/null >tty.out 2>&1 </dev/null
	t_hasnt 'none with --no-color' tty.out "$esc"
else
	skip 'colours on a terminal' 'script (bsdutils) is not installed'
fi

# --- doctor --------------------------------------------------------------------------------------
code 'doctor: this machine can build' 0 "$KB" doctor
t_has 'doctor: it looked at the sandbox' out '^ok *sandbox: '
t_has 'doctor: and at the store' out "^ok *store: .*writable"
# PATH as it is, but for bwrap and gdb.
mkdir bin
for dir in $(echo "$PATH" | tr : ' '); do
	for program in "$dir"/*; do
		case ${program##*/} in
		bwrap | gdb) ;;
		*) [ -e "bin/${program##*/}" ] || ln -s "$program" bin/ 2>/dev/null ;;
		esac
	done
done
code 'doctor: without bwrap' 8 env PATH="$T/bin" "$KB" doctor
t_has 'doctor: names it' out '^FAIL *sandbox: bwrap is not installed'
t_has 'doctor: and the package' out 'apt-get install bubblewrap'
t_has 'doctor: what is not needed is a note' out '^note *gdb: .*apt-get install gdb'
code 'doctor: the same as JSON' 8 env PATH="$T/bin" "$KB" doctor --json
t_has 'doctor: the finding' out '"state": *"FAIL"'
t_has 'doctor: its mend' out '"hint": *"apt-get install bubblewrap"'

# --- installed ------------------------------------------------------------------------------------
# The build that is tested, in a place of its own. It is made already: nothing is compiled.
case $KB in
"$T_TOP"/*) build=$(dirname "${KB#"$T_TOP"/}") ;;
*) build=build ;;
esac
t_run 'make install' make -s -C "$T_TOP" B="$build" PREFIX="$T/p" install
t_hasnt 'compiles nothing' "$T_OUT" '^ *CC '
for f in bin/kbuild libexec/kbuild/kbuild-fetch share/man/man1/kbuild.1 share/kbuild/builders/run.sh \
	share/kbuild/recipes/vm.config share/kbuild/guest/init.c share/kbuild/vary/shim.c share/kbuild/examples/hello/recipe.yaml; do
	if [ -f "p/$f" ]; then ok "it has $f"; else not_ok "it has $f"; fi
done
t_is 'it has no files of a user' '' "$(find p -name '*.lock' -o -name result)"
t_is 'it names the checkout nowhere' '' "$(grep -rlF "$T_TOP/" p/share)"
t_run 'make install with DESTDIR' make -s -C "$T_TOP" B="$build" PREFIX=/usr DESTDIR="$T/d" install
if cmp -s p/bin/kbuild d/usr/bin/kbuild; then ok 'is the same below another root'; else not_ok 'is the same below another root'; fi

I=$T/p/bin/kbuild
t_shared
code 'init writes a template' 0 "$I" init hello "$T/x"
t_has 'and says what' out '/x/recipe.yaml$'
code 'init again would overwrite' 2 "$I" init hello "$T/x"
code 'init of a template that is none' 2 "$I" init helo "$T/y"
t_has 'suggests one' err "did you mean 'hello'"
if [ ! -e y ]; then ok 'and makes nothing'; else not_ok 'and makes nothing'; fi
code 'the template can be evaluated' 0 "$I" eval x/recipe.yaml
t_kernel_lock x/recipe.lock || not_ok 'the kernel can be locked'
code 'its guest can be built' 0 "$I" realize --locked --no-link 'x/recipe.yaml#guest'
if [ -x "$(cat out)/bin/init" ]; then ok 'it has an init'; else not_ok 'it has an init'; fi
"$KB" realize --locked --no-link 'x/recipe.yaml#guest' >mine 2>err
t_same 'the checkout gives the same store path' mine out
mkdir -p deep/er
(cd deep/er && "$I" realize --locked --no-link '../../x/recipe.yaml#guest') >there 2>err
t_same 'from another folder, too' out there
code 'doctor: the installation is complete' 0 "$I" doctor
t_has 'doctor: it is its own' out "^ok *installation: $T/p/libexec/kbuild/kbuild-fetch, $T/p/share/kbuild"
rm -rf p/share/kbuild
code 'without its data' 8 "$I" doctor
done_testing
