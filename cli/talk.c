// SPDX-License-Identifier: MIT
#include "cli/talk.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/child.h"
#include "base/dir.h"

enum { LINE_MAX_BYTES = 1 << 20, SAID_MAX = 16 << 10, GREETING_MAX = 256 << 10 };

/* --- ssh ------------------------------------------------------------------------------
 */

/*
 * The shell there may be anything; it only starts sh, which takes exactly the script from
 * the stream, so that what follows is for the script to read.
 */
static void arguments(struct argv *args, const struct board *b, size_t script)
{
	argv_push(args, "ssh");
	/* Of an option that is given twice ssh takes the first. */
	for (size_t i = 0; b->options && i < b->options->n; i++)
		argv_pushl(args, "-o", b->options->v[i], NULL);
	argv_pushl(args, "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o",
		   "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4", "-o",
		   "ClearAllForwardings=yes", "-T", "-a", "-x", NULL);
	if (b->port)
		argv_pushl(args, "-p", b->port, NULL);
	if (b->user)
		argv_pushl(args, "-l", b->user, NULL);
	argv_pushl(args, "--", b->host, NULL);
	argv_pushf(args, "exec sh -c 'eval \"$(dd bs=1 count=%zu 2>/dev/null)\"'",
		   script);
}

static int start(struct talk *t, size_t script, struct error *err)
{
	autoargv struct argv args = {0};
	int in[2], out[2], errs[2];

	arguments(&args, t->board, script);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
	    pipe2(errs, O_CLOEXEC) < 0)
		return error_errno(err, "cannot make a pipe");
	/* The same group, so that ssh may ask for a password when it is allowed to. */
	const struct child c = {.argv = &args,
				.in = in[0],
				.out = out[1],
				.errfd = errs[1],
				.same_group = true};
	t->pid = child_start(&c, err);
	close(in[0]);
	close(out[1]);
	close(errs[1]);
	t->to = in[1];
	t->from = out[0];
	t->errors = errs[0];
	fcntl(t->to, F_SETFL, O_NONBLOCK);
	fcntl(t->from, F_SETFL, O_NONBLOCK);
	fcntl(t->errors, F_SETFL, O_NONBLOCK);
	if (t->pid < 0)
		return error_hint(err, "apt-get install openssh-client");
	return 0;
}

static int make_nonce(struct talk *t, struct error *err)
{
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		return error_errno(err, "cannot get random bytes");
	snprintf(t->nonce, sizeof(t->nonce), "%016llx", (unsigned long long)bits);
	return 0;
}

int talk_open(struct talk *t, struct cli *cli, const struct board *b, const char *setup,
	      const char *script, uint64_t limit, struct error *err)
{
	enum { SILENT_S = 60 };
	autobuf struct strbuf text = STRBUF_INIT;

	*t = (struct talk){.board = b,
			   .pid = -1,
			   .to = -1,
			   .from = -1,
			   .errors = -1,
			   .left = limit,
			   .silent_s = SILENT_S};
	if (make_nonce(t, err) < 0 || cli_find_data(cli, err) < 0)
		return -1;
	autofree char *common = xasprintf("%s/board/common.sh", cli->data_dir);
	autofree char *file = xasprintf("%s/board/%s", cli->data_dir, script);
	strbuf_printf(&text, "nonce=%s\n%s", t->nonce, setup);
	if (dir_read(AT_FDCWD, common, &text, err) < 0 ||
	    dir_read(AT_FDCWD, file, &text, err) < 0)
		return -1;
	/* A talk that ends early is noticed where it is written to. */
	signal(SIGPIPE, SIG_IGN);
	if (start(t, text.len, err) < 0)
		return -1;
	talk_send(t, (struct str){text.ptr, text.len}, false);
	return 0;
}

void talk_send(struct talk *t, struct str bytes, bool last)
{
	strbuf_add(&t->todo, bytes.ptr, bytes.len);
	t->close_after |= last;
}

void talk_finish(struct talk *t)
{
	autoerror struct error none = {0};

	if (t->pid > 0) {
		kill(t->pid, SIGTERM);
		child_wait(t->pid, &none);
	}
	cleanup_close(&t->to);
	cleanup_close(&t->from);
	cleanup_close(&t->errors);
	strbuf_finish(&t->got);
	strbuf_finish(&t->said);
	strbuf_finish(&t->todo);
}

/* --- what goes wrong ------------------------------------------------------------------
 */

static const struct {
	const char *text, *hint;
} troubles[] = {
	{"Permission denied",
	 "a key that it takes: ssh-copy-id, or --ssh-option IdentityFile=FILE"},
	{"Too many authentication failures",
	 "--ssh-option IdentitiesOnly=yes --ssh-option IdentityFile=FILE"},
	{"IDENTIFICATION HAS CHANGED",
	 "if it was installed anew: ssh-keygen -R HOST, then connect by hand"},
	{"Host key verification failed",
	 "connect once by hand, to see its key and accept it"},
	{"Could not resolve", "is its name right? its address does as well"},
	{"Connection refused", "is its ssh server up, and on this port?"},
	{"timed out", "is it on, and on this network?"},
	{"No route to host", "is it on, and on this network?"},
	{"Network is unreachable", "is this machine's network up?"},
	{"dd: not found", "it takes sh and dd on the machine"},
	{"sh: not found", "it takes sh and dd on the machine"},
};

static struct str last_line(const struct strbuf *b)
{
	struct str rest = {b->ptr ? b->ptr : "", b->len}, last = STR("");

	while (rest.ptr) {
		struct str line = str_cut(&rest, '\n');

		while (line.len && (line.ptr[line.len - 1] == '\r'))
			line.len--;
		if (line.len)
			last = line;
	}
	return last;
}

/* The stream ended before the script said so; 255 is ssh's own code. */
static int broken(struct talk *t, struct error *err)
{
	enum { SSH_FAILED = 255 };
	autoerror struct error none = {0};
	autobuf struct strbuf why = STRBUF_INIT;
	struct str last = last_line(&t->said);
	int code = child_wait(t->pid, &none);
	bool ended = t->begun && code != SSH_FAILED;

	t->pid = -1;
	strbuf_add_masked(&why, last.ptr, last.len);
	if (!last.len)
		strbuf_printf(&why, "ssh ended with %d", code);
	error_class(err, ERROR_INFRA, "%s %s: %s",
		    ended      ? "our script ended early on"
		    : t->begun ? "lost the connection to"
			       : "cannot reach",
		    t->board->shown, why.ptr);
	for (size_t i = 0; i < ARRAY_LEN(troubles) && t->said.ptr; i++)
		if (strstr(t->said.ptr, troubles[i].text))
			return error_hint(err, "%s", troubles[i].hint);
	if (t->begun && !ended)
		error_hint(err, "the machine may have crashed: its console says more");
	return -1;
}

int talk_refuse(const struct talk *t, struct error *err, const char *fmt, ...)
{
	autobuf struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	return error_class(err, ERROR_INFRA, "%s does not answer as our script does: %s",
			   t->board->shown, text.ptr);
}

/* --- the stream -----------------------------------------------------------------------
 */

static void push(struct talk *t)
{
	ssize_t n = write(t->to, t->todo.ptr + t->sent, t->todo.len - t->sent);

	if (n > 0)
		t->sent += (size_t)n;
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		/* It is gone; what it said before tells why. */
		t->sent = t->todo.len;
		t->close_after = true;
	}
	if (t->sent < t->todo.len)
		return;
	strbuf_reset(&t->todo);
	t->sent = 0;
	if (t->close_after) {
		close(t->to);
		t->to = -1;
	}
}

static void hear(struct talk *t)
{
	char bytes[4096];
	ssize_t n = read(t->errors, bytes, sizeof(bytes));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close(t->errors);
		t->errors = -1;
		return;
	}
	if (n < 0)
		return;
	if (t->relay) {
		autobuf struct strbuf masked = STRBUF_INIT;

		strbuf_add_masked(&masked, bytes, (size_t)n);
		fwrite(masked.ptr, 1, masked.len, stderr);
	}
	if (t->said.len > SAID_MAX)
		strbuf_reset(&t->said);
	strbuf_add(&t->said, bytes, (size_t)n);
}

/* 1 something came, 0 the end, -1. */
static int take(struct talk *t, struct error *err)
{
	enum { CHUNK = 64 << 10 };

	if (t->taken) {
		memmove(t->got.ptr, t->got.ptr + t->taken, t->got.len - t->taken);
		t->got.len -= t->taken;
		t->taken = 0;
	}
	strbuf_reserve(&t->got, CHUNK);
	ssize_t n = read(t->from, t->got.ptr + t->got.len, CHUNK);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR
			       ? 1
			       : error_errno(err, "cannot read from ssh");
	if ((uint64_t)n > t->left)
		return talk_refuse(t, err, "it sends too much");
	t->left -= (uint64_t)n;
	t->got.len += (size_t)n;
	return n > 0;
}

static int silent(const struct talk *t, struct error *err)
{
	error_class(err, ERROR_INFRA, "%s said nothing for %ld s", t->board->shown,
		    t->silent_s);
	return error_hint(err, "is it still alive?");
}

/* Why it ended may come a little later than the end. */
static void hear_the_rest(struct talk *t)
{
	enum { LATER_MS = 2000 };

	while (t->errors >= 0) {
		struct pollfd last = {t->errors, POLLIN, 0};

		if (poll(&last, 1, LATER_MS) <= 0)
			break;
		hear(t);
	}
}

/* Sends and reads until more has come. 1, 0 the end, -1. */
static int wait_for_more(struct talk *t, struct error *err)
{
	for (;;) {
		bool sends = t->sent < t->todo.len || t->close_after;
		struct pollfd fds[] = {
			{t->from, POLLIN, 0},
			{t->errors, POLLIN, 0},
			{sends ? t->to : -1, POLLOUT, 0},
		};
		int n = poll(fds, ARRAY_LEN(fds),
			     t->silent_s ? (int)t->silent_s * 1000 : -1);

		if (n < 0 && errno != EINTR)
			return error_errno(err, "cannot wait for ssh");
		if (n == 0)
			return silent(t, err);
		if (n < 0)
			continue;
		if (fds[1].revents)
			hear(t);
		if (fds[2].revents)
			push(t);
		if (!fds[0].revents)
			continue;
		int res = take(t, err);
		if (res == 0)
			hear_the_rest(t);
		return res;
	}
}

static struct str waiting(const struct talk *t)
{
	return (struct str){t->got.ptr ? t->got.ptr + t->taken : "",
			    t->got.len - t->taken};
}

/* A whole line, without its end. */
static int any_line(struct talk *t, struct str *line, struct error *err)
{
	for (;;) {
		struct str all = waiting(t);
		const char *end = memchr(all.ptr, '\n', all.len);

		if (end) {
			*line = (struct str){all.ptr, (size_t)(end - all.ptr)};
			t->taken += line->len + 1;
			return 0;
		}
		if (all.len > LINE_MAX_BYTES)
			return talk_refuse(t, err, "a line of more than %d bytes",
					   LINE_MAX_BYTES);
		int more = wait_for_more(t, err);
		if (more <= 0)
			return more < 0 ? -1 : broken(t, err);
	}
}

int talk_line(struct talk *t, struct str *key, struct str *rest, struct error *err)
{
	size_t n = strlen(t->nonce), skipped = 0;
	struct str line = STR("");

	for (;;) {
		if (any_line(t, &line, err) < 0)
			return -1;
		if (line.len > n + 2 && line.ptr[0] == '@' && line.ptr[n + 1] == ' ' &&
		    !memcmp(line.ptr + 1, t->nonce, n))
			break;
		skipped += line.len + 1;
		if (t->begun || skipped > GREETING_MAX)
			return talk_refuse(t, err,
					   "expected a line of it, found another");
	}
	t->begun = true;
	*rest = (struct str){line.ptr + n + 2, line.len - n - 2};
	*key = str_cut(rest, ' ');
	if (!rest->ptr)
		*rest = STR("");
	return 0;
}

int talk_bytes(struct talk *t, size_t n, struct str *out, struct error *err)
{
	while (waiting(t).len < n + 1) {
		int more = wait_for_more(t, err);

		if (more <= 0)
			return more < 0 ? -1 : broken(t, err);
	}
	*out = (struct str){waiting(t).ptr, n};
	if (out->ptr[n] != '\n')
		return talk_refuse(t, err, "a file there changed while it was read");
	t->taken += n + 1;
	return 0;
}
