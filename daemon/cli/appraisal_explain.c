/* kpid appraisal explain: how the score of an agent came about, line by line. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/appraisal.h"
#include "cli/appraisal_change.h"
#include "cli/json_out.h"
#include "cli/table.h"
#include "sql/queries.h"

static void add(struct buf *out, const json_t *object, const char *key)
{
	term_escape(out, appraisal_member(object, key));
}

static bool has(const json_t *object, const char *key)
{
	return json_is_string(json_object_get(object, key));
}

static void add_sums(struct buf *out, const json_t *result)
{
	buf_add_str(out, "        ");
	add(out, result, "above");
	if (has(result, "base")) {
		buf_add_str(out, " / ");
		add(out, result, "base");
	}
	buf_add_str(out, " = ");
	add(out, result, "value");
	if (has(result, "adjusted")) {
		buf_add_str(out, "; expected with these tickets ");
		add(out, result, "expected");
		buf_add_str(out, ", adjusted ");
		add(out, result, "adjusted");
	}
	if (has(result, "low")) {
		buf_add_str(out, "; between ");
		add(out, result, "low");
		buf_add_str(out, " and ");
		add(out, result, "high");
	}
	buf_add_char(out, '\n');
}

static void add_result(struct buf *out, const json_t *result, const json_t *indicator, enum appraisal_language language)
{
	buf_add_str(out, "    ");
	add(out, result, "name");
	buf_add_str(out, ": ");
	if (has(result, "points")) {
		add(out, result, "points");
		buf_add_str(out, " of ");
		add(out, result, "weight");
		buf_add_str(out, " points\n");
	} else {
		buf_add_str(out, strcmp(json_string_value(json_object_get(result, "status")), "no_data") == 0
		                         ? "no data, so its weight does not count\n"
		                         : "too few cases, so its weight does not count\n");
	}
	add_sums(out, result);
	appraisal_describe_score(indicator, language, out);
}

static void add_head(struct buf *out, const json_t *plan, const json_t *card)
{
	add(out, plan, "name");
	buf_add_str(out, ": ");
	add(out, card, "subject");
	if (!has(card, "score")) {
		buf_add_str(out, ", no score, because the figures that count have a weight of ");
		add(out, card, "weight");
		buf_add_char(out, '\n');
		return;
	}
	static const char *const parts[][2] = {{", score ", "score"},  {" (between ", "low"}, {" and ", "high"},
	                                       {"), grade ", "grade"}, {", rank ", "rank"},   {" (", "best"},
	                                       {" to ", "worst"},      {") of ", "ranked"}};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		buf_add_str(out, parts[i][0]);
		add(out, card, parts[i][1]);
	}
	buf_add_char(out, '\n');
}

static void add_flags(struct buf *out, const json_t *card)
{
	size_t i;
	json_t *flag;
	json_array_foreach(json_object_get(card, "flags"), i, flag)
	{
		if (!json_is_true(json_object_get(flag, "raised")))
			continue;
		static const char *const parts[][2] = {{"    Flag, without points: ", "name"},
		                                       {": ", "mark"},
		                                       {" of ", "per"},
		                                       {"; the others ", "others_mark"},
		                                       {" of ", "others_per"}};
		for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++) {
			buf_add_str(out, parts[part][0]);
			add(out, flag, parts[part][1]);
		}
		buf_add_char(out, '\n');
	}
}

void appraisal_print_card(const json_t *entry, enum appraisal_language language)
{
	const json_t *plan = json_object_get(entry, "plan"), *card = json_object_get(entry, "card");
	struct buf out = BUF_INIT;
	size_t i;
	json_t *result;
	add_head(&out, plan, card);
	json_array_foreach(json_object_get(card, "indicators"), i, result)
	        add_result(&out, result, json_array_get(json_object_get(plan, "indicators"), i), language);
	add_flags(&out, card);
	fputs(buf_text(&out).ptr, stdout);
	buf_release(&out);
}

/* The item of a list with this name; NULL: none. */
static const json_t *named(const json_t *list, const char *name)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i,
	                   item) if (strcmp(json_string_value(json_object_get(item, "name")), name) == 0) return item;
	return NULL;
}

static int print_tickets(struct pg_sync *sync, const struct appraisal_request *request, const char *plan_file,
                         const json_t *plan)
{
	static const struct table_column columns[] = {
	        {"ticket", false, true}, {"above", true, false}, {"base", true, false}};
	const json_t *indicator = named(json_object_get(plan, "indicators"), request->arguments[2]);
	const char *better = json_string_value(json_object_get(indicator, "better"));
	struct table table;
	const struct pg_param params[APPRAISAL_TICKETS_N_PARAMS] = {
	        [APPRAISAL_TICKETS_PARAM_KEY] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_TICKETS_PARAM_PLAN_FILE] = pg_param_c_string(plan_file),
	        [APPRAISAL_TICKETS_PARAM_PLAN] = pg_param_c_string(json_string_value(json_object_get(plan, "name"))),
	        [APPRAISAL_TICKETS_PARAM_AGENT] = pg_param_c_string(request->arguments[1]),
	        [APPRAISAL_TICKETS_PARAM_ITEM] = pg_param_c_string(request->arguments[2]),
	        [APPRAISAL_TICKETS_PARAM_UP] =
	                pg_param_c_string(better != NULL && strcmp(better, "up") == 0 ? "t" : "f"),
	        [APPRAISAL_TICKETS_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	};
	PGresult *rows = pg_sync_query(sync, "queries/appraisal_tickets.sql", params, APPRAISAL_TICKETS_N_PARAMS);
	if (rows == NULL)
		return pg_sync_failed(sync);
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (int row = 0; row < PQntuples(rows); row++) {
		table_text(&table, TERM_PLAIN, pg_get_text(rows, row, APPRAISAL_TICKETS_TICKET_ID));
		table_text(&table, TERM_PLAIN, pg_get_text(rows, row, APPRAISAL_TICKETS_ABOVE));
		table_text(&table, TERM_PLAIN, pg_get_text(rows, row, APPRAISAL_TICKETS_BASE));
	}
	table_print(&table);
	PQclear(rows);
	return CLI_OK;
}

/* Prints the cards; with an indicator the tickets behind it instead. */
static int print_document(struct pg_sync *sync, const struct appraisal_request *request, const char *plan_file,
                          const json_t *document)
{
	const char *item = request->arguments[2];
	size_t i, n = 0;
	json_t *entry;
	int status = CLI_OK;
	json_array_foreach(json_object_get(document, "cards"), i, entry)
	{
		const json_t *plan = json_object_get(entry, "plan");
		bool shown = item == NULL || named(json_object_get(plan, "indicators"), item) != NULL ||
		             named(json_object_get(plan, "flags"), item) != NULL;
		if (!shown || status != CLI_OK)
			continue;
		n++;
		if (item == NULL)
			appraisal_print_card(entry, request->language);
		else
			status = print_tickets(sync, request, plan_file, plan);
	}
	if (n > 0)
		return status;
	pg_sync_print_error(sync,
	                    item == NULL ? "%s has no card in %s" : "no card of %s in %s has this indicator or flag",
	                    request->arguments[1], request->arguments[0]);
	return CLI_FAILED;
}

static int explain_by(struct pg_sync *sync, const struct appraisal_request *request, const char *plan_file)
{
	const struct pg_param params[APPRAISAL_EXPLAIN_N_PARAMS] = {
	        [APPRAISAL_EXPLAIN_PARAM_KEY] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_EXPLAIN_PARAM_PLAN_FILE] = pg_param_c_string(plan_file),
	        [APPRAISAL_EXPLAIN_PARAM_AGENT] = pg_param_c_string(request->arguments[1]),
	        [APPRAISAL_EXPLAIN_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	};
	PGresult *row = pg_sync_query(sync, "queries/appraisal_explain.sql", params, APPRAISAL_EXPLAIN_N_PARAMS);
	if (row == NULL)
		return pg_sync_failed(sync);
	struct text json = pg_get_text(row, 0, APPRAISAL_EXPLAIN_DOCUMENT);
	int status = CLI_OK;
	if (sync->cli->json) {
		json_print_text(json);
		putchar('\n');
	} else {
		json_t *document = appraisal_document(json);
		status = print_document(sync, request, plan_file, document);
		json_decref(document);
	}
	PQclear(row);
	return status;
}

static int explain(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	int status;
	char *plan_file = appraisal_plan_file(sync, request->values[APPRAISAL_PLAN_FILE], &status);
	if (status == CLI_OK)
		status = explain_by(sync, request, plan_file);
	free(plan_file);
	return status;
}

int appraisal_explain(struct cli *cli, const struct appraisal_request *request)
{
	return pg_sync_run(cli, explain, request);
}
