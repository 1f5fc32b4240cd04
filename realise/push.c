// SPDX-License-Identifier: MIT
#include "realise/push.h"

#include <fcntl.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "base/map.h"
#include "fetchers/cacheurl.h"
#include "realise/buildlog.h"
#include "realise/push_plan.h"
#include "store/path.h"

enum {
	PARALLEL = 8,
	/* A push that is killed loses at most the work on so much. */
	BATCH_OBJECTS = 256,
	BATCH_BYTES = 512 << 20,
};

static const char cache_info[] =
	"StoreDir: " STORE_DIR "\nWantMassQuery: 1\nPriority: 40\n";

struct run {
	const struct push *p;
	struct push_report *out;
	struct arena a;
	struct push_plan plan;
	struct fetch_client fetch;
	struct cache_url cache;
	char *scratch;
	int lock;
	struct map logs; /* derivers whose log is in the cache by now */
	uint64_t base;   /* bytes of the batches before this one */
};

/* --- requests --------------------------------------------------------------------- */

static void tell_progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	const struct run *r = ctx;

	(void)total;
	r->p->fetch->progress(r->p->fetch->ctx, what, r->base + done, r->plan.bytes);
}

static struct json_object *request_of(const struct run *r, const char *what)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "do", what);
	json_add(o, "cache", r->p->cache);
	json_add_number(o, "parallel",
			r->p->parallel > 0 ? (uint64_t)r->p->parallel : PARALLEL);
	return o;
}

/* Runs and frees the request. */
static int call(struct run *r, struct json_object *request, struct json_object **result,
		struct error *err)
{
	int rc = fetch_call(&r->fetch, request, result, err);

	json_object_put(request);
	return rc;
}

static struct json_object *add_file(struct json_object *files, const char *name,
				    const char *type, size_t group)
{
	struct json_object *o = json_object_new_object();

	json_add(o, "name", name);
	json_add(o, "type", type);
	json_add_number(o, "group", group);
	json_object_array_add(files, o);
	return o;
}

static int put_files(struct run *r, struct json_object *request, struct error *err)
{
	struct json_object *result = NULL;
	int rc = call(r, request, &result, err);

	json_object_put(result);
	return rc;
}

/* A cache for another store directory holds nothing that fits. */
static int open_cache(struct run *r, struct error *err)
{
	struct json_object *result = NULL;

	if (r->cache.dir && dir_make(AT_FDCWD, r->cache.dir, 0755, err) < 0)
		return -1;
	if (call(r, request_of(r, "cache-info"), &result, err) < 0)
		return -1;
	const char *dir = json_text(result, "store_dir");
	bool ours = dir && strcmp(dir, STORE_DIR) == 0;
	if (!ours)
		error_class(err, ERROR_RECIPE, "expected a cache of %s, %s is one of %s",
			    STORE_DIR, r->cache.shown, dir ? dir : "nothing");
	json_object_put(result);
	return ours ? 0 : -1;
}

/* A new cache says whose it is; and who may not write here is told before the work. */
static int introduce(struct run *r, struct error *err)
{
	struct json_object *request = request_of(r, "cache-put-files");
	struct json_object *file = add_file(json_add_list(request, "files"),
					    "nix-cache-info", "text/x-nix-cache-info", 0);

	json_add(file, "text", cache_info);
	json_add_number(file, "if_absent", 1);
	return put_files(r, request, err);
}

/* --- one batch -------------------------------------------------------------------- */

struct batch {
	struct push_object **v;
	size_t n, cap;
	uint64_t bytes;
};

static int take_answer(struct run *r, struct push_object *o, struct json_object *answer,
		       struct error *err)
{
	const char *url = json_text(answer, "url"),
		   *hash = json_text(answer, "file_hash");
	struct json_object *uploaded;

	if (!url || !hash || sha256_parse(hash, &o->n.file_hash) < 0)
		return error_make(err, "kbuild-fetch said nothing of %s", o->n.info.path);
	o->n.url = arena_strdup(&r->a, url);
	o->n.compression = r->p->compression;
	o->n.has_file_hash = true;
	o->n.file_size = json_number(answer, "file_size");
	if (json_object_object_get_ex(answer, "uploaded", &uploaded) &&
	    json_object_get_boolean(uploaded))
		r->out->bytes += o->n.file_size;
	return 0;
}

static int put_nars(struct run *r, const struct batch *b, struct error *err)
{
	struct json_object *request = request_of(r, "cache-put-nars"), *result = NULL;
	struct json_object *items = json_add_list(request, "items");

	json_add(request, "scratch", r->scratch);
	json_add(request, "compression", r->p->compression);
	json_add_number(request, "level", (uint64_t)r->p->level);
	for (size_t i = 0; i < b->n; i++) {
		const struct path_info *info = &b->v[i]->n.info;
		autofree char *physical = store_physical(r->p->st, info->path);
		struct json_object *item = json_object_new_object();
		char hex[SHA256_HEX_SIZE];

		json_add(item, "physical", physical);
		json_add(item, "nar_hash", sha256_hex(&info->nar, hex));
		json_add_number(item, "nar_size", info->nar_size);
		json_object_array_add(items, item);
	}
	int rc = call(r, request, &result, err);
	struct json_object *answers = rc < 0 ? NULL : json_list(result, "items");
	if (rc == 0 && json_object_array_length(answers) != b->n)
		rc = error_make(err, "kbuild-fetch did not push everything");
	for (size_t i = 0; i < b->n && rc == 0; i++)
		rc = take_answer(r, b->v[i], json_object_array_get_idx(answers, i), err);
	json_object_put(result);
	return rc;
}

/* The log of what made an object, as plain text; absent is fine. */
static int add_log(struct run *r, const char *drv, struct json_object *files,
		   struct error *err)
{
	autofree char *log = store_log_path(r->p->st, drv);

	if (map_find(&r->logs, drv) || access(log, R_OK) < 0)
		return 0;
	autofree char *file = xasprintf("%s/log-%zu", r->scratch, r->logs.n);
	autoclose int fd =
		open(file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_errno(err, "cannot create %s", file);
	if (buildlog_print(log, fd, err) < 0)
		return -1;
	map_set(&r->logs, drv, r);
	struct json_object *o = add_file(
		files, arena_printf(&r->a, "log/%s", path_base(drv)), "text/plain", 0);
	json_add(o, "file", file);
	json_add_number(o, "if_absent", 1);
	return 0;
}

static void add_narinfo(struct run *r, const struct push_object *o,
			struct json_object *files, size_t group)
{
	autobuf struct strbuf text = STRBUF_INIT;

	narinfo_write(&o->n, &text);
	json_add(add_file(files,
			  arena_printf(&r->a, "%.*s.narinfo", PATH_DIGEST_LEN,
				       path_base(o->n.info.path)),
			  "text/x-nix-narinfo", group),
		 "text", text.ptr);
}

static int push_batch(struct run *r, struct batch *b, struct error *err)
{
	if (!b->n)
		return 0;
	if (put_nars(r, b, err) < 0)
		return -1;
	struct json_object *request = request_of(r, "cache-put-files");
	struct json_object *files = json_add_list(request, "files");
	int rc = 0;
	for (size_t i = 0; i < b->n && rc == 0; i++)
		if (b->v[i]->n.info.deriver)
			rc = add_log(r, b->v[i]->n.info.deriver, files, err);
	for (size_t i = 0; i < b->n && rc == 0; i++)
		add_narinfo(r, b->v[i], files, b->v[i]->level + 1);
	if (rc == 0)
		rc = put_files(r, request, err);
	else
		json_object_put(request);
	for (size_t i = 0; i < b->n && rc == 0; i++)
		argv_push(&r->out->pushed_paths, b->v[i]->n.info.path);
	r->base += b->bytes;
	b->n = 0;
	b->bytes = 0;
	return rc;
}

/* --- all of them ------------------------------------------------------------------ */

static int push_objects(struct run *r, struct error *err)
{
	struct batch b = {0};

	if (r->plan.bytes && introduce(r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->plan.n; i++) {
		struct push_object *o = &r->plan.v[i];

		if (o->fate != PUSH_SEND)
			continue;
		if ((b.n >= BATCH_OBJECTS || b.bytes >= BATCH_BYTES) &&
		    push_batch(r, &b, err) < 0)
			return -1;
		ARENA_PUSH(&r->a, b.v, b.n, b.cap) = o;
		b.bytes += o->n.info.nar_size;
	}
	return push_batch(r, &b, err);
}

static int push_signatures(struct run *r, struct error *err)
{
	struct json_object *request = request_of(r, "cache-put-files");
	struct json_object *files = json_add_list(request, "files");

	for (size_t i = 0; i < r->plan.n; i++)
		if (r->plan.v[i].fate == PUSH_SIGN)
			add_narinfo(r, &r->plan.v[i], files, 0);
	if (json_object_array_length(files))
		return put_files(r, request, err);
	json_object_put(request);
	return 0;
}

static void report(struct run *r)
{
	struct push_report *out = r->out;

	out->pushed = out->pushed_paths.n;
	for (size_t i = 0; i < r->plan.n; i++) {
		const struct push_object *o = &r->plan.v[i];

		out->had += o->fate == PUSH_HAD || o->fate == PUSH_SIGN;
		out->resigned += o->fate == PUSH_SIGN;
		if (o->fate == PUSH_LEFT_OUT)
			argv_push(&out->left_out, o->n.info.path);
		if (o->fate == PUSH_OTHER)
			argv_push(&out->other, o->n.info.path);
	}
}

static void clear_scratch(struct run *r)
{
	autoerror struct error ignored = {0};

	if (r->scratch)
		dir_remove(AT_FDCWD, r->scratch, &ignored);
	if (r->lock >= 0)
		close(r->lock);
	free(r->scratch);
}

int push_run(const struct push *p, const char *const *paths, size_t n,
	     struct push_report *out, struct error *err)
{
	struct run r = {.p = p, .out = out, .lock = -1, .fetch = *p->fetch};

	*out = (struct push_report){0};
	if (cache_url_parse(p->cache, &r.cache, err) < 0) {
		cache_url_finish(&r.cache);
		return -1;
	}
	if (p->fetch->progress) {
		r.fetch.progress = tell_progress;
		r.fetch.ctx = &r;
	}
	int rc = open_cache(&r, err);
	if (rc == 0)
		rc = push_plan_make(&r.plan, p, paths, n, &r.a, err);
	/* Compressed files go there for as long as they are on their way. */
	store_clear_scratch(store_scratch_dir(p->st));
	if (rc == 0)
		rc = store_make_scratch(store_scratch_dir(p->st), "push", &r.scratch,
					&r.lock, err);
	if (rc == 0)
		rc = push_objects(&r, err);
	if (rc == 0)
		rc = push_signatures(&r, err);
	if (rc == 0)
		report(&r);
	clear_scratch(&r);
	map_finish(&r.logs);
	arena_finish(&r.a);
	cache_url_finish(&r.cache);
	return rc;
}

void push_report_finish(struct push_report *r)
{
	argv_finish(&r->pushed_paths);
	argv_finish(&r->left_out);
	argv_finish(&r->other);
}
