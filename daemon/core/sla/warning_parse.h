/* warn_at and escalate_after of a target, from JSON (RULES S8, P). */
#ifndef KPID_CORE_SLA_WARNING_PARSE_H
#define KPID_CORE_SLA_WARNING_PARSE_H

#include "policy_check.h"

/* Takes both, if they are there, into *rule_io, whose calendar and within_us (0: at fault) are set. */
void warnings_parse(struct policy_check *check, struct arena *arena, const struct policy_spot *target,
                    struct target_rule *rule_io);

#endif
