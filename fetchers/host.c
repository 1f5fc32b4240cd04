// SPDX-License-Identifier: MIT
#include "fetchers/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/str.h"
#include "base/xdg.h"

#define DEFAULT_KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"

static const char *env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static void add_words(struct argv *to, const char *text)
{
	struct str rest = text ? str_of(text) : (struct str){0};

	while (rest.ptr) {
		struct str word = str_cut(&rest, ' ');
		if (!word.len)
			continue;
		autofree char *copy = xstrndup(word.ptr, word.len);
		argv_push(to, copy);
	}
}

static struct argv *setting(struct host *h, const char *key)
{
	if (strcmp(key, "debian-mirrors") == 0)
		return &h->debian;
	if (strcmp(key, "debian-snapshot") == 0)
		return &h->snapshots;
	if (strcmp(key, "kernel-mirrors") == 0)
		return &h->kernels;
	return NULL; /* somebody else's */
}

/* Top-level keys with a scalar or a list of scalars; deeper things are skipped. */
static int read_events(struct host *h, yaml_parser_t *parser, const char *path,
		       struct error *err)
{
	int depth = 0;
	bool is_key = true, more = true;
	struct argv *to = NULL;

	while (more) {
		yaml_event_t e;

		if (!yaml_parser_parse(parser, &e))
			return error_class(err, ERROR_RECIPE, "%s:%zu:%zu: %s", path,
					   parser->problem_mark.line + 1,
					   parser->problem_mark.column + 1,
					   parser->problem);
		switch (e.type) {
		case YAML_MAPPING_START_EVENT:
		case YAML_SEQUENCE_START_EVENT:
			depth++;
			break;
		case YAML_MAPPING_END_EVENT:
		case YAML_SEQUENCE_END_EVENT:
			depth--;
			is_key = depth == 1;
			break;
		case YAML_SCALAR_EVENT:
			if (depth == 1 && is_key)
				to = setting(h, (const char *)e.data.scalar.value);
			else if (to && depth <= 2)
				add_words(to, (const char *)e.data.scalar.value);
			is_key = depth == 1 && !is_key;
			break;
		default:
			more = e.type != YAML_STREAM_END_EVENT;
		}
		yaml_event_delete(&e);
	}
	return 0;
}

static int read_config(struct host *h, struct error *err)
{
	autofree char *dir = xdg_dir("XDG_CONFIG_HOME", ".config");
	yaml_parser_t parser;

	if (!dir)
		return 0;
	autofree char *path = path_join(dir, "config.yaml");
	autofile FILE *f = fopen(path, "re");
	if (!f)
		return errno == ENOENT || errno == ENOTDIR
			       ? 0
			       : error_errno(err, "cannot open %s", path);
	if (!yaml_parser_initialize(&parser))
		BUG("libyaml does not start");
	yaml_parser_set_input_file(&parser, f);
	int failed = read_events(h, &parser, path, err);
	yaml_parser_delete(&parser);
	return failed;
}

char *host_cache(void)
{
	const char *own = env("KBUILD_CACHE");

	return own ? xstrdup(own) : xdg_dir("XDG_CACHE_HOME", ".cache");
}

static int find_cache(struct host *h, struct error *err)
{
	h->cache = host_cache();
	if (!h->cache)
		return error_class(err, ERROR_INFRA,
				   "no directory for the cache: HOME is not set");
	if (*h->cache != '/')
		return error_class(err, ERROR_INFRA, "the cache %s is no absolute path",
				   h->cache);
	return 0;
}

int host_init(struct host *h, struct error *err)
{
	*h = (struct host){0};
	if (find_cache(h, err) < 0)
		return -1;
	add_words(&h->debian, env("KBUILD_DEBIAN_MIRROR"));
	add_words(&h->snapshots, env("KBUILD_DEBIAN_SNAPSHOT"));
	add_words(&h->kernels, env("KBUILD_KERNEL_MIRROR"));
	if (read_config(h, err) < 0)
		return -1;
	apt_sources("/etc/apt", &h->debian);
	h->keyring = xstrdup(env("KBUILD_DEBIAN_KEYRING") ? env("KBUILD_DEBIAN_KEYRING")
							  : DEFAULT_KEYRING);
	h->allow_expired = env("KBUILD_DEBIAN_ALLOW_EXPIRED") != NULL;
	return 0;
}

void host_finish(struct host *h)
{
	free(h->cache);
	free(h->keyring);
	argv_finish(&h->debian);
	argv_finish(&h->snapshots);
	argv_finish(&h->kernels);
}

char *host_cache_dir(const struct host *h, const char *name, struct error *err)
{
	autofree char *path = path_join(h->cache, name);

	if (dir_make(AT_FDCWD, path, 0755, err) < 0)
		return NULL;
	return take_ptr(&path);
}
