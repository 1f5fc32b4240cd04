// SPDX-License-Identifier: MIT
#include "store/links.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/sha256.h"
#include "store/ingest.h"
#include "store/internal.h"
#include "store/nar.h"

/* --- inodes ----------------------------------------------------------------------- */

static size_t slot_of(const struct inodes *s, ino_t ino)
{
	size_t i = (size_t)((uint64_t)ino * 0x9e3779b97f4a7c15u >> 32) % s->nslots;

	while (s->slots[i] && s->slots[i] != ino)
		i = (i + 1) % s->nslots;
	return i;
}

static void grow(struct inodes *s)
{
	struct inodes bigger = {.n = s->n, .nslots = s->nslots ? 2 * s->nslots : 64};

	bigger.slots = xcalloc(bigger.nslots, sizeof(*bigger.slots));
	for (size_t i = 0; i < s->nslots; i++)
		if (s->slots[i])
			bigger.slots[slot_of(&bigger, s->slots[i])] = s->slots[i];
	free(s->slots);
	*s = bigger;
}

bool inodes_add(struct inodes *s, ino_t ino)
{
	if (2 * (s->n + 1) > s->nslots)
		grow(s);
	size_t i = slot_of(s, ino);
	if (s->slots[i])
		return false;
	s->slots[i] = ino;
	s->n++;
	return true;
}

bool inodes_has(const struct inodes *s, ino_t ino)
{
	return s->n && s->slots[slot_of(s, ino)] == ino;
}

void inodes_finish(struct inodes *s)
{
	free(s->slots);
	*s = (struct inodes){0};
}

/* --- entries ---------------------------------------------------------------------- */

int links_open(const struct store *st, bool create, struct error *err)
{
	static const char name[] = ".links";

	if (create && mkdirat(st->dirfd, name, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "cannot create %s/%s", st->dir, name);
	int fd = openat(st->dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (create || errno != ENOENT))
		return error_errno(err, "cannot open %s/%s", st->dir, name);
	return fd;
}

struct hashing {
	struct nar_sink sink; /* first: the sink is this */
	struct sha256_ctx *hash;
	char buf[64 * 1024];
};

static int add_to_hash(struct nar_sink *s, struct error *err)
{
	struct hashing *h = (struct hashing *)s;

	(void)err;
	sha256_add(h->hash, s->buf, s->len);
	s->len = 0;
	return 0;
}

int links_key(int dir, const char *name, char key[NIX32_SHA256_SIZE], struct error *err)
{
	struct hashing h = {.sink = {.cap = sizeof(h.buf), .flush = add_to_hash}};
	const struct nar_dump dump = {.dir = dir, .path = name};

	h.sink.buf = h.buf;
	h.hash = sha256_new();
	int failed = nar_dump(&dump, &h.sink, err);
	struct sha256 nar = sha256_end(h.hash);
	nix32_encode(nar.bytes, sizeof(nar.bytes), key);
	return failed;
}

int links_good(const struct store *st, int links, const char *key, struct error *err)
{
	struct nar_node node = {.dir = links, .name = key, .path = key};
	char is[NIX32_SHA256_SIZE];
	struct stat store;

	if (fstat(st->dirfd, &store) < 0 ||
	    fstatat(links, key, &node.st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "cannot examine .links/%s", key);
	if (!S_ISREG(node.st.st_mode) && !S_ISLNK(node.st.st_mode))
		return 0;
	autofree char *blemish = ingest_blemish(&node, store.st_uid);
	if (blemish)
		return 0;
	if (links_key(links, key, is, err) < 0)
		return -1;
	return strcmp(is, key) == 0;
}

static bool is_looked_at(int links, const struct dirent *e, const struct inodes *only)
{
	struct stat st;

	if (only)
		return inodes_has(only, e->d_ino);
	return fstatat(links, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (S_ISDIR(st.st_mode) || st.st_nlink == 1);
}

int links_check(const struct store *st, const struct inodes *only, struct argv *bad,
		struct error *err)
{
	autoerror struct error absent = {0};
	int links = links_open(st, false, &absent);

	if (links < 0)
		return absent.msg ? error_join(err, &absent) : 0;
	autodir DIR *d = fdopendir(links);
	if (!d)
		BUG("fdopendir");
	errno = 0;
	for (struct dirent *e; (e = readdir(d)); errno = 0) {
		autoerror struct error unreadable = {0};

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    !is_looked_at(links, e, only))
			continue;
		if (links_good(st, links, e->d_name, &unreadable) != 1 &&
		    faccessat(links, e->d_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			argv_push(bad, e->d_name);
	}
	if (errno)
		return error_errno(err, "cannot list %s/.links", st->dir);
	argv_sort(bad);
	return 0;
}
