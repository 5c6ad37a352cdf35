/* kpid appraisal close, restate, cards, verify and drift: closed periods. */
#include <stdio.h>

#include "cli/appraisal.h"
#include "cli/table.h"
#include "sql/queries.h"

/* Prints a text member of a document, escaped. */
static void put(const json_t *object, const char *key)
{
	struct buf out = BUF_INIT;
	term_escape(&out, appraisal_member(object, key));
	fputs(buf_text(&out).ptr, stdout);
	buf_release(&out);
}

static void put_after(const char *words, const json_t *object, const char *key)
{
	fputs(words, stdout);
	put(object, key);
}

/* Which version of the period this is, and who closed it. */
static void print_closing(const json_t *document)
{
	put_after("version ", document, "version");
	put_after(", closed at ", document, "closed_at");
	put_after(" UTC by ", document, "closed_by");
	fputs(json_is_true(json_object_get(document, "early")) ? ", early\n" : "\n", stdout);
	put_after("digest ", document, "digest");
	putchar('\n');
}

static int print_closed(const json_t *document, bool quiet)
{
	const json_t *left = json_object_get(document, "adjustments_without_card");
	if (quiet)
		return CLI_OK;
	put(document, "key");
	put_after(" is closed: ", document, "cards");
	put_after(" cards by revision ", document, "revision");
	putchar('\n');
	print_closing(document);
	if (left != NULL)
		put_after("adjustments applied again: ", document, "adjustments");
	if (json_array_size(left) > 0)
		printf("; %zu have no card any longer", json_array_size(left));
	fputs(left != NULL ? "\n" : "", stdout);
	return CLI_OK;
}

static int close_by(struct pg_sync *sync, const char *query, const struct appraisal_request *request)
{
	_Static_assert(APPRAISAL_CLOSE_N_PARAMS == (int)APPRAISAL_RESTATE_N_PARAMS, "close and restate take the same");
	const struct pg_param params[APPRAISAL_CLOSE_N_PARAMS] = {
	        [APPRAISAL_CLOSE_PARAM_KEY] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_CLOSE_PARAM_WHO] = pg_param_c_string(request->values[APPRAISAL_BY]),
	        [APPRAISAL_CLOSE_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	        [APPRAISAL_CLOSE_PARAM_EARLY] = pg_param_c_string(request->early ? "t" : "f"),
	};
	_Static_assert(APPRAISAL_CLOSE_DOCUMENT == (int)APPRAISAL_RESTATE_DOCUMENT,
	               "close and restate return the same");
	return appraisal_query(sync, query, params, APPRAISAL_CLOSE_N_PARAMS, APPRAISAL_CLOSE_DOCUMENT, print_closed);
}

static int close_period(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	return close_by(sync, "queries/appraisal_close.sql", context);
}

static int restate(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	return close_by(sync, "queries/appraisal_restate.sql", context);
}

int appraisal_close(struct cli *cli, const struct appraisal_request *request)
{
	return pg_sync_run(cli, close_period, request);
}

int appraisal_restate(struct cli *cli, const struct appraisal_request *request)
{
	return pg_sync_run(cli, restate, request);
}

/* ---- what is closed ---- */

static int print_closed_cards(const json_t *document, bool quiet)
{
	size_t n = json_array_size(json_object_get(document, "adjustments"));
	if (quiet)
		return CLI_OK;
	appraisal_print_cards(document);
	putchar('\n');
	print_closing(document);
	if (n > 0)
		printf("%zu adjustment%s: --json shows them\n", n, n == 1 ? "" : "s");
	return CLI_OK;
}

static int print_differences(const json_t *document, bool quiet)
{
	static const struct table_column columns[] = {
	        {"version", true, false}, {"plan", false, true},  {"level", false, false},
	        {"of", false, true},      {"card", true, false},  {"indicator", false, true},
	        {"field", false, false},  {"stored", true, true}, {"computed", true, true}};
	static const char *const keys[] = {"version",   "plan",  "level",  "subject", "card_version",
	                                   "indicator", "field", "stored", "computed"};
	const json_t *differences = json_object_get(document, "differences"), *one;
	size_t i;
	struct table table;
	int status = json_array_size(differences) == 0 ? CLI_OK : CLI_FAILED;
	if (quiet)
		return status;
	if (status == CLI_OK) {
		put(document, "key");
		fputs(" is as it was closed: cards, reference, plan and digest agree with the frozen rows\n", stdout);
		return status;
	}
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(differences, i, one) for (size_t c = 0; c < sizeof(keys) / sizeof(keys[0]); c++)
	        table_text(&table, TERM_PLAIN, appraisal_member(one, keys[c]));
	table_print(&table);
	return status;
}

static void add_drift(struct table *table, const json_t *one)
{
	static const char *const pairs[][2] = {{"closed_above", "above"},
	                                       {"closed_base", "base"},
	                                       {"closed_points", "points"},
	                                       {"closed_score", "score"}};
	const json_t *tickets = json_object_get(one, "tickets");
	const char *first = json_string_value(json_array_get(tickets, 0));
	table_text(table, TERM_PLAIN, appraisal_member(one, "level"));
	table_text(table, TERM_PLAIN, appraisal_member(one, "subject"));
	table_text(table, TERM_PLAIN, appraisal_member(one, "indicator"));
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct text was = appraisal_member(one, pairs[i][0]), now = appraisal_member(one, pairs[i][1]);
		table_format(table, text_same(was, now) ? TERM_DIM : TERM_BOLD, "%.*s → %.*s", (int)was.len, was.ptr,
		             (int)now.len, now.ptr);
	}
	if (json_array_size(tickets) > 1)
		table_format(table, TERM_PLAIN, "%s and %zu more", first, json_array_size(tickets) - 1);
	else
		table_text(table, TERM_PLAIN, text_of(first));
}

static int print_drift(const json_t *document, bool quiet)
{
	static const struct table_column columns[] = {{"level", false, false},    {"of", false, true},
	                                              {"indicator", false, true}, {"above", false, false},
	                                              {"base", false, false},     {"points", false, false},
	                                              {"score", false, false},    {"tickets", false, true}};
	const json_t *drift = json_object_get(document, "drift"), *one;
	size_t i;
	struct table table;
	if (quiet)
		return CLI_OK;
	if (json_array_size(drift) == 0) {
		fputs("no later fact would change a card of ", stdout);
		put(document, "key");
		putchar('\n');
		return CLI_OK;
	}
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(drift, i, one) add_drift(&table, one);
	table_print(&table);
	return CLI_OK;
}

/* The queries have the same parameters. */
static int run_by_key(struct pg_sync *sync, const char *query, const struct appraisal_request *request, int column,
                      appraisal_print *print)
{
	_Static_assert(APPRAISAL_CARDS_N_PARAMS == (int)APPRAISAL_VERIFY_N_PARAMS &&
	                       APPRAISAL_CARDS_N_PARAMS == (int)APPRAISAL_DRIFT_N_PARAMS,
	               "cards, verify and drift take the same");
	const struct pg_param params[APPRAISAL_CARDS_N_PARAMS] = {
	        [APPRAISAL_CARDS_PARAM_KEY] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_CARDS_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	};
	return appraisal_query(sync, query, params, APPRAISAL_CARDS_N_PARAMS, column, print);
}

static int cards(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	return run_by_key(sync, "queries/appraisal_cards.sql", context, APPRAISAL_CARDS_DOCUMENT, print_closed_cards);
}

static int verify(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	return run_by_key(sync, "queries/appraisal_verify.sql", context, APPRAISAL_VERIFY_DOCUMENT, print_differences);
}

static int drift(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	return run_by_key(sync, "queries/appraisal_drift.sql", context, APPRAISAL_DRIFT_DOCUMENT, print_drift);
}

int appraisal_cards(struct cli *cli, const struct appraisal_request *request)
{
	return pg_sync_run(cli, cards, request);
}

int appraisal_verify(struct cli *cli, const struct appraisal_request *request)
{
	return pg_sync_run(cli, verify, request);
}

int appraisal_drift(struct cli *cli, const struct appraisal_request *request)
{
	return pg_sync_run(cli, drift, request);
}
