/* The policies and configuration that a batch is judged by. They stay the same during a reload. */
#ifndef KPID_APP_JUDGING_H
#define KPID_APP_JUDGING_H

#include "app/policy_registry.h"
#include "kpid/config.h"
#include "kpid/core/batch.h"

struct judging {
	struct policy_snapshot *rules; /* NULL: none are held */
	struct kpid_config *config;
};

/* Replaces what is held by what is in force now. */
void judging_hold(struct judging *judging, struct policy_registry *registry, struct kpid_config *config);
void judging_drop(struct judging *judging);
/* Valid until judging_drop(). */
struct batch_rules judging_rules(const struct judging *judging, int64_t as_of_us);

#endif
