/* Shards: several databases share the tickets, and each ticket belongs to exactly one of them. All shards read the same
 * topics, and decide alike, from the bytes of a message alone. */
#ifndef KPID_CORE_SHARD_H
#define KPID_CORE_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/text.h"

enum shard_by {
	SHARD_BY_TICKET,   /* a shard keeps the tickets whose hash is its own */
	SHARD_BY_PARTITION /* a shard reads the partitions whose number is its own; topics are keyed by ticket */
};

struct shard {
	enum shard_by by;
	int32_t index, count; /* 0 <= index < count; count 1: there are no shards */
};

/* The same as hashtextextended(ticket_id, 0) in PostgreSQL, on which partitioned tables depend, so that it does not
 * change: Bob Jenkins' lookup3, 64 bits. */
int64_t shard_hash(struct text ticket_id);

/* The index of the shard that has the ticket: as kpid.ticket_shard() in SQL. An absent ticket belongs to shard 0. */
int32_t shard_of_ticket(struct text ticket_id, int32_t count);

/* True if each message must be read for its ticket first. */
bool shard_filters_tickets(const struct shard *shard);
/* True for all tickets unless shard_filters_tickets(). */
bool shard_has_ticket(const struct shard *shard, struct text ticket_id);
/* True if partitions are what is shared, so that messages must be keyed by ticket. */
bool shard_shares_partitions(const struct shard *shard);
/* True for all partitions unless shard_shares_partitions(). */
bool shard_has_partition(const struct shard *shard, int32_t partition);

#endif
