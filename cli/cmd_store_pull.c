// SPDX-License-Identifier: MIT
/* kbuild store pull: paths and all they refer to, from binary caches. */
#include <limits.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cli/caches.h"
#include "cli/cmd_store.h"
#include "cli/download.h"
#include "fetchers/cacheurl.h"
#include "store/path.h"

int store_take_caches(struct store_cmd *c, struct caches *out, struct error *err)
{
	struct arena *a = &c->cli->arena;
	struct settings s;
	char cwd[PATH_MAX];

	if (settings_load(NULL, a, &s, err) < 0)
		return -1;
	if (!getcwd(cwd, sizeof(cwd)))
		return error_errno(err, "cannot tell the working directory");
	const char **urls = arena_array(a, c->from.n, const char *);
	for (size_t i = 0; i < c->from.n; i++) {
		autofree char *url = cache_url_absolute(c->from.v[i], cwd);

		urls[i] = arena_strdup(a, url);
	}
	struct key_public *named,
		*all = arena_array(a, c->trust.n + s.ntrust, struct key_public);
	if (cli_keys(c->cli, &c->trust, &named, err) < 0 ||
	    cli_find_fetch(c->cli, err) < 0)
		return -1;
	for (size_t i = 0; i < c->trust.n + s.ntrust; i++)
		all[i] = i < c->trust.n ? named[i] : s.trust[i - c->trust.n];
	cli_caches(c->cli, &s, out);
	if (c->from.n) {
		out->urls = urls;
		out->n = c->from.n;
	}
	out->trust = all;
	out->ntrust = c->trust.n + s.ntrust;
	out->timeout_s = c->timeout_s > 0 ? (unsigned)c->timeout_s : 0;
	out->fresh = true;
	return 0;
}

/* A path need not be here: a whole one is taken as it is, a digest is looked for. */
static int find_path(struct store_cmd *c, struct store *st, const struct caches *caches,
		     const char *word, const char **out, struct error *err)
{
	struct arena *a = &c->cli->arena;
	const char *base = store_ref_base(c, st, word);
	int found;

	*out = arena_printf(a, STORE_DIR "/%.*s", (int)strcspn(base, "/"), base);
	if (path_ok(*out))
		return 0;
	found = store_find_digest(st, base, a, out, err);
	if (found == 0 && strlen(base) == PATH_DIGEST_LEN)
		found = caches_find(caches, base, a, out, err);
	if (found)
		return found < 0 ? -1 : 0;
	error_class(err, ERROR_RECIPE,
		    "'%s' is neither a store path nor a digest that a cache knows", word);
	return error_hint(err, "the beginning of a digest is enough only for what is "
			       "here already");
}

int store_cmd_pull(struct store_cmd *c, struct error *err)
{
	const char **paths = arena_array(&c->cli->arena, c->argc, const char *);
	autostore struct store *st = NULL;
	struct caches caches;
	int rc = 0;

	if (store_take_caches(c, &caches, err) < 0)
		return -1;
	if (!caches.n)
		return cli_usage(c->cli, err, "expected --from CACHE");
	if (cli_open_store(c->cli, STORE_WRITE, &st, err) < 0)
		return -1;
	caches.scratch_dir = store_scratch_dir(st);
	store_clear_scratch(caches.scratch_dir);
	download_begin(c->cli);
	for (int i = 0; i < c->argc && rc == 0; i++)
		rc = find_path(c, st, &caches, c->argv[i], &paths[i], err);
	if (rc == 0)
		rc = caches_pull(&caches, st, paths, (size_t)c->argc, err);
	download_end(c->cli);
	for (int i = 0; i < c->argc && rc == 0; i++)
		printf("%s\n", paths[i]);
	return rc < 0 ? -1 : EXIT_DONE;
}
