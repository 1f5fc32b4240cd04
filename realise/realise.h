/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * From derivations to valid store paths. Realise knows no recipe: it runs what drv_read
 * gives back from the bytes of each step's derivation, inputs first.
 *
 * A step whose realisation key is known costs one look into the database, or one question
 * to the caches, whose answers are remembered. What is only known there is fetched if it
 * is wanted, or needed by a build. Every other step gets a worker process: it takes the
 * step's lock, looks again, obtains missing sources, runs the builder in its sandbox,
 * publishes the outputs. The parent schedules, keeps the jobserver and tells what
 * happens.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/argv.h"
#include "base/error.h"
#include "base/str.h"
#include "fetchers/request.h"
#include "fetchers/origin.h"
#include "store/drv.h"
#include "store/store.h"

struct realise_step {
	const char *name; /* for people */
	const char *drv_path;
	struct str text;     /* unresolved derivation */
	const size_t *needs; /* indices of earlier steps */
	size_t nneeds;
	bool wanted;
};

struct caches; /* realise/substitute.h */

enum realise_event_kind {
	EVENT_START,  /* a worker begins */
	EVENT_PHASE,  /* text: configure, build, fetch, publish, waiting ... */
	EVENT_COUNT,  /* done / total objects, or bytes when text is set (a download) */
	EVENT_LINE,   /* one line of the builder's output */
	EVENT_WARN,   /* the builder's remark to the user */
	EVENT_FINISH, /* state says how; seconds */
	EVENT_TICK,   /* nothing new for a while; time to refresh a display */
};

enum realise_state {
	STEP_NOT_NEEDED,
	STEP_WAITING,
	STEP_RUNNING,
	STEP_HAD, /* known before, nothing was run */
	STEP_BUILT,
	STEP_KNOWN,  /* a cache says what its outputs are; nobody needed them here */
	STEP_PULLED, /* they came from a cache */
	STEP_FAILED,
	STEP_SKIPPED, /* something it needs failed, or the run ended early */
};

struct realise_event {
	enum realise_event_kind kind;
	size_t step;
	const char *text;
	uint64_t done, total; /* total 0: not known */
	enum realise_state state;
	double seconds;
};

struct realise_output {
	const char *name; /* "out" */
	const char *key;  /* input-addressed path: the realisation key */
	const char *path; /* content-addressed */
};

/* One config request that was not granted. */
struct realise_refusal {
	const char *symbol, *asked, *got;
};

struct realise_failure {
	enum error_class class;
	const char *kind;        /* builder, timeout, log-limit, config, verdict,
				  * infrastructure */
	bool retry;              /* it may pass by itself */
	const char *what;        /* "builder failed with exit code 2" */
	const char *hint;        /* or NULL */
	const char *first_error; /* the first real error in the log, or NULL */
	const char *tail;        /* the last lines of the log, or NULL */
	const char *log;         /* physical path, or NULL */
	const char *kept;        /* the build directory, with keep_failed */
	struct realise_refusal *refusals;
	size_t nrefusals;
	const char **verdicts; /* JSON of the builder: what became of each request */
	size_t nverdicts;
};

struct realise_result {
	enum realise_state state;
	struct realise_output *outputs; /* set when HAD or BUILT */
	size_t noutputs;
	double seconds;
	struct str text; /* resolved derivation; unless SKIPPED or NOT_NEEDED */
	struct realise_failure failure; /* set when FAILED */
};

struct realise_options {
	const char *root;                 /* the store's */
	const char *cache_dir;            /* stat caches of local trees */
	const struct fetch_client *fetch; /* program only; progress comes as events */
	const struct caches *caches;      /* NULL: none, and nobody is trusted */
	const struct origin *origins;
	size_t norigins;
	long jobs;                           /* at least 1 */
	long timeout_s;                      /* a build's whole time, 0: none */
	long silent_s;                       /* without a line of output, 0: none */
	uint64_t log_bytes;                  /* of one build's output, 0: none */
	bool keep_failed, keep_going, lines; /* lines: send EVENT_LINE */
	void (*event)(void *ctx, const struct realise_event *e);
	void *ctx;
	/*
	 * Out, or NULL: temporary roots of all that was needed or made, if anything had
	 * to be built. The caller closes it once there are other roots.
	 */
	struct store **hold;
};

/*
 * Realises the wanted steps and what they need; results[] has one entry a step. 0: all
 * are there; 1: some failed, see results; -1: nothing useful happened (err), or
 * interrupted.
 */
int realise(const struct realise_step *steps, size_t n, const struct realise_options *opt,
	    struct arena *a, struct realise_result *results, struct error *err);

/*
 * The same without doing anything, and without asking caches: what is there already is
 * HAD, what a cache said of once is KNOWN, all else of what is needed is WAITING.
 */
int realise_known(const struct realise_step *steps, size_t n,
		  const struct realise_options *opt, struct arena *a,
		  struct realise_result *results, struct error *err);

/*
 * The resolved derivation of a step whose inputs are all known here (built, had or
 * failed), or NULL. Nothing is asked of caches.
 */
int realise_resolved(const struct realise_step *steps, size_t n,
		     const struct realise_options *opt, size_t step, struct arena *a,
		     const char **drv_path, struct error *err);
