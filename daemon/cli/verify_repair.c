/* kpid verify --repair: what differs, in one transaction and in the order of locks that all keep: tickets by id, then
 * sums by (time, agent), then backlog by agent. A ticket is looked at again under its lock. A sum cannot be, without
 * stopping every daemon; but what it lacks stays the same whatever they add to it meanwhile, so that is what is added.
 */
#include <string.h>

#include "cli/verify.h"

enum { PIECE = 500 };

/* A repair takes its time and cannot renew its lease meanwhile; the lease ends with its session. */
#define LEASE_US (INT64_C(24) * 3600 * 1000000)

/* Of one piece: what is to be recorded, and which alerts are to be put or voided. */
struct mending {
	struct verify *verify;
	struct pg_array record[5]; /* table, key, column, was, is now */
	struct pg_array put, voided;
};

int verify_repair_lock(struct verify *verify)
{
	char none[8], duration[8];
	const struct pg_param params[] = {pg_param_c_string("repair"), pg_param_c_string(verify->request->who),
	                                  pg_param_int8(0, none), pg_param_int8(LEASE_US, duration)};
	PGresult *taken = pg_sync_query(verify->sync, "queries/lease_take.sql", params, 4);
	if (taken == NULL)
		return pg_sync_failed(verify->sync);
	verify->repair_epoch = PQntuples(taken) == 0 ? 0 : pg_get_int8(taken, 0, 0);
	PQclear(taken);
	if (verify->repair_epoch != 0)
		return CLI_OK;
	PGresult *holder = pg_sync_query(verify->sync, "queries/lease_holder.sql", params, 1);
	if (holder == NULL || PQntuples(holder) == 0) {
		PQclear(holder);
		return pg_sync_failed(verify->sync);
	}
	struct text who = pg_get_text(holder, 0, 0);
	pg_sync_say(verify->sync, "another repair is under way, by %.*s (process %d of the server)", (int)who.len,
	            who.ptr, (int)pg_get_int4(holder, 0, 1));
	PQclear(holder);
	return CLI_FAILED;
}

static bool run(struct verify *verify, const char *file, const struct pg_param *params, int n_params)
{
	PGresult *result = pg_sync_query(verify->sync, file, params, n_params);
	PQclear(result);
	return result != NULL;
}

/* The fence: fails if somebody else repairs by now. */
static bool hold_lease(struct verify *verify)
{
	char epoch[8];
	const struct pg_param params[] = {pg_param_c_string("repair"), pg_param_int8(verify->repair_epoch, epoch)};
	return run(verify, "queries/lease_hold.sql", params, 2);
}

/* ---- tickets ---- */

static bool found(void *context, const PGresult *rows)
{
	struct mending *mending = context;
	for (int row = 0; row < PQntuples(rows); row++) {
		struct text alert = pg_get_text(rows, row, VERIFY_ALERT);
		for (int i = 0; i < 5; i++)
			pg_array_text(&mending->record[i], pg_get_text(rows, row, VERIFY_TABLE + i));
		if (alert.len > 5 && memcmp(alert.ptr, "void ", 5) == 0)
			pg_array_text(&mending->voided, (struct text){alert.ptr + 5, alert.len - 5});
		else if (alert.len > 4)
			pg_array_text(&mending->put, (struct text){alert.ptr + 4, alert.len - 4});
	}
	return true;
}

static bool write_record(struct mending *mending)
{
	const struct verify_request *request = mending->verify->request;
	struct pg_param params[7] = {pg_param_text(text_of(request->who)), pg_param_text(text_of(request->why))};
	for (int i = 0; i < 5; i++)
		params[2 + i] = pg_array_param(&mending->record[i]);
	return run(mending->verify, "queries/repair_record.sql", params, 7);
}

/* As a batch writes them: each change raises the alert's revision and goes to who is to be told. */
static bool write_alerts(struct mending *mending)
{
	struct verify *verify = mending->verify;
	struct pg_param params[2] = {pg_array_param(&verify->effects.alerts), pg_array_param(&mending->put)};
	if (mending->put.n > 0) {
		PGresult *chosen = pg_sync_query(verify->sync, "queries/repair_alerts.sql", params, 2);
		struct pg_param alerts = {NULL, 0, true};
		if (chosen == NULL)
			return false;
		alerts.value = PQgetvalue(chosen, 0, 0);
		alerts.len_bytes = PQgetlength(chosen, 0, 0);
		bool ok = PQgetisnull(chosen, 0, 0) || run(verify, "queries/alert_put.sql", &alerts, 1);
		PQclear(chosen);
		if (!ok)
			return false;
	}
	params[0] = pg_array_param(&mending->voided);
	return mending->voided.n == 0 || run(verify, "queries/alert_void.sql", params, 1);
}

static bool write_rows(struct mending *mending)
{
	struct verify *verify = mending->verify;
	struct pg_param params[2] = {pg_array_param(&verify->effects.tickets), pg_array_param(&verify->ids)};
	if (!run(verify, "queries/ticket_write.sql", params, 1))
		return false;
	params[0] = pg_array_param(&verify->effects.cycles);
	if (!run(verify, "queries/repair_cycles_gone.sql", params, 2) ||
	    !run(verify, "queries/cycle_put.sql", params, 1))
		return false;
	struct pg_param clocks = pg_array_param(&verify->effects.clocks);
	struct pg_param idle_clocks = pg_array_param(&verify->effects.idle_clocks);
	return run(verify, "queries/repair_clocks_gone.sql", &params[1], 1) &&
	       run(verify, "queries/clock_put.sql", &clocks, 1) &&
	       run(verify, "queries/clock_put_idle.sql", &idle_clocks, 1) && write_alerts(mending);
}

static bool mend_piece(struct mending *mending, const PGresult *tickets)
{
	struct verify *verify = mending->verify;
	struct kpi_sums unused;
	kpi_sums_init(&unused);
	for (int i = 0; i < 5; i++)
		pg_array_start(&mending->record[i], PG_OID_TEXT);
	pg_array_start(&mending->put, PG_OID_TEXT);
	pg_array_start(&mending->voided, PG_OID_TEXT);
	bool ok = verify_expect(verify, tickets, false, &unused) && verify_compare_piece(verify, found, mending);
	if (ok && mending->record[0].n > 0)
		ok = verify_expect(verify, tickets, true, &unused) && write_rows(mending) && write_record(mending);
	kpi_sums_release(&unused);
	return ok;
}

/* A daemon that wrote a ticket whose opening its row had wrong took off what it never gave: the sums lack something
 * else now. */
static bool has_moved(const struct verify *verify, const PGresult *tickets, size_t from)
{
	for (int row = 0; row < PQntuples(tickets); row++)
		for (size_t i = from; i < verify->n_suspects && i < from + PIECE; i++)
			if (text_equal(verify->suspects[i].ticket_id, pg_get_text(tickets, row, 0)) &&
			    verify->suspects[i].opened_differs &&
			    verify->suspects[i].rev != pg_get_int4(tickets, row, 1))
				return true;
	return false;
}

static bool mend_tickets(struct verify *verify, bool *again_out)
{
	struct mending mending = {.verify = verify};
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
			ok = mend_piece(&mending, rows);
		PQclear(rows);
	}
	for (int i = 0; i < 5; i++)
		pg_array_release(&mending.record[i]);
	pg_array_release(&mending.put);
	pg_array_release(&mending.voided);
	pg_array_release(&ids);
	return ok;
}

/* ---- sums ---- */

static bool mend_sums(struct verify *verify)
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
				buf_add_str(&verify->sync->error, "a count is beyond what its column holds");
				return false;
			}
		}
		const struct pg_param params[] = {pg_param_text(text_of(request->who)),
		                                  pg_param_text(text_of(request->why)), pg_array_param(to)};
		if (!run(verify, "queries/repair_lock_kpis.sql", &params[2], 1) ||
		    !run(verify, "queries/repair_record_kpis.sql", params, 3) ||
		    !run(verify, "queries/kpi_add.sql", &params[2], 1))
			return false;
	}
	return true;
}

static bool mend_backlog(struct verify *verify)
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
	const struct pg_param params[] = {pg_param_text(text_of(request->who)), pg_param_text(text_of(request->why)),
	                                  pg_array_param(to)};
	return run(verify, "queries/repair_record_backlog.sql", params, 3) &&
	       run(verify, "queries/backlog_add.sql", &params[2], 1);
}

int verify_repair(struct verify *verify, bool *again_out)
{
	*again_out = false;
	bool ok = pg_sync_command(verify->sync, "BEGIN") && hold_lease(verify) && mend_tickets(verify, again_out);
	if (ok && !*again_out)
		ok = mend_sums(verify) && mend_backlog(verify) && pg_sync_command(verify->sync, "COMMIT");
	if (ok && !*again_out)
		return CLI_OK;
	int status = ok ? CLI_OK : pg_sync_failed(verify->sync);
	pg_sync_end(verify->sync);
	return status;
}
