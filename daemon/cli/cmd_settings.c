/* kpid settings: the settings that all instances share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "app/shared_settings.h"
#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/pg_sync.h"
#include "cli/term.h"
#include "kpid/base/memory.h"

static int show(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config, (void)context;
	PGresult *rows = pg_sync_query(sync, "queries/settings_list.sql", NULL, 0);
	if (rows == NULL)
		return pg_sync_failed(sync);
	json_t *object = json_object();
	struct buf out = BUF_INIT;
	for (int row = 0; row < PQntuples(rows); row++) {
		struct text name = pg_get_text(rows, row, SETTINGS_LIST_NAME),
		            value = pg_get_text(rows, row, SETTINGS_LIST_VALUE);
		json_object_setn_new(object, name.ptr, name.len, json_of_text(value));
		term_escape(&out, name);
		buf_add_str(&out, " = ");
		term_escape(&out, value);
		buf_add_char(&out, '\n');
	}
	if (sync->cli->json)
		json_print(object);
	else {
		fwrite(buf_text(&out).ptr, 1, out.len_bytes, stdout);
		json_decref(object);
	}
	buf_release(&out);
	PQclear(rows);
	return CLI_OK;
}

struct change {
	const char *name;
	char *value;
};

/* No row: PostgreSQL does not know the time zone. */
static PGresult *store(struct pg_sync *sync, const struct change *change)
{
	struct pg_param params[SETTINGS_PUT_N_PARAMS] = {
	        [SETTINGS_PUT_PARAM_NAME] = pg_param_c_string(change->name),
	        [SETTINGS_PUT_PARAM_SETTING] = pg_param_c_string(change->value),
	};
	if (strcmp(change->name, SETTING_ZONE) == 0)
		return pg_sync_query(sync, "queries/settings_zone.sql", &params[SETTINGS_PUT_PARAM_SETTING], 1);
	return pg_sync_query(sync, "queries/settings_put.sql", params, SETTINGS_PUT_N_PARAMS);
}

static int set(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	(void)config;
	const struct change *change = context;
	PGresult *row = store(sync, change);
	int status = CLI_OK;
	if (row == NULL)
		return pg_sync_failed(sync);
	if (PQntuples(row) == 0) {
		pg_sync_print_error(sync, "PostgreSQL does not know the time zone %s", change->value);
		status = CLI_FAILED;
	} else if (sync->cli->json) {
		json_print(json_pack("{s:s, s:o, s:s}", "name", change->name, "before",
		                     json_of_text(pg_get_text(row, 0, SETTINGS_PUT_BEFORE)), "value", change->value));
	} else {
		struct buf before = BUF_INIT;
		term_escape(&before, PQgetisnull(row, 0, SETTINGS_PUT_BEFORE)
		                             ? TEXT("not set")
		                             : pg_get_text(row, 0, SETTINGS_PUT_BEFORE));
		printf("%s is now %s for all instances (before: %s). An instance whose configuration sets another "
		       "value does not start.\n",
		       change->name, change->value, buf_text(&before).ptr);
		buf_release(&before);
	}
	PQclear(row);
	return status;
}

/* The options of [appraisal] that are not shared. */
static bool is_of_each_instance(const char *name)
{
	return strcmp(name, "appraisal.refresh") == 0 || strcmp(name, "appraisal.key_file") == 0 ||
	       strcmp(name, "appraisal.keep") == 0;
}

/* Returns CLI_OK for a setting that can change, else a usage error. */
static int may_change(const struct cli *cli, const char *name)
{
	if (strncmp(name, "kpi.fcr_window", strlen("kpi.fcr_window")) == 0 || strcmp(name, SETTING_RULES) == 0)
		return cli_usage_error(cli, "%s cannot change: every stored figure was calculated with it", name);
	if (strcmp(name, SETTING_POLICIES) == 0)
		return cli_usage_error(cli, "%s follows the policy files: change those, and reload the instances",
		                       name);
	if (strncmp(name, SETTING_APPRAISAL, strlen(SETTING_APPRAISAL)) == 0 && !is_of_each_instance(name))
		return CLI_OK;
	if (strcmp(name, SETTING_ZONE) == 0 || strcmp(name, SETTING_GROUP) == 0 || strcmp(name, SETTING_ALERTS) == 0 ||
	    (strncmp(name, SETTING_TOPIC, strlen(SETTING_TOPIC)) == 0 && name[strlen(SETTING_TOPIC)] != '\0'))
		return CLI_OK;
	return cli_usage_error(cli,
	                       "only report.time_zone, kafka.group.id, alert.topic, topics.NAME and the options of "
	                       "[appraisal] that are one set for the database can be set, not %s",
	                       name);
}

/* Checks the value as that of an option, and gives it as instances write it; the caller frees it. NULL after printing
 * what is wrong. */
static char *read_value(struct cli *cli, const char *name, const char *value)
{
	struct shared_settings settings;
	struct kpid_config *config;
	struct buf option = BUF_INIT;
	if (strcmp(name, SETTING_ZONE) == 0)
		return mem_strdup(value); /* PostgreSQL decides */
	buf_add_format(&option, "%s=%s", name, value);
	cli_add_set(cli, option.data);
	int status = cli_load_config(cli, &config);
	cli_remove_set(cli);
	buf_release(&option);
	if (status != CLI_OK)
		return NULL;
	shared_settings_init(&settings, config, true, NULL, NULL);
	const struct shared_setting *setting = shared_settings_find(&settings, text_of(name));
	char *found = mem_strdup(setting == NULL ? value : setting->value);
	shared_settings_release(&settings);
	kpid_config_free(config);
	return found;
}

static int change(struct cli *cli, const char *name, const char *value)
{
	int status = may_change(cli, name);
	if (status != CLI_OK)
		return status;
	struct change change = {name, read_value(cli, name, value)};
	if (change.value == NULL)
		return CLI_CONFIG;
	status = pg_sync_run(cli, set, &change);
	free(change.value);
	return status;
}

int cmd_settings(struct cli *cli, int argc, char **argv)
{
	int status;
	if (cli_option(cli, argc, argv, "", NULL, &status) == CLI_OPTION_DONE)
		return status;
	if (optind >= argc)
		return cli_usage_error(cli, "an action is missing: show or set");
	bool sets = strcmp(argv[optind], "set") == 0;
	if (!sets && strcmp(argv[optind], "show") != 0)
		return cli_usage_error(cli, "unknown action %s; use show or set", argv[optind]);
	optind++;
	if (!cli_arguments(cli, argc, sets ? 2 : 0, sets ? 2 : 0))
		return CLI_USAGE;
	return sets ? change(cli, argv[optind], argv[optind + 1]) : pg_sync_run(cli, show, NULL);
}
