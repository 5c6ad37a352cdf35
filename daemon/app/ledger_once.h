/* Refreshes the ledger once, for a command. */
#ifndef KPID_APP_LEDGER_ONCE_H
#define KPID_APP_LEDGER_ONCE_H

#include "app/ledger_refresh.h"

/* Takes ownership of config. all: all tickets are folded again. Returns an exit code. */
int ledger_once_run(struct kpid_config *config, bool all, struct ledger_report *report_out);

#endif
