#include "app/judging.h"

void judging_drop(struct judging *judging)
{
	policy_snapshot_drop(judging->rules);
	kpid_config_free(judging->config);
	*judging = (struct judging){NULL, NULL};
}

void judging_hold(struct judging *judging, struct policy_registry *registry, struct kpid_config *config)
{
	struct judging now = {policy_registry_hold(registry), kpid_config_hold(config)};
	judging_drop(judging);
	*judging = now;
}

struct batch_rules judging_rules(const struct judging *judging, int64_t as_of_us)
{
	return (struct batch_rules){
	        .fold = {judging->rules->current, judging->config->kpi.fcr_window_us},
	        .as_of_us = as_of_us,
	        .revision_by_no = policy_snapshot_by_no,
	        .context = judging->rules,
	};
}
