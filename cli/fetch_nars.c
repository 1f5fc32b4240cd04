// SPDX-License-Identifier: MIT
/*
 * The request cache-nars: archives of a cache become trees. Here and not in fetchers/,
 * because it joins downloads with store/nar.h. Trees are written by threads of their own,
 * so that the network does not wait for the disk.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "cli/fetch_cache.h"
#include "fetchers/inflate.h"
#include "store/nar.h"

enum {
	PARALLEL = 6,
	PARALLEL_MAX = 64,
	THREADS_MAX = 4,
	TRIES = 3,
	BUF = 256 * 1024,
	/* No useful compression makes its input that much larger. */
	LARGER_BY = 8, /* an eighth */
	LARGER_FREE = 64 * 1024,
	/* The slowest whole transfer that is worth waiting for. */
	BYTES_PER_S = 32 * 1024,
	GRACE = 20, /* times the time for an answer */
};

static const uint64_t MEMORY_MAX = 1ull << 30;

struct nar {
	struct cache_url cache;
	const char *file, *compression, *dest;
	uint64_t size; /* of the archive */
	struct sha256 hash;
	int fd; /* the downloaded file */
	struct nar *next;
	struct error error;
};

/* --- one archive ------------------------------------------------------------------ */

struct stream {
	struct inflate *in;
	char *buf; /* BUF bytes */
	size_t pos, len;
	uint64_t left; /* of the archive's size */
};

/* 1 there is more, 0 the end, -1. */
static int refill(struct stream *s, struct error *err)
{
	ssize_t n = inflate_read(s->in, s->buf, BUF, err);

	s->pos = 0;
	s->len = n > 0 ? (size_t)n : 0;
	return n < 0 ? -1 : n > 0;
}

static int read_stream(void *ctx, void *bytes, size_t n, struct error *err)
{
	struct stream *s = ctx;

	if (n > s->left)
		return error_class(err, ERROR_INFRA,
				   "the archive is longer than its declared size");
	s->left -= n;
	for (char *to = bytes; n;) {
		int more = s->pos < s->len ? 1 : refill(s, err);

		if (more < 0)
			return -1;
		if (!more)
			return error_class(err, ERROR_INFRA,
					   "the archive ends too early");
		size_t part = n < s->len - s->pos ? n : s->len - s->pos;
		memcpy(to, s->buf + s->pos, part);
		s->pos += part;
		to += part;
		n -= part;
	}
	return 0;
}

static int check_end(struct stream *s, struct error *err)
{
	int more = s->pos < s->len ? 1 : refill(s, err);

	if (more < 0)
		return -1;
	if (more)
		return error_class(err, ERROR_INFRA,
				   "there are bytes behind the end of the archive");
	if (s->left)
		return error_class(err, ERROR_INFRA,
				   "the archive is %" PRIu64
				   " bytes shorter than its declared size",
				   s->left);
	return 0;
}

static int unpack(const struct nar *nar, struct error *err)
{
	autoinflate struct inflate *in = NULL;
	autofree char *buf = xmalloc(BUF);
	autoerror struct error ignored = {0};

	if (inflate_open(nar->compression, nar->fd, &in, err) < 0)
		return -1;
	struct stream s = {.in = in, .buf = buf, .left = nar->size};
	if (nar_restore(read_stream, &s, AT_FDCWD, nar->dest, err) < 0)
		return -1;
	if (check_end(&s, err) == 0)
		return 0;
	return dir_remove(AT_FDCWD, nar->dest, &ignored), -1;
}

/* --- beside the downloads --------------------------------------------------------- */

struct unpackers {
	const struct download *items;
	struct nar **of; /* of each item */
	pthread_t threads[THREADS_MAX];
	size_t nthreads;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct nar *first, **last; /* waiting */
	bool stop;
};

static void *unpack_all(void *arg)
{
	struct unpackers *u = arg;

	pthread_mutex_lock(&u->lock);
	for (;;) {
		struct nar *nar = u->first;

		if (!nar && u->stop)
			break;
		if (!nar) {
			pthread_cond_wait(&u->changed, &u->lock);
			continue;
		}
		u->first = nar->next;
		if (!u->first)
			u->last = &u->first;
		pthread_mutex_unlock(&u->lock);
		if (unpack(nar, &nar->error) < 0)
			error_wrap(&nar->error, "%s of %s", nar->file, nar->cache.shown);
		close(nar->fd);
		pthread_mutex_lock(&u->lock);
	}
	pthread_mutex_unlock(&u->lock);
	return NULL;
}

static void hand_over(void *ctx, struct download *d, int fd)
{
	struct unpackers *u = ctx;
	struct nar *nar = u->of[d - u->items];

	nar->fd = fd;
	pthread_mutex_lock(&u->lock);
	*u->last = nar;
	u->last = &nar->next;
	pthread_cond_signal(&u->changed);
	pthread_mutex_unlock(&u->lock);
}

static int start(struct unpackers *u, size_t n, struct error *err)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	u->last = &u->first;
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->changed, NULL);
	while (u->nthreads < n && u->nthreads < THREADS_MAX && (long)u->nthreads < cpus &&
	       pthread_create(&u->threads[u->nthreads], NULL, unpack_all, u) == 0)
		u->nthreads++;
	return !n || u->nthreads ? 0 : error_errno(err, "cannot start a thread");
}

/* What waits is done first. */
static void stop(struct unpackers *u)
{
	pthread_mutex_lock(&u->lock);
	u->stop = true;
	pthread_cond_broadcast(&u->changed);
	pthread_mutex_unlock(&u->lock);
	for (size_t i = 0; i < u->nthreads; i++)
		pthread_join(u->threads[i], NULL);
	pthread_mutex_destroy(&u->lock);
	pthread_cond_destroy(&u->changed);
}

/* --- the request ------------------------------------------------------------------ */

/*
 * A format may ask for a window of gigabytes. What is beyond this fails, and with it the
 * archive. Relative to now: sanitizers begin with a great deal.
 */
static int limit_memory(struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;
	struct rlimit now;

	if (dir_read(AT_FDCWD, "/proc/self/statm", &text, err) < 0)
		return -1;
	uint64_t pages = strtoull(text.ptr, NULL, 10);
	rlim_t want = (rlim_t)(pages * (uint64_t)sysconf(_SC_PAGESIZE) + MEMORY_MAX);
	if (getrlimit(RLIMIT_AS, &now) < 0)
		return error_errno(err, "cannot read the limit of memory");
	if (now.rlim_cur != RLIM_INFINITY && now.rlim_cur <= want)
		return 0;
	now.rlim_cur = want;
	return setrlimit(RLIMIT_AS, &now) < 0 ? error_errno(err, "cannot limit memory")
					      : 0;
}

/* How large a file may be whose size is not said. */
static uint64_t largest(uint64_t nar_size)
{
	return nar_size + nar_size / LARGER_BY + LARGER_FREE;
}

static int check_sizes(const struct nar *nar, uint64_t file_size, struct error *err)
{
	autofree char *dir = xstrdup(nar->dest);
	struct statvfs fs;

	*strrchr(dir, '/') = '\0';
	if (!nar->size || nar->size > INT64_MAX / 2)
		return error_class(err, ERROR_INFRA, "the size of an archive is missing");
	if (file_size > largest(nar->size))
		return error_class(err, ERROR_INFRA,
				   "a file of %" PRIu64
				   " bytes for an archive of %" PRIu64,
				   file_size, nar->size);
	if (statvfs(dir, &fs) < 0)
		return error_errno(err, "cannot examine %s", dir);
	if (fs.f_bavail < nar->size / fs.f_frsize)
		return error_class(err, ERROR_INFRA, "%" PRIu64 " MiB do not fit into %s",
				   nar->size >> 20, dir);
	return 0;
}

static int take_item(struct request *r, struct json_object *o, struct nar *nar,
		     struct download *d, struct error *err)
{
	const char *hash = json_text(o, "file_hash");

	nar->file = json_text(o, "file");
	nar->compression = json_text(o, "compression");
	nar->dest = json_text(o, "dest");
	nar->size = json_number(o, "nar_size");
	if (!nar->file || !nar->compression || !nar->dest || *nar->dest != '/' ||
	    (hash && sha256_parse(hash, &nar->hash) < 0))
		return error_make(err, "an item of the request is incomplete");
	d->size = json_number(o, "file_size");
	if (request_cache(o, &nar->cache, err) < 0 ||
	    inflate_check(nar->compression, err) < 0 ||
	    check_sizes(nar, d->size, err) < 0 ||
	    cache_file(&nar->cache, nar->file, d, err) < 0)
		return -1;
	d->what = nar->file;
	d->expect = hash ? &nar->hash : NULL;
	d->max = largest(nar->size);
	d->patience_s = request_timeout(r) * GRACE +
			(unsigned)((d->size ? d->size : d->max) / BYTES_PER_S);
	return 0;
}

static void tell(struct request *r, struct nar *nars, size_t n)
{
	struct json_object *list = json_add_list(r->result, "items");

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_new_object();
		autofree char *why = error_words(&nars[i].error);

		json_object_array_add(list, o);
		if (*why)
			json_add(o, "error", why);
		else
			json_object_object_add(o, "ok", json_object_new_boolean(true));
		error_finish(&nars[i].error);
		cache_url_finish(&nars[i].cache);
	}
}

/* Prepares what can be asked for; an item that is wrong by itself fails alone. */
static void take_items(struct request *r, struct json_object *list, struct nar *nars,
		       struct unpackers *u, struct download_set *set)
{
	size_t n = json_object_array_length(list);

	set->items = arena_array(&r->arena, n, struct download);
	u->of = arena_array(&r->arena, n, struct nar *);
	u->items = set->items;
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		struct download *d = &set->items[set->n];

		*d = (struct download){0};
		if (take_item(r, o, &nars[i], d, &nars[i].error) < 0)
			continue;
		u->of[set->n++] = &nars[i];
	}
}

static int get_all(struct unpackers *u, struct download_set *set, struct error *err)
{
	if (start(u, set->n, err) < 0)
		return -1;
	int failed = download_all(set, err);
	stop(u);
	for (size_t i = 0; i < set->n; i++) {
		if (error_is_set(&set->items[i].error))
			error_join(&u->of[i]->error, &set->items[i].error);
		argv_finish(&set->items[i].urls);
	}
	return failed;
}

int do_cache_nars(struct request *r, struct error *err)
{
	struct json_object *list = json_list(r->in, "items");
	const char *what = request_text(r, "what");
	uint64_t parallel = json_number(r->in, "parallel");
	struct unpackers u = {0};

	if (!list)
		return error_make(err, "the request has no list 'items'");
	autofree char *partial = host_cache_dir(r->host, "partial", err);
	if (!partial || limit_memory(err) < 0)
		return -1;
	struct download_set set = {
		.parallel = parallel && parallel <= PARALLEL_MAX ? (unsigned)parallel
								 : PARALLEL,
		.partial_dir = partial,
		.what = what ? what : "store paths",
		.progress = &r->host->progress,
		.tries = TRIES,
		.stall_s = request_timeout(r),
		.each = true,
		.whole = hand_over,
		.ctx = &u,
	};
	struct nar *nars =
		arena_array(&r->arena, json_object_array_length(list), struct nar);
	take_items(r, list, nars, &u, &set);
	int failed = get_all(&u, &set, err);
	tell(r, nars, json_object_array_length(list));
	return failed;
}
