// SPDX-License-Identifier: MIT
#include "store/narinfo.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "store/path.h"

struct reader {
	struct arena *a;
	struct narinfo *out;
	size_t line, sigs_cap;
};

PRINTF(3, 4)
static int bad(const struct reader *r, struct error *err, const char *fmt, ...)
{
	autobuf struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vprintf(&text, fmt, ap);
	va_end(ap);
	return error_class(err, ERROR_INFRA, "line %zu: %s", r->line, text.ptr);
}

/* --- values ----------------------------------------------------------------------- */

static int no_store_path(struct reader *r, const char *value, struct error *err)
{
	return bad(r, err, "expected a store path, found '%.300s'", value);
}

static int read_path(struct reader *r, const char *value, struct error *err)
{
	r->out->info.path = value;
	return path_ok(value) ? 0 : no_store_path(r, value, err);
}

/*
 * Relative to the cache, so that neither a neighbour of a directory nor another server
 * can be meant. '%' could hide dots from us that the other side sees.
 */
static bool url_ok(const char *url)
{
	struct str rest = str_of(url);

	for (const char *p = url; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("\\%#\"<>^`{|}", *p))
			return false;
	if (*url == '\0' || *url == '/' || *url == '?' ||
	    memchr(url, ':', strcspn(url, "/")))
		return false;
	rest.len = strcspn(url, "?");
	while (rest.ptr) {
		struct str segment = str_cut(&rest, '/');

		if (str_is(segment, ".") || str_is(segment, ".."))
			return false;
	}
	return true;
}

static int read_url(struct reader *r, const char *value, struct error *err)
{
	r->out->url = value;
	if (url_ok(value))
		return 0;
	return bad(r, err, "expected a URL relative to the cache, found '%.300s'", value);
}

static int read_compression(struct reader *r, const char *value, struct error *err)
{
	/* No word stands for the oldest of them. */
	r->out->compression = *value ? value : "bzip2";
	if (value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0' ||
	    strlen(value) > 32)
		return bad(r, err, "expected the name of a compression, found '%.300s'",
			   value);
	return 0;
}

static int read_hash(struct reader *r, const char *value, struct sha256 *out,
		     struct error *err)
{
	if (str_starts(value, "sha256") && hash_parse(value, out) == 0)
		return 0;
	return bad(r, err, "expected a SHA-256, found '%.300s'", value);
}

static int read_file_hash(struct reader *r, const char *value, struct error *err)
{
	r->out->has_file_hash = true;
	return read_hash(r, value, &r->out->file_hash, err);
}

static int read_nar_hash(struct reader *r, const char *value, struct error *err)
{
	return read_hash(r, value, &r->out->info.nar, err);
}

/* At most what the database can hold. */
static int read_size(struct reader *r, const char *value, uint64_t *out,
		     struct error *err)
{
	uint64_t n = 0;

	for (const char *p = value; *p >= '0' && *p <= '9' && n <= INT64_MAX / 10; p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (p[1] == '\0' && n <= INT64_MAX) {
			*out = n;
			return 0;
		}
	}
	return bad(r, err, "expected a size in bytes, found '%.300s'", value);
}

static int read_file_size(struct reader *r, const char *value, struct error *err)
{
	return read_size(r, value, &r->out->file_size, err);
}

static int read_nar_size(struct reader *r, const char *value, struct error *err)
{
	if (read_size(r, value, &r->out->info.nar_size, err) < 0)
		return -1;
	return r->out->info.nar_size ? 0 : bad(r, err, "the size of an archive is zero");
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A set: order and repetition mean nothing. */
static int read_refs(struct reader *r, const char *value, struct error *err)
{
	struct path_info *info = &r->out->info;
	struct str rest = str_of(value);
	size_t cap = 0, n = 0;

	/* Nix takes a second line when the first is empty. */
	if (info->nrefs)
		return bad(r, err, "there is a second line References");
	while (rest.ptr) {
		struct str base = str_cut(&rest, ' ');

		if (!base.len)
			continue;
		const char *path =
			arena_printf(r->a, STORE_DIR "/%.*s", (int)base.len, base.ptr);
		if (!path_ok(path))
			return no_store_path(r, path, err);
		ARENA_PUSH(r->a, info->refs, info->nrefs, cap) = path;
	}
	if (!info->nrefs)
		return 0;
	qsort(info->refs, info->nrefs, sizeof(*info->refs), compare);
	for (size_t i = 0; i < info->nrefs; i++)
		if (!n || strcmp(info->refs[n - 1], info->refs[i]) != 0)
			info->refs[n++] = info->refs[i];
	info->nrefs = n;
	return 0;
}

static int read_deriver(struct reader *r, const char *value, struct error *err)
{
	if (strcmp(value, "unknown-deriver") == 0)
		return 0;
	r->out->info.deriver = arena_printf(r->a, STORE_DIR "/%s", value);
	return path_ok(r->out->info.deriver)
		       ? 0
		       : no_store_path(r, r->out->info.deriver, err);
}

/* Whose it is and whether it fits is a matter of key.h; here it has a shape. */
static int read_sig(struct reader *r, const char *value, struct error *err)
{
	struct path_info *info = &r->out->info;
	const char *colon = strchr(value, ':');

	if (!colon || colon == value || strchr(value, ' ') || !colon[1] ||
	    base64_decode(str_of(colon + 1), NULL) < 0)
		return bad(r, err, "expected a signature NAME:BASE64, found '%.300s'",
			   value);
	ARENA_PUSH(r->a, info->sigs, info->nsigs, r->sigs_cap) = value;
	return 0;
}

static int read_ca(struct reader *r, const char *value, struct error *err)
{
	(void)err;
	if (*value)
		r->out->info.ca = value;
	return 0;
}

/* --- lines ------------------------------------------------------------------------ */

enum repeat { ONCE, MUST, MANY };

static const struct key {
	const char *name;
	int (*read)(struct reader *r, const char *value, struct error *err);
	enum repeat repeat;
} keys[] = {
	{"StorePath", read_path, MUST},
	{"URL", read_url, MUST},
	{"Compression", read_compression, ONCE},
	{"FileHash", read_file_hash, ONCE},
	{"FileSize", read_file_size, ONCE},
	{"NarHash", read_nar_hash, MUST},
	{"NarSize", read_nar_size, MUST},
	{"References", read_refs, MANY},
	{"Deriver", read_deriver, ONCE},
	{"Sig", read_sig, MANY},
	{"CA", read_ca, ONCE},
};

static int read_line(struct reader *r, struct str line, bool *seen, struct error *err)
{
	struct str value = line;
	struct str name = str_cut(&value, ':');

	if (!value.ptr || !name.len || !value.len || *value.ptr != ' ')
		return bad(r, err, "expected 'Key: value', found '%.*s'",
			   line.len < 300 ? (int)line.len : 300, line.ptr);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (!str_is(name, keys[i].name))
			continue;
		if (seen[i] && keys[i].repeat != MANY)
			return bad(r, err, "there is a second line %s", keys[i].name);
		seen[i] = true;
		return keys[i].read(r, arena_strndup(r->a, value.ptr + 1, value.len - 1),
				    err);
	}
	return 0;
}

static int read_lines(struct reader *r, struct str text, struct error *err)
{
	bool seen[ARRAY_LEN(keys)] = {0};

	while (text.len) {
		struct str line = str_cut(&text, '\n');

		r->line++;
		if (!text.ptr)
			return bad(r, err, "expected a line feed at its end");
		for (size_t i = 0; i < line.len; i++)
			if ((unsigned char)line.ptr[i] < ' ' || line.ptr[i] == 0x7f)
				return bad(r, err, "it has a control character");
		if (read_line(r, line, seen, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (keys[i].repeat == MUST && !seen[i])
			return error_class(err, ERROR_INFRA, "it has no line %s",
					   keys[i].name);
	return 0;
}

int narinfo_parse(struct str text, struct arena *a, struct narinfo *out,
		  struct error *err)
{
	struct reader r = {.a = a, .out = out};

	*out = (struct narinfo){.compression = "bzip2"};
	if (text.len > NARINFO_MAX)
		return error_class(err, ERROR_INFRA,
				   "expected a narinfo of at most %d bytes, found %zu",
				   NARINFO_MAX, text.len);
	if (read_lines(&r, text, err) < 0)
		return error_wrap(err, "the narinfo is broken");
	return 0;
}

/* --- writing ---------------------------------------------------------------------- */

static void add_hash(struct strbuf *out, const char *key, const struct sha256 *h)
{
	char text[NIX32_SHA256_SIZE];

	strbuf_printf(out, "%s: sha256:%s\n", key,
		      nix32_encode(h->bytes, sizeof(h->bytes), text));
}

void narinfo_write(const struct narinfo *n, struct strbuf *out)
{
	const struct path_info *info = &n->info;

	strbuf_printf(out, "StorePath: %s\nURL: %s\nCompression: %s\n", info->path,
		      n->url, n->compression);
	if (n->has_file_hash)
		add_hash(out, "FileHash", &n->file_hash);
	if (n->file_size)
		strbuf_printf(out, "FileSize: %" PRIu64 "\n", n->file_size);
	add_hash(out, "NarHash", &info->nar);
	strbuf_printf(out, "NarSize: %" PRIu64 "\nReferences: ", info->nar_size);
	for (size_t i = 0; i < info->nrefs; i++)
		strbuf_printf(out, "%s%s", i ? " " : "", path_base(info->refs[i]));
	strbuf_addc(out, '\n');
	if (info->deriver)
		strbuf_printf(out, "Deriver: %s\n", path_base(info->deriver));
	for (size_t i = 0; i < info->nsigs; i++)
		strbuf_printf(out, "Sig: %s\n", info->sigs[i]);
	if (info->ca)
		strbuf_printf(out, "CA: %s\n", info->ca);
}

/* --- content addresses ------------------------------------------------------------ */

/* A self reference is `self` at the end of the type, not one of the references. */
const char *path_info_ca_path(const struct path_info *info, struct arena *a)
{
	const char *name = path_name(info->path), *ca = info->ca;
	struct sha256 h;
	bool recursive = str_starts(ca, "fixed:r:sha256:");

	if (str_starts(ca, "fixed:sha256:") && hash_parse(ca + strlen("fixed:"), &h) == 0)
		return path_flat(a, &h, name);
	if (!recursive && !str_starts(ca, "text:sha256:"))
		return NULL;
	if (hash_parse(strchr(ca, ':') + 1 + 2 * recursive, &h) < 0)
		return NULL;
	autobuf struct strbuf type = STRBUF_INIT;
	bool self = false;
	strbuf_adds(&type, recursive ? "source" : "text");
	for (size_t i = 0; i < info->nrefs; i++) {
		if (strcmp(info->refs[i], info->path) == 0)
			self = true;
		else
			strbuf_printf(&type, ":%s", info->refs[i]);
	}
	strbuf_adds(&type, self ? ":self" : "");
	return path_make(a, type.ptr, &h, name);
}
