// SPDX-License-Identifier: MIT
#include "realise/buildlog.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/dir.h"
#include "realise/message.h"

int buildlog_open(struct buildlog *log, const char *path, int messages, bool lines,
		  struct error *err)
{
	*log = (struct buildlog){.messages = messages, .lines = lines};
	autofree char *dir = xstrdup(path);
	*strrchr(dir, '/') = '\0';
	if (dir_make(AT_FDCWD, dir, 0755, err) < 0)
		return -1;
	log->path = xstrdup(path);
	log->temp = xasprintf("%s.tmp-%d", path, (int)getpid());
	dir_clear_temps(AT_FDCWD, path);
	log->file = fopen(log->temp, "we");
	if (!log->file)
		return error_errno(err, "cannot create the build log %s", path);
	log->zstd = ZSTD_createCCtx();
	if (!log->zstd)
		return error_make(err, "cannot start the log's compressor");
	return 0;
}

static void compress(struct buildlog *log, const char *bytes, size_t n,
		     ZSTD_EndDirective end)
{
	ZSTD_inBuffer in = {bytes, n, 0};
	char out[16 * 1024];
	size_t left;

	if (!log->file || !log->zstd)
		return;
	do {
		ZSTD_outBuffer to = {out, sizeof(out), 0};

		left = ZSTD_compressStream2(log->zstd, &to, &in, end);
		if (ZSTD_isError(left) || fwrite(out, 1, to.pos, log->file) != to.pos) {
			fclose(take_ptr(&log->file));
			unlink(log->temp);
			return;
		}
	} while (end == ZSTD_e_end ? left != 0 : in.pos < in.size);
}

/* "  CC      init/main.o", "  LD [M]  x.ko": what Kbuild prints for one object. */
static bool is_object(const char *s)
{
	if (s[0] != ' ' || s[1] != ' ' || s[2] < 'A' || s[2] > 'Z')
		return false;
	for (s += 2; (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || *s == '_';
	     s++)
		;
	return *s == ' ';
}

static void remember(char **slot, const char *line)
{
	if (!*slot)
		*slot = xstrdup(line);
}

static void look_for_errors(struct buildlog *log, const char *s)
{
	if (strstr(s, "No space left on device"))
		log->no_space = true;
	if (strstr(s, ": error: ") || strstr(s, ": fatal error: ") ||
	    str_starts(s, "error: ") || str_starts(s, "error[E") ||
	    strstr(s, ": undefined reference to ") || str_starts(s, "ERROR: modpost: ") ||
	    strstr(s, "ld: cannot find "))
		remember(&log->compiler, s);
	else if (str_starts(s, "make") && strstr(s, "*** "))
		remember(&log->make, s);
	else if (strstr(s, "rror:") || strstr(s, "not found") ||
		 strstr(s, "No such file"))
		remember(&log->last_words, s);
}

/* The end of a word, which may be quoted text with blanks. */
static const char *word_end(const char *s)
{
	if (*s != '"')
		return s + strcspn(s, " ");
	for (s++; *s && *s != '"'; s++)
		if (*s == '\\' && s[1])
			s++;
	return *s ? s + 1 : s;
}

/* SYMBOL ASKED GOT, separated by single blanks. */
static void take_refusal(struct buildlog *log, const char *s)
{
	const char *first = word_end(s);
	const char *last = *first ? word_end(first + 1) : first;

	if (!*last)
		return;
	argv_pushf(&log->refusals, "%.*s", (int)(first - s), s);
	argv_pushf(&log->refusals, "%.*s", (int)(last - first - 1), first + 1);
	argv_push(&log->refusals, last + 1);
}

/* WHAT FILE DEV; FILE may have blanks. */
static void take_loads(struct buildlog *log, const char *what, const char *s)
{
	const char *last = strrchr(s, ' ');

	if (!last)
		last = s + strlen(s);
	argv_push(&log->loads, what);
	argv_pushf(&log->loads, "%.*s", (int)(last - s), s);
	argv_push(&log->loads, *last ? last + 1 : "");
}

/* True if the line was for us. */
static bool take_directive(struct buildlog *log, const char *s)
{
	static const char mark[] = "@kbuild ";

	if (!str_starts(s, mark))
		return false;
	s += sizeof(mark) - 1;
	if (str_starts(s, "phase "))
		message_phase(log->messages, s + 6);
	else if (str_starts(s, "warn "))
		message_text(log->messages, "warn", s + 5);
	else if (str_starts(s, "error "))
		remember(&log->said, s + 6);
	else if (str_starts(s, "refused "))
		strbuf_printf(&log->refused, "%s%s", log->refused.len ? "\n" : "", s + 8);
	else if (str_starts(s, "hint "))
		remember(&log->hint, s + 5);
	else if (str_starts(s, "ungranted "))
		take_refusal(log, s + 10);
	else if (str_starts(s, "loads "))
		take_loads(log, "loads", s + 6);
	else if (str_starts(s, "may-load "))
		take_loads(log, "may-load", s + 9);
	else if (str_starts(s, "symvers "))
		take_loads(log, "symvers", s + 8);
	else if (str_starts(s, "verdict "))
		argv_push(&log->verdicts, s + 8);
	return true;
}

static void take_line(struct buildlog *log)
{
	const char *s = log->line.ptr;

	if (take_directive(log, s))
		return;
	if (log->lines)
		message_text(log->messages, "line", s);
	if (is_object(s)) {
		log->objects++;
	} else {
		look_for_errors(log, s);
	}
	if (log->tail.n == BUILDLOG_TAIL) {
		free(log->tail.v[0]);
		memmove(log->tail.v, log->tail.v + 1, log->tail.n * sizeof(*log->tail.v));
		log->tail.n--;
	}
	argv_push(&log->tail, s);
}

void buildlog_add(struct buildlog *log, const char *bytes, size_t n)
{
	log->bytes += n;
	compress(log, bytes, n, ZSTD_e_continue);
	for (struct str rest = {bytes, n}; rest.ptr;) {
		struct str part = str_cut(&rest, '\n');

		if (log->line.len < BUILDLOG_LINE_MAX && !log->cut)
			for (size_t i = 0; i < part.len; i++)
				strbuf_addc(&log->line, part.ptr[i] ? part.ptr[i] : '?');
		log->cut = log->line.len >= BUILDLOG_LINE_MAX;
		if (!rest.ptr)
			break; /* the line is not ended yet */
		if (log->line.len)
			take_line(log);
		strbuf_reset(&log->line);
		log->cut = false;
	}
	if (log->objects != log->objects_told && clock_s() - log->told_at > 0.1) {
		log->told_at = clock_s();
		log->objects_told = log->objects;
		message_count(log->messages, NULL, log->objects, 0);
	}
}

int buildlog_close(struct buildlog *log, struct error *err)
{
	if (log->line.len)
		take_line(log);
	if (!log->file)
		return error_make(err, "the build log could not be written");
	compress(log, "", 0, ZSTD_e_end);
	if (!log->file)
		return error_make(err, "the build log could not be written");
	FILE *f = take_ptr(&log->file);
	if (fclose(f) == 0 && rename(log->temp, log->path) == 0)
		return 0;
	error_errno(err, "cannot write the build log %s", log->path);
	unlink(log->temp);
	return -1;
}

void buildlog_finish(struct buildlog *log)
{
	if (log->file) {
		fclose(log->file);
		unlink(log->temp);
	}
	ZSTD_freeCCtx(log->zstd);
	strbuf_finish(&log->line);
	strbuf_finish(&log->refused);
	free(log->hint);
	argv_finish(&log->tail);
	argv_finish(&log->refusals);
	argv_finish(&log->loads);
	argv_finish(&log->verdicts);
	free(log->path);
	free(log->temp);
	free(log->said);
	free(log->compiler);
	free(log->make);
	free(log->last_words);
}

const char *buildlog_first_error(const struct buildlog *log)
{
	return log->said       ? log->said
	       : log->compiler ? log->compiler
	       : log->make     ? log->make
			       : log->last_words;
}

static int decompress(FILE *f, ZSTD_DCtx *zstd, int fd)
{
	char in[16 * 1024], out[64 * 1024];
	size_t n;

	while ((n = fread(in, 1, sizeof(in), f)) > 0) {
		ZSTD_inBuffer from = {in, n, 0};

		while (from.pos < from.size) {
			ZSTD_outBuffer to = {out, sizeof(out), 0};

			if (ZSTD_isError(ZSTD_decompressStream(zstd, &to, &from))) {
				errno = EIO;
				return -1;
			}
			if (write_all(fd, out, to.pos) < 0)
				return -1;
		}
	}
	return ferror(f) ? -1 : 0;
}

int buildlog_print(const char *path, int fd, struct error *err)
{
	autofile FILE *f = fopen(path, "re");

	if (!f)
		return error_errno(err, "cannot open the build log %s", path);
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	int rc = zstd ? decompress(f, zstd, fd) : -1;
	ZSTD_freeDCtx(zstd);
	return rc < 0 ? error_errno(err, "cannot print the build log %s", path) : 0;
}
