/* kpid settings: what all instances must agree on. */
#include <stdio.h>
#include <string.h>

#include "adapters/pg/rows.h"
#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/pg_sync.h"
#include "cli/term.h"

/* The settings that may change, and the query that changes each. No row of it: the value is refused. */
static const struct changeable {
	const char *name, *query, *refusal;
} changeable[] = {
        {"report.time_zone", "queries/settings_zone.sql", "PostgreSQL knows no time zone"},
        {"kafka.group.id", "queries/settings_group.sql", "no group can be called"},
};

static const struct changeable *find(const char *name)
{
	for (size_t i = 0; i < sizeof(changeable) / sizeof(*changeable); i++)
		if (strcmp(name, changeable[i].name) == 0)
			return &changeable[i];
	return NULL;
}

static int show(struct pg_sync *sync, char *const *arguments)
{
	(void)arguments;
	PGresult *rows = pg_sync_query(sync, "queries/settings_list.sql", NULL, 0);
	if (rows == NULL)
		return pg_sync_failed(sync);
	json_t *object = json_object();
	struct buf out = BUF_INIT;
	for (int row = 0; row < PQntuples(rows); row++) {
		struct text name = pg_get_text(rows, row, 0), value = pg_get_text(rows, row, 1);
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

static int set(struct pg_sync *sync, char *const *arguments)
{
	const struct changeable *setting = find(arguments[0]);
	const char *value = arguments[1];
	const struct pg_param param = pg_param_c_string(value);
	PGresult *row = pg_sync_query(sync, setting->query, &param, 1);
	int status = CLI_OK;
	if (row == NULL)
		return pg_sync_failed(sync);
	if (PQntuples(row) == 0) {
		pg_sync_say(sync, "%s %s", setting->refusal, value);
		status = CLI_FAILED;
	} else if (sync->cli->json) {
		json_print(json_pack("{s:s, s:o, s:s}", "name", setting->name, "before",
		                     json_of_text(pg_get_text(row, 0, 0)), "value", value));
	} else {
		struct buf before = BUF_INIT;
		term_escape(&before, PQgetisnull(row, 0, 0) ? TEXT("not set") : pg_get_text(row, 0, 0));
		printf("%s is %s for everybody now; it was %s. Configurations that name another are refused\n",
		       setting->name, value, buf_text(&before).ptr);
		buf_release(&before);
	}
	PQclear(row);
	return status;
}

/* The settings that may change: CLI_OK, or why not. */
static int may_change(const struct cli *cli, const char *name)
{
	if (find(name) != NULL)
		return CLI_OK;
	if (strncmp(name, "kpi.fcr_window", strlen("kpi.fcr_window")) == 0 || strcmp(name, "rules.version") == 0)
		return cli_usage_error(cli, "%s cannot change: every figure in the database was made with it", name);
	return cli_usage_error(cli, "only report.time_zone and kafka.group.id can be set, not %s", name);
}

int cmd_settings(struct cli *cli, int argc, char **argv)
{
	struct kpid_config *config;
	struct pg_sync sync;
	int status;
	if (cli_option(cli, argc, argv, "", NULL, &status) == CLI_OPTION_DONE)
		return status;
	if (optind >= argc)
		return cli_usage_error(cli, "show or set?");
	bool sets = strcmp(argv[optind], "set") == 0;
	if (!sets && strcmp(argv[optind], "show") != 0)
		return cli_usage_error(cli, "it is show or set, not %s", argv[optind]);
	optind++;
	if (!cli_arguments(cli, argc, sets ? 2 : 0, sets ? 2 : 0))
		return CLI_USAGE;
	status = sets ? may_change(cli, argv[optind]) : CLI_OK;
	if (status != CLI_OK)
		return status;
	status = cli_load_config(cli, &config);
	if (status != CLI_OK)
		return status;
	if (!pg_sync_open(&sync, cli, &config->postgres))
		status = pg_sync_failed(&sync);
	else
		status = sets ? set(&sync, argv + optind) : show(&sync, argv + optind);
	pg_sync_close(&sync);
	kpid_config_free(config);
	return status;
}
