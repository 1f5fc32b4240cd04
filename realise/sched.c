// SPDX-License-Identifier: MIT
/*
 * The parent: starts workers as inputs become ready and tokens allow, listens to what
 * they say, and ends them when the user does.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/dir.h"
#include "base/json.h"
#include "realise/failure.h"
#include "realise/history.h"
#include "realise/known.h"
#include "realise/message.h"
#include "realise/sched.h"
#include "realise/worker.h"

enum { TICK_MS = 250, RETRIES = 1 };

struct slot {
	pid_t pid;
	int fd;
	struct node *node;
	struct strbuf buf;
	char *scratch;
	double start;
	struct history last;
	uint64_t objects;
	bool finished;   /* the outcome was told */
	bool publishing; /* must not be killed now */
};

struct sched {
	const struct sched_work *work;
	struct graph *graph;
	const struct realise_options *opt;
	struct jobserver js;
	struct map origins;
	struct slot *slots;
	size_t nslots;
	struct ready *ready;
	int signals;
	bool interrupted, failed;
	unsigned counter;
};

static size_t index_of(const struct sched *s, const struct node *node)
{
	return (size_t)(node - s->graph->nodes);
}

static void tell(const struct sched *s, struct realise_event e)
{
	if (s->opt->event)
		s->opt->event(s->opt->ctx, &e);
}

/* Free: what an earlier rebuild of ours made may still be there. */
static char *scratch_name(struct sched *s)
{
	char *name = NULL;

	do {
		free(name);
		name = xasprintf("%s/%d-%u", s->work->scratch_dir, (int)getpid(),
				 s->counter++);
	} while (access(name, F_OK) == 0);
	return name;
}

/* Before a worker makes them: its own roots go when it does. */
static int hold_outputs(const struct sched *s, const struct node *node, struct error *err)
{
	for (size_t i = 0; s->work->hold && i < node->result->noutputs; i++)
		if (store_temp_root(s->work->hold, node->result->outputs[i].key, err) < 0)
			return -1;
	return 0;
}

static int start_worker(struct sched *s, struct node *node, struct error *err)
{
	struct slot *slot = &s->slots[s->nslots];
	int pipefd[2];

	*slot = (struct slot){.node = node, .start = clock_s()};
	slot->last = history_read(s->opt->root, node->step->name);
	if (hold_outputs(s, node, err) < 0)
		return -1;
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	slot->scratch = scratch_name(s);
	pid_t parent = getpid(), pid = fork();
	if (pid == 0) {
		struct worker w = {
			.graph = s->graph,
			.node = node,
			.opt = s->opt,
			.js = &s->js,
			.origins = &s->origins,
			.messages = pipefd[1],
			.parent = parent,
			.scratch = slot->scratch,
			.mode = s->work->mode,
		};

		/* Out of the terminal's process group: Ctrl-C is the parent's. */
		setpgid(0, 0);
		close(pipefd[0]);
		worker_main(&w);
	}
	close(pipefd[1]);
	if (pid < 0) {
		close(pipefd[0]);
		free(slot->scratch);
		return error_errno(err, "cannot start a worker");
	}
	slot->pid = pid;
	slot->fd = pipefd[0];
	s->nslots++;
	node->result->state = STEP_RUNNING;
	tell(s, (struct realise_event){.kind = EVENT_START, .step = index_of(s, node)});
	return 0;
}

/* The first running step owns the token every make is born with. */
static int start_ready(struct sched *s, struct error *err)
{
	while (s->ready->n && s->nslots < (size_t)s->opt->jobs &&
	       !(s->failed && !s->opt->keep_going)) {
		if (s->nslots && !jobserver_take(&s->js))
			return 0;
		/* In plan order, for the sake of people who read along. */
		struct ready *r = s->ready;
		struct node *node = r->v[0];
		memmove(r->v, r->v + 1, --r->n * sizeof(*r->v));
		if (start_worker(s, node, err) < 0)
			return -1;
	}
	return 0;
}

static void take_outcome(const struct sched *s, struct slot *slot,
			 struct json_object *msg)
{
	struct arena *a = s->graph->arena;

	message_outcome(msg, a, slot->node->result);
	if (s->work->rebuilt && slot->node->result->state == STEP_BUILT)
		rebuild_outcome(msg, a, slot->node->result, slot->scratch,
				&s->work->rebuilt[index_of(s, slot->node)]);
	slot->finished = true;
}

static void take_message(struct sched *s, struct slot *slot, struct json_object *msg)
{
	const char *kind = message_kind(msg), *text = json_text(msg, "text");
	struct realise_event e = {.step = index_of(s, slot->node), .text = text};

	/* Apart from phases: those are a builder's words, and it can be killed any time.
	 */
	if (strcmp(kind, "phase") == 0) {
		e.kind = EVENT_PHASE;
	} else if (strcmp(kind, "publish") == 0) {
		e.kind = EVENT_PHASE;
		slot->publishing = true;
	} else if (strcmp(kind, "count") == 0) {
		e.kind = EVENT_COUNT;
		e.done = json_number(msg, "done");
		e.total = json_number(msg, "total");
		if (!text) {
			slot->objects = e.done;
			e.total = slot->last.objects;
		}
	} else if (strcmp(kind, "line") == 0) {
		e.kind = EVENT_LINE;
	} else if (strcmp(kind, "warn") == 0) {
		e.kind = EVENT_WARN;
	} else {
		take_outcome(s, slot, msg);
		return;
	}
	tell(s, e);
}

/* A failure that may pass is no failure yet. 1: the step goes on, 0: it failed. */
static int second_chance(struct sched *s, struct node *node, struct error *err)
{
	const struct realise_failure *f = &node->result->failure;

	if (s->interrupted)
		return 0;
	if (node->job == JOB_PULL) {
		/* The worker has said why. */
		known_forget(node, s->opt->root);
		node->asked = true;
		return demand_build(s->graph, node, s->ready, err) < 0 ? -1 : 1;
	}
	if (!f->retry || node->tries++ >= RETRIES)
		return 0;
	autofree char *text = xasprintf("%s; trying it again", f->what);
	tell(s, (struct realise_event){
			.kind = EVENT_WARN, .step = index_of(s, node), .text = text});
	demand_again(s->graph, node, s->ready);
	return 1;
}

static void keep_notes(struct sched *s, const struct slot *slot)
{
	struct node *node = slot->node;
	const struct realise_result *r = node->result;

	if (node->job == JOB_AGAIN)
		return;
	if (r->state == STEP_FAILED)
		failure_record(s->opt->root, s->graph, node);
	if (r->state != STEP_BUILT)
		return;
	history_write(s->opt->root, node->step->name,
		      (struct history){slot->objects, r->seconds});
	failure_forget(s->opt->root, s->graph, node);
}

static int finish(struct sched *s, struct slot *slot, struct error *err)
{
	struct node *node = slot->node;
	struct realise_result *r = node->result;

	r->seconds = clock_s() - slot->start;
	if (r->state == STEP_FAILED) {
		int goes_on = second_chance(s, node, err);

		if (goes_on)
			return goes_on < 0 ? -1 : 0;
		s->failed = true;
		demand_skip(s->graph, node);
	}
	keep_notes(s, slot);
	tell(s, (struct realise_event){.kind = EVENT_FINISH,
				       .step = index_of(s, node),
				       .state = r->state,
				       .seconds = r->seconds});
	if (r->state == STEP_FAILED)
		return 0;
	return demand_release(s->graph, node, s->ready, err);
}

static void clear_scratch(struct slot *slot)
{
	/* The last processes of a killed sandbox may still be going. */
	for (int tries = 0; tries < 20; tries++) {
		autoerror struct error err = {0};

		if (dir_remove(AT_FDCWD, slot->scratch, &err) == 0)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
	}
}

/*
 * A sandbox that lost its worker or itself while it was set up leaves a process that
 * waits for ever. It is in the worker's group, whose number is taken until the worker is
 * reaped.
 */
static void reap(pid_t worker)
{
	siginfo_t info;

	while (waitid(P_PID, (id_t)worker, &info, WEXITED | WNOWAIT) < 0 &&
	       errno == EINTR)
		;
	kill(-worker, SIGKILL);
	while (waitpid(worker, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The worker's end of the pipe is closed: it is gone, or cleaning up behind itself. */
static int retire(struct sched *s, size_t i, struct error *err)
{
	struct slot *slot = &s->slots[i];
	int rc = 0;

	reap(slot->pid);
	close(slot->fd);
	if (!slot->finished || s->interrupted)
		clear_scratch(slot);
	if (!slot->finished) {
		struct realise_result *r = slot->node->result;

		r->state = s->interrupted ? STEP_SKIPPED : STEP_FAILED;
		r->failure = (struct realise_failure){
			.class = ERROR_INFRA,
			.kind = "infrastructure",
			.retry = true,
			.what = "the worker process was killed",
			.hint = "out of memory? the kernel's log says",
		};
		rc = s->interrupted ? 0 : finish(s, slot, err);
	}
	strbuf_finish(&slot->buf);
	free(slot->scratch);
	s->slots[i] = s->slots[--s->nslots];
	if (s->nslots)
		jobserver_give(&s->js);
	else
		jobserver_reset(&s->js);
	return rc;
}

/* Whole lines out of the slot's buffer. */
static int take_lines(struct sched *s, struct slot *slot, struct error *err)
{
	struct str rest = {slot->buf.ptr, slot->buf.len};
	size_t used = 0;

	while (rest.ptr && memchr(rest.ptr, '\n', rest.len)) {
		struct str line = str_cut(&rest, '\n');
		autofree char *text = xstrndup(line.ptr, line.len);
		struct json_object *msg = json_tokener_parse(text);
		bool before = slot->finished;

		used += line.len + 1;
		if (msg)
			take_message(s, slot, msg);
		json_object_put(msg);
		if (!before && slot->finished && finish(s, slot, err) < 0)
			return -1;
	}
	memmove(slot->buf.ptr, slot->buf.ptr + used, slot->buf.len - used);
	slot->buf.len -= used;
	return 0;
}

static int read_slot(struct sched *s, size_t i, struct error *err)
{
	struct slot *slot = &s->slots[i];

	strbuf_reserve(&slot->buf, 64 * 1024);
	ssize_t n = read(slot->fd, slot->buf.ptr + slot->buf.len, 64 * 1024);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n <= 0)
		return retire(s, i, err);
	slot->buf.len += (size_t)n;
	slot->buf.ptr[slot->buf.len] = '\0';
	return take_lines(s, slot, err);
}

static void interrupt(struct sched *s)
{
	struct signalfd_siginfo info;

	if (read(s->signals, &info, sizeof(info)) != sizeof(info))
		return;
	s->interrupted = true;
	s->ready->n = 0;
	for (size_t i = 0; i < s->nslots; i++)
		if (!s->slots[i].publishing)
			kill(s->slots[i].pid, SIGKILL);
}

static int loop_once(struct sched *s, struct error *err)
{
	autofree struct pollfd *fds = xcalloc(s->nslots + 2, sizeof(*fds));
	size_t n = 0;

	for (; n < s->nslots; n++)
		fds[n] = (struct pollfd){s->slots[n].fd, POLLIN, 0};
	fds[n++] = (struct pollfd){s->signals, POLLIN, 0};
	/* A token that comes back may start what is ready. */
	if (s->ready->n && s->nslots < (size_t)s->opt->jobs)
		fds[n++] = (struct pollfd){s->js.probe_fd, POLLIN, 0};
	if (poll(fds, n, TICK_MS) < 0 && errno != EINTR)
		return error_errno(err, "cannot wait for workers");
	if (fds[s->nslots].revents)
		interrupt(s);
	/* Backwards: a retired slot is filled with the last one. */
	for (size_t i = s->nslots; i-- > 0;)
		if (fds[i].revents && read_slot(s, i, err) < 0)
			return -1;
	tell(s, (struct realise_event){.kind = EVENT_TICK});
	return 0;
}

static int run_workers(struct sched *s, struct error *err)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC);
	s->slots = xcalloc((size_t)s->opt->jobs, sizeof(*s->slots));
	int rc = s->signals < 0 ? error_errno(err, "cannot receive signals") : 0;

	store_clear_scratch(s->work->scratch_dir);
	while (rc == 0) {
		rc = start_ready(s, err);
		if (!s->nslots)
			break;
		if (rc == 0)
			rc = loop_once(s, err);
	}
	for (size_t i = 0; i < s->nslots; i++)
		kill(s->slots[i].pid, SIGKILL);
	while (s->nslots) {
		autoerror struct error ignored = {0};

		retire(s, s->nslots - 1, &ignored);
	}
	free(s->slots);
	if (s->signals >= 0)
		close(s->signals);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (rc == 0 && s->interrupted)
		return error_class(err, ERROR_INTERRUPTED, "interrupted");
	return rc;
}

int sched_run(const struct sched_work *work, struct error *err)
{
	struct sched s = {.work = work,
			  .graph = work->graph,
			  .ready = work->ready,
			  .opt = work->opt};

	for (size_t i = 0; i < s.opt->norigins; i++)
		map_set(&s.origins, s.opt->origins[i].path, (void *)&s.opt->origins[i]);
	int rc = jobserver_open(&s.js, s.opt->jobs, err);
	if (rc == 0)
		rc = run_workers(&s, err);
	jobserver_close(&s.js);
	for (size_t i = 0; i < s.graph->n; i++) {
		struct realise_result *r = s.graph->nodes[i].result;

		if (r->state == STEP_WAITING || r->state == STEP_RUNNING)
			r->state = STEP_SKIPPED;
	}
	map_finish(&s.origins);
	return rc < 0 ? -1 : s.failed;
}
