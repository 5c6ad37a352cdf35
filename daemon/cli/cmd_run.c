#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/kafka/member_id.h"
#include "app/exit_status.h"
#include "app/kafka_feed.h"
#include "app/metrics_endpoint.h"
#include "cli/cli.h"
#include "cli/preflight.h"
#include "kpid/base/log.h"
#include "kpid/base/memory.h"

/* How long before the group is joined again under a name that another process may have. */
enum { REJOIN_AFTER_S = 2 };

/* The name of this process in the group: group.instance.id or the instance's name if one is given, else the machine's,
 * with a number from the second process on. The caller frees it; NULL: no name is free. false after logging that
 * another process holds the name. */
static bool claim_member_id(const struct kpid_config *config, char **member_id_out)
{
	const char *cluster = config_pairs_get(&config->kafka, "bootstrap.servers");
	const char *group = config_pairs_get(&config->kafka, "group.id");
	const char *given = config_pairs_get(&config->kafka, "group.instance.id");
	*member_id_out = NULL;
	if (given != NULL) {
		*member_id_out = mem_strdup(given);
		return true;
	}
	if (config->host != NULL) {
		*member_id_out = member_id_claim_numbered(cluster, group, config->host);
		return true;
	}
	switch (member_id_claim(cluster, group, config->run.instance)) {
	case MEMBER_ID_TAKEN:
		log_error("another kpid on this machine is in the group %s as \"%s\": "
		          "give each instance a run.instance of its own",
		          group, config->run.instance);
		return false;
	case MEMBER_ID_UNGUARDED:
		log_warning("the name \"%s\" cannot be reserved on this machine: "
		            "make sure that no other instance has it",
		            config->run.instance);
		break;
	case MEMBER_ID_CLAIMED:
		break;
	}
	*member_id_out = mem_strdup(config->run.instance);
	return true;
}

/* member_id: where the name is kept that the first run claims for all later ones. */
static int run_once(struct cli *cli, bool takes_over, char **member_id, bool *is_claimed)
{
	struct kpid_config *config;
	/* Ignore reloads until the event loop handles them: the configuration is about to be read anyway. */
	signal(SIGHUP, SIG_IGN);
	int status = cli_load_config(cli, &config);
	if (status != CLI_OK)
		return status;
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct receivers *receivers = receivers_load(config->alert.receivers_file, &errors);
	bool can_run = kpid_config_can_run(config, &errors);
	can_run = metrics_listen_check(config, &errors) && receivers != NULL && can_run;
	if (!can_run)
		cli_print_errors(&errors);
	config_errors_release(&errors);
	/* Wait for a server that is away, but not for a database that kpid may not write to. */
	status = can_run ? preflight(cli, config, true) : CLI_CONFIG;
	if (status == CLI_OK && !*is_claimed && !claim_member_id(config, member_id))
		status = CLI_CONFIG;
	if (status != CLI_OK) {
		receivers_free(receivers);
		kpid_config_free(config);
		return status;
	}
	*is_claimed = true;
	if (*member_id != NULL)
		config->member_id = mem_strdup(*member_id);
	/* Under systemd, stderr is the journal, which adds its own time stamps. */
	log_set_journal(getenv("JOURNAL_STREAM") != NULL);
	return kafka_feed_run(config, receivers,
	                      &(struct kafka_feed_order){.path = kpid_config_path(cli->config_path),
	                                                 .sets = cli->sets,
	                                                 .n_sets = cli->n_sets,
	                                                 .takes_over = takes_over});
}

int cmd_run(struct cli *cli, int argc, char **argv)
{
	enum { TAKE_OVER = 256 };
	static const struct option options[] = {{"take-over-settings", no_argument, NULL, TAKE_OVER},
	                                        {NULL, 0, NULL, 0}};
	int option, status = CLI_OK;
	char *member_id = NULL;
	bool is_claimed = false, takes_over = false;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) != -1) {
		if (option != TAKE_OVER)
			return status;
		takes_over = true;
	}
	if (!cli_arguments(cli, argc, 0, 0))
		return CLI_USAGE;
	while ((status = run_once(cli, takes_over, &member_id, &is_claimed)) == KPID_RUN_AGAIN) {
		sleep(REJOIN_AFTER_S);
		takes_over = false;
	}
	free(member_id);
	return status;
}
