// SPDX-License-Identifier: MIT
#include "store/reach.h"

#include <string.h>

#include "base/alloc.h"
#include "store/path.h"

/* --- loading ---------------------------------------------------------------------- */

/* The digest is a hash already: eight of its characters will do. */
static uint64_t slot_of(const char *digest)
{
	uint64_t h;

	memcpy(&h, digest + 8, sizeof(h));
	return h * 0x9e3779b97f4a7c15 >> 20;
}

int32_t reach_find(const struct reach *r, const char *digest)
{
	for (uint64_t i = slot_of(digest);; i++) {
		uint32_t slot = r->slots[i & r->mask];

		if (!slot)
			return -1;
		if (memcmp(r->v[slot - 1].path + PATH_PREFIX_LEN, digest,
			   PATH_DIGEST_LEN) == 0)
			return (int32_t)(slot - 1);
	}
}

static void index_digests(struct reach *r, struct arena *a)
{
	uint64_t n = 64;

	while (n < 2 * (uint64_t)r->n)
		n *= 2;
	r->mask = n - 1;
	r->slots = arena_array(a, n, uint32_t);
	for (uint32_t i = 0; i < r->n; i++) {
		uint64_t slot = slot_of(r->v[i].path + PATH_PREFIX_LEN);

		while (r->slots[slot & r->mask])
			slot++;
		r->slots[slot & r->mask] = i + 1;
	}
}

/* Rows come by id. */
static int32_t by_id(const struct reach *r, int64_t id)
{
	uint32_t low = 0, high = r->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (r->v[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->n && r->v[low].id == id ? (int32_t)low : -1;
}

/* Edges come by referrer: one block of references for each. */
static void take_edges(struct reach *r, const struct db_all *all, struct arena *a)
{
	uint32_t *refs = arena_array(a, all->nedges, uint32_t);
	size_t e = 0;

	for (uint32_t i = 0; i < r->n; i++) {
		struct reach_node *node = &r->v[i];

		while (e < all->nedges && all->edges[e].referrer < node->id)
			e++;
		node->refs = refs;
		for (; e < all->nedges && all->edges[e].referrer == node->id; e++) {
			int32_t to = by_id(r, all->edges[e].reference);

			if (to >= 0 && to != (int32_t)i)
				refs[node->nrefs++] = (uint32_t)to;
		}
		refs += node->nrefs;
	}
}

int reach_load(struct db *db, struct arena *a, struct reach *out, struct error *err)
{
	struct db_all all;

	*out = (struct reach){0};
	if (db_all(db, a, &all, err) < 0)
		return -1;
	out->v = arena_array(a, all.nrows, struct reach_node);
	out->queue = arena_array(a, all.nrows, uint32_t);
	for (size_t i = 0; i < all.nrows; i++) {
		/* A row that names no store path is for `store verify` to tell. */
		if (!path_ok(all.rows[i].path))
			continue;
		out->v[out->n++] = (struct reach_node){
			.id = all.rows[i].id,
			.path = all.rows[i].path,
			.size = all.rows[i].nar_size,
			.registered = all.rows[i].registered,
			.via = -1,
		};
		out->size += all.rows[i].nar_size;
	}
	take_edges(out, &all, a);
	index_digests(out, a);
	return 0;
}

/* --- marking ---------------------------------------------------------------------- */

void reach_mark(struct reach *r, int32_t node)
{
	uint32_t head = 0, tail = 0;

	if (node < 0 || r->v[node].alive || r->v[node].gone)
		return;
	r->v[node].alive = true;
	r->queue[tail++] = (uint32_t)node;
	while (head < tail) {
		uint32_t from = r->queue[head++];

		for (uint32_t i = 0; i < r->v[from].nrefs; i++) {
			uint32_t to = r->v[from].refs[i];

			if (r->v[to].alive)
				continue;
			r->v[to].alive = true;
			r->v[to].via = (int32_t)from;
			r->queue[tail++] = to;
		}
	}
}

/* --- order ------------------------------------------------------------------------ */

static bool before(const struct reach *r, uint32_t a, uint32_t b)
{
	const struct reach_node *x = &r->v[a], *y = &r->v[b];

	return x->registered != y->registered ? x->registered < y->registered
					      : x->id < y->id;
}

/* The queue, as a heap with the oldest at its top. */
static void heap_push(struct reach *r, uint32_t *n, uint32_t node)
{
	uint32_t i = (*n)++;

	for (; i && before(r, node, r->queue[(i - 1) / 2]); i = (i - 1) / 2)
		r->queue[i] = r->queue[(i - 1) / 2];
	r->queue[i] = node;
}

static uint32_t heap_pop(struct reach *r, uint32_t *n)
{
	uint32_t top = r->queue[0], last = r->queue[--*n], i = 0;

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child + 1 < *n && before(r, r->queue[child + 1], r->queue[child]))
			child++;
		if (child >= *n || !before(r, r->queue[child], last))
			break;
		r->queue[i] = r->queue[child];
		i = child;
	}
	r->queue[i] = last;
	return top;
}

static void count_referrers(struct reach *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		r->v[i].referrers = 0;
	for (uint32_t i = 0; i < r->n; i++)
		for (uint32_t k = 0; !r->v[i].alive && k < r->v[i].nrefs; k++)
			r->v[r->v[i].refs[k]].referrers++;
}

uint32_t reach_order(struct reach *r, reach_want *want, void *ctx, uint32_t *order)
{
	uint32_t n = 0, heap = 0;

	count_referrers(r);
	for (uint32_t i = 0; i < r->n; i++)
		if (!r->v[i].alive && !r->v[i].referrers)
			heap_push(r, &heap, i);
	while (heap) {
		uint32_t node = heap_pop(r, &heap);
		enum reach_choice choice = want(ctx, &r->v[node]);

		if (choice == REACH_STOP)
			break;
		if (choice == REACH_LEAVE)
			continue;
		order[n++] = node;
		for (uint32_t i = 0; i < r->v[node].nrefs; i++) {
			uint32_t ref = r->v[node].refs[i];

			if (!r->v[ref].alive && --r->v[ref].referrers == 0)
				heap_push(r, &heap, ref);
		}
	}
	return n;
}
