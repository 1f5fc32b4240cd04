// SPDX-License-Identifier: MIT
/* Runs one builder to its end: the sandbox around it, its log, limits and verdict. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/child.h"
#include "base/dir.h"
#include "base/json.h"
#include "realise/buildlog.h"
#include "realise/loads.h"
#include "realise/message.h"
#include "realise/worker.h"
#include "sandbox/sandbox.h"

enum { LOW_SPACE = 16 << 20 };

/* Why we ended a builder; NULL: it ended itself. */
struct run_end {
	const char *limit, *hint, *kind;
	int code;
};

/*
 * What Nix gives a builder, what the derivation says, and what is this machine's matter
 * (which never enters a key). The last one of equal keys wins.
 */
static void make_env(const struct worker *w, struct argv *env)
{
	const struct drv *drv = &w->node->closed;
	long jobs = w->js->jobs;

	argv_pushl(env, "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/homeless-shelter",
		   NULL);
	for (size_t i = 0; i < drv->nenv; i++)
		argv_pushf(env, "%s=%s", drv->env[i].key, drv->env[i].value);
	argv_pushl(env, "NIX_STORE=/nix/store", "NIX_BUILD_TOP=/build", "NIX_LOG_FD=2",
		   "TMPDIR=/build", "TEMPDIR=/build", "TMP=/build", "TEMP=/build",
		   "PWD=/build", "TERM=dumb", NULL);
	argv_pushf(env, "NIX_BUILD_CORES=%ld", jobs);
	argv_pushf(env, "JOBS=%ld", jobs);
	argv_pushf(env, "MAKEFLAGS= -j%ld --jobserver-auth=%d,%d", jobs, w->js->read_fd,
		   w->js->write_fd);
}

struct mounts {
	struct arena arena;
	struct mount *v;
	size_t n, cap;
};

static void add_mount(struct mounts *m, const char *host, const char *guest)
{
	ARENA_PUSH(&m->arena, m->v, m->n, m->cap) = (struct mount){
		arena_strdup(&m->arena, host), arena_strdup(&m->arena, guest)};
}

const char *worker_input(const struct worker *w, struct str name)
{
	autofree char *key = xasprintf("in_%.*s", (int)name.len, name.ptr);

	for (char *c = key; *c; c++)
		if (*c == '-' || *c == '.')
			*c = '_';
	return drv_get(&w->node->closed, key);
}

/* The closure at its store paths, and each input at its constant place below /src. */
static int make_mounts(struct worker *w, struct mounts *m, struct argv *closure,
		       struct error *err)
{
	const struct drv *drv = &w->node->closed;
	const char *inputs = drv_get(drv, "inputs");
	struct str rest = str_of(inputs ? inputs : "");

	if (store_closure(w->st, drv->srcs, drv->nsrcs, closure, err) < 0)
		return -1;
	for (size_t i = 0; i < closure->n; i++) {
		autofree char *host = store_physical(w->st, closure->v[i]);

		if (faccessat(AT_FDCWD, host, F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
			error_class(err, ERROR_INFRA,
				    "%s is gone, though the store's database has it",
				    closure->v[i]);
			return error_hint(err, "kbuild store verify --repair");
		}
		add_mount(m, host, closure->v[i]);
	}
	while (rest.ptr) {
		struct str name = str_cut(&rest, ' ');

		if (!name.len)
			continue;
		const char *path = worker_input(w, name);
		if (!path)
			return error_make(err, "the derivation has no input %.*s",
					  (int)name.len, name.ptr);
		autofree char *host = store_physical(w->st, path);
		autofree char *guest = xasprintf("/src/%.*s", (int)name.len, name.ptr);
		add_mount(m, host, guest);
	}
	for (size_t i = 0; i < w->varied.mounts.n; i += 2)
		add_mount(m, w->varied.mounts.v[i], w->varied.mounts.v[i + 1]);
	return 0;
}

/* How long poll may sleep, in ms; -1 for ever. Sets end when a limit is passed. */
static int check_limits(const struct worker *w, const struct buildlog *log, double start,
			double spoke, struct run_end *end)
{
	const struct realise_options *o = w->opt;
	double t = clock_s(), next = 1e9;

	if (o->timeout_s && t - start >= (double)o->timeout_s)
		*end = (struct run_end){"ran longer than --timeout allows",
					"give it more with --timeout", "timeout", 0};
	else if (o->silent_s && t - spoke >= (double)o->silent_s)
		*end = (struct run_end){
			"said nothing for longer than --max-silent allows",
			"give it more with --max-silent", "timeout", 0};
	else if (o->log_bytes && log->bytes > o->log_bytes)
		*end = (struct run_end){"wrote more output than --max-log allows",
					"give it more with --max-log", "log-limit", 0};
	if (o->timeout_s && start + (double)o->timeout_s - t < next)
		next = start + (double)o->timeout_s - t;
	if (o->silent_s && spoke + (double)o->silent_s - t < next)
		next = spoke + (double)o->silent_s - t;
	return next > 1e8 ? -1 : next < 0 ? 0 : (int)(next * 1000) + 1;
}

/* Reads the log until the builder and everything it started are gone. */
static void follow(struct worker *w, struct sandbox_run *run, int out,
		   struct buildlog *log, struct run_end *end)
{
	double start = clock_s(), spoke = start;
	struct pollfd fds[] = {{out, POLLIN, 0}, {run->status, 0, 0}};
	char buf[64 * 1024];

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		int ms = -1;

		if (!end->limit) {
			ms = check_limits(w, log, start, spoke, end);
			if (end->limit)
				sandbox_kill(run);
		}
		if (poll(fds, ARRAY_LEN(fds), ms) < 0 && errno != EINTR)
			return;
		if (fds[0].fd >= 0 && fds[0].revents) {
			ssize_t n = read(out, buf, sizeof(buf));

			if (n > 0) {
				buildlog_add(log, buf, (size_t)n);
				spoke = clock_s();
			} else if (n == 0 || errno != EINTR) {
				fds[0].fd = -1;
			}
		}
		if (fds[1].fd >= 0 && fds[1].revents & (POLLHUP | POLLERR))
			fds[1].fd = -1;
	}
}

static int start_and_follow(struct worker *w, struct sandbox *box, struct buildlog *log,
			    struct run_end *end, struct error *err)
{
	struct sandbox_run run;
	int out[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	autoclose int from = out[0];
	box->log = out[1];
	mode_t before = umask(w->varied.v ? w->varied.v->umask : 022);
	int rc = sandbox_start(box, &run, err);
	umask(before);
	close(out[1]);
	if (rc < 0)
		return -1;
	follow(w, &run, from, log, end);
	return sandbox_wait(&run, err);
}

static int run_sandboxed(struct worker *w, struct buildlog *log, struct run_end *end,
			 struct error *err)
{
	const struct drv *drv = &w->node->closed;
	const char *toolchain = drv_get(drv, "toolchain");
	const int keep[] = {w->js->read_fd, w->js->write_fd};
	autoargv struct argv argv = {0}, env = {0}, closure = {0};
	autofree char *build = worker_build_dir(w);
	autofree char *store = xasprintf("%s/store", w->scratch);
	struct mounts m = {0};
	int rc = -1;

	if (!toolchain)
		return error_make(err, "the derivation names no toolchain");
	autofree char *root = store_physical(w->st, toolchain);
	if (vary_begin(w, root, err) < 0)
		return -1;
	vary_argv(&w->varied, &argv);
	argv_push(&argv, drv->builder);
	for (size_t i = 0; i < drv->nargs; i++)
		argv_push(&argv, drv->args[i]);
	make_env(w, &env);
	vary_env(&w->varied, &env);
	if (make_mounts(w, &m, &closure, err) == 0) {
		struct sandbox box = {
			.root = root,
			.store_dir = store,
			.build_dir = build,
			.mounts = m.v,
			.nmounts = m.n,
			.argv = &argv,
			.env = &env,
			.keep = keep,
			.nkeep = ARRAY_LEN(keep),
		};
		vary_box(&w->varied, &box);
		rc = start_and_follow(w, &box, log, end, err);
		/* Nested in another sandbox? The probe knows, or says why not. */
		if (rc < 0 && !end->limit && sandbox_adapt(&box, err) == 0)
			rc = start_and_follow(w, &box, log, end, err);
	}
	arena_finish(&m.arena);
	return rc;
}

/* The one builder that needs no toolchain, since it makes one: packages to a tree. */
static int run_debs(struct worker *w, struct buildlog *log, struct error *err)
{
	static const char *const passed[] = {"kind", "prune", "links", "files", "dirs"};
	const struct drv *drv = &w->node->closed;
	const char *debs = drv_get(drv, "debs");
	struct str rest = str_of(debs ? debs : "");
	struct json_object *request = json_object_new_object();
	struct json_object *list = json_add_list(request, "debs");
	struct json_object *result = NULL;
	autofree char *dest = xasprintf("%s/store/%s", w->scratch,
					path_base(w->node->result->outputs[0].key));
	size_t n = 0;

	while (rest.ptr) {
		struct str path = str_cut(&rest, '\n');
		autofree char *logical = xstrndup(path.ptr, path.len);
		autofree char *physical = store_physical(w->st, logical);

		if (path.len && ++n)
			json_push(list, physical);
	}
	json_add(request, "do", "unpack-debs");
	json_add(request, "dest", dest);
	for (size_t i = 0; i < ARRAY_LEN(passed); i++)
		json_add(request, passed[i], drv_get(drv, passed[i]));
	int rc = fetch_call(w->opt->fetch, request, &result, err);
	json_object_put(request);
	json_object_put(result);
	autofree char *line = xasprintf("unpacked %zu packages\n", n);
	buildlog_add(log, line, strlen(line));
	return rc < 0 ? -1 : 0;
}

static bool disk_is_full(const struct worker *w, const struct buildlog *log)
{
	struct statvfs fs;

	if (log->no_space)
		return true;
	return statvfs(w->scratch, &fs) == 0 && fs.f_bavail * fs.f_frsize < LOW_SPACE;
}

static char *joined(const struct argv *lines)
{
	autobuf struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < lines->n; i++)
		strbuf_printf(&b, "%s%s", i ? "\n" : "", lines->v[i]);
	return strbuf_take(&b);
}

/*
 * What the log knows goes into the failure, in the arena: it outlives the log. Of a
 * verdict it knows nothing.
 */
static void keep_findings(struct worker *w, const struct buildlog *log, bool is_verdict)
{
	struct arena *a = w->graph->arena;
	struct realise_failure *f = &w->failure;
	autofree char *tail = joined(&log->tail);
	const char *first = buildlog_first_error(log);

	f->log = arena_strdup(a, log->path);
	if (is_verdict)
		return;
	f->tail = arena_strdup(a, tail);
	f->first_error = first ? arena_strdup(a, first) : NULL;
	f->nrefusals = log->refusals.n / 3;
	f->refusals = arena_array(a, f->nrefusals + 1, struct realise_refusal);
	for (size_t i = 0; i < f->nrefusals; i++)
		f->refusals[i] = (struct realise_refusal){
			.symbol = arena_strdup(a, log->refusals.v[3 * i]),
			.asked = arena_strdup(a, log->refusals.v[3 * i + 1]),
			.got = arena_strdup(a, log->refusals.v[3 * i + 2]),
		};
	f->verdicts = arena_array(a, log->verdicts.n + 1, const char *);
	for (size_t i = 0; i < log->verdicts.n; i++)
		f->verdicts[f->nverdicts++] = arena_strdup(a, log->verdicts.v[i]);
}

static int judge(struct worker *w, const struct buildlog *log, const struct run_end *end,
		 struct error *err)
{
	autobuf struct strbuf words = STRBUF_INIT;

	if (end->limit) {
		w->failure.kind = end->kind;
		error_class(err, ERROR_BUILD, "the builder %s", end->limit);
		return error_hint(err, "%s", end->hint);
	}
	if (end->code == 0)
		return 0;
	if (end->code == 4 && log->refusals.n)
		return error_class(err, ERROR_CONFIG, "a config request was not granted");
	if (end->code == 7 && log->refused.len) {
		error_class(err, ERROR_VERDICT, "%s", log->refused.ptr);
		return log->hint ? error_hint(err, "%s", log->hint) : -1;
	}
	if (disk_is_full(w, log)) {
		w->no_space = true;
		error_class(err, ERROR_INFRA, "no space left on the store's file system");
		return error_hint(err, "free some, or choose another place with --root");
	}
	child_status_words(end->code, &words);
	if (end->code == 128 + 9) {
		error_class(err, ERROR_INFRA, "the builder was %s", words.ptr);
		return error_hint(
			err, "out of memory? the kernel's log says; try a smaller -j");
	}
	return error_class(err, ERROR_BUILD, "the builder failed with %s", words.ptr);
}

static int check_outputs(const struct worker *w, struct error *err)
{
	const struct realise_result *r = w->node->result;

	for (size_t i = 0; i < r->noutputs; i++) {
		autofree char *file = xasprintf("%s/store/%s", w->scratch,
						path_base(r->outputs[i].key));
		struct stat st;

		if (lstat(file, &st) < 0)
			error_class(err, ERROR_BUILD, "the builder made no output '%s'",
				    r->outputs[i].name);
	}
	return error_is_set(err) ? -1 : 0;
}

int build_run(struct worker *w, struct error *err)
{
	autofree char *build = worker_build_dir(w);
	autofree char *store = xasprintf("%s/store", w->scratch);
	autofree char *path = store_log_path(w->st, graph_drv_path(w->graph, w->node));
	bool builtin = strcmp(w->node->closed.builder, "builtin:debs") == 0;
	struct run_end end = {0};
	struct buildlog log;

	mode_t mask = w->mode && w->mode->round ? variation_of(w->mode->round)->umask : 0;

	if (dir_make(AT_FDCWD, build, 0755 & ~mask, err) < 0 ||
	    dir_make(AT_FDCWD, store, 0755, err) < 0)
		return -1;
	int rc = buildlog_open(&log, path, w->messages, w->opt->lines, err);
	if (rc == 0) {
		message_phase(w->messages, builtin ? "unpack" : "start");
		end.code = builtin ? run_debs(w, &log, err)
				   : run_sandboxed(w, &log, &end, err);
		rc = end.code < 0 && !end.limit ? -1 : judge(w, &log, &end, err);
		autoerror struct error log_error = {0};
		if (buildlog_close(&log, &log_error) < 0 && rc == 0)
			message_text(w->messages, "warn", log_error.msg);
		if (rc == 0)
			rc = check_outputs(w, err);
		if (rc == 0)
			rc = loads_check(w, &log.loads, err);
		if (rc < 0)
			keep_findings(w, &log, err->class == ERROR_VERDICT);
	}
	buildlog_finish(&log);
	return rc;
}
