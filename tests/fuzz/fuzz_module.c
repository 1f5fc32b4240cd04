// SPDX-License-Identifier: MIT
/*
 * A module that is read fits the kernel that it says it was built for; the same bytes may
 * be an image, an archive, type information, a Module.symvers or a log.
 */
#include "base/alloc.h"
#include "base/cpio.h"
#include "module/explain.h"
#include "module/probe.h"
#include "module/image.h"
#include "module/unpack.h"
#include "module/verdict.h"
#include "tests/fuzz/fuzz.h"

static void judge(struct str file, struct arena *a)
{
	autoerror struct error err = {0};
	struct kernel_target t = {0};
	struct module m;
	struct verdict v;

	if (module_read(file, a, &m, &err) < 0)
		return;
	target_of_module(&t, &m, a);
	target_complete(&t, a);
	verdict_make(&m, &t, a, &v);
	if (v.compared && !v.vermagic.same)
		BUG("'%s' is not like itself", m.vermagic);
	for (size_t i = 0; i < v.n; i++)
		if (strcmp(v.findings[i].code, "symbol-crc") == 0)
			BUG("its CRCs are not its own: %s", v.findings[i].text);
	target_finish(&t);
}

/* What was taken of a file can be said again, and once more of the same file. */
static void probe(struct str file, struct arena *a)
{
	autoerror struct error err = {0}, again = {0}, whole = {0};
	struct probe p = {.a = a};

	if (probe_add(&p, "a", file, &err) == 0 && probe_add(&p, "b", file, &again) < 0)
		BUG("it contradicts itself: %s", again.msg);
	probe_complete(&p, &whole);
	probe_finish(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str file = {(const char *)bytes, n};
	autobuf struct strbuf unpacked = STRBUF_INIT;
	autoerror struct error err = {0}, quiet = {0};
	struct kernel_target image = {0}, listed = {0};
	struct explanation e;
	struct cpio_entry entry;
	struct btf types;
	struct arena a = {0};

	judge(file, &a);
	probe(file, &a);
	if (unpack(file, 1 << 20, &unpacked, &quiet) == 0 && unpacked.len)
		judge((struct str){unpacked.ptr, unpacked.len}, &a);
	target_of_image(&image, "image", file, &a);
	if (target_read_symvers(&listed, "Module.symvers", file, &a, &err) > 0)
		target_complete(&listed, &a);
	explain_line(file, &e);
	btf_read(file, &types);
	for (struct str rest = file; cpio_next(&rest, &entry) > 0;)
		judge(entry.data, &a);
	target_finish(&image);
	target_finish(&listed);
	arena_finish(&a);
	return 0;
}
