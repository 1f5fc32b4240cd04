/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One fuzz target is one function. libFuzzer calls it with what it makes up (`make
 * fuzz`), replay.c with the files of corpus/NAME (`make check`). What it finds out about
 * an input beside crashes it says with BUG.
 */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
