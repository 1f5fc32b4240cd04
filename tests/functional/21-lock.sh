#!/bin/sh
# SPDX-License-Identifier: MIT
# The lock: what is pinned, when it is written, what moves it. S1-01 S1-02 S1-18 S2-01 S2-15 S4-55
. "$(dirname "$0")/../lib.sh"
need git bwrap
t_shared
t_toolchain_lock "$T/toolchain.lock" || { not_ok 'the toolchain can be locked'; done_testing; }
cd "$T" || exit 1

# A repository with a branch, two archives with one folder each, a plain folder.
G="git -C repo -c user.name=t -c user.email=t@example.org"
git init -q -b main repo
mkdir arc tree other
echo git-1 >repo/word
$G add -A && $G commit -q -m one
echo arc-1 >arc/word
tar -czf arc.tar.gz arc
tar -czf url.tar.gz arc
echo tree-1 >tree/word
echo other-1 >other/word

recipe() {
	cat <<END
kbuild: 1
steps:
  it:
    builder: $T_TOP/tests/data/script
    inputs:
      dep_url: file://$T/url.tar.gz
      dep_tree: ./tree
      dep_git: git+file://$T/repo#main
      dep_arc: ./arc.tar.gz
    options: {script: "cd /src; cat dep_arc/word dep_git/word dep_tree/word dep_url/word >\$out"}
END
}
recipe >r.yaml

# code NAME WANT COMMAND...: its exit code; what it printed is in out and err.
code() {
	t_name=$1 want=$2
	shift 2
	"$@" >out 2>err
	got=$?
	t_is "$t_name" "$want" "$got" || note "$(cat err)"
}
words() {
	[ -e "$1" ] || return 0
	tr '\n' ' ' <"$1" | sed 's/ $//'
}
# fact INPUT NAME of the lock
fact() {
	sed -n "/^  steps.it.inputs.$1:/,/^  [^ ]/s/^    $2: //p" r.lock
}

# --- missing ----------------------------------------------------------------------------------
code 'lock --check: without a lock' 3 "$KB" lock --check r.yaml
t_is 'every input that floats is missing, the folder is none of them' \
	'steps.it.inputs.dep_arc: missing steps.it.inputs.dep_git: missing steps.it.inputs.dep_url: missing toolchain: missing' \
	"$(words out)"
cp toolchain.lock r.lock
code 'realize --locked with a missing entry' 3 "$KB" realize --locked r.yaml
t_has 'says which, and where' err '^r.yaml:8:16: error: steps.it.inputs.dep_git is not in the lock'
t_has 'and what to do' err 'hint: run .kbuild lock r.yaml'
t_same 'it writes nothing into the lock' toolchain.lock r.lock
t_is 'nor beside it' '' "$(find . -maxdepth 1 -name 'result*')"

# --- written by the first realize --------------------------------------------------------------
code 'realize resolves what is missing' 0 "$KB" realize r.yaml
t_is 'and builds with it' 'arc-1 git-1 tree-1 arc-1' "$(words result/it)"
code 'the lock is complete' 0 "$KB" lock --check r.yaml
t_is 'the commit is pinned' "$($G rev-parse HEAD)" "$(fact dep_git rev)"
t_is 'so is the tree' "$($G rev-parse 'HEAD^{tree}')" "$(fact dep_git tree)"
t_is 'an archive by its digest' "$(sha256sum <arc.tar.gz | cut -d' ' -f1)" "$(fact dep_arc sha256)"
t_is 'equal trees have equal hashes, wherever they came from' "$(fact dep_arc nar)" "$(fact dep_url nar)"
cp r.lock first.lock
code 'again: nothing is written' 0 "$KB" lock r.yaml
t_same 'the lock stays' first.lock r.lock

cp toolchain.lock r.lock
code 'a lock made from nothing' 0 "$KB" lock r.yaml
t_same 'is the same one' first.lock r.lock
recipe | awk '/dep_url/ { late = $0; next } { print } /dep_arc/ { print late }' >r.yaml
cp toolchain.lock r.lock
"$KB" lock r.yaml 2>err
t_same 'the order in the recipe does not matter' first.lock r.lock
recipe >r.yaml
t_is 'inputs are sorted' "$(grep '^  steps' r.lock)" "$(grep '^  steps' r.lock | LC_ALL=C sort)"
t_hasnt 'it names no host of a Debian archive' r.lock '://[^/]*debian'

# --- one input by other ways ---------------------------------------------------------------------
# The source's store path is all that a build sees of it.
source_of() {
	cat >w.yaml <<END
kbuild: 1
steps:
  it: {builder: $T_TOP/tests/data/script, inputs: {dep_x: "$1"}, options: {script: "true"}}
END
	cp toolchain.lock w.lock
	"$KB" lock -q w.yaml 2>err && "$KB" eval --stage=drv w.yaml | sed -n 's/^    in_dep_x = //p'
}
mkdir same && (cd same && git init -q -b main && cp ../arc/word . &&
	git add -A && git -c user.name=t -c user.email=t@example.org commit -q -m same)
from_tree=$(source_of ./arc)
case $from_tree in
/nix/store/*) ok 'a folder is a store path' ;;
*) not_ok "a folder is a store path: $from_tree" ;;
esac
t_is 'a local archive is the same input' "$from_tree" "$(source_of ./arc.tar.gz)"
t_is 'so is a downloaded one' "$from_tree" "$(source_of "file://$T/url.tar.gz")"
t_is 'so is a branch with that tree' "$from_tree" "$(source_of "git+file://$T/same#main")"

# --- nothing moves by itself ---------------------------------------------------------------------
before=$(cat "$(readlink -f result/it)" && readlink result/it)
echo git-2 >repo/word
$G commit -q -a -m two
echo arc-2 >arc/word
tar -czf arc.tar.gz arc
code 'the branch and the archive moved: the lock still holds' 0 "$KB" lock --check r.yaml
code 'realize' 0 "$KB" realize --locked r.yaml
t_is 'gives what was pinned' "$before" "$(cat "$(readlink -f result/it)" && readlink result/it)"

code 'update of one input' 0 "$KB" update r.yaml steps.it.inputs.dep_git
t_is 'moves its pin' "$($G rev-parse HEAD)" "$(fact dep_git rev)"
t_is 'and nothing else' '< rev > rev' \
	"$(diff first.lock r.lock | sed -n 's/^\([<>]\) *\(rev\):.*/\1 \2/p' | sort | tr '\n' ' ' | sed 's/ $//')"
t_is 'the other lines are the old ones' 6 "$(diff first.lock r.lock | grep -c '^[<>]')"
cp r.lock git.lock
"$KB" realize --locked r.yaml >out 2>err
t_is 'the new commit is built' 'arc-1 git-2 tree-1 arc-1' "$(words result/it)"

cp first.lock r.lock
code 'update of another input' 0 "$KB" update r.yaml steps.it.inputs.dep_arc
cp r.lock arc.lock
t_run 'git merges two locks that moved different pins' git merge-file -p git.lock first.lock arc.lock
cp "$T_OUT" r.lock
code 'what came out is a lock' 0 "$KB" lock --check r.yaml
"$KB" realize --locked r.yaml >out 2>err
t_is 'with both pins' 'arc-2 git-2 tree-1 arc-1' "$(words result/it)"
cp r.lock both.lock

code 'update of what is no input' 2 "$KB" update r.yaml steps.it.inputs.dep_gti
t_has 'suggests one' err "did you mean 'steps.it.inputs.dep_git'"
t_same 'and changes nothing' both.lock r.lock

# --- stale, unused ------------------------------------------------------------------------------
$G branch topic
sed -i 's/#main/#topic/' r.yaml
code 'another branch makes the entry stale' 3 "$KB" lock --check r.yaml
t_is 'that one only' 'steps.it.inputs.dep_git: stale' "$(words out)"
"$KB" lock --check --json r.yaml >out 2>err
t_has 'what is locked and what is wanted, for programs' out '"locked": *"git+file://.*#main"'
code 'realize --locked refuses a stale entry' 3 "$KB" realize --locked r.yaml
t_same 'and writes nothing' both.lock r.lock
sed -i '/^ *dep_url:/d; s, dep_url/word,,; s/#topic/#main/' r.yaml
code 'an input less makes its entry unused' 3 "$KB" lock --check r.yaml
t_is 'which is told' 'steps.it.inputs.dep_url: unused' "$(words out)"
code 'it does not keep anybody from building' 0 "$KB" realize --locked r.yaml
code 'lock drops it' 0 "$KB" lock r.yaml
t_hasnt 'it is gone' r.lock dep_url
code 'and all is well' 0 "$KB" lock --check r.yaml
t_is 'nothing to say' '' "$(cat out)"

# --- override -----------------------------------------------------------------------------------
cp r.lock kept.lock
code 'an input of the command line' 0 "$KB" realize --locked --no-link \
	--override steps.it.inputs.dep_git=./other r.yaml#it
t_is 'is built' 'arc-2 other-1 tree-1' "$(words "$(cat out)")"
t_same 'the lock stays what it was' kept.lock r.lock
code 'a branch of the command line' 0 "$KB" realize --no-link \
	--override "steps.it.inputs.dep_tree=git+file://$T/same#main" r.yaml#it
t_is 'is built as it is now' 'arc-2 git-2 arc-1' "$(words "$(cat out)")"
t_same 'and is not locked' kept.lock r.lock
mkdir -p elsewhere && echo elsewhere >elsewhere/word
(cd elsewhere && "$KB" realize --locked --no-link --override steps.it.inputs.dep_tree=. ../r.yaml#it) >out 2>err
t_is "the command line's paths belong to the current folder" 'arc-2 git-2 elsewhere' "$(words "$(cat out)")"
code 'an override of what is no input' 2 "$KB" realize --override nope=./other r.yaml

# --- nothing has to be repeated ------------------------------------------------------------------
rm -f paths
for _ in 1 2 3; do
	# shellcheck disable=SC2016 # for the fresh shell
	env -i "PATH=$PATH" "HOME=$HOME" "KBUILD_ROOT=$KBUILD_ROOT" sh -c \
		'cd / && "$1" realize --locked --no-link "$2"#it' sh "$KB" "$T/r.yaml" >>paths 2>err
done
t_is 'three fresh shells, three answers, one path' '3 1' "$(grep -c . paths) $(sort -u paths | grep -c .)"

echo 'lock: 9' >r.lock
code 'a lock that is none' 3 "$KB" realize r.yaml
t_has 'is told with its place' err '^r.lock:1:'
done_testing
