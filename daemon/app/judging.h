/* What a batch is judged by while it is on its way. It stays as it is, whatever is reloaded meanwhile. */
#ifndef KPID_APP_JUDGING_H
#define KPID_APP_JUDGING_H

#include "app/rules_book.h"
#include "kpid/config.h"
#include "kpid/core/batch.h"

struct judging {
	struct rules_view *rules; /* NULL: nothing is held */
	struct kpid_config *config;
};

/* Holds what is in force now, in the place of what was held. */
void judging_hold(struct judging *judging, struct rules_book *book, struct kpid_config *config);
void judging_drop(struct judging *judging);
/* Good until judging_drop(). */
struct batch_rules judging_rules(const struct judging *judging, int64_t as_of_us);

#endif
