// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/argv.h"
#include "base/dir.h"
#include "base/error.h"
#include "base/str.h"
#include "fetchers/host.h"
#include "fetchers/spec.h"

/* One source: what of it matters here. */
struct entry {
	struct argv uris;
	bool deb, debian, main, disabled;
};

static void entry_reset(struct entry *e)
{
	argv_finish(&e->uris);
	*e = (struct entry){0};
}

static bool have(const struct argv *list, const char *s)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i], s) == 0)
			return true;
	return false;
}

static void entry_end(struct entry *e, struct argv *bases)
{
	for (size_t i = 0; i < e->uris.n; i++) {
		char *uri = e->uris.v[i];
		size_t n = strlen(uri);

		while (n && uri[n - 1] == '/')
			uri[--n] = '\0';
		bool usable = str_starts(uri, "http://") || str_starts(uri, "https://") ||
			      str_starts(uri, "file:");
		if (e->deb && e->debian && e->main && !e->disabled && usable &&
		    !have(bases, uri))
			argv_push(bases, uri);
	}
	entry_reset(e);
}

/* bookworm, stable, bookworm-updates, bookworm-security, bookworm/updates */
static bool suite_of_debian(const char *word)
{
	static const char *const aliases[] = {"stable", "oldstable", "oldoldstable",
					      "testing", "unstable"};
	autofree char *stem = xstrndup(word, strcspn(word, "-/"));

	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (strcmp(stem, aliases[i]) == 0)
			return true;
	return suite_codename(stem) != NULL;
}

enum field { TYPES, URIS, SUITES, COMPONENTS, ENABLED, OTHER };

static void take_word(struct entry *e, enum field field, const char *word)
{
	switch (field) {
	case TYPES:
		e->deb |= strcmp(word, "deb") == 0;
		break;
	case URIS:
		argv_push(&e->uris, word);
		break;
	case SUITES:
		e->debian |= suite_of_debian(word);
		break;
	case COMPONENTS:
		e->main |= strcmp(word, "main") == 0;
		break;
	case ENABLED:
		e->disabled |= strcasecmp(word, "no") == 0;
		break;
	case OTHER:
		break;
	}
}

static enum field field_of(const char *name)
{
	static const char *const names[] = {"types", "uris", "suites", "components",
					    "enabled"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return (enum field)i;
	return OTHER;
}

static void read_deb822(char *text, struct argv *bases)
{
	struct entry e = {0};
	enum field field = OTHER;

	for (char *line; (line = strsep(&text, "\n"));) {
		char *words = line;

		if (*line == '#')
			continue;
		if (line[strspn(line, " \t\r")] == '\0') {
			entry_end(&e, bases);
			continue;
		}
		if (!isspace((unsigned char)*line)) { /* else the line before goes on */
			char *name = strsep(&words, ":");
			field = field_of(name);
		}
		for (char *w; (w = strsep(&words, " \t\r"));)
			if (*w)
				take_word(&e, field, w);
	}
	entry_end(&e, bases);
}

static void read_one_line(char *text, struct argv *bases)
{
	for (char *line; (line = strsep(&text, "\n"));) {
		struct entry e = {0};
		enum field field = TYPES;
		bool options = false;

		line[strcspn(line, "#")] = '\0';
		for (char *w; (w = strsep(&line, " \t\r"));) {
			if (!*w)
				continue;
			if (*w == '[')
				options = true;
			if (!options) {
				take_word(&e, field, w);
				field = field < COMPONENTS ? field + 1 : COMPONENTS;
			}
			if (w[strlen(w) - 1] == ']')
				options = false;
		}
		entry_end(&e, bases);
	}
}

static void read_file(int dir, const char *name, struct argv *bases)
{
	autobuf struct strbuf text = STRBUF_INIT;
	autoerror struct error quiet = {0};

	/* what cannot be read offers nothing; apt itself will complain about it */
	if (dir_read(dir, name, &text, &quiet) < 0 || !text.len)
		return;
	if (str_ends(name, ".sources"))
		read_deb822(text.ptr, bases);
	else
		read_one_line(text.ptr, bases);
}

void apt_sources(const char *etc, struct argv *bases)
{
	autofree char *parts = path_join(etc, "sources.list.d");
	autoargv struct argv names = {0};
	autoerror struct error quiet = {0};
	autoclose int top = open(etc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclose int dir = open(parts, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (top >= 0)
		read_file(top, "sources.list", bases);
	if (dir < 0 || dir_names(dir, &names, &quiet) < 0)
		return;
	for (size_t i = 0; i < names.n; i++)
		if (str_ends(names.v[i], ".list") || str_ends(names.v[i], ".sources"))
			read_file(dir, names.v[i], bases);
}
