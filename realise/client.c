// SPDX-License-Identifier: MIT
/* A worker's way to the network: kbuild-fetch and the caches, heard on its own pipe. */
#include "realise/message.h"
#include "realise/worker.h"

static void tell_progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	const struct worker *w = ctx;

	message_count(w->messages, what ? what : "", done, total);
}

static void tell_warning(void *ctx, const char *text)
{
	const struct worker *w = ctx;

	message_text(w->messages, "warn", text);
}

struct fetch_client worker_client(struct worker *w)
{
	return (struct fetch_client){
		.program = w->opt->fetch->program, .progress = tell_progress, .ctx = w};
}

bool worker_caches(struct worker *w, struct fetch_client *client, struct caches *out)
{
	if (!w->opt->caches || !w->opt->caches->n)
		return false;
	*client = worker_client(w);
	*out = *w->opt->caches;
	out->fetch = client;
	out->scratch_dir = store_scratch_dir(w->st);
	out->warn = tell_warning;
	out->ctx = w;
	return true;
}
