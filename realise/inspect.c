// SPDX-License-Identifier: MIT
/*
 * An output that was built again beside the one in the store, told as JSON:
 *
 *	{"name": "out", "path": "/nix/store/...", "size": 1234, "same": false,
 *	 "nar": SRI, "first_nar": SRI, "total": 3, "kept": PATH, "diffoscope": TEXT,
 *	 "differences": [
 *		{"path": "config", "kind": "bytes", "offset": 17, "line": 2,
 *		 "section": ".text", "inside": "xz", "member": "etc/x",
 *		 "first": TEXT, "again": TEXT,
 *		 "causes": [{"name": "host name", "detail": TEXT, "hint": TEXT}]}]}
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "realise/causes.h"
#include "realise/closer.h"
#include "realise/compare.h"
#include "module/elf.h"
#include "realise/message.h"
#include "realise/worker.h"
#include "store/digest.h"
#include "store/path.h"

struct inspection {
	struct worker *w;
	const char *first, *again; /* physical */
	struct run_facts facts[2];
	struct str config;
	struct differences d;
	struct json_object *list;
};

static const char *const kinds[] = {
	[DIFF_REMOVED] = "removed", [DIFF_ADDED] = "added",        [DIFF_TYPE] = "type",
	[DIFF_MODE] = "mode",       [DIFF_TARGET] = "link target", [DIFF_BYTES] = "bytes",
};

/* --- what is known of both ---------------------------------------------------------- */

static long processors(bool shim)
{
	cpu_set_t set;
	long n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return shim && n > 1 ? n - 1 : n;
}

static void gather_facts(struct inspection *in, const struct path_info *info)
{
	const struct varied *varied = &in->w->varied;
	const struct variation *v = varied->v;

	in->facts[0] = (struct run_facts){
		.begin = info->registered,
		.end = info->registered,
		.host = "localhost",
		.user = "kbuild",
		.uid = 1000,
		.umask = 022,
		.processors = processors(false),
	};
	in->facts[1] = in->facts[0];
	in->facts[1].begin = varied->begin;
	in->facts[1].end = time(NULL);
	in->facts[1].jobs = in->w->js->jobs;
	if (!v)
		return;
	in->facts[1].host = v->hostname;
	in->facts[1].user = v->user;
	in->facts[1].uid = v->uid;
	in->facts[1].umask = v->umask;
	in->facts[1].pids = v->pids;
	in->facts[1].order = v->order;
	in->facts[1].shim = varied->shim;
	in->facts[1].ahead = varied->shim ? v->ahead_s : 0;
	in->facts[1].processors = processors(varied->shim);
}

/* The .config that a kernel's step is given; it names some causes. */
static void read_config(struct inspection *in, struct strbuf *text)
{
	const char *config = drv_get(&in->w->node->closed, "in_config");
	autoerror struct error ignored = {0};

	if (!config)
		return;
	autofree char *dir = store_physical(in->w->st, config);
	autofree char *file = path_join(dir, "config");
	if (dir_read(AT_FDCWD, file, text, &ignored) == 0)
		in->config = (struct str){text->ptr, text->len};
}

static struct evidence evidence_for(const struct inspection *in, const char *path)
{
	return (struct evidence){
		.path = path,
		.first = &in->facts[0],
		.again = &in->facts[1],
		.config = in->config,
	};
}

/* --- a short look ------------------------------------------------------------------- */

/* Text as people read it: ASCII, or UTF-8 as far as its bytes look like it. */
static bool is_readable(struct str s)
{
	size_t more = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (more ? (c & 0xc0) != 0x80
			 : c >= 0xf5 || (c >= 0x7f && c < 0xc2) || (c < ' ' && c != '\t'))
			return false;
		more = more ? more - 1 : c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc2;
	}
	return !more;
}

static char *in_hex(struct str word)
{
	enum { BYTES = 16 };
	autobuf struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < word.len && i < BYTES; i++)
		strbuf_printf(&b, "%s%02x", i ? " " : "", (unsigned char)word.ptr[i]);
	return strbuf_take(&b);
}

/* The word with some of what stands around it. */
static char *in_words(struct str word, struct str near)
{
	enum { BEFORE = 40, MOST = 120 };
	size_t from = word.len ? (size_t)(word.ptr - near.ptr) : 0;

	from = from > BEFORE ? from - BEFORE : 0;
	size_t n = near.len - from < MOST ? near.len - from : MOST;
	return xasprintf("%s%.*s%s", from ? "..." : "", (int)n, near.ptr + from,
			 from + n < near.len ? "..." : "");
}

static void add_look(const struct evidence *e, struct json_object *one)
{
	/* A build id differs because something else does. */
	const struct spot *s = NULL;
	for (size_t i = 0; i < e->nspots && (!s || elf_in_build_id(e->a, s->a)); i++)
		s = &e->spots[i];
	if (e->archive.member.len) {
		autofree char *member =
			xstrndup(e->archive.member.ptr, e->archive.member.len);
		json_add(one, "member", member);
	}
	if (e->unpacked)
		json_add(one, "inside", e->packed);
	if (!s)
		return;
	bool words = is_readable(s->near_a) && is_readable(s->near_b) &&
		     (s->near_a.len || s->near_b.len);
	autofree char *first = words ? in_words(s->a, s->near_a) : in_hex(s->a);
	autofree char *again = words ? in_words(s->b, s->near_b) : in_hex(s->b);
	json_add(one, "first", first);
	json_add(one, "again", again);
	if (e->text && s->a.len)
		json_add_number(one, "line", evidence_line(e, s));
	size_t at = s->a.ptr >= e->a.ptr && s->a.ptr < e->a.ptr + e->a.len
			    ? (size_t)(s->a.ptr - e->a.ptr)
			    : 0;
	struct str section = elf_section_at(e->a, at);
	autofree char *name = xstrndup(section.ptr, section.len);
	if (*name)
		json_add(one, "section", name);
}

/* --- causes ------------------------------------------------------------------------- */

static struct json_object *add_difference(struct inspection *in,
					  const struct difference *d)
{
	struct json_object *one = json_object_new_object();

	json_object_array_add(in->list, one);
	json_add(one, "path", d->path);
	json_add(one, "kind", kinds[d->kind]);
	json_add(one, "first", d->first);
	json_add(one, "again", d->again);
	return one;
}

static void add_cause(struct json_object *list, const struct cause *c, const char *detail)
{
	struct json_object *one = json_object_new_object();

	json_object_array_add(list, one);
	json_add(one, "name", c->name);
	json_add(one, "detail", detail);
	json_add(one, "hint", c->hint);
}

static void add_causes(struct inspection *in, struct evidence *e, struct json_object *one)
{
	struct found_cause found[CAUSES_MAX];
	size_t n = causes_find(e, in->w->graph->arena, found);
	struct json_object *list = json_add_list(one, "causes");

	for (size_t i = 0; i < n; i++)
		add_cause(list, found[i].cause, found[i].detail);
}

static int look_into_file(struct inspection *in, const struct difference *d,
			  struct json_object *one, struct error *err)
{
	autofree char *first =
		*d->path ? path_join(in->first, d->path) : xstrdup(in->first);
	autofree char *again =
		*d->path ? path_join(in->again, d->path) : xstrdup(in->again);
	struct evidence e = evidence_for(in, d->path);

	json_add_number(one, "offset", d->offset);
	if (evidence_open(&e, first, again, err) < 0)
		return -1;
	add_look(&e, one);
	add_causes(in, &e, one);
	evidence_close(&e);
	return 0;
}

static void look_into_texts(struct inspection *in, const char *path, const char *first,
			    const char *again, struct json_object *one)
{
	struct evidence e = evidence_for(in, path);

	evidence_of_texts(&e, first, again);
	add_causes(in, &e, one);
	evidence_close(&e);
}

static size_t parent_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

/* The name that is there instead, if as many are gone as are new in one directory. */
static const char *counterpart(const struct differences *d, size_t i)
{
	const struct difference *x = &d->v[i];
	size_t n = parent_len(x->path), rank = 0;

	for (size_t k = 0; k < i; k++)
		rank += d->v[k].kind == x->kind && parent_len(d->v[k].path) == n &&
			strncmp(d->v[k].path, x->path, n) == 0;
	for (size_t k = 0; k < d->n; k++) {
		const struct difference *y = &d->v[k];

		if ((y->kind == DIFF_ADDED || y->kind == DIFF_REMOVED) &&
		    y->kind != x->kind && parent_len(y->path) == n &&
		    strncmp(y->path, x->path, n) == 0 && rank-- == 0)
			return y->path;
	}
	return "";
}

static int look(struct inspection *in, size_t i, struct error *err)
{
	const struct difference *d = &in->d.v[i];
	struct json_object *one = add_difference(in, d);

	switch (d->kind) {
	case DIFF_BYTES:
		return look_into_file(in, d, one, err);
	case DIFF_TARGET:
		look_into_texts(in, d->path, d->first, d->again, one);
		return 0;
	case DIFF_REMOVED:
		look_into_texts(in, d->path, d->path, counterpart(&in->d, i), one);
		return 0;
	case DIFF_ADDED:
		look_into_texts(in, d->path, counterpart(&in->d, i), d->path, one);
		return 0;
	case DIFF_MODE:
		add_cause(json_add_list(one, "causes"), &cause_of_mode, NULL);
		return 0;
	case DIFF_TYPE:
		json_add_list(one, "causes");
		return 0;
	}
	return 0;
}

/* --- one output --------------------------------------------------------------------- */

/* Before anything is said about the build: the store's bytes are what it thinks? */
static int check_first(const struct inspection *in, const struct path_info *info,
		       struct error *err)
{
	autodigest struct digest *d = digest_new(NULL);
	const struct nar_dump dump = {.dir = AT_FDCWD, .path = in->first};
	uint64_t size;

	if (nar_dump(&dump, digest_sink(d), err) < 0)
		return -1;
	struct sha256 nar = digest_end(d, &size);
	if (sha256_equal(&nar, &info->nar))
		return 0;
	error_class(err, ERROR_INFRA, "%s is damaged in the store", info->path);
	return error_hint(err, "kbuild store verify --contents --repair");
}

static int keep_tree(const struct inspection *in, const char *output,
		     struct json_object *one, struct error *err)
{
	const char *dir = in->w->mode->keep_dir;

	if (!dir)
		return 0;
	autofree char *kept = xasprintf("%s/%s-%s", dir, in->w->node->step->name, output);
	if (dir_make(AT_FDCWD, dir, 0755, err) < 0 || dir_remove(AT_FDCWD, kept, err) < 0)
		return -1;
	if (rename(in->again, kept) < 0)
		return error_errno(err, "cannot keep %s", kept);
	json_add(one, "kept", kept);
	return 0;
}

static int inspect(struct inspection *in, struct json_object *one, struct error *err)
{
	struct arena *a = in->w->graph->arena;

	message_phase(in->w->messages, "compare");
	if (compare_trees(in->first, in->again, a, &in->d, err) < 0)
		return -1;
	json_add_number(one, "total", in->d.total);
	in->list = json_add_list(one, "differences");
	for (size_t i = 0; i < in->d.n; i++)
		if (look(in, i, err) < 0)
			return -1;
	closer_look(in->w->mode->diffoscope, in->w->scratch, in->first, in->again, &in->d,
		    one);
	return 0;
}

int inspect_output(struct worker *w, const struct realise_output *o, const char *again,
		   const struct sha256 *nar, struct json_object *one, struct error *err)
{
	struct arena *a = w->graph->arena;
	autobuf struct strbuf config = STRBUF_INIT;
	const char *path;
	struct path_info info;

	int found = store_realisation(w->st, o->key, a, &info, &path, err);
	if (found > 0)
		found = store_info(w->st, path, a, &info, err);
	if (found <= 0)
		return found < 0 ? -1
				 : error_class(err, ERROR_INFRA,
					       "output '%s' is not in the store any more",
					       o->name);
	bool same = sha256_equal(nar, &info.nar);
	json_add(one, "path", path);
	json_add(one, "first_nar", hash_sri(a, &info.nar));
	json_object_object_add(one, "same", json_object_new_boolean(same));
	if (same)
		return 0;
	autofree char *first = store_physical(w->st, path);
	struct inspection in = {.w = w, .first = first, .again = again};
	gather_facts(&in, &info);
	read_config(&in, &config);
	if (check_first(&in, &info, err) < 0 || inspect(&in, one, err) < 0)
		return -1;
	return keep_tree(&in, o->name, one, err);
}
