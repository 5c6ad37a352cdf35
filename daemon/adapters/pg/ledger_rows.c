#include "adapters/pg/ledger_rows.h"

static const unsigned ticket_types[] = {
        [LEDGER_TICKET_PUT_PARAM_TICKET_IDS] = PG_OID_TEXT,
        [LEDGER_TICKET_PUT_PARAM_REVS] = PG_OID_INT4,
        [LEDGER_TICKET_PUT_PARAM_OPENED_AT] = PG_OID_TIMESTAMPTZ,
        [LEDGER_TICKET_PUT_PARAM_REQUESTER_REFS] = PG_OID_TEXT,
        [LEDGER_TICKET_PUT_PARAM_PROJECT_IDS] = PG_OID_TEXT,
        [LEDGER_TICKET_PUT_PARAM_CHANNELS] = PG_OID_TEXT,
        [LEDGER_TICKET_PUT_PARAM_CATEGORIES] = PG_OID_TEXT,
        [LEDGER_TICKET_PUT_PARAM_PRIORITIES] = PG_OID_TEXT,
        [LEDGER_TICKET_PUT_PARAM_OPENED_PROJECT_IDS] = PG_OID_TEXT,
        [LEDGER_TICKET_PUT_PARAM_OPENED_TEAM_IDS] = PG_OID_TEXT,
};
enum { N_TICKET_ARRAYS = sizeof(ticket_types) / sizeof(ticket_types[0]) };

static const unsigned item_types[LEDGER_ITEM_PUT_N_PARAMS] = {
        [LEDGER_ITEM_PUT_PARAM_TIMES] = PG_OID_TIMESTAMPTZ, [LEDGER_ITEM_PUT_PARAM_TICKET_IDS] = PG_OID_TEXT,
        [LEDGER_ITEM_PUT_PARAM_AGENT_IDS] = PG_OID_TEXT,    [LEDGER_ITEM_PUT_PARAM_PROJECT_IDS] = PG_OID_TEXT,
        [LEDGER_ITEM_PUT_PARAM_TEAM_IDS] = PG_OID_TEXT,     [LEDGER_ITEM_PUT_PARAM_ITEMS] = PG_OID_TEXT,
        [LEDGER_ITEM_PUT_PARAM_KINDS] = PG_OID_TEXT,        [LEDGER_ITEM_PUT_PARAM_PERCEIVED] = PG_OID_INT8,
        [LEDGER_ITEM_PUT_PARAM_PAIRED] = PG_OID_BOOL,       [LEDGER_ITEM_PUT_PARAM_GAPS] = PG_OID_INT8,
};

static const unsigned solved_types[LEDGER_SOLVED_PUT_N_PARAMS] = {
        [LEDGER_SOLVED_PUT_PARAM_TICKET_IDS] = PG_OID_TEXT,
        [LEDGER_SOLVED_PUT_PARAM_CYCLES] = PG_OID_INT4,
        [LEDGER_SOLVED_PUT_PARAM_RESOLVED_AT] = PG_OID_TIMESTAMPTZ,
        [LEDGER_SOLVED_PUT_PARAM_RESOLVER_IDS] = PG_OID_TEXT,
};

void pg_ledger_rows_release(struct pg_ledger_rows *rows)
{
	pg_arrays_release(rows->tickets, N_TICKET_ARRAYS);
	pg_array_release(&rows->rows);
	pg_arrays_release(rows->items, LEDGER_ITEM_PUT_N_PARAMS);
	pg_arrays_release(rows->solved, LEDGER_SOLVED_PUT_N_PARAMS);
}

void pg_ledger_rows_start(struct pg_ledger_rows *rows, const unsigned *row_types)
{
	pg_arrays_start(rows->tickets, ticket_types, N_TICKET_ARRAYS);
	pg_array_start(&rows->rows, row_types[PG_ROW_LEDGER_PART]);
	pg_arrays_start(rows->items, item_types, LEDGER_ITEM_PUT_N_PARAMS);
	pg_arrays_start(rows->solved, solved_types, LEDGER_SOLVED_PUT_N_PARAMS);
}

static struct text or_empty(struct text text)
{
	return text_is_absent(text) ? TEXT("") : text;
}

static void add_ticket(struct pg_ledger_rows *rows, struct text ticket_id, int32_t rev, const struct ledger *ledger)
{
	const struct text *attributes = ledger->ticket.attributes;
	struct pg_array *to = rows->tickets;
	pg_array_text(&to[LEDGER_TICKET_PUT_PARAM_TICKET_IDS], ticket_id);
	pg_array_int4(&to[LEDGER_TICKET_PUT_PARAM_REVS], rev);
	pg_array_time(&to[LEDGER_TICKET_PUT_PARAM_OPENED_AT], ledger->ticket.opened_us);
	pg_array_text(&to[LEDGER_TICKET_PUT_PARAM_REQUESTER_REFS], or_empty(attributes[EVENT_REQUESTER_REF]));
	pg_array_text(&to[LEDGER_TICKET_PUT_PARAM_PROJECT_IDS], or_empty(attributes[EVENT_PROJECT_ID]));
	pg_array_text(&to[LEDGER_TICKET_PUT_PARAM_CHANNELS], or_empty(attributes[EVENT_CHANNEL]));
	pg_array_text(&to[LEDGER_TICKET_PUT_PARAM_CATEGORIES], or_empty(attributes[EVENT_CATEGORY]));
	pg_array_text(&to[LEDGER_TICKET_PUT_PARAM_PRIORITIES], or_empty(attributes[EVENT_PRIORITY]));
	pg_array_text(&to[LEDGER_TICKET_PUT_PARAM_OPENED_PROJECT_IDS], ledger->opened_project_id);
	pg_array_text(&to[LEDGER_TICKET_PUT_PARAM_OPENED_TEAM_IDS], ledger->opened_team_id);
}

static void add_row(struct pg_array *to, struct text ticket_id, const struct ledger_row *row)
{
	pg_row_start(to);
	pg_column_time(to, row->bucket_us);
	pg_column_text(to, ticket_id);
	pg_column_text(to, row->agent_id);
	pg_column_text(to, row->project_id);
	pg_column_text(to, row->team_id);
	for (int i = 0; i < LEDGER_N_COLUMNS; i++) {
		if (row->values[i] == 0)
			pg_column_null(to, PG_OID_INT8);
		else
			pg_column_int8(to, row->values[i]);
	}
	pg_row_end(to);
}

static void add_item(struct pg_array *to, struct text ticket_id, const struct ledger_item *item)
{
	pg_array_time(&to[LEDGER_ITEM_PUT_PARAM_TIMES], item->bucket_us);
	pg_array_text(&to[LEDGER_ITEM_PUT_PARAM_TICKET_IDS], ticket_id);
	pg_array_text(&to[LEDGER_ITEM_PUT_PARAM_AGENT_IDS], item->agent_id);
	pg_array_text(&to[LEDGER_ITEM_PUT_PARAM_PROJECT_IDS], item->project_id);
	pg_array_text(&to[LEDGER_ITEM_PUT_PARAM_TEAM_IDS], item->team_id);
	pg_array_text(&to[LEDGER_ITEM_PUT_PARAM_ITEMS], item->item);
	pg_array_text(&to[LEDGER_ITEM_PUT_PARAM_KINDS], text_of(survey_kind_name(item->kind)));
	pg_array_int8(&to[LEDGER_ITEM_PUT_PARAM_PERCEIVED], item->perceived_micros, false);
	pg_array_bool(&to[LEDGER_ITEM_PUT_PARAM_PAIRED], item->paired);
	pg_array_int8(&to[LEDGER_ITEM_PUT_PARAM_GAPS], item->gap_micros, false);
}

void pg_ledger_rows_add(struct pg_ledger_rows *rows, struct text ticket_id, int32_t rev, const struct ledger *ledger)
{
	add_ticket(rows, ticket_id, rev, ledger);
	for (size_t i = 0; i < ledger->n_rows; i++)
		add_row(&rows->rows, ticket_id, &ledger->rows[i]);
	for (size_t i = 0; i < ledger->n_items; i++)
		add_item(rows->items, ticket_id, &ledger->items[i]);
	for (size_t i = 0; i < ledger->n_solved; i++) {
		pg_array_text(&rows->solved[LEDGER_SOLVED_PUT_PARAM_TICKET_IDS], ticket_id);
		pg_array_int4(&rows->solved[LEDGER_SOLVED_PUT_PARAM_CYCLES], (int32_t)ledger->solved[i].cycle);
		pg_array_time(&rows->solved[LEDGER_SOLVED_PUT_PARAM_RESOLVED_AT], ledger->solved[i].resolved_us);
		pg_array_text(&rows->solved[LEDGER_SOLVED_PUT_PARAM_RESOLVER_IDS], ledger->solved[i].resolver_id);
	}
}

size_t pg_ledger_rows_n(const struct pg_ledger_rows *rows)
{
	return rows->tickets[LEDGER_TICKET_PUT_PARAM_TICKET_IDS].n;
}

static struct pg_param ids_of(struct pg_ledger_rows *rows)
{
	return pg_array_param(&rows->tickets[LEDGER_TICKET_PUT_PARAM_TICKET_IDS]);
}

/* Before the tickets are written, and again afterwards. */
static void send_repeat_note(struct pg_ledger_rows *rows, struct pg_session *session, int64_t repeat_within_us)
{
	char within[8];
	const struct pg_param params[LEDGER_REPEAT_NOTE_N_PARAMS] = {
	        [LEDGER_REPEAT_NOTE_PARAM_TICKET_IDS] = ids_of(rows),
	        [LEDGER_REPEAT_NOTE_PARAM_REPEAT_WITHIN_US] = pg_param_int8(repeat_within_us, within),
	};
	pg_session_query(session, "queries/ledger_repeat_note.sql", params, LEDGER_REPEAT_NOTE_N_PARAMS, NULL, NULL);
}

void pg_ledger_rows_send_tickets(struct pg_ledger_rows *rows, struct pg_session *session, int32_t generation,
                                 int64_t repeat_within_us, pg_result_fn put, void *context)
{
	char number[4];
	struct pg_param params[LEDGER_TICKET_PUT_N_PARAMS];
	send_repeat_note(rows, session, repeat_within_us);
	for (int i = 0; i < N_TICKET_ARRAYS; i++)
		params[i] = pg_array_param(&rows->tickets[i]);
	params[LEDGER_TICKET_PUT_PARAM_GENERATION] = pg_param_int4(generation, number);
	pg_session_query(session, "queries/ledger_ticket_put.sql", params, LEDGER_TICKET_PUT_N_PARAMS, put, context);
}

void pg_ledger_rows_send_rest(struct pg_ledger_rows *rows, struct pg_session *session, int64_t repeat_within_us)
{
	char within[8];
	struct pg_param ids = ids_of(rows), all = pg_array_param(&rows->rows);
	struct pg_param repeat_within = pg_param_int8(repeat_within_us, within);
	pg_session_query(session, "queries/ledger_months_take.sql", NULL, 0, NULL, NULL);
	pg_session_query(session, "queries/ledger_delete.sql", &ids, 1, NULL, NULL);
	pg_session_query(session, "queries/ledger_item_delete.sql", &ids, 1, NULL, NULL);
	pg_session_query(session, "queries/ledger_solved_delete.sql", &ids, 1, NULL, NULL);
	pg_session_query(session, "queries/ledger_put.sql", &all, 1, NULL, NULL);
	pg_session_query(session, "queries/ledger_5m_delete.sql", &ids, 1, NULL, NULL);
	pg_session_query(session, "queries/ledger_5m_put.sql", &all, 1, NULL, NULL);
	pg_session_query(session, "queries/ledger_backlog_delete.sql", &ids, 1, NULL, NULL);
	pg_session_query(session, "queries/ledger_backlog_put.sql", &ids, 1, NULL, NULL);
	if (rows->items[0].n > 0)
		pg_arrays_query(session, "queries/ledger_item_put.sql", rows->items, LEDGER_ITEM_PUT_N_PARAMS, NULL,
		                NULL);
	if (rows->solved[0].n > 0)
		pg_arrays_query(session, "queries/ledger_solved_put.sql", rows->solved, LEDGER_SOLVED_PUT_N_PARAMS,
		                NULL, NULL);
	send_repeat_note(rows, session, repeat_within_us);
	pg_session_query(session, "queries/ledger_months_take.sql", NULL, 0, NULL, NULL);
	pg_session_query(session, "queries/ledger_repeat_clear.sql", NULL, 0, NULL, NULL);
	pg_session_query(session, "queries/ledger_repeat_prune.sql", NULL, 0, NULL, NULL);
	pg_session_query(session, "queries/ledger_repeat_put.sql", &repeat_within, 1, NULL, NULL);
	pg_session_query(session, "queries/ledger_months_add.sql", NULL, 0, NULL, NULL);
	pg_session_query(session, "queries/ledger_repeat_done.sql", NULL, 0, NULL, NULL);
}

void pg_ledger_months_merge(struct pg_session *session)
{
	pg_session_query(session, "queries/ledger_months_merge.sql", NULL, 0, NULL, NULL);
	pg_session_query(session, "queries/ledger_months_prune.sql", NULL, 0, NULL, NULL);
}
