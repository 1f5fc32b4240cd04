// SPDX-License-Identifier: MIT
/* What an attempt asks of libcurl: whom, with what right, for how long. */
#include <string.h>

#include "base/clock.h"
#include "fetchers/s3.h"
#include "fetchers/transfer.h"
#include "fetchers/url.h"

static const uint64_t SIZE_LIMIT = 16ull << 30;

enum {
	CONNECT_TIMEOUT_S = 20,
	SLOW_BYTES_PER_S = 1000,
	SLOW_TIME_S = 30,
	REDIRECTS = 10,
};

uint64_t transfer_limit(const struct transfer *t)
{
	const struct download *d = t->item;

	return d->size ? d->size : d->max ? d->max : SIZE_LIMIT;
}

static void set_limits(struct transfer *t)
{
	CURL *c = t->easy;
	unsigned stall_s = t->set->stall_s ? t->set->stall_s : SLOW_TIME_S;
	unsigned connect_s =
		stall_s < CONNECT_TIMEOUT_S ? stall_s : (unsigned)CONNECT_TIMEOUT_S;
	uint64_t now = clock_ms();

	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)connect_s);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_PER_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)stall_s);
	if (t->deadline_ms)
		curl_easy_setopt(c, CURLOPT_TIMEOUT_MS,
				 t->deadline_ms > now ? (long)(t->deadline_ms - now)
						      : 1L);
	if (transfer_limit(t) < SIZE_LIMIT)
		curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE,
				 (curl_off_t)transfer_limit(t));
}

/* A cache may be trusted with less: its files are known only when they are here. */
static void set_access(struct transfer *t, const char *url)
{
	CURL *c = t->easy;
	bool secure = strncmp(url, "https:", 6) == 0;
	bool known = t->item->expect && !t->item->cache;

	/* Never to file:, and from https back to http only if the bytes are known. */
	curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR,
			 secure && !known ? "https" : "http,https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS);
	if (t->item->cache && t->item->cache->kind == CACHE_S3) {
		curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
		curl_slist_free_all(take_ptr(&t->headers));
		s3_sign(c, t->item->cache, s3_nothing, &t->headers);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
	} else {
		curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	}
	if (url_certificates())
		curl_easy_setopt(c, CURLOPT_CAINFO, url_certificates());
}

void transfer_set_options(struct transfer *t)
{
	CURL *c = t->easy;
	const char *url = t->item->urls.v[t->url];

	curl_easy_reset(c);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_USERAGENT, "kbuild");
	curl_easy_setopt(c, CURLOPT_PIPEWAIT, t->set->one_server ? 1L : 0L);
	curl_easy_setopt(c, CURLOPT_BUFFERSIZE, t->item->text ? 16L * 1024 : 256L * 1024);
	set_access(t, url);
	set_limits(t);
	if (t->resumed)
		curl_easy_setopt(c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->part.have);
}
