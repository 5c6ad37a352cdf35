/* kpid appraisal note, notes, acknowledge and finish: coaching notes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/appraisal.h"
#include "cli/appraisal_change.h"
#include "cli/table.h"
#include "sql/queries.h"

static int print_note(const json_t *document, bool quiet)
{
	struct text number = appraisal_member(document, "note"), state = appraisal_member(document, "state");
	if (json_object_get(document, "state") == NULL)
		state = TEXT("open");
	if (!quiet)
		printf("note %.*s is %.*s\n", (int)number.len, number.ptr, (int)state.len, state.ptr);
	return CLI_OK;
}

static int write_note(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	char *tickets = appraisal_tickets(request);
	const struct pg_param params[APPRAISAL_NOTE_N_PARAMS] = {
	        [APPRAISAL_NOTE_PARAM_AGENT] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_NOTE_PARAM_PLAN] = pg_param_c_string(request->values[APPRAISAL_IN]),
	        [APPRAISAL_NOTE_PARAM_INDICATOR] = pg_param_c_string(request->values[APPRAISAL_INDICATOR]),
	        [APPRAISAL_NOTE_PARAM_TICKETS] = pg_param_c_string(tickets),
	        [APPRAISAL_NOTE_PARAM_AGREED] = pg_param_c_string(request->values[APPRAISAL_TEXT]),
	        [APPRAISAL_NOTE_PARAM_TARGET] = pg_param_c_string(request->values[APPRAISAL_TARGET]),
	        [APPRAISAL_NOTE_PARAM_FOLLOW_UP] = pg_param_c_string(request->values[APPRAISAL_UNTIL]),
	        [APPRAISAL_NOTE_PARAM_WHO] = pg_param_c_string(request->values[APPRAISAL_BY]),
	};
	int status = appraisal_query(sync, "queries/appraisal_note.sql", params, APPRAISAL_NOTE_N_PARAMS,
	                             APPRAISAL_NOTE_DOCUMENT, print_note);
	free(tickets);
	return status;
}

int appraisal_note(struct cli *cli, const struct appraisal_request *request)
{
	if (request->values[APPRAISAL_INDICATOR] == NULL || request->values[APPRAISAL_TEXT] == NULL ||
	    request->values[APPRAISAL_UNTIL] == NULL)
		return cli_usage_error(
		        cli, "note needs --indicator NAME, --text TEXT (what was agreed) and --until DAY (YYYY-MM-DD)");
	cli->needed_role = "kpid_lead";
	return pg_sync_run(cli, write_note, request);
}

/* ---- list ---- */

/* "0.8 → 0.9 (group 0.85 → 0.84)". */
static void add_change(struct table *table, const json_t *note)
{
	struct text before = appraisal_member(note, "before"), after = appraisal_member(note, "after");
	struct text group_before = appraisal_member(note, "group_before"),
	            group_after = appraisal_member(note, "group_after");
	table_format(table, TERM_PLAIN, "%.*s → %.*s", (int)before.len, before.ptr, (int)after.len, after.ptr);
	table_format(table, TERM_DIM, "%.*s → %.*s", (int)group_before.len, group_before.ptr, (int)group_after.len,
	             group_after.ptr);
}

void appraisal_print_notes(const json_t *notes)
{
	static const struct table_column columns[] = {
	        {"note", true, false},     {"agent", false, true},       {"indicator", false, true},
	        {"state", false, false},   {"follow up", false, false},  {"target", true, false},
	        {"28 days", false, false}, {"the others", false, false}, {"agreed", false, true}};
	static const char *const keys[] = {"note", "agent", "indicator", "state", "follow_up", "target"};
	struct table table;
	size_t i;
	json_t *note;
	if (json_array_size(notes) == 0)
		return;
	puts("\nnotes");
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(notes, i, note)
	{
		for (size_t c = 0; c < sizeof(keys) / sizeof(keys[0]); c++)
			table_text(&table, TERM_PLAIN, appraisal_member(note, keys[c]));
		add_change(&table, note);
		table_text(&table, TERM_PLAIN, appraisal_member(note, "agreed"));
	}
	table_print(&table);
}

static int print_notes(const json_t *document, bool quiet)
{
	const json_t *notes = json_object_get(document, "notes");
	if (!quiet && json_array_size(notes) == 0)
		puts("no notes");
	else if (!quiet)
		appraisal_print_notes(notes);
	return CLI_OK;
}

static int list(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	const struct pg_param params[APPRAISAL_NOTES_N_PARAMS] = {
	        [APPRAISAL_NOTES_PARAM_AGENT] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_NOTES_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	};
	if (request->arguments[0] == NULL && !request->all)
		return appraisal_query(sync, "queries/appraisal_my_notes.sql", NULL, 0, APPRAISAL_MY_NOTES_DOCUMENT,
		                       print_notes);
	return appraisal_query(sync, "queries/appraisal_notes.sql", params, APPRAISAL_NOTES_N_PARAMS,
	                       APPRAISAL_NOTES_DOCUMENT, print_notes);
}

int appraisal_notes(struct cli *cli, const struct appraisal_request *request)
{
	if (request->arguments[0] != NULL && request->all)
		return cli_usage_error(cli, "notes takes an agent or --all");
	cli->needed_role = request->arguments[0] == NULL && !request->all ? "kpid_agent" : "kpid_lead";
	return pg_sync_run(cli, list, request);
}

/* ---- acknowledge and finish ---- */

static int acknowledge(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	const struct pg_param number = pg_param_c_string(request->arguments[0]);
	return appraisal_query(sync, "queries/appraisal_acknowledge.sql", &number, 1, APPRAISAL_ACKNOWLEDGE_DOCUMENT,
	                       print_note);
}

int appraisal_acknowledge(struct cli *cli, const struct appraisal_request *request)
{
	if (!appraisal_is_number(request->arguments[0]))
		return cli_usage_error(cli, "%s is not the number of a note", request->arguments[0]);
	cli->needed_role = "kpid_agent";
	return pg_sync_run(cli, acknowledge, request);
}

static int finish(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	const struct pg_param params[APPRAISAL_END_NOTE_N_PARAMS] = {
	        [APPRAISAL_END_NOTE_PARAM_NOTE_NO] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_END_NOTE_PARAM_STATE] = pg_param_c_string(request->arguments[1]),
	        [APPRAISAL_END_NOTE_PARAM_OUTCOME] = pg_param_c_string(request->values[APPRAISAL_TEXT]),
	};
	return appraisal_query(sync, "queries/appraisal_end_note.sql", params, APPRAISAL_END_NOTE_N_PARAMS,
	                       APPRAISAL_END_NOTE_DOCUMENT, print_note);
}

int appraisal_finish(struct cli *cli, const struct appraisal_request *request)
{
	const char *state = request->arguments[1];
	if (!appraisal_is_number(request->arguments[0]))
		return cli_usage_error(cli, "%s is not the number of a note", request->arguments[0]);
	if (strcmp(state, "done") != 0 && strcmp(state, "dropped") != 0)
		return cli_usage_error(cli, "a note ends as done or dropped, not %s", state);
	if (request->values[APPRAISAL_TEXT] == NULL)
		return cli_usage_error(cli, "finish needs --text TEXT: the outcome");
	cli->needed_role = "kpid_lead";
	return pg_sync_run(cli, finish, request);
}
