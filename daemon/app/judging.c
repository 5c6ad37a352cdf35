#include "app/judging.h"

void judging_drop(struct judging *judging)
{
	rules_view_drop(judging->rules);
	kpid_config_free(judging->config);
	*judging = (struct judging){NULL, NULL};
}

void judging_hold(struct judging *judging, struct rules_book *book, struct kpid_config *config)
{
	struct judging now = {rules_book_hold(book), kpid_config_hold(config)};
	judging_drop(judging);
	*judging = now;
}

struct batch_rules judging_rules(const struct judging *judging, int64_t as_of_us)
{
	return (struct batch_rules){
	        .fold = {judging->rules->current, judging->config->kpi.fcr_window_us},
	        .as_of_us = as_of_us,
	        .revision_by_no = rules_view_by_no,
	        .context = judging->rules,
	};
}
