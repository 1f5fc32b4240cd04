#!/bin/sh
# SPDX-License-Identifier: MIT
# A second machine (another root, another user, another place for kbuild) with a cache and
# without a mirror: examples/hello is there in seconds, nothing is built, and it boots. What
# nobody trusted has signed is built, or refused. S4-25 S4-48
. "$(dirname "$0")/../lib.sh"
need qemu-system-x86_64
t_shared
cp -R "$T_TOP/examples/hello" "$T/hello"
rm -rf "$T/hello/result"
t_kernel_lock "$T/hello/recipe.lock" || { not_ok 'the kernel can be locked'; done_testing; }
cd "$T/hello" || exit 1

built() {
	grep -c '"built": *true' "$1"
}
# The path of step $2's output out in the JSON of file $1.
out_of() {
	sed -n "/^ *\"$2\": *{/,/\"seconds\"/s/.*\"path\": *\"\([^\"]*\)\".*/\1/p" "$1" | head -n 1
}

"$KB" realize --json recipe.yaml >first.json 2>err || note "$(tail -n 30 err)"
t_is 'the example is here' 0 "$(grep -c '"failed"' first.json)"
t_run 'a key is made' "$KB" key generate team-1 --file "$T/team.secret"
trust=$("$KB" key public --file "$T/team.secret")
"$KB" key generate other --file "$T/other.secret" >/dev/null
other=$("$KB" key public --file "$T/other.secret")
t_run 'the example is pushed' "$KB" push --key "$T/team.secret" recipe.yaml "file://$T/cache"
note "$(tail -n 1 "$T_OUT"); the cache holds $(du -sm "$T/cache" | cut -f 1) MiB"
t_run 'pushed again: nothing is left to do' "$KB" push --key "$T/team.secret" recipe.yaml "file://$T/cache"

# --- the other machine ----------------------------------------------------------------------
mkdir -p "$T/two" "$T/inst/build"
cp -R recipe.yaml recipe.lock hello "$T/two/"
cp "$KB" "$(dirname "$KB")/kbuild-fetch" "$T/inst/build/"
cp -R "$T_TOP/builders" "$T_TOP/recipes" "$T_TOP/guest" "$T/inst/"
chmod -R a+rX "$T/inst" "$T/cache"
# No mirror answers there.
as="env HOME=$T/two/home KBUILD_ROOT=$T/two/root KBUILD_CACHE=$T/two/cache
	KBUILD_DEBIAN_MIRROR=http://127.0.0.1:9/ http_proxy=http://127.0.0.1:9/"
mkdir "$T/two/home"
if [ "$(id -u)" = 0 ]; then
	chmod 755 "$T"
	chown -R 65534:65534 "$T/two"
	as="setpriv --reuid=65534 --regid=65534 --clear-groups $as"
else
	note 'only root can become another user: the second machine has the same uid'
fi
cd "$T/two" || exit 1
there() {
	# shellcheck disable=SC2086 # a command in words
	$as "$T/inst/build/kbuild" "$@"
}
with_cache() {
	{
		cat "$T/hello/recipe.yaml"
		echo "cache: {pull: [\"file://$T/cache\"], trust: [\"$1\"]}"
	} >recipe.yaml
}

with_cache "$other"
there realize --locked --json recipe.yaml#modules.hello >none.json 2>err
t_is 'a key nobody trusts: what it signed is not believed' 8 "$?"
t_is 'and nothing of it is in the store' '' \
	"$(find "$T/two/root/nix/store" -maxdepth 1 -name '*-hello*' ! -name '*.drv' 2>&1)"

with_cache "$trust"
start=$(date +%s)
there realize --locked --json recipe.yaml >second.json 2>err
t_is 'the trusted key: everything is there' 0 "$?" || note "$(tail -n 20 err)"
note "in $(($(date +%s) - start)) s"
t_is 'in less than a minute' 1 $(($(date +%s) - start < 60))
t_is 'nothing was built' 0 "$(built second.json)"
for step in kernel modules.hello initramfs run; do
	t_is "$step is the same" "$(out_of "$T/hello/first.json" $step)" "$(out_of second.json $step)"
done
t_is 'no toolchain was needed' '' \
	"$(find "$T/two/root/nix/store" -maxdepth 1 -name '*-toolchain-*' ! -name '*.drv')"
t_run 'its store is sound' there store verify --contents
there realize --locked --json recipe.yaml >third.json 2>err3
t_is 'again: nothing to do, nothing to say' "0 0 " \
	"$(built third.json) $(grep -c '"pulled": *true' third.json) $(cat err3)"
mv "$T/cache" "$T/cache.gone"
there realize --locked --json recipe.yaml >fourth.json 2>err4
t_is 'nor is the cache needed for that' "0 " "$? $(cat err4)"
mv "$T/cache.gone" "$T/cache"
there run recipe.yaml -- true >boot.log 2>&1
t_is 'the machine boots' 0 "$?" || note "$(tail -n 20 boot.log)"

# --- whom one believes is asked each time ---------------------------------------------------
cp "$T/hello/recipe.yaml" recipe.yaml
there realize --locked --no-link --json recipe.yaml#modules.hello >fifth.json 2>err
t_is 'a recipe that trusts nobody does not use what was pulled for another' 8 "$?"

done_testing
