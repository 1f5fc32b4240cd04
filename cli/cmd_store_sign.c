// SPDX-License-Identifier: MIT
/* kbuild store sign, and the check of signatures that is a part of verify. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cli/cmd_store.h"
#include "store/sigs.h"

static int sign_all(struct store *st, const struct argv *paths, const char *file,
		    struct error *err)
{
	struct key_secret key;
	size_t fresh = 0;
	int rc = 0;

	if (key_secret_read(file, &key, err) < 0)
		return -1;
	for (size_t i = 0; i < paths->n && rc >= 0; i++) {
		rc = store_sign(st, paths->v[i], &key, err);
		fresh += rc > 0;
	}
	if (rc >= 0)
		log_say(LOG_INFO, "%zu signed by %s, %zu had its signature", fresh,
			key.name, paths->n - fresh);
	key_wipe(&key);
	return rc < 0 ? -1 : 0;
}

int store_cmd_sign(struct store_cmd *c, struct error *err)
{
	autostore struct store *st = NULL;
	autoargv struct argv paths = {0}, closure = {0};
	const char *key = cli_key_file(c->cli);

	if (cli_open_store(c->cli, STORE_WRITE, &st, err) < 0)
		return -1;
	for (int i = 0; i < c->argc; i++) {
		struct store_ref ref;

		if (store_ref_parse(c, st, c->argv[i], &ref, err) < 0)
			return -1;
		argv_push(&paths, ref.path);
	}
	if (c->closure &&
	    store_closure(st, (const char *const *)paths.v, paths.n, &closure, err) < 0)
		return -1;
	if (!c->keys.n && !key)
		return cli_usage(c->cli, err, "there is no home: say --key");
	if (!c->keys.n)
		argv_push(&c->keys, key);
	for (size_t i = 0; i < c->keys.n; i++)
		if (sign_all(st, c->closure ? &closure : &paths, c->keys.v[i], err) < 0)
			return -1;
	return EXIT_DONE;
}

long store_cmd_verify_sigs(struct store_cmd *c, struct store *st, sigs_report *report,
			   void *ctx, struct error *err)
{
	struct key_public *trust;

	if (cli_keys(c->cli, &c->trust, &trust, err) < 0)
		return -1;
	return store_verify_sigs(st, trust, c->trust.n, (size_t)c->sigs, report, ctx,
				 err);
}
