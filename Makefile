# SPDX-License-Identifier: MIT
# One non-recursive Makefile. `make help` prints the targets.

CC ?= gcc
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
DESTDIR ?=
# Sanitizers: make SAN=address,undefined ...; builds into build-san/ then.
SAN ?=
# What `make check` is built with; CHECK_SAN= tests the plain build.
CHECK_SAN ?= address,undefined
B := $(if $(SAN),build-san,build)

# What building, testing and running need, as Debian and Ubuntu call it.
PACKAGES := gcc libc6-dev pkg-config bubblewrap libyaml-dev libgit2-dev \
	libcurl4-openssl-dev libssl-dev libarchive-dev libsqlite3-dev libjson-c-dev \
	libzstd-dev zlib1g-dev liblzma-dev libseccomp-dev gpgv debian-archive-keyring \
	qemu-system-x86 qemu-system-arm gdb gdb-multiarch
# Fuzzing wants another compiler.
FUZZ_PACKAGES := clang libclang-rt-dev
CHECK_PACKAGES := $(PACKAGES) libcmocka-dev perl shellcheck clang-format nix-bin git \
	nginx-light openssl s3cmd sqlite3 cpio attr jq xz-utils zstd bzip2 lz4 valgrind \
	time cmake openssh-client python3 procps

# kbuild starts in a millisecond because it links little; kbuild-fetch is the second
# program, for what touches network, git or archives.
MAIN_LIBS := yaml-0.1 sqlite3 json-c libzstd libseccomp
# kbuild needs one digest of libcrypto: linked in, since loading all of it takes longer than
# hashing everything a run that does nothing hashes.
SHA256_LIB := -l:libcrypto.a
FETCH_LIBS := libcurl libgit2 libarchive libcrypto json-c sqlite3
CPPFLAGS += -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
STD := -std=gnu17
WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wvla $(if $(CI),-Werror)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)
# V=1 shows the commands.
Q := $(if $(V),,@)
say = @printf '  %-8s%s\n' $(1) $@
LINK = $(CC) $(CFLAGS) $(SANFLAGS) -Wl,--as-needed $(LDFLAGS)

FETCH_MAIN := $(wildcard cli/fetch*.c)
LIB := $(wildcard base/*.c store/*.c fetchers/*.c sandbox/*.c module/*.c \
	evaluator/*.c realise/*.c)
MAIN := $(filter-out $(FETCH_MAIN),$(wildcard cli/*.c))
UNIT := $(wildcard tests/unit/test_*.c)
FUZZ := $(wildcard tests/fuzz/fuzz_*.c)
TESTS := $(sort $(wildcard tests/lint/*.sh tests/builders/*.sh tests/fault/[0-9]*.sh \
	tests/functional/*.sh tests/vm/*.sh))
# The crash harness is preloaded into the plain programs, whatever the others are built with.
FAULT := build/tests/fault.so build/tests/faultrun

obj = $(patsubst %.c,$(B)/%.o,$(1))
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT)) \
	$(patsubst tests/fuzz/%.c,$(B)/tests/%,$(FUZZ))

all: $(B)/kbuild $(B)/kbuild-fetch ## build kbuild and kbuild-fetch into build/

$(B)/libkbuild.a: $(call obj,$(LIB))
	$(call say,AR)
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(B)/kbuild: $(call obj,$(MAIN)) $(B)/libkbuild.a
	$(call say,LD)
	$(Q)$(LINK) -o $@ $^ $(shell pkg-config --libs $(MAIN_LIBS)) $(SHA256_LIB)

$(B)/kbuild-fetch: $(call obj,$(FETCH_MAIN)) $(B)/libkbuild.a
	$(call say,LD)
	$(Q)$(LINK) -o $@ $^ $(shell pkg-config --libs $(FETCH_LIBS) $(MAIN_LIBS))

# Unit tests may use everything but the two mains.
$(B)/tests/%: tests/unit/%.c $(filter-out $(B)/cli/main.o,$(call obj,$(MAIN))) $(B)/libkbuild.a
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(STD) $(CPPFLAGS) $(WARN) -o $@ $^ \
		$(shell pkg-config --libs $(FETCH_LIBS) $(MAIN_LIBS) cmocka)

# A fuzz target over its corpus; with a fuzzer, which has its own main.
$(B)/tests/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/fuzz.h tests/fuzz/replay.c $(B)/libkbuild.a
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(LINK) $(if $(FUZZER),-fsanitize=fuzzer) $(STD) $(CPPFLAGS) $(WARN) -o $@ \
		$(filter-out $(if $(FUZZER),%/replay.c) %.h,$^) \
		$(shell pkg-config --libs $(FETCH_LIBS) $(MAIN_LIBS))

build/tests/fault.so: tests/fault/fault.c tests/fault/page.h
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(CC) $(STD) $(CPPFLAGS) -O2 -g $(WARN) -shared -fPIC -o $@ $<

build/tests/faultrun: tests/fault/run.c tests/fault/page.h
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(CC) $(STD) $(CPPFLAGS) -O2 -g $(WARN) -o $@ $<

$(B)/%.o: %.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(STD) $(CPPFLAGS) $(CFLAGS) $(WARN) $(SANFLAGS) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(call obj,$(LIB) $(MAIN) $(FETCH_MAIN)))

unit: $(UNIT_BIN) ## build the unit tests

deps: ## install the packages that building and running need (apt-get)
	@tests/install-packages.sh $(PACKAGES)

check-deps: ## install the packages that testing needs (apt-get)
	@tests/install-packages.sh $(CHECK_PACKAGES)

demo: deps ## install what is missing, build, realize examples/hello, boot it, show it
	$(MAKE) all
	examples/demo.sh $(B)/kbuild

check: check-deps ## install what is missing, build with sanitizers, run every test
	$(MAKE) SAN=$(CHECK_SAN) run-check

# What tests/fault wants.
plain: $(if $(SAN),,all $(FAULT))
	$(if $(SAN),$(Q)$(MAKE) SAN= plain)

run-check: all unit plain
	KBUILD=$(CURDIR)/$(B)/kbuild tests/run.sh $(UNIT_BIN) $(TESTS)

check-unit: unit ## run the unit tests only
	KBUILD=$(CURDIR)/$(B)/kbuild tests/run.sh $(UNIT_BIN)

check-eval: all ## run the golden evaluations only (ACCEPT=1 rewrites them)
	KBUILD=$(CURDIR)/$(B)/kbuild tests/run.sh $(wildcard tests/functional/*-eval*.sh)

check-builders: all ## check every builder's manifest and script, build its test.yaml
	KBUILD=$(CURDIR)/$(B)/kbuild tests/run.sh $(wildcard tests/functional/*-builders*.sh)

# Each target for FUZZ_SECONDS, or the one named by TARGET; CORPUS=1 keeps what is new.
FUZZ_SECONDS ?= 600
fuzz: ## feed the parsers what a fuzzer makes up (FUZZ_SECONDS=600 each, TARGET=nar)
	@tests/install-packages.sh $(FUZZ_PACKAGES)
	$(MAKE) B=build-fuzz CC=clang FUZZER=1 SAN=fuzzer-no-link,address,undefined fuzzers
	FUZZ_SECONDS=$(FUZZ_SECONDS) CORPUS=$(CORPUS) tests/fuzz/run.sh $(TARGET)

fuzzers: $(patsubst tests/fuzz/%.c,$(B)/tests/%,$(FUZZ))

check-headers: ## compile each header alone
	tests/lint/headers.sh

bench: all ## measure the targets of docs/performance.md beside a peer
	KBUILD=$(CURDIR)/$(B)/kbuild tests/bench/run.sh

format: ## format the C code
	clang-format -i $(wildcard */*.[ch] tests/*/*.[ch])

check-format: ## fail if formatting would change a file
	clang-format --dry-run -Werror $(wildcard */*.[ch] tests/*/*.[ch])

install: all ## install below PREFIX (and DESTDIR)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/libexec/kbuild \
		$(DESTDIR)$(PREFIX)/share/kbuild $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(B)/kbuild $(DESTDIR)$(PREFIX)/bin/kbuild
	install -m 755 $(B)/kbuild-fetch $(DESTDIR)$(PREFIX)/libexec/kbuild/kbuild-fetch
	install -m 644 docs/kbuild.1 $(DESTDIR)$(PREFIX)/share/man/man1/kbuild.1
	for d in board builders recipes guest vary examples; do \
		rm -rf $(DESTDIR)$(PREFIX)/share/kbuild/$$d; \
		git ls-files -z $$d | xargs -0 cp --parents -t $(DESTDIR)$(PREFIX)/share/kbuild; \
	done

help: ## print this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 20

clean: ## remove build/, build-san/ and build-fuzz/
	rm -rf build build-san build-fuzz

.PHONY: all unit deps check-deps demo check plain run-check check-unit check-eval check-builders \
	fuzz fuzzers check-headers bench format check-format install help clean
.DELETE_ON_ERROR:
