// SPDX-License-Identifier: MIT
#include "fetchers/download.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "fetchers/part.h"
#include "fetchers/url.h"

static const uint64_t SIZE_LIMIT = 16ull << 30;

enum {
	TRIES = 4,
	FIRST_PAUSE_MS = 400,
	CONNECT_TIMEOUT_S = 20,
	SLOW_BYTES_PER_S = 1000,
	SLOW_TIME_S = 30,
	REDIRECTS = 10,
};

enum state { WAITING, RUNNING, DONE };

struct transfer {
	struct download *item;
	enum state state;
	size_t url; /* index of the one being tried */
	unsigned tries;
	uint64_t not_before_ms;
	CURL *easy;
	char curl_text[CURL_ERROR_SIZE];

	struct part part;
	bool checked_head; /* the reply's kind was looked at */
	bool resumed;      /* this attempt continues what an earlier one left */
	bool too_long;
	int local_errno;     /* of our own disk; 0: it is fine */
	unsigned misses;     /* addresses that have no such file */
	struct error error;  /* of the last attempt; at the end, of all */
	struct strbuf story; /* how each address failed, one a line */
	bool mismatch;       /* one of them had other bytes */
};

/* --- one attempt ----------------------------------------------------------- */

/* The first bytes of a reply: was the range honoured, or does the file come from its
 * start? */
static int check_head(struct transfer *t)
{
	long code = 0;

	t->checked_head = true;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
	if (!t->part.have || code != 200)
		return 0;
	t->resumed = false;
	return part_restart(&t->part);
}

static size_t receive(char *bytes, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	uint64_t limit = t->item->size ? t->item->size : SIZE_LIMIT;

	n *= size;
	if (!t->checked_head && check_head(t) < 0) {
		t->local_errno = errno;
		return 0;
	}
	if (t->part.have + n > limit) {
		t->too_long = true;
		return 0;
	}
	if (part_add(&t->part, bytes, n) < 0) {
		t->local_errno = errno;
		return 0;
	}
	return n;
}

static void set_options(struct transfer *t, const char *url)
{
	CURL *c = t->easy;
	bool secure = strncmp(url, "https:", 6) == 0;

	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
	/* Never to file:, and from https back to http only if the bytes are known. */
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR,
			 secure && !t->item->expect ? "https" : "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS);
	curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "kbuild");
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_PER_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)SLOW_TIME_S);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 256L * 1024);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->curl_text);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_PRIVATE, t);
	if (url_certificates())
		curl_easy_setopt(c, CURLOPT_CAINFO, url_certificates());
	if (t->part.have)
		curl_easy_setopt(c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->part.have);
}

static void start(CURLM *multi, struct transfer *t, const char *partial_dir)
{
	if (!t->part.path &&
	    part_open(&t->part, partial_dir, t->item->expect, &t->error) < 0) {
		t->state = DONE;
		return;
	}
	if (!t->easy)
		t->easy = curl_easy_init();
	if (!t->easy)
		BUG("libcurl gives no handle");
	t->curl_text[0] = '\0';
	t->checked_head = t->too_long = false;
	t->local_errno = 0;
	t->resumed = t->part.have > 0;
	set_options(t, t->item->urls.v[t->url]);
	curl_multi_add_handle(multi, t->easy);
	t->state = RUNNING;
}

static bool passing(CURLcode code, long status)
{
	switch (code) {
	case CURLE_HTTP_RETURNED_ERROR:
		return status == 408 || status == 429 || (status >= 500 && status != 501);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	default:
		return false;
	}
}

static void explain(struct transfer *t, CURLcode code, long status)
{
	autofree char *shown = url_masked(t->item->urls.v[t->url]);
	struct error *err = &t->error;

	error_finish(err);
	if (t->local_errno)
		error_class(err, ERROR_INFRA, "cannot write %s: %s", t->part.path,
			    strerror(t->local_errno));
	else if (t->too_long)
		error_class(
			err, ERROR_INFRA, "%s sends more than the %llu bytes expected",
			shown,
			(unsigned long long)(t->item->size ? t->item->size : SIZE_LIMIT));
	else if (code == CURLE_HTTP_RETURNED_ERROR)
		error_class(err, ERROR_INFRA, "%s: status %ld", shown, status);
	else
		error_class(err, ERROR_INFRA, "%s: %s", shown,
			    *t->curl_text ? t->curl_text : curl_easy_strerror(code));
}

/* Everything arrived. 0: the bytes are right. */
static int check_whole(struct transfer *t)
{
	char want[SHA256_HEX_SIZE], got[SHA256_HEX_SIZE];
	struct download *d = t->item;
	autofree char *shown = url_masked(d->urls.v[t->url]);

	d->got = part_digest(&t->part);
	if (d->expect && !sha256_equal(d->expect, &d->got)) {
		error_finish(&t->error);
		return error_class(&t->error, ERROR_LOCK,
				   "hash mismatch of %s from %s\n  expected sha256:%s\n"
				   "  got      sha256:%s",
				   d->what, shown, sha256_hex(d->expect, want),
				   sha256_hex(&d->got, got));
	}
	return 0;
}

static void next_url(struct transfer *t)
{
	strbuf_printf(&t->story, "%s%s", t->story.len ? "\n" : "", t->error.msg);
	t->mismatch |= t->error.class == ERROR_LOCK;
	t->tries = 0;
	if (++t->url < t->item->urls.n) {
		t->state = WAITING;
		return;
	}
	t->state = DONE;
	error_finish(&t->error);
	error_class(&t->error, t->mismatch ? ERROR_LOCK : ERROR_INFRA, "%s",
		    t->story.ptr);
}

static bool missing(CURLcode code, long status)
{
	return (code == CURLE_HTTP_RETURNED_ERROR && (status == 404 || status == 410)) ||
	       code == CURLE_FILE_COULDNT_READ_FILE;
}

static void whole(struct transfer *t)
{
	if (check_whole(t) == 0) {
		error_finish(&t->error);
		t->item->size = t->part.have;
		part_publish(&t->part, t->item->dest, &t->error);
		t->state = DONE;
	} else if (part_restart(&t->part) < 0) {
		t->state = DONE;
	} else if (t->resumed && ++t->tries < TRIES) {
		t->state = WAITING; /* the old part was to blame: from the start */
	} else {
		next_url(t);
	}
}

/* What an attempt that ended means. */
static void ended(struct transfer *t, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	/* Nothing lies beyond what is here: it is whole, or it is wrong. */
	bool beyond = t->part.have &&
		      ((code == CURLE_HTTP_RETURNED_ERROR && status == 416) ||
		       code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME);

	if (code == CURLE_OK || beyond) {
		whole(t);
		return;
	}
	explain(t, code, status);
	if (t->local_errno) {
		t->state = DONE;
		return;
	}
	if (t->too_long && part_restart(&t->part) < 0)
		t->state = DONE;
	else if (passing(code, status) && ++t->tries < TRIES) {
		t->not_before_ms =
			clock_ms() + ((uint64_t)FIRST_PAUSE_MS << (t->tries - 1));
		t->state = WAITING;
	} else {
		t->misses += missing(code, status);
		next_url(t);
	}
}

/* --- all of them ----------------------------------------------------------- */

static void report(const struct download_set *set, const struct transfer *ts)
{
	uint64_t done = 0, total = 0;
	bool known = true;

	for (size_t i = 0; i < set->n; i++) {
		curl_off_t length = -1;

		done += ts[i].part.have;
		if (ts[i].item->size)
			total += ts[i].item->size;
		else if (ts[i].easy && ts[i].state == RUNNING &&
			 curl_easy_getinfo(ts[i].easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
					   &length) == CURLE_OK &&
			 length > 0)
			total += (uint64_t)length;
		else
			known = false;
	}
	progress_say(set->progress, set->what, done, known ? total : 0);
}

/* Starts what may start; returns how long nothing will change by itself. */
static int fill(CURLM *multi, struct transfer *ts, const struct download_set *set,
		size_t *unfinished)
{
	unsigned parallel = set->parallel ? set->parallel : 1;
	size_t n = set->n;
	uint64_t now = clock_ms();
	unsigned running = 0;
	int wait_ms = 1000;

	*unfinished = 0;
	for (size_t i = 0; i < n; i++)
		running += ts[i].state == RUNNING;
	for (size_t i = 0; i < n; i++) {
		*unfinished += ts[i].state != DONE;
		if (ts[i].state != WAITING || running >= parallel)
			continue;
		if (ts[i].not_before_ms <= now) {
			start(multi, &ts[i], set->partial_dir);
			running++;
		} else if (ts[i].not_before_ms - now < (uint64_t)wait_ms) {
			wait_ms = (int)(ts[i].not_before_ms - now) + 1;
		}
	}
	return wait_ms;
}

static bool any_failed(const struct transfer *ts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ts[i].state == DONE && error_is_set(&ts[i].error))
			return true;
	return false;
}

static int run(struct download_set *set, struct transfer *ts, CURLM *multi)
{
	for (;;) {
		int active, left;
		size_t unfinished;
		int wait_ms = fill(multi, ts, set, &unfinished);

		if (!unfinished)
			return 0;
		curl_multi_perform(multi, &active);
		for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));) {
			struct transfer *t;
			CURLcode code = m->data.result;

			if (m->msg != CURLMSG_DONE)
				continue;
			curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
			curl_multi_remove_handle(multi, t->easy);
			ended(t, code);
			if (t->state == DONE)
				part_close(&t->part);
			wait_ms = 0;
		}
		if (any_failed(ts, set->n))
			return -1;
		report(set, ts);
		curl_multi_poll(multi, NULL, 0, wait_ms < 100 ? wait_ms : 100, NULL);
	}
}

static int prepare(struct download_set *set, struct transfer *ts, struct error *err)
{
	for (size_t i = 0; i < set->n; i++) {
		ts[i].item = &set->items[i];
		set->items[i].gone = false;
		if (!set->items[i].urls.n)
			return error_class(err, ERROR_INFRA, "no address to get %s from",
					   set->items[i].what);
	}
	return 0;
}

int download_all(struct download_set *set, struct error *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return error_class(err, ERROR_INFRA, "libcurl does not start");
	struct transfer *ts = xcalloc(set->n ? set->n : 1, sizeof(*ts));
	CURLM *multi = curl_multi_init();
	int failed = prepare(set, ts, err);

	if (!failed)
		failed = run(set, ts, multi);
	if (!failed)
		report(set, ts);
	for (size_t i = 0; i < set->n; i++) {
		struct transfer *t = &ts[i];

		if (t->state == RUNNING)
			curl_multi_remove_handle(multi, t->easy);
		set->items[i].gone = t->state == DONE && t->misses == t->item->urls.n;
		if (t->state == DONE && error_is_set(&t->error))
			error_join(err, &t->error);
		error_finish(&t->error);
		strbuf_finish(&t->story);
		curl_easy_cleanup(t->easy);
		part_close(&t->part);
	}
	curl_multi_cleanup(multi);
	free(ts);
	return failed;
}
