#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/kafka_feed.h"
#include "cli/cli.h"
#include "cli/preflight.h"
#include "kpid/base/log.h"

int cmd_run(struct cli *cli, int argc, char **argv)
{
	int status;
	while ((status = CLI_OK, cli_option(cli, argc, argv, "", NULL, &status)) != -1)
		return status;
	if (!cli_arguments(cli, argc, 0, 0))
		return CLI_USAGE;
	struct kpid_config *config;
	/* Until the loop listens: who asks for a reload now gets what is about to be read anyway. */
	signal(SIGHUP, SIG_IGN);
	status = cli_load_config(cli, &config);
	if (status != CLI_OK)
		return status;
	struct config_faults faults = CONFIG_FAULTS_INIT;
	struct receivers *receivers = receivers_load(config->alert.receivers_file, &faults);
	bool can_run = kpid_config_can_run(config, &faults) && receivers != NULL;
	if (!can_run) {
		struct buf text = BUF_INIT;
		config_faults_write(&faults, &text);
		fputs(text.data, stderr);
		buf_release(&text);
	}
	config_faults_release(&faults);
	if (!can_run) {
		receivers_free(receivers);
		kpid_config_free(config);
		return CLI_CONFIG;
	}
	/* A server that is away is waited for; a database that is not ours to write is not. */
	status = preflight(cli, config, true);
	if (status != CLI_OK) {
		receivers_free(receivers);
		kpid_config_free(config);
		return status;
	}
	/* Under systemd stderr is the journal, which has time stamps of its own. */
	log_set_journal(getenv("JOURNAL_STREAM") != NULL);
	return kafka_feed_run(config, receivers, kpid_config_path(cli->config_path), cli->sets, cli->n_sets);
}
