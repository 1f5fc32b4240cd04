#!/bin/sh
# SPDX-License-Identifier: MIT
# Git sources: floating branches, rebases, what is refused. S1-01 S2-01 S2-02
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../fetch.sh"
need git

R=$T/repo
G="git -C $R -c user.name=t -c user.email=t@example.org"
commit() {
	$G add -A 2>/dev/null && $G commit -q -m "$1"
}
# what every pin needs to be fetched again
pin() {
	tail -n 1 "$T_OUT" | sed 's/.*"pin":{\([^}]*\)}.*/\1/'
}

git init -q -b main "$R"
mkdir "$R/dir"
echo one >"$R/file"
printf '#!/bin/sh\n' >"$R/dir/run"
chmod +x "$R/dir/run"
ln -s dir/run "$R/link"
printf 'a\r\nb\r\n' >"$R/crlf"
printf '*.o\n' >"$R/.gitignore"
printf '* text=auto eol=lf ident\n' >"$R/.gitattributes"
commit one
$G tag -a -m v1 v1
rev1=$($G rev-parse HEAD)
tree1=$($G rev-parse 'HEAD^{tree}')

t_fetch 'a branch becomes a pin and a tree' \
	'{"do":"resolve","input":"kernel.source","from":"git+file://'"$R"'#main","dest":"'"$T/a"'"}'
pin1=$(pin)
t_is 'the pin has the commit' "$rev1" "$(field rev)"
t_is 'the pin has the tree' "$tree1" "$(field tree)"
t_is 'the name is the repository' repo "$(field name)"
mkdir "$T/want"
$G -c tar.umask=022 archive HEAD | (umask 022 && tar -x -C "$T/want")
git -C "$R" cat-file blob HEAD:crlf >"$T/want/crlf" # archive would convert it
t_is 'the tree is what was committed, byte for byte' "$(listing "$T/want")" "$(listing "$T/a")"
t_is 'nothing of git is in it' '' "$(find "$T/a" -name .git)"

# The branch moves: the pin stays, resolving again follows.
echo two >"$R/file"
commit two
rev2=$($G rev-parse HEAD)
t_fetch 'the pin is fetched after the branch moved' \
	'{"do":"fetch","dest":"'"$T/b"'",'"$pin1"'}'
t_is 'and is still the old tree' "$(listing "$T/a")" "$(listing "$T/b")"
t_fetch 'resolving again' \
	'{"do":"resolve","from":"git+file://'"$R"'#main","dest":"'"$T/c"'"}'
t_is 'follows the branch' "$rev2" "$(field rev)"

for ref in v1 refs/tags/v1 "$rev1"; do
	rm -rf "$T/d"
	t_fetch "resolve $ref" \
		'{"do":"resolve","from":"git+file://'"$R"'#'"$ref"'","dest":"'"$T/d"'"}'
	t_is "$ref is the first commit" "$rev1" "$(field rev)"
done
rm -rf "$T/d"
t_fetch 'no ref is HEAD' '{"do":"resolve","from":"git+file://'"$R"'","dest":"'"$T/d"'"}'
t_is 'HEAD is the second commit' "$rev2" "$(field rev)"

t_refuses 'a branch that is not there' 'no branch, tag or commit .mian.*did you mean .main.' \
	'{"do":"resolve","from":"git+file://'"$R"'#mian","dest":"'"$T/e"'"}'
t_refuses 'a commit that is not there' 'recipe' \
	'{"do":"resolve","from":"git+file://'"$R"'#0123456789012345678901234567890123456789","dest":"'"$T/e"'"}'
t_refuses 'a repository that is not there' 'cannot fetch' \
	'{"do":"resolve","from":"git+file:///nonexistent/x.git#main","dest":"'"$T/e"'"}'

# Force-push and gc: the first commit is gone there, the cache has it.
$G checkout -q --orphan fresh
echo three >"$R/file"
commit three
$G branch -q -D main
$G branch -q -m main
$G tag -d v1 >/dev/null
$G reflog expire --expire=now --all
$G gc -q --prune=now 2>/dev/null
t_fails 'the repository has lost the commit' git -C "$R" cat-file -e "$rev1"
rm -rf "$T/e"
t_fetch 'the locked commit outlives the force-push' \
	'{"do":"fetch","dest":"'"$T/e"'",'"$pin1"'}'
t_is 'with the same tree' "$(listing "$T/a")" "$(listing "$T/e")"

# Without the cache it is gone: said so, with what to do.
rm -rf "$T/cache/git" "$T/e"
t_refuses 'without the cache the commit is gone' 'no longer has commit.*kbuild update kernel.source' \
	'{"do":"fetch","input":"kernel.source","dest":"'"$T/e"'",'"$pin1"'}'
t_has 'that is a matter of the lock' "$T_OUT" '"class":"lock"'
t_is 'nothing is left behind' '' "$(find "$T/e" 2>/dev/null)"

# The same files under another commit: found by their tree.
rm -rf "${R:?}"/* && cp -a "$T/a/." "$R/"
commit 'the same tree again'
t_is 'the repository has the tree again' "$tree1" "$($G rev-parse 'HEAD^{tree}')"
t_fetch 'a rebased commit is found by its tree' '{"do":"fetch","dest":"'"$T/e"'",'"$pin1"'}'
t_has 'and that is said' "$T_OUT" '"note":.*tree was found'
t_is 'with the same files' "$(listing "$T/a")" "$(listing "$T/e")"

bad=$(printf '%s' "$pin1" | sed 's/"tree":"[^"]*"/"tree":"0123456789012345678901234567890123456789"/; s/"rev":"[^"]*"/"rev":"'"$($G rev-parse HEAD)"'"/')
t_refuses 'a commit with another tree than locked' 'another tree' \
	'{"do":"fetch","dest":"'"$T/f"'",'"$bad"'}'

# Submodules are refused by name.
git init -q -b main "$T/sub" && git -C "$T/sub" -c user.name=t -c user.email=t@x commit -q --allow-empty -m s
$G -c protocol.file.allow=always submodule --quiet add "$T/sub" third/party
commit sub
t_refuses 'a submodule' "'third/party' is a submodule" \
	'{"do":"resolve","from":"git+file://'"$R"'#main","dest":"'"$T/g"'"}'
t_is 'nothing is left of it' '' "$(find "$T/g" 2>/dev/null)"

# A tree that no checkout would make: made of raw objects.
blob=$($G hash-object -w --stdin </dev/null)
oid=$(printf '%s' "$blob" | sed 's/../\\x&/g')
for name in .. .GIT; do
	# shellcheck disable=SC2059 # the octal escapes are the point
	tree=$(printf "100644 $name\\0$(printf '%s' "$oid" | sed 's/\\x\(..\)/\1 /g' |
		awk '{ for (i = 1; i <= NF; i++) { h = index("0123456789abcdef", substr($i, 1, 1)) - 1
			l = index("0123456789abcdef", substr($i, 2, 1)) - 1
			printf "\\%03o", h * 16 + l } }')" |
		$G hash-object -t tree -w --stdin --literally)
	evil=$($G commit-tree -m evil "$tree")
	$G update-ref refs/heads/evil "$evil"
	t_refuses "an entry named $name" 'an entry named' \
		'{"do":"resolve","from":"git+file://'"$R"'#evil","dest":"'"$T/h"'"}'
	t_is 'nothing is left of it' '' "$(find "$T/h" 2>/dev/null)"
done

done_testing
