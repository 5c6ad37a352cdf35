/* kpid appraisal preview: the cards of a period as they would be now. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/appraisal.h"
#include "cli/json_out.h"
#include "cli/table.h"
#include "sql/queries.h"

struct text appraisal_member(const json_t *object, const char *key)
{
	const json_t *word = json_object_get(object, key);
	return json_is_string(word) ? (struct text){json_string_value(word), (uint32_t)json_string_length(word)}
	                            : TEXT("–");
}

static void add_card(struct table *table, const json_t *card)
{
	bool scored = json_is_string(json_object_get(card, "score"));
	struct text low = appraisal_member(card, "low"), high = appraisal_member(card, "high"),
	            rank = appraisal_member(card, "rank");
	struct text best = appraisal_member(card, "best"), worst = appraisal_member(card, "worst");
	size_t i, n_raised = 0;
	json_t *flag;
	json_array_foreach(json_object_get(card, "flags"), i, flag) n_raised +=
	        json_is_true(json_object_get(flag, "raised"));
	table_text(table, TERM_PLAIN, appraisal_member(card, "level"));
	table_text(table, TERM_PLAIN, appraisal_member(card, "subject"));
	table_text(table, scored ? TERM_BOLD : TERM_DIM,
	           scored ? appraisal_member(card, "score") : appraisal_member(card, "status"));
	if (scored) {
		table_format(table, TERM_PLAIN, "%.*s to %.*s", (int)low.len, low.ptr, (int)high.len, high.ptr);
		table_text(table, TERM_BOLD, appraisal_member(card, "grade"));
		table_format(table, TERM_PLAIN, "%.*s (%.*s to %.*s)", (int)rank.len, rank.ptr, (int)best.len, best.ptr,
		             (int)worst.len, worst.ptr);
	} else {
		for (int c = 0; c < 3; c++)
			table_text(table, TERM_DIM, TEXT("–"));
	}
	table_text(table, TERM_PLAIN, appraisal_member(card, "weight"));
	table_format(table, n_raised > 0 ? TERM_YELLOW : TERM_DIM, "%zu", n_raised);
}

static void print_plan(const json_t *plan)
{
	static const struct table_column columns[] = {
	        {"level", false, false}, {"of", false, true},    {"score", true, false},  {"between", false, false},
	        {"grade", false, false}, {"rank", false, false}, {"weight", true, false}, {"flags", true, false}};
	struct buf name = BUF_INIT;
	struct table table;
	size_t i;
	json_t *card, *cards = json_object_get(plan, "cards");
	term_escape(&name, appraisal_member(plan, "name"));
	printf("\n%s\n", buf_text(&name).ptr);
	buf_release(&name);
	if (json_array_size(cards) == 0) {
		fputs("  no cards\n", stdout);
		return;
	}
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	json_array_foreach(cards, i, card) add_card(&table, card);
	table_print(&table);
}

static void print_head(const json_t *document)
{
	struct buf out = BUF_INIT;
	term_escape(&out, appraisal_member(document, "first"));
	buf_add_str(&out, " to ");
	term_escape(&out, appraisal_member(document, "last"));
	buf_add_str(&out, " (");
	term_escape(&out, appraisal_member(document, "time_zone"));
	buf_add_str(&out, "), ");
	term_escape(&out, appraisal_member(document, "state"));
	buf_add_str(&out, ", revision ");
	term_escape(&out, appraisal_member(document, "revision"));
	if (json_is_true(json_object_get(document, "announced_late")))
		buf_add_str(&out, ", announced late: it was stored after the period had begun");
	puts(buf_text(&out).ptr);
	buf_release(&out);
}

static void quote_numbers(struct text json, struct buf *out)
{
	bool in_string = false, in_number = false;
	for (uint32_t i = 0; i < json.len; i++) {
		char c = json.ptr[i];
		bool digit = !in_string && strchr("+-.0123456789eE", c) != NULL &&
		             (in_number || c == '-' || (c >= '0' && c <= '9'));
		if (digit != in_number)
			buf_add_char(out, '"');
		in_number = digit;
		if (in_string && c == '\\' && i + 1 < json.len) {
			buf_add_char(out, c);
			c = json.ptr[++i];
		} else if (c == '"') {
			in_string = !in_string;
		}
		buf_add_char(out, c);
	}
}

static void add_plan_file(const struct appraisal_set *set, struct buf *out)
{
	buf_add_str(out, "{\"revisions\":[");
	for (size_t i = 0; i < set->n_revisions; i++) {
		buf_add_str(out, i == 0 ? "" : ",");
		buf_add_text(out, set->revisions[i].json);
	}
	buf_add_str(out, "]}");
}

char *appraisal_plan_file(struct pg_sync *sync, const char *path, int *status_out)
{
	struct appraisal_set *set = NULL;
	struct buf out = BUF_INIT;
	*status_out = path == NULL ? CLI_OK : appraisal_file_read_for(sync, path, &set);
	if (set != NULL)
		add_plan_file(set, &out);
	appraisal_set_free(set);
	return out.data;
}

json_t *appraisal_document(struct text json)
{
	struct buf quoted = BUF_INIT;
	quote_numbers(json, &quoted);
	json_t *document = json_loadb(buf_text(&quoted).ptr, quoted.len_bytes, 0, NULL);
	buf_release(&quoted);
	return document;
}

void appraisal_print_cards(const json_t *document)
{
	size_t i;
	json_t *plan;
	print_head(document);
	json_array_foreach(json_object_get(document, "plans"), i, plan) print_plan(plan);
}

int appraisal_query(struct pg_sync *sync, const char *query, const struct pg_param *params, int n_params, int column,
                    appraisal_print *print)
{
	PGresult *row = pg_sync_query(sync, query, params, n_params);
	if (row == NULL)
		return pg_sync_failed(sync);
	struct text json = pg_get_text(row, 0, column);
	json_t *document = appraisal_document(json);
	if (sync->cli->json) {
		json_print_text(json);
		putchar('\n');
	}
	int status = print(document, sync->cli->json);
	json_decref(document);
	PQclear(row);
	return status;
}

static int print_preview(const json_t *document, bool quiet)
{
	if (!quiet)
		appraisal_print_cards(document);
	return CLI_OK;
}

static int preview(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	int status;
	char *plan_file = appraisal_plan_file(sync, request->values[APPRAISAL_PLAN_FILE], &status);
	if (status != CLI_OK)
		return status;
	const struct pg_param params[APPRAISAL_PREVIEW_N_PARAMS] = {
	        [APPRAISAL_PREVIEW_PARAM_KEY] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_PREVIEW_PARAM_PLAN_FILE] = pg_param_c_string(plan_file),
	        [APPRAISAL_PREVIEW_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	};
	status = appraisal_query(sync, "queries/appraisal_preview.sql", params, APPRAISAL_PREVIEW_N_PARAMS,
	                         APPRAISAL_PREVIEW_DOCUMENT, print_preview);
	free(plan_file);
	return status;
}

int appraisal_preview(struct cli *cli, const struct appraisal_request *request)
{
	return pg_sync_run(cli, preview, request);
}
