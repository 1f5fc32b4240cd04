// SPDX-License-Identifier: MIT
/* Requests about what a binary cache says: cache-info, cache-narinfos, cache-log. */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/fetch_cache.h"

enum { DIGEST_LEN = 32, TIMEOUT_MAX_S = 3600 };

int request_cache(struct json_object *from, struct cache_url *u, struct error *err)
{
	const char *text = json_text(from, "cache");

	*u = (struct cache_url){0};
	if (!text)
		return error_make(err, "the request has no 'cache'");
	return cache_url_parse(text, u, err);
}

unsigned request_timeout(struct request *r)
{
	uint64_t s = json_number(r->in, "timeout");

	return s && s <= TIMEOUT_MAX_S ? (unsigned)s : CACHE_TIMEOUT_S;
}

int do_cache_info(struct request *r, struct error *err)
{
	autocacheurl struct cache_url u;
	struct cache_info info;

	if (request_cache(r->in, &u, err) < 0 ||
	    cache_read_info(&u, request_timeout(r), &r->arena, &info, err) < 0)
		return -1;
	result_text(r, "store_dir", info.store_dir);
	result_number(r, "priority", (uint64_t)info.priority);
	return 0;
}

/* --- cache-narinfos --------------------------------------------------------------- */

static bool is_digest(const char *s)
{
	return s && strlen(s) == DIGEST_LEN &&
	       strspn(s, "0123456789abcdfghijklmnpqrsvwxyz") == DIGEST_LEN;
}

static int take_digests(struct request *r, struct cache_answer **out, size_t *n,
			struct error *err)
{
	struct json_object *list = json_list(r->in, "digests");

	if (!list)
		return error_make(err, "the request has no list 'digests'");
	*n = json_object_array_length(list);
	*out = arena_array(&r->arena, *n, struct cache_answer);
	for (size_t i = 0; i < *n; i++) {
		const char *digest =
			json_object_get_string(json_object_array_get_idx(list, i));

		if (!is_digest(digest))
			return error_make(err, "'%s' is no digest", digest ? digest : "");
		(*out)[i].digest = digest;
	}
	return 0;
}

static void tell_answers(struct request *r, struct cache_answer *answers, size_t n)
{
	struct json_object *hits = json_add_object(r->result, "hits");
	struct json_object *absent = json_add_list(r->result, "absent");
	struct json_object *failed = json_add_object(r->result, "failed");

	for (size_t i = 0; i < n; i++) {
		struct cache_answer *a = &answers[i];
		autofree char *why = error_words(&a->error);

		if (*why)
			json_add(failed, a->digest, why);
		else if (a->absent)
			json_push(absent, a->digest);
		else
			json_object_object_add(
				hits, a->digest,
				json_object_new_string_len(a->text.ptr ? a->text.ptr : "",
							   (int)a->text.len));
		error_finish(&a->error);
		strbuf_finish(&a->text);
	}
}

int do_cache_narinfos(struct request *r, struct error *err)
{
	autocacheurl struct cache_url u;
	autoerror struct error down = {0};
	struct cache_answer *answers = NULL;
	size_t n = 0;

	if (request_cache(r->in, &u, err) < 0 || take_digests(r, &answers, &n, err) < 0)
		return -1;
	/* A cache that is down is an answer, too. */
	if (cache_read_narinfos(&u, request_timeout(r), answers, n, &down) < 0) {
		autofree char *why = error_words(&down);

		result_text(r, "down", why);
	}
	tell_answers(r, answers, n);
	return 0;
}

/* --- cache-log -------------------------------------------------------------------- */

int do_cache_log(struct request *r, struct error *err)
{
	const char *drv = request_need(r, "drv", err);
	const char *dest = drv ? request_path(r, "dest", err) : NULL;
	autocacheurl struct cache_url u = {0};

	if (!dest)
		return -1;
	if (strchr(drv, '/'))
		return error_make(err, "'%s' is no name of a derivation", drv);
	autofree char *partial = host_cache_dir(r->host, "partial", err);
	if (!partial || request_cache(r->in, &u, err) < 0)
		return -1;
	int found = cache_read_log(&u, request_timeout(r), drv, partial, dest, err);
	if (found < 0)
		return -1;
	json_object_object_add(r->result, "found", json_object_new_boolean(found));
	return 0;
}
