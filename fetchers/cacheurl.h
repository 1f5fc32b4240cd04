/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * The address of a binary cache, taken apart once:
 *	https://HOST/PATH, http://...      a web server; user and password are netrc's
 *	file:///DIR, /DIR                  a directory
 *	s3://BUCKET[/PREFIX]?region=R&endpoint=HOST[:PORT]&scheme=http|https
 * `?priority=N` goes with each of them and beats what the cache says of itself.
 */
#include "base/error.h"

enum cache_kind { CACHE_WEB, CACHE_DIR, CACHE_S3 };

struct cache_url {
	enum cache_kind kind;
	char *base;    /* what its files' names are appended to, without parameters */
	char *dir;     /* CACHE_DIR: the directory itself, else NULL */
	char *region;  /* CACHE_S3: what requests are signed for, else NULL */
	char *shown;   /* for people: without a password */
	long priority; /* lower is asked first; -1: not said */
};

#define autocacheurl __attribute__((cleanup(cache_url_finish)))

/* Class ERROR_RECIPE. Finish it in any case. */
int cache_url_parse(const char *text, struct cache_url *out, struct error *err);
void cache_url_finish(struct cache_url *u);
/* The address of one of its files, "nar/x.nar.zst"; freed by the caller. */
char *cache_url_file(const struct cache_url *u, const char *name);
/* A relative directory as seen from `dir`; any other address as it is. Free it. */
char *cache_url_absolute(const char *text, const char *dir);
