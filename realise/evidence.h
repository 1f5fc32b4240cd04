/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Two versions of one file and the places at which they differ, for whoever looks for
 * the cause. A text is compared line by line wherever its lines stand, a binary byte by
 * byte, or by the texts in it when its parts have moved; archives member by member, and
 * packed files by what they hold. Names and link targets are texts, too.
 *
 *	struct evidence e = {.path = "config", .first = &first, .again = &again};
 *	if (evidence_open(&e, file, other, err) < 0) ...
 *	for (size_t i = 0; i < e.nspots; i++) ...
 *	evidence_close(&e);
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "realise/archive.h"

/* What is known of the two builds. */
struct run_facts {
	int64_t begin, end; /* the builder ran in between, seconds since the epoch */
	int64_t ahead;      /* of its clock */
	const char *host, *user;
	unsigned uid, umask, pids;
	unsigned order;  /* of names, as in struct variation */
	long jobs;       /* 0: not known */
	long processors; /* that it saw */
	bool shim;       /* clock, order of names and so on were varied */
};

/* By what somebody knows the cause of a spot. */
enum explained { NOT_EXPLAINED, BY_WORDS, BY_FORMAT };

struct spot {
	struct str a, b;           /* the words that differ; one may be empty */
	struct str near_a, near_b; /* with what stands around them, a line at most */
	enum explained explained;
};

struct evidence {
	const char *path;
	const struct run_facts *first, *again;
	struct str config; /* of the kernel that is built, if one is; may be empty */

	struct str raw_a, raw_b; /* the files */
	const char *packed;      /* "gzip", if both are */
	bool unpacked;           /* a and b are what they hold */
	struct str a, b;
	bool text;
	bool reordered, reversed;       /* of the lines or texts that both have */
	struct archive_finding archive; /* format NULL: it is none */
	struct spot *spots;
	size_t nspots, cap_spots;
	bool mapped;
	struct strbuf inside_a, inside_b;
};

enum { SPOTS_MAX = 400 };

/* Maps both files; regular ones only. */
int evidence_open(struct evidence *e, const char *first, const char *again,
		  struct error *err);
/* The same for two texts, which must live as long. */
void evidence_of_texts(struct evidence *e, const char *first, const char *again);
void evidence_close(struct evidence *e);

/* The format explains every spot. */
void evidence_explain(struct evidence *e);
/* Where a word of a text is, from 1; of a spot's `a`, which must not be empty. */
size_t evidence_line(const struct evidence *e, const struct spot *s);
