/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * A NAR sink that hashes what it is given and looks for references in it. Once there is
 * more than one buffer of data this happens in a second thread, beside the reading and
 * writing of files; a small tree never starts one. Memory is constant.
 *
 *	autodigest struct digest *d = digest_new(refs);
 *	if (nar_dump(&dump, digest_sink(d), err) < 0)
 *		return -1;
 *	struct sha256 nar = digest_end(d, &size);
 */
#include "base/sha256.h"
#include "store/nar.h"
#include "store/refs.h"

struct digest;

/* refs may be NULL. It belongs to the digest's thread until digest_end. */
struct digest *digest_new(struct refs *refs);
struct nar_sink *digest_sink(struct digest *d);
/* Waits for the last byte. Once. */
struct sha256 digest_end(struct digest *d, uint64_t *size);
void digest_free(struct digest *d);

static inline void cleanup_digest(struct digest **d)
{
	digest_free(*d);
}
#define autodigest __attribute__((cleanup(cleanup_digest)))
