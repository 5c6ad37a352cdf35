/* kpid appraisal adjust and enter: what people change of cards, on record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/appraisal.h"
#include "cli/appraisal_change.h"
#include "cli/term.h"
#include "kpid/base/memory.h"
#include "sql/queries.h"

json_t *appraisal_change(const struct appraisal_request *request)
{
	static const struct {
		enum appraisal_option value;
		const char *key;
	} parts[] = {{APPRAISAL_EXCLUDE, "exclude"},
	             {APPRAISAL_INDICATOR, "indicator"},
	             {APPRAISAL_POINTS, "points"},
	             {APPRAISAL_UNDO, "undo"}};
	json_t *change = json_object();
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (request->values[parts[i].value] != NULL)
			json_object_set_new(change, parts[i].key, json_string(request->values[parts[i].value]));
	return change;
}

void appraisal_print_adjustment(const json_t *done)
{
	static const char *const parts[][2] = {
	        {"adjustment ", "adjustment"}, {": ", "level"},        {" ", "subject"}, {" of plan ", "plan"},
	        {", version ", "version"},     {", score ", "before"}, {" → ", "score"}, {", grade ", "grade"}};
	struct buf out = BUF_INIT;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		buf_add_str(&out, parts[i][0]);
		term_escape(&out, appraisal_member(done, parts[i][1]));
	}
	puts(buf_text(&out).ptr);
	buf_release(&out);
}

static int print_adjusted(const json_t *document, bool quiet)
{
	if (!quiet)
		appraisal_print_adjustment(document);
	return CLI_OK;
}

static const char *level_of(const struct appraisal_request *request)
{
	return request->values[APPRAISAL_LEVEL] == NULL ? "agent" : request->values[APPRAISAL_LEVEL];
}

static int adjust(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct appraisal_request *request = context;
	json_t *change = appraisal_change(request);
	char *text = json_dumps(change, JSON_COMPACT);
	const struct pg_param params[APPRAISAL_ADJUST_N_PARAMS] = {
	        [APPRAISAL_ADJUST_PARAM_KEY] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_ADJUST_PARAM_PLAN] = pg_param_c_string(request->values[APPRAISAL_IN]),
	        [APPRAISAL_ADJUST_PARAM_LEVEL] = pg_param_c_string(level_of(request)),
	        [APPRAISAL_ADJUST_PARAM_SUBJECT] = pg_param_c_string(request->arguments[1]),
	        [APPRAISAL_ADJUST_PARAM_CHANGE] = pg_param_c_string(text),
	        [APPRAISAL_ADJUST_PARAM_WHO] = pg_param_c_string(request->values[APPRAISAL_BY]),
	        [APPRAISAL_ADJUST_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	};
	int status = appraisal_query(sync, "queries/appraisal_adjust.sql", params, APPRAISAL_ADJUST_N_PARAMS,
	                             APPRAISAL_ADJUST_DOCUMENT, print_adjusted);
	json_decref(change);
	free(text);
	return status;
}

int appraisal_adjust(struct cli *cli, const struct appraisal_request *request)
{
	json_t *change = appraisal_change(request);
	size_t n = json_object_size(change) - (json_object_get(change, "indicator") != NULL);
	json_decref(change);
	if (n != 1)
		return cli_usage_error(cli, "adjust takes one of --exclude, --points and --undo");
	return pg_sync_run(cli, adjust, request);
}

/* ---- enter ---- */

struct entry {
	const struct appraisal_request *request;
	const char *above, *base;
};

static int print_entered(const json_t *document, bool quiet)
{
	struct text number = appraisal_member(document, "entry");
	if (!quiet)
		printf("entry %.*s is stored\n", (int)number.len, number.ptr);
	return CLI_OK;
}

static int enter(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct entry *entry = context;
	const struct appraisal_request *request = entry->request;
	const struct pg_param params[APPRAISAL_ENTER_N_PARAMS] = {
	        [APPRAISAL_ENTER_PARAM_KEY] = pg_param_c_string(request->arguments[0]),
	        [APPRAISAL_ENTER_PARAM_PLAN] = pg_param_c_string(request->values[APPRAISAL_IN]),
	        [APPRAISAL_ENTER_PARAM_LEVEL] = pg_param_c_string(level_of(request)),
	        [APPRAISAL_ENTER_PARAM_SUBJECT] = pg_param_c_string(request->arguments[1]),
	        [APPRAISAL_ENTER_PARAM_INDICATOR] = pg_param_c_string(request->arguments[2]),
	        [APPRAISAL_ENTER_PARAM_ABOVE] = pg_param_c_string(entry->above),
	        [APPRAISAL_ENTER_PARAM_BASE] = pg_param_c_string(entry->base),
	        [APPRAISAL_ENTER_PARAM_WHO] = pg_param_c_string(request->values[APPRAISAL_BY]),
	        [APPRAISAL_ENTER_PARAM_WHY] = pg_param_c_string(request->values[APPRAISAL_WHY]),
	};
	return appraisal_query(sync, "queries/appraisal_enter.sql", params, APPRAISAL_ENTER_N_PARAMS,
	                       APPRAISAL_ENTER_DOCUMENT, print_entered);
}

int appraisal_enter(struct cli *cli, const struct appraisal_request *request)
{
	char *value = mem_strdup(request->arguments[3]), *slash = strchr(value, '/');
	int status;
	if (slash == NULL) {
		status = cli_usage_error(cli, "a value is written as ABOVE/BASE, such as 45/50, not %s", value);
	} else {
		*slash = '\0';
		status = pg_sync_run(cli, enter, &(struct entry){request, value, slash + 1});
	}
	free(value);
	return status;
}
