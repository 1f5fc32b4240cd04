// SPDX-License-Identifier: MIT
#include "store/digest.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { BUFFER_SIZE = 256 * 1024, NBUFFERS = 4 };

struct digest {
	struct nar_sink sink; /* first: the sink is the digest */
	struct sha256_ctx *hash;
	struct refs *refs;
	char *buffers[NBUFFERS];

	pthread_t thread;
	bool threaded, stop;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t lens[NBUFFERS];
	size_t filled, done; /* counts of buffers; filled - done wait for the thread */
};

static void take_in(struct digest *d, const char *bytes, size_t n)
{
	sha256_add(d->hash, bytes, n);
	if (d->refs)
		refs_feed(d->refs, bytes, n);
}

static void *work(void *arg)
{
	struct digest *d = arg;

	pthread_mutex_lock(&d->lock);
	for (;;) {
		while (d->done == d->filled && !d->stop)
			pthread_cond_wait(&d->changed, &d->lock);
		if (d->done == d->filled)
			break;
		size_t i = d->done % NBUFFERS;

		pthread_mutex_unlock(&d->lock);
		take_in(d, d->buffers[i], d->lens[i]);
		pthread_mutex_lock(&d->lock);
		d->done++;
		pthread_cond_signal(&d->changed);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

static void hand_over(struct digest *d)
{
	pthread_mutex_lock(&d->lock);
	d->lens[d->filled % NBUFFERS] = d->sink.len;
	d->filled++;
	pthread_cond_signal(&d->changed);
	while (d->filled - d->done == NBUFFERS)
		pthread_cond_wait(&d->changed, &d->lock);
	pthread_mutex_unlock(&d->lock);

	char **next = &d->buffers[d->filled % NBUFFERS];
	if (!*next)
		*next = xmalloc(BUFFER_SIZE);
	d->sink.buf = *next;
}

static int flush(struct nar_sink *s, struct error *err)
{
	struct digest *d = (struct digest *)s;

	(void)err;
	/* Not full: the end of the archive. Without a thread by now, none is worth it. */
	if (!d->threaded && s->len + NAR_SINK_MIN >= s->cap)
		d->threaded = pthread_create(&d->thread, NULL, work, d) == 0;
	if (d->threaded)
		hand_over(d);
	else
		take_in(d, s->buf, s->len);
	s->len = 0;
	return 0;
}

struct digest *digest_new(struct refs *refs)
{
	struct digest *d = xcalloc(1, sizeof(*d));

	d->hash = sha256_new();
	d->refs = refs;
	d->buffers[0] = xmalloc(BUFFER_SIZE);
	d->sink = (struct nar_sink){
		.buf = d->buffers[0], .cap = BUFFER_SIZE, .flush = flush};
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	return d;
}

struct nar_sink *digest_sink(struct digest *d)
{
	return &d->sink;
}

static void join(struct digest *d)
{
	if (!d->threaded)
		return;
	pthread_mutex_lock(&d->lock);
	d->stop = true;
	pthread_cond_signal(&d->changed);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	d->threaded = false;
}

struct sha256 digest_end(struct digest *d, uint64_t *size)
{
	join(d);
	*size = d->sink.total;
	return sha256_end(take_ptr(&d->hash));
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	join(d);
	sha256_drop(d->hash);
	for (size_t i = 0; i < NBUFFERS; i++)
		free(d->buffers[i]);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->changed);
	free(d);
}
