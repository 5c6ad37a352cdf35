/* The history of a ticket: all its events, packed into the bytes of one column (kpid.ticket.history), so
 * that duplicates are found, late events folded and numbers explained without another table.
 *
 * Format 1: the byte 1, then the events in the order of RULES F1. Numbers are LEB128 varints, signed ones
 * zigzag-coded; times are differences; a text is a reference to an earlier one of the same history, or its
 * bytes, or 16 bytes of a UUID, or hexadecimal digits packed two to a byte. The scale of a survey's items was added
 * behind a bit that had been 0: what was written before is read as before. */
#ifndef KPID_CORE_HISTORY_H
#define KPID_CORE_HISTORY_H

#include <stddef.h>

#include "kpid/base/arena.h"
#include "kpid/base/buf.h"
#include "kpid/core/event.h"

/* Appends the packed history of events (all of one ticket; ticket_id itself is not packed). */
void history_pack(const struct ticket_event *const *events, size_t n_events, struct buf *out);

/* Unpacks into an array in the arena; texts point into packed or the arena, ticket_id is the one given.
 * Returns 0, or -EBADMSG if the bytes are no history (then the outputs are not set). */
int history_unpack(struct text packed, struct text ticket_id, struct arena *arena, struct ticket_event **events_out,
                   size_t *n_events_out);

#endif
