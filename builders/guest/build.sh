# SPDX-License-Identifier: MIT
# bin/init, static and small. The specs file makes any gcc compile for the small C library,
# a cross compiler too.

configure() {
	use_arch "$opt_arch"
	specs=/usr/lib/$musl/musl-gcc.specs
	[ -f "$specs" ] || die "not in the toolchain: $specs (package musl-dev)"
}

build() {
	"${cross}gcc" -specs="$specs" -std=gnu17 -Os -Wall -Wextra -static -s \
		-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables \
		-Wl,--gc-sections -Wl,--build-id=none -o init /src/source/init.c
}

check() {
	if readelf -lW init | grep -q INTERP; then
		die "init is not static"
	fi
}

install() {
	mkdir -p "$out/bin"
	cp init "$out/bin/init"
}
