#include "cli/source_drop.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "app/ledger_once.h"
#include "app/source_removal.h"
#include "cli/json_out.h"
#include "cli/preflight.h"
#include "kpid/core/history.h"

enum { MOST_TRIES = 10 };

struct drop {
	struct pg_sync sync;
	struct cli *cli;
	struct kpid_config *config;
	const struct source_drop_request *request;
	struct source_topics topics;
	int64_t drop_no;
	int64_t n_tickets, n_emptied, n_events;
};

static void pause_between_tries(void)
{
	static const struct timespec second = {1, 0};
	nanosleep(&second, NULL);
}

/* ---- looking ---- */

static bool add_history(struct drop *drop, struct text ticket_id, struct text history)
{
	size_t n_within, n_events;
	if (history_count_within(history, ticket_id, text_of(drop->request->source), &n_within, &n_events) != 0) {
		pg_sync_print_error(&drop->sync, "the history of the ticket %.*s is damaged; run kpid verify",
		                    (int)ticket_id.len, ticket_id.ptr);
		return false;
	}
	drop->n_tickets += n_within > 0;
	drop->n_emptied += n_within > 0 && n_within == n_events;
	drop->n_events += (int64_t)n_within;
	return true;
}

/* Counts the events to remove. any: stops at the first page that has some. */
static int look(struct drop *drop, bool any)
{
	struct buf last = BUF_INIT;
	int n_rows = 1, status = CLI_OK;
	drop->n_tickets = drop->n_emptied = drop->n_events = 0;
	buf_add_str(&last, "");
	while (status == CLI_OK && n_rows > 0 && !(any && drop->n_events > 0)) {
		const struct pg_param params[SOURCE_DROP_LOOK_N_PARAMS] = {
		        [SOURCE_DROP_LOOK_PARAM_SOURCE] = pg_param_c_string(drop->request->source),
		        [SOURCE_DROP_LOOK_PARAM_AFTER_TICKET_ID] = pg_param_text(buf_text(&last)),
		};
		PGresult *rows =
		        pg_sync_query(&drop->sync, "queries/source_drop_look.sql", params, SOURCE_DROP_LOOK_N_PARAMS);
		n_rows = rows == NULL ? 0 : PQntuples(rows);
		status = rows == NULL ? pg_sync_failed(&drop->sync) : CLI_OK;
		for (int row = 0; status == CLI_OK && row < n_rows; row++) {
			struct text ticket_id = pg_get_text(rows, row, SOURCE_DROP_LOOK_TICKET_ID);
			if (!add_history(drop, ticket_id, pg_get_text(rows, row, SOURCE_DROP_LOOK_HISTORY)))
				status = CLI_FAILED;
			buf_clear(&last);
			buf_add_text(&last, ticket_id);
		}
		PQclear(rows);
	}
	buf_release(&last);
	return status;
}

/* Counts the events to remove of tickets that are set aside. example: gets the id of one of them. */
static int look_set_aside(struct drop *drop, struct buf *example)
{
	const struct pg_param param = pg_param_c_string(drop->request->source);
	PGresult *rows = pg_sync_query(&drop->sync, "queries/source_drop_parked.sql", &param, 1);
	int status = rows == NULL ? pg_sync_failed(&drop->sync) : CLI_OK;
	drop->n_tickets = drop->n_emptied = drop->n_events = 0;
	buf_clear(example);
	for (int row = 0; status == CLI_OK && row < PQntuples(rows); row++) {
		struct text ticket_id = pg_get_text(rows, row, SOURCE_DROP_PARKED_TICKET_ID);
		if (!add_history(drop, ticket_id, pg_get_text(rows, row, SOURCE_DROP_PARKED_HISTORY)))
			status = CLI_FAILED;
		if (drop->n_events > 0 && example->len_bytes == 0)
			buf_add_text(example, ticket_id);
	}
	PQclear(rows);
	return status;
}

/* ---- the record ---- */

static int fail_unknown(struct drop *drop)
{
	struct buf known = BUF_INIT;
	source_topics_known(drop->config, &known);
	pg_sync_print_error(&drop->sync, "no ticket has an event whose source is %s, or begins with it and a slash%s%s",
	                    drop->request->source,
	                    known.len_bytes == 0 ? "" : ". The mappings of the configuration have these sources",
	                    known.len_bytes == 0 ? "" : known.data);
	buf_release(&known);
	return CLI_FAILED;
}

/* A run that was interrupted has a record. */
static int find_record(struct drop *drop)
{
	const struct pg_param param = pg_param_c_string(drop->request->source);
	PGresult *rows = pg_sync_query(&drop->sync, "queries/source_drop_find.sql", &param, 1);
	if (rows == NULL)
		return pg_sync_failed(&drop->sync);
	drop->drop_no = PQntuples(rows) == 0 ? 0 : pg_get_int8(rows, 0, SOURCE_DROP_FIND_DROP_NO);
	PQclear(rows);
	return CLI_OK;
}

static int begin_record(struct drop *drop)
{
	const struct source_drop_request *request = drop->request;
	char reread[1];
	const struct pg_param params[SOURCE_DROP_BEGIN_N_PARAMS] = {
	        [SOURCE_DROP_BEGIN_PARAM_SOURCE] = pg_param_c_string(request->source),
	        [SOURCE_DROP_BEGIN_PARAM_DROPPED_BY] = pg_param_c_string(request->who),
	        [SOURCE_DROP_BEGIN_PARAM_WHY] = pg_param_c_string(request->why),
	        [SOURCE_DROP_BEGIN_PARAM_REREAD] = pg_param_bool(request->reread, reread),
	};
	PGresult *rows =
	        pg_sync_query(&drop->sync, "queries/source_drop_begin.sql", params, SOURCE_DROP_BEGIN_N_PARAMS);
	if (rows == NULL)
		return pg_sync_failed(&drop->sync);
	drop->drop_no = pg_get_int8(rows, 0, SOURCE_DROP_BEGIN_DROP_NO);
	PQclear(rows);
	return CLI_OK;
}

/* Finds the record to go on with, or begins one if there is something to remove. */
static int begin(struct drop *drop)
{
	struct buf example = BUF_INIT;
	int status = drop->request->reread
	                     ? source_topics_ask(&drop->topics, &drop->sync, drop->config, drop->request->source)
	                     : CLI_OK;
	if (status == CLI_OK)
		status = find_record(drop);
	if (status == CLI_OK && drop->drop_no == 0 && !drop->request->reread) {
		status = look(drop, true);
		if (status == CLI_OK && drop->n_events == 0)
			status = look_set_aside(drop, &example);
		if (status == CLI_OK && drop->n_events == 0)
			status = fail_unknown(drop);
	}
	buf_release(&example);
	return status == CLI_OK ? begin_record(drop) : status;
}

/* ---- removing ---- */

/* A program of its own, which takes over a configuration. */
static int remove_once(struct drop *drop)
{
	struct kpid_config *config;
	const struct source_removal removal = {drop->request->source, drop->drop_no};
	int status = cli_load_config(drop->cli, &config);
	return status == CLI_OK ? source_removal_run(config, &removal) : status;
}

/* Daemons write tickets that are set aside again within seconds, unless PostgreSQL refuses them. */
static int remove_events(struct drop *drop)
{
	struct buf example = BUF_INIT;
	int status = CLI_OK;
	drop->n_events = 1;
	for (int tries = 0; status == CLI_OK && drop->n_events > 0 && tries < MOST_TRIES; tries++) {
		if (tries > 0)
			pause_between_tries();
		status = remove_once(drop);
		if (status == CLI_OK)
			status = look_set_aside(drop, &example);
	}
	if (status == CLI_OK && drop->n_events > 0) {
		pg_sync_print_error(&drop->sync,
		                    "events of %s are in tickets that are set aside, such as %s: see kpid doctor, then "
		                    "run the same command again",
		                    drop->request->source, example.data);
		status = CLI_FAILED;
	}
	buf_release(&example);
	return status;
}

/* The ledger follows tickets by their rev. A ticket can be deleted once the ledger has no rows for it. */
static int refresh_ledger(struct drop *drop)
{
	struct kpid_config *config;
	struct ledger_report report = {.n_skipped = 0};
	PGresult *rows = pg_sync_query(&drop->sync, "queries/source_drop_ledger.sql", NULL, 0);
	if (rows == NULL)
		return pg_sync_failed(&drop->sync);
	bool is_there = pg_get_bool(rows, 0, SOURCE_DROP_LEDGER_IS_THERE);
	PQclear(rows);
	if (!is_there)
		return CLI_OK;
	int status = cli_load_config(drop->cli, &config);
	if (status == CLI_OK)
		status = ledger_once_run(config, false, &report);
	return status == CLI_FAILED && report.n_skipped > 0 ? CLI_OK : status; /* others are damaged */
}

/* A ticket that a daemon or the ledger has just read is left for the next try. */
static int delete_emptied(struct drop *drop)
{
	size_t n_left = 1;
	for (int tries = 0; tries < MOST_TRIES; tries++) {
		int status = source_drop_mark(&drop->sync, &n_left);
		if (status == CLI_OK && (n_left > 0 || tries == 0))
			status = refresh_ledger(drop);
		if (status != CLI_OK || n_left == 0)
			return status;
		status = source_drop_sweep(&drop->sync);
		if (status != CLI_OK)
			return status;
	}
	pg_sync_print_error(&drop->sync, "%zu tickets without events could not be deleted; run the same command again",
	                    n_left);
	return CLI_FAILED;
}

/* ---- the end ---- */

static bool run(struct drop *drop, const char *file, const struct pg_param *params, int n_params)
{
	PGresult *result = pg_sync_query(&drop->sync, file, params, n_params);
	PQclear(result);
	return result != NULL;
}

static bool set_back(struct drop *drop)
{
	if (!drop->request->reread)
		return true;
	const struct pg_param params[SOURCE_DROP_REREAD_N_PARAMS] = {
	        [SOURCE_DROP_REREAD_PARAM_TOPICS] = pg_array_param(&drop->topics.topics),
	        [SOURCE_DROP_REREAD_PARAM_PARTITIONS] = pg_array_param(&drop->topics.partitions),
	        [SOURCE_DROP_REREAD_PARAM_OFFSETS] = pg_array_param(&drop->topics.offsets),
	};
	return run(drop, "queries/source_drop_reread.sql", params, SOURCE_DROP_REREAD_N_PARAMS);
}

static bool end_record(struct drop *drop, const struct pg_param *drop_no)
{
	PGresult *rows = pg_sync_query(&drop->sync, "queries/source_drop_end.sql", drop_no, 1);
	if (rows == NULL)
		return false;
	drop->n_tickets = pg_get_int8(rows, 0, SOURCE_DROP_END_N_TICKETS);
	drop->n_emptied = pg_get_int8(rows, 0, SOURCE_DROP_END_N_EMPTIED);
	drop->n_events = pg_get_int8(rows, 0, SOURCE_DROP_END_N_EVENTS);
	PQclear(rows);
	return true;
}

static int end(struct drop *drop)
{
	char number[8];
	const struct pg_param drop_no = pg_param_int8(drop->drop_no, number);
	const struct pg_param whole = pg_array_param(&drop->topics.whole);
	int status = drop->request->reread /* again: time has passed */
	                     ? source_topics_ask(&drop->topics, &drop->sync, drop->config, drop->request->source)
	                     : CLI_OK;
	if (status != CLI_OK)
		return status;
	if (pg_sync_command(&drop->sync, "BEGIN") && run(drop, "queries/source_drop_files.sql", &drop_no, 1) &&
	    set_back(drop) && run(drop, "queries/source_drop_mappings.sql", &whole, 1) && end_record(drop, &drop_no) &&
	    pg_sync_command(&drop->sync, "COMMIT"))
		return CLI_OK;
	status = pg_sync_failed(&drop->sync);
	pg_sync_end(&drop->sync);
	return status;
}

static void print_report(const struct drop *drop)
{
	if (drop->cli->json) {
		json_t *report =
		        json_pack("{s:o, s:I, s:I, s:I, s:b}", "source", json_of_text(text_of(drop->request->source)),
		                  "events", (json_int_t)drop->n_events, "tickets", (json_int_t)drop->n_tickets,
		                  "emptied_tickets", (json_int_t)drop->n_emptied, "dry_run", drop->request->dry_run);
		if (!drop->request->dry_run)
			json_object_set_new(report, "drop_no", json_integer(drop->drop_no));
		json_print(report);
		return;
	}
	printf("%lld events %s removed from %lld tickets; %lld of these had no others%s\n", (long long)drop->n_events,
	       drop->request->dry_run ? "would be" : "were", (long long)drop->n_tickets, (long long)drop->n_emptied,
	       drop->request->dry_run ? "" : "; report.source_drop has the record");
	if (!drop->request->dry_run && drop->request->reread)
		printf("%zu partitions are read again from their oldest messages\n", drop->topics.partitions.n);
}

static int drop_with(struct drop *drop)
{
	int status;
	if (drop->request->dry_run) {
		status = look(drop, false);
		if (status == CLI_OK && drop->n_events == 0)
			status = fail_unknown(drop);
	} else {
		status = begin(drop);
		if (status == CLI_OK)
			status = remove_events(drop);
		if (status == CLI_OK)
			status = delete_emptied(drop);
		if (status == CLI_OK)
			status = end(drop);
	}
	if (status == CLI_OK)
		print_report(drop);
	return status;
}

int source_drop(struct cli *cli, const struct source_drop_request *request)
{
	struct drop drop = {.cli = cli, .request = request};
	int status = preflight_load(cli, &drop.config);
	if (status != CLI_OK)
		return status;
	source_topics_find_whole(&drop.topics, drop.config, request->source);
	if (pg_sync_open(&drop.sync, cli, &drop.config->postgres))
		status = drop_with(&drop);
	else
		status = pg_sync_failed(&drop.sync);
	source_topics_release(&drop.topics);
	pg_sync_close(&drop.sync);
	kpid_config_free(drop.config);
	return status;
}
