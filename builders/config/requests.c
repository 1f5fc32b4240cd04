// SPDX-License-Identifier: MIT
/*
 * The merge is ours because the kernel's merge_config.sh drops symbols without a word;
 * Kconfig itself decides all values.
 */
#include "ask.h"

#include <ctype.h>
#include <string.h>

struct asking asking;

struct base_line {
	char *text;
	struct entry *entry;
};

static struct base_line *base;
static size_t nbase;

static const char trial[] = "trial.config", trial_modules[] = "trial.modules";

static void *grow(void *v, size_t n, size_t size)
{
	if (n & (n - 1))
		return v;
	v = realloc(v, (n ? 2 * n : 1) * size);
	if (!v)
		abort();
	return v;
}

bool is_set(const struct request *r)
{
	return strcmp(r->how, "set") == 0;
}

static bool is_named(const struct request *r)
{
	return is_set(r) || strcmp(r->how, "wish") == 0;
}

/* The symbol of a line of a .config: its name's length, 0 for any other line. */
static size_t symbol_in(const char *line, const char **name, const char **value)
{
	size_t n;

	if (strncmp(line, "# CONFIG_", 9) == 0)
		*name = line + 9;
	else if (strncmp(line, "CONFIG_", 7) == 0)
		*name = line + 7;
	else
		return 0;
	for (n = 0; isalnum((unsigned char)(*name)[n]) || (*name)[n] == '_'; n++)
		;
	*value = *line == '#' ? "n" : *name + n + 1;
	if (*line == '#' ? strcmp(*name + n, " is not set") : (*name)[n] != '=')
		return 0;
	return n;
}

static struct entry *find_part(const char *name, size_t n)
{
	char word[256];

	snprintf(word, sizeof(word), "%.*s", (int)n, name);
	return entry_find(word);
}

static int read_base(const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!f)
		return -1;
	for (int at = 1; (len = getline(&line, &size, f)) >= 0; at++) {
		const char *name, *value;

		if (len && line[len - 1] == '\n')
			line[len - 1] = '\0';
		size_t n = symbol_in(line, &name, &value);
		if (!n)
			continue;
		base = grow(base, nbase, sizeof(*base));
		struct base_line *b = &base[nbase++];
		b->text = strdup(line);
		b->entry = find_part(name, n);
		if (b->entry) {
			symbol_in(b->text, &name, &b->entry->base);
			b->entry->base_line = at;
		}
	}
	free(line);
	return fclose(f);
}

const char *plain(const char *text)
{
	size_t n = strlen(text);

	if (n < 2 || text[0] != '"' || text[n - 1] != '"')
		return text;
	char *out = malloc(n), *to = out;
	for (const char *s = text + 1; s < text + n - 1; s++) {
		if (*s == '\\' && s + 1 < text + n - 1)
			s++;
		*to++ = *s;
	}
	*to = '\0';
	return out;
}

const char *quoted(const char *s)
{
	char *out = malloc(2 * strlen(s) + 3), *to = out;

	for (*to++ = '"'; *s; *to++ = *s++)
		if (*s == '"' || *s == '\\')
			*to++ = '\\';
	*to++ = '"';
	*to = '\0';
	return out;
}

/* how TAB line TAB symbol TAB value: text of a .config if how is a fragment's name. */
static void add_request(char *line)
{
	struct request r = {.how = strsep(&line, "\t")};
	const char *at = strsep(&line, "\t");

	r.symbol = strsep(&line, "\t");
	if (!line)
		return;
	r.line = atoi(at);
	r.entry = entry_find(r.symbol);
	if (r.entry && !is_defined(r.entry->sym))
		r.entry = NULL;
	bool is_text = r.entry && r.entry->sym->type == S_STRING;
	r.value = is_named(&r) ? line : plain(line);
	r.text = is_named(&r) && is_text ? quoted(line) : line;
	asking.v = grow(asking.v, asking.n, sizeof(r));
	asking.v[asking.n++] = r;
}

static int by_symbol(const void *a, const void *b)
{
	const struct request *x = *(struct request *const *)a;
	const struct request *y = *(struct request *const *)b;
	int order = strcmp(x->symbol, y->symbol);

	return order ? order : x < y ? -1 : 1;
}

static void mark_last(void)
{
	struct request **v = calloc(asking.n + 1, sizeof(*v));

	for (size_t i = 0; i < asking.n; i++)
		v[i] = &asking.v[i];
	qsort(v, asking.n, sizeof(*v), by_symbol);
	for (size_t i = 0; i < asking.n; i++) {
		v[i]->last = i + 1 == asking.n || strcmp(v[i]->symbol, v[i + 1]->symbol);
		if (v[i]->last && v[i]->entry)
			v[i]->entry->request = v[i];
	}
	free(v);
}

int requests_read(const char *base_path, const char *asked)
{
	FILE *f = fopen(asked, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!f || read_base(base_path) < 0)
		return -1;
	while ((len = getline(&line, &size, f)) >= 0) {
		if (len && line[len - 1] == '\n')
			line[len - 1] = '\0';
		add_request(strdup(line));
	}
	free(line);
	mark_last();
	return fclose(f);
}

static bool is_changed(const struct entry *e, const struct change *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c[i].sym == e->sym)
			return true;
	return false;
}

static void write_line(FILE *f, const char *symbol, const char *text)
{
	if (strcmp(text, "n") == 0)
		fprintf(f, "# CONFIG_%s is not set\n", symbol);
	else
		fprintf(f, "CONFIG_%s=%s\n", symbol, text);
}

/* Requests stay in order: within a choice the last line wins. */
static int write_trial(const struct change *c, size_t n)
{
	FILE *f = fopen(trial, "we");

	if (!f)
		return -1;
	for (size_t i = 0; i < nbase; i++) {
		const struct entry *e = base[i].entry;

		if (e && !e->request && !is_changed(e, c, n))
			fprintf(f, "%s\n", base[i].text);
	}
	for (size_t i = 0; i < asking.n; i++) {
		const struct request *r = &asking.v[i];

		if (r->last && r->entry && !is_changed(r->entry, c, n))
			write_line(f, r->symbol, r->text);
	}
	for (size_t i = 0; i < n; i++) {
		char text[2] = {letter_of(c[i].to), '\0'};

		write_line(f, c[i].sym->name, text);
	}
	return fclose(f);
}

/* Kconfig takes back what is not legal. */
static int make_builtin(const struct change *c, size_t n)
{
	char *line = NULL;
	size_t size = 0;

	if (conf_write(trial_modules))
		return -1;
	FILE *in = fopen(trial_modules, "re"), *out = fopen(trial, "we");
	if (!in || !out)
		return -1;
	while (getline(&line, &size, in) >= 0) {
		const char *name, *value;
		line[strcspn(line, "\n")] = '\0';
		size_t len = symbol_in(line, &name, &value);
		struct entry *e = len ? find_part(name, len) : NULL;
		bool keep = e && ((e->request && is_named(e->request) &&
				   strcmp(e->request->value, "m") == 0) ||
				  is_changed(e, c, n));

		if (e && !keep && strcmp(value, "m") == 0)
			fprintf(out, "CONFIG_%.*s=y\n", (int)len, name);
		else
			fprintf(out, "%s\n", line);
	}
	free(line);
	fclose(in);
	return fclose(out) || conf_read(trial) ? -1 : 0;
}

int resolve(const struct change *changes, size_t n)
{
	if (write_trial(changes, n) || conf_read(trial))
		return -1;
	return asking.builtin ? make_builtin(changes, n) : 0;
}

bool is_granted(const struct request *r)
{
	if (!r->entry)
		return strcmp(r->value, "n") == 0;
	const char *got = value_of(r->entry->sym);
	if (r->entry->sym->type == S_HEX)
		return strcasecmp(got, r->value) == 0;
	return strcmp(got, r->value) == 0;
}

void base_lines(FILE *f, const bool *without)
{
	for (size_t i = 0; i < nbase; i++)
		if (base[i].entry && !without[base[i].entry - entries])
			fprintf(f, "%s\n", base[i].text);
}

void base_rows(FILE *f)
{
	for (size_t i = 0; i < nbase && asking.base_is_file; i++) {
		const char *name, *value;
		size_t n = symbol_in(base[i].text, &name, &value);
		struct entry *e = base[i].entry;

		if (e && e->request)
			continue;
		fprintf(f, "%.*s\t%s\t%s\tbase\n", (int)n, name, plain(value),
			e && is_defined(e->sym) ? value_of(e->sym) : "absent");
	}
}
