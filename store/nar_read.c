// SPDX-License-Identifier: MIT
#include "store/nar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "store/wire.h"

enum { CHUNK = 64 * 1024, TAG_MAX = 32 };

struct reader {
	struct wire wire;
	bool began;  /* the root exists and is ours */
	char *chunk; /* CHUNK bytes */
};

/* --- tokens ----------------------------------------------------------------------- */

static int get_tag(struct reader *r, char tag[TAG_MAX + 1])
{
	return wire_text(&r->wire, tag, TAG_MAX, "a tag");
}

static int unexpected(struct reader *r, const char *want, const char *tag)
{
	autobuf struct strbuf shown = STRBUF_INIT;

	strbuf_add_masked(&shown, tag, strlen(tag));
	return error_make(r->wire.err, "expected '%s' in the archive, found '%s'", want,
			  shown.ptr);
}

static int expect(struct reader *r, const char *want)
{
	char tag[TAG_MAX + 1];

	if (get_tag(r, tag) < 0)
		return -1;
	return strcmp(tag, want) == 0 ? 0 : unexpected(r, want, tag);
}

/* --- nodes ------------------------------------------------------------------------ */

static int node(struct reader *r, int dir, const char *name, size_t depth);

static int contents(struct reader *r, int fd, const char *name)
{
	uint64_t size, left;

	if (wire_number(&r->wire, &size) < 0)
		return -1;
	for (left = size; left;) {
		size_t part = left < CHUNK ? (size_t)left : CHUNK;

		if (r->wire.read(r->wire.ctx, r->chunk, part, r->wire.err) < 0)
			return -1;
		if (write_all(fd, r->chunk, part) < 0)
			return error_errno(r->wire.err, "cannot write %s", name);
		left -= part;
	}
	return wire_padding(&r->wire, size);
}

static int regular(struct reader *r, int dir, const char *name)
{
	char tag[TAG_MAX + 1];
	bool executable = false;

	if (get_tag(r, tag) < 0)
		return -1;
	if (strcmp(tag, "executable") == 0) {
		executable = true;
		if (expect(r, "") < 0 || get_tag(r, tag) < 0)
			return -1;
	}
	if (strcmp(tag, "contents") != 0)
		return unexpected(r, "contents", tag);
	autoclose int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       executable ? 0777 : 0666);
	if (fd < 0)
		return error_errno(r->wire.err, "cannot create %s", name);
	r->began = true;
	if (contents(r, fd, name) < 0)
		return -1;
	return expect(r, ")");
}

static int symlink_node(struct reader *r, int dir, const char *name)
{
	char target[NAR_TARGET_MAX + 1];

	if (expect(r, "target") < 0 ||
	    wire_text(&r->wire, target, NAR_TARGET_MAX, "the target of a link") < 0)
		return -1;
	if (!*target)
		return error_make(r->wire.err, "the target of the link %s is empty",
				  name);
	if (symlinkat(target, dir, name) < 0)
		return error_errno(r->wire.err, "cannot create the link %s", name);
	r->began = true;
	return expect(r, ")");
}

static bool name_ok(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

/* One entry after its tag; `before` is the name before it and becomes its own. */
static int entry(struct reader *r, int dir, char before[NAR_NAME_MAX + 1], size_t depth)
{
	char name[NAR_NAME_MAX + 1];

	if (expect(r, "(") < 0 || expect(r, "name") < 0 ||
	    wire_text(&r->wire, name, NAR_NAME_MAX, "a name") < 0)
		return -1;
	if (!name_ok(name))
		return error_make(r->wire.err,
				  "an entry of the archive has an illegal name");
	if (strcmp(before, name) >= 0)
		return error_make(r->wire.err, "entries of the archive are not sorted");
	strcpy(before, name);
	if (expect(r, "node") < 0 || node(r, dir, name, depth + 1) < 0)
		return -1;
	return expect(r, ")");
}

static int directory(struct reader *r, int dir, const char *name, size_t depth)
{
	char tag[TAG_MAX + 1], before[NAR_NAME_MAX + 1] = "";

	if (mkdirat(dir, name, 0777) < 0)
		return error_errno(r->wire.err, "cannot create the directory %s", name);
	r->began = true;
	autoclose int fd =
		openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return error_errno(r->wire.err, "cannot open %s", name);
	for (;;) {
		if (get_tag(r, tag) < 0)
			return -1;
		if (strcmp(tag, ")") == 0)
			return 0;
		if (strcmp(tag, "entry") != 0)
			return unexpected(r, "entry", tag);
		if (entry(r, fd, before, depth) < 0)
			return -1;
	}
}

static int node(struct reader *r, int dir, const char *name, size_t depth)
{
	char tag[TAG_MAX + 1];

	if (depth >= NAR_DEPTH_MAX)
		return error_make(r->wire.err, "the archive is nested too deeply");
	if (expect(r, "(") < 0 || expect(r, "type") < 0 || get_tag(r, tag) < 0)
		return -1;
	if (strcmp(tag, "regular") == 0)
		return regular(r, dir, name);
	if (strcmp(tag, "symlink") == 0)
		return symlink_node(r, dir, name);
	if (strcmp(tag, "directory") == 0)
		return directory(r, dir, name, depth);
	return unexpected(r, "regular, symlink or directory", tag);
}

static int archive(struct reader *r, int dir, const char *name)
{
	autofree char *chunk = xmalloc(CHUNK);

	r->chunk = chunk;
	return expect(r, "nix-archive-1") < 0 ? -1 : node(r, dir, name, 0);
}

int nar_restore(nar_read *read, void *ctx, int dir, const char *name, struct error *err)
{
	struct reader r = {.wire = {read, ctx, "the archive", err}};

	if (archive(&r, dir, name) == 0)
		return 0;
	if (r.began) {
		autoerror struct error ignored = {0};

		dir_remove(dir, name, &ignored);
	}
	return error_wrap(err, "cannot restore an archive to %s", name);
}
