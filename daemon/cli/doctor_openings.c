/* kpid doctor: tickets that two sources opened, such as ticket 5001 of two help desks (M4). */
#include <inttypes.h>
#include <stdio.h>

#include "cli/doctor.h"
#include "kpid/core/history.h"

#define MOST_TICKETS "10000" /* the latest ones */
#define MOST_BYTES   "65536" /* of a history */
#define NAMED        3       /* tickets that are named */

struct openings {
	struct buf named;
	int64_t n;
};

/* True if events of two sources open the ticket: the first two by the order of its history. */
static bool find_sources(struct text history, struct text ticket_id, struct text sources_out[2])
{
	struct history_reader reader;
	struct ticket_event event;
	size_t n = 0;
	history_read_begin(&reader, history, ticket_id);
	while (n < 2 && history_read(&reader, &event) == 1) {
		if (event.type == EVENT_OPENED && (n == 0 || !text_equal(event.source, sources_out[0])))
			sources_out[n++] = event.source;
	}
	return n == 2;
}

static void note(struct openings *openings, struct text ticket_id, const struct text sources[2])
{
	struct buf *out = &openings->named;
	if (openings->n++ >= NAMED)
		return;
	buf_add_str(out, openings->n == 1 ? "" : ", ");
	buf_add_text(out, text_cut(ticket_id, 60));
	buf_add_str(out, " by ");
	buf_add_text(out, text_cut(sources[0], 60));
	buf_add_str(out, " and ");
	buf_add_text(out, text_cut(sources[1], 60));
}

static void say(struct doctor *doctor, struct openings *openings)
{
	struct buf what = BUF_INIT;
	if (openings->n == 0) {
		doctor_format(doctor, "openings", DOCTOR_OK, "", "no ticket of late was opened by two sources");
		return;
	}
	buf_add_format(&what,
	               "%" PRId64 " of the latest " MOST_TICKETS " tickets were opened by two sources: ", openings->n);
	buf_add_text(&what, buf_text(&openings->named));
	doctor_say(
	        doctor, "openings", DOCTOR_WARN, buf_text(&what),
	        TEXT("two help desks that number their tickets alike need a ticket_prefix each; two ways to read one "
	             "help desk need one source, or one of them must go"));
	buf_release(&what);
}

void doctor_check_openings(struct doctor *doctor)
{
	struct openings openings = {BUF_INIT, 0};
	const struct pg_param params[DOCTOR_OPENINGS_N_PARAMS] = {
	        [DOCTOR_OPENINGS_PARAM_MOST_TICKETS] = pg_param_c_string(MOST_TICKETS),
	        [DOCTOR_OPENINGS_PARAM_MOST_BYTES] = pg_param_c_string(MOST_BYTES),
	};
	PGresult *rows = pg_sync_query(&doctor->sync, "queries/doctor_openings.sql", params, DOCTOR_OPENINGS_N_PARAMS);
	if (rows == NULL) {
		doctor_format(doctor, "openings", DOCTOR_FAIL, "see the other findings about the database first",
		              "could not be checked: %s", buf_text(&doctor->sync.error).ptr);
		return;
	}
	for (int row = 0; row < PQntuples(rows); row++) {
		struct text sources[2], ticket_id = pg_get_text(rows, row, DOCTOR_OPENINGS_TICKET_ID);
		if (find_sources(pg_get_text(rows, row, DOCTOR_OPENINGS_HISTORY), ticket_id, sources))
			note(&openings, ticket_id, sources);
	}
	say(doctor, &openings);
	PQclear(rows);
	buf_release(&openings.named);
}
