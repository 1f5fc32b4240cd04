// SPDX-License-Identifier: MIT
#include "fetchers/deb.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/map.h"
#include "fetchers/glob.h"
#include "fetchers/member.h"

enum { THREADS_LIMIT = 8 };

static int deb_data(int fd, struct archive **outer, struct archive **data,
		    struct error *err)
{
	struct archive_entry *e;
	int more;

	*outer = reader_open(READER_AR, fd, err);
	if (!*outer)
		return -1;
	while ((more = reader_next(*outer, "the package", &e, err)) > 0) {
		if (!str_starts(archive_entry_pathname(e), "data.tar"))
			continue;
		*data = reader_inside(READER_TAR, *outer, err);
		return *data ? 0 : -1;
	}
	return more < 0 ? -1
			: error_make(err, "is no Debian package: it has no data.tar");
}

int deb_member(int fd, const char *path, struct archive **outer, struct archive **data,
	       struct error *err)
{
	autobuf struct strbuf name = STRBUF_INIT;
	struct archive_entry *e;
	int more;

	if (deb_data(fd, outer, data, err) < 0)
		return -1;
	while ((more = reader_next(*data, "the package", &e, err)) > 0) {
		const char *raw = archive_entry_pathname(e);
		int kept = tree_member(raw, 0, &name, err);

		if (kept < 0)
			return -1;
		if (strcmp(name.ptr, path) == 0 && archive_entry_filetype(e) == AE_IFREG)
			return 0;
	}
	return more < 0 ? -1 : error_make(err, "the package has no file %s", path);
}

/* --- one tree, several threads --------------------------------------------- */

struct job {
	struct deb_tree *d;
	struct globs prune;
	size_t *order; /* big packages first */
	off_t *sizes;

	pthread_mutex_t lock; /* everything below */
	size_t next;
	struct map owners; /* path -> index of its package + 1 */
	bool settling;     /* one thread is left */
	bool *again;       /* packages that met an earlier one's file */
	uint64_t nfiles, nbytes, done, total;
	struct error error;
};

/* One package being unpacked. */
struct unpacking {
	struct job *job;
	struct tree *tree;
	size_t index;
	struct bounds bounds;
};

static bool top_dir_of_usr(const char *path, size_t n)
{
	static const char *const names[] = {"bin",   "sbin",  "lib",
					    "lib32", "lib64", "libx32"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strlen(names[i]) == n && memcmp(names[i], path, n) == 0)
			return true;
	return false;
}

/* In place: lib/x becomes usr/lib/x. Was it changed? */
static bool merge(struct strbuf *path)
{
	if (!top_dir_of_usr(path->ptr, strcspn(path->ptr, "/")))
		return false;
	autofree char *old = strbuf_take(path);
	strbuf_printf(path, "usr/%s", old);
	return true;
}

/* Where a link text leads, from the directory of `path`; "" for outside. */
static void follow_text(const char *path, const char *text, struct strbuf *out)
{
	const char *slash = strrchr(path, '/');
	struct str rest = str_of(text);

	strbuf_reset(out);
	strbuf_adds(out, "");
	if (*text != '/' && slash)
		strbuf_add(out, path, (size_t)(slash - path));
	while (rest.ptr) {
		struct str part = str_cut(&rest, '/');

		if (part.len == 0 || str_is(part, "."))
			continue;
		if (str_is(part, "..")) {
			char *last = strrchr(out->ptr, '/');
			out->len = last ? (size_t)(last - out->ptr) : 0;
			out->ptr[out->len] = '\0';
			continue;
		}
		if (out->len)
			strbuf_addc(out, '/');
		strbuf_add(out, part.ptr, part.len);
	}
}

/*
 * Is it ours to write? The later package of the list shall have a file that two bring,
 * but two threads must not write it at once: who comes second leaves it alone, and the
 * later package is unpacked once more when everybody is done.
 */
static bool claim(struct job *job, const char *path, size_t index)
{
	size_t mine = index + 1;

	pthread_mutex_lock(&job->lock);
	size_t owner = (size_t)(uintptr_t)map_get(&job->owners, path);
	bool ours = !owner || owner == mine;
	if (!ours) {
		ours = job->settling && mine > owner;
		job->again[(mine > owner ? mine : owner) - 1] = true;
	}
	if (mine > owner)
		map_set(&job->owners, path, (void *)(uintptr_t)mine);
	pthread_mutex_unlock(&job->lock);
	return ours;
}

/* A file that two packages bring may not be there yet: a link to it waits as well. */
static bool may_link(struct job *job, const char *old, size_t index)
{
	pthread_mutex_lock(&job->lock);
	size_t owner = (size_t)(uintptr_t)map_get(&job->owners, old);
	bool now = job->settling || !owner || (owner == index + 1 && !job->again[index]);
	if (!now)
		job->again[index] = true;
	pthread_mutex_unlock(&job->lock);
	return now;
}

/*
 * A link of a directory that moved below usr: what it says is meant from its old place. A
 * link that now leads to itself (/usr/bin/x -> /bin/x) is dropped.
 */
static int put_link(struct unpacking *u, const char *raw, const char *path, bool moved,
		    const char *text, struct error *err)
{
	autobuf struct strbuf to = STRBUF_INIT;
	autofree char *absolute = NULL;

	if (u->job->d->merge_usr) {
		follow_text(raw, text, &to);
		if (moved && str_starts(text, "../"))
			text = absolute = xasprintf("/%s", to.ptr);
		merge(&to);
		if (strcmp(to.ptr, path) == 0)
			return 0;
	}
	return claim(u->job, path, u->index) ? tree_symlink(u->tree, path, text, err) : 0;
}

static int put_hardlink(struct unpacking *u, const char *path, const char *raw,
			struct error *err)
{
	autobuf struct strbuf old = STRBUF_INIT;

	if (tree_member(raw, 0, &old, err) < 0)
		return -1;
	if (u->job->d->merge_usr)
		merge(&old);
	bool ours = claim(u->job, path, u->index);
	if (!may_link(u->job, old.ptr, u->index) || !ours)
		return 0;
	return tree_hardlink(u->tree, path, old.ptr, err);
}

static int put(struct unpacking *u, struct archive *a, struct archive_entry *e,
	       struct error *err)
{
	const char *refused = member_refused(e);
	autobuf struct strbuf path = STRBUF_INIT;

	if (refused)
		return error_make(err, "member '%s' is a %s", archive_entry_pathname(e),
				  refused);
	if (tree_member(archive_entry_pathname(e), 0, &path, err) < 0)
		return -1;
	if (!path.len)
		return 0;
	autofree char *raw = xstrdup(path.ptr);
	bool moved = u->job->d->merge_usr && merge(&path);
	if (globs_match(&u->job->prune, path.ptr))
		return 0;
	if (bounds_member(&u->bounds, raw, err) < 0)
		return -1;
	if (archive_entry_hardlink(e))
		return put_hardlink(u, path.ptr, archive_entry_hardlink(e), err);
	switch (archive_entry_filetype(e)) {
	case AE_IFDIR:
		return tree_dir(u->tree, path.ptr, err);
	case AE_IFLNK:
		if (moved && !strchr(raw, '/'))
			return tree_dir(u->tree, path.ptr,
					err); /* bin -> usr/bin itself */
		return put_link(u, raw, path.ptr, moved, archive_entry_symlink(e), err);
	default:
		if (!claim(u->job, path.ptr, u->index))
			return 0;
		return member_file(a, e, u->tree, path.ptr, &u->bounds, err);
	}
}

static int unpack_one(struct unpacking *u, int fd, struct error *err)
{
	autoreader struct archive *outer = NULL, *data = NULL;
	struct archive_entry *e;
	int more;

	if (deb_data(fd, &outer, &data, err) < 0)
		return -1;
	while ((more = reader_next(data, "the package", &e, err)) > 0)
		if (put(u, data, e, err) < 0)
			return -1;
	return more;
}

static int unpack_index(struct unpacking *u, struct error *err)
{
	const char *deb = u->job->d->debs.v[u->index];
	autoclose int fd = open(deb, O_RDONLY | O_CLOEXEC);

	u->bounds = bounds_of((uint64_t)u->job->sizes[u->index]);
	if (fd < 0)
		return error_errno(err, "cannot open %s", deb);
	if (unpack_one(u, fd, err) < 0)
		return error_wrap(err, "cannot unpack %s", deb);
	return 0;
}

/* The next package of the queue, false at the end or after a failure. */
static bool take_next(struct job *job, size_t *index)
{
	pthread_mutex_lock(&job->lock);
	bool more = job->next < job->d->debs.n && !error_is_set(&job->error);
	if (more)
		*index = job->order[job->next++];
	pthread_mutex_unlock(&job->lock);
	return more;
}

static void note_done(struct job *job, const struct unpacking *u, struct error *err)
{
	pthread_mutex_lock(&job->lock);
	job->nfiles += u->bounds.members;
	job->nbytes += u->bounds.bytes;
	job->done += (uint64_t)job->sizes[u->index];
	if (error_is_set(err) && !error_is_set(&job->error))
		error_join(&job->error, err);
	else if (!error_is_set(err))
		progress_say(job->d->progress, "packages", job->done, job->total);
	pthread_mutex_unlock(&job->lock);
	error_finish(err);
}

static void *work(void *ctx)
{
	struct unpacking u = {.job = ctx};
	struct job *job = ctx;
	struct error err = {0};

	if (tree_create(job->d->dest, TREE_EXISTS, &u.tree, &err) < 0) {
		note_done(job, &u, &err);
		return NULL;
	}
	while (take_next(job, &u.index)) {
		unpack_index(&u, &err);
		note_done(job, &u, &err);
	}
	tree_close(u.tree);
	return NULL;
}

/* In the order of the list, by one thread. */
static int settle_conflicts(struct job *job, struct error *err)
{
	struct unpacking u = {.job = job};
	autotree struct tree *t = NULL;

	job->settling = true;
	if (tree_create(job->d->dest, TREE_EXISTS, &t, err) < 0)
		return -1;
	u.tree = t;
	for (u.index = 0; u.index < job->d->debs.n; u.index++)
		if (job->again[u.index] && unpack_index(&u, err) < 0)
			return -1;
	return 0;
}

static int by_size(const void *a, const void *b, void *ctx)
{
	const off_t *sizes = ctx;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	if (sizes[x] != sizes[y])
		return sizes[x] > sizes[y] ? -1 : 1;
	return x < y ? -1 : 1;
}

static int plan(struct job *job, struct error *err)
{
	size_t n = job->d->debs.n;

	job->order = xcalloc(n ? n : 1, sizeof(*job->order));
	job->sizes = xcalloc(n ? n : 1, sizeof(*job->sizes));
	job->again = xcalloc(n ? n : 1, sizeof(*job->again));
	for (size_t i = 0; i < n; i++) {
		struct stat st;

		if (stat(job->d->debs.v[i], &st) < 0)
			return error_errno(err, "cannot open %s", job->d->debs.v[i]);
		job->order[i] = i;
		job->sizes[i] = st.st_size;
		job->total += (uint64_t)st.st_size;
	}
	qsort_r(job->order, n, sizeof(*job->order), by_size, job->sizes);
	return 0;
}

static void run_threads(struct job *job)
{
	pthread_t threads[THREADS_LIMIT];
	cpu_set_t cpus;
	unsigned want = job->d->threads, started = 0;

	if (!want)
		want = sched_getaffinity(0, sizeof(cpus), &cpus) == 0
			       ? (unsigned)CPU_COUNT(&cpus)
			       : 1;
	if (want > THREADS_LIMIT)
		want = THREADS_LIMIT;
	while (started + 1 < want &&
	       pthread_create(&threads[started], NULL, work, job) == 0)
		started++;
	work(job);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

static int fill(struct deb_tree *d, struct error *err)
{
	struct job job = {.d = d, .lock = PTHREAD_MUTEX_INITIALIZER};
	int failed;

	globs_add(&job.prune, d->prune);
	failed = plan(&job, err);
	if (!failed && mkdir(d->dest, 0755) < 0)
		failed = error_errno(err, "cannot create directory %s", d->dest);
	if (!failed) {
		run_threads(&job);
		if (error_is_set(&job.error))
			failed = error_join(err, &job.error);
	}
	if (!failed)
		failed = settle_conflicts(&job, err);
	d->nfiles = job.nfiles;
	d->nbytes = job.nbytes;
	map_finish(&job.owners);
	globs_finish(&job.prune);
	free(job.order);
	free(job.sizes);
	free(job.again);
	return failed;
}

int deb_unpack(struct deb_tree *d, struct error *err)
{
	autoerror struct error quiet = {0};

	if (fill(d, err) == 0 && deb_fixups(d, err) == 0)
		return 0;
	dir_remove(AT_FDCWD, d->dest, &quiet);
	return -1;
}
