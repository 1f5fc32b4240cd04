/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Which store paths a stream of bytes mentions: a path is mentioned where the 32
 * characters of its digest occur, whatever stands around them. Feeding in any portions
 * gives the same answer.
 *
 *	autorefs struct refs *r = refs_new(candidates, n);
 *	refs_feed(r, bytes, len);
 *	if (refs_found(r, i))
 *		...candidates[i] is referred to
 */
#include <stdbool.h>
#include <stddef.h>

struct refs;

/* Logical paths, not copied: they must outlive it. */
struct refs *refs_new(const char *const *paths, size_t n);
void refs_feed(struct refs *r, const void *bytes, size_t n);
bool refs_found(const struct refs *r, size_t i);
void refs_free(struct refs *r);

static inline void cleanup_refs(struct refs **r)
{
	refs_free(*r);
}
#define autorefs __attribute__((cleanup(cleanup_refs)))
