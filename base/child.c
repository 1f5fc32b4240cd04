// SPDX-License-Identifier: MIT
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/dir.h"

extern char **environ;

static void reset_signals(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void give_up(int report)
{
	int code = errno;

	if (write_all(report, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

static _Noreturn void become(const struct child *c, int report, pid_t parent)
{
	if (!c->same_group)
		setpgid(0, 0);
	reset_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);

	int in = c->in ? c->in : open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (in < 0 || (in != 0 && dup2(in, 0) < 0) ||
	    (c->out && c->out != 1 && dup2(c->out, 1) < 0) ||
	    (c->errfd && c->errfd != 2 && dup2(c->errfd, 2) < 0))
		give_up(report);
	for (size_t i = 0; i < c->nkeep; i++)
		if (fcntl(c->keep[i], F_SETFD, 0) < 0)
			give_up(report);
	if (c->dir && chdir(c->dir) < 0)
		give_up(report);
	execvpe(c->argv->v[0], c->argv->v, c->env ? c->env->v : environ);
	give_up(report);
}

pid_t child_start(const struct child *c, struct error *err)
{
	int report[2];
	pid_t parent = getpid();

	if (pipe2(report, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0)
		become(c, report[1], parent);
	close(report[1]);
	autoclose int fd = report[0];
	if (pid < 0)
		return error_errno(err, "cannot start a process");

	int code;
	ssize_t n;
	do
		n = read(fd, &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(code))
		return pid; /* the pipe closed itself at exec */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	errno = code;
	return error_errno(err, "cannot run %s", c->argv->v[0]);
}

int child_wait(pid_t pid, struct error *err)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, "cannot wait for a process");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int child_run(const struct child *c, struct error *err)
{
	pid_t pid = child_start(c, err);

	return pid < 0 ? -1 : child_wait(pid, err);
}

int child_output(const struct child *c, struct strbuf *out, struct error *err)
{
	int pipefd[2];

	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	struct child with_pipe = *c;
	with_pipe.out = pipefd[1];
	pid_t pid = child_start(&with_pipe, err);
	close(pipefd[1]);
	autoclose int fd = pipefd[0];
	if (pid < 0)
		return -1;
	int failed = read_all(fd, SIZE_MAX / 2, out, err);
	int code = child_wait(pid, err);
	return failed < 0 ? -1 : code;
}

void child_status_words(int status, struct strbuf *out)
{
	if (status > 128)
		strbuf_printf(out, "killed by signal %d (%s)", status - 128,
			      strsignal(status - 128));
	else
		strbuf_printf(out, "exit code %d", status);
}

char *child_find(const char *name)
{
	const char *path = getenv("PATH");
	struct str rest = str_of(path ? path : "/usr/bin:/bin");

	while (rest.ptr) {
		struct str dir = str_cut(&rest, ':');
		char *file = xasprintf("%.*s/%s", (int)dir.len, dir.ptr, name);

		if (dir.len && access(file, X_OK) == 0)
			return file;
		free(file);
	}
	return NULL;
}
