// SPDX-License-Identifier: MIT
#include "realise/evidence.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "realise/items.h"
#include "realise/packing.h"

enum {
	NEAR = 200,            /* bytes around a spot of a binary */
	GAP = 8,               /* equal bytes that do not end a spot */
	TEXT_MAX = 32 << 20,   /* more is compared byte by byte */
	TEXT_PROBE = 64 << 10, /* a NUL so far tells that it is no text */
};

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_text(struct str s)
{
	size_t n = s.len < TEXT_PROBE ? s.len : TEXT_PROBE;

	return s.len <= TEXT_MAX && !memchr(s.ptr, '\0', n);
}

static void add_spot(struct evidence *e, struct spot s)
{
	if (e->nspots == SPOTS_MAX)
		return;
	if (e->nspots == e->cap_spots) {
		e->cap_spots = e->cap_spots ? e->cap_spots * 2 : 16;
		e->spots = xreallocarray(e->spots, e->cap_spots, sizeof(*e->spots));
	}
	e->spots[e->nspots++] = s;
}

/* --- pairs of lines ----------------------------------------------------------------- */

/* The next word at or after *at; empty at the end. */
static struct str next_word(struct str line, size_t *at)
{
	while (*at < line.len && !is_word(line.ptr[*at]))
		++*at;
	size_t from = *at;
	while (*at < line.len && is_word(line.ptr[*at]))
		++*at;
	return (struct str){line.ptr + from, *at - from};
}

static size_t count_words(struct str line)
{
	size_t n = 0;

	for (size_t at = 0; next_word(line, &at).len;)
		n++;
	return n;
}

static bool same(struct str a, struct str b)
{
	return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* What is left without the common beginning and end. */
static void add_middle(struct evidence *e, struct str a, struct str b)
{
	size_t least = a.len < b.len ? a.len : b.len, front = 0, back = 0;

	while (front < least && a.ptr[front] == b.ptr[front])
		front++;
	while (back < least - front && a.ptr[a.len - 1 - back] == b.ptr[b.len - 1 - back])
		back++;
	while (front && is_word(a.ptr[front - 1]))
		front--;
	while (back && is_word(a.ptr[a.len - back]))
		back--;
	add_spot(e, (struct spot){
			    .a = {a.ptr + front, a.len - back - front},
			    .b = {b.ptr + front, b.len - back - front},
			    .near_a = a,
			    .near_b = b,
		    });
}

/* A spot for every pair of words, or one for the lines when their words have no pairs. */
static void add_lines(struct evidence *e, struct str a, struct str b)
{
	size_t n = count_words(a), before = e->nspots;

	if (a.len && b.len && n == count_words(b))
		for (size_t i = 0, x = 0, y = 0; i < n; i++) {
			struct str p = next_word(a, &x), q = next_word(b, &y);

			if (!same(p, q))
				add_spot(e, (struct spot){p, q, a, b, NOT_EXPLAINED});
		}
	if (e->nspots == before)
		add_middle(e, a, b);
}

static void take_pair(void *ctx, struct str a, struct str b)
{
	add_lines(ctx, a, b);
}

static void compare_items(struct evidence *e, struct str a, struct str b, items_cut *cut,
			  void (*pair)(void *ctx, struct str a, struct str b))
{
	struct items_order order = items_compare(a, b, cut, pair, e);

	/* Chance makes a few texts in any two binaries. */
	e->reordered |= order.reordered && (cut == items_lines || order.alike);
	e->reversed |= order.reversed;
}

/* --- binaries ----------------------------------------------------------------------- */

static bool is_shown(char c)
{
	return (c >= ' ' && c <= '~') || c == '\t';
}

/* The printable text around [from, to). */
static struct str around(struct str s, size_t from, size_t to)
{
	size_t least = from > NEAR ? from - NEAR : 0;
	size_t most = s.len - to > NEAR ? to + NEAR : s.len;

	while (from > least && is_shown(s.ptr[from - 1]))
		from--;
	while (to < most && is_shown(s.ptr[to]))
		to++;
	return (struct str){s.ptr + from, to - from};
}

static bool all_shown(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_shown(s.ptr[i]))
			return false;
	return true;
}

/*
 * A text that differs has its words compared; anything else is a spot as it is. Returns
 * the end of what was compared.
 */
static size_t add_bytes(struct evidence *e, struct str a, struct str b, size_t from,
			size_t to)
{
	struct str near_a = around(a, from, to), near_b = around(b, from, to);

	if (all_shown(near_a) && all_shown(near_b) && near_a.len == near_b.len) {
		add_lines(e, near_a, near_b);
		return (size_t)(near_a.ptr + near_a.len - a.ptr);
	}
	add_spot(e, (struct spot){
			    .a = {a.ptr + from, to - from},
			    .b = {b.ptr + from, to - from},
			    .near_a = near_a,
			    .near_b = near_b,
		    });
	return to;
}

static void compare_in_place(struct evidence *e, struct str a, struct str b)
{
	const size_t n = a.len;

	for (size_t at = 0; at < n && e->nspots < SPOTS_MAX;) {
		size_t from, to;

		while (at + 4096 <= n && memcmp(a.ptr + at, b.ptr + at, 4096) == 0)
			at += 4096;
		while (at < n && a.ptr[at] == b.ptr[at])
			at++;
		if (at == n)
			break;
		from = at;
		for (to = at + 1, at++; at < n && at - to < GAP; at++)
			if (a.ptr[at] != b.ptr[at])
				to = at + 1;
		at = add_bytes(e, a, b, from, to);
	}
}

static void ignore_pair(void *ctx, struct str a, struct str b)
{
	(void)ctx, (void)a, (void)b;
}

static void compare_part(void *ctx, struct str a, struct str b)
{
	struct evidence *e = ctx;
	size_t before = e->nspots;
	bool small = a.len <= TEXT_MAX && b.len <= TEXT_MAX;

	if (is_text(a) && is_text(b)) {
		compare_items(e, a, b, items_lines, take_pair);
		return;
	}
	if (small)
		compare_items(e, a, b, items_strings,
			      a.len == b.len ? ignore_pair : take_pair);
	if (a.len == b.len)
		compare_in_place(e, a, b);
	if (e->nspots == before)
		add_middle(e, a, b);
}

static void compare_all(struct evidence *e)
{
	e->text = is_text(e->a) && is_text(e->b);
	if (archive_compare(e->a, e->b, &e->archive, compare_part, e))
		return;
	e->archive = (struct archive_finding){0};
	e->nspots = 0;
	if (!same(e->a, e->b))
		compare_part(e, e->a, e->b);
}

/* --- open and close ----------------------------------------------------------------- */

static int map_file(const char *path, struct str *out, struct error *err)
{
	autoclose int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "cannot open %s", path);
	*out = (struct str){"", 0};
	if (!st.st_size)
		return 0;
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return error_errno(err, "cannot read %s", path);
	*out = (struct str){p, (size_t)st.st_size};
	return 0;
}

static void unmap(struct str s)
{
	if (s.len)
		munmap((void *)s.ptr, s.len);
}

/* What they hold is compared if this machine can unpack them. */
static void unpack(struct evidence *e, const char *first, const char *again)
{
	autoerror struct error ignored = {0};

	e->unpacked = unpack_file(e->packed, first, &e->inside_a, &ignored) == 0 &&
		      unpack_file(e->packed, again, &e->inside_b, &ignored) == 0;
	if (e->unpacked) {
		e->a = (struct str){e->inside_a.ptr, e->inside_a.len};
		e->b = (struct str){e->inside_b.ptr, e->inside_b.len};
	}
}

int evidence_open(struct evidence *e, const char *first, const char *again,
		  struct error *err)
{
	if (map_file(first, &e->raw_a, err) < 0)
		return -1;
	if (map_file(again, &e->raw_b, err) < 0) {
		unmap(e->raw_a);
		return -1;
	}
	e->mapped = true;
	e->a = e->raw_a;
	e->b = e->raw_b;
	e->packed = packing_of(e->a);
	if (e->packed && packing_of(e->b) == e->packed)
		unpack(e, first, again);
	compare_all(e);
	return 0;
}

void evidence_of_texts(struct evidence *e, const char *first, const char *again)
{
	e->a = str_of(first);
	e->b = str_of(again);
	e->text = true;
	add_lines(e, e->a, e->b);
}

void evidence_close(struct evidence *e)
{
	if (e->mapped) {
		unmap(e->raw_a);
		unmap(e->raw_b);
	}
	strbuf_finish(&e->inside_a);
	strbuf_finish(&e->inside_b);
	free(e->spots);
}

void evidence_explain(struct evidence *e)
{
	for (size_t i = 0; i < e->nspots; i++)
		e->spots[i].explained = BY_FORMAT;
}

size_t evidence_line(const struct evidence *e, const struct spot *s)
{
	size_t line = 1;

	for (const char *p = e->a.ptr; p < s->a.ptr; p++)
		line += *p == '\n';
	return line;
}
