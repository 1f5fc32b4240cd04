// SPDX-License-Identifier: MIT
#include "store/gcserver.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/alloc.h"
#include "base/dir.h"

enum { LINE_MAX_BYTES = 4096 };

static const char socket_name[] = "gc-socket/socket";

struct client {
	int fd;
	struct strbuf line;
};

struct gcserver {
	pthread_t thread;
	int listener, stop;
	gcserver_want *want;
	void *ctx;
	struct client *clients;
	size_t n, cap;
};

static int bind_at(int statefd, const char *name, struct error *err)
{
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	/* The socket's whole name may be too long for its structure; this one is not. */
	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", statefd,
		 name);
	if (fd < 0)
		return error_errno(err, "cannot make the collector's socket");
	unlinkat(statefd, name, 0);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return error_errno(err, "cannot make the collector's socket");
	return take_fd(&fd);
}

/*
 * A builder that finds the lock taken and no socket would give up, if it is one of Nix's;
 * one that is refused tries again. So the socket of the last run stays where it is.
 */
int gcserver_prepare(int statefd, struct error *err)
{
	if (mkdirat(statefd, "gc-socket", 0755) < 0 && errno != EEXIST)
		return error_errno(err, "cannot make the collector's socket");
	if (faccessat(statefd, socket_name, F_OK, 0) == 0)
		return 0;
	int fd = bind_at(statefd, socket_name, err);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static void add_client(struct gcserver *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 16;
		s->clients = xreallocarray(s->clients, s->cap, sizeof(*s->clients));
	}
	s->clients[s->n++] = (struct client){.fd = fd};
}

static void drop_client(struct gcserver *s, size_t i)
{
	close(s->clients[i].fd);
	strbuf_finish(&s->clients[i].line);
	s->clients[i] = s->clients[--s->n];
}

/* Answers every whole line. False: the client is gone, or talks nonsense. */
static bool serve(struct gcserver *s, struct client *c)
{
	char buf[LINE_MAX_BYTES];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	strbuf_add(&c->line, buf, (size_t)n);
	for (char *end; (end = memchr(c->line.ptr, '\n', c->line.len));) {
		size_t used = (size_t)(end - c->line.ptr) + 1;

		*end = '\0';
		s->want(s->ctx, c->line.ptr);
		if (send(c->fd, "1", 1, MSG_NOSIGNAL) != 1)
			return false;
		memmove(c->line.ptr, c->line.ptr + used, c->line.len - used);
		c->line.len -= used;
	}
	return c->line.len < LINE_MAX_BYTES;
}

static void *run(void *arg)
{
	struct gcserver *s = arg;

	for (;;) {
		autofree struct pollfd *fds = xcalloc(s->n + 2, sizeof(*fds));

		fds[0] = (struct pollfd){s->stop, POLLIN, 0};
		fds[1] = (struct pollfd){s->listener, POLLIN, 0};
		for (size_t i = 0; i < s->n; i++)
			fds[i + 2] = (struct pollfd){s->clients[i].fd, POLLIN, 0};
		if (poll(fds, s->n + 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents)
			return NULL;
		/* Backwards: a dropped client's place is filled with the last one. */
		for (size_t i = s->n; i-- > 0;)
			if (fds[i + 2].revents && !serve(s, &s->clients[i]))
				drop_client(s, i);
		if (fds[1].revents)
			add_client(s);
	}
}

/* Signals are for the thread that can end us cleanly. */
static bool start_thread(struct gcserver *s)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	int why = pthread_create(&s->thread, NULL, run, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = why;
	return why == 0;
}

static void release(struct gcserver *s)
{
	while (s->n)
		drop_client(s, s->n - 1);
	if (s->listener >= 0)
		close(s->listener);
	if (s->stop >= 0)
		close(s->stop);
	free(s->clients);
	free(s);
}

int gcserver_start(int statefd, gcserver_want *want, void *ctx, struct gcserver **out,
		   struct error *err)
{
	static const char fresh[] = "gc-socket/.new";
	struct gcserver *s = xcalloc(1, sizeof(*s));

	*s = (struct gcserver){.want = want, .ctx = ctx, .listener = -1, .stop = -1};
	*out = NULL;
	s->listener = bind_at(statefd, fresh, err);
	if (s->listener < 0) {
		release(s);
		return -1;
	}
	s->stop = eventfd(0, EFD_CLOEXEC);
	if (s->stop < 0 || listen(s->listener, 64) < 0 ||
	    renameat(statefd, fresh, statefd, socket_name) < 0 || !start_thread(s)) {
		error_errno(err, "cannot serve the collector's socket");
		release(s);
		return -1;
	}
	*out = s;
	return 0;
}

void gcserver_stop(struct gcserver *s)
{
	if (!s)
		return;
	if (write_all(s->stop, &(uint64_t){1}, sizeof(uint64_t)) < 0)
		BUG("an eventfd cannot be written");
	pthread_join(s->thread, NULL);
	release(s);
}
