// SPDX-License-Identifier: MIT
#include "fetchers/debline.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "fetchers/url.h"

int deb_line_check(const struct deb_line *d, struct error *err)
{
	struct sha256 digest;

	if (!d->name || !*d->name || *d->name == '.' || strchr(d->name, '/'))
		return error_class(err, ERROR_LOCK, "'%s' is no package file",
				   d->name ? d->name : "");
	if (!d->sha256 || sha256_parse(d->sha256, &digest) < 0)
		return error_class(err, ERROR_LOCK, "%s: '%s' is no SHA-256", d->name,
				   d->sha256 ? d->sha256 : "");
	if (!d->pool || *d->pool == '/' || strstr(d->pool, "..") ||
	    strpbrk(d->pool, "\\:?#"))
		return error_class(err, ERROR_LOCK,
				   "%s: '%s' is no directory of an archive", d->name,
				   d->pool ? d->pool : "");
	if (!d->size)
		return error_class(err, ERROR_LOCK, "%s: no size", d->name);
	return 0;
}

int deb_line_parse(struct str text, struct arena *a, struct deb_line *out,
		   struct error *err)
{
	const char *words[4] = {0};
	struct str rest = text;
	char *end = NULL;
	size_t n = 0;

	while (rest.ptr) {
		struct str word = str_cut(&rest, ' ');

		if (word.len && n++ < ARRAY_LEN(words))
			words[n - 1] = arena_strndup(a, word.ptr, word.len);
	}
	if (n == ARRAY_LEN(words))
		out->size = strtoull(words[2], &end, 10);
	if (!end || *end || !str_starts(words[1], "sha256:"))
		return error_class(err, ERROR_LOCK,
				   "'%.*s': expected NAME sha256:HEX SIZE DIRECTORY/",
				   (int)text.len, text.ptr);
	out->name = words[0];
	out->sha256 = words[1] + strlen("sha256:");
	out->pool = words[3];
	return deb_line_check(out, err);
}

void deb_line_write(const struct deb_line *d, struct strbuf *out)
{
	strbuf_printf(out, "%s sha256:%s %llu %s", d->name, d->sha256,
		      (unsigned long long)d->size, d->pool);
}

void deb_line_urls(const struct deb_line *d, const struct host *h, const char *date,
		   struct argv *urls)
{
	autofree char *path =
		xasprintf("%s%s%s", d->pool, str_ends(d->pool, "/") ? "" : "/", d->name);

	for (size_t i = 0; i < h->debian.n; i++) {
		autofree char *url = url_join(h->debian.v[i], path);
		argv_push(urls, url);
	}
	for (size_t i = 0; date && i < h->snapshots.n; i++) {
		autofree char *dated = url_join(h->snapshots.v[i], date);
		autofree char *url = url_join(dated, path);
		argv_push(urls, url);
	}
}

int deb_line_gone(const struct deb_line *d, const char *input, struct error *err)
{
	error_wrap(err, "%s is on no mirror any more", d->name);
	err->class = ERROR_LOCK; /* the network is fine: the lock is old */
	return error_hint(
		err,
		"`kbuild update %s` locks the current version; a snapshot service "
		"that keeps old ones can be named in KBUILD_DEBIAN_SNAPSHOT",
		input);
}
