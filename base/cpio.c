// SPDX-License-Identifier: MIT
#include "base/cpio.h"

enum { HEAD = 110, MODE = 14, SIZE = 54, NAME_SIZE = 94 };

bool cpio_is(struct str file)
{
	return file.len >= HEAD &&
	       (memcmp(file.ptr, "070701", 6) == 0 || memcmp(file.ptr, "070702", 6) == 0);
}

/* Eight hexadecimal digits. */
static bool number(const char *p, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 8; i++) {
		char c = p[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return false;
		*out = *out << 4 | (uint32_t)digit;
	}
	return true;
}

/* n bytes and what fills them up to four; the last ones may lack that. */
static bool take(struct str *rest, uint64_t n, uint64_t done, struct str *out)
{
	if (n > rest->len)
		return false;
	*out = (struct str){rest->ptr, (size_t)n};
	n += -(n + done) & 3;
	if (n > rest->len)
		n = rest->len;
	rest->ptr += n;
	rest->len -= (size_t)n;
	return true;
}

int cpio_next(struct str *rest, struct cpio_entry *out)
{
	uint32_t mode, size, name_size;
	struct str s = *rest;

	if (!cpio_is(s) || !number(s.ptr + MODE, &mode) || !number(s.ptr + SIZE, &size) ||
	    !number(s.ptr + NAME_SIZE, &name_size) || name_size == 0)
		return -1;
	s.ptr += HEAD;
	s.len -= HEAD;
	if (!take(&s, name_size, HEAD, &out->name) || !take(&s, size, 0, &out->data))
		return -1;
	out->name.len = strnlen(out->name.ptr, out->name.len);
	out->mode = mode;
	*rest = s;
	return !str_is(out->name, "TRAILER!!!");
}
