// SPDX-License-Identifier: MIT
#include "fetchers/cacheurl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/str.h"
#include "fetchers/url.h"

enum { PRIORITY_MAX = 1000000 };

static const char default_region[] = "us-east-1";

struct params {
	char *region, *endpoint, *scheme;
};

static int refuse(struct error *err, const char *text, const char *why)
{
	autofree char *shown = url_masked(text);

	return error_class(err, ERROR_RECIPE, "cache '%s': %s", shown, why);
}

/* --- parameters ------------------------------------------------------------------- */

static bool name_only(const char *s, const char *more)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(more, *s))
			return false;
	return true;
}

static int set_priority(struct cache_url *u, const char *value)
{
	char *end;

	errno = 0;
	u->priority = strtol(value, &end, 10);
	return !isdigit((unsigned char)*value) || *end || errno ||
			       u->priority > PRIORITY_MAX
		       ? -1
		       : 0;
}

static int take_param(struct cache_url *u, struct params *p, const char *key,
		      const char *value)
{
	if (strcmp(key, "priority") == 0)
		return set_priority(u, value);
	if (u->kind != CACHE_S3 || !*value)
		return -1;
	if (strcmp(key, "region") == 0 && !p->region && name_only(value, "-"))
		p->region = xstrdup(value);
	else if (strcmp(key, "endpoint") == 0 && !p->endpoint &&
		 name_only(value, "-.:[]"))
		p->endpoint = xstrdup(value);
	else if (strcmp(key, "scheme") == 0 && !p->scheme &&
		 (strcmp(value, "http") == 0 || strcmp(value, "https") == 0))
		p->scheme = xstrdup(value);
	else
		return -1;
	return 0;
}

static int take_params(struct cache_url *u, const char *text, const char *query,
		       struct params *p, struct error *err)
{
	struct str rest = str_of(query);

	while (rest.ptr) {
		struct str value = str_cut(&rest, '&'), key = str_cut(&value, '=');
		autofree char *k = xstrndup(key.ptr, key.len);
		autofree char *v = xstrndup(value.ptr ? value.ptr : "", value.len);
		autofree char *why =
			xasprintf("parameter '%s=%s' is unknown or wrong", k, v);

		if (take_param(u, p, k, v) == 0)
			continue;
		refuse(err, text, why);
		return error_hint(err,
				  u->kind == CACHE_S3
					  ? "priority=N, region=, endpoint=HOST[:PORT], "
					    "scheme=http|https"
					  : "priority=N");
	}
	return 0;
}

/* --- kinds ------------------------------------------------------------------------ */

static int parse_web(struct cache_url *u, const char *head, const char *text,
		     struct error *err)
{
	const char *host = strstr(head, "://") + 3;
	const char *at = strchr(host, '@');
	size_t n = strcspn(host, "/");

	if (at && at < host + n)
		host = at + 1;
	if (!*host || *host == '/')
		return refuse(err, text, "has no host");
	u->base = xstrdup(head);
	return 0;
}

/* %XX in file:///my%20dir. */
static char *unescape(const char *s)
{
	struct strbuf b = STRBUF_INIT;

	for (; *s; s++) {
		char digits[3] = {0};

		if (*s == '%' && isxdigit((unsigned char)s[1]) &&
		    isxdigit((unsigned char)s[2])) {
			memcpy(digits, s + 1, 2);
			strbuf_addc(&b, (char)strtol(digits, NULL, 16));
			s += 2;
		} else {
			strbuf_addc(&b, *s);
		}
	}
	return strbuf_take(&b);
}

static int parse_dir(struct cache_url *u, const char *head, const char *text,
		     struct error *err)
{
	bool is_url = str_starts(head, "file://");

	u->dir = is_url ? unescape(head + strlen("file://")) : xstrdup(head);
	if (*u->dir != '/')
		return refuse(err, text, "expected file:///DIRECTORY");
	autofree char *escaped = url_join("", u->dir);
	u->base = xasprintf("file://%s", escaped);
	return 0;
}

static int parse_s3(struct cache_url *u, const char *head, const struct params *p,
		    const char *text, struct error *err)
{
	const char *bucket = head + strlen("s3://");
	int n = (int)strcspn(bucket, "/");
	autofree char *name = xstrndup(bucket, (size_t)n);
	const char *scheme = p->scheme ? p->scheme : "https";

	if (!n || !name_only(name, "-._"))
		return refuse(err, text, "has no name of a bucket");
	u->region = xstrdup(p->region ? p->region : default_region);
	autofree char *host = p->endpoint ? xstrdup(p->endpoint)
					  : xasprintf("s3.%s.amazonaws.com", u->region);
	autofree char *path = url_escape(bucket);
	u->base = xasprintf("%s://%s/%s", scheme, host, path);
	return 0;
}

static int parse_kind(struct cache_url *u, const char *head, const char *text,
		      struct error *err)
{
	if (str_starts(head, "http://") || str_starts(head, "https://"))
		u->kind = CACHE_WEB;
	else if (*head == '/' || str_starts(head, "file://"))
		u->kind = CACHE_DIR;
	else if (str_starts(head, "s3://"))
		u->kind = CACHE_S3;
	else
		return refuse(
			err, text,
			"expected https://..., s3://..., file:///... or a directory");
	return 0;
}

static bool printable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

int cache_url_parse(const char *text, struct cache_url *out, struct error *err)
{
	size_t n = strcspn(text, "?");
	autofree char *head = xstrndup(text, n);
	struct params p = {0};

	*out = (struct cache_url){.priority = -1};
	if (!printable(text))
		return refuse(err, text, "holds control characters");
	while (n > 1 && head[n - 1] == '/')
		head[--n] = '\0';
	if (parse_kind(out, head, text, err) < 0)
		return -1;
	if (out->kind != CACHE_DIR && strpbrk(head, "# \\"))
		return refuse(err, text, "has a '#', a blank or a '\\' in it");
	const char *query = strchr(text, '?');
	int failed = query ? take_params(out, text, query + 1, &p, err) : 0;
	if (!failed)
		failed = out->kind == CACHE_WEB   ? parse_web(out, head, text, err)
			 : out->kind == CACHE_DIR ? parse_dir(out, head, text, err)
						  : parse_s3(out, head, &p, text, err);
	if (!failed)
		out->shown = out->dir ? xstrdup(out->dir) : url_masked(head);
	free(p.region);
	free(p.endpoint);
	free(p.scheme);
	return failed;
}

void cache_url_finish(struct cache_url *u)
{
	free(u->base);
	free(u->dir);
	free(u->region);
	free(u->shown);
	*u = (struct cache_url){0};
}

char *cache_url_file(const struct cache_url *u, const char *name)
{
	const char *query = u->kind == CACHE_WEB ? strchr(name, '?') : NULL;
	/* What is signed is the path in this form. */
	autofree char *strict = u->kind == CACHE_S3 ? url_escape(name) : NULL;
	if (strict)
		return path_join(u->base, strict);
	autofree char *path = query ? xstrndup(name, (size_t)(query - name)) : NULL;
	char *url = url_join(u->base, path ? path : name);

	if (!query)
		return url;
	/* Some servers tell their files apart by it. */
	char *all = xasprintf("%s%s", url, query);
	free(url);
	return all;
}

char *cache_url_absolute(const char *text, const char *dir)
{
	if (*text == '/' || strstr(text, "://"))
		return xstrdup(text);
	return path_join(dir, text);
}
