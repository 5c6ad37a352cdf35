#include "cli/preflight.h"

#include <string.h>

#include "adapters/pg/migrate.h"
#include "cli/pg_sync.h"

int preflight(const struct cli *cli, const struct kpid_config *config, bool may_be_away)
{
	struct pg_sync sync;
	struct buf why = BUF_INIT;
	int status = CLI_OK;
	if (!pg_sync_open(&sync, cli, &config->postgres)) {
		status = may_be_away ? CLI_OK : pg_sync_failed(&sync);
	} else if (migrate_check(sync.conn, sql_files, &why) != MIGRATE_CURRENT) {
		for (char *line = why.data, *end; line != NULL; line = end) {
			end = strchr(line, '\n');
			if (end != NULL)
				*end++ = '\0';
			pg_sync_say(&sync, "%s", line);
		}
		status = CLI_FAILED;
	}
	buf_release(&why);
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
