/* The state of parsing one policy file, and the parsers of its parts. Each adds its errors to reading->check. */
#ifndef KPID_CORE_SLA_POLICY_READING_H
#define KPID_CORE_SLA_POLICY_READING_H

#include "../jsonfile/file_check.h"
#include "kpid/core/policy.h"

struct policy_reading {
	struct file_check check;
	struct arena *arena; /* of the policy set */
	zone_find_fn *find_zone;
	bool strict;                             /* policy_set_check() */
	bool stored;                             /* from the database: accepted once, so it must stay readable */
	const struct policy_calendar *calendars; /* of the revision being read */
	bool calendars_unreadable;               /* then a calendar's name cannot be called unknown */
};

/* Both do nothing if the object has no such member. */
void policy_read_reasons(struct policy_reading *reading, const struct file_node *object, const char *key,
                         struct text_list *list_out);
void policy_read_match(struct policy_reading *reading, const struct file_node *policy, struct policy *policy_out);
void policy_read_targets(struct policy_reading *reading, const struct file_node *policy, struct policy *policy_out);

#endif
