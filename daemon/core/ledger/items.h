/* The answers to the items of a survey (rule L6). */
#ifndef KPID_CORE_LEDGER_ITEMS_H
#define KPID_CORE_LEDGER_ITEMS_H

#include "../ticket/contribution.h"
#include "kpid/core/ledger.h"

/* numerator / denominator in millionths, rounded half away from zero. denominator > 0. */
int64_t ledger_quotient_micros(int64_t numerator, int64_t denominator);
/* Appends the items of a survey to items, which has room for *n_items of them, and grows in the arena. */
void ledger_add_items(const struct kpi_survey *survey, struct text project_id, struct text team_id, struct arena *arena,
                      struct ledger_item **items, size_t *n_items, size_t *capacity);

#endif
