// SPDX-License-Identifier: MIT
/* Kernels as they are booted. */
#include "module/image.h"

#include <elf.h>

#include "module/elf.h"
#include "module/ikconfig.h"
#include "module/unpack.h"
#include "module/vermagic.h"

/* The setup header of the x86 boot protocol (Documentation/arch/x86/boot.rst). */
enum {
	SETUP_SECTS = 0x1f1,
	SETUP_MAGIC = 0x202,
	SETUP_VERSION = 0x20e,
	SETUP_XLOADFLAGS = 0x236,
	SETUP_PAYLOAD = 0x248,
	SETUP_END = 0x250,
	SETUP_BASE = 0x200
};

static bool is_bzimage(struct str file)
{
	return file.len >= SETUP_END && !memcmp(file.ptr + SETUP_MAGIC, "HdrS", 4);
}

/* --- what is packed inside ---------------------------------------------------------- */

static const char banner[] = "Linux version ";

static bool is_kernel(struct str bytes)
{
	return memmem(bytes.ptr, bytes.len, banner, sizeof(banner) - 1) != NULL;
}

static bool try_payload(struct str rest, struct strbuf *out)
{
	enum { PAYLOAD_MAX = 512 << 20 };
	autoerror struct error ignored = {0}; /* it only looked like one */
	const struct packed *p = packed_as(rest);
	size_t before = out->len;

	/* What was unpacked before an error may be all that was packed. */
	if (!p || !p->unpack)
		return false;
	p->unpack(rest, PAYLOAD_MAX, out, &ignored);
	if (out->len > before &&
	    is_kernel((struct str){out->ptr + before, out->len - before}))
		return true;
	out->len = before;
	return false;
}

/* The first of a few places that look like the beginning of something packed. */
static bool search_payload(struct str file, struct strbuf *out)
{
	static const struct str marks[] = {
		STR("\xfd"
		    "7zXZ\0"),
		STR("\x28\xb5\x2f\xfd"),
		STR("\x1f\x8b\b"),
		STR("\x02\x21\x4c\x18"),
		STR("\x5d\0\0"),
	};
	enum { TRIES = 32 };

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		struct str rest = file;

		for (int tries = 0; tries < TRIES; tries++) {
			const char *at =
				memmem(rest.ptr, rest.len, marks[i].ptr, marks[i].len);
			if (!at)
				break;
			rest.len -= (size_t)(at - rest.ptr);
			rest.ptr = at;
			if (try_payload(rest, out))
				return true;
			rest.ptr++;
			rest.len--;
		}
	}
	return false;
}

bool image_payload(struct str file, struct strbuf *out)
{
	if (is_bzimage(file)) {
		uint64_t sectors = (unsigned char)file.ptr[SETUP_SECTS];
		uint64_t at = ((sectors ? sectors : 4) + 1) * 512 +
			      elf_number(file.ptr + SETUP_PAYLOAD, 4);

		if (at < file.len &&
		    try_payload((struct str){file.ptr + at, file.len - at}, out))
			return true;
	}
	return search_payload(file, out);
}

/* --- what it says of itself --------------------------------------------------------- */

/* The release is a text in the header. */
static bool read_bzimage(struct kernel_target *t, struct str file, struct arena *a)
{
	if (!is_bzimage(file))
		return false;
	bool wide = file.ptr[SETUP_XLOADFLAGS] & 1;
	t->machine = machine_of_elf(wide ? EM_X86_64 : EM_386, wide);
	uint64_t at = elf_number(file.ptr + SETUP_VERSION, 2);
	struct str text = elf_text(file, SETUP_BASE + at);
	/* "6.12.107 (user@host) #1 SMP ...", and the release may have blanks */
	const char *end = memmem(text.ptr, text.len, " (", 2);
	if (at && end)
		t->release = arena_strndup(a, text.ptr, (size_t)(end - text.ptr));
	return true;
}

static void find_release(struct kernel_target *t, struct str file, struct arena *a)
{
	const size_t n = sizeof(banner) - 1;
	struct str rest = file;

	while (!t->release) {
		const char *found = memmem(rest.ptr, rest.len, banner, n);
		if (!found)
			return;
		rest.len -= (size_t)(found + n - rest.ptr);
		rest.ptr = found + n;
		struct str text = elf_text(rest, 0);
		const char *end = memmem(text.ptr, text.len, " (", 2);
		/* There is a format, too: "Linux version %s ..." */
		if (end && *text.ptr >= '0' && *text.ptr <= '9')
			t->release = arena_strndup(a, text.ptr, (size_t)(end - text.ptr));
	}
}

/* A text that is the release and known words only. */
static void find_vermagic(struct kernel_target *t, struct str file, struct arena *a)
{
	struct str rest = file;
	size_t n = strlen(t->release);

	while (!t->vermagic) {
		const char *found = memmem(rest.ptr, rest.len, t->release, n);
		if (!found)
			return;
		struct str text = elf_text(file, (uint64_t)(found - file.ptr));
		rest.len -= (size_t)(found + 1 - rest.ptr);
		rest.ptr = found + 1;
		if (text.len > n + 1 && text.len < 512 && text.ptr[n] == ' ' &&
		    (found == file.ptr || found[-1] == '\0') &&
		    vermagic_split(text).part[VERMAGIC_RELEASE].len == n)
			t->vermagic = arena_strndup(a, text.ptr, text.len);
	}
}

/* A kernel that is not packed. */
static void read_kernel(struct kernel_target *t, struct str file, struct arena *a)
{
	autoerror struct error ignored = {0};
	struct elf e;
	bool arm64 = file.len > 0x3c && !memcmp(file.ptr + 0x38, "ARM\x64", 4);

	struct elf_section types;

	if (elf_open(&e, file, &ignored) == 0) {
		t->machine = machine_of_elf(e.machine, e.wide);
		if (elf_find(&e, ".BTF", SHT_NULL, &types, &ignored) > 0)
			btf_names_len(types.data, &t->btf_names);
	} else if (arm64) {
		t->machine = machine_of_elf(EM_AARCH64, true);
	}
	if (!t->release)
		find_release(t, file, a);
	if (t->release && !t->vermagic)
		find_vermagic(t, file, a);
}

static void read_ikconfig(struct kernel_target *t, const char *name, struct str file,
			  struct arena *a)
{
	autobuf struct strbuf text = STRBUF_INIT;

	if (t->has_config || !ikconfig_find(file, &text))
		return;
	kconfig_read(&t->config, (struct str){text.ptr, text.len}, a);
	t->has_config = true;
	t->config_file = arena_strdup(a, name);
}

/* The magic number of arm's zImage (Documentation/arch/arm/booting.rst). */
static bool is_zimage(struct str file)
{
	return file.len > 0x30 && elf_number(file.ptr + 0x24, 4) == 0x016f2818;
}

int target_of_image(struct kernel_target *t, const char *name, struct str file,
		    struct arena *a)
{
	autobuf struct strbuf inner = STRBUF_INIT;
	bool packed = read_bzimage(t, file, a);

	if (is_zimage(file))
		t->machine = machine_of_elf(EM_ARM, false);
	if (!packed)
		read_kernel(t, file, a);
	bool is_elf = file.len > 4 && !memcmp(file.ptr, "\177ELF", 4);
	if (!t->vermagic && !is_elf && image_payload(file, &inner)) {
		file = (struct str){inner.ptr, inner.len};
		read_kernel(t, file, a);
	}
	if (t->machine || t->release)
		read_ikconfig(t, name, file, a);
	return t->machine || t->release;
}
