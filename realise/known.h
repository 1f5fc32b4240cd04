/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What caches say the outputs of steps are. An answer that a trusted key signed is kept
 * beside the store, ROOT/nix/var/kbuild/known/<base name of the key>, so that a step
 * whose outputs nobody needs here is neither fetched nor asked for again.
 */
#include "realise/graph.h"

/* From what is kept. True: the result is KNOWN. */
bool known_find(struct graph *g, struct node *node, const char *root,
		const struct caches *caches);
/* Asks for all of them at once; those that are answered in full become KNOWN. */
int known_ask(struct graph *g, struct node **nodes, size_t n, const char *root,
	      const struct caches *caches, struct error *err);
/* What was said of it proved to be useless. */
void known_forget(const struct node *node, const char *root);
