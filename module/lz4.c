// SPDX-License-Identifier: MIT
#include "module/lz4.h"

#include "module/elf.h"

enum { MAGIC_LEN = 4, BLOCK_MAX = 8 << 20, MATCH_MIN = 4, LONG = 15 };

/* Four bits, and when all are set as many bytes as are 255, and one more. */
static bool read_length(struct str *in, unsigned bits, size_t *n)
{
	unsigned char more;

	*n = bits;
	if (bits != LONG)
		return true;
	do {
		if (!in->len)
			return false;
		more = (unsigned char)*in->ptr;
		in->ptr++;
		in->len--;
		*n += more;
		if (*n > BLOCK_MAX)
			return false;
	} while (more == 255);
	return true;
}

static bool copy_literals(struct str *in, size_t n, struct strbuf *out)
{
	if (n > in->len)
		return false;
	strbuf_add(out, in->ptr, n);
	in->ptr += n;
	in->len -= n;
	return true;
}

/* A match may overlap what it makes. */
static bool copy_match(struct strbuf *out, size_t start, size_t back, size_t n)
{
	if (!back || back > out->len - start)
		return false;
	strbuf_reserve(out, n + 1);
	for (size_t i = 0; i < n; i++, out->len++)
		out->ptr[out->len] = out->ptr[out->len - back];
	return true;
}

static bool unpack_block(struct str in, struct strbuf *out)
{
	size_t start = out->len, n;

	while (in.len) {
		unsigned token = (unsigned char)*in.ptr;

		in.ptr++;
		in.len--;
		if (!read_length(&in, token >> 4, &n) || !copy_literals(&in, n, out))
			return false;
		if (!in.len) /* the last one is literals only */
			break;
		if (in.len < 2)
			return false;
		size_t back = (size_t)elf_number(in.ptr, 2);
		in.ptr += 2;
		in.len -= 2;
		if (!read_length(&in, token & LONG, &n) ||
		    !copy_match(out, start, back, n + MATCH_MIN) ||
		    out->len - start > BLOCK_MAX)
			return false;
	}
	return out->len - start <= BLOCK_MAX;
}

int unpack_lz4(struct str packed, size_t max, struct strbuf *out, struct error *err)
{
	size_t start = out->len;
	struct str rest = {packed.ptr + MAGIC_LEN, packed.len - MAGIC_LEN};

	while (rest.len) {
		uint64_t n = rest.len > 4 ? elf_number(rest.ptr, 4) : 0;
		size_t before = out->len;

		if (n == 0 || n > rest.len - 4 ||
		    !unpack_block((struct str){rest.ptr + 4, (size_t)n}, out)) {
			out->len = before;
			return error_class(err, ERROR_RECIPE,
					   "the file is no whole lz4 file: it is "
					   "damaged or ends early");
		}
		if (out->len - start > max)
			return error_class(err, ERROR_RECIPE,
					   "the unpacked file is larger than %zu bytes",
					   max);
		rest.ptr += 4 + n;
		rest.len -= 4 + (size_t)n;
		/* Only the last one is not full; a kernel goes on behind it. */
		if (out->len - before < BLOCK_MAX)
			break;
	}
	return 0;
}
