/* Reads single messages again to detect a recreated topic. A consumer cannot notice that a topic was deleted and
 * recreated once the new log is as long as the old one. This has a client and a thread of its own, so nothing waits for
 * it. */
#ifndef KPID_ADAPTERS_KAFKA_LOG_IDENTITY_H
#define KPID_ADAPTERS_KAFKA_LOG_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/config.h"

struct event_base;
struct kafka_log_identity;

enum kafka_log_identity_state {
	LOG_IDENTITY_UNKNOWN,   /* no answer in time */
	LOG_IDENTITY_FOUND,     /* there is a message at the offset; see fingerprint */
	LOG_IDENTITY_GONE,      /* the log continues after the offset: the message was deleted or compacted away */
	LOG_IDENTITY_NOT_THERE, /* the log ends before the offset */
};

struct kafka_log_identity_item {
	char *topic; /* owned by the list */
	int32_t partition;
	int64_t offset;
	enum kafka_log_identity_state state;
	int64_t fingerprint;
};

struct kafka_log_identity_list {
	struct kafka_log_identity_item *items;
	size_t n, capacity;
};

typedef void (*kafka_log_identity_fn)(void *context, const struct kafka_log_identity_list *answers);

/* Add each partition at most once. */
void kafka_log_identity_add(struct kafka_log_identity_list *list, const char *topic, int32_t partition, int64_t offset);

/* Returns NULL on error; the error is already logged. */
struct kafka_log_identity *kafka_log_identity_new(struct event_base *base, const struct kpid_config *config,
                                                  kafka_log_identity_fn fn, void *context);
void kafka_log_identity_free(struct kafka_log_identity *identity);
/* Takes ownership of the items; the list is empty afterwards. Each call gets one callback, in the order of the calls.
 */
void kafka_log_identity_ask(struct kafka_log_identity *identity, struct kafka_log_identity_list *list);

#endif
