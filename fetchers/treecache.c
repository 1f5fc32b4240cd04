// SPDX-License-Identifier: MIT
#include "fetchers/treecache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "base/str.h"
#include "fetchers/treefile.h"

/* A cache file in memory. */
struct loaded {
	void *map;
	size_t size;
	const struct treefile_head *head;
	const struct treefile_entry *entries;
	const char *names;
};

static void unload(struct loaded *l)
{
	if (l->map)
		munmap(l->map, l->size);
}

#define autoloaded __attribute__((cleanup(unload)))

/* Everything in it lies where it says. */
static bool sound(struct loaded *l)
{
	const struct treefile_head *h = l->map;

	if (l->size < sizeof(*h) ||
	    memcmp(h->magic, TREEFILE_MAGIC, sizeof(TREEFILE_MAGIC)) != 0 ||
	    h->entry_size != sizeof(struct treefile_entry))
		return false;
	size_t entries = (size_t)h->nentries * sizeof(struct treefile_entry);
	if (!h->names_len || l->size != sizeof(*h) + entries + h->names_len)
		return false;
	l->head = h;
	l->entries = (const void *)(h + 1);
	l->names = (const char *)(h + 1) + entries;
	if (l->names[h->names_len - 1] != '\0')
		return false;
	for (size_t i = 0; i < h->nentries; i++)
		if (l->entries[i].name >= h->names_len)
			return false;
	return true;
}

static bool load(const char *path, struct loaded *l)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return false;
	l->size = (size_t)st.st_size;
	l->map = mmap(NULL, l->size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (l->map == MAP_FAILED) {
		l->map = NULL;
		return false;
	}
	return sound(l);
}

static bool entry_holds(const struct treefile_entry *e, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT && e->kind == TREEFILE_GUARD && !e->mode;
	return treefile_same(e, &st);
}

/*
 * The directory entries are looked up in: neighbours stand together, and a name alone is
 * found in half the time of a path.
 */
struct lookup {
	int root, dir;
	const char *path; /* of dir, not terminated */
	size_t len;
};

static int dir_of(struct lookup *p, const char *name, const char **base)
{
	const char *slash = strrchr(name, '/');
	size_t len = slash ? (size_t)(slash - name) : 0;

	*base = slash ? slash + 1 : name;
	if (!len)
		return p->root;
	if (p->dir >= 0 && p->len == len && memcmp(p->path, name, len) == 0)
		return p->dir;
	autofree char *path = xstrndup(name, len);
	if (p->dir >= 0)
		close(p->dir);
	p->dir = openat(p->root, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	p->path = name;
	p->len = len;
	return p->dir;
}

static bool all_hold(const struct loaded *l, const char *physical, struct lookup *p)
{
	for (size_t i = 0; i < l->head->nentries; i++) {
		const struct treefile_entry *e = &l->entries[i];
		const char *name = l->names + e->name, *base = name;
		int dir = AT_FDCWD;

		if (strcmp(name, ".") == 0)
			base = physical;
		else if (e->kind != TREEFILE_GUARD && (dir = dir_of(p, name, &base)) < 0)
			return false;
		if (!entry_holds(e, dir, base))
			return false;
	}
	return true;
}

/* Nothing changed since it was written. */
static bool holds(const struct loaded *l, const char *physical)
{
	struct lookup p = {.dir = -1};

	if (l->head->untrusted)
		return false;
	/* a single file has only the root's entry */
	p.root = open(physical, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool answer = all_hold(l, physical, &p);
	if (p.root >= 0)
		close(p.root);
	if (p.dir >= 0)
		close(p.dir);
	return answer;
}

/* What the answer depends on beside the files: its digest names the cache file. */
static char *cache_path(const struct tree_request *req, const char *physical)
{
	struct sha256_ctx *ctx = sha256_new();
	const char *parts[] = {physical, req->include ? req->include : "",
			       req->exclude ? req->exclude : ""};
	char hex[SHA256_HEX_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		sha256_add(ctx, parts[i], strlen(parts[i]) + 1);
	struct sha256 id = sha256_end(ctx);
	sha256_hex(&id, hex);
	return xasprintf("%s/%.40s", req->cache_dir, hex);
}

static int ask(const struct tree_request *req, const char *physical, const char *cache,
	       struct error *err)
{
	struct json_object *in = json_object_new_object(), *result = NULL;

	if (dir_make(AT_FDCWD, req->cache_dir, 0755, err) < 0) {
		json_object_put(in);
		return -1;
	}
	json_add(in, "do", "tree-hash");
	json_add(in, "physical", physical);
	json_add(in, "cache_file", cache);
	json_add(in, "include", req->include);
	json_add(in, "exclude", req->exclude);
	int failed = fetch_call(req->fetch, in, &result, err);
	json_object_put(in);
	json_object_put(result);
	return failed;
}

/* The cache entry, believed or just made. */
static int current(const struct tree_request *req, struct loaded *l, struct error *err)
{
	autofree char *physical = path_absolute(req->physical);

	if (!physical)
		return error_class(err, ERROR_RECIPE, "cannot open %s: %s", req->physical,
				   strerror(errno));
	autofree char *cache = cache_path(req, physical);
	if (load(cache, l) && holds(l, physical))
		return 0;
	unload(l);
	*l = (struct loaded){0};
	if (ask(req, physical, cache, err) < 0)
		return -1;
	errno = 0;
	if (!load(cache, l))
		return error_class(err, ERROR_INFRA, "cannot read %s: %s", cache,
				   errno ? strerror(errno) : "it is damaged");
	return 0;
}

int tree_hash(const struct tree_request *req, struct tree_answer *out, struct error *err)
{
	autoloaded struct loaded l = {0};

	if (current(req, &l, err) < 0)
		return -1;
	memcpy(out->nar.bytes, l.head->nar, sizeof(out->nar.bytes));
	out->nar_size = l.head->nar_size;
	return 0;
}

int tree_members(const struct tree_request *req, struct argv *out, struct error *err)
{
	autoloaded struct loaded l = {0};

	if (current(req, &l, err) < 0)
		return -1;
	for (size_t i = 0; i < l.head->nentries; i++)
		if (l.entries[i].kind == TREEFILE_MEMBER)
			argv_push(out, l.names + l.entries[i].name);
	argv_sort(out);
	return 0;
}
