// SPDX-License-Identifier: MIT
#include "store/export.h"

#include "base/alloc.h"
#include "base/map.h"
#include "store/internal.h"
#include "store/path.h"
#include "store/wire.h"

/* --- order ------------------------------------------------------------------------ */

struct order {
	struct store *st;
	struct map wanted;
	struct map open; /* being looked at, or done */
	struct argv stack, out;
};

/* Pushes the references of the top that are not looked at yet; 1 if there are some. */
static int push_references(struct order *o, const char *path, struct error *err)
{
	autoargv struct argv refs = {0};
	int pushed = 0;

	if (db_list(o->st->db, DB_REFS, path, &refs, err) < 0)
		return -1;
	for (size_t i = 0; i < refs.n; i++) {
		if (!map_get(&o->wanted, refs.v[i]) || map_get(&o->open, refs.v[i]))
			continue;
		argv_push(&o->stack, refs.v[i]);
		pushed = 1;
	}
	return pushed;
}

/* Depth first, without recursion: a chain may be long. */
static int add_in_order(struct order *o, const char *path, struct error *err)
{
	argv_push(&o->stack, path);
	while (o->stack.n) {
		autofree char *top = xstrdup(o->stack.v[o->stack.n - 1]);
		bool first = !map_get(&o->open, top);
		int pushed;

		map_set(&o->open, top, o);
		pushed = first ? push_references(o, top, err) : 0;
		if (pushed < 0)
			return -1;
		if (pushed)
			continue;
		free(o->stack.v[--o->stack.n]);
		o->stack.v[o->stack.n] = NULL;
		if (map_get(&o->wanted, top)) {
			argv_push(&o->out, top);
			map_set(&o->wanted, top, NULL);
		}
	}
	return 0;
}

/* Dependencies first, each once. */
static int sort_paths(struct store *st, const char *const *paths, size_t n,
		      struct argv *out, struct error *err)
{
	struct order o = {.st = st};
	int failed = 0;

	for (size_t i = 0; i < n; i++)
		map_set(&o.wanted, paths[i], &o);
	for (size_t i = 0; i < n && failed == 0; i++)
		if (map_get(&o.wanted, paths[i]))
			failed = add_in_order(&o, paths[i], err);
	map_finish(&o.wanted);
	map_finish(&o.open);
	argv_finish(&o.stack);
	*out = o.out;
	return failed;
}

/* --- writing ---------------------------------------------------------------------- */

/* Hashes what goes by. */
struct tee {
	struct nar_sink sink; /* first: the sink is this */
	struct nar_sink *to;
	struct sha256_ctx *hash;
	char buf[NAR_SINK_MIN * 4];
};

static int tee_flush(struct nar_sink *s, struct error *err)
{
	struct tee *t = (struct tee *)s;

	sha256_add(t->hash, s->buf, s->len);
	if (wire_put(t->to, s->buf, s->len, err) < 0)
		return -1;
	s->len = 0;
	return 0;
}

static int write_tree(struct store *st, const struct path_info *info,
		      struct nar_sink *sink, struct error *err)
{
	const struct nar_dump dump = {.dir = st->dirfd, .path = path_base(info->path)};
	struct tee t = {.sink = {.cap = sizeof(t.buf), .flush = tee_flush}, .to = sink};

	t.sink.buf = t.buf;
	t.hash = sha256_new();
	int failed = nar_dump(&dump, &t.sink, err);
	struct sha256 nar = sha256_end(t.hash);
	if (failed)
		return -1;
	if (sha256_equal(&nar, &info->nar) && t.sink.total == info->nar_size)
		return 0;
	error_class(err, ERROR_INFRA, "the contents of %s were modified", info->path);
	return error_hint(err, "kbuild store verify --contents --repair");
}

static int write_facts(const struct path_info *info, struct nar_sink *sink,
		       struct error *err)
{
	if (wire_put_number(sink, EXPORT_MAGIC, err) < 0 ||
	    wire_put_text(sink, info->path, err) < 0 ||
	    wire_put_number(sink, info->nrefs, err) < 0)
		return -1;
	for (size_t i = 0; i < info->nrefs; i++)
		if (wire_put_text(sink, info->refs[i], err) < 0)
			return -1;
	if (wire_put_text(sink, info->deriver ? info->deriver : "", err) < 0)
		return -1;
	return wire_put_number(sink, 0, err); /* no signature of old times */
}

static int write_object(struct store *st, const char *path, struct nar_sink *sink,
			struct error *err)
{
	struct arena a = {0};
	struct path_info info;
	int found = store_info(st, path, &a, &info, err);

	if (found == 0)
		found = error_make(err, "%s is not valid", path);
	int failed = found < 0 || wire_put_number(sink, 1, err) < 0 ||
		     write_tree(st, &info, sink, err) < 0 ||
		     write_facts(&info, sink, err) < 0;
	arena_finish(&a);
	return failed ? error_wrap(err, "cannot export %s", path) : 0;
}

int store_export(struct store *st, const char *const *paths, size_t n,
		 struct nar_sink *sink, struct error *err)
{
	autoargv struct argv sorted = {0};

	if (sort_paths(st, paths, n, &sorted, err) < 0)
		return -1;
	for (size_t i = 0; i < sorted.n; i++)
		if (write_object(st, sorted.v[i], sink, err) < 0)
			return -1;
	return wire_put_number(sink, 0, err) < 0 ? -1 : wire_flush(sink, err);
}
