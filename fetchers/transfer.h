/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * One file of a set on its way: attempts, one after the other, at one address after the
 * other. download.c decides when; here is what an attempt is and what its end means.
 */
#include <curl/curl.h>

#include "fetchers/download.h"
#include "fetchers/part.h"

enum transfer_state { TRANSFER_WAITS, TRANSFER_RUNS, TRANSFER_DONE };

struct transfer {
	const struct download_set *set;
	struct download *item;
	enum transfer_state state;
	size_t url; /* index of the one being tried */
	unsigned tries;
	uint64_t not_before_ms, deadline_ms; /* 0: no deadline */
	bool began;
	CURL *easy;
	struct curl_slist *headers;
	char curl_text[CURL_ERROR_SIZE];

	struct part part;
	size_t header_bytes;
	bool checked_head; /* the reply's kind was looked at */
	bool resumed;      /* this attempt continues what an earlier one left */
	bool too_long, too_much;
	bool silent;         /* out: nobody answered, or to say that he cannot */
	int local_errno;     /* of our own disk; 0: it is fine */
	unsigned misses;     /* addresses that have no such file */
	struct error error;  /* of the last attempt; at the end, of all */
	struct strbuf story; /* how each address failed, one a line */
	bool mismatch;       /* one of them had other bytes */
};

/* May another attempt succeed where this one failed? */
bool transfer_passing(CURLcode code, long status);
/* Bytes received so far. */
uint64_t transfer_have(const struct transfer *t);
/* How many there may be. */
uint64_t transfer_limit(const struct transfer *t);
/* Sets the handle up for the address that is to be tried; not where the bytes go. */
void transfer_set_options(struct transfer *t);
/* Begins an attempt. */
void transfer_start(struct transfer *t, CURLM *multi);
/* An attempt came to its end: done, or waiting for the next one. */
void transfer_ended(struct transfer *t, CURLcode code);
/* Done without having been tried, since the server does not answer. */
void transfer_give_up(struct transfer *t, const struct error *why);
void transfer_finish(struct transfer *t);
