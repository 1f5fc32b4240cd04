// SPDX-License-Identifier: MIT
#include "realise/vary.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "realise/message.h"
#include "realise/worker.h"

enum { DAY_S = 24 * 60 * 60, YEAR_S = 365 * DAY_S };

/* Steps of times are odd, so that no part of a date stays what it was. */
static const struct variation rounds[] = {
	{"elsewhere", "somebody", 1234, 077, false, 3L * YEAR_S + 37 * DAY_S + 40271, 0,
	 97, 61},
	{"faraway", "stranger", 4321, 027, true, 5L * YEAR_S + 101 * DAY_S + 7433, 7, 211,
	 307},
	{"nowhere", "nobody2", 2718, 026, false, 1L * YEAR_S + 163 * DAY_S + 59399, 23,
	 33, 7},
};

/* Whoever depends on one of these depends on the machine. */
static const char *const environment[] = {
	"TERM=xterm-256color",
	"COLUMNS=133",
	"LINES=43",
	"LANG=C.UTF-8",
	"LANGUAGE=en",
	"EDITOR=ed",
	"DISPLAY=:77",
	"LOGNAME=passerby",
	"USER=passerby",
	"XDG_RUNTIME_DIR=/run/user/77",
};

const struct variation *variation_of(unsigned round)
{
	return round ? &rounds[(round - 1) % ARRAY_LEN(rounds)] : NULL;
}

size_t variation_environment(const char *const **out)
{
	*out = environment;
	return ARRAY_LEN(environment);
}

long variation_jobs(const struct variation *v, long jobs)
{
	if (!v)
		return jobs;
	return v->fewer_jobs && jobs > 1 ? (jobs + 1) / 2 : jobs + 1;
}

/* --- preparing -------------------------------------------------------------------- */

/* Inodes are given out in order by some file systems, from the first free one by others.
 */
static int use_up_inodes(const char *dir, unsigned n, struct error *err)
{
	for (unsigned i = 0; i < n; i++) {
		autofree char *file = xasprintf("%s/%u", dir, i);
		autoclose int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return error_errno(err, "cannot create %s", file);
	}
	return 0;
}

static bool is_file(const char *root, const char *name)
{
	autofree char *path = path_join(root, name);
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int mount_text(struct varied *v, const char *dir, const char *name,
		      const char *guest, const char *text, struct error *err)
{
	autofree char *file = path_join(dir, name);

	argv_pushl(&v->mounts, file, guest, NULL);
	return dir_write(AT_FDCWD, file, text, strlen(text), 0644, false, err);
}

/* Other names for other numbers, if the toolchain has names at all. */
static int rename_user(struct varied *v, const char *root, const char *dir,
		       struct error *err)
{
	const struct variation *var = v->v;
	autofree char *users = xasprintf("root:x:0:0:root:/root:/bin/sh\n"
					 "%s:x:%u:%u::/homeless-shelter:/bin/sh\n",
					 var->user, var->uid, var->uid);
	autofree char *groups = xasprintf("root:x:0:\n%s:x:%u:\n", var->user, var->uid);

	v->user = is_file(root, "etc/passwd") && is_file(root, "etc/group");
	if (!v->user)
		return 0;
	if (mount_text(v, dir, "passwd", "/etc/passwd", users, err) < 0)
		return -1;
	return mount_text(v, dir, "group", "/etc/group", groups, err);
}

static int run_compiler(struct sandbox *box, struct error *err)
{
	struct sandbox_run run;

	if (sandbox_start(box, &run, err) < 0)
		return -1;
	return sandbox_wait(&run, err);
}

static int compile_shim(struct worker *w, const char *root, const char *dir,
			struct error *err)
{
	const struct variation *v = w->varied.v;
	autofree char *build = xasprintf("%s/build", dir);
	autofree char *store = xasprintf("%s/store", dir);
	autofree char *source = xasprintf("%s/shim.c", w->mode->vary_dir);
	autofree char *script = xasprintf("%s/compile.sh", w->mode->vary_dir);
	autofree char *shim = xasprintf("%s/shim.so", build);
	const struct mount mounts[] = {{source, "/src/shim.c"},
				       {script, "/src/compile.sh"}};
	autoargv struct argv argv = {0}, env = {0};
	autoclose int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0 || mkdir(build, 0755) < 0 || mkdir(store, 0755) < 0)
		return error_errno(err, "cannot create %s", build);
	argv_pushl(&argv, "/bin/sh", "/src/compile.sh", NULL);
	argv_pushf(&argv, "%ld", v->ahead_s);
	argv_pushf(&argv, "%u", v->order);
	argv_pushl(&env, "PATH=/usr/bin:/bin", "LC_ALL=C", "TMPDIR=/build", NULL);
	struct sandbox box = {
		.root = root,
		.store_dir = store,
		.build_dir = build,
		.mounts = mounts,
		.nmounts = ARRAY_LEN(mounts),
		.argv = &argv,
		.env = &env,
		.log = null,
	};
	int code = run_compiler(&box, err);
	if (code < 0 && sandbox_adapt(&box, err) == 0)
		code = run_compiler(&box, err);
	if (code < 0)
		return -1;
	w->varied.shim = code == 0;
	if (w->varied.shim)
		argv_pushl(&w->varied.mounts, shim, "/vary/shim.so", NULL);
	return 0;
}

/*
 * Times of files are those of the true clock. A build that was published just now must
 * not happen in the same second as this one, nor in the two of which some formats tell.
 */
static int let_time_pass(struct worker *w, struct error *err)
{
	const char *key = w->node->result->outputs[0].key;
	struct path_info info;
	struct timespec now;

	int found = store_info(w->st, key, w->graph->arena, &info, err);
	if (found <= 0)
		return found;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec <= info.registered + 2 && now.tv_sec >= info.registered) {
		struct timespec t = {.tv_sec = info.registered + 3};

		clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL);
	}
	return 0;
}

int vary_begin(struct worker *w, const char *root, struct error *err)
{
	struct varied *v = &w->varied;

	v->v = w->mode ? variation_of(w->mode->round) : NULL;
	if (!v->v)
		return 0;
	autofree char *dir = xasprintf("%s/vary", w->scratch);
	autofree char *pad = xasprintf("%s/pad", dir);
	autofree char *start = xasprintf("%s/start.sh", w->mode->vary_dir);

	message_phase(w->messages, "vary");
	if (let_time_pass(w, err) < 0 || dir_make(AT_FDCWD, pad, 0755, err) < 0 ||
	    use_up_inodes(pad, v->v->inodes, err) < 0 ||
	    rename_user(v, root, dir, err) < 0 || compile_shim(w, root, dir, err) < 0)
		return -1;
	argv_pushl(&v->mounts, start, "/vary/start.sh", NULL);
	v->begin = time(NULL);
	return 0;
}

/* --- the parts of the sandbox ------------------------------------------------------- */

void vary_argv(const struct varied *v, struct argv *argv)
{
	if (!v->v)
		return;
	argv_pushl(argv, "/bin/sh", "/vary/start.sh", NULL);
	argv_pushf(argv, "%u", v->v->pids);
}

static size_t name_len(const char *assignment)
{
	return strcspn(assignment, "=");
}

static bool has_name(const struct argv *env, const char *assignment)
{
	size_t n = name_len(assignment);

	for (size_t i = 0; i < env->n; i++)
		if (name_len(env->v[i]) == n && strncmp(env->v[i], assignment, n) == 0)
			return true;
	return false;
}

/* The last of equal names counts, so the way back meets the right one first. */
void vary_env(const struct varied *v, struct argv *env)
{
	autoargv struct argv old = *env;

	if (!v->v) {
		old = (struct argv){0};
		return;
	}
	*env = (struct argv){0};
	if (v->shim)
		argv_push(env, "LD_PRELOAD=/vary/shim.so");
	for (size_t i = 0; i < ARRAY_LEN(environment); i++)
		argv_push(env, environment[i]);
	for (size_t i = old.n; i-- > 0;)
		if (!has_name(env, old.v[i]))
			argv_push(env, old.v[i]);
}

void vary_box(const struct varied *v, struct sandbox *box)
{
	if (!v->v)
		return;
	box->hostname = v->v->hostname;
	box->uid = v->v->uid;
}

/* --- telling ------------------------------------------------------------------------ */

void vary_report(const struct varied *v, struct json_object *report)
{
	static const char *const always[] = {
		"jobs",        "umask",       "host name",     "user id",
		"environment", "process ids", "inode numbers", "place on disk",
	};
	static const char *const by_shim[] = {"clock", "order of names", "kernel release",
					      "processors"};
	struct json_object *varied = json_add_list(report, "varied");
	struct json_object *same = json_add_list(report, "not_varied");

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		json_push(v->v ? varied : same, always[i]);
	json_push(v->user ? varied : same, "user name");
	for (size_t i = 0; i < ARRAY_LEN(by_shim); i++)
		json_push(v->shim ? varied : same, by_shim[i]);
}
