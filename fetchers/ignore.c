// SPDX-License-Identifier: MIT
#include "fetchers/ignore.h"

#include <fnmatch.h>
#include <string.h>

#include "base/alloc.h"

/* --- matching -------------------------------------------------------------- */

/* [...] at p against one character. The pattern goes on at *end. */
static bool bracket(const char *p, char c, const char **end)
{
	const char *q = p + 1;
	char one[2] = {c};

	q += *q == '!' || *q == '^';
	q += *q == ']';
	while (*q && *q != ']')
		q += *q == '\\' && q[1] ? 2 : 1;
	if (!*q) { /* no closing bracket: it stands for itself */
		*end = p + 1;
		return c == '[';
	}
	*end = q + 1;
	autofree char *set = xstrndup(p, (size_t)(q + 1 - p));
	return c && c != '/' && fnmatch(set, one, 0) == 0;
}

static bool wild(const char *p, const char *s, bool at_start);

/* A double star between slashes or at an end of the pattern: any depth. */
static bool any_dirs(const char *p, const char *s)
{
	if (!*p)
		return *s != '\0';
	for (p++;; s++) {
		if (wild(p, s, true))
			return true;
		s = strchr(s, '/');
		if (!s)
			return false;
	}
}

static bool star(const char *p, const char *s, bool at_start)
{
	if (p[1] == '*' && at_start && (p[2] == '/' || !p[2]))
		return any_dirs(p + 2, s);
	while (*p == '*')
		p++;
	for (;; s++) {
		if (wild(p, s, false))
			return true;
		if (!*s || *s == '/')
			return false;
	}
}

/* at_start: a component of the pattern begins here. */
static bool wild(const char *p, const char *s, bool at_start)
{
	for (; *p; at_start = p[-1] == '/') {
		if (*p == '*')
			return star(p, s, at_start);
		if (*p == '?') {
			if (!*s || *s == '/')
				return false;
			p++;
		} else if (*p == '[') {
			if (!bracket(p, *s, &p))
				return false;
		} else {
			if (*p == '\\' && p[1])
				p++;
			if (*p != *s)
				return false;
			p++;
		}
		s++;
	}
	return !*s;
}

bool ignore_match(const struct ignore *ig, const char *path, bool is_dir)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t i = ig->n; i-- > 0;) {
		const struct ignore_rule *r = &ig->rules[i];

		if (r->dir_only && !is_dir)
			continue;
		if (wild(r->pattern, r->anchored ? path + r->base : name, true))
			return !r->negated;
	}
	return false;
}

/* --- rules ----------------------------------------------------------------- */

/* Spaces at the end do not count, unless the last one is escaped. */
static size_t trimmed(struct str line)
{
	size_t n = line.len;

	if (n && line.ptr[n - 1] == '\r')
		n--;
	while (n && line.ptr[n - 1] == ' ' && !(n > 1 && line.ptr[n - 2] == '\\'))
		n--;
	return n;
}

static void add_line(struct ignore *ig, struct str line, size_t base)
{
	struct ignore_rule r = {.base = base};

	line.len = trimmed(line);
	if (!line.len || *line.ptr == '#')
		return;
	if (*line.ptr == '!') {
		r.negated = true;
		line.ptr++;
		line.len--;
	}
	if (line.len && line.ptr[line.len - 1] == '/') {
		r.dir_only = true;
		line.len--;
	}
	r.anchored = line.len && memchr(line.ptr, '/', line.len);
	if (line.len && *line.ptr == '/') {
		line.ptr++;
		line.len--;
	}
	if (!line.len)
		return;
	if (ig->no_catch_all && !r.negated && str_is(line, "*"))
		return;
	r.pattern = xstrndup(line.ptr, line.len);
	if (ig->n == ig->cap) {
		ig->cap = ig->cap ? ig->cap * 2 : 64;
		ig->rules = xreallocarray(ig->rules, ig->cap, sizeof(*ig->rules));
	}
	ig->rules[ig->n++] = r;
}

size_t ignore_push(struct ignore *ig, struct str text, const char *dir)
{
	size_t mark = ig->n, base = *dir ? strlen(dir) + 1 : 0;

	while (text.ptr)
		add_line(ig, str_cut(&text, '\n'), base);
	return mark;
}

void ignore_pop(struct ignore *ig, size_t mark)
{
	while (ig->n > mark)
		free(ig->rules[--ig->n].pattern);
}

void ignore_finish(struct ignore *ig)
{
	ignore_pop(ig, 0);
	free(ig->rules);
	*ig = (struct ignore){0};
}
