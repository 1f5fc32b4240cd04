// SPDX-License-Identifier: MIT
#include "realise/jobserver.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/dir.h"

int jobserver_open(struct jobserver *js, long jobs, struct error *err)
{
	int fds[2];
	char path[32];

	*js = (struct jobserver){
		.read_fd = -1, .write_fd = -1, .probe_fd = -1, .jobs = jobs};
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make the jobserver's pipe");
	js->read_fd = fds[0];
	js->write_fd = fds[1];
	/* Opened anew: O_NONBLOCK belongs to the open file, and make wants to block. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	js->probe_fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (js->probe_fd < 0)
		return error_errno(err, "cannot open the jobserver's pipe");
	jobserver_reset(js);
	return 0;
}

void jobserver_close(struct jobserver *js)
{
	int fds[] = {js->read_fd, js->write_fd, js->probe_fd};

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

bool jobserver_take(struct jobserver *js)
{
	char token;

	return read(js->probe_fd, &token, 1) == 1;
}

void jobserver_give(struct jobserver *js)
{
	if (write_all(js->write_fd, "+", 1) < 0)
		return;
}

void jobserver_reset(struct jobserver *js)
{
	char drain[64];

	while (read(js->probe_fd, drain, sizeof(drain)) > 0)
		;
	for (long i = 1; i < js->jobs; i++)
		jobserver_give(js);
}
