#!/bin/sh
# SPDX-License-Identifier: MIT
# Exports: what a build made, in another project's tree. S1-12 S1-13 S1-14 S1-26 S1-33 S3-09 S3-10
. "$(dirname "$0")/../lib.sh"
need bwrap cmake jq make
t_shared
t_toolchain_lock "$T/r.lock" || { not_ok 'the toolchain can be locked'; done_testing; }
KBUILD_CACHE=$T/cache
export KBUILD_CACHE
mkdir "$T/home/recipe"
cd "$T/home/recipe" || exit 1
mv "$T/r.lock" recipe.lock
P=$T/home/project

# recipe WORD: a recipe whose step makes files with that word, and exports all kinds of them.
recipe() {
	cat <<END
kbuild: 1
arch: x86_64
steps:
  it:
    builder: $T_TOP/tests/data/script
    options:
      script: |
        mkdir -p "\$out/tree/empty" "\$out/tree/sub"
        echo $1 >"\$out/image"
        : >"\$out/none"
        printf '#!/bin/sh\necho $1\n' >"\$out/tree/tool"
        chmod 755 "\$out/tree/tool"
        echo same >"\$out/tree/sub/same"
        ln -s sub/same "\$out/tree/inside"
        ln -s ../image "\$out/tree/outside"
        ln -s image "\$out/linked"
exports:
  to: ../project
  files:
    newLinux: \${steps.it}/image
    linux_configs/\${arch.bits}/config: \${steps.it}/linked
    overlay: \${steps.it}/tree
    empty: \${steps.it}/none
    "a b;c\\\\d\"e'f\$g#h\$\${i}@j(k)%": \${steps.it}/image
    "a b;d\"e'f\$g#h\$\${i}@j(k)%": \${steps.it}/image
  cmake: cmake/exports.cmake
  make: exports.mk
  json: lists/of/all.json
  env: exports.sh
END
}
recipe one >recipe.yaml
# shellcheck disable=SC2317 # t_run calls it
realize() {
	"$KB" realize recipe.yaml "$@" >"$T/printed" 2>"$T_OUT"
}
nasty="a b;c\\d\"e'f\$g#h\${i}@j(k)%"

t_run 'everything is exported' realize
t_has 'what was written is told' "$T_OUT" 'exported ../project/newLinux'
t_has 'of a folder how much' "$T_OUT" 'exported ../project/overlay (5 of 5 files)'
t_is 'standard output has the store paths only' 1 "$(wc -l <"$T/printed")"
t_is 'a file' one "$(cat "$P/newLinux")"
t_is 'the path follows the machine, a link its file' one "$(cat "$P/linux_configs/64/config")"
t_is 'an ordinary file: writable, no link' '-rw-r--r-- 1' "$(stat -c '%A %h' "$P/linux_configs/64/config")"
t_is 'what can be run stays so' one "$("$P/overlay/tool")"
t_is 'a link inside a tree stays one' sub/same "$(readlink "$P/overlay/inside")"
t_is 'a link out of a tree becomes its file' one "$(cat "$P/overlay/outside")"
t_run 'an empty folder' test -d "$P/overlay/empty"
t_run 'an empty file' test -f "$P/empty"
t_is 'any name' one "$(cat "$P/$nasty")"

# ---- lists for other build systems: each program says what it understands

# The stand-in keeps what a file server would get. No backslash there: cmake makes a slash of it.
cat >"$T/consumer.cmake" <<'END'
cmake_minimum_required(VERSION 3.13)
include("${PROJECT_TREE}/cmake/exports.cmake")
function(AddToFileServer name file)
  if(NOT EXISTS "${file}")
    message(FATAL_ERROR "${name}: no file ${file}")
  endif()
  configure_file("${file}" "${OUT}/${name}" COPYONLY)
endfunction()
AddToFileServer("linux" "${KBUILD_STEPS_IT_IMAGE}")
AddToFileServer("nasty" "${KBUILD_STEPS_IT_IMAGE_3}")
AddToFileServer("config" "${KBUILD_STEPS_IT_LINKED}")
file(WRITE "${OUT}/path" "${KBUILD_STEPS_IT_IMAGE_2}")
file(WRITE "${OUT}/facts" "${KBUILD_ARCH} ${KBUILD_ARCH_KERNEL} ${KBUILD_ARCH_BITS}")
END
t_run 'cmake includes the list and finds every file' \
	cmake -DPROJECT_TREE="$P" -DOUT="$T/server" -P "$T/consumer.cmake"
t_is 'the file server has the image' one "$(cat "$T/server/linux")"
t_is 'and the file with the name' one "$(cat "$T/server/nasty")"
t_is 'cmake reads the name as it is' "$P/$nasty" "$(cat "$T/server/path")"
t_is 'facts' 'x86_64 x86_64 64' "$(cat "$T/server/facts")"
cp -a "$P" "$T/home/moved to here"
t_run 'the list moves with its folder' \
	cmake -DPROJECT_TREE="$T/home/moved to here" -DOUT="$T/server" -P "$T/consumer.cmake"

# shellcheck disable=SC2016 # for make
printf 'include %s/exports.mk\nshow:\n\t$(info $(KBUILD_STEPS_IT_IMAGE_2)) $(info $(KBUILD_ARCH))\n' "$P" >"$T/GNUmakefile"
t_is 'make reads the name as it is' "$P/$nasty
x86_64" "$(make -s -C "$T" show 2>/dev/null | grep -v 'Nothing to be done')"
# shellcheck disable=SC1091,SC2153
t_is 'a shell reads the name as it is' "$P/$nasty x86_64" "$(
	. "$P/exports.sh"
	echo "$KBUILD_STEPS_IT_IMAGE_2 $KBUILD_ARCH"
)"
t_is 'JSON: relative to the list' "../../$nasty" "$(jq -r .files.steps_it_image_2 "$P/lists/of/all.json")"
t_is 'JSON: facts' 'x86_64 64' "$(jq -r '.arch + " " + .arch_bits' "$P/lists/of/all.json")"

# ---- again

find "$P" -exec touch -h -d 2001-01-01 {} +
t_run 'again' realize
t_hasnt 'nothing is written that is there' "$T_OUT" exported
t_is 'no time changes' '' "$(find "$P" -newermt 2002-01-01)"
"$KB" realize --json recipe.yaml >"$T/json" 2>/dev/null
t_is '--json lists all of them' "$P/newLinux it 0" "$(jq -r '.exports[0] | .path + " " + .step + " \(.new)"' "$T/json")"
t_is 'with their number' 10 "$(jq '.exports | length' "$T/json")"
recipe two >recipe.yaml
t_run 'another build' realize --no-exports
t_is '--no-exports leaves all as it is' one "$(cat "$P/newLinux")"
"$KB" realize recipe.yaml#it >/dev/null 2>&1
t_is 'a named step exports nothing' one "$(cat "$P/newLinux")"
"$KB" exports --check recipe.yaml >"$T/check" 2>"$T_OUT"
t_is '--check has an exit code' 6 "$?"
t_has '--check names what differs' "$T/check" '^differs ../project/newLinux'
t_has 'and what does not' "$T/check" '^same    ../project/exports.mk'
t_is 'and writes nothing' one "$(cat "$P/newLinux")"
t_run 'kbuild exports writes them' "$KB" exports recipe.yaml
t_is 'the new one' two "$(cat "$P/newLinux")"
t_is 'files of a tree that are the same keep their time' '' "$(find "$P/overlay/sub/same" -newermt 2002-01-01)"
t_run '--check agrees' "$KB" exports --check recipe.yaml
t_is 'nothing is left beside' '' "$(find "$P" -name '*.tmp-*')"

# ---- nothing is written outside

mkdir "$T/victim"
rm -rf "$P/linux_configs" && ln -s "$T/victim" "$P/linux_configs"
recipe three >recipe.yaml
t_fails 'a link on the way is not followed' "$KB" exports recipe.yaml
t_has 'which is said at the key' "$T_OUT" '^recipe.yaml:21:5: error: ../project/linux_configs is no folder: exports follow no links'
t_is 'nothing is written behind it' '' "$(ls "$T/victim")"
t_is 'and nothing else either' two "$(cat "$P/newLinux")"
rm "$P/linux_configs"
echo mine >"$T/victim/file"
ln -sf "$T/victim/file" "$P/newLinux"
t_run 'a link in the place of a file' "$KB" exports recipe.yaml
t_is 'is replaced, not followed' 'mine three' "$(cat "$T/victim/file") $(cat "$P/newLinux")"
rm "$P/newLinux" && mkdir "$P/newLinux"
t_fails 'a folder in the place of a file' "$KB" exports recipe.yaml
t_has 'stays' "$T_OUT" 'newLinux is a folder already'
rmdir "$P/newLinux"

# other KEYS...: the recipe with these keys of exports.files.
other() {
	recipe four | sed '/^  files:/,$d'
	printf '  files:\n'
	printf '    %s\n' "$@"
}
other "a: \${steps.it}/image" "a/b: \${steps.it}/image" >recipe.yaml
t_fails 'a file below a file' "$KB" exports recipe.yaml
t_has 'is refused' "$T_OUT" "'a' is a file of another export"
other "tree/sub/same: \${steps.it}/image" "tree: \${steps.it}/tree" >recipe.yaml
t_fails 'two files at one path' "$KB" exports recipe.yaml
t_has 'are refused' "$T_OUT" 'two exports want to be tree/sub/same'
t_is 'before anything is written' '' "$(find "$P" -path "*/tree*")"
other "x: \${steps.it}/imgae" >recipe.yaml
t_fails 'a file that the step has not' "$KB" exports recipe.yaml
t_has 'is named' "$T_OUT" 'there is no /nix/store/.*-it/imgae'
recipe five | sed '/^exports:/,$d' >recipe.yaml
t_fails 'kbuild exports needs exports' "$KB" exports recipe.yaml
t_has 'and says so' "$T_OUT" 'recipe.yaml has no section .exports.'
done_testing
