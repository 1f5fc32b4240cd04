// SPDX-License-Identifier: MIT
#include "realise/known.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "realise/substitute.h"
#include "store/path.h"

static char *file_of(const char *root, const char *key)
{
	return xasprintf("%s/nix/var/kbuild/known/%s", root, path_base(key));
}

/* A note that cannot be written costs a question next time, nothing more. */
static void note(const char *root, const struct narinfo *said)
{
	autofree char *dir = xasprintf("%s/nix/var/kbuild/known", root);
	autofree char *file = file_of(root, said->info.path);
	autobuf struct strbuf text = STRBUF_INIT;
	autoerror struct error ignored = {0};

	narinfo_write(said, &text);
	if (dir_make(AT_FDCWD, dir, 0755, &ignored) == 0)
		dir_write(AT_FDCWD, file, text.ptr, text.len, 0644, false, &ignored);
}

static const char *noted(struct graph *g, const char *key, const char *root,
			 const struct caches *caches)
{
	autofree char *file = file_of(root, key);
	autobuf struct strbuf text = STRBUF_INIT;
	autoerror struct error ignored = {0};
	struct cache_hit hit = {0};

	if (access(file, R_OK) < 0 || dir_read(AT_FDCWD, file, &text, &ignored) < 0 ||
	    narinfo_parse((struct str){text.ptr, text.len}, g->arena, &hit.n, &ignored) <
		    0 ||
	    strcmp(hit.n.info.path, key) != 0 ||
	    !key_count_signed(&hit.n.info, caches->trust, caches->ntrust))
		return NULL;
	return cache_hit_target(&hit);
}

bool known_find(struct graph *g, struct node *node, const char *root,
		const struct caches *caches)
{
	struct realise_result *r = node->result;

	for (size_t i = 0; i < r->noutputs; i++) {
		r->outputs[i].path = noted(g, r->outputs[i].key, root, caches);
		if (!r->outputs[i].path)
			return false;
	}
	r->state = STEP_KNOWN;
	return true;
}

static void take_hits(struct node *node, const struct cache_hit *hits, const char *root)
{
	struct realise_result *r = node->result;

	node->asked = true;
	for (size_t i = 0; i < r->noutputs; i++) {
		r->outputs[i].path = hits[i].n.url ? cache_hit_target(&hits[i]) : NULL;
		if (!r->outputs[i].path)
			return;
	}
	for (size_t i = 0; i < r->noutputs; i++)
		note(root, &hits[i].n);
	r->state = STEP_KNOWN;
}

int known_ask(struct graph *g, struct node **nodes, size_t n, const char *root,
	      const struct caches *caches, struct error *err)
{
	autoargv struct argv keys = {0};

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < nodes[i]->result->noutputs; k++)
			argv_push(&keys, nodes[i]->result->outputs[k].key);
	struct cache_hit *hits = arena_array(g->arena, keys.n, struct cache_hit);
	if (caches_ask(caches, (const char *const *)keys.v, keys.n, g->arena, hits, err) <
	    0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		take_hits(nodes[i], hits, root);
		hits += nodes[i]->result->noutputs;
	}
	return 0;
}

void known_forget(const struct node *node, const char *root)
{
	for (size_t i = 0; i < node->result->noutputs; i++) {
		autofree char *file = file_of(root, node->result->outputs[i].key);

		unlink(file);
	}
}
