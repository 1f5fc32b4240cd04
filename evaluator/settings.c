// SPDX-License-Identifier: MIT
#include "evaluator/settings.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/xdg.h"
#include "evaluator/findings.h"
#include "evaluator/sections.h"
#include "evaluator/yaml.h"

struct loading {
	struct settings *to;
	const struct recipe *recipe; /* NULL: the configuration's values */
	const char *config_dir;
	struct arena *a;
	size_t pull_cap, trust_cap;
};

/* A file of the user's or a recipe's; anything with a scheme stays as it is. */
static const char *absolute(struct loading *l, const struct node *n)
{
	const char *p = n->text;

	if (*p == '/' || strstr(p, "://"))
		return p;
	if (l->recipe)
		return recipe_path(l->recipe, n, l->a);
	while (str_starts(p, "./"))
		p += 2;
	return arena_printf(l->a, "%s/%s", l->config_dir, p);
}

static int take_cache(struct loading *l, const struct node *cache, struct error *err)
{
	const struct node *pull = node_get(cache, "pull"),
			  *trust = node_get(cache, "trust");
	const struct node *push = node_get(cache, "push"), *key = node_get(cache, "key");
	struct settings *s = l->to;

	for (size_t i = 0; pull && i < pull->n; i++)
		ARENA_PUSH(l->a, s->pull, s->npull, l->pull_cap) =
			absolute(l, pull->members[i].value);
	for (size_t i = 0; trust && i < trust->n; i++) {
		const struct node *n = trust->members[i].value;
		struct key_public k;

		if (key_public_parse(n->text, &k, err) < 0)
			return error_place(err, n->at);
		ARENA_PUSH(l->a, s->trust, s->ntrust, l->trust_cap) = k;
	}
	if (push && !s->push)
		s->push = absolute(l, push);
	if (key && !s->key)
		s->key = absolute(l, key);
	return 0;
}

static int take(struct loading *l, const struct node *root, struct error *err)
{
	const char *keep = node_text(node_get(root, "store"), "keep");

	if (keep && !l->to->keeps) {
		l->to->keeps = true;
		schema_size(keep, &l->to->keep); /* the schema has seen that it is one */
	}
	return take_cache(l, node_get(root, "cache"), err);
}

static int take_config(struct loading *l, struct error *err)
{
	autofree char *dir = xdg_dir("XDG_CONFIG_HOME", ".config");
	autofree char *path = dir ? path_join(dir, "config.yaml") : NULL;

	if (!path || access(path, F_OK) < 0)
		return 0;
	l->config_dir = arena_strdup(l->a, dir);
	const struct source *src =
		yaml_load(AT_FDCWD, path, arena_strdup(l->a, path), l->a, err);
	if (!src)
		return -1;
	if (!src->len)
		return 0;
	const struct node *root = yaml_read(src, l->a, err);
	if (root && !node_is_null(root))
		root = schema_apply(&config_schema, root, "", l->a, err);
	if (findings_close(err) < 0 || !root)
		return -1;
	return take(l, root, err);
}

int settings_load(const struct recipe *r, struct arena *a, struct settings *out,
		  struct error *err)
{
	struct loading l = {.to = out, .recipe = r, .a = a};

	*out = (struct settings){0};
	if (r && take(&l, r->checked, err) < 0)
		return -1;
	l.recipe = NULL;
	return take_config(&l, err);
}
