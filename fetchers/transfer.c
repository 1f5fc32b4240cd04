// SPDX-License-Identifier: MIT
#include "fetchers/transfer.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "fetchers/url.h"

enum {
	TRIES = 4,
	FIRST_PAUSE_MS = 400,
	HEADERS_MAX = 256 * 1024,
};

/* --- where the bytes go ----------------------------------------------------------- */

uint64_t transfer_have(const struct transfer *t)
{
	return t->item->text ? t->item->text->len : t->part.have;
}

static int add_bytes(struct transfer *t, const char *bytes, size_t n)
{
	if (!t->item->text)
		return part_add(&t->part, bytes, n);
	strbuf_add(t->item->text, bytes, n);
	if (t->item->budget)
		*t->item->budget -= n;
	return 0;
}

static int begin_again(struct transfer *t)
{
	if (!t->item->text)
		return part_restart(&t->part);
	if (t->item->budget)
		*t->item->budget += t->item->text->len;
	strbuf_reset(t->item->text);
	return 0;
}

/* --- one attempt ------------------------------------------------------------------ */

/* The first bytes of a reply: was the range honoured, or does the file come from its
 * start? */
static int check_head(struct transfer *t)
{
	long code = 0;

	t->checked_head = true;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &code);
	if (!t->resumed || code != 200)
		return 0;
	t->resumed = false;
	return begin_again(t);
}

/* May n more bytes come? */
static bool fits(struct transfer *t, size_t n)
{
	const uint64_t *budget = t->item->budget;

	t->too_long = transfer_have(t) + n > transfer_limit(t);
	t->too_much = budget && n > *budget;
	return !t->too_long && !t->too_much;
}

static size_t receive(char *bytes, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	n *= size;
	if (!t->checked_head && check_head(t) < 0) {
		t->local_errno = errno;
		return 0;
	}
	if (!fits(t, n))
		return 0;
	if (add_bytes(t, bytes, n) < 0) {
		t->local_errno = errno;
		return 0;
	}
	return n;
}

/* They are nobody's, but libcurl keeps them: their number must end. */
static size_t receive_header(char *bytes, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	(void)bytes;
	n *= size;
	t->header_bytes += n;
	return t->header_bytes > HEADERS_MAX ? 0 : n;
}

/* What the rest of the options cannot know: where everything goes. */
static void set_callbacks(struct transfer *t)
{
	CURL *c = t->easy;

	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->curl_text);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(c, CURLOPT_PRIVATE, t);
}

static int open_sink(struct transfer *t)
{
	if (t->item->text)
		return begin_again(t);
	if (t->part.path)
		return 0;
	return part_open(&t->part, t->set->partial_dir, t->item->expect, &t->error);
}

void transfer_start(struct transfer *t, CURLM *multi)
{
	if (open_sink(t) < 0) {
		t->state = TRANSFER_DONE;
		return;
	}
	if (!t->easy)
		t->easy = curl_easy_init();
	if (!t->easy)
		BUG("libcurl gives no handle");
	if (!t->began && t->item->patience_s) {
		uint64_t end = clock_ms() + t->item->patience_s * 1000ull;

		if (!t->deadline_ms || end < t->deadline_ms)
			t->deadline_ms = end;
	}
	t->began = true;
	t->curl_text[0] = '\0';
	t->header_bytes = 0;
	t->checked_head = t->too_long = t->too_much = false;
	t->local_errno = 0;
	t->resumed = transfer_have(t) > 0;
	transfer_set_options(t);
	set_callbacks(t);
	curl_multi_add_handle(multi, t->easy);
	t->state = TRANSFER_RUNS;
}

/* --- how it ended ----------------------------------------------------------------- */

static bool unanswered(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SSL_CONNECT_ERROR:
		return true;
	default:
		return false;
	}
}

bool transfer_passing(CURLcode code, long status)
{
	switch (code) {
	case CURLE_HTTP_RETURNED_ERROR:
		return status == 408 || status == 429 || (status >= 500 && status != 501);
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return true;
	default:
		return unanswered(code);
	}
}

/* S3 does not tell who may not list a bucket what is missing from what is forbidden. */
static bool missing(const struct transfer *t, CURLcode code, long status)
{
	bool s3 = t->item->cache && t->item->cache->kind == CACHE_S3;

	return (code == CURLE_HTTP_RETURNED_ERROR &&
		(status == 404 || status == 410 || (s3 && status == 403))) ||
	       code == CURLE_FILE_COULDNT_READ_FILE;
}

static void explain(struct transfer *t, CURLcode code, long status)
{
	autofree char *shown = url_masked(t->item->urls.v[t->url]);
	struct error *err = &t->error;

	error_finish(err);
	if (t->local_errno)
		error_class(err, ERROR_INFRA, "cannot write %s: %s", t->part.path,
			    strerror(t->local_errno));
	else if (t->too_long || code == CURLE_FILESIZE_EXCEEDED)
		error_class(err, ERROR_INFRA,
			    "%s sends more than the %llu bytes expected", shown,
			    (unsigned long long)transfer_limit(t));
	else if (t->too_much)
		error_class(err, ERROR_INFRA,
			    "%s: all answers together take too much memory", shown);
	else if (t->header_bytes > HEADERS_MAX)
		error_class(err, ERROR_INFRA, "%s sends no end of headers", shown);
	else if (code == CURLE_HTTP_RETURNED_ERROR)
		error_class(err, ERROR_INFRA, "%s: status %ld", shown, status);
	else
		error_class(err, ERROR_INFRA, "%s: %s", shown,
			    *t->curl_text ? t->curl_text : curl_easy_strerror(code));
}

static int check_digest(struct transfer *t, const char *shown)
{
	char want[SHA256_HEX_SIZE], got[SHA256_HEX_SIZE];
	struct download *d = t->item;

	d->got = part_digest(&t->part);
	if (!d->expect || sha256_equal(d->expect, &d->got))
		return 0;
	error_finish(&t->error);
	return error_class(&t->error, ERROR_LOCK,
			   "hash mismatch of %s from %s\n  expected sha256:%s\n"
			   "  got      sha256:%s",
			   d->what, shown, sha256_hex(d->expect, want),
			   sha256_hex(&d->got, got));
}

/* We asked for no encoding; what it would become is not what was asked for. */
static int check_encoding(struct transfer *t, const char *shown)
{
	struct curl_header *h;

	if (curl_easy_header(t->easy, "Content-Encoding", 0, CURLH_HEADER, -1, &h) !=
		    CURLHE_OK ||
	    strcmp(h->value, "identity") == 0)
		return 0;
	error_finish(&t->error);
	return error_class(&t->error, ERROR_INFRA,
			   "%s comes in the encoding '%.40s', expected none", shown,
			   h->value);
}

/* Everything arrived. 0: the bytes are right. */
static int check_whole(struct transfer *t)
{
	struct download *d = t->item;
	autofree char *shown = url_masked(d->urls.v[t->url]);

	if (d->text)
		return check_encoding(t, shown);
	if (check_digest(t, shown) < 0)
		return -1;
	if (!d->size || d->size == t->part.have)
		return 0;
	error_finish(&t->error);
	return error_class(&t->error, ERROR_LOCK, "%s has %llu bytes, expected %llu",
			   shown, (unsigned long long)t->part.have,
			   (unsigned long long)d->size);
}

static void next_url(struct transfer *t)
{
	strbuf_printf(&t->story, "%s%s", t->story.len ? "\n" : "", t->error.msg);
	t->mismatch |= t->error.class == ERROR_LOCK;
	t->tries = 0;
	if (++t->url < t->item->urls.n) {
		t->state = TRANSFER_WAITS;
		return;
	}
	t->state = TRANSFER_DONE;
	error_finish(&t->error);
	error_class(&t->error, t->mismatch ? ERROR_LOCK : ERROR_INFRA, "%s",
		    t->story.ptr);
}

static void hand_on(struct transfer *t)
{
	struct download *d = t->item;

	error_finish(&t->error);
	t->state = TRANSFER_DONE;
	d->size = transfer_have(t);
	if (d->text)
		return;
	if (d->dest) {
		part_publish(&t->part, d->dest, &t->error);
		return;
	}
	int fd = part_take(&t->part, &t->error);
	if (fd >= 0)
		t->set->whole(t->set->ctx, d, fd);
}

static unsigned tries(const struct transfer *t)
{
	return t->set->tries ? t->set->tries : TRIES;
}

static void whole(struct transfer *t)
{
	if (check_whole(t) == 0) {
		hand_on(t);
	} else if (begin_again(t) < 0) {
		t->state = TRANSFER_DONE;
	} else if (t->resumed && ++t->tries < tries(t)) {
		t->state = TRANSFER_WAITS; /* the old part was to blame: from the start */
	} else {
		next_url(t);
	}
}

/* Is there time for another attempt that is worth the name? */
static bool may_try_again(const struct transfer *t, uint64_t pause_ms)
{
	return t->tries + 1 < tries(t) &&
	       (!t->deadline_ms || clock_ms() + 2 * pause_ms < t->deadline_ms);
}

static void failed(struct transfer *t, CURLcode code, long status)
{
	uint64_t pause_ms = (uint64_t)FIRST_PAUSE_MS << t->tries;

	explain(t, code, status);
	t->silent = unanswered(code) || code == CURLE_GOT_NOTHING || status == 429 ||
		    status >= 500;
	if (t->local_errno || (t->too_long && begin_again(t) < 0)) {
		t->state = TRANSFER_DONE;
	} else if (transfer_passing(code, status) && may_try_again(t, pause_ms)) {
		t->tries++;
		t->not_before_ms = clock_ms() + pause_ms;
		t->state = TRANSFER_WAITS;
	} else {
		t->misses += missing(t, code, status);
		next_url(t);
	}
}

void transfer_ended(struct transfer *t, CURLcode code)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	/* Nothing lies beyond what is here: it is whole, or it is wrong. */
	bool beyond = t->resumed &&
		      ((code == CURLE_HTTP_RETURNED_ERROR && status == 416) ||
		       code == CURLE_RANGE_ERROR || code == CURLE_BAD_DOWNLOAD_RESUME);

	if (code == CURLE_OK || beyond)
		whole(t);
	else
		failed(t, code, status);
	if (t->state != TRANSFER_DONE)
		return;
	part_close(&t->part);
	curl_easy_cleanup(take_ptr(&t->easy));
}

void transfer_give_up(struct transfer *t, const struct error *why)
{
	error_finish(&t->error);
	error_class(&t->error, why->class, "%s", why->msg);
	t->silent = true;
	t->state = TRANSFER_DONE;
}

void transfer_finish(struct transfer *t)
{
	error_finish(&t->error);
	strbuf_finish(&t->story);
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	part_close(&t->part);
}
