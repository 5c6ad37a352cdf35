#include "cli/preflight.h"

#include <string.h>

#include "adapters/pg/migrate.h"
#include "cli/pg_sync.h"

/* The findings of migrate_check(), a line each. */
static void say_findings(const struct pg_sync *sync, struct buf *why)
{
	for (char *line = why->data, *end; line != NULL; line = end) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		pg_sync_say(sync, "%s", line);
	}
}

static int look_at_schema(struct pg_sync *sync)
{
	struct buf why = BUF_INIT;
	int verdict = migrate_check(sync->conn, sql_files, &why);
	if (verdict != MIGRATE_CURRENT)
		say_findings(sync, &why);
	buf_release(&why);
	return verdict == MIGRATE_CURRENT ? CLI_OK : verdict < 0 ? CLI_NO_POSTGRES : CLI_FAILED;
}

/* What passes by itself may be waited for, and a standby that becomes the primary too. */
static bool may_wait(const struct pg_sync *sync)
{
	return !sql_fault_lasts(sync->fault);
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
		status = look_at_schema(&sync);
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
