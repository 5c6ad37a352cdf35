/* Parses a calendar of the policy file (rules S7, P). */
#ifndef KPID_CORE_SLA_CALENDAR_PARSE_H
#define KPID_CORE_SLA_CALENDAR_PARSE_H

#include "../jsonfile/file_check.h"
#include "kpid/core/policy.h"

/* Returns a calendar in the arena under the name that the file gives it, never NULL. After errors it may be incomplete:
 * its only use then is that its name is known. Its hours are released with the policy set. */
struct policy_calendar *calendar_parse(struct file_check *check, struct arena *arena, const struct file_node *node,
                                       zone_find_fn *find_zone);

#endif
