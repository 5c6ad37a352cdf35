#include <stdio.h>

#include "cli/explain.h"

enum { MAX_LINE_COLUMNS = 110, MIN_LINE_COLUMNS = 80 };

static void print(const struct explanation *explanation)
{
	struct term term;
	struct buf out = BUF_INIT;
	term_init(&term);
	term.columns = term.columns > MAX_LINE_COLUMNS ? MAX_LINE_COLUMNS : term.columns;
	term.columns = term.columns < MIN_LINE_COLUMNS ? MIN_LINE_COLUMNS : term.columns;
	explanation_write(explanation, &term, &out);
	fwrite(buf_text(&out).ptr, 1, out.len_bytes, stdout);
	buf_release(&out);
}

static int explain(struct pg_sync *sync, const struct kpid_config *config, const void *ticket_id)
{
	struct explanation explanation;
	explanation_init(&explanation);
	int status = explanation_read(&explanation, sync, text_of(ticket_id), config->kpi.fcr_window_us);
	if (status == CLI_OK && sync->cli->json)
		explanation_write_json(&explanation);
	else if (status == CLI_OK)
		print(&explanation);
	explanation_release(&explanation);
	return status;
}

int cmd_explain(struct cli *cli, int argc, char **argv)
{
	int status;
	if (cli_option(cli, argc, argv, "", NULL, &status) == CLI_OPTION_DONE)
		return status;
	if (!cli_arguments(cli, argc, 1, 1))
		return CLI_USAGE;
	return pg_sync_run(cli, explain, argv[optind]);
}
