/* SPDX-License-Identifier: MIT */
#pragma once
/* What the requests about binary caches share. */
#include "cli/fetch_request.h"
#include "fetchers/cache.h"

/* The member `cache` of a request or of one of its items; finish it in any case. */
int request_cache(struct json_object *from, struct cache_url *u, struct error *err);
/* `timeout` in seconds, or the usual one. */
unsigned request_timeout(struct request *r);
