/* Puts a message into a batch: its events, or the dead letter that it becomes. */
#ifndef KPID_APP_FEEDING_H
#define KPID_APP_FEEDING_H

#include "app/intake.h"
#include "app/source.h"
#include "kpid/core/batch.h"
#include "kpid/core/shard.h"

/* A message that is being fed. */
struct feeding {
	struct batch *batch;
	struct source *source;
	struct intake *intake; /* of the source when the message began; NULL: the message is an event */
	struct shard shard;    /* whose tickets are read; the rest is passed over */
	const struct wire_message *message;
	int64_t now_us, appended_us;
	int64_t n_counted;         /* what it counts as: an event each, or one if it has none */
	struct intake_place place; /* how far its records were read */
};

/* Reads the message into its batch. Returns true if an array of records has more: then call it again with the same
 * feeding, whose message may have moved. Everything that is kept is copied. */
bool feeding_read(struct feeding *feeding, struct arena *arena);

#endif
