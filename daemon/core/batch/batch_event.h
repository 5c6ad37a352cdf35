/* An event in a batch, packed as a history of one event. */
#ifndef KPID_CORE_BATCH_EVENT_H
#define KPID_CORE_BATCH_EVENT_H

#include <stdint.h>

struct batch_event {
	struct batch_event *next; /* of the same ticket, in order of arrival */
	int32_t source_no;
	uint32_t len_bytes;
	char packed[];
};

#endif
