#include "app/ledger_refresh.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapters/pg/effects.h"
#include "adapters/pg/lease.h"
#include "adapters/pg/ledger_rows.h"
#include "adapters/timer.h"
#include "app/judging.h"
#include "app/ledger_forget.h"
#include "app/ledger_settings.h"
#include "kpid/base/backoff.h"
#include "kpid/base/clock.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

enum {
	BACKLOG_LOOK_US = 1000000,
	MAX_PAGE = 500,        /* tickets in a transaction */
	PAGES_PER_SCAN = 2048, /* of PostgreSQL: 16 MiB */
	MERGE_AFTER = 10000,   /* tickets: a preview reads what was noted of them row by row */
	KEEP_BYTES = 1 << 20,
	RETRY_FIRST_US = 200000
};

struct ledger_refresh {
	struct lane_shared *shared;
	struct pg_session *session;
	struct lease lease;
	struct event *timer;
	struct ledger_once once; /* done NULL: none */
	bool busy;               /* a refresh is under way */
	bool rebuilds;           /* once.all, until the new generation has begun */
	int64_t ended_us;        /* monotonic: when the last one ended; 0: none has, or it failed */
	int64_t wanted_us;       /* monotonic: since when one is due if ended_us is 0 */
	struct ledger_forget forget;
	struct backoff backoff;

	/* of this refresh */
	struct ledger_settings settings;
	int32_t generation;
	int64_t scan_from, scan_to, began_us, as_of_us; /* scan_from -1: all tickets */
	int64_t n_blocks, block;
	size_t n_unmerged; /* tickets whose change is noted, but not in the sums per month */
	struct arena ids_arena;
	struct text *ids; /* found by the latest scan */
	size_t n_ids, ids_capacity, n_ids_done;
	struct ledger_report report;

	/* of the page being written: ids[n_ids_done] .. */
	size_t n_page, most_page;
	int row; /* of the result that is being folded */
	bool has_page, is_raced, is_stale, misses_revision;
	struct judging judging;
	struct batch_rules rules;
	struct arena scratch;
	struct pg_ledger_rows rows;
};

static void scan(struct ledger_refresh *refresh);
static void next_page(struct ledger_refresh *refresh);

/* ---- the timer ---- */

static bool is_alone(const struct ledger_refresh *refresh)
{
	return refresh->once.done != NULL;
}

static bool is_off(const struct ledger_refresh *refresh)
{
	return !is_alone(refresh) && refresh->shared->config->appraisal.refresh_us == 0;
}

/* Microseconds until the next refresh begins, if this process may do it; 0 or less: at once. */
static int64_t due_wait_us(const struct ledger_refresh *refresh)
{
	int64_t now_us = monotonic_clock_us(), due_us = refresh->wanted_us;
	if (!is_alone(refresh) && refresh->ended_us != 0)
		due_us = refresh->ended_us + refresh->shared->config->appraisal.refresh_us;
	if (due_us < refresh->backoff.until_us)
		due_us = refresh->backoff.until_us;
	if (due_us <= now_us && !is_alone(refresh) && backlog_delays_ledger(&refresh->shared->backlog, now_us, due_us))
		return BACKLOG_LOOK_US;
	return due_us - now_us;
}

/* Call after each change of what it reads. */
static void plan(struct ledger_refresh *refresh)
{
	if (refresh->busy || is_off(refresh) || !pg_session_is_ready(refresh->session)) {
		evtimer_del(refresh->timer);
		return;
	}
	int64_t wait_us = is_alone(refresh) ? INT64_MAX : lease_wait_us(&refresh->lease, false);
	if ((is_alone(refresh) || lease_is_held(&refresh->lease)) && due_wait_us(refresh) < wait_us)
		wait_us = due_wait_us(refresh);
	timer_start(refresh->timer, wait_us);
}

/* ---- the end of a refresh ---- */

static void stop(struct ledger_refresh *refresh)
{
	refresh->busy = false;
	judging_drop(&refresh->judging);
	backoff_add_failure(&refresh->backoff, monotonic_clock_us(), refresh->report.n_skipped > 0);
}

/* It begins again soon, where this one has come to. */
static void end_early(struct ledger_refresh *refresh)
{
	stop(refresh);
	plan(refresh);
}

static void end(struct ledger_refresh *refresh, bool failed)
{
	stop(refresh);
	if (!failed)
		backoff_reset(&refresh->backoff);
	refresh->ended_us = failed ? 0 : monotonic_clock_us();
	refresh->wanted_us = monotonic_clock_us();
	plan(refresh);
	refresh->report.failed = failed;
	if (refresh->report.n_tickets > 0)
		log_debug("the ledger has the rows of %" PRId64 " more tickets", refresh->report.n_tickets);
	if (is_alone(refresh))
		refresh->once.done(refresh->once.context, &refresh->report);
	refresh->report.n_tickets = 0;
}

/* True if the server refused a statement of this pipeline, which was logged. */
static bool is_refused(const struct ledger_refresh *refresh)
{
	return pg_session_refusal(refresh->session)[0] != '\0';
}

static void on_forgotten(void *context, PGresult *result)
{
	(void)result;
	end(context, false); /* a refusal is only logged */
}

static void on_finished(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	bool failed = is_refused(refresh) || refresh->report.n_skipped > 0;
	(void)result;
	refresh->forget.keep_months = refresh->shared->config->appraisal.keep; /* a reload may have changed it */
	if (failed || is_alone(refresh) || !ledger_forget_is_due(&refresh->forget)) {
		end(refresh, failed);
		return;
	}
	ledger_forget_send(&refresh->forget, refresh->session);
	pg_session_sync(refresh->session, on_forgotten, refresh);
}

/* If tickets were skipped, the next refresh looks for them again. */
static void finish(struct ledger_refresh *refresh)
{
	char generation[4], scan_to[8], began[8], as_of[8];
	const struct pg_param params[LEDGER_END_N_PARAMS] = {
	        [LEDGER_END_PARAM_GENERATION] = pg_param_int4(refresh->generation, generation),
	        [LEDGER_END_PARAM_SCAN_TO] = pg_param_int8(refresh->scan_to, scan_to),
	        [LEDGER_END_PARAM_BEGAN_AT] = pg_param_time(refresh->began_us, began),
	        [LEDGER_END_PARAM_AS_OF] = refresh->as_of_us == TIME_NONE ? (struct pg_param){.value = NULL}
	                                                                  : pg_param_time(refresh->as_of_us, as_of),
	};
	const struct pg_param any_generation = {.value = NULL};
	pg_session_query(refresh->session, "queries/ledger_lock.sql", &any_generation, 1, NULL, NULL);
	pg_ledger_months_merge(refresh->session);
	refresh->n_unmerged = 0;
	pg_session_query(refresh->session, "queries/ledger_prune.sql", NULL, 0, NULL, NULL);
	pg_session_query(refresh->session, "queries/ledger_prune_zeros.sql", NULL, 0, NULL, NULL);
	if (refresh->report.n_skipped == 0)
		pg_session_query(refresh->session, "queries/ledger_end.sql", params, LEDGER_END_N_PARAMS, NULL, NULL);
	pg_session_sync(refresh->session, on_finished, refresh);
}

/* ---- writing a page ---- */

static void page_done(struct ledger_refresh *refresh)
{
	refresh->n_ids_done += refresh->n_page;
	judging_drop(&refresh->judging);
	next_page(refresh);
}

/* A page that PostgreSQL refuses is tried again in halves, until the ticket that causes it is alone. */
static void page_refused(struct ledger_refresh *refresh)
{
	if (sql_error_of(pg_session_refusal(refresh->session)) != SQL_DATA) {
		end(refresh, true);
		return;
	}
	if (refresh->n_page > 1) {
		refresh->most_page = refresh->n_page / 2;
	} else {
		struct text id = refresh->ids[refresh->n_ids_done];
		log_error("the ledger cannot contain the ticket %.*s: PostgreSQL refuses its rows", (int)id.len,
		          id.ptr);
		refresh->report.n_skipped++;
		refresh->n_ids_done++;
	}
	judging_drop(&refresh->judging);
	next_page(refresh);
}

static void on_rolled_back(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	(void)result;
	if (refresh->is_stale)
		end_early(refresh);
	else
		page_done(refresh); /* another session has written a later rev: the next refresh looks again */
}

static void on_rolled_back_refused(void *context, PGresult *result)
{
	(void)result;
	page_refused(context);
}

static void roll_back(struct ledger_refresh *refresh, pg_result_fn fn)
{
	pg_session_command(refresh->session, "ROLLBACK", NULL, NULL);
	pg_session_sync(refresh->session, fn, refresh);
}

static void on_written(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	(void)result;
	if (is_refused(refresh)) {
		page_refused(refresh); /* COMMIT has rolled back */
		return;
	}
	refresh->report.n_tickets += (int64_t)pg_ledger_rows_n(&refresh->rows);
	refresh->most_page = refresh->most_page * 2 > MAX_PAGE ? MAX_PAGE : refresh->most_page * 2;
	page_done(refresh);
}

static void on_locked(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	if (pg_result_ok(result))
		refresh->is_stale = PQntuples(result) == 0;
}

static void on_tickets_put(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	if (pg_result_ok(result))
		refresh->is_raced = pg_result_affected(result) != pg_ledger_rows_n(&refresh->rows);
}

static void on_tickets_end(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	(void)result;
	if (is_refused(refresh)) {
		roll_back(refresh, on_rolled_back_refused);
		return;
	}
	if (refresh->is_stale || refresh->is_raced) {
		roll_back(refresh, on_rolled_back);
		return;
	}
	pg_ledger_rows_send_rest(&refresh->rows, refresh->session, refresh->settings.repeat_within_us);
	refresh->n_unmerged += pg_ledger_rows_n(&refresh->rows);
	if (refresh->n_unmerged >= MERGE_AFTER) {
		pg_ledger_months_merge(refresh->session);
		refresh->n_unmerged = 0;
	}
	pg_session_command(refresh->session, "COMMIT", NULL, NULL);
	pg_session_sync(refresh->session, on_written, refresh);
}

static void write_page(struct ledger_refresh *refresh)
{
	char number[4];
	const struct pg_param generation = pg_param_int4(refresh->generation, number);
	refresh->is_raced = refresh->is_stale = false;
	pg_session_command(refresh->session, "BEGIN", NULL, NULL);
	if (!is_alone(refresh))
		lease_fence(&refresh->lease);
	pg_session_query(refresh->session, "queries/ledger_lock.sql", &generation, 1, on_locked, refresh);
	pg_ledger_rows_send_tickets(&refresh->rows, refresh->session, refresh->generation,
	                            refresh->settings.repeat_within_us, on_tickets_put, refresh);
	pg_session_sync(refresh->session, on_tickets_end, refresh);
}

/* ---- reading and folding a page ---- */

static void fold(struct ledger_refresh *refresh, const PGresult *result, int row)
{
	struct stored_ticket stored = pg_stored_ticket(result, row);
	struct text ticket_id = pg_get_text(result, row, TICKET_READ_TICKET_ID);
	struct ledger ledger;
	int32_t revision_no;
	arena_clear(&refresh->scratch, KEEP_BYTES);
	int verdict = ledger_fold(ticket_id, &stored, &refresh->rules, &refresh->settings.rules, &refresh->scratch,
	                          &ledger, &revision_no);
	if (verdict == BATCH_OK) {
		pg_ledger_rows_add(&refresh->rows, ticket_id, stored.rev, &ledger);
	} else if (verdict == BATCH_UNKNOWN_REVISION) {
		refresh->misses_revision = true;
	} else {
		log_error("the ledger cannot contain the ticket %.*s: its history is damaged; run kpid verify",
		          (int)ticket_id.len, ticket_id.ptr);
		refresh->report.n_skipped++;
	}
}

static void on_read(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	if (!pg_result_ok(result))
		return;
	if (!refresh->has_page) {
		refresh->has_page = true;
		refresh->row = 0;
		judging_hold(&refresh->judging, refresh->shared->registry, refresh->shared->config);
		refresh->rules = judging_rules(&refresh->judging, TIME_NONE);
		pg_ledger_rows_start(&refresh->rows, pg_session_row_types(refresh->session));
	}
	while (refresh->row < PQntuples(result)) {
		fold(refresh, result, refresh->row++);
		if (pg_session_should_yield(refresh->session) && refresh->row < PQntuples(result)) {
			pg_session_yield(refresh->session, result, on_read, refresh);
			return;
		}
	}
}

static void on_read_end(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	(void)result;
	if (is_refused(refresh)) {
		end(refresh, true);
	} else if (refresh->misses_revision) {
		refresh->shared->load_revisions(refresh->shared->load_context);
		end_early(refresh);
	} else if (pg_ledger_rows_n(&refresh->rows) == 0) {
		page_done(refresh);
	} else {
		write_page(refresh);
	}
}

static void next_page(struct ledger_refresh *refresh)
{
	struct pg_array ids = {.n = 0};
	if (!is_alone(refresh))
		lease_look(&refresh->lease, true); /* between two transactions */
	if (refresh->n_ids_done == refresh->n_ids) {
		scan(refresh);
		return;
	}
	size_t left = refresh->n_ids - refresh->n_ids_done;
	refresh->n_page = left < refresh->most_page ? left : refresh->most_page;
	refresh->has_page = refresh->misses_revision = false;
	pg_array_start(&ids, PG_OID_TEXT);
	for (size_t i = 0; i < refresh->n_page; i++)
		pg_array_text(&ids, refresh->ids[refresh->n_ids_done + i]);
	const struct pg_param param = pg_array_param(&ids);
	pg_session_query(refresh->session, "queries/ticket_read.sql", &param, 1, on_read, refresh);
	pg_session_sync(refresh->session, on_read_end, refresh);
	pg_array_release(&ids);
}

/* ---- scanning ---- */

static void on_scanned(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	if (!pg_result_ok(result))
		return;
	refresh->n_ids = (size_t)PQntuples(result);
	refresh->ids = mem_grow(refresh->ids, &refresh->ids_capacity, refresh->n_ids, sizeof(*refresh->ids));
	for (int row = 0; row < PQntuples(result); row++)
		refresh->ids[row] = arena_text(&refresh->ids_arena, pg_get_text(result, row, LEDGER_SCAN_TICKET_ID));
}

static void on_scan_end(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	(void)result;
	if (is_refused(refresh))
		end(refresh, true);
	else
		next_page(refresh);
}

/* Looks for tickets in the next part of the table. */
static void scan(struct ledger_refresh *refresh)
{
	char from[32], to[32], scan_from[8], generation[4];
	if (refresh->block >= refresh->n_blocks) {
		finish(refresh);
		return;
	}
	refresh->n_ids = refresh->n_ids_done = 0;
	arena_clear(&refresh->ids_arena, KEEP_BYTES);
	snprintf(from, sizeof(from), "(%" PRId64 ",0)", refresh->block);
	refresh->block += PAGES_PER_SCAN;
	snprintf(to, sizeof(to), "(%" PRId64 ",0)", refresh->block);
	const struct pg_param params[LEDGER_SCAN_N_PARAMS] = {
	        [LEDGER_SCAN_PARAM_FROM_PAGE] = pg_param_c_string(from),
	        [LEDGER_SCAN_PARAM_TO_PAGE] = pg_param_c_string(to),
	        [LEDGER_SCAN_PARAM_SCAN_FROM] = refresh->scan_from < 0 ? (struct pg_param){.value = NULL}
	                                                               : pg_param_int8(refresh->scan_from, scan_from),
	        [LEDGER_SCAN_PARAM_GENERATION] = pg_param_int4(refresh->generation, generation),
	};
	pg_session_query(refresh->session, "queries/ledger_scan.sql", params, LEDGER_SCAN_N_PARAMS, on_scanned,
	                 refresh);
	pg_session_sync(refresh->session, on_scan_end, refresh);
}

/* ---- the begin ---- */

static void begin(struct ledger_refresh *refresh);

static void on_rebuilt(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	(void)result;
	if (is_refused(refresh))
		end(refresh, true);
	else
		begin(refresh);
}

/* Folds all tickets again, with the settings of now, and adds up their rows again. */
static void rebuild(struct ledger_refresh *refresh, struct text settings)
{
	char generation[4];
	const struct pg_param params[LEDGER_REBUILD_N_PARAMS] = {
	        [LEDGER_REBUILD_PARAM_GENERATION] = pg_param_int4(refresh->generation, generation),
	        [LEDGER_REBUILD_PARAM_SETTINGS] = pg_param_text(settings),
	};
	const struct pg_param any_generation = {.value = NULL};
	refresh->rebuilds = false;
	pg_session_query(refresh->session, "queries/ledger_lock.sql", &any_generation, 1, NULL, NULL);
	pg_session_query(refresh->session, "queries/ledger_rebuild.sql", params, LEDGER_REBUILD_N_PARAMS, NULL, NULL);
	pg_session_query(refresh->session, "queries/ledger_sums.sql", NULL, 0, NULL, NULL);
	pg_session_query(refresh->session, "queries/ledger_months_remake.sql", NULL, 0, NULL, NULL);
	pg_session_sync(refresh->session, on_rebuilt, refresh);
}

static void on_begun(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	if (!pg_result_ok(result))
		return;
	struct text settings = pg_get_text(result, 0, LEDGER_BEGIN_SETTINGS);
	ledger_settings_read(&refresh->settings, result);
	refresh->generation = pg_get_int4(result, 0, LEDGER_BEGIN_GENERATION);
	refresh->scan_from = pg_get_int8_or(result, 0, LEDGER_BEGIN_SCAN_FROM, -1);
	refresh->scan_to = pg_get_int8(result, 0, LEDGER_BEGIN_SCAN_TO);
	refresh->n_blocks = pg_get_int8(result, 0, LEDGER_BEGIN_N_BLOCKS);
	refresh->began_us = pg_get_time(result, 0, LEDGER_BEGIN_BEGAN_AT);
	refresh->as_of_us = pg_get_time(result, 0, LEDGER_BEGIN_AS_OF);
	if (refresh->rebuilds || !text_same(settings, pg_get_text(result, 0, LEDGER_BEGIN_MADE_WITH)))
		rebuild(refresh, settings);
	else
		scan(refresh);
}

static void on_begin_end(void *context, PGresult *result)
{
	struct ledger_refresh *refresh = context;
	(void)result;
	if (is_refused(refresh))
		end(refresh, true);
}

static void begin(struct ledger_refresh *refresh)
{
	refresh->busy = true;
	refresh->block = 0;
	refresh->n_ids = refresh->n_ids_done = 0;
	refresh->most_page = MAX_PAGE;
	refresh->report.n_skipped = 0;
	pg_session_query(refresh->session, "queries/ledger_begin.sql", NULL, 0, on_begun, refresh);
	pg_session_sync(refresh->session, on_begin_end, refresh);
}

/* ---- life ---- */

static void on_timer(evutil_socket_t fd, short what, void *context)
{
	struct ledger_refresh *refresh = context;
	(void)fd, (void)what;
	if (!is_alone(refresh))
		lease_look(&refresh->lease, false);
	if ((is_alone(refresh) || lease_is_held(&refresh->lease)) && due_wait_us(refresh) <= 0)
		begin(refresh);
	else
		plan(refresh);
}

static void on_ready(void *context)
{
	plan(context);
}

/* Drops what is under way: queries of a lost session are not answered. */
static void on_lost(void *context, const char *reason)
{
	struct ledger_refresh *refresh = context;
	(void)reason;
	lease_forget(&refresh->lease);
	judging_drop(&refresh->judging);
	refresh->busy = false;
	plan(refresh);
}

static void on_lease_looked(void *context)
{
	plan(context);
}

/* The transaction in progress fails by its fence. */
static void on_lease_lost(void *context)
{
	(void)context;
}

struct ledger_refresh *ledger_refresh_new(struct lane_shared *shared, const struct kpid_config *config,
                                          const struct ledger_once *once)
{
	struct ledger_refresh *refresh = mem_zalloc(sizeof(*refresh));
	refresh->shared = shared;
	refresh->wanted_us = monotonic_clock_us();
	backoff_init(&refresh->backoff, RETRY_FIRST_US);
	arena_init(&refresh->ids_arena);
	arena_init(&refresh->scratch);
	if (once != NULL) {
		refresh->once = *once;
		refresh->rebuilds = once->all;
	}
	refresh->session = pg_session_new(shared->base, &config->postgres, "ledger",
	                                  &(struct pg_session_events){on_ready, on_lost, refresh});
	pg_session_set_by_keys(refresh->session);
	lease_init(&refresh->lease, refresh->session, config->run.instance,
	           &(struct lease_task){"ledger", "the refresh of the ledger", NULL, on_lease_looked, on_lease_lost,
	                                refresh});
	refresh->timer = evtimer_new(shared->base, on_timer, refresh);
	return refresh;
}

void ledger_refresh_free(struct ledger_refresh *refresh)
{
	if (refresh == NULL)
		return;
	judging_drop(&refresh->judging);
	event_free(refresh->timer);
	pg_session_free(refresh->session);
	lease_release(&refresh->lease);
	pg_ledger_rows_release(&refresh->rows);
	arena_release(&refresh->ids_arena);
	arena_release(&refresh->scratch);
	free(refresh->ids);
	free(refresh);
}

void ledger_refresh_start(struct ledger_refresh *refresh)
{
	pg_session_start(refresh->session);
}

void ledger_refresh_reloaded(struct ledger_refresh *refresh)
{
	plan(refresh);
}

const struct pg_session *ledger_refresh_session(const struct ledger_refresh *refresh)
{
	return refresh->session;
}
