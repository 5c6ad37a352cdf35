/* kpid hook: the receiver of webhooks. */
#include <stdlib.h>

#include "cli/cli.h"
#include "config/config_internal.h"
#include "hook/hook.h"
#include "kpid/base/log.h"

static bool can_receive(const struct kpid_config *config, struct config_errors *errors)
{
	if (config->hooks.n == 0)
		config_error_add(errors, config->file == NULL ? "defaults" : config->file, 0, "hook",
		                 "there is no section [hook NAME]; add one for each help desk that sends webhooks");
	return kpid_config_can_run(config, errors) && config->hooks.n > 0;
}

static int run(const struct kpid_config *config, struct endpoints *endpoints)
{
	struct buf error = BUF_INIT;
	int status = CLI_CONFIG;
	struct hook *hook = hook_new(config, endpoints, &error);
	if (hook == NULL)
		log_error("%s", error.data);
	else
		status = hook_run(hook) ? CLI_OK : CLI_FAILED;
	hook_free(hook);
	buf_release(&error);
	return status;
}

int cmd_hook(struct cli *cli, int argc, char **argv)
{
	int status;
	struct kpid_config *config;
	struct config_errors errors = CONFIG_ERRORS_INIT;
	while ((status = CLI_OK, cli_option(cli, argc, argv, "", NULL, &status)) != -1)
		return status;
	if (!cli_arguments(cli, argc, 0, 0))
		return CLI_USAGE;
	status = cli_load_config(cli, &config);
	if (status != CLI_OK)
		return status;
	log_set_journal(getenv("JOURNAL_STREAM") != NULL);
	struct endpoints *endpoints = can_receive(config, &errors) ? endpoints_load(config, &errors) : NULL;
	if (endpoints == NULL)
		cli_print_errors(&errors);
	status = endpoints == NULL ? CLI_CONFIG : run(config, endpoints);
	endpoints_free(endpoints);
	config_errors_release(&errors);
	kpid_config_free(config);
	return status;
}
