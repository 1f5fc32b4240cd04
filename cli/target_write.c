// SPDX-License-Identifier: MIT
#include "cli/target_write.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "evaluator/arch.h"

/* Plain where YAML cannot take it for something else. */
static void add_value(struct strbuf *out, struct str s)
{
	bool plain = s.len > 0, number = true;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		bool digit = c >= '0' && c <= '9';
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		plain &= digit || letter || (i && strchr("._+-", c));
		number &= digit || c == '.';
	}
	if (plain && !number) {
		strbuf_add(out, s.ptr, s.len);
		return;
	}
	strbuf_addc(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '"' || s.ptr[i] == '\\')
			strbuf_addc(out, '\\');
		strbuf_addc(out, s.ptr[i]);
	}
	strbuf_addc(out, '"');
}

static void add_key(struct strbuf *out, const char *key, const char *value)
{
	strbuf_printf(out, "%s: ", key);
	add_value(out, str_of(value));
	strbuf_addc(out, '\n');
}

const char *target_arch(const struct probe *p, struct error *err)
{
	const struct arch *a = arch_find(p->machine->name);

	if (a)
		return a->name;
	error_class(err, ERROR_RECIPE, "kbuild knows no architecture '%s'",
		    p->machine->name);
	return NULL;
}

/* 1 written, 0 it was so already, -1. */
static int write_new(const char *path, struct str bytes, struct error *err)
{
	autobuf struct strbuf old = STRBUF_INIT;
	autoerror struct error none = {0};

	if (dir_read(AT_FDCWD, path, &old, &none) == 0 && old.len == bytes.len &&
	    (!bytes.len || !memcmp(old.ptr, bytes.ptr, bytes.len)))
		return 0;
	return dir_write(AT_FDCWD, path, bytes.ptr, bytes.len, 0644, false, err) < 0 ? -1
										     : 1;
}

static int note(struct target_written *out, const char *path, struct str bytes,
		struct error *err)
{
	int res = write_new(path, bytes, err);

	*out = (struct target_written){path, res > 0};
	return res < 0 ? -1 : 0;
}

int target_write(const struct probe *p, const char *path,
		 struct target_written out[PROBE_FACTS + 1], struct error *err)
{
	autobuf struct strbuf text = STRBUF_INIT;
	const char *arch = target_arch(p, err), *slash = strrchr(path, '/');
	const char *end = str_ends(path, ".yaml")  ? strrchr(path, '.')
			  : str_ends(path, ".yml") ? strrchr(path, '.')
						   : path + strlen(path);

	if (!arch)
		return -1;
	strbuf_adds(&text, "# Written by `kbuild probe`.\ntarget: 1\n");
	for (int i = 0; i < PROBE_FACTS; i++) {
		const struct found *f = &p->facts[i];

		out[i] = (struct target_written){0};
		if (!f->text.ptr)
			continue;
		if (i < FACT_CONFIG) {
			add_key(&text, probe_names[i].name,
				i == FACT_ARCH ? arch : f->text.ptr);
			continue;
		}
		const char *beside = arena_printf(p->a, "%.*s.%s", (int)(end - path),
						  path, probe_names[i].name);
		add_key(&text, probe_names[i].name,
			slash ? beside + (slash + 1 - path) : beside);
		if (note(&out[i], beside, f->text, err) < 0)
			return -1;
	}
	return note(&out[PROBE_FACTS], path, (struct str){text.ptr, text.len}, err);
}
