/* A Kafka message as readable text, for corpora:
 *
 *     topic: survey
 *     ce_type: ticket.opened
 *
 *     the value
 *
 * Lines up to the first empty one are headers. `topic` gives bare JSON its source and, if it names one, its type. A
 * header without a colon has no value. Without an empty line everything is the value. The header line `tombstone`
 * makes the value absent. */
#ifndef KPID_TESTS_FUZZ_MESSAGE_H
#define KPID_TESTS_FUZZ_MESSAGE_H

#include "fuzz.h"
#include "kpid/core/wire.h"

#define FUZZ_NOW_US INT64_C(1793491200000000) /* 2026-11-01T00:00:00Z */

enum { FUZZ_MAX_HEADERS = 16 };

static inline enum event_type fuzz_topic_type(struct text topic)
{
	if (text_same(topic, TEXT("ticket-opened")))
		return EVENT_OPENED;
	if (text_same(topic, TEXT("ticket-closed")))
		return EVENT_CLOSED;
	return text_same(topic, TEXT("survey")) ? EVENT_SURVEY : EVENT_TYPE_NONE;
}

static inline void fuzz_header_line(struct wire_message *message, struct wire_header *headers, struct text line)
{
	const char *colon = line.len == 0 ? NULL : memchr(line.ptr, ':', line.len);
	struct wire_header header = {line, TEXT_ABSENT};
	if (text_same(line, TEXT("tombstone"))) {
		message->value = TEXT_ABSENT;
		return;
	}
	if (colon != NULL) {
		header.name.len = (uint32_t)(colon - line.ptr);
		header.value = (struct text){colon + 1, line.len - header.name.len - 1};
		if (header.value.len > 0 && header.value.ptr[0] == ' ')
			header.value = (struct text){header.value.ptr + 1, header.value.len - 1};
	}
	if (text_same(header.name, TEXT("topic"))) {
		message->topic = header.value;
		message->topic_type = fuzz_topic_type(header.value);
	} else if (message->n_headers < FUZZ_MAX_HEADERS) {
		headers[message->n_headers++] = header;
	}
}

/* Points into text. */
static inline struct wire_message fuzz_message(struct text text, struct wire_header headers[FUZZ_MAX_HEADERS])
{
	struct wire_message message = {
	        .value = text, .headers = headers, .topic = TEXT("activity"), .topic_type = EVENT_TYPE_NONE};
	const char *gap = text.len == 0 ? NULL : memmem(text.ptr, text.len, "\n\n", 2);
	if (gap == NULL)
		return message;
	message.value = (struct text){gap + 2, text.len - (uint32_t)(gap + 2 - text.ptr)};
	for (const char *at = text.ptr; at <= gap;) {
		const char *end = memchr(at, '\n', (size_t)(gap + 1 - at));
		fuzz_header_line(&message, headers, (struct text){at, (uint32_t)(end - at)});
		at = end + 1;
	}
	return message;
}

#endif
