#!/bin/sh
# SPDX-License-Identifier: MIT
# The sandbox and its negative tests once more, as an ordinary user with a store of his own.
# S3-07
. "$(dirname "$0")/../lib.sh"
need bwrap setpriv
[ "$(id -u)" = 0 ] || skip_all 'this is an ordinary user: 40-sandbox.sh was this test'

# The checkout may lie where nobody else can read.
mkdir -p "$T/inst/build" "$T/user"
cp "$KB" "$(dirname "$KB")/kbuild-fetch" "$T/inst/build/"
cp -R "$T_TOP/builders" "$T_TOP/recipes" "$T_TOP/guest" "$T_TOP/vary" "$T_TOP/tests" "$T/inst/"
chmod 755 "$T"
chmod -R a+rX "$T/inst"
chown -R 65534:65534 "$T/user" "$T/inst/build"

as_user() {
	setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$T/user" TMPDIR=/tmp \
		KBUILD="$T/inst/build/kbuild" KBUILD_ROOT="$T/user/root" \
		KBUILD_TEST_ROOT="$T/user/root" KBUILD_CACHE="$T/user/cache" "$@"
}

# Each result of the inner test is one of ours.
as_user "$T/inst/tests/functional/40-sandbox.sh" >"$T/tap" 2>"$T/err"
code=$?
while read -r line; do
	case $line in
	'ok '*'# SKIP '*) skip "${line#* - }" "${line#*# SKIP }" ;;
	'ok '*) ok "as a user: ${line#* - }" ;;
	'not ok '*) not_ok "as a user: ${line#* - }" ;;
	'#'*) echo "$line" ;;
	esac
done <"$T/tap"
t_is 'the whole of it passes' 0 "$code"
[ "$code" = 0 ] || note "$(tail -n 20 "$T/err")"
cat >"$T/user/c.yaml" <<END
kbuild: 1
steps:
  same: {builder: $T/inst/tests/data/script, options: {script: "echo 1 >\$out"}}
  differs: {builder: $T/inst/tests/data/script, options: {script: "id -u >\$out"}}
END
cp "$T/inst/build/test-locks/toolchain.lock" "$T/user/c.lock"
as_user "$T/inst/build/kbuild" check --locked "$T/user/c.yaml" >"$T/check" 2>"$T/err"
t_is 'check works for a user' '6 1 1' \
	"$? $(grep -c '^same: the same$' "$T/check") $(grep -c 'cause: user' "$T/check")"
t_run 'doctor finds nothing wrong' as_user "$T/inst/build/kbuild" doctor
done_testing
