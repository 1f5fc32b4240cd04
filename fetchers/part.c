// SPDX-License-Identifier: MIT
#include "fetchers/part.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/dir.h"

/* What an earlier attempt left goes into the digest first. */
static int read_back(struct part *p)
{
	char buf[64 * 1024];
	ssize_t n;

	p->digest = sha256_new();
	p->have = 0;
	while ((n = read(p->fd, buf, sizeof(buf))) > 0) {
		sha256_add(p->digest, buf, (size_t)n);
		p->have += (uint64_t)n;
	}
	return n < 0 ? -1 : 0;
}

/* Ours alone, and still under its name: another process may just have moved it away. */
static bool locked(const struct part *p)
{
	struct stat ours, named;

	return flock(p->fd, LOCK_EX | LOCK_NB) == 0 && fstat(p->fd, &ours) == 0 &&
	       stat(p->path, &named) == 0 && ours.st_ino == named.st_ino;
}

int part_open(struct part *p, const char *dir, const struct sha256 *expect,
	      struct error *err)
{
	static const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	char hex[SHA256_HEX_SIZE];

	*p = (struct part){.fd = -1};
	if (expect) {
		p->path = xasprintf("%s/%s", dir, sha256_hex(expect, hex));
		p->fd = open(p->path, flags, 0600);
		if (p->fd < 0)
			return error_errno(err, "cannot open %s", p->path);
		if (locked(p))
			return read_back(p) < 0
				       ? error_errno(err, "cannot read %s", p->path)
				       : 0;
		close(p->fd);
		free(p->path);
	}
	p->private = true;
	autofree char *stem = path_join(dir, "new");
	dir_clear_temps(AT_FDCWD, stem);
	p->path = xasprintf("%s.tmp-%d-%p", stem, (int)getpid(), (void *)p);
	p->fd = open(p->path, flags | O_EXCL, 0600);
	if (p->fd < 0)
		return error_errno(err, "cannot create %s", p->path);
	p->digest = sha256_new();
	return 0;
}

int part_add(struct part *p, const void *bytes, size_t n)
{
	if (write_all(p->fd, bytes, n) < 0)
		return -1;
	sha256_add(p->digest, bytes, n);
	p->have += n;
	return 0;
}

int part_restart(struct part *p)
{
	sha256_drop(p->digest);
	p->digest = sha256_new();
	p->have = 0;
	return ftruncate(p->fd, 0) < 0 || lseek(p->fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

struct sha256 part_digest(struct part *p)
{
	struct sha256_ctx *ctx = p->digest;

	p->digest = NULL;
	return sha256_end(ctx);
}

static int copy(struct part *p, const char *dest, struct error *err)
{
	char buf[64 * 1024];
	ssize_t n;
	autofree char *temp = xasprintf("%s.tmp-%d", dest, (int)getpid());
	dir_clear_temps(AT_FDCWD, dest);
	autoclose int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || lseek(p->fd, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot create %s", temp);
	while ((n = read(p->fd, buf, sizeof(buf))) > 0)
		if (write_all(fd, buf, (size_t)n) < 0)
			break;
	if (n != 0 || rename(temp, dest) < 0) {
		error_errno(err, "cannot write %s", dest);
		unlink(temp);
		return -1;
	}
	unlink(p->path);
	return 0;
}

int part_publish(struct part *p, const char *dest, struct error *err)
{
	if (fchmod(p->fd, 0644) < 0)
		return error_errno(err, "cannot change %s", p->path);
	if (rename(p->path, dest) < 0) {
		if (errno != EXDEV)
			return error_errno(err, "cannot create %s", dest);
		if (copy(p, dest, err) < 0)
			return -1;
	}
	p->published = true;
	return 0;
}

int part_take(struct part *p, struct error *err)
{
	if (unlink(p->path) < 0 || lseek(p->fd, 0, SEEK_SET) < 0)
		return error_errno(err, "cannot take %s", p->path);
	p->published = true;
	return take_fd(&p->fd);
}

void part_close(struct part *p)
{
	if (!p->path)
		return;
	sha256_drop(p->digest);
	if (p->fd >= 0)
		close(p->fd);
	if (!p->published && (p->private || !p->have))
		unlink(p->path);
	free(p->path);
	p->path = NULL;
	p->digest = NULL;
	p->fd = -1;
}
