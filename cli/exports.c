// SPDX-License-Identifier: MIT
#include "cli/exports.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "base/log.h"
#include "base/map.h"
#include "cli/export_items.h"
#include "evaluator/checks.h"

struct exporting {
	const struct pipeline *p;
	struct arena *a;
	struct error *err;
	struct exports *out;
	struct map
		paths; /* of items: each stands for itself, its parents for themselves */
	struct export_item *v;
	size_t n, cap;
	struct export_place place;
};

static void want_text(struct pipeline *p, const struct plan_text *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (!t->v[i].text)
			p->wanted[t->v[i].step] = true;
}

void exports_want(struct pipeline *p)
{
	const struct plan_exports *e = p->plan.exports;

	for (size_t i = 0; i < e->n; i++) {
		p->wanted[e->v[i].step] = true;
		want_text(p, &e->v[i].path);
		want_text(p, &e->v[i].below);
	}
	for (size_t i = 0; i < e->nfacts; i++)
		want_text(p, &e->facts[i].value);
}

/* --- what a build knows --------------------------------------------------------- */

/* The logical path of an output. */
static const char *output_of(const struct exporting *x, size_t step, const char *name)
{
	const struct realise_result *r = &x->p->results[step];

	for (size_t i = 0; i < r->noutputs; i++)
		if (strcmp(r->outputs[i].name, name) == 0)
			return r->outputs[i].path;
	return NULL;
}

static const char *word_of(struct exporting *x, const struct plan_part *part,
			   struct span at)
{
	const char *out = output_of(x, part->step, part->output);
	const char *path = arena_printf(x->a, "%s%s", out, part->subpath);
	autobuf struct strbuf bytes = STRBUF_INIT;
	autoclose int fd = dir_open_inside(x->place.store, path, O_RDONLY);

	if (fd < 0) {
		error_errno(x->err, "cannot open %s", path);
		return NULL;
	}
	if (read_all(fd, 4096, &bytes, x->err) < 0)
		return NULL;
	size_t len = strcspn(bytes.ptr, "\n");
	const char *word = arena_strndup(x->a, bytes.ptr, len);
	if (part->as == TEXT_VERSION)
		word = arena_strndup(x->a, word, strspn(word, "0123456789."));
	bool plain = *word && *word != '.';
	for (const char *c = word; *c; c++)
		plain = plain && (unsigned char)*c > 0x20 && *c != '/' && *c != 0x7f;
	if (plain)
		return word;
	error_at(x->err, at, "%s holds no word that can be part of a path", path);
	return NULL;
}

static const char *text_of(struct exporting *x, const struct plan_text *t, struct span at)
{
	autobuf struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < t->n; i++) {
		const char *s = t->v[i].text ? t->v[i].text : word_of(x, &t->v[i], at);

		if (!s)
			return NULL;
		strbuf_adds(&out, s);
	}
	return arena_strndup(x->a, out.ptr ? out.ptr : "", out.len);
}

/* --- what is to be there -------------------------------------------------------- */

/* Two things cannot be at one path, nor one below a file. */
static int claim(struct exporting *x, const char *path, bool is_file, struct span at)
{
	static const char file[] = "file", folder[] = "folder";
	autofree char *part = xstrdup(path);

	for (char *slash = strchr(part, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		const char *kind = map_set(&x->paths, part, (void *)folder);
		if (kind == file)
			return error_at(x->err, at, "'%s' is a file of another export",
					part);
		*slash = '/';
	}
	const char *kind = map_set(&x->paths, path, (void *)(is_file ? file : folder));
	if (kind && (is_file || kind == file))
		return error_at(x->err, at, "two exports want to be %s", path);
	return 0;
}

static struct export_item *add_item(struct exporting *x, const struct export_item *item)
{
	if (claim(x, item->path, !item->is_dir, item->at) < 0)
		return NULL;
	ARENA_PUSH(x->a, x->v, x->n, x->cap) = *item;
	x->out->v[item->of].files++;
	return &x->v[x->n - 1];
}

/* A link that stays in its tree: its way up comes first and is not longer than `depth`.
 */
static bool stays(const char *target, size_t depth)
{
	for (; str_starts(target, "../"); target += 3)
		if (depth-- == 0)
			return false;
	return *target && *target != '/' && strcmp(target, "..") != 0 &&
	       !strstr(target, "/../") && !str_ends(target, "/..");
}

static int add_tree(struct exporting *x, const struct export_item *top, size_t depth);

/* `item` with everything below it. A link out of the tree stands for its file. */
static int add_any(struct exporting *x, struct export_item *item, size_t depth)
{
	autofree char *slashed = xasprintf("%s", item->source);
	char *slash = strrchr(slashed, '/');
	struct stat st;

	if (depth) {
		*slash = '\0';
		autoclose int parent = dir_open_inside(x->place.store, slashed, O_PATH);
		autofree char *target = dir_link_target(parent, slash + 1);
		if (target && stays(target, depth - 1))
			item->link = arena_strdup(x->a, target);
	}
	autoclose int fd =
		item->link ? -1 : dir_open_inside(x->place.store, item->source, O_PATH);
	if (!item->link && (fd < 0 || fstat(fd, &st) < 0)) {
		error_at(x->err, item->at, "there is no %s", item->source);
		return error_hint(x->err, "the outputs of a step are listed by `kbuild "
					  "store ls result/STEP -R`");
	}
	if (item->link || S_ISREG(st.st_mode))
		return add_item(x, item) ? 0 : -1;
	if (!S_ISDIR(st.st_mode))
		return error_at(x->err, item->at, "%s is neither a file nor a folder",
				item->source);
	return add_tree(x, item, depth);
}

static int add_tree(struct exporting *x, const struct export_item *top, size_t depth)
{
	autoclose int dir = dir_open_inside(x->place.store, top->source, O_RDONLY);
	autoargv struct argv names = {0};

	if (dir < 0 || dir_names(dir, &names, x->err) < 0)
		return error_wrap(x->err, "while reading %s", top->source);
	if (depth > 128)
		return error_at(x->err, top->at, "%s is nested too deep", top->source);
	if (names.n == 0) {
		struct export_item empty = *top;

		empty.is_dir = true;
		return add_item(x, &empty) ? 0 : -1;
	}
	for (size_t i = 0; i < names.n; i++) {
		struct export_item item = *top;

		item.path = arena_printf(x->a, "%s/%s", top->path, names.v[i]);
		item.source = arena_printf(x->a, "%s/%s", top->source, names.v[i]);
		if (add_any(x, &item, depth + 1) < 0)
			return -1;
	}
	return 0;
}

/* All files below `path` that the pattern matches, by name. */
static int find_files(struct exporting *x, const char *path, const char *pattern,
		      size_t depth, const char **found, size_t *n)
{
	autoclose int dir = dir_open_inside(x->place.store, path, O_RDONLY | O_DIRECTORY);
	autoargv struct argv names = {0};
	struct stat st;

	if (dir < 0 || depth > 128)
		return 0;
	if (dir_names(dir, &names, x->err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		const char *below = arena_printf(x->a, "%s/%s", path, names.v[i]);

		if (fstatat(dir, names.v[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode) &&
		    find_files(x, below, pattern, depth + 1, found, n) < 0)
			return -1;
		if (S_ISREG(st.st_mode) && fnmatch(pattern, names.v[i], 0) == 0) {
			*found = below;
			++*n;
		}
	}
	return 0;
}

/* What the bare name of a step means: the one file, if it has one. */
static const char *file_of(struct exporting *x, const struct plan_export *e,
			   const char *tree)
{
	const char *found = NULL;
	size_t n = 0;

	if (find_files(x, tree, e->file + 1, 0, &found, &n) < 0)
		return NULL;
	if (n == 1)
		return found;
	error_at(x->err, e->value_at, "step %s has %zu files %s, expected one",
		 x->p->plan.steps[e->step].name, n, e->file + 1);
	error_hint(x->err, "name it: ${%s.%s}/PATH", x->p->plan.steps[e->step].name,
		   e->output);
	return NULL;
}

static int add_export(struct exporting *x, const struct plan_export *e)
{
	const char *out = output_of(x, e->step, e->output);
	const char *path = text_of(x, &e->path, e->at);
	const char *below = text_of(x, &e->below, e->value_at);
	const struct node n = {.kind = NODE_SCALAR, .text = path, .at = e->at};

	if (!path || !below || check_export_path(&n, x->err) < 0)
		return -1;
	if (!out)
		return error_at(x->err, e->value_at, "step %s has no output '%s' here",
				x->p->plan.steps[e->step].name, e->output);
	const char *source = arena_printf(x->a, "%s%s%s", out, e->subpath, below);
	if (e->file && !(source = file_of(x, e, source)))
		return -1;
	ARENA_PUSH(x->a, x->out->v, x->out->n, x->out->cap) =
		(struct exported){.path = path, .step = x->p->plan.steps[e->step].name};
	struct export_item item = {
		.path = path, .source = source, .of = x->out->n - 1, .at = e->at};
	return add_any(x, &item, 0);
}

static int add_lists(struct exporting *x, const struct plan_exports *e)
{
	size_t n = 0;
	struct export_variable *v =
		arena_array(x->a, e->nfacts + e->n + 1, struct export_variable);

	for (size_t i = 0; i < e->nfacts; i++) {
		const char *value = text_of(x, &e->facts[i].value, e->at);

		if (!value)
			return -1;
		v[n++] = (struct export_variable){e->facts[i].name, value, false};
	}
	for (size_t i = 0; i < e->n; i++)
		v[n++] = (struct export_variable){e->v[i].name, x->out->v[i].path, true};
	for (size_t i = 0; i < EXPORT_FORMATS; i++) {
		autobuf struct strbuf text = STRBUF_INIT;

		if (!e->lists[i].path)
			continue;
		if (i == EXPORT_MAKE && strpbrk(x->out->dir, "\n\r"))
			return error_at(x->err, e->lists[i].at,
					"no makefile can name a folder with a newline");
		export_list(i, x->out->dir, e->lists[i].path, v, n, &text);
		ARENA_PUSH(x->a, x->out->v, x->out->n, x->out->cap) =
			(struct exported){.path = e->lists[i].path};
		if (!add_item(x, &(struct export_item){
					 .path = e->lists[i].path,
					 .bytes = arena_strndup(x->a, text.ptr, text.len),
					 .len = text.len,
					 .of = x->out->n - 1,
					 .at = e->lists[i].at,
				 }))
			return -1;
	}
	return 0;
}

/* --- all of it ------------------------------------------------------------------ */

/* Where `path` is or will be: what exists of it is followed. */
static const char *resolved(struct arena *a, const char *path)
{
	autofree char *real = path_absolute(path);
	const char *slash = strrchr(path, '/');

	if (real || !slash || slash == path)
		return arena_strdup(a, real ? real : path);
	return arena_printf(a, "%s%s",
			    resolved(a, arena_strndup(a, path, (size_t)(slash - path))),
			    slash);
}

static int open_dir(struct exporting *x, bool make)
{
	if (make && dir_make(AT_FDCWD, x->out->dir, 0777, x->err) < 0)
		return -1;
	x->place.dir = open(x->out->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (x->place.dir >= 0 || (errno == ENOENT && !make))
		return 0;
	return error_errno(x->err, "cannot open %s", x->out->dir);
}

static int collect(struct exporting *x, const struct plan_exports *e)
{
	for (size_t i = 0; i < e->n; i++)
		if (add_export(x, &e->v[i]) < 0)
			return -1;
	if (add_lists(x, e) < 0 || open_dir(x, false) < 0)
		return -1;
	for (size_t i = 0; i < x->n; i++) {
		if (export_compare(&x->place, &x->v[i], x->err) < 0)
			return -1;
		x->out->new += x->v[i].differs;
		x->out->v[x->v[i].of].new += x->v[i].differs;
	}
	return 0;
}

static int write_all_items(struct exporting *x)
{
	if (x->place.dir < 0 && open_dir(x, true) < 0)
		return -1;
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].differs && export_put(&x->place, &x->v[i], x->err) < 0)
			return -1;
	return 0;
}

int exports_write(const struct pipeline *p, struct cli *cli, bool check,
		  struct exports *out, struct error *err)
{
	const struct plan_exports *e = p->plan.exports;
	autoclose int store = open(p->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct exporting x = {.p = p,
			      .a = &cli->arena,
			      .err = err,
			      .out = out,
			      .place = {store, -1, e->shown}};

	*out = (struct exports){.dir = resolved(&cli->arena, e->dir), .shown = e->shown};
	if (store < 0)
		return error_errno(err, "cannot open %s", p->root);
	int rc = collect(&x, e);
	if (rc == 0 && !check && out->new)
		rc = write_all_items(&x);
	if (x.place.dir >= 0)
		close(x.place.dir);
	map_finish(&x.paths);
	return rc;
}

void exports_tell(const struct exports *e)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct exported *x = &e->v[i];

		if (x->new && x->files > 1)
			log_say(LOG_INFO, "exported %s/%s (%zu of %zu files)", e->shown,
				x->path, x->new, x->files);
		else if (x->new)
			log_say(LOG_INFO, "exported %s/%s", e->shown, x->path);
	}
}

void exports_json(const struct exports *e, struct json_object *all)
{
	struct json_object *list = json_add_list(all, "exports");

	for (size_t i = 0; i < e->n; i++) {
		struct json_object *o = json_object_new_object();
		autofree char *path = path_join(e->dir, e->v[i].path);

		json_add(o, "path", path);
		json_add(o, "step", e->v[i].step);
		json_add_number(o, "files", e->v[i].files);
		json_add_number(o, "new", e->v[i].new);
		json_object_array_add(list, o);
	}
}
