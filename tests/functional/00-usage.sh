#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Wrong use of the command line: one message, the documented exit code.
# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# wrong CODE PATTERN WORDS...: kbuild WORDS ends with CODE, says PATTERN and little else
wrong() {
	code=$1 pattern=$2
	shift 2
	timeout 60 "$KB" "$@" >"$T/stdout" 2>"$T_OUT"
	t_is "kbuild $*: exit code" "$code" "$?"
	t_has "kbuild $*: $pattern" "$T_OUT" "$pattern"
	t_is "kbuild $*: nothing on standard output" "" "$(cat "$T/stdout")"
	lines=$(grep -c 'error: ' "$T_OUT")
	t_is "kbuild $*: one error" 1 "$lines"
}

cd "$T" || exit 1
t_run "init makes a folder" "$KB" init hello h
t_is "of files that belong to the template" "./README.md ./hello ./recipe.yaml" "$(cd h && echo ./*)"
mkdir 'a #b "c"'
cp h/recipe.yaml 'a #b "c"'
cp -R h/hello 'a #b "c"'
: >empty.yaml
: >file
mkdir unreadable
chmod 0 unreadable

wrong 2 "unknown command 'xyzzy'" xyzzy
wrong 2 "unknown command 'realise'" realise h
t_has "a hint" "$T_OUT" "did you mean 'kbuild realize'"
wrong 2 'expected a command before' --root x realize h
wrong 2 'expected a recipe' realize
wrong 2 'expected a recipe' realize ''
wrong 2 'cannot open nope.yaml' realize nope.yaml
wrong 2 'cannot open unreadable/recipe.yaml' realize unreadable
wrong 2 'the file is empty' realize empty.yaml
wrong 2 'is not a file' realize /dev/null
wrong 2 'expected a step after' realize 'h/recipe.yaml#'
wrong 2 "unknown option '--bogus'" realize h --bogus
wrong 2 "option '--jobs' needs a value" realize h --jobs
wrong 2 'expected a number' realize h --jobs x
wrong 2 'expected a number' realize h --jobs -1
wrong 2 'expected a number' realize h --jobs 99999999999999999999
wrong 2 'expected a time' realize h --timeout 1x
wrong 2 'takes no value' realize h --locked=y
wrong 2 'expected INPUT=SOURCE' realize h --override nonsense
wrong 2 "no input 'nope' to override" realize h --override nope=./x
wrong 2 'expected one recipe' run h x
wrong 2 'expected one recipe' lock
wrong 2 'expected one recipe' lock h h
wrong 2 'expected a recipe' update
wrong 2 'expected --stage=' eval h --stage=x
wrong 2 'expected a step' log
wrong 2 'expected one of: add' store
wrong 2 "unknown verb 'ad'" store ad
wrong 2 'usage: kbuild store add' store add
wrong 2 'cannot be the name' store add file --name 'a b'
wrong 2 'there is no template' init nope x
wrong 2 'expected a template and a folder' init a b c
wrong 2 'expected no words' doctor x
t_is "what the lock lacks" 3 "$("$KB" eval h --stage=drv 2>"$T_OUT"; echo $?)"
t_has "is said" "$T_OUT" 'not in the lock'

t_is "init again" 2 "$("$KB" init hello h 2>"$T_OUT"; echo $?)"
t_has "names what is in the way" "$T_OUT" 'h/recipe.yaml exists already'
t_run "-- ends the options" "$KB" eval -- h
t_run "a folder with blanks, a # and quotes" "$KB" eval 'a #b "c"/recipe.yaml'

for words in --help 'realize --help' 'eval h' doctor; do
	# shellcheck disable=SC2086 # a list of words
	"$KB" $words >/dev/full 2>"$T_OUT"
	t_is "kbuild $words on a full disk" 8 "$?"
	# shellcheck disable=SC2086
	t_run "kbuild $words with nothing open" sh -c '"$@" <&- >&- 2>&-' - "$KB" $words
done

KBUILD_ROOT=./file wrong 8 'cannot open the store at ./file' store verify
KBUILD_ROOT=/proc/x wrong 8 'cannot open the store at /proc/x' store add file
KBUILD_DATA=/nope wrong 8 "cannot find kbuild's builders" eval h
t_is "a relative root" "$("$KB" store add file)" "$(KBUILD_ROOT='r el/a"b' "$KB" store add file)"
t_run "is made there" test -e 'r el/a"b/nix/store'
chmod 700 unreadable
done_testing
