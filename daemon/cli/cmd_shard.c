#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/pg_sync.h"
#include "kpid/core/shard.h"

enum { OF = 256, MOST_SHARDS = 1024 };

static bool read_number(const char *text, long least, long most, int32_t *n_out)
{
	char *end;
	errno = 0;
	long n = text == NULL ? -1 : strtol(text, &end, 10);
	if (text == NULL || end == text || *end != '\0' || errno != 0 || n < least || n > most)
		return false;
	*n_out = (int32_t)n;
	return true;
}

/* The shards of tickets: needs no database. */
static int find(const struct cli *cli, char **ticket_ids, int32_t count)
{
	for (; *ticket_ids != NULL; ticket_ids++) {
		int32_t shard = shard_of_ticket(text_of(*ticket_ids), count);
		if (cli->json)
			json_print(json_pack("{s:s, s:i}", "ticket_id", *ticket_ids, "shard", shard));
		else
			printf("%d\n", (int)shard);
	}
	return CLI_OK;
}

static int keep(struct pg_sync *sync, const struct kpid_config *config, const void *context)
{
	const struct shard *shard = context;
	char index[4], count[4];
	(void)config;
	const struct pg_param params[SHARD_KEEP_N_PARAMS] = {
	        [SHARD_KEEP_PARAM_SHARD] = pg_param_int4(shard->index, index),
	        [SHARD_KEEP_PARAM_N_SHARDS] = pg_param_int4(shard->count, count),
	};
	PGresult *row = pg_sync_query(sync, "queries/shard_keep.sql", params, SHARD_KEEP_N_PARAMS);
	if (row == NULL)
		return pg_sync_failed(sync);
	int64_t n = pg_get_int8(row, 0, SHARD_KEEP_N_TICKETS);
	if (sync->cli->json)
		json_print(json_pack("{s:i, s:i, s:I}", "index", shard->index, "count", shard->count, "deleted_tickets",
		                     (json_int_t)n));
	else
		printf("The database is shard %d of %d now; %lld tickets of other shards are deleted. Run `kpid verify "
		       "--repair` next, which corrects the sums, and then the daemon with these [shard] options.\n",
		       (int)shard->index, (int)shard->count, (long long)n);
	PQclear(row);
	return CLI_OK;
}

int cmd_shard(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"of", required_argument, NULL, OF}, {NULL, 0, NULL, 0}};
	struct shard shard = {.by = SHARD_BY_TICKET};
	const char *of = NULL;
	int option, status;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0)
		of = optarg;
	if (option == CLI_OPTION_DONE)
		return status;
	if (optind >= argc)
		return cli_usage_error(cli, "an action is missing: find or keep");
	const char *action = argv[optind++];
	if (!read_number(of, 1, MOST_SHARDS, &shard.count))
		return cli_usage_error(cli, "--of takes the number of shards, 1 to %d", MOST_SHARDS);
	if (strcmp(action, "find") == 0)
		return cli_arguments(cli, argc, 1, -1) ? find(cli, argv + optind, shard.count) : CLI_USAGE;
	if (strcmp(action, "keep") != 0)
		return cli_usage_error(cli, "unknown action %s; use find or keep", action);
	if (!cli_arguments(cli, argc, 1, 1))
		return CLI_USAGE;
	if (!read_number(argv[optind], 0, shard.count - 1, &shard.index))
		return cli_usage_error(cli, "keep takes the index of a shard, 0 to %d", (int)shard.count - 1);
	cli->needed_role = "kpid_owner";
	return pg_sync_run(cli, keep, &shard);
}
