// SPDX-License-Identifier: MIT
/* Which modules, in which order, and whether a kernel would take them. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "cli/deploy.h"
#include "cli/module_report.h"
#include "module/text.h"

static const char prefix[] = "modules.";

/* --- steps ----------------------------------------------------------------------------
 */

static bool is_module_step(const char *step)
{
	return str_starts(step, prefix);
}

static int no_such_module(struct deployment *d, const char *word, struct error *err)
{
	const struct plan *plan = &d->p->plan;
	const char **names = arena_array(d->a, plan->nsteps, const char *);
	size_t n = 0;

	for (size_t i = 0; i < plan->nsteps; i++)
		if (is_module_step(plan->steps[i].name))
			names[n++] = plan->steps[i].name + strlen(prefix);
	if (!n) {
		error_class(err, ERROR_RECIPE, "%s has no modules", d->p->recipe_arg);
		return error_hint(err, "modules: {hello: ./hello}");
	}
	const char *near = word_nearest(word, names, n);
	error_class(err, ERROR_RECIPE, "%s has no module '%s'", d->p->recipe_arg, word);
	return error_hint(err, near ? "did you mean '%s'?" : "it has '%s'",
			  near ? near : names[0]);
}

int deploy_steps(struct deployment *d, const struct argv *words, struct argv *steps,
		 struct error *err)
{
	const struct plan *plan = &d->p->plan;

	for (size_t i = 0; i < words->n; i++) {
		const char *word = words->v[i];
		bool full = is_module_step(word), found = false;

		for (size_t k = 0; k < plan->nsteps; k++) {
			const char *name = plan->steps[k].name;

			if (!is_module_step(name) ||
			    strcmp(name + (full ? 0 : strlen(prefix)), word) != 0)
				continue;
			argv_push(steps, name);
			found = true;
		}
		if (!found)
			return no_such_module(d, word, err);
	}
	for (size_t k = 0; k < plan->nsteps && !words->n; k++)
		if (is_module_step(plan->steps[k].name))
			argv_push(steps, plan->steps[k].name);
	return steps->n ? 0 : no_such_module(d, "", err);
}

/* --- files ----------------------------------------------------------------------------
 */

/* What goes into a line for a shell, and to a place on another machine. */
static bool is_plain(const char *s)
{
	if (*s == '-' || *s == '.')
		return false;
	for (; *s; s++)
		if (!(*s >= '0' && *s <= '9') && !(*s >= 'a' && *s <= 'z') &&
		    !(*s >= 'A' && *s <= 'Z') && !strchr("._+-", *s))
			return false;
	return true;
}

/* The kernel calls my-mod.ko my_mod. */
static char *kernel_name(const char *file, struct arena *a)
{
	const char *slash = strrchr(file, '/');
	char *name = arena_strdup(a, slash ? slash + 1 : file);
	size_t n = strlen(name);

	if (str_ends(name, ".ko"))
		name[n - 3] = '\0';
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	return name;
}

static int add_file(struct deployment *d, const char *step, bool asked, const char *path,
		    struct error *err)
{
	struct deploy_module *m = &ARENA_PUSH(d->a, d->modules, d->n, d->cap);
	const char *file = strrchr(path, '/') + 1;

	*m = (struct deploy_module){.step = step,
				    .path = arena_strdup(d->a, path),
				    .file = arena_strdup(d->a, file),
				    .asked = asked};
	m->name = kernel_name(file, d->a);
	if (!is_plain(file))
		return error_class(err, ERROR_RECIPE,
				   "%s: expected a name of letters, digits, '.', '_' and "
				   "'-' for what is copied, found '%s'",
				   step, file);
	if (dir_read(AT_FDCWD, path, &m->bytes, err) < 0 ||
	    module_read((struct str){m->bytes.ptr, m->bytes.len}, d->a, &m->m, err) < 0)
		return error_wrap(err, "%s", path);
	if (m->m.name)
		m->name = m->m.name;
	return is_plain(m->name)
		       ? 0
		       : error_class(err, ERROR_RECIPE, "%s: its name '%s' is none", path,
				     m->name);
}

static int add_files(struct deployment *d, const char *step, bool asked, const char *dir,
		     struct error *err)
{
	autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoargv struct argv names = {0};
	struct stat st;

	if (fd < 0)
		return error_errno(err, "cannot open %s", dir);
	if (dir_names(fd, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		autofree char *path = path_join(dir, names.v[i]);

		if (lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && add_files(d, step, asked, path, err) < 0)
			return -1;
		if (S_ISREG(st.st_mode) && str_ends(path, ".ko") &&
		    add_file(d, step, asked, path, err) < 0)
			return -1;
	}
	return 0;
}

/* What it exports is there for the others. */
static int add_symvers(struct deployment *d, const char *out, struct error *err)
{
	autofree char *file = path_join(out, "Module.symvers");
	autobuf struct strbuf text = STRBUF_INIT;

	if (access(file, F_OK) < 0)
		return 0;
	if (dir_read(AT_FDCWD, file, &text, err) < 0 ||
	    symvers_read(&d->target.symvers,
			 (struct str){text.ptr ? text.ptr : "", text.len}, d->a, err) < 0)
		return error_wrap(err, "%s", file);
	return 0;
}

static int read_kernel(struct deployment *d, size_t step, struct error *err)
{
	autofree char *dev = pipeline_output(d->p, step, "dev");

	if (!dev)
		return error_class(err, ERROR_RECIPE, "the kernel of %s has no headers",
				   d->p->recipe_arg);
	return target_read_dir(&d->target, dev, d->a, err) < 0 ? -1 : 0;
}

/* --- order ----------------------------------------------------------------------------
 */

static bool gives(const struct deploy_module *from, const struct deploy_module *to)
{
	for (size_t i = 0; i < to->m.nundefined; i++)
		for (size_t k = 0; k < from->m.nexports; k++)
			if (strcmp(to->m.undefined[i].name, from->m.exports[k]) == 0)
				return true;
	return false;
}

static bool waits(const struct deployment *d, const bool *placed, size_t i)
{
	for (size_t k = 0; k < d->n; k++)
		if (k != i && !placed[k] && gives(&d->modules[k], &d->modules[i]))
			return true;
	return false;
}

/* Each after those whose symbols it uses, else as they were. */
static int order(struct deployment *d, struct error *err)
{
	struct deploy_module *sorted = arena_array(d->a, d->n, struct deploy_module);
	bool *placed = arena_array(d->a, d->n, bool);

	for (size_t n = 0; n < d->n; n++) {
		size_t i = 0;

		while (i < d->n && (placed[i] || waits(d, placed, i)))
			i++;
		if (i == d->n)
			return error_class(
				err, ERROR_RECIPE,
				"the modules of %s need each other in a circle",
				d->p->recipe_arg);
		placed[i] = true;
		sorted[n] = d->modules[i];
	}
	d->modules = sorted;
	return 0;
}

int deploy_collect(struct deployment *d, const struct argv *asked, struct error *err)
{
	const struct plan *plan = &d->p->plan;

	for (size_t i = 0; i < plan->nsteps; i++) {
		const char *step = plan->steps[i].name;
		bool is_asked = false;

		if (!d->p->wanted[i])
			continue;
		if (!is_module_step(step)) {
			if (read_kernel(d, i, err) < 0)
				return -1;
			continue;
		}
		for (size_t k = 0; k < asked->n; k++)
			is_asked |= strcmp(asked->v[k], step) == 0;
		autofree char *out = pipeline_output(d->p, i, "out");
		autofree char *lib = out ? path_join(out, "lib") : NULL;
		if (!lib || add_files(d, step, is_asked, lib, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < plan->nsteps; i++) {
		autofree char *out =
			d->p->wanted[i] && is_module_step(plan->steps[i].name)
				? pipeline_output(d->p, i, "out")
				: NULL;
		if (out && add_symvers(d, out, err) < 0)
			return -1;
	}
	target_complete(&d->target, d->a);
	return order(d, err);
}

/* --- parameters -----------------------------------------------------------------------
 */

static bool same_name(struct str word, const char *name)
{
	size_t n = strlen(name);

	if (word.len != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (name[i] != (word.ptr[i] == '-' ? '_' : word.ptr[i]))
			return false;
	return true;
}

/* hello.x=1 is for hello; x=1 is for the one that was asked for. */
static int add_param(struct deployment *d, struct str word, struct error *err)
{
	struct deploy_module *to = NULL;
	size_t nasked = 0, name = strcspn(word.ptr, ".=");
	struct str head = {word.ptr, name < word.len ? name : word.len};
	bool named = head.len < word.len && word.ptr[head.len] == '.';

	for (size_t i = 0; i < d->n; i++) {
		struct deploy_module *m = &d->modules[i];

		nasked += m->asked;
		if (named ? same_name(head, m->name) : m->asked)
			to = m;
	}
	if (!to || (!named && nasked != 1)) {
		error_class(err, ERROR_RECIPE, "--params: which module is '%.*s' for?",
			    (int)word.len, word.ptr);
		return error_hint(err, "say its name: %s.%.*s",
				  d->n ? d->modules[0].name : "hello", (int)word.len,
				  word.ptr);
	}
	size_t skip = named ? head.len + 1 : 0;
	autofree char *text = xstrndup(word.ptr + skip, word.len - skip);
	if (to->params.len)
		strbuf_addc(&to->params, ' ');
	board_quote(&to->params, text);
	return 0;
}

int deploy_params(struct deployment *d, const char *text, struct error *err)
{
	for (const char *p = text; *p;) {
		bool quoted = false;
		size_t n = 0;

		for (; p[n] && (quoted || p[n] != ' '); n++) {
			if (p[n] == '\n')
				return error_class(err, ERROR_RECIPE,
						   "--params: expected one line");
			quoted ^= p[n] == '"';
		}
		if (n && add_param(d, (struct str){p, n}, err) < 0)
			return -1;
		p += n + (p[n] == ' ');
	}
	return 0;
}

/* --- verdicts -------------------------------------------------------------------------
 */

/* Of the kernel's modules that one of ours needs; ours are in order already. */
static void add_needs(struct deployment *d, struct deploy_module *m,
		      const struct verdict *v)
{
	for (size_t i = 0; i < v->nneeds; i++) {
		const char *name = kernel_name(v->needs[i], d->a);
		bool ours = !is_plain(name);

		for (size_t k = 0; k < d->n; k++)
			ours |= strcmp(d->modules[k].name, name) == 0;
		for (size_t k = 0; k < m->nneeds; k++)
			ours |= strcmp(m->needs[k], name) == 0;
		if (!ours)
			ARENA_PUSH(d->a, m->needs, m->nneeds, m->needs_cap) = name;
	}
}

static int refuse(struct deployment *d, const struct deploy_module *m,
		  const struct kernel_target *t, const struct verdict *v,
		  const char *against, struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;

	if (d->json) {
		struct json_object *one = json_add_object(d->json, "refused");

		json_add(one, "module", m->name);
		json_add(one, "against", against);
		json_object_object_add(one, "verdict", json_of_verdict(t, v));
	}
	text_refusal(&m->m, t, v, &text);
	return error_class(err, ERROR_VERDICT, "%s would not load into %s\n%.*s", m->file,
			   against, (int)text.len - 1, text.ptr);
}

int deploy_judge(struct deployment *d, const struct kernel_target *t, const char *against,
		 struct error *err)
{
	for (size_t i = 0; i < d->n; i++) {
		struct deploy_module *m = &d->modules[i];
		struct verdict v = {0};

		verdict_make(&m->m, t, d->a, &v);
		if (v.outcome == OUTCOME_REFUSED)
			return refuse(d, m, t, &v, against, err);
		add_needs(d, m, &v);
	}
	return 0;
}

void deploy_finish(struct deployment *d)
{
	for (size_t i = 0; i < d->n; i++) {
		strbuf_finish(&d->modules[i].bytes);
		strbuf_finish(&d->modules[i].params);
	}
	target_finish(&d->target);
	map_finish(&d->loaded);
}
