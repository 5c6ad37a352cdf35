/* Parses warn_at and escalate_after of a target (rules S8, P). */
#ifndef KPID_CORE_SLA_WARNING_PARSE_H
#define KPID_CORE_SLA_WARNING_PARSE_H

#include "../jsonfile/file_check.h"
#include "kpid/core/policy.h"

/* Sets the warnings and escalations in *rule_io; both keys are optional. The caller has set rule_io->calendar and
 * within_us (0: invalid). */
void warnings_parse(struct file_check *check, struct arena *arena, const struct file_node *target,
                    struct target_rule *rule_io);

#endif
