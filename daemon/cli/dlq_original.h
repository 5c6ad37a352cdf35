/* The messages from which mapped records came. A dead letter of one has neither its key nor, if it is long, all of its
 * bytes, and may be one element of an array: so `kpid dlq requeue` reads the message from its topic (M7). */
#ifndef KPID_CLI_DLQ_ORIGINAL_H
#define KPID_CLI_DLQ_ORIGINAL_H

#include <librdkafka/rdkafka.h>

#include "cli/dlq.h"
#include "kpid/config.h"

/* The log of librdkafka, at the level debug: a command reports what it needs itself. */
void dlq_on_kafka_log(const rd_kafka_t *client, int level, const char *facility, const char *line);

struct dlq_originals; /* a client that reads them */

/* Returns NULL after printing an error. */
struct dlq_originals *dlq_originals_new(struct pg_sync *sync, const struct config_pairs *kafka);
void dlq_originals_free(struct dlq_originals *originals); /* NULL is allowed */

/* Reads the message at a position, which must contain the bytes of the letter (absent: any message will do). The caller
 * destroys it. Returns NULL after writing the reason to why_out. */
rd_kafka_message_t *dlq_original_read(struct dlq_originals *originals, const struct dlq_key *key, struct text letter,
                                      char *why_out, size_t n_why);

#endif
