// SPDX-License-Identifier: MIT
#include "realise/download.h"

#include "base/alloc.h"
#include "base/json.h"

static struct json_object *item_of(const struct asking *s, const struct download_item *i)
{
	struct json_object *o = json_object_new_object();
	const struct narinfo *n = &i->hit->n;
	char hex[SHA256_HEX_SIZE];

	json_add(o, "cache", s->v[i->hit->cache].url);
	json_add(o, "file", n->url);
	json_add(o, "compression", n->compression);
	if (n->has_file_hash)
		json_add(o, "file_hash", sha256_hex(&n->file_hash, hex));
	if (n->file_size)
		json_add_number(o, "file_size", n->file_size);
	json_add_number(o, "nar_size", n->info.nar_size);
	json_add(o, "dest", i->dest);
	return o;
}

static void take_results(struct asking *s, struct download_item *items, size_t n,
			 struct json_object *result)
{
	struct json_object *list = json_list(result, "items");
	size_t told = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = i < told ? json_object_array_get_idx(list, i)
						 : NULL,
				   *ok;
		const char *why = json_text(o, "error");

		if (!why && !json_object_object_get_ex(o, "ok", &ok))
			why = "kbuild-fetch says nothing about it";
		items[i].failure = why ? arena_strdup(s->a, why) : NULL;
	}
}

int download_items(struct asking *s, struct download_item *items, size_t n,
		   const char *what, struct error *err)
{
	struct json_object *request = json_object_new_object(), *result = NULL;
	struct json_object *list = json_add_list(request, "items");

	json_add(request, "do", "cache-nars");
	json_add(request, "what", what);
	if (s->c->timeout_s)
		json_add_number(request, "timeout", s->c->timeout_s);
	for (size_t i = 0; i < n; i++)
		json_object_array_add(list, item_of(s, &items[i]));
	int rc = fetch_call(s->c->fetch, request, &result, err);
	json_object_put(request);
	if (rc == 0)
		take_results(s, items, n, result);
	json_object_put(result);
	return rc;
}
