/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The store: immutable, content-addressed trees under ROOT/nix/store and the database
 * under ROOT/nix/var/nix that says which of them are valid. A tree without a row is
 * garbage; a row is written only when the tree is whole and on disk.
 *
 * Paths given and returned are logical (/nix/store/...) unless a name says physical.
 *
 *	autostore struct store *st = NULL;
 *	if (store_open(root, STORE_WRITE, &st, err) < 0)
 *		return -1;
 *	int found = store_find(st, path, err);    // 1 valid, 0 not, -1 failed
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/argv.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/str.h"

struct store;
struct key_public; /* store/key.h */

enum store_mode {
	STORE_READ,  /* opens what is there; an absent store is empty */
	STORE_WRITE, /* creates what is missing */
	/* For whoever makes room: gives up the space that is reserved for that, since on
	 * a full disk not even the database can be opened. Otherwise as STORE_WRITE. */
	STORE_COLLECT,
	/*
	 * As STORE_WRITE, alone at first: a database that is broken or gone is put aside
	 * and an empty one made. See store/recover.h.
	 */
	STORE_RECOVER,
};

/*
 * The default root: KBUILD_ROOT, else ${XDG_DATA_HOME:-~/.local/share}/kbuild; without a
 * home /var/lib/kbuild.
 */
char *store_default_root(void);
int store_open(const char *root, enum store_mode mode, struct store **out,
	       struct error *err);
void store_close(struct store *st);
static inline void cleanup_store(struct store **st)
{
	store_close(*st);
}
#define autostore __attribute__((cleanup(cleanup_store)))

/*
 * Gives the database back while processes forked from this one use the store: a
 * connection must not be carried over. Until store_resume one can ask for temporary roots
 * and nothing else; those there are stay.
 */
void store_suspend(struct store *st);
int store_resume(struct store *st, struct error *err);

/* Absolute physical paths, valid as long as the store is open. */
const char *store_root(const struct store *st);
const char *store_physical_dir(const struct store *st);
/* Where the bytes of a logical path (or a path below one) are; freed by the caller. */
char *store_physical(const struct store *st, const char *path);
/* A directory of ours on the store's file system for builds and downloads. */
const char *store_scratch_dir(const struct store *st);
/*
 * A private directory PID-WHAT-... in it, and its lock, which says as long as it is open
 * that the directory is in use. Both are the caller's: dir_remove, free, close.
 */
int store_make_scratch(const char *scratch_dir, const char *what, char **path, int *lock,
		       struct error *err);
/*
 * Removes what killed processes left there. A directory PID-... is stale when its maker
 * is gone and nobody holds its lock (a process of another PID namespace would).
 */
void store_clear_scratch(const char *scratch_dir);

struct path_info {
	const char *path;
	struct sha256 nar;
	uint64_t nar_size;
	const char *deriver; /* NULL: unknown */
	const char *ca;      /* NULL: input-addressed */
	const char **sigs;
	size_t nsigs;
	const char *
		*refs; /* sorted full paths, itself included when it refers to itself */
	size_t nrefs;
	int64_t registered; /* seconds since the epoch */
	bool ultimate;      /* built here */
};

/* 1 valid, 0 not, -1 failed. */
int store_find(struct store *st, const char *path, struct error *err);
/* The same with all that is known; lives in the arena. */
int store_info(struct store *st, const char *path, struct arena *a, struct path_info *out,
	       struct error *err);
/* The one valid path whose digest begins so (at least 4 characters), else 0. */
int store_find_digest(struct store *st, const char *digest, struct arena *a,
		      const char **path, struct error *err);
/* Closure of the given valid paths, sorted. */
int store_closure(struct store *st, const char *const *paths, size_t n, struct argv *out,
		  struct error *err);

/* --- adding ----------------------------------------------------------------------- */

/* Leave a name of a directory out; `path` is relative to the tree's root. */
typedef bool store_filter(void *ctx, const char *path, bool is_dir);

struct store_add {
	const char *physical; /* file, link or tree on this machine; only read */
	const char *name;
	store_filter *skip; /* NULL: everything */
	void *skip_ctx;
	const struct sha256 *expect; /* NAR hash it must have, NULL: any */
};

/* Copies a tree in one pass, hashing what is written. The path goes to *path (arena). */
int store_add(struct store *st, const struct store_add *add, struct arena *a,
	      const char **path, struct error *err);
/* A text object such as a .drv; refs are full paths. */
int store_add_text(struct store *st, const char *name, struct str text,
		   const char *const *refs, size_t nrefs, struct arena *a,
		   const char **path, struct error *err);
/*
 * Takes over a tree of ours (below store_scratch_dir, or at least on the same file
 * system): makes it canonical, hashes it, scans for references, moves it to its
 * content-addressed path and registers it. On failure the tree is left where it is.
 */
struct store_take {
	const char *physical; /* consumed on success */
	const char *name;
	const char *const *candidates; /* logical paths whose digests to look for */
	size_t ncandidates;
	const char *const
		*forbidden; /* logical paths that must not occur (own scratch outputs) */
	size_t nforbidden;
	const char *deriver;
	const struct sha256 *expect; /* NAR hash, NULL: any */
	const struct sha256
		*flat; /* a single file with this SHA-256: flat path instead */
	uid_t owner;   /* every inode must belong to it; (uid_t)-1: anyone */
	bool ultimate;
};
int store_take(struct store *st, const struct store_take *take, struct arena *a,
	       struct path_info *out, struct error *err);

/* --- realisations: resolved derivation's output path -> content-addressed path ---- */

struct realisation {
	const char *key;  /* input-addressed path of the output: the realisation key */
	const char *path; /* content-addressed */
};

/*
 * The content-addressed path recorded for a key, if both are valid. 1, 0, -1. `info` is
 * what is known of the record itself: it is a claim, made here (ultimate) or signed by
 * somebody, whom the caller believes or not.
 */
int store_realisation(struct store *st, const char *key, struct arena *a,
		      struct path_info *info, const char **path, struct error *err);
/*
 * Records all outputs of one build in one transaction: each key becomes a store object, a
 * symbolic link to the content-addressed path with exactly that reference, which plain
 * Nix understands too. `drv` is the resolved derivation's store path.
 *
 * A key that has a value already keeps it when it was built here, or when one of the keys
 * in `trust` signed it: look it up afterwards. One that nobody vouches for is replaced.
 */
int store_record(struct store *st, const struct realisation *r, size_t n, const char *drv,
		 const struct key_public *trust, size_t ntrust, struct error *err);

/* --- locks, roots, logs ----------------------------------------------------------- */

/*
 * Exclusive lock on a path that is about to be built or imported: flock on PATH.lock
 * beside it, as Nix does. *fd is the lock; close it with store_unlock. With wait false, 0
 * means somebody else has it. What this handle has locked already it locks again, without
 * a descriptor.
 */
int store_lock(struct store *st, const char *path, bool wait, int *fd, struct error *err);
void store_unlock(struct store *st, const char *path, int fd);

/*
 * Collector roots that belong together: links in ROOT/nix/var/nix/gcroots/kbuild/NAME.
 * The group is given up by our collector once its place is gone; Nix's sees links only.
 */
struct store_root {
	const char *name, *path;
};
struct store_group {
	const char *name;
	const char
		*place; /* absolute: the directory, or the user's link, it stands for */
	const struct store_root *roots;
	size_t nroots;
	bool whole; /* other links of the group are removed */
};
enum { STORE_GROUP_NAME_SIZE = 33 };
/* A name made of the absolute path of whoever wants the roots; returns out. */
const char *store_group_name(const char *owner, char out[STORE_GROUP_NAME_SIZE]);
/* Is it just so already? Only looks, needs no open store. */
bool store_group_is(const char *root, const struct store_group *group);
/*
 * Makes it so. 0 done, 1 one of the paths is not valid any more: a collector was faster,
 * -1.
 */
int store_group_set(struct store *st, const struct store_group *group, struct error *err);
/*
 * Makes the absolute path `link` a link to the object and a root of it, for as long as it
 * leads there. Only a link is ever replaced.
 */
int store_add_user_root(struct store *st, const char *link, const char *path,
			struct error *err);
/* A root for the life of this handle (Nix's temproots file). */
int store_temp_root(struct store *st, const char *path, struct error *err);

/* Physical file of the build log of a derivation, compressed; freed by the caller. */
char *store_log_path(const struct store *st, const char *drv_path);
