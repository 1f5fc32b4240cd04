// SPDX-License-Identifier: MIT
#include "cli/rebuilds.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/crew.h"
#include "base/dir.h"
#include "cli/progress.h"
#include "realise/rebuild.h"
#include "store/path.h"

void rebuilds_begin(struct rebuilds *b, struct cli *cli, struct store *st)
{
	*b = (struct rebuilds){.cli = cli, .st = st};
}

static int run(struct rebuilds *b, const struct rebuild_job *job,
	       struct rebuild_result *result, struct error *err)
{
	struct cli *cli = b->cli;
	const struct realise_step step = {.name = job->name, .text = job->text};
	struct progress *progress = progress_new(cli, &step, 1);
	const struct realise_options opt = {
		.root = store_root(b->st),
		.cache_dir = cli_cache_dir(cli, "trees"),
		.fetch = &cli->fetch,
		.jobs = crew_processors(),
		.lines = cli->verbose,
		.event = progress_event,
		.ctx = progress,
	};

	store_suspend(b->st);
	int rc = rebuild(job, 1, NULL, &opt, &cli->arena, result, err);
	progress_free(progress);
	if (store_resume(b->st, err) < 0)
		return -1;
	if (rc != 1)
		return rc;
	/* A result all the same: it is not tried twice. */
	error_class(err, ERROR_BUILD, "building it again failed: %s",
		    result->built.failure.what);
	return -1;
}

static int build(struct rebuilds *b, const char *drv, struct rebuild_result *result,
		 struct error *err)
{
	autofree char *file = store_physical(b->st, drv);
	autobuf struct strbuf text = STRBUF_INIT;
	struct arena *a = &b->cli->arena;
	char *name = arena_strdup(a, path_name(drv));

	if (str_ends(name, ".drv"))
		name[strlen(name) - strlen(".drv")] = '\0';
	if (cli_find_fetch(b->cli, err) < 0 || dir_read(AT_FDCWD, file, &text, err) < 0)
		return -1;
	const struct rebuild_job job = {
		.name = name,
		.text = {arena_strndup(a, text.ptr, text.len), text.len},
	};
	return run(b, &job, result, err);
}

int rebuilds_obtain(void *ctx, const struct path_info *want, const char *dest,
		    struct error *err)
{
	struct rebuilds *b = ctx;
	struct rebuild_result *result = map_get(&b->done, want->deriver);

	if (!result) {
		result = arena_new(&b->cli->arena, struct rebuild_result);
		map_set(&b->done, want->deriver, result);
		if (build(b, want->deriver, result, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < result->noutputs; i++) {
		const struct rebuilt *o = &result->outputs[i];

		if (!sha256_equal(&o->nar, &want->nar))
			continue;
		if (rename(o->physical, dest) < 0)
			return error_errno(err, "cannot move %s", o->physical);
		return 1;
	}
	return result->noutputs ? error_make(err, "built again it has other bytes") : 0;
}

void rebuilds_end(struct rebuilds *b)
{
	map_each (&b->done, e) {
		struct rebuild_result *result = e->value;

		json_object_put(result->report);
		rebuild_clean(result, 1);
	}
	map_finish(&b->done);
}
