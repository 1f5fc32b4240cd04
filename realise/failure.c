// SPDX-License-Identifier: MIT
#include "realise/failure.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "base/json.h"
#include "realise/graph.h"
#include "store/path.h"

static char *file_of(const char *root, const char *drv_path)
{
	return xasprintf("%s/nix/var/kbuild/failures/%s", root, path_base(drv_path));
}

void failure_record(const char *root, struct graph *g, struct node *node)
{
	const struct realise_failure *f = &node->result->failure;
	autofree char *dir = xasprintf("%s/nix/var/kbuild/failures", root);
	autofree char *file = file_of(root, graph_drv_path(g, node));
	struct json_object *o = json_object_new_object();
	autoerror struct error ignored = {0}; /* the failure itself is told anyway */

	json_add(o, "step", node->step->name);
	json_add(o, "kind", f->kind);
	json_add(o, "what", f->what);
	json_add(o, "first_error", f->first_error);
	json_add(o, "kept", f->kept);
	json_add_number(o, "when", (uint64_t)time(NULL));
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	if (dir_make(AT_FDCWD, dir, 0755, &ignored) == 0)
		dir_write(AT_FDCWD, file, text, strlen(text), 0644, false, &ignored);
	json_object_put(o);
}

void failure_forget(const char *root, struct graph *g, struct node *node)
{
	autofree char *file = file_of(root, graph_drv_path(g, node));

	unlink(file);
}

static const char *keep(struct arena *a, struct json_object *o, const char *key)
{
	const char *text = json_text(o, key);

	return text ? arena_strdup(a, text) : NULL;
}

int failure_read(const char *root, const char *drv_path, struct arena *a,
		 struct failure_note *out)
{
	autofree char *file = file_of(root, drv_path);
	autobuf struct strbuf text = STRBUF_INIT;
	autoerror struct error ignored = {0};

	if (access(file, R_OK) < 0 || dir_read(AT_FDCWD, file, &text, &ignored) < 0)
		return 0;
	struct json_object *o = json_tokener_parse(text.ptr);
	*out = (struct failure_note){
		.when = o ? (int64_t)json_number(o, "when") : 0,
		.step = keep(a, o, "step"),
		.kind = keep(a, o, "kind"),
		.what = keep(a, o, "what"),
		.first_error = keep(a, o, "first_error"),
		.kept = keep(a, o, "kept"),
	};
	json_object_put(o);
	return out->what && out->kind;
}
