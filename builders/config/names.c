// SPDX-License-Identifier: MIT
#include "ask.h"

#include <dirent.h>
#include <string.h>

enum { NAME_MAX_LEN = 120 };

const char *renamed_to(const char *symbol, const char **since)
{
	static char line[512];
	FILE *f = fopen(asking.renamed, "re");

	while (f && fgets(line, sizeof(line), f)) {
		char *rest = line, *word[3] = {0};

		line[strcspn(line, "#\n")] = '\0';
		for (int i = 0; i < 3; i++)
			while ((word[i] = strsep(&rest, " \t")) && !*word[i])
				;
		if (!word[2] || strcmp(word[0], symbol) != 0)
			continue;
		const struct entry *e = entry_find(word[1]);
		bool removed = strcmp(word[1], "-") == 0;
		if (!removed && !(e && is_defined(e->sym)))
			continue;
		fclose(f);
		*since = word[2];
		return removed ? "" : word[1];
	}
	if (f)
		fclose(f);
	return NULL;
}

/* Edits from a to b; more than `most` is any number above. */
static int distance(const char *a, const char *b, int most)
{
	int row[NAME_MAX_LEN + 1], la = (int)strlen(a), lb = (int)strlen(b);

	if (abs(la - lb) > most || la > NAME_MAX_LEN || lb > NAME_MAX_LEN)
		return most + 1;
	for (int j = 0; j <= lb; j++)
		row[j] = j;
	for (int i = 1; i <= la; i++) {
		int diagonal = row[0], least = row[0] = i;

		for (int j = 1; j <= lb; j++) {
			int cost = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j - 1] + 1 < cost)
				cost = row[j - 1] + 1;
			if (row[j] + 1 < cost)
				cost = row[j] + 1;
			row[j] = cost;
			least = cost < least ? cost : least;
		}
		if (least > most)
			return most + 1;
	}
	return row[lb];
}

/* The one is the other with words in front or behind. */
static bool extends(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);

	if (la > lb)
		return extends(b, a);
	return la >= 5 && lb - la <= 12 &&
	       ((b[la] == '_' && strncmp(a, b, la) == 0) ||
		(b[lb - la - 1] == '_' && strcmp(a, b + lb - la) == 0));
}

size_t names_near(const char *symbol, const char **out, size_t max)
{
	int most = (int)strlen(symbol) / 5 + 1, rank[8];
	size_t n = 0;

	for (size_t i = 0; i < nentries; i++) {
		const struct symbol *s = entries[i].sym;
		int d = is_defined(s) && strcmp(s->name, symbol)
				? distance(symbol, s->name, most)
				: most + 1;
		size_t at = n;

		if (d > most && is_defined(s) && extends(symbol, s->name))
			d = most;
		if (d > most)
			continue;
		while (at && rank[at - 1] > d)
			at--;
		if (at >= max)
			continue;
		n = n < max ? n + 1 : max;
		for (size_t k = n - 1; k > at; k--) {
			out[k] = out[k - 1];
			rank[k] = rank[k - 1];
		}
		out[at] = s->name;
		rank[at] = d;
	}
	return n;
}

/* --- other architectures -------------------------------------------------------- */

struct kconfig_file {
	char *path; /* as `source` names it */
	struct kconfig_file *next;
};

static struct kconfig_file *files;

static void collect_files(const char *below)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", asking.srctree, below);
	DIR *dir = opendir(path);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		char name[1024];

		if (*d->d_name == '.' || (!*below && !strcmp(d->d_name, "Documentation")))
			continue;
		snprintf(name, sizeof(name), "%s%s%s", below, *below ? "/" : "",
			 d->d_name);
		if (d->d_type == DT_DIR) {
			collect_files(name);
		} else if (strncmp(d->d_name, "Kconfig", 7) == 0) {
			struct kconfig_file *f = malloc(sizeof(*f));

			*f = (struct kconfig_file){strdup(name), files};
			files = f;
		}
	}
	if (dir)
		closedir(dir);
}

/* The line that begins with `keyword` and names `what`, quoted or not; 0: none. */
static int line_of(const char *file, const char *keyword, const char *what)
{
	char path[1024], line[512];
	int n = 0;

	snprintf(path, sizeof(path), "%s/%s", asking.srctree, file);
	FILE *f = fopen(path, "re");
	for (int at = 1; f && !n && fgets(line, sizeof(line), f); at++) {
		char *s = line + strspn(line, " \t");

		s += strncmp(s, "menuconfig", 10) == 0 ? 4 : 0;
		if (strncmp(s, keyword, strlen(keyword)) != 0)
			continue;
		s += strlen(keyword);
		s += strspn(s, " \t\"");
		s[strcspn(s, " \t\n\"#")] = '\0';
		if (strcmp(s, what) == 0)
			n = at;
	}
	if (f)
		fclose(f);
	return n;
}

/* "; only powerpc, s390 and x86 include it", if those are architectures. */
static void includers(const char *file, char *out, size_t size)
{
	const char *lead = "; included by ";

	*out = '\0';
	for (const struct kconfig_file *f = files; f; f = f->next) {
		size_t used = strlen(out);
		const char *name = f->path + 5;

		if (strncmp(f->path, "arch/", 5) != 0 ||
		    !line_of(f->path, "source", file))
			continue;
		snprintf(out + used, size - used, "%s%.*s", lead, (int)strcspn(name, "/"),
			 name);
		lead = ", ";
	}
}

const char *defined_elsewhere(const char *symbol)
{
	static char found[700];
	char by[300];

	if (!files)
		collect_files("");
	for (const struct kconfig_file *f = files; f; f = f->next) {
		int line = line_of(f->path, "config", symbol);

		if (!line)
			continue;
		includers(f->path, by, sizeof(by));
		snprintf(found, sizeof(found), "%s:%d%s", f->path, line, by);
		return found;
	}
	return NULL;
}
