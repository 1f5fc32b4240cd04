# SPDX-License-Identifier: MIT
# A .config from a base, fragments, musts and wishes. The merge is ours because the
# kernel's merge_config.sh drops symbols without a word; Kconfig itself decides all values.
#
# /build/asked has one request a line, `how TAB symbol TAB value`; later lines win. Values
# of fragments are Kconfig text; values of set and wish are plain text (see merge.awk).

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
	case $opt_base in
	file)
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
			print name "\t" substr($0, 8, eq - 8) "\t" substr($0, eq + 1) >>"asked"
			next
		}
		/^# CONFIG_[A-Za-z0-9_]+ is not set$/ { print name "\t" substr($2, 8) "\tn" >>"asked"; next }
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
			print how "\t" symbol "\t" substr($0, eq + 1) >>"asked"
		}'
}

build() {
	: >string.symbols
	for round in 1 2 3 4; do
		awk -F '\t' -f "$script/merge.awk" string.symbols asked base.config >$objtree/.config
		resolve
		cp string.symbols string.symbols.old
		find_strings
		! cmp -s string.symbols string.symbols.old || break
	done
	echo "resolved in round $round"
	[ "$opt_prefer" != builtin ] || prefer_builtin
}

resolve() {
	kmake /src/source O=$objtree olddefconfig || die "Kconfig cannot resolve the configuration"
}

# A request like 18 or y is a string if Kconfig says so: SYMBOL="..." in its answer.
find_strings() {
	sed -n 's/^CONFIG_\([A-Za-z0-9_]*\)=".*/\1/p' $objtree/.config >quoted
	awk -F '\t' '
		FILENAME == "quoted" { quoted[$1]; next }
		($1 == "set" || $1 == "wish") && $2 in quoted && !seen[$2]++ { print $2 }
	' quoted asked >string.symbols
}

# Every =m that nobody asked for by name becomes =y; Kconfig takes back what is not legal.
prefer_builtin() {
	awk -F '\t' '
		FILENAME == "asked" { if (($1 == "set" || $1 == "wish") && $3 == "m") keep[$2]; next }
		/^CONFIG_[A-Za-z0-9_]+=m$/ && !(substr($0, 8, length($0) - 9) in keep) { sub(/m$/, "y") }
		{ print }
	' asked $objtree/.config >builtin.config
	cp builtin.config $objtree/.config
	resolve
}

check() {
	# All symbols of all Kconfig files: tells an unset symbol from a misspelt one.
	find /src/source -name 'Kconfig*' -type f -exec \
		sed -n 's/^[ \t]*\(menu\)\{0,1\}config[ \t]\{1,\}\([A-Za-z0-9_]\{1,\}\).*/\2/p' {} + >symbols
	: >file.config
	[ "$opt_base" != file ] || cp base.config file.config
	awk -F '\t' -f "$script/report.awk" symbols asked file.config $objtree/.config >messages
	grep '^@kbuild ' messages || :
	! grep -q '^@kbuild ungranted ' messages || exit 4
}

install() {
	mkdir -p "$out" "$report"
	cp $objtree/.config "$out/config"
	{
		printf 'symbol\tasked\tgot\thow\n'
		sed -n 's/^report\t//p' messages | sort
	} >"$report/report.tsv"
}
