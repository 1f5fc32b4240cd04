// SPDX-License-Identifier: MIT
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/child.h"
#include "base/dir.h"

/* Names of the root tree that the sandbox makes itself. */
static bool is_ours(const char *name)
{
	static const char *const ours[] = {"build", "dev", "nix", "proc",
					   "src",   "sys", "tmp"};

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	return false;
}

static int add_root(const char *root, struct argv *args, struct error *err)
{
	autoclose int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoargv struct argv names = {0};

	if (dir < 0)
		return error_errno(err, "cannot open the toolchain %s", root);
	if (dir_names(dir, &names, err) < 0)
		return error_wrap(err, "while reading the toolchain %s", root);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];
		char target[4096];
		ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

		if (is_ours(name))
			continue;
		if (n >= 0) {
			target[n] = '\0';
			argv_pushl(args, "--symlink", target, NULL);
		} else {
			argv_push(args, "--ro-bind");
			argv_pushf(args, "%s/%s", root, name);
		}
		argv_pushf(args, "/%s", name);
	}
	return 0;
}

static int make_args(const struct sandbox *box, int seccomp, int status,
		     struct argv *args, struct error *err)
{
	uid_t uid = box->uid ? box->uid : 1000;

	argv_pushl(args, "--unshare-all", "--die-with-parent", "--new-session",
		   "--cap-drop", "ALL", "--hostname",
		   box->hostname ? box->hostname : "localhost", NULL);
	argv_push(args, "--uid");
	argv_pushf(args, "%u", uid);
	argv_push(args, "--gid");
	argv_pushf(args, "%u", uid);
	if (add_root(box->root, args, err) < 0)
		return -1;
	if (box->bind_proc)
		argv_pushl(args, "--ro-bind", "/proc", "/proc", NULL);
	else
		argv_pushl(args, "--proc", "/proc", NULL);
	argv_pushl(args, "--dev", "/dev", "--tmpfs", "/tmp", "--bind", box->build_dir,
		   "/build", "--bind", box->store_dir, "/nix/store", NULL);
	for (size_t i = 0; i < box->nmounts; i++)
		argv_pushl(args, "--ro-bind", box->mounts[i].host, box->mounts[i].guest,
			   NULL);
	/* Not through bwrap's own environment: a hostile LD_PRELOAD must not reach it. */
	argv_push(args, "--clearenv");
	for (size_t i = 0; i < box->env->n; i++) {
		const char *eq = strchr(box->env->v[i], '=');

		argv_push(args, "--setenv");
		argv_pushf(args, "%.*s", (int)(eq - box->env->v[i]), box->env->v[i]);
		argv_push(args, eq + 1);
	}
	/* Last: until now mount points had to be made below /. */
	argv_pushl(args, "--remount-ro", "/", "--chdir", "/build", NULL);
	argv_push(args, "--seccomp");
	argv_pushf(args, "%d", seccomp);
	argv_push(args, "--json-status-fd");
	argv_pushf(args, "%d", status);
	return 0;
}

/* bwrap --args takes NUL-terminated words from a descriptor. */
static int args_in_memory(const struct argv *args, struct error *err)
{
	autoclose int fd = memfd_create("bwrap-args", MFD_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "cannot pass arguments to bwrap");
	for (size_t i = 0; i < args->n; i++)
		if (write_all(fd, args->v[i], strlen(args->v[i]) + 1) < 0)
			return error_errno(err, "cannot pass arguments to bwrap");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot pass arguments to bwrap");
	return take_fd(&fd);
}

static int start_bwrap(const struct sandbox *box, int seccomp, int status,
		       struct error *err)
{
	autoargv struct argv options = {0}, command = {0}, no_env = {0};

	if (make_args(box, seccomp, status, &options, err) < 0)
		return -1;
	autoclose int args = args_in_memory(&options, err);
	if (args < 0)
		return -1;

	autofree char *bwrap = child_find("bwrap");
	argv_push(&command, bwrap ? bwrap : "bwrap");
	argv_push(&no_env, "PATH=/usr/bin:/bin");
	argv_push(&command, "--args");
	argv_pushf(&command, "%d", args);
	for (size_t i = 0; i < box->argv->n; i++)
		argv_push(&command, box->argv->v[i]);

	autofree int *keep = xcalloc(box->nkeep + 3, sizeof(*keep));
	for (size_t i = 0; i < box->nkeep; i++)
		keep[i] = box->keep[i];
	keep[box->nkeep] = args;
	keep[box->nkeep + 1] = seccomp;
	keep[box->nkeep + 2] = status;
	const struct child child = {
		.argv = &command,
		.env = &no_env,
		.out = box->log,
		.errfd = box->log,
		.keep = keep,
		.nkeep = box->nkeep + 3,
		.same_group = true,
	};
	return child_start(&child, err);
}

int sandbox_start(const struct sandbox *box, struct sandbox_run *run, struct error *err)
{
	int status[2];

	autoclose int seccomp = seccomp_program(err);
	if (seccomp < 0)
		return -1;
	if (pipe2(status, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	pid_t pid = start_bwrap(box, seccomp, status[1], err);
	close(status[1]);
	if (pid < 0) {
		close(status[0]);
		return error_hint(
			err, "install bubblewrap; `kbuild doctor` checks everything");
	}
	*run = (struct sandbox_run){.pid = pid, .status = status[0]};
	return 0;
}

int sandbox_wait(struct sandbox_run *run, struct error *err)
{
	autobuf struct strbuf report = STRBUF_INIT;
	autoclose int fd = run->status;

	int code = child_wait(run->pid, err);
	if (code < 0)
		return -1;
	if (read_all(fd, 1 << 20, &report, err) < 0)
		return -1;
	/* bwrap reports an exit code only of a command that it could start. */
	if (code < 128 && !strstr(report.ptr, "\"exit-code\""))
		return error_class(err, ERROR_INFRA, "the sandbox could not be set up");
	return code;
}

void sandbox_kill(const struct sandbox_run *run)
{
	kill(run->pid, SIGKILL);
}
