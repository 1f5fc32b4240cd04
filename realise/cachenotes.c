// SPDX-License-Identifier: MIT
#include "realise/cachenotes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/str.h"
#include "store/path.h"

int64_t notes_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static char *file_of(const char *dir, const char *url)
{
	struct sha256 h = sha256_of(url, strlen(url));
	char digest[PATH_DIGEST_LEN + 1];

	return xasprintf("%s/%s", dir, path_digest(&h, digest));
}

/* A clock that was set back makes notes of the future: they do not count either. */
static bool counts(int64_t when, int64_t now, int64_t age)
{
	return when > now - age && when <= now;
}

void notes_absent(struct cache_notes *n, const char *digest, int64_t when)
{
	int64_t *old = map_get(&n->absent, digest);

	if (when <= n->forgot || (old && *old >= when))
		return;
	int64_t *mine = xmalloc(sizeof(*mine));
	*mine = when;
	free(map_set(&n->absent, digest, mine));
}

bool notes_has_absent(const struct cache_notes *n, const char *digest)
{
	return map_get(&n->absent, digest) != NULL;
}

static void latest(int64_t *have, int64_t when)
{
	if (when > *have)
		*have = when;
}

/* One line; what is not understood is of another version. */
static void read_line(struct cache_notes *n, const char *line, int64_t now)
{
	char digest[PATH_DIGEST_LEN + 1];
	int64_t when;
	long priority;

	if (sscanf(line, "info %" SCNd64 " %ld", &when, &priority) == 2) {
		if (counts(when, now, NOTE_INFO_MS) && when > n->info) {
			n->info = when;
			n->priority = priority;
		}
	} else if (sscanf(line, "down %" SCNd64, &when) == 1) {
		if (counts(when, now, NOTE_DOWN_MS))
			latest(&n->down, when);
	} else if (sscanf(line, "told %" SCNd64, &when) == 1) {
		if (counts(when, now, NOTE_TOLD_MS))
			latest(&n->told, when);
	} else if (sscanf(line, "forgot %" SCNd64, &when) == 1) {
		if (counts(when, now, NOTE_ABSENT_MS))
			latest(&n->forgot, when);
	} else if (sscanf(line, "absent %" SCNd64 " %32s", &when, digest) == 2) {
		if (counts(when, now, NOTE_ABSENT_MS))
			notes_absent(n, digest, when);
	}
}

/* `forgot` stands before what it forgets: see write_all_notes. */
static void join(const char *dir, const char *url, struct cache_notes *n)
{
	autofree char *file = file_of(dir, url);
	autobuf struct strbuf text = STRBUF_INIT;
	autoerror struct error ignored = {0};
	int64_t now = notes_now();

	if (access(file, R_OK) < 0 || dir_read(AT_FDCWD, file, &text, &ignored) < 0)
		return;
	struct str rest = {text.ptr, text.len};
	while (rest.ptr) {
		struct str line = str_cut(&rest, '\n');
		autofree char *copy = xstrndup(line.ptr, line.len);

		read_line(n, copy, now);
	}
}

void notes_read(const char *dir, const char *url, struct cache_notes *out)
{
	*out = (struct cache_notes){0};
	if (dir)
		join(dir, url, out);
}

static void write_notes(const char *dir, const char *url, const struct cache_notes *n)
{
	autofree char *file = file_of(dir, url);
	autobuf struct strbuf text = STRBUF_INIT;
	autoerror struct error ignored = {0};

	if (n->forgot)
		strbuf_printf(&text, "forgot %" PRId64 "\n", n->forgot);
	if (n->info)
		strbuf_printf(&text, "info %" PRId64 " %ld\n", n->info, n->priority);
	if (n->down)
		strbuf_printf(&text, "down %" PRId64 "\n", n->down);
	if (n->told)
		strbuf_printf(&text, "told %" PRId64 "\n", n->told);
	map_each (&n->absent, e) {
		int64_t when = *(const int64_t *)e->value;

		if (when > n->forgot)
			strbuf_printf(&text, "absent %" PRId64 " %s\n", when, e->key);
	}
	strbuf_adds(&text, "");
	if (dir_make(AT_FDCWD, dir, 0755, &ignored) == 0)
		dir_write(AT_FDCWD, file, text.ptr, text.len, 0644, false, &ignored);
}

void notes_write(const char *dir, const char *url, const struct cache_notes *n)
{
	struct cache_notes all;

	if (!dir)
		return;
	notes_read(dir, url, &all);
	latest(&all.forgot, n->forgot);
	if (n->info > all.info) {
		all.info = n->info;
		all.priority = n->priority;
	}
	latest(&all.down, n->down);
	latest(&all.told, n->told);
	map_each (&n->absent, e)
		notes_absent(&all, e->key, *(const int64_t *)e->value);
	write_notes(dir, url, &all);
	notes_finish(&all);
}

void notes_finish(struct cache_notes *n)
{
	map_each (&n->absent, e)
		free(e->value);
	map_finish(&n->absent);
	*n = (struct cache_notes){0};
}
