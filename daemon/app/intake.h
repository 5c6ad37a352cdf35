/* How the bytes of a message become events: kpid's own form, flat events, or a mapping (M3, M4, M7, M12, M13). */
#ifndef KPID_APP_INTAKE_H
#define KPID_APP_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapters/csv/csv_row.h"
#include "adapters/lua/mapping.h"
#include "kpid/base/arena.h"
#include "kpid/core/flat.h"
#include "kpid/core/wire.h"

enum intake_form {
	INTAKE_FLAT,
	INTAKE_MAP,
	INTAKE_LOOK /* no events: look() sees each record */
};

/* What records were made of, since the start. */
struct intake_counts {
	int64_t n_records, n_mapped, n_events, n_skipped, n_tombstones, n_rejected;
	int64_t n_failed_in_row; /* rejected records since the last one that was not */
	int64_t spent_us;        /* in mappings */
	struct flat_tally tally;
};

enum {
	INTAKE_MOST_REASONS = 100, /* that are kept; the rest is "other" */
	INTAKE_ALARM = 100,        /* this many failures in a row are no accident */
};

/* Distinct texts, each once. */
struct intake_reasons {
	char *items[INTAKE_MOST_REASONS];
	size_t n;
};

/* How far the array of a message was read; zeroed: not at all. */
struct intake_place {
	const char *at, *end; /* of the bytes of the message; NULL: not begun */
};

struct intake {
	enum intake_form form;
	const char *name;        /* of the mapping; NULL for flat events */
	bool logs;               /* each reason to skip or to reject a record is logged once */
	struct flat_rules rules; /* of flat events */
	struct mapping *mapping; /* of INTAKE_MAP */
	void (*look)(void *context, const struct mapping_record *record); /* of INTAKE_LOOK */
	void *look_context;
	const char *each; /* a JSON pointer to the array whose elements are the records; NULL: the message is one */
	bool is_csv;      /* messages are rows */
	char delimiter;   /* 0: guessed from the header */
	struct arena header_arena; /* of the header's names */
	struct text *names;        /* of the columns; NULL: the header was not read yet */
	size_t n_names;
	int64_t line_no;    /* of the row that is read next, from 1; set by the feeder */
	struct arena arena; /* of the message that is being read */
	struct mapped mapped;
	struct intake_counts counts;
	struct intake_reasons skips, faults;
};

/* What happened to a record. The callbacks are called in order; texts are valid until intake_read() returns. */
struct intake_sink {
	void (*event)(void *context, const struct ticket_event *event);
	/* No event, and no fault: a tombstone (reason is NULL), or skipped. */
	void (*passed)(void *context, const char *reason);
	void (*rejected)(void *context, struct text record, enum dead_letter_reason reason, const char *detail);
	void *context;
};

void intake_init(struct intake *intake);
void intake_release(struct intake *intake); /* also frees the mapping */

/* Reads the header of a CSV file. Returns false after appending what is wrong. */
bool intake_header(struct intake *intake, struct text row, struct buf *error_out);

/* Reads one message. now_us: wall clock. place_io: NULL: reads all of its records; else it may stop between two, after
 * MAPPING_TURN_US, and return true: then call it again with the same message and place. */
bool intake_read(struct intake *intake, const struct wire_message *message, int64_t now_us,
                 const struct intake_sink *sink, struct intake_place *place_io);

#endif
