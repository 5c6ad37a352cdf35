/* A parsed ticket event: its identity and content (rules E1, E2), and where it was read. */
#ifndef KPID_CORE_EVENT_H
#define KPID_CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/buf.h"
#include "kpid/base/text.h"
#include "kpid/core/timestamp.h"

/* The value of each type is its rank in the order of rule F1. */
enum event_type {
	EVENT_OPENED,
	EVENT_UPDATED,
	EVENT_ASSIGNED,
	EVENT_REQUESTER_REPLIED,
	EVENT_RESPONDED,
	EVENT_ARRIVED,
	EVENT_PAUSED,
	EVENT_RESUMED,
	EVENT_RESOLVED,
	EVENT_CLOSED,
	EVENT_REOPENED,
	EVENT_SURVEY,
	EVENT_N_TYPES,
	EVENT_TYPE_NONE = EVENT_N_TYPES
};

/* Text fields. The first EVENT_N_ATTRIBUTES are the attributes of a ticket. */
enum event_text {
	EVENT_PROJECT_ID,
	EVENT_CHANNEL,
	EVENT_CATEGORY,
	EVENT_PRIORITY,
	EVENT_TEAM_ID,
	EVENT_REQUESTER_REF,
	EVENT_AGENT_ID,
	EVENT_REASON,
	EVENT_SURVEY_ID,
	EVENT_ANSWERS,  /* canonical JSON: item -> millionths, keys sorted by bytes */
	EVENT_EXPECTED, /* as EVENT_ANSWERS */
	EVENT_N_TEXTS
};
#define EVENT_N_ATTRIBUTES 6

enum event_time {
	EVENT_OPENED_AT,
	EVENT_FIRST_RESPONSE_AT,
	EVENT_RESOLVED_AT,
	EVENT_FIRST_RESPONSE_DUE_AT,
	EVENT_RESOLUTION_DUE_AT,
	EVENT_N_TIMES
};

enum resolution {
	RESOLUTION_ABSENT,
	RESOLUTION_SOLVED,
	RESOLUTION_UNSOLVED,
	RESOLUTION_CANCELLED,
	RESOLUTION_DUPLICATE
};
enum survey_kind { SURVEY_KIND_ABSENT, SURVEY_CSAT, SURVEY_NPS, SURVEY_CES };
enum tristate { TRI_ABSENT, TRI_FALSE, TRI_TRUE };

#define SCORE_ABSENT INT64_MIN

struct ticket_event {
	/* identity (E1); never empty */
	struct text ticket_id, source, id;
	/* content (E2) */
	enum event_type type;
	int64_t occurred_us;
	struct text sequence;             /* "" if absent: never text_is_absent() */
	struct text texts[EVENT_N_TEXTS]; /* absent; empty: cleared by null (F5); or the value */
	int64_t times[EVENT_N_TIMES];     /* TIME_NONE: absent */
	int64_t score_micros;             /* survey only, else SCORE_ABSENT */
	int64_t scale_max_micros;         /* SCORE_ABSENT: absent; the default of E6 is not filled in */
	int64_t answers_scale_micros;     /* scale of the items of answers and expected; likewise */
	uint8_t resolution;               /* enum resolution */
	uint8_t kind;                     /* enum survey_kind */
	uint8_t automatic;                /* enum tristate */
	/* where it was read; part of neither identity nor content */
	int32_t source_no;     /* kpid.source_partition.source_no */
	int64_t source_offset; /* Kafka offset, or line number of a file */
};

/* All fields absent, sequence "". */
void ticket_event_init(struct ticket_event *event);
/* "ticket.opened"; "survey.submitted". */
const char *event_type_name(enum event_type type);
const char *event_text_name(enum event_text field);      /* "project_id" */
const char *event_time_name(enum event_time field);      /* "opened_at" */
const char *resolution_name(enum resolution resolution); /* "solved"; NULL for absent */
const char *survey_kind_name(enum survey_kind kind);     /* "csat"; NULL for absent */
/* Which fields rule E2 lists for a type: bit 1 << enum event_text / 1 << enum event_time. */
uint32_t event_type_texts(enum event_type type);
uint32_t event_type_times(enum event_type type);
/* Fields of the type in which null and "" clear (F5), as bits of enum event_text. */
uint32_t event_type_clearable(enum event_type type);

/* A source is within another if it is the same, or begins with it and a slash (M5, M11). */
bool source_is_within(struct text source, struct text top);
/* Same (source, id). Both must be of one ticket. */
bool ticket_event_same_identity(const struct ticket_event *a, const struct ticket_event *b);
/* Equal for events of one identity. Differs between processes. */
uint64_t ticket_event_identity_hash(const struct ticket_event *event);
/* Same content by E2. */
bool ticket_event_same_content(const struct ticket_event *a, const struct ticket_event *b);
/* Compares in the order of F1: (occurred_us, sequence, rank, source, id). 0 only for the same identity. */
int ticket_event_order(const struct ticket_event *a, const struct ticket_event *b);
/* Appends the canonical content of E2. Of conflicting contents, the smallest by these bytes counts. */
void ticket_event_canonical(const struct ticket_event *event, struct buf *out);

#endif
