/* Reads a ticket from the database and folds it again. */
#include <jansson.h>
#include <stdlib.h>

#include "adapters/zone/zone.h"
#include "cli/explain.h"
#include "kpid/base/memory.h"

void explanation_init(struct explanation *explanation)
{
	*explanation = (struct explanation){.policies = NULL};
	arena_init(&explanation->arena);
	kpi_sums_init(&explanation->sums);
}

void explanation_release(struct explanation *explanation)
{
	policy_set_free(explanation->policies);
	kpi_sums_release(&explanation->sums);
	arena_release(&explanation->arena);
}

static int fail(const struct pg_sync *sync, struct text ticket_id, const char *what)
{
	pg_sync_print_error(sync, "ticket %.*s %s", (int)ticket_id.len, ticket_id.ptr, what);
	return CLI_FAILED;
}

/* Copies a value into the arena, because the result is cleared soon. */
static struct text keep_text(struct explanation *explanation, const PGresult *rows, int row, int column)
{
	return arena_text(&explanation->arena, pg_get_text(rows, row, column));
}

/* ---- folding ---- */

static void on_begin(void *context, size_t n_steps)
{
	struct explanation *explanation = context;
	explanation->marks = arena_alloc(&explanation->arena, n_steps * sizeof(*explanation->marks));
	explanation->n_steps = n_steps;
}

/* The event is gone after the call. Its texts, except the id, are in the history. */
static const struct explain_step *keep_step(struct explanation *explanation, const struct ticket_event *event,
                                            int64_t effective_us, bool derived, const char *effect,
                                            const struct ticket *after)
{
	struct arena *arena = &explanation->arena;
	struct explain_step *step = arena_alloc(arena, sizeof(*step));
	*step = (struct explain_step){
	        .event = *event,
	        .at_us = effective_us,
	        .derived = derived,
	        .effect = arena_text(arena, text_of(effect)),
	        .state = after->state,
	        .cycle = after->cycle,
	        .owner_id = after->owner_id,
	        .policy = after->policy == NULL ? TEXT_ABSENT : after->policy->name,
	};
	step->event.id = arena_text(arena, event->id);
	return step;
}

static void on_step(void *context, const struct ticket_event *event, int64_t effective_us, bool derived,
                    const char *effect, const struct ticket *after)
{
	struct explanation *explanation = context;
	size_t i = explanation->n_marks++;
	const struct explain_step *step = NULL;
	if (explain_shows(i, explanation->n_steps))
		step = keep_step(explanation, event, effective_us, derived, effect, after);
	explanation->marks[i] = (struct explain_mark){
	        .at_us = effective_us,
	        .source_offset = event->source_offset,
	        .source_no = event->source_no,
	        .type = event->type,
	        .step = step,
	};
	explanation->n_events += !derived;
}

static int fold(struct explanation *explanation, struct text history, int64_t pinned_opened_us, int64_t fcr_window_us)
{
	const struct policy_set *policies = explanation->policies;
	struct fold_rules rules = {policies, fcr_window_us};
	struct fold_pin pin = {policies->n_revisions == 0 ? NULL : &policies->revisions[0], pinned_opened_us};
	struct fold_observer observer = {true, on_begin, NULL, on_step, explanation};
	int result = ticket_fold_history(history, explanation->ticket_id, &rules, &pin, explanation->as_of_us,
	                                 &observer, &explanation->arena, &explanation->ticket);
	if (result != 0)
		return result;
	kpi_sums_add(&explanation->sums, explanation->ticket.kpis, explanation->ticket.n_kpis, 1);
	explanation->kpis = kpi_sums_sorted(&explanation->sums, &explanation->n_kpis);
	return 0;
}

/* ---- the row ---- */

static bool is_as_recorded(const struct ticket *ticket, const PGresult *row)
{
	struct text policy = ticket->policy == NULL ? TEXT_ABSENT : ticket->policy->name;
	return pg_get_int4(row, 0, EXPLAIN_TICKET_STATE) == (int32_t)ticket->state &&
	       pg_get_int4(row, 0, EXPLAIN_TICKET_CYCLE) == (int32_t)ticket->cycle &&
	       pg_get_int4(row, 0, EXPLAIN_TICKET_FIRST_RESPONSE_VERDICT) == (int32_t)ticket->first_response_verdict &&
	       pg_get_int4(row, 0, EXPLAIN_TICKET_RESOLUTION_VERDICT) == (int32_t)ticket->resolution_verdict &&
	       pg_get_time(row, 0, EXPLAIN_TICKET_OPENED_AT) == ticket->opened_us &&
	       text_same(pg_get_text(row, 0, EXPLAIN_TICKET_AGENT_ID), ticket->owner_id) &&
	       text_same(pg_get_text(row, 0, EXPLAIN_TICKET_POLICY), policy);
}

static bool read_policies(struct explanation *explanation, const PGresult *row)
{
	struct text json = pg_get_text(row, 0, EXPLAIN_TICKET_JSON);
	if (text_is_absent(json)) {
		explanation->policies = policy_set_empty();
		return true;
	}
	struct file_errors errors;
	explanation->policies = policy_revision_parse(json, zone_find, &errors);
	file_errors_release(&errors);
	if (explanation->policies != NULL)
		explanation->policies->revisions[0].revision_no = pg_get_int4(row, 0, EXPLAIN_TICKET_REVISION_NO);
	return explanation->policies != NULL;
}

static int use_row(struct explanation *explanation, const struct pg_sync *sync, const PGresult *row,
                   int64_t fcr_window_us)
{
	explanation->rev = pg_get_int4(row, 0, EXPLAIN_TICKET_REV);
	explanation->as_of_us = pg_get_time(row, 0, EXPLAIN_TICKET_AS_OF);
	explanation->revised_us = pg_get_time(row, 0, EXPLAIN_TICKET_REVISED_AT);
	if (!PQgetisnull(row, 0, EXPLAIN_TICKET_FCR_WINDOW_US))
		fcr_window_us = pg_get_int8(row, 0, EXPLAIN_TICKET_FCR_WINDOW_US);
	if (!read_policies(explanation, row))
		return fail(sync, explanation->ticket_id,
		            "was judged by a policy revision that this version of kpid cannot read");
	struct text history = keep_text(explanation, row, 0, EXPLAIN_TICKET_HISTORY);
	if (fold(explanation, history, pg_get_time(row, 0, EXPLAIN_TICKET_OPENED_AT), fcr_window_us) != 0)
		return fail(sync, explanation->ticket_id, "has a history that this version of kpid cannot read");
	explanation->agrees = is_as_recorded(&explanation->ticket, row);
	return CLI_OK;
}

static int read_set_aside(struct explanation *explanation, struct pg_sync *sync)
{
	struct pg_param id = pg_param_text(explanation->ticket_id);
	PGresult *row = pg_sync_query(sync, "queries/explain_set_aside.sql", &id, 1);
	if (row == NULL)
		return pg_sync_failed(sync);
	explanation->set_aside = (struct explain_set_aside){TEXT_ABSENT, TEXT_ABSENT, 0, TIME_NONE};
	if (PQntuples(row) > 0)
		explanation->set_aside =
		        (struct explain_set_aside){keep_text(explanation, row, 0, EXPLAIN_SET_ASIDE_REASON),
		                                   keep_text(explanation, row, 0, EXPLAIN_SET_ASIDE_DETAIL),
		                                   pg_get_int8(row, 0, EXPLAIN_SET_ASIDE_N_EVENTS),
		                                   pg_get_time(row, 0, EXPLAIN_SET_ASIDE_PARKED_AT)};
	PQclear(row);
	return CLI_OK;
}

/* Reports an unknown ticket, or one whose events are all set aside. */
static int report_absent(const struct explanation *explanation, const struct pg_sync *sync)
{
	const struct explain_set_aside *aside = &explanation->set_aside;
	if (text_is_absent(aside->reason))
		return fail(sync, explanation->ticket_id, "is unknown");
	struct buf words = BUF_INIT;
	explanation_add_set_aside(explanation, &words);
	int status = fail(sync, explanation->ticket_id, words.data);
	buf_release(&words);
	return status;
}

static int read_ticket(struct explanation *explanation, struct pg_sync *sync, int64_t fcr_window_us)
{
	struct pg_param id = pg_param_text(explanation->ticket_id);
	PGresult *row = pg_sync_query(sync, "queries/explain_ticket.sql", &id, 1);
	if (row == NULL)
		return pg_sync_failed(sync);
	int status =
	        PQntuples(row) == 0 ? report_absent(explanation, sync) : use_row(explanation, sync, row, fcr_window_us);
	PQclear(row);
	return status;
}

/* ---- other tables ---- */

static void keep_mappings(struct explanation *explanation, const PGresult *rows)
{
	explanation->n_mappings = (size_t)PQntuples(rows);
	explanation->mappings =
	        arena_alloc(&explanation->arena, explanation->n_mappings * sizeof(*explanation->mappings));
	for (int row = 0; row < PQntuples(rows); row++)
		explanation->mappings[row] =
		        (struct explain_mapping){pg_get_int4(rows, row, EXPLAIN_MAPPINGS_SOURCE_NO),
		                                 pg_get_int8(rows, row, EXPLAIN_MAPPINGS_FROM_OFFSET),
		                                 keep_text(explanation, rows, row, EXPLAIN_MAPPINGS_MAPPING),
		                                 keep_text(explanation, rows, row, EXPLAIN_MAPPINGS_VERSION)};
}

static int read_sources(struct explanation *explanation, struct pg_sync *sync)
{
	struct pg_array numbers = {.n = 0};
	pg_array_start(&numbers, PG_OID_INT4);
	for (size_t i = 0; i < explanation->n_steps; i++) /* equal numbers are mostly adjacent */
		if (i == 0 || explanation->marks[i].source_no != explanation->marks[i - 1].source_no)
			pg_array_int4(&numbers, explanation->marks[i].source_no);
	struct pg_param param = pg_array_param(&numbers);
	PGresult *rows = pg_sync_query(sync, "queries/explain_sources.sql", &param, 1);
	PGresult *mappings = rows == NULL ? NULL : pg_sync_query(sync, "queries/explain_mappings.sql", &param, 1);
	pg_array_release(&numbers);
	if (mappings == NULL) {
		PQclear(rows);
		return pg_sync_failed(sync);
	}
	keep_mappings(explanation, mappings);
	PQclear(mappings);
	explanation->n_sources = (size_t)PQntuples(rows);
	explanation->sources = arena_alloc(&explanation->arena, explanation->n_sources * sizeof(*explanation->sources));
	for (int row = 0; row < PQntuples(rows); row++)
		explanation->sources[row] =
		        (struct explain_source){pg_get_int4(rows, row, EXPLAIN_SOURCES_SOURCE_NO),
		                                keep_text(explanation, rows, row, EXPLAIN_SOURCES_TOPIC),
		                                pg_get_int4(rows, row, EXPLAIN_SOURCES_PARTITION)};
	PQclear(rows);
	return CLI_OK;
}

static int read_alerts(struct explanation *explanation, struct pg_sync *sync)
{
	struct pg_param id = pg_param_text(explanation->ticket_id);
	PGresult *rows = pg_sync_query(sync, "queries/explain_alerts.sql", &id, 1);
	if (rows == NULL)
		return pg_sync_failed(sync);
	explanation->n_alerts = (size_t)PQntuples(rows);
	explanation->n_alerts_cut =
	        PQntuples(rows) == 0 ? 0 : pg_get_int8(rows, 0, EXPLAIN_ALERTS_N_ALERTS) - PQntuples(rows);
	explanation->alerts = arena_alloc(&explanation->arena, explanation->n_alerts * sizeof(*explanation->alerts));
	for (int row = 0; row < PQntuples(rows); row++)
		explanation->alerts[row] = (struct explain_alert){
		        .target = keep_text(explanation, rows, row, EXPLAIN_ALERTS_TARGET),
		        .n = (uint32_t)pg_get_int4(rows, row, EXPLAIN_ALERTS_N),
		        .state = keep_text(explanation, rows, row, EXPLAIN_ALERTS_STATE),
		        .level = (uint32_t)pg_get_int4(rows, row, EXPLAIN_ALERTS_LEVEL),
		        .due_us = pg_get_time(rows, row, EXPLAIN_ALERTS_DUE_AT),
		        .breached_us = pg_get_time(rows, row, EXPLAIN_ALERTS_BREACHED_AT),
		        .cause = keep_text(explanation, rows, row, EXPLAIN_ALERTS_CAUSE),
		        .owner_at_breach = keep_text(explanation, rows, row, EXPLAIN_ALERTS_OWNER_AT_BREACH),
		        .project_id = keep_text(explanation, rows, row, EXPLAIN_ALERTS_PROJECT_ID),
		        .policy = keep_text(explanation, rows, row, EXPLAIN_ALERTS_POLICY),
		        .detected_us = pg_get_time(rows, row, EXPLAIN_ALERTS_DETECTED_AT),
		        .resolved_us = pg_get_time(rows, row, EXPLAIN_ALERTS_RESOLVED_AT),
		        .unconfirmed = pg_get_bool(rows, row, EXPLAIN_ALERTS_UNCONFIRMED),
		        .delivery = keep_text(explanation, rows, row, EXPLAIN_ALERTS_DELIVERY),
		        .revision = (uint32_t)pg_get_int4(rows, row, EXPLAIN_ALERTS_REVISION),
		};
	PQclear(rows);
	return CLI_OK;
}

static struct text json_member(struct explanation *explanation, const json_t *object, const char *name)
{
	return arena_text(&explanation->arena, text_of(json_string_value(json_object_get(object, name))));
}

static void add_conflict(struct explanation *explanation, const PGresult *rows, int row)
{
	struct text value = pg_get_text(rows, row, EXPLAIN_CONFLICTS_VALUE);
	json_t *event = json_loadb(value.ptr, value.len, JSON_DECODE_ANY, NULL);
	explanation->conflicts[row] = (struct explain_conflict){
	        .topic = keep_text(explanation, rows, row, EXPLAIN_CONFLICTS_TOPIC),
	        .partition = pg_get_int4(rows, row, EXPLAIN_CONFLICTS_PARTITION),
	        .offset = pg_get_int8(rows, row, EXPLAIN_CONFLICTS_OFFSET),
	        .read_us = pg_get_time(rows, row, EXPLAIN_CONFLICTS_READ_AT),
	        .source = json_member(explanation, event, "source"),
	        .id = json_member(explanation, event, "id"),
	        .type = json_member(explanation, event, "type"),
	        .time = json_member(explanation, event, "time"),
	};
	json_decref(event);
}

static int read_conflicts(struct explanation *explanation, struct pg_sync *sync)
{
	/* The text that ticket_event_as_cloudevent() writes. */
	struct buf naming = BUF_INIT;
	buf_add_str(&naming, "\"data\":{\"ticket_id\":");
	buf_add_json_string(&naming, explanation->ticket_id);
	struct pg_param param = {naming.data, (int)naming.len_bytes, true};
	PGresult *rows = pg_sync_query(sync, "queries/explain_conflicts.sql", &param, 1);
	buf_release(&naming);
	if (rows == NULL)
		return pg_sync_failed(sync);
	explanation->n_conflicts = (size_t)PQntuples(rows);
	explanation->n_conflicts_cut =
	        PQntuples(rows) == 0 ? 0 : pg_get_int8(rows, 0, EXPLAIN_CONFLICTS_N_CONFLICTS) - PQntuples(rows);
	explanation->conflicts =
	        arena_alloc(&explanation->arena, explanation->n_conflicts * sizeof(*explanation->conflicts));
	for (int row = 0; row < PQntuples(rows); row++)
		add_conflict(explanation, rows, row);
	PQclear(rows);
	return CLI_OK;
}

int explanation_read(struct explanation *explanation, struct pg_sync *sync, struct text ticket_id,
                     int64_t fcr_window_us)
{
	explanation->ticket_id = ticket_id;
	if (!pg_sync_begin_snapshot(sync))
		return pg_sync_failed(sync);
	int status = read_set_aside(explanation, sync);
	if (status == CLI_OK)
		status = read_ticket(explanation, sync, fcr_window_us);
	if (status == CLI_OK)
		status = read_sources(explanation, sync);
	if (status == CLI_OK)
		status = read_alerts(explanation, sync);
	if (status == CLI_OK)
		status = read_conflicts(explanation, sync);
	pg_sync_end(sync);
	return status;
}
