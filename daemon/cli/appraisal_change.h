/* Adjustments of closed cards, as the actions adjust and decide send and print them. */
#ifndef KPID_CLI_APPRAISAL_CHANGE_H
#define KPID_CLI_APPRAISAL_CHANGE_H

#include <jansson.h>

#include "cli/appraisal.h"

/* The adjustment of --exclude, --indicator, --points and --undo. An empty object if none is given. */
json_t *appraisal_change(const struct appraisal_request *request);
/* Prints what an adjustment did, as one line. */
void appraisal_print_adjustment(const json_t *done);

#endif
