/* Partitions whose owner has died and that no other has taken over yet: what is read of them stands in the database,
 * and whether that is all of it anybody can ask the brokers. So a deadline need not wait for the group to find a new
 * owner.
 *
 * It is the same question that an owner asks, and the same statement writes the answer down: under the epoch and offset
 * that were read, so that an owner who has gone on meanwhile makes it void. */
#ifndef KPID_APP_ORPHANS_H
#define KPID_APP_ORPHANS_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/kafka/probe.h"
#include "adapters/pg/session.h"
#include "kpid/core/common_clock.h"

struct orphan {
	char *topic; /* owned */
	int32_t partition, source_no;
	int64_t epoch, next_offset; /* OFFSET_NONE: nothing read yet */
	int64_t read_to;            /* see source_read_to() */
};

struct orphans {
	struct pg_session *session;
	const char *instance;
	const struct common_clock *clock;
	struct orphan *items;
	size_t n, capacity;
	bool looking;
	bool moved; /* some are complete further than they were */
	/* Asks the brokers; answers come to orphans_probed(). */
	void (*ask)(void *context, struct kafka_probe_list *list);
	/* Some sources are complete further than they were. */
	void (*done)(void *context);
	void *context;
};

void orphans_release(struct orphans *orphans);
/* Looks for partitions that hold a deadline back, unless it does so already. */
void orphans_look(struct orphans *orphans, int64_t deadline_us);
void orphans_probed(struct orphans *orphans, const struct kafka_probe_list *answers);
/* The session was lost: what was under way is forgotten. */
void orphans_forget(struct orphans *orphans);

#endif
