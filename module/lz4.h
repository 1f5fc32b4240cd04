/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The legacy frames of LZ4, in which kernels are packed: blocks of at most 8 MiB, each
 * with its size before it. Source: the format's descriptions lz4_Frame_format.md and
 * lz4_Block_format.md.
 */
#include "base/error.h"
#include "base/str.h"

/* As those of struct packed. */
int unpack_lz4(struct str packed, size_t max, struct strbuf *out, struct error *err);
