#include "event_stream.h"

static const struct ticket_event *next_of_array(struct event_stream *stream)
{
	struct event_array_stream *array = (struct event_array_stream *)stream;
	return array->n_read == array->n ? NULL : array->items[array->n_read++];
}

void event_array_stream_begin(struct event_array_stream *stream, const struct ticket_event *const *events,
                              size_t n_events)
{
	*stream = (struct event_array_stream){{next_of_array}, events, n_events, 0};
}

static const struct ticket_event *next_of_history(struct event_stream *stream)
{
	struct history_stream *history = (struct history_stream *)stream;
	history->result = history_read(&history->reader, &history->event);
	return history->result > 0 ? &history->event : NULL;
}

void history_stream_begin(struct history_stream *stream, struct text history, struct text ticket_id)
{
	stream->stream.next = next_of_history;
	stream->result = 1;
	history_read_begin(&stream->reader, history, ticket_id);
}

static const struct ticket_event *next_written(struct event_stream *stream)
{
	struct writing_stream *writing = (struct writing_stream *)stream;
	const struct ticket_event *event = event_stream_next(writing->source);
	if (event != NULL)
		history_write(&writing->writer, event);
	return event;
}

void writing_stream_begin(struct writing_stream *stream, struct event_stream *source, struct buf *out)
{
	stream->stream.next = next_written;
	stream->source = source;
	history_write_begin(&stream->writer, out);
}
