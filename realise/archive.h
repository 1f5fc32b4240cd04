/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The members of an archive (cpio newc, tar, ar, zip), to tell whether two differ in what
 * they hold or in what they say about it. Sources: cpio(5), tar(5), ar(5), PKWARE's
 * APPNOTE 4.3.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum archive_field {
	FIELD_TIME,
	FIELD_INODE,
	FIELD_OWNER,
	FIELD_MODE,
	FIELD_DEVICE,
	ARCHIVE_FIELDS,
};

extern const char *const archive_field_words[ARCHIVE_FIELDS];

struct archive_finding {
	const char *format;          /* "cpio" */
	bool fields[ARCHIVE_FIELDS]; /* that differ */
	bool reordered;              /* same members, other order */
	bool content;                /* members differ in bytes, or exist in one only */
	struct str member; /* the first that differs in a field, points into a */
};

/*
 * False if they are no archives of one kind, or broken. Members of the same name with
 * other bytes are told.
 */
bool archive_compare(struct str a, struct str b, struct archive_finding *out,
		     void (*differ)(void *ctx, struct str a, struct str b), void *ctx);
