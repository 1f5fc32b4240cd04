// SPDX-License-Identifier: MIT
/* kbuild store recover: a database that was lost, made of the trees. */
#include <stdio.h>

#include "base/json.h"
#include "base/log.h"
#include "cli/cmd_store.h"
#include "store/recover.h"

static void show(void *ctx, uint64_t done, uint64_t total)
{
	const struct cli *cli = ctx;

	if (cli->live && !cli->quiet)
		fprintf(stderr, "\r\033[Krecover  %ju of %ju objects%s", (uintmax_t)done,
			(uintmax_t)total, done == total ? "\r\033[K" : "");
}

static void print_text(const struct recovery *r)
{
	if (r->broken)
		log_say(LOG_WARN, "the broken database is kept as %s", r->broken);
	for (size_t i = 0; i < r->left.n; i++)
		printf("%s: is left as garbage: it proves nothing\n", r->left.v[i]);
	printf("%zu objects are valid again, %zu are left as garbage\n", r->registered.n,
	       r->left.n);
}

static void add_paths(struct json_object *o, const char *key, const struct argv *paths)
{
	struct json_object *list = json_add_list(o, key);

	for (size_t i = 0; i < paths->n; i++)
		json_push(list, paths->v[i]);
}

static void print_json(const struct recovery *r)
{
	struct json_object *o = json_object_new_object();

	add_paths(o, "registered", &r->registered);
	add_paths(o, "left", &r->left);
	json_add(o, "broken", r->broken);
	cli_print_json(o);
}

int store_cmd_recover(struct store_cmd *c, struct error *err)
{
	struct recovery r = {.unproven = c->unproven, .progress = show, .ctx = c->cli};
	autostore struct store *st = NULL;
	int rc = cli_open_store(c->cli, STORE_RECOVER, &st, err);

	if (rc == 0)
		rc = store_recover(st, &r, err);
	if (rc == 0)
		(c->cli->json ? print_json : print_text)(&r);
	argv_finish(&r.registered);
	argv_finish(&r.left);
	return rc < 0 ? -1 : EXIT_DONE;
}
