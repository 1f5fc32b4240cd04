/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Why two builds differ: a table of causes that are known, each with what recognises it
 * and what mends it. docs/reproducible.md lists them for people.
 */
#include "base/arena.h"
#include "realise/evidence.h"

struct cause {
	const char *name, *hint;
	/* In the file as a whole; `detail` may be told what exactly. */
	bool (*in_file)(struct evidence *e, struct strbuf *detail);
	/* At one spot. */
	bool (*at_spot)(const struct evidence *e, const struct spot *s);
	bool weak; /* asked only when something is left to explain */
};

struct found_cause {
	const struct cause *cause;
	const char *detail; /* or NULL */
};

enum { CAUSES_MAX = 8 };

/* How many are found; 0: none that is known. */
size_t causes_find(struct evidence *e, struct arena *a,
		   struct found_cause out[CAUSES_MAX]);

/* Of a file that is executable in one build only. */
extern const struct cause cause_of_mode;

/* --- what the table refers to ------------------------------------------------------- */

/* cause_formats.c */
bool cause_signature(struct evidence *e, struct strbuf *detail);
bool cause_randstruct(struct evidence *e, struct strbuf *detail);
bool cause_entropy(struct evidence *e, struct strbuf *detail);
bool cause_gzip(struct evidence *e, struct strbuf *detail);
bool cause_archive(struct evidence *e, struct strbuf *detail);
bool cause_python(struct evidence *e, struct strbuf *detail);
bool cause_image(struct evidence *e, struct strbuf *detail);
bool cause_device_tree(struct evidence *e, struct strbuf *detail);
bool cause_build_id(struct evidence *e, struct strbuf *detail);
bool cause_packing(struct evidence *e, struct strbuf *detail);
/* cause_order.c */
bool cause_directory(struct evidence *e, struct strbuf *detail);
bool cause_collation(struct evidence *e, struct strbuf *detail);
bool cause_parallel(struct evidence *e, struct strbuf *detail);
/* cause_time.c */
bool cause_date(const struct evidence *e, const struct spot *s);
bool cause_binary_date(const struct evidence *e, const struct spot *s);
/* cause_words.c */
bool cause_place(const struct evidence *e, const struct spot *s);
bool cause_host(const struct evidence *e, const struct spot *s);
bool cause_user(const struct evidence *e, const struct spot *s);
bool cause_kernel(const struct evidence *e, const struct spot *s);
bool cause_environment(const struct evidence *e, const struct spot *s);
bool cause_locale(const struct evidence *e, const struct spot *s);
bool cause_mode(const struct evidence *e, const struct spot *s);
bool cause_temporary(const struct evidence *e, const struct spot *s);
bool cause_uuid(const struct evidence *e, const struct spot *s);
bool cause_pid(const struct evidence *e, const struct spot *s);
bool cause_jobs(const struct evidence *e, const struct spot *s);
bool cause_address(const struct evidence *e, const struct spot *s);
bool cause_random(const struct evidence *e, const struct spot *s);
