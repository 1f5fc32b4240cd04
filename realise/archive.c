// SPDX-License-Identifier: MIT
#include "realise/archive.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"

const char *const archive_field_words[ARCHIVE_FIELDS] = {
	[FIELD_TIME] = "times",
	[FIELD_INODE] = "inode numbers",
	[FIELD_OWNER] = "owners",
	[FIELD_MODE] = "modes",
	[FIELD_DEVICE] = "device numbers",
};

struct member {
	struct str name, content;
	struct str fields[ARCHIVE_FIELDS]; /* as they are written */
	size_t index;
};

struct members {
	struct member *v;
	size_t n, cap;
};

/* The next member at or after *at. 1, 0 at the end, -1 for what is no such archive. */
typedef int next_member(struct str all, size_t *at, struct member *m);

static struct str part(struct str all, size_t from, size_t len)
{
	return (struct str){all.ptr + from, len};
}

static bool fits(struct str all, size_t from, uint64_t len)
{
	return from <= all.len && len <= all.len - from;
}

/* Digits up to a blank, a NUL or the end; -1 if there are others. */
static int64_t number(struct str s, int base)
{
	int64_t n = 0;
	size_t i = 0;

	while (i < s.len && s.ptr[i] == ' ')
		i++;
	for (; i < s.len && s.ptr[i] && s.ptr[i] != ' '; i++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *d = strchr(digits, s.ptr[i]);
		int value = d ? (int)((d - digits) % 16) : 16;

		if (value >= base || n > INT64_MAX / base - base)
			return -1;
		n = n * base + value;
	}
	return n;
}

static size_t up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

/* --- formats ------------------------------------------------------------------------ */

static int next_cpio(struct str all, size_t *at, struct member *m)
{
	enum { HEADER = 110 };

	/* An initramfs may be several archives with zeros between them. */
	while (*at < all.len && !all.ptr[*at])
		++*at;
	if (*at == all.len)
		return 0;
	size_t from = *at;
	if (!fits(all, from, HEADER) || (memcmp(all.ptr + from, "070701", 6) != 0 &&
					 memcmp(all.ptr + from, "070702", 6) != 0))
		return -1;
	int64_t size = number(part(all, from + 54, 8), 16);
	int64_t name = number(part(all, from + 94, 8), 16);
	if (size < 0 || name < 1 || !fits(all, from + HEADER, (uint64_t)name))
		return -1;
	size_t data = up(from + HEADER + (size_t)name, 4);
	if (!fits(all, data, (uint64_t)size))
		return -1;
	*m = (struct member){
		.name = part(all, from + HEADER, (size_t)name - 1),
		.content = part(all, data, (size_t)size),
		.fields =
			{
				[FIELD_TIME] = part(all, from + 46, 8),
				[FIELD_INODE] = part(all, from + 6, 8),
				[FIELD_OWNER] = part(all, from + 22, 16),
				[FIELD_MODE] = part(all, from + 14, 8),
				[FIELD_DEVICE] = part(all, from + 62, 16),
			},
	};
	*at = up(data + (size_t)size, 4);
	if (*at > all.len)
		*at = all.len;
	return 1;
}

static int next_tar(struct str all, size_t *at, struct member *m)
{
	enum { BLOCK = 512 };
	size_t from = *at;

	if (!fits(all, from, BLOCK) || !all.ptr[from])
		return from ? 0 : -1;
	if (memcmp(all.ptr + from + 257, "ustar", 5) != 0)
		return -1;
	int64_t size = number(part(all, from + 124, 12), 8);
	if (size < 0 || !fits(all, from + BLOCK, (uint64_t)size))
		return -1;
	*m = (struct member){
		.name = part(all, from, strnlen(all.ptr + from, 100)),
		.content = part(all, from + BLOCK, (size_t)size),
		.fields =
			{
				[FIELD_TIME] = part(all, from + 136, 12),
				[FIELD_OWNER] = part(all, from + 108, 16),
				[FIELD_MODE] = part(all, from + 100, 8),
			},
	};
	*at = from + BLOCK + up((size_t)size, BLOCK);
	return 1;
}

static int next_ar(struct str all, size_t *at, struct member *m)
{
	enum { MAGIC = 8, HEADER = 60 };

	if (!*at) {
		if (all.len < MAGIC || memcmp(all.ptr, "!<arch>\n", MAGIC) != 0)
			return -1;
		*at = MAGIC;
	}
	size_t from = *at;
	if (from >= all.len)
		return 0;
	if (!fits(all, from, HEADER))
		return -1;
	int64_t size = number(part(all, from + 48, 10), 10);
	if (size < 0 || !fits(all, from + HEADER, (uint64_t)size))
		return -1;
	size_t name = 16;
	while (name && all.ptr[from + name - 1] == ' ')
		name--;
	*m = (struct member){
		.name = part(all, from, name),
		.content = part(all, from + HEADER, (size_t)size),
		.fields =
			{
				[FIELD_TIME] = part(all, from + 16, 12),
				[FIELD_OWNER] = part(all, from + 28, 12),
				[FIELD_MODE] = part(all, from + 40, 8),
			},
	};
	*at = up(from + HEADER + (size_t)size, 2);
	return 1;
}

static uint32_t le(struct str all, size_t at, size_t n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | (unsigned char)all.ptr[at + n];
	return v;
}

/* Only the headers in front of the data; sizes that follow the data end it early. */
static int next_zip(struct str all, size_t *at, struct member *m)
{
	enum { HEADER = 30 };
	size_t from = *at;

	if (!fits(all, from, HEADER) || memcmp(all.ptr + from, "PK\003\004", 4) != 0)
		return from ? 0 : -1;
	size_t name = le(all, from + 26, 2), extra = le(all, from + 28, 2);
	uint64_t size = le(all, from + 18, 4);
	size_t data = from + HEADER + name + extra;
	if (!fits(all, from + HEADER, name + extra) || !fits(all, data, size))
		return -1;
	*m = (struct member){
		.name = part(all, from + HEADER, name),
		.content = part(all, data, (size_t)size),
		.fields = {[FIELD_TIME] = part(all, from + 10, 4)},
	};
	*at = data + (size_t)size;
	return 1;
}

static const struct {
	const char *name;
	next_member *next;
} formats[] = {
	{"cpio", next_cpio},
	{"tar", next_tar},
	{"ar", next_ar},
	{"zip", next_zip},
};

/* --- comparing ---------------------------------------------------------------------- */

static bool read_members(struct str all, next_member *next, struct members *out)
{
	struct member m;
	int rc;

	for (size_t at = 0; (rc = next(all, &at, &m)) > 0;) {
		if (out->n == out->cap) {
			out->cap = out->cap ? out->cap * 2 : 64;
			out->v = xreallocarray(out->v, out->cap, sizeof(*out->v));
		}
		m.index = out->n;
		out->v[out->n++] = m;
	}
	return rc == 0 && out->n;
}

static int compare_str(struct str a, struct str b)
{
	size_t least = a.len < b.len ? a.len : b.len;
	int order = least ? memcmp(a.ptr, b.ptr, least) : 0;

	return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int by_name(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	int order = compare_str(x->name, y->name);

	return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

struct walk {
	struct archive_finding *out;
	void (*differ)(void *ctx, struct str a, struct str b);
	void *ctx;
};

static void compare_members(const struct member *x, const struct member *y,
			    const struct walk *w)
{
	struct archive_finding *out = w->out;
	bool differ = false;

	for (size_t f = 0; f < ARCHIVE_FIELDS; f++)
		if (compare_str(x->fields[f], y->fields[f]) != 0)
			out->fields[f] = differ = true;
	if (differ && !out->member.len)
		out->member = x->name;
	if (compare_str(x->content, y->content) != 0) {
		out->content = true;
		w->differ(w->ctx, x->content, y->content);
	}
}

/* Both sorted by name; partners tell of the order in which they stood. */
static void compare_lists(const struct members *a, const struct members *b,
			  const struct walk *w)
{
	autofree size_t *place = xcalloc(a->n, sizeof(*place));
	size_t last = 0;

	for (size_t i = 0, k = 0; i < a->n || k < b->n;) {
		int order = i == a->n   ? 1
			    : k == b->n ? -1
					: compare_str(a->v[i].name, b->v[k].name);

		if (order == 0) {
			compare_members(&a->v[i], &b->v[k], w);
			place[a->v[i].index] = b->v[k].index + 1;
		} else {
			w->out->content = true;
		}
		i += order <= 0;
		k += order >= 0;
	}
	for (size_t i = 0; i < a->n; i++) {
		w->out->reordered |= place[i] && place[i] < last;
		last = place[i] ? place[i] : last;
	}
}

bool archive_compare(struct str a, struct str b, struct archive_finding *out,
		     void (*differ)(void *ctx, struct str a, struct str b), void *ctx)
{
	const struct walk w = {out, differ, ctx};
	bool found = false;

	*out = (struct archive_finding){0};
	for (size_t f = 0; f < ARRAY_LEN(formats) && !found; f++) {
		struct members x = {0}, y = {0};

		found = read_members(a, formats[f].next, &x) &&
			read_members(b, formats[f].next, &y);
		if (found) {
			qsort(x.v, x.n, sizeof(*x.v), by_name);
			qsort(y.v, y.n, sizeof(*y.v), by_name);
			out->format = formats[f].name;
			compare_lists(&x, &y, &w);
		}
		free(x.v);
		free(y.v);
	}
	return found;
}
