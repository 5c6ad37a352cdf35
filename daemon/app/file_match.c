#include "app/file_match.h"

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>

#include "kpid/base/buf.h"
#include "kpid/base/memory.h"
#include "kpid/base/printable.h"
#include "kpid/core/batch.h"

enum { NAME_BYTES = 180, HEX_BYTES = 8 }; /* leaves room for the numbers in a topic of at most 255 bytes */

/* ---- fingerprints ---- */

void line_chain_add(struct line_chain *chain, struct text line)
{
	/* Digest and line as one block: usually on the stack. */
	unsigned char both[SHA256_BYTES + 2048], *bytes = both;
	size_t n_bytes = SHA256_BYTES + (size_t)line.len;
	if (n_bytes > sizeof(both))
		bytes = mem_alloc(n_bytes);
	memcpy(bytes, chain->digest, SHA256_BYTES);
	if (line.len > 0)
		memcpy(bytes + SHA256_BYTES, line.ptr, line.len);
	sha256_digest((struct text){(const char *)bytes, (uint32_t)n_bytes}, chain->digest);
	if (bytes != both)
		free(bytes);
}

int64_t line_chain_fingerprint(const struct line_chain *chain)
{
	int64_t fingerprint;
	memcpy(&fingerprint, chain->digest, sizeof(fingerprint));
	return (int64_t)be64toh((uint64_t)fingerprint);
}

/* ---- names ---- */

/* Cuts between characters: PostgreSQL only accepts valid UTF-8. */
static void add_name(struct buf *topic, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct text rest = text_of(slash == NULL ? path : slash + 1);
	size_t end = topic->len_bytes + NAME_BYTES;
	while (rest.len > 0) {
		struct printable next;
		printable_next(&rest, &next);
		if (topic->len_bytes + next.len_bytes > end)
			break;
		buf_add(topic, next.bytes, next.len_bytes);
	}
}

void file_match_name(struct file_match *match, const char *path, struct text first_line)
{
	struct buf topic = BUF_INIT;
	unsigned char digest[SHA256_BYTES];
	sha256_digest(first_line, digest);
	buf_add_str(&topic, "ingest:");
	add_name(&topic, path);
	buf_add_char(&topic, '@');
	for (int i = 0; i < HEX_BYTES; i++)
		buf_add_format(&topic, "%02x", digest[i]);
	free(match->stem);
	match->stem = topic.data;
}

char *file_match_stream_topic(const char *name, int64_t now_us, int process_no)
{
	struct buf topic = BUF_INIT;
	buf_add_str(&topic, "ingest:");
	add_name(&topic, name);
	buf_add_format(&topic, "@%" PRId64 ".%d", now_us, process_no);
	return topic.data;
}

static char *topic_of(const struct file_match *match, int number)
{
	struct buf topic = BUF_INIT;
	buf_add_str(&topic, match->stem);
	if (number > 1)
		buf_add_format(&topic, ".%d", number);
	return topic.data;
}

/* 1 for the stem itself, n for "STEM.n", 0 for other names. */
static int number_of(const struct file_match *match, struct text topic)
{
	enum { MOST = 1000000 };
	struct text stem = text_of(match->stem);
	if (topic.len < stem.len || !text_same((struct text){topic.ptr, stem.len}, stem))
		return 0;
	if (topic.len == stem.len)
		return 1;
	int number = 0;
	for (uint32_t i = stem.len + 1; i < topic.len; i++) {
		if (topic.ptr[i] < '0' || topic.ptr[i] > '9' || number > MOST)
			return 0;
		number = 10 * number + (topic.ptr[i] - '0');
	}
	return topic.ptr[stem.len] == '.' && number > 1 ? number : 0;
}

/* ---- matching ---- */

void file_match_release(struct file_match *match)
{
	free(match->stem);
	free(match->parts);
	*match = (struct file_match){.stem = NULL};
}

void file_match_clear(struct file_match *match)
{
	match->n_parts = 0;
	match->furthest = 0;
	match->best = (struct ingested_part){.number = 0};
}

void file_match_add(struct file_match *match, struct text topic, int64_t next_offset, int64_t fingerprint)
{
	int number = number_of(match, topic);
	if (number == 0)
		return;
	match->parts = mem_grow(match->parts, &match->parts_capacity, match->n_parts + 1, sizeof(*match->parts));
	match->parts[match->n_parts++] = (struct ingested_part){number, next_offset, fingerprint};
	if (next_offset != OFFSET_NONE && next_offset > match->furthest)
		match->furthest = next_offset;
}

void file_match_compare(struct file_match *match, int64_t n_lines, const struct line_chain *chain)
{
	for (size_t i = 0; i < match->n_parts; i++) {
		const struct ingested_part *part = &match->parts[i];
		bool is_beginning = n_lines == 0 ? part->next_offset == OFFSET_NONE
		                                 : part->next_offset == n_lines &&
		                                           part->fingerprint == line_chain_fingerprint(chain);
		if (is_beginning && (match->best.number == 0 || match->best.next_offset != part->next_offset))
			match->best = *part;
	}
}

char *file_match_choose(struct file_match *match)
{
	if (match->best.number == 0) {
		int number = 1;
		for (size_t i = 0; i < match->n_parts; i++)
			if (match->parts[i].number >= number)
				number = match->parts[i].number + 1;
		match->best = (struct ingested_part){.number = number, .next_offset = OFFSET_NONE};
	}
	return topic_of(match, match->best.number);
}
