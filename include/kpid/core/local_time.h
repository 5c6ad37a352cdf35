/* From local times to UTC: what a wall clock shows may exist once, twice or not at all. */
#ifndef KPID_CORE_LOCAL_TIME_H
#define KPID_CORE_LOCAL_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/port/zone.h"

enum local_time_kind {
	LOCAL_TIME_ONCE,
	LOCAL_TIME_TWICE,  /* the clocks went back: there are two such times */
	LOCAL_TIME_MISSING /* the clocks went forward: there is no such time */
};

/* Converts a local time, in microseconds since 1970-01-01 00:00 of the zone, to UTC (S7). A time that does not exist
 * moves forward by the gap. Of one that exists twice, the first is meant, or the second. kind_out: NULL, or how often
 * the time exists. */
int64_t local_time_to_utc(const struct zone *zone, int64_t local_us, bool second, enum local_time_kind *kind_out);

#endif
