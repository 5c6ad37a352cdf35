/* Reads single messages again, to see whether a log is still the one they came from. To a consumer, a topic that was
 * deleted and made anew within a moment is the old one as soon as it is as long as that was. Has a client and a thread
 * of its own, so that nothing waits for it. */
#ifndef KPID_ADAPTERS_KAFKA_REREAD_H
#define KPID_ADAPTERS_KAFKA_REREAD_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/config.h"

struct event_base;
struct kafka_reread;

enum reread_state {
	REREAD_UNKNOWN,   /* no answer in time */
	REREAD_FOUND,     /* a message is there; fingerprint tells which */
	REREAD_GONE,      /* the log goes on after it, and does not have it: deleted, or compacted away */
	REREAD_NOT_THERE, /* the log ends before it */
};

struct kafka_reread_item {
	char *topic; /* owned by the list */
	int32_t partition;
	int64_t offset;
	enum reread_state state;
	int64_t fingerprint;
};

struct kafka_reread_list {
	struct kafka_reread_item *items;
	size_t n, capacity;
};

typedef void (*kafka_reread_fn)(void *context, const struct kafka_reread_list *answers);

/* A partition once at most. */
void kafka_reread_add(struct kafka_reread_list *list, const char *topic, int32_t partition, int64_t offset);

/* NULL after logging why. */
struct kafka_reread *kafka_reread_new(struct event_base *base, const struct kpid_config *config, kafka_reread_fn fn,
                                      void *context);
void kafka_reread_free(struct kafka_reread *reread);
/* Takes the items of the list, which is empty afterwards. Answers come in the order of asking, a list each. */
void kafka_reread_ask(struct kafka_reread *reread, struct kafka_reread_list *list);

#endif
