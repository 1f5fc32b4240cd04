// SPDX-License-Identifier: MIT
/* What is accepted is written in a form that means the same and is written the same
 * again. */
#include <string.h>

#include "base/alloc.h"
#include "store/narinfo.h"
#include "tests/fuzz/fuzz.h"

static bool same_text(const char *x, const char *y)
{
	return x && y ? strcmp(x, y) == 0 : x == y;
}

static void compare(const struct narinfo *x, const struct narinfo *y)
{
	const struct path_info *i = &x->info, *k = &y->info;
	bool same = same_text(i->path, k->path) && sha256_equal(&i->nar, &k->nar) &&
		    i->nar_size == k->nar_size && same_text(i->deriver, k->deriver) &&
		    same_text(i->ca, k->ca) && i->nrefs == k->nrefs &&
		    i->nsigs == k->nsigs && same_text(x->url, y->url) &&
		    same_text(x->compression, y->compression) &&
		    x->has_file_hash == y->has_file_hash && x->file_size == y->file_size;

	for (size_t r = 0; same && r < i->nrefs; r++)
		same = same_text(i->refs[r], k->refs[r]);
	for (size_t s = 0; same && s < i->nsigs; s++)
		same = same_text(i->sigs[s], k->sigs[s]);
	if (!same)
		BUG("it was accepted, and written it means something else");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autobuf struct strbuf once = STRBUF_INIT, twice = STRBUF_INIT;
	autoerror struct error err = {0}, again = {0};
	struct narinfo first, second;
	struct arena a = {0};

	if (narinfo_parse((struct str){(const char *)bytes, n}, &a, &first, &err) == 0) {
		if (first.info.ca)
			path_info_ca_path(&first.info, &a);
		narinfo_write(&first, &once);
		if (narinfo_parse((struct str){once.ptr, once.len}, &a, &second, &again) <
		    0)
			BUG("it was accepted, and written it is refused: %s", again.msg);
		compare(&first, &second);
		narinfo_write(&second, &twice);
		if (!same_text(once.ptr, twice.ptr))
			BUG("it is written in two ways");
	}
	arena_finish(&a);
	return 0;
}
