# SPDX-License-Identifier: MIT
# One kernel build, split by who uses the result: `out` to boot it, `modules` to load,
# `dev` to compile modules against it, `debug` to debug it.

objtree=/build/kernel

configure() {
	use_arch "$opt_arch"
	clean_source
	mkdir -p $objtree
	cp /src/config/config $objtree/.config
	chmod u+w $objtree/.config
	kmake /src/source O=$objtree syncconfig
	if [ -n "$opt_release" ]; then
		. "$script/target.sh"
		check_target
	fi
	if [ "$opt_build" = prepare ]; then
		. "$script/prepare.sh"
		check_prepare
		return
	fi
	image=$opt_image
	if [ "$image" = auto ]; then
		image=$(kmake /src/source O=$objtree --no-print-directory -s image_name | tail -n 1)
		image=${image##*/}
	fi
	[ -n "$image" ] || die "the source does not say what its image is; set kernel.image"
	if has MODULE_SIG && [ "$(config_value $objtree/.config MODULE_SIG_KEY)" = '"certs/signing_key.pem"' ]; then
		warn "CONFIG_MODULE_SIG makes a new key for every build, so no two are the same"
	fi
}

has() {
	grep -q "^CONFIG_$1=[ym]$" $objtree/.config
}

has_input() {
	case " $inputs " in
	*" $1 "*) ;;
	*) false ;;
	esac
}

build() {
	if [ "$opt_build" = prepare ]; then
		kmake /src/source O=$objtree modules_prepare
		make_symvers
		return
	fi
	set -- "$image"
	! has MODULES || set -- "$@" modules
	! has GDB_SCRIPTS || set -- "$@" scripts_gdb
	kmake /src/source O=$objtree "$@"
}

# A build that resolves its configuration once more would not be the kernel asked for.
check() {
	cmp -s /src/config/config $objtree/.config && return
	changed=$(diff /src/config/config $objtree/.config |
		sed -n 's/^> \(# \)\{0,1\}CONFIG_\([A-Za-z0-9_]*\).*/\2/p' | sort -u | head -n 10 | tr '\n' ' ')
	die "the build changed the configuration: $changed"
}

install() {
	release=$(cat $objtree/include/config/kernel.release)
	. "$script/dev.sh"
	mkdir -p "$out" "$debug"
	cp $objtree/.config "$out/config"
	printf '%s\n' "$release" >"$out/release"
	install_dev
	[ -z "$opt_release" ] || check_vermagic
	if [ "$opt_build" = prepare ]; then
		mkdir -p "$modules/lib/modules/$release"
		return
	fi
	install_image
	install_modules
	install_debug
}

install_image() {
	case $image in
	vmlinux) cp $objtree/vmlinux "$out/" ;;
	*) cp "$objtree/arch/$srcarch/boot/$image" "$out/" ;;
	esac
	ln -s "$image" "$out/image"
	cp $objtree/System.map "$out/"
}

install_modules() {
	if has MODULES; then
		kmake /src/source O=$objtree INSTALL_MOD_PATH="$modules" INSTALL_MOD_STRIP=1 modules_install
		rm -f "$modules/lib/modules/$release/build" "$modules/lib/modules/$release/source"
	else
		mkdir -p "$modules/lib/modules/$release"
	fi
}

# What gdb wants: symbols, the kernel's own commands, and the modules before stripping.
install_debug() {
	cp $objtree/vmlinux "$debug/"
	if has GDB_SCRIPTS; then
		mkdir -p "$debug/scripts"
		cp -R /src/source/scripts/gdb "$debug/scripts/"
		chmod -R u+w "$debug/scripts"
		cp $objtree/scripts/gdb/linux/constants.py "$debug/scripts/gdb/linux/"
		mv "$debug/scripts/gdb/vmlinux-gdb.py" "$debug/"
		find "$debug/scripts" \( -name Makefile -o -name '*.in' \) -exec rm -f {} +
	fi
	(cd $objtree && find . -name '*.ko' -type f) >kofiles
	while read -r ko; do
		mkdir -p "$debug/modules/${ko%/*}"
		cp "$objtree/$ko" "$debug/modules/$ko"
	done <kofiles
}
