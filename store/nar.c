// SPDX-License-Identifier: MIT
#include "store/nar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/argv.h"
#include "base/str.h"
#include "store/wire.h"

/* Below this much room a file is not begun: reads should be long. */
enum { READ_ROOM = 8 * 1024 };

struct walk {
	const struct nar_dump *dump;
	struct nar_sink *sink;
	struct error *err;
	struct strbuf path;
};

/* --- tokens ----------------------------------------------------------------------- */

static int put_tokens(struct walk *w, const char *const *tokens, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (wire_put_text(w->sink, tokens[i], w->err) < 0)
			return -1;
	return 0;
}

#define PUT(w, ...)                                                                      \
	put_tokens(w, (const char *const[]){__VA_ARGS__},                                \
		   ARRAY_LEN(((const char *const[]){__VA_ARGS__})))

/* --- nodes ------------------------------------------------------------------------ */

static int node(struct walk *w, struct nar_node *n);

/* The whole tree's name, or that of the node in it. */
static const char *shown(const struct walk *w, const struct nar_node *n)
{
	return n->path[0] ? n->path : w->dump->path;
}

static int open_node(struct walk *w, const struct nar_node *n, int flags)
{
	int fd = openat(n->dir, n->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);

	return fd < 0 ? error_errno(w->err, "cannot open %s", shown(w, n)) : fd;
}

static int leave(struct walk *w, const struct nar_node *n, int fd)
{
	const struct nar_visitor *v = w->dump->visitor;

	return v && v->leave ? v->leave(v->ctx, n, fd, w->err) : 0;
}

/*
 * Contents, straight into the sink's buffer. One byte more than the size is asked for, so
 * that a file that grew is noticed without another call.
 */
static int contents(struct walk *w, const struct nar_node *n, int fd)
{
	const struct nar_visitor *v = w->dump->visitor;
	struct nar_sink *s = w->sink;
	uint64_t left = (uint64_t)n->st.st_size;

	do {
		if (s->cap - s->len < READ_ROOM && s->cap - s->len <= left &&
		    wire_flush(s, w->err) < 0)
			return -1;
		size_t room = s->cap - s->len;
		ssize_t got =
			read(fd, s->buf + s->len, room <= left ? room : (size_t)left + 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(w->err, "cannot read %s", shown(w, n));
		if ((uint64_t)got > left || (got == 0 && left))
			return error_class(w->err, ERROR_INFRA,
					   "%s changed its size while it was read",
					   shown(w, n));
		if (got && v && v->bytes &&
		    v->bytes(v->ctx, s->buf + s->len, (size_t)got, w->err) < 0)
			return -1;
		s->len += (size_t)got;
		s->total += (uint64_t)got;
		left -= (uint64_t)got;
		if (s->len == s->cap && wire_flush(s, w->err) < 0)
			return -1;
	} while (left);
	return 0;
}

static int regular_node(struct walk *w, const struct nar_node *n, int fd)
{
	uint64_t size = (uint64_t)n->st.st_size;

	if (PUT(w, "(", "type", "regular") < 0)
		return -1;
	if (n->st.st_mode & S_IXUSR && PUT(w, "executable", "") < 0)
		return -1;
	if (PUT(w, "contents") < 0 || wire_put_number(w->sink, size, w->err) < 0)
		return -1;
	if (fd < 0)
		w->sink->total += size;
	else if (contents(w, n, fd) < 0)
		return -1;
	return wire_put_padding(w->sink, size, w->err) < 0 || PUT(w, ")") < 0 ? -1 : 0;
}

static int regular(struct walk *w, const struct nar_node *n)
{
	if (w->dump->sizes_only)
		return regular_node(w, n, -1);
	/* O_NONBLOCK: should it be a FIFO by now, nobody waits for a writer. */
	autoclose int fd = open_node(w, n, O_NONBLOCK);
	if (fd < 0 || regular_node(w, n, fd) < 0)
		return -1;
	return leave(w, n, fd);
}

static int symlink_node(struct walk *w, const struct nar_node *n)
{
	const struct nar_visitor *v = w->dump->visitor;
	char target[NAR_TARGET_MAX + 2];
	ssize_t len = readlinkat(n->dir, n->name, target, sizeof(target) - 1);

	if (len < 0)
		return error_errno(w->err, "cannot read the link %s", shown(w, n));
	if (len > NAR_TARGET_MAX)
		return error_make(w->err, "the target of the link %s is too long",
				  shown(w, n));
	target[len] = '\0';
	if (PUT(w, "(", "type", "symlink", "target", target, ")") < 0)
		return -1;
	return v && v->link ? v->link(v->ctx, n, target, w->err) : 0;
}

static int list(struct walk *w, const struct nar_node *n, DIR *d, struct argv *names)
{
	errno = 0;
	for (struct dirent *e; (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			argv_push(names, e->d_name);
	if (errno)
		return error_errno(w->err, "cannot list %s", shown(w, n));
	/* strcmp compares bytes as unsigned: the order the format asks for. */
	argv_sort(names);
	return 0;
}

static int child(struct walk *w, const struct nar_node *parent, int dir, const char *name)
{
	struct nar_node n = {.dir = dir, .name = name, .depth = parent->depth + 1};
	size_t len = w->path.len;
	int failed = 0;

	if (len)
		strbuf_addc(&w->path, '/');
	strbuf_adds(&w->path, name);
	n.path = w->path.ptr;
	if (fstatat(dir, name, &n.st, AT_SYMLINK_NOFOLLOW) < 0)
		failed = error_errno(w->err, "cannot examine %s", n.path);
	else if (!w->dump->skip ||
		 !w->dump->skip(w->dump->skip_ctx, n.path, S_ISDIR(n.st.st_mode)))
		failed = PUT(w, "entry", "(", "name", name, "node") < 0 ||
			 node(w, &n) < 0 || PUT(w, ")") < 0;
	w->path.len = len;
	w->path.ptr[len] = '\0';
	return failed ? -1 : 0;
}

static int directory(struct walk *w, struct nar_node *n)
{
	autoargv struct argv names = {0};
	autoclose int fd = open_node(w, n, O_DIRECTORY);

	if (fd < 0)
		return -1;
	autodir DIR *d = fdopendir(fd);
	if (!d)
		return error_errno(w->err, "cannot list %s", shown(w, n));
	int dir = take_fd(&fd);
	if (list(w, n, d, &names) < 0 || PUT(w, "(", "type", "directory") < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		if (child(w, n, dir, names.v[i]) < 0)
			return -1;
		n->path = w->path.ptr; /* it may have moved */
	}
	return PUT(w, ")") < 0 ? -1 : leave(w, n, dir);
}

static int node(struct walk *w, struct nar_node *n)
{
	const struct nar_visitor *v = w->dump->visitor;

	if (n->depth >= NAR_DEPTH_MAX)
		return error_make(w->err, "%s is nested too deeply (more than %d levels)",
				  shown(w, n), NAR_DEPTH_MAX - 1);
	if (v && v->enter && v->enter(v->ctx, n, w->err) < 0)
		return -1;
	switch (n->st.st_mode & S_IFMT) {
	case S_IFREG:
		return regular(w, n);
	case S_IFLNK:
		return symlink_node(w, n);
	case S_IFDIR:
		return directory(w, n);
	default:
		return error_make(w->err, "%s is neither a file, a link nor a directory",
				  shown(w, n));
	}
}

int nar_dump(const struct nar_dump *dump, struct nar_sink *sink, struct error *err)
{
	struct walk w = {.dump = dump, .sink = sink, .err = err};
	struct nar_node root = {.dir = dump->dir, .name = dump->path};

	if (sink->cap < NAR_SINK_MIN)
		BUG("a sink of %zu bytes", sink->cap);
	if (fstatat(dump->dir, dump->path, &root.st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot examine %s", dump->path);
	strbuf_adds(&w.path, "");
	root.path = w.path.ptr;
	int failed = PUT(&w, "nix-archive-1") < 0 || node(&w, &root) < 0 ||
		     wire_flush(sink, err) < 0;
	strbuf_finish(&w.path);
	return failed ? -1 : 0;
}

int nar_dump_text(const void *bytes, size_t n, struct nar_sink *sink, struct error *err)
{
	struct walk w = {.sink = sink, .err = err};

	if (PUT(&w, "nix-archive-1", "(", "type", "regular", "contents") < 0 ||
	    wire_put_number(sink, n, err) < 0 || wire_put(sink, bytes, n, err) < 0 ||
	    wire_put_padding(sink, n, err) < 0 || PUT(&w, ")") < 0)
		return -1;
	return wire_flush(sink, err);
}

int nar_dump_link(const char *target, struct nar_sink *sink, struct error *err)
{
	struct walk w = {.sink = sink, .err = err};

	if (PUT(&w, "nix-archive-1", "(", "type", "symlink", "target", target, ")") < 0)
		return -1;
	return wire_flush(sink, err);
}
