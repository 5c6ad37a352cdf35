/* The states of reading a file, and the transitions between them. */
#ifndef KPID_APP_FILE_FEED_STATE_H
#define KPID_APP_FILE_FEED_STATE_H

#include <stdbool.h>

enum feed_state {
	FEED_WAITING,   /* for PostgreSQL and the policies */
	FEED_NAMING,    /* reading up to the first line that is not blank, which names the source */
	FEED_QUERYING,  /* reading from the database how far sources of that name were read */
	FEED_MATCHING,  /* reading that far, to find which of them this file is */
	FEED_CLAIMING,  /* claiming the source */
	FEED_READING,   /* reading events */
	FEED_CHECKING,  /* the file has changed: reading the same lines again to compare them */
	FEED_WRITING,   /* everything was read; the last batches are being written */
	FEED_FINISHING, /* marking the source as finished */
	FEED_FIRING,    /* firing the deadlines that are due */
	FEED_FAILED,    /* ends as soon as nothing is being written */
	FEED_N_STATES
};

bool feed_state_may_become(enum feed_state state, enum feed_state next);

#endif
