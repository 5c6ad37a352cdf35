/* The history of a ticket: all its events, packed into one column (kpid.ticket.history). It is what finds duplicates,
 * folds late events and explains numbers; there is no table of events.
 *
 * Format 1: the byte 1, then the events in the order of rule F1. Numbers are LEB128 varints; signed ones are
 * zigzag-coded. Times are differences. A text is a reference to one of the last 64 literals of the history, or its
 * bytes. The id of an event is its bytes, the 16 bytes of a UUID, or hexadecimal digits packed two to a byte. The scale
 * of a survey's items was added behind a bit that used to be 0, so older histories read the same. */
#ifndef KPID_CORE_HISTORY_H
#define KPID_CORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "kpid/base/arena.h"
#include "kpid/base/buf.h"
#include "kpid/core/event.h"

enum {
	HISTORY_LITERALS = 64, /* part of the format */
	HISTORY_ID_CHARS = 256 /* longest id that is packed as hexadecimal digits; longer ones are literals */
};

/* The latest literals of a history, as a ring. Writer and reader fill it alike. */
struct history_literals {
	struct text items[HISTORY_LITERALS];
	size_t n_added; /* ever */
};

struct history_writer {
	struct buf *out;
	struct history_literals literals;
	int64_t previous_us;
};

/* Appends a history to out, which the caller owns. */
void history_write_begin(struct history_writer *writer, struct buf *out);
/* Events in the order of F1, all of one ticket; ticket_id itself is not stored. The texts of an event, except its id,
 * must stay where they are until the last event is written. */
void history_write(struct history_writer *writer, const struct ticket_event *event);

struct history_reader {
	const char *at, *end;
	struct text ticket_id;
	struct history_literals literals;
	int64_t previous_us;
	bool broken;
	char id[HISTORY_ID_CHARS]; /* of the latest event, unless it is a literal */
};

/* An absent history has no events. packed and ticket_id must outlive the events. */
void history_read_begin(struct history_reader *reader, struct text packed, struct text ticket_id);
/* Sets *event to the next event. Its id is valid until the next call; its other texts point into packed.
 * Returns 1; 0 at the end; -EBADMSG if the bytes are not a history (*event is unspecified then). */
int history_read(struct history_reader *reader, struct ticket_event *event);

/* All events at once. Appends their history to out. */
void history_pack(const struct ticket_event *const *events, size_t n_events, struct buf *out);
/* All events at once, as an array in the arena; ids are copied into the arena too.
 * Returns 0, or -EBADMSG if the bytes are not a history (the outputs are not set then). */
int history_unpack(struct text packed, struct text ticket_id, struct arena *arena, struct ticket_event **events_out,
                   size_t *n_events_out);

/* Counts the events of a history, and those that come from within a source (M11).
 * Returns 0, or -EBADMSG if the bytes are not a history. */
int history_count_within(struct text packed, struct text ticket_id, struct text source, size_t *n_within_out,
                         size_t *n_events_out);

#endif
