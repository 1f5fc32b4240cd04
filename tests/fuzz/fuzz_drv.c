// SPDX-License-Identifier: MIT
/*
 * A derivation that is read is written with the same bytes; resolved, it is one that can
 * be read.
 */
#include <string.h>

#include "base/alloc.h"
#include "store/drv.h"
#include "tests/fuzz/fuzz.h"

static const char *resolve(void *ctx, const char *drv_path, const char *output)
{
	(void)ctx;
	(void)drv_path;
	return strlen(output) % 8 == 7
		       ? NULL
		       : "/nix/store/kr18gg748frzijnzz42g29j7z04l76an-mixed";
}

static void write_again(const struct drv *drv, const char *bytes, size_t n)
{
	autobuf struct strbuf text = STRBUF_INIT;

	drv_write(drv, &text);
	if (text.len != n || memcmp(text.ptr, bytes, n) != 0)
		BUG("it was read, and is written as %s", text.ptr);
}

static void resolve_it(const struct drv *drv, struct arena *a)
{
	autoerror struct error err = {0}, again = {0};
	autobuf struct strbuf text = STRBUF_INIT;
	struct drv resolved, read;

	if (drv_resolve(drv, "name", resolve, NULL, a, &resolved, &err) < 0)
		return;
	drv_write(&resolved, &text);
	if (drv_read((struct str){text.ptr, text.len}, a, &read, &again) < 0)
		BUG("resolved, it cannot be read: %s", again.msg);
	if (drv_check_outputs(&resolved, "name", a, &again) < 0)
		BUG("resolved, its outputs are not its own: %s", again.msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autoerror struct error err = {0}, quiet = {0};
	struct arena a = {0};
	struct drv drv;

	if (drv_read((struct str){(const char *)bytes, n}, &a, &drv, &err) == 0) {
		write_again(&drv, (const char *)bytes, n);
		drv_check_outputs(&drv, "name", &a, &quiet);
		resolve_it(&drv, &a);
	}
	arena_finish(&a);
	return 0;
}
