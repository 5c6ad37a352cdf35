/* Flat events: one table of fields, without an envelope, becomes an event of kpid (rules M4 to M6 and M14). Mappings
 * and `kpid ingest --flat` give them. Pure. */
#ifndef KPID_CORE_FLAT_H
#define KPID_CORE_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kpid/base/arena.h"
#include "kpid/base/buf.h"
#include "kpid/base/text.h"
#include "kpid/core/event.h"
#include "kpid/core/wire.h"
#include "kpid/port/zone.h"

enum flat_kind {
	FLAT_NULL,
	FLAT_FALSE,
	FLAT_TRUE,
	FLAT_INTEGER, /* text: its decimal digits, of any length */
	FLAT_NUMBER,  /* text: any other number, as JSON or Lua writes it */
	FLAT_TEXT,    /* text: any bytes */
	FLAT_OBJECT,  /* text: a valid JSON object of numbers */
	FLAT_OTHER    /* what no field can be */
};

struct flat_value {
	enum flat_kind kind;
	struct text text;
};

struct flat_field {
	struct text name;
	struct flat_value value;
};

/* How many local times were moved or chosen, because the clocks changed (M6). */
struct flat_tally {
	int64_t n_moved; /* there is no such time: moved forward by the gap */
	int64_t n_twice; /* there are two: the first counts */
};

/* What holds for all events of one input. */
struct flat_rules {
	struct text source;        /* of events that name none; others begin with it and '/' (M5) */
	struct text ticket_prefix; /* put before every ticket_id; may be absent */
	const struct zone *zone;   /* of times without a zone; NULL: such a time is bad_time */
	int64_t now_us;            /* wall clock, for `future` */
};

enum flat_verdict {
	FLAT_EVENT,
	FLAT_UNKNOWN, /* an unknown type or field, or another mistake in the fields: rejection_out->detail
	               */
	FLAT_REJECTED /* rejection_out is set, by E5 */
};

/* Makes an event of the fields; of two with one name the later one counts. Texts of *event_out point into the fields or
 * into the arena. tally is added to. */
enum flat_verdict flat_event(const struct flat_rules *rules, const struct flat_field *fields, size_t n_fields,
                             struct arena *arena, struct flat_tally *tally, struct ticket_event *event_out,
                             struct wire_rejection *rejection_out);

#define FLAT_MAX_STATE_EVENTS 2

/* Makes the events that put a ticket into a condition, whatever it was before (M14): one or two. *n_out is set with
 * FLAT_EVENT only. */
enum flat_verdict flat_state(const struct flat_rules *rules, const struct flat_field *fields, size_t n_fields,
                             struct arena *arena, struct flat_tally *tally,
                             struct ticket_event events_out[FLAT_MAX_STATE_EVENTS], size_t *n_out,
                             struct wire_rejection *rejection_out);

/* Makes an event of one JSON object with the fields as its members, as in --flat input. */
enum flat_verdict flat_json(const struct flat_rules *rules, struct text json, struct arena *arena,
                            struct flat_tally *tally, struct ticket_event *event_out,
                            struct wire_rejection *rejection_out);

/* True if one of the events has the identity of the new one and other content (M5). */
bool flat_contradicts(const struct ticket_event *events, size_t n_events, const struct ticket_event *event);

/* Reads a time by M6. NULL, or what is wrong, such as "no time zone". */
const char *flat_time_read(struct text text, const struct zone *zone, struct flat_tally *tally, int64_t *us_out);

/* Dates as people write them, as local text for flat_time_read(): "2026-12-31T17:05:00" (M9). */
enum flat_date {
	FLAT_DMY,    /* 31.12.2026 17:05 */
	FLAT_MDY,    /* 12/31/2026 5:05 PM */
	FLAT_YMD,    /* 2026-12-31 17:05, with years, months and days in Chinese too */
	FLAT_EXCEL,  /* 46387.7118: days since 1899-12-30 */
	FLAT_WALL_MS /* what a wall clock shows, as milliseconds since 1970 */
};

#define FLAT_DATE_BYTES 28 /* with the NUL */

/* Writes the local text. False if the text is not such a date. */
bool flat_date_write(enum flat_date order, struct text text, char out[FLAT_DATE_BYTES]);

#endif
