// SPDX-License-Identifier: MIT
/*
 * Preloaded into every program of a builder that is checked. What no build may depend on
 * looks different through it: the date, the order of names in a directory, the kernel's
 * release, the number of processors. Everything else passes unchanged.
 *
 * AHEAD_S (seconds) and ORDER (0: reversed, else a seed) are set when this is compiled.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timeb.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The next definition of `name`, with the type of ours. */
#define REAL(name)                                                                       \
	({                                                                               \
		static __typeof__(&name) real_;                                          \
		if (!real_)                                                              \
			real_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name);              \
		real_;                                                                   \
	})

/* --- the date --------------------------------------------------------------------- */

static int is_date(clockid_t id)
{
	return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE || id == CLOCK_TAI;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int rc = REAL(clock_gettime)(id, ts);

	if (rc == 0 && is_date(id))
		ts->tv_sec += AHEAD_S;
	return rc;
}

int timespec_get(struct timespec *ts, int base)
{
	int rc = REAL(timespec_get)(ts, base);

	if (rc == TIME_UTC)
		ts->tv_sec += AHEAD_S;
	return rc;
}

time_t time(time_t *out)
{
	time_t t = REAL(time)(NULL) + AHEAD_S;

	if (out)
		*out = t;
	return t;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	/* Declared as never NULL, but old programs do that. */
	struct timeval *volatile out = tv;
	int rc = REAL(gettimeofday)(tv, zone);

	if (rc == 0 && out)
		out->tv_sec += AHEAD_S;
	return rc;
}

/* Its declaration is marked as deprecated, and then gone: no __typeof__ of it. */
int kbuild_ftime(struct timeb *tb) __asm__("ftime");
int kbuild_ftime(struct timeb *tb)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
		return -1;
	*tb = (struct timeb){.time = ts.tv_sec,
			     .millitm = (unsigned short)(ts.tv_nsec / 1000000)};
	return 0;
}

/*
 * Who waits until a date computed it from the clock above, and would wait for years.
 * Times of other clocks, which begin at boot, are far smaller.
 */
static const struct timespec *true_date(const struct timespec *ts, struct timespec *copy)
{
	if (!ts || ts->tv_sec < 1000000000)
		return ts;
	*copy = *ts;
	copy->tv_sec -= AHEAD_S;
	return copy;
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
			   const struct timespec *restrict ts)
{
	struct timespec copy;

	return REAL(pthread_cond_timedwait)(cond, mutex, true_date(ts, &copy));
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex,
			    const struct timespec *restrict ts)
{
	struct timespec copy;

	return REAL(pthread_mutex_timedlock)(mutex, true_date(ts, &copy));
}

int sem_timedwait(sem_t *restrict sem, const struct timespec *restrict ts)
{
	struct timespec copy;

	return REAL(sem_timedwait)(sem, true_date(ts, &copy));
}

int clock_nanosleep(clockid_t id, int flags, const struct timespec *ts,
		    struct timespec *rest)
{
	struct timespec copy;

	if (flags & TIMER_ABSTIME && is_date(id))
		ts = true_date(ts, &copy);
	return REAL(clock_nanosleep)(id, flags, ts, rest);
}

/* --- the order of names ------------------------------------------------------------- */

/* What our callers have for a DIR: all entries, read at once, in an order of our own. */
struct stream {
	DIR *real;
	struct dirent64 **v;
	size_t n, at;
	int filled, error;
	struct dirent narrow; /* where dirent and dirent64 differ */
};

static uint64_t rank(const char *name)
{
	uint64_t h = 14695981039346656037u ^ ORDER;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 1099511628211u;
	return h ^ h >> 29;
}

static int by_rank(const void *a, const void *b)
{
	const struct dirent64 *x = *(struct dirent64 *const *)a;
	const struct dirent64 *y = *(struct dirent64 *const *)b;
	uint64_t i = rank(x->d_name), j = rank(y->d_name);

	return i < j ? -1 : i > j;
}

/* Pointers to dirent and to dirent64 are sorted alike where both are the same. */
static void reorder(struct dirent64 **v, size_t n)
{
	if (ORDER) {
		qsort(v, n, sizeof(*v), by_rank);
		return;
	}
	for (size_t i = 0; i < n / 2; i++) {
		struct dirent64 *t = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = t;
	}
}

static int is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static void empty(struct stream *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	s->v = NULL;
	s->n = s->at = 0;
	s->filled = 0;
}

static int add(struct stream *s, const struct dirent64 *e, size_t *cap)
{
	if (s->n == *cap) {
		size_t more = *cap ? *cap * 2 : 64;
		void *v = realloc(s->v, more * sizeof(*s->v));

		if (!v)
			return -1;
		s->v = v;
		*cap = more;
	}
	/* Some programs look at the whole structure, whatever its length says. */
	struct dirent64 *copy = calloc(1, sizeof(*copy));
	if (!copy)
		return -1;
	memcpy(copy, e, e->d_reclen < sizeof(*copy) ? e->d_reclen : sizeof(*copy));
	s->v[s->n++] = copy;
	return 0;
}

/* No file system shows its dots anywhere but in front. */
static void fill(struct stream *s)
{
	int before = errno;
	size_t cap = 0, dots = 0;

	if (s->filled)
		return;
	s->filled = 1;
	errno = 0;
	for (struct dirent64 *e; (e = REAL(readdir64)(s->real));)
		if (add(s, e, &cap) < 0) {
			errno = ENOMEM;
			break;
		}
	s->error = errno;
	errno = before;
	for (size_t i = 0; i < s->n; i++)
		if (is_dots(s->v[i]->d_name)) {
			struct dirent64 *t = s->v[i];

			memmove(s->v + dots + 1, s->v + dots, (i - dots) * sizeof(*s->v));
			s->v[dots++] = t;
		}
	if (s->n > dots)
		reorder(s->v + dots, s->n - dots);
}

static DIR *wrap(DIR *real)
{
	struct stream *s = real ? calloc(1, sizeof(*s)) : NULL;

	if (real && !s) {
		REAL(closedir)(real);
		errno = ENOMEM;
	}
	if (s)
		s->real = real;
	return (DIR *)s;
}

DIR *opendir(const char *name)
{
	return wrap(REAL(opendir)(name));
}

DIR *fdopendir(int fd)
{
	return wrap(REAL(fdopendir)(fd));
}

struct dirent64 *readdir64(DIR *dir)
{
	struct stream *s = (struct stream *)dir;

	fill(s);
	if (s->at < s->n)
		return s->v[s->at++];
	if (s->error)
		errno = s->error;
	return NULL;
}

static void narrow(const struct dirent64 *e, struct dirent *out)
{
	out->d_ino = (__typeof__(out->d_ino))e->d_ino;
	out->d_off = (__typeof__(out->d_off))e->d_off;
	out->d_type = e->d_type;
	out->d_reclen = sizeof(*out);
	memcpy(out->d_name, e->d_name, sizeof(out->d_name));
}

struct dirent *readdir(DIR *dir)
{
	struct stream *s = (struct stream *)dir;
	struct dirent64 *e = readdir64(dir);

	if (!e || sizeof(struct dirent) == sizeof(struct dirent64))
		return (struct dirent *)e;
	narrow(e, &s->narrow);
	return &s->narrow;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
int readdir64_r(DIR *restrict dir, struct dirent64 *restrict entry,
		struct dirent64 **restrict out)
{
	struct dirent64 *e = readdir64(dir);

	*out = NULL;
	if (!e)
		return ((struct stream *)dir)->error;
	*entry = *e;
	*out = entry;
	return 0;
}

int readdir_r(DIR *restrict dir, struct dirent *restrict entry,
	      struct dirent **restrict out)
{
	struct dirent64 *e = readdir64(dir);

	*out = NULL;
	if (!e)
		return ((struct stream *)dir)->error;
	narrow(e, entry);
	*out = entry;
	return 0;
}
#pragma GCC diagnostic pop

int closedir(DIR *dir)
{
	struct stream *s = (struct stream *)dir;
	DIR *real = s->real;

	empty(s);
	free(s);
	return REAL(closedir)(real);
}

void rewinddir(DIR *dir)
{
	struct stream *s = (struct stream *)dir;

	empty(s);
	REAL(rewinddir)(s->real);
}

long telldir(DIR *dir)
{
	return (long)((struct stream *)dir)->at;
}

void seekdir(DIR *dir, long at)
{
	struct stream *s = (struct stream *)dir;

	fill(s);
	s->at = (size_t)at < s->n ? (size_t)at : s->n;
}

int dirfd(DIR *dir)
{
	return REAL(dirfd)(((struct stream *)dir)->real);
}

/* A list without an order of its own; the caller frees the entries one by one. */
int scandir64(const char *restrict name, struct dirent64 ***restrict out,
	      int (*want)(const struct dirent64 *),
	      int (*compare)(const struct dirent64 **, const struct dirent64 **))
{
	int n = REAL(scandir64)(name, out, want, compare);

	if (n > 1 && !compare)
		reorder(*out, (size_t)n);
	return n;
}

#if __SIZEOF_LONG__ == 8
int scandir(const char *restrict name, struct dirent ***restrict out,
	    int (*want)(const struct dirent *),
	    int (*compare)(const struct dirent **, const struct dirent **))
{
	int n = REAL(scandir)(name, out, want, compare);

	if (n > 1 && !compare)
		reorder((struct dirent64 **)*out, (size_t)n);
	return n;
}
#endif

/* --- the machine -------------------------------------------------------------------- */

int uname(struct utsname *u)
{
	int rc = REAL(uname)(u);

	if (rc == 0) {
		size_t len = strlen(u->release);

		snprintf(u->release + len, sizeof(u->release) - len, "-another");
		snprintf(u->version, sizeof(u->version), "#999 SMP another");
	}
	return rc;
}

/* One processor less, if there are several. */
static void hide_one(cpu_set_t *set, size_t size)
{
	if (CPU_COUNT_S(size, set) < 2)
		return;
	for (size_t cpu = size * 8; cpu-- > 0;)
		if (CPU_ISSET_S(cpu, size, set)) {
			CPU_CLR_S(cpu, size, set);
			return;
		}
}

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	int rc = REAL(sched_getaffinity)(pid, size, set);

	if (rc == 0)
		hide_one(set, size);
	return rc;
}

int pthread_getaffinity_np(pthread_t thread, size_t size, cpu_set_t *set)
{
	int rc = REAL(pthread_getaffinity_np)(thread, size, set);

	if (rc == 0)
		hide_one(set, size);
	return rc;
}

int get_nprocs(void)
{
	int n = REAL(get_nprocs)();

	return n > 1 ? n - 1 : n;
}

int get_nprocs_conf(void)
{
	int n = REAL(get_nprocs_conf)();

	return n > 1 ? n - 1 : n;
}

long sysconf(int name)
{
	long n = REAL(sysconf)(name);

	if ((name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF) && n > 1)
		return n - 1;
	return n;
}
