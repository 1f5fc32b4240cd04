#!/bin/sh
# SPDX-License-Identifier: MIT
# The same recipe in two roots, by two users, with -j1 and -j2: the same store paths for every
# step. And early cutoff with a real kernel, counted from --json.
# S1-07 S1-09 S1-17 S3-18 S3-50 S4-25 S4-48
. "$(dirname "$0")/../lib.sh"
t_shared
cp -R "$T_TOP/tests/data/tiny" "$T/tiny"
cd "$T/tiny" || exit 1

# Did step $2 of the JSON in file $1 run its builder?
built() {
	sed -n "/^ *\"$2\": *{/,/\"seconds\"/s/.*\"built\": *\([a-z]*\).*/\1/p" "$1" | head -n 1
}
# The steps that ran, in one line.
ran() {
	for step in kernel.patched kernel.config kernel guest modules.probe initramfs run gdb; do
		[ "$(built "$1" $step)" != true ] || printf '%s ' "$step"
	done
}
# The first $3 ("key" or "path") of step $2 in the JSON of file $1.
value() {
	sed -n "/^ *\"$2\": *{/,/\"seconds\"/s/.*\"$3\": *\"\([^\"]*\)\".*/\1/p" "$1" | head -n 1
}
paths() {
	grep -o '"path": *"[^"]*"' "$1"
}
realize() {
	"$KB" realize --json "$@" recipe.yaml
}

realize -j2 >first.json 2>err || note "$(tail -n 30 err)"
t_is 'the tiny kernel and all around it is there' 0 "$(grep -c '"failed"' first.json)"
realize -j2 >known.json 2>err
t_is 'nothing is left to do' '' "$(ran known.json)"
# The kernel itself is built twice below; here what takes seconds, under hostile conditions.
"$KB" check --locked recipe.yaml '#kernel.config' '#modules.probe' '#initramfs' '#run' >check.out 2>err
t_is 'config, module, initramfs and scripts come out the same under other conditions' '0 4' \
	"$? $(grep -c ': the same$' check.out)"

# Changes that no earlier run has made: the store stays between runs.
salt=$$-$(date +%s)

# --- early cutoff ----------------------------------------------------------------------------
cp recipe.yaml tiny.config "$T"
echo "# a remark that means nothing to Kconfig: $salt" >>tiny.config
realize >1.json 2>err
t_is 'a comment in a fragment builds the config only' 'kernel.config ' "$(ran 1.json)"
sed -i 's/^  config:$/  config:\n    set: {PRINTK: {is: y, why: "first"}}/' recipe.yaml
realize >2.json 2>err
t_is 'a set that changes nothing builds the config only' 'kernel.config ' "$(ran 2.json)"
sed -i 's/why: "first"/why: "second"/; s/{is: y, why: "second"}/{why: "second", is: y}/' recipe.yaml
realize >3.json 2>err
t_is 'another why and another order of keys build nothing' '' "$(ran 3.json)"
cp "$T/recipe.yaml" "$T/tiny.config" .

sed -i "s/\"probe: %s/\"probe: now $salt from %s/" probe/probe.c
realize >4.json 2>err
t_is 'an edit in the module builds it and what holds it' 'modules.probe initramfs' \
	"$(ran 4.json | sed 's/ run.*//; s/ $//')"
t_is 'and not the kernel' false "$(built 4.json kernel)"
touch probe/probe.c
realize >5.json 2>err
t_is 'a touched file builds nothing' '' "$(ran 5.json)"

mkdir patches
cat >patches/version.patch <<'END'
--- a/fs/proc/version.c
+++ b/fs/proc/version.c
@@ -9,6 +9,7 @@
 
 static int version_proc_show(struct seq_file *m, void *v)
 {
+	seq_puts(m, "patched ");
 	seq_printf(m, linux_proc_banner,
 		utsname()->sysname,
 		utsname()->release,
END
sed -i 's|^  config:$|  patches: [patches/*.patch]\n  config:|' recipe.yaml
realize >6.json 2>err || note "$(tail -n 30 err)"
# This one is the same in every run (a patched tree is large, and a store keeps it), so the
# kernel may be known; that it is another one, and the module's key the same, shows as much.
if [ "$(value 6.json kernel path)" != "$(value 5.json kernel path)" ]; then
	ok 'a changed string in built-in code makes another kernel'
else
	not_ok 'a changed string in built-in code makes another kernel'
fi
t_is 'and no module' "false $(value 5.json modules.probe key)" \
	"$(built 6.json modules.probe) $(value 6.json modules.probe key)"
# It reads the kernel's config and release, so it is made again, in a second.
t_is 'the initramfs comes out as it was' "$(value 5.json initramfs path)" "$(value 6.json initramfs path)"
cp "$T/recipe.yaml" .
cp "$T_TOP/tests/data/tiny/probe/probe.c" probe/probe.c
realize >7.json 2>err
t_is 'going back builds nothing' '' "$(ran 7.json)"

# --- the other user ----------------------------------------------------------------------------
# Another root, another directory, another uid where we may have one, -j1, another umask.
mkdir "$T/other" "$T/other/home"
cp -R recipe.yaml recipe.lock tiny.config probe "$T/other/"
# kbuild itself lies elsewhere, too.
mkdir -p "$T/inst/build"
cp "$KB" "$(dirname "$KB")/kbuild-fetch" "$T/inst/build/"
cp -R "$T_TOP/builders" "$T_TOP/recipes" "$T_TOP/guest" "$T/inst/"
chmod -R a+rX "$T/inst"
other="env HOME=$T/other/home KBUILD_ROOT=$T/other/root KBUILD_CACHE=$T/other/cache"
if [ "$(id -u)" = 0 ]; then
	chmod 755 "$T"
	chown -R 65534:65534 "$T/other"
	other="setpriv --reuid=65534 --regid=65534 --clear-groups $other"
else
	note 'only root can become another user: the second build has the same uid'
fi
# shellcheck disable=SC2086 # a command in words
(umask 027 && cd "$T/other" && $other "$T/inst/build/kbuild" realize --json --locked -j1 recipe.yaml >"$T/other.json" 2>"$T/other.err") ||
	note "$(tail -n 30 "$T/other.err")"
t_is 'the other one builds everything itself' true "$(built "$T/other.json" kernel)"
paths 7.json >ours
paths "$T/other.json" >theirs
t_is 'every step is there' "$(grep -c . ours)" "$(grep -c . theirs)"
t_same 'all store paths are the same' ours theirs
done_testing
