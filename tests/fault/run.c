// SPDX-License-Identifier: MIT
/*
 * faultrun PAGE FAULT AT COMMAND...: runs a command with fault.so preloaded (it lies
 * beside this program) and waits for it and for everything it left running. AT is a
 * number, with a + behind it for "and from then on"; 0 only counts. PAGE then says in its
 * first line how many points there were, in its second which one was hit. The exit code
 * is the command's, 128 and the signal that ended it, 124 when it did not end in time,
 * 123 when some process of it lives on without it.
 */
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/fault/page.h"

enum { LIMIT_MS = 60000, AFTERMATH_MS = 5000, STEP_MS = 1 };

static _Noreturn void become(char **argv)
{
	char self[4096], at[32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 16);

	self[n < 0 ? 0 : n] = '\0';
	strcat(dirname(self), "/fault.so");
	snprintf(at, sizeof(at), "%d", atoi(argv[3]));
	setenv("LD_PRELOAD", self, 1);
	setenv("FAULT_PAGE", argv[1], 1);
	setenv("FAULT", argv[2], 1);
	setenv("FAULT_AT", at, 1);
	if (strchr(argv[3], '+'))
		setenv("FAULT_STICKY", "1", 1);
	execv(argv[4], argv + 4);
	perror(argv[4]);
	_exit(127);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* True when no child is left; what ended meanwhile is reaped, `first` into *status. */
static bool reap(pid_t first, int *status)
{
	int code;
	pid_t pid;

	while ((pid = waitpid(-1, &code, WNOHANG)) > 0)
		if (pid == first)
			*status = code;
	return pid < 0 && errno == ECHILD;
}

/* Everything that became ours: /proc knows the children, grandchildren follow. */
static void kill_rest(pid_t first)
{
	char path[64];
	int pid, status = 0;

	kill(first, SIGKILL);
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	while (!reap(first, &status)) {
		FILE *f = fopen(path, "r");

		while (f && fscanf(f, "%d", &pid) == 1)
			kill(pid, SIGKILL);
		if (f)
			fclose(f);
		pause_ms(STEP_MS);
	}
}

/* What the command left, as text. */
static void tell(const char *path)
{
	struct page page = {0};
	FILE *f = fopen(path, "r");

	if (f) {
		if (fread(&page, sizeof(page), 1, f) != 1)
			page.points = 0;
		fclose(f);
	}
	f = fopen(path, "w");
	if (f) {
		fprintf(f, "%u\n%.*s", page.points, PAGE_TEXT, page.text);
		fclose(f);
	}
}

int main(int argc, char **argv)
{
	int status = -1;
	long ms = 0, ended = -1;

	if (argc < 5) {
		fprintf(stderr, "usage: faultrun PAGE FAULT AT COMMAND...\n");
		return 2;
	}
	unlink(argv[1]);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t pid = fork();
	if (pid == 0)
		become(argv);
	while (!reap(pid, &status)) {
		if (status >= 0 && ended < 0)
			ended = ms;
		if (ms >= LIMIT_MS || (ended >= 0 && ms - ended >= AFTERMATH_MS)) {
			kill_rest(pid);
			tell(argv[1]);
			return ended < 0 ? 124 : 123;
		}
		pause_ms(STEP_MS);
		ms += STEP_MS;
	}
	tell(argv[1]);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
