/* A calendar of the policy file, from JSON to its hours (RULES S7, P). */
#ifndef KPID_CORE_SLA_CALENDAR_PARSE_H
#define KPID_CORE_SLA_CALENDAR_PARSE_H

#include "policy_check.h"

/* Never NULL, in the arena, and under the name that the file gives it; after faults what is in it may be of no
 * use. Its hours are released with the set. */
struct policy_calendar *calendar_parse(struct policy_check *check, struct arena *arena, const struct policy_spot *spot,
                                       zone_find_fn *find_zone);

#endif
