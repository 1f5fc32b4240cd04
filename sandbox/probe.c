// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/child.h"
#include "base/dir.h"
#include "base/str.h"
#include "sandbox/sandbox.h"

/* bwrap with everything a build uses, around /bin/true of the host. */
static int try(const char *bwrap, bool own_proc, struct strbuf *words, struct error *err)
{
	autoargv struct argv args = {0};
	char buf[4096];
	int pipefd[2];

	argv_pushl(&args, bwrap, "--unshare-all", "--die-with-parent", "--new-session",
		   "--cap-drop", "ALL", "--uid", "1000", "--gid", "1000", "--ro-bind",
		   "/", "/", "--dev", "/dev", "--tmpfs", "/tmp", NULL);
	if (own_proc)
		argv_pushl(&args, "--proc", "/proc", NULL);
	argv_push(&args, "/bin/true");
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");

	const struct child child = {.argv = &args, .out = pipefd[1], .errfd = pipefd[1]};
	pid_t pid = child_start(&child, err);
	close(pipefd[1]);
	autoclose int fd = pipefd[0];
	if (pid < 0)
		return -1;
	strbuf_reset(words);
	for (ssize_t n; (n = read(fd, buf, sizeof(buf))) > 0;)
		strbuf_add(words, buf, (size_t)n);
	return child_wait(pid, err);
}

static bool file_says(const char *path, char digit)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	char c = 0;

	return fd >= 0 && read(fd, &c, 1) == 1 && c == digit;
}

/* Each cause that is known, with its mend; the most specific first. */
static void explain(struct error *err)
{
	if (file_says("/proc/sys/kernel/unprivileged_userns_clone", '0')) {
		error_hint(err,
			   "unprivileged user namespaces are switched off; as root:\n"
			   "sysctl -w kernel.unprivileged_userns_clone=1");
	} else if (file_says("/proc/sys/user/max_user_namespaces", '0')) {
		error_hint(err, "user namespaces are switched off; as root:\n"
				"sysctl -w user.max_user_namespaces=15000");
	} else if (file_says("/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
			     '1')) {
		error_hint(err,
			   "AppArmor keeps bwrap from making user namespaces (Ubuntu "
			   "23.10 and newer); as root:\n"
			   "install the profile bwrap-userns-restrict (package "
			   "apparmor-profiles), or\n"
			   "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0");
	} else {
		error_hint(err, "in a container, start it with user namespaces and "
				"mounts allowed, e.g.\n"
				"--security-opt seccomp=unconfined --security-opt "
				"apparmor=unconfined");
	}
}

int sandbox_probe(enum sandbox_ability *out, struct error *err)
{
	autobuf struct strbuf words = STRBUF_INIT;
	autofree char *bwrap = child_find("bwrap");

	if (!bwrap) {
		error_class(err, ERROR_INFRA, "bwrap is not installed");
		return error_hint(err, "apt-get install bubblewrap");
	}
	int code = try(bwrap, true, &words, err);
	if (code == 0) {
		*out = SANDBOX_FULL;
		return 0;
	}
	if (code > 0)
		code = try(bwrap, false, &words, err);
	if (code == 0) {
		*out = SANDBOX_BIND_PROC;
		return 0;
	}
	if (code < 0)
		return -1;
	while (words.len && words.ptr[words.len - 1] == '\n')
		words.ptr[--words.len] = '\0';
	error_class(err, ERROR_INFRA,
		    "this machine does not let bwrap make a sandbox: %s",
		    words.len ? words.ptr : "no reason given");
	explain(err);
	return -1;
}

int sandbox_adapt(struct sandbox *box, struct error *err)
{
	enum sandbox_ability ability;

	error_finish(err);
	if (sandbox_probe(&ability, err) < 0)
		return -1;
	box->bind_proc = ability == SANDBOX_BIND_PROC;
	return 0;
}
