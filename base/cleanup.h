/* SPDX-License-Identifier: MIT */
#pragma once
/*
 * Release by scope. A variable marked auto* gives its resource back when it leaves its
 * scope; take_ptr() and take_fd() hand the resource on and disarm the variable.
 *
 *	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
 *	if (fd < 0)
 *		return error_errno(err, "cannot open %s", path);
 *	out->fd = take_fd(&fd);
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Refuses pointers: an array and the address of its first element differ in type. */
#define ARRAY_LEN(a)                                                                     \
	(sizeof(a) / sizeof((a)[0]) +                                                    \
	 0 * sizeof(char[1 - 2 * __builtin_types_compatible_p(__typeof__(a),             \
							      __typeof__(&(a)[0]))]))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define autofree  __attribute__((cleanup(cleanup_free)))
#define autoclose __attribute__((cleanup(cleanup_close)))
#define autofile  __attribute__((cleanup(cleanup_file)))
#define autodir   __attribute__((cleanup(cleanup_dir)))

#define take_ptr(pp)                                                                     \
	({                                                                               \
		__auto_type pp_ = (pp);                                                  \
		__auto_type p_ = *pp_;                                                   \
		*pp_ = NULL;                                                             \
		p_;                                                                      \
	})

static inline int take_fd(int *fd)
{
	int out = *fd;

	*fd = -1;
	return out;
}
