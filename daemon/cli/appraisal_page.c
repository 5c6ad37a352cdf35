/* kpid appraisal page and access: what there is about one agent, and who has read it. */
#include <stdio.h>

#include "cli/appraisal.h"
#include "cli/appraisal_change.h"
#include "cli/json_out.h"
#include "cli/table.h"
#include "sql/queries.h"

/* Adds a row of a table: the members of an object with these names. */
static void add_row(struct table *table, const json_t *object, const char *const keys[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		table_text(table, TERM_PLAIN, appraisal_member(object, keys[i]));
}

/* Prints a list of objects as a table below a title. columns has as many entries as keys. */
static void print_list(const char *title, const json_t *list, const struct table_column *columns,
                       const char *const keys[], size_t n)
{
	struct table table;
	size_t i;
	json_t *one;
	if (json_array_size(list) == 0)
		return;
	printf("\n%s\n", title);
	table_init(&table, columns, n);
	json_array_foreach(list, i, one) add_row(&table, one, keys, n);
	table_print(&table);
}

static void print_costs(const json_t *entry)
{
	static const struct table_column columns[] = {
	        {"ticket", false, true}, {"above", true, false}, {"base", true, false}};
	static const char *const keys[] = {"ticket", "above", "base"};
	const json_t *costs = json_object_get(entry, "costs_most");
	struct buf title = BUF_INIT;
	if (!json_is_object(costs))
		return;
	buf_add_str(&title, "costs most points: ");
	term_escape(&title, appraisal_member(costs, "indicator"));
	buf_add_str(&title, ", ");
	term_escape(&title, appraisal_member(costs, "lost"));
	puts(buf_text(&title).ptr);
	buf_release(&title);
	print_list("its tickets", json_object_get(costs, "tickets"), columns, keys, 3);
}

static void print_until(const json_t *entry)
{
	struct text until = appraisal_member(entry, "appeal_until");
	if (json_is_string(json_object_get(entry, "appeal_until")))
		printf("appeal until %.*s UTC\n", (int)until.len, until.ptr);
}

static void print_access(const json_t *list)
{
	static const struct table_column columns[] = {
	        {"read at (UTC)", false, false}, {"login", false, true},   {"as", false, false},
	        {"what", false, false},          {"period", false, false}, {"why", false, true}};
	static const char *const keys[] = {"read_at", "login", "role", "function", "key", "why"};
	print_list("who has read these results", list, columns, keys, 6);
}

static void print_page(const json_t *document, enum appraisal_language language)
{
	static const struct table_column history[] = {{"period", false, false},
	                                              {"plan", false, true},
	                                              {"score", true, false},
	                                              {"grade", false, false},
	                                              {"rank", true, false}};
	static const char *const history_keys[] = {"key", "plan", "score", "grade", "rank"};
	static const struct table_column appeals[] = {{"appeal", true, false},
	                                              {"period", false, false},
	                                              {"indicator", false, true},
	                                              {"state", false, false},
	                                              {"text", false, true}};
	static const char *const appeals_keys[] = {"appeal", "key", "indicator", "state", "text"};
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(document, "cards"), i, entry)
	{
		appraisal_print_card(entry, language);
		print_until(entry);
		print_costs(entry);
	}
	print_list("periods", json_object_get(document, "history"), history, history_keys, 5);
	appraisal_print_notes(json_object_get(document, "notes"));
	print_list("appeals", json_object_get(document, "appeals"), appeals, appeals_keys, 5);
	print_access(json_object_get(document, "read_by"));
}

static PGresult *read_page(struct pg_sync *sync, const struct appraisal_request *request)
{
	_Static_assert(APPRAISAL_PAGE_DOCUMENT == (int)APPRAISAL_MY_PAGE_DOCUMENT, "both return the same");
	const struct pg_param params[APPRAISAL_PAGE_N_PARAMS] = {
	        [APPRAISAL_PAGE_PARAM_KEY] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_PAGE_PARAM_AGENT] = pg_param_c_string(request->arguments[1]),
	        [APPRAISAL_PAGE_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	};
	return request->arguments[1] == NULL
	               ? pg_sync_query(sync, "queries/appraisal_my_page.sql", params, APPRAISAL_MY_PAGE_N_PARAMS)
	               : pg_sync_query(sync, "queries/appraisal_page.sql", params, APPRAISAL_PAGE_N_PARAMS);
}

static int page(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	PGresult *row = read_page(sync, request);
	if (row == NULL)
		return pg_sync_failed(sync);
	struct text json = pg_get_text(row, 0, APPRAISAL_PAGE_DOCUMENT);
	json_t *document = appraisal_document(json);
	int status = json_array_size(json_object_get(document, "cards")) > 0 ? CLI_OK : CLI_FAILED;
	if (sync->cli->json) {
		json_print_text(json);
		putchar('\n');
	} else {
		print_page(document, request->language);
	}
	if (status != CLI_OK)
		pg_sync_print_error(sync,
		                    request->arguments[1] == NULL ? "you have no card in %s"
		                                                  : "there is no card of this agent in %s",
		                    request->arguments[0]);
	json_decref(document);
	PQclear(row);
	return status;
}

int appraisal_page(struct cli *cli, const struct appraisal_request *request)
{
	cli->needed_role = request->arguments[1] == NULL ? "kpid_agent" : "kpid_lead";
	return pg_sync_run(cli, page, request);
}

/* ---- access ---- */

static int print_log(const json_t *document, bool quiet)
{
	const json_t *list = json_object_get(document, "access");
	if (quiet)
		return CLI_OK;
	if (json_array_size(list) == 0)
		puts("nobody has read these results");
	else
		print_access(list);
	return CLI_OK;
}

static int access_log(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	const struct pg_param agent = pg_param_c_string(request->arguments[0]);
	if (request->arguments[0] == NULL)
		return appraisal_query(sync, "queries/appraisal_my_access.sql", NULL, 0, APPRAISAL_MY_ACCESS_DOCUMENT,
		                       print_log);
	return appraisal_query(sync, "queries/appraisal_access.sql", &agent, 1, APPRAISAL_ACCESS_DOCUMENT, print_log);
}

int appraisal_access(struct cli *cli, const struct appraisal_request *request)
{
	if (request->arguments[0] == NULL)
		cli->needed_role = "kpid_agent";
	return pg_sync_run(cli, access_log, request);
}
