/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Requests to S3 and what is like it, signed with the keys of the environment:
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, if they are lent, AWS_SESSION_TOKEN.
 * Without keys a request goes out unsigned; public buckets answer.
 */
#include <curl/curl.h>

#include "fetchers/cacheurl.h"

/* SHA-256 of no bytes at all: what a GET or HEAD sends. */
extern const char s3_nothing[];
/* A body that is not known yet when the request is signed. */
extern const char s3_unsigned[];

/*
 * Sets a handle up for u, which is of kind CACHE_S3; `body` is the SHA-256 of what will
 * be sent, or one of the above. Headers that are needed are added to *headers, which the
 * caller sets as CURLOPT_HTTPHEADER and frees after the transfer.
 */
void s3_sign(CURL *c, const struct cache_url *u, const char *body,
	     struct curl_slist **headers);
