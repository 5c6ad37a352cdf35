/* kpid appraisal appeal, withdraw, appeals and decide. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/appraisal.h"
#include "cli/appraisal_change.h"
#include "cli/table.h"
#include "sql/queries.h"

bool appraisal_is_number(const char *text)
{
	return text[0] != '\0' && strlen(text) <= 18 && strspn(text, "0123456789") == strlen(text);
}

char *appraisal_tickets(const struct appraisal_request *request)
{
	json_t *list = json_array();
	for (size_t i = 0; i < request->n_tickets; i++)
		json_array_append_new(list, json_string(request->tickets[i]));
	char *tickets = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return tickets;
}

static int print_appeal(const json_t *document, bool quiet)
{
	struct text number = appraisal_member(document, "appeal"), state = appraisal_member(document, "state");
	size_t i;
	json_t *done;
	if (quiet)
		return CLI_OK;
	if (json_object_get(document, "state") == NULL)
		state = TEXT("filed");
	printf("appeal %.*s is %.*s\n", (int)number.len, number.ptr, (int)state.len, state.ptr);
	json_array_foreach(json_object_get(document, "adjustments"), i, done) appraisal_print_adjustment(done);
	return CLI_OK;
}

static int file_appeal(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	char *tickets = appraisal_tickets(request);
	const struct pg_param params[APPRAISAL_APPEAL_N_PARAMS] = {
	        [APPRAISAL_APPEAL_PARAM_KEY] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_APPEAL_PARAM_PLAN] = pg_param_c_string(request->values[APPRAISAL_IN]),
	        [APPRAISAL_APPEAL_PARAM_INDICATOR] = pg_param_c_string(request->values[APPRAISAL_INDICATOR]),
	        [APPRAISAL_APPEAL_PARAM_TICKETS] = pg_param_c_string(tickets),
	        [APPRAISAL_APPEAL_PARAM_WORDS] = pg_param_c_string(request->values[APPRAISAL_TEXT]),
	};
	int status = appraisal_query(sync, "queries/appraisal_appeal.sql", params, APPRAISAL_APPEAL_N_PARAMS,
	                             APPRAISAL_APPEAL_DOCUMENT, print_appeal);
	free(tickets);
	return status;
}

int appraisal_appeal(struct cli *cli, const struct appraisal_request *request)
{
	if (request->values[APPRAISAL_TEXT] == NULL)
		return cli_usage_error(cli, "appeal needs --text TEXT: what is wrong");
	cli->needed_role = "kpid_agent";
	return pg_sync_run(cli, file_appeal, request);
}

static int withdraw(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	const struct pg_param number = pg_param_c_string(request->arguments[0]);
	return appraisal_query(sync, "queries/appraisal_withdraw.sql", &number, 1, APPRAISAL_WITHDRAW_DOCUMENT,
	                       print_appeal);
}

int appraisal_withdraw(struct cli *cli, const struct appraisal_request *request)
{
	if (!appraisal_is_number(request->arguments[0]))
		return cli_usage_error(cli, "%s is not the number of an appeal", request->arguments[0]);
	cli->needed_role = "kpid_agent";
	return pg_sync_run(cli, withdraw, request);
}

/* ---- list ---- */

static int print_appeals(const json_t *document, bool quiet)
{
	static const struct table_column columns[] = {{"appeal", true, false},     {"period", false, false},
	                                              {"agent", false, true},      {"plan", false, true},
	                                              {"indicator", false, true},  {"state", false, false},
	                                              {"answer by", false, false}, {"text", false, true}};
	static const char *const keys[] = {"appeal", "key", "agent", "plan", "indicator", "state", "answer_by", "text"};
	const json_t *appeals = json_object_get(document, "appeals"), *one;
	size_t i;
	struct table table;
	if (quiet)
		return CLI_OK;
	if (json_array_size(appeals) == 0) {
		puts("no appeals");
		return CLI_OK;
	}
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(appeals, i, one)
	{
		bool overdue = json_is_true(json_object_get(one, "overdue"));
		for (size_t c = 0; c < sizeof(keys) / sizeof(keys[0]); c++)
			if (overdue && strcmp(keys[c], "state") == 0)
				table_text(&table, TERM_YELLOW, TEXT("overdue"));
			else
				table_text(&table, TERM_PLAIN, appraisal_member(one, keys[c]));
	}
	table_print(&table);
	return CLI_OK;
}

static int list(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	const struct pg_param params[APPRAISAL_APPEALS_N_PARAMS] = {
	        [APPRAISAL_APPEALS_PARAM_KEY] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_APPEALS_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	};
	if (request->arguments[0] == NULL)
		return appraisal_query(sync, "queries/appraisal_my_appeals.sql", NULL, 0, APPRAISAL_MY_APPEALS_DOCUMENT,
		                       print_appeals);
	return appraisal_query(sync, "queries/appraisal_appeals.sql", params, APPRAISAL_APPEALS_N_PARAMS,
	                       APPRAISAL_APPEALS_DOCUMENT, print_appeals);
}

int appraisal_appeals(struct cli *cli, const struct appraisal_request *request)
{
	if (request->arguments[0] == NULL)
		cli->needed_role = "kpid_agent";
	return pg_sync_run(cli, list, request);
}

/* ---- decide ---- */

static int decide(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	json_t *changes = json_array(), *change = appraisal_change(request);
	if (json_object_size(change) > 0)
		json_array_append(changes, change);
	char *text = json_dumps(changes, JSON_COMPACT);
	const struct pg_param params[APPRAISAL_DECIDE_N_PARAMS] = {
	        [APPRAISAL_DECIDE_PARAM_APPEAL_NO] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_DECIDE_PARAM_ACCEPT] =
	                pg_param_c_string(strcmp(request->arguments[1], "accept") == 0 ? "t" : "f"),
	        [APPRAISAL_DECIDE_PARAM_CHANGES] = pg_param_c_string(text),
	        [APPRAISAL_DECIDE_PARAM_WHO] = pg_param_c_string(request->values[APPRAISAL_BY]),
	        [APPRAISAL_DECIDE_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	};
	int status = appraisal_query(sync, "queries/appraisal_decide.sql", params, APPRAISAL_DECIDE_N_PARAMS,
	                             APPRAISAL_DECIDE_DOCUMENT, print_appeal);
	json_decref(change);
	json_decref(changes);
	free(text);
	return status;
}

int appraisal_decide(struct cli *cli, const struct appraisal_request *request)
{
	const char *answer = request->arguments[1];
	if (!appraisal_is_number(request->arguments[0]))
		return cli_usage_error(cli, "%s is not the number of an appeal", request->arguments[0]);
	if (strcmp(answer, "accept") != 0 && strcmp(answer, "reject") != 0)
		return cli_usage_error(cli, "an appeal is decided by accept or reject, not %s", answer);
	return pg_sync_run(cli, decide, request);
}
