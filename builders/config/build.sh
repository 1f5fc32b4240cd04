# SPDX-License-Identifier: MIT
# A .config from a base, fragments, musts and wishes. A program of ours, linked with the
# tree's own Kconfig (ask.h), merges them, lets Kconfig decide, and asks it why not.
#
# /build/asked has one request a line, `how TAB line TAB symbol TAB value`; later lines win.
# Values of fragments are Kconfig text; values of set and wish (line 0) are plain text.

objtree=/build/config

configure() {
	use_arch "$opt_arch"
	clean_source
	mkdir -p $objtree
	make_base
	cp $objtree/.config base.config
	: >asked
	for input in $inputs; do
		case $input in
		fragment_*) read_fragment "/src/$input" "$(input_name "$input")" ;;
		esac
	done
	for name in $opt_use_tree; do
		find_tree_config "$name"
		read_fragment "$tree_config" "$name"
	done
	read_requests wish "$opt_wish"
	[ -z "$opt_localversion" ] || read_requests set "LOCALVERSION=$opt_localversion"
	read_requests set "$opt_set"
	read_requests set LOCALVERSION_AUTO=n
}

make_base() {
	base_name=$opt_base
	case $opt_base in
	file)
		base_name=$(input_name base)
		gzip -dcf /src/base >$objtree/.config || die "config.base: cannot unpack the file"
		drop_missing_keys
		;;
	tinyconfig | allnoconfig | defconfig | *_defconfig)
		kmake /src/source O=$objtree "$opt_base" || die "the source cannot make $opt_base"
		;;
	*) die "config.base: expected tinyconfig, allnoconfig, NAME_defconfig or a file, not $opt_base" ;;
	esac
	# A base never decides the release: only `localversion` and `set` do.
	sed -i '/^CONFIG_LOCALVERSION=/d' $objtree/.config
	printf 'CONFIG_LOCALVERSION=""\n' >>$objtree/.config
}

# Configurations of distributions name certificates that only their own source has.
drop_missing_keys() {
	for symbol in SYSTEM_TRUSTED_KEYS SYSTEM_REVOCATION_KEYS; do
		keys=$(sed -n "s/^CONFIG_$symbol=\"\(.*\)\"/\1/p" $objtree/.config)
		if [ -z "$keys" ] || [ -f "/src/source/$keys" ]; then
			continue
		fi
		sed -i "s/^CONFIG_$symbol=.*/CONFIG_$symbol=\"\"/" $objtree/.config
		warn "config.base: CONFIG_$symbol names $keys, which the source lacks; left empty"
	done
}

find_tree_config() {
	for tree_config in "/src/source/kernel/configs/$1" "/src/source/arch/$srcarch/configs/$1"; do
		[ ! -f "$tree_config" ] || return 0
	done
	die "the source has no $1 in kernel/configs or arch/$srcarch/configs"
}

# read_fragment FILE NAME
read_fragment() {
	awk -v name="$2" '
		{ sub(/[ \t\r]+$/, "") }
		/^CONFIG_[A-Za-z0-9_]+=/ {
			eq = index($0, "=")
			symbol = substr($0, 8, eq - 8)
			print name "\t" FNR "\t" symbol "\t" substr($0, eq + 1) >>"asked"
			next
		}
		/^# CONFIG_[A-Za-z0-9_]+ is not set$/ {
			print name "\t" FNR "\t" substr($2, 8) "\tn" >>"asked"
			next
		}
		/^[ \t]*(#.*)?$/ { next }
		{
			printf "@kbuild error %s:%d: expected CONFIG_NAME=value, not `%s`\n", name, FNR, $0
			exit 1
		}
	' "$1"
}

# read_requests HOW LINES
read_requests() {
	printf '%s\n' "$2" | awk -v how="$1" '
		NF {
			eq = index($0, "=")
			symbol = substr($0, 1, eq - 1)
			sub(/^CONFIG_/, "", symbol)
			print how "\t0\t" symbol "\t" substr($0, eq + 1) >>"asked"
		}'
}

build() {
	learn_environment
	compile_ask
	export ask_arch="$opt_arch" ask_base="$base_name" ask_renamed="$script/renamed"
	[ "$opt_base" != file ] || export ask_base_file=1
	[ "$opt_prefer" != builtin ] || export ask_builtin=1
	export ask_explain="${opt_explain-}" ask_minimal="${opt_minimal-}"
	code=0
	in_kconfig /build/ask Kconfig /build/base.config /build/asked || code=$?
	case $code in
	0 | 4) ;;
	*) die "Kconfig cannot resolve the configuration" ;;
	esac
}

# What Kconfig files read from the environment is known to the kernel's makefiles: they run
# a `conf` of ours once, which notes it. Their own is built by then.
learn_environment() {
	[ -x $objtree/scripts/kconfig/conf ] || kmake /src/source O=$objtree olddefconfig >&2 ||
		die "the source cannot make olddefconfig"
	mv $objtree/scripts/kconfig/conf conf
	printf '#!/bin/sh\nexport -p >/build/environment\n' >$objtree/scripts/kconfig/conf
	chmod +x $objtree/scripts/kconfig/conf
	kmake /src/source O=$objtree olddefconfig >&2 || die "the source cannot make olddefconfig"
	mv conf $objtree/scripts/kconfig/conf
}

# in_kconfig COMMAND...: as the kernel's makefiles would run it.
in_kconfig() {
	(
		cd $objtree
		. /build/environment
		exec "$@"
	)
}

# The headers say what this release's Kconfig is like, see ask.h.
compile_ask() {
	kconfig=/src/source/scripts/kconfig
	flags=
	! grep -q 'for_all_symbols(i' $kconfig/expr.h || flags="$flags -DSYMBOLS_BY_INDEX"
	! grep -q '\*filename;' $kconfig/expr.h || flags="$flags -DPLACE_IS_NAME"
	objects=
	for object in "$objtree"/scripts/kconfig/*.o; do
		[ "${object##*/}" = conf.o ] || objects="$objects $object"
	done
	# shellcheck disable=SC2016,SC2086 # variables of make's; lists of words
	in_kconfig sh -c '$HOSTCC $KBUILD_HOSTCFLAGS -std=gnu11 -O1 -D_GNU_SOURCE "$@" -o /build/ask' ask \
		-I$kconfig $flags "$script"/*.c $objects ||
		die "cannot link with this source's Kconfig"
}

check() {
	[ "$code" = 0 ] || [ -n "${opt_lenient-}" ] || exit 4
}

install() {
	mkdir -p "$out" "$report"
	cp $objtree/.config "$out/config"
	{
		printf 'symbol\tasked\tgot\thow\n'
		sort -s -u -k1,1 $objtree/report.rows
	} >"$report/report.tsv"
	[ -z "${opt_minimal-}" ] || cp $objtree/minimal.config "$report/"
	cp $objtree/symbols.tsv $objtree/verdicts.jsonl $objtree/explain.jsonl "$report/"
}
