// SPDX-License-Identifier: MIT
#include "fetchers/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "fetchers/s3.h"
#include "fetchers/transfer.h"
#include "fetchers/uplink_dir.h"
#include "fetchers/url.h"

enum {
	TRIES = 4,
	FIRST_PAUSE_MS = 400,
	CONNECT_TIMEOUT_S = 20,
	SLOW_BYTES_PER_S = 1000,
	SLOW_TIME_S = 30,
	REDIRECTS = 10,
	REPLY_MAX = 4096,
};

struct uplink {
	const struct cache_url *cache;
	unsigned stall_s;
	atomic_bool *stop;
	CURL *easy;
	struct curl_slist *headers;
	char curl_text[CURL_ERROR_SIZE];
	struct strbuf reply; /* the beginning of what the server says */

	const struct uplink_file *file; /* what is being sent, NULL: nothing */
	int fd;
	uint64_t at;
	int failure; /* errno of our own disk */
	struct uplink *next;
};

struct uplink_set {
	const struct cache_url *cache;
	unsigned stall_s;
	atomic_bool *stop;
	pthread_mutex_t lock;
	struct uplink *idle;
};

/* --- the set ---------------------------------------------------------------------- */

struct uplink_set *uplink_set_new(const struct cache_url *cache, unsigned stall_s,
				  atomic_bool *stop)
{
	struct uplink_set *set = xcalloc(1, sizeof(*set));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		BUG("libcurl does not start");
	set->cache = cache;
	set->stall_s = stall_s ? stall_s : SLOW_TIME_S;
	set->stop = stop;
	pthread_mutex_init(&set->lock, NULL);
	if (cache->kind == CACHE_DIR)
		uplink_dir_begin(cache);
	return set;
}

int uplink_new_file(struct uplink_set *set, const char *scratch, char **path,
		    struct error *err)
{
	*path = NULL;
	if (set->cache->kind == CACHE_DIR)
		return uplink_dir_new_file(set->cache, path, err);
	*path = xasprintf("%s/push-XXXXXX", scratch);
	int fd = mkostemp(*path, O_CLOEXEC);
	if (fd < 0)
		error_errno(err, "cannot create %s", *path);
	return fd;
}

struct uplink *uplink_take(struct uplink_set *set)
{
	pthread_mutex_lock(&set->lock);
	struct uplink *l = set->idle;
	if (l)
		set->idle = l->next;
	pthread_mutex_unlock(&set->lock);
	if (l)
		return l;
	l = xcalloc(1, sizeof(*l));
	l->cache = set->cache;
	l->stall_s = set->stall_s;
	l->stop = set->stop;
	l->fd = -1;
	l->easy = curl_easy_init();
	if (!l->easy)
		BUG("libcurl gives no handle");
	return l;
}

void uplink_give(struct uplink_set *set, struct uplink *l)
{
	pthread_mutex_lock(&set->lock);
	l->next = set->idle;
	set->idle = l;
	pthread_mutex_unlock(&set->lock);
}

void uplink_set_free(struct uplink_set *set)
{
	while (set->idle) {
		struct uplink *l = set->idle;

		set->idle = l->next;
		curl_easy_cleanup(l->easy);
		curl_slist_free_all(l->headers);
		strbuf_finish(&l->reply);
		free(l);
	}
	if (set->cache->kind == CACHE_DIR)
		uplink_dir_end(set->cache);
	pthread_mutex_destroy(&set->lock);
	free(set);
}

/* --- one request ------------------------------------------------------------------ */

static size_t take_reply(char *bytes, size_t size, size_t n, void *ctx)
{
	struct uplink *l = ctx;
	size_t room = REPLY_MAX - l->reply.len;

	strbuf_add(&l->reply, bytes, n < room ? n : room);
	return size * n;
}

static size_t give_bytes(char *to, size_t size, size_t n, void *ctx)
{
	struct uplink *l = ctx;
	const struct str text = l->file->text;
	ssize_t got;

	n *= size;
	if (l->fd >= 0) {
		got = pread(l->fd, to, n, (off_t)l->at);
		if (got < 0) {
			l->failure = errno;
			return CURL_READFUNC_ABORT;
		}
	} else {
		got = (ssize_t)(n < text.len - l->at ? n : text.len - l->at);
		memcpy(to, text.ptr + l->at, (size_t)got);
	}
	l->at += (uint64_t)got;
	return (size_t)got;
}

/* A server may want to hear it again: after a 401, or on a stale connection. */
static int seek(void *ctx, curl_off_t at, int origin)
{
	struct uplink *l = ctx;

	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	l->at = (uint64_t)at;
	return CURL_SEEKFUNC_OK;
}

static int go_on(void *ctx, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
		 curl_off_t ulnow)
{
	struct uplink *l = ctx;

	(void)dltotal;
	(void)dlnow;
	(void)ultotal;
	if (l->file && l->file->sent)
		l->file->sent(l->file->ctx, (uint64_t)ulnow);
	return atomic_load(l->stop);
}

static void add_header(struct uplink *l, const char *name, const char *value)
{
	autofree char *line = xasprintf("%s: %s", name, value);
	struct curl_slist *longer = curl_slist_append(l->headers, line);

	if (!longer)
		BUG("libcurl takes no header");
	l->headers = longer;
}

static void set_access(struct uplink *l, const char *body)
{
	CURL *c = l->easy;

	if (l->cache->kind == CACHE_S3)
		s3_sign(c, l->cache, body, &l->headers);
	else
		curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	if (url_certificates())
		curl_easy_setopt(c, CURLOPT_CAINFO, url_certificates());
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, l->headers);
}

static void set_common(struct uplink *l, const char *url)
{
	CURL *c = l->easy;

	curl_easy_reset(c);
	curl_slist_free_all(take_ptr(&l->headers));
	strbuf_reset(&l->reply);
	l->curl_text[0] = '\0';
	l->failure = 0;
	l->at = 0;
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "kbuild");
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT,
			 l->stall_s < CONNECT_TIMEOUT_S ? (long)l->stall_s
							: (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_PER_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)l->stall_s);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, l->curl_text);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_reply);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, l);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, go_on);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, l);
}

static void set_put(struct uplink *l, const char *url)
{
	const struct uplink_file *f = l->file;
	const struct sha256 hash =
		f->file ? f->packed.hash : sha256_of(f->text.ptr, f->text.len);
	uint64_t size = f->file ? f->packed.size : f->text.len;
	char hex[SHA256_HEX_SIZE];
	CURL *c = l->easy;

	set_common(l, url);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024);
	curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)size);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, give_bytes);
	curl_easy_setopt(c, CURLOPT_READDATA, l);
	curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, seek);
	curl_easy_setopt(c, CURLOPT_SEEKDATA, l);
	add_header(l, "Content-Type", f->type);
	set_access(l, sha256_hex(&hash, hex));
}

static void set_head(struct uplink *l, const char *url)
{
	CURL *c = l->easy;

	set_common(l, url);
	curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION,
			 l->cache->kind == CACHE_WEB ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS);
	set_access(l, s3_nothing);
}

/* --- what it means ---------------------------------------------------------------- */

static const char *advice(const struct uplink *l, long status)
{
	bool s3 = l->cache->kind == CACHE_S3;

	switch (status) {
	case 401:
	case 403:
		return s3 ? "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say who asks"
			  : "the user and password of a server are in ~/.netrc";
	case 405:
	case 501:
		return "a web server must be told to take files: docs/caches.md";
	case 413:
		return "nginx needs client_max_body_size 0: docs/caches.md";
	default:
		return NULL;
	}
}

/* S3 says what is wrong in <Code>...</Code>. */
static char *code_of(const struct uplink *l)
{
	const char *code = l->reply.ptr ? strstr(l->reply.ptr, "<Code>") : NULL;
	size_t n = code ? strcspn(code + strlen("<Code>"), "<") : 0;

	if (!n || n > 64)
		return xstrdup("");
	autofree char *word = xstrndup(code + strlen("<Code>"), n);
	return xasprintf(" (%s)", word);
}

static int explain(struct uplink *l, const char *url, CURLcode code, long status,
		   struct error *err)
{
	autofree char *shown = url_masked(url);

	if (l->failure)
		return error_class(err, ERROR_INFRA, "cannot read %s: %s", l->file->file,
				   strerror(l->failure));
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return error_class(err, ERROR_INTERRUPTED, "stopped");
	if (code != CURLE_OK)
		return error_class(err, ERROR_INFRA, "%s: %s", shown,
				   *l->curl_text ? l->curl_text
						 : curl_easy_strerror(code));
	autofree char *word = code_of(l);
	error_class(err, ERROR_INFRA, "%s: status %ld%s", shown, status, word);
	return advice(l, status) ? error_hint(err, "%s", advice(l, status)) : -1;
}

/* A full disk at the other end is one when we ask again. */
static bool passing(CURLcode code, long status)
{
	if (code != CURLE_OK)
		return transfer_passing(code, 0);
	return status != 507 && transfer_passing(CURLE_HTTP_RETURNED_ERROR, status);
}

static void pause_ms(struct uplink *l, uint64_t ms)
{
	uint64_t end = clock_ms() + ms;

	while (clock_ms() < end && !atomic_load(l->stop))
		usleep(20 * 1000);
}

/* The status that ended it, below 500, or -1. */
static long ask(struct uplink *l, const char *url,
		void (*set)(struct uplink *, const char *), struct error *err)
{
	for (unsigned tries = 0;; tries++) {
		long status = 0;

		set(l, url);
		CURLcode code = curl_easy_perform(l->easy);
		curl_easy_getinfo(l->easy, CURLINFO_RESPONSE_CODE, &status);
		if (code == CURLE_OK && status < 500 && !passing(code, status))
			return status;
		if (l->failure || tries + 1 == TRIES || !passing(code, status))
			return explain(l, url, code, status, err);
		pause_ms(l, (uint64_t)FIRST_PAUSE_MS << tries);
		if (atomic_load(l->stop))
			return error_class(err, ERROR_INTERRUPTED, "stopped");
	}
}

int uplink_has(struct uplink *l, const char *name, struct error *err)
{
	if (l->cache->kind == CACHE_DIR)
		return uplink_dir_has(l->cache, name, err);
	autofree char *url = cache_url_file(l->cache, name);
	l->file = NULL;
	long status = ask(l, url, set_head, err);
	if (status < 0)
		return -1;
	/* Anything but a yes is no reason not to try. */
	return status >= 200 && status < 300;
}

int uplink_put(struct uplink *l, const struct uplink_file *f, struct error *err)
{
	if (l->cache->kind == CACHE_DIR)
		return uplink_dir_put(l->cache, f, l->stop, err);
	autofree char *url = cache_url_file(l->cache, f->name);
	if (f->file) {
		l->fd = open(f->file, O_RDONLY | O_CLOEXEC);
		if (l->fd < 0)
			return error_errno(err, "cannot open %s", f->file);
	}
	l->file = f;
	long status = ask(l, url, set_put, err);
	if (l->fd >= 0)
		close(take_fd(&l->fd));
	if (status >= 200 && status < 300)
		status = 0;
	else if (status >= 0)
		status = explain(l, url, CURLE_OK, status, err);
	l->file = NULL;
	return status < 0 ? -1 : 0;
}
