// SPDX-License-Identifier: MIT
/* A lock that is read is written in a form that is read, and written just so again. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"
#include "evaluator/lock.h"
#include "tests/fuzz/fuzz.h"

/* Locks are read from files: this one is in memory. */
static int read_text(const void *bytes, size_t n, struct arena *a, struct lock **out,
		     struct error *err)
{
	static int fd = -1;
	char path[32];

	if (fd < 0)
		fd = memfd_create("lock", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
	    write_all(fd, bytes, n) < 0)
		BUG("cannot write to memory");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return lock_read(path, a, out, err);
}

static void compare(const struct lock_section *x, const struct lock_section *y)
{
	if (x->n != y->n)
		BUG("written, it has %zu entries, not %zu", y->n, x->n);
	for (size_t i = 0; i < x->n; i++) {
		const struct lock_entry *e = &x->entries[i], *o = lock_find(y, e->name);

		if (!o || o->nfacts != e->nfacts)
			BUG("written, the entry '%s' is another one", e->name);
		for (size_t k = 0; k < e->nfacts; k++) {
			const char *fact = lock_fact(o, e->facts[k].key);

			if (!fact || strcmp(fact, e->facts[k].value) != 0)
				BUG("written, '%s' of '%s' is '%s'", e->facts[k].key,
				    e->name, fact ? fact : "");
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	autobuf struct strbuf once = STRBUF_INIT, twice = STRBUF_INIT;
	autoerror struct error err = {0}, again = {0};
	struct lock *first, *second;
	struct arena a = {0};

	if (read_text(bytes, n, &a, &first, &err) == 1) {
		lock_format(first, &once);
		if (read_text(once.ptr, once.len, &a, &second, &again) != 1)
			BUG("written, it cannot be read: %s\n%s", again.msg, once.ptr);
		compare(&first->inputs, &second->inputs);
		compare(&first->debian, &second->debian);
		compare(&first->toolchains, &second->toolchains);
		lock_format(second, &twice);
		if (strcmp(once.ptr, twice.ptr) != 0)
			BUG("it is written in two ways");
	}
	arena_finish(&a);
	return 0;
}
