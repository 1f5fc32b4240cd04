// SPDX-License-Identifier: MIT
#include "cli/probe_live.h"

#include "cli/talk.h"

/* What the script may send, once each, and how much of it. */
static const struct {
	const char *key;
	size_t most;
} frames[] = {
	{"uname", 4 << 10},    {"version", 4 << 10},  {"config", 8 << 20},
	{"symvers", 64 << 20}, {"vermagic", 4 << 10}, {"module", 64 << 20},
	{"exports", 64 << 20}, {"btf", 128 << 20},    {"sig_enforce", 4 << 10},
};

static int frame_of(struct str key)
{
	for (size_t i = 0; i < ARRAY_LEN(frames); i++)
		if (str_is(key, frames[i].key))
			return (int)i;
	return -1;
}

/* "SIZE PATH" */
static int read_head(const struct talk *t, int frame, struct str rest, size_t *size,
		     struct str *path, struct error *err)
{
	struct str digits = str_cut(&rest, ' ');

	*size = 0;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.ptr[i] < '0' || digits.ptr[i] > '9' || i > 9)
			return talk_refuse(t, err, "a size that is none");
		*size = *size * 10 + (size_t)(digits.ptr[i] - '0');
	}
	if (!digits.len || *size > frames[frame].most)
		return talk_refuse(t, err, "%s of %zu bytes, expected at most %zu",
				   frames[frame].key, *size, frames[frame].most);
	*path = rest.ptr ? rest : STR("");
	for (size_t i = 0; i < path->len; i++)
		if (path->ptr[i] < ' ' || path->ptr[i] > '~')
			return talk_refuse(t, err, "a name with other characters");
	return 0;
}

static int read_frames(struct probe *p, struct talk *t, struct error *err)
{
	bool seen[ARRAY_LEN(frames)] = {0};
	struct str key, rest, path = STR(""), bytes;
	size_t size = 0;

	for (;;) {
		if (talk_line(t, &key, &rest, err) < 0)
			return -1;
		if (str_is(key, "end"))
			return 0;
		if (str_is(key, "begin"))
			continue;
		int frame = frame_of(key);
		if (frame < 0 || seen[frame])
			return talk_refuse(t, err, "%s",
					   frame < 0 ? "an unknown key" : "a key twice");
		seen[frame] = true;
		if (read_head(t, frame, rest, &size, &path, err) < 0)
			return -1;
		const char *name = arena_printf(p->a, "%s:%.*s", t->board->host,
						(int)path.len, path.ptr);
		if (talk_bytes(t, size, &bytes, err) < 0 ||
		    probe_add(p, name, bytes, err) < 0)
			return -1;
	}
}

int probe_live(struct probe *p, struct cli *cli, const struct board *b, struct error *err)
{
	const uint64_t limit = 512 << 20;
	struct talk t;
	int res = talk_open(&t, cli, b, "", "probe.sh", limit, err);

	if (res == 0)
		res = read_frames(p, &t, err);
	talk_finish(&t);
	return res;
}
