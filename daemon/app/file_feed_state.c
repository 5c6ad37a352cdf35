#include "app/file_feed_state.h"

#define TO(state) (1u << FEED_##state)

static const unsigned transitions[FEED_N_STATES] = {
        [FEED_WAITING] = TO(NAMING) | TO(CLAIMING), /* a stream has no name to look for */
        [FEED_NAMING] = TO(QUERYING) | TO(FAILED),
        [FEED_QUERYING] = TO(MATCHING) | TO(FAILED),
        [FEED_MATCHING] = TO(CLAIMING) | TO(FAILED),
        [FEED_CLAIMING] = TO(READING) | TO(QUERYING) | TO(FAILED), /* another run has moved the source: match again */
        [FEED_READING] = TO(CHECKING) | TO(WRITING) | TO(FAILED),
        [FEED_CHECKING] = TO(READING) | TO(FAILED),
        [FEED_WRITING] = TO(FINISHING) | TO(FAILED),
        [FEED_FINISHING] = TO(FIRING) | TO(FAILED),
};

bool feed_state_may_become(enum feed_state state, enum feed_state next)
{
	return (transitions[state] & (1u << next)) != 0;
}
