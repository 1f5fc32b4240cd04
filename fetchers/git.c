// SPDX-License-Identifier: MIT
/*
 * Sources of the form git+URL[#REF]. Commits land in a bare repository of the cache, one
 * a URL; the tree object of the wanted commit is written out from there, without a
 * checkout: no filters, no line ends, no hooks.
 */
#include "fetchers/git.h"

#include <ctype.h>
#include <git2.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "fetchers/fetch.h"
#include "fetchers/gitexport.h"
#include "fetchers/gitremote.h"
#include "fetchers/url.h"

/* Once a process: its certificates, and no say for the host's settings. */
static int git_start(struct error *err)
{
	if (git_libgit2_init() < 0)
		return git_error_make(err, ERROR_INFRA, "libgit2 does not start");
	/* Repositories of others are only read, and everything read is verified. */
	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	if (url_certificates())
		git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, url_certificates(),
				 NULL);
	return 0;
}

int git_error_make(struct error *err, enum error_class class, const char *what)
{
	const git_error *e = git_error_last();

	return error_class(err, class, "%s: %s", what,
			   e && e->message ? e->message : "no reason");
}

/* --- the cache ------------------------------------------------------------- */

struct cache {
	git_repository *repo;
	int lock;
	bool started;
};

static void cache_close(struct cache *c)
{
	git_repository_free(c->repo);
	if (c->lock > 0)
		close(c->lock);
	if (c->started)
		git_libgit2_shutdown();
}

#define autocache __attribute__((cleanup(cache_close)))

static int cache_open(struct fetch_job *job, struct cache *c, struct error *err)
{
	struct sha256 id = sha256_of(job->spec.url, strlen(job->spec.url));
	char hex[SHA256_HEX_SIZE];
	autofree char *stem = url_basename(job->spec.url);
	autofree char *dir = NULL;

	if (git_start(err) < 0)
		return -1;
	c->started = true;
	if (!(dir = host_cache_dir(job->host, "git", err)))
		return -1;
	sha256_hex(&id, hex);
	autofree char *path = xasprintf("%s/%.16s-%s", dir, hex, job_name(job, stem));
	autofree char *lock = xasprintf("%s.lock", path);
	c->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (c->lock < 0 || flock(c->lock, LOCK_EX) < 0)
		return error_errno(err, "cannot lock %s", path);
	if (git_repository_open_bare(&c->repo, path) < 0 &&
	    git_repository_init(&c->repo, path, 1) < 0)
		return git_error_make(err, ERROR_INFRA,
				      "cannot make a repository in the cache");
	return 0;
}

/* Keeps the commit from being collected, whatever its branch does. */
static void keep(git_repository *repo, const git_oid *rev)
{
	char hex[GIT_OID_HEXSZ + 1];
	git_reference *ref = NULL;

	git_oid_tostr(hex, sizeof(hex), rev);
	autofree char *name = xasprintf("refs/kbuild/pins/%s", hex);
	git_reference_create(&ref, repo, name, rev, 1, NULL);
	git_reference_free(ref);
}

static bool has_commit(git_repository *repo, const git_oid *rev, git_oid *tree)
{
	git_commit *commit = NULL;

	if (git_commit_lookup(&commit, repo, rev) < 0)
		return false;
	git_oid_cpy(tree, git_commit_tree_id(commit));
	git_commit_free(commit);
	return true;
}

static bool has_object(git_repository *repo, const git_oid *id)
{
	git_odb *odb = NULL;
	bool there = git_repository_odb(&odb, repo) == 0 && git_odb_exists(odb, id);

	git_odb_free(odb);
	return there;
}

/* --- lock ------------------------------------------------------------------ */

static void set_oid(struct fetch_job *job, const char *key, const git_oid *id)
{
	char hex[GIT_OID_HEXSZ + 1];

	job_set(job, key, git_oid_tostr(hex, sizeof(hex), id));
}

static int lock(struct fetch_job *job, struct error *err)
{
	autocache struct cache c = {0};
	struct git_remote_job remote = {.url = job->spec.url,
					.what = job->label,
					.progress = job->host->progress};
	git_oid rev, tree;

	if (cache_open(job, &c, err) < 0)
		return -1;
	remote.repo = c.repo;
	if (git_remote_resolve(&remote, job->spec.ref, &rev, err) < 0)
		return -1;
	if (!has_commit(c.repo, &rev, &tree))
		return error_class(err, ERROR_RECIPE, "%s: '%s' is no commit", job->label,
				   job->spec.ref ? job->spec.ref : "HEAD");
	keep(c.repo, &rev);
	set_oid(job, "rev", &rev);
	set_oid(job, "tree", &tree);
	return 0;
}

/* --- obtain ---------------------------------------------------------------- */

/* The commit's tree among everything any branch has; after a rebase, say. */
static bool tree_in_history(git_repository *repo, const git_oid *tree)
{
	git_revwalk *walk = NULL;
	git_oid rev, its;
	bool found = false;

	if (git_revwalk_new(&walk, repo) == 0 &&
	    git_revwalk_push_glob(walk, "refs/*") == 0)
		while (!found && git_revwalk_next(&rev, walk) == 0)
			found = has_commit(repo, &rev, &its) && git_oid_equal(&its, tree);
	git_revwalk_free(walk);
	return found;
}

static int gone(const struct fetch_job *job, const char *rev, struct error *err)
{
	error_class(err, ERROR_LOCK, "%s no longer has commit %s, nor its tree",
		    job->label, rev);
	return error_hint(err, "`kbuild update %s` locks what '%s' is now", job->input,
			  job->spec.ref ? job->spec.ref : "HEAD");
}

/* The tree is in the cache, or comes there. The pin's commit wins, its tree will do. */
static int bring(struct fetch_job *job, git_repository *repo, const git_oid *rev,
		 const git_oid *tree, struct error *err)
{
	struct git_remote_job remote = {.repo = repo,
					.url = job->spec.url,
					.what = job->label,
					.progress = job->host->progress};
	char hex[GIT_OID_HEXSZ + 1];
	git_oid its;

	git_oid_tostr(hex, sizeof(hex), rev);
	if (!has_commit(repo, rev, &its)) {
		if (git_remote_bring(&remote, job->spec.ref, rev, err) < 0)
			return -1;
	}
	if (has_commit(repo, rev, &its)) {
		if (!git_oid_equal(&its, tree))
			return error_class(
				err, ERROR_LOCK,
				"%s: commit %s has another tree than the lock says",
				job->label, hex);
		keep(repo, rev);
		return 0;
	}
	if (!has_object(repo, tree) && !tree_in_history(repo, tree))
		return gone(job, hex, err);
	log_say(LOG_INFO, "%s: commit %.12s is gone, its tree was found elsewhere",
		job->label, hex);
	return 0;
}

static int parse_oid(const struct fetch_job *job, const char *key, git_oid *out,
		     struct error *err)
{
	const char *text = job_fact(job, key);

	if (text && strlen(text) == GIT_OID_HEXSZ && git_oid_fromstr(out, text) == 0)
		return 0;
	return error_class(err, ERROR_LOCK, "%s: the lock has no usable '%s'", job->label,
			   key);
}

static int obtain(struct fetch_job *job, struct error *err)
{
	autocache struct cache c = {0};
	autofree char *stem = url_basename(job->spec.url);
	autoerror struct error quiet = {0};
	git_oid rev, tree;

	if (parse_oid(job, "rev", &rev, err) < 0 ||
	    parse_oid(job, "tree", &tree, err) < 0 || cache_open(job, &c, err) < 0 ||
	    bring(job, c.repo, &rev, &tree, err) < 0)
		return -1;
	if (str_ends(stem, ".git") && strlen(stem) > 4)
		stem[strlen(stem) - 4] = '\0';
	job->name = job_name(job, stem);
	if (git_export(c.repo, &tree, job->dest, err) == 0)
		return 0;
	dir_remove(AT_FDCWD, job->dest, &quiet);
	return error_wrap(err, "%s", job->label);
}

const struct fetcher fetcher_git = {SPEC_GIT, lock, obtain};
