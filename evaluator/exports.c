// SPDX-License-Identifier: MIT
/* The section `exports`: what of a build is copied where. In no hash: a plan only tells.
 */
#include <string.h>

#include "evaluator/checks.h"
#include "evaluator/findings.h"
#include "evaluator/planner.h"

/* --- checks --------------------------------------------------------------------- */

/* A path below a folder: what it is made of only a build may know. */
static int check_below(const char *s, struct span at, struct error *err)
{
	struct str rest = str_of(s);

	if (!*s)
		return error_at(err, at, "expected the path of a file");
	if (*s == '/') {
		error_at(err, at, "expected a path below `exports.to`, found '%s'", s);
		return error_hint(err, "write %s", s + strspn(s, "/"));
	}
	for (const char *c = s; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return error_at(err, at, "a path holds no control characters");
	while (rest.ptr) {
		struct str part = str_cut(&rest, '/');

		if (str_is(part, "..") || str_is(part, ".") || part.len == 0)
			return error_at(err, at,
					"expected a plain path below `exports.to`, found "
					"'%s'",
					s);
	}
	return 0;
}

int check_export_key(const struct member *m, struct error *err)
{
	return check_below(m->key, m->key_at, err);
}

int check_export_path(const struct node *n, struct error *err)
{
	return check_below(n->text, n->at, err);
}

int check_export_dir(const struct node *n, struct error *err)
{
	if (check_line(n, err) < 0)
		return -1;
	if (*n->text == '/' || *n->text == '~') {
		error_at(err, n->at, "expected a folder relative to the recipe");
		return error_hint(err, "such as ../project: it is written to");
	}
	return *n->text ? 0 : error_at(err, n->at, "expected a folder");
}

static int refuse_value(const struct node *n, struct error *err)
{
	error_at(err, n->at, "expected something a build makes, found '%s'", n->text);
	return error_hint(err, "such as ${kernel.image}, or ${steps.NAME}/FILE");
}

int check_export(const struct node *n, struct error *err)
{
	return str_starts(n->text, "${") ? 0 : refuse_value(n, err);
}

/* --- templates ------------------------------------------------------------------ */

static long step_of(struct planner *p, const struct output_ref *ref, struct span at)
{
	const struct node from = {.kind = NODE_SCALAR, .at = at};
	const struct made *made = planner_referred(p, &from, ref);

	return made ? (long)made->index : -1;
}

/* One ${...} in a path: its words. */
static int add_reference(struct planner *p, const char *name, struct span at,
			 struct plan_text *out)
{
	struct output_ref ref;
	long step;

	if (!artifact_find(p->r->checked, name, p->a, &ref)) {
		error_at(p->err, at, "nothing that a build makes is called '%s'", name);
		return error_hint(p->err, "write $${%s} if the text is meant literally",
				  name);
	}
	if (ref.text == TEXT_NONE) {
		error_at(p->err, at, "'%s' is a file, not text", name);
		return error_hint(p->err, "a path can hold ${kernel.release}, "
					  "${kernel.version}, ${arch.bits}");
	}
	step = step_of(p, &ref, at);
	if (step < 0)
		return -1;
	ARENA_PUSH(p->a, out->v, out->n, out->cap) = (struct plan_part){
		.step = (size_t)step,
		.output = ref.output,
		.subpath = ref.subpath,
		.as = ref.text,
	};
	return 0;
}

/* Text with ${...} whose values a build gives. */
static int read_template(struct planner *p, const char *s, struct span at,
			 struct plan_text *out)
{
	autobuf struct strbuf text = STRBUF_INIT;

	for (;;) {
		bool escaped = str_starts(s, "$${");
		const char *end = str_starts(s, "${") ? strchr(s, '}') : NULL;

		if ((end || !*s) && text.len) {
			ARENA_PUSH(p->a, out->v, out->n, out->cap) = (struct plan_part){
				.text = arena_strndup(p->a, text.ptr, text.len)};
			strbuf_reset(&text);
		}
		if (!*s)
			return 0;
		if (end) {
			const char *name =
				arena_strndup(p->a, s + 2, (size_t)(end - s) - 2);

			if (add_reference(p, name, at, out) < 0)
				return -1;
			s = end + 1;
			continue;
		}
		s += escaped;
		strbuf_addc(&text, *s++);
		if (escaped)
			strbuf_addc(&text, *s++);
	}
}

/* --- one export ----------------------------------------------------------------- */

/* "${kernel.debug}/vmlinux" -> KERNEL_DEBUG_VMLINUX, and _2 for the second of them. */
static const char *variable_name(struct planner *p, const struct plan_exports *e,
				 const char *value)
{
	char *name = arena_strdup(p->a, value), *out = name;
	const char *unique = name;

	for (const char *c = value; *c; c++) {
		bool lower = *c >= 'a' && *c <= 'z';

		if (lower || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9'))
			*out++ = (char)(lower ? *c - 'a' + 'A' : *c);
		else if (out > name && out[-1] != '_')
			*out++ = '_';
	}
	while (out > name && out[-1] == '_')
		out--;
	*out = '\0';
	for (size_t i = 0, k = 2; i < e->n; i++) {
		if (strcmp(e->v[i].name, unique) != 0)
			continue;
		unique = arena_printf(p->a, "%s_%zu", name, k++);
		i = (size_t)-1;
	}
	return unique;
}

static int add_export(struct planner *p, const struct member *m, struct plan_exports *e)
{
	const struct node *value = m->value;
	const char *end = strchr(value->text, '}');
	struct plan_export x = {.at = m->key_at, .value_at = value->at};
	struct output_ref ref;

	if (!end || (end[1] && end[1] != '/'))
		return refuse_value(value, p->err);
	const char *name =
		arena_strndup(p->a, value->text + 2, (size_t)(end - value->text) - 2);
	if (!artifact_find(p->r->checked, name, p->a, &ref))
		return error_at(p->err, value->at,
				"nothing that a build makes is called '%s'", name);
	if (!map_get(&p->steps, ref.step) && !end[1])
		artifact_instead(&ref);
	long step = step_of(p, &ref, value->at);
	if (step < 0 || read_template(p, m->key, m->key_at, &x.path) < 0 ||
	    read_template(p, end + 1, value->at, &x.below) < 0)
		return -1;
	x.step = (size_t)step;
	x.output = ref.output;
	x.subpath = ref.subpath;
	x.file = end[1] ? NULL : ref.file;
	x.name = variable_name(p, e, value->text);
	ARENA_PUSH(p->a, e->v, e->n, e->cap) = x;
	return 0;
}

static void add_facts(struct planner *p, struct plan_exports *e)
{
	const struct arch *arch = p->r->arch;
	static const char *const of_kernel[][2] = {
		{"KERNEL_RELEASE", "kernel.release"},
		{"KERNEL_VERSION", "kernel.version"},
	};
	const char *const of_arch[][2] = {
		{"ARCH", arch->name},
		{"ARCH_KERNEL", arch->kernel},
		{"ARCH_BITS", arch->bits},
	};

	for (size_t i = 0; map_get(&p->steps, "kernel") && i < ARRAY_LEN(of_kernel);
	     i++) {
		struct plan_fact *f = &ARENA_PUSH(p->a, e->facts, e->nfacts, e->fcap);

		*f = (struct plan_fact){.name = of_kernel[i][0]};
		add_reference(p, of_kernel[i][1], (struct span){0}, &f->value);
	}
	for (size_t i = 0; i < ARRAY_LEN(of_arch); i++) {
		struct plan_fact *f = &ARENA_PUSH(p->a, e->facts, e->nfacts, e->fcap);

		*f = (struct plan_fact){.name = of_arch[i][0]};
		ARENA_PUSH(p->a, f->value.v, f->value.n, f->value.cap) =
			(struct plan_part){.text = of_arch[i][1]};
	}
}

struct plan_exports *exports_make(struct planner *p)
{
	const struct node *section = node_get(p->r->checked, "exports");
	const struct node *files = node_get(section, "files");

	if (!section)
		return NULL;
	struct plan_exports *e = arena_new(p->a, struct plan_exports);
	const struct node *to = node_get(section, "to");
	e->dir = recipe_path(p->r, to, p->a);
	e->shown = to->text;
	e->at = to->at;
	for (size_t i = 0; files && i < files->n; i++)
		add_export(p, &files->members[i], e);
	add_facts(p, e);
	for (size_t i = 0; i < EXPORT_FORMATS; i++) {
		const struct node *file = node_get(section, export_formats[i]);

		e->lists[i].path = file ? file->text : NULL;
		e->lists[i].at = file ? file->at : e->at;
	}
	return e;
}

const char *const export_formats[EXPORT_FORMATS] = {"cmake", "make", "json", "env"};
