#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "app/file_feed.h"
#include "cli/cli.h"
#include "cli/preflight.h"

static void print_report(const struct cli *cli, const struct file_feed_report *report)
{
	double seconds = (double)report->elapsed_us / 1e6;
	int64_t applied =
	        report->counts[0] - report->counts[1] - report->counts[2] - report->counts[3] - report->counts[4];
	if (cli->json) {
		printf("{\"lines\":%" PRId64 ",\"skipped\":%" PRId64 ",\"seconds\":%.3f,\"messages\":%" PRId64
		       ",\"applied\":%" PRId64 ",\"duplicates\":%" PRId64 ",\"tombstones\":%" PRId64
		       ",\"unknown_type\":%" PRId64 ",\"dead_letters\":%" PRId64,
		       report->n_lines, report->n_skipped, seconds, report->counts[0], applied, report->counts[1],
		       report->counts[2], report->counts[3], report->counts[4]);
		printf(",\"batches\":%" PRId64 ",\"ticket_rows\":%" PRId64 ",\"parse_us\":%" PRId64
		       ",\"read_us\":%" PRId64 ",\"evaluate_us\":%" PRId64 ",\"write_us\":%" PRId64
		       ",\"commit_us\":%" PRId64 "}\n",
		       report->parts.n_batches, report->parts.n_tickets, report->parse_us, report->parts.read_us,
		       report->parts.evaluate_us, report->parts.write_us, report->parts.commit_us);
		return;
	}
	printf("%" PRId64 " lines read in %.1f s (%.0f/s), %" PRId64 " were there already\n", report->n_lines, seconds,
	       seconds > 0 ? (double)report->n_lines / seconds : 0, report->n_skipped);
	printf("of this file in all: %" PRId64 " events applied, %" PRId64 " duplicates, %" PRId64
	       " of other types, %" PRId64 " dead letters\n",
	       applied, report->counts[1], report->counts[3], report->counts[4]);
}

int cmd_ingest(struct cli *cli, int argc, char **argv)
{
	int status = CLI_OK;
	if (cli_option(cli, argc, argv, "", NULL, &status) != -1)
		return status;
	if (!cli_arguments(cli, argc, 1, 1))
		return CLI_USAGE;
	struct kpid_config *config;
	status = preflight_load(cli, &config);
	if (status != CLI_OK)
		return status;
	const struct file_feed_order order = {.path = argv[optind], .progress = isatty(STDERR_FILENO) && !cli->json};
	struct file_feed_report report;
	status = file_feed_run(config, &order, &report);
	if (status == CLI_OK)
		print_report(cli, &report);
	return status;
}
