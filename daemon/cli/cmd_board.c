/* kpid board: the live page. */
#include <stdlib.h>

#include "board/board.h"
#include "cli/cli.h"
#include "kpid/base/log.h"

int cmd_board(struct cli *cli, int argc, char **argv)
{
	int status;
	struct kpid_config *config;
	struct buf error = BUF_INIT;
	while ((status = CLI_OK, cli_option(cli, argc, argv, "", NULL, &status)) != -1)
		return status;
	if (!cli_arguments(cli, argc, 0, 0))
		return CLI_USAGE;
	status = cli_load_config(cli, &config);
	if (status != CLI_OK)
		return status;
	log_set_journal(getenv("JOURNAL_STREAM") != NULL);
	struct board *board = board_new(config, &error);
	if (board == NULL)
		log_error("%s", error.data);
	else
		board_run(board);
	status = board == NULL ? CLI_CONFIG : CLI_OK;
	board_free(board);
	kpid_config_free(config);
	buf_release(&error);
	return status;
}
