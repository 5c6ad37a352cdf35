/* The settings of the ledger (rule L5), which all instances share: as stored in kpid.setting, or else their defaults.
 */
#ifndef KPID_APP_LEDGER_SETTINGS_H
#define KPID_APP_LEDGER_SETTINGS_H

#include <libpq-fe.h>

#include "kpid/config.h"
#include "kpid/core/ledger.h"

struct shared_settings;

struct ledger_settings {
	struct ledger_rules rules;
	int64_t repeat_within_us;
};

/* From the row of queries/ledger_begin.sql. */
void ledger_settings_read(struct ledger_settings *settings_out, const PGresult *result);
/* Writes each setting that the configuration names, as it is stored; value NULL: the configuration does not name it. */
void ledger_settings_each(const struct kpid_config *config,
                          void (*add)(struct shared_settings *to, const char *name, const char *value),
                          struct shared_settings *to);

#endif
