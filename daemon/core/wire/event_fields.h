/* The table of all fields that an event can have in JSON. Parsing, canonical content and comparison use this one table:
 * a new field is one row. */
#ifndef KPID_CORE_WIRE_EVENT_FIELDS_H
#define KPID_CORE_WIRE_EVENT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/text.h"
#include "kpid/core/event.h"

/* Sorted by the bytes of the name: the order of canonical content. */
enum event_field {
	FIELD_AGENT_ID,
	FIELD_ANSWERS,
	FIELD_ANSWERS_SCALE_MAX,
	FIELD_AUTOMATIC,
	FIELD_CATEGORY,
	FIELD_CHANNEL,
	FIELD_DATA,
	FIELD_DATA_BASE64,
	FIELD_EVENT_ID,
	FIELD_EXPECTED,
	FIELD_FIRST_RESPONSE_AT,
	FIELD_FIRST_RESPONSE_DUE_AT,
	FIELD_ID,
	FIELD_KIND,
	FIELD_OPENED_AT,
	FIELD_PRIORITY,
	FIELD_PROJECT_ID,
	FIELD_REASON,
	FIELD_REQUESTER_REF,
	FIELD_RESOLUTION,
	FIELD_RESOLUTION_DUE_AT,
	FIELD_RESOLVED_AT,
	FIELD_SCALE_MAX,
	FIELD_SCORE,
	FIELD_SEQUENCE,
	FIELD_SOURCE,
	FIELD_SPECVERSION,
	FIELD_SURVEY_ID,
	FIELD_TEAM_ID,
	FIELD_TICKET_ID,
	FIELD_TIME,
	FIELD_TYPE,
	N_FIELDS,
	FIELD_UNKNOWN = -1
};

/* The form of a field in JSON, and the type of its member of struct ticket_event. */
enum event_field_kind {
	HOLDS_ENVELOPE,    /* not a data field of a type; read by name */
	HOLDS_IDENTIFIER,  /* struct text */
	HOLDS_FREE_TEXT,   /* struct text */
	HOLDS_SCORES,      /* struct text: canonical JSON, item -> millionths */
	HOLDS_PAST_TIME,   /* int64_t; must not be in the future */
	HOLDS_PROMISE,     /* int64_t; any valid time */
	HOLDS_SCORE,       /* int64_t, millionths */
	HOLDS_RESOLUTION,  /* uint8_t */
	HOLDS_SURVEY_KIND, /* uint8_t */
	HOLDS_FLAG         /* uint8_t, enum tristate */
};

struct event_field_row {
	struct text name;
	enum event_field_kind kind;
	uint16_t types;     /* bits 1 << enum event_type: types that have the field (rule E2) */
	uint16_t clearable; /* likewise: types in which null and "" clear it (F5) */
	uint16_t offset;    /* in struct ticket_event */
	uint8_t number;     /* enum event_text or event_time, for kinds that hold a text or a time */
};

extern const struct event_field_row event_fields[N_FIELDS];

/* Returns the index, or FIELD_UNKNOWN. */
int event_field_find(struct text name);
/* Finds the type by the last two dotted parts of the name (E4); EVENT_TYPE_NONE: unknown. */
enum event_type event_type_find(struct text name);

static inline bool event_field_is_of(const struct event_field_row *row, enum event_type type)
{
	return (row->types >> type & 1) != 0;
}

static inline bool event_field_clears_in(const struct event_field_row *row, enum event_type type)
{
	return (row->clearable >> type & 1) != 0;
}

static inline void *event_field_in(const struct event_field_row *row, struct ticket_event *event)
{
	return (char *)event + row->offset;
}

#endif
