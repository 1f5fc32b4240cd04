// SPDX-License-Identifier: MIT
/* Texts that people save: uname, /proc/version, modinfo, a log, a transcript of these. */
#include "module/probe.h"
#include "module/vermagic.h"

static bool starts(struct str s, const char *with)
{
	size_t n = strlen(with);

	return s.len >= n && memcmp(s.ptr, with, n) == 0;
}

static struct str after(struct str s, size_t n)
{
	return (struct str){s.ptr + n, s.len - n};
}

static struct str trimmed(struct str s)
{
	while (s.len && (*s.ptr == ' ' || *s.ptr == '\t'))
		s = after(s, 1);
	while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' ||
			 s.ptr[s.len - 1] == '\r'))
		s.len--;
	return s;
}

static bool is_digit(struct str s)
{
	return s.len && *s.ptr >= '0' && *s.ptr <= '9';
}

static const char *find(struct str s, const char *text)
{
	return memmem(s.ptr, s.len, text, strlen(text));
}

static struct str until(struct str s, const char *end)
{
	return (struct str){s.ptr, (size_t)(end - s.ptr)};
}

/* A line that is being looked at. */
struct line {
	struct probe *p;
	const char *file;
	size_t number;
	struct str text;
	bool alone; /* there is no other */
};

static int say(const struct line *l, enum probe_fact fact, struct str text,
	       struct error *err)
{
	return probe_say(l->p, fact, text, l->file, l->number, err);
}

/* The last of the words that is a machine's. */
static struct str machine_word(struct str words)
{
	for (words = trimmed(words); words.len;) {
		const char *blank = memrchr(words.ptr, ' ', words.len);
		struct str last =
			blank ? after(words, (size_t)(blank + 1 - words.ptr)) : words;

		if (machine_of_uname(last))
			return last;
		words = trimmed(until(words, last.ptr));
	}
	return STR("");
}

/* Linux HOST RELEASE #8 SMP ... MACHINE GNU/Linux; a release may have blanks. */
static int read_uname(const struct line *l, struct error *err)
{
	struct str rest = after(l->text, starts(l->text, "Linux ") ? 6 : l->text.len);

	str_cut(&rest, ' ');
	const char *build = rest.ptr ? find(rest, " #") : NULL;
	if (!build || !is_digit(rest) ||
	    !is_digit(after(rest, (size_t)(build + 2 - rest.ptr))))
		return 0;
	struct str machine = machine_word(after(rest, (size_t)(build - rest.ptr)));
	if (say(l, FACT_UNAME, l->text, err) < 0 ||
	    say(l, FACT_RELEASE, until(rest, build), err) < 0)
		return -1;
	return machine.len && say(l, FACT_ARCH, machine, err) < 0 ? -1 : 1;
}

/* What is in the brackets that open at the beginning. */
static struct str in_brackets(struct str s)
{
	int depth = 0;

	for (size_t i = 0; i < s.len; i++) {
		depth += (s.ptr[i] == '(') - (s.ptr[i] == ')');
		if (depth == 0)
			return (struct str){s.ptr + 1, i ? i - 1 : 0};
	}
	return STR("");
}

/* Linux version RELEASE (WHO@WHERE) (COMPILER[, LINKER]) #8 ...; before 5.8 "gcc version"
 */
static int read_version(const struct line *l, struct error *err)
{
	static const char *const linkers[] = {", GNU ld", ", LLD", ", ld."};
	const char *found = find(l->text, "Linux version ");
	struct str rest =
		found ? after(l->text, (size_t)(found + 14 - l->text.ptr)) : STR("");
	const char *open = find(rest, " (");

	if (!open || !is_digit(rest))
		return 0;
	if (say(l, FACT_RELEASE, until(rest, open), err) < 0)
		return -1;
	rest = after(rest, (size_t)(open + 1 - rest.ptr));
	struct str who = in_brackets(rest);
	rest = trimmed(after(rest, who.len ? who.len + 2 : rest.len));
	struct str compiler = starts(rest, "(") ? in_brackets(rest) : STR("");
	for (size_t i = 0; i < ARRAY_LEN(linkers); i++) {
		const char *linker = find(compiler, linkers[i]);
		if (linker)
			compiler = until(compiler, linker);
	}
	return compiler.len && say(l, FACT_COMPILER, compiler, err) < 0 ? -1 : 1;
}

/* What the kernel said when it refused a module: version magic 'A' should be 'B' */
static int read_refusal(const struct line *l, struct error *err)
{
	static const char words[] = "' should be '";
	const char *found =
		find(l->text, "version magic '") ? find(l->text, words) : NULL;

	if (!found)
		return 0;
	struct str rest =
		after(l->text, (size_t)(found + sizeof(words) - 1 - l->text.ptr));
	const char *end = memrchr(rest.ptr, '\'', rest.len);
	return end && probe_vermagic(l->p, until(rest, end), l->file, l->number, err) < 0
		       ? -1
		       : 1;
}

/* As modinfo prints it, with or without -F; as people quote it, with linux- before. */
static int read_vermagic(const struct line *l, struct error *err)
{
	struct str text = l->text;
	bool named = starts(text, "vermagic:") || starts(text, "vermagic=");

	if (named)
		text = after(text, 9);
	while (text.len && *text.ptr == ' ')
		text = after(text, 1);
	bool prefixed = starts(text, "linux-");
	struct str magic = prefixed ? after(text, 6) : text;
	struct str release = vermagic_split(magic).part[VERMAGIC_RELEASE];
	if (!is_digit(magic) || (release.len == trimmed(magic).len && !named))
		return 0;
	if (prefixed)
		probe_remark(l->p,
			     "%s, line %zu: no vermagic begins with linux-: taken "
			     "without it",
			     l->file, l->number);
	return probe_vermagic(l->p, magic, l->file, l->number, err) < 0 ? -1 : 1;
}

/* A file of one line: what `uname -r` prints, or a switch of /sys. */
static int read_word(const struct line *l, struct error *err)
{
	struct str word = trimmed(l->text);

	if (!l->alone)
		return 0;
	if (str_is(word, "Y") || str_is(word, "N"))
		return say(l, FACT_SIG_ENFORCE, *word.ptr == 'Y' ? STR("y") : STR("n"),
			   err) < 0
			       ? -1
			       : 1;
	const char *dot = memchr(word.ptr, '.', word.len);
	if (!is_digit(word) || !dot || memchr(word.ptr, ' ', word.len))
		return machine_of_uname(word)
			       ? (say(l, FACT_ARCH, word, err) < 0 ? -1 : 1)
			       : 0;
	return say(l, FACT_RELEASE, word, err) < 0 ? -1 : 1;
}

static bool is_alone(struct str text)
{
	size_t n = 0;

	while (text.ptr)
		n += trimmed(str_cut(&text, '\n')).len > 0;
	return n == 1;
}

int probe_text(struct probe *p, const char *file, struct str text, struct error *err)
{
	static int (*const readers[])(const struct line *l, struct error *err) = {
		read_version, read_uname, read_refusal, read_vermagic, read_word,
	};
	struct line l = {p, file, 0, STR(""), is_alone(text)};
	int found = 0;

	while (text.ptr) {
		int res = 0;

		l.text = str_cut(&text, '\n');
		if (l.text.len && l.text.ptr[l.text.len - 1] == '\r')
			l.text.len--;
		l.number++;
		for (size_t i = 0; i < ARRAY_LEN(readers) && !res && l.text.len; i++)
			res = readers[i](&l, err);
		if (res < 0)
			return -1;
		found |= res;
	}
	return found;
}
