// SPDX-License-Identifier: MIT
#include "cli/inspect_tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/cpio.h"
#include "base/dir.h"
#include "cli/module_report.h"
#include "module/text.h"
#include "module/unpack.h"

enum { FILE_MAX = 256 << 20 };

struct trees {
	struct cli *cli;
	const char *against;
	struct kernel_target *target; /* NULL: each has that of its path */
	bool exports; /* the first time around: what they export to each other */
	size_t count[OUTCOME_UNKNOWN + 1], n;
	struct json_object *list;
	struct strbuf out;
};

bool inspect_is_tree(const char *path, struct str bytes)
{
	struct stat st;

	return cpio_is(bytes) || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

/* What follows lib/modules/ in the path; NULL: nothing does. */
static char *release_of(const char *path, struct arena *a)
{
	static const char folder[] = "lib/modules/";
	const char *at = NULL;

	for (const char *p = path; (p = strstr(p, folder)); p++)
		at = p + sizeof(folder) - 1;
	size_t n = at ? strcspn(at, "/") : 0;
	return n && at[n] ? arena_strndup(a, at, n) : NULL;
}

static bool is_flagged(const struct verdict *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->findings[i].level == FINDING_REFUSE ||
		    (v->findings[i].level == FINDING_WARN &&
		     strcmp(v->findings[i].code, "vermagic") == 0))
			return true;
	return false;
}

static void tell(struct trees *t, const char *file, const struct module *m,
		 const struct kernel_target *k, const struct verdict *v)
{
	if (t->list) {
		struct json_object *one = json_object_new_object();

		json_add(one, "file", file);
		json_object_object_add(one, "verdict", json_of_verdict(k, v));
		json_object_array_add(t->list, one);
		return;
	}
	if (!is_flagged(v))
		return;
	strbuf_add_masked(&t->out, file, strlen(file));
	strbuf_adds(&t->out, ": ");
	report_verdict(t->against ? t->against : k->release, m, k, v, &t->out);
}

static int read_module(struct str bytes, struct arena *a, struct module *m,
		       struct error *err)
{
	autobuf struct strbuf unpacked = STRBUF_INIT;

	if (unpack(bytes, FILE_MAX, &unpacked, err) < 0)
		return -1;
	return module_read((struct str){unpacked.ptr ? unpacked.ptr : "", unpacked.len},
			   a, m, err);
}

static void add_exports(struct trees *t, struct str bytes)
{
	autobuf struct strbuf names = STRBUF_INIT;
	autoerror struct error ignored = {0}; /* it is judged later */
	struct arena a = {0};
	struct module m;

	if (read_module(bytes, &a, &m, &ignored) == 0)
		for (size_t i = 0; i < m.nexports; i++)
			strbuf_printf(&names, "%s\n", m.exports[i]);
	if (names.len)
		symvers_add_names(&t->target->symvers, (struct str){names.ptr, names.len},
				  &t->cli->arena);
	arena_finish(&a);
}

static void judge(struct trees *t, const char *file, struct str bytes)
{
	autoerror struct error err = {0};
	struct kernel_target of_path = {0};
	const struct kernel_target *k = t->target;
	struct arena a = {0};
	struct module m = {0};
	struct verdict v = {0};

	if (!k) {
		of_path.release = release_of(file, &a);
		k = &of_path;
	}
	if (k->release || t->target) {
		t->n++;
		if (read_module(bytes, &a, &m, &err) < 0)
			m.damaged = err.msg;
		verdict_make(&m, k, &a, &v);
		t->count[v.outcome]++;
		tell(t, file, &m, k, &v);
	}
	arena_finish(&a);
}

static void visit(struct trees *t, const char *file, struct str bytes)
{
	if (t->exports)
		add_exports(t, bytes);
	else
		judge(t, file, bytes);
}

static bool is_module(const char *name)
{
	const char *dot = strstr(name, ".ko");

	return dot && (!dot[3] || dot[3] == '.');
}

static int walk_dir(struct trees *t, const char *dir, struct error *err)
{
	autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoargv struct argv names = {0};
	int res = 0;

	if (fd < 0)
		return error_errno(err, "cannot open %s", dir);
	if (dir_names(fd, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n && res == 0; i++) {
		autofree char *path = path_join(dir, names.v[i]);
		autobuf struct strbuf bytes = STRBUF_INIT;
		struct stat st;

		if (lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			res = walk_dir(t, path, err);
		} else if (S_ISREG(st.st_mode) && is_module(names.v[i])) {
			res = dir_read(AT_FDCWD, path, &bytes, err);
			if (res == 0)
				visit(t, path, (struct str){bytes.ptr, bytes.len});
		}
	}
	return res;
}

/* Several archives may follow each other, and be packed each for itself. */
static int walk_archive(struct trees *t, const char *path, struct str rest, int depth,
			struct error *err)
{
	enum { DEPTH_MAX = 3 };

	while (rest.len) {
		autobuf struct strbuf inner = STRBUF_INIT;
		struct cpio_entry e;
		int more;

		if (*rest.ptr == '\0') {
			rest.ptr++;
			rest.len--;
			continue;
		}
		if (!cpio_is(rest)) {
			if (depth == DEPTH_MAX || !packed_as(rest) ||
			    unpack(rest, FILE_MAX, &inner, err) < 0)
				return error_class(err, ERROR_RECIPE,
						   "%s: the archive is damaged", path);
			return walk_archive(t, path, (struct str){inner.ptr, inner.len},
					    depth + 1, err);
		}
		while ((more = cpio_next(&rest, &e)) > 0) {
			autofree char *name = xstrndup(e.name.ptr, e.name.len);

			if (S_ISREG(e.mode) && is_module(name))
				visit(t, name, e.data);
		}
		if (more < 0)
			return error_class(err, ERROR_RECIPE,
					   "%s: the archive is damaged", path);
	}
	return 0;
}

static void sum_up(struct trees *t, const char *path)
{
	if (t->list) {
		struct json_object *o = json_object_new_object();

		json_add(o, "file", path);
		json_object_object_add(o, "modules", t->list);
		cli_print_json(o);
		return;
	}
	fwrite(t->out.ptr ? t->out.ptr : "", 1, t->out.len, stdout);
	printf("%zu modules: %zu would not load, %zu would, of %zu it cannot be told\n",
	       t->n, t->count[OUTCOME_REFUSED], t->count[OUTCOME_LOADS],
	       t->count[OUTCOME_UNKNOWN]);
}

static int walk(struct trees *t, const char *path, struct str bytes, struct error *err)
{
	return bytes.len ? walk_archive(t, path, bytes, 0, err) : walk_dir(t, path, err);
}

int inspect_tree(struct cli *cli, const char *path, struct str bytes, const char *against,
		 struct against *x, struct error *err)
{
	struct trees t = {.cli = cli,
			  .against = against,
			  .target = against ? &x->target : NULL,
			  .list = cli->json ? json_object_new_array() : NULL};
	int res = 0;

	if (against && x->target.has_symvers) {
		t.exports = true;
		res = walk(&t, path, bytes, err);
		t.exports = false;
	}
	if (res == 0)
		res = walk(&t, path, bytes, err);
	if (res == 0 && t.n == 0) {
		error_class(err, ERROR_RECIPE,
			    against ? "there is no module in %s"
				    : "there is no lib/modules/RELEASE/*.ko in %s",
			    path);
		res = against ? -1 : error_hint(err, "give a kernel with --against");
	}
	if (res == 0)
		sum_up(&t, path);
	else
		json_object_put(t.list);
	strbuf_finish(&t.out);
	if (res < 0)
		return -1;
	return t.count[OUTCOME_REFUSED] ? EXIT_INCOMPATIBLE : EXIT_DONE;
}
