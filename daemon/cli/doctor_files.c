/* kpid doctor: the configuration, and the files that it names. */
#include "app/receivers.h"
#include "cli/doctor.h"
#include "cli/policy_file.h"

static void add_errors(struct doctor *doctor, const char *check, enum doctor_level level, const char *advice,
                       const struct config_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		struct buf line = BUF_INIT;
		config_error_write(&errors->items[i], &line);
		doctor_say(doctor, check, level, buf_text(&line), text_of(advice));
		buf_release(&line);
	}
}

static void check_policies(struct doctor *doctor)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	const char *path = doctor->config->sla.policy_file;
	if (path == NULL) {
		doctor_format(doctor, "policies", DOCTOR_WARN,
		              "set sla.policy_file; deploy/policy.minimal.json is an example to start from",
		              "there is no policy file: no deadlines and no alerts");
		return;
	}
	struct policy_set *set = policy_file_read(path, true, &errors, NULL);
	policy_set_free(set);
	if (set != NULL) {
		doctor_format(doctor, "policies", DOCTOR_OK, "", "%s has no errors", path);
	} else {
		/* Is it legal, but probably not intended? */
		struct config_errors legal = CONFIG_ERRORS_INIT;
		set = policy_file_read(path, false, &legal, NULL);
		add_errors(doctor, "policies", set == NULL ? DOCTOR_FAIL : DOCTOR_WARN,
		           "correct the file, then run kpid policy check FILE; until then running daemons keep their "
		           "policies",
		           &errors);
		policy_set_free(set);
		config_errors_release(&legal);
	}
	config_errors_release(&errors);
}

static void check_receivers(struct doctor *doctor)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	const char *path = doctor->config->alert.receivers_file;
	if (path == NULL)
		return;
	struct receivers *receivers = receivers_load(path, &errors);
	if (receivers != NULL)
		doctor_format(doctor, "receivers", DOCTOR_OK, "", "%s has no errors", path);
	else
		add_errors(doctor, "receivers", DOCTOR_FAIL, "correct the file: a daemon does not start with it",
		           &errors);
	receivers_free(receivers);
	config_errors_release(&errors);
}

static void check_configuration(struct doctor *doctor)
{
	struct config_errors errors = CONFIG_ERRORS_INIT;
	if (kpid_config_can_run(doctor->config, &errors))
		doctor_format(doctor, "configuration", DOCTOR_OK, "", "%s is complete",
		              doctor->config->file == NULL ? "the configuration" : doctor->config->file);
	else
		add_errors(doctor, "configuration", DOCTOR_FAIL, "kpid check-config --sample shows every option",
		           &errors);
	config_errors_release(&errors);
}

void doctor_check_files(struct doctor *doctor)
{
	check_configuration(doctor);
	check_policies(doctor);
	check_receivers(doctor);
}
