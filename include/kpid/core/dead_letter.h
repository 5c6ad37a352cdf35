/* Dead letters as JSON: the headers of a message, and an event as a CloudEvent. */
#ifndef KPID_CORE_DEAD_LETTER_H
#define KPID_CORE_DEAD_LETTER_H

#include "kpid/base/buf.h"
#include "kpid/core/batch.h"
#include "kpid/core/event.h"

/* Appends [["name", "value in base64"], ...]. In names, characters other than printable ASCII become '?'. */
void dead_letter_headers_json(const struct batch_dead_letter *letter, struct buf *out);

/* Appends the event as a structured CloudEvent with the same identity and content. The original message is no longer
 * available when a later message conflicts with it. */
void ticket_event_as_cloudevent(const struct ticket_event *event, struct buf *out);

#endif
