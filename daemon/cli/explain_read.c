/* Reads a ticket and folds it again. */
#include <jansson.h>
#include <stdlib.h>

#include "adapters/zone/zone.h"
#include "cli/explain.h"
#include "kpid/base/memory.h"
#include "kpid/core/history.h"

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
	free(explanation->steps);
	arena_release(&explanation->arena);
}

static int say(const struct pg_sync *sync, struct text ticket_id, const char *what)
{
	pg_sync_say(sync, "ticket %.*s %s", (int)ticket_id.len, ticket_id.ptr, what);
	return CLI_FAILED;
}

/* Binary values of a result that is about to be cleared. */
static struct text keep_text(struct explanation *explanation, const PGresult *rows, int row, int column)
{
	return arena_text(&explanation->arena, pg_get_text(rows, row, column));
}

/* ---- folding ---- */

static void on_step(void *context, const struct ticket_event *event, int64_t effective_us, bool derived,
                    const char *effect, const struct ticket *after)
{
	struct explanation *explanation = context;
	struct arena *arena = &explanation->arena;
	const struct ticket_event *kept = event;
	if (derived) /* a derived one is gone after the call; its texts are those of the history */
		kept = memcpy(arena_alloc(arena, sizeof(*event)), event, sizeof(*event));
	explanation->steps = mem_grow(explanation->steps, &explanation->steps_capacity, explanation->n_steps + 1,
	                              sizeof(*explanation->steps));
	explanation->steps[explanation->n_steps++] = (struct explain_step){
	        .event = kept,
	        .at_us = effective_us,
	        .derived = derived,
	        .effect = arena_text(arena, text_of(effect)),
	        .state = after->state,
	        .cycle = after->cycle,
	        .owner_id = after->owner_id, /* of the history, too */
	        .policy = after->policy == NULL ? TEXT_ABSENT : after->policy->name,
	};
}

static void fold(struct explanation *explanation, int64_t pinned_opened_us, int64_t fcr_window_us)
{
	const struct policy_set *policies = explanation->policies;
	struct fold_rules rules = {policies, fcr_window_us};
	struct fold_pin pin = {policies->n_revisions == 0 ? NULL : &policies->revisions[0], pinned_opened_us};
	struct fold_observer observer = {on_step, explanation};
	const struct ticket_event **events = arena_alloc(&explanation->arena, explanation->n_events * sizeof(*events));
	for (size_t i = 0; i < explanation->n_events; i++)
		events[i] = &explanation->events[i];
	ticket_fold(events, explanation->n_events, &rules, &pin, explanation->as_of_us, &observer, &explanation->arena,
	            &explanation->ticket);
	kpi_sums_add(&explanation->sums, explanation->ticket.kpis, explanation->ticket.n_kpis, 1);
	explanation->kpis = kpi_sums_sorted(&explanation->sums, &explanation->n_kpis);
}

/* ---- the row ---- */

enum ticket_column {
	COLUMN_REV,
	COLUMN_AS_OF,
	COLUMN_REVISED_AT,
	COLUMN_OPENED_AT,
	COLUMN_REVISION_NO,
	COLUMN_REVISION_JSON,
	COLUMN_HISTORY,
	COLUMN_STATE,
	COLUMN_CYCLE,
	COLUMN_FIRST_RESPONSE_VERDICT,
	COLUMN_RESOLUTION_VERDICT,
	COLUMN_AGENT_ID,
	COLUMN_POLICY,
	COLUMN_FCR_WINDOW_US
};

static bool is_as_recorded(const struct ticket *ticket, const PGresult *row)
{
	struct text policy = ticket->policy == NULL ? TEXT_ABSENT : ticket->policy->name;
	return pg_get_int4(row, 0, COLUMN_STATE) == (int32_t)ticket->state &&
	       pg_get_int4(row, 0, COLUMN_CYCLE) == (int32_t)ticket->cycle &&
	       pg_get_int4(row, 0, COLUMN_FIRST_RESPONSE_VERDICT) == (int32_t)ticket->first_response_verdict &&
	       pg_get_int4(row, 0, COLUMN_RESOLUTION_VERDICT) == (int32_t)ticket->resolution_verdict &&
	       pg_get_time(row, 0, COLUMN_OPENED_AT) == ticket->opened_us &&
	       text_same(pg_get_text(row, 0, COLUMN_AGENT_ID), ticket->owner_id) &&
	       text_same(pg_get_text(row, 0, COLUMN_POLICY), policy);
}

static bool read_policies(struct explanation *explanation, const PGresult *row)
{
	struct text json = pg_get_text(row, 0, COLUMN_REVISION_JSON);
	if (text_is_absent(json)) {
		explanation->policies = policy_set_empty();
		return true;
	}
	struct policy_faults faults;
	explanation->policies = policy_revision_parse(json, zone_find, &faults);
	policy_faults_release(&faults);
	if (explanation->policies != NULL)
		explanation->policies->revisions[0].revision_no = pg_get_int4(row, 0, COLUMN_REVISION_NO);
	return explanation->policies != NULL;
}

static int use_row(struct explanation *explanation, const struct pg_sync *sync, const PGresult *row,
                   int64_t fcr_window_us)
{
	explanation->rev = pg_get_int4(row, 0, COLUMN_REV);
	explanation->as_of_us = pg_get_time(row, 0, COLUMN_AS_OF);
	explanation->revised_us = pg_get_time(row, 0, COLUMN_REVISED_AT);
	if (!PQgetisnull(row, 0, COLUMN_FCR_WINDOW_US))
		fcr_window_us = pg_get_int8(row, 0, COLUMN_FCR_WINDOW_US);
	if (!read_policies(explanation, row))
		return say(sync, explanation->ticket_id,
		           "was judged under a policy revision that this version of kpid cannot read");
	if (history_unpack(keep_text(explanation, row, 0, COLUMN_HISTORY), explanation->ticket_id, &explanation->arena,
	                   &explanation->events, &explanation->n_events) != 0)
		return say(sync, explanation->ticket_id, "has a broken history: this version of kpid cannot read it");
	fold(explanation, pg_get_time(row, 0, COLUMN_OPENED_AT), fcr_window_us);
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
		        (struct explain_set_aside){keep_text(explanation, row, 0, 0), keep_text(explanation, row, 0, 1),
		                                   pg_get_int8(row, 0, 2), pg_get_time(row, 0, 3)};
	PQclear(row);
	return CLI_OK;
}

/* All of its events may be set aside. */
static int say_absent(const struct explanation *explanation, const struct pg_sync *sync)
{
	const struct explain_set_aside *aside = &explanation->set_aside;
	if (text_is_absent(aside->reason))
		return say(sync, explanation->ticket_id, "is not known");
	struct buf words = BUF_INIT;
	explanation_add_set_aside(explanation, &words);
	int status = say(sync, explanation->ticket_id, words.data);
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
	        PQntuples(row) == 0 ? say_absent(explanation, sync) : use_row(explanation, sync, row, fcr_window_us);
	PQclear(row);
	return status;
}

/* ---- beside it ---- */

static int read_sources(struct explanation *explanation, struct pg_sync *sync)
{
	struct pg_array numbers = {.n = 0};
	pg_array_start(&numbers, PG_OID_INT4);
	for (size_t i = 0; i < explanation->n_events; i++) /* they come in runs */
		if (i == 0 || explanation->events[i].source_no != explanation->events[i - 1].source_no)
			pg_array_int4(&numbers, explanation->events[i].source_no);
	struct pg_param param = pg_array_param(&numbers);
	PGresult *rows = pg_sync_query(sync, "queries/explain_sources.sql", &param, 1);
	pg_array_release(&numbers);
	if (rows == NULL)
		return pg_sync_failed(sync);
	explanation->n_sources = (size_t)PQntuples(rows);
	explanation->sources = arena_alloc(&explanation->arena, explanation->n_sources * sizeof(*explanation->sources));
	for (int row = 0; row < PQntuples(rows); row++)
		explanation->sources[row] = (struct explain_source){
		        pg_get_int4(rows, row, 0), keep_text(explanation, rows, row, 1), pg_get_int4(rows, row, 2)};
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
	explanation->n_alerts_cut = PQntuples(rows) == 0 ? 0 : pg_get_int8(rows, 0, 15) - PQntuples(rows);
	explanation->alerts = arena_alloc(&explanation->arena, explanation->n_alerts * sizeof(*explanation->alerts));
	for (int row = 0; row < PQntuples(rows); row++)
		explanation->alerts[row] = (struct explain_alert){
		        .target = keep_text(explanation, rows, row, 0),
		        .n = (uint32_t)pg_get_int4(rows, row, 1),
		        .state = keep_text(explanation, rows, row, 2),
		        .level = (uint32_t)pg_get_int4(rows, row, 3),
		        .due_us = pg_get_time(rows, row, 4),
		        .breached_us = pg_get_time(rows, row, 5),
		        .cause = keep_text(explanation, rows, row, 6),
		        .owner_at_breach = keep_text(explanation, rows, row, 7),
		        .project_id = keep_text(explanation, rows, row, 8),
		        .policy = keep_text(explanation, rows, row, 9),
		        .detected_us = pg_get_time(rows, row, 10),
		        .resolved_us = pg_get_time(rows, row, 11),
		        .unconfirmed = pg_get_bool(rows, row, 12),
		        .delivery = keep_text(explanation, rows, row, 13),
		        .revision = (uint32_t)pg_get_int4(rows, row, 14),
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
	struct text value = pg_get_text(rows, row, 4);
	json_t *event = json_loadb(value.ptr, value.len, JSON_DECODE_ANY, NULL);
	explanation->conflicts[row] = (struct explain_conflict){
	        .topic = keep_text(explanation, rows, row, 0),
	        .partition = pg_get_int4(rows, row, 1),
	        .offset = pg_get_int8(rows, row, 2),
	        .read_us = pg_get_time(rows, row, 3),
	        .source = json_member(explanation, event, "source"),
	        .id = json_member(explanation, event, "id"),
	        .type = json_member(explanation, event, "type"),
	        .time = json_member(explanation, event, "time"),
	};
	json_decref(event);
}

static int read_conflicts(struct explanation *explanation, struct pg_sync *sync)
{
	/* As ticket_event_as_cloudevent() writes it. */
	struct buf naming = BUF_INIT;
	buf_add_str(&naming, "\"data\":{\"ticket_id\":");
	buf_add_json_string(&naming, explanation->ticket_id);
	struct pg_param param = {naming.data, (int)naming.len_bytes, true};
	PGresult *rows = pg_sync_query(sync, "queries/explain_conflicts.sql", &param, 1);
	buf_release(&naming);
	if (rows == NULL)
		return pg_sync_failed(sync);
	explanation->n_conflicts = (size_t)PQntuples(rows);
	explanation->n_conflicts_cut = PQntuples(rows) == 0 ? 0 : pg_get_int8(rows, 0, 5) - PQntuples(rows);
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
