#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "app/configured_shard.h"
#include "app/file_feed.h"
#include "cli/cli.h"
#include "cli/ingest_compare.h"
#include "cli/ingest_dry.h"
#include "cli/preflight.h"
#include "cli/records.h"

enum { DRY_RUN = 256, POLICY, COMPARE };

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
	printf("%" PRId64 " lines read in %.1f s (%.0f/s), %" PRId64 " were already read\n", report->n_lines, seconds,
	       seconds > 0 ? (double)report->n_lines / seconds : 0, report->n_skipped);
	printf("totals of this file: %" PRId64 " events applied, %" PRId64 " duplicates, %" PRId64
	       " of other types, %" PRId64 " dead letters\n",
	       applied, report->counts[1], report->counts[3], report->counts[4]);
}

static int run(struct cli *cli, const char *path, const struct records *records)
{
	struct kpid_config *config;
	int status = preflight_load(cli, &config);
	if (status != CLI_OK)
		return status;
	const struct shard shard = configured_shard(config);
	if (shard_shares_partitions(&shard)) {
		kpid_config_free(config);
		return cli_usage_error(cli, "the lines of a file have no partition: with [shard] by = partition, send "
		                            "them to Kafka instead");
	}
	const struct file_feed_order order = {
	        .path = path, .progress = isatty(STDERR_FILENO) && !cli->json, .records = records->file};
	struct file_feed_report report;
	status = file_feed_run(config, &order, &report);
	if (status == CLI_OK)
		print_report(cli, &report);
	return status;
}

/* policy: NULL: without verdicts. */
static int dry(const struct cli *cli, const char *path, const struct records *records, const char *policy)
{
	struct dry_verdicts verdicts;
	if (policy == NULL)
		return ingest_dry(cli, path, &records->file, NULL);
	int status = dry_verdicts_open(&verdicts, policy);
	if (status == CLI_OK)
		status = ingest_dry(cli, path, &records->file, &verdicts);
	dry_verdicts_release(&verdicts);
	return status;
}

int cmd_ingest(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"dry-run", no_argument, NULL, DRY_RUN},
	                                        {"policy", required_argument, NULL, POLICY},
	                                        {"compare", no_argument, NULL, COMPARE},
	                                        RECORDS_LONG_OPTIONS,
	                                        {NULL, 0, NULL, 0}};
	struct records_options named = {.map = NULL};
	struct records records;
	int status = CLI_OK, option;
	bool dry_run = false, compare = false;
	const char *policy = NULL;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		if (option == DRY_RUN)
			dry_run = true;
		else if (option == POLICY)
			policy = optarg;
		else if (option == COMPARE)
			compare = true;
		else if (!records_take(cli, &named, option, optarg))
			return CLI_USAGE;
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (!cli_arguments(cli, argc, 1, 1))
		return CLI_USAGE;
	if (dry_run && compare)
		return cli_usage_error(cli, "use either --dry-run or --compare");
	if ((dry_run || compare) && named.map == NULL && !named.flat)
		return cli_usage_error(cli, "%s needs --map FILE or --flat", dry_run ? "--dry-run" : "--compare");
	if (policy != NULL && (!dry_run || cli->json))
		return cli_usage_error(cli, "--policy belongs to --dry-run, without --json");
	status = records_open(cli, &named, argv[optind], &records);
	if (status == CLI_OK)
		status = dry_run   ? dry(cli, argv[optind], &records, policy)
		         : compare ? ingest_compare(cli, argv[optind], &records.file)
		                   : run(cli, argv[optind], &records);
	records_release(&records);
	return status;
}
