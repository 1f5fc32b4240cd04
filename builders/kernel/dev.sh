# SPDX-License-Identifier: MIT
# The `dev` output: source headers and generated files merged into one tree that works as
# `make -C dev M=DIR modules` without being written to. Nothing in it depends on the bodies
# of built-in functions, so a change of a driver does not rebuild anybody's modules.

install_dev() {
	mkdir -p "$dev"
	dev_sources >dev.sources
	tar -C /src/source -cf - -T dev.sources | tar -C "$dev" -xf - --no-same-permissions
	chmod -R u+w "$dev"
	dev_generated >dev.generated
	tar -C "$objtree" -cf - -T dev.generated | tar -C "$dev" -xf - --no-same-permissions
	if has DEBUG_INFO_BTF_MODULES && [ -f "$objtree/vmlinux" ]; then
		dev_btf
	fi
}

dev_sources() {
	cd /src/source
	printf '%s\n' Makefile Kbuild Kconfig
	find "arch/$srcarch" -maxdepth 1 -name 'Makefile*'
	find "arch/$srcarch" -name Kbuild.platforms -o -name Platform
	find "arch/$srcarch" \( -name include -o -name scripts \) -type d -prune \
		! -path '*/boot/*' -print
	# Older sources have what is made of module.lds.S now.
	find "arch/$srcarch/kernel" -maxdepth 1 -name module.lds
	echo include
	# Not what makes configurations, packages or reports: no module build reads them.
	find scripts \( -name kconfig -o -name dtc -o -name package -o -name coccinelle \
		-o -name gdb -o -name selinux -o -name tracing -o -name ksymoops \) -prune \
		-o \( -type f -o -type l \) ! -name '.*' -print
	cd /build
}

dev_generated() {
	cd "$objtree"
	echo .config
	find include/generated "arch/$srcarch/include/generated" include/config -type f ! -name '*.cmd'
	find scripts \( -name kconfig -o -name gdb -o -name dtc -o -name basic \) -prune \
		-o \( -type f -o -type l \) ! -name '.*' ! -name '*.o' ! -name '*.a' -print
	for file in Module.symvers scripts/basic/fixdep scripts/dtc/dtc tools/objtool/objtool \
		tools/bpf/resolve_btfids/resolve_btfids "arch/$srcarch/kernel/module.lds"; do
		[ ! -f "$file" ] || echo "$file"
	done
	if has RUST; then
		find rust \( -name '*.rmeta' -o -name '*.so' \) -type f
	fi
	cd /build
}

# pahole and resolve_btfids read only the type information of vmlinux.
dev_btf() {
	"${cross}objcopy" -O binary --only-section=.BTF --set-section-flags .BTF=alloc \
		"$objtree/vmlinux" vmlinux.btf
	echo | "${cross}gcc" -x assembler -c -o empty.o -
	"${cross}objcopy" --add-section .BTF=vmlinux.btf empty.o "$dev/vmlinux"
}
