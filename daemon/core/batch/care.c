#include "kpid/core/batch.h"

enum { NARROWED_BY = 4 };

struct batch_care batch_care_first(void)
{
	return (struct batch_care){.locks = LOCKS_WAIT, .n_kept = SIZE_MAX};
}

bool batch_care_narrow(struct batch_care *care, enum batch_fault fault, size_t n_tickets)
{
	size_t n_tried = care->n_kept < n_tickets ? care->n_kept : n_tickets;
	if (fault == FAULT_OTHER || n_tried == 0)
		return false;
	if (fault == FAULT_BUSY && !care->has_waited) {
		care->locks = LOCKS_WAIT_LONG;
		care->has_waited = true;
	} else if (fault != FAULT_DATA && care->locks != LOCKS_SKIP) {
		care->locks = LOCKS_SKIP;
	} else {
		care->n_kept = n_tried / NARROWED_BY;
	}
	return true;
}
