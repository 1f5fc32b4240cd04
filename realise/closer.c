// SPDX-License-Identifier: MIT
#include "realise/closer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "base/alloc.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/dir.h"
#include "base/json.h"

extern char **environ;

enum { FILES_MAX = 3, SECONDS_MAX = 60, BYTES_MAX = 16 << 10 };

/* Reads until the end, the deadline, or enough. */
static void read_some(int fd, double deadline, struct strbuf *out)
{
	while (out->len < BYTES_MAX) {
		struct pollfd p = {fd, POLLIN, 0};
		double left = deadline - clock_s();
		char buf[4096];

		if (left <= 0 || poll(&p, 1, (int)(left * 1000) + 1) == 0)
			return;
		ssize_t n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		strbuf_add(out, buf, (size_t)n);
	}
}

static void make_env(const char *scratch, struct argv *env)
{
	for (char **v = environ; *v; v++)
		if (strncmp(*v, "TMPDIR=", 7) != 0)
			argv_push(env, *v);
	argv_pushf(env, "TMPDIR=%s", scratch);
}

static void run(const char *program, const struct argv *env, const char *first,
		const char *again, double deadline, struct strbuf *out)
{
	autoerror struct error ignored = {0};
	autoargv struct argv argv = {0};
	int pipefd[2];

	/* Its own limits differ from version to version; ours are enough. */
	argv_pushl(&argv, program, "--text", "-", first, again, NULL);
	autoclose int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null < 0 || pipe2(pipefd, O_CLOEXEC) < 0)
		return;
	const struct child child = {
		.argv = &argv, .env = env, .out = pipefd[1], .errfd = null};
	pid_t pid = child_start(&child, &ignored);
	close(pipefd[1]);
	if (pid > 0) {
		read_some(pipefd[0], deadline, out);
		kill(-pid, SIGKILL);
		child_wait(pid, &ignored);
	}
	close(pipefd[0]);
}

void closer_look(const char *diffoscope, const char *scratch, const char *first,
		 const char *again, const struct differences *d, struct json_object *one)
{
	autoargv struct argv env = {0};
	autobuf struct strbuf text = STRBUF_INIT;
	double deadline = clock_s() + SECONDS_MAX;

	make_env(scratch, &env);
	for (size_t i = 0, n = 0; diffoscope && i < d->n && n < FILES_MAX; i++) {
		const char *path = d->v[i].path;

		if (d->v[i].kind != DIFF_BYTES)
			continue;
		autofree char *a = *path ? path_join(first, path) : xstrdup(first);
		autofree char *b = *path ? path_join(again, path) : xstrdup(again);
		run(diffoscope, &env, a, b, deadline, &text);
		n++;
	}
	if (text.len)
		json_add(one, "diffoscope", text.ptr);
}
