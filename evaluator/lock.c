// SPDX-License-Identifier: MIT
#include "evaluator/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "evaluator/findings.h"
#include "evaluator/schema.h"
#include "evaluator/yaml.h"
#include "store/path.h"

static const char header[] =
	"# kbuild lock 1. Written by `kbuild lock`; do not edit, do commit.\nlock: 1\n";

/* --- entries -------------------------------------------------------------------- */

struct lock_entry *lock_find(const struct lock_section *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->entries[i].name, name) == 0)
			return &s->entries[i];
	return NULL;
}

struct lock_entry *lock_renew(struct lock_section *s, const char *name, struct arena *a)
{
	struct lock_entry *e = lock_find(s, name);

	if (!e)
		e = &ARENA_PUSH(a, s->entries, s->n, s->cap);
	*e = (struct lock_entry){.name = arena_strdup(a, name)};
	return e;
}

const char *lock_fact(const struct lock_entry *e, const char *key)
{
	for (size_t i = 0; i < e->nfacts; i++)
		if (strcmp(e->facts[i].key, key) == 0)
			return e->facts[i].value;
	return NULL;
}

void lock_add_fact(struct lock_entry *e, const char *key, const char *value,
		   struct arena *a)
{
	ARENA_PUSH(a, e->facts, e->nfacts, e->cap) =
		(struct origin_fact){arena_strdup(a, key), arena_strdup(a, value)};
}

/* --- reading -------------------------------------------------------------------- */

static const struct schema any = {.type = TYPE_ANY};
static const struct schema facts = {.type = TYPE_MAP, .of = &any};
static const struct schema_key lock_keys[] = {
	{"lock", true, {.type = TYPE_TEXT}},
	{"inputs", false, {.type = TYPE_MAP, .of = &facts}},
	{"debian", false, {.type = TYPE_MAP, .of = &facts}},
	{"toolchains", false, {.type = TYPE_MAP, .of = &facts}},
};
static const struct schema lock_schema = SECTION(lock_keys);

static const char *fact_text(const struct node *n, struct arena *a, struct error *err)
{
	autobuf struct strbuf lines = STRBUF_INIT;

	if (n->kind == NODE_SCALAR)
		return n->text;
	for (size_t i = 0; i < n->n; i++) {
		const struct node *item = n->members[i].value;

		if (n->kind == NODE_MAP || item->kind != NODE_SCALAR ||
		    strchr(item->text, '\n')) {
			error_at(err, n->at, "expected text or a list of text");
			return NULL;
		}
		strbuf_printf(&lines, "%s%s", i ? "\n" : "", item->text);
	}
	return arena_strdup(a, lines.ptr ? lines.ptr : "");
}

static int check_fact(const struct member *m, struct error *err)
{
	struct sha256 hash;

	if (strcmp(m->key, "nar") == 0 &&
	    (m->value->kind != NODE_SCALAR || hash_parse(m->value->text, &hash) < 0))
		return error_at(err, m->value->at,
				"expected a hash such as sha256-BASE64");
	return 0;
}

static void read_section(struct lock_section *s, const struct node *n, struct arena *a,
			 struct error *err)
{
	for (size_t i = 0; n && i < n->n; i++) {
		const struct node *map = n->members[i].value;
		struct lock_entry *e = &ARENA_PUSH(a, s->entries, s->n, s->cap);

		*e = (struct lock_entry){.name = n->members[i].key,
					 .at = n->members[i].key_at};
		for (size_t k = 0; k < map->n && !findings_full(err); k++) {
			const struct member *m = &map->members[k];
			const char *text = fact_text(m->value, a, err);

			if (text && check_fact(m, err) == 0)
				ARENA_PUSH(a, e->facts, e->nfacts, e->cap) =
					(struct origin_fact){m->key, text};
		}
	}
}

static int check_entries(const struct lock *lock, struct error *err)
{
	for (size_t i = 0; i < lock->inputs.n; i++) {
		const struct lock_entry *e = &lock->inputs.entries[i];

		if (!lock_fact(e, "from") || !lock_fact(e, "nar"))
			error_at(err, e->at, "the entry '%s' needs 'from' and 'nar'",
				 e->name);
	}
	for (size_t i = 0; i < lock->toolchains.n; i++) {
		const struct lock_entry *e = &lock->toolchains.entries[i];

		if (!lock_fact(e, "debs"))
			error_at(err, e->at, "the entry '%s' needs 'debs'", e->name);
	}
	return findings_close(err);
}

/*
 * A broken lock is the lock's fault, whatever the reader of YAML calls it; that it cannot
 * be read is not.
 */
static int blame_lock(struct error *err)
{
	if (err->class == ERROR_INFRA)
		return -1;
	for (struct error *e = err; e; e = e->next)
		e->class = ERROR_LOCK;
	return error_hint(err, "`kbuild update` writes it anew when the file is removed");
}

int lock_read(const char *path, struct arena *a, struct lock **out, struct error *err)
{
	struct lock *lock = arena_new(a, struct lock);

	*out = lock;
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	struct source *src = yaml_load(AT_FDCWD, path, path, a, err);
	struct node *root = src ? yaml_read(src, a, err) : NULL;
	if (!root)
		return blame_lock(err);
	struct node *n = schema_apply(&lock_schema, root, "", a, err);
	if (findings_close(err) < 0 || !n)
		return blame_lock(err);
	if (strcmp(node_text(n, "lock"), "1") != 0) {
		error_at(err, node_get(n, "lock")->at,
			 "expected version 1 of the lock, found '%s'",
			 node_text(n, "lock"));
		return blame_lock(err);
	}
	read_section(&lock->inputs, node_get(n, "inputs"), a, err);
	read_section(&lock->debian, node_get(n, "debian"), a, err);
	read_section(&lock->toolchains, node_get(n, "toolchains"), a, err);
	if (findings_close(err) < 0 || check_entries(lock, err) < 0)
		return blame_lock(err);
	return 1;
}

/* --- writing -------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct lock_entry *const *)a)->name,
		      (*(const struct lock_entry *const *)b)->name);
}

/* `from` first, lists last, the others sorted between them. */
static int rank(const struct origin_fact *f)
{
	if (strcmp(f->key, "from") == 0)
		return 0;
	return strcmp(f->key, "debs") == 0 || strchr(f->value, '\n') ? 2 : 1;
}

static int by_key(const void *a, const void *b)
{
	const struct origin_fact *x = *(const struct origin_fact *const *)a;
	const struct origin_fact *y = *(const struct origin_fact *const *)b;

	return rank(x) != rank(y) ? rank(x) - rank(y) : strcmp(x->key, y->key);
}

static void format_fact(const struct origin_fact *f, struct strbuf *out)
{
	struct str rest = str_of(f->value);

	strbuf_adds(out, "    ");
	node_print_key(f->key, 4, out);
	if (rank(f) < 2) {
		strbuf_addc(out, ' ');
		node_print_text(f->value, out);
		strbuf_addc(out, '\n');
		return;
	}
	strbuf_addc(out, '\n');
	while (rest.ptr) {
		struct str cut = str_cut(&rest, '\n');
		autofree char *item = xstrndup(cut.ptr, cut.len);

		strbuf_adds(out, "      - ");
		node_print_text(item, out);
		strbuf_addc(out, '\n');
	}
}

static void format_section(const char *title, const struct lock_section *s,
			   struct strbuf *out)
{
	if (!s->n)
		return;
	autofree const struct lock_entry **entries = xcalloc(s->n, sizeof(*entries));
	for (size_t i = 0; i < s->n; i++)
		entries[i] = &s->entries[i];
	qsort(entries, s->n, sizeof(*entries), by_name);
	strbuf_printf(out, "%s:\n", title);
	for (size_t i = 0; i < s->n; i++) {
		size_t n = entries[i]->nfacts;
		autofree const struct origin_fact **sorted =
			xcalloc(n + 1, sizeof(*sorted));

		for (size_t k = 0; k < n; k++)
			sorted[k] = &entries[i]->facts[k];
		qsort(sorted, n, sizeof(*sorted), by_key);
		strbuf_adds(out, "  ");
		node_print_key(entries[i]->name, 2, out);
		strbuf_adds(out, n ? "\n" : " {}\n");
		for (size_t k = 0; k < n; k++)
			format_fact(sorted[k], out);
	}
}

void lock_format(const struct lock *lock, struct strbuf *out)
{
	strbuf_adds(out, header);
	format_section("inputs", &lock->inputs, out);
	format_section("debian", &lock->debian, out);
	format_section("toolchains", &lock->toolchains, out);
}

int lock_write(const struct lock *lock, const char *path, struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT, old = STRBUF_INIT;
	autoerror struct error ignored = {0};

	lock_format(lock, &text);
	if (dir_read(AT_FDCWD, path, &old, &ignored) == 0 && old.len == text.len &&
	    memcmp(old.ptr, text.ptr, text.len) == 0)
		return 0;
	return dir_write(AT_FDCWD, path, text.ptr, text.len, 0644, false, err) < 0 ? -1
										   : 1;
}

/* --- comparing ------------------------------------------------------------------ */

static bool same_hash(const char *a, const char *b)
{
	struct sha256 x, y;

	return a && b && hash_parse(a, &x) == 0 && hash_parse(b, &y) == 0 &&
	       sha256_equal(&x, &y);
}

static bool same_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

enum lock_verdict lock_judge(const struct lock *lock, const struct input *in)
{
	const struct lock_entry *e = lock_find(&lock->inputs, in->name);
	const char *sha256 = node_text(in->node, "sha256"),
		   *strip = node_text(in->node, "strip");

	if (!e)
		return LOCK_MISSING;
	if (!same_text(lock_fact(e, "from"), in->from) ||
	    (sha256 && !same_hash(lock_fact(e, "sha256"), sha256)) ||
	    (strip && !same_text(lock_fact(e, "strip"), strip)) ||
	    (in->path && !same_text(lock_fact(e, "path"), in->path)) ||
	    (in->build && !same_text(lock_fact(e, "build"), in->build)))
		return LOCK_STALE;
	return LOCK_OK;
}

enum lock_verdict lock_judge_toolchain(const struct lock *lock, const struct toolchain *t)
{
	const struct lock_entry *e = lock_find(&lock->toolchains, t->key);
	autobuf struct strbuf packages = STRBUF_INIT;

	if (!e)
		return LOCK_MISSING;
	for (size_t i = 0; i < t->npackages; i++)
		strbuf_printf(&packages, "%s%s", i ? " " : "", t->packages[i]);
	return same_text(lock_fact(e, "packages"), packages.ptr) ? LOCK_OK : LOCK_STALE;
}

static int findings_by_name(const void *a, const void *b)
{
	return strcmp(((const struct lock_finding *)a)->name,
		      ((const struct lock_finding *)b)->name);
}

static const struct input *wanted(const struct inputs *inputs, const char *name)
{
	for (size_t i = 0; i < inputs->n; i++)
		if (inputs->v[i].kind == INPUT_PINNED &&
		    strcmp(inputs->v[i].name, name) == 0)
			return &inputs->v[i];
	return NULL;
}

int lock_compare(const struct recipe *r, const struct lock *lock,
		 const struct recipe_options *opt, struct arena *a,
		 struct lock_finding **out, size_t *n, struct error *err)
{
	struct inputs inputs = {0};
	struct toolchain t;
	size_t cap = 0;

	*out = NULL;
	*n = 0;
	if (inputs_collect(r, a, &inputs, err) < 0 ||
	    toolchain_of(r, lock, opt->data_dir, a, &t, err) < 0)
		return -1;
	for (size_t i = 0; i < inputs.n; i++) {
		const struct input *in = &inputs.v[i];
		const struct lock_entry *e = lock_find(&lock->inputs, in->name);

		if (in->kind == INPUT_PINNED)
			ARENA_PUSH(a, *out, *n, cap) = (struct lock_finding){
				in->name, lock_judge(lock, in), in->from,
				e ? lock_fact(e, "from") : NULL, in->at};
	}
	const struct lock_entry *tools = lock_find(&lock->toolchains, t.key);
	ARENA_PUSH(a, *out, *n, cap) =
		(struct lock_finding){"toolchain", lock_judge_toolchain(lock, &t), t.key,
				      tools ? t.key : NULL, t.at};
	for (size_t i = 0; i < lock->inputs.n; i++) {
		const struct lock_entry *e = &lock->inputs.entries[i];

		if (!wanted(&inputs, e->name))
			ARENA_PUSH(a, *out, *n, cap) = (struct lock_finding){
				e->name, LOCK_UNUSED, NULL, lock_fact(e, "from"), e->at};
	}
	for (size_t i = 0; i < lock->toolchains.n; i++) {
		const struct lock_entry *e = &lock->toolchains.entries[i];

		if (strcmp(e->name, t.key) != 0)
			ARENA_PUSH(a, *out, *n, cap) = (struct lock_finding){
				e->name, LOCK_UNUSED, NULL, e->name, e->at};
	}
	qsort(*out, *n, sizeof(**out), findings_by_name);
	return 0;
}
