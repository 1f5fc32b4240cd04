// SPDX-License-Identifier: MIT
/*
 * The smallest fragment found that makes the same configuration of the base. What differs
 * is a first guess; then whatever may be left out is, and Kconfig says each time whether
 * it may.
 */
#include "ask.h"

#include <string.h>

enum { SINGLES_MAX = 600 };

static char **target; /* values, one an entry */

static char **snapshot(void)
{
	char **v = calloc(nentries, sizeof(*v));

	for (size_t i = 0; i < nentries; i++)
		v[i] = strdup(value_of(entries[i].sym));
	return v;
}

static bool same_as_target(void)
{
	for (size_t i = 0; i < nentries; i++)
		if (is_defined(entries[i].sym) &&
		    strcmp(value_of(entries[i].sym), target[i]) != 0)
			return false;
	return true;
}

static void put(FILE *f, size_t i)
{
	struct symbol *sym = entries[i].sym;

	if (is_tristate_like(sym) && strcmp(target[i], "n") == 0)
		fprintf(f, "# CONFIG_%s is not set\n", sym->name);
	else
		fprintf(f, "CONFIG_%s=%s\n", sym->name,
			sym->type == S_STRING ? quoted(target[i]) : target[i]);
}

/* The base with the lines of those that are in. */
static int try(const bool *in)
{
	FILE *f = fopen("fragment.trial", "we");

	if (!f)
		return -1;
	base_lines(f, in);
	for (size_t i = 0; i < nentries; i++)
		if (in[i])
			put(f, i);
	return fclose(f) || conf_read("fragment.trial") ? -1 : 0;
}

/* What differs and can be set goes in, until nothing new does. */
static bool guess(bool *in)
{
	for (bool more = true; more;) {
		more = false;
		if (try(in))
			return false;
		for (size_t i = 0; i < nentries; i++) {
			struct symbol *sym = entries[i].sym;

			if (in[i] || !has_prompt(sym) ||
			    strcmp(value_of(sym), target[i]) == 0)
				continue;
			in[i] = more = true;
		}
	}
	return same_as_target();
}

int fragment_write(const char *path)
{
	bool *in = calloc(nentries, sizeof(*in));
	size_t tried = 0;

	target = snapshot();
	if (!guess(in))
		return -1;
	for (size_t i = nentries; i-- > 0;) {
		if (!in[i] || tried++ >= SINGLES_MAX)
			continue;
		in[i] = false;
		in[i] = try(in) || !same_as_target();
	}
	if (try(in) || !same_as_target())
		return -1;
	FILE *f = fopen(path, "we");
	for (size_t i = 0; f && i < nentries; i++)
		if (in[i])
			put(f, i);
	return f ? fclose(f) : -1;
}
