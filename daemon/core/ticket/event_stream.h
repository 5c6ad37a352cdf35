/* Events one after the other: a ticket may have 100,000, too many to hold in memory as structs. */
#ifndef KPID_CORE_TICKET_EVENT_STREAM_H
#define KPID_CORE_TICKET_EVENT_STREAM_H

#include <stddef.h>

#include "kpid/core/event.h"
#include "kpid/core/history.h"

struct event_stream {
	/* The next event, valid until the next call; NULL: there are no more. */
	const struct ticket_event *(*next)(struct event_stream *stream);
};

static inline const struct ticket_event *event_stream_next(struct event_stream *stream)
{
	return stream->next(stream);
}

struct event_array_stream {
	struct event_stream stream;
	const struct ticket_event *const *items;
	size_t n, n_read;
};

void event_array_stream_begin(struct event_array_stream *stream, const struct ticket_event *const *events,
                              size_t n_events);

struct history_stream {
	struct event_stream stream;
	struct history_reader reader;
	struct ticket_event event;
	int result; /* of the latest history_read(); -EBADMSG ends the stream */
};

/* As history_read_begin(). */
void history_stream_begin(struct history_stream *stream, struct text history, struct text ticket_id);

/* The events of another stream. Each is appended to a history as it is read. */
struct writing_stream {
	struct event_stream stream;
	struct event_stream *source;
	struct history_writer writer;
};

/* out: as in history_write_begin(). */
void writing_stream_begin(struct writing_stream *stream, struct event_stream *source, struct buf *out);

#endif
