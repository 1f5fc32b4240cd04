#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The store needs no root: whoever runs kbuild owns it, read-only directories included.
# Started by root, the test becomes somebody else.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"

chmod 755 "$T"
mkdir "$T/user"
if [ "$(id -u)" -eq 0 ]; then
	need setpriv
	chown 65534:65534 "$T/user"
	as_user() {
		HOME=$T/user KBUILD_ROOT=$T/user/root \
			setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
	}
	as_user "$KB" --version >/dev/null || skip_all "user 65534 cannot run $KB"
else
	# shellcheck disable=SC2317 # t_run calls it
	as_user() {
		HOME=$T/user KBUILD_ROOT=$T/user/root "$@"
	}
fi

mkdir -p "$T/tree/sub/empty"
echo one >"$T/tree/sub/file"
ln -s file "$T/tree/sub/link"
chmod -R a+rX,a-w "$T/tree"

t_run "adds a tree" as_user "$KB" store add "$T/tree"
path=$(cat "$T_OUT")
object=$T/user/root$path
t_is "owner and mode of the object" "$(stat -c %u "$T/user") 555" "$(stat -c '%u %a' "$object")"
t_run "replaces garbage with read-only directories" as_user sh -c "
	rm -f '$T/user/root/nix/var/nix/db/'* &&
	'$KB' store add '$T/tree'"
t_is "the same path" "$path" "$(cat "$T_OUT")"
t_run "which is whole" as_user "$KB" store verify --contents
t_is "no locks are left" "" "$(find "$T/user/root/nix/store" -name '*.lock')"
t_is "no temporary roots are left" "" "$(ls -A "$T/user/root/nix/var/nix/temproots")"

if [ "$(id -u)" -eq 0 ]; then
	mkdir "$T/secret"
	echo x >"$T/secret/file"
	chmod 600 "$T/secret/file"
	t_fails "a file it cannot read is an error" as_user "$KB" store add "$T/secret"
	t_has "that names it" "$T_OUT" "file: Permission denied"
	chmod -R a-w "$T/user/root/nix/var/nix/db"
	chown -R 0:0 "$T/user/root"
	t_run "a store of somebody else can be read" as_user "$KB" store path-info "$path"
	t_fails "not written" as_user "$KB" store add "$T/lib"
else
	skip "a store of somebody else" "needs root to make one"
fi

done_testing
