#!/bin/sh
# SPDX-License-Identifier: MIT
#
# store scenario 3: what was built is mended by building it again, inputs first, and only
# when that gives the same bytes; realisations are made of their rows.

# shellcheck source-path=SCRIPTDIR source=../lib.sh
. "$(dirname "$0")/../lib.sh"
t_shared
t_toolchain_lock "$T/r.lock" || { not_ok 'the toolchain can be locked'; done_testing; }
B=$T_TOP/tests/data/script
salt=$$-$(date +%s)

cat >"$T/r.yaml" <<END
kbuild: 1
steps:
  first:
    builder: $B
    options: {script: "mkdir \$out; echo first $salt >\$out/file; ln -s file \$out/link"}
  second:
    builder: $B
    inputs: {dep_first: "\${steps.first}"}
    options: {script: "mkdir \$out; cat /src/dep_first/file >\$out/copy; echo second >>\$out/copy"}
  random:
    builder: $B
    options: {script: "echo $salt >\$out; cat /proc/sys/kernel/random/uuid >>\$out"}
END
if ! "$KB" realize --locked --no-link "$T/r.yaml" >"$T/paths" 2>"$T/err"; then
	not_ok 'three steps are built'
	sed 's/^/#   /' "$T/err"
	done_testing
fi
ok 'three steps are built'
first=$(sed -n 1p "$T/paths")
second=$(sed -n 2p "$T/paths")
random=$(sed -n 3p "$T/paths")
logical() {
	echo "${1#"$KBUILD_ROOT"}"
}
hashes() {
	"$KB" store hash "$first"
	"$KB" store hash "$second"
}
hashes >"$T/want"
change() {
	chmod u+w "$1"
	printf '!' | dd of="$1" bs=1 count=1 conv=notrunc 2>/dev/null
	chmod u-w "$1"
	touch -d @1 "$1"
}
verify() {
	"$KB" store verify --contents "$@"
}

change "$first/file"
chmod -R u+w "$second"
rm -r "$second"
t_fails 'damage of both is found' verify "$first" "$second"
t_has 'in the one' "$T_OUT" "^$(logical "$first"): its contents were modified"
t_has 'and the other' "$T_OUT" "^$(logical "$second"): is gone"
t_run 'both are mended' verify --repair "$second" "$first"
t_has 'by building the one' "$T_OUT" "^$(logical "$first"): mended: built again"
t_has 'and the other' "$T_OUT" "^$(logical "$second"): mended: built again"
hashes >"$T/is"
t_same 'to the last byte' "$T/want" "$T/is"
t_is 'nothing in them is writable' '' "$(find "$first" "$second" ! -type l -perm /222)"
t_run 'they are whole' verify "$first" "$second"
if command -v nix-store >/dev/null; then
	t_is 'Nix has the same hash' "$(nix-hash --type sha256 --base32 "$second")" \
		"$(nix-store --store "$KBUILD_ROOT" -q --hash "$(logical "$second")" | sed 's/^sha256://')"
else
	skip 'Nix has the same hash' 'nix-store is not installed'
fi
t_run 'nothing is built again' "$KB" realize --locked --no-link --json "$T/r.yaml"
t_hasnt 'as it says' "$T_OUT" '"built": *true'
t_is 'nothing is left of the builds' '' \
	"$(find "$KBUILD_ROOT/nix/var/kbuild/tmp" -maxdepth 1 -name "*first*" -o -maxdepth 1 -name "*second*")"

# The realisation of the first: a link to its content.
key=
for link in "$KBUILD_ROOT"/nix/store/*-first; do
	[ "$(readlink "$link")" != "$(logical "$first")" ] || key=$link
done
t_is 'the realisation is there' "$(logical "$first")" "$(readlink "$key")"
rm "$key"
t_fails 'a lost one is found' "$KB" store verify "$(logical "$key")"
t_run 'and mended' verify --repair "$(logical "$key")"
t_has 'of its row' "$T_OUT" 'mended: made of its row again'
t_is 'to what it was' "$(logical "$first") 1" "$(readlink "$key") $(stat -c %Y "$key")"
rm "$key"
ln -s "$(logical "$second")" "$key"
t_fails 'one that leads elsewhere is found' "$KB" store verify "$(logical "$key")"
t_run 'and mended' verify --repair "$(logical "$key")"
t_is 'to what it was' "$(logical "$first") 1" "$(readlink "$key") $(stat -c %Y "$key")"

# A builder that makes something else each time cannot mend.
change "$random"
verify --repair "$random" >"$T_OUT" 2>&1
t_is 'another result does not count' 1 "$?"
t_has 'which is said' "$T_OUT" 'cannot be mended and is forgotten: built again it has other bytes'
t_run 'what is forgotten' "$KB" realize --locked --no-link --json "$T/r.yaml#random"
t_has 'is built by the next realize' "$T_OUT" '"built": *true'

# Without its derivation nobody knows how.
drv=$("$KB" store path-info "$second" | sed -n 's/^deriver  *//p')
rm -f "$KBUILD_ROOT$drv"
change "$second/copy"
verify --repair "$second" "$drv" >"$T_OUT" 2>&1
t_is 'nor without the derivation' 1 "$?"
t_has 'the derivation is forgotten' "$T_OUT" "^$drv: cannot be mended and is forgotten: nobody has it"
t_has 'the output too' "$T_OUT" "^$(logical "$second"): cannot be mended and is forgotten"
t_run 'and comes back' "$KB" realize --locked --no-link "$T/r.yaml#second"
hashes >"$T/is"
t_same 'as it was' "$T/want" "$T/is"
t_run 'whole' verify "$first" "$second"

# What a build finds missing, the hint of its message mends.
chmod -R u+w "$first"
rm -r "$first"
sed 's/echo second/echo another second/' "$T/r.yaml" >"$T/other.yaml"
cp "$T/r.lock" "$T/other.lock"
t_fails 'a lost input fails a build' "$KB" realize --locked --no-link "$T/other.yaml#second"
t_has 'it is named' "$T_OUT" "$(logical "$first") is gone"
t_has 'and what helps' "$T_OUT" 'kbuild store verify --repair'
t_run 'which it does' "$KB" store verify --repair "$first" 2>/dev/null
t_run 'the build goes on' "$KB" realize --locked --no-link "$T/other.yaml#second"

done_testing
