// SPDX-License-Identifier: MIT
#include "fetchers/cache.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"

enum {
	INFO_MAX = 64 * 1024,
	NARINFO_FILE_MAX = 1024 * 1024,
	ALL_MAX = 32 * 1024 * 1024, /* all narinfos of one request */
	LOG_MAX = 256 * 1024 * 1024,
	LOG_PATIENCE = 20, /* times that for a small answer */
	PARALLEL = 24,
	TRIES = 2,
};

static int check_dir(const struct cache_url *u, struct error *err)
{
	struct stat st;

	if (u->kind != CACHE_DIR || (stat(u->dir, &st) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	return error_class(err, ERROR_INFRA, "%s is no directory", u->dir);
}

int cache_file(const struct cache_url *u, const char *name, struct download *d,
	       struct error *err)
{
	autofree char *url = cache_url_file(u, name);
	autofree char *path = u->dir ? path_join(u->dir, name) : NULL;
	struct stat st;

	if (path && stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return error_class(err, ERROR_INFRA, "%s is no file", path);
	d->cache = u;
	argv_push(&d->urls, url);
	return 0;
}

/* Small files into memory. Each has its own fate; -1 only if nothing could be asked. */
static int read_texts(const struct cache_url *u, struct download *items, size_t n,
		      unsigned timeout_s, struct error *err)
{
	struct download_set set = {
		.items = items,
		.n = n,
		.parallel = PARALLEL,
		.tries = TRIES,
		.stall_s = timeout_s,
		/* However slowly it answers each, together it comes to an end. */
		.patience_s = timeout_s * 4 + (unsigned)(n / 20),
		.each = true,
		.one_server = true,
	};
	int failed;

	for (size_t i = 0; i < n; i++)
		items[i].patience_s = timeout_s;
	failed = check_dir(u, err) < 0 ? -1 : download_all(&set, err);
	for (size_t i = 0; i < n; i++)
		argv_finish(&items[i].urls);
	return failed;
}

/* --- nix-cache-info --------------------------------------------------------------- */

static int read_priority(const char *text, long *out)
{
	char *end;

	*out = strtol(text, &end, 10);
	return *text < '0' || *text > '9' || *end || *out > 1000000 ? -1 : 0;
}

static int parse_info(struct str text, struct arena *a, struct cache_info *out,
		      struct error *err)
{
	while (text.ptr && text.len) {
		struct str value = str_cut(&text, '\n');
		struct str key = str_cut(&value, ':');
		const char *v;

		if (!value.ptr || memchr(key.ptr, ' ', key.len))
			return error_class(
				err, ERROR_INFRA,
				"expected lines 'Key: value' in nix-cache-info");
		while (value.len && *value.ptr == ' ')
			value = (struct str){value.ptr + 1, value.len - 1};
		v = arena_strndup(a, value.ptr, value.len);
		if (str_is(key, "StoreDir"))
			out->store_dir = v;
		else if (str_is(key, "Priority") && read_priority(v, &out->priority) < 0)
			return error_class(err, ERROR_INFRA,
					   "nix-cache-info: '%s' is no priority", v);
	}
	return 0;
}

int cache_read_info(const struct cache_url *u, unsigned timeout_s, struct arena *a,
		    struct cache_info *out, struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;
	struct download d = {.what = "nix-cache-info", .max = INFO_MAX, .text = &text};

	*out = (struct cache_info){"/nix/store", CACHE_PRIORITY};
	if (cache_file(u, d.what, &d, err) < 0 ||
	    read_texts(u, &d, 1, timeout_s, err) < 0)
		return -1;
	if (d.gone) {
		error_finish(&d.error);
		return 0;
	}
	if (error_is_set(&d.error))
		return error_join(err, &d.error);
	return parse_info((struct str){text.ptr, text.len}, a, out, err);
}

/* --- narinfo ---------------------------------------------------------------------- */

/* None is in a narinfo; as JSON each would take six bytes. */
static bool has_control(const struct strbuf *text)
{
	for (size_t i = 0; i < text->len; i++)
		if ((unsigned char)text->ptr[i] < ' ' && text->ptr[i] != '\n')
			return true;
	return false;
}

static void take_answer(struct download *d, struct cache_answer *answer)
{
	answer->absent = d->gone;
	if (!d->gone)
		error_join(&answer->error, &d->error);
	error_finish(&d->error);
	if (!answer->absent && !error_is_set(&answer->error) &&
	    has_control(&answer->text))
		error_class(&answer->error, ERROR_INFRA,
			    "the narinfo is broken: it has a control character");
	if (answer->absent || error_is_set(&answer->error))
		strbuf_reset(&answer->text);
}

int cache_read_narinfos(const struct cache_url *u, unsigned timeout_s,
			struct cache_answer *answers, size_t n, struct error *err)
{
	autofree struct download *items = xcalloc(n + 1, sizeof(*items));
	autofree struct cache_answer **of = xcalloc(n + 1, sizeof(*of));
	uint64_t budget = ALL_MAX;
	size_t asked = 0;

	for (size_t i = 0; i < n; i++) {
		autofree char *name = xasprintf("%s.narinfo", answers[i].digest);
		struct download *d = &items[asked];

		if (cache_file(u, name, d, &answers[i].error) < 0)
			continue;
		d->what = answers[i].digest;
		d->text = &answers[i].text;
		d->max = NARINFO_FILE_MAX;
		d->budget = &budget;
		of[asked++] = &answers[i];
	}
	int failed = read_texts(u, items, asked, timeout_s, err);
	for (size_t i = 0; i < n && failed; i++)
		if (!error_is_set(&answers[i].error))
			error_class(&answers[i].error, err->class, "%s", err->msg);
	for (size_t i = 0; i < asked; i++) {
		if (items[i].unanswered && !failed)
			failed = error_class(err, ERROR_INFRA, "%s", items[i].error.msg);
		take_answer(&items[i], of[i]);
	}
	return failed;
}

/* --- logs ------------------------------------------------------------------------- */

int cache_read_log(const struct cache_url *u, unsigned timeout_s, const char *drv,
		   const char *partial_dir, const char *dest, struct error *err)
{
	autofree char *name = xasprintf("log/%s", drv);
	struct download d = {.what = drv, .max = LOG_MAX, .dest = dest};
	struct download_set set = {
		.items = &d,
		.n = 1,
		.partial_dir = partial_dir,
		.tries = TRIES,
		.stall_s = timeout_s,
		.patience_s = timeout_s * LOG_PATIENCE,
		.each = true,
	};

	if (check_dir(u, err) < 0 || cache_file(u, name, &d, err) < 0)
		return -1;
	int failed = download_all(&set, err);
	argv_finish(&d.urls);
	if (d.gone)
		error_finish(&d.error);
	else if (error_is_set(&d.error))
		return error_join(err, &d.error);
	return failed ? -1 : !d.gone;
}
