#include "cli/preflight.h"

#include <string.h>

#include "adapters/pg/migrate.h"
#include "cli/pg_sync.h"

/* Prints the findings of migrate_check(), one per line. */
static void print_findings(const struct pg_sync *sync, struct buf *why)
{
	for (char *line = why->data, *end; line != NULL; line = end) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		pg_sync_print_error(sync, "%s", line);
	}
}

static int check_schema(struct pg_sync *sync)
{
	struct buf why = BUF_INIT;
	int verdict = migrate_check(sync->conn, sql_files, &why);
	if (verdict != MIGRATE_CURRENT)
		print_findings(sync, &why);
	buf_release(&why);
	return verdict == MIGRATE_CURRENT ? CLI_OK : verdict < 0 ? CLI_NO_POSTGRES : CLI_FAILED;
}

/* Temporary errors can be waited for, also a standby that may become the primary. */
static bool may_wait(const struct pg_sync *sync)
{
	return !sql_error_lasts(sync->error_class);
}

int preflight(const struct cli *cli, const struct kpid_config *config, bool may_be_away)
{
	struct pg_sync sync;
	int status = CLI_OK;
	if (!pg_sync_open(&sync, cli, &config->postgres) || !pg_sync_can_write(&sync))
		status = may_be_away && may_wait(&sync) ? CLI_OK : pg_sync_failed(&sync);
	else if (pg_sync_is_shared(&sync, &config->postgres))
		status = pg_sync_failed(&sync);
	else
		status = check_schema(&sync);
	pg_sync_close(&sync);
	return status;
}

int preflight_load(const struct cli *cli, struct kpid_config **config_out)
{
	int status = cli_load_config(cli, config_out);
	if (status != CLI_OK)
		return status;
	status = preflight(cli, *config_out, false);
	if (status != CLI_OK)
		kpid_config_free(*config_out);
	return status;
}
