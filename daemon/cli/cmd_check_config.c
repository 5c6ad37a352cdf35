#include <string.h>

#include "app/mappings.h"
#include "app/metrics_endpoint.h"
#include "app/metrics_table.h"
#include "app/receivers.h"
#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/policy_file.h"
#include "config/config_internal.h"
#include "hook/endpoints.h"

enum { SHOW = 256, SAMPLE, MAN, MARKDOWN, METRICS };

/* Adds warnings for settings that are legal but probably not intended. */
static void add_warnings(const struct kpid_config *config, struct config_errors *errors)
{
	const char *host = config_pairs_get(&config->postgres, "host");
	if (host == NULL)
		host = config_pairs_get(&config->postgres, "hostaddr");
	if (host == NULL || strchr(host, ',') == NULL ||
	    config_pairs_get(&config->postgres, "target_session_attrs") != NULL)
		return;
	config_error_add(errors, config->file == NULL ? "defaults" : config->file, 0, "postgres.target_session_attrs",
	                 "set it to read-write: one of several hosts may be a standby, which accepts no writes");
	errors->items[errors->n - 1].warning = true;
}

/* The errors are the data of this command: they go to stdout. */
static int report(const struct cli *cli, const struct kpid_config *config, struct config_errors *errors)
{
	struct buf out = BUF_INIT;
	struct config_errors missing = CONFIG_ERRORS_INIT;
	bool good = config != NULL && errors->n == 0;
	bool can_run = good && kpid_config_can_run(config, &missing);
	if (good)
		add_warnings(config, errors);
	if (cli->json) {
		buf_add_format(&out, "{\"ok\": %s, \"can_run\": %s, \"faults\": ", good ? "true" : "false",
		               can_run ? "true" : "false");
		config_errors_write_json(errors, &out);
		buf_add_str(&out, "}\n");
	} else if (!good) {
		config_errors_write(errors, &out);
	} else {
		buf_add_format(&out, "%s: ok\n", config->file == NULL ? "defaults" : config->file);
		config_errors_write(errors, &out);
		if (!can_run) {
			buf_add_str(&out, "kpid run needs more:\n");
			config_errors_write(&missing, &out);
		}
	}
	cli_print_data(cli, &out);
	config_errors_release(&missing);
	return good ? CLI_OK : CLI_CONFIG;
}

static int check(const struct cli *cli)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	struct kpid_config *config =
	        kpid_config_load(kpid_config_path(cli->config_path), cli->sets, cli->n_sets, &errors);
	if (config != NULL && config->sla.policy_file != NULL)
		policy_set_free(policy_file_read(config->sla.policy_file, false, &errors, NULL));
	if (config != NULL)
		(void)metrics_listen_check(config, &errors);
	if (config != NULL)
		mappings_free(mappings_load(config, &errors));
	if (config != NULL)
		endpoints_free(endpoints_load(config, &errors));
	if (config != NULL)
		receivers_free(receivers_load(config->alert.receivers_file, &errors));
	int status = report(cli, config, &errors);
	config_errors_release(&errors);
	kpid_config_free(config);
	return status;
}

static int show(const struct cli *cli)
{
	struct kpid_config *config;
	int status = cli_load_config(cli, &config);
	if (status != CLI_OK)
		return status;
	struct buf out = BUF_INIT;
	if (cli->json) {
		kpid_config_write_json(config, &out);
		buf_add_char(&out, '\n');
	} else {
		kpid_config_write(config, &out);
	}
	cli_print_data(cli, &out);
	kpid_config_free(config);
	return CLI_OK;
}

int cmd_check_config(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
	        {"show", no_argument, NULL, SHOW},       {"sample", no_argument, NULL, SAMPLE},
	        {"man", no_argument, NULL, MAN},         {"markdown", no_argument, NULL, MARKDOWN},
	        {"metrics", no_argument, NULL, METRICS}, {NULL, 0, NULL, 0}};
	int option, status, asked = 0;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		if (asked != 0 && asked != option)
			return cli_usage_error(cli, "only one of --show, --sample, --man, --markdown and --metrics");
		asked = option;
	}
	if (option == CLI_OPTION_DONE)
		return status;
	if (!cli_arguments(cli, argc, 0, 0))
		return CLI_USAGE;
	struct buf out = BUF_INIT;
	switch (asked) {
	case SHOW:
		return show(cli);
	case SAMPLE:
		kpid_config_write_sample(&out);
		break;
	case MAN:
		kpid_config_write_man(&out);
		break;
	case MARKDOWN:
		kpid_config_write_markdown(&out);
		break;
	case METRICS:
		metrics_write_markdown(&out);
		break;
	default:
		return check(cli);
	}
	cli_print_data(cli, &out);
	return CLI_OK;
}
