/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * What is known before anything runs. Steps are looked up in the store, those that are
 * not there in what caches said before, and the rest is asked of the caches, one request
 * for all whose inputs are known; their answers make further steps known, and so on.
 */
#include "realise/graph.h"

/* Afterwards every needed node is HAD, KNOWN, or still WAITING: to be built. */
int survey(struct graph *g, struct store *st, const struct caches *caches,
	   struct error *err);
