/* Finds the policy revision to which a stored ticket is pinned. */
#ifndef KPID_CORE_BATCH_FIND_PIN_H
#define KPID_CORE_BATCH_FIND_PIN_H

#include "kpid/core/batch.h"

/* The revision that a stored row names. Returns BATCH_OK, or BATCH_UNKNOWN_REVISION if the rules do not know it
 * (*revision_no_out is set then). */
static inline int find_pin(const struct stored_ticket *stored, const struct batch_rules *rules,
                           struct fold_pin *pin_out, int32_t *revision_no_out)
{
	*pin_out = (struct fold_pin){NULL, stored->opened_us};
	if (stored->revision_no == 0)
		return BATCH_OK;
	pin_out->revision = rules->revision_by_no(rules->context, stored->revision_no);
	if (pin_out->revision != NULL)
		return BATCH_OK;
	*revision_no_out = stored->revision_no;
	return BATCH_UNKNOWN_REVISION;
}

#endif
