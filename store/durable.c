// SPDX-License-Identifier: MIT
#include "store/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/log.h"
#include "store/digest.h"
#include "store/internal.h"
#include "store/lock.h"
#include "store/path.h"

enum {
	NOTE_AGE_S = 60 * 60,
	MARGIN_S = 60,
};

static const char note_name[] = "unsynced"; /* in ROOT/nix/var/kbuild: "BOOT TIME\n" */

struct note {
	char boot[64];
	long long since;
};

static int own_boot(char boot[64], struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;

	if (dir_read(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &text, err) < 0)
		return -1;
	snprintf(boot, 64, "%.*s", (int)strcspn(text.ptr, "\n"), text.ptr);
	return 0;
}

/* 1 and the note, 0 if there is none. */
static int read_note(struct store *st, struct note *out, struct error *err)
{
	autofree char *file = path_join(st->own, note_name);
	autobuf struct strbuf text = STRBUF_INIT;

	if (access(file, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (dir_read(AT_FDCWD, file, &text, err) < 0)
		return -1;
	if (sscanf(text.ptr, "%63s %lld", out->boot, &out->since) != 2)
		*out = (struct note){.boot = "?"}; /* then everything is in doubt */
	return 1;
}

static int write_note(struct store *st, long long since, struct error *err)
{
	autofree char *file = path_join(st->own, note_name);
	struct note note;

	if (own_boot(note.boot, err) < 0)
		return -1;
	autofree char *text = xasprintf("%s %lld\n", note.boot, since);
	if (dir_write(AT_FDCWD, file, text, strlen(text), 0644, true, err) < 0)
		return -1;
	autoclose int dir = open(st->own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fsync(dir) < 0)
		return error_errno(err, "cannot write %s to disk", file);
	return 0;
}

static int intact(struct store *st, const char *path, struct error *err)
{
	struct arena a = {0};
	struct path_info info;
	autodigest struct digest *d = digest_new(NULL);
	const struct nar_dump dump = {.dir = st->dirfd, .path = path_base(path)};
	autoerror struct error damage = {0};
	uint64_t size;

	int known = db_info(st->db, path, &a, &info, err);
	bool same = false;
	if (known == 1 && nar_dump(&dump, digest_sink(d), &damage) == 0) {
		struct sha256 h = digest_end(d, &size);

		same = sha256_equal(&h, &info.nar) && size == info.nar_size;
	}
	arena_finish(&a);
	return known < 0 ? -1 : same;
}

/* Drops the row, after those that refer to it. */
static int forget(struct store *st, const char *path, struct error *err)
{
	autoargv struct argv referrers = {0};

	if (db_list(st->db, DB_REFERRERS, path, &referrers, err) < 0)
		return -1;
	for (size_t i = 0; i < referrers.n; i++)
		if (strcmp(referrers.v[i], path) != 0 &&
		    forget(st, referrers.v[i], err) < 0)
			return -1;
	log_say(LOG_WARN, "%s did not survive the last power loss; it will be made again",
		path);
	return db_remove(st->db, path, err);
}

static int check_since(struct store *st, long long since, struct error *err)
{
	autoargv struct argv paths = {0};
	autofree char *when = xasprintf("%lld", since);

	if (db_list(st->db, DB_SINCE, when, &paths, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.n; i++) {
		int good = intact(st, paths.v[i], err);

		if (good < 0)
			return -1;
		if (good)
			continue;
		if (db_begin(st->db, err) < 0)
			return -1;
		if (forget(st, paths.v[i], err) < 0 || db_commit(st->db, err) < 0) {
			db_rollback(st->db);
			return -1;
		}
	}
	return 0;
}

/* Under the lock: whoever comes second finds the note of this boot, or none. */
static int recover_locked(struct store *st, struct error *err)
{
	autofree char *file = path_join(st->own, note_name);
	struct note note;
	char boot[64];

	int found = read_note(st, &note, err);
	if (found <= 0)
		return found;
	if (own_boot(boot, err) < 0)
		return -1;
	if (strcmp(boot, note.boot) == 0)
		return 0;
	if (check_since(st, note.since, err) < 0)
		return error_wrap(err, "while checking what the last shutdown left");
	if (syncfs(st->dirfd) < 0 || (unlink(file) < 0 && errno != ENOENT))
		return error_errno(err, "cannot sync the store");
	return 0;
}

int durable_recover(struct store *st, struct error *err)
{
	autofree char *file = path_join(st->own, note_name);
	autofree char *lock = xasprintf("%s.lock", file);

	if (access(file, F_OK) < 0)
		return 0;
	autoclose int fd = lock_open(AT_FDCWD, lock, err);
	if (fd < 0 || lock_take(fd, true, true, err) < 0)
		return -1;
	return recover_locked(st, err);
}

int durable_before(struct store *st, struct error *err)
{
	long long now = (long long)time(NULL);
	struct note note = {0};

	if (now - st->durable_at < NOTE_AGE_S)
		return 0;
	int found = read_note(st, &note, err);
	if (found < 0)
		return -1;
	st->durable_at = found ? note.since : now;
	if (found && now - note.since < NOTE_AGE_S)
		return 0;
	if (found && syncfs(st->dirfd) < 0)
		return error_errno(err, "cannot sync the store");
	/* Others may be between their tree and their row right now. */
	st->durable_at = now;
	return write_note(st, now - MARGIN_S, err);
}
