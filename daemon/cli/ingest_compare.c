#include "cli/ingest_compare.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/configured_shard.h"
#include "cli/json_out.h"
#include "cli/pg_sync.h"
#include "cli/policy_file.h"
#include "cli/term.h"
#include "kpid/base/clock.h"
#include "kpid/core/batch.h"
#include "kpid/core/history.h"
#include "kpid/core/ticket_difference.h"

enum { PAGE_TICKETS = 50, KEEP_BYTES = 1 << 20 };

struct compare {
	struct cli *cli;
	struct pg_sync sync;
	struct policy_set *policies; /* NULL: none are configured */
	struct shard shard;          /* whose tickets are compared */
	struct batch_rules rules;
	struct batch batch; /* the events of the file */
	int64_t n_missing, n_changed, n_unknown;
	json_t *differences;
	/* of the ticket that is compared */
	bool is_missing, is_changed;
	struct ticket before;
	struct arena arena, scratch;
};

/* ---- reading the file ---- */

static void on_begin(void *context, int64_t line_no, struct text record)
{
	(void)context, (void)line_no, (void)record;
}

static void on_end(void *context)
{
	(void)context;
}

static void on_event(void *context, const struct ticket_event *event)
{
	struct compare *compare = context;
	if (shard_has_ticket(&compare->shard, event->ticket_id))
		batch_add_event(&compare->batch, event);
}

static void on_passed(void *context, const char *reason)
{
	(void)context, (void)reason;
}

static void on_rejected(void *context, struct text record, enum dead_letter_reason reason, const char *detail)
{
	(void)context, (void)record;
	fprintf(stderr, "rejected: %s: %s\n", dead_letter_reason_name(reason), detail);
}

/* ---- what an evaluation finds ---- */

static json_t *json_or_null(struct text t)
{
	return text_is_absent(t) ? json_null() : json_of_text(t);
}

static void add_value(struct buf *out, struct text t)
{
	if (text_is_absent(t))
		buf_add_str(out, "(none)");
	else
		term_escape(out, t);
}

static void print_difference(const struct compare *compare, struct text ticket_id,
                             const struct ticket_difference *found, size_t n)
{
	struct buf out = BUF_INIT;
	term_escape(&out, ticket_id);
	buf_add_str(&out, compare->is_missing ? ": missing" : "");
	if (n == 0)
		buf_add_str(&out, compare->is_missing ? "" : ": has new events that change none of the columns");
	for (size_t i = 0; i < n; i++) {
		buf_add_format(&out, "%s %s ", i == 0 && !compare->is_missing ? ":" : ";", found[i].column);
		if (!compare->is_missing) {
			add_value(&out, found[i].before);
			buf_add_str(&out, " → ");
		}
		add_value(&out, found[i].after);
	}
	printf("%s\n", out.data);
	buf_release(&out);
}

static void keep_difference(const struct compare *compare, struct text ticket_id, const struct ticket_difference *found,
                            size_t n)
{
	json_t *columns = json_object();
	for (size_t i = 0; i < n; i++)
		json_object_set_new(columns, found[i].column,
		                    json_pack("{s:o, s:o}", "before", json_or_null(found[i].before), "after",
		                              json_or_null(found[i].after)));
	json_array_append_new(compare->differences, json_pack("{s:o, s:b, s:o}", "ticket_id", json_of_text(ticket_id),
	                                                      "missing", compare->is_missing, "columns", columns));
}

/* The ticket would be written: it has new events. */
static void put_ticket(void *context, const struct ticket_row *row)
{
	struct compare *compare = context;
	struct ticket_difference found[TICKET_MOST_DIFFERENCES];
	size_t n = ticket_differences(&compare->before, row->ticket, &compare->arena, found);
	compare->is_changed = true;
	if (compare->cli->json)
		keep_difference(compare, row->ticket_id, found, n);
	else
		print_difference(compare, row->ticket_id, found, n);
}

static void ignore_cycle(void *context, struct text ticket_id, const struct ticket_cycle *cycle)
{
	(void)context, (void)ticket_id, (void)cycle;
}

static void ignore_gone_cycle(void *context, struct text ticket_id, uint32_t cycle)
{
	(void)context, (void)ticket_id, (void)cycle;
}

static void ignore_clock(void *context, struct text ticket_id, const struct sla_clock *clock)
{
	(void)context, (void)ticket_id, (void)clock;
}

static void ignore_key(void *context, struct text ticket_id, enum sla_target target, uint32_t n)
{
	(void)context, (void)ticket_id, (void)target, (void)n;
}

static void ignore_alert(void *context, const struct alert *alert)
{
	(void)context, (void)alert;
}

static void ignore_conflict(void *context, const struct conflict_letter *letter)
{
	(void)context, (void)letter;
}

static void ignore_event(void *context, const struct ticket_event *event)
{
	(void)context, (void)event;
}

/* ---- a ticket ---- */

static int compare_events(const void *a, const void *b)
{
	return ticket_event_order(*(const struct ticket_event *const *)a, *(const struct ticket_event *const *)b);
}

/* Packs the events of rows from to to - 1. False: an event cannot be read. */
static bool pack_stored(struct compare *compare, const PGresult *rows, int from, int to, struct buf *history)
{
	size_t n = (size_t)(to - from);
	struct ticket_event *events = arena_alloc(&compare->arena, n * sizeof(*events));
	const struct ticket_event **sorted = arena_alloc(&compare->arena, n * sizeof(struct ticket_event *));
	struct wire_rejection rejection;
	for (size_t i = 0; i < n; i++) {
		const struct wire_message message = {
		        .value = pg_get_text(rows, from + (int)i, INGEST_COMPARE_EVENT),
		        .topic_type = EVENT_TYPE_NONE,
		};
		/* It was not in the future when it was read. */
		if (wire_parse(&message, wall_clock_us() + US_PER_DAY, &compare->arena, &events[i], &rejection) !=
		    WIRE_EVENT)
			return false;
		sorted[i] = &events[i];
	}
	qsort(sorted, n, sizeof(struct ticket_event *), compare_events);
	history_pack(sorted, n, history);
	return true;
}

static bool evaluate(struct compare *compare, const struct batch_ticket *ticket, struct text history)
{
	const struct batch_sink sink = {
	        .context = compare,
	        .ticket = put_ticket,
	        .cycle_put = ignore_cycle,
	        .cycle_delete = ignore_gone_cycle,
	        .clock_put = ignore_clock,
	        .clock_delete = ignore_key,
	        .alert_put = ignore_alert,
	        .alert_void = ignore_key,
	        .conflict = ignore_conflict,
	        .too_many = ignore_event,
	};
	const struct stored_ticket stored = {
	        .rev = compare->is_missing ? 0 : 1,
	        .as_of_us = compare->is_missing ? TIME_NONE : compare->rules.as_of_us,
	        .opened_us = TIME_NONE,
	        .history = history,
	};
	struct kpi_sums sums;
	int32_t revision_no;
	if (ticket_fold_history(history, ticket->ticket_id, &compare->rules.fold, NULL, compare->rules.as_of_us, NULL,
	                        &compare->arena, &compare->before) != 0)
		return false;
	kpi_sums_init(&sums);
	int result = batch_evaluate(&compare->batch, ticket, &stored, &compare->rules, &compare->scratch, &sink, &sums,
	                            &revision_no);
	kpi_sums_release(&sums);
	return result == BATCH_OK;
}

/* A ticket of the file, whose rows of the result are from to to - 1. */
static void compare_ticket(struct compare *compare, const PGresult *rows, int from, int to)
{
	struct text ticket_id = pg_get_text(rows, from, INGEST_COMPARE_TICKET_ID);
	struct buf history = BUF_INIT;
	bool has_events = !PQgetisnull(rows, from, INGEST_COMPARE_EVENT);
	arena_clear(&compare->arena, KEEP_BYTES);
	compare->is_missing = pg_get_bool(rows, from, INGEST_COMPARE_IS_MISSING);
	compare->is_changed = false;
	bool ok = compare->is_missing || has_events;
	if (ok)
		ok = pack_stored(compare, rows, from, has_events ? to : from, &history) &&
		     evaluate(compare, batch_find_ticket(&compare->batch, ticket_id), buf_text(&history));
	if (!ok) {
		compare->n_unknown++;
		pg_sync_print_error(&compare->sync,
		                    "%.*s has too many events to be compared, or is set aside: see kpid explain",
		                    (int)ticket_id.len, ticket_id.ptr);
	}
	compare->n_missing += ok && compare->is_missing;
	compare->n_changed += ok && !compare->is_missing && compare->is_changed;
	buf_release(&history);
}

static bool compare_page(struct compare *compare, size_t from)
{
	struct pg_array ids = {.n = 0};
	pg_array_start(&ids, PG_OID_TEXT);
	for (size_t i = from; i < compare->batch.n_tickets && i < from + PAGE_TICKETS; i++)
		pg_array_text(&ids, compare->batch.tickets[i]->ticket_id);
	const struct pg_param param = pg_array_param(&ids);
	PGresult *rows = pg_sync_query(&compare->sync, "queries/ingest_compare.sql", &param, 1);
	int n = rows == NULL ? 0 : PQntuples(rows);
	for (int at = 0, end; at < n; at = end) {
		struct text id = pg_get_text(rows, at, INGEST_COMPARE_TICKET_ID);
		for (end = at + 1; end < n && text_equal(id, pg_get_text(rows, end, INGEST_COMPARE_TICKET_ID));)
			end++;
		compare_ticket(compare, rows, at, end);
	}
	PQclear(rows);
	pg_array_release(&ids);
	return rows != NULL;
}

/* ---- everything ---- */

static void print_summary(struct compare *compare)
{
	size_t n = compare->batch.n_tickets;
	if (compare->cli->json) {
		json_print(json_pack("{s:I, s:I, s:I, s:I, s:O}", "tickets", (json_int_t)n, "missing",
		                     (json_int_t)compare->n_missing, "changed", (json_int_t)compare->n_changed,
		                     "not_compared", (json_int_t)compare->n_unknown, "differences",
		                     compare->differences));
		return;
	}
	printf("%zu tickets: %lld are missing, %lld would change, %lld are equal\n", n, (long long)compare->n_missing,
	       (long long)compare->n_changed,
	       (long long)n - (long long)(compare->n_missing + compare->n_changed + compare->n_unknown));
}

static int compare_all(struct compare *compare)
{
	for (size_t i = 0; i < compare->batch.n_tickets; i += PAGE_TICKETS)
		if (!compare_page(compare, i))
			return pg_sync_failed(&compare->sync);
	print_summary(compare);
	return compare->n_missing + compare->n_changed + compare->n_unknown > 0 ? CLI_FAILED : CLI_OK;
}

/* Both sides are judged by the policies of the configuration, as of now: so only events make a difference. */
static int read_policies(struct compare *compare, const struct kpid_config *config)
{
	static const struct policy_set none = {.n_revisions = 0};
	struct config_errors errors = CONFIG_ERRORS_INIT;
	int status = CLI_OK;
	if (config->sla.policy_file != NULL) {
		compare->policies = policy_file_read(config->sla.policy_file, false, &errors, NULL);
		if (compare->policies == NULL) {
			cli_print_errors(&errors);
			status = CLI_CONFIG;
		}
	}
	config_errors_release(&errors);
	compare->rules = (struct batch_rules){
	        .fold = {compare->policies == NULL ? &none : compare->policies, config->kpi.fcr_window_us},
	        .as_of_us = wall_clock_us(),
	};
	return status;
}

static int run(struct compare *compare, const struct kpid_config *config, const char *path,
               const struct file_records *records)
{
	const struct records_sink sink = {on_begin, on_end, NULL, {on_event, on_passed, on_rejected, compare}};
	compare->shard = configured_shard(config);
	int status = read_policies(compare, config);
	if (status == CLI_OK && !records_read(path, records, &sink))
		status = CLI_USAGE;
	if (status != CLI_OK)
		return status;
	batch_seal(&compare->batch);
	if (pg_sync_open(&compare->sync, compare->cli, &config->postgres))
		status = compare_all(compare);
	else
		status = pg_sync_failed(&compare->sync);
	pg_sync_close(&compare->sync);
	return status;
}

int ingest_compare(struct cli *cli, const char *path, const struct file_records *records)
{
	struct compare compare = {.cli = cli, .differences = json_array()};
	struct kpid_config *config;
	cli->needed_role = "kpid_reader";
	int status = cli_load_config(cli, &config);
	if (status == CLI_OK) {
		batch_init(&compare.batch);
		arena_init(&compare.arena);
		arena_init(&compare.scratch);
		status = run(&compare, config, path, records);
		batch_release(&compare.batch);
		arena_release(&compare.arena);
		arena_release(&compare.scratch);
		policy_set_free(compare.policies);
		kpid_config_free(config);
	}
	json_decref(compare.differences);
	return status;
}
