// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/str.h"
#include "fetchers/deb.h"
#include "fetchers/tree.h"

/* Makes room for a file that replaces what a package brought. */
static int write_file(struct tree *t, const char *path, const char *content,
		      struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;

	for (const char *p = content; *p; p++) {
		if (*p != '\\' || !strchr("nt\\", p[1]) || !p[1]) {
			strbuf_addc(&text, *p);
			continue;
		}
		p++;
		strbuf_addc(&text, *p == 'n' ? '\n' : *p == 't' ? '\t' : '\\');
	}
	autoclose int fd = tree_file(t, path, false, err);
	if (fd < 0)
		return -1;
	if (text.len && write_all(fd, text.ptr, text.len) < 0)
		return error_errno(err, "cannot write %s", path);
	return 0;
}

/* Does what a link at `path` with this text leads to exist? */
static int target_exists(struct tree *t, const char *path, const char *target,
			 struct error *err)
{
	const char *slash = strrchr(path, '/');
	autobuf struct strbuf full = STRBUF_INIT, clean = STRBUF_INIT;

	if (*target != '/' && slash)
		strbuf_add(&full, path, (size_t)(slash + 1 - path));
	strbuf_adds(&full, target + (*target == '/'));
	if (tree_member(full.ptr, 0, &clean, err) < 0)
		return -1;
	return tree_mode(t, clean.ptr, err);
}

static int make_link(struct tree *t, const char *path, const char *target,
		     struct error *err)
{
	int there = tree_mode(t, path, err);

	if (there)
		return there < 0 ? -1 : 0;
	int found = target_exists(t, path, target, err);
	if (found <= 0)
		return found;
	return tree_symlink(t, path, target, err);
}

typedef int apply(struct tree *t, const char *path, const char *value, struct error *err);

static int make_dir(struct tree *t, const char *path, const char *value,
		    struct error *err)
{
	(void)value;
	return tree_dir(t, path, err);
}

/* Every line: a path, a separator, and the rest. */
static int each_line(struct tree *t, const char *lines, char separator, apply *fn,
		     struct error *err)
{
	struct str rest = lines ? str_of(lines) : (struct str){0};

	while (rest.ptr) {
		struct str value = str_cut(&rest, '\n');
		autobuf struct strbuf path = STRBUF_INIT;

		if (!value.len)
			continue;
		struct str raw = separator ? str_cut(&value, separator) : value;
		autofree char *name = xstrndup(raw.ptr, raw.len);
		autofree char *text =
			value.ptr ? xstrndup(value.ptr, value.len) : xstrdup("");
		if (tree_member(name, 0, &path, err) < 0 ||
		    fn(t, path.ptr, text, err) < 0)
			return error_wrap(err, "in the fix-up of '%s'", name);
	}
	return 0;
}

static int link_tops(struct tree *t, struct error *err)
{
	static const char *const names[] = {"bin",   "lib",    "lib32",
					    "lib64", "libx32", "sbin"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		autofree char *target = xasprintf("usr/%s", names[i]);

		if (make_link(t, names[i], target, err) < 0)
			return -1;
	}
	return 0;
}

int deb_fixups(const struct deb_tree *d, struct error *err)
{
	autotree struct tree *t = NULL;

	if (tree_create(d->dest, TREE_EXISTS, &t, err) < 0)
		return -1;
	if (d->merge_usr && link_tops(t, err) < 0)
		return -1;
	if (each_line(t, d->dirs, '\0', make_dir, err) < 0 ||
	    each_line(t, d->files, '\t', write_file, err) < 0)
		return -1;
	return each_line(t, d->links, ' ', make_link, err);
}
