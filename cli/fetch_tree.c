// SPDX-License-Identifier: MIT
/*
 * The request tree-hash: which files, their NAR hash, and the stat cache that saves doing
 * it again. Here and not in fetchers/, because it joins them with store/nar.h.
 */
#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/sha256.h"
#include "cli/fetch_request.h"
#include "fetchers/walk.h"
#include "store/nar.h"

enum { TRIES = 4, BUF = 256 * 1024 };

struct hashing {
	struct nar_sink sink; /* first: the sink is all that flush gets */
	struct sha256_ctx *digest;
};

static int to_digest(struct nar_sink *sink, struct error *err)
{
	struct hashing *h = (struct hashing *)sink;

	(void)err;
	sha256_add(h->digest, sink->buf, sink->len);
	sink->len = 0;
	return 0;
}

static bool no_member(void *ctx, const char *path, bool is_dir)
{
	(void)is_dir;
	return !map_find(&((struct walk *)ctx)->members, path);
}

static int hash_members(struct walk *w, struct treefile_head *head, struct error *err)
{
	autofree char *buf = xmalloc(BUF);
	struct hashing h = {
		.sink = {.buf = buf, .cap = BUF, .flush = to_digest},
		.digest = sha256_new(),
	};
	struct nar_dump dump = {
		.dir = AT_FDCWD, .path = w->physical, .skip = no_member, .skip_ctx = w};
	int failed = nar_dump(&dump, &h.sink, err);
	struct sha256 digest = sha256_end(h.digest);

	memcpy(head->nar, digest.bytes, sizeof(head->nar));
	head->nar_size = h.sink.total;
	return failed;
}

static int write_cache(const struct walk *w, struct treefile_head *head, const char *path,
		       struct error *err)
{
	autobuf struct strbuf b = STRBUF_INIT;

	memcpy(head->magic, TREEFILE_MAGIC, sizeof(TREEFILE_MAGIC));
	head->entry_size = sizeof(struct treefile_entry);
	head->nentries = (uint32_t)w->n;
	head->names_len = (uint32_t)w->names.len;
	head->untrusted = w->untrusted;
	strbuf_add(&b, head, sizeof(*head));
	strbuf_add(&b, w->entries, w->n * sizeof(*w->entries));
	strbuf_add(&b, w->names.ptr, w->names.len);
	return dir_write(AT_FDCWD, path, b.ptr, b.len, 0600, false, err);
}

/* Until what was hashed is what is there. */
static int settle(struct walk *w, struct treefile_head *head, struct error *err)
{
	for (unsigned i = 0; i < TRIES; i++) {
		autoerror struct error passing = {0};

		if (walk_run(w, err) < 0)
			return -1;
		int failed = hash_members(w, head, &passing);
		if (walk_unchanged(w))
			return failed ? error_join(err, &passing) : 0;
	}
	return error_class(err, ERROR_INFRA, "%s keeps changing while it is read",
			   w->physical);
}

int do_tree_hash(struct request *r, struct error *err)
{
	const char *cache = request_path(r, "cache_file", err);
	struct walk w = {
		.physical = cache ? request_path(r, "physical", err) : NULL,
		.include = request_text(r, "include"),
		.exclude = request_text(r, "exclude"),
	};
	struct treefile_head head = {0};
	char hex[SHA256_HEX_SIZE];

	if (!w.physical)
		return -1;
	int failed = settle(&w, &head, err);
	if (!failed)
		failed = write_cache(&w, &head, cache, err);
	if (!failed) {
		struct sha256 nar;

		memcpy(nar.bytes, head.nar, sizeof(nar.bytes));
		result_text(r, "nar", sha256_hex(&nar, hex));
		result_number(r, "nar_size", head.nar_size);
		result_number(r, "entries", w.members.n);
	}
	walk_finish(&w);
	return failed;
}
