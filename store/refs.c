// SPDX-License-Identifier: MIT
#include "store/refs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/path.h"

enum { DIGEST = PATH_DIGEST_LEN };

struct refs {
	const char *const *paths;
	size_t n;
	bool *found;
	uint32_t *slots; /* index + 1 of a path, 0 is free; open addressing */
	size_t mask;
	bool letter[256]; /* of a digest */
	/* The last bytes of what came before, where a digest may have begun. */
	char tail[DIGEST - 1];
	size_t tail_len;
};

/* Digests are random already: any eight of their characters are a hash. */
static size_t slot_of(const struct refs *r, const char *digest)
{
	uint64_t h;

	memcpy(&h, digest, sizeof(h));
	return (size_t)(h * 0x9e3779b97f4a7c15u >> 20) & r->mask;
}

static const char *digest_of(const struct refs *r, uint32_t slot)
{
	return path_base(r->paths[slot - 1]);
}

struct refs *refs_new(const char *const *paths, size_t n)
{
	static const char letters[] = "0123456789abcdfghijklmnpqrsvwxyz";
	struct refs *r = xcalloc(1, sizeof(*r));
	size_t size = 16;

	while (size < n * 2)
		size *= 2;
	r->paths = paths;
	r->n = n;
	r->found = xcalloc(n, sizeof(*r->found));
	r->slots = xcalloc(size, sizeof(*r->slots));
	r->mask = size - 1;
	for (const char *p = letters; *p; p++)
		r->letter[(unsigned char)*p] = true;
	for (size_t i = 0; i < n; i++) {
		size_t s = slot_of(r, path_base(paths[i]));

		while (r->slots[s])
			s = (s + 1) & r->mask;
		r->slots[s] = (uint32_t)i + 1;
	}
	return r;
}

static void look_up(struct refs *r, const char *digest)
{
	for (size_t s = slot_of(r, digest); r->slots[s]; s = (s + 1) & r->mask)
		if (memcmp(digest_of(r, r->slots[s]), digest, DIGEST) == 0)
			r->found[r->slots[s] - 1] = true;
}

/*
 * A window is tested from its end: one foreign character there rules out every window it
 * is part of, so most text is passed in strides of up to 32 bytes.
 */
static void scan(struct refs *r, const char *p, size_t n)
{
	size_t known = 0; /* windows are known to hold only letters before this offset */

	for (size_t i = 0; i + DIGEST <= n;) {
		size_t j = i + DIGEST;

		while (j > i && j > known && r->letter[(unsigned char)p[j - 1]])
			j--;
		if (j > i && j > known) {
			known = i = j;
			continue;
		}
		known = i + DIGEST;
		look_up(r, p + i++);
	}
}

void refs_feed(struct refs *r, const void *bytes, size_t n)
{
	char seam[2 * (DIGEST - 1)];
	size_t head = n < DIGEST - 1 ? n : DIGEST - 1;

	if (r->n == 0 || n == 0)
		return;
	memcpy(seam, r->tail, r->tail_len);
	memcpy(seam + r->tail_len, bytes, head);
	scan(r, seam, r->tail_len + head);
	scan(r, bytes, n);

	if (n >= DIGEST - 1) {
		r->tail_len = DIGEST - 1;
		memcpy(r->tail, (const char *)bytes + n - (DIGEST - 1), DIGEST - 1);
		return;
	}
	size_t joined = r->tail_len + n;
	size_t keep = joined < DIGEST - 1 ? joined : DIGEST - 1;
	memcpy(r->tail, seam + joined - keep, keep);
	r->tail_len = keep;
}

bool refs_found(const struct refs *r, size_t i)
{
	return r->found[i];
}

void refs_free(struct refs *r)
{
	if (!r)
		return;
	free(r->found);
	free(r->slots);
	free(r);
}
