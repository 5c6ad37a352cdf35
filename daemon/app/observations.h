/* Observations of where partitions end, for queries/source_observed.sql. Owners report them, and other instances report
 * them for partitions whose owner died. */
#ifndef KPID_APP_OBSERVATIONS_H
#define KPID_APP_OBSERVATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/pg/rows.h"
#include "adapters/pg/session.h"

/* An observation of one partition. */
struct observation {
	int32_t source_no;
	int64_t epoch, next_offset; /* as expected in the database; otherwise nothing is written */
	int64_t at_end_us;          /* when it was read to its end; TIME_NONE: it was not */
	int64_t high_offset;        /* high watermark */
	int64_t read_to;            /* see source_read_to() */
	bool recently_seen;         /* read to its end, or waiting behind other partitions */
	bool held;                  /* an open transaction hides messages */
	int64_t asked_us;           /* when the brokers were asked */
	int64_t heartbeat_no;       /* the heartbeat that vouches for it from now on; 0: as before */
};

struct observations {
	struct pg_array arrays[SOURCE_OBSERVED_N_PARAMS];
};

void observations_start(struct observations *observations);
void observations_add(struct observations *observations, const struct observation *observation);
size_t observations_count(const struct observations *observations);
/* Sends the observations, if there are any, and releases them. The session must be ready. written gets the result,
 * which lists the rows that were updated; it may not come if there are none. */
void observations_send(struct observations *observations, struct pg_session *session, pg_result_fn written,
                       void *context);

#endif
