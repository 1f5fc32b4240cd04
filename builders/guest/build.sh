# SPDX-License-Identifier: MIT
# bin/init, static and small: any gcc compiles for the small C library when it is told to take
# that one's headers and start files. Not every release of Debian has a specs file for it.

configure() {
	use_arch "$opt_arch"
	libc=/usr/lib/$musl
	[ -f "$libc/libc.a" ] || die "not in the toolchain: $libc/libc.a (package musl-dev)"
}

build() {
	"${cross}gcc" -nostdinc -isystem "/usr/include/$musl" \
		-isystem "$("${cross}gcc" -print-file-name=include)" \
		-std=gnu17 -Os -Wall -Wextra -fno-pie \
		-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables \
		-c -o init.o /src/source/init.c
	"${cross}gcc" -static -no-pie -nostdlib -s -Wl,--gc-sections -Wl,--build-id=none -o init \
		"$libc/crt1.o" "$libc/crti.o" init.o \
		-Wl,--start-group "$libc/libc.a" -lgcc -Wl,--end-group "$libc/crtn.o"
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
