/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Talking to a machine by the user's own ssh: one connection, one script of board/,
 * which answers in lines
 *
 *	@NONCE KEY REST
 *
 * Whatever comes may be hostile: lines and their sum are bounded, silence is too, and
 * what is no such line ends the talk, except before the first (a login may greet).
 */
#include <stdint.h>
#include <sys/types.h>

#include "cli/board.h"
#include "cli/cmd.h"

struct talk {
	const struct board *board;
	char nonce[17];
	pid_t pid;
	int to, from, errors;
	struct strbuf got; /* what came; `taken` of it was given out */
	size_t taken;
	struct strbuf
		said; /* the end of what ssh and the script said on standard error */
	struct strbuf todo; /* what is to be sent; `sent` of it was */
	size_t sent;
	bool close_after;  /* nothing more follows */
	bool begun, relay; /* relay: standard error goes on to ours */
	uint64_t left;     /* how much it may still send */
	long silent_s;     /* 0: it may be silent for ever */
};

/*
 * Starts ssh, and there `setup` (assignments for the shell) and board/SCRIPT. `limit` is
 * how much it may say in all.
 */
int talk_open(struct talk *t, struct cli *cli, const struct board *b, const char *setup,
	      const char *script, uint64_t limit, struct error *err);
/* Queues bytes, which go while we wait for lines; with `last`, the stream ends there. */
void talk_send(struct talk *t, struct str bytes, bool last);
/* The next line, valid until the next call. The end is an error that says why. */
int talk_line(struct talk *t, struct str *key, struct str *rest, struct error *err);
/* So many bytes and the newline behind them. */
int talk_bytes(struct talk *t, size_t n, struct str *out, struct error *err);
/* It did not keep to the protocol. Returns -1. */
PRINTF(3, 4)
int talk_refuse(const struct talk *t, struct error *err, const char *fmt, ...);
void talk_finish(struct talk *t);
