// SPDX-License-Identifier: MIT
#include "evaluator/resolve.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "base/map.h"
#include "evaluator/findings.h"
#include "fetchers/debline.h"
#include "evaluator/sections.h"
#include "store/path.h"

struct resolver {
	const struct recipe *r;
	struct lock *lock;
	const struct resolve_options *opt;
	struct arena *a;
	struct error *err;
	struct inputs inputs;
	struct toolchain toolchain;
	int changed;
};

static int bad_answer(struct resolver *v, const char *what)
{
	return error_class(v->err, ERROR_INFRA,
			   "kbuild-fetch gave an answer without '%s'", what);
}

/* --- what has to be done -------------------------------------------------------- */

static bool names(const char *word, const char *name)
{
	size_t len = strlen(word);

	return strncmp(word, name, len) == 0 && (name[len] == '\0' || name[len] == '.');
}

static bool is_asked(const struct resolver *v, const char *name)
{
	for (size_t i = 0; i < v->opt->nupdate; i++)
		if (names(v->opt->update[i], name))
			return true;
	return v->opt->update_all;
}

/* Every word of the command line means something. */
static int check_words(struct resolver *v)
{
	autofree const char **known = xcalloc(v->inputs.n + 1, sizeof(*known));
	size_t n = 0;

	known[n++] = "toolchain";
	for (size_t i = 0; i < v->inputs.n; i++)
		if (v->inputs.v[i].kind == INPUT_PINNED)
			known[n++] = v->inputs.v[i].name;
	for (size_t i = 0; i < v->opt->nupdate; i++) {
		bool found = false;

		for (size_t k = 0; k < n; k++)
			found = found || names(v->opt->update[i], known[k]);
		if (found)
			continue;
		error_class(v->err, ERROR_RECIPE, "no locked input is called '%s'",
			    v->opt->update[i]);
		findings_suggest(v->err, v->opt->update[i], known, n);
	}
	return findings_close(v->err);
}

/* --- sources ------------------------------------------------------------------- */

static struct json_object *request_for(struct resolver *v, const struct input *in,
				       const char *dest)
{
	struct json_object *o = json_object_new_object();
	const struct node *mirrors = node_get(in->node, "mirrors");
	struct toolchain_name tools;

	toolchain_meant(v->r, v->lock, v->a, &tools);
	json_add(o, "do", "resolve");
	json_add(o, "input", in->name);
	json_add(o, "from", in->from);
	json_add(o, "base_dir", recipe_dir_of(v->r, in->at));
	json_add(o, "arch", v->r->arch->debian);
	json_add(o, "suite", tools.suite);
	json_add(o, "dest", dest);
	json_add(o, "strip", node_text(in->node, "strip"));
	json_add(o, "sha256", node_text(in->node, "sha256"));
	json_add(o, "path", in->path);
	json_add(o, "build", in->build);
	if (in->closure)
		json_add(o, "closure", "1");
	if (mirrors) {
		autobuf struct strbuf lines = STRBUF_INIT;

		for (size_t i = 0; i < mirrors->n; i++)
			strbuf_printf(&lines, "%s%s", i ? "\n" : "",
				      mirrors->members[i].value->text);
		json_add(o, "mirrors", lines.ptr);
	}
	return o;
}

/* The signed release a Debian package was found by. */
static void take_release(struct resolver *v, struct json_object *release)
{
	const char *key = json_text(release, "key"),
		   *sha256 = json_text(release, "sha256");

	if (!key || !sha256)
		return;
	struct lock_entry *e = lock_renew(&v->lock->debian, key, v->a);
	lock_add_fact(e, "release", arena_printf(v->a, "sha256:%s", sha256), v->a);
	if (json_text(release, "date"))
		lock_add_fact(e, "date", json_text(release, "date"), v->a);
}

static void take_releases(struct resolver *v, struct json_object *result)
{
	struct json_object *one, *many = json_list(result, "releases");

	if (json_object_object_get_ex(result, "release", &one))
		take_release(v, one);
	for (size_t i = 0; many && i < json_object_array_length(many); i++)
		take_release(v, json_object_array_get_idx(many, i));
}

/* A folder is always called `source`: the same bytes have one path, wherever from. */
static int store_name(struct resolver *v, const char *dest, struct json_object *result,
		      const char **name)
{
	struct stat st;
	const char *given = json_text(result, "name");

	if (lstat(dest, &st) < 0)
		return error_errno(v->err, "kbuild-fetch left nothing at %s", dest);
	*name = S_ISDIR(st.st_mode) || !given ? "source" : path_name_clean(v->a, given);
	return 0;
}

static int take_result(struct resolver *v, const struct input *in, const char *dest,
		       struct json_object *result)
{
	struct json_object *pin;
	struct path_info info;
	const char *name = "source";

	if (!json_object_object_get_ex(result, "pin", &pin))
		return bad_answer(v, "pin");
	if (store_name(v, dest, result, &name) < 0)
		return -1;
	const struct store_take take = {
		.physical = dest, .name = name, .owner = (uid_t)-1};
	if (store_take(v->opt->store, &take, v->a, &info, v->err) < 0)
		return -1;
	struct lock_entry *e = lock_renew(&v->lock->inputs, in->name, v->a);
	lock_add_fact(e, "from", in->from, v->a);
	json_object_object_foreach(pin, key, value)
	{
		if (strcmp(key, "from") != 0)
			lock_add_fact(e, key, json_object_get_string(value), v->a);
	}
	if (strcmp(name, "source") != 0)
		lock_add_fact(e, "name", name, v->a);
	lock_add_fact(e, "nar", hash_sri(v->a, &info.nar), v->a);
	take_releases(v, result);
	return 0;
}

static int resolve_input(struct resolver *v, const struct input *in)
{
	struct json_object *result = NULL;
	autofree char *temp = NULL;
	autoclose int held = -1;

	if (store_make_scratch(store_scratch_dir(v->opt->store), "resolve", &temp, &held,
			       v->err) < 0)
		return -1;
	const char *dest = arena_printf(v->a, "%s/tree", temp);
	struct json_object *request = request_for(v, in, dest);
	int rc = fetch_call(v->opt->fetch, request, &result, v->err);
	if (rc == 0)
		rc = take_result(v, in, dest, result);
	json_object_put(request);
	json_object_put(result);
	autoerror struct error ignored = {0};
	dir_remove(AT_FDCWD, temp, &ignored);
	if (rc < 0) {
		error_wrap(v->err, "while locking %s", in->name);
		return error_place(v->err, in->at);
	}
	v->changed++;
	return 0;
}

/* Another entry says already what this source means, under another name. */
static bool copy_twin(struct resolver *v, const struct input *in)
{
	for (size_t i = 0; i < v->lock->inputs.n; i++) {
		struct lock_entry e = v->lock->inputs.entries[i];
		struct input as = *in;

		as.name = e.name;
		if (strcmp(e.name, in->name) == 0 ||
		    lock_judge(v->lock, &as) != LOCK_OK || is_asked(v, e.name) ||
		    in->closure != (lock_fact(&e, "debs") && !lock_fact(&e, "build")) ||
		    (!in->path) != (!lock_fact(&e, "path")))
			continue;
		struct lock_entry *new = lock_renew(&v->lock->inputs, in->name, v->a);
		new->facts = e.facts;
		new->nfacts = e.nfacts;
		new->cap = e.nfacts;
		v->changed++;
		return true;
	}
	return false;
}

/* --- the toolchain -------------------------------------------------------------- */

static int take_debs(struct resolver *v, struct lock_entry *e, struct json_object *debs)
{
	autobuf struct strbuf lines = STRBUF_INIT;

	for (size_t i = 0; i < json_object_array_length(debs); i++) {
		struct json_object *d = json_object_array_get_idx(debs, i);
		const struct deb_line line = {
			.name = json_text(d, "name"),
			.sha256 = json_text(d, "sha256"),
			.pool = json_text(d, "pool"),
			.size = json_number(d, "size"),
		};

		if (deb_line_check(&line, v->err) < 0)
			return -1;
		strbuf_adds(&lines, i ? "\n" : "");
		deb_line_write(&line, &lines);
	}
	if (!lines.len)
		return bad_answer(v, "debs");
	lock_add_fact(e, "debs", lines.ptr, v->a);
	return 0;
}

static int take_toolchain(struct resolver *v, struct json_object *result)
{
	const struct toolchain *t = &v->toolchain;
	struct json_object *release, *debs = json_list(result, "debs");
	autobuf struct strbuf packages = STRBUF_INIT;

	if (!debs)
		return bad_answer(v, "debs");
	for (size_t i = 0; i < t->npackages; i++)
		strbuf_printf(&packages, "%s%s", i ? " " : "", t->packages[i]);
	struct lock_entry fresh = {.name = t->key};
	if (take_debs(v, &fresh, debs) < 0)
		return -1;
	lock_add_fact(&fresh, "packages", packages.ptr ? packages.ptr : "", v->a);
	if (json_object_object_get_ex(result, "release", &release) &&
	    json_text(release, "date"))
		lock_add_fact(&fresh, "date", json_text(release, "date"), v->a);
	*lock_renew(&v->lock->toolchains, t->key, v->a) = fresh;
	take_releases(v, result);
	return 0;
}

static int resolve_toolchain(struct resolver *v)
{
	const struct toolchain *t = &v->toolchain;
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_add_list(o, "packages");
	struct json_object *result = NULL;

	json_add(o, "do", "resolve-debs");
	json_add(o, "input", "toolchain");
	json_add(o, "suite", t->suite);
	json_add(o, "arch", arch_host()->debian);
	for (size_t i = 0; i < t->npackages; i++)
		json_push(list, t->packages[i]);
	int rc = fetch_call(v->opt->fetch, o, &result, v->err);
	if (rc == 0)
		rc = take_toolchain(v, result);
	json_object_put(o);
	json_object_put(result);
	if (rc < 0) {
		error_wrap(v->err, "while locking the toolchain %s", t->key);
		return error_place(v->err, t->at);
	}
	v->changed++;
	return 0;
}

/* --- all of it ----------------------------------------------------------------- */

static bool is_wanted(const struct resolver *v, const char *name)
{
	for (size_t i = 0; i < v->inputs.n; i++)
		if (v->inputs.v[i].kind == INPUT_PINNED &&
		    strcmp(v->inputs.v[i].name, name) == 0)
			return true;
	return false;
}

static void drop_unused(struct resolver *v)
{
	struct lock_section *s = &v->lock->inputs, *t = &v->lock->toolchains;
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (is_wanted(v, s->entries[i].name))
			s->entries[n++] = s->entries[i];
	v->changed += (int)(s->n - n);
	s->n = n;
	n = 0;
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->entries[i].name, v->toolchain.key) == 0)
			t->entries[n++] = t->entries[i];
	v->changed += (int)(t->n - n);
	t->n = n;
}

int resolve_missing(const struct recipe *r, struct lock *lock,
		    const struct resolve_options *opt, struct arena *a, struct error *err)
{
	struct resolver v = {.r = r, .lock = lock, .opt = opt, .a = a, .err = err};

	if (inputs_collect(r, a, &v.inputs, err) < 0 || check_words(&v) < 0)
		return -1;
	for (size_t i = 0; i < v.inputs.n; i++) {
		const struct input *in = &v.inputs.v[i];
		bool asked = is_asked(&v, in->name);

		if (in->kind != INPUT_PINNED ||
		    (!asked && lock_judge(lock, in) == LOCK_OK))
			continue;
		if (!asked && copy_twin(&v, in))
			continue;
		if (resolve_input(&v, in) < 0)
			return -1;
	}
	/* A kernel that was just found decides it. */
	if (toolchain_of(r, lock, opt->data_dir, a, &v.toolchain, err) < 0)
		return -1;
	if ((is_asked(&v, "toolchain") ||
	     lock_judge_toolchain(lock, &v.toolchain) != LOCK_OK) &&
	    resolve_toolchain(&v) < 0)
		return -1;
	drop_unused(&v);
	return v.changed;
}
