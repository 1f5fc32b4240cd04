/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * String map in insertion order, so that whatever is printed from it is the same every
 * time. Keys are copied, values are the caller's. Zero-initialised is empty.
 *
 *	struct map m = {0};
 *	map_set(&m, "kernel", step);
 *	map_each (&m, e)
 *		print(e->key, e->value);
 *	map_finish(&m);
 */
#include <stddef.h>
#include <stdint.h>

struct map_entry {
	char *key;
	void *value;
	uint64_t hash;
};

struct map {
	struct map_entry *entries;
	size_t n, cap;
	uint32_t *slots; /* index + 1 into entries, 0 is free */
	size_t nslots;
};

/* The value, or NULL when absent (store no NULL when the difference matters). */
void *map_get(const struct map *m, const char *key);
struct map_entry *map_find(const struct map *m, const char *key);
/* Sets or replaces. Returns the value that was there, NULL if the key is new. */
void *map_set(struct map *m, const char *key, void *value);
void map_finish(struct map *m);

#define map_each(m, e)                                                                   \
	for (struct map_entry *e = (m)->entries, *end_##e = e + (m)->n; e < end_##e; e++)

/*
 * Did-you-mean: the key nearest to `word` by edit distance (a transposition counts one),
 * NULL if none is near enough to be worth saying (distance above a third of its length).
 */
const char *map_nearest(const struct map *m, const char *word);
const char *word_nearest(const char *word, const char *const *words, size_t n);
