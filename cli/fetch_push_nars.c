// SPDX-License-Identifier: MIT
/*
 * The request cache-put-nars: objects become compressed archives in a cache. Here and not
 * in fetchers/, because it joins them with store/nar.h.
 */
#include <fcntl.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/crew.h"
#include "base/json.h"
#include "cli/fetch_push.h"
#include "store/nar.h"
#include "store/path.h"

enum {
	BUFFER_SIZE = 256 * 1024,
	/* From here on one object is worth several threads. */
	LARGE = 32 << 20,
};

struct nars {
	struct push push;
	struct pack_how how;
	unsigned processors;
	const char *scratch;
	sem_t packing; /* as many at once as there are processors */
	struct item *items;
	size_t n;
};

struct item {
	struct nars *all;
	const char *physical;
	struct sha256 want; /* of the archive, as the store knows it */
	uint64_t nar_size;

	struct packed packed;
	char *file, *name;
	bool uploaded;
	uint64_t told; /* of nar_size; the first half is packing */
};

struct packer {
	struct nar_sink sink; /* first: the sink is all that flush gets */
	struct item *item;
	struct pack *pack;
	struct sha256_ctx *hash;
};

/* To which part of its size an item has come. */
static void item_at(struct item *it, uint64_t at)
{
	if (at > it->told)
		push_advance(&it->all->push, at - it->told);
	it->told = at > it->told ? at : it->told;
}

static void item_sent(void *ctx, uint64_t bytes)
{
	struct item *it = ctx;
	double part = it->packed.size ? (double)bytes / (double)it->packed.size : 1;
	uint64_t half = it->nar_size / 2;

	item_at(it, half + (uint64_t)(part * (double)(it->nar_size - half)));
}

static int to_pack(struct nar_sink *s, struct error *err)
{
	struct packer *p = (struct packer *)s;

	if (push_stopped(&p->item->all->push))
		return error_class(err, ERROR_INTERRUPTED, "stopped");
	sha256_add(p->hash, s->buf, s->len);
	if (pack_add(p->pack, s->buf, s->len, err) < 0)
		return -1;
	item_at(p->item, s->total / 2);
	s->len = 0;
	return 0;
}

/* What a cache says of it must be true: a damaged object does not leave the store. */
static int check_nar(struct item *it, const struct sha256 *got, uint64_t size,
		     struct error *err)
{
	if (sha256_equal(got, &it->want) && size == it->nar_size)
		return 0;
	error_class(err, ERROR_INFRA, "%s is damaged", it->physical);
	return error_hint(err, "kbuild store verify --contents");
}

static int dump(struct item *it, int fd, struct error *err)
{
	autofree char *buf = xmalloc(BUFFER_SIZE);
	struct pack_how how = it->all->how;
	const struct nar_dump dump = {.dir = AT_FDCWD, .path = it->physical};

	how.threads = it->nar_size >= LARGE ? it->all->processors : 0;
	autopack struct pack *pack = pack_new(fd, &how, err);
	if (!pack)
		return -1;
	struct packer p = {.sink = {.buf = buf, .cap = BUFFER_SIZE, .flush = to_pack},
			   .item = it,
			   .pack = pack,
			   .hash = sha256_new()};
	int failed = nar_dump(&dump, &p.sink, err);
	struct sha256 nar = sha256_end(p.hash);
	if (failed || check_nar(it, &nar, p.sink.total, err) < 0)
		return -1;
	return pack_end(pack, &it->packed, err);
}

static int pack_item(struct item *it, struct error *err)
{
	char text[NIX32_SHA256_SIZE];
	const struct nars *all = it->all;
	autoclose int fd = uplink_new_file(all->push.links, all->scratch, &it->file, err);

	if (fd < 0 || dump(it, fd, err) < 0)
		return -1;
	it->name = xasprintf(
		"nar/%s.nar%s",
		nix32_encode(it->packed.hash.bytes, sizeof(it->packed.hash.bytes), text),
		pack_suffix(all->how.compression));
	return 0;
}

static int upload_item(struct item *it, struct error *err)
{
	struct push *p = &it->all->push;
	struct uplink *l = uplink_take(p->links);
	const struct uplink_file f = {
		.name = it->name,
		.type = "application/x-nix-nar",
		.file = it->file,
		.packed = it->packed,
		.sent = item_sent,
		.ctx = it,
	};
	int there = uplink_has(l, it->name, err);

	it->uploaded = there == 0;
	if (there == 0)
		there = uplink_put(l, &f, err);
	uplink_give(p->links, l);
	return there < 0 ? -1 : 0;
}

static void push_item(void *ctx, size_t i)
{
	struct nars *all = ctx;
	struct item *it = &all->items[i];
	autoerror struct error err = {0};

	if (push_stopped(&all->push))
		return;
	while (sem_wait(&all->packing) < 0)
		;
	int failed = pack_item(it, &err);
	sem_post(&all->packing);
	if (!failed)
		failed = upload_item(it, &err);
	if (it->file)
		unlink(it->file);
	if (failed)
		push_fail(&all->push, &err);
	else
		item_at(it, it->nar_size);
}

static int read_item(struct json_object *o, struct item *it, struct error *err)
{
	const char *hash = json_text(o, "nar_hash");

	it->physical = json_text(o, "physical");
	it->nar_size = json_number(o, "nar_size");
	if (!it->physical || *it->physical != '/' || !hash ||
	    sha256_parse(hash, &it->want) < 0)
		return error_make(err, "an item has no 'physical' or 'nar_hash'");
	return 0;
}

static int read_nars(struct nars *all, struct request *r, struct error *err)
{
	struct json_object *list = json_list(r->in, "items");
	cpu_set_t set;

	if (!list)
		return error_make(err, "the request has no 'items'");
	all->scratch = request_path(r, "scratch", err);
	all->how.compression = request_need(r, "compression", err);
	if (!all->scratch || !all->how.compression)
		return -1;
	all->how.level = (long)json_number(r->in, "level");
	all->processors = sched_getaffinity(0, sizeof(set), &set) == 0
				  ? (unsigned)CPU_COUNT(&set)
				  : 1;
	all->n = json_object_array_length(list);
	all->items = arena_array(&r->arena, all->n, struct item);
	for (size_t i = 0; i < all->n; i++) {
		all->items[i].all = all;
		if (read_item(json_object_array_get_idx(list, i), &all->items[i], err) <
		    0)
			return -1;
		all->push.total += all->items[i].nar_size;
	}
	return 0;
}

static void tell_items(const struct nars *all, struct json_object *list)
{
	char hex[SHA256_HEX_SIZE];

	for (size_t i = 0; i < all->n; i++) {
		const struct item *it = &all->items[i];
		struct json_object *o = json_object_new_object();

		json_add(o, "url", it->name);
		json_add(o, "file_hash", sha256_hex(&it->packed.hash, hex));
		json_add_number(o, "file_size", it->packed.size);
		json_object_object_add(o, "uploaded",
				       json_object_new_boolean(it->uploaded));
		json_object_array_add(list, o);
	}
}

int do_cache_put_nars(struct request *r, struct error *err)
{
	struct nars all = {0};
	int failed = push_begin(&all.push, r, err);

	if (!failed)
		failed = read_nars(&all, r, err);
	if (!failed) {
		sem_init(&all.packing, 0, all.processors);
		crew_run_wide(all.push.parallel, all.n, push_item, &all);
		sem_destroy(&all.packing);
	}
	failed = push_end(&all.push, failed, err);
	if (!failed)
		tell_items(&all, json_add_list(r->result, "items"));
	for (size_t i = 0; i < all.n; i++) {
		free(all.items[i].file);
		free(all.items[i].name);
	}
	return failed;
}
