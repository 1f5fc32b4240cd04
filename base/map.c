// SPDX-License-Identifier: MIT
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* FNV-1a, 64 bit: Fowler, Noll, Vo; draft-eastlake-fnv. */
static uint64_t hash_of(const char *s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return h;
}

static uint32_t *slot_of(const struct map *m, const char *key, uint64_t hash)
{
	size_t i = hash & (m->nslots - 1);

	while (m->slots[i]) {
		const struct map_entry *e = &m->entries[m->slots[i] - 1];

		if (e->hash == hash && strcmp(e->key, key) == 0)
			break;
		i = (i + 1) & (m->nslots - 1);
	}
	return &m->slots[i];
}

static void grow(struct map *m)
{
	free(m->slots);
	m->nslots = m->nslots ? m->nslots * 2 : 16;
	m->slots = xcalloc(m->nslots, sizeof(*m->slots));
	for (size_t i = 0; i < m->n; i++)
		*slot_of(m, m->entries[i].key, m->entries[i].hash) = (uint32_t)(i + 1);
}

struct map_entry *map_find(const struct map *m, const char *key)
{
	if (!m->nslots)
		return NULL;
	uint32_t slot = *slot_of(m, key, hash_of(key));
	return slot ? &m->entries[slot - 1] : NULL;
}

void *map_get(const struct map *m, const char *key)
{
	struct map_entry *e = map_find(m, key);

	return e ? e->value : NULL;
}

void *map_set(struct map *m, const char *key, void *value)
{
	if (m->n * 2 >= m->nslots)
		grow(m);

	uint64_t hash = hash_of(key);
	uint32_t *slot = slot_of(m, key, hash);
	if (*slot) {
		struct map_entry *e = &m->entries[*slot - 1];
		void *old = e->value;

		e->value = value;
		return old;
	}
	if (m->n == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 8;
		m->entries = xreallocarray(m->entries, m->cap, sizeof(*m->entries));
	}
	m->entries[m->n++] = (struct map_entry){xstrdup(key), value, hash};
	*slot = (uint32_t)m->n;
	return NULL;
}

void map_finish(struct map *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->entries[i].key);
	free(m->entries);
	free(m->slots);
	*m = (struct map){0};
}

/* Damerau-Levenshtein in its optimal string alignment form; words above 63 are cut. */
static size_t edit_distance(const char *a, const char *b)
{
	enum { MAX = 64 };
	size_t d[MAX][MAX];
	size_t n = strnlen(a, MAX - 1), m = strnlen(b, MAX - 1);

	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[n][m];
}

struct nearest {
	const char *word, *best;
	size_t distance;
};

static void consider(struct nearest *near, const char *candidate)
{
	size_t d = edit_distance(near->word, candidate);
	size_t longer = strlen(near->word);

	if (strlen(candidate) > longer)
		longer = strlen(candidate);
	if (d < near->distance && d * 3 <= longer + 1) {
		near->distance = d;
		near->best = candidate;
	}
}

const char *map_nearest(const struct map *m, const char *word)
{
	struct nearest near = {.word = word, .distance = (size_t)-1};

	map_each (m, e)
		consider(&near, e->key);
	return near.best;
}

const char *word_nearest(const char *word, const char *const *words, size_t n)
{
	struct nearest near = {.word = word, .distance = (size_t)-1};

	for (size_t i = 0; i < n; i++)
		consider(&near, words[i]);
	return near.best;
}
