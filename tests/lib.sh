# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# TAP for the functional tests; each begins with
#
#	. "$(dirname "$0")/../lib.sh"
#
# and ends with done_testing. KB is the kbuild to test (from $KBUILD, which `make` sets), T a
# fresh directory that goes away at exit, KBUILD_ROOT a store below it. Nothing of the user's
# environment that kbuild would read is left. KEEP=1 keeps T.
#
#	ok NAME / not_ok NAME         one result
#	t_run NAME CMD...             ok if CMD exits 0; its output is shown when it does not
#	t_fails NAME CMD...           ok if CMD fails without crashing (exit code 1..125)
#	t_is NAME WANT GOT            ok if both texts are equal
#	t_has NAME FILE PATTERN       ok if a line of FILE matches the basic regular expression
#	t_hasnt NAME FILE PATTERN     the opposite
#	t_same NAME FILE FILE         ok if both hold the same bytes
#	note TEXT                     a remark in the output
#	need PROGRAM...               skip the whole file when one is missing
#	skip_all REASON               skip the whole file
#	skip NAME REASON              one result that could not be had here; the reason is shown
#	t_shared                      use the store and cache that stay between runs
#	t_toolchain_lock FILE         a lock that pins the default toolchain
#	t_kernel_lock FILE            a lock that also pins debian/13/linux-source-6.12 as the kernel
#	t_board ARCH DIR              the recipe of tests/data/ARCH (arm64, armhf) in a new DIR, with a lock
#	t_script_recipe FILE TEXT     a recipe with one step `it` that runs the shell text
#	t_own_toolchain FILE          the toolchain of the recipe in KBUILD_ROOT, without building it;
#	                              needs sqlite3 and jq
#	t_lock_once NAME FILE         the lock of $T/lock/NAME.yaml, made once a build directory
#	done_testing                  the plan; exits 1 if anything failed
#
# The output of the last t_run or t_fails is in $T_OUT.

set -u

T_COUNT=0
T_FAILED=0
T_TOP=$(cd "$(dirname "$0")/../.." && pwd)
KB=${KBUILD:-$T_TOP/build/kbuild}
case $KB in
/*) ;;
*) KB=$PWD/$KB ;;
esac

# Where the user's own store is: kept between runs, so that what did not change is not
# built again. See t_shared.
T_SHARED_ROOT=${KBUILD_TEST_ROOT:-${KBUILD_ROOT:-${XDG_DATA_HOME:-$HOME/.local/share}/kbuild}}
T_SHARED_CACHE=${KBUILD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kbuild}
unset KBUILD_ROOT KBUILD_CACHE KBUILD_DATA XDG_DATA_HOME XDG_CACHE_HOME XDG_CONFIG_HOME CDPATH MAKEFLAGS
unset NIX_REMOTE NIX_STORE_DIR NIX_STATE_DIR NIX_LOG_DIR NIX_CONF_DIR NIX_PATH
LC_ALL=C
TZ=UTC
# What libraries leak is not ours to mend.
LSAN_OPTIONS=suppressions=$T_TOP/tests/lsan.supp:print_suppressions=0
export LC_ALL TZ LSAN_OPTIONS

T=$(mktemp -d "${TMPDIR:-/tmp}/kbuild-test.XXXXXX") || exit 1
T_OUT=$T/.out
HOME=$T/home
KBUILD_ROOT=$T/root
export HOME KBUILD_ROOT
mkdir "$HOME"

t_cleanup() {
	if [ -n "${KEEP:-}" ]; then
		echo "# kept $T"
		return
	fi
	# Store objects are read-only; only their directories need the write bit to go.
	find "$T" -type d ! -perm -700 -exec chmod u+rwx {} + 2>/dev/null
	rm -rf "$T"
}
trap t_cleanup EXIT
trap 'exit 1' HUP INT TERM

note() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

ok() {
	T_COUNT=$((T_COUNT + 1))
	echo "ok $T_COUNT - $1"
}

not_ok() {
	T_COUNT=$((T_COUNT + 1))
	T_FAILED=$((T_FAILED + 1))
	echo "not ok $T_COUNT - $1"
}

t_run() {
	t_name=$1
	shift
	if "$@" >"$T_OUT" 2>&1; then
		ok "$t_name"
		return 0
	else
		t_code=$?
	fi
	not_ok "$t_name"
	note "exit code $t_code of: $*"
	sed 's/^/#   /' "$T_OUT"
	return 1
}

t_fails() {
	t_name=$1
	shift
	"$@" >"$T_OUT" 2>&1
	t_code=$?
	if [ "$t_code" -ge 1 ] && [ "$t_code" -le 125 ]; then
		ok "$t_name"
		return 0
	fi
	not_ok "$t_name"
	note "exit code $t_code of: $*"
	sed 's/^/#   /' "$T_OUT"
	return 1
}

t_is() {
	if [ "$2" = "$3" ]; then
		ok "$1"
		return 0
	fi
	not_ok "$1"
	note "expected: $2"
	note "found:    $3"
	return 1
}

t_has() {
	if grep -q -e "$3" "$2"; then
		ok "$1"
		return 0
	fi
	not_ok "$1"
	note "no line matches: $3"
	sed 's/^/#   /' "$2"
	return 1
}

t_hasnt() {
	if ! grep -q -e "$3" "$2"; then
		ok "$1"
		return 0
	fi
	not_ok "$1"
	note "a line matches: $3"
	sed 's/^/#   /' "$2"
	return 1
}

t_same() {
	if cmp "$2" "$3" >"$T_OUT" 2>&1; then
		ok "$1"
		return 0
	fi
	not_ok "$1"
	sed 's/^/#   /' "$T_OUT"
	return 1
}

skip() {
	T_COUNT=$((T_COUNT + 1))
	echo "ok $T_COUNT - $1 # SKIP ${2:?a skip needs a reason}"
}

skip_all() {
	echo "1..0 # SKIP ${1:?a skip needs a reason}"
	exit 0
}

need() {
	for t_program; do
		command -v "$t_program" >/dev/null || skip_all "$t_program is not installed"
	done
}

# Use the store and the download cache that stay between runs.
t_shared() {
	KBUILD_ROOT=$T_SHARED_ROOT
	KBUILD_CACHE=$T_SHARED_CACHE
	export KBUILD_ROOT KBUILD_CACHE
}

# Resolving is slow and needs the network.
t_lock_once() {
	t_lock=$(dirname "$KB")/test-locks/$1.lock
	if [ ! -s "$t_lock" ]; then
		mkdir -p "$(dirname "$t_lock")"
		KBUILD_ROOT=$T_SHARED_ROOT KBUILD_CACHE=$T_SHARED_CACHE \
			"$KB" lock "$T/lock/$1.yaml" >&2 || return 1
		mv "$T/lock/$1.lock" "$t_lock"
	fi
	cp "$t_lock" "$2"
}

t_toolchain_lock() {
	mkdir -p "$T/lock"
	t_script_recipe "$T/lock/toolchain.yaml" true
	t_lock_once toolchain "$1"
}

t_kernel_lock() {
	mkdir -p "$T/lock"
	printf 'kbuild: 1\nkernel: debian/13/linux-source-6.12\n' >"$T/lock/kernel.yaml"
	t_lock_once kernel "$1"
}

t_board() {
	t_board_files "$1" "$2" || return 1
	printf 'kbuild: 1\narch: %s\nkernel: debian/13/linux-source-6.12\n' "$1" >"$T/lock/$1.yaml"
	t_lock_once "$1" "$2/recipe.lock"
}

# The recipe of tests/data/$1 in $2, with the module that all of them have.
t_board_files() {
	cp -R "$T_TOP/tests/data/$1" "$2" && cp -R "$T_TOP/tests/data/tiny/probe" "$2/" && mkdir -p "$T/lock"
}

# The kernel of tests/data/old, as t_board does it.
t_board_old() {
	t_board_files old "$1" || return 1
	printf 'kbuild: 1\narch: x86_64\ntoolchain: debian/11\nkernel: debian/11/linux-source-5.10\n' >"$T/lock/old.yaml"
	t_lock_once old "$1/recipe.lock"
}

# A recipe $1 with one step `it` that runs the shell text $2.
t_script_recipe() {
	{
		printf 'kbuild: 1\nsteps:\n  it:\n    builder: %s\n' "$T_TOP/tests/data/script"
		printf '    options:\n      script: |\n'
		printf '%s\n' "$2" | sed 's/^/        /'
	} >"$1"
}

# Hard links to the shared store's files where that is possible: nothing writes to them.
t_own_toolchain() {
	t_json=$(KBUILD_ROOT=$T_SHARED_ROOT KBUILD_CACHE=$T_SHARED_CACHE \
		"$KB" realize --locked --no-link --json "$1#toolchain") || return 1
	# An empty store, which the first object makes.
	"$KB" store add "$1" >/dev/null || return 1
	t_key=$(printf %s "$t_json" | jq -r .steps.toolchain.key)
	t_tree=$(printf %s "$t_json" | jq -r .steps.toolchain.outputs.out.path)
	for t_path in "$t_key" "$t_tree"; do
		"$KB" store path-info "$t_path" >/dev/null 2>&1 && continue
		cp -al "$T_SHARED_ROOT$t_path" "$KBUILD_ROOT$t_path" 2>/dev/null || {
			rm -rf "${KBUILD_ROOT:?}$t_path"
			cp -a "$T_SHARED_ROOT$t_path" "$KBUILD_ROOT$t_path" || return 1
		}
	done
	sqlite3 "$KBUILD_ROOT/nix/var/nix/db/db.sqlite" "
		attach '$T_SHARED_ROOT/nix/var/nix/db/db.sqlite' as s;
		begin;
		insert or ignore into ValidPaths (path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca)
			select path, hash, registrationTime, deriver, narSize, ultimate, sigs, ca
			from s.ValidPaths where path in ('$t_key', '$t_tree');
		insert or ignore into Refs select a.id, b.id from ValidPaths a, ValidPaths b
			where a.path = '$t_key' and b.path = '$t_tree';
		commit"
}

done_testing() {
	echo "1..$T_COUNT"
	[ "$T_FAILED" -eq 0 ] && [ "$T_COUNT" -gt 0 ]
	exit
}
