#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian packages: resolved by apt with private state, fetched by digest, from this
# machine's own mirrors and from a local one. S1-02 S2-16 S3-11
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/../fetch.sh"
need apt-get gpgv bwrap
need_nginx

# One request in a box, before the other words: without the machine's own mirrors, without
# apt, without a network.
no_mirrors="bwrap --dev-bind / / --tmpfs /etc/apt"
no_apt="bwrap --dev-bind / / --ro-bind /dev/null $(command -v apt-get)"
no_network="bwrap --dev-bind / / --unshare-net"
box=
fetch() {
	# shellcheck disable=SC2086 # the box is several words, or none
	printf '%s' "$1" | $box "$KF" >"$T_OUT" 2>&1
}
in_box() {
	box=$1
	shift
	"$@"
	box=
}

set_of() {
	printf '{"do":"resolve-debs","suite":"%s","arch":"%s","packages":["%s"]}' "$1" "$2" "$3"
}
source_of() {
	printf '{"do":"resolve","input":"x.y","from":"%s","arch":"amd64","suite":"trixie","dest":"%s"%s}' \
		"$1" "$2" "${3:-}"
}
last() {
	tail -n 1 "$T_OUT"
}

# --- resolving
t_fetch 'a set of packages of Debian 13' "$(set_of 13 amd64 'make","zstd')"
cp "$T_OUT" "$T/set"
t_has 'the release is named' "$T_OUT" '"key":"trixie/main/amd64","sha256":"[0-9a-f]\{64\}","date":"20[0-9]\{6\}T[0-9]\{6\}Z"'
t_has 'dependencies are in it' "$T_OUT" '"name":"libc6_'
last | grep -o '"name":"[^"]*"' >"$T/names"
t_run 'sorted by name' sort -c "$T/names"
t_fetch 'asked again' "$(set_of trixie amd64 'zstd","make')"
cp "$T_OUT" "$T/set2"
t_same 'the answer is the same' "$T/set" "$T/set2"
t_refuses 'a package that is not there' "no package 'zstdd'.*did you mean .zstd" "$(set_of 13 amd64 zstdd)"
t_has 'that is a mistake of the recipe' "$T_OUT" '"class":"recipe"'
t_refuses 'no option passes as a package' 'is no package name' "$(set_of 13 amd64 -oDir=/)"
t_refuses 'a suite that is not there' "'potato' is no Debian suite" "$(set_of potato amd64 make)"
t_fetch 'packages of another architecture' "$(set_of 13 amd64 'libc6-dev:arm64')"
t_has 'come from it' "$T_OUT" 'libc6-dev_[^"]*_arm64.deb'
for s in '13 linux-source-6.12' '12 linux-source-6.1' '11 linux-source-5.10'; do
	t_fetch "kernel sources of Debian $s" "$(set_of "${s%% *}" amd64 "${s#* }")"
	t_has 'they are in the set' "$T_OUT" '"name":"'"${s#* }"'_[^"]*_all.deb"'
done

# --- trust
wrong=/usr/share/keyrings/debian-archive-removed-keys.gpg
KBUILD_DEBIAN_KEYRING=$wrong
export KBUILD_DEBIAN_KEYRING
t_refuses 'a keyring without the archive key' "not signed by a key of $wrong" "$(set_of 13 amd64 make)"
rm -rf "$T/cache/apt"
t_refuses 'the same with nothing in the cache' "not signed by a key of $wrong" "$(set_of 13 amd64 make)"
KBUILD_DEBIAN_KEYRING=/nonexistent.gpg
t_refuses 'a keyring that is not there' 'cannot read the keyring /nonexistent.gpg' "$(set_of 13 amd64 make)"
unset KBUILD_DEBIAN_KEYRING

KBUILD_DEBIAN_ALLOW_EXPIRED=1
export KBUILD_DEBIAN_ALLOW_EXPIRED
t_fetch 'sid, whatever its date' "$(set_of sid amd64 make)"
unset KBUILD_DEBIAN_ALLOW_EXPIRED
until=$(sed -n 's/^Valid-Until: //p' "$T"/cache/apt/sid-amd64/lists/*_InRelease)
rm -rf "$T/cache/apt/sid-amd64"
if [ "$(date -d "$until" +%s)" -lt "$(date +%s)" ]; then
	t_refuses "sid valid until $until" 'past its Valid-Until.*KBUILD_DEBIAN_ALLOW_EXPIRED=1' \
		"$(set_of sid amd64 make)"
else
	t_fetch "sid valid until $until" "$(set_of sid amd64 make)"
fi

# --- sources
t_fetch 'one file of a package of another architecture' \
	"$(source_of debian/busybox-static:arm64 "$T/bb" ',"path":"/bin/busybox"')"
cp "$T_OUT" "$T/bb.out"
pin=$(last | sed 's/.*"pin":{\([^}]*\)}.*/\1/')
t_is 'it is an ELF file for arm64' '183' "$(od -An -tu2 -j18 -N2 "$T/bb" | tr -d ' ')"
t_run 'and executable' test -x "$T/bb"
t_fetch 'a suite in the source' "$(source_of debian/11/busybox-static "$T/b11")"
t_is 'is kept' bullseye "$(field suite)"
t_run 'the whole package is there' test -x "$T/b11/bin/busybox"
t_fetch 'a package of an older suite only' "$(source_of debian/gcc-10-base "$T/g10")"
t_is 'is found there' bullseye "$(field suite)"
t_has 'and that is said' "$T_OUT" '"note":"gcc-10-base is not in trixie, taken from bullseye"'
t_refuses 'a package of no suite' "trixie (amd64) has no package 'nosuchpackage0'" \
	"$(source_of debian/nosuchpackage0 "$T/no")"
t_fetch 'a package with what it depends on' "$(source_of debian/strace "$T/strace" ',"closure":"1"')"
t_run 'has its libraries' sh -c "ls $T/strace/usr/lib/x86_64-linux-gnu/libc.so.6"

# --- the lock alone is enough
rm "$T/bb"
in_box "$no_apt" t_refuses 'without apt nothing is locked' 'apt is not installed' "$(source_of debian/make "$T/no")"
rm -rf "$T/cache/files"
in_box "$no_apt" t_fetch 'without apt a pin is fetched' '{"do":"fetch","dest":"'"$T/bb"'",'"$pin"'}'
t_is 'the same file' '183' "$(od -An -tu2 -j18 -N2 "$T/bb" | tr -d ' ')"
mkdir "$T/debs"
debs=$(sed -n '$s/.*"debs":\(\[[^]]*\]\).*/\1/p' "$T/bb.out")
[ -n "$debs" ] || debs=$(sed -n '$s/.*"deb":"\([^ ]*\) sha256:\([0-9a-f]*\) \([0-9]*\) \([^"]*\)".*/[{"name":"\1","sha256":"\2","size":\3,"pool":"\4"}]/p' "$T/bb.out")
file=$(printf '%s' "$debs" | sed 's/.*"name":"\([^"]*\)".*/\1/')
all='{"do":"fetch-debs","input":"toolchain","debs":'$debs',"date":"20250101T000000Z","dest_dir":"'$T/debs'"}'
t_fetch 'a list of packages is fetched' "$all"
t_run 'the file is there' test -s "$T/debs/$file"
in_box "$no_network" t_fetch 'what is there is kept, without a network' "$all"

# --- a mirror of our own
W=$T/www
mkdir -p "$W"
serve "$W"
KBUILD_DEBIAN_MIRROR=$URL
export KBUILD_DEBIAN_MIRROR
pool=$(printf '%s' "$debs" | sed 's/.*"pool":"\([^"]*\)".*/\1/')
mv "$T/debs/$file" "$T/good"
in_box "$no_mirrors" t_refuses 'a package that no mirror has' "$file is on no mirror any more.*kbuild update toolchain.*KBUILD_DEBIAN_SNAPSHOT" "$all"
t_has 'is a matter of the lock' "$T_OUT" '"class":"lock"'
mkdir -p "$W/$pool" && cp "$T/good" "$W/$pool/$file"
in_box "$no_mirrors" t_fetch 'KBUILD_DEBIAN_MIRROR has it' "$all"
rm "$T/debs/$file"
dd if=/dev/zero of="$W/$pool/$file" bs=1 count=4 conv=notrunc 2>/dev/null
in_box "$no_mirrors" t_refuses 'other bytes under its name' 'hash mismatch.*expected sha256:.*got  *sha256:' "$all"
echo longer >>"$W/$pool/$file"
in_box "$no_mirrors" t_refuses 'more bytes than promised' 'more than the' "$all"
t_is 'nothing of that is kept' '' "$(ls "$T/debs")"
rm "$W/$pool/$file"
KBUILD_DEBIAN_SNAPSHOT=$URL/snap
export KBUILD_DEBIAN_SNAPSHOT
mkdir -p "$W/snap/20250101T000000Z/$pool" && cp "$T/good" "$W/snap/20250101T000000Z/$pool/$file"
in_box "$no_mirrors" t_fetch 'a snapshot of the date has it' "$all"
t_same 'with the right bytes' "$T/good" "$T/debs/$file"
unset KBUILD_DEBIAN_MIRROR KBUILD_DEBIAN_SNAPSHOT
in_box "$no_mirrors" t_refuses 'no mirror at all' 'no Debian mirror is known.*KBUILD_DEBIAN_MIRROR' "$(set_of 12 amd64 make)"
mkdir -p "$HOME/.config/kbuild"
printf '# mine\nother: {x: 1}\ndebian-mirrors:\n  - %s\ncache: [a]\n' "$URL" >"$HOME/.config/kbuild/config.yaml"
rm "$T/debs/$file" && cp "$T/good" "$W/$pool/$file"
in_box "$no_mirrors" t_fetch 'debian-mirrors: of the configuration file' "$all"

done_testing
