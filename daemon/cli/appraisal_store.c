/* kpid appraisal apply and roster: what people maintain, stored. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/appraisal.h"
#include "cli/file_text.h"
#include "cli/json_out.h"
#include "kpid/core/roster.h"
#include "sql/queries.h"

/* Runs a function of the schema appraisal on a list and the user's name, and prints the number that it returns.
 * Releases the list. */
static int send(struct pg_sync *sync, const char *query, json_t *list, int column, const char *key,
                const char *sentence)
{
	char *text = json_dumps(list, JSON_COMPACT);
	const struct pg_param params[] = {pg_param_c_string(text), pg_param_c_string(cli_user())};
	PGresult *row = pg_sync_query(sync, query, params, 2);
	json_decref(list);
	free(text);
	if (row == NULL)
		return pg_sync_failed(sync);
	if (sync->cli->json)
		json_print(json_pack("{s:i}", key, (int)pg_get_int4(row, 0, column)));
	else
		printf("%d %s\n", (int)pg_get_int4(row, 0, column), sentence);
	PQclear(row);
	return CLI_OK;
}

int appraisal_file_read_for(struct pg_sync *sync, const char *path, struct appraisal_set **set_out)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	PGresult *row = pg_sync_query(sync, "queries/appraisal_limits.sql", NULL, 0);
	if (row == NULL)
		return pg_sync_failed(sync);
	const struct appraisal_limits limits = {pg_get_int8(row, 0, APPRAISAL_LIMITS_FCR_WINDOW_US),
	                                        pg_get_int8(row, 0, APPRAISAL_LIMITS_CALLBACK_WITHIN_US)};
	PQclear(row);
	*set_out = appraisal_file_read(path, &limits, &errors, NULL);
	if (*set_out == NULL)
		file_text_print_errors(sync->cli, &errors);
	config_errors_release(&errors);
	return *set_out == NULL ? CLI_CONFIG : CLI_OK;
}

static json_t *list_of_revisions(const struct appraisal_set *set)
{
	char time[TIMESTAMP_TEXT_BYTES];
	json_t *list = json_array();
	for (size_t i = 0; i < set->n_revisions; i++) {
		const struct appraisal_revision *revision = &set->revisions[i];
		bool starts = revision->effective_from_us != INT64_MIN;
		if (starts)
			timestamp_format(revision->effective_from_us, time);
		json_array_append_new(list,
		                      json_pack("{s:s%, s:s, s:s%}", "id", revision->id.ptr, (size_t)revision->id.len,
		                                "effective_from", starts ? time : "-infinity", "json",
		                                revision->json.ptr, (size_t)revision->json.len));
	}
	return list;
}

static int apply(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	struct appraisal_set *set = NULL;
	int status = appraisal_file_read_for(sync, request->arguments[0], &set);
	if (set != NULL)
		status = send(sync, "queries/appraisal_apply.sql", list_of_revisions(set), APPRAISAL_APPLY_N_STORED,
		              "stored", "new revisions stored");
	appraisal_set_free(set);
	return status;
}

int appraisal_apply(struct cli *cli, const struct appraisal_request *request)
{
	return pg_sync_run(cli, apply, request);
}

static json_t *list_of_entries(const struct roster *roster)
{
	json_t *list = json_array();
	for (size_t i = 0; i < roster->n; i++) {
		json_t *entry = json_object();
		for (int column = 0; column < ROSTER_N_COLUMNS; column++)
			if (!text_is_empty(roster->rows[i].values[column]))
				json_object_set_new(entry, roster_column_name((enum roster_column)column),
				                    json_stringn(roster->rows[i].values[column].ptr,
				                                 roster->rows[i].values[column].len));
		json_array_append_new(list, entry);
	}
	return list;
}

static struct roster *read_roster(const char *path, struct config_errors *errors)
{
	struct buf csv = BUF_INIT;
	struct file_errors file_errors = {0};
	struct roster *roster = NULL;
	if (file_text_read(path, errors, &csv)) {
		roster = roster_parse(buf_text(&csv), &file_errors);
		file_text_add_errors(errors, path, file_errors.items, file_errors.n, false);
		file_errors_release(&file_errors);
	}
	buf_release(&csv);
	return roster;
}

static int replace(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	return send(sync, "queries/appraisal_roster.sql", list_of_entries(context), APPRAISAL_ROSTER_N_ROWS, "rows",
	            "rows: the roster was replaced");
}

int appraisal_roster(struct cli *cli, const struct appraisal_request *request)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct roster *roster = read_roster(request->arguments[0], &errors);
	int status = CLI_CONFIG;
	if (roster == NULL)
		file_text_print_errors(cli, &errors);
	else
		status = pg_sync_run(cli, replace, roster);
	roster_free(roster);
	config_errors_release(&errors);
	return status;
}
