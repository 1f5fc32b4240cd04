// SPDX-License-Identifier: MIT
#include "store/address.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "store/digest.h"
#include "store/nar.h"
#include "store/path.h"

/* --- reading ---------------------------------------------------------------------- */

struct reading {
	struct address_facts *facts;
	struct sha256_ctx *bytes;
};

static int reading_enter(void *ctx, const struct nar_node *n, struct error *err)
{
	struct reading *r = ctx;

	(void)err;
	if (n->depth == 0)
		r->facts->is_text = S_ISREG(n->st.st_mode) && !(n->st.st_mode & S_IXUSR);
	return 0;
}

static int reading_bytes(void *ctx, const void *bytes, size_t n, struct error *err)
{
	struct reading *r = ctx;

	(void)err;
	if (r->facts->is_text)
		sha256_add(r->bytes, bytes, n);
	return 0;
}

int address_read(int dir, const char *name, struct address_facts *facts,
		 struct error *err)
{
	struct reading r = {facts, sha256_new()};
	const struct nar_visitor visitor = {
		.enter = reading_enter, .bytes = reading_bytes, .ctx = &r};
	const struct nar_dump dump = {.dir = dir, .path = name, .visitor = &visitor};
	autodigest struct digest *d = digest_new(facts->refs);
	int failed = nar_dump(&dump, digest_sink(d), err);

	facts->bytes = sha256_end(r.bytes);
	if (failed == 0)
		facts->nar = digest_end(d, &facts->nar_size);
	return failed;
}

/* --- trees that refer to themselves ----------------------------------------------- */

enum { CHUNK = 64 * 1024, OVERLAP = PATH_DIGEST_LEN - 1 };

/*
 * Hashes an archive as if its own digest were not known yet: each occurrence counts as
 * NUL bytes, and where they are follows at the end.
 */
struct modulo {
	struct nar_sink sink; /* first: the sink is this */
	const char *self;     /* PATH_DIGEST_LEN characters */
	struct sha256_ctx *hash;
	struct strbuf places;
	uint64_t at; /* of work[0] in the archive */
	size_t len;  /* what is left in work from the last time: below OVERLAP + 1 */
	char in[CHUNK], work[OVERLAP + CHUNK];
};

static int modulo_flush(struct nar_sink *s, struct error *err)
{
	struct modulo *m = (struct modulo *)s;
	char *end, *hit = m->work;

	(void)err;
	memcpy(m->work + m->len, s->buf, s->len);
	m->len += s->len;
	s->len = 0;
	end = m->work + m->len;
	while ((hit = memmem(hit, (size_t)(end - hit), m->self, PATH_DIGEST_LEN))) {
		strbuf_printf(&m->places, "|%" PRIu64, m->at + (uint64_t)(hit - m->work));
		memset(hit, 0, PATH_DIGEST_LEN);
		hit += PATH_DIGEST_LEN;
	}
	size_t keep = m->len < OVERLAP ? m->len : OVERLAP;
	sha256_add(m->hash, m->work, m->len - keep);
	memmove(m->work, end - keep, keep);
	m->at += m->len - keep;
	m->len = keep;
	return 0;
}

static int hash_modulo(int dir, const char *name, const char *path, struct sha256 *out,
		       struct error *err)
{
	const struct nar_dump dump = {.dir = dir, .path = name};
	autofree struct modulo *m = xcalloc(1, sizeof(*m));

	m->sink = (struct nar_sink){.buf = m->in, .cap = CHUNK, .flush = modulo_flush};
	m->self = path_base(path);
	m->hash = sha256_new();
	strbuf_adds(&m->places, "");
	int failed = nar_dump(&dump, &m->sink, err);
	sha256_add(m->hash, m->work, m->len);
	sha256_add(m->hash, m->places.ptr, m->places.len);
	*out = sha256_end(m->hash);
	strbuf_finish(&m->places);
	return failed;
}

/* --- proving ---------------------------------------------------------------------- */

struct proof {
	const struct address_facts *facts;
	struct sha256 modulo;
	const char **refs; /* without the path itself */
	size_t nrefs;
	bool self;
	struct path_info *info;
	struct arena *a;
};

static bool is(struct proof *p, const char *path, const char *method,
	       const struct sha256 *h)
{
	if (strcmp(path, p->info->path) != 0)
		return false;
	p->info->ca = arena_printf(p->a, "%s%s", method, hash_nix32(p->a, h));
	return true;
}

static bool is_source(struct proof *p, const char *name)
{
	autobuf struct strbuf type = STRBUF_INIT;

	strbuf_adds(&type, "source");
	for (size_t i = 0; i < p->nrefs; i++)
		strbuf_printf(&type, ":%s", p->refs[i]);
	if (p->self)
		strbuf_adds(&type, ":self");
	return is(p, path_make(p->a, type.ptr, &p->modulo, name), "fixed:r:", &p->modulo);
}

static bool is_any(struct proof *p)
{
	const struct address_facts *f = p->facts;
	const char *name = path_name(p->info->path);

	if (is_source(p, name))
		return true;
	if (!f->is_text || p->self)
		return false;
	if (is(p, path_text(p->a, &f->bytes, p->refs, p->nrefs, name),
	       "text:", &f->bytes))
		return true;
	return !p->nrefs && is(p, path_flat(p->a, &f->bytes, name), "fixed:", &f->bytes);
}

int address_prove(int dir, const char *name, const struct address_facts *facts,
		  struct path_info *info, struct arena *a, struct error *err)
{
	struct proof p = {
		.facts = facts,
		.modulo = facts->nar,
		.refs = arena_array(a, info->nrefs, const char *),
		.info = info,
		.a = a,
	};

	for (size_t i = 0; i < info->nrefs; i++) {
		if (strcmp(info->refs[i], info->path) == 0)
			p.self = true;
		else
			p.refs[p.nrefs++] = info->refs[i];
	}
	if (p.self && hash_modulo(dir, name, info->path, &p.modulo, err) < 0)
		return -1;
	if (!is_any(&p))
		return 0;
	info->nar = facts->nar;
	info->nar_size = facts->nar_size;
	return 1;
}
