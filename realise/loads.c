// SPDX-License-Identifier: MIT
#include "realise/loads.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "module/text.h"
#include "module/unpack.h"
#include "realise/message.h"

enum { FILE_MAX = 256 << 20, WARNINGS_MAX = 3 };

struct message {
	const char *what, *file, *dev;
};

/* One kernel, read once, and all that is said of modules for it. */
struct loading {
	struct worker *w;
	const char *dev;
	const struct message *asked; /* of this and other kernels */
	size_t n, nrefused;
	struct kernel_target target;
	struct arena arena;
};

/* --- places of the sandbox ---------------------------------------------------------- */

/* What follows `dir` and a slash, "" if nothing does; NULL: not below it. */
static const char *below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strncmp(path, dir, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return path[n] ? path + n + 1 : path + n;
}

/* The real place of an output, an input or the build directory; NULL: path is in none. */
static char *real_place(const struct worker *w, const char *path, const char **rest)
{
	const struct realise_result *r = w->node->result;
	const char *input = below(path, "/src");

	*rest = below(path, "/build");
	if (*rest)
		return worker_build_dir(w);
	for (size_t i = 0; i < r->noutputs; i++) {
		*rest = below(path, r->outputs[i].key);
		if (*rest)
			return xasprintf("%s/store/%s", w->scratch,
					 path_base(r->outputs[i].key));
	}
	if (!input)
		return NULL;
	size_t n = strcspn(input, "/");
	const char *object = worker_input(w, (struct str){input, n});
	*rest = input + n + (input[n] == '/');
	return object ? store_physical(w->st, object) : NULL;
}

/* The directory itself, and what is below it in *rest. -1 with errno set. */
static int open_place(const struct worker *w, const char *path, const char **rest)
{
	autofree char *root = real_place(w, path, rest);

	errno = ENOENT;
	return root ? open(root, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
}

static int bad_place(const struct message *m, const char *path, struct error *err)
{
	error_class(err, ERROR_BUILD, "the builder's message '%s' names '%s': %s",
		    m->what, path, strerror(errno));
	return error_hint(err, "expected a file below /build, /src/NAME or an output, "
			       "no link out of it, and /src/NAME of a kernel");
}

static int read_place(const struct worker *w, const struct message *m, struct strbuf *out,
		      struct error *err)
{
	const char *rest = "";
	autoclose int dir = open_place(w, m->file, &rest);
	autoclose int fd = dir < 0 ? -1 : dir_open_file(dir, rest, true);

	if (fd < 0)
		return bad_place(m, m->file, err);
	if (read_all(fd, FILE_MAX, out, err) < 0)
		return error_wrap(err, "%s", m->file);
	return 0;
}

/* The sandbox's paths are long: the last name tells it. */
static const char *name_of(const struct message *m)
{
	const char *slash = strrchr(m->file, '/');

	return slash ? slash + 1 : m->file;
}

/* --- modules ------------------------------------------------------------------------ */

static int read_module(const struct loading *l, const struct message *m, struct arena *a,
		       struct module *out, struct error *err)
{
	autobuf struct strbuf raw = STRBUF_INIT, bytes = STRBUF_INIT;

	if (read_place(l->w, m, &raw, err) < 0)
		return -1;
	if (unpack((struct str){raw.ptr, raw.len}, FILE_MAX, &bytes, err) == 0 &&
	    module_read((struct str){bytes.ptr, bytes.len}, a, out, err) == 0)
		return 0;
	err->class = ERROR_VERDICT;
	return error_wrap(err, "%s is no module", name_of(m));
}

static int warn(struct loading *l, const struct message *m, const char *why)
{
	autofree char *text = xasprintf("%s would not load: %s", m->file, why);

	if (l->nrefused++ < WARNINGS_MAX)
		message_text(l->w->messages, "warn", text);
	return 0;
}

static const char *first_reason(const struct verdict *v)
{
	size_t i = 0;

	while (v->findings[i].level != FINDING_REFUSE)
		i++;
	return v->findings[i].text;
}

static int refuse(const struct message *m, const struct module *module,
		  const struct loading *l, const struct verdict *v, struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;

	text_refusal(module, &l->target, v, &text);
	return error_class(err, ERROR_VERDICT,
			   "%s would not load into the kernel it was made for\n%.*s",
			   name_of(m), (int)text.len - 1, text.ptr);
}

static int judge(struct loading *l, const struct message *m, struct error *err)
{
	bool must = strcmp(m->what, "loads") == 0;
	autoerror struct error broken = {0};
	struct arena a = {0};
	struct verdict v = {0};
	struct module module;
	int res = read_module(l, m, &a, &module, &broken);

	if (res == 0)
		verdict_make(&module, &l->target, &a, &v);
	if (res < 0 && (must || broken.class != ERROR_VERDICT))
		error_join(err, &broken);
	else if (res < 0)
		res = warn(l, m, broken.cause ? broken.cause->msg : broken.msg);
	else if (v.outcome == OUTCOME_REFUSED)
		res = must ? refuse(m, &module, l, &v, err)
			   : warn(l, m, first_reason(&v));
	arena_finish(&a);
	return res;
}

/* --- one kernel --------------------------------------------------------------------- */

/* Of several modules each may need what the others export. */
static void add_exports(struct loading *l, const struct message *m)
{
	autobuf struct strbuf names = STRBUF_INIT;
	autoerror struct error ignored = {0}; /* it is judged later */
	struct arena a = {0};
	struct module module;

	if (read_module(l, m, &a, &module, &ignored) == 0) {
		for (size_t i = 0; i < module.nexports; i++)
			strbuf_printf(&names, "%s\n", module.exports[i]);
		if (names.len)
			symvers_add_names(&l->target.symvers,
					  (struct str){names.ptr, names.len}, &l->arena);
	}
	arena_finish(&a);
}

static int add_symvers(struct loading *l, const struct message *m, struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;

	if (read_place(l->w, m, &text, err) < 0)
		return -1;
	if (symvers_read(&l->target.symvers, (struct str){text.ptr, text.len}, &l->arena,
			 err) == 0)
		return 0;
	err->class = ERROR_BUILD;
	return error_wrap(err, "%s", m->file);
}

static int read_kernel(struct loading *l, const struct message *first, struct error *err)
{
	const char *rest = "";
	autoclose int dir = open_place(l->w, l->dev, &rest);

	if (dir < 0 || *rest)
		return bad_place(first, l->dev, err);
	int found = target_read_at(&l->target, dir, l->dev, true, &l->arena, err);
	if (found < 0)
		return -1;
	if (!found) {
		errno = ENODATA;
		return bad_place(first, l->dev, err);
	}
	target_complete(&l->target, &l->arena);
	return 0;
}

static bool is_of(const struct loading *l, const struct message *m, bool module)
{
	return strcmp(m->dev, l->dev) == 0 && (strcmp(m->what, "symvers") != 0) == module;
}

static int check_kernel(struct loading *l, const struct message *first, struct error *err)
{
	size_t nmodules = 0;

	if (read_kernel(l, first, err) < 0)
		return -1;
	for (size_t i = 0; i < l->n; i++) {
		nmodules += is_of(l, &l->asked[i], true);
		if (is_of(l, &l->asked[i], false) &&
		    add_symvers(l, &l->asked[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; nmodules > 1 && i < l->n; i++)
		if (is_of(l, &l->asked[i], true))
			add_exports(l, &l->asked[i]);
	for (size_t i = 0; i < l->n; i++)
		if (is_of(l, &l->asked[i], true) && judge(l, &l->asked[i], err) < 0)
			return -1;
	if (l->nrefused <= WARNINGS_MAX)
		return 0;
	autofree char *text =
		xasprintf("%zu more modules would not load", l->nrefused - WARNINGS_MAX);
	message_text(l->w->messages, "warn", text);
	return 0;
}

static bool is_first_of_its_kernel(const struct message *all, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(all[k].dev, all[i].dev) == 0)
			return false;
	return true;
}

int loads_check(struct worker *w, const struct argv *asked, struct error *err)
{
	size_t n = asked->n / 3;
	autofree struct message *all = xcalloc(n + 1, sizeof(*all));
	int res = 0;

	for (size_t i = 0; i < n; i++)
		all[i] = (struct message){asked->v[3 * i], asked->v[3 * i + 1],
					  asked->v[3 * i + 2]};
	for (size_t i = 0; i < n && res == 0; i++) {
		struct loading l = {.w = w, .dev = all[i].dev, .asked = all, .n = n};

		if (!is_first_of_its_kernel(all, i))
			continue;
		res = check_kernel(&l, &all[i], err);
		target_finish(&l.target);
		arena_finish(&l.arena);
	}
	return res;
}
