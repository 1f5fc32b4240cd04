/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One step, in a process of its own. The parent forks; the child calls worker_main, which
 * says what happens on a pipe and never returns. SIGTERM ends it and everything it
 * started; while it publishes, SIGTERM waits.
 */
#include "realise/graph.h"
#include "realise/jobserver.h"
#include "realise/substitute.h"
#include "realise/vary.h"
#include "store/path.h"

struct worker {
	struct graph *graph;
	struct node *node; /* resolved, outputs named */
	const struct realise_options *opt;
	const struct jobserver *js;
	const struct map *origins; /* store path -> struct origin */
	struct store *st;
	int messages;
	pid_t parent;
	char *scratch; /* of this build; build/ and store/ below it */
	bool no_space; /* trying again would not help */
	struct realise_failure failure;
	const struct rebuild_mode *mode; /* NULL, or how that differs */
	struct varied varied;
	struct json_object *outcome; /* of JOB_AGAIN */
};

_Noreturn void worker_main(struct worker *w);
/* What is /build in the sandbox; freed by the caller. */
char *worker_build_dir(const struct worker *w);

/* The store path of the input that is at /src/NAME, NULL: there is none. */
const char *worker_input(const struct worker *w, struct str name);

struct fetch_client worker_client(struct worker *w);
/*
 * The configured caches with progress and warnings on this worker's pipe; `client` is
 * filled for it. False: there are none.
 */
bool worker_caches(struct worker *w, struct fetch_client *client, struct caches *out);

/* Makes every input source of the node valid. */
int obtain_sources(struct worker *w, struct error *err);
/*
 * Runs the builder; outputs lie in SCRATCH/store/<base name> afterwards. -1 with err, and
 * w->failure holds what the log knows.
 */
int build_run(struct worker *w, struct error *err);
/* What build_run left, made canonical and hashed; w->outcome tells the parent. */
int rebuild_finish(struct worker *w, struct error *err);
/* Compares output i, built again, with what the store has, and tells in `one`. */
int inspect_output(struct worker *w, const struct realise_output *o, const char *again,
		   const struct sha256 *nar, struct json_object *one, struct error *err);
/* The parent's side of it: takes the outcome out of the final message. */
void rebuild_outcome(struct json_object *msg, struct arena *a,
		     const struct realise_result *built, const char *scratch,
		     struct rebuild_result *r);
