#include "cli/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json_out.h"
#include "kpid/base/clock.h"
#include "kpid/base/memory.h"
#include "kpid/core/ticket.h"

enum { MOST_SHOWN = 20, PIECE = 500, PIECE_OF_SUMS = 1000, KEEP_BYTES = 1 << 20 };

/* ---- lifetime ---- */

void verify_init(struct verify *verify, struct pg_sync *sync, const struct kpid_config *config,
                 const struct verify_request *request)
{
	static struct batch no_batch;
	*verify = (struct verify){.sync = sync, .config = config, .request = request};
	policy_registry_init(&verify->registry);
	pg_effects_init(&verify->effects);
	kpi_sums_init(&verify->missing);
	arena_init(&verify->scratch);
	arena_init(&verify->arena);
	verify->differences = json_array();
	verify->order = (struct write_order){.batch = &no_batch, .rules = &verify->rules, .config = config};
}

void verify_release(struct verify *verify)
{
	policy_registry_release(&verify->registry);
	pg_effects_release(&verify->effects);
	kpi_sums_release(&verify->missing);
	arena_release(&verify->scratch);
	arena_release(&verify->arena);
	buf_release(&verify->packed);
	pg_array_release(&verify->ids);
	free(verify->suspects);
	json_decref(verify->differences);
}

void verify_clear(struct verify *verify)
{
	kpi_sums_clear(&verify->effects.sums);
	kpi_sums_clear(&verify->missing);
	arena_clear(&verify->arena, KEEP_BYTES);
	verify->n_suspects = 0;
	verify->n_tickets = verify->n_sums = verify->n_agents = 0;
	verify->n_differences = verify->n_broken = verify->n_lost = 0;
	json_array_clear(verify->differences);
}

/* ---- findings ---- */

static void note(struct verify *verify, json_t *difference)
{
	verify->n_differences++;
	if (verify->sync->cli->json || json_array_size(verify->differences) < MOST_SHOWN)
		json_array_append_new(verify->differences, difference);
	else
		json_decref(difference);
}

static void note_words(struct verify *verify, const char *table, struct text key, const char *stored,
                       const char *expected)
{
	note(verify, json_pack("{s:s, s:o, s:n, s:s, s:s}", "table", table, "key", json_of_text(key), "column",
	                       "stored", stored, "expected", expected));
}

static bool note_rows(void *context, const PGresult *rows)
{
	struct verify *verify = context;
	for (int row = 0; row < PQntuples(rows); row++)
		note(verify,
		     json_pack("{s:o, s:o, s:o, s:o, s:o}", "table", json_of_text(pg_get_text(rows, row, VERIFY_TABLE)),
		               "key", json_of_text(pg_get_text(rows, row, VERIFY_KEY)), "column",
		               json_of_text(pg_get_text(rows, row, VERIFY_COLUMN)), "stored",
		               json_of_text(pg_get_text(rows, row, VERIFY_STORED)), "expected",
		               json_of_text(pg_get_text(rows, row, VERIFY_EXPECTED))));
	return true;
}

/* ---- tickets ---- */

static void note_broken(struct verify *verify, struct text ticket_id, int result, int32_t revision_no)
{
	struct buf words = BUF_INIT;
	if (result == BATCH_UNKNOWN_REVISION)
		buf_add_format(&words, "judged by revision %d, which is not stored", (int)revision_no);
	else
		buf_add_str(&words, "a history that cannot be read");
	note_words(verify, "ticket", ticket_id, words.data, "the row of a backup");
	buf_release(&words);
	verify->n_broken++;
}

bool verify_expect(struct verify *verify, const PGresult *rows, bool for_write, struct kpi_sums *sums)
{
	const struct batch_sink sink = pg_effects_sink(&verify->effects);
	bool ok = true;
	pg_effects_start_rows(&verify->effects, verify->row_types, &verify->order);
	pg_array_start(&verify->ids, PG_OID_TEXT);
	for (int row = 0; row < PQntuples(rows); row++) {
		struct text ticket_id = pg_get_text(rows, row, VERIFY_READ_TICKET_ID);
		struct stored_ticket stored = pg_stored_ticket(rows, row);
		int32_t revision_no = 0;
		/* The time of writing cannot be recalculated: take it from the stored row. */
		verify->order.now_us = for_write ? wall_clock_us() : pg_get_time(rows, row, VERIFY_READ_REVISED_AT);
		stored.rev += for_write;
		arena_clear(&verify->scratch, KEEP_BYTES);
		int result = batch_recompute(ticket_id, &stored, &verify->rules, &verify->scratch, &verify->packed,
		                             &sink, sums, &revision_no);
		if (result != BATCH_OK) {
			note_broken(verify, ticket_id, result, revision_no);
			ok = false;
		} else {
			pg_array_text(&verify->ids, ticket_id);
		}
	}
	return ok;
}

static bool run_comparison(struct verify *verify, const char *file, const struct pg_param *params, int n_params,
                           verify_found_fn found, void *context)
{
	PGresult *rows = pg_sync_query(verify->sync, file, params, n_params);
	if (rows == NULL)
		return false;
	bool ok = PQntuples(rows) == 0 || found(context, rows);
	PQclear(rows);
	return ok;
}

bool verify_compare_piece(struct verify *verify, verify_found_fn found, void *context)
{
	const struct pg_param tickets = pg_array_param(&verify->effects.tickets), ids = pg_array_param(&verify->ids);
	const struct pg_param cycles[VERIFY_CYCLES_N_PARAMS] = {
	        [VERIFY_CYCLES_PARAM_ROWS] = pg_array_param(&verify->effects.cycles),
	        [VERIFY_CYCLES_PARAM_TICKET_IDS] = ids,
	};
	const struct pg_param clocks[VERIFY_CLOCKS_N_PARAMS] = {
	        [VERIFY_CLOCKS_PARAM_ROWS] = pg_array_param(&verify->effects.clocks),
	        [VERIFY_CLOCKS_PARAM_TICKET_IDS] = ids,
	        [VERIFY_CLOCKS_PARAM_IDLE_ROWS] = pg_array_param(&verify->effects.idle_clocks),
	};
	const struct pg_param alerts[VERIFY_ALERTS_N_PARAMS] = {
	        [VERIFY_ALERTS_PARAM_ROWS] = pg_array_param(&verify->effects.alerts),
	        [VERIFY_ALERTS_PARAM_TICKET_IDS] = ids,
	};
	return run_comparison(verify, "queries/verify_tickets.sql", &tickets, 1, found, context) &&
	       run_comparison(verify, "queries/verify_cycles.sql", cycles, VERIFY_CYCLES_N_PARAMS, found, context) &&
	       run_comparison(verify, "queries/verify_clocks.sql", clocks, VERIFY_CLOCKS_N_PARAMS, found, context) &&
	       run_comparison(verify, "queries/verify_alerts.sql", alerts, VERIFY_ALERTS_N_PARAMS, found, context);
}

/* ---- a piece of tickets ---- */

struct piece {
	struct verify *verify;
	const PGresult *tickets;
};

static int find_row(const PGresult *tickets, struct text ticket_id)
{
	for (int row = 0; row < PQntuples(tickets); row++)
		if (text_equal(pg_get_text(tickets, row, VERIFY_READ_TICKET_ID), ticket_id))
			return row;
	return -1;
}

/* Notes a ticket to repair. An alert may name a ticket that is not in this piece: then it is only reported. */
static void suspect(struct piece *piece, struct text ticket_id, bool opened_differs)
{
	struct verify *verify = piece->verify;
	int row = find_row(piece->tickets, ticket_id);
	if (row < 0)
		return;
	for (size_t i = verify->n_suspects; i > 0 && i + PIECE > verify->n_suspects; i--) {
		if (text_same(verify->suspects[i - 1].ticket_id, ticket_id)) {
			verify->suspects[i - 1].opened_differs |= opened_differs;
			return;
		}
	}
	verify->suspects = mem_grow(verify->suspects, &verify->suspects_capacity, verify->n_suspects + 1,
	                            sizeof(*verify->suspects));
	verify->suspects[verify->n_suspects++] =
	        (struct verify_suspect){arena_text(&verify->arena, ticket_id),
	                                pg_get_int4(piece->tickets, row, VERIFY_READ_REV), opened_differs};
}

static bool found_in_piece(void *context, const PGresult *rows)
{
	struct piece *piece = context;
	for (int row = 0; piece->verify->request->repair && row < PQntuples(rows); row++)
		suspect(piece, pg_get_text(rows, row, VERIFY_OWNER),
		        text_equal(pg_get_text(rows, row, VERIFY_COLUMN), TEXT("opened_at")));
	return note_rows(piece->verify, rows);
}

static bool compare_piece(struct verify *verify, const PGresult *tickets)
{
	struct piece piece = {verify, tickets};
	verify->n_tickets += PQntuples(tickets);
	verify_expect(verify, tickets, false, &verify->effects.sums);
	return verify_compare_piece(verify, found_in_piece, &piece);
}

static bool compare_all(struct verify *verify)
{
	struct buf last = BUF_INIT;
	int n_rows = 1;
	buf_add_str(&last, "");
	while (n_rows > 0) {
		const struct pg_param param = pg_param_text(buf_text(&last));
		PGresult *rows = pg_sync_query(verify->sync, "queries/verify_read.sql", &param, 1);
		n_rows = rows == NULL ? -1 : PQntuples(rows);
		if (n_rows > 0) {
			buf_clear(&last);
			buf_add_text(&last, pg_get_text(rows, n_rows - 1, VERIFY_READ_TICKET_ID));
			if (!compare_piece(verify, rows))
				n_rows = -1;
		}
		PQclear(rows);
	}
	buf_release(&last);
	return n_rows == 0;
}

static bool compare_ids(struct verify *verify, struct pg_array *ids)
{
	const struct pg_param param = pg_array_param(ids);
	PGresult *rows = pg_sync_query(verify->sync, "queries/verify_read_these.sql", &param, 1);
	bool ok = rows != NULL && compare_piece(verify, rows);
	PQclear(rows);
	return ok;
}

/* Compares the tickets of rows from to to - 1. */
static bool compare_range(struct verify *verify, const PGresult *chosen, int from, int to)
{
	struct pg_array ids = {.n = 0};
	pg_array_start(&ids, PG_OID_TEXT);
	for (int row = from; row < to; row++)
		pg_array_text(&ids, pg_get_text(chosen, row, VERIFY_CHOOSE_TICKET_ID));
	bool ok = compare_ids(verify, &ids);
	pg_array_release(&ids);
	return ok;
}

static bool compare_sample(struct verify *verify)
{
	char buffer[8];
	const struct pg_param param = pg_param_int8(verify->request->sample, buffer);
	PGresult *chosen = pg_sync_query(verify->sync, "queries/verify_choose.sql", &param, 1);
	if (chosen == NULL)
		return false;
	int n = PQntuples(chosen);
	bool ok = true;
	for (int from = 0; ok && from < n; from += PIECE)
		ok = compare_range(verify, chosen, from, from + PIECE < n ? from + PIECE : n);
	PQclear(chosen);
	return ok;
}

static bool compare_one(struct verify *verify)
{
	struct pg_array ids = {.n = 0};
	pg_array_start(&ids, PG_OID_TEXT);
	pg_array_text(&ids, text_of(verify->request->ticket_id));
	bool ok = compare_ids(verify, &ids);
	pg_array_release(&ids);
	return ok;
}

/* ---- sums ---- */

/* The value of an integer or a numeric(38, 0) in decimal digits. */
static kpi_sum number_of(struct text digits)
{
	bool negative = digits.len > 0 && digits.ptr[0] == '-';
	kpi_sum number = 0;
	for (uint32_t i = negative; i < digits.len && digits.ptr[i] >= '0' && digits.ptr[i] <= '9'; i++)
		number = number * 10 + (digits.ptr[i] - '0');
	return negative ? -number : number;
}

static kpi_sum missing_of(const PGresult *rows, int row)
{
	return number_of(pg_get_text(rows, row, VERIFY_EXPECTED)) - number_of(pg_get_text(rows, row, VERIFY_STORED));
}

static bool found_sum(void *context, const PGresult *rows)
{
	struct verify *verify = context;
	for (int row = 0; row < PQntuples(rows); row++) {
		enum kpi_measure measure = 0;
		while (measure < KPI_N_MEASURES &&
		       !text_equal(text_of(kpi_measure_name(measure)), pg_get_text(rows, row, VERIFY_COLUMN)))
			measure++;
		if (measure < KPI_N_MEASURES)
			kpi_sums_add_sum(&verify->missing, pg_get_text(rows, row, VERIFY_OWNER),
			                 pg_get_time(rows, row, VERIFY_AT), measure, missing_of(rows, row));
	}
	return note_rows(verify, rows);
}

static bool found_backlog(void *context, const PGresult *rows)
{
	struct verify *verify = context;
	for (int row = 0; row < PQntuples(rows); row++)
		kpi_sums_add_backlog(&verify->missing, pg_get_text(rows, row, VERIFY_OWNER),
		                     (int64_t)missing_of(rows, row));
	return note_rows(verify, rows);
}

static bool found_in_ledger(void *context, const PGresult *rows)
{
	((struct verify *)context)->ledger_differs = true;
	return note_rows(context, rows);
}

/* Compares the expected sums in pieces, each with the stored sums from the end of the previous piece to its own end. */
static bool compare_sums(struct verify *verify)
{
	char from_at[8], to_at[8];
	struct pg_array *rows = &verify->effects.rows;
	struct pg_param params[VERIFY_KPIS_N_PARAMS];
	size_t n;
	bool ok = true, last = false;
	struct kpi_row **sums = kpi_sums_sorted(&verify->effects.sums, &n);
	verify->n_sums = (int64_t)n;
	params[VERIFY_KPIS_PARAM_AFTER_TIME] = pg_param_time(INT64_MIN, from_at);
	params[VERIFY_KPIS_PARAM_AFTER_AGENT_ID] = pg_param_text(TEXT(""));
	for (size_t from = 0; ok && !last; from += PIECE_OF_SUMS) {
		size_t to = from + PIECE_OF_SUMS;
		last = to >= n;
		to = last ? n : to;
		pg_array_start(rows, verify->row_types[PG_ROW_AGENT_KPI]);
		for (size_t i = from; i < to; i++)
			if (!pg_effects_put_kpi(rows, sums[i]))
				note_words(verify, "agent_kpi_5m", sums[i]->agent_id, "at most 2147483647",
				           "a count beyond that");
		params[VERIFY_KPIS_PARAM_ROWS] = pg_array_param(rows);
		params[VERIFY_KPIS_PARAM_TO_TIME] = pg_param_time(last ? INT64_MAX : sums[to - 1]->bucket_us, to_at);
		params[VERIFY_KPIS_PARAM_TO_AGENT_ID] = pg_param_text(last ? TEXT("") : sums[to - 1]->agent_id);
		ok = run_comparison(verify, "queries/verify_kpis.sql", params, VERIFY_KPIS_N_PARAMS, found_sum, verify);
		memcpy(from_at, to_at, sizeof(from_at));
		params[VERIFY_KPIS_PARAM_AFTER_AGENT_ID] = params[VERIFY_KPIS_PARAM_TO_AGENT_ID];
	}
	return ok;
}

static bool compare_backlog(struct verify *verify)
{
	struct pg_array *rows = &verify->effects.rows;
	size_t n;
	struct batch_agent **agents = kpi_sums_backlog(&verify->effects.sums, &n);
	verify->n_agents = (int64_t)n;
	pg_array_start(rows, verify->row_types[PG_ROW_AGENT_BACKLOG]);
	for (size_t i = 0; i < n; i++)
		pg_effects_put_backlog(rows, agents[i]);
	const struct pg_param param = pg_array_param(rows);
	return run_comparison(verify, "queries/verify_backlog.sql", &param, 1, found_backlog, verify);
}

/* L2, and the sums that are kept with the ledger */
static bool compare_ledger(struct verify *verify)
{
	return run_comparison(verify, "queries/verify_ledger.sql", NULL, 0, found_in_ledger, verify) &&
	       run_comparison(verify, "queries/verify_groups.sql", NULL, 0, found_in_ledger, verify) &&
	       run_comparison(verify, "queries/verify_months.sql", NULL, 0, found_in_ledger, verify);
}

static bool find_lost(struct verify *verify)
{
	PGresult *rows = pg_sync_query(verify->sync, "queries/verify_lost.sql", NULL, 0);
	if (rows == NULL)
		return false;
	verify->n_lost = PQntuples(rows);
	for (int row = 0; row < PQntuples(rows); row++)
		note_words(verify, "ticket", pg_get_text(rows, row, VERIFY_LOST_TICKET_ID),
		           "no row, but cycles, clocks or alerts", "the row of a backup");
	PQclear(rows);
	return true;
}

/* ---- everything ---- */

static bool read_row_types(struct verify *verify)
{
	PGresult *rows = pg_sync_query(verify->sync, "queries/session_setup.sql", NULL, 0);
	bool ok = rows != NULL && pg_row_types_get(rows, verify->row_types);
	PQclear(rows);
	return ok;
}

static int read_rules(struct verify *verify)
{
	PGresult *settings = pg_sync_query(verify->sync, "queries/verify_settings.sql", NULL, 0);
	if (settings == NULL)
		return pg_sync_failed(verify->sync);
	struct text version = pg_get_text(settings, 0, VERIFY_SETTINGS_RULES_VERSION);
	bool same = text_is_absent(version) || text_equal(version, TEXT(TICKET_RULES_VERSION));
	if (!same)
		pg_sync_print_error(verify->sync,
		                    "the figures were calculated by version %.*s of the rules, but this program "
		                    "has version " TICKET_RULES_VERSION,
		                    (int)version.len, version.ptr);
	verify->rules = (struct batch_rules){
	        .fold = {NULL,
	                 pg_get_int8_or(settings, 0, VERIFY_SETTINGS_FCR_WINDOW_US, verify->config->kpi.fcr_window_us)},
	        .as_of_us = TIME_NONE,
	        .revision_by_no = policy_registry_by_no,
	        .context = &verify->registry,
	};
	verify->n_set_aside = pg_get_int8(settings, 0, VERIFY_SETTINGS_N_PARKED);
	verify->n_waiting = pg_get_int8(settings, 0, VERIFY_SETTINGS_N_PARKED_EVENTS);
	PQclear(settings);
	PGresult *stored = same ? pg_sync_load_policies(verify->sync) : NULL;
	if (same && stored == NULL)
		return pg_sync_failed(verify->sync);
	bool known = same && policy_registry_update(&verify->registry, NULL, stored);
	verify->rules.fold.policies = verify->registry.snapshot->current;
	PQclear(stored);
	return known ? CLI_OK : CLI_FAILED; /* already reported */
}

static bool compare_requested(struct verify *verify)
{
	const struct verify_request *request = verify->request;
	if (request->ticket_id != NULL)
		return compare_one(verify);
	if (request->sample > 0)
		return compare_sample(verify);
	if (!compare_all(verify) || !find_lost(verify))
		return false;
	/* The sums depend on all histories. */
	return verify->n_broken > 0 || verify->n_lost > 0 ||
	       (compare_sums(verify) && compare_backlog(verify) && compare_ledger(verify));
}

int verify_compare(struct verify *verify)
{
	if (!read_row_types(verify) || !pg_sync_begin_snapshot(verify->sync))
		return pg_sync_failed(verify->sync);
	int status = read_rules(verify);
	if (status == CLI_OK && !compare_requested(verify))
		status = pg_sync_failed(verify->sync);
	pg_sync_end(verify->sync);
	return status;
}
