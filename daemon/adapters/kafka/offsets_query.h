/* Asks brokers where partitions begin and end: every leader once for all of its partitions, so one that does not answer
 * costs the partitions of others nothing. It blocks and belongs to one thread. */
#ifndef KPID_ADAPTERS_KAFKA_OFFSETS_QUERY_H
#define KPID_ADAPTERS_KAFKA_OFFSETS_QUERY_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long one broker may take for one answer. */
enum { KAFKA_OFFSETS_TIMEOUT_MS = 1000 };

struct kafka_offsets_item {
	const char *topic; /* the caller's, until the query has ended; NULL: the item is passed over */
	int32_t partition;
	bool high_only;                  /* do not ask for low_offset, which is left as it is */
	int64_t low_offset, high_offset; /* set unless there is an error */
	int64_t asked_us;                /* monotonic time before the question for high_offset was sent */
	rd_kafka_resp_err_t error;
};

struct kafka_offsets;

/* rk: the caller's; its isolation.level decides whether open transactions hide the end. */
struct kafka_offsets *kafka_offsets_new(rd_kafka_t *rk);
void kafka_offsets_free(struct kafka_offsets *offsets);
/* Fills the items in. Between two requests it asks stop(context); the items that are left have the error
 * RD_KAFKA_RESP_ERR__DESTROY. */
void kafka_offsets_query(struct kafka_offsets *offsets, struct kafka_offsets_item *items, size_t n,
                         bool (*stop)(const void *context), const void *context);

#endif
