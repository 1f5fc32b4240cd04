/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Ed25519 (RFC 8032) by libcrypto, which is loaded when the first key is used: linked in,
 * its tables would cost every start of kbuild a quarter of a millisecond, and most runs
 * sign and check nothing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { ED25519_KEY_SIZE = 32, ED25519_SIG_SIZE = 64 };

/* Before all others. 0, or -1 when libcrypto cannot be loaded. */
int ed25519_load(struct error *err);
/* The public half of a secret seed. */
void ed25519_public(const uint8_t *seed, uint8_t *out);
void ed25519_sign(const uint8_t *seed, const void *bytes, size_t n, uint8_t *sig);
bool ed25519_fits(const uint8_t *key, const void *bytes, size_t n, const uint8_t *sig);
