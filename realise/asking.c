// SPDX-License-Identifier: MIT
#include "realise/asking.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "store/import.h"
#include "store/path.h"

enum { ANSWERS_MAX = 256 << 20 }; /* of one conversation */

void asking_warn(const struct asking *s, const char *fmt, ...)
{
	autobuf struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	if (s->c->warn)
		s->c->warn(s->c->ctx, text.ptr);
}

/* One warning; then it is left alone for a while, by other processes too. */
static void set_down(const struct asking *s, struct peer *peer, const char *why)
{
	peer->down = arena_strdup(s->a, why);
	peer->notes.down = notes_now();
	asking_warn(s, "cache %s is not used: %s", peer->parsed.shown, why);
}

struct json_object *asking_request(const struct asking *s, const char *what,
				   const struct peer *peer)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "do", what);
	json_add(o, "cache", peer->url);
	if (s->c->timeout_s)
		json_add_number(o, "timeout", s->c->timeout_s);
	return o;
}

/* --- the caches ------------------------------------------------------------------- */

static int ask_info(struct asking *s, struct peer *peer, struct error *err)
{
	struct json_object *request = asking_request(s, "cache-info", peer),
			   *result = NULL;
	autoerror struct error why = {0};
	int rc = fetch_call(s->c->fetch, request, &result, &why);
	const char *dir = rc < 0 ? NULL : json_text(result, "store_dir");
	autofree char *words = error_words(&why);

	json_object_put(request);
	if (why.class == ERROR_INTERRUPTED)
		return error_join(err, &why);
	if (rc < 0) {
		set_down(s, peer, words);
	} else if (!dir || strcmp(dir, STORE_DIR) != 0) {
		autofree char *other = xasprintf(
			"it is for paths below %.100s, not " STORE_DIR, dir ? dir : "?");
		set_down(s, peer, other);
	} else {
		peer->notes.info = notes_now();
		peer->notes.priority = (long)json_number(result, "priority");
	}
	json_object_put(result);
	return 0;
}

static int open_peer(struct asking *s, struct peer *peer, struct error *err)
{
	if (cache_url_parse(peer->url, &peer->parsed, err) < 0)
		return -1;
	notes_read(s->c->state_dir, peer->parsed.base, &peer->notes);
	if (peer->notes.down)
		peer->down = "it did not answer a moment ago";
	else if (!peer->notes.info && ask_info(s, peer, err) < 0)
		return -1;
	peer->priority =
		peer->parsed.priority >= 0 ? peer->parsed.priority : peer->notes.priority;
	return 0;
}

/* Few, and those with the same priority keep their order. */
static void sort_peers(struct asking *s)
{
	for (size_t i = 1; i < s->n; i++)
		for (size_t j = i; j && s->v[j - 1].priority > s->v[j].priority; j--) {
			struct peer t = s->v[j];

			s->v[j] = s->v[j - 1];
			s->v[j - 1] = t;
		}
}

int asking_begin(struct asking *s, const struct caches *c, struct arena *a,
		 struct error *err)
{
	*s = (struct asking){.c = c, .a = a, .v = arena_array(a, c->n, struct peer)};
	while (s->n < c->n) {
		struct peer *peer = &s->v[s->n];

		peer->url = c->urls[s->n];
		peer->index = s->n++;
		if (open_peer(s, peer, err) < 0) {
			asking_end(s);
			return -1;
		}
	}
	sort_peers(s);
	return 0;
}

void asking_end(struct asking *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].parsed.base)
			notes_write(s->c->state_dir, s->v[i].parsed.base, &s->v[i].notes);
		notes_finish(&s->v[i].notes);
		cache_url_finish(&s->v[i].parsed);
	}
	s->n = 0;
}

/* --- their answers ---------------------------------------------------------------- */

const char *asking_believe(void *ctx, const struct narinfo *n, const char *path)
{
	const struct asking *s = ctx;

	(void)path;
	return import_refused(&n->info, s->c->trust, s->c->ntrust, s->a);
}

struct round {
	struct asking *s;
	struct peer *peer;
	size_t place;
	asking_judge *judge;
	void *ctx;
	const char *const *paths;
	struct cache_hit *hits;
	size_t n;
	int64_t asked; /* when */
	size_t failed, refused;
	const char *failure, *refusal; /* the first of each */
};

static char *digest_of(const struct round *r, size_t i)
{
	return xstrndup(path_base(r->paths[i]), PATH_DIGEST_LEN);
}

static void add_why(struct round *r, size_t i, const char *what)
{
	struct cache_hit *hit = &r->hits[i];

	hit->why = arena_printf(r->s->a, "%s%s%s: %s", hit->why ? hit->why : "",
				hit->why ? "\n" : "", r->peer->parsed.shown, what);
}

static void refuse(struct round *r, size_t i, const char *what)
{
	add_why(r, i, what);
	if (!r->refused++)
		r->refusal = arena_printf(r->s->a, "%s: %s", r->paths[i], what);
}

/* A path may be given by its digest alone. */
static bool is_about(const char *path, const char *wanted)
{
	size_t n = strlen(wanted);

	return strncmp(path, wanted, n) == 0 &&
	       (path[n] == '\0' || n == PATH_PREFIX_LEN + PATH_DIGEST_LEN);
}

static void take_hit(struct round *r, size_t i, struct json_object *text)
{
	struct str s = {json_object_get_string(text),
			(size_t)json_object_get_string_len(text)};
	autoerror struct error err = {0};
	struct narinfo n;

	r->s->bytes += s.len;
	if (r->s->bytes > ANSWERS_MAX) {
		refuse(r, i, "the answers take too much memory");
		return;
	}
	if (narinfo_parse(s, r->s->a, &n, &err) < 0) {
		autofree char *words = error_words(&err);

		refuse(r, i, words);
		return;
	}
	if (!is_about(n.info.path, r->paths[i])) {
		refuse(r, i,
		       arena_printf(r->s->a, "the answer is about %s", n.info.path));
		return;
	}
	const char *why = r->judge(r->ctx, &n, r->paths[i]);
	if (why) {
		refuse(r, i, why);
		return;
	}
	r->hits[i].n = n;
	r->hits[i].cache = r->place;
}

static void take_answer(struct round *r, size_t i, struct json_object *hits,
			struct json_object *failed)
{
	autofree char *digest = digest_of(r, i);
	struct json_object *text;
	const char *why = json_text(failed, digest);

	if (json_object_object_get_ex(hits, digest, &text) &&
	    json_object_is_type(text, json_type_string)) {
		take_hit(r, i, text);
	} else if (why) {
		add_why(r, i, why);
		if (!r->failed++)
			r->failure = arena_strdup(r->s->a, why);
	} else {
		notes_absent(&r->peer->notes, digest, r->asked);
	}
}

static void tell(struct round *r, size_t asked, const char *down)
{
	struct peer *peer = r->peer;

	if (down)
		set_down(r->s, peer, down);
	else if (r->failed)
		asking_warn(r->s, "cache %s: %zu of %zu answers are missing: %s",
			    peer->parsed.shown, r->failed, asked, r->failure);
	/* Who wants an answer at any price hears of it in the end. */
	if (!r->refused || peer->notes.told || r->s->c->fresh)
		return;
	peer->notes.told = notes_now();
	asking_warn(r->s, "cache %s is not believed: %s%s", peer->parsed.shown,
		    r->refusal, r->refused > 1 ? ", and others" : "");
}

static int send(struct round *r, struct json_object *request, const bool *asked, size_t n,
		struct error *err)
{
	struct json_object *result = NULL, *hits = NULL, *failed = NULL;

	r->asked = notes_now();
	if (fetch_call(r->s->c->fetch, request, &result, err) < 0)
		return -1;
	json_object_object_get_ex(result, "hits", &hits);
	json_object_object_get_ex(result, "failed", &failed);
	for (size_t i = 0; i < r->n; i++)
		if (asked[i])
			take_answer(r, i, hits, failed);
	tell(r, n, json_text(result, "down"));
	json_object_put(result);
	return 0;
}

/* What is still without an answer goes to one cache. */
static int ask_one(struct round *r, struct error *err)
{
	struct json_object *request = asking_request(r->s, "cache-narinfos", r->peer);
	struct json_object *digests = json_add_list(request, "digests");
	autofree bool *asked = xcalloc(r->n + 1, sizeof(*asked));
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		autofree char *digest = digest_of(r, i);

		if (r->hits[i].n.url ||
		    (!r->s->c->fresh && notes_has_absent(&r->peer->notes, digest)))
			continue;
		json_push(digests, digest);
		asked[i] = true;
		n++;
	}
	int rc = n ? send(r, request, asked, n, err) : 0;
	json_object_put(request);
	return rc;
}

int asking_run(struct asking *s, const char *const *paths, size_t n, size_t first,
	       asking_judge *judge, void *ctx, struct cache_hit *hits, struct error *err)
{
	for (size_t k = first; k < s->n; k++) {
		struct round r = {
			.s = s,
			.peer = &s->v[k],
			.place = k,
			.judge = judge,
			.ctx = ctx,
			.paths = paths,
			.hits = hits,
			.n = n,
		};

		if (s->v[k].down) {
			for (size_t i = 0; i < n; i++)
				if (!hits[i].n.url)
					add_why(&r, i, s->v[k].down);
			continue;
		}
		if (ask_one(&r, err) < 0)
			return -1;
	}
	return 0;
}
