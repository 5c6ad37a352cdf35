/* Partitions whose owner died and that have no new owner yet. The database knows how far they were read, and any
 * instance can ask the brokers whether that is all. So a deadline need not wait until the group finds a new owner.
 *
 * The answer is written by the same statement that owners use. It applies to the epoch and offset that were read, so an
 * owner that has continued meanwhile makes it void. */
#ifndef KPID_APP_UNOWNED_PARTITIONS_H
#define KPID_APP_UNOWNED_PARTITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/kafka/probe.h"
#include "adapters/pg/session.h"
#include "kpid/core/common_clock.h"

struct unowned_partition {
	char *topic; /* owned */
	int32_t partition, source_no;
	int64_t epoch, next_offset; /* OFFSET_NONE: nothing read yet */
	int64_t read_to;            /* see source_read_to() */
};

struct unowned_partitions {
	struct pg_session *session;
	const char *instance;
	const struct common_clock *clock;
	struct unowned_partition *items;
	size_t n, capacity;
	bool looking;
	bool moved; /* the watermark of some partitions has advanced */
	/* Asks the brokers. Pass the answers to unowned_partitions_probed(). */
	void (*ask)(void *context, struct kafka_probe_list *list);
	/* The watermark of some partitions has advanced. */
	void (*done)(void *context);
	void *context;
};

void unowned_partitions_release(struct unowned_partitions *unowned);
/* Starts to look for unowned partitions that hold the deadline back, unless a look is under way. */
void unowned_partitions_check(struct unowned_partitions *unowned, int64_t deadline_us);
void unowned_partitions_probed(struct unowned_partitions *unowned, const struct kafka_probe_list *answers);
/* The session was lost: forgets the look that is under way. */
void unowned_partitions_forget(struct unowned_partitions *unowned);

#endif
