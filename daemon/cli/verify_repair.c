/* kpid verify --repair: repairs the differences in one transaction. It takes locks in the same order as the daemons:
 * tickets by id, then sums by (time, agent), then backlogs by agent. Each ticket is compared again under its lock. Sums
 * are not, because that would stop every daemon; but the difference of a sum does not depend on what daemons add
 * meanwhile, so the repair adds the difference. */
#include <string.h>

#include "cli/verify.h"

enum { PIECE = 500 };

/* A repair cannot renew its lease, and may take long. The lease ends with the session anyway. */
#define LEASE_US (INT64_C(24) * 3600 * 1000000)

/* The repair of one piece: what to record, and the alerts to put or to void. */
struct repair {
	struct verify *verify;
	struct pg_array record[REPAIR_RECORD_N_PARAMS]; /* from REPAIR_RECORD_PARAM_TABLES on */
	struct pg_array put, voided;
};

int verify_repair_lock(struct verify *verify)
{
	char none[8], duration[8];
	const struct pg_param params[LEASE_TAKE_N_PARAMS] = {
	        [LEASE_TAKE_PARAM_NAME] = pg_param_c_string("repair"),
	        [LEASE_TAKE_PARAM_HOLDER] = pg_param_c_string(verify->request->who),
	        [LEASE_TAKE_PARAM_EPOCH] = pg_param_int8(0, none),
	        [LEASE_TAKE_PARAM_DURATION_US] = pg_param_int8(LEASE_US, duration),
	};
	PGresult *taken = pg_sync_query(verify->sync, "queries/lease_take.sql", params, LEASE_TAKE_N_PARAMS);
	if (taken == NULL)
		return pg_sync_failed(verify->sync);
	verify->repair_epoch = PQntuples(taken) == 0 ? 0 : pg_get_int8(taken, 0, LEASE_TAKE_EPOCH);
	PQclear(taken);
	if (verify->repair_epoch != 0)
		return CLI_OK;
	PGresult *holder = pg_sync_query(verify->sync, "queries/lease_holder.sql", params, 1);
	if (holder == NULL || PQntuples(holder) == 0) {
		PQclear(holder);
		return pg_sync_failed(verify->sync);
	}
	struct text who = pg_get_text(holder, 0, LEASE_HOLDER_HOLDER);
	pg_sync_print_error(verify->sync, "another repair is running, by %.*s (server process %d)", (int)who.len,
	                    who.ptr, (int)pg_get_int4(holder, 0, LEASE_HOLDER_PID));
	PQclear(holder);
	return CLI_FAILED;
}

static bool run(struct verify *verify, const char *file, const struct pg_param *params, int n_params)
{
	PGresult *result = pg_sync_query(verify->sync, file, params, n_params);
	PQclear(result);
	return result != NULL;
}

/* The fence: fails if another session took the lease meanwhile. */
static bool hold_lease(struct verify *verify)
{
	char epoch[8];
	const struct pg_param params[LEASE_HOLD_N_PARAMS] = {
	        [LEASE_HOLD_PARAM_NAME] = pg_param_c_string("repair"),
	        [LEASE_HOLD_PARAM_EPOCH] = pg_param_int8(verify->repair_epoch, epoch),
	};
	return run(verify, "queries/lease_hold.sql", params, LEASE_HOLD_N_PARAMS);
}

/* ---- tickets ---- */

static bool found(void *context, const PGresult *rows)
{
	static const struct {
		enum repair_record_param param;
		enum verify_column column;
	} columns[] = {{REPAIR_RECORD_PARAM_TABLES, VERIFY_TABLE},
	               {REPAIR_RECORD_PARAM_KEYS, VERIFY_KEY},
	               {REPAIR_RECORD_PARAM_COLUMNS, VERIFY_COLUMN},
	               {REPAIR_RECORD_PARAM_WAS, VERIFY_STORED},
	               {REPAIR_RECORD_PARAM_IS_NOW, VERIFY_EXPECTED}};
	struct repair *repair = context;
	for (int row = 0; row < PQntuples(rows); row++) {
		struct text alert = pg_get_text(rows, row, VERIFY_ALERT);
		for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
			pg_array_text(&repair->record[columns[i].param],
			              pg_get_text(rows, row, (int)columns[i].column));
		if (alert.len > 5 && memcmp(alert.ptr, "void ", 5) == 0)
			pg_array_text(&repair->voided, (struct text){alert.ptr + 5, alert.len - 5});
		else if (alert.len > 4)
			pg_array_text(&repair->put, (struct text){alert.ptr + 4, alert.len - 4});
	}
	return true;
}

static bool write_record(struct repair *repair)
{
	const struct verify_request *request = repair->verify->request;
	struct pg_param params[REPAIR_RECORD_N_PARAMS] = {
	        [REPAIR_RECORD_PARAM_BY] = pg_param_text(text_of(request->who)),
	        [REPAIR_RECORD_PARAM_WHY] = pg_param_text(text_of(request->why)),
	};
	for (int i = REPAIR_RECORD_PARAM_TABLES; i < REPAIR_RECORD_N_PARAMS; i++)
		params[i] = pg_array_param(&repair->record[i]);
	return run(repair->verify, "queries/repair_record.sql", params, REPAIR_RECORD_N_PARAMS);
}

/* Writes alerts as a batch does: each change raises the alert's revision and is sent to its receivers. */
static bool write_alerts(struct repair *repair)
{
	struct verify *verify = repair->verify;
	const struct pg_param params[REPAIR_ALERTS_N_PARAMS] = {
	        [REPAIR_ALERTS_PARAM_ROWS] = pg_array_param(&verify->effects.alerts),
	        [REPAIR_ALERTS_PARAM_ALERT_IDS] = pg_array_param(&repair->put),
	};
	if (repair->put.n > 0) {
		PGresult *chosen =
		        pg_sync_query(verify->sync, "queries/repair_alerts.sql", params, REPAIR_ALERTS_N_PARAMS);
		struct pg_param alerts = {NULL, 0, true};
		if (chosen == NULL)
			return false;
		alerts.value = PQgetvalue(chosen, 0, REPAIR_ALERTS_ALERTS);
		alerts.len_bytes = PQgetlength(chosen, 0, REPAIR_ALERTS_ALERTS);
		bool ok = PQgetisnull(chosen, 0, REPAIR_ALERTS_ALERTS) ||
		          run(verify, "queries/alert_put.sql", &alerts, 1);
		PQclear(chosen);
		if (!ok)
			return false;
	}
	struct pg_param voided = pg_array_param(&repair->voided);
	return repair->voided.n == 0 || run(verify, "queries/alert_void.sql", &voided, 1);
}

static bool write_rows(struct repair *repair)
{
	struct verify *verify = repair->verify;
	struct pg_param tickets = pg_array_param(&verify->effects.tickets), ids = pg_array_param(&verify->ids);
	struct pg_param cycles = pg_array_param(&verify->effects.cycles);
	struct pg_param clocks = pg_array_param(&verify->effects.clocks);
	struct pg_param idle_clocks = pg_array_param(&verify->effects.idle_clocks);
	const struct pg_param cycles_gone[REPAIR_CYCLES_GONE_N_PARAMS] = {
	        [REPAIR_CYCLES_GONE_PARAM_ROWS] = cycles,
	        [REPAIR_CYCLES_GONE_PARAM_TICKET_IDS] = ids,
	};
	const struct pg_param any = pg_param_c_string(NULL);
	return run(verify, "queries/ticket_write.sql", &tickets, 1) &&
	       run(verify, "queries/repair_cycles_gone.sql", cycles_gone, REPAIR_CYCLES_GONE_N_PARAMS) &&
	       run(verify, "queries/cycle_put.sql", &cycles, 1) &&
	       run(verify, "queries/repair_clocks_gone.sql", &ids, 1) &&
	       run(verify, "queries/clock_put.sql", &clocks, 1) &&
	       run(verify, "queries/clock_put_idle.sql", &idle_clocks, 1) &&
	       run(verify, "queries/deadline_wake.sql", &any, DEADLINE_WAKE_N_PARAMS) && write_alerts(repair);
}

static bool repair_piece(struct repair *repair, const PGresult *tickets)
{
	struct verify *verify = repair->verify;
	struct kpi_sums unused;
	kpi_sums_init(&unused);
	for (int i = REPAIR_RECORD_PARAM_TABLES; i < REPAIR_RECORD_N_PARAMS; i++)
		pg_array_start(&repair->record[i], PG_OID_TEXT);
	pg_array_start(&repair->put, PG_OID_TEXT);
	pg_array_start(&repair->voided, PG_OID_TEXT);
	bool ok = verify_expect(verify, tickets, false, &unused) && verify_compare_piece(verify, found, repair);
	if (ok && repair->record[REPAIR_RECORD_PARAM_TABLES].n > 0)
		ok = verify_expect(verify, tickets, true, &unused) && write_rows(repair) && write_record(repair);
	kpi_sums_release(&unused);
	return ok;
}

/* Whether a daemon wrote a ticket whose stored opened_at was wrong. It then subtracted values that were never added, so
 * the differences of the sums have changed. */
static bool has_moved(const struct verify *verify, const PGresult *tickets, size_t from)
{
	for (int row = 0; row < PQntuples(tickets); row++)
		for (size_t i = from; i < verify->n_suspects && i < from + PIECE; i++)
			if (text_equal(verify->suspects[i].ticket_id,
			               pg_get_text(tickets, row, VERIFY_READ_TICKET_ID)) &&
			    verify->suspects[i].opened_differs &&
			    verify->suspects[i].rev != pg_get_int4(tickets, row, VERIFY_READ_REV))
				return true;
	return false;
}

static bool repair_tickets(struct verify *verify, bool *again_out)
{
	struct repair repair = {.verify = verify};
	struct pg_array ids = {.n = 0};
	bool ok = true;
	for (size_t from = 0; ok && !*again_out && from < verify->n_suspects; from += PIECE) {
		pg_array_start(&ids, PG_OID_TEXT);
		for (size_t i = from; i < verify->n_suspects && i < from + PIECE; i++)
			pg_array_text(&ids, verify->suspects[i].ticket_id);
		const struct pg_param param = pg_array_param(&ids);
		PGresult *rows = pg_sync_query(verify->sync, "queries/verify_read_locked.sql", &param, 1);
		ok = rows != NULL;
		*again_out = ok && has_moved(verify, rows, from);
		if (ok && !*again_out)
			ok = repair_piece(&repair, rows);
		PQclear(rows);
	}
	pg_arrays_release(repair.record, REPAIR_RECORD_N_PARAMS);
	pg_array_release(&repair.put);
	pg_array_release(&repair.voided);
	pg_array_release(&ids);
	return ok;
}

/* ---- sums ---- */

static bool repair_sums(struct verify *verify)
{
	const struct verify_request *request = verify->request;
	struct pg_array *to = &verify->effects.rows;
	size_t n;
	struct kpi_row **rows = kpi_sums_sorted(&verify->missing, &n);
	for (size_t from = 0; from < n; from += PIECE) {
		pg_array_start(to, verify->row_types[PG_ROW_AGENT_KPI]);
		for (size_t i = from; i < n && i < from + PIECE; i++) {
			if (!pg_effects_put_kpi(to, rows[i])) {
				buf_clear(&verify->sync->error);
				buf_add_str(&verify->sync->error, "a count exceeds the range of its column");
				return false;
			}
		}
		const struct pg_param params[REPAIR_RECORD_KPIS_N_PARAMS] = {
		        [REPAIR_RECORD_KPIS_PARAM_BY] = pg_param_text(text_of(request->who)),
		        [REPAIR_RECORD_KPIS_PARAM_WHY] = pg_param_text(text_of(request->why)),
		        [REPAIR_RECORD_KPIS_PARAM_ROWS] = pg_array_param(to),
		};
		if (!run(verify, "queries/repair_lock_kpis.sql", &params[REPAIR_RECORD_KPIS_PARAM_ROWS], 1) ||
		    !run(verify, "queries/repair_record_kpis.sql", params, REPAIR_RECORD_KPIS_N_PARAMS) ||
		    !run(verify, "queries/kpi_add.sql", &params[REPAIR_RECORD_KPIS_PARAM_ROWS], 1))
			return false;
	}
	return true;
}

static bool repair_backlog(struct verify *verify)
{
	const struct verify_request *request = verify->request;
	struct pg_array *to = &verify->effects.rows;
	size_t n;
	struct batch_agent **agents = kpi_sums_backlog(&verify->missing, &n);
	if (n == 0)
		return true;
	pg_array_start(to, verify->row_types[PG_ROW_AGENT_BACKLOG]);
	for (size_t i = 0; i < n; i++)
		pg_effects_put_backlog(to, agents[i]);
	const struct pg_param params[REPAIR_RECORD_BACKLOG_N_PARAMS] = {
	        [REPAIR_RECORD_BACKLOG_PARAM_BY] = pg_param_text(text_of(request->who)),
	        [REPAIR_RECORD_BACKLOG_PARAM_WHY] = pg_param_text(text_of(request->why)),
	        [REPAIR_RECORD_BACKLOG_PARAM_ROWS] = pg_array_param(to),
	};
	return run(verify, "queries/repair_record_backlog.sql", params, REPAIR_RECORD_BACKLOG_N_PARAMS) &&
	       run(verify, "queries/backlog_add.sql", &params[REPAIR_RECORD_BACKLOG_PARAM_ROWS], 1);
}

int verify_repair(struct verify *verify, bool *again_out)
{
	*again_out = false;
	bool ok = pg_sync_command(verify->sync, "BEGIN") && hold_lease(verify) && repair_tickets(verify, again_out);
	if (ok && !*again_out)
		ok = repair_sums(verify) && repair_backlog(verify) && pg_sync_command(verify->sync, "COMMIT");
	if (ok && !*again_out)
		return CLI_OK;
	int status = ok ? CLI_OK : pg_sync_failed(verify->sync);
	pg_sync_end(verify->sync);
	return status;
}
