#include <stdio.h>
#include <string.h>

#include "app/receivers.h"
#include "cli/cli.h"
#include "cli/json_out.h"
#include "cli/policy_file.h"
#include "config/config_internal.h"

enum { SHOW = 256, SAMPLE, MAN };

static void print(const struct cli *cli, struct buf *text)
{
	if (cli->json)
		json_print_text(buf_text(text));
	else
		fwrite(buf_text(text).ptr, 1, text->len_bytes, stdout);
	buf_release(text);
}

/* What is legal, and hardly what is meant. */
static void add_warnings(const struct kpid_config *config, struct config_faults *faults)
{
	const char *host = config_pairs_get(&config->postgres, "host");
	if (host == NULL)
		host = config_pairs_get(&config->postgres, "hostaddr");
	if (host == NULL || strchr(host, ',') == NULL ||
	    config_pairs_get(&config->postgres, "target_session_attrs") != NULL)
		return;
	config_fault_add(faults, config->file == NULL ? "defaults" : config->file, 0, "postgres.target_session_attrs",
	                 "set it to read-write: of several hosts, one may be a standby, which takes no writes");
	faults->items[faults->n - 1].warning = true;
}

/* Faults are what was asked for: they go to stdout. */
static int report(const struct cli *cli, const struct kpid_config *config, struct config_faults *faults)
{
	struct buf out = BUF_INIT;
	struct config_faults missing = CONFIG_FAULTS_INIT;
	bool good = config != NULL && faults->n == 0;
	bool can_run = good && kpid_config_can_run(config, &missing);
	if (good)
		add_warnings(config, faults);
	if (cli->json) {
		buf_add_format(&out, "{\"ok\": %s, \"can_run\": %s, \"faults\": ", good ? "true" : "false",
		               can_run ? "true" : "false");
		config_faults_write_json(faults, &out);
		buf_add_str(&out, "}\n");
	} else if (!good) {
		config_faults_write(faults, &out);
	} else {
		buf_add_format(&out, "%s: ok\n", config->file == NULL ? "defaults" : config->file);
		config_faults_write(faults, &out);
		if (!can_run) {
			buf_add_str(&out, "for kpid run something is missing:\n");
			config_faults_write(&missing, &out);
		}
	}
	print(cli, &out);
	config_faults_release(&missing);
	return good ? CLI_OK : CLI_CONFIG;
}

static int check(const struct cli *cli)
{
	struct config_faults faults = CONFIG_FAULTS_INIT;
	struct kpid_config *config =
	        kpid_config_load(kpid_config_path(cli->config_path), cli->sets, cli->n_sets, &faults);
	if (config != NULL && config->sla.policy_file != NULL)
		policy_set_free(policy_file_read(config->sla.policy_file, false, &faults, NULL));
	if (config != NULL)
		receivers_free(receivers_load(config->alert.receivers_file, &faults));
	int status = report(cli, config, &faults);
	config_faults_release(&faults);
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
	print(cli, &out);
	kpid_config_free(config);
	return CLI_OK;
}

int cmd_check_config(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"show", no_argument, NULL, SHOW},
	                                        {"sample", no_argument, NULL, SAMPLE},
	                                        {"man", no_argument, NULL, MAN},
	                                        {NULL, 0, NULL, 0}};
	int option, status, asked = 0;
	while ((option = cli_option(cli, argc, argv, "", options, &status)) >= 0) {
		if (asked != 0 && asked != option)
			return cli_usage_error(cli, "only one of --show, --sample and --man");
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
	default:
		return check(cli);
	}
	print(cli, &out);
	return CLI_OK;
}
