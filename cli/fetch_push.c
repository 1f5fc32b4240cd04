// SPDX-License-Identifier: MIT
/* Filling a binary cache: what its requests share, and cache-put-files. */
#include "cli/fetch_push.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/crew.h"
#include "base/json.h"

enum { PARALLEL_MAX = 32 };

void push_fail(struct push *p, struct error *err)
{
	pthread_mutex_lock(&p->lock);
	if (!error_is_set(&p->error))
		error_join(&p->error, err);
	pthread_mutex_unlock(&p->lock);
	error_finish(err);
	atomic_store(&p->stop, true);
}

bool push_stopped(struct push *p)
{
	return atomic_load(&p->stop);
}

void push_advance(struct push *p, uint64_t bytes)
{
	pthread_mutex_lock(&p->lock);
	p->done += bytes;
	progress_say(p->progress, p->cache.shown, p->done, p->total);
	pthread_mutex_unlock(&p->lock);
}

int push_begin(struct push *p, struct request *r, struct error *err)
{
	uint64_t parallel = json_number(r->in, "parallel");

	*p = (struct push){.progress = &r->host->progress};
	p->parallel = parallel < 1              ? 1
		      : parallel > PARALLEL_MAX ? PARALLEL_MAX
						: (unsigned)parallel;
	pthread_mutex_init(&p->lock, NULL);
	if (request_cache(r->in, &p->cache, err) < 0)
		return -1;
	p->links = uplink_set_new(&p->cache, (unsigned)json_number(r->in, "timeout"),
				  &p->stop);
	return 0;
}

int push_end(struct push *p, int failed, struct error *err)
{
	if (error_is_set(&p->error)) {
		error_join(err, &p->error);
		failed = error_wrap(err, "cannot push to %s", p->cache.shown);
	}
	error_finish(&p->error);
	if (p->links)
		uplink_set_free(p->links);
	cache_url_finish(&p->cache);
	pthread_mutex_destroy(&p->lock);
	return failed;
}

/* --- cache-put-files -------------------------------------------------------------- */

struct texts {
	struct push push;
	struct text {
		struct uplink_file file;
		bool if_absent, uploaded;
		uint64_t group;
	} * items;
	size_t n, first; /* the group that is being sent begins here */
};

static int put_text(struct uplink *l, struct text *t, struct error *err)
{
	int there = t->if_absent ? uplink_has(l, t->file.name, err) : 0;

	t->uploaded = there == 0;
	return there ? there : uplink_put(l, &t->file, err);
}

static void push_text(void *ctx, size_t i)
{
	struct texts *all = ctx;
	struct text *t = &all->items[all->first + i];
	autoerror struct error err = {0};

	if (push_stopped(&all->push))
		return;
	struct uplink *l = uplink_take(all->push.links);
	if (put_text(l, t, &err) < 0)
		push_fail(&all->push, &err);
	uplink_give(all->push.links, l);
}

static bool name_ok(const char *name)
{
	return name && *name && *name != '/' && *name != '.' && !strstr(name, "/.") &&
	       !strpbrk(name, "?#%\\");
}

static int read_text(struct json_object *o, struct text *t, struct error *err)
{
	const char *text = json_text(o, "text");

	*t = (struct text){
		.file = {.name = json_text(o, "name"),
			 .type = json_text(o, "type"),
			 .file = json_text(o, "file"),
			 .text = str_of(text ? text : "")},
		.if_absent = json_number(o, "if_absent") != 0,
		.group = json_number(o, "group"),
	};
	if (!name_ok(t->file.name) || !t->file.type || !text == !t->file.file)
		return error_make(err, "a file has no 'name', 'type', 'text' or 'file'");
	return text ? 0 : packed_of(t->file.file, &t->file.packed, err);
}

static int read_texts(struct texts *all, struct request *r, struct error *err)
{
	struct json_object *list = json_list(r->in, "files");

	if (!list)
		return error_make(err, "the request has no 'files'");
	all->n = json_object_array_length(list);
	all->items = arena_array(&r->arena, all->n, struct text);
	for (size_t i = 0; i < all->n; i++)
		if (read_text(json_object_array_get_idx(list, i), &all->items[i], err) <
		    0)
			return -1;
	return 0;
}

/*
 * What these texts speak of must be on disk before they are: a directory that lost a NAR
 * in a power cut would go on promising it.
 */
static void settle(const struct push *p)
{
	if (p->cache.kind != CACHE_DIR)
		return;
	autoclose int fd = open(p->cache.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		syncfs(fd);
}

static void push_texts(struct texts *all)
{
	for (size_t end; all->first < all->n && !push_stopped(&all->push);
	     all->first = end) {
		uint64_t group = all->items[all->first].group;

		for (end = all->first; end < all->n && all->items[end].group == group;)
			end++;
		crew_run_wide(all->push.parallel, end - all->first, push_text, all);
	}
}

int do_cache_put_files(struct request *r, struct error *err)
{
	struct texts all = {0};
	int failed = push_begin(&all.push, r, err);
	uint64_t uploaded = 0;

	if (!failed)
		failed = read_texts(&all, r, err);
	if (!failed) {
		settle(&all.push);
		push_texts(&all);
	}
	failed = push_end(&all.push, failed, err);
	for (size_t i = 0; i < all.n; i++)
		uploaded += all.items[i].uploaded;
	if (!failed)
		result_number(r, "uploaded", uploaded);
	return failed;
}
