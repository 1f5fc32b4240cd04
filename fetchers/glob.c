// SPDX-License-Identifier: MIT
#include "fetchers/glob.h"

#include <fnmatch.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

void globs_add(struct globs *g, const char *lines)
{
	struct str rest = lines ? str_of(lines) : (struct str){0};

	while (rest.ptr) {
		struct str line = str_cut(&rest, '\n');

		while (line.len && line.ptr[line.len - 1] == '/')
			line.len--;
		if (!line.len)
			continue;
		autofree char *copy = xstrndup(line.ptr, line.len);
		argv_push(&g->patterns, copy);
	}
}

static bool match_one(const char *pattern, const char *path)
{
	bool anchored = *pattern == '/';
	/* fnmatch knows no `**`: without FNM_PATHNAME its `*` crosses slashes */
	int flags = strstr(pattern, "**") ? 0 : FNM_PATHNAME;

	if (fnmatch(pattern + anchored, path, flags) == 0)
		return true;
	/* a leading double star takes no directory at all, too */
	return strncmp(pattern, "**/", 3) == 0 && fnmatch(pattern + 3, path, 0) == 0;
}

/* Does the pattern match the path or a directory above it? */
static bool match_above(const struct globs *g, const char *pattern, const char *path)
{
	bool by_name = g->by_name && !strchr(pattern, '/');
	autofree char *p = xstrdup(path);

	for (char *s = p;; s++) {
		if (*s && *s != '/')
			continue;
		char end = *s;
		*s = '\0';
		const char *name = strrchr(p, '/');
		if (match_one(pattern, by_name && name ? name + 1 : p))
			return true;
		if (!end)
			return false;
		*s = '/';
	}
}

bool globs_match(const struct globs *g, const char *path)
{
	for (size_t i = g->patterns.n; i-- > 0;) {
		const char *pattern = g->patterns.v[i];
		bool give_back = *pattern == '!';

		if (match_above(g, pattern + give_back, path))
			return !give_back;
	}
	return false;
}

void globs_finish(struct globs *g)
{
	argv_finish(&g->patterns);
}
