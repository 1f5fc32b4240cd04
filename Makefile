# SPDX-License-Identifier: MIT
# One non-recursive Makefile. `make help` prints the targets.

CC ?= gcc
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
SAN ?=
B := $(if $(SAN),build-san,build)

MAIN_LIBS := yaml-0.1 sqlite3 libcrypto json-c libzstd libseccomp
FETCH_LIBS := libcurl libgit2 libarchive libcrypto json-c sqlite3
CPPFLAGS += -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
STD := -std=gnu17
WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wvla $(if $(CI),-Werror)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)

BASE := $(wildcard base/*.c)
STORE := $(wildcard store/*.c)
FETCH := $(wildcard fetchers/*.c)
MAIN := $(wildcard sandbox/*.c evaluator/*.c realise/*.c cli/*.c)
UNIT := $(wildcard tests/unit/test_*.c)
# The second program: what touches network, git or archives. See fetchers/fetch.h.
FETCH_ONLY := $(filter-out fetchers/request.c fetchers/treecache.c,$(FETCH))
SHARED_FETCH := $(filter fetchers/request.c fetchers/treecache.c,$(FETCH))

obj = $(patsubst %.c,$(B)/%.o,$(1))
COMMON_OBJ := $(call obj,$(BASE) $(STORE) $(SHARED_FETCH))
MAIN_OBJ := $(call obj,$(MAIN))
FETCH_OBJ := $(call obj,$(FETCH_ONLY))
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT))

all: $(B)/kbuild $(B)/kbuild-fetch ## build kbuild and kbuild-fetch into build/

$(B)/kbuild: $(MAIN_OBJ) $(COMMON_OBJ)
	$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs $(MAIN_LIBS))

$(B)/kbuild-fetch: $(FETCH_OBJ) $(COMMON_OBJ)
	$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs $(FETCH_LIBS) $(MAIN_LIBS))

# Unit tests link everything but the two mains.
UNIT_LINK := $(filter-out $(B)/cli/main.o,$(MAIN_OBJ)) $(COMMON_OBJ) $(filter-out $(B)/fetchers/main.o,$(FETCH_OBJ))
$(B)/tests/%: tests/unit/%.c $(UNIT_LINK)
	@mkdir -p $(@D)
	$(CC) $(STD) $(CPPFLAGS) $(CFLAGS) $(WARN) $(SANFLAGS) $(LDFLAGS) -o $@ $< $(UNIT_LINK) \
		$(shell pkg-config --libs $(FETCH_LIBS) $(MAIN_LIBS) cmocka)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STD) $(CPPFLAGS) $(CFLAGS) $(WARN) $(SANFLAGS) -MMD -MP -c -o $@ $<

-include $(patsubst %.o,%.d,$(MAIN_OBJ) $(COMMON_OBJ) $(FETCH_OBJ))

unit: $(UNIT_BIN) ## build the unit tests

check-unit: unit ## run the unit tests
	CMOCKA_MESSAGE_OUTPUT=tap prove $(UNIT_BIN)

help: ## print this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 20

clean: ## remove build/ and build-san/
	rm -rf build build-san

.PHONY: all unit check-unit help clean
.DELETE_ON_ERROR:
