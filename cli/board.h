/* SPDX-License-Identifier: MIT */
#pragma once
/* The address of a machine that the user's own ssh reaches. */
#include "base/argv.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct board {
	const char *shown;              /* the address as it was given */
	const char *user, *host, *port; /* user and port may be NULL */
	const struct argv *options;     /* for ssh -o */
};

/* ssh://[USER@]HOST[:PORT], in the arena. */
int board_parse(const char *address, struct arena *a, struct board *out,
		struct error *err);
/* Does it look like an address, whatever its scheme? */
bool board_is_address(const char *word);

/* A text as one word of a shell. */
void board_quote(struct strbuf *out, const char *text);
