#include "kpid/core/shard.h"

#include <string.h>

struct lookup3 {
	uint32_t a, b, c;
};

static uint32_t rotated(uint32_t x, unsigned bits)
{
	return x << bits | x >> (32 - bits);
}

static struct lookup3 mixed(struct lookup3 s)
{
	s.a = (s.a - s.c) ^ rotated(s.c, 4);
	s.c += s.b;
	s.b = (s.b - s.a) ^ rotated(s.a, 6);
	s.a += s.c;
	s.c = (s.c - s.b) ^ rotated(s.b, 8);
	s.b += s.a;
	s.a = (s.a - s.c) ^ rotated(s.c, 16);
	s.c += s.b;
	s.b = (s.b - s.a) ^ rotated(s.a, 19);
	s.a += s.c;
	s.c = (s.c - s.b) ^ rotated(s.b, 4);
	s.b += s.a;
	return s;
}

static struct lookup3 finished(struct lookup3 s)
{
	s.c = (s.c ^ s.b) - rotated(s.b, 14);
	s.a = (s.a ^ s.c) - rotated(s.c, 11);
	s.b = (s.b ^ s.a) - rotated(s.a, 25);
	s.c = (s.c ^ s.b) - rotated(s.b, 16);
	s.a = (s.a ^ s.c) - rotated(s.c, 4);
	s.b = (s.b ^ s.a) - rotated(s.a, 14);
	s.c = (s.c ^ s.b) - rotated(s.b, 24);
	return s;
}

/* Up to 4 bytes as a number, the first one lowest, as PostgreSQL reads them on this kind of machine. */
static uint32_t word(const char *bytes, uint32_t n)
{
	uint32_t value = 0;
	for (uint32_t i = 0; i < n && i < 4; i++)
		value |= (uint32_t)(unsigned char)bytes[i] << (8 * i);
	return value;
}

static uint32_t left_from(uint32_t len, uint32_t at)
{
	return len > at ? len - at : 0;
}

int64_t shard_hash(struct text ticket_id)
{
	enum { ROUND = 12 };
	const char *bytes = ticket_id.ptr;
	uint32_t len = ticket_id.len, start = UINT32_C(0x9e3779b9) + len + 3923095;
	struct lookup3 s = {start, start, start};
	for (; len >= ROUND; bytes += ROUND, len -= ROUND) {
		s.a += word(bytes, 4);
		s.b += word(bytes + 4, 4);
		s.c += word(bytes + 8, 4);
		s = mixed(s);
	}
	if (len > 0)
		s.a += word(bytes, len);
	if (len > 4)
		s.b += word(bytes + 4, left_from(len, 4));
	if (len > 8)
		s.c += word(bytes + 8, left_from(len, 8)) << 8; /* its lowest byte is for the length */
	s = finished(s);
	uint64_t hash = (uint64_t)s.b << 32 | s.c;
	int64_t as_signed;
	memcpy(&as_signed, &hash, sizeof(as_signed));
	return as_signed;
}

int32_t shard_of_ticket(struct text ticket_id, int32_t count)
{
	if (count <= 1 || text_is_absent(ticket_id))
		return 0;
	int32_t rest = (int32_t)(shard_hash(ticket_id) % count);
	return rest < 0 ? rest + count : rest;
}

bool shard_filters_tickets(const struct shard *shard)
{
	return shard->count > 1 && shard->by == SHARD_BY_TICKET;
}

bool shard_has_ticket(const struct shard *shard, struct text ticket_id)
{
	return !shard_filters_tickets(shard) || shard_of_ticket(ticket_id, shard->count) == shard->index;
}

bool shard_shares_partitions(const struct shard *shard)
{
	return shard->count > 1 && shard->by == SHARD_BY_PARTITION;
}

bool shard_has_partition(const struct shard *shard, int32_t partition)
{
	return !shard_shares_partitions(shard) || partition % shard->count == shard->index;
}
