/* kpid doctor: the files that the configuration names. */
#include "app/receivers.h"
#include "cli/doctor.h"
#include "cli/policy_file.h"

static void say_faults(struct doctor *doctor, const char *check, enum doctor_level level, const char *advice,
                       const struct config_faults *faults)
{
	for (size_t i = 0; i < faults->n; i++)
		doctor_format(doctor, check, level, advice, "%s:%d: %s: %s", faults->items[i].file,
		              faults->items[i].line, faults->items[i].key, faults->items[i].message);
}

static void look_at_policies(struct doctor *doctor)
{
	struct config_faults faults = CONFIG_FAULTS_INIT;
	const char *path = doctor->config->sla.policy_file;
	if (path == NULL) {
		doctor_format(doctor, "policies", DOCTOR_WARN,
		              "name a file in sla.policy_file; deploy/policy.minimal.json is one to begin with",
		              "there is no file of policies: no deadlines, no alerts");
		return;
	}
	struct policy_set *set = policy_file_read(path, true, &faults, NULL);
	policy_set_free(set);
	if (set != NULL) {
		doctor_format(doctor, "policies", DOCTOR_OK, "", "%s has no faults", path);
	} else {
		/* Legal, but surely not meant? */
		struct config_faults legal = CONFIG_FAULTS_INIT;
		set = policy_file_read(path, false, &legal, NULL);
		say_faults(doctor, "policies", set == NULL ? DOCTOR_FAIL : DOCTOR_WARN,
		           "mend the file, then kpid policy check FILE; until then what is in force stays", &faults);
		policy_set_free(set);
		config_faults_release(&legal);
	}
	config_faults_release(&faults);
}

static void look_at_receivers(struct doctor *doctor)
{
	struct config_faults faults = CONFIG_FAULTS_INIT;
	const char *path = doctor->config->alert.receivers_file;
	if (path == NULL)
		return;
	struct receivers *receivers = receivers_load(path, &faults);
	if (receivers != NULL)
		doctor_format(doctor, "receivers", DOCTOR_OK, "", "%s has no faults", path);
	else
		say_faults(doctor, "receivers", DOCTOR_FAIL, "mend the file: a daemon does not start with it", &faults);
	receivers_free(receivers);
	config_faults_release(&faults);
}

static void look_at_configuration(struct doctor *doctor)
{
	struct config_faults faults = CONFIG_FAULTS_INIT;
	if (kpid_config_can_run(doctor->config, &faults))
		doctor_format(doctor, "configuration", DOCTOR_OK, "", "%s has what a daemon needs",
		              doctor->config->file == NULL ? "what is set" : doctor->config->file);
	else
		say_faults(doctor, "configuration", DOCTOR_FAIL, "kpid check-config --sample shows every option",
		           &faults);
	config_faults_release(&faults);
}

void doctor_look_at_files(struct doctor *doctor)
{
	look_at_configuration(doctor);
	look_at_policies(doctor);
	look_at_receivers(doctor);
}
