# SPDX-License-Identifier: MIT
# The recipe's modules, those of the kernel that they or `load` need, and what a run needs
# where the kernel has not built it in. depmod runs twice: over everything to learn what is
# needed, then over what the image has.

lib=lib/modules

# When init loads which driver of the kernel (guest/README.md): the bus and the ports it
# reports by, the command, then what the machine turns out to have.
drivers='
always virtio_pci
always virtio_mmio
always qemu_fw_cfg
virtio:3 virtio_console
virtio:4 virtio_rng
virtio:1 virtio_net
virtio:9 9pnet_virtio
virtio:9 9p
virtio:26 virtiofs
overlay overlay'

add_modules() {
	: >load
	: >drivers
	if [ -z "$base" ]; then
		add /etc/kbuild/modules 0644 file /build/load
		add /etc/kbuild/drivers 0644 file /build/drivers
	fi
	[ "$(config_value /src/kernel/config MODULES)" = y ] || {
		[ -z "$opt_load" ] || die "initramfs.load: the kernel has CONFIG_MODULES=n"
		return 0
	}
	stage_all
	choose_modules
	stage_chosen
	list_chosen >chosen.files
	while read -r file; do
		add "/$file" 0644 file "/build/chosen/$file"
	done <chosen.files
	tell_loads
	[ -n "$base" ] || add_short_names
}

# What the recipe puts there must fit the kernel that boots; of its own modules that do not, it is told.
tell_loads() {
	awk -F '\t' -v above="$lib/$release/" '
		FILENAME == "module.files" { own[above $2]; next }
		/\.ko/ { print "@kbuild " ($1 in own ? "loads" : "may-load") " /build/chosen/" $1 " /src/kernel" }
	' module.files chosen.files
}

# What a base has already is a link there, and stays as it is; but for the tables of depmod.
list_chosen() {
	if [ -n "$base" ] && [ ! -s chosen.paths ]; then
		return
	fi
	[ -n "$opt_depmod" ] || set -- -name '*.ko*'
	(cd chosen && find $lib -type f "$@") | sort
}

# stage_base DIR: the base's modules for this kernel, but those that DIR has itself.
stage_base() {
	(cd base && find "$lib/$release" -name '*.ko*' -type f) >base.files
	while read -r file; do
		[ ! -e "$1/$file" ] || continue
		mkdir -p "$1/${file%/*}"
		ln -s "/build/base/$file" "$1/$file"
	done <base.files
}

# A folder full of links: the recipe's modules and what they may need of the kernel's.
stage_all() {
	mkdir -p "all/$lib/$release"
	kernel_modules=/src/kernel_modules/$lib/$release
	for entry in "$kernel_modules"/modules.builtin* "$kernel_modules"/modules.order; do
		[ ! -e "$entry" ] || cp -s "$entry" "all/$lib/$release/"
	done
	: >module.files
	for input in $inputs; do
		case $input in
		module_*) stage_module "$input" ;;
		esac
	done
	kernel_files >kernel.files
	while read -r file; do
		mkdir -p "all/$lib/$release/${file%/*}"
		ln -s "$kernel_modules/$file" "all/$lib/$release/$file"
	done <kernel.files
	depmod -b /build/all "$release"
}

# A kernel of a distribution has thousands of modules, and depmod reads all it is shown. What
# it found when they were installed says which of them can matter.
kernel_files() {
	if [ ! -f "$kernel_modules/modules.dep" ] || [ ! -f "$kernel_modules/modules.symbols" ]; then
		(cd "$kernel_modules" && find . -name '*.ko*' -type f) | sed 's,^\./,,' | sort
		return
	fi
	while IFS='	' read -r _ file; do
		readelf -sW "all/$lib/$release/$file" | awk '$7 == "UND" && NF > 7 { print $8 }'
	done <module.files | sort -u >undefined
	{
		printf '%s\n' "$drivers" | sed 's/.* //'
		printf '%s\n' "$opt_modules" "$opt_load" | sed 's/[ 	].*//'
	} | grep . >named
	awk -f "$script/needed.awk" "$kernel_modules/modules.dep" "$kernel_modules/modules.symbols" undefined named
}

# Lists the file of each module as `step TAB path below lib/modules/RELEASE`.
stage_module() {
	[ -d "/src/$1/$lib/$release" ] || die "module ${1#module_} was not built for kernel $release"
	(cd "/src/$1/$lib/$release" && find . -name '*.ko*' -type f) | sed 's,^\./,,' | sort >files
	while read -r file; do
		if [ -e "all/$lib/$release/$file" ] || [ -e "$kernel_modules/$file" ]; then
			die "two modules are installed as $file"
		fi
		mkdir -p "all/$lib/$release/${file%/*}"
		ln -s "/src/$1/$lib/$release/$file" "all/$lib/$release/$file"
		printf '%s\t%s\n' "${1#module_}" "$file" >>module.files
	done <files
}

# chosen.paths: files of the image; load and drivers: what init loads, dependencies first.
choose_modules() {
	cat "all/$lib/$release/modules.builtin" >builtin 2>/dev/null || : >builtin
	printf '%s\n' "$opt_modules" | grep . >wanted || cut -f 1 module.files | sort -u >wanted
	printf '%s\n' "$opt_load" | grep . >load.wanted || :
	# Another init than ours loads what it loads.
	[ -z "$base" ] || drivers=
	printf '%s\n' "$drivers" | grep . >drivers.wanted || :
	awk -v prefix="/$lib/$release/" -f "$script/choose.awk" \
		module.files builtin "all/$lib/$release/modules.dep" drivers.wanted wanted load.wanted
}

# unpacked FILE: its name in the image. Older kernels leave unpacking to modprobe.
unpacked() {
	case $1 in
	*.ko.gz | *.ko.xz | *.ko.zst) [ "$(config_value /src/kernel/config MODULE_DECOMPRESS)" = y ] || set -- "${1%.*}" ;;
	esac
	printf '%s\n' "$1"
}

stage_chosen() {
	mkdir -p "chosen/$lib/$release"
	for entry in "all/$lib/$release"/modules.builtin "all/$lib/$release"/modules.builtin.modinfo \
		"all/$lib/$release"/modules.order; do
		[ ! -e "$entry" ] || cp -L "$entry" "chosen/$lib/$release/"
	done
	while read -r file; do
		mkdir -p "chosen/$lib/$release/${file%/*}"
		plain=$(unpacked "$file")
		case $file in
		"$plain") set -- cat ;;
		*.gz) set -- gzip -dc ;;
		*.xz) set -- xz -dc ;;
		*.zst) set -- zstd -dc ;;
		esac
		"$@" <"all/$lib/$release/$file" >"chosen/$lib/$release/$plain"
		[ "$plain" = "$file" ] || sed -i "s|/$lib/$release/$file|/$lib/$release/$plain|" load drivers
	done <chosen.paths
	[ -z "$base" ] || stage_base chosen
	[ -z "$opt_depmod" ] || depmod -b /build/chosen "$release"
}

# /modules/NAME.ko for people: by file name, and by step name if a step made one file.
add_short_names() {
	awk -F '\t' '
		FILENAME == "chosen.paths" { chosen[$0]; next }
		{ count[$1]++ }
		$2 in chosen { step[++n] = $1; path[n] = $2 }
		END {
			for (i = 1; i <= n; i++) {
				name = path[i]
				sub(/.*\//, "", name)
				print name "\t" path[i]
				if (count[step[i]] == 1)
					print step[i] ".ko\t" path[i]
			}
		}
	' chosen.paths module.files | sort -u >short.names
	while IFS='	' read -r short file; do
		add "/modules/$short" 0777 link "../$lib/$release/$file"
	done <short.names
}
