// SPDX-License-Identifier: MIT
/* kbuild store roots, add-root: what the garbage collector leaves alone, and why. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "cli/cmd_store.h"
#include "store/gc.h"

/* --- roots ------------------------------------------------------------------------ */

static const char *kind_name(enum gc_root_kind kind)
{
	static const char *const names[] = {
		[GC_ROOT_RECIPE] = "recipe",   [GC_ROOT_USER] = "user",
		[GC_ROOT_LINK] = "link",       [GC_ROOT_INDIRECT] = "indirect",
		[GC_ROOT_FILE] = "file",       [GC_ROOT_TEMP] = "temporary",
		[GC_ROOT_PROCESS] = "process",
	};

	return names[kind];
}

static void print_json(const struct gc_roots *roots)
{
	struct json_object *all = json_object_new_object();
	struct json_object *list = json_add_list(all, "roots");

	for (size_t i = 0; i < roots->n; i++) {
		const struct gc_root *r = &roots->v[i];
		struct json_object *o = json_object_new_object();

		json_add(o, "kind", kind_name(r->kind));
		json_add(o, "path", r->path);
		json_add(o, "from", r->from);
		json_add(o, "place", r->place);
		json_object_object_add(o, "placeLost", json_object_new_boolean(r->lost));
		json_object_array_add(list, o);
	}
	cli_print_json(all);
}

static void print_text(const struct gc_roots *roots)
{
	for (size_t i = 0; i < roots->n; i++) {
		const struct gc_root *r = &roots->v[i];
		autobuf struct strbuf line = STRBUF_INIT, masked = STRBUF_INIT;

		strbuf_printf(&line, "%-9s  %s  %s%s%s", kind_name(r->kind), r->path,
			      r->place ? r->place : r->from, r->place ? "  " : "",
			      r->place ? r->from : "");
		if (r->lost)
			strbuf_adds(&line, "  (its folder is missing: kept until that is "
					   "back, or the link is removed)");
		strbuf_add_masked(&masked, line.ptr, line.len);
		puts(masked.ptr);
	}
}

int store_cmd_roots(struct store_cmd *c, struct error *err)
{
	autostore struct store *st = NULL;
	struct gc_roots roots;

	if (cli_open_store(c->cli, STORE_READ, &st, err) < 0 ||
	    store_gc_roots(st, &c->cli->arena, &roots, err) < 0)
		return -1;
	(c->cli->json ? print_json : print_text)(&roots);
	return EXIT_DONE;
}

/* --- add-root --------------------------------------------------------------------- */

/* The link's own place, absolute; what it leads to does not matter. */
static char *absolute_link(const char *link)
{
	const char *slash = strrchr(link, '/');
	autofree char *folder =
		slash ? xstrndup(link, (size_t)(slash - link) + 1) : xstrdup(".");
	autofree char *real = path_absolute(folder);

	return real ? path_join(real, slash ? slash + 1 : link) : NULL;
}

int store_cmd_add_root(struct store_cmd *c, struct error *err)
{
	autofree char *link = absolute_link(c->argv[1]);
	autostore struct store *st = NULL;
	struct store_ref ref;

	if (!link || str_ends(link, "/"))
		return cli_usage(c->cli, err, "'%s' cannot be a link", c->argv[1]);
	if (cli_open_store(c->cli, STORE_WRITE, &st, err) < 0 ||
	    store_ref_parse(c, st, c->argv[0], &ref, err) < 0)
		return -1;
	if (*ref.sub)
		return cli_usage(c->cli, err, "'%s' is only a part of a store path",
				 c->argv[0]);
	if (store_add_user_root(st, link, ref.path, err) < 0)
		return -1;
	printf("%s\n", link);
	return EXIT_DONE;
}
