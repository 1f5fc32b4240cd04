// SPDX-License-Identifier: MIT
#include "fetchers/gitremote.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/child.h"
#include "base/map.h"
#include "base/str.h"
#include "fetchers/git.h"

enum { CREDENTIAL_TRIES = 3 };

struct talk {
	struct git_remote_job *job;
	unsigned asked;
};

static int on_progress(const git_indexer_progress *p, void *payload)
{
	struct talk *t = payload;

	progress_say(&t->job->progress, t->job->what, p->received_objects,
		     p->total_objects);
	return 0;
}

static int on_credentials(git_credential **out, const char *url, const char *user,
			  unsigned int allowed, void *payload)
{
	struct talk *t = payload;

	(void)url;
	if (t->asked++ >= CREDENTIAL_TRIES)
		return GIT_EAUTH;
	if (allowed & GIT_CREDENTIAL_USERNAME)
		return git_credential_username_new(out, user ? user : "git");
	if (allowed & GIT_CREDENTIAL_SSH_KEY)
		return git_credential_ssh_key_from_agent(out, user ? user : "git");
	return GIT_EAUTH;
}

static git_remote_callbacks callbacks(struct talk *t)
{
	git_remote_callbacks cb;

	git_remote_init_callbacks(&cb, GIT_REMOTE_CALLBACKS_VERSION);
	cb.transfer_progress = on_progress;
	cb.credentials = on_credentials;
	cb.payload = t;
	return cb;
}

static int cannot_reach(const struct git_remote_job *r, struct error *err)
{
	autofree char *what = xasprintf("cannot fetch %s", r->what);

	return git_error_make(err, ERROR_INFRA, what);
}

static bool commit_here(git_repository *repo, const git_oid *rev)
{
	git_commit *commit = NULL;
	bool here = git_commit_lookup(&commit, repo, rev) == 0;

	git_commit_free(commit);
	return here;
}

/* --- what the remote has --------------------------------------------------- */

/* Tags are listed twice; the second time, with ^{}, as the commit they name. */
static const git_remote_head *find_head(const git_remote_head **heads, size_t n,
					const char *name)
{
	autofree char *peeled = xasprintf("%s^{}", name);
	const git_remote_head *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(heads[i]->name, peeled) == 0)
			return heads[i];
		if (strcmp(heads[i]->name, name) == 0)
			found = heads[i];
	}
	return found;
}

static const git_remote_head *match(const git_remote_head **heads, size_t n,
				    const char *ref)
{
	static const char *const places[] = {"refs/heads/", "refs/tags/"};

	if (!ref)
		return find_head(heads, n, "HEAD");
	if (str_starts(ref, "refs/"))
		return find_head(heads, n, ref);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		autofree char *name = xasprintf("%s%s", places[i], ref);
		const git_remote_head *found = find_head(heads, n, name);
		if (found)
			return found;
	}
	return NULL;
}

static int unknown_ref(const struct git_remote_job *r, const git_remote_head **heads,
		       size_t n, const char *ref, struct error *err)
{
	struct map names = {0};

	for (size_t i = 0; i < n; i++) {
		const char *name = heads[i]->name;

		if (strstr(name, "^{}"))
			continue;
		if (str_starts(name, "refs/heads/"))
			map_set(&names, name + strlen("refs/heads/"), &names);
		else if (str_starts(name, "refs/tags/"))
			map_set(&names, name + strlen("refs/tags/"), &names);
	}
	const char *nearest = ref ? map_nearest(&names, ref) : NULL;
	error_class(err, ERROR_RECIPE, "%s: there is no branch, tag or commit '%s'",
		    r->what, ref ? ref : "HEAD");
	if (nearest)
		error_hint(err, "did you mean '%s'?", nearest);
	map_finish(&names);
	return -1;
}

/* --- fetching -------------------------------------------------------------- */

/* The git program, without history. Failing is fine: some servers refuse. */
static bool shallow(struct git_remote_job *r, const char *name)
{
	autoargv struct argv argv = {0};
	autoerror struct error quiet = {0};
	autoclose int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	/* a local repository costs next to nothing as it is */
	if (str_starts(r->url, "file:"))
		return false;
	argv_pushl(&argv, "git", "--git-dir", git_repository_path(r->repo), "-c",
		   "core.hooksPath=/dev/null", "-c", "gc.auto=0", "fetch", "--quiet",
		   "--no-tags", "--no-recurse-submodules", "--depth=1", "--", r->url,
		   name, NULL);
	struct child c = {.argv = &argv, .out = null, .errfd = null};
	progress_say(&r->progress, r->what, 0, 0);
	return child_run(&c, &quiet) == 0;
}

static int plain(struct git_remote_job *r, git_remote *remote, char **specs, size_t n,
		 struct error *err)
{
	git_fetch_options opt;
	struct talk t = {.job = r};
	git_strarray list = {specs, n};

	git_fetch_options_init(&opt, GIT_FETCH_OPTIONS_VERSION);
	opt.callbacks = callbacks(&t);
	opt.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
	opt.update_fetchhead = 0;
	return git_remote_fetch(remote, &list, &opt, NULL) < 0 ? cannot_reach(r, err) : 0;
}

static int everything(struct git_remote_job *r, git_remote *remote, struct error *err)
{
	char heads[] = "+refs/heads/*:refs/kbuild/heads/*";
	char tags[] = "+refs/tags/*:refs/kbuild/tags/*";
	char *specs[] = {heads, tags};

	return plain(r, remote, specs, ARRAY_LEN(specs), err);
}

static bool is_commit_id(const char *ref)
{
	return ref && strlen(ref) == GIT_OID_HEXSZ &&
	       strspn(ref, "0123456789abcdef") == GIT_OID_HEXSZ;
}

/* After connecting: what ref is, and a copy of its full name for the fetch. */
static int look(struct git_remote_job *r, git_remote *remote, const char *ref,
		git_oid *rev, char **name, struct error *err)
{
	const git_remote_head **heads;
	struct talk t = {.job = r};
	git_remote_callbacks cb = callbacks(&t);
	size_t n;

	if (git_remote_connect(remote, GIT_DIRECTION_FETCH, &cb, NULL, NULL) < 0 ||
	    git_remote_ls(&heads, &n, remote) < 0)
		return cannot_reach(r, err);
	const git_remote_head *head = match(heads, n, ref);
	if (head) {
		git_oid_cpy(rev, &head->oid);
		*name = xstrndup(head->name, strcspn(head->name, "^"));
	} else if (is_commit_id(ref)) {
		git_oid_fromstr(rev, ref);
	} else {
		return unknown_ref(r, heads, n, ref, err);
	}
	git_remote_disconnect(remote);
	return 0;
}

static int resolve(struct git_remote_job *r, git_remote *remote, const char *ref,
		   git_oid *rev, struct error *err)
{
	autofree char *name = NULL;
	char hex[GIT_OID_HEXSZ + 1];

	if (look(r, remote, ref, rev, &name, err) < 0)
		return -1;
	git_oid_tostr(hex, sizeof(hex), rev);
	if (commit_here(r->repo, rev) || (shallow(r, hex) && commit_here(r->repo, rev)))
		return 0;
	if (!name) {
		if (everything(r, remote, err) < 0)
			return -1;
		if (commit_here(r->repo, rev))
			return 0;
		return error_class(err, ERROR_RECIPE,
				   "%s: no branch or tag has this commit", r->what);
	}
	/* HEAD has no place of its own below refs/ */
	autofree char *to = strcmp(name, "HEAD") == 0
				    ? xstrdup("refs/kbuild/HEAD")
				    : xasprintf("refs/kbuild/%s", name + 5);
	autofree char *spec = xasprintf("+%s:%s", name, to);
	return plain(r, remote, &spec, 1, err);
}

static int remote_of(const struct git_remote_job *r, git_remote **remote,
		     struct error *err)
{
	if (git_remote_create_anonymous(remote, r->repo, r->url) < 0)
		return git_error_make(err, ERROR_RECIPE, "not a git address");
	return 0;
}

int git_remote_resolve(struct git_remote_job *r, const char *ref, git_oid *rev,
		       struct error *err)
{
	git_remote *remote = NULL;

	/* a commit that is here is what it is: the remote need not be asked */
	if (is_commit_id(ref) && git_oid_fromstr(rev, ref) == 0 &&
	    commit_here(r->repo, rev))
		return 0;
	if (remote_of(r, &remote, err) < 0)
		return -1;
	int failed = resolve(r, remote, ref, rev, err);
	git_remote_free(remote);
	return failed;
}

int git_remote_bring(struct git_remote_job *r, const char *ref, const git_oid *rev,
		     struct error *err)
{
	git_remote *remote = NULL;
	autoerror struct error quiet = {0};
	char hex[GIT_OID_HEXSZ + 1];
	git_oid now;

	git_oid_tostr(hex, sizeof(hex), rev);
	if (shallow(r, hex) && commit_here(r->repo, rev))
		return 0;
	if (remote_of(r, &remote, err) < 0)
		return -1;
	/* one branch is less than all of them */
	if (resolve(r, remote, ref, &now, &quiet) < 0 || !commit_here(r->repo, rev)) {
		git_remote_disconnect(remote);
		if (everything(r, remote, err) < 0) {
			git_remote_free(remote);
			return -1;
		}
	}
	git_remote_free(remote);
	return 0;
}
