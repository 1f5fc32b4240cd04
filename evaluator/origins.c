// SPDX-License-Identifier: MIT
/* Store paths of what is no build's output, and how to get it: the side table. */
#include <string.h>

#include "base/alloc.h"
#include "evaluator/planner.h"
#include "fetchers/treecache.h"
#include "store/path.h"

struct origin *planner_origin(struct planner *p, const char *path, const char *name)
{
	if (map_set(&p->origins, path, p))
		return NULL;
	struct origin *o = &ARENA_PUSH(p->a, p->o, p->no, p->ocap);
	*o = (struct origin){.path = path, .name = name};
	return o;
}

static const char *join(struct planner *p, const struct node *list, const char *more)
{
	autobuf struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; list && i < list->n; i++)
		strbuf_printf(&out, "%s%s", out.len ? "\n" : "",
			      list->members[i].value->text);
	if (more)
		strbuf_printf(&out, "%s%s", out.len ? "\n" : "", more);
	return out.len ? arena_strndup(p->a, out.ptr, out.len) : NULL;
}

const char *planner_tree(struct planner *p, const struct local *l)
{
	struct tree_request req = {
		.physical = l->physical,
		.include = join(p, node_get(l->node, "include"), NULL),
		.exclude = join(p, node_get(l->node, "exclude"), l->exclude),
		.cache_dir = p->opt->cache_dir,
		.fetch = p->opt->fetch,
	};
	struct tree_answer answer;
	autofree char *key =
		xasprintf("%s\n%s\n%s\n%s", l->physical, l->name,
			  req.include ? req.include : "", req.exclude ? req.exclude : "");
	const char *path = map_get(&p->local, key);

	if (path)
		return path;
	if (tree_hash(&req, &answer, p->err) < 0) {
		error_wrap(p->err, "while hashing %s", l->physical);
		if (l->at.src)
			error_place(p->err, l->at);
		return NULL;
	}
	path = path_source(p->a, &answer.nar, NULL, 0, path_name_clean(p->a, l->name));
	map_set(&p->local, key, (void *)path);
	struct origin *o = planner_origin(p, path, l->shown ? l->shown : l->name);
	if (o) {
		o->kind = ORIGIN_TREE;
		o->physical = arena_strdup(p->a, l->physical);
		o->include = req.include;
		o->exclude = req.exclude;
		o->at = l->at;
	}
	return path;
}

/* One string of a NAR: its length, its bytes, zeros up to eight. */
static void nar_string(struct strbuf *out, const char *s, size_t n)
{
	uint64_t len = htole64(n);
	static const char zeros[8];

	strbuf_add(out, &len, sizeof(len));
	strbuf_add(out, s, n);
	strbuf_add(out, zeros, (8 - n % 8) % 8);
}

const char *planner_text(struct planner *p, const char *text, const char *name,
			 struct span at)
{
	static const char *const head[] = {"nix-archive-1", "(", "type", "regular",
					   "contents"};
	autobuf struct strbuf nar = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		nar_string(&nar, head[i], strlen(head[i]));
	nar_string(&nar, text, strlen(text));
	nar_string(&nar, ")", 1);
	struct sha256 hash = sha256_of(nar.ptr, nar.len);
	const char *path = path_source(p->a, &hash, NULL, 0, path_name_clean(p->a, name));
	struct origin *o = planner_origin(p, path, name);
	if (o) {
		o->kind = ORIGIN_TEXT;
		o->text = text;
		o->text_len = strlen(text);
		o->at = at;
	}
	return path;
}

/* What the lock says; the origin hands it to kbuild-fetch as it is. */
const char *planner_pinned(struct planner *p, const struct input *in)
{
	enum lock_verdict verdict = lock_judge(p->lock, in);
	const struct lock_entry *e = lock_find(&p->lock->inputs, in->name);
	struct sha256 nar;

	if (verdict != LOCK_OK) {
		error_at(p->err, in->at, "%s is %s", in->name,
			 verdict == LOCK_MISSING ? "not in the lock"
						 : "locked as something else");
		error_hint(p->err, "run `kbuild lock %s`", p->r->path);
		for (struct error *x = p->err; x; x = x->next)
			if (!x->next)
				x->class = ERROR_LOCK;
		return NULL;
	}
	if (hash_parse(lock_fact(e, "nar"), &nar) < 0)
		BUG("lock_read lets a bad hash pass");
	const char *name = lock_fact(e, "name");
	const char *path = path_source(p->a, &nar, NULL, 0,
				       path_name_clean(p->a, name ? name : "source"));
	struct origin *o = planner_origin(p, path, in->name);
	if (o) {
		o->kind = ORIGIN_PIN;
		o->at = in->at;
		o->pin = arena_array(p->a, e->nfacts + 1, struct origin_fact);
		memcpy(o->pin, e->facts, e->nfacts * sizeof(*e->facts));
		o->npin = e->nfacts;
		if (in->physical)
			o->pin[o->npin++] = (struct origin_fact){
				"base_dir", recipe_dir_of(p->r, in->at)};
	}
	return path;
}

const char *planner_input(struct planner *p, const char *name)
{
	const struct input *in = map_get(&p->by_name, name);

	if (!in)
		BUG("no input is called %s", name);
	if (in->kind == INPUT_PINNED)
		return planner_pinned(p, in);
	const char *slash = strrchr(in->physical, '/');
	const struct local local = {
		.physical = in->physical,
		.name = in->is_dir ? "source" : slash + 1,
		.shown = in->name,
		.node = in->node,
		.at = in->at,
	};
	return planner_tree(p, &local);
}
