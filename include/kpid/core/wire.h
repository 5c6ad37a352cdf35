/* Converts one Kafka message to a ticket event, or reports why it is not one (rules E). Pure. */
#ifndef KPID_CORE_WIRE_H
#define KPID_CORE_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/core/event.h"

#define WIRE_MAX_BYTES    65536
#define WIRE_MAX_LEVELS   16
#define WIRE_MAX_AHEAD_US (INT64_C(300) * US_PER_SECOND)

struct wire_header {
	struct text name, value;
};

struct wire_message {
	struct text value; /* absent: a tombstone */
	struct text key;   /* for mappings; may be absent */
	const struct wire_header *headers;
	size_t n_headers;
	struct text topic; /* the source of bare JSON */
	int32_t partition;
	int64_t offset;
	enum event_type topic_type; /* if the topic is mapped to exactly one type; else EVENT_TYPE_NONE */
};

enum wire_verdict {
	WIRE_EVENT,        /* *event_out is set */
	WIRE_TOMBSTONE,    /* null value: counted and skipped */
	WIRE_UNKNOWN_TYPE, /* E4: counted and skipped; rejection_out->detail is the type, see below */
	WIRE_REJECTED      /* *rejection_out is set: a dead letter */
};

enum dead_letter_reason { /* if several apply, the first counts (E5) */
	                  DEAD_TOO_LARGE,
	                  DEAD_TOO_DEEP,
	                  DEAD_NOT_JSON,
	                  DEAD_NOT_AN_OBJECT,
	                  DEAD_MISSING_FIELD,
	                  DEAD_BAD_TIME,
	                  DEAD_BAD_VALUE,
	                  DEAD_FUTURE,
	                  DEAD_ID_CONFLICT,
	                  DEAD_TOO_MANY,
	                  /* of records that a mapping reads (M7) */
	                  DEAD_MAP_ERROR,
	                  DEAD_MAP_LIMIT,
	                  DEAD_MAP_NOTHING,
	                  DEAD_N_REASONS
};

struct wire_rejection {
	enum dead_letter_reason reason;
	char detail[160]; /* for the operator: which field, what is wrong, what to send instead; ASCII */
};

const char *dead_letter_reason_name(enum dead_letter_reason reason); /* "too_large" */

/* Parses and checks a message. Any bytes give one of the four verdicts. now_us: wall clock, for the reason `future`.
 * Texts of *event_out point into message->value or into the arena; both must outlive it. source_no and source_offset
 * are left as ticket_event_init() sets them. With WIRE_UNKNOWN_TYPE, rejection_out->detail is the type as it was sent,
 * cut to fit in whole UTF-8 characters, and no reason is set. */
enum wire_verdict wire_parse(const struct wire_message *message, int64_t now_us, struct arena *arena,
                             struct ticket_event *event_out, struct wire_rejection *rejection_out);

/* The ticket that a message names, as wire_parse() reads it: the one of the event, or of what would be an event without
 * its errors. Absent if it names none: the value is no JSON object, or has no valid ticket_id where its form wants one.
 * The result depends on the bytes of the message alone, not on the time or the types of its topic. It points into
 * message->value or into the arena. */
struct text wire_ticket(const struct wire_message *message, struct arena *arena);

#endif
